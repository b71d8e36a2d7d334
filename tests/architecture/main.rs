//! The shape of the tree: which folder may know what. Every rule is tried on planted files first, so that a rule
//! that has gone blind fails.

mod attack_list;
mod lie_list;
mod rules;
mod source;

use std::path::Path;

use rules::{
    LONGEST, axum_in_routes, clock_and_main_alone, crypto_is_pure, roles_apart, routes_documented, short_files,
    sql_in_stores,
};
use source::Source;

/// The files under these folders; none at all is a defect of this test.
fn tree(folders: &[&str]) -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<Source> = folders.iter().flat_map(|f| Source::under(top, f)).collect();
    assert!(!files.is_empty(), "no files under {folders:?}");
    files
}

/// The rule finds something in each bad file alone, and nothing in all the good ones together.
fn tells(rule: fn(&[Source]) -> Vec<String>, bad: &[(&str, &str)], good: &[(&str, &str)]) {
    for (path, text) in bad {
        assert!(!rule(&[Source::new(path, text)]).is_empty(), "not seen in {path}: {text}");
    }
    let good: Vec<Source> = good.iter().map(|(path, text)| Source::new(path, text)).collect();
    assert_eq!(rule(&good), Vec::<String>::new());
}

fn holds(rule: fn(&[Source]) -> Vec<String>, folders: &[&str]) {
    let broken = rule(&tree(folders));
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn no_role_imports_another() {
    holds(roles_apart, &["src"]);
}

#[test]
fn an_import_of_another_role_is_seen() {
    let bad = [
        ("src/gateway/service.rs", "use crate::issuer::Key;"),
        ("src/gateway/service.rs", "use crate::{http, issuer::{Key, Other}};"),
        ("src/gateway/service.rs", "use crate::{db as d, issuer as i};"),
        ("src/gateway/service.rs", "use tabir::warden;"),
        ("src/gateway/service.rs", "use ::tabir::warden;"),
        ("src/gateway/service.rs", "fn f() -> u8 { crate::log::size() }"),
        ("src/gateway/service.rs", "fn f() -> u8 { if true { super::super::log::size() } else { 0 } }"),
        ("src/gateway/mod.rs", "use super::log;"),
        ("src/gateway/mod.rs", "use super::{db, log};"),
        ("src/gateway/store/spent.rs", "use super::super::super::desk::Case;"),
        ("src/gateway/service.rs", "mod tests { use super::super::super::desk::Case; }"),
        ("src/gateway/service.rs", "fn f() { let x = vec![crate::council::Seat]; }"),
        ("src/gateway/service.rs", "use crate::*;"),
        ("src/gateway/service.rs", "use crate as everything;"),
        ("src/gateway/mod.rs", "use super::*;"),
        ("src/lib.rs", "pub use issuer::Key as K;"),
        ("src/lib.rs", "pub use self::{http::Client, warden::Release};"),
        ("src/warden.rs", "use crate::relay::Hop;"),
    ];
    let good = [
        (
            "src/gateway/service.rs",
            "use crate::gateway::store; use super::{store, routes}; use tabir_crypto::log::Leaf;",
        ),
        (
            "src/gateway/log.rs",
            "//! crate::warden is not imported\nuse super::log; use crate::http; pub(crate) fn f() {}",
        ),
        (
            "src/warden/service.rs",
            "mod tests { use super::super::log; use super::*; } const A: &str = \"crate::log::X\";",
        ),
        ("src/cli/serve.rs", "use crate::{gateway, issuer, log};"),
        ("src/lib.rs", "pub mod issuer; pub mod gateway; pub use http::Client;"),
    ];
    tells(roles_apart, &bad, &good);
}

#[test]
fn an_import_through_plumbing_is_seen() {
    let files = [
        Source::new("src/gateway/service.rs", "use crate::http::Shared;"),
        Source::new("src/http/mod.rs", "use crate::config::Port;"),
        Source::new("src/config/mod.rs", "pub use crate::issuer::Port;"),
        Source::new("src/issuer/mod.rs", "use crate::db;"),
    ];
    let broken = roles_apart(&files);
    assert_eq!(broken, ["src/config/mod.rs:1: crate::issuer::Port: reaches role issuer from role gateway"]);
}

#[test]
fn sql_stands_in_stores_only() {
    holds(sql_in_stores, &["src"]);
}

#[test]
fn sql_elsewhere_is_seen() {
    let bad = [
        ("src/gateway/service.rs", "fn f() { q(\"SELECT nonce FROM spent\"); }"),
        ("src/gateway/service.rs", "fn f() { q(\"select 1\"); }"),
        ("src/gateway/routes.rs", "const Q: &str = r#\"\n  insert or ignore into spent VALUES ($1)\"#;"),
        ("src/http/mod.rs", "fn f() { q!(\"UPDATE cases SET w = $1\"); }"),
        ("src/cli/demo.rs", "fn f() { q(\"DELETE FROM outbox\"); }"),
        ("src/issuer/mod.rs", "const Q: &str = \"CREATE TABLE a (b)\";"),
        ("src/issuer/mod.rs", "fn f() { format!(\"{q} WHERE id = $1\"); }"),
        ("src/issuer/mod.rs", "const Q: &str = \"PRAGMA secure_delete = ON\";"),
        ("src/issuer/mod.rs", "mod tests { const Q: &str = \"CREATE TABLE a (b)\"; }"),
        ("src/issuer/mod.rs", "#[cfg(test)] mod tests {} mod a { const Q: &str = \"CREATE TABLE a (b)\"; }"),
        ("src/issuer/restore.rs", "const Q: &str = \"INSERT INTO a SELECT 1\";"),
    ];
    let good = [
        ("src/gateway/store.rs", "const Q: &str = \"SELECT nonce FROM spent\";"),
        ("src/gateway/store_cases.rs", "const Q: &str = \"SELECT nonce FROM spent\";"),
        ("src/gateway/store/cases.rs", "const Q: &str = \"SELECT nonce FROM spent\";"),
        ("src/http/outbox.rs", "#[cfg(test)]\nmod tests { const Q: &str = \"CREATE TABLE a (b)\"; }"),
        ("src/db/mod.rs", "const Q: &str = \"PRAGMA journal_mode = WAL\";"),
        (
            "src/cli/mod.rs",
            "/// SELECT a FROM b\n#[doc = \"DELETE FROM b\"]\nfn f() { p(\"Update failed\"); m(\"DELETE\"); }",
        ),
        ("src/cli/keys.rs", "// SELECT a FROM b\nfn f() { p(\"create a key from FILE\"); p(\"select an official\"); }"),
    ];
    tells(sql_in_stores, &bad, &good);
}

#[test]
fn only_routes_know_axum() {
    holds(axum_in_routes, &["src"]);
}

#[test]
fn axum_elsewhere_is_seen() {
    let bad = [
        ("src/gateway/service.rs", "use axum::Router;"),
        ("src/gateway/mod.rs", "pub fn f() -> axum::Router { todo() }"),
        ("src/cli/serve.rs", "use {axum as web, tokio};"),
        ("src/gateway/store.rs", "fn f() { if x { let y: ::axum::Json<u8>; } }"),
    ];
    let good = [
        ("src/gateway/routes.rs", "use axum::Router;"),
        ("src/gateway/routes_case.rs", "use axum::Router;"),
        ("src/http/problem.rs", "use axum::Json;"),
        ("src/gateway/service.rs", "//! Knows no axum.\nconst A: &str = \"axum::Router\";"),
    ];
    tells(axum_in_routes, &bad, &good);
}

#[test]
fn every_route_is_documented() {
    holds(routes_documented, &["src"]);
}

#[test]
fn a_route_without_an_annotation_is_seen() {
    let bad = [
        ("src/gateway/routes.rs", "fn f() { Router::new().route(\"/x\", get(x)) }"),
        ("src/gateway/routes.rs", "fn f() {\n    OpenApiRouter::default()\n        .route(\"/x\", get(x))\n}"),
        ("src/desk/routes/files.rs", "fn f() { r.nest_service(\"/x\", y) }"),
    ];
    let good = [
        ("src/gateway/routes.rs", "// no .route( here\nfn f() { OpenApiRouter::default().routes(routes!(x)) }"),
        ("src/http/openapi.rs", "fn f() { Router::new().route(\"/x\", get(x)) }"),
    ];
    tells(routes_documented, &bad, &good);
}

#[test]
fn crypto_does_no_io_and_has_no_clock() {
    holds(crypto_is_pure, &["crypto/src"]);
}

#[test]
fn io_in_crypto_is_seen() {
    let bad = [
        ("crypto/src/a.rs", "use std::fs::read;"),
        ("crypto/src/a.rs", "use std::{collections::BTreeMap, net};"),
        ("crypto/src/a.rs", "use ::std::time::Duration;"),
        ("crypto/src/a.rs", "fn f() { let x = std::env::var(\"A\"); }"),
        ("crypto/src/a.rs", "use std::{thread as t}; use std::process;"),
        ("crypto/src/a.rs", "use std::*;"),
        ("crypto/src/a.rs", "use std as s;"),
        ("crypto/src/a.rs", "fn f() { println!(\"x\"); }"),
        ("crypto/src/a.rs", "use rand_core::OsRng;"),
    ];
    let good = [
        ("crypto/src/a.rs", "use std::sync::OnceLock; use core::fmt; use time::Date; // std::fs\n"),
        ("crypto/tests/a.rs", "use std::fs::read;"),
        ("crypto/src/log/tests.rs", "use std::fs::read;"),
    ];
    tells(crypto_is_pure, &bad, &good);
}

#[test]
fn no_file_lifts_the_ban_on_ambient_time() {
    holds(clock_and_main_alone, &["src", "crypto/src"]);
}

#[test]
fn a_lifted_ban_is_seen() {
    let bad = [
        ("src/gateway/service.rs", "#![allow(clippy::disallowed_methods)]"),
        ("src/gateway/clock.rs", "#[expect(clippy::disallowed_types, reason = \"x\")] fn f() {}"),
    ];
    tells(clock_and_main_alone, &bad, &[("src/clock.rs", "#![expect(clippy::disallowed_methods, reason = \"here\")]")]);
}

#[test]
fn no_file_is_too_long() {
    holds(short_files, &["src", "crypto/src"]);
}

#[test]
fn a_long_file_is_seen() {
    let (most, more) = ("//\n".repeat(LONGEST), "//\n".repeat(LONGEST + 1));
    tells(short_files, &[("src/a.rs", &more)], &[("src/a.rs", &most), ("crypto/tests/a.rs", &more)]);
}

#[test]
fn every_attack_has_its_test_and_its_patch() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(top.join("threat-model/unsealing.md")).expect("the list of attacks");
    let found = attack_list::defects(&list, &attack_list::Tree::of(top));
    assert!(found.is_empty(), "threat-model/unsealing.md, {} defects:\n{}", found.len(), found.join("\n"));
}

#[test]
fn an_attack_without_a_test_or_a_patch_is_seen() {
    let files =
        [Source::new("tests/a/b.rs", "#[test]\nfn it_is() {}\n#[tokio::test]\nasync fn too() {}\nfn helper() {}")];
    let tree = attack_list::Tree::new(&files, [("is".to_owned(), "b::it_is".to_owned())]);
    let head = "| attack | by | what stops it | test | patch |\n| --- | --- | --- | --- | --- |\n";
    let list = |rows: &str| attack_list::defects(&format!("# Attacks\n{head}{rows}"), &tree);
    let good = "| x | y | z | `b::it_is`, `too` | `is.patch` |\n| v | y | z | `too` | –: the mathematics |\n";
    assert_eq!(list(good), Vec::<String>::new());
    for bad in [
        "",
        "| x | y | z | `b::it_is` |\n",
        "| x |  | z | `b::it_is` | `is.patch` |\n",
        "| x | y | z | | –: the mathematics |\n",
        "| x | y | z | `helper` | –: the mathematics |\n",
        "| x | y | z | `c::it_is` | –: the mathematics |\n",
        "| x | y | z | `too` | `is.patch` |\n",
        "| x | y | z | `too` | `isnt.patch` |\n",
        "| x | y | z | `too` | – |\n",
        "| x | y | z | `too` | |\n",
    ] {
        assert!(!list(bad).is_empty(), "not seen: {bad}");
    }
    assert!(!list(&good.repeat(2)).is_empty(), "an attack twice");
}

#[test]
fn every_lie_has_its_test_and_every_test_of_a_lie_its_row() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(top.join("threat-model/log.md")).expect("the list of lies");
    let found = lie_list::defects(&list, &attack_list::Tree::of(top));
    assert!(found.is_empty(), "threat-model/log.md, {} defects:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_lie_without_a_test_or_a_test_without_a_row_is_seen() {
    let files = [
        Source::new("tests/lies/b.rs", "#[test]\nfn it_is() {}\n#[tokio::test]\nasync fn too() {}\nfn helper() {}"),
        Source::new("tests/other.rs", "#[test]\nfn elsewhere() {}"),
    ];
    let tree = attack_list::Tree::new(&files, []);
    let head = "| lie | who must collude | what shows it | check | test |\n| --- | --- | --- | --- | --- |\n";
    let list = |rows: &str| lie_list::defects(&format!("# Lies\n{head}{rows}"), &tree);
    let second = "| v | y | z | fetch: `shrunk` | `too` |\n";
    let good = format!("| x | y | z | `log.tree`, `windows.once` | `b::it_is` |\n{second}");
    assert_eq!(list(&good), Vec::<String>::new());
    for bad in [
        "",
        "| x | y | z | `log.tree` |\n",
        "| x |  | z | `log.tree` | `it_is` |\n",
        "| x | y | z | `log.trees` | `it_is` |\n",
        "| x | y | z | log.tree | `it_is` |\n",
        "| x | y | z | –: no | `it_is` |\n",
        "| x | y | z | `log.tree` | |\n",
        "| x | y | z | `log.tree` | `helper` |\n",
        "| x | y | z | `log.tree` | `c::it_is` |\n",
        "| x | y | z | `log.tree` | `it_is`, `it_is` |\n",
    ] {
        assert!(!list(&format!("{bad}{second}")).is_empty(), "not seen: {bad}");
    }
    assert_eq!(list(second), ["0: the test it_is has no row"]);
}
