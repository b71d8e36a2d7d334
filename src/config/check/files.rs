//! Files that a configuration names: that they are there, and that others on the machine can't read the secret ones.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tabir_crypto::statement::body::Role;
use tabir_crypto::trust::Trust;

use super::read::Document;
use super::{CONFIGURATION, Level, Located, RIGHTS};
use crate::config::keys::{IDENTITY, OTHERS, read_signing_key};
use crate::config::{Config, ConfigError, trust_file};

/// A `…_file` whose name has one of these words holds a secret.
const SECRET: [&str; 6] = ["key", "password", "secret", "token", "credential", "voucher"];

fn display(path: &Path) -> String {
    path.display().to_string()
}

/// Every `…_file`, whatever section it stands in.
pub fn look(document: &Document, base: &Path, found: &mut Vec<Located>) {
    for entry in document.entries.iter().filter(|e| e.string && (e.name().ends_with("_file") || e.name() == "mapping"))
    {
        let path: Vec<&str> = entry.path.iter().map(String::as_str).collect();
        let file = base.join(entry.text.as_deref().unwrap_or_default());
        let secret = SECRET.iter().any(|word| entry.name().contains(word));
        found.extend(one(document, &path, &file, secret));
    }
}

/// Whether a file is there, and whose it is.
fn one(document: &Document, path: &[&str], file: &Path, secret: bool) -> Option<Located> {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => {
            let what = format!("{} is not a file", display(file));
            return Some(document.about(path, Level::Error, CONFIGURATION, what, "Name a file here."));
        }
        Err(error) => {
            let what = format!("{}: {error}", display(file));
            let todo = "Make the file (a secret one with mode 0600), or correct the name; it is relative to this file's folder.";
            return Some(document.about(path, Level::Error, CONFIGURATION, what, todo));
        }
    };
    (secret && metadata.mode() & OTHERS != 0).then(|| {
        let what = format!("{}: others on this machine can read this secret", display(file));
        let todo = format!("chmod 600 {}; if somebody may have read it, treat it as stolen.", display(file));
        document.about(path, Level::Error, RIGHTS, what, &todo)
    })
}

/// Reads the trust root.
pub fn trust(document: &Document, config: &Config, found: &mut Vec<Located>) -> Option<Trust> {
    if config.trust.as_os_str().is_empty() {
        return None;
    }
    match trust_file::load(&config.trust) {
        Ok(trust) => Some(trust),
        Err(error) => {
            let todo = match &error {
                ConfigError::File { .. } => "Copy the signed trust.json here; `tabir init` of the city makes it.",
                _ => "It needs the signatures of the auditors' quorum: tabir sign trust.json --key auditor.key",
            };
            found.push(document.about(&["trust"], Level::Error, CONFIGURATION, error.to_string(), todo));
            None
        }
    }
}

/// Folders of the roles that run here, with the identity that the trust root pins.
pub fn identities(document: &Document, config: &Config, trust: Option<&Trust>, found: &mut Vec<Located>) {
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    for (name, dir) in config.roles.folders() {
        let path = ["roles", name, "dir"];
        if let Some((other, _)) = seen.iter().find(|(_, known)| known == dir) {
            let what = format!("the role {other} has the same folder");
            let todo =
                "Give each role a folder of its own: stores that could be joined would undo what they are apart for.";
            found.push(document.about(&path, Level::Error, CONFIGURATION, what, todo));
        }
        seen.push((name, dir.to_owned()));
        if !dir.is_dir() {
            let what = format!("{}: there is no such folder", display(dir));
            found.push(document.about(
                &path,
                Level::Error,
                CONFIGURATION,
                what,
                "`tabir init` makes it, with its keys.",
            ));
            continue;
        }
        keys(document, &path, dir, found);
        let Some(role) = Role::ALL.into_iter().find(|r| r.as_str() == name) else { continue };
        let identity = dir.join(IDENTITY);
        match read_signing_key(&identity) {
            Err(ConfigError::Mode(_)) => {} // told above
            Err(error) => {
                let todo = "Put the role's key there; it is made by `tabir init`, and there is no other.";
                found.push(document.about(&path, Level::Error, CONFIGURATION, error.to_string(), todo));
            }
            Ok(key) if trust.is_some_and(|t| *t.identity(role) != key.verifying_key()) => {
                let what = format!("{} is another key than the one in the trust root", display(&identity));
                let todo = "Use the folder and the trust root of one and the same `tabir init`.";
                found.push(document.about(&path, Level::Error, CONFIGURATION, what, todo));
            }
            Ok(_) => {}
        }
    }
}

/// Keys and stores of a role that others can read.
fn keys(document: &Document, path: &[&str], dir: &Path, found: &mut Vec<Located>) {
    let Ok(files) = dir.read_dir() else {
        let what = format!("{} can't be read", display(dir));
        let todo = "Run this as the user that the role runs as, and give the folder to that user.";
        found.push(document.about(path, Level::Error, RIGHTS, what, todo));
        return;
    };
    for file in files.flatten().map(|f| f.path()) {
        let secret = file.extension().is_some_and(|e| e == "key" || e == "sqlite");
        let open = secret && std::fs::metadata(&file).is_ok_and(|m| m.mode() & OTHERS != 0);
        if open {
            let what = format!("{}: others on this machine can read this secret", display(&file));
            let todo = format!("chmod 600 {}; if somebody may have read it, treat it as stolen.", display(&file));
            found.push(document.about(path, Level::Error, RIGHTS, what, &todo));
        }
    }
}
