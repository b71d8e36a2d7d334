//! From nothing to live: `docs/integrating.md` as it is written, and what it promises of configuration, doctor, proxies and
//! units.

mod config;
mod deploy;
mod doctor;
#[path = "../common/folder.rs"]
mod folder;
mod hosts;
mod init;
mod nginx;
mod page;
mod renamed;
#[path = "../stage/mod.rs"]
mod stage;
mod walk;

use std::path::Path;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tabir");

/// Runs the program where nobody can be asked.
fn tabir(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Free ports of this moment, all different.
fn ports<const N: usize>() -> [u16; N] {
    [(); N].map(|()| tabir::cli::demo::ports::free_port().unwrap())
}
