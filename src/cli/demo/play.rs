//! The citizens: each fetches a token, seals a ticket and sends it, over HTTP as anybody would.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_core::Rng as _;
use tabir_crypto::content::{Contact, ContactKind, IdentityRecord};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::Acceptance;
use tabir_crypto::statement::value::{CodeText, V1};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::canary::Secret;
use super::tickets::Ticket;
use crate::cli::CliError;
use crate::client::Session;
use crate::client::report::{Draft, seal, send};
use crate::client::tokens::{self, Attestation};
use crate::clock::Random;

/// How many citizens write at once.
const AT_ONCE: usize = 8;
/// Every so many pay with a puzzle instead of a voucher.
const PUZZLE_EVERY: usize = 10;

/// One citizen after an accepted report.
pub struct Citizen {
    /// The receipt.
    pub receipt: Receipt,
    /// The case's name among people.
    pub reference: String,
    /// What the gateway promised.
    pub acceptance: Acceptance,
    /// The identity, if one was sealed.
    pub identity: Option<IdentityRecord>,
    /// What must be found nowhere.
    pub secrets: Vec<Secret>,
}

/// A name and a phone number that stand nowhere else.
fn identity() -> (String, String) {
    let mut random = [0; 8];
    Random.fill_bytes(&mut random);
    let tag = hex::encode(random);
    (format!("Siti Contoh {tag}"), format!("+62-811-{}", u64::from_be_bytes(random)))
}

/// An identity record of a name and a phone number.
fn record(name: &str, phone: &str) -> IdentityRecord {
    let contact = vec![Contact { kind: ContactKind::Phone, value: phone.to_owned() }];
    IdentityRecord { v: V1, name: Some(name.to_owned()), contact, national_id: None, note: None }
}

/// Sends one ticket.
pub async fn report(session: &Session, ticket: Ticket, pay: Attestation, named: bool) -> Result<Citizen, CliError> {
    let category = ticket.category(&session.services.categories);
    let category = category.ok_or_else(|| CliError::Failed("no category fits, not even \"other\"".into()))?;
    let (mut secrets, mut given) = (Vec::new(), None);
    if named {
        let (name, phone) = identity();
        secrets.push(Secret { kind: "identity", bytes: name.clone().into_bytes() });
        secrets.push(Secret { kind: "phone", bytes: phone.clone().into_bytes() });
        given = Some(record(&name, &phone));
    }
    if let Attestation::Voucher(code) = &pay {
        secrets.push(Secret { kind: "voucher", bytes: code.clone().into_bytes() });
    }
    let draft = Draft {
        category: category.code.clone(),
        text: if ticket.text.is_empty() { ticket.service.clone() } else { ticket.text.clone() },
        language: CodeText::new("en")?,
        location: ticket.location()?,
        attributes: BTreeMap::new(),
        release: category.release,
        identity: given.clone(),
    };
    let token = tokens::fetch(session, &pay).await?;
    let sealed = seal(session, &draft)?;
    let accepted = send(session, &sealed, &token).await?;
    let keys = sealed.receipt.keys();
    let text = sealed.receipt.text();
    secrets.extend([
        Secret { kind: "token_nonce", bytes: token.nonce.to_vec() },
        Secret { kind: "receipt", bytes: text.expose().clone().into_bytes() },
        Secret { kind: "receipt", bytes: text.expose().replace('-', "").into_bytes() },
        Secret { kind: "receipt", bytes: sealed.receipt.secret().expose().to_vec() },
        Secret { kind: "access_key", bytes: keys.access.expose().to_vec() },
        Secret { kind: "mailbox_key", bytes: keys.mailbox.seed().expose().to_vec() },
        Secret { kind: "acceptance_r", bytes: keys.r.expose().to_vec() },
        Secret { kind: "notice_key", bytes: keys.notice_key.expose().to_vec() },
    ]);
    let (receipt, reference, acceptance) = (sealed.receipt, accepted.reference, accepted.acceptance);
    Ok(Citizen { receipt, reference, acceptance, identity: given, secrets })
}

/// Sends all tickets, a few at a time. Every `named_every`-th citizen gives an identity (0: nobody).
pub async fn report_all(
    session: &Arc<Session>,
    tickets: &[Ticket],
    vouchers: Vec<String>,
    named_every: usize,
    done: impl Fn(usize),
) -> Result<Vec<Citizen>, CliError> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut vouchers = vouchers.into_iter();
    let mut tasks = JoinSet::new();
    for (n, ticket) in tickets.iter().cloned().enumerate() {
        let pay = match n % PUZZLE_EVERY {
            0 => Attestation::Puzzle,
            _ => Attestation::Voucher(vouchers.next().ok_or_else(|| CliError::Failed("too few vouchers".into()))?),
        };
        let named = named_every > 0 && n % named_every == 0;
        let (session, places) = (Arc::clone(session), Arc::clone(&places));
        tasks.spawn(async move {
            let place = places.acquire().await;
            let sent = report(&session, ticket, pay, named).await;
            drop(place);
            (n, sent)
        });
    }
    let mut citizens = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        let (n, sent) = joined.map_err(|e| CliError::Failed(format!("a citizen's task: {e}")))?;
        citizens.insert(n, sent?);
        done(citizens.len());
    }
    Ok(citizens.into_values().collect())
}

/// Vouchers that [`report_all`] needs.
#[must_use]
pub const fn vouchers_for(tickets: usize) -> usize {
    tickets - tickets.div_ceil(PUZZLE_EVERY)
}
