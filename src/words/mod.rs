//! What a reporter reads about openings, in Indonesian and in English, both side by side. Plain words and no promise:
//! "asked for" is not "opened", and "opened" says who could read it, not what they did with it.

mod consent;
pub mod proof;
pub mod slip;
mod warnings;

pub use consent::{confirm, consent};
pub use warnings::{send_as_is, warned, warnings};

use tabir_crypto::statement::body::{CodeEntry, PolicyCodes};
use tabir_crypto::statement::value::{CodeText, Hour};
use tabir_crypto::trust::unseal::Status;

use crate::client::opening::{Deferral, Opening, What};

/// A language that the command line speaks to reporters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Bahasa Indonesia
    Id,
    /// English
    En,
}

impl Language {
    /// The given one, else that of the environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set.
    #[must_use]
    pub fn or_environment(given: Option<Self>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os).find(|v| !v.is_empty());
        given.unwrap_or_else(|| Self::of_locale(&set.unwrap_or_default().to_string_lossy()))
    }

    /// Indonesian for `id` and `id_ID.UTF-8`, English for everything else.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        let tag = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if tag.eq_ignore_ascii_case("id") { Self::Id } else { Self::En }
    }

    /// One of two texts.
    pub fn pick<T>(self, id: T, en: T) -> T {
        match self {
            Self::Id => id,
            Self::En => en,
        }
    }

    /// The policy's words for a code, or the code where it has none.
    #[must_use]
    pub fn code(self, list: Option<&Vec<CodeEntry>>, code: &CodeText) -> String {
        let entry = list.into_iter().flatten().find(|e| e.code == *code);
        entry.map_or_else(|| code.to_string(), |e| self.pick(&e.id, &e.en).as_str().to_owned())
    }

    /// "officials 1 and 2".
    #[must_use]
    pub fn officials(self, numbers: &[u16]) -> String {
        let (one, several, and) = self.pick(("pejabat", "pejabat", "dan"), ("official", "officials", "and"));
        match numbers {
            [] => self.pick("tidak ada pejabat", "no official").into(),
            [number] => format!("{one} {number}"),
            [first @ .., last] => {
                let first: Vec<String> = first.iter().map(u16::to_string).collect();
                format!("{several} {} {and} {last}", first.join(", "))
            }
        }
    }

    /// A span of time in the largest unit that fits: "72 hours" stays hours, as people count a cooling-off.
    #[must_use]
    pub fn span(self, seconds: u64) -> String {
        let (n, id, one, several) = match seconds {
            s if s >= 7 * 86_400 && s % 86_400 == 0 => (s / 86_400, "hari", "day", "days"),
            s if s >= 3_600 && s % 3_600 == 0 => (s / 3_600, "jam", "hour", "hours"),
            s if s >= 60 && s % 60 == 0 => (s / 60, "menit", "minute", "minutes"),
            s => (s, "detik", "second", "seconds"),
        };
        format!("{n} {}", self.pick(id, if n == 1 { one } else { several }))
    }
}

/// Where a request stands, with what that means for the reporter.
#[must_use]
pub fn status(l: Language, o: &Opening) -> String {
    let cooled = o.cooled_at.map(|at| Hour::of(at).to_string()).unwrap_or_default();
    let words = match (o.status, o.readable) {
        (Status::Requested, _) => l.pick(
            "DIMINTA, belum disetujui cukup pejabat. Tidak dibuka.",
            "ASKED FOR, not yet agreed by enough officials. Not opened.",
        ),
        (Status::Approved, _) => {
            return l.pick(
                format!("DISETUJUI pejabat; menunggu lembaga luar, tidak sebelum {cooled}. Tidak dibuka."),
                format!("AGREED by officials; waits for the outside body, not before {cooled}. Not opened."),
            );
        }
        (Status::Released, false) => l.pick(
            "DILEPAS lembaga luar. Pejabat kini dapat membukanya bersama.",
            "RELEASED by the outside body. The officials can open it together now.",
        ),
        (Status::Released, true) => l.pick(
            "DILEPAS, dan bagian yang terkumpul cukup: anggaplah identitas Anda dapat dibaca.",
            "RELEASED, and enough parts were given: take it that your identity can be read.",
        ),
        (Status::Opened, _) => l.pick(
            "DIBUKA. Yang menandatanganinya dapat membaca identitas Anda; apa yang mereka lakukan dengannya tidak tercatat.",
            "OPENED. Those who signed could read your identity; what they did with it stands in no log.",
        ),
        (Status::Failed, _) => l.pick("GAGAL: ditandatangani tidak terbuka.", "FAILED: signed as not opened."),
        (Status::Declined, _) => {
            l.pick("DITOLAK lembaga luar. Tidak dibuka.", "DECLINED by the outside body. Not opened.")
        }
        (Status::Withdrawn, _) => {
            l.pick("DITARIK oleh peminta. Tidak dibuka.", "WITHDRAWN by who asked. Not opened.")
        }
        (Status::Refused, _) => l.pick("DITOLAK pejabat. Tidak dibuka.", "REFUSED by officials. Not opened."),
        (Status::Expired, _) => {
            l.pick("KEDALUWARSA sebelum dilepas. Tidak dibuka.", "EXPIRED before a release. Not opened.")
        }
        (Status::Void, _) => l.pick(
            "BATAL: dewan berganti sebelum dilepas. Tidak dibuka.",
            "VOID: the council changed before a release. Not opened.",
        ),
        (Status::Lapsed, false) => l.pick(
            "LEWAT WAKTU: dilepas, tetapi bagian pejabat tidak cukup terkumpul.",
            "LAPSED: released, but too few officials gave their parts.",
        ),
        (Status::Lapsed, true) => l.pick(
            "LEWAT WAKTU tanpa catatan pembukaan, tetapi bagian yang terkumpul cukup: anggaplah identitas Anda dibaca.",
            "LAPSED without an entry of the opening, but enough parts were given: take it that your identity was read.",
        ),
    };
    words.to_owned()
}

/// One step in words.
#[must_use]
pub fn step(l: Language, what: &What, codes: Option<&PolicyCodes>) -> String {
    let one = |number: u16| l.officials(&[number]);
    let reason = |code| l.code(codes.map(|c| &c.reason), code);
    let refusal = |code| l.code(codes.map(|c| &c.refusal), code);
    match what {
        What::Requested { by, legal_basis, reason: code } => {
            let (who, basis, why) = (one(*by), l.code(codes.map(|c| &c.legal_basis), legal_basis), reason(code));
            l.pick(
                format!("{who} meminta identitas Anda. Dasar hukum: {basis}. Alasan: {why}."),
                format!("{who} asked for your identity. Legal basis: {basis}. Reason: {why}."),
            )
        }
        What::Approved { by, reason: code } => {
            let (who, why) = (one(*by), reason(code));
            l.pick(format!("{who} setuju. Alasan: {why}."), format!("{who} agreed. Reason: {why}."))
        }
        What::Refused { by, reason } => {
            let (who, why) = (one(*by), refusal(reason));
            l.pick(format!("{who} menolak. Alasan: {why}."), format!("{who} refused. Reason: {why}."))
        }
        What::Withdrawn { by, reason } => {
            let (who, why) = (one(*by), refusal(reason));
            l.pick(
                format!("{who} menarik permintaannya. Alasan: {why}."),
                format!("{who} took the request back. Reason: {why}."),
            )
        }
        What::Released { to, by_auditor, early, above_cap } => {
            let to = l.officials(to);
            let released = l.pick(
                format!("lembaga luar membuka lapisannya untuk {to}."),
                format!("the outside body opened its layer for {to}."),
            );
            format!("{released} {}", beside(l, *by_auditor, *early, *above_cap))
        }
        What::Partial { by } => {
            let who = one(*by);
            l.pick(format!("{who} memberi bagiannya."), format!("{who} gave a part."))
        }
        What::Opened { by } => {
            let who = l.officials(by);
            l.pick(
                format!("{who} menandatangani bahwa identitas Anda dibuka."),
                format!("{who} signed that your identity was opened."),
            )
        }
        What::Failed { code, by } => {
            let who = if by.is_empty() { l.pick("lembaga luar", "the outside body").into() } else { l.officials(by) };
            let why = l.code(codes.map(|c| &c.failure), code);
            l.pick(
                format!("{who} menandatangani bahwa itu tidak terbuka: {why}."),
                format!("{who} signed that it did not open: {why}."),
            )
        }
        What::Declined { code } => {
            let why = declined(l, code);
            l.pick(format!("lembaga luar menolak: {why}."), format!("the outside body declined: {why}."))
        }
        What::Notice => l
            .pick(
                "lembaga luar mengumumkan pemberitahuan yang ditunda.",
                "the outside body published the notice that had been put off.",
            )
            .to_owned(),
        What::Voided => l
            .pick("dewan lain menggantikan dewan yang diminta.", "another council took the place of the one asked.")
            .to_owned(),
    }
}

/// Who stood beside the warden, and whether it kept to cooling-off and cap.
fn beside(l: Language, by_auditor: bool, early: bool, above_cap: Option<bool>) -> &'static str {
    match (by_auditor, early, above_cap.unwrap_or(false)) {
        (true, true, true) => l.pick(
            "Seorang auditor ikut menandatangani: masa tunggu diperpendek, dan batas harian terlampaui.",
            "An auditor signed beside it: the waiting time was shortened, and it was above the day's limit.",
        ),
        (true, true, false) => l.pick(
            "Seorang auditor ikut menandatangani: masa tunggu diperpendek.",
            "An auditor signed beside it: the waiting time was shortened.",
        ),
        (true, false, true) => l.pick(
            "Seorang auditor ikut menandatangani: batas harian terlampaui.",
            "An auditor signed beside it: it was above the day's limit.",
        ),
        (true, false, false) => l.pick("Seorang auditor ikut menandatangani.", "An auditor signed beside it."),
        (false, true, _) => l.pick(
            "SEBELUM masa tunggu selesai dan tanpa auditor: melanggar aturan. Tunjukkan kepada auditor.",
            "BEFORE the waiting time was over and without an auditor: against the rules. Show it to an auditor.",
        ),
        (false, false, true) => l.pick(
            "Di atas batas harian dan tanpa auditor: melanggar aturan. Tunjukkan kepada auditor.",
            "Above the day's limit and without an auditor: against the rules. Show it to an auditor.",
        ),
        (false, false, false) => l.pick("Tanpa auditor, setelah masa tunggu.", "No auditor, after the waiting time."),
    }
}

/// The warden's own codes, for which a policy has no list.
fn declined(l: Language, code: &CodeText) -> String {
    match code.as_str() {
        "recusal" => l.pick("terlalu banyak pejabat dikecualikan", "too many officials were left out").into(),
        "live" => l
            .pick(
                "permintaan lain untuk kasus ini masih berjalan atau sudah diputus",
                "another request for this case is live, or was decided",
            )
            .into(),
        other => other.into(),
    }
}

/// That and until when a notice was put off, and who signed it.
#[must_use]
pub fn deferred(l: Language, d: &Deferral, codes: Option<&PolicyCodes>) -> String {
    let (until, why) = (Hour::of(d.until), l.code(codes.map(|c| &c.deferral), &d.code));
    let who = l.officials(&d.signed_by);
    l.pick(
        format!("Pemberitahuan ini ditunda sampai {until}: {why}. Ditandatangani {who}."),
        format!("This notice was put off until {until}: {why}. Signed by {who}."),
    )
}

/// How far the look into the log went. Nothing found is said as such, and not as "nobody asked".
#[must_use]
pub fn looked(l: Language, found: usize, size: u64, witnessed: u64) -> String {
    let until = Hour::of(witnessed);
    if found == 0 {
        return l.pick(
            format!("Tidak ada permintaan atas identitas Anda yang terlihat sampai {until} ({size} catatan). Yang ditunda baru terlihat kemudian."),
            format!("No request for your identity shows until {until} ({size} entries). One that is put off shows later."),
        );
    }
    l.pick(
        format!("Setiap catatan di atas ada di log publik dengan {size} catatan, disaksikan sampai {until}, dan sudah diperiksa."),
        format!("Each entry above stands in the public log of {size} entries, witnessed until {until}, and was verified."),
    )
}

/// The gateway gave no way to the log.
#[must_use]
pub const fn without_gateway(l: Language) -> &'static str {
    match l {
        Language::Id => "Log publik dapat dibaca tanpa gateway ini: --log URL|DIR",
        Language::En => "The public log can be read without this gateway: --log URL|DIR",
    }
}

/// The log's newest head is old: what came later does not show.
#[must_use]
pub fn stale(l: Language, age_s: u64) -> String {
    let hours = l.span(age_s - age_s % 3_600);
    l.pick(
        format!("PERHATIAN: saksi terakhir sudah {hours} yang lalu. Yang terjadi sesudahnya tidak terlihat di sini."),
        format!("TAKE CARE: the witnesses' last word is {hours} old. What came later does not show here."),
    )
}

/// After the folder of proofs was written.
#[must_use]
pub fn proof_written(l: Language, dir: &str) -> String {
    l.pick(
        format!("Bukti ada di {dir}. Siapa pun dapat memeriksanya: tabir audit opening {dir} --trust trust.json"),
        format!("The proofs are in {dir}. Anybody can check them: tabir audit opening {dir} --trust trust.json"),
    )
}

/// What stands in the folder's README.txt.
#[must_use]
pub const fn readme(l: Language) -> &'static str {
    match l {
        Language::Id => {
            "Folder ini membuktikan catatan di log publik Tabir. Setiap .json adalah satu catatan bertanda tangan; .tlog-proof
di sebelahnya (C2SP tlog-proof) membuktikan bahwa catatan itu ada di log yang disaksikan. Untuk memeriksanya Anda hanya
perlu trust.json, yang Anda peroleh dari orang yang Anda percaya dan bukan dari folder ini:

    tabir audit opening FOLDER --trust trust.json

Yang dibuktikan hanya yang ada di sini. Bahwa tidak ada yang lain terjadi, hanya log lengkap yang menunjukkannya.
"
        }
        Language::En => {
            "This folder proves entries of Tabir's public log. Each .json is one signed entry; the .tlog-proof beside it (C2SP
tlog-proof) proves that the entry stands in the log that witnesses have seen. To check it you need trust.json alone, which
you get from somebody whom you trust and not from this folder:

    tabir audit opening FOLDER --trust trust.json

It proves what is here. That nothing else happened, only the whole log shows.
"
        }
    }
}

/// What `tabir audit opening` found.
#[must_use]
pub fn checked(l: Language, openings: usize, entries: usize, witnessed: u64, one_case: bool) -> String {
    let until = Hour::of(witnessed);
    let whose = if one_case {
        l.pick(
            "Semuanya tentang satu kasus, yang kunci pemberitahuannya ada di folder ini.",
            "All of them are about one case, whose notice key is in this folder.",
        )
    } else {
        l.pick("Tentang kasus mana, folder ini tidak mengatakannya.", "About which case, this folder does not say.")
    };
    l.pick(
        format!("{entries} catatan terbukti, {openings} permintaan, sampai {until}. {whose} Yang tidak ada di sini tidak disangkal."),
        format!("{entries} entries proven, {openings} request(s), until {until}. {whose} What is not here is not denied."),
    )
}
