//! `unseal.partial`: an approver opens the hand-out, checks everything again, and helps with this one opening.

use std::collections::BTreeMap;

use tabir_crypto::codec::sha256;
use tabir_crypto::envelope::{Handout, VerifiedInner};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::statement::body::{IndexedHash, UnsealPartial};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::{self, OpeningContext, recipients_hash};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::{B32, Code};

use super::case::{OpenRequest, may_follow};
use super::{Board, OfficialError, OfficialFile, Patience};
use crate::api::council::{Act, SealedTo};
use crate::client::Session;
use crate::clock::Random;
use crate::ledger;

/// A released request, the hand-out opened and every check of the warden made again.
pub struct Released {
    /// Request, text, envelope.
    pub open: OpenRequest,
    /// The inner envelope, sender proof checked.
    pub inner: VerifiedInner,
    /// This official's fresh key.
    pub key: KemSecretKey,
    /// The approvers' fresh keys.
    pub recipients: BTreeMap<u16, KemPublicKey>,
    /// Hash of the kept checkpoint that the release names.
    checkpoint_hash: B32,
}

impl Released {
    /// Reads the logged release and this official's hand-out. Errors: `Refused` before the release or for who is not
    /// named in it, `cooling-off` for one that came too early, `context`, those of [`Handout::check`], those of the log
    /// reader.
    pub async fn load(
        session: &Session,
        board: &Board,
        file: &OfficialFile,
        hash: &B32,
    ) -> Result<Self, OfficialError> {
        let open = OpenRequest::load(session, board, file, hash).await?;
        let not_yet = || OfficialError::Refused("no witnessed checkpoint has a release of this request yet".into());
        // One that came before the cooling-off was over stands in the log too: nobody helps with it.
        let release = open.request.released(session.view.state.witnessed()).map_err(|e| match e.code() {
            Code::CoolingOff => e.into(),
            _ => not_yet(),
        })?;
        let release = release.body.clone();
        let not_named = || OfficialError::Refused("the release does not name you as an approver".into());
        if !open.request.released_to().contains(&open.index) {
            return Err(not_named());
        }
        check_checkpoint(session, release.tree_size, &release.checkpoint_hash.0).await?;

        let no_key =
            || OfficialError::Refused("this key file has no key for this request: it did not approve it".into());
        let key = file.request_key(hash)?.ok_or_else(no_key)?;
        let no_handout = || OfficialError::Refused("the board has no hand-out for you yet; try again later".into());
        let sealed = &open.files.handout.as_ref().ok_or_else(no_handout)?.0;
        let handout = Handout::open(&release, open.index, &key, sealed)?;
        let inner = handout.check(open.outer.warden_key_id(), &open.text.binding(*open.council.lineage()))?;
        let mut recipients = BTreeMap::new();
        for named in &release.handouts {
            let approval = open.request.approvals.iter().find(|a| a.body.index == named.index).ok_or(Code::Context)?;
            recipients.insert(named.index, KemPublicKey::from_bytes(&approval.body.kem_pk.0)?);
        }
        Ok(Self { open, inner, key, recipients, checkpoint_hash: release.checkpoint_hash.0 })
    }

    /// What each proof is bound to.
    #[must_use]
    pub fn context(&self) -> OpeningContext<'_> {
        OpeningContext {
            council: &self.open.council,
            case_id: self.open.text.case_id.0,
            envelope_hash: self.open.text.envelope_hash.0,
            inner: &self.inner,
            request_hash: self.open.request.hash,
            checkpoint_hash: self.checkpoint_hash,
            recipients: recipients_hash(&self.recipients),
        }
    }
}

/// The kept checkpoint that the warden names must be one that a quorum cosigned, and part of the history read here.
pub(super) async fn check_checkpoint(session: &Session, size: u64, hash: &B32) -> Result<(), OfficialError> {
    let reader = ledger::reader(&session.trust, LogName::Governance, session.http.clone(), &session.services.log)?;
    let kept = reader.kept(size).await?;
    reader.check_consistency(kept.head(), session.view.head).await?;
    if kept.signed().hash() == *hash { Ok(()) } else { Err(Code::Context.into()) }
}

/// Computes the partial, seals it to every approver and posts it. The typed reference must be that of the case. Errors:
/// `stale`, those of [`Released::load`].
pub async fn partial(
    session: &Session,
    board: &Board,
    file: &OfficialFile,
    hash: &B32,
    reference: &str,
    patience: &mut Patience<'_>,
) -> Result<(), OfficialError> {
    session.check_fresh()?;
    let released = Released::load(session, board, file, hash).await?;
    released.open.confirm(session, board, reference).await?;
    let from = released.open.index;
    let share = file.share_by_log(&session.view.state, &released.open.council)?;
    let partial = threshold::make(&released.context(), &share, &mut Random)?;
    let (mut sealed, mut hashes) = (Vec::new(), Vec::new());
    for (to, key) in &released.recipients {
        let place = Use::Partial { request_hash: *hash, from, to: *to };
        let bytes = uses::seal(key, &place, partial.expose(), &mut Random)?;
        hashes.push(IndexedHash { index: *to, hash: Hex(sha256(&bytes)) });
        sealed.push(SealedTo { to: *to, sealed: Bytes(bytes) });
    }
    let at = Hour::of(session.clock.now());
    let body = UnsealPartial { v: V1, at, request_hash: Hex(*hash), index: from, partials: hashes };
    let statement = Statement::signed(Verb::UnsealPartial, &body, file.signing())?;
    may_follow(session, &statement)?;
    board.act(&Act { v: V1, statement, reference: None, sealed }, session.view.head.size, patience).await
}
