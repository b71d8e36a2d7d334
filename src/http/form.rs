//! The fields of a form, as browsers and apps send it.

use axum::body::Body;
use axum::extract::{FromRequest as _, Request};

/// Names and values, in their order.
pub type Pairs = Vec<(String, String)>;

/// Why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// Longer than allowed.
    TooLong,
    /// Not `application/x-www-form-urlencoded`.
    Kind,
}

/// Reads a body of at most so many bytes.
pub async fn read(request: Request, max: usize) -> Result<Pairs, FormError> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, max).await.map_err(|_| FormError::TooLong)?;
    let request = Request::from_parts(parts, Body::from(body));
    Ok(axum::Form::<Pairs>::from_request(request, &()).await.map_err(|_| FormError::Kind)?.0)
}
