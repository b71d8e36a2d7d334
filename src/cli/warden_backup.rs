//! `tabir warden backup`: the warden's keys, split among auditors, and how one comes back.
//!
//! ```text
//! auditor   holder     a key for parts, and the card that the warden gets
//! warden    split      one file a key; each holder's part is sealed to him. It waits on the board for the holders' signatures
//! holder    part       does my part open? (before he signs);  --to: seal it to the machine that brings the key back
//! warden    restore    without parts: a key for this once, and its card;  with them: the key is back, and the log says so
//! ```

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tabir_crypto::codec::sha256;
use tabir_crypto::custody::{Backup, HolderCard, Part};
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::json;
use tabir_crypto::statement::value::{Bytes, Hex32, V1};

use super::init::files::write_json;
use super::warden::open;
use super::{CliError, read};
use crate::clock::Random;
use crate::config::keys::{create_private_folder, create_seed, read_seed, read_signing_key};

/// The holder's key for parts, in his folder.
const PART_KEY: &str = "part.key";
/// His card, beside it.
const CARD: &str = "holder.json";
/// The machine's key for the parts that come back.
const RESTORE_KEY: &str = "restore.key";
/// So many digits of a key's hash are compared: what a person can read out on the phone.
const DIGITS: usize = 8;

/// Subcommands of `tabir warden backup`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// An auditor: make a key for parts, and the card that the warden's person gets
    #[command(after_help = "Example: tabir warden backup holder --key auditor.key ./parts")]
    Holder(Holder),
    /// The warden's person: split every key that has no backup yet
    #[command(
        after_help = "Example: tabir warden backup split --config warden/tabir.toml --holder a.json --holder b.json --holder c.json \
                            --threshold 2 ./backups\nThen each holder: tabir warden backup part, and tabir sign --waiting"
    )]
    Split(Split),
    /// A holder: see whether your part opens, or seal it to the machine that brings the key back
    #[command(after_help = "Example: tabir warden backup part backup-3.json --holder ./parts\n         \
                            tabir warden backup part backup-3.json --holder ./parts --to restore.json --expect 90ab4f1c --out part-1.json")]
    Part(GivePart),
    /// The warden's person: ask for parts, then bring the key back
    #[command(after_help = "Example: tabir warden backup restore --config warden/tabir.toml backup-3.json\n         \
                            tabir warden backup restore --config warden/tabir.toml backup-3.json --part part-1.json --part part-3.json")]
    Restore(Restore),
}

/// Arguments of `tabir warden backup holder`.
#[derive(clap::Args)]
pub struct Holder {
    /// The auditor's key file
    #[arg(long)]
    key: PathBuf,
    /// Folder to make
    dir: PathBuf,
}

/// Arguments of `tabir warden backup split`.
#[derive(clap::Args)]
pub struct Split {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// A holder's card, from the holder's own hand
    #[arg(long = "holder", value_name = "FILE", required = true)]
    holders: Vec<PathBuf>,
    /// How many parts bring a key back
    #[arg(long, value_name = "K")]
    threshold: u16,
    /// Folder to make for the files, which are no secret
    dir: PathBuf,
}

/// Arguments of `tabir warden backup part`.
#[derive(clap::Args)]
pub struct GivePart {
    /// The backup's file
    file: PathBuf,
    /// The folder that `tabir warden backup holder` made
    #[arg(long, value_name = "DIR")]
    holder: PathBuf,
    /// The machine's card; without it, the part is only opened and checked
    #[arg(long, value_name = "FILE", requires_all = ["expect", "out"])]
    to: Option<PathBuf>,
    /// First eight digits of the machine's key, as its person reads them to you
    #[arg(long, value_name = "DIGITS")]
    expect: Option<String>,
    /// Where to write the sealed part
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `tabir warden backup restore`.
#[derive(clap::Args)]
pub struct Restore {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    pub(super) config: PathBuf,
    /// The backup's file
    pub(super) file: PathBuf,
    /// A part that a holder sealed to this machine
    #[arg(long = "part", value_name = "FILE")]
    pub(super) parts: Vec<PathBuf>,
}

/// The key to which holders seal their parts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoreCard {
    v: V1,
    key_id: Hex32,
    kem_pk: Bytes,
}

/// A part on its way to the machine.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenPart {
    v: V1,
    key_id: Hex32,
    index: u16,
    sealed: Bytes,
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Holder(args) => holder(&args),
        Command::Split(args) => split(&args).await,
        Command::Part(args) => part(&args),
        Command::Restore(args) => restore(&args).await,
    }
}

fn card<T: json::Schema>(path: &Path) -> Result<T, CliError> {
    Ok(json::from_slice(&read(path)?)?)
}

fn digits(key: &KemPublicKey) -> String {
    hex::encode(sha256(key.as_bytes())).chars().take(DIGITS).collect()
}

fn holder(args: &Holder) -> Result<(), CliError> {
    let auditor = read_signing_key(&args.key)?;
    create_private_folder(&args.dir)?;
    let key = KemSecretKey::from_seed(create_seed(&args.dir.join(PART_KEY))?);
    write_json(&args.dir.join(CARD), &HolderCard::new(&auditor, &key.public_key()))?;
    println!(
        "Made {0}. Give {0}/{CARD} to the warden's person; {PART_KEY} opens your parts and stays with you.",
        args.dir.display()
    );
    Ok(())
}

async fn split(args: &Split) -> Result<(), CliError> {
    let holders = args.holders.iter().map(|file| card(file)).collect::<Result<Vec<HolderCard>, _>>()?;
    let (warden, _running) = open(&args.config).await?;
    let view = warden.view().await?;
    super::make_dir(&args.dir)?;
    let made = warden.back_up(&view, &holders, args.threshold).await?;
    for (epoch, backup) in &made {
        let file = args.dir.join(format!("backup-{epoch}.json"));
        write_json(&file, backup)?;
        println!(
            "{}: any {} of {} parts bring the key of epoch {epoch} back.",
            file.display(),
            args.threshold,
            holders.len()
        );
    }
    if made.is_empty() {
        println!("Every key that is in the log and not destroyed has its backup.");
    } else {
        println!(
            "Give the files to every holder. Each opens his part, then signs what waits on the board: tabir sign --waiting."
        );
    }
    Ok(())
}

fn part(args: &GivePart) -> Result<(), CliError> {
    let backup: Backup = card(&args.file)?;
    let own: HolderCard = card(&args.holder.join(CARD))?;
    let key = KemSecretKey::from_seed(read_seed(&args.holder.join(PART_KEY))?);
    let part = backup.open(&VerifyingKey::from_bytes(&own.auditor.0)?, &key)?;
    let (Some(to), Some(expect), Some(out)) = (&args.to, &args.expect, &args.out) else {
        println!("Your part, number {} of {}, opens and is whole.", part.index, backup.parts.len());
        println!("key: {}", backup.key_id);
        return Ok(());
    };
    let to: RestoreCard = card(to)?;
    let machine = KemPublicKey::from_bytes(&to.kem_pk.0)?;
    if to.key_id != backup.key_id
        || expect.len() < DIGITS
        || !hex::encode(sha256(machine.as_bytes())).starts_with(expect.as_str())
    {
        return Err(CliError::Failed("that is another machine's card, or for another key: nothing was given".into()));
    }
    let sealed = Bytes(backup.give(&part, &machine, &mut Random)?);
    write_json(out, &GivenPart { v: V1, key_id: backup.key_id, index: part.index, sealed })?;
    println!("{}: your part, for that machine alone. The log will say that the key was brought back.", out.display());
    Ok(())
}

async fn restore(args: &Restore) -> Result<(), CliError> {
    let backup: Backup = card(&args.file)?;
    let (warden, _running) = open(&args.config).await?;
    let secret = args.config.with_file_name(RESTORE_KEY);
    if args.parts.is_empty() {
        let key = KemSecretKey::from_seed(if secret.exists() { read_seed(&secret)? } else { create_seed(&secret)? });
        let file = args.config.with_file_name("restore.json");
        let kem_pk = Bytes(key.public_key().as_bytes().to_vec());
        write_json(&file, &RestoreCard { v: V1, key_id: backup.key_id, kem_pk })?;
        println!("Give {} to {} holders, and read them these digits on the phone:", file.display(), backup.threshold);
        println!("  {}", digits(&key.public_key()));
        return Ok(());
    }
    let key = KemSecretKey::from_seed(read_seed(&secret)?);
    let open_part = |file: &PathBuf| -> Result<Part, CliError> {
        let given: GivenPart = card(file)?;
        Ok(backup.open_given(given.index, &given.sealed.0, &key)?)
    };
    let parts = args.parts.iter().map(open_part).collect::<Result<Vec<_>, _>>()?;
    let view = warden.view().await?;
    if !warden.restore(&view, &backup, &parts).await? {
        return Err(CliError::Failed("this warden has that key, or has destroyed it: nothing was changed".into()));
    }
    std::fs::remove_file(&secret).map_err(|e| CliError::File(secret, e))?;
    println!(
        "The key is back, and that it came back is on its way into the log. Delete the parts that were sent to you."
    );
    Ok(())
}
