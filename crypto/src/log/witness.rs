//! What a witness checks before it cosigns, and the messages by which a log asks one. Source: c2sp.org/tlog-witness.
//!
//! ```text
//! add-checkpoint request:  old <size>\n  ‖  base64(proof hash)\n, up to 63  ‖  \n  ‖  checkpoint
//! answer, 200:             cosignature lines, each ending with a newline
//! answer, 409:             <size of the last checkpoint cosigned>\n
//! ```
//! A witness without an inbound port does the same by polling: it fetches checkpoint and tiles, makes the proof itself,
//! and posts the line.

use super::checkpoint::{SignedCheckpoint, decimal};
use super::note::{MAX_NOTE, MAX_SIGNATURES, NoteSignature};
use super::tree::{TreeHead, verify_consistency};
use crate::codec::{B32, b32, b64, unb64};
use crate::error::{Code, Result, need};

/// The most proof lines, as the source has it.
pub const MAX_PROOF_LINES: usize = 63;

/// What a witness remembers of a log: the last head that it cosigned. Store the new one durably before the cosignature
/// leaves, in the transaction that compares the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(TreeHead);

impl Default for State {
    fn default() -> Self {
        Self(TreeHead::EMPTY)
    }
}

impl State {
    /// The state as it was stored.
    #[must_use]
    pub const fn of(head: TreeHead) -> Self {
        Self(head)
    }

    /// The last head cosigned.
    #[must_use]
    pub const fn head(self) -> TreeHead {
        self.0
    }

    /// The state after a checkpoint, which may be cosigned only if this is no error. Errors: `shrunk`, `consistency`.
    pub fn advance(self, checkpoint: &SignedCheckpoint, proof: &[B32]) -> Result<Self> {
        verify_consistency(self.0, checkpoint.head(), proof)?;
        Ok(Self(checkpoint.head()))
    }
}

/// An add-checkpoint request, its checkpoint not yet opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the tree that the proof starts from: the witness's last one, or the request is for nothing.
    pub old_size: u64,
    /// Consistency proof.
    pub proof: Vec<B32>,
    /// The checkpoint note's bytes.
    pub checkpoint: Vec<u8>,
}

impl AddCheckpoint {
    /// Reads a request's body. Errors: `too-long`, `checkpoint` (the old size), `note`, `consistency` (a malformed proof).
    pub fn parse(body: &[u8]) -> Result<Self> {
        need(body.len() <= 2 * MAX_NOTE, Code::TooLong)?;
        let text = core::str::from_utf8(body).map_err(|_| Code::Note)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(Code::Note)?;
        let mut lines = head.split('\n');
        let old_size = decimal(lines.next().and_then(|l| l.strip_prefix("old ")).ok_or(Code::Note)?)?;
        let proof = lines.map(|l| b32(&unb64(l)?)).collect::<Result<Vec<_>>>().map_err(|_| Code::Consistency)?;
        need(proof.len() <= MAX_PROOF_LINES, Code::TooLong)?;
        Ok(Self { old_size, proof, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// The request's body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let proof: String = self.proof.iter().map(|hash| format!("{}\n", b64(hash))).collect();
        [format!("old {}\n{proof}\n", self.old_size).as_bytes(), &self.checkpoint].concat()
    }
}

/// Reads the cosignature lines of an answer, or of a witness that polls. Errors: `note`, `too-long`.
pub fn parse_cosignatures(body: &[u8]) -> Result<Vec<NoteSignature>> {
    need(body.len() <= MAX_NOTE, Code::TooLong)?;
    let text = core::str::from_utf8(body).map_err(|_| Code::Note)?;
    let lines = text.strip_suffix('\n').ok_or(Code::Note)?;
    need(lines.split('\n').count() <= MAX_SIGNATURES, Code::TooLong)?;
    lines.split('\n').map(NoteSignature::parse).collect()
}

/// The lines of an answer.
#[must_use]
pub fn format_cosignatures(lines: &[NoteSignature]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

/// Reads the size in a 409's body. Errors: `note`, `checkpoint`.
pub fn parse_size(body: &[u8]) -> Result<u64> {
    let text = core::str::from_utf8(body).map_err(|_| Code::Note)?;
    decimal(text.strip_suffix('\n').ok_or(Code::Note)?)
}

/// The body of a 409.
#[must_use]
pub fn format_size(size: u64) -> Vec<u8> {
    format!("{size}\n").into_bytes()
}
