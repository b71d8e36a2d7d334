//! The warden's journal, and what a restored backup does not make it do: sign a second history, answer a request twice,
//! hand out twice, bring a destroyed key back.

mod log_support;
mod warden_support;

use std::path::{Path, PathBuf};

use tabir::warden::journal::{JournalError, Line, What};
use tabir::warden::{StartError, Warden, WardenError};
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::Verb;

use log_support::{GOVERNANCE, NOW, counts};
use warden_support::*;

/// Files of the store, as a backup copies them while no process runs.
const STORE: [&str; 3] = ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"];
const JOURNAL: &str = "journal.jsonl";

fn backup(city: &City) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in STORE.iter().chain([&JOURNAL]).filter(|name| city.dir.path().join(name).exists()) {
        std::fs::copy(city.dir.path().join(name), to.path().join(name)).unwrap();
    }
    to
}

/// Puts these files of the backup back, in the place of all that came after.
fn restore(city: &City, from: &Path, names: &[&str]) {
    for name in names {
        let _ = std::fs::remove_file(city.dir.path().join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), city.dir.path().join(name)).unwrap();
        }
    }
}

fn all() -> Vec<&'static str> {
    [&STORE[..], &[JOURNAL]].concat()
}

async fn lines(warden: &Warden) -> Vec<Line> {
    warden.verified_journal().await.unwrap().into_iter().map(|(line, _)| line).collect()
}

async fn whats(warden: &Warden) -> Vec<What> {
    lines(warden).await.into_iter().map(|line| line.what).collect()
}

/// One entry, a backup, two more entries; each cosigned. Only the store is put back, or all of the folder.
async fn restored(names: &[&str]) -> City {
    let city = City::new().await;
    let warden = city.warden().await;
    city.append(&counts(1));
    warden.witness(GOVERNANCE).await.unwrap();
    drop(warden);
    let old = backup(&city);
    let warden = city.warden().await;
    for n in [2, 3] {
        city.append(&counts(n));
        warden.witness(GOVERNANCE).await.unwrap();
    }
    drop(warden);
    restore(&city, old.path(), names);
    city
}

#[tokio::test]
async fn a_restored_warden_cosigns_no_second_history() {
    for names in [STORE.to_vec(), all()] {
        for fork_at in [1, 2] {
            let city = restored(&names).await;
            let warden = city.warden().await;
            assert_eq!(warden.store().head(GOVERNANCE).await.unwrap().tree.size, 1);
            let honest = city.tree(|t| t.leaves.clone());
            city.tree(|t| t.leaves[fork_at] = counts(7).to_bytes());
            assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork", "{names:?} {fork_at}");
            // Nor a longer one.
            city.append(&counts(8));
            assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
            assert_eq!(city.tree(|t| t.posts), 3);
            assert!(whats(&warden).await.contains(&What::Fork));
            city.tree(|t| t.leaves = honest);
        }
    }
}

#[tokio::test]
async fn a_restored_warden_cosigns_nothing_below_what_it_cosigned_before_and_goes_on_with_what_extends_it() {
    for names in [STORE.to_vec(), all()] {
        let city = restored(&names).await;
        let mut warden = city.warden().await;
        let honest = city.tree(|t| t.leaves.clone());
        // Shorter than what was cosigned, and with another second entry: it would be another history later.
        city.tree(|t| t.leaves = vec![honest[0].clone(), counts(7).to_bytes()]);
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "behind");
        assert_eq!(city.tree(|t| t.posts), 3);
        // Also after a restart, when the log shows its own cosignatures no more.
        city.tree(|t| (t.newest, t.kept) = (None, Default::default()));
        drop(warden);
        warden = city.warden().await;
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "behind");
        let mut view = warden.view().await.unwrap();
        assert_eq!(refused(warden.round(&mut view).await), "behind", "nothing is answered either");
        city.tree(|t| t.leaves = honest);
        city.append(&counts(4));
        warden.witness(GOVERNANCE).await.unwrap();
        assert_eq!(warden.store().head(GOVERNANCE).await.unwrap().tree.size, 4);
        let adopted = lines(&warden).await.into_iter().find(|line| line.what == What::Adopted).unwrap();
        assert_eq!((adopted.about.as_str(), adopted.number), ("governance", Some(3)));
    }
}

#[tokio::test]
async fn a_restored_warden_answers_and_hands_out_nothing_twice() {
    for names in [STORE.to_vec(), all()] {
        let (city, warden) = City::ready().await;
        let case = city.case(&warden, 1).await;
        let (request, mut view) = city.approved(&warden, &case).await;
        warden.take_requests(&view).await.unwrap();
        drop(warden);
        let old = backup(&city);
        let warden = city.warden().await;
        warden.round(&mut view).await.unwrap();
        assert_eq!(city.deliver(&warden).await, [Verb::UnsealReleased]);
        view = city.witnessed(&warden).await;
        warden.round(&mut view).await.unwrap();
        assert_eq!(city.world.handed.lock().unwrap().len(), 1);
        drop(warden);
        restore(&city, old.path(), &names);
        let warden = city.warden().await;
        let mut view = warden.view().await.unwrap();
        // Before it has read on, it does not even look at a request.
        assert_eq!(refused(warden.round(&mut view).await), "behind");
        view = city.witnessed(&warden).await;
        for _ in 0..3 {
            warden.round(&mut view).await.unwrap();
        }
        let said = city.said(&warden).await;
        let handed = city.world.handed.lock().unwrap().len();
        assert!(view.state.request(&request).unwrap().release.is_some());
        assert_eq!((said.len(), handed), (0, 1), "{names:?}");
    }
}

#[tokio::test]
async fn a_release_that_was_not_yet_in_the_log_is_not_made_again_by_a_restored_store() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, view) = city.approved(&warden, &case).await;
    warden.take_requests(&view).await.unwrap();
    drop(warden);
    let old = backup(&city);
    let warden = city.warden().await;
    warden.releases(&view).await.unwrap();
    let first = tabir::db::outbox::waiting(warden.store().db()).await.unwrap();
    assert_eq!(first.len(), 1);
    drop(warden);
    restore(&city, old.path(), &STORE);
    let warden = city.warden().await;
    warden.releases(&view).await.unwrap();
    assert!(city.said(&warden).await.is_empty(), "its journal says that it was answered");
    // The first one arrives after all; its hand-outs are gone, and no others are made.
    city.tree(|t| t.leaves.push(first[0].statement.clone()));
    let view = city.witnessed(&warden).await;
    assert!(view.state.request(&request).unwrap().release.is_some());
    warden.releases(&view).await.unwrap();
    assert_eq!(city.world.handed.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_destroyed_key_does_not_come_back_with_an_old_store() {
    let (city, warden) = City::ready().await;
    drop(warden);
    let old = backup(&city);
    let warden = city.warden().await;
    city.clock.set(NOW + QUARTER + 365 * DAY);
    let late = city.witnessed(&warden).await;
    warden.destroy_keys(&late).await.unwrap();
    warden.write_journal().await.unwrap();
    drop(warden);
    restore(&city, old.path(), &STORE);
    let warden = city.warden().await;
    let keys = warden.store().keys().await.unwrap();
    let held: Vec<bool> = keys.iter().map(|key| key.seed.is_some()).collect();
    assert_eq!(held, [false, true]);
    drop(warden);
    // Nor is an epoch given to another key, though the store knows of none.
    for name in STORE {
        let _ = std::fs::remove_file(city.dir.path().join(name));
    }
    let warden = city.warden().await;
    let empty = warden.view().await.unwrap();
    warden.make_keys(&empty).await.unwrap();
    assert!(warden.store().keys().await.unwrap().iter().all(|key| key.epoch > 2));
}

#[tokio::test]
async fn the_journal_has_each_step_and_no_word_of_a_case() {
    let (city, warden) = City::ready().await;
    let case = city.case(&warden, 1).await;
    let (request, mut view) = city.approved(&warden, &case).await;
    warden.round(&mut view).await.unwrap();
    city.deliver(&warden).await;
    view = city.witnessed(&warden).await;
    warden.round(&mut view).await.unwrap();
    let rival = city.ask(&warden, &case).await;
    view = city.witnessed(&warden).await;
    warden.round(&mut view).await.unwrap();
    let all = lines(&warden).await;
    let about = |hash: [u8; 32]| {
        let of = all.iter().filter(|line| line.about == hex::encode(hash));
        of.map(|line| (line.what, line.code.as_ref().map(|c| c.as_str().to_owned()))).collect::<Vec<_>>()
    };
    assert_eq!(about(request), [(What::Request, None), (What::Released, None), (What::Handed, None)]);
    // What it refuses stands in the journal and is on its way into the log.
    assert_eq!(about(rival), [(What::Request, None), (What::Declined, Some("live".to_owned()))]);
    assert_eq!(city.said(&warden).await, [(Verb::UnsealDeclined, "live".to_owned())]);
    assert_eq!(all.iter().filter(|line| line.what == What::KeyMade).count(), 2);
    let file = std::fs::read_to_string(city.dir.path().join(JOURNAL)).unwrap();
    assert_eq!(file.lines().count(), all.len());
    let text = text_of(&case);
    let secrets =
        [hex::encode(text.case_id.0), reference(&text.case_id.0), text.words.clone(), "court".into(), "danger".into()];
    for secret in &secrets {
        assert!(!secret.is_empty() && !file.contains(secret.as_str()), "{secret}");
    }
    assert!(all.iter().all(|line| line.at.unix() % 3600 == 0));
    assert!(!file.contains(&hex::encode([9; 32])), "{file}");
}

async fn start(city: &City) -> Result<(), WardenError> {
    city.open().await.map_err(|e: StartError| panic!("{e}")).unwrap().check_journal().await
}

fn journal(city: &City) -> PathBuf {
    city.dir.path().join(JOURNAL)
}

#[tokio::test]
async fn an_edited_cut_or_exchanged_journal_is_noticed_at_start() {
    let (city, warden) = City::ready().await;
    city.append(&counts(1));
    warden.witness(GOVERNANCE).await.unwrap();
    drop(warden);
    let whole = std::fs::read_to_string(journal(&city)).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines.len() >= 4, "{whole}");
    let edits = [
        whole.replacen("\"number\":1", "\"number\":9", 1),
        whole.replacen("key-made", "head", 1),
        [&lines[..1], &lines[2..]].concat().join("\n") + "\n",
        [&lines[1..2], &lines[..1], &lines[2..]].concat().join("\n") + "\n",
        whole.replacen("\"what\"", "\"more\":1,\"what\"", 1),
    ];
    for edited in edits {
        std::fs::write(journal(&city), &edited).unwrap();
        let error = start(&city).await.unwrap_err();
        assert!(matches!(error, WardenError::Journal(JournalError::Edited(..))), "{error}: {edited}");
    }
    for cut in [String::new(), lines[..lines.len() - 1].join("\n") + "\n", whole[..whole.len() - 3].to_owned()] {
        std::fs::write(journal(&city), &cut).unwrap();
        let error = start(&city).await.unwrap_err();
        assert!(matches!(error, WardenError::Journal(JournalError::Cut { .. })), "{error}");
    }
    std::fs::remove_file(journal(&city)).unwrap();
    assert!(matches!(start(&city).await.unwrap_err(), WardenError::Journal(JournalError::Cut { .. })));
    // Another warden's, whole in itself.
    let (other, warden) = City::ready().await;
    other.append(&counts(1));
    warden.witness(GOVERNANCE).await.unwrap();
    std::fs::copy(journal(&other), journal(&city)).unwrap();
    assert!(matches!(start(&city).await.unwrap_err(), WardenError::Journal(JournalError::Differs(_))));
    // Half a line behind the end is what a crash leaves.
    std::fs::write(journal(&city), format!("{whole}{{\"n\":")).unwrap();
    start(&city).await.unwrap();
    let warden = city.warden().await;
    city.append(&counts(2));
    warden.witness(GOVERNANCE).await.unwrap();
    let now = std::fs::read_to_string(journal(&city)).unwrap();
    assert!(now.starts_with(&whole) && now.lines().count() == lines.len() + 1, "{now}");
}

#[tokio::test]
async fn two_wardens_do_not_run_on_one_folder() {
    let (city, first) = City::ready().await;
    assert!(matches!(start(&city).await, Err(WardenError::Running)));
    drop(first);
    start(&city).await.unwrap();
}

#[tokio::test]
async fn the_store_takes_no_change_of_a_line() {
    let (_city, warden) = City::ready().await;
    for statement in ["UPDATE journal SET about = 'x' WHERE n = 0", "DELETE FROM journal WHERE n = 0"] {
        let done = warden.store().db().write(move |tx| {
            Box::pin(async move {
                sqlx::query(statement).execute(tx).await?;
                Ok(())
            })
        });
        assert!(done.await.unwrap_err().to_string().contains("only grows"), "{statement}");
    }
}
