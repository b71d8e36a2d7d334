//! Spent tokens and retired token keys.

use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;

use super::{ROW, int};
use crate::db::{DbError, fixed};

/// What is kept of a redeemed token.
#[derive(Clone, Debug)]
pub struct Spending {
    /// SHA-256 of the token key's SPKI.
    pub token_key_id: B32,
    /// The token's nonce.
    pub nonce: B32,
    /// Ties it to one request; see `tabir_crypto::submission::body_tag`.
    pub body_tag: B32,
    /// Days since 1970.
    pub day: u64,
}

/// What the store knows of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it can be spent.
    Unspent,
    /// Spent, with the tag of its request while that is kept.
    Spent(Option<B32>),
    /// Its key is over.
    Retired,
}

/// Looks a token up.
pub async fn lookup(tx: &mut AnyConnection, token: &Spending) -> Result<Known, DbError> {
    if is_retired(tx, &token.token_key_id).await? {
        return Ok(Known::Retired);
    }
    let row = sqlx::query("SELECT body_tag FROM spent WHERE token_key_id = $1 AND nonce = $2")
        .bind(token.token_key_id.to_vec())
        .bind(token.nonce.to_vec())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(Known::Unspent) };
    let tag = row.try_get::<Option<Vec<u8>>, _>(0)?;
    Ok(Known::Spent(tag.map(|tag| fixed(ROW, &tag)).transpose()?))
}

/// Spends a token, if it is unspent. False: somebody else did.
pub async fn insert(tx: &mut AnyConnection, token: &Spending) -> Result<bool, DbError> {
    let done = sqlx::query(
        "INSERT INTO spent (token_key_id, nonce, body_tag, day) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (token_key_id, nonce) DO NOTHING",
    )
    .bind(token.token_key_id.to_vec())
    .bind(token.nonce.to_vec())
    .bind(token.body_tag.to_vec())
    .bind(int(token.day)?)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets the tags of tokens that were spent before a day.
pub async fn forget_tags(tx: &mut AnyConnection, before: u64) -> Result<(), DbError> {
    sqlx::query("UPDATE spent SET body_tag = NULL WHERE day < $1 AND body_tag IS NOT NULL")
        .bind(int(before)?)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether a token key is over.
pub async fn is_retired(tx: &mut AnyConnection, token_key_id: &B32) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT 1 FROM retired WHERE token_key_id = $1")
        .bind(token_key_id.to_vec())
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

/// Ends a token key for ever and drops what was spent of it.
pub async fn retire(tx: &mut AnyConnection, token_key_id: &B32) -> Result<(), DbError> {
    sqlx::query("INSERT INTO retired (token_key_id) VALUES ($1) ON CONFLICT (token_key_id) DO NOTHING")
        .bind(token_key_id.to_vec())
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM spent WHERE token_key_id = $1").bind(token_key_id.to_vec()).execute(tx).await?;
    Ok(())
}
