//! The issuer: decides who gets a token (attester) and signs it blindly (issuer), RFC 9576 and 9578.
//!
//! Holds: the token private keys of the current and the next epoch, hashes of vouchers and their batches, spent puzzles,
//! how many batches an account had in this epoch, under a pseudonym that dies with it.
//! Sees: that somebody with a voucher, a solved puzzle or a login of the city's app asked for tokens, and blinded messages.
//! Never sees: a token, a report, a case; it could not recognise a token that it signed.
//! Keeps no account's name, no address and no time finer than a day.

pub mod attester_account;
pub mod attester_pow;
pub mod attester_voucher;
pub mod batches;
pub mod difficulty;
pub mod epochs;
pub mod error;
pub mod jwks;
pub mod limits;
pub mod renew;
pub mod routes;
pub mod service;
pub mod store;
pub mod store_backup;

use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::Role;

use crate::clock::Random;
use crate::config::{Setup, roles};
use crate::http::{Check, Parts, cors, log_outbox};
use attester_account::Accounts;
use attester_voucher::VoucherCode;
use error::StartError;
use service::{Service, Terms};
use store::Store;

/// Name of the store in the role's folder.
const STORE: &str = "store.sqlite";
/// How often is looked for a key that `tabir keys renew` made.
const LOOK: Duration = Duration::from_secs(5);
/// Looks after which the epochs are looked at: a token key begins at most half a minute late.
const LOOKS: u64 = 6;
/// More codes than a print run has are a slip of the finger.
const MAX_MINT: u32 = 10_000;

/// Opens the store, makes keys that are missing, and returns routes and background work.
pub async fn start(config: &roles::Issuer, setup: &Setup) -> Result<Parts, StartError> {
    let identity = setup.identity(Role::Issuer, &config.dir)?;
    let store = Store::open(&config.dir.join(STORE)).await?;
    let terms = Terms {
        epoch_s: config.epoch_s,
        overlap_s: config.overlap_s,
        pow_bits: config.pow_bits,
        signatures_per_s: config.signatures_per_s,
    };
    let clock = setup.clock.clone();
    let accounts = match &config.account {
        Some(account) => {
            account.check().map_err(StartError::Account)?;
            Some(Accounts::new(account, setup.client.clone(), clock.clone()))
        }
        None => None,
    };
    let service = Service::new(store.clone(), clock, identity.clone(), terms, accounts).await?;
    let service = Arc::new(service);
    let role = Role::Issuer.as_str();
    let asked = Arc::clone(&service);
    Ok(Parts {
        public: cors::open(routes::public(Arc::clone(&service))),
        checks: vec![
            Check::store(role, store.db()),
            Check::logged(role, store.db()),
            Check::new(role, "restored", true, move || !asked.is_restored()),
        ],
        background: vec![
            Box::pin(maintain(service, store.clone(), identity.clone(), setup.clone())),
            Box::pin(log_outbox::run(store.db().clone(), identity, setup.clone())),
        ],
        ..Parts::default()
    })
}

async fn maintain(service: Arc<Service>, store: Store, identity: SigningKey, mut setup: Setup) {
    for look in 1_u64.. {
        if !setup.pause(LOOK).await {
            return;
        }
        let renewed = match renew::propose(&store, &identity, &setup).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(%error, "a token key that an auditor is to sign");
                true
            }
        };
        // A key that a command made is this process' key, too.
        if (renewed || look.is_multiple_of(LOOKS))
            && let Err(error) = service.maintain().await
        {
            tracing::error!(%error, "token key epochs");
        }
    }
}

/// Makes `count` voucher codes on the issuer's own store, also while it runs. The codes are nowhere but in the answer.
pub async fn mint(config: &roles::Issuer, count: u32) -> Result<Vec<VoucherCode>, StartError> {
    let codes = new_codes(count)?;
    let store = Store::open(&config.dir.join(STORE)).await?;
    store.add_vouchers(codes.iter().map(VoucherCode::hash).collect()).await?;
    Ok(codes)
}

fn new_codes(count: u32) -> Result<Vec<VoucherCode>, StartError> {
    if count == 0 || count > MAX_MINT {
        return Err(StartError::Count(MAX_MINT));
    }
    Ok((0..count).map(|_| VoucherCode::random(&mut Random)).collect())
}
