//! What a proof of one entry shows, and what it does not.

use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::trust::Signer;

use crate::client::proof_file::entry::{Checked, Who};
use crate::words::Language;

/// Who signed.
#[must_use]
pub fn who(l: Language, who: &Who) -> String {
    match who {
        Who::Pinned(Signer::Role(role)) => role.as_str().to_owned(),
        Who::Pinned(Signer::Auditor(place)) => format!("auditor {}", place + 1),
        Who::Official(number, council) => {
            let of = l.pick("dewan", "council");
            format!("{}, {of} {council}", l.officials(&[*number]))
        }
        Who::Unknown(id) => format!("{} {}", l.pick("kunci tak dikenal", "unknown key"), Hex(*id)),
    }
}

/// The result, line by line.
#[must_use]
pub fn lines(l: Language, c: &Checked) -> Vec<String> {
    let (log, number, verb) = (c.log.as_str(), c.entry.index, c.verb.as_str());
    let (seen, until) = (Hour::of(c.entry.witnessed_time), Hour::of(c.proved.witnessed));
    let signers: Vec<String> = c.signers.iter().map(|w| who(l, w)).collect();
    let signers = signers.join("; ");
    let mut lines = vec![
        l.pick(
            format!("Catatan {number} dari log {log} adalah {verb}, hash {}.", Hex(c.entry.hash)),
            format!("Entry {number} of the {log} log is {verb}, hash {}.", Hex(c.entry.hash)),
        ),
        l.pick(
            format!("Terbukti: ada di log, dan saksi melihatnya paling lambat {seen}."),
            format!("Proven: it stands in the log, and witnesses had seen it by {seen}."),
        ),
    ];
    match c.refused {
        None => {
            lines.push(l.pick(
                format!("Terbukti: ditandatangani oleh yang wajib menandatanganinya: {signers}."),
                format!("Proven: it is signed by those who must: {signers}."),
            ));
            let (id, en) = (
                "Itu dinilai menurut akar kepercayaan Anda, dan dewan serta kunci yang dibawa file ini.",
                "That is judged by your trust root, and by the councils and keys that this file carries.",
            );
            lines.push(l.pick(id, en).to_owned());
        }
        Some(code) => {
            let (why, code) = (code.describe(), code.as_str());
            lines.push(l.pick(
                format!("TIDAK diterima menurut aturan, dengan yang dibawa file ini: {code}. Nama kunci di tanda tangannya: {signers}."),
                format!("NOT taken by the rules, with what this file carries: {code} ({why}). Keys named beside it: {signers}."),
            ));
        }
    }
    lines.push(l.pick(
        format!("Tidak terbukti: bahwa tidak ada catatan lain, misalnya pencabutan atau kunci kedua. Itu hanya ditunjukkan log lengkap, yang saat itu berisi {} catatan sampai {until}.", c.proved.size),
        format!("Not shown: that there is no other entry, such as one that retires it or a second key. Only the whole log shows that; it had {} entries until {until}.", c.proved.size),
    ));
    lines
}

/// After an entry that the rules do not take.
#[must_use]
pub const fn not_taken(l: Language) -> &'static str {
    match l {
        Language::Id => {
            "catatan ini ada di log, tetapi aturan tidak menerimanya; log lengkap yang menentukan (tabir audit verify)"
        }
        Language::En => {
            "the entry stands in the log and the rules do not take it; the whole log decides (tabir audit verify)"
        }
    }
}
