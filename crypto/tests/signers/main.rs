//! The table of `docs/signers.md`: which statement needs whose signature. Nobody writes it down: each row is found by
//! asking `rule::check` about every choice of signers, so the table can't say anything else than the code does.

#[path = "../common/world.rs"]
mod world;

mod cases;

use std::collections::BTreeSet;

use cases::{CASE_KEYS, Case, OTHERS, cases};
use tabir_crypto::Code;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Statement, Verb};
use world::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/signers.md");
const BEGIN: &str = "<!-- found by crypto/tests/signers -->\n";
const END: &str = "<!-- until here -->\n";
/// Of the council in these cases.
pub const T: usize = 2;
pub const N: usize = 4;

/// Who may be asked for a signature.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Who {
    Role(Role),
    Auditors,
    /// Auditors of the next trust root, who are none in the present one.
    NextAuditors,
    /// The council of the cases.
    Officials,
    /// People who come: members of a council that is not there yet.
    Newcomers,
}

/// Everybody there is, by the capacity in which they sign.
fn everybody() -> Vec<(Who, Vec<SigningKey>)> {
    let roles = Role::ALL.map(|r| (Who::Role(r), vec![role(r)]));
    let people = [(Who::Newcomers, cases::newcomers()), (Who::Officials, cases::officials())];
    let auditors = [(Who::Auditors, (0..3).map(auditor).collect()), (Who::NextAuditors, cases::next_auditors())];
    people.into_iter().chain(roles).chain(auditors).collect()
}

/// So many of these, in words. Whoever is no group of the table makes the test fail.
fn words(who: Who, known: usize, count: usize, newcomers: bool) -> String {
    match (who, known, count) {
        (Who::Role(role), 1, 1) => role.as_str(),
        (Who::Auditors, 2, 2) => "each holder of a part",
        (Who::Auditors, 3, 1) => "one auditor",
        (Who::Auditors, 3, 2) => "the auditors' quorum",
        (Who::NextAuditors, 3, 2) => "the next version's auditors' quorum",
        (Who::Officials, 1, 1) => "the official whom it names",
        (Who::Officials, N, T) if newcomers => "t officials of the council before",
        (Who::Officials, N, T) => "t of its officials",
        (Who::Officials, 3, T) => "t of the approvers whom the release names",
        (Who::Officials, 3, 3) => "all dealers whom it names",
        (Who::Officials | Who::Newcomers, N, N) => "all n members",
        _ => panic!("{count} of {known} of {who:?} has no words"),
    }
    .to_owned()
}

/// So many signers of each group. The first ones, or the last ones.
fn signers(groups: &[(Who, Vec<SigningKey>)], counts: &[usize], last: bool) -> Vec<SigningKey> {
    let some = |((_, keys), count): (&(Who, Vec<SigningKey>), &usize)| {
        let from = if last { keys.len() - count } else { 0 };
        keys[from..from + count].to_vec()
    };
    groups.iter().zip(counts).flat_map(some).collect()
}

fn verdict(case: &Case, keys: &[SigningKey]) -> Result<(), Code> {
    let mut statement = case.unsigned.clone();
    keys.iter().for_each(|key| statement.sign(key));
    (case.check)(&statement).map_err(|e| e.code())
}

/// Every choice of so many from each group, but the empty one.
fn choices(groups: &[(Who, Vec<SigningKey>)]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for (_, keys) in groups {
        let longer = |counts: &Vec<usize>| -> Vec<Vec<usize>> {
            (0..=keys.len()).map(|count| [counts.as_slice(), &[count]].concat()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all.retain(|counts| counts.iter().any(|count| *count > 0));
    all
}

fn covers(more: &[usize], less: &[usize]) -> bool {
    more.iter().zip(less).all(|(more, less)| more >= less)
}

/// Who must sign, and who may stand beside, in words.
fn row(case: &Case) -> (String, String) {
    let at = format!("{} {}", case.unsigned.verb().as_str(), case.when);
    assert_eq!(verdict(case, &[stranger()]), Err(Code::UnknownKey), "{at}");
    // Whose signature is refused for whose it is has no say here at all.
    let has_say = |key: &SigningKey| verdict(case, core::slice::from_ref(key)) != Err(Code::UnknownKey);
    let known = |(who, keys): (Who, Vec<SigningKey>)| (who, keys.into_iter().filter(has_say).collect::<Vec<_>>());
    let groups: Vec<_> = everybody().into_iter().map(known).filter(|(_, keys)| !keys.is_empty()).collect();

    let choices = choices(&groups);
    let suffices = |counts: &Vec<usize>| {
        let first = verdict(case, &signers(&groups, counts, false));
        // Where somebody is left out, it must not matter who.
        if groups.iter().zip(counts).any(|((_, keys), count)| (1..keys.len()).contains(count)) {
            assert_eq!(first, verdict(case, &signers(&groups, counts, true)), "{at}: {counts:?}");
        }
        assert!(matches!(first, Ok(()) | Err(Code::Insufficient)), "{at}: {first:?}");
        first.is_ok()
    };
    let enough: Vec<_> = choices.iter().filter(|counts| suffices(counts)).collect();
    let least: Vec<_> =
        enough.iter().filter(|counts| !enough.iter().any(|less| less != *counts && covers(counts, less))).collect();
    for counts in &choices {
        let more = least.iter().any(|less| covers(counts, less));
        assert_eq!(more, enough.contains(&counts), "{at}: a signature more never does harm: {counts:?}");
    }

    let newcomers = groups.iter().any(|(who, _)| *who == Who::Newcomers);
    let in_words = |counts: &&Vec<usize>| {
        let signing = groups.iter().zip(counts.iter()).filter(|(_, count)| **count > 0);
        let parts: Vec<_> = signing.map(|((who, keys), count)| words(*who, keys.len(), *count, newcomers)).collect();
        parts.join(" and ")
    };
    let mut sets: Vec<_> = least.iter().rev().map(|counts| (counts.iter().sum::<usize>(), in_words(counts))).collect();
    sets.sort_by_key(|(signatures, _)| *signatures);
    let must = sets.into_iter().map(|(_, set)| set).collect::<Vec<_>>().join("; *or* ");

    let never_needed = |(i, _): &(usize, &(Who, Vec<SigningKey>))| least.iter().all(|counts| counts[*i] == 0);
    let beside = groups.iter().enumerate().filter(never_needed).map(|(_, (who, _))| match who {
        Who::Auditors => "an auditor",
        Who::Officials => "officials of the council before",
        _ => panic!("{at}: {who:?} beside has no words"),
    });
    (must, beside.collect::<Vec<_>>().join(", "))
}

fn table() -> String {
    let mut lines = "| statement | when | must sign | may stand beside |\n| --- | --- | --- | --- |\n".to_owned();
    for case in cases() {
        let (must, beside) = row(&case);
        lines += &format!("| `{}` | {} | {must} | {beside} |\n", case.unsigned.verb().as_str(), case.when);
    }
    lines
}

#[test]
fn the_table_of_signers_says_what_the_code_does() {
    let file = std::fs::read_to_string(FILE).expect("docs/signers.md");
    let (_, rest) = file.split_once(BEGIN).expect("the table's begin");
    let (written, _) = rest.split_once(END).expect("the table's end");
    let found = table();
    assert!(written == found, "docs/signers.md must have this table:\n{found}");
}

#[test]
fn every_verb_stands_in_the_table_or_among_those_decided_elsewhere() {
    let rows = cases();
    let in_table: BTreeSet<_> = rows.iter().map(|case| case.unsigned.verb().as_str()).collect();
    let file = std::fs::read_to_string(FILE).expect("docs/signers.md");
    let (_, elsewhere) = file.split_once(END).expect("the table's end");
    for verb in Verb::ALL {
        let other = CASE_KEYS.contains(&verb) || OTHERS.contains(&verb);
        assert!(other != in_table.contains(verb.as_str()), "{}: in one of both", verb.as_str());
        assert_eq!(other, elsewhere.contains(&format!("`{}`", verb.as_str())), "{}: said below", verb.as_str());
    }
}

#[test]
fn what_is_decided_elsewhere_is_refused_whoever_signs() {
    let log = Log::new();
    for unsigned in cases::elsewhere() {
        for (_, keys) in everybody() {
            let mut statement: Statement = unsigned.clone();
            keys.iter().for_each(|key| statement.sign(key));
            refused(tabir_crypto::trust::rule::check(&log.trust, &log.state, &statement), Code::Verb);
        }
    }
}
