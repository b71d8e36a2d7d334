//! `.tlog-proof` files: of every entry of small trees, in the one form, and no byte of one can change.

use tabir_crypto::codec::{B32, b64};
use tabir_crypto::log::checkpoint::{Checkpoint, LogVerifier, SignedCheckpoint};
use tabir_crypto::log::cosignature::{Cosigner, Witnesses};
use tabir_crypto::log::note::NoteSigner;
use tabir_crypto::log::proof::{MAX_TLOG_PROOF, TlogProof};
use tabir_crypto::log::tree::TreeHead;
use tabir_crypto::log::{leaf_hash, tile::Edge};
use tabir_crypto::{Code, Result, SecretBytes};

const ORIGIN: &str = "tabir.example/governance";
const SEEN: u64 = 1_800_000_000;

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.expect_err("must be refused").code()
}

fn entry(i: u64) -> Vec<u8> {
    format!("entry {i}").into_bytes()
}

fn leaves(n: u64) -> Vec<B32> {
    (0..n).map(|i| leaf_hash(&entry(i))).collect()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &SecretBytes::new([1; 32])).unwrap()
}

fn verifier() -> LogVerifier {
    LogVerifier::new(ORIGIN, &log().verifier_key().to_string()).unwrap()
}

fn witness() -> Cosigner {
    Cosigner::from_seed("w.example", &SecretBytes::new([2; 32])).unwrap()
}

fn witnesses() -> Witnesses {
    Witnesses::new([witness().verifier_key().to_string().as_str()], 1).unwrap()
}

/// The signed checkpoint of the tree of this size, not cosigned.
fn signed(size: u64) -> SignedCheckpoint {
    let mut edge = Edge::default();
    (0..size).for_each(|i| edge.push(&entry(i)).unwrap());
    let head: TreeHead = edge.head();
    SignedCheckpoint::sign(Checkpoint { origin: ORIGIN.into(), head }, &log()).unwrap()
}

fn cosigned(size: u64) -> SignedCheckpoint {
    let mut checkpoint = signed(size);
    checkpoint.add(witness().cosign(&checkpoint, SEEN));
    checkpoint
}

/// Entry 5 of 11, as a file.
fn file() -> String {
    String::from_utf8(TlogProof::make(5, &leaves(11), &cosigned(11)).unwrap().to_bytes()).unwrap()
}

fn verified(file: &[u8], entry: &[u8]) -> Result<u64> {
    Ok(TlogProof::parse(file)?.verify(entry, &verifier(), &witnesses())?.witnessed_time())
}

#[test]
fn proves_every_entry_of_small_trees_and_no_other() {
    for size in 1..=9 {
        let checkpoint = cosigned(size);
        for index in 0..size {
            // The leaf hashes of a larger tree do as well.
            let proof = TlogProof::make(index, &leaves(size + 3), &checkpoint).unwrap();
            assert_eq!(TlogProof::parse(&proof.to_bytes()).unwrap(), proof);
            assert_eq!(proof.index(), index);
            let seen = proof.verify(&entry(index), &verifier(), &witnesses()).unwrap();
            assert_eq!((seen.head().size, seen.witnessed_time()), (size, SEEN));
            assert_eq!(code(proof.verify(&entry(index + 1), &verifier(), &witnesses())), Code::Inclusion);
        }
        assert_eq!(code(TlogProof::make(size, &leaves(size + 3), &checkpoint)), Code::Size);
    }
    assert_eq!(code(TlogProof::make(5, &leaves(10), &cosigned(11))), Code::Inclusion);
}

#[test]
fn has_the_lines_of_the_source() {
    let file = file();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines[..2], ["c2sp.org/tlog-proof@v1", "index 5"]);
    assert_eq!(lines[2], b64(&leaf_hash(&entry(4))), "the leaf's sibling is first");
    assert_eq!((lines[6], lines[7], lines[8]), ("", ORIGIN, "11"));
    assert_eq!(verified(file.as_bytes(), &entry(5)).unwrap(), SEEN);
}

#[test]
fn no_byte_of_a_tlog_proof_can_change() {
    let file = file().into_bytes();
    for at in 0..file.len() {
        let mut other = file.clone();
        other[at] ^= 1;
        assert!(verified(&other, &entry(5)).is_err(), "byte {at}");
        assert!(verified(&file[..at], &entry(5)).is_err(), "cut at {at}");
    }
}

#[test]
fn refuses_tlog_proofs_of_another_form() {
    let good = file();
    let refused = |file: String, want| assert_eq!(code(TlogProof::parse(file.as_bytes())), want, "{file:?}");
    refused(good.replacen("@v1", "@v2", 1), Code::Inclusion);
    refused(good.replacen("index 5", "extra AAAA\nindex 5", 1), Code::Inclusion);
    refused(good.replacen("index 5", "index 05", 1), Code::Inclusion);
    refused(good.replacen("index 5", "index -5", 1), Code::Inclusion);
    refused(good.replacen("index 5\n", "", 1), Code::Inclusion);
    refused(good.replacen("\n\n", "\nAAAA\n\n", 1), Code::Inclusion);
    refused(good.replacen("=\n", "\n", 1), Code::Inclusion);
    refused(good.replacen("\n\n", "\n", 1), Code::Inclusion);
    let hash = format!("{}\n", b64(&[0; 32]));
    refused(good.replacen("index 5\n", &format!("index 5\n{}", hash.repeat(61)), 1), Code::TooLong);
    // The longest checkpoint, 64 hashes, and four lines beside them, none as long as 64 bytes.
    assert_eq!(MAX_TLOG_PROOF, 131_072 + 68 * 64);
    refused("x".repeat(MAX_TLOG_PROOF + 1), Code::TooLong);
    assert_eq!(code(TlogProof::parse(b"\xff\n\n")), Code::Inclusion);
}

#[test]
fn a_tlog_proof_needs_log_quorum_and_the_whole_path() {
    let refused = |file: String, want| assert_eq!(code(verified(file.as_bytes(), &entry(5))), want, "{file}");
    let good = file();
    refused(good.replacen("index 5", "index 4", 1), Code::Inclusion);
    let hash = format!("{}\n", good.lines().nth(3).unwrap());
    refused(good.replacen(&hash, "", 1), Code::Inclusion);
    refused(good.replacen(&hash, &hash.repeat(2), 1), Code::Inclusion);
    // Another tree of the same log; nobody cosigned; another log.
    let path = good.split_once("\n\n").unwrap().0.to_owned();
    let with = |checkpoint: &SignedCheckpoint| format!("{path}\n\n{}", checkpoint.note());
    refused(with(&cosigned(12)), Code::Inclusion);
    refused(with(&signed(11)), Code::Quorum);
    let head = signed(11).head();
    let mut other = SignedCheckpoint::sign(Checkpoint { origin: "other.example".into(), head }, &log()).unwrap();
    other.add(witness().cosign(&other, SEEN));
    refused(with(&other), Code::Checkpoint);
}
