//! Pages of other origins may call what everybody may call: a reporter's page can be served from elsewhere than the gateway,
//! so that whoever serves it and whoever takes the report are two.
//!
//! Never with credentials: nothing here knows cookies or a browser's passwords, so that a stranger's page can do no more
//! than a stranger.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{Any, CorsLayer};

use super::openapi::OpenApiRouter;
use super::server::method_not_allowed;

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
    // A browser asks with OPTIONS first, a method that no route takes: the layer answers in front of whatever refuses it. A
    // refusal that is set later would take the layer's place, so it is set here.
    let (router, api) = router.split_for_parts();
    let router = router.method_not_allowed_fallback(method_not_allowed).layer(layer);
    OpenApiRouter::with_openapi(api).merge(router.into())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::super::server::finish;
    use super::*;

    #[tokio::test]
    async fn a_page_of_another_origin_may_call_and_never_with_credentials() {
        // With the outer layers of every listener: one of them once answered the browser's question in this one's place.
        let router = finish(open(Router::new().route("/a", post(|| async {})).into()).into());
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
            assert!(answer.status().is_success(), "{method}: {}", answer.status());
            assert_eq!(answer.headers().get("access-control-allow-origin").unwrap(), "*");
            assert!(answer.headers().get("access-control-allow-credentials").is_none());
        }
    }

    #[tokio::test]
    async fn a_method_that_no_route_takes_is_still_refused_in_our_words() {
        let router = finish(open(Router::new().route("/a", post(|| async {})).into()).into());
        let asked = Request::builder().method("DELETE").uri("/a").body(Body::empty()).unwrap();
        let answer = router.oneshot(asked).await.unwrap();
        assert_eq!(answer.status(), axum::http::StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
    }
}
