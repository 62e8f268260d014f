//! Every directive of a config with the blocks around it.

use super::Directive;

/// A directive and where it stands.
#[derive(Clone, Debug)]
pub struct Visit<'a> {
    /// The directive.
    pub directive: &'a Directive,
    /// The directives whose blocks it stands in, the outermost first.
    pub parents: Vec<&'a Directive>,
}

impl<'a> Visit<'a> {
    /// The directive whose block it stands in.
    pub fn parent(&self) -> Option<&'a Directive> {
        self.parents.last().copied()
    }

    /// Whether it stands in a block of that name, however deep.
    pub fn is_in(&self, name: &str) -> bool {
        self.parents.iter().any(|parent| parent.is(name))
    }
}

/// Iterator over every directive, each before what stands in its block.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// What is left to visit at each depth.
    levels: Vec<std::slice::Iter<'a, Directive>>,
    /// One less than `levels`.
    parents: Vec<&'a Directive>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(directives: &'a [Directive]) -> Self {
        Walk { levels: vec![directives.iter()], parents: Vec::new() }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Visit<'a>;

    fn next(&mut self) -> Option<Visit<'a>> {
        loop {
            if let Some(directive) = self.levels.last_mut()?.next() {
                let parents = self.parents.clone();
                if !directive.children().is_empty() {
                    self.levels.push(directive.children().iter());
                    self.parents.push(directive);
                }
                return Some(Visit { directive, parents });
            }
            self.levels.pop();
            self.parents.pop();
        }
    }
}
