//! `ceremony.json`: a whole key ceremony, 2 of 3.

use std::collections::BTreeMap;

use curve25519_dalek::{EdwardsPoint, Scalar};
use serde_json::{Value, json};
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{CouncilFormed, CouncilMessage};
use tabir_crypto::statement::value::{Bytes, Hex, V1};
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1};
use tabir_crypto::threshold::{Council, Drill};
use tabir_crypto::{Code, Result, SecretBytes, json};

use crate::council::seeded;
use crate::hostile::mixed_order;
use crate::kit::{Recorder, all, flipped, h, reject, reject_as, statement, text};
use crate::town::{Board, Town, at};
use crate::world::sign;

pub fn file() -> Value {
    let mut rng = Recorder::new(1);
    let town = Town::make(&mut rng);
    rng.drawn();
    let payload = json::to_vec(&town.manifest).unwrap();
    let round2 = round2(&town, &mut rng);
    let drills = drills(&town, &mut rng);
    let yi: Vec<Value> = town.public.yi.iter().map(|p| h(p.compress())).collect();
    json!({
        "about": "One key ceremony, 2 of 3: what each official sent and what came of it. `random` is what sealing drew; the \
                  shares of round 2 are given in clear too. `reject`: `decoder` refuses `in` with `code`, naming `at`.",
        "officials": town.officials.iter().map(crate::town::Official::to_json).collect::<Vec<_>>(),
        "manifest": {
            "payload": text(&payload),
            "statement": statement(&sign(Verb::CouncilManifest, &town.manifest, &town.keys())),
            "ceremony_id": h(town.ceremony.id()),
        },
        "round1": town.round1.iter().map(|(i, m)| message(&town, 1, *i, 0, m)).collect::<Vec<_>>(),
        "round2": round2,
        "round3": (1..=3).map(|i| message(&town, 3, i, 0, &town.public.transcript)).collect::<Vec<_>>(),
        "round6": drills,
        "public": {"Y": h(town.public.y.compress()), "Yi": yi, "transcript": h(town.public.transcript)},
        "shares": town.shares.iter().map(|s| h(s.to_bytes().expose())).collect::<Vec<_>>(),
        "formed": {
            "statement": statement(&sign(Verb::CouncilFormed, &town.formed, &town.founders())),
            "lineage": h(town.council.lineage()),
            "u": h(town.council.key_u()),
            "council_id": h(town.council.council_id()),
            "fingerprint": town.council.fingerprint(),
        },
        "reject": all(&[manifests(&town), round1s(&town), shares(&town), councils(&town)]),
    })
}

/// A message as its sender signed it.
pub fn message(town: &Town, round: u8, from: u16, to: u16, bytes: &[u8]) -> Value {
    let ceremony_id = Hex(*town.ceremony.id());
    let body = CouncilMessage { v: V1, at: at(), ceremony_id, round, from, to, bytes: Bytes(bytes.to_vec()) };
    let signed = sign(Verb::CouncilMessage, &body, &[town.official(from).key()]);
    json!({"from": from, "to": to, "statement": statement(&signed)})
}

fn round2(town: &Town, rng: &mut Recorder) -> Vec<Value> {
    let mut all = Vec::new();
    for (to, shares) in &town.round2 {
        for (from, share) in shares {
            let place = Use::Ceremony { ceremony_id: *town.ceremony.id(), round: 2, from: *from, to: *to };
            let recipient = town.official(*to).kem.public_key();
            let sealed = uses::seal(&recipient, &place, share.expose(), rng).unwrap();
            let mut sent = message(town, 2, *from, *to, &sealed);
            sent["share"] = h(share.expose());
            sent["random"] = rng.drawn().into();
            all.push(sent);
        }
    }
    all
}

fn drills(town: &Town, rng: &mut Recorder) -> Vec<Value> {
    let drill = Drill::new(&town.council, &town.public.transcript).unwrap();
    let partials: Vec<Vec<u8>> = town.shares.iter().map(|s| drill.partial(s, rng).unwrap()).collect();
    drill.open(&partials).unwrap();
    let drawn = rng.drawn();
    let random = drawn.as_bytes().chunks(64).map(text);
    (1..)
        .zip(&partials)
        .zip(random)
        .map(|((i, p), r)| {
            let mut sent = message(town, 6, i, 0, p);
            sent["random"] = r;
            sent
        })
        .collect()
}

/// An edit of a payload: `put` at `path`.
fn edited(payload: &Value, path: &str, put: &Value) -> (Value, Vec<u8>) {
    let mut all = payload.clone();
    *all.pointer_mut(path).unwrap() = put.clone();
    (json!({"path": path, "put": put}), serde_json::to_vec(&all).unwrap())
}

fn manifests(town: &Town) -> Vec<Value> {
    let payload = serde_json::to_value(&town.manifest).unwrap();
    let members = payload["members"].as_array().unwrap();
    let with = |i: usize, field: &str, value: &Value| {
        let mut member = members[i].clone();
        member[field] = value.clone();
        member
    };
    let swapped = json!([members[1], members[0], members[2]]);
    let edits = [
        (Code::Threshold, "a threshold of 1", "/t", json!(1)),
        (Code::Threshold, "a threshold above n", "/t", json!(4)),
        (Code::Threshold, "more than 15 members", "/n", json!(16)),
        (Code::Index, "fewer members than n", "/n", json!(4)),
        (Code::Index, "an index 0", "/members/0", with(0, "index", &json!(0))),
        (Code::Index, "indices out of order", "/members", swapped),
        (Code::Duplicate, "one signing key on two chairs", "/members/2", with(2, "ed_vk", &members[0]["ed_vk"])),
        (
            Code::Duplicate,
            "one key for sealed things on two chairs",
            "/members/1",
            with(1, "kem_pk", &members[0]["kem_pk"]),
        ),
        (
            Code::ASmallOrder,
            "a signing key of small order",
            "/members/1",
            with(1, "ed_vk", &h([&[1][..], &[0; 31]].concat())),
        ),
        (Code::Size, "a key for sealed things that is too short", "/members/1", with(1, "kem_pk", &h([7; 32]))),
        (Code::Field, "a council before, for a new key", "/previous", h([7; 32])),
        (Code::Field, "an unknown kind", "/kind", json!("merge")),
    ];
    edits
        .into_iter()
        .map(|(code, rule, path, put)| {
            let (edit, bytes) = edited(&payload, path, &put);
            reject_as(code, "manifest", rule, edit, Ceremony::from_payload(&bytes))
        })
        .collect()
}

/// Round 2 of a member who is not to blame, with one message changed.
fn next(town: &Town, from: u16, bytes: Option<&[u8]>) -> Result<()> {
    let me = if from == 1 { 2 } else { 1 };
    let mut rng = seeded(1);
    let mine = (1..=3).map(|i| Round1::start(&town.ceremony, i, &mut rng).unwrap());
    let mine = mine.into_iter().nth(me - 1).unwrap();
    let mut board: Board = town.round1.clone();
    match bytes {
        Some(bytes) => board.insert(from, bytes.to_vec()),
        None => board.remove(&from),
    };
    mine.next(board).map(drop)
}

fn round1s(town: &Town) -> Vec<Value> {
    let good = &town.round1[&2];
    let put = |at: usize, bytes: &[u8]| [&good[..at], bytes, &good[at + bytes.len()..]].concat();
    let identity = [&[1][..], &[0; 31]].concat();
    let hostile = [
        ("a commitment too few", good[32..].to_vec()),
        ("a trailing byte", [good.as_slice(), &[0]].concat()),
        ("a commitment that is the identity", put(0, &identity)),
        ("a commitment plus a point of order 8", put(32, &mixed_order(&good[32..64]))),
        ("a commitment that is on no point", put(32, &[&[2][..], &[0; 31]].concat())),
        ("R plus a point of order 8", put(64, &mixed_order(&good[64..96]))),
        ("z that is not below q", put(96, &[0xff; 32])),
        ("another proof of knowledge", put(96, &flipped(&good[96..], 0))),
        ("the proof of another member", put(64, &town.round1[&3][64..])),
        ("another member's whole message", town.round1[&3].clone()),
        ("constants exchanged: a key that he does not know", put(0, &town.round1[&1][..32])),
    ];
    let mut all: Vec<Value> = hostile
        .iter()
        .map(|(rule, bytes)| reject("round1", rule, json!({"from": 2, "bytes": h(bytes)}), next(town, 2, Some(bytes))))
        .collect();
    all.push(reject_as(Code::Ceremony, "round1", "a message is missing", json!({"from": 2}), next(town, 2, None)));
    all
}

fn finish(town: &Town, from: u16, share: [u8; 32]) -> Result<()> {
    let mut rng = seeded(1);
    let first: Vec<Round1> = (1..=3).map(|i| Round1::start(&town.ceremony, i, &mut rng).unwrap()).collect();
    let (second, _) = first.into_iter().next().unwrap().next(town.round1.clone())?;
    let mut shares: BTreeMap<u16, SecretBytes<32>> = town.round2[&1].clone();
    shares.insert(from, SecretBytes::new(share));
    second.finish(&shares).map(drop)
}

fn shares(town: &Town) -> Vec<Value> {
    let good = *town.round2[&1][&2].expose();
    let one_more = (Scalar::from_canonical_bytes(good).unwrap() + Scalar::ONE).to_bytes();
    let for_other = *town.round2[&3][&2].expose();
    [
        ("one more than was promised", one_more),
        ("what was meant for another member", for_other),
        ("not below q", [0xff; 32]),
    ]
    .map(|(rule, share)| {
        let input = json!({"from": 2, "to": 1, "share": h(share)});
        reject("share", rule, input, finish(town, 2, share))
    })
    .to_vec()
}

fn councils(town: &Town) -> Vec<Value> {
    let payload = serde_json::to_value(&town.formed).unwrap();
    let yi = |i: usize| payload["members"][i]["Yi"].clone();
    let other = h(EdwardsPoint::mul_base(&Scalar::from(7_u8)).compress().to_bytes());
    let mixed = h(mixed_order(&town.public.yi[0].compress()));
    let edits = [
        (Code::Share, "a verifying share of another key", "/members/1/Yi", other.clone()),
        (Code::Share, "two verifying shares exchanged", "/members/0/Yi", yi(1)),
        (Code::MixedOrder, "a verifying share plus a point of order 8", "/members/0/Yi", mixed),
        (Code::Threshold, "t that is above the polynomial's degree + 1: fewer would do", "/t", json!(3)),
        (Code::Threshold, "t = 1", "/t", json!(1)),
        (Code::Context, "another key than the lineage's", "/Y", other),
        (Code::Context, "another lineage", "/lineage", h([7; 32])),
        (Code::Context, "another ceremony", "/ceremony_id", h([7; 32])),
        (Code::Index, "an index that is not in its place", "/members/0/index", json!(2)),
        (Code::Duplicate, "one signing key on two chairs", "/members/2/ed_vk", payload["members"][0]["ed_vk"].clone()),
    ];
    edits
        .into_iter()
        .map(|(code, rule, path, put)| {
            let (edit, bytes) = edited(&payload, path, &put);
            let read = json::from_slice::<CouncilFormed>(&bytes).and_then(|body| Council::from_body(&body));
            reject_as(code, "council", rule, edit, read)
        })
        .collect()
}

/// The public part is what anybody computes from the messages.
#[test]
fn anybody_computes_what_the_members_sign() {
    let town = Town::make(&mut Recorder::new(1));
    assert_eq!(Public::of(&town.ceremony, &town.round1).unwrap(), town.public);
}
