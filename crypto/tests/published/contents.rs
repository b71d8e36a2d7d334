//! `contents.json`: what the JSON of a content may say of who sealed it, and what is refused.

use serde_json::{Value, json};
use tabir_crypto::content::{Content, Via};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::{Code, SecretBytes, json as strict};

use crate::kit::{reject_as, text as text_of};
use crate::world::hash;

fn fields(via: Option<Value>) -> Value {
    let mailbox = KemSecretKey::from_seed(SecretBytes::new(hash("mailbox").0)).public_key();
    let mut fields = json!({
        "v": 1, "category": "bribery", "text": "Petugas loket meminta uang.", "language": "id",
        "location": {"precision": "none", "text": ""}, "attributes": {}, "release": "batched", "identity": "sealed",
        "mailbox_pk": serde_json::to_value(mailbox).unwrap(), "attachments": [],
    });
    if let Some(via) = via {
        fields["via"] = via;
    }
    fields
}

fn read(fields: &Value) -> tabir_crypto::Result<Content> {
    strict::from_slice(&serde_json::to_vec(fields).unwrap())
}

fn taken(via: Option<Via>) -> Value {
    let content = read(&fields(via.map(|v| v.as_str().into()))).unwrap();
    assert_eq!(content.via, via);
    json!({"via": via.map(Via::as_str), "json": text_of(strict::to_vec(&content).unwrap())})
}

pub fn file() -> Value {
    let refused = |code, rule: &str, via: Value| {
        let fields = fields(Some(via));
        reject_as(code, "content_json", rule, json!({"json": fields.to_string()}), read(&fields))
    };
    json!({
        "about": "Contents as JSON, byte for byte. `via` says who sealed in the reporter's place; null stands for a content \
                  without the field, which her own device sealed. `reject`: `decoder` refuses `in` with `code`.",
        "taken": [taken(None), taken(Some(Via::Facade)), taken(Some(Via::Counter)), taken(Some(Via::Form))],
        "reject": [
            refused(Code::Field, "nobody else seals", "desk".into()),
            refused(Code::Field, "names are lower-case", "Facade".into()),
            refused(Code::Field, "a field that is not there is left out", Value::Null),
            refused(Code::Field, "one at most", json!(["facade"])),
        ],
    })
}
