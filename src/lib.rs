//! Tabir, a privacy-preserving anonymous reporting gateway.
