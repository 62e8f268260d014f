//! What a build sees of the repository.

use std::sync::Arc;

use crate::source::FileId;
use crate::syntax::dockerignore::Dockerignore;

/// What a build sees.
#[derive(Debug)]
pub struct Context {
    /// The folder that is sent to the builder.
    pub folder: String,
    /// The ignore file in force.
    pub ignore: Option<Dockerignore>,
    /// An ignore file is there and could not be read, so that nothing is known of what the build sees.
    pub unread: bool,
    /// What lies in the folders that are copied, is let in by the ignore file and is no one else's business; sorted.
    pub sensitive: Arc<[Sensitive]>,
}

/// A file or folder of a context that holds secrets.
#[derive(Debug)]
pub struct Sensitive {
    /// Path from the folder of the context.
    pub path: String,
    /// What it holds.
    pub what: &'static str,
    /// Its name leaves no doubt, or what is in it.
    pub sure: bool,
    /// The file, where it is part of the scan.
    pub file: Option<FileId>,
}

impl Context {
    /// Whether the ignore file leaves a path of the context out.
    pub fn excludes(&self, path: &str) -> bool {
        self.ignore.as_ref().is_some_and(|ignore| ignore.excludes(path))
    }

    /// Whether a build gets the file: it is in the folder, and the ignore file does not leave it out. Gives its path in the
    /// context.
    pub fn sees<'p>(&self, path: &'p str) -> Option<&'p str> {
        let below = match self.folder.as_str() {
            "" => path,
            folder => path.strip_prefix(folder)?.strip_prefix('/')?,
        };
        (!self.unread && !below.is_empty() && !self.excludes(below)).then_some(below)
    }
}
