//! The `confscan.toml` files that count for all that is scanned, which are needed before the walk.

use std::fs;
use std::path::{Component, Path};

use super::disk;
use crate::config::{self, Error, File, Folder, MAX_SIZE, NAME};
use crate::source::ReadError;

/// The files from the root of the repository, which is the folder that holds `.git`, down to the folder `scanned` that
/// holds all that is scanned; outside of a repository from the scan root down. Both are real paths.
///
/// # Errors
/// One of them cannot be read, leads out of the repository, or is wrong.
pub fn settings_above(scanned: &Path, root: &Path) -> Result<Vec<File>, Error> {
    let repository = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root);
    let mut files = Vec::new();
    for folder in scanned.ancestors().take_while(|folder| folder.starts_with(repository)) {
        let path = folder.join(NAME);
        // A folder of that name is none of ours.
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
            continue;
        }
        let place = place(folder, root);
        let shown = shown(&place);
        let unreadable = |error: ReadError| Error::unreadable(&shown, &error);
        let real = fs::canonicalize(&path).map_err(|error| unreadable(disk::refusal(error)))?;
        if !real.starts_with(repository) {
            return Err(Error::unreadable(&shown, &"leads out of the repository"));
        }
        let bytes = disk::read(&real, &[repository.to_owned()], MAX_SIZE).map_err(unreadable)?;
        files.push(File::parse(&shown, place, config::text(&shown, bytes)?)?);
    }
    Ok(files)
}

/// The file at `path`, which the user named. It counts for the whole scan: its patterns start at its folder where that
/// holds the folder `scanned`, and else at the scan root.
///
/// # Errors
/// It cannot be read, or is wrong.
pub fn settings_at(path: &Path, scanned: &Path, root: &Path) -> Result<File, Error> {
    let real = fs::canonicalize(path);
    let inside = real.as_ref().ok().and_then(|real| real.strip_prefix(root).ok());
    let shown = match inside {
        Some(inside) => slashed(inside),
        None => path.to_string_lossy().replace('\\', "/"),
    };
    let unreadable = |error: ReadError| Error::unreadable(&shown, &error);
    let real = real.map_err(|error| unreadable(disk::refusal(error)))?;
    let bytes = super::read(&real, MAX_SIZE).map_err(unreadable)?;
    let folder = real.parent().filter(|folder| scanned.starts_with(folder));
    File::parse(&shown, place(folder.unwrap_or(root), root), config::text(&shown, bytes)?)
}

/// Where a folder is that holds the scan root or lies in it.
fn place(folder: &Path, root: &Path) -> Folder {
    match folder.strip_prefix(root) {
        Ok(inside) if inside != Path::new("") => Folder::Below(slashed(inside)),
        _ => Folder::Above(between(folder, root)),
    }
}

/// The path from the scan root of the file in a folder.
fn shown(place: &Folder) -> String {
    match place {
        Folder::Above(between) => {
            let up = between.split('/').filter(|part| !part.is_empty()).count();
            format!("{}{NAME}", "../".repeat(up))
        }
        Folder::Below(folder) => format!("{folder}/{NAME}"),
    }
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
