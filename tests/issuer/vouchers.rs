//! Batches of vouchers for a desk: an end, and revocation.

use tabir::config::roles;
use tabir::issuer::batches::{list, make, revoke};
use tabir_crypto::token::batch::MAX_BATCH;

use super::batch::batch;
use super::*;

const DAY: u64 = 86_400;

fn config(dir: &Path) -> roles::Issuer {
    roles::Issuer::new(dir.into(), EPOCH, OVERLAP, None)
}

#[tokio::test]
async fn a_desks_codes_end_together_and_are_revoked_together() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let key = issuer.key().await;
    let config = config(dir.path());
    let first = make(&config, &issuer.clock, "Balai Kota", 12, 5).await.unwrap();
    let second = make(&config, &issuer.clock, "Pasar", 3, 5).await.unwrap();
    assert_eq!((first.id, second.id, first.codes.len()), (1, 2, 12));
    let code = |c: &VoucherCode| format!("voucher {}", c.text());

    let (body, pending) = batch(&key, MAX_BATCH);
    let answer = issuer.ask_batch(&code(&first.codes[0]), &body).await.unwrap();
    pending.finalize(&answer).unwrap();
    assert!(revoke(&config, 1).await.unwrap());
    assert!(!revoke(&config, 9).await.unwrap());
    let other = batch(&key, 1).0;
    assert_eq!(refused(issuer.ask_batch(&code(&first.codes[1]), &other).await), unauthorized("attestation-expired"));
    // Who paid before gets the lost answer still, and nothing else.
    assert_eq!(issuer.ask_batch(&code(&first.codes[0]), &body).await.unwrap(), answer);
    assert_eq!(refused(issuer.ask_batch(&code(&first.codes[0]), &other).await), unauthorized("attestation-spent"));

    // The other desk is not touched, until its own end: five full days after this one.
    issuer.ask_batch(&code(&second.codes[0]), &other).await.unwrap();
    issuer.clock.set(second.expires - 1);
    issuer.ask_batch(&code(&second.codes[1]), &other).await.unwrap();
    issuer.clock.set(second.expires);
    assert_eq!(second.expires, (START / DAY + 6) * DAY);
    assert_eq!(refused(issuer.ask_batch(&code(&second.codes[2]), &other).await), unauthorized("attestation-expired"));

    let listed = list(&config).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|b| (b.desk.as_str(), b.made, b.revoked, b.used_at_least)).collect();
    assert_eq!(shown, [("Balai Kota", 12, true, Some(0)), ("Pasar", 3, false, None)]);
}

#[tokio::test]
async fn the_store_knows_codes_of_a_batch_by_their_hash_alone() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let made = make(&config(dir.path()), &issuer.clock, "Balai Kota", 2, 5).await.unwrap();
    issuer.store.db().checkpoint().await.unwrap();
    assert!(found(dir.path(), b"Balai Kota"));
    for code in &made.codes {
        assert!(found(dir.path(), &code.hash()));
        assert!(!found(dir.path(), code.text().as_bytes()));
        assert!(!found(dir.path(), code.text().replace('-', "").as_bytes()));
    }
}

#[tokio::test]
async fn a_batch_has_a_name_a_size_and_a_life_that_make_sense() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let clock = Clock::manual(START);
    let desks = ["", "two\nlines", &"x".repeat(65)].map(|desk| (desk.to_owned(), 1, 1));
    let numbers = [(0, 1), (10_001, 1), (1, 0), (1, 367)].map(|(count, days)| ("desk".to_owned(), count, days));
    for (desk, count, days) in desks.into_iter().chain(numbers) {
        assert!(make(&config, &clock, &desk, count, days).await.is_err(), "{desk:?} {count} {days}");
    }
    assert!(list(&config).await.unwrap().is_empty());
}
