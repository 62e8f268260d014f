//! YAML as Compose's reader (go-yaml v4) reads it, into a tree whose every node has its span.
//!
//! Aliases and merge keys (`<<`) are resolved here, within a budget of nodes; duplicate keys are errors, as they are to
//! go-yaml.

use super::SyntaxError;
use crate::source::{FileId, Span, Text};

/// A parsed YAML file.
#[derive(Debug)]
pub struct Yaml {
    /// The file.
    pub file: FileId,
    /// The documents in order.
    pub documents: Vec<Node>,
    /// Every comment, from its `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What go-yaml would refuse.
    pub errors: Vec<SyntaxError>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the node stands; for an alias, where what it stands for was defined. An empty node has an empty span.
    pub span: Span,
    /// Where an alias (or the `<<` that merged this in) was used, when the node came in through one.
    pub alias: Option<Span>,
    /// Explicit tag as written, such as `!reset` or `!!str`.
    pub tag: Option<String>,
    /// The content.
    pub value: Value,
}

/// The content of a node.
#[derive(Clone, Debug)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, merge keys already merged in behind the mapping's own entries.
    Mapping(Vec<Entry>),
}

/// A scalar.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The value with the place of each byte.
    pub text: Text,
    /// How it was written.
    pub style: Style,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`.
    SingleQuoted,
    /// `"…"`.
    DoubleQuoted,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

/// A key of a mapping and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}
