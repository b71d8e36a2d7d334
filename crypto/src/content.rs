//! Sealed contents: padding to fixed sizes, and the JSON of content, identity record, messages, ratings and disputes.
