//! A mail server on loopback, with or without TLS, that keeps what it takes.

#![allow(dead_code)] // each test file uses its part

use std::path::Path;
use std::sync::{Arc, Mutex};

use tabir::config::notify::{Smtp, SmtpTls};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the mail server does next.
#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    Takes,
    Refuses,
    Hangs,
    /// Says nothing of STARTTLS, as when somebody on the way takes the word out.
    WithoutStartTls,
}

#[derive(Clone)]
pub struct MailServer {
    pub port: u16,
    tls: SmtpTls,
    acceptor: Option<TlsAcceptor>,
    pub mood: Arc<Mutex<Mood>>,
    /// Recipient and whole text.
    pub mails: Arc<Mutex<Vec<(String, String)>>>,
    /// Every command, with `tls` or `plain` before it.
    pub heard: Arc<Mutex<Vec<String>>>,
    pub refused: Arc<Mutex<usize>>,
}

/// How a conversation ended.
enum End {
    Over,
    StartTls,
}

impl MailServer {
    /// Without TLS.
    pub async fn start() -> Self {
        Self::listen(SmtpTls::None, None).await
    }

    /// With TLS by a certificate for `localhost` that it writes, PEM, to `ca`.
    pub async fn start_tls(tls: SmtpTls, ca: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(ca, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self::listen(tls, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(tls: SmtpTls, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(Mood::Takes));
        let (mails, heard, refused) = Default::default();
        let server = Self { port, tls, acceptor, mood, mails, heard, refused };
        let running = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = running.clone();
                tokio::spawn(async move { server.connection(stream).await });
            }
        });
        server
    }

    async fn connection(&self, mut stream: TcpStream) -> Option<()> {
        if *self.mood.lock().unwrap() == Mood::Hangs {
            return std::future::pending().await;
        }
        if let (SmtpTls::Tls, Some(acceptor)) = (self.tls, &self.acceptor) {
            let mut stream = acceptor.accept(stream).await.ok()?;
            return self.talk(&mut stream, true, true).await.map(drop);
        }
        if let End::StartTls = self.talk(&mut stream, false, true).await? {
            let mut stream = self.acceptor.as_ref()?.accept(stream).await.ok()?;
            self.talk(&mut stream, true, false).await?;
        }
        Some(())
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, secure: bool, greet: bool) -> Option<End> {
        let mood = *self.mood.lock().unwrap();
        let mut stream = BufReader::new(stream);
        if greet {
            stream.write_all(b"220 mail.example ready\r\n").await.ok()?;
        }
        let (mut to, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            stream.flush().await.ok()?;
            if stream.read_line(&mut line).await.ok()? == 0 {
                return Some(End::Over);
            }
            let line = line.trim_end();
            self.heard.lock().unwrap().push(format!("{} {line}", if secure { "tls" } else { "plain" }));
            let answer: &[u8] = match line.split(' ').next()? {
                "EHLO" if secure => b"250-mail.example\r\n250 AUTH PLAIN\r\n",
                "EHLO" if self.acceptor.is_some() && mood != Mood::WithoutStartTls => {
                    b"250-mail.example\r\n250 STARTTLS\r\n"
                }
                "EHLO" => b"250-mail.example\r\n250 8BITMIME\r\n",
                "STARTTLS" => {
                    stream.write_all(b"220 go on\r\n").await.ok()?;
                    stream.flush().await.ok()?;
                    return Some(End::StartTls);
                }
                "AUTH" => b"235 welcome\r\n",
                "RCPT" if mood == Mood::Refuses => {
                    *self.refused.lock().unwrap() += 1;
                    b"550 <sari@kota.example> is nobody\r\n"
                }
                "MAIL" | "RCPT" => {
                    to = line.strip_prefix("RCPT TO:").map_or(to, str::to_owned);
                    b"250 fine\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    stream.flush().await.ok()?;
                    let text = text_of(&mut stream).await?;
                    self.mails.lock().unwrap().push((to.clone(), text));
                    b"250 taken\r\n"
                }
                "RSET" => b"250 fine\r\n",
                "QUIT" => b"221 bye\r\n",
                other => panic!("{other}"),
            };
            stream.write_all(answer).await.ok()?;
        }
    }

    pub fn to(&self, who: &str) -> Vec<String> {
        let mails = self.mails.lock().unwrap();
        mails.iter().filter(|(to, _)| to.contains(who)).map(|(_, text)| text.clone()).collect()
    }

    /// Settings that reach it.
    pub fn smtp(&self) -> Smtp {
        let (host, from) = ("127.0.0.1".to_owned(), "tabir@kota.example".to_owned());
        Smtp { host, port: self.port, tls: self.tls, ca_file: None, from, user: None, password_file: None }
    }
}

/// The lines up to the dot.
async fn text_of<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(text);
        }
        text += &format!("{}\n", line.trim_end_matches(['\r', '\n']));
    }
}
