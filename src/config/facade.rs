//! `[roles.facade]`: an Open311 server for existing apps, which seals as they send.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tabir_crypto::statement::value::{CodeText, Hex32};

/// The section.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facade {
    /// Store, and the key of the ids that are handed out.
    pub dir: PathBuf,
    /// The address that people are told to come back to with their receipt.
    pub address: String,
    /// Where apps reach this face, `https://host`, for its discovery document; as the request has it if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The apps that may report.
    pub apps: Vec<App>,
    /// Codes of `tabir voucher mint`, one a line, mode 0600; read again each minute. Without it puzzles are solved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouchers_file: Option<PathBuf>,
    /// Tokens that are kept ready, so that a report waits for no purchase.
    #[serde(default = "stock")]
    pub stock: u32,
    /// What the categories ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

const fn stock() -> u32 {
    16
}

/// `[[roles.facade.apps]]`: `tabir facade key` makes one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// For the operator.
    pub name: String,
    /// The key itself stands nowhere here.
    pub key_hash: Hex32,
}

/// `[[roles.facade.attributes]]`: a question of a category, in GeoReport's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Category code.
    pub service: CodeText,
    /// The attribute's code.
    pub code: CodeText,
    /// The question.
    pub description: String,
    /// What an answer looks like.
    #[serde(default)]
    pub datatype: Datatype,
    /// Whether a report without it is refused.
    #[serde(default)]
    pub required: bool,
    /// The answers of a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// An answer that can be chosen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Value {
    pub key: String,
    pub name: String,
}

/// GeoReport's types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Datatype {
    #[default]
    String,
    Text,
    Number,
    Datetime,
    SingleValueList,
    MultiValueList,
}

impl Datatype {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Text => "text",
            Self::Number => "number",
            Self::Datetime => "datetime",
            Self::SingleValueList => "singlevaluelist",
            Self::MultiValueList => "multivaluelist",
        }
    }
}
