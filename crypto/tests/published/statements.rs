//! `statements.json`: one valid statement of every verb, and variants that every reader must refuse.

use serde_json::{Value, json};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::body::*;
use tabir_crypto::statement::value::{Bytes, Hex, Second, V1};
use tabir_crypto::statement::{Body, Statement, Verb};

use crate::envelopes;
use crate::kit::{self, h, reject, statement};
use crate::town::at;
use crate::world::{self, DAY, T0, code, fate, hash, key, policy, text as short};

/// Every verb's payload.
fn payloads() -> Vec<(Verb, Value)> {
    let request = hash("request");
    let to_json = |v: &dyn erased::Json| v.value();
    let deferred = UnsealRequested {
        nonce: None,
        deferred_until: Some(Second(T0 + DAY)),
        deferral: Some(code("inquiry")),
        ..world::requested("published")
    };
    let manifest = CouncilManifest {
        v: V1,
        at: at(),
        kind: CeremonyKind::Reshare,
        t: 2,
        n: 2,
        members: (1..=2)
            .map(|i| ManifestMember { index: i, ed_vk: world::vk(&world::official(i)), kem_pk: world::kem("m") })
            .collect(),
        previous: hash("previous"),
        dealers: vec![1, 3],
        nonce: hash("nonce"),
    };
    let reshared = CouncilFormed { reshare_id: Some(hash("reshare")), epoch: 2, ..world::council() };
    let case = CaseWrite { v: V1, at: at(), case_id: hash("case"), counter: 1, body_hash: hash("body") };
    let note =
        CouncilNote { v: V1, at: at(), council_id: hash("council"), codes: vec![code("kept"), code("until-2030")] };
    let checked = CouncilChecked {
        v: V1,
        at: at(),
        council_id: hash("council"),
        index: 2,
        tree_size: 7,
        checkpoint_hash: hash("checkpoint"),
        partial: Bytes(vec![1; 195]),
    };
    let page = PageBuilt {
        v: V1,
        at: at(),
        version: short("1.0"),
        files: vec![PageFile { path: short("index.html"), sha256: hash("file") }],
        base_size: 7,
        base_checkpoint: hash("checkpoint"),
    };
    let call = Call {
        v: V1,
        at: at(),
        method: short("POST"),
        path: short("/council/statements?x=1"),
        body_hash: hash("body"),
        audience: Role::Council,
        minute: Second(T0 + 60),
        nonce: Hex([7; 16]),
    };
    let counts =
        RetentionCounts { v: V1, at: at(), w: 1, counts: [(code("contents"), 3), (code("envelopes"), 0)].into() };
    let message = CouncilMessage {
        v: V1,
        at: at(),
        ceremony_id: hash("ceremony"),
        round: 1,
        from: 2,
        to: 0,
        bytes: Bytes(vec![7; 65]),
    };
    let acceptance = Acceptance {
        v: V1,
        at: at(),
        case_id: hash("case"),
        a: hash("a"),
        b: hash("b"),
        nf: hash("nf"),
        w: 1,
        deadline: Second(T0 + DAY),
        log_origin: short("intake.test/log"),
    };
    let reply = Reply { v: V1, at: at(), case_id: hash("case"), seq: 1, message_hash: hash("message") };
    let retired = KeyRetired { v: V1, at: at(), key_id: hash("key"), reason: code("lost") };
    let custody = KeyCustody {
        v: V1,
        at: at(),
        key_id: hash("key"),
        act: CustodyAct::Split,
        threshold: 2,
        holders: vec![Hex([1; 32]), Hex([2; 32])],
    };
    let value = |verb| match verb {
        Verb::TrustRoot => to_json(&world::trust_root()),
        Verb::KeyAnnounced => to_json(&world::key_announced(KeyKind::Token, 1)),
        Verb::KeyRetired => to_json(&retired),
        Verb::KeyCustody => to_json(&custody),
        Verb::CouncilManifest => to_json(&manifest),
        Verb::CouncilMessage => to_json(&message),
        Verb::CouncilFormed => to_json(&world::council()),
        Verb::CouncilRefreshed | Verb::CouncilReshared => to_json(&reshared),
        Verb::CouncilRetired => to_json(&note),
        Verb::CouncilChecked => to_json(&checked),
        Verb::PolicySet => to_json(&policy(1)),
        Verb::PageBuilt => to_json(&page),
        Verb::UnsealRequested => to_json(&deferred),
        Verb::UnsealApproved => {
            to_json(&UnsealApproved { deferred_until: Some(Second(T0 + DAY)), ..world::approved(request, 1) })
        }
        Verb::UnsealRefused | Verb::UnsealWithdrawn => to_json(&world::no(request, 1)),
        Verb::UnsealReleased => to_json(&world::released(request, 7, &[1, 2])),
        Verb::UnsealDeclined => to_json(&world::ended(request, "live")),
        Verb::UnsealFailed => to_json(&world::ended(request, "proof")),
        Verb::UnsealPartial => to_json(&world::partial(request, 1, &[1, 2])),
        Verb::UnsealOpened => to_json(&world::opened(request)),
        Verb::UnsealNotice => to_json(&world::notice(request)),
        Verb::ReportAccepted => to_json(&world::accepted(1, 1, 1, &["a", "b"])),
        Verb::ReportForwarded | Verb::ReportRefused | Verb::ReportPending => to_json(&fate(1, 0, &["a", "b"])),
        Verb::ReportErased => to_json(&world::erased(1, 0, &["a"])),
        Verb::RetentionCounts => to_json(&counts),
        Verb::CaseSubmit | Verb::CaseMessage | Verb::CaseRate | Verb::CaseDispute | Verb::CaseErase => to_json(&case),
        Verb::Acceptance => to_json(&acceptance),
        Verb::Reply => to_json(&reply),
        Verb::Call => to_json(&call),
    };
    Verb::ALL.into_iter().map(|verb| (verb, value(verb))).collect()
}

/// Any payload as JSON text in the order of its type.
mod erased {
    use serde_json::Value;

    pub trait Json {
        fn value(&self) -> Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn value(&self) -> Value {
            String::from_utf8(tabir_crypto::json::to_vec(self).unwrap()).unwrap().into()
        }
    }
}

pub fn signers() -> [SigningKey; 2] {
    [key("published signer 1"), key("published signer 2")]
}

pub fn file() -> Value {
    let all = payloads();
    let valid = all.iter().map(|(verb, payload)| {
        let mut made = Statement::from_payload(*verb, payload.as_str().unwrap().into()).unwrap();
        signers().iter().for_each(|k| made.sign(k));
        json!({"verb": verb.as_str(), "payload": payload, "envelope": statement(&made), "entry_hash": h(made.entry_hash())})
    });
    let seeds = ["published signer 1", "published signer 2"].map(|name| h(hash(name).0));
    json!({
        "about": "One statement of every verb, by the same two keys (who must sign which is not the matter here). `reject`: `payload` \
                  refuses the payload of `verb` after an edit (`put` at the JSON pointer `path`, or `cut` it), `envelope` the bytes \
                  as they stand, by these keys.",
        "seeds": seeds,
        "valid": valid.collect::<Vec<_>>(),
        "accept": [envelopes::accepted()],
        "reject": kit::all(&[edits(&all), envelopes::envelopes(&all)]),
    })
}

/// The same payload after an edit; a field is put or cut in the object or list that holds it.
fn edited(payload: &Value, path: &str, put: Option<&Value>) -> Value {
    let mut all = payload.clone();
    let (parent, name) = path.rsplit_once('/').unwrap();
    match (all.pointer_mut(parent).unwrap(), put) {
        (Value::Object(map), Some(put)) => drop(map.insert(name.into(), put.clone())),
        (Value::Object(map), None) => drop(map.remove(name).expect("a field to cut")),
        (Value::Array(list), Some(put)) => list[name.parse::<usize>().unwrap()] = put.clone(),
        (Value::Array(list), None) => drop(list.remove(name.parse().unwrap())),
        _ => panic!("nothing at {path}"),
    }
    all
}

/// Every place in a JSON value, with what stands there. Of a list only the first item.
fn places(path: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    let mut visit = |name: &str, inner: &Value| {
        let path = format!("{path}/{name}");
        out.push((path.clone(), inner.clone()));
        places(&path, inner, out);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| visit(name, inner)),
        Value::Array(list) => list.iter().take(1).for_each(|inner| visit("0", inner)),
        _ => {}
    }
}

/// Values that no field takes in the place of this one.
fn wrong(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![json!("1"), json!(true), json!([1])],
        Value::String(s) if s.ends_with('Z') => {
            vec![json!(&s[..19]), json!(s.replacen('T', " ", 1)), json!(s.replacen("20", "3 ", 1)), json!(7)]
        }
        Value::String(s) if s.len() == 64 || s.len() == 32 => {
            vec![json!(s.to_uppercase()), json!(s[2..]), json!(format!("{s}00")), json!("zz")]
        }
        Value::String(_) => vec![json!(""), json!(7), Value::Null],
        Value::Bool(_) => vec![json!(1), json!("false")],
        Value::Array(_) => vec![json!({}), json!("x"), Value::Null],
        Value::Object(_) => vec![json!([]), json!("x"), Value::Null],
        Value::Null => vec![json!(false), json!("")],
    }
}

fn edits(all: &[(Verb, Value)]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut schemas: Vec<Value> = Vec::new();
    for (verb, payload) in all {
        let payload: Value = serde_json::from_str(payload.as_str().unwrap()).unwrap();
        // verbs with one schema have the same payload here
        if schemas.contains(&payload) {
            continue;
        }
        schemas.push(payload.clone());
        let mut refuse = |rule: &str, path: &str, put: Option<&Value>| {
            let bytes = serde_json::to_vec(&edited(&payload, path, put)).unwrap();
            let Err(e) = Body::parse(*verb, &bytes) else { return false };
            let mut input = json!({"verb": verb.as_str(), "path": path});
            match put {
                Some(put) => input["put"] = put.clone(),
                None => input["cut"] = true.into(),
            }
            out.push(json!({"decoder": "payload", "rule": rule, "in": input, "code": e.code().as_str()}));
            true
        };
        let mut all_places = Vec::new();
        places("", &payload, &mut all_places);
        assert!(refuse("a field that the verb does not have", "/zz", Some(&json!(1))));
        for (path, value) in &all_places {
            let named = !path.ends_with("/0");
            // what may be left out, or a map's key, is told by the parser itself
            if named {
                refuse("a field is missing", path, None);
            }
            for put in wrong(value) {
                refuse("a value that the field does not take", path, Some(&put));
            }
        }
        for (path, put) in
            [("/v", json!(2)), ("/at", json!("2027-01-15T08:00:01Z")), ("/at", json!("2027-01-15T08:30:00Z"))]
        {
            assert!(refuse("another version, or a time that is not cut to the hour", path, Some(&put)));
        }
    }
    out.extend(contradictions(all));
    out
}

/// Fields that contradict each other, limits, and second ways to write one thing.
fn contradictions(all: &[(Verb, Value)]) -> Vec<Value> {
    let long = "x".repeat(256);
    let edits = [
        (Verb::UnsealRequested, "nonce and deferral both", "/nonce", Some(json!("07".repeat(32)))),
        (Verb::UnsealRequested, "deferral without its end", "/deferred_until", None),
        (Verb::UnsealRequested, "an end without a deferral", "/deferral", None),
        (Verb::UnsealRequested, "null for what is left out", "/nonce", Some(Value::Null)),
        (Verb::UnsealApproved, "null for what is left out", "/deferred_until", Some(Value::Null)),
        (Verb::UnsealRequested, "an index above 16 bits", "/requester", Some(json!(65_536))),
        (Verb::UnsealRequested, "a code with a capital", "/reason", Some(json!("Danger"))),
        (Verb::UnsealRequested, "a code of 65 letters", "/reason", Some(json!("x".repeat(65)))),
        (Verb::UnsealRequested, "a code with a space", "/reason", Some(json!("in danger"))),
        (Verb::CouncilManifest, "an empty list for one that is left out", "/dealers", Some(json!([]))),
        (Verb::CouncilManifest, "an unknown kind", "/kind", Some(json!("merge"))),
        (Verb::CouncilManifest, "a name written as an object", "/kind", Some(json!({"form": null}))),
        (
            Verb::CouncilManifest,
            "an object written as the list of its values",
            "/members/0",
            Some(json!([1, "07".repeat(32), ""])),
        ),
        (Verb::CouncilMessage, "a round above 8 bits", "/round", Some(json!(256))),
        (Verb::CouncilMessage, "65 bytes as hex", "/bytes", Some(json!("07".repeat(65)))),
        (Verb::CouncilMessage, "64 bytes as base64url", "/bytes", Some(json!("BwcH".repeat(22)[..86].to_owned()))),
        (
            Verb::CouncilMessage,
            "base64url with padding",
            "/bytes",
            Some(json!(format!("{}=", "BwcH".repeat(22)[..87].to_owned()))),
        ),
        (
            Verb::CouncilMessage,
            "base64url whose last letter has bits to spare",
            "/bytes",
            Some(json!(format!("{}d", &"BwcH".repeat(22)[..86]))),
        ),
        (Verb::CouncilFormed, "the ceremony of a reshare, for a new key", "/reshare_id", Some(json!("07".repeat(32)))),
        (Verb::CouncilReshared, "no ceremony of a reshare", "/reshare_id", None),
        (Verb::TrustRoot, "a text of 256 characters", "/name", Some(json!(long))),
        (Verb::TrustRoot, "no previous, which is null where there is none", "/previous", None),
        (Verb::TrustRoot, "an unknown role", "/identities/auditor", Some(json!("07".repeat(32)))),
        (Verb::TrustRoot, "an unknown log", "/logs/0/name", Some(json!("third"))),
        (Verb::PolicySet, "an unknown status", "/deadlines_s/lost", Some(json!(1))),
        (Verb::PolicySet, "an unknown release", "/categories/0/release", Some(json!("slow"))),
        (Verb::RetentionCounts, "a count's name that is no code", "/counts/A B", Some(json!(1))),
        (
            Verb::ReportAccepted,
            "three hashes for two",
            "/pairs/0",
            Some(json!(["07".repeat(32), "07".repeat(32), "07".repeat(32)])),
        ),
        (Verb::ReportAccepted, "one hash for two", "/pairs/0", Some(json!(["07".repeat(32)]))),
        (Verb::ReportAccepted, "a time before 1970", "/opens", Some(json!("1969-12-31T23:59:59Z"))),
        (Verb::ReportAccepted, "a day that is not in the calendar", "/opens", Some(json!("2027-02-29T00:00:00Z"))),
        (Verb::ReportAccepted, "a leap second", "/opens", Some(json!("2016-12-31T23:59:60Z"))),
        (Verb::ReportAccepted, "a time with an offset", "/opens", Some(json!("2027-01-15T08:00:00+00:00"))),
        (Verb::ReportAccepted, "a time with milliseconds", "/opens", Some(json!("2027-01-15T08:00:00.000Z"))),
        (Verb::Call, "an unknown role", "/audience", Some(json!("desk"))),
    ];
    edits
        .into_iter()
        .map(|(verb, rule, path, put)| {
            let payload = &all.iter().find(|(v, _)| *v == verb).unwrap().1;
            let payload: Value = serde_json::from_str(payload.as_str().unwrap()).unwrap();
            let bytes = serde_json::to_vec(&edited(&payload, path, put.as_ref())).unwrap();
            let mut input = json!({"verb": verb.as_str(), "path": path});
            match put {
                Some(put) => input["put"] = put,
                None => input["cut"] = true.into(),
            }
            reject("payload", rule, input, Body::parse(verb, &bytes))
        })
        .collect()
}
