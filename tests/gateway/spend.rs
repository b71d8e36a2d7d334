//! One token, one write; and a retry is safe.

use axum::http::Method;
use tabir::clock::Random;
use tabir::http::HttpError;
use tabir_crypto::token::header::{read_challenge, write_authorization};
use tabir_crypto::token::{IssuerKey, Token, TokenChallenge};

use crate::common::world::{DAY, ISSUER, NOW, ORIGIN, TOKEN_END, issuer_key, mint, token};
use crate::harness::{OVERLAP, Running, count, is, refused};

const SPENT: &str = "SELECT COUNT(*) FROM spent";
const CASES: &str = "SELECT COUNT(*) FROM cases";
const OUTBOX: &str = "SELECT COUNT(*) FROM outbox";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_connections_with_one_token_write_exactly_one_report() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = std::sync::Arc::new(Running::start(dir.path()).await);
    let token = token();
    let reports: Vec<_> = (0..50).map(|_| gateway.seal()).collect();
    let sending: Vec<_> = reports
        .into_iter()
        .map(|sealed| {
            let (gateway, token) = (std::sync::Arc::clone(&gateway), token.clone());
            tokio::spawn(async move { gateway.report(&sealed, &token).await })
        })
        .collect();
    let mut accepted = 0;
    for answer in sending {
        match answer.await.unwrap() {
            Ok(answer) => accepted += u32::from(answer.status == 201),
            other => assert_eq!(refused(other), is(401, "token-spent")),
        }
    }
    assert_eq!(accepted, 1);
    for query in [SPENT, CASES, OUTBOX] {
        assert_eq!(gateway.count(query).await, 1, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_identical_requests_at_once_get_one_answer() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = std::sync::Arc::new(Running::start(dir.path()).await);
    let (token, sealed) = (token(), std::sync::Arc::new(gateway.seal()));
    let sending: Vec<_> = (0..50)
        .map(|_| {
            let (gateway, token) = (std::sync::Arc::clone(&gateway), token.clone());
            let sealed = std::sync::Arc::clone(&sealed);
            tokio::spawn(async move { gateway.report(&sealed, &token).await.unwrap().body })
        })
        .collect();
    let mut answers = std::collections::BTreeSet::new();
    for answer in sending {
        answers.insert(answer.await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(gateway.count(CASES).await, 1);
}

#[tokio::test]
async fn a_retry_gets_the_same_bytes_an_hour_later_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (token, sealed) = (token(), gateway.seal());
    let first = gateway.report(&sealed, &token).await.unwrap();
    gateway.clock.set(NOW + 5000);
    let gateway = gateway.restart(dir.path()).await;
    let again = gateway.report(&sealed, &token).await.unwrap();
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    // Also with a token that is not spent by it.
    let other = crate::common::world::token();
    assert_eq!(gateway.report(&sealed, &other).await.unwrap().body, first.body);
    assert_eq!(gateway.count(SPENT).await, 1);
    gateway.report(&gateway.seal(), &other).await.unwrap();
}

#[tokio::test]
async fn a_spent_token_with_another_body_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (token, sealed) = (token(), gateway.seal());
    gateway.report(&sealed, &token).await.unwrap();
    assert_eq!(refused(gateway.report(&gateway.seal(), &token).await), is(401, "token-spent"));
    // The same report in other bytes is another body.
    let spaced = [b" ".as_slice(), &sealed.body].concat();
    assert_eq!(refused(gateway.post("/v1/reports", Some(&token), spaced).await), is(401, "token-spent"));
    assert_eq!(gateway.count(CASES).await, 1);
}

#[tokio::test]
async fn nothing_is_spent_before_the_body_holds_nor_for_a_known_case() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let token = token();
    let bad = gateway.post("/v1/reports", Some(&token), b"{}".to_vec()).await;
    assert_eq!(refused(bad), is(400, "missing-field"));
    let sealed = gateway.seal();
    gateway.report(&sealed, &crate::common::world::token()).await.unwrap();
    // The same case with another envelope: made by its own reporter, since nobody else has the key.
    let again = crate::submission::reseal(&gateway, &sealed);
    assert_eq!(refused(gateway.post("/v1/reports", Some(&token), again).await), is(409, "case-exists"));
    assert_eq!(gateway.count(SPENT).await, 1);
    gateway.report(&gateway.seal(), &token).await.unwrap();
}

#[tokio::test]
async fn without_a_token_the_answer_names_the_challenge_that_every_client_builds() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let Err(HttpError::Problem { status, code, headers, .. }) =
        gateway.post("/v1/reports", None, gateway.seal().body).await
    else {
        panic!("taken without a token")
    };
    assert_eq!((status, code), is(401, "token-missing"));
    let (challenge, key) = read_challenge(headers["www-authenticate"].to_str().unwrap()).unwrap();
    assert_eq!(challenge, TokenChallenge::new(ISSUER, ORIGIN).unwrap());
    assert_eq!(key.id(), issuer_key().public().id());
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let body = gateway.seal().body;
    let good = token();
    let forged = Token { nonce: [9; 32], ..good.clone() };
    let mut flipped = good.clone();
    flipped.authenticator[7] ^= 1;
    let stranger = IssuerKey::generate(&mut Random).unwrap();
    for (token, code) in [
        (forged, "token-invalid"),
        (flipped, "token-invalid"),
        (mint(&stranger, ISSUER, ORIGIN), "token-key"),
        (mint(issuer_key(), ISSUER, "elsewhere.example"), "token-challenge"),
        (mint(issuer_key(), "elsewhere.example", ORIGIN), "token-challenge"),
    ] {
        assert_eq!(refused(gateway.post("/v1/reports", Some(&token), body.clone()).await), is(401, code));
    }
    let header = write_authorization(&good);
    let quoted = header.split('"').nth(1).unwrap();
    for (header, code) in [
        ("Bearer x".to_owned(), "field"),
        (format!("PrivateToken token={quoted}"), "field"),
        (format!("PrivateToken token=\"{}\"", &quoted[..quoted.len() - 1]), "base64"),
        (format!("PrivateToken token=\"{}\"", &quoted[..8]), "size"),
        (format!("PrivateToken token=\"AAEA{}\"", &quoted[4..]), "token-type"),
        (format!("PrivateToken token=\"{quoted}AAAA\""), "trailing"),
    ] {
        assert_eq!(
            refused(gateway.post_with("/v1/reports", Some(&header), body.clone()).await),
            is(401, code),
            "{header}"
        );
    }
    assert_eq!(gateway.count(SPENT).await, 0);
    gateway.post("/v1/reports", Some(&good), body).await.unwrap();
}

#[tokio::test]
async fn a_token_of_the_last_epoch_is_taken_in_the_overlap_and_not_after() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.clock.set(TOKEN_END + OVERLAP - 1);
    gateway.report(&gateway.seal(), &token()).await.unwrap();
    gateway.clock.set(TOKEN_END + OVERLAP);
    assert_eq!(refused(gateway.report(&gateway.seal(), &token()).await), is(401, "token-key"));
    gateway.clock.set(NOW - DAY - 1);
    let sealed = {
        gateway.clock.set(NOW);
        let sealed = gateway.seal();
        gateway.clock.set(NOW - DAY - 1);
        sealed
    };
    assert_eq!(refused(gateway.report(&sealed, &token()).await), is(401, "token-key"), "before its time");
}

#[tokio::test]
async fn a_retired_key_takes_its_spent_rows_along_and_no_clock_revives_it() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    gateway.report(&gateway.seal(), &token()).await.unwrap();
    gateway.clock.set(TOKEN_END + OVERLAP);
    gateway.gateway.clean().await.unwrap();
    assert_eq!(gateway.count(SPENT).await, 0);
    gateway.clock.set(NOW);
    let gateway = gateway.restart(dir.path()).await;
    assert_eq!(refused(gateway.report(&gateway.seal(), &token()).await), is(401, "token-key"));
    assert_eq!(gateway.count("SELECT COUNT(*) FROM retired").await, 1);
}

#[tokio::test]
async fn the_tag_of_a_spent_token_goes_after_two_days_and_the_token_stays_spent() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (token, sealed) = (token(), gateway.seal());
    let first = gateway.report(&sealed, &token).await.unwrap();
    gateway.clock.set(NOW + 2 * DAY);
    gateway.gateway.clean().await.unwrap();
    assert_eq!(gateway.report(&sealed, &token).await.unwrap().body, first.body);
    gateway.clock.set(NOW + 3 * DAY);
    gateway.gateway.clean().await.unwrap();
    assert_eq!(count(&gateway.gateway, "SELECT COUNT(*) FROM spent WHERE body_tag IS NULL").await, 1);
    assert_eq!(refused(gateway.report(&sealed, &token).await), is(401, "token-spent"));
}

#[tokio::test]
async fn a_stolen_store_holds_neither_access_key_nor_r_nor_authenticator() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let (token, sealed) = (token(), gateway.seal());
    gateway.report(&sealed, &token).await.unwrap();
    gateway.read(&sealed.receipt.keys()).await.unwrap();
    gateway
        .write("/v1/case/messages", Some(&crate::common::world::token()), &gateway.message(&sealed.receipt, 1, 1))
        .await
        .unwrap();
    let files: Vec<Vec<u8>> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|f| f.file_name().unwrap().to_string_lossy().starts_with("store.sqlite"))
        .map(|f| std::fs::read(f).unwrap())
        .collect();
    let holds = |secret: &[u8]| {
        let hexed = hex::encode(secret).into_bytes();
        files.iter().any(|f| [secret, &hexed].iter().any(|s| f.windows(s.len()).any(|w| w == *s)))
    };
    let keys = sealed.receipt.keys();
    assert!(holds(&token.nonce) && holds(&keys.access_hash()), "the search itself must be able to find something");
    assert!(!holds(keys.access.expose()));
    assert!(!holds(keys.r.expose()));
    assert!(!holds(sealed.receipt.secret().expose()));
    assert!(!holds(&token.authenticator));
    // Who has the rows and the body, but not the authenticator, cannot make the tag.
    let known = [&[][..], &token.nonce, &token.key_id, &[0; 256]];
    let tags =
        known.map(|k| tabir_crypto::submission::body_tag(k, "POST", "/v1/reports", "application/json", &sealed.body));
    assert!(tags.iter().all(|tag| !holds(tag)));
    let tag = |k: &[u8]| tabir_crypto::submission::body_tag(k, "POST", "/v1/reports", "application/json", &sealed.body);
    assert!(holds(&tag(&token.authenticator)), "the tag is there for who has the token");
}

#[tokio::test]
async fn only_json_without_parameters_and_of_a_report_s_size_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Running::start(dir.path()).await;
    let url = format!("{}/v1/reports", gateway.url);
    let authorization = write_authorization(&token());
    let post = |media: &'static str, body: Vec<u8>| {
        let (client, url, authorization) = (gateway.client.clone(), url.clone(), authorization.clone());
        async move {
            let headers = [("content-type", media), ("authorization", authorization.as_str())];
            client.send(Method::POST, &url, &headers, body).await
        }
    };
    let body = gateway.seal().body;
    assert_eq!(refused(post("text/plain", body.clone()).await), is(415, "media-type"));
    assert_eq!(refused(post("application/json; charset=utf-8", body.clone()).await), is(415, "media-type"));
    assert_eq!(refused(post("application/json", vec![b' '; 200 << 10]).await), is(413, "too-long"));
    assert_eq!(refused(post("application/json", [0xff, 0xfe].to_vec()).await), is(400, "utf-8"));
    post("application/json", body).await.unwrap();
}
