//! Points, scalars and Ed25519, against what curve25519-dalek says by itself.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::codec::fixed;
use tabir_crypto::ed25519::{SigningKey, VerifyingKey};
use tabir_crypto::point::Point;
use tabir_crypto::threshold::Share;

use super::{council, edited, edits, hostile, kind, vector, vectors};

/// What these bytes encode, in the one encoding.
fn decoded(bytes: &[u8]) -> Option<EdwardsPoint> {
    let bytes: [u8; 32] = fixed(bytes).ok()?;
    let p = CompressedEdwardsY(bytes).decompress()?;
    (p.compress().0 == bytes).then_some(p)
}

pub mod point {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        match kind % 4 {
            0 => lift(data),
            1 => {
                let sound = decoded(data).filter(|p| p.is_torsion_free() && !p.is_small_order());
                let read = Point::decompress(data);
                assert_eq!(read.is_ok(), sound.is_some());
                read.is_ok_and(|p| p.compress() == data || panic!("another encoding"))
            }
            2 => {
                let s = data.get(2..).and_then(|s| fixed::<32>(s).ok());
                let sound = s.is_some_and(|s| Scalar::from_canonical_bytes(s).is_some().into());
                let read = Share::from_bytes(data);
                assert_eq!(read.is_ok(), sound);
                read.is_ok_and(|share| share.to_bytes().expose() == data || panic!("another encoding"))
            }
            _ => {
                let sound = decoded(data).is_some_and(|p| !p.is_small_order());
                let read = VerifyingKey::from_bytes(data);
                assert_eq!(read.is_ok(), sound);
                read.is_ok_and(|key| key.as_bytes() == data || panic!("another encoding"))
            }
        }
    }

    fn lift(u: &[u8]) -> bool {
        match (Point::lift(u), fixed::<32>(u)) {
            (Ok(p), _) => {
                assert_eq!(p.to_u(), u);
                assert_eq!(p.compress()[31] >> 7, 0, "the sign bit is 0, always");
                assert_eq!(Point::decompress(&p.compress()).unwrap(), p);
                true
            }
            (Err(_), Ok(u)) => {
                // Refused: another encoding of u, or no point of the subgroup behind it.
                let p = MontgomeryPoint(u).to_edwards(0);
                assert!(!p.is_some_and(|p| p.is_torsion_free() && !p.is_small_order() && p.to_montgomery().0 == u));
                false
            }
            _ => false,
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let hex = |t: &str| hex::decode(t).unwrap();
        let lifts = vectors()["formats"]["lift"].as_array().unwrap().iter();
        let mut seeds: Vec<_> = lifts.flat_map(|v| [&v["in"]["u"], &v["out"]["point"]]).map(council::bytes).collect();
        seeds.extend(hostile("lift", "u").into_iter().chain(hostile("point", "p")).map(hex));
        let mut all: Vec<_> = (0..4).flat_map(|k| seeds.iter().map(move |s| kind(k, s))).collect();
        all.extend(hostile("scalar", "s").into_iter().map(|s| kind(2, [[0, 1].as_slice(), &hex(s)].concat())));
        all.push(kind(2, [[0; 33].as_slice(), &[1]].concat()));
        all
    }
}

pub mod signature {
    use super::*;

    const MESSAGE: &[u8] = b"message";

    fn key() -> SigningKey {
        SigningKey::from_seed(&tabir_crypto::SecretBytes::new([5; 32]))
    }

    /// Any bytes by any key must not panic; a change of a sound signature or message must not pass.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        if kind % 2 == 0 {
            let Some((key, rest)) = data.split_at_checked(32) else { return false };
            let (signature, message) = rest.split_at_checked(64).unwrap_or((rest, b""));
            return VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify(message, signature).is_ok());
        }
        let sound = [key().sign(MESSAGE).as_slice(), MESSAGE].concat();
        let changed = edited(&sound, data);
        let (signature, message) = changed.split_at(64);
        let taken = key().verifying_key().verify(message, signature).is_ok();
        assert_eq!(taken, changed == sound);
        taken
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let (given, out) = vector("ed25519");
        let sound = [council::bytes(&out["pk"]), council::bytes(&out["sig"]), council::bytes(&given["msg"])].concat();
        let mut seeds = vec![kind(0, sound)];
        let rejects = council::rejects("ed25519").into_iter();
        seeds.extend(rejects.map(|(_, _, r)| kind(0, ["pk", "sig", "msg"].map(|f| council::bytes(&r[f])).concat())));
        seeds.extend(edits(&[0, 31, 32, 63, 64]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}
