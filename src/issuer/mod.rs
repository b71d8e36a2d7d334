//! The issuer: decides who gets a token (attester) and signs it blindly (issuer), RFC 9576 and 9578.
//!
//! Holds: the token private keys of the current and the next epoch, hashes of vouchers, spent puzzles.
//! Sees: that somebody with a voucher or a solved puzzle asked for a token, and a blinded message.
//! Never sees: a token, a report, a case; it could not recognise a token that it signed.
//! Keeps no account, no address and no time finer than a day.

pub mod attester_pow;
pub mod attester_voucher;
pub mod epochs;
pub mod error;
pub mod routes;
pub mod service;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use tabir_crypto::statement::body::Role;

use crate::config::{Setup, roles};
use crate::http::{Parts, cors, log_outbox};
use attester_voucher::VoucherCode;
use error::StartError;
use service::{Service, Terms};
use store::Store;

/// Name of the store in the role's folder.
const STORE: &str = "store.sqlite";
/// How often epochs are looked at: a token key begins at most this late.
const MAINTENANCE: Duration = Duration::from_secs(30);
/// More codes than a print run has are a slip of the finger.
const MAX_MINT: u32 = 10_000;

/// Opens the store, makes keys that are missing, and returns routes and background work.
pub async fn start(config: &roles::Issuer, setup: &Setup) -> Result<Parts, StartError> {
    let identity = setup.identity(Role::Issuer, &config.dir)?;
    let store = Store::open(&config.dir.join(STORE)).await?;
    let terms = Terms { epoch_s: config.epoch_s, overlap_s: config.overlap_s, pow_bits: config.pow_bits };
    let service = Arc::new(Service::new(store.clone(), setup.clock.clone(), identity.clone(), terms).await?);
    Ok(Parts {
        public: cors::open(routes::public(Arc::clone(&service))),
        background: vec![
            Box::pin(maintain(service, setup.clone())),
            Box::pin(log_outbox::run(store.db().clone(), identity, setup.clone())),
        ],
        ..Parts::default()
    })
}

async fn maintain(service: Arc<Service>, mut setup: Setup) {
    while setup.pause(MAINTENANCE).await {
        if let Err(error) = service.maintain().await {
            tracing::error!(%error, "token key epochs");
        }
    }
}

/// Makes `count` voucher codes on the issuer's own store, also while it runs. The codes are nowhere but in the answer.
pub async fn mint(config: &roles::Issuer, count: u32) -> Result<Vec<VoucherCode>, StartError> {
    if count == 0 || count > MAX_MINT {
        return Err(StartError::Count(MAX_MINT));
    }
    let store = Store::open(&config.dir.join(STORE)).await?;
    let codes: Vec<_> = (0..count).map(|_| VoucherCode::random(&mut crate::clock::Random)).collect();
    store.add_vouchers(codes.iter().map(VoucherCode::hash).collect()).await?;
    Ok(codes)
}
