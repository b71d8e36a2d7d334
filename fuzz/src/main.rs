//! libFuzzer around [`targets`]: the variable `TARGET` names one. With `SEEDS` it writes the seeds of all targets into
//! that folder, and ends. `scripts/fuzz` is the way to call it.
#![no_main]

mod targets;

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};

static RUN: OnceLock<fn(&[u8]) -> bool> = OnceLock::new();

fn write_seeds(to: &Path) -> std::io::Result<()> {
    for target in targets::ALL {
        let folder = to.join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (seed, number) in (target.seeds)().iter().zip(0..) {
            std::fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
        println!("{}", target.name);
    }
    Ok(())
}

fn init() {
    if let Some(folder) = std::env::var_os("SEEDS") {
        write_seeds(Path::new(&folder)).expect("the seeds are written");
        std::process::exit(0);
    }
    let name = std::env::var("TARGET").unwrap_or_default();
    let Some(target) = targets::named(&name) else {
        eprintln!("TARGET is none of: {}", targets::ALL.iter().map(|t| t.name).collect::<Vec<_>>().join(" "));
        std::process::exit(2);
    };
    RUN.get_or_init(|| target.run);
}

fuzz_target!(init: init(), |data: &[u8]| -> Corpus {
    RUN.get().expect("init ran")(data);
    Corpus::Keep
});
