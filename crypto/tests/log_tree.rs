//! Merkle trees and tiles, against the recursive definitions of RFC 6962 and against each other.

use std::collections::BTreeMap;

use tabir_crypto::codec::{B32, unhex};
use tabir_crypto::log::tile::{self, Edge, Kind, MAX_ENTRY, Tile, Tiles};
use tabir_crypto::log::tree::{
    EMPTY_ROOT, MAX_SIZE, Span, Subtree, TreeHead, consistency_plan, inclusion_plan, leaf_hash, node_hash, prove,
    verify_consistency, verify_inclusion,
};
use tabir_crypto::{Code, Result};

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.expect_err("must be refused").code()
}

/// RFC 6962 section 2.1, word by word.
fn mth(leaves: &[B32]) -> B32 {
    match leaves {
        [] => EMPTY_ROOT,
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// RFC 6962 section 2.1.1.
fn path(m: usize, leaves: &[B32]) -> Vec<B32> {
    if leaves.len() == 1 {
        return vec![];
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut inside, beside) = if m < k { (path(m, left), mth(right)) } else { (path(m - k, right), mth(left)) };
    inside.push(beside);
    inside
}

/// RFC 6962 section 2.1.2.
fn subproof(m: usize, leaves: &[B32], whole: bool) -> Vec<B32> {
    if m == leaves.len() {
        return if whole { vec![] } else { vec![mth(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut inside, beside) =
        if m <= k { (subproof(m, left, whole), mth(right)) } else { (subproof(m - k, right, false), mth(left)) };
    inside.push(beside);
    inside
}

fn entry(i: u64) -> Vec<u8> {
    format!("entry {i}").into_bytes()
}

fn leaves(n: u64) -> Vec<B32> {
    (0..n).map(|i| leaf_hash(&entry(i))).collect()
}

fn head(leaves: &[B32]) -> TreeHead {
    TreeHead { size: leaves.len() as u64, root: mth(leaves) }
}

fn from_leaves(leaves: &[B32]) -> impl Fn(Subtree) -> Result<B32> {
    |s| {
        let start = (s.index << s.level) as usize;
        Ok(mth(&leaves[start..start + (1 << s.level)]))
    }
}

/// A proof with one thing wrong: a hash changed, missing, doubled or one too many.
fn spoiled(proof: &[B32]) -> Vec<Vec<B32>> {
    let mut out = vec![[proof, &[[7; 32]]].concat()];
    for i in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[i][31] ^= 1;
        let mut missing = proof.to_vec();
        missing.remove(i);
        out.extend([changed, missing]);
    }
    out
}

/// The well-known tree of the Certificate Transparency project's tests.
#[test]
fn roots_of_certificate_transparencys_test_tree() {
    let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let leaves: Vec<B32> = inputs.iter().map(|i| leaf_hash(&hex::decode(i).unwrap())).collect();
    let roots = [
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ];
    for (n, root) in roots {
        let span = Span::whole(n).unwrap();
        assert_eq!(span.hash(from_leaves(&leaves)).unwrap(), unhex(root).unwrap(), "size {n}");
    }
}

#[test]
fn inclusion_proofs_of_every_small_tree() {
    let all = leaves(70);
    for n in 1..=70_usize {
        let tree = head(&all[..n]);
        for m in 0..n {
            let proof = prove(&inclusion_plan(m as u64, tree.size).unwrap(), from_leaves(&all[..n])).unwrap();
            assert_eq!(proof, path(m, &all[..n]), "entry {m} of {n}");
            verify_inclusion(&all[m], m as u64, tree, &proof).unwrap();
            for bad in spoiled(&proof) {
                assert_eq!(code(verify_inclusion(&all[m], m as u64, tree, &bad)), Code::Inclusion, "{m} of {n}");
            }
            let other_root = TreeHead { root: [9; 32], ..tree };
            assert_eq!(code(verify_inclusion(&all[m], m as u64, other_root, &proof)), Code::Inclusion);
            assert_eq!(code(verify_inclusion(&[9; 32], m as u64, tree, &proof)), Code::Inclusion);
            for other in (0..n + 2).filter(|i| *i != m) {
                assert_eq!(code(verify_inclusion(&all[m], other as u64, tree, &proof)), Code::Inclusion);
            }
        }
        assert_eq!(code(inclusion_plan(n as u64, tree.size)), Code::Size);
    }
    assert_eq!(code(inclusion_plan(0, 0)), Code::Size);
    assert_eq!(code(verify_inclusion(&EMPTY_ROOT, 0, TreeHead::EMPTY, &[])), Code::Inclusion);
}

#[test]
fn consistency_proofs_of_every_small_tree() {
    let all = leaves(70);
    for n in 0..=70_usize {
        let new = head(&all[..n]);
        for m in 0..=n {
            let old = head(&all[..m]);
            let proof = prove(&consistency_plan(old.size, new.size).unwrap(), from_leaves(&all[..n])).unwrap();
            let expected = if m == 0 || m == n { vec![] } else { subproof(m, &all[..n], true) };
            assert_eq!(proof, expected, "{m} to {n}");
            verify_consistency(old, new, &proof).unwrap();
            for bad in spoiled(&proof) {
                assert_eq!(code(verify_consistency(old, new, &bad)), Code::Consistency, "{m} to {n}");
            }
            let wrong_old = TreeHead { root: [9; 32], ..old };
            assert_eq!(code(verify_consistency(wrong_old, new, &proof)), Code::Consistency, "{m} to {n}");
            if m > 0 {
                let wrong_new = TreeHead { root: [9; 32], ..new };
                assert_eq!(code(verify_consistency(old, wrong_new, &proof)), Code::Consistency, "{m} to {n}");
            }
        }
        assert_eq!(code(consistency_plan(n as u64 + 1, n as u64)), Code::Size);
    }
}

/// Sizes that are no sizes, with hashes that would fit.
#[test]
fn refuses_trees_beyond_the_largest() {
    let huge = TreeHead { size: MAX_SIZE + 1, root: leaf_hash(b"x") };
    assert_eq!(code(verify_consistency(huge, huge, &[])), Code::Consistency);
    let siblings = vec![[7; 32]; 63];
    let root = siblings.iter().fold(leaf_hash(b"x"), |hash, sibling| node_hash(&hash, sibling));
    let largest = TreeHead { size: MAX_SIZE, root };
    verify_inclusion(&leaf_hash(b"x"), 0, largest, &siblings).unwrap();
    let beyond = TreeHead { size: MAX_SIZE + 1, root };
    assert_eq!(code(verify_inclusion(&leaf_hash(b"x"), 0, beyond, &siblings)), Code::Inclusion);
    let mut edge = Edge::load(MAX_SIZE, |tile| Ok(vec![0; 32 * tile.width() as usize])).unwrap();
    assert_eq!(code(edge.push(b"x")), Code::Size);
    assert_eq!(edge.size(), MAX_SIZE);
}

#[test]
fn refuses_a_tree_that_shrank() {
    let all = leaves(8);
    assert_eq!(code(verify_consistency(head(&all), head(&all[..7]), &[])), Code::Shrunk);
}

/// Serves a tree's tiles from memory, each in its widest form only, like the store of a log.
struct Log {
    tiles: BTreeMap<(Kind, u64), Vec<u8>>,
    heads: Vec<TreeHead>,
    edge: Edge,
}

impl Log {
    /// Grows by steps, and reloads its edge after each like a process that was restarted.
    fn new(steps: &[u64]) -> Self {
        let mut log = Self { tiles: BTreeMap::new(), heads: vec![], edge: Edge::default() };
        for step in steps {
            for _ in 0..*step {
                let next = entry(log.edge.size());
                log.edge.push(&next).unwrap();
            }
            for (tile, bytes) in log.edge.take_tiles().unwrap() {
                log.tiles.insert((tile.kind(), tile.index()), bytes);
            }
            log.heads.push(log.edge.head());
            let again = Edge::load(log.edge.size(), |t| log.read(t)).unwrap();
            assert_eq!(again.head(), log.edge.head());
            log.edge = again;
        }
        log
    }

    fn read(&self, tile: Tile) -> Result<Vec<u8>> {
        Ok(self.tiles[&(tile.kind(), tile.index())][..32 * tile.width() as usize].to_vec())
    }
}

#[test]
fn an_edge_has_the_root_and_tiles_of_its_tree() {
    for n in (0..=70).chain([255, 256, 257, 511, 512, 513, 700]) {
        let all = leaves(n);
        let log = Log::new(&vec![1; n as usize]);
        assert_eq!(log.edge.head(), head(&all), "size {n}");
    }
}

#[test]
fn proofs_from_tiles_of_larger_trees() {
    let steps = [1, 254, 1, 1, 255, 300, 1000, 63_000, 724, 3, 2000, 4461];
    let log = Log::new(&steps);
    let all = leaves(steps.iter().sum());
    for tree in &log.heads {
        let n = tree.size as usize;
        assert_eq!(tree.root, mth(&all[..n]), "size {n}");
        let whole = [Span::whole(tree.size).unwrap()];
        let tiles = Tiles::fetched(tree.size, &whole, |t| log.read(t)).unwrap();
        assert_eq!(whole[0].hash(|s| tiles.hash(s)).unwrap(), tree.root);
        for i in 0..20_u64 {
            let index = (i * 0x9e37_79b9 + i * i) % tree.size;
            let plan = inclusion_plan(index, tree.size).unwrap();
            let tiles = Tiles::fetched(tree.size, &plan, |t| log.read(t)).unwrap();
            let proof = prove(&plan, |s| tiles.hash(s)).unwrap();
            verify_inclusion(&all[index as usize], index, *tree, &proof).unwrap();
        }
        for old in log.heads.iter().filter(|old| old.size <= tree.size) {
            let plan = consistency_plan(old.size, tree.size).unwrap();
            let tiles = Tiles::fetched(tree.size, &plan, |t| log.read(t)).unwrap();
            let proof = prove(&plan, |s| tiles.hash(s)).unwrap();
            verify_consistency(*old, *tree, &proof).unwrap();
        }
    }
}

/// The specification's example: a tree of 70,000 entries.
#[test]
fn tiles_of_a_tree_of_70000() {
    let tiles = tile::grown(0, 70_000).unwrap();
    let full = |level| tiles.iter().filter(|t| t.kind() == Kind::Hashes(level) && t.width() == 256).count();
    let partial = |level| tiles.iter().find(|t| t.kind() == Kind::Hashes(level) && t.width() < 256).map(|t| t.width());
    assert_eq!((full(0), partial(0)), (273, Some(112)));
    assert_eq!((full(1), partial(1)), (1, Some(17)));
    assert_eq!((full(2), partial(2)), (0, Some(1)));
    assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
    let at_256: Vec<String> = tile::grown(0, 256).unwrap().iter().map(Tile::to_string).collect();
    assert_eq!(at_256, ["tile/0/000", "tile/1/000.p/1"]);
    let at_260: Vec<String> = tile::grown(257, 260).unwrap().iter().map(Tile::to_string).collect();
    assert_eq!(at_260, ["tile/0/001.p/4"]);
    let at_600: Vec<String> = tile::grown(512, 600).unwrap().iter().map(Tile::to_string).collect();
    assert_eq!(at_600, ["tile/0/002.p/88"], "full tiles never change");
    assert_eq!(tile::grown(260, 260).unwrap(), []);
    let bundles: Vec<String> = tile::bundles(255, 513).unwrap().map(|t| t.to_string()).collect();
    assert_eq!(bundles, ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/1"]);
}

/// A log can sign any size; whoever reads it must not make a list of all that it claims before the first entry is there.
#[test]
fn a_claimed_size_costs_nothing() {
    let mut bundles = tile::bundles(0, MAX_SIZE).unwrap();
    assert_eq!(bundles.next().unwrap().to_string(), "tile/entries/000");
    let last = tile::bundles(MAX_SIZE - 1, MAX_SIZE).unwrap().map(|t| (t.index(), t.width()));
    assert_eq!(last.collect::<Vec<_>>(), [(MAX_SIZE / 256, 255)]);
    assert_eq!(tile::bundles(0, MAX_SIZE + 1).err().map(|e| e.code()), Some(Code::Tile));
    assert_eq!(tile::bundles(5, 5).unwrap().count(), 1, "the one that holds entry 5");
}

#[test]
fn the_partial_tiles_of_a_tree_are_those_at_its_right_edge() {
    let edge = |size| {
        let tiles = Edge::tiles_of(size).unwrap();
        tiles.into_iter().map(|tile| tile.map(|t| t.to_string())).collect::<Vec<_>>()
    };
    let some = |path: &str| Some(path.to_owned());
    assert_eq!(edge(0), [None; 0]);
    assert_eq!(edge(1), [some("tile/0/000.p/1")]);
    assert_eq!(edge(256), [None, some("tile/1/000.p/1")]);
    assert_eq!(edge(513), [some("tile/0/002.p/1"), some("tile/1/000.p/2")]);
}

#[test]
fn tile_paths_have_one_form() {
    for path in ["tile/0/000", "tile/7/x001/x234/067", "tile/entries/x001/000.p/255", "tile/1/999.p/1"] {
        assert_eq!(Tile::parse(path).unwrap().to_string(), path);
    }
    let tile = Tile::parse("tile/entries/x001/x234/067.p/8").unwrap();
    assert_eq!((tile.kind(), tile.index(), tile.width(), tile.start()), (Kind::Entries, 1_234_067, 8, 315_921_152));
    assert_eq!(tile.full().to_string(), "tile/entries/x001/x234/067");
    for path in [
        "tile/00/000",
        "tile/8/000",
        "tile/64/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x1/000",
        "tile/0/1000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1.p/1",
        "tile/0/000/",
        "tile/0/",
        "tile/entries",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x036/x028/x797/x018/x963/968",
    ] {
        assert_eq!(code(Tile::parse(path)), Code::Tile, "{path}");
    }
}

#[test]
fn refuses_tiles_that_the_tree_does_not_have() {
    let of = |kind, index, size| Tile::of_tree(kind, index, size);
    assert_eq!(of(Kind::Hashes(0), 1, 257).unwrap().to_string(), "tile/0/001.p/1");
    assert_eq!(code(of(Kind::Hashes(0), 1, 256)), Code::Tile);
    assert_eq!(code(of(Kind::Hashes(1), 0, 255)), Code::Tile);
    assert_eq!(code(of(Kind::Entries, 0, 0)), Code::Tile);
    assert_eq!(code(of(Kind::Hashes(8), 0, MAX_SIZE)), Code::Tile);
    assert_eq!(code(of(Kind::Entries, u64::MAX, MAX_SIZE)), Code::Tile);
    assert_eq!(code(of(Kind::Entries, 0, MAX_SIZE + 1)), Code::Tile);
    of(Kind::Hashes(7), 0, MAX_SIZE).unwrap();
}

#[test]
fn refuses_tiles_and_bundles_of_another_width() {
    let tile = Tile::parse("tile/0/000.p/2").unwrap();
    assert_eq!(tile::parse_hashes(tile, &[1; 64]).unwrap(), [[1; 32]; 2]);
    for length in [0, 32, 63, 65, 96] {
        assert_eq!(code(tile::parse_hashes(tile, &vec![1; length])), Code::Tile, "{length}");
    }
    let tile = Tile::parse("tile/entries/000.p/2").unwrap();
    let mut bundle = Vec::new();
    tile::push_entry(&mut bundle, b"abc").unwrap();
    tile::push_entry(&mut bundle, b"").unwrap();
    assert_eq!(bundle, b"\0\x03abc\0\0");
    assert_eq!(tile::parse_entries(tile, &bundle).unwrap(), [b"abc".to_vec(), vec![]]);
    for length in 0..bundle.len() {
        assert_eq!(code(tile::parse_entries(tile, &bundle[..length])), Code::Tile, "{length}");
    }
    bundle.extend([0, 0]);
    assert_eq!(code(tile::parse_entries(tile, &bundle)), Code::Tile);
}

#[test]
fn refuses_an_entry_longer_than_its_length_field() {
    let (mut bundle, mut edge) = (Vec::new(), Edge::default());
    tile::push_entry(&mut bundle, &vec![0; MAX_ENTRY]).unwrap();
    edge.push(&vec![0; MAX_ENTRY]).unwrap();
    assert_eq!(code(tile::push_entry(&mut bundle, &vec![0; MAX_ENTRY + 1])), Code::TooLong);
    assert_eq!(code(edge.push(&vec![0; MAX_ENTRY + 1])), Code::TooLong);
}
