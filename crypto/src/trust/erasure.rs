//! What stands behind a `report.erased`: the case key's own word, which the gateway keeps for two further deadlines and
//! shows to whoever has r and nf of the report. So a gateway that says "erased" of a report that nobody erased can't show why.
//!
//! ```text
//! item of report.erased: [nf, SHA-256(salt ‖ case.erase)]      acceptance: nf, case_id
//! case_id = SHA-256("tabir/v1/case-id" ‖ access_hash ‖ case_vk) --> case_vk signed the case.erase
//! ```
//! Source: `docs/protocol.md`, "Accepted versus forwarded".

use serde::{Deserialize, Serialize};

use crate::codec::{B32, sha256};
use crate::ed25519::VerifyingKey;
use crate::error::{Code, Result, need};
use crate::receipt::case_id;
use crate::statement::value::{Hex32, V1};
use crate::statement::{Body, Statement, Verb};

/// What the gateway shows of one erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Erasure {
    /// Version 1.
    pub v: V1,
    /// Without it the log's hash would tell who knows the case's counter which report was erased.
    pub salt: Hex32,
    /// `case.erase` by the case key.
    pub statement: Statement,
    /// SHA-256 of the access key: half of the case's id.
    pub access_hash: Hex32,
    /// The case key: the other half.
    pub case_vk: Hex32,
}

/// The hash that stands in the log beside an nf.
#[must_use]
pub fn logged_hash(salt: &B32, statement: &[u8]) -> B32 {
    sha256(&[salt.as_slice(), statement].concat())
}

impl Erasure {
    /// Whether the author of this case asked for the erasure that the log names by `logged`. Errors: `case-key` for a key
    /// that is not the case's, those of [`Statement::verify`]; `verb` for another statement, `context` for one about another
    /// case or of another hash.
    pub fn check(&self, logged: &B32, case: &B32) -> Result<()> {
        let key = VerifyingKey::from_bytes(&self.case_vk.0)?;
        need(case_id(&self.access_hash.0, &key) == *case, Code::CaseKey)?;
        let verified = self.statement.verify(&[key])?;
        let Body::CaseWrite(write) = &verified.body else { return Err(Code::Verb.into()) };
        need(verified.verb == Verb::CaseErase, Code::Verb)?;
        need(write.case_id.0 == *case, Code::Context)?;
        need(logged_hash(&self.salt.0, &self.statement.to_bytes()) == *logged, Code::Context)
    }
}
