//! The receipt: 128 bits that a reporter keeps, and every key that is derived from them.
