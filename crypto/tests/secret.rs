//! Secrets: wiped on drop, redacted, compared in constant time (`make timing` measures that), none of them `Copy`.

mod council;

use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;

use chacha20poly1305::ChaCha20Poly1305;
use council::{manifest, officials, sealed, seeded, town};
use sha2::{Sha256, Sha512};
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::hpke::schedule::Context;
use tabir_crypto::json;
use tabir_crypto::receipt::{Receipt, ReceiptKeys};
use tabir_crypto::threshold::dkg::{Ceremony, Round1, Round2};
use tabir_crypto::threshold::reshare::Dealing;
use tabir_crypto::threshold::{DhOutput, Opened, Share, VerifiedPartial, combine, make, open, verify};
use tabir_crypto::token::{IssuerKey, PendingToken};
use tabir_crypto::{Secret, SecretBytes, SecretVec};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Says when it is wiped.
struct Seen(Rc<Cell<u32>>);

impl Zeroize for Seen {
    fn zeroize(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped_and_not_before() {
    let wiped = Rc::new(Cell::new(0));
    let secret = Secret::new(Seen(wiped.clone()));
    let moved = Box::new(secret);
    assert_eq!(wiped.get(), 0);
    drop(moved);
    assert_eq!(wiped.get(), 1);
}

#[test]
fn what_a_secret_holds_is_zero_after_wiping() {
    let mut secret = Secret::new([7_u8; 32]);
    secret.zeroize();
    assert_eq!(*secret.expose(), [0; 32]);
}

/// Does not compile where a type has no `ZeroizeOnDrop`, as when a feature of its crate gets lost.
const fn wiped_on_drop<T: ZeroizeOnDrop>() {}

/// Secrets of this crate, and what libraries keep while they compute with one.
#[test]
fn types_that_hold_secrets_wipe_themselves() {
    wiped_on_drop::<SecretBytes<32>>();
    wiped_on_drop::<SecretVec>();
    wiped_on_drop::<Secret<String>>();
    wiped_on_drop::<Secret<curve25519_dalek::Scalar>>();
    wiped_on_drop::<Secret<curve25519_dalek::EdwardsPoint>>();
    wiped_on_drop::<ed25519_dalek::SigningKey>();
    wiped_on_drop::<frost_ed25519::keys::dkg::round1::SecretPackage>();
    wiped_on_drop::<frost_ed25519::keys::dkg::round2::SecretPackage>();
    // HMAC and HKDF have no mark of their own: they hold states and a buffer of these.
    wiped_on_drop::<Sha256>();
    wiped_on_drop::<Sha512>();
    wiped_on_drop::<ChaCha20Poly1305>();
}

/// Does not compile for a type that is `Copy`: both impls fit it, and none can be chosen.
macro_rules! not_copy {
    ($($type:ty),* $(,)?) => {$({
        trait Either<A> {
            fn chosen() {}
        }
        impl<T: ?Sized> Either<()> for T {}
        #[allow(dead_code)]
        struct Copied;
        impl<T: ?Sized + Copy> Either<Copied> for T {}
        <$type as Either<_>>::chosen();
    })*};
}

#[test]
fn no_secret_is_copied_silently() {
    not_copy!(
        SecretBytes<32>,
        SecretVec,
        Secret<curve25519_dalek::Scalar>,
        Secret<curve25519_dalek::EdwardsPoint>,
        SigningKey,
        KemSecretKey,
        Context,
        Receipt,
        ReceiptKeys,
        Share,
        Round1,
        Round2,
        Dealing,
        VerifiedPartial,
        DhOutput,
        Opened,
        PendingToken,
        IssuerKey,
    );
}

#[test]
fn secrets_compare_by_every_byte() {
    let secret = SecretBytes::new([7; 32]);
    assert_eq!(secret, secret.clone());
    for at in 0..32 {
        for bit in 0..8 {
            let mut other = [7; 32];
            other[at] ^= 1 << bit;
            assert_ne!(secret, SecretBytes::new(other));
        }
    }
    assert_ne!(SecretVec::new(vec![7; 32]), SecretVec::new(vec![7; 33]));
    assert_ne!(SecretVec::new(vec![7; 32]), SecretVec::new(vec![7; 31]));
}

/// Redacted, and its bytes are nowhere in either form that a byte is printed in.
#[track_caller]
fn is_redacted(shown: &dyn Debug, secret: &[u8]) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        let list = format!("{secret:?}");
        assert!(text.contains("<redacted>"), "{text}");
        assert!(!text.contains(&hex::encode(secret)) && !text.contains(list.trim_matches(['[', ']'])), "{text}");
    }
}

#[test]
fn secrets_print_redacted() {
    let mut rng = seeded(1);
    let seed = SecretBytes::<32>::random(&mut rng);
    is_redacted(&seed, seed.expose());
    is_redacted(&SecretVec::new(seed.expose().to_vec()), seed.expose());
    is_redacted(&SigningKey::from_seed(&seed), seed.expose());
    is_redacted(&KemSecretKey::from_seed(seed.clone()), seed.expose());
    is_redacted(&DhOutput::from_bytes(seed.clone()), seed.expose());
    let receipt = Receipt::generate(&mut rng);
    is_redacted(&receipt, receipt.secret().expose());
    is_redacted(&receipt.text(), receipt.text().expose().as_bytes());
    let keys = receipt.keys();
    for key in [&keys.access, &keys.r, &keys.nf, &keys.notice_key, keys.mailbox.seed()] {
        is_redacted(&keys, key.expose());
    }
    let context = Context::new(&seed, &[1; 32], &[2; 32], b"info").unwrap();
    is_redacted(&context, context.export::<32>(b"x").unwrap().expose());
}

#[test]
fn secrets_of_a_ceremony_and_an_opening_print_redacted() {
    let (town, mut rng) = (town(2, 3, 1), seeded(2));
    let share = town.share(1).to_bytes();
    is_redacted(town.share(1), &share.expose()[2..]);
    let sealed = sealed(&town, 1, "a name");
    let context = sealed.context(&town);
    let partial = make(&context, town.share(1), &mut rng).unwrap();
    is_redacted(&partial, &partial.expose()[99..131]);
    is_redacted(&verify(&context, partial.expose()).unwrap(), &partial.expose()[99..131]);
    let opened =
        open(town.council.key(), &sealed.inner, &combine(&context, &town.partials(&context, &[1, 2])).unwrap());
    let opened = opened.unwrap();
    is_redacted(&opened, opened.salt.expose());
    is_redacted(&opened, &opened.record.expose()[..16]);

    let who = officials(2, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(2, 2, &who, &mut rng)).unwrap()).unwrap();
    let [one, two] = [1, 2].map(|i| Round1::start(&ceremony, i, &mut rng).unwrap());
    let public = [one.message(), two.message()].concat();
    let messages = [(1, one.message().to_vec()), (2, two.message().to_vec())].into();
    prints_what_is_public_only(&one, &one.to_bytes().unwrap(), &public);
    let (one, shares) = one.next(messages).unwrap();
    prints_what_is_public_only(&one, &one.to_bytes().unwrap(), &public);
    is_redacted(&shares, shares[&2].expose());
}

/// No 32 bytes of a stored state are printed that do not stand in a message. The indices, mostly zeros, don't count.
#[track_caller]
fn prints_what_is_public_only(shown: &dyn Debug, state: &SecretVec, public: &[u8]) {
    let mut secrets = 0;
    for part in state.expose().windows(32) {
        let index = part.iter().filter(|byte| **byte == 0).count() > 8;
        if !index && !public.windows(32).any(|w| w == part) {
            is_redacted(shown, part);
            secrets += 1;
        }
    }
    assert!(secrets > 0);
}
