//! The split X25519 key: council, DKG, partial decryptions, combination.
