//! `tabir witness`: a C2SP witness of its own, for any log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;
use tabir_crypto::SecretBytes;
use tabir_crypto::codec::b64;
use tabir_crypto::log::Cosigner;
use tabir_crypto::statement::value::Second;
use tokio::sync::watch;

use super::init::files::{fresh_folder, write_toml};
use super::serve::run_all;
use super::{CliError, make_dir};
use crate::clock::Clock;
use crate::config::keys::{create_private_folder, create_seed};
use crate::config::witness::{KEY, Witness as Config};
use crate::http::{Client, server};
use crate::witness::{self, STORE, Store};

/// Subcommands of `tabir witness`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a witness's key and its file; prints the public key
    #[command(after_help = "Example: tabir witness init --name w1.example --listen 127.0.0.1:8090 ./witness")]
    Init(Init),
    /// Cosign what the logs of the file send, and what is polled, until Ctrl-C or a termination signal
    #[command(after_help = "Example: tabir witness serve --config ./witness/witness.toml")]
    Serve(Serve),
    /// Show the last checkpoint that was cosigned of each log, and what a log signed beside it
    #[command(
        after_help = "Example: tabir witness status --config ./witness/witness.toml\nExit code 3: a log signed two histories."
    )]
    Status(Status),
}

/// Arguments of `tabir witness init`.
#[derive(clap::Args)]
pub struct Init {
    /// Folder to make; it must not exist or be empty
    dir: PathBuf,
    /// The key's name, for ever: a host name of yours, and a path if it has several
    #[arg(long)]
    name: String,
    /// Where logs reach it; without it the witness only polls
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Arguments of `tabir witness serve`.
#[derive(clap::Args)]
pub struct Serve {
    /// The witness's file
    #[arg(long, value_name = "FILE", default_value = "witness.toml")]
    config: PathBuf,
}

/// Arguments of `tabir witness status`.
#[derive(clap::Args)]
pub struct Status {
    /// The witness's file
    #[arg(long, value_name = "FILE", default_value = "witness.toml")]
    config: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Init(args) => init(&args),
        Command::Serve(args) => serve(&args.config).await,
        Command::Status(args) => status(&args).await,
    }
}

fn failed(error: impl ToString) -> CliError {
    CliError::Failed(error.to_string())
}

fn init(args: &Init) -> Result<(), CliError> {
    if let Some(above) = args.dir.parent() {
        make_dir(above)?;
    }
    // Before anything is made: what a name may hold, the key itself does not change.
    Cosigner::from_seed(&args.name, &SecretBytes::new([0; 32]))
        .map_err(|e| CliError::Usage(format!("--name: no spaces, no plus, at most 255 bytes ({e})")))?;
    create_private_folder(&args.dir)?;
    fresh_folder(&args.dir)?;
    let key = Cosigner::from_seed(&args.name, &create_seed(&args.dir.join(KEY))?)?;
    let config =
        Config { name: args.name.clone(), dir: ".".into(), listen: args.listen, poll_ms: 10_000, logs: Vec::new() };
    let file = args.dir.join("witness.toml");
    write_toml(&file, &config)?;
    println!("Made {}. The public key, for the logs that you will cosign and for their readers:", args.dir.display());
    println!("{}", key.verifier_key());
    println!("Next: write each log into {} under [[logs]], then tabir witness serve.", file.display());
    Ok(())
}

async fn serve(file: &Path) -> Result<(), CliError> {
    let config = Config::load(file)?;
    if config.logs.is_empty() {
        return Err(CliError::Usage(format!("{}: there is no log under [[logs]]", file.display())));
    }
    if config.listen.is_none() && config.logs.iter().all(|log| log.post.is_none()) {
        return Err(CliError::Usage(format!("{}: neither listen nor a log with post", file.display())));
    }
    let clock = Clock::system();
    let (stop, stopped) = watch::channel(false);
    let parts = witness::start(&config, clock.clone(), Client::new(clock), stopped.clone()).await.map_err(failed)?;
    // There are no internal routes, and without `listen` no public ones: then no port is opened.
    let none = SocketAddr::from(([127, 0, 0, 1], 0));
    let refused = |(address, e)| CliError::Failed(format!("{address}: {e}; choose another port in listen"));
    let tasks = server::run(vec![parts], config.listen.unwrap_or(none), none, &stopped).await.map_err(refused)?;
    run_all(tasks, &stop).await
}

async fn status(args: &Status) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    let file = config.dir.join(STORE);
    if !file.exists() {
        return Err(CliError::Failed(format!("{}: no store yet; start it once: tabir witness serve", file.display())));
    }
    let store = Store::open(&file).await?;
    let (mut logs, mut forks) = (Vec::new(), 0);
    for log in &config.logs {
        let (head, evidence) = (store.head(&log.origin).await?, store.evidence(&log.origin).await?);
        forks += evidence.len();
        logs.push((&log.origin, head, evidence));
    }
    if args.json {
        let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
        let logs: Vec<_> = logs
            .iter()
            .map(|(origin, head, evidence)| {
                let forks: Vec<_> = evidence
                    .iter()
                    .map(|(refused, known)| json!({"refused": text(refused), "known": text(known)}))
                    .collect();
                json!({"origin": origin, "size": head.tree.size, "root": b64(&head.tree.root), "at": head.at, "forks": forks})
            })
            .collect();
        println!("{}", json!({"v": 1, "logs": logs}));
    } else {
        for (origin, head, evidence) in &logs {
            println!("{origin}");
            match head.at {
                0 => println!("  nothing cosigned yet"),
                at => println!("  size {}, root {}, cosigned {}", head.tree.size, b64(&head.tree.root), Second(at)),
            }
            for (refused, known) in evidence {
                println!("  FORK: the log signed this as well:\n{}", String::from_utf8_lossy(refused));
                println!("  beside this:\n{}", String::from_utf8_lossy(known));
            }
        }
    }
    if forks == 0 { Ok(()) } else { Err(CliError::Audit(format!("{forks} checkpoint(s) of another history"))) }
}
