//! Submissions and later writes: what their statements commit to, and the tag of a request.

mod common;

use common::{Node, Stream, case, is_refused};
use serde_json::{Value, json};
use tabir_crypto::codec::{b64url, sha256};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::json as strict;
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::statement::body::CaseWrite;
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::{CaseWriteBody, Commitment, Submission, body_tag};
use tabir_crypto::{Code, Error, SecretBytes};

fn commitment(input: &Node) -> Commitment {
    Commitment {
        case_id: input.b32("case_id"),
        content_hash: input.b32("content_hash"),
        envelope_hash: input.b32("envelope_hash"),
        mailbox_pk: KemPublicKey::from_bytes(&input.bytes("mailbox_pk")).unwrap(),
        a: input.b32("a"),
        b: input.b32("b"),
        nf: input.b32("nf"),
        notice_hash: input.b32("notice_hash"),
    }
}

/// A whole submission: the body of this vector.
fn submission() -> Submission {
    strict::from_slice(case("body_tag").0.text("body").as_bytes()).unwrap()
}

fn keys() -> ReceiptKeys {
    Receipt::from(case("receipt").0.secret::<16>("secret")).keys()
}

fn stranger() -> SigningKey {
    SigningKey::from_seed(&SecretBytes::new([9; 32]))
}

#[test]
fn a_submission_commits_to_all_it_sends() {
    let (input, out) = case("submission");
    out.is("body_hash", commitment(&input).body_hash());
    let sent = submission();
    assert_eq!(sent.commitment().unwrap(), commitment(&input));
    assert_eq!(sent.verify().unwrap().body_hash(), out.b32("body_hash"));
    let text = case("body_tag").0.text("body").as_bytes().to_vec();
    assert_eq!(strict::to_vec(&sent).unwrap(), text, "fields stand in the documented order");
}

#[test]
fn a_body_tag_belongs_to_one_request() {
    let (input, out) = case("body_tag");
    let (authenticator, body) = (input.bytes("authenticator"), input.text("body").as_bytes());
    let (method, path, kind) = (input.text("method"), input.text("path"), input.text("type"));
    let tag = body_tag(&authenticator, method, path, kind, body);
    out.is("body_tag", tag);
    let mut others = vec![
        body_tag(&authenticator[1..], method, path, kind, body),
        body_tag(&authenticator, "PUT", path, kind, body),
        body_tag(&authenticator, method, "/v1/case", kind, body),
        body_tag(&authenticator, method, path, "text/plain", body),
        body_tag(&authenticator, method, path, kind, &body[1..]),
        body_tag(&authenticator, "POST/", "v1/reports", kind, body),
        tag,
    ];
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 7, "no two requests have one tag");
}

/// Changes one thing after signing.
fn changed(change: impl FnOnce(&mut Submission)) -> Result<Commitment, Error> {
    let mut sent = submission();
    change(&mut sent);
    sent.verify()
}

#[test]
fn refuses_a_submission_changed_after_signing() {
    changed(|_| ()).unwrap();
    let refused = |change: fn(&mut Submission), code| is_refused(changed(change), code);
    refused(|s| s.content.0[2_000] ^= 1, Code::Context);
    refused(|s| s.envelope.0[2_000] ^= 1, Code::Context);
    refused(|s| s.mailbox_pk = KemSecretKey::generate(&mut Stream::new("other")).public_key(), Code::Context);
    refused(|s| s.r = SecretBytes::new([1; 32]), Code::Context);
    refused(|s| s.nf.0[0] ^= 1, Code::Context);
    refused(|s| s.notice_key = SecretBytes::new([1; 32]), Code::Context);
    refused(|s| s.content.0.push(0), Code::Size);
    refused(|s| s.case_id.0[0] ^= 1, Code::CaseKey);
    refused(|s| s.access_hash.0[0] ^= 1, Code::CaseKey);
}

#[test]
fn refuses_a_submission_signed_by_another_key() {
    let other = stranger();
    is_refused(changed(|s| s.case_vk = Hex(*other.verifying_key().as_bytes())), Code::CaseKey);
    let sign = |s: &mut Submission, verb, write: &CaseWrite, key: &SigningKey| {
        s.statement = Statement::signed(verb, write, key).unwrap();
    };
    let write = submission().commitment().unwrap().to_sign(Hour::of(0));
    let own = keys().case_key;
    changed(|s| sign(s, Verb::CaseSubmit, &write, &own)).unwrap();
    is_refused(changed(|s| sign(s, Verb::CaseSubmit, &write, &other)), Code::UnknownKey);
    is_refused(changed(|s| sign(s, Verb::CaseErase, &write, &own)), Code::Verb);
    let late = CaseWrite { counter: 1, ..write.clone() };
    is_refused(changed(|s| sign(s, Verb::CaseSubmit, &late, &own)), Code::Context);
    let elsewhere = CaseWrite { case_id: Hex([1; 32]), ..write };
    is_refused(changed(|s| sign(s, Verb::CaseSubmit, &elsewhere, &own)), Code::Context);
    // The case key must be a strict one: the identity fits signatures of anybody.
    is_refused(changed(|s| s.case_vk = Hex(std::array::from_fn(|i| u8::from(i == 0)))), Code::ASmallOrder);
}

#[test]
fn refuses_fields_that_a_submission_does_not_have() {
    let text = case("body_tag").0.text("body").to_owned();
    let read = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        strict::from_slice::<Submission>(value.to_string().as_bytes())
    };
    is_refused(read(&|v| v["agent"] = json!("x")), Code::UnknownField);
    is_refused(read(&|v| drop(v.as_object_mut().unwrap().remove("nf"))), Code::MissingField);
    is_refused(read(&|v| v["r"] = json!(v["r"].as_str().unwrap().to_uppercase())), Code::Field);
    is_refused(read(&|v| v["statement"] = v["statement"].to_string().into()), Code::Field);
    is_refused(read(&|v| v["mailbox_pk"] = json!("00")), Code::Field);
}

fn write_body(verb: Verb, payload: Vec<u8>, sealed: bool) -> CaseWriteBody {
    let keys = keys();
    let write = CaseWrite {
        v: V1,
        at: Hour::of(0),
        case_id: Hex(keys.case_id()),
        counter: 3,
        body_hash: Hex(sha256(&payload)),
    };
    CaseWriteBody {
        v: V1,
        intake_key_id: sealed.then_some(Hex([1; 32])),
        seq: sealed.then_some(2),
        payload,
        statement: Statement::signed(verb, &write, &keys.case_key).unwrap(),
    }
}

fn good_writes() -> [(Verb, CaseWriteBody); 4] {
    [
        (Verb::CaseMessage, write_body(Verb::CaseMessage, vec![7; 5_232], true)),
        (Verb::CaseDispute, write_body(Verb::CaseDispute, vec![7; 17_520], true)),
        (Verb::CaseRate, write_body(Verb::CaseRate, br#"{"v":1,"stars":5}"#.to_vec(), false)),
        (Verb::CaseErase, write_body(Verb::CaseErase, vec![], false)),
    ]
}

#[test]
fn later_writes_are_taken_in_their_own_form_only() {
    let keys = keys();
    let (id, vk) = (keys.case_id(), keys.case_vk());
    for (verb, body) in good_writes() {
        let text = strict::to_vec(&body).unwrap();
        let body: CaseWriteBody = strict::from_slice(&text).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap()["payload"], b64url(&body.payload));
        assert_eq!(body.verify(verb, &id, &vk).unwrap().counter, 3);
        for (other, _) in good_writes().iter().filter(|(other, _)| *other != verb) {
            assert!(body.verify(*other, &id, &vk).is_err(), "{verb:?} taken as {other:?}");
        }
        is_refused(body.verify(verb, &[0; 32], &vk), Code::Context);
        is_refused(body.verify(verb, &id, &stranger().verifying_key()), Code::UnknownKey);
        let swapped = CaseWriteBody { seq: if body.seq.is_some() { None } else { Some(1) }, ..body.clone() };
        is_refused(swapped.verify(verb, &id, &vk), Code::Field);
        let named = body.intake_key_id.is_some();
        let swapped = CaseWriteBody { intake_key_id: (!named).then_some(Hex([1; 32])), ..body };
        is_refused(swapped.verify(verb, &id, &vk), Code::Field);
    }
}

#[test]
fn refuses_a_write_whose_payload_was_changed() {
    let keys = keys();
    let [(verb, mut body), .., (erase, mut erasure)] = good_writes();
    body.payload[0] ^= 1;
    is_refused(body.verify(verb, &keys.case_id(), &keys.case_vk()), Code::Context);
    body.payload.pop();
    is_refused(body.verify(verb, &keys.case_id(), &keys.case_vk()), Code::Size);
    erasure.payload.push(0);
    is_refused(erasure.verify(erase, &keys.case_id(), &keys.case_vk()), Code::Size);
    let six = write_body(Verb::CaseRate, br#"{"v":1,"stars":6}"#.to_vec(), false);
    is_refused(six.verify(Verb::CaseRate, &keys.case_id(), &keys.case_vk()), Code::Field);
    is_refused(six.verify(Verb::CaseSubmit, &keys.case_id(), &keys.case_vk()), Code::Verb);
}

#[test]
fn a_message_and_a_dispute_cannot_stand_for_each_other() {
    let keys = keys();
    let [(_, message), ..] = good_writes();
    is_refused(message.verify(Verb::CaseDispute, &keys.case_id(), &keys.case_vk()), Code::Verb);
}

#[test]
fn a_submission_does_not_print_itself() {
    let shown = format!("{:?} {:?}", submission(), good_writes()[0].1);
    assert!(!shown.contains(&hex::encode(keys().r.expose())), "{shown}");
    assert!(shown.len() < 100, "{shown}");
}
