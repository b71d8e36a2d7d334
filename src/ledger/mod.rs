//! The governance log as a role follows it: checked against the trust root, replayed from entry 0, never shrinking.
//!
//! Everything that a role believes about others' keys, councils and policy comes from here, and the time by which
//! delays are measured comes from cosignatures.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::log::{CosignedCheckpoint, LogVerifier, TlogProof, TreeHead, Witnesses, leaf_hash};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::value::Text;
use tabir_crypto::trust::fresh::{self, Purpose};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};
use tabir_crypto::{B32, Code};
use tokio::sync::watch;

use crate::client::log_reader::{Growth, LogReader, Part};
use crate::client::log_source::{HttpLog, LogFolder, LogSource, ReadError};
use crate::clock::Clock;
use crate::http::Client;
use crate::http::server::Background;

/// What the governance log said at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// Keys, councils, policy, requests.
    pub state: State,
    /// The newest head that was checked.
    pub head: TreeHead,
    /// Witnessed time of that head, Unix seconds; 0 before the first.
    pub witnessed: u64,
    /// Its checkpoint, if there was one.
    pub checkpoint: Option<CosignedCheckpoint>,
    /// Leaf hashes of all entries, for proofs.
    hashes: Vec<B32>,
    /// The entries that announce a key or make a council, for who asks which ones count.
    announcing: BTreeMap<u64, Vec<u8>>,
}

impl Default for View {
    fn default() -> Self {
        let (hashes, announcing) = (Vec::new(), BTreeMap::new());
        Self { state: State::new(), head: TreeHead::EMPTY, witnessed: 0, checkpoint: None, hashes, announcing }
    }
}

impl View {
    /// Takes in what the log holds beyond this view, and gives it. Errors: those of [`LogReader::read`]; a refused entry
    /// is counted and said, and changes nothing.
    pub async fn advance<S: LogSource>(&mut self, trust: &Trust, reader: &LogReader<S>) -> Result<Growth, ReadError> {
        let growth = reader.read(self.head).await?;
        for entry in &growth.entries {
            if let Err(error) = self.take(trust, entry.index, &entry.leaf, entry.witnessed_time) {
                tracing::warn!(entry = entry.index, code = error.code().as_str(), "governance entry refused");
            }
        }
        for kept in &growth.kept {
            self.state.mark(kept.head().size, kept.witnessed_time());
        }
        self.head = growth.checkpoint.head();
        self.witnessed = self.witnessed.max(growth.checkpoint.witnessed_time());
        self.checkpoint = Some(growth.checkpoint.clone());
        Ok(growth)
    }

    /// Takes the next entry, which a checkpoint that was checked covers. Errors: those of [`State::apply`]; it counts as read.
    pub fn take(&mut self, trust: &Trust, index: u64, leaf: &[u8], witnessed: u64) -> tabir_crypto::Result<()> {
        self.hashes.push(leaf_hash(leaf));
        let verb = self.state.apply(trust, index, leaf, Some(witnessed))?.verb;
        let council = matches!(verb, Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared);
        if council || verb == Verb::KeyAnnounced {
            self.announcing.insert(index, leaf.to_vec());
        }
        Ok(())
    }

    /// An entry that announces a key or makes a council, and the proof that it stands in [`View::checkpoint`]; `None` for
    /// every other.
    #[must_use]
    pub fn proven(&self, index: u64) -> Option<(&[u8], TlogProof)> {
        let leaf = self.announcing.get(&index)?;
        let proof = TlogProof::make(index, &self.hashes, self.checkpoint.as_ref()?.signed()).ok()?;
        Some((leaf, proof))
    }

    /// Whether the head is young enough for what binds somebody; `now` is the reader's clock.
    #[must_use]
    pub fn is_fresh(&self, trust: &Trust, now: u64) -> bool {
        fresh::check(trust, Purpose::Binding, self.witnessed, now).is_ok()
    }
}

/// A view that a background loop keeps up to date.
#[derive(Clone)]
pub struct Ledger(watch::Receiver<Arc<View>>);

impl Ledger {
    /// Follows a log. The loop ends with the process; while the log can't be read, the view stays as it is. A head older than
    /// the freshness limit is said to the operator, and the role goes on: a gateway can't tell a report with an identity from
    /// one without, and who seals, signs or releases checks the head himself.
    pub fn follow<S: LogSource + Send + 'static>(
        trust: Arc<Trust>,
        reader: LogReader<S>,
        every: Duration,
        clock: Clock,
        mut stop: watch::Receiver<bool>,
    ) -> (Self, Background) {
        let (send, receive) = watch::channel(Arc::new(View::default()));
        let work = async move {
            let (mut view, mut was_fresh) = (View::default(), true);
            loop {
                let known = view.head;
                match view.advance(&trust, &reader).await {
                    Ok(_) if view.head != known || send.borrow().witnessed != view.witnessed => {
                        send.send_replace(Arc::new(view.clone()));
                    }
                    Ok(_) => {}
                    Err(error) => tracing::debug!(%error, "governance log"),
                }
                let fresh = view.witnessed == 0 || view.is_fresh(&trust, clock.now());
                match (was_fresh, fresh) {
                    (true, false) => tracing::error!(code = Code::Stale.as_str(), "the witnesses are silent"),
                    (false, true) => tracing::info!("the witnesses are back"),
                    _ => {}
                }
                was_fresh = fresh;
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    _ = stop.wait_for(|s| *s) => return,
                }
            }
        };
        (Self(receive), Box::pin(work))
    }

    /// A view that stands still, for tests.
    #[must_use]
    pub fn fixed(view: View) -> Self {
        // The receiver keeps the last value after its sender is gone.
        Self(watch::channel(Arc::new(view)).1)
    }

    /// The newest view.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.0.borrow().clone()
    }
}

/// How long after a moment a head must have been witnessed to have all that the log was given before it: several intervals
/// of any log; a demo's are shorter.
#[must_use]
pub fn settled_s(trust: &Trust) -> u64 {
    if trust.root().demo { 3 } else { 60 }
}

/// Visits every entry of a log with its witnessed time, if its newest witnessed head is as young as `since`; false if it is
/// older. What was visited counts for nothing on an error. Errors: those of [`LogReader::read`].
pub async fn entries_since<S: LogSource>(
    reader: &LogReader<S>,
    since: u64,
    visit: &mut (dyn FnMut(&[u8], u64) + Send),
) -> Result<bool, ReadError> {
    let checkpoint = reader.checkpoint().await?;
    if checkpoint.witnessed_time() < since {
        return Ok(false);
    }
    let heads = reader.heads(checkpoint, TreeHead::EMPTY).await?;
    let mut walk = reader.start(TreeHead::EMPTY, &heads).await?;
    while let Some(part) = walk.next().await? {
        if let Part::Bundle { first, leaves, .. } = part {
            (first..).zip(&leaves).for_each(|(index, leaf)| visit(leaf, heads.witnessed_time(index)));
        }
    }
    Ok(true)
}

/// A reader of a log, by the keys and the quorum of the trust root. Errors: those of the keys' texts.
pub fn reader(trust: &Trust, name: LogName, client: Client, server: &str) -> tabir_crypto::Result<LogReader<HttpLog>> {
    reader_of(trust, name, HttpLog::new(client, server, name.as_str()))
}

/// A reader of a log in a folder that `tabir audit fetch` made. Errors: as [`reader`].
pub fn reader_of_copy(trust: &Trust, name: LogName, copy: &Path) -> tabir_crypto::Result<LogReader<LogFolder>> {
    reader_of(trust, name, LogFolder(copy.join(name.as_str())))
}

/// A reader of a log from anywhere. The newest checkpoint is judged by the newest version of the trust root; those that
/// are kept for ever also by the versions under which they were cosigned.
pub fn reader_of<S: LogSource>(trust: &Trust, name: LogName, source: S) -> tabir_crypto::Result<LogReader<S>> {
    let (log, witnesses) = verifiers(trust, name)?;
    let before = all_verifiers(trust, name)?.split_off(1);
    let ended = trust.ended(name).map(|(log, head)| (log.origin.as_str().to_owned(), head)).collect();
    Ok(LogReader::new(source, log, witnesses).with_before(before).with_ended(ended))
}

/// [`verifiers`] of every version of the trust root that is known, newest first.
pub fn all_verifiers(trust: &Trust, name: LogName) -> tabir_crypto::Result<Vec<(LogVerifier, Witnesses)>> {
    trust.versions().map(|version| verifiers(version, name)).collect()
}

/// Who signs a log's checkpoints, and whose cosignatures count.
pub fn verifiers(trust: &Trust, name: LogName) -> tabir_crypto::Result<(LogVerifier, Witnesses)> {
    let (root, log) = (trust.root(), trust.log(name));
    let verifier = LogVerifier::new(log.origin.as_str(), log.vkey.as_str())?;
    let witnesses = Witnesses::new(root.witnesses.iter().map(Text::as_str), root.witness_quorum)?;
    Ok((verifier, witnesses))
}
