//! The issuer over real HTTP: one attestation buys one signature, whatever is lost, repeated or raced.

mod account;
mod batch;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/folder.rs"]
mod folder;
mod restored;
mod vouchers;

use std::path::Path;
use std::sync::Arc;

use axum::http::Method;
use tabir::clock::{Clock, Random};
use tabir::config;
use tabir::db::outbox;
use tabir::http::openapi::with_document;
use tabir::http::{Answer, Client, HttpError, server};
use tabir::issuer::attester_account::Accounts;
use tabir::issuer::attester_voucher::VoucherCode;
use tabir::issuer::routes;
use tabir::issuer::service::{Service, Terms};
use tabir::issuer::store::Store;
use tabir_crypto::Secret;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::{KeyKind, Role};
use tabir_crypto::statement::{Body, Statement};
use tabir_crypto::token::directory::Directory;
use tabir_crypto::token::puzzle::{Challenge, Offer, Solution};
use tabir_crypto::token::wire::{DIRECTORY_PATH, DIRECTORY_TYPE, REQUEST_TYPE, RESPONSE_TYPE};
use tabir_crypto::token::{PendingToken, TokenChallenge, TokenKey, TokenResponse, blind, verify};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const EPOCH: u64 = 30 * 86_400;
const OVERLAP: u64 = 7 * 86_400;
/// Day 10 of an epoch.
const START: u64 = 700 * EPOCH + 10 * 86_400;

struct Issuer {
    service: Arc<Service>,
    store: Store,
    clock: Clock,
    client: Client,
    url: String,
    _running: watch::Sender<bool>,
}

fn terms(pow_bits: Option<u8>, signatures_per_s: u32) -> Terms {
    Terms { epoch_s: EPOCH, overlap_s: OVERLAP, pow_bits, signatures_per_s }
}

fn identity() -> SigningKey {
    SigningKey::from_seed(&Secret::new([3; 32]))
}

impl Issuer {
    async fn start(dir: &Path) -> Self {
        Self::start_with(dir, START, Some(2)).await
    }

    async fn start_with(dir: &Path, now: u64, pow_bits: Option<u8>) -> Self {
        Self::start_by(dir, now, terms(pow_bits, 1_000), None).await
    }

    /// One that signs so many a second for each kind of attestation.
    async fn start_limited(dir: &Path, signatures_per_s: u32) -> Self {
        Self::start_by(dir, START, terms(Some(2), signatures_per_s), None).await
    }

    async fn start_by(dir: &Path, now: u64, terms: Terms, app: Option<&config::account::Account>) -> Self {
        let store = Store::open(&dir.join("store.sqlite")).await.unwrap();
        let clock = Clock::manual(now);
        let accounts = app.map(|app| Accounts::new(app, Client::new(clock.clone()), clock.clone()));
        let service = Service::new(store.clone(), clock.clone(), identity(), terms, accounts).await.unwrap();
        let service = Arc::new(service);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (running, stop) = watch::channel(false);
        tokio::spawn(server::serve(listener, with_document(routes::public(Arc::clone(&service))), stop));
        Self { service, store, client: Client::new(clock.clone()), clock, url, _running: running }
    }

    async fn voucher(&self) -> String {
        let code = VoucherCode::random(&mut Random);
        self.store.add_vouchers(vec![code.hash()]).await.unwrap();
        format!("voucher {}", code.text())
    }

    async fn directory(&self) -> Directory {
        let answer = self.client.get(&format!("{}{DIRECTORY_PATH}", self.url)).await.unwrap();
        assert_eq!(answer.headers["content-type"], DIRECTORY_TYPE);
        answer.json().unwrap()
    }

    async fn key(&self) -> TokenKey {
        self.directory().await.token_keys[0].key().unwrap()
    }

    async fn post(&self, media_type: &str, attestation: Option<&str>, body: &[u8]) -> Result<Answer, HttpError> {
        let mut headers = vec![("content-type", media_type)];
        headers.extend(attestation.map(|a| ("tabir-attestation", a)));
        self.client.send(Method::POST, &format!("{}/token-request", self.url), &headers, body.to_vec()).await
    }

    async fn ask(&self, attestation: &str, body: &[u8]) -> Result<TokenResponse, HttpError> {
        let answer = self.post(REQUEST_TYPE, Some(attestation), body).await?;
        assert_eq!(answer.headers["content-type"], RESPONSE_TYPE);
        Ok(TokenResponse::decode(&answer.body).unwrap())
    }

    async fn offer(&self) -> Challenge {
        let offer: Offer = self.client.get_json(&format!("{}/v1/puzzle", self.url)).await.unwrap();
        offer.challenge().unwrap()
    }

    async fn announced(&self) -> Vec<tabir_crypto::statement::body::KeyAnnounced> {
        let waiting = outbox::waiting(self.store.db()).await.unwrap();
        let read = |statement: &[u8]| {
            let verified = Statement::parse(statement).unwrap().verify(&[identity().verifying_key()]).unwrap();
            match verified.body {
                Body::KeyAnnounced(body) => body,
                other => panic!("announced something else: {other:?}"),
            }
        };
        waiting.iter().map(|w| read(&w.statement)).collect()
    }
}

fn challenge() -> TokenChallenge {
    TokenChallenge::new("issuer.example", "gateway.example").unwrap()
}

fn request(key: &TokenKey) -> (Vec<u8>, PendingToken) {
    let (request, pending) = blind(&mut Random, key, &challenge()).unwrap();
    (request.encode(), pending)
}

fn solve(challenge: &Challenge) -> String {
    format!("pow {}", challenge.solve(0, 1 << 12).unwrap().expect("4,096 tries find two zero bits").to_text())
}

fn refused<T>(result: Result<T, HttpError>) -> (u16, String) {
    let error = result.err().expect("must be refused");
    (error.status().unwrap(), error.code().expect("a problem document").to_owned())
}

fn unauthorized(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

fn unprocessable(code: &str) -> (u16, String) {
    (422, code.to_owned())
}

#[tokio::test]
async fn a_voucher_buys_one_token() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (key, voucher) = (issuer.key().await, issuer.voucher().await);
    let (body, pending) = request(&key);
    let token = pending.finalize(&issuer.ask(&voucher, &body).await.unwrap()).unwrap();
    verify(&token, &challenge().digest(), &key).unwrap();

    let (other, _) = request(&key);
    let error = issuer.ask(&voucher, &other).await;
    if let Err(HttpError::Problem { headers, .. }) = &error {
        assert_eq!(headers["www-authenticate"], "Tabir-Attestation");
    }
    assert_eq!(refused(error), unauthorized("attestation-spent"));
}

#[tokio::test]
async fn a_retry_after_a_cut_answer_gets_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (key, voucher) = (issuer.key().await, issuer.voucher().await);
    let (body, pending) = request(&key);

    // The answer is made and never read.
    let mut cut = TcpStream::connect(issuer.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /token-request HTTP/1.1\r\nhost: x\r\ncontent-type: {REQUEST_TYPE}\r\ntabir-attestation: {voucher}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    cut.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    cut.readable().await.unwrap();
    drop(cut);

    let (other, _) = request(&key);
    assert_eq!(refused(issuer.ask(&voucher, &other).await), unauthorized("attestation-spent"));
    let first = issuer.ask(&voucher, &body).await.unwrap();
    let second = issuer.ask(&voucher, &body).await.unwrap();
    assert_eq!(first, second);
    pending.finalize(&first).unwrap();
}

#[tokio::test]
async fn fifty_requests_at_once_with_one_voucher_get_one_signature() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Arc::new(Issuer::start(dir.path()).await);
    let (key, voucher) = (issuer.key().await, issuer.voucher().await);
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (issuer, voucher, (body, _)) = (Arc::clone(&issuer), voucher.clone(), request(&key));
            tokio::spawn(async move { issuer.ask(&voucher, &body).await.map_err(|e| e.code().map(str::to_owned)) })
        })
        .collect();
    let mut granted = 0;
    for answer in asked {
        match answer.await.unwrap() {
            Ok(_) => granted += 1,
            Err(code) => assert_eq!(code.as_deref(), Some("attestation-spent")),
        }
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn refuses_other_media_types_sizes_token_types_and_keys_and_the_voucher_stays_good() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (key, voucher) = (issuer.key().await, issuer.voucher().await);
    let (body, pending) = request(&key);

    for media_type in ["application/octet-stream", "application/private-token-request; charset=utf-8", RESPONSE_TYPE] {
        let answer = issuer.post(media_type, Some(&voucher), &body).await;
        assert_eq!(refused(answer), (415, "media-type".into()), "{media_type}");
    }
    let changed = |at: usize, to: u8| {
        let mut changed = body.clone();
        changed[at] = to;
        changed
    };
    for (what, body, code) in [
        ("nothing", vec![], "size"),
        ("a byte less", body[..258].to_vec(), "size"),
        ("a byte more", [&body[..], &[0]].concat(), "trailing"),
        ("much more", vec![0; 100_000], "size"),
        ("base64", tabir_crypto::codec::b64(&body).into_bytes(), "size"),
        ("type 1", changed(1, 1), "token-type"),
        ("another key", changed(2, key.truncated_id() ^ 1), "token-key"),
        ("above the modulus", [&body[..3], &[0xff; 256]].concat(), "field"),
    ] {
        assert_eq!(refused(issuer.ask(&voucher, &body).await), unprocessable(code), "{what}");
    }
    pending.finalize(&issuer.ask(&voucher, &body).await.unwrap()).unwrap();
}

#[tokio::test]
async fn refuses_missing_unknown_and_malformed_attestations() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (body, _) = request(&issuer.key().await);
    let missing = issuer.post(REQUEST_TYPE, None, &body).await;
    assert_eq!(refused(missing), unauthorized("attestation-missing"));
    for (attestation, code) in [
        ("", "attestation-missing"),
        ("voucher", "attestation-missing"),
        ("account abc", "attestation-invalid"),
        ("other abc", "attestation-missing"),
        ("voucher 0000-0000-0000-0000", "attestation-invalid"),
        ("voucher 0000-0000-0000", "attestation-invalid"),
        ("pow not*base64", "attestation-invalid"),
        ("pow AQIA", "attestation-invalid"),
    ] {
        assert_eq!(refused(issuer.ask(attestation, &body).await), unauthorized(code), "{attestation}");
    }
}

#[tokio::test]
async fn a_solved_puzzle_buys_one_token_until_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let key = issuer.key().await;
    let (solution, late) = (solve(&issuer.offer().await), solve(&issuer.offer().await));
    let (body, pending) = request(&key);
    let answer = issuer.ask(&solution, &body).await.unwrap();
    pending.finalize(&answer).unwrap();
    assert_eq!(issuer.ask(&solution, &body).await.unwrap(), answer);
    let (other, _) = request(&key);
    assert_eq!(refused(issuer.ask(&solution, &other).await), unauthorized("attestation-spent"));

    issuer.clock.set(START + 1_800);
    assert_eq!(refused(issuer.ask(&late, &other).await), unauthorized("attestation-invalid"));
}

#[tokio::test]
async fn a_puzzle_stays_spent_until_the_epoch_is_over_and_is_forgotten_then() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let solution = solve(&issuer.offer().await);
    let (body, _) = request(&issuer.key().await);
    issuer.ask(&solution, &body).await.unwrap();
    issuer.clock.set(START + 1_700);
    issuer.service.maintain().await.unwrap();
    let (other, _) = request(&issuer.key().await);
    assert_eq!(refused(issuer.ask(&solution, &other).await), unauthorized("attestation-spent"));

    let stored = tabir_crypto::codec::sha256(issuer_challenge(&solution).as_bytes());
    issuer.clock.set(START + 86_400);
    issuer.service.maintain().await.unwrap();
    assert!(found(dir.path(), &stored));
    issuer.clock.set(701 * EPOCH);
    issuer.service.maintain().await.unwrap();
    assert!(!found(dir.path(), &stored));
}

/// The challenge within a solution's header.
fn issuer_challenge(solution: &str) -> Challenge {
    let bytes = tabir_crypto::codec::unb64url(solution.strip_prefix("pow ").unwrap()).unwrap();
    Challenge::decode(&bytes[..58]).unwrap()
}

#[tokio::test]
async fn refuses_a_puzzle_without_the_work_and_one_of_another_issuer() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let issuer = Issuer::start_with(one.path(), START, Some(8)).await;
    let (body, _) = request(&issuer.key().await);
    let challenge = issuer.offer().await;
    // Some counter below 64 does not solve it: that all do has a chance of 2^-512.
    let mut refusals = Vec::new();
    for counter in 0..64u64 {
        let solution = [&challenge.as_bytes()[..], &counter.to_be_bytes()].concat();
        let text = tabir_crypto::codec::b64url(&solution);
        assert!(Solution::parse(&text).is_ok());
        match issuer.ask(&format!("pow {text}"), &body).await {
            Err(error) => refusals.push(error.code().unwrap().to_owned()),
            Ok(_) => break,
        }
    }
    assert!(refusals.len() > 1 && refusals.iter().all(|code| code == "attestation-invalid"), "{refusals:?}");

    let other = Issuer::start_with(two.path(), START, Some(0)).await;
    let foreign = solve(&other.offer().await);
    assert_eq!(refused(issuer.ask(&foreign, &body).await), unauthorized("attestation-invalid"));
}

#[tokio::test]
async fn without_puzzles_there_are_none_and_old_ones_buy_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let solution = solve(&Issuer::start(dir.path()).await.offer().await);
    let issuer = Issuer::start_with(dir.path(), START, None).await;
    let (body, _) = request(&issuer.key().await);
    assert_eq!(refused(issuer.client.get(&format!("{}/v1/puzzle", issuer.url)).await), (404, "not-found".into()));
    assert_eq!(refused(issuer.ask(&solution, &body).await), unauthorized("attestation-invalid"));
}

#[tokio::test]
async fn a_restart_keeps_keys_spent_vouchers_and_puzzles() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (directory, voucher) = (issuer.directory().await, issuer.voucher().await);
    let key = directory.token_keys[0].key().unwrap();
    let (under_way, (body, _), (other, _)) = (solve(&issuer.offer().await), request(&key), request(&key));
    let answer = issuer.ask(&voucher, &body).await.unwrap();
    drop(issuer);

    let issuer = Issuer::start(dir.path()).await;
    assert_eq!(issuer.directory().await, directory);
    assert_eq!(issuer.ask(&voucher, &body).await.unwrap(), answer);
    assert_eq!(refused(issuer.ask(&voucher, &other).await), unauthorized("attestation-spent"));
    issuer.ask(&under_way, &other).await.unwrap();
    assert_eq!(issuer.announced().await.len(), 2, "a restart announces nothing again");
}

#[tokio::test]
async fn each_epoch_has_one_key_announced_ahead_and_only_the_current_one_signs() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let (old, voucher) = (issuer.key().await, issuer.voucher().await);
    let (body, pending) = request(&old);
    let answer = issuer.ask(&voucher, &body).await.unwrap();

    let announced = issuer.announced().await;
    let epochs: Vec<_> = announced.iter().map(|a| (a.epoch, a.not_before.0, a.not_after.0)).collect();
    assert_eq!(epochs, [(700, 700 * EPOCH, 701 * EPOCH), (701, 701 * EPOCH, 702 * EPOCH)]);
    assert!(announced.iter().all(|a| (a.role, a.kind) == (Role::Issuer, KeyKind::Token)));
    assert_eq!(announced[0].key.0, old.spki());
    let next = TokenKey::from_spki(&announced[1].key.0).unwrap();
    assert_ne!(next.truncated_id(), old.truncated_id());

    // The next key exists and signs nothing yet.
    let (early, _) = request(&next);
    let fresh = issuer.voucher().await;
    assert_eq!(refused(issuer.ask(&fresh, &early).await), unprocessable("token-key"));

    // Its epoch begins without anything being done, and the old key signs no longer, not even again.
    issuer.clock.set(701 * EPOCH);
    assert_eq!(refused(issuer.ask(&voucher, &body).await), unprocessable("token-key"));
    issuer.ask(&fresh, &early).await.unwrap();
    let listed: Vec<_> = issuer.directory().await.token_keys.iter().map(|k| k.key().unwrap()).collect();
    assert_eq!(listed, [next.clone(), old.clone()]);
    issuer.service.maintain().await.unwrap();
    issuer.service.maintain().await.unwrap();
    assert_eq!(issuer.announced().await.iter().map(|a| a.epoch).collect::<Vec<_>>(), [700, 701, 702]);
    assert_eq!(refused(issuer.ask(&voucher, &early).await), unauthorized("attestation-spent"));

    issuer.clock.set(701 * EPOCH + OVERLAP);
    assert_eq!(issuer.key().await, next);
    assert_eq!(issuer.directory().await.token_keys.len(), 1);
    // A token of the old key is as good as before: that is the origin's question.
    verify(&pending.finalize(&answer).unwrap(), &challenge().digest(), &old).unwrap();

    // A clock set back revives nothing: the private key is gone, and no second one takes its place.
    issuer.clock.set(START);
    issuer.service.maintain().await.unwrap();
    assert_eq!(refused(issuer.ask(&fresh, &body).await), (503, "no-token-key".into()));
    assert_eq!(issuer.announced().await.len(), 3);
}

#[tokio::test]
async fn the_store_holds_no_code_and_after_the_epoch_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let voucher = issuer.voucher().await;
    let unspent = issuer.voucher().await;
    let (body, _) = request(&issuer.key().await);
    issuer.ask(&voucher, &body).await.unwrap();

    for attestation in [&voucher, &unspent] {
        let code = attestation.strip_prefix("voucher ").unwrap();
        let parsed = VoucherCode::parse(code).unwrap();
        assert!(found(dir.path(), &parsed.hash()), "the search itself must be able to find something");
        let plain = code.replace('-', "");
        // The ten bytes themselves: five bits a letter.
        let letters = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let value = plain.bytes().fold(0u128, |v, c| v << 5 | letters.iter().position(|l| *l == c).unwrap() as u128);
        let raw = value.to_be_bytes()[6..].to_vec();
        for form in [code.to_owned(), plain.clone(), code.to_lowercase(), plain.to_lowercase(), hex::encode(&raw)] {
            assert!(!found(dir.path(), form.as_bytes()), "{form}");
        }
        assert!(!found(dir.path(), &raw));
    }
    let hash = tabir_crypto::codec::sha256(&body);
    assert!(found(dir.path(), &hash));
    assert!(!found(dir.path(), &body[3..]));
    issuer.clock.set(701 * EPOCH);
    issuer.service.maintain().await.unwrap();
    assert!(!found(dir.path(), &hash), "nor in the write-ahead log");
}

/// Do these bytes stand in any file of the folder?
fn found(dir: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|w| w == bytes)
    })
}

#[tokio::test]
async fn vouchers_are_minted_while_the_issuer_runs_and_in_sensible_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(dir.path()).await;
    let config = tabir::config::roles::Issuer::new(dir.path().into(), EPOCH, OVERLAP, None);
    let codes = tabir::issuer::mint(&config, 3).await.unwrap();
    assert_eq!(codes.len(), 3);
    let key = issuer.key().await;
    for code in &codes {
        let (body, pending) = request(&key);
        pending.finalize(&issuer.ask(&format!("voucher {}", code.text()), &body).await.unwrap()).unwrap();
    }
    assert!(tabir::issuer::mint(&config, 0).await.is_err());
    assert!(tabir::issuer::mint(&config, 10_001).await.is_err());
}
