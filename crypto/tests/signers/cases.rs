//! A statement of each verb, and of each situation in which a verb needs other signatures.

use serde::Serialize;
use tabir_crypto::Result;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::rule;

use crate::world::*;
use crate::{N, T};

/// What the key of a case signs.
pub const CASE_KEYS: [Verb; 5] =
    [Verb::CaseSubmit, Verb::CaseMessage, Verb::CaseRate, Verb::CaseDispute, Verb::CaseErase];
/// What is decided where it is read.
pub const OTHERS: [Verb; 2] = [Verb::CouncilMessage, Verb::Call];

/// Says whether the signatures on a statement suffice.
type Check = Box<dyn Fn(&Statement) -> Result<()>>;

/// A statement without signatures, when it is made, and who says whether its signatures suffice.
pub struct Case {
    pub when: &'static str,
    pub unsigned: Statement,
    pub check: Check,
}

pub fn officials() -> Vec<SigningKey> {
    (1..).take(N).map(official).collect()
}

pub fn newcomers() -> Vec<SigningKey> {
    (11..).take(N).map(official).collect()
}

pub fn next_auditors() -> Vec<SigningKey> {
    (10..13).map(auditor).collect()
}

fn t() -> u16 {
    u16::try_from(T).unwrap()
}

fn wide() -> CouncilFormed {
    council_body("wide", 1, t(), &officials())
}

fn wide_id() -> Hex<32> {
    Hex(*Council::from_body(&wide()).unwrap().council_id())
}

/// A governance log with the council of the cases.
fn with_council() -> Log {
    let mut log = Log::empty();
    let keys = [officials(), vec![warden(), auditor(0)]].concat();
    log.put(&sign(Verb::CouncilFormed, &wide(), &keys)).unwrap();
    log
}

/// The same, and a request.
fn with_request() -> (Log, Hex<32>) {
    let mut log = with_council();
    let request = log.ask_with(&UnsealRequested { council_id: wide_id(), ..requested("r") });
    (log, request)
}

/// The same, approved by three of four, and released to them.
fn with_release() -> (Log, Hex<32>) {
    let (mut log, request) = with_request();
    for i in 1..=3 {
        let body = UnsealApproved { council_id: wide_id(), ..approved(request, i) };
        log.put(&sign(Verb::UnsealApproved, &body, &[official(i)])).unwrap();
    }
    log.now += COOLING;
    log.put(&sign(Verb::UnsealReleased, &released(request, log.size(), &[1, 2, 3]), &[warden()])).unwrap();
    (log, request)
}

fn case<T: Serialize>(log: Log, verb: Verb, when: &'static str, body: &T) -> Case {
    let check = Box::new(move |s: &Statement| rule::check(&log.trust, &log.state, s).map(drop));
    Case { when, unsigned: Statement::new(verb, body).unwrap(), check }
}

pub fn cases() -> Vec<Case> {
    [trust_and_keys(), councils(), unsealing(), reports()].into_iter().flatten().collect()
}

fn trust_and_keys() -> Vec<Case> {
    let trust = Log::empty().trust;
    let mut root = trust.root().clone();
    (root.version, root.previous) = (2, Some(Hex(*trust.hash())));
    root.auditors = next_auditors().iter().map(vk).collect();
    let unsigned = Statement::new(Verb::TrustRoot, &root).unwrap();
    let next = Case { when: "a next version", unsigned, check: Box::new(move |s| trust.update(s).map(drop)) };

    let announced = |kind, when| case(Log::empty(), Verb::KeyAnnounced, when, &key_announced(kind, 1));
    let retired = |kind, when, keys: &[SigningKey]| {
        let (mut log, key) = (Log::empty(), key_announced(kind, 1));
        log.announce(&key, keys).unwrap();
        let body = KeyRetired { v: V1, at: Hour::of(T0), key_id: Hex(key.key_id()), reason: code("leaked") };
        case(log, Verb::KeyRetired, when, &body)
    };
    let by_warden = [quorum(), vec![warden()]].concat();
    let custody = |act, when, split: bool| {
        let (mut log, key) = (Log::empty(), key_announced(KeyKind::Warden, 1));
        log.announce(&key, &by_warden).unwrap();
        let mut holders: Vec<_> = (0..2).map(|n| vk(&auditor(n))).collect();
        holders.sort_unstable();
        let (v, at, key_id) = (V1, Hour::of(T0), Hex(key.key_id()));
        let all = KeyCustody { v, at, key_id, act: CustodyAct::Split, threshold: 2, holders };
        if split {
            log.put(&sign(Verb::KeyCustody, &all, &[warden(), auditor(0), auditor(1)])).unwrap();
        }
        let body = match act {
            CustodyAct::Split => all,
            act => KeyCustody { act, threshold: 0, holders: Vec::new(), ..all },
        };
        case(log, Verb::KeyCustody, when, &body)
    };
    vec![
        next,
        announced(KeyKind::Token, "a token key"),
        announced(KeyKind::Intake, "an intake key"),
        announced(KeyKind::Warden, "a warden key"),
        retired(KeyKind::Token, "a token key", &[role(Role::Issuer)]),
        retired(KeyKind::Intake, "an intake key", &[role(Role::Forwarder)]),
        retired(KeyKind::Warden, "a warden key", &by_warden),
        custody(CustodyAct::Split, "a backup is split", false),
        custody(CustodyAct::Restored, "a key is brought back", true),
        custody(CustodyAct::Destroyed, "a key without a backup is destroyed", false),
        custody(CustodyAct::Destroyed, "a key and its backup are destroyed", true),
    ]
}

fn councils() -> Vec<Case> {
    let further = council_body("further", 1, t(), &newcomers());
    let refreshed = council_body("wide", 2, t(), &officials());
    let reshared = council_body("wide", 2, t(), &newcomers());
    let mut after_reshare = with_council();
    let keys = [newcomers(), vec![official(1), official(2), warden(), auditor(0)]].concat();
    after_reshare.put(&sign(Verb::CouncilReshared, &reshared, &keys)).unwrap();

    let (v, at, nonce) = (V1, Hour::of(T0), hash("nonce"));
    let member = |(i, key): (u16, &SigningKey)| ManifestMember { index: i, ed_vk: vk(key), kem_pk: kem("any") };
    let members = || (1..).zip(&newcomers()).map(member).collect();
    let (t, n) = (t(), u16::try_from(N).unwrap());
    let form = CouncilManifest {
        v,
        at,
        kind: CeremonyKind::Form,
        t,
        n,
        members: members(),
        previous: Hex([0; 32]),
        dealers: vec![],
        nonce,
    };
    let (kind, previous, dealers) = (CeremonyKind::Reshare, wide_id(), vec![1, 2, 4]);
    let reshare = CouncilManifest { v, at, kind, t, n, members: members(), previous, dealers, nonce };
    let note = CouncilNote { v, at, council_id: wide_id(), codes: vec![code("end")] };
    let drill = CouncilChecked { council_id: wide_id(), ..checked(2, "checkpoint") };
    vec![
        case(with_council(), Verb::CouncilManifest, "a new council", &form),
        case(with_council(), Verb::CouncilManifest, "new shares", &reshare),
        case(Log::empty(), Verb::CouncilFormed, "the first council", &wide()),
        case(with_council(), Verb::CouncilFormed, "a further key", &further),
        case(after_reshare, Verb::CouncilFormed, "a further key, after a reshare to the same people", &further),
        case(with_council(), Verb::CouncilRefreshed, "the same people", &refreshed),
        case(with_council(), Verb::CouncilReshared, "other people", &reshared),
        case(with_council(), Verb::CouncilRetired, "", &note),
        case(with_council(), Verb::CouncilChecked, "", &drill),
    ]
}

fn unsealing() -> Vec<Case> {
    let (v, at) = (V1, Hour::of(T0));
    let (version, files) = (text("1"), Vec::new());
    let page = PageBuilt { v, at, version, files, base_size: 1, base_checkpoint: hash("checkpoint") };
    let asking = UnsealRequested { council_id: wide_id(), ..requested("r") };
    let (_, r) = with_request();
    let yes = UnsealApproved { council_id: wide_id(), ..approved(r, 2) };
    let not = |i| UnsealRefused { council_id: wide_id(), ..no(r, i) };
    let before = |verb, when, body: &UnsealCode| case(with_request().0, verb, when, body);
    vec![
        case(Log::empty(), Verb::PolicySet, "", &policy(1)),
        case(Log::empty(), Verb::PageBuilt, "", &page),
        case(with_council(), Verb::UnsealRequested, "", &asking),
        case(with_request().0, Verb::UnsealApproved, "", &yes),
        case(with_request().0, Verb::UnsealRefused, "", &not(2)),
        case(with_request().0, Verb::UnsealWithdrawn, "", &not(1)),
        case(with_request().0, Verb::UnsealReleased, "", &released(r, 1, &[1, 2, 3])),
        before(Verb::UnsealDeclined, "", &ended(r, "cap")),
        case(with_release().0, Verb::UnsealPartial, "", &partial(r, 1, &[1, 2, 3])),
        case(with_release().0, Verb::UnsealOpened, "", &opened(r)),
        before(Verb::UnsealFailed, "before a release", &ended(r, "outer")),
        case(with_release().0, Verb::UnsealFailed, "after a release", &ended(r, "aead")),
        case(with_request().0, Verb::UnsealNotice, "", &notice(r)),
    ]
}

fn reports() -> Vec<Case> {
    let (v, at, case_id) = (V1, Hour::of(T0), hash("case"));
    let (a, b, nf, log_origin) = (hash("a"), hash("b"), nf("x"), text("intake"));
    let acceptance = Acceptance { v, at, case_id, a, b, nf, w: 1, deadline: Second(T0), log_origin };
    let reply = Reply { v, at, case_id, seq: 1, message_hash: hash("m") };
    let counts = RetentionCounts { v, at, w: 1, counts: Default::default() };
    let lone = Log::empty;
    vec![
        case(lone(), Verb::ReportAccepted, "", &accepted(1, 1, 1, &["x"])),
        case(lone(), Verb::ReportForwarded, "", &fate(1, 0, &["x"])),
        case(lone(), Verb::ReportRefused, "", &fate(1, 0, &["x"])),
        case(lone(), Verb::ReportPending, "", &fate(1, 0, &["x"])),
        case(lone(), Verb::ReportErased, "", &erased(1, 0, &["x"])),
        case(lone(), Verb::RetentionCounts, "", &counts),
        case(lone(), Verb::Acceptance, "", &acceptance),
        case(lone(), Verb::Reply, "", &reply),
    ]
}

/// Statements of the verbs that `rule::check` does not decide.
pub fn elsewhere() -> Vec<Statement> {
    let (v, at) = (V1, Hour::of(T0));
    let write = CaseWrite { v, at, case_id: hash("case"), counter: 0, body_hash: hash("body") };
    let (ceremony_id, bytes) = (hash("ceremony"), Bytes(vec![1]));
    let message = CouncilMessage { v, at, ceremony_id, round: 1, from: 1, to: 0, bytes };
    let (method, path, body_hash) = (text("GET"), text("/"), hash("body"));
    let (audience, minute, nonce) = (Role::Log, Second(T0), Hex([0; 16]));
    let call = Call { v, at, method, path, body_hash, audience, minute, nonce };
    let cases = CASE_KEYS.map(|verb| Statement::new(verb, &write).unwrap());
    let others = [Statement::new(OTHERS[0], &message).unwrap(), Statement::new(OTHERS[1], &call).unwrap()];
    cases.into_iter().chain(others).collect()
}
