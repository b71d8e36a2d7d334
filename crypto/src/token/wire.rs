//! The messages of RFC 9577 (challenge, token) and RFC 9578 section 6 (request, response), type 0x0002 only.
//!
//! ```text
//! TokenChallenge  u16 type | u16 length | issuer_name | u8 0 or 32 | redemption_context | u16 length | origin_info
//! TokenRequest    u16 type | u8 truncated_token_key_id | blinded_msg 256                              (259)
//! TokenResponse   blind_sig 256                                                                       (256)
//! Token           u16 type | nonce 32 | challenge_digest 32 | token_key_id 32 | authenticator 256     (354)
//! ```
//! Big-endian. The authenticator is a signature over the token's first 98 bytes. Tabir's own challenges have an empty
//! redemption context, so that tokens can be fetched long before they are used.

use crate::codec::{B32, fixed, sha256};
use crate::error::{Code, Result, need};

/// Blind RSA, 2048 bit: the only type here.
pub const TOKEN_TYPE: u16 = 0x0002;
/// Bytes of an RSA-2048 modulus, message or signature.
pub const NK: usize = 256;
/// Bytes of a token request.
pub const REQUEST_LEN: usize = 2 + 1 + NK;
/// Bytes of a token response.
pub const RESPONSE_LEN: usize = NK;
/// Bytes of a token that the authenticator signs.
pub const INPUT_LEN: usize = 2 + 32 + 32 + 32;
/// Bytes of a token.
pub const TOKEN_LEN: usize = INPUT_LEN + NK;

/// Media type of a token request; sent and taken without parameters.
pub const REQUEST_TYPE: &str = "application/private-token-request";
/// Media type of a token response.
pub const RESPONSE_TYPE: &str = "application/private-token-response";
/// Media type of an issuer's directory.
pub const DIRECTORY_TYPE: &str = "application/private-token-issuer-directory";
/// Where an issuer's directory is (RFC 9578, section 4).
pub const DIRECTORY_PATH: &str = "/.well-known/private-token-issuer-directory";

/// Takes fields off the front of a message; what is missing is `size`, another token type `token-type`.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Code::Size)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        fixed(self.take(N)?)
    }

    fn token_type(&mut self) -> Result<()> {
        need(u16::from_be_bytes(self.array()?) == TOKEN_TYPE, Code::TokenType)
    }

    fn text(&mut self) -> Result<String> {
        let n = u16::from_be_bytes(self.array()?);
        let bytes = self.take(usize::from(n))?;
        need(bytes.is_ascii(), Code::Field)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Code::Field.into())
    }

    fn end(&self) -> Result<()> {
        need(self.0.is_empty(), Code::Trailing)
    }
}

/// What a token is for. Only its SHA-256 stands in the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenChallenge {
    issuer_name: String,
    redemption_context: Option<B32>,
    origin_info: String,
}

impl TokenChallenge {
    /// Tabir's challenge: both names come from the trust root, whatever the address. Error: `field` (empty, not ASCII,
    /// or longer than 65,535).
    pub fn new(issuer_name: &str, origin: &str) -> Result<Self> {
        let ok = |s: &str| s.is_ascii() && (1..=usize::from(u16::MAX)).contains(&s.len());
        need(ok(issuer_name) && ok(origin), Code::Field)?;
        Ok(Self { issuer_name: issuer_name.to_owned(), redemption_context: None, origin_info: origin.to_owned() })
    }

    /// Reads any challenge of this type. Errors: `token-type`, `size`, `field`, `trailing`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader(bytes);
        r.token_type()?;
        let issuer_name = r.text()?;
        need(!issuer_name.is_empty(), Code::Field)?;
        let redemption_context = match r.array()? {
            [0] => None,
            [32] => Some(r.array()?),
            _ => return Err(Code::Field.into()),
        };
        let origin_info = r.text()?;
        r.end()?;
        Ok(Self { issuer_name, redemption_context, origin_info })
    }

    /// The bytes.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // both constructors keep the names at 65,535 or less
    pub fn encode(&self) -> Vec<u8> {
        let mut out = TOKEN_TYPE.to_be_bytes().to_vec();
        out.extend((self.issuer_name.len() as u16).to_be_bytes());
        out.extend(self.issuer_name.as_bytes());
        match &self.redemption_context {
            None => out.push(0),
            Some(context) => {
                out.push(32);
                out.extend(context);
            }
        }
        out.extend((self.origin_info.len() as u16).to_be_bytes());
        out.extend(self.origin_info.as_bytes());
        out
    }

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn digest(&self) -> B32 {
        sha256(&self.encode())
    }

    /// Who issues.
    #[must_use]
    pub fn issuer_name(&self) -> &str {
        &self.issuer_name
    }

    /// Where the token can be redeemed.
    #[must_use]
    pub fn origin_info(&self) -> &str {
        &self.origin_info
    }
}

/// A client's request: nothing in it tells which token will come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// Last byte of the token key's id.
    pub truncated_key_id: u8,
    /// The blinded message.
    pub blinded_msg: [u8; NK],
}

impl TokenRequest {
    /// Reads exactly 259 bytes. Errors: `token-type`, `size`, `trailing`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader(bytes);
        r.token_type()?;
        let [truncated_key_id] = r.array()?;
        let blinded_msg = r.array()?;
        r.end()?;
        Ok(Self { truncated_key_id, blinded_msg })
    }

    /// The 259 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&TOKEN_TYPE.to_be_bytes()[..], &[self.truncated_key_id], &self.blinded_msg].concat()
    }
}

/// The issuer's answer: a blind signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenResponse(pub [u8; NK]);

impl TokenResponse {
    /// Reads exactly 256 bytes. Error: `size`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        fixed(bytes).map(Self)
    }
}

/// A token in its form; nobody has verified it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The client's random bytes: what is marked as spent.
    pub nonce: B32,
    /// SHA-256 of the challenge.
    pub challenge_digest: B32,
    /// SHA-256 of the token key's SPKI.
    pub key_id: B32,
    /// The signature.
    pub authenticator: [u8; NK],
}

impl Token {
    /// Reads exactly 354 bytes. Errors: `token-type`, `size`, `trailing`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader(bytes);
        r.token_type()?;
        let token =
            Self { nonce: r.array()?, challenge_digest: r.array()?, key_id: r.array()?, authenticator: r.array()? };
        r.end()?;
        Ok(token)
    }

    /// The 354 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.input();
        out.extend(self.authenticator);
        out
    }

    /// The first 98 bytes: what the authenticator signs.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        token_input(&self.nonce, &self.challenge_digest, &self.key_id)
    }
}

/// A token is money until it is spent, so logs do not get its bytes.
impl core::fmt::Debug for Token {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<token>")
    }
}

/// What the authenticator signs, before there is one.
pub(crate) fn token_input(nonce: &B32, challenge_digest: &B32, key_id: &B32) -> Vec<u8> {
    [&TOKEN_TYPE.to_be_bytes()[..], nonce, challenge_digest, key_id].concat()
}
