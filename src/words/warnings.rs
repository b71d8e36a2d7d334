//! What is said about a text that may give its author away, before it is sent.

use super::Language;
use crate::client::warnings::{Finding, Kind};

/// Characters that are shown on each side of what was found.
const AROUND: usize = 24;

/// Each finding with its place, and the words around it. `part` is which text it stands in.
#[must_use]
pub fn warnings(l: Language, part: &str, text: &str, found: &[Finding]) -> String {
    found.iter().map(|finding| format!("  {}\n", line(l, part, text, finding))).collect()
}

fn line(l: Language, part: &str, text: &str, finding: &Finding) -> String {
    let (line, column) = finding.place(text);
    let kind = match finding.kind {
        Kind::Email => l.pick("alamat surel", "mail address"),
        Kind::Nik => l.pick("NIK", "identity number"),
        Kind::Phone => l.pick("nomor telepon", "phone number"),
        Kind::Plate => l.pick("nomor kendaraan", "vehicle plate"),
        Kind::Name => l.pick("nama orang", "name of a person"),
    };
    let piece = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let before: Vec<char> = piece(0..finding.at.start).chars().rev().take(AROUND).collect();
    let before: String = before.into_iter().rev().collect();
    let after: String = piece(finding.at.end..text.len()).chars().take(AROUND).collect();
    let shown = plain(&format!("…{before}[{}]{after}…", piece(finding.at.clone())));
    match l {
        Language::Id => format!("{part}, baris {line}, huruf {column}: {kind}: {shown}"),
        Language::En => format!("{part}, line {line}, character {column}: {kind}: {shown}"),
    }
}

/// One line, without what moves a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What stands before the list.
#[must_use]
pub fn warned(l: Language) -> &'static str {
    l.pick(
        "Ini dapat menunjukkan siapa Anda, atau siapa saksi Anda. Hanya perangkat ini yang memeriksanya:",
        "This may give you or a witness away. Only this device looked:",
    )
}

/// The question, and the answers that are a yes.
#[must_use]
pub fn send_as_is(l: Language) -> (&'static str, [&'static str; 2]) {
    match l {
        Language::Id => ("Ketik \"ya\" untuk mengirim seperti adanya: ", ["ya", "yes"]),
        Language::En => ("Type \"yes\" to send it as it is: ", ["yes", "ya"]),
    }
}
