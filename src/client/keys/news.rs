//! What is new about keys since the last look. Each thing is told once: what was told stands in a file.
//!
//! ```text
//! told.json  {"v":1,"told":["token/3/1f9a…/announced", …]}
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tabir_crypto::json;
use tabir_crypto::statement::value::V1;

use super::history::{Item, Standing, What, short};

/// Name of the file in the watcher's folder.
const TOLD: &str = "told.json";

/// Something to tell: of which key, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News<'a> {
    /// The key, council or version.
    pub item: &'a Item,
    /// `announced`, `retired` or `conflict`.
    pub event: &'static str,
}

impl News<'_> {
    fn name(&self) -> String {
        let Item { what, epoch, id, .. } = self.item;
        format!("{}/{epoch}/{}/{}", what.as_str(), hex::encode(id.0), self.event)
    }

    /// In one line, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let Item { what, epoch, id, entry, active_from, .. } = self.item;
        let kind = match what {
            What::TrustRoot => "version".to_owned(),
            what => format!("{} epoch", what.as_str()),
        };
        let entry = entry.map(|entry| format!(" (entry {entry})")).unwrap_or_default();
        let what = match self.event {
            "retired" => "is retired".to_owned(),
            "conflict" => "is one of two for its epoch, or stands for two epochs: nobody may use it".to_owned(),
            _ => active_from.map_or("is new".to_owned(), |from| format!("is new and counts from {from}")),
        };
        format!("{kind} {epoch}, {}{entry}: {what}", short(&id.0))
    }
}

/// What was told already.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    v: V1,
    told: BTreeSet<String>,
}

impl Told {
    /// Reads the file in this folder; `None` before the first look.
    pub fn read(folder: &Path) -> std::io::Result<Option<Self>> {
        match std::fs::read(folder.join(TOLD)) {
            Ok(bytes) => json::from_slice(&bytes).map(Some).map_err(std::io::Error::other),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it: whole or not at all.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let part = folder.join("told.part");
        std::fs::create_dir_all(folder)?;
        std::fs::write(&part, json::to_vec(self).map_err(std::io::Error::other)?)?;
        std::fs::rename(part, folder.join(TOLD))
    }

    /// What was not told yet; it counts as told from now on.
    pub fn news<'a>(&mut self, items: &'a [Item]) -> Vec<News<'a>> {
        let mut all = Vec::new();
        for item in items {
            all.push(News { item, event: "announced" });
            if item.retired.is_some() {
                all.push(News { item, event: "retired" });
            }
            if item.standing == Standing::Conflict {
                all.push(News { item, event: "conflict" });
            }
        }
        all.retain(|news| self.told.insert(news.name()));
        all
    }
}
