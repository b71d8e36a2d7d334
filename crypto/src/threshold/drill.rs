//! The drill: an envelope that everybody can make and that harms nobody, to show that shares work.
//!
//! ```text
//! e       = T("tabir/v1/drill"; council, nonce), 32 bytes, as X25519 private key: known to everybody
//! k       = the challenge T("tabir/v1/drill-proof"; council, nonce), the sender proof's nonce
//! case_id = T("tabir/v1/drill-case"; council, nonce)
//! label   of lineage, this case_id, and zeros for warden key, content and notice
//! record  1,024 zeros
//! partial as of an opening (195 bytes), for this case_id, request = nonce, and zeros for envelope, checkpoint, recipients
//! ```
//! Nothing is learned from a drill's partial: s_i·E = e·Y_i, which everybody can compute. Only its proof needs the share,
//! and that is a proof of knowledge. E comes out of a hash, so nobody can make it another case's. Before old shares are
//! erased, the new ones open a drill for the ceremony's transcript; for the yearly drill the nonce is the hash of a
//! checkpoint, which nobody knew before. Source: `docs/protocol.md`, "Drill".

use rand_core::CryptoRng;

use super::combine::{combine, open};
use super::council::{Council, Share};
use super::partial::{OpeningContext, make, verify};
use crate::codec::{B32, Transcript};
use crate::envelope::{CaseBinding, Inner, RECORD_LEN, VerifiedInner};
use crate::error::{Code, Error, Result, need};
use crate::secret::Secret;

/// The drill of one council for one nonce.
#[derive(Clone, Debug)]
pub struct Drill<'a> {
    council: &'a Council,
    nonce: B32,
    case_id: B32,
    inner: VerifiedInner,
}

impl<'a> Drill<'a> {
    /// Makes the envelope. It is never taken from anybody: each makes his own, and all are the same.
    /// Errors: none that a checked council gives rise to.
    pub fn new(council: &'a Council, nonce: &B32) -> Result<Self> {
        let t = |tag| Transcript::new(tag).put("council", council.council_id()).put("nonce", nonce);
        let case_id = t("tabir/v1/drill-case").hash();
        let zeros = [0; 32];
        let binding = CaseBinding {
            lineage: *council.lineage(),
            case_id,
            access_hash: zeros,
            content_hash: zeros,
            notice_hash: zeros,
        };
        let label = binding.label(&zeros);
        let (ephemeral, record) = (Secret::new(t("tabir/v1/drill").hash()), Secret::new([0; RECORD_LEN]));
        let k = t("tabir/v1/drill-proof").challenge();
        let inner = Inner::seal_with(council.key(), &label, &record, &ephemeral, |_, _| k)?.verify(&label)?;
        Ok(Self { council, nonce: *nonce, case_id, inner })
    }

    fn context(&self) -> OpeningContext<'_> {
        let zeros = [0; 32];
        OpeningContext {
            council: self.council,
            case_id: self.case_id,
            envelope_hash: zeros,
            inner: &self.inner,
            request_hash: self.nonce,
            checkpoint_hash: zeros,
            recipients: zeros,
        }
    }

    /// The envelope, 1,200 bytes, public.
    #[must_use]
    pub const fn inner(&self) -> &VerifiedInner {
        &self.inner
    }

    /// This official's partial, 195 bytes, public. Errors: `index`, `share` when the share is not this council's.
    pub fn partial(&self, share: &Share, rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
        Ok(make(&self.context(), share, rng)?.expose().to_vec())
    }

    /// Whether this official made that partial with a share that works. Errors: those of [`verify`]; `context`, at the
    /// official, for a partial by another one.
    pub fn check(&self, index: u16, partial: &[u8]) -> Result<()> {
        let named = |e: Error| Error::at(e.code(), index);
        let made_by = verify(&self.context(), partial).map_err(named)?.index();
        need(made_by == index, Code::Context).map_err(named)
    }

    /// Opens the envelope with these partials, as an opening would. Errors: those of [`combine`] and [`open`].
    pub fn open<P: AsRef<[u8]>>(&self, partials: &[P]) -> Result<()> {
        let dh = combine(&self.context(), partials)?;
        open(self.council.key(), &self.inner, &dh).map(drop)
    }
}
