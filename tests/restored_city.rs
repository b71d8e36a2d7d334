//! The real program: a gateway's disk is lost while a city works, and its store comes back from last night's backup. Tokens of
//! before are worth nothing, an erased case stays erased, nothing goes to the complaint system twice, the log has one history,
//! and after an auditor's signature people report again.

mod stage;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stage::{Stage, draft};
use tabir::client::report::{Sealed, seal, send};
use tabir::client::{ClientError, Session, case, tokens};
use tabir::http::Client;
use tabir_crypto::log::TreeHead;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::token::Token;
use tabir_crypto::trust::root::LogName;

fn tabir(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).output().unwrap()
}

#[track_caller]
fn done(args: &[&str]) -> String {
    let output = tabir(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn token(session: &Session, code: &str) -> Token {
    tokens::fetch(session, &tokens::Attestation::Voucher(code.to_owned())).await.unwrap()
}

/// A report, and the token that paid for it.
async fn reported(session: &Session, code: &str) -> (Sealed, Token) {
    let (sealed, token) = (seal(session, &draft(session)).unwrap(), token(session, code).await);
    send(session, &sealed, &token).await.unwrap();
    (sealed, token)
}

fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    match result {
        Err(ClientError::Http(error)) => error.code().unwrap_or("none").to_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

/// Statements of the intake log.
async fn intake(stage: &Stage) -> Vec<Statement> {
    let log = &stage.ports.peers().log;
    let reader = tabir::ledger::reader(&stage.trust, LogName::Intake, stage.client.clone(), log).unwrap();
    let Ok(growth) = reader.read(TreeHead::EMPTY).await else { return Vec::new() };
    growth.entries.iter().map(|entry| Statement::parse(&entry.leaf).unwrap()).collect()
}

fn accepts(statement: &Statement, receipt: &Receipt) -> bool {
    let a = receipt.keys().a();
    matches!(statement.body().unwrap(), Body::ReportAccepted(body) if body.pairs.iter().any(|[x, _]| x.0 == a))
}

fn forwards(statement: &Statement, receipt: &Receipt) -> bool {
    let nf = *receipt.keys().nf.expose();
    let forwarded = statement.verb() == Verb::ReportForwarded;
    matches!(statement.body().unwrap(), Body::ReportFate(body) if forwarded && body.nf.iter().any(|x| x.0 == nf))
}

struct Backup {
    key: PathBuf,
    file: PathBuf,
}

fn back_up(stage: &Stage, dir: &Path) -> Backup {
    let (key, file) = (dir.join("november.key"), dir.join("gateway.backup"));
    done(&["backup", "key", text(&key)]);
    let (config, public) = (stage.folder().join("gateway/tabir.toml"), dir.join("november.key.pub"));
    done(&["backup", "create", "--config", text(&config), "--to", text(&public), text(&file)]);
    Backup { key, file }
}

fn restore(stage: &Stage, backup: &Backup) {
    let folder = stage.folder().join("gateway");
    for end in ["", "-wal", "-shm"] {
        // Those of the log are there after a kill only.
        let _ = std::fs::remove_file(folder.join(format!("store.sqlite{end}")));
    }
    let config = folder.join("tabir.toml");
    done(&["backup", "restore", text(&backup.file), "--config", text(&config), "--key", text(&backup.key)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_comes_back_from_a_backup_while_the_city_works() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let dir = tempfile::tempdir().unwrap();
    let session = stage.session().await;
    let codes = stage.vouchers(5).await;
    let (kept, first) = reported(&session, &codes[0]).await;
    let (erased, _) = reported(&session, &codes[1]).await;
    let backup = back_up(&stage, dir.path());
    let (late, second) = reported(&session, &codes[2]).await;
    let unspent = token(&session, &codes[3]).await;
    let found = case::read(&session, &erased.receipt).await.unwrap();
    case::send(&session, &case::erase(&session, &erased.receipt, &found).unwrap(), None).await.unwrap();
    let logged = async || {
        let all = intake(&stage).await;
        all.iter().any(|s| s.verb() == Verb::ReportErased) && all.iter().any(|s| forwards(s, &late.receipt))
    };
    stage.until("an erasure and a report in the log", logged).await;

    stage.end("gateway");
    restore(&stage, &backup);
    stage.resume("gateway").await;
    let issuer = stage.folder().join("issuer/tabir.toml");
    let renewed = done(&["keys", "renew", "--config", text(&issuer), "--reason", "gateway_restored", "--json"]);
    assert!(renewed.contains("\"auditor\":true"), "{renewed}");

    // It waits for an auditor: until then the new key counts for nobody.
    let (board, old) = (stage.board(), session.key(KeyKind::Token).unwrap());
    let waits = |body: &Body| matches!(body, Body::KeyAnnounced(key) if key.kind == KeyKind::Token);
    let proposed = async || matches!(board.find(Verb::KeyAnnounced, waits).await, Ok(Some(p)) if !p.complete);
    stage.until("the new key on the board", proposed).await;
    let statement = board.find(Verb::KeyAnnounced, waits).await.unwrap().unwrap().statement;
    stage.sign(statement, &stage.auditors[..1]).await;
    let fresh = async || {
        let open = Session::open(
            Client::new(session.clock.clone()),
            session.clock.clone(),
            stage.trust.clone(),
            &session.server,
        );
        matches!(open.await.and_then(|s| s.key(KeyKind::Token)), Ok(key) if key != old)
    };
    stage.until("the new key in the log", fresh).await;

    // It has caught up: what it has is served.
    let session = stage.session().await;
    let serves = async || case::read(&session, &kept.receipt).await.is_ok();
    stage.until("the kept case", serves).await;
    assert_eq!(code(case::read(&session, &erased.receipt).await), "no-case");
    assert_eq!(code(case::read(&session, &late.receipt).await), "no-case");
    for old in [&first, &second, &unspent] {
        assert_eq!(code(send(&session, &seal(&session, &draft(&session)).unwrap(), old).await), "token-key");
    }
    let again = send(&session, &erased, &token(&session, &codes[4]).await).await;
    assert_eq!(code(again), "erased");
    let codes = stage.vouchers(1).await;
    let (new, _) = reported(&session, &codes[0]).await;
    let through = async || intake(&stage).await.iter().any(|s| forwards(s, &new.receipt));
    stage.until("a report after the restore", through).await;

    // One history, in which each report is accepted once and passed on once, and the audit finds nothing.
    let all = intake(&stage).await;
    for receipt in [&kept.receipt, &late.receipt, &new.receipt] {
        assert_eq!(all.iter().filter(|s| accepts(s, receipt)).count(), 1);
        assert_eq!(all.iter().filter(|s| forwards(s, receipt)).count(), 1);
    }
    let (copy, trust) = (dir.path().join("log"), stage.folder().join("trust.json"));
    done(&["audit", "fetch", "--server", &session.server, "--trust", text(&trust), text(&copy)]);
    done(&["audit", "verify", text(&copy), "--trust", text(&trust)]);
}
