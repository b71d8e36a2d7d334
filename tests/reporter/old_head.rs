//! A copy of the log whose witnesses have been silent for long: what it shows may be old, and is said to be.

use tabir::config::keys::write_private;
use tabir_crypto::SecretBytes;
use tabir_crypto::log::tile::{bundles, push_entry};
use tabir_crypto::receipt::{Receipt, notice_tag};
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::Hex;

use crate::folder::{new_log, read};
use crate::log::*;

/// Years before any machine that runs this.
const LONG_AGO: u64 = 1_500_000_000;

#[tokio::test]
async fn an_old_head_is_told_as_old_and_the_request_in_it_as_it_is() {
    let receipt = Receipt::from(SecretBytes::new([3; 16]));
    let mut log = new_log();
    let ground = std::mem::take(&mut log.leaves);
    let mut log = Log { state: tabir_crypto::trust::State::new(), now: LONG_AGO, ..log };
    ground.into_iter().for_each(|(leaf, _)| drop(log.put_leaf(leaf, Some(LONG_AGO)).unwrap()));
    let body = requested("hers");
    let tag = notice_tag(receipt.keys().notice_key.expose(), &body.nonce.unwrap().0);
    log.ask_with(&UnsealRequested { tag: Hex(tag), ..body });

    let dir = tempfile::tempdir().unwrap();
    let file = |path: &str, bytes: &[u8]| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let growth = read(&log);
    let mut bundle = Vec::new();
    growth.entries.iter().for_each(|e| push_entry(&mut bundle, &e.leaf).unwrap());
    file(&format!("copy/governance/{}", bundles(0, log.size()).unwrap().next().unwrap()), &bundle);
    file("copy/governance/checkpoint", &growth.checkpoint.signed().to_bytes());
    for kept in &growth.kept {
        file(&format!("copy/governance/checkpoints/{}", kept.head().size), &kept.signed().to_bytes());
    }
    file("trust.json", &log.trust.statement().to_bytes());
    write_private(&dir.path().join("receipt"), receipt.text().expose().as_bytes()).unwrap();

    for (language, says) in
        [("en", "TAKE CARE: the witnesses' last word is"), ("id", "PERHATIAN: saksi terakhir sudah")]
    {
        let mut follow = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
        follow.args(["follow", "--language", language]).env_remove("TABIR_SERVER");
        for (name, path) in [("--log", "copy"), ("--trust", "trust.json"), ("--receipt", "receipt")] {
            follow.arg(name).arg(dir.path().join(path));
        }
        let out = follow.output().await.unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.success() && said.contains(says), "{said}");
        // Nobody released it in time, as far as anybody's clock goes.
        assert!(said.contains(if language == "en" { "! EXPIRED" } else { "! KEDALUWARSA" }), "{said}");
    }
}
