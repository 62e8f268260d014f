//! The files that Compose files name: they are read whatever they are called and wherever they lie below the root.

use super::path;
use crate::source::Kind;
use crate::syntax::compose::{Compose, Scalar};

/// A file that is referred to.
pub(super) struct Reference {
    /// Path in the repository.
    pub path: String,
    /// What it is read as.
    pub kind: Kind,
    /// Why it is read, as a clause.
    pub why: &'static str,
}

/// What a Compose file in `folder` refers to, but for the Dockerfiles of its builds. What is remote, what leads out of the
/// root and what a variable decides is left out.
pub(super) fn of_compose(compose: &Compose, folder: &str) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut add = |file: &Scalar, kind, why| {
        let remote = file.value.contains("://") || file.value.starts_with("git@");
        if file.known && !remote && !file.value.is_empty() {
            references.extend(path::join(folder, &file.value).map(|path| Reference { path, kind, why }));
        }
    };
    for include in &compose.include {
        include.paths.iter().for_each(|file| add(file, Kind::Compose, "included by a Compose file"));
        include.env_file.iter().for_each(|file| add(file, Kind::Dotenv, "variables of an included Compose file"));
    }
    for service in &compose.services {
        service.env_file.iter().for_each(|file| add(&file.path, Kind::Dotenv, "`env_file` of a service"));
        let extended = service.extends.iter().filter_map(|extends| extends.file.as_ref());
        extended.for_each(|file| add(file, Kind::Compose, "extended by a service"));
    }
    references
}
