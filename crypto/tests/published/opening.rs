//! The second half of `journey.json`: the identity is asked for, and two of three officials open it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{Handout, Outer, VerifiedInner};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Bytes, Hex, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::{
    OpeningContext, PARTIAL_LEN, combine, make, open, recipients_hash, record_commit, verify,
};
use tabir_crypto::{Code, Result, SecretBytes, json};

use crate::journey::{Case, kem};
use crate::kit::{Recorder, flipped, h, reject, reject_as, statement, text};
use crate::log::Ledger;
use crate::town::{Town, at};
use crate::world::{COOLING, DAY, HOUR, T0, auditor, code, hash, policy, quorum, role, sign, warden};

pub struct Steps {
    pub steps: Map<String, Value>,
    pub rejects: Vec<Value>,
}

/// What stands in the log before anybody asks.
fn before(town: &Town, ledger: &mut Ledger) {
    ledger.put(&sign(Verb::PolicySet, &policy(1), &[role(Role::Gateway), auditor(0)]));
    ledger.put(&sign(Verb::CouncilFormed, &town.formed, &town.founders()));
    let key = |kind: KeyKind, key: KemSecretKey| KeyAnnounced {
        v: V1,
        at: at(),
        role: kind.role(),
        kind,
        epoch: 1,
        key: Bytes(key.public_key().as_bytes().to_vec()),
        not_before: Second(T0),
        not_after: Second(T0 + 100 * DAY),
    };
    ledger.put(&sign(Verb::KeyAnnounced, &key(KeyKind::Intake, kem("intake")), &[role(Role::Forwarder)]));
    let signers: Vec<SigningKey> = quorum().into_iter().chain([warden()]).collect();
    ledger.put(&sign(Verb::KeyAnnounced, &key(KeyKind::Warden, kem("warden kem")), &signers));
    ledger.witness(10 * DAY);
}

struct Asked {
    text: RequestText,
    body: UnsealRequested,
    statement: Statement,
}

fn ask(town: &Town, case: &Case, rng: &mut Recorder) -> (Asked, Value) {
    let text_fields = RequestText {
        v: V1,
        case_id: Hex(case.keys.case_id()),
        access_hash: Hex(case.keys.access_hash()),
        content_hash: Hex(case.content_hash()),
        envelope_hash: Hex(case.envelope.hash),
        notice_key: Hex(*case.keys.notice_key.expose()),
        nonce: Hex(rng.array()),
        words: "Pelapor diancam.".into(),
        category: Some(code("bribery")),
        recused: Vec::new(),
    };
    let salt: B32 = rng.array();
    let request_id = Hex(rng.array());
    rng.drawn();
    let committed = text_fields.commit(&salt).unwrap();
    let body = UnsealRequested {
        v: V1,
        at: at(),
        request_id,
        council_id: Hex(*town.council.council_id()),
        requester: 1,
        legal_basis: code("court"),
        reason: code("danger"),
        commit: Hex(committed.commit),
        tag: Hex(committed.tag),
        nonce: Some(text_fields.nonce),
        deferred_until: None,
        deferral: None,
    };
    let mut copies = Vec::new();
    let recipients = [kem("warden kem")].into_iter().chain(town.officials.iter().map(|o| o.kem.clone()));
    for (to, key) in recipients.enumerate() {
        let sealed = committed.seal(&key.public_key(), rng).unwrap();
        RequestText::open(&body, &key, &sealed).map(drop).unwrap();
        copies.push(json!({"to": to, "seed": h(key.seed().expose()), "random": rng.drawn(), "sealed": h(sealed)}));
    }
    let signed = sign(Verb::UnsealRequested, &body, &[town.official(1).key()]);
    let step = json!({
        "salt": h(salt),
        "text": text(json::to_vec(&text_fields).unwrap()),
        "commit": h(committed.commit),
        "tag": h(committed.tag),
        "copies": copies,
        "statement": statement(&signed),
        "request_hash": h(signed.entry_hash()),
    });
    (Asked { text: text_fields, body, statement: signed }, step)
}

fn approve(town: &Town, request: B32, index: u16) -> (KemSecretKey, Statement) {
    let fresh = kem(&format!("published fresh {index}"));
    let body = UnsealApproved {
        v: V1,
        at: at(),
        request_hash: Hex(request),
        council_id: Hex(*town.council.council_id()),
        index,
        reason: code("danger"),
        kem_pk: Bytes(fresh.public_key().as_bytes().to_vec()),
        deferred_until: None,
    };
    (fresh, sign(Verb::UnsealApproved, &body, &[town.official(index).key()]))
}

/// The journey from request to opened, with officials 1 and 3.
pub fn steps(town: &Town, case: &Case, rng: &mut Recorder) -> Steps {
    let mut ledger = Ledger::new();
    before(town, &mut ledger);
    let (asked, request_step) = ask(town, case, rng);
    let request = asked.statement.entry_hash();
    ledger.put(&asked.statement);
    let approvals: BTreeMap<u16, (KemSecretKey, Statement)> =
        [1, 3].into_iter().map(|i| (i, approve(town, request, i))).collect();
    approvals.values().for_each(|(_, s)| ledger.put(s));
    let kept = ledger.witness(10 * DAY + HOUR);
    let fresh: BTreeMap<u16, KemPublicKey> = approvals.iter().map(|(i, (k, _))| (*i, k.public_key())).collect();

    // the warden
    let (key, binding) = (kem("warden kem"), asked.text.binding(*town.council.lineage()));
    let outer = asked.text.envelope(town.council.lineage(), &case.envelope.bytes).unwrap();
    let released = outer.open(&key, &binding).unwrap();
    let salt: B32 = rng.array();
    rng.drawn();
    let handout = released.handout(salt);
    let mut handouts = Vec::new();
    let mut hashes = Vec::new();
    for (index, to) in &fresh {
        let place = Use::Handout { request_hash: request, index: *index };
        let sealed = uses::seal(to, &place, handout.to_bytes().expose(), rng).unwrap();
        hashes.push(IndexedHash { index: *index, hash: Hex(sha256(&sealed)) });
        let seed = h(approvals[index].0.seed().expose());
        handouts.push(json!({"index": index, "seed": seed, "random": rng.drawn(), "sealed": h(sealed)}));
    }
    let body = UnsealReleased {
        v: V1,
        at: at(),
        request_hash: Hex(request),
        tree_size: kept.size,
        checkpoint_hash: Hex(kept.hash),
        inner_commit: Hex(handout.inner_commit()),
        handouts: hashes,
    };
    ledger.now = 10 * DAY + 2 * HOUR + COOLING;
    ledger.put(&sign(Verb::UnsealReleased, &body, &[warden()]));
    ledger.witness(10 * DAY + 2 * HOUR + COOLING);
    let release_step = json!({"salt": h(salt), "inner_commit": h(handout.inner_commit()), "handouts": handouts});

    // the approvers
    let context = OpeningContext {
        council: &town.council,
        case_id: asked.text.case_id.0,
        envelope_hash: outer.hash(),
        inner: released.inner(),
        request_hash: request,
        checkpoint_hash: kept.hash,
        recipients: recipients_hash(&fresh),
    };
    let mut made: Vec<SecretBytes<PARTIAL_LEN>> = Vec::new();
    let mut partials = Vec::new();
    for from in fresh.keys() {
        let partial = make(&context, town.share(*from), rng).unwrap();
        let random = rng.drawn();
        let (mut sent, mut hashes) = (Vec::new(), Vec::new());
        for (to, key) in &fresh {
            let place = Use::Partial { request_hash: request, from: *from, to: *to };
            let sealed = uses::seal(key, &place, partial.expose(), rng).unwrap();
            hashes.push(IndexedHash { index: *to, hash: Hex(sha256(&sealed)) });
            sent.push(json!({"to": to, "random": rng.drawn(), "sealed": h(sealed)}));
        }
        let body = UnsealPartial { v: V1, at: at(), request_hash: Hex(request), index: *from, partials: hashes };
        ledger.put(&sign(Verb::UnsealPartial, &body, &[town.official(*from).key()]));
        let share = h(town.share(*from).to_bytes().expose());
        partials.push(
            json!({"index": from, "share": share, "random": random, "partial": h(partial.expose()), "sealed": sent}),
        );
        made.push(partial);
    }
    let bytes: Vec<Vec<u8>> = made.iter().map(|p| p.expose().to_vec()).collect();
    let dh = combine(&context, &bytes).unwrap();
    let opened = open(town.council.key(), released.inner(), &dh).unwrap();
    assert_eq!(opened.record.expose().as_slice(), case.record);
    let body = UnsealOpened { v: V1, at: at(), request_hash: Hex(request), record_commit: Hex(record_commit(&opened)) };
    ledger.put(&sign(Verb::UnsealOpened, &body, &[town.official(1).key(), town.official(3).key()]));
    ledger.witness(10 * DAY + 3 * HOUR + COOLING);

    let mut rejects = request_rejects(&asked);
    rejects.extend(handout_rejects(&outer, &handout, &binding));
    rejects.extend(partial_rejects(&context, &bytes));
    let steps = json!({
        "council": {
            "formed": statement(&sign(Verb::CouncilFormed, &town.formed, &town.founders())),
            "council_id": h(town.council.council_id()),
        },
        "request": request_step,
        "approvals": approvals.iter().map(|(i, (k, s))| json!({"index": i, "seed": h(k.seed().expose()), "statement": statement(s)})).collect::<Vec<_>>(),
        "release": release_step,
        "recipients": h(context.recipients),
        "partials": partials,
        "opened": {
            "dh": h(dh.as_bytes().expose()),
            "record": h(opened.record.expose()),
            "salt": h(opened.salt.expose()),
            "record_commit": h(record_commit(&opened)),
        },
        "governance": ledger.to_json(),
    });
    let Value::Object(steps) = steps else { unreachable!("an object was written") };
    Steps { steps, rejects }
}

/// The entry does not say what the sealed text says.
fn request_rejects(asked: &Asked) -> Vec<Value> {
    let official = kem("warden kem");
    let committed = asked.text.commit(&[9; 32]).unwrap();
    let sealed = committed.seal(&official.public_key(), &mut crate::council::seeded(5)).unwrap();
    let with = |change: &dyn Fn(&mut UnsealRequested)| {
        let mut body = asked.body.clone();
        body.commit = Hex(committed.commit);
        change(&mut body);
        body
    };
    let other = hash("other");
    let bodies = [
        ("another commit: it was sealed for that one", with(&|b| b.commit = other)),
        ("another tag", with(&|b| b.tag = other)),
        ("another public nonce", with(&|b| b.nonce = Some(other))),
        ("a deferral in the entry and a nonce beside it", with(&|b| b.deferred_until = Some(Second(T0 + DAY)))),
        ("no public nonce and no deferral", with(&|b| b.nonce = None)),
    ];
    bodies
        .into_iter()
        .map(|(rule, body)| {
            let entry = json!({"commit": body.commit, "tag": body.tag, "nonce": body.nonce, "deferred_until": body.deferred_until});
            let input = json!({"seed": h(official.seed().expose()), "sealed": h(&sealed), "entry": entry});
            reject("request", rule, input, RequestText::open(&body, &official, &sealed).map(drop))
        })
        .collect()
}

fn handout_rejects(outer: &Outer, handout: &Handout, binding: &tabir_crypto::envelope::CaseBinding) -> Vec<Value> {
    let good = handout.to_bytes();
    let check =
        |bytes: &[u8]| -> Result<VerifiedInner> { Handout::parse(bytes)?.check(outer.warden_key_id(), binding) };
    check(good.expose()).unwrap();
    let regions = [
        ("enc", 32),
        ("ciphertext", 32 + 160),
        ("case key", 1232),
        ("R of the case signature", 1264),
        ("S of the case signature", 1296),
    ];
    let mut all: Vec<Value> = regions
        .map(|(region, at)| reject("handout", region, json!({"offset": at}), check(&flipped(good.expose(), at))))
        .to_vec();
    all.push(reject_as(Code::Size, "handout", "a byte too short", json!({"cut": 1}), check(&good.expose()[1..])));
    all
}

fn partial_rejects(context: &OpeningContext<'_>, good: &[Vec<u8>]) -> Vec<Value> {
    let regions = [
        ("version", 0, 0),
        ("council", 0, 1),
        ("request", 0, 33),
        ("checkpoint", 0, 65),
        ("index of nobody", 0, 97),
        ("index 0", 0, 98),
        ("index of another official", 1, 98),
        ("D", 0, 99),
        ("c", 0, 131),
        ("z", 0, 163),
    ];
    let mut all: Vec<Value> = regions
        .map(|(region, which, at)| {
            let input = json!({"partial": which, "offset": at});
            reject("partial", region, input, verify(context, &flipped(&good[which], at)))
        })
        .to_vec();
    let one = [good[0].clone()];
    let twice = [good[0].clone(), good[0].clone()];
    all.push(reject_as(
        Code::TooFew,
        "combine",
        "one official alone",
        json!({"partials": [0]}),
        combine(context, &one),
    ));
    all.push(reject_as(
        Code::Duplicate,
        "combine",
        "one official twice",
        json!({"partials": [0, 0]}),
        combine(context, &twice),
    ));
    all
}
