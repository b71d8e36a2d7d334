//! The receipt: 128 bits that a reporter keeps, and every key that is derived from them.
//!
//! ```text
//! text  = nine proquints, lower-case, with hyphens: eight words of the secret, then the check word
//! check = first two bytes of SHA-256("tabir/v1/receipt" ‖ secret 16)
//! keys  = HKDF-SHA256(IKM = secret, salt = "tabir/v1/receipt", info, 32):
//!         access (reads)  case-key (Ed25519 seed)  mailbox (X-Wing seed)  log (r)  forward (nf)  notice (notice_key)
//!
//! case_id     = SHA-256("tabir/v1/case-id" ‖ SHA-256(access) ‖ case_vk)
//! reference   = first 60 bits of SHA-256("tabir/v1/ref" ‖ case_id), Crockford base32, XXXX-XXXX-XXXX
//! notice_hash = SHA-256(notice_key)
//! a           = SHA-256("tabir/v1/accept" ‖ r ‖ nf)
//! b           = SHA-256("tabir/v1/accept-body" ‖ r ‖ content_hash ‖ envelope_hash)
//! ```
//! Source: `docs/protocol.md`, "Receipt"; proquints: arXiv 0901.4016.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::{B32, sha256, tagged};
use crate::ed25519::{SigningKey, VerifyingKey};
use crate::error::{Code, Error, Result, need};
use crate::hpke::{KemPublicKey, KemSecretKey};
use crate::secret::{Secret, SecretBytes};

const TAG: &str = "tabir/v1/receipt";
const CONSONANTS: &[u8] = b"bdfghjklmnprstvz";
const VOWELS: &[u8] = b"aiou";
/// The letters of a proquint, and how many bits stand to the right of each.
const PLACES: [(&[u8], u8); GROUP] = [(CONSONANTS, 12), (VOWELS, 10), (CONSONANTS, 6), (VOWELS, 4), (CONSONANTS, 0)];
/// Letters of a group.
const GROUP: usize = 5;
/// Groups of a receipt: eight of the secret and the check word.
const GROUPS: usize = 9;
/// What may stand between letters, anywhere.
const SEPARATORS: [char; 5] = [' ', '-', '\t', '\r', '\n'];

/// A receipt's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(SecretBytes<16>);

impl From<SecretBytes<16>> for Receipt {
    fn from(secret: SecretBytes<16>) -> Self {
        Self(secret)
    }
}

impl From<Receipt> for SecretBytes<16> {
    fn from(receipt: Receipt) -> Self {
        receipt.0
    }
}

impl Receipt {
    /// A new receipt.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(SecretBytes::random(rng))
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes<16> {
        &self.0
    }

    /// As it is written down: `hatid-votus-…`.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        let check = check_word(self.0.expose());
        let words = self.0.expose().as_chunks::<2>().0.iter().chain([&check]);
        let mut text = String::with_capacity((GROUP + 1) * GROUPS);
        spell(words, &mut text);
        Secret::new(text)
    }

    /// Reads what somebody typed: either case, hyphens and blanks anywhere or nowhere. Errors: `groups`; `letters`, with
    /// the group; `checksum`, with the group where exactly one change of a single letter would mend it.
    pub fn parse(typed: &str) -> Result<Self> {
        let mut letters = Zeroizing::new(Vec::with_capacity(typed.len()));
        for c in typed.chars().filter(|c| !SEPARATORS.contains(c)) {
            // The Kelvin sign and its like fold to ASCII letters elsewhere; here they are not letters.
            letters.push(u8::try_from(c).ok().filter(u8::is_ascii_graphic).ok_or(Code::Groups)?.to_ascii_lowercase());
        }
        need(letters.len() == GROUP * GROUPS, Code::Groups)?;
        for (group, number) in letters.chunks(GROUP).zip(1..) {
            word(group).ok_or(Error::at(Code::Letters, number))?;
        }
        if let Some(receipt) = checked(&letters) {
            return Ok(receipt);
        }
        match *mendable(&mut letters).as_slice() {
            [group] => Err(Error::at(Code::Checksum, group)),
            _ => Err(Code::Checksum.into()),
        }
    }

    /// Derives every key.
    #[must_use]
    pub fn keys(&self) -> ReceiptKeys {
        let key = |info: &str| SecretBytes::hkdf(TAG.as_bytes(), self.0.expose(), info);
        ReceiptKeys {
            access: key("access"),
            case_key: SigningKey::from_seed(&key("case-key")),
            mailbox: KemSecretKey::from_seed(key("mailbox")),
            r: key("log"),
            nf: key("forward"),
            notice_key: key("notice"),
        }
    }
}

/// Pairs of bytes as proquints with hyphens; for public values that people compare. An odd last byte is left out.
#[must_use]
pub fn proquints(bytes: &[u8]) -> String {
    let mut text = String::new();
    spell(bytes.as_chunks::<2>().0.iter(), &mut text);
    text
}

/// Appends to a text that must not grow when it holds a secret.
fn spell<'a>(words: impl Iterator<Item = &'a [u8; 2]>, text: &mut String) {
    for word in words {
        if !text.is_empty() {
            text.push('-');
        }
        let word = u16::from_be_bytes(*word);
        for (letters, shift) in PLACES {
            let at = usize::from(word >> shift) & (letters.len() - 1);
            text.extend(letters.get(at).map(|b| char::from(*b)));
        }
    }
}

fn check_word(secret: &[u8; 16]) -> [u8; 2] {
    let [first, second, ..] = tagged(TAG, &[secret]);
    [first, second]
}

/// The 16 bits of a proquint; `None` for a letter that cannot stand there.
fn word(group: &[u8]) -> Option<u16> {
    group.iter().zip(PLACES).try_fold(0, |bits, (letter, (letters, shift))| {
        let at = letters.iter().position(|l| l == letter)?;
        Some(bits + (u16::try_from(at).ok()? << shift))
    })
}

/// The receipt that 45 letters spell, if the check word fits.
fn checked(letters: &[u8]) -> Option<Receipt> {
    let mut words = letters.chunks(GROUP).map(word);
    let secret = SecretBytes::fill_with(|secret| {
        for (bytes, word) in secret.as_chunks_mut::<2>().0.iter_mut().zip(words.by_ref()) {
            *bytes = word.unwrap_or_default().to_be_bytes();
        }
    });
    let check = words.next()??.to_be_bytes();
    (check == check_word(secret.expose())).then_some(Receipt(secret))
}

/// The groups, from 1, in which a change of one letter would make the check word fit: one entry for each such change
/// of the 459 that there are.
fn mendable(letters: &mut [u8]) -> Vec<u16> {
    let mut fits = Vec::new();
    for (group, number) in (0..GROUPS).zip(1..) {
        for ((set, _), at) in PLACES.iter().zip(group * GROUP..) {
            let was = letters.get(at).copied();
            for letter in *set {
                letters.get_mut(at).into_iter().for_each(|l| *l = *letter);
                fits.extend(checked(letters).map(|_| number));
            }
            letters.get_mut(at).into_iter().zip(was).for_each(|(l, was)| *l = was);
        }
    }
    fits
}

/// What a receipt gives. `r`, `nf` and `notice_key` are secrets until the submission reveals them to the gateway.
#[derive(Clone, Debug)]
pub struct ReceiptKeys {
    /// Bearer key that can only read.
    pub access: SecretBytes<32>,
    /// Signs every write.
    pub case_key: SigningKey,
    /// Messages to the reporter are sealed to it.
    pub mailbox: KemSecretKey,
    /// Blinds the acceptance in the intake log.
    pub r: SecretBytes<32>,
    /// Stands in the log when the report was forwarded, refused or is pending.
    pub nf: SecretBytes<32>,
    /// Recognises an unseal request for this case.
    pub notice_key: SecretBytes<32>,
}

impl ReceiptKeys {
    /// SHA-256 of the access key: what the gateway keeps of it.
    #[must_use]
    pub fn access_hash(&self) -> B32 {
        sha256(self.access.expose())
    }

    /// The public half of the case key.
    #[must_use]
    pub fn case_vk(&self) -> VerifyingKey {
        self.case_key.verifying_key()
    }

    /// The public half of the mailbox key.
    #[must_use]
    pub fn mailbox_pk(&self) -> KemPublicKey {
        self.mailbox.public_key()
    }

    /// See [`case_id`].
    #[must_use]
    pub fn case_id(&self) -> B32 {
        case_id(&self.access_hash(), &self.case_vk())
    }

    /// See [`notice_hash`].
    #[must_use]
    pub fn notice_hash(&self) -> B32 {
        notice_hash(self.notice_key.expose())
    }

    /// See [`accept`].
    #[must_use]
    pub fn a(&self) -> B32 {
        accept(self.r.expose(), self.nf.expose())
    }
}

/// The case's id: only who knows the receipt can make one that both keys fit.
#[must_use]
pub fn case_id(access_hash: &B32, case_vk: &VerifyingKey) -> B32 {
    tagged("tabir/v1/case-id", &[access_hash, case_vk.as_bytes()])
}

/// The case's name among people: 60 bits in Crockford base32, `XXXX-XXXX-XXXX`.
#[must_use]
pub fn reference(case_id: &B32) -> String {
    const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = tagged("tabir/v1/ref", &[case_id]);
    let bits = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
    let mut text = String::with_capacity(14);
    for i in 0..12 {
        if i == 4 || i == 8 {
            text.push('-');
        }
        let at = usize::try_from((bits >> (59 - 5 * i)) & 31).unwrap_or_default();
        text.extend(CROCKFORD.get(at).map(|b| char::from(*b)));
    }
    text
}

/// `a` of an acceptance: says nothing without `r`.
#[must_use]
pub fn accept(r: &B32, nf: &B32) -> B32 {
    tagged("tabir/v1/accept", &[r, nf])
}

/// `b` of an acceptance: commits to what was sent.
#[must_use]
pub fn accept_body(r: &B32, content_hash: &B32, envelope_hash: &B32) -> B32 {
    tagged("tabir/v1/accept-body", &[r, content_hash, envelope_hash])
}

/// What the label binds of the notice key.
#[must_use]
pub fn notice_hash(notice_key: &B32) -> B32 {
    sha256(notice_key)
}

/// The public tag of an unseal request, which only the holder of the notice key recognises once the nonce is public.
#[must_use]
pub fn notice_tag(notice_key: &B32, nonce: &B32) -> B32 {
    tagged("tabir/v1/notice", &[notice_key, nonce])
}

/// Commits to the full text of an unseal request.
#[must_use]
pub fn request_commit(salt: &B32, text: &[u8]) -> B32 {
    tagged("tabir/v1/request", &[salt, text])
}
