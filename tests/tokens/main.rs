//! Tokens that are fetched ahead, with the real program: a batch is bought once, whatever is lost or killed on the way, and
//! it is good at any address.

#[allow(dead_code)]
#[path = "../common/cut_proxy.rs"]
mod cut_proxy;
#[path = "../stage/mod.rs"]
mod stage;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cut_proxy::CutProxy;
use stage::{Stage, draft};
use tabir::cli::demo::ports::free_port;
use tabir::client::report::{seal, send};
use tabir::client::token_file::TokenFile;
use tabir::client::token_pool::Taken;
use tabir::client::tokens::{Attestation, fetch, fetch_batch};
use tabir::client::{ClientError, Session};
use tabir::config::keys::{read_private, write_private};
use tabir_crypto::token::Token;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tabir");

async fn voucher(stage: &Stage) -> Attestation {
    Attestation::Voucher(stage.vouchers(1).await.remove(0))
}

async fn report(session: &Session, token: &Token) {
    let sealed = seal(session, &draft(session)).unwrap();
    send(session, &sealed, token).await.unwrap();
}

fn taken(file: &mut TokenFile, session: &Session) -> Token {
    file.no_wait(session).unwrap();
    match file.take(session).unwrap() {
        Taken::Token(token) => *token,
        other => panic!("{other:?}"),
    }
}

fn code(error: &ClientError) -> Option<&str> {
    match error {
        ClientError::Http(error) => error.code(),
        _ => None,
    }
}

/// Wherever the device or the connection dies, the purchase is completed by whoever opens the file next.
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_is_cut_off_at_any_point_burns_nothing() {
    let stage = Stage::start(PROGRAM).await;
    let mut session = stage.session().await;
    let real = session.services.issuer.clone();
    let proxy = CutProxy::start(&real, 0).await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);

    // 1: written down, never sent.
    let pay = voucher(&stage).await;
    TokenFile::open(&path("1")).unwrap().begin(&session, &pay).await.unwrap();
    // 2: sent and answered, but the answer is lost, and then the device.
    session.services.issuer = proxy.base.clone();
    proxy.add(2);
    let mut second = TokenFile::open(&path("2")).unwrap();
    assert!(second.buy(&session, &voucher(&stage).await).await.is_err());
    drop(second);
    assert_eq!(proxy.cut(), 2);
    // 3: the same for a puzzle.
    proxy.add(2);
    assert!(TokenFile::open(&path("3")).unwrap().buy(&session, &Attestation::Puzzle).await.is_err());
    // Afterwards the issuer is there, and what is given for payment is not needed: none of these would buy anything.
    session.services.issuer = real;
    let nothing = Attestation::Voucher("0000-0000-0000-0000".into());
    for name in ["1", "2", "3"] {
        let mut file = TokenFile::open(&path(name)).unwrap();
        assert!(file.is_pending() && file.is_empty());
        file.buy(&session, &nothing).await.unwrap();
        assert_eq!((file.len(), file.is_pending()), (8, false), "{name}");
        let text = read_private(&path(name)).unwrap();
        assert!(text.starts_with(r#"{"v":1,"pending":null,"#), "what says who paid is out of the file");
        report(&session, &taken(&mut file, &session)).await;
        assert_eq!(TokenFile::open(&path(name)).unwrap().len(), 7, "a token is out of the file before it is used");
    }
    // That voucher has bought its batch.
    let spent = fetch(&session, &pay).await.unwrap_err();
    assert_eq!(code(&spent), Some("attestation-spent"));
    // One that can never be completed is not asked for again.
    let mut file = TokenFile::open(&path("4")).unwrap();
    assert!(file.buy(&session, &nothing).await.is_err());
    assert!(!TokenFile::open(&path("4")).unwrap().is_pending());
    file.buy(&session, &voucher(&stage).await).await.unwrap();
}

/// `kill -9` at another moment of the request each time: the same request is answered by the next process as by the last.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_killed_while_it_signs_burns_nothing_and_gives_nothing_twice() {
    let mut stage = Stage::start(PROGRAM).await;
    let session = stage.session().await;
    let dir = tempfile::tempdir().unwrap();
    for round in 0..8u64 {
        let path = dir.path().join(round.to_string());
        let pay = voucher(&stage).await;
        TokenFile::open(&path).unwrap().begin(&session, &pay).await.unwrap();
        let mut buying = TokenFile::open(&path).unwrap();
        let answered = tokio::select! {
            answered = buying.complete(&session) => answered.is_ok(),
            () = tokio::time::sleep(Duration::from_millis(round * 4)) => false,
        };
        stage.end("issuer");
        stage.resume("issuer").await;
        let url = format!("{}/.well-known/private-token-issuer-directory", session.services.issuer);
        stage.until("the issuer is back", || async { stage.client.get(&url).await.is_ok() }).await;
        let mut file = TokenFile::open(&path).unwrap();
        assert_eq!(file.is_pending(), !answered);
        if file.is_pending() {
            assert!(file.complete(&session).await.unwrap());
        }
        assert_eq!(file.len(), 8);
        report(&session, &taken(&mut file, &session)).await;
        let again = fetch_batch(&session, &pay).await.unwrap_err();
        assert_eq!(code(&again), Some("attestation-spent"), "round {round}");
    }
}

/// Issuer and origin are names of the trust root. A city that moves to another host or port, or an onion address, keeps
/// every token that its citizens have.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_address_breaks_no_token() {
    let mut stage = Stage::start(PROGRAM).await;
    let before = stage.session().await;
    let mut tokens = fetch_batch(&before, &voucher(&stage).await).await.unwrap();
    report(&before, &tokens.pop().unwrap()).await;

    let moves = [(stage.ports.issuer, free_port().unwrap()), (stage.ports.gateway, free_port().unwrap())];
    for role in ["issuer", "gateway"] {
        stage.end(role);
        let config = stage.folder().join(role).join("tabir.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let moved =
            moves.iter().fold(text, |text, (old, new)| text.replace(&format!(":{old}\""), &format!(":{new}\"")));
        // Another name of the host, too.
        std::fs::write(&config, moved.replace("issuer = \"http://127.0.0.1:", "issuer = \"http://localhost:")).unwrap();
        stage.resume(role).await;
    }
    let server = format!("http://localhost:{}", moves[1].1);
    stage
        .until("the gateway is at its new address", || async {
            stage.client.get(&format!("{server}/v1/services")).await.is_ok()
        })
        .await;
    // The gateway reads the log for itself before it takes tokens.
    let ready = || async {
        let url = format!("{server}/v1/reports");
        let asked =
            stage.client.send(tabir::http::Method::POST, &url, &[("content-type", "application/json")], Vec::new());
        asked.await.is_err_and(|e| e.header("www-authenticate").is_some())
    };
    stage.until("the gateway knows the keys", ready).await;
    let trust = std::sync::Arc::clone(&stage.trust);
    let session = Session::open(stage.client.clone(), before.clock.clone(), trust, &server).await.unwrap();
    assert_eq!(session.services.issuer, format!("http://localhost:{}", moves[0].1));
    for token in &tokens {
        report(&session, token).await;
    }
    // And the same names are in what is bought there.
    let bought = fetch_batch(&session, &voucher(&stage).await).await.unwrap();
    assert_eq!(bought[0].challenge_digest, tokens[0].challenge_digest);
    assert!(stage.client.get(&format!("{}/v1/services", before.server)).await.is_err(), "nobody is at the old address");
}

fn tabir(home: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(PROGRAM);
    for name in ["TABIR_SERVER", "TABIR_TRUST", "TABIR_STATE"] {
        command.env_remove(name);
    }
    let output = command.args(args).current_dir(home).env("HOME", home).env("LC_ALL", "C").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// As a desk and a citizen do it.
#[tokio::test(flavor = "multi_thread")]
async fn on_the_command_line_a_desks_voucher_buys_a_batch_and_revoked_ones_buy_none() {
    let stage = Stage::start(PROGRAM).await;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let config = stage.folder().join("issuer/tabir.toml").to_str().unwrap().to_owned();
    let (trust, server) = (stage.folder().join("trust.json").to_str().unwrap().to_owned(), stage.gateway());
    let category = stage.session().await.services.categories[0].code.as_str().to_owned();
    let desk = |args: &[&str]| tabir(home, &[&["voucher"][..], args, &["--config", &config]].concat());

    let (exit, out, err) =
        desk(&["batch", "--desk", "Balai Kota", "--count", "12", "--days", "30", "--format", "json"]);
    assert_eq!(exit, 0, "{err}");
    let made: serde_json::Value = serde_json::from_str(&out).unwrap();
    let code = |i: usize| made["vouchers"][i].as_str().unwrap().to_owned();
    write_private(&home.join("voucher"), code(0).as_bytes()).unwrap();
    write_private(&home.join("revoked"), code(1).as_bytes()).unwrap();
    std::fs::write(home.join("text"), "A street light is dark.").unwrap();

    let at = ["--server", &server, "--trust", &trust];
    let (exit, out, err) =
        tabir(home, &[&["tokens"][..], &at, &["--voucher", "voucher", "--tokens", "t", "--json"]].concat());
    assert_eq!(exit, 0, "{err}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), serde_json::json!({ "v": 1, "tokens": 8 }));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(home.join("t")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let common = ["report", "--category", &category, "--text", "text", "--json", "--tokens", "t", "--no-wait"];
    for left in [7, 6] {
        let (exit, out, err) = tabir(home, &[&common[..], &at].concat());
        assert!(exit == 0 && out.contains("reference"), "{err}");
        assert_eq!(TokenFile::open(&home.join("t")).unwrap().len(), left);
    }

    let (exit, _, err) = desk(&["revoke", "1"]);
    assert_eq!(exit, 0, "{err}");
    assert_eq!(desk(&["revoke", "7"]).0, 2);
    let (exit, _, err) = tabir(home, &[&["tokens"][..], &at, &["--voucher", "revoked", "--tokens", "r"]].concat());
    assert!(exit == 1 && err.contains("attestation-expired"), "{err}");
    let (exit, out, _) = desk(&["list"]);
    assert!(exit == 0 && out.contains("Balai Kota") && out.contains("revoked") && !out.contains(&code(0)), "{out}");

    let (exit, _, err) = desk(&["batch", "--desk", "Pasar", "--count", "2", "--format", "html", "--out", "sheet.html"]);
    assert_eq!(exit, 0, "{err}");
    assert_eq!(read_private(&home.join("sheet.html")).unwrap().matches("<section>").count(), 2);
    assert_eq!(desk(&["batch", "--desk", "", "--count", "2"]).0, 2);
}
