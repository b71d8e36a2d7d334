//! RFC 9180 as Tabir uses it: X-Wing for everything but the inner envelope, and the key schedule from a combined DH output.
//!
//! ```text
//! wire = enc 1,120 ‖ ct (plaintext + 16)        base mode, a new context for each message
//! KEM 0x647a X-Wing · KDF 0x0001 HKDF-SHA256 · AEAD 0x0003 ChaCha20Poly1305
//! ```
//! [`uses`] lists what is sealed to whom and binds each message to its place; [`xwing`] checks the keys.

pub mod schedule;
pub mod uses;
pub mod xwing;

pub use uses::Use;
pub use xwing::{KemPublicKey, KemSecretKey};
