//! A web server that only serves files.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Python's own file server, which knows nothing of logs.
pub struct Static(Child, pub String);

impl Static {
    pub async fn start(folder: &Path) -> Self {
        let port = tabir::cli::demo::ports::free_port().unwrap();
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"]).arg(folder);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Self(child, format!("http://127.0.0.1:{port}"));
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return started;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("python3 -m http.server does not answer");
    }
}

impl Drop for Static {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
