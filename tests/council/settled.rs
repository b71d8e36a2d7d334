//! A share that was replaced stays while an opening needs it that the warden has released, and not for a mere request.

use std::collections::BTreeMap;

use tabir::client::official::ceremony::{Settled, settle};
use tabir::client::official::manifest::follow;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::{
    CeremonyKind, CodeEntry, IndexedHash, PolicyCodes, PolicySet, Role, UnsealApproved, UnsealReleased, UnsealRequested,
};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::State as Log;

use super::log_support::{identity, key, seed, text};
use super::reshare::{admitted, cards, run};
use super::world::{START, World};

fn code(text: &str) -> CodeText {
    CodeText::new(text).unwrap()
}

fn policy() -> Statement {
    let entry = |c: &str| vec![CodeEntry { code: code(c), id: text("teks"), en: text("text") }];
    let (legal_basis, reason) = (entry("court"), entry("danger"));
    let codes = PolicyCodes {
        legal_basis,
        reason,
        refusal: entry("no"),
        deferral: entry("inquiry"),
        failure: entry("proof"),
        recusal: entry("kin"),
    };
    let body = PolicySet {
        v: V1,
        at: Hour::of(START),
        version: 1,
        codes,
        deadlines_s: BTreeMap::new(),
        window_s: 5,
        forward_s: 10,
        release_s: 2,
        request_life_s: 86_400,
        partial_life_s: 86_400,
        envelope_retention_s: 31_536_000,
        categories: Vec::new(),
    };
    let mut policy = Statement::signed(Verb::PolicySet, &body, &identity(Role::Gateway)).unwrap();
    policy.sign(&key(1));
    policy
}

/// A request that officials 1 and 2 approve and the warden releases.
fn opening(world: &World, old: &Council) -> Vec<Statement> {
    let (at, council_id) = (Hour::of(START), Hex(*old.council_id()));
    let body = UnsealRequested {
        v: V1,
        at,
        request_id: Hex([3; 16]),
        council_id,
        requester: 1,
        legal_basis: code("court"),
        reason: code("danger"),
        commit: Hex([1; 32]),
        tag: Hex([2; 32]),
        nonce: Some(Hex([3; 32])),
        deferred_until: None,
        deferral: None,
    };
    let by = |n: usize| world.official(n);
    let requested = Statement::signed(Verb::UnsealRequested, &body, by(1).signing()).unwrap();
    let request_hash = Hex(requested.entry_hash());
    let approve = |index: u16| {
        let fresh = KemSecretKey::from_seed(seed(70 + u8::try_from(index).unwrap()));
        let kem_pk = Bytes(fresh.public_key().as_bytes().to_vec());
        let (reason, deferred_until) = (code("danger"), None);
        let body = UnsealApproved { v: V1, at, request_hash, council_id, index, reason, kem_pk, deferred_until };
        Statement::signed(Verb::UnsealApproved, &body, by(usize::from(index)).signing()).unwrap()
    };
    let handouts = [1, 2].map(|index| IndexedHash { index, hash: Hex([9; 32]) }).to_vec();
    let (checkpoint_hash, inner_commit) = (Hex([4; 32]), Hex([5; 32]));
    let body = UnsealReleased { v: V1, at, request_hash, tree_size: 5, checkpoint_hash, inner_commit, handouts };
    let released = Statement::signed(Verb::UnsealReleased, &body, &identity(Role::Warden)).unwrap();
    vec![requested, approve(1), approve(2), released]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_that_was_released_keeps_the_share_that_it_needs() {
    let world = World::start().await;
    let formed = world.council().await;
    let old = formed.council().clone();
    world.wait_for(old.council_id()).await;
    let manifest = follow(&old, CeremonyKind::Refresh, (&cards(&old, &[1, 2, 3]), 2), None, &world.clock).unwrap();
    let done = run(&world, &admitted(&world, manifest).await, &[1, 2, 3]).await;
    world.endorse().await;
    world.wait_for(done[0].council().council_id()).await;
    let board = world.board(&identity(Role::Warden));
    let mut councils = Vec::new();
    for id in [formed.proposal(), done[0].proposal()] {
        councils.push(board.proposal(&id).await.unwrap().statement);
    }
    // The same log, with an opening before the refresh, as far as `steps`.
    let log = |steps: usize| {
        let opening = opening(&world, &old).into_iter().take(steps);
        let before = [policy(), councils[0].clone()].into_iter().chain(opening);
        let mut log = Log::new();
        for (entry, statement) in (0..).zip(before.chain([councils[1].clone()])) {
            // Ten seconds each: the cooling-off is one.
            log.apply(&world.trust, entry, &statement.to_bytes(), Some(START + 10 * entry)).unwrap();
        }
        log
    };
    let settled = |n: usize, steps: usize| settle(&mut world.official(n), &log(steps), START + 100).unwrap();
    let needed = Settled { needed: vec![*old.council_id()], ..Settled::default() };
    assert_eq!(settled(1, 4), needed);
    world.official(1).share(&old).unwrap();
    // What is only approved, the refresh has made void.
    assert_eq!(settled(2, 3).erased, [*old.council_id()]);
    // And when its time is over, nothing needs it any more.
    let late = settle(&mut world.official(1), &log(4), START + 200_000).unwrap();
    assert_eq!(late.erased, [*old.council_id()]);
}
