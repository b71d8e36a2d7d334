//! Where a process listens, and two that want the same port.

use std::net::{SocketAddr, TcpListener};

use super::read::Document;
use super::{CONFIGURATION, Finding, Level, Located};
use crate::config::Config;

/// An address that will be listened on.
#[derive(Clone, Debug)]
pub struct Listener {
    address: SocketAddr,
    /// Its key with the line, for people.
    place: String,
    line: usize,
    file: String,
}

/// All of a file: the two of every process if a role here has routes for them, the operator's, and whatever other section
/// names one.
pub fn of(document: &Document, config: &Config) -> Vec<Listener> {
    let r = &config.roles;
    let serves = r.gateway.is_some() || r.council.is_some() || r.log.is_some();
    let public = serves || r.issuer.is_some() || r.desk.is_some() || r.facade.is_some() || r.form.is_some();
    let mut all = Vec::new();
    let mut add = |path: &[&str], address: SocketAddr| {
        // Port 0 is any that is free.
        if address.port() != 0 {
            let (line, finding) = document.about(path, Level::Ok, CONFIGURATION, String::new(), "");
            all.push(Listener { address, place: finding.place, line, file: document.name.clone() });
        }
    };
    let listen = &config.listen;
    for (name, address, opened) in
        [("public", listen.public, public), ("internal", listen.internal, serves), ("admin", listen.admin, true)]
    {
        if opened {
            add(&["listen", name], address);
        }
    }
    for entry in &document.entries {
        let path: Vec<&str> = entry.path.iter().map(String::as_str).collect();
        let known = matches!(path.as_slice(), ["listen", "public" | "internal" | "admin"]);
        let address = entry.text.as_deref().filter(|_| !known && entry.string).and_then(|t| t.parse().ok());
        if let Some(address) = address {
            add(&path, address);
        }
    }
    all
}

/// The same port, on the same address or on all of them.
fn clash(a: &Listener, b: &Listener) -> bool {
    let (ip, other) = (a.address.ip(), b.address.ip());
    a.address.port() == b.address.port() && (ip == other || ip.is_unspecified() || other.is_unspecified())
}

fn pairs(all: &[Listener], found: &mut Vec<Located>, wanted: impl Fn(&Listener, &Listener) -> bool) {
    for (n, one) in all.iter().enumerate() {
        for other in all.iter().skip(n + 1).filter(|other| clash(one, other) && wanted(one, other)) {
            let what = format!("{} wants {} as well", other.place, other.address);
            let todo = "Give each listener a port of its own.";
            found.push((one.line, Finding::new(Level::Error, CONFIGURATION, one.place.clone(), what, todo)));
        }
    }
}

/// Two within one file.
pub fn twice(all: &[Listener], found: &mut Vec<Located>) {
    pairs(all, found, |a, b| a.file == b.file);
}

/// Two of different files.
pub fn between_files(all: &[Listener], found: &mut Vec<Located>) {
    pairs(all, found, |a, b| a.file != b.file);
}

/// Those that another program holds.
pub fn taken(all: &[Listener]) -> Vec<Finding> {
    let refused = all.iter().filter_map(|l| Some((l, TcpListener::bind(l.address).err()?)));
    let finding = |(l, e): (&Listener, std::io::Error)| {
        let todo = "End the other program (is this role running already?), or choose another port.";
        Finding::new(Level::Error, CONFIGURATION, l.place.clone(), format!("{}: {e}", l.address), todo)
    };
    refused.map(finding).collect()
}
