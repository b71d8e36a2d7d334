//! Tokens in stock. They are bought beforehand, so that neither a report waits for a purchase nor a purchase tells that
//! somebody reports.

use std::path::Path;

use tabir_crypto::SecretBytes;
use tabir_crypto::token::Token;
use tokio::sync::Mutex;

use super::error::Refusal;
use super::store::Store;
use crate::client::tokens::{Attestation, Purchase, fetch, fetch_batch};
use crate::client::{ClientError, Session};
use crate::config::keys::read_private;

/// The stock, and what refills it.
pub struct Tokens {
    store: Store,
    vouchers: bool,
    /// One purchase at a time: two would ask with one voucher.
    buying: Mutex<()>,
}

impl Tokens {
    pub fn new(store: Store, vouchers: bool) -> Self {
        Self { store, vouchers, buying: Mutex::new(()) }
    }

    /// Reads the file of vouchers; each line that was not seen before is a new one.
    pub async fn read_vouchers(&self, file: &Path) -> Result<(), Refusal> {
        let text = read_private(file).map_err(|error| {
            tracing::error!(%error, "vouchers");
            Refusal::NoVouchers
        })?;
        let codes = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        Ok(self.store.add_vouchers(codes.collect()).await?)
    }

    /// Buys until so many are in stock. Errors: `no-vouchers`, `unavailable`.
    pub async fn refill(&self, session: &Session, want: u64) -> Result<(), Refusal> {
        let _one = self.buying.lock().await;
        while self.store.stock().await?.tokens < want {
            self.buy(session).await?;
        }
        Ok(())
    }

    /// Buys one, for a report that found none. Errors: as [`Tokens::refill`].
    pub async fn buy_one(&self, session: &Session) -> Result<(), Refusal> {
        let _one = self.buying.lock().await;
        self.buy(session).await
    }

    /// Solves a puzzle for a batch, where fewer than so many are in stock; false where there are enough. Errors: as
    /// [`Tokens::refill`].
    pub async fn solve_for_batch(&self, session: &Session, want: u64) -> Result<bool, Refusal> {
        let _one = self.buying.lock().await;
        if self.store.stock().await?.tokens >= want {
            return Ok(false);
        }
        let batch = fetch_batch(session, &Attestation::Puzzle).await?;
        self.keep(session, None, batch).await?;
        Ok(true)
    }

    /// What a voucher that somebody brought buys, with the ends of their keys. The same seed with the same voucher buys the
    /// same tokens, so that a repeat costs nothing. Errors: `Voucher`, `Unavailable`.
    pub async fn of_voucher(
        &self,
        session: &Session,
        code: &str,
        seed: SecretBytes<32>,
    ) -> Result<Vec<(Token, u64)>, Refusal> {
        // It becomes a header.
        if code.is_empty() || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Refusal::Voucher);
        }
        match Purchase::by_voucher(session, code, seed)?.complete(session).await {
            Ok(batch) => with_ends(session, batch),
            Err(error) if buys_nothing(&error) => Err(Refusal::Voucher),
            Err(error) => Err(error.into()),
        }
    }

    async fn buy(&self, session: &Session) -> Result<(), Refusal> {
        if !self.vouchers {
            let token = fetch(session, &Attestation::Puzzle).await?;
            return self.keep(session, None, vec![token]).await;
        }
        while let Some(code) = self.store.voucher().await? {
            match fetch(session, &Attestation::Voucher(code.clone())).await {
                Ok(token) => return self.keep(session, Some(code), vec![token]).await,
                // A voucher that bought before a crash, that was never minted, or that is over.
                Err(error) if buys_nothing(&error) => {
                    tracing::warn!(%error, "a voucher buys nothing");
                    self.store.bought(Some(code), None).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        tracing::error!("no vouchers are left: add new ones to the file");
        Err(Refusal::NoVouchers)
    }

    async fn keep(&self, session: &Session, code: Option<String>, tokens: Vec<Token>) -> Result<(), Refusal> {
        Ok(self.store.bought(code, with_ends(session, tokens)?).await?)
    }
}

fn buys_nothing(error: &ClientError) -> bool {
    matches!(error, ClientError::Http(e) if e.code().is_some_and(|code| code.starts_with("attestation-")))
}

fn with_ends(session: &Session, tokens: Vec<Token>) -> Result<Vec<(Token, u64)>, Refusal> {
    let end = |token: &Token| Ok(session.view.state.token_key_by_id(&token.key_id)?.body.not_after.0);
    tokens.into_iter().map(|token| end(&token).map(|end| (token, end))).collect()
}
