//! What attestations bought. Each stands with SHA-256 of the request that it paid for, so that the same request gets the
//! same answer again until the epoch is over, and no other one gets any.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::token::account;
use tabir_crypto::{B32, Secret, SecretBytes};

use super::{Store, number};
use crate::clock::Random;
use crate::db::{DbError, fixed};
use crate::issuer::attester_account::Account;
use crate::issuer::attester_pow::Solved;

/// What came of spending an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spend {
    /// It was unspent: sign.
    Granted,
    /// It was spent on the same request in this epoch: sign again.
    Repeated,
    /// It was spent on another request, or in an epoch that is over.
    Spent,
    /// A voucher that has expired or was revoked.
    Over,
    /// There is no such voucher or spent puzzle.
    Unknown,
}

/// The same request again, or another one? After its epoch nobody knows, and nothing is granted.
fn same(stored: Option<Vec<u8>>, request_hash: B32) -> Spend {
    if stored.is_some_and(|stored| stored == request_hash) { Spend::Repeated } else { Spend::Spent }
}

impl Store {
    /// Spends a voucher on a request of an epoch's key.
    pub async fn spend_voucher(
        &self,
        code_hash: B32,
        request_hash: B32,
        epoch: u64,
        now: u64,
    ) -> Result<Spend, DbError> {
        let (epoch, now) = (number(epoch)?, number(now)?);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE vouchers SET spent_epoch = $1, request_hash = $2 \
                         WHERE code_hash = $3 AND spent_epoch IS NULL AND (batch IS NULL OR batch IN \
                         (SELECT id FROM voucher_batches WHERE revoked = 0 AND expires > $4))",
                    )
                    .bind(epoch)
                    .bind(request_hash.to_vec())
                    .bind(code_hash.to_vec())
                    .bind(now)
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() == 1 {
                        return Ok(Spend::Granted);
                    }
                    let row = sqlx::query("SELECT spent_epoch, request_hash FROM vouchers WHERE code_hash = $1")
                        .bind(code_hash.to_vec())
                        .fetch_optional(tx)
                        .await?;
                    let Some(row) = row else { return Ok(Spend::Unknown) };
                    if row.try_get::<Option<i64>, _>(0)?.is_none() {
                        return Ok(Spend::Over);
                    }
                    Ok(same(row.try_get::<Option<Vec<u8>>, _>(1)?, request_hash))
                })
            })
            .await
    }

    /// Spends a solved puzzle on a request of an epoch's key.
    pub async fn spend_puzzle(&self, solved: Solved, request_hash: B32, epoch: u64) -> Result<Spend, DbError> {
        let (last_day, epoch) = (number(solved.last_day)?, number(epoch)?);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "INSERT INTO puzzles (id, last_day, request_hash, epoch) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (id) DO NOTHING",
                    )
                    .bind(solved.id.to_vec())
                    .bind(last_day)
                    .bind(request_hash.to_vec())
                    .bind(epoch)
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() == 1 {
                        return Ok(Spend::Granted);
                    }
                    spent_puzzle(tx, &solved.id, request_hash).await
                })
            })
            .await
    }

    /// Whether a puzzle of ours was spent already, and on what. One that has expired buys nothing new, but the same again.
    pub async fn spent_puzzle(&self, id: B32, request_hash: B32) -> Result<Spend, DbError> {
        self.0.read(move |c| Box::pin(async move { spent_puzzle(c, &id, request_hash).await })).await
    }

    /// Spends one of an account's batches of an epoch, of which it has `quota`.
    pub async fn spend_account(
        &self,
        account: Account,
        request_hash: B32,
        epoch: u64,
        quota: u32,
    ) -> Result<Spend, DbError> {
        let epoch = number(epoch)?;
        let fresh = SecretBytes::random(&mut Random);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let key = account_key(tx, epoch, &fresh).await?;
                    let pseudonym = account::pseudonym(&key, &account.issuer, account.subject.expose())
                        .map_err(|_| DbError::Malformed("accounts"))?;
                    let rows = sqlx::query("SELECT request_hash FROM accounts WHERE epoch = $1 AND pseudonym = $2")
                        .bind(epoch)
                        .bind(pseudonym.to_vec())
                        .fetch_all(&mut *tx)
                        .await?;
                    for row in &rows {
                        if row.try_get::<Vec<u8>, _>(0)? == request_hash {
                            return Ok(Spend::Repeated);
                        }
                    }
                    let place = i64::try_from(rows.len()).map_err(|_| DbError::Malformed("accounts"))?;
                    if place >= i64::from(quota) {
                        return Ok(Spend::Spent);
                    }
                    sqlx::query("INSERT INTO accounts (epoch, pseudonym, place, request_hash) VALUES ($1, $2, $3, $4)")
                        .bind(epoch)
                        .bind(pseudonym.to_vec())
                        .bind(place)
                        .bind(request_hash.to_vec())
                        .execute(tx)
                        .await?;
                    Ok(Spend::Granted)
                })
            })
            .await
    }
}

async fn spent_puzzle(c: &mut AnyConnection, id: &B32, request_hash: B32) -> Result<Spend, DbError> {
    let row = sqlx::query("SELECT request_hash FROM puzzles WHERE id = $1").bind(id.to_vec()).fetch_optional(c).await?;
    let Some(row) = row else { return Ok(Spend::Unknown) };
    Ok(same(Some(row.try_get(0)?), request_hash))
}

/// The key of an epoch's pseudonyms; `fresh` becomes it if there is none.
async fn account_key(tx: &mut AnyConnection, epoch: i64, fresh: &SecretBytes<32>) -> Result<SecretBytes<32>, DbError> {
    sqlx::query("INSERT INTO account_keys (epoch, seed) VALUES ($1, $2) ON CONFLICT (epoch) DO NOTHING")
        .bind(epoch)
        .bind(fresh.expose().to_vec())
        .execute(&mut *tx)
        .await?;
    let row = sqlx::query("SELECT seed FROM account_keys WHERE epoch = $1").bind(epoch).fetch_one(tx).await?;
    let seed = Secret::new(row.try_get::<Vec<u8>, _>(0)?);
    Ok(Secret::new(fixed("account_keys", seed.expose())?))
}
