//! Where an official sits, by the log, and whether the share in his key file works there.

use tabir_crypto::B32;
use tabir_crypto::trust::state::{LoggedCouncil, State};

use super::keys::Standing;
use super::{KeyFileError, OfficialError, OfficialFile};

/// A council of which this official is a member, or of which the file has a share.
pub struct Seat<'a> {
    /// The council's id.
    pub council_id: B32,
    /// As it stands in the log.
    pub logged: Option<&'a LoggedCouncil>,
    /// When the log had its key first, and these shares: witnessed, in Unix seconds.
    pub since: Option<(u64, u64)>,
    /// When the last drill of this official's share was witnessed.
    pub drilled: Option<u64>,
    /// Whether the share works, and if not, why.
    pub share: Result<u16, OfficialError>,
}

/// Current councils with this official first, oldest first; then what else the file has shares of. Each share is opened
/// and checked against Y_i.
pub fn seats<'a>(file: &OfficialFile, state: &'a State) -> Result<Vec<Seat<'a>>, OfficialError> {
    let own = file.verifying();
    let is_current = |c: &&LoggedCouncil| Standing::of(state, c.council.council_id()) == Standing::Current;
    let mut sits: Vec<&LoggedCouncil> =
        state.councils().filter(is_current).filter(|c| c.council.member_by_key(&own).is_some()).collect();
    sits.sort_by_key(|c| c.entry);
    let mut seats = Vec::new();
    for logged in sits {
        let council_id = *logged.council.council_id();
        let share = file.share_by_log(state, &logged.council).map(|share| share.index());
        seats.push(Seat {
            council_id,
            logged: Some(logged),
            since: since(state, logged),
            drilled: drilled(file, state, logged),
            share,
        });
    }
    for held in file.holdings()? {
        if seats.iter().any(|seat| seat.council_id == held.council_id) {
            continue;
        }
        let logged = state.council(&held.council_id).ok();
        let share = Err(match Standing::of(state, &held.council_id) {
            Standing::Superseded { have, now } if has_newer(&seats, logged) => KeyFileError::Kept { have, now }.into(),
            Standing::Superseded { have, now } => KeyFileError::OlderEpoch { have, now }.into(),
            Standing::GivenUp => KeyFileError::GivenUp(held.council_id).into(),
            Standing::Current | Standing::Unknown => KeyFileError::NotInLog(held.council_id).into(),
        });
        seats.push(Seat {
            council_id: held.council_id,
            logged,
            since: logged.and_then(|l| since(state, l)),
            drilled: None,
            share,
        });
    }
    Ok(seats)
}

fn drilled(file: &OfficialFile, state: &State, logged: &LoggedCouncil) -> Option<u64> {
    let index = logged.council.member_by_key(&file.verifying())?.index;
    state.witnessed().of(*logged.checked.get(&index)?)
}

/// Whether a share of the same line works.
fn has_newer(seats: &[Seat<'_>], old: Option<&LoggedCouncil>) -> bool {
    let lineage = old.map(|c| c.council.lineage());
    seats.iter().any(|s| s.share.is_ok() && s.logged.map(|c| c.council.lineage()) == lineage)
}

fn since(state: &State, logged: &LoggedCouncil) -> Option<(u64, u64)> {
    let line = state.councils().filter(|c| c.council.lineage() == logged.council.lineage());
    let first = line.min_by_key(|c| c.council.epoch())?;
    Some((state.witnessed().of(first.entry)?, state.witnessed().of(logged.entry)?))
}
