//! The issuer's store: token keys by epoch; [`spend`] what was bought for; [`vouchers`] codes and their batches. No
//! account, address or time beyond the day.

pub mod spend;
pub mod vouchers;

use std::path::Path;
use std::sync::Arc;

use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::statement::Statement;
use tabir_crypto::token::{IssuerKey, TokenKey};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{Secret, SecretBytes};

use super::epochs::{Epoch, Span};
use crate::db::{Db, DbError, fixed, outbox};
pub use spend::Spend;

/// The schema.
pub static MIGRATIONS: Migrator = sqlx::migrate!("migrations/issuer");

/// Epochs that are read: the next, the current, the one of the overlap, and one more after a changed length.
const EPOCHS: i64 = 4;

/// The store.
#[derive(Clone)]
pub struct Store(Db);

pub(super) fn number(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

pub(super) fn unsigned(n: i64) -> Result<u64, DbError> {
    u64::try_from(n).map_err(|_| DbError::Malformed("number"))
}

impl Store {
    /// Opens or creates it.
    pub async fn open(file: &Path) -> Result<Self, DbError> {
        Db::open(file, &MIGRATIONS).await.map(Self)
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

    /// Forgets what no later moment needs, and erases it from the disk: of epochs that are over the private keys, the
    /// requests of vouchers spent in them, the accounts' pseudonyms with the key that made them, and the puzzles that
    /// expired on an earlier day too.
    pub async fn forget(&self, now: u64, today: u64) -> Result<(), DbError> {
        let (now, today) = (number(now)?, number(today)?);
        let forgotten = self.0.write(move |tx| Box::pin(forget(tx, now, today))).await?;
        if forgotten > 0 {
            // Until then the rows stand in the write-ahead log.
            self.0.checkpoint().await?;
        }
        Ok(())
    }
}

/// Epochs that are over at `$1`.
const FORGET: [&str; 4] = [
    "UPDATE vouchers SET request_hash = NULL WHERE request_hash IS NOT NULL AND spent_epoch IN \
     (SELECT epoch FROM token_keys WHERE not_after <= $1)",
    "UPDATE token_keys SET pkcs8 = NULL WHERE pkcs8 IS NOT NULL AND not_after <= $1",
    "DELETE FROM accounts WHERE epoch IN (SELECT epoch FROM token_keys WHERE not_after <= $1)",
    "DELETE FROM account_keys WHERE epoch IN (SELECT epoch FROM token_keys WHERE not_after <= $1)",
];

async fn forget(tx: &mut AnyConnection, now: i64, today: i64) -> Result<u64, DbError> {
    let mut touched = 0;
    for sql in FORGET {
        touched += sqlx::query(sql).bind(now).execute(&mut *tx).await?.rows_affected();
    }
    let puzzles = "DELETE FROM puzzles WHERE last_day < $1 AND (epoch = 0 OR epoch IN \
                   (SELECT epoch FROM token_keys WHERE not_after <= $2))";
    touched += sqlx::query(puzzles).bind(today).bind(now).execute(tx).await?.rows_affected();
    Ok(touched)
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
