//! Several tokens at once: the generic batch of draft-ietf-privacypass-batched-tokens, token type 0x0002 only.
//!
//! ```text
//! GenericBatchTokenRequest   V | TokenRequest …                          1 to 8
//! GenericBatchTokenResponse  V | (u8 1 | u16 type | TokenResponse) …     as many; u8 0 alone: refused
//! V                          bytes that follow, as a QUIC variable-length integer (RFC 9000, section 16), shortest form
//! ```
//! An answer stands at the place of its request. What belongs together is told by the place alone, and only the client
//! and the issuer see it: a finalized token has no place.
//!
//! [`split_requests`] and [`split_responses`] know the lengths of all types of the draft, so that a batch with another
//! type can be told from garbage; nothing here makes or signs those. Not covered: answers that leave some out. This
//! issuer signs all of a batch or none, and its clients take nothing less.

use rand_core::CryptoRng;

use super::client::{PendingToken, blind};
use super::key::{IssuerKey, TokenKey};
use super::seed::Seeded;
use super::wire::{NK, REQUEST_LEN, TOKEN_TYPE, Token, TokenChallenge, TokenRequest, TokenResponse};
use crate::codec::take;
use crate::error::{Code, Result, need};
use crate::secret::SecretBytes;

/// Media type of a batch request; sent and taken without parameters.
pub const BATCH_REQUEST_TYPE: &str = "application/private-token-generic-batch-request";
/// Media type of a batch response.
pub const BATCH_RESPONSE_TYPE: &str = "application/private-token-generic-batch-response";
/// Tokens that one attestation buys at most: a reporter's needs of an epoch, and few enough that one stolen voucher is
/// no flood.
pub const MAX_BATCH: usize = 8;
/// Bytes of the longest batch request.
pub const MAX_BATCH_REQUEST_LEN: usize = 2 + MAX_BATCH * REQUEST_LEN;

/// Bytes of a request with its type, and of a response without it, for each token type of the draft.
const fn lengths(token_type: u16) -> Option<(usize, usize)> {
    match token_type {
        0x0001 => Some((2 + 1 + 49, 49 + 96)),
        TOKEN_TYPE => Some((REQUEST_LEN, NK)),
        0x0005 => Some((2 + 1 + 32, 32 + 64)),
        _ => None,
    }
}

/// The body after its length, of which nothing is missing and nothing left over.
/// Errors: `size`, `trailing`, `non-canonical` (a longer form than needed), `too-long` (above 16,383, more than a batch has).
fn body(mut bytes: &[u8]) -> Result<&[u8]> {
    let [first] = take(&mut bytes)?;
    let length = match first >> 6 {
        0 => usize::from(first),
        1 => {
            let [second] = take(&mut bytes)?;
            let length = usize::from(u16::from_be_bytes([first & 0x3f, second]));
            need(length > 0x3f, Code::NonCanonical)?;
            length
        }
        _ => return Err(Code::TooLong.into()),
    };
    need(bytes.len() >= length, Code::Size)?;
    need(bytes.len() == length, Code::Trailing)?;
    Ok(bytes)
}

fn framed(body: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(body.len()).ok().filter(|n| *n < 0x4000).ok_or(Code::TooLong)?;
    let head = match length {
        0..=0x3f => length.to_be_bytes().into_iter().skip(1).collect::<Vec<_>>(),
        _ => (length | 0x4000).to_be_bytes().to_vec(),
    };
    Ok([&head[..], body].concat())
}

fn token_type(bytes: &[u8]) -> Result<u16> {
    let head: &[u8; 2] = bytes.first_chunk().ok_or(Code::Size)?;
    Ok(u16::from_be_bytes(*head))
}

/// Takes a batch of requests apart, each with its type. Errors: those of the length, `size`, `token-type` (none of the
/// draft).
pub fn split_requests(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    let mut rest = body(bytes)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (length, _) = lengths(token_type(rest)?).ok_or(Code::TokenType)?;
        let (one, tail) = rest.split_at_checked(length).ok_or(Code::Size)?;
        found.push(one);
        rest = tail;
    }
    Ok(found)
}

/// Takes a batch of answers apart, each with its type; `None` where the issuer refused. Errors: as [`split_requests`],
/// `field` (a presence that is neither 0 nor 1).
pub fn split_responses(bytes: &[u8]) -> Result<Vec<Option<&[u8]>>> {
    let mut rest = body(bytes)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let [present] = take(&mut rest)?;
        need(present <= 1, Code::Field)?;
        if present == 0 {
            found.push(None);
            continue;
        }
        let (_, length) = lengths(token_type(rest)?).ok_or(Code::TokenType)?;
        let (one, tail) = rest.split_at_checked(2 + length).ok_or(Code::Size)?;
        found.push(Some(one));
        rest = tail;
    }
    Ok(found)
}

/// Puts requests, each with its type, into a batch. Error: `too-long`.
pub fn join_requests(requests: &[&[u8]]) -> Result<Vec<u8>> {
    framed(&requests.concat())
}

/// Puts answers, each with its type, into a batch. Error: `too-long`.
pub fn join_responses(responses: &[Option<&[u8]>]) -> Result<Vec<u8>> {
    let each = |response: &Option<&[u8]>| response.map_or_else(|| vec![0], |found| [&[1][..], found].concat());
    framed(&responses.iter().flat_map(each).collect::<Vec<_>>())
}

fn counted(count: usize) -> Result<()> {
    need(count > 0, Code::TooFew)?;
    need(count <= MAX_BATCH, Code::TooLong)
}

/// One to eight requests of type 0x0002.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRequest(Vec<TokenRequest>);

impl BatchRequest {
    /// Errors: `too-few` (none), `too-long` (more than [`MAX_BATCH`]).
    pub fn new(requests: Vec<TokenRequest>) -> Result<Self> {
        counted(requests.len())?;
        Ok(Self(requests))
    }

    /// Reads a batch. Errors: those of [`split_requests`] and [`BatchRequest::new`], `token-type`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let parts = split_requests(bytes)?;
        counted(parts.len())?;
        parts.into_iter().map(TokenRequest::decode).collect::<Result<_>>().and_then(Self::new)
    }

    /// The bytes. Error: none that eight requests could meet.
    pub fn encode(&self) -> Result<Vec<u8>> {
        framed(&self.0.iter().flat_map(TokenRequest::encode).collect::<Vec<_>>())
    }

    /// The requests, in their order.
    #[must_use]
    pub fn requests(&self) -> &[TokenRequest] {
        &self.0
    }
}

/// An answer to each request of a batch, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchResponse(Vec<TokenResponse>);

impl BatchResponse {
    /// Errors: `too-few` (none), `too-long` (more than [`MAX_BATCH`]).
    pub fn new(responses: Vec<TokenResponse>) -> Result<Self> {
        counted(responses.len())?;
        Ok(Self(responses))
    }

    /// Reads a batch. Errors: those of [`split_responses`] and [`BatchResponse::new`], `token-type`, `blind-signature`
    /// (one that is left out).
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let parts = split_responses(bytes)?;
        counted(parts.len())?;
        let read = |part: Option<&[u8]>| {
            let mut part = part.ok_or(Code::BlindSignature)?;
            need(u16::from_be_bytes(take(&mut part)?) == TOKEN_TYPE, Code::TokenType)?;
            TokenResponse::decode(part)
        };
        parts.into_iter().map(read).collect::<Result<_>>().and_then(Self::new)
    }

    /// The bytes. Error: none that eight answers could meet.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let head = [&[1][..], &TOKEN_TYPE.to_be_bytes()].concat();
        framed(&self.0.iter().flat_map(|response| [&head[..], &response.0].concat()).collect::<Vec<_>>())
    }

    /// The answers, in their order.
    #[must_use]
    pub fn responses(&self) -> &[TokenResponse] {
        &self.0
    }
}

/// A batch that waits for the issuer's answer.
#[derive(Debug)]
pub struct PendingBatch(Vec<PendingToken>);

/// Makes `count` tokens' inputs and blinds them, all from one seed: the same seed, key and challenge give the same
/// request, so that who keeps the seed can ask again. Who learns it links all of the batch; a new batch takes a new one.
/// Errors: those of [`blind`] and [`BatchRequest::new`].
pub fn blind_batch(
    seed: &SecretBytes<32>,
    key: &TokenKey,
    challenge: &TokenChallenge,
    count: usize,
) -> Result<(BatchRequest, PendingBatch)> {
    counted(count)?;
    let mut rng = Seeded::new(seed);
    let both = (0..count).map(|_| blind(&mut rng, key, challenge)).collect::<Result<Vec<_>>>()?;
    let (requests, pending) = both.into_iter().unzip();
    Ok((BatchRequest::new(requests)?, PendingBatch(pending)))
}

impl PendingBatch {
    /// Unblinds the answers and verifies the tokens that come of them, in the order of the requests. Error:
    /// `blind-signature` (also for another number of answers): all tokens, or none.
    pub fn finalize(&self, response: &BatchResponse) -> Result<Vec<Token>> {
        need(self.0.len() == response.0.len(), Code::BlindSignature)?;
        self.0.iter().zip(&response.0).map(|(pending, answer)| pending.finalize(answer)).collect()
    }
}

impl IssuerKey {
    /// Signs a batch, all of it or nothing. Errors: those of [`IssuerKey::blind_sign`].
    pub fn blind_sign_batch(&self, rng: &mut impl CryptoRng, batch: &BatchRequest) -> Result<BatchResponse> {
        batch.0.iter().try_for_each(|request| self.public().admits(request))?;
        let sign = |request| self.blind_sign(rng, request);
        batch.0.iter().map(sign).collect::<Result<_>>().and_then(BatchResponse::new)
    }
}
