//! `reshare.json`: the council of `ceremony.json` gives its key to four officials, three of them needed; before, a refresh.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, CouncilMessage};
use tabir_crypto::statement::value::{Bytes, Hex, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::reshare::{Dealing, Dealings, VerifiedManifest, deal};
use tabir_crypto::threshold::{Council, Drill, Share};
use tabir_crypto::{Code, Result, SecretBytes, json};

use crate::hostile::mixed_order;
use crate::kit::{Recorder, all, flipped, h, reject_as, statement};
use crate::town::{Inbox, Official, Town, at, manifest};
use crate::world::{auditor, sign, warden};

type Board = BTreeMap<u16, Vec<u8>>;

/// A council before, and who is to hold its key now.
struct Change<'a> {
    old: &'a Council,
    old_people: &'a [Official],
    shares: &'a [Share],
    new_people: &'a [Official],
    body: CouncilManifest,
}

impl<'a> Change<'a> {
    fn new(
        town: (&'a Council, &'a [Official], &'a [Share]),
        kind: CeremonyKind,
        t: u16,
        new_people: &'a [Official],
        dealers: &[u16],
    ) -> Self {
        let (old, old_people, shares) = town;
        let previous = Hex(*old.council_id());
        let body = CouncilManifest { kind, previous, dealers: dealers.to_vec(), ..manifest(new_people, t) };
        Self { old, old_people, shares, new_people, body }
    }

    fn signers(&self, body: &CouncilManifest) -> Vec<SigningKey> {
        let dealers = body.dealers.iter().filter_map(|i| self.old_people.get(usize::from(*i).checked_sub(1)?));
        let mut keys: Vec<SigningKey> = self.new_people.iter().chain(dealers).map(Official::key).collect();
        keys.sort_by_key(|k| k.verifying_key().key_id());
        keys.dedup_by_key(|k| k.verifying_key().key_id());
        keys
    }

    fn signed(&self, body: &CouncilManifest) -> Statement {
        sign(Verb::CouncilManifest, body, &self.signers(body))
    }
}

struct Done {
    json: Value,
    verified: VerifiedManifest,
    board: Board,
    inbox: Inbox,
    shares: Vec<Share>,
    council: Council,
}

fn run(change: &Change<'_>, rng: &mut Recorder) -> Done {
    let manifest = change.signed(&change.body);
    let verified = VerifiedManifest::verify(&manifest, change.old).unwrap();
    let id = *verified.ceremony().id();
    let (mut board, mut inbox, mut round4, mut round5) = (Board::new(), Inbox::new(), Vec::new(), Vec::new());
    for dealer in verified.dealers() {
        let official = &change.old_people[usize::from(*dealer) - 1];
        let Dealing { message, shares } = deal(&verified, &change.shares[usize::from(*dealer) - 1], rng).unwrap();
        round4.push(sent(id, 4, (*dealer, official), 0, &message, rng.drawn()));
        board.insert(*dealer, message);
        for (to, share) in shares {
            let place = Use::Ceremony { ceremony_id: id, round: 5, from: *dealer, to };
            let recipient = change.new_people[usize::from(to) - 1].kem.public_key();
            let sealed = uses::seal(&recipient, &place, share.expose(), rng).unwrap();
            let mut one = sent(id, 5, (*dealer, official), to, &sealed, rng.drawn());
            one["share"] = h(share.expose());
            round5.push(one);
            inbox.entry(to).or_default().insert(*dealer, share);
        }
    }
    let dealings = Dealings::read(&verified, &board).unwrap();
    let council = dealings.council().clone();
    let shares: Vec<Share> = (1..=council.n()).map(|j| dealings.finish(j, &inbox[&j]).unwrap()).collect();
    let drill = Drill::new(&council, council.transcript()).unwrap();
    let mut round6 = Vec::new();
    let mut partials = Vec::new();
    for share in &shares {
        let partial = drill.partial(share, rng).unwrap();
        let official = &change.new_people[usize::from(share.index()) - 1];
        round6.push(sent(id, 6, (share.index(), official), 0, &partial, rng.drawn()));
        partials.push(partial);
    }
    drill.open(&partials).unwrap();
    let signers: Vec<SigningKey> = change.signers(&change.body).into_iter().chain([warden(), auditor(0)]).collect();
    let done = sign(dealings.verb(), &dealings.body(at()), &signers);
    let json = json!({
        "officials": change.new_people.iter().map(Official::to_json).collect::<Vec<_>>(),
        "manifest": statement(&manifest),
        "round4": round4,
        "round5": round5,
        "round6": round6,
        "transcript": h(council.transcript()),
        "shares": shares.iter().map(|s| h(s.to_bytes().expose())).collect::<Vec<_>>(),
        "statement": statement(&done),
        "council_id": h(council.council_id()),
        "fingerprint": council.fingerprint(),
    });
    Done { json, verified, board, inbox, shares, council }
}

fn sent(
    ceremony_id: [u8; 32],
    round: u8,
    (from, official): (u16, &Official),
    to: u16,
    bytes: &[u8],
    random: String,
) -> Value {
    let body = CouncilMessage {
        v: V1,
        at: at(),
        ceremony_id: Hex(ceremony_id),
        round,
        from,
        to,
        bytes: Bytes(bytes.to_vec()),
    };
    let signed = sign(Verb::CouncilMessage, &body, &[official.key()]);
    json!({"from": from, "to": to, "random": random, "statement": statement(&signed)})
}

fn new_people() -> Vec<Official> {
    (1..=4).map(|i| Official::named(&format!("published successor {i}"))).collect()
}

pub fn file() -> Value {
    let town = Town::make(&mut Recorder::new(1));
    let mut rng = Recorder::new(2);
    let first = (&town.council, town.officials.as_slice(), town.shares.as_slice());
    let refresh = run(&Change::new(first, CeremonyKind::Refresh, 2, &town.officials, &[1, 2]), &mut rng);
    let (before, people) = ((&refresh.council, town.officials.as_slice(), refresh.shares.as_slice()), new_people());
    let change = Change::new(before, CeremonyKind::Reshare, 3, &people, &[1, 3]);
    let reshare = run(&change, &mut rng);
    let old = &town.shares[0];
    assert_eq!(old.check(&refresh.council).unwrap_err().code(), Code::Share);
    json!({
        "about": "The council of ceremony.json refreshes its shares (dealers 1 and 2), then gives its key to four others, three of \
                  whom are needed (dealers 1 and 3). `random` is what a message's sender drew; the dealt shares of round 5 are \
                  given in clear too. `reject`, all about the second: `decoder` refuses `in` with `code`, naming `at`.",
        "refresh": refresh.json,
        "reshare": reshare.json,
        "reject": all(&[manifests(&change), dealings(&reshare), dealt(&reshare)]),
    })
}

fn manifests(change: &Change<'_>) -> Vec<Value> {
    type Edit = fn(&mut CouncilManifest);
    let edits: [(Code, &str, Edit); 9] = [
        (Code::Threshold, "a threshold of 1", |m| m.t = 1),
        (Code::Index, "an index 0", |m| m.members[0].index = 0),
        (Code::Field, "dealers for a new key", |m| m.kind = CeremonyKind::Form),
        (Code::Context, "another council before", |m| m.previous = Hex([7; 32])),
        (Code::TooFew, "one dealer too few", |m| m.dealers = vec![1]),
        (Code::TooFew, "one dealer too many", |m| m.dealers = vec![1, 2, 3]),
        (Code::Index, "one dealer twice", |m| m.dealers = vec![1, 1]),
        (Code::Index, "a dealer who is no member", |m| m.dealers = vec![1, 4]),
        (Code::Field, "a refresh that changes people", |m| m.kind = CeremonyKind::Refresh),
    ];
    let check = |s: &Statement| VerifiedManifest::verify(s, change.old).map(drop);
    let mut all: Vec<Value> = edits
        .into_iter()
        .map(|(code, rule, edit)| {
            let mut body = change.body.clone();
            edit(&mut body);
            let signed = change.signed(&body);
            reject_as(code, "manifest", rule, json!({"statement": statement(&signed)}), check(&signed))
        })
        .collect();
    for (rule, left_out) in [
        ("a new member did not sign", change.new_people[1].key()),
        ("a dealer did not sign", change.old_people[2].key()),
    ] {
        let id = left_out.verifying_key().key_id();
        let keys: Vec<SigningKey> =
            change.signers(&change.body).into_iter().filter(|k| k.verifying_key().key_id() != id).collect();
        let signed = sign(Verb::CouncilManifest, &change.body, &keys);
        all.push(reject_as(
            Code::Insufficient,
            "manifest",
            rule,
            json!({"statement": statement(&signed)}),
            check(&signed),
        ));
    }
    all
}

fn dealings(done: &Done) -> Vec<Value> {
    let good = &done.board[&3];
    let read = |bytes: Option<&[u8]>| -> Result<()> {
        let mut board = done.board.clone();
        match bytes {
            Some(bytes) => board.insert(3, bytes.to_vec()),
            None => board.remove(&3),
        };
        Dealings::read(&done.verified, &board).map(drop)
    };
    let put = |at: usize, bytes: &[u8]| [&good[..at], bytes, &good[at + bytes.len()..]].concat();
    let hostile = [
        (Code::Size, "a commitment too few", good[32..].to_vec()),
        (Code::Share, "another secret than the share in the log", put(0, &good[32..64])),
        (Code::MixedOrder, "a commitment plus a point of order 8", put(32, &mixed_order(&good[32..64]))),
        (Code::LowOrder, "a commitment that is the identity", put(64, &[&[1][..], &[0; 31]].concat())),
    ];
    let mut all: Vec<Value> = hostile
        .iter()
        .map(|(code, rule, bytes)| {
            reject_as(*code, "dealing", rule, json!({"from": 3, "bytes": h(bytes)}), read(Some(bytes)))
        })
        .collect();
    all.push(reject_as(Code::Ceremony, "dealing", "a dealer did not deal", json!({"from": 3}), read(None)));
    all
}

fn dealt(done: &Done) -> Vec<Value> {
    let dealings = Dealings::read(&done.verified, &done.board).unwrap();
    let mut changed = *done.inbox[&2][&3].expose();
    changed = flipped(&changed, 0).try_into().unwrap();
    let hostile = [
        (Code::Share, "a share that was not promised", changed),
        (Code::Share, "another member's share", *done.inbox[&1][&3].expose()),
        (Code::Scalar, "not below q", [0xff; 32]),
    ];
    hostile
        .map(|(code, rule, share)| {
            let mut shares = done.inbox[&2].clone();
            shares.insert(3, SecretBytes::new(share));
            let input = json!({"from": 3, "to": 2, "share": h(share)});
            reject_as(code, "dealt", rule, input, dealings.finish(2, &shares).map(drop))
        })
        .to_vec()
}

/// The key did not change on the way.
#[test]
fn a_payload_of_the_new_council_names_the_old_key() {
    let town = Town::make(&mut Recorder::new(1));
    let first = (&town.council, town.officials.as_slice(), town.shares.as_slice());
    let done = run(&Change::new(first, CeremonyKind::Refresh, 2, &town.officials, &[1, 2]), &mut Recorder::new(2));
    assert_eq!(done.council.key(), town.council.key());
    assert_eq!(done.council.epoch(), 2);
    assert!(json::to_vec(&done.council.to_body(at())).is_ok());
}
