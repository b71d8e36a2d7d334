//! Where a ceremony stands on this device; it lies in the key file, sealed.

use serde::{Deserialize, Serialize};
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::value::{Bytes, Hex32, V1};
use tabir_crypto::{Secret, json};
use zeroize::Zeroize as _;

use super::super::OfficialError;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Commitments and dealing are made.
    Begun,
    /// The shares of a new key are made for the others.
    Shared,
    /// This member's new shares are in the key file.
    Kept,
    /// All agreed, and this official is about to sign what was made, or has. From here on only he himself ends it: the
    /// new council may come into the log, and his share of it must be there.
    Signed,
}

/// What a step leaves for the next one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    v: V1,
    /// How far it is.
    pub step: Step,
    /// The secret of the key generation's round; empty where there is none.
    pub secret: Bytes,
    /// What is sent in this step, again after a crash.
    pub posts: Vec<Statement>,
    /// Councils whose shares this ceremony put into the key file.
    #[serde(default)]
    pub kept: Vec<Hex32>,
}

impl Drop for State {
    fn drop(&mut self) {
        self.secret.0.zeroize();
    }
}

impl State {
    /// Nothing secret, nothing to send.
    pub const fn new(step: Step) -> Self {
        Self { v: V1, step, secret: Bytes(Vec::new()), posts: Vec::new(), kept: Vec::new() }
    }

    /// To be sealed.
    pub fn to_secret(&self) -> Result<SecretVec, OfficialError> {
        Ok(Secret::new(json::to_vec(self)?))
    }

    /// What [`State::to_secret`] wrote.
    pub fn from_secret(bytes: &SecretVec) -> Result<Self, OfficialError> {
        Ok(json::from_slice(bytes.expose())?)
    }
}
