//! A mail goes over TLS or not at all, and only to the server that the certificate names.

#[path = "common/mail.rs"]
mod mail;

use std::path::Path;

use mail::{MailServer, Mood};
use tabir::clock::Clock;
use tabir::config::keys::write_private;
use tabir::config::notify::{Smtp, SmtpTls};
use tabir::http::Client;
use tabir::notify::{Recipient, SendError};

const WAY: [SmtpTls; 2] = [SmtpTls::StartTls, SmtpTls::Tls];

async fn told(smtp: Smtp) -> Result<(), SendError> {
    let clock = Clock::manual(1_800_000_007);
    Recipient::new("sari@kota.example", Some(&smtp), &Client::new(clock.clone()), &clock).unwrap().send("Look.\n").await
}

async fn server(tls: SmtpTls, dir: &Path) -> (MailServer, Smtp) {
    let ca = dir.join("ca.pem");
    let password = dir.join("password");
    let mail = MailServer::start_tls(tls, &ca).await;
    write_private(&password, b"p4ss\n").unwrap();
    let account = Smtp { user: Some("tabir".into()), password_file: Some(password), ..mail.smtp() };
    (mail, Smtp { host: "localhost".into(), ca_file: Some(ca), ..account })
}

#[tokio::test]
async fn account_and_mail_go_over_tls() {
    for tls in WAY {
        let dir = tempfile::tempdir().unwrap();
        let (mail, smtp) = server(tls, dir.path()).await;
        told(smtp).await.unwrap();
        let all = mail.to("sari@kota.example");
        assert!(all.len() == 1 && all[0].ends_with("\n\nLook.\n\n"), "{tls:?}: {all:?}");
        assert!(all[0].contains("Date: Fri, 15 Jan 2027 08:00:00 +0000\n"), "cut to the minute: {}", all[0]);
        let heard = mail.heard.lock().unwrap().clone();
        let plain: Vec<_> = heard.iter().filter_map(|c| c.strip_prefix("plain ")).collect();
        let before_tls: &[&str] = if tls == SmtpTls::Tls { &[] } else { &["EHLO kota.example", "STARTTLS"] };
        assert_eq!(plain, before_tls, "{tls:?}");
        // base64("\0tabir\0p4ss")
        assert!(heard.contains(&"tls AUTH PLAIN AHRhYmlyAHA0c3M=".to_owned()), "{heard:?}");
    }
}

#[tokio::test]
async fn a_server_with_another_certificate_hears_nothing() {
    for tls in WAY {
        let dir = tempfile::tempdir().unwrap();
        let (mail, smtp) = server(tls, dir.path()).await;
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other_ca = dir.path().join("other.pem");
        std::fs::write(&other_ca, other.cert.pem()).unwrap();
        for wrong in [
            Smtp { ca_file: None, ..smtp.clone() },
            Smtp { ca_file: Some(other_ca.clone()), ..smtp.clone() },
            // The right certificate, for another name.
            Smtp { host: "127.0.0.1".into(), ..smtp.clone() },
        ] {
            told(wrong).await.unwrap_err();
            let heard = mail.heard.lock().unwrap();
            assert!(!heard.iter().any(|c| c.contains("AUTH") || c.contains("MAIL")), "{tls:?}: {heard:?}");
        }
        assert!(mail.to("sari").is_empty());
    }
}

#[tokio::test]
async fn whoever_takes_starttls_away_gets_no_mail() {
    let dir = tempfile::tempdir().unwrap();
    let (mail, smtp) = server(SmtpTls::StartTls, dir.path()).await;
    *mail.mood.lock().unwrap() = Mood::WithoutStartTls;
    assert_eq!(told(smtp).await, Err(SendError::Refused));
    let heard = mail.heard.lock().unwrap();
    assert!(!heard.iter().any(|c| c.contains("AUTH") || c.contains("MAIL")), "{heard:?}");
}
