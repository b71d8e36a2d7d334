//! What `tabir trust init` can change in the next version of a trust root, and how a change is shown.
//!
//! A log has another key only because the old one is lost: the new one goes on with the tree where it was last witnessed, as a
//! copy of the logs has it.

use std::path::PathBuf;

use tabir_crypto::B32;
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::log::{TreeHead, VerifierKey};
use tabir_crypto::statement::body::Role;
use tabir_crypto::statement::value::{Hex, Hour, Text};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::root::{Follows, LogKey, LogName, TrustRoot};

use crate::cli::CliError;
use crate::cli::official::hex32;
use crate::client::log_source::{LogFolder, ReadError};
use crate::ledger;

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
    /// Another key of a log whose key is lost, by its C2SP verifier key (`tabir log key`): the log goes on under it; with --last
    #[arg(long, value_name = "LOG=VKEY", value_parser = log_key, requires = "last")]
    log: Vec<(LogName, String)>,
    /// A copy of both logs, up to the last checkpoint that witnesses cosigned while the lost key was there
    #[arg(long, value_name = "COPY", requires = "log")]
    last: Option<PathBuf>,
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

fn log_key(text: &str) -> Result<(LogName, String), String> {
    let (name, vkey) = text.split_once('=').ok_or("LOG=VKEY, such as governance=lapor.example/governance-2+…")?;
    let name = LogName::ALL.into_iter().find(|log| log.as_str() == name).ok_or("no such log")?;
    Ok((name, vkey.to_owned()))
}

impl Change {
    /// The heads with which logs end whose key is lost, after all of the copy was checked.
    pub async fn ended(&self, trust: &Trust) -> Result<Vec<(LogName, TreeHead)>, CliError> {
        let mut heads = Vec::new();
        for ((name, _), copy) in self.log.iter().zip(self.last.iter().cycle()) {
            let reader = ledger::reader_of(trust, *name, LogFolder(copy.join(name.as_str())))?;
            let failed = |error: ReadError| CliError::Failed(format!("{}: {error}", copy.display()));
            let checkpoint = reader.copied_checkpoint().await.map_err(failed)?;
            let found = reader.heads(checkpoint, TreeHead::EMPTY).await.map_err(failed)?;
            reader.walk(TreeHead::EMPTY, &found, |_| Ok(())).await.map_err(failed)?;
            heads.push((*name, found.checkpoint.head()));
        }
        Ok(heads)
    }

    /// Makes the change; `ended` as [`Change::ended`] found it. Errors: somebody removed who is not there, a text that is none;
    /// the rest is checked as a whole.
    pub fn make(&self, root: &mut TrustRoot, now: u64, ended: &[(LogName, TreeHead)]) -> Result<(), CliError> {
        root.at = Hour::of(now);
        for ((name, vkey), (_, last)) in self.log.iter().zip(ended) {
            // A log's key has the name of its origin.
            let origin = Text::new(VerifierKey::parse(vkey)?.name())?;
            let follows = Some(Follows { size: last.size, root: Hex(last.root) });
            let new = LogKey { name: *name, origin, vkey: Text::new(vkey)?, follows };
            root.logs.iter_mut().filter(|log| log.name == *name).for_each(|log| *log = new.clone());
        }
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
    for (before, after) in old.logs.iter().zip(&new.logs).filter(|(before, after)| before != after) {
        let (name, vkey) = (after.name.as_str(), after.vkey.as_str());
        let head = |last: Follows| format!("{} entries, root {}", last.size, hex::encode(last.root.0));
        let last = after.follows.map(head).unwrap_or_default();
        lines.push(format!("THE KEY OF THE {name} LOG IS LOST: {} ends with {last}", before.origin.as_str()));
        lines.push(format!("{name} log: goes on as {} under {vkey}", after.origin.as_str()));
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
