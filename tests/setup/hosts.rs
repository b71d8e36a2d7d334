//! Hosts as folders of one machine: each has `/var/lib/tabir` of its own, and a `systemctl` that starts what the units in
//! `docs/deploy` say.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::folder::copy_folder;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tabir");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Starts the command of a unit, and ends it by its own id.
const SYSTEMCTL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
action=$1; [ "$action" = enable ] && shift
unit=$2; name=${unit#*@}; file=$UNITS/${unit%%@*}
[[ $unit == *@* ]] && file=$file@
mkdir -p "$HOST/pids"
pid=$HOST/pids/$name
# One that has ended may still be there as a zombie.
alive() { [ -e "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
case $action in
enable | start)
    line=$(sed -n 's|^ExecStart=/usr/local/bin/||p' "$file.service")
    line=${line//%i/$name}; line=${line//\/var\/lib\/tabir/$HOST}
    TABIR_LOG=info setsid $line >>"$HOST/$name.log" 2>&1 </dev/null & echo $! >"$pid"
    for _ in $(seq 100); do
        alive "$(cat "$pid")" || { cat "$HOST/$name.log" >&2; exit 1; }
        grep -q running "$HOST/$name.log" && exit 0
        sleep 0.1
    done ;;
stop)
    kill -TERM "$(cat "$pid")"
    for _ in $(seq 600); do alive "$(cat "$pid")" || { rm "$pid"; : >"$HOST/$name.log"; exit 0; }; sleep 0.1; done
    echo "$unit does not end" >&2; exit 1 ;;
esac
"#;

/// All of them; dropping it ends every process that was started.
pub struct Hosts {
    dir: tempfile::TempDir,
    /// What is written instead of what the page says, everywhere and at one host.
    everywhere: Vec<(String, String)>,
    at: BTreeMap<String, Vec<(String, String)>>,
    certificate: PathBuf,
}

impl Hosts {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(PROGRAM, bin.join("tabir")).unwrap();
        std::fs::write(bin.join("systemctl"), SYSTEMCTL).unwrap();
        std::fs::set_permissions(bin.join("systemctl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let certificate = dir.path().join("ca.pem");
        Self { dir, everywhere: Vec::new(), at: BTreeMap::new(), certificate }
    }

    /// The folder of all of them.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The authority that all of them believe.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// An address of this test in the place of one of the page.
    pub fn instead(&mut self, of: &str, is: &str) {
        self.everywhere.push((of.to_owned(), is.to_owned()));
    }

    /// The same at one host.
    pub fn instead_at(&mut self, host: &str, of: &str, is: &str) {
        self.at.entry(host.to_owned()).or_default().push((of.to_owned(), is.to_owned()));
    }

    /// A host's folder, which is its `/var/lib/tabir`.
    pub fn host(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        if !folder.exists() {
            std::fs::create_dir(&folder).unwrap();
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        folder
    }

    fn text(&self, host: &str, text: &str) -> String {
        let mut text = text.replace("/var/lib/tabir", self.host(host).to_str().unwrap());
        for (of, is) in self.everywhere.iter().chain(self.at.get(host).into_iter().flatten()) {
            text = text.replace(of.as_str(), is);
        }
        text
    }

    fn command(&self, host: &str, program: &str) -> Command {
        let folder = self.host(host);
        let path = format!("{}:{}", self.dir.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command
            .current_dir(&folder)
            .env("PATH", path)
            .env("HOST", &folder)
            .env("UNITS", format!("{ROOT}/docs/deploy/systemd"));
        command.env("TABIR_REHEARSAL", "true").env("SSL_CERT_FILE", &self.certificate).stdin(Stdio::null());
        command
    }

    /// Runs commands of the page; the exit code is theirs.
    pub fn shell(&self, host: &str, commands: &str) -> Output {
        let output =
            self.command(host, "bash").args(["-euo", "pipefail", "-c", &self.text(host, commands)]).output().unwrap();
        self.adapt(host);
        output
    }

    /// Runs `tabir`, which must succeed; gives what it printed.
    pub fn tabir(&self, host: &str, args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|a| self.text(host, a)).collect();
        let output = self.command(host, "tabir").args(&args).output().unwrap();
        assert!(
            output.status.success(),
            "{host}: tabir {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts `tabir` beside this.
    pub fn beside(&self, host: &str, args: &[&str]) -> std::process::Child {
        let args: Vec<String> = args.iter().map(|a| self.text(host, a)).collect();
        self.command(host, "tabir").args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Ports that commands wrote become those of this test.
    fn adapt(&self, host: &str) {
        for name in ["outer", "inner", "warden", "desk"] {
            let file = self.host(host).join(name).join("tabir.toml");
            if let Ok(text) = std::fs::read_to_string(&file) {
                std::fs::write(&file, self.text(host, &text)).unwrap();
            }
        }
    }

    /// Carries a file or a folder.
    pub fn carry(&self, from: (&str, &str), to: (&str, &str)) {
        let place = |(host, path): (&str, &str)| self.host(host).join(self.text(host, path));
        let (from, to) = (place(from), place(to));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        if from.is_dir() {
            copy_folder(&from, &to);
            private(&to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }

    /// What the processes of a host wrote.
    pub fn said(&self, host: &str) -> String {
        let files = std::fs::read_dir(self.host(host)).unwrap().map(|f| f.unwrap().path());
        let logs = files.filter(|f| f.extension().is_some_and(|e| e == "log"));
        logs.map(|f| format!("{}:\n{}\n", f.display(), std::fs::read_to_string(&f).unwrap())).collect()
    }
}

/// As `cp --archive` leaves it: the folders of a role are for their owner only.
fn private(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    for file in std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).filter(|f| f.is_dir()) {
        private(&file);
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let hosts = std::fs::read_dir(self.dir.path()).into_iter().flatten().flatten().map(|h| h.path().join("pids"));
        for pid in hosts.filter_map(|p| std::fs::read_dir(p).ok()).flatten().flatten() {
            let pid = std::fs::read_to_string(pid.path()).unwrap_or_default();
            // Each was started here; an error means that it has ended.
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).stderr(Stdio::null()).status();
        }
    }
}
