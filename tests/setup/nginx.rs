//! Debian's nginx with the sample of the documentation, on loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tabir::clock::Clock;
use time::OffsetDateTime;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A running proxy.
pub struct Nginx {
    child: Child,
    folder: PathBuf,
}

/// Where it listens and what is behind it.
pub struct Ports {
    pub public: u16,
    pub internal: u16,
    pub plain: u16,
    pub behind_public: u16,
    pub behind_internal: u16,
}

/// A certificate for `localhost` below an authority of the test's own, whose certificate comes into `authority`.
pub fn certificate(folder: &Path, authority: &Path) {
    certificate_for(folder, authority, None);
}

/// The same, which ends after a while.
pub fn certificate_for(folder: &Path, authority: &Path, lasts: Option<time::Duration>) {
    let mut root = CertificateParams::new(Vec::<String>::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    if let Some(lasts) = lasts {
        let now = i64::try_from(Clock::system().now()).unwrap();
        leaf.not_after = OffsetDateTime::from_unix_timestamp(now).unwrap() + lasts;
    }
    let leaf = leaf.signed_by(&key, &root).unwrap();
    std::fs::write(authority, root.pem()).unwrap();
    std::fs::write(folder.join("fullchain.pem"), leaf.pem()).unwrap();
    std::fs::write(folder.join("privkey.pem"), key.serialize_pem()).unwrap();
}

/// The sample with the ports, names and files of this machine; nothing else of it is changed.
pub fn sample(folder: &Path, ports: &Ports) -> String {
    let text = std::fs::read_to_string(format!("{ROOT}/docs/deploy/nginx.conf")).unwrap();
    let listens = [ports.public, ports.internal, ports.plain];
    let mut server = 0;
    let mut out = String::new();
    for line in text.lines() {
        let word = line.trim();
        server += usize::from(word == "server {");
        if word.starts_with("listen [::]") {
            continue; // this machine may have no IPv6
        }
        let line = match word {
            w if w.starts_with("listen ") => {
                let rest = w.trim_start_matches(|c: char| c != ' ').trim_start();
                let options = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("    listen 127.0.0.1:{}{options}", listens[server - 1])
            }
            w if w.starts_with("server_name ") => "    server_name localhost;".into(),
            w if w.starts_with("allow 192") => "    allow 127.0.0.1;".into(),
            _ => line.to_owned(),
        };
        let line = line
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", ports.behind_public))
            .replace("127.0.0.1:8082", &format!("127.0.0.1:{}", ports.behind_internal))
            .replace("/var/log/nginx", &folder.display().to_string())
            .replace("/etc/letsencrypt/live/lapor.kota.example", &folder.display().to_string())
            .replace("/etc/letsencrypt/live/internal.lapor.kota.example", &folder.display().to_string());
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// nginx as `scripts/install proxies` unpacked it, or as the system has it.
fn program() -> PathBuf {
    let ours = PathBuf::from(format!("{ROOT}/.tools/debian/usr/sbin/nginx"));
    let places = [ours, "/usr/sbin/nginx".into()];
    places.into_iter().find(|p| p.exists()).expect("nginx is missing: scripts/install proxies")
}

impl Nginx {
    /// Starts it with a site, in a folder that has the certificate.
    pub async fn start(folder: &Path, site: &str, port: u16) -> Self {
        let at = folder.display();
        std::fs::write(folder.join("site.conf"), site).unwrap();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/temp-{kind};\n"))
            .concat();
        let main = format!(
            "daemon off;\nmaster_process off;\npid {at}/nginx.pid;\nerror_log {at}/error.log crit;\nevents {{}}\n\
             http {{\n{temp}include {at}/site.conf;\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), main).unwrap();
        let output = std::fs::File::create(folder.join("start.log")).unwrap();
        let mut command = Command::new(program());
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(output).spawn().unwrap();
        let this = Self { child, folder: folder.to_owned() };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return this;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nginx does not start: {}", std::fs::read_to_string(folder.join("start.log")).unwrap());
    }

    /// Every file that it wrote but its configuration and keys, with its name.
    pub fn wrote(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let mut open = vec![self.folder.clone()];
        while let Some(folder) = open.pop() {
            for file in std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()) {
                if file.is_dir() {
                    open.push(file);
                    continue;
                }
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                if !name.ends_with(".conf") && !name.ends_with(".pem") {
                    files.push((name, String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned()));
                }
            }
        }
        files
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
