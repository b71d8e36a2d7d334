//! What pays: a voucher, or a token that the server has worked out itself under a limit of its own.

use tabir::config::Config;
use tabir_crypto::receipt::Receipt;

use crate::common::world::{TOKEN_END, token};
use crate::stage::Stage;
use crate::world::{TEXT, World};

/// Nobody's request makes the server work: who comes when none is ready is told how long, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_token_is_told_how_long_to_wait_and_the_same_page_goes_on_later() {
    let mut world = World::plain(0).await;
    let once = world.once().await;
    for _ in 0..3 {
        let page = world.report(&once).await;
        assert_eq!((page.status, page.field("text"), page.field("once")), (503, TEXT.into(), once.clone()));
        for words in ["paling banyak 2 kali per menit", "30 detik lagi", "Tidak ada yang hilang", "kode masuk"] {
            assert!(page.says(words), "{words}: {}", page.body);
        }
    }
    let stock = world.form.host.store.stock().await.unwrap();
    assert_eq!((stock.tokens, stock.waiting), (0, 0), "nothing of her is kept while she waits");
    world.form.host.store.bought(None, Some((token(), TOKEN_END))).await.unwrap();
    world.report(&once).await.receipt();
    // Where the server works out none, only a voucher pays, and the page says so before anything is typed.
    world.restart(None, |config| config.stock = 0).await;
    let page = world.get("/en/report").await;
    assert!(!page.says("may be empty)</label><p class=\"hint\" id=\"voucher-hint\""), "{}", page.body);
    let page = world.report(&world.once().await).await;
    assert!(page.status == 400 && page.says("Di sini laporan butuh kode masuk"), "{}", page.body);
}

/// A whole installation of processes, the form among them.
struct Town {
    stage: Stage,
    http: reqwest::Client,
}

impl Town {
    async fn start() -> Self {
        let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
        let file = stage.folder().join("form/tabir.toml");
        let mut config = Config::load(&file).unwrap();
        let form = config.roles.form.as_mut().unwrap();
        // One puzzle a minute: within this test, one.
        (form.stock, form.puzzles_per_minute) = (1, 1);
        std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        stage.resume("form").await;
        Self { stage, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn send(&self, page: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}/form{page}", self.stage.ports.form);
        let mut pairs = reqwest::Url::parse("http://form.invalid").unwrap();
        pairs.query_pairs_mut().extend_pairs(fields);
        let body = pairs.query().unwrap_or_default().to_owned();
        let sent = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        match sent.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap()),
            Err(_) => (0, String::new()),
        }
    }

    async fn report(&self, once: &str, voucher: &str) -> (u16, String) {
        let fields = [("once", once), ("category", "bribery"), ("text", TEXT), ("voucher", voucher)];
        self.send("/en/report", &fields).await
    }
}

fn receipt(page: &str) -> Receipt {
    let list = page.split("id=\"receipt\"").nth(1).unwrap_or_else(|| panic!("{page}"));
    let list = list.split("</ol>").next().unwrap();
    let groups: Vec<&str> = list.split("<li>").skip(1).map(|li| li.split('<').next().unwrap()).collect();
    Receipt::parse(&groups.join("-")).unwrap()
}

/// A page's random text.
fn once(n: u8) -> String {
    hex::encode([n; 32])
}

/// The queue's one puzzle of the minute buys eight; then a voucher pays, and buys eight as well. A voucher that was used by
/// somebody else is said to be, and the same page with the same voucher is no second purchase.
#[tokio::test(flavor = "multi_thread")]
async fn a_puzzle_of_the_queue_and_a_voucher_pay_for_reports_and_no_flood_makes_the_server_work_more() {
    let town = Town::start().await;
    let first = async || matches!(town.report(&once(1), "").await, (200, _));
    town.stage.until("the queue's first tokens", first).await;
    let (_, page) = town.report(&once(1), "").await;
    let code = receipt(&page).text().expose().clone();
    let (status, case) = town.send("/en/case", &[("receipt", &code)]).await;
    assert_eq!(status, 200, "{case}");
    assert!(case.contains("No request for your identity shows until"), "the whole record was read: {case}");

    for n in 2..=8 {
        let (status, page) = town.report(&once(n), "").await;
        assert_eq!(status, 200, "{n}: {page}");
    }
    for n in 9..=12 {
        let (status, page) = town.report(&once(n), "").await;
        assert!(status == 503 && page.contains("at most 1 times a minute"), "{n}: {status} {page}");
    }
    let vouchers = town.stage.vouchers(1).await;
    let typed = format!(" {} ", vouchers[0].to_lowercase());
    let (_, paid) = town.report(&once(9), &typed).await;
    let (_, again) = town.report(&once(9), &typed).await;
    assert_eq!(receipt(&paid), receipt(&again));
    let (status, page) = town.report(&once(10), &vouchers[0]).await;
    assert!(status == 400 && page.contains("This entry code is not valid, or was used"), "{status} {page}");
    assert!(page.contains(TEXT), "what was typed is there");
    let (status, page) = town.report(&once(10), "").await;
    assert_eq!(status, 200, "the voucher bought more than one: {page}");
    let said = town.stage.said_by("form");
    assert!(said.contains("/form/{language}/{page}") && !said.contains(&code) && !said.contains(TEXT));
}
