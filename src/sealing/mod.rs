//! Sealing in a reporter's place: what every host does that takes plain fields, a facade or a form. It knows no role.
//!
//! ```text
//! plain fields ─► seal ─► store body + token ─► gateway ─► receipt
//!                         (durable before it is sent; the same request again finds it)
//! ```
//! Keeps: tokens and what buys them; for minutes, at most a day while the gateway does not answer, sealed bodies and
//! receipts that only a repeat of the same request opens. Nothing in its store opens a case.

mod error;
mod store;
mod tokens;

use std::sync::{Arc, Mutex, PoisonError};

use tabir_crypto::content::Via;
use tabir_crypto::facade::Repeat;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::Category;
use tabir_crypto::statement::value::V1;

use crate::api::gateway::Services;
use crate::client::case::{self, Case, Write};
use crate::client::plain::{self, Plain};
use crate::client::report::{Sealed, send_again};
use crate::client::{ClientError, Session};
use crate::clock::Random;
use crate::config::Setup;
use crate::http::HttpError;

pub use error::Refusal;
pub use store::{Kept, MIGRATIONS, Price, Stock, Store, Waiting};
pub use tokens::Tokens;

/// How long a request whose outcome is unknown is kept for its repeat, in seconds. Shorter than the gateway remembers a
/// token's body.
const UNKNOWN_S: u64 = 86_400;
/// Tokens, keys and receipts of a report that the gateway may refuse before it is given up.
const TRIES: u32 = 5;

/// What pays.
#[derive(Clone, Debug)]
pub enum Pay {
    /// A token of the stock; one is bought at once if there is none.
    Stock,
    /// A token of the stock; where there is none, who asks is told to come again.
    Ready,
    /// A voucher that somebody brought.
    Voucher(String),
}

/// What is to be done after the gateway said no.
enum Next {
    /// The token buys nothing: another one.
    AnotherToken,
    /// Keys changed, the reference is taken, the case has moved on: make it anew.
    Anew,
    /// Whether it arrived is unknown: the sealed body and its token stay for the repeat.
    Wait,
}

fn next(error: &ClientError) -> Next {
    match error {
        ClientError::Http(HttpError::Problem { status: 401, .. }) => Next::AnotherToken,
        ClientError::Http(HttpError::Problem { status: 408 | 429, .. }) => Next::Wait,
        ClientError::Http(HttpError::Problem { status: 400..500, .. }) => Next::Anew,
        _ => Next::Wait,
    }
}

/// A host that seals in reporters' place.
pub struct Host {
    setup: Setup,
    pub store: Store,
    pub tokens: Tokens,
    session: Mutex<Option<Made>>,
}

/// A session, and the log that it was made from.
struct Made {
    size: u64,
    witnessed: u64,
    session: Arc<Session>,
}

impl Host {
    /// `vouchers`: its own stock is bought with vouchers, else with puzzles.
    #[must_use]
    pub fn new(setup: Setup, store: Store, vouchers: bool) -> Self {
        let tokens = Tokens::new(store.clone(), vouchers);
        Self { setup, store, tokens, session: Mutex::default() }
    }

    /// What the process gave to this host.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What a reporter's client would know now; made anew when the log has grown.
    pub fn session(&self) -> Arc<Session> {
        let view = self.setup.ledger.view();
        let (size, witnessed) = (view.head.size, view.witnessed);
        let mut made = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some(made) if (made.size, made.witnessed) == (size, witnessed) => Arc::clone(&made.session),
            _ => {
                let (root, peers) = (self.setup.trust.root(), &self.setup.peers);
                let session = Session {
                    http: self.setup.client.clone(),
                    clock: self.setup.clock.clone(),
                    trust: Arc::clone(&self.setup.trust),
                    server: peers.gateway.clone(),
                    services: Services {
                        v: V1,
                        name: root.name.clone(),
                        demo: root.demo,
                        issuer: peers.issuer.clone(),
                        log: peers.log.clone(),
                        council: peers.council.clone(),
                        categories: view.state.policy().map(|p| p.categories.clone()).unwrap_or_default(),
                    },
                    view: view.as_ref().clone(),
                    heads: None,
                };
                Arc::clone(&made.insert(Made { size, witnessed, session: Arc::new(session) }).session)
            }
        }
    }

    /// The policy's categories. Error: `Unavailable` before there is a policy.
    pub fn categories(&self) -> Result<Vec<Category>, Refusal> {
        let categories = self.session().services.categories.clone();
        if categories.is_empty() { Err(Refusal::Unavailable) } else { Ok(categories) }
    }

    /// Takes a report: seals it, keeps the sealed body with its token, sends it. Its receipt is kept for `kept_s` seconds
    /// for a repeat.
    ///
    /// The same request again, whether the answer was lost on the way to who asked, on the way from the gateway, or with
    /// this process, is the same report again, with the same receipt.
    pub async fn report(
        &self,
        plain: &Plain,
        via: Via,
        repeat: &Repeat,
        pay: &Pay,
        kept_s: u64,
    ) -> Result<Receipt, Refusal> {
        let session = self.session();
        for _ in 0..TRIES {
            let waiting = match self.store.waiting(*repeat.id()).await? {
                Some(before) => before,
                None => {
                    let Sealed { receipt, body, .. } = plain::seal(&session, plain, via, None)?;
                    let (body, receipt) =
                        (repeat.seal(&body, &mut Random)?, repeat.seal_receipt(&receipt, &mut Random)?);
                    self.put_aside(&session, repeat, Kept { body, receipt }, pay).await?
                }
            };
            let receipt = repeat.open_receipt(&waiting.receipt)?;
            let Some((body, Some(token))) = waiting.unsent else { return Ok(receipt) };
            let taken = match send_again(&session, repeat.open(&body)?.expose(), &token).await {
                Ok(_) => true,
                Err(error) => match next(&error) {
                    Next::AnotherToken => {
                        self.replace_token(&session, repeat, pay).await?;
                        false
                    }
                    // An earlier try may have arrived, whose answer was lost.
                    Next::Anew if case::look(&session, &receipt.keys().access).await.is_ok() => true,
                    Next::Anew => {
                        self.store.give_up(*repeat.id()).await?;
                        false
                    }
                    Next::Wait => return Err(error.into()),
                },
            };
            if taken {
                self.store.accepted(*repeat.id(), self.minute_after(kept_s)).await?;
                return Ok(receipt);
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Takes a later write, in the same way: `make` makes it of the case as it stands, and says whether it costs a token.
    /// Errors: those of `make`, and `Gateway` with the gateway's code.
    pub async fn write(
        &self,
        receipt: &Receipt,
        repeat: &Repeat,
        pay: &Pay,
        kept_s: u64,
        make: impl Fn(&Session, &Case) -> Result<(Write, bool), Refusal>,
    ) -> Result<(), Refusal> {
        let session = self.session();
        for _ in 0..TRIES {
            let waiting = match self.store.waiting(*repeat.id()).await? {
                Some(before) => before,
                None => {
                    let found = case::read(&session, receipt).await.map_err(Refusal::of_case)?;
                    let (write, costs) = make(&session, &found)?;
                    let kept = Kept { body: repeat.seal(&write.encode(), &mut Random)?, receipt: Vec::new() };
                    if costs {
                        self.put_aside(&session, repeat, kept, pay).await?
                    } else {
                        let until = self.minute_after(UNKNOWN_S);
                        let set = self.store.set_aside(*repeat.id(), kept, Price::Nothing, until).await?;
                        set.ok_or(Refusal::Unavailable)?
                    }
                }
            };
            let Some((body, token)) = waiting.unsent else { return Ok(()) };
            let write = Write::decode(repeat.open(&body)?.expose())?;
            match case::send(&session, &write, token.as_ref()).await {
                Ok(_) => return Ok(self.store.accepted(*repeat.id(), self.minute_after(kept_s)).await?),
                Err(error) => match next(&error) {
                    Next::AnotherToken if token.is_some() => self.replace_token(&session, repeat, pay).await?,
                    Next::Wait => return Err(error.into()),
                    _ => {
                        self.store.give_up(*repeat.id()).await?;
                        return Err(Refusal::of_case(error));
                    }
                },
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Keeps a sealed body with a token of its own: durable before anything is sent.
    async fn put_aside(&self, session: &Session, repeat: &Repeat, kept: Kept, pay: &Pay) -> Result<Waiting, Refusal> {
        let price = match pay {
            Pay::Voucher(code) => Price::These(self.tokens.of_voucher(session, code, repeat.token_seed()).await?),
            Pay::Stock | Pay::Ready => Price::Stock,
        };
        for _ in 0..TRIES {
            let until = self.minute_after(UNKNOWN_S);
            let set = self.store.set_aside(*repeat.id(), kept.clone(), price.clone(), until).await?;
            if let Some(waiting) = set {
                return Ok(waiting);
            }
            self.no_token(session, pay).await?;
        }
        Err(Refusal::Unavailable)
    }

    async fn replace_token(&self, session: &Session, repeat: &Repeat, pay: &Pay) -> Result<(), Refusal> {
        if self.store.another_token(*repeat.id()).await? { Ok(()) } else { self.no_token(session, pay).await }
    }

    /// The stock is empty.
    async fn no_token(&self, session: &Session, pay: &Pay) -> Result<(), Refusal> {
        match pay {
            Pay::Stock => self.tokens.buy_one(session).await,
            Pay::Ready | Pay::Voucher(_) => Err(Refusal::NoToken),
        }
    }

    /// The end of the minute: rows tell no second.
    fn minute_after(&self, seconds: u64) -> u64 {
        (self.setup.clock.now() + seconds).next_multiple_of(60)
    }
}
