//! Of a clean installation nothing is said. A log as long as a city's may become: clean, nothing is said of it; with a lie in its middle and one at its end, both
//! are named and nothing else. `make test` has a short one, `make audit-million` one of 10^6 entries and the real program.

use tabir_crypto::statement::Verb;

use crate::clean::{Window, clean};
use crate::forge::{GOVERNANCE, INTAKE};
use crate::scale::{Plan, audited, middle};
use crate::verdict::{failures, said};

/// Of the short form; long enough that an audit in little memory writes many runs to its file.
const SHORT: u64 = 20_000;
const MILLION: u64 = 1_000_000;

/// One report that was accepted is forwarded nowhere.
fn drop_one(window: &mut Window) {
    let forwarded = window.said.iter_mut().find(|(_, verb, _)| *verb == Verb::ReportForwarded);
    forwarded.expect("a window with reports").2.nf.pop();
}

fn lies(entries: u64) -> Plan {
    Plan { entries, lie: Some((middle(entries), drop_one)), again: true }
}

#[tokio::test]
async fn a_clean_installation_raises_nothing() {
    let forge = clean();
    said(&forge, &[]).await;
    assert!(forge.governance.size() > 50 && forge.intake.size() > 100);
    assert!([GOVERNANCE, INTAKE].into_iter().all(|log| forge.clone().log(log).kept.len() >= 40));
}

#[tokio::test]
async fn a_long_clean_log_raises_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let made = Plan { entries: SHORT, ..Plan::default() }.write(dir.path());
    assert!(made.size >= SHORT);
    assert_eq!(failures(dir.path()).await, Vec::<String>::new());
}

#[tokio::test]
async fn two_lies_far_apart_in_a_long_log_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let made = lies(SHORT).write(dir.path());
    let (window, entry) = (middle(SHORT), made.lie.unwrap());
    assert_eq!(
        failures(dir.path()).await,
        [
            format!("intake.once duplicate intake {}", made.size - 1),
            format!("windows.counts missing intake {entry} window {window} reports 1"),
        ]
    );
}

#[test]
#[ignore = "minutes in a release build: make audit-million"]
fn a_clean_log_of_a_million_entries_raises_nothing() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let made = Plan { entries: MILLION, ..Plan::default() }.write(dir.path());
    let audited = audited(dir.path());
    let (seconds, cpu, peak) = (audited.seconds, audited.cpu_seconds, audited.peak_mb);
    println!("{} entries: {seconds:.0} s, {cpu:.0} s of CPU, {peak:.0} MB at most", made.size);
    assert_eq!((audited.failures(), &audited.said["ok"]), (Vec::new(), &true.into()));
}

#[test]
#[ignore = "minutes in a release build: make audit-million"]
fn two_lies_in_a_million_entries_are_named() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let made = lies(MILLION).write(dir.path());
    let (window, entry) = (middle(MILLION), made.lie.unwrap());
    assert_eq!(
        audited(dir.path()).failures(),
        [format!("intake.once duplicate {} null", made.size - 1), format!("windows.counts missing {entry} {window}"),]
    );
}
