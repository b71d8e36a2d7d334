//! Statements in their one form, and the payload of every verb.

use tabir_crypto::json;
use tabir_crypto::statement::{Body, MAX_STATEMENT, Statement, Verb};

use super::{hostile, kind, text, vectors, world};

/// A payload's type as it writes itself.
pub fn written(body: &Body) -> Vec<u8> {
    macro_rules! written {
        ($($kind:ident)*) => { match body { $(Body::$kind(b) => json::to_vec(b).unwrap()),* } };
    }
    written!(TrustRoot KeyAnnounced KeyRetired KeyCustody CouncilManifest CouncilMessage Council CouncilNote CouncilChecked PolicySet PageBuilt
        UnsealRequested UnsealApproved UnsealRefused UnsealReleased UnsealCode UnsealPartial UnsealOpened UnsealNotice
        ReportAccepted ReportFate ReportErased RetentionCounts CaseWrite Acceptance Reply Call)
}

/// A payload is signed as it is; but for spaces and the order of fields it has one form.
fn one_form(verb: Verb, payload: &[u8]) -> bool {
    let Ok(body) = Body::parse(verb, payload) else { return false };
    let again = written(&body);
    assert_eq!(json::parse(&again).unwrap(), json::parse(payload).unwrap(), "two ways to write one payload");
    assert_eq!(Body::parse(verb, &again).unwrap(), body);
    true
}

pub mod statement {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Ok(statement) = Statement::parse_proposal(data) else {
            assert!(Statement::parse(data).is_err());
            return false;
        };
        assert_eq!(statement.to_bytes(), data);
        assert!(data.len() <= MAX_STATEMENT);
        let signers = statement.signers();
        assert!(signers.is_sorted_by(|a, b| a < b), "nobody signs twice");
        assert_eq!(Statement::parse(data).is_ok(), !signers.is_empty());
        assert!(statement.verify(&[]).is_err(), "nobody's key is known");
        if !signers.is_empty() {
            let inside: Statement = json::from_slice(data).unwrap();
            assert_eq!(inside, statement);
            assert_eq!(json::to_vec(&inside).unwrap(), data);
        }
        let mut merged = statement.clone();
        merged.merge(&statement).unwrap();
        assert_eq!(merged, statement);
        one_form(statement.verb(), statement.payload());
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let good = vectors()["formats"]["statement"].as_array().unwrap().iter();
        let mut seeds: Vec<_> = good.map(|v| text(&v["out"]["envelope"])).collect();
        seeds.extend(hostile("statement", "envelope").into_iter().map(|t| t.as_bytes().to_vec()));
        seeds.push(world::sign(Verb::CouncilFormed, &world::council(), &world::founders()).to_bytes());
        let nobody: [tabir_crypto::ed25519::SigningKey; 0] = [];
        seeds.push(world::sign(Verb::PolicySet, &world::policy(1), &nobody).to_bytes());
        seeds
    }
}

pub mod body {
    use tabir_crypto::statement::body::*;
    use tabir_crypto::statement::value::{Bytes, Hex, Hour, Second, V1};

    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some((verb, payload)) = data.split_first() else { return false };
        one_form(Verb::ALL[usize::from(*verb) % Verb::ALL.len()], payload)
    }

    fn seed(verb: Verb, body: &impl serde::Serialize) -> Vec<u8> {
        let at = Verb::ALL.iter().position(|v| *v == verb).unwrap();
        kind(u8::try_from(at).unwrap(), json::to_vec(body).unwrap())
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let (v, at) = (V1, Hour::of(world::T0));
        let [a, b, request] = ["a", "b", "request"].map(world::hash);
        let text = world::text("text");
        let code = world::code("code");
        let deferred = UnsealRequested {
            nonce: None,
            deferred_until: Some(Second(world::T0)),
            deferral: Some(code.clone()),
            ..world::requested("deferred")
        };
        let mut next = world::trust_root();
        next.previous = Some(a);
        let retired = KeyRetired { v, at, key_id: a, reason: code.clone() };
        let message = CouncilMessage { v, at, ceremony_id: a, round: 2, from: 1, to: 2, bytes: Bytes(vec![7; 80]) };
        let note = CouncilNote { v, at, council_id: a, codes: vec![code.clone()] };
        let checked = CouncilChecked {
            v,
            at,
            council_id: a,
            index: 1,
            tree_size: 3,
            checkpoint_hash: b,
            partial: Bytes(vec![1; 195]),
        };
        let files = vec![PageFile { path: text.clone(), sha256: a }];
        let page = PageBuilt { v, at, version: text.clone(), files, base_size: 3, base_checkpoint: b };
        let counts = RetentionCounts { v, at, w: 1, counts: [(code, 2)].into() };
        let write = CaseWrite { v, at, case_id: a, counter: 1, body_hash: b };
        let deadline = Second(world::T0);
        let acceptance = Acceptance { v, at, case_id: a, a, b, nf: b, w: 1, deadline, log_origin: text.clone() };
        let reply = Reply { v, at, case_id: a, seq: 1, message_hash: b };
        let (method, path, audience) = (text.clone(), text, Role::Log);
        let call = Call { v, at, method, path, body_hash: a, audience, minute: Second(0), nonce: Hex([3; 16]) };
        let mut rng = super::super::council::seeded(1);
        let who = super::super::council::officials(2, &mut rng);
        let manifest = super::super::council::manifest(2, 2, &who, &mut rng);
        let mut odd = serde_json::to_value(&manifest).unwrap();
        odd["kind"] = serde_json::json!({"form": null});
        let mut null = serde_json::to_value(world::requested("null")).unwrap();
        null["deferral"] = serde_json::Value::Null;
        let small = world::council_body("small", 1, 2, &[world::official(1), world::official(2)]);
        vec![
            seed(Verb::TrustRoot, &next),
            seed(Verb::KeyAnnounced, &world::key_announced(KeyKind::Token, 1)),
            seed(Verb::KeyRetired, &retired),
            seed(Verb::CouncilManifest, &manifest),
            seed(Verb::CouncilMessage, &message),
            seed(Verb::CouncilFormed, &small),
            seed(Verb::CouncilRetired, &note),
            seed(Verb::CouncilChecked, &checked),
            seed(Verb::PolicySet, &world::policy(1)),
            seed(Verb::PageBuilt, &page),
            seed(Verb::UnsealRequested, &world::requested("request")),
            seed(Verb::UnsealRequested, &deferred),
            seed(Verb::UnsealApproved, &world::approved(request, 1)),
            seed(Verb::UnsealRefused, &world::no(request, 1)),
            seed(Verb::UnsealReleased, &world::released(request, 3, &[1, 2])),
            seed(Verb::UnsealFailed, &world::ended(request, "outer")),
            seed(Verb::UnsealPartial, &world::partial(request, 1, &[1, 2])),
            seed(Verb::UnsealOpened, &world::opened(request)),
            seed(Verb::UnsealNotice, &world::notice(request)),
            seed(Verb::ReportAccepted, &world::accepted(1, 1, 1, &["x", "y"])),
            seed(Verb::ReportForwarded, &world::fate(1, 0, &["x"])),
            seed(Verb::ReportErased, &world::erased(1, 0, &["x"])),
            seed(Verb::RetentionCounts, &counts),
            seed(Verb::CaseSubmit, &write),
            seed(Verb::Acceptance, &acceptance),
            seed(Verb::Reply, &reply),
            seed(Verb::Call, &call),
            // Refused: other ways to write a name and a field that is not there, and an object as a list.
            seed(Verb::CouncilManifest, &odd),
            seed(Verb::UnsealRequested, &null),
            seed(Verb::Reply, &(1, at, a, 1, b)),
        ]
    }
}
