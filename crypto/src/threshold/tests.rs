//! The vectors that fix the nonce of a partial's proof. What everybody can call is tested in `tests/threshold.rs`.

use serde_json::Value;

use super::partial::make_with;
use super::{Council, OpeningContext, Share};
use crate::codec::unhex;
use crate::envelope::{Inner, Label};
use crate::point::scalar;
use crate::statement::body::{CouncilFormed, Member};
use crate::statement::value::{Bytes, Hex, Hour, V1};

fn b(v: &Value) -> [u8; 32] {
    unhex(v.as_str().unwrap()).unwrap()
}

fn bytes(v: &Value) -> Vec<u8> {
    hex::decode(v.as_str().unwrap()).unwrap()
}

fn council(formats: &Value) -> Council {
    let v = &formats["council_id"][0]["in"];
    let member = |(m, index): (&Value, u16)| Member {
        index,
        yi: Hex(b(&m["Yi"])),
        ed_vk: Hex(b(&m["ed_vk"])),
        kem_pk: Bytes(bytes(&m["kem_pk"])),
    };
    let members: Vec<Member> = v["members"].as_array().unwrap().iter().zip(1..).map(member).collect();
    let body = CouncilFormed {
        v: V1,
        at: Hour::of(0),
        ceremony_id: Hex(b(&formats["lineage"][0]["in"]["ceremony_id"])),
        lineage: Hex(b(&v["lineage"])),
        epoch: 1,
        t: 2,
        n: 3,
        y: Hex(b(&v["Y"])),
        members,
        transcript: Hex([0; 32]),
        reshare_id: None,
    };
    Council::from_body(&body).unwrap()
}

#[test]
fn makes_the_partials_of_the_vectors() {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors/tabir-v1.json")).unwrap();
    let council = council(&all["formats"]);
    let v = &all["formats"]["opening"][0];
    let given = &v["in"];
    let inner = Inner::parse(&bytes(&given["inner"])).unwrap();
    let inner = inner.verify(&Label::from_bytes(b(&given["label"]))).unwrap();
    let context = OpeningContext {
        council: &council,
        case_id: b(&given["case_id"]),
        envelope_hash: b(&given["envelope_hash"]),
        inner: &inner,
        request_hash: b(&given["request_hash"]),
        checkpoint_hash: b(&given["checkpoint_hash"]),
        recipients: b(&given["recipients"]),
    };
    for (i, key) in given["partial_keys"].as_array().unwrap().iter().enumerate() {
        let index = u16::try_from(key["index"].as_u64().unwrap()).unwrap();
        let share = Share::new(index, &bytes(&key["share"])).unwrap();
        let partial = make_with(&context, &share, |_| scalar(&bytes(&key["k"])).unwrap()).unwrap();
        assert_eq!(hex::encode(partial.expose()), v["out"]["partials"][i]);
    }
}
