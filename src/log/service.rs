//! What the log takes and serves: statements with enough signatures, cosignatures, and the C2SP files.

use std::sync::Arc;

use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::tile::{self, Kind, Tile};
use tabir_crypto::log::witness::parse_cosignatures;
use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, NoteSignature, SignedCheckpoint, VerifierKey, Witnesses};
use tabir_crypto::statement::{Statement, Verified};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust, rule};
use tabir_crypto::{Code, Error};
use tokio::sync::Mutex;

use super::error::LogError;
use super::store::{Appended, Store, Stored};
use crate::clock::Clock;
use crate::config::Setup;
use crate::db::DbError;

/// Leaves that the replay reads at a time.
const PAGE: u64 = 1000;

/// Both logs.
#[derive(Clone)]
pub struct Service {
    store: Store,
    pub(super) trust: Arc<Trust>,
    pub(super) clock: Clock,
    witnesses: Witnesses,
    verifiers: [LogVerifier; 2],
    /// What the governance log says up to its last leaf. Held while a leaf of that log is taken: each is checked
    /// against all before it.
    state: Arc<Mutex<State>>,
}

impl Service {
    /// Replays the governance log from its leaves and kept checkpoints.
    pub async fn start(
        setup: &Setup,
        store: Store,
        verifiers: [LogVerifier; 2],
        witnesses: Witnesses,
    ) -> Result<Self, LogError> {
        let (trust, clock) = (setup.trust.clone(), setup.clock.clone());
        let service = Self { store, trust, clock, witnesses, verifiers, state: Arc::default() };
        *service.state.lock().await = service.replay().await?;
        Ok(service)
    }

    async fn replay(&self) -> Result<State, LogError> {
        let log = LogName::Governance;
        let mut kept = self.store.kept_sizes(log).await?.into_iter().peekable();
        let (mut state, mut index) = (State::new(), 0);
        loop {
            let leaves = self.store.leaves(log, index, PAGE).await?;
            let last = leaves.len() < PAGE as usize;
            for leaf in leaves {
                while let Some(size) = kept.next_if(|size| *size <= index) {
                    self.mark(&mut state, size).await?;
                }
                // What was taken once may be refused on replay only for its time; the audit reads it the same way.
                let _ = state.apply(&self.trust, index, &leaf, None);
                index += 1;
            }
            if last {
                break;
            }
        }
        for size in kept {
            self.mark(&mut state, size).await?;
        }
        Ok(state)
    }

    async fn mark(&self, state: &mut State, size: u64) -> Result<(), LogError> {
        let log = LogName::Governance;
        let note = self.store.kept(log, size).await?.ok_or(DbError::Malformed("checkpoint"))?;
        state.mark(size, CosignedCheckpoint::open(&note, self.log(log), &self.witnesses)?.witnessed_time());
        Ok(())
    }

    fn log(&self, name: LogName) -> &LogVerifier {
        let [governance, intake] = &self.verifiers;
        match name {
            LogName::Governance => governance,
            LogName::Intake => intake,
        }
    }

    /// Takes a statement, or says where it stands already. Errors: those of [`Statement::parse`], [`State::check`] and,
    /// for the intake log, [`rule::for_log`] and [`rule::check`].
    pub async fn append(&self, log: LogName, bytes: &[u8]) -> Result<Appended, LogError> {
        let statement = Statement::parse(bytes)?;
        let pae = statement.pae_hash();
        let mut state = self.state.lock().await;
        if let Some(index) = self.store.lookup(log, pae).await? {
            return Ok(Appended { index, new: false });
        }
        self.check(log, &state, &statement)?;
        if log == LogName::Intake {
            drop(state); // its statements do not change what the next one needs
            return Ok(self.store.append(log, pae, bytes.to_vec()).await?);
        }
        let appended = self.store.append(log, pae, bytes.to_vec()).await;
        match &appended {
            Ok(appended) if appended.index == state.size() => {
                let _ = state.apply(&self.trust, appended.index, bytes, None);
            }
            // Whether it was written is unknown, or somebody else wrote: read it all again.
            _ => *state = self.replay().await?,
        }
        Ok(appended?)
    }

    fn check(&self, log: LogName, state: &State, statement: &Statement) -> Result<Verified, Error> {
        match log {
            LogName::Governance => state.check(&self.trust, statement, self.clock.now()),
            LogName::Intake => {
                rule::for_log(log, statement.verb())?;
                rule::check(&self.trust, state, statement)
            }
        }
    }

    /// Takes cosignature lines of the pending or the newest checkpoint. Errors: those of [`parse_cosignatures`],
    /// `unknown-key` (not a witness of the trust root), `NotCurrent`.
    pub async fn cosign(&self, log: LogName, body: &[u8]) -> Result<(), LogError> {
        for line in parse_cosignatures(body)? {
            let witness = self.witnesses.of(&line).ok_or(Error::new(Code::UnknownKey))?;
            self.cosign_one(log, &line, witness).await?;
        }
        Ok(())
    }

    async fn cosign_one(&self, log: LogName, line: &NoteSignature, witness: &VerifierKey) -> Result<(), LogError> {
        let (pending, newest) = self.store.current(log).await?;
        let mut found = None;
        for stored in [pending, newest].into_iter().flatten() {
            let checkpoint = SignedCheckpoint::open(&stored.note, self.log(log))?;
            if verify_cosignature(&checkpoint, line, witness).is_ok() {
                found = Some(checkpoint);
                break;
            }
        }
        let checkpoint = found.ok_or(LogError::NotCurrent)?;
        let (size, witnesses) = (checkpoint.head().size, self.witnesses.clone());
        let complete = move |lines: &[String]| {
            let whole = with_lines(checkpoint, lines).ok()?;
            CosignedCheckpoint::check(whole, &witnesses).ok().map(|c| c.signed().to_bytes())
        };
        let first = self.store.cosign(log, size, witness.key().key_id(), line.to_string(), complete).await?;
        if first.is_some() && log == LogName::Governance {
            let mut state = self.state.lock().await;
            self.mark(&mut state, size).await?;
        }
        Ok(())
    }

    /// The newest checkpoint that a quorum cosigned, with its witnesses' newest lines; before there is one, the newest.
    pub async fn checkpoint(&self, log: LogName) -> Result<Vec<u8>, LogError> {
        let (pending, newest) = self.store.current(log).await?;
        self.note(log, newest.or(pending))
    }

    /// The newest checkpoint, for witnesses that poll.
    pub async fn pending(&self, log: LogName) -> Result<Vec<u8>, LogError> {
        let (pending, _) = self.store.current(log).await?;
        self.note(log, pending)
    }

    fn note(&self, log: LogName, stored: Option<Stored>) -> Result<Vec<u8>, LogError> {
        let stored = stored.ok_or(LogError::NotFound)?;
        Ok(with_lines(SignedCheckpoint::open(&stored.note, self.log(log))?, &stored.lines)?.to_bytes())
    }

    /// Sizes of the kept checkpoints.
    pub async fn kept_sizes(&self, log: LogName) -> Result<Vec<u64>, LogError> {
        Ok(self.store.kept_sizes(log).await?)
    }

    /// The kept checkpoint of a size.
    pub async fn kept(&self, log: LogName, size: u64) -> Result<Vec<u8>, LogError> {
        self.store.kept(log, size).await?.ok_or(LogError::NotFound)
    }

    /// A tile or entry bundle by its path. One that no signed checkpoint needs is not there.
    pub async fn tile(&self, log: LogName, path: &str) -> Result<Vec<u8>, LogError> {
        let tile = Tile::parse(path).map_err(|_| LogError::NotFound)?;
        let bytes = match tile.kind() {
            Kind::Hashes(_) => self.store.tile(log, tile).await?,
            Kind::Entries => self.bundle(log, tile).await?,
        };
        bytes.ok_or(LogError::NotFound)
    }

    async fn bundle(&self, log: LogName, bundle: Tile) -> Result<Option<Vec<u8>>, LogError> {
        let (pending, _) = self.store.current(log).await?;
        let size = match pending {
            Some(stored) => SignedCheckpoint::open(&stored.note, self.log(log))?.head().size,
            None => 0,
        };
        if bundle.start() + bundle.width() > size {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        for leaf in self.store.leaves(log, bundle.start(), bundle.width()).await? {
            tile::push_entry(&mut bytes, &leaf)?;
        }
        Ok(Some(bytes))
    }
}

fn with_lines(mut checkpoint: SignedCheckpoint, lines: &[String]) -> Result<SignedCheckpoint, Error> {
    for line in lines {
        checkpoint.add(NoteSignature::parse(line)?);
    }
    Ok(checkpoint)
}
