//! No message can be changed by a single bit: each is refused, for a reason that is its own.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tabir_crypto::attachment::{Attachment, seal};
use tabir_crypto::codec::{b64url, sha256};
use tabir_crypto::envelope::{Handout, Inner, Outer};
use tabir_crypto::hpke::{KemSecretKey, Use, uses};
use tabir_crypto::keyfile::{Cost, open_key_file, seal_key_file};
use tabir_crypto::log::checkpoint::{Checkpoint, LogVerifier};
use tabir_crypto::log::tree::{TreeHead, leaf_hash, node_hash};
use tabir_crypto::log::{
    CosignedCheckpoint, Cosigner, NoteSigner, SignedCheckpoint, Witnesses, verify_consistency, verify_inclusion,
};
use tabir_crypto::receipt::Receipt;
use tabir_crypto::request::RequestText;
use tabir_crypto::statement::body::{CeremonyKind, CouncilFormed, CouncilManifest, UnsealRequested};
use tabir_crypto::statement::value::{Hex, Hour, Text};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::dkg::{Ceremony, Round1, Round2};
use tabir_crypto::threshold::reshare::{Dealings, VerifiedManifest, deal};
use tabir_crypto::threshold::{Council, Drill, Share, verify};
use tabir_crypto::token::puzzle::{Challenge, Solution};
use tabir_crypto::token::{Token, TokenChallenge};
use tabir_crypto::{Code, Error, Result, Secret, SecretBytes, json};

use crate::council::{manifest, officials, record, run, sealed, seeded, town, vectors};
use crate::{config, world};

/// The sound message passes, and none that differs in one of these bits; each refusal has one of the codes.
fn refused<T>(sound: &[u8], bits: impl Iterator<Item = usize>, codes: &[Code], read: impl Fn(&[u8]) -> Result<T>) {
    if let Err(e) = read(sound) {
        panic!("the sound message is refused: {e}");
    }
    let mut tried = 0;
    for bit in bits {
        let mut changed = sound.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        match read(&changed) {
            Ok(_) => panic!("taken with bit {} of byte {} changed", bit % 8, bit / 8),
            Err(e) => assert!(codes.contains(&e.code()), "bit {} of byte {}: {e}", bit % 8, bit / 8),
        }
        tried += 1;
    }
    assert!(tried > 0);
}

/// All bits.
fn every_bit<T>(sound: &[u8], codes: &[Code], read: impl Fn(&[u8]) -> Result<T>) {
    refused(sound, 0..8 * sound.len(), codes, read);
}

/// One bit of every byte, another one each time.
fn a_bit_a_byte<T>(sound: &[u8], codes: &[Code], read: impl Fn(&[u8]) -> Result<T>) {
    refused(sound, (0..sound.len()).map(|at| 8 * at + (at * 5 + at / 8) % 8), codes, read);
}

/// What a changed point or scalar can be.
const POINT: [Code; 5] = [Code::NonCanonical, Code::OffCurve, Code::LowOrder, Code::MixedOrder, Code::Scalar];

fn with(codes: &[Code]) -> Vec<Code> {
    [&POINT, codes].concat()
}

#[test]
fn the_inner_envelope() {
    let town = town(2, 3, 1);
    let sealed = sealed(&town, 2, "Siti");
    let label = sealed.case.label(&town);
    let codes = with(&[Code::Bit255, Code::Twist, Code::SenderProof]);
    every_bit(&sealed.inner.inner().to_bytes(), &codes, |b| Inner::parse(b)?.verify(&label));
}

#[test]
fn the_outer_envelope() {
    let town = town(2, 3, 1);
    let sealed = sealed(&town, 2, "Siti");
    let binding = sealed.case.binding(&town);
    let bytes = sealed.case.seal(&town, &record("Siti"), &mut seeded(3)).bytes;
    let codes = [Code::Version, Code::Suite, Code::WardenKey, Code::Kem, Code::Aead];
    let read = |b: &[u8]| Outer::parse(b)?.open(&town.warden, &binding);
    refused(&bytes, 0..8 * 66, &codes, read);
    a_bit_a_byte(&bytes, &codes, read);
}

#[test]
fn the_hand_out() {
    let town = town(2, 3, 1);
    let sealed = sealed(&town, 2, "Siti");
    let binding = sealed.case.binding(&town);
    let released = sealed.outer.open(&town.warden, &binding).unwrap();
    let handout = released.handout([5; 32]);
    let (commit, warden) = (handout.inner_commit(), town.warden.public_key().key_id());
    // As an approver checks it: against the log's `inner_commit`, then by itself.
    let read = |b: &[u8]| {
        let handout = Handout::parse(b)?;
        if handout.inner_commit() == commit { handout.check(&warden, &binding) } else { Err(Error::new(Code::Context)) }
    };
    every_bit(handout.to_bytes().expose(), &[Code::Context, Code::CaseKey, Code::CaseSig], read);
    // And by itself alone: the salt is the log's to check.
    let codes = [Code::CaseKey, Code::CaseSig];
    let bytes = handout.to_bytes();
    refused(bytes.expose(), 8 * 32..8 * 1_328, &codes, |b| Handout::parse(b)?.check(&warden, &binding));
}

#[test]
fn a_partial() {
    let town = town(2, 3, 1);
    let sealed = sealed(&town, 2, "Siti");
    let context = sealed.context(&town);
    let codes = with(&[Code::Version, Code::Index, Code::Context, Code::Dleq]);
    every_bit(&town.partials(&context, &[1])[0], &codes, |b| verify(&context, b));
}

#[test]
fn a_partial_of_a_drill() {
    let town = town(2, 3, 1);
    let drill = Drill::new(&town.council, &[7; 32]).unwrap();
    let partial = drill.partial(town.share(2), &mut seeded(4)).unwrap();
    let codes = with(&[Code::Version, Code::Index, Code::Context, Code::Dleq]);
    every_bit(&partial, &codes, |b| drill.check(2, b));
}

#[test]
fn a_statement() {
    let codes = [
        Code::Utf8,
        Code::Json,
        Code::Depth,
        Code::Integer,
        Code::RepeatedField,
        Code::UnknownField,
        Code::MissingField,
        Code::Field,
        Code::Verb,
        Code::Base64,
        Code::Size,
        Code::NonCanonical,
        Code::SignatureOrder,
        Code::UnknownKey,
        Code::Scalar,
        Code::REncoding,
        Code::RSmallOrder,
        Code::Signature,
        Code::Trailing,
    ];
    let keys = [world::official(1), world::official(2)];
    let known: Vec<_> = keys.iter().map(|k| k.verifying_key()).collect();
    let statement = world::sign(Verb::UnsealOpened, &world::opened(world::hash("request")), &keys);
    every_bit(&statement.to_bytes(), &codes, |b| Statement::parse(b)?.verify(&known));
}

#[test]
fn a_token() {
    let all: serde_json::Value = serde_json::from_str(include_str!("../vectors/rfc9578-type2-rs.json")).unwrap();
    let bytes = |field: &str| hex::decode(all[0][field].as_str().unwrap()).unwrap();
    let key = tabir_crypto::token::TokenKey::from_spki(&bytes("pk_s")).unwrap();
    let digest = TokenChallenge::decode(&bytes("token_challenge")).unwrap().digest();
    let codes = [Code::TokenType, Code::TokenChallenge, Code::TokenKey, Code::TokenInvalid];
    every_bit(&bytes("token"), &codes, |b| tabir_crypto::token::verify(&Token::decode(b)?, &digest, &key));
    // Another key's SPKI is another key: its id is not the token's.
    every_bit(&bytes("pk_s"), &[Code::TokenKey], |b| {
        let key = tabir_crypto::token::TokenKey::from_spki(b)?;
        tabir_crypto::token::verify(&Token::decode(&bytes("token"))?, &digest, &key)
    });
}

#[test]
fn a_puzzle() {
    let secret = SecretBytes::new([6; 32]);
    let ours = Challenge::new(&mut seeded(6), &secret, 8, 100).unwrap();
    let codes = [Code::Version, Code::Puzzle];
    every_bit(ours.as_bytes(), &codes, |b| {
        Solution::parse(&b64url(&[b, &7_u64.to_be_bytes()].concat()))?.authenticate(&secret, 99)
    });
}

#[test]
fn what_is_sealed_to_a_key() {
    let mut rng = seeded(7);
    let key = KemSecretKey::generate(&mut rng);
    let places = [
        Use::Content { case_id: [1; 32], intake_key_id: [2; 32] },
        Use::Handout { request_hash: [1; 32], index: 2 },
        Use::Partial { request_hash: [1; 32], from: 1, to: 2 },
        Use::Ceremony { ceremony_id: [1; 32], round: 2, from: 1, to: 2 },
    ];
    for place in places {
        let wire = uses::seal(&key.public_key(), &place, &[9; 32], &mut rng).unwrap();
        a_bit_a_byte(&wire, &[Code::Kem, Code::Aead], |b| uses::open(&key, &place, b));
    }
}

#[test]
fn the_text_of_a_request() {
    let all = vectors();
    let told = all["formats"]["unseal_request"][0]["in"]["text"].as_str().unwrap();
    let text: RequestText = json::from_slice(told.as_bytes()).unwrap();
    let mut rng = seeded(8);
    let key = KemSecretKey::generate(&mut rng);
    let committed = text.commit(&[3; 32]).unwrap();
    let (commit, tag) = (Hex(committed.commit), Hex(committed.tag));
    let entry = UnsealRequested { commit, tag, nonce: Some(text.nonce), ..world::requested("x") };
    let sealed = committed.seal(&key.public_key(), &mut rng).unwrap();
    a_bit_a_byte(&sealed, &[Code::Kem, Code::Aead], |b| RequestText::open(&entry, &key, b));
}

#[test]
fn checkpoints_notes_and_cosignatures() {
    let signer = NoteSigner::from_seed("log.test", &SecretBytes::new([1; 32])).unwrap();
    let witness = Cosigner::from_seed("witness.test", &SecretBytes::new([2; 32])).unwrap();
    let head = TreeHead { size: 7, root: [9; 32] };
    let mut signed = SignedCheckpoint::sign(Checkpoint { origin: "log.test".to_owned(), head }, &signer).unwrap();
    let line = witness.cosign(&signed, 1_800_000_000);
    signed.add(line);
    let log = LogVerifier::new("log.test", &signer.verifier_key().to_string()).unwrap();
    let keys = [witness.verifier_key().to_string()];
    let witnesses = Witnesses::new(keys.iter().map(String::as_str), 1).unwrap();
    let codes = with(&[
        Code::Note,
        Code::Checkpoint,
        Code::UnknownKey,
        Code::Signature,
        Code::REncoding,
        Code::RSmallOrder,
        Code::Quorum,
        Code::Size,
    ]);
    every_bit(&signed.to_bytes(), &codes, |b| CosignedCheckpoint::open(b, &log, &witnesses));
}

#[test]
fn proofs_of_a_log() {
    let leaves: Vec<_> = (0..3_u8).map(|i| leaf_hash(&[i])).collect();
    let two = node_hash(&leaves[0], &leaves[1]);
    let (old, new) = (TreeHead { size: 2, root: two }, TreeHead { size: 3, root: node_hash(&two, &leaves[2]) });
    let hashes = |b: &[u8]| b.chunks(32).map(|h| h.try_into().unwrap()).collect::<Vec<[u8; 32]>>();
    let path = [leaves[0], leaves[2]].concat();
    every_bit(&path, &[Code::Inclusion], |b| verify_inclusion(&leaves[1], 1, new, &hashes(b)));
    every_bit(&leaves[1], &[Code::Inclusion], |b| verify_inclusion(b.try_into().unwrap(), 1, new, &hashes(&path)));
    every_bit(&leaves[2], &[Code::Consistency], |b| verify_consistency(old, new, &hashes(b)));
}

#[test]
fn an_attachment() {
    let text = Text::new("image/jpeg").unwrap();
    let (about, ct) = seal(b"a picture", &[1; 32], text, &mut seeded(9)).unwrap();
    // The seal itself, not only the hash that stands beside it in the sealed content.
    let bits = (0..ct.len()).step_by(997).chain(ct.len() - 20..ct.len()).map(|at| 8 * at + at % 8);
    let read = |b: &[u8]| Attachment { sha256: Hex(sha256(b)), ..about.clone() }.open(&[1; 32], b);
    refused(&ct, bits, &[Code::Aead], read);
    let bits = (0..ct.len()).step_by(997).map(|at| 8 * at + at % 8);
    refused(&ct, bits, &[Code::Aead], |b| about.open(&[1; 32], b));
}

#[test]
fn a_key_file() {
    let file = seal_key_file(b"words", &[5; 34], b"whose", Cost::LEAST, &mut seeded(10)).unwrap();
    // Changed costs can ask for a gibibyte; the tests of key files have their bounds.
    let bits = (0..9).chain(18..file.len()).map(|at| 8 * at + at % 8);
    refused(&file, bits, &[Code::Version, Code::Passphrase], |b| open_key_file(b"words", b, b"whose"));
}

#[test]
fn a_share() {
    let town = town(2, 3, 1);
    let codes = [Code::Index, Code::Share, Code::Scalar];
    every_bit(town.share(2).to_bytes().expose(), &codes, |b| {
        let share = Share::from_bytes(b)?;
        share.check(&town.council).map(|()| share)
    });
}

#[test]
fn a_council() {
    let town = town(2, 3, 1);
    let (body, id) = (town.council.to_body(Hour::of(0)), *town.council.council_id());
    // The parts that are points and hashes: another council is refused, or it is not called the same.
    let parts = |body: &CouncilFormed| [body.y.0, body.lineage.0, body.ceremony_id.0, body.members[1].yi.0].concat();
    let codes = with(&[Code::Context, Code::Share, Code::Threshold]);
    every_bit(&parts(&body), &codes, |b| {
        let mut body = body.clone();
        let [y, lineage, ceremony, yi] = [0, 1, 2, 3].map(|i| Hex(b[32 * i..32 * i + 32].try_into().unwrap()));
        (body.y, body.lineage, body.ceremony_id, body.members[1].yi) = (y, lineage, ceremony, yi);
        let council = Council::from_body(&body)?;
        assert_eq!(*council.council_id(), id);
        Ok(council)
    });
    // Keys may change: then it is another council.
    let keys = [body.members[1].ed_vk.0.as_slice(), &body.members[1].kem_pk.0].concat();
    for at in 0..keys.len() {
        let mut changed = keys.clone();
        changed[at] ^= 1 << (at % 8);
        let mut body = body.clone();
        body.members[1].ed_vk = Hex(changed[..32].try_into().unwrap());
        body.members[1].kem_pk.0 = changed[32..].to_vec();
        if let Ok(council) = Council::from_body(&body) {
            assert_ne!(*council.council_id(), id, "byte {at}");
        }
    }
}

/// Two of three make a key: member 1 is at round 1, and at round 2 with what he was sent.
struct Made {
    ceremony: Ceremony,
    board: BTreeMap<u16, Vec<u8>>,
    first: Vec<u8>,
    second: Vec<u8>,
    shares: BTreeMap<u16, SecretBytes<32>>,
}

fn made() -> Made {
    let mut rng = seeded(11);
    let who = officials(3, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(2, 3, &who, &mut rng)).unwrap()).unwrap();
    let all: Vec<_> = (1..=3).map(|i| Round1::start(&ceremony, i, &mut rng).unwrap()).collect();
    let board: BTreeMap<u16, Vec<u8>> = (1..).zip(&all).map(|(i, r)| (i, r.message().to_vec())).collect();
    let first = all[0].to_bytes().unwrap().expose().clone();
    let (mut second, mut shares) = (Vec::new(), BTreeMap::new());
    for (from, r) in (1..).zip(all) {
        let (next, mut sent) = r.next(board.clone()).unwrap();
        match sent.remove(&1) {
            Some(share) => drop(shares.insert(from, share)),
            None => second = next.to_bytes().unwrap().expose().clone(),
        }
    }
    Made { ceremony, board, first, second, shares }
}

/// The sender of what was changed is named.
fn at(culprit: u16, e: Error) -> Error {
    assert_eq!(e.culprit(), Some(culprit), "{e}");
    e
}

#[test]
fn messages_of_the_key_ceremony() {
    let made = made();
    let round1 = || Round1::from_bytes(&made.ceremony, &made.first).unwrap();
    let round2 = || Round2::from_bytes(&made.ceremony, &made.second).unwrap();
    // A changed first commitment shows at the proof of knowledge, another one at the shares.
    every_bit(&made.board[&2], &with(&[Code::Ceremony, Code::Share]), |b| {
        let mut board = made.board.clone();
        board.insert(2, b.to_vec());
        let (next, _) = round1().next(board).map_err(|e| at(2, e))?;
        next.finish(&made.shares).map_err(|e| at(2, e))
    });
    every_bit(made.shares[&3].expose(), &[Code::Share, Code::Scalar], |b| {
        let mut shares = made.shares.clone();
        shares.insert(3, Secret::new(b.try_into().unwrap()));
        round2().finish(&shares).map_err(|e| at(3, e))
    });
}

#[test]
fn the_state_of_the_key_ceremony() {
    let made = made();
    // A state lies sealed in the official's own file. A changed one is refused, or its secret does not fit what others
    // sent, or its transcript is not theirs, which ends the ceremony in round 3.
    let codes = with(&[Code::Ceremony, Code::Share, Code::Index]);
    let done = |second: Round2| second.finish(&made.shares).map(|(share, public)| (share.to_bytes(), public));
    let expected = done(Round2::from_bytes(&made.ceremony, &made.second).unwrap()).unwrap();
    every_bit(&made.second, &codes, |b| {
        let (share, public) = done(Round2::from_bytes(&made.ceremony, b)?)?;
        if public.transcript != expected.1.transcript {
            return Err(Error::new(Code::Ceremony));
        }
        assert!((share, public) == expected, "another key under the same transcript");
        Ok(())
    });
}

#[test]
fn dealings() {
    let mut rng = seeded(12);
    let who = officials(3, &mut rng);
    let ceremony = Ceremony::from_payload(&json::to_vec(&manifest(2, 3, &who, &mut rng)).unwrap()).unwrap();
    let (shares, public) = run(&ceremony, &mut rng);
    let old = Council::from_body(&ceremony.formed(&public, Hour::of(0))).unwrap();
    let (kind, previous) = (CeremonyKind::Reshare, Hex(*old.council_id()));
    let body = CouncilManifest { kind, previous, dealers: vec![1, 3], ..manifest(2, 3, &who, &mut rng) };
    let verified = VerifiedManifest::verify(&world::sign(Verb::CouncilManifest, &body, &who.ed), &old).unwrap();
    let dealt = [1, 3].map(|i: u16| (i, deal(&verified, &shares[usize::from(i) - 1], &mut seeded(13)).unwrap()));
    let board: BTreeMap<u16, Vec<u8>> = dealt.iter().map(|(i, d)| (*i, d.message.clone())).collect();
    let to_second: BTreeMap<u16, SecretBytes<32>> = dealt.iter().map(|(i, d)| (*i, d.shares[&2].clone())).collect();
    every_bit(&board[&3], &with(&[Code::Share]), |b| {
        let mut board = board.clone();
        board.insert(3, b.to_vec());
        Dealings::read(&verified, &board).and_then(|d| d.finish(2, &to_second)).map_err(|e| at(3, e))
    });
    every_bit(to_second[&1].expose(), &[Code::Share, Code::Scalar], |b| {
        let mut shares = to_second.clone();
        shares.insert(1, Secret::new(b.try_into().unwrap()));
        Dealings::read(&verified, &board)?.finish(2, &shares).map_err(|e| at(1, e))
    });
    // What the members and dealers signed.
    let signed = world::sign(Verb::CouncilManifest, &body, &who.ed).to_bytes();
    let bits = (0..signed.len()).step_by(7).map(|at| 8 * at + at % 8);
    for bit in bits {
        let mut changed = signed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let read = Statement::parse(&changed).and_then(|s| VerifiedManifest::verify(&s, &old));
        assert!(read.is_err(), "bit {} of byte {}", bit % 8, bit / 8);
    }
}

proptest! {
    #![proptest_config(config(16))]

    /// Of a receipt every bit of every letter: refused, or, if the check word happens to fit, at least another secret.
    /// Bit 5 of a letter is its case, and that of a hyphen makes it the end of a line: neither counts.
    #[test]
    fn a_receipt(secret: [u8; 16]) {
        let receipt = Receipt::from(SecretBytes::new(secret));
        let text = receipt.text();
        let sound = text.expose().as_bytes();
        let mut others = 0;
        for bit in 0..8 * sound.len() {
            let mut changed = sound.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(typed) = core::str::from_utf8(&changed) else { continue };
            match Receipt::parse(typed) {
                Ok(same) if bit % 8 == 5 => prop_assert_eq!(&same, &receipt),
                Ok(other) => {
                    prop_assert_ne!(&other, &receipt);
                    others += 1;
                }
                Err(e) => prop_assert!([Code::Groups, Code::Letters, Code::Checksum].contains(&e.code()), "{}", e),
            }
        }
        // About 150 changes make another letter that can stand there, and a check word of 16 bits fits one in 65,536.
        prop_assert!(others <= 1, "{} other receipts", others);
    }

    /// A random bit of a random content, sealed.
    #[test]
    fn a_sealed_content(
        text in proptest::collection::vec(any::<u8>(), 1..5_000), seed: u64, bits in proptest::collection::vec(any::<usize>(), 24),
    ) {
        let mut rng = seeded(seed);
        let key = KemSecretKey::generate(&mut rng);
        let place = Use::Content { case_id: [1; 32], intake_key_id: key.public_key().key_id() };
        let padded = tabir_crypto::content::pad_content(&text).unwrap();
        let wire = uses::seal(&key.public_key(), &place, padded.expose(), &mut rng).unwrap();
        let bits = bits.into_iter().map(|bit| bit % (8 * wire.len()));
        refused(&wire, bits, &[Code::Kem, Code::Aead], |b| uses::open(&key, &place, b));
    }
}
