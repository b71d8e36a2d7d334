//! What is measured, and on which secrets.

use std::hint::black_box;

use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::envelope::VerifiedInner;
use tabir_crypto::hpke::schedule::Context;
use tabir_crypto::point::Point;
use tabir_crypto::statement::value::{Hex, Hour};
use tabir_crypto::threshold::{Council, CouncilKey, OpeningContext, Share, combine, make};
use tabir_crypto::{Secret, SecretBytes};

use crate::Target;
use crate::council::{sealed, seeded, town};
use crate::dudect::{Coin, Inputs, times};
use crate::leaks;

/// Inputs of each class.
const SLOTS: usize = 16;
/// Times the short operations are repeated in one run, above the resolution of the clock.
const SHORT: u32 = 32;

fn bytes<const N: usize>(coin: &mut Coin) -> [u8; N] {
    core::array::from_fn(|_| (coin.next() >> 32) as u8)
}

/// All targets; the planted leaks come first.
pub fn all(coin: &mut Coin) -> Vec<Target> {
    let openings = openings(coin);
    vec![planted_comparison(coin), planted_partial(coin), comparison(coin), lift(coin), schedule(coin)]
        .into_iter()
        .chain(openings)
        .collect()
}

fn planted_comparison(coin: &mut Coin) -> Target {
    let secret: [u8; 32] = bytes(coin);
    let inputs = leaks::guesses(&secret, SLOTS, coin);
    Target {
        what: "planted_comparison",
        planted: true,
        note: "two arrays of 32 bytes with an early end, 32 times a run.",
        count: 20_000,
        run: Box::new(move |count, coin| {
            times(&inputs, count, SHORT, coin, |guess| leaks::early_end(black_box(&secret), guess))
        }),
    }
}

fn planted_partial(coin: &mut Coin) -> Target {
    let inputs = leaks::shares(SLOTS, coin);
    Target {
        what: "planted_vartime",
        planted: true,
        note: "a share times a point by the library's function for public scalars.",
        count: 5_000,
        run: Box::new(move |count, coin| times(&inputs, count, 1, coin, leaks::vartime_partial)),
    }
}

fn comparison(coin: &mut Coin) -> Target {
    let secret: [u8; 32] = bytes(coin);
    let guesses = leaks::guesses(&secret, SLOTS, coin).map(|guess| Secret::new(*guess));
    let secret = Secret::new(secret);
    Target {
        what: "secret_comparison",
        planted: false,
        note: "two secrets of 32 bytes, 32 times a run: a guess that is right but for its last byte, and any.",
        count: 100_000,
        run: Box::new(move |count, coin| times(&guesses, count, SHORT, coin, |guess| black_box(&secret) == guess)),
    }
}

fn lift(coin: &mut Coin) -> Target {
    let mut key = || EdwardsPoint::mul_base_clamped(bytes(coin)).to_montgomery().to_bytes();
    // The base point: u = 9.
    let mut nine = [0; 32];
    nine[0] = 9;
    let inputs = Inputs::new(vec![nine; SLOTS], (0..SLOTS).map(|_| key()).collect());
    Target {
        what: "lift",
        planted: false,
        note: "the u-coordinate 9, and that of any point.",
        count: 20_000,
        run: Box::new(move |count, coin| times(&inputs, count, 1, coin, |u| Point::lift(u))),
    }
}

fn schedule(coin: &mut Coin) -> Target {
    let mut low = [0; 32];
    low[0] = 1;
    let fixed = (0..SLOTS).map(|_| SecretBytes::new(low)).collect();
    let inputs = Inputs::new(fixed, (0..SLOTS).map(|_| SecretBytes::<32>::new(bytes(coin))).collect());
    let (enc, pk) = (bytes(coin), bytes(coin));
    Target {
        what: "key_schedule",
        planted: false,
        note: "from a DH output to the exported commitment: an output of one bit, and any.",
        count: 150_000,
        run: Box::new(move |count, coin| {
            times(&inputs, count, 1, coin, |dh| {
                let context = Context::new(dh, &enc, &pk, b"tabir/v1/inner");
                context.and_then(|c| c.export::<32>(b"tabir/v1/key-commitment"))
            })
        }),
    }
}

/// One opening that two officials of a council help with.
#[derive(Clone)]
struct Opening {
    council: Council,
    share: Share,
    inner: VerifiedInner,
    partials: Vec<Vec<u8>>,
}

impl Opening {
    /// With the polynomial constant + slope·x.
    fn new(constant: Scalar, slope: Scalar) -> Self {
        let town = town(2, 3, 1);
        let share_of = |x: u16| constant + slope * Scalar::from(x);
        let point = |s: Scalar| EdwardsPoint::mul_base(&s).compress().0;
        let mut body = town.council.to_body(Hour::of(0));
        body.y = Hex(point(constant));
        body.members.iter_mut().for_each(|m| m.yi = Hex(point(share_of(m.index))));
        let y = Point::decompress(&body.y.0).expect("a point of prime order");
        body.lineage = Hex(*CouncilKey::new(y, &body.ceremony_id.0).lineage());
        let council = Council::from_body(&body).expect("a sound council");
        let share = |x: u16| {
            let all = [x.to_be_bytes().as_slice(), share_of(x).as_bytes()].concat();
            Share::from_bytes(&all).expect("a share")
        };
        let inner = sealed(&town, 1, "a name").inner;
        let mut opening = Self { council, share: share(1), inner, partials: Vec::new() };
        let help = |x| make(&opening.context(), &share(x), &mut seeded(u64::from(x))).expect("help").expose().to_vec();
        opening.partials = vec![help(1), help(2)];
        opening
    }

    fn context(&self) -> OpeningContext<'_> {
        OpeningContext {
            council: &self.council,
            case_id: [1; 32],
            envelope_hash: [2; 32],
            inner: &self.inner,
            request_hash: [3; 32],
            checkpoint_hash: [4; 32],
            recipients: [5; 32],
        }
    }
}

/// The fixed shares are 2 and 3, the random ones any. All else is the same: envelope, case, request.
fn openings(coin: &mut Coin) -> Vec<Target> {
    let mut scalar = || Scalar::from_bytes_mod_order(bytes(coin));
    let mut inputs = || {
        let fixed = (0..SLOTS).map(|_| Opening::new(Scalar::ONE, Scalar::ONE)).collect();
        Inputs::new(fixed, (0..SLOTS).map(|_| Opening::new(scalar(), scalar())).collect())
    };
    let (for_partial, for_combine) = (inputs(), inputs());
    let mut rng = seeded(9);
    vec![
        Target {
            what: "partial",
            planted: false,
            note: "made with its proof: a share of 2, and any.",
            count: 20_000,
            run: Box::new(move |count, coin| {
                times(&for_partial, count, 1, coin, |o| make(&o.context(), &o.share, &mut rng))
            }),
        },
        Target {
            what: "combine",
            planted: false,
            note: "two partials, verified and combined: those of the shares 2 and 3, and of any.",
            count: 20_000,
            run: Box::new(move |count, coin| {
                times(&for_combine, count, 1, coin, |o| combine(&o.context(), &o.partials))
            }),
        },
    ]
}
