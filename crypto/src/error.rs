//! The one error of this crate: a stable code, and where it helps, who or what is to blame.

use core::fmt;

/// Result of every decoder and check of this crate.
pub type Result<T> = core::result::Result<T, Error>;

/// Why something was refused. Codes are stable: they stand in the vectors, in problem documents and in audit reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    // building blocks
    /// A length that the format does not have.
    Size,
    /// A version that this code does not know.
    Version,
    /// A suite that this code does not know.
    Suite,
    /// Bit 255 of a u-coordinate is set.
    Bit255,
    /// Another encoding of the same value exists and is the right one.
    NonCanonical,
    /// A u-coordinate of the twist.
    Twist,
    /// A point of low order, the identity included.
    LowOrder,
    /// A point outside the prime-order subgroup.
    MixedOrder,
    /// No point has this encoding.
    OffCurve,
    /// A scalar that is not below the group order.
    Scalar,
    /// An Ed25519 public key in a wrong encoding.
    AEncoding,
    /// The R of an Ed25519 signature in a wrong encoding.
    REncoding,
    /// An Ed25519 public key of small order.
    ASmallOrder,
    /// The R of an Ed25519 signature of small order.
    RSmallOrder,
    /// A signature that does not verify.
    Signature,
    /// A ciphertext that does not open.
    Aead,
    /// A public key or encapsulated key that the KEM refuses.
    Kem,
    /// The random source failed.
    Random,
    // strict JSON and statements
    /// Not UTF-8.
    Utf8,
    /// Not JSON.
    Json,
    /// A field of a JSON object stands twice.
    RepeatedField,
    /// A number that is not an integer from 0 to 2^53 - 1.
    Integer,
    /// More than eight levels of JSON.
    Depth,
    /// Bytes after the end.
    Trailing,
    /// Not base64 in its one form.
    Base64,
    /// Not lower-case hex.
    Hex,
    /// A field that the schema does not have.
    UnknownField,
    /// A field that the schema demands is missing.
    MissingField,
    /// A field with a value that the schema does not allow.
    Field,
    /// Longer than the format allows.
    TooLong,
    /// A verb that nobody signs.
    Verb,
    /// No signature.
    Signatures,
    /// Signatures out of order, or one twice.
    SignatureOrder,
    /// A signature by a key that is not known for this statement.
    UnknownKey,
    /// A signature that this verb needs is missing.
    Insufficient,
    // receipt, content, record
    /// Not nine groups of five letters.
    Groups,
    /// A letter that cannot stand there.
    Letters,
    /// A checksum that does not fit: a receipt's last group, a part of a key file, a row of a paper.
    Checksum,
    /// Padding that is not zero.
    Pad,
    /// An inner length that does not fit.
    Length,
    // sealed identity
    /// The sender did not prove that he made this envelope for this label.
    SenderProof,
    /// The key does not fit the envelope's key commitment.
    Commitment,
    /// A DH output of zero.
    ZeroDh,
    /// Sealed to another warden key.
    WardenKey,
    /// The case key does not belong to this case.
    CaseKey,
    /// The case key did not sign this envelope.
    CaseSig,
    /// A member's index out of range.
    Index,
    /// Made for another council, request or checkpoint.
    Context,
    /// A partial decryption whose proof fails.
    Dleq,
    /// One member twice.
    Duplicate,
    /// Fewer than the threshold.
    TooFew,
    /// A share that is not this member's current one.
    Share,
    /// A threshold or size outside 2 <= t <= n <= 15.
    Threshold,
    /// A ceremony message that does not fit its round.
    Ceremony,
    /// The passphrase does not open the key file, or the file was changed.
    Passphrase,
    // tokens
    /// A token type other than 0x0002.
    TokenType,
    /// A token key that is unknown, expired, or not RSA-2048 with e = 65537.
    TokenKey,
    /// A token for another challenge.
    TokenChallenge,
    /// A token whose authenticator does not verify.
    TokenInvalid,
    /// An issuer's answer that does not finalize.
    BlindSignature,
    /// A puzzle answer that is wrong, expired or not ours.
    Puzzle,
    // logs and trust
    /// Not a signed note.
    Note,
    /// Not a checkpoint of this log.
    Checkpoint,
    /// Fewer witnesses than the quorum.
    Quorum,
    /// An inclusion proof that fails.
    Inclusion,
    /// Two checkpoints of which neither extends the other.
    Consistency,
    /// A tile or entry bundle that is malformed or does not fit the tree.
    Tile,
    /// A checkpoint older than the freshness limit.
    Stale,
    /// A checkpoint smaller than one seen before.
    Shrunk,
    /// A trust root that is malformed or does not follow from the one before.
    Trust,
    /// Two keys for one role and epoch.
    KeyConflict,
    /// A key before its activation or after its end.
    NotActive,
    /// A step of the unseal protocol out of its order.
    Order,
    /// A release before its cooling-off is over.
    CoolingOff,
    /// More releases on a day than the warden may make alone.
    Cap,
}

impl Code {
    /// The stable text of this code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Version => "version",
            Self::Suite => "suite",
            Self::Bit255 => "bit-255",
            Self::NonCanonical => "non-canonical",
            Self::Twist => "twist",
            Self::LowOrder => "low-order",
            Self::MixedOrder => "mixed-order",
            Self::OffCurve => "off-curve",
            Self::Scalar => "scalar",
            Self::AEncoding => "A-encoding",
            Self::REncoding => "R-encoding",
            Self::ASmallOrder => "A-small-order",
            Self::RSmallOrder => "R-small-order",
            Self::Signature => "signature",
            Self::Aead => "aead",
            Self::Kem => "kem",
            Self::Random => "random",
            Self::Utf8 => "utf-8",
            Self::Json => "json",
            Self::RepeatedField => "repeated-field",
            Self::Integer => "integer",
            Self::Depth => "depth",
            Self::Trailing => "trailing",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::UnknownField => "unknown-field",
            Self::MissingField => "missing-field",
            Self::Field => "field",
            Self::TooLong => "too-long",
            Self::Verb => "verb",
            Self::Signatures => "signatures",
            Self::SignatureOrder => "signature-order",
            Self::UnknownKey => "unknown-key",
            Self::Insufficient => "insufficient-signatures",
            Self::Groups => "groups",
            Self::Letters => "letters",
            Self::Checksum => "checksum",
            Self::Pad => "pad",
            Self::Length => "length",
            Self::SenderProof => "sender-proof",
            Self::Commitment => "commitment",
            Self::ZeroDh => "zero-dh",
            Self::WardenKey => "warden-key",
            Self::CaseKey => "case-key",
            Self::CaseSig => "case-sig",
            Self::Index => "index",
            Self::Context => "context",
            Self::Dleq => "dleq",
            Self::Duplicate => "duplicate",
            Self::TooFew => "too-few",
            Self::Share => "share",
            Self::Threshold => "threshold",
            Self::Ceremony => "ceremony",
            Self::Passphrase => "passphrase",
            Self::TokenType => "token-type",
            Self::TokenKey => "token-key",
            Self::TokenChallenge => "token-challenge",
            Self::TokenInvalid => "token-invalid",
            Self::BlindSignature => "blind-signature",
            Self::Puzzle => "puzzle",
            Self::Note => "note",
            Self::Checkpoint => "checkpoint",
            Self::Quorum => "quorum",
            Self::Inclusion => "inclusion",
            Self::Consistency => "consistency",
            Self::Tile => "tile",
            Self::Stale => "stale",
            Self::Shrunk => "shrunk",
            Self::Trust => "trust",
            Self::KeyConflict => "key-conflict",
            Self::NotActive => "not-active",
            Self::Order => "order",
            Self::CoolingOff => "cooling-off",
            Self::Cap => "cap",
        }
    }

    /// One sentence for people, in English, without any input in it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Size => "a length that the format does not have",
            Self::Version => "a version that this code does not know",
            Self::Suite => "a suite that this code does not know",
            Self::Bit255 => "bit 255 of a u-coordinate is set",
            Self::NonCanonical => "another encoding of the same value exists and is the right one",
            Self::Twist => "a u-coordinate of the twist",
            Self::LowOrder => "a point of low order, the identity included",
            Self::MixedOrder => "a point outside the prime-order subgroup",
            Self::OffCurve => "no point has this encoding",
            Self::Scalar => "a scalar that is not below the group order",
            Self::AEncoding => "an Ed25519 public key in a wrong encoding",
            Self::REncoding => "the R of an Ed25519 signature in a wrong encoding",
            Self::ASmallOrder => "an Ed25519 public key of small order",
            Self::RSmallOrder => "the R of an Ed25519 signature of small order",
            Self::Signature => "a signature that does not verify",
            Self::Aead => "a ciphertext that does not open",
            Self::Kem => "a public key or encapsulated key that the KEM refuses",
            Self::Random => "the random source failed",
            Self::Utf8 => "not UTF-8",
            Self::Json => "not JSON",
            Self::RepeatedField => "a field of a JSON object stands twice",
            Self::Integer => "a number that is not an integer from 0 to 2^53 - 1",
            Self::Depth => "more than eight levels of JSON",
            Self::Trailing => "bytes after the end",
            Self::Base64 => "not base64 in its one form",
            Self::Hex => "not lower-case hex",
            Self::UnknownField => "a field that the schema does not have",
            Self::MissingField => "a field that the schema demands is missing",
            Self::Field => "a field with a value that the schema does not allow",
            Self::TooLong => "longer than the format allows",
            Self::Verb => "a verb that nobody signs",
            Self::Signatures => "no signature",
            Self::SignatureOrder => "signatures out of order, or one twice",
            Self::UnknownKey => "a signature by a key that is not known for this statement",
            Self::Insufficient => "a signature that this verb needs is missing",
            Self::Groups => "not nine groups of five letters",
            Self::Letters => "a letter that cannot stand there",
            Self::Checksum => {
                "a checksum that does not fit: a receipt's last group, a part of a key file, a row of a paper"
            }
            Self::Pad => "padding that is not zero",
            Self::Length => "an inner length that does not fit",
            Self::SenderProof => "the sender did not prove that he made this envelope for this label",
            Self::Commitment => "the key does not fit the envelope's key commitment",
            Self::ZeroDh => "a DH output of zero",
            Self::WardenKey => "sealed to another warden key",
            Self::CaseKey => "the case key does not belong to this case",
            Self::CaseSig => "the case key did not sign this envelope",
            Self::Index => "a member's index out of range",
            Self::Context => "made for another council, request or checkpoint",
            Self::Dleq => "a partial decryption whose proof fails",
            Self::Duplicate => "one member twice",
            Self::TooFew => "fewer than the threshold",
            Self::Share => "a share that is not this member's current one",
            Self::Threshold => "a threshold or size outside 2 <= t <= n <= 15",
            Self::Ceremony => "a ceremony message that does not fit its round",
            Self::Passphrase => "the passphrase does not open the key file, or the file was changed",
            Self::TokenType => "a token type other than 0x0002",
            Self::TokenKey => "a token key that is unknown, expired, or not RSA-2048 with e = 65537",
            Self::TokenChallenge => "a token for another challenge",
            Self::TokenInvalid => "a token whose authenticator does not verify",
            Self::BlindSignature => "an issuer's answer that does not finalize",
            Self::Puzzle => "a puzzle answer that is wrong, expired or not ours",
            Self::Note => "not a signed note",
            Self::Checkpoint => "not a checkpoint of this log",
            Self::Quorum => "fewer witnesses than the quorum",
            Self::Inclusion => "an inclusion proof that fails",
            Self::Consistency => "two checkpoints of which neither extends the other",
            Self::Tile => "a tile or entry bundle that is malformed or does not fit the tree",
            Self::Stale => "a checkpoint older than the freshness limit",
            Self::Shrunk => "a checkpoint smaller than one seen before",
            Self::Trust => "a trust root that is malformed or does not follow from the one before",
            Self::KeyConflict => "two keys for one role and epoch",
            Self::NotActive => "a key before its activation or after its end",
            Self::Order => "a step of the unseal protocol out of its order",
            Self::CoolingOff => "a release before its cooling-off is over",
            Self::Cap => "more releases on a day than the warden may make alone",
        }
    }
}

/// A refusal. It never carries a secret or a caller's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Error {
    code: Code,
    at: Option<u16>,
}

impl Error {
    /// A refusal of which nobody in particular is to blame.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, at: None }
    }

    /// A refusal with its culprit: a member's index, or the number of a receipt's group, both from 1.
    #[must_use]
    pub const fn at(code: Code, at: u16) -> Self {
        Self { code, at: Some(at) }
    }

    /// What was refused.
    #[must_use]
    pub const fn code(self) -> Code {
        self.code
    }

    /// The culprit's index, or the receipt's group, where one is known.
    #[must_use]
    pub const fn culprit(self) -> Option<u16> {
        self.at
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.code.describe())?;
        match self.at {
            Some(at) => write!(f, " (number {at})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

/// Refuses with `code` unless `ok`.
pub(crate) fn need(ok: bool, code: Code) -> Result<()> {
    if ok { Ok(()) } else { Err(code.into()) }
}
