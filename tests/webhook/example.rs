//! The example of docs/webhook.md, run as it stands there, beside a whole installation of the real program.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tabir::client::{case, report, tokens};
use tabir::config::Config;
use tabir::config::keys::write_private;
use tabir::config::webhook::Webhook;
use tabir_crypto::statement::body::Status;

use crate::receiver::SECRET;
use crate::stage::{self, Stage};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/webhook_receiver.py")
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// All complaints of the example's database, one line each.
fn complaints(database: &Path) -> Vec<String> {
    let code = "import sqlite3,sys\nfor row in sqlite3.connect(sys.argv[1]).execute('SELECT reference, type, description FROM complaints'):\n print(*row, sep='|', end='\\0')";
    let said = Command::new("python3").args(["-c", code]).arg(database).output().unwrap();
    String::from_utf8(said.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect()
}

#[tokio::test]
async fn the_example_receiver_takes_a_report_once_and_what_it_calls_back_reaches_the_reporter() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    stage.end("forwarder");
    let folder = stage.folder().join("forwarder");
    let (secret, database) = (folder.join("webhook.secret"), folder.join("complaints.sqlite"));
    write_private(&secret, SECRET.as_bytes()).unwrap();
    let (there, back) = (free_address(), free_address());
    let mut python = Command::new("python3");
    python.arg(example()).arg("serve").arg(there.port().to_string()).arg(&secret).arg(&database).stdin(Stdio::null());
    let _receiver = Running(python.spawn().unwrap());
    let file = folder.join("tabir.toml");
    let mut config: Config = toml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let forwarder = config.roles.forwarder.as_mut().unwrap();
    forwarder.downstream = format!("http://{there}/tabir");
    forwarder.api_key_file = None;
    forwarder.webhook = Some(Webhook {
        secret_files: vec!["webhook.secret".into()],
        ed25519: true,
        listen: Some(back),
        updates_url: None,
    });
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    assert!(TcpStream::connect(back).is_err(), "no listener while none is configured");
    stage.resume("forwarder").await;

    let session = stage.session().await;
    let sealed = report::seal(&session, &stage::draft(&session)).unwrap();
    let voucher = tokens::Attestation::Voucher(stage.vouchers(1).await.remove(0));
    let token = tokens::fetch(&session, &voucher).await.unwrap();
    let accepted = report::send(&session, &sealed, &token).await.unwrap();
    stage
        .until("the report is in the example's database", || std::future::ready(!complaints(&database).is_empty()))
        .await;
    let reference = &accepted.reference;
    let words = stage::draft(&session).text;
    assert_eq!(complaints(&database), [format!("{reference}|report.created|{words}\n\n[tabir:{reference}]")]);
    let public = std::fs::read_to_string(folder.join(tabir::forwarder::webhook::PUBLIC)).unwrap();
    assert!(public.starts_with("whpk_"));

    let mut told = Command::new("python3");
    told.arg(example()).arg("tell").arg(format!("http://{back}/v1/updates")).arg(&secret);
    told.args([reference.as_str(), "in_progress", "Tim sudah di lokasi."]);
    stage
        .until("the call back is taken: the forwarder knows that the report is there", || {
            std::future::ready(told.stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap().success())
        })
        .await;
    stage
        .until("the reporter reads it", || async {
            let case = case::read(&session, &sealed.receipt).await.unwrap();
            let status = case.view.status.iter().any(|s| s.status == Status::InProgress);
            status && case.messages.iter().any(|m| m.text == "Tim sudah di lokasi.")
        })
        .await;
    assert_eq!(complaints(&database).len(), 1);
}
