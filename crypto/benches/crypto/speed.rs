//! The operations of one identity beside X25519, and whole key ceremonies.
#![allow(clippy::disallowed_methods)] // a benchmark reads the clock

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use curve25519_dalek::MontgomeryPoint;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem as _};
use tabir_crypto::envelope::{INNER_LEN, Inner, OUTER_LEN, Outer, SealParams, seal};
use tabir_crypto::hpke::xwing::{ENC, OVERHEAD, open_with};
use tabir_crypto::json;
use tabir_crypto::point::Point;
use tabir_crypto::threshold::dkg::Ceremony;
use tabir_crypto::threshold::{combine, make, open};

use crate::council::{Sealed, Town, manifest, officials, record, run, sealed, seeded, town};
use crate::figures::{Row, median};

/// Runs of each figure, turns of each side in one run, operations of one turn.
const RUNS: usize = 9;
const TURNS: u32 = 80;
const TURN: u32 = 3;
/// Runs of a key ceremony, which is measured alone.
const CEREMONIES: usize = 5;

/// What an outer envelope seals: the inner one, the case key, the case signature.
const SIGNED: usize = INNER_LEN + 32 + 64;

const X25519: &str = "one X25519 scalar multiplication (curve25519-dalek)";

/// Microseconds of one operation of both, run by run: of each run the median turn, so that a turn in which another
/// process took the core counts for nothing.
fn compare(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> [Vec<f64>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    timed(&mut ours);
    for _ in 0..RUNS {
        let turns: (Vec<f64>, Vec<f64>) = (0..TURNS).map(|_| (timed(&mut ours), timed(&mut theirs))).unzip();
        times[0].extend(median(&turns.0));
        times[1].extend(median(&turns.1));
    }
    times
}

fn timed(operation: &mut impl FnMut()) -> f64 {
    let begin = Instant::now();
    (0..TURN).for_each(|_| operation());
    begin.elapsed().as_secs_f64() * 1e6 / f64::from(TURN)
}

fn row(what: &'static str, note: &str, peer: &'static str, [ours, theirs]: [Vec<f64>; 2]) -> Row {
    Row::new(what, "us", &ours, format!("{note} {TURN} operations of each in turn, {TURNS} turns a run."))
        .beside(peer, &theirs)
}

/// All rows in units of time.
pub fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let town = town(2, 3, 1);
    let case = sealed(&town, 1, "a name and where to find it");
    let mut rows = vec![sealing(&town, &case)];
    rows.extend(opening(&town, &case)?);
    rows.extend(outer(&town, &case)?);
    rows.push(ceremony("dkg_2_of_3", 2, 3)?);
    rows.push(ceremony("dkg_8_of_15", 8, 15)?);
    Ok(rows)
}

/// X25519 with a clamped scalar, in constant time, as RFC 7748 has it.
fn x25519() -> impl FnMut() {
    let mut u = MontgomeryPoint::mul_base_clamped([9; 32]);
    move || u = black_box(u).mul_clamped(black_box([7; 32]))
}

fn sealing(town: &Town, case: &Sealed) -> Row {
    let (warden_key, record, mut rng) = (town.warden.public_key(), record("a name and where to find it"), seeded(2));
    let params = SealParams {
        council: town.council.key(),
        warden_key: &warden_key,
        case_key: &case.case.key,
        access_hash: case.case.access_hash,
        content_hash: case.case.content_hash,
        notice_hash: case.case.notice_hash,
    };
    let ours = || drop(black_box(seal(black_box(&params), &record, &mut rng)));
    let note = "At most 8. Both layers: the inner envelope with its sender proof, the case signature, and X-Wing to the warden.";
    row("seal_with_proof", note, X25519, compare(ours, x25519()))
}

fn opening(town: &Town, case: &Sealed) -> Result<Vec<Row>, Box<dyn Error>> {
    let (label, bytes) = (case.case.label(town), case.inner.inner().to_bytes());
    let context = case.context(town);
    let partials = town.partials(&context, &[1, 3]);
    let mut rng = seeded(3);
    // What is measured works, or the figures mean nothing.
    let dh = combine(&context, &partials)?;
    assert_eq!(open(town.council.key(), &case.inner, &dh)?.record, record("a name and where to find it"));
    let enc: [u8; 32] = bytes.first_chunk().copied().ok_or("an envelope begins with enc")?;
    Ok(vec![
        row(
            "strict_point",
            "A u-coordinate lifted, with every check: canonical, on the curve, of prime order.",
            X25519,
            compare(|| assert!(black_box(Point::lift(black_box(&enc))).is_ok()), x25519()),
        ),
        row(
            "verify_sender",
            "At most 5. The inner envelope is read, both points are checked strictly, and the sender proof is.",
            X25519,
            compare(|| drop(black_box(Inner::parse(black_box(&bytes)).and_then(|i| i.verify(&label)))), x25519()),
        ),
        row(
            "partial",
            "At most 5. The share is checked against the council, the partial is made with its proof.",
            X25519,
            compare(|| drop(black_box(make(black_box(&context), town.share(1), &mut rng))), x25519()),
        ),
        row(
            "combine_2_of_3",
            "At most 12. Both partials are read, their points checked strictly, their proofs verified, then combined.",
            X25519,
            compare(|| drop(black_box(combine(black_box(&context), &partials))), x25519()),
        ),
        row(
            "open_combined",
            "The key schedule, the key commitment and the record of a combined envelope.",
            X25519,
            compare(|| drop(black_box(open(town.council.key(), &case.inner, &dh))), x25519()),
        ),
    ])
}

fn outer(town: &Town, case: &Sealed) -> Result<Vec<Row>, Box<dyn Error>> {
    let (binding, bytes) = (case.case.binding(town), case.case.seal(town, &record("x"), &mut seeded(4)).bytes);
    let key = <XWing as hpke::Kem>::PrivateKey::from_bytes(town.warden.seed().expose()).map_err(|e| e.to_string())?;
    let (header, sealed) = bytes.split_at(OUTER_LEN - OVERHEAD - SIGNED);
    let enc = <XWing as hpke::Kem>::EncappedKey::from_bytes(&sealed[..ENC]).map_err(|e| e.to_string())?;
    let aad = [header, binding.label(&town.warden.public_key().key_id()).as_bytes()].concat();
    let bare = || drop(black_box(XWing::decap(black_box(&key), None, &enc)));
    assert!(open_with(&town.warden, "tabir/v1/outer", &aad, sealed).is_ok());
    let peer = "bare X-Wing decapsulation (hpke, x-wing)";
    let layer = || drop(black_box(open_with(black_box(&town.warden), "tabir/v1/outer", &aad, sealed)));
    let whole = || drop(black_box(Outer::parse(black_box(&bytes)).and_then(|o| o.open(&town.warden, &binding))));
    Ok(vec![
        row(
            "outer_open",
            "At most 1.5. The layer: an X25519 half of low order refused, decapsulation, key schedule, AEAD.",
            peer,
            compare(layer, bare),
        ),
        row(
            "outer_open_checked",
            "All that the warden does with an outer envelope: the layer, its header, the case key, the case signature and \
             the sender proof (verify_sender), which the bare decapsulation has nothing of.",
            peer,
            compare(whole, bare),
        ),
    ])
}

/// What this thread has computed so far: a ceremony has no peer beside which the machine's other work cancels out.
fn cpu_ms() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e6)
}

/// The kernel counts a thread's time in ticks of up to 4 ms: a measurement takes at least so many members' parts.
const PARTS: u16 = 60;

/// The rounds of all members, one after the other.
fn ceremony(what: &'static str, t: u16, n: u16) -> Result<Row, Box<dyn Error>> {
    let mut rng = seeded(5);
    let who = officials(n, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(t, n, &who, &mut rng))?)?;
    let (mut times, at_once) = (Vec::new(), PARTS.div_ceil(n));
    for _ in 0..CEREMONIES {
        let begin = cpu_ms()?;
        for _ in 0..at_once {
            black_box(run(&ceremony, &mut rng));
        }
        times.push((cpu_ms()? - begin) / f64::from(at_once));
    }
    let note =
        format!("All rounds of all {n} members on one core, without sealing and sending; one member's part is 1/{n}.");
    Ok(Row::new(what, "ms", &times, note))
}
