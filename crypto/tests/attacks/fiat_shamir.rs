//! Each field of the two challenges, one test a field: what a scheme that leaves it out would take, and ours refuses.
//!
//! A challenge is only worth what stands in it: whatever does not can be chosen after it. Most tests show what that
//! gains. Where one field follows from another (`E` from `enc`, `label` and `enc` from `inner`, `Yi` and `i` from the
//! council and the place), leaving it out alone gains nothing: the test then shows that it is there all the same, so
//! that no proof of another implementation passes which forgot it.

use curve25519_dalek::{EdwardsPoint, Scalar};
use tabir_crypto::envelope::{Inner, Label, VerifiedInner};
use tabir_crypto::error::Code;
use tabir_crypto::statement::value::Hour;
use tabir_crypto::threshold::{Council, OpeningContext, open, verify};

use crate::council::*;
use crate::kit::*;

// ---- the sender proof: label, enc, commit, ct, E, Ebar, W, Wbar ----

/// An envelope of one's own, with a known ephemeral scalar. Its record opens for nobody, which no proof can show.
struct Own {
    label: Label,
    e: Scalar,
    bytes: Vec<u8>,
}

fn own() -> Own {
    let town = town(2, 3, 1);
    let made = sealed(&town, 10, "Siti");
    let mut bytes = made.inner.inner().to_bytes();
    let point = EdwardsPoint::mul_base(&random(30));
    bytes[..32].copy_from_slice(&point.to_montgomery().to_bytes());
    let e = if point == lifted(&bytes[..32]) { random(30) } else { -random(30) };
    Own { label: *made.inner.label(), e, bytes }
}

impl Own {
    /// Proven as the weak scheme would, by who knows e.
    fn proven_without(mut self, left_out: &str) -> Self {
        let (k, ebar) = (random(31), second() * self.e);
        let (w, wbar) = (EdwardsPoint::mul_base(&k), second() * k);
        let c = sender(&self.label, &self.bytes, &ebar, &w, &wbar).challenge_without(&[left_out]);
        put_proof(&mut self.bytes, &ebar, &c, &(k + c * self.e));
        self
    }
}

/// The weak scheme takes it, so the attack works; ours does not.
#[track_caller]
fn refused_envelope(label: &Label, bytes: &[u8], left_out: &[&str]) {
    assert!(sender_holds(label, bytes, left_out), "it works nowhere");
    assert_eq!(code(Inner::parse(bytes).unwrap().verify(label)), Code::SenderProof);
}

#[test]
fn this_files_own_sender_proof_is_sound() {
    let mut own = own();
    prove(&own.label, &mut own.bytes, &own.e, &random(31), &EdwardsPoint::default());
    Inner::parse(&own.bytes).unwrap().verify(&own.label).unwrap();
}

/// An official files a victim's envelope, proof and all, as a report of his own.
#[test]
fn a_sender_proof_without_the_label_would_be_good_for_every_case() {
    let own = own().proven_without("label");
    refused_envelope(&case(30).label(&town(2, 3, 1)), &own.bytes, &["label"]);
}

#[test]
fn a_sender_proof_without_enc_is_refused() {
    let own = own().proven_without("enc");
    refused_envelope(&own.label, &own.bytes, &["enc"]);
}

/// Whoever carries the envelope changes what the opened record is checked against: it opens for nobody any more.
#[test]
fn a_sender_proof_without_the_commitment_would_let_it_be_changed() {
    let mut own = own().proven_without("commit");
    own.bytes[32] ^= 1;
    refused_envelope(&own.label, &own.bytes, &["commit"]);
}

#[test]
fn a_sender_proof_without_the_ciphertext_would_let_it_be_changed() {
    let mut own = own().proven_without("ct");
    own.bytes[160] ^= 1;
    refused_envelope(&own.label, &own.bytes, &["ct"]);
}

#[test]
fn a_sender_proof_without_the_lifted_point_is_refused() {
    let own = own().proven_without("E");
    refused_envelope(&own.label, &own.bytes, &["E"]);
}

/// Ē after the challenge: it is no multiple of the second generator by e, and the proof is no longer one of TDH2.
#[test]
fn a_sender_proof_without_ebar_would_hold_for_any() {
    let mut own = own();
    let (k, wbar) = (random(31), EdwardsPoint::mul_base(&random(32)));
    let c = sender(&own.label, &own.bytes, &wbar, &EdwardsPoint::mul_base(&k), &wbar).challenge_without(&["Ebar"]);
    let f = k + c * own.e;
    let ebar = (second() * f - wbar) * c.invert();
    assert_ne!(ebar, second() * own.e);
    put_proof(&mut own.bytes, &ebar, &c, &f);
    refused_envelope(&own.label, &own.bytes, &["Ebar"]);
}

/// The whole attack: a victim's `enc`, blinded, with a proof of a scalar that has nothing to do with it.
#[test]
fn a_sender_proof_without_w_would_hold_for_a_blinded_envelope() {
    let town = town(2, 3, 1);
    let victim = sealed(&town, 10, "the victim");
    let spam = case(30).label(&town);
    let mut bytes = victim.inner.inner().to_bytes();
    let blinded = lifted(&bytes[..32]) * random(33);
    bytes[..32].copy_from_slice(&blinded.to_montgomery().to_bytes());
    let (k, other) = (random(31), random(34));
    let ebar = second() * other;
    let c = sender(&spam, &bytes, &ebar, &ebar, &(second() * k)).challenge_without(&["W"]);
    put_proof(&mut bytes, &ebar, &c, &(k + c * other));
    refused_envelope(&spam, &bytes, &["W"]);
}

#[test]
fn a_sender_proof_without_wbar_would_hold_for_any_ebar() {
    let mut own = own();
    let (k, ebar) = (random(31), second() * own.e + EdwardsPoint::mul_base(&Scalar::ONE));
    let c = sender(&own.label, &own.bytes, &ebar, &EdwardsPoint::mul_base(&k), &ebar).challenge_without(&["Wbar"]);
    put_proof(&mut own.bytes, &ebar, &c, &(k + c * own.e));
    refused_envelope(&own.label, &own.bytes, &["Wbar"]);
}

/// `enc` and E stand for each other. Without both, the ephemeral key is chosen after the challenge, as a known
/// combination of B and a victim's: whoever helps with it has helped with the victim's.
#[test]
fn a_sender_proof_without_any_ephemeral_key_would_open_a_victims_envelope() {
    let town = town(2, 3, 1);
    let victim = sealed(&town, 10, "the victim");
    let stolen = lifted(&victim.inner.inner().to_bytes()[..32]);
    let spam = case(30).label(&town);
    let mut bytes = victim.inner.inner().to_bytes();
    let (x, other) = (random(33), random(34));
    let (w, ebar) = (stolen * x, second() * other);
    // Half of the tries give a point with the other sign, which nobody lifts to.
    let (point, c, f) = (40..)
        .map(|seed| {
            let k = random(seed);
            let c = sender(&spam, &bytes, &ebar, &w, &(second() * k)).challenge_without(&["enc", "E"]);
            let f = k + c * other;
            ((EdwardsPoint::mul_base(&f) - w) * c.invert(), c, f)
        })
        .find(|(point, ..)| lifted(&point.to_montgomery().to_bytes()) == *point)
        .unwrap();
    bytes[..32].copy_from_slice(&point.to_montgomery().to_bytes());
    put_proof(&mut bytes, &ebar, &c, &f);
    refused_envelope(&spam, &bytes, &["enc", "E"]);

    // Control: help with it, given for the spam, and the victim's identity is open.
    let helped = unchecked(point * scalar_of(town.share(1)), point * scalar_of(town.share(2)));
    let y = edwards(&town.council.key().point().compress());
    let of_the_victim = (y * f - helped * c) * x.invert();
    assert_eq!(open(town.council.key(), &victim.inner, &dh(of_the_victim)).unwrap().record, record("the victim"));
}

// ---- the proof of a partial: council, case, label, envelope, inner, request, checkpoint, recipients, i, enc, Yi, E, D,
// A1, A2 ----

/// Official 2's partial as the weak scheme would prove it.
fn partial_without(town: &Town, context: &OpeningContext<'_>, left_out: &str) -> Vec<u8> {
    let (s, k) = (scalar_of(town.share(2)), random(41));
    let e = base(context);
    let d = e * s;
    let c = dleq(context, 2, &d, &EdwardsPoint::mul_base(&k), &(e * k)).challenge_without(&[left_out]);
    partial(context, 2, &d, &c, &(k + c * s))
}

fn base(context: &OpeningContext<'_>) -> EdwardsPoint {
    lifted(&context.inner.inner().to_bytes()[..32])
}

#[track_caller]
fn refused_partial(context: &OpeningContext<'_>, bytes: &[u8], left_out: &str) {
    assert!(partial_holds(context, bytes, &[left_out]), "it works nowhere");
    assert_eq!(blamed(verify(context, bytes)), (Code::Dleq, 2));
}

/// Help that was given for one thing, shown for another. `head` is rewritten by whoever holds the partial.
#[track_caller]
fn refused_elsewhere(left_out: &str, elsewhere: impl Fn(&mut OpeningContext<'_>), head: Option<usize>) {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let mut bytes = partial_without(&town, &context, left_out);
    let mut other = context;
    elsewhere(&mut other);
    if let Some(at) = head {
        bytes[at..at + 32].copy_from_slice(&[9; 32]);
    }
    refused_partial(&other, &bytes, left_out);
}

/// A field that follows from the others.
#[track_caller]
fn refused_left_out(left_out: &str) {
    refused_elsewhere(left_out, |_| (), None);
}

#[test]
fn this_files_own_partial_is_sound() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let (s, k, e) = (scalar_of(town.share(2)), random(41), base(&context));
    let c = dleq(&context, 2, &(e * s), &EdwardsPoint::mul_base(&k), &(e * k)).challenge();
    verify(&context, &partial(&context, 2, &(e * s), &c, &(k + c * s))).unwrap();
}

/// The same shares, and another epoch: after a refresh that changed nothing, say.
#[test]
fn a_partial_without_the_council_would_be_good_for_the_next() {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let mut body = town.council.to_body(Hour::of(0));
    body.epoch += 1;
    let council = Council::from_body(&body).unwrap();
    let mut bytes = partial_without(&town, &own.context(&town), "council");
    bytes[1..33].copy_from_slice(council.council_id());
    refused_partial(&OpeningContext { council: &council, ..own.context(&town) }, &bytes, "council");
}

#[test]
fn a_partial_without_the_case_would_be_good_for_another() {
    refused_elsewhere("case", |c| c.case_id = [9; 32], None);
}

#[test]
fn a_partial_without_the_label_is_refused() {
    refused_left_out("label");
}

#[test]
fn a_partial_without_the_envelope_would_be_good_for_another() {
    refused_elsewhere("envelope", |c| c.envelope_hash = [9; 32], None);
}

/// A reporter who seals twice with one ephemeral key: help with one inner envelope would be help with both.
#[test]
fn a_partial_without_the_inner_envelope_would_be_good_for_its_twin() {
    let town = town(2, 3, 1);
    let made = sealed(&town, 20, "Siti");
    let twin = |last: u8| -> VerifiedInner {
        let Own { label, e, mut bytes } = own();
        *bytes.last_mut().unwrap() = last;
        prove(&label, &mut bytes, &e, &random(31), &EdwardsPoint::default());
        Inner::parse(&bytes).unwrap().verify(&label).unwrap()
    };
    let (one, two) = (twin(1), twin(2));
    let bytes = partial_without(&town, &OpeningContext { inner: &one, ..made.context(&town) }, "inner");
    refused_partial(&OpeningContext { inner: &two, ..made.context(&town) }, &bytes, "inner");
}

/// What was approved, and what help was given for, would be used for what was not.
#[test]
fn a_partial_without_the_request_would_be_good_for_another() {
    refused_elsewhere("request", |c| c.request_hash = [9; 32], Some(33));
}

/// Help under a history that witnesses saw would be used under one that they did not.
#[test]
fn a_partial_without_the_checkpoint_would_be_good_for_another_history() {
    refused_elsewhere("checkpoint", |c| c.checkpoint_hash = [9; 32], Some(65));
}

/// The board puts its own key in an approver's place.
#[test]
fn a_partial_without_the_recipients_would_be_good_for_others() {
    refused_elsewhere("recipients", |c| c.recipients = [9; 32], None);
}

#[test]
fn a_partial_without_its_makers_index_is_refused() {
    refused_left_out("i");
}

#[test]
fn a_partial_without_enc_is_refused() {
    refused_left_out("enc");
}

#[test]
fn a_partial_without_the_verifying_share_is_refused() {
    refused_left_out("Yi");
}

#[test]
fn a_partial_without_its_base_is_refused() {
    refused_left_out("E");
}

/// A member whose false help is proven false help names nobody: `forge` gives D, A1 and A2 before the challenge, and
/// (D, z) after it.
#[track_caller]
fn refused_forgery(
    left_out: &str,
    forge: impl Fn(EdwardsPoint, Scalar) -> [EdwardsPoint; 3],
    end: impl Fn(EdwardsPoint, Scalar, Scalar) -> (EdwardsPoint, Scalar),
) {
    let town = town(2, 3, 1);
    let own = sealed(&town, 20, "Siti");
    let context = own.context(&town);
    let (s, e) = (scalar_of(town.share(2)), base(&context));
    let [d, a1, a2] = forge(e, s);
    let c = dleq(&context, 2, &d, &a1, &a2).challenge_without(&[left_out]);
    let (d, z) = end(e, s, c);
    assert_ne!(d, e * s, "false help");
    refused_partial(&context, &partial(&context, 2, &d, &c, &z), left_out);
}

/// D after the challenge.
#[test]
fn a_partial_without_d_would_hold_for_false_help() {
    let (k, a2) = (random(41), EdwardsPoint::mul_base(&random(42)));
    refused_forgery(
        "D",
        |e, _| [e, EdwardsPoint::mul_base(&k), a2],
        |e, s, c| {
            let z = k + c * s;
            ((e * z - a2) * c.invert(), z)
        },
    );
}

/// Any scalar in the share's place, even by who has none.
#[test]
fn a_partial_without_a1_would_hold_for_a_false_share() {
    let (k, false_share) = (random(41), random(43));
    refused_forgery("A1", |e, _| [e * false_share, e, e * k], |e, _, c| (e * false_share, k + c * false_share));
}

/// The right share, and any D.
#[test]
fn a_partial_without_a2_would_hold_for_false_help() {
    let (k, d) = (random(41), EdwardsPoint::mul_base(&random(43)));
    refused_forgery("A2", |e, _| [d, EdwardsPoint::mul_base(&k), e], |_, s, c| (d, k + c * s));
}
