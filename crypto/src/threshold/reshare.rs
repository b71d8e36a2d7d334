//! Refresh and reshare: the same key, new shares, perhaps for other people and another threshold.
//!
//! ```text
//! dealer i, one of t members of the council before: f_i(x) = s_i + a_1·x + … + a_{t'-1}·x^{t'-1}
//! dealing     commitment t' × 32: f_i's coefficients times B                 to everybody; the first one is Y_i
//! dealt share 32: f_i(j)                                                     to member j, sealed (Use::Ceremony)
//! new share   s'_j  = Σ λ_i·f_i(j)      λ_i = Π k/(k - i) over the other dealers k
//! verifying   Y'_j  = Σ_m j^m·Σ λ_i·C_im    and Y stays
//! transcript  SHA-256("tabir/v1/reshare" ‖ ceremony_id ‖ dealings in the order of the dealers ‖ Y ‖ Y'_1 ‖ … ‖ Y'_n)
//! ```
//! Whoever deals could hand the key out: to a threshold of 1, or to an index 0, where f_i(0) is the share itself. So
//! [`deal`] takes a [`VerifiedManifest`] only, which t members of the council before and all new ones have signed.
//! The first commitment is the dealer's own verifying share, which stands in the log: another secret cannot be dealt.
//!
//! A refresh is a reshare to the same people and threshold. Who has t shares of one epoch has the key: old shares stay
//! dangerous together with t - 1 others of the same epoch that were not erased either, and none of this gives a lost
//! share back to who lost it. Source: Desmedt and Jajodia, "Redistributing secret shares to new access structures and
//! its applications" (1997); checks of Wong, Wang and Wing, "Verifiable secret redistribution for archive systems"
//! (2002); `docs/protocol.md`, "Council key ceremony".

use std::collections::BTreeMap;

use curve25519_dalek::traits::VartimeMultiscalarMul as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::CryptoRng;

use super::combine::at_zero;
use super::council::{Council, Share};
use super::dkg::{Ceremony, complete};
use crate::codec::{B32, Transcript, sha256};
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Error, Result, need};
use crate::point::{Point, hedged_nonce, scalar};
use crate::secret::{Secret, SecretBytes};
use crate::statement::body::{CeremonyKind, CouncilFormed, ManifestMember, Member};
use crate::statement::value::{Hex, Hour};
use crate::statement::{Statement, Verb};

/// A manifest for a council that exists, signed by all whose it is to sign: the only thing that a dealer deals to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedManifest {
    ceremony: Ceremony,
    old: Council,
}

impl VerifiedManifest {
    /// Checks a signed `council.manifest` against the council before, which the caller has from the log.
    /// Errors: those of [`Ceremony::from_payload`] (`threshold`, `index`, `duplicate`, …); `verb`; `context` for a new
    /// key or another council before; `too-few` when the dealers are not exactly t of it; `index` for a dealer who is no
    /// member; `field` for a refresh that changes people or threshold; `insufficient-signatures`, at the new member or
    /// the dealer who did not sign; those of [`Statement::verify`].
    pub fn verify(statement: &Statement, old: &Council) -> Result<Self> {
        need(statement.verb() == Verb::CouncilManifest, Code::Verb)?;
        let ceremony = Ceremony::from_payload(statement.payload())?;
        let m = ceremony.manifest();
        need(m.kind != CeremonyKind::Form && m.previous.0 == *old.council_id(), Code::Context)?;
        need(m.dealers.len() == usize::from(old.t()), Code::TooFew)?;
        need(m.kind != CeremonyKind::Refresh || same_people(&ceremony, old), Code::Field)?;

        let members = m.members.iter().map(|m| Ok((m.index, VerifyingKey::from_bytes(&m.ed_vk.0)?)));
        let dealers = m.dealers.iter().map(|i| Ok((*i, old.member(*i)?.ed_vk)));
        let all = members.chain(dealers).collect::<Result<Vec<(u16, VerifyingKey)>>>()?;
        let keys: Vec<VerifyingKey> = all.iter().map(|(_, key)| *key).collect();
        let signers = statement.verify(&keys)?.signers;
        for (index, key) in all {
            need(signers.contains(&key.key_id()), Code::Insufficient).map_err(|e| Error::at(e.code(), index))?;
        }
        Ok(Self { ceremony, old: old.clone() })
    }

    /// The ceremony.
    #[must_use]
    pub const fn ceremony(&self) -> &Ceremony {
        &self.ceremony
    }

    /// The council before.
    #[must_use]
    pub const fn old(&self) -> &Council {
        &self.old
    }

    /// Indices, in the council before, of those who deal.
    #[must_use]
    pub fn dealers(&self) -> &[u16] {
        &self.ceremony.manifest().dealers
    }
}

fn same_people(ceremony: &Ceremony, old: &Council) -> bool {
    let m = ceremony.manifest();
    let keys = old.members().iter().map(|o| (o.ed_vk.as_bytes().as_slice(), o.kem_pk.as_bytes()));
    m.t == old.t() && m.members.iter().map(|n| (n.ed_vk.0.as_slice(), n.kem_pk.0.as_slice())).eq(keys)
}

/// What a dealer sends.
#[derive(Debug)]
pub struct Dealing {
    /// To everybody: t' commitments, 32 bytes each.
    pub message: Vec<u8>,
    /// To each new member, to be sealed: a dealt share.
    pub shares: BTreeMap<u16, SecretBytes<32>>,
}

/// Deals this member's share to the new members. What is sent must be kept and sent again after a crash: a second dealing
/// for one ceremony would be another polynomial, and whoever got parts of both refuses them.
/// Errors: `share` (not this council's), `index` (not a dealer of this ceremony).
pub fn deal(manifest: &VerifiedManifest, share: &Share, rng: &mut impl CryptoRng) -> Result<Dealing> {
    share.check(&manifest.old)?;
    need(manifest.dealers().contains(&share.index()), Code::Index)?;
    let ceremony = &manifest.ceremony;
    // Hedged: with a broken random source the coefficients still are nobody else's to know.
    let coefficient = |m: u16| {
        let place = Transcript::new("tabir/v1/dealing").put("ceremony", ceremony.id()).put("m", &m.to_be_bytes());
        Secret::new(hedged_nonce(&place, share.s(), rng))
    };
    let mut polynomial = vec![Secret::new(*share.s())];
    polynomial.extend((1..ceremony.t()).map(coefficient));
    let commit = |a: &Secret<Scalar>| EdwardsPoint::mul_base(a.expose()).compress().0;
    let message = polynomial.iter().flat_map(commit).collect();
    let shares = (1..=ceremony.n()).map(|j| (j, at(&polynomial, j))).collect();
    Ok(Dealing { message, shares })
}

/// f(j), by Horner's rule.
fn at(polynomial: &[Secret<Scalar>], j: u16) -> SecretBytes<32> {
    let j = Scalar::from(j);
    let mut value = Secret::new(Scalar::ZERO);
    for a in polynomial.iter().rev() {
        value = Secret::new(value.expose() * j + a.expose());
    }
    SecretBytes::fill_with(|out| out.copy_from_slice(value.expose().as_bytes()))
}

/// All dealings of a ceremony, checked: what the new council is, and what each dealt share must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dealings {
    manifest: VerifiedManifest,
    commitments: BTreeMap<u16, Vec<Point>>,
    council: Council,
}

impl Dealings {
    /// Reads the dealers' messages, by their indices in the council before.
    /// Errors, with the dealer's index: `ceremony` (missing, or of no dealer), `size`, those of the points, `share` (the
    /// first commitment is not the dealer's verifying share); those of [`Council::from_body`].
    pub fn read(manifest: &VerifiedManifest, messages: &BTreeMap<u16, Vec<u8>>) -> Result<Self> {
        complete(manifest.dealers().iter().copied(), messages.keys())?;
        let read = |(i, bytes): (&u16, &Vec<u8>)| -> Result<(u16, Vec<Point>)> {
            let at = |e: Error| Error::at(e.code(), *i);
            Ok((*i, read_dealing(manifest, *i, bytes).map_err(at)?))
        };
        let commitments = messages.iter().map(read).collect::<Result<BTreeMap<_, _>>>()?;
        let body = formed(manifest, messages, &commitments)?;
        Ok(Self { manifest: manifest.clone(), commitments, council: Council::from_body(&body)? })
    }

    /// The new council.
    #[must_use]
    pub const fn council(&self) -> &Council {
        &self.council
    }

    /// What `council.refreshed` or `.reshared` says of it.
    #[must_use]
    pub fn body(&self, at: Hour) -> CouncilFormed {
        self.council.to_body(at)
    }

    /// The verb of that statement: a removal is a reshare, and a new key beside it.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self.manifest.ceremony.manifest().kind {
            CeremonyKind::Refresh => Verb::CouncilRefreshed,
            _ => Verb::CouncilReshared,
        }
    }

    /// Checks the shares that were dealt to this new member and makes his share of them.
    /// Errors, with the dealer's index: `ceremony` (missing, or of no dealer), `scalar`, `share` (not what the dealer
    /// committed to); `index` for a member whom the ceremony does not have.
    pub fn finish(&self, member: u16, shares: &BTreeMap<u16, SecretBytes<32>>) -> Result<Share> {
        self.council.member(member)?;
        complete(self.commitments.keys().copied(), shares.keys())?;
        let dealers = self.manifest.dealers();
        let mut sum = Secret::new(Scalar::ZERO);
        for ((dealer, commitment), dealt) in self.commitments.iter().zip(shares.values()) {
            let dealt = Secret::new(scalar(dealt.expose()).map_err(|e| Error::at(e.code(), *dealer))?);
            let fits = EdwardsPoint::mul_base(dealt.expose()) == evaluate(commitment, member);
            need(fits, Code::Share).map_err(|e| Error::at(e.code(), *dealer))?;
            sum = Secret::new(sum.expose() + at_zero(*dealer, dealers) * dealt.expose());
        }
        let share = Share::new(member, sum.expose().as_bytes())?;
        share.check(&self.council)?;
        Ok(share)
    }
}

fn read_dealing(manifest: &VerifiedManifest, dealer: u16, bytes: &[u8]) -> Result<Vec<Point>> {
    need(bytes.len() == 32 * usize::from(manifest.ceremony.t()), Code::Size)?;
    let (points, _) = bytes.as_chunks::<32>();
    let points = points.iter().map(|p| Point::decompress(p)).collect::<Result<Vec<_>>>()?;
    need(points.first() == Some(&manifest.old.member(dealer)?.yi), Code::Share)?;
    Ok(points)
}

/// Σ_m j^m·C_m: f(j)·B, of public values.
fn evaluate(commitment: &[Point], j: u16) -> EdwardsPoint {
    let j = Scalar::from(j);
    let powers = core::iter::successors(Some(Scalar::ONE), |power| Some(power * j));
    let powers: Vec<Scalar> = powers.take(commitment.len()).collect();
    EdwardsPoint::vartime_multiscalar_mul(powers, commitment.iter().map(Point::inner))
}

fn formed(
    manifest: &VerifiedManifest,
    messages: &BTreeMap<u16, Vec<u8>>,
    commitments: &BTreeMap<u16, Vec<Point>>,
) -> Result<CouncilFormed> {
    let (ceremony, old, dealers) = (&manifest.ceremony, &manifest.old, manifest.dealers());
    let weights: Vec<Scalar> = dealers.iter().map(|i| at_zero(*i, dealers)).collect();
    let verifying_share = |j: u16| {
        let dealt: Vec<EdwardsPoint> = commitments.values().map(|commitment| evaluate(commitment, j)).collect();
        Point::prime(EdwardsPoint::vartime_multiscalar_mul(&weights, dealt)).map_err(|e| Error::at(e.code(), j))
    };
    let m = ceremony.manifest();
    let member = |member: &ManifestMember| {
        Ok(Member {
            index: member.index,
            yi: Hex(verifying_share(member.index)?.compress()),
            ed_vk: member.ed_vk,
            kem_pk: member.kem_pk.clone(),
        })
    };
    let members = m.members.iter().map(member).collect::<Result<Vec<_>>>()?;
    let y = old.key().point().compress();
    Ok(CouncilFormed {
        epoch: old.epoch().saturating_add(1),
        t: m.t,
        n: m.n,
        transcript: Hex(transcript(ceremony.id(), messages, &y, &members)),
        members,
        reshare_id: Some(Hex(*ceremony.id())),
        ..old.to_body(Hour::of(0))
    })
}

fn transcript(ceremony_id: &B32, messages: &BTreeMap<u16, Vec<u8>>, y: &B32, members: &[Member]) -> B32 {
    let head = [b"tabir/v1/reshare".as_slice(), ceremony_id];
    let parts = head.into_iter().chain(messages.values().map(Vec::as_slice)).chain([y.as_slice()]);
    let shares = members.iter().map(|m| m.yi.0.as_slice());
    sha256(&parts.chain(shares).collect::<Vec<_>>().concat())
}
