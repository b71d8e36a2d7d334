//! Brings the one sentence "something waits" to a person: by mail, or to a webhook. Never more than that sentence.
//!
//! What is sent has no case, no name, no number, no reason, and is the same each time. A mail server learns that it was
//! sent, to whom and when; nothing here can change that. Errors carry no address and no word of the server.

use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::BuilderVerifierExt as _;
use tabir_crypto::Secret;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::alert_smtp::{Address, Server};
use super::error::StartError;
use crate::clock::Clock;
use crate::config::keys::read_private;
use crate::config::notify::{Notify, Smtp, SmtpTls};
use crate::http::{Client, Method};

/// The subject, always.
const SUBJECT: &str = "Tabir";
/// The text, always.
pub const TEXT: &str = "Ada yang menunggu Anda di Tabir. Periksa dengan perangkat Anda sendiri.\n\
                        Something waits for you in Tabir. Look with your own device.\n";
/// Until a mail server or webhook has taken it.
const TOTAL: Duration = Duration::from_secs(20);

/// Why it did not arrive, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No connection, or no answer in time.
    #[error("can't be reached")]
    Unreachable,
    /// An answer that says no.
    #[error("refuses")]
    Refused,
}

/// Where one person is told.
pub enum Recipient {
    /// By mail.
    Mail(Box<Server>, Address, Clock),
    /// `POST` to this URL.
    Hook(Client, String),
}

impl Recipient {
    /// Reads an entry of the configuration. The error has a reason, and not the entry.
    pub fn new(entry: &str, notify: &Notify, client: &Client, clock: &Clock) -> Result<Self, StartError> {
        if entry.contains("://") {
            return match reqwest::Url::parse(entry) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Hook(client.clone(), entry.to_owned())),
                _ => Err(StartError::Notify("a webhook is an http or https URL")),
            };
        }
        let to = Address::parse(entry).ok_or(StartError::Notify("an entry is neither a mail address nor a URL"))?;
        let smtp = notify.smtp.as_ref().ok_or(StartError::Notify("mail addresses need [roles.council.notify.smtp]"))?;
        Ok(Self::Mail(Box::new(server(smtp)?), to, clock.clone()))
    }

    /// Tells this person.
    pub async fn send(&self) -> Result<(), SendError> {
        let sent = async {
            match self {
                Self::Mail(server, to, clock) => server.send(to, SUBJECT, TEXT, clock.now()).await,
                Self::Hook(client, url) => {
                    let body = serde_json::json!({ "v": 1, "text": TEXT }).to_string().into_bytes();
                    let headers = [("content-type", "application/json")];
                    let refused = |e: crate::http::HttpError| {
                        if e.status().is_some() { SendError::Refused } else { SendError::Unreachable }
                    };
                    client.send(Method::POST, url, &headers, body).await.map(drop).map_err(refused)
                }
            }
        };
        tokio::time::timeout(TOTAL, sent).await.unwrap_or(Err(SendError::Unreachable))
    }
}

fn server(smtp: &Smtp) -> Result<Server, StartError> {
    let account = match (&smtp.user, &smtp.password_file) {
        (None, None) => None,
        (Some(_), Some(_)) if smtp.tls == SmtpTls::None => {
            return Err(StartError::Notify("an account needs smtp.tls: its password would be readable on the way"));
        }
        (Some(user), Some(file)) => {
            let password = read_private(file)?.trim_end_matches(['\r', '\n']).as_bytes().to_vec();
            Some((user.clone(), Arc::new(Secret::new(password))))
        }
        _ => return Err(StartError::Notify("smtp.user and smtp.password_file: both or none")),
    };
    let from = Address::parse(&smtp.from).ok_or(StartError::Notify("smtp.from is no mail address"))?;
    // The system's certificates, as for every other call of this program.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let verified = builder.with_safe_default_protocol_versions().and_then(|b| b.with_platform_verifier());
    let tls = verified.map_err(|_| StartError::Notify("this system has no certificates to check a mail server by"))?;
    let connector = TlsConnector::from(Arc::new(tls.with_no_client_auth()));
    Ok(Server { host: smtp.host.clone(), port: smtp.port, tls: smtp.tls, connector, from, account })
}
