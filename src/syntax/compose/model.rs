//! From the YAML tree to the typed model: the top level, and the readers that all parts share.

use super::template::Template;
use super::{
    Compose, FileObject, Form, Include, Invocation, KeyValue, Network, Scalar, Variables, Volume, schema, short,
};
use crate::source::{FileId, Spanned};
use crate::syntax::SyntaxError;
use crate::syntax::yaml::{Entry, Node, Value};

/// Builds a model.
pub(super) struct Builder<'a> {
    pub(super) compose: Compose,
    pub(super) vars: &'a Variables<'a>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: FileId, vars: &'a Variables<'a>) -> Self {
        Builder { compose: Compose::empty(file), vars }
    }

    pub(super) fn finish(mut self) -> Compose {
        schema::references(&mut self.compose);
        self.compose.services.shrink_to_fit();
        self.compose.schema_errors.sort_by_key(|error| (error.span.start, error.span.end));
        self.compose
    }

    /// Adds what one document defines.
    pub(super) fn document(&mut self, root: &Node) {
        schema::check(root, &mut self.compose.schema_errors);
        for entry in root.entries() {
            let value = &entry.value;
            match entry.key.as_str().unwrap_or_default() {
                "name" => self.compose.name = self.scalar(value),
                "services" => {
                    // A service takes kilobytes: room for just as many as there are.
                    self.compose.services.reserve_exact(value.entries().len());
                    for entry in value.entries().iter().filter(|entry| !is_reset(&entry.value)) {
                        if let Some(name) = key(entry) {
                            let service = self.service(name, &entry.value);
                            self.compose.services.push(service);
                        }
                    }
                }
                "networks" => self.each(value, |builder, name, node| {
                    let network = builder.network(name, node);
                    builder.compose.networks.push(network);
                }),
                "volumes" => self.each(value, |builder, name, node| {
                    let volume = builder.volume(name, node);
                    builder.compose.volumes.push(volume);
                }),
                "secrets" => self.each(value, |builder, name, node| {
                    let object = builder.file_object(name, node);
                    builder.compose.secrets.push(object);
                }),
                "configs" => self.each(value, |builder, name, node| {
                    let object = builder.file_object(name, node);
                    builder.compose.configs.push(object);
                }),
                "include" => {
                    for item in value.items() {
                        let include = self.include(item);
                        self.compose.include.push(include);
                    }
                }
                _ => {}
            }
        }
    }

    fn each(&mut self, node: &Node, mut add: impl FnMut(&mut Self, Spanned<String>, &Node)) {
        for entry in node.entries().iter().filter(|entry| !is_reset(&entry.value)) {
            if let Some(name) = key(entry) {
                add(self, name, &entry.value);
            }
        }
    }

    fn network(&mut self, name: Spanned<String>, node: &Node) -> Network {
        Network {
            name,
            engine_name: self.scalar_of(node, "name"),
            internal: self.boolean_of(node, "internal"),
            external: self.external(node),
            driver: self.scalar_of(node, "driver"),
            driver_opts: self.key_values_of(node, "driver_opts"),
        }
    }

    fn volume(&mut self, name: Spanned<String>, node: &Node) -> Volume {
        Volume {
            name,
            external: self.external(node),
            driver: self.scalar_of(node, "driver"),
            driver_opts: self.key_values_of(node, "driver_opts"),
        }
    }

    fn file_object(&mut self, name: Spanned<String>, node: &Node) -> FileObject {
        FileObject {
            name,
            file: self.scalar_of(node, "file"),
            environment: self.scalar_of(node, "environment"),
            content: self.scalar_of(node, "content"),
            external: self.external(node),
        }
    }

    /// `external: true`, or the old `external: {name: …}`.
    fn external(&mut self, node: &Node) -> bool {
        match node.get("external") {
            Some(value) if value.is_mapping() => true,
            Some(value) => self.boolean(value).is_some_and(|external| external.value),
            None => false,
        }
    }

    fn include(&mut self, node: &Node) -> Include {
        if node.is_mapping() {
            Include {
                span: node.span,
                paths: self.scalars_of(node, "path"),
                project_directory: self.scalar_of(node, "project_directory"),
                env_file: self.scalars_of(node, "env_file"),
            }
        } else {
            let paths = self.scalars(node);
            Include { span: node.span, paths, project_directory: None, env_file: Vec::new() }
        }
    }

    /// A scalar; `None` for an empty node, a collection and what `!reset` takes away.
    pub(super) fn scalar(&mut self, node: &Node) -> Option<Scalar> {
        if node.is_null() || is_reset(node) {
            return None;
        }
        let (template, error) = Template::parse(node.scalar()?.text.clone());
        self.compose.schema_errors.extend(error);
        Some(Scalar::new(template, self.vars))
    }

    /// The scalar under `key` of a mapping.
    pub(super) fn scalar_of(&mut self, node: &Node, key: &str) -> Option<Scalar> {
        self.scalar(node.get(key)?)
    }

    /// A list of scalars, or one scalar alone. Keys of a mapping count as its items.
    pub(super) fn scalars(&mut self, node: &Node) -> Vec<Scalar> {
        if is_reset(node) {
            return Vec::new();
        }
        match &node.value {
            Value::Scalar(_) => self.scalar(node).into_iter().collect(),
            Value::Sequence(items) => items.iter().filter_map(|item| self.scalar(item)).collect(),
            Value::Mapping(entries) => entries.iter().filter_map(|entry| self.scalar(&entry.key)).collect(),
        }
    }

    /// The list of scalars under `key` of a mapping.
    pub(super) fn scalars_of(&mut self, node: &Node, key: &str) -> Vec<Scalar> {
        node.get(key).map(|value| self.scalars(value)).unwrap_or_default()
    }

    /// What compose-go's `toBoolean` takes: `true`, `y`, `yes`, `on` and their opposites in any case, quoted or not.
    pub(super) fn boolean(&mut self, node: &Node) -> Option<Spanned<bool>> {
        let scalar = self.scalar(node)?;
        let word = scalar.value.trim();
        let is = |words: &[&str]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
        if is(&["true", "y", "yes", "on"]) {
            Some(Spanned::new(true, scalar.span))
        } else if is(&["false", "n", "no", "off"]) {
            Some(Spanned::new(false, scalar.span))
        } else {
            if scalar.known {
                let message = format!("`{}` is neither true nor false", scalar.value);
                self.compose.schema_errors.push(SyntaxError::new(scalar.span, message));
            }
            None
        }
    }

    /// The boolean under `key` of a mapping.
    pub(super) fn boolean_of(&mut self, node: &Node, key: &str) -> Option<Spanned<bool>> {
        self.boolean(node.get(key)?)
    }

    /// A string of a key such as `condition`, which nothing is done with but comparing it.
    pub(super) fn string_of(&mut self, node: &Node, key: &str) -> Option<Spanned<String>> {
        self.scalar_of(node, key).map(Scalar::into_value)
    }

    /// A command or entrypoint. An empty one, which clears the image's, is a list without items.
    pub(super) fn invocation(&mut self, node: &Node) -> Option<Invocation> {
        if node.is_null() || is_reset(node) {
            return None;
        }
        let form = match &node.value {
            Value::Scalar(_) => {
                let scalar = self.scalar(node)?;
                if scalar.value.is_empty() { Form::List(Vec::new()) } else { Form::Text(scalar) }
            }
            Value::Sequence(_) => Form::List(self.scalars(node)),
            Value::Mapping(_) => return None,
        };
        Some(Invocation { span: node.span, form })
    }

    /// `key=value` pairs of a mapping or a list.
    pub(super) fn key_values(&mut self, node: &Node, separators: &[u8]) -> Vec<KeyValue> {
        if is_reset(node) {
            return Vec::new();
        }
        match &node.value {
            Value::Mapping(entries) => self.entry_pairs(entries),
            // A list that was merged with a mapping has items of both kinds.
            Value::Sequence(items) => {
                let mut pairs = Vec::with_capacity(items.len());
                for item in items {
                    match &item.value {
                        Value::Mapping(entries) if !is_reset(item) => pairs.extend(self.entry_pairs(entries)),
                        _ => pairs.extend(self.key_value(item, separators)),
                    }
                }
                pairs
            }
            Value::Scalar(_) => Vec::new(),
        }
    }

    /// The pairs of a mapping's entries.
    fn entry_pairs(&mut self, entries: &[Entry]) -> Vec<KeyValue> {
        let mut pairs = Vec::with_capacity(entries.len());
        for entry in entries.iter().filter(|entry| !is_reset(&entry.value)) {
            let Some(key) = key(entry) else {
                continue;
            };
            let value = match entry.value.entry("soft").or(entry.value.entries().first()) {
                Some(limit) => self.scalar(&limit.value),
                None => self.scalar(entry.value.items().first().unwrap_or(&entry.value)),
            };
            pairs.push(KeyValue { span: key.span.to(entry.value.span), key, value });
        }
        pairs
    }

    /// One `key=value` of a list.
    pub(super) fn key_value(&mut self, node: &Node, separators: &[u8]) -> Option<KeyValue> {
        if let Some(pair) = self.plain_pair(node, separators) {
            return Some(pair);
        }
        let scalar = self.scalar(node)?;
        let place = separators.iter().filter_map(|&byte| short::find(&scalar.value, byte)).min();
        let name_end = place.unwrap_or(scalar.value.len());
        let key = Spanned::new(scalar.value[..name_end].to_owned(), scalar.text().span_of(0..name_end));
        let value = place.map(|at| scalar.slice(at + 1..scalar.value.len(), self.vars));
        Some(KeyValue { span: scalar.span, key, value })
    }

    /// One `key=value` whose key has no variables in it, as most have none: it can be split as it is written.
    fn plain_pair(&mut self, node: &Node, separators: &[u8]) -> Option<KeyValue> {
        let text = &node.scalar()?.text;
        let dollar = memchr::memchr(b'$', text.value.as_bytes());
        let plain = &text.value.as_bytes()[..dollar.unwrap_or(text.value.len())];
        let place = separators.iter().filter_map(|&byte| memchr::memchr(byte, plain)).min();
        if place.is_none() && dollar.is_some() || node.is_null() || is_reset(node) {
            return None;
        }
        let name_end = place.unwrap_or(text.value.len());
        let key = Spanned::new(text.value[..name_end].to_owned(), text.span_of(0..name_end));
        let value = place.map(|at| {
            let (template, error) = Template::parse(text.slice(at + 1..text.value.len()));
            self.compose.schema_errors.extend(error);
            Scalar::new(template, self.vars)
        });
        Some(KeyValue { span: text.span, key, value })
    }

    /// The `key=value` pairs under `key` of a mapping.
    pub(super) fn key_values_of(&mut self, node: &Node, key: &str) -> Vec<KeyValue> {
        node.get(key).map(|value| self.key_values(value, b"=")).unwrap_or_default()
    }
}

/// The key of an entry, if it is a string or something that can be read as one.
pub(super) fn key(entry: &Entry) -> Option<Spanned<String>> {
    let name = entry.key.as_str()?;
    Some(Spanned::new(name.to_owned(), entry.key.span))
}

/// Whether a node says that what the files before it define is to be taken away.
pub fn is_reset(node: &Node) -> bool {
    node.tag.as_deref() == Some("!reset")
}
