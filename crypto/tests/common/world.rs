//! An installation for the tests: identities, auditors, a trust root, a council, and a governance log that grows.
//! All keys come from their names, so each is the same wherever it is asked for.
#![allow(dead_code)] // each test file uses its part

use std::collections::BTreeMap;

use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::{TryCryptoRng, TryRng};
use serde::Serialize;
use tabir_crypto::codec::{B32, b64, sha256, tagged};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, Text, V1};
use tabir_crypto::statement::{Statement, Verb, Verified};
use tabir_crypto::threshold::{Council, Drill, Share};
use tabir_crypto::trust::root::{Activation, LogKey, LogName, TrustRoot};
use tabir_crypto::trust::unseal::Request;
use tabir_crypto::trust::{State, Trust, audit};
use tabir_crypto::{Code, Result, SecretBytes};

/// An hour's start.
pub const T0: u64 = 1_800_000_000;
pub const HOUR: u64 = 3600;
pub const DAY: u64 = 86_400;
pub const COOLING: u64 = 3 * DAY;
pub const LIFE: u64 = 7 * DAY;

pub fn hash(name: &str) -> Hex<32> {
    Hex(sha256(name.as_bytes()))
}

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::new(hash(name).0))
}

pub fn role(role: Role) -> SigningKey {
    key(role.as_str())
}

pub fn warden() -> SigningKey {
    role(Role::Warden)
}

pub fn auditor(i: usize) -> SigningKey {
    key(&format!("auditor {i}"))
}

/// Two auditors: the quorum.
pub fn quorum() -> Vec<SigningKey> {
    vec![auditor(0), auditor(1)]
}

pub fn official(i: u16) -> SigningKey {
    key(&format!("official {i}"))
}

pub fn stranger() -> SigningKey {
    key("stranger")
}

pub fn vk(key: &SigningKey) -> Hex<32> {
    Hex(*key.verifying_key().as_bytes())
}

pub fn kem(name: &str) -> Bytes {
    Bytes(KemSecretKey::from_seed(SecretBytes::new(hash(name).0)).public_key().as_bytes().to_vec())
}

pub fn code(text: &str) -> CodeText {
    CodeText::new(text).unwrap()
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn vkey(name: &str) -> Text {
    text(&format!("{name}+01234567+{}", b64(&hash(name).0)))
}

pub fn sign<T: Serialize>(verb: Verb, body: &T, keys: &[SigningKey]) -> Statement {
    let mut statement = Statement::new(verb, body).unwrap();
    keys.iter().for_each(|key| statement.sign(key));
    statement
}

/// Refused, and for this reason.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(got: Result<T>, code: Code) {
    assert_eq!(got.expect_err("taken").code(), code);
}

pub fn trust_root() -> TrustRoot {
    let log = |name: LogName| LogKey { name, origin: text(name.as_str()), vkey: vkey(name.as_str()), follows: None };
    TrustRoot {
        v: V1,
        at: Hour::of(T0),
        version: 1,
        demo: false,
        name: text("Test"),
        issuer_name: text("issuer.test"),
        origin: text("gateway.test"),
        logs: LogName::ALL.map(log).to_vec(),
        witnesses: vec![vkey("witness")],
        witness_quorum: 1,
        identities: Role::ALL.into_iter().map(|r| (r, vk(&role(r)))).collect(),
        auditors: (0..3).map(|i| vk(&auditor(i))).collect(),
        auditor_quorum: 2,
        activation_s: Activation { token: DAY, intake: DAY, warden: 7 * DAY, council: 7 * DAY },
        freshness_s: 3 * DAY,
        cooling_off_s: COOLING,
        release_cap_per_day: 3,
        deferral_max_s: 90 * DAY,
        previous: None,
    }
}

pub fn trust_of(root: &TrustRoot) -> Trust {
    Trust::pinned(&sign(Verb::TrustRoot, root, &quorum())).unwrap()
}

pub fn key_announced(kind: KeyKind, epoch: u64) -> KeyAnnounced {
    let name = format!("{kind:?} {epoch}");
    let key = match kind {
        KeyKind::Token => Bytes(hash(&name).0.repeat(11)[..342].to_vec()),
        KeyKind::Intake | KeyKind::Warden => kem(&name),
    };
    let (not_before, not_after) = (Second(T0), Second(T0 + 100 * DAY));
    KeyAnnounced { v: V1, at: Hour::of(T0), role: kind.role(), kind, epoch, key, not_before, not_after }
}

/// A council of this name, its shares from a polynomial made of the name.
pub fn council_body(name: &str, epoch: u64, t: u16, people: &[SigningKey]) -> CouncilFormed {
    let coefficient = |k: u16| {
        let share = if k == 0 { name.to_owned() } else { format!("{name} {epoch} {k}") };
        Scalar::from_bytes_mod_order(hash(&share).0)
    };
    let share = |i: u16| (0..t).rev().fold(Scalar::ZERO, |sum, k| sum * Scalar::from(i) + coefficient(k));
    let point = |i: u16| Hex(EdwardsPoint::mul_base(&share(i)).compress().to_bytes());
    let ceremony_id = hash(&format!("ceremony {name}"));
    let member = |(i, key): (u16, &SigningKey)| {
        let kem_pk = kem(&format!("{name} {epoch} {i}"));
        Member { index: i, yi: point(i), ed_vk: vk(key), kem_pk }
    };
    let y = point(0);
    CouncilFormed {
        v: V1,
        at: Hour::of(T0),
        ceremony_id,
        lineage: Hex(tagged("tabir/v1/lineage", &[&y.0, &ceremony_id.0])),
        epoch,
        t,
        n: u16::try_from(people.len()).unwrap(),
        y,
        members: (1..).zip(people).map(member).collect(),
        transcript: hash("transcript"),
        reshare_id: (epoch > 1).then(|| hash(&format!("reshare {name} {epoch}"))),
    }
}

/// The share of one official of [`council`].
pub fn share(i: u16) -> Share {
    let coefficient = |k| Scalar::from_bytes_mod_order(hash(if k == 0 { "council" } else { "council 1 1" }).0);
    let s = coefficient(0) + coefficient(1) * Scalar::from(i);
    Share::from_bytes(&[i.to_be_bytes().as_slice(), s.as_bytes()].concat()).unwrap()
}

/// A broken random source: the proof's nonce is hedged, so it does.
struct Zeros;

impl TryRng for Zeros {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Self::Error> {
        out.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for Zeros {}

/// An official of [`council`] shows that his share works, by a checkpoint of this name.
pub fn checked(index: u16, checkpoint: &str) -> CouncilChecked {
    checked_by(index, 1, hash(checkpoint))
}

/// The same, by a checkpoint of this size and hash.
pub fn checked_by(index: u16, tree_size: u64, checkpoint_hash: Hex<32>) -> CouncilChecked {
    let council = Council::from_body(&council()).unwrap();
    let partial = Drill::new(&council, &checkpoint_hash.0).unwrap().partial(&share(index), &mut Zeros).unwrap();
    let (v, at, council_id) = (V1, Hour::of(T0), council_id());
    CouncilChecked { v, at, council_id, index, tree_size, checkpoint_hash, partial: Bytes(partial) }
}

pub fn officials() -> Vec<SigningKey> {
    (1..=3).map(official).collect()
}

/// The council of the tests: officials 1 to 3, two of them needed.
pub fn council() -> CouncilFormed {
    council_body("council", 1, 2, &officials())
}

pub fn council_id() -> Hex<32> {
    Hex(*Council::from_body(&council()).unwrap().council_id())
}

/// All officials, the warden, one auditor.
pub fn founders() -> Vec<SigningKey> {
    officials().into_iter().chain([warden(), auditor(0)]).collect()
}

pub fn policy(version: u64) -> PolicySet {
    let entry = |c: &str| vec![CodeEntry { code: code(c), id: text("teks"), en: text("text") }];
    PolicySet {
        v: V1,
        at: Hour::of(T0),
        version,
        codes: PolicyCodes {
            legal_basis: entry("court"),
            reason: entry("danger"),
            refusal: entry("no"),
            deferral: entry("inquiry"),
            failure: entry("proof"),
            recusal: entry("kin"),
        },
        deadlines_s: BTreeMap::from([(Status::Received, DAY)]),
        window_s: DAY,
        forward_s: 3 * DAY,
        release_s: HOUR,
        request_life_s: LIFE,
        partial_life_s: LIFE,
        envelope_retention_s: 365 * DAY,
        categories: vec![Category {
            code: code("road"),
            id: text("jalan"),
            en: text("road"),
            release: Release::Urgent,
        }],
    }
}

/// A governance log that holds the policy and the council.
pub struct Log {
    pub trust: Trust,
    pub state: State,
    pub now: u64,
    pub leaves: Vec<(Vec<u8>, Option<u64>)>,
}

impl Log {
    pub fn empty() -> Self {
        Self { trust: trust_of(&trust_root()), state: State::new(), now: T0, leaves: Vec::new() }
    }

    pub fn new() -> Self {
        let mut log = Self::empty();
        log.put(&sign(Verb::PolicySet, &policy(1), &[role(Role::Gateway), auditor(0)])).unwrap();
        log.put(&sign(Verb::CouncilFormed, &council(), &founders())).unwrap();
        log
    }

    /// Appends whatever it is, witnessed now.
    pub fn put(&mut self, statement: &Statement) -> Result<Verified> {
        self.put_leaf(statement.to_bytes(), Some(self.now))
    }

    pub fn put_leaf(&mut self, leaf: Vec<u8>, witnessed: Option<u64>) -> Result<Verified> {
        let entry = u64::try_from(self.leaves.len()).unwrap();
        let result = self.state.apply(&self.trust, entry, &leaf, witnessed);
        self.leaves.push((leaf, witnessed));
        result
    }

    /// Whether a log would take it now; the log stays as it is.
    pub fn would(&self, statement: &Statement) -> Result<Verified> {
        self.state.check(&self.trust, statement, self.now)
    }

    pub fn size(&self) -> u64 {
        self.state.size()
    }

    pub fn announce(&mut self, body: &KeyAnnounced, keys: &[SigningKey]) -> Result<Verified> {
        self.put(&sign(Verb::KeyAnnounced, body, keys))
    }

    pub fn request(&self, hash: &B32) -> &Request {
        self.state.request(hash).expect("a request")
    }

    /// A request by official 1, its hash.
    pub fn ask(&mut self, name: &str) -> Hex<32> {
        self.ask_with(&requested(name))
    }

    pub fn ask_with(&mut self, body: &UnsealRequested) -> Hex<32> {
        let statement = sign(Verb::UnsealRequested, body, &[official(body.requester)]);
        self.put(&statement).unwrap();
        Hex(statement.entry_hash())
    }

    pub fn approve(&mut self, request: Hex<32>, i: u16) -> Result<Verified> {
        self.put(&sign(Verb::UnsealApproved, &approved(request, i), &[official(i)]))
    }

    pub fn refuse(&mut self, request: Hex<32>, i: u16) -> Result<Verified> {
        self.put(&sign(Verb::UnsealRefused, &no(request, i), &[official(i)]))
    }

    /// A request that officials 1 and 2 approved and whose cooling-off is over.
    pub fn ready(&mut self, name: &str) -> Hex<32> {
        let request = self.ask(name);
        self.approve(request, 1).unwrap();
        self.approve(request, 2).unwrap();
        self.now += COOLING;
        request
    }

    /// The warden's release to officials 1 and 2.
    pub fn release(&mut self, request: Hex<32>) -> Result<Verified> {
        let body = released(request, self.size(), &[1, 2]);
        self.put(&sign(Verb::UnsealReleased, &body, &[warden()]))
    }

    pub fn partial(&mut self, request: Hex<32>, i: u16) -> Result<Verified> {
        self.put(&sign(Verb::UnsealPartial, &partial(request, i, &[1, 2]), &[official(i)]))
    }

    pub fn open(&mut self, request: Hex<32>) -> Result<Verified> {
        self.put(&sign(Verb::UnsealOpened, &opened(request), &[official(1), official(2)]))
    }

    /// One opening from request to end.
    pub fn whole_opening(&mut self, name: &str) -> Hex<32> {
        let request = self.ready(name);
        self.release(request).unwrap();
        self.partial(request, 1).unwrap();
        self.partial(request, 2).unwrap();
        self.open(request).unwrap();
        request
    }

    pub fn entries(&self) -> Vec<audit::Entry<'_>> {
        entries(&self.leaves)
    }
}

pub fn entries(leaves: &[(Vec<u8>, Option<u64>)]) -> Vec<audit::Entry<'_>> {
    (0..).zip(leaves).map(|(index, (leaf, witnessed))| audit::Entry { index, leaf, witnessed: *witnessed }).collect()
}

pub fn requested(name: &str) -> UnsealRequested {
    UnsealRequested {
        v: V1,
        at: Hour::of(T0),
        request_id: Hex(hash(name).0[..16].try_into().unwrap()),
        council_id: council_id(),
        requester: 1,
        legal_basis: code("court"),
        reason: code("danger"),
        commit: hash("commit"),
        tag: hash("tag"),
        nonce: Some(hash("nonce")),
        deferred_until: None,
        deferral: None,
    }
}

pub fn approved(request_hash: Hex<32>, index: u16) -> UnsealApproved {
    UnsealApproved {
        v: V1,
        at: Hour::of(T0),
        request_hash,
        council_id: council_id(),
        index,
        reason: code("danger"),
        kem_pk: kem(&format!("fresh {index}")),
        deferred_until: None,
    }
}

/// A refusal, or a withdrawal.
pub fn no(request_hash: Hex<32>, index: u16) -> UnsealRefused {
    UnsealRefused { v: V1, at: Hour::of(T0), request_hash, council_id: council_id(), index, reason: code("no") }
}

fn indexed(indices: &[u16]) -> Vec<IndexedHash> {
    indices.iter().map(|i| IndexedHash { index: *i, hash: hash(&format!("for {i}")) }).collect()
}

pub fn released(request_hash: Hex<32>, tree_size: u64, to: &[u16]) -> UnsealReleased {
    let (checkpoint_hash, inner_commit) = (hash("checkpoint"), hash("inner"));
    let handouts = indexed(to);
    UnsealReleased { v: V1, at: Hour::of(T0), request_hash, tree_size, checkpoint_hash, inner_commit, handouts }
}

pub fn ended(request_hash: Hex<32>, c: &str) -> UnsealCode {
    UnsealCode { v: V1, at: Hour::of(T0), request_hash, code: code(c) }
}

pub fn partial(request_hash: Hex<32>, index: u16, to: &[u16]) -> UnsealPartial {
    UnsealPartial { v: V1, at: Hour::of(T0), request_hash, index, partials: indexed(to) }
}

pub fn opened(request_hash: Hex<32>) -> UnsealOpened {
    UnsealOpened { v: V1, at: Hour::of(T0), request_hash, record_commit: hash("record") }
}

pub fn notice(request_hash: Hex<32>) -> UnsealNotice {
    UnsealNotice { v: V1, at: Hour::of(T0), request_hash, nonce: hash("nonce") }
}

/// Window `w` from T0 on: a day long, its deadline three days after.
pub fn accepted(w: u64, part: u64, parts: u64, reports: &[&str]) -> ReportAccepted {
    let opens = T0 + (w - 1) * DAY;
    let mut pairs: Vec<_> = reports.iter().map(|r| [hash(&format!("a {r}")), hash(&format!("b {r}"))]).collect();
    pairs.sort();
    ReportAccepted {
        v: V1,
        at: Hour::of(opens + DAY),
        w,
        opens: Second(opens),
        closes: Second(opens + DAY),
        deadline: Second(opens + 4 * DAY),
        part,
        parts,
        pairs,
    }
}

pub fn nf(report: &str) -> Hex<32> {
    hash(&format!("nf {report}"))
}

pub fn fate(w: u64, round: u64, reports: &[&str]) -> ReportFate {
    let mut nf: Vec<_> = reports.iter().map(|r| nf(r)).collect();
    nf.sort();
    ReportFate { v: V1, at: Hour::of(T0), w, round, part: 1, parts: 1, nf }
}

pub fn erased(w: u64, round: u64, reports: &[&str]) -> ReportErased {
    let mut items: Vec<_> = reports.iter().map(|r| [nf(r), hash("erase")]).collect();
    items.sort();
    ReportErased { v: V1, at: Hour::of(T0), w, round, items }
}
