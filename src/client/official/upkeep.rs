//! Between the ceremonies: an official shows that his share works, and officials retire a key.

use tabir_crypto::B32;
use tabir_crypto::statement::body::{CouncilChecked, CouncilNote};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::{Council, Drill};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::state::{SEALED_KEPT, SEALED_LOST};

use super::case::may_follow;
use super::{Board, OfficialError, OfficialFile, Patience};
use crate::api::council::Proposal;
use crate::client::Session;
use crate::clock::Random;
use crate::ledger;

/// Shows that this official's share of a council works: a partial for the drill of the newest kept checkpoint, which
/// nobody knew before, so it can't have been made earlier. Error: `stale` for a checkpoint that many have long known.
pub async fn check(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    council: &Council,
    patience: &mut Patience<'_>,
) -> Result<Proposal, OfficialError> {
    session.check_fresh()?;
    let share = file.share_by_log(&session.view.state, council)?;
    let reader = ledger::reader(&session.trust, LogName::Governance, session.http.clone(), &session.services.log)?;
    let size = session.view.head.size;
    let kept = reader.kept(size).await?;
    reader.check_consistency(kept.head(), session.view.head).await?;
    let checkpoint_hash = kept.signed().hash();
    let partial = Drill::new(council, &checkpoint_hash)?.partial(&share, &mut Random)?;
    let body = CouncilChecked {
        v: V1,
        at: Hour::of(session.clock.now()),
        council_id: Hex(*council.council_id()),
        index: share.index(),
        tree_size: size,
        checkpoint_hash: Hex(checkpoint_hash),
        partial: Bytes(partial),
    };
    let statement = Statement::signed(Verb::CouncilChecked, &body, file.signing())?;
    may_follow(session, &statement)?;
    board.propose_after(&statement, size, patience).await
}

/// What becomes of what is still sealed to a retired key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It can be opened until its retention ends: the officials keep their shares.
    Kept,
    /// Nobody opens it any more: the officials erase their shares.
    Lost,
}

impl Sealed {
    const fn code(self) -> &'static str {
        match self {
            Self::Kept => SEALED_KEPT,
            Self::Lost => SEALED_LOST,
        }
    }
}

/// Signs that a council's key is retired, t officials with the same answer on what is still sealed. The first one makes the
/// proposal, the others add their signatures. Errors: `stale`; `Refused` when others have given the other answer.
pub async fn retire(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    council: &Council,
    sealed: Sealed,
    patience: &mut Patience<'_>,
) -> Result<Proposal, OfficialError> {
    session.check_fresh()?;
    let council_id = *council.council_id();
    let mut statement = match waiting(board, &council_id).await? {
        Some((found, codes)) if codes.iter().any(|c| c.as_str() == sealed.code()) => found,
        Some(_) => {
            return Err(OfficialError::Refused(
                "another official has given another answer on what is still sealed: agree first; nothing was signed"
                    .into(),
            ));
        }
        None => {
            let (v, at, codes) = (V1, Hour::of(session.clock.now()), vec![CodeText::new(sealed.code())?]);
            Statement::new(Verb::CouncilRetired, &CouncilNote { v, at, council_id: Hex(council_id), codes })?
        }
    };
    statement.sign(file.signing());
    board.propose_after(&statement, session.view.head.size, patience).await
}

/// An incomplete proposal to retire this council, and its codes.
async fn waiting(board: &Board, council_id: &B32) -> Result<Option<(Statement, Vec<CodeText>)>, OfficialError> {
    let about = |body: &Body| matches!(body, Body::CouncilNote(b) if b.council_id.0 == *council_id);
    let Some(found) = board.find(Verb::CouncilRetired, about).await? else { return Ok(None) };
    match found.statement.body()? {
        Body::CouncilNote(body) => Ok(Some((found.statement, body.codes))),
        _ => Ok(None),
    }
}
