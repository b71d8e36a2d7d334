//! Padding of contents, messages and records, and what their JSON may say.

mod common;

use common::{Fixed, case, cases, is_refused, refuses};
use serde_json::{Value, json};
use tabir_crypto::codec::sha256;
use tabir_crypto::content::{
    CONTENT_SIZES, Content, Dispute, IdentityRecord, Latitude, Location, Longitude, MESSAGE_SIZES, Message, Precision,
    RECORD_SIZE, Rating, Stars, check_sealed_message, content_hash, pad_content, pad_message, pad_record,
    unpad_content, unpad_message, unpad_record,
};
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::json as strict;
use tabir_crypto::{Code, Result};

#[test]
fn a_content_is_sealed_as_the_vector_says() {
    let (input, out) = case("content");
    let text = input.text("json").as_bytes();
    let content: Content = strict::from_slice(text).unwrap();
    assert_eq!(strict::to_vec(&content).unwrap(), text, "fields stand in the documented order");
    let padded = pad_content(text).unwrap();
    out.is("plaintext_hash", sha256(padded.expose()));
    let intake = KemSecretKey::from_seed(input.secret("intake_seed"));
    out.is("intake_key_id", intake.public_key().key_id());
    let place = Use::Content { case_id: input.b32("case_id"), intake_key_id: out.b32("intake_key_id") };
    out.is("aad", place.aad());
    let mut rng = Fixed::new(input.bytes("ekm"));
    out.is("wire", uses::seal(&intake.public_key(), &place, padded.expose(), &mut rng).unwrap());
    assert!(rng.0.is_empty(), "all 64 bytes were used");
    out.is("content_hash", content_hash(&out.bytes("wire")).unwrap());
    let opened = uses::open(&intake, &place, &out.bytes("wire")).unwrap();
    assert_eq!(*unpad_content(opened.expose()).unwrap().expose(), text);
}

#[test]
fn the_smallest_size_that_fits_is_taken() {
    for (input, out) in cases("content_bucket") {
        let text = format!("\"{}\"", "x".repeat(usize::try_from(input.number("json_length")).unwrap() - 2));
        let padded = pad_content(text.as_bytes()).unwrap();
        assert_eq!(padded.expose().len() as u64, out.number("size"));
        out.is("plaintext_hash", sha256(padded.expose()));
        assert_eq!(*unpad_content(padded.expose()).unwrap().expose(), text.as_bytes());
    }
    is_refused(pad_content(&[b'x'; 65_533]), Code::TooLong);
    is_refused(pad_message(&[b'x'; 16_381]), Code::TooLong);
    assert_eq!(pad_message(&[b'x'; 4_093]).unwrap().expose().len(), 16_384);
    is_refused(pad_record(&[b'x'; 1_023]), Code::TooLong);
    assert_eq!(pad_record(&[b'x'; 1_022]).unwrap().expose().len(), RECORD_SIZE);
}

#[test]
fn whoever_opens_takes_any_size() {
    for size in CONTENT_SIZES {
        let mut padded = b"\0\0\0\x02{}".to_vec();
        padded.resize(size, 0);
        assert_eq!(*unpad_content(&padded).unwrap().expose(), b"{}");
        let message = unpad_message(&padded);
        if MESSAGE_SIZES.contains(&size) {
            assert_eq!(*message.unwrap().expose(), b"{}");
        } else {
            is_refused(message, Code::Size);
        }
    }
}

#[test]
fn refuses_hostile_padding() {
    refuses("content", |i| unpad_content(&i.bytes("plaintext")));
    refuses("record", |i| unpad_record(&i.bytes("record")));
    let mut padded = pad_message(b"{}").unwrap().expose().clone();
    padded[4_095] = 1;
    is_refused(unpad_message(&padded), Code::Pad);
    is_refused(unpad_message(&[0; 4_096]), Code::Length);
    let mut huge = vec![0xff; 4];
    huge.resize(4_096, 0);
    is_refused(unpad_message(&huge), Code::Length);
}

#[test]
fn refuses_a_sealed_length_that_none_has() {
    for size in [5_232, 17_520, 66_672] {
        assert!(content_hash(&vec![0; size]).is_ok());
        is_refused(content_hash(&vec![0; size + 1]), Code::Size);
        assert_eq!(check_sealed_message(&vec![0; size]).is_ok(), size < 60_000);
    }
    is_refused(check_sealed_message(&[0; 4_096]), Code::Size);
}

#[test]
fn records_are_as_the_vectors_say() {
    for (input, out) in cases("record") {
        let text = input.text("json").as_bytes();
        let padded = pad_record(text).unwrap();
        out.is("record", padded.expose());
        assert_eq!(*unpad_record(padded.expose()).unwrap().expose(), text);
        let record = IdentityRecord::from_padded(padded.expose()).unwrap();
        assert_eq!(record.is_some(), !text.is_empty());
        out.is("record", IdentityRecord::to_padded(record.as_ref()).unwrap().expose());
    }
}

/// Takes the vector's content, changes it, and reads it.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Content> {
    let mut value = serde_json::from_str(case("content").0.text("json")).unwrap();
    change(&mut value);
    strict::from_slice(value.to_string().as_bytes())
}

#[test]
fn refuses_contents_that_the_schema_does_not_have() {
    changed(|_| ()).unwrap();
    is_refused(changed(|c| c["note"] = json!("x")), Code::UnknownField);
    is_refused(changed(|c| c["location"]["city"] = json!("x")), Code::UnknownField);
    is_refused(changed(|c| drop(c.as_object_mut().unwrap().remove("release"))), Code::MissingField);
    let field = |key: &str, value: Value| is_refused(changed(|c| c[key] = value), Code::Field);
    field("v", json!(2));
    field("category", json!("Road works"));
    field("category", json!("x".repeat(65)));
    field("language", json!(""));
    field("release", json!("later"));
    field("identity", json!("open"));
    field("mailbox_pk", json!("00"));
    field("attributes", json!({"code": 1}));
    field("attributes", json!({"Not a code": "x"}));
    field("attachments", json!({}));
}

#[test]
fn refuses_places_that_do_not_exist() {
    for good in ["0", "-6.1754", "90", "-90.0", "89.9999999", "-0.5"] {
        assert_eq!(Latitude::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "-", "+6", "6.", ".5", "6,1", "90.0000001", "-91", "06", "1e1", "6.12345678", "٦", " 6", "--6"] {
        is_refused(Latitude::new(bad), Code::Field);
    }
    assert!(Longitude::new("-180").is_ok() && Longitude::new("106.8272").is_ok());
    for bad in ["180.1", "181", "999", "1000"] {
        is_refused(Longitude::new(bad), Code::Field);
    }
    is_refused(changed(|c| c["location"]["lat"] = json!(-6.1754)), Code::Integer);
    is_refused(changed(|c| c["location"]["lat"] = json!("-96.1754")), Code::Field);
}

#[test]
fn refuses_coordinates_that_do_not_fit_the_precision() {
    let place = || Some((Latitude::new("-6.1").unwrap(), Longitude::new("106.8").unwrap()));
    for precision in [Precision::Point, Precision::Street] {
        is_refused(Location::new(precision, None, String::new()), Code::Field);
        assert!(Location::new(precision, place(), String::new()).is_ok());
    }
    is_refused(Location::new(Precision::None, place(), String::new()), Code::Field);
    is_refused(changed(|c| c["location"]["precision"] = json!("none")), Code::Field);
    is_refused(changed(|c| drop(c["location"].as_object_mut().unwrap().remove("lon"))), Code::Field);
    let nowhere = changed(|c| c["location"] = json!({"precision": "none", "text": "dekat pasar"})).unwrap();
    assert_eq!((nowhere.location.place(), nowhere.location.text()), (None, "dekat pasar"));
}

fn reads<T: strict::Schema>(value: &Value) -> Result<T> {
    strict::from_slice(value.to_string().as_bytes())
}

#[test]
fn refuses_other_messages_ratings_and_disputes() {
    let message = json!({"v":1,"seq":3,"prev":"00".repeat(32),"kind":"answer","re":2,"text":"Ya."});
    let read: Message = reads(&message).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), message);
    let with = |key: &str, value: Value| {
        let mut m = message.clone();
        m[key] = value;
        reads::<Message>(&m)
    };
    is_refused(with("kind", json!("order")), Code::Field);
    is_refused(with("prev", json!("00")), Code::Field);
    is_refused(with("from", json!("x")), Code::UnknownField);
    is_refused(with("seq", json!(-1)), Code::Integer);

    let dispute = json!({"v":1,"seq":4,"code":"not_done","text":""});
    assert_eq!(serde_json::to_value(reads::<Dispute>(&dispute).unwrap()).unwrap(), dispute);
    is_refused(reads::<Dispute>(&json!({"v":1,"seq":4,"code":"no","text":""})), Code::Field);

    for stars in 0..8 {
        let rating = reads::<Rating>(&json!({"v":1,"stars":stars}));
        assert_eq!(rating.is_ok(), (1..=5).contains(&stars), "{stars}");
        assert_eq!(Stars::new(stars).is_ok(), (1..=5).contains(&stars));
    }
}

#[test]
fn refuses_a_record_with_fields_of_its_own() {
    let padded = pad_record(br#"{"v":1,"photo":"x"}"#).unwrap();
    is_refused(IdentityRecord::from_padded(padded.expose()), Code::UnknownField);
    let padded = pad_record(br#"{"v":1,"contact":[{"kind":"fax","value":"x"}]}"#).unwrap();
    is_refused(IdentityRecord::from_padded(padded.expose()), Code::Field);
}

#[test]
fn what_people_wrote_does_not_print_itself() {
    let content = changed(|c| c["text"] = json!("a secret place")).unwrap();
    let record = IdentityRecord::from_padded(&cases("record")[0].1.bytes("record")).unwrap().unwrap();
    let shown = format!("{content:?} {:?} {record:?} {:?}", content.location, record.contact);
    assert!(!shown.contains("secret place") && !shown.contains("Siti") && !shown.contains("62"), "{shown}");
}
