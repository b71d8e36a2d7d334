//! The first trust root, from the keys of all parties.

use std::collections::BTreeMap;

use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Hex, Hour, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::root::{LogKey, LogName, TrustRoot};

use super::Terms;
use crate::cli::CliError;

/// Everybody's public keys.
pub struct Parties {
    /// One identity a role.
    pub identities: BTreeMap<Role, VerifyingKey>,
    /// Verifier keys of both logs, in the order of `LogName::ALL`.
    pub logs: [String; 2],
    /// Witnesses' verifier keys.
    pub witnesses: Vec<Text>,
    /// Auditors.
    pub auditors: Vec<VerifyingKey>,
}

/// The trust root as a statement that nobody has signed.
pub fn statement(terms: &Terms, name: &str, origin: &str, now: u64, parties: &Parties) -> Result<Statement, CliError> {
    let v = terms.values();
    let keys = LogName::ALL.into_iter().zip(&parties.logs);
    let log = |(log, vkey): (LogName, &String)| {
        Ok(LogKey { name: log, origin: Text::new(&log_origin(origin, log))?, vkey: Text::new(vkey)?, follows: None })
    };
    let witnesses = parties.witnesses.len() as u64;
    let auditors = parties.auditors.len() as u64;
    let root = TrustRoot {
        v: V1,
        at: Hour::of(now),
        version: 1,
        demo: terms.demo(),
        name: Text::new(name)?,
        issuer_name: Text::new(origin)?,
        origin: Text::new(origin)?,
        logs: keys.map(log).collect::<tabir_crypto::Result<_>>()?,
        witnesses: parties.witnesses.clone(),
        // More than half, so that two quorums share a witness; one alone is its own quorum.
        witness_quorum: witnesses / 2 + 1,
        identities: parties.identities.iter().map(|(role, key)| (*role, Hex(*key.as_bytes()))).collect(),
        auditors: parties.auditors.iter().map(|k| Hex(*k.as_bytes())).collect(),
        // Two of three: one lost key does not end the installation, one stolen key does not take it over.
        auditor_quorum: auditors / 2 + 1,
        activation_s: v.activation,
        freshness_s: v.freshness_s,
        cooling_off_s: v.cooling_off_s,
        release_cap_per_day: v.release_cap_per_day,
        deferral_max_s: v.deferral_max_s,
        previous: None,
    };
    Ok(Statement::new(Verb::TrustRoot, &root)?)
}

/// Origin line of a log.
pub fn log_origin(origin: &str, log: LogName) -> String {
    format!("{origin}/{}", log.as_str())
}
