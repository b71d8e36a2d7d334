//! A complaint system without Open311, as the receiver of signed webhooks. Source:
//! [Standard Webhooks](https://www.standardwebhooks.com); `docs/webhook.md` is what its programmers read.
//!
//! `webhook-id` is the idempotency key: the same at every attempt, so that the effect is exactly once at a receiver that
//! remembers ids. At one that does not, it is at least once: a repetition says so in the body, and every description ends
//! with its marker. News come back in the same signed form, pushed to a listener that exists only when it is configured
//! ([`callback`]), or listed by the receiver when it is asked.

pub mod callback;
pub mod message;
pub mod routes;
pub mod signature;

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use tabir_crypto::ed25519::SigningKey;

use super::connector::{Call, DownError, Outgoing, OutgoingWrite, Taken, Unready, Update, pause};
use super::store::Held;
use crate::clock::{Clock, Random};
use crate::config::keys::{create_seed, read_private, read_seed};
use crate::config::mapping::Mapping;
use crate::config::{ConfigError, roles, webhook};
use crate::http::{Answer, Client, HttpError};
use crate::open311::Meaning;
use message::JSON;
use signature::{Headers, Keys, public_key};

/// File of the key that signs `v1a`, in the role's folder, and of its public half, which receivers are given.
const KEY: &str = "webhook.key";
pub const PUBLIC: &str = "webhook.pub";
/// The most that is read of an answer to a message: it needs none.
const MAX_ANSWER: usize = 64 << 10;

/// A receiver and how to speak with it.
pub struct Webhook {
    client: Client,
    clock: Clock,
    url: String,
    updates_url: Option<String>,
    keys: Keys,
    mapping: Mapping,
}

impl Webhook {
    /// Reads the secrets; makes the key for `v1a` if it is wanted and there is none.
    pub fn open(
        (client, clock): (Client, Clock),
        config: &roles::Forwarder,
        webhook: &webhook::Webhook,
    ) -> Result<Self, ConfigError> {
        let mut secrets = Vec::new();
        for file in &webhook.secret_files {
            secrets.push(signature::secret(&read_private(file)?).map_err(invalid(file))?);
        }
        let key = webhook.ed25519.then(|| open_key(&config.dir)).transpose()?;
        let keys = Keys::new(secrets, key).map_err(invalid(Path::new("[roles.forwarder.webhook] secret_files")))?;
        let mapping = Mapping::load(config.mapping.as_deref())?;
        let (url, updates_url) = (config.downstream.clone(), webhook.updates_url.clone());
        Ok(Self { client, clock, url, updates_url, keys, mapping })
    }

    /// What verifies a call back.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The message for a report.
    pub fn prepare_report(&self, report: &Outgoing<'_>) -> Result<Call, Unready> {
        let code = report.content.category.as_str();
        // Scenario 17: held where it can be seen, and tried again: the mapping may be mended meanwhile.
        let held = || Unready::Held(Held::new("category", report.reference, code));
        let category = self.mapping.category(code).ok_or_else(held)?;
        Ok(self.call(report.reference, 0, message::report(report, &self.mapping, &category)))
    }

    /// The message for a later write.
    #[must_use]
    pub fn prepare_write(&self, write: &OutgoingWrite<'_>) -> Call {
        self.call(write.reference, write.counter, message::write(write))
    }

    fn call(&self, reference: &str, counter: u64, body: String) -> Call {
        let id = Some(message::message_id(reference, counter));
        Call { url: self.url.clone(), media_type: JSON, body, place: String::new(), id }
    }

    /// Sends it, signed as of now. Any 2xx says that the receiver has it; of the answer only a countersignature is read.
    pub async fn send(&self, call: &Call) -> Result<Taken, DownError> {
        let id = call.id.as_deref().unwrap_or_default();
        let (reference, counter) = message::reference_of(id).ok_or(DownError::Malformed("id"))?;
        let taken = |note: Option<String>| match note {
            _ if counter > 0 => Taken::Nameless,
            Some(note) => Taken::Countersigned { id: reference.to_owned(), note },
            None => Taken::Id(reference.to_owned()),
        };
        match self.post(&call.url, id, &call.body).await {
            Ok(answer) => match answer.status {
                200..300 => Ok(taken(countersignature(&answer))),
                // Whatever stands behind the other address was not told our secret.
                300..400 => Err(DownError::Malformed("redirect")),
                429 => Err(DownError::Busy(pause(&answer, self.clock.now()))),
                408 => Err(DownError::Unknown),
                status @ 400..500 => Err(DownError::Refused(status)),
                _ => Err(DownError::Unknown),
            },
            // The status came, and is all that a message needs.
            Err(HttpError::Malformed(200..300, _)) => Ok(taken(None)),
            Err(_) => Err(DownError::Unknown),
        }
    }

    async fn post(&self, url: &str, id: &str, body: &str) -> Result<Answer, HttpError> {
        let now = self.clock.now();
        let (timestamp, signed) = (now.to_string(), self.keys.sign(id, now, body.as_bytes()));
        let headers = [
            ("content-type", JSON),
            ("accept-encoding", "identity"),
            (signature::ID, id),
            (signature::TIMESTAMP, timestamp.as_str()),
            (signature::SIGNATURE, signed.as_str()),
        ];
        self.client.exchange(Method::POST, url, &headers, body.as_bytes().to_vec()).await
    }

    /// What the receiver lists for a time span, where it is asked. The answer is signed as a message is, under the id of
    /// the question: an old one is none to this.
    pub async fn updates(&self, span: (u64, u64)) -> Result<Vec<Update>, DownError> {
        let Some(url) = &self.updates_url else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let id = format!("tabir_{}", hex::encode(random()));
        let answer = match self.post(url, &id, &message::wanted(span, now)).await {
            Ok(answer) => answer,
            Err(HttpError::Malformed(..)) => return Err(DownError::Malformed("too-large")),
            Err(_) => return Err(DownError::Unknown),
        };
        match answer.status {
            200..300 => {}
            429 | 503 => return Err(DownError::Busy(pause(&answer, self.clock.now()))),
            300..400 => return Err(DownError::Malformed("redirect")),
            status @ 400..500 => return Err(DownError::Refused(status)),
            _ => return Err(DownError::Unknown),
        }
        let text = |name: &str| answer.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let (timestamp, signed) = (text(signature::TIMESTAMP), text(signature::SIGNATURE));
        let headers = Headers { id: text(signature::ID), timestamp, signature: signed };
        let fits = headers.id == id && self.keys.verify(&headers, &answer.body, self.clock.now()).is_ok();
        if !fits {
            return Err(DownError::Malformed("signature"));
        }
        message::listed(&answer.body).map_err(|error| DownError::Malformed(error.code().as_str()))
    }

    /// What a status means, by the mapping and then by what is known everywhere.
    #[must_use]
    pub fn meaning(&self, status: &str) -> Option<Meaning> {
        self.mapping.meaning(status)
    }
}

fn invalid(path: &Path) -> impl FnOnce(tabir_crypto::Error) -> ConfigError {
    let path = path.to_owned();
    move |source| ConfigError::Key { path, source }
}

/// A key of the role's folder, and its public half beside it for people.
fn open_key(dir: &Path) -> Result<SigningKey, ConfigError> {
    let path = dir.join(KEY);
    let seed = if path.exists() { read_seed(&path)? } else { create_seed(&path)? };
    let key = SigningKey::from_seed(&seed);
    let public = dir.join(PUBLIC);
    std::fs::write(&public, format!("{}\n", public_key(&key)))
        .map_err(|source| ConfigError::File { path: public, source })?;
    Ok(key)
}

fn random() -> [u8; 16] {
    use rand_core::Rng as _;
    let mut id = [0; 16];
    Random.fill_bytes(&mut id);
    id
}

/// What the answer carries for the reporter. Whether it is a countersignature is checked before it goes on.
fn countersignature(answer: &Answer) -> Option<String> {
    let body = Some(&answer.body).filter(|body| body.len() <= MAX_ANSWER)?;
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("countersignature")?.as_str().map(str::to_owned)
}
