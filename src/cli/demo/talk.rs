//! Steps `answer`, `rating` and `dispute`: officers ask people whom they don't know, and get answers.

use serde_json::{Value, json};
use tabir_crypto::content::{DisputeCode, Stars};
use tabir_crypto::statement::body::Status;

use super::deliver::by_reference;
use super::play::Citizen;
use super::stage::{Stage, until};
use crate::cli::CliError;
use crate::cli::desk::Desk;
use crate::client::Session;
use crate::client::case;
use crate::open311::{QUESTION, name_of};

/// How many citizens are asked something.
const ASKED: usize = 5;
/// How long news may take from the desk to a mailbox, or back.
const PATIENCE_S: u64 = 40;

fn id(request: &Value) -> String {
    let id = request.get("service_request_id").cloned().unwrap_or_default();
    id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned)
}

/// Everybody comes back with the receipt; who was asked answers; who was asked rates, and one disputes.
pub async fn talk(stage: &mut Stage, desk: &Desk, citizens: &[Citizen]) -> Result<(), CliError> {
    let found = by_reference(desk).await?;
    let asked: Vec<_> = citizens.iter().take(ASKED).collect();
    for citizen in &asked {
        let request = found.get(&citizen.reference).and_then(|r| r.first()).map(id).unwrap_or_default();
        let question = format!("{QUESTION} Which side of the street?");
        desk.update(&request, &[("status", name_of(Status::InProgress)), ("description", &question)]).await?;
    }
    let session = stage.session().await?;
    let mut answered = 0;
    for citizen in &asked {
        let question = || async {
            let found = case::read(&session, &citizen.receipt).await?;
            Ok(found.open_question().map(|q| q.seq).map(|seq| (found, seq)))
        };
        let (found, seq) = until("a question reaches its mailbox", PATIENCE_S, question).await?;
        let answer = case::message(&session, &citizen.receipt, &found, "In front of number 7.", Some(seq))?;
        case::send(&session, &answer, None).await?;
        answered += 1;
    }
    let mut read = 0;
    for citizen in citizens {
        let found = case::read(&session, &citizen.receipt).await?;
        read += usize::from(found.view.reference == citizen.reference && found.view.sent);
    }
    let arrived = || async {
        let updates = desk.all_updates().await?;
        let text = |u: &Value| u.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let answers = updates.iter().filter(|u| text(u).contains("In front of number 7.")).count();
        Ok((answers == asked.len()).then_some(answers))
    };
    let at_desk = until("answers reach the desk", PATIENCE_S, arrived).await.unwrap_or(0);
    stage.steps.say(
        "answer",
        read == citizens.len() && answered == asked.len() && at_desk == answered,
        &json!({"read": read, "answered": answered, "at_desk": at_desk}),
        &format!(
            "{read} citizens read their case from the receipt alone, {answered} questions answered without a name"
        ),
    );
    close(stage, desk, &session, &asked).await
}

async fn close(stage: &mut Stage, desk: &Desk, session: &Session, asked: &[&Citizen]) -> Result<(), CliError> {
    let found = by_reference(desk).await?;
    for citizen in asked {
        let request = found.get(&citizen.reference).and_then(|r| r.first()).map(id).unwrap_or_default();
        desk.update(&request, &[("status", name_of(Status::Resolved)), ("description", "Repaired.")]).await?;
    }
    let mut rated = 0;
    for (citizen, stars) in asked.iter().zip([4, 5, 3, 5, 1].into_iter().cycle()) {
        let closed = || async {
            let found = case::read(session, &citizen.receipt).await?;
            let last = found.view.status.last().map(|s| s.status);
            Ok((last == Some(Status::Resolved)).then_some(found))
        };
        let found = until("a closure reaches its mailbox", PATIENCE_S, closed).await?;
        let rating = case::rating(session, &citizen.receipt, &found, Stars::new(stars)?)?;
        case::send(session, &rating, None).await?;
        let again = case::read(session, &citizen.receipt).await?;
        let twice = case::rating(session, &citizen.receipt, &again, Stars::new(stars)?)?;
        // One rating a case: the second must be refused.
        rated += usize::from(again.view.rated && case::send(session, &twice, None).await.is_err());
    }
    let all = json!({"read": asked.len(), "answered": rated});
    stage.steps.say("rating", rated == asked.len(), &all, &format!("{rated} ratings, one a case"));

    let Some(citizen) = asked.first() else { return Ok(()) };
    let found = case::read(session, &citizen.receipt).await?;
    let dispute =
        case::dispute(session, &citizen.receipt, &found, DisputeCode::FalseProof, "The photo is of another street.")?;
    case::send(session, &dispute, None).await?;
    let reopened = || async {
        let updates = desk.all_updates().await?;
        let words = |u: &Value| u.to_string().contains("The photo is of another street.");
        Ok(updates.iter().any(words).then_some(()))
    };
    let arrived = until("the dispute reaches the desk", PATIENCE_S, reopened).await.is_ok();
    let seen = case::read(session, &citizen.receipt).await?.view.disputed;
    let figures = json!({"read": 1, "answered": usize::from(arrived)});
    stage.steps.say("dispute", arrived && seen, &figures, "a false closure is disputed, and the desk has it");
    Ok(())
}
