//! Nobody is handed a key of her own, by the real roles and the real commands: the issuer tries it, the log refuses what it
//! must, and whoever watches is told.

mod stage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use stage::Stage;
use tabir::api::gateway::{Keys, Services};
use tabir::clock::{Clock, Random};
use tabir::config::keys::{IDENTITY, read_seed, read_signing_key, write_private};
use tabir::http::{Client, HttpError, call, server};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::json;
use tabir_crypto::log::{Checkpoint, Cosigner, NoteSigner, SignedCheckpoint, TreeHead, VerifierKey};
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, KeyRetired, Role};
use tabir_crypto::statement::value::{Bytes, CodeText, Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::token::{IssuerKey, TokenRequest};
use tabir_crypto::trust::root::LogName;

/// Exit code, standard output, standard error.
fn said(args: &[&str]) -> (i32, String, String) {
    said_in(Path::new("/"), args)
}

/// The same in a home folder, where a command would leave traces.
fn said_in(home: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tabir"));
    for name in ["TABIR_SERVER", "TABIR_TRUST", "TABIR_STATE"] {
        command.env_remove(name);
    }
    let output = command.args(args).current_dir(home).env("HOME", home).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Gateway and issuer of an operator who picks out one user, by her voucher: she gets tokens by another key, and is shown it.
struct Operator {
    client: Client,
    gateway: String,
    issuer: String,
    own: String,
    victim: String,
    key: Mutex<IssuerKey>,
    /// Token requests that were signed with the other key.
    signed: Mutex<usize>,
}

impl Operator {
    async fn start(stage: &Stage, victim: &str) -> (Arc<Self>, tokio::sync::watch::Sender<bool>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, peers) = (Client::new(Clock::system()), stage.ports.peers());
        let operator = Arc::new(Self {
            client,
            gateway: peers.gateway,
            issuer: peers.issuer,
            own: format!("http://{}", listener.local_addr().unwrap()),
            victim: victim.to_owned(),
            key: Mutex::new(IssuerKey::generate(&mut Random).unwrap()),
            signed: Mutex::new(0),
        });
        let routes = Router::new()
            .route("/v1/services", get(services))
            .route("/v1/keys", get(keys))
            .route("/token-request", post(token_request))
            .route("/v1/reports", post(pass))
            .with_state(Arc::clone(&operator));
        let (stop, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(server::serve(listener, routes, stopped));
        (operator, stop)
    }

    async fn forward(&self, base: &str, method: Method, path: &str, headers: &HeaderMap, body: Vec<u8>) -> Response {
        let kept = ["content-type", "accept", "authorization", "tabir-attestation"];
        let kept = kept.iter().filter_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?))).collect::<Vec<_>>();
        match self.client.send(method, &format!("{base}{path}"), &kept, body).await {
            Ok(answer) => {
                let kind = [(header::CONTENT_TYPE, answer.headers[header::CONTENT_TYPE].clone())];
                (StatusCode::from_u16(answer.status).unwrap(), kind, answer.body).into_response()
            }
            Err(HttpError::Problem { status, .. }) => StatusCode::from_u16(status).unwrap().into_response(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Signs what was blinded for the other key.
    fn sign(&self, request: &[u8]) -> Vec<u8> {
        let mut request = TokenRequest::decode(request).unwrap();
        let mut key = self.key.lock().unwrap();
        loop {
            request.truncated_key_id = key.public().id()[31];
            // A modulus that is smaller than what was blinded takes another try.
            match key.blind_sign(&mut Random, &request) {
                Ok(response) => return response.0.to_vec(),
                Err(_) => *key = IssuerKey::generate(&mut Random).unwrap(),
            }
        }
    }
}

type Shared = State<Arc<Operator>>;

async fn services(State(o): Shared) -> Vec<u8> {
    let services: Services = o.client.get_json(&format!("{}/v1/services", o.gateway)).await.unwrap();
    json::to_vec(&Services { issuer: o.own.clone(), ..services }).unwrap()
}

async fn keys(State(o): Shared) -> Vec<u8> {
    let mut keys: Keys = o.client.get_json(&format!("{}/v1/keys", o.gateway)).await.unwrap();
    let token = keys.keys.iter_mut().find(|k| k.kind == KeyKind::Token).unwrap();
    token.key = Bytes(o.key.lock().unwrap().public().spki().to_vec());
    json::to_vec(&keys).unwrap()
}

async fn token_request(State(o): Shared, headers: HeaderMap, body: Body) -> Response {
    if !headers["tabir-attestation"].to_str().unwrap().contains(&o.victim) {
        return o.forward(&o.issuer, Method::POST, "/token-request", &headers, body.to_vec()).await;
    }
    *o.signed.lock().unwrap() += 1;
    ([("content-type", "application/private-token-response")], o.sign(&body)).into_response()
}

async fn pass(State(o): Shared, method: Method, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    o.forward(&o.gateway, method, uri.path(), &headers, body.to_vec()).await
}

/// Scenario 25. The operator knows who asks for a token; if he could sign hers alone with another key, every report that
/// she pays with it would be hers.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_with_a_key_of_its_own_for_one_user_is_caught_by_her_client() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let vouchers = stage.vouchers(2).await;
    let (operator, _stop) = Operator::start(&stage, &vouchers[0]).await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("text"), "A street light is dark.").unwrap();
    let trust = stage.folder().join("trust.json").to_str().unwrap().to_owned();
    let category = stage.session().await.services.categories[0].code.as_str().to_owned();
    let report = |voucher: &str, name: &str| {
        write_private(Path::new(&path(name)), voucher.as_bytes()).unwrap();
        let (text, voucher) = (path("text"), path(name));
        let common = ["report", "--server", &operator.own, "--trust", &trust, "--category", &category];
        said_in(dir.path(), &[&common[..], &["--text", &text, "--voucher", &voucher, "--json"]].concat())
    };
    let (exit, out, err) = report(&vouchers[1], "other");
    assert_eq!(exit, 0, "{err}");
    assert!(out.contains("reference"));

    let (exit, out, err) = report(&vouchers[0], "hers");
    assert!(exit == 1 && out.is_empty() && err.contains("blind-signature"), "{err}");
    assert_eq!(*operator.signed.lock().unwrap(), 1, "nothing is asked for twice");

    // Her device keeps nothing that she did not ask for.
    let mut left: Vec<_> = files(dir.path()).iter().map(|f| f.file_name().unwrap().to_owned()).collect();
    left.sort();
    assert_eq!(left, ["hers", "other", "text"]);

    // Who asks the gateway what the keys are is shown hers, and sees that the log has another.
    let history = |server: &str| said(&["keys", "history", "--server", server, "--trust", &trust]);
    let (exit, _, err) = history(&operator.own);
    assert!(exit == 3 && err.contains("keys: token: context"), "{err}");
    assert_eq!(history(&stage.gateway()).0, 0);

    // And the log takes no second key for an epoch, nor one of the warden's that the auditors did not sign.
    let session = stage.session().await;
    let token = session.view.state.active_key(&session.trust, KeyKind::Token, session.now()).unwrap().body.clone();
    let spki = Bytes(operator.key.lock().unwrap().public().spki().to_vec());
    let second = KeyAnnounced { key: spki, ..token };
    assert_eq!(refused(&stage, Role::Issuer, Verb::KeyAnnounced, &second).await, "key-conflict");
    let warden = session.view.state.active_key(&session.trust, KeyKind::Warden, session.now()).unwrap().body.clone();
    let mine = KeyAnnounced { epoch: warden.epoch + 1000, ..warden };
    assert_eq!(refused(&stage, Role::Warden, Verb::KeyAnnounced, &mine).await, "insufficient-signatures");
}

fn identity(stage: &Stage, role: Role) -> SigningKey {
    read_signing_key(&stage.folder().join(role.as_str()).join(IDENTITY)).unwrap()
}

/// Signed by a role and sent to the governance log.
async fn log(stage: &Stage, by: Role, verb: Verb, body: &impl serde::Serialize) -> Result<u64, HttpError> {
    let key = identity(stage, by);
    let (path, body) = ("/internal/log/governance/entries", Statement::signed(verb, body, &key).unwrap().to_bytes());
    let header = call::sign(&key, Role::Log, "POST", path, &body, &Clock::system()).unwrap();
    let headers = [(call::HEADER, header.as_str()), ("content-type", "application/json")];
    let url = format!("{}{path}", stage.ports.peers().log_internal);
    let answer: Value = stage.client.send(Method::POST, &url, &headers, body).await?.json()?;
    Ok(answer["index"].as_u64().unwrap())
}

async fn refused(stage: &Stage, by: Role, verb: Verb, body: &impl serde::Serialize) -> String {
    log(stage, by, verb, body).await.unwrap_err().code().unwrap().to_owned()
}

/// Logged, and witnessed.
async fn logged(stage: &Stage, by: Role, verb: Verb, body: &impl serde::Serialize) {
    let index = log(stage, by, verb, body).await.unwrap();
    stage.until("the entry is witnessed", || async { stage.session().await.view.head.size > index }).await;
}

/// A checkpoint that log and witness of this installation sign for somebody.
fn signed_checkpoint(stage: &Stage, head: TreeHead) -> Vec<u8> {
    let log = stage.trust.log(LogName::Governance);
    let seed = read_seed(&stage.folder().join("log/governance.key")).unwrap();
    let signer = NoteSigner::from_seed(log.origin.as_str(), &seed).unwrap();
    let checkpoint = Checkpoint { origin: log.origin.as_str().into(), head };
    let mut signed = SignedCheckpoint::sign(checkpoint, &signer).unwrap();
    let name = VerifierKey::parse(stage.trust.root().witnesses[0].as_str()).unwrap().name().to_owned();
    let seed = read_seed(&stage.folder().join("warden/witness.key")).unwrap();
    signed.add(Cosigner::from_seed(&name, &seed).unwrap().cosign(&signed, Clock::system().now()));
    signed.to_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_the_keys_is_told_of_each_thing_once_and_of_a_log_that_shrank_or_forked() {
    let stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let dir = tempfile::tempdir().unwrap();
    let (server, state) = (stage.gateway(), dir.path().join("state"));
    let trust = stage.folder().join("trust.json").to_str().unwrap().to_owned();
    let watch = || {
        let from = ["keys", "watch", "--server", &server, "--trust", &trust];
        said(&[&from[..], &["--state", state.to_str().unwrap(), "--once", "--json"]].concat())
    };
    let (exit, out, err) = watch();
    assert!(exit == 0 && out.is_empty() && err.contains("The first look"), "{out}{err}");
    assert_eq!(watch(), (0, String::new(), String::new()));

    let now = Clock::system().now();
    let (v, at, kind) = (V1, Hour::of(now), KeyKind::Token);
    let (not_before, not_after) = (Second(now + 1_000_000), Second(now + 2_000_000));
    let key = Bytes(IssuerKey::generate(&mut Random).unwrap().public().spki().to_vec());
    let key = KeyAnnounced { v, at, role: Role::Issuer, kind, epoch: 900_000, key, not_before, not_after };
    logged(&stage, Role::Issuer, Verb::KeyAnnounced, &key).await;
    let (exit, out, err) = watch();
    assert_eq!(exit, 3, "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["event"], &told["item"]["epoch"]), (&"announced".into(), &900_000.into()));
    assert_eq!(
        (&told["item"]["standing"], told["item"]["active_from"].as_str()),
        (&"waiting".into(), Some(not_before.to_string().as_str()))
    );
    assert_eq!(watch().0, 0, "once");

    let retired = KeyRetired { v, at, key_id: Hex(key.key_id()), reason: CodeText::new("test").unwrap() };
    logged(&stage, Role::Issuer, Verb::KeyRetired, &retired).await;
    let (exit, out, _) = watch();
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &told["event"], &told["item"]["standing"]), (3, &"retired".into(), &"retired".into()));
    assert_eq!(watch().0, 0, "once");

    history_is_the_same_by_server_and_by_copy(&stage, dir.path(), &trust);

    let remembered = state.join("governance/checkpoint");
    let true_one = std::fs::read(&remembered).unwrap();
    let head = stage.session().await.view.head;
    for (lie, code) in [
        (TreeHead { size: head.size + 7, root: [7; 32] }, "shrunk"),
        (TreeHead { size: head.size, root: [7; 32] }, "consistency"),
        (TreeHead { size: head.size - 1, root: [7; 32] }, "consistency"),
    ] {
        let theirs = signed_checkpoint(&stage, lie);
        std::fs::write(&remembered, &theirs).unwrap();
        let (exit, out, err) = watch();
        let alarm: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((exit, &alarm["event"], &alarm["code"]), (3, &"alarm".into(), &code.into()), "{err}");
        assert_eq!(watch().0, 3, "as long as it is so");
        let evidence = state.join("governance/evidence");
        let kept: Vec<_> = files(&evidence).iter().map(|f| std::fs::read(f).unwrap()).collect();
        assert!(kept.len() == 2 && kept.contains(&theirs), "both checkpoints: {code}");
        std::fs::remove_dir_all(evidence).unwrap();
    }
    std::fs::write(&remembered, true_one).unwrap();
    assert_eq!(watch().0, 0);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

fn history_is_the_same_by_server_and_by_copy(stage: &Stage, dir: &Path, trust: &str) {
    let (server, copy) = (stage.gateway(), dir.join("copy").to_str().unwrap().to_owned());
    let (exit, _, err) = said(&["audit", "fetch", "--server", &server, "--trust", trust, &copy]);
    assert_eq!(exit, 0, "{err}");
    let history = |from: [&str; 2]| -> Value {
        let (exit, out, err) = said(&["keys", "history", from[0], from[1], "--trust", trust, "--json"]);
        assert_eq!(exit, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let (by_server, by_copy) = (history(["--server", &server]), history(["--copy", &copy]));
    assert_eq!((&by_server["gateway"], &by_copy["gateway"]), (&"ok".into(), &Value::Null));
    assert_eq!(by_server["items"], by_copy["items"]);
    let items = by_server["items"].as_array().unwrap();
    let current = |what: &str| items.iter().filter(|i| i["what"] == what && i["standing"] == "current").count();
    for what in ["token", "intake", "warden", "council", "trust_root"] {
        assert_eq!(current(what), 1, "{what}");
    }
}
