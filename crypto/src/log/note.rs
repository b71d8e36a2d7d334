//! Signed notes: a text, an empty line, signature lines. Source: c2sp.org/signed-note.
//!
//! ```text
//! <text, ends with a newline>
//! <empty line: the last one of the note>
//! — <key name> <base64(key id 4 ‖ signature)>          one or more
//!
//! verifier key = <key name>+<key id, 8 hex digits>+<base64(type 1 ‖ public key 32)>
//! key id       = SHA-256(key name ‖ 0x0A ‖ type ‖ public key)[:4]
//! ```
//! Types: 0x01 Ed25519 over the text, 0x04 timestamped cosignature ([`super::cosignature`]); no others. Signatures by
//! unknown keys are carried along and ignored. One of a known key that stands twice or fails refuses the whole note.

use core::fmt;

use crate::codec::{B32, b64, fixed, tagged, unb64, unhex};
use crate::ed25519::{SigningKey, VerifyingKey};
use crate::error::{Code, Result, need};
use crate::secret::SecretBytes;

/// The longest note: the 16 signatures that everybody must accept, at the 5 kB of post-quantum ones in base64, and the text.
pub const MAX_NOTE: usize = 128 * 1024;
/// The most signature lines: enough for any set of witnesses, few enough to look through.
pub const MAX_SIGNATURES: usize = 100;
/// The longest key name: what a length of one byte can hold, as in the newer cosignature format.
const MAX_NAME: usize = 255;

const DASH: &str = "\u{2014} ";

/// What a key signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// 0x01: Ed25519 over the text.
    Ed25519,
    /// 0x04: a witness's timestamp and Ed25519 over it and the text.
    Cosignature,
}

impl SignatureType {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A public key under its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: SignatureType,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key under a name. Error: `note` (a name that is empty, too long, or has a space, control character or plus).
    pub fn new(name: &str, kind: SignatureType, key: VerifyingKey) -> Result<Self> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), kind, key })
    }

    /// Reads `<name>+<key id>+<base64>`. Errors: `note`, those of [`VerifyingKey::from_bytes`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = text.splitn(3, '+');
        let mut next = || parts.next().ok_or(Code::Note);
        let (name, id, material) = (next()?, next()?, unb64(next()?).map_err(|_| Code::Note)?);
        let (kind, key) = material.split_first().ok_or(Code::Note)?;
        let kind = match kind {
            1 => SignatureType::Ed25519,
            4 => SignatureType::Cosignature,
            _ => return Err(Code::Note.into()),
        };
        let key = Self::new(name, kind, VerifyingKey::from_bytes(key)?)?;
        need(unhex(id).is_ok_and(|id: [u8; 4]| id == key.id()), Code::Note)?;
        Ok(key)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The short id that stands in signature lines. Not a commitment to the key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..]: B32 = tagged(&self.name, &[b"\n", &[self.kind.byte()], self.key.as_bytes()]);
        [a, b, c, d]
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.kind.byte()];
        material.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), b64(&material))
    }
}

fn check_name(name: &str) -> Result<()> {
    let letters = !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
    need(letters && (1..=MAX_NAME).contains(&name.len()), Code::Note)
}

/// One signature line, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl NoteSignature {
    pub(crate) fn by(key: &VerifierKey, signature: Vec<u8>) -> Self {
        Self { name: key.name.clone(), id: key.id(), signature }
    }

    /// Reads one line, without the newline behind it. Error: `note`.
    pub fn parse(line: &str) -> Result<Self> {
        let (name, encoded) = line.strip_prefix(DASH).and_then(|l| l.split_once(' ')).ok_or(Code::Note)?;
        check_name(name)?;
        let bytes = unb64(encoded).map_err(|_| Code::Note)?;
        let (id, signature) = bytes.split_at_checked(4).ok_or(Code::Note)?;
        need(!signature.is_empty(), Code::Note)?;
        Ok(Self { name: name.to_owned(), id: fixed(id)?, signature: signature.to_vec() })
    }

    /// Whether name and id are those of this key.
    #[must_use]
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.id == key.id()
    }

    /// The signature itself, behind the key id.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Display for NoteSignature {
    /// The line, without a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DASH}{} {}", self.name, b64(&[&self.id[..], &self.signature].concat()))
    }
}

/// A note whose form is right and whose signatures nobody has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Signs a text. Error: `note` (a text that does not end with a newline, or holds control characters).
    pub fn signed(text: &str, signer: &NoteSigner) -> Result<Self> {
        check_text(text)?;
        Ok(Self { text: text.to_owned(), signatures: vec![signer.sign(text)] })
    }

    /// Reads a note. Errors: `too-long`, `note`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        need(bytes.len() <= MAX_NOTE, Code::TooLong)?;
        let all = core::str::from_utf8(bytes).map_err(|_| Code::Note)?;
        let (text, lines) = all.rsplit_once("\n\n").ok_or(Code::Note)?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let lines = lines.strip_suffix('\n').ok_or(Code::Note)?;
        need(lines.split('\n').count() <= MAX_SIGNATURES, Code::TooLong)?;
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_>>()?;
        Ok(Self { text, signatures })
    }

    /// What is signed: the text with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines, those of unknown keys included.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The signature line of a key, if there is one. Error: `duplicate`.
    pub fn signature_by(&self, key: &VerifierKey) -> Result<Option<&NoteSignature>> {
        let mut of_key = self.signatures.iter().filter(|s| s.is_by(key));
        let first = of_key.next();
        need(of_key.next().is_none(), Code::Duplicate)?;
        Ok(first)
    }

    /// Checks the signature of a key that must have signed. Errors: `unknown-key` (no line of this key),
    /// `duplicate`, those of [`VerifyingKey::verify`], `note` (the key is a witness's).
    pub fn verify(&self, key: &VerifierKey) -> Result<()> {
        need(key.kind == SignatureType::Ed25519, Code::Note)?;
        let signature = self.signature_by(key)?.ok_or(Code::UnknownKey)?;
        key.key.verify(self.text.as_bytes(), signature.bytes())
    }

    /// Adds a line; one of the same name and id is replaced.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures.retain(|s| s.name != signature.name || s.id != signature.id);
        self.signatures.push(signature);
    }

    /// Leaves out the lines of all other keys.
    pub(super) fn keep_only(&mut self, keys: &[VerifierKey]) {
        self.signatures.retain(|s| keys.iter().any(|key| s.is_by(key)));
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|s| writeln!(f, "{s}"))
    }
}

fn check_text(text: &str) -> Result<()> {
    let ok = text.len() > 1 && text.ends_with('\n') && !text.bytes().any(|b| b < 0x20 && b != b'\n');
    need(ok, Code::Note)
}

/// A private key that signs notes.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    public: VerifierKey,
    key: SigningKey,
}

impl NoteSigner {
    /// From an Ed25519 seed. Error: `note` (the name).
    pub fn from_seed(name: &str, seed: &SecretBytes<32>) -> Result<Self> {
        let key = SigningKey::from_seed(seed);
        Ok(Self { public: VerifierKey::new(name, SignatureType::Ed25519, key.verifying_key())?, key })
    }

    /// The public half.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    fn sign(&self, text: &str) -> NoteSignature {
        NoteSignature::by(&self.public, self.key.sign(text.as_bytes()).to_vec())
    }
}
