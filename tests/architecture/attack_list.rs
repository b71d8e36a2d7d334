//! `threat-model/unsealing.md` names what is there: every row an attack, who makes it, what stops it, the test that
//! plays it, and the patch without which that test goes red, or why there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::Source;

/// Its tables of attacks; other tables are read over.
const HEAD: [&str; 5] = ["attack", "by", "what stops it", "test", "patch"];

/// What the tree has.
pub struct Tree {
    /// Names of tests, each with the names of the files (or their folders) that hold one.
    tests: BTreeMap<String, BTreeSet<String>>,
    /// Patches by name, each with the full name of its test.
    patches: BTreeMap<String, String>,
}

impl Tree {
    pub fn new(files: &[Source], patches: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in files {
            for name in tests_of(&file.text) {
                tests
                    .entry(name)
                    .or_default()
                    .extend(file.path.split('/').map(|p| p.trim_end_matches(".rs").to_owned()));
            }
        }
        Self { tests, patches: patches.into_iter().collect() }
    }

    pub fn of(top: &Path) -> Self {
        let files: Vec<Source> =
            ["src", "crypto/src", "crypto/tests", "tests"].iter().flat_map(|f| Source::under(top, f)).collect();
        let patches = std::fs::read_dir(top.join("tests/without")).expect("a folder of the tree").filter_map(|entry| {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_name()?.to_str()?.strip_suffix(".patch")?.to_owned();
            let text = std::fs::read_to_string(&path).expect("a readable patch");
            Some((name, text.lines().next()?.split(' ').next_back()?.to_owned()))
        });
        Self::new(&files, patches)
    }

    /// Names of the tests in a folder.
    pub fn tests_in<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a String> {
        self.tests.iter().filter(move |(_, places)| places.contains(folder)).map(|(name, _)| name)
    }

    pub fn has_test(&self, name: &str) -> bool {
        let mut path = name.rsplit("::");
        let found = path.next().and_then(|last| self.tests.get(last));
        found.is_some_and(|places| path.all(|module| module == "tests" || places.contains(module)))
    }
}

/// Functions under `#[test]` or `#[tokio::test]`.
fn tests_of(text: &str) -> Vec<String> {
    let (mut found, mut marked) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            found.extend(rest.split('(').next().map(str::to_owned));
            marked = false;
        }
    }
    found
}

/// Names in backticks that pass the given test.
pub fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The rows of all tables with this head, each with its line number and its cells.
pub fn rows<'a>(list: &'a str, head: &[&str]) -> Vec<(usize, Vec<&'a str>)> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (number, line) in (1..).zip(list.lines()) {
        let Some(row) = line.strip_prefix('|') else {
            inside = false;
            continue;
        };
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        if cells == head {
            inside = true;
        } else if inside && !cells.iter().all(|c| c.trim_matches('-').is_empty() && !c.is_empty()) {
            found.push((number, cells));
        }
    }
    found
}

/// What is wrong with the list, as `line: what`.
pub fn defects(list: &str, tree: &Tree) -> Vec<String> {
    let (mut found, mut attacks) = (Vec::new(), BTreeSet::new());
    for (number, cells) in rows(list, &HEAD) {
        let mut say = |what: String| found.push(format!("{number}: {what}"));
        let [attack, by, stops, tests, patches] = cells.as_slice() else {
            say(format!("{} cells", cells.len()));
            continue;
        };
        if attack.is_empty() || by.is_empty() || stops.is_empty() {
            say("an empty cell".into());
        }
        if !attacks.insert((*attack).to_owned()) {
            say("an attack twice".into());
        }
        let tests = quoted(tests);
        if tests.is_empty() {
            say("no test".into());
        }
        tests.iter().filter(|t| !tree.has_test(t)).for_each(|t| say(format!("no test is called {t}")));
        let named: Vec<&str> = quoted(patches).into_iter().filter_map(|p| p.strip_suffix(".patch")).collect();
        if named.is_empty() && patches.strip_prefix("–: ").is_none_or(|why| why.len() < 10) {
            say("neither a patch nor why there is none".into());
        }
        for patch in named {
            match tree.patches.get(patch) {
                None => say(format!("no patch is called {patch}")),
                Some(test) if !tests.contains(&test.as_str()) => {
                    say(format!("{patch} is for {test}, which the row lacks"))
                }
                Some(_) => {}
            }
        }
    }
    if attacks.is_empty() {
        found.push("0: no attack".into());
    }
    found
}
