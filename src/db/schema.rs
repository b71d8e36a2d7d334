//! Whether a store is sound, and the way from the schema that it has to the newest one: whole or not at all.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

use super::DbError;

/// How a store's schema stands to the program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The number of its newest migration; `None` for an empty store.
    pub has: Option<i64>,
    /// What it lacks: number and name, in order.
    pub pending: Vec<(i64, String)>,
}

/// The number of a program's newest migration.
#[must_use]
pub fn newest(migrations: &Migrator) -> i64 {
    migrations.iter().map(|m| m.version).max().unwrap_or(0)
}

/// Looks, and changes nothing. Errors: `Newer` for a store that a later program wrote, `Schema` for one whose migrations are
/// not those of this program.
pub async fn standing(c: &mut AnyConnection, migrations: &Migrator) -> Result<Standing, DbError> {
    let known = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
    let applied: Vec<(i64, Vec<u8>)> = if sqlx::query(known).fetch_one(&mut *c).await?.try_get::<i64, _>(0)? == 0 {
        Vec::new()
    } else {
        let applied = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
        let rows = sqlx::query(applied).fetch_all(&mut *c).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?
    };
    let newest = newest(migrations);
    for (version, checksum) in &applied {
        match migrations.iter().find(|m| m.version == *version) {
            None if *version > newest => return Err(DbError::Newer(*version, newest)),
            Some(ours) if *ours.checksum == **checksum => {}
            _ => return Err(DbError::Schema(*version)),
        }
    }
    let lacks = migrations.iter().filter(|m| !applied.iter().any(|(version, _)| *version == m.version));
    let pending = lacks.map(|m| (m.version, m.description.to_string())).collect();
    Ok(Standing { has: applied.last().map(|(version, _)| *version), pending })
}

/// Brings a store to the newest schema, in one transaction: a crash leaves the schema that was, or the newest.
/// Errors: those of [`standing`], `Migrate`.
pub async fn migrate(c: &mut AnyConnection, migrations: &Migrator) -> Result<Standing, DbError> {
    let standing = standing(c, migrations).await?;
    if !standing.pending.is_empty() {
        // Immediate: of two processes that start on one store, the second waits, and then finds nothing to do.
        let mut tx = c.begin_with("BEGIN IMMEDIATE").await?;
        migrations.run(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(standing)
}

/// Finds pages that are not what SQLite wrote: a torn tree, a wrong order, an impossible length. What it can't find is a
/// changed byte inside a value. Error: `Damaged`.
pub async fn check(c: &mut AnyConnection) -> Result<(), DbError> {
    let found: String = sqlx::query("PRAGMA quick_check(1)").fetch_one(c).await?.try_get(0)?;
    if found == "ok" { Ok(()) } else { Err(DbError::Damaged) }
}

/// [`check`], and that every index has what its table has: for a file that came from elsewhere. Error: `Damaged`.
pub async fn check_all(c: &mut AnyConnection) -> Result<(), DbError> {
    let found: String = sqlx::query("PRAGMA integrity_check(1)").fetch_one(c).await?.try_get(0)?;
    if found == "ok" { Ok(()) } else { Err(DbError::Damaged) }
}

/// A connection to a file that is there.
pub(super) async fn connect(file: &Path) -> Result<AnyConnection, DbError> {
    sqlx::any::install_default_drivers();
    let mut c = AnyConnection::connect(&format!("sqlite://{}?mode=rw", file.display())).await?;
    c.execute("PRAGMA busy_timeout = 10000; PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF").await?;
    Ok(c)
}

/// How a store's file stands, without a change to it. Errors: those of [`standing`], `Damaged`.
pub async fn look(file: &Path, migrations: &Migrator) -> Result<Standing, DbError> {
    let mut c = connect(file).await?;
    check(&mut c).await?;
    let standing = standing(&mut c, migrations).await?;
    c.close().await?;
    Ok(standing)
}

/// [`migrate`] of a store's file. Errors: those of [`migrate`], `Damaged`.
pub async fn upgrade(file: &Path, migrations: &Migrator) -> Result<Standing, DbError> {
    let mut c = connect(file).await?;
    check(&mut c).await?;
    let standing = migrate(&mut c, migrations).await?;
    check(&mut c).await?;
    c.close().await?;
    Ok(standing)
}

/// Tries [`upgrade`] on a copy, which is made at `trial` and removed again: the store itself stays as it is.
pub async fn try_upgrade(file: &Path, trial: &Path, migrations: &Migrator) -> Result<Standing, DbError> {
    let remove = || std::fs::remove_file(trial);
    // What a killed trial left. That there is none is as it should be.
    let _ = remove();
    super::create_private(trial)?;
    let tried = async {
        let mut c = connect(file).await?;
        check(&mut c).await?;
        // Into the empty file, which has the mode of a store already.
        sqlx::query("VACUUM INTO $1").bind(trial.display().to_string()).execute(&mut c).await?;
        c.close().await?;
        upgrade(trial, migrations).await
    };
    let standing = tried.await;
    remove().map_err(sqlx::Error::from)?;
    standing
}
