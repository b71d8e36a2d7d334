//! What an official sees of a request before he signs anything about it: from the log, and from his copy of the text.

use serde_json::{Value, json};
use tabir_crypto::receipt::reference;
use tabir_crypto::statement::body::{Category, CodeEntry};
use tabir_crypto::statement::value::{CodeText, Second};
use tabir_crypto::trust::unseal::{Request, Status};

use super::unseal::Desk;
use crate::client::Session;
use crate::client::official::case::OpenRequest;

/// A request with less time than this is near its end: a day, in which people can still be reached.
const NEAR_S: u64 = 86_400;

/// A code with the words that the policy has for it.
fn words(list: Option<&Vec<CodeEntry>>, code: &CodeText) -> String {
    let entry = list.into_iter().flatten().find(|e| &e.code == code);
    entry.map_or_else(|| code.to_string(), |e| format!("{code} ({} / {})", e.id.as_str(), e.en.as_str()))
}

fn category_words(list: Option<&Vec<Category>>, code: &CodeText) -> String {
    let entry = list.into_iter().flatten().find(|c| &c.code == code);
    entry.map_or_else(|| code.to_string(), |c| format!("{code} ({} / {})", c.id.as_str(), c.en.as_str()))
}

/// When a live request ends by itself, and whether that is near.
pub(super) fn end(session: &Session, request: &Request) -> (Option<Second>, bool) {
    let witnessed = session.view.state.witnessed();
    let end = match request.status(witnessed, session.now()) {
        Status::Requested | Status::Approved => request.expires(witnessed),
        Status::Released => request.lapses(witnessed),
        _ => None,
    };
    (end.map(Second), end.is_some_and(|end| end < session.now().saturating_add(NEAR_S)))
}

/// What the log says of a request, a line each.
pub(super) fn logged(session: &Session, request: &Request) -> Vec<String> {
    let (state, body) = (&session.view.state, &request.body);
    let codes = state.policy().map(|p| &p.codes);
    let now = session.now();
    let cooling = match request.cooled_at(state.witnessed()) {
        None => "begins with a witnessed checkpoint".to_owned(),
        Some(at) if at <= now => format!("over since {}", Second(at)),
        Some(at) => format!("until {}", Second(at)),
    };
    let mut lines = vec![
        format!("asked by     official {}", body.requester),
        format!("legal basis  {}", words(codes.map(|c| &c.legal_basis), &body.legal_basis)),
        format!("reason       {}", words(codes.map(|c| &c.reason), &body.reason)),
        format!("cooling-off  {cooling}"),
    ];
    if let (Some(end), near) = end(session, request) {
        lines.push(format!("ends         {end}{}", if near { ": NEAR, less than a day is left" } else { "" }));
    }
    if let (Some(until), Some(code)) = (body.deferred_until, &body.deferral) {
        let told = if request.notice.is_some() { "was told at" } else { "is told at" };
        let why = words(codes.map(|c| &c.deferral), code);
        lines.push(format!("deferral     the reporter {told} {until}, not at once: {why}"));
    }
    lines
}

/// What this official's copy of the text says, a line each.
pub(super) fn sealed(session: &Session, open: &OpenRequest) -> Vec<String> {
    let policy = session.view.state.policy();
    let mut lines = vec![format!("case         {}", reference(&open.text.case_id.0))];
    let category = open.text.category.as_ref().map(|c| category_words(policy.map(|p| &p.categories), c));
    lines.push(match category {
        Some(category) => format!("category     {category}, as the requester states it: nobody here can check that"),
        None => "category     the requester states none".to_owned(),
    });
    lines.extend(open.text.words.lines().map(|line| format!("words        | {line}")));
    for recused in &open.text.recused {
        let why = words(policy.map(|p| &p.codes.recusal), &recused.code);
        lines.push(format!("left out     official {}: {why}", recused.index));
    }
    lines
}

/// The same for programs, as fields of one object.
pub(super) fn fields(open: &OpenRequest) -> Value {
    let text = &open.text;
    json!({
        "case": reference(&text.case_id.0), "category": text.category, "words": text.words, "recused": text.recused,
    })
}

/// Shows all of it, and what is going to be opened.
pub(super) async fn show(desk: &Desk, open: &OpenRequest) {
    for line in sealed(&desk.session, open).into_iter().chain(logged(&desk.session, &open.request)) {
        eprintln!("{line}");
    }
    // What the gateway says of the case binds nobody: an answer that does not come is no reason to stop.
    let case = desk.board.case(&reference(&open.text.case_id.0), desk.session.view.head.size).await;
    if case.is_ok_and(|case| case.ends_soon) {
        eprintln!(
            "envelope     its retention ends within 30 days: it is kept while this request lives, and not for another"
        );
    }
    let members = open.council.n();
    let (t, readers) = (open.council.t(), members - u16::try_from(open.text.recused.len()).unwrap_or_default());
    eprintln!(
        "opens        the identity that the reporter of this one case sealed, whatever it has (name, contact, national id,\n             \
         note), or that there is none; by {t} who approve and help, of {readers} who may"
    );
}
