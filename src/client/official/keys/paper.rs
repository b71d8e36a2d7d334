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

impl OfficialFile {
    /// Seals keys and current shares for a paper. Every share is opened and checked against its council in the log
    /// first: a paper that would not work is not printed. Errors: [`KeyFileError`]: `OlderEpoch` for a share
    /// that was superseded, `NotInLog`, those of [`Self::share`].
    pub fn to_paper(&self, state: &State, day: Day) -> Result<(Paper, About), OfficialError> {
        let (ed, kem) = open_seeds(&self.stored, &self.passphrase)?;
        let (mut shares, mut councils) = (Vec::new(), Vec::new());
        for held in self.holdings()? {
            let council = logged(state, &held.council_id)?;
            if let Standing::Superseded { have, now } = Standing::of(state, &held.council_id) {
                return Err(KeyFileError::OlderEpoch { have, now }.into());
            }
            shares.push((held.council_id, self.share(council)?));
            councils.push(about_share(council, held.index));
        }
        let contents = Contents { name: self.stored.name.clone(), ed, kem, shares };
        let paper = Paper::seal(&contents, &day, &self.passphrase, self.cost)?;
        let about =
            About { name: contents.name.as_str().to_owned(), fingerprint: self.card().fingerprint(), councils, day };
        Ok((paper, about))
    }

    /// Makes a key file from a paper, if everything on it stands in the log and is current; else writes nothing.
    /// Errors: those of [`Paper::open`]; [`KeyFileError`]: `NotInLog`, `OtherOfficial` for a council without this
    /// official, `OlderEpoch`; `share` for a share that is not this member's; a file that is there already.
    pub fn restore(
        path: &Path,
        paper: &Paper,
        (passphrase, cost): (SecretVec, Cost),
        state: &State,
    ) -> Result<(Self, About), OfficialError> {
        let contents = paper.open(&passphrase)?;
        let (day, mut councils) = (paper.day()?, Vec::new());
        let name = contents.name.clone();
        let file = Self::write_new(path, name, (&contents.ed, &contents.kem), (passphrase, cost), |file| {
            for (council_id, share) in &contents.shares {
                let council = logged(state, council_id)?;
                let member = council.member_by_key(&file.verifying()).ok_or(KeyFileError::OtherOfficial)?;
                if member.index != share.index() {
                    return Err(KeyFileError::OtherOfficial.into());
                }
                if let Standing::Superseded { have, now } = Standing::of(state, council_id) {
                    return Err(KeyFileError::OlderEpoch { have, now }.into());
                }
                // Seals only what fits Y_i in the log.
                file.put_share(council, share)?;
                councils.push(about_share(council, share.index()));
            }
            file.put_backup_mark(day.clone());
            Ok(())
        })?;
        let about =
            About { name: contents.name.as_str().to_owned(), fingerprint: file.card().fingerprint(), councils, day };
        Ok((file, about))
    }
}
