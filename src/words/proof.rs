//! What the intake log says about one report, and what is said before it is shown to anybody.

use tabir_crypto::receipt::reference;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::trust::fate::Verdict;

use super::Language;
use crate::client::proof_file::drop;

/// The verdict in plain words.
#[must_use]
pub fn verdict(l: Language, window: u64, verdict: Verdict) -> String {
    let (id, en) = match verdict {
        Verdict::Forwarded => (
            "log memuat penerimaan laporan Anda persis seperti yang dikirim, dan pernyataan penerus bahwa sistem pengaduan sudah menerimanya",
            "the log holds the acceptance of the report as it was sent, and the forwarder's word that the complaint system has it",
        ),
        Verdict::Refused => (
            "log memuat penerimaan laporan ini, dan bahwa sistem pengaduan menolaknya",
            "the log holds the acceptance of the report, and that the complaint system refused it",
        ),
        Verdict::Erased => (
            "log memuat penerimaan laporan ini, dan kata gerbang bahwa penulisnya menghapusnya. Jika itu tidak benar, gerbang tidak dapat menunjukkan pernyataan penghapusan",
            "the log holds the acceptance of the report, and the gateway's word that its author erased it. If she did not, the gateway can't show her statement",
        ),
        Verdict::Pending => (
            "log memuat penerimaan laporan ini, dan bahwa laporan itu masih menunggu diteruskan",
            "the log holds the acceptance of the report, and that it still waits to be passed on",
        ),
        Verdict::Late => (
            "log memuat penerimaan laporan ini, tetapi laporan itu TERLAMBAT: dua tenggat berikutnya lewat dan masih belum diteruskan",
            "the log holds the acceptance of the report, but it is LATE: two further deadlines are over and it has not been passed on",
        ),
        Verdict::NotDue => (
            "belum ada yang harus tercatat. Sampai jendelanya ditutup, hanya penerimaan bertanda tangan yang membuktikan sesuatu",
            "nothing that is due is missing. Until its window is on record only the signed acceptance proves anything",
        ),
        Verdict::Dropped => (
            "log memuat penerimaan laporan ini, tetapi TIDAK ada kabar ke mana perginya, padahal tenggatnya lewat: laporan itu DIBUANG",
            "the log holds the acceptance of the report, but NOT what became of it, though that was due: it was DROPPED",
        ),
        Verdict::NotInWindow => (
            "gerbang menandatangani penerimaan laporan ini, tetapi jendelanya tercatat TANPA laporan itu, atau tidak tercatat sama sekali",
            "the gateway signed the acceptance of the report, but its window is on record WITHOUT it, or not on record at all",
        ),
        Verdict::OtherWindow => (
            "log memuat penerimaan laporan ini di jendela LAIN, atau dengan tenggat lain, daripada yang ditandatangani gerbang",
            "the log holds the acceptance of the report in ANOTHER window, or with another deadline, than the gateway signed",
        ),
        Verdict::OtherBody => (
            "log memuat penerimaan untuk tanda terima ini, tetapi dengan isi LAIN",
            "the log holds an acceptance for this receipt, but of ANOTHER content",
        ),
    };
    match l {
        Language::Id => format!("Jendela {window}: {id}."),
        Language::En => format!("Window {window}: {en}."),
    }
}

/// Said before a file that proves a report's fate is written: what it shows, and to whom.
#[must_use]
pub fn shows(l: Language, reference: &str, window: Option<(u64, u64)>) -> String {
    let not_yet = || l.pick("belum tercatat", "not on record yet").into();
    let window = window.map_or_else(not_yet, |(opens, closes)| format!("{} – {}", Hour::of(opens), Hour::of(closes)));
    match l {
        Language::Id => format!(
            "Berkas ini membuktikan kepada siapa pun apa yang terjadi dengan laporan Anda. Sebelum ditulis, ketahui:
  Siapa pun yang menerimanya melihat   nomor kasus {reference}, dan bahwa laporan itu diterima dalam jendela
                                       ini: {window}. Nilai acaknya (a) dan (nf) di log menjadi terhubung.
  Penyelenggara melihat di samping itu kasus mana yang mengadu: isi laporan itu sudah ada padanya.
  Tidak ada yang melihat               identitas Anda, isi laporan, atau pesan Anda; dengan berkas ini kasus tidak
                                       dapat dibaca atau diubah. Kasus Anda yang lain tidak terhubung.
Jika isi laporan hanya Anda yang tahu, siapa pun yang melihat berkas ini dan laporan itu tahu bahwa Anda
menyimpan tanda terimanya. Berikan hanya kepada orang yang Anda percayai, seperti auditor.
"
        ),
        Language::En => format!(
            "This file proves to anybody what became of your report. Before it is written, know:
  Whoever gets it sees          the case's reference {reference}, and that the report was accepted in this
                                window: {window}. Its random values a and nf in the log become linked.
  The operators see beside it   which case complains: what it says they have already.
  Nobody sees in it             your identity, the report's text, or your messages; it neither reads nor changes
                                the case, and links no other case of yours.
If only you can know what the report says, whoever sees both knows that you hold its receipt. Give it only
to somebody whom you trust, such as an auditor.
"
        ),
    }
}

/// Asked after [`shows`], and the answers that mean yes.
#[must_use]
pub const fn confirm(l: Language) -> (&'static str, [&'static str; 2]) {
    let question = match l {
        Language::Id => "Tulis berkas itu? Ketik ya: ",
        Language::En => "Write the file? Type yes: ",
    };
    (question, ["ya", "yes"])
}

/// The gateway could not show the case key's word for an erasure.
#[must_use]
pub const fn erasure_not_shown(l: Language) -> &'static str {
    match l {
        Language::Id => {
            "Gerbang TIDAK menunjukkan pernyataan penghapusan. Selama dua tenggat berikutnya belum lewat, gerbang harus menyimpannya: jika tidak ada, laporan itu dihapus tanpa penulisnya. Auditor menanyakannya dengan: tabir audit erased"
        }
        Language::En => {
            "The gateway did NOT show the statement that erased it. Until two further deadlines are over it must keep it: if there is none, the report was erased without its author. An auditor asks for it with: tabir audit erased"
        }
    }
}

/// It could.
#[must_use]
pub const fn erasure_shown(l: Language) -> &'static str {
    match l {
        Language::Id => "Kunci kasus sendiri meminta penghapusan itu: gerbang menunjukkan pernyataannya.",
        Language::En => "The case's own key asked for that erasure: the gateway showed its statement.",
    }
}

/// Whether the complaint system countersigned: whether a note is there, and, if a key was given, whether it is by that key.
#[must_use]
pub const fn countersigned(l: Language, there: bool, by_key: Option<bool>) -> &'static str {
    let (id, en) = match (there, by_key) {
        (false, _) => (
            "Sistem pengaduan tidak menandatangani bahwa laporan itu ada padanya (tanda tangan itu tidak wajib).",
            "The complaint system did not countersign that it has the report (it need not).",
        ),
        (true, Some(true)) => (
            "Sistem pengaduan sendiri menandatangani bahwa laporan itu ada padanya.",
            "The complaint system itself signed that it has the report.",
        ),
        (true, Some(false)) => (
            "Ada tanda tangan bahwa sistem pengaduan memiliki laporan itu, tetapi BUKAN dengan kunci yang Anda berikan.",
            "There is a note that the complaint system has the report, but NOT by the key that you gave.",
        ),
        (true, None) => (
            "Ada tanda tangan bahwa sistem pengaduan memiliki laporan itu; --downstream memeriksa dengan kunci siapa.",
            "There is a note that the complaint system has the report; --downstream checks by whose key.",
        ),
    };
    match l {
        Language::Id => id,
        Language::En => en,
    }
}

/// The file is there.
#[must_use]
pub fn written(l: Language, file: &str) -> String {
    match l {
        Language::Id => format!(
            "{file} ditulis. Siapa pun memeriksanya dengan: tabir audit check {file} --trust trust.json --log SALINAN"
        ),
        Language::En => {
            format!("{file} is written. Anybody checks it with: tabir audit check {file} --trust trust.json --log COPY")
        }
    }
}

/// What a checked file says.
#[must_use]
pub fn checked(l: Language, checked: &drop::Checked, whole: Option<&drop::Whole>, by_key: Option<bool>) -> Vec<String> {
    let (case, w) = (reference(&checked.acceptance.case_id.0), checked.acceptance.w);
    let until = |size: u64, at: u64| match l {
        Language::Id => format!("sampai catatan {size}, {}", Hour::of(at)),
        Language::En => format!("up to entry {size}, {}", Hour::of(at)),
    };
    let proved = &checked.proved;
    let signed = l.pick("Gerbang menandatangani penerimaan kasus", "The gateway signed the acceptance of case");
    let mut lines = vec![format!("{signed} {case} (D {}).", checked.acceptance.deadline)];
    match (whole, checked.holds) {
        (Some(whole), _) => {
            lines.push(verdict(l, w, whole.proof.verdict()));
            let by = l.pick("Menurut salinan log Anda", "By your copy of the log");
            lines.push(format!("{by}, {}.", until(whole.size, whole.witnessed)));
        }
        (None, Some(holds)) => {
            lines.push(verdict(l, w, holds));
            let by = l.pick("Menurut catatan di dalam berkas", "By the entries in the file");
            lines.push(format!("{by}, {}.", until(proved.size, proved.witnessed)));
        }
        (None, None) => lines.push(
            l.pick(
                "Berkas ini utuh, tetapi sendirian TIDAK membuktikan bahwa sesuatu tidak tercatat. Periksa dengan salinan log Anda sendiri: --log DIR, dari `tabir audit fetch`.",
                "The file is sound, but alone it does NOT prove that something is not on record. Check it against your own copy of the log: --log DIR, from `tabir audit fetch`.",
            )
            .into(),
        ),
    }
    if checked.countersignature.is_some() || by_key.is_some() {
        lines.push(countersigned(l, checked.countersignature.is_some(), by_key).into());
    }
    if checked.erasure_shown {
        lines.push(erasure_shown(l).into());
    }
    lines
}
