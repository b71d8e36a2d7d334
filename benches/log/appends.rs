//! Appends at the service: what an entry costs without the HTTP around it. Parsed, its signature checked, on the disk when
//! it is acknowledged (a flush for each batch). The log grows and is cosigned meanwhile, as always.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tabir::clock::Clock;
use tabir::config::roles;
use tabir::log::fault::Faults;
use tabir::log::{self, Service};
use tabir_crypto::log::SignedCheckpoint;
use tabir_crypto::log::witness::format_cosignatures;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::{State, rule};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::Outcome;
use crate::figures::Row;
use crate::log_support::{INTAKE, NOW, counts, setup, trust, verifier, witness};

/// Runs of each figure.
const RUNS: usize = 5;
/// Writers, and entries of a run.
const LOADS: [(&str, usize, usize); 3] =
    [("append_per_s_1", 1, 1_000), ("append_per_s_16", 16, 10_000), ("append_per_s_64", 64, 30_000)];
/// Between two checkpoints, and between two polls of the witnesses: those of a demo.
const INTERVAL_MS: u64 = 400;
const POLL: Duration = Duration::from_millis(250);
/// Entries of a run that are checked and not written.
const CHECKS: u64 = 5_000;
/// Entries of which each waits for its checkpoint.
const WAITS: u64 = 20;

/// A log that grows, with its witnesses, on a real disk.
struct Log {
    service: Arc<Service>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Log {
    async fn start(dir: &Path) -> Outcome<Self> {
        let (stop, stopped) = watch::channel(false);
        let setup = setup(dir, Clock::manual(NOW), stopped.clone());
        let config = roles::Log::new(dir.to_owned(), INTERVAL_MS);
        let (service, background) = log::open(&config, &setup, Faults::default()).await?;
        let service = Arc::new(service);
        let mut tasks: Vec<_> = background.into_iter().map(tokio::spawn).collect();
        tasks.push(tokio::spawn(cosign(service.clone(), stopped)));
        Ok(Self { service, stop, tasks })
    }

    async fn end(self) -> Outcome<()> {
        self.stop.send(true)?;
        for task in self.tasks {
            task.await?;
        }
        Ok(())
    }
}

async fn cosign(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Ok(note) = service.pending(INTAKE).await {
            let pending = SignedCheckpoint::open(&note, &verifier(INTAKE)).expect("the log's own checkpoint");
            let lines = format_cosignatures(&[1, 2].map(|n| witness(n).cosign(&pending, NOW)));
            // One that has been replaced meanwhile is refused; the next one comes.
            let _ = service.cosign(INTAKE, &lines).await;
        }
        let _ = tokio::time::timeout(POLL, stop.wait_for(|s| *s)).await;
    }
}

/// Entries a second with so many writers, each of whom waits for one answer before it sends the next.
async fn rate(service: &Arc<Service>, statements: Vec<Vec<u8>>, writers: usize) -> Outcome<f64> {
    let (count, statements, next) = (statements.len(), Arc::new(statements), Arc::new(AtomicUsize::new(0)));
    let begin = Instant::now();
    let writers: Vec<_> = (0..writers)
        .map(|_| {
            let (service, statements, next) = (service.clone(), statements.clone(), next.clone());
            tokio::spawn(async move {
                while let Some(statement) = statements.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert!(service.append(INTAKE, statement).await.expect("taken").new);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await?;
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// The rows about appending.
pub async fn rows() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let (mut bytes, mut leaf) = (Vec::new(), 0);
    for (name, writers, entries) in LOADS {
        let mut rates = Vec::new();
        for run in 1..=RUNS {
            eprintln!("{writers} writers: run {run} of {RUNS}");
            let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
            let statements: Vec<_> = (0..entries as u64).map(|n| counts(n).to_bytes()).collect();
            leaf = statements.iter().map(Vec::len).sum::<usize>() / entries;
            let log = Log::start(dir.path()).await?;
            rates.push(rate(&log.service, statements, writers).await?);
            if writers == 64 {
                until_covered(&log.service, entries as u64).await?;
                log.end().await?;
                bytes.push(on_disk(dir.path()).await? / entries as f64);
            } else {
                log.end().await?;
            }
        }
        let note = format!(
            "{entries} entries a run into a log that is empty, grows and is cosigned meanwhile; {writers} writers, each \
             with one entry at a time; parsed, signature checked, flushed to the disk before the answer; no HTTP."
        );
        rows.push(Row::new(name, "1/s", &rates, note));
    }
    rows.push(Row::new("append_check_us", "µs", &checks()?, "What the log does with an entry before it is written: \
        parsed, its signature checked, the hash of its PAE; on one core. No number of writers gets beyond the cores by it."));
    let note = format!("Size of the store after a run of append_per_s_64, by its entries of {leaf} bytes.");
    rows.push(Row::new("bytes_per_leaf", "bytes", &bytes, note));
    rows.push(Row::new("append_to_checkpoint_ms", "ms", &waits().await?, format!(
        "From an entry's call until the served checkpoint covers it, cosigned by two witnesses who poll each {} ms; a \
         checkpoint each {INTERVAL_MS} ms. Nearly all of it is waiting.",
        POLL.as_millis()
    )));
    Ok(rows)
}

/// Microseconds of one core for an entry that is not yet written.
fn checks() -> Outcome<Vec<f64>> {
    let (trust, state) = (trust(), State::new());
    let statements: Vec<_> = (0..CHECKS).map(|n| counts(n).to_bytes()).collect();
    let run = |_| {
        let begin = Instant::now();
        for bytes in &statements {
            let statement = Statement::parse(bytes)?;
            rule::check(&trust, &state, &statement)?;
            std::hint::black_box(statement.pae_hash());
        }
        Ok(begin.elapsed().as_secs_f64() * 1e6 / statements.len() as f64)
    };
    (0..RUNS).map(run).collect()
}

async fn until_covered(service: &Service, size: u64) -> Outcome<()> {
    loop {
        let served = SignedCheckpoint::open(&service.checkpoint(INTAKE).await?, &verifier(INTAKE))?;
        if served.head().size >= size {
            return Ok(());
        }
        sleep(Duration::from_millis(2)).await;
    }
}

async fn waits() -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let log = Log::start(dir.path()).await?;
    let mut waits = Vec::new();
    for n in 0..WAITS {
        eprintln!("until the checkpoint: {} of {WAITS}", n + 1);
        // At no fixed place between two checkpoints.
        sleep(Duration::from_millis(37 * n % INTERVAL_MS)).await;
        let (statement, begin) = (counts(n).to_bytes(), Instant::now());
        log.service.append(INTAKE, &statement).await?;
        until_covered(&log.service, n + 1).await?;
        waits.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    log.end().await?;
    Ok(waits)
}

/// Bytes of the store, its write-ahead log moved into it.
async fn on_disk(dir: &Path) -> Outcome<f64> {
    use sqlx::{Connection as _, Executor as _};
    let file = dir.join("store.sqlite");
    let mut c = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await?;
    c.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    c.close().await?;
    Ok(std::fs::metadata(file)?.len() as f64)
}
