//! A folder of proofs: it shows what the log shows, and each of its parts is checked.

use std::path::{Path, PathBuf};

use tabir::client::log_reader::{Entry, Growth};
use tabir::client::log_source::ReadError;
use tabir::client::opening::bundle::{Checked, check, write};
use tabir::client::opening::{Opening, Seen, What, find};
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::log::checkpoint::{Checkpoint, SignedCheckpoint};
use tabir_crypto::log::tile::Edge;
use tabir_crypto::log::{CosignedCheckpoint, Cosigner, NoteSigner, TlogProof};
use tabir_crypto::receipt::notice_tag;
use tabir_crypto::statement::body::UnsealRequested;
use tabir_crypto::statement::value::Hex;
use tabir_crypto::statement::{Statement, Verb, entry_hash};
use tabir_crypto::trust::root::LogName;
use tabir_crypto::trust::unseal::Status;
use tabir_crypto::{Code, Secret, SecretBytes};

use crate::log::*;

const KEY: B32 = [7; 32];

fn signer() -> NoteSigner {
    NoteSigner::from_seed(LogName::Governance.as_str(), &SecretBytes::new(sha256(b"log"))).unwrap()
}

fn witness() -> Cosigner {
    Cosigner::from_seed("witness", &SecretBytes::new(sha256(b"witness"))).unwrap()
}

/// The installation of the tests, with a log and a witness that can sign.
pub fn new_log() -> Log {
    let mut root = trust_root();
    root.logs[0].vkey = text(&signer().verifier_key().to_string());
    let intake = NoteSigner::from_seed(LogName::Intake.as_str(), &SecretBytes::new(sha256(b"intake"))).unwrap();
    root.logs[1].vkey = text(&intake.verifier_key().to_string());
    root.witnesses = vec![text(&witness().verifier_key().to_string())];
    let ground = Log::new().leaves;
    let mut log = Log { trust: trust_of(&root), ..Log::empty() };
    ground.into_iter().for_each(|(leaf, at)| drop(log.put_leaf(leaf, at).unwrap()));
    log
}

fn cosigned(log: &Log, size: u64, at: u64) -> CosignedCheckpoint {
    let mut edge = Edge::default();
    log.leaves.iter().take(size as usize).for_each(|(leaf, _)| edge.push(leaf).unwrap());
    cosigned_head(log, edge.head(), at)
}

fn cosigned_head(log: &Log, head: tabir_crypto::log::TreeHead, at: u64) -> CosignedCheckpoint {
    let origin = LogName::Governance.as_str().to_owned();
    let mut signed = SignedCheckpoint::sign(Checkpoint { origin, head }, &signer()).unwrap();
    signed.add(witness().cosign(&signed, at));
    let (_, witnesses) = tabir::ledger::verifiers(&log.trust, LogName::Governance).unwrap();
    CosignedCheckpoint::check(signed, &witnesses).unwrap()
}

/// The log as a reader gets it: a kept checkpoint each time that its clock moved.
pub fn read(log: &Log) -> Growth {
    let entry = |(index, (leaf, at)): (u64, &(Vec<u8>, Option<u64>))| Entry {
        index,
        leaf: leaf.clone(),
        hash: entry_hash(leaf),
        witnessed_time: at.unwrap(),
    };
    let entries: Vec<Entry> = (0..).zip(&log.leaves).map(entry).collect();
    let last = entries.windows(2).filter(|w| w[0].witnessed_time != w[1].witnessed_time).map(|w| &w[0]);
    let kept = last.chain(entries.last()).map(|e| cosigned(log, e.index + 1, e.witnessed_time)).collect();
    Growth { checkpoint: cosigned(log, log.size(), log.now + HOUR), entries, kept }
}

fn openings(log: &Log, growth: &Growth) -> Vec<Opening> {
    let seen = Seen { trust: &log.trust, state: &log.state, entries: &growth.entries, whole: true, now: log.now };
    find(&seen, &KEY).unwrap()
}

fn ask(log: &mut Log) -> Hex<32> {
    let body = requested("hers");
    log.ask_with(&UnsealRequested { tag: Hex(notice_tag(&KEY, &body.nonce.unwrap().0)), ..body })
}

/// A whole opening of hers among others, in a log with a second policy and a second council.
fn opened() -> Log {
    let mut log = new_log();
    log.whole_opening("somebody else's");
    let auditor_and_gateway = [role(tabir_crypto::statement::body::Role::Gateway), auditor(0)];
    log.put(&sign(Verb::PolicySet, &policy(2), &auditor_and_gateway)).unwrap();
    log.put(&sign(Verb::CouncilReshared, &council_body("council", 2, 2, &officials()), &founders())).unwrap();
    log.now += DAY;
    let body = requested("hers");
    let second = council_body("council", 2, 2, &officials());
    let council_id = Hex(*tabir_crypto::threshold::Council::from_body(&second).unwrap().council_id());
    let tag = Hex(notice_tag(&KEY, &body.nonce.unwrap().0));
    let request = log.ask_with(&UnsealRequested { tag, council_id, ..body });
    for i in [1, 2] {
        let vote = tabir_crypto::statement::body::UnsealApproved { council_id, ..approved(request, i) };
        log.put(&sign(Verb::UnsealApproved, &vote, &[official(i)])).unwrap();
    }
    log.now += COOLING;
    log.release(request).unwrap();
    log.partial(request, 1).unwrap();
    log.partial(request, 2).unwrap();
    log.open(request).unwrap();
    log
}

struct Folder {
    _dir: tempfile::TempDir,
    path: PathBuf,
    log: Log,
    growth: Growth,
}

impl Folder {
    fn of(log: Log, key: Option<&Secret<String>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (path, growth) = (dir.path().join("proof"), read(&log));
        write(&path, &log.trust, &growth, &openings(&log, &growth), key, "For people.\n").unwrap();
        Self { _dir: dir, path, log, growth }
    }

    fn check(&self) -> Result<Checked, ReadError> {
        check(&self.path, &self.log.trust)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Puts an entry of this log beside the others, with a good proof.
    fn add(&self, index: u64) {
        let hashes: Vec<B32> = self.growth.entries.iter().map(|e| e.hash).collect();
        let covers = self.growth.kept.iter().find(|k| k.head().size > index).unwrap();
        let proof = TlogProof::make(index, &hashes, covers.signed()).unwrap();
        std::fs::write(self.file(&format!("{index:08}.tlog-proof")), proof.to_bytes()).unwrap();
        std::fs::write(self.file(&format!("{index:08}.json")), &self.growth.entries[index as usize].leaf).unwrap();
    }

    /// What the check says to one change, which is taken back.
    fn after(&self, change: impl FnOnce(&Path)) -> Option<Code> {
        let before: Vec<_> = std::fs::read_dir(&self.path)
            .unwrap()
            .map(|f| f.unwrap().path())
            .map(|f| (f.clone(), std::fs::read(f).unwrap()))
            .collect();
        change(&self.path);
        let refused = self.check().err().expect("must be refused").code();
        std::fs::read_dir(&self.path).unwrap().for_each(|f| std::fs::remove_file(f.unwrap().path()).unwrap());
        before.iter().for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
        assert!(self.check().is_ok());
        refused
    }
}

fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    std::fs::write(file, change(std::fs::read_to_string(file).unwrap())).unwrap();
}

/// An entry with its proof.
fn remove(dir: &Path, index: u64) {
    for kind in ["json", "tlog-proof"] {
        std::fs::remove_file(dir.join(format!("{index:08}.{kind}"))).unwrap();
    }
}

fn key() -> Secret<String> {
    Secret::new(hex::encode(KEY))
}

#[test]
fn a_folder_tells_what_the_log_tells_and_for_which_key() {
    let log = opened();
    let told = openings(&log, &read(&log));
    for key in [Some(&key()), None] {
        let folder = Folder::of(opened(), key);
        let checked = folder.check().unwrap();
        assert_eq!(checked.one_case, key.is_some());
        assert_eq!(checked.witnessed, folder.growth.checkpoint.witnessed_time());
        let [of_log, of_folder] = [&told, &checked.openings].map(|o| {
            let [one] = o.as_slice() else { panic!("{} openings", o.len()) };
            (one.request_hash, one.status, one.fingerprint.clone(), one.cooled_at, one.readable, one.steps.len())
        });
        assert_eq!(of_log, of_folder);
        assert_eq!(of_folder.1, Status::Opened);
        for (a, b) in told[0].steps.iter().zip(&checked.openings[0].steps) {
            assert_eq!((a.entry, a.witnessed), (b.entry, b.witnessed));
            // The day's cap needs the whole log.
            let same = a.what == b.what || matches!(b.what, What::Released { above_cap: None, .. });
            assert!(same, "{:?} {:?}", a.what, b.what);
        }
        // Two policies, two councils, and the steps: nobody else's opening.
        assert_eq!(checked.entries.len(), 4 + told[0].steps.len());
    }
}

#[test]
fn every_part_of_a_folder_is_checked() {
    let folder = Folder::of(opened(), Some(&key()));
    let checked = folder.check().unwrap();
    let request = checked.openings[0].steps[0].entry;
    let (entry, proof) = (format!("{request:08}.json"), format!("{request:08}.tlog-proof"));
    let next = format!("{:08}.json", request + 1);
    let refused = |what: &str, want: Option<Code>, change: &dyn Fn(&Path)| {
        assert_eq!(folder.after(change), want, "{what}");
    };
    refused("another word in an entry", Some(Code::Inclusion), &|d| edit(&d.join(&entry), |t| t.replacen('e', "f", 1)));
    refused("another entry in its place", Some(Code::Inclusion), &|d| {
        std::fs::copy(d.join(&next), d.join(&entry)).unwrap();
    });
    refused("an entry under another number", Some(Code::Inclusion), &|d| {
        for kind in ["json", "tlog-proof"] {
            let from = d.join(format!("{request:08}.{kind}"));
            std::fs::rename(from, d.join(format!("{:08}.{kind}", request - 1))).unwrap();
        }
    });
    refused("a proof of another number", Some(Code::Inclusion), &|d| {
        let index = format!("index {request}\n");
        edit(&d.join(&proof), |t| t.replacen(&index, &format!("index {}\n", request + 1), 1));
    });
    refused("no entry", None, &|d| std::fs::remove_file(d.join(&entry)).unwrap());
    refused("no proof", None, &|d| std::fs::remove_file(d.join(&proof)).unwrap());
    refused("no checkpoint", None, &|d| std::fs::remove_file(d.join("checkpoint")).unwrap());
    refused("a checkpoint without its witness", Some(Code::Quorum), &|d| {
        let lines = |t: String| t.lines().take(5).map(|l| format!("{l}\n")).collect();
        edit(&d.join("checkpoint"), lines);
    });
    refused("a proof without its witness", Some(Code::Quorum), &|d| {
        edit(&d.join(&proof), |t| {
            t.lines().filter(|l| !l.starts_with("— witness ")).map(|l| format!("{l}\n")).collect()
        });
    });
    refused("a number in another form", Some(Code::UnknownField), &|d| {
        std::fs::rename(d.join(&entry), d.join(format!("{request:09}.json"))).unwrap();
    });
    refused("the policy left out that came first", Some(Code::Field), &|d| {
        remove(d, 0);
    });
    refused("the council left out", Some(Code::Context), &|d| {
        remove(d, 1);
    });
    refused("nothing but the ground", None, &|d| {
        for step in &checked.openings[0].steps {
            remove(d, step.entry);
        }
    });
}

#[test]
fn a_folder_has_one_history() {
    let folder = Folder::of(opened(), Some(&key()));
    let refused = |what: &str, want: Option<Code>, change: &dyn Fn(&Path)| {
        assert_eq!(folder.after(change), want, "{what}");
    };
    refused("a checkpoint that is older than an entry", Some(Code::Inclusion), &|d| {
        let older = folder.growth.kept.iter().find(|k| k.head().size > 2).unwrap();
        std::fs::write(d.join("checkpoint"), older.signed().to_bytes()).unwrap();
    });
    refused("a second history", Some(Code::Consistency), &|d| {
        let head = tabir_crypto::log::TreeHead { root: [9; 32], ..folder.growth.kept.last().unwrap().head() };
        let other = cosigned_head(&folder.log, head, T0);
        std::fs::write(d.join("checkpoint"), other.signed().to_bytes()).unwrap();
    });
}

#[test]
fn a_folder_is_about_the_case_of_its_key_and_holds_nothing_unproven() {
    let folder = Folder::of(opened(), Some(&key()));
    let refused = |what: &str, want: Option<Code>, change: &dyn Fn(&Path)| {
        assert_eq!(folder.after(change), want, "{what}");
    };
    refused("another case's key", Some(Code::Context), &|d| {
        std::fs::write(d.join("notice-key"), hex::encode([8; 32])).unwrap();
    });
    refused("a key that is none", Some(Code::Hex), &|d| std::fs::write(d.join("notice-key"), "x").unwrap());
    refused("a file that nothing vouches for", Some(Code::UnknownField), &|d| {
        std::fs::write(d.join("verdict.txt"), "It was lawful.").unwrap();
    });
    refused("somebody else's opening beside hers", Some(Code::Context), &|_| (2..9).for_each(|i| folder.add(i)));
}

#[test]
fn no_byte_of_a_folder_can_change() {
    let mut log = new_log();
    ask(&mut log);
    let folder = Folder::of(log, Some(&key()));
    for file in std::fs::read_dir(&folder.path).unwrap().map(|f| f.unwrap().path()) {
        let bytes = std::fs::read(&file).unwrap();
        if file.ends_with("README.txt") {
            continue;
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 97 + 1) {
            let mut other = bytes.clone();
            other[at] ^= 1;
            std::fs::write(&file, &other).unwrap();
            assert!(folder.check().is_err(), "{} byte {at}", file.display());
        }
        std::fs::write(&file, &bytes).unwrap();
    }
    folder.check().unwrap();
}

/// Logged is not lawful: an entry with a good proof still has to follow from those before it, signed by those who must.
#[test]
fn an_entry_that_the_rules_refuse_proves_nothing() {
    type Make = fn(Hex<32>) -> Statement;
    let cases: [(&str, Code, Make); 2] = [
        ("an opening without a release", Code::Order, |r| {
            sign(Verb::UnsealOpened, &opened_body(r), &[official(1), official(2)])
        }),
        ("a vote by somebody else", Code::UnknownKey, |r| sign(Verb::UnsealApproved, &approved(r, 1), &[official(2)])),
    ];
    for (what, want, statement) in cases {
        let mut log = new_log();
        let request = ask(&mut log);
        let index = log.size();
        log.put(&statement(request)).unwrap_err();
        let folder = Folder::of(log, None);
        assert_eq!(folder.check().unwrap().openings[0].steps.len(), 1, "{what}");
        assert_eq!(folder.after(|_| folder.add(index)), Some(want), "{what}");
    }
}

fn opened_body(request: Hex<32>) -> tabir_crypto::statement::body::UnsealOpened {
    crate::log::opened(request)
}

#[test]
fn a_release_that_came_too_early_is_shown_as_what_it_is() {
    let mut log = new_log();
    let request = ask(&mut log);
    log.approve(request, 1).unwrap();
    log.approve(request, 2).unwrap();
    log.now += COOLING - HOUR;
    log.release(request).unwrap_err();
    let folder = Folder::of(log, None);
    let checked = folder.check().unwrap();
    let last = &checked.openings[0].steps.last().unwrap().what;
    assert!(matches!(last, What::Released { early: true, by_auditor: false, .. }), "{last:?}");
}

#[test]
fn a_folder_is_for_its_owner_and_never_written_over() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::of(opened(), Some(&key()));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path), 0o700);
    for file in std::fs::read_dir(&folder.path).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    let again = write(
        &folder.path,
        &folder.log.trust,
        &folder.growth,
        &openings(&folder.log, &folder.growth),
        None,
        "For people.\n",
    );
    assert!(matches!(again.err(), Some(ReadError::File { .. })));
}
