//! `tabir audit report`: the numbers are those of the log, and each format says the same.

use serde_json::{Value, json};
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{PageBuilt, Role};
use tabir_crypto::statement::value::{Hour, V1};

use crate::OnDisk;
use crate::clean::{Window, clean, town};
use crate::forge::Forge;
use crate::world::*;

async fn reported(copy: &OnDisk, more: &[&str]) -> (i32, Value) {
    let said = copy.audit(&[&["report", "log", "--format", "json"], more].concat()).await;
    (said.code, said.json())
}

#[tokio::test]
async fn the_numbers_are_those_of_the_log() {
    let mut forge = clean();
    let copy = OnDisk::of(&forge);
    let (code, r) = reported(&copy, &[]).await;
    assert_eq!((code, &r["v"], &r["ok"], &r["name"]), (0, &json!(1), &json!(true), &json!("Test")));
    let totals = &r["totals"];
    assert_eq!(
        (&totals["requested"], &totals["released"], &totals["released_by_auditor"]),
        (&json!(11), &json!(5), &json!(1))
    );
    assert_eq!(totals["by_status"]["void"], json!(2));
    assert_eq!(r["median_to_approve_s"], json!(0));
    assert_eq!(r["openings"].as_array().unwrap().len(), 11);
    let urgent = &r["openings"][6];
    assert_eq!(
        (&urgent["by_auditor"], &urgent["early"], &urgent["above_cap"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let deferral = &r["deferrals"][0];
    assert_eq!((&deferral["for_s"], &deferral["code"]), (&json!(5 * DAY), &json!("inquiry")));
    assert_eq!(deferral["published_at"], deferral["until"]);
    let votes: Vec<_> = r["officials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| {
            [&o["index"], &o["approved"], &o["refused"], &o["not_voted"], &o["partials"]].map(|n| n.as_u64().unwrap())
        })
        .collect();
    assert_eq!(votes, [[1, 8, 0, 3, 4], [2, 6, 1, 4, 4], [3, 0, 1, 10, 0]]);
    assert_eq!(r["missed"], json!([]));
    let seventh = &r["windows"][6];
    let of = |name: &str| seventh[name].as_u64().unwrap();
    assert_eq!(["accepted", "forwarded", "refused", "erased", "unsettled", "late"].map(of), [12, 6, 3, 3, 0, 3]);
    // Settled one D later, which is three days.
    assert_eq!(of("late_s"), 3 * DAY);
    let verbs: Vec<_> = r["changes"].as_array().unwrap().iter().map(|c| c["verb"].as_str().unwrap()).collect();
    assert_eq!(verbs.len(), 10);
    assert_eq!(verbs.iter().filter(|v| v.starts_with("key.")).count(), 5);

    // Approved after a day by the second official.
    forge.now += DAY;
    let slow = tabir_crypto::statement::body::UnsealRequested { council_id: second(), ..requested("slow") };
    let request = forge.ask_with(&slow);
    for i in [1, 3] {
        let vote = tabir_crypto::statement::body::UnsealApproved { council_id: second(), ..approved(request, i) };
        forge.say(Verb::UnsealApproved, &vote, &[official(i)]);
        forge.now += DAY;
    }
    let copy = OnDisk::of(&forge);
    let from = format!("{}", Hour::of(forge.now - 2 * DAY)).split('T').next().unwrap().to_owned();
    let (_, r) = reported(&copy, &["--from", &from]).await;
    assert_eq!((&r["median_to_approve_s"], &r["totals"]["requested"]), (&json!(DAY), &json!(1)));
    assert_eq!((&r["totals"]["live"], &r["openings"][0]["approved_by"]), (&json!(1), &json!([1, 3])));
}

fn second() -> tabir_crypto::statement::value::Hex<32> {
    let body = council_body("council", 2, 2, &officials());
    tabir_crypto::statement::value::Hex(*tabir_crypto::threshold::Council::from_body(&body).unwrap().council_id())
}

fn without(window: &mut Window, verb: Verb) {
    let (_, _, fate) = window.said.iter_mut().find(|(round, v, _)| (*round, *v) == (0, verb)).unwrap();
    fate.nf.remove(0);
}

/// Deadlines that were missed show with their window, their number and their meaning; the rest is reported all the same.
#[tokio::test]
async fn missed_deadlines_and_failures_are_in_the_report() {
    let forge = Forge::with_windows(|w, window| {
        if w == 7 {
            without(window, Verb::ReportForwarded);
        }
        if w == 11 {
            // Pending, and not spoken of again.
            window.said.retain(|(round, ..)| *round == 0);
        }
    });
    let copy = OnDisk::of(&forge);
    let (code, r) = reported(&copy, &[]).await;
    assert_eq!((code, &r["ok"]), (3, &json!(false)));
    let missed: Vec<_> = r["missed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["window"].as_u64().unwrap(), m["code"].as_str().unwrap(), m["reports"].as_u64().unwrap()))
        .collect();
    assert_eq!(missed, [(7, "missing", 1), (11, "late", 3)]);
    assert_eq!((&r["windows"][6]["unsettled"], &r["windows"][10]["unsettled"]), (&json!(1), &json!(3)));
    assert_eq!(r["failed"], json!([]));
    for format in ["text", "csv", "html"] {
        let said = copy.audit(&["report", "log", "--format", format]).await;
        assert_eq!(said.code, 3);
        for part in ["pending after two further deadlines", "accepted, and gone nowhere", "THE AUDIT FOUND FAILURES"] {
            assert!(said.out.contains(part), "{format}: {part}");
        }
    }
}

/// What signers wrote is text in every format.
#[tokio::test]
async fn what_an_entry_says_is_never_markup_formula_or_command() {
    let mut forge = town();
    let evil = "=HYPERLINK(\"http://x\")<script>alert(1)</script>\u{1b}[2J";
    let (base_size, base_checkpoint) = forge.last_kept();
    let page =
        PageBuilt { v: V1, at: Hour::of(T0), version: text(evil), files: Vec::new(), base_size, base_checkpoint };
    forge.say(Verb::PageBuilt, &page, &quorum());
    let copy = OnDisk::of(&forge);
    let text = copy.audit(&["report", "log"]).await;
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.out.contains("page.built") && !text.out.contains('\u{1b}'));
    let csv = copy.audit(&["report", "log", "--format", "csv"]).await.out;
    let cell = csv.lines().find(|l| l.contains("page.built")).unwrap();
    assert!(cell.contains(",\"'=HYPERLINK(\"\"http://x\"\")<script>"), "{cell}");
    let html = copy.audit(&["report", "log", "--format", "html"]).await.out;
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script") && !html.contains('\u{1b}'));
}

#[tokio::test]
async fn a_page_is_one_file_that_asks_for_nothing_in_the_language_asked_for() {
    let copy = OnDisk::of(&clean());
    for (language, words) in [("id", "Keikutsertaan pejabat"), ("en", "Officials&#39; participation")] {
        let args = ["report", "log", "--format", "html", "-o", "report.html", "--language", language];
        let said = copy.audit(&args).await;
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
        let page = std::fs::read_to_string(copy.file("report.html")).unwrap();
        assert!(page.contains(words) && page.contains(&format!("<html lang=\"{language}\">")));
        assert!(page.contains("default-src 'none'") && page.contains("@media print"));
        for never in ["http:", "https:", "//", "<script", "<link", "<img", "url(", "@import", "src="] {
            assert!(!page.contains(never), "{never}");
        }
    }
    let csv = copy.audit(&["report", "log", "--format", "csv", "--language", "id"]).await.out;
    assert!(csv.contains("\r\nRingkasan\r\nApa,Jumlah\r\nPermintaan,11\r\n"), "{csv}");
    assert_eq!(copy.audit(&["report", "log", "--from", "2027-02-01", "--to", "2027-01-01"]).await.code, 2);
}

/// A key that its role did not sign for changed nothing.
#[tokio::test]
async fn a_change_that_fails_a_check_is_marked() {
    let mut forge = town();
    let entry = forge.say(
        Verb::KeyAnnounced,
        &key_announced(tabir_crypto::statement::body::KeyKind::Intake, 2),
        &[role(Role::Gateway)],
    );
    let (code, r) = reported(&OnDisk::of(&forge), &[]).await;
    assert_eq!(code, 3);
    let last = r["changes"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["entry"], &last["failed"], &last["what"]), (&json!(entry), &json!(true), &json!("intake 2")));
    assert_eq!(r["failed"][0]["check"], json!("governance.signatures"));
}
