//! The openings of a copy, for whoever audits it: read only after the governance log was verified.

use std::path::Path;

use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Code};

use super::ClientError;
use super::audit::{LOG_CHECK, Verdict};
use super::log_reader::Growth;
use super::log_source::{LogFolder, ReadError};
use super::opening::{Opening, Seen, tell};
use crate::ledger;

/// One opening with what an auditor sorts by.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Entry of the request.
    pub entry: u64,
    /// Unix seconds: its witnessed time.
    pub at: u64,
    /// Epoch of the council that was asked.
    pub epoch: u64,
    /// Id of the council that was asked.
    pub council: B32,
    /// Code of the legal basis.
    pub legal_basis: String,
    /// Code of the reason.
    pub reason: String,
    /// Who asked.
    pub requester: u16,
    /// The request with all that came of it.
    pub opening: Opening,
}

/// The governance log of a copy, whole, of which nothing was checked but that it is what was signed.
pub async fn read(trust: &Trust, dir: &Path) -> Result<Growth, ReadError> {
    let folder = LogFolder(dir.join(LogName::Governance.as_str()));
    let refused = |source| ReadError::Refused { what: "trust".into(), source };
    let reader = ledger::reader_of(trust, LogName::Governance, folder).map_err(refused)?;
    reader.read(tabir_crypto::log::TreeHead::EMPTY).await
}

/// Whether the governance log can be believed at all: signed, cosigned, of one tree.
#[must_use]
pub fn readable(verdict: &Verdict) -> bool {
    !verdict.failed().any(|c| c.name == LOG_CHECK && c.log == Some(LogName::Governance))
}

/// Every opening, in the order of the log, as it stands by the copy's newest witnessed time. Errors: `context` for a
/// request without a witnessed time, those of [`tell`].
pub fn all(trust: &Trust, verdict: &Verdict, log: &Growth) -> Result<Vec<Asked>, ClientError> {
    let state = &verdict.state;
    let seen = Seen { trust, state, entries: &log.entries, whole: true, now: verdict.now };
    let one = |request: &tabir_crypto::trust::unseal::Request| {
        let council = &state.council(&request.body.council_id.0)?.council;
        Ok(Asked {
            entry: request.entry,
            at: state.witnessed().of(request.entry).ok_or(Code::Context)?,
            epoch: council.epoch(),
            council: request.body.council_id.0,
            legal_basis: request.body.legal_basis.to_string(),
            reason: request.body.reason.to_string(),
            requester: request.body.requester,
            opening: tell(&seen, request)?,
        })
    };
    state.requests().iter().map(one).collect()
}
