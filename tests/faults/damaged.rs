//! A page of a store is not what was written: it is found, it is said, and nothing is served from it.

use std::os::unix::fs::FileExt as _;

use sqlx::{Connection as _, SqliteConnection};
use tabir::client::report::send;
use tabir::http::HttpError;

use crate::reporters::{Sent, ready, report, until_taken};
use crate::stage::{Stage, draft};
use crate::{after, record};

/// Bytes of a page, SQLite's default.
const PAGE: u64 = 4096;
/// Tries until it must have been found.
const TRIES: u32 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_is_found_and_said_and_nothing_is_served_from_it() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let mut sent = Vec::new();
    for code in stage.vouchers(4).await {
        sent.push(report(&session, &code).await);
    }
    stage.end("gateway");
    let file = stage.folder().join("gateway/store.sqlite");
    let mut store = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut store).await.unwrap();
    let root: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_master WHERE name = 'cases'")
        .fetch_one(&mut store)
        .await
        .unwrap();
    store.close().await.unwrap();
    let at = (u64::try_from(root).unwrap() - 1) * PAGE;
    let disk = std::fs::File::options().read(true).write(true).open(&file).unwrap();
    let mut sound = vec![0; PAGE as usize];
    disk.read_exact_at(&mut sound, at).unwrap();
    disk.write_all_at(&[0xa5; PAGE as usize], at).unwrap();

    let said_before = stage.said_by("gateway").len();
    stage.resume("gateway").await;
    let code = stage.vouchers(1).await.remove(0);
    let (sealed, token) = ready(&session, &code, &draft(&session)).await.unwrap();
    let said = |stage: &Stage| {
        let said = stage.said_by("gateway")[said_before..].to_owned();
        said.contains("damaged") || said.contains("malformed")
    };
    // It ends at the start, or answers nothing that would need that page.
    for _ in 0..TRIES {
        match send(&session, &sealed, &token).await {
            Ok(_) => panic!("a report was taken into a damaged store"),
            Err(_) if said(&stage) => break,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    }
    assert!(said(&stage), "{}", stage.said_by("gateway"));
    if let Some(how) = stage.process("gateway").ended() {
        assert!(!how.success(), "{how}");
        let asked = stage.client.get(&format!("{}/v1/services", stage.gateway())).await;
        assert!(matches!(asked, Err(HttpError::Unreachable(_))), "nothing is served");
    }

    // The page comes back, from wherever: everything is there.
    stage.end("gateway");
    disk.write_all_at(&sound, at).unwrap();
    stage.resume("gateway").await;
    sent.push(Sent::of(&until_taken(&session, &sealed, &token).await, &token));
    record("damaged_page", after::look(&stage, "damaged_page", 1, &sent, 0).await);
}
