//! `tabir follow --prove FILE`: one file that proves to anybody what became of the report, after its reporter was told what
//! it shows and to whom.

use std::path::Path;

use tabir_crypto::receipt::{Receipt, reference};
use tabir_crypto::statement::value::Hex;
use tabir_crypto::trust::fate::Verdict;

use super::CliError;
use super::official::ask;
use crate::client::log_reader::Growth;
use crate::client::proof_file::{ProofFile, drop};
use crate::client::{ClientError, Session, prove};
use crate::config::keys::write_private;
use crate::words::{self, Language};

/// Says what the file shows, and writes it if its reporter wants to; `yes` says that it was read before. Errors: those of
/// the proofs; a file that is there already; nobody to ask.
pub async fn write(
    session: &Session,
    governance: &Growth,
    receipt: &Receipt,
    (proved, countersignature): (&prove::Proved, Option<String>),
    (file, yes, l): (&Path, bool, Language),
) -> Result<(), CliError> {
    let name = reference(&proved.acceptance.case_id.0);
    eprintln!("{}", words::proof::shows(l, &name, proved.times.map(|times| (times.opens, times.closes))));
    if !yes {
        let (question, yes) = words::proof::confirm(l);
        let answer = ask(question, l.pick("--yes, setelah Anda membaca ini", "--yes, once you have read this"))?;
        if !yes.contains(&answer.to_lowercase().as_str()) {
            return Err(CliError::Failed(l.pick("tidak ditulis", "not written").into()));
        }
    }
    let (r, nf) = (Hex(*receipt.keys().r.expose()), proved.acceptance.nf);
    let erasure = match proved.verdict() {
        Verdict::Erased => prove::erasure(session, &r, &nf).await?,
        _ => None,
    };
    if proved.verdict() == Verdict::Erased && erasure.is_none() {
        eprintln!("{}", words::proof::erasure_not_shown(l));
    }
    let mut made = drop::make(&session.trust, governance, proved, r, erasure).map_err(ClientError::from)?;
    made.countersignature = countersignature;
    // What is handed out was checked as whoever gets it will.
    drop::check(&made, &session.trust).map_err(ClientError::from)?;
    let bytes = ProofFile::Drop(Box::new(made)).to_bytes()?;
    write_private(file, &bytes)?;
    eprintln!("{}", words::proof::written(l, &file.display().to_string()));
    Ok(())
}
