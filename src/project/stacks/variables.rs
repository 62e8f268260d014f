//! The variables of `.env` files, as interpolation sees them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::limit::{Exceeded, VARIABLES_OF_ALL, VARIABLES_OF_STACK};
use crate::secret::{Formats, name};
use crate::source::Span;
use crate::syntax::dotenv::Dotenv;

/// Variables by name.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Those of the files that this set was made from.
    own: HashMap<String, Variable>,
    /// What wins over them.
    outer: Option<Arc<Variables>>,
}

/// The bytes that variables add to the values of Compose files and of each other: without a bound, a line that names one
/// twice would double it, and so would the next line.
#[derive(Debug, Default)]
pub(in crate::project) struct Growth {
    of_stack: Cell<usize>,
    of_all: Cell<usize>,
    /// Which variables were left open for it.
    pub exceeded: RefCell<BTreeSet<Exceeded>>,
}

impl Growth {
    /// Starts with another stack.
    pub(super) fn start(&self) {
        self.of_stack.set(0);
    }

    /// The value of a variable; nothing where it is not known, or where variables have added too much.
    pub(in crate::project) fn value(&self, variable: &Variable) -> Option<String> {
        let value = variable.value.as_ref()?;
        for (grown, limit) in [(&self.of_stack, &VARIABLES_OF_STACK), (&self.of_all, &VARIABLES_OF_ALL)] {
            if !limit.holds(grown.get().saturating_add(value.len())) {
                self.exceeded.borrow_mut().insert(Exceeded { span: variable.span, limit });
                return None;
            }
        }
        self.of_stack.update(|grown| grown + value.len());
        self.of_all.update(|grown| grown + value.len());
        Some(value.clone())
    }
}

/// A variable of a `.env` file.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its value; `None` where it is known only when something runs, and for secrets: those must not get into the
    /// values of a model, which are shown.
    pub value: Option<String>,
    /// Name and value in the file.
    pub span: Span,
}

impl Variables {
    /// A set below `outer`, which wins over it.
    pub(super) fn below(outer: Arc<Variables>) -> Variables {
        Variables { own: HashMap::new(), outer: Some(outer) }
    }

    /// Adds what a file defines. What is known already wins, as the environment wins over a file.
    pub(super) fn under(&mut self, dotenv: &Dotenv, growth: &Growth) {
        let mut own: HashMap<&str, Variable> = HashMap::new();
        for entry in &dotenv.entries {
            let Some(template) = &entry.value else { continue };
            let name = entry.name.as_str();
            let outer = |other: &str| growth.value(self.get(other).or_else(|| own.get(other))?);
            let (value, known) = template.resolve(&outer);
            let secret = name::is_sensitive(name) || Formats::are_in(&value);
            own.insert(name, Variable { value: (known && !secret).then_some(value), span: entry.span });
        }
        for (name, variable) in own {
            if self.get(name).is_none() {
                self.own.insert(name.to_owned(), variable);
            }
        }
    }

    /// The variable `name`, whether its value is known or not.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        let mut set = self;
        loop {
            // Files that include each other are not followed far, and neither is this.
            match (&set.outer, set.own.get(name)) {
                (Some(outer), None) => set = outer,
                (_, found) => return found,
            }
        }
    }

    /// Whether a text refers to one of known value.
    pub fn are_used_in(&self, text: &str) -> bool {
        names_in(text).any(|name| self.get(name).is_some_and(|variable| variable.value.is_some()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.outer.as_ref().is_none_or(|outer| outer.is_empty())
    }
}

/// The names behind `$` and `${` in a text, as often as they stand there.
pub fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let name = |at: usize| {
        let rest = text[at + 1..].strip_prefix('{').unwrap_or(&text[at + 1..]);
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        &rest[..length]
    };
    memchr::memchr_iter(b'$', text.as_bytes()).map(name).filter(|name| !name.is_empty())
}
