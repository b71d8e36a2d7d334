//! The sealed identity: vectors, hostile inputs, and what each check of sealing and releasing refuses.

mod council;

use council::*;
use tabir_crypto::Secret;
use tabir_crypto::envelope::{CaseBinding, Handout, INNER_LEN, Inner, Label, OUTER_LEN, Outer};
use tabir_crypto::error::Code;
use tabir_crypto::hpke::KemSecretKey;

fn vector_binding() -> CaseBinding {
    let all = vectors();
    let v = &all["formats"]["label"][0]["in"];
    CaseBinding {
        lineage: b32(&v["lineage"]),
        case_id: b32(&v["case_id"]),
        access_hash: b32(&all["formats"]["outer"][0]["in"]["access_hash"]),
        content_hash: b32(&v["content_hash"]),
        notice_hash: b32(&v["notice_hash"]),
    }
}

#[test]
fn computes_the_label_of_the_vectors() {
    let all = vectors();
    let v = &all["formats"]["label"][0];
    let label = vector_binding().label(&b32(&v["in"]["warden_key_id"]));
    assert_eq!(hex::encode(label.as_bytes()), v["out"]["label"]);
}

#[test]
fn verifies_the_inner_envelope_of_the_vectors() {
    let all = vectors();
    let v = &all["formats"]["inner"][0];
    let inner = Inner::parse(&bytes(&v["out"]["inner"])).unwrap();
    assert_eq!(inner.to_bytes(), bytes(&v["out"]["inner"]));
    let verified = inner.verify(&Label::from_bytes(b32(&v["in"]["label"]))).unwrap();
    assert_eq!(hex::encode(verified.hash()), v["out"]["inner_hash"]);
}

#[test]
fn opens_the_outer_envelope_of_the_vectors() {
    let all = vectors();
    let v = &all["formats"]["outer"][0];
    let outer = Outer::parse(&bytes(&v["out"]["outer"])).unwrap();
    assert_eq!(hex::encode(outer.hash()), v["out"]["envelope_hash"]);
    assert_eq!(*outer.lineage(), vector_binding().lineage);
    assert_eq!(*outer.warden_key_id(), b32(&vectors()["formats"]["label"][0]["in"]["warden_key_id"]));
    let warden = KemSecretKey::from_seed(Secret::new(b32(&v["in"]["warden_seed"])));
    let released = outer.open(&warden, &vector_binding()).unwrap();
    assert_eq!(hex::encode(released.inner().inner().to_bytes()), v["in"]["inner"]);
    let handout = released.handout([9; 32]).to_bytes();
    assert_eq!(hex::encode(&handout.expose()[32 + INNER_LEN + 32..]), v["out"]["inner_sig"]);
}

#[test]
fn refuses_the_hostile_inner_envelopes_of_the_vectors() {
    for (rule, expected, v) in rejects("sender") {
        assert_eq!(code(inner_of(&v)).as_str(), expected, "{rule}");
    }
}

#[test]
fn refuses_the_hostile_outer_envelopes_of_the_vectors() {
    let all = vectors();
    let warden_key_id = b32(&all["formats"]["label"][0]["in"]["warden_key_id"]);
    // One of them is for the label of another case: the one that the partials' hostile inputs name.
    let other = rejects("partial").into_iter().find_map(|(_, _, v)| v.get("case_id").map(b32)).unwrap();
    for (rule, expected, v) in rejects("outer") {
        let own = CaseBinding { access_hash: b32(&v["access_hash"]), case_id: b32(&v["case_id"]), ..vector_binding() };
        let of = |b: &CaseBinding| *b.label(&warden_key_id).as_bytes() == b32(&v["label"]);
        let binding = [own, CaseBinding { case_id: other, ..own }].into_iter().find(of).expect("a known label");
        let warden = KemSecretKey::from_seed(Secret::new(b32(&v["warden_seed"])));
        let opened = Outer::parse(&bytes(&v["outer"])).and_then(|o| o.open(&warden, &binding));
        assert_eq!(code(opened).as_str(), expected, "{rule}");
    }
}

#[test]
fn every_envelope_has_one_length() {
    let town = town(2, 3, 1);
    for text in ["", "a", &"x".repeat(1022)] {
        let sealed = case(5).seal(&town, &record(text), &mut seeded(6));
        assert_eq!(sealed.bytes.len(), OUTER_LEN);
        assert_eq!(OUTER_LEN, 2498);
        assert_eq!(sealed.hash, Outer::parse(&sealed.bytes).unwrap().hash());
    }
}

#[test]
fn the_same_identity_sealed_twice_shares_no_part() {
    let town = town(2, 3, 1);
    let mut rng = seeded(7);
    let [one, two] = [(); 2].map(|()| case(5).seal(&town, &record("Siti"), &mut rng));
    let [one, two] = [one, two].map(|s| Outer::parse(&s.bytes).unwrap().open(&town.warden, &case(5).binding(&town)));
    let [one, two] = [one, two].map(|r| r.unwrap().inner().inner().to_bytes());
    assert!(one.chunks(32).zip(two.chunks(32)).all(|(a, b)| a != b));
}

/// Whoever opens compares with what he knows from elsewhere: no field may differ.
fn others(b: CaseBinding) -> [(&'static str, CaseBinding); 5] {
    [
        ("lineage", CaseBinding { lineage: [0; 32], ..b }),
        ("case", CaseBinding { case_id: [0; 32], ..b }),
        ("access hash", CaseBinding { access_hash: [0; 32], ..b }),
        ("content", CaseBinding { content_hash: [0; 32], ..b }),
        ("notice", CaseBinding { notice_hash: [0; 32], ..b }),
    ]
}

#[test]
fn the_warden_refuses_a_label_of_another_case() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let binding = own.case.binding(&town);
    own.outer.open(&town.warden, &binding).unwrap();
    for (what, other) in others(binding) {
        let expected = if what == "access hash" { Code::CaseKey } else { Code::Aead };
        assert_eq!(code(own.outer.open(&town.warden, &other)), expected, "{what}");
    }
}

#[test]
fn the_warden_refuses_an_envelope_to_another_warden_key() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let other = KemSecretKey::generate(&mut seeded(77));
    assert_eq!(code(own.outer.open(&other, &own.case.binding(&town))), Code::WardenKey);
}

#[test]
fn an_official_checks_the_hand_out_himself() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let binding = own.case.binding(&town);
    let key_id = town.warden.public_key().key_id();
    let handout = own.outer.open(&town.warden, &binding).unwrap().handout([4; 32]);
    let wire = handout.to_bytes();
    assert_eq!(wire.expose().len(), 1328);
    let read = Handout::parse(wire.expose()).unwrap();
    assert_eq!(read, handout);
    assert_eq!(read.check(&key_id, &binding).unwrap(), own.inner);
    let commit = tabir_crypto::codec::sha256(&[[4; 32], *own.inner.hash()].concat());
    assert_eq!(read.inner_commit(), commit);

    assert_eq!(code(read.check(&[0; 32], &binding)), Code::CaseSig);
    for (what, other) in others(binding) {
        let expected = if matches!(what, "case" | "access hash") { Code::CaseKey } else { Code::CaseSig };
        assert_eq!(code(read.check(&key_id, &other)), expected, "{what}");
    }
    assert_eq!(code(Handout::parse(&wire.expose()[1..])), Code::Size);
    for (at, expected) in [(32 + 64, Code::CaseSig), (32 + INNER_LEN, Code::CaseKey), (1327, Code::CaseSig)] {
        let mut changed = wire.expose().clone();
        changed[at] ^= 1;
        assert_eq!(code(Handout::parse(&changed).unwrap().check(&key_id, &binding)), expected, "byte {at}");
    }
}

#[test]
fn refuses_a_sender_proof_for_another_label() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let inner = own.inner.inner();
    inner.clone().verify(own.inner.label()).unwrap();
    for (what, other) in others(own.case.binding(&town)).into_iter().filter(|(what, _)| *what != "access hash") {
        let label = other.label(&town.warden.public_key().key_id());
        assert_eq!(code(inner.clone().verify(&label)), Code::SenderProof, "{what}");
    }
}

#[test]
fn no_byte_of_the_inner_envelope_can_change() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 10, "Siti");
    let bytes = own.inner.inner().to_bytes();
    for at in 0..INNER_LEN {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let verified = Inner::parse(&changed).unwrap().verify(own.inner.label());
        assert!(verified.is_err(), "byte {at}");
    }
}
