//! What an issuer that wants to know could try. Numbers are OpenSSL's: not the code that made them.

use std::collections::BTreeSet;

use openssl::bn::{BigNum, BigNumContext};
use tabir_crypto::token::wire::TokenResponse;
use tabir_crypto::token::{Token, TokenKey, TokenRequest};

/// A batch as numbers.
pub struct Batch {
    n: BigNum,
    requests: Vec<BigNum>,
    answers: Vec<BigNum>,
    /// The tokens that came of it, which no attack is given as such.
    pub tokens: Vec<Token>,
}

fn number(bytes: &[u8]) -> BigNum {
    BigNum::from_slice(bytes).unwrap()
}

impl Batch {
    pub fn new(key: &TokenKey, requests: &[TokenRequest], answers: &[TokenResponse], tokens: Vec<Token>) -> Self {
        let n = number(&key.spki()[81..337]);
        let requests = requests.iter().map(|r| number(&r.blinded_msg)).collect();
        let answers = answers.iter().map(|a| number(&a.0)).collect();
        Self { n, requests, answers, tokens }
    }

    fn product(&self, a: &BigNum, b: &BigNum) -> BigNum {
        let (mut out, mut context) = (BigNum::new().unwrap(), BigNumContext::new().unwrap());
        out.mod_mul(a, b, &self.n, &mut context).unwrap();
        out
    }

    fn inverse(&self, a: &BigNum) -> BigNum {
        let (mut out, mut context) = (BigNum::new().unwrap(), BigNumContext::new().unwrap());
        out.mod_inverse(a, &self.n, &mut context).unwrap();
        out
    }

    /// a^e: of a signature, what was signed.
    fn verified(&self, a: &BigNum) -> BigNum {
        let (mut out, mut context) = (BigNum::new().unwrap(), BigNumContext::new().unwrap());
        out.mod_exp(a, &BigNum::from_u32(65_537).unwrap(), &self.n, &mut context).unwrap();
        out
    }
}

/// For each request and each token there is one blinding factor by which the one becomes the other: from what was seen
/// follows nothing about which it was.
pub fn every_token_fits_every_request(batch: &Batch, tokens: &[Token]) -> bool {
    tokens.iter().all(|token| {
        let signature = number(&token.authenticator);
        let (message, inverse) = (batch.verified(&signature), batch.inverse(&signature));
        batch.requests.iter().zip(&batch.answers).all(|(request, answer)| {
            let r = batch.product(answer, &inverse);
            batch.product(&batch.verified(&r), &message) == *request
        })
    })
}

/// Were two requests of a batch blinded by one factor? Then the quotient of the requests is that of two messages, and the
/// two tokens stand there.
pub fn common_blinding(batch: &Batch, tokens: &[Token]) -> bool {
    let messages: Vec<_> = tokens.iter().map(|t| batch.verified(&number(&t.authenticator))).collect();
    let quotients: BTreeSet<Vec<u8>> =
        pairs(&messages).map(|(a, b)| batch.product(a, &batch.inverse(b)).to_vec()).collect();
    pairs(&batch.requests).any(|(a, b)| quotients.contains(&batch.product(a, &batch.inverse(b)).to_vec()))
}

/// All pairs of two, both ways round.
fn pairs(of: &[BigNum]) -> impl Iterator<Item = (&BigNum, &BigNum)> {
    let all = of.iter().enumerate().flat_map(move |(i, a)| of.iter().enumerate().map(move |(j, b)| (i, a, j, b)));
    all.filter(|(i, _, j, _)| i != j).map(|(_, a, _, b)| (a, b))
}

/// The pieces of eight bytes that two stores have in common, beside runs of zeros: chance has one in 2^40 runs.
pub fn shared(one: &[Vec<u8>], other: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let pieces = |values: &[Vec<u8>]| -> BTreeSet<Vec<u8>> {
        let windows = values.iter().flat_map(|v| v.windows(8)).map(<[u8]>::to_vec);
        windows.filter(|w| w.iter().collect::<BTreeSet<_>>().len() > 3).collect()
    };
    let (one, other) = (pieces(one), pieces(other));
    one.intersection(&other).cloned().collect()
}

/// Does the place in a batch say when a token is used? The sum over all uses of (place − 3.5)·(time − 3.5) is near 0 if it does
/// not: its standard deviation is 15.9 a batch of eight, and six of them are chance once in a thousand million runs.
pub fn in_order(used: &[Vec<usize>]) -> bool {
    let centred = |x: usize| x as f64 - 3.5;
    let one = |order: &Vec<usize>| order.iter().enumerate().map(|(t, p)| centred(t) * centred(*p)).sum::<f64>();
    let sum: f64 = used.iter().map(one).sum();
    sum.abs() > 6.0 * 15.9 * (used.len() as f64).sqrt()
}
