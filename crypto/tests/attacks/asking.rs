//! Attacks on requests and votes: what was signed or sealed for one purpose, shown for another.

use tabir_crypto::Code;
use tabir_crypto::codec::b64;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::receipt::notice_tag;
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::value::{Hex, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::rule;

use crate::council::seeded;
use crate::world::*;

/// The same signatures under other words, as whoever carries a statement could write it.
fn rewritten(statement: &Statement, edit: impl FnOnce(String) -> String) -> Statement {
    let text = String::from_utf8(statement.to_bytes()).unwrap();
    let again = edit(text.clone());
    assert_ne!(again, text);
    Statement::parse(again.as_bytes()).unwrap()
}

fn relabelled(statement: &Statement, verb: Verb) -> Statement {
    let (was, is) = (statement.verb().payload_type(), verb.payload_type());
    rewritten(statement, |text| text.replace(&b_type(&was), &b_type(&is)))
}

fn b_type(kind: &str) -> String {
    format!("\"payloadType\":\"{kind}\"")
}

/// A refusal and a withdrawal, a decline and a failure say the same in their payloads. The verb is part of what is
/// signed: a requester's refusal does not take the request back, a warden's decline blames no reporter.
#[test]
fn a_signature_for_one_verb_is_none_for_another() {
    let mut log = Log::new();
    let r = log.ready("r");
    let refusal = sign(Verb::UnsealRefused, &no(r, 1), &[official(1)]);
    let decline = sign(Verb::UnsealDeclined, &ended(r, "outer"), &[warden()]);
    for (signed, verb) in [(refusal, Verb::UnsealWithdrawn), (decline, Verb::UnsealFailed)] {
        rule::check(&log.trust, &log.state, &signed).unwrap();
        refused(rule::check(&log.trust, &log.state, &relabelled(&signed, verb)), Code::Signature);
    }
}

/// The board puts a key of its own into an approval, to read the hand-out in the approver's place.
#[test]
fn an_approvers_fresh_key_swapped_on_the_board_breaks_his_signature() {
    let mut log = Log::new();
    let r = log.ask("r");
    let honest = approved(r, 2);
    let mut swapped = honest.clone();
    swapped.kem_pk = kem("the board's own");
    let payload = |body| b64(&tabir_crypto::json::to_vec(body).unwrap());
    let forged = rewritten(&sign(Verb::UnsealApproved, &honest, &[official(2)]), |text| {
        text.replace(&payload(&honest), &payload(&swapped))
    });
    refused(log.put(&forged), Code::Signature);
    assert!(log.request(&r.0).approvals.is_empty());
}

/// An approval of one request, written under another.
#[test]
fn an_approval_moved_to_another_request_breaks_its_signature() {
    let mut log = Log::new();
    let (agreed, other) = (log.ask("agreed"), log.ask("other"));
    let honest = approved(agreed, 2);
    let mut moved = honest.clone();
    moved.request_hash = other;
    let payload = |body| b64(&tabir_crypto::json::to_vec(body).unwrap());
    let forged = rewritten(&sign(Verb::UnsealApproved, &honest, &[official(2)]), |text| {
        text.replace(&payload(&honest), &payload(&moved))
    });
    refused(log.put(&forged), Code::Signature);
}

fn text() -> RequestText {
    let [case_id, access_hash, content_hash, envelope_hash, notice_key, nonce] =
        ["case", "access", "content", "envelope", "notice key", "nonce"].map(hash);
    let words = "a court asks".to_owned();
    RequestText {
        v: V1,
        case_id,
        access_hash,
        content_hash,
        envelope_hash,
        notice_key,
        nonce,
        words,
        category: None,
        recused: vec![],
    }
}

/// Somebody else's request text, under an entry of one's own.
#[test]
fn a_request_text_copied_under_another_entry_does_not_open() {
    let key = KemSecretKey::generate(&mut seeded(1));
    let committed = text().commit(&[7; 32]).unwrap();
    let sealed = committed.seal(&key.public_key(), &mut seeded(2)).unwrap();
    let mut own = requested("r");
    (own.commit, own.tag, own.nonce) = (Hex(committed.commit), Hex(committed.tag), Some(text().nonce));
    assert!(RequestText::open(&own, &key, &sealed).is_ok());
    let other = text().commit(&[8; 32]).unwrap();
    own.commit = Hex(other.commit);
    assert_eq!(RequestText::open(&own, &key, &sealed).err().map(|e| e.code()), Some(Code::Aead));
}

/// Notice tags, traced by who reads the log: two requests for one case have nothing in common, and one nonce that is
/// used for two cases shows neither.
#[test]
fn two_requests_for_one_case_have_nothing_public_in_common() {
    let (one, two) = (text(), RequestText { nonce: hash("another nonce"), ..text() });
    let (one, two) = (one.commit(&[7; 32]).unwrap(), two.commit(&[8; 32]).unwrap());
    assert_ne!(one.tag, two.tag);
    assert_ne!(one.commit, two.commit);
    // The same words under another salt: nobody finds a text by guessing it.
    assert_ne!(text().commit(&[8; 32]).unwrap().commit, one.commit);
    let other_case = notice_tag(&hash("another key").0, &text().nonce.0);
    assert_ne!(other_case, one.tag);
}

/// Ids are ground until one fits: they name nothing. What votes name is the hash of the whole entry.
#[test]
fn a_request_of_the_same_id_gets_none_of_the_votes() {
    let mut log = Log::new();
    let agreed = log.ask("r");
    log.approve(agreed, 1).unwrap();
    let mut same_id = requested("r");
    same_id.commit = hash("what nobody agreed to");
    let again = sign(Verb::UnsealRequested, &same_id, &[official(1)]);
    assert_ne!(again.entry_hash(), agreed.0);
    refused(log.put(&again), Code::Duplicate);
    assert!(log.state.request(&again.entry_hash()).is_none());
    refused(log.approve(Hex(again.entry_hash()), 2), Code::Context);
}
