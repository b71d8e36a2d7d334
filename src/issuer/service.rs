//! What the issuer does: keep one key an epoch, and turn one attestation into one batch of signatures.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::token::directory::{Directory, DirectoryKey};
use tabir_crypto::token::puzzle::{MAX_DIFFICULTY, Offer, Solution};
use tabir_crypto::token::{BatchRequest, BatchResponse, IssuerKey, TokenRequest, TokenResponse};
use tabir_crypto::{B32, Code, SecretBytes};

use super::attester_account::Accounts;
use super::attester_pow;
use super::attester_voucher::VoucherCode;
use super::difficulty::Difficulty;
use super::epochs::{self, Epoch, Span};
use super::error::{IssuerError, StartError};
use super::limits::{Limits, Scheme};
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
    /// Puzzles of 2^bits tries on average when it is calm; `None`: no puzzles.
    pub pow_bits: Option<u8>,
    /// Signatures a second for each kind of attestation.
    pub signatures_per_s: u32,
}

/// The issuer.
pub struct Service {
    store: Store,
    clock: Clock,
    identity: SigningKey,
    terms: Terms,
    puzzle_key: SecretBytes<32>,
    difficulty: Option<Difficulty>,
    accounts: Option<Accounts>,
    limits: Limits,
    epochs: RwLock<Vec<Epoch>>,
    /// The store came back from a backup, and the keys were not renewed since.
    restored: AtomicBool,
}

/// What somebody shows for tokens.
enum Attestation<'a> {
    Voucher(VoucherCode),
    Puzzle(Solution),
    Account(&'a str),
}

impl<'a> Attestation<'a> {
    fn parse(header: &'a str) -> Result<Self, IssuerError> {
        let (scheme, value) = header.split_once(' ').ok_or(IssuerError::AttestationMissing)?;
        match scheme {
            "voucher" => VoucherCode::parse(value).map(Self::Voucher).ok_or(IssuerError::AttestationInvalid),
            "pow" => Solution::parse(value).map(Self::Puzzle).map_err(|_| IssuerError::AttestationInvalid),
            "account" => Ok(Self::Account(value)),
            _ => Err(IssuerError::AttestationMissing),
        }
    }
}

/// What is to be signed, once it is paid for.
struct Asked {
    /// SHA-256 of the request, as it came.
    hash: B32,
    epoch: u64,
    signatures: NonZeroU32,
}

impl Service {
    /// Starts on a store, and makes the keys that are missing. Without `accounts` no login buys anything.
    pub async fn new(
        store: Store,
        clock: Clock,
        identity: SigningKey,
        terms: Terms,
        accounts: Option<Accounts>,
    ) -> Result<Self, StartError> {
        if let Some(bits) = terms.pow_bits.filter(|bits| *bits > MAX_DIFFICULTY) {
            return Err(StartError::Difficulty(bits));
        }
        let puzzle_key = store.puzzle_key(SecretBytes::random(&mut Random)).await?;
        let per_s = NonZeroU32::new(terms.signatures_per_s).ok_or(StartError::NoBudget)?;
        let limits = Limits::new(per_s, &clock);
        let difficulty = terms.pow_bits.map(Difficulty::new);
        let (epochs, restored) = (RwLock::default(), AtomicBool::default());
        let service =
            Self { store, clock, identity, terms, puzzle_key, difficulty, accounts, limits, epochs, restored };
        service.maintain().await?;
        Ok(service)
    }

    /// Whether the store came back from a backup and its keys were not renewed since: nothing is signed.
    pub fn is_restored(&self) -> bool {
        self.restored.load(Ordering::Relaxed)
    }

    /// Makes and announces the keys of this and the next epoch, if they are missing, and forgets what is over. In a store
    /// that came back from a backup `tabir keys renew` does the first: the log may know epochs that the store forgot, and an
    /// epoch with two keys has none.
    pub async fn maintain(&self) -> Result<(), IssuerError> {
        let now = self.clock.now();
        self.store.forget(now, attester_pow::day(now)).await?;
        let restored = self.store.is_restored().await?;
        self.restored.store(restored, Ordering::Relaxed);
        loop {
            let known = self.store.epochs().await?;
            let missing = Span::missing(known.last().map(|e| e.span), now, self.terms.epoch_s.max(1));
            let Some(span) = missing.filter(|_| !restored) else {
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
        let now = self.clock.now();
        self.difficulty.as_ref().map(|d| attester_pow::offer(&self.puzzle_key, d.bits(now), now))
    }

    /// Signs one request for one attestation. The same request with the same attestation gets the same answer until
    /// the epoch ends, so that an answer lost on the way costs nothing.
    pub async fn issue(&self, attestation: Option<&str>, request: &[u8]) -> Result<TokenResponse, IssuerError> {
        let hash = sha256(request);
        let request = TokenRequest::decode(request).map_err(IssuerError::Request)?;
        let (epoch, key) = self.signing(std::slice::from_ref(&request))?;
        self.pay(attestation, Asked { hash, epoch, signatures: NonZeroU32::MIN }).await?;
        blocking(move || key.blind_sign(&mut Random, &request)).await
    }

    /// Signs a batch for one attestation, all of it or nothing; otherwise as [`Service::issue`].
    pub async fn issue_batch(&self, attestation: Option<&str>, batch: &[u8]) -> Result<BatchResponse, IssuerError> {
        let hash = sha256(batch);
        let batch = BatchRequest::decode(batch).map_err(IssuerError::Request)?;
        let (epoch, key) = self.signing(batch.requests())?;
        let count = u32::try_from(batch.requests().len()).ok().and_then(NonZeroU32::new);
        let signatures = count.ok_or(IssuerError::Request(Code::TooFew.into()))?;
        self.pay(attestation, Asked { hash, epoch, signatures }).await?;
        blocking(move || key.blind_sign_batch(&mut Random, &batch)).await
    }

    /// The epoch that signs now and its key, by which all of these can be signed. Asked before anything is spent: a
    /// request that can't be signed must not cost a voucher.
    fn signing(&self, requests: &[TokenRequest]) -> Result<(u64, Arc<IssuerKey>), IssuerError> {
        let now = self.clock.now();
        let current = self.epochs().into_iter().find(|e| e.span.holds(now)).ok_or(IssuerError::NoKey)?;
        let key = current.secret.ok_or(IssuerError::NoKey)?;
        requests.iter().try_for_each(|request| current.public.admits(request)).map_err(IssuerError::Request)?;
        Ok((current.span.epoch, key))
    }

    /// Spends the attestation on what is asked, durably, before anything is signed.
    async fn pay(&self, attestation: Option<&str>, asked: Asked) -> Result<(), IssuerError> {
        let (scheme, spend) = match Attestation::parse(attestation.ok_or(IssuerError::AttestationMissing)?)? {
            Attestation::Voucher(code) => {
                let now = self.clock.now();
                (Scheme::Voucher, self.store.spend_voucher(code.hash(), asked.hash, asked.epoch, now).await?)
            }
            Attestation::Account(jwt) => {
                let accounts = self.accounts.as_ref().ok_or(IssuerError::AttestationInvalid)?;
                let account = accounts.check(jwt).await?;
                let spent = self.store.spend_account(account, asked.hash, asked.epoch, accounts.quota);
                (Scheme::Account, spent.await?)
            }
            Attestation::Puzzle(solution) => return self.pay_puzzle(solution, asked).await,
        };
        bought(spend)?;
        self.limits.take(scheme, asked.signatures)
    }

    /// As [`Service::pay`]. The MAC comes first, then the budget, then the Argon2.
    async fn pay_puzzle(&self, solution: Solution, asked: Asked) -> Result<(), IssuerError> {
        let difficulty = self.difficulty.as_ref().ok_or(IssuerError::AttestationInvalid)?;
        let now = self.clock.now();
        let id = attester_pow::id(&solution, &self.puzzle_key)?;
        // One that has expired still gets what it bought once more.
        let before = self.store.spent_puzzle(id, asked.hash).await?;
        if before != Spend::Unknown {
            bought(before)?;
            return self.limits.take(Scheme::Puzzle, asked.signatures);
        }
        let ours = attester_pow::authenticate(solution, &self.puzzle_key, now)?;
        self.limits.take(Scheme::Puzzle, asked.signatures)?;
        let solved = attester_pow::check_work(ours).await?;
        let spend = self.store.spend_puzzle(solved, asked.hash, asked.epoch).await?;
        if spend == Spend::Granted {
            difficulty.bought(now);
        }
        bought(spend)
    }
}

fn bought(spend: Spend) -> Result<(), IssuerError> {
    match spend {
        Spend::Granted | Spend::Repeated => Ok(()),
        Spend::Spent => Err(IssuerError::AttestationSpent),
        Spend::Over => Err(IssuerError::AttestationExpired),
        Spend::Unknown => Err(IssuerError::AttestationInvalid),
    }
}

/// RSA takes milliseconds to seconds: not on an async thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> tabir_crypto::Result<T> + Send + 'static,
) -> Result<T, IssuerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(IssuerError::Crypto),
        Err(_) => Err(Code::Random.into()),
    }
}
