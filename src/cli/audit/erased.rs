//! `tabir audit erased`: the log says that a report was erased, and its reporter says that she did not: the gateway must show
//! the case key's own word.

use std::path::PathBuf;

use serde_json::json;
use tabir_crypto::receipt::reference;

use super::check::{found, read};
use super::say;
use crate::cli::CliError;
use crate::cli::connect::Connect;
use crate::client::proof_file::{ProofFile, drop};
use crate::client::prove;
use crate::words::{Language, proof};

/// Arguments of `tabir audit erased`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// The reporter's file, from `tabir follow --prove FILE`
    file: PathBuf,
    /// Language (that of your system if not given)
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<(), CliError> {
    let l = Language::or_environment(args.language);
    let ProofFile::Drop(mut file) = read(&args.file)? else {
        return Err(CliError::Failed(format!("{}: it is not about a report", args.file.display())));
    };
    let session = args.connect.session().await?;
    // What the file carries of it is the reporter's; this asks anew.
    file.erasure = None;
    let checked = drop::check(&file, &session.trust).map_err(found)?;
    if checked.erased.is_none() {
        return Err(CliError::Failed(
            l.pick("menurut berkas ini log tidak memuat penghapusan", "by this file the log holds no erasure").into(),
        ));
    }
    file.erasure = prove::erasure(&session, &file.r, &file.nf).await?;
    let shown = file.erasure.is_some();
    let right = shown && drop::check(&file, &session.trust).map_err(found)?.erasure_shown;
    let case = reference(&checked.acceptance.case_id.0);
    if args.json {
        say(&[json!({"v": 1, "case": case, "window": checked.acceptance.w, "shown": right}).to_string()]);
    } else if right {
        say(&[proof::erasure_shown(l).into()]);
    }
    if right { Ok(()) } else { Err(CliError::Audit(proof::erasure_not_shown(l).into())) }
}
