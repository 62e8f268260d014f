//! What the user says of a repository where its files do not say it.

use crate::container::Marked;
use crate::source::{Sources, Spanned};

/// What the user says of environments and places. Paths start at the scan root.
pub trait Settings: Sync {
    /// Where the containers of the file at `path` run. `sources` are the files of the scan, the user's among them.
    fn environment(&self, path: &str, sources: &Sources) -> Option<Marked>;

    /// The stacks that are named; one of which a file lies outside of the scan root is not among them.
    fn configured(&self, sources: &Sources) -> Vec<Configured>;

    /// The path in the repository of what an nginx config at `path` finds at `inside` of its container.
    fn nginx_root(&self, path: &str, inside: &str) -> Option<String>;
}

/// Nothing is said.
impl Settings for () {
    fn environment(&self, _: &str, _: &Sources) -> Option<Marked> {
        None
    }

    fn configured(&self, _: &Sources) -> Vec<Configured> {
        Vec::new()
    }

    fn nginx_root(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

/// A stack that the user names.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Paths of the files from the scan root, in order.
    pub files: Vec<String>,
    /// Where it runs.
    pub environment: Option<Marked>,
    /// Paths of the files with its variables, instead of `.env`.
    pub env_files: Vec<String>,
    /// What the user calls it.
    pub name: Option<String>,
    /// The profiles that are active, where that is said.
    pub profiles: Option<Vec<Spanned<String>>>,
}
