//! `threat-model/log.md` names every lie: who must collude for it, what shows it, the check that says so, and the test in
//! `tests/lies` that tells it. Both ways: no row without its test, no test without its row.

use std::collections::BTreeSet;

use tabir::client::audit::{CHECKPOINT_CHECK, LOG_CHECK, TIMES_CHECK};
use tabir_crypto::trust::{audit, windows};

use crate::attack_list::{Tree, quoted, rows};

/// Its tables; all have this head.
const HEAD: [&str; 5] = ["lie", "who must collude", "what shows it", "check", "test"];
/// The folder of the tests.
const FOLDER: &str = "lies";
/// What shows only to who has an older copy.
const FETCH: &str = "fetch: ";

fn is_check(name: &str) -> bool {
    [LOG_CHECK, CHECKPOINT_CHECK, TIMES_CHECK].iter().chain(&audit::CHECKS).chain(&windows::CHECKS).any(|c| *c == name)
}

/// What is wrong with the list, as `line: what`.
pub fn defects(list: &str, tree: &Tree) -> Vec<String> {
    let (mut found, mut named) = (Vec::new(), BTreeSet::new());
    for (number, cells) in rows(list, &HEAD) {
        let mut say = |what: String| found.push(format!("{number}: {what}"));
        let [lie, who, shows, checks, tests] = cells.as_slice() else {
            say(format!("{} cells", cells.len()));
            continue;
        };
        if lie.is_empty() || who.is_empty() || shows.is_empty() {
            say("an empty cell".into());
        }
        let none = checks.strip_prefix("–: ").is_some_and(|why| why.len() >= 10);
        if quoted(checks).is_empty() && !none {
            say("neither a check nor why there is none".into());
        }
        if !checks.starts_with(FETCH) {
            quoted(checks).into_iter().filter(|c| !is_check(c)).for_each(|c| say(format!("no check is called {c}")));
        }
        if quoted(tests).is_empty() {
            say("no test".into());
        }
        for test in quoted(tests) {
            if !tree.has_test(test) {
                say(format!("no test is called {test}"));
            }
            if !named.insert(test.rsplit("::").next().unwrap_or(test).to_owned()) {
                say(format!("{test} twice"));
            }
        }
    }
    // The clean log stands above the tables.
    let told = tree.tests_in(FOLDER).filter(|t| !named.contains(*t) && !list.contains(&format!("`{t}`")));
    found.extend(told.map(|t| format!("0: the test {t} has no row")));
    if named.is_empty() {
        found.push("0: no lie".into());
    }
    found
}
