//! What must hold after every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use tabir::client::audit;
use tabir::client::log_reader::LogReader;
use tabir::client::log_source::HttpLog;
use tabir::ledger;
use tabir::open311::marked_reference;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::trust::root::LogName;

use crate::reporters::{Sent, buys_nothing};
use crate::stage::{ROLES, Stage};
use crate::{TURN, Tally};

/// The longest that everything may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(150);
/// Tokens that are tried again.
const TRIED: usize = 20;

async fn store(stage: &Stage, role: &str) -> SqliteConnection {
    let file = stage.folder().join(role).join("store.sqlite");
    SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap()
}

/// How often each report stands at the complaint system, by its reference.
pub async fn at_desk(stage: &Stage) -> BTreeMap<String, u64> {
    let mut desk = store(stage, "desk").await;
    let found: Vec<String> = sqlx::query_scalar("SELECT description FROM request").fetch_all(&mut desk).await.unwrap();
    desk.close().await.unwrap();
    let mut counts = BTreeMap::new();
    for description in &found {
        *counts.entry(marked_reference(description).expect("a marker").to_owned()).or_default() += 1;
    }
    counts
}

/// The nf of all reports that the public log says went on.
async fn forwarded(stage: &Stage) -> Option<BTreeSet<[u8; 32]>> {
    let log = stage.ports.peers().log;
    let reader: LogReader<HttpLog> = ledger::reader(&stage.trust, LogName::Intake, stage.client.clone(), &log).unwrap();
    let mut all = BTreeSet::new();
    for entry in reader.read(TreeHead::EMPTY).await.ok()?.entries {
        let statement = Statement::parse(&entry.leaf).unwrap();
        if statement.verb() == Verb::ReportForwarded
            && let Ok(Body::ReportFate(fate)) = statement.body()
        {
            all.extend(fate.nf.iter().map(|nf| nf.0));
        }
    }
    Some(all)
}

/// Waits until every report has arrived and is on record, `step_s` seconds of the installation's time at a turn (0: by the
/// machine's clock), then looks at everything.
pub async fn look(stage: &Stage, kind: &str, cycles: u64, sent: &[Sent], step_s: u64) -> Tally {
    let begin = tokio::time::Instant::now();
    let wanted: BTreeSet<_> = sent.iter().map(|s| s.nf).collect();
    loop {
        let there = at_desk(stage).await;
        let logged = forwarded(stage).await.is_some_and(|logged| wanted.is_subset(&logged));
        if logged && sent.iter().all(|s| there.contains_key(&s.reference)) {
            break;
        }
        if begin.elapsed() > PATIENCE {
            eprintln!("{kind}: not at rest in time (on record: {logged})\n{}", stage.said());
            break;
        }
        if step_s > 0 {
            stage.pass(step_s);
        }
        tokio::time::sleep(TURN).await;
    }
    let there = at_desk(stage).await;
    let lost = sent.iter().filter(|s| !there.contains_key(&s.reference)).count();
    let known: BTreeSet<_> = sent.iter().map(|s| s.reference.as_str()).collect();
    // What nobody was told of has no place there either.
    let doubled: u64 = there.iter().map(|(name, n)| if known.contains(name.as_str()) { n - 1 } else { *n }).sum();
    spent(stage, sent).await;
    let log_broken = audit(stage, kind).await;
    sound(stage).await;
    Tally { cycles, accepted: sent.len() as u64, lost: lost as u64, doubled, log_broken }
}

/// No token buys a second write.
async fn spent(stage: &Stage, sent: &[Sent]) {
    let session = stage.session().await;
    for one in sent.iter().rev().take(TRIED) {
        assert!(buys_nothing(&session, &one.token).await, "a token that was spent is good again");
    }
}

/// Failed checks of an audit of both logs.
async fn audit(stage: &Stage, kind: &str) -> u64 {
    let (copy, log) = (tempfile::tempdir().unwrap(), stage.ports.peers().log);
    audit::fetch(&stage.trust, &stage.client, &log, copy.path()).await.unwrap();
    let verdict = audit::verify(&stage.trust, copy.path()).await.unwrap();
    let failed: Vec<_> = verdict.failed().map(|c| format!("{} {:?} {:?}", c.name, c.code, c.entry)).collect();
    if !failed.is_empty() {
        eprintln!("{kind}: the audit found {failed:?}");
    }
    failed.len() as u64
}

/// Every store is what SQLite wrote.
async fn sound(stage: &Stage) {
    for role in ROLES {
        let mut open = store(stage, role).await;
        let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut open).await.unwrap();
        assert_eq!(found, "ok", "{role}");
        open.close().await.unwrap();
    }
}
