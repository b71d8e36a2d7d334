//! A witness that runs here, on loopback.

use std::path::Path;

use tabir::clock::Clock;
use tabir::config::witness::{KEY, Log, Witness as Config};
use tabir::http::openapi::with_document;
use tabir::http::{Answer, Client, HttpError, Method, server};
use tabir::witness::{self, StartError, Store};
use tabir_crypto::log::{SignedCheckpoint, VerifierKey};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::foreign;
use crate::log_support::NOW;

pub const NAME: &str = "w.example";

/// The foreign log as a witness is told of it: by a log that asks.
pub fn asks() -> Log {
    let vkeys = vec![foreign::vkey().to_string()];
    Log { origin: foreign::ORIGIN.into(), vkeys, url: None, copies: Vec::new(), post: None }
}

/// Writes the key of a number, once, and gives the file's content.
pub fn config(dir: &Path, name: &str, seed: u8, logs: Vec<Log>) -> Config {
    let key = dir.join(KEY);
    if !key.exists() {
        tabir::config::keys::write_private(&key, format!("{}\n", hex::encode([seed; 32])).as_bytes()).unwrap();
    }
    Config { name: name.into(), dir: dir.into(), listen: Some("127.0.0.1:0".parse().unwrap()), poll_ms: 10, logs }
}

pub struct Running {
    pub base: String,
    pub client: Client,
    pub clock: Clock,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// The witness of these tests, for the foreign log.
pub async fn start(dir: &Path) -> Running {
    start_with(&config(dir, NAME, 80, vec![asks()]), Clock::manual(NOW)).await.unwrap()
}

pub async fn start_with(config: &Config, clock: Clock) -> Result<Running, StartError> {
    let (stop, stopped) = watch::channel(false);
    let client = Client::new(clock.clone());
    let parts = witness::start(config, clock.clone(), client.clone(), stopped.clone()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks: Vec<_> = parts.background.into_iter().map(tokio::spawn).collect();
    tasks.push(tokio::spawn(
        async move { server::serve(listener, with_document(parts.public), stopped).await.unwrap() },
    ));
    Ok(Running { base, client, clock, stop, tasks })
}

impl Running {
    pub async fn ask(&self, body: Vec<u8>) -> Result<Answer, HttpError> {
        self.client.send(Method::POST, &format!("{}/add-checkpoint", self.base), &[], body).await
    }

    pub async fn end(self) {
        self.stop.send(true).unwrap();
        drop(self.client);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

pub fn vkey(seed: u8, name: &str) -> VerifierKey {
    let seed = crate::log_support::seed(seed);
    tabir_crypto::log::Cosigner::from_seed(name, &seed).unwrap().verifier_key().clone()
}

/// The time of the one cosignature in an answer, which must be of this checkpoint.
pub fn time_of(answer: Result<Answer, HttpError>, checkpoint: &SignedCheckpoint) -> u64 {
    let answer = answer.expect("must be cosigned");
    assert_eq!(answer.status, 200);
    let lines = tabir_crypto::log::witness::parse_cosignatures(&answer.body).unwrap();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    tabir_crypto::log::cosignature::verify_cosignature(checkpoint, line, &vkey(80, NAME)).unwrap()
}

/// Status and size of a 409.
pub fn size_of(answer: Result<Answer, HttpError>) -> u64 {
    match answer {
        Err(HttpError::Refused { status: 409, kind, body }) if kind == "text/x.tlog.size" => {
            tabir_crypto::log::witness::parse_size(&body).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

pub async fn store(dir: &Path) -> Store {
    Store::open(&dir.join(witness::STORE)).await.unwrap()
}
