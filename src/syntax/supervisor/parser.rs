//! Text into sections and options, after `RawConfigParser._read` of Python 3 with Supervisor's settings.

use std::collections::HashMap;
use std::ops::Range;

use memchr::{memchr_iter, memchr2};

use super::known::SectionKind;
use super::{Section, Setting, Supervisor};
use crate::source::{FileId, Span, Spanned, Text, TextBuilder};
use crate::syntax::SyntaxError;

/// Errors that are kept for one file; a file with more is no config, and its list would be larger than the file.
const MAX_ERRORS: usize = 100;

/// Whether Python counts the character as white space (`str.isspace`): Unicode's, and the four separators of ASCII.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Reads a config.
pub fn parse(file: FileId, text: &str) -> Supervisor {
    let mut reader = Reader {
        text,
        sections: Vec::new(),
        by_name: HashMap::new(),
        section: None,
        option: None,
        indent: 0,
        comments: Vec::new(),
        errors: Vec::new(),
        file,
    };
    let mut start = 0;
    if text.starts_with('\u{feff}') {
        reader.error(0..3, "byte order mark, which Supervisor reads as a part of the first line");
        start = 3;
    }
    while start < text.len() {
        let end = memchr2(b'\n', b'\r', &text.as_bytes()[start..]).map_or(text.len(), |length| start + length);
        reader.line(start..end);
        let crlf = text[end..].starts_with("\r\n");
        start = end + if crlf { 2 } else { 1 };
    }
    reader.finish_option();
    reader.sections.shrink_to_fit();
    reader.sections.iter_mut().for_each(|section| section.options.shrink_to_fit());
    reader.comments.shrink_to_fit();
    let by_name = reader.by_name.into_iter().map(|(name, index)| (name.to_owned(), index)).collect();
    Supervisor { file, sections: reader.sections, comments: reader.comments, errors: reader.errors, by_name }
}

/// Whether the text has a section that only supervisord reads.
pub fn looks_like(text: &str) -> bool {
    let mut group = false;
    for line in text.split(['\n', '\r']) {
        let line = line.trim_start_matches('\u{feff}').trim();
        if group && line.starts_with("programs") {
            return true;
        }
        let name = line.strip_prefix('[').and_then(|rest| Some(&rest[..rest.find(']')?]));
        match name.map(|name| (SectionKind::of(name), name)) {
            Some((
                SectionKind::Supervisord
                | SectionKind::UnixHttpServer
                | SectionKind::InetHttpServer
                | SectionKind::FcgiProgram
                | SectionKind::EventListener,
                _,
            )) => return true,
            Some((SectionKind::Program, name)) if name.len() > "program:".len() => return true,
            Some((SectionKind::Group, _)) => group = true,
            _ => {}
        }
    }
    false
}

/// The option whose value is being read.
struct OpenOption {
    name: Spanned<String>,
    value: TextBuilder,
    /// From the first to the last character of the value.
    span: Range<usize>,
    /// Places of line ends after the last piece of the value: they belong to it when another piece follows.
    line_ends: Vec<usize>,
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    sections: Vec<Section>,
    by_name: HashMap<&'a str, usize>,
    /// Index of the section that is being read.
    section: Option<usize>,
    option: Option<OpenOption>,
    /// Characters before the last section or option: a line with more continues a value.
    indent: usize,
    comments: Vec<Span>,
    errors: Vec<SyntaxError>,
}

impl<'a> Reader<'a> {
    fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(SyntaxError::new(Span::new(self.file, range), message));
        }
    }

    /// Reads the line at `range`, which is without its line end.
    fn line(&mut self, range: Range<usize>) {
        let line = &self.text[range.clone()];
        let comment = comment_start(line);
        if let Some(start) = comment {
            self.comments.push(Span::new(self.file, range.start + start..range.end));
        }
        let code = line[..comment.unwrap_or(line.len())].trim_end_matches(is_space);
        let value = code.trim_start_matches(is_space);
        if value.is_empty() {
            if let (None, Some(option)) = (comment, &mut self.option) {
                option.line_ends.push(range.end);
            }
            return;
        }
        let start = range.start + code.len() - value.len();
        let indent = code[..code.len() - value.len()].chars().count();
        match &mut self.option {
            Some(option) if indent > self.indent => {
                for end in option.line_ends.drain(..) {
                    option.value.cut();
                    option.value.push("\n", end);
                    option.value.cut();
                }
                option.value.push(value, start);
                option.span.end = start + value.len();
                option.line_ends.push(range.end);
            }
            _ => {
                self.indent = indent;
                self.item(value, start, range);
            }
        }
    }

    /// Reads a section header or an option: `value` at `start`, in the line at `line`.
    fn item(&mut self, value: &'a str, start: usize, line: Range<usize>) {
        if let Some(name) = section_name(value) {
            self.finish_option();
            let header = Span::new(self.file, start..start + 2 + name.len());
            let name_span = Span::new(self.file, start + 1..start + 1 + name.len());
            self.section = Some(*self.by_name.entry(name).or_insert_with(|| {
                let name = Spanned::new(name.to_owned(), name_span);
                self.sections.push(Section { name, header, options: Vec::new() });
                self.sections.len() - 1
            }));
            return;
        }
        let whole = start..start + value.len();
        if self.section.is_none() {
            self.error(whole, "line before the first section header");
            return;
        }
        let Some(delimiter) = memchr2(b'=', b':', value.as_bytes()) else {
            self.error(whole, "line that is neither a section header nor an option: it has no \"=\" or \":\"");
            return;
        };
        self.finish_option();
        let name = value[..delimiter].trim_end_matches(is_space);
        if name.is_empty() {
            self.error(whole, "option without a name");
            return;
        }
        let rest = &value[delimiter + 1..];
        let content = rest.trim_start_matches(is_space);
        let content_start = start + value.len() - content.len();
        let mut builder = TextBuilder::default();
        builder.push(content, content_start);
        self.option = Some(OpenOption {
            name: Spanned::new(name.to_lowercase(), Span::new(self.file, start..start + name.len())),
            value: builder,
            span: content_start..content_start + content.len(),
            line_ends: vec![line.end],
        });
    }

    fn finish_option(&mut self) {
        let (Some(option), Some(section)) = (self.option.take(), self.section) else {
            return;
        };
        let span = Span::new(self.file, option.span);
        let value = if option.value.is_empty() { Text::verbatim("", span) } else { option.value.finish(span) };
        self.sections[section].options.push(Setting { name: option.name, value });
    }
}

/// The name in a section header. Python takes everything up to the last `]` and ignores what follows it.
fn section_name(value: &str) -> Option<&str> {
    let rest = value.strip_prefix('[')?;
    let name = &rest[..rest.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

/// Where the comment of a line starts: at a `;` or `#` that is the first character of the line, blanks aside, or that
/// follows a blank. Python looks at the first `;` and the first `#`, then at the second of each, and so on, and the
/// first such round with a comment in it decides: in `a = b;c ;d #e` the comment is `#e`.
fn comment_start(line: &str) -> Option<usize> {
    let code = line.trim_start_matches(is_space);
    if code.starts_with([';', '#']) {
        return Some(line.len() - code.len());
    }
    let starts = |at: &usize| line[..*at].chars().next_back().is_none_or(is_space);
    let mut semicolons = Some(memchr_iter(b';', line.as_bytes()));
    let mut hashes = Some(memchr_iter(b'#', line.as_bytes()));
    loop {
        // Asked again behind its end, an iterator would search the rest of the line again.
        let round = [&mut semicolons, &mut hashes].map(|found| {
            let next = found.as_mut()?.next();
            found.take_if(|_| next.is_none());
            next
        });
        if round == [None, None] {
            return None;
        }
        if let Some(start) = round.into_iter().flatten().filter(starts).min() {
            return Some(start);
        }
    }
}
