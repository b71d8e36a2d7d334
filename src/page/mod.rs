//! The reporter's page: which files it is made of, for one installation. It knows no role and no secret.
//!
//! ```text
//! web/dist  --embedded by cargo build-->  the same for everybody
//!                                         + installation: trust roots, gateway's address, a base
//!                                         = the page, served by the gateway or, from a folder, by anybody
//! ```
//! The trust root stands inside `index.html`, as data. So the files are a function of the build and of a `trust.json` that a
//! person gave, which anybody can work out again: nothing that the page fetches later changes whom it believes.
//! `docs/page.md` says what that is worth towards the one who serves it.

pub mod base;
pub mod routes;

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use serde::Serialize;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::value::V1;
use tabir_crypto::trust::Trust;

use base::Base;

/// What `make web` builds. A build without it is whole but for the page, and says so at the page's address.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

/// Where the page begins.
pub const INDEX: &str = "index.html";
/// Stands once in the built `index.html`; the installation takes its place.
const MARK: &str = "\"installation\"";
/// How the installation begins.
const BEGINS: &str = "{\"v\":1,\"server\":";
/// The largest file of a page that is read from a folder, in bytes: the whole page is to be below 250 kB compressed.
const MAX_FILE: u64 = 4 << 20;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// This program was built without it.
    #[error("this program was built without the page: run `make web`, then build again")]
    NotBuilt,
    /// A folder without the page, or with something else.
    #[error("{0}: not a page of this kind; `tabir page build` makes one")]
    Folder(PathBuf),
    /// A file of it can't be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name: there are no folders.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl File {
    /// The media type by the name's end; `None` for what no page has.
    #[must_use]
    pub fn media_type(&self) -> Option<&'static str> {
        Some(match self.name.rsplit_once('.')?.1 {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "txt" => "text/plain; charset=utf-8",
            _ => return None,
        })
    }
}

/// All files, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    files: Vec<File>,
}

/// What the page knows before it has fetched anything.
#[derive(Serialize)]
struct Installation<'a> {
    v: V1,
    /// The gateway's address; empty where the gateway serves the page itself.
    server: &'a str,
    /// Every version of the trust root that was given, oldest first.
    trust: Vec<&'a Statement>,
    /// Where it begins to read the governance log; without one, at entry 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a Base>,
}

impl Page {
    /// The page that this program has inside, for one installation. `server` is the gateway's address for a page that another
    /// host serves, else empty. Error: `NotBuilt`.
    pub fn build(trust: &Trust, server: &str, base: Option<&Base>) -> Result<Self, PageError> {
        let built = Built::iter().filter_map(|name| {
            let bytes = Built::get(&name)?.data.into_owned();
            Some(File { name: name.into_owned(), bytes })
        });
        Self::of(built.collect(), trust, server, base)
    }

    /// A page of these built files. Error: `NotBuilt` where the mark is missing.
    pub fn of(mut files: Vec<File>, trust: &Trust, server: &str, base: Option<&Base>) -> Result<Self, PageError> {
        let mut versions: Vec<_> = trust.versions().map(Trust::statement).collect();
        versions.reverse();
        let installation = Installation { v: V1, server, trust: versions, base };
        // Inside HTML: no sign in it may end the element that it stands in.
        let json = serde_json::to_string(&installation).map_err(|_| PageError::NotBuilt)?.replace('<', "\\u003c");
        let index = files.iter_mut().find(|file| file.name == INDEX).ok_or(PageError::NotBuilt)?;
        let text = String::from_utf8(std::mem::take(&mut index.bytes)).map_err(|_| PageError::NotBuilt)?;
        let (before, after) = text.split_once(MARK).ok_or(PageError::NotBuilt)?;
        index.bytes = format!("{before}{json}{after}").into_bytes();
        files.retain(|file| file.media_type().is_some());
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { files })
    }

    /// A page that `tabir page build` wrote. Errors: `Folder` for a folder that is none, or that has a file of another kind;
    /// `File`.
    pub fn read(dir: &Path) -> Result<Self, PageError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |e| PageError::File(path, e)
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
            let entry = entry.map_err(failed(dir))?;
            let small = entry.metadata().map_err(failed(&entry.path()))?;
            let name = entry.file_name().into_string().map_err(|_| PageError::Folder(dir.to_owned()))?;
            let mut file = File { name, bytes: Vec::new() };
            if !small.is_file() || small.len() > MAX_FILE || file.media_type().is_none() {
                return Err(PageError::Folder(entry.path()));
            }
            file.bytes = std::fs::read(entry.path()).map_err(failed(&entry.path()))?;
            files.push(file);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let page = Self { files };
        if page.file(INDEX).is_some() { Ok(page) } else { Err(PageError::Folder(dir.to_owned())) }
    }

    /// The number of entries of the page's base, if it has one.
    #[must_use]
    pub fn base_size(&self) -> Option<u64> {
        self.installation()?.get("base")?.get("size")?.as_u64()
    }

    /// Whether this is the page's base, to the last byte.
    #[must_use]
    pub fn has(&self, base: &Base) -> bool {
        let ours = serde_json::to_value(base).ok();
        ours.is_some()
            && self.installation().and_then(|mut stands| stands.get_mut("base").map(serde_json::Value::take)) == ours
    }

    /// What stands inside the first file.
    fn installation(&self) -> Option<serde_json::Value> {
        let text = std::str::from_utf8(&self.file(INDEX)?.bytes).ok()?;
        let begin = text.find(BEGINS)?;
        serde_json::Deserializer::from_str(text.get(begin..)?).into_iter().next()?.ok()
    }

    /// All files, by name.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// A file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        File { name: name.into(), bytes: text.into() }
    }

    #[test]
    fn a_file_of_an_unknown_kind_is_no_page() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("index.html"), "<p>").unwrap();
        assert!(Page::read(dir.path()).unwrap().file(INDEX).is_some());
        std::fs::write(dir.path().join("page.wasm"), "").unwrap();
        assert!(matches!(Page::read(dir.path()), Err(PageError::Folder(_))));
    }

    #[test]
    fn a_folder_without_a_first_file_is_no_page() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("page.js"), "").unwrap();
        assert!(matches!(Page::read(dir.path()), Err(PageError::Folder(_))));
    }

    #[test]
    fn media_types_are_those_of_a_page() {
        assert_eq!(file("a.js", "").media_type(), Some("text/javascript; charset=utf-8"));
        assert_eq!(file("a.wasm", "").media_type(), None);
        assert_eq!(file("html", "").media_type(), None);
    }
}
