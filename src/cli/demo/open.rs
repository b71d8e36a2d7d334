//! Steps `no_warden_refused`, `alone_refused`, `open` and `notice_found`: one identity is opened by two of three, and
//! the ways around are tried at the moment at which each would be worth most.

use serde_json::json;
use tabir_crypto::B32;
use tabir_crypto::Secret;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::IdentityRecord;
use tabir_crypto::envelope::CaseBinding;
use tabir_crypto::keyfile::Cost;
use tabir_crypto::receipt::notice_hash;
use tabir_crypto::threshold::{Council, Share};
use tabir_crypto::trust::unseal::Status;

use super::attacks::{self, Target};
use super::canary;
use super::establish::Official;
use super::play::Citizen;
use super::stage::{Stage, until};
use crate::cli::CliError;
use crate::cli::official::progress;
use crate::client::Session;
use crate::client::official::open::{Outcome, open as open_identity};
use crate::client::official::partial::{Released, partial};
use crate::client::official::request::Ask;
use crate::client::official::{Board, OfficialFile, Patience, approve, request};
use crate::client::opening::{Opening, Seen, find};
use crate::config::keys::read_private;

/// Every role but the warden: what an operator has.
const OPERATOR: [&str; 6] = ["issuer", "gateway", "council", "log", "forwarder", "desk"];
/// How long each step may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// An official at his device.
struct Device {
    file: OfficialFile,
    board: Board,
}

fn device(stage: &Stage, official: &Official) -> Result<Device, CliError> {
    let passphrase = read_private(&official.passphrase)?.trim_end().to_owned().into_bytes();
    let file = OfficialFile::open(&official.key, Secret::new(passphrase), Cost::DEFAULT)?;
    let board = Board::new(stage.http.clone(), &stage.board(), file.signing().clone());
    Ok(Device { file, board })
}

fn patience() -> Patience<'static> {
    Patience::new(PATIENCE, &progress)
}

/// Opens the first identity. Gives the officials' shares, which the canary looks for.
pub async fn open(
    stage: &mut Stage,
    officials: &[Official],
    citizens: &[Citizen],
) -> Result<Vec<canary::Secret>, CliError> {
    let named = citizens.iter().find_map(|c| Some((c, c.identity.as_ref()?)));
    let (citizen, sealed) = named.ok_or_else(|| CliError::Failed("no citizen gave an identity".into()))?;
    let [first, second, ..] = officials else { return Err(CliError::Failed("too few officials".into())) };
    let (mut a, mut b) = (device(stage, first)?, device(stage, second)?);
    let mut session = stage.session().await?;

    let ask = Ask {
        reference: citizen.reference.clone(),
        legal_basis: "court_order".into(),
        reason: "witness".into(),
        words: "The court asks for the witness of this case.".into(),
        ..Ask::default()
    };
    let hash = request::request(&mut session, &a.board, &a.file, &ask, &mut patience()).await?;
    let council = session.council()?.council.clone();
    let shares = [a.file.share(&council)?, b.file.share(&council)?];
    without_warden(stage, &a.board, (&citizen.reference, sealed), &council, &shares).await?;

    for device in [&mut a, &mut b] {
        let typed = (citizen.reference.as_str(), "agreed");
        approve::approve(&session, &device.board, &mut device.file, &hash, typed, &mut patience()).await?;
    }
    wait_for(&mut session, &hash, Status::Released).await?;
    alone(stage, &session, &a, &hash, sealed, &shares).await?;

    for device in [&a, &b] {
        let reference = &citizen.reference;
        partial(&session, &device.board, &device.file, &hash, reference, &mut patience()).await?;
    }
    let both = |s: &Session| s.view.state.request(&hash).is_some_and(|r| r.partials.len() == 2);
    wait_until(&mut session, both).await?;
    let mut equal = true;
    for device in [&a, &b] {
        let opening = open_identity(&session, &device.board, &device.file, &hash, &mut patience()).await?;
        equal &= opening.cheaters.is_empty() && matches!(&opening.outcome, Outcome::Opened(r) if **r == *sealed);
    }
    wait_for(&mut session, &hash, Status::Opened).await?;
    let words =
        format!("two of three opened the identity of {}, after the cooling-off, on the record", citizen.reference);
    stage.steps.say("open", equal, &json!({"equal": equal, "reference": citizen.reference}), &words);

    let (session, log) = stage.session_with_log().await?;
    let seen = Seen {
        trust: &session.trust,
        state: &session.view.state,
        entries: &log.entries,
        whole: true,
        now: session.now(),
    };
    let finds = |c: &Citizen| find(&seen, c.receipt.keys().notice_key.expose());
    let found = finds(citizen)?;
    let entry = found.first().and_then(|o| o.steps.first()).map(|s| s.entry);
    let mut only_his = true;
    for stranger in citizens.iter().filter(|c| c.reference != citizen.reference) {
        only_his &= finds(stranger)?.is_empty();
    }
    let told = |o: &Opening| o.request_hash == hash && o.status == Status::Opened;
    let ok = found.len() == 1 && found.first().is_some_and(told) && only_his;
    let words = format!(
        "its reporter finds entry {} of the public log by himself; nobody else's receipt fits",
        entry.unwrap_or_default()
    );
    stage.steps.say("notice_found", ok, &json!({"entry": entry}), &words);
    let secret = |s: &Share| canary::Secret { kind: "share", bytes: s.to_bytes().expose().split_at(2).1.to_vec() };
    Ok(shares.iter().map(secret).collect())
}

async fn wait_until(session: &mut Session, done: impl Fn(&Session) -> bool) -> Result<(), CliError> {
    let mut patience = patience();
    while !done(session) {
        patience.wait("the log").await?;
        session.refresh().await?;
    }
    Ok(())
}

async fn wait_for(session: &mut Session, hash: &B32, status: Status) -> Result<(), CliError> {
    let is = |s: &Session| {
        let state = &s.view.state;
        state.request(hash).is_some_and(|r| r.status(state.witnessed(), s.view.witnessed) == status)
    };
    wait_until(session, is).await
}

/// Two real shares and every store but the warden's, before the release.
async fn without_warden(
    stage: &mut Stage,
    board: &Board,
    (reference, sealed): (&str, &IdentityRecord),
    council: &Council,
    shares: &[Share],
) -> Result<(), CliError> {
    let case = board.case(reference, 0).await?;
    let binding = CaseBinding {
        lineage: *council.lineage(),
        case_id: case.case_id.0,
        access_hash: case.access_hash.0,
        content_hash: case.content_hash.0,
        notice_hash: notice_hash(&case.notice_key.0),
    };
    let outer = &case.envelope.0;
    let operator = attacks::loot(&attacks::folders(&stage.roles, &OPERATOR)).await?;
    let refused = attacks::open_outer(&operator, outer, &binding).is_none();
    // The same attack with the warden's store must win.
    let with_warden = attacks::loot(&attacks::folders(&stage.roles, &["warden"])).await?;
    let inner = attacks::open_outer(&with_warden, outer, &binding);
    let opened = inner.and_then(|inner| {
        let target = Target { council, inner: &inner, case_id: binding.case_id, envelope_hash: sha256(outer) };
        attacks::open_inner(&target, shares, &operator).1
    });
    let control = opened.as_ref() == Some(sealed);
    let tried = operator.keys.len();
    let words = format!("two officials with every store but the warden's, {tried} keys tried: nothing to open");
    stage.steps.say("no_warden_refused", refused && control, &json!({"tried": tried, "control": control}), &words);
    Ok(())
}

/// One approver with his hand-out and every store, before any partial exists.
async fn alone(
    stage: &mut Stage,
    session: &Session,
    device: &Device,
    hash: &B32,
    sealed: &IdentityRecord,
    shares: &[Share],
) -> Result<(), CliError> {
    let handed_out = || async { Ok(Released::load(session, &device.board, &device.file, hash).await.ok()) };
    let released = until("the warden hands out", PATIENCE.as_secs(), handed_out).await?;
    let target = Target {
        council: &released.open.council,
        inner: &released.inner,
        case_id: released.open.text.case_id.0,
        envelope_hash: released.open.text.envelope_hash.0,
    };
    let loot = attacks::loot(&attacks::folders(&stage.roles, &OPERATOR)).await?;
    let own = shares.get(..1).unwrap_or_default();
    let (tried, opened) = attacks::open_inner(&target, own, &loot);
    let control = attacks::open_inner(&target, shares, &loot).1.as_ref() == Some(sealed);
    let words = format!("one approver with his hand-out and every store, {tried} combinations tried: nothing opens");
    let figures = json!({"tried": tried, "values": loot.tried, "control": control});
    stage.steps.say("alone_refused", opened.is_none() && tried > 0 && control, &figures, &words);
    Ok(())
}
