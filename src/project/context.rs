//! What builds see of the repository: the folder of the context, the ignore file in force, and what lies in it that is not
//! meant for an image.
//!
//! Only this reads files that no other config refers to: the ignore files, and those of the files in a context that have
//! the name of a secret, since what is in them settles whether they are one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::link::Linker;
use super::{environment, path};
use crate::container::{BuiltFrom, Container, Context, Environment, Origin as ContainerOrigin, Sensitive};
use crate::secret::files::{self, Contents};
use crate::source::{FileId, Kind as FileKind, ReadError, Sources, Span};
use crate::syntax::dockerfile::{Dockerfile, Instruction, Kind, Origin};
use crate::syntax::dockerignore::{self, Dockerignore};

/// Folders of a context that are looked into.
const MAX_FOLDERS: usize = 2_000;
/// Names in folders that are looked at in a scan.
const MAX_NAMES: usize = 200_000;
/// Levels of folders that are looked into; a link may lead upwards.
const MAX_DEPTH: usize = 16;
/// Files that are read in a scan to see what is in them.
const MAX_READ: usize = 500;
/// Sources of one build that are followed.
const MAX_SOURCES: usize = 200;
/// Lines of an ignore file that are followed: what one of more lines lets in is not known.
const MAX_LINES: usize = 5_000;
/// Pieces of patterns in an ignore file that are followed, and in a source or the `--exclude` flags of one COPY: hundreds of
/// times what any real one has.
const MAX_WEIGHT: usize = 20_000;
const MAX_WEIGHT_OF_COPY: usize = 500;
/// Pieces times bytes of paths that are compared in a scan to find what lies in contexts: a second or two of work.
const MAX_COMPARED: usize = 1 << 30;
/// Files of one context that are kept.
const MAX_KEPT: usize = 100;

/// Folders of dependencies and of what tools make, in which keys are those of their tests.
const DEPENDENCIES: [&str; 11] = [
    "node_modules",
    "bower_components",
    "vendor",
    ".venv",
    "venv",
    "site-packages",
    "__pycache__",
    ".tox",
    ".cache",
    ".terraform",
    "target",
];

/// Words that folders of made-up files have in their names.
const FIXTURES: [&str; 16] = [
    "test", "tests", "testing", "testdata", "spec", "specs", "fixture", "fixtures", "mock", "mocks", "e2e", "example",
    "examples", "sample", "samples", "docs",
];

/// A COPY or ADD from the context.
#[derive(Debug)]
pub struct Copied<'a> {
    /// The stage that it stands in.
    pub stage: usize,
    /// The instruction.
    pub instruction: &'a Instruction,
    /// What is copied: paths from the folder of the context, perhaps with `*`, and where they are written. That of the
    /// whole context is empty.
    pub sources: Vec<(String, Span)>,
    /// Where it goes, as an absolute path; known of the stages that make the image.
    pub destination: Option<String>,
    /// The stage is part of the image.
    pub shipped: bool,
}

impl Copied<'_> {
    /// The source that brings a path of the context, and its place.
    pub fn brings(&self, path: &str) -> Option<&(String, Span)> {
        let source = self.sources.iter().find(|(source, _)| covers(source, path))?;
        (!self.leaves_out(path, &source.0)).then_some(source)
    }

    /// Whether `--exclude` names the path.
    fn leaves_out(&self, path: &str, source: &str) -> bool {
        let excluded = self.instruction.flags.iter().filter(|flag| flag.name.value == "exclude");
        let lines: Vec<&str> = excluded.filter_map(|flag| Some(flag.value.as_ref()?.as_str())).collect();
        if lines.is_empty() {
            return false;
        }
        let ignore = dockerignore::parse(self.instruction.span.file, &lines.join("\n"));
        ignore.weight() <= MAX_WEIGHT_OF_COPY
            && (ignore.excludes(path) || path::below(path, source).is_some_and(|below| ignore.excludes(below)))
    }
}

/// Whether a source of COPY brings a path of the context: it is the path, a folder above it, or a pattern that fits one.
fn covers(source: &str, path: &str) -> bool {
    match is_pattern(source) {
        true => {
            let pattern = dockerignore::parse(FileId(0), source);
            pattern.weight() <= MAX_WEIGHT_OF_COPY && pattern.excludes(path)
        }
        false => path::below(path, source).is_some(),
    }
}

fn is_pattern(source: &str) -> bool {
    source.contains(['*', '?', '['])
}

/// The COPY and ADD from the context that a build runs, those of the stages that make the image first.
pub fn copies<'a>(dockerfile: &'a Dockerfile, built: &BuiltFrom) -> Vec<Copied<'a>> {
    let plain = |source: &str| {
        let remote = source.contains("://") || source.starts_with("git@") || source.contains('$');
        let path = path::absolute("/", source);
        (!remote && !source.is_empty()).then(|| path[1..].to_owned())
    };
    let mut copies = Vec::new();
    for transfer in built.config.transfers.iter().filter(|transfer| transfer.origin == Origin::Context) {
        let Some(instruction) = dockerfile.effective(transfer.instruction) else { continue };
        let known = transfer.sources.iter().filter(|source| source.is_known());
        copies.push(Copied {
            stage: transfer.stage,
            instruction,
            sources: known.filter_map(|source| Some((plain(&source.value)?, source.span))).collect(),
            destination: transfer.destination.is_known().then(|| transfer.destination.value.clone()),
            shipped: true,
        });
    }
    for (index, stage) in dockerfile.stages.iter().enumerate() {
        if built.config.chain.contains(&index) || !built.reachable.get(index).copied().unwrap_or_default() {
            continue;
        }
        for instruction in dockerfile.instructions.get(stage.body.clone()).unwrap_or_default() {
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else { continue };
            if instruction.flag("from").is_some() {
                continue;
            }
            let bare = |source: &str| plain(source.trim_matches(['"', '\'']));
            copies.push(Copied {
                stage: index,
                instruction,
                sources: transfer.sources.iter().filter_map(|text| Some((bare(text.as_str())?, text.span))).collect(),
                destination: None,
                shipped: false,
            });
        }
    }
    copies
}

/// The folder of a context, the ignore file, and the sources that are copied.
type View = (String, Option<FileId>, Vec<String>);

/// What was looked at so far.
#[derive(Default)]
struct Reader {
    names: usize,
    compared: usize,
    read: usize,
    /// What lies in a folder behind an ignore file, by the sources that are copied.
    known: HashMap<View, Arc<[Sensitive]>>,
}

/// Finds what the builds of containers see.
pub(super) fn attach(linker: &mut Linker, containers: &mut [Container]) {
    let mut reader = Reader::default();
    // Services that build the same share it.
    let mut known: HashMap<(usize, bool), Arc<Context>> = HashMap::new();
    for container in containers {
        let Some(built) = container.built.clone() else { continue };
        let service = matches!(container.origin, ContainerOrigin::Service { .. });
        let key = (Arc::as_ptr(&built) as usize, service);
        let context = match known.get(&key) {
            Some(context) => context.clone(),
            None => {
                let context = Arc::new(reader.context(linker, &built, service));
                known.insert(key, context.clone());
                context
            }
        };
        container.context = Some(context);
    }
}

impl Reader {
    fn context(&mut self, linker: &mut Linker, built: &BuiltFrom, service: bool) -> Context {
        let mut sources: Vec<String> = Vec::new();
        if let Some(dockerfile) = linker.dockerfile(built.document) {
            let copied = copies(dockerfile, built);
            sources.extend(copied.into_iter().flat_map(|copied| copied.sources).map(|(source, _)| source));
        }
        sources.sort_unstable();
        sources.dedup();
        sources.truncate(MAX_SOURCES);
        let dockerfile = linker.path(built.document).to_owned();
        let (folder, ignore) = place(linker.sources, &dockerfile, &built.context, service, &sources);
        let mut context = Context { folder, ignore: None, unread: false, sensitive: Arc::default() };
        if let Some(path) = ignore {
            match linker.sources.load(&path, FileKind::Auxiliary, "the ignore file of a build") {
                Ok(file) => {
                    let ignore = dockerignore::parse(file, &linker.sources.get(file).text);
                    context.unread = ignore.patterns.len() > MAX_LINES || ignore.weight() > MAX_WEIGHT;
                    context.ignore = Some(ignore);
                }
                Err(_) => context.unread = true,
            }
        }
        if !context.unread {
            let roots = roots(linker.sources, &context.folder, &sources);
            if !roots.is_empty() {
                let key = (context.folder.clone(), context.ignore.as_ref().map(|ignore| ignore.file), sources);
                context.sensitive = match self.known.get(&key) {
                    Some(known) => known.clone(),
                    None => {
                        let found: Arc<[Sensitive]> = self.walk(linker.sources, &context, roots, &key.2).into();
                        self.known.insert(key, found.clone());
                        found
                    }
                };
            }
        }
        context
    }

    /// What lies in folders of the context.
    fn walk(
        &mut self,
        sources: &Sources,
        context: &Context,
        roots: BTreeSet<String>,
        copied: &[String],
    ) -> Vec<Sensitive> {
        let mut found = Vec::new();
        let mut folders: Vec<String> = roots.into_iter().rev().collect();
        let mut seen = 0;
        let weight = context.ignore.as_ref().map_or(0, Dockerignore::weight)
            + copied.iter().map(|source| source.len().min(MAX_WEIGHT_OF_COPY)).sum::<usize>();
        while let Some(folder) = folders.pop() {
            seen += 1;
            if seen > MAX_FOLDERS || self.names > MAX_NAMES || found.len() >= MAX_KEPT {
                break;
            }
            let names = sources.list(&joined(&context.folder, &folder));
            self.names += names.len();
            let mut below = Vec::new();
            for name in names.iter() {
                let inside = name.strip_suffix('/');
                let path = joined(&folder, inside.unwrap_or(name));
                if self.compared > MAX_COMPARED {
                    break;
                }
                if let Some((what, sure)) = files::leaks(if inside.is_some() { name } else { &path }) {
                    self.compared = self.compared.saturating_add(weight.saturating_mul(path.len()));
                    let for_tests = environment::by_name(name).is_some_and(|(mark, _)| mark == Environment::Test);
                    let out = for_tests || context.excludes(&path);
                    if !out && copied.iter().any(|source| covers(source, &path)) {
                        found.extend(self.sensitive(sources, context, path, what, sure, inside.is_some()));
                    }
                    continue;
                }
                let fixture =
                    |name: &str| name.to_ascii_lowercase().split(['-', '_', '.']).any(|it| FIXTURES.contains(&it));
                let Some(name) = inside.filter(|name| !DEPENDENCIES.contains(name) && !fixture(name)) else { continue };
                if folders.len() + below.len() >= MAX_FOLDERS {
                    continue;
                }
                self.compared = self.compared.saturating_add(weight.saturating_mul(path.len()));
                let out = context.ignore.as_ref().is_some_and(|ignore| ignore.excludes_all_of(&path));
                if !out && name != ".git" && path.matches('/').count() < MAX_DEPTH {
                    below.push(path);
                }
            }
            folders.extend(below.into_iter().rev());
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup_by(|a, b| a.path == b.path);
        found
    }

    /// A file or folder that has the name of a secret, unless what is in it shows that it is none.
    fn sensitive(
        &mut self,
        sources: &Sources,
        context: &Context,
        path: String,
        what: &'static str,
        mut sure: bool,
        folder: bool,
    ) -> Option<Sensitive> {
        let full = joined(&context.folder, &path);
        if folder {
            let names = sources.list(&full);
            let real = match path::file_name(&path) {
                ".git" => names.iter().any(|name| name == "HEAD"),
                _ => !names.is_empty(),
            };
            return real.then_some(Sensitive { path, what, sure, file: None });
        }
        let file = sources.find(&full);
        let secret = match file {
            Some(file) => files::contents(&path, &sources.get(file).text),
            None if self.read >= MAX_READ => None,
            None => {
                self.read += 1;
                match sources.store().read(&full) {
                    Ok(bytes) => files::contents(&path, &String::from_utf8_lossy(&bytes)),
                    Err(ReadError::Missing | ReadError::Outside | ReadError::NotAFile) => Some(Contents::Harmless),
                    Err(ReadError::TooLarge { .. } | ReadError::Io(_)) => None,
                }
            }
        };
        match secret {
            Some(Contents::Secret) => sure = true,
            Some(Contents::Guessable) => sure = false,
            Some(Contents::Harmless) | None => {}
        }
        (secret != Some(Contents::Harmless)).then_some(Sensitive { path, what, sure, file })
    }
}

fn joined(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

/// Whether there is a file or a folder at `path`.
fn present(sources: &Sources, path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let names = sources.list(folder);
    names.iter().any(|known| known.strip_suffix('/').unwrap_or(known) == name)
}

/// The folder of the context, and the path of the ignore file in force: that beside the Dockerfile with its name goes before
/// that of the context (BuildKit's `dockerfile` frontend; Podman looks for `.containerignore` first). Where no service says
/// what the context is, it is the nearest folder above the Dockerfile that has what is copied by name, else the nearest with
/// an ignore file, else the Dockerfile's own.
fn place(
    sources: &Sources,
    dockerfile: &str,
    context: &str,
    service: bool,
    copied: &[String],
) -> (String, Option<String>) {
    let own = Some(format!("{dockerfile}.dockerignore")).filter(|path| present(sources, path));
    let ignore_of = |folder: &str| {
        let paths = [".containerignore", ".dockerignore"].map(|name| joined(folder, name));
        paths.into_iter().find(|path| present(sources, path))
    };
    if service {
        let ignore = own.or_else(|| ignore_of(context));
        return (context.to_owned(), ignore);
    }
    let mut above = vec![context];
    while let Some(folder) = above.last().filter(|folder| !folder.is_empty() && above.len() <= 20) {
        above.push(path::directory(folder));
    }
    let named: Vec<&String> = copied.iter().filter(|source| !source.is_empty() && !is_pattern(source)).collect();
    let has_all = |folder: &&&str| named.iter().all(|source| present(sources, &joined(folder, source)));
    let by_name = above.iter().find(has_all).filter(|_| !named.is_empty());
    let folder = by_name.or_else(|| above.iter().find(|folder| ignore_of(folder).is_some())).unwrap_or(&above[0]);
    ((*folder).to_owned(), own.or_else(|| ignore_of(folder)))
}

/// The folders of the context that are looked into for what is copied, none of them below another.
fn roots(sources: &Sources, folder: &str, copied: &[String]) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for source in copied {
        let root = match is_pattern(source) {
            true => {
                let plain = source.split('/').take_while(|part| !is_pattern(part)).collect::<Vec<_>>();
                plain.join("/")
            }
            false => source.clone(),
        };
        if root.is_empty() || !sources.list(&joined(folder, &root)).is_empty() {
            roots.insert(root);
        }
    }
    let all = roots.clone();
    roots.retain(|root| !all.iter().any(|other| other != root && path::below(root, other).is_some()));
    roots
}
