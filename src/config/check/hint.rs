//! What is said of a mistake, from what the parser says of it: without the value, and with the likely cure.

use super::read::Entry;

/// How alike a name must be to be offered in its place, of 1.
const ALIKE: f64 = 0.7;
/// Words for units, in seconds.
const UNITS: [(&str, u64); 6] = [("ms", 0), ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// The name of a field that is missing.
pub fn missing(message: &str) -> Option<&str> {
    quoted(message.strip_prefix("missing field ")?)
}

fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// What is wrong, and what to do about it.
pub fn of(message: &str, entry: &Entry) -> (String, String) {
    let first = message.lines().next().unwrap_or_default();
    if let Some(rest) = first.strip_prefix("unknown field ") {
        let names: Vec<&str> = rest.split('`').skip(3).step_by(2).collect();
        return ("there is no such key".into(), unknown(entry.name(), &names));
    }
    if let Some((_, expected)) = first.rsplit_once(", expected ") {
        // The part before it repeats the value, which may be a secret in the wrong place.
        return (format!("this is not {}", expected.trim()), unit(entry));
    }
    (first.to_owned(), unit(entry))
}

fn unknown(name: &str, names: &[&str]) -> String {
    let stem = |n: &str| n.rsplit_once('_').map_or_else(|| n.to_owned(), |(stem, _)| stem.to_owned());
    let same_stem = names.iter().find(|n| stem(n) == stem(name) || stem(n) == name);
    let alike = names.iter().map(|n| (strsim::jaro_winkler(n, name), n)).max_by(|a, b| a.0.total_cmp(&b.0));
    let near = same_stem.or_else(|| alike.filter(|(how, _)| *how >= ALIKE).map(|(_, n)| n));
    match near {
        Some(near) => format!("Do you mean `{near}`{}?", in_unit(near)),
        None if names.is_empty() => "Take the line out.".into(),
        None => format!("Take the line out; this section knows {}.", names.join(", ")),
    }
}

/// What a key counts in, by its name.
fn in_unit(name: &str) -> &'static str {
    match name {
        n if n.ends_with("_ms") => ", a whole number of milliseconds",
        n if n.ends_with("_s") => ", a whole number of seconds",
        n if n.ends_with("_file") => ", the name of a file that holds it",
        _ => "",
    }
}

/// A number that was written with its unit is offered in the key's own.
fn unit(entry: &Entry) -> String {
    let per = match entry.name() {
        n if n.ends_with("_ms") => 1_000,
        n if n.ends_with("_s") => 1,
        _ => return "Write a value of this kind.".into(),
    };
    let unit = if per == 1 { "seconds" } else { "milliseconds" };
    match entry.text.as_deref().filter(|_| entry.string).and_then(milliseconds) {
        Some(ms) => format!("Write a whole number of {unit}, without quotes: {}.", ms * per / 1_000),
        None => format!("Write a whole number of {unit}, without quotes or unit."),
    }
}

/// `30d`, `30 days`, `90s`, `250 ms`.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let word = text.get(digits..)?.trim();
    let word = if word.starts_with("ms") || word.starts_with("milli") { "ms" } else { word.get(..1)? };
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == word)?;
    number.checked_mul(if *seconds == 0 { 1 } else { seconds * 1_000 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_its_unit_is_understood() {
        let cases = [
            ("30d", 2_592_000_000),
            ("30 days", 2_592_000_000),
            ("90s", 90_000),
            ("250 ms", 250),
            ("2 weeks", 1_209_600_000),
        ];
        for (text, want) in cases {
            assert_eq!(milliseconds(text), Some(want), "{text}");
        }
        for text in ["", "soon", "30", "99999999999999999999d", "30 fortnights"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_nearly_right_is_offered() {
        let names = ["dir", "downstream", "poll_ms", "epoch_s", "api_key_file"];
        assert!(unknown("poll_s", &names).contains("`poll_ms`, a whole number of milliseconds"));
        assert!(unknown("epoch", &names).contains("`epoch_s`"));
        assert!(unknown("epoch_days", &names).contains("`epoch_s`"));
        assert!(unknown("downstraem", &names).contains("`downstream`"));
        assert!(unknown("colour", &names).contains("Take the line out"));
    }
}
