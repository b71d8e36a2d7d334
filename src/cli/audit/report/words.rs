//! The report in words, Indonesian and English side by side.

use tabir_crypto::statement::body::{CodeEntry, PolicyCodes};
use tabir_crypto::statement::value::CodeText;
use tabir_crypto::trust::unseal::Status;

use super::super::words::list::status;
use super::document::{Document, Section};
use crate::client::audit_report::{OpeningLine, Report};
use crate::words::Language;

/// Cells from whatever can be shown.
macro_rules! cells {
    ($($cell:expr),* $(,)?) => { vec![$($cell.to_string()),*] };
}

/// The tables of a report.
pub fn document(l: Language, r: &Report, codes: Option<&PolicyCodes>) -> Document {
    let words = Words { l, codes };
    Document {
        language: l.pick("id", "en"),
        title: format!("{}: {}", r.name, l.pick("laporan audit", "audit report")),
        notes: words.notes(r),
        sections: vec![
            words.totals(r),
            words.openings(r),
            words.deferrals(r),
            words.officials(r),
            words.windows(r),
            words.missed(r),
            words.changes(r),
            words.failed(r),
        ],
    }
}

/// After a report of a copy in which something is wrong.
pub fn failed(l: Language, failed: usize) -> String {
    l.pick(
        format!("audit menemukan {failed} kesalahan; laporan menyebutkannya"),
        format!("the audit found {failed} failure(s); the report names them"),
    )
}

struct Words<'a> {
    l: Language,
    codes: Option<&'a PolicyCodes>,
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".into(), |v| v.to_string())
}

fn numbers(list: &[u16]) -> String {
    let texts: Vec<String> = list.iter().map(u16::to_string).collect();
    if texts.is_empty() { "–".into() } else { texts.join(" ") }
}

impl Words<'_> {
    fn section(&self, title: (&str, &str), head: &[(&str, &str)], rows: Vec<Vec<String>>) -> Section {
        let pick = |(id, en): (&str, &str)| self.l.pick(id, en).to_owned();
        let head = head.iter().map(|text| pick(*text)).collect();
        Section { title: pick(title), note: None, head, rows, none: self.l.pick("tidak ada", "none") }
    }

    fn noted(&self, section: Section, id: &str, en: &str) -> Section {
        Section { note: Some(self.l.pick(id, en).to_owned()), ..section }
    }

    fn yes(&self, is: bool) -> &'static str {
        if is { self.l.pick("ya", "yes") } else { "–" }
    }

    fn code(&self, list: Option<&Vec<CodeEntry>>, code: &str) -> String {
        CodeText::new(code).map_or_else(|_| code.to_owned(), |code| self.l.code(list, &code))
    }

    fn notes(&self, r: &Report) -> Vec<String> {
        let (from, to) = (optional(r.period.from), optional(r.period.to));
        let verdict = if r.ok {
            self.l.pick("Semua pemeriksaan audit lulus.", "Every check of the audit passed.")
        } else {
            self.l.pick("AUDIT MENEMUKAN KESALAHAN; lihat di bawah.", "THE AUDIT FOUND FAILURES; see below.")
        };
        vec![
            self.l.pick(
                format!(
                    "Dari {from} sampai {to} (UTC, waktu saksi). Salinan {} catatan, disaksikan sampai {}.",
                    r.entries, r.until
                ),
                format!(
                    "From {from} to {to} (UTC, witnessed time). A copy of {} entries, witnessed until {}.",
                    r.entries, r.until
                ),
            ),
            verdict.to_owned(),
        ]
    }

    fn totals(&self, r: &Report) -> Section {
        let (l, t) = (self.l, &r.totals);
        let mut rows = vec![
            cells![l.pick("Permintaan", "Requests"), t.requested],
            cells![l.pick("Masih berjalan", "Still live"), t.live],
            cells![
                l.pick("Dilepas lembaga luar (dihitung sebagai dibuka)", "Released by the warden (counts as opened)"),
                t.released
            ],
            cells![l.pick("  bersama auditor", "  with an auditor's signature"), t.released_by_auditor],
        ];
        let ended = [
            Status::Opened,
            Status::Failed,
            Status::Lapsed,
            Status::Declined,
            Status::Refused,
            Status::Withdrawn,
            Status::Expired,
            Status::Void,
        ];
        rows.extend(ended.map(|s| cells![status(l, s), t.count(s)]));
        let median = r.median_to_approve_s.map(|s| l.span(s));
        rows.push(cells![l.pick("Median waktu sampai disetujui", "Median time to approve"), optional(median)]);
        let (reports, late) = (&r.reports, r.reports.late);
        rows.push(cells![l.pick("Laporan diterima", "Reports accepted"), reports.accepted]);
        rows.push(cells![l.pick("Laporan diteruskan", "Reports forwarded"), reports.forwarded]);
        rows.push(cells![
            l.pick("Laporan diteruskan atau ditolak terlambat", "Reports forwarded or refused late"),
            late
        ]);
        self.section(("Ringkasan", "Summary"), &[("Apa", "What"), ("Jumlah", "Number")], rows)
    }

    fn openings(&self, r: &Report) -> Section {
        let row = |o: &OpeningLine| {
            let reason = |code| self.code(self.codes.map(|c| &c.reason), code);
            cells![
                o.entry,
                o.at,
                o.status,
                o.council,
                self.code(self.codes.map(|c| &c.legal_basis), &o.legal_basis),
                reason(&o.reason),
                o.requester,
                numbers(&o.approved_by),
                numbers(&o.refused_by),
                optional(o.released_at),
                self.yes(o.by_auditor),
                self.yes(o.early),
                self.yes(o.above_cap),
                o.request,
            ]
        };
        let head = [
            ("Catatan", "Entry"),
            ("Diminta", "Requested"),
            ("Keadaan", "State"),
            ("Dewan", "Council"),
            ("Dasar hukum", "Legal basis"),
            ("Alasan", "Reason"),
            ("Peminta", "By"),
            ("Setuju", "Approved"),
            ("Menolak", "Refused"),
            ("Dilepas", "Released"),
            ("Auditor", "Auditor"),
            ("Lebih awal", "Early"),
            ("Di atas batas", "Above cap"),
            ("Permintaan", "Request"),
        ];
        self.section(("Pembukaan", "Openings"), &head, r.openings.iter().map(row).collect())
    }

    fn deferrals(&self, r: &Report) -> Section {
        let rows = r.deferrals.iter().map(|d| {
            let why = self.code(self.codes.map(|c| &c.deferral), &d.code);
            let published = optional(d.published_at);
            cells![d.entry, d.until, self.l.span(d.for_s), why, numbers(&d.signed_by), published]
        });
        let head = [
            ("Catatan", "Entry"),
            ("Sampai", "Until"),
            ("Lamanya", "For"),
            ("Alasan", "Reason"),
            ("Ditandatangani", "Signed by"),
            ("Diumumkan", "Published"),
        ];
        self.section(("Pemberitahuan yang ditunda", "Deferred notices"), &head, rows.collect())
    }

    fn officials(&self, r: &Report) -> Section {
        let rows = r.officials.iter().map(|o| {
            cells![o.council, o.epoch, o.index, o.asked, o.requested, o.approved, o.refused, o.not_voted, o.partials]
        });
        let head = [
            ("Dewan", "Council"),
            ("Masa", "Epoch"),
            ("Pejabat", "Official"),
            ("Permintaan", "Requests"),
            ("Diminta olehnya", "Own"),
            ("Setuju", "Approved"),
            ("Menolak", "Refused"),
            ("Tidak memilih", "Not voted"),
            ("Bagian diberi", "Parts given"),
        ];
        let section = self.section(("Keikutsertaan pejabat", "Officials' participation"), &head, rows.collect());
        self.noted(
            section,
            "Nomor adalah tempat duduk dalam dewan. Yang dikecualikan dari satu permintaan tidak memilih di situ.",
            "Numbers are seats of a council. Who was left out of a request did not vote there.",
        )
    }

    fn windows(&self, r: &Report) -> Section {
        let rows = r.windows.iter().map(|w| {
            let late = if w.late == 0 { "–".into() } else { self.l.span(w.late_s) };
            cells![w.w, w.closes, w.deadline, w.accepted, w.forwarded, w.refused, w.erased, w.unsettled, w.late, late]
        });
        let head = [
            ("Jendela", "Window"),
            ("Tutup", "Closed"),
            ("Batas waktu", "Deadline"),
            ("Diterima", "Accepted"),
            ("Diteruskan", "Forwarded"),
            ("Ditolak", "Refused"),
            ("Dihapus", "Erased"),
            ("Belum selesai", "Unsettled"),
            ("Terlambat", "Late"),
            ("Paling lambat", "Latest by"),
        ];
        self.section(("Jendela penerimaan", "Windows"), &head, rows.collect())
    }

    fn missed(&self, r: &Report) -> Section {
        let rows = r.missed.iter().map(|m| {
            let meaning = m.code.map(|code| self.meaning(code)).unwrap_or_default();
            cells![m.window, m.check, optional(m.code), m.reports, optional(m.entry), meaning]
        });
        let head = [
            ("Jendela", "Window"),
            ("Pemeriksaan", "Check"),
            ("Kode", "Code"),
            ("Laporan", "Reports"),
            ("Catatan", "Entry"),
            ("Artinya", "Meaning"),
        ];
        let title = ("Batas waktu yang terlewat dan jendela yang salah", "Missed deadlines and windows that are wrong");
        self.section(title, &head, rows.collect())
    }

    fn meaning(&self, code: &str) -> &'static str {
        let (id, en) = match code {
            "overdue" => ("jendela berikutnya tidak pernah ditulis", "the next window was never written"),
            "missing" => ("diterima, tetapi tidak ke mana-mana", "accepted, and gone nowhere"),
            "late" => ("tertunda setelah dua batas waktu lagi", "pending after two further deadlines"),
            "lost" => ("tertunda, lalu tidak disebut lagi", "pending, then not spoken of again"),
            "surplus" => ("lebih banyak yang pergi daripada yang diterima", "more went than were accepted"),
            "incomplete" => ("sebagian pernyataan tidak ada", "a part of a statement is not there"),
            "early" => ("ditulis sebelum jendela tutup", "written before the window closed"),
            "both" => ("diteruskan dan juga ditolak", "both forwarded and refused"),
            "twice" => ("disebut dua kali", "named twice"),
            _ => ("tidak menurut aturan", "against the rules"),
        };
        self.l.pick(id, en)
    }

    fn changes(&self, r: &Report) -> Section {
        let rows = r.changes.iter().map(|c| cells![c.entry, c.at, c.verb, c.what, c.auditors, self.yes(c.failed)]);
        let head = [
            ("Catatan", "Entry"),
            ("Waktu", "When"),
            ("Jenis", "What"),
            ("Mana", "Which"),
            ("Auditor", "Auditors"),
            ("Gagal diperiksa", "Fails a check"),
        ];
        let title = ("Kunci, dewan, kebijakan, akar kepercayaan", "Keys, councils, policies, trust root");
        self.section(title, &head, rows.collect())
    }

    fn failed(&self, r: &Report) -> Section {
        let log = |log: Option<tabir_crypto::trust::root::LogName>| optional(log.map(|l| l.as_str()));
        let rows = r.failed.iter().map(|f| cells![f.check, optional(f.code), log(f.log), optional(f.entry)]);
        let head = [("Pemeriksaan", "Check"), ("Kode", "Code"), ("Log", "Log"), ("Catatan", "Entry")];
        self.section(("Pemeriksaan lain yang gagal", "Other checks that failed"), &head, rows.collect())
    }
}
