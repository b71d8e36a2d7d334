//! From the first page to the end of a case.

use tabir_crypto::content::{IdentityState, MessageKind, Precision, Via};
use tabir_crypto::statement::body::{Release, Status};

use crate::world::{PLACE, TEXT, World};

/// Scenarios 1 and 2 without a script: a report, its receipt, and nothing about who sent it.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_sealed_by_the_server_says_so_and_asks_for_no_name() {
    let world = World::plain(1).await;
    let receipt = world.reported().await;
    let content = world.content(&receipt).await;
    assert_eq!((content.via, content.identity), (Some(Via::Form), IdentityState::None));
    assert_eq!((content.text.as_str(), content.location.text()), (TEXT, PLACE));
    assert_eq!((content.location.precision(), content.release), (Precision::Ward, Release::Urgent));
    assert_eq!(content.language.as_str(), "id");
    assert_eq!((world.cases().await, world.form.host.store.stock().await.unwrap().tokens), (1, 0));
}

/// An officer asks, she answers; it is said to be done, she rates, disputes, and erases it. Each write is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_followed_answered_rated_disputed_and_erased_by_its_receipt() {
    let world = World::plain(2).await;
    let receipt = world.reported().await;
    let page = world.case(&receipt).await;
    assert_eq!(page.status, 200);
    for words in ["Received", "It waits to be passed on", "No news yet", "open record can't be read now"] {
        assert!(page.says(words), "{words}: {}", page.body);
    }

    let question = World::message(&receipt, MessageKind::Question, "Which corner, by the <market>?");
    world.tell(&receipt, vec![World::status(9, Status::Waiting), question]).await;
    let page = world.case(&receipt).await;
    for words in ["Waiting", "Which corner, by the &lt;market&gt;?", "Your answer is awaited", "The next step comes by"]
    {
        assert!(page.says(words), "{words}: {}", page.body);
    }
    let page = world.write(&page, "answer", &[("choice", "1"), ("text", "The northern one.")]).await;
    assert!(page.status == 200 && page.says("Your answer was sent."), "{}", page.body);
    assert_eq!((world.waiting("message").await.len(), world.gateway.view(&receipt).await.counter), (1, 1));

    // Without a question it costs a token of the stock.
    let page = world.write(&page, "message", &[("text", "It is still there."), ("voucher", "")]).await;
    assert!(page.status == 200 && page.says("It was sent."), "{}", page.body);
    assert_eq!(world.form.host.store.stock().await.unwrap().tokens, 0);

    world.tell(&receipt, vec![World::status(10, Status::Resolved)]).await;
    let page = world.case(&receipt).await;
    let page = world.write(&page, "rating", &[("choice", "2")]).await;
    assert!(page.status == 200 && page.says("Your rating was taken."), "{}", page.body);
    let page = world.write(&page, "dispute", &[("choice", "not_done"), ("text", "Nobody came.")]).await;
    assert!(page.status == 200 && page.says("Your objection was sent."), "{}", page.body);
    assert_eq!((world.waiting("rating").await.len(), world.waiting("dispute").await.len()), (1, 1));

    let unsure = world.write(&page, "erase", &[]).await;
    assert_eq!(unsure.status, 400);
    assert!(unsure.says("First tick that you understand.") && unsure.says("href=\"#sure\""), "{}", unsure.body);
    assert!(!world.gateway.view(&receipt).await.erased);
    let page = world.write(&unsure, "erase", &[("sure", "1")]).await;
    assert!(page.status == 200 && page.says("id=\"erased\"") && !page.says("id=\"question\""), "{}", page.body);
    assert!(world.gateway.view(&receipt).await.erased);
}

/// However she wrote it down: spaces, upper case, line breaks; and a slip of the pen is told by its group.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_read_as_people_type_it_and_a_mistyped_group_is_told() {
    let world = World::plain(1).await;
    let receipt = world.reported().await;
    let text = receipt.text().expose().clone();
    let groups: Vec<&str> = text.split('-').collect();
    let lines = format!("  {}\r\n{} ", groups[..4].join(" "), groups[4..].join("  ")).to_uppercase();
    for typed in [text.clone(), text.to_uppercase(), text.replace('-', ""), lines] {
        assert_eq!(world.post("/en/case", &[("receipt", &typed)]).await.status, 200, "{typed}");
    }
    let mut wrong = groups.clone();
    wrong[4] = "xxxxx";
    let page = world.post("/en/case", &[("receipt", &wrong.join(" "))]).await;
    assert_eq!((page.status, page.field("receipt")), (400, wrong.join(" ")));
    assert!(page.says("Word 5 is mistyped") && page.says("aria-invalid=\"true\""), "{}", page.body);
    for few in ["", "hatid", &groups[..8].join("-"), &"hatid ".repeat(500)] {
        let page = world.post("/id/case", &[("receipt", few)]).await;
        assert!(page.status == 400 && page.says("Kode terdiri dari sembilan kata"), "{}", page.body);
    }
    let other = World::plain(1).await.reported().await;
    let page = world.case(&other).await;
    assert!(page.status == 404 && page.says("there is no report for it here"), "{}", page.body);
}

/// Indonesian first, English whole, and one is changed for the other without losing a word.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_language_is_a_button_that_keeps_what_was_typed_and_sends_nothing() {
    let world = World::plain(1).await;
    let first = world.get("").await;
    assert!(first.says("<html lang=\"id\">") && first.says("href=\"/form/en\"") && first.says("Lapor tanpa nama"));
    let form = world.get("/id/report").await;
    assert!(form.says("formaction=\"/form/en/report\""), "{}", form.body);
    let once = form.field("once");
    let look = [World::typed(&once), vec![("look", "1")]].concat();
    let page = world.post("/en/report", &look).await;
    assert!(page.status == 200 && page.says("What happened?") && page.says("Pothole"), "{}", page.body);
    assert_eq!((page.field("text"), page.field("place"), page.field("once")), (TEXT.into(), PLACE.into(), once));
    assert_eq!(world.cases().await, 0);
    assert_eq!(world.get("/fr/report").await.status, 404);
}
