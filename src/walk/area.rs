//! What the paths of the command line make together.

use std::fs;
use std::path::{Path, PathBuf};

use super::disk::refusal;
use super::{Error, Options, shown};
use crate::project::path::below;
use crate::source::ReadError;

/// A path that the user named.
pub(super) enum Named {
    /// A directory, by its real path.
    Directory(PathBuf),
    /// A file, by its real path.
    File(PathBuf),
    /// The standard input, by the path that it stands for.
    Stdin(PathBuf),
}

impl Named {
    pub(super) fn path(&self) -> &Path {
        match self {
            Named::Directory(path) | Named::File(path) | Named::Stdin(path) => path,
        }
    }
}

/// What the paths of the command line make together, as it was found on the disk once.
pub struct Area {
    pub(super) named: Vec<Named>,
    /// Real paths of the directories that may be read.
    pub(super) allowed: Vec<PathBuf>,
    pub(super) scope: Scope,
}

impl Area {
    /// What `paths` make together: see [`super::sources`].
    ///
    /// # Errors
    /// As of [`super::sources`].
    pub fn of(paths: &[PathBuf], options: &Options) -> Result<Area, Error> {
        let current = std::env::current_dir().and_then(fs::canonicalize);
        let current = current.map_err(|error| Error(format!("the current directory: {}", refusal(error))))?;
        let default = [PathBuf::from(".")];
        let paths = if paths.is_empty() { &default[..] } else { paths };
        let named: Vec<Named> = paths.iter().map(|path| name(path, options, &current)).collect::<Result<_, _>>()?;
        if options.kind.is_some() && named.iter().all(|named| matches!(named, Named::Directory(_))) {
            return Err(Error("--kind says what a named file is; only directories are named".to_owned()));
        }
        if options.stdin_filename.is_some() && !named.iter().any(|named| matches!(named, Named::Stdin(_))) {
            return Err(Error("--stdin-filename says what `-` is read as; `-` is not named".to_owned()));
        }
        let allowed: Vec<PathBuf> = named
            .iter()
            .map(|named| match named {
                Named::Directory(path) => path.clone(),
                Named::File(path) | Named::Stdin(path) if path.starts_with(&current) => current.clone(),
                Named::File(path) | Named::Stdin(path) => path.parent().unwrap_or(path).to_owned(),
            })
            .collect();
        let Some(root) = &options.root else {
            let scanned = common(&allowed);
            let root = shown_from(&scanned, &current);
            return Ok(Area::new(named, allowed, root, scanned));
        };
        let real = fs::canonicalize(root).map_err(|error| Error(format!("{}: {}", root.display(), refusal(error))))?;
        if !real.is_dir() {
            return Err(Error(format!("{}: not a directory", root.display())));
        }
        let outside = named.iter().zip(paths).find(|(named, _)| !named.path().starts_with(&real));
        match outside {
            Some((_, path)) => Err(Error(format!("{}: not in the root {}", path.display(), root.display()))),
            None => Ok(Area::new(named, vec![real.clone()], real.clone(), real)),
        }
    }

    fn new(named: Vec<Named>, allowed: Vec<PathBuf>, root: PathBuf, scanned: PathBuf) -> Area {
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        for named in &named {
            match named {
                Named::Directory(path) => directories.push(shown(path, &root)),
                Named::File(path) | Named::Stdin(path) => files.push(shown(path, &root)),
            }
        }
        Area { named, allowed, scope: Scope { root, scanned, directories, files } }
    }

    /// The paths in it.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// What the paths of the command line are.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Real path of the scan root.
    pub root: PathBuf,
    /// Real path of the directory that holds all that is scanned: the root, or a directory in it.
    pub scanned: PathBuf,
    /// Paths of the named directories from the root, `""` for itself.
    pub directories: Vec<String>,
    /// Paths of the named files from the root, that of the standard input included.
    pub files: Vec<String>,
}

impl Scope {
    /// Whether a named directory holds `path`, which is relative to the root.
    pub fn holds(&self, path: &str) -> bool {
        self.directories.iter().any(|directory| below(path, directory).is_some())
    }
}

/// What a path of the command line is.
fn name(path: &Path, options: &Options, current: &Path) -> Result<Named, Error> {
    if path == Path::new("-") {
        let path = options.stdin_filename.as_deref().unwrap_or(Path::new("stdin"));
        let Some(file) = path.file_name() else {
            return Err(Error(format!("{}: not the name of a file", path.display())));
        };
        // The file need not be there, but where it would be decides what it can refer to.
        let folder = path.parent().unwrap_or(Path::new(""));
        let real = fs::canonicalize(current.join(folder));
        return match real {
            Ok(real) => Ok(Named::Stdin(real.join(file))),
            Err(error) => Err(Error(format!("{}: {}", folder.display(), refusal(error)))),
        };
    }
    let wrong = |reason: &dyn std::fmt::Display| Error(format!("{}: {reason}", path.display()));
    let real = fs::canonicalize(path).map_err(|error| match refusal(error) {
        ReadError::Missing => wrong(&"no such file or directory"),
        other => wrong(&other),
    })?;
    let metadata = fs::metadata(&real).map_err(|error| wrong(&refusal(error)))?;
    if metadata.is_dir() {
        Ok(Named::Directory(real))
    } else if metadata.is_file() {
        Ok(Named::File(real))
    } else {
        Err(wrong(&"neither a directory nor a regular file (`-` reads the standard input)"))
    }
}

/// The longest path that all of `paths` are below.
fn common(paths: &[PathBuf]) -> PathBuf {
    let mut common = paths.first().cloned().unwrap_or_default();
    for path in paths {
        while !path.starts_with(&common) && common.pop() {}
    }
    common
}

/// The scan root of what lies in `common`. Whoever reads a path looks from the current directory, and an editor opens it
/// from there; but findings are known by their paths in the repository, from wherever it is scanned.
fn shown_from(common: &Path, current: &Path) -> PathBuf {
    let up = common.ancestors().take_while(|folder| folder.starts_with(current));
    let mut root = common;
    for folder in up {
        root = folder;
        if folder.join(".git").exists() {
            break;
        }
    }
    root.to_owned()
}
