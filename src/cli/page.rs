//! `tabir page`: write the reporter's page for one installation, and put its hashes before the auditors.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tabir_crypto::codec::sha256;
use tabir_crypto::statement::body::{PageBuilt, PageFile};
use tabir_crypto::statement::value::{Hex, Hour, Text, V1};
use tabir_crypto::statement::{Statement, Verb};

use super::connect::{Connect, load_trust};
use super::init::files::fresh_folder;
use super::official::progress;
use super::{CliError, sign, write};
use crate::client::Session;
use crate::client::log_reader::Growth;
use crate::client::official::{Board, Patience};
use crate::config::keys::read_signing_key;
use crate::page::Page;
use crate::page::base::Base;

/// How long the board may take to read the log.
const WAIT: Duration = Duration::from_secs(60);

/// Subcommands of `tabir page`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write the page of an installation into a new folder, for the gateway to serve or for another host
    #[command(
        after_help = "Example: tabir page build --trust trust.json --server https://lapor.kota.example --out ./page\n\
                      Whoever has this program and the same trust.json gets the same bytes. With --base URL the page begins \
                      to read the log at its newest kept checkpoint; with --base-size of that one, others get the same bytes."
    )]
    Build(Build),
    /// Sign the page of a folder as an auditor, who built it himself, and post it for the others' signatures
    #[command(
        after_help = "Example: tabir page propose ./page --name 2026-12 --server URL --trust trust.json --key auditor.key"
    )]
    Propose(Propose),
}

/// Arguments of `tabir page build`.
#[derive(clap::Args)]
pub struct Build {
    /// The trust root that the page believes, whatever it fetches later
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// The gateway's address, for a page that another host serves; without it the page calls whoever serves it
    #[arg(long, value_name = "URL", default_value = "")]
    server: String,
    /// The gateway whose governance log is read and checked here from entry 0, so that phones need not: the page begins
    /// where this ends
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// The kept checkpoint at which it ends; without it, the newest
    #[arg(long, value_name = "SIZE", requires = "base")]
    base_size: Option<u64>,
    /// A new folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Arguments of `tabir page propose`.
#[derive(clap::Args)]
pub struct Propose {
    /// The folder that `tabir page build` wrote
    page: PathBuf,
    /// Its name among people
    #[arg(long)]
    name: String,
    #[command(flatten)]
    connect: Connect,
    /// The auditor's key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The first digits of the proposal's id, which somebody who built the page as well read to you
    #[arg(long, value_name = "DIGITS")]
    expect: Option<String>,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Build(args) => build(args).await,
        Command::Propose(args) => propose(args).await,
    }
}

fn read_page(dir: &Path) -> Result<Page, CliError> {
    Page::read(dir).map_err(|e| CliError::Usage(e.to_string()))
}

async fn build(args: Build) -> Result<(), CliError> {
    let trust = load_trust(&args.trust)?;
    let base = match args.base {
        Some(server) => {
            let (session, log) = Connect { server, trust: args.trust, state: None }.session_with_log().await?;
            Some(base_of(&session, &log, args.base_size)?)
        }
        None => None,
    };
    let page = Page::build(&trust, args.server.trim_end_matches('/'), base.as_ref());
    let page = page.map_err(|e| CliError::Failed(e.to_string()))?;
    fresh_folder(&args.out)?;
    for file in page.files() {
        write(&args.out.join(&file.name), &file.bytes)?;
        println!("{}  {}", hex::encode(sha256(&file.bytes)), file.name);
    }
    if let Some(base) = base {
        println!("base: the first {} entries of the governance log (others: --base-size {})", base.size, base.size);
    }
    Ok(())
}

fn base_of(session: &Session, log: &Growth, size: Option<u64>) -> Result<Base, CliError> {
    Base::of(&session.trust, log, size).map_err(|_| {
        CliError::Usage(
            "the log keeps no checkpoint of that size; `/log/governance/checkpoints.json` lists them".into(),
        )
    })
}

/// What the auditors sign of a page. Error: `field` for a name that is too long.
fn files(page: &Page) -> Result<Vec<PageFile>, CliError> {
    let file =
        |file: &crate::page::File| Ok(PageFile { path: Text::new(&file.name)?, sha256: Hex(sha256(&file.bytes)) });
    Ok(page.files().iter().map(file).collect::<tabir_crypto::Result<_>>()?)
}

async fn propose(args: Propose) -> Result<(), CliError> {
    let page = read_page(&args.page)?;
    let key = read_signing_key(&args.key)?;
    let (session, log) = args.connect.session_with_log().await?;
    session.check_fresh()?;
    let base = match page.base_size() {
        Some(size) => {
            let base = base_of(&session, &log, Some(size))?;
            if !page.has(&base) {
                return Err(CliError::Failed(format!(
                    "the page's base is not what the log's first {size} entries say"
                )));
            }
            base
        }
        None => base_of(&session, &log, None)?,
    };
    let body = PageBuilt {
        v: V1,
        at: Hour::of(session.clock.now()),
        version: Text::new(&args.name)?,
        files: files(&page)?,
        base_size: base.size,
        base_checkpoint: Hex(base.checkpoint),
    };
    let mut statement = Statement::new(Verb::PageBuilt, &body)?;
    sign::confirm(&statement, args.expect.as_deref())?;
    statement.sign(&key);
    let board = Board::new(session.http.clone(), &session.services.council, key);
    board.propose(&statement, &mut Patience::new(WAIT, &progress)).await?;
    let id = hex::encode(statement.pae_hash());
    println!(
        "proposal: {id}\nNext, another auditor who built the page too: tabir sign --proposal {id} --board URL --key FILE"
    );
    Ok(())
}
