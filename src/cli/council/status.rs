//! `tabir council status`: in one look, what an official has, whether it works, and what waits.

use serde_json::{Value, json};
use tabir_crypto::statement::value::Second;

use crate::api::council::ProposalEntry;
use crate::cli::CliError;
use crate::cli::connect::Connect;
use crate::cli::official::KeyArgs;
use crate::cli::unseal_list::next;
use crate::client::Session;
use crate::client::official::ceremony::settle;
use crate::client::official::keys::{fingerprint, short};
use crate::client::official::seats::{Seat, seats};
use crate::client::official::{Board, KeyFileError, OfficialError, OfficialFile};

/// Arguments of `tabir council status`.
#[derive(clap::Args)]
pub struct Status {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    key: KeyArgs,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

const DAY_S: u64 = 86_400;

/// Runs `tabir council status`, which also erases shares that were replaced. Error: a share that does not work, after
/// everything is shown.
pub async fn status(args: &Status) -> Result<(), CliError> {
    let mut file = args.key.open()?;
    let session = args.connect.session_of(&args.key).await?;
    // Who only looks erases too: an old share that nobody needs any more is a danger to those who sealed to it.
    let settled = settle(&mut file, &session.view.state, session.now())?;
    let board = Board::new(session.http.clone(), &session.services.council, file.signing().clone());
    // Who sits on no council yet may not ask the board; everything else is shown all the same.
    let proposals = board.proposals().await.map(|p| p.proposals);
    let seats = seats(&file, &session.view.state)?;
    let requests = requests(&session, &file)?;
    if args.json {
        let waits =
            proposals.as_ref().ok().map(|all| all.iter().filter(|p| !p.complete).map(proposal).collect::<Vec<_>>());
        let line = json!({
            "v": 1, "name": file.card().name, "fingerprint": file.card().fingerprint(),
            "backup": file.backup().map(|(at, whole)| json!({"at": at, "whole": whole})),
            "councils": seats.iter().map(seat).collect::<Vec<_>>(), "proposals": waits,
            "requests": requests, "erased": settled.erased.iter().map(hex::encode).collect::<Vec<_>>(),
        });
        println!("{line}");
    } else {
        say_file(&file);
        settled
            .erased
            .iter()
            .for_each(|id| println!("erased     the share of council {}, which was replaced", short(id)));
        seats.iter().for_each(|s| say_seat(s, &file, session.now()));
        if seats.is_empty() {
            println!("council    none yet: your card goes to whoever makes the manifest");
        }
        match &proposals {
            Ok(all) => all.iter().filter(|p| !p.complete).for_each(say_proposal),
            Err(error) => println!("board      {error}"),
        }
        for r in &requests {
            println!("waits      request {} is {}: tabir unseal list", text(&r["request"], 8), text(&r["status"], 20));
        }
    }
    let is_bad =
        |s: &Seat<'_>| s.share.as_ref().is_err_and(|e| !matches!(e, OfficialError::KeyFile(KeyFileError::Kept { .. })));
    if seats.iter().any(is_bad) {
        return Err(CliError::Failed("a share does not work: see above".into()));
    }
    Ok(())
}

fn text(value: &Value, most: usize) -> String {
    value.as_str().unwrap_or_default().chars().take(most).collect()
}

fn say_file(file: &OfficialFile) {
    println!("you        {}", file.card().name.as_str());
    println!("           {}", file.card().fingerprint());
    println!("key file   {}", file.path().display());
    match file.backup() {
        Some((day, true)) => println!("backup     on paper, {day}: everything is on it"),
        Some((day, false)) => {
            println!("backup     on paper, {day}, before the last change: print a new one, destroy that one")
        }
        None => println!("backup     none: print one with `tabir council backup`"),
    }
}

fn day(unix: u64) -> String {
    Second(unix).to_string().chars().take(10).collect()
}

fn say_seat(seat: &Seat<'_>, file: &OfficialFile, now: u64) {
    let Some(logged) = seat.logged else {
        println!("council    {}, not in the log", short(&seat.council_id));
        say_share(seat);
        return;
    };
    let council = &logged.council;
    println!("council    {}", council.fingerprint());
    println!("           epoch {}, {} of {} must agree", council.epoch(), council.t(), council.n());
    if let Some((key, shares)) = seat.since {
        let age = |at: u64| format!("{} ({} days)", day(at), now.saturating_sub(at) / DAY_S);
        println!("           key since {}, shares since {}", age(key), age(shares));
    } else {
        println!("           no witnessed checkpoint has it yet");
    }
    if let Some(at) = seat.drilled {
        println!("           the last drill of your share: {}", day(at));
    }
    if logged.retired.is_some() {
        println!("           retired: for old reports only");
    }
    say_share(seat);
    for member in council.members() {
        let you = if member.ed_vk == file.verifying() { "  you" } else { "" };
        println!(
            "           {:>2}  {}{you}",
            member.index,
            fingerprint(member.ed_vk.as_bytes(), member.kem_pk.as_bytes())
        );
    }
}

fn say_share(seat: &Seat<'_>) {
    match &seat.share {
        Ok(index) => println!("           your share is that of official {index}, and works"),
        Err(error) => println!("         ! {error}"),
    }
}

fn say_proposal(p: &ProposalEntry) {
    println!("waits      {}  {:<18} {} signature(s)", hex::encode(p.id.0), p.verb.as_str(), p.signatures);
}

fn proposal(p: &ProposalEntry) -> Value {
    json!({"id": p.id, "verb": p.verb, "signatures": p.signatures})
}

fn seat(seat: &Seat<'_>) -> Value {
    let mut value = json!({
        "council": hex::encode(seat.council_id), "index": seat.share.as_ref().ok(),
        "problem": seat.share.as_ref().err().map(|e| e.code().map_or("file", |c| c.as_str())),
    });
    if let (Some(logged), Some(map)) = (seat.logged, value.as_object_mut()) {
        let council = &logged.council;
        let members = council.members().iter().map(|m| fingerprint(m.ed_vk.as_bytes(), m.kem_pk.as_bytes()));
        let more = json!({
            "fingerprint": council.fingerprint(), "lineage": hex::encode(council.lineage()), "epoch": council.epoch(),
            "t": council.t(), "n": council.n(), "retired": logged.retired.is_some(),
            "members": members.collect::<Vec<_>>(),
            "key_since": seat.since.map(|(key, _)| day(key)), "shares_since": seat.since.map(|(_, shares)| day(shares)),
            "drilled": seat.drilled.map(day),
        });
        map.extend(more.as_object().cloned().unwrap_or_default());
    }
    value
}

/// Requests with which this official can do something now.
fn requests(session: &Session, file: &OfficialFile) -> Result<Vec<Value>, CliError> {
    let state = &session.view.state;
    let mut found = Vec::new();
    for request in state.requests() {
        let council = &state.council(&request.body.council_id.0)?.council;
        let Some(own) = council.member_by_key(&file.verifying()).map(|m| m.index) else { continue };
        let status = request.status(state.witnessed(), session.now());
        let steps = next(request, status, session, own);
        if !steps.is_empty() {
            found.push(json!({"request": hex::encode(request.hash), "status": status.as_str(), "next": steps}));
        }
    }
    Ok(found)
}
