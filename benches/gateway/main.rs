//! `make bench`: what one report costs the servers, how many they take, and how fast tokens are signed and checked.
//!
//! The servers are processes of the release binary, each role its own. `benches/figures` says where the figures go,
//! `docs/performance.md` what they mean. What a reporter's device does (blinding, finalizing, sealing) happens before
//! the clock starts.

#[path = "../figures/mod.rs"]
mod figures;
mod http;
mod rsa;
mod send;
#[path = "../../tests/stage/mod.rs"]
mod stage;
mod usage;

use std::error::Error;
use std::time::Duration;

use figures::{Row, median};
use send::send;
use stage::Stage;
use tabir::client::report::seal;
use tabir::client::{Session, tokens};
use tabir::clock::Random;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::token::wire::REQUEST_TYPE;
use tabir_crypto::token::{PendingToken, TokenKey, TokenResponse, blind};
use tokio::time::{Instant, sleep};
use usage::{cpu_ms, each, rss_mb};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs of each figure.
const RUNS: usize = 5;
/// Journeys of a run, and their connections.
const JOURNEYS: u32 = 300;
const JOURNEY_CONNECTIONS: usize = 8;
/// Reports of a run of full load.
const REPORTS: u32 = 1_500;
const LOAD_CONNECTIONS: usize = 64;
/// How long nothing is asked, to know what the processes spend anyway.
const IDLE: Duration = Duration::from_secs(8);
/// A window of the demo's policy is closed, logged and witnessed by then: 5 s, the outbox, a checkpoint.
const WINDOW: Duration = Duration::from_secs(8);
/// What comes after a journey, on other machines than the gateway's.
const BEHIND: [&str; 2] = ["desk", "forwarder"];
/// Between two readings of memory.
const SAMPLE: Duration = Duration::from_millis(50);

fn main() -> Outcome<()> {
    let mut rows =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(served())?;
    rows.extend(rsa::rows()?);
    let file = figures::publish("gateway", &rows)?;
    println!("Written: {}", file.display());
    Ok(())
}

async fn served() -> Outcome<Vec<Row>> {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let mut bench = Bench { session: stage.session().await, stage };
    let everybody = bench.roles();
    let idle = bench.idle_memory().await?;
    for role in BEHIND {
        bench.stage.end(role);
    }
    let serving = bench.roles();
    let (mut cpu, mut rates, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=RUNS {
        progress("journeys", run);
        cpu.push(bench.journeys().await?);
    }
    for run in 1..=RUNS {
        progress("load", run);
        rates.push(bench.load().await?.0);
    }
    for role in BEHIND {
        bench.stage.resume(role).await;
    }
    let loaded = bench.roles();
    for run in 1..=RUNS {
        progress("load, every role", run);
        memory.push(bench.load().await?.1);
    }
    let sums = |runs: &[Vec<f64>]| runs.iter().map(|r| r.iter().sum()).collect::<Vec<f64>>();
    Ok(vec![
        Row::new(
            "journey_cpu_ms",
            "ms",
            &sums(&cpu),
            format!(
                "User and system time of the processes for one journey (a voucher's token, a text report of 4 KiB, stored \
                 durably, its window logged), {JOURNEYS} a run, less what they spend idle; forwarder and desk do not run: {}.",
                of_roles(&serving, &cpu, 2)
            ),
        ),
        Row::new(
            "reports_per_s_64",
            "1/s",
            &rates,
            format!(
                "{REPORTS} reports a run over {LOAD_CONNECTIONS} connections, each stored durably before its answer; the \
                 load is made on the same cores; forwarder and desk do not run."
            ),
        ),
        Row::new(
            "rss_idle_mb",
            "MB",
            &sums(&idle),
            format!("Sum of the processes: {}.", of_roles(&everybody, &idle, 1)),
        ),
        Row::new(
            "rss_load_mb",
            "MB",
            &sums(&memory),
            format!(
                "Largest sum during a run as for reports_per_s_64 in which every role runs: {}.",
                of_roles(&loaded, &memory, 1)
            ),
        ),
    ])
}

/// The median of each role. What is below zero is an idle time that was overrated, and rounds to nothing.
fn of_roles(roles: &[&str], runs: &[Vec<f64>], digits: usize) -> String {
    let middle = |at: usize| median(&runs.iter().map(|r| r[at]).collect::<Vec<_>>()).unwrap_or_default().max(0.0);
    let each = roles.iter().enumerate().map(|(at, role)| format!("{role} {:.digits$}", middle(at)));
    each.collect::<Vec<_>>().join(", ")
}

fn progress(what: &str, run: usize) {
    eprintln!("{what}: run {run} of {RUNS}");
}

struct Bench {
    stage: Stage,
    session: Session,
}

impl Bench {
    /// Who runs, in the order of every reading.
    fn roles(&self) -> Vec<&'static str> {
        self.stage.processes().iter().map(|p| p.role).collect()
    }

    async fn idle_memory(&self) -> Outcome<Vec<Vec<f64>>> {
        let mut readings = Vec::new();
        for _ in 0..RUNS {
            sleep(Duration::from_secs(1)).await;
            readings.push(each(self.stage.processes(), rss_mb)?);
        }
        Ok(readings)
    }

    /// Token requests with a voucher each, and what finishes them.
    async fn requests(&self, count: u32) -> Outcome<(Vec<Vec<u8>>, Vec<PendingToken>)> {
        let key = TokenKey::from_spki(&self.session.key(KeyKind::Token)?)?;
        let challenge = tokens::challenge(&self.session)?;
        let (mut requests, mut pending) = (Vec::new(), Vec::new());
        for voucher in self.stage.vouchers(count).await {
            let (request, waits) = blind(&mut Random, &key, &challenge)?;
            let attestation = format!("voucher {voucher}");
            let headers = [("content-type", REQUEST_TYPE), ("tabir-attestation", attestation.as_str())];
            requests.push(http::post("/token-request", &headers, &request.encode()));
            pending.push(waits);
        }
        Ok((requests, pending))
    }

    fn bodies(&self, count: u32) -> Outcome<Vec<Vec<u8>>> {
        let draft = stage::draft(&self.session);
        Ok((0..count).map(|_| seal(&self.session, &draft).map(|s| s.body)).collect::<Result<_, _>>()?)
    }

    async fn issue(&self, requests: Vec<Vec<u8>>) -> Outcome<Vec<Vec<u8>>> {
        Ok(send(self.stage.ports.issuer, JOURNEY_CONNECTIONS, 200, requests).await?.0)
    }

    /// Reports that are paid for, ready to be sent.
    fn reports(answers: &[Vec<u8>], pending: &[PendingToken], bodies: &[Vec<u8>]) -> Outcome<Vec<Vec<u8>>> {
        let mut reports = Vec::new();
        for ((answer, pending), body) in answers.iter().zip(pending).zip(bodies) {
            let token = pending.finalize(&TokenResponse::decode(answer)?)?;
            let authorization = tokens::authorization(&token);
            let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
            reports.push(http::post("/v1/reports", &headers, body));
        }
        Ok(reports)
    }

    /// Milliseconds of each process for one journey, from the token request until the window is in the log.
    async fn journeys(&self) -> Outcome<Vec<f64>> {
        let (requests, pending) = self.requests(JOURNEYS).await?;
        let bodies = self.bodies(JOURNEYS)?;
        let processes = self.stage.processes();
        // What the preparation cost (vouchers, a window) is not a journey's.
        sleep(WINDOW).await;
        let (before, resting) = (each(processes, cpu_ms)?, Instant::now());
        sleep(IDLE).await;
        let (begin, started) = (each(processes, cpu_ms)?, Instant::now());
        let answers = self.issue(requests).await?;
        let reports = Self::reports(&answers, &pending, &bodies)?;
        send(self.stage.ports.gateway, JOURNEY_CONNECTIONS, 201, reports).await?;
        sleep(WINDOW).await;
        let (end, longer) = (each(processes, cpu_ms)?, started.elapsed().div_duration_f64(started - resting));
        let of = |at: usize| (end[at] - begin[at] - (begin[at] - before[at]) * longer) / f64::from(JOURNEYS);
        Ok((0..processes.len()).map(of).collect())
    }

    /// Reports a second, and the memory of each process when their sum was largest.
    async fn load(&self) -> Outcome<(f64, Vec<f64>)> {
        let (requests, pending) = self.requests(REPORTS).await?;
        let bodies = self.bodies(REPORTS)?;
        let reports = Self::reports(&self.issue(requests).await?, &pending, &bodies)?;
        let sending = send(self.stage.ports.gateway, LOAD_CONNECTIONS, 201, reports);
        tokio::pin!(sending);
        let mut most = Vec::new();
        let (_, took) = loop {
            tokio::select! {
                done = &mut sending => break done?,
                () = sleep(SAMPLE) => {
                    let now = each(self.stage.processes(), rss_mb)?;
                    if now.iter().sum::<f64>() > most.iter().sum() {
                        most = now;
                    }
                }
            }
        };
        Ok((f64::from(REPORTS) / took.as_secs_f64(), most))
    }
}
