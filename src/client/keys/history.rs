//! What the log says of each key, council and version of the trust root. Times are witnessed times and the key's own dates.

use serde::Serialize;
use tabir_crypto::B32;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::value::{Hex, Hex32, Second};
use tabir_crypto::trust::state::{AnnouncedKey, LoggedCouncil};
use tabir_crypto::trust::{State, Trust};

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum What {
    Token,
    Intake,
    Warden,
    Council,
    TrustRoot,
}

impl What {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Intake => "intake",
            Self::Warden => "warden",
            Self::Council => "council",
            Self::TrustRoot => "trust_root",
        }
    }
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Announced, and its time has not come.
    Waiting,
    /// The one that everybody uses now.
    Current,
    /// Another one took its place, or its time is over.
    Past,
    /// Taken out of use by an entry.
    Retired,
    /// One of two for one epoch, or one for two: none of them counts.
    Conflict,
}

impl Standing {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Current => "current",
            Self::Past => "past",
            Self::Retired => "retired",
            Self::Conflict => "conflict",
        }
    }
}

/// One key, council or version of the trust root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub what: What,
    /// Epoch of a key, or of a council within its lineage; number of a version of the trust root.
    pub epoch: u64,
    /// SHA-256 of a public key; id of a council; SHA-256 of the statement of a trust root.
    pub id: Hex32,
    /// Of a council: the key that it holds the shares of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Hex32>,
    /// Its entry of the governance log; none for the first version of the trust root.
    pub entry: Option<u64>,
    /// When that was witnessed.
    pub witnessed: Option<Second>,
    /// First second at which it counts, its delay and its own dates being over.
    pub active_from: Option<Second>,
    /// First second at which it counts no more, as far as the log says by now.
    pub active_until: Option<Second>,
    /// The entry that retired it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired: Option<u64>,
    /// Where it stands.
    pub standing: Standing,
}

/// All of them, at that time: keys by kind and epoch, councils in the order of the log, versions of the trust root.
#[must_use]
pub fn history(trust: &Trust, state: &State, now: u64) -> Vec<Item> {
    let keys = state.keys().map(|key| key_item(trust, state, key, now));
    let mut councils: Vec<_> = state.councils().collect();
    councils.sort_unstable_by_key(|council| council.entry);
    let councils = councils.into_iter().map(|council| council_item(trust, state, council, now));
    keys.chain(councils).chain(roots(trust, state)).collect()
}

fn time(state: &State, entry: u64) -> Option<Second> {
    state.witnessed().of(entry).map(Second)
}

fn key_item(trust: &Trust, state: &State, key: &AnnouncedKey, now: u64) -> Item {
    let body = &key.body;
    let counts = state.key_counts_from(trust, key).map(|from| from.max(body.not_before.0));
    let retired = key.retired.and_then(|entry| state.witnessed().of(entry));
    let until = retired.map_or(body.not_after.0, |at| at.min(body.not_after.0));
    let current = || state.active_key(trust, body.kind, now).is_ok_and(|active| active.entry == key.entry);
    let standing = if state.key(body.kind, body.epoch).is_err() {
        Standing::Conflict
    } else if key.retired.is_some() {
        Standing::Retired
    } else if current() {
        Standing::Current
    } else if counts.is_none_or(|from| from > now) {
        Standing::Waiting
    } else {
        Standing::Past
    };
    Item {
        what: match body.kind {
            KeyKind::Token => What::Token,
            KeyKind::Intake => What::Intake,
            KeyKind::Warden => What::Warden,
        },
        epoch: body.epoch,
        id: Hex(key.id),
        lineage: None,
        entry: Some(key.entry),
        witnessed: time(state, key.entry),
        active_from: counts.map(Second),
        active_until: Some(Second(until)),
        retired: key.retired,
        standing,
    }
}

fn council_item(trust: &Trust, state: &State, logged: &LoggedCouncil, now: u64) -> Item {
    let council = &logged.council;
    let lineage = council.lineage();
    let witnessed = time(state, logged.entry);
    // The key waits once; who holds its shares later needs no further delay.
    let from = state.council_counts_from(trust, lineage).zip(witnessed).map(|(key, own)| key.max(own.0));
    let next = state.councils().filter(|c| c.council.lineage() == lineage && c.council.epoch() == council.epoch() + 1);
    let replaced = next.filter_map(|c| state.witnessed().of(c.entry)).min();
    let retired = logged.retired.and_then(|entry| state.witnessed().of(entry));
    let current = || {
        let active = state.active_council(trust, now);
        active.is_ok_and(|active| active.council.council_id() == council.council_id())
    };
    let standing = if logged.retired.is_some() {
        Standing::Retired
    } else if current() {
        Standing::Current
    } else if from.is_none_or(|from| from > now) {
        Standing::Waiting
    } else {
        Standing::Past
    };
    Item {
        what: What::Council,
        epoch: council.epoch(),
        id: Hex(*council.council_id()),
        lineage: Some(Hex(*lineage)),
        entry: Some(logged.entry),
        witnessed,
        active_from: from.map(Second),
        active_until: [replaced, retired].into_iter().flatten().min().map(Second),
        retired: logged.retired,
        standing,
    }
}

/// The first version that is known, and those that the log has announced since.
fn roots(trust: &Trust, state: &State) -> Vec<Item> {
    let first = core::iter::once((None, trust.first()));
    let all: Vec<(Option<u64>, &Trust)> =
        first.chain(state.roots().map(|(entry, version)| (Some(entry), version))).collect();
    let item = |(place, (entry, version)): (usize, &(Option<u64>, &Trust))| {
        let next = all.get(place + 1).and_then(|(entry, _)| *entry);
        let witnessed = entry.and_then(|entry| time(state, entry));
        Item {
            what: What::TrustRoot,
            epoch: version.root().version,
            id: Hex(*version.hash()),
            lineage: None,
            entry: *entry,
            witnessed,
            active_from: witnessed,
            active_until: next.and_then(|entry| time(state, entry)),
            retired: None,
            standing: if next.is_none() { Standing::Current } else { Standing::Past },
        }
    };
    all.iter().enumerate().map(item).collect()
}

/// Short, for people: the first eight digits.
#[must_use]
pub fn short(id: &B32) -> String {
    hex::encode(id.get(..4).unwrap_or(id))
}
