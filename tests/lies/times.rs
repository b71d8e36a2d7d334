//! Lies about time. A witnessed time is the k-th smallest of a kept checkpoint's cosignatures, here the second of three:
//! what one witness with a wrong clock, alone or with the log, can do to it, and what shows it.

use tabir_crypto::log::Cosigner;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::{Hour, Second};

use crate::clean::{END, town};
use crate::forge::{Forge, GOVERNANCE, Times, WITNESSES, witness};
use crate::verdict::{failures, names, said};
use crate::world::*;

/// Appends a request that this checkpoint covers: its entry.
fn asked(forge: &mut Forge, name: &str, times: Times) -> u64 {
    let statement = forge.sign(Verb::UnsealRequested, &requested(name), &[official(1)]);
    let entry = forge.append(&statement);
    forge.keep_at(GOVERNANCE, times);
    entry
}

fn back(entry: u64) -> String {
    format!("log.times back governance {entry}")
}

#[tokio::test]
async fn a_kept_checkpoint_that_all_witnesses_backdated() {
    let mut forge = town();
    let early = Some(forge.now - 3 * DAY);
    let entry = asked(&mut forge, "lie", [early; WITNESSES]);
    names(&forge, back(entry)).await;
}

#[tokio::test]
async fn a_request_backdated_to_have_its_cooling_off_behind_it() {
    let mut forge = town();
    let early = Some(forge.now - COOLING);
    let entry = asked(&mut forge, "lie", [early, early, None]);
    let request =
        tabir_crypto::statement::value::Hex(tabir_crypto::log::leaf_hash(&forge.governance.leaves()[entry as usize]));
    forge.approve(request, 1);
    forge.approve(request, 2);
    forge.release_and_open(request);
    // By its times the release is not early. That the request's are a lie shows all the same.
    names(&forge, back(entry)).await;
}

/// With fewer than k slow clocks the k-th smallest time is an honest one.
#[tokio::test]
async fn one_slow_witness_moves_no_time_and_is_seen() {
    let mut forge = town();
    let (now, request) = (Some(forge.now), forge.ask("lie"));
    forge.approve(request, 1);
    let slow = Some(forge.now - 2 * HOUR);
    for times in [[slow, now, now], [slow, now, None]] {
        let kept = forge.governance.checkpoint(times);
        assert_eq!(witnessed(&kept), now);
    }
    let approval = forge.sign(Verb::UnsealApproved, &approved(request, 2), &[official(2)]);
    let entry = forge.append(&approval);
    forge.keep_at(GOVERNANCE, [slow, now, now]);
    forge.now += COOLING;
    forge.release(request);
    names(&forge, back(entry)).await;
}

fn witnessed(kept: &tabir_crypto::log::SignedCheckpoint) -> Option<u64> {
    let (_, witnesses) = tabir::ledger::verifiers(&crate::forge::trust(), GOVERNANCE).unwrap();
    witnesses.witnessed_time(kept).unwrap()
}

/// Clocks of honest people are not the same.
#[tokio::test]
async fn witnesses_whose_clocks_are_an_hour_apart_are_no_lie() {
    let mut forge = town();
    let (now, slow) = (Some(forge.now), Some(forge.now - HOUR));
    asked(&mut forge, "one", [now; WITNESSES]);
    asked(&mut forge, "two", [slow, slow, now]);
    said(&forge, &[]).await;
    asked(&mut forge, "three", [slow.map(|t| t - 1), slow, now]);
    assert_eq!(failures(forge.written().path()).await.len(), 1);
}

/// What the log and one witness can do together: show that one and k - 1 others only.
#[tokio::test]
async fn one_fast_witness_and_the_log_end_a_cooling_off_and_the_next_checkpoint_shows_it() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    forge.approve(request, 2);
    let (now, fast) = (Some(forge.now), Some(forge.now + COOLING));
    let release = forge.sign(Verb::UnsealReleased, &forge.release_body(request), &[warden()]);
    let entry = forge.append(&release);
    // All three lines: the second smallest time is honest, and the release too early.
    let mut honest = forge.clone();
    honest.keep_at(GOVERNANCE, [now, now, fast]);
    names(&honest, format!("unseal.cooling-off cooling-off governance {entry}")).await;
    // Two of them: by its times the release is not early, and nothing shows yet.
    forge.keep_at(GOVERNANCE, [now, None, fast]);
    said(&forge, &[]).await;
    // Whatever comes next was cosigned by somebody else before that.
    let entry = asked(&mut forge, "next", [now, None, fast]);
    names(&forge, back(entry)).await;
}

/// The lie may go on: as long as it does, it is one.
#[tokio::test]
async fn times_that_go_back_step_by_step_are_named_once() {
    let mut forge = town();
    let (start, mut entries) = (forge.now, Vec::new());
    for step in 0..6 {
        let back = Some(start - step * HOUR / 2);
        entries.push(asked(&mut forge, &format!("{step}"), [back; WITNESSES]));
    }
    names(&forge, back(entries[3])).await;
}

#[tokio::test]
async fn a_deferral_made_longer_by_a_later_hour() {
    let mut forge = town();
    // The official writes an hour that is still to come, and counts the longest deferral from there.
    let at = forge.now + 30 * DAY;
    let until = Some(Second(at + 90 * DAY));
    let deferral = Some(code("inquiry"));
    let body = UnsealRequested { at: Hour::of(at), nonce: None, deferred_until: until, deferral, ..requested("lie") };
    let entry = forge.put(&sign(Verb::UnsealRequested, &body, &[official(1)]));
    names(&forge, format!("unseal.order order governance {entry}")).await;
}

/// A kept checkpoint of the newest size, changed as the log's server likes.
async fn with_newest(change: impl Fn(&Forge, u64) -> Option<Vec<u8>>) -> Vec<String> {
    let forge = crate::clean::clean();
    let dir = forge.written();
    let size = forge.governance.size();
    let file = dir.path().join(format!("governance/checkpoints/{size}"));
    match change(&forge, size) {
        Some(bytes) => std::fs::write(file, bytes).unwrap(),
        None => std::fs::remove_file(file).unwrap(),
    }
    failures(dir.path()).await
}

fn lines(note: &[u8]) -> Vec<String> {
    String::from_utf8(note.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_first_cosignatures_not_kept() {
    // Else an entry would be as young as the log likes: its time would be that of the newest checkpoint, which is renewed.
    assert_eq!(with_newest(|_, _| None).await, ["log.tree missing governance"]);
}

#[tokio::test]
async fn a_checkpoint_with_fewer_witnesses_than_the_quorum() {
    let failed = with_newest(|forge, _| Some(forge.governance.checkpoint([Some(END), None, None]).to_bytes())).await;
    assert_eq!(failed, ["log.tree quorum governance"]);
}

#[tokio::test]
async fn a_quorum_of_one_witness_twice() {
    let failed = with_newest(|forge, _| {
        let mut note = lines(&forge.governance.checkpoint([Some(END), None, None]).to_bytes());
        let again = witness(0).cosign(&forge.governance.checkpoint([None; WITNESSES]), END + 1);
        note.push(again.to_string());
        Some((note.join("\n") + "\n").into_bytes())
    })
    .await;
    assert_eq!(failed, ["log.tree duplicate governance"]);
}

#[tokio::test]
async fn a_quorum_of_one_witness_under_a_second_name() {
    let failed = with_newest(|forge, _| {
        let mut signed = forge.governance.checkpoint([Some(END), None, None]);
        let other = Cosigner::from_seed("w9.example", &tabir_crypto::SecretBytes::new(hash("witness 0").0)).unwrap();
        signed.add(other.cosign(&signed, END));
        Some(signed.to_bytes())
    })
    .await;
    assert_eq!(failed, ["log.tree quorum governance"]);
}

#[tokio::test]
async fn cosignatures_of_another_checkpoint() {
    let failed = with_newest(|forge, _| {
        let (_, old) = forge.governance.kept.first_key_value().unwrap();
        let mut signed = forge.governance.checkpoint([None; WITNESSES]);
        old.note().signatures().iter().skip(1).for_each(|line| signed.add(line.clone()));
        Some(signed.to_bytes())
    })
    .await;
    assert_eq!(failed, ["log.tree signature governance"]);
}

#[tokio::test]
async fn a_cosignature_whose_time_was_changed() {
    let failed = with_newest(|forge, _| {
        let note = forge.governance.checkpoint([Some(END), Some(END), None]);
        let line = note.note().signatures()[1].to_string();
        let (head, encoded) = line.rsplit_once(' ').unwrap();
        let mut bytes = tabir_crypto::codec::unb64(encoded).unwrap();
        bytes[11] ^= 1; // the last byte of the time, behind the key id
        let changed = format!("{head} {}", tabir_crypto::codec::b64(&bytes));
        Some(String::from_utf8(note.to_bytes()).unwrap().replace(&line, &changed).into_bytes())
    })
    .await;
    assert_eq!(failed, ["log.tree signature governance"]);
}
