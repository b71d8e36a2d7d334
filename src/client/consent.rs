//! Who could open an identity, and under which terms: what a reporter sees before anything is sealed. All of it comes from
//! the trust root and the governance log, none from the gateway.

use tabir_crypto::log::VerifierKey;
use tabir_crypto::statement::body::CodeEntry;
use tabir_crypto::threshold::Council;

use super::{ClientError, Session};

/// What would be sealed to, and who must act before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The council, for people to compare.
    pub fingerprint: String,
    /// How many officials must agree.
    pub t: u16,
    /// How many there are.
    pub n: u16,
    /// Entry of the governance log that has this council.
    pub entry: u64,
    /// Unix seconds: since when reports are sealed to its key.
    pub since: u64,
    /// The installation, as the trust root names it.
    pub installation: String,
    /// The outside body's warden: key id of its identity, in hex.
    pub warden: String,
    /// Who witnesses the log, as the trust root names the keys; the outside body is one of them.
    pub witnesses: Vec<String>,
    /// Seconds from the logged request to the earliest release by the warden alone.
    pub cooling_off_s: u64,
    /// Seconds for which the notice may be put off at most.
    pub deferral_max_s: u64,
    /// Legal bases that the policy knows.
    pub legal_basis: Vec<CodeEntry>,
    /// Seconds for which the sealed envelope is kept, if a policy says so.
    pub kept_s: Option<u64>,
    council_id: tabir_crypto::B32,
}

impl Consent {
    /// For a report that is sealed now. Error: `not-active` when no council counts.
    pub fn of(session: &Session) -> Result<Self, ClientError> {
        let (state, root) = (&session.view.state, session.trust.root());
        let logged = session.council()?;
        let council = &logged.council;
        let policy = state.policy();
        let names = root.witnesses.iter().map(|vkey| VerifierKey::parse(vkey.as_str()));
        let witnesses = names.map(|key| key.map(|k| k.name().to_owned())).collect::<tabir_crypto::Result<_>>()?;
        let warden = session.trust.identity(tabir_crypto::statement::body::Role::Warden);
        Ok(Self {
            fingerprint: council.fingerprint(),
            t: council.t(),
            n: council.n(),
            entry: logged.entry,
            since: since(session, council),
            installation: root.name.as_str().to_owned(),
            warden: hex::encode(warden.key_id()),
            witnesses,
            cooling_off_s: root.cooling_off_s,
            deferral_max_s: root.deferral_max_s,
            legal_basis: policy.map(|p| p.codes.legal_basis.clone()).unwrap_or_default(),
            kept_s: policy.map(|p| p.envelope_retention_s),
            council_id: *council.council_id(),
        })
    }

    /// Whether this is the council of which it speaks.
    #[must_use]
    pub fn is_for(&self, council: &Council) -> bool {
        self.council_id == *council.council_id()
    }
}

/// A key counts from the witnessed time of its first council and the delay on; a refresh or reshare keeps the key.
fn since(session: &Session, council: &Council) -> u64 {
    session.view.state.council_counts_from(&session.trust, council.lineage()).unwrap_or(0)
}
