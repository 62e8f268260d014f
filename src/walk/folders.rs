//! Folders that are not entered.

use std::path::Path;

use super::disk;

/// A folder that holds other people's or generated files.
struct Folder {
    /// Its name.
    name: &'static str,
    /// The name of the folder that holds it, where only that one does.
    parent: Option<&'static str>,
    /// Names of which it must hold one; empty where its own name is enough.
    proof: &'static [&'static str],
    /// What it is, as a clause.
    what: &'static str,
}

const fn folder(name: &'static str, what: &'static str) -> Folder {
    Folder { name, parent: None, proof: &[], what }
}

const fn below(parent: &'static str, name: &'static str, what: &'static str) -> Folder {
    Folder { parent: Some(parent), ..folder(name, what) }
}

const fn proven(name: &'static str, proof: &'static [&'static str], what: &'static str) -> Folder {
    Folder { proof, ..folder(name, what) }
}

const VERSIONS: &str = "version control";
const PACKAGES: &str = "dependency folder";
const CACHE: &str = "cache folder";
const PYTHON: &str = "Python environment";

/// Every folder that is not entered, besides those that hold a `CACHEDIR.TAG`. A config in one of them is still read
/// when a config outside refers to it.
///
/// `vendor` is a dependency folder of Go and Composer, but also where projects keep configs of their own: it is left
/// out only when it holds the file that those tools write. The same goes for a folder `env`.
const FOLDERS: &[Folder] = &[
    folder(".git", VERSIONS),
    folder(".hg", VERSIONS),
    folder(".svn", VERSIONS),
    folder(".bzr", VERSIONS),
    folder(".jj", VERSIONS),
    folder("_darcs", VERSIONS),
    folder("node_modules", PACKAGES),
    folder("bower_components", PACKAGES),
    folder("jspm_packages", PACKAGES),
    folder(".yarn", PACKAGES),
    folder(".pnpm-store", PACKAGES),
    folder(".npm", CACHE),
    folder("site-packages", PACKAGES),
    folder("dist-packages", PACKAGES),
    folder("__pypackages__", PACKAGES),
    folder(".eggs", PACKAGES),
    folder(".venv", PYTHON),
    folder("venv", PYTHON),
    proven("env", &["pyvenv.cfg"], PYTHON),
    proven(".env", &["pyvenv.cfg"], PYTHON),
    proven("virtualenv", &["pyvenv.cfg"], PYTHON),
    folder(".tox", PYTHON),
    folder(".nox", PYTHON),
    folder("__pycache__", CACHE),
    folder(".mypy_cache", CACHE),
    folder(".pytest_cache", CACHE),
    folder(".ruff_cache", CACHE),
    folder(".ipynb_checkpoints", CACHE),
    proven("vendor", &["modules.txt", "autoload.php", "composer"], PACKAGES),
    below("vendor", "bundle", PACKAGES),
    folder(".bundle", PACKAGES),
    folder("Pods", PACKAGES),
    folder("elm-stuff", PACKAGES),
    folder(".dart_tool", CACHE),
    folder(".pub-cache", PACKAGES),
    below(".cargo", "registry", PACKAGES),
    below(".cargo", "git", PACKAGES),
    folder(".rustup", PACKAGES),
    folder(".m2", PACKAGES),
    folder(".ivy2", PACKAGES),
    folder(".gradle", CACHE),
    folder(".stack-work", CACHE),
    folder(".terraform", PACKAGES),
    folder(".terragrunt-cache", CACHE),
    folder(".serverless", CACHE),
    folder(".cache", CACHE),
    folder(".parcel-cache", CACHE),
    folder(".turbo", CACHE),
    below(".angular", "cache", CACHE),
    below(".next", "cache", CACHE),
    folder(".direnv", CACHE),
];

/// How a `CACHEDIR.TAG` begins (Cache Directory Tagging Specification, <https://bford.info/cachedir/>).
const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Why the directory at the real path `path` is not entered; nothing when it is.
pub fn reason(path: &Path) -> Option<&'static str> {
    let has = |name: &str| path.join(name).exists();
    let tagged = || tagged(path);
    let name = path.file_name()?.to_str();
    let parent = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    reason_of(name, parent, has, tagged)
}

/// The same for a directory that need not be on the disk, by its path from the scan root: `has` says whether a name is in
/// it, `tagged` whether it holds a cache directory's tag.
pub fn folder_reason(path: &str, has: impl Fn(&str) -> bool, tagged: impl FnOnce() -> bool) -> Option<&'static str> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = parent.rsplit('/').next().filter(|parent| !parent.is_empty());
    reason_of(Some(name), parent, has, tagged)
}

fn reason_of(
    name: Option<&str>,
    parent: Option<&str>,
    has: impl Fn(&str) -> bool,
    tagged: impl FnOnce() -> bool,
) -> Option<&'static str> {
    let listed = name.and_then(|name| {
        FOLDERS.iter().find(|folder| {
            let named = folder.name == name && (folder.parent.is_none() || folder.parent == parent);
            named && (folder.proof.is_empty() || folder.proof.iter().any(|proof| has(proof)))
        })
    });
    match listed {
        Some(folder) => Some(folder.what),
        None => tagged().then_some("cache folder, by its CACHEDIR.TAG"),
    }
}

/// Whether a file that starts with `text` is a cache directory's tag.
pub fn is_cache_tag(text: &[u8]) -> bool {
    text.starts_with(SIGNATURE)
}

/// Whether the directory at the real path `path` holds a cache directory tag.
fn tagged(path: &Path) -> bool {
    let tag = disk::read_start(&path.join("CACHEDIR.TAG"), &[path.to_owned()], SIGNATURE.len() as u64);
    tag.is_ok_and(|start| is_cache_tag(&start))
}
