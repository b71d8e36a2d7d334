//! A disk that is full, and one that takes no write any more.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tabir::client::report::send;
use tabir::client::{ClientError, Session};
use tabir::http::HttpError;

use crate::reporters::{Sent, ready, report};
use crate::stage::{Stage, draft};
use crate::{after, impossible, record};

/// Room for a gateway's store and its write-ahead log.
const ROOM: &str = "size=16m";
/// Roles whose disks fail in turn.
const FAILING: [&str; 4] = ["gateway", "forwarder", "log", "desk"];

/// From now on the process can write no byte to any file, or again; this also works for root, and where nothing can be
/// mounted. SQLite sees an error of the disk, as on one that the kernel has made read-only.
fn may_write(pid: u32, may: bool) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let current = if may { None } else { Some(0) };
    prlimit(Some(pid), Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
}

/// The status of the refusal, if it was one.
fn status(refused: &ClientError) -> Option<u16> {
    match refused {
        ClientError::Http(error) => error.status(),
        _ => None,
    }
}

async fn is_ready(stage: &Stage, role: &str) -> bool {
    stage.client.get(&format!("{}/readyz", stage.admin(role))).await.is_ok()
}

async fn sent_anyway(stage: &Stage, session: &Session, sent: &mut Vec<Sent>) {
    for code in stage.vouchers(1).await {
        sent.push(report(session, &code).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_write_accepts_nothing_and_loses_nothing() {
    let mut stage = Stage::start(env!("CARGO_BIN_EXE_tabir")).await;
    let session = stage.session().await;
    let mut sent = Vec::new();
    for role in FAILING {
        sent_anyway(&stage, &session, &mut sent).await;
        let pid = stage.process(role).pid();
        stage.until("it is ready", || is_ready(&stage, role)).await;
        may_write(pid, false);
        stage.until("it says that it is not ready", || async { !is_ready(&stage, role).await }).await;
        if role == "gateway" {
            let code = stage.vouchers(1).await.remove(0);
            let (sealed, token) = ready(&session, &code, &draft(&session)).await.unwrap();
            let refused = send(&session, &sealed, &token).await.unwrap_err();
            assert!(matches!(status(&refused), Some(500..=599)), "{refused}");
            let readable = stage.client.get(&format!("{}/v1/services", stage.gateway())).await;
            assert!(readable.is_ok(), "what needs no write goes on");
            may_write(pid, true);
            // The same request again: its token was not spent.
            sent.push(Sent::of(&send(&session, &sealed, &token).await.unwrap(), &token));
        } else {
            // Accepted, and waits for who can't write.
            sent_anyway(&stage, &session, &mut sent).await;
            may_write(pid, true);
        }
        stage.until("it is ready again", || is_ready(&stage, role)).await;
    }
    record("read_only", after::look(&stage, "read_only", FAILING.len() as u64, &sent, 0).await);
}

/// A file system of its own over a role's folder, for as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    /// Keeps what stands in the folder. Error: this machine allows no mount.
    fn over(folder: &Path) -> Result<Self, String> {
        let kept: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap()).collect();
        let kept: Vec<_> = kept.iter().map(|f| (f.file_name(), std::fs::read(f.path()).unwrap())).collect();
        let options = format!("{ROOM},mode=700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder).output();
        match mount {
            Ok(done) if done.status.success() => {}
            Ok(done) => return Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        for (name, bytes) in kept {
            tabir::config::keys::write_private(&folder.join(name), &bytes).unwrap();
        }
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the processes that use it end a moment later.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Takes all the room that is left.
fn fill(folder: &Path) -> PathBuf {
    let file = folder.join("filler");
    let mut filler = std::fs::File::create(&file).unwrap();
    let block = [0; 1024];
    while std::io::Write::write_all(&mut filler, &block).is_ok() {}
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_accepts_nothing_and_goes_on_when_there_is_room() {
    const KIND: &str = "disk_full";
    let mut mounted = None;
    let settings = |role: &str, config: &mut tabir::config::Config| {
        if role == "gateway" {
            mounted = Some(Mounted::over(&config.roles.gateway.as_ref().unwrap().dir));
        }
    };
    let (runs, clock) = (crate::stage::Runs::Program(env!("CARGO_BIN_EXE_tabir")), tabir::clock::Clock::system());
    let stage = Stage::start_as(runs, clock, settings, |_| ()).await;
    let _mounted = match mounted.unwrap() {
        Ok(mounted) => mounted,
        // The other test of this file has the same with errors of another number.
        Err(why) => return impossible(KIND, &format!("no file system can be mounted: {why}")),
    };
    let session = stage.session().await;
    let (mut sent, folder, mut cycles) = (Vec::new(), stage.folder().join("gateway"), 0);
    for _ in 0..3 {
        sent_anyway(&stage, &session, &mut sent).await;
        let code = stage.vouchers(1).await.remove(0);
        let (sealed, token) = ready(&session, &code, &draft(&session)).await.unwrap();
        let filler = fill(&folder);
        // What is in the write-ahead log's file already may take one more report.
        let mut refused = None;
        for code in stage.vouchers(20).await {
            let (sealed, token) = ready(&session, &code, &draft(&session)).await.unwrap();
            match send(&session, &sealed, &token).await {
                Ok(accepted) => sent.push(Sent::of(&accepted, &token)),
                Err(error) => {
                    refused = Some((error, sealed, token));
                    break;
                }
            }
        }
        let (error, again, its_token) = refused.expect("the disk is full");
        let full = matches!(&error, ClientError::Http(HttpError::Problem { code, .. }) if code == "storage-full");
        assert!(full, "{error}");
        std::fs::remove_file(filler).unwrap();
        for (sealed, token) in [(sealed, token), (again, its_token)] {
            sent.push(Sent::of(&send(&session, &sealed, &token).await.unwrap(), &token));
        }
        cycles += 1;
    }
    record(KIND, after::look(&stage, KIND, cycles, &sent, 0).await);
}
