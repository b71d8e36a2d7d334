//! The page's addresses, with headers that leave a browser as little room as it can be left.
//!
//! ```text
//! /                the page                 one document for all of it: what one reads or types never stands in an address
//! /page/<file>     scripts, style, icon
//! ```

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::{File, INDEX, Page};
use crate::http::Problem;
use crate::http::openapi::{OpenApiRouter, routes};

/// What the browser may do for a page: nothing that it does not need. No camera, no place, no microphone …
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), bluetooth=(), browsing-topics=(), camera=(), \
                           display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), \
                           idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), \
                           picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), \
                           storage-access=(), usb=(), web-share=(), xr-spatial-tracking=()";
/// Said where the page would be.
const NOT_BUILT: &str = "This program was built without the page: run `make web`, then build again. The command line works: \
                         tabir report --server URL --trust trust.json";

/// Routes for everybody. `peers` are the addresses that the page calls beside its own: issuer and log.
pub fn public(page: Option<Page>, peers: &[&str]) -> OpenApiRouter {
    let router = OpenApiRouter::new()
        .routes(routes!(index))
        .routes(routes!(file))
        .with_state(Arc::new(page))
        // Nothing in it is secret, so that its length tells nothing.
        .layer(CompressionLayer::new());
    with_headers(router, &policy(peers))
}

/// Routes whose answers leave a browser as little room as this Content-Security-Policy and the other headers can.
pub fn with_headers(router: OpenApiRouter, policy: &str) -> OpenApiRouter {
    let header = |name, value: &str| {
        // Both come from the configuration or this program; a value that no header can have is left out, and then nothing
        // loads.
        let value = HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
        SetResponseHeaderLayer::overriding(name, value)
    };
    let named = HeaderName::from_static;
    router
        .layer(header(header::CONTENT_SECURITY_POLICY, policy))
        .layer(header(named("cross-origin-opener-policy"), "same-origin"))
        .layer(header(named("cross-origin-embedder-policy"), "require-corp"))
        .layer(header(named("cross-origin-resource-policy"), "same-origin"))
        .layer(header(named("origin-agent-cluster"), "?1"))
        .layer(header(named("permissions-policy"), PERMISSIONS))
        .layer(header(named("x-dns-prefetch-control"), "off"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
}

/// Scripts from the page's own files alone, none inside the document, none made of text.
pub(super) fn policy(peers: &[&str]) -> String {
    let mut calls = vec!["'self'"];
    for peer in peers.iter().map(|peer| peer.trim_end_matches('/')) {
        // An address with a space or a semicolon in it would be more than one.
        let plain = peer.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b',');
        if !peer.is_empty() && plain && !calls.contains(&peer) {
            calls.push(peer);
        }
    }
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; worker-src 'self'; connect-src {}; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types tabir",
        calls.join(" ")
    )
}

fn answer(file: &File) -> Response {
    let kind = file.media_type().unwrap_or("application/octet-stream");
    ([(header::CONTENT_TYPE, kind)], file.bytes.clone()).into_response()
}

/// The reporter's page, for browsers.
#[utoipa::path(get, path = "/", tag = "page", responses(
    (status = 200, content_type = "text/html", body = String, description = "the page"),
    (status = 404, description = "`not-found`: this program was built without the page"),
))]
async fn index(State(page): State<Arc<Option<Page>>>) -> Result<Response, Problem> {
    let found = page.as_ref().as_ref().and_then(|page| page.file(INDEX));
    found.map(answer).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not-found", NOT_BUILT))
}

/// A script, the style or the icon of the reporter's page.
#[utoipa::path(get, path = "/page/{file}", tag = "page", params(("file" = String, Path, description = "its name")), responses(
    (status = 200, content_type = "text/javascript", body = String, description = "the file, of whatever kind it is"),
    (status = 404, description = "`not-found`: the page has no such file"),
))]
async fn file(State(page): State<Arc<Option<Page>>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let found = page.as_ref().as_ref().and_then(|page| page.file(&name));
    let none = || Problem::new(StatusCode::NOT_FOUND, "not-found", "The page has no such file.");
    found.map(answer).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn get_of(page: Option<Page>, path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        axum::Router::from(public(page, &["http://log.example"])).oneshot(request).await.unwrap()
    }

    fn page() -> Page {
        let file = |name: &str| File { name: name.into(), bytes: b"bytes".to_vec() };
        Page { files: vec![file(INDEX), file("main.js")] }
    }

    fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
        answer.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    #[tokio::test]
    async fn every_file_of_the_page_leaves_a_browser_no_room() {
        for (path, kind) in [("/", "text/html"), ("/page/main.js", "text/javascript"), ("/page/none.js", "")] {
            let answer = get_of(Some(page()), path).await;
            let policy = header(&answer, "content-security-policy");
            for part in [
                "default-src 'none'",
                "script-src 'self';",
                "require-trusted-types-for 'script'",
                "http://log.example;",
            ] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(header(&answer, "cross-origin-opener-policy"), "same-origin");
            assert_eq!(header(&answer, "cross-origin-embedder-policy"), "require-corp");
            assert_eq!(header(&answer, "cross-origin-resource-policy"), "same-origin");
            assert_eq!(header(&answer, "referrer-policy"), "no-referrer");
            assert_eq!(header(&answer, "cache-control"), "no-store");
            assert!(header(&answer, "permissions-policy").contains("geolocation=()"));
            assert!(header(&answer, "content-type").starts_with(kind), "{path}");
        }
    }

    #[tokio::test]
    async fn without_a_page_its_address_says_how_to_make_one() {
        let answer = get_of(None, "/").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let body = axum::body::to_bytes(answer.into_body(), 4096).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("make web"));
    }

    #[test]
    fn a_peer_can_not_widen_the_policy() {
        let said = policy(&["http://127.0.0.1:1/", "http://a;script-src *", "http://b *", "", "http://127.0.0.1:1"]);
        assert!(said.contains("connect-src 'self' http://127.0.0.1:1;"), "{said}");
    }
}
