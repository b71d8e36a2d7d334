//! What the form does with a report, with a receipt, and with what comes after it.

use tabir_crypto::content::{DisputeCode, Stars, Via};
use tabir_crypto::facade::Repeat;
use tabir_crypto::receipt::{Receipt, reference};

use super::fields::{Asked, Report, What, joined};
use super::queue::Queue;
use super::record::{Looked, Record};
use super::trouble::{MAX_MESSAGE, MAX_PLACE, MAX_TEXT, Trouble, beyond};
use super::words::{Language, tag};
use crate::client::case::{self, Case, Write};
use crate::client::plain::Plain;
use crate::client::{ClientError, Session};
use crate::config::form::Form as Config;
use crate::sealing::{Host, Pay, Refusal};

/// How long a page that was answered may be sent again, in seconds: a double click, a reload. After that a receipt is shown
/// to nobody any more.
const REPEAT_S: u64 = 600;
/// Codes of a dispute, in the order in which they are shown.
pub const DISPUTES: [DisputeCode; 4] =
    [DisputeCode::NotDone, DisputeCode::WrongPlace, DisputeCode::FalseProof, DisputeCode::Other];

/// The form.
pub struct Form {
    pub host: Host,
    pub config: Config,
    pub queue: Queue,
    record: Record,
}

/// A report that was accepted.
pub struct Sent {
    pub receipt: Receipt,
    pub reference: String,
}

/// A case with what the public record says about its identity; nothing where that could not be read.
pub struct Found {
    pub case: Case,
    pub looked: Option<Looked>,
}

impl Form {
    pub fn new(host: Host, config: Config) -> Self {
        Self { host, config, queue: Queue::default(), record: Record::default() }
    }

    /// Whether everything here is an example.
    pub fn demo(&self) -> bool {
        self.host.setup().trust.root().demo
    }

    /// A voucher if there is one, else a token that is ready.
    fn pay(voucher: &str) -> Pay {
        let code: String = voucher.chars().filter(|c| !c.is_whitespace()).collect();
        if code.is_empty() { Pay::Ready } else { Pay::Voucher(code) }
    }

    /// Takes a report. The same page sent again is the same report, whatever pays for it. Errors: as [`Host::report`].
    pub async fn report(&self, l: Language, r: &Report) -> Result<Sent, Refusal> {
        let typed = joined(&["report", &r.category, &r.text, &r.place]);
        let repeat = Repeat::of(r.once.as_bytes(), typed.expose());
        let plain = Plain {
            category: r.category.clone(),
            text: r.text.clone(),
            language: tag(l).into(),
            place: r.place.clone(),
            ..Plain::default()
        };
        let receipt = self.host.report(&plain, Via::Form, &repeat, &Self::pay(&r.voucher), REPEAT_S).await?;
        Ok(Sent { reference: reference(&receipt.keys().case_id()), receipt })
    }

    /// What is wrong with a report before anything is done with it.
    pub fn check(&self, l: Language, r: &Report) -> Vec<Trouble> {
        let known = self.host.session().services.categories.iter().any(|c| c.code.as_str() == r.category);
        let wrong = [
            (!known).then(|| Trouble::of(l, "trouble.category", "category")),
            r.text.is_empty().then(|| Trouble::of(l, "trouble.empty", "text")),
            beyond(&r.text, MAX_TEXT).map(|n| Trouble::long(l, n, "text")),
            beyond(&r.place, MAX_PLACE).map(|n| Trouble::long(l, n, "place")),
        ];
        wrong.into_iter().flatten().collect()
    }

    /// Reads a case, and what the record says about it. Errors: `Gateway` (`no-case`, `erased`), `Unavailable`.
    pub async fn read(&self, receipt: &Receipt) -> Result<Found, Refusal> {
        let case = case::read(&self.host.session(), receipt).await.map_err(Refusal::of_case)?;
        let looked = self.record.look(self.host.setup(), receipt.keys().notice_key.expose()).await;
        let looked = looked.inspect_err(|error| tracing::warn!(%error, "the governance log")).ok();
        Ok(Found { case, looked })
    }

    /// What is wrong with a later write before anything is done with it.
    pub fn check_asked(l: Language, asked: &Asked) -> Vec<Trouble> {
        let text = || asked.text.is_empty().then(|| Trouble::of(l, "trouble.empty", "text"));
        let long = beyond(&asked.text, MAX_MESSAGE).map(|n| Trouble::long(l, n, "text"));
        let wrong = match asked.what {
            What::Answer | What::Message => [text(), long],
            What::Rating => [stars(asked).is_none().then(|| Trouble::of(l, "trouble.stars", "choice")), None],
            What::Dispute => {
                [dispute(asked).is_none().then(|| Trouble::of(l, "trouble.reason", "choice")).or_else(text), long]
            }
            What::Erase => [(!asked.sure).then(|| Trouble::of(l, "trouble.sure", "sure")), None],
        };
        wrong.into_iter().flatten().collect()
    }

    /// Writes to a case. The same page sent again writes once. Errors: as [`Host::write`].
    pub async fn write(&self, receipt: &Receipt, asked: &Asked) -> Result<(), Refusal> {
        let code = receipt.text();
        let typed = joined(&[asked.what.as_str(), code.expose(), &asked.text, &asked.choice]);
        let repeat = Repeat::of(asked.once.as_bytes(), typed.expose());
        let make = |session: &Session, found: &Case| made(session, receipt, found, asked);
        self.host.write(receipt, &repeat, &Self::pay(&asked.voucher), REPEAT_S, make).await
    }
}

fn stars(asked: &Asked) -> Option<Stars> {
    Stars::new(asked.choice.parse().ok()?).ok()
}

fn dispute(asked: &Asked) -> Option<DisputeCode> {
    DISPUTES.into_iter().find(|code| code.as_str() == asked.choice)
}

/// The write, and whether it costs a token.
fn made(session: &Session, receipt: &Receipt, found: &Case, asked: &Asked) -> Result<(Write, bool), Refusal> {
    // What was seen in the page is not there any more.
    let changed = || Refusal::Gateway("counter".into());
    let text = asked.text.as_str();
    let write = match asked.what {
        What::Answer => {
            let open = found.open_question().map(|m| m.seq);
            let question = open.filter(|seq| seq.to_string() == asked.choice).ok_or_else(changed)?;
            case::message(session, receipt, found, text, Some(question))
        }
        // While a question is open the gateway would take a message as its answer.
        What::Message if found.open_question().is_some() => return Err(changed()),
        What::Message => case::message(session, receipt, found, text, None),
        What::Rating => case::rating(session, receipt, found, stars(asked).ok_or_else(changed)?),
        What::Dispute => case::dispute(session, receipt, found, dispute(asked).ok_or_else(changed)?, text),
        What::Erase => case::erase(session, receipt, found),
    };
    Ok((write.map_err(|error: ClientError| Refusal::from(error))?, asked.what == What::Message))
}
