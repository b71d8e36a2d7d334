//! A reporter proves what became of her report, to somebody who trusts neither her nor the installation: what is true is
//! taken, and no file can be made that says something else.

use tabir::client::log_reader::LogReader;
use tabir::client::log_source::{LogFolder, ReadError};
use tabir::client::proof_file::{ProofFile, drop};
use tabir::client::prove::{self, Proved};
use tabir::ledger::{self, View};
use tabir_crypto::Code;
use tabir_crypto::SecretBytes;
use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Hex, Hour, Second, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::erasure::{Erasure, logged_hash};
use tabir_crypto::trust::fate::Verdict;
use tabir_crypto::trust::root::LogName;

use crate::clean::{END, Window};
use crate::forge::{Forge, trust};
use crate::world::*;

/// A window with one report of each kind, and hers.
const W: u64 = 5;

/// Her keys, always the same.
fn hers() -> ReceiptKeys {
    Receipt::from(SecretBytes::new([7; 16])).keys()
}

fn another() -> ReceiptKeys {
    Receipt::from(SecretBytes::new([8; 16])).keys()
}

/// What the gateway promised the holder of these keys.
fn promised(keys: &ReceiptKeys) -> Acceptance {
    Acceptance {
        v: V1,
        at: Hour::of(T0),
        case_id: Hex(keys.case_id()),
        a: Hex(keys.a()),
        b: hash("her content and envelope"),
        nf: Hex(*keys.nf.expose()),
        w: W,
        deadline: accepted(W, 1, 1, &[]).deadline,
        log_origin: text("tabir.example/intake"),
    }
}

fn signed(acceptance: &Acceptance, key: &SigningKey) -> Statement {
    Statement::signed(Verb::Acceptance, acceptance, key).unwrap()
}

fn gateway() -> SigningKey {
    role(Role::Gateway)
}

/// A log that holds her acceptance; `more` says what became of it.
fn log(more: impl Fn(&mut Window)) -> Forge {
    Forge::with_windows(|w, window| {
        if w == W {
            let promised = promised(&hers());
            let [part] = window.accepted.as_mut_slice() else { panic!("one part") };
            part.pairs.push([promised.a, promised.b]);
            part.pairs.sort();
            more(window);
        }
    })
}

fn said(window: &mut Window, round: u64, verb: Verb) {
    let mut body = fate(W, round, &[]);
    body.nf.push(Hex(*hers().nf.expose()));
    let found = window.said.iter_mut().find(|(r, v, _)| (*r, *v) == (round, verb));
    match found {
        Some((.., fate)) => {
            fate.nf.extend(body.nf);
            fate.nf.sort();
        }
        None => window.said.push((round, verb, body)),
    }
}

fn forwarded(window: &mut Window) {
    said(window, 0, Verb::ReportForwarded);
}

/// A copy of both logs, and what her client finds in it.
struct Told {
    dir: tempfile::TempDir,
    proved: Proved,
    file: drop::File,
}

fn reader(dir: &std::path::Path, name: LogName) -> LogReader<LogFolder> {
    ledger::reader_of(&trust(), name, LogFolder(dir.join(name.as_str()))).unwrap()
}

async fn told_of(forge: &Forge, acceptance: Statement, erasure: Option<Erasure>) -> Told {
    let dir = forge.written();
    let mut view = View::default();
    let governance = view.advance(&trust(), &reader(dir.path(), LogName::Governance)).await.unwrap();
    let intake = reader(dir.path(), LogName::Intake);
    let newest = intake.checkpoint().await.unwrap();
    let body = match acceptance.body().unwrap() {
        tabir_crypto::statement::Body::Acceptance(body) => body,
        other => panic!("no acceptance: {other:?}"),
    };
    let proved = prove::in_log(&trust(), &view, &intake, newest, (acceptance, body)).await.unwrap();
    let r = Hex(*hers().r.expose());
    let file = drop::make(&trust(), &governance, &proved, r, erasure).unwrap();
    Told { dir, proved, file }
}

async fn told(forge: &Forge) -> Told {
    told_of(forge, signed(&promised(&hers()), &gateway()), None).await
}

impl Told {
    /// By the file alone, and by the copy.
    async fn verdicts(&self) -> (Option<Verdict>, Verdict) {
        let file = reread(&self.file);
        let (checked, whole) = drop::check_in(&file, &trust(), self.dir.path()).await.unwrap();
        assert_eq!(whole.proof.verdict(), self.proved.verdict(), "the checker sees what she saw");
        (checked.holds, whole.proof.verdict())
    }
}

/// As it is read from the disk.
fn reread(file: &drop::File) -> drop::File {
    let bytes = ProofFile::Drop(Box::new(file.clone())).to_bytes().unwrap();
    match ProofFile::parse(&bytes).unwrap() {
        ProofFile::Drop(file) => *file,
        _ => panic!("another kind"),
    }
}

#[track_caller]
fn not_taken(file: &drop::File, code: Code) {
    let error = drop::check(file, &trust()).err().expect("taken");
    assert_eq!(error.code(), Some(code), "{error}");
}

#[tokio::test]
async fn a_dropped_report_is_proven_to_who_has_the_whole_log_and_to_nobody_else() {
    let told = told(&log(|_| ())).await;
    assert_eq!(told.verdicts().await, (None, Verdict::Dropped));
    let (checked, whole) = drop::check_in(&told.file, &trust(), told.dir.path()).await.unwrap();
    assert_eq!(whole.witnessed, END);
    assert_eq!(checked.window, Some((T0 + 4 * DAY, T0 + 5 * DAY)));
    assert!(checked.proof.accepted_entry.is_some() && whole.proof.fate_entry.is_none());
}

#[tokio::test]
async fn what_stands_in_the_log_the_file_proves_alone() {
    let forge = log(forwarded);
    assert_eq!(told(&forge).await.verdicts().await, (Some(Verdict::Forwarded), Verdict::Forwarded));
    let forge = log(|w| said(w, 0, Verb::ReportRefused));
    assert_eq!(told(&forge).await.verdicts().await, (Some(Verdict::Refused), Verdict::Refused));
    // Whether pending was repeated, and whether something followed, only the whole log tells.
    let forge = log(|w| said(w, 0, Verb::ReportPending));
    assert_eq!(told(&forge).await.verdicts().await, (None, Verdict::Dropped));
}

#[tokio::test]
async fn an_acceptance_that_its_window_does_not_hold_is_proven_by_the_file_alone() {
    let forge = Forge::with_windows(|_, _| ());
    assert_eq!(told(&forge).await.verdicts().await, (Some(Verdict::NotInWindow), Verdict::NotInWindow));
    let other = Acceptance { b: hash("another content"), ..promised(&hers()) };
    let told = told_of(&log(forwarded), signed(&other, &gateway()), None).await;
    assert_eq!(told.verdicts().await, (Some(Verdict::OtherBody), Verdict::OtherBody));
    let sooner = Acceptance { deadline: Second(promised(&hers()).deadline.0 - DAY), ..promised(&hers()) };
    let told = told_of(&log(forwarded), signed(&sooner, &gateway()), None).await;
    assert_eq!(told.verdicts().await, (Some(Verdict::OtherWindow), Verdict::OtherWindow));
}

#[tokio::test]
async fn before_its_window_is_on_record_nothing_is_proven() {
    let later = Acceptance { w: 41, deadline: accepted(41, 1, 1, &[]).deadline, ..promised(&hers()) };
    let told = told_of(&Forge::with_windows(|_, _| ()), signed(&later, &gateway()), None).await;
    assert_eq!(told.verdicts().await, (None, Verdict::NotDue));
}

/// Who leaves out the entry that names her report, to cry drop, is refuted by the log.
#[tokio::test]
async fn an_entry_left_out_makes_no_drop() {
    let told = told(&log(forwarded)).await;
    let entry = told.proved.proof.fate_entry.unwrap();
    let mut file = told.file.clone();
    file.intake.entries.retain(|e| e.index != entry);
    let (checked, whole) = drop::check_in(&file, &trust(), told.dir.path()).await.unwrap();
    assert_eq!((checked.holds, whole.proof.verdict()), (None, Verdict::Forwarded));
    // Nor does leaving out the acceptance make a window without it.
    file.intake.entries.retain(|e| Some(e.index) != told.proved.proof.accepted_entry);
    let (checked, whole) = drop::check_in(&file, &trust(), told.dir.path()).await.unwrap();
    assert_eq!((checked.holds, whole.proof.verdict()), (None, Verdict::Forwarded));
}

#[tokio::test]
async fn somebody_elses_acceptance_or_another_r_proves_nothing() {
    let told = told(&log(|_| ())).await;
    let with = |change: &dyn Fn(&mut drop::File)| {
        let mut file = told.file.clone();
        change(&mut file);
        reread(&file)
    };
    not_taken(&with(&|f| f.acceptance = signed(&promised(&another()), &gateway())), Code::Context);
    not_taken(&with(&|f| f.r = Hex(*another().r.expose())), Code::Context);
    not_taken(&with(&|f| f.nf = Hex(*another().nf.expose())), Code::Context);
    not_taken(&with(&|f| f.acceptance = signed(&promised(&hers()), &role(Role::Forwarder))), Code::UnknownKey);
    let elsewhere = Acceptance { log_origin: text("another.example/intake"), ..promised(&hers()) };
    not_taken(&with(&|f| f.acceptance = signed(&elsewhere, &gateway())), Code::Context);
    not_taken(&with(&|f| f.acceptance = sign(Verb::ReportForwarded, &fate(W, 0, &[]), &[gateway()])), Code::Verb);
}

#[tokio::test]
async fn an_edited_proof_or_entry_proves_nothing() {
    let told = told(&log(forwarded)).await;
    let with = |change: &dyn Fn(&mut drop::File)| {
        let mut file = told.file.clone();
        change(&mut file);
        reread(&file)
    };
    // A line of the path.
    let edited = |proof: &str| {
        let at = proof.find("\n\n").unwrap() - 10;
        let other = if proof.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &proof[..at], &proof[at + 1..])
    };
    not_taken(&with(&|f| f.intake.entries[0].proof = edited(&f.intake.entries[0].proof)), Code::Inclusion);
    not_taken(&with(&|f| f.intake.entries[0].index += 1), Code::Inclusion);
    let invented = sign(Verb::ReportForwarded, &fate(W, 0, &["her report"]), &[role(Role::Forwarder)]);
    not_taken(&with(&|f| f.intake.entries.last_mut().unwrap().entry = invented.clone()), Code::Inclusion);
    not_taken(&with(&|f| f.intake.entries.swap(0, 1)), Code::Order);
    let mut other = told.file.clone();
    other.intake.checkpoint =
        other.intake.checkpoint.replace("w0.example", "w9.example").replace("w1.example", "w8.example");
    not_taken(&reread(&other), Code::Quorum);
}

#[tokio::test]
async fn entries_about_something_else_or_by_somebody_else_have_no_place_in_a_file() {
    let mut forge = log(|_| ());
    // The gateway says it in the forwarder's place; the log takes it.
    let mut body = fate(W, 2, &[]);
    body.nf.push(Hex(*hers().nf.expose()));
    let stranger = forge.say(Verb::ReportForwarded, &body, &[gateway()]);
    let told = told(&forge).await;
    assert_eq!(told.verdicts().await, (None, Verdict::Dropped), "it is nobody's word");
    let leaf = forge.intake.leaves()[usize::try_from(stranger).unwrap()].clone();
    let carried = |index: u64, leaf: &[u8]| tabir::client::proof_file::Carried {
        index,
        entry: Statement::parse(leaf).unwrap(),
        proof: String::from_utf8(told.proved.prove(index).unwrap().to_bytes()).unwrap(),
    };
    let mut file = told.file.clone();
    file.intake.entries.push(carried(stranger, &leaf));
    not_taken(&reread(&file), Code::UnknownKey);
    let mut file = told.file.clone();
    file.intake.entries.insert(0, carried(0, &forge.intake.leaves()[0]));
    not_taken(&reread(&file), Code::Context);
}

#[tokio::test]
async fn a_copy_that_is_older_or_of_another_history_decides_nothing() {
    let forge = log(forwarded);
    let told = told(&forge).await;
    let refused = |result: Result<(drop::Checked, drop::Whole), ReadError>| result.err().unwrap().code();
    // Made before the window was spoken of.
    let cut = forge.retold(LogName::Intake, |_, events| events.truncate(12));
    let older = cut.written();
    assert_eq!(refused(drop::check_in(&told.file, &trust(), older.path()).await), Some(Code::Stale));
    // A log in which her report never came; it is as long.
    let other = log(|w| said(w, 0, Verb::ReportRefused));
    assert!(other.intake.size() >= forge.intake.size());
    let fork = other.written();
    assert_eq!(refused(drop::check_in(&told.file, &trust(), fork.path()).await), Some(Code::Consistency));
}

fn erase_statement(keys: &ReceiptKeys, key: &SigningKey) -> Statement {
    let (at, case_id) = (Hour::of(T0), Hex(keys.case_id()));
    let body = CaseWrite { v: V1, at, case_id, counter: 1, body_hash: Hex(sha256(b"")) };
    Statement::signed(Verb::CaseErase, &body, key).unwrap()
}

fn erasure(keys: &ReceiptKeys, key: &SigningKey) -> Erasure {
    let case_vk = Hex(*key.verifying_key().as_bytes());
    let statement = erase_statement(keys, key);
    Erasure { v: V1, salt: hash("salt"), statement, access_hash: Hex(keys.access_hash()), case_vk }
}

/// The log says that she erased it, with the hash of this.
fn with_erasure(shown: &Erasure) -> Forge {
    let item = [Hex(*hers().nf.expose()), Hex(logged_hash(&shown.salt.0, &shown.statement.to_bytes()))];
    log(|w| {
        let [body] = w.erased.as_mut_slice() else { panic!("one statement of erasures") };
        body.items.push(item);
        body.items.sort();
    })
}

#[tokio::test]
async fn an_erasure_is_shown_as_her_own_word_or_not_at_all() {
    let own = erasure(&hers(), &hers().case_key);
    let forge = with_erasure(&own);
    let promise = || signed(&promised(&hers()), &gateway());
    let shown = told_of(&forge, promise(), Some(own.clone())).await;
    assert_eq!(shown.verdicts().await, (Some(Verdict::Erased), Verdict::Erased));
    assert!(drop::check(&shown.file, &trust()).unwrap().erasure_shown);
    let not_shown = told_of(&forge, promise(), None).await;
    assert!(!drop::check(&not_shown.file, &trust()).unwrap().erasure_shown);
    // The gateway made it up, with a key of its own.
    let made_up = erasure(&hers(), &another().case_key);
    let lie = told_of(&with_erasure(&made_up), promise(), Some(made_up)).await;
    not_taken(&lie.file, Code::CaseKey);
    // Another salt than the logged one; and an erasure where the log has none.
    let other = Erasure { salt: hash("another"), ..own.clone() };
    not_taken(&told_of(&forge, promise(), Some(other)).await.file, Code::Context);
    not_taken(&told_of(&log(|_| ()), promise(), Some(own)).await.file, Code::Context);
}

#[tokio::test]
async fn a_countersignature_is_of_this_case_and_checked_by_the_complaint_systems_own_key() {
    let signer = |n| tabir_crypto::log::NoteSigner::from_seed("desk.example", &SecretBytes::new([n; 32])).unwrap();
    let note = |keys: &ReceiptKeys| {
        let case = tabir_crypto::receipt::reference(&keys.case_id());
        tabir_crypto::countersign::sign(&signer(1), trust().root().origin.as_str(), &case).unwrap()
    };
    let told = told(&log(forwarded)).await;
    let mut file = told.file.clone();
    file.countersignature = Some(note(&hers()));
    let checked = drop::check(&reread(&file), &trust()).unwrap().countersignature.expect("a note");
    checked.verify(signer(1).verifier_key()).unwrap();
    assert_eq!(checked.verify(signer(2).verifier_key()).unwrap_err().code(), Code::UnknownKey);
    file.countersignature = Some(note(&another()));
    not_taken(&reread(&file), Code::Context);
}
