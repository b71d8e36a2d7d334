//! `tabir audit monitor` beside a running log: each alarm once, whatever is restarted, and none on a clean log.

mod log_support;

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tabir::clock::Clock;
use tabir::http::Client;
use tabir::log::fault::Faults;
use tabir_crypto::statement::body::{ReportAccepted, Role};
use tabir_crypto::statement::value::{Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::LogName;
use tokio::net::TcpListener;

use log_support::*;

/// The machine's clock: the monitor is a process of its own.
fn now() -> u64 {
    Clock::system().now()
}

/// A log role with both logs cosigned now, and a folder for the monitor.
struct Stage {
    dir: tempfile::TempDir,
    log: Running,
}

impl Stage {
    async fn start() -> Self {
        Self::start_at(now()).await
    }

    /// What is there at the beginning was cosigned at this time: two stages of one time have the same beginning.
    async fn start_at(time: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("role")).unwrap();
        std::fs::write(dir.path().join("trust.json"), trust_statement().to_bytes()).unwrap();
        let clock = Clock::manual(time);
        let log = start_with(&dir.path().join("role"), 10, clock, Faults::default()).await.unwrap();
        let stage = Self { dir, log };
        stage.put_at(INTAKE, &counts(1), time).await;
        stage.put_at(GOVERNANCE, &announced(1, &identity(Role::Forwarder)), time).await;
        stage
    }

    /// Appends to the intake log; cosigned now.
    async fn put(&self, statement: &Statement) {
        self.put_at(INTAKE, statement, now()).await;
    }

    /// Appends; cosigned at that time, which is the log's own.
    async fn put_at(&self, log: LogName, statement: &Statement, time: u64) {
        self.log.clock.set(time);
        let (_, index) = self.log.append(log, statement).await.unwrap();
        // No checkpoint without it is cosigned: two logs of one history keep the same ones.
        for _ in 0..500 {
            if self.log.pending(log).await.head().size > index {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.log.witness_until(log, index + 1, time).await;
    }

    fn command(&self, more: &[&str]) -> tokio::process::Command {
        command(self.dir.path(), &self.log.base, more)
    }

    async fn once(&self, more: &[&str]) -> Told {
        once(self.command(&[&["--once"], more].concat())).await
    }
}

fn command(dir: &Path, log: &str, more: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(["audit", "monitor", "watch", "--trust", "trust.json", "--json", "--log", log]).args(more);
    command.current_dir(dir).env_remove("TABIR_SERVER").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Exit code and events.
#[derive(Debug)]
struct Told {
    code: i32,
    events: Vec<Value>,
}

impl Told {
    fn alarms(&self) -> Vec<&str> {
        self.events.iter().filter(|e| e["event"] == "alarm").map(|e| e["alarm"].as_str().unwrap()).collect()
    }

    fn over(&self) -> Vec<&str> {
        self.events.iter().filter(|e| e["event"] == "over").map(|e| e["alarm"].as_str().unwrap()).collect()
    }
}

async fn once(mut command: tokio::process::Command) -> Told {
    let out = command.output().await.unwrap();
    let lines = String::from_utf8(out.stdout).unwrap();
    let events = lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    Told { code: out.status.code().unwrap(), events: events.collect() }
}

fn window(w: u64) -> Statement {
    let (opens, closes, deadline) = (Second(now() - 100), Second(now() - 50), Second(now() + 1_000_000));
    let at = Hour::of(now());
    let body = ReportAccepted { v: V1, at, w, opens, closes, deadline, part: 1, parts: 1, pairs: Vec::new() };
    Statement::signed(Verb::ReportAccepted, &body, &identity(Role::Gateway)).unwrap()
}

#[tokio::test]
async fn a_clean_log_that_grows_raises_nothing_but_a_heartbeat() {
    let stage = Stage::start().await;
    for n in 2..6 {
        let told = stage.once(&[]).await;
        assert_eq!((told.code, told.events.len()), (0, 1), "{told:?}");
        let round = &told.events[0];
        assert_eq!((&round["event"], &round["alarms"]), (&json!("round"), &json!(0)), "{told:?}");
        stage.put(&counts(n)).await;
    }
    stage.put(&window(1)).await;
    assert_eq!(stage.once(&[]).await.code, 0);
    stage.log.end().await;
}

#[tokio::test]
async fn a_new_key_is_told_once_and_the_first_round_takes_what_is_there_as_known() {
    let stage = Stage::start().await;
    assert_eq!(stage.once(&[]).await.code, 0);
    stage.put_at(GOVERNANCE, &announced(2, &identity(Role::Forwarder)), now()).await;
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.alarms()), (3, vec!["key"]), "{told:?}");
    let alarm = &told.events[0];
    assert_eq!((&alarm["entry"], &alarm["sound"]), (&json!(1), &json!(true)), "{alarm}");
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.alarms()), (0, vec![]), "{told:?}");
    stage.log.end().await;
}

#[tokio::test]
async fn a_stale_checkpoint_is_told_once_until_it_is_over_and_comes_again() {
    let stage = Stage::start().await;
    stage.put_at(INTAKE, &counts(2), now() - 1000).await;
    for (round, expected) in [vec!["stale"], vec![], vec![]].into_iter().enumerate() {
        let told = stage.once(&["--stale-after", "600"]).await;
        // It lasts, so that the exit code says so each time.
        assert_eq!((told.code, told.alarms()), (3, expected), "{round}: {told:?}");
    }
    stage.put(&counts(3)).await;
    let told = stage.once(&["--stale-after", "600"]).await;
    assert_eq!((told.code, told.alarms(), told.over()), (0, vec![], vec!["stale"]), "{told:?}");
    stage.put_at(INTAKE, &counts(4), now() - 1000).await;
    assert_eq!(stage.once(&["--stale-after", "600"]).await.alarms(), ["stale"]);
    // The trust root's own limit is an hour.
    assert_eq!(stage.once(&[]).await.over(), ["stale"]);
    stage.log.end().await;
}

#[tokio::test]
async fn a_log_that_is_gone_is_no_alarm_until_its_checkpoint_is_stale() {
    let stage = Stage::start().await;
    assert_eq!(stage.once(&[]).await.code, 0);
    let (dir, base) = (stage.dir, stage.log.base.clone());
    stage.log.end().await;
    let told = once(command(dir.path(), &base, &["--once"])).await;
    assert_eq!((told.code, told.alarms()), (4, vec![]), "{told:?}");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let told = once(command(dir.path(), &base, &["--once", "--stale-after", "1"])).await;
    assert_eq!((told.code, told.alarms()), (3, vec!["stale", "stale"]), "{told:?}");
}

#[tokio::test]
async fn another_history_and_one_that_shrank_are_forks_and_leave_the_evidence() {
    let time = now();
    let stage = Stage::start_at(time).await;
    stage.put(&counts(2)).await;
    assert_eq!(stage.once(&[]).await.code, 0);
    // The same keys, another history: longer, then shorter.
    let other = Stage::start_at(time).await;
    other.put(&counts(7)).await;
    other.put(&counts(8)).await;
    let at_other = |more: &[&str]| command(stage.dir.path(), &other.log.base, &[&["--once"], more].concat());
    let told = once(at_other(&[])).await;
    assert_eq!((told.code, told.alarms()), (3, vec!["fork"]), "{told:?}");
    assert_eq!((&told.events[0]["log"], &told.events[0]["size"]), (&json!("intake"), &json!(2)));
    let evidence = std::fs::read_dir(stage.dir.path().join("watch/intake/evidence")).unwrap().count();
    assert_eq!(evidence, 2);
    other.put(&counts(9)).await;
    let told = once(at_other(&[])).await;
    assert_eq!((told.code, told.alarms()), (3, vec![]), "{told:?}");
    // Back at the first one: the copy is as it was, and what was told is not over by that.
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.alarms(), told.over()), (0, vec![], vec![]), "{told:?}");

    let shorter = Stage::start_at(time).await;
    stage.put(&counts(3)).await;
    assert_eq!(stage.once(&[]).await.code, 0);
    let told = once(command(stage.dir.path(), &shorter.log.base, &["--once"])).await;
    assert_eq!((told.code, told.alarms()), (3, vec!["fork"]), "{told:?}");
    for stage in [stage, other, shorter] {
        stage.log.end().await;
    }
}

#[tokio::test]
async fn a_lie_is_told_once_by_the_name_of_its_check() {
    let stage = Stage::start().await;
    stage.put(&window(3)).await;
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.alarms()), (3, vec!["failed-check"]), "{told:?}");
    let alarm = &told.events[0];
    assert_eq!((&alarm["check"], &alarm["code"]), (&json!("windows.sequence"), &json!("number")), "{alarm}");
    assert_eq!((&alarm["log"], &alarm["entry"], &alarm["window"]), (&json!("intake"), &json!(1), &json!(3)));
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.alarms()), (3, vec![]), "{told:?}");
    stage.log.end().await;
}

#[tokio::test]
async fn a_copy_that_somebody_changed_here_shows_as_well() {
    let stage = Stage::start().await;
    assert_eq!(stage.once(&[]).await.code, 0);
    let bundle = stage.dir.path().join("watch/intake/tile/entries/000.p/1");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.alarms()), (3, vec!["failed-check"]), "{told:?}");
    assert_eq!(told.events[0]["check"], json!("log.tree"));
    stage.log.end().await;
}

/// A webhook that fails so many times first, and keeps what it was sent.
async fn webhook(failures: u64) -> (String, Arc<Mutex<Vec<Value>>>) {
    let (bodies, left) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(failures)));
    let kept = bodies.clone();
    let take = move |axum::Json(body): axum::Json<Value>| async move {
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        kept.lock().unwrap().push(body);
        StatusCode::NO_CONTENT
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(take))).await });
    (url, bodies)
}

#[tokio::test]
async fn a_webhook_is_told_until_it_takes_it_and_learns_nothing() {
    let stage = Stage::start().await;
    let (url, bodies) = webhook(1).await;
    assert_eq!(stage.once(&["--webhook", &url]).await.code, 0);
    stage.put(&window(3)).await;
    for expected in [0, 1, 1] {
        stage.once(&["--webhook", &url]).await;
        assert_eq!(bodies.lock().unwrap().len(), expected);
    }
    let body = bodies.lock().unwrap()[0].to_string();
    assert!(!body.contains("windows") && !body.contains("intake"), "{body}");
    stage.log.end().await;
}

#[tokio::test]
async fn runs_until_it_is_ended_with_numbers_on_loopback_and_goes_on_where_it_was() {
    let stage = Stage::start().await;
    stage.put(&window(3)).await;
    let address = format!("127.0.0.1:{}", tabir::cli::demo::ports::free_port().unwrap());
    for (run, alarms) in [(1, 1), (2, 0)] {
        let mut child = stage.command(&["--every", "1", "--metrics", &address]).stdout(Stdio::piped()).spawn().unwrap();
        let text = until_rounds(&format!("http://{address}/metrics"), 2).await;
        let value = |name: &str| line(&text, name).unwrap_or_else(|| panic!("{run} {name}: {text}"));
        assert_eq!(value("tabir_monitor_alarms_total{kind=\"failed-check\"}"), alarms, "{run}: {text}");
        assert_eq!(value("tabir_monitor_alarms_total{kind=\"fork\"}"), 0);
        assert_eq!((value("tabir_monitor_standing_alarms"), value("tabir_monitor_failed_checks")), (1, 1), "{text}");
        assert_eq!(value("tabir_monitor_log_entries{log=\"intake\"}"), 2);
        assert!(now() - value("tabir_monitor_last_round_timestamp_seconds") < 30);
        assert!(value("tabir_monitor_log_witnessed_timestamp_seconds{log=\"governance\"}") > 0);
        end(&child);
        let status = tokio::time::timeout(Duration::from_secs(20), child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
    stage.log.end().await;
}

/// Asks it to end, as a service manager does.
fn end(child: &tokio::process::Child) {
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.try_into().unwrap())).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

fn line(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

async fn until_rounds(url: &str, rounds: u64) -> String {
    let client = Client::new(Clock::system());
    for _ in 0..300 {
        if let Ok(answer) = client.get(url).await {
            let text = String::from_utf8(answer.body).unwrap();
            if line(&text, "tabir_monitor_rounds_total").is_some_and(|n| n >= rounds) {
                return text;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no {rounds} rounds");
}

#[tokio::test]
async fn numbers_are_for_this_machine_alone_and_a_broken_memory_is_no_empty_one() {
    let stage = Stage::start().await;
    assert_eq!(stage.once(&["--metrics", "0.0.0.0:0"]).await.code, 2);
    assert_eq!(stage.once(&[]).await.code, 0);
    std::fs::write(stage.dir.path().join("watch/monitor.json"), b"{}").unwrap();
    let told = stage.once(&[]).await;
    assert_eq!((told.code, told.events.len()), (1, 0), "{told:?}");
    stage.log.end().await;
}
