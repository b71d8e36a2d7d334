//! Tokens in stock. They are bought beforehand, so that neither a report waits for a purchase nor a purchase tells that
//! somebody reports.

use std::path::Path;

use tabir_crypto::token::Token;
use tokio::sync::Mutex;

use super::error::Refusal;
use super::store::Store;
use crate::client::tokens::{Attestation, fetch};
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

    async fn buy(&self, session: &Session) -> Result<(), Refusal> {
        if !self.vouchers {
            let token = fetch(session, &Attestation::Puzzle).await?;
            return self.keep(session, None, token).await;
        }
        while let Some(code) = self.store.voucher().await? {
            match fetch(session, &Attestation::Voucher(code.clone())).await {
                Ok(token) => return self.keep(session, Some(code), token).await,
                // A voucher that bought before a crash, that was never minted, or that is over.
                Err(ClientError::Http(e)) if e.code().is_some_and(|c| c.starts_with("attestation-")) => {
                    tracing::warn!(code = e.code(), "a voucher buys nothing");
                    self.store.bought(Some(code), None).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        tracing::error!("no vouchers are left: add new ones to the file");
        Err(Refusal::NoVouchers)
    }

    async fn keep(&self, session: &Session, code: Option<String>, token: Token) -> Result<(), Refusal> {
        let not_after = session.view.state.token_key_by_id(&token.key_id)?.body.not_after.0;
        Ok(self.store.bought(code, Some((token, not_after))).await?)
    }
}
