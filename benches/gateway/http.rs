//! Plain HTTP/1.1: the requests are bytes made before, so that the load costs little beside what it measures.

use std::io::{Error, Result};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A `POST`, whole.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    [head.as_bytes(), b"\r\n", body].concat()
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
