//! What stands in a key file, and why one can't be used.
//!
//! ```text
//! sum    SHA-256("tabir/v1/part-keys" ‖ ed_vk ‖ SHA-256(kem_pk) ‖ keys), or
//!        SHA-256("tabir/v1/part-" share, ceremony or request ‖ id ‖ SHA-256(bound, or nothing) ‖ sealed):
//!        tells damage from a wrong passphrase, and names the part
//! bound  lineage 32 ‖ council_id 32 ‖ index 2 ‖ Y_i 32: what a share is sealed for, so that it can be sealed anew
//! ```
//! Both are public and prove nothing; the seal does.

use std::fmt;

use serde::{Deserialize, Serialize};
use tabir_crypto::codec::{fixed, sha256, tagged};
use tabir_crypto::statement::value::{Bytes, Hex, Hex32, Second, Text, V1};
use tabir_crypto::threshold::{Council, CouncilMember};
use tabir_crypto::{B32, Code, Error};

/// The JSON of a key file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    pub v: V1,
    pub name: Text,
    pub ed_vk: Hex32,
    pub kem_pk: Bytes,
    pub keys: Bytes,
    pub sum: Hex32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceremony: Option<Part>,
    #[serde(default)]
    pub shares: Vec<SharePart>,
    #[serde(default)]
    pub requests: Vec<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupMark>,
    /// Ceremonies that were ended: none of them is taken up again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aborted: Vec<Hex32>,
}

/// Something sealed, by the id of what it belongs to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub id: Hex32,
    pub sealed: Bytes,
    pub sum: Hex32,
}

/// A sealed share, by its council's id.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SharePart {
    pub id: Hex32,
    pub bound: Bytes,
    pub sealed: Bytes,
    pub sum: Hex32,
}

/// When a paper backup was made, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupMark {
    /// The day of the paper.
    pub at: Day,
    /// Hash of what stands on it.
    pub of: Hex32,
}

/// A day, `2026-11-25`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

impl Day {
    /// The day of a Unix time. Error: `field` for a year of five digits.
    pub fn of(unix: u64) -> Result<Self, Error> {
        let text = Second(unix).to_string();
        text.split_once('T').map(|(day, _)| Self(day.to_owned())).ok_or(Code::Field.into())
    }

    /// Unix seconds at its start.
    #[must_use]
    pub fn unix(&self) -> u64 {
        Second::parse(&format!("{}T00:00:00Z", self.0)).map_or(0, |s| s.0)
    }
}

impl TryFrom<String> for Day {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Second::parse(&format!("{text}T00:00:00Z")).map(|_| Self(text))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Stored {
    /// The sum that belongs to `keys`: over the public keys too, so that their damage is told as well.
    pub fn keys_sum(&self) -> Hex32 {
        let kem_pk = sha256(&self.kem_pk.0);
        Hex(tagged("tabir/v1/part-keys", &[&self.ed_vk.0, &kem_pk, &self.keys.0]))
    }

    /// What a backup would hold: it changes with the passphrase, and with every share that comes or goes.
    pub fn backed_up(&self) -> B32 {
        let ids: Vec<&[u8]> = self.shares.iter().map(|s| s.id.0.as_slice()).collect();
        tagged("tabir/v1/backup", &[&self.sum.0, &ids.concat()])
    }
}

/// What a sealed part is for: its sum, its seal and its name for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Anything before a part can be told.
    File,
    /// The card beside the key file.
    Card,
    /// Signing and X-Wing key.
    Keys,
    /// The state of the ceremony with this id.
    Ceremony(B32),
    /// The share of the council with this id.
    Share(B32),
    /// The fresh key of the request with this hash.
    Request(B32),
}

impl PartKind {
    /// The sum over what is sealed, and what it is bound to.
    pub(super) fn sum(self, bound: &[u8], sealed: &[u8]) -> Hex32 {
        let (tag, id) = match self {
            Self::Ceremony(id) => ("tabir/v1/part-ceremony", id),
            Self::Share(id) => ("tabir/v1/part-share", id),
            Self::Request(id) => ("tabir/v1/part-request", id),
            Self::File | Self::Keys | Self::Card => ("tabir/v1/part-other", [0; 32]),
        };
        Hex(tagged(tag, &[&id, &sha256(bound), sealed]))
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, id) = match self {
            Self::File => return f.write_str("the file as a whole"),
            Self::Card => return f.write_str("the card beside it"),
            Self::Keys => return f.write_str("your own keys"),
            Self::Ceremony(id) => ("the ceremony under way", id),
            Self::Share(id) => ("the share of council", id),
            Self::Request(id) => ("the key of request", id),
        };
        write!(f, "{what} {}", short(id))
    }
}

/// The first digits of an id, for people.
#[must_use]
pub fn short(id: &B32) -> String {
    hex::encode(id).chars().take(8).collect()
}

/// What a share is sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The key's lineage.
    pub lineage: B32,
    /// The council.
    pub council_id: B32,
    /// The member.
    pub index: u16,
    /// The member's verifying share, compressed.
    pub yi: B32,
}

impl Bound {
    /// 98 bytes.
    const LEN: usize = 32 + 32 + 2 + 32;

    pub(super) fn of(council: &Council, member: &CouncilMember) -> Self {
        let yi = member.yi.compress();
        Self { lineage: *council.lineage(), council_id: *council.council_id(), index: member.index, yi }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        [self.lineage.as_slice(), &self.council_id, &self.index.to_be_bytes(), &self.yi].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; Self::LEN] = fixed(bytes)?;
        let (lineage, rest) = bytes.split_at(32);
        let (council_id, rest) = rest.split_at(32);
        let (index, yi) = rest.split_at(2);
        let index = u16::from_be_bytes(fixed(index)?);
        Ok(Self { lineage: fixed(lineage)?, council_id: fixed(council_id)?, index, yi: fixed(yi)? })
    }
}

/// Why a key file or a paper backup can't be used. Each has a code that does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// The file is whole, so it is the passphrase.
    #[error(
        "wrong passphrase (passphrase). The file itself is whole: type it again, slowly; capitals and spaces count. \
         If it is forgotten, nobody can open this file: see docs/custody/forgotten-passphrase.md"
    )]
    Passphrase,
    /// Bytes of the file are not what was written.
    #[error(
        "the key file is damaged at {part} ({}). Take another copy of the folder, or your paper backup: \
         `tabir council restore`", .source.code().as_str()
    )]
    Damaged {
        /// Where.
        part: PartKind,
        /// What is wrong with it.
        source: Error,
    },
    /// The passphrase fits, the part does not: it was sealed for another place, or changed on purpose.
    #[error(
        "{part} was not sealed for this place in this file (context): somebody changed the file or mixed two. \
         Do not use it; tell the other officials"
    )]
    Misplaced {
        /// Which.
        part: PartKind,
    },
    /// No share of the council that was asked for, nor of an older one of its line.
    #[error("no share of council {} is here (context): what is here is for another council, or for none", short(.0))]
    OtherCouncil(B32),
    /// A share of a council that no log entry made.
    #[error(
        "a share of council {}, which the log does not have (context): it is not formed yet, or of another installation",
        short(.0)
    )]
    NotInLog(B32),
    /// A share that a refresh or a reshare has put out of use.
    #[error(
        "an old copy (share): its share is of epoch {have}, and the council is at epoch {now}. Officials renewed their \
         shares since, and this one cannot be used any more. Take the newest folder or paper; if there is none, ask \
         the others for a reshare: see docs/custody/lost-device.md. Destroy this copy"
    )]
    OlderEpoch {
        /// Of the share.
        have: u64,
        /// Of the council.
        now: u64,
    },
    /// A share of a key that nobody is to use again.
    #[error(
        "a share of council {} (not-active): the officials retired its key and gave up what is sealed to it. Destroy \
         this copy", short(.0)
    )]
    GivenUp(B32),
    /// An old share beside the new one: an opening that was released needs it.
    #[error(
        "the old share of epoch {have} is kept beside that of epoch {now} (share) until an opening that needs it is over; \
         `tabir council status` erases it then"
    )]
    Kept {
        /// Of the old share.
        have: u64,
        /// Of the council.
        now: u64,
    },
    /// Keys of somebody else.
    #[error(
        "these are another official's keys (unknown-key). Give your own key file or folder with --key, or your own paper"
    )]
    OtherOfficial,
}

impl KeyFileError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Passphrase => Code::Passphrase,
            Self::Damaged { source, .. } => source.code(),
            Self::Misplaced { .. } | Self::OtherCouncil(_) | Self::NotInLog(_) => Code::Context,
            Self::OlderEpoch { .. } | Self::Kept { .. } => Code::Share,
            Self::GivenUp(_) => Code::NotActive,
            Self::OtherOfficial => Code::UnknownKey,
        }
    }
}
