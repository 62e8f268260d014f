//! Reading files of the disk, and nothing outside the scan root.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::config;
use crate::source::{ReadError, Store};

/// Bytes of the longest path that is looked for: no system opens a longer one at once (`PATH_MAX` of Linux).
const LONGEST_PATH: usize = 4096;

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
        if path.len() > LONGEST_PATH {
            return Err(ReadError::Io("its path is too long".to_owned()));
        }
        let path = Path::new(path);
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(ReadError::Outside);
        }
        // A link anywhere on the path is resolved before the path is judged.
        let directory = self.real_directory(path.parent().unwrap_or(Path::new("")))?;
        let real = match path.file_name() {
            Some(name) => followed(&directory, name)?,
            None => directory,
        };
        if is_below(&real, &self.allowed) || self.is_settings(&real) { Ok(real) } else { Err(ReadError::Outside) }
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
        // A panic while the lock is held leaves a map that only lacks an entry.
        let known = || self.real_directories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(real) = known().get(path) {
            return real.clone();
        }
        let (mut above, mut real) = (PathBuf::new(), self.root.clone());
        for name in path.iter().filter(|name| *name != ".") {
            above.push(name);
            let before = known().get(&above).cloned();
            let found = before.unwrap_or_else(|| {
                let found = followed(&real, name);
                known().insert(above.clone(), found.clone());
                found
            });
            real = found?;
        }
        Ok(real)
    }
}

/// The real path of what is called `name` in the directory at the real path `directory`.
fn followed(directory: &Path, name: &OsStr) -> Result<PathBuf, ReadError> {
    let path = directory.join(name);
    let link = fs::symlink_metadata(&path).map_err(refusal)?.is_symlink();
    if link { fs::canonicalize(&path).map_err(refusal) } else { Ok(path) }
}

/// Whether a real path is that of one of `folders` or below it.
fn is_below(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

impl Store for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let real = self.real(path)?;
        match self.is_settings(&real) {
            true => read(&real, std::slice::from_ref(&real), self.limit),
            false => read(&real, &self.allowed, self.limit),
        }
    }

    fn start(&self, path: &str, most: u64) -> Vec<u8> {
        self.real(path).and_then(|real| read_start(&real, &self.allowed, most)).unwrap_or_default()
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

/// The content of the file at the real path `path`, when it is a regular file of no more than `limit` bytes below one of
/// the folders `allowed`. Anything else is not opened: opening a FIFO blocks and opening a device may do something.
pub fn read(path: &Path, allowed: &[PathBuf], limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, size) = open(path, allowed)?;
    if size > limit {
        return Err(ReadError::TooLarge { size, limit });
    }
    let bytes = start_of(file, size, limit + 1)?;
    // The file may have grown since, and the size of some (`/proc`) is not known before they are read.
    let size = bytes.len() as u64;
    if size > limit { Err(ReadError::TooLarge { size, limit }) } else { Ok(bytes) }
}

/// The first `limit` bytes of the regular file at the real path `path`.
pub fn read_start(path: &Path, allowed: &[PathBuf], limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, size) = open(path, allowed)?;
    start_of(file, size, limit)
}

fn start_of(file: File, size: u64, limit: u64) -> Result<Vec<u8>, ReadError> {
    let capacity = size.min(limit) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    file.take(limit).read_to_end(&mut bytes).map_err(refusal)?;
    Ok(bytes)
}

/// The regular file at the real path `path`, and its size in bytes.
///
/// Between the look at a path and its opening, the file or a folder above it may be replaced: what was opened is looked at
/// again, and refused when it is no regular file or does not lie in one of the folders `allowed`.
pub fn open(path: &Path, allowed: &[PathBuf]) -> Result<(File, u64), ReadError> {
    if !fs::symlink_metadata(path).map_err(refusal)?.is_file() {
        return Err(ReadError::NotAFile);
    }
    let file = without_waiting().open(path).map_err(refusal)?;
    let metadata = file.metadata().map_err(refusal)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile);
    }
    let inside = match place(&file) {
        // A file system that does not tell cases apart may know the folders under other names than the user.
        Some(path) => {
            is_below(&path, allowed)
                || allowed.iter().filter_map(|folder| placed(folder)).any(|folder| path.starts_with(folder))
        }
        None => fs::canonicalize(path).is_ok_and(|real| is_below(&real, allowed) && is_same(&real, &metadata)),
    };
    if inside { Ok((file, metadata.len())) } else { Err(ReadError::Outside) }
}

/// What the system calls the file or folder at `path`.
fn placed(path: &Path) -> Option<PathBuf> {
    place(&without_waiting().open(path).ok()?)
}

/// The real path of an open file; nothing where the system does not tell.
#[cfg(target_os = "linux")]
fn place(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd as _;

    // What a container's file system hides does not start with a slash: `(unreachable)/…` (proc_pid_fd(5)).
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok().filter(|place| place.is_absolute())
}

/// The real path of an open file; nothing where the system does not tell.
#[cfg(not(target_os = "linux"))]
fn place(_: &File) -> Option<PathBuf> {
    None
}

/// Whether the file at `path` is the one that `metadata` is of.
#[cfg(unix)]
fn is_same(path: &Path, metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    fs::symlink_metadata(path).is_ok_and(|known| (known.dev(), known.ino()) == (metadata.dev(), metadata.ino()))
}

/// Whether the file at `path` is the one that `metadata` is of, as far as can be told.
#[cfg(not(unix))]
fn is_same(path: &Path, metadata: &fs::Metadata) -> bool {
    fs::symlink_metadata(path).is_ok_and(|known| known.is_file() && known.len() == metadata.len())
}

/// How a file is opened to be read. A FIFO that took its place does not wait for a writer, where the flag is known.
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(any(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")), target_os = "macos"))]
    {
        // O_NONBLOCK of <fcntl.h>.
        let nonblock = if cfg!(target_os = "linux") { 0o4000 } else { 0o4 };
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nonblock);
    }
    options
}

/// What the system's error means for the scan.
pub fn refusal(error: io::Error) -> ReadError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ReadError::Missing,
        ErrorKind::PermissionDenied => ReadError::Io("permission denied".to_owned()),
        _ => ReadError::Io(error.to_string()),
    }
}
