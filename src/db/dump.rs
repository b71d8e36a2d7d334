//! Everything that a SQLite file stores, value by value: for attacks that try what a thief of the file could try.

use std::path::Path;

use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

use super::DbError;

/// Every blob and text of every table, in no particular order.
pub async fn every_value(file: &Path) -> Result<Vec<Vec<u8>>, DbError> {
    sqlx::any::install_default_drivers();
    let mut c = AnyConnection::connect(&format!("sqlite://{}", file.display())).await?;
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
