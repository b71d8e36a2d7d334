//! `journey.json`: one report with an identity, from its receipt to the opening, with every byte in between.

use serde_json::{Value, json};
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::content::{Content, IdentityRecord, content_hash, pad_content};
use tabir_crypto::envelope::{CaseBinding, Inner, Outer, SealParams, SealedEnvelope, seal};
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::receipt::{Receipt, ReceiptKeys, accept_body, reference};
use tabir_crypto::statement::body::{Acceptance, CaseWrite, Role};
use tabir_crypto::statement::value::{Bytes, Hex, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::Submission;
use tabir_crypto::{SecretBytes, json};

use crate::kit::{Recorder, flipped, h, reject, statement, text as text_of};
use crate::later;
use crate::town::{Town, at};
use crate::world::{DAY, T0, accepted, fate, hash, role, sign, text};

/// Keys of the two roles that things are sealed to.
pub fn kem(name: &str) -> KemSecretKey {
    KemSecretKey::from_seed(SecretBytes::new(hash(name).0))
}

/// A reporter's case, as far as the opening needs it.
pub struct Case {
    pub keys: ReceiptKeys,
    pub content: Vec<u8>,
    pub record: Vec<u8>,
    pub envelope: SealedEnvelope,
}

impl Case {
    pub fn content_hash(&self) -> B32 {
        content_hash(&self.content).unwrap()
    }

    pub fn binding(&self, town: &Town) -> CaseBinding {
        CaseBinding {
            lineage: *town.council.lineage(),
            case_id: self.keys.case_id(),
            access_hash: self.keys.access_hash(),
            content_hash: self.content_hash(),
            notice_hash: self.keys.notice_hash(),
        }
    }
}

pub fn file() -> Value {
    let mut rng = Recorder::new(1);
    let town = Town::make(&mut rng);
    rng.drawn();
    let receipt = Receipt::generate(&mut rng);
    let keys = receipt.keys();
    rng.drawn();
    let (content, content_step) = content(&keys, &mut rng);
    let (case, envelope_step) = envelope(&town, &keys, content, &mut rng);
    let (submission, submission_step) = submission(&case);
    let mut all = json!({
        "about": "One journey: receipt, token, report with a sealed identity, acceptance, windows, a reply, later writes; then \
                  request, approvals, release, hand-outs, partials, opened. Bytes in hex, JSON and statements as text. `random` \
                  is what the maker drew, in order: whoever draws the same makes the same bytes. `reject`: `decoder` refuses \
                  `in` with `code`; an `offset` is that of a byte of which the lowest bit is changed.",
        "receipt": receipt_step(&receipt, &keys),
        "content": content_step,
        "envelope": envelope_step,
        "submission": submission_step,
        "token": later::token_step(&submission, &mut rng),
        "puzzle": later::puzzle_step(&mut rng),
        "acceptance": acceptance_step(&case),
        "later": later::later_step(&case, &mut rng),
        "attachment": later::attachment_step(&case, &mut rng),
        "key_file": later::key_file_step(&town, &mut rng),
    });
    let mut rejects = envelope_rejects(&town, &case);
    rejects.extend(submission_rejects(&submission));
    let opening = crate::opening::steps(&town, &case, &mut rng);
    rejects.extend(opening.rejects);
    let map = all.as_object_mut().unwrap();
    map.extend(opening.steps);
    map.insert("reject".into(), rejects.into());
    all
}

fn receipt_step(receipt: &Receipt, keys: &ReceiptKeys) -> Value {
    json!({
        "secret": h(receipt.secret().expose()),
        "text": receipt.text().expose(),
        "case_id": h(keys.case_id()),
        "case_vk": h(keys.case_vk().as_bytes()),
        "reference": reference(&keys.case_id()),
        "access_hash": h(keys.access_hash()),
        "notice_hash": h(keys.notice_hash()),
        "a": h(keys.a()),
    })
}

fn content(keys: &ReceiptKeys, rng: &mut Recorder) -> (Vec<u8>, Value) {
    let fields = json!({
        "v": 1, "category": "bribery", "text": "Petugas loket meminta uang. \u{1f4b8}", "language": "id",
        "location": {"precision": "street", "lat": "-6.175", "lon": "106.827", "text": "Loket 3"},
        "attributes": {"amount": "50.000"}, "release": "batched", "identity": "sealed",
        "mailbox_pk": serde_json::to_value(keys.mailbox_pk()).unwrap(), "attachments": [],
    });
    let read: Content = json::from_slice(&serde_json::to_vec(&fields).unwrap()).unwrap();
    let json = json::to_vec(&read).unwrap();
    let intake = kem("intake");
    let intake_key_id = intake.public_key().key_id();
    let place = Use::Content { case_id: keys.case_id(), intake_key_id };
    let sealed = uses::seal(&intake.public_key(), &place, pad_content(&json).unwrap().expose(), rng).unwrap();
    let step = json!({
        "intake_seed": h(intake.seed().expose()),
        "json": text_of(&json),
        "random": rng.drawn(),
        "sealed": h(&sealed),
        "content_hash": h(content_hash(&sealed).unwrap()),
    });
    (sealed, step)
}

fn envelope(town: &Town, keys: &ReceiptKeys, content: Vec<u8>, rng: &mut Recorder) -> (Case, Value) {
    let record: IdentityRecord = json::from_slice(
        r#"{"v":1,"name":"Siti Contoh","contact":[{"kind":"phone","value":"+62 000"}],"note":"sore hari"}"#.as_bytes(),
    )
    .unwrap();
    let padded = IdentityRecord::to_padded(Some(&record)).unwrap();
    let warden = kem("warden kem");
    let params = SealParams {
        council: town.council.key(),
        warden_key: &warden.public_key(),
        case_key: &keys.case_key,
        access_hash: keys.access_hash(),
        content_hash: content_hash(&content).unwrap(),
        notice_hash: keys.notice_hash(),
    };
    let record_bytes: [u8; 1024] = padded.expose().as_slice().try_into().unwrap();
    let envelope = seal(&params, &SecretBytes::new(record_bytes), rng).unwrap();
    let case = Case { keys: keys.clone(), content, record: record_bytes.to_vec(), envelope };
    let binding = case.binding(town);
    let released = Outer::parse(&case.envelope.bytes).unwrap().open(&warden, &binding).unwrap();
    let step = json!({
        "Y": h(town.council.key().point().compress()),
        "lineage": h(town.council.lineage()),
        "warden_seed": h(warden.seed().expose()),
        "json": text_of(json::to_vec(&record).unwrap()),
        "record": h(&case.record),
        "label": h(binding.label(&warden.public_key().key_id()).as_bytes()),
        "random": rng.drawn(),
        "inner": h(released.inner().inner().to_bytes()),
        "inner_hash": h(released.inner().hash()),
        "outer": h(&case.envelope.bytes),
        "envelope_hash": h(case.envelope.hash),
    });
    (case, step)
}

fn submission(case: &Case) -> (Submission, Value) {
    let keys = &case.keys;
    let mut submission = Submission {
        v: V1,
        case_id: Hex(keys.case_id()),
        access_hash: Hex(keys.access_hash()),
        case_vk: Hex(*keys.case_vk().as_bytes()),
        intake_key_id: Hex(kem("intake").public_key().key_id()),
        content: Bytes(case.content.clone()),
        envelope: Bytes(case.envelope.bytes.clone()),
        mailbox_pk: keys.mailbox_pk(),
        r: keys.r.clone(),
        nf: Hex(*keys.nf.expose()),
        notice_key: keys.notice_key.clone(),
        statement: Statement::new(Verb::CaseErase, &erase(case, 1)).unwrap(),
    };
    let commitment = submission.commitment().unwrap();
    submission.statement = sign(Verb::CaseSubmit, &commitment.to_sign(at()), std::slice::from_ref(&keys.case_key));
    submission.verify().unwrap();
    let step = json!({
        "body": text_of(json::to_vec(&submission).unwrap()),
        "at": T0,
        "body_hash": h(commitment.body_hash()),
        "a": h(commitment.a),
        "b": h(commitment.b),
    });
    (submission, step)
}

fn acceptance_step(case: &Case) -> Value {
    let (keys, content_hash) = (&case.keys, case.content_hash());
    let b = accept_body(keys.r.expose(), &content_hash, &case.envelope.hash);
    let body = Acceptance {
        v: V1,
        at: at(),
        case_id: Hex(keys.case_id()),
        a: Hex(keys.a()),
        b: Hex(b),
        nf: Hex(*keys.nf.expose()),
        w: 1,
        deadline: Second(T0 + 4 * DAY),
        log_origin: text("intake"),
    };
    let mut window = accepted(1, 1, 1, &["another", "a third"]);
    window.pairs.push([body.a, body.b]);
    window.pairs.sort_unstable();
    let mut forwarded = fate(1, 0, &["another", "a third"]);
    forwarded.nf.push(body.nf);
    forwarded.nf.sort_unstable();
    json!({
        "gateway_vk": h(role(Role::Gateway).verifying_key().as_bytes()),
        "forwarder_vk": h(role(Role::Forwarder).verifying_key().as_bytes()),
        "log_origin": "intake",
        "statement": statement(&sign(Verb::Acceptance, &body, &[role(Role::Gateway)])),
        "accepted": statement(&sign(Verb::ReportAccepted, &window, &[role(Role::Gateway)])),
        "forwarded": statement(&sign(Verb::ReportForwarded, &forwarded, &[role(Role::Forwarder)])),
    })
}

fn erase(case: &Case, counter: u64) -> CaseWrite {
    CaseWrite { v: V1, at: at(), case_id: Hex(case.keys.case_id()), counter, body_hash: Hex(sha256(b"")) }
}

/// One bit of each region of both envelopes.
fn envelope_rejects(town: &Town, case: &Case) -> Vec<Value> {
    let (warden, binding) = (kem("warden kem"), case.binding(town));
    let open = |bytes: &[u8]| Outer::parse(bytes)?.open(&warden, &binding).map(drop);
    let regions = [
        ("version", 0),
        ("suite", 1),
        ("warden key id", 2),
        ("lineage", 34),
        ("ML-KEM half of enc", 66),
        ("X25519 half of enc", 66 + 1088),
        ("ciphertext", 66 + 1120),
        ("tag", 2497),
    ];
    let mut all: Vec<Value> = regions
        .map(|(region, at)| reject("outer", region, json!({"offset": at}), open(&flipped(&case.envelope.bytes, at))))
        .to_vec();
    let outer = Outer::parse(&case.envelope.bytes).unwrap();
    let inner = outer.open(&warden, &binding).unwrap().inner().inner().to_bytes();
    let label = binding.label(outer.warden_key_id());
    let verify = |bytes: &[u8]| Inner::parse(bytes)?.verify(&label).map(drop);
    let regions = [
        ("enc", 0),
        ("bit of enc's top byte", 31),
        ("commitment", 32),
        ("\u{112}", 64),
        ("c", 96),
        ("f", 128),
        ("ciphertext", 160),
        ("tag", 1199),
    ];
    all.extend(
        regions.map(|(region, at)| reject("inner", region, json!({"offset": at}), verify(&flipped(&inner, at)))),
    );
    all
}

/// One field of a submission changed.
fn submission_rejects(good: &Submission) -> Vec<Value> {
    let body = serde_json::to_value(good).unwrap();
    let other = h([7; 32]);
    let edits = [
        ("another case", "/case_id", other.clone()),
        ("another access hash", "/access_hash", other.clone()),
        ("another key of the case", "/case_vk", h(role(Role::Gateway).verifying_key().as_bytes())),
        ("another nf", "/nf", other.clone()),
        ("another r", "/r", other.clone()),
        ("another notice key", "/notice_key", other),
        ("a later version", "/v", json!(2)),
        ("a content of a length that no sealed content has", "/content", json!("A".repeat(200))),
        ("a mailbox key that is none", "/mailbox_pk", json!("A".repeat(1622))),
        ("a field more", "/seq", json!(1)),
        ("an identifier that is null", "/intake_key_id", Value::Null),
    ];
    edits
        .into_iter()
        .map(|(rule, path, put)| {
            let mut edited = body.clone();
            edited.as_object_mut().unwrap().insert(path[1..].into(), put.clone());
            let bytes = serde_json::to_vec(&edited).unwrap();
            let read = json::from_slice::<Submission>(&bytes).and_then(|s| s.verify());
            reject("submission", rule, json!({"path": path, "put": put}), read)
        })
        .collect()
}
