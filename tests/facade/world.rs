//! A facade with its app, before a gateway of the test's own.

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;
use sqlx::Row as _;
use tabir::api::gateway::Services;
use tabir::config::Peers;
use tabir::config::facade::{App, Attribute, Datatype, Facade as Config};
use tabir::facade::{BASE, Facade, app_key, open, routes_of};
use tabir::http::openapi::with_document;
use tabir_crypto::content::{Content, unpad_content};
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::value::{CodeText, Hex};
use tabir_crypto::{B32, json};
use tokio::sync::watch;

use crate::common::serve;
use crate::common::traces::files;
use crate::common::world::{TOKEN_END, token};
use crate::harness::Running;

/// What must be in no file of the facade, and in no content.
pub const NAME: &str = "Siti Contoh-Kenari";
pub const PHONE: &str = "0812-3456-KENARI";
pub const TEXT: &str = "Petugas parkir-kenari meminta uang.";

pub struct World {
    pub gateway: Running,
    pub facade: Arc<Facade>,
    pub url: String,
    pub key: String,
    pub other_key: String,
    config: Config,
    peers: Peers,
    gateway_dir: tempfile::TempDir,
    dir: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

/// An answer of the facade.
pub struct Said {
    pub status: u16,
    pub retry_after: Option<u64>,
    pub kind: String,
    pub body: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn receipt(&self) -> Receipt {
        assert_eq!(self.status, 201, "{}", self.body);
        Receipt::parse(self.json()[0]["receipt"].as_str().unwrap()).unwrap()
    }

    pub fn id(&self) -> String {
        self.json()[0]["service_request_id"].as_str().unwrap().to_owned()
    }

    /// The stable code of a refusal.
    pub fn code(&self) -> String {
        let urn = self.json()[0]["type"].as_str().unwrap().to_owned();
        urn.strip_prefix("urn:tabir:error:").unwrap().to_owned()
    }
}

fn attribute() -> Attribute {
    Attribute {
        service: CodeText::new("pothole").unwrap(),
        code: CodeText::new("depth").unwrap(),
        description: "How deep?".into(),
        datatype: Datatype::Number,
        required: true,
        values: Vec::new(),
    }
}

impl World {
    /// With tokens in stock. `front` says what stands before the gateway: itself, or a proxy's address.
    pub async fn start(tokens: usize, front: impl AsyncFnOnce(&str) -> String) -> Self {
        let gateway_dir = tempfile::tempdir().unwrap();
        let gateway = Running::start(gateway_dir.path()).await;
        let (key, hash) = app_key();
        let (other_key, other) = app_key();
        let dir = tempfile::tempdir().unwrap();
        let app = |name: &str, hash: B32| App { name: name.into(), key_hash: Hex(hash) };
        let config = Config {
            dir: dir.path().into(),
            address: "https://lapor.kota.example".into(),
            url: None,
            apps: vec![app("one", hash), app("other", other)],
            vouchers_file: None,
            stock: 0,
            attributes: vec![attribute()],
        };
        let server = front(&gateway.url).await;
        let peers = Peers { gateway: server, issuer: "http://127.0.0.1:1".into(), ..Peers::default() };
        let (facade, url, stop) = run(&gateway, &config, &peers).await;
        for _ in 0..tokens {
            facade.host.store.bought(None, Some((token(), TOKEN_END))).await.unwrap();
        }
        let (key, other_key) = (key.expose().clone(), other_key.expose().clone());
        Self { gateway, facade, url, key, other_key, config, peers, gateway_dir, dir, _stop: stop }
    }

    pub async fn plain(tokens: usize) -> Self {
        Self::start(tokens, async |url: &str| url.to_owned()).await
    }

    /// The process dies and starts again; the gateway may stand elsewhere now.
    pub async fn restart(&mut self, gateway: Option<String>) {
        self.peers.gateway = gateway.unwrap_or_else(|| self.peers.gateway.clone());
        (self.facade, self.url, self._stop) = run(&self.gateway, &self.config, &self.peers).await;
    }

    /// A report that says everything.
    pub fn form(&self) -> Vec<(&str, &str)> {
        vec![
            ("api_key", self.key.as_str()),
            ("service_code", "pothole"),
            ("description", TEXT),
            ("address_string", "Jalan Kenari 3"),
            ("lat", "-6.17539241234"),
            ("long", "106.8272"),
            ("attribute[depth]", "30"),
            ("first_name", "Siti"),
            ("last_name", "Contoh-Kenari"),
            ("phone", PHONE),
            ("email", "siti@kenari.example"),
            ("device_id", "device-kenari"),
        ]
    }

    pub async fn post(&self, file: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Said {
        let mut pairs = reqwest::Url::parse("http://form.invalid").unwrap();
        pairs.query_pairs_mut().extend_pairs(form);
        let body = pairs.query().unwrap_or_default().to_owned();
        let headers = [&[("content-type", "application/x-www-form-urlencoded")], headers].concat();
        self.send(Method::POST, file, &headers, body.into_bytes()).await
    }

    pub async fn report(&self) -> Said {
        self.post("requests.json", &self.form(), &[]).await
    }

    pub async fn get(&self, file: &str) -> Said {
        self.send(Method::GET, file, &[], Vec::new()).await
    }

    pub async fn send(&self, method: Method, file: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Said {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.request(method, format!("{}{BASE}/{file}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.header("user-agent", "Aplikasi-Kenari/1.0").send().await.unwrap();
        let text = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        Said {
            status: answer.status().as_u16(),
            retry_after: text("retry-after").map(|v| v.parse().unwrap()),
            kind: text("content-type").unwrap_or_default(),
            body: answer.text().await.unwrap(),
        }
    }

    /// Cases at the gateway.
    pub async fn cases(&self) -> i64 {
        self.gateway.count("SELECT COUNT(*) FROM cases").await
    }

    /// The contents that wait for the forwarder, opened as it opens them.
    pub async fn contents(&self) -> Vec<Content> {
        let read = self.gateway.gateway.db().read(|c| {
            Box::pin(async move {
                let rows = sqlx::query("SELECT case_id, payload FROM outbox").fetch_all(c).await?;
                rows.iter()
                    .map(|r| Ok((r.try_get::<Vec<u8>, _>(0)?, r.try_get::<Vec<u8>, _>(1)?)))
                    .collect::<Result<Vec<_>, _>>()
            })
        });
        let intake = &self.gateway.world.intake;
        let opened = read.await.unwrap().into_iter().map(|(case_id, payload)| {
            let place =
                Use::Content { case_id: case_id.try_into().unwrap(), intake_key_id: intake.public_key().key_id() };
            let padded = uses::open(intake, &place, &payload).unwrap();
            json::from_slice(unpad_content(padded.expose()).unwrap().expose()).unwrap()
        });
        opened.collect()
    }

    /// Every file of the facade, write-ahead log included.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(self.dir.path())
    }

    /// Files of the gateway.
    pub fn gateway_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(self.gateway_dir.path())
    }

    pub fn pass(&self, seconds: u64) {
        self.gateway.clock.set(self.gateway.clock.now() + seconds);
    }
}

async fn run(gateway: &Running, config: &Config, peers: &Peers) -> (Arc<Facade>, String, watch::Sender<bool>) {
    let setup = gateway.world.setup(&gateway.clock, peers.clone());
    let facade = Arc::new(open(&setup, config).await.unwrap());
    let (url, stop) = serve(with_document(routes_of(Arc::clone(&facade)).public)).await;
    let _: &Services = &facade.host.session().services;
    (facade, url, stop)
}
