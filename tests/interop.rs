//! Programs that Tabir's authors did not write, against running roles. `tests/interop/README.md` says what each is told.

mod stage;

use std::path::Path;
use std::process::Stdio;

use stage::Stage;
use tabir::client::report::seal;
use tokio::process::Command;

#[tokio::test]
#[ignore = "needs Node.js and packages from npm; `make interop` installs them and runs this"]
async fn privacypass_ts_fetches_a_token_and_spends_it() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let dir = tempfile::tempdir().unwrap();
    let submission = |name: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, seal(&session, &stage::draft(&session)).unwrap().body).unwrap();
        file
    };
    let root = stage.trust.root();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/issuance.mjs");
    let output = Command::new("node")
        .arg(script)
        .env("TABIR_ISSUER_URL", stage.ports.peers().issuer)
        .env("TABIR_GATEWAY_URL", stage.gateway())
        .env("TABIR_ISSUER_NAME", root.issuer_name.as_str())
        .env("TABIR_ORIGIN", root.origin.as_str())
        .env("TABIR_VOUCHER", &stage.vouchers(1).await[0])
        .env("TABIR_BODY", submission("body.json"))
        .env("TABIR_OTHER_BODY", submission("other.json"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("node: `make interop` installs it");
    let said = String::from_utf8(output.stdout).unwrap();
    // scripts/interop looks for the client's own line.
    print!("{said}");
    assert!(output.status.success() && said.lines().any(|line| line.ends_with(" PASS")), "{said}");
}
