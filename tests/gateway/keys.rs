//! `GET /v1/keys`: what counts at the checkpoint in it, and no lie in it that a reader of the log does not see.

use tabir::api::gateway::{CouncilEntry, KeyEntry, Keys};
use tabir::client::keys::shown::check;
use tabir::client::log_source::ReadError;
use tabir::clock::Random;
use tabir_crypto::Code;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::{TlogProof, leaf_hash};
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, KeyRetired, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Body, Statement, Verb};

use super::harness::Running;
use crate::common::world::{DAY, NOW, World, auditors, identity, signed};

/// What the running gateway answers.
async fn shown(world: World) -> (World, Keys) {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start_in(dir.path(), world, NOW).await;
    let keys = gateway.client.get_json(&format!("{}/v1/keys", gateway.url)).await.unwrap();
    (gateway.world, keys)
}

fn code(result: Result<(), ReadError>) -> Option<Code> {
    result.err().map(|error| error.code().expect("a code"))
}

fn refused(world: &World, keys: &Keys) -> Option<Code> {
    code(check(&world.trust, &world.growth(), keys, NOW))
}

/// An intake or warden key of this epoch that counts from then on.
fn announced(kind: KeyKind, epoch: u64, from: u64) -> KeyAnnounced {
    let key = Bytes(KemSecretKey::generate(&mut Random).public_key().as_bytes().to_vec());
    let (not_before, not_after) = (Second(from), Second(NOW + 400 * DAY));
    KeyAnnounced { v: V1, at: Hour::of(NOW), role: kind.role(), kind, epoch, key, not_before, not_after }
}

/// A key as a gateway would show it, with the proof of an entry of the log, whatever readers make of that.
fn entry(world: &World, index: usize) -> KeyEntry {
    let leaf = &world.leaves[index];
    let Body::KeyAnnounced(body) = Statement::parse(leaf).unwrap().body().unwrap() else { panic!("no key") };
    let hashes: Vec<_> = world.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let proof = TlogProof::make(index as u64, &hashes, world.checkpoint(NOW).signed()).unwrap();
    let (key, entry, proof) = (body.key, Bytes(leaf.clone()), Bytes(proof.to_bytes()));
    KeyEntry { kind: body.kind, epoch: body.epoch, key, index: index as u64, entry, proof }
}

/// The answer with the last entry of the log in the place of the key of its kind.
fn with_last(world: &World, keys: &Keys) -> Keys {
    let last = entry(world, world.leaves.len() - 1);
    let others = keys.keys.iter().filter(|k| k.kind != last.kind).cloned();
    Keys { keys: others.chain([last.clone()]).collect(), ..keys.clone() }
}

#[tokio::test]
async fn shows_the_active_keys_and_the_council_with_entries_and_proofs() {
    let (world, keys) = shown(World::new(None)).await;
    assert_eq!(keys.keys.iter().map(|k| k.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((keys.tree_size, keys.council.as_ref().unwrap().index), (4, 3));
    assert_eq!(keys.keys[1].key.0, world.intake.public_key().as_bytes());
    assert_eq!(refused(&world, &keys), None);

    // Right for who has read further, too: it says what counted at its checkpoint.
    let (mut later, keys) = shown(World::new(None)).await;
    later.log(&signed(Verb::KeyAnnounced, &announced(KeyKind::Intake, 2, NOW), &[identity(Role::Forwarder)]));
    assert_eq!(refused(&later, &keys), None);
    // But not for ever.
    assert_eq!(code(check(&later.trust, &later.growth(), &keys, NOW + 3 * DAY + 1)), Some(Code::Stale));
}

#[tokio::test]
async fn a_key_that_is_not_in_the_log_is_caught() {
    let (world, keys) = shown(World::new(None)).await;
    type Change = fn(&mut Keys, &World);
    let changes: [(&str, Change, Code); 9] = [
        ("a key of its own", |k, _| k.keys[1].key.0[7] ^= 1, Code::Context),
        ("another epoch", |k, _| k.keys[1].epoch += 1, Code::Context),
        ("an entry of its own, well signed", |k, _| k.keys[1].entry = Bytes(unlogged()), Code::Inclusion),
        ("another number", |k, _| k.keys[1].index = 0, Code::Inclusion),
        ("a key left out", |k, _| drop(k.keys.remove(1)), Code::NotActive),
        ("two keys of a kind", |k, _| k.keys.push(k.keys[1].clone()), Code::KeyConflict),
        ("no council", |k, _| k.council = None, Code::NotActive),
        ("another council", |k, _| k.council.as_mut().unwrap().council_id = Hex([1; 32]), Code::Context),
        ("another size", |k, _| k.tree_size += 1, Code::Context),
    ];
    for (what, change, want) in changes {
        let mut lie = keys.clone();
        change(&mut lie, &world);
        assert_eq!(refused(&world, &lie), Some(want), "{what}");
    }
    // A key's entry shown as the council's.
    let KeyEntry { index, entry, proof, .. } = keys.keys[0].clone();
    let council_id = keys.council.as_ref().unwrap().council_id;
    let lie = Keys { council: Some(CouncilEntry { council_id, index, entry, proof }), ..keys };
    assert_eq!(refused(&world, &lie), Some(Code::NotActive));
}

fn unlogged() -> Vec<u8> {
    signed(Verb::KeyAnnounced, &announced(KeyKind::Intake, 1, NOW), &[identity(Role::Forwarder)]).to_bytes()
}

#[tokio::test]
async fn a_retired_key_shown_as_current_is_caught() {
    let mut world = World::new(None);
    let key_id = Hex(tabir_crypto::codec::sha256(world.intake.public_key().as_bytes()));
    let body = KeyRetired { v: V1, at: Hour::of(NOW), key_id, reason: CodeText::new("leaked").unwrap() };
    world.log(&signed(Verb::KeyRetired, &body, &[identity(Role::Forwarder)]));
    let (world, mut keys) = shown(world).await;
    assert_eq!(keys.keys.iter().map(|k| k.kind).collect::<Vec<_>>(), [KeyKind::Token, KeyKind::Warden]);
    assert_eq!(refused(&world, &keys), None);
    keys.keys.push(entry(&world, 1));
    assert_eq!(refused(&world, &keys), Some(Code::NotActive));
}

#[tokio::test]
async fn a_key_shown_before_its_time_is_caught() {
    let mut world = World::new(None);
    world.log(&signed(Verb::KeyAnnounced, &announced(KeyKind::Intake, 2, NOW + 1), &[identity(Role::Forwarder)]));
    let (world, keys) = shown(world).await;
    assert_eq!(refused(&world, &keys), None);
    assert_eq!(refused(&world, &with_last(&world, &keys)), Some(Code::NotActive));
}

#[tokio::test]
async fn one_of_two_keys_for_an_epoch_shown_as_current_is_caught() {
    let mut world = World::new(None);
    let second = signed(Verb::KeyAnnounced, &announced(KeyKind::Intake, 1, NOW), &[identity(Role::Forwarder)]);
    assert_eq!(world.put(&second).unwrap_err().code(), Code::KeyConflict);
    let (world, keys) = shown(world).await;
    assert_eq!(keys.keys.iter().map(|k| k.kind).collect::<Vec<_>>(), [KeyKind::Token, KeyKind::Warden]);
    assert_eq!(refused(&world, &keys), None);
    assert_eq!(refused(&world, &with_last(&world, &keys)), Some(Code::NotActive));
    let first = Keys { keys: keys.keys.iter().cloned().chain([entry(&world, 1)]).collect(), ..keys };
    assert_eq!(refused(&world, &first), Some(Code::NotActive));
}

/// In the log, with the warden's signature and one auditor's where two must sign.
#[tokio::test]
async fn a_warden_key_that_too_few_signed_shown_as_current_is_caught() {
    let mut world = World::new(None);
    let body = announced(KeyKind::Warden, 2, NOW);
    let signers = [identity(Role::Warden), auditors()[0].clone()];
    assert_eq!(world.put(&signed(Verb::KeyAnnounced, &body, &signers)).unwrap_err().code(), Code::Insufficient);
    let (world, keys) = shown(world).await;
    assert_eq!(refused(&world, &keys), None);
    assert_eq!(refused(&world, &with_last(&world, &keys)), Some(Code::NotActive));
}

#[tokio::test]
async fn another_history_and_a_log_that_shows_less_are_caught() {
    let (world, keys) = shown(World::new(None)).await;
    // The same keys of log and witness, other entries.
    assert_eq!(refused(&World::new(None), &keys), Some(Code::Consistency));
    let mut less = world.growth();
    less.entries.pop();
    let shorter = World { leaves: world.leaves[..3].to_vec(), ..World::new(None) };
    less.checkpoint = shorter.checkpoint(NOW);
    assert_eq!(code(check(&world.trust, &less, &keys, NOW)), Some(Code::Shrunk));
}
