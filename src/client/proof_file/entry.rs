//! Kind `entry`: that an entry stands in a log, since when witnesses have seen it there, and whether the rules take it.
//!
//! The proof is whole for the first two. Whose signature an entry needs depends on what stands before it: the file carries
//! what that is (versions of the trust root, councils, policies, the entries that it names), and the rules are asked with
//! that alone. Yes means that those who must signed, by the keys that are in this file and in the trust root. No may also
//! mean that something was left out, so that only the whole log decides; an entry that breaks the rules is shown all the
//! same, since a lie that stands in the log is what an auditor wants to show. Never shown: that a key had not been retired,
//! or that there was no second one for its epoch.

use serde::{Deserialize, Serialize};
use tabir_crypto::statement::value::V1;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::{Signer, State, Trust, rule};
use tabir_crypto::{B32, Code};

use super::{Part, Proved, check_part, judged_by, place};
use crate::client::log_reader::Entry;
use crate::client::log_source::ReadError;
use crate::client::opening::carried::{self, refused};

/// What stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Version 1.
    pub v: V1,
    /// The entry's log.
    pub log: LogName,
    /// Its number.
    pub entry: u64,
    /// Versions of the trust root, oldest first.
    pub trust: Vec<Statement>,
    /// What it stands on, and itself, if it is of this log.
    pub governance: Part,
    /// Itself, if it is of the intake log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intake: Option<Part>,
}

/// Who signed, as far as the file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A role or an auditor of the trust root that held.
    Pinned(Signer),
    /// An official: number, and the council's fingerprint.
    Official(u16, String),
    /// A key that neither the trust root nor a council of this file has: its id.
    Unknown(B32),
}

/// A file whose every proof was verified.
pub struct Checked {
    /// The entry.
    pub entry: Entry,
    /// Its log.
    pub log: LogName,
    /// What kind of statement it is.
    pub verb: Verb,
    /// What it says.
    pub body: Body,
    /// Key ids beside its signatures, each with its owner. That the signatures verify is known only if the rules take it.
    pub signers: Vec<Who>,
    /// Why the rules do not take it, with what this file carries.
    pub refused: Option<Code>,
    /// Until when the file speaks, of the entry's log.
    pub proved: Proved,
}

/// Checks a file. Errors: those of [`judged_by`] and [`check_part`]; those of the rules for what the entry stands on, by
/// number; `context` where it is not the last one of its log in the file, `verb` for what has no place there.
pub fn check(file: &File, pinned: &Trust) -> Result<Checked, ReadError> {
    let trust = judged_by(pinned, &file.trust).map_err(refused("trust"))?;
    let mut ground = check_part(&trust, LogName::Governance, &file.governance)?;
    let name = place(file.log, file.entry);
    let wrong = |code: Code| refused(&name)(code.into());
    let (proved, entry) = match (file.log, &file.intake) {
        (LogName::Governance, None) => {
            let entry = ground.entries.pop().ok_or_else(|| wrong(Code::Context))?;
            (None, entry)
        }
        (LogName::Intake, Some(part)) => {
            let mut proved = check_part(&trust, LogName::Intake, part)?;
            let entry = proved.entries.pop().ok_or_else(|| wrong(Code::Context))?;
            (Some(proved), entry)
        }
        _ => return Err(wrong(Code::Context)),
    };
    if entry.index != file.entry || proved.as_ref().is_some_and(|p| !p.entries.is_empty()) {
        return Err(wrong(Code::Context));
    }
    let refuse = |(index, error)| refused(place(LogName::Governance, index))(error);
    let mut state = carried::replay(&trust, &ground.entries).map_err(refuse)?;
    let statement = Statement::parse(&entry.leaf).map_err(refused(&name))?;
    rule::for_log(file.log, statement.verb()).map_err(refused(&name))?;
    let body = statement.body().map_err(refused(&name))?;
    let taken = match file.log {
        LogName::Governance => carried::take(&trust, &mut state, &entry),
        LogName::Intake => rule::check_intake(&trust, &state, &statement, Some(entry.witnessed_time)).map(drop),
    };
    // After it was taken: a council's own members sign for it.
    let signers = signers(&trust, &state, &statement);
    let refused = taken.err().map(|e| e.code());
    let proved = proved.unwrap_or(ground);
    Ok(Checked { entry, log: file.log, verb: statement.verb(), body, signers, refused, proved })
}

fn signers(trust: &Trust, state: &State, statement: &Statement) -> Vec<Who> {
    let pinned = |id: &B32| trust.versions().find_map(|version| version.signer(id)).map(Who::Pinned);
    let official = |id: &B32| {
        let member = |c: &tabir_crypto::trust::state::LoggedCouncil| {
            let found = c.council.members().iter().find(|m| m.ed_vk.key_id() == *id);
            found.map(|m| Who::Official(m.index, c.council.fingerprint()))
        };
        // The newest one of several: a refresh keeps people and numbers.
        let mut councils: Vec<_> = state.councils().collect();
        councils.sort_unstable_by_key(|c| std::cmp::Reverse(c.entry));
        councils.into_iter().find_map(member)
    };
    let who = |id: B32| pinned(&id).or_else(|| official(&id)).unwrap_or(Who::Unknown(id));
    statement.signers().into_iter().map(who).collect()
}
