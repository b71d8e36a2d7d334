//! From a key file to a paper backup, and from the paper to a key file on another laptop.

use std::path::Path;

use tabir_crypto::B32;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::state::State;

use super::{Day, KeyFileError, OfficialFile, Standing, open_seeds};
use crate::client::official::OfficialError;
use crate::client::official::paper::{About, Contents, Paper};

/// A line for people about one share.
fn about_share(council: &Council, index: u16) -> String {
    let (t, n, epoch) = (council.t(), council.n(), council.epoch());
    format!("{}, epoch {epoch}, official {index} of {n}, {t} open", council.fingerprint())
}

fn logged<'a>(state: &'a State, council_id: &B32) -> Result<&'a Council, KeyFileError> {
    state.council(council_id).map(|c| &c.council).map_err(|_| KeyFileError::NotInLog(*council_id))
}

/// What is left out of a paper or of what comes from one: shares that are not current. Nothing but such shares is an old
/// copy, which is refused.
#[derive(Default)]
struct LeftOut {
    lines: Vec<String>,
    older: Option<KeyFileError>,
}

impl LeftOut {
    /// Whether the share of this council is left out.
    fn takes(&mut self, state: &State, council: &Council) -> bool {
        let (line, error) = match Standing::of(state, council.council_id()) {
            Standing::Superseded { have, now } => (
                format!("the share of epoch {have}: the council is at epoch {now}"),
                KeyFileError::OlderEpoch { have, now },
            ),
            Standing::GivenUp => (
                format!("the share of {}: its key was retired and given up", council.fingerprint()),
                KeyFileError::GivenUp(*council.council_id()),
            ),
            Standing::Current | Standing::Unknown => return false,
        };
        self.lines.push(line);
        self.older = Some(error);
        true
    }

    fn done(self, taken: usize) -> Result<Vec<String>, KeyFileError> {
        match self.older {
            Some(older) if taken == 0 => Err(older),
            _ => Ok(self.lines),
        }
    }
}

impl OfficialFile {
    /// Seals keys and current shares for a paper. Every share is opened and checked against its council in the log
    /// first: a paper that would not work is not printed. Errors: [`KeyFileError`]: `OlderEpoch` when there are only
    /// shares that were superseded, `NotInLog`, those of [`Self::share`].
    pub fn to_paper(&self, state: &State, day: Day) -> Result<(Paper, About), OfficialError> {
        let (ed, kem) = open_seeds(&self.stored, &self.passphrase)?;
        let (mut shares, mut councils, mut left_out) = (Vec::new(), Vec::new(), LeftOut::default());
        for held in self.holdings()? {
            let council = logged(state, &held.council_id)?;
            if !left_out.takes(state, council) {
                shares.push((held.council_id, self.share(council)?));
                councils.push(about_share(council, held.index));
            }
        }
        let left_out = left_out.done(shares.len())?;
        let contents = Contents { name: self.stored.name.clone(), ed, kem, shares };
        let paper = Paper::seal(&contents, &day, &self.passphrase, self.cost)?;
        let (name, fingerprint) = (contents.name.as_str().to_owned(), self.card().fingerprint());
        Ok((paper, About { name, fingerprint, councils, left_out, day }))
    }

    /// Makes a key file from a paper, if everything on it stands in the log and fits; else writes nothing.
    /// Errors: those of [`Paper::open`]; [`KeyFileError`]: `NotInLog`, `OtherOfficial` for a council without this
    /// official, `OlderEpoch` when no share on it is current; `share` for a share that is not this member's; a file that
    /// is there already.
    pub fn restore(
        path: &Path,
        paper: &Paper,
        (passphrase, cost): (SecretVec, Cost),
        state: &State,
    ) -> Result<(Self, About), OfficialError> {
        let contents = paper.open(&passphrase)?;
        let (day, mut councils, mut left_out) = (paper.day()?, Vec::new(), LeftOut::default());
        let (name, seeds) = (contents.name.clone(), (&contents.ed, &contents.kem));
        let mut lines = Vec::new();
        let file = Self::write_new(path, name, seeds, (passphrase, cost), |file| {
            for (council_id, share) in &contents.shares {
                let council = logged(state, council_id)?;
                let member = council.member_by_key(&file.verifying()).ok_or(KeyFileError::OtherOfficial)?;
                if member.index != share.index() {
                    return Err(KeyFileError::OtherOfficial.into());
                }
                if !left_out.takes(state, council) {
                    // Seals only what fits Y_i in the log.
                    file.put_share(council, share)?;
                    councils.push(about_share(council, share.index()));
                }
            }
            lines = std::mem::take(&mut left_out).done(councils.len())?;
            file.put_backup_mark(day.clone());
            Ok(())
        })?;
        let (name, fingerprint) = (contents.name.as_str().to_owned(), file.card().fingerprint());
        Ok((file, About { name, fingerprint, councils, left_out: lines, day }))
    }
}
