//! How a client catches up with a trust root that changed, in the manner of The Update Framework (section 5.3): one
//! version after the other, each allowed by the one before. The server is a carrier, and nothing more is believed of it.
//!
//! A server that keeps a newer version back can't be told from one that has none. What it can't do is make a client go
//! back, or skip a version; and the governance log announces each version, so that whoever reads the log sees it.

use tabir_crypto::Code;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::Trust;

use super::ClientError;
use crate::http::Client;

/// Versions that one update takes: a change a week for five years. A server that has more to say keeps a client busy.
pub const MAX_VERSIONS: usize = 256;

/// What the server has beyond a pinned trust root.
#[derive(Debug)]
pub struct Caught {
    /// The newest version, with all before it.
    pub trust: Trust,
    /// The server's newest one is older than the pinned one: it was not brought up to date.
    pub server_behind: bool,
}

/// Fetches every later version, and the earlier ones that are missing. Errors: `trust` for a version that does not follow
/// or is another than the pinned one of its number, those of [`Trust::update`], `too-long` beyond [`MAX_VERSIONS`].
pub async fn catch_up(http: &Client, server: &str, pinned: &Trust) -> Result<Caught, ClientError> {
    let server = server.trim_end_matches('/');
    let newest = Statement::parse(&http.get(&format!("{server}/v1/trust")).await?.body)?;
    let newest = Trust::pinned(&newest).map_err(|_| Code::Trust)?;
    // Also where there is no news: two trust roots of one number are two installations, or a fork of one.
    let same = pinned.version(newest.root().version).is_none_or(|known| known.hash() == newest.hash());
    if !same {
        return Err(Code::Trust.into());
    }
    let mut trust = with_history(http, server, pinned).await?;
    let server_behind = newest.root().version < pinned.root().version;
    for _ in 0..MAX_VERSIONS {
        match version(http, server, trust.root().version.saturating_add(1)).await? {
            Some(next) => trust = trust.update(&next)?,
            None => return Ok(Caught { trust, server_behind }),
        }
    }
    Err(Code::TooLong.into())
}

/// The pinned version with those before it. Each is named by its hash in the one that follows.
async fn with_history(http: &Client, server: &str, pinned: &Trust) -> Result<Trust, ClientError> {
    let mut earlier = Vec::new();
    let mut first = pinned.first().clone();
    while first.root().previous.is_some() {
        if earlier.len() >= MAX_VERSIONS {
            return Err(Code::TooLong.into());
        }
        let number = first.root().version.saturating_sub(1);
        // A server that does not have it: what the client has is enough to go on from.
        let Some(before) = version(http, server, number).await? else { break };
        first = Trust::pinned(&before)?;
        earlier.push(before);
    }
    let known: Vec<_> = pinned.versions().map(|t| t.statement().clone()).collect();
    let trust = Trust::chain(earlier.iter().rev().chain(known.iter().rev()))?;
    if trust.hash() == pinned.hash() { Ok(trust) } else { Err(Code::Trust.into()) }
}

async fn version(http: &Client, server: &str, number: u64) -> Result<Option<Statement>, ClientError> {
    match http.get(&format!("{server}/v1/trust/{number}")).await {
        Ok(answer) => Ok(Some(Statement::parse(&answer.body)?)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
