//! Files, byte spans in them, and the only place that knows lines and columns.
//!
//! Everything that is read from a file carries a [`Span`]: which file, and which bytes of it. Lines and columns exist
//! only in [`Position`], which [`Source::position`] makes when a report is written.

use std::ops::Range;
use std::sync::OnceLock;

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

/// Text that a program reads, with the source byte of each of its bytes.
///
/// What a program reads is often not what stands in the file: continuation lines are joined, quotes and escapes are
/// removed, the indentation of a block scalar is stripped. `value` is what the program reads; the segments say where
/// each run of it comes from, so that an offset in `value` can always be shown in the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text as the program reads it.
    pub value: String,
    /// All that was written for it, quotes included.
    pub span: Span,
    /// Empty when `value` is exactly the bytes from `span.start` on.
    segments: Vec<Segment>,
}

/// A run of [`Text::value`] that stands in the file without a gap, up to the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Segment {
    logical: u32,
    source: u32,
}

impl Text {
    /// The bytes of `span`, which are `value`.
    pub fn verbatim(value: impl Into<String>, span: Span) -> Self {
        Text { value: value.into(), span, segments: Vec::new() }
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.value
    }

    /// Where the bytes `range` of the value stand in the file: from its first byte's to just past its last byte's place.
    pub fn span_of(&self, range: Range<usize>) -> Span {
        let start = self.source_offset(range.start);
        let mut end = if range.is_empty() { start } else { self.source_end(range.end - 1) };
        if self.span.start <= start && start <= self.span.end {
            // What stands in the place of something shorter may not reach behind it.
            end = end.min(self.span.end);
        }
        Span { file: self.span.file, start, end: end.max(start) }
    }

    /// The bytes `range` of the value as a text of its own.
    ///
    /// # Panics
    /// If `range` does not lie on character boundaries of the value.
    pub fn slice(&self, range: Range<usize>) -> Text {
        let span = self.span_of(range.clone());
        let value = self.value[range.clone()].to_owned();
        if self.segments.is_empty() {
            return Text { value, span, segments: Vec::new() };
        }
        let first = self.segments.partition_point(|s| s.logical as usize <= range.start).saturating_sub(1);
        let segments = self.segments[first..]
            .iter()
            .take_while(|s| (s.logical as usize) < range.end || s.logical as usize <= range.start)
            .map(|s| {
                let skip = (range.start as u32).saturating_sub(s.logical);
                Segment { logical: s.logical.saturating_sub(range.start as u32), source: s.source + skip }
            })
            .collect();
        Text { value, span, segments }
    }

    /// Several texts of one file as one, written at `span`.
    pub fn concat(parts: &[Text], span: Span) -> Text {
        let mut value = String::with_capacity(parts.iter().map(|part| part.value.len()).sum());
        let mut segments = Vec::with_capacity(parts.len());
        for part in parts.iter().filter(|part| !part.value.is_empty()) {
            let offset = value.len() as u32;
            if part.segments.is_empty() {
                segments.push(Segment { logical: offset, source: part.span.start });
            }
            segments.extend(part.segments.iter().map(|s| Segment { logical: s.logical + offset, source: s.source }));
            value.push_str(&part.value);
        }
        Text { value, span, segments }
    }

    /// A text without the blanks around it.
    pub fn trimmed(&self) -> Text {
        let trimmed = self.value.trim();
        let start = trimmed.as_ptr() as usize - self.value.as_ptr() as usize;
        self.slice(start..start + trimmed.len())
    }

    /// The place just past the byte at `logical`. What is longer than the escape that it stands for, such as that of
    /// U+2028, ends where the next piece starts.
    fn source_end(&self, logical: usize) -> u32 {
        let end = self.source_offset(logical) + 1;
        let next = self.segments.partition_point(|s| s.logical as usize <= logical);
        match (next.checked_sub(1).map(|i| self.segments[i]), self.segments.get(next)) {
            (Some(here), Some(next)) if here.source < next.source => end.min(next.source),
            _ => end,
        }
    }

    fn source_offset(&self, logical: usize) -> u32 {
        let logical = logical as u32;
        let index = self.segments.partition_point(|s| s.logical <= logical);
        match index.checked_sub(1).map(|i| self.segments[i]) {
            Some(segment) => segment.source + (logical - segment.logical),
            None => self.span.start + logical,
        }
    }
}

/// Puts a [`Text`] together from pieces of one file.
#[derive(Debug, Default)]
pub struct TextBuilder {
    value: String,
    segments: Vec<Segment>,
    /// Source offset at which the last piece ended.
    end: u32,
}

impl TextBuilder {
    /// Appends `piece`, which stands in the file at `source` (bytes). For an escape such as `\n`, `piece` is what it
    /// means and `source` is where the escape starts.
    pub fn push(&mut self, piece: &str, source: usize) {
        if piece.is_empty() {
            return;
        }
        let source = source as u32;
        if self.segments.is_empty() || self.end != source {
            self.segments.push(Segment { logical: self.value.len() as u32, source });
        }
        self.value.push_str(piece);
        self.end = source + piece.len() as u32;
    }

    /// Says that the next piece does not continue the last one even if it starts where that one's value would end:
    /// needed after an escape whose meaning is as long as a part of it.
    pub fn cut(&mut self) {
        self.end = u32::MAX;
    }

    /// Bytes of value so far.
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// The text, written at `span`.
    pub fn finish(self, span: Span) -> Text {
        let verbatim = match self.segments.as_slice() {
            [] => true,
            [only] => only.source == span.start,
            _ => false,
        };
        let segments = if verbatim { Vec::new() } else { self.segments };
        Text { value: self.value, span, segments }
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
    lines: OnceLock<Vec<u32>>,
}

impl Source {
    /// A file of the given path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Source { path: path.into(), text: text.into(), recoded: false, lines: OnceLock::new() }
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
        let before = if start == 0 { before.trim_start_matches('\u{feff}') } else { before };
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

    const FILE: FileId = FileId(0);

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
    }

    #[test]
    fn a_joined_text_finds_its_bytes() {
        //             0123456789012345
        let source = "RUN a b \\\n  c d";
        let mut builder = TextBuilder::default();
        builder.push("a b ", 4);
        builder.push("  c d", 10);
        let text = builder.finish(Span::new(FILE, 4..15));
        assert_eq!(text.value, "a b   c d");
        let c = text.value.find('c').unwrap();
        assert_eq!(&source[text.span_of(c..c + 3).range()], "c d");
        assert_eq!(&source[text.span_of(0..c + 1).range()], "a b \\\n  c");
        let slice = text.slice(2..9);
        assert_eq!(slice.value, "b   c d");
        assert_eq!(&source[slice.span_of(4..5).range()], "c");
        assert_eq!(&source[slice.span_of(0..1).range()], "b");
    }

    #[test]
    fn an_escape_maps_to_its_start() {
        // "x\ny" with an escaped line feed
        let mut builder = TextBuilder::default();
        builder.push("x", 1);
        builder.push("\n", 2);
        builder.cut();
        builder.push("y", 4);
        let text = builder.finish(Span::new(FILE, 0..6));
        assert_eq!(text.span_of(2..3), Span::new(FILE, 4..5));
    }

    #[test]
    fn texts_put_together_find_their_bytes_and_slices_are_whole_characters() {
        let source = Source::new("f", "aé${b}c");
        let piece = |range: Range<usize>| Text::verbatim(&source.text[range.clone()], Span::new(FILE, range));
        let text = Text::concat(&[piece(7..8), piece(0..3)], Span::new(FILE, 0..8));
        assert_eq!(text.value, "caé");
        assert_eq!(
            ["c", "a", "é"].map(|part| {
                let at = text.value.find(part).unwrap();
                source.slice(text.span_of(at..at + part.len()))
            }),
            ["c", "a", "é"]
        );
        assert_eq!(source.slice(Span::new(FILE, 2..4)), "é$");
        assert_eq!(source.slice(Span::new(FILE, 7..99)), "c");
    }

    #[test]
    fn bytes_that_are_not_utf8_stay_one_character_each() {
        let source = Source::from_bytes("f", b"a\xe9b".to_vec());
        assert!(source.recoded);
        assert_eq!(source.text, "aéb");
    }
}
