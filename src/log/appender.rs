//! Entries that come together are written together: one transaction, a few statements of SQL, one flush.

use tabir_crypto::trust::root::LogName;
use tokio::sync::{mpsc, oneshot};

use super::store::{Appended, New, Store};
use crate::db::DbError;

/// Entries that one transaction takes: bounds how long the first waits for the last.
const BATCH: usize = 256;
/// Entries that may wait before callers are held back: at most 64 MiB of the longest.
const QUEUE: usize = 1024;

type Waiting = (New, oneshot::Sender<Result<Appended, DbError>>);

/// The way into one log, for statements that need nothing of what the log holds.
#[derive(Clone)]
pub struct Appender(mpsc::Sender<Waiting>);

impl Appender {
    /// Writes until the last copy of this is gone.
    pub fn start(store: Store, log: LogName) -> Self {
        let (send, receive) = mpsc::channel(QUEUE);
        tokio::spawn(write(store, log, receive));
        Self(send)
    }

    /// Takes a statement, or says where it stands already. It is durable when this returns.
    pub async fn append(&self, new: New) -> Result<Appended, DbError> {
        let (answer, answered) = oneshot::channel();
        self.0.send((new, answer)).await.map_err(|_| DbError::Closed)?;
        answered.await.map_err(|_| DbError::Closed)?
    }
}

async fn write(store: Store, log: LogName, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let (new, answers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        match store.append(log, new).await {
            // Nobody waits any more: the request was dropped, the entry stands.
            Ok(taken) => answers.into_iter().zip(taken).for_each(|(answer, at)| drop(answer.send(Ok(at)))),
            Err(error) => {
                let full = matches!(error, DbError::Full);
                tracing::error!(%error, "entries");
                for answer in answers {
                    drop(answer.send(Err(if full { DbError::Full } else { DbError::Closed })));
                }
            }
        }
    }
}
