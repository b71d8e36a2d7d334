//! What an issuer keeps of an account that bought tokens: a pseudonym that nobody can make again once the epoch is over.
//!
//! ```text
//! pseudonym = HMAC-SHA256(key of the epoch, "tabir/v1/account" ‖ u32 length ‖ who vouches ‖ u32 length ‖ the account)
//! ```
//! The account's name is short and guessable, so a plain hash would be no secret. The key is random, stands beside the
//! counters that it is for, and goes with them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::codec::B32;
use crate::error::{Code, Result};
use crate::secret::SecretBytes;

const TAG: &[u8] = b"tabir/v1/account";

/// The pseudonym of `account`, as `issuer` (a JWT's `iss`) names it, in one epoch. Error: `too-long`.
pub fn pseudonym(key: &SecretBytes<32>, issuer: &str, account: &str) -> Result<B32> {
    let Ok(mut mac) = <Hmac<Sha256>>::new_from_slice(key.expose()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(TAG);
    for part in [issuer, account] {
        mac.update(&u32::try_from(part.len()).map_err(|_| Code::TooLong)?.to_be_bytes());
        mac.update(part.as_bytes());
    }
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::pseudonym;
    use crate::secret::Secret;

    #[test]
    fn a_pseudonym_depends_on_key_issuer_and_account_and_on_where_one_ends() {
        let of = |key: u8, issuer, account| pseudonym(&Secret::new([key; 32]), issuer, account).unwrap();
        assert_eq!(of(1, "app", "siti"), of(1, "app", "siti"));
        for other in [of(2, "app", "siti"), of(1, "apps", "iti"), of(1, "app", "sita"), of(1, "ap", "psiti")] {
            assert_ne!(of(1, "app", "siti"), other);
        }
    }
}
