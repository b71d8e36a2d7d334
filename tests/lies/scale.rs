//! A clean installation of any length, written as `tabir audit fetch` leaves it: the same bytes each time, in the memory of
//! a few days. Its intake log is that of [`clean`] going on day by day; one with 10^7 entries is five thousand years old.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tabir_crypto::log::Checkpoint;
use tabir_crypto::log::tile::{self, Edge, Kind, Tile};
use tokio::time::Instant;

use crate::clean::{Window, clean, day, window};
use crate::forge::{Forge, INTAKE, WITNESSES, origin, trust};
use crate::world::{DAY, HOUR, T0};

/// Days that one thread makes at a time.
const BLOCK: u64 = 256;
/// Days between two kept checkpoints.
const KEPT: u64 = 256;

/// What becomes of a window.
type Lie = fn(&mut Window);

/// What is to be written.
#[derive(Default)]
pub struct Plan {
    /// Entries of the intake log; the last day is told to its end.
    pub entries: u64,
    /// A window of which gateway or forwarder lies.
    pub lie: Option<(u64, Lie)>,
    /// The first statement of all stands again as the last entry.
    pub again: bool,
}

/// What was written.
pub struct Made {
    /// Entries of the intake log.
    pub size: u64,
    /// Number of the first entry that speaks of the window of the lie.
    pub lie: Option<u64>,
}

/// A number of windows near the middle of a log of so many entries: its reports come in two parts.
pub fn middle(entries: u64) -> u64 {
    // Four windows in a row have 21 entries.
    (entries / 2 * 4 / 21) | 3
}

impl Plan {
    fn day(&self, number: u64) -> Vec<Vec<u8>> {
        let of = |w: u64| {
            let mut window = window(w);
            self.lie.iter().filter(|(lie, _)| *lie == w).for_each(|(_, change)| change(&mut window));
            window
        };
        day(number, |w| Some(of(w))).iter().map(|statement| statement.to_bytes()).collect()
    }

    /// The entries of so many blocks of days, made by as many threads.
    fn blocks(&self, first: u64, threads: u64) -> Vec<Vec<Vec<Vec<u8>>>> {
        std::thread::scope(|scope| {
            let block = |n| scope.spawn(move || (0..BLOCK).map(|d| self.day(first + n * BLOCK + d)).collect());
            let blocks: Vec<_> = (0..threads).map(block).collect();
            blocks.into_iter().map(|block| block.join().unwrap()).collect()
        })
    }

    /// Writes both logs and the trust root (`trust.json`) into a folder.
    pub fn write(&self, dir: &Path) -> Made {
        clean().governance.write(&dir.join("governance"));
        std::fs::write(dir.join("trust.json"), trust().statement().to_bytes()).unwrap();
        let mut log = Writer::new(dir.join("intake"));
        let threads = std::thread::available_parallelism().unwrap().get() as u64;
        let (mut days, mut lie, mut first) = (0, None, None);
        'all: loop {
            for entries in self.blocks(days + 1, threads).into_iter().flatten() {
                days += 1;
                if self.lie.is_some_and(|(window, _)| window == days) {
                    lie = Some(log.edge.size());
                }
                entries.iter().for_each(|leaf| log.push(leaf));
                first = first.or(entries.into_iter().next());
                if log.edge.size() >= self.entries {
                    break 'all;
                }
                if days % KEPT == 0 {
                    log.keep(T0 + days * DAY);
                }
            }
        }
        if self.again {
            log.push(&first.unwrap());
        }
        log.end(T0 + days * DAY + HOUR);
        Made { size: log.edge.size(), lie }
    }
}

/// Writes a log as it grows.
struct Writer {
    dir: PathBuf,
    edge: Edge,
    bundle: Vec<u8>,
    signer: Forge,
}

impl Writer {
    fn new(dir: PathBuf) -> Self {
        Self { dir, edge: Edge::default(), bundle: Vec::new(), signer: Forge::new() }
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let file = self.dir.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    fn push(&mut self, leaf: &[u8]) {
        self.edge.push(leaf).unwrap();
        tile::push_entry(&mut self.bundle, leaf).unwrap();
        if self.edge.size().is_multiple_of(tile::WIDTH) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let size = self.edge.size();
        let bundle = Tile::of_tree(Kind::Entries, (size - 1) / tile::WIDTH, size).unwrap();
        self.put(&bundle.to_string(), &self.bundle);
        self.bundle.clear();
    }

    fn tiles(&mut self, partial: bool) {
        for (tile, bytes) in self.edge.take_tiles().unwrap() {
            if partial || tile == tile.full() {
                self.put(&tile.to_string(), &bytes);
            }
        }
    }

    /// The tree as it is now is signed, cosigned by all at that time, and kept.
    fn keep(&mut self, at: u64) -> Vec<u8> {
        self.tiles(false);
        let head = self.edge.head();
        let checkpoint = Checkpoint { origin: origin(INTAKE), head };
        let note = self.signer.intake.signed(checkpoint, [Some(at); WITNESSES]).to_bytes();
        self.put(&format!("checkpoints/{}", head.size), &note);
        note
    }

    fn end(&mut self, at: u64) {
        if !self.bundle.is_empty() {
            self.flush();
        }
        self.tiles(true);
        let note = self.keep(at);
        self.put("checkpoint", &note);
    }
}

/// What `tabir audit verify` said and took.
pub struct Audited {
    /// Its one line of JSON.
    pub said: serde_json::Value,
    pub seconds: f64,
    /// User and system time of all its threads.
    pub cpu_seconds: f64,
    /// The most memory that it had at any time, in MB (10^6 bytes).
    pub peak_mb: f64,
}

impl Audited {
    /// `name code entry window` of each failure.
    pub fn failures(&self) -> Vec<String> {
        let text = |check: &serde_json::Value, field: &str| match &check[field] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let checks = self.said["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false);
        checks.map(|c| ["name", "code", "entry", "window"].map(|field| text(c, field)).join(" ")).collect()
    }
}

/// Runs the real program on a folder that [`Plan::write`] wrote.
pub fn audited(dir: &Path) -> Audited {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tabir"));
    command.args(["audit", "verify", "--json", "--trust"]).arg(dir.join("trust.json")).arg(dir);
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let (mut peak_kib, mut ticks) = (0.0_f64, 0.0_f64);
    let mut ended = child.try_wait().unwrap();
    while ended.is_none() {
        // Neither falls, so that the last reading before the end counts. Of a process that ended there is none.
        let (status, stat) = (read("status"), read("stat"));
        let hwm = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak_kib.max(hwm.unwrap_or_default());
        // Behind the name, in brackets, utime and stime are the 12th and 13th field.
        let times = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(11).take(2));
        ticks = ticks.max(times.map_or(0.0, |times| times.filter_map(|t| t.parse::<f64>().ok()).sum()));
        std::thread::sleep(Duration::from_millis(5));
        ended = child.try_wait().unwrap();
    }
    let seconds = begin.elapsed().as_secs_f64();
    let output = child.wait_with_output().unwrap();
    let said = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    // USER_HZ is 100 on every Linux that Rust runs on.
    Audited { said, seconds, cpu_seconds: ticks / 100.0, peak_mb: peak_kib * 1024.0 / 1e6 }
}
