//! What the monitor says, in Indonesian and in English.

use tabir_crypto::statement::value::Second;
use tabir_crypto::trust::root::LogName;

use crate::client::audit_monitor::Round;
use crate::client::audit_monitor::alarm::{Alarm, Failure, News};
use crate::words::Language;

fn failure(f: &Failure) -> String {
    let code = f.code.map(|code| format!(": {code}")).unwrap_or_default();
    let log = f.log.map(|log| format!(", {}", log.as_str())).unwrap_or_default();
    let entry = f.entry.map(|entry| format!(":{entry}")).unwrap_or_default();
    let window = f.window.map(|window| format!(", window {window}")).unwrap_or_default();
    format!("{}{code}{log}{entry}{window}", f.check)
}

fn news(l: Language, n: &News) -> String {
    let sound = if n.sound { "" } else { l.pick(", TIDAK menurut aturan", ", NOT by the rules") };
    format!("governance:{} {} ({}){sound}", n.entry, n.verb, n.witnessed)
}

/// One alarm.
pub fn alarm(l: Language, alarm: &Alarm, now: u64) -> String {
    let words = match alarm {
        Alarm::Fork { log, size } => l.pick(
            format!("CABANG: log {} menunjukkan riwayat lain daripada salinan ({size} catatan); kedua checkpoint ada di evidence", log.as_str()),
            format!("FORK: the {} log shows another history than the copy ({size} entries); both checkpoints are in evidence", log.as_str()),
        ),
        Alarm::Refused { log, code } => l.pick(
            format!("DITOLAK: jawaban log {} tidak dapat dipercaya: {code}", log.as_str()),
            format!("REFUSED: what the {} log answers can't be believed: {code}", log.as_str()),
        ),
        Alarm::Stale { log, witnessed } => l.pick(
            format!("USANG: saksi terakhir melihat log {} pada {witnessed}", log.as_str()),
            format!("STALE: witnesses last saw the {} log at {witnessed}", log.as_str()),
        ),
        Alarm::UnapprovedOpening(f) => l.pick(
            format!("PEMBUKAAN YANG TIDAK SAH: {}", failure(f)),
            format!("UNAPPROVED OPENING: {}", failure(f)),
        ),
        Alarm::FailedCheck(f) => {
            l.pick(format!("PEMERIKSAAN GAGAL: {}", failure(f)), format!("FAILED CHECK: {}", failure(f)))
        }
        Alarm::Released(n) => l.pick(
            format!("DILEPAS: identitas dilepas kepada pejabat: {}", news(l, n)),
            format!("RELEASED: an identity was released to officials: {}", news(l, n)),
        ),
        Alarm::Key(n) => l.pick(format!("KUNCI: {}", news(l, n)), format!("KEY: {}", news(l, n))),
        Alarm::Council(n) => l.pick(format!("DEWAN: {}", news(l, n)), format!("COUNCIL: {}", news(l, n))),
        Alarm::TrustRoot(n) => {
            l.pick(format!("AKAR KEPERCAYAAN: {}", news(l, n)), format!("TRUST ROOT: {}", news(l, n)))
        }
    };
    format!("{}  {words}", Second(now))
}

/// What lasted is over.
pub fn over(l: Language, id: &str, now: u64) -> String {
    format!("{}  {}: {id}", Second(now), l.pick("selesai", "over"))
}

/// The heartbeat.
pub fn round(l: Language, round: &Round, now: u64) -> String {
    let head = |(log, head): (LogName, &Option<(u64, u64)>)| match head {
        Some((size, witnessed)) => format!("{} {size} ({})", log.as_str(), Second(*witnessed)),
        None => format!("{} –", log.as_str()),
    };
    let heads: Vec<_> = LogName::ALL.into_iter().zip(&round.heads).map(head).collect();
    let unreachable =
        if round.unreachable.is_empty() { "" } else { l.pick(", tidak terjangkau", ", can't be reached") };
    let alarms = round.alarms.len();
    let alarms = l.pick(format!("{alarms} alarm"), format!("{alarms} alarm(s)"));
    format!("{}  {}: {alarms}{unreachable}", Second(now), heads.join(", "))
}

/// At the end of one round.
pub fn alarms(l: Language, count: usize) -> String {
    l.pick(format!("{count} alarm"), format!("{count} alarm(s)"))
}
