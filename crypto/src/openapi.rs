//! How the JSON forms of this crate are described in an OpenAPI document: patterns and lengths of what a field holds.
//!
//! Descriptions only, for programs of others; what is taken is decided by the decoders alone. Source:
//! `docs/protocol.md`, "Statements". Structures derive theirs beside their definition.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Array, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::hpke::KemPublicKey;
use crate::statement::value::{Bytes, CodeText, Hex, Hour, Second, Text, V1};
use crate::statement::{MAX_STATEMENT, Statement};

fn text(description: &str, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).pattern(Some(pattern))
}

/// Gives a type a name and a description.
macro_rules! described {
    ($type:ty, $name:literal, $schema:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                RefOr::T($schema.into())
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

described!(
    V1,
    "V1",
    ObjectBuilder::new().schema_type(Type::Integer).description(Some("The version: 1.")).enum_values(Some([1]))
);
described!(
    Bytes,
    "Bytes",
    text("Bytes: lower-case hex up to 64 of them, base64url without padding beyond.", "^[A-Za-z0-9_-]*$")
);
described!(CodeText, "Code", text("A code, never free text.", "^[a-z0-9_.-]{1,64}$").max_length(Some(64)));
described!(
    Text,
    "Text",
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A short text."))
        .min_length(Some(1))
        .max_length(Some(255))
);
described!(
    Second,
    "Second",
    text("RFC 3339 in UTC, exact to the second.", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
);
described!(
    Hour,
    "Hour",
    text("RFC 3339 in UTC, cut to the hour.", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:00:00Z$")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
);
described!(
    KemPublicKey,
    "KemPublicKey",
    text("An X-Wing public key, 1,216 bytes in base64url.", "^[A-Za-z0-9_-]{1622}$")
);

impl<const N: usize> PartialSchema for Hex<N> {
    fn schema() -> RefOr<Schema> {
        let pattern = format!("^[0-9a-f]{{{}}}$", 2 * N);
        RefOr::T(text(&format!("{N} bytes as lower-case hex."), &pattern).into())
    }
}

impl<const N: usize> ToSchema for Hex<N> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Hex{N}"))
    }
}

const BASE64: &str = "^[A-Za-z0-9+/]*={0,2}$";

fn signature() -> Object {
    ObjectBuilder::new()
        .property("keyid", text("SHA-256 of the Ed25519 public key.", "^[0-9a-f]{64}$"))
        .property("sig", text("An Ed25519 signature over the DSSE PAE.", BASE64))
        .required("keyid")
        .required("sig")
        .build()
}

described!(
    Statement,
    "Statement",
    ObjectBuilder::new()
        .description(Some(format!(
            "A signed statement: a DSSE envelope in its one canonical form, at most {MAX_STATEMENT} bytes. docs/protocol.md has the \
             payload of each type."
        )))
        .property("payload", text("Strict JSON, in standard base64.", BASE64))
        .property("payloadType", text("What it says.", r"^application/vnd\.tabir\.[a-z.]+\+json$"))
        .property("signatures", Array::new(signature()))
        .required("payload")
        .required("payloadType")
        .required("signatures")
);
