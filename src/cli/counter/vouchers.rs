//! A batch of vouchers in a file, one a line: the first that buys a token is taken out of it.

use std::path::Path;

use tabir_crypto::codec::sha256;
use tabir_crypto::token::Token;
use tabir_crypto::{B32, Secret};

use super::is_spent;
use crate::cli::CliError;
use crate::client::Session;
use crate::client::tokens::{self, Attestation};
use crate::config::keys::{read_private, replace_private};

/// Buys a token. A voucher that has bought one before, since its line could not be taken out, is passed over. Errors: those
/// of the file and of [`tokens::fetch`], failed when the batch is used up.
pub async fn token(session: &Session, file: &Path) -> Result<Token, CliError> {
    loop {
        let text = Secret::new(read_private(file)?);
        let Some((code, rest)) = first(text.expose()) else {
            let name = file.display();
            return Err(CliError::Failed(format!("{name}: every voucher of this batch is used: ask for a new batch")));
        };
        let read: B32 = sha256(text.expose().as_bytes());
        match tokens::fetch(session, &Attestation::Voucher(code)).await {
            Ok(token) => {
                replace_private(file, &read, rest.expose().as_bytes())?;
                return Ok(token);
            }
            Err(error) if is_spent(&error) => replace_private(file, &read, rest.expose().as_bytes())?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The first code, and the file without it.
fn first(text: &str) -> Option<(String, Secret<String>)> {
    let at = text.lines().position(|line| !line.trim().is_empty())?;
    let code = text.lines().nth(at)?.trim().to_owned();
    let rest: String = text.lines().skip(at + 1).flat_map(|line| [line, "\n"]).collect();
    Some((code, Secret::new(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_is_taken_out() {
        let (code, rest) = first("\n  AAAA \nBBBB\n").unwrap();
        assert_eq!((code.as_str(), rest.expose().as_str()), ("AAAA", "BBBB\n"));
        let (code, rest) = first("AAAA").unwrap();
        assert_eq!((code.as_str(), rest.expose().as_str()), ("AAAA", ""));
        assert!(first(" \n\n").is_none());
    }
}
