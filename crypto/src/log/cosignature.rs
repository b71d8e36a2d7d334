//! Cosignatures: a witness saw this checkpoint at this time, and it extends all that it saw before.
//! Source: c2sp.org/tlog-cosignature, `cosignature/v1` (Ed25519).
//!
//! ```text
//! signature = timestamp u64 ‖ Ed25519 signature 64        (behind the note's key id)
//! signed    = "cosignature/v1\ntime <timestamp>\n" ‖ the checkpoint's text
//! ```
//! With k of N witnesses asked for, a checkpoint's *witnessed time* is its k-th smallest timestamp: the first moment by
//! which k of them had seen it, whatever the others claim.

use super::checkpoint::{LogVerifier, SignedCheckpoint};
use super::note::{Note, NoteSignature, SignatureType, VerifierKey};
use crate::codec::fixed;
use crate::ed25519::SigningKey;
use crate::error::{Code, Error, Result, need};
use crate::secret::SecretBytes;

/// The largest timestamp: what a signed 64-bit integer holds.
const MAX_TIME: u64 = i64::MAX as u64;

fn message(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// A witness's private key. It must never sign anything else: the message does not name the witness.
#[derive(Clone, Debug)]
pub struct Cosigner {
    public: VerifierKey,
    key: SigningKey,
}

impl Cosigner {
    /// From an Ed25519 seed. Error: `note` (the name).
    pub fn from_seed(name: &str, seed: &SecretBytes<32>) -> Result<Self> {
        let key = SigningKey::from_seed(seed);
        Ok(Self { public: VerifierKey::new(name, SignatureType::Cosignature, key.verifying_key())?, key })
    }

    /// The public half.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs; the caller has checked consistency and stored its new state durably ([`super::witness::State`]).
    #[must_use]
    pub fn cosign(&self, checkpoint: &SignedCheckpoint, time: u64) -> NoteSignature {
        let time = time.min(MAX_TIME);
        let signature = self.key.sign(&message(checkpoint.note().text(), time));
        NoteSignature::by(&self.public, [&time.to_be_bytes()[..], &signature].concat())
    }
}

/// Checks one line and returns its time. Errors: `unknown-key` (not a line of this witness), `size`, `note`, those of
/// [`crate::ed25519::VerifyingKey::verify`].
pub fn verify_cosignature(checkpoint: &SignedCheckpoint, line: &NoteSignature, witness: &VerifierKey) -> Result<u64> {
    verify_line(checkpoint.note(), line, witness)
}

fn verify_line(note: &Note, line: &NoteSignature, witness: &VerifierKey) -> Result<u64> {
    need(line.is_by(witness), Code::UnknownKey)?;
    let (time, signature) = line.bytes().split_at_checked(8).ok_or(Code::Size)?;
    let time = u64::from_be_bytes(fixed(time)?);
    need(time <= MAX_TIME, Code::Note)?;
    witness.key().verify(&message(note.text(), time), signature)?;
    Ok(time)
}

/// The witnesses of the trust root, and how many of them a checkpoint needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnesses {
    keys: Vec<VerifierKey>,
    quorum: usize,
}

impl Witnesses {
    /// Checks the set. Errors: those of [`VerifierKey::parse`], `note` (not a witness's key), `duplicate` (one public
    /// key twice would count twice), `quorum` (0, or more than there are).
    pub fn new<'a>(vkeys: impl IntoIterator<Item = &'a str>, quorum: u64) -> Result<Self> {
        let keys = vkeys.into_iter().map(VerifierKey::parse).collect::<Result<Vec<_>>>()?;
        need(keys.iter().all(|k| k.kind() == SignatureType::Cosignature), Code::Note)?;
        let mut seen: Vec<_> = keys.iter().map(|k| *k.key().as_bytes()).collect();
        seen.sort_unstable();
        seen.dedup();
        need(seen.len() == keys.len(), Code::Duplicate)?;
        let quorum = usize::try_from(quorum).map_err(|_| Code::Quorum)?;
        need((1..=keys.len()).contains(&quorum), Code::Quorum)?;
        Ok(Self { keys, quorum })
    }

    /// The witness that a line names, if it is one of these.
    #[must_use]
    pub fn of(&self, line: &NoteSignature) -> Option<&VerifierKey> {
        self.keys.iter().find(|k| line.is_by(k))
    }

    /// All of them.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// The k-th smallest time of the cosignatures beside a checkpoint, if there are k. Errors: `duplicate`, those of
    /// [`verify_cosignature`]; too few is no error here.
    pub fn witnessed_time(&self, checkpoint: &SignedCheckpoint) -> Result<Option<u64>> {
        let note = checkpoint.note();
        let mut times = Vec::new();
        for key in &self.keys {
            if let Some(line) = note.signature_by(key)? {
                times.push(verify_line(note, line, key)?);
            }
        }
        times.sort_unstable();
        Ok(times.get(self.quorum - 1).copied())
    }
}

/// A checkpoint that its log signed and a quorum of witnesses cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignedCheckpoint {
    signed: SignedCheckpoint,
    witnessed_time: u64,
}

impl CosignedCheckpoint {
    /// Reads one. Errors: those of [`SignedCheckpoint::open`] and [`verify_cosignature`], `duplicate`, `quorum`.
    pub fn open(bytes: &[u8], log: &LogVerifier, witnesses: &Witnesses) -> Result<Self> {
        Self::check(SignedCheckpoint::open(bytes, log)?, witnesses)
    }

    /// As [`CosignedCheckpoint::open`], for one that is read already.
    pub fn check(signed: SignedCheckpoint, witnesses: &Witnesses) -> Result<Self> {
        let witnessed_time = witnesses.witnessed_time(&signed)?.ok_or(Error::new(Code::Quorum))?;
        Ok(Self { signed, witnessed_time })
    }

    /// The checkpoint as its log signed it.
    #[must_use]
    pub const fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }

    /// Size and root.
    #[must_use]
    pub const fn head(&self) -> super::tree::TreeHead {
        self.signed.head()
    }

    /// Unix seconds; see the module's head.
    #[must_use]
    pub const fn witnessed_time(&self) -> u64 {
        self.witnessed_time
    }
}
