//! A form with a browser that runs no script, before a gateway of the test's own.

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::Method;
use sqlx::Row as _;
use tabir::api::gateway::{Event, Events};
use tabir::clock::Random;
use tabir::config::Peers;
use tabir::config::form::Form as Config;
use tabir::form::{BASE, Form, open, routes_of};
use tabir::http::openapi::with_document;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::{Content, Message, MessageKind, SealedReply, pad_message, unpad_content};
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::json;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::body::{Reply, Role, Status};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tokio::sync::watch;

use crate::common::serve;
use crate::common::traces::files;
use crate::common::world::{NOW, TOKEN_END, identity, token};
use crate::harness::Running;

/// What must be in no file of the form, and in no address.
pub const TEXT: &str = "Petugas parkir-kenari meminta uang.";
pub const PLACE: &str = "Jalan Kenari 3";

pub struct World {
    pub gateway: Running,
    pub form: Arc<Form>,
    pub url: String,
    config: Config,
    peers: Peers,
    dir: tempfile::TempDir,
    _gateway_dir: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

/// A page.
#[derive(Clone)]
pub struct Page {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    /// Where the browser is.
    pub url: String,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    /// The value of a field, as the browser would send it.
    pub fn field(&self, name: &str) -> String {
        let at = format!(" name=\"{name}\" ");
        let rest = self.body.split(&at).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.body));
        let tag = rest.split_once('>').unwrap().0;
        let value = match tag.split_once("value=\"") {
            Some((_, value)) if !tag.contains("rows=") => value.split('"').next().unwrap(),
            _ => rest.split_once('>').unwrap().1.split("</textarea>").next().unwrap().trim_start_matches('\n'),
        };
        value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    /// The receipt that it shows.
    pub fn receipt(&self) -> Receipt {
        assert_eq!(self.status, 200, "{}", self.body);
        let list = self.body.split("id=\"receipt\"").nth(1).unwrap_or_else(|| panic!("no receipt: {}", self.body));
        let list = list.split("</ol>").next().unwrap();
        let groups: Vec<&str> = list.split("<li>").skip(1).map(|li| li.split('<').next().unwrap()).collect();
        Receipt::parse(&groups.join(" ")).unwrap()
    }

    /// Whether it says so.
    pub fn says(&self, words: &str) -> bool {
        self.body.contains(words)
    }
}

impl World {
    /// With tokens in stock. `front` says what stands before the gateway: itself, or a proxy's address.
    pub async fn start(tokens: usize, front: impl AsyncFnOnce(&str) -> String) -> Self {
        let gateway_dir = tempfile::tempdir().unwrap();
        let gateway = Running::start(gateway_dir.path()).await;
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path().into());
        let server = front(&gateway.url).await;
        let peers = Peers {
            gateway: server,
            issuer: "http://127.0.0.1:1".into(),
            log: "http://127.0.0.1:1".into(),
            ..Peers::default()
        };
        let (form, url, stop) = run(&gateway, &config, &peers).await;
        for _ in 0..tokens {
            form.host.store.bought(None, Some((token(), TOKEN_END))).await.unwrap();
        }
        Self { gateway, form, url, config, peers, dir, _gateway_dir: gateway_dir, _stop: stop }
    }

    pub async fn plain(tokens: usize) -> Self {
        Self::start(tokens, async |url: &str| url.to_owned()).await
    }

    /// The process dies and starts again; the gateway may stand elsewhere now, and the configuration be another.
    pub async fn restart(&mut self, gateway: Option<String>, change: impl FnOnce(&mut Config)) {
        self.peers.gateway = gateway.unwrap_or_else(|| self.peers.gateway.clone());
        change(&mut self.config);
        (self.form, self.url, self._stop) = run(&self.gateway, &self.config, &self.peers).await;
    }

    async fn send(&self, method: Method, page: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Page {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut request = http.request(method, format!("{}{BASE}{page}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.header("user-agent", "Peramban-Kenari/1.0").send().await.unwrap();
        let (status, headers, url) = (answer.status().as_u16(), answer.headers().clone(), answer.url().to_string());
        Page { status, headers, url, body: answer.text().await.unwrap() }
    }

    pub async fn get(&self, page: &str) -> Page {
        self.send(Method::GET, page, &[], Vec::new()).await
    }

    pub async fn post(&self, page: &str, fields: &[(&str, &str)]) -> Page {
        let mut pairs = reqwest::Url::parse("http://form.invalid").unwrap();
        pairs.query_pairs_mut().extend_pairs(fields);
        let body = pairs.query().unwrap_or_default().to_owned();
        self.post_raw(page, "application/x-www-form-urlencoded", body.into_bytes()).await
    }

    pub async fn post_raw(&self, page: &str, kind: &str, body: Vec<u8>) -> Page {
        self.send(Method::POST, page, &[("content-type", kind)], body).await
    }

    /// A new page's random text.
    pub async fn once(&self) -> String {
        self.get("/id/report").await.field("once")
    }

    /// What a person types into it.
    pub fn typed(once: &str) -> Vec<(&str, &str)> {
        vec![("once", once), ("category", "pothole"), ("text", TEXT), ("place", PLACE), ("voucher", "")]
    }

    pub async fn report(&self, once: &str) -> Page {
        self.post("/id/report", &Self::typed(once)).await
    }

    /// A report, from the first page on.
    pub async fn reported(&self) -> Receipt {
        self.report(&self.once().await).await.receipt()
    }

    /// The case's page.
    pub async fn case(&self, receipt: &Receipt) -> Page {
        self.post("/en/case", &[("receipt", receipt.text().expose())]).await
    }

    /// Something that a case's page sends, with its receipt and random text.
    pub async fn write(&self, page: &Page, what: &str, fields: &[(&str, &str)]) -> Page {
        let (receipt, once) = (page.field("receipt"), page.field("once"));
        let own = [("receipt", receipt.as_str()), ("once", once.as_str())];
        self.post(&format!("/en/case/{what}"), &[&own, fields].concat()).await
    }

    /// Cases at the gateway.
    pub async fn cases(&self) -> i64 {
        self.gateway.count("SELECT COUNT(*) FROM cases").await
    }

    /// What waits for the forwarder, with this kind.
    pub async fn waiting(&self, kind: &'static str) -> Vec<Vec<u8>> {
        let read = self.gateway.gateway.db().read(move |c| {
            Box::pin(async move {
                let query = "SELECT payload FROM outbox WHERE kind = $1";
                let rows = sqlx::query(query).bind(kind).fetch_all(c).await?;
                rows.iter().map(|r| Ok(r.try_get::<Vec<u8>, _>(0)?)).collect::<Result<Vec<_>, _>>()
            })
        });
        read.await.unwrap()
    }

    /// The one content that waits for the forwarder, opened as it opens it.
    pub async fn content(&self, receipt: &Receipt) -> Content {
        let waiting = self.waiting("report").await;
        let [payload] = waiting.as_slice() else { panic!("{} reports", waiting.len()) };
        let intake = &self.gateway.world.intake;
        let place = Use::Content { case_id: receipt.keys().case_id(), intake_key_id: intake.public_key().key_id() };
        let padded = uses::open(intake, &place, payload).unwrap();
        json::from_slice(unpad_content(padded.expose()).unwrap().expose()).unwrap()
    }

    /// What the forwarder tells the gateway about a case.
    pub async fn tell(&self, receipt: &Receipt, events: Vec<Event>) {
        let body = serde_json::to_value(Events { v: V1, events }).unwrap();
        let path = format!("/internal/cases/{}/events", hex::encode(receipt.keys().case_id()));
        self.gateway.call(Role::Forwarder, Method::POST, &path, Some(body)).await.unwrap();
    }

    /// An officer's first message.
    pub fn message(receipt: &Receipt, kind: MessageKind, text: &str) -> Event {
        let keys = receipt.keys();
        let (case_id, seq) = (keys.case_id(), 1);
        let message = Message { v: V1, seq, prev: Hex([0; 32]), kind, re: None, text: text.into() };
        let bytes = json::to_vec(&message).unwrap();
        let reply = Reply { v: V1, at: Hour::of(NOW), case_id: Hex(case_id), seq, message_hash: Hex(sha256(&bytes)) };
        let statement = Statement::signed(Verb::Reply, &reply, &identity(Role::Forwarder)).unwrap();
        let sealed = json::to_vec(&SealedReply { v: V1, message: Bytes(bytes), statement }).unwrap();
        let padded = pad_message(&sealed).unwrap();
        let place = Use::Mailbox { case_id, seq };
        let sealed = uses::seal(&keys.mailbox_pk(), &place, padded.expose(), &mut Random).unwrap();
        Event::Message { id: Hex([seq as u8; 16]), seq, sealed: Bytes(sealed), question: kind == MessageKind::Question }
    }

    pub fn status(id: u8, status: Status) -> Event {
        Event::Status { id: Hex([id; 16]), status, at: Hour::of(NOW), due: None, eta: None }
    }

    /// Every file of the form, write-ahead logs included.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(self.dir.path())
    }

    pub fn pass(&self, seconds: u64) {
        self.gateway.clock.set(self.gateway.clock.now() + seconds);
    }
}

async fn run(gateway: &Running, config: &Config, peers: &Peers) -> (Arc<Form>, String, watch::Sender<bool>) {
    let setup = gateway.world.setup(&gateway.clock, peers.clone());
    let form = Arc::new(open(&setup, config).await.unwrap());
    let (url, stop) = serve(with_document(routes_of(Arc::clone(&form)).public)).await;
    (form, url, stop)
}
