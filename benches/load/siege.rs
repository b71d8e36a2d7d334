//! Honest journeys beside slow connections, forged tokens and bad bodies.

use std::time::Duration;

use tabir::client::report::seal;
use tabir::client::tokens::{Attestation, fetch};
use tokio::time::{Instant, sleep, timeout};

use super::clients::{connect, prepared, travel};
use crate::attack::{Attack, forged, post};
use crate::figures::Row;
use crate::stage::{Stage, draft};
use crate::{Outcome, percentile};

/// Slow connections: more than the gateway has seats.
const SLOW: usize = 700;
/// Connections of each flood.
const FAST: usize = 8;
/// Honest journeys of a run.
const HONEST: u32 = 100;
const RUNS: usize = 3;
/// How long the attack goes on before the first of them.
const BEFORE: Duration = Duration::from_secs(3);
/// The longest that one may take.
const LONGEST: Duration = Duration::from_secs(20);

/// Journeys, each over fresh connections, tried until they succeed: their times, and how many did not in time.
async fn honest(stage: &Stage) -> Outcome<(Vec<f64>, u32)> {
    let session = stage.session().await;
    let (mut times, mut failed) = (Vec::new(), 0);
    for journey in prepared(stage, &session, HONEST).await? {
        let begin = Instant::now();
        loop {
            let attempt = async { travel(&mut connect(stage).await?, &journey).await };
            if matches!(timeout(LONGEST, attempt).await, Ok(Ok(_))) {
                times.push(begin.elapsed().as_secs_f64() * 1e3);
                break;
            }
            if begin.elapsed() > LONGEST {
                failed += 1;
                break;
            }
        }
    }
    Ok((times, failed))
}

/// How many got in, and how long it took them, with and without the attack.
pub async fn rows() -> Outcome<Vec<Row>> {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let code = stage.vouchers(1).await.remove(0);
    let token = fetch(&session, &Attestation::Voucher(code)).await?;
    let body = seal(&session, &draft(&session))?.body;
    let (mut got_in, mut refused, mut quiet, mut loud) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 1..=RUNS {
        eprintln!("siege: run {run} of {RUNS}");
        quiet.push(honest(&stage).await?.0);
        let mut attack = Attack::none();
        attack.slow(stage.ports.gateway, SLOW);
        let (token, body) = (token.clone(), body.clone());
        attack.flood(stage.ports.gateway, FAST, move || post(&forged(&token), &body));
        attack.flood(stage.ports.gateway, FAST, || post("PrivateToken token=\"AAAA\"", &[b'['; 90_000]));
        sleep(BEFORE).await;
        let (begin, before) = (Instant::now(), attack.counts().1);
        let (times, failed) = honest(&stage).await?;
        refused.push((attack.counts().1 - before) as f64 / begin.elapsed().as_secs_f64());
        got_in.push(f64::from(HONEST - failed));
        loud.push(times);
        attack.end().await;
    }
    let all = |runs: &[Vec<f64>], percent| runs.iter().map(|r| percentile(r, percent)).collect::<Vec<_>>();
    let note = format!(
        "{HONEST} honest journeys a run, each over fresh connections, beside {SLOW} connections that send a byte a second and \
         {FAST} each that send forged tokens and bad bodies as fast as they are refused; all on the same cores."
    );
    let peer = "without the attack";
    Ok(vec![
        Row::new("siege_got_in", "count", &got_in, format!("Of {HONEST}. {note}")),
        Row::new("siege_refused_per_s", "1/s", &refused, format!("Refusals meanwhile. {note}")),
        Row::new("siege_p50_ms", "ms", &all(&loud, 50), note.clone()).beside(peer, &all(&quiet, 50)),
        Row::new("siege_p99_ms", "ms", &all(&loud, 99), note).beside(peer, &all(&quiet, 99)),
    ])
}
