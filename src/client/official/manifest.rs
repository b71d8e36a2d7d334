//! Who makes a council together, and the fingerprints by which people know each other's keys.

use tabir_crypto::codec::sha256;
use tabir_crypto::statement::body::{CeremonyKind, CouncilManifest, ManifestMember};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::threshold::{Council, CouncilMember};
use tabir_crypto::{SecretBytes, json};

use super::OfficialError;
use super::keys::{Card, fingerprint};
use crate::clock::{Clock, Random};

/// Proquints that a person types of a fingerprint: 64 bits, which nobody finds a second key for.
pub const TYPED_GROUPS: usize = 4;

/// A manifest of a first or further key, of these officials in this order, unsigned.
pub fn build(cards: &[Card], t: u16, clock: &Clock) -> Result<Statement, OfficialError> {
    written(body(CeremonyKind::Form, members(cards), t, clock))
}

/// A manifest that follows a council, unsigned: [`Kind::Refresh`](CeremonyKind::Refresh) to the same people,
/// `Reshare` or `Remove` to those of the cards. `dealers` are t of the council's indices; without them the first t who
/// stay, or if fewer than t stay, the first t.
pub fn follow(
    old: &Council,
    kind: CeremonyKind,
    (cards, t): (&[Card], u16),
    dealers: Option<Vec<u16>>,
    clock: &Clock,
) -> Result<Statement, OfficialError> {
    let members = members(cards);
    let stays = |m: &&CouncilMember| members.iter().any(|new| new.ed_vk.0 == *m.ed_vk.as_bytes());
    let needed = usize::from(old.t());
    let dealers = dealers.unwrap_or_else(|| {
        let (stay, leave): (Vec<_>, Vec<_>) = old.members().iter().partition(stays);
        let mut chosen: Vec<u16> = stay.into_iter().chain(leave).take(needed).map(|m| m.index).collect();
        chosen.sort_unstable();
        chosen
    });
    if dealers.len() != needed {
        return Err(OfficialError::Refused(format!(
            "{needed} officials of the council before must deal, no more and no less"
        )));
    }
    written(CouncilManifest { previous: Hex(*old.council_id()), dealers, ..body(kind, members, t, clock) })
}

/// The cards of a council's members, as the log has them; names are not in the log.
pub fn cards_of(council: &Council) -> Result<Vec<Card>, OfficialError> {
    let card = |m: &CouncilMember| {
        let (ed_vk, kem_pk) = (Hex(*m.ed_vk.as_bytes()), Bytes(m.kem_pk.as_bytes().to_vec()));
        Ok(Card { v: V1, name: Text::new(&format!("official {}", m.index))?, ed_vk, kem_pk })
    };
    council.members().iter().map(card).collect()
}

fn members(cards: &[Card]) -> Vec<ManifestMember> {
    let member = |(index, card): (u16, &Card)| ManifestMember { index, ed_vk: card.ed_vk, kem_pk: card.kem_pk.clone() };
    (1..).zip(cards).map(member).collect()
}

fn body(kind: CeremonyKind, members: Vec<ManifestMember>, t: u16, clock: &Clock) -> CouncilManifest {
    CouncilManifest {
        v: V1,
        at: Hour::of(clock.now()),
        kind,
        t,
        n: u16::try_from(members.len()).unwrap_or(u16::MAX),
        members,
        previous: Hex([0; 32]),
        dealers: Vec::new(),
        nonce: Hex(*SecretBytes::<32>::random(&mut Random).expose()),
    }
}

fn written(body: CouncilManifest) -> Result<Statement, OfficialError> {
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

/// Compares the keys of all members but `own` with what was obtained elsewhere. Who sat in the council before with the
/// same keys is known from the log, where people compared them when they came.
pub fn check(
    ceremony: &Ceremony,
    own: Option<u16>,
    before: Option<&Council>,
    known: &dyn Fingerprints,
) -> Result<(), OfficialError> {
    let sat = |m: &ManifestMember| {
        let same = |o: &CouncilMember| *o.ed_vk.as_bytes() == m.ed_vk.0 && o.kem_pk.as_bytes() == m.kem_pk.0;
        before.is_some_and(|council| council.members().iter().any(same))
    };
    for member in ceremony.manifest().members.iter().filter(|m| Some(m.index) != own && !sat(m)) {
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
