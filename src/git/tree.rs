//! The files of a commit.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::local::Local;
use super::{Commit, Error, Repository, is_object_name};
use crate::source::{ReadError, Store};
use crate::text::visible;

/// Links that are followed on one path; Linux follows as many.
const MOST_LINKS: usize = 40;
/// Repositories of one tree: itself and its submodules, each with a git process.
const MOST_REPOSITORIES: usize = 200;
/// Bytes of the longest text of a link.
const LONGEST_LINK: u64 = 4096;

/// The files of a commit below a directory, which their paths are relative to.
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    /// Names in each directory, sorted, a `/` behind those of directories.
    directories: HashMap<String, Vec<String>>,
    /// Where the contents are, by repository: the submodules that are checked out have their own.
    objects: Vec<Mutex<Objects>>,
    limit: u64,
    /// What is the same whatever the commit.
    local: Local,
    /// What to say when a file of the commit is not in this clone, once one was asked for.
    lacks: Arc<Lacks>,
}

/// Whether the clone lacks something of a commit that was asked for.
#[derive(Debug)]
pub struct Lacks {
    problem: Error,
    asked: AtomicBool,
}

impl Lacks {
    /// Whether everything that was asked for was there.
    ///
    /// # Errors
    /// It was not; says what to fetch.
    pub fn check(&self) -> Result<(), Error> {
        if self.asked.load(Ordering::Relaxed) { Err(self.problem.clone()) } else { Ok(()) }
    }
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file, by the index of its repository and the name of its object.
    File(usize, String),
    /// A link, with its text.
    Link(String),
    /// A submodule that is not checked out.
    Submodule,
}

/// The content of a file, or its start.
pub(super) struct Content {
    /// Bytes of the whole file.
    pub size: u64,
    /// As much of it as was asked for.
    pub bytes: Vec<u8>,
}

/// A running `git cat-file --batch`.
struct Objects {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Tree {
    /// The tree of `commit`; files of more than `limit` bytes are refused. `store` is the directory as it is, for what is
    /// part of no commit.
    ///
    /// # Errors
    /// The tree is not in this clone.
    pub fn read(repository: &Repository, commit: &Commit, limit: u64, store: Arc<dyn Store>) -> Result<Tree, Error> {
        let fetch = format!("git fetch --refetch --no-filter origin {}", commit.id);
        let lacks =
            Error(format!("files of {} are not in this clone; `{fetch}` brings all of them", visible(&commit.shown)));
        let problem = Arc::new(Lacks { problem: lacks.clone(), asked: AtomicBool::new(false) });
        let mut tree = Tree {
            entries: BTreeMap::new(),
            directories: HashMap::new(),
            objects: Vec::new(),
            limit,
            local: Local::new(store),
            lacks: problem,
        };
        tree.add(repository, &commit.id, "", &lacks)?;
        tree.directories = tree.list_directories();
        Ok(tree)
    }

    /// Adds the files of the commit `id` below `prefix`, and those of the submodules in it that are checked out, each as it
    /// belongs to that commit.
    fn add(&mut self, repository: &Repository, id: &str, prefix: &str, lacks: &Error) -> Result<(), Error> {
        // The tree that the directory is in; its own paths are relative to that directory.
        let listed = repository.git(["ls-tree", "-r", "-z", id]).output();
        let listed = listed.ok().filter(|output| output.status.success()).ok_or_else(|| lacks.clone())?;
        let mut objects = Objects::start(repository).map_err(|error| Error(format!("git: {error}")))?;
        let number = self.objects.len();
        let mut submodules = Vec::new();
        for line in listed.stdout.split(|byte| *byte == 0) {
            // <mode> SP <type> SP <object> TAB <path>
            let Some(tab) = memchr::memchr(b'\t', line) else { continue };
            let mut fields = line[..tab].split(|byte| *byte == b' ').map(|field| String::from_utf8_lossy(field));
            let (Some(mode), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next()) else { continue };
            let inner = String::from_utf8_lossy(&line[tab + 1..]);
            let path = if prefix.is_empty() { inner.clone().into_owned() } else { format!("{prefix}/{inner}") };
            let entry = match mode.as_ref() {
                "120000" => {
                    let content = objects.get(&id, LONGEST_LINK).map_err(|_| lacks.clone())?;
                    Entry::Link(String::from_utf8_lossy(&content.bytes).into_owned())
                }
                "160000" => match repository.submodule(&inner).filter(|_| is_object_name(&id)) {
                    Some(submodule) => {
                        submodules.push((submodule, id.into_owned(), path));
                        continue;
                    }
                    None => Entry::Submodule,
                },
                _ => Entry::File(number, id.into_owned()),
            };
            self.entries.insert(path, entry);
        }
        self.objects.push(Mutex::new(objects));
        self.local.add(repository, prefix);
        for (submodule, id, path) in submodules {
            if self.objects.len() >= MOST_REPOSITORIES {
                return Err(Error(format!("more than {MOST_REPOSITORIES} submodules are checked out")));
            }
            let shown = visible(&path).into_owned();
            let fetch = format!("git -C {shown} fetch origin {id}");
            let lacks = Error(format!("the submodule {shown} lacks the commit {id}; `{fetch}` brings it"));
            self.add(&submodule, &id, &path, &lacks)?;
        }
        Ok(())
    }

    /// What is the same whatever the commit.
    pub(super) fn local(&self) -> &Local {
        &self.local
    }

    /// What the clone lacks, to be asked once the tree was read.
    pub fn lacks(&self) -> Arc<Lacks> {
        self.lacks.clone()
    }

    /// Everything that is no directory, by path.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether there is a file or directory at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path) || self.directories.contains_key(path)
    }

    /// Whether there is a directory at `path`.
    pub(super) fn is_directory(&self, path: &str) -> bool {
        self.directories.contains_key(path)
    }

    fn list_directories(&self) -> HashMap<String, Vec<String>> {
        let mut directories: HashMap<String, Vec<String>> = HashMap::from([(String::new(), Vec::new())]);
        let local = self.local.iter();
        for (path, folder) in self.entries.keys().map(|path| (path.as_str(), false)).chain(local) {
            let mut name = path.to_owned();
            let mut rest = path;
            loop {
                let (directory, last) = rest.rsplit_once('/').unwrap_or(("", rest));
                name.replace_range(.., last);
                if folder || rest.len() < path.len() {
                    name.push('/');
                }
                let known = directories.contains_key(directory);
                directories.entry(directory.to_owned()).or_default().push(name.clone());
                if known || directory.is_empty() {
                    break;
                }
                rest = directory;
            }
        }
        for (path, entry) in &self.entries {
            // What a link leads to is judged when it is read, as on the disk.
            let Entry::Link(_) = entry else { continue };
            let to_directory = self.real(path).is_ok_and(|real| directories.contains_key(&real));
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            if to_directory && let Some(names) = directories.get_mut(directory) {
                names.iter_mut().filter(|known| *known == name).for_each(|known| known.push('/'));
            }
        }
        directories.values_mut().for_each(|names| {
            names.sort_unstable();
            names.dedup();
        });
        directories
    }

    /// The path that `path` leads to once every link on it is followed.
    pub(super) fn real(&self, path: &str) -> Result<String, ReadError> {
        let mut ahead: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut real: Vec<String> = Vec::new();
        let mut followed = 0;
        while let Some(part) = ahead.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop().ok_or(ReadError::Outside)?;
                    continue;
                }
                _ => real.push(part),
            }
            if let Some(Entry::Link(target)) = self.entries.get(&real.join("/")) {
                followed += 1;
                if followed > MOST_LINKS {
                    return Err(ReadError::Io("too many links".to_owned()));
                }
                if target.starts_with('/') {
                    return Err(ReadError::Outside);
                }
                real.pop();
                ahead.extend(target.split('/').rev().map(str::to_owned));
            }
        }
        Ok(real.join("/"))
    }

    /// The file at `path`, or its first `most` bytes.
    pub(super) fn content(&self, path: &str, most: u64) -> Result<Content, ReadError> {
        let real = self.real(path)?;
        match self.entries.get(&real) {
            Some(Entry::File(repository, id)) => {
                let objects = self.objects.get(*repository).ok_or(ReadError::Missing)?;
                let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                objects.get(id, most).map_err(|error| {
                    self.lacks.asked.store(true, Ordering::Relaxed);
                    ReadError::Io(error.to_string())
                })
            }
            Some(_) => Err(ReadError::NotAFile),
            None if self.directories.contains_key(&real) => Err(ReadError::NotAFile),
            None => Err(ReadError::Missing),
        }
    }
}

impl Store for Tree {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(ReadError::Outside);
        }
        let Content { size, bytes } = match self.content(path, self.limit) {
            Err(ReadError::Missing) if self.local.holds(path) => return self.local.store().read(path),
            content => content?,
        };
        if size > self.limit { Err(ReadError::TooLarge { size, limit: self.limit }) } else { Ok(bytes) }
    }

    fn list(&self, path: &str) -> Vec<String> {
        match self.real(path).ok().and_then(|real| self.directories.get(&real)) {
            Some(names) => names.clone(),
            None if self.local.holds(path) => self.local.store().list(path),
            None => Vec::new(),
        }
    }
}

impl Objects {
    fn start(repository: &Repository) -> io::Result<Objects> {
        let mut command = repository.git(["cat-file", "--batch"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Objects { child, requests, answers: BufReader::new(answers) })
    }

    /// The object `id`, or its first `most` bytes.
    fn get(&mut self, id: &str, most: u64) -> io::Result<Content> {
        if !is_object_name(id) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let requests = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(requests, "{id}")?;
        requests.flush()?;
        // <object> SP <type> SP <size> LF <content> LF, or <object> SP missing LF
        let mut header = String::new();
        self.answers.by_ref().take(256).read_line(&mut header)?;
        let size = header.split_whitespace().nth(2).and_then(|size| size.parse::<u64>().ok());
        let size = size.ok_or_else(|| io::Error::other("not in this clone"))?;
        let mut bytes = Vec::new();
        self.answers.by_ref().take(size.min(most)).read_to_end(&mut bytes)?;
        let rest = size - bytes.len() as u64 + 1;
        let skipped = io::copy(&mut self.answers.by_ref().take(rest), &mut io::sink())?;
        if skipped == rest { Ok(Content { size, bytes }) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It ends when nothing can be asked any more.
        self.requests = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
