//! What in a text may give its author away: phone numbers, identity numbers, addresses of mail, plates, names. Looked for on
//! the device alone, before anything is paid or sealed. Scenario 4.
//!
//! One list for page and command line, `web/src/warnings.json`, and one list of vectors, `tests/data/warnings.json`, which both
//! find the same in. The patterns know no lookaround: a letter or digit beside a match refuses it here.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

const TABLE: &str = include_str!("../../web/src/warnings.json");

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An address of mail.
    Email,
    /// A national identity number.
    Nik,
    /// A phone number.
    Phone,
    /// A vehicle's plate.
    Plate,
    /// A person's name.
    Name,
}

/// Something found, and where: bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// Its place.
    pub at: Range<usize>,
}

impl Finding {
    /// Line and character, both from 1, as an editor counts them.
    #[must_use]
    pub fn place(&self, text: &str) -> (usize, usize) {
        let before = text.get(..self.at.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

#[derive(Deserialize)]
struct Row {
    kind: Kind,
    pattern: String,
    group: usize,
}

#[derive(Deserialize)]
struct Table {
    patterns: Vec<Row>,
}

struct Patterns {
    rows: Vec<(Kind, Regex, usize)>,
    word: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let table: Table = serde_json::from_str(TABLE).expect("the list is part of the program, and a test reads it");
    let regex = |pattern: &str| Regex::new(pattern).expect("the list is part of the program, and a test reads it");
    let rows = table.patterns.iter().map(|row| (row.kind, regex(&row.pattern), row.group)).collect();
    Patterns { rows, word: regex(r"^[\p{L}\p{N}]$") }
});

impl Patterns {
    /// Is this one character of a word?
    fn is_word(&self, one: Option<char>) -> bool {
        one.is_some_and(|c| self.word.is_match(c.encode_utf8(&mut [0; 4])))
    }
}

/// All findings, in the order of the text; of two that overlap the one of the earlier pattern.
#[must_use]
pub fn find(text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (kind, pattern, group) in &PATTERNS.rows {
        for captures in pattern.captures_iter(text) {
            let (Some(whole), Some(meant)) = (captures.get(0), captures.get(*group)) else { continue };
            let before = text.get(..whole.start()).and_then(|t| t.chars().next_back());
            let behind = text.get(whole.end()..).and_then(|t| t.chars().next());
            let at = meant.range();
            let beside = PATTERNS.is_word(before) || PATTERNS.is_word(behind);
            if !beside && !found.iter().any(|f| at.start < f.at.end && f.at.start < at.end) {
                found.push(Finding { kind: *kind, at });
            }
        }
    }
    found.sort_by_key(|f| f.at.start);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        text: String,
        found: Vec<(Kind, String)>,
    }

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[test]
    fn scenario_4_page_and_command_line_find_the_same() {
        let all: Vectors = serde_json::from_str(include_str!("../../tests/data/warnings.json")).unwrap();
        assert!(all.vectors.iter().any(|v| v.found.is_empty()) && all.vectors.len() > 15);
        for Vector { text, found } in all.vectors {
            let ours: Vec<_> = find(&text).into_iter().map(|f| (f.kind, text[f.at].to_owned())).collect();
            assert_eq!(ours, found, "{text}");
        }
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let text = "😀 satu\n\nübel: 0812 3456 7890";
        let found = find(text);
        assert_eq!(found.iter().map(|f| f.place(text)).collect::<Vec<_>>(), [(3, 7)]);
    }
}
