//! How long each message of a ceremony and of an opening is, by making one.

use std::error::Error;

use tabir_crypto::hpke::{Use, uses};
use tabir_crypto::json;
use tabir_crypto::secret::SecretBytes;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Round1};

use crate::council::{manifest, officials, record, run, sealed, seeded, town};
use crate::figures::Row;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[allow(clippy::cast_precision_loss)] // a message has fewer than 2^52 bytes
fn row(what: &'static str, length: usize, note: &str) -> Row {
    Row::new(what, "bytes", &[length as f64], note)
}

/// All rows in bytes.
pub fn rows() -> Outcome<Vec<Row>> {
    let mut rows = identity()?;
    rows.extend(council(["size_dkg_round1_2_of_3", "size_manifest_2_of_3", "size_council_2_of_3"], 2, 3)?);
    rows.extend(council(["size_dkg_round1_8_of_15", "size_manifest_8_of_15", "size_council_8_of_15"], 8, 15)?);
    Ok(rows)
}

/// What one identity makes, from the reporter's device to the approvers'.
fn identity() -> Outcome<Vec<Row>> {
    let (town, mut rng) = (town(2, 3, 1), seeded(6));
    let case = sealed(&town, 1, "a name");
    let context = case.context(&town);
    let partial = town.partials(&context, &[1]).concat();
    let released = case.outer.open(&town.warden, &case.case.binding(&town))?;
    let handout = released.handout([7; 32]).to_bytes();
    let approver = town.warden.public_key();
    let place = Use::Partial { request_hash: [1; 32], from: 1, to: 3 };
    let sealed_partial = uses::seal(&approver, &place, &partial, &mut rng)?;
    let place = Use::Handout { request_hash: [1; 32], index: 1 };
    let sealed_handout = uses::seal(&approver, &place, handout.expose(), &mut rng)?;
    let place = Use::Ceremony { ceremony_id: [1; 32], round: 2, from: 1, to: 3 };
    let sealed_share = uses::seal(&approver, &place, SecretBytes::<32>::random(&mut rng).expose(), &mut rng)?;
    let outer = case.case.seal(&town, &record("a name"), &mut rng).bytes;
    Ok(vec![
        row(
            "size_inner_envelope",
            case.inner.inner().to_bytes().len(),
            "The record of 1,024 bytes, sealed and proved.",
        ),
        row("size_outer_envelope", outer.len(), "What a reporter sends, whatever the identity."),
        row("size_handout", handout.expose().len(), "What the warden hands to an approver."),
        row("size_handout_sealed", sealed_handout.len(), "The same, sealed to one approver."),
        row("size_partial", partial.len(), "One official's help with one opening."),
        row("size_partial_sealed", sealed_partial.len(), "The same, sealed to one other approver."),
        row("size_share", town.share(1).to_bytes().expose().len(), "Before it goes into a key file."),
        row("size_kem_key", approver.as_bytes().len(), "An X-Wing public key."),
        row("size_dkg_round2_sealed", sealed_share.len(), "One member's share for another, sealed."),
    ])
}

/// What a ceremony makes, signed by all members.
fn council([round1, manifested, formed]: [&'static str; 3], t: u16, n: u16) -> Outcome<Vec<Row>> {
    let mut rng = seeded(7);
    let who = officials(n, &mut rng);
    let body = manifest(t, n, &who, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&body)?)?;
    let (_, public) = run(&ceremony, &mut rng);
    let length = |mut statement: Statement| {
        who.ed.iter().for_each(|key| statement.sign(key));
        statement.to_bytes().len()
    };
    let signed = "A statement that all members signed.";
    Ok(vec![
        row(round1, Round1::start(&ceremony, 1, &mut rng)?.message().len(), "One member's, to everybody."),
        row(manifested, length(Statement::new(Verb::CouncilManifest, &body)?), signed),
        row(
            formed,
            length(Statement::new(Verb::CouncilFormed, &ceremony.formed(&public, Hour::of(0)))?),
            "council.formed with the signatures of all members; warden and auditor add 176 bytes each.",
        ),
    ])
}
