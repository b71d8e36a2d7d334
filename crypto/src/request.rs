//! The full text of an unseal request: what the public entry only commits to. Sealed to each official and the warden.
//!
//! ```text
//! plaintext = salt 32 ‖ JSON {v, case_id, access_hash, content_hash, envelope_hash, notice_key, nonce, words, category, recused}
//! commit    = SHA-256("tabir/v1/request" ‖ plaintext)          tag = SHA-256("tabir/v1/notice" ‖ notice_key ‖ nonce)
//! ```
//! `recused` names the officials who were left out, at most n − t, each with a code; it is absent when there are none.
//! `category` is a code of the policy, as the requester states it: only the downstream has read the report. It may be absent.
//! Everybody who opens a text checks it against the logged entry before anything of it is believed.
//! Source: `docs/protocol.md`, "Unseal entries".

use serde::{Deserialize, Serialize};

use crate::codec::{B32, take};
use crate::envelope::{CaseBinding, Outer};
use crate::error::{Code, Error, Result, need};
use crate::hpke::{self, KemPublicKey, KemSecretKey, Use};
use crate::json;
use crate::receipt::{notice_hash, notice_tag, request_commit};
use crate::secret::{Secret, SecretVec};
use crate::statement::body::UnsealRequested;
use crate::statement::value::{CodeText, Hex32, V1};

/// An official who was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recused {
    /// Whose copy nobody can open.
    pub index: u16,
    /// Why.
    pub code: CodeText,
}

/// The text; see the module's head. It has no `Debug`: the notice key tells which cases were opened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequestText {
    pub v: V1,
    pub case_id: Hex32,
    pub access_hash: Hex32,
    pub content_hash: Hex32,
    pub envelope_hash: Hex32,
    pub notice_key: Hex32,
    pub nonce: Hex32,
    /// Why, in words.
    pub words: String,
    /// What the report is about, as the requester states it. Nobody here can check it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CodeText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recused: Vec<Recused>,
}

/// The bytes that are sealed, and what the entry says of them.
pub struct Committed {
    plaintext: SecretVec,
    /// `commit`.
    pub commit: B32,
    /// `tag`.
    pub tag: B32,
}

impl Committed {
    /// One recipient's copy. Error: `kem`.
    pub fn seal(&self, recipient: &KemPublicKey, rng: &mut impl rand_core::CryptoRng) -> Result<Vec<u8>> {
        let place = Use::Request { commit: self.commit, recipient_key_id: recipient.key_id() };
        hpke::uses::seal(recipient, &place, self.plaintext.expose(), rng)
    }
}

impl RequestText {
    /// Ready to be sealed under a random salt. Error: `json`.
    pub fn commit(&self, salt: &B32) -> Result<Committed> {
        let text = Secret::new(json::to_vec(self)?);
        let plaintext = Secret::new([salt.as_slice(), text.expose()].concat());
        let (commit, tag) = (request_commit(salt, text.expose()), notice_tag(&self.notice_key.0, &self.nonce.0));
        Ok(Committed { plaintext, commit, tag })
    }

    /// Opens one copy and checks it against the logged entry. Errors: those of [`hpke::uses::open`], `context` (commit,
    /// tag or public nonce differ), those of strict JSON.
    pub fn open(entry: &UnsealRequested, key: &KemSecretKey, sealed: &[u8]) -> Result<Self> {
        let recipient_key_id = key.public_key().key_id();
        let plaintext = hpke::uses::open(key, &Use::Request { commit: entry.commit.0, recipient_key_id }, sealed)?;
        let mut text = plaintext.expose().as_slice();
        let salt: B32 = take(&mut text)?;
        need(request_commit(&salt, text) == entry.commit.0, Code::Context)?;
        let read: Self = json::from_slice(text)?;
        need(notice_tag(&read.notice_key.0, &read.nonce.0) == entry.tag.0, Code::Context)?;
        // Without a deferral the reporter must be able to find the entry now: by this very nonce.
        let public = entry.nonce.map(|n| n.0);
        need(public == entry.deferred_until.is_none().then_some(read.nonce.0), Code::Context)?;
        Ok(read)
    }

    /// What the envelope must be bound to, for a council of this lineage.
    #[must_use]
    pub fn binding(&self, lineage: B32) -> CaseBinding {
        CaseBinding {
            lineage,
            case_id: self.case_id.0,
            access_hash: self.access_hash.0,
            content_hash: self.content_hash.0,
            notice_hash: notice_hash(&self.notice_key.0),
        }
    }

    /// Whether this is the envelope that is asked for, of this lineage. Errors: those of [`Outer::parse`], `context`.
    pub fn envelope(&self, lineage: &B32, bytes: &[u8]) -> Result<Outer> {
        let outer = Outer::parse(bytes)?;
        need(outer.hash() == self.envelope_hash.0 && outer.lineage() == lineage, Code::Context)?;
        Ok(outer)
    }

    /// Who was left out: members, nobody twice, never the requester, and enough stay to open. Error: `index`, with the
    /// official's number, or `threshold`.
    pub fn check_recused(&self, requester: u16, t: u16, n: u16) -> Result<()> {
        need(self.recused.len() <= usize::from(n.saturating_sub(t)), Code::Threshold)?;
        let mut before = 0;
        for Recused { index, .. } in &self.recused {
            let sound = *index > before && *index <= n && *index != requester;
            need(sound, Code::Index).map_err(|e| Error::at(e.code(), *index))?;
            before = *index;
        }
        Ok(())
    }
}
