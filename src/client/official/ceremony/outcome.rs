//! What a ceremony made, worked out from its public messages alone: by each participant, and by warden and auditor.

use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed};
use tabir_crypto::statement::value::Hour;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Public};
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest};
use tabir_crypto::threshold::{Council, Drill, PARTIAL_LEN};
use tabir_crypto::{B32, Code, Error};

use super::super::OfficialError;
use super::messages::{Round, Senders, bytes_of};
use crate::api::council::round;

/// One council that came of a ceremony.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `council.formed`, `.refreshed` or `.reshared`.
    pub verb: Verb,
    /// Its payload.
    pub body: CouncilFormed,
    /// The same, checked.
    pub council: Council,
}

impl Outcome {
    /// The statement, unsigned.
    pub fn statement(&self) -> Result<Statement, OfficialError> {
        Ok(Statement::new(self.verb, &self.body)?)
    }
}

/// What a ceremony makes: a key of its own, new shares of an older one, or both.
pub const fn makes_key(kind: CeremonyKind) -> bool {
    matches!(kind, CeremonyKind::Form | CeremonyKind::Remove)
}

/// The councils by the commitments and dealings, before anybody has said that he agrees; the hour is still to come.
pub fn made(
    ceremony: &Ceremony,
    manifest: Option<&VerifiedManifest>,
    (round1, dealings): (&Round, &Round),
) -> Result<Vec<Outcome>, OfficialError> {
    let mut all = Vec::new();
    if let Some(manifest) = manifest {
        let dealt = Dealings::read(manifest, &bytes_of(dealings)).map_err(OfficialError::blame_dealer)?;
        let (verb, body, council) = (dealt.verb(), dealt.body(Hour::of(0)), dealt.council().clone());
        all.push(Outcome { verb, body, council });
    }
    if makes_key(ceremony.manifest().kind) {
        let public = Public::of(ceremony, &bytes_of(round1)).map_err(OfficialError::blame)?;
        let body = ceremony.formed(&public, Hour::of(0));
        let council = Council::from_body(&body)?;
        all.push(Outcome { verb: Verb::CouncilFormed, body, council });
    }
    Ok(all)
}

/// What each member signs in the transcript's round.
#[must_use]
pub fn transcript(made: &[Outcome]) -> Vec<u8> {
    made.iter().flat_map(|outcome| *outcome.council.transcript()).collect()
}

/// The councils, if all members agree: their transcripts are equal, and the shares that they say they have open a drill.
/// The hour is that of the last transcript, so that all make the same statements.
/// Errors: `Differs` at a member who saw other messages; `Cheater` at one whose share does not work.
pub fn agreed(
    senders: &Senders,
    ceremony: &Ceremony,
    manifest: Option<&VerifiedManifest>,
    messages: &[Statement],
) -> Result<Vec<Outcome>, OfficialError> {
    let read = |in_round| senders.read(in_round, 0, messages);
    let mut all = made(ceremony, manifest, (&read(round::COMMITMENTS)?, &read(round::DEALING)?))?;
    let (transcripts, drills) = (read(round::TRANSCRIPT)?, read(round::DRILL)?);
    let own = transcript(&all);
    for index in 1..=ceremony.manifest().n {
        match transcripts.get(&index) {
            Some((bytes, _)) if *bytes == own => {}
            Some(_) => return Err(OfficialError::Differs { index }),
            None => return Err(Code::Ceremony.into()),
        }
    }
    for (place, outcome) in all.iter().enumerate() {
        check_drill(&outcome.council, outcome.council.transcript(), place, &drills)?;
    }
    let at = transcripts.values().map(|(_, at)| *at).max().ok_or(Code::Ceremony)?;
    all.iter_mut().for_each(|outcome| outcome.body.at = at);
    Ok(all)
}

/// Each member's partial, checked; then the first t and the last t open the envelope as an opening would.
fn check_drill(council: &Council, nonce: &B32, place: usize, drills: &Round) -> Result<(), OfficialError> {
    let drill = Drill::new(council, nonce)?;
    let mut partials = Vec::new();
    for index in 1..=council.n() {
        let bytes = drills.get(&index).map(|(bytes, _)| bytes.chunks(PARTIAL_LEN));
        let partial = bytes.and_then(|mut all| all.nth(place));
        let partial = partial.ok_or_else(|| OfficialError::blame(Error::at(Code::Ceremony, index)))?;
        drill.check(index, partial).map_err(OfficialError::blame)?;
        partials.push(partial);
    }
    let t = usize::from(council.t());
    drill.open(partials.get(..t).unwrap_or_default())?;
    Ok(drill.open(partials.get(partials.len() - t..).unwrap_or_default())?)
}
