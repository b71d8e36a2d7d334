//! The auditor's tools on whole copies of both logs: what they say of a clean one, of lies, and of files that were changed
//! on their way to a third person. The copies come from the harness of `tests/lies`.

#[allow(dead_code)] // the lies' own tests use the rest
#[path = "../lies/clean.rs"]
mod clean;
#[path = "../common/folder.rs"]
mod folder;
#[allow(dead_code)]
#[path = "../lies/forge.rs"]
mod forge;
#[allow(dead_code)]
#[path = "../lies/verdict.rs"]
mod verdict;
#[path = "../../crypto/tests/common/world.rs"]
mod world;

mod lists;
mod proofs;
mod reports;

use std::path::PathBuf;

use serde_json::Value;
use tabir_crypto::trust::Trust;

use crate::forge::Forge;

/// A copy on disk, with the trust root beside it.
pub struct OnDisk {
    pub dir: tempfile::TempDir,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    /// Its one line of JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

impl OnDisk {
    pub fn of(forge: &Forge) -> Self {
        Self::with(forge, &forge::trust())
    }

    pub fn with(forge: &Forge, trust: &Trust) -> Self {
        let dir = tempfile::tempdir().unwrap();
        forge.write(&dir.path().join("log"));
        tabir::config::trust_file::store(&dir.path().join("trust.json"), trust).unwrap();
        Self { dir }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `tabir audit …` in this folder: the copy is `log`, the trust root `trust.json`.
    pub async fn audit(&self, args: &[&str]) -> Answer {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
        command.arg("audit").args(args).args(["--trust", "trust.json"]).current_dir(self.dir.path());
        // A language of its own, whatever the machine's is.
        command
            .env("LC_ALL", "C")
            .env_remove("TABIR_TRUST")
            .env_remove("TABIR_SERVER")
            .stdin(std::process::Stdio::null());
        let out = command.output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer { code: out.status.code().unwrap(), out: text(out.stdout), err: text(out.stderr) }
    }
}
