//! The `confscan.toml` files at and above the scan root, which count before the walk.

use std::fs;
use std::path::{Component, Path};

use super::disk;
use crate::config::{self, Error, File, Folder, MAX_SIZE, NAME};
use crate::source::ReadError;

/// The files from the root of the repository, which is the folder that holds `.git`, down to the scan root at the real
/// path `root`; outside of a repository that of the scan root alone.
///
/// # Errors
/// One of them cannot be read, leads out of the repository, or is wrong.
pub fn settings_above(root: &Path) -> Result<Vec<File>, Error> {
    let repository = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root);
    let folders = root.ancestors().take_while(|folder| folder.starts_with(repository));
    let mut files = Vec::new();
    for (up, folder) in folders.enumerate() {
        let path = folder.join(NAME);
        // A folder of that name is none of ours.
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
            continue;
        }
        let shown = format!("{}{NAME}", "../".repeat(up));
        let unreadable = |error: ReadError| Error::unreadable(&shown, &error);
        let real = fs::canonicalize(&path).map_err(|error| unreadable(disk::refusal(error)))?;
        if !real.starts_with(repository) {
            return Err(Error::unreadable(&shown, &"leads out of the repository"));
        }
        let bytes = disk::read(&real, &[repository.to_owned()], MAX_SIZE).map_err(unreadable)?;
        files.push(File::parse(&shown, Folder::Above(between(folder, root)), config::text(&shown, bytes)?)?);
    }
    Ok(files)
}

/// The file at `path`, which the user named. It counts for the whole scan: its patterns start at its folder where that
/// holds the scan root, and else at the scan root.
///
/// # Errors
/// It cannot be read, or is wrong.
pub fn settings_at(path: &Path, root: &Path) -> Result<File, Error> {
    let real = fs::canonicalize(path);
    let inside = real.as_ref().ok().and_then(|real| real.strip_prefix(root).ok());
    let shown = match inside {
        Some(inside) => slashed(inside),
        None => path.to_string_lossy().replace('\\', "/"),
    };
    let unreadable = |error: ReadError| Error::unreadable(&shown, &error);
    let real = real.map_err(|error| unreadable(disk::refusal(error)))?;
    let bytes = super::read(&real, MAX_SIZE).map_err(unreadable)?;
    let folder = real.parent().filter(|folder| root.starts_with(folder));
    let between = folder.map(|folder| between(folder, root)).unwrap_or_default();
    File::parse(&shown, Folder::Above(between), config::text(&shown, bytes)?)
}

/// The path from `folder` to `root`, which is it or below it.
fn between(folder: &Path, root: &Path) -> String {
    root.strip_prefix(folder).map(slashed).unwrap_or_default()
}

/// A relative path with `/` between its parts.
fn slashed(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}
