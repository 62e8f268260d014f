//! Another state of the repository, read through the `git` program: nothing is checked out, fetched or run.
//!
//! Only plumbing commands are called, which follow neither hooks nor filters nor external programs, each without a shell.

mod blame;
mod local;
mod rename;
mod sources;
mod tree;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use blame::date_exceptions;
pub use rename::renames;
pub use sources::{base_scope, sources};
pub use tree::Tree;

use crate::text::visible;

/// Why a commit cannot be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A repository, seen from a directory in its work tree.
#[derive(Debug)]
pub struct Repository {
    directory: PathBuf,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its full hexadecimal name.
    pub id: String,
    /// What it is shown as: the words of the user and the start of the name.
    pub shown: String,
}

impl Repository {
    /// The repository that `directory` is in.
    ///
    /// # Errors
    /// There is none, or git refuses to read it, or there is no git.
    pub fn open(directory: &Path) -> Result<Repository, Error> {
        let repository = Repository { directory: directory.to_owned() };
        let output = repository.git(["rev-parse", "--is-inside-work-tree"]).output();
        let output = output.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error("--diff-base and --blame ask the git program, which was not found".to_owned())
            }
            _ => Error(format!("git: {error}")),
        })?;
        if output.status.success() && output.stdout.starts_with(b"true") {
            return Ok(repository);
        }
        let message = String::from_utf8_lossy(&output.stderr);
        if message.contains("dubious ownership") {
            let hint = "git does not read it because it belongs to another account (git's `safe.directory` allows it)";
            return Err(Error(format!("{}: {hint}", visible(&directory.to_string_lossy()))));
        }
        Err(Error(format!("{}: not in the work tree of a git repository", visible(&directory.to_string_lossy()))))
    }

    /// The commit that a change on top of `reference` is compared with: where the two lines of work parted if that is
    /// known, else `reference` itself. A branch that is only known from a remote may be named without it.
    ///
    /// # Errors
    /// It is not in this clone; says what to fetch.
    pub fn base(&self, reference: &str) -> Result<Commit, Error> {
        if reference.is_empty() || reference.starts_with('-') || reference.contains(char::is_control) {
            return Err(Error(format!("`{}` is no name of a commit", visible(reference))));
        }
        if reference.contains("..") {
            return Err(Error(format!("`{}` is a range: name one commit", visible(reference))));
        }
        let remote = self.remote();
        let candidates = [reference.to_owned(), format!("{remote}/{reference}")];
        let found = candidates.iter().find_map(|name| Some((name, self.commit(name)?)));
        let Some((name, id)) = found else { return Err(self.missing(reference, &remote)) };
        // A shallow clone does not reach to where they parted.
        let parted = self.read(["merge-base", &id, "HEAD"]).filter(|parted| is_object_name(parted));
        let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
        let shown = match &parted {
            Some(parted) if *parted != id => format!("{} (where HEAD parted from {name})", short(parted)),
            _ => format!("{name} ({})", short(&id)),
        };
        Ok(Commit { id: parted.unwrap_or(id), shown })
    }

    /// The full name of the commit that `reference` leads to.
    fn commit(&self, reference: &str) -> Option<String> {
        let peeled = format!("{reference}^{{commit}}");
        self.read(["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]).filter(|id| is_object_name(id))
    }

    /// The remote that branches come from: `origin`, or the only one.
    fn remote(&self) -> String {
        let remotes = self.read(["remote"]).unwrap_or_default();
        let mut names = remotes.lines();
        match (names.next(), names.next()) {
            (Some(only), None) => only.to_owned(),
            _ => "origin".to_owned(),
        }
    }

    /// What to say of a reference that is not in this clone.
    fn missing(&self, reference: &str, remote: &str) -> Error {
        let named = |name: &str| self.read(["rev-parse", "--verify", "--quiet", "--end-of-options", name]);
        if named(reference).is_some_and(|id| self.read(["cat-file", "-e", &id]).is_some()) {
            return Error(format!("`{}` is no commit", visible(reference)));
        }
        if named("HEAD").is_none() {
            return Error("there is no commit yet that could be compared with".to_owned());
        }
        let shallow = self.read(["rev-parse", "--is-shallow-repository"]).is_some_and(|answer| answer == "true");
        let depth = if shallow { " --depth=1" } else { "" };
        let branch = reference.strip_prefix(&format!("{remote}/")).unwrap_or(reference);
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte));
        let is_hex = reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut tag = String::new();
        let fetch = if is_object_name(reference) && plain(remote) {
            format!("git fetch{depth} {remote} {reference}")
        } else if plain(reference) && plain(remote) && !is_hex && !reference.starts_with("refs/") {
            if branch == reference {
                tag = format!(" (if it is a tag: `git fetch{depth} {remote} tag {reference}`)");
            }
            format!("git fetch{depth} {remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}")
        } else if shallow {
            "git fetch --unshallow".to_owned()
        } else {
            "git fetch --all".to_owned()
        };
        let (reference, why) = (visible(reference), if shallow { ", which is shallow" } else { "" });
        Error(format!(
            "there is no commit `{reference}` in this clone{why}; `{fetch}` brings it if the remote has it{tag}"
        ))
    }

    /// The submodule at `path` from the directory, where it is checked out.
    fn submodule(&self, path: &str) -> Option<Repository> {
        let root = std::fs::canonicalize(&self.directory).ok()?;
        // A link may have taken its place.
        let directory = std::fs::canonicalize(root.join(path)).ok()?;
        let inside = directory.starts_with(&root) && directory != root;
        (inside && directory.join(".git").exists()).then_some(Repository { directory })
    }

    /// What a git command says on its standard output, without the line end; nothing where it fails.
    fn read<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let output = self.git(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim_end().to_owned())
    }

    /// A git command in which nothing that the repository or the environment says makes it run or fetch something.
    fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new("git");
        command
            .args(["--no-pager", "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs"])
            .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"])
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1");
        // Set while git runs a hook, these lead to the repository that is being committed to, not to the one here.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            command.env_remove(variable);
        }
        for variable in ["GIT_EXTERNAL_DIFF", "GIT_NAMESPACE", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Whether a text is the full name of an object: 40 or 64 hexadecimal digits.
fn is_object_name(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
