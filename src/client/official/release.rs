//! A release that waits for an auditor beside the warden: what an auditor is told before he signs it, from the log that
//! his own device reads.

use tabir_crypto::Code;
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::statement::value::Second;
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::trust::Signer;
use tabir_crypto::trust::unseal::Request;

use super::OfficialError;
use super::partial::check_checkpoint;
use crate::client::Session;

/// Checks all that the log can say of a proposed release, and says in words what an auditor's signature would do.
/// Errors: `stale`; `Refused` for a key that is no auditor's, for one that needs no auditor, or for a request that ended; those of
/// [`State::check`](tabir_crypto::trust::State::check).
pub async fn explain(
    session: &Session,
    statement: &Statement,
    auditor: &VerifyingKey,
) -> Result<Vec<String>, OfficialError> {
    session.check_fresh()?;
    let state = &session.view.state;
    let Body::UnsealReleased(body) = statement.body()? else { return Err(Code::Verb.into()) };
    if !matches!(session.trust.signer(&auditor.key_id()), Some(Signer::Auditor(_))) {
        return Err(OfficialError::Refused("this key is no auditor's of the trust root: nothing was signed".into()));
    }
    let request = state.request(&body.request_hash.0).ok_or(Code::Context)?;
    // By the warden alone it must be in order but for what an auditor lifts.
    match state.check(&session.trust, statement, session.now()) {
        Ok(_) => {}
        Err(e) if e.code() == Code::CoolingOff => {}
        Err(e) => return Err(e.into()),
    }
    check_checkpoint(session, body.tree_size, &body.checkpoint_hash.0).await?;
    let named: Vec<u16> = body.handouts.iter().map(|h| h.index).collect();
    Ok(words(session, request, &named))
}

fn words(session: &Session, request: &Request, named: &[u16]) -> Vec<String> {
    let (state, now) = (&session.view.state, session.now());
    let cooled = request.cooled_at(state.witnessed()).unwrap_or(u64::MAX);
    let what = if now < cooled {
        let left = (cooled - now).div_ceil(3600);
        format!("BEFORE its cooling-off is over: that lasts until {}, {left} h from now", Second(cooled))
    } else {
        let cap = session.trust.root().release_cap_per_day;
        format!("ABOVE the {cap} that it may release alone on a day")
    };
    let people = |list: &[u16]| list.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let approved: Vec<u16> = request.approvals.iter().map(|a| a.body.index).collect();
    let mut lines = vec![
        format!("The outside body (warden) wants to release one reporter's identity {what}."),
        format!("  request      {}", hex::encode(request.hash)),
        format!("  asked by     official {}", request.body.requester),
        format!("  legal basis  {}", request.body.legal_basis),
        format!("  reason       {}", request.body.reason),
        format!(
            "  approved by  officials {} of {}; {} are needed",
            people(&approved),
            request.terms.n,
            request.terms.t
        ),
        format!("  opened by    officials {}", people(named)),
    ];
    if let (Some(until), Some(code)) = (request.body.deferred_until, &request.body.deferral) {
        lines.push(format!("  deferral     the reporter is told at {until}, not at once: {code}"));
    }
    lines.extend([
        "The case and the officials' words are sealed, and not to you: ask the outside body's person, not the city."
            .into(),
        "With your signature it is released at once, and what is out stays out. Without it, it waits.".into(),
        "Your signature stands in the public log for good; the reporter sees that an auditor shortened the wait."
            .into(),
    ]);
    lines
}

/// Adds the auditor's signature, and checks the whole as the log will.
pub fn sign(session: &Session, statement: &mut Statement, key: &SigningKey) -> Result<(), OfficialError> {
    statement.sign(key);
    session.view.state.check(&session.trust, statement, session.now())?;
    Ok(())
}
