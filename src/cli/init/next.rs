//! What is said at the end: what each party does next, and from which day on reports can come.

use std::path::Path;

use time::OffsetDateTime;

use super::Terms;
use crate::config::Config;
use crate::config::profile::Profile;

/// The city's next steps.
pub fn city(dir: &Path, terms: &Terms, processes: &[(&'static str, Config)], holders: usize, now: u64) -> String {
    let activation = terms.values().activation;
    let delays = [activation.token, activation.intake, activation.warden, activation.council];
    let begin = begin(now, delays.into_iter().max().unwrap_or_default());
    let host = |(folder, config): &(&str, Config)| {
        let roles: Vec<_> = config.roles.folders().map(|(name, _)| name).collect();
        format!("       {folder:<10} {}\n", roles.join(", "))
    };
    let hosts: String = processes.iter().map(host).collect();
    let rehearsal = if terms.rehearsal {
        "This is a REHEARSAL: its trust root is marked as a demo for ever. For the real thing begin anew.\n"
    } else {
        ""
    };
    let others = if terms.profile == Profile::City {
        "     The other witnesses: your logs into witness.toml, then  tabir witness serve  (docs/witnessing.md)\n"
    } else {
        ""
    };
    format!(
        "Made {dir}. Nothing else was changed; to undo it, delete that folder.\n{rehearsal}\n\
         What each party does next:\n  \
         1. {quorum} of the {holders} auditors, each at home:  tabir sign trust.json --key auditor.key\n     \
            They compare its keys with the cards, by another way than through you.\n  \
         2. You: put trust.json, signed, and each folder on its host:\n{hosts}     \
            The complaint system's key goes into the forwarder's api.key, mode 0600.\n  \
         3. You, on each host:  tabir doctor --config tabir.toml  and then  tabir serve --config tabir.toml\n  \
         4. The outside body: trust.json into its folder, then  tabir warden serve\n{others}  \
         5. You propose the policy; an auditor signs it. The auditors sign the warden's key.\n  \
         6. The officials make their council, each on an own laptop (docs/officials.md, docs/ceremonies.md).\n\
         docs/integrating.md walks through all of it.\n\n{begin}",
        dir = dir.display(),
        quorum = holders / 2 + 1,
    )
}

/// The first day of reports.
fn begin(now: u64, delay: u64) -> String {
    let at = i64::try_from(now.saturating_add(delay)).ok().and_then(|t| OffsetDateTime::from_unix_timestamp(t).ok());
    let day = at.map(|t| t.date().to_string()).unwrap_or_default();
    if delay == 0 {
        return "Reports can begin as soon as policy, council and all keys stand in the log.".into();
    }
    format!(
        "Reports can begin on {day} at the earliest (UTC): {} hours after the last of council, warden, intake and token keys \
         stands in the log, if that is today. Each day later moves it by a day. In that time a false key would be noticed.",
        delay / 3_600
    )
}

/// The next steps of who is not the city.
pub fn party(dir: &Path, warden: bool) -> String {
    let dir = dir.display();
    let warden = if warden {
        format!("\nand, with the signed trust.json in {dir}:  tabir warden serve --config {dir}/tabir.toml")
    } else {
        String::new()
    };
    format!(
        "Made {dir}. Nothing else was changed; to undo it, delete that folder.\n\
         Take {dir}/card.json to the city by hand, and keep auditor.key offline.\n\
         When the city gives you trust.json: check its keys with the other parties, then\n  \
         tabir sign trust.json --key {dir}/auditor.key{warden}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_day_is_named() {
        let monday = 1_795_392_000; // 2026-11-23T00:00:00Z
        assert!(begin(monday, 72 * 3_600).contains("2026-11-26"));
        assert!(begin(monday, 0).contains("as soon as"));
    }
}
