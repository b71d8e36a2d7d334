//! What a ceremony leaves in a key file, and what is taken out of it.

use tabir_crypto::B32;
use tabir_crypto::statement::value::Hex;

use super::OfficialFile;
use crate::client::official::OfficialError;

impl OfficialFile {
    /// Councils of which there is a share.
    pub(in crate::client::official) fn share_ids(&self) -> Vec<B32> {
        self.stored.shares.iter().map(|s| s.id.0).collect()
    }

    /// Erases shares.
    pub(in crate::client::official) fn forget_shares(&mut self, councils: &[B32]) -> Result<(), OfficialError> {
        self.stored.shares.retain(|s| !councils.contains(&s.id.0));
        self.save()
    }

    /// Whether this ceremony was ended here.
    #[must_use]
    pub fn is_aborted(&self, ceremony: &B32) -> bool {
        self.stored.aborted.contains(&Hex(*ceremony))
    }

    /// Erases what a ceremony left, its shares among it, and keeps its id so that it is never taken up again.
    pub(in crate::client::official) fn abort(&mut self, ceremony: B32, shares: &[B32]) -> Result<(), OfficialError> {
        if self.stored.ceremony.as_ref().is_some_and(|part| part.id.0 == ceremony) {
            self.stored.ceremony = None;
        }
        if !self.is_aborted(&ceremony) {
            self.stored.aborted.push(Hex(ceremony));
        }
        self.forget_shares(shares)
    }
}
