//! Whole journeys, one after the other by each of so many clients: a token for a voucher, then the report that it pays for.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tabir::client::report::seal;
use tabir::client::{Session, tokens};
use tabir::clock::Random;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::token::wire::REQUEST_TYPE;
use tabir_crypto::token::{PendingToken, TokenKey, TokenResponse, blind};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::figures::Row;
use crate::stage::{Stage, draft};
use crate::usage::{cpu_ms, each, rss_mb};
use crate::{Outcome, http, percentile};

/// Clients at a time, and journeys of a run.
const LOADS: [(usize, u32); 4] = [(1, 60), (16, 320), (64, 640), (256, 1_024)];
/// Runs of each, all loads in turn.
const RUNS: usize = 3;
/// What comes after a journey, on other machines than the gateway's.
const BEHIND: [&str; 2] = ["desk", "forwarder"];
/// The two that a journey asks.
const ASKED: [&str; 2] = ["issuer", "gateway"];

/// A journey that is ready to begin.
pub struct Journey {
    request: Vec<u8>,
    pending: PendingToken,
    body: Vec<u8>,
}

/// So many of them.
pub async fn prepared(stage: &Stage, session: &Session, count: u32) -> Outcome<Vec<Journey>> {
    let key = TokenKey::from_spki(&session.key(KeyKind::Token)?)?;
    let (challenge, draft) = (tokens::challenge(session)?, draft(session));
    let mut all = Vec::new();
    for voucher in stage.vouchers(count).await {
        let (request, pending) = blind(&mut Random, &key, &challenge)?;
        let attestation = format!("voucher {voucher}");
        let headers = [("content-type", REQUEST_TYPE), ("tabir-attestation", attestation.as_str())];
        let request = http::post("/token-request", &headers, &request.encode());
        all.push(Journey { request, pending, body: seal(session, &draft)?.body });
    }
    Ok(all)
}

/// Two connections, that stay open.
pub async fn connect(stage: &Stage) -> std::io::Result<[TcpStream; 2]> {
    let mut open = Vec::new();
    for port in [stage.ports.issuer, stage.ports.gateway] {
        let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.set_nodelay(true)?;
        open.push(stream);
    }
    open.try_into().map_err(|_| std::io::Error::other("two connections"))
}

/// Travels; the milliseconds that it took.
pub async fn travel([issuer, gateway]: &mut [TcpStream; 2], journey: &Journey) -> std::io::Result<f64> {
    use tokio::io::AsyncWriteExt as _;
    let other = |e: tabir_crypto::Error| std::io::Error::other(e.to_string());
    let begin = Instant::now();
    issuer.write_all(&journey.request).await?;
    let answer = TokenResponse::decode(&http::answer(issuer, 200).await?).map_err(other)?;
    let authorization = tokens::authorization(&journey.pending.finalize(&answer).map_err(other)?);
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    gateway.write_all(&http::post("/v1/reports", &headers, &journey.body)).await?;
    http::answer(gateway, 201).await?;
    Ok(begin.elapsed().as_secs_f64() * 1e3)
}

/// What a run came to.
struct Run {
    rate: f64,
    cpu_ms: f64,
    times: Vec<f64>,
    rss_mb: f64,
}

async fn run(stage: &Stage, session: &Session, clients: usize, count: u32) -> Outcome<Run> {
    let mut shares: Vec<Vec<Journey>> = (0..clients).map(|_| Vec::new()).collect();
    for (n, journey) in prepared(stage, session, count).await?.into_iter().enumerate() {
        shares[n % clients].push(journey);
    }
    let (start, mut tasks) = (Arc::new(Barrier::new(clients + 1)), JoinSet::new());
    for share in shares {
        let (mut open, start) = (connect(stage).await?, Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let mut times = Vec::new();
            for journey in &share {
                times.push(travel(&mut open, journey).await?);
            }
            Ok::<_, std::io::Error>(times)
        });
    }
    let asked = || stage.processes().iter().filter(|p| ASKED.contains(&p.role));
    let spent = || asked().map(cpu_ms).sum::<std::io::Result<f64>>();
    let before = spent()?;
    start.wait().await;
    let (begin, mut times) = (Instant::now(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let took = begin.elapsed().as_secs_f64();
    let rss_mb = each(stage.processes(), rss_mb)?.iter().sum();
    Ok(Run { rate: f64::from(count) / took, cpu_ms: (spent()? - before) / f64::from(count), times, rss_mb })
}

/// Four rows for each load, and memory after the largest.
pub async fn rows() -> Outcome<Vec<Row>> {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    BEHIND.iter().for_each(|role| stage.end(role));
    let mut runs: Vec<Vec<Run>> = LOADS.iter().map(|_| Vec::new()).collect();
    for turn in 1..=RUNS {
        for ((clients, count), runs) in LOADS.iter().zip(&mut runs) {
            eprintln!("journeys of {clients} client(s): run {turn} of {RUNS}");
            runs.push(run(&stage, &session, *clients, *count).await?);
        }
    }
    let mut rows = Vec::new();
    for ((clients, count), runs) in LOADS.iter().zip(&runs) {
        let of = |get: &dyn Fn(&Run) -> f64| runs.iter().map(get).collect::<Vec<_>>();
        let what = |name: &str| -> &'static str { Box::leak(format!("{name}_{clients}").into_boxed_str()) };
        let note =
            format!("{clients} client(s) at a time, {count} journeys a run; the load is made on the same cores.");
        rows.push(Row::new(what("journeys_per_s"), "1/s", &of(&|r| r.rate), note.clone()));
        let cpu = "User and system time of issuer and gateway, for one journey up to its answer.";
        rows.push(Row::new(what("load_cpu_ms"), "ms", &of(&|r| r.cpu_ms), format!("{cpu} {note}")));
        rows.push(Row::new(what("journey_p50_ms"), "ms", &of(&|r| percentile(&r.times, 50)), note.clone()));
        rows.push(Row::new(what("journey_p99_ms"), "ms", &of(&|r| percentile(&r.times, 99)), note));
    }
    let memory: Vec<f64> = runs.last().into_iter().flatten().map(|r| r.rss_mb).collect();
    rows.push(Row::new(
        "rss_mb_256",
        "MB",
        &memory,
        "All processes but forwarder and desk, after 256 clients at a time.",
    ));
    Ok(rows)
}
