//! The vectors that fix the sender's randomness. What everybody can call is tested in `tests/envelope.rs`.

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;

use super::inner::Inner;
use super::outer::wrap;
use super::{Label, SealParams};
use crate::codec::{fixed, unhex};
use crate::ed25519::SigningKey;
use crate::hpke::KemSecretKey;
use crate::point::{Point, scalar};
use crate::secret::Secret;
use crate::threshold::CouncilKey;

fn vector(format: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors/tabir-v1.json")).unwrap();
    all["formats"][format][0].clone()
}

fn b<const N: usize>(v: &Value) -> [u8; N] {
    unhex(v.as_str().unwrap()).unwrap()
}

fn bytes(v: &Value) -> Vec<u8> {
    hex::decode(v.as_str().unwrap()).unwrap()
}

fn council_key() -> CouncilKey {
    let v = vector("lineage");
    CouncilKey::new(Point::decompress(&bytes(&v["in"]["Y"])).unwrap(), &b(&v["in"]["ceremony_id"]))
}

/// The given bytes once, and no more.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("nobody here asks for integers")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("nobody here asks for integers")
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.copy_from_slice(&self.0.drain(..to.len()).collect::<Vec<_>>());
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[test]
fn seals_the_inner_envelope_of_the_vectors() {
    let v = vector("inner");
    let (given, expected) = (&v["in"], &v["out"]);
    let label = Label::from_bytes(b(&given["label"]));
    let (record, ephemeral) = (Secret::new(b(&given["record"])), Secret::new(b(&expected["sk_e"])));
    let mut e = String::new();
    let inner = Inner::seal_with(&council_key(), &label, &record, &ephemeral, |_, scalar_e| {
        e = hex::encode(scalar_e.as_bytes());
        scalar(&bytes(&given["k"])).unwrap()
    })
    .unwrap();
    assert_eq!(e, expected["e"]);
    assert_eq!(hex::encode(inner.to_bytes()), expected["inner"]);
    assert_eq!(hex::encode(inner.hash()), expected["inner_hash"]);
}

#[test]
fn wraps_the_outer_envelope_of_the_vectors() {
    let v = vector("outer");
    let (given, expected) = (&v["in"], &v["out"]);
    let council = council_key();
    let warden = KemSecretKey::from_seed(Secret::new(b(&given["warden_seed"])));
    let params = SealParams {
        council: &council,
        warden_key: &warden.public_key(),
        case_key: &SigningKey::from_seed(&Secret::new(b(&given["case_seed"]))),
        access_hash: b(&given["access_hash"]),
        content_hash: [0; 32],
        notice_hash: [0; 32],
    };
    let inner = Inner::parse(&bytes(&given["inner"])).unwrap();
    let mut rng = Given(fixed::<64>(&bytes(&given["ekm"])).unwrap().to_vec());
    let sealed = wrap(&params, &Label::from_bytes(b(&given["label"])), inner, &mut rng).unwrap();
    assert_eq!(hex::encode(&sealed.bytes), expected["outer"]);
    assert_eq!(hex::encode(sealed.hash), expected["envelope_hash"]);
}
