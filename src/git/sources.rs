//! A commit's configs, found in its tree as the walk finds them on the disk.

use std::collections::{BTreeMap, HashMap, HashSet};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Tree;
use super::tree::Entry;
use crate::project::path::{directory, file_name};
use crate::source::{Kind, ReadError, Source, Sources};
use crate::syntax::{Verdict, by_content, by_name, recognise};
use crate::walk::{Options, Scope, folder_reason, is_cache_tag};

/// Bytes that a cache directory's tag is known by.
const TAG: u64 = 64;

/// The configs of `tree` that a scan of `scope` would find on the disk; the others can be read when a config refers to
/// them. `now` is what it finds there now: configs that are part of no commit are the same.
pub fn sources(tree: Tree, scope: &Scope, options: &Options, now: &Sources) -> Sources {
    let mut finder =
        Finder { tree: &tree, scope, options, entered: HashMap::new(), taken: BTreeMap::new(), gaps: vec![] };
    let ignores = if options.gitignore { Ignores::of(&tree, options.max_file_size) } else { Ignores::default() };
    for (path, entry) in tree.entries() {
        if scope.holds(path) && finder.enters(path) && !ignores.matches(path, scope) {
            match entry {
                Entry::File(..) => finder.candidate(path, path, WALKED),
                Entry::Link(_) => finder.link(path),
                Entry::Submodule => {}
            }
        }
    }
    for path in &scope.files {
        finder.named(path);
    }
    let local = now.iter().map(|(_, source)| source).filter(|source| source.kind != Kind::Auxiliary);
    for source in local.filter(|source| tree.local().holds(&source.path)) {
        let mut same = Source::new(&source.path, &source.text);
        (same.recoded, same.kind, same.why) = (source.recoded, source.kind, source.why.clone());
        finder.take(same, LINKED);
    }
    let Finder { taken, gaps, .. } = finder;
    let mut sources = Sources::new(Box::new(tree));
    for (_, source) in taken.into_values() {
        sources.add(source);
    }
    for (path, reason) in gaps {
        sources.skip(path, reason, true);
    }
    sources
}

/// The scope in which files of `tree` are looked for, and what it has more than `scope`: a single file that was moved is
/// there under a name that nobody gave, so the configs that are gone from the directory are read as well.
pub fn base_scope(tree: &Tree, scope: &Scope) -> (Scope, HashSet<String>) {
    let mut more = HashSet::new();
    if scope.files.iter().any(|path| !tree.has(path)) {
        let gone = tree.entries().filter(|(path, entry)| {
            matches!(entry, Entry::File(..))
                && by_name(path).is_some()
                && !scope.files.iter().any(|named| named == path)
                && !scope.root.join(path).exists()
        });
        more.extend(gone.map(|(path, _)| path.to_owned()));
    }
    let mut files = scope.files.clone();
    files.extend(more.iter().cloned());
    files.sort_unstable();
    (Scope { files, ..scope.clone() }, more)
}

/// The `.gitignore` files of a commit, by their folders.
#[derive(Default)]
struct Ignores(HashMap<String, Gitignore>);

impl Ignores {
    fn of(tree: &Tree, limit: u64) -> Ignores {
        let files = tree.entries().filter(|(path, _)| file_name(path) == ".gitignore");
        let read = files.filter_map(|(path, _)| {
            let content = tree.content(path, limit).ok()?;
            let mut builder = GitignoreBuilder::new("");
            // A line that is no pattern is passed over, as git does.
            String::from_utf8_lossy(&content.bytes).lines().for_each(|line| {
                let _ = builder.add_line(None, line);
            });
            Some((directory(path).to_owned(), builder.build().ok()?))
        });
        Ignores(read.collect())
    }

    /// Whether `path`, or a folder that it is in below the named ones, is left out.
    fn matches(&self, path: &str, scope: &Scope) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let below = |part: &&str| scope.holds(part) && !scope.directories.iter().any(|named| named == part);
        ends.map(|end| &path[..end]).filter(below).any(|part| self.leaves_out(part, part.len() < path.len()))
    }

    /// What the nearest file that has a pattern for `path` says.
    fn leaves_out(&self, path: &str, is_directory: bool) -> bool {
        let mut folder = path;
        while !folder.is_empty() {
            folder = directory(folder);
            let Some(file) = self.0.get(folder) else { continue };
            let seen = path[folder.len()..].trim_start_matches('/');
            match file.matched(seen, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

const NAMED: u8 = 0;
const WALKED: u8 = 1;
const LINKED: u8 = 2;

struct Finder<'a> {
    tree: &'a Tree,
    scope: &'a Scope,
    options: &'a Options,
    /// Whether a directory is entered, by its path.
    entered: HashMap<String, bool>,
    /// Of several for one path the one with the lowest rank stays.
    taken: BTreeMap<String, (u8, Source)>,
    /// What would be graded and was not read, and why.
    gaps: Vec<(String, String)>,
}

impl Finder<'_> {
    /// Whether every directory between a named one and `path` is entered.
    fn enters(&mut self, path: &str) -> bool {
        let Some((directory, _)) = path.rsplit_once('/') else { return true };
        // A directory that was named is entered whatever it is called.
        if self.scope.directories.iter().any(|named| named == directory) {
            return true;
        }
        if let Some(known) = self.entered.get(directory) {
            return *known;
        }
        let mut entered = true;
        let parts = directory.match_indices('/').map(|(at, _)| at).chain([directory.len()]);
        for part in parts.map(|end| &directory[..end]) {
            entered = match self.entered.get(part) {
                Some(known) => *known,
                None if self.scope.directories.iter().any(|named| named == part) => true,
                None => {
                    let has = |name: &str| self.tree.has(&format!("{part}/{name}"));
                    let tagged = || {
                        let tag = self.tree.content(&format!("{part}/CACHEDIR.TAG"), TAG);
                        tag.is_ok_and(|content| is_cache_tag(&content.bytes))
                    };
                    !self.scope.holds(part) || folder_reason(part, has, tagged).is_none()
                }
            };
            self.entered.insert(part.to_owned(), entered);
            if !entered {
                break;
            }
        }
        self.entered.insert(directory.to_owned(), entered);
        entered
    }

    fn link(&mut self, path: &str) {
        let verdict = by_name(path);
        if verdict.is_none() {
            return;
        }
        match self.tree.real(path) {
            Ok(real) if self.tree.is_directory(&real) => {}
            Ok(real) if self.scope.holds(&real) => self.candidate(&real, path, LINKED),
            Ok(_) | Err(ReadError::Outside) if matches!(verdict, Some(Verdict::Taken(..))) => {
                self.gaps.push((path.to_owned(), "link out of the scan root".to_owned()));
            }
            _ => {}
        }
    }

    /// Takes the file at `path` when it is a config by the path `name`, which is that of a link or its own.
    fn candidate(&mut self, path: &str, name: &str, rank: u8) {
        if by_name(name).is_none() {
            return;
        }
        if let Some(mut source) = self.read(path, |text| recognise(name, text).is_some())
            && let Some((kind, why)) = recognise(name, &source.text)
        {
            (source.kind, source.why) = (kind, why);
            self.take(source, rank);
        }
    }

    /// Takes a file that was named.
    fn named(&mut self, path: &str) {
        let Some(mut source) = self.read(path, |_| true) else { return };
        let recognised = match self.options.kind {
            Some(kind) => Some((kind, "named with --kind".to_owned())),
            None => recognise(path, &source.text).or_else(|| by_content(&source.text)),
        };
        if let Some((kind, why)) = recognised {
            (source.kind, source.why) = (kind, why);
            self.take(source, NAMED);
        }
    }

    /// Reads a file; one that is too large is a gap where `is_config` says so of its start.
    fn read(&mut self, path: &str, is_config: impl Fn(&str) -> bool) -> Option<Source> {
        let limit = self.options.max_file_size;
        match self.tree.content(path, limit) {
            Ok(content) => {
                let source = Source::from_bytes(path, content.bytes);
                if content.size <= limit {
                    return Some(source);
                }
                if is_config(&source.text) {
                    self.gaps.push((path.to_owned(), ReadError::TooLarge { size: content.size, limit }.to_string()));
                }
            }
            Err(ReadError::Missing | ReadError::NotAFile) => {}
            Err(error) => self.gaps.push((path.to_owned(), error.to_string())),
        }
        None
    }

    fn take(&mut self, source: Source, rank: u8) {
        match self.taken.get(&source.path) {
            Some((known, _)) if *known <= rank => {}
            _ => drop(self.taken.insert(source.path.clone(), (rank, source))),
        }
    }
}
