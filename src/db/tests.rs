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
