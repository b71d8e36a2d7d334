//! The sections of the roles. A role runs in this process if its section is there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::account::Account;
pub use super::facade::Facade;
pub use super::form::Form;
use super::notify::{Alerts, Notify};
use super::webhook::Webhook;

/// `[roles.<name>]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Roles {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarder: Option<Forwarder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub council: Option<Council>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warden: Option<Warden>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk: Option<Desk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facade: Option<Facade>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

impl Roles {
    /// The roles that run here, with their folders.
    pub fn folders(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all = [
            ("issuer", self.issuer.as_ref().map(|r| r.dir.as_path())),
            ("gateway", self.gateway.as_ref().map(|r| r.dir.as_path())),
            ("forwarder", self.forwarder.as_ref().map(|r| r.dir.as_path())),
            ("council", self.council.as_ref().map(|r| r.dir.as_path())),
            ("log", self.log.as_ref().map(|r| r.dir.as_path())),
            ("warden", self.warden.as_ref().map(|r| r.dir.as_path())),
            ("desk", self.desk.as_ref().map(|r| r.dir.as_path())),
            ("facade", self.facade.as_ref().map(|r| r.dir.as_path())),
            ("form", self.form.as_ref().map(|r| r.dir.as_path())),
        ];
        all.into_iter().filter_map(|(name, dir)| Some((name, dir?)))
    }

    pub(super) fn rebase(&mut self, base: &Path) {
        let dirs = [
            self.issuer.as_mut().map(|r| &mut r.dir),
            self.gateway.as_mut().map(|r| &mut r.dir),
            self.forwarder.as_mut().map(|r| &mut r.dir),
            self.council.as_mut().map(|r| &mut r.dir),
            self.log.as_mut().map(|r| &mut r.dir),
            self.warden.as_mut().map(|r| &mut r.dir),
            self.desk.as_mut().map(|r| &mut r.dir),
            self.facade.as_mut().map(|r| &mut r.dir),
            self.form.as_mut().map(|r| &mut r.dir),
        ];
        for dir in dirs.into_iter().flatten() {
            *dir = base.join(&*dir);
        }
        let board = self.council.as_mut().and_then(|c| c.notify.as_mut()?.smtp.as_mut());
        let warden = self.warden.as_mut().and_then(|w| w.notify.as_mut()?.smtp.as_mut());
        for smtp in [board, warden].into_iter().flatten() {
            smtp.password_file = smtp.password_file.take().map(|f| base.join(f));
        }
        if let Some(gateway) = &mut self.gateway {
            gateway.page = gateway.page.take().map(|dir| base.join(dir));
        }
        if let Some(facade) = &mut self.facade {
            facade.vouchers_file = facade.vouchers_file.take().map(|f| base.join(f));
        }
        if let Some(forwarder) = &mut self.forwarder {
            forwarder.api_key_file = forwarder.api_key_file.take().map(|f| base.join(f));
            forwarder.mapping = forwarder.mapping.take().map(|f| base.join(f));
            if let Some(webhook) = &mut forwarder.webhook {
                webhook.rebase(base);
            }
        }
    }
}

/// 30 days.
const EPOCH_S: u64 = 30 * 86_400;

/// Token issuer with its attesters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Store and keys.
    pub dir: PathBuf,
    /// Length of a key epoch.
    #[serde(default = "epoch")]
    pub epoch_s: u64,
    /// How long the previous epoch's tokens are still taken.
    #[serde(default = "overlap")]
    pub overlap_s: u64,
    /// Expected number of Argon2 calls of a puzzle when it is calm, as a power of two; `None` turns the attester off.
    #[serde(default = "difficulty")]
    pub pow_bits: Option<u8>,
    /// Signatures a second that each kind of attestation gets at most.
    #[serde(default = "signatures")]
    pub signatures_per_s: u32,
    /// An existing app whose logins buy tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

/// What two cores sign: beyond it, requests would only wait in line.
const SIGNATURES_PER_S: u32 = 1_000;

const fn signatures() -> u32 {
    SIGNATURES_PER_S
}

impl Issuer {
    /// Puzzles and vouchers, with the usual limits.
    #[must_use]
    pub const fn new(dir: PathBuf, epoch_s: u64, overlap_s: u64, pow_bits: Option<u8>) -> Self {
        Self { dir, epoch_s, overlap_s, pow_bits, signatures_per_s: SIGNATURES_PER_S, account: None }
    }
}

const fn epoch() -> u64 {
    EPOCH_S
}
const fn overlap() -> u64 {
    7 * 86_400
}
#[allow(clippy::unnecessary_wraps)] // serde asks for the field's type
const fn difficulty() -> Option<u8> {
    Some(8)
}

/// Redemption, intake, mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Store and keys.
    pub dir: PathBuf,
    /// How long the previous epoch's tokens are still taken.
    #[serde(default = "overlap")]
    pub overlap_s: u64,
    /// A folder that `tabir page build` wrote, to serve in place of the page that this program has inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PathBuf>,
}

/// Outbox and connector.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forwarder {
    /// Store and keys.
    pub dir: PathBuf,
    /// GeoReport v2 endpoint of the downstream system, up to and without `/requests.json`.
    pub downstream: String,
    /// API key of the downstream, one line, mode 0600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// GeoReport `jurisdiction_id`, where the downstream wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
    /// How categories, attributes and statuses are said there; without it everything has the same name on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<PathBuf>,
    /// The downstream takes signed webhooks instead of GeoReport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// How often gateway and downstream are asked for news.
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
    /// Length of an intake key's life.
    #[serde(default = "epoch")]
    pub epoch_s: u64,
    /// How long a sealed content is kept after the downstream has it, should that lose it.
    #[serde(default = "keep_content")]
    pub keep_content_s: u64,
}

const fn keep_content() -> u64 {
    86_400
}

const fn poll_ms() -> u64 {
    5_000
}

/// Bulletin board of the officials.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Council {
    /// Store and keys.
    pub dir: PathBuf,
    /// How often the log is asked for news.
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
    /// Whom the board tells that something waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
}

/// Both transparency logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Store and keys: `governance.key` and `intake.key` beside `identity.key`.
    pub dir: PathBuf,
    /// Between two checkpoints.
    #[serde(default = "checkpoint_ms")]
    pub checkpoint_ms: u64,
    /// Witnesses that are asked. Those that poll, and the warden, need not stand here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<LogWitness>,
}

impl Log {
    /// Without witnesses that are asked.
    #[must_use]
    pub const fn new(dir: PathBuf, checkpoint_ms: u64) -> Self {
        Self { dir, checkpoint_ms, witnesses: Vec::new() }
    }
}

/// `[[roles.log.witnesses]]`: a C2SP witness with an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogWitness {
    /// Its verifier key, as it stands in the trust root.
    pub vkey: String,
    /// Its submission prefix: the log posts to `<url>/add-checkpoint`.
    pub url: String,
}

const fn checkpoint_ms() -> u64 {
    10_000
}

/// The outside body's machine: holds the outer keys, cosigns both logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warden {
    /// Store and keys; `witness.key` cosigns.
    pub dir: PathBuf,
    /// How often log and board are asked for news.
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
    /// Length of a warden key's life: a quarter.
    #[serde(default = "quarter")]
    pub epoch_s: u64,
    /// Whom the warden tells that a request waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Alerts>,
}

const fn quarter() -> u64 {
    91 * 86_400
}

/// The built-in complaint system.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Store.
    pub dir: PathBuf,
    /// Name of the key with which the desk countersigns each report that reaches it, such as its host. Without one it
    /// countersigns none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersign: Option<String>,
}
