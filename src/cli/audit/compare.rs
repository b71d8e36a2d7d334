//! `tabir audit compare`: a copy beside what somebody else was shown.

use std::path::{Path, PathBuf};

use serde_json::json;
use tabir_crypto::log::UnverifiedCheckpoint;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use crate::cli::connect::load_trust;
use crate::cli::{CliError, read};
use crate::client::ClientError;
use crate::client::compare::{Compared, compare};
use crate::client::log_source::{HttpLog, LogFolder, LogSource, OneCheckpoint, ReadError};
use crate::clock::Clock;
use crate::http::Client;
use crate::ledger;

/// Arguments of `tabir audit compare`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of your copy, as `tabir audit fetch` made it
    dir: PathBuf,
    /// The other view: a folder of a copy, a file with one checkpoint, or the address of a log's server
    #[arg(long = "with", value_name = "FOLDER|FILE|URL")]
    other: String,
    /// The trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let trust = load_trust(&args.trust)?;
    let mut found = Vec::new();
    for name in LogName::ALL {
        if let Some(compared) = one(args, &trust, name).await? {
            found.push((name, compared));
        }
    }
    if found.is_empty() {
        return Err(CliError::Usage(format!("{}: a checkpoint of neither log", args.other)));
    }
    let forks = found.iter().filter(|(_, compared)| matches!(compared, Compared::Fork(_))).count();
    if args.json {
        let logs: Vec<_> = found.iter().map(|(name, compared)| to_json(*name, compared)).collect();
        println!("{}", json!({"v": 1, "ok": forks == 0, "logs": logs}));
    } else {
        found.iter().for_each(|(name, compared)| show(*name, compared));
    }
    match forks {
        0 => Ok(()),
        n => {
            Err(CliError::Audit(format!("{n} log(s) with two histories: keep what is printed, and show it to others")))
        }
    }
}

/// One log. None if the other view is a single checkpoint of the other log.
async fn one(args: &Args, trust: &Trust, name: LogName) -> Result<Option<Compared>, CliError> {
    let other = Path::new(&args.other);
    let compared = if args.other.starts_with("http://") || args.other.starts_with("https://") {
        with(args, trust, name, HttpLog::new(Client::new(Clock::system()), &args.other, name.as_str())).await
    } else if other.is_dir() {
        with(args, trust, name, LogFolder(other.join(name.as_str()))).await
    } else {
        let bytes = read(other)?;
        if UnverifiedCheckpoint::parse(&bytes)?.origin() != trust.log(name).origin.as_str() {
            return Ok(None);
        }
        with(args, trust, name, OneCheckpoint(bytes)).await
    };
    match compared {
        Ok(compared) => Ok(Some(compared)),
        Err(ClientError::Log(ReadError::Http(error))) => Err(error.into()),
        Err(ClientError::Log(ReadError::Missing(file))) => Err(CliError::Failed(format!(
            "{}: the larger view lacks {file}: bring your copy up to date first (tabir audit fetch)",
            name.as_str()
        ))),
        Err(error) => Err(CliError::Failed(format!("{}: {error}", name.as_str()))),
    }
}

async fn with<S: LogSource>(args: &Args, trust: &Trust, name: LogName, other: S) -> Result<Compared, ClientError> {
    let mine = ledger::reader_of(trust, name, LogFolder(args.dir.join(name.as_str())))?;
    Ok(compare(&mine, &mine.with_source(other)).await?)
}

fn text(note: &[u8]) -> String {
    String::from_utf8_lossy(note).into_owned()
}

fn show(name: LogName, compared: &Compared) {
    let name = name.as_str();
    match compared {
        Compared::One { smaller, larger } if smaller == larger => println!("{name}: the same, {larger} entries"),
        Compared::One { smaller, larger } => println!("{name}: one history, of {smaller} and of {larger} entries"),
        Compared::Fork(fork) => {
            println!("{name}: TWO HISTORIES. The log signed, and witnesses cosigned, this:\n");
            println!("{}\nand this:\n", text(&fork.smaller.to_bytes()));
            println!("{}", text(&fork.larger.to_bytes()));
        }
    }
}

fn to_json(name: LogName, compared: &Compared) -> serde_json::Value {
    match compared {
        Compared::One { smaller, larger } => {
            json!({"log": name.as_str(), "fork": false, "sizes": [smaller, larger]})
        }
        Compared::Fork(fork) => {
            let checkpoints = [&fork.smaller, &fork.larger].map(|c| text(&c.to_bytes()));
            let sizes = [&fork.smaller, &fork.larger].map(|c| c.head().size);
            json!({"log": name.as_str(), "fork": true, "sizes": sizes, "checkpoints": checkpoints})
        }
    }
}
