//! What the warden's person sees and decides; the process goes on with it at its next round.
//!
//! ```text
//! ask_auditor   stage open, marked --> the next round proposes the release on the board --> an auditor signs there
//! lift_fork     the mark goes, the stored head stays: what does not extend it is marked again at once
//! ```

use tabir_crypto::B32;
use tabir_crypto::request::RequestText;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::unseal::{Request, Status};

use super::Warden;
use super::error::WardenError;
use super::judge::Opened;
use super::store::Stage;
use super::view::View;

/// A live request as the warden's person sees it.
pub struct Waiting {
    /// By this warden's own copy of the log.
    pub request: Request,
    /// Where it stands now.
    pub status: Status,
    /// How far this warden is with it.
    pub stage: Stage,
    /// An auditor was asked for.
    pub urgent: bool,
    /// The full text; `None` if it opens with none of this warden's keys, or does not fit the entry.
    pub text: Option<RequestText>,
}

impl Warden {
    /// Live requests, oldest first.
    pub async fn waiting(&self, view: &View) -> Result<Vec<Waiting>, WardenError> {
        let (keys, rows) = (self.private_keys().await?, self.store.requests().await?);
        let read = |row| {
            let Opened { request, text, row } = Opened::new(row, view, &keys)?;
            let status = request.status(view.state.witnessed(), view.now);
            let (stage, urgent) = (row.stage, row.urgent);
            status.is_live().then(|| Waiting { request: request.clone(), status, stage, urgent, text })
        };
        let mut all: Vec<_> = rows.iter().filter_map(read).collect();
        all.sort_by_key(|w| w.request.entry);
        Ok(all)
    }

    /// Wants an auditor beside the warden for a request on which nothing was said yet. False if there is none such.
    pub async fn ask_auditor(&self, request: B32) -> Result<bool, WardenError> {
        Ok(self.store.urge(request).await?)
    }

    /// Takes a log's fork mark away. False if it had none.
    pub async fn lift_fork(&self, log: LogName) -> Result<bool, WardenError> {
        Ok(self.store.lift_fork(log).await?)
    }
}
