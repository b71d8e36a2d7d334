//! The log role over HTTP, and its reader: what is refused on the way in, and what a reader refuses to believe.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use tabir::client::log_copy::copy_log;
use tabir::client::log_reader::LogReader;
use tabir::client::log_source::{HttpLog, LogFolder, LogSource, ReadError};
use tabir::clock::Clock;
use tabir::config::{Peers, Setup, roles};
use tabir::http::{Answer, Client, HttpError, call, server};
use tabir::ledger::{Ledger, View, verifiers};
use tabir::log;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::note::SignatureType;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::log::{
    Cosigner, LogVerifier, NoteSigner, SignedCheckpoint, TreeHead, VerifierKey, checkpoint_hash, leaf_hash,
};
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, RetentionCounts, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::{Activation, LogKey, LogName, TrustRoot};
use tabir_crypto::{Code, SecretBytes};
use tokio::net::TcpListener;
use tokio::sync::watch;

const NOW: u64 = 1_800_000_000;
const GOVERNANCE: LogName = LogName::Governance;
const INTAKE: LogName = LogName::Intake;

fn seed(n: u8) -> SecretBytes<32> {
    SecretBytes::new([n; 32])
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&seed(n))
}

fn identity(role: Role) -> SigningKey {
    key(10 + Role::ALL.iter().position(|r| *r == role).unwrap() as u8)
}

fn log_seed(name: LogName) -> u8 {
    if name == GOVERNANCE { 30 } else { 31 }
}

fn origin(name: LogName) -> String {
    format!("tabir.example/{}", name.as_str())
}

fn witness(n: u8) -> Cosigner {
    Cosigner::from_seed(&format!("w{n}.example"), &seed(40 + n)).unwrap()
}

fn text(t: &str) -> Text {
    Text::new(t).unwrap()
}

/// Two witnesses, both needed.
fn trust() -> Trust {
    let log = |name| {
        let key = VerifierKey::new(&origin(name), SignatureType::Ed25519, key(log_seed(name)).verifying_key()).unwrap();
        LogKey { name, origin: text(&origin(name)), vkey: text(&key.to_string()) }
    };
    let root = TrustRoot {
        v: V1,
        at: Hour::of(NOW),
        version: 1,
        demo: true,
        name: text("test"),
        issuer_name: text("issuer.example"),
        origin: text("gateway.example"),
        logs: LogName::ALL.map(log).to_vec(),
        witnesses: [1, 2].map(|n| text(&witness(n).verifier_key().to_string())).to_vec(),
        witness_quorum: 2,
        identities: Role::ALL.map(|r| (r, Hex(*identity(r).verifying_key().as_bytes()))).into(),
        auditors: vec![Hex(*key(1).verifying_key().as_bytes())],
        auditor_quorum: 1,
        activation_s: Activation { token: 0, intake: 0, warden: 0, council: 0 },
        freshness_s: 3600,
        cooling_off_s: 1,
        release_cap_per_day: 3,
        deferral_max_s: 1,
        previous: None,
    };
    Trust::pinned(&Statement::signed(Verb::TrustRoot, &root, &key(1)).unwrap()).unwrap()
}

/// A running log role.
struct Running {
    base: String,
    client: Client,
    clock: Clock,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

async fn start(dir: &Path, checkpoint_ms: u64) -> Result<Running, log::StartError> {
    let clock = Clock::manual(NOW);
    let client = Client::new(clock.clone());
    for name in LogName::ALL {
        let file = dir.join(format!("{}.key", name.as_str()));
        if !file.exists() {
            let line = format!("{}\n", hex::encode([log_seed(name); 32]));
            tabir::config::keys::write_private(&file, line.as_bytes()).unwrap();
        }
    }
    let (stop, stopped) = watch::channel(false);
    let setup = Setup {
        trust: Arc::new(trust()),
        clock: clock.clone(),
        client: client.clone(),
        peers: Peers::default(),
        ledger: Ledger::fixed(View::default()),
        stop: stopped.clone(),
    };
    let parts = log::start(&roles::Log { dir: dir.to_owned(), checkpoint_ms }, &setup).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks: Vec<_> = parts.background.into_iter().map(tokio::spawn).collect();
    let routes = parts.public.merge(parts.internal);
    tasks.push(tokio::spawn(async move { server::serve(listener, routes, stopped).await.unwrap() }));
    Ok(Running { base, client, clock, stop, tasks })
}

impl Running {
    async fn end(self) {
        self.stop.send(true).unwrap();
        drop(self.client);
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    async fn call(&self, who: &SigningKey, path: &str, body: &[u8]) -> Result<Answer, HttpError> {
        let header = call::sign(who, Role::Log, "POST", path, body, &self.clock).unwrap();
        let headers = [(call::HEADER, header.as_str())];
        self.client.send(Method::POST, &format!("{}{path}", self.base), &headers, body.to_vec()).await
    }

    async fn append(&self, log: LogName, statement: &Statement) -> Result<(u16, u64), HttpError> {
        let path = format!("/internal/log/{}/entries", log.as_str());
        let answer = self.call(&identity(Role::Gateway), &path, &statement.to_bytes()).await?;
        let json: serde_json::Value = answer.json()?;
        Ok((answer.status, json["index"].as_u64().unwrap()))
    }

    async fn cosign(&self, log: LogName, line: &str) -> Result<Answer, HttpError> {
        let path = format!("/internal/log/{}/cosignatures", log.as_str());
        self.call(&identity(Role::Warden), &path, line.as_bytes()).await
    }

    fn reader(&self, log: LogName) -> LogReader<HttpLog> {
        reader(log, HttpLog::new(self.client.clone(), &self.base, log.as_str()))
    }

    async fn pending(&self, log: LogName) -> SignedCheckpoint {
        let bytes = self.client.get(&format!("{}/log/{}/pending", self.base, log.as_str())).await.unwrap().body;
        SignedCheckpoint::open(&bytes, &verifier(log)).unwrap()
    }

    /// Both witnesses cosign whatever is pending until it has this size.
    async fn witness_until(&self, log: LogName, size: u64, time: u64) {
        for _ in 0..500 {
            let pending = self.pending(log).await;
            let lines = [1, 2].map(|n| witness(n).cosign(&pending, time));
            let body = String::from_utf8(format_cosignatures(&lines)).unwrap();
            let taken = self.cosign(log, &body).await.is_ok();
            if taken && pending.head().size == size {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the log did not reach {size}");
    }
}

fn verifier(log: LogName) -> LogVerifier {
    verifiers(&trust(), log).unwrap().0
}

fn reader<S: LogSource>(log: LogName, source: S) -> LogReader<S> {
    let (log, witnesses) = verifiers(&trust(), log).unwrap();
    LogReader::new(source, log, witnesses)
}

fn counts(n: u64) -> Statement {
    let counts = [(CodeText::new("cases").unwrap(), n)].into();
    let body = RetentionCounts { v: V1, at: Hour::of(NOW), w: n, counts };
    Statement::signed(Verb::RetentionCounts, &body, &identity(Role::Gateway)).unwrap()
}

fn announced(epoch: u64, by: &SigningKey) -> Statement {
    let body = KeyAnnounced {
        v: V1,
        at: Hour::of(NOW),
        role: Role::Forwarder,
        kind: KeyKind::Intake,
        epoch,
        key: Bytes(KemSecretKey::from_seed(seed(epoch as u8)).public_key().as_bytes().to_vec()),
        not_before: Second(NOW),
        not_after: Second(NOW + 1000),
    };
    Statement::signed(Verb::KeyAnnounced, &body, by).unwrap()
}

fn problem<T: std::fmt::Debug>(result: Result<T, HttpError>) -> (u16, String) {
    let error = result.expect_err("must be refused");
    (error.status().unwrap(), error.code().unwrap_or_default().to_owned())
}

fn code<T>(result: Result<T, ReadError>) -> Option<Code> {
    result.err().expect("must be refused").code()
}

#[tokio::test]
async fn takes_each_statement_once_and_only_with_enough_signatures() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    assert_eq!(log.append(INTAKE, &counts(1)).await.unwrap(), (201, 0));
    assert_eq!(log.append(INTAKE, &counts(2)).await.unwrap(), (201, 1));
    assert_eq!(log.append(INTAKE, &counts(1)).await.unwrap(), (200, 0));
    // One more signature makes no new statement.
    let mut again = counts(1);
    again.sign(&identity(Role::Issuer));
    assert_eq!(log.append(INTAKE, &again).await.unwrap(), (200, 0));

    assert_eq!(problem(log.append(INTAKE, &announced(1, &identity(Role::Forwarder))).await), (400, "verb".into()));
    assert_eq!(problem(log.append(GOVERNANCE, &counts(3)).await), (400, "verb".into()));
    let stranger = announced(1, &key(99));
    assert_eq!(problem(log.append(GOVERNANCE, &stranger).await), (403, "unknown-key".into()));
    let other_role = announced(1, &identity(Role::Gateway));
    assert_eq!(problem(log.append(GOVERNANCE, &other_role).await), (403, "unknown-key".into()));
    assert_eq!(log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap(), (201, 0));
    assert_eq!(problem(log.append(LogName::Governance, &conflict()).await), (409, "key-conflict".into()));
    let path = "/internal/log/intake/entries";
    let broken = String::from_utf8(counts(4).to_bytes()).unwrap().replace("{\"payload\"", "{ \"payload\"");
    let gateway = identity(Role::Gateway);
    assert_eq!(problem(log.call(&gateway, path, broken.as_bytes()).await), (400, "non-canonical".into()));
    assert_eq!(problem(log.call(&gateway, path, &vec![b' '; 65_536]).await), (400, "too-long".into()));
    assert_eq!(problem(log.call(&key(99), path, &counts(4).to_bytes()).await), (403, "caller".into()));
    let elsewhere = "/internal/log/other/entries";
    assert_eq!(problem(log.call(&gateway, elsewhere, &counts(4).to_bytes()).await), (404, "not-found".into()));
    log.end().await;
}

/// Another key for an epoch that has one.
fn conflict() -> Statement {
    let mut body = match announced(1, &identity(Role::Forwarder)).body().unwrap() {
        tabir_crypto::statement::Body::KeyAnnounced(body) => body,
        other => panic!("{other:?}"),
    };
    body.key = Bytes(KemSecretKey::from_seed(seed(77)).public_key().as_bytes().to_vec());
    Statement::signed(Verb::KeyAnnounced, &body, &identity(Role::Forwarder)).unwrap()
}

#[tokio::test]
async fn one_statement_from_many_at_once_is_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(start(dir.path(), 10).await.unwrap());
    let calls: Vec<_> = (0..30)
        .map(|i| {
            let log = log.clone();
            tokio::spawn(async move { log.append(INTAKE, &counts(i % 3)).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for call in calls {
        let (status, index) = call.await.unwrap();
        assert!(index < 3);
        taken += u8::from(status == 201);
    }
    assert_eq!(taken, 3);
}

#[tokio::test]
async fn a_reader_gets_entries_with_their_witnessed_times() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    assert_eq!(code(log.reader(INTAKE).read(TreeHead::EMPTY).await), Some(Code::Quorum));
    let mut time = 1000;
    let mut known = TreeHead::EMPTY;
    // Growths that end before, on and after the edge of a bundle.
    for total in [1_u64, 3, 255, 256, 257, 300] {
        for n in known.size..total {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        log.witness_until(INTAKE, total, time).await;
        let growth = log.reader(INTAKE).read(known).await.unwrap();
        assert_eq!(growth.entries.len() as u64, total - known.size);
        for entry in &growth.entries {
            assert_eq!(entry.leaf, counts(entry.index).to_bytes());
            assert_eq!(entry.hash, leaf_hash(&entry.leaf));
            assert_eq!(entry.witnessed_time, time);
        }
        let head = growth.checkpoint.head();
        log.reader(INTAKE).check_consistency(known, head).await.unwrap();
        (known, time) = (head, time + 1000);
    }
    let whole = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(whole.entries.len(), 300);
    assert_eq!((whole.entries[2].witnessed_time, whole.entries[299].witnessed_time), (2000, 6000));
    // A witness's later time renews the newest checkpoint, and leaves the kept one and the entries' times as they are.
    log.witness_until(INTAKE, 300, 9999).await;
    let later = log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap();
    assert_eq!(later.checkpoint.witnessed_time(), 9999);
    assert_eq!(later.entries[299].witnessed_time, 6000);
    assert_eq!(log.reader(INTAKE).kept(300).await.unwrap().witnessed_time(), 6000);
    log.end().await;
}

#[tokio::test]
async fn serves_c2sp_files_as_c2sp_says() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    for n in 0..260 {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, 260, 5).await;
    let base = format!("{}/log/intake", log.base);
    let get = async |path: &str| log.client.get(&format!("{base}/{path}")).await;
    let header = |answer: &Answer, name: &str| answer.headers.get(name).unwrap().to_str().unwrap().to_owned();
    let checkpoint = get("checkpoint").await.unwrap();
    assert_eq!(header(&checkpoint, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&checkpoint, "cache-control"), "no-store");
    let kept = get("checkpoints/260").await.unwrap();
    assert!(header(&kept, "cache-control").contains("immutable"));
    assert_eq!(checkpoint_hash(&kept.body).unwrap(), checkpoint_hash(&checkpoint.body).unwrap());
    for (path, length) in
        [("tile/0/000", 8192), ("tile/0/001.p/4", 128), ("tile/0/001.p/3", 96), ("tile/1/000.p/1", 32)]
    {
        let tile = get(path).await.unwrap();
        assert_eq!(tile.body.len(), length, "{path}");
        assert_eq!(header(&tile, "content-type"), "application/octet-stream");
        assert!(header(&tile, "cache-control").contains("immutable"));
    }
    let bundle = get("tile/entries/001.p/4").await.unwrap().body;
    let first = counts(256).to_bytes();
    assert_eq!(bundle[..2], (first.len() as u16).to_be_bytes());
    assert_eq!(bundle[2..2 + first.len()], first);
    for path in [
        "tile/0/001.p/5",
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/0/0",
        "tile/entries/001.p/5",
        "tile/entries/001",
        "tile/entries/x001/000",
        "checkpoints/259",
        "checkpoints/0260",
    ] {
        assert_eq!(problem(get(path).await), (404, "not-found".into()), "{path}");
    }
    log.end().await;
}

#[tokio::test]
async fn a_growth_waits_for_the_quorum_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    while log.pending(INTAKE).await.head().size != 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let pending = log.pending(INTAKE).await;
    log.append(INTAKE, &counts(1)).await.unwrap();
    log.cosign(INTAKE, &format!("{}\n", witness(1).cosign(&pending, 7))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(log.pending(INTAKE).await.head(), pending.head(), "one of two witnesses is no quorum");
    assert_eq!(problem(log.client.get(&format!("{}/log/intake/checkpoints/1", log.base)).await).0, 404);
    log.cosign(INTAKE, &format!("{}\n", witness(2).cosign(&pending, 9))).await.unwrap();
    assert_eq!(log.reader(INTAKE).kept(1).await.unwrap().witnessed_time(), 9);
    log.witness_until(INTAKE, 2, 11).await;
    assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries[0].witnessed_time, 9);
    log.end().await;
}

#[tokio::test]
async fn refuses_cosignatures_of_strangers_and_of_other_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    let pending = log.pending(INTAKE).await;
    let stranger = Cosigner::from_seed("w1.example", &seed(98)).unwrap();
    let line = format!("{}\n", stranger.cosign(&pending, 7));
    assert_eq!(problem(log.cosign(INTAKE, &line).await), (403, "unknown-key".into()));
    let other_log = format!("{}\n", witness(1).cosign(&log.pending(GOVERNANCE).await, 7));
    assert_eq!(problem(log.cosign(INTAKE, &other_log).await), (409, "checkpoint".into()));
    assert_eq!(problem(log.cosign(INTAKE, "no line\n").await), (400, "note".into()));
    let path = "/internal/log/intake/cosignatures";
    let good = format!("{}\n", witness(1).cosign(&pending, 7));
    assert_eq!(problem(log.call(&key(99), path, good.as_bytes()).await), (403, "caller".into()));
    assert_eq!(log.cosign(INTAKE, &good).await.unwrap().status, 204);
    log.end().await;
}

#[tokio::test]
async fn a_restart_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(GOVERNANCE, &announced(1, &identity(Role::Forwarder))).await.unwrap();
    for n in 0..5 {
        log.append(INTAKE, &counts(n)).await.unwrap();
    }
    log.witness_until(INTAKE, 5, 1000).await;
    let before = log.pending(INTAKE).await;
    log.end().await;

    // Taken and durable, but the process ends before the sequencer's turn.
    let log = start(dir.path(), 1_000_000).await.unwrap();
    assert_eq!(log.pending(INTAKE).await.to_bytes(), before.to_bytes());
    assert_eq!(log.append(INTAKE, &counts(5)).await.unwrap(), (201, 5));
    assert_eq!(log.append(INTAKE, &counts(3)).await.unwrap(), (200, 3));
    assert_eq!(problem(log.append(GOVERNANCE, &conflict()).await), (409, "key-conflict".into()));
    assert_eq!(log.pending(INTAKE).await.head(), before.head());
    log.end().await;

    let log = start(dir.path(), 10).await.unwrap();
    log.witness_until(INTAKE, 6, 2000).await;
    let growth = log.reader(INTAKE).read(before.head()).await.unwrap();
    assert_eq!(growth.entries[0].leaf, counts(5).to_bytes());
    assert_eq!(log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap().entries.len(), 6);
    log.end().await;
}

#[tokio::test]
async fn never_signs_on_top_of_another_tree() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 10).await.unwrap();
    log.append(INTAKE, &counts(0)).await.unwrap();
    log.witness_until(INTAKE, 1, 1000).await;
    log.end().await;
    let log = start(dir.path(), 1_000_000).await.unwrap();
    log.append(INTAKE, &counts(1)).await.unwrap();
    log.end().await;
    damage(dir.path(), "UPDATE tile SET hashes = zeroblob(32)").await;
    let refused = start(dir.path(), 10).await.err().expect("must be refused").to_string();
    assert!(refused.contains("rebuild it from a mirror"), "{refused}");
}

async fn damage(dir: &Path, sql: &'static str) {
    use sqlx::{Connection as _, Executor as _};
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", dir.join("store.sqlite").display());
    let mut c = sqlx::AnyConnection::connect(&url).await.unwrap();
    assert!(c.execute(sql).await.unwrap().rows_affected() > 0);
    c.close().await.unwrap();
}

#[tokio::test]
async fn does_not_start_with_another_key() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("{}\n", hex::encode([9; 32]));
    tabir::config::keys::write_private(&dir.path().join("intake.key"), line.as_bytes()).unwrap();
    let refused = start(dir.path(), 10).await.err().expect("must be refused").to_string();
    assert!(refused.starts_with("intake.key is not"), "{refused}");
}

/// A log of 259 entries and its copy.
async fn copied(dir: &Path) -> (Running, std::path::PathBuf) {
    let log = start(dir, 10).await.unwrap();
    for total in [200, 259] {
        let have = log.pending(INTAKE).await.head().size;
        for n in have..total {
            log.append(INTAKE, &counts(n)).await.unwrap();
        }
        log.witness_until(INTAKE, total, 1000 + total).await;
    }
    let copy = dir.join("copy").join("intake");
    copy_log(&log.reader(INTAKE), &copy).await.unwrap();
    (log, copy)
}

#[tokio::test]
async fn a_copy_reads_as_the_log_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let (there, here) =
        (log.reader(INTAKE).read(TreeHead::EMPTY).await.unwrap(), copy.read(TreeHead::EMPTY).await.unwrap());
    assert_eq!(there.entries, here.entries);
    assert_eq!(here.entries[0].witnessed_time, 1200);
    let old = here.kept.iter().find(|k| k.head().size == 200).unwrap().head();
    copy.check_consistency(old, here.checkpoint.head()).await.unwrap();
    assert_eq!(copy.read(old).await.unwrap().entries.len(), 59);
    // A later copy over it.
    log.append(INTAKE, &counts(259)).await.unwrap();
    log.witness_until(INTAKE, 260, 3000).await;
    copy_log(&log.reader(INTAKE), &folder).await.unwrap();
    assert_eq!(copy.read(here.checkpoint.head()).await.unwrap().entries[0].index, 259);
    log.end().await;
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn refuses_a_copy_with_an_entry_changed_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let bundle = folder.join("tile/entries/001.p/3");
    let whole = std::fs::read(&bundle).unwrap();
    edit(&bundle, |b| b[10] ^= 1);
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Tile), "changed");
    std::fs::write(&bundle, &whole).unwrap();
    // Entry 256 gone, with its length, and the others moved up.
    let second = counts(256).to_bytes().len() + 2;
    edit(&bundle, |b| drop(b.drain(..second)));
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Tile), "deleted");
    // Put another signed statement in its place, so that the number is right.
    edit(&bundle, |b| {
        let other = counts(9999).to_bytes();
        b.extend((other.len() as u16).to_be_bytes());
        b.extend(other);
    });
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Tile), "exchanged");
    std::fs::remove_file(&bundle).unwrap();
    assert!(matches!(copy.read(TreeHead::EMPTY).await, Err(ReadError::Missing(_))));
}

#[tokio::test]
async fn refuses_a_copy_with_another_kept_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let kept = folder.join("checkpoints/200");
    let whole = std::fs::read(&kept).unwrap();
    // Log and witnesses signed another tree of this size.
    let head = TreeHead { size: 200, root: [7; 32] };
    let text = tabir_crypto::log::Checkpoint { origin: origin(INTAKE), head };
    let signer = NoteSigner::from_seed(&origin(INTAKE), &seed(log_seed(INTAKE))).unwrap();
    let mut fork = SignedCheckpoint::sign(text, &signer).unwrap();
    for n in [1, 2] {
        fork.add(witness(n).cosign(&fork, 5));
    }
    std::fs::write(&kept, fork.to_bytes()).unwrap();
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Consistency));
    std::fs::copy(folder.join("checkpoint"), &kept).unwrap();
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Checkpoint), "of another size");
    std::fs::write(&kept, String::from_utf8(whole).unwrap().replace("\n200\n", "\n201\n")).unwrap();
    assert_eq!(code(copy.read(TreeHead::EMPTY).await), Some(Code::Signature));
}

#[tokio::test]
async fn refuses_a_log_that_was_cut_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, folder) = copied(dir.path()).await;
    log.end().await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let newest = copy.checkpoint().await.unwrap().head();
    std::fs::copy(folder.join("checkpoints/200"), folder.join("checkpoint")).unwrap();
    assert_eq!(code(copy.read(newest).await), Some(Code::Shrunk));
    let old = copy.checkpoint().await.unwrap().head();
    assert_eq!(code(copy.check_consistency(newest, old).await), Some(Code::Shrunk));
}

#[tokio::test]
async fn refuses_a_second_history() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, folder) = copied(one.path()).await;
    let copy = reader(INTAKE, LogFolder(folder.clone()));
    let seen = copy.checkpoint().await.unwrap().head();
    log.end().await;
    // The same keys, the same size, entry 100 another.
    let fork = start(two.path(), 10).await.unwrap();
    for n in 0..259 {
        fork.append(INTAKE, &counts(if n == 100 { 5000 } else { n })).await.unwrap();
    }
    fork.witness_until(INTAKE, 259, 1259).await;
    let read = fork.reader(INTAKE).read(seen).await;
    assert_eq!(code(read), Some(Code::Consistency), "the same size");
    assert_eq!(code(copy_log(&fork.reader(INTAKE), &folder).await), Some(Code::Consistency));
    fork.append(INTAKE, &counts(6000)).await.unwrap();
    fork.witness_until(INTAKE, 260, 1260).await;
    assert_eq!(code(fork.reader(INTAKE).read(seen).await), Some(Code::Consistency), "a larger size");
    assert_eq!(code(fork.reader(INTAKE).pending(seen).await), Some(Code::Consistency), "as its witness");
    assert_eq!(code(copy_log(&fork.reader(INTAKE), &folder).await), Some(Code::Consistency));
    assert_eq!(copy.checkpoint().await.unwrap().head(), seen, "the copy stays as it was");
    fork.end().await;
}
