//! Privacy Pass tokens of type 0x0002, and the puzzle that can buy one.
