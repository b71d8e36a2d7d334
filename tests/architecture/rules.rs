//! The rules themselves. Each takes files and answers with what breaks it, as `path:line: what`.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Named, Source};

/// Roles of the design; each is a folder of `src/`.
pub const ROLES: [&str; 11] =
    ["issuer", "gateway", "forwarder", "council", "log", "warden", "witness", "desk", "facade", "form", "relay"];

/// The longest file, tests aside: what one sitting reads.
pub const LONGEST: usize = 400;

fn role(name: &str) -> bool {
    ROLES.contains(&name)
}

fn at(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", source.path)
}

/// The path from the top of crate tabir, if it begins there: `super::x` and `crate::x` alike.
fn resolved(source: &Source, named: &Named) -> Option<Vec<String>> {
    let mut base = source.module();
    base.extend(named.inside.iter().cloned());
    let mut rest = named.segments.as_slice();
    match rest.first().map(String::as_str)? {
        "crate" | "tabir" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {}
        _ => return None,
    }
    while rest.first().is_some_and(|s| s == "super") {
        base.pop();
        rest = &rest[1..];
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// A role never imports another, neither itself nor through plumbing that does; nobody hides the way by
/// importing the whole crate, or by naming a role anew at its top.
pub fn roles_apart(files: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut edges: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for source in files {
        let Some(own) = source.module().first().cloned() else {
            for named in source.paths() {
                if source.name() == "lib.rs" && named.used && named.segments.iter().any(|s| role(s)) {
                    broken.push(at(source, named.line, "names a role anew at the top of the crate"));
                }
            }
            continue;
        };
        for named in source.paths() {
            let Some(path) = resolved(source, &named) else { continue };
            match path.first().map(String::as_str) {
                Some(first) if first != "*" && first != "self" => {
                    let found = at(source, named.line, &named.segments.join("::"));
                    edges.entry(own.clone()).or_default().entry(first.to_owned()).or_insert(found);
                }
                _ if named.used => broken.push(at(source, named.line, "imports the whole crate")),
                _ => {}
            }
        }
    }
    for from in ROLES {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for (to, found) in edges.get(module).into_iter().flatten() {
                if role(to) && to != from && !role_behind(module, from) {
                    broken.push(format!("{found}: reaches role {to} from role {from}"));
                } else if seen.insert(to) {
                    open.push(to);
                }
            }
        }
    }
    broken.sort();
    broken.dedup();
    broken
}

/// Another role's own edges are told once, under that role.
fn role_behind(module: &str, from: &str) -> bool {
    role(module) && module != from
}

/// SQL stands in `store*.rs`, in a folder `store/`, and in `src/db/`.
pub fn sql_in_stores(files: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in files {
        let store = source.name().starts_with("store") || source.path.contains("/store/");
        if store || source.path.starts_with("src/db/") || source.is_test() {
            continue;
        }
        for (line, text) in source.strings() {
            if is_sql(&text) {
                broken.push(at(source, line, "SQL outside a store"));
            }
        }
    }
    broken
}

/// Does this literal hold SQL, or the end of a statement put together from several?
fn is_sql(literal: &str) -> bool {
    let upper = literal.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let words: Vec<&str> = words.into_iter().skip_while(|w| ["", "R", "B", "N"].contains(w)).collect();
    let has = |any: &[&str]| words.iter().any(|w| any.contains(w));
    let begins = match words.first().copied() {
        Some("SELECT") => has(&["FROM"]) || words.get(1).is_some_and(|w| w.parse::<u64>().is_ok()),
        Some("INSERT" | "REPLACE") => has(&["INTO"]),
        Some("UPDATE") => has(&["SET"]),
        Some("DELETE") => words.get(1) == Some(&"FROM"),
        Some("CREATE" | "DROP" | "ALTER") => has(&["TABLE", "INDEX", "VIEW", "TRIGGER"]),
        Some("WITH") => has(&["SELECT"]),
        Some("PRAGMA" | "VACUUM") => true,
        _ => false,
    };
    let pieces = [" WHERE ", " FROM ", "ON CONFLICT", " VALUES", "ORDER BY ", "INSERT INTO", "SELECT "];
    begins || pieces.iter().any(|p| literal.contains(p))
}

/// Only `routes*.rs`, a folder `routes/` and `src/http/` know axum.
pub fn axum_in_routes(files: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in files {
        let routes = source.name().starts_with("routes") || source.path.contains("/routes/");
        if routes || source.path.starts_with("src/http/") || source.is_test() {
            continue;
        }
        for named in source.paths() {
            if named.segments.iter().any(|s| s == "axum") {
                broken.push(at(source, named.line, "axum outside routes"));
            }
        }
    }
    broken
}

/// A route enters a router by its annotation (`routes!`), so that it stands in `/v1/openapi.json`; only `src/http/` wires
/// by hand.
pub fn routes_documented(files: &[Source]) -> Vec<String> {
    const BY_HAND: [&str; 4] = [".route(", ".route_service(", ".nest_service(", ".fallback_service("];
    let mut broken = Vec::new();
    for source in files.iter().filter(|s| !s.is_test() && !s.path.starts_with("src/http/")) {
        for (line, text) in source.text.lines().enumerate() {
            if !text.trim_start().starts_with("//") && BY_HAND.iter().any(|way| text.contains(way)) {
                broken.push(at(source, line + 1, "a route without an annotation: use `routes!`"));
            }
        }
    }
    broken
}

/// `crypto/` touches nothing but its arguments.
pub fn crypto_is_pure(files: &[Source]) -> Vec<String> {
    const MODULES: [&str; 8] = ["fs", "net", "time", "env", "thread", "process", "io", "os"];
    const NAMES: [&str; 10] =
        ["SystemTime", "Instant", "OsRng", "SysRng", "ThreadRng", "getrandom", "tokio", "println", "eprintln", "dbg"];
    let mut broken = Vec::new();
    for source in files.iter().filter(|s| !s.is_test()) {
        for named in source.paths() {
            let std = named.segments.first().is_some_and(|s| s == "std");
            let outside =
                std && named.segments.get(1).is_none_or(|s| s == "*" || s == "self" || MODULES.contains(&s.as_str()));
            if outside || named.segments.iter().any(|s| NAMES.contains(&s.as_str())) {
                broken.push(at(source, named.line, &format!("{} in pure code", named.segments.join("::"))));
            }
        }
    }
    broken
}

/// Nobody switches off the ban on ambient time and randomness, except where they come in.
pub fn clock_and_main_alone(files: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in files.iter().filter(|s| !["src/clock.rs", "src/main.rs"].contains(&s.path.as_str())) {
        for named in source.paths() {
            if named.segments.iter().any(|s| s == "disallowed_methods" || s == "disallowed_types") {
                broken.push(at(source, named.line, "time and randomness come from tabir::clock"));
            }
        }
    }
    broken
}

/// No file is longer than [`LONGEST`] lines.
pub fn short_files(files: &[Source]) -> Vec<String> {
    let long = files.iter().filter(|s| !s.is_test()).map(|s| (s, s.text.lines().count()));
    long.filter(|(_, n)| *n > LONGEST).map(|(s, n)| at(s, n, &format!("more than {LONGEST} lines"))).collect()
}
