//! What of a store may leave it: a copy for a backup takes the tables that its role says, and never touches the others.
//!
//! The copy is a new file of the same schema, filled in one reading transaction of the running store: all of it is of one
//! moment, and what is left out was never in the file, not even as a deleted page.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection as _, Row as _};

use super::{DbError, Work, schema};

/// What a backup takes of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All rows as they are.
    All,
    /// All rows, with these columns replaced by a constant of SQL.
    Without(&'static [(&'static str, &'static str)]),
    /// None of its rows.
    Nothing,
}

/// A table, and why it is taken or not; `docs/operating.md` has the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What is taken of it.
    pub keep: Keep,
}

impl Table {
    /// All of it.
    #[must_use]
    pub const fn all(name: &'static str) -> Self {
        Self { name, keep: Keep::All }
    }

    /// All of it but these columns.
    #[must_use]
    pub const fn without(name: &'static str, columns: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, keep: Keep::Without(columns) }
    }

    /// None of it.
    #[must_use]
    pub const fn nothing(name: &'static str) -> Self {
        Self { name, keep: Keep::Nothing }
    }
}

/// What a role does to its store when it comes back from a backup, in the transaction that brings it back. The number is
/// the time of the restore in Unix seconds.
pub type Rule = for<'c> fn(&'c mut AnyConnection, u64) -> Work<'c, ()>;

/// A role's say about backups of its store.
pub struct Plan {
    /// The schema.
    pub migrations: &'static Migrator,
    /// Every table of it.
    pub tables: &'static [Table],
    /// What is done when it comes back.
    pub restored: Rule,
}

/// Nothing is to be done.
#[must_use]
pub fn as_it_is(_: &mut AnyConnection, _: u64) -> Work<'_, ()> {
    Box::pin(async { Ok(()) })
}

/// Writes what a plan takes of a store into a new file, also while the role runs. Errors: those of
/// [`schema::standing`]; `Behind` for a store that this program has not upgraded; `Damaged`; `Unlisted` for a table that the
/// plan does not name.
pub async fn copy(store: &Path, to: &Path, plan: &Plan) -> Result<(), DbError> {
    let standing = schema::look(store, plan.migrations).await?;
    if !standing.pending.is_empty() {
        return Err(DbError::Behind);
    }
    super::create_private(to)?;
    let mut c = schema::connect(to).await?;
    plan.migrations.run(&mut c).await?;
    sqlx::query("ATTACH DATABASE $1 AS store").bind(store.display().to_string()).execute(&mut c).await?;
    let mut tx = c.begin().await?;
    for name in tables(&mut tx).await? {
        let table = plan.tables.iter().find(|t| t.name == name).ok_or(DbError::Unlisted(name))?;
        take(&mut tx, table).await?;
    }
    tx.commit().await?;
    c.close().await?;
    // Anew: the check is of the copy alone.
    let mut c = schema::connect(to).await?;
    schema::check_all(&mut c).await?;
    c.close().await?;
    Ok(())
}

async fn take(tx: &mut AnyConnection, table: &Table) -> Result<(), DbError> {
    let name = table.name;
    let (without, rows): (&[(&str, &str)], bool) = match table.keep {
        Keep::All => (&[], true),
        Keep::Without(columns) => (columns, true),
        Keep::Nothing => (&[], false),
    };
    // Rows that a migration itself put in.
    sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM main.\"{name}\""))).execute(&mut *tx).await?;
    if !rows {
        return Ok(());
    }
    let columns = sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{name}')"));
    let columns = sqlx::query(columns).fetch_all(&mut *tx).await?;
    let columns: Vec<String> = columns.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    // A column that got another name must not leave the store under it.
    if let Some((gone, _)) = without.iter().find(|(left, _)| columns.iter().all(|column| column != left)) {
        return Err(DbError::Unlisted(format!("{name}.{gone}")));
    }
    let value = |column: &String| {
        let constant = without.iter().find(|(left, _)| left == column).map(|(_, constant)| (*constant).to_owned());
        constant.unwrap_or_else(|| format!("\"{column}\""))
    };
    let values = columns.iter().map(value).collect::<Vec<_>>().join(", ");
    let names = columns.iter().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT INTO main.\"{name}\" ({names}) SELECT {values} FROM store.\"{name}\"");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(tx).await?;
    Ok(())
}

/// The tables of a schema, but for SQLite's and the migrations' own.
async fn tables(c: &mut AnyConnection) -> Result<Vec<String>, DbError> {
    let sql = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND name <> '_sqlx_migrations' ORDER BY name";
    Ok(sqlx::query(sql).fetch_all(c).await?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Every table that a role's migrations make.
pub async fn tables_of(migrations: &Migrator) -> Result<Vec<String>, DbError> {
    sqlx::any::install_default_drivers();
    let mut c = AnyConnection::connect("sqlite::memory:").await?;
    migrations.run(&mut c).await?;
    tables(&mut c).await
}

/// Checks a file that came out of a backup, brings it to the newest schema, and applies its role's rule: all before it
/// becomes the store. Errors: `Damaged`, those of [`schema::migrate`] and of the rule.
pub async fn revive(file: &Path, plan: &Plan, now: u64) -> Result<(), DbError> {
    let mut c = schema::connect(file).await?;
    schema::check_all(&mut c).await?;
    schema::migrate(&mut c, plan.migrations).await?;
    let mut tx = c.begin().await?;
    (plan.restored)(&mut tx, now).await?;
    tx.commit().await?;
    schema::check_all(&mut c).await?;
    c.close().await?;
    Ok(())
}

/// [`revive`] without the rule, for who only looks whether a backup would come back: what it would be upgraded by.
pub async fn examine(file: &Path, plan: &Plan) -> Result<schema::Standing, DbError> {
    let mut c = schema::connect(file).await?;
    schema::check_all(&mut c).await?;
    let standing = schema::migrate(&mut c, plan.migrations).await?;
    c.close().await?;
    Ok(standing)
}
