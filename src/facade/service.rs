//! What the facade does with a report and with a question about one.

use subtle::{Choice, ConstantTimeEq as _};
use tabir_crypto::content::Via;
use tabir_crypto::facade::{Repeat, access_of, app_hash, request_id};
use tabir_crypto::receipt::{Receipt, reference};
use tabir_crypto::{B32, SecretBytes};

use super::error::Refusal;
use super::form::Form;
use crate::api::gateway::CaseView;
use crate::client::{ClientError, case};
use crate::clock::Random;
use crate::config::facade::Facade as Config;
use crate::sealing::{Host, Pay};

/// How long an app may repeat a request that had its answer, in seconds: a client's own retries come within minutes, and two
/// people who report the very same, without a name and at the same place, are further apart.
const REPEAT_S: u64 = 600;
/// The same for a request with an `Idempotency-Key`, which says by itself that it is a repeat.
const REPEAT_KEY_S: u64 = 86_400;

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

/// The facade.
pub struct Facade {
    pub host: Host,
    pub config: Config,
    ids: SecretBytes<32>,
}

impl Facade {
    pub const fn new(host: Host, config: Config, ids: SecretBytes<32>) -> Self {
        Self { host, config, ids }
    }

    /// Whether an app here has this key: every one is compared. Error: `api-key`.
    fn check_key<'f>(&self, form: &'f Form) -> Result<&'f str, Refusal> {
        let given = form.get("api_key").ok_or(Refusal::Key)?;
        let hash = app_hash(given.as_bytes());
        let known = self.config.apps.iter().fold(Choice::from(0), |any, app| any | app.key_hash.0.ct_eq(&hash));
        if bool::from(known) { Ok(given) } else { Err(Refusal::Key) }
    }

    /// Takes a report. `once` is the app's `Idempotency-Key`. Errors: as [`Host::report`], `api-key`, those of the form.
    pub async fn report(&self, form: &Form, once: Option<&str>) -> Result<Created, Refusal> {
        let app_key = self.check_key(form)?;
        self.host.categories()?;
        let plain = form.plain(&self.config.attributes)?;
        let repeat = Repeat::of(app_key.as_bytes(), form.bytes(once).expose());
        let with_identity = plain.identity.as_ref().is_some_and(|i| i.name.is_some() || !i.contact.is_empty());
        let kept_s = if once.is_some() { REPEAT_KEY_S } else { REPEAT_S };
        let receipt = self.host.report(&plain, Via::Facade, &repeat, &Pay::Stock, kept_s).await?;
        self.created(receipt, with_identity)
    }

    fn created(&self, receipt: Receipt, with_identity: bool) -> Result<Created, Refusal> {
        let keys = receipt.keys();
        let id = request_id(&self.ids, &keys.access)?;
        Ok(Created { id, reference: reference(&keys.case_id()), receipt, with_identity })
    }

    /// What the gateway says of a case to whoever has its id. Errors: `no-request`, `unavailable`.
    pub async fn status(&self, id: &str) -> Result<CaseView, Refusal> {
        let access = access_of(&self.ids, id).map_err(|_| Refusal::NotFound)?;
        case::look(&self.host.session(), &access).await.map_err(|error| match &error {
            ClientError::Http(e) if matches!(e.status(), Some(404 | 410)) => Refusal::NotFound,
            _ => error.into(),
        })
    }

    /// Lets go what is over, takes in new vouchers, and fills the stock.
    pub async fn upkeep(&self) -> Result<(), Refusal> {
        self.host.store.clean(self.host.setup().clock.now()).await?;
        if let Some(file) = &self.config.vouchers_file {
            self.host.tokens.read_vouchers(file).await?;
        }
        Ok(self.host.tokens.refill(&self.host.session(), self.config.stock.into()).await?)
    }
}

/// A key for an app: 32 random bytes in hex, and the hash for the configuration.
pub fn app_key() -> (tabir_crypto::Secret<String>, B32) {
    let key = tabir_crypto::Secret::new(hex::encode(SecretBytes::<32>::random(&mut Random).expose()));
    let hash = app_hash(key.expose().as_bytes());
    (key, hash)
}
