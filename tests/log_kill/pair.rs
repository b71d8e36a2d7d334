//! Two processes of the real program on one folder of the log.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tabir::cli::demo::ports::free_port;
use tabir::clock::Clock;
use tabir::config::keys::write_private;
use tabir::config::roles::{Log, Roles};
use tabir::config::{Config, Listen, Peers};
use tabir_crypto::statement::body::Role;
use tokio::sync::watch;

use crate::log_support::{identity_seed, setup, trust_statement};

/// Each can be started and killed; dropping the pair ends both.
pub struct Pair {
    public: [SocketAddr; 2],
    internal: [SocketAddr; 2],
    configs: [PathBuf; 2],
    running: [Option<Child>; 2],
    output: PathBuf,
}

impl Pair {
    /// Writes keys, trust root and a configuration for each.
    pub fn new(dir: &Path) -> Self {
        let log = dir.join("log");
        std::fs::create_dir(&log).unwrap();
        drop(setup(&log, Clock::system(), watch::channel(false).1));
        // The check before a start wants each role's identity to be the one that the trust root names.
        let identity = format!("{}\n", hex::encode([identity_seed(Role::Log); 32]));
        write_private(&log.join("identity.key"), identity.as_bytes()).unwrap();
        let trust = dir.join("trust.json");
        std::fs::write(&trust, trust_statement().to_bytes()).unwrap();
        let [a, b, c, d] = [(); 4].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port().unwrap())));
        let (public, internal) = ([a, b], [c, d]);
        let configs = [0, 1].map(|i| {
            let listen = Listen { public: public[i], internal: internal[i], admin: "127.0.0.1:0".parse().unwrap() };
            let peers = Peers { log: format!("http://{}", public[i]), ..Peers::default() };
            let roles = Roles { log: Some(Log::new(log.clone(), 100)), ..Roles::default() };
            let config = Config { trust: trust.clone(), listen, peers, roles };
            let file = dir.join(format!("{i}.toml"));
            std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
            file
        });
        Self { public, internal, configs, running: [None, None], output: dir.join("output.log") }
    }

    /// Where each is reached: for everybody, and for signed calls.
    pub fn bases(&self) -> [[String; 2]; 2] {
        [self.public, self.internal].map(|addresses| addresses.map(|address| format!("http://{address}")))
    }

    pub fn start(&mut self, i: usize) {
        let output = File::options().create(true).append(true).open(&self.output).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tabir"));
        command.arg("serve").arg("--config").arg(&self.configs[i]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().unwrap();
        assert!(self.running[i].replace(child).is_none(), "it runs already");
    }

    /// Waits until it takes connections.
    pub async fn answers(&mut self, i: usize) {
        for _ in 0..1000 {
            let ended = self.running[i].as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended by itself:\n{}", self.said());
            if TcpStream::connect(self.public[i]).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it does not answer:\n{}", self.said());
    }

    /// SIGKILL.
    pub fn kill(&mut self, i: usize) {
        let mut child = self.running[i].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
