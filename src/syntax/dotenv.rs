//! `.env` files as Compose reads them (compose-go's `dotenv`).

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::SyntaxError;
use super::compose::template::Template;
use crate::source::{FileId, Span, Text, TextBuilder};

/// A parsed `.env` file.
#[derive(Debug)]
pub struct Dotenv {
    /// The file.
    pub file: FileId,
    /// The variables in order; the last one of a name wins.
    pub entries: Vec<Entry>,
    /// Every comment, from its `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What Compose would refuse.
    pub errors: Vec<SyntaxError>,
}

/// One variable.
#[derive(Debug)]
pub struct Entry {
    /// Name and value together.
    pub span: Span,
    /// Name.
    pub name: Text,
    /// The value without its quotes; `None` for a name alone, which is taken from the environment.
    pub value: Option<Template>,
}

impl Dotenv {
    /// The value that a name has in the end, before interpolation. A name alone does not count.
    pub fn get(&self, name: &str) -> Option<&Template> {
        self.entries.iter().rev().find(|entry| entry.name.as_str() == name && entry.value.is_some())?.value.as_ref()
    }
}

/// Reads a `.env` file. A line that Compose refuses is skipped and said in [`Dotenv::errors`].
pub fn parse(file: FileId, text: &str) -> Dotenv {
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let dotenv = Dotenv { file, entries: Vec::new(), comments: Vec::new(), errors: Vec::new() };
    let mut parser = Parser { file, text, at, dotenv };
    while parser.skip_to_statement() {
        if let Err(error) = parser.statement() {
            parser.dotenv.errors.push(error);
            parser.at = parser.line_end(parser.at);
        }
    }
    let Parser { mut dotenv, .. } = parser;
    dotenv.entries.shrink_to_fit();
    dotenv.comments.shrink_to_fit();
    dotenv
}

/// A blank that does not end a line.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\x0b' | '\x0c' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

struct Parser<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    dotenv: Dotenv,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    /// Where the line that `at` is in ends.
    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.text.as_bytes()[at..]).map_or(self.text.len(), |line| at + line)
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(is_blank).len();
    }

    /// Keeps the comment whose `#` is at `at`.
    fn comment(&mut self, at: usize) {
        let end = self.line_end(at);
        let length = self.text[at..end].trim_end_matches('\r').len();
        let span = self.span(at..at + length);
        self.dotenv.comments.push(span);
    }

    /// Goes past blank lines and comments; says whether anything follows.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return self.at < self.text.len();
            }
            self.comment(self.at);
            self.at = self.line_end(self.at);
        }
    }

    /// Reads one variable.
    fn statement(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        if let Some(rest) = self.rest().strip_prefix("export")
            && rest.starts_with(char::is_whitespace)
        {
            self.at = self.text.len() - rest.trim_start().len();
        }
        let name_start = self.at;
        let mut separator = None;
        for (offset, character) in self.rest().char_indices() {
            match character {
                '=' | ':' | '\n' => {
                    separator = Some((name_start + offset, character));
                    break;
                }
                '_' | '.' | '-' | '[' | ']' => {}
                _ if is_blank(character) || character.is_alphanumeric() => {}
                _ => {
                    let at = name_start + offset;
                    self.at = at;
                    let message = format!("`{}` cannot be in the name of a variable", character.escape_debug());
                    return Err(SyntaxError::new(self.span(at..at + character.len_utf8()), message));
                }
            }
        }
        let (name_end, separator) = separator.unwrap_or((self.text.len(), '\n'));
        let name = self.text[name_start..name_end].trim_end();
        let name_span = self.span(name_start..name_start + name.len());
        if name.contains(' ') {
            return Err(SyntaxError::new(name_span, "the name of a variable cannot contain a space"));
        }
        let name = Text::verbatim(name, name_span);
        self.at = name_end;
        let value = if separator == '\n' {
            None
        } else {
            self.at += 1;
            self.skip_blanks();
            Some(self.value()?)
        };
        let end = value.as_ref().map_or(name_span.end, |value| value.raw.span.end.max(name_span.end));
        let span = self.span(start..end as usize);
        self.dotenv.entries.push(Entry { span, name, value });
        Ok(())
    }

    fn value(&mut self) -> Result<Template, SyntaxError> {
        let text = match self.rest().bytes().next() {
            Some(quote @ (b'\'' | b'"')) => {
                let text = self.quoted(quote)?;
                if quote == b'\'' {
                    return Ok(Template::verbatim(text));
                }
                text
            }
            _ => self.unquoted(),
        };
        let (template, error) = Template::parse(text);
        self.dotenv.errors.extend(error);
        Ok(template)
    }

    /// A value without quotes: to the end of the line, or to a `#` behind a space.
    fn unquoted(&mut self) -> Text {
        let start = self.at;
        let end = self.line_end(start);
        let line = &self.text[start..end];
        let comment = line.find(" #");
        let value = line[..comment.unwrap_or(line.len())].trim_end();
        let text = Text::verbatim(value, self.span(start..start + value.len()));
        if let Some(comment) = comment {
            self.comment(start + comment + 1);
        }
        self.at = end;
        text
    }

    /// A quoted value, which may go over several lines. In double quotes escapes count; in single quotes only that of
    /// the quote.
    fn quoted(&mut self, quote: u8) -> Result<Text, SyntaxError> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut builder = TextBuilder::default();
        let mut at = start + 1;
        let mut run = at;
        while let Some(&byte) = bytes.get(at) {
            let (length, meaning) = match byte {
                _ if byte == quote => {
                    builder.push(&self.text[run..at], run);
                    self.at = at + 1;
                    return Ok(builder.finish(self.span(start..at + 1)));
                }
                b'\\' if bytes.get(at + 1) == Some(&quote) => (2, Some(if quote == b'"' { "\"" } else { "'" })),
                b'\\' if quote == b'"' => escape(&bytes[at..]),
                b'\\' if bytes.get(at + 1) == Some(&b'\\') => (2, None),
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => (1, Some("")),
                _ => (1, None),
            };
            if let Some(meaning) = meaning {
                builder.push(&self.text[run..at], run);
                builder.push(meaning, at);
                builder.cut();
                run = at + length;
            }
            at += length;
        }
        let line = start..self.line_end(start);
        Err(SyntaxError::new(self.span(line), "this quote is not closed"))
    }
}

/// The escape at the start of `text` in double quotes: its length in bytes, and what it means unless it stays as it is.
fn escape(text: &[u8]) -> (usize, Option<&'static str>) {
    /// The characters of octal escapes below 128.
    const ASCII: &str = "\0\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\
        \x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f \
        !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f";
    let meaning = match text.get(1) {
        Some(b'a') => "\x07",
        Some(b'b') => "\x08",
        Some(b'f') => "\x0c",
        Some(b'n') => "\n",
        Some(b'r') => "\r",
        Some(b't') => "\t",
        Some(b'v') => "\x0b",
        Some(b'\\') => "\\",
        // Interpolation comes afterwards, and takes this for a `$`.
        Some(b'$') => "$$",
        Some(b'0') => {
            let digits = text[2..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
            if digits < 3 {
                return (2 + digits, None);
            }
            let number = text[2..5]
                .iter()
                .try_fold(0usize, |number, &digit| (digit < b'8').then(|| number * 8 + usize::from(digit - b'0')));
            return match number {
                Some(number) if number < 128 => (5, ASCII.get(number..number + 1)),
                // A byte that is no character on its own.
                Some(number) if number < 256 => (5, Some("\u{fffd}")),
                _ => (5, None),
            };
        }
        _ => return (1, None),
    };
    (2, Some(meaning))
}
