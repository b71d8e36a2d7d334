//! Part of `statements.json`: whole envelopes that must be refused, and one that must not.

use serde_json::{Value, json};
use tabir_crypto::codec::b64;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::{Code, SecretBytes};

use crate::kit::{h, reject_as, text};
use crate::statements::signers;

fn made(verb: Verb, payload: &str, keys: &[SigningKey]) -> String {
    let mut s = Statement::from_payload(verb, payload.into()).unwrap();
    keys.iter().for_each(|k| s.sign(k));
    String::from_utf8(s.to_bytes()).unwrap()
}

/// A payload's own spaces and order of fields are the signer's.
pub fn accepted() -> Value {
    let payload = format!(
        "{{ \"nonce\" : \"{0}\",\n\"request_hash\":\"{0}\",\"at\":\"2027-01-15T08:00:00Z\",\"v\":1}}",
        "07".repeat(32)
    );
    let [one, _] = signers();
    let envelope = made(Verb::UnsealNotice, &payload, std::slice::from_ref(&one));
    Statement::parse(envelope.as_bytes()).unwrap().verify(&[one.verifying_key()]).unwrap();
    json!({"envelope": envelope, "keys": [h(one.verifying_key().as_bytes())]})
}

/// Envelopes as they stand.
pub fn envelopes(all: &[(Verb, Value)]) -> Vec<Value> {
    let payload = all.iter().find(|(v, _)| *v == Verb::UnsealNotice).unwrap().1.as_str().unwrap();
    let [one, two] = signers();
    let known = [one.verifying_key(), two.verifying_key()];
    let good = made(Verb::UnsealNotice, payload, &signers());
    let single = made(Verb::UnsealNotice, payload, std::slice::from_ref(&one));
    let check = |bytes: &str| Statement::parse(bytes.as_bytes())?.verify(&known).map(drop);
    check(&good).unwrap();
    let stranger = SigningKey::from_seed(&SecretBytes::new([7; 32]));
    let sig_at = single.rfind("\"sig\":\"").unwrap() + 7;
    let sig = &single[sig_at..sig_at + 88];
    let hostile = [
        (Code::UnknownKey, "by a stranger", made(Verb::UnsealNotice, payload, &[stranger])),
        (
            Code::Signature,
            "the signature of another payload",
            single.replacen(&b64(payload.as_bytes()), &b64(payload.replacen(":1", ": 1", 1).as_bytes()), 1),
        ),
        (
            Code::Signature,
            "signed under another verb of the same schema",
            made(
                Verb::UnsealDeclined,
                all.iter().find(|(v, _)| *v == Verb::UnsealDeclined).unwrap().1.as_str().unwrap(),
                std::slice::from_ref(&one),
            )
            .replacen("declined", "failed", 1),
        ),
        (Code::Scalar, "S that is not below q", single.replacen(sig, &b64(&[0xff; 64]), 1)),
        (Code::Size, "a signature of 63 bytes", single.replacen(sig, &b64(&[7; 63]), 1)),
        (Code::Base64, "a signature in base64url", single.replacen(sig, &sig.replace(['+', '/'], "_"), 1)),
        (Code::SignatureOrder, "a key id in capitals", single.replacen("\"keyid\":\"", "\"keyid\":\"A", 1)),
        (Code::Verb, "a verb that nobody signs", single.replacen("unseal.notice", "unseal.expired", 1)),
        (Code::Verb, "another payload type", single.replacen("+json", "+cbor", 1)),
        (Code::UnknownField, "a field more", single.replacen("{\"payload\"", "{\"a\":1,\"payload\"", 1)),
        (Code::MissingField, "no payload", "{\"payloadType\":\"a\",\"signatures\":[]}".to_owned()),
        (Code::RepeatedField, "a field twice", single.replacen("{\"payload\"", "{\"payload\":\"\",\"payload\"", 1)),
        (Code::NonCanonical, "an escaped letter", single.replacen("\"payload\"", "\"payloa\\u0064\"", 1)),
        (Code::NonCanonical, "a space", single.replacen(':', ": ", 1)),
        (Code::Trailing, "a second value", format!("{single}{single}")),
        (Code::Json, "cut", single[..single.len() - 1].to_owned()),
        (Code::Json, "a byte order mark", format!("\u{feff}{single}")),
        (Code::TooLong, "a byte above the limit", format!("{single}{}", " ".repeat(65_536 - single.len()))),
    ];
    let keys: Vec<Value> = known.iter().map(|k| h(k.as_bytes())).collect();
    hostile
        .into_iter()
        .map(|(code, rule, bytes)| {
            let input = if code == Code::TooLong {
                json!({"envelope": single, "pad_to": 65_536, "keys": keys})
            } else {
                json!({"envelope": text(&bytes), "keys": keys})
            };
            reject_as(code, "envelope", rule, input, check(&bytes))
        })
        .collect()
}
