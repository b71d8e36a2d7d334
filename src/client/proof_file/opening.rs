//! Kind `opening`: a request to open an identity, every entry that came of it, and the councils, policies and versions of
//! the trust root before the last of them. It names no case, since no public entry does.
//!
//! Checked: each proof; each entry signed by those who must, in an order that the rules allow, by the very state machine
//! that reads the whole log. Not shown: that nothing followed, that the day's cap was kept, that no other key counted.

use serde::{Deserialize, Serialize};
use tabir_crypto::Code;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::value::{Hex32, V1};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{State, Trust};

use super::{Part, Proved, check_part, judged_by, place};
use crate::client::log_source::ReadError;
use crate::client::opening::carried::{self, refused};
use crate::client::opening::{Opening, Seen, tell};

/// What stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Version 1.
    pub v: V1,
    /// Entry hash of `unseal.requested`.
    pub request: Hex32,
    /// Versions of the trust root, oldest first.
    pub trust: Vec<Statement>,
    /// Its steps, and what they stand on.
    pub governance: Part,
}

/// A file whose every part was verified.
pub struct Checked {
    /// What is shown.
    pub opening: Opening,
    /// The entries.
    pub proved: Proved,
    /// Their replay: councils, policies.
    pub state: State,
}

/// Checks a file. Errors: those of [`judged_by`] and [`check_part`]; those of the rules, by the entry's number; `context`
/// where the request is not in it, or another one is.
pub fn check(file: &File, pinned: &Trust) -> Result<Checked, ReadError> {
    let trust = judged_by(pinned, &file.trust).map_err(refused("trust"))?;
    let proved = check_part(&trust, LogName::Governance, &file.governance)?;
    let refuse = |(index, error)| refused(place(LogName::Governance, index))(error);
    let state = carried::replay(&trust, &proved.entries).map_err(refuse)?;
    let [request] = state.requests() else { return Err(refused("request")(Code::Context.into())) };
    if request.hash != file.request.0 {
        return Err(refused("request")(Code::Context.into()));
    }
    let seen = Seen { trust: &trust, state: &state, entries: &proved.entries, whole: false, now: proved.witnessed };
    let opening = tell(&seen, request).map_err(refused("request"))?;
    Ok(Checked { opening, proved, state })
}
