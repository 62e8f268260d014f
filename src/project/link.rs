//! Joins the documents: which service builds which stage, what that makes of a container, and which configs run in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::stacks::{self, Gap, Growth, Stack};
use super::{
    Configured, Failure, Project, Settings, StageNode, assemble, context, environment, include, needs, nodes, outside,
    process, read, repeated,
};
use rayon::prelude::*;

use crate::command::Effective;
use crate::container::facet::Scope;
use crate::container::{BuiltFrom, Container, DocumentId, Marked, Origin};
use crate::limit::{Exceeded, Limit};
use crate::secret::Formats;
use crate::source::{FileId, Kind, ReadError, Skipped, Sources, Span, Text};
use crate::syntax::Document;
use crate::syntax::compose::{Compose, Service};
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::yaml::Node;

/// What containers share, counted for each of them: a file that many services use is small, and what it makes of all of
/// them is not.
#[derive(Default)]
pub(super) struct Shared {
    counts: RefCell<HashMap<&'static str, usize>>,
    /// Where each limit left out something first.
    exceeded: RefCell<HashMap<&'static str, Exceeded>>,
}

impl Shared {
    /// Whether the container at `place` may have `count` more of what `limit` is about.
    pub fn take(&self, count: usize, limit: &'static Limit, place: Span) -> bool {
        let mut counts = self.counts.borrow_mut();
        let taken = counts.entry(limit.name).or_default();
        let holds = limit.holds(taken.saturating_add(count));
        match holds {
            true => *taken += count,
            false => drop(self.exceeded.borrow_mut().entry(limit.name).or_insert(Exceeded { span: place, limit })),
        }
        holds
    }
}

/// The documents while they are joined; files that they refer to are read when they are needed.
pub(super) struct Linker<'a> {
    pub sources: &'a mut Sources,
    /// What the user says.
    pub settings: &'a dyn Settings,
    pub documents: Vec<Document>,
    pub marks: Vec<Marked>,
    pub failures: Vec<Failure>,
    /// Files that name something outside of the scan root.
    pub outside: Vec<Skipped>,
    /// Files that may say which stacks run and could not be read, why, and whether that is a gap.
    pub unread: Vec<(String, String, bool)>,
    /// The patterns of supervisord configs that files of a container fit.
    pub followed: HashSet<Span>,
    /// What was left out because there is too much of it.
    pub exceeded: Vec<Exceeded>,
    /// The nginx configs that land in containers.
    pub placed: Vec<include::Placed>,
    /// What scripts of the repository run, by their files and, in a `package.json`, their names: many containers may
    /// start the same one.
    pub scripts: HashMap<(FileId, String), Option<Arc<Effective>>>,
    /// The scripts of the `package.json` files that were read.
    pub packages: HashMap<FileId, HashMap<String, String>>,
    /// What the programs of supervisord configs start.
    pub programs: HashMap<DocumentId, Vec<Arc<Effective>>>,
    /// The stacks of the configuration.
    pub configured: Vec<Configured>,
    /// What is known not to be in sight of a stack, to ask what is in it.
    pub known_gaps: HashMap<usize, HashSet<Gap>>,
    /// The stacks of Compose files.
    pub stacks: Vec<Stack>,
    /// The bytes that variables added so far.
    pub growth: Growth,
    /// Nodes of trees that were merged so far, for all stacks.
    pub merged_nodes: usize,
    by_path: HashMap<String, DocumentId>,
    by_file: HashMap<FileId, DocumentId>,
    /// The documents of texts inside files, by where those stand.
    inside: HashMap<Span, DocumentId>,
    /// The YAML documents of the Compose files, until they are merged.
    trees: HashMap<DocumentId, Arc<[Node]>>,
    /// The supervisord and nginx configs by path.
    configs: BTreeMap<String, Kind>,
    /// What stages make of images, so that services that build the same share it.
    pub built: RefCell<HashMap<assemble::BuildKey, Arc<BuiltFrom>>>,
    /// The Dockerfiles that something is built from.
    pub built_once: RefCell<HashSet<DocumentId>>,
    /// What containers share, counted for each of them.
    pub shared: Shared,
}

impl<'a> Linker<'a> {
    /// Starts with the documents of every file that is in `sources`, sorted by path.
    pub fn new(sources: &'a mut Sources, settings: &'a dyn Settings) -> Self {
        let (mut documents, failures) = read::parse_all(sources);
        documents.sort_by(|a, b| sources.get(a.file()).path.cmp(&sources.get(b.file()).path));
        let configured = settings.configured(sources);
        let mut linker = Linker {
            sources,
            settings,
            documents: Vec::new(),
            marks: Vec::new(),
            failures,
            outside: Vec::new(),
            unread: Vec::new(),
            followed: HashSet::new(),
            exceeded: Vec::new(),
            placed: Vec::new(),
            scripts: HashMap::new(),
            packages: HashMap::new(),
            programs: HashMap::new(),
            by_path: HashMap::new(),
            by_file: HashMap::new(),
            inside: HashMap::new(),
            configured,
            known_gaps: HashMap::new(),
            stacks: Vec::new(),
            growth: Growth::default(),
            merged_nodes: 0,
            trees: HashMap::new(),
            configs: BTreeMap::new(),
            built: RefCell::default(),
            built_once: RefCell::default(),
            shared: Shared::default(),
        };
        for document in documents {
            linker.add(document);
        }
        linker
    }

    fn add(&mut self, mut document: Document) -> DocumentId {
        let id = self.documents.len();
        if let Document::Compose(compose) = &mut document {
            self.trees.insert(id, std::mem::take(&mut compose.trees).into());
        }
        let source = self.sources.get(document.file());
        let mut comments = comments(&document).iter();
        let comment = comments.find_map(|&span| Some(environment::by_comment(source.slice(span))?.at(span)));
        let settled = comment.or_else(|| self.settings.environment(&source.path, self.sources));
        self.marks.push(settled.unwrap_or_else(|| environment::by_path(&source.path)));
        if matches!(source.kind, Kind::Nginx | Kind::Supervisor) {
            self.configs.insert(source.path.clone(), source.kind);
        }
        self.by_path.insert(source.path.clone(), id);
        self.by_file.insert(document.file(), id);
        self.documents.push(document);
        id
    }

    /// The document at `path`, read now when the walk did not take it. A file that the walk took for another kind stays
    /// what it is; one that is there and cannot be read is a gap.
    pub fn document(&mut self, path: &str, kind: Kind, why: &str) -> Option<DocumentId> {
        let found = self.find_document(path, kind, why);
        if let Err(error @ (ReadError::NotAFile | ReadError::Outside)) = &found
            && self.sources.find(path).is_none()
        {
            self.sources.skip(path, error.to_string(), true);
        }
        found.ok()
    }

    /// Like [`Linker::document`], with the reason where there is none, which is left to the caller to report.
    ///
    /// # Errors
    /// As [`Sources::load`]; [`ReadError::NotAFile`] for a file that is not read as a document.
    pub fn find_document(&mut self, path: &str, kind: Kind, why: &str) -> Result<DocumentId, ReadError> {
        if let Some(&id) = self.by_path.get(path) {
            return Ok(id);
        }
        if self.sources.find(path).is_some() {
            return Err(ReadError::NotAFile);
        }
        let file = match self.sources.load(path, kind, why) {
            Ok(file) => file,
            Err(error) => {
                if matches!(error, ReadError::TooLarge { .. } | ReadError::Io(_)) {
                    self.sources.skip(path, error.to_string(), true);
                }
                return Err(error);
            }
        };
        match read::parse(file, self.sources.get(file)) {
            Ok(document) => document.map(|document| self.add(document)).ok_or(ReadError::NotAFile),
            Err(failure) => {
                self.failures.push(failure);
                Err(ReadError::NotAFile)
            }
        }
    }

    /// The document of a text that stands inside a file; the same text is read once.
    pub fn embedded(&mut self, text: &Text, kind: Kind, why: &str) -> Option<DocumentId> {
        if let Some(&id) = self.inside.get(&text.span) {
            return Some(id);
        }
        let file = self.sources.embed(text, kind, why);
        match read::parse(file, self.sources.get(file)) {
            Ok(document) => {
                let id = self.documents.len();
                // It runs where its file does.
                let host = self.known_document(&self.sources.get(file).path.clone());
                let mark = host.map(|host| self.marks[host].clone());
                self.marks.push(mark.unwrap_or_else(|| environment::by_path(&self.sources.get(file).path)));
                self.documents.push(document?);
                self.inside.insert(text.span, id);
                Some(id)
            }
            Err(failure) => {
                self.failures.push(failure);
                None
            }
        }
    }

    /// The supervisord and nginx configs below a folder: path, what is left of it below that folder, and which it is.
    pub fn configs_below<'s>(&'s self, folder: &str) -> impl Iterator<Item = (&'s str, &'s str, Kind)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.configs.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let skip = prefix.len();
        from.take_while(move |(path, _)| path.starts_with(&prefix))
            .map(move |(path, kind)| (path.as_str(), &path[skip..], *kind))
    }

    /// The document at `path`, when it was read already.
    pub fn known_document(&self, path: &str) -> Option<DocumentId> {
        self.by_path.get(path).copied()
    }

    /// The documents whose paths end in `tail`, which starts at the name of a folder or file.
    pub fn documents_ending_in(&self, tail: &str) -> impl Iterator<Item = DocumentId> {
        let fits = move |path: &str| {
            path.strip_suffix(tail).is_some_and(|before| before.is_empty() || before.ends_with('/')) && !tail.is_empty()
        };
        (0..self.documents.len()).filter(move |&id| fits(self.path(id)))
    }

    /// The document that was read from `file`.
    pub fn document_of(&self, file: FileId) -> Option<DocumentId> {
        self.by_file.get(&file).copied()
    }

    /// The YAML documents of a Compose file.
    pub fn trees(&self, document: DocumentId) -> Arc<[Node]> {
        self.trees.get(&document).cloned().unwrap_or_default()
    }

    /// The merged model of a stack.
    pub fn model(&self, stack: usize) -> Option<&Compose> {
        let stack = &self.stacks[stack];
        match (&stack.model, &self.documents[stack.files[0]]) {
            (Some(model), _) => Some(model),
            (None, Document::Compose(compose)) => Some(compose),
            (None, _) => None,
        }
    }

    /// A service of a stack.
    pub fn service(&self, stack: usize, service: usize) -> Option<&Service> {
        self.model(stack)?.services.get(service)
    }

    /// The service that a container comes from.
    pub fn service_of(&self, container: &Container) -> Option<&Service> {
        match container.origin {
            Origin::Service { stack, service, .. } => self.service(stack, service),
            Origin::Stage { .. } => None,
        }
    }

    /// The Dockerfile `id`.
    pub fn dockerfile(&self, id: DocumentId) -> Option<&Dockerfile> {
        match &self.documents[id] {
            Document::Dockerfile(dockerfile) => Some(dockerfile),
            _ => None,
        }
    }

    /// The path of a document's file.
    pub fn path(&self, id: DocumentId) -> &str {
        &self.sources.get(self.documents[id].file()).path
    }

    /// Joins everything.
    pub fn link(self) -> Project {
        let dockerfiles = self.documents.iter().enumerate().filter_map(|(id, document)| match document {
            Document::Dockerfile(dockerfile) => Some((id, dockerfile.clone())),
            _ => None,
        });
        let dockerfiles: Vec<_> = dockerfiles.collect();
        // Joining goes from file to file; what the Dockerfiles say alone is worked out beside it.
        let ((mut project, sources), nodes) = rayon::join(|| self.join(), || nodes::of_dockerfiles(&dockerfiles));
        // What breaks leaves its part out, and is reported.
        let collected = Failure::or(None, "collecting what is graded", || nodes::collect(&mut project, nodes));
        project.failures.extend(collected.err());
        match Failure::or(None, "looking for repeated secrets", || repeated::find(&project, sources)) {
            Ok(repeated) => project.repeated = repeated,
            Err(failure) => project.failures.push(failure),
        }
        let found = Failure::or(None, "looking for variables without a value", || needs::find(&mut project, sources));
        project.failures.extend(found.err());
        let files: Vec<_> = sources.iter().map(|(_, source)| source.text.as_str()).collect();
        let of = |text: &&str| {
            #[cfg(test)]
            crate::broken::at(super::FORMATS, text);
            Formats::of(text)
        };
        let formats = Failure::or(None, super::FORMATS, || files.par_iter().map(of).collect());
        match formats {
            Ok(formats) => project.formats = formats,
            Err(failure) => project.failures.push(failure),
        }
        project
    }

    /// What `work` gives; where it breaks, that is noted, and nothing takes its place.
    fn attempt<T: Default>(&mut self, file: Option<FileId>, doing: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        Failure::or(file, doing, || work(self)).unwrap_or_else(|failure| {
            self.failures.push(failure);
            T::default()
        })
    }

    /// Joins the documents: everything but the nodes.
    fn join(mut self) -> (Project, &'a mut Sources) {
        self.stacks = self.attempt(None, "putting stacks together", stacks::discover);
        self.trees = HashMap::new();
        let mut containers = self.attempt(None, "joining services", assemble::services);
        self.attempt(None, "joining build stages", |linker| assemble::stages(linker, &mut containers));
        containers.shrink_to_fit();
        self.attempt(None, "looking into build contexts", |linker| context::attach(linker, &mut containers));
        let mut owners = vec![Vec::new(); self.documents.len()];
        for (index, container) in containers.iter_mut().enumerate() {
            let file = Some(container.span.file);
            self.attempt(file, "finding what a container runs", |linker| process::attach(linker, container, index));
            owners.resize(self.documents.len(), Vec::new());
            let (Origin::Service { document, .. } | Origin::Stage { document, .. }) = container.origin;
            let built = container.built.as_ref().map(|built| built.document);
            let stack = match container.origin {
                Origin::Service { stack, .. } => {
                    let stack = &self.stacks[stack];
                    [&stack.files[..], &stack.parts[..]].concat()
                }
                Origin::Stage { .. } => Vec::new(),
            };
            let parts = [document].into_iter().chain(stack).chain(built).chain(container.supervisors.iter().copied());
            for part in parts.chain(container.servers.iter().copied()) {
                if owners[part].last() != Some(&index) {
                    owners[part].push(index);
                }
            }
        }
        self.exceeded.extend(self.growth.exceeded.take());
        self.exceeded.extend(self.shared.exceeded.take().into_values());
        let stages = stage_nodes(&self.documents, &containers);
        let mut includes = self.attempt(None, "following the includes of nginx", |linker| {
            include::Includes::resolve(&linker.documents, linker.sources, &linker.placed, linker.settings)
        });
        self.exceeded.append(&mut includes.exceeded);
        self.attempt(None, "looking for includes that lead outside", |linker| outside::note(linker, &includes));
        let mut refused = read::refused(self.sources, &self.documents);
        refused.append(&mut self.outside);
        // Now that nothing takes their stand-ins for what containers start.
        for (path, reason, gap) in std::mem::take(&mut self.unread) {
            let reason = self.sources.why_skipped(&path).map_or(reason, str::to_owned);
            self.sources.skip(path, reason, gap);
        }
        let by_file = self.documents.iter().enumerate().rev().map(|(id, document)| (document.file(), id)).collect();
        let mut project = Project {
            by_file,
            includes,
            documents: self.documents,
            marks: self.marks,
            stacks: self.stacks,
            owners,
            containers,
            stages,
            refused,
            failures: self.failures,
            exceeded: self.exceeded,
            ..Project::default()
        };
        match Failure::or(None, "finding who reaches whom", || super::reach::Reaches::of(&project)) {
            Ok(reaches) => project.reaches = reaches,
            Err(failure) => project.failures.push(failure),
        }
        project.find_environments();
        (project, self.sources)
    }
}

/// The spans of a document's comments.
fn comments(document: &Document) -> &[Span] {
    match document {
        Document::Dockerfile(document) => &document.comments,
        Document::Compose(document) => &document.comments,
        Document::Supervisor(document) => &document.comments,
        Document::Nginx(document) => &document.comments,
        Document::Dotenv(document) => &document.comments,
    }
}

/// Every build stage, and whether a container needs it.
fn stage_nodes(documents: &[Document], containers: &[Container]) -> Vec<StageNode> {
    let mut nodes = Vec::new();
    let mut users: HashMap<DocumentId, Vec<&BuiltFrom>> = HashMap::new();
    let mut seen = HashSet::new();
    for built in containers.iter().filter_map(|container| container.built.as_ref()) {
        // Services that build the same share it.
        if seen.insert(Arc::as_ptr(built)) {
            users.entry(built.document).or_default().push(built);
        }
    }
    for (id, document) in documents.iter().enumerate() {
        let Document::Dockerfile(dockerfile) = document else { continue };
        let mut shipped = vec![false; dockerfile.stages.len()];
        let mut reachable = vec![false; dockerfile.stages.len()];
        for built in users.get(&id).into_iter().flatten() {
            built.config.chain.iter().for_each(|&stage| shipped[stage] = true);
            built.reachable.iter().enumerate().for_each(|(stage, needed)| reachable[stage] |= needed);
        }
        for (index, stage) in dockerfile.stages.iter().enumerate() {
            let name = stage.name.as_ref().map_or_else(|| index.to_string(), |name| name.value.clone());
            nodes.push(StageNode {
                scope: Scope {
                    document: id,
                    stage: Some(index),
                    container: None,
                    path: format!("stages.{name}").into(),
                },
                index,
                shipped: shipped[index],
                reachable: reachable[index],
            });
        }
    }
    nodes
}
