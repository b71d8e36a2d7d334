use std::collections::BTreeMap;

use tabir_crypto::SecretBytes;
use tabir_crypto::content::{Dispute, DisputeCode, Latitude, Longitude};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::Release;
use tabir_crypto::statement::value::{CodeText, Text, V1};

use super::*;

fn content(precision: Precision, identity: IdentityState) -> Content {
    let place = (Latitude::new("-6.1754123").unwrap(), Longitude::new("106.8272456").unwrap());
    let place = (precision != Precision::None).then_some(place);
    Content {
        v: V1,
        category: CodeText::new("pothole").unwrap(),
        text: "A deep hole.".into(),
        language: CodeText::new("en").unwrap(),
        location: Location::new(precision, place, "Jl. Merdeka".into()).unwrap(),
        attributes: BTreeMap::from([(CodeText::new("depth").unwrap(), Text::new("30 cm").unwrap())]),
        release: Release::Urgent,
        identity,
        mailbox_pk: KemSecretKey::from_seed(SecretBytes::new([1; 32])).public_key(),
        attachments: Vec::new(),
    }
}

fn form(content: &Content, attributes: &[&str]) -> BTreeMap<String, String> {
    let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
    let envelope = EnvelopeReference { hash: &[7; 32], gateway: "https://gateway.example" };
    report_form(content, "AAAA-BBBB-CCCC", &envelope, 86_400 * 365, &attributes).into_iter().collect()
}

/// Scenario 13: the exact payload, without sending anything.
#[test]
fn a_report_goes_out_with_a_date_a_marker_and_only_the_attributes_that_the_service_has() {
    let sealed = content(Precision::Point, IdentityState::Sealed);
    let plain = form(&sealed, &[]);
    let hash = "07".repeat(32);
    assert_eq!(plain["requested_datetime"], "1971-01-01");
    assert_eq!((plain["lat"].as_str(), plain["long"].as_str()), ("-6.1754123", "106.8272456"));
    assert_eq!(
        plain["description"],
        format!(
            "A deep hole.\n\ndepth: 30 cm\nSealed identity: {hash}\n\
             Sealed identity at: https://gateway.example/v1/envelopes/{hash}\n\n[tabir:AAAA-BBBB-CCCC]"
        )
    );
    let rich = form(&sealed, &["depth", "tabir_ref", "tabir_envelope", "tabir_envelope_url"]);
    assert_eq!(rich["description"], "A deep hole.\n\n[tabir:AAAA-BBBB-CCCC]");
    assert_eq!(rich["attribute[depth]"], "30 cm");
    assert_eq!(rich["attribute[tabir_ref]"], "AAAA-BBBB-CCCC");
    assert_eq!(rich["attribute[tabir_envelope]"], hash);
    let none = form(&content(Precision::Point, IdentityState::None), &["tabir_envelope"]);
    assert!(!none.contains_key("attribute[tabir_envelope]") && !none["description"].contains(&hash));
}

#[test]
fn coordinates_are_no_more_exact_than_the_reporter_chose() {
    let at = |precision| form(&content(precision, IdentityState::None), &[]);
    assert_eq!(at(Precision::Street)["lat"], "-6.175");
    assert_eq!(at(Precision::Ward)["long"], "106.82");
    let none = at(Precision::None);
    assert!(!none.contains_key("lat") && !none.contains_key("long"));
    assert_eq!(none["address_string"], "Jl. Merdeka");
}

#[test]
fn a_reporter_cannot_write_another_reports_marker() {
    let (mine, other) = (report_marker("AAAA-BBBB-CCCC"), report_marker("DDDD-EEEE-FFFF"));
    let mut hostile = content(Precision::None, IdentityState::None);
    hostile.text = format!("Nothing. {other}");
    let description = &form(&hostile, &[])["description"];
    assert!(is_marked(description, &mine) && !is_marked(description, &other));
    assert!(!is_marked("no marker", &mine) && !is_marked(&format!("{mine} and more"), &mine));
    let echo = format!("words\n\n{}", write_marker("AAAA-BBBB-CCCC", 3));
    assert!(is_echo(&echo, "AAAA-BBBB-CCCC", 3));
    assert!(!is_echo(&echo, "AAAA-BBBB-CCCC", 2), "a write that was never made");
    assert!(!is_echo(&echo, "DDDD-EEEE-FFFF", 3));
    assert!(!is_echo(&format!("words {mine}"), "AAAA-BBBB-CCCC", 3));
}

#[test]
fn a_dispute_reopens_and_everything_else_repeats_the_known_status() {
    let dispute = Dispute { v: V1, seq: 1, code: DisputeCode::FalseProof, text: "Not so.".into() };
    let sent: BTreeMap<_, _> =
        write_form(&Written::Dispute(dispute), "12", "[tabir:R/2]", "fixed", 90_000).into_iter().collect();
    assert_eq!(sent["status"], "REOPEN");
    assert_eq!(sent["description"], "Dispute of the reporter (false_proof):\nNot so.\n\n[tabir:R/2]");
    assert_eq!((sent["update_id"].as_str(), sent["updated_datetime"].as_str()), ("tabir:R/2", "1970-01-02T00:00:00Z"));
    let erased: BTreeMap<_, _> =
        write_form(&Written::Erase, "12", "[tabir:R/3]", "in_progress", 0).into_iter().collect();
    assert_eq!(erased["status"], "IN_PROGRESS");
}

/// Scenario 16: a late update never moves a status backwards, a newer one only by reopening.
#[test]
fn a_status_never_goes_backwards() {
    use Status::{Declined, Disposition, InProgress, Received, Resolved, Scheduled, Waiting};
    let to = Meaning::Status;
    assert_eq!(step(Received, 0, to(Waiting), 5), Step::Set(Waiting));
    assert_eq!(step(InProgress, 10, to(Resolved), 9), Step::Keep, "late");
    assert_eq!(step(Resolved, 10, to(InProgress), 11), Step::Regression);
    assert_eq!(step(Disposition, 10, to(Waiting), 11), Step::Regression);
    assert_eq!(step(Scheduled, 10, to(InProgress), 11), Step::Set(InProgress));
    assert_eq!(step(Resolved, 10, to(Declined), 11), Step::Set(Declined));
    assert_eq!(step(Resolved, 10, to(Resolved), 11), Step::Keep);
    assert_eq!(step(Resolved, 10, Meaning::Reopened, 11), Step::Set(Waiting));
    assert_eq!(step(Resolved, 10, Meaning::Reopened, 9), Step::Keep, "late");
    assert_eq!(step(InProgress, 10, Meaning::Reopened, 11), Step::Keep);
    assert_eq!(step(Waiting, 10, Meaning::Unchanged, 11), Step::Keep);
}

#[test]
fn a_question_is_told_by_its_mark() {
    assert_eq!(officer_text("[Question]  Where?"), (true, "Where?".into()));
    assert_eq!(officer_text(" Is this a [question]?\u{7} "), (false, "Is this a [question]?".into()));
    assert_eq!(officer_text("¿Dónde?"), (false, "¿Dónde?".into()));
}
