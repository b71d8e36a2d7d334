//! The form's words: one catalogue a language, Indonesian first. Words about openings are those of `crate::words`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use crate::words::Language;

type Catalogue = BTreeMap<String, String>;

static ID: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("id.toml")));
static EN: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("en.toml")));

/// Both files are part of the program, and a test reads them.
fn read(text: &str) -> Catalogue {
    toml::from_str(text).unwrap_or_default()
}

const fn catalogue(l: Language) -> &'static LazyLock<Catalogue> {
    match l {
        Language::Id => &ID,
        Language::En => &EN,
    }
}

/// A text; the key itself where there is none, which a test excludes.
pub fn t(l: Language, key: &str) -> String {
    catalogue(l).get(key).map_or(key, String::as_str).to_owned()
}

/// A text with `{name}` in it.
pub fn fill(l: Language, key: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(t(l, key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// The language's tag, as it stands in addresses and in `lang`.
pub const fn tag(l: Language) -> &'static str {
    match l {
        Language::Id => "id",
        Language::En => "en",
    }
}

/// The language of a tag.
pub fn of_tag(tag: &str) -> Option<Language> {
    match tag {
        "id" => Some(Language::Id),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// The other language.
pub const fn other(l: Language) -> Language {
    match l {
        Language::Id => Language::En,
        Language::En => Language::Id,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use tabir_crypto::statement::body::Status;

    use super::*;

    /// What differs between two catalogues: a key, or what is to be filled in.
    fn differences(one: &Catalogue, other: &Catalogue) -> Vec<String> {
        let gaps = |text: &str| -> BTreeSet<String> {
            text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
        };
        let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let wrong = keys.into_iter().filter(|key| match (one.get(*key), other.get(*key)) {
            (Some(a), Some(b)) => a.trim().is_empty() || b.trim().is_empty() || gaps(a) != gaps(b),
            _ => true,
        });
        wrong.cloned().collect()
    }

    /// Keys that the source names: whatever follows a call that takes one, and every known one in quotes. Not those of
    /// this file, which are the tests' own.
    fn used(dir: &Path, keys: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                used(&entry, keys);
            } else if entry.extension().is_some_and(|e| e == "rs") && !entry.ends_with("words/mod.rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                for call in ["t(l, \"", "fill(l, \"", "Trouble::of(l, \"", "said(\"", "\"trouble."] {
                    let own = call.trim_start_matches(|c| c != '"').trim_start_matches('"');
                    let named = text.split(call).skip(1).map(|rest| rest.split('"').next().unwrap());
                    keys.extend(named.filter(|key| !key.contains('{')).map(|key| format!("{own}{key}")));
                }
                keys.extend(ID.keys().filter(|key| text.contains(&format!("\"{key}\""))).cloned());
            }
        }
    }

    #[test]
    fn both_catalogues_are_complete_and_every_word_is_used() {
        assert!(ID.len() > 80, "{}", ID.len());
        assert_eq!(differences(&ID, &EN), Vec::<String>::new());
        let mut keys = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/form"), &mut keys);
        for (what, of) in [
            ("answer", "label send done"),
            ("message", "label send done"),
            ("rating", "legend send done"),
            ("dispute", "label legend send done not_done wrong_place false_proof other"),
            ("erase", "send done"),
        ] {
            keys.extend(of.split(' ').map(|of| format!("{what}.{of}")));
        }
        keys.extend(Status::ALL.map(|s| format!("status.{}", s.as_str())));
        let missing: Vec<_> = keys.iter().filter(|k| !ID.contains_key(*k)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let unused: Vec<_> = ID.keys().filter(|k| !keys.contains(*k)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn a_missing_key_and_a_missing_gap_are_found() {
        let catalogue = |text: &str| read(text);
        let whole = catalogue("\"a\" = \"x {n}\"\n\"b\" = \"y\"");
        assert_eq!(differences(&whole, &catalogue("\"a\" = \"x\"\n\"b\" = \"y\"")), ["a"]);
        assert_eq!(differences(&whole, &catalogue("\"a\" = \"x {n}\"")), ["b"]);
        assert_eq!(differences(&whole, &catalogue("\"a\" = \"x {n}\"\n\"b\" = \" \"")), ["b"]);
    }

    #[test]
    fn gaps_are_filled() {
        assert!(fill(Language::En, "back.group", &[("n", "3")]).starts_with("Word 3 "));
        assert_eq!(of_tag("id").map(other), Some(Language::En));
        assert_eq!(of_tag("ID"), None);
    }
}
