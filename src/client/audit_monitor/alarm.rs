//! What a monitor tells an auditor, each once.

use serde::Serialize;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::trust::audit::Check;
use tabir_crypto::trust::root::LogName;

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "alarm", rename_all = "kebab-case")]
pub enum Alarm {
    /// The log shows a history that does not extend the copy's: both checkpoints are in the copy's folder `evidence`.
    Fork {
        /// Which log.
        log: LogName,
        /// Entries of the copy, which the other history contradicts.
        size: u64,
    },
    /// What the log answers can't be believed: a signature, a quorum or a tile is not right.
    Refused {
        /// Which log.
        log: LogName,
        /// The failed check.
        code: &'static str,
    },
    /// No quorum of witnesses has cosigned for too long: the log stands still, or is shown as it was.
    Stale {
        /// Which log.
        log: LogName,
        /// The last time that a quorum saw it.
        witnessed: Hour,
    },
    /// A check of the audit about an opening fails: without its request, its approvals, its cooling-off, its notice.
    UnapprovedOpening(Failure),
    /// Any other check of the audit fails.
    FailedCheck(Failure),
    /// A new entry: an identity was released to officials.
    Released(News),
    /// A new entry about a key.
    Key(News),
    /// A new entry about a council.
    Council(News),
    /// A new version of the trust root: compare it, then give it to this monitor.
    TrustRoot(News),
}

/// A failed check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // as in [`Check`]
pub struct Failure {
    pub check: &'static str,
    pub code: Option<&'static str>,
    pub log: Option<LogName>,
    pub entry: Option<u64>,
    pub window: Option<u64>,
}

/// An entry of the governance log that an auditor should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct News {
    pub entry: u64,
    /// When witnesses first saw it.
    pub witnessed: Hour,
    pub verb: &'static str,
    /// Every check passes at this entry.
    pub sound: bool,
}

impl Alarm {
    /// A failed check as an alarm.
    #[must_use]
    pub fn of_check(c: &Check) -> Self {
        let failure = Failure { check: c.name, code: c.code, log: c.log, entry: c.entry, window: c.window };
        if c.name.starts_with("unseal.") { Self::UnapprovedOpening(failure) } else { Self::FailedCheck(failure) }
    }

    /// A new entry as an alarm; `None` for verbs that nobody is woken for.
    #[must_use]
    pub const fn of_entry(verb: Verb, news: News) -> Option<Self> {
        Some(match verb {
            Verb::UnsealReleased => Self::Released(news),
            Verb::KeyAnnounced | Verb::KeyRetired => Self::Key(news),
            Verb::CouncilFormed | Verb::CouncilRefreshed | Verb::CouncilReshared | Verb::CouncilRetired => {
                Self::Council(news)
            }
            Verb::TrustRoot => Self::TrustRoot(news),
            _ => return None,
        })
    }

    /// Its kind, as it stands in JSON and in the metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fork { .. } => "fork",
            Self::Refused { .. } => "refused",
            Self::Stale { .. } => "stale",
            Self::UnapprovedOpening(_) => "unapproved-opening",
            Self::FailedCheck(_) => "failed-check",
            Self::Released(_) => "released",
            Self::Key(_) => "key",
            Self::Council(_) => "council",
            Self::TrustRoot(_) => "trust-root",
        }
    }

    /// By what it is known again. How many reports a window lacks may change while the alarm is the same.
    #[must_use]
    pub fn id(&self) -> String {
        let kind = self.kind();
        match self {
            Self::Fork { log, size } => format!("{kind} {} {size}", log.as_str()),
            Self::Refused { log, code } => format!("{kind} {} {code}", log.as_str()),
            Self::Stale { log, .. } => format!("{kind} {}", log.as_str()),
            Self::UnapprovedOpening(f) | Self::FailedCheck(f) => {
                let (log, code) = (f.log.map_or("", LogName::as_str), f.code.unwrap_or_default());
                let number = |n: Option<u64>| n.map_or_else(|| "-".into(), |n| n.to_string());
                format!("{kind} {} {code} {log} {} {}", f.check, number(f.entry), number(f.window))
            }
            Self::Released(n) | Self::Key(n) | Self::Council(n) | Self::TrustRoot(n) => format!("{kind} {}", n.entry),
        }
    }

    /// Whether it tells of an entry that came, and not of something that is wrong for as long as it lasts.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        matches!(self, Self::Released(_) | Self::Key(_) | Self::Council(_) | Self::TrustRoot(_))
    }
}

/// Every kind, for the metrics.
pub const KINDS: [&str; 9] =
    ["fork", "refused", "stale", "unapproved-opening", "failed-check", "released", "key", "council", "trust-root"];
