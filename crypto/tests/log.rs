//! C2SP logs: notes, checkpoints, cosignatures, proofs, tiles, witnesses. Every rule has a refusal with its name.

use serde_json::Value;
use tabir_crypto::log::checkpoint::{Checkpoint, LogVerifier, SignedCheckpoint, UnverifiedCheckpoint, checkpoint_hash};
use tabir_crypto::log::cosignature::{CosignedCheckpoint, Cosigner, Witnesses, verify_cosignature};
use tabir_crypto::log::leaf_hash;
use tabir_crypto::log::note::{MAX_NOTE, MAX_SIGNATURES, Note, NoteSignature, NoteSigner, SignatureType, VerifierKey};
use tabir_crypto::log::tree::TreeHead;
use tabir_crypto::log::witness::{AddCheckpoint, State, format_cosignatures, parse_cosignatures, parse_size};
use tabir_crypto::{Code, Result, SecretBytes};

fn seed(n: u8) -> SecretBytes<32> {
    SecretBytes::new([n; 32])
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.expect_err("must be refused").code()
}

const ORIGIN: &str = "tabir.example/governance";

fn log() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &seed(1)).unwrap()
}

fn verifier() -> LogVerifier {
    LogVerifier::new(ORIGIN, &log().verifier_key().to_string()).unwrap()
}

fn witness(n: u8) -> Cosigner {
    Cosigner::from_seed(&format!("w{n}.example"), &seed(100 + n)).unwrap()
}

fn witnesses(n: u8, quorum: u64) -> Result<Witnesses> {
    let keys: Vec<String> = (1..=n).map(|i| witness(i).verifier_key().to_string()).collect();
    Witnesses::new(keys.iter().map(String::as_str), quorum)
}

fn signed(size: u64) -> SignedCheckpoint {
    let head = TreeHead { size, root: leaf_hash(&size.to_be_bytes()) };
    SignedCheckpoint::sign(Checkpoint { origin: ORIGIN.into(), head }, &log()).unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/tabir-v1.json")).unwrap()
}

#[test]
fn hashes_of_the_vectors() {
    let v = vectors();
    for case in v["formats"]["leaf_hash"].as_array().unwrap() {
        let leaf = hex::decode(case["in"]["leaf"].as_str().unwrap()).unwrap();
        assert_eq!(hex::encode(leaf_hash(&leaf)), case["out"]["hash"]);
    }
    let notes = v["formats"]["checkpoint_hash"].as_array().unwrap();
    assert!(notes.len() >= 2);
    for case in notes {
        let note = case["in"]["note"].as_str().unwrap();
        assert_eq!(hex::encode(checkpoint_hash(note.as_bytes()).unwrap()), case["out"]["hash"]);
        assert_eq!(Note::parse(note.as_bytes()).unwrap().to_string(), note);
    }
}

#[test]
fn refuses_the_notes_of_the_vectors() {
    let v = vectors();
    let cases = v["reject"].as_array().unwrap().iter().filter(|c| c["decoder"] == "checkpoint_hash");
    let mut n = 0;
    for case in cases {
        let note = case["in"]["note"].as_str().unwrap();
        assert_eq!(code(checkpoint_hash(note.as_bytes())).as_str(), case["code"], "{}", case["rule"]);
        n += 1;
    }
    assert_eq!(n, 4);
}

/// Made by Go's `golang.org/x/mod/sumdb/note`; from that package's documentation.
#[test]
fn verifies_a_note_made_by_go() {
    let key = VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let line =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let note = Note::parse(format!("{text}\n{line}\n").as_bytes()).unwrap();
    note.verify(&key).unwrap();
    let other = Note::parse(format!("{}\n{line}\n", text.replace("answer", "Answer")).as_bytes()).unwrap();
    assert_eq!(code(other.verify(&key)), Code::Signature);
}

#[test]
fn a_text_may_have_empty_lines() {
    let note = Note::signed("a\n\nb\n", &log()).unwrap();
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read.text(), "a\n\nb\n");
    read.verify(log().verifier_key()).unwrap();
}

#[test]
fn refuses_notes_of_another_form() {
    let good = Note::signed("text\n", &log()).unwrap().to_string();
    let line = good.split_once("\n\n").unwrap().1.to_owned();
    let refused = |note: String| assert_eq!(code(Note::parse(note.as_bytes())), Code::Note, "{note:?}");
    refused(good.replace("text", "te\txt"));
    refused(good.replace("text", "te\rxt"));
    refused(good.replacen("text\n", "", 1));
    refused(good.replace('\u{2014}', "-"));
    refused(good.replace("\u{2014} ", "\u{2014}  "));
    refused(format!("{good}\n"));
    refused(format!("{good}x\n"));
    refused(good.replace("governance ", "gover+nance "));
    refused(good.replace("governance ", "gover\u{a0}nance "));
    refused(good.replace(&format!("{ORIGIN} "), " "));
    refused("text\n\n— a AAAAAA==\n".into()); // a key id and nothing behind it
    refused("text\n\n— a AAAAAAB\n".into()); // base64 without padding
    refused("text\n\n— a AAAAAAD=\n".into()); // bits left over in base64
    assert_eq!(code(Note::parse(b"\xff\n\n")), Code::Note);
    assert_eq!(code(Note::signed("no newline", &log())), Code::Note);
    assert_eq!(code(Note::signed("a\x07\n", &log())), Code::Note);
    assert_eq!(code(Note::signed("\n", &log())), Code::Note); // no text
    assert_eq!(code(Note::parse(format!("text\n\n{}", line.repeat(MAX_SIGNATURES + 1)).as_bytes())), Code::TooLong);
    Note::parse(format!("text\n\n{}", line.repeat(MAX_SIGNATURES)).as_bytes()).unwrap();
    assert_eq!(code(Note::parse(&vec![b'a'; MAX_NOTE + 1])), Code::TooLong);
}

/// One line for each key: a new one takes the place of the old one, and of no other's.
#[test]
fn a_later_line_of_a_key_replaces_its_earlier_one_only() {
    let mut checkpoint = signed(7);
    let namesake = Cosigner::from_seed("w1.example", &seed(9)).unwrap();
    let lines =
        [(witness(1), 5), (witness(2), 6), (namesake, 7), (witness(1), 8)].map(|(w, time)| w.cosign(&checkpoint, time));
    lines.iter().for_each(|line| checkpoint.add(line.clone()));
    let note = checkpoint.note();
    assert_eq!(note.signatures()[1..], [&lines[1], &lines[2], &lines[3]].map(Clone::clone));
    assert_eq!(note.signature_by(witness(1).verifier_key()).unwrap(), Some(&lines[3]));
    assert_eq!(note.signature_by(witness(3).verifier_key()).unwrap(), None);
    assert_eq!(witnesses(3, 1).unwrap().of(&lines[1]), Some(witness(2).verifier_key()));
    assert_eq!(witnesses(3, 1).unwrap().of(&lines[2]), None);
}

#[test]
fn keys_say_whose_they_are() {
    let key = log().verifier_key().clone();
    assert_eq!((key.name(), key.kind()), (ORIGIN, SignatureType::Ed25519));
    assert_eq!((verifier().origin(), verifier().key()), (ORIGIN, &key));
    let keys = [1, 2].map(|n| witness(n).verifier_key().clone());
    assert_eq!(witnesses(2, 1).unwrap().keys(), keys);
    assert_eq!(keys[0].name(), "w1.example");
}

#[test]
fn verifier_keys_have_one_form() {
    let key = log().verifier_key().clone();
    let text = key.to_string();
    assert_eq!(VerifierKey::parse(&text).unwrap(), key);
    let (name, rest) = text.split_once('+').unwrap();
    let (id, material) = rest.split_once('+').unwrap();
    let other_id = hex::encode(log().verifier_key().id().map(|b| !b));
    for bad in [
        format!("{name}+{other_id}+{material}"),
        format!("{name}+{id}0+{material}"),
        format!("other+{id}+{material}"),
        format!("+{id}+{material}"),
        format!("a b+{id}+{material}"),
        format!("{name}+{id}"),
        format!("{name}+{id}+{}", material.replacen('A', "B", 1)), // another type
        format!("{name}+{id}+{material}A"),
    ] {
        assert_eq!(code(VerifierKey::parse(&bad)), Code::Note, "{bad}");
    }
    let small = tabir_crypto::codec::b64(&[&[1][..], &[0; 32]].concat()); // a point of order 4
    assert_eq!(code(VerifierKey::parse(&format!("{name}+{id}+{small}"))), Code::ASmallOrder);
}

#[test]
fn the_type_is_part_of_the_key_id() {
    let (note, cosign) = (NoteSigner::from_seed("a", &seed(1)).unwrap(), Cosigner::from_seed("a", &seed(1)).unwrap());
    assert_ne!(note.verifier_key().id(), cosign.verifier_key().id());
    assert_eq!(cosign.verifier_key().kind(), SignatureType::Cosignature);
}

#[test]
fn ignores_signatures_by_unknown_keys() {
    let mut checkpoint = signed(7);
    checkpoint.add(witness(1).cosign(&checkpoint, 5));
    checkpoint.add(NoteSignature::parse("— stranger AAAAAAECAw==").unwrap());
    SignedCheckpoint::open(&checkpoint.to_bytes(), &verifier()).unwrap();
    // The log's name with another id is an unknown key too.
    let stranger = NoteSigner::from_seed(ORIGIN, &seed(9)).unwrap();
    let text = checkpoint.note().text().to_owned();
    let foreign = Note::signed(&text, &stranger).unwrap();
    assert_eq!(code(SignedCheckpoint::open(foreign.to_string().as_bytes(), &verifier())), Code::UnknownKey);
}

#[test]
fn refuses_a_known_key_that_stands_twice() {
    let bytes = String::from_utf8(signed(7).to_bytes()).unwrap();
    let line = bytes.split_once("\n\n").unwrap().1;
    assert_eq!(code(SignedCheckpoint::open(format!("{bytes}{line}").as_bytes(), &verifier())), Code::Duplicate);
}

#[test]
fn refuses_a_forged_checkpoint() {
    let text = String::from_utf8(signed(7).to_bytes()).unwrap();
    let forged = text.replace("\n7\n", "\n8\n");
    assert_eq!(code(SignedCheckpoint::open(forged.as_bytes(), &verifier())), Code::Signature);
}

#[test]
fn refuses_a_checkpoint_of_another_origin() {
    // Signed by the right key, under the right key name, for another log.
    let head = TreeHead::EMPTY;
    let other = SignedCheckpoint::sign(Checkpoint { origin: "tabir.example/intake".into(), head }, &log()).unwrap();
    assert_eq!(code(SignedCheckpoint::open(&other.to_bytes(), &verifier())), Code::Checkpoint);
}

#[test]
fn refuses_checkpoints_of_another_form() {
    let good = signed(70).checkpoint().text();
    assert_eq!(Checkpoint::parse(&good).unwrap().head, signed(70).head());
    let root = good.lines().nth(2).unwrap();
    let with = |size: &str| format!("{ORIGIN}\n{size}\n{root}\n");
    for bad in [
        with("070"),
        with("+70"),
        with("-70"),
        with(" 70"),
        with(""),
        with("7e1"),
        with("9223372036854775808"),  // 2^63
        with("18446744073709551686"), // 2^64 + 70
        with("0"),                    // not the empty tree's root
        good.replace(ORIGIN, ""),
        good.trim_end().to_owned(),
        format!("{good}an extension line\n"),
        format!("{ORIGIN}\n70\n{}\n", root.trim_end_matches('=')),
        format!("{ORIGIN}\n70\nAAAA\n"),
        format!("{ORIGIN}\n70\n"),
    ] {
        assert_eq!(code(Checkpoint::parse(&bad)), Code::Checkpoint, "{bad:?}");
    }
    Checkpoint::parse(&with("9223372036854775807")).unwrap();
    let empty = Checkpoint { origin: ORIGIN.into(), head: TreeHead::EMPTY };
    assert_eq!(Checkpoint::parse(&empty.text()).unwrap(), empty);
}

#[test]
fn the_hash_of_a_checkpoint_ignores_signatures() {
    let mut checkpoint = signed(7);
    let before = checkpoint.hash();
    checkpoint.add(witness(1).cosign(&checkpoint, 5));
    assert_eq!(checkpoint.hash(), before);
    assert_eq!(checkpoint_hash(&checkpoint.to_bytes()).unwrap(), before);
    assert_ne!(signed(8).hash(), before);
}

#[test]
fn a_witnesss_key_is_no_logs_key() {
    assert_eq!(code(LogVerifier::new(ORIGIN, &witness(1).verifier_key().to_string())), Code::Note);
    assert_eq!(code(signed(7).note().verify(witness(1).verifier_key())), Code::Note);
    let logs_key = log().verifier_key().to_string();
    assert_eq!(code(Witnesses::new([logs_key.as_str()], 1)), Code::Note);
}

#[test]
fn witnessed_time_is_the_kth_smallest() {
    let mut checkpoint = signed(7);
    for (n, time) in [(1, 300), (2, 100), (3, 200)] {
        checkpoint.add(witness(n).cosign(&checkpoint, time));
    }
    for (quorum, time) in [(1, 100), (2, 200), (3, 300)] {
        let open = CosignedCheckpoint::open(&checkpoint.to_bytes(), &verifier(), &witnesses(3, quorum).unwrap());
        assert_eq!(open.unwrap().witnessed_time(), time);
    }
}

#[test]
fn refuses_fewer_witnesses_than_the_quorum() {
    let mut checkpoint = signed(7);
    checkpoint.add(witness(1).cosign(&checkpoint, 1));
    checkpoint.add(witness(9).cosign(&checkpoint, 1)); // a stranger
    let open = |k| CosignedCheckpoint::open(&checkpoint.to_bytes(), &verifier(), &witnesses(3, k).unwrap());
    open(1).unwrap();
    assert_eq!(code(open(2)), Code::Quorum);
}

#[test]
fn refuses_a_witness_that_stands_twice() {
    let checkpoint = signed(7);
    let mut text = String::from_utf8(checkpoint.to_bytes()).unwrap();
    for time in [1, 2] {
        text.push_str(&format!("{}\n", witness(1).cosign(&checkpoint, time)));
    }
    let open = CosignedCheckpoint::open(text.as_bytes(), &verifier(), &witnesses(2, 1).unwrap());
    assert_eq!(code(open), Code::Duplicate);
}

#[test]
fn refuses_a_cosignature_of_another_time_checkpoint_or_witness() {
    let (checkpoint, key) = (signed(7), witness(1).verifier_key().clone());
    let line = witness(1).cosign(&checkpoint, 5);
    assert_eq!(verify_cosignature(&checkpoint, &line, &key).unwrap(), 5);
    assert_eq!(code(verify_cosignature(&signed(8), &line, &key)), Code::Signature);
    assert_eq!(code(verify_cosignature(&checkpoint, &line, witness(2).verifier_key())), Code::UnknownKey);
    let later = NoteSignature::parse(&edit(&line, |b| b[11] ^= 1)).unwrap();
    assert_eq!(code(verify_cosignature(&checkpoint, &later, &key)), Code::Signature);
    let beyond = NoteSignature::parse(&edit(&line, |b| b[4] |= 0x80)).unwrap();
    assert_eq!(code(verify_cosignature(&checkpoint, &beyond, &key)), Code::Note);
    let short = NoteSignature::parse(&edit(&line, |b| b.truncate(9))).unwrap();
    assert_eq!(code(verify_cosignature(&checkpoint, &short, &key)), Code::Size);
    let longer = NoteSignature::parse(&edit(&line, |b| b.push(0))).unwrap();
    assert_eq!(code(verify_cosignature(&checkpoint, &longer, &key)), Code::Size);
    let mut whole = checkpoint.clone();
    whole.add(later);
    assert_eq!(code(CosignedCheckpoint::check(whole, &witnesses(2, 1).unwrap())), Code::Signature);
}

fn edit(line: &NoteSignature, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let line = line.to_string();
    let (start, encoded) = line.rsplit_once(' ').unwrap();
    let mut bytes = tabir_crypto::codec::unb64(encoded).unwrap();
    change(&mut bytes);
    format!("{start} {}", tabir_crypto::codec::b64(&bytes))
}

#[test]
fn refuses_sets_of_witnesses_that_count_one_twice() {
    assert_eq!(code(witnesses(3, 0)), Code::Quorum);
    assert_eq!(code(witnesses(3, 4)), Code::Quorum);
    let again = Cosigner::from_seed("another.name", &seed(101)).unwrap().verifier_key().to_string();
    let first = witness(1).verifier_key().to_string();
    assert_eq!(code(Witnesses::new([first.as_str(), again.as_str()], 1)), Code::Duplicate);
}

#[test]
fn a_witness_never_goes_back_and_never_forks() {
    let state = State::default().advance(&signed(7), &[]).unwrap();
    assert_eq!(state.head(), signed(7).head());
    assert_eq!(State::of(signed(7).head()), state);
    assert_eq!(state.advance(&signed(7), &[]).unwrap(), state);
    assert_eq!(code(state.advance(&signed(6), &[])), Code::Shrunk);
    assert_eq!(code(state.advance(&signed(8), &[])), Code::Consistency);
    let fork = TreeHead { size: 7, root: [0; 32] };
    let fork = SignedCheckpoint::sign(Checkpoint { origin: ORIGIN.into(), head: fork }, &log()).unwrap();
    assert_eq!(code(state.advance(&fork, &[])), Code::Consistency);
}

#[test]
fn a_witness_reads_checkpoints_of_any_log_and_believes_its_keys_alone() {
    let (first, second) = (log(), NoteSigner::from_seed(ORIGIN, &seed(2)).unwrap());
    let keys = [first.verifier_key().clone(), second.verifier_key().clone()];
    let text = format!("{}an extension\nanother\n", signed(7).note().text());
    let by = |signer: &NoteSigner| Note::signed(&text, signer).unwrap();
    let read = |note: &Note| UnverifiedCheckpoint::parse(note.to_string().as_bytes()).unwrap();
    // One of the keys is enough; what strangers put beside it is left out, the extension stays.
    let mut note = by(&second);
    note.add(by(&NoteSigner::from_seed("stranger", &seed(3)).unwrap()).signatures()[0].clone());
    assert_eq!(read(&note).origin(), ORIGIN);
    let checkpoint = read(&note).verify(&keys).unwrap();
    assert_eq!((checkpoint.head(), checkpoint.note().text()), (signed(7).head(), text.as_str()));
    assert_eq!(checkpoint.note().signatures(), by(&second).signatures());
    assert_eq!(code(read(&note).verify(&keys[..1])), Code::UnknownKey);
    assert_eq!(code(read(&note).verify(&[])), Code::UnknownKey);
    // Two of them may stand there, and then both must hold.
    note.add(by(&first).signatures()[0].clone());
    read(&note).verify(&keys).unwrap();
    note.add(signed(7).note().signatures()[0].clone());
    assert_eq!(code(read(&note).verify(&keys)), Code::Signature);
    // A witness's line is no log's signature.
    assert_eq!(code(read(&note).verify(&[witness(1).verifier_key().clone()])), Code::UnknownKey);
    for text in ["no size\n", &format!("{ORIGIN}\n07\n{}", signed(7).note().text().lines().last().unwrap())] {
        let note = Note::signed(&format!("{}\n", text.trim_end()), &first).unwrap().to_string();
        assert_eq!(code(UnverifiedCheckpoint::parse(note.as_bytes())), Code::Checkpoint);
    }
}

#[test]
fn add_checkpoint_requests_have_one_form() {
    let request = AddCheckpoint { old_size: 3, proof: vec![[1; 32], [2; 32]], checkpoint: signed(7).to_bytes() };
    let bytes = request.to_bytes();
    assert_eq!(AddCheckpoint::parse(&bytes).unwrap(), request);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("old 3\nAQEB"));
    let refused = |text: String, want| assert_eq!(code(AddCheckpoint::parse(text.as_bytes())), want, "{text}");
    refused(text.replace("old 3", "old 03"), Code::Checkpoint);
    refused(text.replace("old 3", "old  3"), Code::Checkpoint);
    refused(text.replace("old 3", "3"), Code::Note);
    refused(text.replace("AQEB", "AQE"), Code::Consistency);
    let many = AddCheckpoint { proof: vec![[1; 32]; 64], ..request.clone() };
    assert_eq!(code(AddCheckpoint::parse(&many.to_bytes())), Code::TooLong);
    let none = AddCheckpoint { old_size: 0, proof: vec![], ..request };
    assert_eq!(AddCheckpoint::parse(&none.to_bytes()).unwrap(), none);
    let mut longest = none.to_bytes();
    longest.resize(2 * MAX_NOTE, b'a');
    AddCheckpoint::parse(&longest).unwrap();
    longest.push(b'a');
    assert_eq!(code(AddCheckpoint::parse(&longest)), Code::TooLong);
}

#[test]
fn a_witnesss_answers_have_one_form() {
    let lines = vec![witness(1).cosign(&signed(7), 5), witness(2).cosign(&signed(7), 6)];
    let bytes = format_cosignatures(&lines);
    assert_eq!(parse_cosignatures(&bytes).unwrap(), lines);
    assert_eq!(code(parse_cosignatures(&bytes[..bytes.len() - 1])), Code::Note);
    assert_eq!(parse_size(b"20852014\n").unwrap(), 20_852_014);
    assert_eq!(code(parse_size(b"20852014")), Code::Note);
    assert_eq!(code(parse_size(b"020852014\n")), Code::Checkpoint);
}
