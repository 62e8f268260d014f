//! What `.gitignore` files leave out, where that is asked for.
//!
//! The rules are git's (gitignore(5)); the files are read as everything else is: regular ones, of a limited size, and none
//! above the repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{disk, shown};
use crate::source::{ReadError, Source};

/// Bytes of the largest file of patterns that is read.
const LARGEST: u64 = 1 << 18;

/// The patterns of the folders that were looked into.
pub struct Ignored {
    /// The real path of the outermost folder whose patterns count: that of the repository, else the folder walked over.
    top: PathBuf,
    folders: Mutex<HashMap<PathBuf, Arc<Folder>>>,
    /// Files of patterns that do not count, with the reason.
    refused: Mutex<Vec<(PathBuf, String)>>,
}

/// The patterns of one folder.
struct Folder {
    /// Its `.gitignore`.
    own: Option<Gitignore>,
    /// `.git/info/exclude`, which weighs less than every `.gitignore`.
    exclude: Option<Gitignore>,
    /// It is the root of a repository.
    is_repository: bool,
}

impl Ignored {
    /// What counts below the real path `root`.
    pub fn new(root: &Path) -> Ignored {
        let top = root.ancestors().find(|folder| is_repository(folder)).unwrap_or(root).to_owned();
        Ignored { top, folders: Mutex::default(), refused: Mutex::default() }
    }

    /// Whether the file or directory at the real path `path` is left out. What is in a directory that is left out is not
    /// asked for.
    pub fn matches(&self, path: &Path, is_dir: bool) -> bool {
        let said = |patterns: &Option<Gitignore>| {
            let said = patterns.as_ref()?.matched(path, is_dir);
            if said.is_none() { None } else { Some(said.is_ignore()) }
        };
        for at in path.ancestors().skip(1) {
            let folder = self.folder(at);
            if let Some(ignored) = said(&folder.own) {
                return ignored;
            }
            if folder.is_repository || at == self.top {
                return said(&folder.exclude).unwrap_or(false);
            }
        }
        false
    }

    /// The files of patterns that do not count, by their paths from `root`, with the reason.
    pub fn refused(&self, root: &Path) -> Vec<(String, String)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|(path, reason)| (shown(path, root), reason.clone())).collect()
    }

    fn folder(&self, path: &Path) -> Arc<Folder> {
        // A panic while the lock is held leaves a map that only lacks an entry.
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(path) {
            return known.clone();
        }
        let is_repository = is_repository(path);
        let exclude = is_repository.then(|| self.patterns(path, &path.join(".git/info/exclude"))).flatten();
        let own = self.patterns(path, &path.join(".gitignore"));
        let folder = Arc::new(Folder { own, exclude, is_repository });
        folders.insert(path.to_owned(), folder.clone());
        folder
    }

    /// The patterns in `file`, which are about what is in `folder`. A link counts no more than for git, which does not
    /// follow it.
    fn patterns(&self, folder: &Path, file: &Path) -> Option<Gitignore> {
        let text = match disk::read(file, &[folder.to_owned()], LARGEST) {
            Ok(bytes) => Source::from_bytes("", bytes).text,
            Err(ReadError::Missing) => return None,
            Err(error) => return self.refuse(file, error.to_string()),
        };
        let mut builder = GitignoreBuilder::new(folder);
        for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
            // A pattern that is none matches nothing, as for git.
            let _ = builder.add_line(None, line);
        }
        builder.build().map_or_else(|error| self.refuse(file, error.to_string()), Some)
    }

    fn refuse(&self, file: &Path, reason: String) -> Option<Gitignore> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push((file.to_owned(), reason));
        None
    }
}

/// Whether a folder is the root of a repository, or of its further work tree.
fn is_repository(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}
