//! `tabir audit list`: every opening with its entries, in the state that every reader computes; never of a copy that lies.

use serde_json::{Value, json};
use tabir_crypto::statement::Verb;
use tabir_crypto::trust::unseal::Status;

use crate::OnDisk;
use crate::clean::{clean, town};
use crate::world::*;

fn statuses(listed: &Value) -> Vec<&str> {
    listed["openings"].as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_opening_of_a_clean_copy_is_listed_in_its_state_with_its_entries() {
    let forge = clean();
    let copy = OnDisk::of(&forge);
    let listed = copy.audit(&["list", "log", "--json"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let listed = listed.json();
    let expected = [
        Status::Opened,
        Status::Failed,
        Status::Failed,
        Status::Refused,
        Status::Withdrawn,
        Status::Declined,
        Status::Opened,
        Status::Opened,
        Status::Void,
        Status::Lapsed,
        Status::Void,
    ];
    assert_eq!(statuses(&listed), expected.map(Status::as_str));
    assert_eq!((&listed["ok"], &listed["of"], &listed["failed"]), (&json!(true), &json!(11), &json!([])));

    // Each entry of unseal.* stands under exactly one opening; a new council ends two of them.
    let openings = listed["openings"].as_array().unwrap();
    let steps = openings.iter().flat_map(|o| o["steps"].as_array().unwrap());
    let (voided, steps): (Vec<_>, Vec<_>) = steps.partition(|s| s["step"] == "voided");
    let mut numbers: Vec<u64> = steps.iter().map(|s| s["entry"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    let is_unseal = |leaf: &Vec<u8>| {
        tabir_crypto::statement::Statement::parse(leaf).is_ok_and(|s| s.verb().as_str().starts_with("unseal."))
    };
    let leaves = (0..).zip(forge.governance.leaves());
    assert_eq!(numbers, leaves.filter(|(_, leaf)| is_unseal(leaf)).map(|(n, _)| n).collect::<Vec<u64>>());
    assert_eq!(voided.len(), 2);
    let first = &openings[0];
    assert_eq!((&first["entry"], &first["needed"], &first["of"]), (&json!(6), &json!(2), &json!(3)));
    assert_eq!(first["steps"][1]["by"], json!([1]));
    assert_eq!(first["steps"][0]["reason"]["code"], json!("danger"));
}

#[tokio::test]
async fn filters_and_orders_choose_and_sort() {
    let copy = OnDisk::of(&clean());
    for (args, expected) in [
        (&["--status", "declined"][..], 1),
        (&["--code", "danger"], 11),
        (&["--code", "court"], 11),
        (&["--code", "no"], 0),
        (&["--from", "2027-02-01", "--to", "2027-02-01"], 5),
        (&["--to", "2027-01-25"], 1),
        (&["--from", "2027-02-25"], 0),
        (&["--council", "zzzzz"], 0),
        (&["--by", "reason", "--status", "void"], 2),
        (&["--by", "council"], 11),
    ] {
        let listed = copy.audit(&[&["list", "log", "--json"], args].concat()).await;
        assert_eq!((listed.code, statuses(&listed.json()).len()), (0, expected), "{args:?}");
    }
    assert_eq!(copy.audit(&["list", "log", "--from", "1.2.2027"]).await.code, 2);
    let text = copy.audit(&["list", "log", "--status", "lapsed"]).await;
    assert!(text.out.contains("unseal.released   the warden: for officials 1 and 2"), "{text:?}");
    assert!(text.out.contains("1 of 11 request(s)"), "{text:?}");
    let text = copy.audit(&["list", "log", "--status", "lapsed", "--language", "id"]).await;
    assert!(text.out.contains("lewat waktu  2 dari 3 pejabat dewan"), "{text:?}");
}

#[tokio::test]
async fn an_entry_that_breaks_the_rules_is_shown_as_such_and_the_list_exits_with_three() {
    let mut forge = town();
    let request = forge.ask("lie");
    forge.approve(request, 1);
    let again = forge.say(Verb::UnsealApproved, &approved(request, 2), &[stranger()]);
    let copy = OnDisk::of(&forge);
    let listed = copy.audit(&["list", "log", "--json"]).await;
    assert_eq!(listed.code, 3, "{listed:?}");
    let listed = listed.json();
    assert_eq!(listed["failed"][0]["name"], json!("governance.signatures"));
    let last = listed["openings"].as_array().unwrap().last().unwrap();
    assert_eq!(last["irregular"], json!([{"entry": again, "verb": "unseal.approved"}]));
    assert_eq!(last["status"], json!("requested"));
    let text = copy.audit(&["list", "log"]).await;
    assert!(text.out.contains(&format!("FAILED governance.signatures: unknown-key, entry {again}")), "{text:?}");
}

#[tokio::test]
async fn nothing_is_listed_or_reported_of_a_log_that_cant_be_believed() {
    let copy = OnDisk::of(&clean());
    let bundle = copy.file("log/governance/tile/entries/000.p/58");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    for command in ["list", "report"] {
        let said = copy.audit(&[command, "log"]).await;
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.out.contains("FAILED log.tree: tile in the governance log"), "{said:?}");
        assert!(!said.out.contains("unseal."), "{said:?}");
    }
    for json in [&["list", "log", "--json"], &["report", "log", "--format=json"]] {
        let said = copy.audit(json).await.json();
        assert_eq!((&said["ok"], said.get("openings")), (&json!(false), None));
    }
    assert_eq!(copy.audit(&["list", "nowhere"]).await.code, 3);
}
