//! A forge of logs: it holds every key, of both logs, all witnesses and whoever signs statements, and writes what
//! `tabir audit fetch` leaves. What it signs is truly signed, so that only the lie itself can be found.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tabir_crypto::SecretBytes;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::log::note::SignatureType;
use tabir_crypto::log::tile::{self, Edge};
use tabir_crypto::log::{Checkpoint, Cosigner, NoteSigner, SignedCheckpoint, VerifierKey};
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::{LogKey, LogName, TrustRoot};
use tabir_crypto::trust::rule::log_of;

use crate::world::{T0, hash, sign, text, trust_of, trust_root};

pub const GOVERNANCE: LogName = LogName::Governance;
pub const INTAKE: LogName = LogName::Intake;
/// Witnesses, of whom [`QUORUM`] must cosign.
pub const WITNESSES: usize = 3;
pub const QUORUM: u64 = 2;

/// When each witness cosigned, by its own clock; `None` for one that did not, or whose line the log left out.
pub type Times = [Option<u64>; WITNESSES];

fn seed(name: &str) -> SecretBytes<32> {
    SecretBytes::new(hash(name).0)
}

pub fn witness(i: usize) -> Cosigner {
    Cosigner::from_seed(&format!("w{i}.example"), &seed(&format!("witness {i}"))).unwrap()
}

pub fn origin(log: LogName) -> String {
    format!("tabir.example/{}", log.as_str())
}

/// The key of a log.
pub fn log_key(log: LogName) -> NoteSigner {
    NoteSigner::from_seed(&origin(log), &seed(log.as_str())).unwrap()
}

/// The trust root of the tests, with keys of logs and witnesses that verify.
pub fn root() -> TrustRoot {
    let log = |name: LogName| LogKey {
        name,
        origin: text(&origin(name)),
        vkey: text(&log_key(name).verifier_key().to_string()),
        follows: None,
    };
    let vkey = |i| {
        let key = SigningKey::from_seed(&seed(&format!("witness {i}"))).verifying_key();
        text(&VerifierKey::new(&format!("w{i}.example"), SignatureType::Cosignature, key).unwrap().to_string())
    };
    TrustRoot {
        logs: LogName::ALL.map(log).to_vec(),
        witnesses: (0..WITNESSES).map(vkey).collect(),
        witness_quorum: QUORUM,
        ..trust_root()
    }
}

pub fn trust() -> Trust {
    trust_of(&root())
}

/// What happens to a log, in order: all else follows from it.
#[derive(Clone, Debug)]
pub enum Event {
    Leaf(Vec<u8>),
    /// The tree as it is now is signed, cosigned and kept.
    Kept(Times),
}

/// One log.
#[derive(Clone, Debug)]
pub struct Log {
    name: LogName,
    pub events: Vec<Event>,
    edge: Edge,
    leaves: Vec<Vec<u8>>,
    pub kept: BTreeMap<u64, SignedCheckpoint>,
    /// The newest checkpoint, with the witnesses' newest lines.
    pub newest: Option<SignedCheckpoint>,
}

impl Log {
    fn new(name: LogName) -> Self {
        let (events, leaves) = (Vec::new(), Vec::new());
        Self { name, events, edge: Edge::default(), leaves, kept: BTreeMap::new(), newest: None }
    }

    fn told(name: LogName, events: Vec<Event>) -> Self {
        let mut log = Self::new(name);
        events.into_iter().for_each(|event| log.happen(event));
        log
    }

    fn happen(&mut self, event: Event) {
        match &event {
            Event::Leaf(leaf) => {
                self.edge.push(leaf).unwrap();
                self.leaves.push(leaf.clone());
            }
            Event::Kept(times) => {
                let checkpoint = self.checkpoint(*times);
                self.kept.entry(self.edge.size()).or_insert_with(|| checkpoint.clone());
                self.newest = Some(checkpoint);
            }
        }
        self.events.push(event);
    }

    /// The tree as it is now, signed by the log and by these witnesses.
    pub fn checkpoint(&self, times: Times) -> SignedCheckpoint {
        self.signed(Checkpoint { origin: origin(self.name), head: self.edge.head() }, times)
    }

    /// Whatever checkpoint, signed by the log and by these witnesses.
    pub fn signed(&self, checkpoint: Checkpoint, times: Times) -> SignedCheckpoint {
        let mut signed = SignedCheckpoint::sign(checkpoint, &log_key(self.name)).unwrap();
        for (i, time) in times.into_iter().enumerate().filter_map(|(i, time)| Some((i, time?))) {
            signed.add(witness(i).cosign(&signed, time));
        }
        signed
    }

    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    pub fn leaves(&self) -> &[Vec<u8>] {
        &self.leaves
    }

    /// Where in the events an entry stands.
    pub fn place(&self, entry: u64) -> usize {
        let leaves = self.events.iter().enumerate().filter(|(_, e)| matches!(e, Event::Leaf(_)));
        leaves.map(|(place, _)| place).nth(usize::try_from(entry).unwrap()).expect("an entry")
    }

    /// The first entry whose statement is such a one.
    pub fn find(&self, is: impl Fn(&Body) -> bool) -> u64 {
        let of = |leaf: &Vec<u8>| Statement::parse(leaf).and_then(|s| s.body()).is_ok_and(|body| is(&body));
        (0..).zip(&self.leaves).find(|(_, leaf)| of(leaf)).expect("such an entry").0
    }

    /// As `tabir audit fetch` leaves it.
    pub fn write(&self, dir: &Path) {
        let put = |path: String, bytes: &[u8]| {
            let file = dir.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        };
        let width = usize::try_from(tile::WIDTH).unwrap();
        for (bundle, leaves) in tile::bundles(0, self.size()).unwrap().zip(self.leaves.chunks(width)) {
            let mut bytes = Vec::new();
            leaves.iter().for_each(|leaf| tile::push_entry(&mut bytes, leaf).unwrap());
            put(bundle.to_string(), &bytes);
        }
        for (tile, bytes) in self.edge.clone().take_tiles().unwrap() {
            put(tile.to_string(), &bytes);
        }
        for (size, kept) in &self.kept {
            put(format!("checkpoints/{size}"), &kept.to_bytes());
        }
        put("checkpoint".into(), &self.newest.as_ref().expect("a witnessed log").to_bytes());
    }
}

/// Both logs, and the time.
#[derive(Clone, Debug)]
pub struct Forge {
    pub now: u64,
    pub governance: Log,
    pub intake: Log,
}

impl Forge {
    pub fn new() -> Self {
        Self { now: T0, governance: Log::new(GOVERNANCE), intake: Log::new(INTAKE) }
    }

    pub fn log(&mut self, name: LogName) -> &mut Log {
        match name {
            GOVERNANCE => &mut self.governance,
            INTAKE => &mut self.intake,
        }
    }

    /// Signed at this hour, whatever the body says.
    pub fn sign<T: Serialize>(&self, verb: Verb, body: &T, keys: &[SigningKey]) -> Statement {
        let mut body = serde_json::to_value(body).unwrap();
        body["at"] = serde_json::to_value(Hour::of(self.now)).unwrap();
        sign(verb, &body, keys)
    }

    /// Appends without a checkpoint: its entry.
    pub fn append(&mut self, statement: &Statement) -> u64 {
        let log = self.log(log_of(statement.verb()).expect("a verb of a log"));
        log.happen(Event::Leaf(statement.to_bytes()));
        log.size() - 1
    }

    /// Appends any bytes to any log; witnessed now by all.
    pub fn append_leaf(&mut self, name: LogName, leaf: Vec<u8>) -> u64 {
        self.log(name).happen(Event::Leaf(leaf));
        self.keep(name);
        self.log(name).size() - 1
    }

    /// Appends to the log of its verb, whatever that log's rules; witnessed now by all.
    pub fn put(&mut self, statement: &Statement) -> u64 {
        let entry = self.append(statement);
        self.keep(log_of(statement.verb()).unwrap());
        entry
    }

    /// Signs and appends.
    pub fn say<T: Serialize>(&mut self, verb: Verb, body: &T, keys: &[SigningKey]) -> u64 {
        self.put(&self.sign(verb, body, keys))
    }

    /// A checkpoint that all witnesses cosign now.
    pub fn keep(&mut self, log: LogName) {
        self.keep_at(log, [Some(self.now); WITNESSES]);
    }

    pub fn keep_at(&mut self, log: LogName, times: Times) {
        self.log(log).happen(Event::Kept(times));
    }

    /// Size and hash of the newest kept checkpoint of the governance log.
    pub fn last_kept(&self) -> (u64, Hex<32>) {
        let (size, kept) = self.governance.kept.last_key_value().expect("a kept checkpoint");
        (*size, Hex(kept.hash()))
    }

    /// Another history of this log: its events changed, every checkpoint signed again by the log and the witnesses, at
    /// the times at which they signed the true ones.
    pub fn retold(&self, name: LogName, change: impl FnOnce(&Log, &mut Vec<Event>)) -> Self {
        let mut other = self.clone();
        let log = other.log(name);
        let mut events = log.events.clone();
        change(log, &mut events);
        *log = Log::told(name, events);
        other
    }

    /// Writes both logs into a fresh folder.
    pub fn written(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        dir
    }

    pub fn write(&self, dir: &Path) {
        for log in [&self.governance, &self.intake] {
            log.write(&dir.join(log.name.as_str()));
        }
    }
}
