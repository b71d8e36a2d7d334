//! The governance log as a role follows it: checked against the trust root, replayed from entry 0, never shrinking.
//!
//! Everything that a role believes about others' keys, councils and policy comes from here, and the time by which
//! delays are measured comes from cosignatures.

use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::log::{LogVerifier, TreeHead, Witnesses};
use tabir_crypto::statement::value::Text;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};
use tokio::sync::watch;

use crate::client::log_reader::{Growth, LogReader};
use crate::client::log_source::{HttpLog, LogSource, ReadError};
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
}

impl Default for View {
    fn default() -> Self {
        Self { state: State::new(), head: TreeHead::EMPTY, witnessed: 0 }
    }
}

impl View {
    /// Takes in what the log holds beyond this view, and gives it. Errors: those of [`LogReader::read`]; a refused entry
    /// is counted and said, and changes nothing.
    pub async fn advance<S: LogSource>(&mut self, trust: &Trust, reader: &LogReader<S>) -> Result<Growth, ReadError> {
        let growth = reader.read(self.head).await?;
        for entry in &growth.entries {
            if let Err(error) = self.state.apply(trust, entry.index, &entry.leaf, Some(entry.witnessed_time)) {
                tracing::warn!(entry = entry.index, code = error.code().as_str(), "governance entry refused");
            }
        }
        for kept in &growth.kept {
            self.state.mark(kept.head().size, kept.witnessed_time());
        }
        self.head = growth.checkpoint.head();
        self.witnessed = self.witnessed.max(growth.checkpoint.witnessed_time());
        Ok(growth)
    }
}

/// A view that a background loop keeps up to date.
#[derive(Clone)]
pub struct Ledger(watch::Receiver<Arc<View>>);

impl Ledger {
    /// Follows a log. The loop ends with the process; while the log can't be read, the view stays as it is.
    pub fn follow<S: LogSource + Send + 'static>(
        trust: Arc<Trust>,
        reader: LogReader<S>,
        every: Duration,
        mut stop: watch::Receiver<bool>,
    ) -> (Self, Background) {
        let (send, receive) = watch::channel(Arc::new(View::default()));
        let work = async move {
            let mut view = View::default();
            loop {
                let known = view.head;
                match view.advance(&trust, &reader).await {
                    Ok(_) if view.head != known || send.borrow().witnessed != view.witnessed => {
                        send.send_replace(Arc::new(view.clone()));
                    }
                    Ok(_) => {}
                    Err(error) => tracing::debug!(%error, "governance log"),
                }
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

/// A reader of a log, by the keys and the quorum of the trust root. Errors: those of the keys' texts.
pub fn reader(trust: &Trust, name: LogName, client: Client, server: &str) -> tabir_crypto::Result<LogReader<HttpLog>> {
    reader_of(trust, name, HttpLog::new(client, server, name.as_str()))
}

/// A reader of a log from anywhere. The newest checkpoint is judged by the newest version of the trust root; those that
/// are kept for ever also by the versions under which they were cosigned.
pub fn reader_of<S: LogSource>(trust: &Trust, name: LogName, source: S) -> tabir_crypto::Result<LogReader<S>> {
    let (log, witnesses) = verifiers(trust, name)?;
    let before = all_verifiers(trust, name)?.split_off(1);
    Ok(LogReader::new(source, log, witnesses).with_before(before))
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
