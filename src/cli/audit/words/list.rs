//! Openings as an auditor lists them: numbers, verbs, times, who. Codes with the policy's words.

use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::PolicyCodes;
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::trust::unseal::Status;

use super::plain;
use crate::client::audit_openings::Asked;
use crate::client::opening::{Step, What};
use crate::words::Language;

/// The verb of a step, as it stands in the log.
#[must_use]
pub const fn verb(what: &What) -> &'static str {
    match what {
        What::Requested { .. } => Verb::UnsealRequested.as_str(),
        What::Approved { .. } => Verb::UnsealApproved.as_str(),
        What::Refused { .. } => Verb::UnsealRefused.as_str(),
        What::Withdrawn { .. } => Verb::UnsealWithdrawn.as_str(),
        What::Released { .. } => Verb::UnsealReleased.as_str(),
        What::Partial { .. } => Verb::UnsealPartial.as_str(),
        What::Opened { .. } => Verb::UnsealOpened.as_str(),
        What::Failed { .. } => Verb::UnsealFailed.as_str(),
        What::Declined { .. } => Verb::UnsealDeclined.as_str(),
        What::Notice => Verb::UnsealNotice.as_str(),
        What::Voided => "council.*",
    }
}

/// A state in one word of the language.
#[must_use]
pub const fn status(l: Language, status: Status) -> &'static str {
    let (id, en) = match status {
        Status::Requested => ("diminta", "requested"),
        Status::Approved => ("disetujui", "approved"),
        Status::Released => ("dilepas", "released"),
        Status::Opened => ("dibuka", "opened"),
        Status::Failed => ("gagal", "failed"),
        Status::Declined => ("ditolak lembaga luar", "declined"),
        Status::Withdrawn => ("ditarik", "withdrawn"),
        Status::Refused => ("ditolak pejabat", "refused"),
        Status::Expired => ("kedaluwarsa", "expired"),
        Status::Void => ("batal", "void"),
        Status::Lapsed => ("lewat waktu", "lapsed"),
    };
    match l {
        Language::Id => id,
        Language::En => en,
    }
}

/// Who, and with which codes.
fn who(l: Language, what: &What, codes: Option<&PolicyCodes>) -> String {
    let warden = || l.pick("lembaga luar", "the warden").to_owned();
    let with = |by: &[u16], words: &[String]| format!("{}: {}", l.officials(by), words.join(", "));
    match what {
        What::Requested { by, legal_basis, reason } => {
            let basis = l.code(codes.map(|c| &c.legal_basis), legal_basis);
            with(&[*by], &[basis, l.code(codes.map(|c| &c.reason), reason)])
        }
        What::Approved { by, reason } => with(&[*by], &[l.code(codes.map(|c| &c.reason), reason)]),
        What::Refused { by, reason } | What::Withdrawn { by, reason } => {
            with(&[*by], &[l.code(codes.map(|c| &c.refusal), reason)])
        }
        What::Released { to, by_auditor, early, above_cap } => {
            let mut words = vec![l.pick(format!("untuk {}", l.officials(to)), format!("for {}", l.officials(to)))];
            let mut say = |is: bool, id: &str, en: &str| words.extend(is.then(|| l.pick(id, en).to_owned()));
            say(*by_auditor, "bersama auditor", "an auditor beside it");
            // With an auditor's signature both are allowed.
            let (early, above) = (*early, above_cap.unwrap_or(false));
            say(early && *by_auditor, "sebelum masa tunggu selesai", "before the cooling-off was over");
            say(early && !by_auditor, "SEBELUM masa tunggu selesai", "BEFORE the cooling-off was over");
            say(above && *by_auditor, "di atas batas harian", "above the day's cap");
            say(above && !by_auditor, "DI ATAS batas harian", "ABOVE the day's cap");
            format!("{}: {}", warden(), words.join(", "))
        }
        What::Partial { by } => l.officials(&[*by]),
        What::Opened { by } => l.officials(by),
        What::Failed { code, by } => {
            let why = l.code(codes.map(|c| &c.failure), code);
            if by.is_empty() { format!("{}: {why}", warden()) } else { with(by, &[why]) }
        }
        What::Declined { code } => format!("{}: {code}", warden()),
        What::Notice => warden(),
        What::Voided => l.pick("dewan lain menggantikannya", "another council took its place").to_owned(),
    }
}

fn step(l: Language, s: &Step, codes: Option<&PolicyCodes>) -> String {
    format!("  {:>6}  {}  {:<16}  {}", s.entry, Hour::of(s.witnessed), verb(&s.what), plain(&who(l, &s.what, codes)))
}

/// One opening: where it stands, by whom it was asked of whom, then its entries.
#[must_use]
pub fn lines(l: Language, asked: &Asked, codes: Option<&PolicyCodes>) -> Vec<String> {
    let o = &asked.opening;
    let (state, (t, n), council) = (status(l, o.status), o.threshold, &o.fingerprint);
    let head = l.pick(
        format!("{}  {state}  {t} dari {n} pejabat dewan {council}", Hour::of(asked.at)),
        format!("{}  {state}  {t} of {n} officials of council {council}", Hour::of(asked.at)),
    );
    let mut lines = vec![head, format!("  {} {}", l.pick("permintaan", "request"), Hex(o.request_hash))];
    if let Some(d) = &o.deferral {
        let (until, why) = (Hour::of(d.until), plain(&l.code(codes.map(|c| &c.deferral), &d.code)));
        lines.push(l.pick(
            format!("  pemberitahuan ditunda sampai {until}: {why}"),
            format!("  its notice is put off until {until}: {why}"),
        ));
    }
    if o.readable && o.status != Status::Opened {
        let (id, en) = ("  bagian yang terkumpul cukup untuk membacanya", "  enough parts were given to read it");
        lines.push(l.pick(id, en).to_owned());
    }
    lines.extend(o.steps.iter().map(|s| step(l, s, codes)));
    let irregular = l.pick("tidak menurut aturan, tidak berlaku", "breaks the rules, does not count");
    lines.extend(o.irregular.iter().map(|(entry, verb)| format!("  {entry:>6}  {}  {irregular}", verb.as_str())));
    lines
}

/// How many there are, and until when the copy speaks.
#[must_use]
pub fn total(l: Language, shown: usize, all: usize, entries: u64, now: u64) -> String {
    let until = Hour::of(now);
    l.pick(
        format!("{shown} dari {all} permintaan; {entries} catatan, disaksikan sampai {until}."),
        format!("{shown} of {all} request(s); {entries} entries, witnessed until {until}."),
    )
}

/// Failures of the audit.
#[must_use]
pub fn failed(l: Language, failed: usize) -> String {
    l.pick(
        format!("audit menemukan {failed} kesalahan: daftar ini tidak dapat dipercaya begitu saja"),
        format!("the audit found {failed} failure(s): this list is not to be relied on as it is"),
    )
}
