//! Logins of an existing app, whose key set is served over real HTTP, rotated and withheld.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData as _};
use serde_json::{Value, json};
use tabir::config::account::{Account, Algorithm};
use tabir_crypto::codec::{b64url, unb64url};

use super::batch::batch;
use super::*;

const ISSUER: &str = "https://app.example";
const AUDIENCE: &str = "tabir";

/// What the app's server does.
enum Serves {
    Keys(Vec<Value>),
    Text(String),
    Redirect(String),
    Down,
}

struct App {
    serves: Mutex<Serves>,
    fetched: AtomicUsize,
    base: Mutex<String>,
}

async fn jwks(State(app): State<Arc<App>>) -> Response {
    app.fetched.fetch_add(1, Ordering::SeqCst);
    match &*app.serves.lock().unwrap() {
        Serves::Keys(keys) => json!({ "keys": keys }).to_string().into_response(),
        Serves::Text(text) => text.clone().into_response(),
        Serves::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response(),
        Serves::Down => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl App {
    async fn start(keys: &[&Key]) -> (Arc<Self>, watch::Sender<bool>) {
        let app = Arc::new(Self {
            serves: Mutex::new(Serves::Down),
            fetched: AtomicUsize::new(0),
            base: Mutex::new(String::new()),
        });
        app.serve(keys);
        let routes = Router::new().route("/jwks", get(jwks)).with_state(Arc::clone(&app));
        let (base, stop) = common::serve(routes).await;
        *app.base.lock().unwrap() = base;
        (app, stop)
    }

    fn serve(&self, keys: &[&Key]) {
        self.does(Serves::Keys(keys.iter().map(|k| k.jwk.clone()).collect()));
    }

    fn does(&self, serves: Serves) {
        *self.serves.lock().unwrap() = serves;
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }

    fn config(&self, batches_per_epoch: u32) -> Account {
        Account {
            jwks_url: format!("{}/jwks", self.base.lock().unwrap()),
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            algorithms: vec![Algorithm::ES256, Algorithm::EdDSA],
            batches_per_epoch,
        }
    }
}

/// A signing key of the app.
struct Key {
    kid: &'static str,
    pair: KeyPair,
    jwk: Value,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let raw = pair.public_key_raw();
        let (x, y) = (b64url(&raw[1..33]), b64url(&raw[33..65]));
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": x, "y": y });
        Self { kid, pair, jwk }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.into()), ..Header::new(Alg::ES256) };
        jwt(&header, claims, &EncodingKey::from_ec_der(&self.pair.serialize_der()))
    }
}

fn jwt(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    format!("account {}", encode(header, claims, key).unwrap())
}

fn claims(sub: &str) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": sub, "exp": START + 600, "nbf": START - 5 })
}

fn with(field: &str, value: Value) -> Value {
    let mut claims = claims("siti");
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(field)),
        value => claims[field] = value,
    }
    claims
}

struct Stage {
    issuer: Issuer,
    app: Arc<App>,
    key: TokenKey,
    dir: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Stage {
    async fn start(keys: &[&Key], quota: u32) -> Self {
        let (app, stop) = App::start(keys).await;
        let dir = tempfile::tempdir().unwrap();
        let issuer = Issuer::start_by(dir.path(), START, terms(None, 1_000), Some(&app.config(quota))).await;
        let key = issuer.key().await;
        Self { issuer, app, key, dir, _stop: stop }
    }

    /// A fresh batch for this login.
    async fn buy(&self, login: &str) -> Result<(), (u16, String)> {
        let (body, pending) = batch(&self.key, 2);
        match self.issuer.ask_batch(login, &body).await {
            Ok(answer) => {
                assert!(pending.finalize(&answer).is_ok());
                Ok(())
            }
            Err(error) => Err((error.status().unwrap(), error.code().unwrap().to_owned())),
        }
    }
}

fn invalid() -> Result<(), (u16, String)> {
    Err(unauthorized("attestation-invalid"))
}

#[tokio::test]
async fn an_account_buys_its_batches_of_an_epoch_and_the_same_again() {
    let key = Key::new("2026-11");
    let stage = Stage::start(&[&key], 2).await;
    let (siti, budi) = (key.sign(&claims("siti")), key.sign(&claims("budi")));
    let (body, _) = batch(&stage.key, 8);
    let answer = stage.issuer.ask_batch(&siti, &body).await.unwrap();
    // A lost answer is asked for again, by another login of the same account too, and takes nothing of the quota.
    let again = key.sign(&json!({ "iss": ISSUER, "aud": ["other", AUDIENCE], "sub": "siti", "exp": START + 900 }));
    for login in [&siti, &again] {
        assert_eq!(stage.issuer.ask_batch(login, &body).await.unwrap(), answer);
    }
    stage.buy(&again).await.unwrap();
    assert_eq!(stage.buy(&siti).await, Err(unauthorized("attestation-spent")));
    assert_eq!(stage.issuer.ask_batch(&siti, &body).await.unwrap(), answer);
    stage.buy(&budi).await.unwrap();

    // A new epoch, a new quota.
    stage.issuer.clock.set(701 * EPOCH);
    stage.issuer.service.maintain().await.unwrap();
    let (next, _) = batch(&stage.issuer.key().await, 8);
    let login = key.sign(&with("exp", json!(701 * EPOCH + 60)));
    stage.issuer.ask_batch(&login, &next).await.unwrap();
    assert_eq!(stage.app.fetched(), 2, "once, and once more when the keys were old");
}

#[tokio::test]
async fn refuses_logins_for_others_of_others_and_out_of_their_time() {
    let key = Key::new("2026-11");
    let stage = Stage::start(&[&key], 16).await;
    for (what, claims) in [
        ("another issuer", with("iss", json!("https://other.example"))),
        ("no issuer", with("iss", Value::Null)),
        ("an issuer that is no text", with("iss", json!(7))),
        ("a list of issuers", with("iss", json!([ISSUER]))),
        ("another audience", with("aud", json!("app"))),
        ("other audiences", with("aud", json!(["app", "tabir2"]))),
        ("no audience", with("aud", Value::Null)),
        ("no end", with("exp", Value::Null)),
        ("an end that is no number", with("exp", json!("tomorrow"))),
        ("over", with("exp", json!(START - 60))),
        ("not yet", with("nbf", json!(START + 61))),
        ("no account", with("sub", Value::Null)),
        ("an empty account", with("sub", json!(""))),
        ("an account that is no text", with("sub", json!(["siti"]))),
        ("a long account", with("sub", json!("x".repeat(256)))),
    ] {
        assert_eq!(stage.buy(&key.sign(&claims)).await, invalid(), "{what}");
    }
    // Clocks differ by a minute.
    for claims in [with("exp", json!(START - 59)), with("nbf", json!(START + 60)), with("nbf", Value::Null)] {
        stage.buy(&key.sign(&claims)).await.unwrap();
    }
    let long = with("padding", json!("x".repeat(5_000)));
    assert_eq!(stage.buy(&key.sign(&long)).await, invalid());
    for garbage in ["account a.b", "account a.b.c", "account ..", "account eyJhbGciOiJFUzI1NiJ9.e30."] {
        assert_eq!(stage.buy(garbage).await, invalid(), "{garbage}");
    }
}

/// The public key is public: a library that takes it for an HMAC's secret lets everybody in.
#[tokio::test]
async fn refuses_no_signature_hmac_and_algorithms_that_are_not_listed() {
    let key = Key::new("2026-11");
    let ed = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let ed_jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64url(ed.public_key_raw()) });
    let secret = b64url(&[7; 32]);
    let oct = json!({ "kty": "oct", "kid": "oct", "alg": "HS256", "k": secret });
    let stage = Stage::start(&[&key], 16).await;
    stage.app.does(Serves::Keys(vec![key.jwk.clone(), oct, ed_jwk]));

    let sound = key.sign(&claims("siti"));
    let [_, payload, signature] = sound.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    for alg in ["none", "None", "HS256", "ES384", "ES512", "RS256"] {
        let header = b64url(json!({ "alg": alg, "kid": key.kid, "typ": "JWT" }).to_string().as_bytes());
        for signature in ["", signature] {
            assert_eq!(stage.buy(&format!("account {header}.{payload}.{signature}")).await, invalid(), "{alg}");
        }
    }
    let raw = key.pair.public_key_raw().to_vec();
    let (x, pem) = (unb64url(key.jwk["x"].as_str().unwrap()).unwrap(), key.pair.public_key_pem().into_bytes());
    for secret in [raw, x, pem, key.jwk.to_string().into_bytes(), key.pair.subject_public_key_info()] {
        let header = Header { kid: Some(key.kid.into()), ..Header::new(Alg::HS256) };
        assert_eq!(stage.buy(&jwt(&header, &claims("siti"), &EncodingKey::from_secret(&secret))).await, invalid());
    }
    let hmac = Header { kid: Some("oct".into()), ..Header::new(Alg::HS256) };
    assert_eq!(stage.buy(&jwt(&hmac, &claims("siti"), &EncodingKey::from_secret(&[7; 32]))).await, invalid());
    // A listed one, by a key of its kind; and not by a key of another kind, whatever its id.
    let ed_key = EncodingKey::from_ed_der(&ed.serialize_der());
    let by = |kid: &str| jwt(&Header { kid: Some(kid.into()), ..Header::new(Alg::EdDSA) }, &claims("siti"), &ed_key);
    stage.buy(&by("ed")).await.unwrap();
    assert_eq!(stage.buy(&by(key.kid)).await, invalid());
    stage.buy(&sound).await.unwrap();
}

#[tokio::test]
async fn refuses_keys_that_the_app_does_not_have_or_has_for_something_else() {
    let (key, foreign, sealing) = (Key::new("2026-11"), Key::new("2026-11"), Key::new("seal"));
    let stage = Stage::start(&[&key], 16).await;
    let mut for_sealing = sealing.jwk.clone();
    for_sealing["use"] = json!("enc");
    let mut other_algorithm = foreign.jwk.clone();
    (other_algorithm["kid"], other_algorithm["alg"]) = (json!("other"), json!("ES384"));
    stage.app.does(Serves::Keys(vec![key.jwk.clone(), for_sealing, other_algorithm]));
    assert_eq!(stage.buy(&foreign.sign(&claims("siti"))).await, invalid(), "signed by somebody else");
    assert_eq!(stage.buy(&sealing.sign(&claims("siti"))).await, invalid(), "a key for sealing");
    let other = Key { kid: "other", pair: foreign.pair, jwk: Value::Null };
    assert_eq!(stage.buy(&other.sign(&claims("siti"))).await, invalid(), "a key for another algorithm");
    let header = Header::new(Alg::ES256);
    let nameless = jwt(&header, &claims("siti"), &EncodingKey::from_ec_der(&key.pair.serialize_der()));
    assert_eq!(stage.buy(&nameless).await, invalid(), "no key id");
    stage.buy(&key.sign(&claims("siti"))).await.unwrap();
}

#[tokio::test]
async fn follows_rotated_keys_and_is_not_made_to_knock_at_the_apps_door() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let stage = Stage::start(&[&old], 16).await;
    let clock = &stage.issuer.clock;
    stage.buy(&old.sign(&claims("siti"))).await.unwrap();
    assert_eq!(stage.app.fetched(), 1);

    // The app signs with a new key: it is looked for at most once a minute, however many ask.
    stage.app.serve(&[&old, &new]);
    for _ in 0..50 {
        assert_eq!(stage.buy(&new.sign(&claims("siti"))).await, invalid());
    }
    assert_eq!(stage.app.fetched(), 1);
    clock.set(START + 60);
    stage.buy(&new.sign(&claims("siti"))).await.unwrap();
    assert_eq!(stage.app.fetched(), 2);
    for kid in ["a", "b", "c"] {
        let made_up = Key { kid, pair: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(), jwk: Value::Null };
        assert_eq!(stage.buy(&made_up.sign(&claims("siti"))).await, invalid());
    }
    assert_eq!(stage.app.fetched(), 2);

    // The old one is withdrawn: it is good until the set is fetched again, ten minutes later.
    stage.app.serve(&[&new]);
    clock.set(START + 60 + 599);
    let late = with("exp", json!(START + 9_000));
    stage.buy(&old.sign(&late)).await.unwrap();
    clock.set(START + 60 + 600);
    assert_eq!(stage.buy(&old.sign(&late)).await, invalid());
    stage.buy(&new.sign(&late)).await.unwrap();
}

#[tokio::test]
async fn a_silent_or_lying_app_is_followed_nowhere_and_its_keys_end_after_an_hour() {
    let key = Key::new("2026-11");
    let stage = Stage::start(&[&key], 16).await;
    let elsewhere = App::start(&[&key]).await;
    let base = elsewhere.0.base.lock().unwrap().clone();
    let clock = &stage.issuer.clock;
    let login = key.sign(&with("exp", json!(START + 90_000)));

    // Before there are any keys, nobody is vouched for.
    for does in [
        Serves::Redirect(format!("{base}/jwks")),
        Serves::Text("{\"keys\":[".to_owned()),
        Serves::Text(format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(70_000))),
        Serves::Keys(vec![key.jwk.clone(); 33]),
        Serves::Down,
    ] {
        stage.app.does(does);
        clock.set(clock.now() + 60);
        assert_eq!(stage.buy(&login).await, Err((503, "no-account-keys".into())));
    }
    assert_eq!(elsewhere.0.fetched(), 0, "a redirect was followed");

    stage.app.serve(&[&key]);
    clock.set(clock.now() + 60);
    stage.buy(&login).await.unwrap();
    let fetched = clock.now();
    stage.app.does(Serves::Down);
    clock.set(fetched + 3_599);
    stage.buy(&login).await.unwrap();
    clock.set(fetched + 3_600);
    assert_eq!(stage.buy(&login).await, Err((503, "no-account-keys".into())));
}

/// Scenario 23. What a thief of the store has of an account is a pseudonym, and after the epoch not even that.
#[tokio::test]
async fn the_store_knows_an_account_by_a_pseudonym_that_dies_with_the_epoch() {
    let key = Key::new("2026-11");
    let stage = Stage::start(&[&key], 1).await;
    let subject = "siti.contoh@kota.example";
    let (body, _) = batch(&stage.key, 8);
    let login = key.sign(&claims(subject));
    stage.issuer.ask_batch(&login, &body).await.unwrap();
    let (dir, hash) = (stage.dir.path(), tabir_crypto::codec::sha256(&body));
    assert!(found(dir, &hash), "the search itself must be able to find something");
    let sha = |text: &str| tabir_crypto::codec::sha256(text.as_bytes()).to_vec();
    let never =
        [subject.as_bytes().to_vec(), b64url(subject.as_bytes()).into_bytes(), sha(subject), login.into_bytes()];
    for never in &never {
        assert!(!found(dir, never));
    }
    // The key that makes the pseudonym, and the pseudonym, as a thief finds them now.
    let file = dir.join("store.sqlite");
    stage.issuer.store.db().checkpoint().await.unwrap();
    let values = tabir::db::dump::every_value(&file).await.unwrap();
    let thief = values.iter().filter(|v| v.len() == 32).find_map(|seed| {
        let seed = Secret::new(<[u8; 32]>::try_from(&seed[..]).unwrap());
        let pseudonym = tabir_crypto::token::account::pseudonym(&seed, ISSUER, subject).unwrap();
        values.iter().any(|v| **v == pseudonym).then_some((seed, pseudonym))
    });
    let (seed, pseudonym) = thief.expect("within the epoch, who has the store can test a name");

    stage.issuer.clock.set(701 * EPOCH);
    stage.issuer.service.maintain().await.unwrap();
    for gone in [seed.expose(), &pseudonym, &hash] {
        assert!(!found(dir, gone), "neither in the file nor in its write-ahead log");
    }
}

#[tokio::test]
async fn without_an_app_logins_buy_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let login = Key::new("2026-11").sign(&claims("siti"));
    let (body, _) = batch(&issuer.key().await, 1);
    assert_eq!(refused(issuer.ask_batch(&login, &body).await), unauthorized("attestation-invalid"));
}
