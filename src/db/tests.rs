//! The writer's promises: durable when acknowledged, one failing job does not take others with it.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Executor as _, Row as _};

use super::*;

fn migrator() -> Migrator {
    let sql = sqlx::SqlSafeStr::into_sql_str("CREATE TABLE x (a BIGINT PRIMARY KEY, b BYTEA, c TEXT)");
    let one = Migration::new(1, "x".into(), MigrationType::Simple, sql, false);
    Migrator { migrations: vec![one].into(), ..Migrator::DEFAULT }
}

async fn insert(db: &Db, a: i64, fail: bool) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            sqlx::query("INSERT INTO x (a, b, c) VALUES ($1, $2, $3)")
                .bind(a)
                .bind(vec![1u8, 2, 3])
                .bind("text")
                .execute(&mut *tx)
                .await?;
            if fail { Err(DbError::Malformed("on purpose")) } else { Ok(()) }
        })
    })
    .await
}

async fn count(db: &Db) -> i64 {
    db.read(|c| Box::pin(async move { Ok(c.fetch_one("SELECT COUNT(*) FROM x").await?.try_get(0)?) })).await.unwrap()
}

#[tokio::test]
async fn a_failing_job_of_a_batch_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&dir.path().join("x.sqlite"), &migrator()).await.unwrap();
    let jobs: Vec<_> = (0..50)
        .map(|i| {
            let db = db.clone();
            tokio::spawn(async move { insert(&db, i, i % 5 == 0).await.is_ok() })
        })
        .collect();
    let mut kept = 0;
    for job in jobs {
        kept += i64::from(job.await.unwrap());
    }
    assert_eq!(kept, 40);
    assert_eq!(count(&db).await, 40);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_reopen_and_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    let db = Db::open(&file, &migrator()).await.unwrap();
    insert(&db, 1, false).await.unwrap();
    assert!(insert(&db, 1, false).await.is_err());
    drop(db);
    let db = Db::open(&file, &migrator()).await.unwrap();
    assert_eq!(count(&db).await, 1);
    let blob: Vec<u8> =
        db.read(|c| Box::pin(async move { Ok(c.fetch_one("SELECT b FROM x").await?.try_get(0)?) })).await.unwrap();
    assert_eq!(blob, [1, 2, 3]);
}

#[tokio::test]
async fn a_deleted_value_leaves_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&dir.path().join("x.sqlite"), &migrator()).await.unwrap();
    let secret = b"leaves-the-files".to_vec();
    let planted = secret.clone();
    db.write(move |tx| {
        Box::pin(async move {
            sqlx::query("INSERT INTO x (a, b) VALUES (7, $1)").bind(planted).execute(tx).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
    let found = |dir: &std::path::Path| {
        std::fs::read_dir(dir).unwrap().any(|f| {
            let bytes = std::fs::read(f.unwrap().path()).unwrap();
            bytes.windows(secret.len()).any(|w| w == secret)
        })
    };
    assert!(found(dir.path()), "the search itself must be able to find it");
    db.write(|tx| {
        Box::pin(async move {
            sqlx::query("DELETE FROM x WHERE a = 7").execute(tx).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
    db.checkpoint().await.unwrap();
    assert!(!found(dir.path()));
}

#[tokio::test]
async fn only_the_owner_can_read_a_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&dir.path().join("x.sqlite"), &migrator()).await.unwrap();
    insert(&db, 1, false).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap()).collect();
    assert!(files.len() > 1, "the write-ahead log is one of them");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_statements_of_one_reading_see_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&dir.path().join("x.sqlite"), &migrator()).await.unwrap();
    let ((begun, has_begun), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel::<()>());
    let reader = db.clone();
    let reading = tokio::spawn(async move {
        reader
            .read(move |c| {
                Box::pin(async move {
                    let count = "SELECT COUNT(*) FROM x";
                    let before: i64 = c.fetch_one(count).await?.try_get(0)?;
                    begun.send(()).unwrap();
                    may_go_on.await.unwrap();
                    let after: i64 = c.fetch_one(count).await?.try_get(0)?;
                    Ok((before, after))
                })
            })
            .await
    });
    has_begun.await.unwrap();
    insert(&db, 1, false).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), (0, 0), "what was written meanwhile");
    assert_eq!(count(&db).await, 1);
}

async fn fill(db: &Db, a: i64) -> Result<(), DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            let put = sqlx::query("INSERT INTO x (a, b, c) VALUES ($1, $2, 'text')").bind(a).bind(vec![7_u8; 8000]);
            put.execute(tx).await?;
            Ok(())
        })
    })
    .await
}

/// The quota of SQLite stands for the disk: both answer with the same code.
async fn quota(db: &Db, pages: &'static str) {
    db.write(move |tx| {
        Box::pin(async move {
            tx.execute(pages).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_full_disk_is_said_and_the_store_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&dir.path().join("x.sqlite"), &migrator()).await.unwrap();
    quota(&db, "PRAGMA max_page_count = 20").await;
    let mut a = 0;
    let refused = loop {
        match fill(&db, a).await {
            Ok(()) => a += 1,
            Err(e) => break e,
        }
        assert!(a < 20);
    };
    assert!(matches!(refused, DbError::Full), "{refused}");
    assert_eq!(count(&db).await, a);
    assert!(matches!(fill(&db, a).await, Err(DbError::Full)));
    quota(&db, "PRAGMA max_page_count = 1000").await;
    fill(&db, a).await.unwrap();
    assert_eq!(count(&db).await, a + 1);
}

fn steps(texts: &[&'static str]) -> Migrator {
    let steps = (1..).zip(texts).map(|(version, text)| {
        let sql = sqlx::SqlSafeStr::into_sql_str(*text);
        Migration::new(version, format!("step {version}").into(), MigrationType::Simple, sql, false)
    });
    Migrator { migrations: steps.collect(), ..Migrator::DEFAULT }
}

const FIRST: &str = "CREATE TABLE x (a BIGINT PRIMARY KEY, b BYTEA, c TEXT)";
const SECOND: &str = "CREATE TABLE y (a BIGINT)";
const THIRD: &str = "ALTER TABLE x ADD COLUMN d TEXT";

/// Numbers of the steps that a file has and lacks.
async fn stands(file: &Path, to: &Migrator) -> (Option<i64>, Vec<i64>) {
    let standing = schema::look(file, to).await.unwrap();
    (standing.has, standing.pending.into_iter().map(|(version, _)| version).collect())
}

#[tokio::test]
async fn an_upgrade_that_ends_in_the_middle_leaves_the_old_schema_and_the_next_one_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    let db = Db::open(&file, &steps(&[FIRST])).await.unwrap();
    insert(&db, 1, false).await.unwrap();
    db.close().await;
    let (good, bad) =
        (steps(&[FIRST, SECOND, THIRD]), steps(&[FIRST, SECOND, "ALTER TABLE nothing ADD COLUMN d TEXT"]));
    assert!(schema::upgrade(&file, &bad).await.is_err());
    assert_eq!(stands(&file, &good).await, (Some(1), vec![2, 3]), "the second step is undone with the third");

    // The process dies after the last step and before the commit.
    let mut c = schema::connect(&file).await.unwrap();
    let mut tx = c.begin_with("BEGIN IMMEDIATE").await.unwrap();
    good.run(&mut *tx).await.unwrap();
    drop(tx);
    drop(c);
    assert_eq!(stands(&file, &good).await, (Some(1), vec![2, 3]));

    let db = Db::open(&file, &good).await.unwrap();
    assert_eq!(count(&db).await, 1);
    db.close().await;
    assert_eq!(stands(&file, &good).await, (Some(3), vec![]));
}

#[tokio::test]
async fn a_store_of_a_later_program_or_another_line_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    Db::open(&file, &steps(&[FIRST, SECOND])).await.unwrap().close().await;
    let newer = Db::open(&file, &steps(&[FIRST])).await.err();
    assert!(matches!(newer, Some(DbError::Newer(2, 1))), "{newer:?}");
    let other = Db::open(&file, &steps(&[FIRST, THIRD])).await.err();
    assert!(matches!(other, Some(DbError::Schema(2))), "{other:?}");
}

#[tokio::test]
async fn a_dry_run_upgrades_a_copy_and_leaves_the_store_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (file, trial) = (dir.path().join("x.sqlite"), dir.path().join("trial.sqlite"));
    let db = Db::open(&file, &steps(&[FIRST])).await.unwrap();
    insert(&db, 1, false).await.unwrap();
    db.close().await;
    let before = std::fs::read(&file).unwrap();
    let newest = steps(&[FIRST, SECOND]);
    let tried = schema::try_upgrade(&file, &trial, &newest).await.unwrap();
    assert_eq!(tried.pending, [(2, "step 2".to_owned())]);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert!(!trial.exists());
    let bad = steps(&[FIRST, "ALTER TABLE nothing ADD COLUMN d TEXT"]);
    assert!(schema::try_upgrade(&file, &trial, &bad).await.is_err());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert!(!trial.exists());
}

/// A store of many pages, closed.
async fn large(file: &Path) {
    let db = Db::open(file, &migrator()).await.unwrap();
    let fill = db.write(|tx| {
        Box::pin(async move {
            for a in 0..4_000_i64 {
                let row = sqlx::query("INSERT INTO x (a, b, c) VALUES ($1, $2, 'text')");
                row.bind(a).bind(vec![7_u8; 400]).execute(&mut *tx).await?;
            }
            Ok(())
        })
    });
    fill.await.unwrap();
    db.close().await;
}

/// Overwrites every page but the first few, as a disk that lost them.
fn damage(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    assert!(bytes.len() > 64 * 4096);
    for page in bytes.chunks_mut(4096).skip(8) {
        page[..64].fill(0xa5);
    }
    // In place: the open connections have this very file.
    use std::io::Write as _;
    std::fs::OpenOptions::new().write(true).open(file).unwrap().write_all(&bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_page_is_found_at_the_start_and_nothing_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    large(&file).await;
    damage(&file);
    assert!(matches!(Db::open(&file, &migrator()).await.err(), Some(DbError::Damaged)));
    std::fs::write(&file, "no database at all, but longer than a header of one would be: ".repeat(20)).unwrap();
    assert!(matches!(Db::open(&file, &migrator()).await.err(), Some(DbError::Damaged)));
}

#[tokio::test]
async fn a_page_that_is_damaged_while_the_store_runs_is_found_when_it_is_read_and_ends_all_serving() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    large(&file).await;
    let db = Db::open(&file, &migrator()).await.unwrap();
    damage(&file);
    let all = |db: Db| async move {
        db.read(|c| Box::pin(async move { Ok(c.fetch_all("SELECT a, b FROM x ORDER BY a").await?.len()) })).await
    };
    assert!(matches!(all(db.clone()).await, Err(DbError::Damaged)));
    let harmless = db.read(|c| Box::pin(async move { Ok(c.fetch_one("SELECT 1").await?.len()) })).await;
    assert!(matches!(harmless, Err(DbError::Damaged)), "what needs no damaged page either");
    assert!(matches!(insert(&db, 9_999, false).await, Err(DbError::Damaged)));
}

#[tokio::test]
async fn a_plan_that_does_not_fit_the_schema_copies_nothing() {
    const GONE: &[copy::Table] = &[copy::Table::without("x", &[("renamed", "NULL")])];
    let migrations: &'static Migrator = Box::leak(Box::new(migrator()));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sqlite");
    Db::open(&file, migrations).await.unwrap().close().await;
    let plans: [(&'static [copy::Table], &str); 2] = [(&[], "x"), (GONE, "x.renamed")];
    for (n, (tables, lacks)) in plans.into_iter().enumerate() {
        let plan = copy::Plan { migrations, tables, restored: copy::as_it_is };
        let copied = copy::copy(&file, &dir.path().join(format!("{n}.sqlite")), &plan).await;
        assert!(matches!(&copied, Err(DbError::Unlisted(what)) if what == lacks), "{copied:?}");
    }
}
