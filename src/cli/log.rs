//! `tabir log`: both logs as a folder for any web server, and back from a mirror.

use std::io::Write as _;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tabir_crypto::log::NoteSigner;
use tabir_crypto::trust::root::LogName;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::CliError;
use super::audit::lines;
use super::connect::load_trust;
use crate::client::log_source::ReadError;
use crate::clock::Clock;
use crate::config::keys::create_seed;
use crate::config::{Config, roles};
use crate::http::Client;
use crate::log::export::export;
use crate::log::mirror::Mirror;
use crate::log::recover::{Mode, RecoverError, Recovered, recover};

/// `tabir log`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write both logs into a folder that any web server or object store can serve; only what is new, also while the log runs
    #[command(after_help = "Example: tabir log export /srv/www/log --config log/tabir.toml\n\
                            The web server then answers at /log/governance/checkpoint and so on.")]
    Export(Export),
    /// Rebuild a lost log's store from mirrors, up to the last checkpoint that a quorum of witnesses cosigned
    #[command(
        after_help = "Example: tabir log recover --from /srv/audit --from https://mirror.example --config log/tabir.toml\n\
                            A mirror is an auditor's copy, an export, or the address of a server that has one. Name all that\n\
                            there are: the one that has most is taken, and all must show the same history. A log is never\n\
                            restored from a backup: see docs/lost-log.md."
    )]
    Recover(Recover),
    /// Make another key for a log whose key is lost; the log goes on under it once the trust root says so
    #[command(after_help = "Example: tabir log key log/governance.key --origin lapor.kota.example/governance-2\n\
                            Then: tabir trust init --log governance=VKEY --last COPY …; see docs/lost-log.md.")]
    Key(Key),
}

/// Arguments of `tabir log key`.
#[derive(clap::Args)]
pub struct Key {
    /// The key file to make: governance.key or intake.key, in the log's folder
    out: PathBuf,
    /// The log's new origin, which no log had before
    #[arg(long, value_name = "NAME")]
    origin: String,
}

/// Arguments of `tabir log export`.
#[derive(clap::Args)]
pub struct Export {
    /// The folder; made if it is not there
    dir: PathBuf,
    /// Configuration of the process that runs the log
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
}

/// Arguments of `tabir log recover`.
#[derive(clap::Args)]
pub struct Recover {
    /// A folder, or an address that begins with http:// or https://; may stand more than once
    #[arg(long, value_name = "MIRROR", required = true)]
    from: Vec<Mirror>,
    /// Configuration of the process that runs the log
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Check the mirrors and write nothing
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Recover(args) => run_recover(&args).await,
        Command::Key(args) => {
            let key = NoteSigner::from_seed(&args.origin, &create_seed(&args.out)?)?;
            // Whoever reads may have stopped.
            let _ = writeln!(std::io::stdout(), "{}", key.verifier_key());
            Ok(())
        }
        Command::Export(args) => {
            let (config, log) = load(&args.config)?;
            let bar = bar();
            let progress = |name: LogName, done, all| {
                bar.set_message(name.as_str());
                bar.set_length(all);
                bar.set_position(done);
            };
            let done = export(&log, &load_trust(&config.trust)?, &args.dir, &progress).await;
            bar.finish_and_clear();
            let [governance, intake] = done.map_err(|e| CliError::Failed(e.to_string()))?;
            println!(
                "{}: governance {} entries ({} new), intake {} entries ({} new).",
                args.dir.display(),
                governance.size,
                governance.new,
                intake.size,
                intake.new
            );
            Ok(())
        }
    }
}

async fn run_recover(args: &Recover) -> Result<(), CliError> {
    let (config, log) = load(&args.config)?;
    let clock = Clock::system();
    let mode = if args.dry_run { Mode::Check } else { Mode::Write(clock.now()) };
    let (trust, mut told) = (load_trust(&config.trust)?, lines());
    let both = recover(&log, &trust, &args.from, &Client::new(clock), mode, &mut told).await?;
    let mut out = String::new();
    for (name, of) in LogName::ALL.into_iter().zip(&both) {
        out += &if args.json { line(name, of, args.dry_run) } else { words(name, of) };
        out.push('\n');
    }
    if !args.json {
        out += if args.dry_run { "Nothing was written.\n" } else { NEXT };
    }
    // Whoever reads may have stopped.
    let _ = std::io::stdout().write_all(out.as_bytes());
    Ok(())
}

/// What a recovered log does, and what its operator does.
const NEXT: &str = "Start the log. It takes entries, and adds nothing to its trees until a quorum of witnesses has cosigned \
                    these heads again.\nIf a witness saw a larger one it refuses: move this store aside too, and recover from a \
                    newer mirror.\nWhat the mirror does not have the roles send again.\n";

fn words(name: LogName, of: &Recovered) -> String {
    let Recovered { head, witnessed, kept, mirror } = of;
    format!(
        "{}: {} entries and {kept} kept checkpoints from {mirror}, witnessed {}.",
        name.as_str(),
        head.size,
        moment(*witnessed)
    )
}

fn moment(unix: u64) -> String {
    let at = i64::try_from(unix).ok().and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

fn line(name: LogName, of: &Recovered, dry_run: bool) -> String {
    let Recovered { head, witnessed, kept, mirror } = of;
    let root = tabir_crypto::codec::b64(&head.root);
    json!({
        "log": name.as_str(), "size": head.size, "root": root, "witnessed": witnessed, "kept": kept,
        "from": mirror, "written": !dry_run,
    })
    .to_string()
}

impl From<RecoverError> for CliError {
    fn from(error: RecoverError) -> Self {
        match error {
            // With its own exit code.
            RecoverError::Mirror { source: ReadError::Http(e), .. } => Self::Http(e),
            error => Self::Failed(error.to_string()),
        }
    }
}

fn load(file: &std::path::Path) -> Result<(Config, roles::Log), CliError> {
    let config = Config::load(file)?;
    let log = config.roles.log.clone().ok_or_else(|| {
        CliError::Usage("this configuration runs no log: give --config with the file that has [roles.log]".into())
    })?;
    Ok((config, log))
}

/// On a terminal only.
fn bar() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {pos}/{len} {bar:30}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
