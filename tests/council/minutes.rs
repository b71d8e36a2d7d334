//! The transcript that officials keep: what stands in it, and that two of them show who signed two versions.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use tabir::api::council::round;
use tabir::client::official::OfficialError;
use tabir::client::official::ceremony::{Formed, settle};
use tabir::client::official::manifest::follow;
use tabir::client::official::minutes::{Minutes, Names, settled};
use tabir_crypto::statement::body::CeremonyKind;
use tabir_crypto::threshold::dkg::Ceremony;

use super::message;
use super::reshare::{admitted, cards, newcomer, run};
use super::world::World;

/// The lines with the hash of a message.
fn hashes(text: &str) -> BTreeSet<&str> {
    let is_hash =
        |l: &&str| l.trim_start().split(' ').take(8).all(|g| g.len() == 4 && g.bytes().all(|b| b.is_ascii_hexdigit()));
    text.lines().filter(is_hash).map(str::trim).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn says_who_took_part_and_what_was_erased() {
    let world = World::start().await;
    let old = world.council().await.council().clone();
    world.wait_for(old.council_id()).await;
    let people = [cards(&old, &[1, 3]), vec![newcomer(&world, 4)]].concat();
    let manifest = follow(&old, CeremonyKind::Remove, (&people, 2), Some(vec![1, 2]), &world.clock).unwrap();
    let manifest = admitted(&world, manifest).await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let done = run(&world, &manifest, &[1, 2, 3, 4]).await;
    let lines = format!("{}  Ibu Sari\u{1b}[2J\n", world.official(3).card().fingerprint());
    let write = |n: usize, formed: &Formed| {
        let (file, messages) = (world.official(n), formed.messages.clone());
        let names = Names::read(&lines).with(&file);
        let minutes =
            Minutes { plan: &plan, old: Some(&old), messages: &messages, done: Ok(formed), names: &names, file: &file };
        minutes.write().unwrap()
    };
    let path = write(1, &done[0]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(path.ends_with(format!("transcript-{}.txt", &hex::encode(plan.id())[..8])));
    let mut wanted: Vec<String> = (1..=4).map(|n| world.official(n).card().fingerprint()).collect();
    wanted.extend(done[0].made.iter().flat_map(|m| [m.council.fingerprint(), hex::encode(m.proposal)]));
    wanted.extend([hex::encode(plan.id()), old.fingerprint()]);
    wanted.extend(["official 1 (you)", "Ibu Sari[2J", "(leaves)", "2 of 3 must agree", "(keluar)"].map(Into::into));
    for part in &wanted {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "nothing that a terminal obeys");
    // 2 dealings, 3 commitments, 3 transcripts, in two languages.
    assert_eq!(hashes(&text).len(), 16);
    // All who take part compare the same.
    let leaver = write(2, &done[1]);
    assert_eq!(hashes(&std::fs::read_to_string(&leaver).unwrap()), hashes(&text));

    // The new council is witnessed: once, and no second time.
    write(1, &done[0]);
    world.endorse().await;
    for made in &done[0].made {
        world.wait_for(made.council.council_id()).await;
    }
    let log = world.log_state().await;
    let mut file = world.official(1);
    let what = settle(&mut file, &log, world.clock.now()).unwrap();
    assert_eq!(settled(&file, &log, &what).unwrap(), std::slice::from_ref(&path));
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(after.starts_with(&text), "nothing else was changed");
    let short = |id: &[u8; 32]| hex::encode(id)[..8].to_owned();
    for made in &done[0].made {
        assert!(after.contains(&format!("Council {}: entry ", short(made.council.council_id()))), "{after}");
    }
    assert!(after.contains(&format!("the share of council {}. Papers", short(old.council_id()))), "{after}");
    // Nor does it get lost when `finish` runs again.
    write(1, &done[0]);
    let what = settle(&mut file, &log, world.clock.now()).unwrap();
    assert!(settled(&file, &log, &what).unwrap().is_empty());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_transcripts_of_a_failed_ceremony_show_who_signed_two_versions() {
    let world = World::start().await;
    let manifest = world.manifest().await;
    let plan = Ceremony::from_payload(manifest.payload()).unwrap();
    let sent = |n: usize, byte: u8| {
        let from = u16::try_from(n).unwrap();
        message(&world.official(n), &plan, round::COMMITMENTS, (from, 0), vec![byte; 128])
    };
    let text = |n: usize, third: u8| {
        let (file, names) = (world.official(n), Names::default());
        let messages = [sent(1, 1), sent(2, 2), sent(3, third)];
        let error = OfficialError::Differs { index: 2 };
        let minutes =
            Minutes { plan: &plan, old: None, messages: &messages, done: Err(&error), names: &names, file: &file };
        minutes.text().unwrap()
    };
    let (one, two) = (text(1, 3), text(2, 4));
    assert!(one.contains("IT FAILED: official 2 saw other messages"), "{one}");
    assert!(one.contains("(name not known here)") && !one.contains("tabir sign"), "{one}");
    let (one, two) = (hashes(&one), hashes(&two));
    let differ: Vec<_> = one.symmetric_difference(&two).collect();
    assert_eq!(differ.len(), 4, "one line of each, in two languages");
    assert!(differ.iter().all(|line| line.contains("official 3") || line.contains("pejabat 3")), "{differ:?}");
    // What is signed by nobody who takes part is not written as if it were.
    let names = Names::default();
    let error = OfficialError::Differs { index: 2 };
    let file = world.official(1);
    let stranger = newcomer_message(&world, &plan);
    let minutes =
        Minutes { plan: &plan, old: None, messages: &[stranger], done: Err(&error), names: &names, file: &file };
    assert!(hashes(&minutes.text().unwrap()).is_empty());
}

fn newcomer_message(world: &World, plan: &Ceremony) -> tabir_crypto::statement::Statement {
    newcomer(world, 5);
    message(&world.official(5), plan, round::COMMITMENTS, (3, 0), vec![9; 128])
}
