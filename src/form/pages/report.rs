//! From the first page to the receipt.

use maud::{Markup, html};
use tabir_crypto::statement::body::Category;

use super::{Choice, Switch, Text, Trouble, address, at, hidden, summary, voucher, warning, whole};
use crate::form::fields::Report;
use crate::form::service::Sent;
use crate::form::words::{Language, fill, t};

/// The first page.
pub fn start(l: Language, demo: bool) -> String {
    let content = html! {
        section class="start" {
            h1 { (t(l, "start.title")) }
            p { (t(l, "start.what")) }
            p { (t(l, "start.never")) }
            (warning(l, &t(l, "warn.report")))
            p { (t(l, "start.better")) }
            p { (t(l, "start.danger")) }
            div class="actions" {
                a class="button primary" href=(address(l, "report")) { (t(l, "start.report")) }
                a class="button" href=(address(l, "case")) { (t(l, "start.back")) }
            }
        }
    };
    whole(l, demo, Some(&Switch::Link("")), &content)
}

/// The fields of a report, with what was typed before. `needed`: without a voucher nothing pays.
pub fn report(
    l: Language,
    demo: bool,
    needed: bool,
    categories: &[Category],
    r: &Report,
    troubles: &[Trouble],
) -> String {
    let options = categories.iter().map(|c| (c.code.to_string(), l.pick(&c.id, &c.en).as_str().to_owned()));
    let category = Choice {
        id: "category",
        legend: t(l, "report.category"),
        hint: Some(t(l, "report.category.hint")),
        options: options.collect(),
        chosen: &r.category,
        error: at(troubles, "category"),
    };
    let text = Text {
        name: "text",
        id: "text",
        label: t(l, "report.text"),
        hint: Some(t(l, "report.text.hint")),
        value: &r.text,
        rows: 10,
        error: at(troubles, "text"),
    };
    let place = Text {
        name: "place",
        id: "place",
        label: t(l, "report.place"),
        hint: Some(t(l, "report.place.hint")),
        value: &r.place,
        rows: 1,
        error: at(troubles, "place"),
    };
    let content = html! {
        section {
            h1 { (t(l, "report.title")) }
            (warning(l, &t(l, "warn.report")))
            p { (t(l, "start.never")) }
            (summary(&t(l, "trouble.title"), Some(&t(l, "trouble.kept")), troubles))
            form id="main" method="post" action=(address(l, "report")) autocomplete="off" {
                (hidden("once", &r.once))
                (category.markup("category"))
                (text.markup())
                (place.markup())
                (voucher(l, "voucher", &r.voucher, needed, at(troubles, "voucher")))
                p class="strong" { (t(l, "report.paper")) }
                div class="actions" { button class="primary" id="send" { (t(l, "report.send")) } }
            }
            (home(l))
        }
    };
    whole(l, demo, Some(&Switch::Button { form: "main", page: "report" }), &content)
}

/// The receipt, once.
pub fn receipt(l: Language, demo: bool, sent: &Sent) -> String {
    let code = sent.receipt.text();
    let content = html! {
        section class="keep" {
            h1 { (t(l, "receipt.title")) }
            p { (fill(l, "receipt.accepted", &[("reference", &sent.reference)])) }
            p class="strong" { (t(l, "receipt.what")) }
            ol class="receipt" id="receipt" translate="no" {
                @for group in code.expose().split('-') { li { (group) } }
            }
            ul class="points" {
                li { (t(l, "receipt.once")) }
                li { (t(l, "receipt.nobody")) }
                li { (t(l, "receipt.bearer")) }
                li { (t(l, "receipt.print")) }
                li { (t(l, "receipt.check")) }
            }
            div class="actions" {
                a class="button primary" href=(address(l, "case")) { (t(l, "start.back")) }
                (home(l))
            }
        }
    };
    // In the other language it would have to be sent once more; the words of the receipt are the same in both.
    whole(l, demo, None, &content)
}

pub(super) fn home(l: Language) -> Markup {
    html! { a class="button" href=(address(l, "")) { (t(l, "home")) } }
}
