//! Reading a TOML file against its schema to the end: what is wrong is noted and left out, and reading goes on.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::{CONFIGURATION, Finding, Level, Located, hint};

/// A file has fewer mistakes than this, or is no configuration.
const MOST: usize = 200;

/// One value of the file, tables included.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Keys from the top; an element of a list is its number.
    pub path: Vec<String>,
    key: Range<usize>,
    value: Range<usize>,
    /// The text of a string or number, none of a table or list.
    pub text: Option<String>,
    /// Whether it is a string.
    pub string: bool,
}

impl Entry {
    /// The last key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// With dots between.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

/// A file with the places of all that stands in it.
pub struct Document {
    /// The file, as it was named.
    pub name: String,
    starts: Vec<usize>,
    /// Every value.
    pub entries: Vec<Entry>,
    /// What the schema refuses.
    pub found: Vec<Located>,
}

impl Document {
    /// Reads as much as can be read.
    pub fn read<T: DeserializeOwned>(file: &Path, text: &str) -> (Self, Option<T>) {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut this = Self { name: file.display().to_string(), starts, entries: Vec::new(), found: Vec::new() };
        let (mut table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let what = error.message().lines().next().unwrap_or("not TOML").to_owned();
            this.note(error.span().map_or(0, |s| s.start), "", what, "Mend this line; toml.io shows the format.");
        }
        if !errors.is_empty() {
            return (this, None);
        }
        collect(table.get_ref(), &mut Vec::new(), &mut this.entries);
        let value = this.schema(&mut table);
        (this, value)
    }

    /// Notes what does not fit, takes it out, and tries again.
    fn schema<T: DeserializeOwned>(&mut self, table: &mut Spanned<DeTable<'_>>) -> Option<T> {
        let mut gone = BTreeSet::new();
        for _ in 0..MOST {
            let error = match T::deserialize(toml::Deserializer::from(table.clone())) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let path = self.take(&error, &gone)?;
            if !remove(table.get_mut(), &path) {
                return None;
            }
            gone.insert(path);
        }
        None
    }

    /// Notes one error, and says what must go.
    fn take(&mut self, error: &Error, gone: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
        let (message, span) = (error.message(), error.span().unwrap_or(0..0));
        if let Some(field) = hint::missing(message) {
            let table = self.entries.iter().find(|e| e.value == span && !gone.contains(&e.path));
            let path = table.map(|e| e.path.clone()).unwrap_or_default();
            let whole = [&path[..], &[field.to_owned()]].concat();
            // What was taken out for another mistake is not missing as well.
            if !gone.contains(&whole) {
                let what = format!("`{field}` is missing");
                self.note(span.start, &path.join("."), what, &format!("Add a line `{field} = …` to this section."));
            }
            return (!path.is_empty()).then_some(path);
        }
        let entry = self.at(&span)?.clone();
        let (what, todo) = hint::of(message, &entry);
        self.note(entry.key.start, &entry.dotted(), what, &todo);
        Some(entry.path)
    }

    /// The entry whose key or value this is, or the smallest one around it.
    fn at(&self, span: &Range<usize>) -> Option<&Entry> {
        let exact = self.entries.iter().find(|e| e.key == *span || e.value == *span);
        let around = |e: &&Entry| e.value.start <= span.start && span.end <= e.value.end;
        exact.or_else(|| self.entries.iter().filter(around).min_by_key(|e| e.value.len()))
    }

    fn note(&mut self, at: usize, key: &str, what: String, todo: &str) {
        let line = self.line(at);
        self.found.push((line, Finding::new(Level::Error, CONFIGURATION, self.place(line, key), what, todo)));
    }

    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    fn place(&self, line: usize, key: &str) -> String {
        let gap = if key.is_empty() { "" } else { " " };
        format!("{}:{line}{gap}{key}", self.name)
    }

    /// The line of a key, or of the nearest table above it; 0 for what the file says nothing of.
    #[must_use]
    pub fn line_of(&self, path: &[&str]) -> usize {
        let mut path = path;
        loop {
            if let Some(entry) = self.entries.iter().find(|e| e.path == path) {
                return self.line(entry.key.start);
            }
            match path.split_last() {
                Some((_, above)) => path = above,
                None => return 0,
            }
        }
    }

    /// Adds a finding about a key of this file.
    pub fn about(&self, path: &[&str], level: Level, check: &'static str, what: String, todo: &str) -> Located {
        let line = self.line_of(path);
        let key = path.join(".");
        let place = if line == 0 { format!("{} {key}", self.name) } else { self.place(line, &key) };
        (line, Finding::new(level, check, place, what, todo))
    }
}

fn collect(table: &DeTable<'_>, path: &mut Vec<String>, entries: &mut Vec<Entry>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        one(key.span(), value, path, entries);
        path.pop();
    }
}

fn one(key: Range<usize>, value: &Spanned<DeValue<'_>>, path: &mut Vec<String>, entries: &mut Vec<Entry>) {
    let (text, string) = match value.get_ref() {
        DeValue::String(s) => (Some(s.to_string()), true),
        DeValue::Integer(i) => (Some(i.as_str().to_owned()), false),
        _ => (None, false),
    };
    entries.push(Entry { path: path.clone(), key, value: value.span(), text, string });
    match value.get_ref() {
        DeValue::Table(table) => collect(table, path, entries),
        DeValue::Array(list) => {
            for (n, element) in list.iter().enumerate() {
                path.push(n.to_string());
                one(element.span(), element, path, entries);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Takes a value out; an element of a list takes its list along, so that the others keep their numbers.
fn remove(table: &mut DeTable<'_>, path: &[String]) -> bool {
    let [first, rest @ ..] = path else { return false };
    let Some(key) = table.keys().find(|k| k.get_ref() == first.as_str()).cloned() else { return false };
    let inner = match table.get_mut(&key).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) if !rest.is_empty() => Some(remove(inner, rest)),
        Some(DeValue::Array(list)) => match rest {
            // One table of a list of tables loses its key only.
            [n, more @ ..] if !more.is_empty() => {
                match list.get_mut(n.parse().unwrap_or(usize::MAX)).map(Spanned::get_mut) {
                    Some(DeValue::Table(inner)) => Some(remove(inner, more)),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    };
    inner.unwrap_or_else(|| table.remove(&key).is_some())
}
