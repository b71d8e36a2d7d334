//! `tabir held`: what the forwarder could not decide alone. Works on the forwarder's own store, also while it runs.

use std::path::PathBuf;

use clap::Subcommand;
use comfy_table::Table;
use serde_json::{Value, json};
use tabir_crypto::statement::body::Status;
use tabir_crypto::statement::value::Second;

use super::CliError;
use crate::clock::Clock;
use crate::config::{Config, roles};
use crate::forwarder::resolve::{Decision, Done, ResolveError, resolve};
use crate::forwarder::store::Store;
use crate::forwarder::store::held::HeldRow;
use crate::http::Client;

/// `tabir held`.
#[derive(Subcommand)]
pub enum Command {
    /// Show what waits for a person, and what to do about each
    #[command(after_help = "Example: tabir held list --config inner/tabir.toml")]
    List(List),
    /// End one of them
    #[command(
        after_help = "Examples:\n  tabir held resolve 1a2b3c4d --config inner/tabir.toml                   # try again now\n  \
                            tabir held resolve 1a2b3c4d --config inner/tabir.toml --status scheduled\n  \
                            tabir held resolve 1a2b3c4d --config inner/tabir.toml --request-id 4711"
    )]
    Resolve(Resolve),
}

/// Arguments of `tabir held list`.
#[derive(clap::Args)]
pub struct List {
    /// Configuration of the process that runs the forwarder
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// One JSON value instead of a table
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir held resolve`.
#[derive(clap::Args)]
pub struct Resolve {
    /// The id that `tabir held list` shows
    id: String,
    /// Configuration of the process that runs the forwarder
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// The case has this status: waiting, coordination, disposition, in_progress, scheduled, resolved, declined
    #[arg(long, value_parser = read_status, group = "choice")]
    status: Option<Status>,
    /// The downstream has the report under this id
    #[arg(long, value_name = "ID", group = "choice")]
    request_id: Option<String>,
    /// I brought to the downstream what the reporter wrote
    #[arg(long, group = "choice")]
    by_hand: bool,
    /// I have seen it, and nothing follows
    #[arg(long, group = "choice")]
    seen: bool,
    /// Print `{"id":…,"done":…}`
    #[arg(long)]
    json: bool,
}

fn read_status(text: &str) -> Result<Status, String> {
    Status::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Status::ALL.into_iter().skip(1).map(Status::as_str).collect();
        format!("one of {}", all.join(", "))
    })
}

/// The forwarder's section of a configuration.
pub(super) fn forwarder(file: &std::path::Path) -> Result<roles::Forwarder, CliError> {
    Config::load(file)?.roles.forwarder.ok_or_else(|| {
        CliError::Usage(
            "this configuration runs no forwarder: give --config with the file that has [roles.forwarder]".into(),
        )
    })
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::List(args) => list(&args).await,
        Command::Resolve(args) => end(args).await,
    }
}

async fn list(args: &List) -> Result<(), CliError> {
    let config = forwarder(&args.config)?;
    let rows = Store::open(&config.dir).await?.held().await?;
    if args.json {
        println!("{}", rows.iter().map(to_json).collect::<Value>());
    } else if rows.is_empty() {
        println!("Nothing is held.");
    } else {
        println!("{}", table(&rows));
        println!("End one with: tabir held resolve ID --config {}", args.config.display());
    }
    Ok(())
}

fn to_json(row: &HeldRow) -> Value {
    json!({
        "id": row.id(), "kind": row.held.kind, "about": row.held.about, "detail": row.held.detail,
        "since": day(row.held_on), "todo": todo(&row.held.kind, &row.held.detail),
    })
}

fn table(rows: &[HeldRow]) -> Table {
    let mut table = Table::new();
    table.set_header(["Id", "Since", "Kind", "About", "Detail", "What to do"]);
    for row in rows {
        let h = &row.held;
        // A downstream's words: nothing that a terminal obeys.
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(60).collect::<String>();
        table.add_row([
            row.id(),
            day(row.held_on),
            h.kind.clone(),
            shown(&h.about),
            shown(&h.detail),
            todo(&h.kind, &h.detail).to_owned(),
        ]);
    }
    table
}

fn day(at: u64) -> String {
    Second(at).to_string().split('T').next().unwrap_or_default().to_owned()
}

/// What a person can do about it.
fn todo(kind: &str, detail: &str) -> &'static str {
    match (kind, detail) {
        ("category", _) => "map the category to a service that the server has; the report is tried again by itself",
        ("attribute", _) => "give the attribute a default in the mapping; the report is tried again by itself",
        ("confidential", "public") => "map the category to a service that nobody can read without the key",
        ("confidential", _) => "run `tabir connector check --send-tests`: nobody has looked yet whether it is public",
        ("followup", _) => "tell the officer by hand, then --by-hand; or set `followups` in the mapping",
        ("refused", "401" | "403") => "check the API key; it is tried again by itself",
        ("refused", _) => {
            "see the request with `tabir connector dry-run`, correct the mapping; it is tried again by itself"
        }
        ("answer", "redirect") => {
            "the server sends elsewhere: put its final address into `downstream`, if it is its own"
        }
        ("answer", _) => "the server answers something else than GeoReport: run `tabir connector check`",
        ("lookup", _) => "look for the reference in the downstream: --request-id if it is there",
        ("token", _) => "the server took it and gives no id: look there, and give --request-id",
        ("status", _) => "add the word under [statuses] and resolve without an option, or give --status or --seen",
        ("regression", _) => "the downstream moved the case backwards: give --status or --seen",
        ("nameless", _) => "the downstream has it without an id: news of it can't come; tell the officers",
        ("report", _) => "a report that fails its checks was declined; --seen takes it off the list",
        ("write", _) => "something the reporter wrote fails its checks; --seen takes it off the list",
        ("event", _) => "the gateway no longer has this case; --seen takes it off the list",
        _ => "see docs/connector.md",
    }
}

async fn end(args: Resolve) -> Result<(), CliError> {
    let config = forwarder(&args.config)?;
    let clock = Clock::system();
    let connector = crate::forwarder::connector((Client::new(clock.clone()), clock.clone()), &config)?;
    let decision = match (args.status, args.request_id) {
        (Some(status), _) => Decision::Status(status),
        (None, Some(id)) => Decision::RequestId(id),
        (None, None) if args.by_hand => Decision::ByHand,
        (None, None) if args.seen => Decision::Seen,
        (None, None) => Decision::Go,
    };
    let store = Store::open(&config.dir).await?;
    let times = (clock.now(), config.keep_content_s);
    let done = resolve(&store, &connector, &args.id, decision, times).await.map_err(|error| match error {
        ResolveError::Db(error) => error.into(),
        ResolveError::Crypto(error) => error.into(),
        other => CliError::Failed(other.to_string()),
    })?;
    let (code, words) = match done {
        Done::Retried => ("retried", "It is tried again now.".to_owned()),
        Done::Sent => ("sent", "The report counts as sent; the reporter and the log are told.".to_owned()),
        Done::Brought => ("brought", "It counts as brought.".to_owned()),
        Done::Status(status) => ("status", format!("The reporter sees the status {}.", status.as_str())),
        Done::Seen => ("seen", "It is off the list.".to_owned()),
    };
    if args.json {
        println!("{}", json!({ "id": args.id, "done": code }));
    } else {
        println!("{words}");
    }
    Ok(())
}
