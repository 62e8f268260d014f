//! Everything that was read, joined once: documents, containers, and the nodes that rules grade.

mod assemble;
mod beside;
pub mod context;
pub mod environment;
mod facts;
pub mod include;
mod link;
mod needs;
mod nodes;
mod outside;
pub mod path;
mod process;
pub mod reach;
mod read;
pub mod repeated;
mod settings;
pub mod stacks;

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use self::needs::{Need, Use};
use self::repeated::Repeated;
pub use self::settings::{Configured, Settings};
use self::stacks::Stack;
use crate::container::facet::Scope;
use crate::container::{CommandLine, Container, DocumentId, Env, Environment, Image, Marked, Origin};
use crate::limit::Exceeded;
use crate::secret::Formats;
use crate::source::{FileId, Skipped, Sources, Span};
use crate::syntax::Document;
use crate::syntax::compose::{Compose, Service};
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::nginx::Nginx;
use crate::syntax::supervisor::Supervisor;

/// The documents of a scan and what they make together.
#[derive(Debug, Default)]
pub struct Project {
    /// The parsed files, in the order of their paths.
    pub documents: Vec<Document>,
    /// Per document: where it is used, by its path alone.
    pub marks: Vec<Marked>,
    /// The Compose files that run together.
    pub stacks: Vec<Stack>,
    /// Per document: the containers that it is part of.
    pub owners: Vec<Vec<usize>>,
    /// What the `include` directives of nginx configs bring in.
    pub includes: include::Includes,
    /// Who can reach whom in each of the stacks.
    pub reaches: reach::Reaches,
    /// What would run.
    pub containers: Vec<Container>,
    /// Every build stage.
    pub stages: Vec<StageNode>,
    /// Every image reference.
    pub images: Vec<Image>,
    /// Every environment variable and build argument that is set.
    pub envs: Vec<Env>,
    /// Everything that is executed.
    pub commands: Vec<CommandLine>,
    /// Secrets that are written in several places, by each place.
    pub repeated: HashMap<Span, Arc<Repeated>>,
    /// By file: the secrets that show by their format, which the rules about them and the redaction both ask for.
    pub(crate) formats: Vec<Formats>,
    /// Files that are graded although the program that they are for refuses their bytes, or that name others outside of the
    /// scan root.
    pub refused: Vec<Skipped>,
    /// What broke inside confscan while reading.
    pub failures: Vec<Failure>,
    /// What was left out because there is too much of it.
    pub exceeded: Vec<Exceeded>,
    /// Where the containers run that a document, or one of its stages, is part of; found once, since every check asks.
    pub(crate) environments: HashMap<(DocumentId, Option<usize>), Environment>,
    /// The documents by their files.
    pub(crate) by_file: HashMap<FileId, DocumentId>,
    /// Where its Compose files lie.
    pub(crate) beside: beside::Beside,
}

/// A build stage as a node.
#[derive(Debug)]
pub struct StageNode {
    /// Where it is.
    pub scope: Scope,
    /// Index of the stage in its Dockerfile.
    pub index: usize,
    /// It is the stage of a container, or one that such a stage is built FROM.
    pub shipped: bool,
    /// It is needed for a container: shipped, or copied or mounted from.
    pub reachable: bool,
}

/// Something that broke inside confscan: the rest is graded without it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file that was being read or graded, when it was just one.
    pub file: Option<FileId>,
    /// What was being done, as a clause (`parsing`, `checking rule explicit-root-user`).
    pub doing: String,
    /// The panic's message.
    pub message: String,
}

/// What is being done where [`Project::formats`] are lacking.
pub(crate) const FORMATS: &str = "looking for formats";

impl Project {
    /// Reads every file of `sources` once, with those that they refer to, and joins them.
    pub fn build(sources: &mut Sources) -> Project {
        Project::build_with(sources, &())
    }

    /// As [`Project::build`], with what the user says of environments and places.
    pub fn build_with(sources: &mut Sources, settings: &dyn Settings) -> Project {
        link::Linker::new(sources, settings).link()
    }

    /// The document that was read from `file`.
    pub fn document_of(&self, file: FileId) -> Option<DocumentId> {
        self.by_file.get(&file).copied()
    }

    /// The secrets of a file that show by their format.
    pub fn formats(&self, file: FileId) -> &Formats {
        static NONE: Formats = Formats { tokens: Vec::new(), connections: Vec::new() };
        self.formats.get(file.0 as usize).unwrap_or(&NONE)
    }

    /// The Dockerfile `id`.
    pub fn dockerfile(&self, id: DocumentId) -> Option<&Dockerfile> {
        match self.documents.get(id)? {
            Document::Dockerfile(document) => Some(document),
            _ => None,
        }
    }

    /// The Compose file `id`.
    pub fn compose(&self, id: DocumentId) -> Option<&Compose> {
        match self.documents.get(id)? {
            Document::Compose(document) => Some(document),
            _ => None,
        }
    }

    /// The supervisord config `id`.
    pub fn supervisor(&self, id: DocumentId) -> Option<&Supervisor> {
        match self.documents.get(id)? {
            Document::Supervisor(document) => Some(document),
            _ => None,
        }
    }

    /// The nginx config `id`.
    pub fn nginx(&self, id: DocumentId) -> Option<&Nginx> {
        match self.documents.get(id)? {
            Document::Nginx(document) => Some(document),
            _ => None,
        }
    }

    /// The service that a container comes from.
    pub fn service(&self, container: &Container) -> Option<&Service> {
        match container.origin {
            Origin::Service { stack, service, .. } => self.model(stack)?.services.get(service),
            Origin::Stage { .. } => None,
        }
    }

    /// The stack that a container runs in.
    pub fn stack(&self, container: &Container) -> Option<&Stack> {
        match container.origin {
            Origin::Service { stack, .. } => self.stacks.get(stack),
            Origin::Stage { .. } => None,
        }
    }

    /// The merged model of a stack.
    pub fn model(&self, stack: usize) -> Option<&Compose> {
        let stack = self.stacks.get(stack)?;
        stack.model.as_deref().or_else(|| self.compose(*stack.files.first()?))
    }

    /// The merged model that a container's service is a part of.
    pub fn model_of(&self, container: &Container) -> Option<&Compose> {
        match container.origin {
            Origin::Service { stack, .. } => self.model(stack),
            Origin::Stage { .. } => None,
        }
    }

    /// Where a node runs: as its container does, else as the most live container that its stage or file is part of,
    /// else as the path of its file says.
    pub fn environment(&self, scope: &Scope) -> Environment {
        if let Some(container) = scope.container {
            return self.containers[container].environment.environment;
        }
        let owned = self.environments.get(&(scope.document, scope.stage)).copied();
        let marked = || self.marks.get(scope.document).map(|mark| mark.environment);
        owned.or_else(marked).unwrap_or(Environment::Unmarked)
    }

    /// Finds the environments of documents and stages: the most live of the containers that they are part of.
    fn find_environments(&mut self) {
        for (document, owners) in self.owners.iter().enumerate() {
            let mut most: HashMap<Option<usize>, Environment> = HashMap::new();
            let mut put = |stage, environment| {
                let known = most.entry(stage).or_insert(environment);
                *known = environment.max(*known);
            };
            // What is not the Dockerfile of a container is part of it as a whole.
            let mut seen = HashSet::new();
            for container in owners.iter().map(|&owner| &self.containers[owner]) {
                let environment = container.environment.environment;
                put(None, environment);
                // Services that build the same share it.
                if let Some(built) = container.built.as_ref().filter(|built| built.document == document)
                    && seen.insert((Arc::as_ptr(built), environment))
                {
                    let reachable = built.reachable.iter().enumerate().filter(|(_, reachable)| **reachable);
                    reachable.for_each(|(stage, _)| put(Some(stage), environment));
                }
            }
            self.environments.extend(most.into_iter().map(|(stage, environment)| ((document, stage), environment)));
        }
    }
}

impl Failure {
    /// What `work` gives, or that it broke while `doing` something to `file`. What it changes must hold whenever it stops.
    pub fn or<T>(file: Option<FileId>, doing: &str, work: impl FnOnce() -> T) -> Result<T, Failure> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Failure {
            file,
            doing: doing.to_owned(),
            message: panic_message(&*panic),
        })
    }
}

/// What a caught panic said, without what it was about: that may be text out of a file.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let Some(text) = text else { return "no message".to_owned() };
    // So the standard library begins to quote: where it slices a text, and where it unwraps an error.
    let quoted = [" of `", " value: ", "; it is inside"].iter().filter_map(|start| text.find(start)).min();
    text[..quoted.unwrap_or(text.len())].to_owned()
}
