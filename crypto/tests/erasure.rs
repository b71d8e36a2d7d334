//! An erasure is its author's word, or none: each part that a gateway could make up is refused.

#[path = "common/world.rs"]
mod world;

use tabir_crypto::Code;
use tabir_crypto::codec::sha256;
use tabir_crypto::ed25519::SigningKey;
use tabir_crypto::receipt::case_id;
use tabir_crypto::statement::body::CaseWrite;
use tabir_crypto::statement::value::{Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::trust::erasure::{Erasure, logged_hash};
use world::*;

fn case_key() -> SigningKey {
    role(tabir_crypto::statement::body::Role::Council)
}

fn case() -> tabir_crypto::B32 {
    case_id(&hash("access").0, &case_key().verifying_key())
}

fn said(verb: Verb, case_id: tabir_crypto::B32, key: &SigningKey) -> Statement {
    let body = CaseWrite { v: V1, at: Hour::of(T0), case_id: Hex(case_id), counter: 1, body_hash: Hex(sha256(b"")) };
    Statement::signed(verb, &body, key).unwrap()
}

fn shown(statement: Statement) -> Erasure {
    let case_vk = Hex(*case_key().verifying_key().as_bytes());
    Erasure { v: V1, salt: hash("salt"), statement, access_hash: hash("access"), case_vk }
}

fn logged(shown: &Erasure) -> tabir_crypto::B32 {
    logged_hash(&shown.salt.0, &shown.statement.to_bytes())
}

#[test]
fn the_author_s_own_word_is_taken() {
    let shown = shown(said(Verb::CaseErase, case(), &case_key()));
    shown.check(&logged(&shown), &case()).unwrap();
}

#[test]
fn nothing_that_a_gateway_makes_up_is() {
    let (own, stranger) = (case_key(), official(1));
    let honest = shown(said(Verb::CaseErase, case(), &own));
    // A key of its own: the case's id is made of the author's.
    let forged = shown(said(Verb::CaseErase, case(), &stranger));
    refused(forged.check(&logged(&forged), &case()), Code::UnknownKey);
    let forged = Erasure { case_vk: Hex(*stranger.verifying_key().as_bytes()), ..forged };
    refused(forged.check(&logged(&forged), &case()), Code::CaseKey);
    let forged = Erasure { access_hash: hash("another"), ..honest.clone() };
    refused(forged.check(&logged(&honest), &case()), Code::CaseKey);
    // The author's word about something else.
    let other = shown(said(Verb::CaseRate, case(), &own));
    refused(other.check(&logged(&other), &case()), Code::Verb);
    let other = shown(said(Verb::CaseErase, hash("another case").0, &own));
    refused(other.check(&logged(&other), &case()), Code::Context);
    // Another erasure than the log has.
    let other = Erasure { salt: hash("another salt"), ..honest.clone() };
    refused(other.check(&logged(&honest), &case()), Code::Context);
    // Another case than the acceptance names.
    refused(honest.check(&logged(&honest), &hash("another case").0), Code::CaseKey);
}
