//! Tokens that were fetched ahead of time, in a file that only its owner may read.
//!
//! ```text
//! {"v":1,"pending":null | {"seed":"hex","attestation":"…","key":"base64url"},"tokens":[{"token":"base64url","ready":unix}]}
//! ```
//! Each step is on the disk before the next one begins, so that a crash at any moment burns nothing but, at worst, the one
//! token that was in use:
//!
//! 1. a purchase is written down before it is sent: after a crash the same request is sent again, and gets the same answer;
//! 2. its tokens take its place in one replacement: from then on nothing in the file says who bought them;
//! 3. a token is out of the file before it is used: used twice with two bodies, it would show that both are one person's.
//!
//! Whoever finds the file can use the tokens, and learns that its owner was going to report something: it is kept only
//! where its owner asks for it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tabir_crypto::codec::sha256;
use tabir_crypto::secret::as_hex;
use tabir_crypto::statement::value::{Bytes, V1};
use tabir_crypto::token::Token;
use tabir_crypto::{B32, Secret, SecretBytes, json};

use super::token_pool::{Pool, Taken, Waiting};
use super::tokens::{Attestation, Purchase};
use super::{ClientError, Session};
use crate::config::ConfigError;
use crate::config::keys::{read_private, replace_private, write_private};
use crate::http::HttpError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v: V1,
    pending: Option<StoredPurchase>,
    tokens: Vec<StoredToken>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPurchase {
    #[serde(with = "as_hex")]
    seed: SecretBytes<32>,
    attestation: String,
    key: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredToken {
    token: Bytes,
    ready: u64,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The file.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// Fetching.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The file, as it was read or written last.
pub struct TokenFile {
    path: PathBuf,
    hash: B32,
    pending: Option<Purchase>,
    pool: Pool,
}

impl TokenFile {
    /// Reads the file, or makes an empty one. Errors: file, mode, those of strict JSON and of a token.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |source| ConfigError::Key { path: path.into(), source };
        if !path.exists() {
            let empty = Self { path: path.into(), hash: [0; 32], pending: None, pool: Pool::default() };
            let text = empty.text().map_err(wrong)?;
            write_private(path, &text)?;
            return Ok(Self { hash: sha256(&text), ..empty });
        }
        let text = read_private(path)?;
        let stored: Stored = json::from_slice(text.as_bytes()).map_err(wrong)?;
        let pending =
            stored.pending.map(|p| Purchase { seed: p.seed, attestation: Secret::new(p.attestation), key: p.key.0 });
        let token = |t: StoredToken| Ok(Waiting { token: Token::decode(&t.token.0)?, ready: t.ready });
        let tokens = stored.tokens.into_iter().map(token).collect::<Result<_, _>>().map_err(wrong)?;
        Ok(Self { path: path.into(), hash: sha256(text.as_bytes()), pending, pool: Pool::new(tokens) })
    }

    fn text(&self) -> tabir_crypto::Result<Vec<u8>> {
        let purchase = |p: &Purchase| StoredPurchase {
            seed: p.seed.clone(),
            attestation: p.attestation.expose().clone(),
            key: Bytes(p.key.clone()),
        };
        let token = |w: &Waiting| StoredToken { token: Bytes(w.token.encode()), ready: w.ready };
        let tokens = self.pool.tokens().iter().map(token).collect();
        json::to_vec(&Stored { v: V1, pending: self.pending.as_ref().map(purchase), tokens })
    }

    fn save(&mut self) -> Result<(), ConfigError> {
        let text = self.text().map_err(|source| ConfigError::Key { path: self.path.clone(), source })?;
        replace_private(&self.path, &self.hash, &text)?;
        self.hash = sha256(&text);
        Ok(())
    }

    /// How many tokens are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pool.tokens().len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is there a purchase whose answer has not come?
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Buys a batch; one that was begun before is completed instead, and pays for nothing again. Errors: file, those of
    /// [`super::tokens::fetch_batch`].
    pub async fn buy(&mut self, session: &Session, pay: &Attestation) -> Result<(), TokenFileError> {
        if let (Some(pending), Attestation::Account(jwt)) = (&mut self.pending, pay)
            && by_account(pending)
        {
            // The login that it was begun with may have ended; the account has not.
            pending.attestation = Secret::new(format!("account {jwt}"));
            self.save()?;
        }
        if self.pending.is_some() && self.complete(session).await? {
            return Ok(());
        }
        self.begin(session, pay).await?;
        self.complete(session).await?;
        Ok(())
    }

    /// Writes a purchase down. Nothing is sent but what a puzzle needs.
    pub async fn begin(&mut self, session: &Session, pay: &Attestation) -> Result<(), TokenFileError> {
        self.pending = Some(Purchase::prepare(session, pay).await?);
        Ok(self.save()?)
    }

    /// Sends the purchase that is written down, and puts its tokens in its place. False if there is none, or if it can
    /// never be completed: its epoch is over, or it paid for something else.
    pub async fn complete(&mut self, session: &Session) -> Result<bool, TokenFileError> {
        let Some(purchase) = &self.pending else { return Ok(false) };
        let bought = purchase.complete(session).await;
        let done = match bought {
            Ok(tokens) => {
                self.pool.add(tokens, session.clock.now());
                Ok(true)
            }
            Err(ClientError::Crypto(error)) if error.code() == tabir_crypto::Code::NotActive => Ok(false),
            // The attestation is no good, whatever it is asked for: keeping it would ask for ever.
            Err(ClientError::Http(error)) if refused(&error) && !(by_account(purchase) && expired(&error)) => {
                Err(ClientError::Http(error))
            }
            Err(error) => return Err(error.into()),
        };
        self.pending = None;
        self.save()?;
        Ok(done?)
    }

    /// Takes a token that may be used now; it is out of the file before this returns. Errors: file, `not-active`.
    pub fn take(&mut self, session: &Session) -> Result<Taken, TokenFileError> {
        let taken = self.pool.take(session)?;
        self.save()?;
        Ok(taken)
    }

    /// Lets all tokens be used now. Returns whether any had to wait. Errors: file.
    pub fn no_wait(&mut self, session: &Session) -> Result<bool, TokenFileError> {
        let waited = self.pool.no_wait(session.clock.now());
        self.save()?;
        Ok(waited)
    }
}

/// Did the issuer refuse this attestation or request for good?
fn refused(error: &HttpError) -> bool {
    matches!(error.status(), Some(401 | 415 | 422))
}

fn by_account(purchase: &Purchase) -> bool {
    purchase.attestation.expose().starts_with("account ")
}

/// A login that ended, or never was one: a new one of the same account completes the purchase.
fn expired(error: &HttpError) -> bool {
    error.code() == Some("attestation-invalid")
}
