//! The nodes of a YAML file as they are written: aliases are nodes, merge keys are keys.
//!
//! granit-parser reads the text; no other module knows of it. It follows YAML 1.2, go-yaml (like libyaml) mostly 1.1: this
//! module puts right where the two differ in what they accept and in where a node starts.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, StructureStyle, Tag};

use super::typing::ScalarType;
use super::{Scalar, Style, SyntaxError, scalar};
use crate::source::{FileId, Span, Text};

/// Index of a node in [`Tree::nodes`].
pub type NodeId = u32;

/// How often a text is read again because go-yaml accepts what granit refuses; beyond, the error is reported.
const MAX_REPAIRS: usize = 64;

/// The nodes of a file.
#[derive(Debug, Default)]
pub struct Tree {
    /// All nodes, each before its children.
    pub nodes: Vec<TreeNode>,
    /// The root of each document; none for a document that could not be read.
    pub documents: Vec<NodeId>,
    /// Every comment, from its `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What go-yaml would refuse.
    pub errors: Vec<SyntaxError>,
    /// See [`super::Yaml::hidden_line_breaks`].
    pub hidden_line_breaks: Vec<Span>,
}

/// A node as it is written.
#[derive(Debug)]
pub struct TreeNode {
    /// Offset at which the node starts, its tag and anchor included (bytes).
    pub start: u32,
    /// The node without its tag and anchor.
    pub span: Span,
    /// Explicit tag as written.
    pub tag: Option<String>,
    /// Explicit tag after `%TAG` directives, in the short form (`!!str`) where YAML defines it.
    pub resolved_tag: Option<String>,
    /// The content.
    pub content: Content,
}

/// What a node as written is.
#[derive(Debug)]
pub enum Content {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    Sequence(Vec<NodeId>),
    /// A mapping: key, value, key, value, …
    Mapping(Vec<NodeId>),
    /// An alias; without a target where none is defined before it.
    Alias {
        /// Name, without the `*`.
        name: String,
        /// The anchored node.
        target: Option<NodeId>,
    },
}

impl TreeNode {
    /// The tag that go-yaml shows for the node; empty for an alias.
    pub fn effective_tag(&self) -> &str {
        match (&self.resolved_tag, &self.content) {
            (_, Content::Alias { .. }) => "",
            (Some(tag), _) => tag,
            (None, Content::Mapping(_)) => "!!map",
            (None, Content::Sequence(_)) => "!!seq",
            (None, Content::Scalar(scalar)) => scalar.implicit_type().tag(),
        }
    }

    /// Whether the node, as a key, merges its value in: a plain `<<`.
    pub(super) fn is_merge_key(&self) -> bool {
        match &self.content {
            Content::Scalar(scalar) => match self.resolved_tag.as_deref() {
                None => scalar.implicit_type() == ScalarType::Merge,
                Some(tag) => tag == "!!merge" && scalar.text.as_str() == "<<",
            },
            _ => false,
        }
    }
}

/// Where go-yaml sees a line break and YAML 1.2 none, with blanks and a line feed of the same length instead.
fn visible_line_breaks<'a>(file: FileId, text: &'a str, found: &mut Vec<Span>) -> Cow<'a, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::new();
    let mut copied = 0;
    for (at, character) in text.match_indices(['\u{85}', '\u{2028}', '\u{2029}']) {
        found.push(Span::new(file, at..at + character.len()));
        replaced.push_str(&text[copied..at]);
        replaced.push_str(&"  \n"[3 - character.len()..]);
        copied = at + character.len();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(&text[copied..]);
    Cow::Owned(replaced)
}

/// Reads a file.
pub fn read(file: FileId, text: &str) -> Tree {
    let mut hidden_line_breaks = Vec::new();
    let mut comments = Vec::new();
    let mut visible = visible_line_breaks(file, text, &mut hidden_line_breaks);
    let mut repairs = 0;
    loop {
        match attempt(file, text, &visible) {
            (_, Some(repair)) if repairs < MAX_REPAIRS => {
                repairs += 1;
                if repair.comment {
                    let end = text.floor_char_boundary(repair.blank.end);
                    comments.push(Span::new(file, repair.blank.start..end));
                }
                let mut bytes = visible.into_owned().into_bytes();
                bytes[repair.blank].fill(b' ');
                // Whole characters are blanked, so this cannot fail.
                visible = Cow::Owned(String::from_utf8(bytes).unwrap_or_default());
            }
            (mut tree, _) => {
                tree.hidden_line_breaks = hidden_line_breaks;
                if !comments.is_empty() {
                    tree.comments.append(&mut comments);
                    tree.comments.sort_by_key(|comment| comment.start);
                }
                return tree;
            }
        }
    }
}

/// Something that go-yaml accepts and granit does not: bytes to blank so that granit reads the same tree.
struct Repair {
    blank: Range<usize>,
    comment: bool,
}

/// Reads a file up to its end, or up to the first error that can be repaired.
fn attempt(file: FileId, text: &str, visible: &str) -> (Tree, Option<Repair>) {
    let mut options = Options::default();
    options.emit_anchor_events = true;
    options.emit_unresolved_aliases = true;
    options.max_buffered_comment_events = usize::MAX;
    options.simple_key_max_lookahead = usize::MAX;
    let mut parser = Parser::new_from_str_with_options(visible, options);
    let tree = Tree::default();
    let mut reader = Reader { file, text, tree, open: Vec::new(), anchors: Vec::new(), read_to: 0, documents_seen: 0 };
    let mut repair = None;
    loop {
        match parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => break,
            Some(Ok((event, span))) => reader.event(event, &span),
            Some(Err(error)) => {
                let at = text.floor_char_boundary(error.marker().byte_offset().unwrap_or(text.len()));
                repair = repair.or_else(|| reader.repair(error.kind(), at, visible));
                reader.tree.errors.push(SyntaxError::new(reader.rest_of_line(at), error.info()));
                reader.abandon_document();
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    (reader.tree, repair)
}

/// A collection that is being read.
struct Open {
    node: NodeId,
    style: StructureStyle,
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    tree: Tree,
    open: Vec<Open>,
    /// Anchored nodes by granit's number of the anchor.
    anchors: Vec<Option<NodeId>>,
    /// Offset up to which tokens were read.
    read_to: usize,
    documents_seen: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: &granit_parser::Span) {
        let range = self.range(span);
        match event {
            Event::DocumentStart(explicit, version) => {
                if let Some(version) = version
                    && (version.major, version.minor) != (1, 1)
                {
                    self.error(range.clone(), "Compose reads YAML 1.1 only");
                }
                if !explicit && self.documents_seen > 0 {
                    let place = self.rest_of_line(range.start);
                    self.tree.errors.push(SyntaxError::new(place, "a document after `...` needs a `---` before it"));
                }
                self.documents_seen += 1;
                if explicit {
                    self.read_to = range.end;
                }
            }
            Event::DocumentEnd => {
                self.open.clear();
                self.read_to = self.read_to.max(range.end);
            }
            Event::Comment(..) => self.tree.comments.push(Span::new(self.file, range)),
            Event::Anchor(id, name) => {
                if name.contains(':') {
                    self.error(range.clone(), "an anchor's name has no colon");
                }
                if let Some(&Some(node)) = self.anchors.get(id) {
                    let node = &mut self.tree.nodes[node as usize];
                    node.start = node.start.min(range.start as u32);
                }
            }
            Event::Alias(id) => {
                let name = self.text[range.clone()].trim_start_matches('*').to_owned();
                let mut target = self.anchors.get(id).copied().flatten();
                if let Some(node) = target
                    && self.open.iter().any(|open| open.node == node)
                {
                    self.error(range.clone(), format!("anchor `{name}` contains itself"));
                    target = None;
                }
                self.leaf(range, Content::Alias { name, target });
            }
            Event::UnresolvedAlias(name) => {
                self.error(range.clone(), format!("unknown anchor `{name}`"));
                self.leaf(range, Content::Alias { name: name.into_owned(), target: None });
            }
            Event::Scalar(_, style, anchor, tag) => self.scalar(style, anchor, tag.as_deref(), span),
            Event::SequenceStart(style, anchor, tag) => {
                let mut start = range.start;
                if style == StructureStyle::Block && self.text.as_bytes().get(start) != Some(&b'-') {
                    // Of a sequence that is not indented deeper than its key, granit says where the first item starts.
                    start = self.find(start, b"-").unwrap_or(start);
                }
                self.collection(start..range.end.max(start), style, Content::Sequence(Vec::new()), anchor, tag, span);
            }
            Event::MappingStart(style, anchor, tag) => {
                self.collection(range, style, Content::Mapping(Vec::new()), anchor, tag, span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
            _ => {}
        }
    }

    /// Bytes of a granit span. A replaced line break may end inside what stands in the file as one character.
    fn range(&self, span: &granit_parser::Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or(0..0);
        let start = self.text.floor_char_boundary(range.start);
        start..self.text.floor_char_boundary(range.end).max(start)
    }

    /// What to blank so that an error of granit's, which go-yaml does not see, goes away.
    fn repair(&self, kind: &ErrorKind, at: usize, visible: &str) -> Option<Repair> {
        let bytes = visible.as_bytes();
        match kind {
            // go-yaml does not ask how far the further lines of a quoted scalar are indented: they are joined.
            ErrorKind::InvalidQuotedScalarIndent => {
                let end = bytes[..at.min(bytes.len())].iter().rposition(|byte| matches!(byte, b'\n' | b'\r'))?;
                let start = if end > 0 && bytes[end] == b'\n' && bytes[end - 1] == b'\r' { end - 1 } else { end };
                // The mark of a document is refused in a quoted scalar, and on a joined line it would be none.
                let (line, marks) = (&bytes[end + 1..], [b"---", b"..."]);
                let marked = marks.iter().any(|mark| line.starts_with(*mark))
                    && line.get(3).is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
                (!marked).then_some(Repair { blank: start..end + 1, comment: false })
            }
            // A `#` directly behind a quoted scalar or a bracket starts a comment.
            ErrorKind::CommentNotSeparated if bytes.get(at) == Some(&b'#') => {
                let length = memchr::memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at);
                Some(Repair { blank: at..at + length, comment: true })
            }
            // Inside brackets a tab is a blank.
            ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed | ErrorKind::TabInIndentation => {
                let in_flow = self.open.last().is_some_and(|open| open.style == StructureStyle::Flow);
                let start = bytes[..at.min(bytes.len())].iter().rposition(|&byte| byte != b'\t').map_or(0, |at| at + 1);
                let length = bytes[start..].iter().take_while(|&&byte| byte == b'\t').count();
                (in_flow && length > 0).then_some(Repair { blank: start..start + length, comment: false })
            }
            _ => None,
        }
    }

    fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        self.tree.errors.push(SyntaxError::new(Span::new(self.file, range), message));
    }

    /// From `at` to the end of its line.
    fn rest_of_line(&self, at: usize) -> Span {
        let rest = &self.text[at..];
        let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
        Span::new(self.file, at..at + rest[..line].trim_end().len())
    }

    /// The next of `bytes` before `limit` behind what was read, past tags, anchors and comments.
    fn find(&self, limit: usize, bytes: &[u8]) -> Option<usize> {
        let source = self.text.as_bytes();
        let mut at = self.read_to;
        while at < limit {
            match source[at] {
                byte if bytes.contains(&byte) => return Some(at),
                b'#' => at += memchr::memchr2(b'\n', b'\r', &source[at..limit]).unwrap_or(limit - at),
                b'!' | b'&' => {
                    while at < limit && !source[at].is_ascii_whitespace() {
                        at += 1;
                    }
                }
                _ => at += 1,
            }
        }
        None
    }

    fn add(&mut self, node: TreeNode, anchor: usize) -> NodeId {
        let id = self.tree.nodes.len() as NodeId;
        self.tree.nodes.push(node);
        if anchor != 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            self.anchors[anchor] = Some(id);
        }
        match self.open.last() {
            None => self.tree.documents.push(id),
            Some(open) => match &mut self.tree.nodes[open.node as usize].content {
                Content::Sequence(children) | Content::Mapping(children) => children.push(id),
                _ => {}
            },
        }
        id
    }

    fn leaf(&mut self, range: Range<usize>, content: Content) {
        self.read_to = self.read_to.max(range.end);
        let span = Span::new(self.file, range);
        self.add(TreeNode { start: span.start, span, tag: None, resolved_tag: None, content }, 0);
    }

    fn collection(
        &mut self,
        range: Range<usize>,
        style: StructureStyle,
        content: Content,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: &granit_parser::Span,
    ) {
        self.read_to = self.read_to.max(if style == StructureStyle::Flow { range.end } else { range.start });
        let tag_start = span.tag_start().and_then(|mark| mark.byte_offset()).unwrap_or(range.start);
        let (tag, resolved_tag) = tags(tag.as_deref());
        let start = tag_start.min(range.start) as u32;
        let node = self.add(TreeNode { start, span: Span::new(self.file, range), tag, resolved_tag, content }, anchor);
        self.open.push(Open { node, style });
    }

    /// Ends the innermost collection: a flow collection at its bracket, a block collection with its last child.
    fn close(&mut self, range: Range<usize>) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let end = match open.style {
            StructureStyle::Flow => {
                self.read_to = self.read_to.max(range.end);
                range.end as u32
            }
            StructureStyle::Block => match &self.tree.nodes[open.node as usize].content {
                Content::Sequence(children) | Content::Mapping(children) => {
                    let last = children.last().map(|&last| self.tree.nodes[last as usize].span.end);
                    last.unwrap_or_default()
                }
                _ => 0,
            },
        };
        let span = &mut self.tree.nodes[open.node as usize].span;
        span.end = end.max(span.start);
    }

    fn scalar(&mut self, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, span: &granit_parser::Span) {
        let range = self.range(span);
        let (style, text) = match style {
            ScalarStyle::Plain if range.is_empty() => {
                let at = self.empty_place(range.start, anchor != 0 || tag.is_some());
                (Style::Plain, Text::verbatim("", Span::at(self.file, at)))
            }
            ScalarStyle::Plain => (Style::Plain, scalar::plain(self.file, self.text, range.clone())),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let (text, refused) = scalar::quoted(self.file, self.text, range.start, range.end);
                if let Some(place) = refused {
                    self.tree.errors.push(SyntaxError::new(place, "this escape is not a character"));
                }
                let single = style == ScalarStyle::SingleQuoted;
                (if single { Style::SingleQuoted } else { Style::DoubleQuoted }, text)
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let style = if style == ScalarStyle::Literal { Style::Literal } else { Style::Folded };
                let limit = (range.start + 1).max(range.end).min(self.text.len());
                let header = self.find(limit, b"|>").unwrap_or(range.start);
                // Without a line that is not empty there is no indentation.
                let indent = span.indent.unwrap_or(usize::MAX);
                let text = scalar::block(self.file, self.text, header, range.end, indent, style);
                (style, text)
            }
        };
        let span_of_text = text.span;
        self.read_to = self.read_to.max(range.end).max(span_of_text.end as usize);
        let tag_start = span.tag_start().and_then(|mark| mark.byte_offset()).unwrap_or(usize::MAX);
        let start = (span_of_text.start).min(tag_start.min(u32::MAX as usize) as u32);
        let (tag, resolved_tag) = tags(tag);
        let content = Content::Scalar(Scalar { text, style });
        self.add(TreeNode { start, span: span_of_text, tag, resolved_tag, content }, anchor);
    }

    /// Where libyaml sees an empty node: as the value in a block mapping behind the colon, in a flow mapping at what
    /// comes next.
    fn empty_place(&self, at: usize, has_properties: bool) -> usize {
        let Some(open) = self.open.last() else {
            return at;
        };
        let is_value = match &self.tree.nodes[open.node as usize].content {
            Content::Mapping(children) => children.len() % 2 == 1,
            _ => false,
        };
        if !is_value || has_properties {
            return at;
        }
        let bytes = self.text.as_bytes();
        let mut next = at;
        loop {
            match (bytes.get(next), open.style) {
                (Some(b':'), StructureStyle::Block) => return next + 1,
                (Some(b' ' | b'\t' | b'\n' | b'\r' | b':'), _) => next += 1,
                (Some(b'#'), _) => {
                    next += memchr::memchr2(b'\n', b'\r', &bytes[next..]).unwrap_or(bytes.len() - next);
                }
                (Some(b',' | b'}'), StructureStyle::Flow) => return next,
                _ => return at,
            }
        }
    }

    /// Forgets the document that is being read.
    fn abandon_document(&mut self) {
        if let Some(open) = self.open.first() {
            let root = open.node;
            self.tree.nodes.truncate(root as usize);
            self.tree.documents.retain(|&document| document != root);
            for anchor in &mut self.anchors {
                *anchor = anchor.filter(|&node| node < root);
            }
        }
        self.open.clear();
    }
}

/// A tag as written and as resolved.
fn tags(tag: Option<&Tag>) -> (Option<String>, Option<String>) {
    let Some(tag) = tag else {
        return (None, None);
    };
    let full = tag.to_string();
    let short = full.strip_prefix("tag:yaml.org,2002:").map(|name| format!("!!{name}"));
    (Some(tag.original()), Some(short.unwrap_or(full)))
}
