//! `tabir connector`: does the downstream take what the mapping makes? Tried before anybody's report depends on it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use tabir_crypto::B32;
use tabir_crypto::json as strict;
use tabir_crypto::statement::body::PolicySet;

use super::CliError;
use super::held::forwarder;
use crate::clock::Clock;
use crate::config::roles;
use crate::forwarder::connector::georeport::GeoReport;
use crate::forwarder::connector::georeport::check::sample::Sample;
use crate::forwarder::connector::georeport::check::{self, Checked, Finding, Findings, Level, trial};
use crate::forwarder::connector::{Call, DownError, Outgoing, Unready};
use crate::forwarder::mapping::EnvelopeReference;
use crate::forwarder::store::Store;
use crate::http::Client;

/// `tabir connector`.
#[derive(Subcommand)]
pub enum Command {
    /// Compare the mapping with the live server
    #[command(after_help = "Examples:\n  tabir connector check --config inner/tabir.toml --policy policy.json\n  \
                            tabir connector check --config inner/tabir.toml --send-tests\n\n\
                            Exit code 1: something must be mended first.")]
    Check(Check),
    /// Show the exact request that a report would become, and send nothing
    #[command(after_help = "Examples:\n  tabir connector dry-run --config inner/tabir.toml --category pothole\n  \
                            tabir connector dry-run --config inner/tabir.toml --report sample.json")]
    DryRun(DryRun),
}

/// Arguments of `tabir connector check`.
#[derive(clap::Args)]
pub struct Check {
    /// Configuration of the process that runs the forwarder
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// The installation's policy: its categories are checked too
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Send one marked test request per category, and look whether anybody can read it
    #[arg(long)]
    send_tests: bool,
    /// Do not ask before sending
    #[arg(long, requires = "send_tests")]
    yes: bool,
    /// How long a test request is looked for, in seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=3600), requires = "send_tests")]
    wait: u32,
    /// One JSON value instead of lines
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir connector dry-run`.
#[derive(clap::Args)]
pub struct DryRun {
    /// Configuration of the process that runs the forwarder
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// A sample report of this category
    #[arg(long, value_name = "CODE", required_unless_present = "report")]
    category: Option<String>,
    /// A report as JSON: `{"category":"pothole","text":"…","attributes":{"depth":"30 cm"},"identity":true}`
    #[arg(long, value_name = "FILE", conflicts_with = "category")]
    report: Option<PathBuf>,
    /// One JSON value instead of lines
    #[arg(long)]
    json: bool,
}

/// The hash that stands for an envelope in a sample.
const SAMPLE_HASH: B32 = [0x5a; 32];
/// The reference of a sample.
const SAMPLE_REFERENCE: &str = "SAMP-LE00-0000";

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Check(args) => run_check(&args).await,
        Command::DryRun(args) => dry_run(&args).await,
    }
}

fn server(config: &roles::Forwarder) -> Result<(GeoReport, Clock), CliError> {
    let clock = Clock::system();
    Ok((crate::forwarder::georeport((Client::new(clock.clone()), clock.clone()), config)?, clock))
}

/// Where a category stands in the mapping: its file and line.
fn place(mapping: Option<&Path>, category: &str) -> Option<(String, usize)> {
    let file = mapping.filter(|_| !category.is_empty())?;
    let text = std::fs::read_to_string(file).ok()?;
    let heads = [format!("[categories.{category}]"), format!("[categories.\"{category}\"]")];
    let line = text.lines().position(|line| heads.iter().any(|head| line.trim_start().starts_with(head)))?;
    Some((file.file_name()?.to_string_lossy().into_owned(), line + 1))
}

async fn run_check(args: &Check) -> Result<(), CliError> {
    let config = forwarder(&args.config)?;
    let (server, clock) = server(&config)?;
    let place = |f: &Finding| place(config.mapping.as_deref(), &f.category);
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let codes: Vec<String> = policy.iter().flat_map(|p| &p.categories).map(|c| c.code.as_str().to_owned()).collect();
    let mut findings = Findings::default();
    let checked = check::look(&server, &codes, clock.now(), &mut findings).await;
    if args.send_tests && !checked.is_empty() && (args.yes || asked(&server, &checked)?) {
        let looks = args.wait / 2;
        let seen = trial::send(&server, &checked, (clock.now(), looks), &mut findings).await;
        let store = Store::open(&config.dir).await?;
        for (target, public) in seen {
            store.set_public(target, public, clock.now()).await?;
        }
    }
    if args.json {
        let findings_json: Vec<Value> = findings.list.iter().map(|f| to_json(f, place(f))).collect();
        println!("{}", json!({ "good": findings.is_good(), "findings": findings_json }));
    } else {
        findings.list.iter().for_each(|f| show(f, place(f)));
    }
    if findings.is_good() {
        return Ok(());
    }
    let errors = findings.list.iter().filter(|f| f.level == Level::Error).count();
    Err(CliError::Failed(format!("{errors} of the findings must be mended before reports can go out")))
}

fn read_policy(file: &Path) -> Result<PolicySet, CliError> {
    strict::from_slice(&super::read(file)?)
        .map_err(|e| CliError::Usage(format!("{}: not a policy ({e})", file.display())))
}

fn asked(server: &GeoReport, checked: &[Checked]) -> Result<bool, CliError> {
    let names: Vec<String> = checked.iter().map(|c| format!("{} -> {}", c.code, c.category.service)).collect();
    eprintln!(
        "This sends {} test requests to {}:\n  {}\nEach says that it is a test and names nobody. They stay there: whoever runs \
         the server sees them, and so does the public if the server publishes requests.",
        names.len(),
        server.target("").server,
        names.join("\n  ")
    );
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage("without a terminal, --send-tests needs --yes".into()));
    }
    let failed = |e: std::io::Error| CliError::Failed(e.to_string());
    eprint!("Send them? Type yes: ");
    std::io::stderr().flush().map_err(failed)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}

fn to_json(finding: &Finding, place: Option<(String, usize)>) -> Value {
    let mut value = json!(finding);
    if let (Some(fields), Some((_, line))) = (value.as_object_mut(), place) {
        fields.insert("line".into(), line.into());
    }
    value
}

fn show(finding: &Finding, place: Option<(String, usize)>) {
    let level = match finding.level {
        Level::Ok => "ok     ",
        Level::Warning => "warning",
        Level::Error => "ERROR  ",
    };
    let about = if finding.category.is_empty() { String::new() } else { format!("{}: ", finding.category) };
    let about = place.map_or_else(String::new, |(file, line)| format!("{file}:{line} ")) + &about;
    println!("{level} {:<20} {about}{}", finding.code, finding.found);
    if !finding.todo.is_empty() {
        println!("        {:<20} -> {}", "", finding.todo);
    }
}

async fn dry_run(args: &DryRun) -> Result<(), CliError> {
    let (server, clock) = server(&forwarder(&args.config)?)?;
    let failed = |e: tabir_crypto::Error| CliError::Usage(format!("the report has a wrong field ({e})"));
    let sample = match (&args.report, &args.category) {
        (Some(file), _) => serde_json::from_slice::<Sample>(&super::read(file)?)
            .map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?,
        (None, Some(code)) => sample(&server, code, clock.now()).await?,
        (None, None) => return Err(CliError::Usage("give --category or --report".into())),
    };
    let content = sample.content().map_err(failed)?;
    let envelope = EnvelopeReference { hash: &SAMPLE_HASH, gateway: "https://gateway.example" };
    let day = clock.now() - clock.now() % 86_400;
    let report = Outgoing { content: &content, reference: SAMPLE_REFERENCE, envelope, day, repeated: false };
    let call = server.prepare_report(&report).await.map_err(unready)?;
    print(&server, &call, args.json);
    Ok(())
}

/// A sample that has what the category's service wants.
async fn sample(server: &GeoReport, code: &str, now: u64) -> Result<Sample, CliError> {
    let mut findings = Findings::default();
    let checked = check::look(server, &[code.to_owned()], now, &mut findings).await;
    let Some(one) = checked.iter().find(|c| c.code == code) else {
        findings.list.iter().filter(|f| f.level == Level::Error).for_each(|f| eprintln!("{}: {}", f.code, f.found));
        return Err(CliError::Failed(format!("no request can be made for {code}: run `tabir connector check`")));
    };
    Sample::of(code, &one.category, &one.attributes)
        .map_err(|_| CliError::Usage(format!("{code} is not a category's code")))
}

fn unready(unready: Unready) -> CliError {
    match unready {
        Unready::Held(held) => CliError::Failed(format!(
            "such a report would be held ({}: {}): correct the mapping, `tabir connector check` says where",
            held.kind, held.detail
        )),
        Unready::Down(DownError::Unknown) => CliError::Failed("the server can't be reached, or failed".into()),
        Unready::Down(error) => CliError::Failed(error.to_string()),
    }
}

/// The key as it is shown.
const REDACTED: &str = "api_key=<redacted>";

fn print(server: &GeoReport, call: &Call, json: bool) {
    let body = if server.wire().has_key() { format!("{REDACTED}&{}", call.body) } else { call.body.clone() };
    if json {
        println!("{}", json!({ "method": "POST", "url": call.url, "content_type": call.media_type, "body": body }));
        return;
    }
    println!("POST {}\ncontent-type: {}\n\n{body}\n\nThe same, one parameter a line:", call.url, call.media_type);
    for (name, value) in pairs(&call.body) {
        println!("  {name} = {}", value.replace('\n', "\n      "));
    }
    println!("Nothing was sent.");
}

/// The parameters of a form.
fn pairs(body: &str) -> Vec<(String, String)> {
    let mut url = reqwest::Url::parse("http://form.invalid/").expect("a constant");
    url.set_query(Some(body));
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
