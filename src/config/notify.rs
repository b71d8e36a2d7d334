//! `[roles.council.notify]`, `[roles.warden.notify]`: whom board and warden tell that something waits. The addresses stand here and nowhere else.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Recipients by what they may do. Each is a mail address, or the URL of a webhook.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// The mail server; without it there are webhooks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Smtp>,
    /// When a vote, a partial or an opening waits.
    pub officials: Vec<String>,
    /// When a council waits for the outside body's signature.
    pub warden: Vec<String>,
    /// When something waits for an auditor's signature.
    pub auditors: Vec<String>,
    /// Pause after the first failure, in seconds; it doubles up to an hour.
    pub retry_s: u64,
}

impl Default for Notify {
    fn default() -> Self {
        Self { smtp: None, officials: Vec::new(), warden: Vec::new(), auditors: Vec::new(), retry_s: retry() }
    }
}

/// `[roles.warden.notify]`: whom the outside body's machine tells that a request waits.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Mail addresses, and URLs of webhooks.
    pub to: Vec<String>,
    /// The mail server; without it there are webhooks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Smtp>,
    /// Pause after the first failure, in seconds; it doubles up to an hour.
    #[serde(default = "retry")]
    pub retry_s: u64,
}

impl Alerts {
    /// The first pause, if the file says nothing.
    pub const RETRY_S: u64 = 30;
}

const fn retry() -> u64 {
    Alerts::RETRY_S
}

/// A mail server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// 587 for `starttls`, 465 for `tls`, 25 for `none`.
    pub port: u16,
    /// How the way to it is protected.
    #[serde(default)]
    pub tls: SmtpTls,
    /// A certificate (PEM) that the server's may be signed by, beside those of the system: a city's own authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The sender's address.
    pub from: String,
    /// Name of the account, if the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its password, one line, mode 0600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

/// Protection of the way to a mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// STARTTLS, and nothing is sent without it.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None, for a mail server on this host. No account is used then.
    None,
}

// Configurations are printed when something is wrong with them; addresses of people are not.
impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.officials.len() + self.warden.len() + self.auditors.len();
        write!(f, "Notify({count} recipients)")
    }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alerts({} recipients)", self.to.len())
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp(…)")
    }
}
