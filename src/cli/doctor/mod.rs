//! `tabir doctor`: looks a process over by its configuration, and says what to do about what it finds.
//!
//! It changes nothing and prints nothing secret: names of files and keys, addresses of roles, dates. Each check is a file
//! here; the configuration itself is looked at by `config::check`, as `tabir serve` does.

mod host;
mod keys;
mod log;
mod queue;
mod reach;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::CliError;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::check::{self, Checked, Finding, Level};

/// Arguments of `tabir doctor`.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 all is well; 1 something wants a look; 2 something does not work.\n\n\
                        Examples:\n  tabir doctor --config /etc/tabir/outer/tabir.toml\n  \
                        tabir doctor --config-only --config outer/tabir.toml --config desk/tabir.toml")]
pub struct Args {
    /// The configuration of a process of this host; several times for several processes
    #[arg(long, default_value = "tabir.toml", value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Look at the files only: as `tabir serve` does before it starts, without calling anybody
    #[arg(long)]
    config_only: bool,
    /// Say what is well, too
    #[arg(long)]
    all: bool,
    /// One JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args) -> Result<ExitCode, CliError> {
    let (mut checked, mut found) = (Vec::new(), Vec::new());
    for file in &args.config {
        match check::check(file, |roles| roles) {
            Ok(one) => checked.push(one),
            Err(error) => {
                let todo = "Name the process' file with --config.";
                found.push(Finding::new(
                    Level::Error,
                    "configuration",
                    file.display().to_string(),
                    error.to_string(),
                    todo,
                ));
            }
        }
    }
    found.extend(checked.iter().flat_map(|c| c.findings.iter().cloned()));
    found.extend(check::together(&checked));
    let clock = Clock::system();
    for one in checked.iter().filter(|_| !args.config_only) {
        found.extend(process(one, &clock).await);
    }
    if found.is_empty() {
        found.push(Finding::ok("configuration", names(&checked), "nothing is wrong with it"));
    }
    let worst = found.iter().map(|f| f.level).max().unwrap_or(Level::Ok);
    if args.json {
        println!("{}", json!({ "v": 1, "worst": worst, "findings": found }));
    } else {
        print(&found, args.all);
    }
    Ok(match worst {
        Level::Ok => ExitCode::SUCCESS,
        Level::Warning => ExitCode::from(1),
        Level::Error => ExitCode::from(2),
    })
}

fn names(checked: &[Checked]) -> String {
    checked.iter().map(|c| c.file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Everything but the file itself.
async fn process(checked: &Checked, clock: &Clock) -> Vec<Finding> {
    let Some(config) = &checked.config else { return Vec::new() };
    let mut found = host::look(config);
    found.extend(queue::look(config, clock.now()).await);
    let (links, clocks) = reach::look(config).await;
    found.extend(links);
    let log = log::look(config, clock, &clocks).await;
    if let Some((trust, view)) = &log.read {
        found.extend(keys::look(config, trust, view, clock.now()));
    }
    found.extend(log.findings);
    found
}

/// The roles of a process, for people.
fn roles(config: &Config) -> String {
    config.roles.folders().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

fn print(found: &[Finding], all: bool) {
    for finding in found.iter().filter(|f| all || f.level > Level::Ok) {
        let mark = match finding.level {
            Level::Ok => "ok",
            Level::Warning => "look",
            Level::Error => "WRONG",
        };
        println!("{mark:<7}{:<15}{}: {}", finding.check, finding.place, finding.found);
        if !finding.todo.is_empty() {
            println!("{:<22}{}", "", finding.todo);
        }
    }
    let count = |level| found.iter().filter(|f| f.level == level).count();
    let (wrong, look, ok) = (count(Level::Error), count(Level::Warning), count(Level::Ok));
    println!("{wrong} wrong, {look} to look at, {ok} well{}", if all || ok == 0 { "" } else { " (--all shows them)" });
}

/// A time span as people say it.
fn span(seconds: u64) -> String {
    match seconds {
        s if s >= 2 * 86_400 => format!("{} days", s / 86_400),
        s if s >= 2 * 3_600 => format!("{} hours", s / 3_600),
        s if s >= 120 => format!("{} minutes", s / 60),
        s => format!("{s} seconds"),
    }
}
