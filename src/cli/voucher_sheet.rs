//! A batch of vouchers on paper: one slip a code, to be cut apart. A slip does not name its desk: whoever finds it on a
//! person would learn where she was.

use crate::markup::escaped;

/// What stands on a sheet.
pub struct Sheet<'a> {
    /// The operator's name of the desk, for the head of the sheet.
    pub desk: &'a str,
    /// The batch's number.
    pub id: u64,
    /// Last day, `YYYY-MM-DD`.
    pub until: &'a str,
    /// The gateway's address for people, if it is to be printed.
    pub url: Option<&'a str>,
    /// The codes.
    pub codes: &'a [String],
}

const STYLE: &str = "body{font:13px/1.4 system-ui,sans-serif;margin:1.5em;color:#111;background:#fff}h1{font-size:1.2em}\
main{display:grid;grid-template-columns:repeat(2,1fr)}section{border:1px dashed #888;padding:1em;break-inside:avoid}\
code{display:block;font:bold 1.5em monospace;margin:.3em 0}p{margin:.2em 0}\
@media print{body{margin:0}header{break-after:page}@page{margin:12mm}}";

impl Sheet<'_> {
    fn words(&self) -> [String; 2] {
        let at = |of: &str| self.url.map(|url| format!("{of}: {url}. ")).unwrap_or_default();
        [
            format!(
                "Kode sekali pakai untuk melapor tanpa nama. {}Berlaku sampai {}. Jangan tunjukkan kepada siapa pun.",
                at("Alamat"),
                self.until
            ),
            format!(
                "One-use code to report without a name. {}Valid until {}. Show it to nobody.",
                at("Address"),
                self.until
            ),
        ]
    }

    fn head(&self) -> String {
        format!(
            "Vouchers, batch {}: {} ({} codes, until {}). Cut apart, mix, let people draw one; note nowhere who got which. \
             Kupon: potong, campur, biarkan orang mengambil satu; jangan catat siapa mendapat yang mana.",
            self.id,
            self.desk,
            self.codes.len(),
            self.until
        )
    }

    /// Plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let [id, en] = self.words();
        let slips: String = self.codes.iter().map(|code| format!("{code}\n  {id}\n  {en}\n\n")).collect();
        format!("{}\n\n{slips}", self.head())
    }

    /// One page without scripts or anything that is fetched.
    #[must_use]
    pub fn html(&self) -> String {
        let [id, en] = self.words().map(|text| escaped(&text));
        let slip = |code: &String| {
            format!("<section><code>{}</code><p lang=\"id\">{id}</p><p>{en}</p></section>\n", escaped(code))
        };
        let slips: String = self.codes.iter().map(slip).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>Vouchers</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{}</h1></header>\n<main>\n{slips}</main>\n</body>\n</html>\n",
            escaped(&self.head())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_each_code_once_and_no_slip_names_the_desk() {
        let codes = ["AAAA-AAAA-AAAA-AAAA".to_owned(), "BBBB-BBBB-BBBB-BBBB".to_owned()];
        let url = Some("https://lapor.kota.example");
        let sheet = Sheet { desk: "Balai <Kota>", id: 3, until: "2027-01-31", url, codes: &codes };
        let (text, html) = (sheet.text(), sheet.html());
        for code in &codes {
            assert_eq!((text.matches(code.as_str()).count(), html.matches(code.as_str()).count()), (1, 1));
        }
        assert_eq!(text.matches("Balai <Kota>").count(), 1);
        assert_eq!((html.matches("Balai &lt;Kota&gt;").count(), html.contains("<Kota>")), (1, false));
        assert_eq!(text.matches("https://lapor.kota.example. Valid until 2027-01-31").count(), 2);
        let plain = Sheet { url: None, ..sheet }.text();
        assert!(plain.contains("without a name. Valid until 2027-01-31"), "{plain}");
    }
}
