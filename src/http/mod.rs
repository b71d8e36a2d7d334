//! HTTP plumbing: problem documents, signed calls between roles, the client, the server's outer layers, and the document
//! of its addresses.
//!
//! Knows no role's secrets. Logs hold matched route, method and status only.

pub mod admin;
pub mod call;
pub mod check;
pub mod client;
pub mod connections;
pub mod cors;
pub mod form;
pub mod log_outbox;
pub mod logging;
pub mod openapi;
pub mod problem;
pub mod server;

/// The words of HTTP, for those who know no axum.
pub use axum::Router;
pub use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
pub use call::{Caller, Calls};
pub use check::Check;
pub use client::{Answer, Client, HttpError};
pub use problem::Problem;
pub use server::{Parts, read_json};
