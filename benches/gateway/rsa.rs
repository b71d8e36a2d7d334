//! The two RSA operations beside OpenSSL's raw ones: one thread, a few of ours and a few of theirs in turn, so that what
//! else the machine does hits both alike.

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use openssl::pkey::Private;
use openssl::rsa::{Padding, Rsa};
use tabir::clock::Random;
use tabir_crypto::token::{IssuerKey, TokenChallenge, blind, verify};
use tokio::time::Instant;

use crate::figures::Row;

/// Runs, and operations of each in one.
const RUNS: usize = 7;
const OPS: u32 = 300;
/// Operations before the other's turn.
const TURN: u32 = 10;

/// Operations a second of both, run by run.
fn compare(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> [Vec<f64>; 2] {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        let mut spent = [Duration::ZERO; 2];
        for _ in 0..OPS / TURN {
            spent[0] += timed(&mut ours);
            spent[1] += timed(&mut theirs);
        }
        for (rates, spent) in rates.iter_mut().zip(spent) {
            rates.push(f64::from(OPS) / spent.as_secs_f64());
        }
    }
    rates
}

fn timed(operation: &mut impl FnMut()) -> Duration {
    let begin = Instant::now();
    (0..TURN).for_each(|_| operation());
    begin.elapsed()
}

/// Both rows.
pub fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let key = IssuerKey::generate(&mut Random)?;
    let challenge = TokenChallenge::new("issuer.example", "gateway.example")?;
    let (request, pending) = blind(&mut Random, key.public(), &challenge)?;
    let token = pending.finalize(&key.blind_sign(&mut Random, &request)?)?;
    let digest = challenge.digest();

    let peer: Rsa<Private> = openssl::pkey::PKey::private_key_from_pkcs8(key.to_pkcs8()?.expose())?.rsa()?;
    let (mut signed, mut opened) = ([0; 256], [0; 256]);
    peer.private_encrypt(&request.blinded_msg, &mut signed, Padding::NONE)?;
    // The same operation by both, or the comparison means nothing.
    assert_eq!(signed, key.blind_sign(&mut Random, &request)?.0);

    let sign = compare(
        || drop(black_box(key.blind_sign(&mut Random, black_box(&request)))),
        || drop(black_box(peer.private_encrypt(black_box(&request.blinded_msg), &mut signed, Padding::NONE))),
    );
    let authenticator = token.authenticator;
    let verified = compare(
        || drop(black_box(verify(black_box(&token), &digest, key.public()))),
        || drop(black_box(peer.public_decrypt(black_box(&authenticator), &mut opened, Padding::NONE))),
    );
    let note = "One thread, alternating every 10 operations; ratio below 1: slower than the peer.";
    let row = |what, [ours, theirs]: [Vec<f64>; 2], peer, more: &str| {
        Row::new(what, "1/s", &ours, format!("{more} {note}")).beside(peer, &theirs)
    };
    Ok(vec![
        row(
            "blind_sign_per_s",
            sign,
            "openssl raw RSA-2048 private operation",
            "Ours checks the request, blinds the operation and verifies its result.",
        ),
        row(
            "token_verify_per_s",
            verified,
            "openssl raw RSA-2048 public operation",
            "Ours checks key id, challenge and the PSS padding as well.",
        ),
    ])
}
