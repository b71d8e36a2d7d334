//! Steps `drop`, `audit` and `canary`: what outsiders find out, and what nobody finds.

use serde_json::json;
use tabir_crypto::statement::value::Hex;
use tabir_crypto::trust::fate::Verdict;

use super::canary::{self, Secret};
use super::play::Citizen;
use super::stage::{ROLES, Stage, until};
use crate::cli::CliError;
use crate::cli::audit::describe;
use crate::client::proof_file::{ProofFile, drop};
use crate::client::{ClientError, audit, case, prove};
use crate::config::keys::write_private;

/// The file with which the reporter of the dropped report shows that to anybody, in the demo's folder.
const DROP_FILE: &str = "drop.json";

/// Waits until every window that holds a report is due, then audits a copy; the only failure must be the dropped one.
pub async fn audit(stage: &mut Stage, citizens: &[Citizen], dropped: &Citizen) -> Result<(), CliError> {
    let last = citizens.iter().chain([dropped]).map(|c| c.acceptance.deadline.0).max().unwrap_or(0);
    // The audit's own grace after a deadline, and one checkpoint.
    let due = last + stage.grace_s() + 2;
    let log = format!("http://127.0.0.1:{}", stage.ports.log);
    let dir = stage.dir.join("log");
    let settled = || async {
        audit::fetch(&stage.trust, &stage.http, &log, &dir).await?;
        let verdict = audit::verify(&stage.trust, &dir).await?;
        Ok((verdict.now > due).then_some(verdict))
    };
    let verdict = until("the last window is due", stage.settle_s() + 60, settled).await?;

    let (session, governance) = stage.session_with_log().await?;
    let found = case::read(&session, &dropped.receipt).await?;
    let proof = prove::report(&session, &dropped.receipt, &found).await?;
    let r = Hex(*dropped.receipt.keys().r.expose());
    let file = drop::make(&stage.trust, &governance, &proof, r, None).map_err(ClientError::from)?;
    write_private(&stage.dir.join(DROP_FILE), &ProofFile::Drop(Box::new(file.clone())).to_bytes()?)?;
    // Whoever gets the file copies the logs himself.
    audit::fetch(&stage.trust, &stage.http, &log, &dir).await?;
    let (_, whole) = drop::check_in(&file, &stage.trust, &dir).await.map_err(ClientError::from)?;
    let shown = whole.proof.verdict() == Verdict::Dropped;
    let failed: Vec<_> = verdict.failed().collect();
    let window = dropped.acceptance.w;
    let audit_found = failed.iter().any(|c| c.window == Some(window) && c.name == tabir_crypto::trust::windows::COUNTS);
    stage.steps.say(
        "drop",
        audit_found && proof.dropped() && shown,
        &json!({"audit_found": audit_found, "reporter_proved": proof.dropped(), "shown": shown, "window": window}),
        &format!(
            "a report deleted inside the forwarder: the audit names window {window}, and its reporter's file proves it"
        ),
    );
    let others: Vec<_> = failed.iter().filter(|c| c.window != Some(window)).map(|c| describe(c)).collect();
    stage.steps.say(
        "audit",
        audit_found && others.is_empty() && failed.len() == 1,
        &json!({"checks": verdict.checks.len(), "failed": failed.len(), "expected": 1, "unexpected": others}),
        &format!(
            "{} entries, {} checks, {} failed: the dropped report and nothing else",
            verdict.entries,
            verdict.checks.len(),
            failed.len()
        ),
    );
    Ok(())
}

/// Looks for every secret in everything that any role wrote.
pub fn search(stage: &mut Stage, citizens: &[Citizen], more: Vec<Secret>) -> Result<(), CliError> {
    let (planted, planted_found) = canary::plant(&stage.roles, &ROLES)?;
    let secrets: Vec<Secret> = citizens.iter().flat_map(|c| c.secrets.iter().cloned()).chain(more).collect();
    let found = canary::search(&stage.roles, &ROLES, &secrets)?;
    for (kind, role, file) in &found.hits {
        stage.steps.note(&format!("FOUND: a {kind} in {role}: {}", file.display()));
    }
    let hits: Vec<_> = found.hits.iter().map(|(kind, role, file)| json!({"kind": kind, "role": role, "file": file.file_name().map(|n| n.to_string_lossy().into_owned())})).collect();
    stage.steps.say(
        "canary",
        planted == planted_found && found.hits.is_empty() && !secrets.is_empty(),
        &json!({"planted": planted, "planted_found": planted_found, "searched_files": found.files, "searched_bytes": found.bytes, "secrets": secrets.len(), "hits": found.hits.len(), "found": hits}),
        &format!("{} secrets looked for in {} files ({} bytes): {} where they may not stand", secrets.len(), found.files, found.bytes, found.hits.len()),
    );
    Ok(())
}
