//! The outer envelope: X-Wing HPKE to the warden, around the inner envelope and the case key's signature over it.
//!
//! ```text
//! header 66  version u8 = 1 | suite u8 = 1 | warden_key_id 32 | lineage 32
//! outer      header 66 | enc 1,120 | ct 1,312                                      2,498, always
//! plaintext  inner 1,200 | case_vk 32 | signature 64
//! hand-out   salt 32 | inner 1,200 | case_vk 32 | signature 64                     1,328, sealed to an approver
//! ```
//! info `tabir/v1/outer`, aad = header ‖ label. The signature is a bare Ed25519 one by the case key over
//! T("tabir/v1/inner-sig"; label, inner_hash): HPKE does not say who sealed, and whoever else can seal, operator or
//! warden, could put an innocent name into a victim's case. `envelope_hash` = SHA-256 of the 2,498 bytes.

use rand_core::CryptoRng;

use super::inner::{INNER_LEN, Inner, RECORD_LEN, VerifiedInner};
use super::label::{CaseBinding, Label, VERSION};
use crate::codec::{B32, Transcript, sha256, take};
use crate::ed25519::{Signature, SigningKey, VerifyingKey};
use crate::error::{Code, Result, need};
use crate::hpke::xwing::{KemPublicKey, KemSecretKey, OVERHEAD, open_with, seal_with};
use crate::hpke::{Use, uses};
use crate::receipt::case_id;
use crate::secret::{Secret, SecretBytes, SecretVec};
use crate::statement::body::UnsealReleased;
use crate::threshold::CouncilKey;

/// Length of an outer envelope.
pub const OUTER_LEN: usize = HEADER_LEN + OVERHEAD + SIGNED_LEN;
/// X-Wing with ChaCha20Poly1305 outside, X25519 with the same inside: the only suite.
const SUITE: u8 = 1;
const HEADER_LEN: usize = 66;
const SIGNED_LEN: usize = INNER_LEN + 32 + 64;
const SALT_LEN: usize = 32;
const INFO: &str = "tabir/v1/outer";

/// What an identity is sealed to, by whom, and for which report.
#[derive(Debug)]
pub struct SealParams<'a> {
    /// The council in use.
    pub council: &'a CouncilKey,
    /// The warden's key in use.
    pub warden_key: &'a KemPublicKey,
    /// The reporter's key of this case.
    pub case_key: &'a SigningKey,
    /// SHA-256 of the access key.
    pub access_hash: B32,
    /// SHA-256 of the sealed content.
    pub content_hash: B32,
    /// SHA-256 of the notice key.
    pub notice_hash: B32,
}

/// A sealed identity, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEnvelope {
    /// The outer envelope, [`OUTER_LEN`] bytes.
    pub bytes: Vec<u8>,
    /// `envelope_hash`.
    pub hash: B32,
}

/// Seals a padded identity record. A report without an identity carries the record of "none", sealed like any other.
pub fn seal(p: &SealParams<'_>, record: &SecretBytes<RECORD_LEN>, rng: &mut impl CryptoRng) -> Result<SealedEnvelope> {
    let binding = CaseBinding {
        lineage: *p.council.lineage(),
        case_id: case_id(&p.access_hash, &p.case_key.verifying_key()),
        access_hash: p.access_hash,
        content_hash: p.content_hash,
        notice_hash: p.notice_hash,
    };
    let label = binding.label(&p.warden_key.key_id());
    wrap(p, &label, Inner::seal(p.council, &label, record, rng)?, rng)
}

pub(super) fn wrap(
    p: &SealParams<'_>,
    label: &Label,
    inner: Inner,
    rng: &mut impl CryptoRng,
) -> Result<SealedEnvelope> {
    let mut bytes = vec![VERSION, SUITE];
    bytes.extend_from_slice(&p.warden_key.key_id());
    bytes.extend_from_slice(p.council.lineage());
    let aad = [bytes.as_slice(), label.as_bytes()].concat();
    let plaintext = Secret::new(SignedInner::sign(inner, label, p.case_key).to_bytes());
    bytes.extend(seal_with(p.warden_key, INFO, &aad, plaintext.expose(), rng)?);
    Ok(SealedEnvelope { hash: sha256(&bytes), bytes })
}

/// An inner envelope with what shows that it is the reporter's own. Nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SignedInner {
    inner: Inner,
    case_vk: B32,
    signature: Signature,
}

impl SignedInner {
    fn message(inner: &Inner, label: &Label) -> B32 {
        let fields: [(&str, &[u8]); 2] = [("label", label.as_bytes()), ("inner_hash", &inner.hash())];
        Transcript::new("tabir/v1/inner-sig").puts(&fields).hash()
    }

    fn sign(inner: Inner, label: &Label, key: &SigningKey) -> Self {
        let signature = key.sign(&Self::message(&inner, label));
        Self { inner, case_vk: *key.verifying_key().as_bytes(), signature }
    }

    fn parse(mut bytes: &[u8]) -> Result<Self> {
        need(bytes.len() == SIGNED_LEN, Code::Size)?;
        let inner: [u8; INNER_LEN] = take(&mut bytes)?;
        Ok(Self { inner: Inner::parse(&inner)?, case_vk: take(&mut bytes)?, signature: take(&mut bytes)? })
    }

    fn to_bytes(&self) -> Vec<u8> {
        [self.inner.to_bytes().as_slice(), &self.case_vk, &self.signature].concat()
    }

    fn check(&self, label: &Label, case: &CaseBinding) -> Result<VerifiedInner> {
        let key = VerifyingKey::from_bytes(&self.case_vk).map_err(|_| Code::CaseKey)?;
        need(case_id(&case.access_hash, &key) == case.case_id, Code::CaseKey)?;
        key.verify(&Self::message(&self.inner, label), &self.signature).map_err(|_| Code::CaseSig)?;
        self.inner.clone().verify(label)
    }
}

/// An outer envelope of the right form: what anybody can see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outer {
    warden_key_id: B32,
    lineage: B32,
    bytes: Vec<u8>,
}

impl Outer {
    /// Reads 2,498 bytes. Errors: `size`, `version`, `suite`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        need(bytes.len() == OUTER_LEN, Code::Size)?;
        let mut rest = bytes;
        let [version, suite] = take(&mut rest)?;
        need(version == VERSION, Code::Version)?;
        need(suite == SUITE, Code::Suite)?;
        Ok(Self { warden_key_id: take(&mut rest)?, lineage: take(&mut rest)?, bytes: bytes.to_vec() })
    }

    /// Id of the warden key that it says it is sealed to.
    #[must_use]
    pub const fn warden_key_id(&self) -> &B32 {
        &self.warden_key_id
    }

    /// Lineage of the council that it says it is sealed to.
    #[must_use]
    pub const fn lineage(&self) -> &B32 {
        &self.lineage
    }

    /// `envelope_hash`.
    #[must_use]
    pub fn hash(&self) -> B32 {
        sha256(&self.bytes)
    }

    /// Opens the outer layer and checks case key, case signature and sender proof: the warden's step.
    /// Errors: `warden-key`, `kem`, `aead` (of another label too), `case-key`, `case-sig`, those of [`Inner::verify`].
    pub fn open(&self, key: &KemSecretKey, case: &CaseBinding) -> Result<Released> {
        need(key.public_key().key_id() == self.warden_key_id, Code::WardenKey)?;
        let label = case.label(&self.warden_key_id);
        let (header, sealed) = self.bytes.split_at_checked(HEADER_LEN).ok_or(Code::Size)?;
        let plaintext = open_with(key, INFO, &[header, label.as_bytes()].concat(), sealed)?;
        let signed = SignedInner::parse(plaintext.expose())?;
        let inner = signed.check(&label, case)?;
        Ok(Released { signed, inner })
    }
}

/// An opened outer envelope, every check of which held.
#[derive(Clone, Debug)]
pub struct Released {
    signed: SignedInner,
    inner: VerifiedInner,
}

impl Released {
    /// The inner envelope.
    #[must_use]
    pub const fn inner(&self) -> &VerifiedInner {
        &self.inner
    }

    /// What goes to each approver. The salt is the warden's, 32 random bytes, one for the whole release.
    #[must_use]
    pub fn handout(&self, salt: B32) -> Handout {
        Handout { salt, signed: self.signed.clone() }
    }
}

/// What the warden hands to an approver, who believes none of it before [`Handout::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handout {
    salt: B32,
    signed: SignedInner,
}

impl Handout {
    /// Reads 1,328 bytes. Error: `size`.
    pub fn parse(mut bytes: &[u8]) -> Result<Self> {
        need(bytes.len() == SALT_LEN + SIGNED_LEN, Code::Size)?;
        Ok(Self { salt: take(&mut bytes)?, signed: SignedInner::parse(bytes)? })
    }

    /// Opens what the warden sealed to this approver, and compares it with the logged release.
    /// Errors: `index` for who is not named there; `context` for other bytes than the entry has the hash of, or another
    /// inner envelope than it commits to; those of [`uses::open`]; `size`.
    pub fn open(release: &UnsealReleased, index: u16, key: &KemSecretKey, sealed: &[u8]) -> Result<Self> {
        let named = release.handouts.iter().find(|h| h.index == index).ok_or(Code::Index)?;
        need(sha256(sealed) == named.hash.0, Code::Context)?;
        let place = Use::Handout { request_hash: release.request_hash.0, index };
        let handout = Self::parse(uses::open(key, &place, sealed)?.expose())?;
        need(handout.inner_commit() == release.inner_commit.0, Code::Context)?;
        Ok(handout)
    }

    /// The 1,328 bytes, to be sealed.
    #[must_use]
    pub fn to_bytes(&self) -> SecretVec {
        Secret::new([self.salt.as_slice(), &self.signed.to_bytes()].concat())
    }

    /// `inner_commit` of `unseal.released`: SHA-256(salt ‖ inner_hash). An approver compares it with the entry.
    #[must_use]
    pub fn inner_commit(&self) -> B32 {
        sha256(&[self.salt, self.signed.inner.hash()].concat())
    }

    /// Checks everything that the warden checked. Errors: `case-key`, `case-sig`, those of [`Inner::verify`].
    pub fn check(&self, warden_key_id: &B32, case: &CaseBinding) -> Result<VerifiedInner> {
        self.signed.check(&case.label(warden_key_id), case)
    }
}
