//! `tabir backup verify`.

use std::path::PathBuf;

use super::{bar, described, hex32, signer_of};
use crate::backup::{Backup, BackupError, read_secret_key};
use crate::cli::CliError;
use crate::cli::connect::load_trust;
use crate::cli::stores::plan_of;
use crate::db::copy::examine;

/// Arguments of `tabir backup verify`.
#[derive(clap::Args)]
pub struct Args {
    /// The backup
    file: PathBuf,
    /// The installation's trust root
    #[arg(long, env = "TABIR_TRUST", value_name = "FILE")]
    trust: PathBuf,
    /// The key that opens it: what is in it is then checked too, in a temporary folder of this machine
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Of a desk's backup, or one made before the role's identity was replaced: who must have signed it, as `tabir backup create`
    /// showed it
    #[arg(long, value_name = "HEX", value_parser = hex32)]
    signer: Option<[u8; 32]>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    verify(args).await.map_err(|error| match error {
        // An audit of a file, for who acts by the exit code.
        CliError::Failed(words) => CliError::Audit(words),
        other => other,
    })
}

async fn verify(args: &Args) -> Result<(), CliError> {
    let trust = load_trust(&args.trust)?;
    let mut backup = Backup::open(&args.file)?;
    let manifest = backup.manifest().clone();
    let signer = signer_of(&args.file, &manifest, &trust, args.signer.as_ref())?;
    let mut opened = None;
    match &args.key {
        None => backup.check(&signer, &mut bar("checking"))?,
        Some(key) => {
            let plan = plan_of(manifest.role.as_str())?;
            let dir = tempfile::tempdir().map_err(|e| CliError::Failed(e.to_string()))?;
            let file = dir.path().join("store.sqlite");
            backup.extract(&read_secret_key(key)?, &signer, &file, &mut bar("opening"))?;
            let examined = examine(&file, plan).await;
            opened = Some(examined.map_err(|e| BackupError::Store(args.file.clone(), e))?);
        }
    }
    if args.json {
        let mut told = described(&manifest);
        told["opened"] = opened.is_some().into();
        println!("{told}");
        return Ok(());
    }
    println!("{}: whole, and made by the {} at {}.", args.file.display(), manifest.role, manifest.at);
    match opened {
        None => println!("What is in it only its key shows: --key."),
        Some(standing) if standing.pending.is_empty() => println!("It opens and would become a store of this schema."),
        Some(standing) => println!("It opens and would be upgraded by {} step(s).", standing.pending.len()),
    }
    Ok(())
}
