//! Steps `forward` and `drop`: everything arrives once although answers are lost; what is dropped is found.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tabir_crypto::codec::sha256;
use tabir_crypto::statement::body::Release;

use super::play::{Citizen, report};
use super::stage::{Stage, until};
use super::tickets::Ticket;
use crate::cli::CliError;
use crate::cli::desk::Desk;
use crate::client::tokens::Attestation;
use crate::db::dump;

/// Answers that are lost on the way.
pub const CUTS: u64 = 6;
/// How long a hundred reports may take; more get more.
const PATIENCE_S: u64 = 60;

/// What an officer's client sees of the desk: its requests by case reference.
pub async fn by_reference(desk: &Desk) -> Result<BTreeMap<String, Vec<Value>>, CliError> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for request in desk.all().await? {
        let text = request.get("description").and_then(Value::as_str).unwrap_or_default();
        let marker = text.rsplit_once("[tabir:").and_then(|(_, m)| m.split_once(']')).map(|(m, _)| m.to_owned());
        if let Some(reference) = marker {
            found.entry(reference).or_default().push(request);
        }
    }
    Ok(found)
}

/// Waits until every report is at the desk, and counts there.
pub async fn forward(stage: &mut Stage, desk: &Desk, citizens: &[Citizen]) -> Result<(), CliError> {
    let patience = PATIENCE_S + citizens.len() as u64;
    let all_there = || async {
        let found = by_reference(desk).await?;
        Ok(citizens.iter().all(|c| found.contains_key(&c.reference)).then_some(()))
    };
    // What is missing then is counted below.
    let in_time = until("forwarding", patience, all_there).await.is_ok();
    let found = by_reference(desk).await?;
    let of = |c: &Citizen| found.get(&c.reference).map_or(0, Vec::len);
    let missing = citizens.iter().filter(|c| of(c) == 0).count();
    let doubled = citizens.iter().filter(|c| of(c) > 1).count();
    let (received, cut) = (citizens.len() - missing, stage.proxy.cut());
    let ok = in_time && missing == 0 && doubled == 0 && cut >= CUTS.min(citizens.len() as u64);
    stage.steps.say(
        "forward",
        ok,
        &json!({"received": received, "cut": cut, "missing": missing, "doubled": doubled}),
        &format!("{received} reports at the desk, {cut} answers lost on the way, {missing} missing, {doubled} doubled"),
    );
    Ok(())
}

/// One more report reaches the forwarder, which stores and acknowledges it; then its row is deleted before it is sent.
/// Gives the citizen, who will prove it.
pub async fn drop_one(stage: &mut Stage, ticket: &Ticket) -> Result<Citizen, CliError> {
    stage.proxy.set_down(true);
    let session = stage.session().await?;
    let urgent = session.services.categories.iter().find(|c| c.release == Release::Urgent);
    let service = urgent.map(|c| c.en.as_str().to_owned()).unwrap_or_default();
    let citizen = report(&session, Ticket { service, ..ticket.clone() }, Attestation::Puzzle, false).await?;
    let case_id = citizen.receipt.keys().case_id();
    let (gateway, forwarder) = (stage.roles.join("gateway/store.sqlite"), stage.roles.join("forwarder/store.sqlite"));
    let taken = || async {
        let waits = dump::rows_of_case(&gateway, "outbox", &case_id).await?;
        let held = dump::rows_of_case(&forwarder, "delivery", &case_id).await?;
        Ok((waits == 0 && held == 1).then_some(()))
    };
    until("the forwarder takes the report that will be dropped", 30, taken).await?;
    stage.processes.stop("forwarder").await?;
    dump::delete_case(&forwarder, &case_id).await?;
    stage.proxy.set_down(false);
    stage.processes.start("forwarder", None).await?;
    stage.steps.note(&format!(
        "somebody with access to the forwarder deleted report {} (row {}…) before it was sent",
        citizen.reference,
        hex::encode(sha256(&case_id).split_at(4).0)
    ));
    Ok(citizen)
}
