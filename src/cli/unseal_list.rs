//! `tabir unseal list`: every request to one's council as the log has it, and what the text of each live one says.

use serde_json::{Value, json};
use tabir_crypto::Code;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::value::Second;
use tabir_crypto::trust::unseal::{Request, Status};

use super::unseal::Desk;
use super::{CliError, unseal_show};
use crate::client::Session;
use crate::client::official::case::OpenRequest;

/// What one official may do with a request now, as names of subcommands; empty when it waits for others or has ended.
pub(super) fn next(request: &Request, status: Status, session: &Session, own: u16) -> Vec<&'static str> {
    let witnessed = session.view.state.witnessed();
    let mut steps = Vec::new();
    let voted =
        request.approvals.iter().any(|a| a.body.index == own) || request.refusals.iter().any(|(_, i)| *i == own);
    if status.allows(Verb::UnsealApproved) {
        if !voted {
            steps.extend(["approve", "refuse"]);
        }
        if request.body.requester == own {
            steps.push("withdraw");
        }
    }
    let is_approver = request.released(witnessed).is_ok() && request.released_to().contains(&own);
    if is_approver && status.allows(Verb::UnsealPartial) {
        if !request.partials.iter().any(|(_, i)| *i == own) {
            steps.push("partial");
        }
        if request.partials.len() >= usize::from(request.terms.t) {
            steps.push("open");
        }
    }
    steps
}

/// What it waits for, if this official can do nothing.
fn waits(request: &Request, status: Status, session: &Session) -> &'static str {
    let cooled = request.cooled_at(session.view.state.witnessed());
    match status {
        Status::Requested => "it waits for the others' approvals",
        Status::Approved if cooled.is_none_or(|at| session.now() < at) => "it waits for the end of its cooling-off",
        Status::Approved => "it waits for the outside body",
        Status::Released if request.released(session.view.state.witnessed()).is_err() => {
            "nothing: the outside body released it too early, and nobody may help with that; tell an auditor"
        }
        Status::Released => "it waits for the other approvers",
        _ => "nothing: it has ended",
    }
}

/// What the sealed text says, of a request that still lives; or why this official can't read it.
async fn text(desk: &Desk, request: &Request, status: Status) -> Option<Result<OpenRequest, String>> {
    if !status.is_live() {
        return None;
    }
    let open = OpenRequest::load(&desk.session, &desk.board, &desk.file, &request.hash).await;
    Some(open.map_err(|e| match e.code() {
        Some(Code::Aead) => "you can't open your copy: you were left out, or it is damaged".to_owned(),
        _ => e.to_string(),
    }))
}

/// Shows all requests to councils in which this official sits, oldest first.
pub(super) async fn show(desk: &Desk, as_json: bool) -> Result<(), CliError> {
    let (session, state) = (&desk.session, &desk.session.view.state);
    let mut lines: Vec<Value> = Vec::new();
    for request in state.requests() {
        let council = &state.council(&request.body.council_id.0)?.council;
        let Some(own) = council.member_by_key(&desk.file.verifying()).map(|m| m.index) else { continue };
        let status = request.status(state.witnessed(), session.now());
        let approvals: Vec<u16> = request.approvals.iter().map(|a| a.body.index).collect();
        let refusals: Vec<u16> = request.refusals.iter().map(|(_, i)| *i).collect();
        let partials: Vec<u16> = request.partials.iter().map(|(_, i)| *i).collect();
        let (next, text) = (next(request, status, session, own), text(desk, request, status).await);
        if as_json {
            let (ends, near) = unseal_show::end(session, request);
            lines.push(json!({
                "request": hex::encode(request.hash), "status": status.as_str(), "requester": request.body.requester,
                "legal_basis": request.body.legal_basis, "reason": request.body.reason, "approvals": approvals,
                "refusals": refusals, "partials": partials, "needed": request.terms.t, "of": request.terms.n,
                "cooled_at": request.cooled_at(state.witnessed()).map(Second), "ends": ends, "near_end": near,
                "deferred_until": request.body.deferred_until, "deferral": request.body.deferral,
                "text": text.as_ref().and_then(|t| t.as_ref().ok()).map(unseal_show::fields),
                "unreadable": text.as_ref().and_then(|t| t.as_ref().err()), "own": own, "next": next,
            }));
            continue;
        }
        println!("{}  {}", hex::encode(request.hash), status.as_str());
        let sealed = match &text {
            Some(Ok(open)) => unseal_show::sealed(session, open),
            Some(Err(why)) => vec![format!("text         {why}")],
            None => Vec::new(),
        };
        let votes = format!("{} of {}: {approvals:?}; refusals: {refusals:?}", approvals.len(), request.terms.t);
        let next = match next.as_slice() {
            [] => waits(request, status, session).to_owned(),
            steps => format!("you can {}", steps.join(", ")),
        };
        let last = [format!("approvals    {votes}"), format!("next         {next}")];
        for line in sealed.into_iter().chain(unseal_show::logged(session, request)).chain(last) {
            println!("  {line}");
        }
    }
    if as_json {
        println!("{}", json!({"v": 1, "requests": lines}));
    }
    Ok(())
}
