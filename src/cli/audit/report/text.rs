//! A report for a terminal.

use comfy_table::{ContentArrangement, Table, presets};

use super::super::words::plain;
use super::document::{Document, Section};

pub fn write(document: &Document) -> String {
    let mut out = format!("{}\n", plain(&document.title));
    for note in &document.notes {
        out.push_str(&plain(note));
        out.push('\n');
    }
    for section in &document.sections {
        out.push('\n');
        out.push_str(&table(section));
    }
    out
}

fn table(section: &Section) -> String {
    let note = section.note.as_ref().map(|note| format!("{}\n", plain(note))).unwrap_or_default();
    let head = format!("{}\n{note}", plain(&section.title).to_uppercase());
    if section.rows.is_empty() {
        return format!("{head}  {}\n", section.none);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(section.head.iter().map(|cell| plain(cell)));
    for row in &section.rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    format!("{head}{}\n", table.trim_fmt())
}
