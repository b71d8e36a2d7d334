//! A council of two of three, its ceremony played in one place.

use std::collections::BTreeMap;

use tabir::clock::Random;
use tabir_crypto::SecretBytes;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest, ManifestMember};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1};

/// Signing keys of three officials.
pub fn officials() -> [SigningKey; 3] {
    std::array::from_fn(|_| SigningKey::from_seed(&SecretBytes::random(&mut Random)))
}

/// Their council. The shares are never made: the first round tells the public key.
pub fn formed(officials: &[SigningKey; 3], now: u64) -> CouncilFormed {
    let member = |(index, key): (u16, &SigningKey)| ManifestMember {
        index,
        ed_vk: Hex(*key.verifying_key().as_bytes()),
        kem_pk: Bytes(KemSecretKey::generate(&mut Random).public_key().as_bytes().to_vec()),
    };
    let manifest = CouncilManifest {
        v: V1,
        at: Hour::of(now),
        kind: CeremonyKind::Form,
        t: 2,
        n: 3,
        members: (1..).zip(officials).map(member).collect(),
        previous: Hex([0; 32]),
        dealers: Vec::new(),
        nonce: Hex(*SecretBytes::random(&mut Random).expose()),
    };
    let ceremony = Ceremony::from_payload(&tabir_crypto::json::to_vec(&manifest).unwrap()).unwrap();
    let first = |i| (i, Round1::start(&ceremony, i, &mut Random).unwrap().message().to_vec());
    let messages: BTreeMap<_, _> = (1..=3).map(first).collect();
    ceremony.formed(&Public::of(&ceremony, &messages).unwrap(), Hour::of(now))
}
