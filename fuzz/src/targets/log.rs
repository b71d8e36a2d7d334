//! Notes, checkpoints, tiles, proofs and the messages to witnesses.

use std::sync::LazyLock;

use tabir_crypto::SecretBytes;
use tabir_crypto::codec::{B32, sha256};
use tabir_crypto::log::checkpoint::{Checkpoint, LogVerifier, SignedCheckpoint};
use tabir_crypto::log::cosignature::{CosignedCheckpoint, Cosigner, Witnesses};
use tabir_crypto::log::note::{MAX_NOTE, MAX_SIGNATURES};
use tabir_crypto::log::tile::{self as tiles, Kind, Tile};
use tabir_crypto::log::tree::{self, MAX_PROOF, MAX_SIZE, TreeHead, leaf_hash, node_hash};
use tabir_crypto::log::witness::{AddCheckpoint, format_cosignatures, parse_cosignatures, parse_size};
use tabir_crypto::log::{Note, NoteSigner, VerifierKey, checkpoint_hash, verify_consistency, verify_inclusion};

use super::{edited, edits, hostile, kind, text, vectors};

const ORIGIN: &str = "log.test/governance";
const TIMES: [u64; 2] = [1_800_000_000, 1_800_000_060];

fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &SecretBytes::new([1; 32])).unwrap()
}

fn cosigners() -> [Cosigner; 2] {
    [2, 3].map(|n| Cosigner::from_seed(&format!("witness{n}"), &SecretBytes::new([n; 32])).unwrap())
}

/// Signed by its log and two witnesses.
static COSIGNED: LazyLock<SignedCheckpoint> = LazyLock::new(|| {
    let head = TreeHead { size: 7, root: [9; 32] };
    let mut signed = SignedCheckpoint::sign(Checkpoint { origin: ORIGIN.to_owned(), head }, &signer()).unwrap();
    for (cosigner, time) in cosigners().iter().zip(TIMES) {
        let line = cosigner.cosign(&signed, time);
        signed.add(line);
    }
    signed
});

/// Who reads it.
static READER: LazyLock<(LogVerifier, Witnesses)> = LazyLock::new(|| {
    let keys = cosigners().map(|c| c.verifier_key().to_string());
    let log = LogVerifier::new(ORIGIN, &signer().verifier_key().to_string()).unwrap();
    (log, Witnesses::new(keys.iter().map(String::as_str), 2).unwrap())
});

pub mod note {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        if let Ok(key) = core::str::from_utf8(data).map_err(|_| ()).and_then(|t| VerifierKey::parse(t).map_err(|_| ()))
        {
            assert_eq!(key.to_string().as_bytes(), data);
            assert!(!key.name().is_empty());
            return true;
        }
        let Ok(mut note) = Note::parse(data) else { return false };
        assert_eq!(note.to_string().as_bytes(), data);
        assert!(data.len() <= MAX_NOTE && (1..=MAX_SIGNATURES).contains(&note.signatures().len()));
        assert_eq!(checkpoint_hash(data).unwrap(), sha256(note.text().as_bytes()));
        assert!(note.verify(READER.0.key()).is_err() || note.text() == COSIGNED.note().text());
        // A line that is there already, put in once more, is there once.
        let line = note.signatures()[0].clone();
        note.add(line.clone());
        assert_eq!(note.signatures().iter().filter(|s| **s == line).count(), 1);
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let notes = vectors()["formats"]["checkpoint_hash"].as_array().unwrap().iter();
        let mut seeds: Vec<_> = notes.map(|v| text(&v["in"]["note"])).collect();
        seeds.extend(hostile("checkpoint_hash", "note").into_iter().map(|t| t.as_bytes().to_vec()));
        seeds.push(COSIGNED.to_bytes());
        seeds.push(signer().verifier_key().to_string().into_bytes());
        seeds.extend(cosigners().map(|c| c.verifier_key().to_string().into_bytes()));
        seeds
    }
}

pub mod checkpoint {
    use super::*;

    /// What opens was signed: the text of the fixture, whatever lines stand beside.
    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        if kind % 3 == 0 {
            let Ok(read) =
                core::str::from_utf8(data).map_err(|_| ()).and_then(|t| Checkpoint::parse(t).map_err(|_| ()))
            else {
                return false;
            };
            assert_eq!(read.text().as_bytes(), data);
            assert!(read.head.size <= MAX_SIZE && !read.origin.is_empty());
            return true;
        }
        let data = if kind % 3 == 1 { data.to_vec() } else { edited(&COSIGNED.to_bytes(), data) };
        let (log, witnesses) = &*READER;
        let Ok(signed) = SignedCheckpoint::open(&data, log) else {
            assert!(CosignedCheckpoint::open(&data, log, witnesses).is_err());
            return false;
        };
        assert_eq!(signed.to_bytes(), data);
        assert_eq!(signed.checkpoint(), COSIGNED.checkpoint(), "a checkpoint that nobody signed");
        if let Ok(seen) = CosignedCheckpoint::open(&data, log, witnesses) {
            assert_eq!(seen.witnessed_time(), TIMES[1], "a time that no witness signed");
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let note = &*COSIGNED;
        let mut seeds = vec![kind(0, note.note().text()), kind(1, note.to_bytes())];
        let empty = Checkpoint { origin: ORIGIN.to_owned(), head: TreeHead::EMPTY };
        seeds.push(kind(0, empty.text()));
        seeds.extend(edits(&[0, 20, 30, 70, 100, 200, 300]).into_iter().map(|e| kind(2, e)));
        seeds
    }
}

pub mod tile {
    use super::*;

    fn number(data: &[u8]) -> Option<(u64, &[u8])> {
        let (head, rest) = data.split_first_chunk()?;
        Some((u64::from_be_bytes(*head), rest))
    }

    fn sound(tile: Tile) {
        assert!((1..=tiles::WIDTH).contains(&tile.width()));
        assert!(tile.start().checked_add(tile.width()).is_some_and(|end| end <= MAX_SIZE + 1));
        for tile in [tile, tile.full()] {
            assert_eq!(Tile::parse(&tile.to_string()).unwrap(), tile);
        }
    }

    pub fn run(data: &[u8]) -> bool {
        let Some((kind, data)) = data.split_first() else { return false };
        match kind % 4 {
            0 => {
                let Ok(path) = core::str::from_utf8(data) else { return false };
                let Ok(tile) = Tile::parse(path) else { return false };
                assert_eq!(tile.to_string(), path);
                sound(tile);
            }
            1 => {
                let Some((level, data)) = data.split_first() else { return false };
                let Some((index, data)) = number(data) else { return false };
                let Some((size, _)) = number(data) else { return false };
                let kind = if *level == 255 { Kind::Entries } else { Kind::Hashes(*level) };
                let Ok(tile) = Tile::of_tree(kind, index, size) else { return false };
                sound(tile);
            }
            2 => {
                let Some((width, bundle)) = data.split_first() else { return false };
                let Ok(tile) = Tile::of_tree(Kind::Entries, 0, (*width).into()) else { return false };
                let Ok(entries) = tiles::parse_entries(tile, bundle) else { return false };
                assert_eq!(entries.len(), usize::from(*width));
                let mut again = Vec::new();
                entries.iter().for_each(|entry| tiles::push_entry(&mut again, entry).unwrap());
                assert_eq!(again, bundle);
            }
            _ => {
                let Some((width, hashes)) = data.split_first() else { return false };
                let Ok(tile) = Tile::of_tree(Kind::Hashes(0), 0, (*width).into()) else { return false };
                let Ok(read) = tiles::parse_hashes(tile, hashes) else { return false };
                assert_eq!(read.concat(), hashes);
                assert_eq!(read.len(), usize::from(*width));
            }
        }
        true
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let of = |level: u8, index: u64, size: u64| {
            kind(1, [[level].as_slice(), &index.to_be_bytes(), &size.to_be_bytes()].concat())
        };
        let mut bundle = vec![2];
        tiles::push_entry(&mut bundle, b"first").unwrap();
        tiles::push_entry(&mut bundle, b"").unwrap();
        let mut seeds: Vec<_> = ["tile/0/000", "tile/3/x001/x234/067.p/8", "tile/entries/x001/000", "tile/7/127.p/1"]
            .map(|path| kind(0, path))
            .to_vec();
        seeds.extend([of(0, 0, 1), of(255, 3, 1_000), of(7, 127, MAX_SIZE), of(8, 0, MAX_SIZE), of(0, u64::MAX, 5)]);
        seeds.extend([kind(2, bundle), kind(3, [[2].as_slice(), &[7; 64]].concat())]);
        seeds
    }
}

/// RFC 6962 section 2.1 as it is written, to compare with.
mod rfc6962 {
    use super::*;

    fn cut(n: usize) -> usize {
        n.next_power_of_two() / 2
    }

    pub fn root(leaves: &[B32]) -> B32 {
        match leaves {
            [] => tree::EMPTY_ROOT,
            [one] => *one,
            _ => {
                let (left, right) = leaves.split_at(cut(leaves.len()));
                node_hash(&root(left), &root(right))
            }
        }
    }

    pub fn path(m: usize, leaves: &[B32]) -> Vec<B32> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(cut(leaves.len()));
        let (mut proof, beside) =
            if m < left.len() { (path(m, left), root(right)) } else { (path(m - left.len(), right), root(left)) };
        proof.push(beside);
        proof
    }

    pub fn subproof(m: usize, leaves: &[B32], whole: bool) -> Vec<B32> {
        if m == leaves.len() {
            return if whole { Vec::new() } else { vec![root(leaves)] };
        }
        let (left, right) = leaves.split_at(cut(leaves.len()));
        let (mut proof, beside) = if m <= left.len() {
            (subproof(m, left, whole), root(right))
        } else {
            (subproof(m - left.len(), right, false), root(left))
        };
        proof.push(beside);
        proof
    }
}

pub mod proof {
    use super::*;

    /// The proof of RFC 6962 is the only one that is taken.
    pub fn run(data: &[u8]) -> bool {
        plans(data);
        let [size, at, drop, edits @ ..] = data else { return false };
        let size = usize::from(size % 40) + 1;
        let leaves: Vec<B32> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let head = |n: usize| TreeHead { size: n as u64, root: rfc6962::root(&leaves[..n]) };
        let changed = |proof: &[B32]| {
            let kept = &proof[..proof.len() - usize::from(*drop) % (proof.len() + 1)];
            if kept.is_empty() {
                return kept.to_vec();
            }
            edited(&kept.concat(), edits).chunks(32).map(|hash| hash.try_into().unwrap()).collect()
        };

        let index = usize::from(*at) % size;
        let sound = rfc6962::path(index, &leaves);
        let proof = changed(&sound);
        let included = verify_inclusion(&leaves[index], index as u64, head(size), &proof).is_ok();
        assert_eq!(included, proof == sound);

        let old = usize::from(*at) % size + 1;
        let sound = rfc6962::subproof(old, &leaves, true);
        let proof = changed(&sound);
        let consistent = verify_consistency(head(old), head(size), &proof).is_ok();
        assert_eq!(consistent, proof == sound);
        included || consistent
    }

    /// Plans are made of sizes that a stranger names.
    fn plans(data: &[u8]) {
        let Some((numbers, _)) = data.split_first_chunk::<16>() else { return };
        let (a, b) = numbers.split_at(8);
        let [a, b] = [a, b].map(|n| u64::from_be_bytes(n.try_into().unwrap()));
        for plan in [tree::inclusion_plan(a, b), tree::consistency_plan(a, b)].into_iter().flatten() {
            assert!(plan.len() <= MAX_PROOF);
            assert!(plan.iter().all(|span| span.subtrees().len() <= MAX_PROOF));
            assert!(tiles::Tiles::needed(b, &plan).is_ok());
        }
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let mut seeds: Vec<_> = [[0, 0, 0], [1, 1, 0], [6, 3, 0], [7, 7, 0], [12, 7, 1], [39, 20, 0], [39, 31, 0]]
            .iter()
            .flat_map(|head| edits(&[5]).into_iter().map(move |e| [head.as_slice(), &e].concat()))
            .collect();
        for (a, b) in [(0, 1), (5, MAX_SIZE), (MAX_SIZE, MAX_SIZE), (1 << 40, (1 << 50) + 3), (3, u64::MAX)] {
            seeds.push([a.to_be_bytes(), u64::to_be_bytes(b)].concat());
        }
        seeds
    }
}

pub mod witness {
    use super::*;

    pub fn run(data: &[u8]) -> bool {
        let mut taken = false;
        if let Ok(request) = AddCheckpoint::parse(data) {
            assert_eq!(request.to_bytes(), data);
            assert!(request.proof.len() < MAX_PROOF && request.old_size <= MAX_SIZE);
            taken = true;
        }
        if let Ok(lines) = parse_cosignatures(data) {
            assert_eq!(format_cosignatures(&lines), data);
            assert!((1..=MAX_SIGNATURES).contains(&lines.len()));
            taken = true;
        }
        if let Ok(size) = parse_size(data) {
            assert_eq!(format!("{size}\n").as_bytes(), data);
            taken = true;
        }
        taken
    }

    pub fn seeds() -> Vec<Vec<u8>> {
        let note = &*COSIGNED;
        let ask = |old_size, proof| AddCheckpoint { old_size, proof, checkpoint: note.to_bytes() }.to_bytes();
        let lines = note.note().signatures();
        let mut seeds = vec![ask(0, vec![]), ask(3, vec![[4; 32]; 3]), format_cosignatures(&lines[1..])];
        seeds.extend([b"0\n".as_slice(), b"71\n", b"07\n", b"71", b"old 3\n"].map(<[u8]>::to_vec));
        seeds
    }
}
