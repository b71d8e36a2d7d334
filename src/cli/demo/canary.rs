//! The canary: every secret of the demo is looked for in every file that any role wrote.
//!
//! Raw, as hex in both cases, as base64 in its three alignments and both alphabets, and each of them reversed. First a
//! planted one must be found in each role's folder: a search that can't find proves nothing. What may stand where is
//! a short file beside this one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand_core::Rng as _;

use crate::cli::CliError;
use crate::clock::Random;

/// What may stand where: `kind role file-prefix`, a line each.
const ALLOWED: &str = include_str!("canary-allowed.txt");
/// Shorter ones would be found by chance.
const MIN_BYTES: usize = 8;

/// Something that must not be found.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its kind, as in the list of what may stand where.
    pub kind: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a search saw.
#[derive(Debug, Default)]
pub struct Found {
    /// Kind, role and file of what should not be there.
    pub hits: BTreeSet<(&'static str, String, PathBuf)>,
    /// Files searched.
    pub files: u64,
    /// Bytes searched.
    pub bytes: u64,
}

/// All forms in which bytes are looked for.
fn forms(bytes: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::from([bytes.to_vec(), hex::encode(bytes).into(), hex::encode_upper(bytes).into()]);
    for skip in 0..3 {
        // Whole groups of three only: what stands before and after in a longer text is unknown.
        let whole = bytes.get(skip..).unwrap_or_default();
        let whole = whole.get(..whole.len() / 3 * 3).unwrap_or_default();
        for text in [STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)] {
            if text.len() >= MIN_BYTES {
                forms.insert(text.into_bytes());
            }
        }
    }
    let reversed: Vec<Vec<u8>> = forms.iter().map(|f| f.iter().rev().copied().collect()).collect();
    forms.extend(reversed);
    forms
}

/// Every file below a folder, links not followed.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            all.extend(files(&path));
        } else if path.is_file() {
            all.push(path);
        }
    }
    all
}

fn allowed(kind: &str, role: &str, file: &Path) -> bool {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lines = ALLOWED.lines().filter(|l| !l.starts_with('#'));
    lines.map(|l| l.split_whitespace().collect::<Vec<_>>()).any(|l| match l.as_slice() {
        [k, r, prefix] => *k == kind && *r == role && name.starts_with(prefix),
        _ => false,
    })
}

/// Searches the roles' folders. Error: a secret too short to be searched, a file that can't be read.
pub fn search(dir: &Path, roles: &[&str], secrets: &[Secret]) -> Result<Found, CliError> {
    let (mut patterns, mut kinds) = (Vec::new(), Vec::new());
    for secret in secrets {
        if secret.bytes.len() < MIN_BYTES {
            return Err(CliError::Failed(format!("a {} is too short to be searched for", secret.kind)));
        }
        for form in forms(&secret.bytes) {
            patterns.push(form);
            kinds.push(secret.kind);
        }
    }
    let search = AhoCorasick::new(&patterns).map_err(|e| CliError::Failed(format!("canary: {e}")))?;
    let mut found = Found::default();
    for role in roles {
        for file in files(&dir.join(role)) {
            let bytes = std::fs::read(&file).map_err(|e| CliError::File(file.clone(), e))?;
            found.files += 1;
            found.bytes += bytes.len() as u64;
            for hit in search.find_overlapping_iter(&bytes) {
                let kind = kinds.get(hit.pattern().as_usize()).copied().unwrap_or_default();
                if !allowed(kind, role, &file) {
                    found.hits.insert((kind, (*role).to_owned(), file.clone()));
                }
            }
        }
    }
    Ok(found)
}

/// Plants a secret in each role's folder, each in another form, and counts in how many it is found. The planted files
/// are gone afterwards.
pub fn plant(dir: &Path, roles: &[&str]) -> Result<(usize, usize), CliError> {
    let mut bytes = vec![0; 16];
    Random.fill_bytes(&mut bytes);
    let all: Vec<Vec<u8>> = forms(&bytes).into_iter().collect();
    let mut files = Vec::new();
    for (role, form) in roles.iter().zip(all.iter().cycle()) {
        let file = dir.join(role).join("planted");
        // In the middle of other text, as in a log line.
        crate::cli::write(&file, &[b"{\"x\":\"", form.as_slice(), b"\"}"].concat())?;
        files.push(file);
    }
    let found = search(dir, roles, &[Secret { kind: "planted", bytes }])?;
    for file in &files {
        std::fs::remove_file(file).map_err(|e| CliError::File(file.clone(), e))?;
    }
    let found: BTreeSet<_> = found.hits.into_iter().map(|(_, role, _)| role).collect();
    Ok((files.len(), found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_and_alignment_and_only_where_it_may_not_stand() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("gateway")).unwrap();
        let secret = Secret { kind: "receipt", bytes: b"0123456789abcdef".to_vec() };
        for before in 0..3 {
            let text = [vec![b'x'; before], secret.bytes.clone(), b"tail".to_vec()].concat();
            let coded = STANDARD_NO_PAD.encode(&text);
            for form in [
                text.clone(),
                hex::encode(&text).into_bytes(),
                coded.clone().into_bytes(),
                coded.bytes().rev().collect(),
            ] {
                std::fs::write(dir.path().join("gateway/f"), form).unwrap();
                let found = search(dir.path(), &["gateway"], std::slice::from_ref(&secret)).unwrap();
                assert_eq!((found.hits.len(), found.files), (1, 1));
            }
        }
        std::fs::write(dir.path().join("gateway/f"), "nothing").unwrap();
        assert!(search(dir.path(), &["gateway"], std::slice::from_ref(&secret)).unwrap().hits.is_empty());
        std::fs::write(dir.path().join("gateway/store.sqlite-wal"), &secret.bytes).unwrap();
        let nonce = Secret { kind: "token_nonce", ..secret.clone() };
        assert!(search(dir.path(), &["gateway"], &[nonce]).unwrap().hits.is_empty(), "a nonce may stand there");
        assert_eq!(search(dir.path(), &["gateway"], &[secret]).unwrap().hits.len(), 1, "a receipt may not");
    }

    #[test]
    fn a_planted_one_is_found_in_each_folder_and_taken_away_again() {
        let dir = tempfile::tempdir().unwrap();
        for role in ["a", "b"] {
            std::fs::create_dir(dir.path().join(role)).unwrap();
        }
        assert_eq!(plant(dir.path(), &["a", "b"]).unwrap(), (2, 2));
        assert!(files(dir.path()).is_empty());
    }

    #[test]
    fn identities_and_receipts_may_stand_nowhere() {
        assert!(
            !ALLOWED.lines().any(|l| l.starts_with("identity") || l.starts_with("phone") || l.starts_with("receipt"))
        );
    }
}
