//! An official's key file: everything secret in it is sealed under the official's passphrase, each for its place.
//!
//! ```text
//! JSON, mode 0600, replaced as a whole:
//! {v, name, ed_vk, kem_pk, keys, ceremony?: {ceremony_id, sealed}, shares: [{council_id, sealed}], requests: [{request_hash, sealed}]}
//! keys      ed seed 32 ‖ X-Wing seed 32      aad "tabir/v1/official" ‖ ed_vk ‖ kem_pk
//! ceremony  JSON of a step                   aad "tabir/v1/ceremony-state" ‖ ed_vk ‖ ceremony_id
//! share     index 2 ‖ s 32                   aad lineage ‖ council_id ‖ index ‖ Y_i, and s checked against Y_i on load
//! request   X-Wing seed 32                   aad "tabir/v1/request-key" ‖ ed_vk ‖ request_hash
//! ```
//! A file that was changed, or a part that was moved to another place, does not open.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tabir_crypto::codec::{sha256, tagged};
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey};
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::receipt::proquints;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::value::{Bytes, Hex, Hex32, Text, V1};
use tabir_crypto::threshold::{Council, Share};
use tabir_crypto::{B32, Code, Secret, SecretBytes, json};

use super::OfficialError;
use crate::clock::Random;
use crate::config::ConfigError;
use crate::config::keys::{read_private, write_private};

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

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v: V1,
    name: Text,
    ed_vk: Hex32,
    kem_pk: Bytes,
    keys: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ceremony: Option<Part>,
    #[serde(default)]
    shares: Vec<Part>,
    #[serde(default)]
    requests: Vec<Part>,
}

/// Something sealed, by the id of what it belongs to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    id: Hex32,
    sealed: Bytes,
}

/// An open key file.
pub struct OfficialFile {
    path: PathBuf,
    passphrase: SecretVec,
    cost: Cost,
    stored: Stored,
    signing: SigningKey,
    kem: KemSecretKey,
}

impl OfficialFile {
    /// Makes keys and writes the file; refuses to overwrite one.
    pub fn create(path: &Path, name: &str, passphrase: SecretVec, cost: Cost) -> Result<Self, OfficialError> {
        let (ed, kem) = (SecretBytes::<32>::random(&mut Random), SecretBytes::<32>::random(&mut Random));
        let (signing, kem_key) = (SigningKey::from_seed(&ed), KemSecretKey::from_seed(kem.clone()));
        let (ed_vk, kem_pk) = (*signing.verifying_key().as_bytes(), kem_key.public_key());
        let both = Secret::new([ed.expose().as_slice(), kem.expose()].concat());
        let aad = keys_aad(&ed_vk, kem_pk.as_bytes());
        let keys = seal_key_file(passphrase.expose(), both.expose(), &aad, cost, &mut Random)?;
        let stored = Stored {
            v: V1,
            name: Text::new(name)?,
            ed_vk: Hex(ed_vk),
            kem_pk: Bytes(kem_pk.as_bytes().to_vec()),
            keys: Bytes(keys),
            ceremony: None,
            shares: Vec::new(),
            requests: Vec::new(),
        };
        write_private(path, &json::to_vec(&stored)?)?;
        Ok(Self { path: path.into(), passphrase, cost, stored, signing, kem: kem_key })
    }

    /// Opens one. Errors: `passphrase`, those of strict JSON, of the file's mode; `context` for keys that don't fit.
    pub fn open(path: &Path, passphrase: SecretVec, cost: Cost) -> Result<Self, OfficialError> {
        let key_error = |source| ConfigError::Key { path: path.into(), source };
        let stored: Stored = json::from_slice(read_private(path)?.trim_end().as_bytes()).map_err(key_error)?;
        let aad = keys_aad(&stored.ed_vk.0, &stored.kem_pk.0);
        let both = open_key_file(passphrase.expose(), &stored.keys.0, &aad).map_err(key_error)?;
        let (seeds, _) = both.expose().as_chunks::<32>();
        let [ed, kem] = seeds else { return Err(key_error(Code::Size.into()).into()) };
        let signing = SigningKey::from_seed(&Secret::new(*ed));
        let kem = KemSecretKey::from_seed(Secret::new(*kem));
        let fits = *signing.verifying_key().as_bytes() == stored.ed_vk.0
            && kem.public_key().as_bytes() == stored.kem_pk.0.as_slice();
        if !fits {
            return Err(key_error(Code::Context.into()).into());
        }
        Ok(Self { path: path.into(), passphrase, cost, stored, signing, kem })
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

    fn seal(&self, id: B32, secret: &[u8], aad: &[u8]) -> Result<Part, OfficialError> {
        let sealed = seal_key_file(self.passphrase.expose(), secret, aad, self.cost, &mut Random)?;
        Ok(Part { id: Hex(id), sealed: Bytes(sealed) })
    }

    fn unseal(&self, part: &Part, aad: &[u8]) -> Result<SecretVec, OfficialError> {
        Ok(open_key_file(self.passphrase.expose(), &part.sealed.0, aad)?)
    }

    /// Another file beside this one, then in its place: a crash leaves the old or the new one.
    fn save(&self) -> Result<(), OfficialError> {
        let beside = self.path.with_extension("new");
        let error = |source| ConfigError::File { path: self.path.clone(), source };
        match std::fs::remove_file(&beside) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(error(e).into()),
            _ => {}
        }
        write_private(&beside, &json::to_vec(&self.stored)?)?;
        std::fs::rename(&beside, &self.path).map_err(error)?;
        Ok(())
    }

    /// The state of the ceremony with this id, if it was begun.
    pub(super) fn ceremony(&self, id: &B32) -> Result<Option<SecretVec>, OfficialError> {
        let part = self.stored.ceremony.as_ref().filter(|c| c.id.0 == *id);
        part.map(|part| self.unseal(part, &self.aad("tabir/v1/ceremony-state", id))).transpose()
    }

    /// Keeps the state of a ceremony; one at a time.
    pub(super) fn set_ceremony(&mut self, id: B32, state: &SecretVec) -> Result<(), OfficialError> {
        let sealed = self.seal(id, state.expose(), &self.aad("tabir/v1/ceremony-state", &id))?;
        self.stored.ceremony = Some(sealed);
        self.save()
    }

    /// This official's share in a council. Errors: `not-active` when there is none, `passphrase`, `share`.
    pub fn share(&self, council: &Council) -> Result<Share, OfficialError> {
        let id = council.council_id();
        let part = self.stored.shares.iter().find(|s| s.id.0 == *id).ok_or(Code::NotActive)?;
        let share = Share::from_bytes(self.unseal(part, &self.share_aad(council)?)?.expose())?;
        share.check(council)?;
        Ok(share)
    }

    /// Whether there is a share of this council.
    #[must_use]
    pub fn has_share(&self, council_id: &B32) -> bool {
        self.stored.shares.iter().any(|s| s.id.0 == *council_id)
    }

    /// Keeps a share, and what the ceremony does next, in one write.
    pub(super) fn set_share(
        &mut self,
        council: &Council,
        share: &Share,
        (ceremony, state): (B32, &SecretVec),
    ) -> Result<(), OfficialError> {
        share.check(council)?;
        let id = *council.council_id();
        let sealed = self.seal(id, share.to_bytes().expose(), &self.share_aad(council)?)?;
        self.stored.shares.retain(|s| s.id.0 != id);
        self.stored.shares.push(sealed);
        self.set_ceremony(ceremony, state)
    }

    /// The fresh key of a request, made when it is asked for first.
    pub(super) fn make_request_key(&mut self, request: &B32) -> Result<KemSecretKey, OfficialError> {
        if let Some(key) = self.request_key(request)? {
            return Ok(key);
        }
        let key = KemSecretKey::generate(&mut Random);
        let sealed = self.seal(*request, key.seed().expose(), &self.aad("tabir/v1/request-key", request))?;
        self.stored.requests.push(sealed);
        self.save()?;
        Ok(key)
    }

    /// The fresh key of a request, if this official approved it.
    pub(super) fn request_key(&self, request: &B32) -> Result<Option<KemSecretKey>, OfficialError> {
        let Some(part) = self.stored.requests.iter().find(|r| r.id.0 == *request) else { return Ok(None) };
        let seed = self.unseal(part, &self.aad("tabir/v1/request-key", request))?;
        let seed: [u8; 32] = seed.expose().as_slice().try_into().map_err(|_| Code::Size)?;
        Ok(Some(KemSecretKey::from_seed(Secret::new(seed))))
    }

    /// Drops the fresh keys of requests that have ended.
    pub(super) fn forget_requests(&mut self, ended: impl Fn(&B32) -> bool) -> Result<(), OfficialError> {
        let before = self.stored.requests.len();
        self.stored.requests.retain(|r| !ended(&r.id.0));
        if self.stored.requests.len() < before { self.save() } else { Ok(()) }
    }

    fn aad(&self, place: &str, id: &B32) -> Vec<u8> {
        [place.as_bytes(), &self.stored.ed_vk.0, id].concat()
    }

    fn share_aad(&self, council: &Council) -> Result<Vec<u8>, OfficialError> {
        let own = council.member_by_key(&self.verifying()).ok_or(Code::Index)?;
        let index = own.index.to_be_bytes();
        Ok([council.lineage().as_slice(), council.council_id(), &index, &own.yi.compress()].concat())
    }
}

fn keys_aad(ed_vk: &B32, kem_pk: &[u8]) -> Vec<u8> {
    [b"tabir/v1/official".as_slice(), ed_vk, kem_pk].concat()
}
