//! The demo's processes: every role on its own, started from this very binary, ended by its own id.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::cli::CliError;

/// What a role's log output is called in its folder.
const OUTPUT: &str = "output.log";
/// How long a role may take until it answers.
const START: Duration = Duration::from_secs(20);
/// How long a role may take to end by itself.
const STOP: Duration = Duration::from_secs(10);

/// Every role, by name.
pub struct Processes {
    dir: PathBuf,
    running: BTreeMap<&'static str, Child>,
}

/// This binary.
pub fn program() -> Result<PathBuf, CliError> {
    std::env::current_exe().map_err(|e| CliError::Failed(format!("where is this program? {e}")))
}

impl Processes {
    /// None yet; each role has a folder of its name below `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), running: BTreeMap::new() }
    }

    /// A role's folder.
    #[must_use]
    pub fn folder(&self, role: &str) -> PathBuf {
        self.dir.join(role)
    }

    /// Starts a role and waits until its port, if it has one, answers. Gives its process id.
    pub async fn start(&mut self, role: &'static str, port: Option<u16>) -> Result<u32, CliError> {
        let folder = self.folder(role);
        let path = folder.join(OUTPUT);
        let file = File::options().create(true).append(true).open(&path);
        let output = file.map_err(|e| CliError::File(path.clone(), e))?;
        let child = Command::new(program()?)
            .args(["serve", "--config"])
            .arg(folder.join("tabir.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| CliError::Failed(format!("{role} can't be started: {e}")))?;
        let pid = child.id().unwrap_or_default();
        self.running.insert(role, child);
        let deadline = tokio::time::Instant::now() + START;
        while let Some(port) = port {
            if TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                break;
            }
            self.check(role)?;
            if tokio::time::Instant::now() > deadline {
                return Err(CliError::Failed(format!("{role} does not answer; see {}", path.display())));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        self.check(role)?;
        Ok(pid)
    }

    /// A role that ended by itself is an error.
    pub fn check(&mut self, role: &str) -> Result<(), CliError> {
        let ended = self.running.get_mut(role).map(|c| c.try_wait());
        match ended {
            Some(Ok(None)) => Ok(()),
            _ => Err(CliError::Failed(format!("{role} ended; see {}", self.folder(role).join(OUTPUT).display()))),
        }
    }

    /// Asks a role to end and waits for it.
    pub async fn stop(&mut self, role: &str) -> Result<(), CliError> {
        let Some(mut child) = self.running.remove(role) else { return Ok(()) };
        if let Some(pid) = child.id() {
            terminate(pid).await;
        }
        if tokio::time::timeout(STOP, child.wait()).await.is_err() {
            child.kill().await.map_err(|e| CliError::Failed(format!("{role} does not end: {e}")))?;
        }
        Ok(())
    }

    /// Ends all of them, the log last, so that what waits for it still arrives.
    pub async fn stop_all(&mut self) -> Result<(), CliError> {
        let names: Vec<_> = self.running.keys().copied().filter(|r| *r != "log").chain(["log"]).collect();
        for role in names {
            self.stop(role).await?;
        }
        Ok(())
    }

    /// Roles whose process has a file of another role open. Must be empty.
    #[must_use]
    pub fn trespassers(&self) -> Vec<&'static str> {
        let others = |role: &str, path: &Path| {
            path.strip_prefix(&self.dir).ok().and_then(|p| p.components().next()).is_some_and(|first| {
                let first = first.as_os_str();
                first != role && first != "trust.json"
            })
        };
        let open = |child: &Child| -> BTreeSet<PathBuf> {
            let links = std::fs::read_dir(format!("/proc/{}/fd", child.id().unwrap_or_default()));
            links.into_iter().flatten().flatten().filter_map(|f| std::fs::read_link(f.path()).ok()).collect()
        };
        let found = self.running.iter().filter(|(role, child)| open(child).iter().any(|p| others(role, p)));
        found.map(|(role, _)| *role).collect()
    }
}

/// `kill -TERM`: the only process that is asked is the one started here.
async fn terminate(pid: u32) {
    let asked = Command::new("kill").arg("-TERM").arg(pid.to_string()).stderr(Stdio::null()).status().await;
    if asked.is_err() {
        tracing::warn!("kill can't be run; the process is ended hard");
    }
}

/// Runs a command of this binary to its end; its standard output, or what it said on failure.
pub async fn run(args: &[&str]) -> Result<String, CliError> {
    let output = Command::new(program()?).args(args).stdin(Stdio::null()).output().await;
    let output = output.map_err(|e| CliError::Failed(format!("tabir {}: {e}", args.join(" "))))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CliError::Failed(format!("tabir {}: {said}", args.first().copied().unwrap_or_default())))
    }
}
