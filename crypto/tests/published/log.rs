//! `log.json`: a small governance log and a tree of 300 leaves, with proofs, tiles, and tampered copies.

use serde_json::{Value, json};
use tabir_crypto::codec::{B32, b64, sha256};
use tabir_crypto::log::checkpoint::Checkpoint;
use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::note::NoteSignature;
use tabir_crypto::log::tile::{Edge, Kind, Tile, bundles, parse_entries, parse_hashes, push_entry};
use tabir_crypto::log::tree::{Subtree, consistency_plan, inclusion_plan, node_hash, prove};
use tabir_crypto::log::{
    CosignedCheckpoint, Cosigner, LogVerifier, NoteSigner, SignedCheckpoint, TreeHead, VerifierKey, Witnesses,
    leaf_hash, verify_consistency, verify_inclusion,
};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{Code, Result, SecretBytes};

use crate::kit::{all, flipped, h, reject, reject_as, statement, text};
use crate::world::{self, DAY, T0, auditor, hash, official, policy, role, sign, trust_root};

const ORIGIN: &str = "governance";
/// Seconds between two witnesses.
const APART: u64 = 10;

fn seed(name: &str) -> SecretBytes<32> {
    SecretBytes::new(hash(name).0)
}

fn log_key() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &seed("published log")).unwrap()
}

fn witness(i: usize) -> Cosigner {
    Cosigner::from_seed(&format!("witness-{i}"), &seed(&format!("published witness {i}"))).unwrap()
}

fn vkeys(n: usize) -> Vec<String> {
    (0..n).map(|i| witness(i).verifier_key().to_string()).collect()
}

#[derive(Clone)]
pub struct Kept {
    pub size: u64,
    pub hash: B32,
    note: Vec<u8>,
    witnessed: u64,
}

/// A governance log that three witnesses watch, two of them needed. What it takes is checked as the log itself would.
pub struct Ledger {
    root: Statement,
    trust: Trust,
    state: State,
    edge: Edge,
    leaves: Vec<Vec<u8>>,
    kept: Vec<Kept>,
    pub now: u64,
}

impl Ledger {
    pub fn new() -> Self {
        let mut root = trust_root();
        root.logs[0].vkey = world::text(&log_key().verifier_key().to_string());
        root.logs[1].vkey = world::text(
            &NoteSigner::from_seed("intake", &seed("published intake log")).unwrap().verifier_key().to_string(),
        );
        root.witnesses = vkeys(3).iter().map(|k| world::text(k)).collect();
        root.witness_quorum = 2;
        let root = sign(Verb::TrustRoot, &root, &world::quorum());
        let trust = Trust::pinned(&root).unwrap();
        Self { root, trust, state: State::new(), edge: Edge::default(), leaves: Vec::new(), kept: Vec::new(), now: 0 }
    }

    /// Appends an entry that the log would take now.
    pub fn put(&mut self, statement: &Statement) {
        self.state.check(&self.trust, statement, T0 + self.now).unwrap();
        let (entry, leaf) = (self.leaves.len() as u64, statement.to_bytes());
        self.state.apply(&self.trust, entry, &leaf, None).unwrap();
        self.edge.push(&leaf).unwrap();
        self.leaves.push(leaf);
    }

    /// A checkpoint of what is there, cosigned from this time on (seconds after T0) by two of the witnesses.
    pub fn witness(&mut self, after: u64) -> Kept {
        self.now = after + APART;
        let checkpoint = Checkpoint { origin: ORIGIN.into(), head: self.edge.head() };
        let mut signed = SignedCheckpoint::sign(checkpoint, &log_key()).unwrap();
        for (i, time) in [(2, T0 + self.now), (0, T0 + after)] {
            signed.add(witness(i).cosign(&signed, time));
        }
        let size = signed.head().size;
        self.state.mark(size, T0 + self.now);
        self.kept.push(Kept { size, hash: signed.hash(), note: signed.to_bytes(), witnessed: T0 + self.now });
        self.kept[self.kept.len() - 1].clone()
    }

    pub fn to_json(&self) -> Value {
        let kept =
            |k: &Kept| json!({"size": k.size, "note": text(&k.note), "hash": h(k.hash), "witnessed": k.witnessed});
        json!({
            "trust": statement(&self.root),
            "leaves": self.leaves.iter().map(text).collect::<Vec<_>>(),
            "checkpoints": self.kept.iter().map(kept).collect::<Vec<_>>(),
        })
    }
}

/// The hash of a complete subtree, from the leaves.
fn subtree(leaves: &[Vec<u8>], s: Subtree) -> Result<B32> {
    if s.level == 0 {
        return Ok(leaf_hash(&leaves[usize::try_from(s.index).unwrap()]));
    }
    let below = |index| subtree(leaves, Subtree { level: s.level - 1, index });
    Ok(node_hash(&below(2 * s.index)?, &below(2 * s.index + 1)?))
}

fn head(leaves: &[Vec<u8>]) -> TreeHead {
    let mut edge = Edge::default();
    leaves.iter().for_each(|leaf| edge.push(leaf).unwrap());
    edge.head()
}

fn inclusion(leaves: &[Vec<u8>], index: u64) -> Vec<B32> {
    let proof = prove(&inclusion_plan(index, leaves.len() as u64).unwrap(), |s| subtree(leaves, s)).unwrap();
    verify_inclusion(&leaf_hash(&leaves[usize::try_from(index).unwrap()]), index, head(leaves), &proof).unwrap();
    proof
}

fn consistency(leaves: &[Vec<u8>], old: usize) -> Vec<B32> {
    let plan = consistency_plan(old as u64, leaves.len() as u64).unwrap();
    let proof = prove(&plan, |s| subtree(leaves, s)).unwrap();
    verify_consistency(head(&leaves[..old]), head(leaves), &proof).unwrap();
    proof
}

fn hexes(proof: &[B32]) -> Vec<Value> {
    proof.iter().map(h).collect()
}

pub fn file() -> Value {
    let mut ledger = Ledger::new();
    ledger.put(&sign(Verb::PolicySet, &policy(1), &[role(Role::Gateway), auditor(0)]));
    ledger.put(&sign(Verb::CouncilFormed, &world::council(), &world::founders()));
    ledger.witness(DAY);
    let asked = sign(Verb::UnsealRequested, &world::requested("published"), &[official(1)]);
    ledger.put(&asked);
    let request = tabir_crypto::statement::value::Hex(asked.entry_hash());
    ledger.put(&sign(Verb::UnsealApproved, &world::approved(request, 2), &[official(2)]));
    ledger.put(&sign(Verb::UnsealRefused, &world::no(request, 3), &[official(3)]));
    ledger.witness(2 * DAY);
    ledger.put(&sign(Verb::PolicySet, &policy(2), &[role(Role::Gateway), auditor(1)]));
    ledger.put(&sign(Verb::UnsealWithdrawn, &world::no(request, 1), &[official(1)]));
    ledger.witness(3 * DAY);

    let (leaves, sizes) = (&ledger.leaves, ledger.kept.iter().map(|k| usize::try_from(k.size).unwrap()));
    let sizes: Vec<usize> = sizes.collect();
    let pairs = sizes.iter().flat_map(|old| sizes.iter().filter(move |new| old < new).map(move |new| (*old, *new)));
    let mut governance = ledger.to_json();
    governance["origin"] = ORIGIN.into();
    governance["vkey"] = log_key().verifier_key().to_string().into();
    governance["witnesses"] = vkeys(3).into();
    governance["quorum"] = 2.into();
    governance["entry_hashes"] = leaves.iter().map(|l| h(leaf_hash(l))).collect();
    governance["inclusion"] = (0..leaves.len() as u64).map(|i| hexes(&inclusion(leaves, i))).collect();
    governance["consistency"] = pairs
        .map(|(old, new)| json!({"old": old, "new": new, "proof": hexes(&consistency(&leaves[..new], old))}))
        .collect();
    governance["tiles"] = tiles_json(leaves);
    json!({
        "about": "A governance log of seven entries with three kept checkpoints (two of three witnesses; `witnessed` is the second \
                  smallest time), and a tree of 300 leaves, of which leaf i is the decimal i in ASCII. Statements and notes as \
                  text, proofs in their order, tiles and bundles by their SHA-256. `reject`: `decoder` refuses `in` with `code`; what is not given is that of the \
                  last checkpoint, or of the tree of seven entries.",
        "governance": governance,
        "tree": tree(),
        "reject": all(&[notes(&ledger), proofs(&ledger), tile_rejects(&ledger), verifier_keys()]),
    })
}

fn tiles(leaves: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut edge = Edge::default();
    leaves.iter().for_each(|leaf| edge.push(leaf).unwrap());
    let mut all: Vec<(String, Vec<u8>)> =
        edge.take_tiles().unwrap().into_iter().map(|(t, b)| (t.to_string(), b)).collect();
    for bundle in bundles(0, leaves.len() as u64).unwrap() {
        let start = usize::try_from(bundle.start()).unwrap();
        let mut bytes = Vec::new();
        let width = usize::try_from(bundle.width()).unwrap();
        leaves[start..start + width].iter().for_each(|leaf| push_entry(&mut bytes, leaf).unwrap());
        all.push((bundle.to_string(), bytes));
    }
    all.sort();
    all
}

fn tiles_json(leaves: &[Vec<u8>]) -> Value {
    tiles(leaves).iter().map(|(path, bytes)| json!({"path": path, "sha256": h(sha256(bytes))})).collect()
}

fn tree() -> Value {
    let leaves: Vec<Vec<u8>> = (0..300).map(|i| i.to_string().into_bytes()).collect();
    let sizes = [0, 1, 2, 3, 4, 7, 8, 255, 256, 257, 300];
    let roots = sizes.map(|n| json!({"size": n, "root": h(head(&leaves[..n]).root)}));
    let inclusions = [(0, 1), (0, 2), (2, 3), (4, 7), (6, 7), (255, 256), (256, 257), (128, 300), (299, 300)];
    let inclusions =
        inclusions.map(|(i, n)| json!({"index": i, "size": n, "proof": hexes(&inclusion(&leaves[..n], i as u64))}));
    let consistencies =
        [(0, 300), (1, 2), (3, 7), (4, 7), (4, 8), (255, 256), (255, 300), (256, 300), (299, 300), (300, 300)];
    let consistencies =
        consistencies.map(|(old, n)| json!({"old": old, "new": n, "proof": hexes(&consistency(&leaves[..n], old))}));
    json!({
        "roots": roots,
        "inclusion": inclusions,
        "consistency": consistencies,
        "tiles": tiles_json(&leaves),
    })
}

/// Notes that readers refuse.
fn notes(ledger: &Ledger) -> Vec<Value> {
    let log = LogVerifier::new(ORIGIN, &log_key().verifier_key().to_string()).unwrap();
    let keys = vkeys(3);
    let witnesses = Witnesses::new(keys.iter().map(String::as_str), 2).unwrap();
    let good = String::from_utf8(ledger.kept[2].note.clone()).unwrap();
    let open = |note: &str| CosignedCheckpoint::open(note.as_bytes(), &log, &witnesses).map(drop);
    open(&good).unwrap();
    let head = ledger.edge.head();
    let signed = |text: &str| tabir_crypto::log::Note::signed(text, &log_key()).unwrap().to_string();
    let root = b64(&head.root);
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    let (body, line) = (lines[..5].concat(), |i: usize| lines[i].to_owned());
    let checkpoint = SignedCheckpoint::open(good.as_bytes(), &log).unwrap();
    let stranger = Cosigner::from_seed("stranger", &seed("stranger")).unwrap();
    let at = |i: usize, time: u64| format!("{}\n", witness(i).cosign(&checkpoint, time));
    // A line that names one witness and was made by another key.
    let forged = {
        let by = Cosigner::from_seed("witness-1", &seed("not the witness")).unwrap().cosign(&checkpoint, T0);
        let id = witness(1).verifier_key().id();
        format!("\u{2014} witness-1 {}\n", b64(&[&id[..], by.bytes()].concat()))
    };
    assert_eq!(
        verify_cosignature(&checkpoint, &NoteSignature::parse(forged.trim_end()).unwrap(), witness(1).verifier_key())
            .unwrap_err()
            .code(),
        Code::Signature
    );
    let hostile = [
        (Code::Quorum, "one witness of the two that are needed", format!("{body}{}", line(5))),
        (Code::Quorum, "no witness", body.clone()),
        (
            Code::Quorum,
            "a stranger in a witness's place",
            format!("{body}{}{}\n", line(5), stranger.cosign(&checkpoint, T0)),
        ),
        (Code::Duplicate, "one witness twice", format!("{good}{}", at(0, T0))),
        (Code::Duplicate, "the log's signature twice", format!("{good}{}", line(4))),
        (Code::Signature, "a cosignature by another key under a witness's name", format!("{good}{forged}")),
        (Code::Signature, "another root under the log's signature", good.replacen(&root, &b64(&[7; 32]), 1)),
        (Code::Signature, "another size under the log's signature", good.replacen("\n7\n", "\n8\n", 1)),
        (Code::UnknownKey, "not signed by the log", format!("{}{}{}", lines[..4].concat(), line(5), line(6))),
        (Code::Checkpoint, "another log's checkpoint, well signed", signed(&format!("intake\n7\n{root}\n"))),
        (Code::Checkpoint, "an extension line", signed(&format!("{ORIGIN}\n7\n{root}\nextension\n"))),
        (Code::Checkpoint, "a size with a leading zero", signed(&format!("{ORIGIN}\n07\n{root}\n"))),
        (Code::Checkpoint, "a size with a sign", signed(&format!("{ORIGIN}\n+7\n{root}\n"))),
        (Code::Checkpoint, "no entry, and the root of some", signed(&format!("{ORIGIN}\n0\n{root}\n"))),
        (Code::Checkpoint, "a root of 31 bytes", signed(&format!("{ORIGIN}\n7\n{}\n", b64(&[7; 31])))),
        (Code::Note, "no newline at the end", good[..good.len() - 1].to_owned()),
        (Code::Note, "a line that is no signature", format!("{good}hello\n")),
        (Code::Note, "a hyphen for the dash", good.replacen('\u{2014}', "-", 1)),
        (Code::Note, "a carriage return in the text", good.replacen("\n7\n", "\r\n7\n", 1)),
        (Code::Note, "a key name with a plus", format!("{good}\u{2014} a+b {}\n", b64(&[7; 68]))),
        (
            Code::TooLong,
            "101 signature lines",
            format!("{good}{}", format!("{}\n", stranger.cosign(&checkpoint, T0)).repeat(98)),
        ),
    ];
    hostile
        .into_iter()
        .map(|(code, rule, note)| reject_as(code, "checkpoint", rule, json!({"note": note}), open(&note)))
        .collect()
}

fn proofs(ledger: &Ledger) -> Vec<Value> {
    let (leaves, head) = (&ledger.leaves, ledger.edge.head());
    let leaf = leaf_hash(&leaves[3]);
    let proof = inclusion(leaves, 3);
    let longer = [proof.as_slice(), &[[7; 32]]].concat();
    let changed = [&[flipped(&proof[0], 0).try_into().unwrap()], &proof[1..]].concat();
    let check = |index, proof: &[B32]| verify_inclusion(&leaf, index, head, proof);
    let hostile = [
        ("another index", 2, proof.clone()),
        ("an index beyond the tree", 7, proof.clone()),
        ("a hash changed", 3, changed),
        ("a hash more", 3, longer),
        ("a hash less", 3, proof[1..].to_vec()),
        ("no proof", 3, Vec::new()),
    ];
    let mut all: Vec<Value> = hostile
        .into_iter()
        .map(|(rule, index, proof)| {
            let input = json!({"leaf": h(leaf), "index": index, "proof": hexes(&proof)});
            reject_as(Code::Inclusion, "inclusion", rule, input, check(index, &proof))
        })
        .collect();
    let proof = consistency(leaves, 3);
    let (old, other) = (super::log::head(&leaves[..3]), super::log::head(&leaves[1..4]));
    let hostile = [
        (Code::Consistency, "another history of the same size", other, proof.clone()),
        (
            Code::Consistency,
            "a hash changed",
            old,
            [&[flipped(&proof[0], 0).try_into().unwrap()], &proof[1..]].concat(),
        ),
        (Code::Consistency, "a hash more", old, [proof.as_slice(), &[[7; 32]]].concat()),
        (Code::Consistency, "a hash less", old, proof[1..].to_vec()),
        (Code::Consistency, "no proof", old, Vec::new()),
        (Code::Consistency, "a proof where none is needed: from no entry", TreeHead::EMPTY, proof.clone()),
        (Code::Consistency, "another root for no entry", TreeHead { size: 0, root: [7; 32] }, Vec::new()),
        (Code::Consistency, "a split view: two roots of one size", TreeHead { root: [7; 32], ..head }, Vec::new()),
        (Code::Shrunk, "a tree that was larger", TreeHead { size: 8, root: head.root }, Vec::new()),
    ];
    all.extend(hostile.into_iter().map(|(code, rule, old, proof)| {
        let input = json!({"size": old.size, "root": h(old.root), "proof": hexes(&proof)});
        reject_as(code, "consistency", rule, input, verify_consistency(old, head, &proof))
    }));
    all
}

fn tile_rejects(ledger: &Ledger) -> Vec<Value> {
    let size = ledger.leaves.len() as u64;
    let tiles = tiles(&ledger.leaves);
    let find = |path: &str| tiles.iter().find(|(p, _)| p == path).unwrap().1.clone();
    let (hashes, entries) = (find("tile/0/000.p/7"), find("tile/entries/000.p/7"));
    let tile = |kind| Tile::of_tree(kind, 0, size).unwrap();
    let read = |kind, bytes: &[u8]| match kind {
        Kind::Entries => parse_entries(tile(kind), bytes).map(drop),
        Kind::Hashes(_) => parse_hashes(tile(kind), bytes).map(drop),
    };
    let first = 2 + ledger.leaves[0].len();
    let slices = [
        ("a hash less", Kind::Hashes(0), 32..hashes.len()),
        ("cut in a hash", Kind::Hashes(0), 1..hashes.len()),
        ("nothing", Kind::Hashes(0), 0..0),
        ("cut in the last entry", Kind::Entries, 0..entries.len() - 1),
        ("an entry less", Kind::Entries, first..entries.len()),
        ("half a length", Kind::Entries, 0..1),
    ];
    let mut all = Vec::new();
    for (rule, kind, slice) in slices {
        let (decoder, good) = if kind == Kind::Entries { ("entries", &entries) } else { ("hash_tile", &hashes) };
        let input = json!({"from": slice.start, "to": slice.end, "append": ""});
        all.push(reject_as(Code::Tile, decoder, rule, input, read(kind, &good[slice])));
    }
    let more = [entries.as_slice(), &[0, 0]].concat();
    let input = json!({"from": 0, "to": entries.len(), "append": "0000"});
    all.push(reject_as(Code::Tile, "entries", "an empty entry more", input, read(Kind::Entries, &more)));
    for path in [
        "tile/0/0",
        "tile/0/1000",
        "tile/0/x000/000",
        "tile/8/000",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/x1/000",
        "tile/-1/000",
    ] {
        all.push(reject("tile_path", "not the one form of a path", json!({"path": path}), Tile::parse(path)));
    }
    all
}

fn verifier_keys() -> Vec<Value> {
    let good = log_key().verifier_key().to_string();
    let (name, rest) = good.split_once('+').unwrap();
    let (id, material) = rest.split_once('+').unwrap();
    let hostile = [
        ("another key id", format!("{name}+{:08x}+{material}", u32::from_str_radix(id, 16).unwrap() ^ 1)),
        ("an id of seven digits", format!("{name}+{}+{material}", &id[1..])),
        ("another name: the id is not its", format!("other+{id}+{material}")),
        ("a name with a space", format!("a b+{id}+{material}")),
        ("no name", format!("+{id}+{material}")),
        ("an unknown type", format!("{name}+{id}+{}", b64(&[&[2][..], &[7; 32]].concat()))),
        ("a key of 31 bytes", format!("{name}+{id}+{}", b64(&[&[1][..], &[7; 31]].concat()))),
        ("a key of small order", format!("{name}+{id}+{}", b64(&[&[1, 1][..], &[0; 31]].concat()))),
        ("a letter of base64 more", format!("{good}A")),
        ("no key", format!("{name}+{id}")),
    ];
    let read = |text: &str| VerifierKey::parse(text);
    hostile.into_iter().map(|(rule, text)| reject("vkey", rule, json!({"vkey": text}), read(&text))).collect()
}
