//! `tabir backup`: a role's store as a sealed, signed file, and back. The warden's keys among auditors are
//! `tabir warden backup`, whose words are still answered here.
//!
//! ```text
//! key       a key that opens backups; its secret half never comes to a machine that makes them
//! create    store --> what its role's plan takes of it --> sealed, signed file
//! verify    with the trust root: whole, and made by this installation; with the key: that it would become a store
//! restore   into a folder without a store: checked, upgraded, its role's rule applied, and only then given its name
//! ```

mod create;
mod restore;
mod verify;

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tabir_crypto::archive::Manifest;
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::Trust;

use super::stores::RoleStore;
use super::{CliError, official::hex32, warden_backup, write};
use crate::backup::{BackupError, create_key};
use crate::config::ConfigError;
use crate::config::keys::{IDENTITY, create_seed, read_seed, read_signing_key};

/// Signs the backups of a role without an identity in the trust root, the desk: in its folder, made at the first backup.
const OWN_KEY: &str = "backup-sign.key";

/// Subcommands of `tabir backup`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make the key that opens backups: do this on a machine that makes none
    #[command(after_help = "Example: tabir backup key ./november.key\n\
                      november.key opens backups: keep it away from the roles' machines. november.key.pub goes to them.")]
    Key(Key),
    /// Seal a role's store into a new file, also while the role runs
    #[command(
        after_help = "Example: tabir backup create --config /etc/tabir/tabir.toml --role gateway --to november.key.pub gateway-1.backup\n\
                      What is in it, and what never is: docs/operating.md. A facade, a form, a log and a warden have no such backup."
    )]
    Create(create::Args),
    /// Check that a file is whole and made by this installation; with the key also that it would become a store
    #[command(after_help = "Example: tabir backup verify gateway-1.backup --trust trust.json\n         \
                            tabir backup verify gateway-1.backup --trust trust.json --key november.key\n\
                            Exit code 3: it is not what it should be, and why.")]
    Verify(verify::Args),
    /// Bring a store back, into a folder without one; the role is stopped
    #[command(
        after_help = "Example: tabir backup restore gateway-1.backup --config /etc/tabir/tabir.toml --key november.key\n\
                      Each role has its own rule for what comes then: docs/operating.md."
    )]
    Restore(restore::Args),
    /// Now `tabir warden backup holder`
    #[command(hide = true)]
    Holder(warden_backup::Holder),
    /// Now `tabir warden backup split`
    #[command(hide = true)]
    Split(warden_backup::Split),
    /// Now `tabir warden backup part`
    #[command(hide = true)]
    Part(warden_backup::GivePart),
}

/// Arguments of `tabir backup key`.
#[derive(clap::Args)]
pub struct Key {
    /// The file to make; the public half gets the same name with `.pub`
    file: PathBuf,
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Key(args) => make_key(&args.file),
        Command::Create(args) => create::run(&args).await,
        Command::Verify(args) => verify::run(&args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Holder(args) => warden_backup::run(warden_backup::Command::Holder(args)).await,
        Command::Split(args) => warden_backup::run(warden_backup::Command::Split(args)).await,
        Command::Part(args) => warden_backup::run(warden_backup::Command::Part(args)).await,
    }
}

fn make_key(file: &Path) -> Result<(), CliError> {
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    if public.exists() {
        return Err(CliError::Usage(format!("{} is there: give another name", public.display())));
    }
    let (key, text) = create_key(file)?;
    write(&public, &text)?;
    println!("Made {0}, which opens backups, and {1}, which seals them.", file.display(), public.display());
    println!("Keep {} away from the machines that are backed up, and a copy of it in a safe.", file.display());
    println!("id: {}", hex::encode(key.key_id()));
    Ok(())
}

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Config(error) => Self::Config(error),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Who signs for a role, by its name; none for a role that the trust root does not know.
fn role_of(name: &str) -> Option<Role> {
    [Role::Issuer, Role::Gateway, Role::Forwarder, Role::Council].into_iter().find(|role| role.as_str() == name)
}

/// The key that signs a role's backups: the identity that the trust root pins, or the role's own.
fn signing_key(store: &RoleStore, trust: &Trust) -> Result<SigningKey, CliError> {
    let Some(role) = role_of(store.name) else {
        let path = store.dir.join(OWN_KEY);
        let seed = if path.exists() { read_seed(&path)? } else { create_seed(&path)? };
        return Ok(SigningKey::from_seed(&seed));
    };
    let path = store.dir.join(IDENTITY);
    let key = read_signing_key(&path)?;
    if key.verifying_key() == *trust.identity(role) {
        Ok(key)
    } else {
        Err(ConfigError::Key { path, source: tabir_crypto::Code::Trust.into() }.into())
    }
}

/// Whose signature a backup must have: the role's identity of today, or the key that was given. An identity that was replaced
/// may have been because somebody else has it.
/// Errors: `signer`, `trust`.
fn signer_of(
    path: &Path,
    manifest: &Manifest,
    trust: &Trust,
    given: Option<&[u8; 32]>,
) -> Result<VerifyingKey, CliError> {
    if !trust.versions().any(|version| *version.hash() == manifest.trust.0) {
        return Err(BackupError::Foreign(path.into()).into());
    }
    let named = VerifyingKey::from_bytes(&manifest.signer.0)?;
    let known = match (given, role_of(manifest.role.as_str())) {
        (Some(given), _) => *given == manifest.signer.0,
        (None, Some(role)) => *trust.identity(role) == named,
        (None, None) => {
            return Err(CliError::Usage(format!(
                "{} has no identity in the trust root: give --signer with the key that `tabir backup create` showed",
                manifest.role
            )));
        }
    };
    if known { Ok(named) } else { Err(BackupError::Signer(path.into(), manifest.role.to_string()).into()) }
}

/// The manifest as JSON.
fn described(manifest: &Manifest) -> Value {
    json!({
        "role": manifest.role.as_str(), "schema": manifest.schema, "at": manifest.at.to_string(),
        "recipient": hex::encode(manifest.recipient.0), "signer": hex::encode(manifest.signer.0)
    })
}

/// Whether a file begins as JSON does: a split warden key, and no store.
fn is_json(path: &Path) -> bool {
    let mut first = [0];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut first)).is_ok_and(|()| first == *b"{")
}

/// A bar on a terminal, nothing elsewhere.
fn bar(what: &'static str) -> impl FnMut(u64, u64) {
    let bar =
        std::io::stderr().is_terminal().then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
    if let Some(bar) = &bar
        && let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {percent}% {eta}")
    {
        bar.set_style(style);
        bar.set_message(what);
    }
    move |done, all| {
        if let Some(bar) = &bar {
            bar.set_length(all);
            bar.set_position(done);
            if done >= all {
                bar.finish_and_clear();
            }
        }
    }
}
