//! The officials' commands, each in a process of its own, as three people would run them.

use serde_json::Value;

use crate::world::World;

/// A command of somebody else: exit code, standard output, standard error.
pub async fn tabir(world: &World, args: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    run(command.args(args).env("TABIR_TRUST", world.dir.path().join("trust.json"))).await
}

async fn run(command: &mut tokio::process::Command) -> (i32, String, String) {
    let out = command.stdin(std::process::Stdio::null()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

/// One official's command: exit code, standard output, standard error.
pub async fn unseal(world: &World, n: u16, step: &str, more: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(["unseal", step, "--server", &world.ports.peers().gateway, "--json"]);
    command.arg("--trust").arg(world.dir.path().join("trust.json"));
    command.arg("--key").arg(world.key_file(n)).arg("--passphrase-file").arg(world.passphrase_file(n));
    run(command.args(more)).await
}

/// The same, which must succeed.
pub async fn done(world: &World, n: u16, step: &str, more: &[&str]) -> Value {
    let (code, out, err) = unseal(world, n, step, more).await;
    assert_eq!(code, 0, "{step} by {n}: {err}");
    let remembered = world.key_file(n).with_added_extension("heads").join("governance/checkpoint");
    assert!(remembered.exists(), "an official's tools remember the last head");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{step}: {e}: {out}"))
}
