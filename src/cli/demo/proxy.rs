//! A TCP proxy between forwarder and desk that loses answers, or the whole line: faults that a demo has to show.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::cli::CliError;

/// The largest request that is passed on: a report with its attributes is a few kilobytes.
const MAX_REQUEST: usize = 1 << 20;

/// Counters of one proxy.
#[derive(Default)]
struct State {
    to_cut: AtomicU64,
    cut: AtomicU64,
    down: AtomicBool,
}

/// Passes requests on, one a connection.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// In front of a port of this machine.
    pub async fn start(upstream: u16) -> Result<Self, CliError> {
        let failed = |e: std::io::Error| CliError::Failed(format!("proxy: {e}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move { one(client, upstream, &state).await });
            }
        });
        Ok(Self { port, state })
    }

    /// The answers of the next `count` POSTs are lost after the server gave them.
    pub fn cut_next(&self, count: u64) {
        self.state.to_cut.store(count, Ordering::SeqCst);
    }

    /// How many answers were lost.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.state.cut.load(Ordering::SeqCst)
    }

    /// Takes the line down, or up again.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }
}

/// Every way out closes both connections: for the client, the answer is lost.
async fn one(mut client: TcpStream, upstream: u16, state: &State) -> Option<()> {
    if state.down.load(Ordering::SeqCst) {
        return None;
    }
    let request = read_request(&mut client).await?;
    let mut server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, upstream))).await.ok()?;
    server.write_all(&with_close(&request)).await.ok()?;
    // The whole answer first: what is lost was done.
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    let one_less = |left: u64| left.checked_sub(1);
    let is_post = request.starts_with(b"POST");
    if is_post && state.to_cut.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
        state.cut.fetch_add(1, Ordering::SeqCst);
        return None;
    }
    client.write_all(&answer).await.ok()
}

async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut got = Vec::new();
    while got.len() < MAX_REQUEST {
        if let Some(end) = got.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(got.split_at(end).0).to_ascii_lowercase();
            let length = head.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok());
            if got.len() >= end + 4 + length.unwrap_or(0) {
                return Some(got);
            }
        }
        if client.read_buf(&mut got).await.ok()? == 0 {
            return None;
        }
    }
    None
}

/// Asks the server to close after its answer, so that the answer's end is the connection's.
fn with_close(request: &[u8]) -> Vec<u8> {
    let line = request.windows(2).position(|w| w == b"\r\n").map_or(0, |at| at + 2);
    let (first, rest) = request.split_at(line);
    [first, b"connection: close\r\n", rest].concat()
}
