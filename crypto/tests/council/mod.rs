//! A council, a warden and cases for the tests, and the vectors.
#![allow(dead_code)] // each test file uses its part

use std::collections::BTreeMap;
use std::convert::Infallible;

use rand_core::{Rng as _, TryCryptoRng, TryRng};
use serde_json::Value;
use tabir_crypto::codec::{B32, sha256, unhex};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::envelope::{CaseBinding, Inner, Label, Outer, SealParams, SealedEnvelope, VerifiedInner, seal};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::json;
use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest, ManifestMember, Member};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1};
use tabir_crypto::threshold::{Council, OpeningContext, Share, make};
use tabir_crypto::{Code, Result, Secret, SecretBytes};

/// A random source that says the same each time: SHA-256 of seed and counter.
pub struct Seeded(u64, u64);

pub const fn seeded(seed: u64) -> Seeded {
    Seeded(seed, 0)
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        Ok(self.next_u64() as u32)
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        let mut b = [0; 8];
        self.fill_bytes(&mut b);
        Ok(u64::from_le_bytes(b))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> std::result::Result<(), Infallible> {
        for chunk in to.chunks_mut(32) {
            self.1 += 1;
            let block = sha256(&[self.0.to_be_bytes(), self.1.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

pub fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/tabir-v1.json")).unwrap()
}

/// The hostile inputs of one decoder: rule, code, input. Never none.
pub fn rejects(decoder: &str) -> Vec<(String, String, Value)> {
    let all = vectors();
    let of: Vec<_> = all["reject"].as_array().unwrap().iter().filter(|r| r["decoder"] == decoder).collect();
    assert!(!of.is_empty());
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    of.into_iter().map(|r| (text(&r["rule"]), text(&r["code"]), r["in"].clone())).collect()
}

pub fn bytes(v: &Value) -> Vec<u8> {
    hex::decode(v.as_str().unwrap()).unwrap()
}

pub fn b32(v: &Value) -> B32 {
    unhex(v.as_str().unwrap()).unwrap()
}

/// The code of a refusal; panics on acceptance.
pub fn code<T>(r: Result<T>) -> Code {
    match r {
        Ok(_) => panic!("accepted"),
        Err(e) => e.code(),
    }
}

/// Code and culprit of a refusal.
pub fn blamed<T>(r: Result<T>) -> (Code, u16) {
    match r {
        Ok(_) => panic!("accepted"),
        Err(e) => (e.code(), e.culprit().expect("a culprit is named")),
    }
}

/// The council of the vectors.
pub fn vector_body() -> CouncilFormed {
    let all = vectors();
    let v = &all["formats"]["council_id"][0]["in"];
    let member = |(m, index): (&Value, u16)| Member {
        index,
        yi: Hex(b32(&m["Yi"])),
        ed_vk: Hex(b32(&m["ed_vk"])),
        kem_pk: Bytes(bytes(&m["kem_pk"])),
    };
    CouncilFormed {
        v: V1,
        at: Hour::of(0),
        ceremony_id: Hex(b32(&all["formats"]["lineage"][0]["in"]["ceremony_id"])),
        lineage: Hex(b32(&v["lineage"])),
        epoch: v["epoch"].as_u64().unwrap(),
        t: 2,
        n: 3,
        y: Hex(b32(&v["Y"])),
        members: v["members"].as_array().unwrap().iter().zip(1..).map(member).collect(),
        transcript: Hex([7; 32]),
        reshare_id: None,
    }
}

/// Keys of n officials.
pub struct Officials {
    pub ed: Vec<SigningKey>,
    pub kem: Vec<KemSecretKey>,
}

pub fn officials(n: u16, rng: &mut Seeded) -> Officials {
    Officials {
        ed: (0..n).map(|_| SigningKey::from_seed(&SecretBytes::random(rng))).collect(),
        kem: (0..n).map(|_| KemSecretKey::generate(rng)).collect(),
    }
}

pub fn manifest(t: u16, n: u16, who: &Officials, rng: &mut Seeded) -> CouncilManifest {
    let member = |(index, (ed, kem)): (u16, (&SigningKey, &KemSecretKey))| ManifestMember {
        index,
        ed_vk: Hex(*ed.verifying_key().as_bytes()),
        kem_pk: Bytes(kem.public_key().as_bytes().to_vec()),
    };
    CouncilManifest {
        v: V1,
        at: Hour::of(0),
        kind: CeremonyKind::Form,
        t,
        n,
        members: (1..=n).zip(who.ed.iter().zip(&who.kem)).map(member).collect(),
        previous: Hex([0; 32]),
        dealers: vec![],
        nonce: Hex(*SecretBytes::random(rng).expose()),
    }
}

/// A council made by the real ceremony, with everybody's secrets.
pub struct Town {
    pub council: Council,
    pub shares: Vec<Share>,
    pub warden: KemSecretKey,
}

pub fn town(t: u16, n: u16, seed: u64) -> Town {
    let mut rng = seeded(seed);
    let who = officials(n, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(t, n, &who, &mut rng)).unwrap()).unwrap();
    let (shares, public) = run(&ceremony, &mut rng);
    let council = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
    Town { council, shares, warden: KemSecretKey::generate(&mut rng) }
}

/// An honest ceremony.
pub fn run(ceremony: &Ceremony, rng: &mut Seeded) -> (Vec<Share>, Public) {
    let n = ceremony.manifest().n;
    let first: Vec<Round1> = (1..=n).map(|i| Round1::start(ceremony, i, rng).unwrap()).collect();
    let board: BTreeMap<u16, Vec<u8>> = (1..).zip(&first).map(|(i, r)| (i, r.message().to_vec())).collect();
    let mut inbox: BTreeMap<u16, BTreeMap<u16, SecretBytes<32>>> = BTreeMap::new();
    let mut second = vec![];
    for (from, r) in (1..).zip(first) {
        let (r, shares) = r.next(board.clone()).unwrap();
        second.push(r);
        for (to, share) in shares {
            inbox.entry(to).or_default().insert(from, share);
        }
    }
    let done: Vec<(Share, Public)> = (1..).zip(&second).map(|(i, r)| r.finish(&inbox[&i]).unwrap()).collect();
    let public = done[0].1.clone();
    assert!(done.iter().all(|(_, p)| *p == public));
    (done.into_iter().map(|(s, _)| s).collect(), public)
}

/// One reporter's case.
pub struct Case {
    pub key: SigningKey,
    pub access_hash: B32,
    pub content_hash: B32,
    pub notice_hash: B32,
}

pub fn case(seed: u64) -> Case {
    let mut rng = seeded(seed);
    let mut next = || *SecretBytes::random(&mut rng).expose();
    Case {
        key: SigningKey::from_seed(&Secret::new(next())),
        access_hash: next(),
        content_hash: next(),
        notice_hash: next(),
    }
}

impl Case {
    pub fn binding(&self, town: &Town) -> CaseBinding {
        CaseBinding {
            lineage: *town.council.lineage(),
            case_id: tabir_crypto::receipt::case_id(&self.access_hash, &self.key.verifying_key()),
            access_hash: self.access_hash,
            content_hash: self.content_hash,
            notice_hash: self.notice_hash,
        }
    }

    pub fn label(&self, town: &Town) -> Label {
        self.binding(town).label(&town.warden.public_key().key_id())
    }

    pub fn seal(&self, town: &Town, record: &SecretBytes<1024>, rng: &mut Seeded) -> SealedEnvelope {
        let warden_key = town.warden.public_key();
        let params = SealParams {
            council: town.council.key(),
            warden_key: &warden_key,
            case_key: &self.key,
            access_hash: self.access_hash,
            content_hash: self.content_hash,
            notice_hash: self.notice_hash,
        };
        seal(&params, record, rng).unwrap()
    }
}

pub fn record(text: &str) -> SecretBytes<1024> {
    let mut b = [0; 1024];
    b[..2].copy_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    b[2..2 + text.len()].copy_from_slice(text.as_bytes());
    Secret::new(b)
}

/// A case with its envelope, released by the warden.
pub struct Sealed {
    pub case: Case,
    pub outer: Outer,
    pub inner: VerifiedInner,
}

pub fn sealed(town: &Town, seed: u64, text: &str) -> Sealed {
    let case = case(seed);
    let outer = Outer::parse(&case.seal(town, &record(text), &mut seeded(seed + 1)).bytes).unwrap();
    let inner = outer.open(&town.warden, &case.binding(town)).unwrap().inner().clone();
    Sealed { case, outer, inner }
}

impl Sealed {
    pub fn context<'a>(&'a self, town: &'a Town) -> OpeningContext<'a> {
        OpeningContext {
            council: &town.council,
            case_id: self.case.binding(town).case_id,
            envelope_hash: self.outer.hash(),
            inner: &self.inner,
            request_hash: [1; 32],
            checkpoint_hash: [2; 32],
            recipients: [3; 32],
        }
    }
}

impl Town {
    pub fn share(&self, index: u16) -> &Share {
        &self.shares[usize::from(index) - 1]
    }

    pub fn partials(&self, context: &OpeningContext<'_>, indices: &[u16]) -> Vec<Vec<u8>> {
        let mut rng = seeded(99);
        indices.iter().map(|i| make(context, self.share(*i), &mut rng).unwrap().expose().to_vec()).collect()
    }
}

pub fn inner_of(v: &Value) -> Result<VerifiedInner> {
    Inner::parse(&bytes(&v["inner"]))?.verify(&Label::from_bytes(b32(&v["label"])))
}
