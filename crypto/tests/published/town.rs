//! The council of the files, made by the real ceremony, and the other parties' keys: all from seeds.

use std::collections::BTreeMap;

use rand_core::CryptoRng;
use serde_json::{Value, json};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest, ManifestMember};
use tabir_crypto::statement::value::Bytes;
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1, Round2};
use tabir_crypto::threshold::{Council, Share};
use tabir_crypto::{SecretBytes, json};

use crate::kit::h;
use crate::world::{T0, auditor, hash, warden};

/// One official: both private keys.
pub struct Official {
    pub ed_seed: SecretBytes<32>,
    pub kem: KemSecretKey,
}

impl Official {
    pub fn named(name: &str) -> Self {
        let seed = |what: &str| SecretBytes::new(hash(&format!("{name} {what}")).0);
        Self { ed_seed: seed("ed"), kem: KemSecretKey::from_seed(seed("kem")) }
    }

    pub fn key(&self) -> SigningKey {
        SigningKey::from_seed(&self.ed_seed)
    }

    pub fn to_json(&self) -> Value {
        json!({"ed_seed": h(self.ed_seed.expose()), "kem_seed": h(self.kem.seed().expose())})
    }

    pub fn member(&self, index: u16) -> ManifestMember {
        let ed_vk = Hex(*self.key().verifying_key().as_bytes());
        ManifestMember { index, ed_vk, kem_pk: Bytes(self.kem.public_key().as_bytes().to_vec()) }
    }
}

pub type Board = BTreeMap<u16, Vec<u8>>;
pub type Inbox = BTreeMap<u16, BTreeMap<u16, SecretBytes<32>>>;

/// Three officials, two of them needed, with everything that their ceremony sent.
pub struct Town {
    pub officials: Vec<Official>,
    pub manifest: CouncilManifest,
    pub ceremony: Ceremony,
    pub round1: Board,
    /// By recipient, then sender.
    pub round2: Inbox,
    pub shares: Vec<Share>,
    pub public: Public,
    pub formed: CouncilFormed,
    pub council: Council,
}

pub fn at() -> Hour {
    Hour::of(T0)
}

pub fn manifest(officials: &[Official], t: u16) -> CouncilManifest {
    CouncilManifest {
        v: V1,
        at: at(),
        kind: CeremonyKind::Form,
        t,
        n: u16::try_from(officials.len()).unwrap(),
        members: (1..).zip(officials).map(|(i, o)| o.member(i)).collect(),
        previous: Hex([0; 32]),
        dealers: Vec::new(),
        nonce: hash("ceremony's nonce"),
    }
}

impl Town {
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        let officials: Vec<Official> = (1..=3).map(|i| Official::named(&format!("published official {i}"))).collect();
        let manifest = manifest(&officials, 2);
        let ceremony = Ceremony::from_payload(&json::to_vec(&manifest).unwrap()).unwrap();
        let first: Vec<Round1> = (1..=3).map(|i| Round1::start(&ceremony, i, rng).unwrap()).collect();
        let round1: Board = (1..).zip(&first).map(|(i, r)| (i, r.message().to_vec())).collect();
        let mut round2 = Inbox::new();
        let mut second: Vec<Round2> = Vec::new();
        for (from, r) in (1..).zip(first) {
            let (r, shares) = r.next(round1.clone()).unwrap();
            second.push(r);
            for (to, share) in shares {
                round2.entry(to).or_default().insert(from, share);
            }
        }
        let done: Vec<(Share, Public)> = (1..).zip(&second).map(|(i, r)| r.finish(&round2[&i]).unwrap()).collect();
        let public = done[0].1.clone();
        assert!(done.iter().all(|(_, p)| *p == public));
        let formed = ceremony.formed(&public, at());
        let council = Council::from_body(&formed).unwrap();
        let shares = done.into_iter().map(|(s, _)| s).collect();
        Self { officials, manifest, ceremony, round1, round2, shares, public, formed, council }
    }

    pub fn official(&self, index: u16) -> &Official {
        &self.officials[usize::from(index) - 1]
    }

    pub fn share(&self, index: u16) -> &Share {
        &self.shares[usize::from(index) - 1]
    }

    pub fn keys(&self) -> Vec<SigningKey> {
        self.officials.iter().map(Official::key).collect()
    }

    /// All members, the warden, one auditor.
    pub fn founders(&self) -> Vec<SigningKey> {
        self.keys().into_iter().chain([warden(), auditor(0)]).collect()
    }
}
