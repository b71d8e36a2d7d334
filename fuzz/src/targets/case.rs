//! What a reporter writes: receipt, contents, submission, attachment; the text of a request; key files.

use std::sync::LazyLock;

use tabir_crypto::SecretBytes;
use tabir_crypto::attachment::{Attachment, CHUNK, padded_length, seal};
use tabir_crypto::codec::b64url;
use tabir_crypto::content::{
    CONTENT_SIZES, Content, Dispute, IdentityRecord, MESSAGE_SIZES, Message, RECORD_SIZE, Rating, SealedReply,
    pad_content, pad_message, pad_record, unpad_content, unpad_message, unpad_record,
};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::{Hex, Text};
use tabir_crypto::submission::{CaseWriteBody, Submission};

use super::json::one_form;
use super::{council, edited, edits, hostile, kind, text, vector, vectors, world};

pub mod receipt {
    use super::*;

    fn letters(text: &str) -> String {
        text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
    }

    pub fn run(data: &[u8]) -> bool {
        let Ok(typed) = core::str::from_utf8(data) else { return false };
        match Receipt::parse(typed) {
            Ok(receipt) => {
                let text = receipt.text();
                assert_eq!(letters(text.expose()), letters(typed), "another receipt than was typed");
                assert_eq!(letters(typed).len(), 45);
                assert_eq!(Receipt::parse(text.expose()).unwrap(), receipt);
                true
            }
            Err(e) => {
                assert!(e.culprit().is_none_or(|group| (1..=9).contains(&group)));
                false
            }
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let (given, out) = vector("receipt");
        let mut seeds = vec![text(&given["typed"]), text(&out["text"])];
        seeds.extend(hostile("receipt", "typed").into_iter().map(|t| t.as_bytes().to_vec()));
        seeds
    }
}

pub mod content {
    use super::*;

    /// Bytes behind the size's number, filled with zeros to a size or cut to it.
    fn fill(sizes: &[usize], data: &[u8]) -> Option<Vec<u8>> {
        let (size, data) = data.split_first()?;
        let size = sizes[usize::from(*size) % sizes.len()];
        let mut padded = data[..data.len().min(size)].to_vec();
        padded.resize(size, 0);
        Some(padded)
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        match kind % 9 {
            0 => {
                let Some(padded) = fill(&CONTENT_SIZES, data) else { return false };
                let Ok(json) = unpad_content(&padded) else { return false };
                // The least size that fits is ours to take; the bytes before the zeros are the same in any.
                let again = pad_content(json.expose()).unwrap();
                assert!(padded.starts_with(again.expose().as_slice()) && !json.expose().is_empty());
                assert_eq!(padded.iter().skip(again.expose().len()).find(|b| **b != 0), None);
                true
            }
            1 => {
                let Some(padded) = fill(&MESSAGE_SIZES, data) else { return false };
                let Ok(json) = unpad_message(&padded) else { return false };
                let again = pad_message(json.expose()).unwrap();
                assert!(padded.starts_with(again.expose().as_slice()) && !json.expose().is_empty());
                assert_eq!(padded.iter().skip(again.expose().len()).find(|b| **b != 0), None);
                true
            }
            2 => {
                let Some(padded) = fill(&[RECORD_SIZE], data) else { return false };
                let Ok(json) = unpad_record(&padded) else { return false };
                assert_eq!(*pad_record(json.expose()).unwrap().expose(), padded);
                let Ok(record) = IdentityRecord::from_padded(&padded) else { return true };
                let again = IdentityRecord::to_padded(record.as_ref()).unwrap();
                assert!(IdentityRecord::from_padded(again.expose()).unwrap() == record);
                true
            }
            3 => one_form::<Content>(data).is_some_and(|content| {
                let place = content.location.place();
                assert!(place.is_none_or(|(lat, lon)| degrees(lat.as_str(), 90) && degrees(lon.as_str(), 180)));
                true
            }),
            4 => one_form::<Message>(data).is_some(),
            5 => one_form::<SealedReply>(data).is_some(),
            6 => one_form::<Dispute>(data).is_some(),
            7 => one_form::<Rating>(data).is_some_and(|r| (1..=5).contains(&r.stars.get()) || panic!("stars")),
            _ => one_form::<IdentityRecord>(data).is_some(),
        }
    }

    fn degrees(text: &str, most: u8) -> bool {
        text.parse::<f64>().is_ok_and(|d| d.abs() <= most.into()) && text.len() <= 12
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let json = text(&vector("content").0["json"]);
        let sized = |json: &[u8]| [[0].as_slice(), &u32::try_from(json.len()).unwrap().to_be_bytes(), json].concat();
        let mut seeds = vec![kind(0, sized(&json)), kind(1, sized(b"{}")), kind(1, [1, 0, 0, 0, 0]), kind(3, &json)];
        for record in vectors()["formats"]["record"].as_array().unwrap() {
            let padded = council::bytes(&record["out"]["record"]);
            let end = padded.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            seeds.push(kind(2, kind(0, &padded[..end])));
            seeds.push(kind(8, text(&record["in"]["json"])));
        }
        let message = format!(r#"{{"v":1,"seq":2,"prev":"{}","kind":"answer","re":1,"text":"Ya."}}"#, "00".repeat(32));
        let reply = world::sign(
            tabir_crypto::statement::Verb::Reply,
            &tabir_crypto::statement::body::Reply {
                v: tabir_crypto::statement::value::V1,
                at: tabir_crypto::statement::value::Hour::of(0),
                case_id: Hex([1; 32]),
                seq: 2,
                message_hash: Hex([2; 32]),
            },
            &[world::role(tabir_crypto::statement::body::Role::Forwarder)],
        );
        let inside = format!(r#"{{"v":1,"message":"{}","statement":"#, b64url(message.as_bytes()));
        seeds.push(kind(5, [inside.as_bytes(), &reply.to_bytes(), b"}"].concat()));
        seeds.push(kind(4, message));
        seeds.push(kind(6, br#"{"v":1,"seq":3,"code":"not_done","text":"Belum."}"#));
        seeds.push(kind(7, br#"{"v":1,"stars":4}"#));
        seeds
    }
}

pub mod submission {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        if kind % 2 == 0 {
            let Some(sent) = one_form::<Submission>(data) else { return false };
            if let Ok(commitment) = sent.verify() {
                assert_eq!(commitment.case_id, sent.case_id.0);
                assert_eq!(commitment, sent.commitment().unwrap());
            }
            return true;
        }
        let Some(write) = one_form::<CaseWriteBody>(data) else { return false };
        let key = world::key("case").verifying_key();
        for verb in tabir_crypto::statement::Verb::ALL {
            if let Ok(said) = write.verify(verb, &[1; 32], &key) {
                assert_eq!(said.body_hash.0, tabir_crypto::codec::sha256(&write.payload));
                assert_eq!(write.statement.verb(), verb);
            }
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let whole = text(&vector("body_tag").0["body"]);
        let stars = br#"{"v":1,"stars":4}"#;
        let write = tabir_crypto::statement::body::CaseWrite {
            v: tabir_crypto::statement::value::V1,
            at: tabir_crypto::statement::value::Hour::of(0),
            case_id: Hex([1; 32]),
            counter: 2,
            body_hash: Hex(tabir_crypto::codec::sha256(stars)),
        };
        let statement = world::sign(tabir_crypto::statement::Verb::CaseRate, &write, &[world::key("case")]);
        let rate = format!(r#"{{"v":1,"payload":"{}","statement":"#, b64url(stars));
        let rate = [rate.as_bytes(), &statement.to_bytes(), b"}"].concat();
        // Refused: a field that the type does not have.
        vec![kind(0, &whole), kind(1, &rate), kind(1, whole), kind(0, rate)]
    }
}

pub mod attachment {
    use super::*;

    const CASE: [u8; 32] = [8; 32];
    const FILE: &[u8] = b"a picture of the road";

    static SEALED: LazyLock<(Attachment, Vec<u8>)> =
        LazyLock::new(|| seal(FILE, &CASE, Text::new("image/jpeg").unwrap(), &mut council::seeded(8)).unwrap());

    /// A description has one form; no change of the sealed file opens; a length counts as it is told, within its size.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        match kind % 3 {
            0 => one_form::<Attachment>(data).is_some(),
            1 => {
                let changed = edited(&SEALED.1, data);
                // The hash of what was changed: the seal itself must hold.
                let sha256 = Hex(tabir_crypto::codec::sha256(&changed));
                let opened = Attachment { sha256, ..SEALED.0.clone() }.open(&CASE, &changed);
                assert_eq!(opened.is_ok(), changed == SEALED.1);
                opened.is_ok_and(|file| file.expose() == FILE || panic!("another file"))
            }
            _ => {
                let Some((length, rest)) = data.split_first_chunk() else { return false };
                let length = u64::from_be_bytes(*length);
                if let Ok(padded) = padded_length(length) {
                    assert!(padded.is_power_of_two() && padded >= length && padded >= CHUNK as u64);
                    assert!(padded == CHUNK as u64 || padded / 2 < length, "the least that fits");
                }
                let padded_length = rest.first_chunk().map_or(CHUNK as u64, |n| u64::from_be_bytes(*n));
                let told = Attachment { length, padded_length, ..SEALED.0.clone() };
                let Ok(file) = told.open(&CASE, &SEALED.1) else { return false };
                assert_eq!(file.expose().len() as u64, length);
                assert!(file.expose().starts_with(FILE) && file.expose()[FILE.len()..].iter().all(|b| *b == 0));
                true
            }
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, tabir_crypto::json::to_vec(&SEALED.0).unwrap())];
        seeds.extend(edits(&[0, 65_535, 60]).into_iter().map(|e| kind(1, e)));
        seeds.extend([FILE.len() as u64, 20, 65_536, 65_537, u64::MAX].map(|n| kind(2, n.to_be_bytes())));
        seeds
    }
}

pub mod request {
    use super::*;

    struct Asked {
        key: KemSecretKey,
        entry: UnsealRequested,
        sealed: Vec<u8>,
    }

    fn told() -> Vec<u8> {
        text(&vector("unseal_request").0["text"])
    }

    static ASKED: LazyLock<Asked> = LazyLock::new(|| {
        let words: RequestText = tabir_crypto::json::from_slice(&told()).unwrap();
        let (mut rng, salt) = (council::seeded(9), [9; 32]);
        let key = KemSecretKey::generate(&mut rng);
        let committed = words.commit(&salt).unwrap();
        let sealed = committed.seal(&key.public_key(), &mut rng).unwrap();
        let (commit, tag) = (Hex(committed.commit), Hex(committed.tag));
        Asked { key, entry: UnsealRequested { commit, tag, nonce: Some(words.nonce), ..world::requested("x") }, sealed }
    });

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        if kind % 2 == 1 {
            let changed = edited(&ASKED.sealed, data);
            let taken = RequestText::open(&ASKED.entry, &ASKED.key, &changed).is_ok();
            assert_eq!(taken, changed == ASKED.sealed);
            return taken;
        }
        let Some(words) = one_form::<RequestText>(data) else { return false };
        for (requester, t, n) in [(1, 2, 2), (1, 2, 3), (3, 3, 7), (2, 2, 15), (0, 0, 0), (1, u16::MAX, u16::MAX)] {
            if words.check_recused(requester, t, n).is_ok() {
                let out: Vec<u16> = words.recused.iter().map(|r| r.index).collect();
                assert!(out.is_sorted_by(|a, b| a < b) && out.iter().all(|i| (1..=n).contains(i) && *i != requester));
                assert!(n == 0 || out.len() <= usize::from(n - t), "too few are left to open");
            }
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let plain = String::from_utf8(told()).unwrap();
        let recused = r#","recused":[{"index":2,"code":"kin"},{"index":3,"code":"kin"}]}"#;
        let recused = format!("{}{recused}", plain.strip_suffix('}').unwrap());
        let mut seeds = vec![kind(0, plain), kind(0, recused)];
        seeds.extend(edits(&[0, 1_119, 1_120, 1_160, 1_700]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}

pub mod keyfile {
    use super::*;

    const PASSPHRASE: &[u8] = b"correct horse";
    const AAD: &[u8] = b"whose";
    const HEADER: usize = 58;

    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let secret = SecretBytes::<34>::new([5; 34]);
        seal_key_file(PASSPHRASE, secret.expose(), AAD, Cost::LEAST, &mut council::seeded(10)).unwrap()
    });

    /// What a file's header asks for, if that is within the bounds and more than the least: minutes of work that the
    /// passphrase's owner chose, and no question to a decoder.
    fn dear(file: &[u8]) -> bool {
        let Some(cost) = file.get(9..18) else { return false };
        let number = |at: usize| u32::from_be_bytes([cost[at], cost[at + 1], cost[at + 2], cost[at + 3]]);
        let (memory, passes, lanes) = (number(0), number(4), cost[8]);
        let (least, most) = (Cost::LEAST, Cost::MOST);
        (least.memory_kib..=most.memory_kib).contains(&memory)
            && (least.iterations..=most.iterations).contains(&passes)
            && (least.lanes..=most.lanes).contains(&lanes)
            && (memory, passes, lanes) != (least.memory_kib, least.iterations, least.lanes)
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let file = if kind % 2 == 0 { data.to_vec() } else { edited(&FILE, data) };
        if dear(&file) {
            return false;
        }
        let opened = open_key_file(PASSPHRASE, &file, AAD);
        assert_eq!(opened.is_ok(), file == *FILE);
        assert!(opened.is_err() || file.len() >= HEADER);
        opened.is_ok_and(|secret| secret.expose() == &[5; 34] || panic!("another secret"))
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &*FILE), kind(0, &FILE[..HEADER]), kind(0, &FILE[..20])];
        seeds.extend(edits(&[0, 8, 10, 16, 17, 20, 40, 60, 100]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}
