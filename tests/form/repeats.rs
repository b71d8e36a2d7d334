//! A double click, a reload, a lost answer, a crash: one report, one receipt, one write.

use std::collections::BTreeSet;
use std::sync::Arc;

use tabir_crypto::content::MessageKind;

use crate::common::cut_proxy::CutProxy;
use crate::common::world::{TOKEN_END, token};
use crate::world::{TEXT, World};

/// Scenario 15, for the form: the gateway has it, its answers are lost, the process dies, the page is sent again.
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
    let once = world.once().await;
    let page = world.report(&once).await;
    assert_eq!((page.status, page.field("text")), (503, TEXT.into()), "whether it arrived is unknown");
    assert_eq!((cut.unwrap().cut(), world.cases().await), (2, 1), "it arrived");
    world.restart(None, |_| ()).await;
    let receipt = world.report(&once).await.receipt();
    assert_eq!((world.cases().await, world.gateway.count("SELECT COUNT(*) FROM spent").await), (1, 1));
    assert_eq!(world.gateway.view(&receipt).await.counter, 0, "her receipt is the case's");
    world.restart(None, |_| ()).await;
    assert_eq!(world.report(&once).await.receipt(), receipt, "she reloads");
    assert_eq!((world.cases().await, world.form.host.store.stock().await.unwrap().tokens), (1, 2));
    // A new page, or another text, is another report.
    assert_ne!(world.reported().await, receipt);
    let mut other = World::typed(&once);
    other[2].1 = "Something else.";
    assert_ne!(world.post("/id/report", &other).await.receipt(), receipt);
    assert_eq!(world.cases().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clicks_make_one_report_and_one_answer() {
    let world = Arc::new(World::plain(3).await);
    let once = world.once().await;
    let clicks: Vec<_> = (0..8)
        .map(|_| {
            let (world, once) = (Arc::clone(&world), once.clone());
            tokio::spawn(async move { world.report(&once).await.receipt() })
        })
        .collect();
    let mut receipts = Vec::new();
    for click in clicks {
        receipts.push(click.await.unwrap());
    }
    let texts: BTreeSet<String> = receipts.iter().map(|r| r.text().expose().clone()).collect();
    assert_eq!((texts.len(), world.cases().await), (1, 1));

    let receipt = receipts.pop().unwrap();
    world.tell(&receipt, vec![World::message(&receipt, MessageKind::Question, "Where?")]).await;
    let page = world.case(&receipt).await;
    let clicks: Vec<_> = (0..8)
        .map(|_| {
            let (world, page) = (Arc::clone(&world), page.clone());
            tokio::spawn(async move { world.write(&page, "answer", &[("choice", "1"), ("text", "There.")]).await })
        })
        .collect();
    for click in clicks {
        let page = click.await.unwrap();
        assert!(page.status == 200 && page.says("Your answer was sent."), "{}", page.body);
    }
    assert_eq!((world.waiting("message").await.len(), world.gateway.view(&receipt).await.counter), (1, 1));
    assert_eq!(world.form.host.store.stock().await.unwrap().tokens, 2, "an answer costs nothing");
}

/// Another window was quicker: nothing is written twice, and what was typed is there for the next press.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_window_has_changed_is_said_and_what_was_typed_comes_back() {
    let world = World::plain(3).await;
    let receipt = world.reported().await;
    world.tell(&receipt, vec![World::message(&receipt, MessageKind::Question, "Where?")]).await;
    let (one, other) = (world.case(&receipt).await, world.case(&receipt).await);
    assert_eq!(world.write(&one, "answer", &[("choice", "1"), ("text", "There.")]).await.status, 200);
    let late = world.write(&other, "answer", &[("choice", "1"), ("text", "No, here.")]).await;
    assert!(late.status == 409 && late.says("perhaps in another window"), "{}", late.body);
    assert!(late.says("No, here."), "in the field for a message: {}", late.body);
    assert_eq!(world.waiting("message").await.len(), 1);
    let sent = world.write(&late, "message", &[("text", "No, here.")]).await;
    assert!(sent.status == 200 && sent.says("It was sent."), "{}", sent.body);
    assert_eq!(world.waiting("message").await.len(), 2);
}

/// A token that the gateway does not take any more costs nobody a report.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_buys_nothing_is_replaced() {
    let world = World::plain(0).await;
    let spent = token();
    assert_eq!(world.gateway.report(&world.gateway.seal(), &spent).await.unwrap().status, 201);
    for one in [spent, token()] {
        world.form.host.store.bought(None, Some((one, TOKEN_END))).await.unwrap();
    }
    world.reported().await;
    let stock = world.form.host.store.stock().await.unwrap();
    assert_eq!((world.cases().await, stock.tokens, stock.waiting), (2, 0, 0));
}
