//! The value of a scalar from its source text, with the place of each byte of it.
//!
//! The rules of folding, escapes and chomping are those of libyaml, from which go-yaml descends. They differ from YAML 1.2
//! in that U+0085, U+2028 and U+2029 are line breaks.

use super::Style;
use crate::source::{FileId, Span, Text, TextBuilder};

/// A line break inside a scalar.
#[derive(Clone, Copy)]
struct Break {
    /// Its first byte.
    at: usize,
    /// How many bytes it has.
    len: usize,
    /// What it means where it is not folded.
    meaning: &'static str,
}

impl Break {
    /// The line break at `at`.
    fn find(text: &str, at: usize) -> Option<Break> {
        line_break(text, at).map(|(len, meaning)| Break { at, len, meaning })
    }

    fn is_line_feed(self) -> bool {
        self.meaning == "\n"
    }

    /// Adds `meaning` to a text in its place.
    fn push(self, meaning: &str, builder: &mut TextBuilder) {
        builder.push_escape(meaning, self.at, self.len);
    }
}

/// The line break at `at`: how many bytes it has and what it means.
fn line_break(text: &str, at: usize) -> Option<(usize, &'static str)> {
    match text.as_bytes().get(at..)? {
        [b'\r', b'\n', ..] => Some((2, "\n")),
        [b'\n' | b'\r', ..] => Some((1, "\n")),
        [0xc2, 0x85, ..] => Some((2, "\n")),
        [0xe2, 0x80, 0xa8, ..] => Some((3, "\u{2028}")),
        [0xe2, 0x80, 0xa9, ..] => Some((3, "\u{2029}")),
        _ => None,
    }
}

fn is_blank(text: &str, at: usize) -> bool {
    matches!(text.as_bytes().get(at), Some(b' ' | b'\t'))
}

/// Collects a value: source runs are copied whole, everything else piece by piece.
struct Walker<'a> {
    text: &'a str,
    builder: TextBuilder,
    /// Start of the run that was read but not yet copied.
    run: usize,
    at: usize,
}

impl<'a> Walker<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Walker { text, builder: TextBuilder::default(), run: at, at }
    }

    /// Copies the run up to here.
    fn flush(&mut self) {
        self.builder.push(&self.text[self.run..self.at], self.run);
        self.run = self.at;
    }

    /// Puts `meaning` in the place of the next `len` source bytes.
    fn replace(&mut self, len: usize, meaning: &str) {
        self.flush();
        self.builder.push_escape(meaning, self.at, len);
        self.at += len;
        self.run = self.at;
    }

    /// Reads blanks and line breaks between two words and adds what they mean: blanks within a line stay, one line break
    /// is a space, several are one less. `escaped` says that an escaped line break came just before.
    fn fold(&mut self, end: usize, escaped: bool) {
        let mut at = self.at;
        while at < end && is_blank(self.text, at) {
            at += 1;
        }
        if !escaped && (at >= end || line_break(self.text, at).is_none()) {
            self.at = at;
            return;
        }
        self.flush();
        let mut breaks: Vec<Break> = Vec::new();
        while at < end {
            if let Some(found) = Break::find(self.text, at) {
                breaks.push(found);
                at += found.len;
            } else if is_blank(self.text, at) {
                at += 1;
            } else {
                break;
            }
        }
        let more = match breaks.split_first() {
            Some((first, more)) if !escaped && first.is_line_feed() => {
                if more.is_empty() {
                    first.push(" ", &mut self.builder);
                }
                more
            }
            _ => &breaks,
        };
        for found in more {
            found.push(found.meaning, &mut self.builder);
        }
        self.at = at;
        self.run = at;
    }

    fn finish(mut self, file: FileId, range: std::ops::Range<usize>) -> Text {
        self.flush();
        self.builder.finish(Span::new(file, range))
    }
}

/// A plain scalar that is written at `range`.
pub(super) fn plain(file: FileId, text: &str, range: std::ops::Range<usize>) -> Text {
    let source = &text[range.clone()];
    if !source.bytes().any(|byte| matches!(byte, b'\n' | b'\r' | 0xc2 | 0xe2)) {
        return Text::verbatim(source, Span::new(file, range));
    }
    let mut walker = Walker::new(text, range.start);
    while walker.at < range.end {
        if is_blank(text, walker.at) || line_break(text, walker.at).is_some() {
            walker.fold(range.end, false);
        } else {
            walker.at += 1;
        }
    }
    walker.finish(file, range)
}

/// A quoted scalar whose opening quote is at `start`. Also says where an escape stands that go-yaml refuses.
pub(super) fn quoted(file: FileId, text: &str, start: usize, limit: usize) -> (Text, Option<Span>) {
    let bytes = text.as_bytes();
    let quote = bytes[start];
    let mut walker = Walker::new(text, start + 1);
    let mut refused = None;
    while walker.at < limit {
        let at = walker.at;
        match bytes[at] {
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => {
                walker.at += 1;
                walker.flush();
                walker.at += 1;
                walker.run = walker.at;
            }
            byte if byte == quote => break,
            b'\\' if quote == b'"' => {
                if let Some((len, _)) = line_break(text, at + 1) {
                    walker.replace(1 + len, "");
                    walker.fold(limit, true);
                } else {
                    let (len, meaning) = escape(&text[at..limit]);
                    let meaning = meaning.unwrap_or_else(|| {
                        refused.get_or_insert(Span::new(file, at..at + len));
                        char::REPLACEMENT_CHARACTER
                    });
                    walker.replace(len, meaning.encode_utf8(&mut [0; 4]));
                }
            }
            b' ' | b'\t' => walker.fold(limit, false),
            b'\n' | b'\r' | 0xc2 | 0xe2 if line_break(text, at).is_some() => walker.fold(limit, false),
            _ => walker.at += 1,
        }
    }
    let end = (walker.at + 1).min(limit);
    (walker.finish(file, start..end), refused)
}

/// The escape at the start of `text`: its length in bytes and the character that it means, `None` where go-yaml refuses
/// it (surrogates, numbers beyond Unicode).
fn escape(text: &str) -> (usize, Option<char>) {
    let mut chars = text[1..].chars();
    let Some(letter) = chars.next() else {
        return (1, None);
    };
    let meaning = match letter {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        ' ' | '"' | '/' | '\\' | '\'' => letter,
        'x' | 'u' | 'U' => {
            let digits = match letter {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let number = text.get(2..2 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            return match number {
                Some(number) => (2 + digits, char::from_u32(number)),
                None => (2, None),
            };
        }
        _ => return (1 + letter.len_utf8(), None),
    };
    (1 + letter.len_utf8(), Some(meaning))
}

/// A block scalar whose `|` or `>` is at `start` and whose lines are indented by `indent` columns.
pub(super) fn block(file: FileId, text: &str, start: usize, limit: usize, indent: usize, style: Style) -> Text {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    let mut chomp = b' ';
    while let Some(&byte @ (b'+' | b'-' | b'0'..=b'9')) = bytes.get(at) {
        if !byte.is_ascii_digit() {
            chomp = byte;
        }
        at += 1;
    }
    while at < limit && line_break(text, at).is_none() {
        at += 1;
    }
    at += line_break(text, at).map_or(0, |(len, _)| len);

    let mut builder = TextBuilder::default();
    let mut pending: Option<Break> = None;
    let mut empty: Vec<Break> = Vec::new();
    let mut after_blank = false;
    let mut end = start + 1;
    let mut line_end = end;
    loop {
        // Empty lines, and the indentation of the next line that is not.
        let mut column = 0;
        while at < limit {
            if column < indent && bytes[at] == b' ' {
                column += 1;
                at += 1;
            } else if let Some(found) = Break::find(text, at) {
                empty.push(found);
                at += found.len;
                column = 0;
            } else {
                break;
            }
        }
        if at >= limit || column < indent {
            break;
        }
        let blank = is_blank(text, at);
        let folded = style == Style::Folded && !after_blank && !blank;
        match pending.take() {
            Some(found) if folded && found.is_line_feed() && empty.is_empty() => found.push(" ", &mut builder),
            Some(found) if folded && found.is_line_feed() => {}
            Some(found) => found.push(found.meaning, &mut builder),
            None => {}
        }
        for found in empty.drain(..) {
            found.push(found.meaning, &mut builder);
        }
        after_blank = blank;
        let line = at;
        while at < limit && line_break(text, at).is_none() {
            at += 1;
        }
        builder.push(&text[line..at], line);
        end = at;
        if let Some(found) = Break::find(text, at) {
            pending = Some(found);
            at += found.len;
        }
        line_end = at;
    }
    if chomp != b'-' {
        if let Some(found) = pending {
            found.push(found.meaning, &mut builder);
            end = line_end;
        }
        if chomp == b'+' {
            for found in empty {
                found.push(found.meaning, &mut builder);
                end = found.at + found.len;
            }
        }
    }
    builder.finish(Span::new(file, start..end.max(start + 1)))
}
