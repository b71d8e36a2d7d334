//! A witness without an inbound port: it fetches the log's newest checkpoint, makes the proof from the tiles, posts the line.

use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::Code;
use tabir_crypto::log::witness::format_cosignatures;
use tokio::sync::watch;

use super::error::WitnessError;
use super::{Log, Witness};
use crate::client::log_source::{HttpLog, LogSource as _, ReadError};
use crate::client::log_tree::consistency_proof;
use crate::http::Method;

/// Looks for what was signed before the start, then polls, if the log takes cosignatures that way.
pub async fn run(witness: Arc<Witness>, origin: String, every: Duration, mut stop: watch::Receiver<bool>) {
    let Some(log) = witness.logs.get(&origin) else { return };
    loop {
        match witness.round(log).await {
            Ok(()) if log.post.is_none() => return,
            Ok(()) => {}
            Err(error) => tracing::error!(%error, code = error.code(), log = origin, "not cosigned"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stop.wait_for(|s| *s) => return,
        }
    }
}

impl Witness {
    async fn round(&self, log: &Log) -> Result<(), WitnessError> {
        self.recall(log).await?;
        match (&log.source, &log.post) {
            (Some(source), Some(post)) => self.poll(log, source, post).await,
            _ => Ok(()),
        }
    }

    async fn poll(&self, log: &Log, source: &HttpLog, post: &str) -> Result<(), WitnessError> {
        // Ours serve what no quorum has seen yet as `pending`; others only the newest.
        let bytes = match source.get("pending").await {
            Err(ReadError::Missing(_)) => source.get("checkpoint").await?,
            got => got?,
        };
        let (of, checkpoint) = self.checkpoint(&bytes)?;
        if of.origin != log.origin {
            return Err(WitnessError::Malformed(Code::Checkpoint.into()));
        }
        let known = self.store.head(&log.origin).await?;
        if checkpoint.head().size < known.tree.size {
            return Err(WitnessError::Inconsistent(Code::Shrunk.into()));
        }
        let proof = consistency_proof(source, known.tree.size, checkpoint.head().size).await?;
        let line = {
            let _turn = log.ready.lock().await;
            let now = self.store.head(&log.origin).await?;
            if now.tree != known.tree {
                return Ok(()); // asked meanwhile: the next round
            }
            self.cosign(log, now, checkpoint, &proof).await?
        };
        let headers = [("content-type", "text/plain; charset=utf-8")];
        self.client.send(Method::POST, post, &headers, format_cosignatures(&[line])).await?;
        Ok(())
    }
}
