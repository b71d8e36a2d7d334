//! `log.json`: a small governance log and a tree of 300 leaves, with proofs, tiles, and tampered copies.

use serde_json::{Value, json};
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::log::checkpoint::Checkpoint;
use tabir_crypto::log::proof::TlogProof;
use tabir_crypto::log::tile::{Edge, bundles, push_entry};
use tabir_crypto::log::tree::{Subtree, consistency_plan, inclusion_plan, node_hash, prove};
use tabir_crypto::log::{
    Cosigner, LogVerifier, NoteSigner, SignedCheckpoint, TreeHead, leaf_hash, verify_consistency, verify_inclusion,
};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{Result, SecretBytes};

use crate::kit::{h, statement, text};
use crate::tampered;
use crate::world::{self, DAY, T0, auditor, hash, official, policy, role, sign, trust_root};

pub const ORIGIN: &str = "governance";
/// Seconds between two witnesses.
const APART: u64 = 10;

pub fn seed(name: &str) -> SecretBytes<32> {
    SecretBytes::new(hash(name).0)
}

pub fn log_key() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &seed("published log")).unwrap()
}

pub fn witness(i: usize) -> Cosigner {
    Cosigner::from_seed(&format!("witness-{i}"), &seed(&format!("published witness {i}"))).unwrap()
}

pub fn vkeys(n: usize) -> Vec<String> {
    (0..n).map(|i| witness(i).verifier_key().to_string()).collect()
}

#[derive(Clone)]
pub struct Kept {
    pub size: u64,
    pub hash: B32,
    pub note: Vec<u8>,
    witnessed: u64,
}

/// A governance log that three witnesses watch, two of them needed. What it takes is checked as the log itself would.
pub struct Ledger {
    root: Statement,
    trust: Trust,
    state: State,
    pub edge: Edge,
    pub leaves: Vec<Vec<u8>>,
    pub kept: Vec<Kept>,
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

pub fn head(leaves: &[Vec<u8>]) -> TreeHead {
    let mut edge = Edge::default();
    leaves.iter().for_each(|leaf| edge.push(leaf).unwrap());
    edge.head()
}

pub fn inclusion(leaves: &[Vec<u8>], index: u64) -> Vec<B32> {
    let proof = prove(&inclusion_plan(index, leaves.len() as u64).unwrap(), |s| subtree(leaves, s)).unwrap();
    verify_inclusion(&leaf_hash(&leaves[usize::try_from(index).unwrap()]), index, head(leaves), &proof).unwrap();
    proof
}

pub fn consistency(leaves: &[Vec<u8>], old: usize) -> Vec<B32> {
    let plan = consistency_plan(old as u64, leaves.len() as u64).unwrap();
    let proof = prove(&plan, |s| subtree(leaves, s)).unwrap();
    verify_consistency(head(&leaves[..old]), head(leaves), &proof).unwrap();
    proof
}

pub fn hexes(proof: &[B32]) -> Vec<Value> {
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
    governance["proofs"] = (0..leaves.len() as u64).map(|i| text(proof(&ledger, i).to_bytes())).collect();
    json!({
        "about": "A governance log of seven entries with three kept checkpoints (two of three witnesses; `witnessed` is the second \
                  smallest time), and a tree of 300 leaves, of which leaf i is the decimal i in ASCII. Statements and notes as \
                  text, proofs in their order, tiles and bundles by their SHA-256. `reject`: `decoder` refuses `in` with `code`; what is not given is that of the \
                  last checkpoint, or of the tree of seven entries.",
        "governance": governance,
        "tree": tree(),
        "reject": tampered::all(&ledger),
    })
}

pub fn tiles(leaves: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
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

/// An entry's proof as one file, by the last checkpoint.
pub fn proof(ledger: &Ledger, index: u64) -> TlogProof {
    let log = LogVerifier::new(ORIGIN, &log_key().verifier_key().to_string()).unwrap();
    let checkpoint = SignedCheckpoint::open(&ledger.kept[2].note, &log).unwrap();
    let leaves: Vec<B32> = ledger.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    TlogProof::make(index, &leaves, &checkpoint).unwrap()
}
