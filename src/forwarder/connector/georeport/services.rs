//! What a server says of its services: the list, and the attributes of one. Source: GeoReport v2, `GET Service List` and
//! `GET Service Definition`.

use serde_json::Value;

use super::wire::Wire;
use crate::forwarder::connector::DownError;
use crate::open311::read_time;

/// A service as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `service_code`.
    pub code: String,
    /// `service_name`.
    pub name: String,
    /// Whether it has a definition.
    pub metadata: bool,
}

/// What values an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Datatype {
    String,
    Number,
    Datetime,
    Text,
    SingleValueList,
    MultiValueList,
}

impl Datatype {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            // Where a server says nothing, any text does.
            "string" | "" => Self::String,
            "number" => Self::Number,
            "datetime" => Self::Datetime,
            "text" => Self::Text,
            "singlevaluelist" => Self::SingleValueList,
            "multivaluelist" => Self::MultiValueList,
            _ => return None,
        })
    }
}

/// An attribute that a report can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in a form.
    pub code: String,
    /// `None` for a type that GeoReport does not have.
    pub datatype: Option<Datatype>,
    /// A report without it is refused.
    pub required: bool,
    /// Keys that a list takes.
    pub keys: Vec<String>,
}

impl Attribute {
    /// Whether it takes this value; of a list of several, each of them.
    #[must_use]
    pub fn takes(&self, value: &str) -> bool {
        let single = || self.keys.iter().any(|k| k == value);
        match self.datatype {
            Some(Datatype::String | Datatype::Text) => true,
            Some(Datatype::Number) => value.trim().parse::<f64>().is_ok_and(f64::is_finite),
            Some(Datatype::Datetime) => read_time(value).is_some(),
            Some(Datatype::SingleValueList) => single(),
            Some(Datatype::MultiValueList) => several(value).all(|v| self.keys.iter().any(|k| k == v)),
            None => false,
        }
    }

    /// The parameters that give it this value.
    pub fn parameters<'a>(&'a self, value: &'a str) -> Vec<(String, String)> {
        if self.datatype == Some(Datatype::MultiValueList) {
            let name = format!("attribute[{}][]", self.code);
            return several(value).map(|v| (name.clone(), v.to_owned())).collect();
        }
        vec![(format!("attribute[{}]", self.code), value.to_owned())]
    }
}

/// Values of a list of several stand with commas between them.
fn several(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|v| !v.is_empty())
}

/// A text, or a number or truth as text: ids and codes are any of them, and one can be 0.
pub fn text(value: &Value, field: &str) -> Option<String> {
    match value.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn truth(value: &Value, field: &str) -> bool {
    text(value, field).is_some_and(|t| t.eq_ignore_ascii_case("true") || t == "1")
}

/// `GET services`.
pub async fn services(wire: &Wire) -> Result<Vec<Service>, DownError> {
    Ok(read_services(&wire.list(&["services"], &[]).await?))
}

/// The services of a list; what has no code is none.
#[must_use]
pub fn read_services(list: &[Value]) -> Vec<Service> {
    let service = |s: &Value| {
        Some(Service {
            code: text(s, "service_code")?,
            name: text(s, "service_name").unwrap_or_default(),
            metadata: truth(s, "metadata"),
        })
    };
    list.iter().filter_map(service).collect()
}

/// The attributes of a service; none for one without a definition.
pub async fn attributes(wire: &Wire, service: &Service) -> Result<Vec<Attribute>, DownError> {
    if !service.metadata {
        return Ok(Vec::new());
    }
    let found = wire.get(&["services", &service.code], &[]).await?;
    // Some servers put the one definition into a list.
    let definition = found.as_array().and_then(|list| list.first()).unwrap_or(&found);
    match definition.get("attributes") {
        Some(Value::Array(list)) => Ok(list.iter().filter_map(read_attribute).collect()),
        None | Some(Value::Null) => Ok(Vec::new()),
        // XML without an attribute in it.
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Vec::new()),
        Some(_) => Err(DownError::Malformed("attributes")),
    }
}

/// An attribute that can be given; what a server only shows is none.
fn read_attribute(a: &Value) -> Option<Attribute> {
    if text(a, "variable").is_some_and(|v| v.eq_ignore_ascii_case("false")) {
        return None;
    }
    let keys = a.get("values").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Some(Attribute {
        code: text(a, "code")?,
        datatype: Datatype::parse(&text(a, "datatype").unwrap_or_default()),
        required: truth(a, "required"),
        keys: keys.iter().filter_map(|v| text(v, "key")).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_taken_by_their_type() {
        let of = |datatype: &str| {
            let values = json!([{"key": "1", "name": "deep"}, {"key": 2, "name": "flat"}]);
            read_attribute(&json!({"code": "D", "datatype": datatype, "required": "true", "values": values})).unwrap()
        };
        assert!(of("string").takes("anything") && of("").takes("") && of("text").required);
        assert!(of("number").takes("-3.5") && !of("number").takes("three") && !of("number").takes("inf"));
        assert!(of("datetime").takes("2026-11-24T10:00:00+07:00") && !of("datetime").takes("soon"));
        assert!(of("singlevaluelist").takes("2") && !of("singlevaluelist").takes("deep"));
        assert!(of("multivaluelist").takes("1, 2") && !of("multivaluelist").takes("1,3"));
        assert!(!of("geometry").takes("x"), "no type of GeoReport");
        let both = [("attribute[D][]".to_owned(), "1".to_owned()), ("attribute[D][]".to_owned(), "2".to_owned())];
        assert_eq!(of("multivaluelist").parameters("1, 2"), both);
        assert_eq!(of("number").parameters("7"), [("attribute[D]".to_owned(), "7".to_owned())]);
    }

    #[test]
    fn what_a_server_only_shows_is_no_attribute_to_give() {
        assert!(read_attribute(&json!({"code": "note", "variable": "false"})).is_none());
        assert!(read_attribute(&json!({"variable": true})).is_none());
        let list = read_services(&[json!({"service_code": 0, "metadata": "true"}), json!({"service_name": "x"})]);
        assert_eq!(list, [Service { code: "0".into(), name: String::new(), metadata: true }]);
    }
}
