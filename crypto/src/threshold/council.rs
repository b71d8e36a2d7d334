//! A council: its key, its members with their verifying shares, and one member's secret share.
//!
//! ```text
//! lineage    = SHA-256("tabir/v1/lineage" ‖ Y ‖ ceremony_id)          of the ceremony that made the key
//! council_id = T("tabir/v1/council"; lineage, epoch u64, t u16, n u16, Y, then for i = 1…n: i u16, Yi, ed_vk, kem_pk_hash)
//! fingerprint = first 16 bytes of SHA-256("tabir/v1/council-fingerprint" ‖ council_id), as eight proquints, for people
//! share      = index u16 ‖ s 32
//! ```
//! Source: `docs/protocol.md`, "Identity envelope".

use curve25519_dalek::{EdwardsPoint, Scalar};

use crate::codec::{B32, Transcript, tagged, take};
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Error, Result, need};
use crate::hpke::KemPublicKey;
use crate::point::{Point, scalar};
use crate::receipt::proquints;
use crate::secret::{Secret, SecretBytes};
use crate::statement::body::{CouncilFormed, Member};
use crate::statement::value::{Bytes, Hex, Hour, V1};

/// One official alone must never do.
pub const MIN_THRESHOLD: u16 = 2;
/// Bytes of a fingerprint: eight proquints. Nobody makes a second council for 128 given bits.
const FINGERPRINT: usize = 16;
/// People who meet in one room and check each other's fingerprints; every pair of them does.
pub const MAX_MEMBERS: u16 = 15;

/// Checks 2 <= t <= n <= 15. Error: `threshold`.
pub(super) fn check_size(t: u16, n: u16) -> Result<()> {
    need(MIN_THRESHOLD <= t && t <= n && n <= MAX_MEMBERS, Code::Threshold)
}

/// What a reporter seals to: the council's key and its lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouncilKey {
    y: Point,
    lineage: B32,
}

impl CouncilKey {
    /// The key that the given ceremony made.
    #[must_use]
    pub fn new(y: Point, ceremony_id: &B32) -> Self {
        Self { y, lineage: tagged("tabir/v1/lineage", &[&y.compress(), ceremony_id]) }
    }

    /// Y.
    #[must_use]
    pub const fn point(&self) -> &Point {
        &self.y
    }

    /// The X25519 public key, derived here and never sent beside Y.
    #[must_use]
    pub fn u(&self) -> B32 {
        self.y.to_u()
    }

    /// Constant while the same key lives, through refresh and reshare.
    #[must_use]
    pub const fn lineage(&self) -> &B32 {
        &self.lineage
    }
}

/// One official of a council.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouncilMember {
    /// 1 to n.
    pub index: u16,
    /// Verifying share.
    pub yi: Point,
    /// The official's signing key.
    pub ed_vk: VerifyingKey,
    /// The official's key for what is sealed to him.
    pub kem_pk: KemPublicKey,
}

impl CouncilMember {
    fn read(m: &Member) -> Result<Self> {
        let at = |e: Error| Error::at(e.code(), m.index);
        Ok(Self {
            index: m.index,
            yi: Point::decompress(&m.yi.0).map_err(at)?,
            ed_vk: VerifyingKey::from_bytes(&m.ed_vk.0).map_err(at)?,
            kem_pk: KemPublicKey::from_bytes(&m.kem_pk.0).map_err(at)?,
        })
    }
}

/// A council whose parts fit each other. Whether it is the right one is for trust root and log to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Council {
    key: CouncilKey,
    ceremony_id: B32,
    epoch: u64,
    t: u16,
    members: Vec<CouncilMember>,
    transcript: B32,
    reshare_id: Option<B32>,
    id: B32,
}

impl Council {
    /// Checks the payload of `council.formed`, `.refreshed` or `.reshared`.
    /// Errors: `threshold`, `index`, `duplicate`, `context` (the lineage), `share` (verifying shares that are not of
    /// one key), those of the points and keys, with the member's index where one is to blame.
    pub fn from_body(body: &CouncilFormed) -> Result<Self> {
        check_size(body.t, body.n)?;
        need(body.members.iter().map(|m| m.index).eq(1..=body.n), Code::Index)?;
        let key = CouncilKey::new(Point::decompress(&body.y.0)?, &body.ceremony_id.0);
        need(*key.lineage() == body.lineage.0, Code::Context)?;
        let members = body.members.iter().map(CouncilMember::read).collect::<Result<Vec<_>>>()?;
        distinct(members.iter().map(|m| (m.index, m.ed_vk.as_bytes().as_slice())))?;
        distinct(members.iter().map(|m| (m.index, m.kem_pk.as_bytes())))?;
        check_polynomial(&key, body.t, &members)?;
        let id = council_id(&key, body.epoch, body.t, body.n, &members);
        let (ceremony_id, transcript) = (body.ceremony_id.0, body.transcript.0);
        let reshare_id = body.reshare_id.map(|id| id.0);
        Ok(Self { key, ceremony_id, epoch: body.epoch, t: body.t, members, transcript, reshare_id, id })
    }

    /// The payload again.
    #[must_use]
    pub fn to_body(&self, at: Hour) -> CouncilFormed {
        let member = |m: &CouncilMember| Member {
            index: m.index,
            yi: Hex(m.yi.compress()),
            ed_vk: Hex(*m.ed_vk.as_bytes()),
            kem_pk: Bytes(m.kem_pk.as_bytes().to_vec()),
        };
        CouncilFormed {
            v: V1,
            at,
            ceremony_id: Hex(self.ceremony_id),
            lineage: Hex(self.key.lineage),
            epoch: self.epoch,
            t: self.t,
            n: self.n(),
            y: Hex(self.key.y.compress()),
            members: self.members.iter().map(member).collect(),
            transcript: Hex(self.transcript),
            reshare_id: self.reshare_id.map(Hex),
        }
    }

    /// What reporters seal to.
    #[must_use]
    pub const fn key(&self) -> &CouncilKey {
        &self.key
    }

    /// The X25519 public key.
    #[must_use]
    pub fn key_u(&self) -> B32 {
        self.key.u()
    }

    /// Its lineage.
    #[must_use]
    pub const fn lineage(&self) -> &B32 {
        self.key.lineage()
    }

    /// `council_id`: this very set of members and shares.
    #[must_use]
    pub const fn council_id(&self) -> &B32 {
        &self.id
    }

    /// What people compare: 16 bytes of SHA-256("tabir/v1/council-fingerprint" ‖ council_id) as eight proquints, 47 ASCII
    /// characters with the hyphens. Public; another one after a refresh or reshare, since members or shares are others.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = tagged("tabir/v1/council-fingerprint", &[&self.id]);
        proquints(hash.split_at(FINGERPRINT).0)
    }

    /// 1 for the first council of a lineage.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many must help.
    #[must_use]
    pub const fn t(&self) -> u16 {
        self.t
    }

    /// How many there are.
    #[must_use]
    pub fn n(&self) -> u16 {
        self.members.last().map_or(0, |m| m.index)
    }

    /// What all members signed at the end of the ceremony: see [`super::dkg`] and [`super::reshare`].
    #[must_use]
    pub const fn transcript(&self) -> &B32 {
        &self.transcript
    }

    /// The ceremony that made the key.
    #[must_use]
    pub const fn ceremony_id(&self) -> &B32 {
        &self.ceremony_id
    }

    /// The ceremony that made these shares: that of the key, until the first refresh or reshare.
    #[must_use]
    pub fn shares_id(&self) -> &B32 {
        self.reshare_id.as_ref().unwrap_or(&self.ceremony_id)
    }

    /// The members, by index.
    #[must_use]
    pub fn members(&self) -> &[CouncilMember] {
        &self.members
    }

    /// The member of that index. Error: `index`.
    pub fn member(&self, index: u16) -> Result<&CouncilMember> {
        self.members.iter().find(|m| m.index == index).ok_or(Code::Index.into())
    }

    /// The member with that signing key.
    #[must_use]
    pub fn member_by_key(&self, key: &VerifyingKey) -> Option<&CouncilMember> {
        self.members.iter().find(|m| m.ed_vk == *key)
    }
}

/// One person must not sit on two chairs. Error: `duplicate`, at the second of them.
pub(super) fn distinct<'a>(keys: impl Iterator<Item = (u16, &'a [u8])>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, key) in keys {
        if !seen.insert(key) {
            return Err(Error::at(Code::Duplicate, index));
        }
    }
    Ok(())
}

/// Y and all Y_i must lie on one polynomial of degree t - 1 in the exponent, with Y at 0: then, and only then, does
/// every set of t members interpolate to Y. At 0, 1, …, n this means that the t-th differences vanish. If those before
/// vanish too, the degree is lower, and fewer than t would do.
fn check_polynomial(key: &CouncilKey, t: u16, members: &[CouncilMember]) -> Result<()> {
    let zero = |points: &[EdwardsPoint]| points.iter().all(|p| *p == EdwardsPoint::default());
    let mut points: Vec<EdwardsPoint> =
        core::iter::once(&key.y).chain(members.iter().map(|m| &m.yi)).map(|p| *p.inner()).collect();
    for _ in 1..t {
        points = differences(&points);
    }
    need(!zero(&points), Code::Threshold)?;
    need(zero(&differences(&points)), Code::Share)
}

fn differences(points: &[EdwardsPoint]) -> Vec<EdwardsPoint> {
    points.iter().zip(points.iter().skip(1)).map(|(a, b)| b - a).collect()
}

fn council_id(key: &CouncilKey, epoch: u64, t: u16, n: u16, members: &[CouncilMember]) -> B32 {
    let head = Transcript::new("tabir/v1/council")
        .put("lineage", &key.lineage)
        .put("epoch", &epoch.to_be_bytes())
        .put("t", &t.to_be_bytes())
        .put("n", &n.to_be_bytes())
        .put("Y", &key.y.compress());
    let member = |head: Transcript, m: &CouncilMember| {
        head.put("i", &m.index.to_be_bytes())
            .put("Yi", &m.yi.compress())
            .put("ed_vk", m.ed_vk.as_bytes())
            .put("kem_pk_hash", &m.kem_pk.key_id())
    };
    members.iter().fold(head, member).hash()
}

/// One official's share of the council's key.
#[derive(Clone, Debug)]
pub struct Share {
    index: u16,
    s: Secret<Scalar>,
}

impl Share {
    /// Whose it is.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }

    pub(super) const fn s(&self) -> &Scalar {
        self.s.expose()
    }

    pub(super) fn new(index: u16, s: &[u8]) -> Result<Self> {
        Ok(Self { index, s: Secret::new(scalar(s)?) })
    }

    /// The 34 bytes, to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes<34> {
        SecretBytes::fill_with(|out| {
            let (index, s) = out.split_at_mut(2);
            index.copy_from_slice(&self.index.to_be_bytes());
            s.copy_from_slice(self.s.expose().as_bytes());
        })
    }

    /// Reads what [`Share::to_bytes`] wrote. Errors: `size`, `scalar`.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self> {
        let index = u16::from_be_bytes(take(&mut bytes)?);
        Self::new(index, bytes)
    }

    /// Whether this is its member's share in this council. Errors: `index`, `share`.
    pub fn check(&self, council: &Council) -> Result<()> {
        let member = council.member(self.index)?;
        let fits = EdwardsPoint::mul_base(self.s()) == *member.yi.inner();
        if fits { Ok(()) } else { Err(Error::at(Code::Share, self.index)) }
    }
}
