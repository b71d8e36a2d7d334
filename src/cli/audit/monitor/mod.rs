//! `tabir audit monitor`: watches both logs for as long as it runs, and says each thing once.
//!
//! ```text
//! standard output    a line an alarm, a line a round (the heartbeat)
//! DIR/monitor.json   what was told, when the last round ended
//! --webhook          one sentence, always the same, when something was told here
//! --metrics          numbers for Prometheus, on loopback
//! ```

mod metrics;
mod routes;
mod words;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tabir_crypto::statement::value::Second;
use tabir_crypto::trust::root::LogName;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::say;
use crate::api::gateway::Services;
use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::cli::serve::asked_to_end;
use crate::client::ClientError;
use crate::client::audit_monitor::alarm::Alarm;
use crate::client::audit_monitor::memory::Memory;
use crate::client::audit_monitor::{Round, Watch};
use crate::clock::Clock;
use crate::http::openapi::with_document;
use crate::http::{Client, HttpError, server};
use crate::notify::Recipient;
use crate::words::Language;
use metrics::Numbers;

/// What a webhook is sent: what it is about stands in the monitor's own output.
const SENTENCE: &str = "Tabir: the monitor of the public logs has something for an auditor. Look at it where it runs.";

/// Arguments of `tabir audit monitor`.
#[derive(clap::Args)]
pub struct Args {
    /// The gateway's address, which tells where the log is
    #[arg(long, env = "TABIR_SERVER", value_name = "URL", required_unless_present = "log")]
    server: Option<String>,
    /// The log's own address; then no gateway is asked
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// The trust root; read again each round, so that a new version can be put in its place
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// Folder of the copy and of what was told; made if it is not there
    dir: PathBuf,
    /// Seconds from the end of one round to the beginning of the next
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Age in seconds from which a checkpoint is stale (the trust root's freshness limit if not given)
    #[arg(long, value_name = "SECONDS")]
    stale_after: Option<u64>,
    /// One round, then the exit code: 3 if anything is wrong or new, 4 if a log can't be reached
    #[arg(long)]
    once: bool,
    /// POST one sentence to this URL when something was told
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Answer GET /metrics here, for Prometheus; loopback only, such as 127.0.0.1:8081
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Language (that of your system if not given)
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// Lines of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    if args.metrics.is_some_and(|address| !address.ip().is_loopback()) {
        return Err(CliError::Usage("--metrics: an address of this machine alone, such as 127.0.0.1:8081".into()));
    }
    let clock = Clock::system();
    let client = Client::new(clock.clone());
    let webhook = args.webhook.as_ref().map(|url| match url.contains("://") {
        true => Recipient::new(url, None, &client, &clock).map_err(|e| CliError::Usage(e.to_string())),
        false => Err(CliError::Usage("--webhook: an http or https URL".into())),
    });
    crate::cli::make_dir(&args.dir)?;
    let mut monitor = Monitor {
        args,
        language: Language::or_environment(args.language),
        memory: Memory::load(&args.dir).map_err(ClientError::from)?,
        webhook: webhook.transpose()?,
        numbers: Arc::default(),
        clock,
        client,
    };
    if args.once {
        return monitor.once().await;
    }
    let (stop, stopping) = watch::channel(false);
    let serving = match args.metrics {
        Some(address) => {
            let busy = |e| CliError::Failed(format!("--metrics {address}: {e}"));
            let listener = TcpListener::bind(address).await.map_err(busy)?;
            Some(tokio::spawn(server::serve(
                listener,
                with_document(routes::router(Arc::clone(&monitor.numbers))),
                stopping,
            )))
        }
        None => None,
    };
    tokio::select! {
        () = asked_to_end() => {}
        () = monitor.for_ever() => {}
    }
    // Both sides are gone with this process; an answer under way is finished.
    let _ = stop.send(true);
    if let Some(serving) = serving {
        let _ = serving.await;
    }
    Ok(())
}

struct Monitor<'a> {
    args: &'a Args,
    language: Language,
    memory: Memory,
    webhook: Option<Recipient>,
    numbers: Arc<Numbers>,
    clock: Clock,
    client: Client,
}

impl Monitor<'_> {
    async fn for_ever(&mut self) {
        loop {
            if let Err(error) = self.round().await {
                self.numbers.failed_round();
                let at = Second(self.clock.now());
                self.line(&json!({"event": "failed", "at": at, "error": error.to_string()}), || {
                    format!("{at}  {error}")
                });
            }
            tokio::time::sleep(Duration::from_secs(self.args.every)).await;
        }
    }

    async fn once(&mut self) -> Result<(), CliError> {
        let round = self.round().await?;
        match (round.alarms.len(), round.unreachable.first()) {
            (0, None) => Ok(()),
            (0, Some(log)) => Err(HttpError::Unreachable(format!("the {} log", log.as_str())).into()),
            (count, _) => Err(CliError::Audit(words::alarms(self.language, count))),
        }
    }

    async fn log_url(&self) -> Result<String, CliError> {
        let (Some(server), None) = (&self.args.server, &self.args.log) else {
            return Ok(self.args.log.clone().unwrap_or_default());
        };
        let services: Services = self.client.get_json(&format!("{}/v1/services", server.trim_end_matches('/'))).await?;
        Ok(services.log)
    }

    async fn round(&mut self) -> Result<Round, CliError> {
        let trust = load_trust(&self.args.trust)?;
        let log = self.log_url().await;
        let watch = Watch {
            trust: &trust,
            client: &self.client,
            // A gateway that does not say where the log is does not keep a checkpoint from growing old.
            log: log.as_deref().ok(),
            dir: &self.args.dir,
            stale_after_s: self.args.stale_after.unwrap_or(trust.root().freshness_s),
        };
        let now = self.clock.now();
        let round = watch.round(self.memory.governance(), now).await?;
        let new: Vec<&Alarm> = round.alarms.iter().filter(|a| self.memory.is_new(a)).collect();
        let over = if round.unreachable.is_empty() { self.memory.over(&round.alarms) } else { Vec::new() };
        for alarm in &new {
            let mut fields = json!(alarm);
            with(&mut fields, &json!({"event": "alarm", "at": Second(now)}));
            self.line(&fields, || words::alarm(self.language, alarm, now));
        }
        for id in &over {
            let fields = json!({"event": "over", "at": Second(now), "alarm": id.split(' ').next(), "id": id});
            self.line(&fields, || words::over(self.language, id, now));
        }
        let mut untold = self.memory.untold() || !new.is_empty();
        if untold && let Some(webhook) = &self.webhook {
            untold = match webhook.send(SENTENCE).await {
                Ok(()) => false,
                Err(error) => {
                    tracing::warn!(%error, "webhook");
                    true
                }
            };
        } else {
            untold = false;
        }
        let governance = round.governance;
        self.numbers.round(&round, &new, now);
        self.memory.keep(&round.alarms, &over, governance, untold, now).map_err(ClientError::from)?;
        let fields = json!({
            "event": "round", "at": Second(now), "alarms": round.alarms.len(), "new": new.len(),
            "unreachable": round.unreachable, "logs": heads(&round),
        });
        self.line(&fields, || words::round(self.language, &round, now));
        Ok(round)
    }

    fn line(&self, fields: &Value, text: impl FnOnce() -> String) {
        say(&[if self.args.json { fields.to_string() } else { text() }]);
    }
}

fn heads(round: &Round) -> Value {
    let head = |(name, head): (LogName, &Option<(u64, u64)>)| {
        let head = head.map(|(size, witnessed)| json!({"size": size, "witnessed": Second(witnessed)}));
        (name.as_str().to_owned(), head.unwrap_or_default())
    };
    Value::Object(LogName::ALL.into_iter().zip(&round.heads).map(head).collect())
}

fn with(fields: &mut Value, more: &Value) {
    if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
}
