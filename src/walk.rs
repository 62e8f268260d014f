//! Paths into [`Sources`]: the walk over the disk.
//!
//! Only files whose name may be a config's are opened, in parallel. Nothing is read through a link that leads out of
//! what the user named, and only regular files are opened. What was not read is listed with its reason.

mod area;
mod disk;
mod folders;
mod gitignore;
mod settings;

use std::fs;
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::config;
use crate::source::{Kind, ReadError, Source, Sources};
use crate::syntax::{Verdict, by_content, by_name, is_template, recognise};
use area::Named;
pub use area::{Area, Scope};
use disk::{Disk, refusal};
pub(crate) use folders::{folder_reason, is_cache_tag};
use gitignore::Ignored;
pub use settings::{settings_above, settings_at};

/// How files are found.
#[derive(Clone, Debug)]
pub struct Options {
    /// Leave out what `.gitignore` files match.
    pub gitignore: bool,
    /// Files with more bytes are reported, not read.
    pub max_file_size: u64,
    /// What named files and the standard input are, instead of what their names and contents say.
    pub kind: Option<Kind>,
    /// Path that the standard input is read as.
    pub stdin_filename: Option<PathBuf>,
    /// The scan root, for paths that lie in it; what configs refer to is then read in all of it.
    pub root: Option<PathBuf>,
    /// Pass over named files that are no configs, instead of refusing them.
    pub skip_unknown: bool,
    /// Number of threads; 0 for one per processor.
    pub threads: usize,
}

/// As a scan finds them that is told nothing else.
impl Default for Options {
    fn default() -> Self {
        Options {
            gitignore: false,
            max_file_size: config::Config::MAX_FILE_SIZE,
            kind: None,
            stdin_filename: None,
            root: None,
            skip_unknown: false,
            threads: 0,
        }
    }
}

/// Why there is nothing to scan that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Paths are part of it, and those of others.
        f.write_str(&crate::text::visible(&self.0))
    }
}

impl std::error::Error for Error {}

/// The configs at `paths` (the current directory when there are none): those below a directory that are recognised,
/// and every named file. `-` is the standard input. `progress` is called for every file that is opened.
///
/// The scan root is the current directory where it holds all of `paths`, but no directory above the repository that
/// holds them. For paths that lie elsewhere it is the directory that they have in common. [`Options::root`] says
/// otherwise.
///
/// # Errors
/// A named path is missing, is neither a directory nor a regular file, or cannot be told to be any kind of config; or an
/// option is about a path that is not named, or the root does not hold them.
pub fn sources(paths: &[PathBuf], options: &Options, progress: &(dyn Fn() + Sync)) -> Result<Sources, Error> {
    Area::of(paths, options)?.sources(options, progress)
}

impl Area {
    /// Every config in it: see [`sources`].
    ///
    /// # Errors
    /// As of [`sources`].
    pub fn sources(self, options: &Options, progress: &(dyn Fn() + Sync)) -> Result<Sources, Error> {
        let Area { named, allowed, scope: Scope { root, .. } } = self;
        let walk = Walk { root: &root, allowed: &allowed, options, progress, found: Mutex::default() };
        for named in &named {
            match named {
                Named::Directory(path) => walk.directory(path),
                Named::File(path) => walk.file(path)?,
                Named::Stdin(path) => walk.stdin(path)?,
            }
            walk.settings_around(named.path());
        }
        let found = walk.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let disk = Disk { root, allowed, limit: options.max_file_size, real_directories: Mutex::default() };
        Ok(collect(found, disk))
    }
}

/// The content of the regular file at the real path `path`, which may have no more than `limit` bytes.
///
/// # Errors
/// Says why it cannot be read; a link is no regular file.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    disk::read(path, &[path.to_owned()], limit)
}

/// Something that the walk came upon.
struct Found {
    /// Path from the scan root.
    path: String,
    outcome: Outcome,
}

enum Outcome {
    /// A config. Of several for one path the lowest `rank` stays: named, found under its own name, found by a link.
    Taken { rank: u8, real: PathBuf, source: Box<Source> },
    /// Not read; see [`Sources::skip`].
    Skipped { reason: String, gap: bool },
    /// Settings of confscan, to be read when it is known which of them count.
    Settings,
}

/// Why a file is left out that the user wants left out.
const IGNORED: &str = "matched by .gitignore";

/// Why something is left out that was there when its folder was listed.
const GONE: &str = "gone when it was to be read";

const NAMED: u8 = 0;
const WALKED: u8 = 1;
const LINKED: u8 = 2;

/// A walk in progress.
struct Walk<'a> {
    root: &'a Path,
    allowed: &'a [PathBuf],
    options: &'a Options,
    progress: &'a (dyn Fn() + Sync),
    found: Mutex<Vec<Found>>,
}

impl Walk<'_> {
    /// Walks over the directory at the real path `path`.
    fn directory(&self, path: &Path) {
        let ignored = self.options.gitignore.then(|| Ignored::new(path));
        let mut builder = WalkBuilder::new(path);
        builder.standard_filters(false).threads(self.options.threads);
        builder.build_parallel().run(|| {
            Box::new(|entry| match entry {
                Ok(entry) => self.entry(&entry, ignored.as_ref()),
                Err(error) => {
                    self.error(&error, path);
                    WalkState::Continue
                }
            })
        });
        for (file, reason) in ignored.iter().flat_map(|ignored| ignored.refused(self.root)) {
            self.skip(file, format!("patterns that do not count: {reason}"), false);
        }
    }

    fn entry(&self, entry: &DirEntry, ignored: Option<&Ignored>) -> WalkState {
        let (path, Some(kind)) = (entry.path(), entry.file_type()) else {
            return WalkState::Continue;
        };
        if entry.depth() > 0 && ignored.is_some_and(|ignored| ignored.matches(path, kind.is_dir())) {
            let shown = self.shown(path);
            if kind.is_dir() {
                self.skip(shown + "/", IGNORED, false);
                return WalkState::Skip;
            }
            if by_name(&shown).is_some() {
                self.skip(shown, IGNORED, false);
            }
            return WalkState::Continue;
        }
        if kind.is_dir() {
            // A directory that was named is entered whatever it is called.
            if entry.depth() > 0
                && let Some(reason) = folders::reason(path)
            {
                self.skip(self.shown(path) + "/", reason, false);
                return WalkState::Skip;
            }
        } else if entry.file_name() == config::NAME {
            self.push(Found { path: self.shown(path), outcome: Outcome::Settings });
        } else if kind.is_symlink() {
            self.link(path);
        } else {
            // Most files are none, and their whole path tells as much.
            if path.to_str().is_some_and(|path| by_name(path).is_none()) && kind.is_file() {
                return WalkState::Continue;
            }
            let shown = self.shown(path);
            let verdict = by_name(&shown);
            if kind.is_file() {
                if verdict.is_some() {
                    self.candidate(path, shown.clone(), &shown, WALKED);
                }
            } else {
                self.skip(shown, "not a regular file", matches!(verdict, Some(Verdict::Taken(..))));
            }
        }
        WalkState::Continue
    }

    /// Judges a link: what it leads to is read only inside of what was named, under its real path.
    fn link(&self, path: &Path) {
        let shown = self.shown(path);
        let verdict = by_name(&shown);
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if verdict.is_some() => {
                return match refusal(error) {
                    ReadError::Missing => self.skip(shown, "link to nothing", false),
                    other => {
                        let gap = matches!(verdict, Some(Verdict::Taken(..)));
                        self.skip(shown, format!("link that cannot be followed: {other}"), gap);
                    }
                };
            }
            Err(_) => return,
        };
        let inside = self.allowed.iter().any(|allowed| real.starts_with(allowed));
        let is_dir = real.is_dir();
        if !inside && (is_dir || verdict.is_some()) {
            let gap = !is_dir && matches!(verdict, Some(Verdict::Taken(..)));
            self.skip(shown + if is_dir { "/" } else { "" }, "link out of the scan root", gap);
        } else if is_dir {
            let folder = Some(self.shown(&real)).filter(|folder| !folder.is_empty());
            let reason = format!("link to the folder {}/", folder.as_deref().unwrap_or("."));
            self.skip(shown + "/", reason, false);
        } else if inside && verdict.is_some() {
            let target = self.shown(&real);
            self.skip(&shown, format!("link to {target}"), false);
            self.candidate(&real, target, &shown, LINKED);
        }
    }

    /// Reads the file at the real path `real` and takes it when it is a config by the path `name`, which is that of a
    /// link or its own.
    fn candidate(&self, real: &Path, shown: String, name: &str, rank: u8) {
        (self.progress)();
        match disk::read(real, self.allowed, self.options.max_file_size) {
            Ok(bytes) => {
                let mut source = Source::from_bytes(shown, bytes);
                match catch_unwind(AssertUnwindSafe(|| recognise(name, &source.text))) {
                    Ok(Some((kind, why))) => {
                        let why = if rank == LINKED { format!("{why}, by the link {name}") } else { why };
                        (source.kind, source.why) = (kind, why);
                        self.take(real, source, rank);
                    }
                    Ok(None) if is_template(name, &source.text) => {
                        self.skip(source.path, "template with places to fill in", false);
                    }
                    Ok(None) => {}
                    Err(_) => self.skip(source.path, "internal error while its content was recognised", true),
                }
            }
            Err(error @ ReadError::TooLarge { .. }) => {
                if self.start_is_config(real, name) {
                    self.skip(shown, error.to_string(), true);
                }
            }
            Err(ReadError::Missing) => self.skip(shown, GONE, matches!(by_name(name), Some(Verdict::Taken(..)))),
            Err(error) => self.skip(shown, error.to_string(), true),
        }
    }

    /// Whether a file that is too large to be read would have been graded: padding must not hide a config.
    fn start_is_config(&self, real: &Path, name: &str) -> bool {
        let start = disk::read_start(real, self.allowed, self.options.max_file_size).unwrap_or_default();
        let text = Source::from_bytes(name, start).text;
        catch_unwind(AssertUnwindSafe(|| recognise(name, &text).is_some())).unwrap_or(true)
    }

    /// Reads a file that was named.
    fn file(&self, real: &Path) -> Result<(), Error> {
        (self.progress)();
        let shown = self.shown(real);
        match disk::read(real, self.allowed, self.options.max_file_size) {
            Ok(bytes) => self.given(real, shown, bytes),
            Err(error) => {
                self.skip(shown, error.to_string(), true);
                Ok(())
            }
        }
    }

    /// Reads the standard input as the file `path`.
    fn stdin(&self, path: &Path) -> Result<(), Error> {
        (self.progress)();
        let limit = self.options.max_file_size;
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error(format!("standard input: {error}")))?;
        let shown = self.shown(path);
        if bytes.len() as u64 > limit {
            self.skip(shown, format!("over the limit of {limit} bytes"), true);
            return Ok(());
        }
        self.given(path, shown, bytes)
    }

    /// Notes the settings beside a path that was named and in the folders between it and the scan root, which are not
    /// walked over.
    fn settings_around(&self, named: &Path) {
        let folders = named.ancestors().skip(1).take_while(|folder| folder.starts_with(self.root));
        for path in folders.map(|folder| folder.join(config::NAME)) {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
                self.push(Found { path: self.shown(&path), outcome: Outcome::Settings });
            }
        }
    }

    /// Takes a file that was named: as `--kind` says, else by its name, else by its content.
    fn given(&self, real: &Path, shown: String, bytes: Vec<u8>) -> Result<(), Error> {
        let mut source = Source::from_bytes(shown, bytes);
        let recognised = match self.options.kind {
            Some(kind) => Some((kind, "named with --kind".to_owned())),
            // Somebody who lists files blindly means what a walk would take.
            None if self.options.skip_unknown => recognise(&source.path, &source.text),
            None => recognise(&source.path, &source.text).or_else(|| by_content(&source.text)),
        };
        let Some((kind, why)) = recognised else {
            if self.options.skip_unknown {
                self.skip(source.path, "no config", false);
                return Ok(());
            }
            let problem = "cannot tell what kind of config this is; say so with --kind";
            return Err(Error(format!("{}: {problem}", source.path)));
        };
        (source.kind, source.why) = (kind, why);
        self.take(real, source, NAMED);
        Ok(())
    }

    fn error(&self, error: &ignore::Error, directory: &Path) {
        let path = path_of(error).unwrap_or(directory);
        let (reason, gap) = match error.io_error() {
            Some(io) if io.kind() == io::ErrorKind::PermissionDenied => ("permission denied".to_owned(), true),
            // Nobody knows any more what was in it, but nothing is there that could run.
            Some(io) if io.kind() == io::ErrorKind::NotFound => (GONE.to_owned(), false),
            Some(io) => (io.to_string(), true),
            None => (error.to_string(), true),
        };
        let shown = match self.shown(path) {
            root if root.is_empty() => "./".to_owned(),
            shown if path.is_dir() => shown + "/",
            shown => shown,
        };
        self.skip(shown, reason, gap);
    }

    /// The path from the scan root.
    fn shown(&self, path: &Path) -> String {
        shown(path, self.root)
    }

    fn skip(&self, path: impl Into<String>, reason: impl Into<String>, gap: bool) {
        self.push(Found { path: path.into(), outcome: Outcome::Skipped { reason: reason.into(), gap } });
    }

    fn take(&self, real: &Path, source: Source, rank: u8) {
        let path = source.path.clone();
        let outcome = Outcome::Taken { rank, real: real.to_owned(), source: Box::new(source) };
        self.push(Found { path, outcome });
    }

    fn push(&self, found: Found) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
    }
}

/// The path from `root`, with `/` between its parts. Bytes that are not UTF-8 are replaced.
fn shown(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts = relative.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    let mut shown = String::new();
    for part in parts {
        if !shown.is_empty() {
            shown.push('/');
        }
        shown.push_str(&part);
    }
    shown
}

/// The path that an error of the walk is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

/// Puts what was found in the order of its paths, whatever order it was found in.
fn collect(mut found: Vec<Found>, disk: Disk) -> Sources {
    let key = |found: &Found| match &found.outcome {
        Outcome::Settings => (0, PathBuf::new(), String::new()),
        Outcome::Taken { rank, real, source } => (*rank, real.clone(), source.why.clone()),
        Outcome::Skipped { reason, gap } => (u8::MAX - u8::from(*gap), PathBuf::new(), reason.clone()),
    };
    found.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| key(a).cmp(&key(b))));
    let mut sources = Sources::new(Box::new(disk));
    let mut last: Option<(String, PathBuf)> = None;
    for Found { path, outcome } in found {
        match outcome {
            Outcome::Taken { real, source, .. } => match &last {
                Some((known, first)) if *known == path => {
                    // Two names that differ only in bytes that are not UTF-8.
                    if *first != real {
                        sources.skip(path, "another file is shown under the same path", true);
                    }
                }
                _ => {
                    last = Some((path, real));
                    sources.add(*source);
                }
            },
            Outcome::Settings => sources.settings.push(path),
            Outcome::Skipped { reason, gap } => sources.skip(path, reason, gap),
        }
    }
    sources.settings.dedup();
    sources
}
