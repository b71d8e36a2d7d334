//! Open311 has no idempotency key. The same request again is the same report again: whatever was lost on the way.

use std::sync::Arc;

use tabir_crypto::receipt::Receipt;

use crate::common::cut_proxy::CutProxy;
use crate::common::world::{TOKEN_END, token};
use crate::world::World;

/// Scenario 15, on this side: the gateway has it, its answers are lost, the process dies, the app tries again.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_and_a_crash_make_no_second_report_and_lose_no_receipt() {
    let mut cut = None;
    let mut world = World::start(3, async |url: &str| {
        // A client asks twice by itself.
        let proxy = CutProxy::start(url, 2).await;
        let base = proxy.base.clone();
        cut = Some(proxy);
        base
    })
    .await;
    let said = world.report().await;
    assert_eq!((said.status, said.code().as_str()), (503, "unavailable"), "whether it arrived is unknown");
    assert_eq!((cut.unwrap().cut(), world.cases().await), (2, 1), "it arrived");
    world.restart(None).await;
    let first = world.report().await;
    let receipt = first.receipt();
    assert_eq!((world.cases().await, world.gateway.count("SELECT COUNT(*) FROM spent").await), (1, 1));
    assert_eq!(world.gateway.view(&receipt).await.counter, 0, "her receipt is the case's");
    // The app did not get that answer either.
    world.restart(None).await;
    let again = world.report().await;
    assert_eq!((again.receipt(), again.id()), (receipt, first.id()));
    assert_eq!((world.cases().await, world.facade.host.store.stock().await.unwrap().tokens), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_request_of_the_same_app_is_a_repeat_and_only_for_minutes() {
    let world = World::plain(8).await;
    let first = world.report().await.receipt();
    assert_eq!(world.report().await.receipt(), first);
    let as_xml = world.post("requests.xml", &world.form(), &[]).await;
    assert!(as_xml.body.contains(first.text().expose()), "in whatever form");

    let mut other = world.form();
    other[0].1 = &world.other_key;
    assert_ne!(world.post("requests.json", &other, &[]).await.receipt(), first, "another app's");
    let mut changed = world.form();
    changed[11].1 = "device-2";
    assert_ne!(world.post("requests.json", &changed, &[]).await.receipt(), first, "another device");
    let once = [("idempotency-key", "0c9f")];
    let keyed = world.post("requests.json", &world.form(), &once).await.receipt();
    assert_ne!(keyed, first, "an app that says which is which is believed");
    assert_eq!(world.cases().await, 4);

    world.pass(660);
    world.facade.upkeep().await.unwrap();
    assert_ne!(world.report().await.receipt(), first, "later it is another report");
    assert_eq!(world.post("requests.json", &world.form(), &once).await.receipt(), keyed, "with a key, for a day");
    assert_eq!(world.cases().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_make_one_report() {
    let world = Arc::new(World::plain(3).await);
    let sending: Vec<_> = (0..8)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.report().await.receipt().text().expose().clone() })
        })
        .collect();
    let mut receipts = std::collections::BTreeSet::new();
    for sent in sending {
        receipts.insert(sent.await.unwrap());
    }
    assert_eq!((receipts.len(), world.cases().await), (1, 1));
    assert!(Receipt::parse(receipts.first().unwrap()).is_ok());
}

/// A token that the gateway does not take any more costs nobody a report.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_buys_nothing_is_replaced() {
    let world = World::plain(0).await;
    let spent = token();
    assert_eq!(world.gateway.report(&world.gateway.seal(), &spent).await.unwrap().status, 201);
    for one in [spent, token()] {
        world.facade.host.store.bought(None, Some((one, TOKEN_END))).await.unwrap();
    }
    world.report().await.receipt();
    let stock = world.facade.host.store.stock().await.unwrap();
    assert_eq!((world.cases().await, stock.tokens, stock.waiting), (2, 0, 0));
}
