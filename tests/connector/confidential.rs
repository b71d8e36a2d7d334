//! Many servers publish what they get. A category that must not be seen stays here until somebody has looked, and for
//! ever where it would be seen.

use crate::commands::{check, json_of};
use crate::common::stand_in::StandIn;
use crate::{before, offer, rounds, told};

const KEY: &str = crate::common::desk::CONNECTOR;
const CONFIDENTIAL: &str = "
[categories.pothole]
service = \"RD 12\"
attributes = { DEPTH = { value = \"D1\" } }
[categories.corruption]
service = \"COR\"
confidential = true
";

fn held(detail: &str) -> Vec<(String, String)> {
    vec![("confidential".to_owned(), detail.to_owned())]
}

#[tokio::test]
async fn a_confidential_category_is_held_where_anybody_can_see_it_and_goes_where_nobody_can() {
    let server = StandIn::start(|s| (s.key, s.public) = (Some(KEY), true)).await;
    let mut world = before(&server, "").await;
    world.map(CONFIDENTIAL).await;
    let secret = offer(&mut world, "corruption", "the officer asked for money");
    let hole = offer(&mut world, "pothole", "a hole");
    rounds(&world, 2).await;
    assert_eq!(world.held().await, held("untried"), "nobody has looked");
    assert_eq!((told(&world, &secret), told(&world, &hole)), (0, 1));

    let (good, findings) = json_of(&check(&world, &["--send-tests", "--yes", "--wait", "0"]).await);
    assert!(!good && findings.contains(&("public-confidential".into(), "corruption".into())), "{findings:?}");
    assert!(findings.contains(&("public".into(), "pothole".into())), "a warning only: {findings:?}");
    rounds(&world, 2).await;
    world.restart().await;
    rounds(&world, 2).await;
    assert_eq!(world.held().await, held("public"), "what was seen is remembered");
    assert!(!server.descriptions().iter().any(|d| d.contains("money")));
    // What was sent says what it is, names nobody, and has a marker that no case has.
    let tests: Vec<_> = server.descriptions().into_iter().filter(|d| d.contains("TEST of the connection")).collect();
    assert_eq!(tests.len(), 2);
    assert!(tests.iter().all(|d| d.contains("[tabir:TEST-") && !d.contains("Sealed identity")));

    server.state().public = false;
    let (good, findings) = json_of(&check(&world, &["--send-tests", "--yes", "--wait", "0"]).await);
    assert!(good && findings.contains(&("not-public".into(), "corruption".into())), "{findings:?}");
    rounds(&world, 2).await;
    assert_eq!(told(&world, &secret), 1);
    assert!(world.held().await.is_empty());
}

/// What was found about one server says nothing about another.
#[tokio::test]
async fn another_server_or_service_must_be_looked_at_anew() {
    let server = StandIn::start(|s| s.key = Some(KEY)).await;
    let mut world = before(&server, "").await;
    world.map(CONFIDENTIAL).await;
    assert!(json_of(&check(&world, &["--send-tests", "--yes", "--wait", "0"]).await).0);
    let first = offer(&mut world, "corruption", "x");
    rounds(&world, 1).await;
    assert_eq!(told(&world, &first), 1);
    world.map(&CONFIDENTIAL.replace("\"COR\"", "\"RD 12\"\nattributes = { DEPTH = { value = \"D1\" } }")).await;
    let second = offer(&mut world, "corruption", "y");
    rounds(&world, 1).await;
    // The other category's test request went there, so it is known.
    assert_eq!(told(&world, &second), 1);
    let other = StandIn::start(|s| s.key = Some(KEY)).await;
    world.move_to(&other.base).await;
    let third = offer(&mut world, "corruption", "z");
    rounds(&world, 2).await;
    assert_eq!(told(&world, &third), 0);
    assert_eq!(world.held().await, held("untried"));
    assert!(other.state().requests.is_empty());
}

/// A list without texts still says when and where: it counts as seen.
#[tokio::test]
async fn a_request_that_shows_without_its_text_counts_as_public() {
    let server = StandIn::start(|s| (s.key, s.public, s.hides_text) = (Some(KEY), true, true)).await;
    let mut world = before(&server, "[server]\nlookup = \"none\"\n").await;
    world.map(&format!("[server]\nlookup = \"none\"\n{CONFIDENTIAL}")).await;
    let (good, findings) = json_of(&check(&world, &["--send-tests", "--yes", "--wait", "0"]).await);
    assert!(!good && findings.contains(&("public-confidential".into(), "corruption".into())), "{findings:?}");
}
