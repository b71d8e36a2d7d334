//! A witness as a log asks it: c2sp.org/tlog-witness, rule by rule.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tabir::cli::demo::ports::free_port;
use tabir::clock::Clock;
use tabir_crypto::codec::{b64, sha256};
use tabir_crypto::log::note::Note;
use tabir_crypto::log::witness::AddCheckpoint;
use tabir_crypto::log::{Checkpoint, NoteSigner, SignedCheckpoint};
use tokio::io::AsyncWriteExt as _;

use crate::foreign::{Foreign, HONEST, ORIGIN, signer};
use crate::log_support::{NOW, problem, seed};
use crate::running::*;

/// A request whose checkpoint is another text, truly signed.
fn with_text(old_size: u64, text: &str) -> Vec<u8> {
    let checkpoint = Note::signed(text, &signer()).unwrap().to_string().into_bytes();
    AddCheckpoint { old_size, proof: Vec::new(), checkpoint }.to_bytes()
}

#[tokio::test]
async fn cosigns_what_extends_all_that_it_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let witness = start(dir.path()).await;
    let mut old = 0;
    for (new, seconds) in [(0, 0), (1, 1), (1, 1), (4, 2), (7, 2), (7, 9), (300, 10), (1000, 11)] {
        witness.clock.set(NOW + seconds);
        let answer = witness.ask(HONEST.request(old, new).to_bytes()).await;
        assert_eq!(time_of(answer, &HONEST.checkpoint(new)), NOW + seconds);
        old = new;
    }
    // What monitors read: the log's signature and the witness's, whatever else the sender put beside them.
    let latest = format!("{}/{}/checkpoint", witness.base, hex::encode(sha256(ORIGIN.as_bytes())));
    let note = Note::parse(&witness.client.get(&latest).await.unwrap().body).unwrap();
    assert_eq!(note.text(), HONEST.checkpoint(1000).note().text());
    assert_eq!(note.signatures().len(), 2);
    witness.end().await;
}

#[tokio::test]
async fn refuses_with_the_status_that_the_source_says() {
    let dir = tempfile::tempdir().unwrap();
    let witness = start(dir.path()).await;
    let fork = Foreign { forks_at: 5 };
    let refused = async |body: Vec<u8>| problem(witness.ask(body).await);
    let empty = format!("{ORIGIN}\n0\n{}\n", b64(&[7; 32]));
    assert_eq!(refused(with_text(0, &empty)).await, (422, "consistency".into()));
    let with_proof = AddCheckpoint { proof: vec![[1; 32]], ..HONEST.request(0, 9) };
    assert_eq!(refused(with_proof.to_bytes()).await, (422, "consistency".into()));
    time_of(witness.ask(HONEST.request(0, 9).to_bytes()).await, &HONEST.checkpoint(9));

    // 409 with the size, whatever the checkpoint's size; never a problem document.
    for (old, new) in [(0, 9), (0, 12), (8, 12), (10, 12), (3, 5)] {
        assert_eq!(size_of(witness.ask(HONEST.request(old, new).to_bytes()).await), 9);
    }
    assert_eq!(refused(HONEST.request(12, 9).to_bytes()).await, (400, "old-size".into()));
    // Another tree of the same size, and larger ones that do not extend the known one.
    assert_eq!(refused(fork.request(9, 9).to_bytes()).await, (422, "consistency".into()));
    assert_eq!(refused(fork.request(9, 20).to_bytes()).await, (422, "consistency".into()));
    let no_proof = AddCheckpoint { proof: Vec::new(), ..HONEST.request(9, 20) };
    assert_eq!(refused(no_proof.to_bytes()).await, (422, "consistency".into()));
    let mut changed = HONEST.request(9, 20);
    changed.proof[1][5] ^= 1;
    assert_eq!(refused(changed.to_bytes()).await, (422, "consistency".into()));

    // Whose signature it is.
    let by_other = NoteSigner::from_seed("other.example", &seed(71)).unwrap();
    let by = |signer: &NoteSigner| {
        let at = Checkpoint { origin: ORIGIN.into(), head: HONEST.head(20) };
        AddCheckpoint { checkpoint: SignedCheckpoint::sign(at, signer).unwrap().to_bytes(), ..HONEST.request(9, 20) }
    };
    assert_eq!(refused(by(&by_other).to_bytes()).await, (403, "unknown-key".into()));
    let same_name = NoteSigner::from_seed(ORIGIN, &seed(71)).unwrap();
    assert_eq!(refused(by(&same_name).to_bytes()).await, (403, "unknown-key".into()));
    let good = String::from_utf8(HONEST.request(9, 20).to_bytes()).unwrap();
    let other_text = good.replace("\n20\n", "\n21\n");
    assert_eq!(refused(other_text.into_bytes()).await, (403, "signature".into()));
    let line = good.lines().last().unwrap();
    assert_eq!(refused(format!("{good}{line}\n").into_bytes()).await, (403, "duplicate".into()));
    let elsewhere = format!("other.example\n20\n{}\n", b64(&HONEST.head(20).root));
    assert_eq!(refused(with_text(9, &elsewhere)).await, (404, "unknown-log".into()));

    // What is no request, or no checkpoint.
    for (body, code) in [
        (String::new(), "note"),
        (good.replace("old 9", "9"), "note"),
        (good.replace("old 9", "old 09"), "checkpoint"),
        (good.replace("old 9", "old -9"), "checkpoint"),
        (good.replace("old 9\n", "old 9\n!\n"), "consistency"),
        (good.replace("old 9\n", "old 9\nAAAA\n"), "consistency"),
        (good.replace("old 9\n", &format!("old 9\n{}", format!("{}\n", b64(&[1; 32])).repeat(64))), "too-long"),
        (good.replace("\n20\n", "\n020\n"), "checkpoint"),
        (good.replace("\n20\n", "\n20\u{1}\n"), "note"),
        (good.trim_end().to_owned(), "note"),
        ("a".repeat(256 * 1024 + 1), "too-long"),
    ] {
        assert_eq!(refused(body.into_bytes()).await, (400, code.into()));
    }
    assert_eq!(problem(witness.client.get(&format!("{}/add-checkpoint", witness.base)).await), (405, "method".into()));
    assert_eq!(
        problem(witness.client.get(&format!("{}/abc/checkpoint", witness.base)).await),
        (404, "not-found".into())
    );
    // After all of it, it goes on from where it was.
    time_of(witness.ask(HONEST.request(9, 20).to_bytes()).await, &HONEST.checkpoint(20));
    witness.end().await;
    // The log's own fork is kept, as its two signatures: proof for anybody.
    let [(refused, known)] = store(dir.path()).await.evidence(ORIGIN).await.unwrap().try_into().unwrap();
    assert_eq!(Note::parse(&refused).unwrap().text(), fork.checkpoint(9).note().text());
    assert_eq!(Note::parse(&known).unwrap().text(), HONEST.checkpoint(9).note().text());
}

#[tokio::test]
async fn takes_what_other_logs_add_and_none_of_ours_has() {
    let dir = tempfile::tempdir().unwrap();
    let witness = start(dir.path()).await;
    // Extension lines, which are cosigned with the rest, and signatures of unknown keys, even twice.
    let text = format!("{ORIGIN}\n5\n{}\nan extension\nand another\n", b64(&HONEST.head(5).root));
    let note = Note::signed(&text, &signer()).unwrap().to_string();
    let stranger = NoteSigner::from_seed("stranger.example", &seed(72)).unwrap();
    let strange = Note::signed(&text, &stranger).unwrap().to_string();
    let line = strange.lines().last().unwrap();
    let checkpoint = format!("{note}{line}\n{line}\n").into_bytes();
    let request = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint };
    let answer = witness.ask(request.to_bytes()).await.unwrap();
    let line = tabir_crypto::log::witness::parse_cosignatures(&answer.body).unwrap().remove(0);
    let time: u64 = u64::from_be_bytes(line.bytes()[..8].try_into().unwrap());
    let signed = format!("cosignature/v1\ntime {time}\n{text}");
    vkey(80, NAME).key().verify(signed.as_bytes(), &line.bytes()[8..]).unwrap();
    time_of(witness.ask(HONEST.request(5, 6).to_bytes()).await, &HONEST.checkpoint(6));
    witness.end().await;
}

#[tokio::test]
async fn of_many_at_once_each_head_is_cosigned_after_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let witness = Arc::new(start(dir.path()).await);
    time_of(witness.ask(HONEST.request(0, 1).to_bytes()).await, &HONEST.checkpoint(1));
    // All start from the same size, half of them on another history: one wins.
    let asks: Vec<_> = (2..42)
        .map(|n| {
            let (witness, log) = (witness.clone(), if n % 2 == 0 { HONEST } else { Foreign { forks_at: 1 } });
            tokio::spawn(async move { (n, witness.ask(log.request(1, n).to_bytes()).await.map(|_| ())) })
        })
        .collect();
    let mut signed = Vec::new();
    for ask in asks {
        match ask.await.unwrap() {
            (n, Ok(())) => signed.push(n),
            (_, Err(e)) => assert_eq!(e.status(), Some(409), "{e}"),
        }
    }
    let [size] = signed.as_slice() else { panic!("{signed:?}") };
    assert_eq!(store(dir.path()).await.head(ORIGIN).await.unwrap().tree.size, *size);
}

#[tokio::test]
async fn its_times_never_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let witness = start(dir.path()).await;
    time_of(witness.ask(HONEST.request(0, 3).to_bytes()).await, &HONEST.checkpoint(3));
    witness.clock.set(NOW - 1);
    assert_eq!(problem(witness.ask(HONEST.request(3, 4).to_bytes()).await), (503, "clock".into()));
    witness.clock.set(NOW);
    assert_eq!(time_of(witness.ask(HONEST.request(3, 4).to_bytes()).await, &HONEST.checkpoint(4)), NOW);
    witness.end().await;
}

/// The real process, killed after the head is stored and before anybody has read the answer.
#[tokio::test]
async fn killed_between_store_and_answer_it_signs_the_same_again_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
    let config = tabir::config::witness::Witness { listen: Some(port), ..config(dir.path(), NAME, 80, vec![asks()]) };
    let file = dir.path().join("witness.toml");
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_tabir"))
        .args(["witness", "serve", "--config"])
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stream = loop {
        match tokio::net::TcpStream::connect(port).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(process.try_wait().unwrap().is_none(), "it ended");
    };
    let body = HONEST.request(0, 7).to_bytes();
    let head = format!("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let stored = store(dir.path()).await;
    for tries in 0.. {
        if stored.head(ORIGIN).await.unwrap().tree.size == 7 {
            break;
        }
        assert!(tries < 500, "not stored");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    process.kill().unwrap();
    process.wait().unwrap();

    let witness = start_with(&config, Clock::system()).await.unwrap();
    assert_eq!(size_of(witness.ask(body).await), 7);
    let fork = Foreign { forks_at: 3 };
    assert_eq!(problem(witness.ask(fork.request(7, 7).to_bytes()).await), (422, "consistency".into()));
    assert_eq!(problem(witness.ask(fork.request(7, 8).to_bytes()).await), (422, "consistency".into()));
    time_of(witness.ask(HONEST.request(7, 7).to_bytes()).await, &HONEST.checkpoint(7));
    witness.end().await;
}

#[tokio::test]
async fn starts_with_no_log_that_could_be_taken_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let refused = async |logs| {
        let started = start_with(&config(dir.path(), NAME, 80, logs), Clock::manual(NOW)).await;
        started.err().expect("must be refused").to_string()
    };
    assert!(refused(vec![asks(), asks()]).await.contains(ORIGIN));
    assert!(refused(vec![tabir::config::witness::Log { vkeys: Vec::new(), ..asks() }]).await.contains(ORIGIN));
    // Its own key as that of a log: a cosignature could then stand for a checkpoint.
    let own = tabir_crypto::log::VerifierKey::new(
        NAME,
        tabir_crypto::log::note::SignatureType::Ed25519,
        crate::log_support::key(80).verifying_key(),
    );
    let own = tabir::config::witness::Log { vkeys: vec![own.unwrap().to_string()], ..asks() };
    assert!(refused(vec![own]).await.contains("duplicate"));
    let witness_key = tabir::config::witness::Log { vkeys: vec![vkey(81, "other").to_string()], ..asks() };
    assert!(refused(vec![witness_key]).await.contains("note"));
    let unread = tabir::config::witness::Log { post: Some("http://127.0.0.1:1".into()), ..asks() };
    assert!(refused(vec![unread]).await.contains("url"));
}
