//! The generic batch: the vectors of draft-ietf-privacypass-batched-tokens, and one named refusal a rule.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use tabir_crypto::token::batch::{
    MAX_BATCH, MAX_BATCH_REQUEST_LEN, join_requests, join_responses, split_requests, split_responses,
};
use tabir_crypto::token::{
    BatchRequest, BatchResponse, IssuerKey, TokenChallenge, TokenKey, TokenRequest, TokenResponse, blind, blind_batch,
    verify,
};
use tabir_crypto::{Code, Secret, SecretBytes};

/// Gives out prepared answers, one a call, as a vector's nonce, salt and blind; then counts up.
struct Prepared(Vec<Vec<u8>>, u8);

impl TryRng for Prepared {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut b = [0; 4];
        self.try_fill_bytes(&mut b)?;
        Ok(u32::from_le_bytes(b))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut b = [0; 8];
        self.try_fill_bytes(&mut b)?;
        Ok(u64::from_le_bytes(b))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        match self.0.is_empty() {
            false => out.copy_from_slice(&self.0.remove(0)),
            true => {
                self.1 = self.1.wrapping_add(1);
                out.fill(self.1);
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Prepared {}

static VECTORS: LazyLock<Vec<Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("vectors/batched-tokens-generic-rs.json")).unwrap());

fn bytes(v: &Value, field: &str) -> Vec<u8> {
    hex::decode(v[field].as_str().unwrap()).unwrap()
}

fn issuer_key(v: &Value) -> IssuerKey {
    let pem = String::from_utf8(bytes(v, "sk_s")).unwrap();
    let der: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    IssuerKey::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap()
}

fn issuances(v: &Value) -> &[Value] {
    v["issuance"].as_array().unwrap()
}

/// The first key of type 2 of the vectors.
static KEY: LazyLock<IssuerKey> =
    LazyLock::new(|| issuer_key(VECTORS.iter().flat_map(issuances).find(|i| i["token_type"] == "0002").unwrap()));

fn challenge() -> TokenChallenge {
    TokenChallenge::new("issuer.example", "gateway.example").unwrap()
}

fn seed(n: u8) -> SecretBytes<32> {
    Secret::new([n; 32])
}

fn rng() -> Prepared {
    Prepared(Vec::new(), 0)
}

fn requests(count: usize) -> Vec<TokenRequest> {
    blind_batch(&seed(1), KEY.public(), &challenge(), count).unwrap().0.requests().to_vec()
}

fn code<T>(result: Result<T, tabir_crypto::Error>) -> Code {
    result.err().unwrap().code()
}

/// Every part has the length and type that the draft gives it, and all of type 2 are made again: request, answer, token.
#[test]
fn the_drafts_vectors_of_the_generic_batch() {
    assert_eq!(VECTORS.len(), 3);
    let mut made = 0;
    for v in VECTORS.iter() {
        let (request, response) = (bytes(v, "token_request"), bytes(v, "token_response"));
        let (requests, responses) = (split_requests(&request).unwrap(), split_responses(&response).unwrap());
        assert_eq!(join_requests(&requests).unwrap(), request);
        assert_eq!(join_responses(&responses).unwrap(), response);
        assert_eq!((requests.len(), responses.len()), (issuances(v).len(), issuances(v).len()));
        for (issued, (request, response)) in issuances(v).iter().zip(requests.iter().zip(&responses)) {
            let response = response.expect("the vectors leave none out");
            let kind = bytes(issued, "token_type");
            assert_eq!((&request[..2], &response[..2]), (&kind[..], &kind[..]));
            if kind != [0, 2] {
                continue;
            }
            made += 1;
            let (issuer, key) = (issuer_key(issued), TokenKey::from_spki(&bytes(issued, "pk_s")).unwrap());
            let challenge = TokenChallenge::decode(&bytes(issued, "token_challenge")).unwrap();
            let mut r = bytes(issued, "blind");
            r.reverse();
            let mut given = Prepared(vec![bytes(issued, "nonce"), bytes(issued, "salt"), r], 0);
            let (ours, pending) = blind(&mut given, &key, &challenge).unwrap();
            assert_eq!(ours.encode(), *request);
            let answer = issuer.blind_sign(&mut rng(), &ours).unwrap();
            assert_eq!(answer.0, response[2..]);
            let token = pending.finalize(&answer).unwrap();
            assert_eq!(token.encode(), bytes(issued, "token"));
            verify(&token, &challenge.digest(), &key).unwrap();
        }
        // With other types among them they are no batch that is signed or finalized here.
        assert_eq!(code(BatchRequest::decode(&request)), Code::TokenType);
        assert_eq!(code(BatchResponse::decode(&response)), Code::TokenType);
    }
    assert_eq!(made, 4);
}

#[test]
fn a_batch_of_eight_becomes_eight_tokens_that_share_nothing_but_key_and_challenge() {
    let (request, pending) = blind_batch(&seed(2), KEY.public(), &challenge(), MAX_BATCH).unwrap();
    let sent = request.encode().unwrap();
    assert_eq!((sent.len(), MAX_BATCH_REQUEST_LEN), (2 + 8 * 259, 2 + 8 * 259));
    assert_eq!(BatchRequest::decode(&sent).unwrap(), request);
    let answer = KEY.blind_sign_batch(&mut rng(), &request).unwrap().encode().unwrap();
    assert_eq!(answer.len(), 2 + 8 * 259);
    let tokens = pending.finalize(&BatchResponse::decode(&answer).unwrap()).unwrap();
    assert_eq!(tokens.len(), MAX_BATCH);
    for token in &tokens {
        verify(token, &challenge().digest(), KEY.public()).unwrap();
    }
    let distinct = |of: &dyn Fn(usize) -> Vec<u8>| (0..8).map(of).collect::<BTreeSet<_>>().len();
    assert_eq!(distinct(&|i| tokens[i].nonce.to_vec()), 8);
    assert_eq!(distinct(&|i| request.requests()[i].blinded_msg.to_vec()), 8);
}

/// What a device keeps to ask again: the issuer knows the request by its hash, so it must be the same bytes.
#[test]
fn a_seed_makes_the_same_request_again_and_another_seed_another() {
    let of = |n| blind_batch(&seed(n), KEY.public(), &challenge(), MAX_BATCH).unwrap();
    let ((first, _), (again, pending)) = (of(3), of(3));
    assert_eq!(first, again);
    assert_ne!(first, of(4).0);
    let answer = KEY.blind_sign_batch(&mut rng(), &first).unwrap();
    assert_eq!(pending.finalize(&answer).unwrap().len(), 8);
}

#[test]
fn finalizes_all_tokens_or_none() {
    let (request, pending) = blind_batch(&seed(5), KEY.public(), &challenge(), 3).unwrap();
    let answer = KEY.blind_sign_batch(&mut rng(), &request).unwrap();
    let with = |change: &dyn Fn(&mut Vec<TokenResponse>)| {
        let mut responses = answer.responses().to_vec();
        change(&mut responses);
        code(pending.finalize(&BatchResponse::new(responses).unwrap()))
    };
    assert_eq!(with(&|r| r[2].0[255] ^= 1), Code::BlindSignature);
    assert_eq!(with(&|r| r.swap(0, 1)), Code::BlindSignature);
    assert_eq!(with(&|r| r.truncate(2)), Code::BlindSignature);
    assert_eq!(with(&|r| r.push(r[0].clone())), Code::BlindSignature);
}

#[test]
fn an_answer_that_leaves_one_out_is_refused() {
    let (request, _) = blind_batch(&seed(6), KEY.public(), &challenge(), 2).unwrap();
    let answer = KEY.blind_sign_batch(&mut rng(), &request).unwrap().encode().unwrap();
    let mut parts = split_responses(&answer).unwrap();
    parts[1] = None;
    let holed = join_responses(&parts).unwrap();
    assert_eq!(split_responses(&holed).unwrap(), parts);
    assert_eq!(code(BatchResponse::decode(&holed)), Code::BlindSignature);
}

#[test]
fn signs_all_of_a_batch_or_nothing() {
    let mut requests = requests(3);
    requests[2].truncated_key_id ^= 1;
    let other_key = BatchRequest::new(requests.clone()).unwrap();
    assert_eq!(code(KEY.blind_sign_batch(&mut rng(), &other_key)), Code::TokenKey);
    requests[2].truncated_key_id ^= 1;
    requests[2].blinded_msg = [0xff; 256];
    let above = BatchRequest::new(requests).unwrap();
    assert_eq!(code(KEY.blind_sign_batch(&mut rng(), &above)), Code::Field);
}

#[test]
fn refuses_an_empty_batch_and_one_of_nine() {
    let one = requests(1)[0].encode();
    for (count, why) in [(0, Code::TooFew), (9, Code::TooLong)] {
        let batch = join_requests(&vec![&one[..]; count]).unwrap();
        assert_eq!(code(BatchRequest::decode(&batch)), why, "{count}");
        assert_eq!(code(BatchRequest::new(vec![requests(1)[0].clone(); count])), why);
        let answer = [&[0, 2][..], &[1; 256]].concat();
        assert_eq!(code(BatchResponse::decode(&join_responses(&vec![Some(&answer[..]); count]).unwrap())), why);
        assert_eq!(code(BatchResponse::new(vec![TokenResponse([1; 256]); count])), why);
        assert_eq!(code(blind_batch(&seed(7), KEY.public(), &challenge(), count)), why);
    }
    assert!(BatchRequest::new(requests(8)).is_ok());
}

#[test]
fn refuses_other_lengths_than_what_follows() {
    let sent = BatchRequest::new(requests(2)).unwrap().encode().unwrap();
    for n in [0, 1, 2, 260, sent.len() - 1] {
        assert_eq!(code(BatchRequest::decode(&sent[..n])), Code::Size, "{n}");
        assert_eq!(code(split_responses(&sent[..n])), Code::Size, "{n}");
    }
    let longer = [&sent[..], &[0]].concat();
    assert_eq!(code(BatchRequest::decode(&longer)), Code::Trailing);
    // The length fits, but the last request is cut.
    let (one, cut) = (requests(1)[0].encode(), requests(1)[0].encode()[..200].to_vec());
    assert_eq!(code(BatchRequest::decode(&join_requests(&[&one[..], &cut[..]]).unwrap())), Code::Size);
    assert_eq!(code(BatchRequest::decode(&join_requests(&[&one[..], &[0][..]]).unwrap())), Code::Size);
}

#[test]
fn refuses_a_length_in_a_longer_form() {
    let sent = BatchRequest::new(requests(2)).unwrap().encode().unwrap();
    let n = u32::try_from(sent.len() - 2).unwrap();
    let four = [&(0x8000_0000 | n).to_be_bytes()[..], &sent[2..]].concat();
    let eight = [&(0xc000_0000_0000_0000 | u64::from(n)).to_be_bytes()[..], &sent[2..]].concat();
    assert_eq!(code(BatchRequest::decode(&four)), Code::TooLong);
    assert_eq!(code(BatchRequest::decode(&eight)), Code::TooLong);
    // A length below 64 has one byte.
    let short = [&[0x40, 35][..], &[0; 35]].concat();
    assert_eq!(code(split_requests(&short)), Code::NonCanonical);
    let ristretto = [&[35, 0, 5][..], &[0; 33]].concat();
    assert_eq!(split_requests(&ristretto).unwrap().len(), 1);
    assert_eq!(join_requests(&split_requests(&ristretto).unwrap()).unwrap(), ristretto);
    assert_eq!(code(join_requests(&[&[0; 0x4000][..]])), Code::TooLong);
}

#[test]
fn refuses_types_that_the_draft_does_not_have_and_a_presence_that_is_neither() {
    let mut sent = BatchRequest::new(requests(2)).unwrap().encode().unwrap();
    sent[2 + 259 + 1] = 9;
    assert_eq!(code(split_requests(&sent)), Code::TokenType);
    let answer = [&[0, 2][..], &[1; 256]].concat();
    let mut answers = join_responses(&[Some(&answer[..]), Some(&answer[..])]).unwrap();
    answers[2] = 2;
    assert_eq!(code(split_responses(&answers)), Code::Field);
    answers[2] = 1;
    answers[4] = 9;
    assert_eq!(code(split_responses(&answers)), Code::TokenType);
}
