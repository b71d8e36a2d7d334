//! What `tabir trust init` can change in the next version of a trust root, and how a change is shown.
//!
//! The logs are not among it: another key or origin of a log is another log, which starts where the old one was last
//! witnessed.

use tabir_crypto::B32;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Hex, Hour, Text};
use tabir_crypto::trust::root::TrustRoot;

use crate::cli::CliError;
use crate::cli::official::hex32;

/// Flags of a change.
#[derive(clap::Args, Debug)]
pub struct Change {
    /// A role's new identity: issuer, gateway, forwarder, council, log or warden
    #[arg(long, value_name = "ROLE=HEX", value_parser = identity)]
    identity: Vec<(Role, B32)>,
    /// A further auditor
    #[arg(long, value_name = "HEX", value_parser = hex32)]
    add_auditor: Vec<B32>,
    /// An auditor who leaves
    #[arg(long, value_name = "HEX", value_parser = hex32)]
    remove_auditor: Vec<B32>,
    /// How many auditors must sign
    #[arg(long, value_name = "N")]
    auditor_quorum: Option<u64>,
    /// A further witness, by its C2SP verifier key
    #[arg(long, value_name = "VKEY")]
    add_witness: Vec<String>,
    /// A witness that leaves
    #[arg(long, value_name = "VKEY")]
    remove_witness: Vec<String>,
    /// How many witnesses a checkpoint needs
    #[arg(long, value_name = "N")]
    witness_quorum: Option<u64>,
    /// The installation's name, for people
    #[arg(long)]
    name: Option<String>,
    /// Seconds before a new token key counts
    #[arg(long, value_name = "SECONDS")]
    activation_token: Option<u64>,
    /// Seconds before a new intake key counts
    #[arg(long, value_name = "SECONDS")]
    activation_intake: Option<u64>,
    /// Seconds before a new warden key counts
    #[arg(long, value_name = "SECONDS")]
    activation_warden: Option<u64>,
    /// Seconds before a new council counts
    #[arg(long, value_name = "SECONDS")]
    activation_council: Option<u64>,
    /// The oldest head for which an identity is sealed
    #[arg(long, value_name = "SECONDS")]
    freshness: Option<u64>,
    /// From a witnessed request to the earliest release
    #[arg(long, value_name = "SECONDS")]
    cooling_off: Option<u64>,
    /// Releases a day that need no auditor
    #[arg(long, value_name = "N")]
    release_cap: Option<u64>,
    /// The longest deferral of a notice
    #[arg(long, value_name = "SECONDS")]
    deferral_max: Option<u64>,
}

fn identity(text: &str) -> Result<(Role, B32), String> {
    let (name, key) = text.split_once('=').ok_or("ROLE=HEX, such as issuer=4f1c…")?;
    let role = Role::ALL.into_iter().find(|role| role.as_str() == name).ok_or("no such role")?;
    Ok((role, hex32(key)?))
}

impl Change {
    /// Makes the change. Errors: somebody removed who is not there, a text that is none; the rest is checked as a whole.
    pub fn make(&self, root: &mut TrustRoot, now: u64) -> Result<(), CliError> {
        root.at = Hour::of(now);
        root.identities.extend(self.identity.iter().map(|(role, key)| (*role, Hex(*key))));
        for leaves in &self.remove_auditor {
            take_out(&mut root.auditors, &Hex(*leaves), "auditor")?;
        }
        root.auditors.extend(self.add_auditor.iter().map(|key| Hex(*key)));
        for leaves in &self.remove_witness {
            take_out(&mut root.witnesses, &Text::new(leaves)?, "witness")?;
        }
        for comes in &self.add_witness {
            root.witnesses.push(Text::new(comes)?);
        }
        if let Some(name) = &self.name {
            root.name = Text::new(name)?;
        }
        let activation = &mut root.activation_s;
        for (new, value) in [
            (self.auditor_quorum, &mut root.auditor_quorum),
            (self.witness_quorum, &mut root.witness_quorum),
            (self.activation_token, &mut activation.token),
            (self.activation_intake, &mut activation.intake),
            (self.activation_warden, &mut activation.warden),
            (self.activation_council, &mut activation.council),
            (self.freshness, &mut root.freshness_s),
            (self.cooling_off, &mut root.cooling_off_s),
            (self.release_cap, &mut root.release_cap_per_day),
            (self.deferral_max, &mut root.deferral_max_s),
        ] {
            *value = new.unwrap_or(*value);
        }
        Ok(())
    }
}

fn take_out<T: PartialEq>(all: &mut Vec<T>, one: &T, what: &str) -> Result<(), CliError> {
    let place = all.iter().position(|have| have == one);
    all.remove(place.ok_or_else(|| CliError::Usage(format!("the {what} to remove is none of this trust root")))?);
    Ok(())
}

/// Each difference between two versions, a line each; number, time and predecessor always differ and are left out.
pub fn differences(old: &TrustRoot, new: &TrustRoot) -> Vec<String> {
    let mut lines = Vec::new();
    for role in Role::ALL {
        let (before, after) = (old.identities.get(&role), new.identities.get(&role));
        if before != after {
            lines.push(format!("{}: another identity, {}", role.as_str(), after.map(key).unwrap_or_default()));
        }
    }
    members(&mut lines, "auditor", &old.auditors, &new.auditors, key);
    members(&mut lines, "witness", &old.witnesses, &new.witnesses, |vkey| vkey.as_str().to_owned());
    let (a, b) = (&old.activation_s, &new.activation_s);
    for (what, before, after) in [
        ("auditors who must sign", old.auditor_quorum, new.auditor_quorum),
        ("witnesses that a checkpoint needs", old.witness_quorum, new.witness_quorum),
        ("seconds before a token key counts", a.token, b.token),
        ("seconds before an intake key counts", a.intake, b.intake),
        ("seconds before a warden key counts", a.warden, b.warden),
        ("seconds before a council counts", a.council, b.council),
        ("seconds of the oldest head for sealing", old.freshness_s, new.freshness_s),
        ("seconds of cooling-off", old.cooling_off_s, new.cooling_off_s),
        ("releases a day without an auditor", old.release_cap_per_day, new.release_cap_per_day),
        ("seconds of the longest deferral", old.deferral_max_s, new.deferral_max_s),
    ] {
        if before != after {
            lines.push(format!("{what}: {before} becomes {after}"));
        }
    }
    for (what, before, after) in [
        ("name", &old.name, &new.name),
        ("issuer name", &old.issuer_name, &new.issuer_name),
        ("origin", &old.origin, &new.origin),
    ] {
        if before != after {
            lines.push(format!("{what}: {} becomes {}", before.as_str(), after.as_str()));
        }
    }
    if old.logs != new.logs {
        lines.push("THE LOGS: another key or origin of a log".into());
    }
    lines
}

fn members<T: PartialEq>(lines: &mut Vec<String>, what: &str, old: &[T], new: &[T], show: impl Fn(&T) -> String) {
    lines.extend(old.iter().filter(|one| !new.contains(one)).map(|one| format!("{what} leaves: {}", show(one))));
    lines.extend(new.iter().filter(|one| !old.contains(one)).map(|one| format!("{what} comes: {}", show(one))));
}

/// A public key with the fingerprint that people read to each other.
pub fn key(key: &Hex<32>) -> String {
    let fingerprint = VerifyingKey::from_bytes(&key.0).map(|key| hex::encode(&key.key_id()[..8]));
    format!("{} (fingerprint {})", hex::encode(key.0), fingerprint.unwrap_or_else(|_| "of no key".into()))
}
