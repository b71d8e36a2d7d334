//! `tabir audit fetch`: copy both logs, or bring a copy up to date.

use std::path::PathBuf;

use super::progress;
use crate::cli::CliError;
use crate::cli::connect::Connect;
use crate::client::audit;

/// Arguments of `tabir audit fetch`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// Folder of the copy
    dir: PathBuf,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let session = args.connect.session().await?;
    let mut told = progress::lines();
    let [governance, intake] =
        audit::fetch_with(&session.trust, &session.http, &session.services.log, &args.dir, &mut told).await?;
    println!("{}: governance {} entries, intake {} entries.", args.dir.display(), governance.size, intake.size);
    println!("Next: tabir audit verify {} --trust {}", args.dir.display(), args.connect.trust.display());
    Ok(())
}
