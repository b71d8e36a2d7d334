//! Every failure in words: what happened, and what to do now. That nothing was lost, the page says beside it.

use super::Form;
use super::words::{Language, fill, t};
use crate::sealing::Refusal;

/// Bytes of a report's text as JSON; the rest of the largest content is for everything else in it.
pub const MAX_TEXT: usize = 60_000;
/// The same of a place.
pub const MAX_PLACE: usize = 500;
/// The same of a message, with room for all else inside it.
pub const MAX_MESSAGE: usize = 15_000;

/// One thing that is wrong, at a field if it is one's.
pub struct Trouble {
    pub field: Option<&'static str>,
    pub text: String,
}

impl Trouble {
    pub fn of(l: Language, key: &str, field: &'static str) -> Self {
        Self { field: Some(field), text: t(l, key) }
    }

    pub fn long(l: Language, n: usize, field: &'static str) -> Self {
        Self { field: Some(field), text: fill(l, "trouble.long", &[("n", &n.to_string())]) }
    }

    const fn everywhere(text: String) -> Self {
        Self { field: None, text }
    }
}

/// By how many bytes a text is too long.
pub fn beyond(text: &str, max: usize) -> Option<usize> {
    let bytes = serde_json::to_string(text).map_or(text.len(), |json| json.len().saturating_sub(2));
    bytes.checked_sub(max).filter(|n| *n > 0)
}

/// A refusal in words, with the status of the answer.
pub fn explain(l: Language, form: &Form, refusal: &Refusal) -> (u16, Trouble) {
    let said = |key: &str| Trouble::everywhere(t(l, key));
    match refusal {
        Refusal::Category => (400, Trouble::of(l, "trouble.category", "category")),
        Refusal::Field(_) => (400, Trouble::of(l, "trouble.empty", "text")),
        // Where the fields are short enough by themselves and too long together.
        Refusal::TooLong | Refusal::IdentityTooLong => (413, Trouble::long(l, 1_000, "text")),
        Refusal::Voucher => (400, Trouble::of(l, "trouble.voucher", "voucher")),
        Refusal::NoToken if form.config.stock == 0 => (400, Trouble::of(l, "trouble.voucher-needed", "voucher")),
        Refusal::NoToken => {
            let n = form.config.puzzles_per_minute;
            let (most, span) = (n.to_string(), l.span(form.queue.wait_s(n)));
            (503, Trouble::everywhere(fill(l, "trouble.queue", &[("n", &most), ("span", &span)])))
        }
        Refusal::Gateway(code) => of_gateway(l, code),
        Refusal::Db(error) => {
            tracing::error!(%error, "store");
            (503, said("trouble.unavailable"))
        }
        Refusal::Unavailable | Refusal::Stale | Refusal::NoVouchers => (503, said("trouble.unavailable")),
    }
}

fn of_gateway(l: Language, code: &str) -> (u16, Trouble) {
    let (status, key) = match code {
        "no-case" | "access-key" => (404, "trouble.no-case"),
        "erased" => (410, "trouble.erased"),
        // A question that was answered elsewhere leaves a message without its price.
        "counter" | "seq" | "token-missing" => (409, "trouble.elsewhere"),
        "rated" | "disputed" => (409, "trouble.done"),
        _ => return (503, Trouble::everywhere(fill(l, "trouble.other", &[("code", code)]))),
    };
    (status, Trouble::everywhere(t(l, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_as_it_is_sent() {
        assert_eq!(beyond("abc", 3), None);
        assert_eq!(beyond("abcd", 3), Some(1));
        assert_eq!(beyond("\n\n", 3), Some(1), "a line break is two letters there");
    }
}
