//! Cases: what is kept of a report once its content is on its way, and the marks of those that were erased.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tabir_crypto::B32;
use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::Statement;

use super::{ROW, flag, hash, int, number};
use crate::db::{DbError, expect_rows};

/// A row of `cases`.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // `docs/protocol.md` has the meaning of each
pub struct Case {
    pub case_id: B32,
    pub reference: String,
    pub access_hash: B32,
    pub case_vk: VerifyingKey,
    /// 1,216 bytes; empty after an erasure.
    pub mailbox_pk: Vec<u8>,
    pub a: B32,
    pub b: B32,
    pub nf: B32,
    pub notice_key: B32,
    pub content_hash: B32,
    pub envelope_hash: B32,
    /// Window, and its deadline D.
    pub w: u64,
    pub deadline: u64,
    /// When it was accepted, cut to the hour.
    pub hour: u64,
    /// Counter of the reporter's last write, and number of his last message.
    pub counter: u64,
    pub seq: u64,
    /// SHA-256 of the last write's request body: the same again gets the same answer. Zeros before the first.
    pub last_write: B32,
    pub sent: bool,
    /// Open questions.
    pub questions: u64,
    pub rated: bool,
    pub disputed: bool,
    pub erased: bool,
}

fn read(row: &AnyRow) -> Result<Case, DbError> {
    let case_vk = row.try_get::<Vec<u8>, _>("case_vk")?;
    Ok(Case {
        case_id: hash(row, "case_id")?,
        reference: row.try_get("reference")?,
        access_hash: hash(row, "access_hash")?,
        case_vk: VerifyingKey::from_bytes(&case_vk).map_err(|_| DbError::Malformed(ROW))?,
        mailbox_pk: row.try_get("mailbox_pk")?,
        a: hash(row, "a")?,
        b: hash(row, "b")?,
        nf: hash(row, "nf")?,
        notice_key: hash(row, "notice_key")?,
        content_hash: hash(row, "content_hash")?,
        envelope_hash: hash(row, "envelope_hash")?,
        w: number(row, "w")?,
        deadline: number(row, "deadline")?,
        hour: number(row, "hour")?,
        counter: number(row, "counter")?,
        seq: number(row, "seq")?,
        last_write: hash(row, "last_write")?,
        sent: flag(row, "sent")?,
        questions: number(row, "questions")?,
        rated: flag(row, "rated")?,
        disputed: flag(row, "disputed")?,
        erased: flag(row, "erased")?,
    })
}

/// A case by its id.
pub async fn by_id(tx: &mut AnyConnection, case_id: &B32) -> Result<Option<Case>, DbError> {
    let query = sqlx::query("SELECT * FROM cases WHERE case_id = $1").bind(case_id.to_vec());
    query.fetch_optional(tx).await?.as_ref().map(read).transpose()
}

/// A case by the SHA-256 of its access key.
pub async fn by_access(tx: &mut AnyConnection, access_hash: &B32) -> Result<Option<Case>, DbError> {
    let query = sqlx::query("SELECT * FROM cases WHERE access_hash = $1").bind(access_hash.to_vec());
    query.fetch_optional(tx).await?.as_ref().map(read).transpose()
}

/// A case by its reference.
pub async fn by_reference(tx: &mut AnyConnection, reference: &str) -> Result<Option<Case>, DbError> {
    let query = sqlx::query("SELECT * FROM cases WHERE reference = $1").bind(reference.to_owned());
    query.fetch_optional(tx).await?.as_ref().map(read).transpose()
}

/// Whether another case has this reference, this nf, or this access key. An nf under two cases would make a window of
/// the log one report short, and look like a drop.
pub async fn is_taken(tx: &mut AnyConnection, reference: &str, nf: &B32, access_hash: &B32) -> Result<bool, DbError> {
    let query = sqlx::query("SELECT COUNT(*) FROM cases WHERE reference = $1 OR nf = $2 OR access_hash = $3")
        .bind(reference.to_owned())
        .bind(nf.to_vec())
        .bind(access_hash.to_vec());
    let found: i64 = query.fetch_one(tx).await?.try_get(0)?;
    Ok(found > 0)
}

/// Keeps a new case.
pub async fn insert(tx: &mut AnyConnection, case: &Case) -> Result<(), DbError> {
    let done = sqlx::query(
        "INSERT INTO cases (case_id, reference, access_hash, case_vk, mailbox_pk, a, b, nf, notice_key, content_hash, \
         envelope_hash, w, deadline, hour, counter, seq, last_write, sent, questions, rated, disputed, erased) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, $15, 0, 0, 0, 0, 0)",
    )
    .bind(case.case_id.to_vec())
    .bind(case.reference.clone())
    .bind(case.access_hash.to_vec())
    .bind(case.case_vk.as_bytes().to_vec())
    .bind(case.mailbox_pk.clone())
    .bind(case.a.to_vec())
    .bind(case.b.to_vec())
    .bind(case.nf.to_vec())
    .bind(case.notice_key.to_vec())
    .bind(case.content_hash.to_vec())
    .bind(case.envelope_hash.to_vec())
    .bind(int(case.w)?)
    .bind(int(case.deadline)?)
    .bind(int(case.hour)?)
    .bind(case.last_write.to_vec())
    .execute(tx)
    .await?;
    expect_rows("cases", done.rows_affected(), 1)
}

/// Writes back what later writes and events change.
pub async fn update(tx: &mut AnyConnection, case: &Case) -> Result<(), DbError> {
    let done = sqlx::query(
        "UPDATE cases SET mailbox_pk = $2, counter = $3, seq = $4, last_write = $5, sent = $6, questions = $7, \
         rated = $8, disputed = $9, erased = $10 WHERE case_id = $1",
    )
    .bind(case.case_id.to_vec())
    .bind(case.mailbox_pk.clone())
    .bind(int(case.counter)?)
    .bind(int(case.seq)?)
    .bind(case.last_write.to_vec())
    .bind(i64::from(case.sent))
    .bind(int(case.questions)?)
    .bind(i64::from(case.rated))
    .bind(i64::from(case.disputed))
    .bind(i64::from(case.erased))
    .execute(tx)
    .await?;
    expect_rows("cases", done.rows_affected(), 1)
}

/// Whether a case was erased by its reporter, however long ago.
pub async fn has_tombstone(tx: &mut AnyConnection, case_id: &B32) -> Result<bool, DbError> {
    let query = sqlx::query("SELECT 1 FROM tombstones WHERE tombstone = $1").bind(sha256(case_id).to_vec());
    Ok(query.fetch_optional(tx).await?.is_some())
}

/// An erasure that waits for the log, or for its two further deadlines.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Erasure {
    pub case_id: B32,
    pub w: u64,
    pub nf: B32,
    pub salt: B32,
    pub statement: Vec<u8>,
}

/// Marks a case as erased, for ever, and keeps what shows who did it.
pub async fn bury(tx: &mut AnyConnection, case: &Case, salt: &B32, statement: &Statement) -> Result<(), DbError> {
    let done = sqlx::query("INSERT INTO tombstones (tombstone) VALUES ($1)")
        .bind(sha256(&case.case_id).to_vec())
        .execute(&mut *tx)
        .await?;
    expect_rows("tombstones", done.rows_affected(), 1)?;
    let done = sqlx::query("INSERT INTO erasures (case_id, w, nf, salt, statement) VALUES ($1, $2, $3, $4, $5)")
        .bind(case.case_id.to_vec())
        .bind(int(case.w)?)
        .bind(case.nf.to_vec())
        .bind(salt.to_vec())
        .bind(statement.to_bytes())
        .execute(tx)
        .await?;
    expect_rows("erasures", done.rows_affected(), 1)
}

/// Erasures of closed windows that no log has yet, by window and nf.
pub async fn unlogged_erasures(tx: &mut AnyConnection) -> Result<Vec<Erasure>, DbError> {
    let rows = sqlx::query(
        "SELECT e.case_id, e.w, e.nf, e.salt, e.statement FROM erasures e JOIN windows w ON w.w = e.w \
         WHERE e.purge_at IS NULL AND w.closed = 1 ORDER BY e.w, e.nf",
    )
    .fetch_all(tx)
    .await?;
    let read = |row: &AnyRow| {
        Ok(Erasure {
            case_id: hash(row, 0)?,
            w: number(row, 1)?,
            nf: hash(row, 2)?,
            salt: hash(row, 3)?,
            statement: row.try_get(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The erasure of the report with this a and nf, while it is kept: its case, salt and statement.
pub async fn erasure(tx: &mut AnyConnection, a: &B32, nf: &B32) -> Result<Option<(Case, B32, Vec<u8>)>, DbError> {
    let query = sqlx::query(
        "SELECT c.*, e.salt AS erasure_salt, e.statement AS erasure_statement FROM cases c \
         JOIN erasures e ON e.case_id = c.case_id WHERE c.a = $1 AND c.nf = $2",
    );
    let row = query.bind(a.to_vec()).bind(nf.to_vec()).fetch_optional(tx).await?;
    let read = |row: &AnyRow| Ok((read(row)?, hash(row, "erasure_salt")?, row.try_get("erasure_statement")?));
    row.as_ref().map(read).transpose()
}

/// An erasure is logged; the rest of it goes at that time.
pub async fn purge_later(tx: &mut AnyConnection, case_id: &B32, at: u64) -> Result<(), DbError> {
    let done = sqlx::query("UPDATE erasures SET purge_at = $2 WHERE case_id = $1")
        .bind(case_id.to_vec())
        .bind(int(at)?)
        .execute(tx)
        .await?;
    expect_rows("erasures", done.rows_affected(), 1)
}

/// Deletes what is left of cases whose time after the erasure is over, unless a live request holds their envelope.
pub async fn purge(tx: &mut AnyConnection, now: u64) -> Result<(), DbError> {
    let due = "SELECT case_id FROM erasures WHERE purge_at <= $1 AND case_id NOT IN (SELECT case_id FROM holds)";
    let rows = sqlx::query(due).bind(int(now)?).fetch_all(&mut *tx).await?;
    for row in rows {
        let case_id = row.try_get::<Vec<u8>, _>(0)?;
        sqlx::query("DELETE FROM cases WHERE case_id = $1").bind(case_id.clone()).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM erasures WHERE case_id = $1").bind(case_id).execute(&mut *tx).await?;
    }
    Ok(())
}
