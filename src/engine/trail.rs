//! What led to the value at a finding: the entry of an earlier file that it replaces, and the lines of a `.env` that its
//! variables come from.

use crate::finding::Finding;
use crate::project::Project;
use crate::project::stacks::{Stack, names_in};
use crate::source::{Sources, Span};
use crate::syntax::compose::merge::Loss;

/// Places that are added to one finding.
const MOST: usize = 4;

/// Adds the places that led to the value at the finding's line, for findings about containers of merged files.
pub(super) fn add(finding: &mut Finding, project: &Project, sources: &Sources) {
    let primary = finding.primary();
    let stacks = finding.stacks.iter().filter_map(|&stack| project.stacks.get(stack));
    let found = stacks.map(|stack| trail(stack, primary, sources)).find(|trail| !trail.is_empty());
    for (span, message) in found.into_iter().flatten().take(MOST) {
        if finding.labels.iter().chain(&finding.chain).all(|label| !label.span.overlaps(span)) {
            finding.related(span, message);
        }
    }
}

fn trail(stack: &Stack, primary: Span, sources: &Sources) -> Vec<(Span, String)> {
    let mut places = Vec::new();
    for lost in stack.lost.iter().filter(|lost| lost.how != Loss::Reset && touches(lost.over, primary)) {
        places.push((lost.base, "this is what it replaces".to_owned()));
    }
    if !stack.variables.is_empty() {
        let mut names: Vec<&str> = Vec::new();
        for name in names_in(sources.text(primary)) {
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            if let Some(variable) = stack.variables.get(name).filter(|variable| variable.value.is_some()) {
                places.push((variable.span, format!("`{name}` is set here")));
            }
        }
    }
    places
}

/// Whether the two are about the same value: one holds the other.
fn touches(over: Span, primary: Span) -> bool {
    over.contains(primary) || primary.contains(over)
}
