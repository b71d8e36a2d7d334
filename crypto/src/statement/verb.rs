//! The verbs: what anybody can sign. Each is one payload type, `application/vnd.tabir.<verb>+json`.
//! Source: `docs/protocol.md`, "Verbs". Not covered: who must sign which ([`crate::trust::rule`]).

/// What a statement says. One verb, one schema, one rule of who must sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the names are the verbs; `body` says what each holds
pub enum Verb {
    TrustRoot,
    KeyAnnounced,
    KeyRetired,
    KeyCustody,
    CouncilManifest,
    CouncilMessage,
    CouncilFormed,
    CouncilRefreshed,
    CouncilReshared,
    CouncilRetired,
    CouncilChecked,
    PolicySet,
    PageBuilt,
    UnsealRequested,
    UnsealApproved,
    UnsealRefused,
    UnsealWithdrawn,
    UnsealReleased,
    UnsealDeclined,
    UnsealPartial,
    UnsealOpened,
    UnsealFailed,
    UnsealNotice,
    ReportAccepted,
    ReportForwarded,
    ReportRefused,
    ReportPending,
    ReportErased,
    RetentionCounts,
    CaseSubmit,
    CaseMessage,
    CaseRate,
    CaseDispute,
    CaseErase,
    Acceptance,
    Reply,
    Call,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 37] = [
        Self::TrustRoot,
        Self::KeyAnnounced,
        Self::KeyRetired,
        Self::KeyCustody,
        Self::CouncilManifest,
        Self::CouncilMessage,
        Self::CouncilFormed,
        Self::CouncilRefreshed,
        Self::CouncilReshared,
        Self::CouncilRetired,
        Self::CouncilChecked,
        Self::PolicySet,
        Self::PageBuilt,
        Self::UnsealRequested,
        Self::UnsealApproved,
        Self::UnsealRefused,
        Self::UnsealWithdrawn,
        Self::UnsealReleased,
        Self::UnsealDeclined,
        Self::UnsealPartial,
        Self::UnsealOpened,
        Self::UnsealFailed,
        Self::UnsealNotice,
        Self::ReportAccepted,
        Self::ReportForwarded,
        Self::ReportRefused,
        Self::ReportPending,
        Self::ReportErased,
        Self::RetentionCounts,
        Self::CaseSubmit,
        Self::CaseMessage,
        Self::CaseRate,
        Self::CaseDispute,
        Self::CaseErase,
        Self::Acceptance,
        Self::Reply,
        Self::Call,
    ];

    /// The verb as it stands in the payload type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrustRoot => "trust.root",
            Self::KeyAnnounced => "key.announced",
            Self::KeyRetired => "key.retired",
            Self::KeyCustody => "key.custody",
            Self::CouncilManifest => "council.manifest",
            Self::CouncilMessage => "council.message",
            Self::CouncilFormed => "council.formed",
            Self::CouncilRefreshed => "council.refreshed",
            Self::CouncilReshared => "council.reshared",
            Self::CouncilRetired => "council.retired",
            Self::CouncilChecked => "council.checked",
            Self::PolicySet => "policy.set",
            Self::PageBuilt => "page.built",
            Self::UnsealRequested => "unseal.requested",
            Self::UnsealApproved => "unseal.approved",
            Self::UnsealRefused => "unseal.refused",
            Self::UnsealWithdrawn => "unseal.withdrawn",
            Self::UnsealReleased => "unseal.released",
            Self::UnsealDeclined => "unseal.declined",
            Self::UnsealPartial => "unseal.partial",
            Self::UnsealOpened => "unseal.opened",
            Self::UnsealFailed => "unseal.failed",
            Self::UnsealNotice => "unseal.notice",
            Self::ReportAccepted => "report.accepted",
            Self::ReportForwarded => "report.forwarded",
            Self::ReportRefused => "report.refused",
            Self::ReportPending => "report.pending",
            Self::ReportErased => "report.erased",
            Self::RetentionCounts => "retention.counts",
            Self::CaseSubmit => "case.submit",
            Self::CaseMessage => "case.message",
            Self::CaseRate => "case.rate",
            Self::CaseDispute => "case.dispute",
            Self::CaseErase => "case.erase",
            Self::Acceptance => "acceptance",
            Self::Reply => "reply",
            Self::Call => "call",
        }
    }

    /// The DSSE payload type.
    #[must_use]
    pub fn payload_type(self) -> String {
        format!("application/vnd.tabir.{}+json", self.as_str())
    }

    /// Reads a payload type; `None` for what nobody signs.
    #[must_use]
    pub fn from_payload_type(text: &str) -> Option<Self> {
        let verb = text.strip_prefix("application/vnd.tabir.")?.strip_suffix("+json")?;
        Self::ALL.into_iter().find(|v| v.as_str() == verb)
    }
}
