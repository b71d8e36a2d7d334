//! One attestation buys one batch, and the same batch again.

use std::sync::Arc;

use tabir::http::{Answer, HttpError};
use tabir_crypto::token::batch::{BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE, MAX_BATCH, join_requests};
use tabir_crypto::token::{BatchResponse, PendingBatch, TokenKey, blind_batch, verify};
use tabir_crypto::{Secret, SecretBytes};

use super::*;

pub fn batch(key: &TokenKey, count: usize) -> (Vec<u8>, PendingBatch) {
    let (request, pending) = blind_batch(&SecretBytes::random(&mut Random), key, &challenge(), count).unwrap();
    (request.encode().unwrap(), pending)
}

impl Issuer {
    pub async fn ask_batch(&self, attestation: &str, body: &[u8]) -> Result<BatchResponse, HttpError> {
        let answer: Answer = self.post(BATCH_REQUEST_TYPE, Some(attestation), body).await?;
        assert_eq!(answer.headers["content-type"], BATCH_RESPONSE_TYPE);
        Ok(BatchResponse::decode(&answer.body).unwrap())
    }
}

#[tokio::test]
async fn an_attestation_buys_one_batch_of_up_to_eight() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let key = issuer.key().await;
    for attestation in [issuer.voucher().await, solve(&issuer.offer().await)] {
        let (body, pending) = batch(&key, MAX_BATCH);
        let answer = issuer.ask_batch(&attestation, &body).await.unwrap();
        let tokens = pending.finalize(&answer).unwrap();
        assert_eq!(tokens.len(), 8);
        assert!(tokens.iter().all(|token| verify(token, &challenge().digest(), &key).is_ok()));
        assert_eq!(issuer.ask_batch(&attestation, &body).await.unwrap(), answer);
        // Neither a further batch nor a further single token.
        assert_eq!(refused(issuer.ask_batch(&attestation, &batch(&key, 1).0).await), unauthorized("attestation-spent"));
        assert_eq!(refused(issuer.ask(&attestation, &request(&key).0).await), unauthorized("attestation-spent"));
    }
    // One that bought a single token buys no batch.
    let single = issuer.voucher().await;
    issuer.ask(&single, &request(&key).0).await.unwrap();
    assert_eq!(refused(issuer.ask_batch(&single, &batch(&key, 8).0).await), unauthorized("attestation-spent"));
}

#[tokio::test]
async fn a_batch_that_cannot_be_signed_whole_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (key, voucher) = (issuer.key().await, issuer.voucher().await);
    let (body, pending) = batch(&key, MAX_BATCH);
    let single = request(&key).0;
    let changed = |at: usize, to: u8| {
        let mut changed = body.clone();
        changed[at] = to;
        changed
    };
    // The last of the eight is wrong, all others are sound.
    let last = 2 + 7 * 259;
    for (what, wrong, code) in [
        ("nothing", vec![], "size"),
        ("an empty batch", vec![0], "too-few"),
        ("nine", join_requests(&[&single[..]; 9]).unwrap(), "size"),
        ("a byte less", body[..body.len() - 1].to_vec(), "size"),
        ("a byte more", [&body[..], &[0]].concat(), "trailing"),
        ("much more", vec![0x40; 100_000], "size"),
        ("one of an unknown type", changed(last + 1, 9), "token-type"),
        ("one for another key", changed(last + 2, key.truncated_id() ^ 1), "token-key"),
        ("one above the modulus", [&body[..last + 3], &[0xff; 256]].concat(), "field"),
        ("a single request", single.clone(), "trailing"),
    ] {
        assert_eq!(refused(issuer.ask_batch(&voucher, &wrong).await), unprocessable(code), "{what}");
    }
    let other = issuer.post("application/private-token-generic-batch-request; v=1", Some(&voucher), &body).await;
    assert_eq!(refused(other), (415, "media-type".into()));
    assert_eq!(refused(issuer.ask(&voucher, &body).await), unprocessable("size"));
    pending.finalize(&issuer.ask_batch(&voucher, &body).await.unwrap()).unwrap();
}

/// A puzzle has half an hour, what it bought has an epoch.
#[tokio::test]
async fn a_puzzle_that_expired_gets_what_it_bought_again_until_the_epoch_ends() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let key = issuer.key().await;
    let solution = solve(&issuer.offer().await);
    let (body, _) = batch(&key, MAX_BATCH);
    let answer = issuer.ask_batch(&solution, &body).await.unwrap();
    for later in [1_800, 2 * 86_400, 19 * 86_400] {
        issuer.clock.set(START + later);
        issuer.service.maintain().await.unwrap();
        assert_eq!(issuer.ask_batch(&solution, &body).await.unwrap(), answer, "{later}");
        assert_eq!(refused(issuer.ask_batch(&solution, &batch(&key, 8).0).await), unauthorized("attestation-spent"));
    }
    issuer.clock.set(701 * EPOCH);
    assert_eq!(refused(issuer.ask_batch(&solution, &body).await), unprocessable("token-key"));
}

#[tokio::test]
async fn fifty_batches_at_once_for_one_voucher_get_one_answer() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Arc::new(Issuer::start(dir.path()).await);
    let (key, voucher) = (issuer.key().await, issuer.voucher().await);
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (issuer, voucher, (body, _)) = (Arc::clone(&issuer), voucher.clone(), batch(&key, 2));
            tokio::spawn(async move { issuer.ask_batch(&voucher, &body).await.is_ok() })
        })
        .collect();
    let mut granted = 0;
    for answer in asked {
        granted += usize::from(answer.await.unwrap());
    }
    assert_eq!(granted, 1);
}

/// Every state that a crash can leave behind is a state of the store: nothing spent, or spent with the request's hash. The
/// store is copied at each of them, and an issuer that starts on the copy gives the one answer that fits.
#[tokio::test]
async fn a_crash_at_any_point_burns_nothing_and_gives_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (key, voucher, solution) = (issuer.key().await, issuer.voucher().await, solve(&issuer.offer().await));
    let (body, pending) = batch(&key, MAX_BATCH);
    let copy = || {
        let to = tempfile::tempdir().unwrap();
        folder::copy_folder(dir.path(), to.path());
        to
    };
    issuer.store.db().checkpoint().await.unwrap();
    let mut states = vec![("before", copy())];
    for attestation in [&voucher, &solution] {
        issuer.ask_batch(attestation, &body).await.unwrap();
        states.push(("after one is spent, its answer lost", copy()));
    }
    drop(issuer);
    for (what, state) in states {
        let issuer = Issuer::start(state.path()).await;
        for attestation in [&voucher, &solution] {
            let answer = issuer.ask_batch(attestation, &body).await.unwrap();
            assert_eq!(pending.finalize(&answer).unwrap().len(), 8, "{what}");
            let other = issuer.ask_batch(attestation, &batch(&key, 8).0).await;
            assert_eq!(refused(other), unauthorized("attestation-spent"), "{what}");
        }
    }
}

/// Whoever has one voucher can ask for its eight signatures again and again, each time for the work of eight.
#[tokio::test]
async fn a_flood_of_one_kind_is_told_to_wait_and_the_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start_limited(dir.path(), 4).await;
    let (key, voucher, other) = (issuer.key().await, issuer.voucher().await, issuer.voucher().await);
    let (body, pending) = batch(&key, MAX_BATCH);
    issuer.ask_batch(&voucher, &body).await.unwrap();
    issuer.ask_batch(&voucher, &body).await.unwrap();
    let (late, waiting) = batch(&key, MAX_BATCH);
    let busy = issuer.ask_batch(&other, &late).await.unwrap_err();
    assert_eq!((busy.status(), busy.code()), (Some(429), Some("rate-limited")));
    let wait: u64 = busy.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    // Puzzles have a budget of their own, and what is no voucher takes nothing of theirs.
    issuer.ask_batch(&solve(&issuer.offer().await), &batch(&key, MAX_BATCH).0).await.unwrap();
    issuer.clock.set(START + wait);
    for _ in 0..100 {
        let unknown = issuer.ask_batch("voucher 0000-0000-0000-0000", &late).await;
        assert_eq!(refused(unknown), unauthorized("attestation-invalid"));
    }
    // Who was told to wait has paid, asks for the same again, and has it.
    waiting.finalize(&issuer.ask_batch(&other, &late).await.unwrap()).unwrap();
    drop(pending);
}

/// Before the budget and before the Argon2: a flood of made-up puzzles costs two hashes each.
#[tokio::test]
async fn a_foreign_puzzle_takes_nothing_of_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start_limited(dir.path(), 2).await;
    let key = issuer.key().await;
    let foreign = Challenge::new(&mut Random, &Secret::new([7; 32]), 0, START + 600).unwrap();
    let foreign = format!("pow {}", foreign.solve(0, 1).unwrap().unwrap().to_text());
    let (body, pending) = batch(&key, MAX_BATCH);
    for _ in 0..100 {
        assert_eq!(refused(issuer.ask_batch(&foreign, &body).await), unauthorized("attestation-invalid"));
    }
    pending.finalize(&issuer.ask_batch(&solve(&issuer.offer().await), &body).await.unwrap()).unwrap();
}

#[tokio::test]
async fn puzzles_get_harder_while_many_are_solved_and_easier_when_it_is_calm() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start_with(dir.path(), START, Some(0)).await;
    let key = issuer.key().await;
    assert_eq!(issuer.offer().await.difficulty(), 0);
    // Handing out makes nothing harder.
    for _ in 0..150 {
        issuer.offer().await;
    }
    assert_eq!(issuer.offer().await.difficulty(), 0);
    let (body, _) = batch(&key, 1);
    let mut solutions = Vec::new();
    for _ in 0..120 {
        let solution = solve(&issuer.offer().await);
        issuer.ask_batch(&solution, &body).await.unwrap();
        solutions.push(solution);
    }
    assert_eq!(issuer.offer().await.difficulty(), 1);
    // Nor does asking again for what was bought.
    for solution in &solutions {
        issuer.ask_batch(solution, &body).await.unwrap();
    }
    assert_eq!(issuer.offer().await.difficulty(), 1);
    issuer.clock.set(START + 600);
    assert_eq!(issuer.offer().await.difficulty(), 0);
}
