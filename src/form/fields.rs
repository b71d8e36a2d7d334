//! What a person typed, as a browser sends it.

use tabir_crypto::SecretBytes;
use tabir_crypto::secret::SecretVec;

use crate::clock::Random;

/// Letters of the random text that makes a repeat the same request.
const ONCE: usize = 64;

/// The fields of one form. They never print themselves.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// A field, with the line breaks that it was typed with and no blanks around it.
    pub fn text(&self, name: &str) -> String {
        let value = self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
        value.replace("\r\n", "\n").trim().to_owned()
    }

    /// Whether a box was ticked or a button pressed.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, v)| n == name && !v.is_empty())
    }

    /// The page's random text; a new one where somebody left it out.
    pub fn once(&self) -> String {
        let once = self.text("once");
        if once.len() == ONCE && once.bytes().all(|b| b.is_ascii_hexdigit()) { once } else { new_once() }
    }
}

/// A random text for one page: whoever sends it again sends the same again.
pub fn new_once() -> String {
    hex::encode(SecretBytes::<{ ONCE / 2 }>::random(&mut Random).expose())
}

/// Texts one after the other, each with its length: other texts never give the same bytes.
pub fn joined(texts: &[&str]) -> SecretVec {
    let mut out = Vec::new();
    for text in texts {
        out.extend((text.len() as u64).to_be_bytes());
        out.extend(text.as_bytes());
    }
    SecretVec::new(out)
}

/// A report as it was typed.
pub struct Report {
    pub once: String,
    pub category: String,
    pub text: String,
    pub place: String,
    pub voucher: String,
}

impl Report {
    /// Of the fields that were sent; of none, an empty one.
    pub fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name);
        Self {
            once: fields.once(),
            category: text("category"),
            text: text("text"),
            place: text("place"),
            voucher: text("voucher"),
        }
    }
}

/// What can be done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Answer,
    Message,
    Rating,
    Dispute,
    Erase,
}

impl What {
    pub const ALL: [Self; 5] = [Self::Answer, Self::Message, Self::Rating, Self::Dispute, Self::Erase];

    /// As it stands in an address, and before its words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Message => "message",
            Self::Rating => "rating",
            Self::Dispute => "dispute",
            Self::Erase => "erase",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == name)
    }
}

/// A later write as it was typed.
pub struct Asked {
    pub what: What,
    pub once: String,
    pub text: String,
    /// Of a dispute: a code; of a rating: a number; of an answer: the question's number.
    pub choice: String,
    /// That an erasure is meant.
    pub sure: bool,
    pub voucher: String,
}

impl Asked {
    pub fn of(what: What, fields: &Fields) -> Self {
        Self {
            what,
            once: fields.once(),
            text: fields.text("text"),
            choice: fields.text("choice"),
            sure: fields.has("sure"),
            voucher: fields.text("voucher"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_text_keeps_its_lines_and_a_page_its_random_text() {
        let report = Report::of(&fields(&[("text", " a\r\nb \r\n"), ("once", &"a1".repeat(32)), ("name", "Siti")]));
        assert_eq!((report.text.as_str(), report.once.as_str()), ("a\nb", "a1".repeat(32).as_str()));
        for wrong in ["", "a1", &"zz".repeat(32)] {
            let once = fields(&[("once", wrong)]).once();
            assert_eq!(once.len(), ONCE);
            assert_ne!(once, fields(&[("once", wrong)]).once(), "another one each time");
        }
    }

    #[test]
    fn other_texts_are_other_bytes() {
        let bytes = |texts: &[&str]| joined(texts).expose().clone();
        assert_ne!(bytes(&["ab", "c"]), bytes(&["a", "bc"]));
        assert_eq!(What::of("erase"), Some(What::Erase));
        assert_eq!(What::of("Erase"), None);
    }
}
