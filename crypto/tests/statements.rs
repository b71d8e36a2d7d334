//! Statements: the one form, every refusal, and statements inside other JSON.

mod common;
#[path = "common/world.rs"]
mod world;

use common::{Node, case, cases, is_refused, refuses};
use serde_json::{Value, json};
use tabir_crypto::codec::{b64, sha256};
use tabir_crypto::content::SealedReply;
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::json as strict;
use tabir_crypto::statement::body::{Body, CouncilManifest};
use tabir_crypto::statement::{MAX_STATEMENT, Statement, Verb, entry_hash, pae};
use tabir_crypto::{Code, SecretBytes};

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::new([seed; 32]))
}

fn verb(name: &str) -> Verb {
    Verb::ALL.into_iter().find(|v| v.as_str() == name).unwrap()
}

fn keys(input: &Node) -> Vec<SigningKey> {
    let seeds = input.list("seeds").into_iter();
    seeds.map(|s| SigningKey::from_seed(&SecretBytes::new(s.try_into().unwrap()))).collect()
}

#[test]
fn statements_have_the_bytes_of_the_vectors() {
    for (input, out) in cases("statement") {
        let (verb, payload, keys) = (verb(input.text("verb")), input.text("payload").as_bytes(), keys(&input));
        assert_eq!(pae(verb, payload), out.text("pae").as_bytes());
        let mut statement = Statement::from_payload(verb, payload.to_vec()).unwrap();
        keys.iter().for_each(|k| statement.sign(k));
        let bytes = statement.to_bytes();
        assert_eq!(bytes, out.text("envelope").as_bytes());
        out.is("entry_hash", statement.entry_hash());
        let parsed = Statement::parse(&bytes).unwrap();
        assert_eq!(parsed, statement);
        assert_eq!(parsed.pae_hash(), sha256(out.text("pae").as_bytes()));
        let known: Vec<VerifyingKey> = keys.iter().map(SigningKey::verifying_key).collect();
        let verified = parsed.verify(&known).unwrap();
        assert_eq!((verified.verb, verified.signers.len()), (verb, keys.len()));
        assert_eq!(verified.body, Body::parse(verb, payload).unwrap());
    }
}

#[test]
fn leaf_hashes_are_rfc_6962s() {
    let (input, out) = case("leaf_hash");
    out.is("hash", entry_hash(&input.bytes("leaf")));
}

#[test]
fn a_ceremony_id_is_the_hash_of_its_manifest() {
    let (input, out) = case("ceremony_id");
    let manifest = input.text("manifest").as_bytes();
    out.is("ceremony_id", sha256(manifest));
    let parsed: CouncilManifest = strict::from_slice(manifest).unwrap();
    assert_eq!(strict::to_vec(&parsed).unwrap(), manifest, "fields stand in the documented order");
    let mut statement = Statement::from_payload(Verb::CouncilManifest, manifest.to_vec()).unwrap();
    (1..=3).for_each(|seed| statement.sign(&signer(seed)));
    assert_eq!(statement.to_bytes().len() as u64, out.number("envelope_length"));
}

#[test]
fn refuses_hostile_statements() {
    refuses("statement", |i| {
        let mut bytes = i.text("envelope").as_bytes().to_vec();
        if i.0.get("pad_to").is_some() {
            bytes.resize(usize::try_from(i.number("pad_to")).unwrap(), b' ');
        }
        let keys: Vec<_> = i.list("keys").iter().map(|k| VerifyingKey::from_bytes(k).unwrap()).collect();
        Statement::parse(&bytes)?.verify(&keys)
    });
}

fn submit(counter: u64) -> Statement {
    let body = json!({"v":1,"at":"2026-11-24T17:00:00Z","case_id":"00".repeat(32),"counter":counter,"body_hash":"00".repeat(32)});
    Statement::new(Verb::CaseSubmit, &body).unwrap()
}

#[test]
fn one_bad_signature_among_good_ones_is_refused() {
    let mut statement = submit(0);
    statement.sign(&signer(1));
    statement.sign(&signer(2));
    let known = [signer(1).verifying_key(), signer(2).verifying_key()];
    statement.verify(&known).unwrap();
    let mut other = submit(1);
    other.sign(&signer(2));
    // The second signer's signature over another statement, put beside a good one.
    let text = String::from_utf8(statement.to_bytes()).unwrap();
    let stolen: Value = serde_json::from_slice(&other.to_bytes()).unwrap();
    let own: Value = serde_json::from_str(&text).unwrap();
    let own = own["signatures"].as_array().unwrap().iter().find(|s| s["keyid"] == stolen["signatures"][0]["keyid"]);
    let text = text.replace(own.unwrap()["sig"].as_str().unwrap(), stolen["signatures"][0]["sig"].as_str().unwrap());
    is_refused(Statement::parse(text.as_bytes()).unwrap().verify(&known), Code::Signature);
}

#[test]
fn a_proposal_needs_no_signature_but_a_statement_does() {
    let bytes = submit(0).to_bytes();
    is_refused(Statement::parse(&bytes), Code::Signatures);
    let proposal = Statement::parse_proposal(&bytes).unwrap();
    is_refused(proposal.verify(&[]), Code::Signatures);
}

#[test]
fn merging_takes_signatures_of_the_same_statement_only() {
    let (mut one, mut two) = (submit(0), submit(0));
    one.sign(&signer(1));
    two.sign(&signer(2));
    one.merge(&two).unwrap();
    assert_eq!(one.signers().len(), 2);
    assert_eq!(Statement::parse(&one.to_bytes()).unwrap(), one, "in the right order");
    is_refused(one.merge(&submit(1)), Code::Context);
}

#[test]
fn a_key_signs_once() {
    let mut statement = submit(0);
    statement.sign(&signer(1));
    statement.sign(&signer(1));
    assert_eq!(statement.signers(), [signer(1).verifying_key().key_id()]);
}

#[test]
fn refuses_a_statement_beyond_a_log_leaf() {
    let counts: serde_json::Map<String, Value> = (0..9_000).map(|n| (format!("k{n}"), json!(1))).collect();
    let body = json!({"v":1,"at":"2026-11-24T17:00:00Z","w":1,"counts":counts});
    let mut statement = Statement::new(Verb::RetentionCounts, &body).unwrap();
    statement.sign(&signer(1));
    assert!(statement.to_bytes().len() > MAX_STATEMENT);
    is_refused(Statement::parse(&statement.to_bytes()), Code::TooLong);
}

#[test]
fn every_verb_has_one_payload_type() {
    for verb in Verb::ALL {
        assert_eq!(Verb::from_payload_type(&verb.payload_type()), Some(verb));
    }
    for text in ["application/vnd.tabir.reply", "application/vnd.tabir.Reply+json", "reply", "text/json"] {
        assert_eq!(Verb::from_payload_type(text), None);
    }
}

#[test]
fn a_statement_stands_inside_other_json_in_its_one_form() {
    let mut statement = submit(0);
    statement.sign(&signer(1));
    let inside = serde_json::to_string(&statement).unwrap();
    assert_eq!(inside.as_bytes(), statement.to_bytes());
    let outer = format!(r#"{{"v":1,"message":"{}","statement":{inside}}}"#, "00".repeat(32));
    let read: SealedReply = strict::from_slice(outer.as_bytes()).unwrap();
    assert_eq!(read.statement, statement);
    assert_eq!(strict::to_vec(&read).unwrap(), outer.as_bytes());
    // Around it, order and spaces are the sender's.
    let loose = outer.replace(r#""payload":"#, r#" "payload" : "#);
    assert_eq!(strict::from_slice::<SealedReply>(loose.as_bytes()).unwrap().statement, statement);
}

#[test]
fn refuses_a_hostile_statement_inside_other_json() {
    let mut statement = submit(0);
    is_refused(strict::from_slice::<Statement>(&statement.to_bytes()), Code::Field);
    statement.sign(&signer(1));
    let text = String::from_utf8(statement.to_bytes()).unwrap();
    let refused = |from: &str, to: &str, code: Code| {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        is_refused(strict::from_slice::<Statement>(changed.as_bytes()), code);
    };
    refused("case.submit", "case.forced", Code::Field);
    refused(r#"{"payload""#, r#"{"kid":"x","payload""#, Code::UnknownField);
    refused(r#""keyid""#, r#""cert":"x","keyid""#, Code::UnknownField);
    refused(r#"{"payload""#, r#"{"payloadType":"x","payload""#, Code::RepeatedField);
    let keyid = hex::encode(signer(1).verifying_key().key_id());
    refused(&keyid, &keyid.to_uppercase(), Code::Field);
    refused(r#""signatures":["#, r#""signatures":["x","#, Code::Field);
    let sig = b64(&[0; 63]);
    refused(r#"]}"#, &format!(r#",{{"keyid":"{}","sig":"{sig}"}}]}}"#, "ff".repeat(32)), Code::Field);
}

/// Serde takes all of these. Another implementation would not, and the two would read one log apart.
#[test]
fn refuses_a_payload_that_is_written_another_way() {
    let refused = |verb, value: &Value| is_refused(Body::parse(verb, value.to_string().as_bytes()), Code::Field);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();

    let good = read(case("ceremony_id").0.text("manifest"));
    assert!(Body::parse(Verb::CouncilManifest, good.to_string().as_bytes()).is_ok());
    let mut manifest = good.clone();
    manifest["kind"] = json!({"form": null});
    refused(Verb::CouncilManifest, &manifest);
    manifest = good.clone();
    manifest["members"][0] = ["index", "ed_vk", "kem_pk"].map(|f| good["members"][0][f].clone()).to_vec().into();
    refused(Verb::CouncilManifest, &manifest);
    let fields = ["v", "at", "kind", "t", "n", "members", "previous", "nonce"];
    refused(Verb::CouncilManifest, &fields.map(|f| good[f].clone()).to_vec().into());

    let mut request = read(cases("statement")[0].0.text("payload"));
    assert!(Body::parse(Verb::UnsealRequested, request.to_string().as_bytes()).is_ok());
    request["deferral"] = Value::Null;
    refused(Verb::UnsealRequested, &request);

    let mut root = serde_json::to_value(world::trust_root()).unwrap();
    assert!(Body::parse(Verb::TrustRoot, root.to_string().as_bytes()).is_ok());
    assert!(root.as_object_mut().unwrap().remove("previous").unwrap().is_null());
    is_refused(Body::parse(Verb::TrustRoot, root.to_string().as_bytes()), Code::MissingField);
}
