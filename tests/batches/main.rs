//! P1 for batches. Whoever holds all that issuer and gateway store, and even what the issuer saw on the wire and its private
//! key, cannot tell which tokens were bought together, nor by whom: nothing that both know, no order, no arithmetic. The same
//! attacks are run on clients that leak a little, each in another way, and find every one: else that they find nothing would
//! say nothing.

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)] // the gateway's own tests use the rest
#[path = "../gateway/harness.rs"]
mod harness;

mod attacks;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use attacks::{Batch, common_blinding, every_token_fits_every_request, in_order, shared};
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use common::serve;
use common::world::{NOW, TOKEN_END, identity, issuer_key};
use harness::Running;
use tabir::client::report::send;
use tabir::client::token_pool::{Pool, Taken, Waiting};
use tabir::client::tokens::{Attestation, fetch_batch};
use tabir::clock::{Clock, Random};
use tabir::db::dump::every_value;
use tabir::http::openapi::with_document;
use tabir::issuer::attester_voucher::VoucherCode;
use tabir::issuer::epochs::{Span, announcement};
use tabir::issuer::routes;
use tabir::issuer::service::{Service, Terms};
use tabir::issuer::store::Store;
use tabir_crypto::statement::body::Role;
use tabir_crypto::token::{BatchRequest, BatchResponse, Token, TokenChallenge, blind, blind_batch};
use tabir_crypto::{Secret, SecretBytes};
use tokio::sync::watch;

/// Who buys, and how many reports each writes.
const BUYERS: usize = 6;
const REPORTS: usize = 3;

/// What the issuer saw on the wire: each body that it was sent, and its answer.
type Wire = Arc<Mutex<Vec<(Vec<u8>, Vec<u8>)>>>;

/// An issuer with the key that the gateway's log has, and everything that passes by it.
async fn issuer(dir: &Path, clock: &Clock) -> (String, Store, Wire, watch::Sender<bool>) {
    let store = Store::open(&dir.join("store.sqlite")).await.unwrap();
    let span = Span { epoch: 1, not_before: NOW - 86_400, not_after: TOKEN_END };
    let announced = announcement(span, issuer_key().public(), &identity(Role::Issuer), NOW).unwrap();
    assert!(store.add_epoch(span, issuer_key(), announced).await.unwrap());
    let terms = Terms { epoch_s: 30 * 86_400, overlap_s: 86_400, pow_bits: None, signatures_per_s: 1_000 };
    let service = Service::new(store.clone(), clock.clone(), identity(Role::Issuer), terms, None).await.unwrap();
    let wire = Wire::default();
    let seen = Arc::clone(&wire);
    let watched = move |request: Request, next: Next| {
        let seen = Arc::clone(&seen);
        async move {
            let (parts, body) = request.into_parts();
            let sent = to_bytes(body, 1 << 20).await.unwrap();
            let answer = next.run(Request::from_parts(parts, sent.clone().into())).await;
            let (parts, body) = answer.into_parts();
            let answered: Bytes = to_bytes(body, 1 << 20).await.unwrap();
            seen.lock().unwrap().push((sent.to_vec(), answered.to_vec()));
            Response::from_parts(parts, axum::body::Body::from(answered)).into_response()
        }
    };
    let (url, stop) = serve(with_document(routes::public(Arc::new(service))).layer(from_fn(watched))).await;
    (url, store, wire, stop)
}

fn challenge() -> TokenChallenge {
    TokenChallenge::new(common::world::ISSUER, common::world::ORIGIN).unwrap()
}

/// A batch as an attacker has it who is the issuer: requests and answers, and, from whoever redeemed them, the tokens.
fn seen(request: &BatchRequest, tokens: Vec<Token>) -> Batch {
    let answer = issuer_key().blind_sign_batch(&mut Random, request).unwrap();
    Batch::new(issuer_key().public(), request.requests(), answer.responses(), tokens)
}

/// Scenario 23, for batches: everything real, over HTTP.
#[tokio::test]
async fn nothing_that_is_stored_or_seen_links_the_tokens_of_a_batch() {
    let (at_issuer, at_gateway) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut running = Running::start(at_gateway.path()).await;
    let (url, store, wire, _stop) = issuer(at_issuer.path(), &running.clock).await;
    running.session.services.issuer = url;
    store.db().checkpoint().await.unwrap();
    let before: BTreeSet<_> = every_value(&at_issuer.path().join("store.sqlite")).await.unwrap().into_iter().collect();

    let (mut pools, mut batches) = (Vec::new(), Vec::new());
    for _ in 0..BUYERS {
        let code = VoucherCode::random(&mut Random);
        store.add_vouchers(vec![code.hash()]).await.unwrap();
        let tokens = fetch_batch(&running.session, &Attestation::Voucher(code.text())).await.unwrap();
        let (sent, answered) = wire.lock().unwrap().last().unwrap().clone();
        let (request, answer) = (BatchRequest::decode(&sent).unwrap(), BatchResponse::decode(&answered).unwrap());
        batches.push(Batch::new(issuer_key().public(), request.requests(), answer.responses(), tokens.clone()));
        let mut pool = Pool::default();
        pool.add(tokens, NOW);
        pools.push(pool);
    }
    running.clock.set(NOW + tabir::client::token_pool::FIRST_USE_WITHIN_S);
    for _ in 0..REPORTS {
        for pool in &mut pools {
            let Taken::Token(token) = pool.take(&running.session).unwrap() else { panic!("a batch has eight") };
            send(&running.session, &running.seal(), &token).await.unwrap();
        }
    }

    // 1. The two stores, value by value: what the purchases left at the issuer has nothing in common with the gateway's.
    store.db().checkpoint().await.unwrap();
    running.gateway.db().checkpoint().await.unwrap();
    let bought = every_value(&at_issuer.path().join("store.sqlite")).await.unwrap();
    let bought: Vec<_> = bought.into_iter().filter(|v| !before.contains(v)).collect();
    assert!(bought.len() >= 2 * BUYERS, "voucher and request hash of each");
    let stored = every_value(&at_gateway.path().join("store.sqlite")).await.unwrap();
    assert!(stored.iter().any(|v| v.len() == 32));
    assert_eq!(shared(&bought, &stored), Vec::<Vec<u8>>::new());
    // The attack sees what it looks for.
    let planted = [&stored[..], &[[&[1], &bought[bought.len() - 1][..]].concat()]].concat();
    assert!(!shared(&bought, &planted).is_empty());

    // 2. What the issuer saw, with its key: each token may have come of each request of each batch.
    let all: Vec<Token> = batches.iter().flat_map(|b| b.tokens.clone()).collect();
    for batch in &batches {
        assert!(every_token_fits_every_request(batch, &all));
        assert!(!common_blinding(batch, &all), "requests of one batch are blinded alike");
    }
}

/// Who takes tokens from a pool uses them in no order of the batch.
#[test]
fn the_place_in_a_batch_says_nothing_of_when_a_token_is_used() {
    let (request, pending) =
        blind_batch(&SecretBytes::random(&mut Random), issuer_key().public(), &challenge(), 8).unwrap();
    let answer = issuer_key().blind_sign_batch(&mut Random, &request).unwrap();
    let batch = pending.finalize(&answer).unwrap();
    let world = common::world::World::new(None);
    let session = common::world::session_with(world, "http://127.0.0.1:1".into(), NOW);
    let taken = |mut pool: Pool| -> Vec<usize> {
        let next = |pool: &mut Pool| match pool.take(&session).unwrap() {
            Taken::Token(token) => Some(batch.iter().position(|t| t.nonce == token.nonce).unwrap()),
            _ => None,
        };
        std::iter::from_fn(|| next(&mut pool)).collect()
    };
    let bought = || {
        let mut pool = Pool::default();
        pool.add(batch.clone(), NOW - tabir::client::token_pool::FIRST_USE_WITHIN_S);
        pool
    };
    let used: Vec<_> = (0..200).map(|_| taken(bought())).collect();
    assert!(used.iter().all(|order| order.len() == 8));
    assert!(!in_order(&used));
    // Nor when the file that they are kept in has them in their order.
    let kept = || Pool::new(batch.iter().cloned().map(|token| Waiting { token, ready: 0 }).collect());
    assert!(!in_order(&(0..200).map(|_| taken(kept())).collect::<Vec<_>>()));
    // The attack sees what it looks for.
    assert!(in_order(&vec![(0..8).collect(); 200]));
}

/// A client that draws one blinding factor for the whole batch.
#[test]
fn a_batch_that_is_blinded_alike_is_found() {
    struct Stuck(u8);
    impl rand_core::TryRng for Stuck {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(7)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(7)
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            // Nonces and salts are fresh, blinding factors are not.
            self.0 = self.0.wrapping_add(1);
            out.fill(if out.len() >= 256 { 7 } else { self.0 });
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Stuck {}
    let mut rng = Stuck(0);
    let both = (0..4).map(|_| blind(&mut rng, issuer_key().public(), &challenge()).unwrap());
    let (requests, pending): (Vec<_>, Vec<_>) = both.unzip();
    let request = BatchRequest::new(requests).unwrap();
    let answers = issuer_key().blind_sign_batch(&mut Random, &request).unwrap();
    let tokens: Vec<_> = pending.iter().zip(answers.responses()).map(|(p, a)| p.finalize(a).unwrap()).collect();
    assert!(common_blinding(&seen(&request, tokens.clone()), &tokens));

    let (sound, pending) = blind_batch(&Secret::new([9; 32]), issuer_key().public(), &challenge(), 4).unwrap();
    let answers = issuer_key().blind_sign_batch(&mut Random, &sound).unwrap();
    let tokens = pending.finalize(&answers).unwrap();
    assert!(!common_blinding(&seen(&sound, tokens.clone()), &tokens));
}
