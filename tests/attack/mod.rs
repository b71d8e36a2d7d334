//! People who want that nobody else can report: slow ones and many. They hold no token, and have one address.
#![allow(dead_code)] // a test and a benchmark each use a part

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand_core::Rng as _;
use tabir::clock::Random;
use tabir_crypto::token::Token;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Between two bytes of a slow one.
const DRIP: Duration = Duration::from_secs(1);
/// The longest that a fast one waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who attacks; dropping it ends that.
pub struct Attack {
    tasks: JoinSet<()>,
    over: Arc<AtomicBool>,
    /// Connections that were opened, requests that were answered.
    opened: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
}

impl Attack {
    pub fn none() -> Self {
        Self { tasks: JoinSet::new(), over: Arc::default(), opened: Arc::default(), answered: Arc::default() }
    }

    /// Connections so far, and answers that the attackers got.
    pub fn counts(&self) -> (u64, u64) {
        (self.opened.load(Ordering::Relaxed), self.answered.load(Ordering::Relaxed))
    }

    /// Slow-loris: so many connections at a time, each of which sends a head or, every other one, a body, a byte a second.
    pub fn slow(&mut self, port: u16, connections: usize) {
        for n in 0..connections {
            let (over, opened) = (Arc::clone(&self.over), Arc::clone(&self.opened));
            self.tasks.spawn(async move {
                let head = "POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
                let body = format!("{head}content-length: 90000\r\nauthorization: PrivateToken token=\"x\"\r\n\r\n{{");
                let begin = if n % 2 == 0 { head.as_bytes().to_vec() } else { body.into_bytes() };
                while !over.load(Ordering::Relaxed) {
                    let Ok(mut stream) = connect(port).await else { continue };
                    opened.fetch_add(1, Ordering::Relaxed);
                    let mut sent = stream.write_all(&begin).await;
                    while sent.is_ok() && !over.load(Ordering::Relaxed) {
                        sleep(DRIP).await;
                        sent = stream.write_all(b"x").await;
                    }
                }
            });
        }
    }

    /// So many connections at a time, over which requests come as fast as they are answered.
    pub fn flood(&mut self, port: u16, connections: usize, request: impl Fn() -> Vec<u8> + Clone + Send + 'static) {
        for _ in 0..connections {
            let (over, opened, answered) =
                (Arc::clone(&self.over), Arc::clone(&self.opened), Arc::clone(&self.answered));
            let request = request.clone();
            self.tasks.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let Ok(mut stream) = connect(port).await else { continue };
                    opened.fetch_add(1, Ordering::Relaxed);
                    let mut buffer = vec![0; 16 << 10];
                    while !over.load(Ordering::Relaxed) && stream.write_all(&request()).await.is_ok() {
                        match timeout(PATIENCE, stream.read(&mut buffer)).await {
                            Ok(Ok(1..)) => {
                                answered.fetch_add(1, Ordering::Relaxed);
                            }
                            _ => break,
                        }
                    }
                }
            });
        }
    }

    pub async fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.shutdown().await;
    }
}

async fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
    if stream.is_err() {
        sleep(Duration::from_millis(50)).await;
    }
    stream
}

/// A `POST` of a report, as bytes.
pub fn post(authorization: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/reports HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: {authorization}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A token that nobody signed, for the right key and challenge, another one each time.
pub fn forged(like: &Token) -> String {
    let mut token = like.clone();
    Random.fill_bytes(&mut token.nonce);
    Random.fill_bytes(&mut token.authenticator);
    // Below the modulus, or it would be refused for its size.
    token.authenticator[0] = 0;
    tabir::client::tokens::authorization(&token)
}
