//! An integrator with `docs/integrating.md` alone sets up the town profile on three hosts, connects a server that speaks
//! GeoReport v2, sees what it would send, goes live, has the complaint system down for a week, and loses nothing.
//!
//! The commands are the page's own blocks. What stands here is what people do: they carry, read digits to each other on the
//! phone, and the officials meet. It is a rehearsal in the page's own sense: a window, which is a town's week, is 5 seconds.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tabir::client::official::Board;
use tabir::clock::Clock;
use tabir::config::keys::read_signing_key;
use tabir::http::Client;
use tabir_crypto::statement::body::KeyKind;
use tabir_crypto::statement::{Body, Statement, Verb};

use crate::hosts::Hosts;
use crate::nginx::{self, Nginx};
use crate::page::{self, Step};
use crate::ports;

/// Looks at something that is awaited: a minute.
const LOOKS: u32 = 240;
const LOOK: Duration = Duration::from_millis(250);
/// Reports of the week in which the complaint system is down.
const REPORTS: usize = 6;
/// More than a rehearsal's window.
const WEEK: Duration = Duration::from_secs(8);

struct Walk {
    hosts: Hosts,
    /// The outer host's own port, for what the test looks at by itself.
    outer: String,
    desk: String,
    /// What the last commands printed.
    printed: String,
}

impl Walk {
    fn run(&mut self, at: &str, flags: &[String], commands: &str) {
        let may_warn = flags.iter().any(|f| f == "may-warn");
        let fits = |code: Option<i32>| code == Some(0) || (may_warn && code == Some(1));
        let mut output = self.hosts.shell(at, commands);
        // People look again: the witness has only just begun, the desk reads the log.
        let again = may_warn || flags.iter().any(|f| f == "again");
        for _ in 0..LOOKS {
            if !again || fits(output.status.code()) {
                break;
            }
            std::thread::sleep(LOOK);
            output = self.hosts.shell(at, commands);
        }
        let code = output.status.code();
        self.printed = crate::said(&output);
        assert!(fits(code), "{at}: {code:?}\n{commands}\n{}\n{}", self.printed, self.hosts.said(at));
    }

    fn board(&self) -> Board {
        let key = read_signing_key(&self.hosts.host("auditor-1").join("auditor/auditor.key")).unwrap();
        Board::new(Client::new(Clock::system()), &self.outer, key)
    }

    /// The proposal that somebody waits for, told by whoever made it.
    async fn proposal(&self, verb: Verb, fits: impl Fn(&Body) -> bool + Copy) -> [String; 2] {
        let board = self.board();
        for _ in 0..LOOKS {
            if let Ok(Some(found)) = board.find(verb, fits).await {
                let id = hex::encode(found.statement.pae_hash());
                let digits = id[..8].to_owned();
                return [id, digits];
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("nobody proposes {verb:?}: {}", self.hosts.said("warden"));
    }

    /// What people fill in for `…`.
    async fn filled(&self, at: &str, commands: &str) -> String {
        if !commands.contains('…') {
            return commands.to_owned();
        }
        let now = Clock::system().now();
        let [proposal, digits] = if commands.contains("tabir sign trust.json") {
            let bytes = std::fs::read(self.hosts.host(at).join("trust.json")).unwrap();
            let hash = hex::encode(Statement::parse_proposal(&bytes).unwrap().pae_hash());
            [String::new(), hash[..8].to_owned()]
        } else if let Some(id) = self.printed.lines().find_map(|l| l.strip_prefix("proposal: ")) {
            [id.to_owned(), id[..8].to_owned()]
        } else {
            let current = |body: &Body| matches!(body, Body::KeyAnnounced(k) if k.kind == KeyKind::Warden && k.not_before.0 <= now);
            self.proposal(Verb::KeyAnnounced, current).await
        };
        let filled = commands.replace("PROPOSAL=…", &format!("PROPOSAL={proposal}"));
        let filled = filled.replace("DIGITS=…", &format!("DIGITS={digits}"));
        assert!(!filled.contains('…'), "{at}: {filled}");
        filled
    }

    /// "Change policy.json as you like": a slow machine has three deadlines' time before the audit says late.
    fn change_policy(&self) {
        let file = self.hosts.host("outer").join("policy.json");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"forward_s\": 10,"), "{text}");
        std::fs::write(&file, text.replace("\"forward_s\": 10,", "\"forward_s\": 30,")).unwrap();
    }

    /// The officials meet, each with a laptop: keys, fingerprints on paper, a manifest for the operator.
    fn officials_meet(&self) {
        let mut known = String::new();
        for n in 1..=3 {
            let host = format!("official-{n}");
            let passphrase = self.hosts.host(&host).join("passphrase");
            tabir::config::keys::write_private(&passphrase, format!("four words of official {n}\n").as_bytes())
                .unwrap();
            let name = format!("Official {n}");
            known += &self
                .hosts
                .tabir(&host, &["council", "join", "--name", &name, "--out", "me", "--passphrase-file", "passphrase"]);
            self.hosts.carry((&host, "me/card.json"), ("official-1", &format!("card-{n}.json")));
            self.hosts.carry(("outer", "trust.json"), (&host, "trust.json"));
        }
        for host in ["official-1", "official-2", "official-3", "warden", "auditor-3"] {
            std::fs::write(self.hosts.host(host).join("known.txt"), &known).unwrap();
        }
        self.hosts.tabir(
            "official-1",
            &[
                "council",
                "init",
                "--threshold",
                "2",
                "card-1.json",
                "card-2.json",
                "card-3.json",
                "--out",
                "manifest.json",
            ],
        );
        for host in ["official-2", "official-3", "outer"] {
            self.hosts.carry(("official-1", "manifest.json"), (host, "manifest.json"));
        }
    }

    /// All three at the same time; then the outside body and an auditor sign what came of it.
    fn officials_make_their_key(&self) {
        let args = [
            "council",
            "finish",
            "manifest.json",
            "--trust",
            "trust.json",
            "--board",
            PUBLIC,
            "--fingerprints",
            "known.txt",
        ];
        let own = ["--key", "me", "--passphrase-file", "passphrase", "--json"];
        let all = [&args[..], &own[..]].concat();
        let running: Vec<_> = (1..=3).map(|n| self.hosts.beside(&format!("official-{n}"), &all)).collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", crate::said(&output));
        }
        let config = "/var/lib/tabir/warden/tabir.toml";
        let said = self
            .hosts
            .tabir("warden", &["warden", "approve-council", "--config", config, "--fingerprints", "known.txt"]);
        let id = said.lines().find_map(|l| l.strip_prefix("proposal: ")).unwrap();
        self.hosts.carry(("outer", "trust.json"), ("auditor-3", "trust.json"));
        let sign = ["sign", "--proposal", id, "--board", PUBLIC, "--key", "auditor/auditor.key", "--expect", &id[..8]];
        self.hosts.tabir("auditor-3", &[&sign[..], &["--trust", "trust.json", "--fingerprints", "known.txt"]].concat());
    }

    /// Until the doctor finds nothing at a host: what was signed reaches the log, and all keys count.
    async fn until_well(&self, host: &str) {
        let mut last = String::new();
        for _ in 0..LOOKS {
            let output = self.hosts.shell(host, &format!("tabir doctor --config /var/lib/tabir/{host}/tabir.toml"));
            if output.status.success() {
                return;
            }
            last = crate::said(&output);
            tokio::time::sleep(LOOK).await;
        }
        panic!("{host} does not get well:\n{last}\n{}", self.hosts.said(host));
    }

    /// References of all requests at the desk, one for each.
    fn at_desk(&self) -> Vec<String> {
        let key = self.hosts.host("inner").join("desk/officer.key");
        let said = self
            .hosts
            .tabir("inner", &["desk", "--server", &self.desk, "--key", crate::text(&key), "--json", "list", "--all"]);
        let requests: Vec<Value> = serde_json::from_str(&said).unwrap();
        let marker = |r: &Value| {
            let text = r["description"].as_str().unwrap();
            let from = text.rfind("[tabir:").unwrap();
            text[from..].split(']').next().unwrap().to_owned()
        };
        requests.iter().map(marker).collect()
    }

    fn report(&self, n: usize) {
        let text = self.hosts.host("reporter").join("text");
        std::fs::write(&text, format!("Report {n} of the week: nobody answers the telephone.")).unwrap();
        let receipt = format!("receipt-{n}");
        let args =
            ["report", "--server", PUBLIC, "--trust", "trust.json", "--category", "street_light", "--text", "text"];
        self.hosts.tabir("reporter", &[&args[..], &["--receipt", &receipt]].concat());
    }
}

/// The page's address; each host writes the test's in its place.
const PUBLIC: &str = "https://lapor.kota.example";
const INTERNAL: &str = "https://internal.lapor.kota.example";

fn reports_at(desk: &[String]) -> usize {
    let distinct: BTreeSet<_> = desk.iter().collect();
    assert_eq!(distinct.len(), desk.len(), "a report arrived twice: {desk:?}");
    desk.len()
}

async fn proxy(folder: &Path, hosts: &Hosts, ports: &nginx::Ports) -> Nginx {
    std::fs::create_dir(folder).unwrap();
    nginx::certificate(folder, hosts.certificate());
    let site = nginx::sample(folder, ports);
    Nginx::start(folder, &site, ports.public).await
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_14_the_page_leads_from_nothing_to_live_and_a_week_without_the_complaint_system_loses_nothing() {
    let [public, internal, plain, behind_public, behind_internal, desk, unused] = ports();
    let operators: [u16; 4] = ports();
    let mut hosts = Hosts::new();
    hosts.instead(INTERNAL, &format!("https://localhost:{internal}"));
    hosts.instead(PUBLIC, &format!("https://localhost:{public}"));
    hosts.instead("https://pengaduan.kota.example", &format!("http://127.0.0.1:{desk}"));
    for (host, ports) in [("outer", [behind_public, behind_internal]), ("inner", [desk, unused])] {
        for (of, is) in [8080, 8082].into_iter().zip(ports) {
            hosts.instead_at(host, &format!("127.0.0.1:{of}"), &format!("127.0.0.1:{is}"));
        }
    }
    for ((host, of), is) in
        [("outer", 8081), ("inner", 8083), ("warden", 8084), ("inner", 8085)].into_iter().zip(operators)
    {
        hosts.instead_at(host, &format!("127.0.0.1:{of}"), &format!("127.0.0.1:{is}"));
    }
    let ports = nginx::Ports { public, internal, plain, behind_public, behind_internal };
    let nginx = proxy(&hosts.dir().join("nginx"), &hosts, &ports).await;
    let (outer, desk) = (format!("http://127.0.0.1:{behind_public}"), format!("http://127.0.0.1:{desk}/open311/v2"));
    let mut walk = Walk { hosts, outer, desk, printed: String::new() };

    for step in page::steps(&page::text()) {
        let (at, flags, commands) = match step {
            Step::Carry { from, to } => {
                walk.hosts.carry((&from.0, &from.1), (&to.0, &to.1));
                continue;
            }
            Step::Run { at, flags, commands } => (at, flags, commands),
        };
        let ceremony = flags.iter().any(|f| f == "after=manifest");
        if ceremony {
            walk.officials_meet();
        }
        if at == "auditor" {
            for n in 1..=3 {
                walk.run(&format!("auditor-{n}"), &flags, &commands);
            }
        } else {
            if commands.contains("doctor --all") {
                walk.until_well(&at).await;
            }
            if at == "reporter" {
                walk.hosts.carry(("outer", "trust.json"), ("reporter", "trust.json"));
            }
            if commands.contains("policy propose") {
                walk.change_policy();
            }
            let commands = walk.filled(&at, &commands).await;
            walk.run(&at, &flags, &commands);
        }
        if ceremony {
            walk.officials_make_their_key();
        }
    }

    // The first report is there; then nobody answers for a week, and people go on reporting.
    for _ in 0..LOOKS {
        if reports_at(&walk.at_desk()) == 1 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(reports_at(&walk.at_desk()), 1, "{}", walk.hosts.said("inner"));
    assert!(walk.hosts.shell("inner", "systemctl stop tabir@desk").status.success());
    for n in 0..REPORTS {
        walk.report(n);
    }
    tokio::time::sleep(WEEK).await; // the week itself
    let down = walk.hosts.shell("inner", "tabir doctor --config /var/lib/tabir/inner/tabir.toml");
    assert_eq!(down.status.code(), Some(2), "{}", crate::said(&down));
    assert!(crate::said(&down).contains("forwarder → downstream"), "{}", crate::said(&down));
    let up = walk.hosts.shell("inner", "systemctl start tabir@desk");
    assert!(up.status.success(), "{}", crate::said(&up));

    // All of it is there, once, and each reporter can prove that it was passed on.
    let mut count = 0;
    for _ in 0..LOOKS * 2 {
        count = reports_at(&walk.at_desk());
        if count == REPORTS + 1 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(count, REPORTS + 1, "{}", walk.hosts.said("inner"));
    let mut proven = BTreeSet::new();
    for _ in 0..LOOKS {
        for n in (0..REPORTS).filter(|n| !proven.contains(n)).collect::<Vec<_>>() {
            let follow =
                format!("tabir follow --server {PUBLIC} --trust trust.json --receipt receipt-{n} --prove --json");
            if crate::said(&walk.hosts.shell("reporter", &follow)).contains("\"forwarded\"") {
                proven.insert(n);
            }
        }
        if proven.len() == REPORTS {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(proven.len(), REPORTS);
    walk.hosts.tabir("reporter", &["audit", "fetch", "--server", PUBLIC, "--trust", "trust.json", "./log"]);
    walk.hosts.tabir("reporter", &["audit", "verify", "./log", "--trust", "trust.json"]);
    walk.until_well("inner").await;
    walk.until_well("outer").await;
    assert!(nginx.wrote().iter().all(|(_, text)| !text.contains("127.0.0.1")), "{:?}", nginx.wrote());
}
