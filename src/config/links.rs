//! Who connects to whom. `docs/integrating.md` shows the same table, and a test compares the two; `tabir doctor` tries
//! every line of it that begins at this process.

use super::Peers;
use super::roles::Roles;

/// What `tabir init` writes for the complaint system, until somebody knows its address.
pub const PLACEHOLDER: &str = "complaints.example";

/// A key of `[peers]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Peer {
    Issuer,
    Gateway,
    Log,
    Council,
    GatewayInternal,
    LogInternal,
    CouncilInternal,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Issuer,
        Self::Gateway,
        Self::Log,
        Self::Council,
        Self::GatewayInternal,
        Self::LogInternal,
        Self::CouncilInternal,
    ];

    /// Its key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Gateway => "gateway",
            Self::Log => "log",
            Self::Council => "council",
            Self::GatewayInternal => "gateway_internal",
            Self::LogInternal => "log_internal",
            Self::CouncilInternal => "council_internal",
        }
    }

    /// Its address.
    #[must_use]
    pub fn of(self, peers: &Peers) -> &str {
        match self {
            Self::Issuer => &peers.issuer,
            Self::Gateway => &peers.gateway,
            Self::Log => &peers.log,
            Self::Council => &peers.council,
            Self::GatewayInternal => &peers.gateway_internal,
            Self::LogInternal => &peers.log_internal,
            Self::CouncilInternal => &peers.council_internal,
        }
    }

    /// Where its address stands.
    pub const fn of_mut(self, peers: &mut Peers) -> &mut String {
        match self {
            Self::Issuer => &mut peers.issuer,
            Self::Gateway => &mut peers.gateway,
            Self::Log => &mut peers.log,
            Self::Council => &mut peers.council,
            Self::GatewayInternal => &mut peers.gateway_internal,
            Self::LogInternal => &mut peers.log_internal,
            Self::CouncilInternal => &mut peers.council_internal,
        }
    }

    /// Whether it is the listener for signed calls of roles.
    #[must_use]
    pub const fn internal(self) -> bool {
        matches!(self, Self::GatewayInternal | Self::LogInternal | Self::CouncilInternal)
    }
}

/// One line of the table: a role that opens connections.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Who calls.
    pub from: &'static str,
    /// Whose address, by its key in `[peers]`; none is the complaint system.
    pub peer: Option<Peer>,
    /// What for.
    pub what: &'static str,
}

const fn link(from: &'static str, peer: Peer, what: &'static str) -> Link {
    Link { from, peer: Some(peer), what }
}

/// All of them. Whatever is not here need not be let through a firewall.
pub const LINKS: [Link; 23] = [
    link("issuer", Peer::Log, "reads the governance log"),
    link("issuer", Peer::LogInternal, "announces its keys"),
    link("gateway", Peer::Log, "reads the governance log"),
    link("gateway", Peer::LogInternal, "logs what it accepted"),
    link("council", Peer::Log, "reads the governance log"),
    link("council", Peer::LogInternal, "logs councils and openings"),
    link("council", Peer::GatewayInternal, "fetches a sealed identity that is asked for"),
    link("log", Peer::Log, "reads the governance log"),
    link("forwarder", Peer::Log, "reads the governance log"),
    link("forwarder", Peer::LogInternal, "logs what it forwarded"),
    link("forwarder", Peer::GatewayInternal, "fetches reports, brings answers"),
    Link { from: "forwarder", peer: None, what: "the complaint system: hands reports in, reads updates" },
    link("desk", Peer::Log, "reads the governance log"),
    link("facade", Peer::Log, "reads the governance log"),
    link("facade", Peer::Issuer, "buys tokens"),
    link("facade", Peer::Gateway, "passes reports on, asks for statuses"),
    link("form", Peer::Log, "reads the governance log"),
    link("form", Peer::Issuer, "buys tokens"),
    link("form", Peer::Gateway, "passes reports on, reads and answers cases"),
    link("warden", Peer::Log, "reads both logs, cosigns them"),
    link("warden", Peer::LogInternal, "logs releases"),
    link("warden", Peer::Council, "proposes its keys"),
    link("warden", Peer::CouncilInternal, "reads requests, hands out"),
];

/// Addresses that a role tells others and does not call itself.
const TOLD: [(&str, Peer); 3] = [("gateway", Peer::Issuer), ("gateway", Peer::Council), ("forwarder", Peer::Gateway)];

/// Whether one of these roles calls or tells an address.
#[must_use]
pub fn needed(roles: &Roles, peer: Peer) -> bool {
    let here = |role: &str| roles.folders().any(|(name, _)| name == role);
    let told = TOLD.iter().any(|(from, told)| *told == peer && here(from));
    told || of(roles).any(|link| link.peer == Some(peer))
}

/// The lines that begin at one of these roles.
pub fn of(roles: &Roles) -> impl Iterator<Item = &'static Link> {
    let here: Vec<&str> = roles.folders().map(|(name, _)| name).collect();
    LINKS.iter().filter(move |link| here.contains(&link.from))
}
