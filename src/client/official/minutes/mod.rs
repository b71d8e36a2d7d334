//! The transcript of a ceremony in plain words, which each official keeps: who took part, what each sent, what came of
//! it, what is still to be done, and afterwards what was erased. It is written when a ceremony succeeds and when it
//! fails, beside the key file; nothing in it is secret, and no program reads it again.

mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tabir_crypto::codec::sha256;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Council;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::trust::State as Log;
use tabir_crypto::{B32, Code};

use super::ceremony::{Formed, Place, Round, Senders, Settled};
use super::keys::{Day, fingerprint, short};
use super::manifest::fits;
use super::{OfficialError, OfficialFile};
use crate::api::council::round;
use crate::config::ConfigError;
use crate::config::keys::{folder_of, read_private, replace_private, write_private};
use words::{ENGLISH, INDONESIAN, Words};

/// Bytes of a message's hash that people compare. Who makes two versions can look for two that look alike: with half as
/// many bytes he would find them.
const SHOWN: usize = 16;
/// Longest name that is written.
const NAME: usize = 60;
/// Officials who may write one record at the same moment: those of one folder.
const WRITERS: usize = 8;

/// Names of officials by the fingerprints that people wrote down.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// From lines with a fingerprint, or its first groups, and a name behind it.
    #[must_use]
    pub fn read(lines: &str) -> Self {
        let line = |line: &str| line.trim().split_once(char::is_whitespace).map(|(f, n)| (f.to_owned(), clean(n)));
        Self(lines.lines().filter_map(line).collect())
    }

    /// With one's own card, too.
    #[must_use]
    pub fn with(mut self, file: &OfficialFile) -> Self {
        self.0.push((file.card().fingerprint(), clean(file.card().name.as_str())));
        self
    }

    fn of(&self, fingerprint: &str) -> Option<&str> {
        let found = self.0.iter().find(|(typed, name)| !name.is_empty() && fits(fingerprint, typed));
        found.map(|(_, name)| name.as_str())
    }
}

/// A name as it may stand in a text that people show on a terminal.
fn clean(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(NAME).collect()
}

/// What a transcript is made of.
pub struct Minutes<'a> {
    /// The ceremony.
    pub plan: &'a Ceremony,
    /// The council before.
    pub old: Option<&'a Council>,
    /// Its messages, as this device saw them.
    pub messages: &'a [Statement],
    /// What came of it.
    pub done: Result<&'a Formed, &'a OfficialError>,
    /// Names that are known here.
    pub names: &'a Names,
    /// Whose transcript it is.
    pub file: &'a OfficialFile,
}

/// Writes the transcript of a ceremony that came to its end, or was ended by a participant or a cheat. `None` for one
/// that goes on.
pub async fn keep(
    place: Place<'_>,
    (plan, old): (&Ceremony, Option<&Council>),
    done: Result<&Formed, &OfficialError>,
    (names, file): (&Names, &OfficialFile),
) -> Result<Option<PathBuf>, OfficialError> {
    use OfficialError::{Aborted, Cheater, CheatingDealer, Differs};
    let messages = match done {
        Ok(formed) => formed.messages.clone(),
        Err(Cheater { .. } | CheatingDealer { .. } | Differs { .. } | Aborted { .. }) => {
            place.board.messages(plan.id()).await.unwrap_or_default()
        }
        Err(_) => return Ok(None),
    };
    Minutes { plan, old, messages: &messages, done, names, file }.write().map(Some)
}

/// What each sent to everybody, checked as in the ceremony. Of a round in which a sender signed two versions that this
/// device has both of there is nothing here: the error names him.
struct Sent {
    commitments: Round,
    dealings: Round,
    transcripts: Round,
}

impl Minutes<'_> {
    /// The text, in both languages. Errors: `index` for a dealer whom the council before does not have.
    pub fn text(&self) -> Result<String, OfficialError> {
        let senders = Senders::new(self.plan, self.old)?;
        let read = |in_round| senders.read(in_round, 0, self.messages).unwrap_or_default();
        let sent = Sent {
            commitments: read(round::COMMITMENTS),
            dealings: read(round::DEALING),
            transcripts: read(round::TRANSCRIPT),
        };
        let one = |words| self.in_words(words, &sent);
        Ok(format!("{}\n\n----------\n\n{}", one(&INDONESIAN)?, one(&ENGLISH)?))
    }

    /// Writes it beside the key file, mode 0600, in the place of an earlier one of this ceremony. What became of it
    /// afterwards stays.
    pub fn write(&self) -> Result<PathBuf, OfficialError> {
        let (path, text) = (path_of(self.file, self.plan.id()), self.text()?);
        let before = read_private(&path).unwrap_or_default();
        let after = before.find(&format!("\n{}\n", INDONESIAN.after)).and_then(|at| before.get(at..));
        put(&path, &(text + after.unwrap_or_default()))?;
        Ok(path)
    }

    fn in_words(&self, w: &Words, sent: &Sent) -> Result<String, OfficialError> {
        let (m, id) = (self.plan.manifest(), self.plan.id());
        let mut lines = vec![fill(w.title, &[&short(id)]), String::new(), w.kind(m.kind).into()];
        lines.push(fill(w.id, &[&hex::encode(id)]));
        lines.push(fill(w.made_on, &[&day(m.at)?]));
        if let Some(old) = self.old {
            let [t, n, epoch] = [old.t().into(), old.n().into(), old.epoch()].map(|n: u64| n.to_string());
            lines.push(fill(w.follows, &[&old.fingerprint(), &t, &n, &epoch]));
        }
        lines.push(String::new());
        lines.push(fill(w.people, &[&m.t.to_string(), &m.n.to_string()]));
        for member in &m.members {
            lines.push(self.person(w, member.index, (&member.ed_vk.0, &member.kem_pk.0)));
        }
        if let Some(old) = self.old {
            lines.extend([String::new(), w.dealt.into()]);
            for index in &m.dealers {
                let dealer = old.member(*index)?;
                let line = self.person(w, *index, (dealer.ed_vk.as_bytes(), dealer.kem_pk.as_bytes()));
                let stays = m.members.iter().any(|m| m.ed_vk.0 == *dealer.ed_vk.as_bytes());
                lines.push(if stays { line } else { format!("{line} {}", w.leaves) });
            }
        }
        lines.extend([String::new(), w.sent.into()]);
        lines.extend(hashes(w, sent));
        lines.push(String::new());
        match self.done {
            Ok(formed) => self.came(w, formed, &mut lines),
            Err(error) => lines.push(fill(w.failed, &[&error.to_string()])),
        }
        if let Some(old) = self.old {
            lines.extend([String::new(), fill(w.old_shares, &[&old.t().to_string()])]);
        }
        Ok(lines.iter().map(|line| wrapped(line)).collect())
    }

    fn person(&self, w: &Words, index: u16, (ed_vk, kem_pk): (&B32, &[u8])) -> String {
        let (words, card) = (fingerprint(ed_vk, kem_pk), self.file.card());
        let name = self.names.of(&words).unwrap_or(w.unnamed);
        let own = card.ed_vk.0 == *ed_vk && card.kem_pk.0 == kem_pk;
        format!("  {index}  {words}  {name}{}", if own { format!(" {}", w.you) } else { String::new() })
    }

    fn came(&self, w: &Words, formed: &Formed, lines: &mut Vec<String>) {
        lines.push(w.came.into());
        let [key, refreshed, reshared] = w.made;
        for made in &formed.made {
            let what = match made.verb {
                Verb::CouncilRefreshed => refreshed,
                Verb::CouncilReshared => reshared,
                _ => key,
            };
            lines.push(format!("  {}  {what}", made.council.fingerprint()));
        }
        lines.extend([w.compare.into(), String::new(), w.signed.into(), String::new(), w.to_do.into()]);
        let [warden, auditor, log, settle] = w.steps;
        for made in &formed.made {
            let proposal = hex::encode(made.proposal);
            lines.extend([warden, auditor].map(|step| format!("  - {}", fill(step, &[&proposal]))));
        }
        lines.push(format!("  - {log}"));
        if self.old.is_some() {
            lines.push(format!("  - {settle}"));
        }
    }
}

fn hashes(w: &Words, sent: &Sent) -> Vec<String> {
    let rounds = [(w.commitments, &sent.commitments), (w.dealing, &sent.dealings), (w.transcript, &sent.transcripts)];
    let line = |words: &str, from: &u16, bytes: &[u8]| {
        format!("  {}  {}", first_bytes(bytes), fill(words, &[&from.to_string()]))
    };
    let all = rounds
        .into_iter()
        .flat_map(|(words, sent)| sent.iter().map(move |(from, (bytes, _))| line(words, from, bytes)));
    let all: Vec<String> = all.collect();
    if all.is_empty() { vec![format!("  {}", w.no_messages)] } else { all }
}

/// The first bytes of a message's hash, in groups of four digits.
fn first_bytes(message: &[u8]) -> String {
    let digits = hex::encode(sha256(message).get(..SHOWN).unwrap_or_default());
    digits.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// What the log says of a ceremony, and what was erased, added to its transcript in this folder. For a ceremony of which
/// this folder has no transcript, or which has it already, nothing is written. Returns the files that were written.
pub fn settled(file: &OfficialFile, log: &Log, settled: &Settled) -> Result<Vec<PathBuf>, OfficialError> {
    let mut ceremonies: BTreeMap<B32, Vec<(u64, &Council)>> = BTreeMap::new();
    for logged in log.councils() {
        ceremonies.entry(*logged.council.shares_id()).or_default().push((logged.entry, &logged.council));
    }
    let mut written = Vec::new();
    for (id, mut councils) in ceremonies {
        let path = path_of(file, &id);
        councils.sort_by_key(|(entry, _)| *entry);
        let text = match read_private(&path) {
            Err(ConfigError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => continue,
            text => text?,
        };
        let mut added = String::new();
        for words in [&INDONESIAN, &ENGLISH] {
            let lines = afterwards(words, log, &councils, settled)?;
            let new: Vec<String> = lines.into_iter().map(|l| wrapped(&l)).filter(|l| !text.contains(l)).collect();
            if !new.is_empty() {
                added += &format!("\n{}\n{}", words.after, new.concat());
            }
        }
        if !added.is_empty() {
            put(&path, &(text + &added))?;
            written.push(path);
        }
    }
    Ok(written)
}

fn afterwards(
    w: &Words,
    log: &Log,
    councils: &[(u64, &Council)],
    settled: &Settled,
) -> Result<Vec<String>, OfficialError> {
    let mut lines = Vec::new();
    for (entry, council) in councils {
        let at = log.witnessed().of(*entry).ok_or(Code::Checkpoint)?;
        let id = short(council.council_id());
        lines.push(fill(w.entry, &[&id, &entry.to_string(), &Day::of(at)?.to_string()]));
        let before = |id: &&B32| {
            log.council(id).is_ok_and(|old| {
                old.council.lineage() == council.lineage() && old.council.epoch() + 1 == council.epoch()
            })
        };
        for (words, ids) in [(w.erased, &settled.erased), (w.needed, &settled.needed), (w.missing, &settled.missing)] {
            lines.extend(ids.iter().filter(before).map(|id| fill(words, &[&short(id)])));
        }
    }
    Ok(lines)
}

fn path_of(file: &OfficialFile, ceremony: &B32) -> PathBuf {
    folder_of(file.path()).join(format!("transcript-{}.txt", short(ceremony)))
}

/// Writes the record anew. Whoever else writes it at the same moment (another official of a folder) does so from the same
/// public facts, so that the last one may stand.
fn put(path: &std::path::Path, text: &str) -> Result<(), OfficialError> {
    for _ in 0..WRITERS {
        let done = match std::fs::read(path) {
            Ok(before) => replace_private(path, &sha256(&before), text.as_bytes()),
            Err(_) => write_private(path, text.as_bytes()),
        };
        if !matches!(done, Err(ConfigError::Changed(_))) {
            return Ok(done?);
        }
    }
    Err(ConfigError::Changed(path.into()).into())
}

fn day(at: Hour) -> Result<String, OfficialError> {
    Ok(Day::of(at.unix())?.to_string())
}

fn fill(sentence: &str, values: &[&str]) -> String {
    let mut parts = sentence.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(values).fold(first, |text, (part, value)| text + value + part)
}

/// Lines of a width that fits a page; one that is set in goes on set in.
fn wrapped(line: &str) -> String {
    const WIDTH: usize = 100;
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let mut text = String::new();
    let mut width = 0;
    for word in line.split_inclusive(' ') {
        if width > indent && width + word.trim_end().chars().count() > WIDTH {
            text.truncate(text.trim_end().len());
            text += "\n";
            text += &" ".repeat(indent);
            width = indent;
        }
        text += word;
        width += word.chars().count();
    }
    text + "\n"
}
