//! Open311 apps that nobody here wrote, before the facade of a running installation.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tabir::cli::demo::ports::free_port;
use tabir::client::case;
use tabir::config::facade::{App, Attribute, Datatype, Facade};
use tabir::config::{Config, Listen, keys, roles::Roles};
use tabir::facade::{BASE, app_key};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::value::{CodeText, Hex};
use tokio::process::Command;

use crate::stage::Stage;
use crate::{client, say};

/// A category of the demo's policy that leaves at once.
const CATEGORY: &str = "illegal_parking";
/// What must be in no file but its own.
const CANARY: &str = "kenari-7f3a";

/// Writes the facade's configuration, with vouchers of its own, and gives its address.
async fn configure(stage: &Stage, hash: [u8; 32]) -> String {
    let dir = stage.folder().join("facade");
    keys::create_private_folder(&dir).unwrap();
    keys::write_private(&dir.join("vouchers.txt"), stage.vouchers(6).await.join("\n").as_bytes()).unwrap();
    let code = |text: &str| CodeText::new(text).unwrap();
    let facade = Facade {
        dir: ".".into(),
        address: "https://lapor.kota.example".into(),
        url: None,
        apps: vec![App { name: "an app".into(), key_hash: Hex(hash) }],
        vouchers_file: Some("vouchers.txt".into()),
        stock: 2,
        attributes: vec![Attribute {
            service: code(CATEGORY),
            code: code("since"),
            description: "Since when?".into(),
            datatype: Datatype::Datetime,
            required: true,
            values: Vec::new(),
        }],
    };
    let port = free_port().unwrap();
    let config = Config {
        trust: "../trust.json".into(),
        listen: Listen { public: ([127, 0, 0, 1], port).into(), ..Listen::default() },
        peers: stage.ports.peers(),
        roles: Roles { facade: Some(facade), ..Roles::default() },
    };
    std::fs::write(dir.join("tabir.toml"), toml::to_string(&config).unwrap()).unwrap();
    format!("http://127.0.0.1:{port}{BASE}")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs civicbot and georeport from PyPI; `make interop` installs them and runs this"]
async fn apps_of_others_report_through_the_facade_and_nothing_of_who_sent_it_is_anywhere() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let (key, hash) = app_key();
    let url = configure(&stage, hash).await;
    stage.resume("facade").await;
    let services = format!("{url}/services.json");
    let http = stage.client.clone();
    stage.until("the facade knows the policy", || async { http.get(&services).await.is_ok() }).await;

    let mut apps = Command::new("python3");
    apps.arg(client("open311_apps.py")).args([url.as_str(), key.expose().as_str(), CATEGORY, CANARY]);
    let said = say(&mut apps).await;
    let made: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();

    // Whoever has the receipt has the case, by the reporter's own client.
    let receipt = Receipt::parse(made["receipt"].as_str().unwrap()).unwrap();
    let found = case::read(&stage.session().await, &receipt).await.unwrap();
    assert_eq!(made["reference"], found.view.reference);

    // The report arrives; the identity does not, nor is it in any file of any role.
    let key = std::fs::read_to_string(stage.folder().join("desk/api.key")).unwrap();
    let list = format!("http://127.0.0.1:{}/open311/v2/requests.json?api_key={}", stage.ports.desk, key.trim());
    let arrived = || async {
        let listed = http.get(&list).await.unwrap().text().unwrap();
        listed.contains("Reported by an app.") && listed.contains("through an app's server")
    };
    stage.until("the report is at the desk", arrived).await;
    for file in files(stage.folder()) {
        let content = std::fs::read(&file).unwrap_or_default();
        assert!(!content.windows(CANARY.len()).any(|w| w == CANARY.as_bytes()), "{}", file.display());
    }
}
