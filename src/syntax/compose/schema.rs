//! What compose-go refuses although it is YAML: types and keys by the Compose specification's schema
//! (compose-spec.json of compose-go), and uses of what is not defined.
//!
//! An empty value is never an error: another file may give the value. A text with a variable may become any type.

mod keys;

use std::collections::HashSet;

use super::{Compose, MountKind, ReferenceKind, Scalar, UndefinedReference};
use crate::source::{Span, Spanned};
use crate::syntax::SyntaxError;
use crate::syntax::yaml::{Node, ScalarType, Value};

/// What a value may be.
pub(super) enum Shape {
    /// Anything.
    Any,
    /// A scalar of one of the types: see [`STRING`] and the others.
    Scalar(u8),
    /// A list.
    List(&'static Shape),
    /// A mapping with these keys and no others, but for `x-…`.
    Object(&'static [(&'static str, &'static Shape)]),
    /// A mapping with any keys.
    Map(&'static Shape),
    /// Of these, the one whose kind (scalar, list, mapping) the value has.
    Either(&'static [&'static Shape]),
}

/// A string.
pub(super) const STRING: u8 = 1;
/// An integer.
pub(super) const INTEGER: u8 = 2;
/// An integer or a float.
pub(super) const NUMBER: u8 = 4;
/// `true` or `false`.
pub(super) const BOOLEAN: u8 = 8;

/// Checks one document against the schema.
pub(super) fn check(root: &Node, errors: &mut Vec<SyntaxError>) {
    if root.is_null() {
        return;
    }
    if !root.is_mapping() {
        let message = format!("a Compose file is a mapping, not a {}", root.kind_name());
        errors.push(SyntaxError::new(root.span, message));
        return;
    }
    let mut checker = Checker { errors, seen: HashSet::new() };
    checker.check(root, &keys::FILE, "the file");
    for entry in root.get("services").map(Node::entries).unwrap_or_default() {
        let Some(name) = entry.key.as_str() else {
            continue;
        };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) || name.is_empty() {
            checker.error(entry.key.span, format!("`{name}` cannot be the name of a service"));
        }
    }
}

struct Checker<'a> {
    errors: &'a mut Vec<SyntaxError>,
    /// Where something was found, since what aliases bring in is met several times.
    seen: HashSet<Span>,
}

impl Checker<'_> {
    fn error(&mut self, span: Span, message: String) {
        if self.seen.insert(span) {
            self.errors.push(SyntaxError::new(span, message));
        }
    }

    /// Checks `node`, which is the value of `name`.
    fn check(&mut self, node: &Node, shape: &Shape, name: &str) {
        if node.tag.as_deref() == Some("!reset") || node.is_null() {
            return;
        }
        match (shape, &node.value) {
            (Shape::Any, _) => {}
            (Shape::Either(shapes), _) => match shapes.iter().find(|shape| shape.has_kind_of(node)) {
                Some(shape) => self.check(node, shape, name),
                None => self.wrong_type(node, shape, name),
            },
            (Shape::Scalar(types), Value::Scalar(scalar)) => {
                let fits = match node.scalar_type() {
                    Some(ScalarType::Int) => types & (INTEGER | NUMBER) != 0,
                    Some(ScalarType::Float) => types & NUMBER != 0,
                    Some(ScalarType::Bool) => types & BOOLEAN != 0,
                    _ => types & STRING != 0 || scalar.text.value.contains('$'),
                };
                if !fits {
                    self.wrong_type(node, shape, name);
                }
            }
            (Shape::List(item), Value::Sequence(items)) => {
                for node in items {
                    self.check(node, item, name);
                }
            }
            (Shape::Object(keys), Value::Mapping(entries)) => {
                for entry in entries {
                    let Some(key) = self.key(&entry.key) else {
                        continue;
                    };
                    match keys.binary_search_by_key(&key, |(name, _)| name) {
                        Ok(index) => self.check(&entry.value, keys[index].1, key),
                        Err(_) if key.starts_with("x-") => {}
                        Err(_) => self.error(entry.key.span, format!("`{key}` is no key of {}", described(name))),
                    }
                }
            }
            (Shape::Map(value), Value::Mapping(entries)) => {
                for entry in entries {
                    if let Some(key) = self.key(&entry.key)
                        && !(key.starts_with("x-") && matches!(value, Shape::Object(_)))
                    {
                        self.check(&entry.value, value, key);
                    }
                }
            }
            _ => self.wrong_type(node, shape, name),
        }
    }

    /// The key of a mapping, which must be a string.
    fn key<'n>(&mut self, key: &'n Node) -> Option<&'n str> {
        let name = key.as_str()?;
        if matches!(key.scalar_type(), Some(ScalarType::String | ScalarType::Other | ScalarType::Merge)) {
            return Some(name);
        }
        self.error(key.span, format!("a key must be a string, not a {}", key.kind_name()));
        None
    }

    fn wrong_type(&mut self, node: &Node, shape: &Shape, name: &str) {
        let wanted = shape.name();
        self.error(node.span, format!("`{name}` must be {wanted}, not a {}", node.kind_name()));
    }
}

/// Names the mapping that is the value of `name`.
fn described(name: &str) -> String {
    if name == "the file" { "a Compose file".to_owned() } else { format!("`{name}`") }
}

impl Shape {
    fn has_kind_of(&self, node: &Node) -> bool {
        match self {
            Shape::Any => true,
            Shape::Scalar(_) => node.scalar().is_some(),
            Shape::List(_) => node.is_sequence(),
            Shape::Object(_) | Shape::Map(_) => node.is_mapping(),
            Shape::Either(shapes) => shapes.iter().any(|shape| shape.has_kind_of(node)),
        }
    }

    fn name(&self) -> String {
        match self {
            Shape::Any => "anything".to_owned(),
            Shape::List(_) => "a list".to_owned(),
            Shape::Object(_) | Shape::Map(_) => "a mapping".to_owned(),
            Shape::Either(shapes) => shapes.iter().map(|shape| shape.name()).collect::<Vec<_>>().join(" or "),
            Shape::Scalar(types) => {
                let names = [(STRING, "a string"), (INTEGER | NUMBER, "a number"), (BOOLEAN, "a boolean")];
                let names: Vec<_> =
                    names.into_iter().filter(|(types_of, _)| types & types_of != 0).map(|(_, name)| name).collect();
                names.join(" or ")
            }
        }
    }
}

/// Finds what is used but not defined.
pub(super) fn references(compose: &mut Compose) {
    let mut errors = Vec::new();
    let mut check = |kind: ReferenceKind, name: &str, span: Span, defined: bool| {
        // A name with a variable in it may be anything.
        if !defined && !name.contains('$') && !name.is_empty() {
            errors.push(UndefinedReference { kind, name: Spanned::new(name.to_owned(), span) });
        }
    };
    let services: HashSet<&str> =
        compose.services.iter().filter_map(|service| service.name.as_ref()).map(|name| name.value.as_str()).collect();
    let networks: HashSet<&str> = compose.networks.iter().map(|network| network.name.value.as_str()).collect();
    let volumes: HashSet<&str> = compose.volumes.iter().map(|volume| volume.name.value.as_str()).collect();
    let secrets: HashSet<&str> = compose.secrets.iter().map(|secret| secret.name.value.as_str()).collect();
    let configs: HashSet<&str> = compose.configs.iter().map(|config| config.name.value.as_str()).collect();
    for service in &compose.services {
        for network in &service.networks {
            let Spanned { value, span } = &network.name;
            check(ReferenceKind::Network, value, *span, value == "default" || networks.contains(value.as_str()));
        }
        for mount in service.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
            if let Some(source) = &mount.source {
                check(ReferenceKind::Volume, &source.value, source.span, volumes.contains(source.value.as_str()));
            }
        }
        let build_secrets = service.build.iter().flat_map(|build| &build.secrets);
        for secret in service.uncommon.secrets.iter().chain(build_secrets) {
            let Spanned { value, span } = &secret.source;
            check(ReferenceKind::Secret, value, *span, secrets.contains(value.as_str()));
        }
        for config in &service.uncommon.configs {
            let Spanned { value, span } = &config.source;
            check(ReferenceKind::Config, value, *span, configs.contains(value.as_str()));
        }
        for dependency in service.depends_on.iter().filter(|dependency| dependency.required) {
            let Spanned { value, span } = &dependency.service;
            check(ReferenceKind::Service, value, *span, services.contains(value.as_str()));
        }
        let local = service.uncommon.extends.iter().filter(|extends| extends.file.is_none());
        for base in local.filter_map(|extends| extends.service.as_ref()) {
            check(ReferenceKind::Service, &base.value, base.span, services.contains(base.value.as_str()));
        }
        let modes: [&Option<Scalar>; 3] = [&service.network_mode, &service.pid, &service.ipc];
        for mode in modes.into_iter().flatten() {
            if let Some(name) = mode.value.strip_prefix("service:") {
                check(ReferenceKind::Service, name, mode.span, services.contains(name));
            }
        }
    }
    errors.sort_by_key(|error| (error.name.span.start, error.name.span.end));
    errors.dedup();
    compose.reference_errors = errors;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys are found by binary search.
    #[test]
    fn the_keys_of_every_object_are_sorted() {
        let mut pending = vec![&keys::FILE];
        let mut objects = 0;
        while let Some(shape) = pending.pop() {
            match shape {
                Shape::Any | Shape::Scalar(_) => {}
                Shape::List(inner) | Shape::Map(inner) => pending.push(inner),
                Shape::Either(shapes) => pending.extend(shapes.iter()),
                Shape::Object(keys) => {
                    objects += 1;
                    assert!(
                        keys.is_sorted_by(|a, b| a.0 < b.0),
                        "{:?}",
                        keys.iter().map(|key| key.0).collect::<Vec<_>>()
                    );
                    pending.extend(keys.iter().map(|key| key.1));
                }
            }
        }
        assert!(objects > 20);
    }
}
