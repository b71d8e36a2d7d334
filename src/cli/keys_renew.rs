//! `tabir keys renew`: a new token key before its time, and the end of those of before.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tabir_crypto::statement::value::CodeText;
use tabir_crypto::trust::root::LogName;
use tokio::sync::watch;

use super::CliError;
use super::connect::load_trust;
use crate::clock::Clock;
use crate::config::{Config, Setup};
use crate::http::Client;
use crate::issuer::renew::renew;
use crate::ledger::{self, Ledger, View};

/// Arguments of `tabir keys renew`.
#[derive(clap::Args)]
pub struct Args {
    /// Configuration of the process that runs the issuer
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Why, as a code that stands in the public log, such as gateway_restored or key_at_risk
    #[arg(long, value_name = "CODE")]
    reason: String,
    /// Without an auditor: the new key waits the activation delay, and nobody gets a token until then
    #[arg(long)]
    without_auditor: bool,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let reason = CodeText::new(&args.reason)
        .map_err(|_| CliError::Usage("--reason is a code: up to 64 of a-z 0-9 _ . -".into()))?;
    let config = Config::load(&args.config)?;
    let issuer = config.roles.issuer.as_ref().ok_or_else(|| {
        CliError::Usage("this configuration runs no issuer: give --config with the file that has [roles.issuer]".into())
    })?;
    let trust = Arc::new(load_trust(&config.trust)?);
    let clock = Clock::system();
    let client = Client::new(clock.clone());
    let mut view = View::default();
    let reader = ledger::reader(&trust, LogName::Governance, client.clone(), &config.peers.log)?;
    // Numbers and keys that the store may have forgotten.
    view.advance(&trust, &reader).await.map_err(|e| CliError::Failed(e.to_string()))?;
    let (_running, stop) = watch::channel(false);
    let ledger = Ledger::fixed(View::default());
    let setup = Setup { trust, clock, client, peers: config.peers.clone(), ledger, stop };
    let renewed = renew(issuer, &setup, &view, &reason, !args.without_auditor).await;
    let renewed = renewed.map_err(|e| CliError::Failed(e.to_string()))?;
    if args.json {
        println!("{}", json!({"epoch": renewed.epoch, "retired": renewed.retired, "auditor": !args.without_auditor}));
        return Ok(());
    }
    println!("Epoch {} begins; {} key(s) of before are ended, and the log is told.", renewed.epoch, renewed.retired);
    println!(
        "{}",
        if args.without_auditor {
            "The new key counts when its activation delay is over."
        } else {
            "Within half a minute the new key waits on the board. An auditor signs it, and it counts at once:\n  \
             tabir sign --waiting --board URL --key auditor.key\n  tabir sign --proposal ID --board URL --key auditor.key"
        }
    );
    Ok(())
}
