//! One mail of one line by SMTP: RFC 5321, with STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314), and AUTH PLAIN
//! (RFC 4616).
//!
//! ```text
//! 220 greeting, EHLO, [STARTTLS, TLS, EHLO,] [AUTH PLAIN,] MAIL FROM, RCPT TO, DATA, text, ".", QUIT
//! ```
//! Not here, since one constant text to one person needs none of it: pipelining, other encodings, attachments, a queue.

use std::sync::Arc;

use tabir_crypto::codec::b64;
use tabir_crypto::secret::SecretVec;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::alert_send::SendError;
use crate::config::notify::SmtpTls;

/// The longest answer that is read; RFC 5321 has 512 a line.
const MAX_ANSWER: usize = 16 * 1024;
/// The longest address, RFC 5321.
const MAX_ADDRESS: usize = 254;

/// A mail address that can stand in a command: ASCII, one `@`, nothing that would end the command or the header.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let sound = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
        };
        let (local, domain) = text.split_once('@')?;
        (text.len() <= MAX_ADDRESS && sound(local) && sound(domain)).then(|| Self(text.to_owned()))
    }

    fn domain(&self) -> &str {
        self.0.split_once('@').map_or("localhost", |(_, domain)| domain)
    }
}

/// A mail server and an account there.
#[derive(Clone)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub connector: TlsConnector,
    pub from: Address,
    /// Name and password.
    pub account: Option<(String, Arc<SecretVec>)>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One conversation.
struct Talk {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

fn broken(_: std::io::Error) -> SendError {
    SendError::Unreachable
}

impl Talk {
    /// Reads one reply, of one or more lines, and wants this code. What else it says is nobody's business.
    async fn wants(&mut self, code: &str) -> Result<(), SendError> {
        loop {
            while let Some(end) = self.unread.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                let last = line.get(3) != Some(&b'-');
                if last {
                    return if line.starts_with(code.as_bytes()) { Ok(()) } else { Err(SendError::Refused) };
                }
            }
            if self.unread.len() > MAX_ANSWER || self.stream.read_buf(&mut self.unread).await.map_err(broken)? == 0 {
                return Err(SendError::Unreachable);
            }
        }
    }

    async fn say(&mut self, command: &str, code: &str) -> Result<(), SendError> {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        self.wants(code).await
    }

    async fn tls(self, server: &Server) -> Result<Self, SendError> {
        // What came before the handshake was said by anybody on the way.
        if !self.unread.is_empty() {
            return Err(SendError::Refused);
        }
        let name = ServerName::try_from(server.host.clone()).map_err(|_| SendError::Refused)?;
        let stream = server.connector.connect(name, self.stream).await.map_err(broken)?;
        Ok(Self { stream: Box::new(stream), unread: Vec::new() })
    }
}

impl Server {
    /// Sends this text to one person. `now` is Unix seconds, for the `Date`, without which a mail is none.
    pub async fn send(&self, to: &Address, subject: &str, text: &str, now: u64) -> Result<(), SendError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(broken)?;
        let mut talk = Talk { stream: Box::new(stream), unread: Vec::new() };
        // The sender's domain, not this machine's name, which is nobody's business.
        let hello = format!("EHLO {}", self.from.domain());
        if self.tls == SmtpTls::Tls {
            talk = talk.tls(self).await?;
        }
        talk.wants("220").await?;
        talk.say(&hello, "250").await?;
        if self.tls == SmtpTls::StartTls {
            talk.say("STARTTLS", "220").await?;
            talk = talk.tls(self).await?;
            talk.say(&hello, "250").await?;
        }
        if let Some((user, password)) = &self.account {
            let plain = [b"\0", user.as_bytes(), b"\0", password.expose()].concat();
            talk.say(&format!("AUTH PLAIN {}", b64(&plain)), "235").await?;
        }
        talk.say(&format!("MAIL FROM:<{}>", self.from.0), "250").await?;
        talk.say(&format!("RCPT TO:<{}>", to.0), "250").await?;
        talk.say("DATA", "354").await?;
        talk.say(&self.mail(to, subject, text, now), "250").await?;
        // It is taken: whether the server says goodbye does not matter.
        let _ = talk.say("QUIT", "221").await;
        Ok(())
    }

    /// Headers, text, and the line with a dot that ends it. No line of ours begins with a dot.
    fn mail(&self, to: &Address, subject: &str, text: &str, now: u64) -> String {
        // To the minute: when exactly the board noticed is in nobody's interest.
        let minute = i64::try_from(now / 60 * 60).unwrap_or_default();
        let date = OffsetDateTime::from_unix_timestamp(minute).ok().and_then(|t| t.format(&Rfc2822).ok());
        let head = [
            format!("Date: {}", date.unwrap_or_default()),
            format!("From: <{}>", self.from.0),
            format!("To: <{}>", to.0),
            format!("Subject: {subject}"),
            "MIME-Version: 1.0".to_owned(),
            "Content-Type: text/plain; charset=us-ascii".to_owned(),
        ];
        let lines = head.iter().map(String::as_str).chain([""]).chain(text.lines()).chain(["."]);
        lines.collect::<Vec<_>>().join("\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn takes_addresses_and_nothing_that_could_end_a_command() {
        for good in ["a@b", "sari.w+tabir@kota.example", "x_y@mail-1.example"] {
            assert!(Address::parse(good).is_some(), "{good}");
        }
        let long = format!("{}@b", "a".repeat(254));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a@b>\r\nRCPT TO:<c@d", "a b@c", "<a@b>", "ä@b", "a@b\n", &long] {
            assert!(Address::parse(bad).is_none(), "{bad}");
        }
    }
}
