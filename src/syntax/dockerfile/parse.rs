//! A file into logical lines, and those into instructions and stages.
//!
//! As in BuildKit's `parser.Parse`: lines are joined first and read afterwards, and a here-document's body is taken
//! from the lines behind its instruction before anything else looks at them.

use std::collections::HashMap;

use super::heredoc::{self, Opener};
use super::instruction;
use super::{Directive, Dockerfile, Heredoc, Instruction, Kind, Stage};
use crate::source::{FileId, Span, Spanned, Text, TextBuilder};
use crate::syntax::SyntaxError;

/// Longest physical line that BuildKit reads, in bytes without its line feed.
const MAX_LINE: usize = 65_535;

/// Parses a Dockerfile. Never fails: what BuildKit would refuse is in [`Dockerfile::errors`], and unknown keywords are
/// instructions of [`Kind::Unknown`] whose keyword is not a known one ([`Instruction::is_known`]).
pub fn parse(file: FileId, text: &str) -> Dockerfile {
    let mut parser = Parser {
        lines: Lines::new(text),
        last_lines: None,
        out: Dockerfile {
            file,
            escape: '\\',
            directives: Vec::new(),
            comments: Vec::new(),
            instructions: Vec::new(),
            stages: Vec::new(),
            errors: Vec::new(),
        },
    };
    parser.run();
    let mut out = parser.out;
    find_stages(&mut out);
    if out.instructions.is_empty() {
        out.errors.push(SyntaxError::new(Span::at(file, 0), "the file has no instructions"));
    }
    out.errors.sort_by_key(|error| error.span.start);
    out.instructions.shrink_to_fit();
    out.comments.shrink_to_fit();
    out
}

/// The physical lines of a file. BuildKit ends lines at line feeds only.
struct Lines<'t> {
    text: &'t str,
    /// Where the next line starts.
    at: usize,
    /// Number of lines read.
    number: u32,
}

/// One physical line.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    /// Without line feed and carriage returns at its end.
    text: &'t str,
    /// The line is longer than BuildKit reads.
    too_long: bool,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        Lines { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }, number: 0 }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = Line<'t>;

    fn next(&mut self) -> Option<Line<'t>> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let length = memchr::memchr(b'\n', rest.as_bytes());
        let content = &rest[..length.unwrap_or(rest.len())];
        let line = Line { start: self.at, text: content.trim_end_matches('\r'), too_long: content.len() > MAX_LINE };
        self.at += length.map_or(rest.len(), |length| length + 1);
        self.number += 1;
        Some(line)
    }
}

/// Where the lines of a file that could end a here-document stand for the last time, by their text.
struct LastLines<'t> {
    whole: HashMap<&'t str, usize>,
    without_tabs: HashMap<&'t str, usize>,
}

struct Parser<'t> {
    lines: Lines<'t>,
    /// Made when the first here-document turns out to have no end, so that many of them cost no more than one.
    last_lines: Option<LastLines<'t>>,
    out: Dockerfile,
}

impl<'t> Parser<'t> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.out.errors.push(SyntaxError::new(span, message));
    }

    fn run(&mut self) {
        let mut directives = true;
        while let Some(line) = self.next_line() {
            let number = self.lines.number;
            let text = line.text.trim_start();
            let start = line.start + (line.text.len() - text.len());
            if text.starts_with('#') {
                directives = directives && self.directive(text, start);
                if !directives {
                    self.out.comments.push(Span::new(self.out.file, start..start + text.len()));
                }
                continue;
            }
            directives = false;
            if text.is_empty() {
                continue;
            }
            let Some(logical) = self.join(text, start) else {
                self.error(
                    Span::new(self.out.file, start..start + text.len()),
                    "a continuation line continues nothing",
                );
                continue;
            };
            let mut instruction = instruction::read(&logical, self.out.escape, &mut self.out.errors);
            self.heredocs(&logical, &mut instruction);
            set_lines(&mut instruction, (number, self.lines.number));
            self.out.instructions.push(instruction);
        }
    }

    fn next_line(&mut self) -> Option<Line<'t>> {
        let line = self.lines.next()?;
        if line.too_long {
            let span = Span::new(self.out.file, line.start..line.start + line.text.len());
            self.error(span, format!("the line is longer than {MAX_LINE} bytes"));
        }
        Some(line)
    }

    /// The line `text` and those that continue it; `None` where there is nothing but escape characters.
    fn join(&mut self, text: &str, start: usize) -> Option<Text> {
        let file = self.out.file;
        let Some(first) = before_escape(text, self.out.escape) else {
            return Some(Text::verbatim(text, Span::new(file, start..start + text.len())));
        };
        let mut builder = TextBuilder::default();
        builder.push(first, start);
        let mut end = start + first.len();
        while let Some(line) = self.next_line() {
            let trimmed = line.text.trim_start();
            if trimmed.starts_with('#') {
                let hash = line.start + (line.text.len() - trimmed.len());
                self.out.comments.push(Span::new(file, hash..hash + trimmed.len()));
                continue;
            }
            if trimmed.is_empty() {
                continue;
            }
            let continued = before_escape(line.text, self.out.escape);
            let piece = continued.unwrap_or(line.text);
            builder.push(piece, line.start);
            end = line.start + piece.len();
            if continued.is_none() {
                break;
            }
        }
        let joined = builder.finish(Span::new(file, start..end));
        (!joined.value.trim().is_empty()).then_some(joined)
    }

    /// Reads a comment line as a parser directive; says whether it is one.
    fn directive(&mut self, text: &str, start: usize) -> bool {
        let blank = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
        let body = text[1..].trim_start();
        let Some((name, value)) = body.split_once('=') else {
            return false;
        };
        let name = name.trim_end_matches(blank);
        let known = ["syntax", "escape", "check"].into_iter().find(|known| known.eq_ignore_ascii_case(name));
        let (Some(known), false) = (known, value.is_empty()) else {
            return false;
        };
        let offset = |part: &str| start + (part.as_ptr() as usize - text.as_ptr() as usize);
        let spanned = |part: &str, value: &str| {
            Spanned::new(value.to_owned(), Span::new(self.out.file, offset(part)..offset(part) + part.len()))
        };
        let value = value.trim_matches(blank);
        let directive = Directive { name: spanned(name, known), value: spanned(value, value) };
        let span = directive.name.span.to(directive.value.span);
        if self.out.directives.iter().any(|earlier| earlier.name.value == known) {
            self.error(span, format!("the parser directive `{known}` can be used only once"));
        } else if known == "escape" {
            match value {
                "\\" => self.out.escape = '\\',
                "`" => self.out.escape = '`',
                _ => self.error(directive.value.span, "the escape character must be ` or \\"),
            }
        }
        self.out.directives.push(directive);
        true
    }

    /// Takes the bodies of the here-documents of `instruction` from the lines that follow.
    fn heredocs(&mut self, line: &Text, instruction: &mut Instruction) {
        let owner = match &mut instruction.kind {
            Kind::Onbuild(trigger) => trigger,
            _ => instruction,
        };
        if !owner.takes_heredocs() || memchr::memmem::find(line.value.as_bytes(), b"<<").is_none() {
            return;
        }
        let openers = match heredoc::openers(&line.value) {
            Ok(openers) => openers,
            Err(bad) => return self.error(line.span_of(bad.0), "the here-document's delimiter cannot be read"),
        };
        let mut heredocs = Vec::with_capacity(openers.len());
        let mut ends = Vec::with_capacity(openers.len());
        for opener in openers {
            let delimiter = line.span_of(opener.delimiter.clone());
            let Some((heredoc, end)) = self.body(opener, delimiter) else {
                self.error(delimiter, "the here-document has no end");
                break;
            };
            heredocs.push(heredoc);
            ends.push(end);
        }
        owner.heredocs = heredocs.into();
        instruction::attach_heredocs(owner, self.lines.text, &ends);
    }

    /// The body of one here-document and where the delimiter that ends it stands. Without an end nothing is taken.
    fn body(&mut self, opener: Opener, delimiter: Span) -> Option<(Heredoc, usize)> {
        let Opener { name, expand, chomp, .. } = opener;
        if let Some(last) = &self.last_lines {
            let last = if chomp { &last.without_tabs } else { &last.whole };
            last.get(name.as_str()).filter(|&&at| at >= self.lines.at)?;
        }
        let file = self.out.file;
        let (back, number) = (self.lines.at, self.lines.number);
        let mut builder = TextBuilder::default();
        while let Some(line) = self.lines.next() {
            let text = if chomp { line.text.trim_start_matches('\t') } else { line.text };
            let start = line.start + (line.text.len() - text.len());
            if text == name {
                let span = Span::new(file, back..line.start);
                let body =
                    if chomp { builder.finish(span) } else { Text::verbatim(&self.lines.text[back..line.start], span) };
                return Some((Heredoc { name: Spanned::new(name, delimiter), body, expand, chomp }, start));
            }
            if chomp {
                builder.push(&self.lines.text[start..self.lines.at], start);
            }
        }
        self.lines.at = back;
        self.lines.number = number;
        if self.last_lines.is_none() {
            let mut last = LastLines { whole: HashMap::new(), without_tabs: HashMap::new() };
            for line in (Lines { text: self.lines.text, at: back, number: 0 }) {
                last.whole.insert(line.text, line.start);
                last.without_tabs.insert(line.text.trim_start_matches('\t'), line.start);
            }
            self.last_lines = Some(last);
        }
        None
    }
}

/// What stands before the escape character that makes `line` continue on the next one.
fn before_escape(line: &str, escape: char) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before)
}

fn set_lines(instruction: &mut Instruction, lines: (u32, u32)) {
    instruction.lines = lines;
    if let Kind::Onbuild(trigger) = &mut instruction.kind {
        trigger.lines = lines;
    }
}

/// Cuts the instructions into stages.
fn find_stages(dockerfile: &mut Dockerfile) {
    let count = dockerfile.instructions.len();
    let mut stray = None;
    for (index, instruction) in dockerfile.instructions.iter().enumerate() {
        if let Kind::From { name, .. } = &instruction.kind {
            if let Some(open) = dockerfile.stages.last_mut() {
                open.body.end = index;
            }
            let name = name.as_ref().map(|name| Spanned::new(name.value.to_lowercase(), name.span));
            dockerfile.stages.push(Stage { name, from: index, body: index + 1..count });
        } else if dockerfile.stages.is_empty() && instruction.is_known() && !matches!(instruction.kind, Kind::Arg(_)) {
            stray.get_or_insert(instruction.keyword.span);
        }
    }
    if let Some(span) = stray {
        dockerfile.errors.push(SyntaxError::new(span, "only ARG may stand before the first FROM"));
    }
}
