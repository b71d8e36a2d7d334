//! The two headers of RFC 9577, in the one form that Tabir writes and takes.
//!
//! ```text
//! Authorization: PrivateToken token="<base64url of a Token, padded>"
//! WWW-Authenticate: PrivateToken challenge="<base64url of a TokenChallenge, padded>", token-key="<… of the SPKI>"
//! ```
//! Base64url *with* padding, and therefore quoted. Scheme and parameter names in either case (RFC 9110); a parameter
//! that is missing, unknown or repeated is refused. A `WWW-Authenticate` with several challenges is not read: a
//! client builds its challenge from the trust root and only compares.

use super::key::TokenKey;
use super::wire::{Token, TokenChallenge};
use crate::codec::{b64url_padded, unb64url_padded};
use crate::error::{Code, Result, need};

/// The authentication scheme.
pub const SCHEME: &str = "PrivateToken";

/// The longest value that is looked at: a challenge of two names of 255 characters, and a key, fit twice.
const MAX_HEADER: usize = 4096;

/// Writes the value of `Authorization`.
#[must_use]
pub fn write_authorization(token: &Token) -> String {
    format!("{SCHEME} token=\"{}\"", b64url_padded(&token.encode()))
}

/// Reads the value of `Authorization`. Errors: `field` (another form), `base64`, those of [`Token::decode`].
pub fn read_authorization(value: &str) -> Result<Token> {
    let [token] = params(value, ["token"])?;
    Token::decode(&unb64url_padded(token)?)
}

/// Writes the value of `WWW-Authenticate`.
#[must_use]
pub fn write_challenge(challenge: &TokenChallenge, key: &TokenKey) -> String {
    let (challenge, key) = (b64url_padded(&challenge.encode()), b64url_padded(key.spki()));
    format!("{SCHEME} challenge=\"{challenge}\", token-key=\"{key}\"")
}

/// Reads the value of `WWW-Authenticate`. Errors: `field` (another form), `base64`, those of
/// [`TokenChallenge::decode`] and [`TokenKey::from_spki`].
pub fn read_challenge(value: &str) -> Result<(TokenChallenge, TokenKey)> {
    let [challenge, key] = params(value, ["challenge", "token-key"])?;
    Ok((TokenChallenge::decode(&unb64url_padded(challenge)?)?, TokenKey::from_spki(&unb64url_padded(key)?)?))
}

/// The quoted values of exactly the named parameters, in any order.
fn params<'a, const N: usize>(value: &'a str, names: [&str; N]) -> Result<[&'a str; N]> {
    need(value.len() <= MAX_HEADER, Code::TooLong)?;
    let (scheme, rest) = value.split_once(' ').ok_or(Code::Field)?;
    need(scheme.eq_ignore_ascii_case(SCHEME), Code::Field)?;
    let mut found: [Option<&str>; N] = [None; N];
    for param in rest.split(',') {
        let (name, quoted) = param.trim_matches([' ', '\t']).split_once('=').ok_or(Code::Field)?;
        let text = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).ok_or(Code::Field)?;
        let slot = names.iter().zip(&mut found).find(|(n, _)| name.eq_ignore_ascii_case(n)).ok_or(Code::Field)?.1;
        need(slot.replace(text).is_none(), Code::Field)?;
    }
    need(found.iter().all(Option::is_some), Code::Field)?;
    Ok(found.map(Option::unwrap_or_default))
}
