//! Tokens: the wire, headers, directory, puzzles and the issuer's key.

use std::sync::LazyLock;

use serde_json::Value;
use tabir_crypto::SecretBytes;
use tabir_crypto::codec::unb64;
use tabir_crypto::token::batch::{join_requests, join_responses, split_requests, split_responses};
use tabir_crypto::token::directory::{Directory, DirectoryKey};
use tabir_crypto::token::header::{read_authorization, read_challenge, write_authorization, write_challenge};
use tabir_crypto::token::puzzle::{Challenge, MAX_DIFFICULTY, Offer, Solution};
use tabir_crypto::token::{
    BatchRequest, BatchResponse, IssuerKey, Token, TokenChallenge, TokenKey, TokenRequest, TokenResponse,
};

use super::json::one_form;
use super::{council, edited, edits, kind};

/// RFC 9578's vectors of type 2.
static RFC9578: LazyLock<Vec<Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../crypto/tests/vectors/rfc9578-type2-rs.json")).unwrap()
});

fn given(field: &str) -> Vec<Vec<u8>> {
    RFC9578.iter().map(|v| council::bytes(&v[field])).collect()
}

fn key() -> TokenKey {
    TokenKey::from_spki(&given("pk_s")[0]).unwrap()
}

pub mod token {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let mut taken = false;
        if let Ok(challenge) = TokenChallenge::decode(data) {
            assert_eq!(challenge.encode(), data);
            taken = true;
        }
        if let Ok(request) = TokenRequest::decode(data) {
            assert_eq!(request.encode(), data);
            taken = true;
        }
        if let Ok(response) = TokenResponse::decode(data) {
            assert_eq!(response.0, data);
            taken = true;
        }
        if let Ok(token) = Token::decode(data) {
            assert_eq!(token.encode(), data);
            assert_eq!(token.input(), data[..98]);
            taken = true;
        }
        if let Ok(key) = TokenKey::from_spki(data) {
            assert_eq!(key.spki().as_slice(), data);
            assert_eq!(key.id().last(), Some(&key.truncated_id()));
            taken = true;
        }
        taken
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let fields = ["token_challenge", "token_request", "token_response", "token", "pk_s"];
        let mut seeds: Vec<_> = fields.into_iter().flat_map(given).collect();
        // Refused: of another length, and of another type.
        let token = given("token")[0].clone();
        seeds.extend([token[1..].to_vec(), [&token, [0].as_slice()].concat(), edited(&token, &[0, 1, 3])]);
        seeds
    }
}

pub mod batch {
    use super::*;

    /// The draft's own vectors, of all its token types.
    static DRAFT: LazyLock<Vec<Value>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../../crypto/tests/vectors/batched-tokens-generic-rs.json")).unwrap()
    });

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        if kind % 2 == 0 {
            let Ok(parts) = split_requests(data) else { return false };
            assert_eq!(join_requests(&parts).unwrap(), data);
            assert!(data.len() < 2 + 0x4000);
            if let Ok(batch) = BatchRequest::decode(data) {
                assert_eq!(batch.encode().unwrap(), data);
                assert!((1..=8).contains(&batch.requests().len()) && batch.requests().len() == parts.len());
            }
        } else {
            let Ok(parts) = split_responses(data) else { return false };
            assert_eq!(join_responses(&parts).unwrap(), data);
            if let Ok(batch) = BatchResponse::decode(data) {
                assert_eq!(batch.encode().unwrap(), data);
                assert!((1..=8).contains(&batch.responses().len()) && parts.iter().all(Option::is_some));
            }
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let field = |of: u8, name: &'static str| DRAFT.iter().map(move |v| kind(of, council::bytes(&v[name])));
        let mut seeds: Vec<_> = field(0, "token_request").chain(field(1, "token_response")).collect();
        let (request, response) = (&given("token_request")[0], [&[0, 2], &given("token_response")[0][..]].concat());
        seeds.push(kind(0, join_requests(&[&request[..], &request[..]]).unwrap()));
        seeds.push(kind(1, join_responses(&[Some(&response[..]), None]).unwrap()));
        seeds.push(kind(1, join_responses(&[Some(&response[..]), Some(&response[..])]).unwrap()));
        // Refused: cut off, and a length in a longer form than it needs.
        seeds.extend([seeds[0][..300].to_vec(), kind(0, [0x40, 35, 0, 5])]);
        seeds
    }
}

pub mod header {
    use super::*;

    /// Names stand in either case and order, values in one form.
    pub fn run(data: &[u8]) -> bool {
        let Ok(value) = core::str::from_utf8(data) else { return false };
        if let Ok(token) = read_authorization(value) {
            assert!(value.len() <= 4096);
            let again = write_authorization(&token);
            assert!(value.contains(again.split_once(' ').unwrap().1.split_once('=').unwrap().1));
            assert!(read_authorization(&again).unwrap() == token);
            return true;
        }
        if let Ok((challenge, key)) = read_challenge(value) {
            let again = write_challenge(&challenge, &key);
            assert_eq!(read_challenge(&again).unwrap(), (challenge, key));
            let squeezed = |text: &str| text.bytes().filter(|b| !b" \t".contains(b)).count();
            assert_eq!(squeezed(value), squeezed(&again), "something stands beside");
            return true;
        }
        false
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let token = Token::decode(&given("token")[0]).unwrap();
        let challenge = TokenChallenge::decode(&given("token_challenge")[0]).unwrap();
        let both = write_challenge(&challenge, &key());
        let (first, second) = both.strip_prefix("PrivateToken ").unwrap().split_once(", ").unwrap();
        let turned = format!("privatetoken {}, {first}", second.replace("token-key", "Token-Key"));
        let twice = format!("{both}, {first}");
        [write_authorization(&token), both.clone(), turned, twice].map(String::into_bytes).to_vec()
    }
}

pub mod directory {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some(directory) = one_form::<Directory>(data) else { return false };
        for entry in &directory.token_keys {
            if let Ok(key) = entry.key() {
                assert_eq!(DirectoryKey::new(&key, entry.not_before), *entry);
            }
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let of = |token_keys| Directory { issuer_request_uri: "/token-request".to_owned(), token_keys };
        let keys = vec![DirectoryKey::new(&key(), 1_800_000_000)];
        let mut seeds = [of(keys), of(Vec::new())].map(|d| serde_json::to_vec(&d).unwrap()).to_vec();
        seeds.push(br#"["/token-request",[]]"#.to_vec());
        seeds
    }
}

pub mod puzzle {
    use super::*;

    fn secret() -> SecretBytes<32> {
        SecretBytes::new([6; 32])
    }

    fn ours() -> Challenge {
        Challenge::new(&mut council::seeded(6), &secret(), 1, 100).unwrap()
    }

    fn solution(challenge: &[u8]) -> String {
        tabir_crypto::codec::b64url(&[challenge, &7_u64.to_be_bytes()].concat())
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        match kind % 4 {
            0 => {
                let Ok(challenge) = Challenge::decode(data) else { return false };
                assert_eq!(challenge.as_bytes().as_slice(), data);
                assert!(challenge.difficulty() <= MAX_DIFFICULTY);
                true
            }
            1 => {
                let Ok(text) = core::str::from_utf8(data) else { return false };
                let Ok(solution) = Solution::parse(text) else { return false };
                assert_eq!(solution.to_text(), text);
                true
            }
            2 => {
                let Some(offer) = one_form::<Offer>(data) else { return false };
                offer.challenge().is_ok_and(|c| Offer::new(&c) == offer || panic!("another offer"))
            }
            // No change of a puzzle of ours is one, nor is it taken too late.
            _ => {
                let changed = edited(ours().as_bytes(), data);
                let Ok(solution) = Solution::parse(&solution(&changed)) else { return false };
                let taken = solution.clone().authenticate(&secret(), 99).is_ok();
                assert_eq!(taken, changed == ours().as_bytes());
                assert!(solution.authenticate(&secret(), 100).is_err());
                taken
            }
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, ours().as_bytes()), kind(1, solution(ours().as_bytes()))];
        seeds.push(kind(2, serde_json::to_vec(&Offer::new(&ours())).unwrap()));
        seeds.extend(edits(&[0, 1, 9, 25, 57]).into_iter().map(|e| kind(3, e)));
        seeds
    }
}

pub mod issuer_key {
    use super::*;

    static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let pem = String::from_utf8(given("sk_s")[0].clone()).unwrap();
        unb64(&pem.lines().filter(|l| !l.starts_with("-----")).collect::<String>()).unwrap()
    });

    /// The file is the issuer's own; a damaged one must not pass for a key that it is not.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let der = if kind % 2 == 0 { data.to_vec() } else { edited(&SOUND, data) };
        let Ok(key) = IssuerKey::from_pkcs8(&der) else { return false };
        let again = IssuerKey::from_pkcs8(key.to_pkcs8().unwrap().expose()).unwrap();
        assert!(again.public() == key.public());
        assert_eq!(TokenKey::from_spki(key.public().spki()).unwrap().id(), key.public().id());
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &*SOUND)];
        seeds.extend(edits(&[0, 20, 40, 300, 400, 700, 1_000]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}
