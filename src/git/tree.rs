//! The files of a commit.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::local::Local;
use super::watched::{PATIENCE, Watched};
use super::{Commit, Error, Repository, is_object_name};
use crate::source::{ReadError, Store};
use crate::text::visible;

/// Links that are followed on one path; Linux follows as many.
const MOST_LINKS: usize = 40;
/// Repositories of one tree: itself and its submodules, each with a git process.
const MOST_REPOSITORIES: usize = 200;
/// Bytes of the longest text of a link.
const LONGEST_LINK: u64 = 4096;
/// Bytes of the longest path that is looked for, as on the disk.
const LONGEST_PATH: usize = 4096;
/// Most parts of one path and of the links on it.
const MOST_STEPS: usize = 4096;
/// Bytes of the longest list of a commit's files: about two million of them.
pub(super) const LONGEST_LIST: u64 = 1 << 28;
/// Bytes of objects of which a start is read although they are larger than what was asked for.
const SMALL: u64 = 1 << 16;

/// The files of a commit below a directory, which their paths are relative to.
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    /// Names in each directory, sorted, a `/` behind those of directories.
    directories: HashMap<String, Vec<String>>,
    /// Where the contents are, by repository: the submodules that are checked out have their own.
    objects: Vec<Mutex<Objects>>,
    limit: u64,
    /// Bytes of what `git ls-tree` said so far.
    listed: u64,
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
    /// As much of it as was asked for; nothing of a file that is much larger.
    pub bytes: Vec<u8>,
}

/// The objects of the repository.
struct Objects {
    repository: Repository,
    /// `git cat-file --batch-check`: asked first, because git unpacks the whole of an object before it gives any of it.
    sizes: Option<Asked>,
    /// `git cat-file --batch`.
    contents: Option<Asked>,
}

/// A running git that answers what it is asked.
struct Asked {
    git: Watched,
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
            listed: 0,
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
        let listed = self.list(repository, id)?.ok_or_else(|| lacks.clone())?;
        let mut objects = Objects::of(repository);
        let number = self.objects.len();
        let mut submodules = Vec::new();
        for line in listed.split(|byte| *byte == 0) {
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

    /// What `git ls-tree` says of a commit; nothing when it fails.
    fn list(&mut self, repository: &Repository, id: &str) -> Result<Option<Vec<u8>>, Error> {
        let left = LONGEST_LIST - self.listed;
        let output = repository.answer(["ls-tree", "-r", "-z", id], left + 1)?;
        // A folder can be in a commit many times over at no cost: ten in each of ten make 10^10.
        let length = output.stdout.len() as u64;
        if length > left {
            let most = LONGEST_LIST >> 20;
            return Err(Error(format!("the names of the files of {id} take more than {most} MiB")));
        }
        self.listed += length;
        Ok(output.status.success().then_some(output.stdout))
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
        let mut real = String::new();
        let (mut followed, mut steps) = (0, 0);
        while let Some(part) = ahead.pop() {
            steps += 1;
            if steps > MOST_STEPS || real.len() > LONGEST_PATH {
                return Err(ReadError::Io("its path is too long".to_owned()));
            }
            match part.as_str() {
                "" | "." => continue,
                ".." if real.is_empty() => return Err(ReadError::Outside),
                ".." => {
                    real.truncate(real.rfind('/').unwrap_or_default());
                    continue;
                }
                name => {
                    if !real.is_empty() {
                        real.push('/');
                    }
                    real.push_str(name);
                }
            }
            if let Some(Entry::Link(target)) = self.entries.get(&real) {
                followed += 1;
                if followed > MOST_LINKS {
                    return Err(ReadError::Io("too many links".to_owned()));
                }
                if target.starts_with('/') {
                    return Err(ReadError::Outside);
                }
                real.truncate(real.rfind('/').unwrap_or_default());
                ahead.extend(target.split('/').rev().map(str::to_owned));
            }
        }
        Ok(real)
    }

    /// The file at `path`, or its first `most` bytes; of a much larger one its size alone.
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
    fn of(repository: &Repository) -> Objects {
        Objects { repository: repository.clone(), sizes: None, contents: None }
    }

    /// The object `id`, or its first `most` bytes; of a much larger one its size alone.
    fn get(&mut self, id: &str, most: u64) -> io::Result<Content> {
        let size = Asked::started(&mut self.sizes, &self.repository, "--batch-check")?.ask(id)?;
        if size > most.max(SMALL) {
            return Ok(Content { size, bytes: Vec::new() });
        }
        let contents = Asked::started(&mut self.contents, &self.repository, "--batch")?;
        let size = contents.ask(id)?;
        let Asked { git, answers, .. } = contents;
        let mut bytes = Vec::new();
        let rest = git.wait_for(|| {
            answers.by_ref().take(size.min(most)).read_to_end(&mut bytes)?;
            let rest = size - bytes.len() as u64 + 1;
            Ok(rest - io::copy(&mut answers.by_ref().take(rest), &mut io::sink())?)
        });
        match rest.map_err(|error| git.explain(error))? {
            0 => Ok(Content { size, bytes }),
            _ => Err(git.explain(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

impl Asked {
    /// The one in `place`, which is started for the first who asks: most repositories of a tree are asked for nothing.
    fn started<'a>(place: &'a mut Option<Asked>, repository: &Repository, batch: &str) -> io::Result<&'a mut Asked> {
        match place {
            Some(asked) => Ok(asked),
            None => Ok(place.insert(Asked::start(repository, batch)?)),
        }
    }

    fn start(repository: &Repository, batch: &str) -> io::Result<Asked> {
        let mut command = repository.git(["cat-file", batch]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let git = Watched::start(command, PATIENCE)?;
        let (requests, answers) = git.pipes();
        let answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Asked { git, requests, answers: BufReader::new(answers) })
    }

    /// Asks for the object `id`, and gives its size in bytes.
    fn ask(&mut self, id: &str) -> io::Result<u64> {
        if !is_object_name(id) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let Asked { git, requests, answers } = self;
        let requests = requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // <object> SP <type> SP <size> LF, or <object> SP missing LF
        let mut header = String::new();
        let read = git.wait_for(|| {
            writeln!(requests, "{id}")?;
            requests.flush()?;
            answers.by_ref().take(256).read_line(&mut header)
        });
        read.map_err(|error| git.explain(error))?;
        let size = header.split_whitespace().nth(2).and_then(|size| size.parse::<u64>().ok());
        size.ok_or_else(|| git.explain(io::Error::other("not in this clone")))
    }
}
