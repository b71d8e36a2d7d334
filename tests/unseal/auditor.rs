//! An auditor beside the warden: who asks, what the auditor is told, what his signature does, and that nothing else does it.

use tabir_crypto::statement::Verb;
use tabir_crypto::trust::unseal::Status;

use crate::commands::{done, tabir, unseal};
use crate::world::{World, patience, person, problem};

/// Longer than any test.
const COOLING: u64 = 4 * 3600;

fn path(file: &std::path::Path) -> String {
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_who_was_told_what_it_is_shortens_the_cooling_off_and_the_warden_goes_on() {
    let world = World::start_with(|root| root.cooling_off_s = COOLING, |_, _| ()).await;
    let who = person("Sari");
    let (case, other) = (world.case(Some(who)).await, world.case(None).await);
    let hash = world.requested(&case).await;
    let hex = hex::encode(hash);
    for n in [1, 2] {
        world.approve(n, &hash, &case).await.unwrap();
    }
    world.until(&hash, "approvals", |r| r.approvals.len() == 2).await;
    let (gateway, board_url) = (world.ports.peers().gateway, world.ports.peers().council);
    let config = path(&world.dir.path().join("warden/tabir.toml"));
    let key = path(&world.auditors[2]);
    let waiting = ["sign", "--waiting", "--board", &board_url, "--key", &key];
    let (_, out, err) = tabir(&world, &waiting).await;
    assert!(!out.contains("unseal.released"), "nobody asked for it: {out}{err}");

    // The outside body's person reads the words, and types the case.
    let mut wait = patience();
    let (code, out, err) = loop {
        let said = tabir(&world, &["warden", "requests", "--config", &config]).await;
        if said.1.contains("2 of 2") || said.0 != 0 {
            break said;
        }
        wait.wait("the warden's reading of the approvals").await.unwrap();
    };
    assert!(code == 0 && out.contains(&hex) && out.contains("The court asks.") && out.contains(&case), "{out}{err}");
    assert!(out.contains("approvals    2 of 2") && out.contains("end of its cooling-off"), "{out}");
    let ask = ["warden", "ask-auditor", "--config", &config, "--request", &hex, "--confirm"];
    let (code, _, err) = tabir(&world, &[&ask[..], &[&other]].concat()).await;
    assert!(code == 1 && err.contains("another case"), "{code} {err}");
    let (code, _, err) = tabir(&world, &[&ask[..6], &[&"00".repeat(32)], &ask[6..], &[&case]].concat()).await;
    assert_ne!(code, 0, "{err}");
    let (code, _, err) = tabir(&world, &[&ask[..], &[&case]].concat()).await;
    assert_eq!(code, 0, "{err}");

    let auditor = tabir::config::keys::read_signing_key(&world.auditors[2]).unwrap();
    let board = world.board(&auditor);
    let proposal = loop {
        match board.find(Verb::UnsealReleased, |_| true).await.unwrap() {
            Some(proposal) => break proposal,
            None => wait.wait("the warden's proposal").await.unwrap(),
        }
    };
    assert!(!proposal.complete);
    let (_, out, _) = tabir(&world, &waiting).await;
    let id = hex::encode(proposal.statement.pae_hash());
    assert!(out.contains(&id) && out.contains("unseal.released"), "{out}");

    let sign = |key: &str| {
        let all = ["sign", "--proposal", &id, "--board", &board_url, "--server", &gateway, "--key", key, "--expect"];
        all.map(str::to_owned)
    };
    let with = async |key: &str, digits: &str| {
        let args = sign(key);
        let args: Vec<&str> = args.iter().map(String::as_str).chain([digits]).collect();
        tabir(&world, &args).await
    };
    // A key of the trust root that is no auditor's, and digits that somebody misread: nothing is signed.
    let gateway_key = path(&world.dir.path().join("gateway/identity.key"));
    let (code, _, err) = with(&gateway_key, &id[..8]).await;
    assert!(code == 1 && err.contains("no auditor"), "{code} {err}");
    let (code, out, err) = with(&key, "00000000").await;
    assert!(code == 1 && err.contains("nothing was signed"), "{code} {err}");
    for says in ["BEFORE its cooling-off is over", "4 h from now", "court_order", "officials 1, 2", "the reporter sees"]
    {
        assert!(out.contains(says), "{says} is not in: {out}");
    }
    assert_eq!(world.session().await.view.state.request(&hash).unwrap().release, None);

    let (code, out, err) = with(&key, &id[..8]).await;
    assert!(code == 0 && out.contains("the warden goes on"), "{code} {out}{err}");
    let session = world.until(&hash, "the release", |r| r.release.is_some()).await;
    let request = session.view.state.request(&hash).unwrap();
    assert!(request.release.as_ref().unwrap().by_auditor);
    assert!(session.now() < request.cooled_at(session.view.state.witnessed()).unwrap(), "hours before its time");
    let step = ["--request", &hex, "--confirm", &case];
    for n in [1, 2] {
        let mut wait = patience();
        while unseal(&world, n, "partial", &step).await.0 != 0 {
            wait.wait("the hand-out").await.unwrap();
        }
    }
    world.until(&hash, "partials", |r| r.partials.len() == 2).await;
    for n in [1, 2] {
        assert_eq!(done(&world, n, "open", &step).await["record"]["name"], "Sari");
    }
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    assert_eq!(world.status(&hash).await, Status::Opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_without_an_auditor_does_not_pass_through_the_board() {
    // Nothing may go alone: the log does not judge the day's cap, and takes what it gets.
    let world = World::start_with(|root| root.release_cap_per_day = 0, |_, _| ()).await;
    let case = world.case(None).await;
    let hash = world.requested(&case).await;
    for n in [1, 2] {
        world.approve(n, &hash, &case).await.unwrap();
    }
    let mut wait = patience();
    let session = loop {
        let session = world.until(&hash, "approvals", |r| r.approvals.len() == 2).await;
        let request = session.view.state.request(&hash).unwrap();
        if request.cooled_at(session.view.state.witnessed()).is_some_and(|at| at < session.now()) {
            break session;
        }
        wait.wait("the end of the cooling-off").await.unwrap();
    };
    let statement = world.early_release(&session, &hash);
    let warden = world.identity(tabir_crypto::statement::body::Role::Warden);
    let taken = world.board(&warden).propose(&statement, &mut patience()).await.unwrap();
    assert!(!taken.complete, "the warden alone");
    // An official's or the gateway's signature is no auditor's.
    for key in [world.official(1).signing().clone(), world.identity(tabir_crypto::statement::body::Role::Gateway)] {
        let mut signed = statement.clone();
        signed.sign(&key);
        assert_eq!(problem(world.propose(&key, &signed).await), (400, "unknown-key".into()));
    }
    // What can't come any more is dropped.
    let one = world.official(1);
    let board = world.board(one.signing());
    tabir::client::official::approve::withdraw(&session, &board, &one, &hash, "scope", &mut patience()).await.unwrap();
    world.until(&hash, "the end", |r| r.ended.is_some()).await;
    while board.find(Verb::UnsealReleased, |_| true).await.unwrap().is_some() {
        wait.wait("the end of the proposal").await.unwrap();
    }
}
