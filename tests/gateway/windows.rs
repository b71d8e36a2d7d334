//! What the intake log is told of each window.

use tabir_crypto::statement::Body;
use tabir_crypto::statement::body::ReportAccepted;

use crate::common::world::{NOW, token};
use crate::harness::{FORWARD, Running, WINDOW};

async fn accepted(gateway: &Running) -> Vec<ReportAccepted> {
    let only = |body| match body {
        Body::ReportAccepted(body) => body,
        other => panic!("something else: {other:?}"),
    };
    gateway.logged().await.into_iter().map(only).collect()
}

#[tokio::test]
async fn a_window_closes_on_time_with_what_it_took_and_also_with_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.gateway.tick().await.unwrap();
    let receipts = [gateway.accepted().await, gateway.accepted().await, gateway.accepted().await];
    gateway.clock.set(NOW + WINDOW - 1);
    gateway.gateway.tick().await.unwrap();
    assert!(accepted(&gateway).await.is_empty(), "never early");
    gateway.clock.set(NOW + 3 * WINDOW + 5);
    gateway.gateway.tick().await.unwrap();
    let said = accepted(&gateway).await;
    let times: Vec<_> = said.iter().map(|s| (s.w, s.opens.0, s.closes.0, s.deadline.0, s.part, s.parts)).collect();
    let window = |w: u64| (w, NOW + (w - 1) * WINDOW, NOW + w * WINDOW, NOW + w * WINDOW + FORWARD, 1, 1);
    assert_eq!(times, [window(1), window(2), window(3)]);
    assert_eq!(said.iter().map(|s| s.pairs.len()).collect::<Vec<_>>(), [3, 0, 0]);
    assert!(said[0].pairs.is_sorted());
    let mut a: Vec<_> = receipts.iter().map(|r| r.keys().a()).collect();
    a.sort_unstable();
    assert_eq!(said[0].pairs.iter().map(|[a, _]| a.0).collect::<Vec<_>>(), a);
    // What was moved is whole.
    for receipt in &receipts {
        assert_eq!(gateway.view(receipt).await.counter, 0);
    }
    assert_eq!(gateway.count("SELECT COUNT(*) FROM envelopes").await, 3);
    for query in ["SELECT COUNT(*) FROM closing_cases", "SELECT COUNT(*) FROM closing_envelopes"] {
        assert_eq!(gateway.count(query).await, 0);
    }
}

#[tokio::test]
async fn a_report_after_the_end_falls_into_the_next_window_though_no_loop_ran() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.accepted().await;
    gateway.clock.set(NOW + WINDOW);
    gateway.report(&gateway.seal(), &token()).await.unwrap();
    let said = accepted(&gateway).await;
    assert_eq!(said.iter().map(|s| (s.w, s.pairs.len())).collect::<Vec<_>>(), [(1, 1)]);
    let gateway = gateway.restart(dir.path()).await;
    gateway.clock.set(NOW + 2 * WINDOW);
    gateway.gateway.tick().await.unwrap();
    assert_eq!(accepted(&gateway).await.iter().map(|s| (s.w, s.pairs.len())).collect::<Vec<_>>(), [(1, 1), (2, 1)]);
}

#[tokio::test]
async fn a_large_window_is_told_in_parts_that_fit_a_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.accepted().await;
    // 705 more cases, copied from the one: what the log is told needs only their pairs.
    let fill = gateway.gateway.db().write(|tx| {
        Box::pin(async move {
            for i in 0..705_u32 {
                let mut id = [7; 32];
                id[..4].copy_from_slice(&i.to_be_bytes());
                sqlx::query(
                    "INSERT INTO cases SELECT $1, $2, $1, case_vk, mailbox_pk, $1, b, $1, notice_key, content_hash, \
                     envelope_hash, w, deadline, hour, counter, seq, last_write, sent, questions, rated, disputed, erased \
                     FROM cases WHERE reference NOT LIKE 'copy %' LIMIT 1",
                )
                .bind(id.to_vec())
                .bind(format!("copy {i}")) // no real reference has an O
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })
    });
    fill.await.unwrap();
    gateway.clock.set(NOW + WINDOW);
    gateway.gateway.tick().await.unwrap();
    let said = accepted(&gateway).await;
    let parts: Vec<_> = said.iter().map(|s| (s.part, s.parts, s.pairs.len())).collect();
    assert_eq!(parts, [(1, 3, 350), (2, 3, 350), (3, 3, 6)]);
    let pairs: Vec<_> = said.iter().flat_map(|s| &s.pairs).collect();
    assert!(pairs.is_sorted());
    assert_eq!(gateway.count("SELECT COUNT(*) FROM cases").await, 706);
    let largest = tabir::db::outbox::waiting(gateway.gateway.db()).await.unwrap();
    assert!(largest.iter().all(|w| w.statement.len() <= 65_535));
}

#[tokio::test]
async fn a_long_rest_is_caught_up_window_by_window() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.gateway.tick().await.unwrap();
    gateway.clock.set(NOW + 100 * WINDOW);
    let refused = gateway.report(&gateway.seal(), &token()).await;
    assert_eq!(crate::harness::refused(refused), crate::harness::is(503, "not-ready"));
    gateway.gateway.tick().await.unwrap();
    gateway.report(&gateway.seal(), &token()).await.unwrap();
    assert_eq!(gateway.count("SELECT COUNT(*) FROM windows WHERE closed = 1").await, 100);
    assert_eq!(gateway.count("SELECT w FROM windows WHERE closed = 0").await, 101);
}
