//! A paper as it is printed: plain text, an HTML page, QR codes. All of it says what it is, what it is not good for, and
//! where to keep it, in Indonesian and in English.

use qrcode::render::{svg, unicode};
use qrcode::{EcLevel, QrCode};

use super::lines::{qr_texts, rows};
use super::{Day, Paper};
use crate::client::official::OfficialError;
use crate::markup::escaped;

/// What people read on it. Nothing here is secret, and nothing of it is read again.
pub struct About {
    /// Whose it is.
    pub name: String,
    /// Of the official's card.
    pub fingerprint: String,
    /// One line for each council whose share is on it; without any, only the official's own keys are.
    pub councils: Vec<String>,
    /// Shares that are not on it, since they were superseded; for the command to say.
    pub left_out: Vec<String>,
    /// When it was made.
    pub day: Day,
}

struct Words {
    language: &'static str,
    title: &'static str,
    whose: &'static str,
    made: &'static str,
    holds: &'static str,
    no_share: &'static str,
    points: [&'static str; 6],
    how: &'static str,
}

const INDONESIAN: Words = Words {
    language: "id",
    title: "Cadangan kunci pejabat Tabir",
    whose: "Milik",
    made: "Dibuat",
    holds: "Isi: kunci Anda sendiri, dan bagian kunci dari",
    no_share: "Isi: kunci Anda sendiri saja (belum ada bagian kunci dewan)",
    points: [
        "Apa ini: salinan kunci Anda, terkunci dengan kata sandi Anda. Jika laptop Anda rusak atau hilang, kertas ini \
         dan kata sandi itu memulihkannya di laptop lain.",
        "Simpan terpisah dari kata sandi. Jangan tulis kata sandi di kertas ini, dan jangan simpan keduanya, atau \
         kertas dan laptop, di satu tempat. Siapa yang punya keduanya dapat bertindak sebagai Anda.",
        "Tidak berlaku lagi sesudah dewan memperbarui atau membagi ulang kunci, dan sesudah Anda mengganti kata \
         sandi. Cetak yang baru, lalu bakar atau hancurkan yang ini: bagian lama dari beberapa pejabat bersama-sama \
         tetap berbahaya.",
        "Lupa kata sandi: kertas ini tidak menolong, tidak ada yang dapat membukanya. Minta pejabat lain membagi \
         ulang kunci tanpa Anda.",
        "Laptop atau kertas ini dicuri, atau dilihat orang: jangan pulihkan. Beri tahu pejabat lain hari ini juga.",
        "Jangan difoto, dipindai, atau dikirim. Hapus berkasnya sesudah dicetak.",
    ],
    how: "Cara memakai, di laptop lain: ketik, atau pindai kode QR, lalu",
};

const ENGLISH: Words = Words {
    language: "en",
    title: "Backup of an official's keys for Tabir",
    whose: "Belongs to",
    made: "Made on",
    holds: "Holds: your own keys, and your share of the key of",
    no_share: "Holds: your own keys only (no share of a council's key yet)",
    points: [
        "What this is: a copy of your keys, locked with your passphrase. If your laptop breaks or is lost, this paper \
         and that passphrase bring your keys back on another laptop.",
        "Keep it apart from the passphrase. Never write the passphrase on it, and never keep the two, or paper and \
         laptop, in one place. Whoever has both can act as you.",
        "No good any more after the council has refreshed or reshared its key, and after you changed your passphrase. \
         Print a new one then, and burn or shred this one: old shares of several officials together stay dangerous.",
        "Forgotten passphrase: this paper does not help, nobody can open it. Ask the other officials to reshare the \
         key without you.",
        "Laptop or paper stolen, or seen by somebody: do not restore. Tell the other officials today.",
        "Do not photograph, scan or send it. Delete the files after printing.",
    ],
    how: "To use it, on another laptop: type it in, or scan the QR codes, then",
};

const COMMAND: &str = "tabir council restore --out FOLDER --server URL --trust trust.json";
const WIDTH: usize = 78;

/// Words in lines of at most [`WIDTH`] characters, later ones set in under the first.
fn wrapped(text: &str, first: &str) -> String {
    let (mut lines, mut line) = (String::new(), first.to_owned());
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += &line;
            lines.push('\n');
            line = " ".repeat(first.chars().count());
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    lines + &line + "\n"
}

fn words_as_text(words: &Words, about: &About) -> String {
    let mut text = format!("{}\n\n", words.title.to_uppercase());
    text += &wrapped(&format!("{}: {}", words.whose, about.name), "");
    text += &wrapped(&about.fingerprint, "  ");
    text += &format!("{}: {}\n", words.made, about.day);
    if about.councils.is_empty() {
        text += &format!("{}.\n", words.no_share);
    } else {
        text += &format!("{}:\n", words.holds);
        about.councils.iter().for_each(|council| text += &wrapped(council, "  "));
    }
    text.push('\n');
    words.points.iter().for_each(|point| text += &wrapped(point, "* "));
    text + &format!("\n{}:\n  {COMMAND}\n", words.how)
}

/// The plain text: words, then the rows.
#[must_use]
pub fn text(paper: &Paper, about: &About) -> String {
    let words =
        [INDONESIAN, ENGLISH].map(|words| words_as_text(&words, about)).join(&format!("\n{}\n\n", "-".repeat(WIDTH)));
    format!("{words}\n{}\n\n{}\n", "-".repeat(WIDTH), rows(paper.as_bytes()).join("\n"))
}

fn codes(paper: &Paper) -> Result<Vec<QrCode>, OfficialError> {
    let code = |text: String| {
        QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
            .map_err(|_| OfficialError::from(tabir_crypto::Code::TooLong))
    };
    qr_texts(paper.as_bytes()).into_iter().map(code).collect()
}

/// The QR codes for a terminal, dark on light whatever its colours.
pub fn qr_codes(paper: &Paper) -> Result<Vec<String>, OfficialError> {
    let draw = |code: QrCode| {
        let (dark, light) = (unicode::Dense1x2::Light, unicode::Dense1x2::Dark);
        code.render::<unicode::Dense1x2>().dark_color(dark).light_color(light).build()
    };
    Ok(codes(paper)?.into_iter().map(draw).collect())
}

fn words_as_html(words: &Words, about: &About) -> String {
    let mut html = format!("<section lang=\"{}\"><h1>{}</h1>\n", words.language, words.title);
    html += &format!(
        "<p>{}: <b>{}</b><br><code>{}</code><br>{}: {}</p>\n",
        words.whose,
        escaped(&about.name),
        escaped(&about.fingerprint),
        words.made,
        about.day
    );
    if about.councils.is_empty() {
        html += &format!("<p>{}.</p>\n", words.no_share);
    } else {
        html += &format!("<p>{}:</p>\n<ul>", words.holds);
        about.councils.iter().for_each(|council| html += &format!("<li><code>{}</code></li>", escaped(council)));
        html += "</ul>\n";
    }
    html += "<ol>";
    words.points.iter().for_each(|point| html += &format!("<li>{}</li>\n", escaped(point)));
    html + &format!("</ol>\n<p>{}:<br><code>{COMMAND}</code></p></section>\n", words.how)
}

const HEAD: &str = "<!doctype html>\n<html lang=\"id\"><head><meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
    <title>Tabir</title>\n<style>\n\
    body{font:11pt/1.35 sans-serif;max-width:18cm;margin:1cm auto;color:#000;background:#fff}\n\
    h1{font-size:14pt;margin:0 0 .4em}p,ol,ul{margin:.4em 0}section{margin-bottom:.8cm}\n\
    code,pre{font-family:monospace}pre{font-size:11pt;line-height:1.5}\n\
    figure{display:inline-block;margin:.4cm .6cm .4cm 0;break-inside:avoid}svg{width:8cm;height:8cm;display:block}\n\
    pre{break-inside:avoid}\n\
    </style></head><body>\n";

/// A page that needs nothing from elsewhere: no script, no font, no address.
pub fn html(paper: &Paper, about: &About) -> Result<String, OfficialError> {
    let mut html = HEAD.to_owned();
    [INDONESIAN, ENGLISH].iter().for_each(|words| html += &words_as_html(words, about));
    let codes = codes(paper)?;
    let count = codes.len();
    for (k, code) in (1..).zip(codes) {
        let drawn = code.render::<svg::Color<'_>>().min_dimensions(320, 320).build();
        let drawn = drawn.find("<svg").and_then(|at| drawn.get(at..)).unwrap_or_default();
        html += &format!("<figure>{drawn}<figcaption>QR {k} / {count}</figcaption></figure>\n");
    }
    html += &format!("<pre>{}</pre>\n</body></html>\n", rows(paper.as_bytes()).join("\n"));
    Ok(html)
}
