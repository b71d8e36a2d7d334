//! The main job as a test: `tabir demo --once --json` with real processes, real stores and real tickets.
//!
//! Scenarios 1, 2 (report and follow without a name), 6 (batched release), 7 (dispute, rate once), 9 (the reporter finds
//! the request for his identity), 10 (officers ask without a name), 15 (a lost answer makes no duplicate), 18 (two
//! officials open one case), 19, 20 (alone, or without the warden, they can't), 22 (audit offline), 23 (what stores hold).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn tabir(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tabir")).args(args).output().expect("the binary was built for this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Tickets of the bundled file, and one with missing fields.
fn tickets(dir: &Path, count: usize) -> String {
    let bundled = include_str!("data/reports-neworleans.jsonl");
    let mut lines: Vec<&str> = bundled.lines().take(count - 1).collect();
    lines.push(r#"{"service_name":"Never heard of","unknown":[1,2]}"#);
    let file = dir.join("tickets.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    file.display().to_string()
}

#[test]
fn the_demo_passes_every_step_and_its_attacks_fail_only_without_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (file, keep) = (tickets(dir.path(), 24), dir.path().join("kept").display().to_string());
    let out = tabir(&["demo", "--once", "--json", "--reports", &file, "--identity-every", "6", "--keep", &keep]);
    let said = text(&out.stdout);
    assert!(out.status.success(), "{said}\n{}", text(&out.stderr));

    let lines: Vec<Value> = said.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let steps: BTreeMap<&str, &Value> = lines.iter().map(|l| (l["step"].as_str().unwrap(), l)).collect();
    for step in [
        "start",
        "council",
        "tokens",
        "reports",
        "forward",
        "answer",
        "rating",
        "dispute",
        "open",
        "alone_refused",
        "no_warden_refused",
        "notice_found",
        "drop",
        "audit",
        "canary",
    ] {
        assert_eq!(steps.get(step).map(|s| &s["ok"]), Some(&Value::Bool(true)), "{step}: {said}");
    }
    let number = |step: &str, figure: &str| steps[step][figure].as_u64().unwrap_or_else(|| panic!("{step}.{figure}"));
    let pids: std::collections::BTreeSet<u64> =
        lines.iter().filter(|l| l["step"] == "start").filter_map(|l| l["pid"].as_u64()).collect();
    assert_eq!(pids.len(), 8, "every role but relay, witness and facade is a process of its own");
    assert_eq!((number("council", "t"), number("council", "n")), (2, 3));
    assert_eq!(number("reports", "accepted"), 24);
    assert_eq!((number("forward", "received"), number("forward", "missing"), number("forward", "doubled")), (24, 0, 0));
    assert!(number("forward", "cut") >= 5);
    assert_eq!(number("answer", "read"), 24);
    assert_eq!(steps["open"]["equal"], true);
    for attack in ["alone_refused", "no_warden_refused"] {
        assert!(number(attack, "tried") > 0);
        assert_eq!(steps[attack]["control"], true, "the attack must be able to win");
    }
    assert_eq!((number("audit", "failed"), number("audit", "expected")), (1, 1));
    assert_eq!(number("canary", "planted"), number("canary", "planted_found"));
    assert_eq!(number("canary", "hits"), 0);
    assert!(number("canary", "searched_files") > 20);

    // By hand the same verdict, and nothing else.
    let trust = format!("{keep}/trust.json");
    let by_hand = tabir(&["audit", "verify", &format!("{keep}/log"), "--trust", &trust, "--json"]);
    assert_eq!(by_hand.status.code(), Some(3), "{}", text(&by_hand.stderr));
    let verdict: Value = serde_json::from_slice(&by_hand.stdout).unwrap();
    let failed: Vec<&Value> = verdict["checks"].as_array().unwrap().iter().filter(|c| c["ok"] == false).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0]["name"].as_str(), failed[0]["window"].as_u64()),
        (Some("windows.counts"), Some(number("drop", "window")))
    );

    // The reporter's file: alone it claims nothing that is not there; with a copy of the logs it proves the drop.
    let file = format!("{keep}/drop.json");
    let log = format!("{keep}/log");
    let check = |more: &[&str]| {
        let out = tabir(&[&["audit", "check", file.as_str(), "--trust", trust.as_str(), "--json"], more].concat());
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    let alone = check(&[]);
    assert_eq!((&alone["verdict"], &alone["by"]), (&Value::Null, &Value::Null));
    let whole = check(&["--log", log.as_str()]);
    assert_eq!((&whole["verdict"], &whole["by"], &whole["broken"]), (&"dropped".into(), &"log".into(), &true.into()));
    let mut forged: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    forged["r"] = "07".repeat(32).into();
    let forged_file = format!("{keep}/forged.json");
    std::fs::write(&forged_file, forged.to_string()).unwrap();
    let out = tabir(&["audit", "check", &forged_file, "--trust", &trust, "--log", &log]);
    assert_eq!(out.status.code(), Some(3), "{}", text(&out.stderr));
}

#[test]
fn a_line_that_is_not_json_fails_the_demo_by_its_number_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tickets.jsonl");
    std::fs::write(&file, "{}\nnot json\n").unwrap();
    let out = tabir(&["demo", "--once", "--json", "--reports", &file.display().to_string()]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("line 2"), "{}", text(&out.stderr));
    assert!(out.stdout.is_empty());
}
