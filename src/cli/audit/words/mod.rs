//! What an auditor reads, in Indonesian and in English, both side by side.

pub mod entry;
pub mod list;

/// A text that others wrote, without what a terminal obeys.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
