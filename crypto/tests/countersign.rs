//! A countersignature is about one case of one installation, by one key.

use tabir_crypto::error::Code;
use tabir_crypto::log::NoteSigner;
use tabir_crypto::{SecretBytes, countersign};

const ORIGIN: &str = "lapor.kota.example";
const CASE: &str = "ABCD-EFGH-JKMN";

fn signer(n: u8) -> NoteSigner {
    NoteSigner::from_seed("desk.kota.example", &SecretBytes::new([n; 32])).unwrap()
}

#[track_caller]
fn refused(note: &str, origin: &str, case: &str, by: u8, code: Code) {
    let error = countersign::check(note, origin, case, signer(by).verifier_key()).expect_err("taken");
    assert_eq!(error.code(), code);
}

#[test]
fn says_that_one_case_of_one_installation_arrived() {
    let note = countersign::sign(&signer(1), ORIGIN, CASE).unwrap();
    countersign::check(&note, ORIGIN, CASE, signer(1).verifier_key()).unwrap();
    // As a message has it, which is trimmed.
    countersign::check(note.trim(), ORIGIN, CASE, signer(1).verifier_key()).unwrap();
    assert_eq!(countersign::parse(&note, ORIGIN, CASE).unwrap().to_string(), note);
}

#[test]
fn nothing_else_is_taken_for_one() {
    let note = countersign::sign(&signer(1), ORIGIN, CASE).unwrap();
    refused(&note, ORIGIN, "ABCD-EFGH-JKMP", 1, Code::Context);
    refused(&note, "another.example", CASE, 1, Code::Context);
    refused(&note, ORIGIN, CASE, 2, Code::UnknownKey);
    refused(&note.replace(CASE, "ABCD-EFGH-JKMP"), ORIGIN, "ABCD-EFGH-JKMP", 1, Code::Signature);
    refused("A crew is on its way", ORIGIN, CASE, 1, Code::Note);
    refused(&note.replace("tabir/v1/countersigned", "tabir/v2/countersigned"), ORIGIN, CASE, 1, Code::Context);
    assert_eq!(countersign::sign(&signer(1), ORIGIN, "a\tb").unwrap_err().code(), Code::Note);
}
