//! What the logs prove from the receipt alone: the report was accepted, its fate is on record, or it was dropped; and
//! whether anybody asked for this case's identity.

use tabir_crypto::B32;
use tabir_crypto::receipt::{Receipt, notice_tag};
use tabir_crypto::trust::unseal::{Request, Status};

use super::Session;

/// An unseal request for this case, found without anybody's help.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Entry of the governance log.
    pub entry: u64,
    /// Its entry hash.
    pub request_hash: B32,
    /// Code of the legal basis.
    pub legal_basis: String,
    /// Code of the reason.
    pub reason: String,
    /// How far it went.
    pub status: Status,
}

/// Tries every request of the governance log against the notice key.
#[must_use]
pub fn notices(session: &Session, receipt: &Receipt) -> Vec<Notice> {
    let keys = receipt.keys();
    let ours = |request: &&Request| {
        let nonce = request.body.nonce.map(|n| n.0);
        nonce.is_some_and(|n| notice_tag(keys.notice_key.expose(), &n) == request.body.tag.0)
    };
    let state = &session.view.state;
    let found = state.requests().iter().filter(ours).map(|request| Notice {
        entry: request.entry,
        request_hash: request.hash,
        legal_basis: request.body.legal_basis.to_string(),
        reason: request.body.reason.to_string(),
        status: request.status(state.witnessed(), session.now()),
    });
    found.collect()
}
