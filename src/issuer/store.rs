//! The issuer's store: token keys by epoch, voucher hashes, solved puzzles. No account, address or time beyond the day.

use std::path::Path;
use std::sync::Arc;

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::statement::Statement;
use tabir_crypto::token::{IssuerKey, TokenKey};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Secret, SecretBytes};

use super::attester_pow::Solved;
use super::epochs::{Epoch, Span};
use crate::db::{Db, DbError, expect_rows, fixed, outbox};

/// Epochs that are read: the next, the current, the one of the overlap, and one more after a changed length.
const EPOCHS: i64 = 4;

/// What came of spending an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spend {
    /// It was unspent, or it was spent on the same request in this epoch: sign.
    Granted,
    /// It was spent on another request.
    Spent,
    /// There is no such voucher.
    Unknown,
}

/// The store.
#[derive(Clone)]
pub struct Store(Db);

fn number(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

fn unsigned(n: i64) -> Result<u64, DbError> {
    u64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

impl Store {
    /// Opens or creates it.
    pub async fn open(file: &Path) -> Result<Self, DbError> {
        Db::open(file, &sqlx::migrate!("migrations/issuer")).await.map(Self)
    }

    /// The store's connection pool, for the delivery of its log outbox.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.0
    }

    /// The key that signs puzzles; `fresh` becomes it if there is none.
    pub async fn puzzle_key(&self, fresh: SecretBytes<32>) -> Result<SecretBytes<32>, DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO puzzle_key (one, seed) VALUES (1, $1) ON CONFLICT (one) DO NOTHING")
                        .bind(fresh.expose().to_vec())
                        .execute(&mut *tx)
                        .await?;
                    let row = sqlx::query("SELECT seed FROM puzzle_key WHERE one = 1").fetch_one(tx).await?;
                    let seed = Secret::new(row.try_get::<Vec<u8>, _>(0)?);
                    Ok(Secret::new(fixed("puzzle_key", seed.expose())?))
                })
            })
            .await
    }

    /// The newest epochs, oldest first.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, DbError> {
        self.0.read(|c| Box::pin(read_epochs(c))).await
    }

    /// Stores a new epoch's key together with its announcement. False if that epoch has a key already.
    pub async fn add_epoch(&self, span: Span, key: &IssuerKey, announced: Statement) -> Result<bool, DbError> {
        let spki = key.public().spki().to_vec();
        let pkcs8 = key.to_pkcs8().map_err(|_| DbError::Malformed("token_keys"))?;
        let (epoch, from, to) = (number(span.epoch)?, number(span.not_before)?, number(span.not_after)?);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "INSERT INTO token_keys (epoch, not_before, not_after, spki, pkcs8) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (epoch) DO NOTHING",
                    )
                    .bind(epoch)
                    .bind(from)
                    .bind(to)
                    .bind(spki)
                    .bind(pkcs8.expose().clone())
                    .execute(&mut *tx)
                    .await?;
                    let new = done.rows_affected() == 1;
                    if new {
                        outbox::enqueue(tx, LogName::Governance, &announced).await?;
                    }
                    Ok(new)
                })
            })
            .await
    }

    /// Forgets what no later moment needs: private keys of epochs that are over, requests of vouchers spent in them,
    /// puzzles that expired on an earlier day.
    pub async fn forget(&self, now: u64, today: u64) -> Result<(), DbError> {
        let (now, today) = (number(now)?, number(today)?);
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE vouchers SET request_hash = NULL WHERE request_hash IS NOT NULL AND spent_epoch IN \
                         (SELECT epoch FROM token_keys WHERE not_after <= $1)",
                    )
                    .bind(now)
                    .execute(&mut *tx)
                    .await?;
                    sqlx::query("UPDATE token_keys SET pkcs8 = NULL WHERE pkcs8 IS NOT NULL AND not_after <= $1")
                        .bind(now)
                        .execute(&mut *tx)
                        .await?;
                    sqlx::query("DELETE FROM puzzles WHERE last_day < $1").bind(today).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Adds vouchers by the hashes of their codes, all or none.
    pub async fn add_vouchers(&self, hashes: Vec<B32>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for hash in hashes {
                        let done = sqlx::query("INSERT INTO vouchers (code_hash) VALUES ($1)")
                            .bind(hash.to_vec())
                            .execute(&mut *tx)
                            .await?;
                        expect_rows("vouchers", done.rows_affected(), 1)?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Spends a voucher on a request of an epoch's key.
    pub async fn spend_voucher(&self, code_hash: B32, request_hash: B32, epoch: u64) -> Result<Spend, DbError> {
        let epoch = number(epoch)?;
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE vouchers SET spent_epoch = $1, request_hash = $2 \
                         WHERE code_hash = $3 AND spent_epoch IS NULL",
                    )
                    .bind(epoch)
                    .bind(request_hash.to_vec())
                    .bind(code_hash.to_vec())
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() == 1 {
                        return Ok(Spend::Granted);
                    }
                    let row = sqlx::query("SELECT request_hash FROM vouchers WHERE code_hash = $1")
                        .bind(code_hash.to_vec())
                        .fetch_optional(tx)
                        .await?;
                    let Some(row) = row else { return Ok(Spend::Unknown) };
                    Ok(same(row.try_get::<Option<Vec<u8>>, _>(0)?, request_hash))
                })
            })
            .await
    }

    /// Spends a solved puzzle on a request.
    pub async fn spend_puzzle(&self, solved: Solved, request_hash: B32) -> Result<Spend, DbError> {
        let last_day = number(solved.last_day)?;
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "INSERT INTO puzzles (id, last_day, request_hash) VALUES ($1, $2, $3) \
                         ON CONFLICT (id) DO NOTHING",
                    )
                    .bind(solved.id.to_vec())
                    .bind(last_day)
                    .bind(request_hash.to_vec())
                    .execute(&mut *tx)
                    .await?;
                    if done.rows_affected() == 1 {
                        return Ok(Spend::Granted);
                    }
                    let row = sqlx::query("SELECT request_hash FROM puzzles WHERE id = $1")
                        .bind(solved.id.to_vec())
                        .fetch_one(tx)
                        .await?;
                    Ok(same(Some(row.try_get(0)?), request_hash))
                })
            })
            .await
    }
}

/// The same request again, or another one? After its epoch nobody knows, and nothing is granted.
fn same(stored: Option<Vec<u8>>, request_hash: B32) -> Spend {
    if stored.is_some_and(|stored| stored == request_hash) { Spend::Granted } else { Spend::Spent }
}

async fn read_epochs(c: &mut AnyConnection) -> Result<Vec<Epoch>, DbError> {
    let rows =
        sqlx::query("SELECT epoch, not_before, not_after, spki, pkcs8 FROM token_keys ORDER BY epoch DESC LIMIT $1")
            .bind(EPOCHS)
            .fetch_all(c)
            .await?;
    let malformed = |_| DbError::Malformed("token_keys");
    rows.iter()
        .rev()
        .map(|row| {
            let span = Span {
                epoch: unsigned(row.try_get(0)?)?,
                not_before: unsigned(row.try_get(1)?)?,
                not_after: unsigned(row.try_get(2)?)?,
            };
            let public = TokenKey::from_spki(&row.try_get::<Vec<u8>, _>(3)?).map_err(malformed)?;
            let pkcs8 = row.try_get::<Option<Vec<u8>>, _>(4)?.map(Secret::new);
            let secret = pkcs8.map(|der| IssuerKey::from_pkcs8(der.expose())).transpose().map_err(malformed)?;
            Ok(Epoch { span, public, secret: secret.map(Arc::new) })
        })
        .collect()
}
