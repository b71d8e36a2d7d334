//! GeoReport's parameters: what is read of them, and what is refused.

use std::collections::BTreeMap;

use tabir_crypto::content::ContactKind;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::value::{CodeText, Text};

use super::error::Refusal;
use crate::client::plain::{Plain, identity};
use crate::config::facade::{Attribute, Datatype};
use crate::open311::read_time;

/// Parameters that say who a person is. They leave here sealed, or not at all.
const IDENTITY: [&str; 6] = ["first_name", "last_name", "email", "phone", "account_id", "device_id"];
/// Parameters that bring a file, or say where one is.
const MEDIA: [&str; 4] = ["media_url", "media", "file", "image"];

/// Parameters of a query and a form. A name that repeats is the first of its kind, but in a list.
pub struct Form(Vec<(String, String)>);

impl Form {
    pub const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.trim().is_empty())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().trim().to_owned()
    }

    /// `attribute[code]=value` and, for lists, `attribute[code][]=value` as often as chosen.
    fn answers(&self, code: &str) -> Vec<&str> {
        let names = [format!("attribute[{code}]"), format!("attribute[{code}][]")];
        let mine = self.0.iter().filter(|(n, v)| names.contains(n) && !v.trim().is_empty());
        mine.map(|(_, v)| v.trim()).collect()
    }

    /// Everything but the app's key, each name and value with its length: what makes a repeat the same request. `once` is the
    /// `Idempotency-Key`, where the app sends one.
    pub fn bytes(&self, once: Option<&str>) -> SecretVec {
        let mut out = Vec::new();
        let mut put = |text: &str| {
            out.extend((text.len() as u64).to_be_bytes());
            out.extend(text.as_bytes());
        };
        put(once.unwrap_or_default());
        for (name, value) in self.0.iter().filter(|(name, _)| name != "api_key") {
            put(name);
            put(value);
        }
        SecretVec::new(out)
    }

    /// The report in it. Errors: `media`, `parameter`.
    pub fn plain(&self, asked: &[Attribute]) -> Result<Plain, Refusal> {
        if MEDIA.iter().any(|name| self.get(name).is_some()) {
            return Err(Refusal::Media);
        }
        let category = self.text("service_code");
        let point = match (self.get("lat"), self.get("long")) {
            (Some(lat), Some(lon)) => Some((lat.to_owned(), lon.to_owned())),
            (None, None) => None,
            (Some(_), None) => return Err(Refusal::Param("long".into())),
            (None, Some(_)) => return Err(Refusal::Param("lat".into())),
        };
        let place = if self.get("address_string").is_some() { "address_string" } else { "address_id" };
        let person = |name| self.text(name);
        let [first, last, email, phone, account, device] = IDENTITY.map(person);
        let labelled = |label: &str, value: String| if value.is_empty() { value } else { format!("{label}: {value}") };
        let contacts = [
            (ContactKind::Email, email),
            (ContactKind::Phone, phone),
            (ContactKind::Other, labelled("account_id", account)),
            (ContactKind::Other, labelled("device_id", device)),
        ];
        Ok(Plain {
            attributes: self.attributes(&category, asked)?,
            category,
            text: self.text("description"),
            language: self.text("language"),
            place: self.text(place),
            point,
            release: None,
            identity: Some(identity(&format!("{first} {last}"), contacts)),
        })
    }

    fn attributes(&self, category: &str, asked: &[Attribute]) -> Result<BTreeMap<CodeText, Text>, Refusal> {
        let asked: Vec<&Attribute> = asked.iter().filter(|a| a.service.as_str() == category).collect();
        // There is no place for it, and what is dropped in silence is lost.
        let code = |name: &str| Some(name.strip_prefix("attribute[")?.split_once(']')?.0.to_owned());
        let mut sent = self.0.iter().filter_map(|(name, _)| code(name));
        if let Some(unasked) = sent.find(|code| !asked.iter().any(|a| a.code.as_str() == code)) {
            let known = CodeText::new(&unasked).map_or_else(|_| String::new(), |code| code.to_string());
            return Err(Refusal::Param(format!("attribute[{known}]")));
        }
        let mut given = BTreeMap::new();
        for attribute in asked {
            let refused = || Refusal::Param(format!("attribute[{}]", attribute.code));
            let answers = self.answers(attribute.code.as_str());
            if answers.is_empty() {
                if attribute.required {
                    return Err(refused());
                }
                continue;
            }
            if !answers.iter().all(|answer| fits(attribute, answer)) {
                return Err(refused());
            }
            let several = attribute.datatype == Datatype::MultiValueList || answers.len() == 1;
            let value = Some(answers.join(", ")).filter(|_| several).and_then(|v| Text::new(&v).ok());
            given.insert(attribute.code.clone(), value.ok_or_else(refused)?);
        }
        Ok(given)
    }
}

fn fits(attribute: &Attribute, answer: &str) -> bool {
    match attribute.datatype {
        Datatype::String | Datatype::Text => true,
        Datatype::Number => answer.parse::<f64>().is_ok_and(f64::is_finite),
        Datatype::Datetime => read_time(answer).is_some(),
        Datatype::SingleValueList | Datatype::MultiValueList => attribute.values.iter().any(|v| v.key == answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::facade::Value;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    fn asked() -> Vec<Attribute> {
        let attribute = |code: &str, datatype, required| Attribute {
            service: CodeText::new("pothole").unwrap(),
            code: CodeText::new(code).unwrap(),
            description: "?".into(),
            datatype,
            required,
            values: ["a", "b"].map(|key| Value { key: key.into(), name: key.to_uppercase() }).into(),
        };
        vec![
            attribute("depth", Datatype::Number, true),
            attribute("since", Datatype::Datetime, false),
            attribute("side", Datatype::SingleValueList, false),
            attribute("who", Datatype::MultiValueList, false),
        ]
    }

    fn refused(more: &[(&str, &str)]) -> String {
        let pairs = [&[("service_code", "pothole"), ("description", "x"), ("attribute[depth]", "3")], more].concat();
        form(&pairs).plain(&asked()).map_or_else(|e| e.to_string(), |_| "taken".into())
    }

    #[test]
    fn who_somebody_is_goes_into_the_identity_and_nowhere_else() {
        let person = [
            ("first_name", "Siti"),
            ("last_name", "Contoh"),
            ("email", "siti@example.org"),
            ("phone", "0812"),
            ("account_id", "a-1"),
            ("device_id", "d-1"),
            ("api_key", "k"),
            ("unknown", "Siti"),
        ];
        let rest = [
            ("service_code", "pothole"),
            ("description", " A hole "),
            ("address_string", "Jl. Merdeka"),
            ("attribute[depth]", "3"),
        ];
        let plain = form(&[&person[..], &rest[..]].concat()).plain(&asked()).unwrap();
        let record = serde_json::to_string(&plain.identity).unwrap();
        for (_, value) in &person[..6] {
            assert!(record.contains(value), "{value}");
        }
        let others = format!("{}{}{}{}{:?}", plain.category, plain.text, plain.language, plain.place, plain.attributes);
        assert!(!others.contains("Siti") && !others.contains("0812") && !others.contains("-1"), "{others}");
        assert_eq!((plain.text.as_str(), plain.place.as_str()), ("A hole", "Jl. Merdeka"));
    }

    #[test]
    fn answers_are_of_the_kind_that_was_asked_for() {
        assert_eq!(refused(&[]), "taken");
        assert_eq!(
            refused(&[("attribute[since]", "2026-11-01"), ("attribute[who][]", "a"), ("attribute[who][]", "b")]),
            "taken"
        );
        for (name, value) in [("since", "yesterday"), ("side", "c"), ("who", "c"), ("name", "Siti"), ("Who Else", "x")]
        {
            let said = refused(&[(&format!("attribute[{name}]"), value)]);
            assert!(said.starts_with("attribute["), "{name}: {said}");
            assert!(!said.contains(value) && !said.contains("Else"), "nothing of the request is repeated: {said}");
        }
        assert!(refused(&[("attribute[side]", "a"), ("attribute[side]", "b")]).starts_with("attribute[side]"));
        let none = form(&[("service_code", "pothole"), ("description", "x")]).plain(&asked());
        assert!(matches!(none, Err(Refusal::Param(name)) if name == "attribute[depth]"));
    }

    #[test]
    fn half_a_point_and_media_are_refused() {
        assert_eq!(refused(&[("lat", "1")]), "long is missing or wrong");
        assert_eq!(refused(&[("long", "1")]), "lat is missing or wrong");
        assert!(refused(&[("media_url", "https://example.org/a.jpg")]).starts_with("media"));
        assert_eq!(refused(&[("media_url", " ")]), "taken", "an empty field is none");
    }

    #[test]
    fn a_request_is_the_same_with_another_key_of_the_app_and_not_with_another_field() {
        let bytes = |pairs: &[(&str, &str)], once| form(pairs).bytes(once).expose().clone();
        let one = bytes(&[("a", "1"), ("api_key", "k")], None);
        assert_eq!(one, bytes(&[("a", "1")], None));
        for other in [bytes(&[("a", "2")], None), bytes(&[("a1", "")], None), bytes(&[("a", "1")], Some("x"))] {
            assert_ne!(one, other);
        }
    }
}
