//! What goes by other ways than the log: a warden key's backup, and a complaint system's countersignature.

use std::sync::LazyLock;

use tabir_crypto::codec::sha256;
use tabir_crypto::custody::{Backup, HolderCard, MAX_HOLDERS};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::log::NoteSigner;
use tabir_crypto::{SecretBytes, countersign, json};

use super::json::one_form;
use super::{council, edited, edits, kind};

pub mod backup {
    use super::*;

    fn auditor(n: u8) -> SigningKey {
        SigningKey::from_seed(&SecretBytes::new([n; 32]))
    }

    fn kem(n: u8) -> KemSecretKey {
        KemSecretKey::from_seed(SecretBytes::new(sha256(&[n])))
    }

    fn card(n: u8) -> HolderCard {
        HolderCard::new(&auditor(n), &kem(n).public_key())
    }

    /// Of key 9, two of three.
    static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let backup = Backup::split(&kem(9), &[1, 2, 3].map(card), 2, &mut council::seeded(7)).unwrap();
        json::to_vec(&backup).unwrap()
    });

    /// Brings a key back from a backup, if it does, with the parts of holders 1 and 2.
    fn back(backup: &Backup) -> Option<KemSecretKey> {
        let part = |n| backup.open(&auditor(n).verifying_key(), &kem(n)).ok();
        backup.combine(&[part(1)?, part(2)?]).ok()
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        match kind % 3 {
            // A changed backup brings back the key that it was made of, or none.
            0 => {
                let changed = edited(&SOUND, data);
                let Some(backup) = one_form::<Backup>(&changed) else { return false };
                let Some(key) = back(&backup) else { return false };
                assert_eq!(key.seed().expose(), kem(9).seed().expose());
                true
            }
            1 => {
                let Some(backup) = one_form::<Backup>(data) else { return false };
                assert!(back(&backup).is_none() || backup.parts.len() <= MAX_HOLDERS);
                true
            }
            _ => {
                let Some(card) = one_form::<HolderCard>(data) else { return false };
                let Ok((auditor, key)) = card.check() else { return false };
                assert_eq!((auditor.as_bytes(), key.as_bytes()), (&card.auditor.0, card.kem_pk.0.as_slice()));
                true
            }
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds: Vec<_> = edits(&[5, 20, 100, 200, 900]).into_iter().map(|e| kind(0, e)).collect();
        seeds.push(kind(1, &*SOUND));
        seeds.push(kind(2, json::to_vec(&card(1)).unwrap()));
        seeds
    }
}

pub mod countersigned {
    use super::*;

    const ORIGIN: &str = "lapor.test";
    const REFERENCE: &str = "ABCD-EFGH-JKLM";

    static SOUND: LazyLock<String> = LazyLock::new(|| countersign::sign(&signer(), ORIGIN, REFERENCE).unwrap());

    fn signer() -> NoteSigner {
        NoteSigner::from_seed("system.test", &SecretBytes::new([5; 32])).unwrap()
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        let changed = if kind % 2 == 0 { edited(SOUND.as_bytes(), data) } else { data.to_vec() };
        let Ok(text) = core::str::from_utf8(&changed) else { return false };
        let Ok(note) = countersign::parse(text, ORIGIN, REFERENCE) else { return false };
        assert!(countersign::parse(text, ORIGIN, "ABCD-EFGH-JKLN").is_err(), "one case's note is no other's");
        // A note may carry other signatures beside ours, which is there as it was made or not at all.
        let ours = SOUND.lines().last().unwrap();
        let there = note.to_string().lines().any(|line| line == ours);
        assert_eq!(countersign::check(text, ORIGIN, REFERENCE, signer().verifier_key()).is_ok(), there);
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds: Vec<_> = edits(&[3, 30, 50, 90]).into_iter().map(|e| kind(0, e)).collect();
        seeds.push(kind(1, &*SOUND));
        seeds
    }
}
