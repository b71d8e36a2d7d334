use std::collections::BTreeMap;

use tabir_crypto::SecretBytes;
use tabir_crypto::content::{Dispute, DisputeCode, Latitude, Location, Longitude};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::Release;
use tabir_crypto::statement::value::{CodeText, Text, V1};

use super::super::services::Datatype;
use super::*;
use crate::forwarder::mapping::{EnvelopeReference, is_marked};

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
        via: None,
    }
}

fn attribute(code: &str, datatype: Datatype, required: bool, keys: &[&str]) -> Attribute {
    let keys = keys.iter().map(|k| (*k).to_owned()).collect();
    Attribute { code: code.to_owned(), datatype: Some(datatype), required, keys }
}

fn try_form(content: &Content, mapping: &Mapping, attributes: &[Attribute], repeated: bool) -> Result<Form, Lack> {
    let envelope = EnvelopeReference { hash: &[7; 32], gateway: "https://gateway.example" };
    let out = Outgoing { content, reference: "AAAA-BBBB-CCCC", envelope, day: 86_400 * 365, repeated };
    let category = mapping.category(content.category.as_str()).unwrap();
    report(&out, mapping, &category, attributes)
}

fn form(content: &Content, attributes: &[&str]) -> BTreeMap<String, String> {
    let attributes: Vec<_> = attributes.iter().map(|a| attribute(a, Datatype::String, false, &[])).collect();
    try_form(content, &Mapping::default(), &attributes, false).unwrap().into_iter().collect()
}

fn mapping(text: &str) -> Mapping {
    toml::from_str(text).unwrap()
}

/// Who handles it should know what was seen on the way.
#[test]
fn a_report_that_another_machine_sealed_says_so() {
    let came = |via| {
        let report = Content { via, ..content(Precision::None, IdentityState::None) };
        (form(&report, &[])["description"].clone(), form(&report, &["tabir_via"]).remove("attribute[tabir_via]"))
    };
    assert!(!came(None).0.contains("How it came") && came(None).1.is_none());
    assert!(came(Some(Via::Counter)).0.contains("How it came: an officer typed it at a counter\n"));
    assert!(came(Some(Via::Facade)).0.contains("How it came: through an app's server"));
    assert!(came(Some(Via::Facade)).1.is_some_and(|value| value.contains("app's server")));
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
}

fn later(written: &Written, mapping: &Mapping, repeated: bool) -> BTreeMap<String, String> {
    let out = OutgoingWrite {
        written,
        category: "pothole",
        reference: "R",
        counter: 2,
        request_id: "12",
        raw_status: "in_progress",
        day: 86_400,
        repeated,
    };
    write(&out, mapping, &Category::same("pothole")).unwrap().into_iter().collect()
}

#[test]
fn a_dispute_reopens_and_everything_else_repeats_the_known_status() {
    let dispute = Dispute { v: V1, seq: 1, code: DisputeCode::FalseProof, text: "Not so.".into() };
    let sent = later(&Written::Dispute(dispute), &Mapping::default(), false);
    assert_eq!(sent["status"], "REOPEN");
    assert_eq!(sent["description"], "Dispute of the reporter (false_proof):\nNot so.\n\n[tabir:R/2]");
    assert_eq!((sent["update_id"].as_str(), sent["updated_datetime"].as_str()), ("tabir:R/2", "1970-01-02T00:00:00Z"));
    assert_eq!(later(&Written::Erase, &Mapping::default(), false)["status"], "IN_PROGRESS");
}

#[test]
fn attributes_are_filled_as_the_mapping_says_and_only_with_what_their_type_takes() {
    let file = mapping(
        "[categories.pothole]\nservice = \"RD 12\"\nprecision = \"ward\"\n[categories.pothole.attributes]\n\
         DEPTH = { attribute = \"depth\", values = { \"30 cm\" = \"D3\" } }\n\
         SOURCE = { value = \"TABIR\" }\nREF = { field = \"reference\" }\n\
         LANES = { attribute = \"lanes\", default = \"1\" }\nENV = { field = \"envelope\" }\n",
    );
    let mut report = content(Precision::Point, IdentityState::Sealed);
    report.attributes.insert(CodeText::new("lanes").unwrap(), Text::new("two or so").unwrap());
    let attributes = [
        attribute("DEPTH", Datatype::SingleValueList, true, &["D1", "D3"]),
        attribute("SOURCE", Datatype::String, true, &[]),
        attribute("REF", Datatype::String, false, &[]),
        attribute("LANES", Datatype::Number, true, &[]),
        attribute("NOTE", Datatype::Text, false, &[]),
    ];
    let sent: BTreeMap<_, _> = try_form(&report, &file, &attributes, false).unwrap().into_iter().collect();
    assert_eq!((sent["service_code"].as_str(), sent["lat"].as_str()), ("RD 12", "-6.17"));
    assert_eq!((sent["attribute[DEPTH]"].as_str(), sent["attribute[SOURCE]"].as_str()), ("D3", "TABIR"));
    assert_eq!((sent["attribute[REF]"].as_str(), sent["attribute[LANES]"].as_str()), ("AAAA-BBBB-CCCC", "1"));
    assert!(!sent.contains_key("attribute[NOTE]") && !sent.contains_key("attribute[ENV]"), "only what is known");
    // What no attribute took stands in the text, so that nothing of a report is lost.
    assert!(sent["description"].contains("lanes: two or so") && sent["description"].contains("Sealed identity: 0707"));
    assert!(!sent["description"].contains("depth:"));
}

/// Scenario 17: what is missing is named, and nothing is made up.
#[test]
fn a_required_attribute_without_a_value_that_it_takes_is_named() {
    let report = content(Precision::None, IdentityState::None);
    let lacks = |a: Attribute| try_form(&report, &Mapping::default(), &[a], false).unwrap_err();
    assert_eq!(lacks(attribute("lanes", Datatype::Number, true, &[])), Lack("lanes".into()));
    assert_eq!(lacks(attribute("depth", Datatype::Number, true, &[])), Lack("depth".into()));
    assert_eq!(lacks(attribute("depth", Datatype::SingleValueList, true, &["1"])), Lack("depth".into()));
    let optional = attribute("depth", Datatype::Number, false, &[]);
    let sent: BTreeMap<_, _> =
        try_form(&report, &Mapping::default(), &[optional], false).unwrap().into_iter().collect();
    assert!(!sent.contains_key("attribute[depth]") && sent["description"].contains("depth: 30 cm"));
}

#[test]
fn what_the_server_refuses_is_left_out_and_a_place_is_given_where_it_must_be() {
    let file = mapping(
        "[server]\nomit = [\"requested_datetime\", \"address_string\", \"update_id\", \"status\"]\n\
         [location]\nfallback = [\"-6.1\", \"106.8\"]\n",
    );
    let report = content(Precision::None, IdentityState::None);
    let sent: BTreeMap<_, _> = try_form(&report, &file, &[], false).unwrap().into_iter().collect();
    let names: Vec<&str> = sent.keys().map(String::as_str).collect();
    assert_eq!(names, ["description", "lat", "long", "service_code"]);
    assert_eq!(sent["long"], "106.8");
    assert!(sent["description"].contains(NO_PLACE), "nobody takes the city hall for the place");
    let names: Vec<String> = later(&Written::Erase, &file, false).into_keys().collect();
    assert_eq!(names, ["description", "service_request_id", "updated_datetime"]);
}

#[test]
fn what_may_be_a_repetition_says_so_before_the_marker() {
    let report = content(Precision::None, IdentityState::None);
    let sent: BTreeMap<_, _> = try_form(&report, &Mapping::default(), &[], true).unwrap().into_iter().collect();
    assert!(sent["description"].ends_with(&format!("{REPETITION}\n\n[tabir:AAAA-BBBB-CCCC]")));
    assert!(later(&Written::Erase, &Mapping::default(), true)["description"].contains(REPETITION));
    assert!(!later(&Written::Erase, &Mapping::default(), false)["description"].contains(REPETITION));
}

#[test]
fn a_server_without_updates_gets_later_writes_as_requests_or_not_at_all() {
    let file = mapping("[server]\nfollowups = \"requests\"\n[say]\nupper_case = false\n");
    let sent = later(&Written::Erase, &file, false);
    assert!(sent["description"].starts_with("About request 12:\n") && sent["description"].ends_with("[tabir:R/2]"));
    assert!(!sent.contains_key("service_request_id") && sent["service_code"] == "pothole");
    let none = mapping("[server]\nfollowups = \"hold\"\n");
    let out = OutgoingWrite {
        written: &Written::Erase,
        category: "pothole",
        reference: "R",
        counter: 2,
        request_id: "12",
        raw_status: "open",
        day: 0,
        repeated: false,
    };
    assert!(write(&out, &none, &Category::same("pothole")).is_none());
}
