//! A case: whether there is news, what happened, and what can be done.

use maud::{Markup, html};
use tabir_crypto::content::MessageKind;
use tabir_crypto::statement::Body;
use tabir_crypto::statement::body::Status;

use super::report::home;
use super::{Choice, Switch, Text, Trouble, address, at, date, hidden, summary, voucher, warning, whole};
use crate::api::gateway::StatusEntry;
use crate::client::opening::Opening;
use crate::form::fields::{Asked, What};
use crate::form::record::Looked;
use crate::form::service::{DISPUTES, Found};
use crate::form::words::{Language, fill, t};
use crate::words;

/// The field for a receipt. What was typed stays in it after a mistake: it is a word that is to be mended.
pub fn back(l: Language, demo: bool, typed: &str, troubles: &[Trouble]) -> String {
    let code = Text {
        name: "receipt",
        id: "receipt",
        label: t(l, "back.label"),
        hint: Some(t(l, "back.hint")),
        value: typed,
        rows: 3,
        error: at(troubles, "receipt"),
    };
    let content = html! {
        section {
            h1 { (t(l, "back.title")) }
            (warning(l, &t(l, "warn.case")))
            (summary(&t(l, "back.not"), None, troubles))
            form id="main" method="post" action=(address(l, "case")) autocomplete="off" {
                (code.markup())
                div class="actions" { button class="primary" id="open" { (t(l, "back.open")) } }
            }
            details { summary { (t(l, "back.lost")) } p { (t(l, "back.lost.words")) } }
            (home(l))
        }
    };
    whole(l, demo, Some(&Switch::Link("case")), &content)
}

/// What a case's page needs beside the case.
pub struct View<'v> {
    pub l: Language,
    /// The receipt: each of its forms sends it again.
    pub receipt: &'v str,
    /// For this page's writes.
    pub once: &'v str,
    pub now: u64,
    /// Without a voucher nothing pays.
    pub needed: bool,
    /// What was to be done, with what was typed for it, and what is wrong with it.
    pub asked: Option<(&'v Asked, &'v [Trouble])>,
    /// What was done.
    pub done: Option<What>,
}

const fn is_ended(status: Status) -> bool {
    matches!(status, Status::Resolved | Status::Declined)
}

/// The page of a case.
pub fn case(v: &View<'_>, demo: bool, found: &Found) -> String {
    let (l, case) = (v.l, &found.case.view);
    let troubles = v.asked.map_or(&[][..], |(_, troubles)| troubles);
    let ended = case.status.last().is_some_and(|last| is_ended(last.status));
    let content = html! {
        section class="case" {
            h1 { (fill(l, "case.title", &[("reference", &case.reference)])) }
            (warning(l, &t(l, "warn.case")))
            @if let Some(what) = v.done {
                p class="banner" id="done" role="status" { (t(l, &format!("{}.done", what.as_str()))) }
            }
            (summary(&t(l, "trouble.title"), Some(&t(l, "trouble.kept")), troubles))
            @if case.erased { p class="banner" id="erased" { (t(l, "case.erased")) } } @else { (news(v, found)) }
            (openings(l, found.looked.as_ref()))
            @if !case.erased {
                (answer(v, found))
                (timeline(l, &case.status))
                (messages(l, found))
                @if ended { (rating(v, case.rated)) (dispute(v, case.disputed)) }
                @if found.case.open_question().is_none() { (message(v)) }
                (erase(v))
            }
            form id="look" method="post" action=(address(l, "case")) autocomplete="off" {
                (hidden("receipt", v.receipt))
                div class="actions" {
                    button id="again" { (t(l, "case.refresh")) }
                    a class="button" href=(address(l, "")) { (t(l, "case.close")) }
                }
            }
        }
    };
    whole(l, demo, Some(&Switch::Button { form: "look", page: "case" }), &content)
}

/// The answer to "is there news?".
fn news(v: &View<'_>, found: &Found) -> Markup {
    let (l, case) = (v.l, &found.case.view);
    let last = case.status.last();
    let status = last.map_or(Status::Received, |s| s.status);
    let due = last.and_then(|s| s.due).filter(|_| !is_ended(status));
    let question = found.case.open_question().is_some();
    let quiet = !question && found.case.messages.is_empty() && case.status.len() <= 1;
    let deadline = match case.acceptance.body() {
        Ok(Body::Acceptance(a)) => date(a.deadline.0),
        _ => String::new(),
    };
    html! {
        div class="banner news" id="news" {
            p class="status" {
                strong { (t(l, &format!("status.{}", status.as_str()))) }
                @if let Some(s) = last { " · " (date(s.at.unix())) }
            }
            @match due {
                Some(due) if due.0 < v.now => p class="late" id="late" { (fill(l, "case.late", &[("date", &date(due.0))])) },
                Some(due) => p { (fill(l, "case.due", &[("date", &date(due.0))])) },
                None => {},
            }
            @if let Some(eta) = last.and_then(|s| s.eta) { p { (fill(l, "case.eta", &[("date", &date(eta.0))])) } }
            @if question { p class="strong" { (t(l, "case.question")) } }
            @if quiet { p { (t(l, "case.quiet")) } }
            p class="hint" {
                @if case.sent { (t(l, "case.sent")) } @else { (fill(l, "case.waits", &[("date", &deadline)])) }
            }
        }
    }
}

/// Whether anybody asked who the reporter is.
fn openings(l: Language, looked: Option<&Looked>) -> Markup {
    html! {
        section id="openings" {
            h2 { (t(l, "openings.title")) }
            @match looked {
                None => p class="strong" { (t(l, "openings.unread")) },
                Some(looked) => {
                    @for opening in &looked.openings { (opening_of(l, opening, looked)) }
                    @if let Some(age) = looked.old_s { p class="strong" { (words::stale(l, age)) } }
                    p class="hint" {
                        (words::looked(l, looked.openings.len(), looked.size, looked.witnessed)) " " (t(l, "openings.server"))
                    }
                },
            }
        }
    }
}

fn opening_of(l: Language, opening: &Opening, looked: &Looked) -> Markup {
    let codes = looked.codes.as_ref();
    html! {
        article class="banner warn" {
            p class="strong" { (words::status(l, opening)) }
            @if let Some(deferral) = &opening.deferral { p { (words::deferred(l, deferral, codes)) } }
            ol class="timeline" {
                @for step in &opening.steps {
                    li {
                        span { (words::step(l, &step.what, codes)) }
                        span class="hint" {
                            (fill(l, "openings.entry", &[("entry", &step.entry.to_string()), ("date", &date(step.witnessed))]))
                        }
                    }
                }
            }
        }
    }
}

fn timeline(l: Language, status: &[StatusEntry]) -> Markup {
    html! {
        section {
            h2 { (t(l, "timeline.title")) }
            @if status.is_empty() { p class="hint" { (t(l, "timeline.empty")) } } @else {
                ol class="timeline" {
                    @for (at, entry) in status.iter().enumerate() {
                        li class=(if at + 1 == status.len() { "now" } else { "done" }) {
                            strong { (t(l, &format!("status.{}", entry.status.as_str()))) }
                            span { (date(entry.at.unix())) }
                        }
                    }
                }
            }
        }
    }
}

fn messages(l: Language, found: &Found) -> Markup {
    let who = |kind| if kind == MessageKind::Question { t(l, "message.question") } else { t(l, "message.note") };
    html! {
        section {
            h2 { (t(l, "messages.title")) }
            @if found.case.messages.is_empty() { p class="hint" { (t(l, "messages.empty")) } } @else {
                ul class="messages" {
                    @for message in &found.case.messages {
                        li { strong { (who(message.kind)) } p { (message.text) } }
                    }
                }
            }
        }
    }
}

impl View<'_> {
    /// What was typed for this, if that is what went wrong.
    fn typed(&self, what: What) -> Option<(&Asked, &[Trouble])> {
        self.asked.filter(|(asked, _)| asked.what == what)
    }

    /// A form that does one thing. Its fields have their own names as ids where something is wrong with them, so that the
    /// summary leads there.
    fn form(&self, what: What, fields: &Markup, danger: bool) -> Markup {
        let (l, name) = (self.l, what.as_str());
        html! {
            form method="post" action=(address(l, &format!("case/{name}"))) autocomplete="off" {
                (hidden("receipt", self.receipt))
                (hidden("once", self.once))
                (fields)
                div class="actions" {
                    button class=(if danger { "danger" } else { "primary" }) id={ "send-" (name) } { (t(l, &format!("{name}.send"))) }
                }
            }
        }
    }

    fn text(&self, what: What, hint: Option<String>) -> Markup {
        let name = what.as_str();
        let typed = self.typed(what);
        let error = typed.and_then(|(_, troubles)| at(troubles, "text"));
        let own = format!("{name}-text");
        let id = if error.is_some() { "text" } else { own.as_str() };
        let value = typed.map_or("", |(asked, _)| asked.text.as_str());
        Text { name: "text", id, label: t(self.l, &format!("{name}.label")), hint, value, rows: 4, error }.markup()
    }

    fn choice(&self, what: What, options: Vec<(String, String)>) -> Markup {
        let name = what.as_str();
        let typed = self.typed(what);
        let error = typed.and_then(|(_, troubles)| at(troubles, "choice"));
        let own = format!("{name}-choice");
        let id = if error.is_some() { "choice" } else { own.as_str() };
        let chosen = typed.map_or("", |(asked, _)| asked.choice.as_str());
        let legend = t(self.l, &format!("{name}.legend"));
        Choice { id, legend, hint: None, options, chosen, error }.markup("choice")
    }
}

fn answer(v: &View<'_>, found: &Found) -> Markup {
    let l = v.l;
    let Some(question) = found.case.open_question() else { return html! {} };
    let fields = html! {
        (hidden("choice", &question.seq.to_string()))
        (v.text(What::Answer, Some(t(l, "answer.hint"))))
    };
    html! {
        section class="card" id="question" {
            h2 { (t(l, "answer.title")) }
            blockquote { (question.text) }
            (v.form(What::Answer, &fields, false))
        }
    }
}

fn message(v: &View<'_>) -> Markup {
    let l = v.l;
    let typed = v.typed(What::Message);
    let error = typed.and_then(|(_, troubles)| at(troubles, "voucher"));
    let code = typed.map_or("", |(asked, _)| asked.voucher.as_str());
    let id = if error.is_some() { "voucher" } else { "message-voucher" };
    let fields = html! {
        (v.text(What::Message, Some(t(l, "message.hint"))))
        (voucher(l, id, code, v.needed, error))
    };
    html! {
        details class="card" open[typed.is_some()] { summary { (t(l, "message.title")) } (v.form(What::Message, &fields, false)) }
    }
}

fn rating(v: &View<'_>, given: bool) -> Markup {
    let l = v.l;
    if given {
        return html! { p class="hint" id="rated" { (t(l, "rating.done")) } };
    }
    let options = (1..=5).map(|n| (n.to_string(), n.to_string())).collect();
    html! {
        section class="card" { h2 { (t(l, "rating.title")) } (v.form(What::Rating, &v.choice(What::Rating, options), false)) }
    }
}

fn dispute(v: &View<'_>, given: bool) -> Markup {
    let l = v.l;
    if given {
        return html! { p class="hint" id="disputed" { (t(l, "dispute.done")) } };
    }
    let options = DISPUTES.map(|code| (code.as_str().to_owned(), t(l, &format!("dispute.{}", code.as_str()))));
    let fields = html! { (v.choice(What::Dispute, options.into())) (v.text(What::Dispute, None)) };
    html! {
        details class="card" id="dispute" open[v.typed(What::Dispute).is_some()] {
            summary { (t(l, "dispute.title")) }
            (v.form(What::Dispute, &fields, false))
        }
    }
}

fn erase(v: &View<'_>) -> Markup {
    let l = v.l;
    let typed = v.typed(What::Erase);
    let error = typed.and_then(|(_, troubles)| at(troubles, "sure"));
    let fields = html! {
        p { (t(l, "erase.explain")) }
        @if let Some(text) = error { p class="error" id="sure-error" { (text) } }
        p class="check" {
            input type="checkbox" id="sure" name="sure" value="1" autocomplete="off" aria-describedby=[error.map(|_| "sure-error")];
            label for="sure" { (t(l, "erase.sure")) }
        }
    };
    html! {
        details class="card" id="erasing" open[typed.is_some()] { summary { (t(l, "erase.title")) } (v.form(What::Erase, &fields, true)) }
    }
}
