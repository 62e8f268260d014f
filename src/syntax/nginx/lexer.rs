//! Text into words and punctuation, after `ngx_conf_read_token` of nginx's `ngx_conf_file.c`.
//!
//! A blank, `;` and `{` end a word; `}` and `#` count only where a word could start; `${` keeps its `{` in the word;
//! after a closing quote only a blank, `;`, `{` or `)` may come.

use std::ops::Range;

use memchr::memchr;

use super::SyntaxError;
use crate::source::{FileId, Span, Text, TextBuilder};

/// Size of nginx's read buffer (`NGX_CONF_BUFFER`), in bytes. A parameter, or a comment, has to fit into it with the
/// byte that ends it.
const BUFFER: usize = 4096;

/// Errors that are kept for one file; a file with more is no config, and its list would be larger than the file.
const MAX_ERRORS: usize = 100;

/// One piece of a config. The offsets are bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `;`
    Semicolon(usize),
    /// `{`
    Open(usize),
    /// `}`
    Close(usize),
    /// The directive ends here although no `;` was written: a quote was left open on this line.
    Missing(usize),
    End,
}

/// A word as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// All of it, quotes included.
    pub span: Range<usize>,
    /// What is between the quotes; the same as `span` where there are none.
    pub inner: Range<usize>,
    /// It was written in quotes.
    pub quoted: bool,
}

pub(super) struct Lexer<'a> {
    pub file: FileId,
    pub text: &'a str,
    /// Offset of the next byte.
    pub at: usize,
    pub comments: Vec<Span>,
    pub errors: Vec<SyntaxError>,
    /// The text was decoded from Latin-1, so that a character of it was one byte of the file.
    recoded: bool,
    /// The last token was a quoted word, which nginx wants to be followed by a blank, `;`, `{` or `)`.
    after_quote: Option<Word>,
    /// The directive that is being read ends here, for want of a `;` on the line of an open quote.
    missing: Option<usize>,
    /// No `}}`, or no `%}`, stands before this offset: an earlier search found none up to the end of its line.
    no_tag_until: [usize; 2],
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

impl<'a> Lexer<'a> {
    pub fn new(file: FileId, text: &'a str, recoded: bool) -> Self {
        Lexer {
            file,
            text,
            at: 0,
            comments: Vec::new(),
            errors: Vec::new(),
            recoded,
            after_quote: None,
            missing: None,
            no_tag_until: [0; 2],
        }
    }

    pub fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(SyntaxError::new(Span::new(self.file, range), message));
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// End of the line that `at` is in: the place of its line feed, or the end of the text.
    pub fn line_end(&self, at: usize) -> usize {
        memchr(b'\n', &self.bytes()[at..]).map_or(self.text.len(), |length| at + length)
    }

    /// Whether nginx's buffer is full before the byte at `next` is read, when the oldest byte that it has to keep is at
    /// `start`. The end of the file takes no room.
    fn overflows(&self, start: usize, next: usize) -> bool {
        next - start >= BUFFER && self.buffer_end(start) <= next.min(self.text.len().saturating_sub(1))
    }

    /// Offset of the first byte that does not fit into nginx's buffer together with the one at `start`.
    fn buffer_end(&self, start: usize) -> usize {
        if !self.recoded {
            return start + BUFFER;
        }
        let kept = self.text.get(start..).unwrap_or_default();
        kept.char_indices().nth(BUFFER).map_or(usize::MAX, |(length, _)| start + length)
    }

    fn too_long(&mut self, range: Range<usize>, what: &str) {
        self.error(range, format!("{what} does not fit into nginx's buffer of {BUFFER} bytes"));
    }

    /// The next token; `first` says that it would be the name of a directive.
    pub fn next(&mut self, first: bool) -> Token {
        if let Some(at) = self.missing.take() {
            return Token::Missing(at);
        }
        if let Some(word) = self.after_quote.take() {
            self.check_after_quote(&word);
        }
        let bytes = self.bytes();
        loop {
            let Some(&byte) = bytes.get(self.at) else {
                return Token::End;
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => self.comment(),
                b';' => return Token::Semicolon(self.step()),
                b'}' => return Token::Close(self.step()),
                b'{' => {
                    let Some(end) = self.template_tag(first) else {
                        return Token::Open(self.step());
                    };
                    let span = self.at..end;
                    self.error(span.clone(), "template tag, which nginx cannot read");
                    self.at = end;
                    if !self.text[span.clone()].starts_with("{%") {
                        return Token::Word(Word { span: span.clone(), inner: span, quoted: false });
                    }
                }
                quote @ (b'"' | b'\'') => return self.quoted(quote),
                _ => return Token::Word(self.plain()),
            }
        }
    }

    fn check_after_quote(&mut self, word: &Word) {
        let Some(next) = self.text[self.at..].chars().next() else {
            return;
        };
        if !matches!(next, ' ' | '\t' | '\r' | '\n' | ';' | '{' | ')') {
            let message = format!("{next:?} directly after the quote that closes {}", self.shown(word));
            self.error(self.at..self.at + next.len_utf8(), message);
        }
    }

    /// Steps over one byte; its offset.
    fn step(&mut self) -> usize {
        self.at += 1;
        self.at - 1
    }

    fn comment(&mut self) {
        let start = self.at;
        let end = self.line_end(start);
        if self.overflows(start, end) {
            self.too_long(start..end, "a comment that");
        }
        let shown = self.text[start..end].trim_end_matches('\r').len();
        self.comments.push(Span::new(self.file, start..start + shown));
        self.at = end;
    }

    /// End of a `{{ … }}`, or of a `{% … %}` in the place of a name, that starts here and closes on this line. nginx
    /// refuses both, so that no config that it takes is read differently for this.
    fn template_tag(&mut self, first: bool) -> Option<usize> {
        let (close, kind) = match self.bytes().get(self.at + 1) {
            Some(b'{') => ("}}", 0),
            Some(b'%') if first => ("%}", 1),
            _ => return None,
        };
        if self.at < self.no_tag_until[kind] {
            return None;
        }
        let end = self.line_end(self.at);
        match self.text[self.at..end].find(close) {
            Some(length) => Some(self.at + length + close.len()),
            None => {
                self.no_tag_until[kind] = end;
                None
            }
        }
    }

    fn plain(&mut self) -> Word {
        let bytes = self.bytes();
        let start = self.at;
        let mut at = start;
        let mut variable = false;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'{' if variable => {}
                b'\\' => {
                    variable = false;
                    at += 1;
                }
                b'$' => variable = true,
                b';' | b'{' => break,
                _ if is_blank(byte) => break,
                _ => variable = false,
            }
            at += 1;
        }
        let end = at.min(bytes.len());
        // A blank after the word is read, and then one byte more, before nginx lets go of the word.
        let last = end + usize::from(bytes.get(end).is_some_and(|&byte| is_blank(byte)));
        if self.overflows(start, last) {
            self.too_long(start..end, "a parameter that");
        }
        self.at = end;
        Word { span: start..end, inner: start..end, quoted: false }
    }

    fn quoted(&mut self, quote: u8) -> Token {
        let bytes = self.bytes();
        let open = self.at;
        let start = open + 1;
        let mut at = start;
        let mut line_feed = None;
        let mut buffer_end = None;
        loop {
            match bytes.get(at) {
                None => return self.unclosed(open, line_feed.unwrap_or(bytes.len())),
                Some(&byte) if byte == quote => break,
                Some(b'\\') => {
                    at += 1;
                    if bytes.get(at) == Some(&b'\n') {
                        line_feed.get_or_insert(at);
                    }
                }
                Some(b'\n') => {
                    line_feed.get_or_insert(at);
                }
                Some(_) => {}
            }
            at += 1;
            if let Some(line) = line_feed
                && at - start >= BUFFER
                && at >= *buffer_end.get_or_insert_with(|| self.buffer_end(start))
            {
                return self.unclosed(open, line);
            }
        }
        let follows = bytes.get(at + 1).copied();
        let fits = follows.is_none_or(|byte| is_blank(byte) || matches!(byte, b';' | b'{' | b')'));
        if let (false, Some(line)) = (fits, line_feed) {
            // The quote that "closes" this word opens another one, further down.
            return self.unclosed(open, line);
        }
        let last = at + 1 + usize::from(follows.is_some_and(is_blank));
        if self.overflows(start, last) {
            self.too_long(open..at + 1, "a parameter that");
        }
        self.at = at + 1;
        let word = Word { span: open..at + 1, inner: start..at, quoted: true };
        self.after_quote = Some(word.clone());
        Token::Word(word)
    }

    /// The quote at `open` is not closed as nginx wants it: the word ends with its line, at `line_end`, or before the
    /// `;` or `{` that ends that line. The directive ends there too.
    fn unclosed(&mut self, open: usize, line_end: usize) -> Token {
        self.error(open..open + 1, "quote that is not closed");
        let blanks = [' ', '\t', '\r', '\n'];
        let line = self.text[open + 1..line_end].trim_end_matches(blanks);
        let inner = line.strip_suffix([';', '{']).unwrap_or(line);
        let end = open + 1 + inner.trim_end_matches(blanks).len();
        self.at = open + 1 + inner.len();
        if inner.len() == line.len() {
            self.missing = Some(self.at);
        }
        Token::Word(Word { span: open..end, inner: open + 1..end, quoted: true })
    }

    /// A word for a message, cut to a few characters.
    pub fn shown(&self, word: &Word) -> String {
        let text = &self.text[word.inner.clone()];
        match text.char_indices().nth(40) {
            Some((end, _)) => format!("{:?}…", &text[..end]),
            None => format!("{text:?}"),
        }
    }

    /// The value of a word. nginx removes the backslash of `\"`, `\'` and `\\` and knows `\t`, `\r` and `\n`; any other
    /// backslash stays.
    pub fn value(&self, word: &Word) -> Text {
        let span = Span::new(self.file, word.span.clone());
        let inner = &self.text[word.inner.clone()];
        let base = word.inner.start;
        if !word.quoted && memchr(b'\\', inner.as_bytes()).is_none() {
            return Text::verbatim(inner, span);
        }
        let mut builder = TextBuilder::default();
        let mut from = 0;
        let mut at = 0;
        while let Some(offset) = memchr(b'\\', &inner.as_bytes()[at..]) {
            let slash = at + offset;
            let meaning = match inner.as_bytes().get(slash + 1) {
                Some(b'"') => "\"",
                Some(b'\'') => "'",
                Some(b'\\') => "\\",
                Some(b't') => "\t",
                Some(b'r') => "\r",
                Some(b'n') => "\n",
                _ => {
                    at = slash + 1;
                    continue;
                }
            };
            builder.push(&inner[from..slash], base + from);
            builder.cut();
            builder.push(meaning, base + slash);
            builder.cut();
            at = slash + 2;
            from = at;
        }
        builder.push(&inner[from..], base + from);
        builder.finish(span)
    }
}
