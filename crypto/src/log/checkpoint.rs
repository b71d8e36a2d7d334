//! Checkpoints: a log's signed statement of its size and root. Source: c2sp.org/tlog-checkpoint.
//!
//! ```text
//! <origin>
//! <size, decimal without leading zeros>
//! <base64(root hash 32)>
//! ```
//! Extension lines are refused: nobody can audit them, our logs have none, and with one a tree would have two hashes. Only
//! a witness, which cosigns for any log, takes them ([`UnverifiedCheckpoint`]); they stand last, none of them empty.
//! The **checkpoint hash** is SHA-256 of this text, without signatures, since those of witnesses come and go.

use super::note::{Note, NoteSignature, NoteSigner, SignatureType, VerifierKey};
use super::tree::{EMPTY_ROOT, MAX_SIZE, TreeHead};
use crate::codec::{B32, b32, b64, sha256, unb64};
use crate::error::{Code, Result, need};

/// What a checkpoint says; nobody's signature is implied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's unique name.
    pub origin: String,
    /// Size and root.
    pub head: TreeHead,
}

impl Checkpoint {
    /// The note's text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, b64(&self.head.root))
    }

    /// Reads a note's text. Error: `checkpoint`.
    pub fn parse(text: &str) -> Result<Self> {
        let (checkpoint, extended) = Self::read(text).ok_or(Code::Checkpoint)?;
        let empty_fits = checkpoint.head.size != 0 || checkpoint.head.root == EMPTY_ROOT;
        need(!extended && empty_fits, Code::Checkpoint)?;
        Ok(checkpoint)
    }

    /// The three lines, and whether there are more.
    fn read(text: &str) -> Option<(Self, bool)> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let head = TreeHead { size: decimal(size).ok()?, root: b32(&unb64(root).ok()?).ok()? };
        let extensions: Vec<_> = lines.collect();
        let formed = !origin.is_empty() && extensions.iter().all(|line| !line.is_empty());
        formed.then(|| (Self { origin: origin.to_owned(), head }, !extensions.is_empty()))
    }
}

/// A number of entries in the one form: decimal, no sign, no leading zero, below 2^63. Error: `checkpoint`.
pub(crate) fn decimal(text: &str) -> Result<u64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    need(canonical, Code::Checkpoint)?;
    text.parse().ok().filter(|n| *n <= MAX_SIZE).ok_or(Code::Checkpoint.into())
}

/// SHA-256 of a checkpoint note's text. Errors: those of [`Note::parse`].
pub fn checkpoint_hash(note: &[u8]) -> Result<B32> {
    Ok(sha256(Note::parse(note)?.text().as_bytes()))
}

/// A log as its readers know it: origin and key, both from the trust root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerifier {
    origin: String,
    key: VerifierKey,
}

impl LogVerifier {
    /// From the trust root's two texts. Errors: those of [`VerifierKey::parse`], `note` (a witness's key), `checkpoint`
    /// (an origin that cannot stand in a checkpoint).
    pub fn new(origin: &str, vkey: &str) -> Result<Self> {
        let key = VerifierKey::parse(vkey)?;
        need(key.kind() == SignatureType::Ed25519, Code::Note)?;
        need(!origin.is_empty() && !origin.chars().any(char::is_control), Code::Checkpoint)?;
        Ok(Self { origin: origin.to_owned(), key })
    }

    /// The checkpoint's first line.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The log's key.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }
}

/// A checkpoint whose signature by its log verified. Cosignatures may stand beside it, not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Makes one: the log's own business. Error: `note` (an origin with control characters).
    pub fn sign(checkpoint: Checkpoint, signer: &NoteSigner) -> Result<Self> {
        let note = Note::signed(&checkpoint.text(), signer)?;
        Ok(Self { note, checkpoint })
    }

    /// Reads one of this log. Errors: those of [`Note::parse`] and [`Note::verify`], `checkpoint` (also: of another log).
    pub fn open(bytes: &[u8], log: &LogVerifier) -> Result<Self> {
        let note = Note::parse(bytes)?;
        note.verify(&log.key)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        need(checkpoint.origin == log.origin, Code::Checkpoint)?;
        Ok(Self { note, checkpoint })
    }

    /// Size and root.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// What it says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note around it.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The checkpoint hash.
    #[must_use]
    pub fn hash(&self) -> B32 {
        sha256(self.note.text().as_bytes())
    }

    /// Adds a witness's line; its earlier one is replaced.
    pub fn add(&mut self, signature: NoteSignature) {
        self.note.add(signature);
    }

    /// The note's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_string().into_bytes()
    }
}

/// A checkpoint of any log, as a witness is sent it: its form is right, and nobody's signature has been looked at.
/// Extension lines may stand in it; a head of size 0 may have any root, which only the witness's check refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl UnverifiedCheckpoint {
    /// Reads one. Errors: those of [`Note::parse`], `checkpoint`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let note = Note::parse(bytes)?;
        let (checkpoint, _) = Checkpoint::read(note.text()).ok_or(Code::Checkpoint)?;
        Ok(Self { note, checkpoint })
    }

    /// The log that it says it is of.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }

    /// Checks it against the keys of that log: one at least must have signed, and none that stands there may fail. Lines
    /// of other keys are left out of what comes back. Errors: `unknown-key`, those of [`Note::verify`].
    pub fn verify(mut self, keys: &[VerifierKey]) -> Result<SignedCheckpoint> {
        self.note.keep_only(keys);
        need(!self.note.signatures().is_empty(), Code::UnknownKey)?;
        for key in keys {
            if self.note.signature_by(key)?.is_some() {
                self.note.verify(key)?;
            }
        }
        Ok(SignedCheckpoint { note: self.note, checkpoint: self.checkpoint })
    }
}
