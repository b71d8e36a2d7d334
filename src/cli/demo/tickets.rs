//! Real city tickets, one JSON object a line: what the demo's citizens report.

use std::path::Path;

use serde_json::Value;
use tabir_crypto::content::{Latitude, Location, Longitude, Precision};
use tabir_crypto::statement::body::{Category, Release};

use crate::cli::{CliError, read};
use crate::config::profile::{category, default_categories};

/// The bundled tickets: 100 requests of the city of New Orleans' open data.
const BUNDLED: &str = include_str!("../../../tests/data/reports-neworleans.jsonl");
/// Categories that a demo's policy takes from a file; the rest are reported as "other".
const MAX_CATEGORIES: usize = 100;

/// One ticket.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What kind.
    pub service: String,
    /// The text.
    pub text: String,
    /// Place in words.
    pub address: String,
    /// Decimal degrees.
    pub place: Option<(Latitude, Longitude)>,
}

/// Reads a file, or the bundled tickets. Other fields are ignored, missing ones are empty. Error: a line that is not a
/// JSON object, by its number.
pub fn load(file: Option<&Path>) -> Result<Vec<Ticket>, CliError> {
    let text = match file {
        Some(path) => {
            String::from_utf8(read(path)?).map_err(|_| CliError::Failed(format!("{}: not UTF-8", path.display())))?
        }
        None => BUNDLED.to_owned(),
    };
    let name = file.map_or_else(|| "bundled tickets".into(), |f| f.display().to_string());
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let tickets = lines.map(|(line, number)| {
        let value: Value = serde_json::from_str(line).map_err(|_| bad(&name, number))?;
        if value.is_object() { Ok(ticket(&value)) } else { Err(bad(&name, number)) }
    });
    let tickets: Vec<Ticket> = tickets.collect::<Result<_, _>>()?;
    if tickets.is_empty() { Err(CliError::Failed(format!("{name}: no tickets"))) } else { Ok(tickets) }
}

fn bad(name: &str, line: u32) -> CliError {
    CliError::Failed(format!("{name}: line {line} is not a JSON object"))
}

fn ticket(value: &Value) -> Ticket {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let degrees = |key: &str| value.get(key).and_then(Value::as_f64).map(|d| format!("{d:.6}"));
    let place = || Some((Latitude::new(&degrees("lat")?).ok()?, Longitude::new(&degrees("long")?).ok()?));
    Ticket { service: text("service_name"), text: text("description"), address: text("address"), place: place() }
}

impl Ticket {
    /// Where, as a point if the ticket has one.
    pub fn location(&self) -> tabir_crypto::Result<Location> {
        let precision = match (&self.place, self.address.is_empty()) {
            (Some(_), _) => Precision::Point,
            (None, false) => Precision::Ward,
            (None, true) => Precision::None,
        };
        let text = if precision == Precision::None { String::new() } else { self.address.clone() };
        Location::new(precision, self.place.clone(), text)
    }

    /// Its category of the policy.
    #[must_use]
    pub fn category<'a>(&self, all: &'a [Category]) -> Option<&'a Category> {
        all.iter().find(|c| c.en.as_str() == self.service).or_else(|| all.iter().find(|c| c.code.as_str() == "other"))
    }
}

/// The categories of a demo: the tickets' own kinds, then the usual ones. What the file says of itself is public, so it
/// leaves at once, except for every third kind: a demo shows both ways.
pub fn categories(tickets: &[Ticket]) -> tabir_crypto::Result<Vec<Category>> {
    let mut all: Vec<Category> = Vec::new();
    for ticket in tickets {
        if all.len() < MAX_CATEGORIES && !all.iter().any(|c| c.en.as_str() == ticket.service) {
            let release = if all.len() % 3 == 2 { Release::Batched } else { Release::Urgent };
            // A name that makes no code is reported as "other".
            all.extend(category(&ticket.service, &ticket.service, release).ok());
            let last = all.len().saturating_sub(1);
            let (before, newest) = all.split_at(last);
            if newest.iter().any(|c| before.iter().any(|b| b.code == c.code)) {
                all.pop();
            }
        }
    }
    for usual in default_categories()? {
        if !all.iter().any(|c| c.code == usual.code) {
            all.push(usual);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_tickets_are_a_hundred_with_places_and_categories() {
        let tickets = load(None).unwrap();
        assert_eq!(tickets.len(), 100);
        let all = categories(&tickets).unwrap();
        assert!(tickets.iter().all(|t| t.category(&all).is_some() && t.location().is_ok()));
        assert!(tickets.iter().filter(|t| t.place.is_some()).count() > 90);
    }

    #[test]
    fn a_line_that_is_not_json_is_named_and_missing_fields_are_not_missed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.jsonl");
        std::fs::write(&file, "{\"service_name\":\"A\"}\n\n{\"x\":1,\"lat\":\"no number\"}\n").unwrap();
        let tickets = load(Some(&file)).unwrap();
        assert_eq!(tickets.len(), 2);
        let all = categories(&tickets).unwrap();
        assert_eq!(tickets[1].category(&all).unwrap().code.as_str(), "other");
        std::fs::write(&file, "{}\n{}\nnot json\n").unwrap();
        assert!(load(Some(&file)).unwrap_err().to_string().contains("line 3"));
    }
}
