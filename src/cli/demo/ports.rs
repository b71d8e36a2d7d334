//! Ports for roles that are started in a moment.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cli::CliError;
use crate::cli::init::layout::Ports;

/// Where they are sought: below what Linux gives to outgoing connections (32768 and up, `ip_local_port_range`), so that
/// none is taken by somebody's connection between now and the role's start.
const RANGE: Range<u16> = 10_000..30_000;
/// A number that has no factor in common with the range's length: processes that follow one another begin far apart.
const STRIDE: u32 = 7_919;

/// A port of the loopback address on which nobody listens. This process is given each once, until it has had all.
pub fn free_port() -> Result<u16, CliError> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let length = u32::from(RANGE.end - RANGE.start);
    let begin = std::process::id().wrapping_mul(STRIDE) % length;
    let mut tries = RANGE;
    let free = tries.find_map(|_| {
        let offset = (begin + GIVEN.fetch_add(1, Ordering::Relaxed) % length) % length;
        let port = RANGE.start + u16::try_from(offset).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| port)
    });
    free.ok_or_else(|| CliError::Failed("no port between 10000 and 29999 of 127.0.0.1 is free".into()))
}

/// One for each listener of an installation.
pub fn free_ports() -> Result<Ports, CliError> {
    let mut admin = [0; 8];
    for port in &mut admin {
        *port = free_port()?;
    }
    Ok(Ports {
        issuer: free_port()?,
        gateway: free_port()?,
        gateway_internal: free_port()?,
        council: free_port()?,
        council_internal: free_port()?,
        log: free_port()?,
        log_internal: free_port()?,
        desk: free_port()?,
        form: free_port()?,
        admin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_no_port_twice_and_none_that_is_taken() {
        let first = free_port().unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        let all: std::collections::BTreeSet<u16> = (0..RANGE.len()).map(|_| free_port().unwrap()).collect();
        assert!(!all.contains(&taken.local_addr().unwrap().port()) && all.iter().all(|port| RANGE.contains(port)));
        assert!(all.len() + 200 > RANGE.len(), "one round gives each once, but for those in use: {}", all.len());
    }
}
