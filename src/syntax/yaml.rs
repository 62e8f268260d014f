//! YAML as Compose's reader (go-yaml v4) reads it, into a tree whose every node has its span.
//!
//! [`tree`] reads the text into nodes as they are written; [`parse`] then resolves aliases and merge keys (`<<`), within
//! a budget of nodes. Duplicate keys are errors, as they are to go-yaml.

mod resolve;
mod scalar;
pub mod tree;
mod typing;

#[cfg(test)]
mod tests;

pub use self::typing::ScalarType;

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
    /// What go-yaml would refuse, in the order of the file, but for duplicate keys.
    pub errors: Vec<SyntaxError>,
    /// Keys that their mapping already has, the second of two `<<` too. go-yaml refuses the file.
    pub duplicate_keys: Vec<SyntaxError>,
    /// U+0085, U+2028 and U+2029, which end a line for go-yaml but not for an editor: what follows one looks as if it
    /// were part of the line before.
    pub hidden_line_breaks: Vec<Span>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the node stands, without its tag and anchor; for an alias, where what it stands for was defined. An empty
    /// node has an empty span; a block scalar starts at its `|` or `>`.
    pub span: Span,
    /// Where an alias (or the `<<` that merged this in) was used, when the node came in through one. Through several,
    /// the outermost.
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

/// Reads a YAML file. What cannot be read is skipped up to the next `---` and said in [`Yaml::errors`].
pub fn parse(file: FileId, text: &str) -> Yaml {
    let mut tree = tree::read(file, text);
    let mut errors = std::mem::take(&mut tree.errors);
    let duplicate_keys = resolve::duplicate_keys(&tree, &mut errors);
    let documents = resolve::resolve(&mut tree, &mut errors);
    errors.sort_by_key(|error| (error.span.start, error.span.end));
    let tree::Tree { comments, hidden_line_breaks, .. } = tree;
    Yaml { file, documents, comments, errors, duplicate_keys, hidden_line_breaks }
}

impl Node {
    /// The value of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// The scalar, if the node is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of a key of a mapping. Of a duplicate key, which is an error, the last.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and value of a key of a mapping. Of a duplicate key, which is an error, the last.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key.as_str() == Some(key))
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Whether the node is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// Whether the node is a sequence.
    pub fn is_sequence(&self) -> bool {
        matches!(self.value, Value::Sequence(_))
    }

    /// Whether the node is empty, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.scalar_type() == Some(ScalarType::Null)
    }

    /// The type that go-yaml gives the node if it is a scalar: from its tag, else from its text.
    pub fn scalar_type(&self) -> Option<ScalarType> {
        let scalar = self.scalar()?;
        match self.tag.as_deref() {
            None | Some("!reset" | "!override") => Some(scalar.implicit_type()),
            Some(tag) => Some(ScalarType::of_tag(tag)),
        }
    }

    /// What the node is, for a message: `mapping`, `list`, `string`, `number`, …
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::Mapping(_) => "mapping",
            Value::Sequence(_) => "list",
            Value::Scalar(_) => self.scalar_type().map_or("string", ScalarType::name),
        }
    }

    /// The place in the file that is being read: where an alias was used if the node came in through one, else where the
    /// node stands.
    pub fn place(&self) -> Span {
        self.alias.unwrap_or(self.span)
    }
}

impl Scalar {
    /// The type of the scalar without a tag: only a plain scalar is anything but a string.
    pub fn implicit_type(&self) -> ScalarType {
        match self.style {
            Style::Plain => ScalarType::of_plain(self.text.as_str()),
            _ => ScalarType::String,
        }
    }
}
