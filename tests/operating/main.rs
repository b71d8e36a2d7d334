//! What an operator does with running roles, and what is done to them: health and numbers, stop, reload, logs, floods.

#[path = "../attack/mod.rs"]
mod attack;
#[path = "../common/mod.rs"]
mod common;
mod flood;
mod health;
mod logs;
mod reload;
#[path = "../stage/mod.rs"]
mod stage;
mod stop;

use rustix::process::{Pid, Signal, kill_process};
use tabir::client::report::{Sealed, seal};
use tabir::client::tokens::{Attestation, fetch};
use tabir::client::{ClientError, Session};
use tabir_crypto::token::Token;

use stage::{Stage, draft};

/// A report and what pays for it, not sent yet.
pub async fn ready(stage: &Stage, session: &Session) -> Result<(Sealed, Token), ClientError> {
    let code = stage.vouchers(1).await.remove(0);
    let token = fetch(session, &Attestation::Voucher(code)).await?;
    Ok((seal(session, &draft(session))?, token))
}

pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// A number of the metrics, by its name and labels.
pub async fn number(stage: &Stage, role: &str, name: &str) -> Option<f64> {
    let text = stage.client.get(&format!("{}/metrics", stage.admin(role))).await.unwrap().text().unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
