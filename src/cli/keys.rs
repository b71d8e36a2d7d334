//! `tabir keys history|watch`: every key that people rely on, for who has no part in the installation.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tabir_crypto::Code;
use tabir_crypto::statement::value::Second;

use super::connect::load_trust;
use super::official::seconds;
use super::{CliError, keys_renew};
use crate::client::ClientError;
use crate::client::keys::history::{Item, Standing, short};
use crate::client::keys::news::{News, Told};
use crate::client::keys::{Look, look, look_into};
use crate::client::last_heads::LastHeads;
use crate::client::log_source::ReadError;
use crate::clock::Clock;
use crate::http::HttpError;

/// `tabir keys`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show every key of every role, every council and version of the trust root, with its times
    #[command(
        after_help = "Example: tabir keys history --server https://lapor.kota.example --trust trust.json\n         \
                      tabir keys history --copy ./log --trust trust.json --json\n\
                      Exit code 3: two keys for one epoch, or the gateway shows other keys than the log."
    )]
    History(History),
    /// Look again and again, and end with exit code 3 when there is something to tell
    #[command(
        after_help = "Example: tabir keys watch --server https://lapor.kota.example --trust trust.json --state ./watch\n\
                      A key that is new, retired or in conflict is told once; a log that shrank, forked or stands still, and a \
                      gateway that shows other keys than the log, each time. The first look only takes note of what is there.\n\
                      To go on, run it again: under systemd with Restart=always, or with --once from cron."
    )]
    Watch(Watch),
    /// The issuer's operator: end the token keys before their time and begin another epoch, which an auditor makes count at once
    #[command(after_help = "Example: tabir keys renew --config /etc/tabir/tabir.toml --reason gateway_restored\n\
                      Needed after a gateway or an issuer came back from a backup, and when a token key may be in somebody's hands.\n\
                      Tokens of before that were not spent are lost; vouchers that bought them stay spent.")]
    Renew(keys_renew::Args),
}

/// Arguments of `tabir keys history`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub struct History {
    /// The gateway's address, such as https://lapor.kota.example
    #[arg(long, env = "TABIR_SERVER", value_name = "URL", group = "source")]
    server: Option<String>,
    /// A copy that `tabir audit fetch` made; judged by its newest witnessed time
    #[arg(long, value_name = "DIR", group = "source")]
    copy: Option<PathBuf>,
    /// The trust root, which you got by another way than from this server
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir keys watch`.
#[derive(clap::Args)]
pub struct Watch {
    /// The gateway's address, such as https://lapor.kota.example
    #[arg(long, env = "TABIR_SERVER", value_name = "URL")]
    server: String,
    /// The trust root, which you got by another way than from this server
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// Folder that remembers what was told, and the last head of the log
    #[arg(long, env = "TABIR_STATE", value_name = "FOLDER")]
    state: PathBuf,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "300")]
    interval: Duration,
    /// Look once
    #[arg(long)]
    once: bool,
    /// One line of JSON for each thing that is told
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::History(args) => history(&args).await,
        Command::Watch(args) => watch(&args).await,
        Command::Renew(args) => keys_renew::run(&args).await,
    }
}

async fn history(args: &History) -> Result<(), CliError> {
    let trust = Arc::new(load_trust(&args.trust)?);
    let look = match (&args.copy, &args.server) {
        (Some(copy), _) => look_into(&trust, copy).await?,
        (None, Some(server)) => look(&Clock::system(), &trust, server, None).await?,
        (None, None) => return Err(CliError::Usage("give --server or --copy".into())),
    };
    let lie = look.gateway.as_ref().and_then(|shown| shown.as_ref().err());
    if args.json {
        say(&as_json(&look).to_string());
    } else {
        for item in &look.items {
            say(&in_words(item));
        }
        say(&format!(
            "The governance log has {} entries; its newest head was witnessed at {}.",
            look.head.size,
            Second(look.witnessed)
        ));
    }
    let conflicts = look.items.iter().filter(|item| item.standing == Standing::Conflict).count();
    match lie {
        Some(lie) => Err(CliError::Audit(gateway_lies(lie))),
        None if conflicts > 0 => Err(CliError::Audit(format!("{conflicts} keys are in conflict: nobody may use them"))),
        None => Ok(()),
    }
}

fn gateway_lies(lie: &ReadError) -> String {
    format!("the gateway shows other keys than the log: {lie}")
}

fn as_json(look: &Look) -> Value {
    let gateway = look.gateway.as_ref().map(|shown| match shown {
        Ok(()) => "ok",
        Err(error) => error.code().map_or("unreadable", Code::as_str),
    });
    json!({"v": 1, "size": look.head.size, "witnessed": Second(look.witnessed), "gateway": gateway, "items": look.items})
}

fn in_words(item: &Item) -> String {
    let time = |time: Option<Second>, none: &str| time.map_or(none.to_owned(), |t| t.to_string());
    let entry = item.entry.map_or("pinned".to_owned(), |entry| format!("entry {entry}"));
    let lineage = item.lineage.map(|id| format!(" of key {}", short(&id.0))).unwrap_or_default();
    let retired = item.retired.map(|entry| format!(", retired by entry {entry}")).unwrap_or_default();
    format!(
        "{:<10} {:>4} {:<8}  {}{lineage}  {entry}, witnessed {}, counts from {} until {}{retired}",
        item.what.as_str(),
        item.epoch,
        item.standing.as_str(),
        short(&item.id.0),
        time(item.witnessed, "-"),
        time(item.active_from, "-"),
        time(item.active_until, "further notice"),
    )
}

async fn watch(args: &Watch) -> Result<(), CliError> {
    let trust = Arc::new(load_trust(&args.trust)?);
    let clock = Clock::system();
    let mut unreachable = false;
    loop {
        let heads = LastHeads::new(args.state.clone());
        match look(&clock, &trust, &args.server, Some(heads)).await {
            Ok(look) => {
                unreachable = false;
                tell(args, &look)?;
            }
            Err(ClientError::Http(error @ HttpError::Unreachable(_))) if !args.once => {
                if !unreachable {
                    eprintln!("{error}; trying again");
                }
                unreachable = true;
            }
            Err(error) => return Err(failed(args, error)),
        }
        if args.once {
            return Ok(());
        }
        tokio::time::sleep(args.interval).await;
    }
}

/// Tells what is new. Error: `Audit` when there was something.
fn tell(args: &Watch, look: &Look) -> Result<(), CliError> {
    let file = |error| CliError::File(args.state.clone(), error);
    let before = Told::read(&args.state).map_err(file)?;
    let first = before.is_none();
    let mut told = before.unwrap_or_default();
    let mut news = told.news(&look.items);
    if first {
        eprintln!("The first look: {} keys, councils and versions of the trust root are noted.", look.items.len());
        news.retain(|n| n.event == "conflict");
    }
    for n in &news {
        say(&if args.json { news_json(n).to_string() } else { n.words() });
    }
    told.write(&args.state).map_err(file)?;
    if let Some(Err(lie)) = &look.gateway {
        return Err(alarm(args, lie, gateway_lies(lie)));
    }
    if news.is_empty() { Ok(()) } else { Err(CliError::Audit(format!("{} to look at", news.len()))) }
}

fn news_json(news: &News<'_>) -> Value {
    json!({"v": 1, "event": news.event, "item": news.item})
}

/// A log or a gateway that can't be believed.
fn alarm(args: &Watch, error: &ReadError, words: String) -> CliError {
    if args.json {
        let code = error.code().map_or("unreadable", Code::as_str);
        say(&json!({"v": 1, "event": "alarm", "code": code}).to_string());
    }
    CliError::Audit(words)
}

/// What a look that failed tells: an alarm, or that there was nothing to see.
fn failed(args: &Watch, error: ClientError) -> CliError {
    match error {
        ClientError::Log(error @ ReadError::Refused { .. }) => {
            let both = matches!(error.code(), Some(Code::Shrunk | Code::Consistency));
            let kept = if both {
                format!(". Both checkpoints are kept below {}", args.state.display())
            } else {
                String::new()
            };
            let words = format!("the log can't be believed: {error}{kept}");
            alarm(args, &error, words)
        }
        ClientError::Crypto(source) if source.code() == Code::Stale => {
            let error = ReadError::Refused { what: "checkpoint".into(), source };
            let words = format!("the witnesses are silent, or this clock is wrong: {error}");
            alarm(args, &error, words)
        }
        other => other.into(),
    }
}

/// A line of the answer. Who closed the pipe has seen enough.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}
