//! Messages to the reporter: numbered, chained, signed, sealed to the case's mailbox.
//!
//! ```text
//! message   {v, seq, prev = SHA-256 of the message before, kind, text}
//! sealed    HPKE to the mailbox key over pad({v, message, statement: reply over SHA-256(message)})
//! ```
//! The signature travels inside only: a short text could be guessed from its hash.

use tabir_crypto::codec::sha256;
use tabir_crypto::content::{Message, MessageKind, SealedReply, pad_message};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::{KemPublicKey, Use, uses};
use tabir_crypto::statement::body::Reply;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::{B32, Result, json};

use super::store::cases::Case;
use crate::api::gateway::Event;
use crate::clock::Random;

/// The most text of one message, in bytes: escaped in JSON it is at most twice as long, in base64url a third longer
/// again, and beside it stand the statement's 700 bytes; that fits the largest sealed message.
const MAX_TEXT: usize = 4_500;

/// Where a case's messages stand.
pub struct Chain {
    pub seq: u64,
    pub prev: B32,
}

/// Seals a text as one message or several, and moves the chain. `id` gives each an event id by its place, from 1.
pub fn seal(
    case: &Case,
    chain: &mut Chain,
    (question, text): (bool, &str),
    identity: &SigningKey,
    now: u64,
    id: impl Fn(u64) -> Hex<16>,
) -> Result<Vec<Vec<u8>>> {
    let mailbox = KemPublicKey::from_bytes(&case.mailbox_pk)?;
    let mut events = Vec::new();
    for (i, part) in split(text).into_iter().enumerate() {
        let asks = question && i == 0;
        let kind = if asks { MessageKind::Question } else { MessageKind::Note };
        let seq = chain.seq + 1;
        let message = Message { v: V1, seq, prev: Hex(chain.prev), kind, re: None, text: part.to_owned() };
        let message = json::to_vec(&message)?;
        let message_hash = sha256(&message);
        let body = Reply { v: V1, at: Hour::of(now), case_id: Hex(case.case_id), seq, message_hash: Hex(message_hash) };
        let statement = Statement::signed(Verb::Reply, &body, identity)?;
        let reply = json::to_vec(&SealedReply { v: V1, message: Bytes(message), statement })?;
        let place = Use::Mailbox { case_id: case.case_id, seq };
        let sealed = uses::seal(&mailbox, &place, pad_message(&reply)?.expose(), &mut Random)?;
        events.push(json::to_vec(&Event::Message {
            id: id(i as u64 + 1),
            seq,
            sealed: Bytes(sealed),
            question: asks,
        })?);
        (chain.seq, chain.prev) = (seq, message_hash);
    }
    Ok(events)
}

/// Parts of at most [`MAX_TEXT`] bytes, cut between characters.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > MAX_TEXT {
        let at = (0..=MAX_TEXT).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(MAX_TEXT);
        let (part, more) = rest.split_at(at);
        parts.push(part);
        rest = more;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_nothing_of_it_is_lost() {
        let text = "ä\"".repeat(4_000);
        let parts = split(&text);
        assert!(parts.len() > 2 && parts.iter().all(|p| p.len() <= MAX_TEXT));
        assert_eq!(parts.concat(), text);
        assert!(split("").is_empty());
    }
}
