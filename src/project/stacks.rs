//! Stacks: the Compose files that run together, in their order, and the one model that they make.

mod discover;
mod evidence;
mod load;
mod profiles;
mod variables;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) use self::discover::{DEFAULTS, discover};
pub use self::evidence::{Command, commands};
pub(super) use self::load::{by_dotenv, reason};
pub use self::profiles::Inactive;
pub(super) use self::variables::Growth;
pub use self::variables::{Variable, Variables, names_in};

use crate::container::{DocumentId, Marked};
use crate::project::Need;
use crate::source::{FileId, Span, Spanned};
use crate::syntax::compose::Compose;
use crate::syntax::compose::merge::Lost;

/// Compose files that run together.
#[derive(Debug)]
pub struct Stack {
    /// The files that are named or found, in their order: each is merged on top of those before it.
    pub files: Vec<DocumentId>,
    /// Files that those include or extend.
    pub parts: Vec<DocumentId>,
    /// What the user calls it.
    pub name: Option<String>,
    /// The profiles that are active, where the user says so: services of other ones are not in the model. Without it
    /// every service is.
    pub profiles: Option<Vec<Spanned<String>>>,
    /// What services need of those that are not in the model for their profiles.
    pub inactive: Vec<Inactive>,
    /// How the stack was found.
    pub basis: Basis,
    /// The command lines that start it without naming its files, the first of many.
    pub started: Vec<Span>,
    /// Where it runs, as far as its files say.
    pub environment: Marked,
    /// The folder of the first file: paths of every file start there.
    pub directory: String,
    /// The merged model; `None` where it is the only file's as it is.
    pub model: Option<Box<Compose>>,
    /// What earlier files say and later ones replace or take away.
    pub lost: Vec<Lost>,
    /// What the files refer to and is not in sight.
    pub gaps: Vec<Gap>,
    /// The variables of its `.env`.
    pub variables: Arc<Variables>,
    /// Its only file is known to run in production under others, so that alone it is not graded.
    pub superseded: bool,
    /// Variables without which something of it is not what it should be, and that the repository says nothing of.
    pub undefined: Vec<Need>,
    /// Services whose `extends` could not be followed.
    pub(super) unextended: HashSet<String>,
    /// The folder that the paths of a file start at, where it is not that of the stack.
    pub(super) directories: HashMap<FileId, String>,
}

/// How a stack was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The file runs alone: all of its services have an image or a build.
    Alone,
    /// Compose merges the override file beside the default one by itself.
    AutomaticOverride,
    /// `COMPOSE_FILE`, in a `.env` file or a script.
    ComposeFile(Span),
    /// The files of a command line.
    CommandLine(Span),
    /// `confscan.toml`.
    Configured,
    /// An overlay, and the file beside it that has its services.
    Matched,
    /// A part of something that was not found.
    Fragment,
}

/// Something that a stack refers to and that is not in sight: what it would bring is not graded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// What refers to it.
    pub kind: GapKind,
    /// Where.
    pub span: Span,
    /// The service that it is about; `None` for the whole stack.
    pub service: Option<String>,
    /// What is referred to, as written after interpolation.
    pub target: String,
    /// Why it is not in sight.
    pub why: GapReason,
}

/// What refers to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapKind {
    /// `include`.
    Include,
    /// `extends`.
    Extends,
    /// `env_file`.
    EnvFile,
    /// `build`.
    Build,
    /// `profiles` of the configuration.
    Profiles,
}

impl GapKind {
    /// The key.
    pub fn name(self) -> &'static str {
        match self {
            GapKind::Include => "include",
            GapKind::Extends => "extends",
            GapKind::EnvFile => "env_file",
            GapKind::Build => "build",
            GapKind::Profiles => "profiles",
        }
    }
}

/// Why something is not in sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// It is fetched from elsewhere.
    Remote,
    /// The path leads out of the scan root.
    Outside,
    /// There is no such file.
    Missing,
    /// The file is there but could not be read as what it is to be.
    Unreadable,
    /// The file has no such service or stage.
    Undefined,
    /// It leads back to itself.
    Cycle,
    /// The path holds a variable without a value.
    Variable,
    /// More files or more text than confscan merges.
    TooMuch,
}

impl GapReason {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            GapReason::Remote => "remote",
            GapReason::Outside => "outside",
            GapReason::Missing => "missing",
            GapReason::Unreadable => "unreadable",
            GapReason::Undefined => "undefined",
            GapReason::Cycle => "cycle",
            GapReason::Variable => "variable",
            GapReason::TooMuch => "too-much",
        }
    }
}

impl Stack {
    /// The folder that the paths of `file` start at.
    pub fn directory_of(&self, file: FileId) -> &str {
        self.directories.get(&file).map_or(&self.directory, |directory| directory)
    }

    /// What is not in sight of a service: its own gaps and those of the whole stack.
    pub fn gaps_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Gap> {
        self.gaps.iter().filter(move |gap| gap.service.as_ref().is_none_or(|name| name == service))
    }
}

/// Whether a path is that of something that is fetched from elsewhere: a URL, a git or an OCI reference.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.starts_with("git@")
        || path.starts_with("github.com/")
        || path.starts_with("oci:")
        || path.ends_with(".git") && !path.starts_with(['.', '/'])
        || path.contains(".git#")
}
