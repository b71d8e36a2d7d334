//! `tabir audit prove` and `check`: what a file shows, by whom it is believed, and that each of its parts is checked.

use serde_json::{Value, json};
use tabir::client::log_source::ReadError;
use tabir::client::proof_file::make::{Copy, Subject};
use tabir::client::proof_file::{ProofFile, entry, opening};
use tabir_crypto::Code;
use tabir_crypto::statement::body::{KeyAnnounced, KeyKind, Role, UnsealRefused, UnsealRequested};
use tabir_crypto::statement::value::Hex;
use tabir_crypto::statement::{Statement, Verb, entry_hash};
use tabir_crypto::trust::Trust;
use tabir_crypto::trust::unseal::Status;

use crate::OnDisk;
use crate::clean::{clean, town};
use crate::forge::{Forge, GOVERNANCE, INTAKE, trust};
use crate::world::*;

/// An entry's verb and why it does not count, or how an opening stands.
type Shown = (Option<Verb>, Option<Code>, Option<Status>);

/// A change of a file.
type Edit<'a> = &'a dyn Fn(&mut Value);

/// What a file shows to who pins this trust root.
fn checked(file: &ProofFile, trust: &Trust) -> Result<Shown, ReadError> {
    Ok(match file {
        ProofFile::Entry(file) => {
            let checked = entry::check(file, trust)?;
            (Some(checked.verb), checked.refused, None)
        }
        ProofFile::Opening(file) => (None, None, Some(opening::check(file, trust)?.opening.status)),
        ProofFile::Drop(_) => unreachable!("an auditor makes none"),
    })
}

async fn prove(forge: &Forge, subject: Subject) -> ProofFile {
    let (dir, trust) = (forge.written(), trust());
    let copy = Copy::open(&trust, dir.path()).await.unwrap();
    let file = copy.prove(subject).await.unwrap();
    // As it travels.
    ProofFile::parse(&file.to_bytes().unwrap()).unwrap()
}

#[tokio::test]
async fn every_entry_of_a_clean_installation_is_proven_and_taken() {
    let forge = clean();
    let (dir, trust) = (forge.written(), trust());
    let copy = Copy::open(&trust, dir.path()).await.unwrap();
    for (log, leaves) in [(GOVERNANCE, forge.governance.leaves()), (INTAKE, forge.intake.leaves())] {
        for (index, leaf) in (0..).zip(leaves) {
            let file = copy.prove(Subject::Entry(log, index)).await.unwrap();
            let file = ProofFile::parse(&file.to_bytes().unwrap()).unwrap();
            let verb = Statement::parse(leaf).unwrap().verb();
            match checked(&file, &trust).unwrap() {
                (Some(shown), refused, None) => assert_eq!((shown, refused), (verb, None), "{index}"),
                (_, _, status) => assert!(verb.as_str().starts_with("unseal.") && status.is_some(), "{index} {verb:?}"),
            }
        }
        let beyond = copy.prove(Subject::Entry(log, leaves.len() as u64)).await;
        assert_eq!(beyond.unwrap_err().code(), Some(Code::Size));
    }
}

#[tokio::test]
async fn an_opening_is_found_by_its_requests_hash_id_and_notice_tag_and_by_each_of_its_entries() {
    let mut forge = clean();
    forge.now += DAY;
    let body = to_second("named");
    let first = forge.governance.size();
    let request = forge.ask_with(&body);
    forge.say(Verb::UnsealWithdrawn, &UnsealRefused { council_id: body.council_id, ..no(request, 1) }, &[official(1)]);
    let subjects = [
        Subject::Hash(request.0),
        Subject::RequestId(body.request_id.0),
        Subject::Hash(body.tag.0),
        Subject::Entry(GOVERNANCE, first),
        Subject::Entry(GOVERNANCE, first + 1),
    ];
    for subject in subjects {
        let ProofFile::Opening(file) = prove(&forge, subject).await else { panic!("{subject:?}") };
        let shown = opening::check(&file, &trust()).unwrap();
        assert_eq!((shown.opening.request_hash, shown.opening.status), (request.0, Status::Withdrawn));
        assert_eq!(shown.opening.steps.len(), 2);
    }
    let (dir, trust) = (forge.written(), trust());
    let copy = Copy::open(&trust, dir.path()).await.unwrap();
    for unknown in [Subject::Hash([7; 32]), Subject::RequestId([7; 16])] {
        assert_eq!(copy.prove(unknown).await.unwrap_err().code(), Some(Code::Context));
    }
}

/// Asks the council of the clean installation, whose shares are of the second epoch.
fn to_second(name: &str) -> UnsealRequested {
    let second = council_body("council", 2, 2, &officials());
    let council_id = Hex(*tabir_crypto::threshold::Council::from_body(&second).unwrap().council_id());
    UnsealRequested { council_id, tag: hash(&format!("tag of {name}")), ..requested(name) }
}

/// A lie that stands in the log is shown to stand there, and to be none that the rules take.
#[tokio::test]
async fn a_lie_is_proven_to_stand_in_the_log_and_not_taken() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    let again = forge.say(Verb::UnsealApproved, &approved(request, 1), &[stranger()]);
    let file = prove(&forge, Subject::Entry(GOVERNANCE, again)).await;
    let shown = checked(&file, &trust()).unwrap();
    assert_eq!(shown, (Some(Verb::UnsealApproved), Some(Code::UnknownKey), None));

    let padded = forge.put(&sign(Verb::ReportRefused, &fate(7, 9, &["invented"]), &[stranger()]));
    let file = prove(&forge, Subject::Entry(INTAKE, padded)).await;
    assert_eq!(checked(&file, &trust()).unwrap().1, Some(Code::UnknownKey));

    let copy = OnDisk::of(&forge);
    let name = format!("governance:{again}");
    let made = copy.audit(&["prove", "log", &name, "-o", "lie.json"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let said = copy.audit(&["check", "lie.json"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("Proven: it stands in the log"), "{said:?}");
    assert!(said.out.contains("NOT taken by the rules, with what this file carries: unknown-key"), "{said:?}");
}

/// A second key for an epoch stands there, and the first one shows that it is no key.
#[tokio::test]
async fn a_second_key_for_an_epoch_is_shown_with_the_first() {
    let mut forge = town();
    let second = KeyAnnounced { key: kem("second"), ..key_announced(KeyKind::Intake, 1) };
    let entry = forge.say(Verb::KeyAnnounced, &second, &[role(Role::Forwarder)]);
    let file = prove(&forge, Subject::Entry(GOVERNANCE, entry)).await;
    assert_eq!(checked(&file, &trust()).unwrap().1, Some(Code::KeyConflict));
}

/// What is said to a file after one change.
fn after(file: &ProofFile, change: impl FnOnce(&mut Value)) -> Option<Code> {
    let mut value: Value = serde_json::from_slice(&file.to_bytes().unwrap()).unwrap();
    change(&mut value);
    let changed = match ProofFile::parse(&serde_json::to_vec(&value).unwrap()) {
        Ok(changed) => changed,
        Err(error) => return Some(error.code()),
    };
    match checked(&changed, &trust()) {
        Ok((_, refused, _)) => refused,
        Err(error) => Some(error.code().unwrap_or_else(|| panic!("{error}"))),
    }
}

fn list<'a>(value: &'a mut Value, part: &str) -> &'a mut Vec<Value> {
    value[part]["entries"].as_array_mut().unwrap()
}

#[tokio::test]
async fn every_part_of_an_entrys_file_is_checked() {
    let forge = clean();
    let index = 25;
    let file = prove(&forge, Subject::Entry(INTAKE, index)).await;
    let other = serde_json::to_value(prove(&forge, Subject::Entry(INTAKE, index + 1)).await).unwrap();
    assert_eq!(after(&file, |_| ()), None);
    let other = &other["intake"]["entries"][0];
    let cases: [(Code, Edit<'_>); 13] = [
        (Code::Context, &|v| v["entry"] = json!(index + 1)),
        (Code::Context, &|v| v["log"] = json!("governance")),
        (Code::Context, &|v| list(v, "intake").clear()),
        (Code::Context, &|v| list(v, "intake").push(other.clone())),
        (Code::Inclusion, &|v| v["intake"]["entries"][0]["entry"] = other["entry"].clone()),
        (Code::Inclusion, &|v| v["intake"]["entries"][0]["proof"] = other["proof"].clone()),
        (Code::Inclusion, &|v| v["intake"]["entries"][0]["index"] = json!(index + 1)),
        (Code::Order, &|v| {
            let entry = v["intake"]["entries"][0].clone();
            list(v, "intake").push(entry);
        }),
        (Code::Checkpoint, &|v| v["intake"]["checkpoint"] = v["governance"]["checkpoint"].clone()),
        (Code::Note, &|v| v["intake"]["checkpoint"] = json!("tabir.example/intake\n1\n")),
        (Code::Trust, &|v| v["trust"] = json!([another_trust().statement()])),
        (Code::Version, &|v| v["kind"] = json!("drop-in")),
        (Code::UnknownField, &|v| v["more"] = json!(1)),
    ];
    for (place, (code, change)) in cases.into_iter().enumerate() {
        let said = after(&file, change);
        // Of whose key a signature is, is looked at before of which log a checkpoint is.
        let said = if said == Some(Code::UnknownKey) && code == Code::Checkpoint { Some(code) } else { said };
        assert_eq!(said, Some(code), "case {place}");
    }
}

fn another_trust() -> Trust {
    let mut root = crate::forge::root();
    root.name = text("Another");
    trust_of(&root)
}

#[tokio::test]
async fn every_part_of_an_openings_file_is_checked() {
    let mut forge = town();
    let request = forge.ready("whole");
    forge.release_and_open(request);
    let file = prove(&forge, Subject::Hash(request.0)).await;
    let other = serde_json::to_value(prove(&forge, Subject::Hash(entry_hash(&first_request(&forge)))).await).unwrap();
    assert_eq!(checked(&file, &trust()).unwrap().2, Some(Status::Opened));
    assert_eq!(after(&file, |v| v["request"] = other["request"].clone()), Some(Code::Context));
    assert_eq!(after(&file, |v| v["governance"] = other["governance"].clone()), Some(Code::Context));
    let count = serde_json::to_value(&file).unwrap()["governance"]["entries"].as_array().unwrap().len();
    for place in 0..count {
        let said = after(&file, |v| drop(list(v, "governance").remove(place)));
        // The last step may be left out, and then is not shown; the policy says what codes mean and for how long.
        let left_out = place == count - 1 || place == 0 || place == 3;
        assert!(said.is_some() || left_out, "without {place}");
        let said = after(&file, |v| list(v, "governance")[place]["index"] = json!(0));
        assert!(said.is_some() || place == 0, "{place} as the first");
    }
    // An entry of another opening has no place here, with a good proof or not.
    let foreign = other["governance"]["entries"][2].clone();
    assert_eq!(after(&file, |v| list(v, "governance").insert(2, foreign)), Some(Code::Context));
}

fn first_request(forge: &Forge) -> Vec<u8> {
    let is = |leaf: &&Vec<u8>| Statement::parse(leaf).is_ok_and(|s| s.verb() == Verb::UnsealRequested);
    forge.governance.leaves().iter().find(is).unwrap().clone()
}

/// A log whose trust root changed: its versions, oldest first.
fn changed() -> (Forge, Trust, Trust) {
    let mut forge = town();
    let first = trust();
    let mut next = first.next(|root| root.freshness_s = 2 * DAY).unwrap();
    quorum().iter().for_each(|key| next.sign(key));
    forge.put(&next);
    forge.now += DAY;
    forge.say(Verb::PolicySet, &policy(2), &[role(Role::Gateway), auditor(0)]);
    forge.keep(INTAKE);
    let second = first.update(&next).unwrap();
    (forge, first, second)
}

#[tokio::test]
async fn a_file_is_believed_by_who_pins_any_version_of_its_trust_root_and_by_nobody_else() {
    let (forge, first, second) = changed();
    let dir = forge.written();
    let copy = Copy::open(&second, dir.path()).await.unwrap();
    let alone = Trust::pinned(second.statement()).unwrap();
    let policy = forge.governance.size() - 1;
    for subject in
        [Subject::Entry(GOVERNANCE, policy), Subject::Entry(GOVERNANCE, policy - 1), Subject::Entry(INTAKE, 3)]
    {
        let file = copy.prove(subject).await.unwrap();
        for pinned in [&first, &second, &alone] {
            assert_eq!(checked(&file, pinned).unwrap().1, None, "{subject:?}");
        }
        assert_eq!(checked(&file, &another_trust()).unwrap_err().code(), Some(Code::Trust));
    }
    // A version that the quorum of the pinned one did not allow.
    let mut forged = first.next(|root| root.freshness_s = 1).unwrap();
    forged.sign(&auditor(0));
    let ProofFile::Entry(mut file) = copy.prove(Subject::Entry(INTAKE, 3)).await.unwrap() else { panic!() };
    file.trust[1] = forged;
    assert_eq!(entry::check(&file, &first).err().unwrap().code(), Some(Code::Insufficient));
}

#[tokio::test]
async fn the_commands_say_what_is_shown_and_what_is_not() {
    let copy = OnDisk::of(&clean());
    let made = copy.audit(&["prove", "log", "governance:0", "-o", "policy.json", "--json"]).await;
    assert_eq!((made.code, made.json()["kind"].as_str()), (0, Some("entry")), "{made:?}");
    let said = copy.audit(&["check", "policy.json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for part in
        ["Entry 0 of the governance log is policy.set", "signed by those who must: auditor 1; gateway", "Not shown:"]
    {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    let said = copy.audit(&["check", "policy.json", "--language", "id"]).await;
    assert!(said.out.contains("Tidak terbukti"), "{said:?}");
    let said = copy.audit(&["check", "policy.json", "--json"]).await;
    assert_eq!((&said.json()["ok"], &said.json()["verb"]), (&json!(true), &json!("policy.set")));

    // Never over a file that is there.
    assert_eq!(copy.audit(&["prove", "log", "governance:1", "-o", "policy.json"]).await.code, 1);
    let case = copy.audit(&["prove", "log", "ABCD-EFGH-JKMN", "-o", "case.json"]).await;
    assert_eq!(case.code, 2, "{case:?}");
    assert!(case.err.contains("no public entry names a case"), "{case:?}");
    assert_eq!(copy.audit(&["prove", "log", "both:1", "-o", "case.json"]).await.code, 2);
    assert_eq!(copy.audit(&["prove", "log", "governance:9999", "-o", "case.json"]).await.code, 3);
    assert!(!copy.file("case.json").exists());

    std::fs::write(copy.file("other.json"), br#"{"v":1,"kind":"other"}"#).unwrap();
    assert_eq!(copy.audit(&["check", "other.json"]).await.code, 1);
    std::fs::write(copy.file("other.json"), b"{").unwrap();
    assert_eq!(copy.audit(&["check", "other.json"]).await.code, 3);
    let text = std::fs::read_to_string(copy.file("policy.json")).unwrap();
    std::fs::write(copy.file("other.json"), text.replacen("\"entry\":0", "\"entry\":1", 1)).unwrap();
    assert_eq!(copy.audit(&["check", "other.json"]).await.code, 3);
}
