//! Council, partial decryptions and combination: vectors, hostile inputs, and what each check refuses.

mod council;

use std::collections::BTreeMap;

use council::*;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::error::Code;
use tabir_crypto::point::Point;
use tabir_crypto::statement::body::CouncilFormed;
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::threshold::{
    Council, CouncilKey, DhOutput, OpeningContext, PARTIAL_LEN, Share, combine, make, open, recipients_hash,
    record_commit, verify,
};
use tabir_crypto::{Result, Secret};

// ---- vectors ----

#[test]
fn computes_lineage_and_council_id_of_the_vectors() {
    let all = vectors();
    let v = &all["formats"]["lineage"][0];
    let key = CouncilKey::new(Point::decompress(&bytes(&v["in"]["Y"])).unwrap(), &b32(&v["in"]["ceremony_id"]));
    assert_eq!(hex::encode(key.lineage()), v["out"]["lineage"]);
    let council = Council::from_body(&vector_body()).unwrap();
    assert_eq!(hex::encode(council.council_id()), all["formats"]["council_id"][0]["out"]["council_id"]);
    assert_eq!(council.to_body(Hour::of(0)), vector_body());
}

/// Recomputed elsewhere from the vectors' council_id.
#[test]
fn the_fingerprint_of_a_council_is_eight_words_of_its_id() {
    let council = Council::from_body(&vector_body()).unwrap();
    assert_eq!(council.fingerprint(), "sihaz-kuzir-jonog-higud-fotip-molar-ganur-malok");
    let later = Council::from_body(&CouncilFormed { epoch: council.epoch() + 1, ..vector_body() }).unwrap();
    assert_ne!(later.fingerprint(), council.fingerprint(), "another epoch is another council");
}

/// The opening of the vectors, with the fields that a hostile input replaces.
fn with_vector_opening<T>(edit: &serde_json::Value, f: impl FnOnce(&OpeningContext<'_>) -> T) -> T {
    let all = vectors();
    let v = &all["formats"]["opening"][0]["in"];
    let field = |name: &str| b32(edit.get(name).unwrap_or(&v[name]));
    let council = Council::from_body(&vector_body()).unwrap();
    let inner = inner_of(v).unwrap();
    f(&OpeningContext {
        council: &council,
        case_id: field("case_id"),
        envelope_hash: field("envelope_hash"),
        inner: &inner,
        request_hash: field("request_hash"),
        checkpoint_hash: field("checkpoint_hash"),
        recipients: field("recipients"),
    })
}

#[test]
fn combines_the_partials_of_the_vectors_and_opens_the_record() {
    let all = vectors();
    let out = &all["formats"]["opening"][0]["out"];
    let partials: Vec<Vec<u8>> = out["partials"].as_array().unwrap().iter().map(bytes).collect();
    with_vector_opening(&serde_json::json!({}), |context| {
        for (i, p) in (1..).zip(&partials) {
            assert_eq!(verify(context, p).unwrap().index(), i);
        }
        for pair in [[0, 1], [0, 2], [1, 2], [2, 0]] {
            let dh = combine(context, &pair.map(|i| &partials[i])).unwrap();
            assert_eq!(hex::encode(dh.as_bytes().expose()), out["dh"]);
            let opened = open(context.council.key(), context.inner, &dh).unwrap();
            assert_eq!(hex::encode(opened.record.expose()), out["record"]);
        }
    });
}

#[test]
fn hashes_the_recipients_of_the_vectors_in_the_order_of_their_indices() {
    let all = vectors();
    let v = &all["formats"]["opening"][0]["in"];
    let key = |v| tabir_crypto::hpke::KemPublicKey::from_bytes(&bytes(v)).unwrap();
    let keys = v["approvers"].as_array().unwrap().iter().map(key);
    let keys: BTreeMap<u16, _> = [1, 3].into_iter().zip(keys).collect();
    assert_eq!(hex::encode(recipients_hash(&keys)), v["recipients"]);
}

#[test]
fn refuses_the_hostile_partials_of_the_vectors() {
    for (rule, expected, v) in rejects("partial") {
        let refused = with_vector_opening(&v, |context| code(verify(context, &bytes(&v["partial"]))));
        assert_eq!(refused.as_str(), expected, "{rule}");
    }
    for (rule, expected, v) in rejects("combine") {
        let partials: Vec<Vec<u8>> = v["partials"].as_array().unwrap().iter().map(bytes).collect();
        let refused = with_vector_opening(&v, |context| code(combine(context, &partials)));
        assert_eq!(refused.as_str(), expected, "{rule}");
    }
}

#[test]
fn refuses_the_hostile_dh_outputs_of_the_vectors() {
    let council = Council::from_body(&vector_body()).unwrap();
    for (rule, expected, v) in rejects("open_inner") {
        assert_eq!(council.key().point().compress(), b32(&v["Y"]));
        let dh = DhOutput::from_bytes(Secret::new(b32(&v["dh"])));
        let refused = code(open(council.key(), &inner_of(&v).unwrap(), &dh));
        assert_eq!(refused.as_str(), expected, "{rule}");
    }
}

// ---- the council ----

fn refuse(edit: impl FnOnce(&mut CouncilFormed)) -> (Code, Option<u16>) {
    let mut body = vector_body();
    edit(&mut body);
    Council::from_body(&body).map(|_| ()).map_err(|e| (e.code(), e.culprit())).expect_err("accepted")
}

fn point(b: &B32) -> EdwardsPoint {
    CompressedEdwardsY(*b).decompress().unwrap()
}

#[test]
fn refuses_a_council_of_which_one_member_is_enough() {
    assert_eq!(refuse(|b| b.t = 1), (Code::Threshold, None));
    assert_eq!(refuse(|b| b.t = 0), (Code::Threshold, None));
    // It says two, but all shares are the key itself.
    let all_y = |b: &mut CouncilFormed| {
        for m in &mut b.members {
            m.yi = b.y;
        }
    };
    assert_eq!(refuse(all_y), (Code::Threshold, None));
}

#[test]
fn refuses_a_threshold_or_size_out_of_bounds() {
    assert_eq!(refuse(|b| b.t = 4), (Code::Threshold, None));
    let many = |b: &mut CouncilFormed| {
        b.n = 16;
        b.members =
            (1..=16).map(|index| tabir_crypto::statement::body::Member { index, ..b.members[0].clone() }).collect();
    };
    assert_eq!(refuse(many), (Code::Threshold, None));
}

#[test]
fn refuses_indices_other_than_one_to_n() {
    assert_eq!(refuse(|b| b.members[0].index = 0), (Code::Index, None));
    assert_eq!(refuse(|b| b.members[2].index = 4), (Code::Index, None));
    assert_eq!(refuse(|b| b.members.swap(0, 1)), (Code::Index, None));
    assert_eq!(refuse(|b| drop(b.members.pop())), (Code::Index, None));
}

#[test]
fn refuses_one_person_on_two_chairs() {
    assert_eq!(refuse(|b| b.members[2].ed_vk = b.members[0].ed_vk), (Code::Duplicate, Some(3)));
    assert_eq!(refuse(|b| b.members[1].kem_pk = b.members[0].kem_pk.clone()), (Code::Duplicate, Some(2)));
}

#[test]
fn refuses_a_lineage_of_another_ceremony() {
    assert_eq!(refuse(|b| b.ceremony_id = Hex([0; 32])), (Code::Context, None));
    assert_eq!(refuse(|b| b.lineage = Hex([0; 32])), (Code::Context, None));
}

#[test]
fn refuses_verifying_shares_that_are_not_of_one_key() {
    let swap = |b: &mut CouncilFormed| (b.members[0].yi, b.members[1].yi) = (b.members[1].yi, b.members[0].yi);
    assert_eq!(refuse(swap), (Code::Share, None));
    // One pair still interpolates to Y, the other two do not.
    for i in 0..3 {
        let shifted = |b: &mut CouncilFormed| {
            b.members[i].yi = Hex((point(&b.members[i].yi.0) + EdwardsPoint::mul_base(&Scalar::ONE)).compress().0);
        };
        assert_eq!(refuse(shifted), (Code::Share, None));
    }
}

#[test]
fn refuses_hostile_points_in_a_council_and_names_the_member() {
    let mixed = |b: &mut CouncilFormed| {
        b.members[1].yi = Hex((point(&b.members[1].yi.0) + EIGHT_TORSION[1]).compress().0);
    };
    assert_eq!(refuse(mixed), (Code::MixedOrder, Some(2)));
    let identity = |b: &mut CouncilFormed| b.members[0].yi = Hex(EdwardsPoint::default().compress().0);
    assert_eq!(refuse(identity), (Code::LowOrder, Some(1)));
    assert_eq!(refuse(|b| b.y = Hex(EIGHT_TORSION[1].compress().0)), (Code::LowOrder, None));
    assert_eq!(refuse(|b| b.members[2].ed_vk = Hex([0xff; 32])), (Code::AEncoding, Some(3)));
    assert_eq!(refuse(|b| b.members[2].kem_pk.0.truncate(9)), (Code::Size, Some(3)));
}

// ---- opening ----

fn subsets(n: u16, t: u16) -> Vec<Vec<u16>> {
    let chosen = |set: u32| (1..=n).filter(|i| set >> i & 1 == 1).collect::<Vec<_>>();
    (0..1u32 << (n + 1)).step_by(2).map(chosen).filter(|s| s.len() == usize::from(t)).collect()
}

#[test]
fn every_t_members_open_and_know_the_same_salt() {
    for (t, n, sets) in [(2, 2, 1), (2, 3, 3), (3, 5, 10), (4, 4, 1)] {
        let town = town(t, n, u64::from(t * 100 + n));
        let own = sealed(&town, 20, "Siti Contoh");
        let context = own.context(&town);
        assert_eq!(subsets(n, t).len(), sets);
        let mut commits = vec![];
        for set in subsets(n, t) {
            let dh = combine(&context, &town.partials(&context, &set)).unwrap();
            let opened = open(town.council.key(), &own.inner, &dh).unwrap();
            assert_eq!(opened.record, record("Siti Contoh"), "{t} of {n}: {set:?}");
            let whole = [opened.salt.expose().as_slice(), opened.record.expose()].concat();
            assert_eq!(record_commit(&opened), sha256(&whole));
            commits.push(record_commit(&opened));
        }
        assert!(commits.iter().all(|c| *c == commits[0]));
    }
}

#[test]
fn more_than_t_are_as_good_as_t() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let dh = combine(&context, &town.partials(&context, &[3, 1, 2])).unwrap();
    assert_eq!(open(town.council.key(), &own.inner, &dh).unwrap().record, record("Siti"));
}

#[test]
fn refuses_fewer_than_t() {
    for (t, n) in [(2, 3), (3, 5)] {
        let town = town(t, n, 2);
        let own = sealed(&town, 20, "Siti");
        let context = own.context(&town);
        let few: Vec<u16> = (1..t).collect();
        assert_eq!(code(combine(&context, &town.partials(&context, &few))), Code::TooFew);
        assert_eq!(code(combine::<Vec<u8>>(&context, &[])), Code::TooFew);
    }
}

#[test]
fn refuses_one_member_twice_and_names_him() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    // Made twice, so the bytes differ.
    assert_eq!(blamed(combine(&context, &town.partials(&context, &[2, 2]))), (Code::Duplicate, 2));
}

#[test]
fn one_bad_official_among_three_is_named_and_the_others_open() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    for bad in 1..=3u16 {
        let mut partials = town.partials(&context, &[1, 2, 3]);
        let at = usize::from(bad) - 1;
        partials[at][PARTIAL_LEN - 1 - 32] ^= 1; // c
        assert_eq!(combine(&context, &partials).unwrap_err().culprit(), Some(bad));
        partials.remove(at);
        let dh = combine(&context, &partials).unwrap();
        assert_eq!(open(town.council.key(), &own.inner, &dh).unwrap().record, record("Siti"));
    }
}

#[test]
fn no_byte_of_a_partial_can_change() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let partial = town.partials(&context, &[1]).remove(0);
    assert_eq!(partial.len(), PARTIAL_LEN);
    for at in 0..PARTIAL_LEN {
        let mut changed = partial.clone();
        changed[at] ^= 1;
        assert!(verify(&context, &changed).is_err(), "byte {at}");
    }
    assert_eq!(code(verify(&context, &partial[1..])), Code::Size);
    let mut version = partial;
    version[0] = 2;
    assert_eq!(code(verify(&context, &version)), Code::Version);
}

/// A partial is good for what was approved and for nothing else.
#[test]
fn refuses_a_partial_for_anything_else() {
    let town = town(2, 3, 1);
    let (own, other) = (sealed(&town, 20, "Siti"), sealed(&town, 30, "Budi"));
    let context = own.context(&town);
    let partial = &town.partials(&context, &[2])[0];
    verify(&context, partial).unwrap();
    let elsewhere = [
        ("case", OpeningContext { case_id: [9; 32], ..context }, Code::Dleq),
        ("envelope", OpeningContext { envelope_hash: [9; 32], ..context }, Code::Dleq),
        ("inner", OpeningContext { inner: &other.inner, ..context }, Code::Dleq),
        ("recipients", OpeningContext { recipients: [9; 32], ..context }, Code::Dleq),
        ("request", OpeningContext { request_hash: [9; 32], ..context }, Code::Context),
        ("checkpoint", OpeningContext { checkpoint_hash: [9; 32], ..context }, Code::Context),
    ];
    for (what, elsewhere, expected) in elsewhere {
        assert_eq!(blamed(verify(&elsewhere, partial)), (expected, 2), "{what}");
    }
}

/// The head of a partial can be rewritten by whoever holds it: the proof has it too.
#[test]
fn a_partial_with_a_rewritten_head_fails_its_proof() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let partial = town.partials(&context, &[2]).remove(0);
    let rewritten = |at: usize| {
        let mut partial = partial.clone();
        partial[at..at + 32].copy_from_slice(&[9; 32]);
        partial
    };
    let other_request = OpeningContext { request_hash: [9; 32], ..context };
    assert_eq!(blamed(verify(&other_request, &rewritten(33))), (Code::Dleq, 2));
    let other_checkpoint = OpeningContext { checkpoint_hash: [9; 32], ..context };
    assert_eq!(blamed(verify(&other_checkpoint, &rewritten(65))), (Code::Dleq, 2));
}

/// The same shares in a council of another epoch: help given under one is none under the other.
#[test]
fn a_partial_with_a_rewritten_council_fails_its_proof() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let mut body = town.council.to_body(Hour::of(0));
    body.epoch += 1;
    let council = Council::from_body(&body).unwrap();
    let mut partial = town.partials(&own.context(&town), &[2]).remove(0);
    partial[1..33].copy_from_slice(council.council_id());
    let context = OpeningContext { council: &council, ..own.context(&town) };
    assert_eq!(blamed(verify(&context, &partial)), (Code::Dleq, 2));
}

#[test]
fn refuses_to_help_with_a_share_of_another_council() {
    let (town, other) = (town(2, 3, 1), town(2, 3, 2));
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    assert_eq!(blamed(make(&context, other.share(1), &mut seeded(1))), (Code::Share, 1));
    assert_eq!(blamed(other.share(3).check(&town.council)), (Code::Share, 3));
    town.share(3).check(&town.council).unwrap();
    let mut relabelled = *town.share(1).to_bytes().expose();
    relabelled[1] = 2;
    assert_eq!(blamed(Share::from_bytes(&relabelled).unwrap().check(&town.council)), (Code::Share, 2));
    relabelled[1] = 4;
    assert_eq!(code(Share::from_bytes(&relabelled).unwrap().check(&town.council)), Code::Index);
}

#[test]
fn a_share_survives_being_stored() {
    let town = town(2, 3, 1);
    let stored = town.share(2).to_bytes();
    let read = Share::from_bytes(stored.expose()).unwrap();
    assert_eq!(read.index(), 2);
    read.check(&town.council).unwrap();
    assert_eq!(code(Share::from_bytes(&stored.expose()[1..])), Code::Size);
    assert_eq!(code(Share::from_bytes(&[[0, 1].as_slice(), &[0xff; 32]].concat())), Code::Scalar);
    assert!(!format!("{read:?}").contains(&hex::encode(&stored.expose()[2..])));
}

/// The same key with new shares: s_i + r·i.
fn refreshed(town: &Town) -> (Council, Vec<Share>) {
    let r = Scalar::from(12_345u32);
    let mut body = town.council.to_body(Hour::of(0));
    body.epoch += 1;
    for m in &mut body.members {
        let shift = EdwardsPoint::mul_base(&(r * Scalar::from(m.index)));
        m.yi = Hex((point(&m.yi.0) + shift).compress().0);
    }
    let share = |s: &Share| {
        let bytes = *s.to_bytes().expose();
        let old = Scalar::from_canonical_bytes(bytes[2..].try_into().unwrap()).unwrap();
        let new = old + r * Scalar::from(s.index());
        Share::from_bytes(&[&bytes[..2], new.as_bytes()].concat()).unwrap()
    };
    (Council::from_body(&body).unwrap(), town.shares.iter().map(share).collect())
}

#[test]
fn after_a_refresh_old_shares_are_refused_and_old_envelopes_open() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let (council, shares) = refreshed(&town);
    assert_eq!(council.lineage(), town.council.lineage());
    assert_ne!(council.council_id(), town.council.council_id());
    let context = OpeningContext { council: &council, ..own.context(&town) };
    assert_eq!(blamed(make(&context, town.share(1), &mut seeded(1))), (Code::Share, 1));
    let old = &town.partials(&own.context(&town), &[1])[0];
    assert_eq!(blamed(verify(&context, old)), (Code::Context, 1));

    let new = |i: usize| make(&context, &shares[i], &mut seeded(1)).map(|p| p.expose().to_vec());
    let partials = [0, 2].map(|i| new(i).unwrap());
    let dh = combine(&context, &partials).unwrap();
    assert_eq!(open(council.key(), &own.inner, &dh).unwrap().record, record("Siti"));
}

#[test]
fn a_broken_random_source_still_gives_each_statement_its_own_nonce() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let elsewhere = OpeningContext { request_hash: [9; 32], ..context };
    let s = Scalar::from_canonical_bytes(town.share(1).to_bytes().expose()[2..].try_into().unwrap()).unwrap();
    // z = k + c·s: with the share at hand the test recovers k.
    let nonce = |context: &OpeningContext<'_>| -> Result<Scalar> {
        let p = make(context, town.share(1), &mut seeded(0))?;
        let read = |at: usize| Scalar::from_canonical_bytes(p.expose()[at..at + 32].try_into().unwrap()).unwrap();
        Ok(read(163) - read(131) * s)
    };
    assert_eq!(nonce(&context), nonce(&context));
    assert_ne!(nonce(&context), nonce(&elsewhere));
}

#[test]
fn members_are_found_by_index_and_by_key() {
    let council = Council::from_body(&vector_body()).unwrap();
    let second = council.member(2).unwrap();
    assert_eq!(council.member_by_key(&second.ed_vk), Some(second));
    assert_eq!(code(council.member(0)), Code::Index);
    assert_eq!(code(council.member(4)), Code::Index);
    let stranger = tabir_crypto::ed25519::SigningKey::from_seed(&Secret::new([1; 32]));
    assert_eq!(council.member_by_key(&stranger.verifying_key()), None);
    assert_eq!((council.t(), council.n(), council.epoch()), (2, 3, 1));
    assert_eq!(council.key_u(), council.key().point().to_u());
    assert_eq!(*council.transcript(), [7; 32]);
}
