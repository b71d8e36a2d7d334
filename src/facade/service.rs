//! What the facade does with a report and with a question about one.

use std::sync::{Arc, Mutex, PoisonError};

use subtle::{Choice, ConstantTimeEq as _};
use tabir_crypto::content::Via;
use tabir_crypto::facade::{Repeat, access_of, app_hash, request_id};
use tabir_crypto::receipt::{Receipt, reference};
use tabir_crypto::statement::body::Category;
use tabir_crypto::statement::value::V1;
use tabir_crypto::{B32, SecretBytes};

use super::error::Refusal;
use super::form::Form;
use super::store::{Store, Waiting};
use super::tokens::Tokens;
use crate::api::gateway::{CaseView, Services};
use crate::client::plain::{self, Plain};
use crate::client::report::{Sealed, send_again};
use crate::client::{ClientError, Session, case};
use crate::clock::Random;
use crate::config::Setup;
use crate::config::facade::Facade as Config;
use crate::http::HttpError;

/// How long an app may repeat a request that had its answer, in seconds: a client's own retries come within minutes, and two
/// people who report the very same, without a name and at the same place, are further apart.
const REPEAT_S: u64 = 600;
/// The same for a request with an `Idempotency-Key`, which says by itself that it is a repeat.
const REPEAT_KEY_S: u64 = 86_400;
/// How long a request whose outcome is unknown is kept for its repeat. Shorter than the gateway remembers a token's body.
const UNKNOWN_S: u64 = 86_400;
/// Tokens, keys and receipts of a report that the gateway may refuse before it is given up.
const TRIES: u32 = 5;

/// A report that the gateway accepted.
pub struct Created {
    /// By which its status is asked for.
    pub id: String,
    /// For the person.
    pub receipt: Receipt,
    /// The case's name among people.
    pub reference: String,
    /// Whether this host saw who reports.
    pub with_identity: bool,
}

/// What is to be done after the gateway said no.
enum Next {
    /// The token buys nothing: another one.
    AnotherToken,
    /// Keys changed, or the reference is taken: seal anew.
    SealAnew,
    /// Whether it arrived is unknown: the sealed body and its token stay for the repeat.
    Wait,
}

fn next(error: &ClientError) -> Next {
    match error {
        ClientError::Http(HttpError::Problem { status: 401, .. }) => Next::AnotherToken,
        ClientError::Http(HttpError::Problem { status: 408 | 429, .. }) => Next::Wait,
        ClientError::Http(HttpError::Problem { status: 400..500, .. }) => Next::SealAnew,
        _ => Next::Wait,
    }
}

/// The facade.
pub struct Facade {
    setup: Setup,
    pub config: Config,
    pub store: Store,
    pub tokens: Tokens,
    ids: SecretBytes<32>,
    session: Mutex<Option<Made>>,
}

/// A session, and the log that it was made from.
struct Made {
    size: u64,
    witnessed: u64,
    session: Arc<Session>,
}

impl Facade {
    pub fn new(setup: Setup, config: Config, store: Store, ids: SecretBytes<32>) -> Self {
        let tokens = Tokens::new(store.clone(), config.vouchers_file.is_some());
        Self { setup, config, store, tokens, ids, session: Mutex::default() }
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

    /// The policy's categories. Error: `unavailable` before there is a policy.
    pub fn categories(&self) -> Result<Vec<Category>, Refusal> {
        let categories = self.session().services.categories.clone();
        if categories.is_empty() { Err(Refusal::Unavailable) } else { Ok(categories) }
    }

    /// Whether an app here has this key: every one is compared. Error: `api-key`.
    fn check_key<'f>(&self, form: &'f Form) -> Result<&'f str, Refusal> {
        let given = form.get("api_key").ok_or(Refusal::Key)?;
        let hash = app_hash(given.as_bytes());
        let known = self.config.apps.iter().fold(Choice::from(0), |any, app| any | app.key_hash.0.ct_eq(&hash));
        if bool::from(known) { Ok(given) } else { Err(Refusal::Key) }
    }

    /// Takes a report: seals it, keeps the sealed body with its token, sends it. `once` is the app's `Idempotency-Key`.
    ///
    /// The same request again, whether the answer was lost on the way to the app, on the way from the gateway, or with this
    /// process, is the same report again, with the same receipt.
    pub async fn report(&self, form: &Form, once: Option<&str>) -> Result<Created, Refusal> {
        let app_key = self.check_key(form)?;
        self.categories()?;
        let plain = form.plain(&self.config.attributes)?;
        let repeat = Repeat::of(app_key.as_bytes(), form.bytes(once).expose());
        let with_identity = plain.identity.as_ref().is_some_and(|i| i.name.is_some() || !i.contact.is_empty());
        let session = self.session();
        for _ in 0..TRIES {
            let waiting = match self.store.waiting(*repeat.id()).await? {
                Some(before) => before,
                None => self.prepare(&session, &plain, &repeat).await?,
            };
            let receipt = repeat.open_receipt(&waiting.receipt)?;
            let Some((body, token)) = waiting.unsent else { return self.created(receipt, with_identity) };
            match send_again(&session, repeat.open(&body)?.expose(), &token).await {
                Ok(_) => return self.accepted(&repeat, once, receipt, with_identity).await,
                Err(error) => match next(&error) {
                    Next::AnotherToken => {
                        if !self.store.another_token(*repeat.id()).await? {
                            self.tokens.buy_one(&session).await?;
                        }
                    }
                    // An earlier try may have arrived, whose answer was lost.
                    Next::SealAnew if case::look(&session, &receipt.keys().access).await.is_ok() => {
                        return self.accepted(&repeat, once, receipt, with_identity).await;
                    }
                    Next::SealAnew => self.store.give_up(*repeat.id()).await?,
                    Next::Wait => return Err(error.into()),
                },
            }
        }
        Err(Refusal::Unavailable)
    }

    async fn accepted(
        &self,
        repeat: &Repeat,
        once: Option<&str>,
        receipt: Receipt,
        with_identity: bool,
    ) -> Result<Created, Refusal> {
        let kept = if once.is_some() { REPEAT_KEY_S } else { REPEAT_S };
        self.store.accepted(*repeat.id(), self.minute_after(kept)).await?;
        self.created(receipt, with_identity)
    }

    /// Seals, and keeps the sealed body with a token of its own: durable before anything is sent.
    async fn prepare(&self, session: &Session, plain: &Plain, repeat: &Repeat) -> Result<Waiting, Refusal> {
        let Sealed { receipt, body, .. } = plain::seal(session, plain, Via::Facade, None)?;
        let kept = repeat.seal_receipt(&receipt, &mut Random)?;
        let body = repeat.seal(&body, &mut Random)?;
        for _ in 0..TRIES {
            let until = self.minute_after(UNKNOWN_S);
            if let Some(waiting) = self.store.set_aside(*repeat.id(), body.clone(), kept.clone(), until).await? {
                return Ok(waiting);
            }
            self.tokens.buy_one(session).await?;
        }
        Err(Refusal::Unavailable)
    }

    /// The end of the minute: rows tell no second.
    fn minute_after(&self, seconds: u64) -> u64 {
        (self.setup.clock.now() + seconds).next_multiple_of(60)
    }

    fn created(&self, receipt: Receipt, with_identity: bool) -> Result<Created, Refusal> {
        let keys = receipt.keys();
        let id = request_id(&self.ids, &keys.access)?;
        Ok(Created { id, reference: reference(&keys.case_id()), receipt, with_identity })
    }

    /// What the gateway says of a case to whoever has its id. Errors: `no-request`, `unavailable`.
    pub async fn status(&self, id: &str) -> Result<CaseView, Refusal> {
        let access = access_of(&self.ids, id).map_err(|_| Refusal::NotFound)?;
        case::look(&self.session(), &access).await.map_err(|error| match &error {
            ClientError::Http(e) if matches!(e.status(), Some(404 | 410)) => Refusal::NotFound,
            _ => error.into(),
        })
    }

    /// Lets go what is over, takes in new vouchers, and fills the stock.
    pub async fn upkeep(&self) -> Result<(), Refusal> {
        self.store.clean(self.setup.clock.now()).await?;
        if let Some(file) = &self.config.vouchers_file {
            self.tokens.read_vouchers(file).await?;
        }
        self.tokens.refill(&self.session(), self.config.stock.into()).await
    }
}

/// A key for an app: 32 random bytes in hex, and the hash for the configuration.
pub fn app_key() -> (tabir_crypto::Secret<String>, B32) {
    let key = tabir_crypto::Secret::new(hex::encode(SecretBytes::<32>::random(&mut Random).expose()));
    let hash = app_hash(key.expose().as_bytes());
    (key, hash)
}
