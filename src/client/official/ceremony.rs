//! `tabir council finish`: an official's part of a key ceremony, from the signed manifest to the signed council.
//!
//! ```text
//! sign the manifest, wait for all n          proposal council.manifest
//! round 1: commitments                       state saved, then posted
//! round 2: sealed shares                     state and sealed shares saved, then posted
//! share computed and checked                 share saved
//! round 3: transcript hash, equal for all    posted
//! sign council.formed, wait for all n        proposal; warden and an auditor sign it by their own commands
//! ```
//! What is sent is saved first: after a crash the same bytes are sent again, and the board takes them once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tabir_crypto::ed25519::VerifyingKey;
use tabir_crypto::hpke::{KemPublicKey, Use, uses};
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::body::CouncilMessage;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Body, Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::{Ceremony, Public, Round1, Round2};
use tabir_crypto::{B32, Code, Error, Secret, SecretBytes, json};
use zeroize::Zeroize as _;

use super::{Board, OfficialError, OfficialFile, Patience};
use crate::api::council::TRANSCRIPT_ROUND;
use crate::clock::{Clock, Random};

/// Where a ceremony stands on this device.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    v: V1,
    /// 1 or 2: the round whose secret `secret` is; 3: the share is kept, `secret` is empty.
    round: u8,
    secret: Bytes,
    /// What is sent in this round.
    posts: Vec<Statement>,
}

impl Drop for State {
    fn drop(&mut self) {
        self.secret.0.zeroize();
    }
}

impl State {
    fn to_secret(&self) -> Result<SecretVec, OfficialError> {
        Ok(Secret::new(json::to_vec(self)?))
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Formed {
    /// Id of the proposal `council.formed`, which warden and an auditor sign next.
    pub proposal: B32,
    /// The council.
    pub council: Council,
    /// This official's index.
    pub index: u16,
}

/// One official's part. The fingerprints have been compared before: see [`super::manifest::check`].
pub async fn finish(
    file: &mut OfficialFile,
    payload: &[u8],
    board: &Board,
    clock: &Clock,
    patience: &mut Patience<'_>,
) -> Result<Formed, OfficialError> {
    let ceremony = Ceremony::from_payload(payload)?;
    let index = own_index(&ceremony, file)?;
    let member = Member { ceremony, index, board, clock };

    let mut manifest = Statement::from_payload(Verb::CouncilManifest, payload.to_vec())?;
    manifest.sign(file.signing());
    member.gather(&manifest, "the other officials' signatures on the manifest", patience).await?;

    let id = *member.ceremony.id();
    loop {
        let state = match file.ceremony(&id)? {
            Some(saved) => json::from_slice(saved.expose())?,
            None => member.begin(file)?,
        };
        for post in &state.posts {
            board.post_message(post).await?;
        }
        match state.round {
            1 => member.round2(file, &state, patience).await?,
            2 => member.share(file, &state, patience).await?,
            _ => return member.formed(file, patience).await,
        }
    }
}

/// This official's place in a manifest; both keys must stand there.
pub fn own_index(ceremony: &Ceremony, file: &OfficialFile) -> Result<u16, OfficialError> {
    let card = file.card();
    let own = ceremony.manifest().members.iter().find(|m| m.ed_vk == card.ed_vk && m.kem_pk == card.kem_pk);
    own.map(|m| m.index).ok_or_else(|| OfficialError::Refused("your keys do not stand in this manifest".into()))
}

struct Member<'a> {
    ceremony: Ceremony,
    index: u16,
    board: &'a Board,
    clock: &'a Clock,
}

impl Member<'_> {
    fn message(&self, file: &OfficialFile, round: u8, to: u16, bytes: Vec<u8>) -> Result<Statement, OfficialError> {
        let body = CouncilMessage {
            v: V1,
            at: Hour::of(self.clock.now()),
            ceremony_id: Hex(*self.ceremony.id()),
            round,
            from: self.index,
            to,
            bytes: Bytes(bytes),
        };
        Ok(Statement::signed(Verb::CouncilMessage, &body, file.signing())?)
    }

    fn begin(&self, file: &mut OfficialFile) -> Result<State, OfficialError> {
        let round1 = Round1::start(&self.ceremony, self.index, &mut Random)?;
        let posts = vec![self.message(file, 1, 0, round1.message().to_vec())?];
        let state = State { v: V1, round: 1, secret: Bytes(round1.to_bytes()?.expose().clone()), posts };
        file.set_ceremony(*self.ceremony.id(), &state.to_secret()?)?;
        Ok(state)
    }

    async fn round2(
        &self,
        file: &mut OfficialFile,
        state: &State,
        patience: &mut Patience<'_>,
    ) -> Result<(), OfficialError> {
        let round1 = self.collect(1, 0, "the other officials' first messages", patience).await?;
        let mine = Round1::from_bytes(&self.ceremony, &state.secret.0)?;
        let (round2, shares) = mine.next(bytes_of(round1)).map_err(OfficialError::blame)?;
        let mut posts = Vec::new();
        for (to, share) in shares {
            let place = self.place(self.index, to);
            let sealed = uses::seal(&self.kem_pk(to)?, &place, share.expose(), &mut Random)?;
            posts.push(self.message(file, 2, to, sealed)?);
        }
        let next = State { v: V1, round: 2, secret: Bytes(round2.to_bytes()?.expose().clone()), posts };
        file.set_ceremony(*self.ceremony.id(), &next.to_secret()?)
    }

    async fn share(
        &self,
        file: &mut OfficialFile,
        state: &State,
        patience: &mut Patience<'_>,
    ) -> Result<(), OfficialError> {
        let sealed = self.collect(2, self.index, "the shares that the other officials seal for you", patience).await?;
        let mut shares = BTreeMap::new();
        for (from, (message, _)) in sealed {
            let opened = uses::open(file.kem(), &self.place(from, self.index), &message)
                .and_then(|s| Ok(SecretBytes::new(tabir_crypto::codec::fixed::<32>(s.expose())?)))
                .map_err(|e| OfficialError::blame(Error::at(e.code(), from)))?;
            shares.insert(from, opened);
        }
        let mine = Round2::from_bytes(&self.ceremony, &state.secret.0)?;
        let (share, public) = mine.finish(&shares).map_err(OfficialError::blame)?;
        let council = Council::from_body(&self.ceremony.formed(&public, Hour::of(0)))?;
        let posts = vec![self.message(file, TRANSCRIPT_ROUND, 0, public.transcript.to_vec())?];
        let next = State { v: V1, round: TRANSCRIPT_ROUND, secret: Bytes(Vec::new()), posts };
        file.set_share(&council, &share, (*self.ceremony.id(), &next.to_secret()?))
    }

    async fn formed(&self, file: &OfficialFile, patience: &mut Patience<'_>) -> Result<Formed, OfficialError> {
        let round1 = self.collect(1, 0, "the other officials' first messages", patience).await?;
        let transcripts = self.collect(TRANSCRIPT_ROUND, 0, "the other officials' transcripts", patience).await?;
        let (body, council) = verify_transcripts(&self.ceremony, round1, &transcripts)?;
        // The share was computed from what this device saw: a board that shows others something else ends here.
        file.share(&council)?;
        let mut statement = Statement::new(Verb::CouncilFormed, &body)?;
        statement.sign(file.signing());
        self.gather(&statement, "the other officials' signatures on the council", patience).await?;
        Ok(Formed { proposal: statement.pae_hash(), council, index: self.index })
    }

    fn place(&self, from: u16, to: u16) -> Use {
        Use::Ceremony { ceremony_id: *self.ceremony.id(), round: 2, from, to }
    }

    fn kem_pk(&self, index: u16) -> Result<KemPublicKey, OfficialError> {
        let member = self.ceremony.manifest().members.iter().find(|m| m.index == index).ok_or(Code::Index)?;
        Ok(KemPublicKey::from_bytes(&member.kem_pk.0)?)
    }

    /// Posts a proposal with this official's signature and waits until all n have signed it.
    async fn gather(
        &self,
        statement: &Statement,
        what: &str,
        patience: &mut Patience<'_>,
    ) -> Result<(), OfficialError> {
        let mut proposal = self.board.propose(statement, patience).await?;
        loop {
            if statement.verb() == Verb::CouncilManifest {
                proposal.statement.verify(&member_keys(&self.ceremony)?)?;
            }
            let signers = proposal.statement.signers();
            if member_keys(&self.ceremony)?.iter().all(|key| signers.contains(&key.key_id())) {
                return Ok(());
            }
            patience.wait(what).await?;
            proposal = self.board.proposal(&statement.pae_hash()).await?;
        }
    }

    /// Messages of one round to one recipient, from all who must send one.
    async fn collect(
        &self,
        round: u8,
        to: u16,
        what: &str,
        patience: &mut Patience<'_>,
    ) -> Result<Round, OfficialError> {
        loop {
            let all = read_round(&self.ceremony, round, to, &self.board.messages(self.ceremony.id()).await?)?;
            let expected = (1..=self.ceremony.manifest().n).filter(|from| *from != to);
            if expected.into_iter().all(|from| all.contains_key(&from)) {
                return Ok(all);
            }
            patience.wait(what).await?;
        }
    }
}

/// By sender: what was sent, and the hour of its signature.
pub type Round = BTreeMap<u16, (Vec<u8>, Hour)>;

fn bytes_of(round: Round) -> BTreeMap<u16, Vec<u8>> {
    round.into_iter().map(|(from, (bytes, _))| (from, bytes)).collect()
}

pub(super) fn member_keys(ceremony: &Ceremony) -> Result<Vec<VerifyingKey>, OfficialError> {
    let keys = ceremony.manifest().members.iter().map(|m| VerifyingKey::from_bytes(&m.ed_vk.0));
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The messages of one round to one recipient: each by its sender, for this ceremony, one from each.
/// Errors: those of the signatures, `context`, `duplicate`.
pub fn read_round(ceremony: &Ceremony, round: u8, to: u16, all: &[Statement]) -> Result<Round, OfficialError> {
    let keys = member_keys(ceremony)?;
    let mut found = Round::new();
    for statement in all {
        let verified = statement.verify(&keys)?;
        let Body::CouncilMessage(m) = verified.body else { return Err(Code::Verb.into()) };
        let sender = m.from.checked_sub(1).and_then(|i| keys.get(usize::from(i)));
        if m.ceremony_id.0 != *ceremony.id() || sender.is_none_or(|key| verified.signers != [key.key_id()]) {
            return Err(Code::Context.into());
        }
        if (m.round, m.to) == (round, to) && found.insert(m.from, (m.bytes.0, m.at)).is_some() {
            return Err(OfficialError::blame(Error::at(Code::Duplicate, m.from)));
        }
    }
    Ok(found)
}

/// The council that the round-1 messages make, if all n signed its transcript. The hour is the last one's: so all
/// make the same statement.
pub fn verify_transcripts(
    ceremony: &Ceremony,
    round1: Round,
    transcripts: &Round,
) -> Result<(tabir_crypto::statement::body::CouncilFormed, Council), OfficialError> {
    let public = Public::of(ceremony, &bytes_of(round1)).map_err(OfficialError::blame)?;
    for from in 1..=ceremony.manifest().n {
        let same = transcripts.get(&from).is_some_and(|(bytes, _)| *bytes == public.transcript);
        if !same {
            return Err(OfficialError::blame(Error::at(Code::Ceremony, from)));
        }
    }
    let at = transcripts.values().map(|(_, at)| *at).max().ok_or(Code::Ceremony)?;
    let body = ceremony.formed(&public, at);
    let council = Council::from_body(&body)?;
    Ok((body, council))
}
