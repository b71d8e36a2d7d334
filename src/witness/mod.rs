//! Role `witness`: cosigns checkpoints of the logs in its file, ours or not. Source: c2sp.org/tlog-witness.
//!
//! Holds: its Ed25519 key, and of each log the last checkpoint that it cosigned.
//! Sees: checkpoints and hashes.
//! Never sees: an entry.
//!
//! ```text
//! asked   POST add-checkpoint: old size, proof, checkpoint ─┐
//! polls   log's newest checkpoint, proof from its tiles  ───┴> log's signature --> extends the stored head
//!                                                             --> store the new head --> cosignature --> the log
//! ```
//! The head is durable before the cosignature leaves. Those for one log come one after the other. Heads never shrink; after
//! a start, a log that has a URL is first searched for what this witness itself has signed ([`recall`]), so that a store
//! which was put back from a backup cosigns no second history.

mod error;
mod poll;
mod recall;
mod routes;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use tabir_crypto::Code;
use tabir_crypto::codec::sha256;
use tabir_crypto::log::witness::{AddCheckpoint, State};
use tabir_crypto::log::{
    Cosigner, LogVerifier, Note, NoteSignature, SignedCheckpoint, UnverifiedCheckpoint, VerifierKey,
};
use tokio::sync::{Mutex, watch};

pub use error::{StartError, WitnessError};
pub use store::{Head, MIGRATIONS, Store};

use crate::client::log_source::HttpLog;
use crate::clock::Clock;
use crate::config::{keys, witness as config};
use crate::http::{Client, Parts};

/// Name of the store in the witness's folder.
pub const STORE: &str = "store.sqlite";

/// A log that is cosigned.
struct Log {
    origin: String,
    /// One of them must have signed, and none that stands on a checkpoint may fail.
    keys: Vec<VerifierKey>,
    source: Option<HttpLog>,
    copies: Vec<HttpLog>,
    /// Where a cosignature goes that nobody asked for.
    post: Option<String>,
    /// Held from the look at the stored head to the store of the next. False until what was signed before the start is
    /// known: nothing is cosigned before.
    ready: Mutex<bool>,
}

/// A witness.
pub struct Witness {
    store: Store,
    clock: Clock,
    client: Client,
    cosigner: Cosigner,
    logs: BTreeMap<String, Log>,
}

impl Witness {
    /// Opens store and key. Errors: a key or name of the wrong form, a log that stands twice or without keys.
    pub async fn open(config: &config::Witness, clock: Clock, client: Client) -> Result<Self, StartError> {
        let seed = keys::read_seed(&config.dir.join(config::KEY))?;
        let cosigner = Cosigner::from_seed(&config.name, &seed).map_err(StartError::Name)?;
        let store = Store::open(&config.dir.join(STORE)).await?;
        let mut logs = BTreeMap::new();
        for log in &config.logs {
            let opened = open_log(log, &cosigner, &client)?;
            if logs.insert(log.origin.clone(), opened).is_some() {
                return Err(StartError::of(&log.origin, Code::Duplicate));
            }
            store.begin(&log.origin).await?;
        }
        Ok(Self { store, clock, client, cosigner, logs })
    }

    /// The public key, as logs and their readers configure it.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        self.cosigner.verifier_key()
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Takes the body of an add-checkpoint request.
    pub async fn add_checkpoint(&self, body: &[u8]) -> Result<NoteSignature, WitnessError> {
        let request = AddCheckpoint::parse(body).map_err(WitnessError::Malformed)?;
        let (log, checkpoint) = self.checkpoint(&request.checkpoint)?;
        if request.old_size > checkpoint.head().size {
            return Err(WitnessError::OldAboveNew);
        }
        let ready = log.ready.lock().await;
        if !*ready {
            return Err(WitnessError::NotReady);
        }
        let known = self.store.head(&log.origin).await?;
        if request.old_size != known.tree.size {
            self.note_fork(log, &known, &checkpoint).await?;
            return Err(WitnessError::OldSize(known.tree.size));
        }
        self.cosign(log, known, checkpoint, &request.proof).await
    }

    /// A checkpoint of one of the logs, signed by it.
    fn checkpoint(&self, bytes: &[u8]) -> Result<(&Log, SignedCheckpoint), WitnessError> {
        let checkpoint = UnverifiedCheckpoint::parse(bytes).map_err(WitnessError::Malformed)?;
        let log = self.logs.get(checkpoint.origin()).ok_or(WitnessError::UnknownLog)?;
        Ok((log, checkpoint.verify(&log.keys).map_err(WitnessError::Unsigned)?))
    }

    /// Cosigns what extends the known head. The caller holds the log's lock.
    async fn cosign(
        &self,
        log: &Log,
        known: Head,
        mut checkpoint: SignedCheckpoint,
        proof: &[tabir_crypto::B32],
    ) -> Result<NoteSignature, WitnessError> {
        if let Err(error) = State::of(known.tree).advance(&checkpoint, proof) {
            self.note_fork(log, &known, &checkpoint).await?;
            return Err(WitnessError::Inconsistent(error));
        }
        let now = self.clock.now();
        if now < known.at {
            return Err(WitnessError::Clock);
        }
        if now == known.at
            && let Some(line) = self.same_again(&known, &checkpoint)
        {
            return Ok(line);
        }
        let line = self.cosigner.cosign(&checkpoint, now);
        checkpoint.add(line.clone());
        let next = Head { tree: checkpoint.head(), at: now, note: checkpoint.to_bytes() };
        if !self.store.advance(&log.origin, known.tree, next).await? {
            return Err(WitnessError::Raced);
        }
        Ok(line)
    }

    /// The line that was stored for this very checkpoint: who sends one again within a second causes no write.
    fn same_again(&self, known: &Head, checkpoint: &SignedCheckpoint) -> Option<NoteSignature> {
        let note = Note::parse(&known.note).ok().filter(|note| note.text() == checkpoint.note().text())?;
        note.signature_by(self.verifier_key()).ok().flatten().cloned()
    }

    /// Another root for the size that is known: the log signed both, which nobody can make but the log.
    async fn note_fork(&self, log: &Log, known: &Head, checkpoint: &SignedCheckpoint) -> Result<(), WitnessError> {
        let head = checkpoint.head();
        // Before the first there is nothing that it signed to show beside it.
        if head.size != known.tree.size || head.root == known.tree.root || known.note.is_empty() {
            return Ok(());
        }
        tracing::error!(log = log.origin, size = head.size, "FORK: the log signed two trees of one size");
        Ok(self.store.keep(&log.origin, checkpoint.to_bytes(), known.note.clone()).await?)
    }

    /// The last checkpoint that was cosigned of the log with this SHA-256 of its origin, with log's and own signature.
    pub async fn latest(&self, origin_hash: &str) -> Result<Option<Vec<u8>>, WitnessError> {
        let of = |log: &&Log| hex::encode(sha256(log.origin.as_bytes())) == origin_hash;
        let Some(log) = self.logs.values().find(of) else { return Ok(None) };
        let note = self.store.head(&log.origin).await?.note;
        Ok((!note.is_empty()).then_some(note))
    }
}

fn open_log(log: &config::Log, cosigner: &Cosigner, client: &Client) -> Result<Log, StartError> {
    if log.url.is_none() && (log.post.is_some() || !log.copies.is_empty()) {
        return Err(StartError::NoUrl(log.origin.clone()));
    }
    if log.vkeys.is_empty() {
        return Err(StartError::of(&log.origin, Code::Note));
    }
    let mut keys = Vec::new();
    for vkey in &log.vkeys {
        let key = LogVerifier::new(&log.origin, vkey).map_err(StartError::log(&log.origin))?.key().clone();
        // A log with the witness's own key could pass off a cosignature as its checkpoint.
        if key.key() == cosigner.verifier_key().key() {
            return Err(StartError::of(&log.origin, Code::Duplicate));
        }
        keys.push(key);
    }
    let source = |url: &String| HttpLog::at(client.clone(), url);
    Ok(Log {
        origin: log.origin.clone(),
        keys,
        source: log.url.as_ref().map(source),
        copies: log.copies.iter().map(source).collect(),
        post: log.post.clone(),
        ready: Mutex::new(log.url.is_none()),
    })
}

/// Opens a witness: its routes, and a loop for each log that has a URL.
pub async fn start(
    config: &config::Witness,
    clock: Clock,
    client: Client,
    stop: watch::Receiver<bool>,
) -> Result<Parts, StartError> {
    let witness = std::sync::Arc::new(Witness::open(config, clock, client).await?);
    let every = Duration::from_millis(config.poll_ms.max(1));
    let mut parts = Parts::default();
    for origin in witness.logs.values().filter(|log| log.source.is_some()).map(|log| log.origin.clone()) {
        parts.background.push(Box::pin(poll::run(std::sync::Arc::clone(&witness), origin, every, stop.clone())));
    }
    if config.listen.is_some() {
        parts.public = routes::router(witness);
    }
    Ok(parts)
}
