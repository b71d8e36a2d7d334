//! The store of a host that seals in reporters' place: vouchers, tokens, what is on its way. Texts here are sealed, or say
//! nothing of a person.

use std::path::Path;

use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::token::Token;

use crate::db::{Db, DbError, expect_rows, stored, unsigned};

/// The schema.
pub static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sealing");

/// What is kept for a repeat of the same request, sealed to it.
#[derive(Clone)]
pub struct Kept {
    /// What is sent.
    pub body: Vec<u8>,
    /// The receipt; empty for a later write.
    pub receipt: Vec<u8>,
}

/// What pays for a body that is set aside.
#[derive(Clone)]
pub enum Price {
    /// It costs nothing.
    Nothing,
    /// A token of the stock.
    Stock,
    /// The first of these, with the ends of their keys; the others go into the stock.
    These(Vec<(Token, u64)>),
}

/// What was sealed before.
pub struct Waiting {
    /// The body, sealed to a repeat of the same request, and the token that is set aside for it; none once it is accepted.
    pub unsent: Option<(Vec<u8>, Option<Token>)>,
    /// The receipt, sealed to a repeat of the same request.
    pub receipt: Vec<u8>,
}

/// What is in stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Tokens that are free.
    pub tokens: u64,
    /// Vouchers that have bought nothing yet.
    pub vouchers: u64,
    /// What has no answer of the gateway's.
    pub waiting: u64,
}

/// The store.
#[derive(Clone)]
pub struct Store(Db);

impl Store {
    /// Opens or makes it in the role's folder.
    pub async fn open(dir: &Path) -> Result<Self, DbError> {
        Ok(Self(Db::open(&dir.join("store.sqlite"), &MIGRATIONS).await?))
    }

    /// Takes in codes that were not seen before.
    pub async fn add_vouchers(&self, codes: Vec<String>) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    for code in codes {
                        let put = "INSERT INTO voucher (hash, code) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
                        let hash = sha256(code.as_bytes()).to_vec();
                        sqlx::query(put).bind(hash).bind(code).execute(&mut *tx).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// A code that has bought nothing yet.
    pub async fn voucher(&self) -> Result<Option<String>, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let find = "SELECT code FROM voucher WHERE code IS NOT NULL ORDER BY hash LIMIT 1";
                    let row = sqlx::query(find).fetch_optional(c).await?;
                    row.map(|row| Ok(row.try_get(0)?)).transpose()
                })
            })
            .await
    }

    /// A code has bought these tokens, or none and never will; no code stands for what was no voucher.
    pub async fn bought(
        &self,
        code: Option<String>,
        tokens: impl IntoIterator<Item = (Token, u64)>,
    ) -> Result<(), DbError> {
        let tokens: Vec<_> = tokens.into_iter().collect();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(code) = code {
                        let gone = "UPDATE voucher SET code = NULL WHERE hash = $1";
                        sqlx::query(gone).bind(sha256(code.as_bytes()).to_vec()).execute(&mut *tx).await?;
                    }
                    put_all(tx, tokens).await
                })
            })
            .await
    }

    /// A request's report, if it was sealed before.
    pub async fn waiting(&self, repeat_id: B32) -> Result<Option<Waiting>, DbError> {
        self.0.read(move |c| Box::pin(async move { waiting(c, &repeat_id).await })).await
    }

    /// Sets a token aside for a sealed body, in one transaction, before anything is sent. `None` when none is in stock; what
    /// another request of the same kind has put there meanwhile wins.
    pub async fn set_aside(
        &self,
        repeat_id: B32,
        kept: Kept,
        price: Price,
        until: u64,
    ) -> Result<Option<Waiting>, DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(before) = waiting(tx, &repeat_id).await? {
                        return Ok(Some(before));
                    }
                    let Some((token, not_after)) = pay(tx, price).await? else { return Ok(None) };
                    let put = "INSERT INTO waiting (repeat_id, body, token, not_after, receipt, until) \
                               VALUES ($1, $2, $3, $4, $5, $6)";
                    let done = sqlx::query(put)
                        .bind(repeat_id.to_vec())
                        .bind(kept.body)
                        .bind(token)
                        .bind(not_after)
                        .bind(kept.receipt)
                        .bind(stored(until))
                        .execute(&mut *tx)
                        .await?;
                    expect_rows("waiting", done.rows_affected(), 1)?;
                    waiting(tx, &repeat_id).await
                })
            })
            .await
    }

    /// The gateway has it: the token is used up, the body goes, the receipt stays for a repeat.
    pub async fn accepted(&self, repeat_id: B32, until: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let done = "UPDATE waiting SET body = $2, token = $2, until = $3 WHERE repeat_id = $1";
                    let none: Vec<u8> = Vec::new();
                    sqlx::query(done).bind(repeat_id.to_vec()).bind(none).bind(stored(until)).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// The gateway does not take the token that is set aside: another one. False when none is in stock.
    pub async fn another_token(&self, repeat_id: B32) -> Result<bool, DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let Some((token, not_after)) = take_token(tx).await? else { return Ok(false) };
                    let put = "UPDATE waiting SET token = $2, not_after = $3 WHERE repeat_id = $1";
                    let put = sqlx::query(put).bind(repeat_id.to_vec()).bind(token).bind(not_after);
                    put.execute(tx).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// The gateway did not take the body and won't: it goes, and its token is free again.
    pub async fn give_up(&self, repeat_id: B32) -> Result<(), DbError> {
        self.0.write(move |tx| Box::pin(async move { give_up(tx, &repeat_id).await })).await
    }

    /// Lets go what is over, and moves what was deleted off the disk.
    pub async fn clean(&self, now: u64) -> Result<(), DbError> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let over = "SELECT repeat_id FROM waiting WHERE until <= $1";
                    for row in sqlx::query(over).bind(stored(now)).fetch_all(&mut *tx).await? {
                        give_up(tx, &crate::db::fixed("waiting", &row.try_get::<Vec<u8>, _>(0)?)?).await?;
                    }
                    let old = "DELETE FROM token WHERE not_after <= $1";
                    sqlx::query(old).bind(stored(now)).execute(tx).await?;
                    Ok(())
                })
            })
            .await?;
        self.0.checkpoint().await
    }

    /// Counts.
    pub async fn stock(&self) -> Result<Stock, DbError> {
        self.0
            .read(|c| {
                Box::pin(async move {
                    let count = "SELECT (SELECT COUNT(*) FROM token), \
                                 (SELECT COUNT(*) FROM voucher WHERE code IS NOT NULL), \
                                 (SELECT COUNT(*) FROM waiting WHERE length(body) > 0)";
                    let row = sqlx::query(count).fetch_one(c).await?;
                    let n = |at: usize| unsigned("stock", row.try_get::<i64, _>(at)?);
                    Ok(Stock { tokens: n(0)?, vouchers: n(1)?, waiting: n(2)? })
                })
            })
            .await
    }
}

async fn put_all(tx: &mut AnyConnection, tokens: impl IntoIterator<Item = (Token, u64)>) -> Result<(), DbError> {
    for (token, not_after) in tokens {
        put_token(tx, token.encode().to_vec(), stored(not_after)).await?;
    }
    Ok(())
}

/// The token that is set aside, with the end of its key: no bytes where nothing is to be paid.
async fn pay(tx: &mut AnyConnection, price: Price) -> Result<Option<(Vec<u8>, i64)>, DbError> {
    match price {
        Price::Nothing => Ok(Some((Vec::new(), 0))),
        Price::Stock => take_token(tx).await,
        Price::These(tokens) => {
            let mut tokens = tokens.into_iter();
            let first = tokens.next().map(|(token, not_after)| (token.encode().to_vec(), stored(not_after)));
            put_all(tx, tokens).await?;
            Ok(first)
        }
    }
}

async fn put_token(tx: &mut AnyConnection, token: Vec<u8>, not_after: i64) -> Result<(), DbError> {
    let put = "INSERT INTO token (token, not_after) VALUES ($1, $2)";
    let done = sqlx::query(put).bind(token).bind(not_after).execute(tx).await?;
    expect_rows("token", done.rows_affected(), 1)
}

async fn take_token(tx: &mut AnyConnection) -> Result<Option<(Vec<u8>, i64)>, DbError> {
    let take = "DELETE FROM token WHERE id = (SELECT MIN(id) FROM token) RETURNING token, not_after";
    let row = sqlx::query(take).fetch_optional(tx).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

async fn waiting(c: &mut AnyConnection, repeat_id: &B32) -> Result<Option<Waiting>, DbError> {
    let find = "SELECT body, token, receipt FROM waiting WHERE repeat_id = $1";
    let row = sqlx::query(find).bind(repeat_id.to_vec()).fetch_optional(c).await?;
    row.map(|row| read_waiting(&row)).transpose()
}

fn read_waiting(row: &AnyRow) -> Result<Waiting, DbError> {
    let (body, token): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    let token = match token.as_slice() {
        [] => None,
        token => Some(Token::decode(token).map_err(|_| DbError::Malformed("token"))?),
    };
    Ok(Waiting { unsent: (!body.is_empty()).then_some((body, token)), receipt: row.try_get(2)? })
}

async fn give_up(tx: &mut AnyConnection, repeat_id: &B32) -> Result<(), DbError> {
    let take = "DELETE FROM waiting WHERE repeat_id = $1 RETURNING token, not_after";
    match sqlx::query(take).bind(repeat_id.to_vec()).fetch_optional(&mut *tx).await? {
        Some(row) => {
            let token: Vec<u8> = row.try_get(0)?;
            if token.is_empty() { Ok(()) } else { put_token(tx, token, row.try_get(1)?).await }
        }
        None => Ok(()),
    }
}
