//! `tabir doctor` on processes that are not well: each thing is named with what to do, and nothing secret is printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use serde_json::Value;
use tabir::cli::demo::ports::free_ports;
use tabir::cli::init::{self, layout::Ports};
use tabir::clock::Clock;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::nginx::{self, Nginx};
use crate::{PROGRAM, ports, said, text};

struct Demo {
    dir: tempfile::TempDir,
    ports: Ports,
}

fn demo() -> Demo {
    let ports = free_ports().unwrap();
    let dir = tempfile::tempdir().unwrap();
    init::demo(dir.path(), "Test city", &ports).unwrap();
    Demo { dir, ports }
}

impl Demo {
    fn config(&self, role: &str) -> PathBuf {
        self.dir.path().join(role).join("tabir.toml")
    }

    /// Another address of a peer in a role's file.
    fn instead(&self, role: &str, of: &str, is: &str) {
        let file = self.config(role);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(of), "{text}");
        std::fs::write(&file, text.replace(of, is)).unwrap();
    }

    fn look(&self, role: &str, authority: Option<&Path>) -> (Output, Vec<Value>) {
        let mut command = Command::new(PROGRAM);
        command.args(["doctor", "--json", "--config", text(&self.config(role))]).stdin(Stdio::null());
        if let Some(authority) = authority {
            command.env("SSL_CERT_FILE", authority);
        }
        let output = command.output().unwrap();
        self.secret_is_nothing(&output);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
        let worst = answer["worst"].as_str().unwrap();
        let code = ["ok", "warning", "error"].iter().position(|w| *w == worst).unwrap();
        assert_eq!(output.status.code(), i32::try_from(code).ok(), "{}", said(&output));
        (output, answer["findings"].as_array().unwrap().clone())
    }

    /// No key of any role stands in what was printed.
    fn secret_is_nothing(&self, output: &Output) {
        for role in ["issuer", "gateway", "forwarder", "council", "log", "warden", "desk"] {
            for file in std::fs::read_dir(self.dir.path().join(role)).unwrap().map(|f| f.unwrap().path()) {
                if file.extension().is_some_and(|e| e == "key") {
                    let secret = std::fs::read_to_string(&file).unwrap();
                    assert!(!said(output).contains(secret.trim()), "{}", file.display());
                }
            }
        }
    }
}

fn found<'a>(findings: &'a [Value], check: &str, place: &str) -> Vec<&'a Value> {
    let fits = |f: &&Value| f["check"] == check && f["place"].as_str().unwrap().contains(place);
    findings.iter().filter(fits).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_answer_is_named_with_what_to_do() {
    let demo = demo();
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config", text(&demo.config("log"))]).stdin(Stdio::null()).stderr(Stdio::null());
    let mut log = command.spawn().unwrap();
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", demo.ports.log)).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, findings) = demo.look("forwarder", None);
    log.kill().unwrap();
    log.wait().unwrap();
    // The log runs, though nobody has cosigned anything; gateway and complaint system do not.
    assert_ne!(found(&findings, "connections", "forwarder → log ")[0]["level"], "error");
    assert_eq!(found(&findings, "connections", "forwarder → log_internal ")[0]["level"], "ok");
    for (place, todo) in [("forwarder → gateway_internal", "firewall"), ("forwarder → downstream", "complaint system")]
    {
        let finding = found(&findings, "connections", place)[0];
        assert_eq!(finding["level"], "error");
        assert!(finding["todo"].as_str().unwrap().contains(todo), "{finding}");
    }
    for check in ["disk", "keys", "clock"] {
        assert!(!found(&findings, check, "").is_empty(), "{check}: {findings:?}");
    }
}

/// Answers everything, with a clock that is off by some seconds.
async fn somebody(off: i64) -> u16 {
    let handler = move || async move {
        let now = i64::try_from(Clock::system().now()).unwrap() + off;
        let date = OffsetDateTime::from_unix_timestamp(now).unwrap().format(&Rfc2822).unwrap().replace("+0000", "GMT");
        ([(header::DATE, HeaderValue::from_str(&date).unwrap())], "something else").into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_whose_clock_is_off_and_one_that_is_something_else_are_told() {
    let demo = demo();
    let port = somebody(-1_000).await;
    demo.instead("forwarder", &format!("127.0.0.1:{}\"", demo.ports.gateway_internal), &format!("127.0.0.1:{port}\""));
    let (_, findings) = demo.look("forwarder", None);
    let clock = found(&findings, "clock", &port.to_string());
    assert_eq!(clock[0]["level"], "error");
    assert!(clock[0]["found"].as_str().unwrap().contains("behind"), "{clock:?}");
    let connection = found(&findings, "connections", "gateway_internal")[0];
    assert!(connection["found"].as_str().unwrap().contains("something else answers"), "{connection}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_told_before_it_ends_and_one_that_nobody_signed_is_refused() {
    let demo = demo();
    let dir = tempfile::tempdir().unwrap();
    let [public, internal, plain, behind_public] = ports();
    let ports = nginx::Ports { public, internal, plain, behind_public, behind_internal: demo.ports.gateway_internal };
    let authority = dir.path().join("authority.pem");
    nginx::certificate_for(dir.path(), &authority, Some(time::Duration::hours(5 * 24 + 12)));
    let nginx = Nginx::start(dir.path(), &nginx::sample(dir.path(), &ports), public).await;
    let of = format!("http://127.0.0.1:{}", demo.ports.gateway_internal);
    demo.instead("forwarder", &of, &format!("https://localhost:{internal}"));
    let (_, findings) = demo.look("forwarder", Some(&authority));
    let certificate = found(&findings, "certificate", &internal.to_string());
    assert_eq!(certificate[0]["level"], "warning", "{findings:?}");
    assert!(certificate[0]["found"].as_str().unwrap().contains("5 days"), "{certificate:?}");
    // Whoever does not know the authority gets no further.
    let (_, findings) = demo.look("forwarder", None);
    let connection = found(&findings, "connections", "gateway_internal")[0];
    assert!(connection["todo"].as_str().unwrap().contains("certificate"), "{connection}");
    drop(nginx);
}

#[test]
fn what_waits_too_long_and_what_is_held_is_told() {
    let demo = demo();
    let dir = demo.dir.path().join("forwarder");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        drop(tabir::forwarder::store::Store::open(&dir).await.unwrap());
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", dir.join("store.sqlite").display());
        let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.unwrap();
        let day = Clock::system().now() - 6 * 86_400;
        let report = format!(
            "INSERT INTO report (case_id, access_hash, case_vk, mailbox_pk, statement, nf, w, fate, reason, pending_in, logged, \
             release_mode, counter, seq, prev, reply_seq, reply_prev, service_code, request_id, status, status_at, raw_status) \
             VALUES (x'01', x'', x'', x'', x'', x'', 0, 'queued', '', -1, 0, 'urgent', 0, 0, x'', 0, x'', '', '', '', 0, ''); \
             INSERT INTO delivery (case_id, counter, kind, payload, intake_key_id, seq, envelope_hash, state, due_at, attempts, \
             first_attempt, day, delete_at) VALUES (x'01', 0, 'report', x'', x'', 0, x'', 'waiting', 0, 9, 0, {day}, 0); \
             INSERT INTO held (kind, about, detail, held_on) VALUES ('status', '12', 'shelved', 0);"
        );
        sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(report)).await.unwrap();
    });
    let (_, findings) = demo.look("forwarder", None);
    let late = found(&findings, "queue", "what the complaint system has not taken")[0];
    assert_eq!(late["level"], "error");
    assert!(late["found"].as_str().unwrap().contains("since 6 days"), "{late}");
    let held = found(&findings, "queue", "held for a person")[0];
    assert_eq!(
        (held["level"].as_str(), held["todo"].as_str().unwrap().contains("tabir held list")),
        (Some("warning"), true)
    );
}
