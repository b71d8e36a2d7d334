//! RFC 9180 as Tabir uses it: X-Wing for everything but the inner envelope, and the key schedule from a combined DH output.
