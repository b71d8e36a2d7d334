//! The key ceremony: FROST's distributed key generation, so that nobody ever holds the council's key.
//!
//! ```text
//! ceremony_id = SHA-256(payload of council.manifest, as signed)
//! round 1     commitment t × 32 | R 32 | z 32         to everybody: Feldman's commitments, proof of knowledge
//! round 2     share 32                                to one member, sealed to kem_pk (Use::Ceremony)
//! transcript  SHA-256("tabir/v1/transcript" ‖ ceremony_id ‖ round-1 messages 1…n ‖ Y ‖ Y_1 ‖ … ‖ Y_n)
//! ```
//! The transcript is round 3: each member signs its own, and if one of them saw other round-1 messages the hashes
//! differ and there is no council. Its lengths follow from t and n, which the ceremony's id fixes.
//!
//! Of `frost-ed25519` only the DKG is used. It is on curve25519-dalek 4 and rand_core 0.6: points and scalars cross in
//! their 32-byte encodings, and every point from outside goes through [`Point`] first. Between rounds the state is
//! kept as secret bytes, since each member's rounds are separate runs of a program. Source: `docs/protocol.md`,
//! "Council key ceremony"; RFC 9591's authors' DKG.

use std::collections::{BTreeMap, BTreeSet};

use curve25519_dalek::EdwardsPoint;
use frost_ed25519::Identifier;
use frost_ed25519::keys::{PublicKeyPackage, SigningShare, VerifiableSecretSharingCommitment, dkg};
use rand_core::CryptoRng;

use super::council::{CouncilKey, Share, check_size, distinct};
use super::rng::Old;
use crate::codec::{B32, sha256, take};
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Error, Result, need};
use crate::hpke::KemPublicKey;
use crate::json;
use crate::point::{Point, scalar};
use crate::secret::{Secret, SecretBytes, SecretVec};
use crate::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest, ManifestMember, Member};
use crate::statement::value::{Hex, Hour, V1};

/// A checked manifest: who makes a key together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceremony {
    id: B32,
    manifest: CouncilManifest,
}

impl Ceremony {
    /// Reads the payload of a `council.manifest` as it was signed. Errors: those of strict JSON, of [`check_manifest`].
    pub fn from_payload(payload: &[u8]) -> Result<Self> {
        let manifest = json::from_slice(payload)?;
        check_manifest(&manifest)?;
        Ok(Self { id: ceremony_id(payload), manifest })
    }

    /// `ceremony_id`.
    #[must_use]
    pub const fn id(&self) -> &B32 {
        &self.id
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &CouncilManifest {
        &self.manifest
    }

    pub(super) const fn t(&self) -> u16 {
        self.manifest.t
    }

    pub(super) const fn n(&self) -> u16 {
        self.manifest.n
    }

    fn round1_len(&self) -> usize {
        32 * usize::from(self.t()) + PROOF_LEN
    }

    /// What `council.formed` says of the key that this ceremony made, as its first epoch.
    #[must_use]
    pub fn formed(&self, public: &Public, at: Hour) -> CouncilFormed {
        let member = |(m, yi): (&ManifestMember, &Point)| Member {
            index: m.index,
            yi: Hex(yi.compress()),
            ed_vk: m.ed_vk,
            kem_pk: m.kem_pk.clone(),
        };
        CouncilFormed {
            v: V1,
            at,
            ceremony_id: Hex(self.id),
            lineage: Hex(*CouncilKey::new(public.y, &self.id).lineage()),
            epoch: 1,
            t: self.t(),
            n: self.n(),
            y: Hex(public.y.compress()),
            members: self.manifest.members.iter().zip(&public.yi).map(member).collect(),
            transcript: Hex(public.transcript),
            reshare_id: None,
        }
    }
}

/// SHA-256 of a manifest's payload.
#[must_use]
pub fn ceremony_id(payload: &[u8]) -> B32 {
    sha256(payload)
}

/// Checks who takes part. Errors: `threshold`, `index` (not exactly 1 to n, in order; dealers not rising from 1),
/// `duplicate` (a key twice), `field` (a council before or dealers where there are none, or none where there must be
/// some), those of the keys; with the member's index where one is to blame.
pub fn check_manifest(m: &CouncilManifest) -> Result<()> {
    check_size(m.t, m.n)?;
    need(m.members.iter().map(|m| m.index).eq(1..=m.n), Code::Index)?;
    for member in &m.members {
        let ed = VerifyingKey::from_bytes(&member.ed_vk.0).map(|_| ());
        let keys = ed.and_then(|()| KemPublicKey::from_bytes(&member.kem_pk.0).map(|_| ()));
        keys.map_err(|e| Error::at(e.code(), member.index))?;
    }
    distinct(m.members.iter().map(|m| (m.index, m.ed_vk.0.as_slice())))?;
    distinct(m.members.iter().map(|m| (m.index, m.kem_pk.0.as_slice())))?;
    let form = m.kind == CeremonyKind::Form;
    need(form == (m.previous.0 == [0; 32]) && form == m.dealers.is_empty(), Code::Field)?;
    let rising = m.dealers.iter().zip(m.dealers.iter().skip(1)).all(|(a, b)| a < b);
    need(rising && m.dealers.first().is_none_or(|first| *first >= 1), Code::Index)
}

/// R ‖ z.
const PROOF_LEN: usize = 64;

fn identifier(index: u16) -> Result<Identifier> {
    index.try_into().map_err(|_| Code::Index.into())
}

/// The member that the library names, if it names one.
fn blame(n: u16, code: Code, e: &frost_ed25519::Error) -> Error {
    let named = e.culprits();
    let at = (1..=n).find(|i| identifier(*i).is_ok_and(|id| named.contains(&id)));
    at.map_or(Error::new(code), |at| Error::at(code, at))
}

/// A round-1 message whose points are sound; the proof of knowledge is checked by [`Round1::next`].
fn read_round1(ceremony: &Ceremony, from: u16, bytes: &[u8]) -> Result<dkg::round1::Package> {
    let read = || {
        need(bytes.len() == ceremony.round1_len(), Code::Size)?;
        let (points, proof) = bytes.split_at_checked(bytes.len() - PROOF_LEN).ok_or(Code::Size)?;
        let (points, _) = points.as_chunks::<32>();
        let (r, z) = proof.split_at(32);
        points.iter().try_for_each(|p| Point::decompress(p).map(|_| ()))?;
        Point::decompress(r)?;
        scalar(z)?;
        let commitment = VerifiableSecretSharingCommitment::deserialize(points).map_err(|_| Code::Ceremony)?;
        let proof = frost_ed25519::Signature::deserialize(proof).map_err(|_| Code::Ceremony)?;
        Ok(dkg::round1::Package::new(commitment, proof))
    };
    read().map_err(|e: Error| Error::at(e.code(), from))
}

/// The round-1 messages of all members, by index. Errors: `ceremony` (at who is missing, or nobody's), those of the points.
fn read_all(ceremony: &Ceremony, all: &BTreeMap<u16, Vec<u8>>) -> Result<BTreeMap<Identifier, dkg::round1::Package>> {
    complete(1..=ceremony.n(), all.keys())?;
    all.iter().map(|(i, bytes)| Ok((identifier(*i)?, read_round1(ceremony, *i, bytes)?))).collect()
}

/// There must be a message from each of these, and from nobody else.
pub(super) fn complete<'a>(expected: impl Iterator<Item = u16>, there: impl Iterator<Item = &'a u16>) -> Result<()> {
    let (expected, there): (BTreeSet<u16>, BTreeSet<u16>) = (expected.collect(), there.copied().collect());
    match expected.symmetric_difference(&there).next() {
        Some(i) => Err(Error::at(Code::Ceremony, *i)),
        None => Ok(()),
    }
}

/// What everybody who has the round-1 messages can compute: the key, the verifying shares, and what all members sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Y.
    pub y: Point,
    /// Y_1 to Y_n.
    pub yi: Vec<Point>,
    /// The transcript; see the module's head.
    pub transcript: B32,
}

impl Public {
    /// From the messages, by index. It doesn't check the proofs of knowledge: the members do, and sign for it.
    /// Errors: `ceremony`, those of the points, with the sender's index.
    pub fn of(ceremony: &Ceremony, round1: &BTreeMap<u16, Vec<u8>>) -> Result<Self> {
        let packages = read_all(ceremony, round1)?;
        let commitments = packages.iter().map(|(id, p)| (*id, p.commitment())).collect();
        let package = PublicKeyPackage::from_dkg_commitments(&commitments).map_err(|_| Code::Ceremony)?;
        Self::new(ceremony, round1, &package)
    }

    fn new(ceremony: &Ceremony, round1: &BTreeMap<u16, Vec<u8>>, package: &PublicKeyPackage) -> Result<Self> {
        let y = Point::decompress(&package.verifying_key().serialize().map_err(|_| Code::Ceremony)?)?;
        let share = |i| {
            let yi = package.verifying_shares().get(&identifier(i)?).ok_or(Code::Ceremony)?;
            Point::decompress(&yi.serialize().map_err(|_| Code::Ceremony)?)
        };
        let yi = (1..=ceremony.n()).map(share).collect::<Result<Vec<_>>>()?;
        let mut signed = b"tabir/v1/transcript".to_vec();
        signed.extend_from_slice(&ceremony.id);
        round1.values().for_each(|message| signed.extend_from_slice(message));
        core::iter::once(&y).chain(&yi).for_each(|p| signed.extend_from_slice(&p.compress()));
        Ok(Self { y, yi, transcript: sha256(&signed) })
    }
}

/// A member after round 1: the polynomial, and the message to everybody.
#[derive(Debug)]
pub struct Round1 {
    ceremony: Ceremony,
    index: u16,
    secret: dkg::round1::SecretPackage,
    message: Vec<u8>,
}

impl Round1 {
    /// Begins. Errors: `index`, `ceremony`.
    pub fn start(ceremony: &Ceremony, index: u16, rng: &mut impl CryptoRng) -> Result<Self> {
        need((1..=ceremony.n()).contains(&index), Code::Index)?;
        let (secret, package) = dkg::part1(identifier(index)?, ceremony.n(), ceremony.t(), Old(rng))
            .map_err(|e| blame(ceremony.n(), Code::Ceremony, &e))?;
        let commitment = package.commitment().serialize_whole().map_err(|_| Code::Ceremony)?;
        let proof = package.proof_of_knowledge().serialize().map_err(|_| Code::Ceremony)?;
        Ok(Self { ceremony: ceremony.clone(), index, secret, message: [commitment, proof].concat() })
    }

    /// The message to everybody.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The state to be kept: `index u16 ‖ message ‖ the library's secret package`. Error: `ceremony`.
    pub fn to_bytes(&self) -> Result<SecretVec> {
        let secret = Secret::new(self.secret.serialize().map_err(|_| Code::Ceremony)?);
        Ok(Secret::new([self.index.to_be_bytes().as_slice(), &self.message, secret.expose()].concat()))
    }

    /// Reads what [`Round1::to_bytes`] wrote for this ceremony. Errors: `size`, `index`, `ceremony`, those of the points.
    pub fn from_bytes(ceremony: &Ceremony, state: &[u8]) -> Result<Self> {
        let mut bytes = state;
        let index = u16::from_be_bytes(take(&mut bytes)?);
        let (message, secret) = bytes.split_at_checked(ceremony.round1_len()).ok_or(Code::Size)?;
        let package = read_round1(ceremony, index, message)?;
        let secret = dkg::round1::SecretPackage::deserialize(secret).map_err(|_| Code::Ceremony)?;
        let same = *secret.identifier() == identifier(index)?
            && secret.commitment() == package.commitment()
            && (*secret.min_signers(), *secret.max_signers()) == (ceremony.t(), ceremony.n());
        need(same, Code::Ceremony)?;
        let read = Self { ceremony: ceremony.clone(), index, secret, message: message.to_vec() };
        one_form(read, state, Self::to_bytes)
    }

    /// Checks all round-1 messages, this member's own among them, and computes the shares for the others, to be sealed.
    /// Errors, each with its culprit: `ceremony` (missing, proof of knowledge, or not what this member sent), `size`,
    /// those of the points.
    pub fn next(self, round1: BTreeMap<u16, Vec<u8>>) -> Result<(Round2, BTreeMap<u16, SecretBytes<32>>)> {
        let mut packages = read_all(&self.ceremony, &round1)?;
        let own = round1.get(&self.index).is_some_and(|m| *m == self.message);
        need(own, Code::Ceremony).map_err(|e| Error::at(e.code(), self.index))?;
        packages.remove(&identifier(self.index)?);
        let (n, index) = (self.ceremony.n(), self.index);
        let (secret, shares) = dkg::part2(self.secret, &packages).map_err(|e| blame(n, Code::Ceremony, &e))?;
        let share = |i: u16| {
            let share = shares.get(&identifier(i)?).ok_or(Code::Ceremony)?;
            Ok((i, read_share(&Secret::new(share.signing_share().serialize()))?))
        };
        let shares = (1..=n).filter(|i| *i != index).map(share).collect::<Result<_>>()?;
        Ok((Round2 { ceremony: self.ceremony, index, secret, round1 }, shares))
    }
}

/// A state that is written as it was read. The library takes bytes behind its package, and longer forms of a number.
fn one_form<T>(read: T, state: &[u8], write: impl FnOnce(&T) -> Result<SecretVec>) -> Result<T> {
    need(write(&read)? == Secret::new(state.to_vec()), Code::Ceremony)?;
    Ok(read)
}

fn read_share(bytes: &SecretVec) -> Result<SecretBytes<32>> {
    need(bytes.expose().len() == 32, Code::Size)?;
    Ok(SecretBytes::fill_with(|out| out.iter_mut().zip(bytes.expose()).for_each(|(to, from)| *to = *from)))
}

/// A member after round 2: its own part of its share, and the round-1 messages, which must stay the same.
#[derive(Debug)]
pub struct Round2 {
    ceremony: Ceremony,
    index: u16,
    secret: dkg::round2::SecretPackage,
    round1: BTreeMap<u16, Vec<u8>>,
}

impl Round2 {
    /// The state to be kept: `index u16 ‖ round-1 messages 1…n ‖ the library's secret package`. Error: `ceremony`.
    pub fn to_bytes(&self) -> Result<SecretVec> {
        let secret = Secret::new(self.secret.serialize().map_err(|_| Code::Ceremony)?);
        let messages = self.round1.values().map(Vec::as_slice).collect::<Vec<_>>().concat();
        Ok(Secret::new([self.index.to_be_bytes().as_slice(), &messages, secret.expose()].concat()))
    }

    /// Reads what [`Round2::to_bytes`] wrote for this ceremony. Errors: `size`, `index`, `ceremony`, those of the points.
    pub fn from_bytes(ceremony: &Ceremony, state: &[u8]) -> Result<Self> {
        let mut bytes = state;
        let index = u16::from_be_bytes(take(&mut bytes)?);
        let mut round1 = BTreeMap::new();
        for i in 1..=ceremony.n() {
            let (message, rest) = bytes.split_at_checked(ceremony.round1_len()).ok_or(Code::Size)?;
            round1.insert(i, message.to_vec());
            bytes = rest;
        }
        let secret = dkg::round2::SecretPackage::deserialize(bytes).map_err(|_| Code::Ceremony)?;
        let own = read_all(ceremony, &round1)?.remove(&identifier(index)?).ok_or(Code::Ceremony)?;
        let same = *secret.identifier() == identifier(index)?
            && secret.commitment() == own.commitment()
            && (*secret.min_signers(), *secret.max_signers()) == (ceremony.t(), ceremony.n());
        need(same, Code::Ceremony)?;
        one_form(Self { ceremony: ceremony.clone(), index, secret, round1 }, state, Self::to_bytes)
    }

    /// Checks the others' shares against their commitments and adds them up. Errors, each with its culprit: `ceremony`
    /// (missing, or from nobody), `scalar`, `share` (not what its sender committed to; with this member's own index: the
    /// state is damaged).
    pub fn finish(&self, shares: &BTreeMap<u16, SecretBytes<32>>) -> Result<(Share, Public)> {
        let n = self.ceremony.n();
        complete((1..=n).filter(|i| *i != self.index), shares.keys())?;
        let read = |(from, share): (&u16, &SecretBytes<32>)| {
            let share = SigningShare::deserialize(share.expose()).map_err(|_| Error::at(Code::Scalar, *from))?;
            Ok((identifier(*from)?, dkg::round2::Package::new(share)))
        };
        let shares = shares.iter().map(read).collect::<Result<BTreeMap<_, _>>>()?;
        let mut packages = read_all(&self.ceremony, &self.round1)?;
        packages.remove(&identifier(self.index)?);
        let (key, public) = dkg::part3(&self.secret, &packages, &shares).map_err(|e| blame(n, Code::Share, &e))?;
        let s = Secret::new(key.signing_share().serialize());
        let (share, public) =
            (Share::new(self.index, s.expose())?, Public::new(&self.ceremony, &self.round1, &public)?);
        // The library checks the others' shares; what this member kept of its own must fit as well.
        let yi = public.yi.get(usize::from(self.index).saturating_sub(1)).ok_or(Code::Index)?;
        let fits = EdwardsPoint::mul_base(share.s()) == *yi.inner();
        need(fits, Code::Share).map_err(|e| Error::at(e.code(), self.index))?;
        Ok((share, public))
    }
}
