//! A clean installation of some weeks: keys, policy, council, a request in each of its outcomes, windows of several
//! rounds with erasures and pending reports. Nothing in it is a lie.

use std::sync::{LazyLock, OnceLock};

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::LogName;

use crate::forge::{Forge, INTAKE};
use crate::world::*;

/// Windows of the clean log that are closed: a day each, the last ones not yet due.
pub const WINDOWS: u64 = 40;
/// When the clean log ends.
pub const END: u64 = T0 + WINDOWS * DAY + HOUR;

impl Forge {
    /// A request by official 1, its hash.
    pub fn ask(&mut self, name: &str) -> Hex<32> {
        self.ask_with(&requested(name))
    }

    pub fn ask_with(&mut self, body: &UnsealRequested) -> Hex<32> {
        let statement = self.sign(Verb::UnsealRequested, body, &[official(body.requester)]);
        self.put(&statement);
        Hex(statement.entry_hash())
    }

    pub fn approve(&mut self, request: Hex<32>, i: u16) -> u64 {
        self.say(Verb::UnsealApproved, &approved(request, i), &[official(i)])
    }

    pub fn refuse(&mut self, request: Hex<32>, i: u16) -> u64 {
        self.say(Verb::UnsealRefused, &no(request, i), &[official(i)])
    }

    /// A request that officials 1 and 2 approved, whose cooling-off is over.
    pub fn ready(&mut self, name: &str) -> Hex<32> {
        let request = self.ask(name);
        self.approve(request, 1);
        self.approve(request, 2);
        self.now += COOLING;
        request
    }

    /// What the warden would say of this request now.
    pub fn release_body(&self, request: Hex<32>) -> UnsealReleased {
        let (size, checkpoint_hash) = self.last_kept();
        UnsealReleased { checkpoint_hash, ..released(request, size, &[1, 2]) }
    }

    pub fn release(&mut self, request: Hex<32>) -> u64 {
        self.say(Verb::UnsealReleased, &self.release_body(request), &[warden()])
    }

    pub fn partial(&mut self, request: Hex<32>, i: u16) -> u64 {
        self.say(Verb::UnsealPartial, &partial(request, i, &[1, 2]), &[official(i)])
    }

    pub fn open(&mut self, request: Hex<32>) -> u64 {
        self.say(Verb::UnsealOpened, &opened(request), &[official(1), official(2)])
    }

    /// From release to opening.
    pub fn release_and_open(&mut self, request: Hex<32>) {
        self.release(request);
        self.partial(request, 1);
        self.partial(request, 2);
        self.open(request);
    }

    /// What the governance log must have before anything else counts.
    pub fn found(&mut self) {
        self.say(Verb::PolicySet, &policy(1), &[role(Role::Gateway), auditor(0)]);
        self.say(Verb::CouncilFormed, &council(), &founders());
        self.say(Verb::KeyAnnounced, &key_announced(KeyKind::Warden, 1), &[warden(), auditor(0), auditor(1)]);
        self.say(Verb::KeyAnnounced, &key_announced(KeyKind::Intake, 1), &[role(Role::Forwarder)]);
        self.say(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 1), &[role(Role::Issuer)]);
        self.say(Verb::KeyAnnounced, &key_announced(KeyKind::Token, 2), &[role(Role::Issuer), auditor(0)]);
    }

    /// A request in each of its outcomes, three at most released on one day.
    fn requests(&mut self) {
        let opened = self.ready("opened");
        self.release_and_open(opened);

        let failed = self.ready("failed after its release");
        self.release(failed);
        self.partial(failed, 1);
        self.partial(failed, 2);
        self.say(Verb::UnsealFailed, &ended(failed, "aead"), &[official(1), official(2)]);

        let failed = self.ready("failed before");
        self.say(Verb::UnsealFailed, &ended(failed, "case-sig"), &[warden()]);

        let refused = self.ask("refused");
        self.approve(refused, 1);
        self.refuse(refused, 2);
        self.refuse(refused, 3);

        let withdrawn = self.ask("withdrawn");
        self.say(Verb::UnsealWithdrawn, &no(withdrawn, 1), &[official(1)]);

        let declined = self.ask("declined");
        self.say(Verb::UnsealDeclined, &ended(declined, "recusal"), &[warden()]);

        let urgent = self.ask("released early, an auditor beside the warden");
        self.approve(urgent, 1);
        self.approve(urgent, 2);
        self.say(Verb::UnsealReleased, &self.release_body(urgent), &[warden(), auditor(1)]);
        self.partial(urgent, 1);
        self.partial(urgent, 2);
        self.open(urgent);

        let mut body = requested("its notice deferred");
        let until = self.now + 5 * DAY;
        (body.nonce, body.deferred_until, body.deferral) = (None, Some(Second(until)), Some(code("inquiry")));
        let deferred = self.ask_with(&body);
        for i in [1, 2] {
            let body = UnsealApproved { deferred_until: Some(Second(until)), ..approved(deferred, i) };
            self.say(Verb::UnsealApproved, &body, &[official(i)]);
        }
        self.now += COOLING;
        self.release_and_open(deferred);
        self.now = until;
        self.say(Verb::UnsealNotice, &notice(deferred), &[warden()]);

        self.ask("expired");
        let lapsed = self.ready("lapsed");
        self.release(lapsed);
        let void = self.ask("void");
        self.approve(void, 1);
    }

    /// The same people get new shares; a key is retired, the policy changes, a page is built.
    fn later(&mut self) {
        let (size, hash) = self.last_kept();
        self.say(Verb::CouncilChecked, &checked_by(1, size, hash), &[official(1)]);
        let again = council_body("council", 2, 2, &officials());
        self.say(Verb::CouncilRefreshed, &again, &founders());
        let body = KeyRetired {
            v: V1,
            at: Hour::of(self.now),
            key_id: Hex(key_announced(KeyKind::Token, 1).key_id()),
            reason: code("rotated"),
        };
        self.say(Verb::KeyRetired, &body, &[role(Role::Issuer)]);
        self.say(Verb::PolicySet, &policy(2), &[role(Role::Gateway), auditor(1)]);
    }
}

/// One window's statements: what is logged at its close, and at its D and further D.
#[derive(Clone, Debug)]
pub struct Window {
    pub accepted: Vec<ReportAccepted>,
    pub said: Vec<(u64, Verb, ReportFate)>,
    pub erased: Vec<ReportErased>,
    /// How long before its end it is closed: never, in a clean log.
    pub early: u64,
}

/// Reports of a window by what becomes of them: none in every fourth, else one to three of each kind.
pub fn window(w: u64) -> Window {
    let of = |kind: &str| (0..w % 4).map(|i| format!("{kind} {w}.{i}")).collect::<Vec<_>>();
    let (forwarded, refused, pending, gone) = (of("forwarded"), of("refused"), of("pending"), of("erased"));
    let all = [&forwarded[..], &refused, &pending, &gone].concat();
    let said = [
        (0, Verb::ReportForwarded, &forwarded),
        (0, Verb::ReportRefused, &refused),
        (0, Verb::ReportPending, &pending),
        (1, Verb::ReportForwarded, &pending),
    ];
    let said = said.into_iter().filter(|(_, _, names)| !names.is_empty());
    let said = said.map(|(round, verb, names)| (round, verb, fate(w, round, &borrowed(names)))).collect();
    let erased = if gone.is_empty() { Vec::new() } else { vec![erased(w, 0, &borrowed(&gone))] };
    Window { accepted: parts(&accepted(w, 1, 1, &borrowed(&all))), said, erased, early: 0 }
}

/// Windows with many reports come in two parts.
fn parts(whole: &ReportAccepted) -> Vec<ReportAccepted> {
    let count = whole.pairs.len();
    if count < 8 {
        return vec![whole.clone()];
    }
    let (first, second) = whole.pairs.split_at(count / 2);
    let part = |part, pairs: &[_]| ReportAccepted { part, parts: 2, pairs: pairs.to_vec(), ..whole.clone() };
    vec![part(1, first), part(2, second)]
}

pub fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// What the log is told on a day, from 1 on: at the close of the window of that number, and at each D that falls on it.
/// `of` gives a window by its number.
pub fn day(day: u64, of: impl Fn(u64) -> Option<Window>) -> Vec<Statement> {
    static KEYS: LazyLock<[SigningKey; 2]> = LazyLock::new(|| [Role::Gateway, Role::Forwarder].map(role));
    let [gateway, forwarder] = KEYS.each_ref().map(std::slice::from_ref);
    let at = |back: u64| day.checked_sub(back).filter(|w| *w > 0).and_then(&of);
    let mut due = Vec::new();
    due.extend(at(0).iter().flat_map(|w| &w.accepted).map(|b| sign(Verb::ReportAccepted, b, gateway)));
    due.extend(at(1).iter().flat_map(|w| &w.erased).map(|b| sign(Verb::ReportErased, b, gateway)));
    // D of a window is three days after its close, and so is each further one.
    for (round, window) in [(0, at(3)), (1, at(6)), (2, at(9))] {
        let of_round = window.iter().flat_map(|w| &w.said).filter(|(r, ..)| *r == round);
        due.extend(of_round.map(|(_, verb, body)| sign(*verb, body, forwarder)));
    }
    due
}

impl Forge {
    /// All windows, each statement at its time; `change` may make a liar of gateway or forwarder.
    pub fn windows(&mut self, count: u64, change: impl Fn(u64, &mut Window)) {
        let all: Vec<Window> = (1..=count)
            .map(|w| {
                let mut window = window(w);
                change(w, &mut window);
                window
            })
            .collect();
        let of = |w: u64| all.get(usize::try_from(w - 1).unwrap());
        for number in 1..=count {
            let due = day(number, |w| of(w).cloned());
            self.now = T0 + number * DAY - of(number).map_or(0, |w| w.early);
            for statement in &due {
                self.append(statement);
            }
            if !due.is_empty() {
                self.keep(INTAKE);
            }
        }
    }

    /// The witnesses renew the newest checkpoints of both logs.
    pub fn renew(&mut self, at: u64) {
        self.now = at;
        LogName::ALL.into_iter().for_each(|log| self.keep(log));
    }

    /// A clean governance log, and windows that `change` may spoil.
    pub fn with_windows(change: impl Fn(u64, &mut Window)) -> Self {
        let mut forge = Self { intake: Self::new().intake, ..clean() };
        forge.windows(WINDOWS, change);
        forge.now = END;
        forge.keep(INTAKE);
        forge
    }
}

/// Keys, openings in each of their outcomes, windows; the council is still the first one.
pub fn town() -> Forge {
    static TOWN: OnceLock<Forge> = OnceLock::new();
    let made = TOWN.get_or_init(|| {
        let mut forge = Forge::new();
        forge.found();
        forge.now += 8 * DAY;
        forge.requests();
        let governance = forge.now + DAY;
        assert!(governance < END, "the windows end last");
        forge.windows(WINDOWS, |_, _| {});
        forge.now = END;
        forge.keep(INTAKE);
        forge.now = governance;
        forge
    });
    made.clone()
}

/// The clean installation.
pub fn clean() -> Forge {
    let mut forge = town();
    forge.later();
    forge.renew(END);
    forge
}
