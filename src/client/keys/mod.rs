//! Every key that people rely on, for who has no part in the installation: what the governance log says of each, and whether
//! what a gateway shows is that.
//!
//! ```text
//! history  the log, replayed --> token, intake and warden keys, councils, versions of the trust root, each with its times
//! shown    GET /v1/keys, checked against the same replay
//! news     what is new since the last look: each thing is told once
//! ```

pub mod history;
pub mod news;
pub mod shown;

use std::path::Path;
use std::sync::Arc;

use tabir_crypto::log::TreeHead;
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::LogName;

use super::last_heads::LastHeads;
use super::log_source::ReadError;
use super::{ClientError, Session};
use crate::api::gateway::Keys;
use crate::clock::Clock;
use crate::http::Client;
use crate::ledger;
use history::{Item, history};

/// What there was to see.
pub struct Look {
    /// Every key, council and version of the trust root.
    pub items: Vec<Item>,
    /// Of the governance log.
    pub head: TreeHead,
    /// Unix seconds: when that was witnessed.
    pub witnessed: u64,
    /// Whether the gateway shows what the log says; `None` where no gateway was asked.
    pub gateway: Option<Result<(), ReadError>>,
}

/// Looks at a server's log, and at what its gateway shows. Errors: those of [`Session::open_with_log`], `stale` for a head
/// older than the freshness limit.
pub async fn look(
    clock: &Clock,
    trust: &Arc<Trust>,
    server: &str,
    heads: Option<LastHeads>,
) -> Result<Look, ClientError> {
    let http = Client::new(clock.clone());
    // Before the log is read: what the gateway has seen of it must be in it.
    let shown: Keys = http.get_json(&format!("{}/v1/keys", server.trim_end_matches('/'))).await?;
    let (session, log) = Session::open_with_log(http, clock.clone(), Arc::clone(trust), server, heads).await?;
    session.check_fresh()?;
    let gateway = shown::check(trust, &log, &shown, clock.now());
    let items = history(trust, &session.view.state, session.now());
    Ok(Look { items, head: session.view.head, witnessed: session.view.witnessed, gateway: Some(gateway) })
}

/// Looks into a copy that `tabir audit fetch` made, and judges by its newest witnessed time. Errors: those of the log reader.
pub async fn look_into(trust: &Trust, copy: &Path) -> Result<Look, ClientError> {
    let mut view = ledger::View::default();
    view.advance(trust, &ledger::reader_of_copy(trust, LogName::Governance, copy)?).await?;
    let items = history(trust, &view.state, view.witnessed);
    Ok(Look { items, head: view.head, witnessed: view.witnessed, gateway: None })
}
