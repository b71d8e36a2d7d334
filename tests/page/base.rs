//! A base is what the same log gives to everybody, and no entry of it is missing that says who may sign and seal.

use std::path::Path;

use serde_json::Value;
use tabir::client::log_reader::Growth;
use tabir::client::log_source::LogFolder;
use tabir::ledger;
use tabir::page::base::Base;
use tabir::page::{File, INDEX, Page};
use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

/// What Rust makes of the log of the vectors, for `web/test/trust.test.ts`. `TABIR_WRITE=1` writes it anew.
const BASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/page-bases.json");
const VECTORS: &str = include_str!("../../crypto/tests/vectors/log.json");

/// The governance log of the vectors, as a folder.
async fn log(dir: &Path) -> (Trust, Growth) {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let log = &file["governance"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let write = |path: &str, bytes: &[u8]| {
        let file = dir.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    };
    for checkpoint in log["checkpoints"].as_array().unwrap() {
        let note = text(&checkpoint["note"]);
        write(&format!("checkpoints/{}", checkpoint["size"]), note.as_bytes());
        write("checkpoint", note.as_bytes());
    }
    let leaves: Vec<String> = log["leaves"].as_array().unwrap().iter().map(text).collect();
    let mut bundle = Vec::new();
    leaves.iter().for_each(|leaf| tabir_crypto::log::tile::push_entry(&mut bundle, leaf.as_bytes()).unwrap());
    write(&format!("tile/entries/000.p/{}", leaves.len()), &bundle);
    let hashes: Vec<u8> = leaves.iter().flat_map(|leaf| tabir_crypto::log::leaf_hash(leaf.as_bytes())).collect();
    write(&format!("tile/0/000.p/{}", leaves.len()), &hashes);
    let trust = Trust::pinned(&Statement::parse(text(&log["trust"]).as_bytes()).unwrap()).unwrap();
    let reader = ledger::reader_of(&trust, LogName::Governance, LogFolder(dir.to_owned())).unwrap();
    let growth = reader.read(TreeHead::EMPTY).await.unwrap();
    (trust, growth)
}

#[tokio::test]
async fn the_same_log_gives_everybody_the_same_base() {
    let dir = tempfile::tempdir().unwrap();
    let (trust, log) = log(dir.path()).await;
    let bases: Vec<_> =
        [2, 5, 7].map(|size| serde_json::to_value(Base::of(&trust, &log, Some(size)).unwrap()).unwrap()).into();
    assert_eq!(serde_json::to_value(Base::of(&trust, &log, None).unwrap()).unwrap(), bases[2], "the newest");
    let written = serde_json::to_string_pretty(&bases).unwrap() + "\n";
    if std::env::var_os("TABIR_WRITE").is_some() {
        std::fs::write(BASES, &written).unwrap();
    }
    assert_eq!(std::fs::read_to_string(BASES).unwrap(), written);
    for base in &bases {
        // Of an opening, which is nobody's key, nothing is in it.
        for entry in base["entries"].as_array().unwrap() {
            let leaf = &log.entries[usize::try_from(entry["index"].as_u64().unwrap()).unwrap()];
            let verb = Statement::parse(&leaf.leaf).unwrap().verb();
            assert!(!verb.as_str().starts_with("unseal."), "{verb:?}");
            assert_eq!(entry["witnessed"], leaf.witnessed_time);
        }
    }
}

#[tokio::test]
async fn a_base_ends_at_a_kept_checkpoint_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (trust, log) = log(dir.path()).await;
    for size in [0, 1, 3, 8] {
        assert_eq!(Base::of(&trust, &log, Some(size)).unwrap_err().code(), Code::Size, "{size}");
    }
}

#[tokio::test]
async fn a_page_has_the_base_that_was_put_into_it_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (trust, log) = log(dir.path()).await;
    let [five, seven] = [5, 7].map(|size| Base::of(&trust, &log, Some(size)).unwrap());
    let index = || vec![File { name: INDEX.into(), bytes: b"<script>\"installation\"</script>".to_vec() }];
    let page = Page::of(index(), &trust, "https://gateway.example", Some(&five)).unwrap();
    assert_eq!(page.base_size(), Some(5));
    assert!(page.has(&five) && !page.has(&seven));
    let without = Page::of(index(), &trust, "", None).unwrap();
    assert_eq!(without.base_size(), None);
    assert!(!without.has(&five));

    // One entry left out, one digit of the edge: another base.
    let text = String::from_utf8(page.file(INDEX).unwrap().bytes.clone()).unwrap();
    let edge = serde_json::to_value(&five).unwrap()["edge"][0].as_str().unwrap().to_owned();
    for changed in [text.replace(&edge, &"00".repeat(32)), text.replace("\"index\":0,", "\"index\":1,")] {
        assert_ne!(changed, text);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(INDEX), changed).unwrap();
        let page = Page::read(folder.path()).unwrap();
        assert_eq!(page.base_size(), Some(5));
        assert!(!page.has(&five));
    }
}
