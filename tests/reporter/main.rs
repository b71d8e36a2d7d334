//! What a reporter sees of her identity: before it is sealed, and of every attempt to open it. Scenarios 9 and 20.

mod consent;
mod folder;
mod hidden;
#[path = "../../crypto/tests/common/world.rs"]
mod log;
mod old_head;
mod openings;
mod proves;
mod states;
mod warned;
#[allow(dead_code)] // the opening's own tests use the rest
#[path = "../unseal/world.rs"]
mod world;

use std::path::PathBuf;

use serde_json::Value;
use tabir::client::report::{Draft, seal, send};
use tabir::client::tokens::{self, Attestation};
use tabir::config::keys::write_private;
use tabir_crypto::content::{IdentityRecord, Location, Precision};
use tabir_crypto::statement::value::CodeText;

use world::{World, person};

/// A case whose receipt its reporter kept in a file.
struct Case {
    reference: String,
    receipt: PathBuf,
}

impl Case {
    async fn of(world: &World, name: &str) -> Self {
        let session = world.session().await;
        let token = tokens::fetch(&session, &Attestation::Puzzle).await.unwrap();
        let sealed = seal(&session, &draft(&session, Some(person(name)))).unwrap();
        let reference = send(&session, &sealed, &token).await.unwrap().reference;
        let receipt = world.dir.path().join(format!("receipt-{name}"));
        write_private(&receipt, sealed.receipt.text().expose().as_bytes()).unwrap();
        Self { reference, receipt }
    }
}

fn draft(session: &tabir::client::Session, identity: Option<IdentityRecord>) -> Draft {
    Draft {
        category: session.services.categories[0].code.clone(),
        text: "A report.".into(),
        language: CodeText::new("en").unwrap(),
        location: Location::new(Precision::None, None, String::new()).unwrap(),
        attributes: std::collections::BTreeMap::new(),
        release: session.services.categories[0].release,
        identity,
    }
}

/// What a command of `tabir` answered: exit code, standard output, standard error.
async fn tabir(world: &World, args: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(args).arg("--trust").arg(world.dir.path().join("trust.json"));
    // A language of its own, whatever the machine's is.
    command.env("LC_ALL", "C").env_remove("TABIR_SERVER").stdin(std::process::Stdio::null());
    let out = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

/// `tabir follow` of a case, from the gateway's address or another.
async fn follow(world: &World, case: &Case, more: &[&str]) -> (i32, String, String) {
    let receipt = case.receipt.display().to_string();
    let gateway = world.ports.peers().gateway;
    let from = if more.contains(&"--server") || more.contains(&"--log") { vec![] } else { vec!["--server", &gateway] };
    tabir(world, &[&["follow", "--receipt", &receipt], from.as_slice(), more].concat()).await
}

/// The same as JSON.
async fn followed(world: &World, case: &Case, more: &[&str]) -> Value {
    let (code, out, err) = follow(world, case, &[&["--json"], more].concat()).await;
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}
