//! `tabir unseal list`: every request to one's council, from the log alone.

use serde_json::{Value, json};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::CodeEntry;
use tabir_crypto::statement::value::{CodeText, Second};
use tabir_crypto::trust::unseal::{Request, Status};

use super::CliError;
use crate::client::Session;
use crate::client::official::OfficialFile;

/// What one official may do with a request now, as names of subcommands; empty when it waits for others or has ended.
fn next(request: &Request, status: Status, session: &Session, own: u16) -> Vec<&'static str> {
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
        Status::Requested => "waits for the others' approvals",
        Status::Approved if cooled.is_none_or(|at| session.now() < at) => "waits for the end of its cooling-off",
        Status::Approved => "waits for the outside body",
        Status::Released => "waits for the other approvers",
        _ => "has ended",
    }
}

/// A code with the words that the policy has for it.
fn words(list: Option<&Vec<CodeEntry>>, code: &CodeText) -> String {
    let entry = list.into_iter().flatten().find(|e| &e.code == code);
    entry.map_or_else(|| code.to_string(), |e| format!("{code} ({} / {})", e.id.as_str(), e.en.as_str()))
}

/// Shows all requests to councils in which this official sits, oldest first.
pub(super) fn show(session: &Session, file: &OfficialFile, as_json: bool) -> Result<(), CliError> {
    let state = &session.view.state;
    let codes = state.policy().map(|p| &p.codes);
    let mut lines: Vec<Value> = Vec::new();
    for request in state.requests() {
        let council = &state.council(&request.body.council_id.0)?.council;
        let Some(own) = council.member_by_key(&file.verifying()).map(|m| m.index) else { continue };
        let status = request.status(state.witnessed(), session.now());
        let approvals: Vec<u16> = request.approvals.iter().map(|a| a.body.index).collect();
        let refusals: Vec<u16> = request.refusals.iter().map(|(_, i)| *i).collect();
        let partials: Vec<u16> = request.partials.iter().map(|(_, i)| *i).collect();
        let cooled = request.cooled_at(state.witnessed()).map(Second);
        let next = next(request, status, session, own);
        if as_json {
            lines.push(json!({
                "request": hex::encode(request.hash), "status": status.as_str(), "requester": request.body.requester,
                "legal_basis": request.body.legal_basis, "reason": request.body.reason, "approvals": approvals,
                "refusals": refusals, "partials": partials, "needed": request.terms.t, "of": request.terms.n,
                "cooled_at": cooled, "own": own, "next": next,
            }));
            continue;
        }
        println!("{}  {}", hex::encode(request.hash), status.as_str());
        println!("  asked by official {}", request.body.requester);
        println!("  legal basis  {}", words(codes.map(|c| &c.legal_basis), &request.body.legal_basis));
        println!("  reason       {}", words(codes.map(|c| &c.reason), &request.body.reason));
        println!("  approvals    {} of {}: {approvals:?}; refusals: {refusals:?}", approvals.len(), request.terms.t);
        let cooling = cooled.map_or_else(|| "begins with a witnessed checkpoint".to_owned(), |c| format!("until {c}"));
        println!("  cooling-off  {cooling}");
        match next.as_slice() {
            [] => println!("  you          {}", waits(request, status, session)),
            steps => println!("  you can      {}", steps.join(", ")),
        }
    }
    if as_json {
        println!("{}", json!({"v": 1, "requests": lines}));
    }
    Ok(())
}
