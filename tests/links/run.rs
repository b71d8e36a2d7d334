//! A real gateway, a real forwarder and a real desk on loopback, and what the first two tell the intake log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tabir::config::keys::write_private;
use tabir::config::{Peers, roles};
use tabir::db::{Db, outbox};
use tabir::forwarder::{Forwarder, Policy};
use tabir_crypto::codec::sha256;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::{Body, Statement, Verb};
use tempfile::TempDir;

use crate::Truth;
use crate::attacks::Public;
use crate::common::desk::{CONNECTOR, RunningDesk};
use crate::common::forwarding::intake_key;
use crate::common::world::{NOW, intake_seed, write_identity};
use crate::harness::{FORWARD, Running, WINDOW, test_policy};

/// Windows and reports in each: few enough to send each report, enough for a leak to show.
const WINDOWS: u64 = 6;
const REPORTS: usize = 20;
/// Reports of the large window: three parts of pairs, two of nf.
const LARGE: u64 = 900;

struct Installation {
    gateway: Running,
    forwarder: Arc<Forwarder>,
    _desk: RunningDesk,
    _dirs: [TempDir; 2],
}

impl Installation {
    async fn start() -> Self {
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let gateway = Running::start(dirs[0].path()).await;
        let desk = RunningDesk::start(gateway.clock.clone()).await;
        let forwarder = forwarder(&gateway, &desk, dirs[1].path()).await;
        Self { gateway, forwarder, _desk: desk, _dirs: dirs }
    }

    /// Closes the windows and lets the forwarder speak of all of them.
    async fn told(&self, truth: BTreeMap<u64, Vec<Truth>>) -> Vec<(Public, Vec<Truth>)> {
        let mut windows: BTreeMap<u64, Public> = BTreeMap::new();
        for body in bodies(self.gateway.gateway.db()).await {
            let (_, Body::ReportAccepted(b)) = body else { continue };
            windows.entry(b.w).or_default().pairs.extend(b.pairs.iter().map(|[a, b2]| (b.part, a.0, b2.0)));
        }
        for body in bodies(self.forwarder.store().db()).await {
            let (Verb::ReportForwarded, Body::ReportFate(b)) = body else { continue };
            windows.entry(b.w).or_default().nf.extend(b.nf.iter().map(|nf| (b.part, nf.0)));
        }
        let told = truth.into_iter().map(|(w, truth)| (windows.remove(&w).unwrap_or_default(), truth));
        told.inspect(|(p, truth)| assert_eq!((p.pairs.len(), p.nf.len()), (truth.len(), truth.len()))).collect()
    }
}

async fn forwarder(gateway: &Running, desk: &RunningDesk, dir: &Path) -> Arc<Forwarder> {
    write_identity(dir, Role::Forwarder);
    write_private(&dir.join("api.key"), CONNECTOR.as_bytes()).unwrap();
    // The key that reports are sealed to.
    write_private(&dir.join("intake-1.key"), hex::encode(intake_seed().expose()).as_bytes()).unwrap();
    let peers = Peers {
        gateway_internal: gateway.internal.clone(),
        gateway: "https://gateway.example".into(),
        ..Peers::default()
    };
    let config = roles::Forwarder {
        dir: dir.into(),
        downstream: desk.url(),
        api_key_file: Some(dir.join("api.key")),
        jurisdiction: None,
        mapping: None,
        webhook: None,
        poll_ms: 10,
        epoch_s: 30 * 86_400,
        keep_content_s: 1,
    };
    let policy: Policy = Arc::new(|| Some(test_policy()));
    let setup = gateway.world.setup(&gateway.clock, peers);
    let forwarder = Arc::new(Forwarder::open(&setup, &config, policy).await.unwrap());
    assert_eq!(intake_key(dir).key_id(), gateway.world.intake.public_key().key_id());
    forwarder
}

async fn bodies(db: &Db) -> Vec<(Verb, Body)> {
    let waiting = outbox::waiting(db).await.unwrap();
    let statements = waiting.iter().map(|w| Statement::parse(&w.statement).unwrap());
    statements.map(|s| (s.verb(), s.body().unwrap())).collect()
}

/// No attack looks at its b by itself in the truth: that stands in the log beside the a.
fn truth_of(receipt: &Receipt) -> Truth {
    let keys = receipt.keys();
    (keys.a(), [0; 32], *keys.nf.expose())
}

/// Reports by their clients, over HTTP all the way to the desk.
pub async fn over_http() -> Vec<(Public, Vec<Truth>)> {
    let run = Installation::start().await;
    run.gateway.gateway.tick().await.unwrap();
    let mut receipts: BTreeMap<u64, Vec<Receipt>> = BTreeMap::new();
    for w in 1..=WINDOWS {
        for _ in 0..REPORTS {
            receipts.entry(w).or_default().push(run.gateway.accepted().await);
            run.gateway.clock.set(run.gateway.clock.now() + 1);
        }
        run.forwarder.take_in().await.unwrap();
        while run.forwarder.send_due().await.unwrap() > 0 {}
        run.gateway.clock.set(NOW + w * WINDOW);
        run.gateway.gateway.tick().await.unwrap();
    }
    for w in 1..=WINDOWS {
        run.gateway.clock.set(NOW + w * WINDOW + FORWARD);
        run.forwarder.log_windows().await.unwrap();
    }
    let truth = receipts.into_iter().map(|(w, all)| (w, all.iter().map(truth_of).collect()));
    run.told(truth.collect()).await
}

/// A window of many parts. Its reports are rows that stand in both stores in the order in which they came.
pub async fn large() -> (Public, Vec<Truth>) {
    let run = Installation::start().await;
    run.gateway.gateway.tick().await.unwrap();
    let first = run.gateway.accepted().await;
    run.forwarder.take_in().await.unwrap();
    while run.forwarder.send_due().await.unwrap() > 0 {}
    let of = |what: &str, i: u64| sha256(format!("{what} {i}").as_bytes());
    let mut truth: Vec<Truth> = (1..LARGE).map(|i| (of("a", i), of("b", i), of("nf", i))).collect();
    let rows = truth.clone();
    let fill = run.gateway.gateway.db().write(move |tx| {
        Box::pin(async move {
            for (i, (a, b, nf)) in rows.iter().enumerate() {
                sqlx::query(
                    "INSERT INTO cases SELECT $1, $2, $1, case_vk, mailbox_pk, $3, $4, $5, notice_key, content_hash, \
                     envelope_hash, w, deadline, hour, counter, seq, last_write, sent, questions, rated, disputed, erased \
                     FROM cases WHERE reference NOT LIKE 'copy %' LIMIT 1",
                )
                .bind(sha256(nf).to_vec())
                .bind(format!("copy {i}")) // no real reference has an O
                .bind(a.to_vec())
                .bind(b.to_vec())
                .bind(nf.to_vec())
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })
    });
    fill.await.unwrap();
    let rows = truth.clone();
    let fill = run.forwarder.store().db().write(move |tx| {
        Box::pin(async move {
            for (_, _, nf) in &rows {
                sqlx::query(
                    "INSERT INTO report SELECT $1, access_hash, case_vk, mailbox_pk, statement, $2, w, fate, reason, \
                     pending_in, logged, release_mode, counter, seq, prev, reply_seq, reply_prev, service_code, request_id, \
                     status, status_at, raw_status FROM report LIMIT 1",
                )
                .bind(sha256(nf).to_vec())
                .bind(nf.to_vec())
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })
    });
    fill.await.unwrap();
    run.gateway.clock.set(NOW + WINDOW);
    run.gateway.gateway.tick().await.unwrap();
    run.gateway.clock.set(NOW + WINDOW + FORWARD);
    run.forwarder.log_windows().await.unwrap();
    truth.insert(0, truth_of(&first));
    run.told(BTreeMap::from([(1, truth)])).await.remove(0)
}
