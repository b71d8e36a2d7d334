//! `tabir warden journal`: the outside body reads its own record, and has it checked.

use std::path::PathBuf;

use super::CliError;
use super::warden::open;
use crate::warden::journal::{Line, hash};

/// Arguments of `tabir warden journal`.
#[derive(clap::Args)]
pub struct Args {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// Only check it: no line is shown
    #[arg(long)]
    verify: bool,
    /// The lines as they are in the file
    #[arg(long, conflicts_with = "verify")]
    json: bool,
    /// Write the file anew from the store, after you know why it is not whole; only while the warden does not run
    #[arg(long, conflicts_with_all = ["verify", "json", "expect"])]
    rewrite: bool,
    /// The last line's hash as it was written down earlier, at so many lines: N:HASH
    #[arg(long, value_name = "N:HASH", value_parser = mark)]
    expect: Option<(usize, String)>,
}

fn mark(text: &str) -> Result<(usize, String), String> {
    let wrong = || "such as 120:90ab4f1c, as this command printed it".to_owned();
    let (n, hash) = text.split_once(':').ok_or_else(wrong)?;
    let n: usize = n.parse().map_err(|_| wrong())?;
    if n == 0 || hash.len() < 8 { Err(wrong()) } else { Ok((n, hash.to_owned())) }
}

fn show(line: &Line) -> String {
    let number = line.number.map(|n| format!(" {n}")).unwrap_or_default();
    let code = line.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    format!("{:>6}  {}  {:<14} {}{number}{code}", line.n, line.at, line.what.as_str(), line.about)
}

/// Checks the journal, and shows it.
pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let (warden, _running) = open(&args.config).await?;
    if args.rewrite {
        let aside = warden.rewrite_journal().await?;
        println!("Written anew from the store; a line says so. The file before it is {}.", aside.display());
        return Ok(());
    }
    let lines = warden.verified_journal().await?;
    if let Some((n, expected)) = &args.expect {
        let there = lines.get(n - 1).map(|(_, text)| hex::encode(hash(text)));
        if !there.is_some_and(|there| there.starts_with(expected.as_str())) {
            return Err(CliError::Audit(format!(
                "the journal has another line {n} than the one that was written down"
            )));
        }
    }
    for (line, text) in lines.iter().filter(|_| !args.verify) {
        println!("{}", if args.json { text.clone() } else { show(line) });
    }
    if let Some((_, last)) = lines.last().filter(|_| !args.json) {
        println!("{} lines, whole. Write down, and compare another day with --expect:", lines.len());
        println!("  {}:{}", lines.len(), hex::encode(hash(last)));
    } else if !args.json {
        println!("The journal has no line yet.");
    }
    Ok(())
}
