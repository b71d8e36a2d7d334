//! What a submission commits to, and the tag that makes a retry of it safe.
