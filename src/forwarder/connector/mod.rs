//! The downstream system, of whatever kind: one variant a protocol, all with the same duties.
//!
//! | duty | what a variant must do | what it answers |
//! | --- | --- | --- |
//! | `prepare_report`, `prepare_write` | make the exact request without sending it; may read the server's lists. A dry run ends here | a [`Call`], or why it can't go out yet |
//! | `send` | send that request once, follow no redirect, read no more than a bounded answer | [`Taken`]: the id, a token to poll, or taken without either |
//! | `poll_token` | ask what became of a token | the id, once there is one |
//! | `find_report`, `find_write` | after an unknown outcome look for the marker ([`mapping::report_marker`]) | [`Found`]; `Unsearchable` where the server has no way to look: the caller sends again and says so in the text |
//! | `updates` | everything that was said of our requests in a time span; the caller overlaps spans and takes each id once | [`Update`]s |
//! | `expected` | when planned work is due, if the server says it | a time |
//! | `meaning` | what a status of the server means | `None` for an unknown word: it is held |
//! | `confidential` | whether a category must not be readable by everybody there | the [`Target`] that `tabir connector check` must have tried |
//!
//! What comes back tells the sender what is certain: [`DownError::is_undone`] means that the server has *not* done it.
//! Everything else leaves the outcome unknown, and the next attempt begins with a look-up. No variant keeps state: what
//! must outlive a crash stands in the forwarder's store.
//!
//! An answer is somebody else's words. No address in it is ever called, and what stands in a path of ours is encoded.

pub mod georeport;

use tabir_crypto::content::Content;

use super::check::Written;
use super::mapping::EnvelopeReference;
use super::store::Held;
use super::webhook::Webhook;
use crate::http::Answer;
use crate::open311::Meaning;
use georeport::GeoReport;

/// The longest pause that a downstream can ask for: whatever it says, it is asked again tomorrow.
const LONGEST_PAUSE_S: u64 = 86_400;

/// How long an answer asks to be left alone, in seconds.
pub(super) fn pause(answer: &Answer, now: u64) -> Option<u64> {
    answer.retry_after(now).map(|seconds| seconds.min(LONGEST_PAUSE_S))
}

/// Why the downstream did not do it, or why nobody knows whether it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DownError {
    /// No answer, a cut one, or a 5xx: it may have done it.
    #[error("the outcome is unknown")]
    Unknown,
    /// It said no: it did not do it.
    #[error("the downstream refused with {0}")]
    Refused(u16),
    /// Not now (429, or 503 to a question), perhaps with a time to wait, in seconds: it did not do it.
    #[error("the downstream asks to wait")]
    Busy(Option<u64>),
    /// An answer that is not its protocol: it may have done it. The code says what is wrong with the answer.
    #[error("the downstream's answer can't be used ({0})")]
    Malformed(&'static str),
    /// It lists so much that a request can't be told from being absent.
    #[error("the downstream's lists are too long to search")]
    TooMany,
}

impl DownError {
    /// Whether it is certain that nothing was done.
    #[must_use]
    pub const fn is_undone(self) -> bool {
        matches!(self, Self::Refused(_) | Self::Busy(_))
    }
}

/// A report on its way out.
pub struct Outgoing<'r> {
    /// What was sealed to us.
    pub content: &'r Content,
    /// `XXXX-XXXX-XXXX`.
    pub reference: &'r str,
    /// The sealed identity as it travels.
    pub envelope: EnvelopeReference<'r>,
    /// Start of the day of arrival, Unix seconds: the only date that goes out.
    pub day: u64,
    /// An earlier attempt may have arrived, and nobody can look: the text says so.
    pub repeated: bool,
}

/// A later write on its way out.
pub struct OutgoingWrite<'w> {
    /// What the reporter says.
    pub written: &'w Written,
    /// The report's category.
    pub category: &'w str,
    /// `XXXX-XXXX-XXXX`.
    pub reference: &'w str,
    /// Number of the write.
    pub counter: u64,
    /// The downstream's id of the report.
    pub request_id: &'w str,
    /// The downstream's last word for its status.
    pub raw_status: &'w str,
    /// Start of the day, Unix seconds.
    pub day: u64,
    /// As in [`Outgoing`].
    pub repeated: bool,
}

/// A request as it leaves, but for the credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The whole address.
    pub url: String,
    /// Media type of the body.
    pub media_type: &'static str,
    /// The body. It holds what a reporter wrote: it is never logged.
    pub body: String,
    /// Where it goes inside the downstream, such as a service: a later look-up must search there, whatever a mapping says
    /// by then.
    pub place: String,
    /// Under which the downstream takes it once, where the protocol has such a thing.
    pub id: Option<String>,
}

/// What the downstream did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has it under this id.
    Id(String),
    /// The same, and what it says with a key of its own: that it has the report.
    Countersigned {
        /// The id.
        id: String,
        /// Perhaps a countersignature: nobody has looked at it.
        note: String,
    },
    /// It takes it, and says under which id when the token is polled.
    Token(String),
    /// It has it and gives no id. Only a later write may end so.
    Nameless,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There, under this id, since this time if it says one.
    Here(String, Option<u64>),
    /// Certainly not there.
    Absent,
    /// Nobody can look.
    Unsearchable,
}

/// What to look for.
pub struct Wanted<'w> {
    /// The report's reference.
    pub reference: &'w str,
    /// [`Call::place`] of the attempt.
    pub place: &'w str,
    /// Both inclusive, Unix seconds.
    pub span: (u64, u64),
}

/// Why a request can't go out.
#[derive(Debug, PartialEq, Eq)]
pub enum Unready {
    /// A person must mend something.
    Held(Held),
    /// The server could not be asked.
    Down(DownError),
}

impl From<DownError> for Unready {
    fn from(error: DownError) -> Self {
        Self::Down(error)
    }
}

/// An update as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The server's id, or one made of what it says.
    pub id: String,
    /// Of the request.
    pub request_id: String,
    /// In the server's words.
    pub status: String,
    /// Unix seconds, by the server's clock.
    pub at: u64,
    /// The officer's words.
    pub description: String,
    /// When planned work is due, Unix seconds, where it stands in the update itself.
    pub expected: Option<u64>,
}

/// Which place of which downstream a result of `tabir connector check` is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Address and jurisdiction.
    pub server: String,
    /// The service.
    pub place: String,
}

/// The downstream.
pub enum Connector {
    /// Open311 GeoReport v2.
    GeoReport(GeoReport),
    /// Signed webhooks.
    Webhook(Webhook),
}

impl Connector {
    /// Makes the request of a report.
    pub async fn prepare_report(&self, report: &Outgoing<'_>) -> Result<Call, Unready> {
        match self {
            Self::GeoReport(g) => g.prepare_report(report).await,
            Self::Webhook(w) => w.prepare_report(report),
        }
    }

    /// Makes the request of a later write.
    pub fn prepare_write(&self, write: &OutgoingWrite<'_>) -> Result<Call, Unready> {
        match self {
            Self::GeoReport(g) => g.prepare_write(write),
            Self::Webhook(w) => Ok(w.prepare_write(write)),
        }
    }

    /// Sends what was prepared.
    pub async fn send(&self, call: &Call) -> Result<Taken, DownError> {
        match self {
            Self::GeoReport(g) => g.send(call).await,
            Self::Webhook(w) => w.send(call).await,
        }
    }

    /// Asks for the id behind a token; `None` while there is none.
    pub async fn poll_token(&self, token: &str) -> Result<Option<String>, DownError> {
        match self {
            Self::GeoReport(g) => g.poll_token(token).await,
            Self::Webhook(_) => Ok(None),
        }
    }

    /// Looks for a report.
    pub async fn find_report(&self, wanted: &Wanted<'_>) -> Result<Found, DownError> {
        match self {
            Self::GeoReport(g) => g.find_report(wanted).await,
            Self::Webhook(_) => Ok(Found::Unsearchable),
        }
    }

    /// Looks for a later write of a request.
    pub async fn find_write(&self, wanted: &Wanted<'_>, request_id: &str, counter: u64) -> Result<Found, DownError> {
        match self {
            Self::GeoReport(g) => g.find_write(wanted, request_id, counter).await,
            Self::Webhook(_) => Ok(Found::Unsearchable),
        }
    }

    /// Whether news must be asked for by the ids of requests.
    #[must_use]
    pub const fn asks_by_id(&self) -> bool {
        match self {
            Self::GeoReport(g) => g.asks_by_id(),
            Self::Webhook(_) => false,
        }
    }

    /// Updates of a time span, or the news of these requests where [`Self::asks_by_id`].
    pub async fn updates(&self, span: (u64, u64), ids: &[String]) -> Result<Vec<Update>, DownError> {
        match self {
            Self::GeoReport(g) => g.updates(span, ids).await,
            Self::Webhook(w) => w.updates(span).await,
        }
    }

    /// When a request is expected to be done.
    pub async fn expected(&self, request_id: &str) -> Result<Option<u64>, DownError> {
        match self {
            Self::GeoReport(g) => g.expected(request_id).await,
            // It stands in the update.
            Self::Webhook(_) => Ok(None),
        }
    }

    /// What a status means.
    #[must_use]
    pub fn meaning(&self, status: &str) -> Option<Meaning> {
        match self {
            Self::GeoReport(g) => g.meaning(status),
            Self::Webhook(w) => w.meaning(status),
        }
    }

    /// What a new request's status is called.
    #[must_use]
    pub fn first_status(&self) -> &str {
        match self {
            Self::GeoReport(g) => g.first_status(),
            Self::Webhook(_) => "",
        }
    }

    /// Where a confidential category goes; `None` for others.
    #[must_use]
    pub fn confidential(&self, category: &str) -> Option<Target> {
        match self {
            Self::GeoReport(g) => g.confidential(category),
            // Nobody lists what was posted.
            Self::Webhook(_) => None,
        }
    }

    /// Whether the server is what it is taken for, as far as it says.
    pub async fn discover(&self) -> Result<bool, DownError> {
        match self {
            Self::GeoReport(g) => g.discover().await,
            Self::Webhook(_) => Ok(true),
        }
    }
}
