//! A report for a spreadsheet: RFC 4180, each table under a line with its title. What a spreadsheet would take for a
//! formula gets an apostrophe before it, as OWASP advises ("CSV Injection"): it is shown as text in every one of them.

use super::document::Document;

pub fn write(document: &Document) -> String {
    let mut out = String::new();
    line(&mut out, [document.title.as_str()]);
    for note in &document.notes {
        line(&mut out, [note.as_str()]);
    }
    for section in &document.sections {
        out.push_str("\r\n");
        line(&mut out, [section.title.as_str()]);
        if section.rows.is_empty() {
            line(&mut out, [section.none]);
            continue;
        }
        line(&mut out, section.head.iter().map(String::as_str));
        for row in &section.rows {
            line(&mut out, row.iter().map(String::as_str));
        }
    }
    out
}

fn line<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn cell(text: &str) -> String {
    // A spreadsheet may drop what it does not show and then look at the first letter.
    let seen = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    let is_formula = seen.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let guarded = if is_formula || text.starts_with(['\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\r', '\n', ';', '\t', '\'']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_out_of_its_place() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\u{ff1d}1", "\r=1", "\n1", "\u{a0}=1"] {
            let cell = cell(formula);
            assert!(cell.starts_with("\"'"), "{formula:?} {cell:?}");
        }
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"a\"\r\n=1"), "\"say \"\"a\"\"\r\n=1\"");
        assert_eq!(cell("court"), "court");
        assert_eq!(cell(""), "");
    }
}
