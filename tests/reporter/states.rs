//! Every state of an opening as its reporter is told it, from logs that were made here and replayed as any client does.

use tabir::client::log_reader::Entry;
use tabir::client::opening::{Deferral, Opening, Seen, Step, What, find};
use tabir::words::{self, Language};
use tabir_crypto::B32;
use tabir_crypto::receipt::notice_tag;
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::{Hex, Second};
use tabir_crypto::statement::{Verb, entry_hash};
use tabir_crypto::trust::unseal::Status;

use crate::log::*;

/// Hers, and somebody else's.
const KEY: B32 = [7; 32];
const OTHER: B32 = [8; 32];
const BOTH: [Language; 2] = [Language::Id, Language::En];

fn entries(log: &Log) -> Vec<Entry> {
    let entry = |(index, (leaf, witnessed)): (u64, &(Vec<u8>, Option<u64>))| Entry {
        index,
        hash: entry_hash(leaf),
        leaf: leaf.clone(),
        witnessed_time: witnessed.unwrap(),
    };
    (0..).zip(&log.leaves).map(entry).collect()
}

fn found(log: &Log, key: &B32) -> Vec<Opening> {
    let entries = entries(log);
    let seen = Seen { trust: &log.trust, state: &log.state, entries: &entries, whole: true, now: log.now };
    find(&seen, key).unwrap()
}

/// The one opening of hers; nobody else finds it.
fn hers(log: &Log) -> Opening {
    assert!(found(log, &OTHER).is_empty());
    let mut found = found(log, &KEY);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// A request about her case.
fn about_her(name: &str) -> UnsealRequested {
    let body = requested(name);
    UnsealRequested { tag: Hex(notice_tag(&KEY, &body.nonce.unwrap().0)), ..body }
}

fn asked() -> (Log, Hex<32>) {
    let mut log = Log::new();
    log.ask("somebody else's");
    let request = log.ask_with(&about_her("hers"));
    (log, request)
}

fn approved_and_cooled() -> (Log, Hex<32>) {
    let (mut log, request) = asked();
    log.approve(request, 1).unwrap();
    log.approve(request, 2).unwrap();
    log.now += COOLING;
    (log, request)
}

fn kinds(o: &Opening) -> Vec<(u64, &What)> {
    o.steps.iter().map(|s| (s.entry, &s.what)).collect()
}

fn said(o: &Opening, log: &Log) -> String {
    let codes = log.state.policy().map(|p| &p.codes);
    let steps = o.steps.iter().map(|s| words::step(Language::En, &s.what, codes));
    core::iter::once(words::status(Language::En, o)).chain(steps).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_step_has_its_entry_its_hour_and_who() {
    let (mut log, request) = approved_and_cooled();
    log.release(request).unwrap();
    log.partial(request, 1).unwrap();
    log.partial(request, 2).unwrap();
    log.open(request).unwrap();
    let o = hers(&log);
    assert_eq!((o.request_hash, o.status, o.threshold), (request.0, Status::Opened, (2, 3)));
    assert_eq!(o.cooled_at, Some(T0 + COOLING));
    let first = Step {
        entry: 3,
        witnessed: T0,
        what: What::Requested { by: 1, legal_basis: code("court"), reason: code("danger") },
    };
    assert_eq!(o.steps[0], first);
    let released = What::Released { to: vec![1, 2], by_auditor: false, early: false, above_cap: Some(false) };
    let want = [
        (3, &first.what),
        (4, &What::Approved { by: 1, reason: code("danger") }),
        (5, &What::Approved { by: 2, reason: code("danger") }),
        (6, &released),
        (7, &What::Partial { by: 1 }),
        (8, &What::Partial { by: 2 }),
        (9, &What::Opened { by: vec![1, 2] }),
    ];
    assert_eq!(kinds(&o), want);
    assert_eq!(o.steps[3].witnessed, T0 + COOLING);
    let said = said(&o, &log);
    for words in [
        "OPENED. Those who signed could read your identity; what they did with it stands in no log.",
        "official 1 asked for your identity. Legal basis: text. Reason: text.",
        "official 2 agreed. Reason: text.",
        "the outside body opened its layer for officials 1 and 2. No auditor, after the waiting time.",
        "officials 1 and 2 signed that your identity was opened.",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

/// Ends of an opening, each as the log has it, and the words that it must not be told without.
#[test]
fn every_state_is_told_in_both_languages() {
    let mut all = Vec::new();
    let mut add = |log: Log, status| {
        let o = hers(&log);
        assert_eq!(o.status, status);
        let told = BOTH.map(|l| words::status(l, &o));
        assert_ne!(told[0], told[1]);
        all.push((status, o.readable, told[1].clone()));
    };
    let (log, _) = asked();
    add(log, Status::Requested);
    add(approved_and_cooled().0, Status::Approved);
    let released = |partials: &[u16]| {
        let (mut log, request) = approved_and_cooled();
        log.release(request).unwrap();
        partials.iter().for_each(|i| drop(log.partial(request, *i).unwrap()));
        (log, request)
    };
    add(released(&[1]).0, Status::Released);
    add(released(&[1, 2]).0, Status::Released);
    for partials in [&[1][..], &[1, 2]] {
        let (mut log, _) = released(partials);
        log.now += LIFE;
        add(log, Status::Lapsed);
    }
    let (mut log, request) = released(&[1, 2]);
    log.open(request).unwrap();
    add(log, Status::Opened);
    let (mut log, request) = released(&[1, 2]);
    log.put(&sign(Verb::UnsealFailed, &ended(request, "none"), &[official(1), official(2)])).unwrap();
    assert_eq!(hers(&log).steps.last().unwrap().what, What::Failed { code: code("none"), by: vec![1, 2] });
    add(log, Status::Failed);
    let (mut log, request) = approved_and_cooled();
    log.put(&sign(Verb::UnsealFailed, &ended(request, "proof"), &[warden()])).unwrap();
    assert_eq!(hers(&log).steps.last().unwrap().what, What::Failed { code: code("proof"), by: vec![] });
    assert!(said(&hers(&log), &log).contains("the outside body signed that it did not open: text."));
    add(log, Status::Failed);
    let (mut log, request) = asked();
    log.put(&sign(Verb::UnsealDeclined, &ended(request, "live"), &[warden()])).unwrap();
    assert!(said(&hers(&log), &log).contains("declined: another request for this case is live, or was decided."));
    add(log, Status::Declined);
    let (mut log, request) = asked();
    log.put(&sign(Verb::UnsealWithdrawn, &no(request, 1), &[official(1)])).unwrap();
    assert_eq!(hers(&log).steps.last().unwrap().what, What::Withdrawn { by: 1, reason: code("no") });
    add(log, Status::Withdrawn);
    let (mut log, request) = asked();
    log.refuse(request, 2).unwrap();
    log.refuse(request, 3).unwrap();
    assert_eq!(hers(&log).steps.last().unwrap().what, What::Refused { by: 3, reason: code("no") });
    add(log, Status::Refused);
    let (mut log, _) = asked();
    log.now += COOLING + LIFE;
    add(log, Status::Expired);
    let (mut log, _) = asked();
    log.put(&sign(Verb::CouncilReshared, &council_body("council", 2, 2, &officials()), &founders())).unwrap();
    assert_eq!(hers(&log).steps.last().unwrap().what, What::Voided);
    add(log, Status::Void);

    // "Not opened" is said where nothing was released, and nowhere else.
    for (status, readable, words) in &all {
        let never = matches!(
            status,
            Status::Requested
                | Status::Approved
                | Status::Declined
                | Status::Withdrawn
                | Status::Refused
                | Status::Expired
                | Status::Void
        );
        assert_eq!(words.contains("Not opened"), never, "{words}");
        let can_be_read = *readable && matches!(status, Status::Released | Status::Lapsed);
        assert_eq!(words.contains("take it that your identity"), can_be_read, "{words}");
    }
}

/// The last step of hers, which is the release.
fn release_of(log: &Log) -> (What, String) {
    let what = hers(log).steps.last().unwrap().what.clone();
    let told = BOTH.map(|l| words::step(l, &what, None));
    assert_ne!(told[0], told[1]);
    (what, told[1].clone())
}

#[test]
fn a_release_is_told_with_who_stood_beside_and_whether_it_kept_to_the_rules() {
    let beside = |log: &mut Log, request, keys: &[_]| {
        let body = released(request, log.size(), &[1, 2]);
        log.put(&sign(Verb::UnsealReleased, &body, keys)).map(drop)
    };
    let told =
        |by_auditor, early, above_cap| What::Released { to: vec![1, 2], by_auditor, early, above_cap: Some(above_cap) };
    let both = [warden(), auditor(0)];
    // Early, with an auditor and without.
    let early = || {
        let (mut log, request) = approved_and_cooled();
        log.now -= 2 * HOUR;
        (log, request)
    };
    let (mut log, request) = early();
    beside(&mut log, request, &both).unwrap();
    let (what, said) = release_of(&log);
    assert_eq!(what, told(true, true, false));
    assert!(said.contains("An auditor signed beside it: the waiting time was shortened."), "{said}");
    let (mut log, request) = early();
    refused(beside(&mut log, request, &[warden()]), tabir_crypto::Code::CoolingOff);
    let (what, said) = release_of(&log);
    assert_eq!(what, told(false, true, false));
    assert!(said.contains("BEFORE the waiting time was over and without an auditor"), "{said}");
    // In time with an auditor, and above the day's cap with one and without.
    let (mut log, request) = approved_and_cooled();
    beside(&mut log, request, &both).unwrap();
    assert_eq!(release_of(&log).0, told(true, false, false));
    let full = || {
        let mut log = Log::new();
        let others: Vec<_> = ["a", "b", "c"].map(|name| log.ask(name)).into();
        let request = log.ask_with(&about_her("hers"));
        for r in others.iter().chain([&request]) {
            log.approve(*r, 1).unwrap();
            log.approve(*r, 2).unwrap();
        }
        log.now += COOLING;
        others.iter().for_each(|r| drop(log.release(*r).unwrap()));
        (log, request)
    };
    let (mut log, request) = full();
    beside(&mut log, request, &both).unwrap();
    assert_eq!(release_of(&log).0, told(true, false, true));
    let (mut log, request) = full();
    beside(&mut log, request, &[warden()]).unwrap();
    let (what, said) = release_of(&log);
    assert_eq!(what, told(false, false, true));
    assert!(said.contains("Above the day's limit and without an auditor"), "{said}");
}

#[test]
fn a_deferred_request_shows_when_its_nonce_is_out_and_says_that_it_was_put_off() {
    let mut log = Log::new();
    let until = T0 + 5 * DAY;
    let body = UnsealRequested {
        nonce: None,
        deferred_until: Some(Second(until)),
        deferral: Some(code("inquiry")),
        ..about_her("hers")
    };
    let request = log.ask_with(&body);
    for i in [1, 3] {
        let mut vote = approved(request, i);
        vote.deferred_until = body.deferred_until;
        log.put(&sign(Verb::UnsealApproved, &vote, &[official(i)])).unwrap();
    }
    log.now += COOLING;
    let size = log.size();
    log.put(&sign(Verb::UnsealReleased, &released(request, size, &[1, 3]), &[warden()])).unwrap();
    assert!(found(&log, &KEY).is_empty(), "nothing shows while it is put off");
    log.now = until;
    log.put(&sign(Verb::UnsealNotice, &notice(request), &[warden()])).unwrap();
    let o = hers(&log);
    let deferral = Deferral { until, code: code("inquiry"), signed_by: vec![1, 3] };
    assert_eq!((&o.deferral, &o.steps.last().unwrap().what), (&Some(deferral.clone()), &What::Notice));
    let codes = log.state.policy().map(|p| &p.codes);
    assert!(words::deferred(Language::En, &deferral, codes).ends_with(": text. Signed by officials 1 and 3."));
    assert!(words::deferred(Language::Id, &deferral, codes).ends_with(": teks. Ditandatangani pejabat 1 dan 3."));
}

#[test]
fn an_entry_that_breaks_the_rules_is_named_and_changes_nothing() {
    let (mut log, request) = asked();
    let opened = sign(Verb::UnsealOpened, &opened(request), &[official(1), official(2)]);
    log.put(&opened).unwrap_err();
    let o = hers(&log);
    assert_eq!((o.status, o.irregular.as_slice()), (Status::Requested, &[(4, Verb::UnsealOpened)][..]));
}

/// A log whose newest head is old may lack an opening: nothing is told as if it were whole.
#[test]
fn nothing_found_is_not_told_as_nobody_asked() {
    for l in BOTH {
        let none = words::looked(l, 0, 12, T0);
        assert!(none.contains("2027-01-15T08:00:00Z") && none.contains("12"), "{none}");
        assert_ne!(none, words::looked(l, 1, 12, T0));
    }
}

#[test]
fn the_language_is_that_of_the_environment() {
    for (locale, want) in [
        ("id_ID.UTF-8", Language::Id),
        ("id", Language::Id),
        ("ID-id", Language::Id),
        ("en_GB.UTF-8", Language::En),
        ("idx", Language::En),
        ("C", Language::En),
        ("", Language::En),
    ] {
        assert_eq!(Language::of_locale(locale), want, "{locale}");
    }
    for (seconds, en, id) in [
        (3, "3 seconds", "3 detik"),
        (60, "1 minute", "1 menit"),
        (72 * HOUR, "72 hours", "72 jam"),
        (90 * DAY, "90 days", "90 hari"),
        (90 * DAY + 1, "7776001 seconds", "7776001 detik"),
    ] {
        assert_eq!((Language::En.span(seconds).as_str(), Language::Id.span(seconds).as_str()), (en, id));
    }
}
