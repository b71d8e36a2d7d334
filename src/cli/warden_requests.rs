//! `tabir warden requests` and `ask-auditor`: what the outside body's person reads of a request, and the one thing that
//! person decides about it.

use std::path::PathBuf;

use tabir_crypto::B32;
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::value::Second;
use tabir_crypto::trust::unseal::Status;

use super::CliError;
use super::official::{hex32, typed_reference};
use super::warden::open;
use crate::warden::{Stage, View, Waiting};

/// Arguments of `tabir warden requests`.
#[derive(clap::Args)]
pub struct List {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
}

/// Arguments of `tabir warden ask-auditor`.
#[derive(clap::Args)]
pub struct AskAuditor {
    /// Configuration of the warden's process
    #[arg(long, value_name = "FILE", default_value = "tabir.toml")]
    config: PathBuf,
    /// The request, as `tabir warden requests` shows it
    #[arg(long, value_name = "HASH", value_parser = hex32)]
    request: B32,
    /// The case's reference, instead of typing it
    #[arg(long, value_name = "REFERENCE")]
    confirm: Option<String>,
}

fn next(waiting: &Waiting, view: &View) -> String {
    let cooled = waiting.request.cooled_at(view.state.witnessed()).unwrap_or(u64::MAX);
    match (waiting.stage, waiting.status) {
        (Stage::Open, Status::Requested) => "waits for approvals".into(),
        (Stage::Open, _) if waiting.urgent => "is proposed to the auditors at the next round".into(),
        (Stage::Open, _) if view.now < cooled => {
            format!(
                "waits for the end of its cooling-off at {}; `tabir warden ask-auditor` could shorten it",
                Second(cooled)
            )
        }
        (Stage::Open, _) => {
            "waits for another day: the cap is reached; `tabir warden ask-auditor` could lift it".into()
        }
        (Stage::Proposed, _) => "waits on the board for an auditor: tabir sign --waiting".into(),
        (Stage::Released, _) => "its release is on its way into the log".into(),
        (Stage::Handed, _) => "the approvers have it".into(),
        (Stage::Ended, _) => "was declined".into(),
    }
}

fn show(waiting: &Waiting, view: &View) {
    let body = &waiting.request.body;
    println!("{}  {}", hex::encode(waiting.request.hash), waiting.status.as_str());
    println!("  asked by     official {}", body.requester);
    println!("  legal basis  {}", body.legal_basis);
    println!("  reason       {}", body.reason);
    match &waiting.text {
        None => println!("  text         does not open, or is not what the entry says: it will fail as `request`"),
        Some(text) => {
            println!("  case         {}", reference(&text.case_id.0));
            if let Some(category) = &text.category {
                println!("  category     {category}, as the requester states it");
            }
            text.words.lines().for_each(|line| println!("  words        | {line}"));
            text.recused.iter().for_each(|r| println!("  left out     official {}: {}", r.index, r.code));
        }
    }
    if let (Some(until), Some(code)) = (body.deferred_until, &body.deferral) {
        println!("  deferral     the reporter is told at {until}: {code}");
    }
    let approved: Vec<u16> = waiting.request.approvals.iter().map(|a| a.body.index).collect();
    println!("  approvals    {} of {}: {approved:?}", approved.len(), waiting.request.terms.t);
    println!("  next         {}", next(waiting, view));
}

/// Shows all of them.
pub(super) async fn list(args: &List) -> Result<(), CliError> {
    let (warden, _running) = open(&args.config).await?;
    let view = warden.view().await?;
    let waiting = warden.waiting(&view).await?;
    waiting.iter().for_each(|w| show(w, &view));
    if waiting.is_empty() {
        println!("No request is live.");
    }
    Ok(())
}

/// Marks one, after the person has read it and typed its case.
pub(super) async fn ask_auditor(args: &AskAuditor) -> Result<(), CliError> {
    let (warden, _running) = open(&args.config).await?;
    let view = warden.view().await?;
    let all = warden.waiting(&view).await?;
    let unknown = || CliError::Failed("this warden knows no such live request: see `tabir warden requests`".into());
    let waiting = all.iter().find(|w| w.request.hash == args.request).ok_or_else(unknown)?;
    show(waiting, &view);
    let unread = || CliError::Failed("its text does not open: nothing to ask an auditor for".into());
    let case = reference(&waiting.text.as_ref().ok_or_else(unread)?.case_id.0);
    let what = "With an auditor's signature this is released before its cooling-off is over, or above the day's cap.";
    if typed_reference(what, args.confirm.as_deref())? != case {
        return Err(CliError::Failed("you typed another case: nothing was changed".into()));
    }
    if !warden.ask_auditor(args.request).await? {
        return Err(CliError::Failed("this warden has answered it already".into()));
    }
    println!("{}: as soon as enough have approved, it waits on the board for an auditor.", hex::encode(args.request));
    println!("The auditor finds it with `tabir sign --waiting`, and asks you what it is about.");
    Ok(())
}
