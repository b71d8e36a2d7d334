//! Any t of n open, any t - 1 do not, and what they have fits every possible result.

use std::sync::LazyLock;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use proptest::prelude::*;
use tabir_crypto::codec::tagged;
use tabir_crypto::hpke::KemSecretKey;
use tabir_crypto::json;
use tabir_crypto::point::Point;
use tabir_crypto::statement::Verb;
use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest, Member};
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest, deal};
use tabir_crypto::threshold::{Council, DhOutput, OpeningContext, Share, combine, open, verify};
use tabir_crypto::{Code, Secret, SecretBytes};

use crate::config;
use crate::council::{Officials, Seeded, Town, code, manifest, officials, record, run, sealed, seeded};
use crate::world;

/// Where D stands in a partial.
const D: std::ops::Range<usize> = 99..131;

static OFFICIALS: LazyLock<Officials> = LazyLock::new(|| officials(15, &mut seeded(1)));
static WARDEN: LazyLock<KemSecretKey> = LazyLock::new(|| KemSecretKey::generate(&mut seeded(2)));

/// The polynomial's value.
fn at(polynomial: &[Scalar], x: u16) -> Scalar {
    polynomial.iter().rev().fold(Scalar::ZERO, |sum, a| sum * Scalar::from(x) + a)
}

/// A council of n whose polynomial the test knows: 15 real ceremonies would be slow, and are tested elsewhere.
fn dealt(polynomial: &[Scalar], n: u16) -> Town {
    let point = |x| Hex(EdwardsPoint::mul_base(&at(polynomial, x)).compress().0);
    let ceremony_id = world::hash("ceremony");
    let member = |index: u16| Member {
        index,
        yi: point(index),
        ed_vk: Hex(*OFFICIALS.ed[usize::from(index) - 1].verifying_key().as_bytes()),
        kem_pk: Bytes(OFFICIALS.kem[usize::from(index) - 1].public_key().as_bytes().to_vec()),
    };
    let body = CouncilFormed {
        v: V1,
        at: Hour::of(0),
        ceremony_id,
        lineage: Hex(tagged("tabir/v1/lineage", &[&point(0).0, &ceremony_id.0])),
        epoch: 1,
        t: u16::try_from(polynomial.len()).unwrap(),
        n,
        y: point(0),
        members: (1..=n).map(member).collect(),
        transcript: world::hash("transcript"),
        reshare_id: None,
    };
    let share = |i: u16| Share::from_bytes(&[&i.to_be_bytes()[..], at(polynomial, i).as_bytes()].concat()).unwrap();
    let council = Council::from_body(&body).unwrap();
    Town { council, shares: (1..=n).map(share).collect(), warden: WARDEN.clone() }
}

fn scalar(rng: &mut Seeded) -> Scalar {
    Scalar::from_bytes_mod_order(*SecretBytes::random(rng).expose())
}

fn polynomial(t: u16, seed: u64) -> Vec<Scalar> {
    let mut rng = seeded(seed);
    (0..t).map(|_| scalar(&mut rng)).collect()
}

/// Π x/(x - i) over the other places x, each shifted so that the value is taken at `to`.
fn weight(i: u16, places: &[u16], to: u16) -> Scalar {
    let others = places.iter().filter(|x| **x != i);
    let factor = |x: &u16| (Scalar::from(to) - Scalar::from(*x)) * (Scalar::from(i) - Scalar::from(*x)).invert();
    others.map(factor).product()
}

/// A size, its members in some order, and a seed.
fn councils(most: u16) -> impl Strategy<Value = (u16, u16, Vec<u16>, u64)> {
    let sizes = (2..=most).prop_flat_map(|n| (2..=n, Just(n)));
    sizes.prop_flat_map(|(t, n)| (Just(t), Just(n), Just((1..=n).collect::<Vec<_>>()).prop_shuffle(), any::<u64>()))
}

fn d(partial: &[u8]) -> EdwardsPoint {
    CompressedEdwardsY::from_slice(&partial[D]).unwrap().decompress().unwrap()
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn any_t_of_n_open(((t, n, who, seed), more) in (councils(15), 0_usize..14)) {
        let town = dealt(&polynomial(t, seed), n);
        let sealed = sealed(&town, seed, "Siti");
        let context = sealed.context(&town);
        let helping = &who[..(usize::from(t) + more).min(who.len())];
        let dh = combine(&context, &town.partials(&context, helping)).unwrap();
        prop_assert_eq!(open(town.council.key(), &sealed.inner, &dh).unwrap().record, record("Siti"));
    }

    #[test]
    fn any_t_minus_1_do_not((t, n, who, seed) in councils(15)) {
        let town = dealt(&polynomial(t, seed), n);
        let (here, other) = (sealed(&town, seed, "Siti"), sealed(&town, seed ^ 1, "Budi"));
        let context = here.context(&town);
        let few = town.partials(&context, &who[..usize::from(t) - 1]);
        prop_assert_eq!(code(combine(&context, &few)), Code::TooFew);
        // Nor with one of them twice, nor with help for another case.
        let twice = few.iter().chain(&few[..1]).collect::<Vec<_>>();
        prop_assert_eq!(code(combine(&context, &twice)), Code::Duplicate);
        let elsewhere = town.partials(&other.context(&town), &who[usize::from(t) - 1..]);
        for partial in &elsewhere {
            let mixed = few.iter().chain([partial]).collect::<Vec<_>>();
            prop_assert_eq!(code(combine(&context, &mixed)), Code::Dleq);
        }
        // Nor by leaving the missing ones out of the sum.
        let places = &who[..usize::from(t) - 1];
        let sum: EdwardsPoint = few.iter().zip(places).map(|(p, i)| d(p) * weight(*i, places, 0)).sum();
        let dh = DhOutput::from_bytes(Secret::new(sum.to_montgomery().to_bytes()));
        prop_assert_eq!(code(open(town.council.key(), &here.inner, &dh)), Code::Commitment);
    }

    /// What t - 1 verified partials say of the DH output: nothing. For whatever result there is a share of the missing
    /// member that completes them to it.
    #[test]
    fn t_minus_1_partials_fit_every_result((t, n, who, seed) in councils(15)) {
        let town = dealt(&polynomial(t, seed), n);
        let sealed = sealed(&town, seed, "Siti");
        let context = sealed.context(&town);
        let places = &who[..usize::from(t)];
        let (missing, few) = places.split_last().unwrap();
        let partials = town.partials(&context, few);
        partials.iter().for_each(|p| drop(verify(&context, p).unwrap()));
        let sum: EdwardsPoint = partials.iter().zip(few).map(|(p, i)| d(p) * weight(*i, places, 0)).sum();

        let right = d(&town.partials(&context, &[*missing])[0]);
        let mut rng = seeded(!seed);
        let mut completing = Vec::new();
        for _ in 0..4 {
            let result = EdwardsPoint::mul_base(&scalar(&mut rng));
            let share = (result - sum) * weight(*missing, places, 0).invert();
            // A point like any partial's, and with it the result comes out.
            prop_assert!(Point::decompress(&share.compress().0).is_ok());
            prop_assert_eq!(sum + share * weight(*missing, places, 0), result);
            let dh = DhOutput::from_bytes(Secret::new(result.to_montgomery().to_bytes()));
            prop_assert_eq!(code(open(town.council.key(), &sealed.inner, &dh)), Code::Commitment);
            completing.push(share.compress().0);
        }
        completing.push(right.compress().0);
        completing.sort_unstable();
        completing.dedup();
        prop_assert_eq!(completing.len(), 5, "one share for each result");
        // The true one is among them: only it opens.
        let result = sum + right * weight(*missing, places, 0);
        let dh = DhOutput::from_bytes(Secret::new(result.to_montgomery().to_bytes()));
        prop_assert_eq!(open(town.council.key(), &sealed.inner, &dh).unwrap().record, record("Siti"));
    }

    /// Two councils with another key each, whose t - 1 first helpers hold the same shares: for one envelope they send the
    /// same points, and what comes out of it in the end is another.
    #[test]
    fn t_minus_1_helpers_of_two_keys_send_the_same((t, n, who, seed) in councils(15)) {
        let one = polynomial(t, seed);
        let few = &who[..usize::from(t) - 1];
        // The other key's polynomial: the first one's plus a multiple of Π (x - i), which is zero at each of them.
        let mut zero = vec![scalar(&mut seeded(!seed))];
        for i in few {
            let shifted = core::iter::once(Scalar::ZERO).chain(zero.iter().copied());
            let scaled = zero.iter().map(|a| a * Scalar::from(*i)).chain([Scalar::ZERO]);
            zero = shifted.zip(scaled).map(|(up, down)| up - down).collect();
        }
        let two: Vec<Scalar> = one.iter().zip(&zero).map(|(a, b)| a + b).collect();
        let towns = [dealt(&one, n), dealt(&two, n)];
        prop_assert_ne!(towns[0].council.key(), towns[1].council.key());

        let sealed = sealed(&towns[0], seed, "Siti");
        let context = |town: usize| OpeningContext { council: &towns[town].council, ..sealed.context(&towns[0]) };
        let points = |town: usize, who: &[u16]| -> Vec<EdwardsPoint> {
            towns[town].partials(&context(town), who).iter().map(|p| d(p)).collect()
        };
        prop_assert_eq!(points(0, few), points(1, few));
        let all = &who[..usize::from(t)];
        let result = |town| combine(&context(town), &towns[town].partials(&context(town), all)).unwrap();
        prop_assert!(result(0).as_bytes() != result(1).as_bytes());
        prop_assert!(open(towns[0].council.key(), &sealed.inner, &result(0)).is_ok());
        prop_assert_eq!(code(open(towns[0].council.key(), &sealed.inner, &result(1))), Code::Commitment);
    }
}

proptest! {
    #![proptest_config(config(6))]

    /// By real ceremonies: a key is made, an identity is sealed, other people take the key over, and any t of them open.
    #[test]
    fn any_t_of_n_open_after_a_reshare(
        (t, n, who, seed) in councils(5),
        (new_t, new_n, new_who, new_seed) in councils(5),
    ) {
        let mut rng = seeded(seed);
        let people = officials(n, &mut rng);
        let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(t, n, &people, &mut rng)).unwrap()).unwrap();
        let (shares, public) = run(&ceremony, &mut rng);
        let council = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
        let old = Town { council, shares, warden: WARDEN.clone() };
        let sealed = sealed(&old, seed, "Siti");

        let mut rng = seeded(new_seed);
        let people = [people, officials(new_n, &mut rng)];
        let mut dealers = who[..usize::from(t)].to_vec();
        dealers.sort_unstable();
        let (kind, previous) = (CeremonyKind::Reshare, Hex(*old.council.council_id()));
        let body = CouncilManifest { kind, previous, dealers: dealers.clone(), ..manifest(new_t, new_n, &people[1], &mut rng) };
        let signers: Vec<_> = dealers.iter().map(|i| people[0].ed[usize::from(*i) - 1].clone()).collect();
        let signers = [signers, people[1].ed.clone()].concat();
        let verified = VerifiedManifest::verify(&world::sign(Verb::CouncilManifest, &body, &signers), &old.council).unwrap();
        let dealt = |i: &u16| (*i, deal(&verified, old.share(*i), &mut seeded(new_seed ^ u64::from(*i))).unwrap());
        let dealt: Vec<_> = dealers.iter().map(dealt).collect();
        let dealings = Dealings::read(&verified, &dealt.iter().map(|(i, d)| (*i, d.message.clone())).collect()).unwrap();
        let share = |j| dealings.finish(j, &dealt.iter().map(|(i, d)| (*i, d.shares[&j].clone())).collect()).unwrap();
        let new = Town { council: dealings.council().clone(), shares: (1..=new_n).map(share).collect(), warden: WARDEN.clone() };

        let context = sealed.context(&new);
        let helping = &new_who[..usize::from(new_t)];
        let dh = combine(&context, &new.partials(&context, helping)).unwrap();
        prop_assert_eq!(open(new.council.key(), &sealed.inner, &dh).unwrap().record, record("Siti"));
        prop_assert_eq!(code(combine(&context, &new.partials(&context, &helping[1..]))), Code::TooFew);
        // Old shares are not the new council's.
        let old_share = old.share(1).check(&new.council);
        prop_assert!(old_share.is_err());
    }
}
