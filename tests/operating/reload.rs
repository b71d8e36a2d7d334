//! SIGHUP: all of a new configuration counts, or nothing of it, and nobody who asks notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::process::Signal;
use tabir::client::report::send;
use tabir::config::Config;

use crate::common::fault_proxy::FaultProxy;
use crate::stage::Stage;
use crate::{number, ready, signal};

const TAKEN: &str = "tabir_reloaded";

/// Asks a role to read its configuration again, and waits for what it says.
async fn reload(stage: &mut Stage, role: &'static str, taken: bool) -> String {
    let (pid, before) = (stage.process(role).pid(), stage.said_by(role).len());
    signal(pid, Signal::HUP);
    let said = if taken { "was read again" } else { "was not taken over" };
    stage.until(said, || async { stage.said_by(role)[before..].contains(said) }).await;
    assert_eq!(number(stage, role, TAKEN).await, Some(f64::from(u8::from(taken))));
    stage.said_by(role)[before..].to_owned()
}

/// Changes a role's configuration; gives the text that was there.
fn change(stage: &Stage, role: &str, change: impl FnOnce(&mut Config)) -> String {
    let file = stage.folder().join(role).join("tabir.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let mut config = Config::load(&file).unwrap();
    change(&mut config);
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    before
}

fn put(stage: &Stage, role: &str, text: &str) {
    std::fs::write(stage.folder().join(role).join("tabir.toml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_is_taken_over_whole_or_not_at_all_while_requests_go_on() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;

    // What is wrong changes nothing, and is said.
    let good = change(&stage, "gateway", |_| ());
    for (text, why) in [
        ("trust = ".to_owned(), "toml"),
        (format!("nonsense = 1\n{good}"), "nonsense"),
        (good.replace("trust.json", "other.json"), "other.json"),
        (good.replace("public = \"127.0.0.1:", "public = \"127.0.0.2:"), "[listen] has changed"),
    ] {
        assert_ne!(text, good);
        put(&stage, "gateway", &text);
        let said = reload(&mut stage, "gateway", false).await;
        assert!(said.contains(why), "{why}: {said}");
        let (sealed, token) = ready(&stage, &session).await.unwrap();
        send(&session, &sealed, &token).await.unwrap();
    }
    put(&stage, "gateway", &good);

    // A role that can't begin with the new one goes on with the old one.
    let good = change(&stage, "forwarder", |config| {
        config.roles.forwarder.as_mut().unwrap().api_key_file = Some("/nowhere/api.key".into());
    });
    reload(&mut stage, "forwarder", false).await;
    put(&stage, "forwarder", &good);

    // Reloads under load: no request fails.
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = {
        let (over, asked, client) = (Arc::clone(&over), Arc::clone(&asked), stage.client.clone());
        let url = format!("{}/v1/services", stage.gateway());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                client.get(&url).await.expect("a request during a reload");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    for _ in 0..3 {
        let (sealed, token) = ready(&stage, &session).await.unwrap();
        reload(&mut stage, "gateway", true).await;
        send(&session, &sealed, &token).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    load.await.unwrap();
    assert!(asked.load(Ordering::Relaxed) > 20, "there was load");

    // And what is right counts: reports go another way from now on.
    let proxy = FaultProxy::start("").await;
    change(&stage, "forwarder", |config| {
        let forwarder = config.roles.forwarder.as_mut().unwrap();
        let path = forwarder.downstream.find("/open311").unwrap();
        proxy.lead_to(&forwarder.downstream[..path]);
        forwarder.downstream = format!("{}{}", proxy.base, &forwarder.downstream[path..]);
    });
    reload(&mut stage, "forwarder", true).await;
    let before = proxy.posts();
    let (sealed, token) = ready(&stage, &session).await.unwrap();
    send(&session, &sealed, &token).await.unwrap();
    stage.until("the report goes the new way", || async { proxy.posts() > before }).await;
}
