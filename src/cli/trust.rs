//! `tabir trust init|sign|show|update`: what everything else is believed by, and how it changes.

use std::path::{Path, PathBuf};

use serde_json::json;
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::TrustRoot;

use super::connect::load_trust;
use super::trust_change::{Change, differences, key};
use super::{CliError, read, sign, write};
use crate::client::trust_chain::catch_up;
use crate::clock::Clock;
use crate::config::keys::read_signing_key;
use crate::config::trust_file;
use crate::http::Client;

/// `tabir trust`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make the next version, unsigned; the first one is made by `tabir init`
    #[command(after_help = "Example: tabir trust init --trust trust.json --add-auditor 4f1c… --remove-auditor 90ab… \
                            next.json\nThen each auditor, of the old and the new version: tabir trust sign next.json")]
    Init(Init),
    /// Show what a next version changes, and add a signature
    #[command(after_help = "Example: tabir trust sign next.json --trust trust.json --key auditor.key")]
    Sign(Sign),
    /// Show a trust root in words, after its signatures were checked
    #[command(after_help = "Example: tabir trust show trust.json")]
    Show(Show),
    /// Take every later version, from a server or a file; each must be allowed by the one before
    #[command(
        after_help = "Example: tabir trust update --trust trust.json --server https://lapor.kota.example\n         \
                            tabir trust update --trust trust.json --from next.json"
    )]
    Update(Update),
}

/// Arguments of `tabir trust init`.
#[derive(clap::Args)]
pub struct Init {
    /// The present version
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    #[command(flatten)]
    change: Box<Change>,
    /// File of the next version; it must not exist
    out: PathBuf,
}

/// Arguments of `tabir trust sign`.
#[derive(clap::Args)]
pub struct Sign {
    /// The next version; the signature is added to this file
    file: PathBuf,
    /// The present version
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// Key file: a 32-byte seed in hex, mode 0600
    #[arg(long)]
    key: PathBuf,
    /// First eight digits of the statement's hash as you were told them by another way; without it they are asked for
    #[arg(long, value_name = "DIGITS")]
    expect: Option<String>,
}

/// Arguments of `tabir trust show`.
#[derive(clap::Args)]
pub struct Show {
    /// The trust root
    #[arg(env = "TABIR_TRUST")]
    file: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `tabir trust update`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub struct Update {
    /// The version that you have; earlier ones stay beside it as trust.1.json, trust.2.json …
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// The gateway's address
    #[arg(long, value_name = "URL", group = "source")]
    server: Option<String>,
    /// The next version as a file, signed by all who must
    #[arg(long, value_name = "FILE", group = "source")]
    from: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Init(args) => init(&args).await,
        Command::Sign(args) => add_signature(&args),
        Command::Show(args) => show(&args),
        Command::Update(args) => update(&args).await,
    }
}

async fn init(args: &Init) -> Result<(), CliError> {
    if args.out.exists() {
        return Err(CliError::Usage(format!("{} exists; name another file", args.out.display())));
    }
    let trust = load_trust(&args.trust)?;
    let (mut made, ended) = (Ok(()), args.change.ended(&trust).await?);
    let next = trust.next(|root| made = args.change.make(root, Clock::system().now(), &ended));
    made?;
    let next = next?;
    let lines = differences(trust.root(), &root_of(&next)?);
    if lines.is_empty() {
        return Err(CliError::Usage("nothing changes: see tabir trust init --help for what can".into()));
    }
    write(&args.out, &next.to_bytes())?;
    print_differences(&trust, &next, &lines);
    println!("Written: {}. Next, each auditor of both versions: tabir trust sign {0}", args.out.display());
    Ok(())
}

fn root_of(statement: &Statement) -> Result<TrustRoot, CliError> {
    match statement.body()? {
        Body::TrustRoot(root) => Ok(*root),
        _ => Err(tabir_crypto::Error::from(tabir_crypto::Code::Verb).into()),
    }
}

fn print_differences(trust: &Trust, next: &Statement, lines: &[String]) {
    println!(
        "Version {} of {} becomes {}:",
        trust.root().version,
        trust.root().name.as_str(),
        trust.root().version + 1
    );
    for line in lines {
        println!("  {line}");
    }
    println!("hash: {}", hex::encode(next.pae_hash()));
}

fn add_signature(args: &Sign) -> Result<(), CliError> {
    let signing = read_signing_key(&args.key)?;
    let trust = load_trust(&args.trust)?;
    let next = Statement::parse_proposal(&read(&args.file)?)?;
    let root = root_of(&next)?;
    let follows = root.version == trust.root().version + 1 && root.previous.is_some_and(|p| p.0 == *trust.hash());
    if !follows {
        return Err(CliError::Failed(
            "this does not follow the trust root that you have (trust): nothing was signed".into(),
        ));
    }
    let own = signing.verifying_key();
    if !trust.auditors().contains(&own) && !root.auditors.iter().any(|a| a.0 == *own.as_bytes()) {
        return Err(CliError::Failed(
            "your key is no auditor's, in neither version (unknown-key): nothing was signed".into(),
        ));
    }
    print_differences(&trust, &next, &differences(trust.root(), &root));
    sign::sign_file(&args.file, &signing, args.expect.as_deref())?;
    let signed = Statement::parse(&read(&args.file)?)?;
    match trust.update(&signed) {
        Ok(_) => println!("It is complete. Next, everybody: tabir trust update --from {}", args.file.display()),
        Err(e) if e.code() == tabir_crypto::Code::Insufficient => println!("More signatures are needed."),
        Err(e) => return Err(e.into()),
    }
    Ok(())
}

fn show(args: &Show) -> Result<(), CliError> {
    let trust = load_trust(&args.file)?;
    let (root, hash) = (trust.root(), hex::encode(trust.hash()));
    if args.json {
        let known: Vec<u64> = trust.versions().map(|t| t.root().version).collect();
        println!("{}", json!({"hash": hash, "root": root, "versions": known}));
        return Ok(());
    }
    println!(
        "{}{}, version {} of {}",
        root.name.as_str(),
        if root.demo { " (a demo)" } else { "" },
        root.version,
        root.at
    );
    println!("hash: {hash}");
    println!("names: issuer {}, origin {}", root.issuer_name.as_str(), root.origin.as_str());
    for (role, identity) in &root.identities {
        println!("identity of {}: {}", role.as_str(), key(identity));
    }
    for auditor in &root.auditors {
        println!("auditor: {}", key(auditor));
    }
    println!("auditors who must sign: {} of {}", root.auditor_quorum, root.auditors.len());
    for log in &root.logs {
        println!("log {}: {}", log.name.as_str(), log.vkey.as_str());
    }
    for witness in &root.witnesses {
        println!("witness: {}", witness.as_str());
    }
    println!("witnesses that a checkpoint needs: {} of {}", root.witness_quorum, root.witnesses.len());
    let a = &root.activation_s;
    println!("delays: token {} s, intake {} s, warden {} s, council {} s", a.token, a.intake, a.warden, a.council);
    println!(
        "oldest head for sealing {} s, cooling-off {} s, releases a day {}, longest deferral {} s",
        root.freshness_s, root.cooling_off_s, root.release_cap_per_day, root.deferral_max_s
    );
    for (newer, older) in trust.versions().zip(trust.versions().skip(1)) {
        println!("Since version {}:", older.root().version);
        for line in differences(older.root(), newer.root()) {
            println!("  {line}");
        }
    }
    Ok(())
}

async fn update(args: &Update) -> Result<(), CliError> {
    let pinned = load_trust(&args.trust)?;
    let newest = match (&args.server, &args.from) {
        (Some(server), _) => {
            let caught = catch_up(&Client::new(Clock::system()), server, &pinned).await?;
            if caught.server_behind {
                eprintln!(
                    "The server still shows an older version than yours. Its operator should run this command too."
                );
            }
            caught.trust
        }
        (None, Some(file)) => pinned.update(&Statement::parse(&read(file)?)?)?,
        (None, None) => return Err(CliError::Usage("give --server or --from".into())),
    };
    store(&args.trust, &pinned, &newest)
}

fn store(path: &Path, pinned: &Trust, newest: &Trust) -> Result<(), CliError> {
    if newest == pinned {
        println!("{}: version {} is the newest.", path.display(), pinned.root().version);
        return Ok(());
    }
    trust_file::store(path, newest)?;
    let lines = newest.versions().take_while(|t| t.root().version > pinned.root().version).collect::<Vec<_>>();
    for version in lines.into_iter().rev() {
        let before = newest.version(version.root().version - 1).unwrap_or(pinned);
        println!("Version {}:", version.root().version);
        for line in differences(before.root(), version.root()) {
            println!("  {line}");
        }
    }
    println!("{}: version {}. Restart what runs on it.", path.display(), newest.root().version);
    Ok(())
}
