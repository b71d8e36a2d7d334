//! What it costs to spend a token when 10^3, 10^5 and 10^7 were spent before: the gateway's own store and statements, many
//! at a time, as redemptions come under load.

use std::path::Path;

use rand_core::Rng as _;
use sqlx::{Connection as _, SqliteConnection};
use tabir::clock::Random;
use tabir::db::Db;
use tabir::gateway::store::MIGRATIONS;
use tabir::gateway::store::spent::{Spending, insert, lookup};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Outcome;
use crate::figures::Row;

/// Spent before, and the row's name.
const SIZES: [(u32, &str); 3] = [(1_000, "redeem_us_1e3"), (100_000, "redeem_us_1e5"), (10_000_000, "redeem_us_1e7")];
/// Runs of each, the sizes in turn.
const RUNS: usize = 5;
/// Redemptions of a run, and how many are under way at a time.
const REDEMPTIONS: usize = 2_048;
const AT_ONCE: usize = 64;
/// The token key that all were spent of.
const KEY: [u8; 32] = [7; 32];
/// Days since 1970 of all of them.
const DAY: u64 = 20_000;

/// A store with so many spent tokens, put there in one statement; their tags are forgotten, as after two days.
async fn filled(file: &Path, count: u32) -> Outcome<Db> {
    Db::open(file, &MIGRATIONS).await?.close().await;
    let mut fast = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    sqlx::raw_sql("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF").execute(&mut fast).await?;
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO spent (token_key_id, nonce, body_tag, day) \
         SELECT $2, r, NULL, $3 FROM (SELECT randomblob(32) AS r FROM n ORDER BY r)",
    )
    .bind(i64::from(count))
    .bind(KEY.to_vec())
    .bind(i64::try_from(DAY)?)
    .execute(&mut fast)
    .await?;
    fast.close().await?;
    Ok(Db::open(file, &MIGRATIONS).await?)
}

fn fresh() -> Spending {
    let mut spending = Spending { token_key_id: KEY, nonce: [0; 32], body_tag: [1; 32], day: DAY };
    Random.fill_bytes(&mut spending.nonce);
    spending
}

/// Microseconds for one redemption.
async fn run(db: &Db) -> Outcome<f64> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let db = db.clone();
        tasks.spawn(async move {
            for _ in 0..REDEMPTIONS / AT_ONCE {
                let token = fresh();
                db.write(move |tx| {
                    Box::pin(async move {
                        lookup(tx, &token).await?;
                        insert(tx, &token).await
                    })
                })
                .await?;
            }
            Ok::<_, tabir::db::DbError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / REDEMPTIONS as f64)
}

/// A row for each size, beside the smallest.
pub async fn rows() -> Outcome<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let mut stores = Vec::new();
    for (count, what) in SIZES {
        eprintln!("{count} spent tokens");
        stores.push((filled(&dir.path().join(format!("{what}.sqlite")), count).await?, what, Vec::new()));
    }
    for _ in 0..RUNS {
        for (db, _, times) in &mut stores {
            times.push(run(db).await?);
        }
    }
    let smallest = stores.first().map(|(_, _, times)| times.clone()).unwrap_or_default();
    let note = format!("{REDEMPTIONS} a run, {AT_ONCE} at a time: looked up, inserted, committed together and synced.");
    let row = |(_, what, times): &(Db, &'static str, Vec<f64>)| {
        Row::new(what, "us", times, note.clone()).beside("redeem_us_1e3", &smallest)
    };
    Ok(stores.iter().map(row).collect())
}
