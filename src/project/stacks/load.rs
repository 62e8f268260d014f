//! From the files of a stack to its model, in compose-go's order: for each file extends, then include, then the merge
//! on top of the files before it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Basis, Gap, GapKind, GapReason, Stack, Variables, discover, is_remote, profiles};
use crate::container::{DocumentId, Environment, Marked};
use crate::project::link::Linker;
use crate::project::{environment, path};
use crate::source::{FileId, Kind, ReadError, Span};
use crate::syntax::Document;
use crate::syntax::compose::merge::{Lost, Merge};
use crate::syntax::compose::template::Template;
use crate::syntax::compose::{self, Compose, Service};
use crate::syntax::yaml::{Entry, Node, Value};

/// Services that extend services, and files that include files, are followed this far.
const MAX_DEPTH: usize = 32;
/// Nodes that the trees of one stack may have together, each counted as often as it is merged.
const MAX_NODES: usize = 400_000;
/// Nodes that all stacks may have together.
const MAX_ALL_NODES: usize = 1_000_000;
/// What a model takes from an included file.
const IMPORTED: [&str; 5] = ["services", "volumes", "networks", "secrets", "configs"];

/// A stack while it is put together.
struct Loader<'l, 'a> {
    linker: &'l mut Linker<'a>,
    parts: Vec<DocumentId>,
    /// The same, to ask what is in it.
    known_parts: HashSet<DocumentId>,
    /// The services of files that were extended from.
    extended_services: HashMap<DocumentId, Arc<Services>>,
    directories: HashMap<FileId, String>,
    /// The sets of variables, and which one a file sees.
    variables: Vec<Arc<Variables>>,
    seen_by: HashMap<FileId, usize>,
    lost: Vec<Lost>,
    gaps: Vec<Gap>,
    /// The same, to ask what is in it.
    known_gaps: HashSet<Gap>,
    unextended: HashSet<String>,
    nodes: usize,
    /// The included files that are being read.
    including: Vec<DocumentId>,
}

/// Where services are looked for.
#[derive(Clone)]
struct Scope {
    document: DocumentId,
    /// The folder that paths start at.
    directory: String,
    services: Arc<Services>,
}

/// Services by name; the last one of a name counts.
struct Services(HashMap<String, Node>);

impl Services {
    fn of(entries: impl Iterator<Item = Entry>) -> Arc<Services> {
        let named = entries.filter_map(|Entry { key, value }| Some((key.as_str()?.to_owned(), value)));
        Arc::new(Services(named.collect()))
    }
}

/// Puts a stack together.
pub(super) fn load(linker: &mut Linker, found: discover::Found) -> Stack {
    let discover::Found { files, basis, env_files, directory, environment, name, profiles } = found;
    let directory = directory.unwrap_or_else(|| path::directory(linker.path(files[0])).to_owned());
    let environment = environment.unwrap_or_else(|| marked(linker, &files));
    linker.growth.start();
    let mut loader = Loader {
        linker,
        parts: Vec::new(),
        known_parts: HashSet::new(),
        extended_services: HashMap::new(),
        directories: HashMap::new(),
        variables: Vec::new(),
        seen_by: HashMap::new(),
        lost: Vec::new(),
        gaps: Vec::new(),
        known_gaps: HashSet::new(),
        unextended: HashSet::new(),
        nodes: 0,
        including: files.clone(),
    };
    let defaults = [path::join(&directory, ".env")];
    let env_files: Vec<String> =
        if env_files.is_empty() { defaults.into_iter().flatten().collect() } else { env_files };
    let variables = loader.read_variables(Variables::default(), &env_files);
    loader.variables.push(Arc::new(variables));
    let mut model = match profiles.is_some() || loader.needs_merging(&files) {
        true => Some(loader.merged(&files, &directory)),
        false => None,
    };
    let Loader { parts, directories, mut variables, lost, mut gaps, unextended, .. } = loader;
    let mut inactive = Vec::new();
    if let (Some(model), Some(active)) = (&mut model, &profiles) {
        let (needed, unknown) = profiles::activate(model, active);
        inactive = needed;
        gaps.extend(unknown);
    }
    Stack {
        files,
        parts,
        name,
        profiles,
        inactive,
        basis,
        started: Vec::new(),
        environment,
        directory,
        model,
        lost,
        gaps,
        variables: variables.swap_remove(0),
        superseded: false,
        undefined: Vec::new(),
        unextended,
        directories,
    }
}

/// Where a stack runs: as the last of its files that says so.
fn marked(linker: &Linker, files: &[DocumentId]) -> Marked {
    let marks = files.iter().rev().map(|&file| &linker.marks[file]);
    let mut marks = marks.filter(|mark| mark.environment != Environment::Unmarked);
    marks.next().unwrap_or(&linker.marks[files[0]]).clone()
}

impl Loader<'_, '_> {
    /// Whether the model is another one than that of the only file.
    fn needs_merging(&self, files: &[DocumentId]) -> bool {
        let [only] = files else { return true };
        let Document::Compose(compose) = &self.linker.documents[*only] else { return false };
        let text = &self.linker.sources.get(compose.file).text;
        let variables = !self.variables[0].is_empty() && self.variables[0].are_used_in(text);
        variables
            || !compose.include.is_empty()
            || compose.services.iter().any(|service| service.uncommon.extends.is_some() || repeats(service))
            || is_repeated(compose.services.iter().filter_map(|service| Some(service.name.as_ref()?.value.as_str())))
    }

    fn merged(&mut self, files: &[DocumentId], directory: &str) -> Box<Compose> {
        let mut merged = None;
        for &file in files {
            merged = self.file(file, merged, directory, 0, 0);
        }
        let merged = merged.map(|merged| self.merge(|merge| merge.finish(merged)));
        let vars = |file: FileId, name: &str| self.value(file, name);
        let first = self.linker.documents[files[0]].file();
        let mut model = match &merged {
            Some(root) => compose::model(root, &vars),
            None => Compose::empty(first),
        };
        // What is wrong with a file is said where that file is read.
        model.schema_errors = Vec::new();
        model.file = first;
        Box::new(model)
    }

    /// The files so far with the documents of a further one on top. `variables` is the set that it sees.
    fn file(
        &mut self,
        document: DocumentId,
        mut merged: Option<Node>,
        directory: &str,
        variables: usize,
        depth: usize,
    ) -> Option<Node> {
        let file = self.linker.documents[document].file();
        self.seen_by.entry(file).or_insert(variables);
        if depth > 0 {
            self.directories.entry(file).or_insert_with(|| directory.to_owned());
        }
        for tree in self.linker.trees(document).iter() {
            if !self.charge(tree) {
                self.gap(GapKind::Include, tree.span, None, String::new(), GapReason::TooMuch);
                break;
            }
            let mut tree = match extends(tree) {
                true => Cow::Owned(self.extended_services(tree.clone(), document, directory)),
                false => Cow::Borrowed(tree),
            };
            if let Some(imported) = self.includes(&tree, directory, variables, depth) {
                tree = Cow::Owned(self.merge(|merge| merge.document(Some(imported), tree)));
            }
            merged = Some(self.merge(|merge| merge.document(merged, tree)));
        }
        merged
    }

    fn merge(&mut self, with: impl FnOnce(&mut Merge) -> Node) -> Node {
        let vars = |file: FileId, name: &str| self.value(file, name);
        let mut merge = Merge::new(&vars);
        let merged = with(&mut merge);
        let lost = merge.lost;
        self.lost.extend(lost);
        merged
    }

    /// Counts the nodes of a tree; whether they are not too many.
    fn charge(&mut self, tree: &Node) -> bool {
        let nodes = count(tree);
        self.nodes += nodes;
        self.linker.merged_nodes += nodes;
        self.nodes <= MAX_NODES && self.linker.merged_nodes <= MAX_ALL_NODES
    }

    fn gap(&mut self, kind: GapKind, span: Span, service: Option<&str>, target: String, why: GapReason) {
        let gap = Gap { kind, span, service: service.map(str::to_owned), target, why };
        if self.known_gaps.insert(gap.clone()) {
            self.gaps.push(gap);
        }
    }

    /// The text of a scalar after interpolation, and whether it is known.
    fn text(&self, node: &Node) -> Option<(String, bool)> {
        let text = node.scalar()?.text.clone();
        let file = text.span.file;
        let (template, _) = Template::parse(text);
        Some(template.resolve(&|name| self.value(file, name)))
    }

    /// The value of a variable as a file sees it.
    fn value(&self, file: FileId, name: &str) -> Option<String> {
        let set = self.seen_by.get(&file).copied().unwrap_or(0);
        self.linker.growth.value(self.variables[set].get(name)?)
    }

    /// The document that a scalar names, from `directory`.
    fn resolve(
        &mut self,
        node: &Node,
        directory: &str,
        kind: Kind,
        why: &str,
    ) -> Result<DocumentId, (String, GapReason)> {
        let (target, known) = self.text(node).unwrap_or_default();
        if !known {
            return Err((target, GapReason::Variable));
        }
        if is_remote(&target) {
            return Err((target, GapReason::Remote));
        }
        let Some(path) = path::join(directory, &target) else { return Err((target, GapReason::Outside)) };
        self.linker.find_document(&path, kind, why).map_err(|error| (target, reason(&error)))
    }

    /// A document with what its services extend below them.
    fn extended_services(&mut self, mut tree: Node, document: DocumentId, directory: &str) -> Node {
        let Value::Mapping(entries) = &mut tree.value else { return tree };
        let services = entries.iter_mut().find(|entry| entry.key.as_str() == Some("services"));
        let Some(Value::Mapping(services)) = services.map(|entry| &mut entry.value.value) else { return tree };
        let scope =
            Scope { document, directory: directory.to_owned(), services: Services::of(services.iter().cloned()) };
        for service in services {
            let Some(name) = service.key.as_str().map(str::to_owned) else { continue };
            if service.value.entry("extends").is_some() {
                let mut chain = vec![(document, name.clone())];
                service.value = self.extended(&name, &service.value, &scope, &mut chain);
            }
        }
        tree
    }

    /// A service with what it extends below it, recursively.
    fn extended(&mut self, outer: &str, service: &Node, scope: &Scope, chain: &mut Vec<(DocumentId, String)>) -> Node {
        let Some(extends) = service.get("extends").filter(|extends| !compose::is_reset(extends)) else {
            return service.clone();
        };
        let named = if extends.is_mapping() { extends.get("service") } else { Some(extends) };
        let name = named.and_then(|node| self.text(node)).unwrap_or_default().0;
        let place = named.map_or(extends.span, |node| node.span);
        let scope = match extends.get("file").filter(|file| !file.is_null()) {
            None => scope.clone(),
            Some(file) => match self.resolve(file, &scope.directory, Kind::Compose, "extended by a service") {
                Ok(document) => self.extended_file(document, scope.document),
                Err((target, why)) => {
                    self.unextended.insert(outer.to_owned());
                    self.gap(GapKind::Extends, file.span, Some(outer), target, why);
                    return service.clone();
                }
            },
        };
        let base = scope.services.0.get(&name);
        let key = (scope.document, name.clone());
        let why = match base {
            None => Some(GapReason::Undefined),
            Some(_) if chain.contains(&key) => Some(GapReason::Cycle),
            Some(base) if chain.len() > MAX_DEPTH || !self.charge(base) => Some(GapReason::TooMuch),
            Some(_) => None,
        };
        let Some(base) = base.filter(|_| why.is_none()) else {
            self.unextended.insert(outer.to_owned());
            self.gap(GapKind::Extends, place, Some(outer), name, why.unwrap_or(GapReason::Undefined));
            return service.clone();
        };
        chain.push(key);
        let base = self.extended(outer, base, &scope, chain);
        chain.pop();
        let mut own = service.clone();
        if let Value::Mapping(entries) = &mut own.value {
            entries.retain(|entry| entry.key.as_str() != Some("extends"));
        }
        self.merge(|merge| merge.extend(outer, base, &own))
    }

    /// The services of another file that a service extends; paths in it start at its own folder.
    fn extended_file(&mut self, document: DocumentId, from: DocumentId) -> Scope {
        let file = self.linker.documents[document].file();
        let directory = path::directory(self.linker.path(document)).to_owned();
        if document != from {
            let variables = self.seen_by.get(&self.linker.documents[from].file()).copied().unwrap_or(0);
            self.seen_by.entry(file).or_insert(variables);
            if !self.including.contains(&document) {
                self.directories.entry(file).or_insert_with(|| directory.clone());
            }
            self.part(document);
        }
        let trees = self.linker.trees(document);
        let services = self.extended_services.entry(document).or_insert_with(|| {
            Services::of(trees.iter().filter_map(|tree| tree.get("services")).flat_map(Node::entries).cloned())
        });
        Scope { document, directory, services: services.clone() }
    }

    fn part(&mut self, document: DocumentId) {
        if !self.including.contains(&document) && self.known_parts.insert(document) {
            self.parts.push(document);
        }
    }

    /// What a document includes, merged; its own definitions go on top.
    fn includes(&mut self, tree: &Node, directory: &str, variables: usize, depth: usize) -> Option<Node> {
        let mut imported: Option<Node> = None;
        for item in tree.get("include").map(Node::items).unwrap_or_default() {
            let paths = if item.is_mapping() { item.get("path") } else { Some(item) };
            let Some(paths) = paths else { continue };
            let paths: Vec<&Node> = if paths.is_sequence() { paths.items().iter().collect() } else { vec![paths] };
            let mut documents = Vec::new();
            for node in paths {
                match self.resolve(node, directory, Kind::Compose, "included by a Compose file") {
                    Ok(document) if self.including.contains(&document) => {
                        let target = self.linker.path(document).to_owned();
                        self.gap(GapKind::Include, node.span, None, target, GapReason::Cycle);
                    }
                    Ok(document) if depth < MAX_DEPTH => documents.push(document),
                    Ok(document) => {
                        let target = self.linker.path(document).to_owned();
                        self.gap(GapKind::Include, node.span, None, target, GapReason::TooMuch);
                    }
                    Err((target, why)) => self.gap(GapKind::Include, node.span, None, target, why),
                }
            }
            let Some(&first) = documents.first() else { continue };
            let project = item.get("project_directory").and_then(|node| self.text(node)).filter(|(_, known)| *known);
            let project = project.and_then(|(project, _)| path::join(directory, &project));
            let project = project.unwrap_or_else(|| path::directory(self.linker.path(first)).to_owned());
            let own = self.included_variables(item, directory, &project, variables);
            let before = self.including.len();
            for &document in &documents {
                self.part(document);
            }
            self.including.extend(&documents);
            let mut model = None;
            for document in documents {
                model = self.file(document, model, &project, own, depth + 1);
            }
            self.including.truncate(before);
            if let Some(mut model) = model {
                if let Value::Mapping(entries) = &mut model.value {
                    entries.retain(|entry| entry.key.as_str().is_some_and(|key| IMPORTED.contains(&key)));
                }
                imported = Some(self.merge(|merge| merge.document(imported, Cow::Owned(model))));
            }
        }
        imported
    }

    /// The variables that an included file sees: those of the file that includes it, and below them its own `.env`.
    fn included_variables(&mut self, item: &Node, directory: &str, project: &str, outer: usize) -> usize {
        let mut files = Vec::new();
        match item.get("env_file").filter(|node| !node.is_null()) {
            Some(node) => {
                let nodes: Vec<&Node> = if node.is_sequence() { node.items().iter().collect() } else { vec![node] };
                for node in nodes {
                    match self.resolve(node, directory, Kind::Dotenv, "variables of an included Compose file") {
                        Ok(document) => files.push(self.linker.path(document).to_owned()),
                        Err((target, why)) => self.gap(GapKind::EnvFile, node.span, None, target, why),
                    }
                }
            }
            None => files.extend(path::join(project, ".env")),
        }
        let variables = self.read_variables(Variables::below(self.variables[outer].clone()), &files);
        self.variables.push(Arc::new(variables));
        self.variables.len() - 1
    }

    /// `known` and below it what the files define; later files win over earlier ones.
    fn read_variables(&mut self, mut known: Variables, files: &[String]) -> Variables {
        for path in files.iter().rev() {
            let why = "variables of a Compose file";
            if !self.linker.sources.exists(path) {
                continue;
            }
            if let Ok(document) = self.linker.find_document(path, Kind::Dotenv, why)
                && let Document::Dotenv(dotenv) = &self.linker.documents[document]
            {
                known.under(dotenv, &self.linker.growth);
            }
        }
        known
    }
}

/// Whether a service of a document extends another one.
fn extends(tree: &Node) -> bool {
    let services = tree.entries().iter().find(|entry| entry.key.as_str() == Some("services"));
    services.is_some_and(|services| services.value.entries().iter().any(|it| it.value.entry("extends").is_some()))
}

/// Why a file that could not be had is not in sight.
pub(in crate::project) fn reason(error: &ReadError) -> GapReason {
    match error {
        ReadError::Missing => GapReason::Missing,
        ReadError::Outside => GapReason::Outside,
        ReadError::TooLarge { .. } | ReadError::NotAFile | ReadError::Io(_) => GapReason::Unreadable,
    }
}

/// Whether a service has something twice of which only the last counts.
fn repeats(service: &Service) -> bool {
    let targets = service.mounts.iter().filter_map(|mount| Some(mount.target.as_ref()?.value.trim_end_matches('/')));
    let ports = service.ports.iter().map(|port| {
        let address = port.host_ip.as_ref().map_or("0.0.0.0", |address| &address.value);
        (address, port.published, port.target, port.protocol.as_str())
    });
    is_repeated(targets)
        || is_repeated(service.environment.iter().map(|variable| variable.key.value.as_str()))
        || is_repeated(service.labels.iter().map(|label| label.key.value.as_str()))
        || is_repeated(ports)
}

fn is_repeated<T: Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    !items.into_iter().all(|item| seen.insert(item))
}

/// Number of nodes of a tree.
fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) => 0,
        Value::Sequence(items) => items.iter().map(count).sum(),
        Value::Mapping(entries) => entries.iter().map(|entry| 1 + count(&entry.value)).sum(),
    }
}

/// How sure it is that a file alone is not what runs in production.
pub(super) fn superseded(stacks: &[Stack], plain: &HashSet<DocumentId>) -> Vec<bool> {
    let mut under: HashSet<DocumentId> = HashSet::new();
    for stack in stacks.iter().filter(|stack| stack.files.len() > 1) {
        if stack.environment.environment == Environment::Production {
            under.insert(stack.files[0]);
        }
    }
    let alone = |stack: &Stack| matches!(stack.files[..], [only] if under.contains(&only) && !plain.contains(&only));
    stacks.iter().map(|stack| alone(stack) && stack.basis == Basis::Alone).collect()
}

/// The environment by the variables of a stack's `.env`, where its files do not say.
pub(in crate::project) fn by_dotenv(stack: &Stack) -> Option<Marked> {
    environment::by_variables(|name| {
        let variable = stack.variables.get(name)?;
        Some(crate::source::Spanned::new(variable.value.clone()?, variable.span))
    })
}
