//! What the intake log is told of each window: forwarded, refused, still pending.
//!
//! ```text
//! close ----------------- D(0) ------------- D(1) ------------- D(2)
//!                  round 0 ^          round 1 ^          round 2 ^      each a little before its D
//! ```
//! At every D all reports of the window that have not had their last word get one. A report that came after the window
//! was spoken of is said at once, in the next round.

use tabir_crypto::B32;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::ReportFate;
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};

use super::store::cases::Fate;
use super::store::windows::Open;
use super::{Forwarder, RoundError};

/// nf of one part: 67 bytes each in JSON, a third more in base64, below a leaf's 65,535.
const PART: usize = 700;
/// How long before a D its round is spoken of at the latest: an hour, so that it is witnessed by then; short periods
/// (a demo's) take a quarter.
const AHEAD_S: u64 = 3_600;

impl Forwarder {
    /// Speaks of every window for which it is time. Returns how many statements are in line.
    pub async fn log_windows(&self) -> Result<usize, RoundError> {
        let now = self.clock.now();
        let mut logged = 0;
        for window in self.store.open_windows().await? {
            let Some(round) = round_to_speak_of(&window, now) else { continue };
            let said: Vec<(B32, Fate)> = window.reports.iter().map(|r| (r.nf, r.fate)).collect();
            let statements = statements(&window, round, &self.identity, now)?;
            logged += statements.len();
            self.store.log_round(window.w, round, said, statements).await?;
        }
        Ok(logged)
    }
}

/// The round that is due, if one is. After an outage it is the round of the last D, not the first one missed: the log
/// asks for what is pending *now*.
fn round_to_speak_of(window: &Open, now: u64) -> Option<u64> {
    let period = window.period.max(1);
    let ahead = AHEAD_S.min(period / 4);
    let due = (now + ahead).checked_sub(window.deadline).map(|since| since / period);
    match due {
        Some(due) if due >= window.round => Some(due),
        _ if window.round > 0 && window.reports.iter().any(|r| !r.named) => Some(window.round),
        _ => None,
    }
}

fn statements(window: &Open, round: u64, key: &SigningKey, now: u64) -> tabir_crypto::Result<Vec<Statement>> {
    let kinds = [
        (Verb::ReportForwarded, Fate::Sent),
        (Verb::ReportRefused, Fate::Refused),
        (Verb::ReportPending, Fate::Queued),
    ];
    let mut all = Vec::new();
    for (verb, fate) in kinds {
        // The store gives them sorted by nf: in no other order than the log's.
        let nf: Vec<_> = window.reports.iter().filter(|r| r.fate == fate).map(|r| Hex(r.nf)).collect();
        let parts = nf.chunks(PART).len() as u64;
        for (chunk, part) in nf.chunks(PART).zip(1..) {
            let body = ReportFate { v: V1, at: Hour::of(now), w: window.w, round, part, parts, nf: chunk.to_vec() };
            all.push(Statement::signed(verb, &body, key)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use tabir_crypto::SecretBytes;
    use tabir_crypto::statement::{Body, MAX_STATEMENT};

    use super::super::store::windows::OpenReport;
    use super::*;

    fn window(round: u64, named: bool) -> Open {
        let report = OpenReport { nf: [1; 32], fate: Fate::Queued, named };
        Open { w: 3, deadline: 1_000, period: 100, round, reports: vec![report] }
    }

    #[test]
    fn a_round_is_spoken_of_before_its_deadline_and_again_at_each_further_one() {
        assert_eq!(round_to_speak_of(&window(0, false), 974), None);
        assert_eq!(round_to_speak_of(&window(0, false), 975), Some(0));
        assert_eq!(round_to_speak_of(&window(1, true), 1_000), None);
        assert_eq!(round_to_speak_of(&window(1, true), 1_075), Some(1));
        assert_eq!(round_to_speak_of(&window(0, false), 1_580), Some(6), "after an outage");
        assert_eq!(round_to_speak_of(&window(1, false), 1_001), Some(1), "came late");
    }

    #[test]
    fn a_long_list_is_cut_into_parts_that_fit_a_leaf() {
        let reports = (0..1_500_u32).map(|n| {
            let mut nf = [0; 32];
            nf[..4].copy_from_slice(&n.to_be_bytes());
            OpenReport { nf, fate: if n < 1_401 { Fate::Sent } else { Fate::Refused }, named: false }
        });
        let window = Open { reports: reports.collect(), ..window(0, false) };
        let key = SigningKey::from_seed(&SecretBytes::new([1; 32]));
        let made = statements(&window, 0, &key, 5_000).unwrap();
        assert_eq!(made.len(), 4);
        assert!(made.iter().all(|s| s.to_bytes().len() <= MAX_STATEMENT));
        let fate = |s: &Statement| match s.body().unwrap() {
            Body::ReportFate(body) => (s.verb(), body.part, body.parts, body.nf.len()),
            _ => unreachable!("only fates"),
        };
        let forwarded = Verb::ReportForwarded;
        assert_eq!(
            made.iter().map(fate).collect::<Vec<_>>(),
            [(forwarded, 1, 3, 700), (forwarded, 2, 3, 700), (forwarded, 3, 3, 1), (Verb::ReportRefused, 1, 1, 99),]
        );
    }
}
