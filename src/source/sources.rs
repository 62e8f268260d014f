//! The files of a scan, and where further ones are read from.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::{FileId, Position, Source, Span, Text};

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// A Compose file.
    Compose,
    /// A supervisord config.
    Supervisor,
    /// An nginx config, or a fragment of one.
    Nginx,
    /// A `.env` file.
    Dotenv,
    /// A file that a config refers to and that is read as plain text: a script, `package.json`, an ignore file.
    Auxiliary,
}

impl Kind {
    /// The name used in output and by `--kind`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Dockerfile => "dockerfile",
            Kind::Compose => "compose",
            Kind::Supervisor => "supervisor",
            Kind::Nginx => "nginx",
            Kind::Dotenv => "dotenv",
            Kind::Auxiliary => "auxiliary",
        }
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// There is no such file.
    Missing,
    /// The path, or a link on it, leads out of the scan root.
    Outside,
    /// The file holds more bytes than the limit.
    TooLarge {
        /// Size of the file in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Not a regular file: a directory, device, FIFO or socket.
    NotAFile,
    /// The system's message.
    Io(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::Missing => write!(f, "no such file"),
            ReadError::Outside => write!(f, "leads out of the scan root"),
            ReadError::TooLarge { size, limit } => write!(f, "{size} bytes, over the limit of {limit}"),
            ReadError::NotAFile => write!(f, "not a regular file"),
            ReadError::Io(message) => write!(f, "{message}"),
        }
    }
}

/// Where files are read from beyond those that the walk took: the disk, an editor's buffers, a test's virtual files.
pub trait Store: Send + Sync {
    /// The content of `path` (relative to the scan root, `/` between parts, no `..`).
    ///
    /// # Errors
    /// Says why the file cannot be read; a path or link that leads out of the root is [`ReadError::Outside`].
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// The first `most` bytes of the file at `path`, whatever its size; empty where they cannot be told.
    fn start(&self, _path: &str, _most: u64) -> Vec<u8> {
        Vec::new()
    }

    /// The names in directory `path` in sorted order, a `/` behind those of directories; empty when there is no such
    /// directory. `""` is the root.
    fn list(&self, path: &str) -> Vec<String>;
}

/// A store that holds nothing.
#[derive(Debug)]
struct Nothing;

impl Store for Nothing {
    fn read(&self, _: &str) -> Result<Vec<u8>, ReadError> {
        Err(ReadError::Missing)
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// A path that was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Path from the scan root; that of a directory ends with `/`.
    pub path: String,
    /// Why, as a clause (`dependency folder`).
    pub reason: String,
    /// It would have been graded, so the scan is not complete without it: where findings point to, which is the place that
    /// names it or an empty stand-in for the file.
    pub gap: Option<Span>,
}

/// The number of the first text inside a file.
const EMBEDDED: u32 = 1 << 31;

/// The files of a scan.
pub struct Sources {
    files: Vec<Source>,
    /// Texts inside the files, each with the place of its bytes; numbered from [`EMBEDDED`] on.
    embedded: Vec<(Source, Text)>,
    by_path: BTreeMap<String, FileId>,
    /// What was not read.
    pub skipped: Vec<Skipped>,
    /// Where in `skipped` a path stands last.
    last_skipped: HashMap<String, usize>,
    /// Paths of the `confscan.toml` files that the walk came upon.
    pub settings: Vec<String>,
    store: Arc<dyn Store>,
    /// What [`Store::list`] gave, so that each directory is listed once.
    listings: Mutex<HashMap<String, Arc<[String]>>>,
}

impl Default for Sources {
    fn default() -> Self {
        Sources::new(Box::new(Nothing))
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("files", &self.files.len()).field("skipped", &self.skipped).finish()
    }
}

impl Sources {
    /// No files yet; files that configs refer to will be read from `store`.
    pub fn new(store: Box<dyn Store>) -> Self {
        Sources {
            files: Vec::new(),
            embedded: Vec::new(),
            by_path: BTreeMap::new(),
            skipped: Vec::new(),
            last_skipped: HashMap::new(),
            settings: Vec::new(),
            store: store.into(),
            listings: Mutex::default(),
        }
    }

    /// Adds a file. A path that is there already keeps its first file.
    pub fn add(&mut self, source: Source) -> FileId {
        if let Some(&id) = self.by_path.get(&source.path) {
            return id;
        }
        let id = FileId(self.files.len() as u32);
        self.by_path.insert(source.path.clone(), id);
        self.files.push(source);
        id
    }

    /// Notes that `path` was not read, and why; `gap` says that it would have been graded. What was said already for the
    /// same reason is not said twice.
    pub fn skip(&mut self, path: impl Into<String>, reason: impl Into<String>, gap: bool) {
        let (path, reason) = (path.into(), reason.into());
        let gap = gap.then(|| Span::at(self.add(Source::new(path.clone(), "")), 0));
        match self.last_skipped.get(&path).and_then(|&at| self.skipped.get_mut(at)) {
            Some(known) if known.reason == reason => known.gap = known.gap.or(gap),
            _ => {
                self.last_skipped.insert(path.clone(), self.skipped.len());
                self.skipped.push(Skipped { path, reason, gap });
            }
        }
    }

    /// Why `path` was not read, where that was noted.
    pub fn why_skipped(&self, path: &str) -> Option<&str> {
        self.last_skipped.get(path).and_then(|&at| self.skipped.get(at)).map(|skipped| skipped.reason.as_str())
    }

    /// Adds a text that stands inside a file and is a config of its own: spans in it are those of its value, until
    /// [`Sources::resolve`] gives their places in the file.
    pub fn embed(&mut self, text: &Text, kind: Kind, why: &str) -> FileId {
        let id = FileId(EMBEDDED + self.embedded.len() as u32);
        let path = self.get(text.span.file).path.clone();
        let source = Source { kind, why: why.to_owned(), ..Source::new(path, text.value.clone()) };
        self.embedded.push((source, text.clone()));
        id
    }

    /// The place of a span in its file, where it is one of a text inside that file.
    pub fn resolve(&self, mut span: Span) -> Span {
        while let Some((_, text)) = span.file.0.checked_sub(EMBEDDED).and_then(|at| self.embedded.get(at as usize)) {
            let end = (span.end as usize).min(text.value.len());
            span = text.span_of((span.start as usize).min(end)..end);
        }
        span
    }

    /// The file, or the text inside a file, `id`.
    pub fn get(&self, id: FileId) -> &Source {
        match id.0.checked_sub(EMBEDDED) {
            Some(at) => &self.embedded[at as usize].0,
            None => &self.files[id.0 as usize],
        }
    }

    /// The file at `path`, if it was read.
    pub fn find(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// Every file with its id, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(index, source)| (FileId(index as u32), source))
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Where files that configs refer to are read from.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The same, for another set of files that shares it.
    pub fn shared_store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The names in directory `path`, as [`Store::list`] gives them.
    pub fn list(&self, path: &str) -> Arc<[String]> {
        // A panic while the lock is held leaves a map that only lacks an entry.
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = listings.get(path) {
            return known.clone();
        }
        let names: Arc<[String]> = self.store.list(path).into();
        listings.insert(path.to_owned(), names.clone());
        names
    }

    /// Whether there is a file at `path`, read or not.
    pub fn exists(&self, path: &str) -> bool {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.find(path).is_some() || self.list(directory).binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    /// The file at `path`, read from the store when it was not taken by the walk.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn load(&mut self, path: &str, kind: Kind, why: &str) -> Result<FileId, ReadError> {
        if let Some(id) = self.find(path) {
            return Ok(id);
        }
        let bytes = self.store.read(path)?;
        Ok(self.add(Source { kind, why: why.to_owned(), ..Source::from_bytes(path, bytes) }))
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).slice(span)
    }

    /// Line and column of the start and of the end of a span.
    pub fn position(&self, span: Span) -> (Position, Position) {
        let source = self.get(span.file);
        (source.position(span.start), source.position(span.end))
    }
}
