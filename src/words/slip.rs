//! The slip that somebody takes along from a counter, and what the officer says before: in Indonesian and in English, both
//! side by side.

use super::Language;
use crate::markup::escaped;

/// What stands on a slip.
pub struct Slip<'s> {
    /// The installation's name.
    pub installation: &'s str,
    /// Nine groups.
    pub receipt: &'s str,
    /// The case's name among people.
    pub reference: &'s str,
    /// Where she comes back.
    pub address: &'s str,
    /// The day, and no hour: a slip that is found should not tell when somebody stood at the counter.
    pub day: String,
    /// The day by which it must stand in the log that the report went on.
    pub deadline: String,
    /// Whether an identity was given.
    pub with_identity: bool,
}

/// What the officer asks for.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub enum Question {
    Category,
    Text,
    Place,
    Name,
    Phone,
    Email,
}

/// A question of the interview.
#[must_use]
pub const fn question(l: Language, q: Question) -> &'static str {
    let (id, en) = match q {
        Question::Category => ("Kategori (kode): ", "Category (code): "),
        Question::Text => (
            "Laporan, dengan kata-katanya sendiri. Akhiri dengan satu titik pada baris tersendiri:",
            "The report, in her own words. End with a dot on a line of its own:",
        ),
        Question::Place => ("Tempat (boleh kosong): ", "Place (may be left empty): "),
        Question::Name => (
            "Nama pelapor, hanya jika ia mau (kosong: tanpa identitas): ",
            "Her name, only if she wants (empty: no identity): ",
        ),
        Question::Phone => ("Telepon (boleh kosong): ", "Phone (may be left empty): "),
        Question::Email => ("Surel (boleh kosong): ", "E-mail (may be left empty): "),
    };
    match l {
        Language::Id => id,
        Language::En => en,
    }
}

/// What the officer tells her before anything is sealed.
#[must_use]
pub const fn before(l: Language, with_identity: bool) -> &'static str {
    match (l, with_identity) {
        (Language::Id, false) => {
            "Sampaikan kepada pelapor sebelum lanjut:
  - Ia akan menerima tanda terima, sembilan kelompok huruf. Hanya itu jalan kembali ke laporannya.
    Jika hilang, TIDAK ADA yang dapat memulihkannya: bukan kantor ini, bukan siapa pun.
  - Siapa pun yang memegangnya dapat membaca dan menulis sebagai dia.
  - Petugas yang mengetik melihat laporannya dan tanda terimanya. Dari gawai sendiri tidak ada yang melihat."
        }
        (Language::Id, true) => {
            "Sampaikan kepada pelapor sebelum lanjut:
  - Ia akan menerima tanda terima, sembilan kelompok huruf. Hanya itu jalan kembali ke laporannya.
    Jika hilang, TIDAK ADA yang dapat memulihkannya: bukan kantor ini, bukan siapa pun.
  - Siapa pun yang memegangnya dapat membaca dan menulis sebagai dia.
  - Petugas yang mengetik melihat laporannya, IDENTITASNYA, dan tanda terimanya. Dari gawai sendiri tidak
    ada yang melihat. Identitas disegel seketika; ia juga boleh melapor tanpa identitas."
        }
        (Language::En, false) => {
            "Tell her before you go on:
  - She will get a receipt, nine groups of letters. It is the only way back to her report.
    If it is lost, NOBODY can recover it: not this office, nobody at all.
  - Whoever has it can read and write as she can.
  - The officer who types sees her report and her receipt. From a device of her own nobody would."
        }
        (Language::En, true) => {
            "Tell her before you go on:
  - She will get a receipt, nine groups of letters. It is the only way back to her report.
    If it is lost, NOBODY can recover it: not this office, nobody at all.
  - Whoever has it can read and write as she can.
  - The officer who types sees her report, WHO SHE IS, and her receipt. From a device of her own nobody
    would. The identity is sealed at once; she may also report without one."
        }
    }
}

/// Asked after [`before`].
#[must_use]
pub const fn confirm(l: Language) -> &'static str {
    match l {
        Language::Id => "Ia mengerti dan setuju? Ketik ya: ",
        Language::En => "She understands and agrees? Type yes: ",
    }
}

/// After the slip is shown on a screen.
#[must_use]
pub const fn clear(l: Language) -> &'static str {
    match l {
        Language::Id => "Serahkan tanda terima, lalu tekan Enter: layar akan dikosongkan. ",
        Language::En => "Hand the receipt over, then press Enter: the screen is cleared. ",
    }
}

/// After the page was written.
#[must_use]
pub fn delete_it(l: Language, file: &str) -> String {
    l.pick(
        format!("Tanda terima ada di {file}. Cetak, serahkan, lalu HAPUS berkas ini, juga dari antrean cetak: siapa yang memegangnya dapat membaca dan menulis sebagai pelapor."),
        format!("The slip is in {file}. Print it, hand it over, then DELETE the file, in the print queue too: whoever has it can read and write as she can."),
    )
}

struct Words {
    language: Language,
    title: &'static str,
    receipt: &'static str,
    reference: &'static str,
    day: &'static str,
    points: Vec<String>,
}

fn words(language: Language, slip: &Slip<'_>) -> Words {
    let (address, deadline) = (slip.address, &slip.deadline);
    let (title, receipt, reference, day) = language.pick(
        ("Tanda terima laporan", "Tanda terima (rahasia)", "Nomor laporan", "Tanggal"),
        ("Receipt of a report", "Receipt (secret)", "Reference", "Day"),
    );
    let seen = match (language, slip.with_identity) {
        (Language::Id, false) => {
            "Yang dilihat petugas: kata-kata laporan Anda dan tanda terima ini. Komputernya tidak menyimpan keduanya. Di dalam laporan yang tersegel tercatat bahwa petugas loket yang mengetiknya."
        }
        (Language::Id, true) => {
            "Yang dilihat petugas: kata-kata laporan Anda, identitas Anda, dan tanda terima ini. Komputernya tidak menyimpan satu pun. Identitas disegel seketika; untuk membukanya perlu beberapa pejabat dan lembaga luar bersama-sama, dan setiap permintaan tercatat di log publik. Di dalam laporan yang tersegel tercatat bahwa petugas loket yang mengetiknya."
        }
        (Language::En, false) => {
            "What the officer saw: the words of your report, and this receipt. The computer kept neither. Inside the sealed report stands that an officer at a counter typed it."
        }
        (Language::En, true) => {
            "What the officer saw: the words of your report, who you are, and this receipt. The computer kept none of it. Your identity was sealed at once; several officials and an outside body must act together to open it, and each request stands in a public log. Inside the sealed report stands that an officer at a counter typed it."
        }
    };
    let points = match language {
        Language::Id => vec![
            "Simpan kertas ini, atau salin sembilan kelompok huruf itu di tempat yang hanya Anda tahu. Jika hilang, tidak ada yang dapat memulihkannya: bukan kantor ini, bukan siapa pun.".to_owned(),
            "Siapa pun yang memegangnya dapat membaca dan menulis sebagai Anda. Jangan difoto atau dikirim.".into(),
            format!("Kembali ke laporan ini, dari gawai mana pun: {address}, dengan tanda terima di atas. Di sana ada status, pertanyaan untuk Anda, dan apakah ada yang meminta identitas Anda."),
            format!("Paling lambat {deadline} harus tercatat di log publik bahwa laporan Anda diteruskan. Tanda terima ini dapat memeriksanya, dan membuktikan jika tidak."),
            seen.into(),
        ],
        Language::En => vec![
            "Keep this paper, or copy the nine groups of letters to a place that only you know. If they are lost, nobody can recover them: not this office, nobody at all.".to_owned(),
            "Whoever has them can read and write as you. Do not photograph or send them.".into(),
            format!("Come back to this report from any device: {address}, with the receipt above. There you find its status, questions for you, and whether anybody asked who you are."),
            format!("By {deadline} it must stand in the public log that your report went on. This receipt can check it, and prove it if it did not."),
            seen.into(),
        ],
    };
    Words { language, title, receipt, reference, day, points }
}

/// The plain slip, in one language.
#[must_use]
pub fn text(l: Language, slip: &Slip<'_>) -> String {
    let w = words(l, slip);
    let mut out = format!("{} - {}\n\n  {}:\n\n    {}\n\n", w.title, slip.installation, w.receipt, slip.receipt);
    out += &format!("  {}: {}    {}: {}\n\n", w.reference, slip.reference, w.day, slip.day);
    for point in &w.points {
        out += &format!("- {point}\n");
    }
    out
}

const STYLE: &str = "body{font:12pt/1.4 system-ui,sans-serif;max-width:40em;margin:1.5em auto;padding:0 1em;color:#000;background:#fff}\
h1{font-size:1.2em;margin:0 0 .3em}code{font:bold 1.25em/1.6 monospace;overflow-wrap:anywhere}\
section{border-top:1px solid #000;padding:.6em 0}li{margin:.25em 0}@media print{body{margin:0;max-width:none}@page{margin:12mm}}";

/// The slip as a page to print, in both languages: no script, nothing that is fetched.
#[must_use]
pub fn html(slip: &Slip<'_>) -> String {
    let section = |l: Language| {
        let w = words(l, slip);
        let points: String = w.points.iter().map(|p| format!("<li>{}</li>\n", escaped(p))).collect();
        format!(
            "<section lang=\"{}\">\n<h1>{} – {}</h1>\n<p>{}:<br><code>{}</code></p>\n<p>{}: <b>{}</b> · {}: {}</p>\n<ul>\n{points}</ul>\n</section>\n",
            w.language.pick("id", "en"),
            w.title,
            escaped(slip.installation),
            w.receipt,
            escaped(slip.receipt),
            w.reference,
            escaped(slip.reference),
            w.day,
            escaped(&slip.day),
        )
    };
    format!(
        "<!doctype html>\n<html lang=\"id\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{}{}</main>\n</body>\n</html>\n",
        escaped(slip.installation),
        section(Language::Id),
        section(Language::En),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slip(with_identity: bool) -> Slip<'static> {
        Slip {
            installation: "<b>Kota</b>",
            receipt: "lusab-babad-gutih-tugad-lusab-babad-gutih-tugad-lusab",
            reference: "AAAA-BBBB-CCCC",
            address: "https://lapor.kota.example",
            day: "2026-11-30".into(),
            deadline: "2026-12-12".into(),
            with_identity,
        }
    }

    #[test]
    fn both_languages_say_what_is_lost_with_it_where_to_come_back_and_what_was_seen() {
        for with_identity in [false, true] {
            let slip = slip(with_identity);
            let page = html(&slip);
            for l in [Language::Id, Language::En] {
                let text = text(l, &slip);
                assert!(text.contains(slip.receipt) && text.contains(slip.address), "{text}");
                assert!(text.contains(l.pick("tidak ada yang dapat memulihkannya", "nobody can recover them")));
                assert!(text.contains(l.pick("Yang dilihat petugas", "What the officer saw")));
                assert_eq!(text.contains(l.pick("identitas Anda, dan", "who you are, and this")), with_identity);
                assert!(before(l, with_identity).contains(l.pick("TIDAK ADA yang dapat", "NOBODY can recover")));
                words(l, &slip).points.iter().for_each(|p| assert!(page.contains(&escaped(p)), "{p}"));
            }
            assert!(!page.contains("<b>Kota") && !page.contains("<script"), "text is text");
        }
    }
}
