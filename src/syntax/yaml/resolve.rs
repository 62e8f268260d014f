//! Aliases, merge keys and duplicate keys: from the nodes as written to the nodes as they count.

use std::collections::HashSet;

use super::tree::{Content, NodeId, Tree, TreeNode};
use super::{Entry, Node, Scalar, Style, SyntaxError, Value};
use crate::source::{Span, Text};

/// Nodes of one document after aliases are expanded. compose-go stops at the same number.
const MAX_NODES: usize = 100_000;
/// Bytes of scalars that aliases may repeat in one document.
const MAX_ALIAS_BYTES: usize = 8 << 20;
/// Levels of nesting after aliases are expanded: what reads the tree may recurse. Compose's own format has about ten.
const MAX_DEPTH: usize = 100;
/// Up to this many keys a mapping is searched for a duplicate key by key.
const FEW_KEYS: usize = 12;

/// The documents of `tree` with everything resolved. What go-yaml or compose-go refuses is added to `errors`.
pub(super) fn resolve(tree: &mut Tree, errors: &mut Vec<SyntaxError>) -> Vec<Node> {
    let has_aliases = tree.nodes.iter().any(|node| matches!(node.content, Content::Alias { .. }));
    let documents = std::mem::take(&mut tree.documents);
    let resolved = documents
        .iter()
        .map(|&root| {
            let mut resolver = Resolver {
                tree,
                errors,
                take: !has_aliases,
                nodes: 0,
                alias_bytes: 0,
                stopped: false,
                too_deep: false,
            };
            resolver.node(root, None, 0)
        })
        .collect();
    tree.documents = documents;
    resolved
}

/// The second of two equal keys in one mapping. Keys that are no scalars are added to `errors`.
pub(super) fn duplicate_keys(tree: &Tree, errors: &mut Vec<SyntaxError>) -> Vec<SyntaxError> {
    let mut duplicates = Vec::new();
    for node in &tree.nodes {
        let Content::Mapping(children) = &node.content else {
            continue;
        };
        let keys = || children.iter().step_by(2).map(|&key| &tree.nodes[key as usize]);
        let mut seen: HashSet<(bool, &str)> = HashSet::new();
        let few = children.len() / 2 <= FEW_KEYS;
        for (index, key) in keys().enumerate() {
            let Some(name) = key_name(key) else {
                errors.push(SyntaxError::new(key.span, "a mapping or list cannot be a key"));
                continue;
            };
            let again = match few {
                true => keys().take(index).any(|other| key_name(other) == Some(name)),
                false => !seen.insert(name),
            };
            if again {
                let message = format!("key `{}` is already defined in this mapping", name.1);
                duplicates.push(SyntaxError::new(key.span, message));
            }
        }
    }
    duplicates
}

/// What two keys are compared by: whether it is an alias, and the value or name.
fn key_name(key: &TreeNode) -> Option<(bool, &str)> {
    match &key.content {
        Content::Scalar(scalar) => Some((false, scalar.text.as_str())),
        Content::Alias { name, .. } => Some((true, name)),
        _ => None,
    }
}

struct Resolver<'a> {
    tree: &'a mut Tree,
    errors: &'a mut Vec<SyntaxError>,
    /// No node is needed twice, so that texts can be moved out of the tree.
    take: bool,
    nodes: usize,
    alias_bytes: usize,
    /// A limit was met: no alias is expanded any more.
    stopped: bool,
    too_deep: bool,
}

impl Resolver<'_> {
    fn node(&mut self, id: NodeId, alias: Option<Span>, depth: usize) -> Node {
        let node = &mut self.tree.nodes[id as usize];
        let span = node.span;
        let tag = if self.take { node.tag.take() } else { node.tag.clone() };
        self.nodes += 1;
        if self.nodes > MAX_NODES && !self.stopped {
            self.stop(alias.unwrap_or(span), format!("more than {MAX_NODES} nodes after aliases are expanded"));
        }
        if depth > MAX_DEPTH {
            if !self.too_deep {
                self.too_deep = true;
                self.errors.push(SyntaxError::new(alias.unwrap_or(span), "nested too deeply"));
            }
            return null(span, alias);
        }
        let node = &mut self.tree.nodes[id as usize];
        let value = match &mut node.content {
            Content::Scalar(scalar) if self.take => {
                let text = std::mem::replace(&mut scalar.text, Text::verbatim("", span));
                Value::Scalar(Scalar { text, style: scalar.style })
            }
            Content::Scalar(scalar) => {
                if alias.is_some() {
                    self.alias_bytes += scalar.text.value.len();
                }
                let scalar = scalar.clone();
                if self.alias_bytes > MAX_ALIAS_BYTES && !self.stopped {
                    let message = format!("aliases repeat more than {MAX_ALIAS_BYTES} bytes");
                    self.stop(alias.unwrap_or(span), message);
                }
                Value::Scalar(scalar)
            }
            Content::Sequence(children) => {
                let children = children.clone();
                let mut items = Vec::with_capacity(children.len());
                for child in children {
                    items.push(self.node(child, alias, depth + 1));
                }
                Value::Sequence(items)
            }
            Content::Mapping(children) => {
                let children = children.clone();
                Value::Mapping(self.mapping(&children, alias, depth + 1))
            }
            Content::Alias { target, .. } => {
                let target = *target;
                let place = alias.unwrap_or(span);
                return match target {
                    Some(target) if !self.stopped => self.node(target, Some(place), depth),
                    _ => null(span, Some(place)),
                };
            }
        };
        Node { span, alias, tag, value }
    }

    fn stop(&mut self, place: Span, message: String) {
        self.stopped = true;
        self.errors.push(SyntaxError::new(place, message));
    }

    /// The entries of a mapping, its own first, then those that `<<` brings in and that are not there yet.
    fn mapping(&mut self, children: &[NodeId], alias: Option<Span>, depth: usize) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(children.len() / 2);
        let mut merges = Vec::new();
        for pair in children.chunks_exact(2) {
            let key = &self.tree.nodes[pair[0] as usize];
            if key.is_merge_key() {
                merges.push((key.span, pair[1]));
                continue;
            }
            let key = self.node(pair[0], alias, depth);
            let value = self.node(pair[1], alias, depth);
            entries.push(Entry { key, value });
        }
        if merges.is_empty() {
            return entries;
        }
        let mut seen: HashSet<String> =
            entries.iter().filter_map(|entry| entry.key.as_str().map(str::to_owned)).collect();
        for (key, value) in merges {
            let sources = match &self.tree.nodes[value as usize].content {
                Content::Sequence(items) => items.clone(),
                _ => vec![value],
            };
            for source in sources {
                self.merge(key, source, alias, depth, &mut entries, &mut seen);
            }
        }
        entries
    }

    /// Adds what one mapping under `<<` brings in.
    fn merge(
        &mut self,
        key: Span,
        source: NodeId,
        alias: Option<Span>,
        depth: usize,
        entries: &mut Vec<Entry>,
        seen: &mut HashSet<String>,
    ) {
        let node = &self.tree.nodes[source as usize];
        let source_span = node.span;
        let (place, mapping) = match &node.content {
            Content::Alias { target, .. } => (source_span, *target),
            _ => (key, Some(source)),
        };
        let Some(mapping) = mapping else {
            return;
        };
        if !matches!(self.tree.nodes[mapping as usize].content, Content::Mapping(_)) {
            self.errors.push(SyntaxError::new(source_span, "`<<` takes a mapping or a list of mappings"));
            return;
        }
        if self.stopped {
            return;
        }
        let merged = self.node(mapping, Some(alias.unwrap_or(place)), depth);
        let Value::Mapping(merged) = merged.value else {
            return;
        };
        for entry in merged {
            let new = match entry.key.as_str() {
                Some(name) => seen.insert(name.to_owned()),
                None => true,
            };
            if new {
                entries.push(entry);
            }
        }
    }
}

/// An empty node where something could not be expanded.
fn null(span: Span, alias: Option<Span>) -> Node {
    let text = Text::verbatim("", Span { end: span.start, ..span });
    Node { span, alias, tag: None, value: Value::Scalar(Scalar { text, style: Style::Plain }) }
}
