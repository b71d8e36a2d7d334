//! `unseal.opened`: an approver collects the partials, opens the identity on his own device, and signs that it was opened.

use std::collections::BTreeMap;

use tabir_crypto::codec::sha256;
use tabir_crypto::content::IdentityRecord;
use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::body::{UnsealCode, UnsealOpened};
use tabir_crypto::statement::value::{CodeText, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::{self, DhOutput, Opened};
use tabir_crypto::{B32, Code, Error};

use super::case::entries;
use super::partial::Released;
use super::{Board, OfficialError, OfficialFile, Patience};
use crate::client::Session;

/// What was opened.
pub enum Outcome {
    /// The identity.
    Opened(Box<IdentityRecord>),
    /// Why there is none: `commitment`, `aead`, `record` or `none`.
    Failed(&'static str),
}

/// An opening, signed by this official.
pub struct Opening {
    /// What was opened.
    pub outcome: Outcome,
    /// Officials whose partials failed a check, with what failed: others' partials were used instead.
    pub cheaters: Vec<Error>,
    /// Officials whose partials the board did not deliver as the log has them: the board's doing, not theirs.
    pub altered: Vec<u16>,
    /// The proposal that carries the approvers' signatures.
    pub proposal: B32,
    /// Enough approvers have signed it.
    pub complete: bool,
}

/// Opens, and signs `unseal.opened` or `unseal.failed`.
/// Errors: `stale`, `too-few` while partials are missing, `BadPartial` when too few of them are good, those of [`Released::load`].
pub async fn open(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    hash: &B32,
    patience: &mut Patience<'_>,
) -> Result<Opening, OfficialError> {
    session.check_fresh()?;
    let released = Released::load(session, board, file, hash).await?;
    let Collected { good, bad: mut cheaters, altered } = collect(session, &released).await?;
    let dh = combine(&released, good, &mut cheaters).map_err(|e| blame_board(e, &altered))?;
    let opened = threshold::open(released.open.council.key(), &released.inner, &dh);
    let (outcome, statement) = result(session, hash, opened)?;
    let mut statement = existing(board, &statement).await?.unwrap_or(statement);
    statement.sign(file.signing());
    let complete = board.propose_after(&statement, session.view.head.size, patience).await?.complete;
    Ok(Opening { outcome, cheaters, altered, proposal: statement.pae_hash(), complete })
}

/// What the board has for this official.
#[derive(Default)]
struct Collected {
    /// Partials by their makers, each with the hash that its maker logged.
    good: BTreeMap<u16, SecretVec>,
    /// Who logged and sealed something that does not open.
    bad: Vec<Error>,
    /// Whose partial came with another hash than its maker logged.
    altered: Vec<u16>,
}

async fn collect(session: &Session, released: &Released) -> Result<Collected, OfficialError> {
    let (hash, own) = (released.open.request.hash, released.open.index);
    let logged: Vec<u64> = released.open.request.partials.iter().map(|(entry, _)| *entry).collect();
    let mut all = Collected::default();
    for statement in entries(session, &logged).await? {
        let Body::UnsealPartial(body) = statement.body()? else { return Err(Code::Context.into()) };
        let from = body.index;
        let Some(sealed) = released.open.files.partials.iter().find(|p| p.from == from) else { continue };
        let mine = body.partials.iter().find(|p| p.index == own);
        if mine.is_none_or(|p| p.hash.0 != sha256(&sealed.sealed.0)) {
            // Its maker signed the hash: whoever delivers something else must not make him a cheat.
            all.altered.push(from);
            continue;
        }
        match uses::open(&released.key, &Use::Partial { request_hash: hash, from, to: own }, &sealed.sealed.0) {
            Ok(partial) => drop(all.good.insert(from, partial)),
            Err(e) => all.bad.push(Error::at(e.code(), from)),
        }
    }
    Ok(all)
}

/// Too few, where the board changed some: that is what there is to say.
fn blame_board(error: OfficialError, altered: &[u16]) -> OfficialError {
    if altered.is_empty() || error.code() != Some(Code::TooFew) {
        return error;
    }
    let who = altered.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    OfficialError::Refused(format!(
        "what the board delivers as the partial of official {who} is not what the log says: the board or the way to it \
         changed it, not that official; nothing was signed"
    ))
}

/// Combines; who sent a partial that fails is named and left out.
fn combine(
    released: &Released,
    mut partials: BTreeMap<u16, SecretVec>,
    cheaters: &mut Vec<Error>,
) -> Result<DhOutput, OfficialError> {
    let context = released.context();
    loop {
        // Each is tried under its sender's name: a partial that names another maker is its sender's fault.
        let mut fault = None;
        for (from, bytes) in &partials {
            match threshold::verify(&context, bytes.expose()) {
                Ok(p) if p.index() == *from => {}
                Ok(_) => fault = Some(Error::at(Code::Context, *from)),
                Err(e) => fault = Some(Error::at(e.code(), *from)),
            }
        }
        match fault {
            Some(error) => {
                error.culprit().and_then(|from| partials.remove(&from));
                cheaters.push(error);
            }
            None => break,
        }
    }
    let bytes: Vec<&[u8]> = partials.values().map(|p| p.expose().as_slice()).collect();
    match threshold::combine(&context, &bytes) {
        Err(e) if e.code() == Code::TooFew => match cheaters.first() {
            Some(bad) => Err(OfficialError::BadPartial { index: bad.culprit().unwrap_or_default(), source: *bad }),
            None => Err(e.into()),
        },
        other => Ok(other?),
    }
}

/// What is said in public of what was opened.
fn result(
    session: &Session,
    hash: &B32,
    opened: tabir_crypto::Result<Opened>,
) -> Result<(Outcome, Statement), OfficialError> {
    let at = Hour::of(session.clock.now());
    let failed = |code: &'static str| -> Result<(Outcome, Statement), OfficialError> {
        let body = UnsealCode { v: V1, at, request_hash: Hex(*hash), code: CodeText::new(code)? };
        Ok((Outcome::Failed(code), Statement::new(Verb::UnsealFailed, &body)?))
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(e) if e.code() == Code::Commitment => return failed("commitment"),
        Err(e) if e.code() == Code::Aead => return failed("aead"),
        Err(e) => return Err(e.into()),
    };
    match IdentityRecord::from_padded(opened.record.expose()) {
        Err(_) => failed("record"),
        Ok(None) => failed("none"),
        Ok(Some(record)) => {
            let record_commit = Hex(threshold::record_commit(&opened));
            let body = UnsealOpened { v: V1, at, request_hash: Hex(*hash), record_commit };
            Ok((Outcome::Opened(Box::new(record)), Statement::new(Verb::UnsealOpened, &body)?))
        }
    }
}

/// Another approver's proposal that says the same, whatever its hour: all sign one statement.
async fn existing(board: &Board, ours: &Statement) -> Result<Option<Statement>, OfficialError> {
    let ours_body = ours.body()?;
    let same = |theirs: &Body| match (theirs, &ours_body) {
        (Body::UnsealOpened(a), Body::UnsealOpened(b)) => {
            a.request_hash == b.request_hash && a.record_commit == b.record_commit
        }
        (Body::UnsealCode(a), Body::UnsealCode(b)) => a.request_hash == b.request_hash && a.code == b.code,
        _ => false,
    };
    Ok(board.find(ours.verb(), same).await?.map(|p| p.statement))
}
