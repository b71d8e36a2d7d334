//! Vouchers: one-use codes that an operator prints for desks and organisations.
//!
//! ```text
//! code   80 random bits in Crockford base32: XXXX-XXXX-XXXX-XXXX
//! stored SHA-256("tabir/v1/voucher" ‖ the 10 bytes)
//! ```
//! 80 bits cannot be searched through, so the hash needs no salt. Typed codes are read in either case, with or
//! without hyphens and spaces, `o` as 0 and `i`, `l` as 1.

use rand_core::CryptoRng;
use tabir_crypto::codec::tagged;
use tabir_crypto::{B32, Secret, SecretBytes};

/// Letters of the code, five bits each.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: usize = 16;
const GROUP: usize = 4;
/// Longer texts are no typed code, whatever stands between the letters.
const MAX_TYPED: usize = 64;

/// A voucher's code. It never prints itself: only [`VoucherCode::text`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherCode(SecretBytes<10>);

impl VoucherCode {
    /// A new code.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self(SecretBytes::random(rng))
    }

    /// For the paper.
    #[must_use]
    pub fn text(&self) -> String {
        let bits = self.0.expose().iter().fold(0u128, |bits, b| bits << 8 | u128::from(*b));
        let mut text = String::with_capacity(LETTERS + LETTERS / GROUP);
        for i in 0..LETTERS {
            if i > 0 && i % GROUP == 0 {
                text.push('-');
            }
            let at = (bits >> (5 * (LETTERS - 1 - i))) & 31;
            text.push(char::from(ALPHABET[at as usize]));
        }
        text
    }

    /// Reads a typed code; `None` if it is none.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let letters: Vec<u8> = typed.bytes().filter(|b| !matches!(b, b'-' | b' ')).collect();
        if letters.len() != LETTERS {
            return None;
        }
        let mut bits = 0u128;
        for letter in letters {
            let letter = match letter.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            bits = bits << 5 | ALPHABET.iter().position(|a| *a == letter)? as u128;
        }
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&bits.to_be_bytes()[6..]);
        Some(Self(Secret::new(bytes)))
    }

    /// What the store knows of it.
    #[must_use]
    pub fn hash(&self) -> B32 {
        tagged("tabir/v1/voucher", &[self.0.expose()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Random;

    #[test]
    fn a_code_comes_back_however_it_is_typed() {
        for _ in 0..50 {
            let code = VoucherCode::random(&mut Random);
            let text = code.text();
            assert_eq!(text.len(), 19);
            let plain = text.replace('-', "");
            for typed in [text.clone(), plain.clone(), plain.to_lowercase(), plain.replace('1', "l").replace('0', "o")]
            {
                assert_eq!(VoucherCode::parse(&typed), Some(code.clone()), "{typed}");
            }
        }
        assert_eq!(VoucherCode(Secret::new([0xff; 10])).text(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
    }

    #[test]
    fn refuses_what_is_no_code() {
        let long = format!("{}ZZZZ-ZZZZ-ZZZZ-ZZZZ", " ".repeat(64));
        for typed in
            ["", "ZZZZ-ZZZZ-ZZZZ-ZZZ", "ZZZZ-ZZZZ-ZZZZ-ZZZZZ", "ZZZZ-ZZZZ-ZZZZ-ZZZU", "ZZZZ-ZZZZ-ZZZZ-ZZZé", &long]
        {
            assert_eq!(VoucherCode::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_code_does_not_print_itself() {
        assert_eq!(format!("{:?}", VoucherCode(Secret::new([7; 10]))), "VoucherCode(<redacted>)");
    }
}
