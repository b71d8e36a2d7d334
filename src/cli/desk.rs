//! `tabir desk`: what an officer does, over the desk's GeoReport API with the officer's key.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use comfy_table::Table;
use reqwest::Method;
use serde_json::{Value, json};
use tabir_crypto::statement::body::Status;

use super::CliError;
use crate::clock::Clock;
use crate::config::keys::read_private;
use crate::http::{Client, HttpError};
use crate::open311::{QUESTION, name_of, read_time};

/// Arguments of `tabir desk`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  tabir desk --key desk/officer.key list --overdue\n  \
                        tabir desk --key desk/officer.key status 12 in-progress --note \"A crew is on its way\"\n  \
                        tabir desk --key desk/officer.key ask 12 \"Which side of the road?\"")]
pub struct Args {
    /// The desk's GeoReport endpoint
    #[arg(long, default_value = "http://127.0.0.1:8080/open311/v2")]
    server: String,
    /// File with the officer's API key, mode 0600
    #[arg(long)]
    key: PathBuf,
    /// One JSON value instead of a table
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Requests with their deadlines, the most urgent first
    List {
        /// Only what is past its deadline
        #[arg(long)]
        overdue: bool,
        /// Closed ones too
        #[arg(long)]
        all: bool,
    },
    /// One request with what was said about it
    Show {
        /// Number of the request
        id: String,
    },
    /// Set a status, with a note that the reporter reads
    Status {
        /// Number of the request
        id: String,
        /// The new status
        status: NewStatus,
        /// A note for the reporter
        #[arg(long, default_value = "")]
        note: String,
        /// When it will be done (`scheduled`): a date, or RFC 3339
        #[arg(long)]
        eta: Option<String>,
    },
    /// Ask the reporter something, without knowing who it is
    Ask {
        /// Number of the request
        id: String,
        /// The question
        text: String,
    },
}

/// Statuses that an officer can set.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NewStatus {
    Waiting,
    Coordination,
    Disposition,
    InProgress,
    Scheduled,
    Resolved,
    Declined,
    Reopen,
}

impl NewStatus {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => name_of(Status::Waiting),
            Self::Coordination => name_of(Status::Coordination),
            Self::Disposition => name_of(Status::Disposition),
            Self::InProgress => name_of(Status::InProgress),
            Self::Scheduled => name_of(Status::Scheduled),
            Self::Resolved => name_of(Status::Resolved),
            Self::Declined => name_of(Status::Declined),
            Self::Reopen => "reopen",
        }
    }
}

/// Runs the command.
pub async fn run(args: Args) -> Result<(), CliError> {
    let clock = Clock::system();
    let now = clock.now();
    let desk = Desk::new(Client::new(clock), &args.server, &read_private(&args.key)?);
    match args.command {
        Command::List { overdue, all } => {
            let mut found = desk.all().await?;
            found.retain(|r| (all || !is_closed(r)) && (!overdue || is_overdue(r, now)));
            found.sort_by_key(|r| due(r).unwrap_or(u64::MAX));
            if args.json {
                println!("{}", Value::from(found));
            } else {
                println!("{}", table(&found, now));
            }
        }
        Command::Show { id } => {
            let request = desk.show(&id).await?;
            let updates = desk.updates(&id).await?;
            if args.json {
                println!("{}", json!({ "request": request, "updates": updates }));
            } else {
                print(&request, &updates, now);
            }
        }
        Command::Status { id, status, note, eta } => {
            let eta = eta.map(|e| read_time(&e).map(|_| e).ok_or_else(bad_eta)).transpose()?;
            let mut form = vec![("status", status.name()), ("description", note.as_str())];
            form.extend(eta.as_deref().map(|e| ("expected_datetime", e)));
            taken(&desk.update(&id, &form).await?, args.json);
        }
        Command::Ask { id, text } => {
            let text = format!("{QUESTION} {text}");
            taken(&desk.update(&id, &[("status", "unchanged"), ("description", &text)]).await?, args.json);
        }
    }
    Ok(())
}

fn taken(answer: &str, json: bool) {
    if json {
        println!("{answer}");
    } else {
        println!("Done. The reporter sees it after the next exchange with the gateway.");
    }
}

fn bad_eta() -> CliError {
    CliError::Usage("--eta takes a date such as 2026-12-24, or RFC 3339".into())
}

/// An officer's client of the desk's GeoReport API.
pub struct Desk {
    client: Client,
    server: String,
    key: String,
}

/// Requests in one answer.
const PAGE: usize = 1000;

impl Desk {
    /// `server` is the GeoReport endpoint, `key` the officer's API key.
    #[must_use]
    pub fn new(client: Client, server: &str, key: &str) -> Self {
        Self { client, server: server.trim_end_matches('/').to_owned(), key: key.trim().to_owned() }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, CliError> {
        let query = form(&[&[("api_key", self.key.as_str())], query].concat());
        let answer = self.client.get(&format!("{}/{path}?{query}", self.server)).await.map_err(explain)?;
        serde_json::from_slice(&answer.body).map_err(|_| CliError::Failed("The desk's answer is not GeoReport.".into()))
    }

    /// Every request.
    pub async fn all(&self) -> Result<Vec<Value>, CliError> {
        let mut found = Vec::new();
        for page in 1_u32.. {
            let page = page.to_string();
            let got = self.get("requests.json", &[("page", &page)]).await?;
            let last = got.len() < PAGE;
            found.extend(got);
            if last {
                break;
            }
        }
        Ok(found)
    }

    async fn show(&self, id: &str) -> Result<Value, CliError> {
        let found = self.get("requests.json", &[("service_request_id", id)]).await?;
        found.into_iter().next().ok_or_else(|| CliError::Failed("The desk has no request with this number.".into()))
    }

    /// Every update.
    pub async fn all_updates(&self) -> Result<Vec<Value>, CliError> {
        self.get("servicerequestupdates.json", &[]).await
    }

    async fn updates(&self, id: &str) -> Result<Vec<Value>, CliError> {
        let mut found = self.all_updates().await?;
        found.retain(|u| text(u, "service_request_id") == id);
        Ok(found)
    }

    /// An update of one request; gives what the desk answered.
    pub async fn update(&self, id: &str, fields: &[(&str, &str)]) -> Result<String, CliError> {
        let body = form(&[&[("api_key", self.key.as_str()), ("service_request_id", id)], fields].concat());
        let url = format!("{}/servicerequestupdates.json", self.server);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.client.send(Method::POST, &url, &headers, body.into_bytes()).await.map_err(explain)?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

/// GeoReport's errors are no problem documents; the status says enough.
fn explain(error: HttpError) -> CliError {
    match error.status() {
        Some(400) => CliError::Failed("The desk refused a value.".into()),
        Some(403) => CliError::Failed("The desk does not take this key: use its officer.key.".into()),
        Some(404) => CliError::Failed("The desk has no request with this number.".into()),
        _ => error.into(),
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form.invalid/").expect("a constant");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn due(request: &Value) -> Option<u64> {
    read_time(text(request, "expected_datetime"))
}

fn is_closed(request: &Value) -> bool {
    text(request, "status") == "closed"
}

fn is_overdue(request: &Value, now: u64) -> bool {
    !is_closed(request) && due(request).is_some_and(|at| at < now)
}

fn detailed(request: &Value) -> &str {
    request.pointer("/extended_attributes/status").and_then(Value::as_str).unwrap_or_default()
}

fn table(requests: &[Value], now: u64) -> Table {
    let mut table = Table::new();
    table.set_header(["Number", "Service", "Status", "Due", "", "Text"]);
    for request in requests {
        let mark = if is_overdue(request, now) { "OVERDUE" } else { "" };
        let line: String = text(request, "description").lines().next().unwrap_or_default().chars().take(60).collect();
        let (number, service) = (text(request, "service_request_id"), text(request, "service_name"));
        table.add_row([number, service, detailed(request), text(request, "expected_datetime"), mark, &line]);
    }
    table
}

fn print(request: &Value, updates: &[Value], now: u64) {
    println!("Request {} · {}", text(request, "service_request_id"), text(request, "service_name"));
    println!("Status  {}", detailed(request));
    let mark = if is_overdue(request, now) { "  OVERDUE" } else { "" };
    println!("Due     {}{mark}", text(request, "expected_datetime"));
    if let (Some(lat), Some(lon)) = (request["lat"].as_f64(), request["long"].as_f64()) {
        println!("Place   {lat}, {lon} {}", text(request, "address"));
    } else if !text(request, "address").is_empty() {
        println!("Place   {}", text(request, "address"));
    }
    println!("\n{}", text(request, "description"));
    for update in updates {
        println!("\n{} {}\n{}", text(update, "updated_datetime"), text(update, "status"), text(update, "description"));
    }
}
