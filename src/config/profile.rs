//! The values of a deployment: `demo` (seconds, one machine), `town` (the smallest honest one), `city` (a host a role).
//!
//! They are configuration and trust root, never constants of the code that uses them. Source: `docs/architecture.md`.

use std::collections::BTreeMap;

use tabir_crypto::statement::body::{Category, CodeEntry, PolicyCodes, PolicySet, Release, Status};
use tabir_crypto::statement::value::{CodeText, Hour, Text, V1};
use tabir_crypto::trust::root::Activation;

/// One hour and one day, in seconds.
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Which deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Everything on loopback with fresh keys; windows and cooling-off of seconds. Never for real reports.
    Demo,
    /// The smallest honest deployment: the city's outer and inner network, an outside body, three officials.
    Town,
    /// A host a role, several witnesses; windows of a day.
    City,
}

/// What differs between profiles.
#[derive(Clone, Debug)]
pub struct Values {
    /// Delays before a key counts.
    pub activation: Activation,
    /// Oldest head for sealing an identity.
    pub freshness_s: u64,
    /// From a witnessed request to the earliest release.
    pub cooling_off_s: u64,
    /// Releases a day without an auditor.
    pub release_cap_per_day: u64,
    /// Longest deferral of a notice.
    pub deferral_max_s: u64,
    /// Token epoch and overlap.
    pub epoch_s: u64,
    /// Between two checkpoints.
    pub checkpoint_ms: u64,
    /// Between two polls of forwarder, council and warden.
    pub poll_ms: u64,
    /// Puzzle difficulty.
    pub pow_bits: u8,
    /// Window, deadline after its close, release interval.
    pub window_s: u64,
    /// From a window's close to its deadline.
    pub forward_s: u64,
    /// Between two releases of batched reports.
    pub release_s: u64,
}

impl Values {
    /// Those of a demo but for who takes part: a rehearsal of a town or a city, done in minutes.
    pub const REHEARSAL: Self = Profile::Demo.values();

    /// The first policy, for `tabir policy propose`.
    pub fn policy(&self, at: u64, categories: Vec<Category>) -> tabir_crypto::Result<PolicySet> {
        let deadlines_s = BTreeMap::from([
            (Status::Received, 3 * DAY),
            (Status::Waiting, 3 * DAY),
            (Status::Coordination, 5 * DAY),
            (Status::Disposition, 5 * DAY),
            (Status::InProgress, 14 * DAY),
            (Status::Scheduled, 60 * DAY),
            (Status::Resolved, 10 * DAY),
            (Status::Declined, 10 * DAY),
        ]);
        Ok(PolicySet {
            v: V1,
            at: Hour::of(at),
            version: 1,
            codes: codes()?,
            deadlines_s,
            window_s: self.window_s,
            forward_s: self.forward_s,
            release_s: self.release_s,
            request_life_s: 7 * DAY,
            partial_life_s: 7 * DAY,
            envelope_retention_s: 365 * DAY,
            categories,
        })
    }
}

impl Profile {
    /// The values of this profile.
    #[must_use]
    pub const fn values(self) -> Values {
        match self {
            Self::Demo => Values {
                activation: Activation { token: 0, intake: 0, warden: 0, council: 0 },
                freshness_s: 72 * HOUR,
                cooling_off_s: 3,
                release_cap_per_day: 20,
                deferral_max_s: 60,
                epoch_s: 30 * DAY,
                checkpoint_ms: 400,
                poll_ms: 250,
                pow_bits: 4,
                window_s: 5,
                forward_s: 10,
                release_s: 2,
            },
            Self::Town => Values {
                activation: Activation { token: 72 * HOUR, intake: 72 * HOUR, warden: 72 * HOUR, council: 72 * HOUR },
                freshness_s: 72 * HOUR,
                cooling_off_s: 72 * HOUR,
                release_cap_per_day: 3,
                deferral_max_s: 90 * DAY,
                epoch_s: 90 * DAY,
                checkpoint_ms: 10_000,
                poll_ms: 5_000,
                pow_bits: 8,
                window_s: 7 * DAY,
                // Three working days, and the weekend that may lie between.
                forward_s: 5 * DAY,
                release_s: DAY,
            },
            Self::City => Values {
                activation: Activation {
                    token: DAY,
                    intake: DAY,
                    // What people seal their names to is looked at for longer.
                    warden: 7 * DAY,
                    council: 7 * DAY,
                },
                freshness_s: 72 * HOUR,
                cooling_off_s: 72 * HOUR,
                release_cap_per_day: 10,
                deferral_max_s: 90 * DAY,
                epoch_s: 30 * DAY,
                checkpoint_ms: 5_000,
                poll_ms: 2_000,
                pow_bits: 8,
                window_s: DAY,
                forward_s: 5 * DAY,
                release_s: HOUR,
            },
        }
    }

    /// The first policy, for `tabir policy propose`.
    pub fn policy(self, at: u64, categories: Vec<Category>) -> tabir_crypto::Result<PolicySet> {
        self.values().policy(at, categories)
    }
}

fn entry((code, id, en): &(&str, &str, &str)) -> tabir_crypto::Result<CodeEntry> {
    Ok(CodeEntry { code: CodeText::new(code)?, id: Text::new(id)?, en: Text::new(en)? })
}

fn codes() -> tabir_crypto::Result<PolicyCodes> {
    let list = |entries: &[(&str, &str, &str)]| entries.iter().map(entry).collect::<tabir_crypto::Result<Vec<_>>>();
    Ok(PolicyCodes {
        legal_basis: list(&[
            ("court_order", "Putusan atau penetapan pengadilan", "Court order"),
            ("prosecutor", "Permintaan tertulis penuntut umum", "Written request of the prosecutor"),
            ("consent", "Persetujuan pelapor", "Consent of the reporter"),
        ])?,
        reason: list(&[
            ("threat", "Ancaman terhadap nyawa", "Threat to life"),
            ("witness", "Pelapor dibutuhkan sebagai saksi", "The reporter is needed as a witness"),
            ("false_report", "Dugaan laporan palsu", "Suspected false report"),
            ("agreed", "Dasar hukum cukup", "The legal basis suffices"),
        ])?,
        refusal: list(&[
            ("basis", "Dasar hukum tidak cukup", "The legal basis does not suffice"),
            ("scope", "Tidak perlu untuk kasus ini", "Not needed for this case"),
            ("conflict", "Konflik kepentingan", "Conflict of interest"),
        ])?,
        deferral: list(&[("inquiry", "Membahayakan penyelidikan", "Would jeopardise the inquiry")])?,
        failure: list(&[
            ("outer", "Lapisan luar tidak terbuka", "The outer layer does not open"),
            ("label", "Amplop untuk kasus lain", "The envelope is for another case"),
            ("case-sig", "Bukan ditandatangani oleh kasus ini", "Not signed by this case"),
            ("proof", "Bukti pengirim gagal", "The sender's proof fails"),
            ("request", "Permintaan dan catatannya berbeda", "Request and entry disagree"),
            ("commitment", "Komitmen kunci tidak cocok", "The key commitment does not fit"),
            ("aead", "Isi tidak terbuka", "The content does not open"),
            ("record", "Isi bukan data identitas", "The content is no identity record"),
            ("none", "Tidak ada identitas", "No identity was given"),
        ])?,
        recusal: list(&[("concerned", "Kasus mungkin menyangkut pejabat ini", "The case may concern this official")])?,
    })
}

/// A category from its English name: the code is the name in lower case with underscores.
pub fn category(name: &str, id: &str, release: Release) -> tabir_crypto::Result<Category> {
    let code: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .take(64)
        .collect::<String>()
        .split('_')
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    Ok(Category { code: CodeText::new(&code)?, id: Text::new(id)?, en: Text::new(name)?, release })
}

/// The categories that a new installation starts with, from the terms of Jakarta's CRM; misconduct is batched.
pub fn default_categories() -> tabir_crypto::Result<Vec<Category>> {
    [
        ("Damaged road", "Jalan rusak", Release::Urgent),
        ("Illegal parking", "Parkir liar", Release::Urgent),
        ("Fallen tree", "Pohon tumbang", Release::Urgent),
        ("Rubbish", "Sampah", Release::Urgent),
        ("Flooding", "Banjir", Release::Urgent),
        ("Street light", "Lampu jalan", Release::Urgent),
        ("Misconduct of an official", "Pelanggaran pejabat", Release::Batched),
        ("Bribery", "Pungutan liar dan suap", Release::Batched),
        ("Workplace", "Pelanggaran di tempat kerja", Release::Batched),
        ("Other", "Lainnya", Release::Batched),
    ]
    .into_iter()
    .map(|(en, id, release)| category(en, id, release))
    .collect()
}
