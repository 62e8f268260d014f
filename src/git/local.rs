//! What lies in the directory and is part of no commit: the files that git ignores, and the repository's own folder. No
//! change brings them, so another commit is scanned with them as they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Repository;
use super::tree::LONGEST_LIST;
use crate::source::Store;

/// The paths from the scan root that are part of no commit.
pub struct Local {
    store: Arc<dyn Store>,
    files: BTreeSet<String>,
    /// Folders of which nothing is part of one, without the final `/`.
    folders: BTreeSet<String>,
}

impl Local {
    /// None yet; they are read from `store`, which holds the directory as it is.
    pub(super) fn new(store: Arc<dyn Store>) -> Local {
        Local { store, files: BTreeSet::new(), folders: BTreeSet::new() }
    }

    /// Adds those of `repository`, whose files are below the path `prefix` from the scan root.
    pub(super) fn add(&mut self, repository: &Repository, prefix: &str) {
        let joined = |path: &str| if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        if self.store.list(prefix).iter().any(|name| name == ".git/") {
            self.folders.insert(joined(".git"));
        }
        let ignored = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
        let listed = repository.answer(ignored, LONGEST_LIST);
        // Without it a comparison only knows less to be old.
        let Some(listed) = listed.ok().filter(|output| output.status.success()) else { return };
        for path in listed.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
            let path = String::from_utf8_lossy(path);
            match path.strip_suffix('/') {
                Some(folder) => self.folders.insert(joined(folder)),
                None => self.files.insert(joined(&path)),
            };
        }
    }

    /// Where they are read from.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whether `path` is one of them.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.files.contains(path) || self.folders.contains(path) || {
            let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
            above.any(|folder| self.folders.contains(folder))
        }
    }

    /// Every one, and whether it is a folder.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        let files = self.files.iter().map(|path| (path.as_str(), false));
        files.chain(self.folders.iter().map(|path| (path.as_str(), true)))
    }
}
