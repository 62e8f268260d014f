//! What is a secret: by its name and by its value.

use crate::project::Project;
use crate::source::{Sources, Span};

/// Where secret values stand in the files, sorted and without overlap.
pub fn spans(_project: &Project, _sources: &Sources) -> Vec<Span> {
    Vec::new()
}
