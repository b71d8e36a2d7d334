//! Privacy Pass tokens of type 0x0002 (RFC 9577, RFC 9578, over RFC 9474), and the puzzle that can buy one.
//!
//! The client blinds ([`client`]), the issuer signs blindly ([`issuer`]), the client finalizes, and the origin
//! verifies ([`mod@verify`]): it sees a token that the issuer has never seen. [`wire`] has the messages, [`key`] the token
//! key in its one encoding, [`header`] the two HTTP headers, [`directory`] the issuer's list of keys, [`batch`] several
//! tokens at once, [`account`] what stays of an account. Not covered: key epochs (the issuer's role and the governance
//! log), spending (the gateway's).

pub mod account;
pub mod batch;
pub mod client;
pub mod directory;
pub mod header;
pub mod issuer;
pub mod key;
pub mod puzzle;
mod seed;
pub mod verify;
pub mod wire;

pub use batch::{BatchRequest, BatchResponse, PendingBatch, blind_batch};
pub use client::{PendingToken, blind};
pub use key::{IssuerKey, TokenKey};
pub use verify::{VerifiedToken, verify};
pub use wire::{Token, TokenChallenge, TokenRequest, TokenResponse};
