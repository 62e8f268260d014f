//! Text as a program reads it, with the place of each of its bytes.

use std::ops::Range;

use super::Span;
use crate::few::Few;

/// Text that a program reads, with the source byte of each of its bytes.
///
/// What a program reads is often not what stands in the file: continuation lines are joined, quotes and escapes are
/// removed, the indentation of a block scalar is stripped. `value` is what the program reads; each run of it that stands
/// in the file without a gap is a piece with a place of its own, so that an offset in `value` can always be shown in the
/// file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text as the program reads it.
    pub value: String,
    /// All that was written for it, quotes included.
    pub span: Span,
    /// Where the first byte of `value` stands.
    source: u32,
    /// The pieces behind the first one.
    pieces: Few<Piece>,
}

/// A run of [`Text::value`] that stands in the file without a gap, up to the next piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Piece {
    logical: u32,
    source: u32,
    /// What is before it stands for all of the file up to here.
    closes: bool,
}

impl Text {
    /// The bytes of `span`, which are `value`.
    pub fn verbatim(value: impl Into<String>, span: Span) -> Self {
        Text { value: value.into(), span, source: span.start, pieces: Few::new() }
    }

    fn new(value: String, span: Span, source: u32, pieces: Vec<Piece>) -> Self {
        let mut pieces = Few::from(pieces);
        pieces.shrink_to_fit();
        Text { value, span, source, pieces }
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
        let source = self.source_offset(range.start);
        let value = self.value[range.clone()].to_owned();
        if self.pieces.is_empty() {
            return Text { value, span, source, pieces: Few::new() };
        }
        let start = range.start as u32;
        let inside = |piece: &&Piece| {
            let logical = piece.logical as usize;
            logical < range.end || piece.closes && logical == range.end
        };
        let behind = &self.pieces[self.pieces.partition_point(|piece| piece.logical <= start)..];
        let pieces = behind.iter().take_while(inside);
        let pieces = pieces.map(|piece| Piece { logical: piece.logical - start, ..*piece });
        Text::new(value, span, source, pieces.collect())
    }

    /// Several texts of one file as one, written at `span`.
    pub fn concat(parts: &[Text], span: Span) -> Text {
        let mut value = String::with_capacity(parts.iter().map(|part| part.value.len()).sum());
        let mut source = span.start;
        let mut pieces = Vec::new();
        for part in parts.iter().filter(|part| !part.value.is_empty()) {
            let offset = value.len() as u32;
            if value.is_empty() {
                source = part.source;
            } else {
                pieces.push(Piece { logical: offset, source: part.source, closes: false });
            }
            pieces.extend(part.pieces.iter().map(|piece| Piece { logical: piece.logical + offset, ..*piece }));
            value.push_str(&part.value);
        }
        Text::new(value, span, source, pieces)
    }

    /// A text without the blanks around it.
    pub fn trimmed(&self) -> Text {
        let trimmed = self.value.trim();
        let start = trimmed.as_ptr() as usize - self.value.as_ptr() as usize;
        self.slice(start..start + trimmed.len())
    }

    /// The place just past the byte at `logical`. What is longer than the escape that it stands for, such as that of
    /// U+2028, ends where the next piece starts; so does what is shorter, such as the line feed that U+0085 means.
    fn source_end(&self, logical: usize) -> u32 {
        let (start, end) = (self.source_offset(logical), self.source_offset(logical) + 1);
        let next = self.pieces.partition_point(|piece| piece.logical as usize <= logical);
        let here = next.checked_sub(1).map_or(self.source, |here| self.pieces[here].source);
        match self.pieces.get(next) {
            Some(next) if next.closes && next.logical as usize == logical + 1 && start < next.source => next.source,
            Some(next) if here < next.source => end.min(next.source),
            _ => end,
        }
    }

    fn source_offset(&self, logical: usize) -> u32 {
        let logical = logical as u32;
        let pieces = &self.pieces;
        let index = pieces.partition_point(|piece| piece.logical <= logical);
        match index.checked_sub(1).map(|index| pieces[index]) {
            Some(piece) => piece.source + (logical - piece.logical),
            None => self.source + logical,
        }
    }
}

/// Puts a [`Text`] together from pieces of one file.
#[derive(Debug, Default)]
pub struct TextBuilder {
    value: String,
    /// Where the first piece stands.
    source: Option<u32>,
    /// The pieces behind the first one.
    pieces: Vec<Piece>,
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
        if self.source.is_none() {
            self.source = Some(source);
        } else if self.end != source {
            self.pieces.push(Piece { logical: self.value.len() as u32, source, closes: false });
        }
        self.value.push_str(piece);
        self.end = source + piece.len() as u32;
    }

    /// Appends the bytes `range` of `text`, each of which keeps its place in the file.
    ///
    /// # Panics
    /// If `range` does not lie on character boundaries of the text's value.
    pub fn push_text(&mut self, text: &Text, range: Range<usize>) {
        let mut at = range.start;
        let mut next = text.pieces.partition_point(|piece| piece.logical as usize <= at);
        while at < range.end {
            let end = text.pieces.get(next).map_or(range.end, |piece| range.end.min(piece.logical as usize));
            self.push(&text.value[at..end], text.source_offset(at) as usize);
            at = end;
            next += 1;
        }
    }

    /// Appends what an escape means that is written at `source..source + length`. Nothing continues it.
    pub fn push_escape(&mut self, meaning: &str, source: usize, length: usize) {
        self.cut();
        self.push(meaning, source);
        self.cut();
        if meaning.len() != length && !self.is_empty() {
            // What is longer than the escape would seem to reach over what follows, what is shorter to end in it.
            let end = Piece { logical: self.value.len() as u32, source: (source + length) as u32, closes: true };
            self.pieces.push(end);
            self.end = end.source;
        }
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

    /// The text, written at `span`. What was put together from several pieces has room to spare, which is given back.
    pub fn finish(self, span: Span) -> Text {
        let TextBuilder { mut value, source, pieces, .. } = self;
        if !pieces.is_empty() {
            value.shrink_to_fit();
        }
        Text::new(value, span, source.unwrap_or(span.start), pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileId, Source};
    use super::*;

    const FILE: FileId = FileId(0);

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
    fn an_escape_that_means_nothing_leaves_what_follows_at_its_place() {
        for next in [3, 5] {
            let mut builder = TextBuilder::default();
            builder.push_escape("", 1, 2);
            builder.push("a", next);
            assert_eq!(builder.finish(Span::new(FILE, 0..8)).span_of(0..1), Span::new(FILE, next..next + 1));
        }
    }

    #[test]
    fn what_is_longer_than_its_escape_ends_where_that_ends() {
        // "\LéL" with an escaped line separator: 0 is the quote
        for next in [3, 5] {
            let mut builder = TextBuilder::default();
            builder.push_escape("\u{2028}", 1, 2);
            builder.push("é", next);
            let text = builder.finish(Span::new(FILE, 0..8));
            assert_eq!(text.span_of(0..3), Span::new(FILE, 1..3));
            assert_eq!(text.span_of(3..5), Span::new(FILE, next..next + 2));
            assert_eq!(text.slice(0..3).span, Span::new(FILE, 1..3));
            assert_eq!(text.slice(3..5).span_of(0..2), Span::new(FILE, next..next + 2));
        }
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
}
