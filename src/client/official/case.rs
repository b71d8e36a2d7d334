//! What every step of an opening starts from: the request in the witnessed log, and its text, opened and checked.

use tabir_crypto::codec::sha256;
use tabir_crypto::envelope::Outer;
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::Statement;
use tabir_crypto::statement::body::CodeEntry;
use tabir_crypto::statement::value::CodeText;
use tabir_crypto::threshold::Council;
use tabir_crypto::trust::unseal::{Request, Status};
use tabir_crypto::{B32, Code};

use super::{Board, OfficialError, OfficialFile};
use crate::api::council::RequestFiles;
use crate::client::Session;

/// A request as this official may see it.
pub struct OpenRequest {
    /// From the log.
    pub request: Request,
    /// The council that it is put to.
    pub council: Council,
    /// This official's index.
    pub index: u16,
    /// What the board has for this official. Checked where it is used.
    pub files: RequestFiles,
    /// The full text, which the entry commits to.
    pub text: RequestText,
    /// The envelope that the text names.
    pub outer: Outer,
}

/// A request and its council, as the log has them, and this official's index.
pub fn logged(session: &Session, file: &OfficialFile, hash: &B32) -> Result<(Request, Council, u16), OfficialError> {
    let state = &session.view.state;
    let missing = || OfficialError::Refused("no witnessed checkpoint has this request yet; try again later".into());
    let request = state.request(hash).ok_or_else(missing)?.clone();
    let council = state.council(&request.body.council_id.0)?.council.clone();
    let own = council.member_by_key(&file.verifying());
    let index =
        own.ok_or_else(|| OfficialError::Refused("you do not sit in the council of this request".into()))?.index;
    Ok((request, council, index))
}

impl OpenRequest {
    /// Reads the log's request, opens this official's copy of the text and checks it against the entry, the recusals,
    /// and the envelope. Errors: `Refused` (also for one that has ended), `aead` for an official who was left out, `context`.
    pub async fn load(
        session: &Session,
        board: &Board,
        file: &OfficialFile,
        hash: &B32,
    ) -> Result<Self, OfficialError> {
        let (request, council, index) = logged(session, file, hash)?;
        let status = request.status(session.view.state.witnessed(), session.now());
        if !status.is_live() {
            let words = format!("this request has ended: {}. What was sealed for it is deleted", status.as_str());
            return Err(OfficialError::Refused(words));
        }
        let files = board.request(hash, session.view.head.size).await?;
        let text = RequestText::open(&request.body, file.kem(), &files.text.0)?;
        text.check_recused(request.body.requester, council.t(), council.n())?;
        let outer = text.envelope(council.lineage(), &files.envelope.0)?;
        Ok(Self { request, council, index, files, text, outer })
    }

    /// Whether the reference that somebody typed is that of the case in the text.
    pub async fn confirm(&self, session: &Session, board: &Board, reference: &str) -> Result<(), OfficialError> {
        let case = board.case(reference, session.view.head.size).await?;
        let same = case.case_id == self.text.case_id
            && case.access_hash == self.text.access_hash
            && case.content_hash == self.text.content_hash
            && case.notice_key == self.text.notice_key
            && sha256(&case.envelope.0) == self.text.envelope_hash.0;
        let other = "the request is about another case than the one you typed: nothing was signed";
        if same { Ok(()) } else { Err(OfficialError::Refused(other.into())) }
    }

    /// Its state now.
    #[must_use]
    pub fn status(&self, session: &Session) -> Status {
        self.request.status(session.view.state.witnessed(), session.now())
    }
}

/// A code of a list of the policy that holds now.
pub fn code_of(list: &[CodeEntry], code: &str) -> Result<CodeText, OfficialError> {
    let known = list.iter().find(|e| e.code.as_str() == code);
    known.map(|e| e.code.clone()).ok_or_else(|| {
        let codes: Vec<&str> = list.iter().map(|e| e.code.as_str()).collect();
        OfficialError::Refused(format!("{code} is no code of the policy: choose one of {}", codes.join(", ")))
    })
}

/// The code lists of the policy that holds now.
pub fn codes(session: &Session) -> Result<&tabir_crypto::statement::body::PolicyCodes, OfficialError> {
    let none = || OfficialError::Refused("no policy is logged, so there are no codes to give".into());
    Ok(&session.view.state.policy().ok_or_else(none)?.codes)
}

/// Checks a statement as the log will, by what this device has read.
pub fn may_follow(session: &Session, statement: &Statement) -> Result<(), OfficialError> {
    session.view.state.check(&session.trust, statement, session.now())?;
    Ok(())
}

/// The statement of a logged entry, read again from the log.
pub async fn entries(session: &Session, wanted: &[u64]) -> Result<Vec<Statement>, OfficialError> {
    let log = tabir_crypto::trust::root::LogName::Governance;
    let reader = crate::ledger::reader(&session.trust, log, session.http.clone(), &session.services.log)?;
    let growth = reader.read(tabir_crypto::log::TreeHead::EMPTY).await?;
    // The view that named the entries and this reading must be of one history.
    reader.check_consistency(session.view.head, growth.checkpoint.head()).await?;
    let leaf = |index: &u64| growth.entries.get(usize::try_from(*index).ok()?).filter(|e| e.index == *index);
    wanted.iter().map(|i| Ok(Statement::parse(&leaf(i).ok_or(Code::Context)?.leaf)?)).collect()
}
