//! Attachments: STREAM over XChaCha20Poly1305, padded to powers of two.
