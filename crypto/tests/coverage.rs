//! Which test covers which vector: none is left out, and none goes missing.

mod common;

use common::load;

/// Where each format's vectors are recomputed.
const FORMATS: &[(&str, &str)] = &[
    ("T", "src/codec.rs"),
    ("g2", "tests/blocks.rs"),
    ("lift", "tests/blocks.rs"),
    ("ed25519", "tests/blocks.rs"),
    ("xwing_key", "tests/hpke.rs"),
    ("strict_json", "tests/blocks.rs"),
    ("key_id", "tests/blocks.rs"),
    ("receipt", "tests/receipt.rs"),
    ("content", "tests/content.rs"),
    ("content_bucket", "tests/content.rs"),
    ("ceremony_id", "tests/statements.rs"),
    ("lineage", "tests/threshold.rs"),
    ("council_id", "tests/threshold.rs"),
    ("label", "tests/envelope.rs"),
    ("record", "tests/content.rs"),
    ("inner", "tests/envelope.rs"),
    ("outer", "tests/envelope.rs"),
    ("unseal_request", "tests/receipt.rs"),
    ("statement", "tests/statements.rs"),
    ("leaf_hash", "tests/statements.rs"),
    ("checkpoint_hash", "tests/log.rs"),
    ("opening", "tests/threshold.rs"),
    ("accept_body", "tests/receipt.rs"),
    ("submission", "tests/submission.rs"),
    ("body_tag", "tests/submission.rs"),
    ("attachment", "tests/attachment.rs"),
];

/// Where each decoder's hostile inputs are refused.
const DECODERS: &[(&str, &str)] = &[
    ("lift", "tests/blocks.rs"),
    ("point", "tests/blocks.rs"),
    ("scalar", "src/point.rs"),
    ("ed25519", "tests/blocks.rs"),
    ("json", "tests/blocks.rs"),
    ("statement", "tests/statements.rs"),
    ("checkpoint_hash", "tests/log.rs"),
    ("receipt", "tests/receipt.rs"),
    ("content", "tests/content.rs"),
    ("record", "tests/content.rs"),
    ("hpke", "tests/hpke.rs"),
    ("xwing_pk", "tests/hpke.rs"),
    ("sender", "tests/envelope.rs"),
    ("open_inner", "tests/threshold.rs"),
    ("outer", "tests/envelope.rs"),
    ("partial", "tests/threshold.rs"),
    ("combine", "tests/threshold.rs"),
    ("attachment", "tests/attachment.rs"),
];

#[test]
fn every_format_and_decoder_is_tested() {
    let file = load("tabir-v1.json");
    let formats = file["formats"].as_object().unwrap().keys().map(String::as_str);
    let rejects = file["reject"].as_array().unwrap();
    let decoders = rejects.iter().map(|r| r["decoder"].as_str().unwrap());
    assert_eq!((file["formats"].as_object().unwrap().len(), rejects.len()), (26, 143), "vectors went missing");
    let covered = |list: &[(&str, &str)], name: &str, what: &str| {
        let (_, test) = list.iter().find(|(listed, _)| *listed == name).unwrap_or_else(|| panic!("no test of {name}"));
        let path = format!("{}/{test}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{test}: {e}"));
        assert!(text.contains(&format!("\"{name}\"")), "{test} does not take the {what} {name}");
    };
    formats.for_each(|name| covered(FORMATS, name, "format"));
    decoders.for_each(|name| covered(DECODERS, name, "decoder"));
}
