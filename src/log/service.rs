//! What the log takes and serves: statements with enough signatures, cosignatures, and the C2SP files.

use std::sync::Arc;

use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::tile::{self, Kind, Tile, Tiles};
use tabir_crypto::log::tree::{consistency_plan, prove};
use tabir_crypto::log::witness::parse_cosignatures;
use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, NoteSignature, SignedCheckpoint, VerifierKey, Witnesses};
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::witnessed::CLOCKS_S;
use tabir_crypto::trust::{State, Trust, rule};
use tabir_crypto::{B32, Code, Error};
use tokio::sync::Mutex;

use super::appender::Appender;
use super::error::LogError;
use super::governance::Governance;
use super::store::{Appended, New, Next, Store, Stored};
use crate::clock::Clock;
use crate::config::Setup;
use crate::db::Db;
use crate::ledger::all_verifiers;

/// How far a witness's time may be from the log's clock. The audit allows an hour between two witnesses
/// ([`tabir_crypto::trust::witnessed`]): two that are half of it off, one to each side, are no further apart.
const MAX_SKEW_S: u64 = CLOCKS_S / 2;

/// Both logs.
#[derive(Clone)]
pub struct Service {
    store: Store,
    pub(super) trust: Arc<Trust>,
    pub(super) clock: Clock,
    witnesses: Witnesses,
    verifiers: [LogVerifier; 2],
    /// What the governance log says. Held while a leaf of that log is taken: each is checked against all before it.
    governance: Arc<Mutex<Governance>>,
    intake: Appender,
    /// Keys of the governance log and its witnesses in every version of the trust root.
    kept_by: Arc<Vec<(LogVerifier, Witnesses)>>,
    /// The newest version alone, by which new entries of the intake log are judged.
    newest: Arc<Trust>,
    /// Nothing: whose signatures an entry of the intake log needs, the trust root alone says.
    nothing: Arc<State>,
}

impl Service {
    /// The store.
    pub(super) const fn db(&self) -> &Db {
        self.store.db()
    }

    /// Replays the governance log from its leaves and kept checkpoints.
    pub async fn start(
        setup: &Setup,
        store: Store,
        verifiers: [LogVerifier; 2],
        witnesses: Witnesses,
    ) -> Result<Self, LogError> {
        let (trust, clock) = (setup.trust.clone(), setup.clock.clone());
        let intake = Appender::start(store.clone(), LogName::Intake);
        let (governance, nothing) = Default::default();
        let kept_by = Arc::new(all_verifiers(&trust, LogName::Governance)?);
        let newest = Arc::new(Trust::pinned(trust.statement())?);
        let service = Self { store, trust, clock, witnesses, verifiers, governance, intake, kept_by, newest, nothing };
        service.catch_up(&mut *service.governance.lock().await).await?;
        service.announce_trust().await?;
        Ok(service)
    }

    /// Each version of the trust root counts from its entry on, so the log announces what it was started with.
    async fn announce_trust(&self) -> Result<(), LogError> {
        let announced = self.governance.lock().await.state.trust(&self.trust).root().version;
        let later: Vec<_> = self.trust.versions().filter(|t| t.root().version > announced).collect();
        for version in later.into_iter().rev() {
            self.append(LogName::Governance, &version.statement().to_bytes()).await?;
        }
        Ok(())
    }

    async fn catch_up(&self, governance: &mut Governance) -> Result<(), LogError> {
        governance.catch_up(&self.store, &self.trust, &self.kept_by).await
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
        let new = New { pae: statement.pae_hash(), leaf: bytes.to_vec() };
        match log {
            LogName::Governance => self.govern(&statement, new).await,
            LogName::Intake => self.take(&statement, new).await,
        }
    }

    /// Many at once: nothing that one entry of the intake log says changes what the next one needs.
    async fn take(&self, statement: &Statement, new: New) -> Result<Appended, LogError> {
        let verb = statement.verb();
        let suffices = rule::for_log(LogName::Intake, verb)
            .and_then(|()| rule::check(&self.newest, &self.nothing, statement).map(drop));
        match suffices {
            Ok(()) => Ok(self.intake.append(new).await?),
            // What the log has it has, whatever stands on this copy.
            Err(error) => match self.store.lookup(LogName::Intake, new.pae).await? {
                Some(index) => Ok(Appended { index, new: false }),
                None => Err(error.into()),
            },
        }
    }

    /// One after the other, each checked against all before it, whoever wrote them.
    async fn govern(&self, statement: &Statement, new: New) -> Result<Appended, LogError> {
        let mut governance = self.governance.lock().await;
        loop {
            self.catch_up(&mut governance).await?;
            if let Some(index) = self.store.lookup(LogName::Governance, new.pae).await? {
                return Ok(Appended { index, new: false });
            }
            governance.state.check(&self.trust, statement, self.clock.now())?;
            let index = governance.state.size();
            if let Next::Taken(appended) = self.store.append_as(LogName::Governance, index, new.clone()).await? {
                return Ok(appended);
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

    /// Takes a line of this witness. Errors: `NotCurrent`, `Time`.
    pub(super) async fn cosign_one(
        &self,
        log: LogName,
        line: &NoteSignature,
        witness: &VerifierKey,
    ) -> Result<(), LogError> {
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
        let time = time_of(line);
        if time.is_none_or(|time| time.abs_diff(self.clock.now()) > MAX_SKEW_S) {
            return Err(LogError::Time);
        }
        // Lines are public: an old one sent again must not make a checkpoint look older than it was shown to be.
        let newer = move |before: &str| NoteSignature::parse(before).map_or(true, |before| time_of(&before) < time);
        let complete = move |lines: &[String], since: u64| {
            let lines =
                lines.iter().filter(|line| NoteSignature::parse(line).is_ok_and(|l| time_of(&l) >= Some(since)));
            let whole = with_lines(checkpoint.clone(), lines).ok()?;
            CosignedCheckpoint::check(whole, &witnesses).ok().map(|c| c.signed().to_bytes())
        };
        self.store.cosign(log, size, witness.key().key_id(), line.to_string(), newer, complete).await?;
        Ok(())
    }

    /// The newest checkpoint as the log signed it, without cosignatures.
    pub(super) async fn signed(&self, log: LogName) -> Result<SignedCheckpoint, LogError> {
        let (pending, _) = self.store.current(log).await?;
        Ok(SignedCheckpoint::open(&pending.ok_or(LogError::NotFound)?.note, self.log(log))?)
    }

    /// The proof that the tree of `new` entries extends that of `old`. Errors: `size`, `tile`.
    pub(super) async fn proof(&self, log: LogName, old: u64, new: u64) -> Result<Vec<B32>, LogError> {
        let plan = consistency_plan(old, new)?;
        let mut tiles = Tiles::new(new);
        for tile in Tiles::needed(new, &plan)? {
            tiles.insert(tile, &self.store.tile(log, tile).await?.ok_or(LogError::Corrupt)?)?;
        }
        Ok(prove(&plan, |subtree| tiles.hash(subtree))?)
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
        Ok(stored.ok_or(LogError::NotFound)?.whole(self.log(log))?.to_bytes())
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

impl Stored {
    /// The checkpoint with its witnesses' newest lines.
    pub fn whole(&self, log: &LogVerifier) -> Result<SignedCheckpoint, Error> {
        with_lines(SignedCheckpoint::open(&self.note, log)?, &self.lines)
    }
}

/// When a witness says that it signed; `None` for what is no cosignature.
pub(super) fn time_of(line: &NoteSignature) -> Option<u64> {
    line.bytes().first_chunk().map(|time| u64::from_be_bytes(*time))
}

fn with_lines<'a>(
    mut checkpoint: SignedCheckpoint,
    lines: impl IntoIterator<Item = &'a String>,
) -> Result<SignedCheckpoint, Error> {
    for line in lines {
        checkpoint.add(NoteSignature::parse(line)?);
    }
    Ok(checkpoint)
}
