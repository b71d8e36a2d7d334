//! Part of `log.json`: copies of a log that its readers must refuse.

use serde_json::{Value, json};
use tabir_crypto::Code;
use tabir_crypto::codec::{B32, b64};
use tabir_crypto::log::cosignature::verify_cosignature;
use tabir_crypto::log::note::NoteSignature;
use tabir_crypto::log::proof::TlogProof;
use tabir_crypto::log::tile::{Kind, Tile, parse_entries, parse_hashes};
use tabir_crypto::log::{
    CosignedCheckpoint, Cosigner, LogVerifier, SignedCheckpoint, TreeHead, VerifierKey, Witnesses, leaf_hash,
    verify_consistency, verify_inclusion,
};

use crate::kit::{self, flipped, h, reject, reject_as};
use crate::log::{Ledger, ORIGIN, consistency, head, hexes, inclusion, log_key, proof, seed, tiles, vkeys, witness};
use crate::world::T0;

pub fn all(ledger: &Ledger) -> Value {
    kit::all(&[notes(ledger), proofs(ledger), tile_rejects(ledger), verifier_keys(), tlog_proofs(ledger)])
}

/// Notes that readers refuse.
fn notes(ledger: &Ledger) -> Vec<Value> {
    let log = LogVerifier::new(ORIGIN, &log_key().verifier_key().to_string()).unwrap();
    let keys = vkeys(3);
    let witnesses = Witnesses::new(keys.iter().map(String::as_str), 2).unwrap();
    let good = String::from_utf8(ledger.kept[2].note.clone()).unwrap();
    let open = |note: &str| CosignedCheckpoint::open(note.as_bytes(), &log, &witnesses).map(drop);
    open(&good).unwrap();
    let head = ledger.edge.head();
    let signed = |text: &str| tabir_crypto::log::Note::signed(text, &log_key()).unwrap().to_string();
    let root = b64(&head.root);
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    let (body, line) = (lines[..5].concat(), |i: usize| lines[i].to_owned());
    let checkpoint = SignedCheckpoint::open(good.as_bytes(), &log).unwrap();
    let stranger = Cosigner::from_seed("stranger", &seed("stranger")).unwrap();
    let at = |i: usize, time: u64| format!("{}\n", witness(i).cosign(&checkpoint, time));
    // A line that names one witness and was made by another key.
    let forged = {
        let by = Cosigner::from_seed("witness-1", &seed("not the witness")).unwrap().cosign(&checkpoint, T0);
        let id = witness(1).verifier_key().id();
        format!("\u{2014} witness-1 {}\n", b64(&[&id[..], by.bytes()].concat()))
    };
    assert_eq!(
        verify_cosignature(&checkpoint, &NoteSignature::parse(forged.trim_end()).unwrap(), witness(1).verifier_key())
            .unwrap_err()
            .code(),
        Code::Signature
    );
    let hostile = [
        (Code::Quorum, "one witness of the two that are needed", format!("{body}{}", line(5))),
        (Code::Quorum, "no witness", body.clone()),
        (
            Code::Quorum,
            "a stranger in a witness's place",
            format!("{body}{}{}\n", line(5), stranger.cosign(&checkpoint, T0)),
        ),
        (Code::Duplicate, "one witness twice", format!("{good}{}", at(0, T0))),
        (Code::Duplicate, "the log's signature twice", format!("{good}{}", line(4))),
        (Code::Signature, "a cosignature by another key under a witness's name", format!("{good}{forged}")),
        (Code::Signature, "another root under the log's signature", good.replacen(&root, &b64(&[7; 32]), 1)),
        (Code::Signature, "another size under the log's signature", good.replacen("\n7\n", "\n8\n", 1)),
        (Code::UnknownKey, "not signed by the log", format!("{}{}{}", lines[..4].concat(), line(5), line(6))),
        (Code::Checkpoint, "another log's checkpoint, well signed", signed(&format!("intake\n7\n{root}\n"))),
        (Code::Checkpoint, "an extension line", signed(&format!("{ORIGIN}\n7\n{root}\nextension\n"))),
        (Code::Checkpoint, "a size with a leading zero", signed(&format!("{ORIGIN}\n07\n{root}\n"))),
        (Code::Checkpoint, "a size with a sign", signed(&format!("{ORIGIN}\n+7\n{root}\n"))),
        (Code::Checkpoint, "no entry, and the root of some", signed(&format!("{ORIGIN}\n0\n{root}\n"))),
        (Code::Checkpoint, "a root of 31 bytes", signed(&format!("{ORIGIN}\n7\n{}\n", b64(&[7; 31])))),
        (Code::Note, "no newline at the end", good[..good.len() - 1].to_owned()),
        (Code::Note, "a line that is no signature", format!("{good}hello\n")),
        (Code::Note, "a hyphen for the dash", good.replacen('\u{2014}', "-", 1)),
        (Code::Note, "a carriage return in the text", good.replacen("\n7\n", "\r\n7\n", 1)),
        (Code::Note, "a key name with a plus", format!("{good}\u{2014} a+b {}\n", b64(&[7; 68]))),
        (
            Code::TooLong,
            "101 signature lines",
            format!("{good}{}", format!("{}\n", stranger.cosign(&checkpoint, T0)).repeat(98)),
        ),
    ];
    hostile
        .into_iter()
        .map(|(code, rule, note)| reject_as(code, "checkpoint", rule, json!({"note": note}), open(&note)))
        .collect()
}

fn proofs(ledger: &Ledger) -> Vec<Value> {
    let (leaves, newest) = (&ledger.leaves, ledger.edge.head());
    let leaf = leaf_hash(&leaves[3]);
    let proof = inclusion(leaves, 3);
    let longer = [proof.as_slice(), &[[7; 32]]].concat();
    let changed = [&[flipped(&proof[0], 0).try_into().unwrap()], &proof[1..]].concat();
    let check = |index, proof: &[B32]| verify_inclusion(&leaf, index, newest, proof);
    let hostile = [
        ("another index", 2, proof.clone()),
        ("an index beyond the tree", 7, proof.clone()),
        ("a hash changed", 3, changed),
        ("a hash more", 3, longer),
        ("a hash less", 3, proof[1..].to_vec()),
        ("no proof", 3, Vec::new()),
    ];
    let mut all: Vec<Value> = hostile
        .into_iter()
        .map(|(rule, index, proof)| {
            let input = json!({"leaf": h(leaf), "index": index, "proof": hexes(&proof)});
            reject_as(Code::Inclusion, "inclusion", rule, input, check(index, &proof))
        })
        .collect();
    let proof = consistency(leaves, 3);
    let (old, other) = (head(&leaves[..3]), head(&leaves[1..4]));
    let hostile = [
        (Code::Consistency, "another history of the same size", other, proof.clone()),
        (
            Code::Consistency,
            "a hash changed",
            old,
            [&[flipped(&proof[0], 0).try_into().unwrap()], &proof[1..]].concat(),
        ),
        (Code::Consistency, "a hash more", old, [proof.as_slice(), &[[7; 32]]].concat()),
        (Code::Consistency, "a hash less", old, proof[1..].to_vec()),
        (Code::Consistency, "no proof", old, Vec::new()),
        (Code::Consistency, "a proof where none is needed: from no entry", TreeHead::EMPTY, proof.clone()),
        (Code::Consistency, "another root for no entry", TreeHead { size: 0, root: [7; 32] }, Vec::new()),
        (Code::Consistency, "a split view: two roots of one size", TreeHead { root: [7; 32], ..newest }, Vec::new()),
        (Code::Shrunk, "a tree that was larger", TreeHead { size: 8, root: newest.root }, Vec::new()),
    ];
    all.extend(hostile.into_iter().map(|(code, rule, old, proof)| {
        let input = json!({"size": old.size, "root": h(old.root), "proof": hexes(&proof)});
        reject_as(code, "consistency", rule, input, verify_consistency(old, newest, &proof))
    }));
    all
}

fn tlog_proofs(ledger: &Ledger) -> Vec<Value> {
    let log = LogVerifier::new(ORIGIN, &log_key().verifier_key().to_string()).unwrap();
    let keys = vkeys(3);
    let witnesses = Witnesses::new(keys.iter().map(String::as_str), 2).unwrap();
    let verify = |text: &str, entry: usize| {
        TlogProof::parse(text.as_bytes())?.verify(&ledger.leaves[entry], &log, &witnesses).map(drop)
    };
    let good = String::from_utf8(proof(ledger, 3).to_bytes()).unwrap();
    verify(&good, 3).unwrap();
    let (head, checkpoint) = good.split_once("\n\n").unwrap();
    let lines: Vec<&str> = head.split('\n').collect();
    let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat().join("\n");
    let one_witness = checkpoint.trim_end().rsplit_once('\n').unwrap().0;
    let hostile = [
        (Code::Inclusion, "another entry", 4, good.clone()),
        (Code::Inclusion, "another index", 3, good.replacen("index 3", "index 4", 1)),
        (Code::Inclusion, "an index with a leading zero", 3, good.replacen("index 3", "index 03", 1)),
        (Code::Inclusion, "another version", 3, good.replacen("@v1", "@v2", 1)),
        (Code::Inclusion, "no index", 3, format!("{}\n\n{checkpoint}", without(1))),
        (Code::Inclusion, "a hash less", 3, format!("{}\n\n{checkpoint}", without(2))),
        (Code::Inclusion, "a hash of 31 bytes", 3, good.replacen(lines[2], &b64(&[7; 31]), 1)),
        (Code::Inclusion, "a line `extra`", 3, good.replacen("index 3", "extra AA==\nindex 3", 1)),
        (Code::Inclusion, "no checkpoint", 3, head.to_owned()),
        (Code::Quorum, "one witness of two", 3, format!("{head}\n\n{one_witness}\n")),
        (
            Code::TooLong,
            "65 hashes",
            3,
            format!("{}\n{}\n{checkpoint}", lines[..2].join("\n"), format!("{}\n", lines[2]).repeat(65)),
        ),
    ];
    hostile
        .into_iter()
        .map(|(code, rule, entry, proof)| {
            let input = json!({"entry": entry, "proof": proof});
            reject_as(code, "tlog_proof", rule, input, verify(&proof, entry))
        })
        .collect()
}

fn tile_rejects(ledger: &Ledger) -> Vec<Value> {
    let size = ledger.leaves.len() as u64;
    let tiles = tiles(&ledger.leaves);
    let find = |path: &str| tiles.iter().find(|(p, _)| p == path).unwrap().1.clone();
    let (hashes, entries) = (find("tile/0/000.p/7"), find("tile/entries/000.p/7"));
    let tile = |kind| Tile::of_tree(kind, 0, size).unwrap();
    let read = |kind, bytes: &[u8]| match kind {
        Kind::Entries => parse_entries(tile(kind), bytes).map(drop),
        Kind::Hashes(_) => parse_hashes(tile(kind), bytes).map(drop),
    };
    let first = 2 + ledger.leaves[0].len();
    let slices = [
        ("a hash less", Kind::Hashes(0), 32..hashes.len()),
        ("cut in a hash", Kind::Hashes(0), 1..hashes.len()),
        ("nothing", Kind::Hashes(0), 0..0),
        ("cut in the last entry", Kind::Entries, 0..entries.len() - 1),
        ("an entry less", Kind::Entries, first..entries.len()),
        ("half a length", Kind::Entries, 0..1),
    ];
    let mut all = Vec::new();
    for (rule, kind, slice) in slices {
        let (decoder, good) = if kind == Kind::Entries { ("entries", &entries) } else { ("hash_tile", &hashes) };
        let input = json!({"from": slice.start, "to": slice.end, "append": ""});
        all.push(reject_as(Code::Tile, decoder, rule, input, read(kind, &good[slice])));
    }
    let more = [entries.as_slice(), &[0, 0]].concat();
    let input = json!({"from": 0, "to": entries.len(), "append": "0000"});
    all.push(reject_as(Code::Tile, "entries", "an empty entry more", input, read(Kind::Entries, &more)));
    for path in [
        "tile/0/0",
        "tile/0/1000",
        "tile/0/x000/000",
        "tile/8/000",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/x1/000",
        "tile/-1/000",
    ] {
        all.push(reject("tile_path", "not the one form of a path", json!({"path": path}), Tile::parse(path)));
    }
    all
}

fn verifier_keys() -> Vec<Value> {
    let good = log_key().verifier_key().to_string();
    let (name, rest) = good.split_once('+').unwrap();
    let (id, material) = rest.split_once('+').unwrap();
    let hostile = [
        ("another key id", format!("{name}+{:08x}+{material}", u32::from_str_radix(id, 16).unwrap() ^ 1)),
        ("an id of seven digits", format!("{name}+{}+{material}", &id[1..])),
        ("another name: the id is not its", format!("other+{id}+{material}")),
        ("a name with a space", format!("a b+{id}+{material}")),
        ("no name", format!("+{id}+{material}")),
        ("an unknown type", format!("{name}+{id}+{}", b64(&[&[2][..], &[7; 32]].concat()))),
        ("a key of 31 bytes", format!("{name}+{id}+{}", b64(&[&[1][..], &[7; 31]].concat()))),
        ("a key of small order", format!("{name}+{id}+{}", b64(&[&[1, 1][..], &[0; 31]].concat()))),
        ("a letter of base64 more", format!("{good}A")),
        ("no key", format!("{name}+{id}")),
    ];
    let read = |text: &str| VerifierKey::parse(text);
    hostile.into_iter().map(|(rule, text)| reject("vkey", rule, json!({"vkey": text}), read(&text))).collect()
}
