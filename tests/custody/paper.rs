//! A paper backup: printed by the command, read by another program's decoder, brought back on another laptop.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tabir::client::official::keys::{Day, KEY_FILE, Standing};
use tabir::client::official::paper::{self, Contents, Paper, PaperError};
use tabir::client::official::seats::seats;
use tabir::client::official::{KeyFileError, OfficialError, OfficialFile};
use tabir_crypto::keyfile::Cost;
use tabir_crypto::secret::SecretVec;
use tabir_crypto::statement::body::{CeremonyKind, CouncilNote};
use tabir_crypto::statement::value::{CodeText, Hex, Hour, Text, V1};
use tabir_crypto::statement::{Statement, Verb};
use tabir_crypto::threshold::Share;
use tabir_crypto::trust::state::{SEALED_LOST, State};
use tabir_crypto::{Code, Secret, SecretBytes};
use tokio::io::AsyncWriteExt as _;

use crate::anew::anew;
use crate::world::World;

/// One command in a process of its own: exit code, standard output, standard error.
pub async fn council(world: &World, n: u16, step: &str, more: &[&str], typed: &str) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(["council", step, "--server", &world.ports.peers().gateway]);
    command.arg("--trust").arg(world.dir.path().join("trust.json"));
    command.arg("--passphrase-file").arg(world.passphrase_file(n)).args(more);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).await.unwrap();
    let out = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

pub async fn done(world: &World, n: u16, step: &str, more: &[&str], typed: &str) -> String {
    let (code, out, err) = council(world, n, step, more, typed).await;
    assert_eq!(code, 0, "{step} by {n}: {err}");
    out
}

pub async fn status(world: &World, n: u16, key: &str) -> Value {
    serde_json::from_str(&done(world, n, "status", &["--key", key, "--json"], "").await).unwrap()
}

/// The numbers of a piece of an SVG path such as `M8 16h8v8H8V16`.
fn numbers(text: &str) -> Vec<usize> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect()
}

/// Draws the QR codes of a page, dot by dot, and reads them as a scanner does.
fn scan(page: &str) -> Vec<String> {
    let read = |svg: &str| {
        let size = numbers(svg.split("viewBox=\"").nth(1).unwrap().split('"').next().unwrap());
        let (width, height) = (size[2], size[3]);
        let mut dots = vec![255_u8; width * height];
        // The first path is the light ground.
        let path = svg.rsplit("d=\"").next().unwrap().split('"').next().unwrap();
        for rect in path.split('M').skip(1) {
            let n = numbers(rect);
            for y in n[1]..n[1] + n[3] {
                dots[y * width + n[0]..y * width + n[0] + n[2]].fill(0);
            }
        }
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| dots[y * width + x]);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    };
    page.split("<svg").skip(1).map(|s| read(s.split("</svg>").next().unwrap())).collect()
}

fn text_of(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The rows of a printed text, without the words before them.
fn rows(text: &str) -> Vec<String> {
    text.lines().skip_while(|l| !l.starts_with("TABIR ")).filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_comes_back_on_another_laptop() {
    let world = World::start().await;
    let dir = world.dir.path();
    let (key, printed) = (world.key_file(1).display().to_string(), dir.join("paper").display().to_string());
    assert_eq!(status(&world, 1, &key).await["backup"], Value::Null);
    let out = done(&world, 1, "backup", &["--key", &key, "--out", &printed, "--terminal"], "").await;
    assert!(out.contains('█') || out.contains('▀'), "the QR code on the terminal");
    let before = status(&world, 1, &key).await;
    assert_eq!((&before["backup"]["whole"], &before["councils"][0]["index"]), (&true.into(), &1.into()));
    let (page, text) = (text_of(dir.join("paper.html")), text_of(dir.join("paper.txt")));

    // Nothing secret in clear, and the words that people need, in both languages.
    let file = world.official(1);
    let session = world.session().await;
    let council_now = session.view.state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let share = file.share(&council_now).unwrap().to_bytes();
    let bytes = paper::parse(&text).unwrap();
    for secret in [share.expose().as_slice()[2..].to_vec(), file.kem().seed().expose().to_vec()] {
        let hexed = hex::encode(&secret);
        assert!(!page.contains(&hexed) && !text.contains(&hexed));
        assert!(!bytes.windows(16).any(|w| w == &secret[..16] || w == &secret[16..]));
    }
    for words in ["terpisah dari kata sandi", "apart from the passphrase", "membagi ulang", "refreshed or reshared"] {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain(&page).contains(words) && plain(&text).contains(words), "{words}");
    }
    for asking in ["<script", "src=", "href=", "url(", "@import", "<link", "<form"] {
        assert!(!page.contains(asking), "a page that asks nobody for anything: {asking}");
    }

    // The laptop is gone: key file away. Another decoder reads the QR code, its text is brought to another laptop.
    std::fs::remove_file(world.key_file(1)).unwrap();
    let scanned = scan(&page);
    assert_eq!(paper::parse(&scanned.join("\n")).unwrap(), bytes);
    std::fs::write(dir.join("scanned.txt"), scanned.join("\n")).unwrap();
    let (from, laptop) = (dir.join("scanned.txt").display().to_string(), dir.join("laptop").display().to_string());
    done(&world, 1, "restore", &["--from", &from, "--out", &laptop], "").await;
    let after = status(&world, 1, &laptop).await;
    for field in ["name", "fingerprint", "councils", "backup"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    // Typed, on a third one; it helps with an opening as the first would have.
    let third = dir.join("third").display().to_string();
    done(&world, 1, "restore", &["--out", &third], &rows(&text).join("\n").to_lowercase()).await;
    std::fs::copy(dir.join("third").join(KEY_FILE), world.key_file(1)).unwrap();
    let case = world.case(None).await;
    let hash = world.released(&case, &[1, 2]).await;
    assert!(world.session().await.view.state.request(&hash).unwrap().release.is_some());

    // A typo names its row, and nothing is made of it.
    let mut typo = rows(&text);
    let last = typo[5].pop().unwrap();
    typo[5].push(if last == 'Z' { 'Y' } else { 'Z' });
    let fourth = dir.join("fourth");
    let out = fourth.display().to_string();
    let (code, _, err) = council(&world, 1, "restore", &["--out", &out], &typo.join("\n")).await;
    assert!(code == 1 && err.contains("row(s) 5 do not fit"), "{code} {err}");
    let (code, _, err) = council(&world, 2, "restore", &["--out", &out, "--from", &from], "").await;
    assert!(code == 1 && err.contains("wrong passphrase"), "{code} {err}");
    assert!(!fourth.exists());
}

const PASSPHRASE: &[u8] = b"kuda laut di atas bukit";

fn passphrase() -> SecretVec {
    Secret::new(PASSPHRASE.to_vec())
}

fn day() -> Day {
    Day::of(1_795_000_000).unwrap()
}

fn contents(shares: Vec<([u8; 32], Share)>) -> Contents {
    let (ed, kem) = (SecretBytes::new([1; 32]), SecretBytes::new([2; 32]));
    Contents { name: Text::new("Ibu <Sari> & \"co\"").unwrap(), ed, kem, shares }
}

#[track_caller]
fn refused<T>(result: Result<T, OfficialError>) -> OfficialError {
    result.err().expect("must be refused")
}

#[test]
fn a_paper_of_many_shares_takes_several_codes() {
    let share =
        |i: u16| ([i as u8; 32], Share::from_bytes(&[&i.to_be_bytes()[..], &[i as u8; 31], &[0]].concat()).unwrap());
    let contents = contents((1..=8).map(share).collect());
    let paper = Paper::seal(&contents, &day(), &passphrase(), Cost::LEAST).unwrap();
    let about = paper::About {
        name: contents.name.as_str().into(),
        fingerprint: "fingerprint".into(),
        councils: vec!["one".into()],
        left_out: Vec::new(),
        day: day(),
    };
    let page = paper::html(&paper, &about).unwrap();
    assert!(page.contains("Ibu &lt;Sari&gt; &amp; &quot;co&quot;") && !page.contains("<Sari>"));
    let scanned = scan(&page);
    assert_eq!(scanned.len(), 3, "{} bytes", paper.as_bytes().len());
    assert_eq!(paper::qr_codes(&paper).unwrap().len(), 3);
    let back: Vec<_> = scanned.iter().rev().cloned().collect();
    let read = Paper::from_bytes(paper::parse(&back.join("\n")).unwrap()).unwrap();
    assert_eq!((read.as_bytes(), read.day().unwrap()), (paper.as_bytes(), day()));
    let opened = read.open(&passphrase()).unwrap();
    assert!(opened.ed == contents.ed && opened.kem == contents.kem && opened.name == contents.name);
    for ((id, a), (other, b)) in opened.shares.iter().zip(&contents.shares) {
        assert!(id == other && a.to_bytes() == b.to_bytes());
    }
    assert_eq!(paper::parse(&scanned[..2].join("\n")).unwrap_err(), PaperError::Missing(vec![3]));
}

/// Whoever finds a paper can't make another one of it: another owner, another day.
#[test]
fn every_byte_of_a_paper_is_under_its_seal() {
    let paper = Paper::seal(&contents(Vec::new()), &day(), &passphrase(), Cost::LEAST).unwrap();
    for at in 0..paper.as_bytes().len() {
        let mut changed = paper.as_bytes().to_vec();
        changed[at] ^= 1;
        let error =
            Paper::from_bytes(changed).map_err(OfficialError::from).and_then(|p| p.open(&passphrase()).map(drop));
        let code = refused(error).code().unwrap();
        assert!(matches!(code, Code::Version | Code::Field | Code::Passphrase), "byte {at}: {code:?}");
    }
    assert_eq!(Paper::from_bytes(vec![2; 99]).unwrap_err().code(), Code::Version);
    assert_eq!(Paper::from_bytes(vec![1; 37]).unwrap_err().code(), Code::Size);
    assert_eq!(Paper::from_bytes(Vec::new()).unwrap_err().code(), Code::Size);
}

fn restore(path: &Path, paper: &Paper, state: &State) -> Result<OfficialFile, OfficialError> {
    OfficialFile::restore(path, paper, (passphrase(), Cost::LEAST), state).map(|(file, _)| file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_checked_against_the_log_before_anything_is_written() {
    let world = World::start().await;
    let session = world.session().await;
    let state = &session.view.state;
    let council = state.active_council(&session.trust, session.now()).unwrap().council.clone();
    let id = *council.council_id();
    let mut files: Vec<_> = (1..=3).map(|n| world.official(n)).collect();
    files[0].change_passphrase(passphrase(), Cost::LEAST).unwrap();
    let (paper, _) = files[0].to_paper(state, day()).unwrap();
    let path = world.dir.path().join("restored.key");
    let gone = |error: OfficialError| {
        assert!(!path.exists(), "nothing is written");
        assert!(error.to_string().contains(error.code().unwrap().as_str()), "{error}");
        error
    };

    // A log that knows no such council: another installation's.
    let error = gone(refused(restore(&path, &paper, &State::new())));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::NotInLog(council)) if council == id));
    let made = |share: Share| {
        let mut contents = paper.open(&passphrase()).unwrap();
        contents.shares = vec![(id, share)];
        Paper::seal(&contents, &day(), &passphrase(), Cost::LEAST).unwrap()
    };
    // A share that is not the one of Y_i, and the share of another member.
    let wrong = made(Share::from_bytes(&[&[0, 1][..], &[7; 31], &[0]].concat()).unwrap());
    assert_eq!(gone(refused(restore(&path, &wrong, state))).code(), Some(Code::Share));
    let theirs = made(files[1].share(&council).unwrap());
    let error = gone(refused(restore(&path, &theirs, state)));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::OtherOfficial)), "{error}");
    // Another official's keys with a share of this council.
    let mut contents = paper.open(&passphrase()).unwrap();
    contents.ed = SecretBytes::new([9; 32]);
    let stranger = Paper::seal(&contents, &day(), &passphrase(), Cost::LEAST).unwrap();
    let error = gone(refused(restore(&path, &stranger, state)));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::OtherOfficial)), "{error}");

    // After a refresh the paper is old, and so is a copy of the folder; the words say from when to when.
    let dealers = &files[..2];
    let after = anew(&world, &session, CeremonyKind::Refresh, dealers, &files);
    let error = gone(refused(restore(&path, &paper, &after.state)));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::OlderEpoch { have: 1, now: 2 })), "{error}");
    assert!(error.to_string().contains("epoch 1") && error.to_string().contains("epoch 2"), "{error}");
    let error = refused(files[0].share_by_log(&after.state, &after.council));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::OlderEpoch { have: 1, now: 2 })), "{error}");
    let error = refused(files[0].to_paper(&after.state, day()));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::OlderEpoch { have: 1, now: 2 })), "{error}");
    assert_eq!(Standing::of(&after.state, &id), Standing::Superseded { have: 1, now: 2 });
    assert_eq!(Standing::of(state, &id), Standing::Current);
    // What `status` shows of such a copy: the council where its owner sits without a share, and the old share.
    let seen = seats(&files[0], &after.state).unwrap();
    let ids: Vec<_> = seen.iter().map(|s| s.council_id).collect();
    assert_eq!(ids, [*after.council.council_id(), id]);
    assert!(seen.iter().all(|s| matches!(s.share, Err(OfficialError::KeyFile(KeyFileError::OlderEpoch { .. })))));

    // A share of a key that was given up does not come back from paper.
    let codes = vec![CodeText::new(SEALED_LOST).unwrap()];
    let body = CouncilNote { v: V1, at: Hour::of(session.now()), council_id: Hex(id), codes };
    let mut retired = Statement::new(Verb::CouncilRetired, &body).unwrap();
    files.iter().for_each(|file| retired.sign(file.signing()));
    let mut given_up = state.clone();
    given_up.apply(&session.trust, state.size(), &retired.to_bytes(), Some(session.now())).unwrap();
    let error = gone(refused(restore(&path, &paper, &given_up)));
    assert!(matches!(error, OfficialError::KeyFile(KeyFileError::GivenUp(council)) if council == id), "{error}");
    assert_eq!(refused(files[0].to_paper(&given_up, day())).code(), Some(Code::NotActive));

    let restored = restore(&path, &paper, state).unwrap();
    assert!(restore(&path, &paper, state).is_err(), "not overwritten");
    assert_eq!(restored.share(&council).unwrap().index(), 1);
    assert_eq!(restored.card(), files[0].card());
    assert_eq!(restored.backup(), Some((&day(), true)));
}
