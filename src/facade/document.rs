//! One answer, in GeoReport's two forms: JSON and XML.

use serde_json::Value;

use crate::markup::escaped;

/// Which form: the suffix of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Xml,
}

impl Format {
    /// The name before a suffix, and the form. JSON where there is no suffix that is known.
    pub fn of(file: &str) -> (Option<&str>, Self) {
        match (file.strip_suffix(".json"), file.strip_suffix(".xml")) {
            (Some(name), _) => (Some(name), Self::Json),
            (_, Some(name)) => (Some(name), Self::Xml),
            _ => (None, Self::Json),
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Xml => "text/xml; charset=utf-8",
        }
    }

    /// Writes a JSON value: as it is, or as XML with this root. In XML the members of a list stand in elements with the
    /// singular of the list's name, as GeoReport has them, and `null` is an empty element.
    pub fn write(self, root: &str, value: &Value) -> String {
        match self {
            Self::Json => value.to_string(),
            Self::Xml => {
                let mut out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned();
                element(&mut out, root, value);
                out
            }
        }
    }
}

/// What a member of a list is called.
fn member(list: &str) -> &str {
    match list {
        "service_requests" => "request",
        "services" => "service",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

fn element(out: &mut String, name: &str, value: &Value) {
    out.push_str(&format!("<{name}>"));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(field, value)| element(out, field, value)),
        Value::Array(list) => list.iter().for_each(|value| element(out, member(name), value)),
        Value::String(text) => out.push_str(&escaped(text)),
        Value::Null => {}
        other => out.push_str(&other.to_string()),
    }
    out.push_str(&format!("</{name}>"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_fields_stand_as_georeport_has_them_and_text_is_text() {
        let value = json!([{"service_code": "a<b>&", "metadata": true, "values": [{"key": 1}], "lat": null}]);
        assert_eq!(
            Format::Xml.write("services", &value),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<services><service><lat></lat><metadata>true</metadata>\
             <service_code>a&lt;b&gt;&amp;</service_code><values><value><key>1</key></value></values></service></services>"
        );
        assert_eq!(Format::Json.write("services", &value), value.to_string());
        assert!(
            Format::Xml
                .write("errors", &json!([{"code": 400}]))
                .ends_with("<errors><error><code>400</code></error></errors>")
        );
        assert!(Format::Xml.write("service_requests", &json!([{}])).contains("<request></request>"));
    }

    #[test]
    fn the_suffix_says_which() {
        assert_eq!(Format::of("requests.xml"), (Some("requests"), Format::Xml));
        assert_eq!(Format::of("a.b.json"), (Some("a.b"), Format::Json));
        assert_eq!(Format::of("requests"), (None, Format::Json));
    }
}
