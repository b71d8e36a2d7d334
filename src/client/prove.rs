//! What the intake log proves from the receipt alone: the report was accepted, its fate is on record, or it was dropped.
//! Whether anybody asked for the case's identity: [`super::opening`].

use tabir_crypto::Code;
use tabir_crypto::log::TreeHead;
use tabir_crypto::receipt::Receipt;
use tabir_crypto::statement::Statement;
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::rule;
use tabir_crypto::trust::windows::{Fate, OnRecord, Proof, Windows};

use super::case::Case;
use super::{ClientError, Session};
use crate::ledger;

/// What the intake log proves about a report.
#[derive(Clone, Debug)]
pub struct Proved {
    /// What stands there.
    pub proof: Proof,
    /// The window.
    pub window: u64,
}

impl Proved {
    /// In plain words.
    #[must_use]
    pub fn words(&self) -> String {
        let accepted = match self.proof.accepted {
            OnRecord::Yes => "The log holds the acceptance of your report as you sent it",
            OnRecord::OtherBody => {
                "The log holds an acceptance for your receipt, but of ANOTHER content: keep the receipt and call an auditor"
            }
            OnRecord::OtherWindow => "The log holds the acceptance in another window than you were told",
            OnRecord::No => "The log does not hold an acceptance of your report (yet: it comes when the window closes)",
        };
        let fate = match self.proof.fate {
            Fate::Forwarded => "and the forwarder's word that the complaint system has it",
            Fate::Refused => "and that the complaint system refused it",
            Fate::Erased => "and that you erased it",
            Fate::Pending => "and that it still waits to be passed on",
            Fate::NotDue => "and nothing more is due yet",
            Fate::Dropped => {
                "but NOT that it was passed on, though that was due: it was dropped, and your receipt proves it to anybody"
            }
        };
        format!("Window {}: {accepted}, {fate}.", self.window)
    }

    /// Dropped on record: accepted, due, and nowhere.
    #[must_use]
    pub fn dropped(&self) -> bool {
        matches!((&self.proof.accepted, &self.proof.fate), (OnRecord::Yes, Fate::Dropped))
    }
}

/// Reads the intake log and looks the report up. Errors: those of the log reader, `context`.
pub async fn report(session: &Session, receipt: &Receipt, case: &Case) -> Result<Proved, ClientError> {
    let acceptance = super::report::check_acceptance(session, &case.view.acceptance)?;
    let keys = receipt.keys();
    if acceptance.a.0 != keys.a() || acceptance.nf.0 != *keys.nf.expose() {
        return Err(Code::Context.into());
    }
    let reader = ledger::reader(&session.trust, LogName::Intake, session.http.clone(), &session.services.log)?;
    let growth = reader.read(TreeHead::EMPTY).await?;
    let mut windows = Windows::new();
    for entry in &growth.entries {
        let statement = Statement::parse(&entry.leaf)?;
        // What is not signed as it must be proves nothing; the audit names it.
        if let Ok(verified) =
            rule::check_intake(&session.trust, &session.view.state, &statement, Some(entry.witnessed_time))
        {
            windows.take(entry.index, &verified, Some(entry.witnessed_time));
        }
    }
    let now = growth.checkpoint.witnessed_time();
    let proof = windows.prove(acceptance.w, &acceptance.a.0, &acceptance.b.0, &acceptance.nf.0, now);
    Ok(Proved { proof, window: acceptance.w })
}
