//! `tabir log export`: both logs as a folder for any web server.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use tabir_crypto::trust::root::LogName;

use super::CliError;
use super::connect::load_trust;
use crate::config::{Config, roles};
use crate::log::export::export;

/// `tabir log`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write both logs into a folder that any web server or object store can serve; only what is new, also while the log runs
    #[command(after_help = "Example: tabir log export /srv/www/log --config log/tabir.toml\n\
                            The web server then answers at /log/governance/checkpoint and so on.")]
    Export(Export),
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

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
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
