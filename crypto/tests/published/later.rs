//! Parts of `journey.json` beside the report itself: token, puzzle, reply, later writes, a file, a share at rest.

use serde_json::{Value, json};
use tabir_crypto::attachment;
use tabir_crypto::codec::{sha256, unb64};
use tabir_crypto::content::{Dispute, Message, Rating, SealedReply, pad_message};
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{CaseWrite, Reply, Role};
use tabir_crypto::statement::value::{Bytes, Hex, V1};
use tabir_crypto::submission::{CaseWriteBody, Submission, body_tag};
use tabir_crypto::token::{self, IssuerKey, TokenChallenge, header, puzzle};
use tabir_crypto::{Code, SecretBytes, json};

use crate::journey::{Case, kem};
use crate::kit::{Recorder, flipped, h, reject_as, text as text_of};
use crate::town::{Town, at};
use crate::world::{HOUR, T0, hash, role, sign, text};

/// The only issuer's key in here that was not made for this file: it is that of RFC 9578's vectors.
fn issuer() -> IssuerKey {
    let all: Value = serde_json::from_str(include_str!("../vectors/rfc9578-type2-rs.json")).unwrap();
    let pem = String::from_utf8(hex::decode(all[0]["sk_s"].as_str().unwrap()).unwrap()).unwrap();
    let der: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    IssuerKey::from_pkcs8(&unb64(&der).unwrap()).unwrap()
}

pub fn token_step(submission: &Submission, rng: &mut Recorder) -> Value {
    let issuer = issuer();
    let challenge = TokenChallenge::new("issuer.test", "gateway.test").unwrap();
    let (request, pending) = token::blind(rng, issuer.public(), &challenge).unwrap();
    let random = rng.drawn();
    let response = issuer.blind_sign(rng, &request).unwrap();
    rng.drawn();
    let token = pending.finalize(&response).unwrap();
    let verified = token::verify(&token, &challenge.digest(), issuer.public()).unwrap();
    let body = json::to_vec(submission).unwrap();
    json!({
        "issuer_name": "issuer.test",
        "origin": "gateway.test",
        "token_key": h(issuer.public().spki()),
        "challenge": h(challenge.encode()),
        "random": random,
        "request": h(request.encode()),
        "response": h(response.0),
        "token": h(token.encode()),
        "authorization": header::write_authorization(&token),
        "www_authenticate": header::write_challenge(&challenge, issuer.public()),
        "body_tag": h(body_tag(verified.authenticator(), "POST", "/v1/reports", "application/json", &body)),
    })
}

pub fn puzzle_step(rng: &mut Recorder) -> Value {
    let key = SecretBytes::new(hash("puzzle key").0);
    let challenge = puzzle::Challenge::new(rng, &key, 3, T0 + HOUR).unwrap();
    rng.drawn();
    let solution = challenge.solve(0, 1000).unwrap().expect("a puzzle of 3 bits");
    solution.clone().authenticate(&key, T0).unwrap().check_work().unwrap();
    json!({
        "challenge": h(challenge.as_bytes()),
        "offer": text_of(json::to_vec(&puzzle::Offer::new(&challenge)).unwrap()),
        "expires": T0 + HOUR,
        "solution": solution.to_text(),
    })
}

/// The forwarder's question, the reporter's answer, a dispute, a rating and an erasure.
pub fn later_step(case: &Case, rng: &mut Recorder) -> Value {
    let (case_id, intake) = (case.keys.case_id(), kem("intake"));
    let intake_key_id = intake.public_key().key_id();
    let question: Message = json::from_slice(
        format!(r#"{{"v":1,"seq":1,"prev":"{}","kind":"question","text":"Loket yang mana?"}}"#, "00".repeat(32))
            .as_bytes(),
    )
    .unwrap();
    let message = json::to_vec(&question).unwrap();
    let reply = Reply { v: V1, at: at(), case_id: Hex(case_id), seq: 1, message_hash: Hex(sha256(&message)) };
    let signed = sign(Verb::Reply, &reply, &[role(Role::Forwarder)]);
    let sealed_reply =
        json::to_vec(&SealedReply { v: V1, message: Bytes(message.clone()), statement: signed }).unwrap();
    let place = Use::Mailbox { case_id, seq: 1 };
    let sealed =
        uses::seal(&case.keys.mailbox_pk(), &place, pad_message(&sealed_reply).unwrap().expose(), rng).unwrap();
    let mut all = json!({"reply": {
        "seq": 1, "message": text_of(&message), "json": text_of(&sealed_reply), "random": rng.drawn(), "sealed": h(sealed),
    }});

    let answer = format!(r#"{{"v":1,"seq":1,"prev":"{}","kind":"answer","re":1,"text":"Loket 3."}}"#, "00".repeat(32));
    let answer = json::to_vec(&json::from_slice::<Message>(answer.as_bytes()).unwrap()).unwrap();
    let dispute = r#"{"v":1,"seq":2,"code":"not_done","text":"Belum selesai."}"#;
    let dispute = json::to_vec(&json::from_slice::<Dispute>(dispute.as_bytes()).unwrap()).unwrap();
    let rating = json::to_vec(&json::from_slice::<Rating>(br#"{"v":1,"stars":4}"#).unwrap()).unwrap();
    let mut writes = Vec::new();
    let sealed_writes = [(Verb::CaseMessage, 1, &answer), (Verb::CaseDispute, 2, &dispute)];
    for (verb, seq, json) in sealed_writes {
        let place = Use::Followup { case_id, seq, intake_key_id };
        let payload = uses::seal(&intake.public_key(), &place, pad_message(json).unwrap().expose(), rng).unwrap();
        writes.push((verb, seq, Some(Hex(intake_key_id)), Some(seq), payload, text_of(json), rng.drawn()));
    }
    writes.push((Verb::CaseRate, 3, None, None, rating.clone(), text_of(&rating), String::new()));
    writes.push((Verb::CaseErase, 4, None, None, Vec::new(), "".into(), String::new()));
    let write =
        |(verb, counter, intake_key_id, seq, payload, json, random): (Verb, u64, _, _, Vec<u8>, Value, String)| {
            let signed =
                CaseWrite { v: V1, at: at(), case_id: Hex(case_id), counter, body_hash: Hex(sha256(&payload)) };
            let statement = sign(verb, &signed, std::slice::from_ref(&case.keys.case_key));
            let body = CaseWriteBody { v: V1, intake_key_id, seq, payload, statement };
            body.verify(verb, &case_id, &case.keys.case_vk()).unwrap();
            json!({
                "verb": verb.as_str(), "counter": counter, "json": json, "random": random,
                "body": text_of(json::to_vec(&body).unwrap()),
            })
        };
    all["writes"] = writes.into_iter().map(write).collect();
    all
}

pub fn attachment_step(case: &Case, rng: &mut Recorder) -> Value {
    let file: Vec<u8> = (0..70_000_u32).map(|i| (i % 251) as u8).collect();
    let (described, ct) = attachment::seal(&file, &case.keys.case_id(), text("image/jpeg"), rng).unwrap();
    json!({
        "length": file.len(),
        "byte": "i mod 251",
        "random": rng.drawn(),
        "json": text_of(json::to_vec(&described).unwrap()),
        "ct_hash": h(sha256(&ct)),
    })
}

/// Official 1's share at rest, under the least cost that is taken.
pub fn key_file_step(town: &Town, rng: &mut Recorder) -> Value {
    let share = town.share(1);
    let member = &town.council.members()[0];
    let index = member.index.to_be_bytes();
    let bound = [town.council.lineage().as_slice(), town.council.council_id(), &index, &member.yi.compress()].concat();
    let file = seal_key_file(b"kata sandi", share.to_bytes().expose(), &bound, Cost::LEAST, rng).unwrap();
    let open = |passphrase: &[u8], file: &[u8], bound: &[u8]| open_key_file(passphrase, file, bound);
    let mut costly = file.clone();
    costly[9..13].copy_from_slice(&[0xff; 4]);
    let rejects = [
        reject_as(
            Code::Passphrase,
            "key_file",
            "another passphrase",
            json!({"passphrase": "kata sandI", "file": h(&file)}),
            open(b"kata sandI", &file, &bound),
        ),
        reject_as(
            Code::Field,
            "key_file",
            "a cost beyond what is taken",
            json!({"file": h(&costly)}),
            open(b"kata sandi", &costly, &bound),
        ),
        reject_as(
            Code::Version,
            "key_file",
            "another magic",
            json!({"file": h(flipped(&file, 0))}),
            open(b"kata sandi", &flipped(&file, 0), &bound),
        ),
        reject_as(
            Code::Size,
            "key_file",
            "cut in its header",
            json!({"file": h(&file[..57])}),
            open(b"kata sandi", &file[..57], &bound),
        ),
        reject_as(
            Code::Passphrase,
            "key_file",
            "a changed ciphertext",
            json!({"file": h(flipped(&file, 60))}),
            open(b"kata sandi", &flipped(&file, 60), &bound),
        ),
    ];
    json!({
        "passphrase": "kata sandi",
        "secret": h(share.to_bytes().expose()),
        "bound_to": h(&bound),
        "memory_kib": Cost::LEAST.memory_kib, "iterations": Cost::LEAST.iterations, "lanes": Cost::LEAST.lanes,
        "random": rng.drawn(),
        "file": h(&file),
        "reject": rejects,
    })
}
