//! RFC 9180 as Tabir uses it: X-Wing for everything but the inner envelope, and the key schedule from a combined DH output.
//!
//! ```text
//! wire = enc 1,120 ‖ ct (plaintext + 16)        base mode, a new context for each message
//! KEM 0x647a X-Wing · KDF 0x0001 HKDF-SHA256 · AEAD 0x0003 ChaCha20Poly1305
//! ```
//! [`uses`] lists what is sealed to whom and binds each message to its place; [`xwing`] checks the keys; [`schedule`] is
//! for the one key that nobody has. Source: RFC 9180, sections 5.1.1, 5.2 and 6.1; X-Wing: draft-connolly-cfrg-xwing-kem,
//! its place in HPKE: draft-ietf-hpke-pq.
//!
//! Not covered: modes psk, auth and auth_psk; more than one message in a context; who sealed (a signature inside says
//! that, where it matters); forward secrecy beyond the retirement of keys.

pub mod schedule;
pub mod uses;
pub mod xwing;

pub use uses::Use;
pub use xwing::{KemPublicKey, KemSecretKey};
