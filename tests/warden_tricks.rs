//! Tricks tried on the warden by who runs log and board: what it is shown changes nothing that it should not.

mod log_support;
mod warden_support;

use tabir_crypto::codec::b64;
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::statement::body::UnsealApproved;
use tabir_crypto::statement::value::{Bytes, Hex, Hour};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::unseal::Status;

use log_support::{NOW, key, seed};
use warden_support::*;

#[tokio::test]
async fn backdated_entries_end_no_cooling_off() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let long_ago = Hour::of(NOW - 365 * DAY);
    let request = city.ask_with(&warden, &case, |_| (), |entry| entry.at = long_ago).await;
    for index in [1, 2] {
        let body = UnsealApproved { at: long_ago, ..approval(request, index, None) };
        city.append(&sign(Verb::UnsealApproved, &body, &[official(index)]));
    }
    city.witnessed(&warden).await;
    city.clock.set(NOW + COOLING - 1);
    let view = city.witnessed(&warden).await;
    assert_eq!(view.state.request(&request).unwrap().status(view.state.witnessed(), view.now), Status::Approved);
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty(), "a year old by its own word, a moment by its witness");
    city.clock.set(NOW + COOLING);
    warden.releases(&city.witnessed(&warden).await).await.unwrap();
    assert_eq!(city.said(&warden).await.len(), 1);
}

#[tokio::test]
async fn hand_outs_are_sealed_to_keys_that_officials_signed_in_the_log_and_to_no_other() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let request = city.ask(&warden, &case).await;
    let thief = KemSecretKey::from_seed(seed(200));
    // The operator writes approvals with a key of his own, in officials' names: before and after theirs.
    let forged = |index, by| {
        let body =
            UnsealApproved { kem_pk: Bytes(thief.public_key().as_bytes().to_vec()), ..approval(request, index, None) };
        city.append(&sign(Verb::UnsealApproved, &body, &[key(by)]));
    };
    forged(1, 200);
    city.approve(request, 1, None);
    city.approve(request, 2, None);
    forged(2, 200);
    city.witnessed(&warden).await;
    city.clock.set(NOW + COOLING);
    let mut view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    city.deliver(&warden).await;
    view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    let handed = city.world.handed.lock().unwrap()[0].handouts.clone();
    assert_eq!(handed.len(), 2);
    for sealed in handed {
        let place = Use::Handout { request_hash: request, index: sealed.to };
        assert!(uses::open(&fresh_key(sealed.to), &place, &sealed.sealed.0).is_ok());
        assert!(uses::open(&thief, &place, &sealed.sealed.0).is_err());
    }
}

#[tokio::test]
async fn a_replayed_release_opens_nothing_again_and_no_other_request() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, mut view) = city.approved(&warden, &case).await;
    warden.releases(&view).await.unwrap();
    let release = tabir::db::outbox::waiting(warden.store().db()).await.unwrap()[0].statement.clone();
    city.deliver(&warden).await;
    view = city.witnessed(&warden).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.world.handed.lock().unwrap().len(), 1);
    // The same entry again, in a log that should have refused it; then signed anew, which the stolen key can do.
    city.tree(|t| t.leaves.push(release.clone()));
    let anew = Statement::parse(&release).unwrap();
    let mut anew = Statement::from_payload(anew.verb(), anew.payload().to_vec()).unwrap();
    anew.sign(&log_support::identity(tabir_crypto::statement::body::Role::Warden));
    anew.sign(&key(1));
    city.append(&anew);
    let other = city.case(&warden, 2).await;
    let waiting = city.ask(&warden, &other).await;
    view = city.witnessed(&warden).await;
    for _ in 0..3 {
        warden.releases(&view).await.unwrap();
    }
    assert_eq!(city.world.handed.lock().unwrap().len(), 1, "handed out once");
    assert!(city.said(&warden).await.is_empty());
    assert!(view.state.request(&request).unwrap().release.is_some());
    assert!(view.state.request(&waiting).unwrap().release.is_none());
}

/// The same request, signed by its official, and with a nonce that nobody is told: no library of ours would make it.
fn without_nonce(leaf: &[u8]) -> Vec<u8> {
    let statement = Statement::parse(leaf).unwrap();
    let mut body: serde_json::Value = serde_json::from_slice(statement.payload()).unwrap();
    body.as_object_mut().unwrap().remove("nonce").unwrap();
    body["request_id"] = hex::encode([99; 16]).into();
    let (payload, kind) = (serde_json::to_vec(&body).unwrap(), statement.verb().payload_type());
    let pae = [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), &payload].concat();
    let (signer, payload) = (official(1), b64(&payload));
    let (id, sig) = (hex::encode(signer.verifying_key().key_id()), b64(&signer.sign(&pae)));
    format!(r#"{{"payload":"{payload}","payloadType":"{kind}","signatures":[{{"keyid":"{id}","sig":"{sig}"}}]}}"#)
        .into_bytes()
}

#[tokio::test]
async fn a_request_whose_nonce_is_withheld_or_false_is_not_released() {
    let (city, warden) = City::ready().await;
    // Neither in public nor under a deferral: no request at all.
    let case = city.case(&warden, 1).await;
    let honest = city.ask(&warden, &case).await;
    let leaf = without_nonce(&city.tree(|t| t.leaves.last().cloned().unwrap()));
    let withheld = tabir_crypto::statement::entry_hash(&leaf);
    city.tree(|t| t.leaves.push(leaf));
    let mut ready = city.world.ready.lock().unwrap().last().cloned().unwrap();
    ready.request_hash = Hex(withheld);
    city.world.ready.lock().unwrap().push(ready);
    for index in [1, 2] {
        city.approve(withheld, index, None);
    }
    city.witnessed(&warden).await;
    city.clock.set(NOW + COOLING);
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&withheld).is_none() && view.state.request(&honest).is_some());
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty());
    // Another one in public than the reporter's tag was made with: she would never find it.
    let case = city.case(&warden, 2).await;
    let falsified = city.ask_with(&warden, &case, |_| (), |entry| entry.nonce = Some(Hex([1; 32]))).await;
    let (_, view) = city.approved_request(&warden, falsified).await;
    warden.releases(&view).await.unwrap();
    assert_eq!(city.said(&warden).await, [(Verb::UnsealFailed, "request".to_owned())]);
}
