//! Pages of other origins may call what everybody may call: a reporter's page can be served from elsewhere than the gateway,
//! so that whoever serves it and whoever takes the report are two.
//!
//! Never with credentials: nothing here knows cookies or a browser's passwords, so that a stranger's page can do no more
//! than a stranger.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{Any, CorsLayer};

use super::openapi::OpenApiRouter;

/// How long a browser may keep the answer to its question; it keeps it in memory.
const KEPT: Duration = Duration::from_secs(600);

/// These routes answer pages of every origin.
pub fn open(router: OpenApiRouter) -> OpenApiRouter {
    let layer = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("tabir-attestation")])
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(KEPT);
    router.layer(layer)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_page_of_another_origin_may_call_and_never_with_credentials() {
        let router = Router::from(open(Router::new().route("/a", post(|| async {})).into()));
        for method in ["OPTIONS", "POST"] {
            let asked = Request::builder()
                .method(method)
                .uri("/a")
                .header("origin", "https://elsewhere.example")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,tabir-attestation")
                .body(Body::empty())
                .unwrap();
            let answer = router.clone().oneshot(asked).await.unwrap();
            assert!(answer.status().is_success());
            assert_eq!(answer.headers().get("access-control-allow-origin").unwrap(), "*");
            assert!(answer.headers().get("access-control-allow-credentials").is_none());
        }
    }
}
