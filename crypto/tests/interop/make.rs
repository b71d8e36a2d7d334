//! Makes cases for the other implementation to open, each with new keys, texts and sizes of the council.

use std::collections::BTreeMap;

use rand_core::{CryptoRng, Rng as _};
use serde_json::{Value, json};
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::content::{Content, IdentityRecord, Message, SealedReply, content_hash, pad_content, pad_message};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{CaseBinding, Outer, SealParams, seal};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::log::checkpoint::Checkpoint;
use tabir_crypto::log::{Cosigner, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::{CaseWrite, Reply, UnsealRequested};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::Submission;
use tabir_crypto::threshold::{OpeningContext, combine, make, open, recipients_hash};
use tabir_crypto::{SecretBytes, json};

use crate::council::{Seeded, seeded, town};

pub fn below(rng: &mut Seeded, n: usize) -> usize {
    usize::try_from(rng.next_u64() % n as u64).unwrap()
}

fn array<const N: usize>(rng: &mut impl CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Letters that parsers and writers treat apart.
fn words(rng: &mut Seeded, most: usize) -> String {
    let letters: Vec<char> = "abc ÄßЖ中🙂\0\u{1f}\"\\/\u{2028}\u{7f}\n'<>&{}[]:,0".chars().collect();
    (0..below(rng, most)).map(|_| letters[below(rng, letters.len())]).collect()
}

fn read<T: json::Schema>(value: &Value) -> T {
    json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// One case, as JSON that the other side reads.
#[allow(clippy::too_many_lines)] // one case from its first byte to its last, in the order in which it is made
pub fn case(seed: u64) -> Value {
    let mut rng = seeded(seed);
    let at = Hour::of(1_800_000_000);
    let t = 2 + u16::try_from(below(&mut rng, 3)).unwrap();
    let town = town(t, t + u16::try_from(below(&mut rng, 4)).unwrap(), rng.next_u64());
    let council = &town.council;
    let (warden, intake) = (KemSecretKey::generate(&mut rng), KemSecretKey::generate(&mut rng));
    let receipt = Receipt::generate(&mut rng);
    let keys = receipt.keys();
    let intake_key_id = intake.public_key().key_id();

    let content: Content = read(&json!({
        "v": 1, "category": "road", "text": words(&mut rng, 2_000), "language": "id",
        "location": {"precision": "ward", "text": words(&mut rng, 20)},
        "attributes": {"b": "2", "a": format!("1{}", words(&mut rng, 9))}, "release": "urgent", "identity": "sealed",
        "mailbox_pk": keys.mailbox_pk(), "attachments": [],
    }));
    let content_json = json::to_vec(&content).unwrap();
    let place = Use::Content { case_id: keys.case_id(), intake_key_id };
    let padded = pad_content(&content_json).unwrap();
    let content = uses::seal(&intake.public_key(), &place, padded.expose(), &mut rng).unwrap();

    let record: IdentityRecord = read(&json!({
        "v": 1, "name": words(&mut rng, 60), "contact": [{"kind": "email", "value": words(&mut rng, 30)}],
    }));
    let padded = IdentityRecord::to_padded(Some(&record)).unwrap();
    let padded = SecretBytes::new(padded.expose().as_slice().try_into().unwrap());
    let binding = CaseBinding {
        lineage: *council.lineage(),
        case_id: keys.case_id(),
        access_hash: keys.access_hash(),
        content_hash: content_hash(&content).unwrap(),
        notice_hash: keys.notice_hash(),
    };
    let params = SealParams {
        council: council.key(),
        warden_key: &warden.public_key(),
        case_key: &keys.case_key,
        access_hash: binding.access_hash,
        content_hash: binding.content_hash,
        notice_hash: binding.notice_hash,
    };
    let envelope = seal(&params, &padded, &mut rng).unwrap();

    let erase = CaseWrite { v: V1, at, case_id: Hex(keys.case_id()), counter: 1, body_hash: Hex([0; 32]) };
    let mut submission = Submission {
        v: V1,
        case_id: Hex(keys.case_id()),
        access_hash: Hex(keys.access_hash()),
        case_vk: Hex(*keys.case_vk().as_bytes()),
        intake_key_id: Hex(intake_key_id),
        content: Bytes(content.clone()),
        envelope: Bytes(envelope.bytes.clone()),
        mailbox_pk: keys.mailbox_pk(),
        r: keys.r.clone(),
        nf: Hex(*keys.nf.expose()),
        notice_key: keys.notice_key.clone(),
        statement: Statement::new(Verb::CaseErase, &erase).unwrap(),
    };
    let to_sign = submission.commitment().unwrap().to_sign(at);
    submission.statement = Statement::signed(Verb::CaseSubmit, &to_sign, &keys.case_key).unwrap();

    let code = |text| CodeText::new(text).unwrap();
    let asked = RequestText {
        v: V1,
        case_id: Hex(keys.case_id()),
        access_hash: Hex(keys.access_hash()),
        content_hash: Hex(binding.content_hash),
        envelope_hash: Hex(envelope.hash),
        notice_key: Hex(*keys.notice_key.expose()),
        nonce: Hex(array(&mut rng)),
        words: words(&mut rng, 100),
        category: None,
        recused: Vec::new(),
    };
    let committed = asked.commit(&array(&mut rng)).unwrap();
    let entry = UnsealRequested {
        v: V1,
        at,
        request_id: Hex(array(&mut rng)),
        council_id: Hex(*council.council_id()),
        requester: 1,
        legal_basis: code("court"),
        reason: code("danger"),
        commit: Hex(committed.commit),
        tag: Hex(committed.tag),
        nonce: Some(asked.nonce),
        deferred_until: None,
        deferral: None,
    };

    let released = Outer::parse(&envelope.bytes).unwrap().open(&warden, &binding).unwrap();
    let salt: B32 = array(&mut rng);
    let recipients: BTreeMap<u16, KemPublicKey> =
        (1..=t).map(|i| (i, KemSecretKey::generate(&mut rng).public_key())).collect();
    let context = OpeningContext {
        council,
        case_id: keys.case_id(),
        envelope_hash: envelope.hash,
        inner: released.inner(),
        request_hash: array(&mut rng),
        checkpoint_hash: array(&mut rng),
        recipients: recipients_hash(&recipients),
    };
    let mut left: Vec<usize> = (0..town.shares.len()).collect();
    let partials: Vec<Vec<u8>> = (0..t)
        .map(|_| {
            let share = &town.shares[left.remove(below(&mut rng, left.len()))];
            make(&context, share, &mut rng).unwrap().expose().to_vec()
        })
        .collect();
    let opened = open(council.key(), released.inner(), &combine(&context, &partials).unwrap()).unwrap();

    let forwarder = SigningKey::from_seed(&SecretBytes::random(&mut rng));
    let message: Message =
        read(&json!({"v": 1, "seq": 1, "prev": "00".repeat(32), "kind": "note", "text": words(&mut rng, 300)}));
    let message = json::to_vec(&message).unwrap();
    let reply = Reply { v: V1, at, case_id: Hex(keys.case_id()), seq: 1, message_hash: Hex(sha256(&message)) };
    let statement = Statement::signed(Verb::Reply, &reply, &forwarder).unwrap();
    let sealed = json::to_vec(&SealedReply { v: V1, message: Bytes(message.clone()), statement }).unwrap();
    let place = Use::Mailbox { case_id: keys.case_id(), seq: 1 };
    let sealed = uses::seal(&keys.mailbox_pk(), &place, pad_message(&sealed).unwrap().expose(), &mut rng).unwrap();

    let mut made = json!({
        "case_id": hex::encode(keys.case_id()),
        "receipt": hex::encode(receipt.secret().expose()),
        "receipt_text": receipt.text().expose(),
        "formed": utf8(json::to_vec(&council.to_body(at)).unwrap()),
        "shares": town.shares.iter().map(|s| hex::encode(s.to_bytes().expose())).collect::<Vec<_>>(),
        "warden_seed": hex::encode(warden.seed().expose()),
        "intake_seed": hex::encode(intake.seed().expose()),
        "content_json": utf8(content_json),
        "content": hex::encode(content),
        "record_json": utf8(json::to_vec(&record).unwrap()),
        "envelope": hex::encode(&envelope.bytes),
        "envelope_hash": hex::encode(envelope.hash),
        "submission": utf8(json::to_vec(&submission).unwrap()),
        "request_entry": utf8(json::to_vec(&entry).unwrap()),
        "request_sealed": hex::encode(committed.seal(&warden.public_key(), &mut rng).unwrap()),
        "request_hash": hex::encode(context.request_hash),
        "checkpoint_hash": hex::encode(context.checkpoint_hash),
        "recipients": recipients.values().map(|k| hex::encode(k.as_bytes())).collect::<Vec<_>>(),
        "salt": hex::encode(salt),
        "handout": hex::encode(released.handout(salt).to_bytes().expose()),
        "partials": partials.iter().map(hex::encode).collect::<Vec<_>>(),
        "opened_salt": hex::encode(opened.salt.expose()),
        "forwarder_vk": hex::encode(forwarder.verifying_key().as_bytes()),
        "reply_message": utf8(message),
        "reply_sealed": hex::encode(sealed),
    });
    checkpoint(&mut made, &mut rng);
    made
}

/// A checkpoint with two of three cosignatures.
fn checkpoint(made: &mut Value, rng: &mut Seeded) {
    let origin = "interop.test/log";
    let log = NoteSigner::from_seed(origin, &SecretBytes::random(rng)).unwrap();
    let witnesses: Vec<Cosigner> =
        (0..3).map(|i| Cosigner::from_seed(&format!("witness-{i}"), &SecretBytes::random(rng)).unwrap()).collect();
    let head = TreeHead { size: 1 + below(rng, 1_000_000) as u64, root: array(rng) };
    let mut signed = SignedCheckpoint::sign(Checkpoint { origin: origin.into(), head }, &log).unwrap();
    let left_out = below(rng, 3);
    for (i, witness) in witnesses.iter().enumerate().filter(|(i, _)| *i != left_out) {
        signed.add(witness.cosign(&signed, 1_800_000_000 + i as u64));
    }
    made["log_origin"] = origin.into();
    made["log_vkey"] = log.verifier_key().to_string().into();
    made["witnesses"] = witnesses.iter().map(|w| Value::from(w.verifier_key().to_string())).collect();
    made["quorum"] = 2.into();
    made["note"] = utf8(signed.to_bytes()).into();
}
