//! A statement and a token of a running installation, verified by libraries that know nothing of Tabir, with the keys that
//! the trust root and the governance log publish.

use tabir::client::{audit, tokens};
use tokio::process::Command;

use crate::stage::Stage;
use crate::{client, say};

#[tokio::test]
#[ignore = "needs packages from PyPI; `make interop` installs them and runs this"]
async fn a_statement_and_a_token_verify_by_published_keys_alone() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let work = tempfile::tempdir().unwrap();
    let [trust, copy, file] = ["trust.json", "log", "token"].map(|name| work.path().join(name));
    audit::fetch(&stage.trust, &stage.client, &stage.ports.peers().log, &copy).await.unwrap();
    std::fs::write(&trust, stage.trust.statement().to_bytes()).unwrap();
    let voucher = tokens::Attestation::Voucher(stage.vouchers(1).await.remove(0));
    let token = tokens::fetch(&stage.session().await, &voucher).await.unwrap();
    std::fs::write(&file, token.encode()).unwrap();
    let mut statement = Command::new("python3");
    statement.arg(client("statement_securesystemslib.py")).args([&trust, &copy]);
    say(&mut statement).await;
    let mut command = Command::new("python3");
    command.arg(client("token_cryptography.py")).args([&trust, &copy, &file]);
    say(&mut command).await;
}
