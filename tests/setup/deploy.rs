//! What `docs/deploy` promises: proxies that keep no address, units that systemd rates as the page says.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use tabir::config::links::{LINKS, Peer};

use crate::nginx::{self, Nginx, Ports};
use crate::page;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Who asks: every address of this machine's loopback is its own.
const CALLER: &str = "127.45.67.89";

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{name}")).unwrap()
}

#[test]
fn the_table_of_who_connects_to_whom_is_what_doctor_tries() {
    let ours = LINKS.iter().map(|l| [l.from, l.peer.map_or("downstream", Peer::key), l.what].map(ToOwned::to_owned));
    assert_eq!(page::links(&page::text()), ours.collect::<Vec<_>>());
}

#[test]
fn systemd_rates_the_units_as_the_page_says() {
    let stated = page::text();
    let stated = stated.split("with an exposure of **").nth(1).unwrap().split("**").next().unwrap();
    for unit in ["tabir@.service", "tabir-warden.service"] {
        let path = format!("{ROOT}/docs/deploy/systemd/{unit}");
        let output = Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager", &path]).output();
        let output = output.expect("systemd-analyze is missing: scripts/install proxies");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let rated = said.lines().find(|l| l.contains("Overall exposure level")).unwrap_or_else(|| panic!("{said}"));
        assert!(rated.contains(&format!(": {stated} ")), "{rated}");
    }
}

type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// What stands behind a proxy: it remembers bodies and headers, and says its name.
async fn behind(seen: Seen, name: &'static str) -> u16 {
    let handler = move |headers: HeaderMap, body: Bytes| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().unwrap().push((String::from_utf8_lossy(&body).into_owned(), headers));
            name
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    port
}

/// A client with the address [`CALLER`] that believes the test's authority.
fn client(authority: &Path) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(&std::fs::read(authority).unwrap()).unwrap();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).timeout(Duration::from_secs(10));
    builder.redirect(reqwest::redirect::Policy::none()).local_address(Some(CALLER.parse().unwrap())).build().unwrap()
}

fn send(client: &reqwest::Client, url: &str) -> reqwest::RequestBuilder {
    let request = client.post(url).body("a sealed report").header("user-agent", "telling");
    request
        .header("x-forwarded-for", "203.0.113.9")
        .header("cookie", "a=b")
        .header("referer", "https://telling.example/")
}

/// What of that must not arrive, nor who sent it.
const TELLING: [&str; 5] = ["telling", "203.0.113.9", "a=b", CALLER, "x-real-ip"];

fn passes_on_nothing_of_the_caller(seen: &Seen) {
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|(body, _)| body == "a sealed report"));
    for (_, headers) in &*seen {
        let all = format!("{headers:?}");
        let telling: Vec<_> = TELLING.into_iter().filter(|word| all.contains(word)).collect();
        assert!(telling.is_empty(), "{telling:?} reach Tabir: {all}");
    }
}

/// Everything that a proxy may meet, good and bad.
async fn visits(client: &reqwest::Client, base: &str) {
    let answer = send(client, &format!("{base}/v1/reports")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "public"));
    // Too large, malformed, and a host that is none of ours.
    let large = client.post(base).body(vec![0; 5 << 20]).send().await;
    // nginx says 413; Caddy's relay finds out while it reads, and says that it could not pass it on.
    assert!(large.as_ref().map_or(true, |answer| [413, 502].contains(&answer.status().as_u16())), "{large:?}");
    let _ = client.get(format!("{base}/%00")).header("host", "elsewhere.example").send().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_with_the_sample_ends_tls_passes_on_and_keeps_no_address() {
    let seen = Seen::default();
    let behind_public = behind(Arc::clone(&seen), "public").await;
    let behind_internal = behind(Arc::clone(&seen), "internal").await;
    for sample_as_it_is in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let [public, internal, plain] = crate::ports();
        let ports = Ports { public, internal, plain, behind_public, behind_internal };
        let authority = dir.path().join("authority.pem");
        nginx::certificate(dir.path(), &authority);
        let mut site = nginx::sample(dir.path(), &ports);
        if !sample_as_it_is {
            // The control: as nginx is when nobody thinks of it.
            site = site.replace("error.log crit", "error.log error");
            site = site.replace("access_log off;", &format!("access_log {}/access.log;", dir.path().display()));
        }
        let nginx = Nginx::start(dir.path(), &site, public).await;
        let (client, base) = (client(&authority), format!("https://localhost:{public}"));
        visits(&client, &base).await;
        // From an address that is not let through, and by plain HTTP.
        let refused =
            send(&client, &format!("https://localhost:{internal}/internal/outbox/lease")).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 403);
        let plain = client.get(format!("http://localhost:{plain}/v1/services")).send().await.unwrap();
        assert_eq!(plain.status().as_u16(), 301);
        assert!(plain.headers()["location"].to_str().unwrap().starts_with("https://"));
        // Nobody behind it.
        let [nobody] = crate::ports();
        let broken = site.replace(&format!("127.0.0.1:{behind_public}"), &format!("127.0.0.1:{nobody}"));
        drop(nginx);
        let nginx = Nginx::start(dir.path(), &broken, public).await;
        let answer = send(&client, &format!("{base}/v1/reports")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 502);
        let kept: Vec<_> = nginx.wrote().into_iter().filter(|(_, text)| text.contains(CALLER)).collect();
        assert_eq!(kept.is_empty(), sample_as_it_is, "{kept:?}");
    }
    passes_on_nothing_of_the_caller(&seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_with_the_sample_ends_tls_passes_on_and_keeps_no_address() {
    let program = format!("{ROOT}/.tools/debian/usr/bin/caddy");
    assert!(Path::new(&program).exists(), "caddy is missing: scripts/install proxies");
    let seen = Seen::default();
    let behind_public = behind(Arc::clone(&seen), "public").await;
    let dir = tempfile::tempdir().unwrap();
    let [public, internal, nobody, plain] = crate::ports();
    let authority = dir.path().join("authority.pem");
    nginx::certificate(dir.path(), &authority);
    let (chain, key) = (dir.path().join("fullchain.pem"), dir.path().join("privkey.pem"));
    let tls = format!(" {{\n\ttls {} {}\n", chain.display(), key.display());
    // Ports, names and the certificate of this machine; the second name has nobody behind it.
    let site = file("docs/deploy/Caddyfile")
        .replacen(
            "{\n\tlog",
            &format!("{{\n\tadmin off\n\thttp_port {plain}\n\tauto_https disable_redirects\n\tlog"),
            1,
        )
        .replace("internal.lapor.kota.example {\n", &format!("https://localhost:{internal}{tls}"))
        .replace("lapor.kota.example {\n", &format!("https://localhost:{public}{tls}"))
        .replace("192.0.2.10 198.51.100.20", CALLER)
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{behind_public}"))
        .replace("127.0.0.1:8082", &format!("127.0.0.1:{nobody}"));
    let config = dir.path().join("Caddyfile");
    std::fs::write(&config, site).unwrap();
    let log = dir.path().join("caddy.log");
    let out = std::fs::File::create(&log).unwrap();
    let mut command = Command::new(&program);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&config).env("HOME", dir.path());
    command.env("XDG_DATA_HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path()).stdin(Stdio::null());
    let mut child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
    let mut up = false;
    for _ in 0..200 {
        up = tokio::net::TcpStream::connect(("127.0.0.1", public)).await.is_ok();
        if up {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let client = client(&authority);
    let visited = async {
        visits(&client, &format!("https://localhost:{public}")).await;
        let broken = send(&client, &format!("https://localhost:{internal}/")).send().await.unwrap();
        assert_eq!(broken.status().as_u16(), 502);
    };
    let visited = tokio::time::timeout(Duration::from_secs(if up { 60 } else { 0 }), visited).await;
    let said = std::fs::read_to_string(&log).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(visited.is_ok(), "{said}");
    assert!(!said.contains(CALLER), "{said}");
    passes_on_nothing_of_the_caller(&seen);
}
