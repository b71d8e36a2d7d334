//! Reporters who seal garbage: their case key signs it, their sender proof holds, so it comes out after the release only,
//! and ends in `failed` with its code by t approvers.

use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use sha2::{Digest as _, Sha512};
use tabir::client::official::open::Outcome;
use tabir::clock::Random;
use tabir_crypto::Secret;
use tabir_crypto::codec::{B32, Transcript, sha256};
use tabir_crypto::envelope::{CaseBinding, Label};
use tabir_crypto::hpke::KemPublicKey;
use tabir_crypto::hpke::schedule::Context;
use tabir_crypto::hpke::xwing::seal_with;
use tabir_crypto::point::g2;
use tabir_crypto::receipt::accept_body;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::value::{Bytes, Hour};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::submission::{Commitment, Submission};
use tabir_crypto::{SecretBytes, json};

use crate::opening::{help, look};
use crate::world::World;

/// What is wrong with it.
#[derive(Clone, Copy)]
enum Garbage {
    Commitment,
    Aead,
    Record,
}

fn put(hash: Sha512, label: &str, data: &[u8]) -> Sha512 {
    let lengths = (u32::try_from(label.len()).unwrap(), u64::try_from(data.len()).unwrap());
    let hash = hash.chain_update(lengths.0.to_be_bytes()).chain_update(label);
    hash.chain_update(lengths.1.to_be_bytes()).chain_update(data)
}

/// An inner envelope of somebody who knows its ephemeral scalar, and seals garbage with it.
fn inner(u: &B32, label: &Label, garbage: Garbage) -> Vec<u8> {
    let seed = *SecretBytes::<32>::random(&mut Random).expose();
    let scalar = Scalar::from_bytes_mod_order(clamp_integer(seed));
    let negative = EdwardsPoint::mul_base(&scalar).compress().0[31] >> 7 == 1;
    let e = if negative { -scalar } else { scalar };
    let point = EdwardsPoint::mul_base(&e);
    let enc = point.to_montgomery().to_bytes();
    let dh = SecretBytes::new(MontgomeryPoint(*u).mul_clamped(seed).to_bytes());
    let context = Context::new(&dh, &enc, u, b"tabir/v1/inner").unwrap();
    let mut commitment = *context.export::<32>(b"tabir/v1/key-commitment").unwrap().expose();
    // A length of 65,535 in the record, where 1,022 are the most.
    let record = if matches!(garbage, Garbage::Record) { [0xff; 1024] } else { [0; 1024] };
    let mut ct = context.seal(label.as_bytes(), &record).unwrap();
    match garbage {
        Garbage::Commitment => commitment[0] ^= 1,
        Garbage::Aead => ct[0] ^= 1,
        Garbage::Record => {}
    }
    let second = curve25519_dalek::edwards::CompressedEdwardsY(g2().compress()).decompress().unwrap();
    let k = Scalar::from_bytes_mod_order(*SecretBytes::<32>::random(&mut Random).expose());
    let encoded = |p: EdwardsPoint| p.compress().0.to_vec();
    let fields = [
        ("dst", b"tabir/v1/sender".to_vec()),
        ("label", label.as_bytes().to_vec()),
        ("enc", enc.to_vec()),
        ("commit", commitment.to_vec()),
        ("ct", ct.clone()),
        ("E", encoded(point)),
        ("Ebar", encoded(second * e)),
        ("W", encoded(EdwardsPoint::mul_base(&k))),
        ("Wbar", encoded(second * k)),
    ];
    let hash = fields.iter().fold(Sha512::new(), |hash, (label, data)| put(hash, label, data));
    let c = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let proof = [encoded(second * e), c.to_bytes().to_vec(), (k + c * e).to_bytes().to_vec()].concat();
    [enc.to_vec(), commitment.to_vec(), proof, ct].concat()
}

/// A report of which all is right but what is in the inner envelope. Gives its reference.
async fn report(world: &World, garbage: Garbage) -> String {
    let session = world.session().await;
    let sealed = world.sealed(&session, None);
    let submission: Submission = json::from_slice(&sealed.body).unwrap();
    let keys = sealed.receipt.keys();
    let council = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let warden = KemPublicKey::from_bytes(&session.key(KeyKind::Warden).unwrap()).unwrap();
    let content_hash = tabir_crypto::content::content_hash(&submission.content.0).unwrap();
    let binding = CaseBinding {
        lineage: *council.lineage(),
        case_id: keys.case_id(),
        access_hash: keys.access_hash(),
        content_hash,
        notice_hash: keys.notice_hash(),
    };
    let label = binding.label(&warden.key_id());
    let inner = inner(&council.key().u(), &label, garbage);
    let message =
        Transcript::new("tabir/v1/inner-sig").put("label", label.as_bytes()).put("inner_hash", &sha256(&inner));
    let signature = keys.case_key.sign(&message.hash());
    let plaintext = Secret::new([inner.as_slice(), keys.case_vk().as_bytes(), &signature].concat());
    let header = [[1, 1].as_slice(), &warden.key_id(), council.lineage()].concat();
    let aad = [header.as_slice(), label.as_bytes()].concat();
    let outer = seal_with(&warden, "tabir/v1/outer", &aad, plaintext.expose(), &mut Random).unwrap();
    let envelope = [header, outer].concat();
    let envelope_hash = sha256(&envelope);
    let commitment = Commitment {
        case_id: keys.case_id(),
        content_hash,
        envelope_hash,
        mailbox_pk: keys.mailbox_pk(),
        a: keys.a(),
        b: accept_body(keys.r.expose(), &content_hash, &envelope_hash),
        nf: *keys.nf.expose(),
        notice_hash: keys.notice_hash(),
    };
    let body = commitment.to_sign(Hour::of(world.now()));
    let statement = Statement::signed(Verb::CaseSubmit, &body, &keys.case_key).unwrap();
    let submission = Submission { envelope: Bytes(envelope), statement, ..submission };
    world.submit(&session, json::to_vec(&submission).unwrap()).await;
    tabir_crypto::receipt::reference(&keys.case_id())
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_that_a_reporter_sealed_ends_in_failed_with_its_code_by_t_approvers() {
    let world = World::start().await;
    for (garbage, code) in [(Garbage::Commitment, "commitment"), (Garbage::Aead, "aead"), (Garbage::Record, "record")] {
        let case = report(&world, garbage).await;
        let hash = world.released(&case, &[1, 3]).await;
        for n in [1, 3] {
            help(&world, n, &hash, &case).await.unwrap();
        }
        world.until(&hash, "partials", |r| r.partials.len() == 2).await;
        for (n, complete) in [(1, false), (3, true)] {
            let opening = look(&world, n, &hash).await.unwrap();
            assert!(matches!(opening.outcome, Outcome::Failed(said) if said == code), "{code}");
            assert_eq!((opening.complete, opening.cheaters.len()), (complete, 0), "nobody is to blame");
        }
        assert_eq!(world.end_code(&hash).await, (Verb::UnsealFailed, code.into()));
        let signers = world.ended(&hash).await.signers();
        let mut both = [1, 3].map(|n| world.official(n).verifying().key_id());
        both.sort_unstable();
        assert_eq!(signers, both);
    }
}
