//! What the gateway shows of an erasure that is disputed: to who has r and nf of the report, which are its reporter and
//! whoever she gave them to. It shows only what is kept anyway, until two further deadlines have passed.

use tabir_crypto::receipt::accept;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::value::{Hex, V1};
use tabir_crypto::trust::erasure::Erasure;

use super::Gateway;
use super::error::Refusal;
use super::store::cases;
use crate::api::gateway::ErasureAsked;
use crate::db::DbError;

/// A body of two hashes is far shorter.
pub(super) const MAX_ASKED: usize = 1 << 10;

impl Gateway {
    /// Salt and statement of an erasure, with the two halves of its case's id. Error: `no-erasure`.
    pub async fn erasure(&self, asked: ErasureAsked) -> Result<Erasure, Refusal> {
        let (a, nf) = (accept(&asked.r.0, &asked.nf.0), asked.nf.0);
        let found = self.db.read(move |c| Box::pin(async move { cases::erasure(c, &a, &nf).await })).await?;
        let (case, salt, statement) = found.ok_or(Refusal::NoErasure)?;
        let statement = Statement::parse(&statement).map_err(|_| DbError::Malformed("erasures"))?;
        let (access_hash, case_vk) = (Hex(case.access_hash), Hex(*case.case_vk.as_bytes()));
        Ok(Erasure { v: V1, salt: Hex(salt), statement, access_hash, case_vk })
    }
}
