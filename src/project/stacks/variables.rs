//! The variables of `.env` files, as interpolation sees them.

use std::collections::HashMap;

use crate::secret::{name, token, url};
use crate::source::Span;
use crate::syntax::dotenv::Dotenv;

/// Variables by name.
#[derive(Clone, Debug, Default)]
pub struct Variables(HashMap<String, Variable>);

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
    /// Adds what a file defines. What is known already wins, as the environment wins over a file.
    pub(super) fn under(&mut self, dotenv: &Dotenv) {
        let mut own: HashMap<&str, Variable> = HashMap::new();
        for entry in &dotenv.entries {
            let Some(template) = &entry.value else { continue };
            let name = entry.name.as_str();
            let outer = |other: &str| {
                let known = self.0.get(other).or_else(|| own.get(other));
                known.and_then(|variable| variable.value.clone())
            };
            let (value, known) = template.resolve(&outer);
            let secret = name::is_sensitive(name) || !token::find(&value).is_empty() || !url::find(&value).is_empty();
            own.insert(name, Variable { value: (known && !secret).then_some(value), span: entry.span });
        }
        for (name, variable) in own {
            self.0.entry(name.to_owned()).or_insert(variable);
        }
    }

    /// The variable `name`, whether its value is known or not.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    /// The value of the variable `name`.
    pub fn value(&self, name: &str) -> Option<String> {
        self.0.get(name)?.value.clone()
    }

    /// Whether a text refers to one of known value.
    pub fn are_used_in(&self, text: &str) -> bool {
        names_in(text).any(|name| self.0.get(name).is_some_and(|variable| variable.value.is_some()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
