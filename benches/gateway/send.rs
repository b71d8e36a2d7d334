//! Many requests over connections that stay open.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::http::answer;

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
