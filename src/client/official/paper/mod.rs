//! A paper backup: an official's own keys and current shares, sealed once more under the passphrase of the key file.
//!
//! ```text
//! bytes   0x01 ‖ ed_vk 32 ‖ day u32 (since 1970-01-01) ‖ key file (see `tabir_crypto::keyfile`)
//! secret  Ed25519 seed 32 ‖ X-Wing seed 32 ‖ count u8 ‖ count × (council_id 32 ‖ index u16 ‖ s 32) ‖ name, UTF-8
//! aad     "tabir/v1/paper" ‖ 0x01 ‖ ed_vk ‖ day
//! ```
//! Public keys, Y_i and lineages are not printed: the first follow from the seeds, the others stand in the log, against
//! which everything is checked. The state of a ceremony and the keys of requests are not printed either: they are old
//! before anybody types them.
//!
//! **The passphrase is the key file's own**, not one of the paper's: a passphrase that is used once in years is
//! forgotten, and then the paper is worth nothing. Whoever finds the paper can guess at the passphrase like a thief of
//! the laptop, so paper and passphrase lie in different places.

mod lines;
mod page;

use tabir_crypto::codec::fixed;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::value::Text;
use tabir_crypto::threshold::Share;
use tabir_crypto::{B32, Code, Error, Secret, SecretBytes};

use super::OfficialError;
use super::keys::{Day, KeyFileError};
use crate::clock::Random;

pub use lines::{PaperError, Progress, parse};
pub use page::{About, html, qr_codes, text};

const VERSION: u8 = 1;
const DAY_S: u64 = 86_400;
/// Bytes before the sealed part.
const HEAD: usize = 1 + 32 + 4;
/// Bytes of a share: council_id, index, s.
const SHARE: usize = 32 + 34;

/// What is printed. Public: it opens with the passphrase only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper(Vec<u8>);

/// What is sealed in it.
pub struct Contents {
    /// The official's name.
    pub name: Text,
    /// Seed of the signing key.
    pub ed: SecretBytes<32>,
    /// Seed of the X-Wing key.
    pub kem: SecretBytes<32>,
    /// Shares by their council's id; each fits its council, or the log is asked in vain.
    pub shares: Vec<(B32, Share)>,
}

impl Paper {
    /// Seals. Errors: `too-long` for more than 255 shares; `field` for a day after the year 9999.
    pub fn seal(contents: &Contents, day: &Day, passphrase: &SecretVec, cost: Cost) -> Result<Self, OfficialError> {
        let count = u8::try_from(contents.shares.len()).map_err(|_| Code::TooLong)?;
        let days = u32::try_from(day.unix() / DAY_S).map_err(|_| Code::Field)?;
        let mut secret = Secret::new([contents.ed.expose().as_slice(), contents.kem.expose(), &[count]].concat());
        for (council_id, share) in &contents.shares {
            secret = Secret::new([secret.expose().as_slice(), council_id, share.to_bytes().expose()].concat());
        }
        let secret = Secret::new([secret.expose().as_slice(), contents.name.as_str().as_bytes()].concat());
        let ed_vk = *SigningKey::from_seed(&contents.ed).verifying_key().as_bytes();
        let head = [&[VERSION], ed_vk.as_slice(), &days.to_be_bytes()].concat();
        let sealed = seal_key_file(passphrase.expose(), secret.expose(), &aad(&head), cost, &mut Random)?;
        Ok(Self([head, sealed].concat()))
    }

    /// Reads the bytes. Errors: `size`, `version`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        match bytes.first() {
            Some(&VERSION) if bytes.len() > HEAD => Ok(Self(bytes)),
            Some(&VERSION) | None => Err(Code::Size.into()),
            Some(_) => Err(Code::Version.into()),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The signing key of whoever's it is, as the paper says before it is opened.
    pub fn ed_vk(&self) -> Result<B32, Error> {
        fixed(self.0.get(1..33).unwrap_or_default())
    }

    /// The day on which it was made. Error: `field`.
    pub fn day(&self) -> Result<Day, Error> {
        let days = u32::from_be_bytes(fixed(self.0.get(33..HEAD).unwrap_or_default())?);
        Day::of(u64::from(days) * DAY_S)
    }

    /// Opens. Errors: [`KeyFileError::Passphrase`]; `size`, `scalar`, `utf-8`, `field` for a paper that was made by
    /// something else; [`KeyFileError::OtherOfficial`] for keys that are not the ones that it names.
    pub fn open(&self, passphrase: &SecretVec) -> Result<Contents, OfficialError> {
        let (head, sealed) = self.0.split_at_checked(HEAD).ok_or(Code::Size)?;
        let secret = open_key_file(passphrase.expose(), sealed, &aad(head)).map_err(|e| match e.code() {
            Code::Passphrase => OfficialError::from(KeyFileError::Passphrase),
            _ => e.into(),
        })?;
        let (seeds, rest) = secret.expose().split_at_checked(64).ok_or(Code::Size)?;
        let (ed, kem) = seeds.split_at(32);
        let (count, rest) = rest.split_first().ok_or(Code::Size)?;
        let (shares, name) = rest.split_at_checked(usize::from(*count) * SHARE).ok_or(Code::Size)?;
        let read = |bytes: &[u8]| -> Result<(B32, Share), Error> {
            let (council_id, share) = bytes.split_at(32);
            Ok((fixed(council_id)?, Share::from_bytes(share)?))
        };
        let contents = Contents {
            name: Text::new(std::str::from_utf8(name).map_err(|_| Code::Utf8)?)?,
            ed: Secret::new(fixed(ed)?),
            kem: Secret::new(fixed(kem)?),
            shares: shares.chunks_exact(SHARE).map(read).collect::<Result<_, _>>()?,
        };
        if *SigningKey::from_seed(&contents.ed).verifying_key().as_bytes() == self.ed_vk()? {
            Ok(contents)
        } else {
            Err(KeyFileError::OtherOfficial.into())
        }
    }
}

fn aad(head: &[u8]) -> Vec<u8> {
    [b"tabir/v1/paper".as_slice(), head].concat()
}
