//! The full text of a request against its logged entry.

use tabir_crypto::Code;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::request::{Recused, RequestText};
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::{CodeText, Hex, Hour, Second, V1};

mod common;

fn text() -> RequestText {
    let [case_id, access_hash, content_hash, envelope_hash, notice_key, nonce] =
        [1, 2, 3, 4, 5, 6].map(|n: u8| Hex([n; 32]));
    let words = "a court asks".to_owned();
    let (category, recused) = (None, vec![]);
    RequestText {
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
    }
}

fn entry(commit: [u8; 32], tag: [u8; 32]) -> UnsealRequested {
    let code = |c| CodeText::new(c).unwrap();
    UnsealRequested {
        v: V1,
        at: Hour::of(0),
        request_id: Hex([9; 16]),
        council_id: Hex([8; 32]),
        requester: 1,
        legal_basis: code("court_order"),
        reason: code("life"),
        commit: Hex(commit),
        tag: Hex(tag),
        nonce: Some(text().nonce),
        deferred_until: None,
        deferral: None,
    }
}

#[test]
fn opens_only_what_the_entry_committed_to() {
    let mut rng = common::Stream::new("request");
    let key = KemSecretKey::generate(&mut rng);
    let committed = text().commit(&[7; 32]).unwrap();
    let sealed = committed.seal(&key.public_key(), &mut rng).unwrap();
    let good = entry(committed.commit, committed.tag);
    assert!(RequestText::open(&good, &key, &sealed).unwrap() == text());
    let code = |entry: &UnsealRequested| RequestText::open(entry, &key, &sealed).err().map(|e| e.code());

    assert_eq!(code(&entry([0; 32], committed.tag)), Some(Code::Aead), "another commit");
    assert_eq!(code(&entry(committed.commit, [0; 32])), Some(Code::Context), "another tag");
    assert_eq!(code(&UnsealRequested { nonce: Some(Hex([0; 32])), ..good.clone() }), Some(Code::Context), "nonce");
    assert_eq!(
        code(&UnsealRequested { nonce: None, ..good.clone() }),
        Some(Code::Context),
        "hidden without a deferral"
    );
    let deferred = UnsealRequested { deferred_until: Some(Second(1)), ..good.clone() };
    assert_eq!(code(&deferred), Some(Code::Context), "public in spite of a deferral");
    assert_eq!(code(&UnsealRequested { nonce: None, ..deferred }), None);

    // Sealed under the entry's commit, but another text.
    let mut other = text();
    other.words = "something else".into();
    let place =
        tabir_crypto::hpke::Use::Request { commit: committed.commit, recipient_key_id: key.public_key().key_id() };
    let bytes = [[7; 32].as_slice(), &tabir_crypto::json::to_vec(&other).unwrap()].concat();
    let sealed = tabir_crypto::hpke::uses::seal(&key.public_key(), &place, &bytes, &mut rng).unwrap();
    assert_eq!(RequestText::open(&good, &key, &sealed).err().map(|e| e.code()), Some(Code::Context));
}

#[test]
fn the_category_that_the_requester_states_is_committed_to_and_may_be_absent() {
    let stated = RequestText { category: Some(CodeText::new("bribery").unwrap()), ..text() };
    let bytes = |text: &RequestText| String::from_utf8(tabir_crypto::json::to_vec(text).unwrap()).unwrap();
    assert!(bytes(&stated).contains(r#""category":"bribery""#) && !bytes(&text()).contains("category"));
    assert_ne!(stated.commit(&[7; 32]).unwrap().commit, text().commit(&[7; 32]).unwrap().commit);
    assert!(tabir_crypto::json::from_slice::<RequestText>(bytes(&stated).as_bytes()).unwrap() == stated);
}

#[test]
fn leaves_out_at_most_n_less_t_and_never_the_requester() {
    let recused = |indices: &[u16]| {
        let mut text = text();
        let code = CodeText::new("concerned").unwrap();
        text.recused = indices.iter().map(|i| Recused { index: *i, code: code.clone() }).collect();
        text.check_recused(1, 2, 4).map_err(|e| e.code())
    };
    assert_eq!(recused(&[]), Ok(()));
    assert_eq!(recused(&[2, 4]), Ok(()));
    assert_eq!(recused(&[2, 3, 4]), Err(Code::Threshold));
    for bad in [[1, 2], [2, 2], [3, 2], [2, 5], [0, 2]] {
        assert_eq!(recused(&bad), Err(Code::Index), "{bad:?}");
    }
}
