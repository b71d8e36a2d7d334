//! `tabir log recover`: a log that was lost is rebuilt from a mirror and is the same log to everybody; a mirror that is not
//! the log is refused; one that is too old makes no fork.

mod log_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use tabir::client::log_copy::copy_log;
use tabir::client::log_reader::Growth;
use tabir::clock::Clock;
use tabir::config::roles;
use tabir::config::roles::Roles;
use tabir::config::{Config, Listen, Peers};
use tabir::http::{Client, server};
use tabir::log::export::export;
use tabir::log::mirror::Mirror;
use tabir::log::recover::{Mode, RecoverError, Recovered, recover};
use tabir_crypto::log::TreeHead;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::root::LogName;
use tokio::net::TcpListener;
use tokio::sync::watch;

use log_support::static_server::Static;
use log_support::*;

/// When witnesses saw what was lost later: a quarter of an hour before.
const EARLY: u64 = NOW - 900;

fn config(dir: &Path) -> roles::Log {
    roles::Log::new(dir.to_owned(), 10)
}

async fn run(dir: &Path, from: &[&Path], mode: Mode) -> Result<[Recovered; 2], RecoverError> {
    let from: Vec<_> = from.iter().map(|folder| Mirror::Folder(folder.to_path_buf())).collect();
    recover(&config(dir), &trust(), &from, &Client::new(Clock::manual(NOW)), mode, &mut |_, _, _| ()).await
}

/// A running log with one entry of governance and three of the intake log, all witnessed.
async fn log_of_three(dir: &Path) -> Running {
    let log = start(dir, 10).await.unwrap();
    log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    log.witness_until(GOVERNANCE, 1, EARLY).await;
    grow(&log, 0..3, EARLY).await;
    log
}

async fn grow(log: &Running, entries: std::ops::Range<u64>, time: u64) {
    let size = entries.end;
    for n in entries {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, size, time).await;
}

/// What an auditor has.
async fn copied(log: &Running, to: &Path) {
    for name in LogName::ALL {
        copy_log(&log.reader(name), &to.join(name.as_str())).await.unwrap();
    }
}

async fn exported(store: &Path, to: &Path) {
    export(&config(store), &trust(), to, &|_, _, _| ()).await.unwrap();
}

fn kept(growth: &Growth) -> Vec<Vec<u8>> {
    growth.kept.iter().map(|k| k.signed().to_bytes()).collect()
}

/// Long enough for ten growths, if there were any.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

#[tokio::test]
async fn a_recovered_log_is_the_same_log_whatever_mirror_it_comes_from() {
    let (dir, www) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of_three(dir.path()).await;
    for (entries, time) in [(3..255, EARLY + 1), (255..256, EARLY + 2), (256..258, EARLY + 3)] {
        grow(&log, entries, time).await;
    }
    let (copy, folder) = (www.path().join("copy"), www.path().join("log"));
    copied(&log, &copy).await;
    exported(dir.path(), &folder).await;
    let before = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    let governed = log.reader(GOVERNANCE).read(TreeHead::EMPTY).await.unwrap();
    let first = before.kept[0].head();
    let tile = async |log: &Running, path: &str| {
        log.client.get(&format!("{}/log/intake/tile/{path}", log.base)).await.unwrap().body
    };
    let tiles = ["0/000", "0/001.p/2", "1/000.p/1", "entries/000", "entries/001.p/2"];
    let mut served = Vec::new();
    for path in tiles {
        served.push(tile(&log, path).await);
    }
    log.kill().await;

    let server = Static::start(www.path()).await;
    for from in [Mirror::Folder(copy), Mirror::Folder(folder), server.1.parse().unwrap()] {
        let dir = tempfile::tempdir().unwrap();
        let client = Client::new(Clock::manual(NOW));
        let (one, mode) = ([from.clone()], Mode::Write(NOW));
        let done = recover(&config(dir.path()), &trust(), &one, &client, mode, &mut |_, _, _| ()).await.unwrap();
        assert_eq!(done[1].head, before.checkpoint.head(), "{from}");
        assert_eq!(done[0].head.size, 1);

        let log = start(dir.path(), 10).await.unwrap();
        let now = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
        assert_eq!((&now.entries, kept(&now)), (&before.entries, kept(&before)));
        assert_eq!(now.checkpoint, before.checkpoint, "its witnesses' lines, too");
        assert_eq!(log.reader(GOVERNANCE).read(TreeHead::EMPTY).await.unwrap().entries, governed.entries);
        for (path, bytes) in tiles.into_iter().zip(&served) {
            assert_eq!(&tile(&log, path).await, bytes, "{path}");
        }
        // What it has it knows; what comes new stands behind it.
        for n in [0, 100, 257] {
            assert_eq!(log.append(INTAKE, &counts(n)).await.unwrap(), (200, n));
        }
        assert_eq!(log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap(), (200, 0));
        assert_eq!(log.append(INTAKE, &counts(258)).await.unwrap(), (201, 258));
        log.witness_until(INTAKE, 259, NOW).await;
        // For who remembers an old head, and the last one.
        for known in [first, before.checkpoint.head()] {
            let news = log.reader(INTAKE).read(known).await.unwrap();
            assert_eq!(news.entries.last().unwrap().leaf, counts(258).to_bytes());
        }
        log.end().await;
    }
}

/// Both witnesses have seen five entries; the mirror has three.
#[tokio::test]
async fn a_log_from_a_mirror_that_is_too_old_signs_nothing_new() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (old, new) = (out.path().join("old"), out.path().join("new"));
    let log = log_of_three(dir.path()).await;
    copied(&log, &old).await;
    grow(&log, 3..5, EARLY + 1).await;
    copied(&log, &new).await;
    log.kill().await;

    let recovered = tempfile::tempdir().unwrap();
    run(recovered.path(), &[&old], Mode::Write(NOW)).await.unwrap();
    let log = start(recovered.path(), 10).await.unwrap();
    let head = log.pending(INTAKE).await;
    assert_eq!(head.head().size, 3);
    assert_eq!(log.append(INTAKE, &counts(70)).await.unwrap(), (201, 3), "taken, and shown to nobody");
    // What the witnesses signed before the log was lost, sent again, even if newer than what the mirror had.
    let lines = |time| String::from_utf8(format_cosignatures(&[1, 2].map(|n| witness(n).cosign(&head, time)))).unwrap();
    log.cosign(INTAKE, &lines(NOW - 1)).await.unwrap();
    // One witness that forgot what it saw.
    log.cosign(INTAKE, &format!("{}\n", witness(1).cosign(&head, NOW))).await.unwrap();
    rest().await;
    assert_eq!(log.pending(INTAKE).await.head(), head.head(), "it grew on a head that no quorum has confirmed");
    log.kill().await;
    // Nor after a restart.
    let log = start(recovered.path(), 10).await.unwrap();
    rest().await;
    assert_eq!(log.pending(INTAKE).await.head(), head.head());
    log.end().await;

    // The newer mirror, named beside the older one: its head is what the witnesses know.
    let recovered = tempfile::tempdir().unwrap();
    let done = run(recovered.path(), &[&old, &new], Mode::Write(NOW)).await.unwrap();
    assert_eq!((done[1].head.size, done[1].mirror.clone()), (5, new.display().to_string()));
    let log = start(recovered.path(), 10).await.unwrap();
    log.append(INTAKE, &counts(70)).await.unwrap();
    log.witness_until(INTAKE, 6, NOW).await;
    log.end().await;
}

/// The damage, and the code with which it is refused.
type Lie = (&'static str, fn(&Path), &'static str);

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

fn without_lines(file: &Path, keep: usize) {
    let text = std::fs::read_to_string(file).unwrap();
    let (body, lines) = text.split_once("\n\n").unwrap();
    let kept: String = lines.lines().take(keep).map(|line| format!("{line}\n")).collect();
    std::fs::write(file, format!("{body}\n\n{kept}")).unwrap();
}

const LIES: [Lie; 8] = [
    ("an entry changed", |log| edit(&log.join("tile/entries/000.p/3"), |b| b[40] ^= 1), "tile"),
    ("a bundle cut off", |log| edit(&log.join("tile/entries/000.p/3"), |b| b.truncate(100)), "tile"),
    ("a bundle missing", |log| std::fs::remove_file(log.join("tile/entries/000.p/3")).unwrap(), "missing"),
    ("a checkpoint that is none", |log| std::fs::write(log.join("checkpoint"), "x").unwrap(), "note"),
    ("a checkpoint that one witness saw", |log| without_lines(&log.join("checkpoint"), 2), "quorum"),
    ("no checkpoint", |log| std::fs::remove_file(log.join("checkpoint")).unwrap(), "missing"),
    ("the newest kept one missing", |log| std::fs::remove_file(log.join("checkpoints/3")).unwrap(), "missing"),
    (
        "the other log's checkpoint",
        |log| assert!(std::fs::copy(log.join("../governance/checkpoint"), log.join("checkpoint")).unwrap() > 0),
        "unknown-key",
    ),
];

fn refused(result: Result<[Recovered; 2], RecoverError>) -> String {
    let error = result.expect_err("must be refused");
    error.code().unwrap_or_else(|| panic!("no code: {error}")).to_owned()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    assert!(Command::new("cp").arg("-r").arg(folder.join(".")).arg(copy.path()).status().unwrap().success());
    copy
}

#[tokio::test]
async fn a_mirror_that_is_not_the_log_is_refused_and_leaves_no_store() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of_three(dir.path()).await;
    copied(&log, out.path()).await;
    log.end().await;
    for (what, lie, code) in LIES {
        let (mirror, new) = (copy_of(out.path()), tempfile::tempdir().unwrap());
        lie(&mirror.path().join("intake"));
        for mode in [Mode::Check, Mode::Write(NOW)] {
            assert_eq!(refused(run(new.path(), &[mirror.path()], mode).await), code, "{what}");
        }
        assert!(!files(new.path()).contains(&"store.sqlite".into()), "{what}");
        // Beside a good one it is refused as well, or what is wrong with it does not matter.
        if let Ok(done) = run(new.path(), &[out.path(), mirror.path()], Mode::Check).await {
            assert_eq!(done[1].head.size, 3, "{what}");
        }
    }
}

/// The same keys, the same witnesses, another history.
#[tokio::test]
async fn mirrors_of_two_histories_are_refused_and_what_one_lacks_another_gives() {
    let (one, two, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, theirs, mixed) = (out.path().join("mine"), out.path().join("theirs"), out.path().join("mixed"));
    let log = log_of_three(one.path()).await;
    copied(&log, &mine).await;
    let fork = log_of_three(two.path()).await;
    for (dir, log, from) in [(&mine, &log, 3), (&theirs, &fork, 50)] {
        log.append(INTAKE, &counts(from)).await.unwrap();
        log.witness_until(INTAKE, 4, EARLY + 1).await;
        log.append(INTAKE, &counts(from + 1)).await.unwrap();
        log.witness_until(INTAKE, 5, EARLY + 2).await;
        copied(log, dir).await;
    }
    log.end().await;
    fork.end().await;
    let new = tempfile::tempdir().unwrap();
    for from in [[&*mine, &*theirs], [&*theirs, &*mine]] {
        assert_eq!(refused(run(new.path(), &from, Mode::Write(NOW)).await), "consistency");
    }
    // A kept checkpoint of the other history, in a copy that is sound otherwise.
    let all = run(new.path(), &[&mine], Mode::Check).await.unwrap()[1].kept;
    std::fs::rename(copy_of(&mine).keep(), &mixed).unwrap();
    std::fs::copy(theirs.join("intake/checkpoints/4"), mixed.join("intake/checkpoints/4")).unwrap();
    assert_eq!(refused(run(new.path(), &[&mixed], Mode::Write(NOW)).await), "consistency");
    assert!(!files(new.path()).contains(&"store.sqlite".into()));

    // A kept checkpoint that is gone from the one: entries would look younger, and whoever has a copy would notice.
    std::fs::remove_file(mixed.join("intake/checkpoints/4")).unwrap();
    assert_eq!(run(new.path(), &[&mixed], Mode::Check).await.unwrap()[1].kept, all - 1);
    let done = run(new.path(), &[&mine, &mixed], Mode::Write(NOW)).await.unwrap();
    assert_eq!(
        (done[1].kept, &done[1].mirror),
        (all, &mixed.display().to_string()),
        "the last of two that are as good"
    );
    let log = start(new.path(), 10).await.unwrap();
    copied(&log, &mine).await;
    log.end().await;
}

#[tokio::test]
async fn a_store_that_is_there_is_never_overwritten() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of_three(dir.path()).await;
    copied(&log, out.path()).await;
    // While it is in use, and after that.
    assert_eq!(refused(run(dir.path(), &[out.path()], Mode::Write(NOW)).await), "store-exists");
    log.append(INTAKE, &counts(3)).await.unwrap();
    log.witness_until(INTAKE, 4, EARLY + 1).await;
    log.end().await;
    run(dir.path(), &[out.path()], Mode::Check).await.unwrap();
    // Not a half one, not an empty one.
    let other = tempfile::tempdir().unwrap();
    let store = other.path().join("store.sqlite");
    for what in ["half of one", ""] {
        std::fs::write(&store, what).unwrap();
        assert_eq!(refused(run(other.path(), &[out.path()], Mode::Write(NOW)).await), "store-exists");
        assert_eq!(std::fs::read_to_string(&store).unwrap(), what);
    }
}

/// The program, with the files that it needs.
struct Program {
    dir: tempfile::TempDir,
    config: PathBuf,
}

impl Program {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, trust) = (dir.path().join("log"), dir.path().join("trust.json"));
        std::fs::create_dir(&log).unwrap();
        std::fs::write(&trust, trust_statement().to_bytes()).unwrap();
        let roles = Roles { log: Some(config(&log)), ..Roles::default() };
        let toml = Config { trust, listen: Listen::default(), peers: Peers::default(), roles };
        let config = dir.path().join("tabir.toml");
        std::fs::write(&config, toml::to_string(&toml).unwrap()).unwrap();
        Self { dir, config }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn recover(&self, from: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tabir"));
        command.args(["log", "recover", "--from", from, "--config"]).arg(&self.config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Serves a folder; once it is told to, no further bundle comes.
struct Slow {
    folder: PathBuf,
    asked: AtomicBool,
}

async fn slow(State(s): State<Arc<Slow>>, uri: Uri) -> Result<Vec<u8>, StatusCode> {
    let path = uri.path().trim_start_matches("/log/");
    if path.starts_with("intake/tile/entries/001") {
        s.asked.store(true, Ordering::SeqCst);
        std::future::pending::<()>().await;
    }
    std::fs::read(s.folder.join(path)).map_err(|_| StatusCode::NOT_FOUND)
}

#[tokio::test]
async fn a_recovery_that_is_killed_leaves_nothing_that_is_taken_for_a_store() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of_three(dir.path()).await;
    grow(&log, 3..300, EARLY + 1).await;
    exported(dir.path(), out.path()).await;
    log.end().await;
    let state = Arc::new(Slow { folder: out.path().into(), asked: AtomicBool::new(false) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (_running, stop) = watch::channel(false);
    tokio::spawn(server::serve(
        listener,
        Router::new().route("/{*path}", get(slow)).with_state(Arc::clone(&state)),
        stop,
    ));

    let program = Program::new();
    let mut child = program.recover(&base).spawn().unwrap();
    for _ in 0..1000 {
        if state.asked.load(Ordering::SeqCst) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if !state.asked.load(Ordering::SeqCst) {
        child.kill().unwrap();
        panic!("it never came to the second bundle: {:?}", child.wait_with_output().unwrap());
    }
    let folder = out.path().to_str().unwrap();
    let second = output(program.recover(folder)).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("(busy)"));
    child.kill().unwrap();
    child.wait().unwrap();
    let left = files(&program.log());
    assert!(left.contains(&"recovering.sqlite".into()) && !left.contains(&"store.sqlite".into()), "{left:?}");

    let done = output(program.recover(folder)).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(files(&program.log()), ["recovering.lock", "store.sqlite"]);
    let log = start(&program.log(), 10).await.unwrap();
    assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 300);
    log.end().await;
}

#[tokio::test]
async fn the_command_says_what_it_found_and_what_to_do() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = log_of_three(dir.path()).await;
    copied(&log, out.path()).await;
    log.end().await;
    let (program, folder) = (Program::new(), out.path().to_str().unwrap());
    let with = |args: &[&str]| {
        let mut command = program.recover(folder);
        command.args(args);
        command
    };
    let json = output(with(&["--dry-run", "--json"])).await;
    let lines: Vec<serde_json::Value> =
        String::from_utf8(json.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[1]["log"].as_str(), lines[1]["size"].as_u64()), (Some("intake"), Some(3)));
    assert_eq!((lines[0]["size"].as_u64(), lines[0]["written"].as_bool()), (Some(1), Some(false)));
    assert!(files(&program.log()).is_empty(), "a dry run writes nothing");

    let gone = output(program.recover("http://127.0.0.1:1")).await;
    assert_eq!(gone.status.code(), Some(4), "{}", String::from_utf8_lossy(&gone.stderr));
    let done = output(with(&[])).await;
    assert!(done.status.success());
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("intake: 3 entries") && said.contains("2027-01-15T07:45:00Z"), "{said}");
    let again = output(with(&[])).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("(store-exists)"));
    edit(&out.path().join("intake/tile/entries/000.p/3"), |b| b[40] ^= 1);
    assert_eq!(output(with(&["--dry-run"])).await.status.code(), Some(1));
}
