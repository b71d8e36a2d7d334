//! Step `council`: policy, the warden's key, and three officials who make a key that none of them has.
//!
//! Every signature is given by its owner's own command, in a process of its own.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tabir_crypto::statement::body::{Category, KeyKind, PolicySet};
use tabir_crypto::statement::{Body, Verb};

use super::processes::run;
use super::stage::{Stage, until};
use crate::api::gateway::Keys;
use crate::cli::init::files::write_json;
use crate::cli::{CliError, make_dir, write};
use crate::client::official::Board;
use crate::config::keys::{read_signing_key, write_private};
use crate::config::profile::Profile;

/// Threshold and number of officials.
pub const T: u16 = 2;
/// Number of officials.
pub const N: u16 = 3;
/// How long the ceremony may take: seconds of work, and the log's intervals.
const PATIENCE_S: u64 = 60;

/// One official's device.
#[derive(Clone, Debug)]
pub struct Official {
    /// Encrypted key file.
    pub key: PathBuf,
    /// File with its passphrase.
    pub passphrase: PathBuf,
}

impl Official {
    /// The arguments that every command of an official takes.
    #[must_use]
    pub fn args(&self) -> [String; 4] {
        let path = |p: &Path| p.display().to_string();
        ["--key".into(), path(&self.key), "--passphrase-file".into(), path(&self.passphrase)]
    }
}

/// An auditor signs a proposal, the first digits of its hash read to him by whoever made it.
async fn sign(stage: &Stage, auditor: usize, proposal: &str, more: &[&str]) -> Result<(), CliError> {
    let key = stage.auditors.get(auditor).map(|p| p.display().to_string()).unwrap_or_default();
    let (digits, board) = (proposal.get(..8).unwrap_or_default(), stage.board());
    let args = ["sign", "--proposal", proposal, "--board", &board, "--key", &key, "--expect", digits];
    run(&[&args[..], more].concat()).await.map(drop)
}

async fn policy(stage: &Stage, categories: Vec<Category>) -> Result<(), CliError> {
    let file = stage.roles.join("policy.json");
    let policy = Profile::Demo.policy(stage.clock.now(), categories)?;
    write_json(&file, &PolicySet { forward_s: stage.forward_s, ..policy })?;
    let said = run(&["policy", "propose", &file.display().to_string(), "--config", &stage.config("gateway"), "--json"])
        .await?;
    sign(stage, 0, &field(&said, "proposal")?, &[]).await
}

fn field(line: &str, name: &str) -> Result<String, CliError> {
    let value: Value = serde_json::from_str(line.lines().last().unwrap_or_default()).unwrap_or_default();
    let found = value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    found.ok_or_else(|| CliError::Failed(format!("a command did not name its {name}")))
}

/// The warden's key needs the auditors' quorum.
async fn warden_key(stage: &Stage) -> Result<(), CliError> {
    let Some(first) = stage.auditors.first() else { return Err(CliError::Failed("no auditors".into())) };
    let board = Board::new(stage.http.clone(), &stage.board(), read_signing_key(first)?);
    let now = stage.clock.now();
    let fits =
        |body: &Body| matches!(body, Body::KeyAnnounced(k) if k.kind == KeyKind::Warden && k.not_before.0 <= now);
    let look = || async { board.find(Verb::KeyAnnounced, fits).await.map_err(CliError::from) };
    let proposal = until("the warden proposes its key", PATIENCE_S, look).await?;
    let id = hex::encode(proposal.statement.pae_hash());
    for auditor in 0..stage.trust.auditor_quorum() {
        sign(stage, auditor, &id, &[]).await?;
    }
    Ok(())
}

/// Three devices, three processes, three key files.
async fn ceremony(stage: &Stage) -> Result<Vec<Official>, CliError> {
    let folder = stage.dir.join("officials");
    let (mut officials, mut cards, mut known) = (Vec::new(), Vec::new(), String::new());
    for n in 1..=N {
        let device = folder.join(n.to_string());
        make_dir(&folder)?;
        // As on a laptop: nobody else may enter, or the commands refuse what lies in it.
        std::fs::DirBuilder::new().mode(0o700).create(&device).map_err(|e| CliError::File(device.clone(), e))?;
        let official = Official { key: device.join("official.key"), passphrase: device.join("passphrase") };
        write_private(&official.passphrase, format!("a passphrase of official {n}\n").as_bytes())?;
        let (key, passphrase) = (official.key.display().to_string(), official.passphrase.display().to_string());
        let name = format!("Official {n}");
        known += &run(&["council", "join", "--name", &name, "--out", &key, "--passphrase-file", &passphrase]).await?;
        cards.push(device.join("card.json").display().to_string());
        officials.push(official);
    }
    // In a demo the fingerprints travel in a file; people read them to each other.
    let fingerprints = folder.join("fingerprints.txt");
    write(&fingerprints, known.as_bytes())?;
    let fingerprints = fingerprints.display().to_string();
    let manifest = folder.join("manifest.json").display().to_string();
    let t = T.to_string();
    let cards: Vec<&str> = cards.iter().map(String::as_str).collect();
    run(&[&["council", "init", "--threshold", &t][..], &cards, &["--out", &manifest]].concat()).await?;
    run(&["council", "admit", &manifest, "--config", &stage.config("council")]).await?;
    let trust = stage.dir.join("trust.json").display().to_string();
    let board = stage.board();
    let devices = officials.iter().map(Official::args).collect::<Vec<_>>();
    let finish = devices.iter().map(|key| {
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        let args = [
            "council",
            "finish",
            &manifest,
            "--trust",
            &trust,
            "--board",
            &board,
            "--fingerprints",
            &fingerprints,
            "--json",
        ];
        let args: Vec<String> = [&args[..], &key].concat().into_iter().map(ToOwned::to_owned).collect();
        tokio::spawn(async move { run(&args.iter().map(String::as_str).collect::<Vec<_>>()).await })
    });
    let mut said = Vec::new();
    for task in finish.collect::<Vec<_>>() {
        said.push(task.await.map_err(|e| CliError::Failed(format!("an official's process: {e}")))??);
    }
    let councils = said.iter().map(|s| field(s, "council")).collect::<Result<Vec<_>, _>>()?;
    if councils.windows(2).any(|w| matches!(w, [a, b] if a != b)) {
        return Err(CliError::Failed("the officials formed different councils".into()));
    }
    let proposal = said.first().map(|s| field(s, "proposal")).transpose()?.unwrap_or_default();
    run(&["warden", "approve-council", "--config", &stage.config("warden"), "--fingerprints", &fingerprints]).await?;
    sign(stage, 0, &proposal, &["--trust", &trust, "--fingerprints", &fingerprints]).await?;
    Ok(officials)
}

/// Sets up everything that must be in the log before the first report.
pub async fn establish(stage: &mut Stage, categories: Vec<Category>) -> Result<Vec<Official>, CliError> {
    policy(stage, categories).await?;
    warden_key(stage).await?;
    let officials = ceremony(stage).await?;
    let ready = || async {
        let Ok(session) = stage.session().await else { return Ok(None) };
        let (state, now) = (&session.view.state, session.now());
        let keys = [KeyKind::Token, KeyKind::Intake, KeyKind::Warden];
        let all = keys.iter().all(|k| state.active_key(&session.trust, *k, now).is_ok());
        let council = state.active_council(&session.trust, now).ok().map(|c| (c.council.t(), c.council.n()));
        // The gateway reads the log at its own pace, and refuses what it does not know yet.
        let gateway: Keys = stage.http.get_json(&format!("{}/v1/keys", stage.server())).await?;
        let knows = gateway.council.is_some() && gateway.keys.len() >= keys.len();
        Ok(council.filter(|_| all && knows && !session.services.categories.is_empty()))
    };
    let (t, n) = until("council, keys and policy in the log", PATIENCE_S, ready).await?;
    let trespassers = stage.processes.trespassers();
    let ok = (t, n) == (T, N) && trespassers.is_empty();
    let words = format!("{n} officials in {n} processes made a key; any {t} of them open; warden and auditor signed");
    stage.steps.say("council", ok, &json!({"t": t, "n": n, "trespassers": trespassers}), &words);
    Ok(officials)
}
