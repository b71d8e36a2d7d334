//! Coming back with the receipt: reading the case, and every later write.
//!
//! The access key reads; each write is a statement of the case key with the next counter. Messages to the reporter are
//! opened, their signature by the forwarder checked, and their chain followed: a changed one is an error, and what is missing
//! is named.

use crate::http::Method;
use tabir_crypto::codec::sha256;
use tabir_crypto::content::{
    Dispute, DisputeCode, Message, MessageKind, Rating, SealedReply, Stars, pad_message, unpad_message,
};
use tabir_crypto::hpke::{self, KemPublicKey, Use};
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::statement::body::{CaseWrite, KeyKind, Role};
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::submission::CaseWriteBody;
use tabir_crypto::token::Token;
use tabir_crypto::trust::Trust;
use tabir_crypto::{B32, Code, Secret, SecretBytes, countersign, json};

use super::{ClientError, Session, report, tokens};
use crate::api::gateway::{CaseView, Written};
use crate::clock::Random;
use crate::http::HttpError;

/// A case as its reporter sees it, everything checked.
#[derive(Debug)]
pub struct Case {
    /// What the gateway answered.
    pub view: CaseView,
    /// Messages to the reporter, opened and checked, by number.
    pub messages: Vec<Message>,
    /// Numbers, first and last, that are missing between them: lost with the gateway's disk, or held back.
    pub missing: Vec<(u64, u64)>,
}

impl Case {
    /// What the complaint system countersigned, if it did: a note about this case among the messages, by whatever key.
    #[must_use]
    pub fn countersignature(&self, trust: &Trust) -> Option<&str> {
        let origin = trust.root().origin.as_str();
        let ours = |m: &&Message| countersign::parse(&m.text, origin, &self.view.reference).is_ok();
        self.messages.iter().find(ours).map(|m| m.text.as_str())
    }

    /// The newest question without an answer, if the gateway still takes one without a token.
    #[must_use]
    pub fn open_question(&self) -> Option<&Message> {
        let open = self.view.questions > 0;
        self.messages.iter().rev().find(|m| m.kind == MessageKind::Question).filter(|_| open)
    }
}

/// Reads a case. Errors: HTTP, `context` (an answer about another case, a message that is not the forwarder's, or does not
/// follow the one before it).
pub async fn read(session: &Session, receipt: &Receipt) -> Result<Case, ClientError> {
    let keys = receipt.keys();
    let view = look(session, &keys.access).await?;
    let acceptance = report::check_acceptance(session, &view.acceptance)?;
    if acceptance.case_id.0 != keys.case_id() || acceptance.a.0 != keys.a() {
        return Err(Code::Context.into());
    }
    let (mut messages, mut missing) = (Vec::new(), Vec::new());
    let (mut last, mut previous) = (0, [0; 32]);
    for entry in &view.messages {
        let (message, hash) = open_message(session, &keys, entry.seq, &entry.sealed.0)?;
        let follows = message.prev.0 == previous;
        match entry.seq.checked_sub(last) {
            Some(1) if follows => {}
            // What stands before a gap says nothing about what stands behind it.
            Some(2..) => missing.push((last + 1, entry.seq - 1)),
            _ => return Err(Code::Context.into()),
        }
        (last, previous) = (entry.seq, hash);
        messages.push(message);
    }
    Ok(Case { view, messages, missing })
}

/// What the gateway says of a case to who has its access key and no more: its messages stay sealed. Error: HTTP.
pub async fn look(session: &Session, access: &SecretBytes<32>) -> Result<CaseView, ClientError> {
    let access = Secret::new(format!("Tabir-Case {}", hex::encode(access.expose())));
    let url = format!("{}/v1/case", session.server);
    let headers = [("authorization", access.expose().as_str())];
    Ok(session.http.send(Method::GET, &url, &headers, Vec::new()).await?.json()?)
}

fn open_message(session: &Session, keys: &ReceiptKeys, seq: u64, sealed: &[u8]) -> Result<(Message, B32), ClientError> {
    let case_id = keys.case_id();
    let padded = hpke::uses::open(&keys.mailbox, &Use::Mailbox { case_id, seq }, sealed)?;
    let reply: SealedReply = json::from_slice(unpad_message(padded.expose())?.expose())?;
    let verified = reply.statement.verify(&[*session.trust.identity(Role::Forwarder)])?;
    let hash = sha256(&reply.message.0);
    let message: Message = json::from_slice(&reply.message.0)?;
    let fits = matches!(&verified.body, Body::Reply(r)
        if r.case_id.0 == case_id && r.seq == seq && r.message_hash.0 == hash && message.seq == seq);
    if fits { Ok((message, hash)) } else { Err(Code::Context.into()) }
}

/// A write of the reporter, ready to be sent; the same bytes may be sent again.
pub struct Write {
    path: &'static str,
    body: Vec<u8>,
}

/// Where the gateway takes later writes.
const PATHS: [&str; 4] = ["messages", "rating", "dispute", "erase"];

impl Write {
    /// For who keeps it until it is answered: where it goes, a line break, the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.path.as_bytes(), b"\n", &self.body].concat()
    }

    /// The same again. Error: `field`.
    pub fn decode(bytes: &[u8]) -> tabir_crypto::Result<Self> {
        let at = bytes.iter().position(|b| *b == b'\n').ok_or(Code::Field)?;
        let (path, rest) = bytes.split_at(at);
        let path = PATHS.into_iter().find(|known| known.as_bytes() == path).ok_or(Code::Field)?;
        Ok(Self { path, body: rest.get(1..).unwrap_or_default().to_vec() })
    }
}

fn write(
    session: &Session,
    keys: &ReceiptKeys,
    view: &CaseView,
    (verb, path): (Verb, &'static str),
    payload: Vec<u8>,
    sealed: Option<(B32, u64)>,
) -> Result<Write, ClientError> {
    let body = CaseWrite {
        v: V1,
        at: Hour::of(session.clock.now()),
        case_id: Hex(keys.case_id()),
        counter: view.counter + 1,
        body_hash: Hex(sha256(&payload)),
    };
    let statement = Statement::signed(verb, &body, &keys.case_key)?;
    let (intake_key_id, seq) = sealed.map_or((None, None), |(id, seq)| (Some(Hex(id)), Some(seq)));
    Ok(Write { path, body: json::to_vec(&CaseWriteBody { v: V1, intake_key_id, seq, payload, statement })? })
}

fn seal_to_intake(session: &Session, case_id: B32, seq: u64, text: &[u8]) -> Result<(Vec<u8>, B32), ClientError> {
    let intake = KemPublicKey::from_bytes(&session.key(KeyKind::Intake)?)?;
    let intake_key_id = intake.key_id();
    let padded = pad_message(text)?;
    let place = Use::Followup { case_id, seq, intake_key_id };
    Ok((hpke::uses::seal(&intake, &place, padded.expose(), &mut Random)?, intake_key_id))
}

/// A message, or with `re` the answer to a question.
pub fn message(
    session: &Session,
    receipt: &Receipt,
    case: &Case,
    text: &str,
    re: Option<u64>,
) -> Result<Write, ClientError> {
    let (keys, seq) = (receipt.keys(), case.view.seq + 1);
    let kind = if re.is_some() { MessageKind::Answer } else { MessageKind::Note };
    // A device that only holds the receipt does not know its earlier messages: the number carries their order.
    let message = Message { v: V1, seq, prev: Hex([0; 32]), kind, re, text: text.to_owned() };
    let (payload, id) = seal_to_intake(session, keys.case_id(), seq, &json::to_vec(&message)?)?;
    write(session, &keys, &case.view, (Verb::CaseMessage, "messages"), payload, Some((id, seq)))
}

/// The one rating.
pub fn rating(session: &Session, receipt: &Receipt, case: &Case, stars: Stars) -> Result<Write, ClientError> {
    let payload = json::to_vec(&Rating { v: V1, stars })?;
    write(session, &receipt.keys(), &case.view, (Verb::CaseRate, "rating"), payload, None)
}

/// The one dispute of a closure.
pub fn dispute(
    session: &Session,
    receipt: &Receipt,
    case: &Case,
    code: DisputeCode,
    text: &str,
) -> Result<Write, ClientError> {
    let (keys, seq) = (receipt.keys(), case.view.seq + 1);
    let dispute = Dispute { v: V1, seq, code, text: text.to_owned() };
    let (payload, id) = seal_to_intake(session, keys.case_id(), seq, &json::to_vec(&dispute)?)?;
    write(session, &keys, &case.view, (Verb::CaseDispute, "dispute"), payload, Some((id, seq)))
}

/// Erases the case at the gateway; what the downstream has stays there.
pub fn erase(session: &Session, receipt: &Receipt, case: &Case) -> Result<Write, ClientError> {
    write(session, &receipt.keys(), &case.view, (Verb::CaseErase, "erase"), Vec::new(), None)
}

/// Sends a write, again after a lost answer. A message beyond the answers takes a token.
pub async fn send(session: &Session, write: &Write, token: Option<&Token>) -> Result<Written, ClientError> {
    let url = format!("{}/v1/case/{}", session.server, write.path);
    let authorization = token.map(tokens::authorization);
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(authorization.as_deref().map(|a| ("authorization", a)));
    let post = || session.http.send(Method::POST, &url, &headers, write.body.clone());
    let answer = match post().await {
        Err(HttpError::Unreachable(_)) => post().await,
        other => other,
    };
    Ok(answer?.json()?)
}
