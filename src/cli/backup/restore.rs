//! `tabir backup restore`.

use std::path::PathBuf;

use super::{bar, hex32, is_json, signer_of};
use crate::backup::{Backup, BackupError, read_secret_key};
use crate::cli::connect::load_trust;
use crate::cli::{CliError, stores, warden_backup};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::keys::create_private_folder;
use crate::db::copy::{examine, revive};
use crate::db::part_file::PartFile;

/// Arguments of `tabir backup restore`.
#[derive(clap::Args)]
pub struct Args {
    /// The backup
    file: PathBuf,
    /// Configuration of the process that runs the role
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// The key that opens it; take it away from this machine afterwards
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Of a desk's backup, or one made before the role's identity was replaced: who must have signed it, as `tabir backup create`
    /// showed it
    #[arg(long, value_name = "HEX", value_parser = hex32)]
    signer: Option<[u8; 32]>,
    /// Open and check it, and put nothing in place
    #[arg(long)]
    dry_run: bool,
    /// Now `tabir warden backup restore`
    #[arg(long = "part", value_name = "FILE", hide = true)]
    parts: Vec<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> Result<(), CliError> {
    if is_json(&args.file) {
        let Args { config, file, parts, .. } = args;
        let restore = warden_backup::Restore { config, file, parts };
        return warden_backup::run(warden_backup::Command::Restore(restore)).await;
    }
    let key = args.key.as_ref().ok_or_else(|| CliError::Usage("give --key with the key that opens it".into()))?;
    let config = Config::load(&args.config)?;
    let trust = load_trust(&config.trust)?;
    let mut backup = Backup::open(&args.file)?;
    let manifest = backup.manifest().clone();
    let signer = signer_of(&args.file, &manifest, &trust, args.signer.as_ref())?;
    let role = manifest.role.as_str();
    let store = stores::of(&config.roles).into_iter().find(|store| store.name == role);
    let store = store.ok_or_else(|| {
        CliError::Usage(format!("this is a backup of the {role} (role), which this configuration does not run"))
    })?;
    let plan = stores::plan_of(role)?;
    if !store.dir.exists() {
        create_private_folder(&store.dir)?;
    }
    let part = PartFile::new(&store.dir).map_err(BackupError::from)?;
    // A clock that is behind must not make the restore older than what is restored.
    let now = Clock::system().now().max(manifest.at.unix());
    let done = async {
        backup.extract(&read_secret_key(key)?, &signer, &part.file, &mut bar("restoring"))?;
        let checked =
            if args.dry_run { examine(&part.file, plan).await.map(drop) } else { revive(&part.file, plan, now).await };
        checked.map_err(|e| BackupError::Store(args.file.clone(), e))
    };
    let done = done.await;
    if done.is_err() || args.dry_run {
        part.clear().map_err(BackupError::from)?;
        done?;
        println!("It opens and would become the {role}'s store. Nothing was put in place.");
        return Ok(());
    }
    part.publish().map_err(BackupError::from)?;
    println!("{}: the {role}'s store of {}.", store.file().display(), manifest.at);
    println!("{}", next(role));
    Ok(())
}

/// What the operator does then; `docs/operating.md` has it at length.
fn next(role: &str) -> &'static str {
    match role {
        "gateway" => {
            "Start it. It serves nothing until it has read both logs, takes no token of before, and erases again what was erased.\n\
             Then: tabir keys renew --reason gateway_restored, with the issuer's configuration, and an auditor's signature."
        }
        "issuer" => {
            "Start it. It signs nothing: the token keys are in no backup.\n\
             Then: tabir keys renew --reason issuer_restored, and an auditor's signature."
        }
        "forwarder" => {
            "Start it. It does nothing until it has read both logs, and looks up at the downstream what it might have sent."
        }
        "desk" => "Start it. Numbers that it gave after the backup are not given again.",
        _ => "Start it. What happened since stands in the log.",
    }
}
