//! Who makes a council together, and the fingerprints by which people know each other's keys.

use tabir_crypto::codec::sha256;
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, ManifestMember};
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::{SecretBytes, json};

use super::OfficialError;
use super::keys::{Card, fingerprint};
use crate::clock::{Clock, Random};

/// Proquints that a person types of a fingerprint: 64 bits, which nobody finds a second key for.
pub const TYPED_GROUPS: usize = 4;

/// A manifest of new officials, in the order of the cards, unsigned.
pub fn build(cards: &[Card], t: u16, clock: &Clock) -> Result<Statement, OfficialError> {
    let members =
        (1..).zip(cards).map(|(index, card)| ManifestMember { index, ed_vk: card.ed_vk, kem_pk: card.kem_pk.clone() });
    let body = CouncilManifest {
        v: V1,
        at: Hour::of(clock.now()),
        kind: CeremonyKind::Form,
        t,
        n: u16::try_from(cards.len()).unwrap_or(u16::MAX),
        members: members.collect(),
        previous: Hex([0; 32]),
        dealers: Vec::new(),
        nonce: Hex(*SecretBytes::<32>::random(&mut Random).expose()),
    };
    let payload = json::to_vec(&body)?;
    Ceremony::from_payload(&payload)?;
    Ok(Statement::from_payload(Verb::CouncilManifest, payload)?)
}

/// Whether a text is what was obtained elsewhere of this official: the whole fingerprint, or at least
/// [`TYPED_GROUPS`] of its groups from the first.
#[must_use]
pub fn fits(fingerprint: &str, typed: &str) -> bool {
    let typed: String = typed.trim().to_ascii_lowercase().split([' ', '-']).filter(|g| !g.is_empty()).collect();
    let letters: String = fingerprint.split('-').collect();
    typed.len() >= 5 * TYPED_GROUPS && letters.starts_with(&typed)
}

/// Fingerprints from elsewhere, by official.
pub trait Fingerprints {
    /// Asks for the fingerprint of the official with this index; it is compared by [`fits`].
    fn of(&self, index: u16) -> Result<Vec<String>, OfficialError>;
}

/// A file with one fingerprint a line, and after it whatever helps people, such as the name.
pub struct FromFile(pub String);

impl Fingerprints for FromFile {
    fn of(&self, _: u16) -> Result<Vec<String>, OfficialError> {
        Ok(self.0.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
    }
}

/// Compares the keys of all members but `own` with what was obtained elsewhere.
pub fn check(ceremony: &Ceremony, own: Option<u16>, known: &dyn Fingerprints) -> Result<(), OfficialError> {
    for member in ceremony.manifest().members.iter().filter(|m| Some(m.index) != own) {
        let real = fingerprint(&member.ed_vk.0, &member.kem_pk.0);
        if !known.of(member.index)?.iter().any(|typed| fits(&real, typed)) {
            return Err(OfficialError::Refused(format!(
                "the keys of official {} in the manifest are not the ones that you know: nothing was signed. \
                 Ask that person for the fingerprint, and whoever made the manifest for the card",
                member.index
            )));
        }
    }
    Ok(())
}

/// Short name of a ceremony for people: the first digits of its id.
#[must_use]
pub fn short(payload: &[u8]) -> String {
    hex::encode(sha256(payload)).chars().take(8).collect()
}
