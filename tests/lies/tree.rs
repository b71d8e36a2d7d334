//! Lies about the tree itself. Whoever serves a copy can tell the first ones; they fall without any key. With the log's
//! key and a quorum of witnesses another history can be told whole: then it is the statements that don't fit, or the
//! copy of somebody who saw the first one.

use std::path::Path;

use tabir::client::log_copy::copy_log;
use tabir::client::log_reader::LogReader;
use tabir::client::log_source::LogFolder;
use tabir::ledger::verifiers;
use tabir_crypto::Code;
use tabir_crypto::log::{Checkpoint, TreeHead};
use tabir_crypto::statement::Body;
use tabir_crypto::trust::root::LogName;

use crate::clean::{END, clean, town};
use crate::forge::{Event, Forge, GOVERNANCE, INTAKE, WITNESSES, trust};
use crate::verdict::{failures, names, said};

/// The clean installation's copy, and where its governance log lies.
fn copy() -> (Forge, tempfile::TempDir, std::path::PathBuf) {
    let forge = clean();
    let dir = forge.written();
    let log = dir.path().join("governance");
    (forge, dir, log)
}

/// The entries of the first bundle of the governance log, changed.
fn edit_entries(log: &Path, size: u64, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let file = log.join(format!("tile/entries/000.p/{size}"));
    let (mut rest, mut entries) = (std::fs::read(&file).unwrap(), Vec::new());
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let behind = rest.split_off(2 + length);
        entries.push(rest[2..].to_vec());
        rest = behind;
    }
    change(&mut entries);
    let framed = |leaf: &Vec<u8>| [&u16::try_from(leaf.len()).unwrap().to_be_bytes()[..], leaf].concat();
    std::fs::write(&file, entries.iter().flat_map(framed).collect::<Vec<u8>>()).unwrap();
}

#[tokio::test]
async fn entries_deleted_edited_or_reordered_in_a_copy() {
    type Change = fn(&mut Vec<Vec<u8>>);
    let changes: [(&str, Change); 4] = [
        ("deleted", |e| drop(e.remove(20))),
        ("deleted and the number made up for", |e| {
            e.remove(20);
            e.push(e[0].clone());
        }),
        ("edited", |e| {
            let last = e[20].len() - 20;
            e[20][last] ^= 1;
        }),
        ("reordered", |e| e.swap(20, 21)),
    ];
    for (what, change) in changes {
        let (forge, dir, log) = copy();
        edit_entries(&log, forge.governance.size(), change);
        assert_eq!(failures(dir.path()).await, ["log.tree tile governance"], "{what}");
    }
}

#[tokio::test]
async fn the_end_of_a_log_cut_off() {
    let (forge, dir, log) = copy();
    edit_entries(&log, forge.governance.size(), |e| e.truncate(40));
    assert_eq!(failures(dir.path()).await, ["log.tree tile governance"]);
    std::fs::remove_file(log.join(format!("tile/entries/000.p/{}", forge.governance.size()))).unwrap();
    assert_eq!(failures(dir.path()).await, ["log.tree missing governance"]);
    // What could not be read is not said to be in order.
    let checks = tabir::client::audit::verify(&trust(), dir.path()).await.unwrap().checks;
    let passed: Vec<_> = checks.iter().filter(|c| c.ok).map(|c| c.name).collect();
    assert!(passed.contains(&"windows.counts") && !passed.contains(&"governance.entries"), "{passed:?}");
    assert!(
        passed
            .iter()
            .all(|name| ["intake.", "windows."].iter().any(|log| name.starts_with(log)) || *name == "log.times")
    );
}

#[tokio::test]
async fn a_checkpoint_of_a_kept_size_whose_root_differs() {
    let (forge, dir, log) = copy();
    let (size, kept) = forge.governance.kept.iter().nth(20).unwrap();
    let head = TreeHead { size: *size, root: [7; 32] };
    let fork = Checkpoint { head, ..kept.checkpoint().clone() };
    let fork = forge.governance.signed(fork, [Some(END); WITNESSES]);
    std::fs::write(log.join(format!("checkpoints/{size}")), fork.to_bytes()).unwrap();
    assert_eq!(failures(dir.path()).await, ["log.tree consistency governance"]);
}

#[tokio::test]
async fn a_kept_checkpoint_of_another_size() {
    let (forge, dir, log) = copy();
    let sizes: Vec<_> = forge.governance.kept.keys().copied().collect();
    std::fs::copy(log.join(format!("checkpoints/{}", sizes[30])), log.join(format!("checkpoints/{}", sizes[20])))
        .unwrap();
    assert_eq!(failures(dir.path()).await, ["log.tree checkpoint governance"]);
}

#[tokio::test]
async fn one_log_in_the_place_of_the_other() {
    let (_, dir, log) = copy();
    std::fs::copy(dir.path().join("intake/checkpoint"), log.join("checkpoint")).unwrap();
    assert_eq!(failures(dir.path()).await, ["log.tree unknown-key governance"]);
}

#[tokio::test]
async fn a_checkpoint_that_the_log_did_not_sign() {
    let (forge, dir, log) = copy();
    let note = String::from_utf8(forge.governance.newest.unwrap().to_bytes()).unwrap();
    let without =
        |origin: &str| note.lines().filter(|l| !l.starts_with(&format!("\u{2014} {origin}"))).collect::<Vec<_>>();
    std::fs::write(log.join("checkpoint"), without("tabir.example/governance").join("\n") + "\n").unwrap();
    assert_eq!(failures(dir.path()).await, ["log.tree unknown-key governance"]);
}

/// A log that deletes an entry from its history, with its own key and the witnesses'.
fn without_entry(forge: &Forge, name: LogName, entry: u64) -> Forge {
    forge.retold(name, |log, events| drop(events.remove(log.place(entry))))
}

#[tokio::test]
async fn an_approval_deleted_from_history_leaves_a_release_without_it() {
    let mut forge = town();
    let request = forge.ready("lie");
    forge.release_and_open(request);
    let approval = forge.governance.size() - 5;
    let other = without_entry(&forge, GOVERNANCE, approval);
    // The release that it allowed, its two partials and the opening are out of order now. And the warden named a
    // checkpoint that the new history does not have: for that lie its key would be needed too.
    let order = (approval..approval + 4).map(|entry| format!("unseal.order order governance {entry}"));
    let lines: Vec<_> = order.chain([format!("governance.checkpoints context governance {approval}")]).collect();
    said(&other, &lines).await;
}

#[tokio::test]
async fn a_forwarding_deleted_from_history_leaves_its_reports_missing() {
    let forge = clean();
    let entry = forge.intake.find(|b| matches!(b, Body::ReportFate(b) if b.w == 7 && b.round == 0));
    let accepted = forge.intake.find(|b| matches!(b, Body::ReportAccepted(b) if b.w == 7));
    let other = without_entry(&forge, INTAKE, entry);
    names(&other, format!("windows.counts missing intake {accepted} window 7 reports 3")).await;
}

#[tokio::test]
async fn a_release_put_before_an_approval_in_history() {
    let mut forge = town();
    let request = forge.ready("lie");
    let release = forge.release(request);
    let other = forge.retold(GOVERNANCE, |log, events| events.swap(log.place(release - 1), log.place(release)));
    let early = release - 1;
    // The warden had named the tree with both approvals.
    said(
        &other,
        &[
            format!("unseal.order order governance {early}"),
            format!("governance.checkpoints context governance {early}"),
        ],
    )
    .await;
}

/// What an auditor's own copy says to another one of the same log.
async fn compare(name: LogName, have: &Forge, shown: &Forge) -> Option<Code> {
    let (mine, theirs) = (have.written(), shown.written());
    let (log, witnesses) = verifiers(&trust(), name).unwrap();
    let reader = LogReader::new(LogFolder(theirs.path().join(name.as_str())), log, witnesses);
    copy_log(&reader, &mine.path().join(name.as_str())).await.err().map(|e| e.code().expect("a refusal with a code"))
}

/// Two histories, both of them clean by themselves: what shows it is the copy of somebody who saw the other one.
#[tokio::test]
async fn a_fork_shows_as_soon_as_two_copies_are_compared() {
    let forge = clean();
    let mut other = forge.clone();
    other.now = END;
    let mut one = forge.clone();
    for (log, words) in [(&mut one, "one"), (&mut other, "another")] {
        log.ask(words);
    }
    said(&one, &["unseal.order order".to_owned() + &format!(" governance {}", one.governance.size() - 1)]).await;
    assert_eq!(compare(GOVERNANCE, &one, &other).await, Some(Code::Consistency));
    assert_eq!(compare(GOVERNANCE, &forge, &other).await, None, "what both grew from");
}

#[tokio::test]
async fn a_log_cut_back_shows_to_who_saw_it_whole() {
    let forge = clean();
    let cut = forge.retold(GOVERNANCE, |log, events| events.truncate(log.place(log.size() - 1)));
    said(&cut, &[]).await;
    assert_eq!(compare(GOVERNANCE, &forge, &cut).await, Some(Code::Shrunk));
}

/// Two copies of one history, of which the second one hides when an entry was seen.
#[tokio::test]
async fn a_kept_checkpoint_that_changed_or_went_shows_to_who_has_it() {
    let forge = clean();
    let size = *forge.governance.kept.keys().nth(20).unwrap();
    let mut gone = forge.clone();
    gone.governance.kept.remove(&size);
    // No copy by itself tells how many were kept.
    said(&gone, &[]).await;
    assert_eq!(compare(GOVERNANCE, &forge, &gone).await, Some(Code::Consistency));
    let mut younger = forge.clone();
    let kept = younger.governance.kept.get_mut(&size).unwrap();
    *kept = forge.governance.signed(kept.checkpoint().clone(), [Some(END); WITNESSES]);
    assert_eq!(compare(GOVERNANCE, &forge, &younger).await, Some(Code::Consistency));
    // What was not there before is no change.
    assert_eq!(compare(GOVERNANCE, &gone, &forge).await, None);
}

#[tokio::test]
async fn an_intake_log_cut_back_falls_silent_while_the_other_log_goes_on() {
    let forge = clean();
    let entry = forge.intake.find(|b| matches!(b, Body::ReportAccepted(b) if b.w == 30));
    let cut = forge.retold(INTAKE, |log, events| {
        events.truncate(log.place(entry));
        assert!(matches!(events.last(), Some(Event::Kept(_))));
    });
    // The windows whose deadlines were still to come when it was cut.
    let at = |w: u64| forge.intake.find(|b| matches!(b, Body::ReportAccepted(b) if b.w == w));
    said(
        &cut,
        &[
            "windows.sequence overdue window 30 reports 1".into(),
            format!("windows.counts late intake {} window 25 reports 1", at(25)),
            format!("windows.counts late intake {} window 26 reports 2", at(26)),
            format!("windows.counts missing intake {} window 27 reports 9", at(27)),
            format!("windows.counts missing intake {} window 29 reports 4", at(29)),
        ],
    )
    .await;
}
