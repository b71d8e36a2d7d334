//! The attacks that the demo tries on its own opening: mathematics on real shares and real stores, not a policy check.
//!
//! The product's `combine` refuses fewer than t partials; these don't ask it. Each is tried a second time with the one
//! thing that was missing, and must then succeed: an attack that can't win proves nothing.

use std::path::{Path, PathBuf};

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::content::IdentityRecord;
use tabir_crypto::envelope::{CaseBinding, Outer, VerifiedInner};
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::threshold::{self, Council, DhOutput, OpeningContext, PARTIAL_LEN, Share};
use tabir_crypto::{SecretBytes, codec};

use super::canary;
use crate::cli::CliError;
use crate::clock::Random;
use crate::db::dump::every_value;

/// Where D stands in a partial: version, council, request, checkpoint and index come before it.
const D: std::ops::Range<usize> = 99..131;

/// All that a thief finds in the folders of some roles.
pub struct Loot {
    /// 32-byte values: keys, perhaps.
    pub keys: Vec<[u8; 32]>,
    /// Everything of a partial's length.
    pub partials: Vec<Vec<u8>>,
    /// How many values were looked at.
    pub tried: u64,
}

/// Takes every value of every store, and every key file, below these folders.
pub async fn loot(folders: &[PathBuf]) -> Result<Loot, CliError> {
    let mut loot = Loot { keys: Vec::new(), partials: Vec::new(), tried: 0 };
    for file in folders.iter().flat_map(|f| canary::files(f)) {
        let values = if file.extension().is_some_and(|e| e == "sqlite") {
            every_value(&file).await?
        } else {
            vec![std::fs::read(&file).map_err(|e| CliError::File(file.clone(), e))?]
        };
        for value in values {
            loot.tried += 1;
            let text = std::str::from_utf8(&value).ok().and_then(|t| hex::decode(t.trim()).ok());
            for bytes in [Some(value), text].into_iter().flatten() {
                loot.keys.extend(<[u8; 32]>::try_from(bytes.as_slice()));
                if bytes.len() == PARTIAL_LEN {
                    loot.partials.push(bytes);
                }
            }
        }
    }
    Ok(loot)
}

/// Tries every key of the loot on the outer envelope.
pub fn open_outer(loot: &Loot, outer: &[u8], case: &CaseBinding) -> Option<VerifiedInner> {
    let outer = Outer::parse(outer).ok()?;
    let keys = loot.keys.iter().map(|seed| KemSecretKey::from_seed(SecretBytes::new(*seed)));
    let fits = |key: &KemSecretKey| key.public_key().key_id() == *outer.warden_key_id();
    let released = keys.filter(fits).find_map(|key| outer.open(&key, case).ok())?;
    Some(released.inner().clone())
}

/// What an attacker needs beside the inner envelope, all of it public or in the hands of one approver.
pub struct Target<'a> {
    /// The council.
    pub council: &'a Council,
    /// The inner envelope that the warden handed out.
    pub inner: &'a VerifiedInner,
    /// The case.
    pub case_id: [u8; 32],
    /// Hash of the outer envelope.
    pub envelope_hash: [u8; 32],
}

/// Tries to open with these shares and whatever partials the loot holds: every subset's Lagrange combination, also of
/// too few. Gives how many DH outputs were tried, and the identity if one of them fits.
pub fn open_inner(target: &Target<'_>, shares: &[Share], loot: &Loot) -> (u64, Option<IdentityRecord>) {
    let context = OpeningContext {
        council: target.council,
        case_id: target.case_id,
        envelope_hash: target.envelope_hash,
        inner: target.inner,
        request_hash: [0; 32],
        checkpoint_hash: [0; 32],
        recipients: [0; 32],
    };
    let own = shares.iter().filter_map(|s| {
        let partial = threshold::make(&context, s, &mut Random).ok()?;
        Some((s.index(), point(partial.expose())?))
    });
    let found = loot.partials.iter().filter_map(|p| {
        let index = u16::from_be_bytes(p.get(97..99)?.try_into().ok()?);
        Some((index, point(p)?))
    });
    let mut parts: Vec<(u16, EdwardsPoint)> = own.collect();
    parts.extend(found);
    let n = target.council.n();
    let mut tried = 0;
    for dh in candidates(&parts, n) {
        tried += 1;
        let dh = DhOutput::from_bytes(SecretBytes::new(dh));
        if let Ok(opened) = threshold::open(target.council.key(), target.inner, &dh) {
            return (tried, IdentityRecord::from_padded(opened.record.expose()).ok().flatten());
        }
    }
    (tried, None)
}

fn point(partial: &[u8]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(codec::b32(partial.get(D)?).ok()?).decompress()
}

/// Each part alone, each part scaled for each partner it might have had, and each pair combined.
fn candidates(parts: &[(u16, EdwardsPoint)], n: u16) -> Vec<[u8; 32]> {
    let lambda = |i: u16, j: u16| {
        let (i, j) = (Scalar::from(i), Scalar::from(j));
        j * (j - i).invert()
    };
    let mut all = Vec::new();
    for (i, d) in parts {
        all.push(d.to_montgomery().to_bytes());
        all.extend((1..=n).filter(|j| j != i).map(|j| (d * lambda(*i, j)).to_montgomery().to_bytes()));
    }
    for (at, (i, a)) in parts.iter().enumerate() {
        for (j, b) in parts.iter().skip(at + 1).filter(|(j, _)| j != i) {
            all.push((a * lambda(*i, *j) + b * lambda(*j, *i)).to_montgomery().to_bytes());
        }
    }
    all
}

/// The folders of these roles.
#[must_use]
pub fn folders(dir: &Path, roles: &[&str]) -> Vec<PathBuf> {
    roles.iter().map(|r| dir.join(r)).collect()
}
