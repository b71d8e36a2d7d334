//! GeoReport's XML, read into the value that its JSON would be.
//!
//! ```text
//! <services><service><service_code>1</service_code>…</service></services>  →  [{"service_code": "1", …}]
//! ```
//! An element whose name is that of a list becomes one; one with elements in it becomes an object; every other one a
//! text. No document type is taken, so there are no entities but XML's own five and characters by number, and nothing
//! that is read grows. Source: GeoReport v2; the names of updates as FixMyStreet's servers write them.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements in one another; GeoReport needs seven.
const MAX_DEPTH: usize = 16;
/// Elements of one answer: a thousand requests with some twenty fields each, ten times over.
const MAX_ELEMENTS: usize = 200_000;

/// Elements that hold a list.
const LISTS: [&str; 8] = [
    "attributes",
    "endpoints",
    "errors",
    "service_request_updates",
    "service_requests",
    "service_requests_updates",
    "services",
    "values",
];

/// An element that is being read.
struct Open {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

impl Open {
    fn new(start: &BytesStart<'_>) -> Self {
        // Prefixes say nothing here.
        Self { name: start.local_name().as_ref().to_owned(), text: String::new(), children: Vec::new() }
    }

    fn value(self) -> Value {
        if LISTS.contains(&self.name.as_str()) {
            return self.children.into_iter().map(|(_, child)| child).collect();
        }
        if self.children.is_empty() {
            return Value::String(self.text);
        }
        if self.text.trim().is_empty() {
            return Value::Object(self.children.into_iter().collect::<Map<_, _>>());
        }
        // Words with markup between them: an officer's text. The words count.
        let words = self.children.iter().map(|(_, child)| child.as_str().unwrap_or_default());
        Value::String(words.fold(self.text, |all, more| format!("{all} {more}")))
    }
}

/// Reads a document. Error: what is wrong, as a code.
pub fn read(body: &[u8]) -> Result<Value, &'static str> {
    const BAD: &str = "xml";
    // Latin-1 and others are rare, and a wrong reading of them would change what people wrote.
    let text = std::str::from_utf8(body).map_err(|_| "utf-8")?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let config = reader.config_mut();
    (config.check_end_names, config.expand_empty_elements) = (true, true);
    let (mut open, mut elements): (Vec<Open>, usize) = (Vec::new(), 0);
    let mut root = None;
    loop {
        match reader.read_event().map_err(|_| BAD)? {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS || root.is_some() {
                    return Err(BAD);
                }
                open.push(Open::new(&start));
            }
            Event::End(_) => {
                let done = open.pop().ok_or(BAD)?;
                let (name, value) = (done.name.clone(), done.value());
                match open.last_mut() {
                    Some(parent) => parent.children.push((name, value)),
                    None => root = Some(value),
                }
            }
            Event::Text(t) => {
                let t = t.xml10_content();
                match open.last_mut() {
                    Some(inner) => inner.text.push_str(&t),
                    None if t.trim().is_empty() => {}
                    None => return Err(BAD),
                }
            }
            Event::CData(t) => open.last_mut().ok_or(BAD)?.text.push_str(&t.into_inner()),
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().map_err(|_| BAD)? {
                    Some(character) => character,
                    None => predefined(&reference.into_inner()).ok_or("entity")?,
                };
                open.last_mut().ok_or(BAD)?.text.push(character);
            }
            Event::DocType(_) => return Err("doctype"),
            Event::Eof => break,
            // Instructions to programs that we are not, and comments. With empty elements expanded there are none left.
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
        }
    }
    if open.is_empty() { root.ok_or(BAD) } else { Err(BAD) }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_servers_write() {
        let requests = read(
            b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<service_requests>\n  <request>\n    <service_request_id>0</service_request_id>\n\
              <description>Hole &lt;b&gt; &amp; &#67;o &#x1F;?<![CDATA[ <i>x</i>]]></description><status_notes/>\n  </request>\n</service_requests>",
        )
        .unwrap();
        let expected =
            json!([{"service_request_id": "0", "description": "Hole <b> & Co \u{1f}? <i>x</i>", "status_notes": ""}]);
        assert_eq!(requests, expected);
        assert_eq!(read(b"<service_requests></service_requests>").unwrap(), json!([]));
        assert_eq!(read(b"<services/>").unwrap(), json!([]));
        let definition = read(
            b"<service_definition><service_code>1</service_code><attributes><attribute><code>D</code><values><value>\
              <key>1</key><name>deep</name></value></values></attribute></attributes></service_definition>",
        )
        .unwrap();
        let attribute = json!({"code": "D", "values": [{"key": "1", "name": "deep"}]});
        assert_eq!(definition, json!({"service_code": "1", "attributes": [attribute]}));
    }

    #[test]
    fn words_with_markup_between_them_are_not_lost() {
        let found = read(b"<errors><error><description>no <b>such</b> service</description></error></errors>").unwrap();
        assert_eq!(found, json!([{"description": "no  service such"}]));
    }

    #[test]
    fn takes_no_document_type_and_no_entity() {
        let bomb = "<!DOCTYPE b [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><services><service>&b;</service></services>";
        assert_eq!(read(bomb.as_bytes()), Err("doctype"));
        let outside = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><services/>";
        assert_eq!(read(outside.as_bytes()), Err("doctype"));
        assert_eq!(read(b"<services><service>&xxe;</service></services>"), Err("entity"));
    }

    #[test]
    fn refuses_what_is_too_deep_too_much_cut_or_no_xml() {
        let deep = format!("{}{}", "<a>".repeat(17), "</a>".repeat(17));
        assert_eq!(read(deep.as_bytes()), Err("xml"));
        let many = format!("<services>{}</services>", "<a/>".repeat(MAX_ELEMENTS));
        assert_eq!(read(many.as_bytes()), Err("xml"));
        for broken in ["", "{}", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>words", "<a>&#0;</a>", "<a>&lt</a>"] {
            assert!(read(broken.as_bytes()).is_err(), "{broken}");
        }
        assert_eq!(read(b"<a>\xff</a>"), Err("utf-8"));
    }
}
