//! A TCP proxy that loses answers: the server gets the request and answers, the client gets nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Cuts off the answers of the next POSTs.
pub struct CutProxy {
    /// `http://127.0.0.1:port`.
    pub base: String,
    left: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
}

impl CutProxy {
    /// In front of `http://host:port`. One request a connection goes through: a proxy that must tell requests apart
    /// would have to understand HTTP.
    pub async fn start(upstream: &str, cuts: usize) -> Self {
        let upstream = upstream.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (left, cut) = (Arc::new(AtomicUsize::new(cuts)), Arc::new(AtomicUsize::new(0)));
        let counters = (Arc::clone(&left), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(one(client, upstream.clone(), counters.clone()));
            }
        });
        Self { base, left, cut }
    }

    /// Cuts so many more.
    pub fn add(&self, cuts: usize) {
        self.left.fetch_add(cuts, Ordering::SeqCst);
    }

    /// How many answers were cut off.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }
}

async fn one(mut client: TcpStream, upstream: String, (left, cut): (Arc<AtomicUsize>, Arc<AtomicUsize>)) {
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    let Some(request) = read_message(&mut client).await else { return };
    if server.write_all(&close(&request)).await.is_err() {
        return;
    }
    // The whole answer first: what is cut off was done.
    let mut answer = Vec::new();
    if server.read_to_end(&mut answer).await.is_err() {
        return;
    }
    let cuts = request.starts_with(b"POST")
        && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
    if cuts {
        cut.fetch_add(1, Ordering::SeqCst);
    } else {
        let _ = client.write_all(&answer).await;
    }
}

/// One request with its body.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut got = Vec::new();
    loop {
        if let Some(end) = got.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&got[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
            if got.len() >= end + 4 + length {
                return Some(got);
            }
        }
        if stream.read_buf(&mut got).await.ok()? == 0 {
            return None;
        }
    }
}

/// Asks the server to close after its answer, so that the answer's end is the connection's.
fn close(request: &[u8]) -> Vec<u8> {
    let line = request.windows(2).position(|w| w == b"\r\n").map_or(0, |at| at + 2);
    [&request[..line], b"connection: close\r\n", &request[line..]].concat()
}
