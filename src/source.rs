//! Files, byte spans in them, and the only place that knows lines and columns.
//!
//! Everything that is read from a file carries a [`Span`]: which file, and which bytes of it. Lines and columns exist
//! only in [`Position`], which [`Source::position`] makes when a report is written.

mod mask;
mod sources;
mod text;

use std::ops::Range;
use std::sync::OnceLock;

pub use mask::mask;
pub use sources::{Kind, ReadError, Skipped, Sources, Store};
pub use text::{Text, TextBuilder};

/// A file of the scan, as an index into [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that the bytes are in.
    pub file: FileId,
    /// Offset of the first byte, from 0.
    pub start: u32,
    /// Offset just past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `range` of `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Span { file, start: range.start as u32, end: range.end as u32 }
    }

    /// An empty span: the place at `offset`.
    pub fn at(file: FileId, offset: usize) -> Self {
        Span::new(file, offset..offset)
    }

    /// The bytes as a range for slicing the file's text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that holds both; `self` where the other is in a different file.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether every byte of `other` is inside `self`.
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// Whether the two share at least one byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.file == other.file && self.start < other.end && other.start < self.end
    }

    /// Whether the span covers no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }

    /// The same place with a value made from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: f(self.value), span: self.span }
    }
}

/// A line and columns, all 1-based.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line number, from 1. LF, CRLF and a lone CR end a line.
    pub line: u32,
    /// Column in Unicode scalar values, from 1. A byte order mark at the start of the file takes no column.
    pub column: u32,
}

/// One file: its path and its text.
#[derive(Debug)]
pub struct Source {
    /// Path from the scan root, with `/` between its parts.
    pub path: String,
    /// The text. A file that is not UTF-8 is read as Latin-1, so that each byte stays one character.
    pub text: String,
    /// The file was not UTF-8.
    pub recoded: bool,
    /// What it is read as.
    pub kind: Kind,
    /// Why it was taken, as a clause (`named Dockerfile`).
    pub why: String,
    lines: OnceLock<Vec<u32>>,
}

impl Source {
    /// A file of the given path and text, of no kind yet.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Source {
            path: path.into(),
            text: text.into(),
            recoded: false,
            kind: Kind::Auxiliary,
            why: String::new(),
            lines: OnceLock::new(),
        }
    }

    /// A file of the given path and content, which need not be UTF-8.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        let path = path.into();
        match String::from_utf8(bytes) {
            Ok(text) => Source::new(path, text),
            Err(error) => {
                let text: String = error.as_bytes().iter().map(|&byte| byte as char).collect();
                Source { recoded: true, ..Source::new(path, text) }
            }
        }
    }

    /// What stands at a span. One that starts or ends inside a character, as the place of a single byte of a value may,
    /// is cut to whole characters; one of another file gives what happens to stand there, or nothing.
    pub fn slice(&self, span: Span) -> &str {
        let end = self.text.floor_char_boundary((span.end as usize).min(self.text.len()));
        let start = self.text.floor_char_boundary((span.start as usize).min(end));
        &self.text[start..end]
    }

    /// Offsets at which the lines start.
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let mut starts = vec![0];
            for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                if bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n') {
                    starts.push(at as u32 + 1);
                }
            }
            starts
        })
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let lines = self.lines();
        let line = lines.partition_point(|&start| start <= offset).max(1);
        let start = lines[line - 1] as usize;
        let end = self.text.floor_char_boundary((offset as usize).min(self.text.len()));
        let before = &self.text[start.min(end)..end];
        let before = if start == 0 { before.strip_prefix('\u{feff}').unwrap_or(before) } else { before };
        Position { line: line as u32, column: before.chars().count() as u32 + 1 }
    }

    /// The text of line `line` (1-based) without its line end, and the offset at which it starts; empty past the end.
    pub fn line(&self, line: u32) -> (&str, u32) {
        let lines = self.lines();
        let Some(&start) = lines.get(line as usize - 1) else {
            return ("", self.text.len() as u32);
        };
        let end = lines.get(line as usize).map_or(self.text.len(), |&next| next as usize);
        (self.text[start as usize..end].trim_end_matches(['\n', '\r']), start)
    }

    /// Number of lines; a final line end does not start another one.
    pub fn line_count(&self) -> u32 {
        let lines = self.lines();
        let last = *lines.last().unwrap_or(&0) as usize;
        if last == self.text.len() && lines.len() > 1 { lines.len() as u32 - 1 } else { lines.len() as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_scalar_values_and_skip_the_byte_order_mark() {
        let source = Source::new("f", "\u{feff}a\r\nbé漢x\rlast\n");
        let at = |needle: &str| {
            let Position { line, column } = source.position(source.text.find(needle).unwrap() as u32);
            (line, column)
        };
        assert_eq!(at("a"), (1, 1));
        assert_eq!(at("x"), (2, 4));
        assert_eq!(at("last"), (3, 1));
        assert_eq!(source.line(2), ("bé漢x", 6));
        assert_eq!(source.line_count(), 3);
        let twice = Source::new("f", "\u{feff}\u{feff}a");
        assert_eq!(twice.position(6), Position { line: 1, column: 2 }, "only the first is a mark");
    }

    #[test]
    fn bytes_that_are_not_utf8_stay_one_character_each() {
        let source = Source::from_bytes("f", b"a\xe9b".to_vec());
        assert!(source.recoded);
        assert_eq!(source.text, "aéb");
    }
}
