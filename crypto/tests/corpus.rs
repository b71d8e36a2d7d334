//! The kept corpus of `fuzz/corpus`, and the seeds, through the targets that fuzzing drives: a crash that was found once
//! stays away. `docs/testing.md` has how inputs come into it.

#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::path::PathBuf;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// The inputs of one target: their names and bytes.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(corpus().join(target)).unwrap_or_else(|e| panic!("fuzz/corpus/{target}: {e}"));
    let file = |f: std::io::Result<std::fs::DirEntry>| {
        let path = f.unwrap().path();
        (path.display().to_string(), std::fs::read(&path).unwrap())
    };
    files.map(file).collect()
}

/// Each input keeps its target's properties; and each target takes some inputs and refuses some, or it would test nothing.
#[test]
fn every_kept_input_keeps_the_properties_of_its_target() {
    let mut broken = Vec::new();
    for target in targets::ALL {
        let seeds = (target.seeds)().into_iter().zip(0..).map(|(input, i)| (format!("seed {i}"), input));
        let (mut taken, mut refused) = (0, 0);
        for (name, input) in inputs(target.name).into_iter().chain(seeds) {
            match std::panic::catch_unwind(|| (target.run)(&input)) {
                Ok(true) => taken += 1,
                Ok(false) => refused += 1,
                Err(_) => broken.push(format!("{}: {name}", target.name)),
            }
        }
        if taken == 0 || refused == 0 {
            broken.push(format!("{}: {taken} taken, {refused} refused", target.name));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Below 2 MB, and nothing that no target has.
#[test]
fn the_corpus_is_small_and_has_a_folder_a_target() {
    let there: BTreeSet<_> = std::fs::read_dir(corpus()).unwrap().map(|f| f.unwrap().file_name()).collect();
    let wanted: BTreeSet<_> = targets::ALL.iter().map(|t| t.name.into()).collect();
    assert_eq!(there, wanted);
    let size: usize = targets::ALL.iter().flat_map(|t| inputs(t.name)).map(|(_, input)| input.len()).sum();
    assert!(size < 2_000_000, "{size} bytes");
}

/// Names are told apart, or one would shadow another.
#[test]
fn a_target_is_found_by_its_name() {
    for target in targets::ALL {
        assert!(std::ptr::eq(targets::named(target.name).unwrap(), target));
    }
    assert!(targets::named("").is_none());
}
