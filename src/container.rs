//! The effective container and the facets that rules grade, whatever format they were written in.

pub mod contents;
mod context;
pub mod facet;
pub mod image;
pub mod known;
pub mod lifecycle;
pub mod tools;

pub use context::{Context, Sensitive};
pub use facet::{CommandLine, CommandPlace, Env, EnvPlace, Mount, Port, Reach};
pub use image::{Image, ImagePlace};

use std::sync::{Arc, OnceLock};

use crate::command::Effective;
use crate::source::{FileId, Span, Spanned, Text};
use crate::syntax::dockerfile::{Dockerfile, ImageConfig};

/// A document, as an index into the project's documents.
pub type DocumentId = usize;

/// Where a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// Development machines.
    Development,
    /// Tests and CI.
    Test,
    /// Nothing says: graded like production.
    Unmarked,
    /// Something says that this is production.
    Production,
}

impl Environment {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Test => "test",
            Environment::Unmarked => "unmarked",
            Environment::Production => "production",
        }
    }

    /// Whether it is neither development nor test.
    pub fn is_live(self) -> bool {
        self >= Environment::Unmarked
    }
}

/// An environment and what it was decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The environment.
    pub environment: Environment,
    /// By what, as a clause (``file name part `dev` ``).
    pub reason: String,
    /// The line that says so, where it is not a path.
    pub decided_by: Option<Span>,
    /// A variable of the container itself says so: what a rule about development settings would look at, too.
    pub own: bool,
}

impl Marked {
    /// Marked by something that is no line of a file.
    pub fn new(environment: Environment, reason: impl Into<String>) -> Marked {
        Marked { environment, reason: reason.into(), decided_by: None, own: false }
    }

    /// The same, decided by the line at `span`.
    pub fn at(self, span: Span) -> Marked {
        Marked { decided_by: Some(span), ..self }
    }
}

/// A fact about a container.
#[derive(Clone, Debug)]
pub enum Fact<T> {
    /// It is so; the span is the line that decided it.
    Known(Spanned<T>),
    /// Nothing sets it; the span is where it would be written.
    Absent(Span),
    /// It cannot be told from the files.
    Unknown(Why),
}

/// Why a fact is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The image is neither built here nor in the table of known images.
    UnknownImage,
    /// The Dockerfile of the service was not found.
    MissingDockerfile,
    /// It depends on a variable that has no value here.
    Variable,
    /// The service is a part of one that is defined elsewhere (an overlay, `extends`).
    Partial,
}

impl<T> Fact<T> {
    /// The value and its place, where it is known.
    pub fn known(&self) -> Option<&Spanned<T>> {
        match self {
            Fact::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// The account that a container's first process starts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Account as written, the group included (`app`, `1000:1000`, `root`).
    pub name: String,
    /// What said so.
    pub by: UserSource,
}

impl User {
    /// Whether the account is root, by name or by number.
    pub fn is_root(&self) -> bool {
        names_root(&self.name)
    }
}

/// Whether an account, with or without a group behind a colon, is root by name or by number.
pub fn names_root(account: &str) -> bool {
    let account = account.split(':').next().unwrap_or_default();
    account == "root" || (!account.is_empty() && account.bytes().all(|b| b == b'0'))
}

/// What says which account a container starts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSource {
    /// `user:` of the service.
    Compose,
    /// USER of the Dockerfile.
    Dockerfile,
    /// The table of known images.
    KnownImage,
}

/// The health check that is in force.
#[derive(Clone, Debug)]
pub enum Healthcheck {
    /// The service's.
    Compose,
    /// The image's, at its HEALTHCHECK instruction.
    Dockerfile,
    /// The image of the table of known images brings one.
    KnownImage,
    /// Switched off on purpose.
    Disabled,
}

/// A process of a container.
#[derive(Debug)]
pub struct Process {
    /// What starts it.
    pub origin: ProcessOrigin,
    /// The whole command as written.
    pub span: Span,
    /// What it really runs.
    pub effective: Arc<Effective>,
}

/// What starts a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessOrigin {
    /// The container's entrypoint and command.
    Main,
    /// An entrypoint script in the repository, by its path.
    Script(String),
    /// A `package.json` script, by its name.
    PackageScript(String),
    /// A supervisord program: its document and the name of its section.
    Program {
        /// The supervisord config.
        document: DocumentId,
        /// Name of the program.
        name: String,
    },
}

/// Where a container comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A service of a stack of Compose files.
    Service {
        /// The Compose file that has the service's key.
        document: DocumentId,
        /// The stack, as an index into the project's stacks.
        stack: usize,
        /// Index of the service in the stack's model.
        service: usize,
    },
    /// The shipped stage of a Dockerfile that no service builds, but perhaps one for development or tests.
    Stage {
        /// The Dockerfile.
        document: DocumentId,
        /// Index of the stage.
        stage: usize,
    },
}

/// The stage that a container's image is built from.
#[derive(Debug)]
pub struct BuiltFrom {
    /// The Dockerfile.
    pub document: DocumentId,
    /// Index of the shipped stage.
    pub stage: usize,
    /// The folder that the build sees: the service's `context`, else the Dockerfile's own folder.
    pub context: String,
    /// Which stages it needs, itself included, by index.
    pub reachable: Vec<bool>,
    /// What the image is configured to.
    pub config: ImageConfig,
    /// What its stages change in the programs of its base, once it was asked for.
    pub(crate) contents: OnceLock<contents::Contents>,
}

impl BuiltFrom {
    /// What its stages, which are those of `dockerfile`, change in the programs of its base.
    pub fn contents(&self, dockerfile: &Dockerfile) -> &contents::Contents {
        self.contents.get_or_init(|| contents::Contents::of(dockerfile, &self.config))
    }
}

/// What the engine starts.
#[derive(Debug)]
pub struct Invocation {
    /// Program and arguments.
    pub words: Vec<Text>,
    /// The line that decided it: the service's, else the image's.
    pub span: Span,
}

/// What would run: a Compose service with the image that it builds, or an image that no service builds.
#[derive(Debug)]
pub struct Container {
    /// Name of the service, or of the stage, or of the folder of the Dockerfile.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The place that stands for it: the service's key, or the stage's FROM.
    pub span: Span,
    /// Something that the service is made of is out of sight: it has neither image nor build, or what it extends was not
    /// found. What it lacks may be there.
    pub partial: bool,
    /// An `env_file` was not found, so that more variables may be set.
    pub open_environment: bool,
    /// The profiles that the service runs under; none where it always runs.
    pub profiles: Vec<Spanned<String>>,
    /// Where it runs.
    pub environment: Marked,
    /// The stage that it is built from.
    pub built: Option<Arc<BuiltFrom>>,
    /// What its build sees of the repository.
    pub context: Option<Arc<Context>>,
    /// The image that runs, or the base image at the end of the chain of stages.
    pub image: Option<Image>,
    /// What the table of known images says of it.
    pub known: Option<&'static known::KnownImage>,
    /// The account that the first process starts as.
    pub user: Fact<User>,
    /// The health check in force.
    pub healthcheck: Fact<Healthcheck>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Mounts.
    pub mounts: Vec<Mount>,
    /// The environment that its processes start with: the image's ENV, then the files of `env_file`, then the service's
    /// `environment`, each name once.
    pub env: Vec<Env>,
    /// What the engine starts: the entrypoint and the command, put together; `None` where the image decides it.
    pub command: Option<Invocation>,
    /// Its processes: the main one, what that leads to, and supervisord's programs; sorted by their places.
    pub processes: Vec<Process>,
    /// The supervisord configs that it runs.
    pub supervisors: Vec<DocumentId>,
    /// The nginx configs that it runs.
    pub servers: Vec<DocumentId>,
    /// Configs of its servers in formats that are not parsed.
    pub configs: Vec<ConfigFile>,
}

/// A file of the repository that a server reads as its config, as text.
#[derive(Debug)]
pub struct ConfigFile {
    /// Absolute path in the container.
    pub inside: String,
    /// The file.
    pub file: FileId,
}

impl Container {
    /// The environment variable `name`; its value may not be known.
    pub fn env(&self, name: &str) -> Option<&Env> {
        self.env.iter().find(|env| env.name.value == name)
    }

    /// Whether the name of its image, without the registry, holds one of the parts.
    pub fn image_is(&self, parts: &[&str]) -> bool {
        self.image.as_ref().is_some_and(|image| parts.iter().any(|part| image.repository.contains(part)))
    }

    /// The scripts of the repository that what stands at `span` starts.
    pub fn scripts_at(&self, span: Span) -> impl Iterator<Item = &Process> {
        // The processes are sorted by their places.
        let first = self.processes.partition_point(|process| process.span < Span { end: 0, ..span });
        let here = self.processes[first..]
            .iter()
            .take_while(move |process| process.span.file == span.file && process.span.start <= span.end);
        here.filter(move |process| span.contains(process.span) && matches!(process.origin, ProcessOrigin::Script(_)))
    }
}
