//! Proofs from tiles, and the hashing of a tree beside Go's.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tabir_crypto::log::tile::{Edge, Tile, Tiles};
use tabir_crypto::log::tree::{inclusion_plan, prove, verify_inclusion};
use tabir_crypto::log::{TreeHead, leaf_hash};
use tokio::time::Instant;

use crate::Outcome;
use crate::figures::Row;

/// Sizes of trees, as their rows name them.
const SIZES: [(&str, &str, u64); 3] = [
    ("proof_bytes_1e4", "proof_us_1e4", 10_000),
    ("proof_bytes_1e6", "proof_us_1e6", 1_000_000),
    ("proof_bytes_1e7", "proof_us_1e7", 10_000_000),
];
/// Proofs of each.
const PROOFS: u64 = 1_000;
/// Leaves that both implementations hash, and the length of one.
const LEAVES: usize = 1_000_000;
const LEAF: usize = 500;
/// Runs of the hashing, in turns.
const RUNS: usize = 3;

/// A leaf of which each is another one; the peer makes the same.
fn write_leaf(leaf: &mut [u8], n: u64) {
    for (place, byte) in leaf.iter_mut().zip(n.to_be_bytes()) {
        *place = byte;
    }
}

/// Every tile of a tree, and its head.
fn tiles(size: u64, length: usize) -> Outcome<(HashMap<Tile, Vec<u8>>, TreeHead)> {
    let (mut edge, mut leaf, mut tiles) = (Edge::default(), vec![7; length], HashMap::new());
    for n in 0..size {
        write_leaf(&mut leaf, n);
        edge.push(&leaf)?;
        if n % (1 << 20) == 0 {
            // Only the ones that are full: partial ones come once, at the end.
            tiles.extend(edge.take_tiles()?.into_iter().filter(|(tile, _)| *tile == tile.full()));
        }
    }
    tiles.extend(edge.take_tiles()?);
    Ok((tiles, edge.head()))
}

/// The rows about proofs and hashes.
pub fn rows() -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (bytes, us, size) in SIZES {
        eprintln!("a tree of {size} leaves");
        let (tiles, head) = tiles(size, 8)?;
        let (mut lengths, mut times, mut fetched) = (Vec::new(), Vec::new(), 0);
        for i in 0..PROOFS {
            let index = (i * 7_919 + 1) * 104_729 % size;
            let begin = Instant::now();
            let plan = inclusion_plan(index, size)?;
            let needed = Tiles::needed(size, &plan)?;
            let mut source = Tiles::new(size);
            for tile in &needed {
                source.insert(*tile, tiles.get(tile).ok_or("a tile is missing")?)?;
            }
            let proof = prove(&plan, |subtree| source.hash(subtree))?;
            times.push(begin.elapsed().as_secs_f64() * 1e6);
            fetched = fetched.max(needed.len());
            let mut leaf = [7; 8];
            write_leaf(&mut leaf, index);
            verify_inclusion(&leaf_hash(&leaf), index, head, &proof)?;
            lengths.push(32.0 * proof.len() as f64);
        }
        let which = format!("{PROOFS} inclusion proofs of entries all over a tree of {size}");
        rows.push(Row::new(bytes, "bytes", &lengths, format!("{which}: 32 bytes for each hash; each verified.")));
        let note =
            format!("{which}: made from tiles that are at hand, at most {fetched} for one, as a reader makes it.");
        rows.push(Row::new(us, "µs", &times, note));
    }
    rows.push(beside_go()?);
    Ok(rows)
}

fn hashing() -> Outcome<(Duration, String)> {
    let mut leaf = vec![7; LEAF];
    let begin = Instant::now();
    let mut edge = Edge::default();
    for n in 0..LEAVES as u64 {
        write_leaf(&mut leaf, n);
        edge.push(&leaf)?;
    }
    let tiles = edge.take_tiles()?;
    let took = begin.elapsed();
    assert!(!tiles.is_empty());
    Ok((took, hex::encode(edge.head().root)))
}

/// The same leaves into Go's tlog, by the program in `peer`; it prints nanoseconds and root.
fn go(program: &Path) -> Outcome<(Duration, String)> {
    let output = Command::new(program).args([LEAVES.to_string(), LEAF.to_string()]).output()?;
    let said = String::from_utf8(output.stdout)?;
    let (ns, root) = said.trim().split_once(' ').ok_or("the peer said nothing")?;
    Ok((Duration::from_nanos(ns.parse()?), root.to_owned()))
}

fn beside_go() -> Outcome<Row> {
    let what = format!("{LEAVES} leaves of {LEAF} bytes hashed into a tree, all inner hashes kept, one thread");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peer");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/log/peer/main.go");
    let mut build = Command::new("go");
    // Debian's package of golang.org/x/mod lies in a GOPATH.
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "");
    let built = build.args(["build", "-o"]).arg(&program).arg(&source).status();
    if !built.is_ok_and(|status| status.success()) {
        return Ok(Row::new("peer_hash_ratio", "s", &[], format!("{what}: Go's peer can't be built here.")));
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 1..=RUNS {
        eprintln!("hashing: run {run} of {RUNS}");
        let ((mine, my_root), (other, root)) = (hashing()?, go(&program)?);
        assert_eq!(my_root, root, "both must hash the same tree");
        ours.push(mine.as_secs_f64());
        theirs.push(other.as_secs_f64());
    }
    let note = format!("{what}; both reach the same root.");
    Ok(Row::new("peer_hash_ratio", "s", &ours, note).beside("golang.org/x/mod/sumdb/tlog", &theirs))
}
