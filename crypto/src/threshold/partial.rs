//! A partial decryption: D = s_i·E, with a proof that it is right and for what it was made.
//!
//! ```text
//! 0x01 | council_id 32 | request_hash 32 | checkpoint_hash 32 | index u16 | D 32 | c 32 | z 32        195 in all
//! ```
//! Chaum-Pedersen: A1 = kB, A2 = kE, z = k + c·s_i, checked with A1 = zB - cY_i, A2 = zE - cD;
//! c = T("tabir/v1/dleq"; council, case, label, envelope, inner, request, checkpoint, recipients, i u16, enc, Yi, E, D, A1, A2).
//! Help that was given for one request is thus good for no other. Source: `docs/protocol.md`, "Identity envelope".

use std::collections::BTreeMap;

use curve25519_dalek::traits::MultiscalarMul as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::CryptoRng;

use super::council::{Council, Share};
use crate::codec::{B32, Transcript, sha256, take};
use crate::envelope::VerifiedInner;
use crate::error::{Code, Error, Result, need};
use crate::hpke::KemPublicKey;
use crate::point::{Point, hedged_nonce, scalar};
use crate::secret::{Secret, SecretBytes};

/// Length of a partial.
pub const PARTIAL_LEN: usize = 195;
const VERSION: u8 = 1;

/// What the officials approved: all of it stands in each proof.
#[derive(Clone, Copy, Debug)]
pub struct OpeningContext<'a> {
    /// The council whose members help.
    pub council: &'a Council,
    /// The case.
    pub case_id: B32,
    /// Hash of the outer envelope.
    pub envelope_hash: B32,
    /// The inner envelope; its label and hash go in too.
    pub inner: &'a VerifiedInner,
    /// Entry hash of `unseal.requested`.
    pub request_hash: B32,
    /// Hash of the kept checkpoint that `unseal.released` names.
    pub checkpoint_hash: B32,
    /// [`recipients_hash`] of the approvers' fresh keys.
    pub recipients: B32,
}

/// SHA-256 of the released approvers' fresh X-Wing keys, joined in the order of their indices.
#[must_use]
pub fn recipients_hash(keys: &BTreeMap<u16, KemPublicKey>) -> B32 {
    sha256(&keys.values().map(KemPublicKey::as_bytes).collect::<Vec<_>>().concat())
}

impl OpeningContext<'_> {
    fn statement(&self, index: u16, yi: &Point, d: &EdwardsPoint) -> Transcript {
        let fields: [(&str, &[u8]); 10] = [
            ("council", self.council.council_id()),
            ("case", &self.case_id),
            ("label", self.inner.label().as_bytes()),
            ("envelope", &self.envelope_hash),
            ("inner", self.inner.hash()),
            ("request", &self.request_hash),
            ("checkpoint", &self.checkpoint_hash),
            ("recipients", &self.recipients),
            ("i", &index.to_be_bytes()),
            ("enc", self.inner.enc()),
        ];
        let head = Transcript::new("tabir/v1/dleq").puts(&fields);
        head.point("Yi", yi.inner()).point("E", self.inner.e().inner()).point("D", d)
    }
}

/// Helps with one opening. The context takes an envelope only after its sender proof was checked:
///
/// ```
/// # use tabir_crypto::{envelope::VerifiedInner, threshold::{Council, OpeningContext}};
/// # fn f<'a>(council: &'a Council, inner: &'a VerifiedInner) {
/// let [case_id, envelope_hash, request_hash, checkpoint_hash, recipients] = [[0; 32]; 5];
/// OpeningContext { council, inner, case_id, envelope_hash, request_hash, checkpoint_hash, recipients };
/// # }
/// ```
/// ```compile_fail,E0308
/// # use tabir_crypto::{envelope::Inner, threshold::{Council, OpeningContext}};
/// # fn f<'a>(council: &'a Council, inner: &'a Inner) {
/// let [case_id, envelope_hash, request_hash, checkpoint_hash, recipients] = [[0; 32]; 5];
/// OpeningContext { council, inner, case_id, envelope_hash, request_hash, checkpoint_hash, recipients };
/// # }
/// ```
///
/// The 195 bytes are secret until they are sealed: t of them open the identity. Errors: `index`, `share`.
pub fn make(context: &OpeningContext<'_>, share: &Share, rng: &mut impl CryptoRng) -> Result<SecretBytes<PARTIAL_LEN>> {
    make_with(context, share, |statement| hedged_nonce(statement, share.s(), rng))
}

pub(super) fn make_with(
    context: &OpeningContext<'_>,
    share: &Share,
    nonce: impl FnOnce(&Transcript) -> Scalar,
) -> Result<SecretBytes<PARTIAL_LEN>> {
    share.check(context.council)?;
    let member = context.council.member(share.index())?;
    let e = context.inner.e().inner();
    let d = Secret::new(e * share.s());
    let statement = context.statement(member.index, &member.yi, d.expose());
    let k = Secret::new(nonce(&statement));
    let a1 = EdwardsPoint::mul_base(k.expose());
    let c = statement.point("A1", &a1).point("A2", &(e * k.expose())).challenge();
    let z = k.expose() + c * share.s();
    let all = Secret::new(
        [
            [VERSION].as_slice(),
            context.council.council_id(),
            &context.request_hash,
            &context.checkpoint_hash,
            &member.index.to_be_bytes(),
            &d.expose().compress().0,
            c.as_bytes(),
            z.as_bytes(),
        ]
        .concat(),
    );
    Ok(SecretBytes::fill_with(|out| out.iter_mut().zip(all.expose()).for_each(|(to, from)| *to = *from)))
}

/// A partial whose proof holds, for one context.
#[derive(Debug)]
pub struct VerifiedPartial {
    index: u16,
    d: Secret<EdwardsPoint>,
}

impl VerifiedPartial {
    /// Who made it.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }

    pub(super) const fn d(&self) -> &EdwardsPoint {
        self.d.expose()
    }
}

/// Checks a partial. Errors: `size`, `version`, `index`; then, with its maker's index, `context`, those of [`Point`],
/// `scalar`, `dleq`.
pub fn verify(context: &OpeningContext<'_>, mut bytes: &[u8]) -> Result<VerifiedPartial> {
    need(bytes.len() == PARTIAL_LEN, Code::Size)?;
    let b = &mut bytes;
    let [version] = take(b)?;
    need(version == VERSION, Code::Version)?;
    let [council_id, request_hash, checkpoint_hash]: [B32; 3] = [take(b)?, take(b)?, take(b)?];
    let index = u16::from_be_bytes(take(b)?);
    let member = context.council.member(index)?;
    let same = council_id == *context.council.council_id()
        && request_hash == context.request_hash
        && checkpoint_hash == context.checkpoint_hash;
    let [d, c, z]: [B32; 3] = [take(b)?, take(b)?, take(b)?];
    need(same, Code::Context)
        .and_then(|()| check_proof(context, index, &member.yi, (&d, &c, &z)))
        .map(|d| VerifiedPartial { index, d: Secret::new(*d.inner()) })
        .map_err(|e| Error::at(e.code(), index))
}

fn check_proof(context: &OpeningContext<'_>, index: u16, yi: &Point, (d, c, z): (&B32, &B32, &B32)) -> Result<Point> {
    let (d, c, z) = (Point::decompress(d)?, scalar(c)?, scalar(z)?);
    // D is a secret: nothing here takes longer for one value than for another.
    let a1 = EdwardsPoint::mul_base(&z) - yi.inner() * c;
    let a2 = EdwardsPoint::multiscalar_mul([z, -c], [context.inner.e().inner(), d.inner()]);
    let statement = context.statement(index, yi, d.inner());
    need(statement.point("A1", &a1).point("A2", &a2).challenge() == c, Code::Dleq)?;
    Ok(d)
}
