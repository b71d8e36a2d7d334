//! The pages. `maud` escapes whatever is put in; nothing here goes around that.

mod case;
mod report;

pub use case::{View, back, case};
pub use report::{receipt, report, start};

use maud::{DOCTYPE, Markup, html};
use tabir_crypto::statement::value::Second;

use super::routes::BASE;
use super::trouble::Trouble;
use super::words::{Language, other, t, tag};

/// How a page is shown in the other language.
pub enum Switch<'s> {
    /// By a link to the same page below the language.
    Link(&'s str),
    /// By a button of the form of this id, which sends what was typed to that page without doing anything with it.
    Button { form: &'s str, page: &'s str },
}

/// An address of the form.
pub fn address(l: Language, page: &str) -> String {
    let tag = tag(l);
    if page.is_empty() { format!("{BASE}/{tag}") } else { format!("{BASE}/{tag}/{page}") }
}

/// A whole page. The title is always the same and says nothing.
pub fn whole(l: Language, demo: bool, switch: Option<&Switch<'_>>, content: &Markup) -> String {
    let lang = tag(l);
    let (to, label) = (other(l), t(l, "other"));
    let page = html! {
        (DOCTYPE)
        html lang=(lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                meta name="format-detection" content="telephone=no";
                title { (t(l, "title")) }
                link rel="icon" href={ (BASE) "/icon.svg" } type="image/svg+xml";
                link rel="stylesheet" href={ (BASE) "/style.css" };
            }
            body {
                header {
                    @match switch {
                        Some(Switch::Link(page)) => a href=(address(to, page)) lang=(tag(to)) { (label) },
                        Some(Switch::Button { form, page }) =>
                            button class="quiet" form=(form) formaction=(address(to, page)) name="look" value="1" lang=(tag(to)) { (label) },
                        None => span {},
                    }
                    a class="exit" href=(address(l, "exit")) rel="noreferrer" title=(t(l, "exit.hint")) { (t(l, "exit")) }
                }
                main {
                    @if demo { p class="banner warn" { (t(l, "demo")) } }
                    (content)
                }
            }
        }
    };
    page.into_string()
}

/// That this server can read what is typed: before every field.
fn warning(l: Language, text: &str) -> Markup {
    html! {
        div class="banner warn" id="warning" { p class="strong" { (t(l, "warn.title")) } p { (text) } }
    }
}

/// What is wrong, with a way to each field; `kept`: that nothing was lost.
fn summary(title: &str, kept: Option<&str>, troubles: &[Trouble]) -> Markup {
    html! {
        @if !troubles.is_empty() {
            div class="banner bad" id="trouble" role="alert" tabindex="-1" {
                h2 { (title) }
                ul class="points" {
                    @for trouble in troubles {
                        li {
                            @match trouble.field {
                                Some(field) => a href={ "#" (field) } { (trouble.text) },
                                None => (trouble.text),
                            }
                        }
                    }
                }
                @if let Some(kept) = kept { p { (kept) } }
            }
        }
    }
}

/// One field's trouble.
fn at<'t>(troubles: &'t [Trouble], field: &str) -> Option<&'t str> {
    troubles.iter().find(|t| t.field == Some(field)).map(|t| t.text.as_str())
}

/// A text to be typed.
struct Text<'t> {
    name: &'t str,
    /// Where a page has more than one form, its id is the form's too.
    id: &'t str,
    label: String,
    hint: Option<String>,
    value: &'t str,
    /// Lines; one is an input.
    rows: u8,
    error: Option<&'t str>,
}

impl Text<'_> {
    fn markup(&self) -> Markup {
        let (id, name) = (self.id, self.name);
        let (hint, wrong) = (format!("{id}-hint"), format!("{id}-error"));
        let about = [self.hint.as_ref().map(|_| hint.as_str()), self.error.map(|_| wrong.as_str())];
        let about: Vec<&str> = about.into_iter().flatten().collect();
        let described = Some(about.join(" ")).filter(|text| !text.is_empty());
        let invalid = self.error.map(|_| "true");
        html! {
            div class="field" {
                label for=(id) { (self.label) }
                @if let Some(text) = &self.hint { p class="hint" id=(hint) { (text) } }
                @if let Some(text) = self.error { p class="error" id=(wrong) { (text) } }
                @if self.rows == 1 {
                    input type="text" id=(id) name=(name) value=(self.value) autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby=[&described] aria-invalid=[invalid];
                } @else {
                    // A line break right after the tag is the browser's, so that one of the text stays.
                    textarea id=(id) name=(name) rows=(self.rows) autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby=[&described] aria-invalid=[invalid] { "\n" (self.value) }
                }
            }
        }
    }
}

/// Several answers, of which one is chosen.
struct Choice<'c> {
    id: &'c str,
    legend: String,
    hint: Option<String>,
    /// Value and label.
    options: Vec<(String, String)>,
    chosen: &'c str,
    error: Option<&'c str>,
}

impl Choice<'_> {
    fn markup(&self, name: &str) -> Markup {
        let error = format!("{}-error", self.id);
        html! {
            fieldset id=(self.id) tabindex="-1" aria-describedby=[self.error.map(|_| &error)] {
                legend { (self.legend) }
                @if let Some(text) = &self.hint { p class="hint" { (text) } }
                @if let Some(text) = self.error { p class="error" id=(error) { (text) } }
                @for (value, label) in &self.options {
                    @let id = format!("{}-{value}", self.id);
                    p class="check" {
                        input type="radio" id=(id) name=(name) value=(value) checked[*value == self.chosen] autocomplete="off";
                        label for=(id) { (label) }
                    }
                }
            }
        }
    }
}

fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value) autocomplete="off"; }
}

/// The field for a voucher; `needed` where nothing else pays.
fn voucher(l: Language, id: &str, value: &str, needed: bool, error: Option<&str>) -> Markup {
    let (label, hint) = if needed { ("voucher.needed", "voucher.needed.hint") } else { ("voucher", "voucher.hint") };
    Text { name: "voucher", id, label: t(l, label), hint: Some(t(l, hint)), value, rows: 1, error }.markup()
}

/// A time to the minute: everybody's clock is another, so it says whose it is.
fn date(seconds: u64) -> String {
    let text = Second(seconds).to_string();
    let minute = text.get(..16).unwrap_or_default().replace('T', " ");
    format!("{minute} UTC")
}

/// The page that takes another's place when somebody leaves in a hurry.
pub fn exit(l: Language) -> String {
    whole(l, false, None, &html! { p class="hint" { (t(l, "exit.done")) } })
}

/// There is nothing here, or what was sent can't be read.
pub fn said(l: Language, demo: bool, text: &str) -> String {
    let content = html! {
        h1 { (t(l, "trouble.title")) }
        p { (text) }
        p { a class="button" href=(address(l, "")) { (t(l, "home")) } }
    };
    whole(l, demo, Some(&Switch::Link("")), &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_text() {
        let typed = "</textarea><script>alert(1)</script>\"'";
        let text = Text {
            name: "text",
            id: "text",
            label: typed.into(),
            hint: None,
            value: typed,
            rows: 2,
            error: Some(typed),
        };
        let markup = text.markup().into_string();
        assert!(!markup.contains("<script") && markup.matches("</textarea>").count() == 1, "{markup}");
        assert!(
            markup.contains("aria-invalid=\"true\"") && markup.contains("aria-describedby=\"text-error\""),
            "{markup}"
        );
        let choice = Choice {
            id: "choice",
            legend: typed.into(),
            hint: None,
            options: vec![(typed.into(), typed.into())],
            chosen: typed,
            error: None,
        };
        assert!(!choice.markup("choice").into_string().contains("<script"));
        assert!(!hidden("receipt", typed).into_string().contains("<script"));
        assert_eq!(date(1_800_000_000), "2027-01-15 08:00 UTC");
    }
}
