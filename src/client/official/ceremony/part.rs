//! One device's rounds: what it sends, what it waits for, what it keeps.

use std::collections::BTreeMap;

use tabir_crypto::hpke::{KemPublicKey, Use, uses};
use tabir_crypto::statement::body::CouncilMessage;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Round1, Round2};
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest, deal};
use tabir_crypto::threshold::{Council, Drill, Share};
use tabir_crypto::{B32, Code, Error, SecretBytes};

use super::super::{ClientError, OfficialError, OfficialFile, Patience};
use super::messages::{self, Round, Senders};
use super::outcome::{agreed, made, makes_key, transcript};
use super::state::{State, Step};
use super::{Formed, Made, Place, council_before, erase, member_index};
use crate::api::council::round;
use crate::clock::Random;

/// One device's part in a ceremony.
pub(super) struct Part<'a> {
    ceremony: Ceremony,
    place: Place<'a>,
    old: Option<Council>,
    /// Index among the new members.
    member: Option<u16>,
    /// Index among the old ones, of who deals.
    dealer: Option<u16>,
}

impl<'a> Part<'a> {
    pub(super) fn new(ceremony: Ceremony, place: Place<'a>, file: &OfficialFile) -> Result<Self, OfficialError> {
        let m = ceremony.manifest();
        let old = if m.dealers.is_empty() {
            None
        } else {
            let log = place.log.ok_or_else(|| OfficialError::Refused("the log is needed: give --server".into()))?;
            Some(council_before(&ceremony, log)?)
        };
        let seat = old.as_ref().and_then(|old| old.member_by_key(&file.verifying()));
        let dealer = seat.map(|seat| seat.index).filter(|index| m.dealers.contains(index));
        let card = file.card();
        // A share that is dealt to somebody else's key under one's own name: others would be asked for the fingerprint,
        // and the one who knows best is not.
        if m.members.iter().any(|m| (m.ed_vk == card.ed_vk) != (m.kem_pk == card.kem_pk)) {
            let mixed = "the manifest has one of your keys beside one that is not yours: nothing was signed";
            return Err(OfficialError::Refused(mixed.into()));
        }
        let member = member_index(&ceremony, file);
        if member.is_none() && dealer.is_none() {
            return Err(OfficialError::Refused("you are neither a member nor a dealer of this manifest".into()));
        }
        Ok(Self { ceremony, place, old, member, dealer })
    }

    pub(super) fn has_signed(&self, file: &OfficialFile) -> Result<bool, OfficialError> {
        let saved = file.ceremony(&self.id())?.map(|saved| State::from_secret(&saved)).transpose()?;
        Ok(saved.is_some_and(|state| state.step == Step::Signed))
    }

    fn id(&self) -> B32 {
        *self.ceremony.id()
    }

    fn makes_key(&self) -> bool {
        makes_key(self.ceremony.manifest().kind)
    }

    pub(super) async fn run(
        &self,
        file: &mut OfficialFile,
        payload: &[u8],
        patience: &mut Patience<'_>,
    ) -> Result<Formed, OfficialError> {
        let senders = Senders::new(&self.ceremony, self.old.as_ref())?;
        let manifest = self.manifest(file, payload, &senders, patience).await?;
        loop {
            let state = match file.ceremony(&self.id())? {
                Some(saved) => State::from_secret(&saved)?,
                None => self.begin(file, manifest.as_ref())?,
            };
            for post in &state.posts {
                let posted = self.place.board.post_message(post).await.map_err(OfficialError::from);
                self.or_ended(&senders, posted).await?;
            }
            match (state.step, self.member) {
                (Step::Begun, Some(index)) if self.makes_key() => {
                    let next = self.shared(file, &state, (index, &senders), patience).await?;
                    file.set_ceremony(self.id(), &next.to_secret()?)?;
                }
                (Step::Begun | Step::Shared, Some(index)) => {
                    self.keep(file, &state, (index, &senders, manifest.as_ref()), patience).await?;
                }
                _ => return self.agree(file, &state, (&senders, manifest.as_ref()), patience).await,
            }
        }
    }

    /// The manifest with all its signatures, verified for a dealing.
    async fn manifest(
        &self,
        file: &OfficialFile,
        payload: &[u8],
        senders: &Senders,
        patience: &mut Patience<'_>,
    ) -> Result<Option<VerifiedManifest>, OfficialError> {
        let mut manifest = Statement::from_payload(Verb::CouncilManifest, payload.to_vec())?;
        manifest.sign(file.signing());
        let what = "the other signatures on the manifest";
        let signed = self.gather(&manifest, (senders, &senders.keys()), what, patience).await?;
        self.old.as_ref().map(|old| Ok(VerifiedManifest::verify(&signed, old)?)).transpose()
    }

    fn message(&self, file: &OfficialFile, in_round: u8, to: u16, bytes: Vec<u8>) -> Result<Statement, OfficialError> {
        let from = match in_round {
            round::DEALING | round::DEALT => self.dealer,
            round::ABORT => self.member.or_else(|| Some(self.dealer?.saturating_add(round::DEALER))),
            _ => self.member,
        };
        let body = CouncilMessage {
            v: V1,
            at: Hour::of(self.place.clock.now()),
            ceremony_id: Hex(self.id()),
            round: in_round,
            from: from.ok_or(Code::Index)?,
            to,
            bytes: Bytes(bytes),
        };
        Ok(Statement::signed(Verb::CouncilMessage, &body, file.signing())?)
    }

    fn sealed_to(&self, in_round: u8, from: u16, to: u16) -> Use {
        Use::Ceremony { ceremony_id: self.id(), round: in_round, from, to }
    }

    fn seal(&self, (in_round, from, to): (u8, u16, u16), share: &SecretBytes<32>) -> Result<Vec<u8>, OfficialError> {
        let member = self.ceremony.manifest().members.iter().find(|m| m.index == to).ok_or(Code::Index)?;
        let key = KemPublicKey::from_bytes(&member.kem_pk.0)?;
        Ok(uses::seal(&key, &self.sealed_to(in_round, from, to), share.expose(), &mut Random)?)
    }

    /// Commitments and dealing; the dealt shares are sealed and gone from here at once.
    fn begin(&self, file: &mut OfficialFile, manifest: Option<&VerifiedManifest>) -> Result<State, OfficialError> {
        let mut state = State::new(Step::Begun);
        if let (Some(manifest), Some(dealer)) = (manifest, self.dealer) {
            let dealing = deal(manifest, &file.share(manifest.old())?, &mut Random)?;
            state.posts.push(self.message(file, round::DEALING, 0, dealing.message)?);
            for (to, share) in &dealing.shares {
                let sealed = self.seal((round::DEALT, dealer, *to), share)?;
                state.posts.push(self.message(file, round::DEALT, *to, sealed)?);
            }
        }
        if let Some(index) = self.member.filter(|_| self.makes_key()) {
            let round1 = Round1::start(&self.ceremony, index, &mut Random)?;
            state.posts.push(self.message(file, round::COMMITMENTS, 0, round1.message().to_vec())?);
            state.secret = Bytes(round1.to_bytes()?.expose().clone());
        }
        file.set_ceremony(self.id(), &state.to_secret()?)?;
        Ok(state)
    }

    /// The second round of a new key: a sealed share for each other member.
    async fn shared(
        &self,
        file: &OfficialFile,
        state: &State,
        (index, senders): (u16, &Senders),
        patience: &mut Patience<'_>,
    ) -> Result<State, OfficialError> {
        let round1 = self.collect(senders, (round::COMMITMENTS, 0), FIRST, patience).await?;
        let mine = Round1::from_bytes(&self.ceremony, &state.secret.0)?;
        let (round2, shares) = mine.next(messages::bytes_of(&round1)).map_err(OfficialError::blame)?;
        let mut next = State::new(Step::Shared);
        next.secret = Bytes(round2.to_bytes()?.expose().clone());
        for (to, share) in shares {
            let sealed = self.seal((round::SHARE, index, to), &share)?;
            next.posts.push(self.message(file, round::SHARE, to, sealed)?);
        }
        Ok(next)
    }

    /// Computes this member's shares, keeps them, and says what it saw and that they work.
    async fn keep(
        &self,
        file: &mut OfficialFile,
        state: &State,
        (index, senders, manifest): (u16, &Senders, Option<&VerifiedManifest>),
        patience: &mut Patience<'_>,
    ) -> Result<(), OfficialError> {
        let (mut round1, mut dealings) = (Round::new(), Round::new());
        let mut shares: Vec<Share> = Vec::new();
        if let Some(manifest) = manifest {
            dealings = self.collect(senders, (round::DEALING, 0), "the dealers' commitments", patience).await?;
            let sealed =
                self.collect(senders, (round::DEALT, index), "the shares that are dealt to you", patience).await?;
            let dealt = self.open(file, (round::DEALT, index), &sealed)?;
            let read = Dealings::read(manifest, &messages::bytes_of(&dealings)).map_err(OfficialError::blame_dealer)?;
            shares.push(read.finish(index, &dealt).map_err(OfficialError::blame_dealer)?);
        }
        if self.makes_key() {
            round1 = self.collect(senders, (round::COMMITMENTS, 0), FIRST, patience).await?;
            let sealed =
                self.collect(senders, (round::SHARE, index), "the shares that are sealed for you", patience).await?;
            let mine = Round2::from_bytes(&self.ceremony, &state.secret.0)?;
            let (share, _) =
                mine.finish(&self.open(file, (round::SHARE, index), &sealed)?).map_err(OfficialError::blame)?;
            shares.push(share);
        }
        let outcomes = made(&self.ceremony, manifest, (&round1, &dealings))?;
        let mut partials = Vec::new();
        for (outcome, share) in outcomes.iter().zip(&shares) {
            let drill = Drill::new(&outcome.council, outcome.council.transcript())?;
            partials.extend(drill.partial(share, &mut Random)?);
        }
        let mut next = State::new(Step::Kept);
        next.posts.push(self.message(file, round::TRANSCRIPT, 0, transcript(&outcomes))?);
        next.posts.push(self.message(file, round::DRILL, 0, partials)?);
        next.kept = outcomes.iter().map(|o| Hex(*o.council.council_id())).collect();
        let kept: Vec<_> = outcomes.iter().map(|o| &o.council).zip(&shares).collect();
        file.set_shares(&kept, (self.id(), &next.to_secret()?))
    }

    fn open(
        &self,
        file: &OfficialFile,
        (in_round, to): (u8, u16),
        sealed: &Round,
    ) -> Result<BTreeMap<u16, SecretBytes<32>>, OfficialError> {
        let blame = if in_round == round::DEALT { OfficialError::blame_dealer } else { OfficialError::blame };
        let open = |(from, (message, _)): (&u16, &(Vec<u8>, Hour))| {
            let opened = uses::open(file.kem(), &self.sealed_to(in_round, *from, to), message)
                .and_then(|s| Ok(SecretBytes::new(tabir_crypto::codec::fixed::<32>(s.expose())?)))
                .map_err(|e| blame(Error::at(e.code(), *from)))?;
            Ok((*from, opened))
        };
        sealed.iter().map(open).collect()
    }

    /// All agree and all shares work: signs what was made.
    async fn agree(
        &self,
        file: &mut OfficialFile,
        state: &State,
        (senders, manifest): (&Senders, Option<&VerifiedManifest>),
        patience: &mut Patience<'_>,
    ) -> Result<Formed, OfficialError> {
        if state.step != Step::Signed {
            self.collect(senders, (round::TRANSCRIPT, 0), "the other officials' transcripts", patience).await?;
            self.collect(senders, (round::DRILL, 0), "the other officials' drills", patience).await?;
        }
        let messages = self.place.board.messages(&self.id()).await?;
        let outcomes = agreed(senders, &self.ceremony, manifest, &messages)?;
        let mut next = State::new(Step::Signed);
        next.kept.clone_from(&state.kept);
        file.set_ceremony(self.id(), &next.to_secret()?)?;
        let mut done = Vec::new();
        for outcome in outcomes {
            // The share was computed from what this device saw: a board that shows others something else ends here.
            if self.member.is_some() {
                file.share(&outcome.council)?;
            }
            let mut statement = outcome.statement()?;
            statement.sign(file.signing());
            let what = "the other signatures on the council";
            self.gather(&statement, (senders, &senders.keys()), what, patience).await?;
            done.push(Made { proposal: statement.pae_hash(), verb: outcome.verb, council: outcome.council });
        }
        Ok(Formed { made: done, index: self.member, messages })
    }

    /// Posts a proposal with this official's signature and waits until all of these have signed it.
    /// Error: `Aborted` when somebody ended the ceremony meanwhile.
    async fn gather(
        &self,
        statement: &Statement,
        (senders, wanted): (&Senders, &[tabir_crypto::ed25519::VerifyingKey]),
        what: &str,
        patience: &mut Patience<'_>,
    ) -> Result<Statement, OfficialError> {
        let posted = self.place.board.propose(statement, patience).await;
        let mut proposal = self.or_ended(senders, posted).await?;
        loop {
            if statement.verb() == Verb::CouncilManifest {
                proposal.statement.verify(wanted)?;
            }
            let signers = proposal.statement.signers();
            if wanted.iter().all(|key| signers.contains(&key.key_id())) {
                return Ok(proposal.statement);
            }
            self.messages(senders).await?;
            patience.wait(what).await?;
            proposal = self.place.board.proposal(&statement.pae_hash()).await?;
        }
    }

    /// All messages so far. Error: `Aborted` when somebody ended the ceremony.
    async fn messages(&self, senders: &Senders) -> Result<Vec<Statement>, OfficialError> {
        let all = self.place.board.messages(&self.id()).await?;
        match senders.aborted(&all)? {
            Some((from, words)) => Err(OfficialError::Aborted { from, words }),
            None => Ok(all),
        }
    }

    /// What the board answered. It refuses what comes after an abort; that somebody ended the ceremony is believed of
    /// his signature, and not of the board.
    async fn or_ended<T>(&self, senders: &Senders, answer: Result<T, OfficialError>) -> Result<T, OfficialError> {
        if let Err(OfficialError::Client(ClientError::Http(refused))) = &answer
            && refused.code() == Some("aborted")
        {
            self.messages(senders).await?;
        }
        answer
    }

    /// Messages of one round to one recipient, from all who must send one. Error: `Aborted` when somebody ended it.
    async fn collect(
        &self,
        senders: &Senders,
        (in_round, to): (u8, u16),
        what: &str,
        patience: &mut Patience<'_>,
    ) -> Result<Round, OfficialError> {
        loop {
            let all = self.messages(senders).await?;
            let found = senders.read(in_round, to, &all)?;
            let complete = match in_round {
                round::DEALING | round::DEALT => senders.dealers.keys().all(|from| found.contains_key(from)),
                _ => (1..=self.ceremony.manifest().n).filter(|from| *from != to).all(|from| found.contains_key(&from)),
            };
            if complete {
                return Ok(found);
            }
            patience.wait(what).await?;
        }
    }

    /// Posted first and erased then: a council that is on its way into the log keeps its shares, and the board says so.
    pub(super) async fn abort(&self, file: &mut OfficialFile, words: &str) -> Result<(), OfficialError> {
        let message = self.message(file, round::ABORT, 0, words.as_bytes().to_vec())?;
        match self.place.board.post_message(&message).await {
            // Ended by this official before, for another reason.
            Err(e) if e.code() == Some("equivocation") => {}
            answer => answer?,
        }
        erase(file, self.id())
    }
}

/// What is waited for in the first round of a new key.
const FIRST: &str = "the other officials' first messages";
