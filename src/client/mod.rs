//! What a reporter, an official and an auditor do, over HTTP: used by the command line and the tests.

pub mod audit;
pub mod audit_monitor;
pub mod audit_openings;
pub mod audit_period;
pub mod audit_report;
pub mod case;
pub mod compare;
pub mod consent;
pub mod keys;
pub mod last_heads;
pub mod log_copy;
pub mod log_proof;
pub mod log_reader;
pub mod log_source;
pub mod log_tree;
pub mod official;
pub mod opening;
pub mod plain;
pub mod proof_file;
pub mod prove;
pub mod report;
pub mod session;
pub mod spill;
pub mod token_file;
pub mod token_pool;
pub mod tokens;
pub mod trust_chain;
pub mod warnings;

pub use session::Session;

use crate::http::HttpError;

/// Why a client could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A server refused or can't be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A log can't be read, or was refused.
    #[error(transparent)]
    Log(#[from] log_source::ReadError),
    /// A check of the protocol failed.
    #[error(transparent)]
    Crypto(#[from] tabir_crypto::Error),
}

impl From<tabir_crypto::Code> for ClientError {
    fn from(code: tabir_crypto::Code) -> Self {
        Self::Crypto(code.into())
    }
}
