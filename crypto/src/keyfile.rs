//! Key files: Argon2id and XChaCha20Poly1305 around a secret at rest.
