//! What is on the facade's disk: nothing that says who somebody is, what was reported, or that opens the case.

use crate::common::traces::{found, traces};
use crate::world::{NAME, PHONE, TEXT, World};

const TEXTS: [&str; 9] = [
    NAME,
    "Contoh-Kenari",
    PHONE,
    TEXT,
    "Jalan Kenari 3",
    "siti@kenari.example",
    "device-kenari",
    "Aplikasi-Kenari",
    "127.0.0.1",
];

/// Whether the gateway answers or not, whether the report goes on or waits.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_clear_is_on_the_disk_at_any_time() {
    // The gateway does not answer: the report waits, sealed.
    let mut world = World::start(1, async |_: &str| "http://127.0.0.1:1".to_owned()).await;
    let said = world.report().await;
    assert_eq!((said.status, said.retry_after, said.code().as_str()), (503, Some(60), "unavailable"));
    assert_eq!(world.facade.host.store.stock().await.unwrap().waiting, 1);
    assert_eq!(found(&world.files(), &traces(&TEXTS, None)), Vec::<String>::new());
    // It died meanwhile, and the gateway is back: the same request goes on.
    let gateway = world.gateway.url.clone();
    world.restart(Some(gateway)).await;
    let receipt = world.report().await.receipt();
    assert_eq!(world.cases().await, 1);
    let traces = traces(&TEXTS, Some(&receipt));
    assert_eq!(found(&world.files(), &traces), Vec::<String>::new());
    // A search that finds nothing must be able to: r and access are at the gateway for nobody, but a planted one is found.
    std::fs::write(world.files()[0].0.with_file_name("planted"), receipt.secret().expose()).unwrap();
    assert_eq!(found(&world.files(), &traces).len(), 1);
    for (path, content) in world.gateway_files() {
        assert!(!content.windows(NAME.len()).any(|w| w == NAME.as_bytes()), "{}", path.display());
    }
}

/// After its time a row goes, and with it what was in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_leaves_the_disk_and_gives_its_token_back() {
    let world = World::start(1, async |_: &str| "http://127.0.0.1:1".to_owned()).await;
    assert_eq!(world.report().await.status, 503);
    let stock = world.facade.host.store.stock().await.unwrap();
    assert_eq!((stock.tokens, stock.waiting), (0, 1));
    world.pass(86_400 + 60);
    world.facade.upkeep().await.unwrap();
    let stock = world.facade.host.store.stock().await.unwrap();
    assert_eq!((stock.tokens, stock.waiting), (1, 0), "set aside for nothing: free again");
    world.pass(20 * 86_400);
    world.facade.upkeep().await.unwrap();
    assert_eq!(world.facade.host.store.stock().await.unwrap().tokens, 0, "over with its key");
}
