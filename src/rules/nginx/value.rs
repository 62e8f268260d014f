//! What nginx's variables hold: where they are set, and which expression filled `$1`.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::pattern::{Group, groups};
use super::tree::{Location, Tree};
use crate::limit::NGINX_STEPS;
use crate::rules::Cx;
use crate::syntax::nginx::Nginx;

/// Definitions of one variable among which that of its own location is looked for.
const MAX_SETS: usize = 1_000;

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Text.
    Literal(&'a str),
    /// `$name` or `${name}`: the name, and where the variable stands.
    Variable(&'a str, Range<usize>),
}

/// Takes a value apart, as `ngx_http_script_compile` does.
pub(super) fn parts(value: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some(dollar) = value[start..].find('$').map(|at| start + at) {
        let rest = &value[dollar + 1..];
        let (name, length) = match rest.strip_prefix('{') {
            Some(braced) => match braced.find('}') {
                Some(end) => (&braced[..end], end + 2),
                None => break,
            },
            // A capture is one digit.
            None if rest.starts_with(|c: char| c.is_ascii_digit()) => (&rest[..1], 1),
            None => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        if start < dollar {
            parts.push(Part::Literal(&value[start..dollar]));
        }
        parts.push(Part::Variable(name, dollar..dollar + 1 + length));
        start = dollar + 1 + length;
    }
    if start < value.len() {
        parts.push(Part::Literal(&value[start..]));
    }
    parts
}

/// Where a variable gets its value.
#[derive(Clone, Debug)]
pub(super) enum Origin<'a> {
    /// nginx's own variable, or one that is set out of sight.
    Builtin,
    /// A `set` or an entry of a `map`: the value, and the directive whose captures it may use.
    Value(&'a str, usize),
    /// A group of an expression, and what that was matched against.
    Capture(Group, Subject<'a>),
    /// Something that does not come from the request.
    Fixed,
}

/// What an expression is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject<'a> {
    /// The decoded path.
    Path,
    /// The host name of the request.
    Host,
    /// A value.
    Value(&'a str, usize),
}

/// Where variables are defined in a config.
pub(super) struct Variables<'t, 'a> {
    tree: &'t Tree<'a>,
    definitions: HashMap<&'a str, Vec<usize>>,
    steps: Cell<usize>,
}

impl<'t, 'a> Variables<'t, 'a> {
    /// Notes that not all definitions were looked at, where it is so.
    pub fn note(&self, nginx: &Nginx, cx: &Cx) {
        if !NGINX_STEPS.holds(self.steps.get())
            && let Some(first) = nginx.directives.first()
        {
            cx.exceeded(&NGINX_STEPS, first.span);
        }
    }

    /// Collects the definitions.
    pub fn new(tree: &'t Tree<'a>) -> Self {
        let mut definitions: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut define = |name: &'a str, at| {
            definitions.entry(name.trim_start_matches('$')).or_default().push(at);
        };
        for (name, argument) in
            [("set", 0), ("map", 1), ("geo", usize::MAX), ("split_clients", 1), ("auth_request_set", 0)]
        {
            for at in tree.named(name) {
                let arguments = &tree.directive(at).arguments;
                let variable = if argument == usize::MAX { arguments.last() } else { arguments.get(argument) };
                if let Some(variable) = variable {
                    define(variable.text.as_str(), at);
                }
            }
        }
        for name in ["location", "rewrite", "if", "server_name"] {
            for at in tree.named(name) {
                for argument in tree.directive(at).arguments.iter().map(|argument| argument.text.as_str()) {
                    group_names(argument).for_each(|name| define(name, at));
                }
            }
        }
        Variables { tree, definitions, steps: Cell::new(0) }
    }

    /// The first argument of the directive at `at`.
    pub fn argument(&self, at: usize) -> Option<&'a str> {
        self.tree.directive(at).argument(0)
    }

    /// Where the variable `name`, used in `at`, gets its value: every place that may have set it.
    pub fn origins(&self, name: &str, at: usize) -> Vec<Origin<'a>> {
        if let Ok(number) = name.parse::<usize>() {
            return self.capture(number, at).into_iter().collect();
        }
        let server = self.tree.enclosing(self.tree.parent(at), "server");
        let definitions = self.definitions.get(name).map_or(&[][..], Vec::as_slice);
        let here = self.set_here(definitions, at);
        let mut origins = Vec::new();
        for &definition in definitions {
            if self.steps.replace(self.steps.get() + 1) > NGINX_STEPS.most {
                return Vec::new();
            }
            if here.is_some() && here != self.location(definition) {
                continue;
            }
            let elsewhere = self.tree.enclosing(self.tree.parent(definition), "server");
            if elsewhere.is_none() || server.is_none() || elsewhere == server {
                self.define(name, definition, &mut origins);
            }
        }
        if origins.is_empty() {
            origins.push(Origin::Builtin);
        }
        origins
    }

    /// The location around a directive.
    fn location(&self, at: usize) -> Option<usize> {
        self.tree.enclosing(self.tree.parent(at), "location")
    }

    /// The location around `at` where a `set` that no test guards is among the definitions: it runs whatever was set on the
    /// way there.
    fn set_here(&self, definitions: &[usize], at: usize) -> Option<usize> {
        let location = self.location(at)?;
        let sets = |&definition: &usize| {
            self.tree.parent(definition) == Some(location) && self.tree.directive(definition).is("set")
        };
        definitions.iter().take(MAX_SETS).any(sets).then_some(location)
    }

    fn define(&self, name: &str, at: usize, origins: &mut Vec<Origin<'a>>) {
        let directive = self.tree.directive(at);
        match directive.name.as_str() {
            "set" => origins.extend(directive.argument(1).map(|value| Origin::Value(value, at))),
            "map" => {
                let source = directive.argument(0).unwrap_or_default();
                for entry in directive.children() {
                    self.steps.set(self.steps.get() + 1);
                    let Some(value) = entry.argument(0).filter(|_| !entry.is("include")) else { continue };
                    let key = entry.name.as_str();
                    let pattern = key.strip_prefix("~*").or_else(|| key.strip_prefix('~'));
                    // A capture of the entry's own expression can only be used through that expression.
                    let used: Vec<_> =
                        parts(value).into_iter().filter(|part| matches!(part, Part::Variable(..))).collect();
                    let own = pattern.map(groups).filter(|_| !used.is_empty());
                    let mut captured = false;
                    for part in used {
                        let (Part::Variable(name, _), Some(groups)) = (part, &own) else { continue };
                        let found = match name.parse::<usize>() {
                            Ok(number) => groups.get(number),
                            Err(_) => groups.iter().find(|group| group.name.as_deref() == Some(name)),
                        };
                        if let Some(group) = found {
                            captured = true;
                            origins.push(Origin::Capture(group.clone(), Subject::Value(source, at)));
                        }
                    }
                    if !captured {
                        origins.push(Origin::Value(value, at));
                    }
                }
            }
            "geo" | "split_clients" | "auth_request_set" => origins.push(Origin::Fixed),
            _ => origins.extend(self.expressions(at).into_iter().find_map(|(pattern, subject)| {
                let group = groups(pattern).into_iter().find(|group| group.name.as_deref() == Some(name))?;
                Some(Origin::Capture(group, subject))
            })),
        }
    }

    /// The expressions that a directive matches, and what against.
    fn expressions(&self, at: usize) -> Vec<(&'a str, Subject<'a>)> {
        let directive = self.tree.directive(at);
        match directive.name.as_str() {
            "rewrite" => directive.argument(0).map(|pattern| (pattern, Subject::Path)).into_iter().collect(),
            "location" => match Location::of(directive) {
                Some(Location::Regex(pattern)) => vec![(pattern, Subject::Path)],
                _ => Vec::new(),
            },
            "server_name" => {
                let names = directive.arguments.iter().filter_map(|argument| argument.text.as_str().strip_prefix('~'));
                names.map(|pattern| (pattern, Subject::Host)).collect()
            }
            "if" => match (directive.argument(0), directive.argument(1), directive.argument(2)) {
                (Some(subject), Some("~" | "~*"), Some(pattern)) => {
                    let pattern = pattern.strip_suffix(')').unwrap_or(pattern);
                    vec![(pattern, Subject::Value(subject.strip_prefix('(').unwrap_or(subject), at))]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// What `$number` holds in `at`: a group of the nearest expression that has matched there.
    fn capture(&self, number: usize, at: usize) -> Option<Origin<'a>> {
        if self.tree.directive(at).is("rewrite") {
            return self.group(number, at);
        }
        let mut inside = Some(at);
        for level in self.tree.outwards(self.tree.parent(at)) {
            let before = inside.and_then(|inside| self.tree.last_before(level, "rewrite", inside));
            let owner = level.filter(|&level| !self.tree.directive(level).is("server"));
            let names = level.into_iter().flat_map(|level| self.tree.own(Some(level), "server_name"));
            let found = before.into_iter().chain(owner).chain(names).find(|&at| !self.expressions(at).is_empty());
            self.steps.set(self.steps.get() + 1);
            if self.steps.get() > NGINX_STEPS.most {
                return None;
            }
            if let Some(found) = found {
                return self.group(number, found);
            }
            inside = level;
        }
        None
    }

    fn group(&self, number: usize, at: usize) -> Option<Origin<'a>> {
        let (pattern, subject) = self.expressions(at).into_iter().next()?;
        let group = groups(pattern).into_iter().nth(number)?;
        Some(Origin::Capture(group, subject))
    }

    /// Whether the value of `name` in `at` can be made of what `leaf` accepts: nginx's own variables by their name, and
    /// groups with what they were matched against. Sets and maps are followed.
    pub fn any(&self, name: &'a str, at: usize, leaf: &dyn Fn(Leaf<'_>) -> bool) -> bool {
        let mut seen: HashSet<(&str, usize)> = HashSet::new();
        let mut pending = vec![(name, at)];
        while let Some((name, at)) = pending.pop() {
            // The place matters for `$1` alone.
            let place = if name.starts_with(|c: char| c.is_ascii_digit()) { at } else { 0 };
            if !seen.insert((name, place)) || self.steps.replace(self.steps.get() + 1) > NGINX_STEPS.most {
                continue;
            }
            for origin in self.origins(name, at) {
                match origin {
                    Origin::Builtin if leaf(Leaf::Builtin(name)) => return true,
                    Origin::Value(value, at) => pending.extend(variables(value).map(|name| (name, at))),
                    Origin::Capture(group, subject) if leaf(Leaf::Group(&group)) => match subject {
                        Subject::Path if leaf(Leaf::Builtin("uri")) => return true,
                        Subject::Host if leaf(Leaf::Builtin("host")) => return true,
                        Subject::Value(value, at) => pending.extend(variables(value).map(|name| (name, at))),
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
        false
    }
}

/// What a value is made of in the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leaf<'l> {
    /// A variable of nginx itself, or one that is set out of sight.
    Builtin(&'l str),
    /// What a group of an expression lets through.
    Group(&'l Group),
}

/// The names of the variables in a value.
pub(super) fn variables(value: &str) -> impl Iterator<Item = &str> {
    parts(value).into_iter().filter_map(|part| match part {
        Part::Variable(name, _) => Some(name),
        Part::Literal(_) => None,
    })
}

/// The names of the groups of an expression, without reading all of it.
fn group_names(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.match_indices("(?").filter_map(|(at, _)| {
        let rest = &pattern[at + 2..];
        let rest = rest.strip_prefix('P').unwrap_or(rest);
        let (rest, end) = match rest.strip_prefix('<') {
            Some(rest) => (rest, '>'),
            None => (rest.strip_prefix('\'')?, '\''),
        };
        let name = &rest[..rest.find(end)?];
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_apart() {
        assert_eq!(
            parts("http://${host}:$port/x$1y$"),
            [
                Part::Literal("http://"),
                Part::Variable("host", 7..14),
                Part::Literal(":"),
                Part::Variable("port", 15..20),
                Part::Literal("/x"),
                Part::Variable("1", 22..24),
                Part::Literal("y"),
                Part::Variable("", 25..26),
            ]
        );
        assert_eq!(parts("a${b"), [Part::Literal("a${b")]);
    }
}
