//! Finds the stacks of a repository.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::evidence::{Command, commands, devcontainer, split_files};
use super::variables::Variables;
use super::{Basis, Stack, is_remote, load};
use crate::container::{DocumentId, Marked};
use crate::project::link::Linker;
use crate::project::{Configured, outside, path};
use crate::source::{Kind, ReadError, Source, Span, Spanned};
use crate::syntax::Document;
use crate::syntax::compose::{Compose, Scalar, Service};

/// The names that Compose looks for, in its order (compose-go's `cli.DefaultFileNames`).
pub(in crate::project) const DEFAULTS: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// The names of the file that it merges on top, in its order (`cli.DefaultOverrideFileNames`).
const OVERRIDES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// Stacks that command lines may name in one repository.
const MAX_NAMED: usize = 200;
/// Command lines without `-f` that are kept for one file.
const MAX_STARTED: usize = 32;
/// Files that are searched for command lines.
const MAX_EVIDENCE: usize = 2_000;

/// A stack that was found, not yet read.
pub(super) struct Found {
    pub files: Vec<DocumentId>,
    pub basis: Basis,
    /// Paths of `--env-file`; none for the `.env` of the project's folder.
    pub env_files: Vec<String>,
    /// The project's folder, where it is not the first file's.
    pub directory: Option<String>,
    /// Where it runs, where that was said.
    pub environment: Option<Marked>,
    /// What the user calls it.
    pub name: Option<String>,
    /// The profiles that are active, where that was said.
    pub profiles: Option<Vec<Spanned<String>>>,
}

impl Found {
    fn of(files: Vec<DocumentId>, basis: Basis) -> Found {
        Found { files, basis, env_files: Vec::new(), directory: None, environment: None, name: None, profiles: None }
    }
}

/// The stacks, in the order of their first files.
struct Finder<'l, 'a> {
    linker: &'l mut Linker<'a>,
    found: Vec<Found>,
    known: HashSet<Vec<DocumentId>>,
    /// Files that a command line without `-f` starts, with the override where there is one.
    plain: HashSet<DocumentId>,
    /// The command lines without `-f`, by the file that they start.
    started: HashMap<DocumentId, Vec<Span>>,
}

/// Finds and reads the stacks of a repository.
pub(in crate::project) fn discover(linker: &mut Linker) -> Vec<Stack> {
    let composes: Vec<DocumentId> = (0..linker.documents.len()).filter(|&id| compose(linker, id).is_some()).collect();
    let (referenced, elsewhere) = references(linker, &composes);
    let mut finder =
        Finder { linker, found: Vec::new(), known: HashSet::new(), plain: HashSet::new(), started: HashMap::new() };
    finder.configured();
    finder.variables();
    if !composes.is_empty() {
        finder.evidence(&composes);
    }
    finder.overrides(&composes);
    finder.alone(&composes, &referenced, &elsewhere);
    finder.matched(&composes, &referenced);
    let Finder { found, plain, mut started, .. } = finder;
    let mut stacks: Vec<Stack> = found.into_iter().map(|found| load::load(linker, found)).collect();
    let superseded = load::superseded(&stacks, &plain);
    for (stack, superseded) in stacks.iter_mut().zip(superseded) {
        stack.superseded = superseded;
        if stack.basis == Basis::AutomaticOverride {
            stack.started = started.remove(&stack.files[0]).unwrap_or_default();
        }
    }
    // By path, and of those with the same first file the shorter one first.
    stacks.sort_by_cached_key(|stack| stack.files.iter().map(|&file| linker.path(file).to_owned()).collect::<Vec<_>>());
    stacks
}

fn compose<'l>(linker: &'l Linker, id: DocumentId) -> Option<&'l Compose> {
    match &linker.documents[id] {
        Document::Compose(compose) => Some(compose),
        _ => None,
    }
}

/// Whether a service can run as it stands here.
fn is_whole(service: &Service) -> bool {
    service.image.is_some()
        || service.build.is_some()
        || service.uncommon.provider.is_some()
        || service.uncommon.extends.is_some()
}

/// Whether a file can run alone.
fn is_complete(compose: &Compose) -> bool {
    !compose.services.is_empty() && compose.services.iter().all(is_whole) || !compose.include.is_empty()
}

/// The files that others include or extend, and those of them that are included with a project folder that is not their
/// own, so that alone their paths lead nowhere.
fn references(linker: &Linker, composes: &[DocumentId]) -> (HashSet<DocumentId>, HashSet<DocumentId>) {
    let (mut referenced, mut elsewhere) = (HashSet::new(), HashSet::new());
    for &id in composes {
        let Some(compose) = compose(linker, id) else { continue };
        let folder = path::directory(linker.path(id));
        let known = |file: &Scalar| {
            let path = path::join(folder, &file.value).filter(|_| file.known)?;
            linker.known_document(&path).filter(|&other| other != id)
        };
        let extended = compose.services.iter().filter_map(|service| service.uncommon.extends.as_ref()?.file.as_ref());
        referenced.extend(extended.filter_map(known));
        for include in &compose.include {
            let project = include.project_directory.as_ref().and_then(|project| path::join(folder, &project.value));
            for other in include.paths.iter().filter_map(known) {
                referenced.insert(other);
                if project.as_ref().is_some_and(|project| project != path::directory(linker.path(other))) {
                    elsewhere.insert(other);
                }
            }
        }
    }
    (referenced, elsewhere)
}

impl Finder<'_, '_> {
    fn add(&mut self, found: Found) {
        if self.known.insert(found.files.clone()) {
            self.found.push(found);
        }
    }

    /// The stacks of the configuration.
    fn configured(&mut self) {
        for configured in self.linker.configured.clone() {
            let files = configured.files.iter().map(|file| {
                let known = self.linker.find_document(file, Kind::Compose, "a stack of the configuration").ok();
                known.filter(|&id| compose(self.linker, id).is_some())
            });
            let Some(files) = files.collect::<Option<Vec<_>>>().filter(|files| !files.is_empty()) else { continue };
            let Configured { environment, env_files, name, profiles, .. } = configured;
            // The same files may be named twice, with other profiles or variables.
            self.known.insert(files.clone());
            self.found.push(Found { environment, env_files, name, profiles, ..Found::of(files, Basis::Configured) });
        }
    }

    /// `COMPOSE_FILE` in `.env` files.
    fn variables(&mut self) {
        let mut named = Vec::new();
        for document in &self.linker.documents {
            let Document::Dotenv(dotenv) = document else { continue };
            let path = &self.linker.sources.get(dotenv.file).path;
            if path::file_name(path) != ".env" {
                continue;
            }
            let mut variables = Variables::default();
            self.linker.growth.start();
            variables.under(dotenv, &self.linker.growth);
            let value = |name: &str| variables.get(name)?.value.clone();
            let entry = dotenv.entries.iter().rev().find(|entry| entry.name.as_str() == "COMPOSE_FILE");
            if let (Some(files), Some(entry)) = (value("COMPOSE_FILE"), entry) {
                let files = split_files(&files, value("COMPOSE_PATH_SEPARATOR").as_deref());
                named.push((path::directory(path).to_owned(), path.clone(), files, entry.span));
            }
        }
        for (folder, env_file, files, span) in named {
            self.outside(&folder, &files, span);
            if let Some(files) = self.resolve(&folder, &files) {
                self.add(Found { env_files: vec![env_file], ..Found::of(files, Basis::ComposeFile(span)) });
            }
        }
    }

    /// Notes the files of a `COMPOSE_FILE` that lie outside of the scan root: the stack has more than what is in sight.
    fn outside(&mut self, folder: &str, files: &[String], span: Span) {
        let outside = files.iter().filter(|file| !is_remote(file) && path::join(folder, file).is_none());
        let outside: Vec<_> = outside.map(|file| outside::named(self.linker, span, "COMPOSE_FILE", file)).collect();
        self.linker.outside.extend(outside);
    }

    /// The documents of a command's files, when all of them are there.
    fn resolve(&mut self, folder: &str, files: &[String]) -> Option<Vec<DocumentId>> {
        let files = files.iter().map(|file| {
            let path = path::join(folder, file)?;
            if self.linker.known_document(&path).is_none() && !self.linker.sources.exists(&path) {
                return None;
            }
            let id = self.linker.find_document(&path, Kind::Compose, "named by a command line").ok()?;
            compose(self.linker, id).map(|_| id)
        });
        files.collect()
    }

    /// The command lines in scripts, Makefiles, workflows, units, documentation and the comments of Compose files.
    fn evidence(&mut self, composes: &[DocumentId]) {
        for &id in composes {
            let Some(compose) = compose(self.linker, id) else { continue };
            let source = self.linker.sources.get(compose.file);
            let mut found = Vec::new();
            for &comment in compose.comments.iter().take(200) {
                for mut command in commands(source.slice(comment)) {
                    let start = comment.start as usize;
                    command.range = start + command.range.start..start + command.range.end;
                    found.push(command);
                }
            }
            let (path, file) = (source.path.clone(), compose.file);
            for command in found {
                self.command(&path, &command, |range| Span::new(file, range), &[]);
            }
        }
        let mut folders: BTreeSet<String> = BTreeSet::new();
        for &id in composes {
            let mut folder = path::directory(self.linker.path(id));
            while folders.insert(folder.to_owned()) && !folder.is_empty() {
                folder = path::directory(folder);
            }
        }
        // What the configuration says of all of them needs nothing that bears it out.
        let configured = self.found.iter().filter(|found| matches!(found.basis, Basis::Configured));
        let configured: HashSet<DocumentId> = configured.flat_map(|found| &found.files).copied().collect();
        let settled = composes.iter().all(|id| configured.contains(id));
        let mut files = BTreeSet::new();
        for folder in &folders {
            evidence_files(self.linker, folder, &mut files);
        }
        for path in files {
            let bytes = match self.linker.sources.store().read(&path) {
                // Shells and make read any encoding that has the letters where ASCII has them.
                Ok(bytes) if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
                    self.unread(&path, "it is not UTF-8".to_owned(), settled);
                    continue;
                }
                Ok(bytes) => bytes,
                Err(ReadError::Missing) => continue,
                Err(ReadError::TooLarge { .. }) if is_program(self.linker, &path) => continue,
                Err(error) => {
                    self.unread(&path, error.to_string(), settled);
                    continue;
                }
            };
            let mut source = Source::from_bytes(&path, bytes);
            let found = match path::file_name(&path) {
                "devcontainer.json" | ".devcontainer.json" => devcontainer(&source.text).into_iter().collect(),
                _ => commands(&source.text),
            };
            if found.is_empty() {
                continue;
            }
            let folders = working_directories(&source.text);
            (source.kind, source.why) = (Kind::Auxiliary, "says which Compose files run together".to_owned());
            let file = self.linker.sources.add(source);
            for command in found {
                self.command(&path, &command, |range| Span::new(file, range), &folders);
            }
        }
    }

    /// Notes a file that may say which Compose files run and cannot be read: a gap, unless it is `needless` or documentation,
    /// which starts nothing.
    fn unread(&mut self, path: &str, reason: String, needless: bool) {
        let name = path::file_name(path).to_ascii_lowercase();
        let documentation = name.starts_with("readme") || name.ends_with(".md");
        self.linker.unread.push((path.to_owned(), reason, !needless && !documentation));
    }

    /// Takes a command line for what it says.
    fn command(
        &mut self,
        path: &str,
        command: &Command,
        span: impl Fn(std::ops::Range<usize>) -> Span,
        working: &[String],
    ) {
        if self.found.len() >= MAX_NAMED {
            return;
        }
        let bases = bases(path, command, working);
        if command.files.is_empty() {
            // It runs the default files of its folder.
            if matches!(command.verb.as_deref(), Some("up" | "run" | "start" | "create")) {
                for base in bases {
                    let known = DEFAULTS.iter().filter_map(|name| path::join(&base, name));
                    if let Some(id) = known.into_iter().find_map(|path| self.linker.known_document(&path)) {
                        self.plain.insert(id);
                        let started = self.started.entry(id).or_default();
                        if started.len() < MAX_STARTED {
                            started.push(span(command.range.clone()));
                        }
                        break;
                    }
                }
            }
            return;
        }
        let found = bases.into_iter().find_map(|base| Some((self.resolve(&base, &command.files)?, base)));
        let Some((files, base)) = found.or_else(|| Some((self.by_tail(&command.files)?, String::new()))) else {
            return;
        };
        let env_files = command.env_files.iter().filter_map(|file| path::join(&base, file)).collect();
        let directory = command.project_directory.as_ref().and_then(|directory| path::join(&base, directory));
        let span = span(command.range.clone());
        let basis = if command.variable { Basis::ComposeFile(span) } else { Basis::CommandLine(span) };
        if let [only] = files[..] {
            self.plain.insert(only);
        }
        self.add(Found { env_files, directory, ..Found::of(files, basis) });
    }

    /// The documents of files that are named by absolute paths or behind a variable, when their tails fit just one each.
    fn by_tail(&self, files: &[String]) -> Option<Vec<DocumentId>> {
        let one = |file: &String| {
            // `$ROOT/deploy/compose.yml`: what is behind the variable.
            let tail = match file.rfind(['}', ')']) {
                Some(at) => &file[at + 1..],
                None if file.starts_with('$') => file.split_once('/')?.1,
                None => file,
            };
            let mut tail = tail.trim_start_matches('/');
            loop {
                let known = self.linker.documents_ending_in(tail);
                let known: Vec<DocumentId> = known.filter(|&id| compose(self.linker, id).is_some()).collect();
                match known[..] {
                    [only] => return Some(only),
                    [] => tail = tail.split_once('/')?.1,
                    _ => return None,
                }
            }
        };
        let outside = |file: &String| file.starts_with(['/', '$']);
        files.iter().any(outside).then(|| files.iter().map(one).collect())?
    }

    /// The override file that Compose merges by itself.
    fn overrides(&mut self, composes: &[DocumentId]) {
        let folders: BTreeSet<&str> = composes.iter().map(|&id| path::directory(self.linker.path(id))).collect();
        let first = |folder: &str, names: &[&str]| {
            let paths = names.iter().filter_map(|name| path::join(folder, name));
            let found = paths.into_iter().find_map(|path| self.linker.known_document(&path));
            found.filter(|&id| compose(self.linker, id).is_some())
        };
        // `COMPOSE_FILE` in the folder's `.env` names all files that are read there.
        let named: HashSet<&str> = self
            .found
            .iter()
            .filter(|found| matches!(found.basis, Basis::ComposeFile(_)))
            .flat_map(|found| &found.env_files)
            .map(|file| path::directory(file))
            .collect();
        let pairs: Vec<_> = folders
            .into_iter()
            .filter(|folder| !named.contains(folder))
            .filter_map(|folder| Some([first(folder, &DEFAULTS)?, first(folder, &OVERRIDES)?]))
            .collect();
        for pair in pairs {
            self.add(Found::of(pair.to_vec(), Basis::AutomaticOverride));
        }
    }

    /// The files that run alone.
    fn alone(&mut self, composes: &[DocumentId], referenced: &HashSet<DocumentId>, elsewhere: &HashSet<DocumentId>) {
        let on_top: HashSet<DocumentId> = self.found.iter().flat_map(|found| &found.files[1..]).copied().collect();
        let first: HashSet<DocumentId> = self.found.iter().map(|found| found.files[0]).collect();
        for &id in composes {
            let Some(compose) = compose(self.linker, id) else { continue };
            let default = DEFAULTS.contains(&path::file_name(self.linker.path(id)));
            let part = on_top.contains(&id) && !first.contains(&id) || referenced.contains(&id);
            if is_complete(compose) && (default && !elsewhere.contains(&id) || !part) {
                self.add(Found::of(vec![id], Basis::Alone));
            }
        }
    }

    /// The files that are in no stack yet: overlays on what is beside them, or fragments.
    fn matched(&mut self, composes: &[DocumentId], referenced: &HashSet<DocumentId>) {
        let taken: HashSet<DocumentId> = self.found.iter().flat_map(|found| &found.files).copied().collect();
        let mut by_folder: BTreeMap<&str, Vec<DocumentId>> = BTreeMap::new();
        for &id in composes {
            by_folder.entry(path::directory(self.linker.path(id))).or_default().push(id);
        }
        let mut matched = Vec::new();
        for &id in composes.iter().filter(|id| !taken.contains(id) && !referenced.contains(id)) {
            matched.push(match self.base_of(id, &by_folder) {
                Some(base) => Found::of(vec![base, id], Basis::Matched),
                None => Found::of(vec![id], Basis::Fragment),
            });
        }
        for found in matched {
            self.add(found);
        }
    }

    /// The file that an overlay lies on: it has what the overlay's services lack. Of several, the one that its name is
    /// made from, then the one that Compose looks for first.
    fn base_of(&self, overlay: DocumentId, by_folder: &BTreeMap<&str, Vec<DocumentId>>) -> Option<DocumentId> {
        let services = &compose(self.linker, overlay)?.services;
        let lacking = services.iter().filter(|service| !is_whole(service)).filter_map(|service| service.name.as_ref());
        let lacking: Vec<&str> = lacking.map(|name| name.value.as_str()).collect();
        let own = words(self.linker.path(overlay));
        let fits = |id: DocumentId| {
            let base = compose(self.linker, id)?;
            let whole = base.services.iter().filter(|service| is_whole(service));
            let names: HashSet<&str> =
                whole.filter_map(|service| Some(service.name.as_ref()?.value.as_str())).collect();
            let path = self.linker.path(id);
            let words = words(path);
            let default = DEFAULTS.iter().position(|name| *name == path::file_name(path));
            let includes = !base.include.is_empty();
            let has_all = lacking.iter().all(|name| names.contains(name)) || includes && default.is_some();
            let below = words.is_subset(&own);
            (id != overlay && has_all && (below || default.is_some())).then_some((
                below,
                words.len(),
                std::cmp::Reverse(default.unwrap_or(DEFAULTS.len())),
                std::cmp::Reverse(id),
            ))
        };
        let mut folder = path::directory(self.linker.path(overlay));
        loop {
            let beside = by_folder.get(folder).into_iter().flatten();
            if let Some((.., std::cmp::Reverse(base))) = beside.filter_map(|&id| fits(id)).max() {
                return Some(base);
            }
            if folder.is_empty() {
                return None;
            }
            folder = path::directory(folder);
        }
    }
}

/// The words of a file's name that tell it from others (`dev` and `saas` of `docker-compose.dev-saas.yml`).
fn words(path: &str) -> BTreeSet<&str> {
    let common = ["docker", "compose", "yml", "yaml", ""];
    path::file_name(path).split(['.', '-', '_']).filter(|word| !common.contains(word)).collect()
}

/// The folders that the paths of a command may start at, the most likely first.
fn bases(path: &str, command: &Command, working: &[String]) -> Vec<String> {
    let mut folders = Vec::new();
    let mut folder = path::directory(path);
    loop {
        folders.push(folder.to_owned());
        if folder.is_empty() {
            break;
        }
        folder = path::directory(folder);
    }
    // What a `cd` says of itself, and what a workflow says of all its steps, comes first.
    let moved = command.directory.iter().chain(working);
    let mut bases: Vec<String> =
        moved.flat_map(|moved| folders.iter().filter_map(|folder| path::join(folder, moved))).collect();
    bases.extend(folders);
    let mut seen = HashSet::new();
    bases.retain(|base| seen.insert(base.clone()));
    bases
}

/// What the `working-directory:` lines of a workflow name.
fn working_directories(text: &str) -> Vec<String> {
    let lines =
        text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("working-directory:"));
    let mut folders: Vec<String> =
        lines.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()).take(20).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Folders beside Compose files that hold what starts them.
const FOLDERS: [&str; 21] = [
    ".github/workflows",
    ".devcontainer",
    "bin",
    "build",
    "ci",
    "contrib",
    "deploy",
    "deployment",
    "dev",
    "docker",
    "docs",
    "hack",
    "infra",
    "make",
    "ops",
    "script",
    "scripts",
    "tasks",
    "tool",
    "tools",
    "utils",
];

/// Whether a file that is too large to be read is a program, not a script.
fn is_program(linker: &Linker, path: &str) -> bool {
    let name = path::file_name(path).to_ascii_lowercase();
    let by_name = name.contains('.')
        || ["makefile", "gnumakefile", "justfile", "jenkinsfile", "procfile"].contains(&name.as_str());
    !by_name && linker.sources.store().start(path, 2) != b"#!"
}

/// The files of a folder, and of those below it that are known for it, that may hold command lines.
fn evidence_files(linker: &Linker, folder: &str, files: &mut BTreeSet<String>) {
    // A folder that is not there need not be asked for.
    let names = linker.sources.list(folder);
    let there = |name: &&&str| {
        let first = name.split('/').next().unwrap_or(name);
        names.iter().any(|known| known.strip_suffix('/') == Some(first))
    };
    let below = FOLDERS.iter().filter(there).filter_map(|name| path::join(folder, name));
    for folder in std::iter::once(folder.to_owned()).chain(below) {
        for name in linker.sources.list(&folder).iter() {
            if files.len() < MAX_EVIDENCE && may_start(name, &folder) {
                files.extend(path::join(&folder, name));
            }
        }
    }
}

/// Whether a file is of a kind that starts things.
fn may_start(name: &str, folder: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let extension = lower.rsplit_once('.').map_or("", |(_, extension)| extension);
    let named = [
        "makefile",
        "gnumakefile",
        "justfile",
        ".justfile",
        "package.json",
        "taskfile.yml",
        "taskfile.yaml",
        "devcontainer.json",
        ".devcontainer.json",
    ];
    named.contains(&lower.as_str())
        || ["sh", "bash", "mk", "service", "ps1", "bat"].contains(&extension)
        || extension == "md"
            && (lower.starts_with("readme")
                || lower.contains("docker")
                || lower.contains("deploy")
                || lower.contains("install")
                || lower.contains("contributing")
                || lower.contains("develop"))
        || lower == "readme"
        || matches!(lower.as_str(), ".gitlab-ci.yml" | "jenkinsfile" | "procfile" | "readme.rst" | ".travis.yml")
        || folder.ends_with(".github/workflows") && ["yml", "yaml"].contains(&extension)
        || matches!(folder.rsplit('/').next(), Some("bin" | "scripts" | "script"))
            && extension.is_empty()
            && !name.ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_files_apart() {
        let of = |path| words(path).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(of("a/docker-compose.dev-saas.yml"), "dev saas");
        assert_eq!(of("compose.yaml"), "");
    }

    #[test]
    fn files_that_start_things_are_known_by_their_names() {
        for (folder, name, expected) in [
            ("", "Makefile", true),
            ("", "README.md", true),
            ("", "CHANGELOG.md", false),
            ("a", "start.sh", true),
            (".devcontainer", "devcontainer.json", true),
            (".github/workflows", "ci.yml", true),
            ("", "ci.yml", false),
            ("bin", "up", true),
            ("bin", "lib/", false),
            ("src", "up", false),
        ] {
            assert_eq!(may_start(name, folder), expected, "{folder}/{name}");
        }
    }
}
