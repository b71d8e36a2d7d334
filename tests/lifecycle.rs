//! A council's years, with the commands that its people type: a yearly drill, a refresh, a removal after which somebody
//! else comes, a new key, and the end of the old one. Every role runs; what was sealed in the first year is opened in
//! the last.

#[path = "unseal/world.rs"]
#[allow(dead_code)]
mod world;

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tabir::client::audit;
use tabir::client::official::{Board, Patience, open, partial};
use tabir::clock::Random;
use tabir_crypto::B32;
use tabir_crypto::codec::unhex;
use tabir_crypto::statement::body::CouncilChecked;
use tabir_crypto::statement::value::{Bytes, Hex, Hour, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::{Council, Drill};
use tabir_crypto::trust::unseal::Status;
use tokio::process::{Child, Command};
use world::{World, patience, person};

fn printed(out: Output, args: &[&str]) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "tabir {args:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

struct Years {
    world: World,
}

impl Years {
    fn trust(&self) -> PathBuf {
        self.world.dir.path().join("trust.json")
    }

    fn file(&self, name: &str) -> String {
        self.world.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tabir"));
        command.args(args).env("TABIR_TRUST", self.trust()).env("TABIR_SERVER", &self.world.ports.peers().gateway);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
    }

    async fn tabir(&self, args: &[&str]) -> Output {
        self.start(args).wait_with_output().await.unwrap()
    }

    /// A command that must succeed, and what it prints.
    async fn ok(&self, args: &[&str]) -> String {
        printed(self.tabir(args).await, args)
    }

    fn key(&self, n: u16) -> [String; 4] {
        let (key, secret) = (self.world.key_file(n), self.world.passphrase_file(n));
        ["--key".into(), key.to_str().unwrap().into(), "--passphrase-file".into(), secret.to_str().unwrap().into()]
    }

    fn start_official(&self, n: u16, args: &[&str]) -> Child {
        let key = self.key(n);
        self.start(&[args, &key.each_ref().map(String::as_str)].concat())
    }

    /// The same as an official.
    async fn official(&self, n: u16, args: &[&str]) -> String {
        printed(self.start_official(n, args).wait_with_output().await.unwrap(), args)
    }

    /// Admits a manifest; these take part at the same time; warden's person and an auditor check and sign. What the log
    /// then has is returned: the councils, in the order in which they were made.
    async fn ceremony(&self, manifest: &str, who: &[u16]) -> Vec<B32> {
        self.ok(&["council", "admit", manifest, "--config", &self.file("council/tabir.toml")]).await;
        let known = self.file("known.txt");
        let lines = who.iter().map(|n| format!("{}\n", self.world.official(*n).card().fingerprint()));
        std::fs::write(&known, lines.collect::<String>()).unwrap();
        let finish = ["council", "finish", manifest, "--fingerprints", &known, "--timeout", "90", "--json"];
        let all: Vec<Child> = who.iter().map(|n| self.start_official(*n, &finish)).collect();
        let mut done = Vec::new();
        for child in all {
            done.push(printed(child.wait_with_output().await.unwrap(), &finish));
        }
        let line: Value = serde_json::from_str(&done[0]).unwrap();
        let made = line["made"].as_array().unwrap();
        for council in made {
            let proposal = council["proposal"].as_str().unwrap();
            let config = self.file("warden/tabir.toml");
            let approve =
                ["warden", "approve-council", "--config", &config, "--fingerprints", &known, "--proposal", proposal];
            self.ok(&approve).await;
            let auditor = self.world.auditors[0].to_str().unwrap();
            let sign = [
                "sign",
                "--proposal",
                proposal,
                "--key",
                auditor,
                "--fingerprints",
                &known,
                "--expect",
                &proposal[..8],
            ];
            self.ok(&sign).await;
        }
        let ids: Vec<B32> = made.iter().map(|c| unhex(c["council"].as_str().unwrap()).unwrap()).collect();
        for id in &ids {
            self.logged(id).await;
        }
        ids
    }

    async fn logged(&self, id: &B32) -> Council {
        let mut patience = patience();
        loop {
            if let Ok(found) = self.world.session().await.view.state.council(id) {
                return found.council.clone();
            }
            patience.wait("the council in the log").await.unwrap();
        }
    }

    async fn active(&self) -> Council {
        let session = self.world.session().await;
        session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_years_of_a_council() {
    let years = Years { world: World::start().await };
    let first = years.active().await;
    let reference = years.world.case(Some(person("Siti Contoh"))).await;

    // A drill: the log has it, and it names the official.
    years.official(2, &["council", "check"]).await;
    let mut waiting = patience();
    while !checked(&years, &first, 2).await {
        waiting.wait("the drill in the log").await.unwrap();
    }

    // A refresh: new shares for the same three; the old ones go once the log has it.
    let manifest = years.file("refresh.json");
    years.ok(&["council", "refresh", "--out", &manifest]).await;
    let refreshed = years.ceremony(&manifest, &[1, 2, 3]).await;
    for n in [1, 2, 3] {
        let said = years.official(n, &["council", "settle"]).await;
        assert!(said.contains("Erased"), "{said}");
        assert!(!years.world.official(n).has_share(first.council_id()));
    }
    assert_eq!(years.active().await.council_id(), &refreshed[0]);

    // Official 2 goes, official 4 comes: the old key is dealt again, and new reports get a new one.
    years.world.new_official(4);
    let (manifest, card) = (years.file("remove.json"), years.file("official-4.card.json"));
    years.ok(&["council", "remove", "--member", "2", &card, "--out", &manifest]).await;
    let both = years.ceremony(&manifest, &[1, 3, 4]).await;
    let (old_key, new_key) = (years.logged(&both[0]).await, years.logged(&both[1]).await);
    assert_eq!((old_key.lineage(), old_key.epoch()), (first.lineage(), 3));
    assert_eq!(years.active().await.council_id(), new_key.council_id());
    let said = years.official(2, &["council", "settle"]).await;
    assert!(said.contains("Erased"), "{said}");

    // What was sealed in the first year is opened by two who hold shares of today: the one who came and one who stayed.
    let hash = years.world.requested(&reference).await;
    for n in [1, 4] {
        let approve =
            ["unseal", "approve", "--request", &hex::encode(hash), "--reason", "agreed", "--confirm", &reference];
        years.official(n, &approve).await;
    }
    years.world.until(&hash, "the release", |r| r.release.is_some()).await;
    opened(&years, &hash, &reference, &[1, 4]).await;

    // The end of the old key. All say the same of what is sealed; then nobody can be asked any more.
    let words = old_key.fingerprint();
    let two: String = words.split('-').take(2).collect::<Vec<_>>().join("-");
    let retire = |sealed: &'static str| {
        ["council", "retire", "--council", &words, "--sealed", sealed, "--confirm", &two].map(str::to_owned)
    };
    let lose = retire("lose");
    let lose: Vec<&str> = lose.iter().map(String::as_str).collect();
    years.official(1, &lose).await;
    let keep = retire("keep");
    let keep: Vec<&str> = keep.iter().map(String::as_str).collect();
    let other = years.start_official(3, &keep).wait_with_output().await.unwrap();
    assert!(String::from_utf8_lossy(&other.stderr).contains("another answer"));
    years.official(3, &lose).await;
    let mut waiting = patience();
    while !years.world.session().await.view.state.council(old_key.council_id()).unwrap().given_up {
        waiting.wait("the retirement in the log").await.unwrap();
    }
    years.official(4, &["council", "settle"]).await;
    assert!(!years.world.official(4).has_share(old_key.council_id()));
    assert!(years.world.official(4).has_share(new_key.council_id()));
}

/// An auditor alone sees which proof of a share was made for a checkpoint that there never was.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_a_drill_for_a_made_up_checkpoint() {
    let years = Years { world: World::start().await };
    let council = years.active().await;
    years.official(1, &["council", "check"]).await;
    let (file, made_up) = (years.world.official(2), [7; 32]);
    let drill = Drill::new(&council, &made_up).unwrap();
    let body = CouncilChecked {
        v: V1,
        at: Hour::of(years.world.now()),
        council_id: Hex(*council.council_id()),
        index: 2,
        tree_size: 1,
        checkpoint_hash: Hex(made_up),
        partial: Bytes(drill.partial(&file.share(&council).unwrap(), &mut Random).unwrap()),
    };
    let statement = Statement::signed(Verb::CouncilChecked, &body, file.signing()).unwrap();
    years.world.board(file.signing()).propose(&statement, &mut patience()).await.unwrap();
    let mut waiting = patience();
    while !(checked(&years, &council, 1).await && checked(&years, &council, 2).await) {
        waiting.wait("the drills in the log").await.unwrap();
    }
    let copy = years.file("copy");
    years.ok(&["audit", "fetch", &copy]).await;
    let verdict = audit::verify(&years.world.trust, copy.as_ref()).await.unwrap();
    let failed: Vec<_> = verdict.failed().map(|c| (c.name, c.entry.is_some())).collect();
    assert_eq!(failed, [("governance.checkpoints", true)]);
}

async fn checked(years: &Years, council: &Council, n: u16) -> bool {
    let session = years.world.session().await;
    session.view.state.council(council.council_id()).unwrap().checked.contains_key(&n)
}

/// Partials and opening by these, and the entry in the log.
async fn opened(years: &Years, hash: &B32, reference: &str, who: &[u16]) {
    let mut waiting = Patience::new(Duration::from_secs(60), &|_| {});
    for n in who {
        loop {
            let (session, file) = (years.world.session().await, years.world.official(*n));
            let board: Board = years.world.board(file.signing());
            match partial::partial(&session, &board, &file, hash, reference, &mut patience()).await {
                Ok(()) => break,
                Err(_) => waiting.wait("the hand-out").await.unwrap(),
            }
        }
    }
    years.world.until(hash, "the partials", |r| r.partials.len() == who.len()).await;
    for n in who {
        let (session, file) = (years.world.session().await, years.world.official(*n));
        let board = years.world.board(file.signing());
        let opening = open::open(&session, &board, &file, hash, &mut patience()).await.unwrap();
        let open::Outcome::Opened(record) = &opening.outcome else { panic!("no identity") };
        assert_eq!(record.name.as_deref(), Some("Siti Contoh"));
    }
    years.world.until(hash, "the entry", |r| r.ended.is_some()).await;
    assert_eq!(years.world.status(hash).await, Status::Opened);
}
