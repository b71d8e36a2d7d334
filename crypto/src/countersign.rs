//! The optional countersignature of a complaint system: its word that it has a report, beside the forwarder's.
//!
//! ```text
//! text = "tabir/v1/countersigned" LF origin LF reference LF        a C2SP signed note by the complaint system's own key
//! ```
//! `origin` is that of the trust root, `reference` the case's name among people, which the complaint system was given with
//! the report. It signs nothing else: from neither a, nf nor window could it, or anybody who sees the note, learn more than
//! each knew before. The note goes to the reporter alone, inside a sealed message. An acceptance names the case id, from which
//! anybody works out the reference. It says that a report of this case arrived, not what was in it.

use crate::error::{Code, Result, need};
use crate::log::note::{Note, NoteSigner, VerifierKey};

const TAG: &str = "tabir/v1/countersigned";

fn text(origin: &str, reference: &str) -> String {
    format!("{TAG}\n{origin}\n{reference}\n")
}

/// Signs that the report of this case is there. Error: `note`.
pub fn sign(signer: &NoteSigner, origin: &str, reference: &str) -> Result<String> {
    Ok(Note::signed(&text(origin, reference), signer)?.to_string())
}

/// Reads a countersignature of this case, as it comes in a message: its last line break may be lost. Whoever signed it is
/// not looked at. Errors: those of [`Note::parse`], `context` for another case, installation, or text.
pub fn parse(note: &str, origin: &str, reference: &str) -> Result<Note> {
    let note = Note::parse(format!("{}\n", note.trim_end_matches('\n')).as_bytes())?;
    need(note.text() == text(origin, reference), Code::Context)?;
    Ok(note)
}

/// Whether this key countersigned this case. Errors: those of [`parse`] and [`Note::verify`].
pub fn check(note: &str, origin: &str, reference: &str, key: &VerifierKey) -> Result<()> {
    parse(note, origin, reference)?.verify(key)
}
