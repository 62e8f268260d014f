//! Words of a logical line: the three ways in which BuildKit cuts arguments (`line_parsers.go`).
//!
//! All of them give ranges of the line, so that a word can be taken out of the joined text with its own span.

use std::ops::Range;

use serde::de::IgnoredAny;

use crate::source::{Span, Text, TextBuilder};

/// The blanks at which BuildKit cuts a keyword and unquoted arguments: `[\t\v\f\r ]`.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' ')
}

/// `range` without Unicode white space at its ends.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let trimmed = part.trim_start();
    let start = range.start + (part.len() - trimmed.len());
    start..start + trimmed.trim_end().len()
}

/// Where `range` of `text` stands. An empty range stands behind the byte in front of it, so that what is missing at the
/// end of a continued line is not looked for on the next one.
pub(super) fn place(text: &Text, range: Range<usize>) -> Span {
    if range.is_empty() && range.start > 0 {
        let before = text.span_of(range.start - 1..range.start);
        return Span { start: before.end, ..before };
    }
    text.span_of(range)
}

/// `range` of `text` as a text of its own, at its [`place`].
pub(super) fn part(text: &Text, range: Range<usize>) -> Text {
    if range.is_empty() { Text::verbatim("", place(text, range)) } else { text.slice(range) }
}

/// Splits `range` of `text` at blanks, without any quoting.
pub(super) fn split_blanks(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = range.start;
    while at < range.end {
        while at < range.end && is_blank(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < range.end && !is_blank(bytes[at]) {
            at += 1;
        }
        if at > start {
            words.push(start..at);
        }
    }
    words
}

/// Splits `range` of `text` at white space outside quotes; the words keep their quotes and escapes.
///
/// An escape character that ends the line is dropped. Inside single quotes nothing is escaped.
pub(super) fn split_quoted(text: &str, range: Range<usize>, escape: char) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut end = range.end;
    let mut chars = text[range.clone()].char_indices().map(|(at, c)| (range.start + at, c)).peekable();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        if c == escape && quote != Some('\'') {
            if chars.next().is_none() {
                end = at;
            }
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '\'' | '"') {
            quote = Some(c);
        }
    }
    words.extend(start.filter(|&start| start < end).map(|start| start..end));
    words
}

/// What a JSON array in an argument turned out to be.
pub(super) enum Json {
    /// Not JSON: the argument is read in its other form.
    No,
    /// A JSON array with something else than strings in it, which BuildKit refuses.
    Mixed,
    /// An array of strings.
    Strings(Vec<Text>),
}

/// Reads `range` of `line` as a JSON array of strings.
pub(super) fn json_strings(line: &Text, range: Range<usize>) -> Json {
    let source = &line.value[range.clone()];
    if !source.starts_with('[') {
        return Json::No;
    }
    let mut reader = JsonReader { line, end: range.end, at: range.start + 1 };
    match reader.elements() {
        Some(elements) => Json::Strings(elements),
        // Only a valid array of other things is an error; what is not JSON at all is a command for the shell.
        None if serde_json::from_str::<IgnoredAny>(source).is_ok() => Json::Mixed,
        None => Json::No,
    }
}

struct JsonReader<'t> {
    line: &'t Text,
    end: usize,
    at: usize,
}

impl JsonReader<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.value.as_bytes()[..self.end].get(self.at).copied()
    }

    fn space(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.peek()
    }

    /// The elements behind `[`, up to the end of the range.
    fn elements(&mut self) -> Option<Vec<Text>> {
        let mut elements = Vec::new();
        if self.space()? == b']' {
            self.at += 1;
        } else {
            loop {
                if self.space()? != b'"' {
                    return None;
                }
                elements.push(self.string()?);
                let separator = self.space()?;
                self.at += 1;
                match separator {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        elements.shrink_to_fit();
        self.space().is_none().then_some(elements)
    }

    /// A string, from its opening quote.
    fn string(&mut self) -> Option<Text> {
        let value = &self.line.value;
        let open = self.at;
        self.at += 1;
        let mut run = self.at;
        let mut builder = TextBuilder::default();
        loop {
            match self.peek()? {
                b'"' => {
                    builder.push_text(self.line, run..self.at);
                    self.at += 1;
                    return Some(builder.finish(self.line.span_of(open..self.at)));
                }
                b'\\' => {
                    builder.push_text(self.line, run..self.at);
                    let start = self.at;
                    let decoded = self.escape()?;
                    builder.cut();
                    builder.push(decoded.encode_utf8(&mut [0; 4]), self.line.span_of(start..start).start as usize);
                    builder.cut();
                    run = self.at;
                }
                0..0x20 => return None,
                _ => {
                    self.at =
                        memchr::memchr2(b'"', b'\\', &value.as_bytes()[self.at..self.end]).map_or(self.end, |next| {
                            let stop = self.at + next;
                            // A control character before it makes the string invalid; stop there so that it is seen.
                            value.as_bytes()[self.at..stop].iter().position(|&b| b < 0x20).map_or(stop, |c| self.at + c)
                        })
                }
            }
        }
    }

    /// An escape sequence, from its backslash. Half a surrogate pair becomes U+FFFD, as in Go's `encoding/json`.
    fn escape(&mut self) -> Option<char> {
        self.at += 1;
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let bytes = &self.line.value.as_bytes()[..self.end];
                if (0xd800..0xdc00).contains(&first) && bytes[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let pair = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Some(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = back;
                }
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + (self.peek()? as char).to_digit(16)?;
            self.at += 1;
        }
        Some(value)
    }
}
