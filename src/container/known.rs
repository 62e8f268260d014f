//! What public images are known to do.

/// What is known of a public image.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownImage {
    /// Repository, with its registry unless that is Docker Hub; a `*` at the end stands for anything.
    pub pattern: &'static str,
}
