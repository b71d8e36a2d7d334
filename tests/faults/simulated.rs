//! An installation whose time passes as the test wants: the roles run here, each by a clock of its own, with the town's
//! windows. Every report leaves at once.

use std::sync::LazyLock;

use tabir::clock::Clock;
use tabir::config::Config;
use tabir_crypto::statement::body::Release;

use crate::TURN;
use crate::reporters::{Sent, report};
use crate::stage::{Runs, Stage};

pub const HOUR_S: u64 = 3_600;
pub const DAY_S: u64 = 24 * HOUR_S;
/// When it begins. What `tabir init` wrote down is of now.
static START: LazyLock<u64> = LazyLock::new(|| Clock::system().now());
const WINDOW_S: u64 = 7 * DAY_S;
const FORWARD_S: u64 = 5 * DAY_S;
/// One step to the deadline, and how long before it the steps become [`SMALL_S`]: the forwarder speaks an hour ahead.
const LARGE_S: u64 = 6 * HOUR_S;
const AHEAD_S: u64 = 2 * HOUR_S;
/// A step from there on.
pub const SMALL_S: u64 = 600;

pub async fn start(settings: impl FnMut(&str, &mut Config)) -> Stage {
    Stage::start_as(Runs::here(*START), Clock::manual(*START), settings, |policy| {
        (policy.window_s, policy.forward_s) = (WINDOW_S, FORWARD_S);
        policy.categories.iter_mut().for_each(|category| category.release = Release::Urgent);
    })
    .await
}

/// Passes time in steps, so that every loop has its turn in each.
pub async fn pass(stage: &Stage, seconds: u64, step_s: u64) {
    for _ in 0..seconds / step_s {
        stage.pass(step_s);
        tokio::time::sleep(TURN).await;
    }
}

/// Towards the deadline of the first window, by which all must be on record.
pub async fn to_the_deadline(stage: &Stage) {
    let begin_of_small = *START + WINDOW_S + FORWARD_S - AHEAD_S;
    pass(stage, begin_of_small.saturating_sub(stage.clock.now()), LARGE_S).await;
}

/// Some reports, by somebody who reads the log anew.
pub async fn some(stage: &Stage, count: u32, sent: &mut Vec<Sent>) {
    let session = stage.session().await;
    for code in stage.vouchers(count).await {
        sent.push(report(&session, &code).await);
    }
}
