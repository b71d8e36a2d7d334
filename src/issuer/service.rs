//! What the issuer does: keep one key an epoch, and turn one attestation into one signature.

use std::sync::{Arc, PoisonError, RwLock};

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::token::directory::{Directory, DirectoryKey};
use tabir_crypto::token::puzzle::{MAX_DIFFICULTY, Offer, Solution};
use tabir_crypto::token::{IssuerKey, TokenRequest, TokenResponse};
use tabir_crypto::{Code, SecretBytes};

use super::attester_pow;
use super::attester_voucher::VoucherCode;
use super::epochs::{self, Epoch, Span};
use super::error::{IssuerError, StartError};
use super::store::{Spend, Store};
use crate::clock::{Clock, Random};

/// Where token requests go.
pub const REQUEST_PATH: &str = "/token-request";

/// The configured terms.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Length of an epoch in seconds.
    pub epoch_s: u64,
    /// How long an epoch's tokens are taken after it, in seconds.
    pub overlap_s: u64,
    /// Puzzles of 2^bits tries on average; `None`: no puzzles.
    pub pow_bits: Option<u8>,
}

/// The issuer.
pub struct Service {
    store: Store,
    clock: Clock,
    identity: SigningKey,
    terms: Terms,
    puzzle_key: SecretBytes<32>,
    epochs: RwLock<Vec<Epoch>>,
}

/// What somebody shows for a token.
enum Attestation {
    Voucher(VoucherCode),
    Puzzle(Solution),
}

impl Attestation {
    fn parse(header: &str) -> Result<Self, IssuerError> {
        let (scheme, value) = header.split_once(' ').ok_or(IssuerError::AttestationMissing)?;
        match scheme {
            "voucher" => VoucherCode::parse(value).map(Self::Voucher).ok_or(IssuerError::AttestationInvalid),
            "pow" => Solution::parse(value).map(Self::Puzzle).map_err(|_| IssuerError::AttestationInvalid),
            _ => Err(IssuerError::AttestationMissing),
        }
    }
}

impl Service {
    /// Starts on a store, and makes the keys that are missing.
    pub async fn new(store: Store, clock: Clock, identity: SigningKey, terms: Terms) -> Result<Self, StartError> {
        if let Some(bits) = terms.pow_bits.filter(|bits| *bits > MAX_DIFFICULTY) {
            return Err(StartError::Difficulty(bits));
        }
        let puzzle_key = store.puzzle_key(SecretBytes::random(&mut Random)).await?;
        let service = Self { store, clock, identity, terms, puzzle_key, epochs: RwLock::default() };
        service.maintain().await?;
        Ok(service)
    }

    /// Makes and announces the keys of this and the next epoch, if they are missing, and forgets what is over.
    pub async fn maintain(&self) -> Result<(), IssuerError> {
        let now = self.clock.now();
        self.store.forget(now, attester_pow::day(now)).await?;
        loop {
            let known = self.store.epochs().await?;
            let missing = Span::missing(known.last().map(|e| e.span), now, self.terms.epoch_s.max(1));
            let Some(span) = missing else {
                *self.epochs.write().unwrap_or_else(PoisonError::into_inner) = known;
                return Ok(());
            };
            let taken: Vec<u8> = known.iter().map(|e| e.public.truncated_id()).collect();
            let key = blocking(move || epochs::new_key(&taken)).await?;
            let announced = epochs::announcement(span, key.public(), &self.identity, now)?;
            // False: another process of this issuer was first, and its key counts.
            self.store.add_epoch(span, &key, announced).await?;
        }
    }

    fn epochs(&self) -> Vec<Epoch> {
        self.epochs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The current key, then those whose tokens are still taken.
    #[must_use]
    pub fn directory(&self) -> Directory {
        let now = self.clock.now();
        let mut listed = self.epochs();
        listed.retain(|e| e.span.not_before <= now && now < e.span.not_after.saturating_add(self.terms.overlap_s));
        listed.reverse();
        let token_keys = listed.iter().map(|e| DirectoryKey::new(&e.public, e.span.not_before)).collect();
        Directory { issuer_request_uri: REQUEST_PATH.to_owned(), token_keys }
    }

    /// A new puzzle, where puzzles buy tokens.
    pub fn puzzle(&self) -> Option<Result<Offer, IssuerError>> {
        self.terms.pow_bits.map(|bits| attester_pow::offer(&self.puzzle_key, bits, self.clock.now()))
    }

    /// Signs one request for one attestation. The same request with the same attestation gets the same answer until
    /// the epoch ends, so that an answer lost on the way costs nothing.
    pub async fn issue(&self, attestation: Option<&str>, request: &[u8]) -> Result<TokenResponse, IssuerError> {
        let request_hash = sha256(request);
        let request = TokenRequest::decode(request).map_err(IssuerError::Request)?;
        let now = self.clock.now();
        let current = self.epochs().into_iter().find(|e| e.span.holds(now)).ok_or(IssuerError::NoKey)?;
        let key = current.secret.ok_or(IssuerError::NoKey)?;
        // Before anything is spent: a request that can't be signed must not cost a voucher.
        current.public.admits(&request).map_err(IssuerError::Request)?;
        let spend = match Attestation::parse(attestation.ok_or(IssuerError::AttestationMissing)?)? {
            Attestation::Voucher(code) => {
                self.store.spend_voucher(code.hash(), request_hash, current.span.epoch).await?
            }
            Attestation::Puzzle(_) if self.terms.pow_bits.is_none() => Spend::Unknown,
            Attestation::Puzzle(solution) => {
                let ours = attester_pow::authenticate(solution, &self.puzzle_key, now)?;
                self.store.spend_puzzle(attester_pow::check_work(ours).await?, request_hash).await?
            }
        };
        match spend {
            Spend::Granted => sign(key, request).await,
            Spend::Spent => Err(IssuerError::AttestationSpent),
            Spend::Unknown => Err(IssuerError::AttestationInvalid),
        }
    }
}

async fn sign(key: Arc<IssuerKey>, request: TokenRequest) -> Result<TokenResponse, IssuerError> {
    blocking(move || key.blind_sign(&mut Random, &request)).await
}

/// RSA takes milliseconds to seconds: not on an async thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> tabir_crypto::Result<T> + Send + 'static,
) -> Result<T, IssuerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(IssuerError::Crypto),
        Err(_) => Err(Code::Random.into()),
    }
}
