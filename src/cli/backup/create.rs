//! `tabir backup create`.

use std::fs::File;
use std::path::{Path, PathBuf};

use tabir_crypto::archive::Manifest;
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};

use super::{bar, described, signing_key};
use crate::backup::{BackupError, read_public_key, write};
use crate::cli::connect::load_trust;
use crate::cli::{CliError, stores};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::copy::copy;
use crate::db::schema;

/// Arguments of `tabir backup create`.
#[derive(clap::Args)]
pub struct Args {
    /// The file to make
    out: PathBuf,
    /// Configuration of the process that runs the role
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Which role's store; needed if the process runs several
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The public half of the key that opens it
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// The copy on its way, in the role's folder and with its mode.
const COPY: &str = "backup.sqlite";
/// Held by who makes one.
const LOCK: &str = "backup.lock";

/// The copy's file, gone with this.
struct Copy {
    file: PathBuf,
    _lock: File,
}

impl Copy {
    fn new(dir: &Path) -> Result<Self, CliError> {
        let lock = dir.join(LOCK);
        let held = File::create(&lock).map_err(|e| CliError::File(lock.clone(), e))?;
        held.try_lock().map_err(|_| CliError::Failed(format!("{}: another backup is on its way", lock.display())))?;
        let copy = Self { file: dir.join(COPY), _lock: held };
        // What a killed one left.
        copy.remove();
        Ok(copy)
    }

    fn remove(&self) {
        for end in ["", "-journal", "-wal", "-shm"] {
            let mut file = self.file.as_os_str().to_owned();
            file.push(end);
            // Mostly there is none.
            let _ = std::fs::remove_file(file);
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Why a role's store is not backed up so.
fn no_plan(name: &str) -> CliError {
    let why = match name {
        "log" => "a log is recovered from a mirror, never restored: tabir log recover, docs/lost-log.md",
        "facade" | "form" => {
            "what it has in flight is minutes old, and its tokens must not be in two places: docs/operating.md"
        }
        _ => {
            "a warden's keys are split among auditors (tabir warden backup), and the rest it reads from the log: docs/warden.md"
        }
    };
    CliError::Usage(format!("{name} has no backup of its store: {why}"))
}

/// Runs the command.
pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    let store = stores::one(&config.roles, args.role.as_deref())?;
    let plan = store.plan.ok_or_else(|| no_plan(store.name))?;
    if args.out.exists() {
        return Err(BackupError::Exists(args.out.clone()).into());
    }
    if !store.file().exists() {
        return Err(CliError::Failed(format!("{} is not there: nothing is to be backed up", store.file().display())));
    }
    let trust = load_trust(&config.trust)?;
    let recipient = read_public_key(&args.to)?;
    let signer = signing_key(&store, &trust)?;
    let made = Copy::new(&store.dir)?;
    copy(&store.file(), &made.file, plan).await?;
    let manifest = Manifest {
        v: V1,
        role: CodeText::new(store.name)?,
        schema: u64::try_from(schema::newest(plan.migrations)).unwrap_or_default(),
        trust: Hex(*trust.hash()),
        at: Hour::of(Clock::system().now()),
        recipient: Hex(recipient.key_id()),
        signer: Hex(*signer.verifying_key().as_bytes()),
    };
    write(&made.file, &args.out, &manifest, &recipient, &signer, &mut bar("sealing"))?;
    if args.json {
        println!("{}", described(&manifest));
    } else {
        println!("{}: the {}'s store, schema {}.", args.out.display(), store.name, manifest.schema);
        println!("signer: {}", hex::encode(manifest.signer.0));
    }
    Ok(())
}
