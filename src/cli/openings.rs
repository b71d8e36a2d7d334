//! Openings as a reporter and an auditor see them: in words, and as JSON.

use serde_json::{Value, json};
use tabir_crypto::statement::body::{CodeEntry, PolicyCodes};
use tabir_crypto::statement::value::{CodeText, Hour, Second};

use crate::client::opening::{Opening, Step, What};
use crate::words::{self, Language};

/// Shows openings, each with its steps.
pub fn show(l: Language, openings: &[Opening], codes: Option<&PolicyCodes>) {
    for o in openings {
        println!("! {}", words::status(l, o));
        if let Some(d) = &o.deferral {
            println!("  {}", words::deferred(l, d, codes));
        }
        let ((t, n), council) = (o.threshold, &o.fingerprint);
        println!("  {}", l.pick(format!("dewan {council}, {t} dari {n}"), format!("council {council}, {t} of {n}")));
        for s in &o.steps {
            let place = l.pick("catatan", "entry");
            println!("  {}  {place} {}: {}", Hour::of(s.witnessed), s.entry, words::step(l, &s.what, codes));
        }
        for (entry, verb) in &o.irregular {
            let (id, en) = ("tidak menurut aturan dan tidak mengubah apa pun", "breaks the rules and changed nothing");
            println!("  {} {entry} ({}): {}", l.pick("catatan", "entry"), verb.as_str(), l.pick(id, en));
        }
    }
}

/// The same as JSON: codes with the policy's words in both languages.
#[must_use]
pub fn to_json(openings: &[Opening], codes: Option<&PolicyCodes>) -> Value {
    openings.iter().map(|o| one(o, codes)).collect()
}

fn one(o: &Opening, codes: Option<&PolicyCodes>) -> Value {
    let deferral = o.deferral.as_ref().map(|d| {
        json!({"until": Second(d.until), "reason": code(codes.map(|c| &c.deferral), &d.code), "signed_by": d.signed_by})
    });
    let irregular: Vec<_> = o.irregular.iter().map(|(e, verb)| json!({"entry": e, "verb": verb.as_str()})).collect();
    let steps: Vec<_> = o.steps.iter().map(|s| step(s, codes)).collect();
    json!({
        "request": hex::encode(o.request_hash), "status": o.status.as_str(), "council": o.fingerprint,
        "needed": o.threshold.0, "of": o.threshold.1, "cooled_at": o.cooled_at.map(Second), "deferral": deferral,
        "readable": o.readable, "steps": steps, "irregular": irregular,
    })
}

fn step(s: &Step, codes: Option<&PolicyCodes>) -> Value {
    let why = |c: &CodeText| code(codes.map(|c| &c.reason), c);
    let no = |c: &CodeText| code(codes.map(|c| &c.refusal), c);
    let failure = |c: &CodeText| code(codes.map(|c| &c.failure), c);
    let mut value = match &s.what {
        What::Requested { by, legal_basis, reason } => {
            let basis = code(codes.map(|c| &c.legal_basis), legal_basis);
            json!({"step": "requested", "by": [by], "legal_basis": basis, "reason": why(reason)})
        }
        What::Approved { by, reason } => json!({"step": "approved", "by": [by], "reason": why(reason)}),
        What::Refused { by, reason } => json!({"step": "refused", "by": [by], "reason": no(reason)}),
        What::Withdrawn { by, reason } => json!({"step": "withdrawn", "by": [by], "reason": no(reason)}),
        What::Released { to, by_auditor, early, above_cap } => {
            json!({"step": "released", "to": to, "by_auditor": by_auditor, "early": early, "above_cap": above_cap})
        }
        What::Partial { by } => json!({"step": "partial", "by": [by]}),
        What::Opened { by } => json!({"step": "opened", "by": by}),
        What::Failed { code, by } => json!({"step": "failed", "by": by, "reason": failure(code)}),
        What::Declined { code } => json!({"step": "declined", "reason": {"code": code}}),
        What::Notice => json!({"step": "notice"}),
        What::Voided => json!({"step": "voided"}),
    };
    if let Some(fields) = value.as_object_mut() {
        fields.insert("entry".into(), s.entry.into());
        fields.insert("at".into(), json!(Hour::of(s.witnessed)));
    }
    value
}

fn code(list: Option<&Vec<CodeEntry>>, code: &CodeText) -> Value {
    match list.into_iter().flatten().find(|e| e.code == *code) {
        Some(e) => json!({"code": e.code, "id": e.id, "en": e.en}),
        None => json!({"code": code}),
    }
}
