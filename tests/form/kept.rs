//! Where nothing of a report, a case or a receipt may stay: the disk, addresses, titles, the log.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tabir_crypto::content::MessageKind;
use tabir_crypto::receipt::Receipt;
use tracing_subscriber::fmt::MakeWriter;

use crate::common::traces::{found, traces};
use crate::world::{PLACE, Page, TEXT, World};

const ANSWER: &str = "Di tikungan kenari sebelah utara.";
const TEXTS: [&str; 5] = [TEXT, PLACE, ANSWER, "Peramban-Kenari", "127.0.0.1"];

/// Whether the gateway answers or not, whether the report goes on or waits, and through a case's life.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_clear_is_on_the_disk_at_any_time() {
    let mut world = World::start(1, async |_: &str| "http://127.0.0.1:1".to_owned()).await;
    let once = world.once().await;
    let page = world.report(&once).await;
    assert_eq!((page.status, page.field("text"), page.field("once")), (503, TEXT.into(), once));
    assert!(page.says("Tidak ada yang hilang"), "{}", page.body);
    assert_eq!(world.form.host.store.stock().await.unwrap().waiting, 1);
    assert_eq!(found(&world.files(), &traces(&TEXTS, None)), Vec::<String>::new());
    // It died meanwhile, and the gateway is back: the same page goes on.
    let gateway = world.gateway.url.clone();
    world.restart(Some(gateway), |_| ()).await;
    let receipt = world.report(&page.field("once")).await.receipt();
    let traces = traces(&TEXTS, Some(&receipt));
    assert_eq!(found(&world.files(), &traces), Vec::<String>::new());
    world.tell(&receipt, vec![World::message(&receipt, MessageKind::Question, "Di mana?")]).await;
    let page = world.case(&receipt).await;
    // An answer waits as well, where the gateway goes away in between.
    world.write(&page, "answer", &[("choice", "1"), ("text", ANSWER)]).await;
    assert_eq!(found(&world.files(), &traces), Vec::<String>::new());
    // A search that finds nothing must be able to.
    std::fs::write(world.files()[0].0.with_file_name("planted"), receipt.secret().expose()).unwrap();
    assert_eq!(found(&world.files(), &traces).len(), 1);
}

/// After its time a row goes, and a receipt is shown to nobody any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_shown_again_to_a_reload_for_minutes_and_then_to_nobody() {
    let world = World::plain(2).await;
    let once = world.once().await;
    let first = world.report(&once).await.receipt();
    world.pass(540);
    world.form.host.store.clean(world.gateway.clock.now()).await.unwrap();
    assert_eq!(world.report(&once).await.receipt(), first);
    world.pass(180);
    world.form.host.store.clean(world.gateway.clock.now()).await.unwrap();
    assert_ne!(world.report(&once).await.receipt(), first);
}

/// Everything that this process says at its loudest.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Said {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn leaks(receipt: &Receipt, text: &str) -> bool {
    let code = receipt.text();
    text.contains(code.expose().as_str()) || code.expose().split('-').filter(|group| text.contains(group)).count() > 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_stands_in_no_address_no_title_no_header_and_no_log() {
    let said = Said::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(said.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let world = World::plain(2).await;
    let once = world.once().await;
    let sent = world.report(&once).await;
    let receipt = sent.receipt();
    let page = world.case(&receipt).await;
    let written = world.write(&page, "message", &[("text", ANSWER)]).await;
    assert_eq!(written.status, 200, "{}", written.body);
    let mistyped = world.post("/en/case", &[("receipt", &receipt.text().expose().replacen('b', "d", 1))]).await;
    for page in [&sent, &page, &written, &mistyped] {
        no_trace(page, &receipt);
    }
    let said = said.text();
    assert!(said.contains("/form/{language}/{page}"), "it listens");
    for text in [TEXT, PLACE, ANSWER] {
        assert!(!said.contains(text), "{text}");
    }
    assert!(!leaks(&receipt, &said));
    assert!(leaks(&receipt, &format!("x {} y", receipt.text().expose())), "it would be found");
}

fn no_trace(page: &Page, receipt: &Receipt) {
    let headers = format!("{:?} {}", page.headers, page.url);
    assert!(!leaks(receipt, &headers), "{headers}");
    let title = page.body.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert!(["Layanan warga", "Citizen service"].contains(&title), "{title}");
    for attribute in ["href=\"", "action=\"", "src=\"", "formaction=\""] {
        for value in page.body.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(!leaks(receipt, value) && !value.contains('?'), "{value}");
        }
    }
}
