//! What must lie in no file: texts, and everything that opens a case.

use std::path::{Path, PathBuf};

use tabir_crypto::receipt::Receipt;

/// The forms in which a text or a secret could lie in a file.
pub fn traces(texts: &[&str], receipt: Option<&Receipt>) -> Vec<(String, Vec<u8>)> {
    let mut traces: Vec<_> = texts.iter().map(|t| ((*t).to_owned(), t.as_bytes().to_vec())).collect();
    if let Some(receipt) = receipt {
        let keys = receipt.keys();
        traces.push(("receipt".into(), receipt.text().expose().clone().into_bytes()));
        for (name, bytes) in [
            ("secret", receipt.secret().expose().to_vec()),
            ("access", keys.access.expose().to_vec()),
            ("r", keys.r.expose().to_vec()),
        ] {
            traces.push((format!("{name}, hex"), hex::encode(&bytes).into_bytes()));
            traces.push((name.into(), bytes));
        }
    }
    traces
}

/// Which of them lie in which file.
pub fn found(files: &[(PathBuf, Vec<u8>)], traces: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, content) in files {
        for (name, bytes) in traces {
            if content.windows(bytes.len()).any(|w| w == bytes) {
                found.push(format!("{name} in {}", path.display()));
            }
        }
    }
    found
}

/// Every file of a folder, write-ahead logs included.
pub fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
