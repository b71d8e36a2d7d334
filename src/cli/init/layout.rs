//! Who listens where, and the configuration file of each process.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Terms;
use super::places::Places;
use crate::config::links::Peer;
use crate::config::notify::Alerts;
use crate::config::profile::{Profile, Values};
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
    pub form: u16,
    /// The operator's listener of each process, in the order of [`demo`].
    pub admin: [u16; 8],
}

/// The first of the ports that `tabir init --profile demo` writes down.
const FIRST: u16 = 18_080;

impl Ports {
    /// Seventeen ports in a row.
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
            form: FIRST + 15,
            admin: [FIRST + 8, FIRST + 9, FIRST + 10, FIRST + 11, FIRST + 12, FIRST + 13, FIRST + 14, FIRST + 16],
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
        listen: Listen { public: address(public), internal: address(internal), admin: address(0) },
        peers: ports.peers(),
        roles,
    };
    let none = roles::Roles::default;
    let mut processes = vec![
        (
            "log",
            config(
                ports.log,
                ports.log_internal,
                roles::Roles { log: Some(log(here.clone(), v.checkpoint_ms)), ..none() },
            ),
        ),
        ("issuer", config(ports.issuer, 0, roles::Roles { issuer: Some(issuer(here.clone(), &v)), ..none() })),
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
                    forwarder: Some(forwarder(here.clone(), &format!("{}/open311/v2", url(ports.desk)), v.poll_ms)),
                    ..none()
                },
            ),
        ),
        ("form", config(ports.form, 0, roles::Roles { form: Some(roles::Form::new(here)), ..none() })),
    ];
    for ((_, config), admin) in processes.iter_mut().zip(ports.admin) {
        config.listen.admin = address(admin);
    }
    processes
}

/// The operator's listener of the city's inner process and of the outside body's: others than the outer one's, so that all
/// three can be tried on one machine.
const ADMIN_INNER: u16 = 8083;
/// See [`ADMIN_INNER`].
const ADMIN_OUTSIDE: u16 = 8084;

/// The town: the city's outer and inner process. The outer one makes its own signed calls without leaving the host.
#[must_use]
pub fn town_city(terms: &Terms, places: &Places) -> Vec<(&'static str, Config)> {
    let v = terms.values();
    let here = format!("http://{}", Listen::default().internal);
    let mut outer_peers = places.peers.clone();
    for peer in Peer::ALL.into_iter().filter(|p| p.internal()) {
        peer.of_mut(&mut outer_peers).clone_from(&here);
    }
    let outer = roles::Roles {
        issuer: Some(issuer("issuer".into(), &v)),
        gateway: Some(gateway("gateway".into())),
        council: Some(council("council".into(), v.poll_ms)),
        log: Some(log("log".into(), v.checkpoint_ms)),
        ..roles::Roles::default()
    };
    let inner = roles::Roles {
        forwarder: Some(forwarder("forwarder".into(), &places.downstream, v.poll_ms)),
        ..roles::Roles::default()
    };
    let mut inner = process(places.peers.clone(), inner);
    inner.listen.admin = address(ADMIN_INNER);
    vec![("outer", process(outer_peers, outer)), ("inner", inner)]
}

/// The city: a process and a host a role.
#[must_use]
pub fn city(terms: &Terms, places: &Places, witnesses: Vec<roles::LogWitness>) -> Vec<(&'static str, Config)> {
    let v = terms.values();
    let none = roles::Roles::default;
    let here = |name: &str| PathBuf::from(name);
    let log = roles::Log { witnesses, ..log(here("log"), v.checkpoint_ms) };
    let all = [
        ("issuer", roles::Roles { issuer: Some(issuer(here("issuer"), &v)), ..none() }),
        ("gateway", roles::Roles { gateway: Some(gateway(here("gateway"))), ..none() }),
        ("council", roles::Roles { council: Some(council(here("council"), v.poll_ms)), ..none() }),
        ("log", roles::Roles { log: Some(log), ..none() }),
        (
            "forwarder",
            roles::Roles { forwarder: Some(forwarder(here("forwarder"), &places.downstream, v.poll_ms)), ..none() },
        ),
    ];
    all.map(|(name, roles)| (name, process(places.peers.clone(), roles))).into()
}

fn process(peers: Peers, roles: roles::Roles) -> Config {
    Config { trust: "../trust.json".into(), listen: Listen::default(), peers, roles }
}

/// The outside body's process.
#[must_use]
pub fn outside(dir: PathBuf, peers: Peers, notify: Option<Alerts>, terms: &Terms) -> Config {
    let warden = roles::Warden { notify, ..warden(dir, terms.values().poll_ms) };
    let roles = roles::Roles { warden: Some(warden), ..roles::Roles::default() };
    let listen = Listen { admin: address(ADMIN_OUTSIDE), ..Listen::default() };
    Config { trust: "trust.json".into(), listen, peers, roles }
}

fn issuer(dir: PathBuf, v: &Values) -> roles::Issuer {
    roles::Issuer::new(dir, v.epoch_s, 7 * 86_400, Some(v.pow_bits))
}

fn gateway(dir: PathBuf) -> roles::Gateway {
    roles::Gateway { dir, overlap_s: 7 * 86_400, page: None }
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
        mapping: None,
        webhook: None,
        poll_ms,
        epoch_s: 30 * 86_400,
        keep_content_s: 86_400,
    }
}
