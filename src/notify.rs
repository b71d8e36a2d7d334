//! Brings one sentence to a person: by mail, or to a webhook. Never more than that sentence.
//!
//! What is sent has no case, no name, no reason; the board's is the same each time, the warden's has the public hash of an
//! entry. A mail server learns that it was sent, to whom and when; nothing here can change that. Errors carry no address and
//! no word of the server.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::clock::Clock;
use crate::config::keys::read_private;
use crate::config::notify::{Smtp, SmtpTls};
use crate::config::{ConfigError, Setup};
use crate::http::{Client, HttpError, Method};

/// The subject, always.
const SUBJECT: &str = "Tabir";
/// The longest pause while somebody can't be told.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
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

/// Why nobody could be told by such a configuration. The reason is said, and not the entry.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// An entry.
    #[error("{0}")]
    Entry(&'static str),
    /// The password's or the certificate's file.
    #[error(transparent)]
    File(#[from] ConfigError),
}

/// Where one person is told.
pub enum Recipient {
    /// By mail.
    Mail(Box<Mail>),
    /// `POST` to this URL.
    Hook(Client, String),
}

/// A mail server, with who sends and who receives.
pub struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Mailbox,
    clock: Clock,
}

impl Recipient {
    /// Reads an entry of the configuration.
    pub fn new(entry: &str, smtp: Option<&Smtp>, client: &Client, clock: &Clock) -> Result<Self, NotifyError> {
        if entry.contains("://") {
            return match reqwest::Url::parse(entry) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Hook(client.clone(), entry.to_owned())),
                _ => Err(NotifyError::Entry("a webhook is an http or https URL")),
            };
        }
        let to = mailbox(entry).ok_or(NotifyError::Entry("an entry is neither a mail address nor a URL"))?;
        let smtp = smtp.ok_or(NotifyError::Entry("mail addresses need an smtp section"))?;
        let from = mailbox(&smtp.from).ok_or(NotifyError::Entry("smtp.from is no mail address"))?;
        Ok(Self::Mail(Box::new(Mail { server: server(smtp, &from)?, from, to, clock: clock.clone() })))
    }

    /// Tells this person.
    pub async fn send(&self, text: &str) -> Result<(), SendError> {
        let sent = async {
            match self {
                Self::Mail(mail) => mail.send(text).await,
                Self::Hook(client, url) => hook(client, url, text).await,
            }
        };
        tokio::time::timeout(TOTAL, sent).await.unwrap_or(Err(SendError::Unreachable))
    }
}

impl Mail {
    async fn send(&self, text: &str) -> Result<(), SendError> {
        // To the minute: when exactly something was noticed is in nobody's interest.
        let minute = Duration::from_secs(self.clock.now() / 60 * 60);
        let head = Message::builder().date(UNIX_EPOCH + minute).from(self.from.clone()).to(self.to.clone());
        let mail = head.subject(SUBJECT).header(ContentType::TEXT_PLAIN).body(text.to_owned());
        let mail = mail.map_err(|_| SendError::Refused)?;
        let refused = |e: lettre::transport::smtp::Error| {
            // A wrong certificate, no STARTTLS, a wrong password: the server is there, and nothing was said to it.
            let reached = e.is_permanent() || e.is_transient() || e.is_tls() || e.is_client();
            if reached { SendError::Refused } else { SendError::Unreachable }
        };
        self.server.send(mail).await.map(drop).map_err(refused)
    }
}

async fn hook(client: &Client, url: &str, text: &str) -> Result<(), SendError> {
    let body = serde_json::json!({ "v": 1, "text": text }).to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    let refused = |e: HttpError| if e.status().is_some() { SendError::Refused } else { SendError::Unreachable };
    client.send(Method::POST, url, &headers, body).await.map(drop).map_err(refused)
}

/// Pure ASCII, so that any server takes it; `None` for what is no address.
fn mailbox(text: &str) -> Option<Mailbox> {
    let address = text.is_ascii().then(|| text.parse::<Address>().ok()).flatten()?;
    Some(Mailbox::new(None, address))
}

fn server(smtp: &Smtp, from: &Mailbox) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotifyError> {
    let mut parameters = TlsParameters::builder(smtp.host.clone());
    if let Some(file) = &smtp.ca_file {
        let pem = std::fs::read(file).map_err(|_| NotifyError::Entry("smtp.ca_file can't be read"))?;
        let ca = Certificate::from_pem(&pem).map_err(|_| NotifyError::Entry("smtp.ca_file is no certificate"))?;
        parameters = parameters.add_root_certificate(ca);
    }
    let parameters = || parameters.build().map_err(|_| NotifyError::Entry("no certificates to check a mail server by"));
    let tls = match smtp.tls {
        SmtpTls::StartTls => Tls::Required(parameters()?),
        SmtpTls::Tls => Tls::Wrapper(parameters()?),
        SmtpTls::None => Tls::None,
    };
    // The sender's domain, not this machine's name, which is nobody's business.
    let hello = ClientId::Domain(from.email.domain().to_owned());
    let server =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host).port(smtp.port).tls(tls).hello_name(hello);
    Ok(match (&smtp.user, &smtp.password_file) {
        (None, None) => server,
        (Some(_), Some(_)) if smtp.tls == SmtpTls::None => {
            return Err(NotifyError::Entry("an account needs smtp.tls: its password would be readable on the way"));
        }
        (Some(user), Some(file)) => {
            let password = read_private(file)?.trim_end_matches(['\r', '\n']).to_owned();
            server.credentials(Credentials::new(user.clone(), password))
        }
        _ => return Err(NotifyError::Entry("smtp.user and smtp.password_file: both or none")),
    }
    .build())
}

/// What one recipient is to be told, one thing after the other.
pub trait Queue: Send + Sync {
    /// What is told once.
    type Item: Send;
    /// Why the queue can't be read or written.
    type Error: fmt::Display + Send;

    /// The next text, and what it is about; `None` while nothing waits.
    fn next(&self) -> impl Future<Output = Result<Option<(String, Self::Item)>, Self::Error>> + Send;

    /// The recipient was told.
    fn told(&self, item: Self::Item) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Whose recipient this is, and its place in the configuration: for the operator's log, which has no addresses.
    fn who(&self) -> (&'static str, usize);
}

/// Tells one recipient, until the process ends: looks every `poll`; after a failure it waits `retry`, then twice as long, up
/// to [`MAX_PAUSE`].
pub async fn tell<Q: Queue>(queue: Q, mut setup: Setup, recipient: Recipient, [poll, retry]: [Duration; 2]) {
    let (mut pause, mut after_failure) = (poll, retry);
    while setup.pause(pause).await {
        pause = poll;
        let (text, item) = match queue.next().await {
            Ok(Some(next)) => next,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(%error, "alerts");
                continue;
            }
        };
        match recipient.send(&text).await {
            Ok(()) => {
                after_failure = retry;
                if let Err(error) = queue.told(item).await {
                    tracing::warn!(%error, "alerts");
                }
            }
            Err(error) => {
                // Neither the address nor what the server said: only who is not told, by number.
                let (of, recipient) = queue.who();
                tracing::warn!(of, recipient, %error, "nobody was told: tried again later");
                pause = after_failure;
                after_failure = (after_failure * 2).min(MAX_PAUSE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mailbox;

    #[test]
    fn takes_addresses_and_nothing_that_could_end_a_command() {
        for good in ["a@b", "sari.w+tabir@kota.example", "x_y@mail-1.example"] {
            assert!(mailbox(good).is_some(), "{good}");
        }
        let long = format!("{}@b", "a".repeat(254));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a@b>\r\nRCPT TO:<c@d", "a b@c", "<a@b>", "ä@b", "a@b\n", &long] {
            assert!(mailbox(bad).is_none(), "{bad}");
        }
    }
}
