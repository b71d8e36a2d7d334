//! Key files: each way to go wrong has its own words and its code.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tabir::client::official::keys::{CARD_FILE, KEY_FILE, PartKind};
use tabir::client::official::{KeyFileError, OfficialError, OfficialFile};
use tabir::config::ConfigError;
use tabir::config::keys::create_private_folder;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::{Code, Secret};

use crate::world::World;

fn passphrase(text: &str) -> SecretVec {
    Secret::new(text.as_bytes().to_vec())
}

const PASSPHRASE: &str = "kuda laut di atas bukit";

fn open(path: &Path) -> Result<OfficialFile, OfficialError> {
    OfficialFile::open(path, passphrase(PASSPHRASE), Cost::LEAST)
}

#[track_caller]
fn refused<T>(result: Result<T, OfficialError>) -> KeyFileError {
    match result.err().expect("must be refused") {
        OfficialError::KeyFile(error) => {
            // Whoever reads it can find the code in the words.
            assert!(error.to_string().contains(&format!("({})", error.code().as_str())), "{error}");
            error
        }
        error => panic!("another error: {error}"),
    }
}

#[track_caller]
fn config<T>(result: Result<T, OfficialError>) -> &'static str {
    match result.err().expect("must be refused") {
        OfficialError::Config(error) => error.code().unwrap(),
        error => panic!("another error: {error}"),
    }
}

/// A folder with an official in it.
fn folder(dir: &Path, name: &str) -> (PathBuf, OfficialFile) {
    let folder = dir.join(name);
    create_private_folder(&folder).unwrap();
    let file = OfficialFile::create(&folder, name, passphrase(PASSPHRASE), Cost::LEAST).unwrap();
    std::fs::write(file.card_path(), tabir_crypto::json::to_vec(&file.card()).unwrap()).unwrap();
    (folder, file)
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Writes a key file anew with one thing changed.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

/// Another character in the middle of a base64 or hex text.
fn spoiled(text: &Value) -> Value {
    let text = text.as_str().unwrap();
    let at = text.len() / 2;
    let other = if &text[at..=at] == "a" { "b" } else { "a" };
    let mut text = text.to_owned();
    text.replace_range(at..=at, other);
    text.into()
}

#[test]
fn a_folder_holds_everything_and_can_be_moved() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = folder(dir.path(), "sari");
    let of = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!((of(&folder), of(&folder.join(KEY_FILE))), (0o700, 0o600));
    assert_eq!(file.card_path(), folder.join(CARD_FILE));
    let card = file.card();
    // By its folder or by itself; from another place too.
    assert_eq!(open(&folder).unwrap().card(), card);
    assert_eq!(open(&folder.join(KEY_FILE)).unwrap().card(), card);
    let moved = dir.path().join("usb");
    std::fs::rename(&folder, &moved).unwrap();
    assert_eq!(open(&moved).unwrap().card(), card);
    // A single file of any other name still works, and its folder is nobody's business.
    mode(dir.path(), 0o755);
    let single = dir.path().join("budi.key");
    let budi = OfficialFile::create(&single, "Budi", passphrase(PASSPHRASE), Cost::LEAST).unwrap();
    assert_eq!(budi.card_path(), dir.path().join("budi.card.json"));
    assert_eq!(open(&single).unwrap().card(), budi.card());
    assert!(OfficialFile::create(&single, "Budi", passphrase(PASSPHRASE), Cost::LEAST).is_err(), "not overwritten");
    assert!(OfficialFile::create(&moved, "Sari", passphrase(PASSPHRASE), Cost::LEAST).is_err(), "not overwritten");
}

#[test]
fn refuses_a_key_file_or_a_folder_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = folder(dir.path(), "sari");
    let file = folder.join(KEY_FILE);
    for bits in [0o601, 0o604, 0o602, 0o610, 0o640, 0o620, 0o644] {
        mode(&file, bits);
        assert_eq!(config(open(&folder)), "mode", "{bits:o}");
    }
    mode(&file, 0o600);
    for bits in [0o701, 0o704, 0o702, 0o710, 0o740, 0o720, 0o755] {
        mode(&folder, bits);
        assert!(matches!(open(&folder), Err(OfficialError::Config(ConfigError::FolderMode(_)))), "{bits:o}");
    }
    mode(&folder, 0o755);
    let made = OfficialFile::create(&folder, "x", passphrase(PASSPHRASE), Cost::LEAST);
    assert_eq!(config(made), "mode", "nothing is put into such a folder either");
    mode(&folder, 0o700);
    assert!(open(&folder).is_ok());
}

#[test]
fn tells_a_wrong_passphrase_from_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, _) = folder(dir.path(), "sari");
    let path = folder.join(KEY_FILE);
    let whole = std::fs::read(&path).unwrap();
    let wrong = OfficialFile::open(&folder, passphrase("kuda laut di atas bukit "), Cost::LEAST);
    assert_eq!(refused(wrong), KeyFileError::Passphrase);

    // Cut off, or not JSON any more: the file as a whole.
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(refused(open(&folder)), KeyFileError::Damaged { part: PartKind::File, .. }), "{length}");
    }
    for field in ["keys", "ed_vk", "sum"] {
        std::fs::write(&path, &whole).unwrap();
        edit(&path, |v| v[field] = spoiled(&v[field]));
        let error = refused(open(&folder));
        assert!(
            matches!(error, KeyFileError::Damaged { part: PartKind::Keys, source } if source.code() == Code::Checksum),
            "{field}: {error}"
        );
        assert!(error.to_string().contains("your own keys"), "{error}");
    }
    std::fs::write(&path, &whole).unwrap();
    edit(&path, |v| v["extra"] = json!(1));
    assert_eq!(refused(open(&folder)).code(), Code::UnknownField);
    std::fs::write(&path, &whole).unwrap();
    assert!(open(&folder).is_ok());
}

#[test]
fn refuses_another_officials_file_under_ones_own_card() {
    let dir = tempfile::tempdir().unwrap();
    let ((sari, _), (budi, _)) = (folder(dir.path(), "sari"), folder(dir.path(), "budi"));
    std::fs::copy(budi.join(KEY_FILE), sari.join(KEY_FILE)).unwrap();
    assert_eq!(refused(open(&sari)), KeyFileError::OtherOfficial);
    std::fs::write(sari.join(CARD_FILE), "{").unwrap();
    assert!(matches!(refused(open(&sari)), KeyFileError::Damaged { part: PartKind::Card, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_says_what_is_wrong_with_it() {
    let world = World::start().await;
    let session = world.session().await;
    let state = &session.view.state;
    let council = &state.active_council(&session.trust, session.now()).unwrap().council;
    let one = world.official(1);
    assert_eq!(one.share_by_log(state, council).unwrap().index(), 1);
    let held = one.holdings().unwrap();
    assert_eq!((held.len(), held[0].council_id, held[0].index), (1, *council.council_id(), 1));
    assert_eq!(held[0].lineage, *council.lineage());

    // Somebody who never had a share, and is no member.
    let stranger = world.stranger();
    assert_eq!(refused(stranger.share(council)), KeyFileError::OtherOfficial);
    // The share of another official, in this one's file.
    let path = world.key_file(1);
    let whole = std::fs::read(&path).unwrap();
    let theirs: Value = serde_json::from_slice(&std::fs::read(world.key_file(2)).unwrap()).unwrap();
    edit(&path, |v| v["shares"] = theirs["shares"].clone());
    let part = PartKind::Share(*council.council_id());
    assert_eq!(refused(world.official(1).share(council)), KeyFileError::Misplaced { part });
    edit(&path, |v| {
        v["shares"][0]["bound"] = serde_json::from_slice::<Value>(&whole).unwrap()["shares"][0]["bound"].clone()
    });
    assert_eq!(
        refused(world.official(1).share(council)),
        KeyFileError::Damaged { part, source: Code::Checksum.into() }
    );
    // Damage of the share alone: the keys still open, and the part is named.
    for field in ["sealed", "sum"] {
        std::fs::write(&path, &whole).unwrap();
        edit(&path, |v| v["shares"][0][field] = spoiled(&v["shares"][0][field]));
        let error = refused(world.official(1).share(council));
        assert_eq!(error, KeyFileError::Damaged { part, source: Code::Checksum.into() });
    }
    // A share of another council only.
    std::fs::write(&path, &whole).unwrap();
    edit(&path, |v| v["shares"][0]["id"] = json!("00".repeat(32)));
    let none = refused(world.official(1).share_by_log(state, council));
    assert_eq!(none, KeyFileError::OtherCouncil(*council.council_id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_passphrase_opens_everything_and_the_old_one_nothing() {
    let world = World::start().await;
    let session = world.session().await;
    let council = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let case = world.case(None).await;
    let hash = world.requested(&case).await;
    world.approve(1, &hash, &case).await.unwrap();

    let path = world.key_file(1);
    let parts = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let before = parts(&path);
    assert_eq!(before["requests"].as_array().unwrap().len(), 1);
    let (mut file, mut other) = (world.official(1), world.official(1));
    file.change_passphrase(passphrase(PASSPHRASE), Cost::LEAST).unwrap();
    let after = parts(&path);
    assert_eq!(
        refused(OfficialFile::open(&path, passphrase("a passphrase of official 1"), Cost::LEAST)),
        KeyFileError::Passphrase
    );
    let file = open(&path).unwrap();
    assert_eq!(file.share(&council).unwrap().index(), 1);
    for (field, place) in [
        ("keys", "/keys"),
        ("share", "/shares/0/sealed"),
        ("request", "/requests/0/sealed"),
        ("ceremony", "/ceremony/sealed"),
    ] {
        assert_ne!(before.pointer(place).unwrap(), after.pointer(place).unwrap(), "{field} was sealed anew");
    }
    // A command that had the file open meanwhile does not bring the old passphrase back.
    let error = other.mark_backup("2026-11-25".to_owned().try_into().unwrap()).err().unwrap();
    assert!(matches!(error, OfficialError::Config(ConfigError::Changed(_))), "{error}");

    // A part that does not open stops it, and nothing is changed.
    edit(&path, |v| v["requests"][0]["sealed"] = spoiled(&v["requests"][0]["sealed"]));
    let damaged = std::fs::read(&path).unwrap();
    let refused = refused(open(&path).unwrap().change_passphrase(passphrase("another one entirely"), Cost::LEAST));
    assert_eq!(refused, KeyFileError::Damaged { part: PartKind::Request(hash), source: Code::Checksum.into() });
    assert_eq!(std::fs::read(&path).unwrap(), damaged);
}
