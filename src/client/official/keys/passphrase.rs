//! Another passphrase for a key file, and the note of its last paper backup.

use tabir_crypto::Secret;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::value::{Bytes, Hex};

use super::stored::{BackupMark, Stored};
use super::{Day, OfficialFile, PartKind, open_seeds};
use crate::client::official::OfficialError;

/// Everything sealed in a file, opened, in the file's order.
struct Opened {
    keys: SecretVec,
    ceremony: Option<SecretVec>,
    shares: Vec<SecretVec>,
    requests: Vec<SecretVec>,
}

impl OfficialFile {
    /// Seals everything anew under another passphrase, in one write. Errors: a part that does not open; nothing is
    /// changed then.
    pub fn change_passphrase(&mut self, new: SecretVec, cost: Cost) -> Result<(), OfficialError> {
        let opened = self.open_all()?;
        let stored = self.stored.clone();
        let old = (std::mem::replace(&mut self.passphrase, new), std::mem::replace(&mut self.cost, cost));
        let done = self.seal_all(&opened).and_then(|anew| {
            self.stored = anew;
            self.save()
        });
        if done.is_err() {
            (self.stored, self.passphrase, self.cost) = (stored, old.0, old.1);
        }
        done
    }

    fn open_all(&self) -> Result<Opened, OfficialError> {
        let (ed, kem) = open_seeds(&self.stored, &self.passphrase)?;
        let ceremony = self.stored.ceremony.as_ref();
        let shares = self.stored.shares.iter().map(|part| {
            let sealed = (part.bound.0.as_slice(), part.sealed.0.as_slice(), &part.sum);
            self.unseal_bytes(PartKind::Share(part.id.0), sealed, &part.bound.0)
        });
        let requests = self.stored.requests.iter().map(|part| self.unseal(self.request_part(&part.id.0), part));
        Ok(Opened {
            keys: Secret::new([ed.expose().as_slice(), kem.expose()].concat()),
            ceremony: ceremony.map(|part| self.unseal(self.ceremony_part(&part.id.0), part)).transpose()?,
            shares: shares.collect::<Result<_, _>>()?,
            requests: requests.collect::<Result<_, _>>()?,
        })
    }

    fn seal_all(&self, opened: &Opened) -> Result<Stored, OfficialError> {
        let mut anew = self.stored.clone();
        anew.keys = Bytes(self.seal_bytes(opened.keys.expose(), &self.keys_aad())?);
        anew.sum = anew.keys_sum();
        if let (Some(part), Some(state)) = (&mut anew.ceremony, &opened.ceremony) {
            *part = self.seal(self.ceremony_part(&part.id.0), part.id.0, state.expose())?;
        }
        for (part, share) in anew.shares.iter_mut().zip(&opened.shares) {
            part.sealed = Bytes(self.seal_bytes(share.expose(), &part.bound.0)?);
            part.sum = PartKind::Share(part.id.0).sum(&part.bound.0, &part.sealed.0);
        }
        for (part, seed) in anew.requests.iter_mut().zip(&opened.requests) {
            *part = self.seal(self.request_part(&part.id.0), part.id.0, seed.expose())?;
        }
        Ok(anew)
    }

    /// The day of the last paper backup, and whether everything that counts stands on it.
    #[must_use]
    pub fn backup(&self) -> Option<(&Day, bool)> {
        let mark = self.stored.backup.as_ref()?;
        Some((&mark.at, mark.of.0 == self.stored.backed_up()))
    }

    /// Notes that a paper backup of this file was made.
    pub fn mark_backup(&mut self, at: Day) -> Result<(), OfficialError> {
        self.put_backup_mark(at);
        self.save()
    }

    pub(super) fn put_backup_mark(&mut self, at: Day) {
        self.stored.backup = Some(BackupMark { at, of: Hex(self.stored.backed_up()) });
    }
}
