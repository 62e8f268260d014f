//! Reading files of the disk, and nothing outside the scan root.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::config;
use crate::source::{ReadError, Store};

/// The files below the scan root that configs refer to.
pub struct Disk {
    /// The real path that paths are relative to.
    pub root: PathBuf,
    /// Real paths of the directories that may be read: the root, or the parts of it that the user named.
    pub allowed: Vec<PathBuf>,
    /// Files with more bytes are refused.
    pub limit: u64,
    /// The real paths of directories, or why they have none, by their paths from the root: many files of one are asked
    /// for.
    pub real_directories: Mutex<HashMap<PathBuf, Result<PathBuf, ReadError>>>,
}

impl Disk {
    /// The real path of `path`, which is relative to the root.
    fn real(&self, path: &str) -> Result<PathBuf, ReadError> {
        let path = Path::new(path);
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(ReadError::Outside);
        }
        // A link anywhere on the path is resolved before the path is judged.
        let directory = self.real_directory(path.parent().unwrap_or(Path::new("")))?;
        let mut real = match path.file_name() {
            Some(name) => directory.join(name),
            None => directory,
        };
        if fs::symlink_metadata(&real).map_err(refusal)?.is_symlink() {
            real = fs::canonicalize(&real).map_err(refusal)?;
        }
        if self.allowed.iter().any(|allowed| real.starts_with(allowed)) || self.is_settings(&real) {
            Ok(real)
        } else {
            Err(ReadError::Outside)
        }
    }

    /// Whether it is a `confscan.toml` between the root and what the user named.
    fn is_settings(&self, real: &Path) -> bool {
        let holds = |folder: &Path| self.allowed.iter().any(|allowed| allowed.starts_with(folder));
        real.file_name().is_some_and(|name| name == config::NAME)
            && real.parent().is_some_and(|folder| folder.starts_with(&self.root) && holds(folder))
    }

    /// The real path of the directory `path`, which is relative to the root: that of its parent with its name, unless it
    /// is a link.
    fn real_directory(&self, path: &Path) -> Result<PathBuf, ReadError> {
        let Some(name) = path.file_name() else { return Ok(self.root.clone()) };
        // A panic while the lock is held leaves a map that only lacks an entry.
        let known = || self.real_directories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(real) = known().get(path) {
            return real.clone();
        }
        let real = self.real_directory(path.parent().unwrap_or(Path::new(""))).and_then(|parent| {
            let real = parent.join(name);
            let link = fs::symlink_metadata(&real).map_err(refusal)?.is_symlink();
            if link { fs::canonicalize(&real).map_err(refusal) } else { Ok(real) }
        });
        known().insert(path.to_owned(), real.clone());
        real
    }
}

impl Store for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        read(&self.real(path)?, self.limit)
    }

    fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = self.real(path).and_then(|real| fs::read_dir(real).map_err(refusal)) else {
            return Vec::new();
        };
        let name = |entry: fs::DirEntry| {
            let mut name = entry.file_name().to_string_lossy().into_owned();
            // Follows links: what a link leads to is judged when it is read.
            let is_directory = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
                kind => kind.is_ok_and(|kind| kind.is_dir()),
            };
            if is_directory {
                name.push('/');
            }
            name
        };
        let mut names: Vec<String> = entries.flatten().map(name).collect();
        names.sort_unstable();
        names
    }
}

/// The content of the file at `path`, when it is a regular file of no more than `limit` bytes. Anything else is not
/// opened: opening a FIFO blocks and opening a device may do something.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let size = size(path)?;
    if size > limit {
        return Err(ReadError::TooLarge { size, limit });
    }
    let bytes = read_start(path, limit + 1)?;
    // The file may have grown since, and the size of some (`/proc`) is not known before they are read.
    let size = bytes.len() as u64;
    if size > limit { Err(ReadError::TooLarge { size, limit }) } else { Ok(bytes) }
}

/// The first `limit` bytes of the regular file at `path`.
pub fn read_start(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let capacity = size(path)?.min(limit) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(refusal)?;
    Ok(bytes)
}

/// Size of the regular file at `path` in bytes.
fn size(path: &Path) -> Result<u64, ReadError> {
    let metadata = fs::metadata(path).map_err(refusal)?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(ReadError::NotAFile) }
}

/// What the system's error means for the scan.
pub fn refusal(error: io::Error) -> ReadError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ReadError::Missing,
        ErrorKind::PermissionDenied => ReadError::Io("permission denied".to_owned()),
        _ => ReadError::Io(error.to_string()),
    }
}
