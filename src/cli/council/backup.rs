//! `tabir council backup` and `restore`: an official's keys on paper, and from paper to another laptop.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use tabir_crypto::Secret;
use tabir_crypto::keyfile::Cost;

use super::keys::{make_place, write_card};
use crate::cli::connect::Connect;
use crate::cli::official::{KeyArgs, ask, passphrase};
use crate::cli::{CliError, read};
use crate::client::official::keys::Day;
use crate::client::official::paper::{self, Paper, Progress};
use crate::client::official::{OfficialError, OfficialFile};
use crate::config::keys::write_private;

/// Arguments of `tabir council backup`.
#[derive(clap::Args)]
pub struct Backup {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    key: KeyArgs,
    /// Files to make, without their endings: NAME.html to print, NAME.txt for a typewriter font
    #[arg(long, value_name = "NAME")]
    out: Option<PathBuf>,
    /// Draw the QR codes on this terminal
    #[arg(long)]
    terminal: bool,
}

/// Arguments of `tabir council restore`.
#[derive(clap::Args)]
pub struct Restore {
    #[command(flatten)]
    connect: Connect,
    /// Folder to make for the restored key file; a name that ends in .key makes a single file
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// File with the typed rows, or with the texts of all QR codes, one a line; without it you type the rows here
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Read the passphrase from a file of mode 0600 instead of the terminal
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut path = name.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Runs `tabir council backup`.
pub async fn backup(args: &Backup) -> Result<(), CliError> {
    if args.out.is_none() && !args.terminal {
        return Err(CliError::Usage("say where it goes: --out NAME, or --terminal".into()));
    }
    let mut file = args.key.open()?;
    let session = args.connect.session_of(&args.key).await?;
    let day = Day::of(session.clock.now())?;
    let (paper, about) = file.to_paper(&session.view.state, day.clone())?;
    if let Some(out) = &args.out {
        let (html, text) = (with_ending(out, ".html"), with_ending(out, ".txt"));
        write_private(&html, paper::html(&paper, &about)?.as_bytes())?;
        write_private(&text, paper::text(&paper, &about).as_bytes())?;
        println!("Print {} (or {}), then delete both files.", html.display(), text.display());
    }
    if args.terminal {
        for code in paper::qr_codes(&paper)? {
            println!("{code}\n");
        }
    }
    about.left_out.iter().for_each(|share| println!("Not on it: {share}."));
    file.mark_backup(day)?;
    println!("Try the paper once: `tabir council restore` into a new folder, which you delete then.");
    println!(
        "Keep it apart from the passphrase and from this laptop. It is no good after the next refresh or reshare."
    );
    Ok(())
}

/// Types row after row; each is checked at once.
fn typed() -> Result<Paper, CliError> {
    if !std::io::stdin().is_terminal() {
        let mut progress = Progress::default();
        for line in std::io::stdin().lock().lines() {
            let line = Secret::new(line.map_err(|e| CliError::Failed(e.to_string()))?);
            progress.line(line.expose());
        }
        return finish(progress);
    }
    let mut progress = Progress::default();
    while !progress.is_complete() {
        let question = match progress.next() {
            None => "First row (TABIR …), or the text of a QR code: ".to_owned(),
            Some(k) => format!("{k}: "),
        };
        let typed = ask(&question, "--from FILE")?;
        let words = typed.split_whitespace().count();
        let is_numbered = words > 2 && typed.find(' ').is_some_and(|at| at < 4);
        let line = match progress.next() {
            Some(k) if words > 1 && !is_numbered => format!("{k:02} {typed}"),
            _ => typed,
        };
        if let Some(bad) = progress.line(&line) {
            eprintln!(
                "Row {bad} does not fit: type it again. If no row fits, the first row has a typo: stop with Ctrl-C."
            );
        }
    }
    finish(progress)
}

fn finish(progress: Progress) -> Result<Paper, CliError> {
    Ok(Paper::from_bytes(progress.finish().map_err(OfficialError::from)?)?)
}

/// Runs `tabir council restore`.
pub async fn restore(args: &Restore) -> Result<(), CliError> {
    let paper = match &args.from {
        Some(path) => {
            let text = String::from_utf8(read(path)?);
            let text = text.map_err(|_| CliError::Usage(format!("{}: not text", path.display())))?;
            Paper::from_bytes(paper::parse(&text).map_err(OfficialError::from)?)?
        }
        None => typed()?,
    };
    println!("A paper of {}.", paper.day()?);
    let session = args.connect.session().await?;
    let secret = passphrase(args.passphrase_file.as_deref(), false)?;
    let was_there = args.out.exists();
    make_place(&args.out)?;
    let restored = OfficialFile::restore(&args.out, &paper, (secret, Cost::DEFAULT), &session.view.state);
    if restored.is_err() && !was_there {
        // Nothing was put into it; if it can't be removed, it stands there empty.
        let _ = std::fs::remove_dir(&args.out);
    }
    let (file, about) = restored?;
    write_card(&file)?;
    println!("Restored {}, {}.", about.name, about.fingerprint);
    if about.councils.is_empty() {
        println!("Your own keys only: there was no share on the paper.");
    }
    about.left_out.iter().for_each(|share| println!("Left out: {share}. It cannot be used any more."));
    for council in about.councils {
        println!("Your share works: {council}.");
    }
    println!(
        "Destroy the key file on the other device, if it still exists. If somebody else may have that device, say so"
    );
    println!("to the other officials today: then this share must be replaced by a reshare.");
    Ok(())
}
