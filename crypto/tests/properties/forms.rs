//! What is written is read as it was, and written again the same: for every type that travels or is kept.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tabir_crypto::attachment::Attachment;
use tabir_crypto::codec::{b64, b64url, b64url_padded, unb64, unb64url, unb64url_padded};
use tabir_crypto::content::{
    Contact, ContactKind, Content, Dispute, DisputeCode, IdentityRecord, IdentityState, Location, Message, MessageKind,
    Precision, Rating, SealedReply, Stars, Via, pad_content, pad_message, unpad_content, unpad_message,
};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::json::{self, Schema};
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::log::checkpoint::Checkpoint;
use tabir_crypto::log::note::SignatureType;
use tabir_crypto::log::tile::{self, Kind, MAX_LEVEL, Tile};
use tabir_crypto::log::tree::{MAX_SIZE, TreeHead};
use tabir_crypto::log::witness::{AddCheckpoint, format_cosignatures, parse_cosignatures};
use tabir_crypto::log::{Note, NoteSigner, SignedCheckpoint, VerifierKey};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::request::{Recused, RequestText};
use tabir_crypto::statement::body::{Release, UnsealRequested};
use tabir_crypto::statement::value::{Hex, Second, V1};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::submission::CaseWriteBody;
use tabir_crypto::threshold::Share;
use tabir_crypto::token::directory::{Directory, DirectoryKey};
use tabir_crypto::token::header::{read_authorization, write_authorization};
use tabir_crypto::token::puzzle::{Challenge, Offer};
use tabir_crypto::token::{Token, TokenChallenge, TokenRequest};
use tabir_crypto::{Secret, SecretBytes};

use crate::council::seeded;
use crate::payloads::{any_payload, bytes, code, h, hour, n, second, text};
use crate::{config, world};

/// A schema's value comes back, and from the same bytes.
fn comes_back<T: Schema + PartialEq>(value: &T) {
    let written = json::to_vec(value).unwrap();
    let read: T = json::from_slice(&written).unwrap();
    assert!(read == *value, "another value came back");
    assert_eq!(json::to_vec(&read).unwrap(), written);
}

fn words() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..80).prop_map(|t| t.into_iter().collect())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::new([seed; 32]))
}

fn degrees(most: u32) -> impl Strategy<Value = String> {
    let whole = prop_oneof![0..most, Just(0)];
    (any::<bool>(), whole, option::of("[0-9]{1,7}")).prop_map(|(south, whole, decimals)| {
        let sign = if south { "-" } else { "" };
        decimals.map_or(format!("{sign}{whole}"), |d| format!("{sign}{whole}.{d}"))
    })
}

fn location() -> impl Strategy<Value = Location> {
    let precision = select(vec![Precision::Point, Precision::Street, Precision::Ward, Precision::None]);
    (precision, degrees(90), degrees(180), words()).prop_map(|(precision, lat, lon, text)| {
        let json = match precision {
            Precision::None => serde_json::json!({"precision": precision, "text": text}),
            _ => serde_json::json!({"precision": precision, "lat": lat, "lon": lon, "text": text}),
        };
        serde_json::from_value(json).unwrap()
    })
}

fn record() -> impl Strategy<Value = IdentityRecord> {
    let kind = select(vec![ContactKind::Phone, ContactKind::Email, ContactKind::Address, ContactKind::Other]);
    let contact = (kind, "[ -~]{0,20}").prop_map(|(kind, value)| Contact { kind, value });
    let short = || option::of("[ -~]{0,40}");
    (short(), vec(contact, 0..4), short(), short()).prop_map(|(name, contact, national_id, note)| IdentityRecord {
        v: V1,
        name,
        contact,
        national_id,
        note,
    })
}

fn message() -> impl Strategy<Value = Message> {
    let kind = select(vec![MessageKind::Question, MessageKind::Answer, MessageKind::Note]);
    (n(), h(), kind, option::of(n()), words()).prop_map(|(seq, prev, kind, re, text)| Message {
        v: V1,
        seq,
        prev,
        kind,
        re,
        text,
    })
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let (id, prefix) = (any::<[u8; 16]>().prop_map(Hex), any::<[u8; 19]>().prop_map(Hex));
    (id, any::<[u8; 32]>(), prefix, n(), n(), h(), text()).prop_map(
        |(file_id, key, nonce_prefix, length, padded_length, sha256, media_type)| Attachment {
            file_id,
            key: Secret::new(key),
            nonce_prefix,
            length,
            padded_length,
            sha256,
            media_type,
        },
    )
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn a_statement_of_every_verb_comes_back((verb, payload) in any_payload(), signers in 1_u8..5) {
        let payload = payload.to_string().into_bytes();
        let body = Body::parse(verb, &payload).unwrap();
        let mut statement = Statement::from_payload(verb, payload).unwrap();
        let keys: Vec<_> = (0..signers).map(key).collect();
        keys.iter().for_each(|key| statement.sign(key));
        let wire = statement.to_bytes();
        if wire.len() > tabir_crypto::statement::MAX_STATEMENT {
            return Ok(());
        }
        let read = Statement::parse(&wire).unwrap();
        prop_assert_eq!(&read, &statement);
        prop_assert_eq!(read.to_bytes(), wire);
        let known: Vec<_> = keys.iter().map(SigningKey::verifying_key).collect();
        let verified = read.verify(&known).unwrap();
        prop_assert_eq!(verified.body, body);
        prop_assert_eq!(verified.signers.len(), usize::from(signers));
        comes_back(&statement);
    }

    #[test]
    fn bytes_come_back_in_each_base(data in vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(unb64(&b64(&data)).unwrap(), data.clone());
        prop_assert_eq!(unb64url(&b64url(&data)).unwrap(), data.clone());
        prop_assert_eq!(unb64url_padded(&b64url_padded(&data)).unwrap(), data.clone());
    }

    #[test]
    fn values_come_back(b in bytes(), h in h(), s in second(), at in hour(), c in code(), t in text()) {
        comes_back(&b);
        comes_back(&h);
        comes_back(&s);
        comes_back(&at);
        comes_back(&c);
        comes_back(&t);
        prop_assert_eq!(Second::parse(&s.to_string()).unwrap(), s);
    }

    #[test]
    fn a_receipt_comes_back(secret: [u8; 16], upper: bool, between in "[- \t\r\n]{0,2}") {
        let receipt = Receipt::from(SecretBytes::new(secret));
        let text = receipt.text();
        prop_assert_eq!(Receipt::parse(text.expose()).unwrap(), receipt.clone());
        let typed = text.expose().replace('-', &between);
        let typed = if upper { typed.to_uppercase() } else { typed };
        prop_assert_eq!(Receipt::parse(&typed).unwrap(), receipt);
    }

    #[test]
    fn tokens_come_back(
        nonce: [u8; 32], digest: [u8; 32], id: [u8; 32], authenticator in vec(any::<u8>(), 256),
        names in ["[ -~]{1,80}", "[ -~]{1,80}"], last: u8,
    ) {
        let authenticator: [u8; 256] = authenticator.try_into().unwrap();
        let token = Token { nonce, challenge_digest: digest, key_id: id, authenticator };
        prop_assert_eq!(Token::decode(&token.encode()).unwrap(), token.clone());
        prop_assert_eq!(read_authorization(&write_authorization(&token)).unwrap(), token);
        let request = TokenRequest { truncated_key_id: last, blinded_msg: authenticator };
        prop_assert_eq!(TokenRequest::decode(&request.encode()).unwrap(), request);
        let challenge = TokenChallenge::new(&names[0], &names[1]).unwrap();
        prop_assert_eq!(TokenChallenge::decode(&challenge.encode()).unwrap(), challenge);
    }

    #[test]
    fn puzzles_come_back(secret: [u8; 32], difficulty in 0_u8..=24, expires: u64, seed: u64) {
        let challenge = Challenge::new(&mut seeded(seed), &Secret::new(secret), difficulty, expires).unwrap();
        prop_assert_eq!((challenge.difficulty(), challenge.expires()), (difficulty, expires));
        prop_assert_eq!(Challenge::decode(challenge.as_bytes()).unwrap(), challenge.clone());
        let offer = Offer::new(&challenge);
        comes_back(&offer);
        prop_assert_eq!(offer.challenge().unwrap(), challenge);
    }

    #[test]
    fn notes_and_checkpoints_come_back(
        origin in "[!-*,-~]{1,60}", size in 1_u64..=MAX_SIZE, root: [u8; 32], proof in vec(any::<[u8; 32]>(), 0..=63),
        seeds in [any::<[u8; 32]>(), any::<[u8; 32]>()],
    ) {
        let checkpoint = Checkpoint { origin: origin.clone(), head: TreeHead { size, root } };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.text()).unwrap(), checkpoint.clone());
        let signer = NoteSigner::from_seed(&origin, &Secret::new(seeds[0])).unwrap();
        let witness = tabir_crypto::log::Cosigner::from_seed("w", &Secret::new(seeds[1])).unwrap();
        let mut signed = SignedCheckpoint::sign(checkpoint, &signer).unwrap();
        let line = witness.cosign(&signed, size);
        signed.add(line.clone());
        let note = Note::parse(&signed.to_bytes()).unwrap();
        prop_assert_eq!(note.to_string().into_bytes(), signed.to_bytes());
        prop_assert_eq!(parse_cosignatures(&format_cosignatures(std::slice::from_ref(&line))).unwrap(), vec![line]);
        let key = VerifierKey::new(&origin, SignatureType::Cosignature, *witness.verifier_key().key()).unwrap();
        prop_assert_eq!(VerifierKey::parse(&key.to_string()).unwrap(), key);
        let request = AddCheckpoint { old_size: size, proof, checkpoint: signed.to_bytes() };
        prop_assert_eq!(AddCheckpoint::parse(&request.to_bytes()).unwrap(), request);
    }

    #[test]
    fn tiles_come_back(level in 0..=MAX_LEVEL, entries: bool, size in 1_u64..=MAX_SIZE, share in 0.0..1.0_f64) {
        let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
        let count = if entries { size } else { size >> (8 * level) };
        let index = ((count / 256) as f64 * share) as u64;
        if let Ok(tile) = Tile::of_tree(kind, index, size) {
            prop_assert_eq!(Tile::parse(&tile.to_string()).unwrap(), tile);
        }
    }

    #[test]
    fn bundles_come_back(entries in vec(vec(any::<u8>(), 0..300), 1..=256)) {
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| tile::push_entry(&mut bundle, entry).unwrap());
        let tile = Tile::of_tree(Kind::Entries, 0, entries.len() as u64).unwrap();
        prop_assert_eq!(tile::parse_entries(tile, &bundle).unwrap(), entries);
    }

    #[test]
    fn what_people_write_comes_back(
        record in record(), message in message(), attachment in attachment(), stars in 1_u8..=5, words in words(),
        code in select(vec![DisputeCode::NotDone, DisputeCode::WrongPlace, DisputeCode::FalseProof, DisputeCode::Other]),
        seq in n(),
    ) {
        comes_back(&record);
        let padded = IdentityRecord::to_padded(Some(&record)).unwrap();
        prop_assert!(IdentityRecord::from_padded(padded.expose()).unwrap() == Some(record));
        comes_back(&message);
        comes_back(&attachment);
        comes_back(&Rating { v: V1, stars: Stars::new(stars).unwrap() });
        comes_back(&Dispute { v: V1, seq, code, text: words });
    }

    #[test]
    fn padding_comes_off(json in vec(any::<u8>(), 1..20_000)) {
        let padded = pad_content(&json).unwrap();
        prop_assert!(*unpad_content(padded.expose()).unwrap().expose() == json);
        if let Ok(padded) = pad_message(&json) {
            prop_assert!(*unpad_message(padded.expose()).unwrap().expose() == json);
        } else {
            prop_assert!(json.len() > 16_380);
        }
    }

    #[test]
    fn a_share_comes_back(index: u16, mut s: [u8; 32]) {
        s[31] &= 0x0f; // below the group's order
        let bytes = [index.to_be_bytes().as_slice(), &s].concat();
        let share = Share::from_bytes(&bytes).unwrap();
        prop_assert!(share.to_bytes().expose().as_slice() == bytes);
        prop_assert_eq!(share.index(), index);
    }
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn a_content_comes_back(
        category in code(), words in words(), location in location(), seed: u64,
        attributes in btree_map(code(), text(), 0..4), attachments in vec(attachment(), 0..3), urgent: bool, sealed: bool,
        via in 0_usize..4,
    ) {
        comes_back(&Content {
            v: V1,
            category: category.clone(),
            text: words,
            language: category,
            location,
            attributes,
            release: if urgent { Release::Urgent } else { Release::Batched },
            identity: if sealed { IdentityState::Sealed } else { IdentityState::None },
            mailbox_pk: KemSecretKey::generate(&mut seeded(seed)).public_key(),
            attachments,
            via: [None, Some(Via::Facade), Some(Via::Counter), Some(Via::Form)][via],
        });
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_only(
        data in vec(any::<u8>(), 1..3_000), seed: u64, seq: u64, case_id: [u8; 32],
    ) {
        let mut rng = seeded(seed);
        let key = KemSecretKey::generate(&mut rng);
        let place = Use::Mailbox { case_id, seq };
        let wire = uses::seal(&key.public_key(), &place, &data, &mut rng).unwrap();
        prop_assert_eq!(wire.len(), data.len() + 1_136);
        prop_assert!(*uses::open(&key, &place, &wire).unwrap().expose() == data);
        let next = Use::Mailbox { case_id, seq: seq ^ 1 };
        prop_assert!(uses::open(&key, &next, &wire).is_err());
    }

    #[test]
    fn a_request_comes_back(
        hashes in [h(), h(), h(), h(), h(), h()], words in words(), seed: u64, deferred: bool,
        category in option::of(code()),
        recused in vec((any::<u16>(), code()).prop_map(|(index, code)| Recused { index, code }), 0..4),
    ) {
        let [case_id, access_hash, content_hash, envelope_hash, notice_key, nonce] = hashes;
        let text = RequestText {
            v: V1,
            case_id,
            access_hash,
            content_hash,
            envelope_hash,
            notice_key,
            nonce,
            words,
            category,
            recused,
        };
        comes_back(&text);
        let mut rng = seeded(seed);
        let key = KemSecretKey::generate(&mut rng);
        let committed = text.commit(&[3; 32]).unwrap();
        let (commit, tag) = (Hex(committed.commit), Hex(committed.tag));
        let entry = UnsealRequested { commit, tag, nonce: Some(nonce), ..world::requested("x") };
        let hidden = UnsealRequested { nonce: None, deferred_until: Some(Second(9)), ..entry.clone() };
        let entry = if deferred { hidden } else { entry };
        let sealed = committed.seal(&key.public_key(), &mut rng).unwrap();
        prop_assert!(RequestText::open(&entry, &key, &sealed).unwrap() == text);
    }

    #[test]
    fn statements_inside_other_json_come_back((verb, payload) in any_payload(), message in message(), sent in bytes()) {
        let statement = Statement::from_payload(verb, payload.to_string().into_bytes());
        let mut statement = statement.unwrap();
        statement.sign(&key(1));
        comes_back(&CaseWriteBody {
            v: V1,
            intake_key_id: None,
            seq: None,
            payload: sent.0,
            statement: statement.clone(),
        });
        comes_back(&SealedReply {
            v: V1,
            message: tabir_crypto::statement::value::Bytes(json::to_vec(&message).unwrap()),
            statement,
        });
    }

    #[test]
    fn a_key_file_comes_back(secret in vec(any::<u8>(), 0..100), words in vec(any::<u8>(), 0..40), seed: u64) {
        let file = seal_key_file(&words, &secret, &words, Cost::LEAST, &mut seeded(seed)).unwrap();
        prop_assert!(*open_key_file(&words, &file, &words).unwrap().expose() == secret);
    }
}

/// The one key of RFC 9578's first vector: making RSA keys is slow.
#[test]
fn a_directory_comes_back() {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../vectors/rfc9578-type2-rs.json")).unwrap();
    let spki = hex::decode(vectors[0]["pk_s"].as_str().unwrap()).unwrap();
    let key = DirectoryKey::new(&tabir_crypto::token::TokenKey::from_spki(&spki).unwrap(), 7);
    comes_back(&Directory { issuer_request_uri: "/token-request".to_owned(), token_keys: vec![key.clone(), key] });
}

/// A string of 66 to 96 bytes can be written in base64 that is hex too. It is not written at all: it would be read as
/// another one.
#[test]
fn bytes_that_would_be_read_as_others_are_not_written() {
    use tabir_crypto::statement::value::Bytes;
    for length in [66, 69, 96] {
        let both = "0a".repeat(length * 4 / 6);
        assert!(json::to_vec(&Bytes(unb64url(&both).unwrap())).is_err(), "{length}");
        let other = format!("{}Z", &both[1..]);
        comes_back(&Bytes(unb64url(&other).unwrap()));
    }
}
