//! Who listens where, and the configuration file of each process.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::notify::Alerts;
use crate::config::profile::Profile;
use crate::config::{Config, Listen, Peers, roles};

/// Ports of a deployment on one machine.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Ports {
    pub issuer: u16,
    pub gateway: u16,
    pub gateway_internal: u16,
    pub council: u16,
    pub council_internal: u16,
    pub log: u16,
    pub log_internal: u16,
    pub desk: u16,
}

/// The first of the ports that `tabir init --profile demo` writes down.
const FIRST: u16 = 18_080;

impl Ports {
    /// Eight ports in a row.
    #[must_use]
    pub const fn fixed() -> Self {
        Self {
            issuer: FIRST,
            gateway: FIRST + 1,
            gateway_internal: FIRST + 2,
            council: FIRST + 3,
            council_internal: FIRST + 4,
            log: FIRST + 5,
            log_internal: FIRST + 6,
            desk: FIRST + 7,
        }
    }

    /// Where each role is reached.
    #[must_use]
    pub fn peers(&self) -> Peers {
        Peers {
            issuer: url(self.issuer),
            gateway: url(self.gateway),
            log: url(self.log),
            council: url(self.council),
            gateway_internal: url(self.gateway_internal),
            log_internal: url(self.log_internal),
            council_internal: url(self.council_internal),
        }
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The demo: one process a role, each with its own folder.
#[must_use]
pub fn demo(ports: &Ports) -> Vec<(&'static str, Config)> {
    let v = Profile::Demo.values();
    let here = PathBuf::from(".");
    let config = |public: u16, internal: u16, roles: roles::Roles| Config {
        trust: "../trust.json".into(),
        listen: Listen { public: address(public), internal: address(internal) },
        peers: ports.peers(),
        roles,
    };
    let none = roles::Roles::default;
    vec![
        (
            "log",
            config(
                ports.log,
                ports.log_internal,
                roles::Roles { log: Some(log(here.clone(), v.checkpoint_ms)), ..none() },
            ),
        ),
        (
            "issuer",
            config(ports.issuer, 0, roles::Roles { issuer: Some(issuer(here.clone(), Profile::Demo)), ..none() }),
        ),
        (
            "gateway",
            config(
                ports.gateway,
                ports.gateway_internal,
                roles::Roles { gateway: Some(gateway(here.clone())), ..none() },
            ),
        ),
        (
            "council",
            config(
                ports.council,
                ports.council_internal,
                roles::Roles { council: Some(council(here.clone(), v.poll_ms)), ..none() },
            ),
        ),
        ("warden", config(0, 0, roles::Roles { warden: Some(warden(here.clone(), v.poll_ms)), ..none() })),
        (
            "desk",
            config(
                ports.desk,
                0,
                roles::Roles { desk: Some(roles::Desk { dir: here.clone(), countersign: None }), ..none() },
            ),
        ),
        (
            "forwarder",
            config(
                0,
                0,
                roles::Roles {
                    forwarder: Some(forwarder(here, &format!("{}/open311/v2", url(ports.desk)), v.poll_ms)),
                    ..none()
                },
            ),
        ),
    ]
}

/// The town: the city's outer and inner process.
#[must_use]
pub fn town_city() -> Vec<(&'static str, Config)> {
    let v = Profile::Town.values();
    let peers = local_city();
    let outer = roles::Roles {
        issuer: Some(issuer("issuer".into(), Profile::Town)),
        gateway: Some(gateway("gateway".into())),
        council: Some(council("council".into(), v.poll_ms)),
        log: Some(log("log".into(), v.checkpoint_ms)),
        ..roles::Roles::default()
    };
    let inner = roles::Roles {
        forwarder: Some(forwarder("forwarder".into(), "https://complaints.example/open311/v2", v.poll_ms)),
        ..roles::Roles::default()
    };
    vec![
        (
            "outer",
            Config { trust: "../trust.json".into(), listen: Listen::default(), peers: peers.clone(), roles: outer },
        ),
        ("inner", Config { trust: "../trust.json".into(), listen: Listen::default(), peers, roles: inner }),
    ]
}

/// The outside body's process.
#[must_use]
pub fn outside(dir: PathBuf, peers: Peers, notify: Option<Alerts>) -> Config {
    let warden = roles::Warden { notify, ..warden(dir, Profile::Town.values().poll_ms) };
    let roles = roles::Roles { warden: Some(warden), ..roles::Roles::default() };
    Config { trust: "trust.json".into(), listen: Listen::default(), peers, roles }
}

/// Where the city is reached on one machine; its people write the real addresses into the file.
#[must_use]
pub fn local_city() -> Peers {
    Ports { gateway_internal: 8082, council_internal: 8082, log_internal: 8082, ..one_public(8080) }.peers()
}

const fn one_public(port: u16) -> Ports {
    Ports {
        issuer: port,
        gateway: port,
        council: port,
        log: port,
        desk: port,
        gateway_internal: 0,
        council_internal: 0,
        log_internal: 0,
    }
}

fn issuer(dir: PathBuf, profile: Profile) -> roles::Issuer {
    let v = profile.values();
    roles::Issuer { dir, epoch_s: v.epoch_s, overlap_s: 7 * 86_400, pow_bits: Some(v.pow_bits) }
}

fn gateway(dir: PathBuf) -> roles::Gateway {
    roles::Gateway { dir, overlap_s: 7 * 86_400 }
}

fn council(dir: PathBuf, poll_ms: u64) -> roles::Council {
    roles::Council { dir, poll_ms, notify: None }
}

fn log(dir: PathBuf, checkpoint_ms: u64) -> roles::Log {
    roles::Log::new(dir, checkpoint_ms)
}

fn warden(dir: PathBuf, poll_ms: u64) -> roles::Warden {
    roles::Warden { dir, poll_ms, epoch_s: 91 * 86_400, notify: None }
}

fn forwarder(dir: PathBuf, downstream: &str, poll_ms: u64) -> roles::Forwarder {
    roles::Forwarder {
        dir,
        downstream: downstream.to_owned(),
        api_key_file: Some("api.key".into()),
        jurisdiction: None,
        poll_ms,
        epoch_s: 30 * 86_400,
        keep_content_s: 86_400,
    }
}
