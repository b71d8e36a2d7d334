//! An official's key file: everything secret in it is sealed under the official's passphrase, each for its place.
//!
//! ```text
//! JSON, mode 0600, replaced as a whole; official.key in a folder of mode 0700, or a file of any other name:
//! {v, name, ed_vk, kem_pk, keys, sum, ceremony?: {id, sealed, sum}, shares: [{id, bound, sealed, sum}],
//!  requests: [{id, sealed, sum}], backup?: {at, of}, aborted?: [ceremony_id]}
//! keys      ed seed 32 ‖ X-Wing seed 32      aad "tabir/v1/official" ‖ ed_vk ‖ kem_pk
//! ceremony  JSON of a step                   aad "tabir/v1/ceremony-state" ‖ ed_vk ‖ ceremony_id
//! share     index 2 ‖ s 32                   aad lineage ‖ council_id ‖ index ‖ Y_i, and s checked against Y_i on load
//! request   X-Wing seed 32                   aad "tabir/v1/request-key" ‖ ed_vk ‖ request_hash
//! ```
//! A file that was changed, or a part that was moved to another place, does not open.

mod lifecycle;
mod paper;
mod passphrase;
mod shares;
mod stored;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tabir_crypto::codec::{sha256, tagged};
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::receipt::proquints;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::value::{Bytes, Hex, Hex32, Text, V1};
use tabir_crypto::{B32, Code, Error, Secret, SecretBytes, json};

use super::OfficialError;
use crate::clock::Random;
use crate::config::keys::{check_private_folder, folder_of, read_private, replace_private, write_private};

use stored::{Part, Stored};

pub use shares::Standing;
pub use stored::{Bound, Day, KeyFileError, PartKind, short};

/// Name of the key file in an official's folder.
pub const KEY_FILE: &str = "official.key";
/// Name of the card in an official's folder.
pub const CARD_FILE: &str = "card.json";

/// Bytes of a fingerprint: eight proquints.
const FINGERPRINT: usize = 16;

/// An official's public keys, carried to whoever makes the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Card {
    pub v: V1,
    pub name: Text,
    pub ed_vk: Hex32,
    /// X-Wing public key, 1,216 bytes.
    pub kem_pk: Bytes,
}

impl Card {
    /// What people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.ed_vk.0, &self.kem_pk.0)
    }
}

/// Of both public keys, as eight proquints: `hatid-votus-…`.
#[must_use]
pub fn fingerprint(ed_vk: &B32, kem_pk: &[u8]) -> String {
    let hash = tagged("tabir/v1/fingerprint", &[ed_vk, &sha256(kem_pk)]);
    proquints(hash.get(..FINGERPRINT).unwrap_or(&hash))
}

/// An open key file.
pub struct OfficialFile {
    path: PathBuf,
    /// SHA-256 of the file as this command knows it: what another one wrote is not undone.
    read: B32,
    passphrase: SecretVec,
    cost: Cost,
    stored: Stored,
    signing: SigningKey,
    kem: KemSecretKey,
}

/// What is sealed, and what it is bound to.
type Place = (PartKind, Vec<u8>);

/// The key file itself: `path`, or the file in the folder `path`.
fn locate(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(KEY_FILE) } else { path.into() }
}

/// Whether a key file stands in an official's folder, or by itself somewhere.
fn in_folder(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == KEY_FILE)
}

impl OfficialFile {
    /// Makes keys and writes the file; refuses to overwrite one. `path` may be a folder.
    pub fn create(path: &Path, name: &str, passphrase: SecretVec, cost: Cost) -> Result<Self, OfficialError> {
        let (ed, kem) = (SecretBytes::<32>::random(&mut Random), SecretBytes::<32>::random(&mut Random));
        Self::write_new(path, Text::new(name)?, (&ed, &kem), (passphrase, cost), |_| Ok(()))
    }

    /// Writes a file with these keys, and whatever `fill` adds.
    pub(super) fn write_new(
        path: &Path,
        name: Text,
        (ed, kem_seed): (&SecretBytes<32>, &SecretBytes<32>),
        (passphrase, cost): (SecretVec, Cost),
        fill: impl FnOnce(&mut Self) -> Result<(), OfficialError>,
    ) -> Result<Self, OfficialError> {
        let path = locate(path);
        if in_folder(&path) {
            check_private_folder(folder_of(&path))?;
        }
        let (signing, kem) = (SigningKey::from_seed(ed), KemSecretKey::from_seed(kem_seed.clone()));
        let (ed_vk, kem_pk) = (*signing.verifying_key().as_bytes(), kem.public_key());
        let stored = Stored {
            v: V1,
            name,
            ed_vk: Hex(ed_vk),
            kem_pk: Bytes(kem_pk.as_bytes().to_vec()),
            keys: Bytes(Vec::new()),
            sum: Hex([0; 32]),
            ceremony: None,
            shares: Vec::new(),
            requests: Vec::new(),
            backup: None,
            aborted: Vec::new(),
        };
        let both = Secret::new([ed.expose().as_slice(), kem_seed.expose()].concat());
        let mut file = Self { path, read: [0; 32], passphrase, cost, stored, signing, kem };
        file.stored.keys = Bytes(file.seal_bytes(both.expose(), &file.keys_aad())?);
        file.stored.sum = file.stored.keys_sum();
        fill(&mut file)?;
        let bytes = json::to_vec(&file.stored)?;
        write_private(&file.path, &bytes)?;
        file.read = sha256(&bytes);
        Ok(file)
    }

    /// Opens one. Errors: file, mode, owner; [`KeyFileError`]: `Passphrase`, `Damaged`, `Misplaced`, `OtherOfficial` for
    /// a card of somebody else beside it.
    pub fn open(path: &Path, passphrase: SecretVec, cost: Cost) -> Result<Self, OfficialError> {
        let path = locate(path);
        if in_folder(&path) {
            check_private_folder(folder_of(&path))?;
        }
        let text = read_private(&path)?;
        let damaged = |part| move |source: Error| KeyFileError::Damaged { part, source };
        let stored: Stored = json::from_slice(text.trim_end().as_bytes()).map_err(damaged(PartKind::File))?;
        if stored.keys_sum() != stored.sum {
            return Err(damaged(PartKind::Keys)(Code::Checksum.into()).into());
        }
        let (ed, kem) = open_seeds(&stored, &passphrase)?;
        let (signing, kem) = (SigningKey::from_seed(&ed), KemSecretKey::from_seed(kem));
        let fits = *signing.verifying_key().as_bytes() == stored.ed_vk.0
            && kem.public_key().as_bytes() == stored.kem_pk.0.as_slice();
        if !fits {
            return Err(KeyFileError::Misplaced { part: PartKind::Keys }.into());
        }
        let file = Self { path, read: sha256(text.as_bytes()), passphrase, cost, stored, signing, kem };
        file.check_card()?;
        Ok(file)
    }

    /// A folder that holds one official's key file and another one's card was mixed up by somebody.
    fn check_card(&self) -> Result<(), OfficialError> {
        let Ok(bytes) = std::fs::read(self.card_path()) else { return Ok(()) };
        let card: Card =
            json::from_slice(&bytes).map_err(|source| KeyFileError::Damaged { part: PartKind::Card, source })?;
        if (card.ed_vk, &card.kem_pk) == (self.stored.ed_vk, &self.stored.kem_pk) {
            Ok(())
        } else {
            Err(KeyFileError::OtherOfficial.into())
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its card stands: in the folder, or beside the file.
    #[must_use]
    pub fn card_path(&self) -> PathBuf {
        if in_folder(&self.path) { folder_of(&self.path).join(CARD_FILE) } else { self.path.with_extension(CARD_FILE) }
    }

    /// The public part.
    #[must_use]
    pub fn card(&self) -> Card {
        Card { v: V1, name: self.stored.name.clone(), ed_vk: self.stored.ed_vk, kem_pk: self.stored.kem_pk.clone() }
    }

    /// The signing key.
    #[must_use]
    pub const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Its public half.
    #[must_use]
    pub fn verifying(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }

    /// The key that others seal to.
    #[must_use]
    pub const fn kem(&self) -> &KemSecretKey {
        &self.kem
    }

    /// Its public half.
    #[must_use]
    pub fn kem_public(&self) -> KemPublicKey {
        self.kem.public_key()
    }

    fn seal_bytes(&self, secret: &[u8], aad: &[u8]) -> Result<Vec<u8>, OfficialError> {
        Ok(seal_key_file(self.passphrase.expose(), secret, aad, self.cost, &mut Random)?)
    }

    fn seal(&self, (kind, aad): Place, id: B32, secret: &[u8]) -> Result<Part, OfficialError> {
        let sealed = self.seal_bytes(secret, &aad)?;
        Ok(Part { id: Hex(id), sum: kind.sum(&[], &sealed), sealed: Bytes(sealed) })
    }

    fn unseal(&self, (kind, aad): Place, part: &Part) -> Result<SecretVec, KeyFileError> {
        self.unseal_bytes(kind, (&[], &part.sealed.0, &part.sum), &aad)
    }

    /// The sum tells damage; after it the passphrase, which opened the keys, is not to blame.
    fn unseal_bytes(
        &self,
        part: PartKind,
        (bound, sealed, sum): (&[u8], &[u8], &Hex32),
        aad: &[u8],
    ) -> Result<SecretVec, KeyFileError> {
        if part.sum(bound, sealed) != *sum {
            return Err(KeyFileError::Damaged { part, source: Code::Checksum.into() });
        }
        open_key_file(self.passphrase.expose(), sealed, aad).map_err(|source| match source.code() {
            Code::Passphrase => KeyFileError::Misplaced { part },
            _ => KeyFileError::Damaged { part, source },
        })
    }

    /// A crash leaves the old or the new file.
    fn save(&mut self) -> Result<(), OfficialError> {
        let bytes = json::to_vec(&self.stored)?;
        replace_private(&self.path, &self.read, &bytes)?;
        self.read = sha256(&bytes);
        Ok(())
    }

    /// The state of the ceremony with this id, if it was begun.
    pub(super) fn ceremony(&self, id: &B32) -> Result<Option<SecretVec>, OfficialError> {
        let part = self.stored.ceremony.as_ref().filter(|c| c.id.0 == *id);
        Ok(part.map(|part| self.unseal(self.ceremony_part(id), part)).transpose()?)
    }

    /// Keeps the state of a ceremony; one at a time.
    pub(super) fn set_ceremony(&mut self, id: B32, state: &SecretVec) -> Result<(), OfficialError> {
        self.stored.ceremony = Some(self.seal(self.ceremony_part(&id), id, state.expose())?);
        self.save()
    }

    /// The fresh key of a request, made when it is asked for first.
    pub(super) fn make_request_key(&mut self, request: &B32) -> Result<KemSecretKey, OfficialError> {
        if let Some(key) = self.request_key(request)? {
            return Ok(key);
        }
        let key = KemSecretKey::generate(&mut Random);
        let sealed = self.seal(self.request_part(request), *request, key.seed().expose())?;
        self.stored.requests.push(sealed);
        self.save()?;
        Ok(key)
    }

    /// The fresh key of a request, if this official approved it.
    pub(super) fn request_key(&self, request: &B32) -> Result<Option<KemSecretKey>, OfficialError> {
        let Some(part) = self.stored.requests.iter().find(|r| r.id.0 == *request) else { return Ok(None) };
        let seed = self.unseal(self.request_part(request), part)?;
        let seed: [u8; 32] = seed.expose().as_slice().try_into().map_err(|_| Code::Size)?;
        Ok(Some(KemSecretKey::from_seed(Secret::new(seed))))
    }

    /// Drops the fresh keys of requests that have ended.
    pub(super) fn forget_requests(&mut self, ended: impl Fn(&B32) -> bool) -> Result<(), OfficialError> {
        let before = self.stored.requests.len();
        self.stored.requests.retain(|r| !ended(&r.id.0));
        if self.stored.requests.len() < before { self.save() } else { Ok(()) }
    }

    fn keys_aad(&self) -> Vec<u8> {
        keys_aad(&self.stored.ed_vk.0, &self.stored.kem_pk.0)
    }

    fn aad(&self, place: &str, id: &B32) -> Vec<u8> {
        [place.as_bytes(), &self.stored.ed_vk.0, id].concat()
    }

    fn ceremony_part(&self, id: &B32) -> Place {
        (PartKind::Ceremony(*id), self.aad("tabir/v1/ceremony-state", id))
    }

    fn request_part(&self, id: &B32) -> Place {
        (PartKind::Request(*id), self.aad("tabir/v1/request-key", id))
    }
}

/// Ed25519 seed 32 ‖ X-Wing seed 32. Errors: `Passphrase`; `Damaged` for what was never such a part.
fn open_seeds(stored: &Stored, passphrase: &SecretVec) -> Result<(SecretBytes<32>, SecretBytes<32>), KeyFileError> {
    let damaged = |source| KeyFileError::Damaged { part: PartKind::Keys, source };
    let aad = keys_aad(&stored.ed_vk.0, &stored.kem_pk.0);
    let both = open_key_file(passphrase.expose(), &stored.keys.0, &aad).map_err(|e| match e.code() {
        Code::Passphrase => KeyFileError::Passphrase,
        _ => damaged(e),
    })?;
    let (seeds, rest) = both.expose().as_chunks::<32>();
    match (seeds, rest) {
        ([ed, kem], []) => Ok((Secret::new(*ed), Secret::new(*kem))),
        _ => Err(damaged(Code::Size.into())),
    }
}

fn keys_aad(ed_vk: &B32, kem_pk: &[u8]) -> Vec<u8> {
    [b"tabir/v1/official".as_slice(), ed_vk, kem_pk].concat()
}
