//! The warden as witness and as holder of keys: what it never cosigns, and when its keys come and go.

mod log_support;
mod warden_support;

use tabir::warden::StartError;
use tabir_crypto::Code;
use tabir_crypto::log::{Checkpoint, NoteSigner, SignedCheckpoint, TreeHead};
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::trust::State;

use log_support::{GOVERNANCE, INTAKE, NOW, counts, key, log_seed, origin, seed, witness};
use warden_support::*;

#[tokio::test]
async fn cosigns_what_extends_its_head_and_nothing_that_is_smaller() {
    let city = City::new().await;
    let warden = city.warden().await;
    for n in 1..4 {
        city.append(&counts(n));
    }
    warden.witness(GOVERNANCE).await.unwrap();
    warden.witness(INTAKE).await.unwrap();
    let leaf = city.tree(|t| t.leaves.pop().unwrap());
    assert_eq!(refused(warden.witness(GOVERNANCE).await), "shrunk");
    assert_eq!(warden.store().head(GOVERNANCE).await.unwrap().tree.size, 3);
    assert_eq!(city.tree(|t| t.posts), 1);
    // An old copy of the checkpoint is no fork.
    city.tree(|t| t.leaves.push(leaf));
    city.append(&counts(9));
    warden.witness(GOVERNANCE).await.unwrap();
    assert_eq!(city.tree(|t| (t.posts, t.kept.contains_key(&4))), (2, true));
}

#[tokio::test]
async fn never_cosigns_a_forked_log_again_until_an_operator_acts() {
    for larger in [false, true] {
        let city = City::new().await;
        let warden = city.warden().await;
        city.append(&counts(1));
        city.append(&counts(2));
        warden.witness(GOVERNANCE).await.unwrap();
        let honest = city.tree(|t| std::mem::replace(&mut t.leaves[0], counts(7).to_bytes()));
        if larger {
            city.append(&counts(3));
        }
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
        city.tree(|t| t.leaves[0] = honest);
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork", "also when the log shows its old face again");
        drop(warden);
        let warden = city.warden().await;
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork", "also after a restart");
        let mut view = warden.view().await.unwrap();
        assert_eq!(refused(warden.round(&mut view).await), "fork", "and nothing is decided by it");
        assert_eq!(city.tree(|t| t.posts), 1);
        warden.witness(INTAKE).await.unwrap();
    }
}

/// `tabir warden lift-fork` beside the running warden, with what the person typed.
async fn lift(city: &City, log: &str, typed: &str) -> (i32, String) {
    std::fs::write(city.dir.path().join("trust.json"), city.setup.trust.statement().to_bytes()).unwrap();
    let config = city.dir.path().join("tabir.toml");
    std::fs::write(&config, "trust = \"trust.json\"\n[roles.warden]\ndir = \".\"\n").unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(["warden", "lift-fork", "--log", log, "--expect", typed, "--config"]).arg(config);
    let out = command.stdin(std::process::Stdio::null()).output().await.unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

#[tokio::test]
async fn a_person_lifts_the_mark_of_a_fork_and_the_warden_keeps_its_own_history() {
    let city = City::new().await;
    let warden = city.warden().await;
    city.append(&counts(1));
    warden.witness(GOVERNANCE).await.unwrap();
    let root = tabir_crypto::codec::b64(&city.tree(|t| t.head()).root);
    let (code, said) = lift(&city, "governance", &root).await;
    assert!(code == 1 && said.contains("has no mark"), "{code} {said}");

    let honest = city.tree(|t| std::mem::replace(&mut t.leaves[0], counts(7).to_bytes()));
    assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
    // Not by anybody who does not know the history, nor in the name of the other log.
    let other = tabir_crypto::codec::b64(&city.tree(|t| t.head()).root);
    for (log, typed, says) in
        [("governance", &other[..], "another history"), ("governance", "", "another"), ("intake", &root, "no mark")]
    {
        let (code, said) = lift(&city, log, typed).await;
        assert!(code == 1 && said.contains(says), "{code} {said}");
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
    }
    let (code, said) = lift(&city, "governance", &root[..8]).await;
    assert!(code == 0 && said.contains("The mark is gone"), "{code} {said}");
    // The forged history is still none: it is marked again at once.
    assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
    city.tree(|t| t.leaves[0] = honest);
    assert_eq!(lift(&city, "governance", &root[..8]).await.0, 0);
    warden.witness(GOVERNANCE).await.unwrap();
    city.append(&counts(2));
    warden.witness(GOVERNANCE).await.unwrap();
    assert_eq!(warden.store().head(GOVERNANCE).await.unwrap().tree.size, 2);
}

#[tokio::test]
async fn the_head_is_durable_before_the_cosignature_leaves() {
    let city = City::new().await;
    let warden = city.warden().await;
    *city.world.store.lock().unwrap() = Some(warden.store().clone());
    *city.world.refuse.lock().unwrap() = true;
    city.append(&counts(1));
    city.append(&counts(2));
    assert_eq!(refused(warden.witness(GOVERNANCE).await), "peer");
    assert_eq!(*city.world.stored.lock().unwrap(), [2]);
    // The cosignature may have arrived: after the crash there is no way back to another tree of this size.
    drop(warden);
    let warden = city.warden().await;
    city.tree(|t| t.leaves[1] = counts(7).to_bytes());
    assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
    assert_eq!(city.tree(|t| t.posts), 1);
}

#[tokio::test]
async fn cosigns_the_same_checkpoint_again_after_a_crash() {
    let city = City::new().await;
    let warden = city.warden().await;
    city.append(&counts(1));
    *city.world.refuse.lock().unwrap() = true;
    assert_eq!(refused(warden.witness(GOVERNANCE).await), "peer");
    *city.world.refuse.lock().unwrap() = false;
    drop(warden);
    let warden = city.warden().await;
    warden.witness(GOVERNANCE).await.unwrap();
    assert!(city.tree(|t| t.kept.contains_key(&1)));
}

#[tokio::test]
async fn a_quorum_for_another_tree_is_a_fork_too() {
    for kept_too in [false, true] {
        let city = City::new().await;
        let warden = city.warden().await;
        city.append(&counts(1));
        warden.witness(GOVERNANCE).await.unwrap();
        let signer = NoteSigner::from_seed(&origin(GOVERNANCE), &seed(log_seed(GOVERNANCE))).unwrap();
        let head = TreeHead { size: 1, root: [3; 32] };
        let mut other = SignedCheckpoint::sign(Checkpoint { origin: origin(GOVERNANCE), head }, &signer).unwrap();
        other.add(witness(1).cosign(&other, NOW));
        city.tree(|t| {
            t.newest = Some(other.to_bytes());
            if kept_too {
                t.kept.insert(1, other.to_bytes());
            }
        });
        let mut view = warden.view().await.unwrap();
        assert_eq!(refused(warden.follow(&mut view).await), "fork", "also as kept: {kept_too}");
        assert_eq!(refused(warden.witness(GOVERNANCE).await), "fork");
    }
}

#[tokio::test]
async fn believes_only_what_a_quorum_witnessed() {
    let (city, warden) = City::ready().await;
    let before = city.witnessed(&warden).await;
    *city.world.refuse.lock().unwrap() = true;
    city.append(&counts(1));
    let _ = warden.witness(GOVERNANCE).await;
    let mut view = warden.view().await.unwrap();
    warden.follow(&mut view).await.unwrap();
    assert_eq!(warden.store().head(GOVERNANCE).await.unwrap().tree.size, before.kept.size + 1);
    assert_eq!(view.state.size(), before.kept.size);
}

#[tokio::test]
async fn refuses_a_witness_key_that_the_trust_root_does_not_name() {
    let city = City::new().await;
    let file = city.dir.path().join("witness.key");
    std::fs::remove_file(&file).unwrap();
    tabir::config::keys::write_private(&file, format!("{}\n", hex::encode([42; 32])).as_bytes()).unwrap();
    assert!(matches!(city.open().await, Err(StartError::NotAWitness)));
}

#[tokio::test]
async fn keys_are_proposed_an_epoch_ahead_and_count_only_with_the_auditors() {
    let city = City::new().await;
    let warden = city.warden().await;
    let mut view = city.witnessed(&warden).await;
    warden.keys(&view).await.unwrap();
    warden.keys(&view).await.unwrap();
    let proposed = city.world.proposals.lock().unwrap().clone();
    assert_eq!(proposed.len(), 2, "this epoch's and the next one's, each once");
    let alone = State::new().check(&trust(), &proposed[0], NOW);
    assert_eq!(alone.unwrap_err().code(), Code::Insufficient);
    for mut statement in proposed {
        statement.sign(&key(1));
        city.append(&statement);
    }
    view = city.witnessed(&warden).await;
    city.world.proposals.lock().unwrap().clear();
    warden.keys(&view).await.unwrap();
    assert!(city.world.proposals.lock().unwrap().is_empty(), "what is logged is proposed no more");
    let active = |view: &tabir::warden::View| {
        view.state.active_key(&trust(), KeyKind::Warden, view.now).map(|k| k.body.epoch).ok()
    };
    assert_eq!(active(&view), Some(1));
    city.clock.set(NOW + QUARTER);
    view = city.witnessed(&warden).await;
    assert_eq!(active(&view), Some(2));
    warden.keys(&view).await.unwrap();
    assert_eq!(warden.store().keys().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_lost_store_makes_no_second_key_for_a_logged_epoch() {
    let (city, warden) = City::ready().await;
    drop(warden);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(city.dir.path().join(format!("store.sqlite{end}")));
    }
    let warden = city.warden().await;
    let view = city.witnessed(&warden).await;
    warden.make_keys(&view).await.unwrap();
    let epochs: Vec<_> = warden.store().keys().await.unwrap().iter().map(|k| k.epoch).collect();
    assert_eq!(epochs, [3, 4]);
}

#[tokio::test]
async fn keys_are_destroyed_after_quarter_and_retention_by_both_clocks() {
    let (city, warden) = City::ready().await;
    let view = city.witnessed(&warden).await;
    let held = async || warden.store().keys().await.unwrap().iter().filter(|k| k.seed.is_some()).count();
    let end = NOW + QUARTER + 365 * DAY;
    city.clock.set(end);
    warden.destroy_keys(&view).await.unwrap();
    assert_eq!(held().await, 2, "the machine's clock alone destroys nothing");
    let late = city.witnessed(&warden).await;
    city.clock.set(end - 1);
    warden.destroy_keys(&late).await.unwrap();
    assert_eq!(held().await, 2, "a second too early");
    city.clock.set(end);
    warden.destroy_keys(&late).await.unwrap();
    assert_eq!(held().await, 1);
}
