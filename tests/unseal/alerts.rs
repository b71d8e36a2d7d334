//! People are told that something waits: by a real mail server and a real webhook on loopback, and nothing but that.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tabir::config::Config;
use tabir::config::notify::{Notify, Smtp, SmtpTls};
use tokio::net::TcpListener;

use crate::mail::{MailServer, Mood};
use crate::world::{World, patience, person};

type Hooked = Arc<Mutex<Vec<String>>>;

async fn webhook() -> (String, Hooked) {
    let taken = Hooked::default();
    let route = post(|State(taken): State<Hooked>, body: String| async move { taken.lock().unwrap().push(body) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/secret-path", listener.local_addr().unwrap());
    let routes = Router::new().route("/hook/secret-path", route).with_state(Arc::clone(&taken));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, taken)
}

/// All that this process logs.
fn logged() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    struct Sink;
    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            std::io::Write::write(&mut *LOG.get().unwrap().lock().unwrap(), bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    LOG.get_or_init(|| {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(|| Sink).init();
        Mutex::default()
    })
}

fn notify(config: &mut Config, notify: Notify) {
    if let Some(council) = &mut config.roles.council {
        council.notify = Some(notify);
    }
}

/// The text below the headers.
fn below(mail: &str) -> &str {
    mail.split_once("\n\n").unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_by_mail_and_webhook_that_something_waits_and_nothing_else() {
    let (mail, (url, hooked)) = (MailServer::start().await, webhook().await);
    let settings = Notify {
        smtp: Some(mail.smtp()),
        officials: vec!["sari@kota.example".into(), url.clone()],
        warden: vec!["ombud@ngo.example".into()],
        auditors: vec!["auditor@ngo.example".into()],
        retry_s: 1,
    };
    let mut world = World::start_with(|_| (), |_, config| notify(config, settings.clone())).await;
    // A council and the warden's keys waited for signatures.
    let mut wait = patience();
    while mail.to("auditor@").is_empty() || mail.to("ombud@").is_empty() {
        wait.wait("the auditors' and the warden's mail").await.unwrap();
    }
    assert!(mail.to("sari@").is_empty() && hooked.lock().unwrap().is_empty(), "officials had nothing to do");

    let case = world.case(Some(person("Sari"))).await;
    let hash = world.requested(&case).await;
    while mail.to("sari@").is_empty() || hooked.lock().unwrap().is_empty() {
        wait.wait("the officials' mail").await.unwrap();
    }
    // Once for each thing, also after a restart.
    world.restart("council").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((mail.to("sari@").len(), hooked.lock().unwrap().len()), (1, 1));
    for n in [1, 2] {
        world.approve(n, &hash, &case).await.unwrap();
    }
    world.until(&hash, "the release", |r| r.release.is_some()).await;
    while mail.to("sari@").len() < 2 || hooked.lock().unwrap().len() < 2 {
        wait.wait("the next mail").await.unwrap();
    }
    // The same sentence for everybody and everything; a mail differs in date and recipient alone.
    let all: Vec<String> = mail.mails.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
    for one in &all {
        assert_eq!(below(one), below(&all[0]));
        assert!(below(one).contains("Something waits for you in Tabir"));
        let heads: Vec<&str> = one.lines().take(6).map(|l| l.split(':').next().unwrap()).collect();
        assert_eq!(heads, ["Date", "From", "To", "Subject", "Content-Type", "Content-Transfer-Encoding"]);
        assert!(one.contains("Subject: Tabir\n") && one.lines().next().unwrap().ends_with(":00 +0000"), "{one}");
        for secret in [case.as_str(), &hex::encode(hash), "court", "release", "official"] {
            assert!(!one.contains(secret), "{secret}");
        }
    }
    let hooks = hooked.lock().unwrap().clone();
    assert!(hooks.iter().all(|body| *body == hooks[0] && body.contains("Something waits")), "{hooks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_hangs_or_refuses_stops_nothing_and_is_tried_again_and_no_address_is_logged() {
    let log = logged();
    let mail = MailServer::start().await;
    *mail.mood.lock().unwrap() = Mood::Refuses;
    let gone = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let settings = Notify {
        smtp: Some(mail.smtp()),
        officials: vec![format!("http://{gone}/secret-path"), "sari@kota.example".into()],
        auditors: vec!["auditor@ngo.example".into()],
        retry_s: 1,
        ..Notify::default()
    };
    let world = World::start_with(|_| (), |_, config| notify(config, settings.clone())).await;
    let case = world.case(None).await;
    let hash = world.requested(&case).await;
    let mut wait = patience();
    while *mail.refused.lock().unwrap() < 3 {
        wait.wait("three tries").await.unwrap();
    }
    *mail.mood.lock().unwrap() = Mood::Hangs;
    // Nobody waits for a mail server.
    for n in [1, 2] {
        world.approve(n, &hash, &case).await.unwrap();
    }
    world.until(&hash, "the release", |r| r.release.is_some()).await;
    *mail.mood.lock().unwrap() = Mood::Takes;
    while mail.to("sari@").is_empty() {
        wait.wait("the mail").await.unwrap();
    }
    let said = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(said.contains("nobody was told") && said.contains("refuses"), "{said}");
    for address in ["sari", "auditor@", "kota.example", "secret-path", "is nobody"] {
        assert!(!said.contains(address), "{address} stands in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_does_not_start_with_somebody_whom_it_could_never_tell() {
    let dir = tempfile::tempdir().unwrap();
    let ports = tabir::cli::demo::ports::free_ports().unwrap();
    tabir::cli::init::demo(dir.path(), "Test city", &ports).unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let password = dir.path().join("password");
    tabir::config::keys::write_private(&password, b"secret\n").unwrap();
    let smtp = Smtp {
        host: "127.0.0.1".into(),
        port: 25,
        tls: SmtpTls::None,
        ca_file: None,
        from: "tabir@kota.example".into(),
        user: None,
        password_file: None,
    };
    let with = |who: &str, smtp: Option<Smtp>| Notify { officials: vec![who.into()], smtp, ..Notify::default() };
    let account = Smtp { user: Some("tabir".into()), password_file: Some(password), ..smtp.clone() };
    for (settings, says) in [
        (with("sari at home", Some(smtp.clone())), "neither a mail address nor a URL"),
        (with("ftp://kota.example/x", None), "http or https"),
        (with("sari@kota.example", None), "need an smtp section"),
        (with("sari@kota.example", Some(Smtp { from: "nobody".into(), ..smtp.clone() })), "smtp.from"),
        (with("sari@kota.example", Some(Smtp { user: Some("x".into()), ..smtp.clone() })), "both or none"),
        (with("sari@kota.example", Some(account)), "readable on the way"),
    ] {
        let mut config = Config::load(&dir.path().join("council/tabir.toml")).unwrap();
        assert!(!format!("{settings:?}").contains("sari"));
        notify(&mut config, settings);
        let error = tabir::cli::serve::start(&config, stopped.clone()).await.expect_err("must not start").to_string();
        assert!(error.contains(says) && !error.contains("sari"), "{error}");
    }
}
