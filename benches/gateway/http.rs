//! Plain HTTP/1.1 over connections that stay open: the requests are bytes made before, so that the load costs little
//! beside what it measures.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A `POST`, whole.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// Sends all of them over this many connections, each the next when the one before is answered. Gives the bodies in the
/// order of the requests, and the time from the first request to the last answer. An answer other than `status` is an error.
pub async fn send(
    port: u16,
    connections: usize,
    status: u16,
    requests: Vec<Vec<u8>>,
) -> Result<(Vec<Vec<u8>>, Duration)> {
    let mut answers = vec![Vec::new(); requests.len()];
    let mut shares = vec![Vec::new(); connections];
    for (place, request) in requests.into_iter().enumerate() {
        shares[place % connections].push((place, request));
    }
    let mut open = Vec::new();
    for share in shares {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        open.push((TcpStream::connect(address).await?, share));
    }
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (mut stream, share) in open {
        stream.set_nodelay(true)?;
        tasks.spawn(async move {
            let mut answered = Vec::new();
            for (place, request) in share {
                stream.write_all(&request).await?;
                answered.push((place, answer(&mut stream, status).await?));
            }
            Ok::<_, Error>(answered)
        });
    }
    while let Some(done) = tasks.join_next().await {
        for (place, body) in done.map_err(Error::other)?? {
            answers[place] = body;
        }
    }
    Ok((answers, begin.elapsed()))
}

/// One answer with a `content-length`, as these servers give them.
pub async fn answer(stream: &mut TcpStream, status: u16) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(Error::other("the connection was closed before the answer"));
        }
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|l| l.trim().parse().ok()).ok_or(Error::other("no content-length"))?;
        if bytes.len() < end + 4 + length {
            continue;
        }
        let body = bytes.split_off(end + 4);
        if head.split(' ').nth(1) == Some(&status.to_string()) {
            return Ok(body);
        }
        return Err(Error::other(format!("{head}\n{}", String::from_utf8_lossy(&body))));
    }
}
