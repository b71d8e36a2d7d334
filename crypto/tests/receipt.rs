//! The receipt, its keys, and what is computed from them.

mod common;

use common::{Stream, case, is_refused, refuses};
use tabir_crypto::receipt::{
    Receipt, accept, accept_body, case_id, notice_hash, notice_tag, proquints, reference, request_commit,
};
use tabir_crypto::{Code, SecretBytes, json};

#[test]
fn every_key_comes_from_the_receipt() {
    let (input, out) = case("receipt");
    let receipt = Receipt::from(input.secret::<16>("secret"));
    assert_eq!(receipt.text().expose(), out.text("text"));
    let keys = receipt.keys();
    out.is("access", keys.access.expose());
    out.is("mailbox_seed", keys.mailbox.seed().expose());
    out.is("r", keys.r.expose());
    out.is("nf", keys.nf.expose());
    out.is("notice_key", keys.notice_key.expose());
    out.is("case_vk", keys.case_vk().as_bytes());
    out.is("mailbox_pk", keys.mailbox_pk().as_bytes());
    out.is("access_hash", keys.access_hash());
    out.is("case_id", keys.case_id());
    out.is("case_id", case_id(&out.b32("access_hash"), &keys.case_vk()));
    assert_eq!(reference(&out.b32("case_id")), out.text("reference"));
    out.is("notice_hash", keys.notice_hash());
    out.is("notice_hash", notice_hash(&out.b32("notice_key")));
    out.is("a", keys.a());
    out.is("a", accept(&out.b32("r"), &out.b32("nf")));
    let seed = out.secret("case_seed");
    let signer = tabir_crypto::ed25519::SigningKey::from_seed(&seed);
    assert_eq!(signer.sign(b"m"), keys.case_key.sign(b"m"));
}

#[test]
fn reads_what_people_type() {
    let (input, out) = case("receipt");
    let secret = input.secret::<16>("secret");
    let text = out.text("text");
    let typed =
        [input.text("typed").to_owned(), text.to_owned(), text.replace('-', ""), text.replace('-', "\t-\n ") + "\r\n"];
    for typed in typed {
        assert_eq!(*Receipt::parse(&typed).unwrap().secret(), secret, "{typed}");
    }
}

#[test]
fn refuses_hostile_receipts() {
    refuses("receipt", |i| Receipt::parse(i.text("typed")));
    for typed in ["", "hatid", "hatid-votus-dogag-tupiz-tatud-bihur-dojoh-harum-ragur-ragur"] {
        is_refused(Receipt::parse(typed), Code::Groups);
    }
}

/// Any single wrong letter is noticed with its group, unless by bad luck two changes fit; then no group is named.
#[test]
fn names_the_group_of_a_single_wrong_letter() {
    let (_, out) = case("receipt");
    let text = out.text("text");
    let mut named = 0;
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
        let letters = if b"aiou".contains(&text.as_bytes()[at]) { "aiou" } else { "bdfghjklmnprstvz" };
        for letter in letters.bytes().filter(|l| *l != text.as_bytes()[at]) {
            let mut typed = text.as_bytes().to_vec();
            typed[at] = letter;
            let e = Receipt::parse(&String::from_utf8(typed).unwrap()).unwrap_err();
            assert_eq!(e.code(), Code::Checksum);
            let group = u16::try_from(at / 6 + 1).unwrap();
            assert!(e.culprit().is_none_or(|named| named == group), "another group is named");
            named += usize::from(e.culprit().is_some());
        }
    }
    assert!(named > 440, "{named} of 459");
}

#[test]
fn a_receipt_survives_its_text() {
    let mut rng = Stream::new("receipts");
    for _ in 0..200 {
        let receipt = Receipt::generate(&mut rng);
        let text = receipt.text();
        assert_eq!(text.expose().len(), 53);
        assert_eq!(Receipt::parse(text.expose()).unwrap(), receipt);
        assert_eq!(SecretBytes::<16>::from(receipt.clone()), *receipt.secret());
    }
}

#[test]
fn secrets_do_not_print_themselves() {
    let receipt = Receipt::generate(&mut Stream::new("printed"));
    let shown = format!("{receipt:?} {:?} {:?}", receipt.text(), receipt.keys());
    for word in receipt.text().expose().split('-') {
        assert!(!shown.contains(word));
    }
    assert!(!shown.contains(&hex::encode(receipt.keys().access.expose())));
    assert!(!shown.contains(&format!("{:?}", receipt.keys().access.expose())));
    assert!(shown.contains("<redacted>"));
}

/// The examples of arXiv 0901.4016.
#[test]
fn proquints_of_addresses() {
    for (address, words) in [
        ([127, 0, 0, 1], "lusab-babad"),
        ([63, 84, 220, 193], "gutih-tugad"),
        ([140, 98, 193, 141], "mudof-sakat"),
        ([216, 68, 232, 21], "todah-vobij"),
    ] {
        assert_eq!(proquints(&address), words);
    }
    assert_eq!(proquints(&[127, 0, 0, 1, 9]), "lusab-babad");
}

#[test]
fn acceptance_and_unseal_hashes() {
    let (input, out) = case("accept_body");
    out.is("b", accept_body(&input.b32("r"), &input.b32("content_hash"), &input.b32("envelope_hash")));
    let (input, out) = case("unseal_request");
    json::parse(input.text("text").as_bytes()).unwrap();
    out.is("commit", request_commit(&input.b32("salt"), input.text("text").as_bytes()));
    out.is("tag", notice_tag(&input.b32("notice_key"), &input.b32("nonce")));
}
