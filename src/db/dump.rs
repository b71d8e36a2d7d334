//! Everything that a SQLite file stores, value by value: for attacks that try what a thief of the file could try.

use std::path::Path;

use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

use super::DbError;

async fn open(file: &Path) -> Result<AnyConnection, DbError> {
    sqlx::any::install_default_drivers();
    Ok(AnyConnection::connect(&format!("sqlite://{}", file.display())).await?)
}

/// Every blob and text of every table, in no particular order.
pub async fn every_value(file: &Path) -> Result<Vec<Vec<u8>>, DbError> {
    let mut c = open(file).await?;
    let mut values = Vec::new();
    for table in names(&mut c, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").await? {
        let columns = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name");
        for column in names(&mut c, &columns).await? {
            let sql = format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
            for row in c.fetch_all(sqlx::AssertSqlSafe(sql)).await? {
                values.push(row.try_get::<Vec<u8>, _>(0)?);
            }
        }
    }
    c.close().await?;
    Ok(values)
}

async fn names(c: &mut AnyConnection, sql: &str) -> Result<Vec<String>, DbError> {
    let rows = c.fetch_all(sqlx::AssertSqlSafe(sql.to_owned())).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// How many rows of a table belong to a case.
pub async fn rows_of_case(file: &Path, table: &'static str, case_id: &[u8; 32]) -> Result<i64, DbError> {
    let mut c = open(file).await?;
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE case_id = $1"));
    let count = sqlx::query(sql).bind(case_id.to_vec()).fetch_one(&mut c).await?.try_get(0)?;
    c.close().await?;
    Ok(count)
}

/// What somebody with access to a role's machine could do: deletes a case from every table that names it.
pub async fn delete_case(file: &Path, case_id: &[u8; 32]) -> Result<(), DbError> {
    let mut c = open(file).await?;
    let tables = "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) p \
                  WHERE m.type = 'table' AND p.name = 'case_id' ORDER BY m.name";
    for table in names(&mut c, tables).await? {
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM \"{table}\" WHERE case_id = $1"));
        sqlx::query(sql).bind(case_id.to_vec()).execute(&mut c).await?;
    }
    c.close().await?;
    Ok(())
}
