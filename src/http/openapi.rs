//! `GET /v1/openapi.json`: what a listener takes and answers, as OpenAPI 3.1, made from the annotations of its handlers.
//!
//! A route enters an [`OpenApiRouter`] by its annotation alone (`routes!`), so none can be missing. What every address
//! answers is added here: problem documents for each refusal, and the refusals of the server's outer layers.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use tabir_crypto::statement::value::Hex32;
use utoipa::openapi::{ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi};
use utoipa::{PartialSchema as _, ToSchema, openapi};
pub use utoipa_axum::router::OpenApiRouter;
pub use utoipa_axum::routes;

use super::problem::{PROBLEM_JSON, ProblemDocument};

/// Where the document is, on every listener with routes.
pub const PATH: &str = "/v1/openapi.json";

/// Says nothing of the inside, nor of what became of the request.
const FAILED: &str = "`internal`: the server failed, and nothing was accepted. Try again.";
const BUSY: &str = "`timeout`: the server took too long, and what became of it is not known. Try again.";
const MALFORMED: &str = "The address, query, a header or the body is malformed; the code says what.";
const TOO_LARGE: &str = "`too-long`: larger than any body that this address takes.";
const OTHER_TYPE: &str = "`media-type`: not the media type that this address takes, without parameters.";

#[derive(Clone)]
struct Document(axum::body::Bytes);

/// This document.
#[utoipa::path(get, path = PATH, tag = "api", responses((status = 200, content_type = "application/json", body = Value, description = "OpenAPI 3.1")))]
async fn document(State(Document(bytes)): State<Document>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], bytes)
}

/// Bytes of a format of their own: their media type says which.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Raw(#[allow(dead_code)] ());

/// The router with the address of its own document.
pub fn with_document(router: OpenApiRouter) -> Router {
    let (router, mut api) = router.split_for_parts();
    let (own, own_api) = OpenApiRouter::default().routes(routes!(document)).split_for_parts();
    api.merge(own_api);
    let bytes = complete(api).to_string().into_bytes();
    router.merge(own.with_state(Document(bytes.into())))
}

/// The document of a router's addresses, as it is served.
fn complete(mut api: OpenApi) -> Value {
    api.info = InfoBuilder::new()
        .title("Tabir")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Anonymous reports and their way. What the bytes mean: docs/protocol.md; what may change: docs/api.md.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    let components = api.components.get_or_insert_with(openapi::Components::new);
    components.schemas.insert(ProblemDocument::name().into_owned(), ProblemDocument::schema());
    // Parameters name it, and bring no schemas along.
    components.schemas.insert(Hex32::name().into_owned(), Hex32::schema());
    let mut document = serde_json::to_value(&api).expect("the document has text keys alone");
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "PrivateToken", "description": "RFC 9577: a token, which pays for one write." },
        "case": { "type": "http", "scheme": "Tabir-Case", "description": "The access key of a case: it reads alone." },
        "call": { "type": "apiKey", "in": "header", "name": super::call::HEADER, "description":
            "A statement `call` by a key that may make this call: docs/protocol.md." },
    });
    if let Some(paths) = document["paths"].as_object_mut() {
        *paths = std::mem::take(paths).into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
        for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
            if let Some(operation) = operation.as_object_mut().filter(|o| o.contains_key("responses")) {
                refusals(operation);
            }
        }
    }
    document
}

/// Adds to an operation what its handler leaves to the server, and to each refusal its form.
fn refusals(operation: &mut Map<String, Value>) {
    let reads = operation.contains_key("requestBody");
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    let everywhere = [("400", MALFORMED), ("500", FAILED), ("503", BUSY)];
    let bodies = [("413", TOO_LARGE), ("415", OTHER_TYPE)];
    for (status, why) in everywhere.into_iter().chain(bodies.into_iter().filter(|_| reads)) {
        responses.entry(status).or_insert_with(|| json!({ "description": why }));
    }
    let problem = ContentBuilder::new().schema(Some(openapi::Ref::from_schema_name(ProblemDocument::name()))).build();
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        if let Some(response) = response.as_object_mut() {
            response.entry("content").or_insert_with(|| json!({ PROBLEM_JSON: problem }));
        }
    }
}
