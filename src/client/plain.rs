//! Reports that arrive as plain fields, where the reporter's own device does no cryptography: an app's server, a counter.
//! What arrives is sealed here, before anything of it is stored or sent, by the same code as on a device; the content says
//! who did it. Not covered: what this machine's memory held meanwhile.

use std::collections::BTreeMap;

use tabir_crypto::Code;
use tabir_crypto::content::{Contact, ContactKind, IdentityRecord, Latitude, Location, Longitude, Precision, Via};
use tabir_crypto::statement::body::{Category, Release};
use tabir_crypto::statement::value::{CodeText, Text, V1};

use super::consent::Consent;
use super::report::{Draft, Sealed, seal_via};
use super::{ClientError, Session};

/// Decimals of a coordinate that are kept: a centimetre.
const DECIMALS: usize = 7;

/// What arrived. It never prints itself.
#[derive(Clone, Default)]
pub struct Plain {
    /// Category code.
    pub category: String,
    /// The report.
    pub text: String,
    /// Language tag of the text; empty for `id`.
    pub language: String,
    /// Place in words.
    pub place: String,
    /// Latitude and longitude in decimal degrees, in any way of writing a number.
    pub point: Option<(String, String)>,
    /// Attributes that the category asks for.
    pub attributes: BTreeMap<CodeText, Text>,
    /// When it leaves; the category's default if not given.
    pub release: Option<Release>,
    /// Who reports, if that is given.
    pub identity: Option<IdentityRecord>,
}

/// Why it is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum PlainError {
    /// The policy has no such category.
    #[error("there is no such category")]
    Category,
    /// A field that is missing or says nothing that could be used.
    #[error("{0} is missing or wrong")]
    Field(&'static str),
    /// Beyond what an identity record holds.
    #[error("the identity is longer than {} bytes", tabir_crypto::content::RECORD_SIZE - 2)]
    IdentityTooLong,
    /// Beyond the largest content.
    #[error("the report is too long")]
    TooLong,
    /// No key or council counts, the head of the log is too old for an identity, or another council than was shown counts.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// For a process that sees what others seal on their own devices: a crash leaves no memory on the disk.
pub fn no_core_dump() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // An error means that the limit is lower already.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Seals what arrived, in the reporter's place; [`super::report::send`] sends it.
pub fn seal(session: &Session, plain: &Plain, via: Via, shown: Option<&Consent>) -> Result<Sealed, PlainError> {
    let draft = draft(&session.services.categories, plain)?;
    // The record is tried first, so that its length is not taken for the report's.
    IdentityRecord::to_padded(draft.identity.as_ref()).map_err(|_| PlainError::IdentityTooLong)?;
    seal_via(session, &draft, shown, Some(via)).map_err(|error| match error {
        ClientError::Crypto(e) if e.code() == Code::TooLong => PlainError::TooLong,
        other => other.into(),
    })
}

fn draft(categories: &[Category], plain: &Plain) -> Result<Draft, PlainError> {
    let category = categories.iter().find(|c| c.code.as_str() == plain.category).ok_or(PlainError::Category)?;
    let text = plain.text.trim_end();
    if text.trim_start().is_empty() {
        return Err(PlainError::Field("description"));
    }
    let language = if plain.language.is_empty() { "id" } else { &plain.language };
    let point = match &plain.point {
        Some((lat, lon)) => Some((
            decimal(lat).and_then(|lat| Latitude::new(&lat).ok()).ok_or(PlainError::Field("lat"))?,
            decimal(lon).and_then(|lon| Longitude::new(&lon).ok()).ok_or(PlainError::Field("long"))?,
        )),
        None => None,
    };
    let precision = match (&point, plain.place.is_empty()) {
        (Some(_), _) => Precision::Point,
        (None, false) => Precision::Ward,
        (None, true) => Precision::None,
    };
    Ok(Draft {
        category: category.code.clone(),
        text: text.to_owned(),
        language: CodeText::new(language).map_err(|_| PlainError::Field("language"))?,
        location: Location::new(precision, point, plain.place.clone()).map_err(ClientError::from)?,
        attributes: plain.attributes.clone(),
        release: plain.release.unwrap_or(category.release),
        identity: plain.identity.clone().filter(|record| !is_empty(record)),
    })
}

/// A number as degrees are written.
fn decimal(text: &str) -> Option<String> {
    let number = text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() <= 180.0)?;
    let fixed = format!("{number:.DECIMALS$}");
    let short = fixed.trim_end_matches('0').trim_end_matches('.');
    Some(if short == "-0" { "0".into() } else { short.to_owned() })
}

/// A record that says nothing is none: an envelope that seals "none" looks the same.
fn is_empty(record: &IdentityRecord) -> bool {
    record.name.is_none() && record.contact.is_empty() && record.national_id.is_none() && record.note.is_none()
}

/// A record of a name and of ways to reach somebody; what is empty is left out.
#[must_use]
pub fn identity(name: &str, contacts: impl IntoIterator<Item = (ContactKind, String)>) -> IdentityRecord {
    let contact = contacts.into_iter().filter(|(_, value)| !value.trim().is_empty());
    IdentityRecord {
        v: V1,
        name: Some(name.trim().to_owned()).filter(|n| !n.is_empty()),
        contact: contact.map(|(kind, value)| Contact { kind, value: value.trim().to_owned() }).collect(),
        national_id: None,
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories() -> Vec<Category> {
        let text = |t| Text::new(t).unwrap();
        let code = CodeText::new("pothole").unwrap();
        vec![Category { code, id: text("Lubang"), en: text("Pothole"), release: Release::Batched }]
    }

    fn plain() -> Plain {
        Plain { category: "pothole".into(), text: "A hole\n".into(), ..Plain::default() }
    }

    #[test]
    fn what_is_not_said_takes_the_categorys_word_or_none() {
        let draft = draft(&categories(), &plain()).unwrap();
        assert_eq!((draft.text.as_str(), draft.language.as_str()), ("A hole", "id"));
        assert_eq!((draft.release, draft.location.precision()), (Release::Batched, Precision::None));
        assert!(draft.identity.is_none());
        let nobody = identity(" ", [(ContactKind::Email, "  ".into())]);
        assert!(super::draft(&categories(), &Plain { identity: Some(nobody), ..plain() }).unwrap().identity.is_none());
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let place = |lat: &str, lon: &str| {
            let plain = Plain { point: Some((lat.into(), lon.into())), ..plain() };
            let draft = draft(&categories(), &plain)?;
            let (lat, lon) = draft.location.place().unwrap();
            Ok::<_, PlainError>(format!("{} {}", lat.as_str(), lon.as_str()))
        };
        assert_eq!(place("-6.17539241234", "+1.068272e2").unwrap(), "-6.1753924 106.8272");
        assert_eq!(place("-0.00000001", "180").unwrap(), "0 180");
        for bad in ["", "six", "NaN", "inf", "90.1", "-91", "1e300"] {
            assert!(matches!(place(bad, "0"), Err(PlainError::Field("lat"))), "{bad}");
        }
        assert!(matches!(place("0", "180.5"), Err(PlainError::Field("long"))));
    }

    #[test]
    fn refuses_what_says_nothing() {
        let refused = |plain: Plain| draft(&categories(), &plain).unwrap_err();
        assert!(matches!(refused(Plain { category: "Pothole".into(), ..plain() }), PlainError::Category));
        assert!(matches!(refused(Plain { text: " \n".into(), ..plain() }), PlainError::Field("description")));
        assert!(matches!(refused(Plain { language: "id ID".into(), ..plain() }), PlainError::Field("language")));
    }
}
