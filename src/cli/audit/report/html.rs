//! A report as one page: printable, no script, nothing that is fetched, and a policy that forbids both. A handful of tables
//! needs no template library: everything that is not markup of this file goes through [`escaped`].

use super::document::{Document, Section};
use crate::markup::escaped;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#111;background:#fff}\
h1{font-size:1.5em}h2{font-size:1.1em;margin:1.8em 0 .4em;break-after:avoid}p{margin:.2em 0}\
table{border-collapse:collapse;width:100%;font-size:.9em}th,td{border:1px solid #888;padding:.25em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th{background:#eee}thead{display:table-header-group}tr{break-inside:avoid}\
@media print{body{margin:0;max-width:none;font-size:10pt}th{background:none}@page{margin:15mm}}";

pub fn write(document: &Document) -> String {
    let title = escaped(&document.title);
    let notes: String = document.notes.iter().map(|note| format!("<p>{}</p>\n", escaped(note))).collect();
    let sections: String = document.sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{notes}{sections}</main>\n</body>\n</html>\n",
        document.language
    )
}

fn section(section: &Section) -> String {
    let note = section.note.as_ref().map(|note| format!("<p>{}</p>\n", escaped(note))).unwrap_or_default();
    let head = format!("<section>\n<h2>{}</h2>\n{note}", escaped(&section.title));
    if section.rows.is_empty() {
        return format!("{head}<p>{}</p>\n</section>\n", escaped(section.none));
    }
    let row = |cells: &[String], open: &str, close: &str| {
        let cells: String = cells.iter().map(|cell| format!("{open}{}{close}", escaped(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let titles = row(&section.head, "<th scope=\"col\">", "</th>");
    let rows: String = section.rows.iter().map(|cells| row(cells, "<td>", "</td>")).collect();
    format!("{head}<table>\n<thead>\n{titles}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n")
}

#[cfg(test)]
mod tests {
    use super::super::document::{Document, Section};

    #[test]
    fn whatever_a_cell_says_is_text_on_the_page() {
        let bad = "</td><script>alert(1)</script><img src=x onerror='1'>\"&\u{7}";
        let all = || bad.to_owned();
        let section =
            Section { title: all(), note: Some(all()), head: vec![all()], rows: vec![vec![all()]], none: "none" };
        let document = Document { language: "en", title: all(), notes: vec![all()], sections: vec![section] };
        let page = super::write(&document);
        for never in ["<script", "<img", "</td><script", "onerror='", "\u{7}"] {
            assert!(!page.contains(never), "{never}");
        }
        assert_eq!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count(), 7);
    }
}
