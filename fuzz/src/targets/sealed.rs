//! The sealed identity, layer by layer, and X-Wing messages. Nothing but what was made opens, verifies or is taken.

use std::sync::LazyLock;

use tabir_crypto::envelope::{INNER_LEN, Inner, Label, OUTER_LEN, Outer};
use tabir_crypto::hpke::{KemPublicKey, KemSecretKey, Use, uses};
use tabir_crypto::json;
use tabir_crypto::threshold::{PARTIAL_LEN, verify};

use super::{council, edited, edits, hostile, kind, vector};

/// A town with one sealed identity, and a partial of its first official.
struct Made {
    town: council::Town,
    sealed: council::Sealed,
    outer: Vec<u8>,
    handout: Vec<u8>,
    partial: Vec<u8>,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let town = council::town(2, 3, 11);
    let sealed = council::sealed(&town, 12, "{}");
    let outer = sealed.case.seal(&town, &council::record("{}"), &mut council::seeded(13)).bytes;
    let opened = sealed.outer.open(&town.warden, &sealed.case.binding(&town)).unwrap();
    let handout = opened.handout([14; 32]).to_bytes().expose().clone();
    let partial = town.partials(&sealed.context(&town), &[1]).remove(0);
    Made { town, sealed, outer, handout, partial }
});

pub mod hpke {
    use super::*;

    const PLACE: Use = Use::Mailbox { case_id: [3; 32], seq: 4 };

    static KEY: LazyLock<(KemSecretKey, Vec<u8>)> = LazyLock::new(|| {
        let mut rng = council::seeded(15);
        let key = KemSecretKey::generate(&mut rng);
        let wire = uses::seal(&key.public_key(), &PLACE, b"a message", &mut rng).unwrap();
        (key, wire)
    });

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let (key, wire) = &*KEY;
        match kind % 3 {
            0 => uses::open(key, &PLACE, data).is_ok_and(|_| data == wire || panic!("a forged message")),
            1 => {
                let changed = edited(wire, data);
                let taken = uses::open(key, &PLACE, &changed).is_ok();
                assert_eq!(taken, changed == *wire);
                taken
            }
            // Whatever key is taken has one form and can be sealed to.
            _ => {
                let changed = edited(key.public_key().as_bytes(), data);
                let Ok(read) = KemPublicKey::from_bytes(&changed) else { return false };
                assert_eq!(read.as_bytes(), changed);
                let again: KemPublicKey = json::from_slice(&json::to_vec(&read).unwrap()).unwrap();
                assert!(again == read);
                assert!(uses::seal(&read, &PLACE, b"x", &mut council::seeded(16)).is_ok());
                true
            }
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &KEY.1), kind(0, &KEY.1[..1_136])];
        seeds.extend(edits(&[0, 1_087, 1_088, 1_119, 1_120, 1_144]).into_iter().map(|e| kind(1, e)));
        seeds.extend(edits(&[0, 1_183, 1_184, 1_215]).into_iter().map(|e| kind(2, e)));
        seeds.push(kind(2, [0, 0, 255, 0, 1, 255, 0, 2, 255]));
        seeds
    }
}

pub mod inner {
    use super::*;

    static KNOWN: LazyLock<(Vec<u8>, Label)> = LazyLock::new(|| {
        let (given, out) = vector("inner");
        (council::bytes(&out["inner"]), Label::from_bytes(council::b32(&given["label"])))
    });

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let (known, label) = &*KNOWN;
        let bytes = if kind % 2 == 0 { data.to_vec() } else { edited(known, data) };
        let read = Inner::parse(&bytes);
        assert_eq!(read.is_ok(), bytes.len() == INNER_LEN);
        let Ok(read) = read else { return false };
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(read.hash(), tabir_crypto::codec::sha256(&bytes));
        let verified = read.verify(label);
        assert_eq!(verified.is_ok(), bytes == *known, "a sender proof that nobody made");
        verified.is_ok()
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &KNOWN.0), kind(0, &KNOWN.0[1..])];
        seeds.extend(edits(&[0, 31, 32, 64, 95, 96, 127, 128, 159, 160, 1_199]).into_iter().map(|e| kind(1, e)));
        seeds.extend(hostile("sender", "inner").into_iter().take(3).map(|t| kind(0, hex::decode(t).unwrap())));
        seeds
    }
}

pub mod outer {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let Made { town, sealed, outer: made, .. } = &*MADE;
        let bytes = if kind % 2 == 0 { data.to_vec() } else { edited(made, data) };
        let Ok(read) = Outer::parse(&bytes) else { return false };
        assert!(bytes.len() == OUTER_LEN && bytes[..2] == [1, 1]);
        assert_eq!(read.hash(), tabir_crypto::codec::sha256(&bytes));
        assert_eq!([*read.warden_key_id(), *read.lineage()].concat(), bytes[2..66]);
        let opened = read.open(&town.warden, &sealed.case.binding(town));
        assert_eq!(opened.is_ok(), bytes == *made, "an envelope that nobody sealed");
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &MADE.outer), kind(0, &MADE.outer[1..])];
        seeds.extend(edits(&[0, 1, 2, 34, 66, 1_185, 1_186, 2_497]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}

pub mod handout {
    use tabir_crypto::envelope::Handout;

    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let Made { town, sealed, handout: made, .. } = &*MADE;
        let bytes = if kind % 2 == 0 { data.to_vec() } else { edited(made, data) };
        let Ok(read) = Handout::parse(&bytes) else { return false };
        assert_eq!(*read.to_bytes().expose(), bytes);
        let checked = read.check(&town.warden.public_key().key_id(), &sealed.case.binding(town));
        // The salt is the warden's; the log has the hash of salt and inner envelope.
        assert_eq!(checked.is_ok(), bytes[32..] == made[32..], "a hand-out that the reporter did not sign");
        let same = read.inner_commit() == Handout::parse(made).unwrap().inner_commit();
        assert_eq!(same, bytes[..32 + INNER_LEN] == made[..32 + INNER_LEN]);
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &MADE.handout), kind(0, &MADE.handout[1..])];
        seeds.extend(edits(&[0, 32, 1_232, 1_264, 1_327]).into_iter().map(|e| kind(1, e)));
        seeds
    }
}

pub mod partial {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let Made { town, sealed, partial: made, .. } = &*MADE;
        let bytes = if kind % 2 == 0 { data.to_vec() } else { edited(made, data) };
        let verified = verify(&sealed.context(town), &bytes);
        assert_eq!(verified.is_ok(), bytes == *made, "a partial that nobody made");
        assert!(verified.is_err() || bytes.len() == PARTIAL_LEN);
        verified.is_ok()
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![kind(0, &MADE.partial), kind(0, &MADE.partial[1..])];
        seeds.extend(edits(&[0, 1, 33, 65, 97, 98, 99, 131, 162, 163, 194]).into_iter().map(|e| kind(1, e)));
        seeds.extend(hostile("partial", "partial").into_iter().take(3).map(|t| kind(0, hex::decode(t).unwrap())));
        seeds
    }
}
