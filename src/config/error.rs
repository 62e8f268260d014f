//! What is wrong with a `confscan.toml`, with its line.

use std::fmt;
use std::ops::Range;

use crate::source::Source;
use crate::text::{closest, visible};

/// Characters of a line that are shown before and behind the start of what is wrong.
const SHOWN: usize = 60;

/// What is wrong with a `confscan.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The file, for the user.
    path: String,
    message: String,
    excerpt: Option<Excerpt>,
}

/// The line that something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    /// Line and column, from 1.
    line: u32,
    column: u32,
    /// The line, or the part of it that is shown.
    text: String,
    /// What is marked in it, as characters of `text`.
    marked: Range<usize>,
}

impl Error {
    /// The file could not be read.
    pub fn unreadable(path: impl Into<String>, reason: &dyn fmt::Display) -> Self {
        Error { path: path.into(), message: reason.to_string(), excerpt: None }
    }

    /// What stands at `range` of `text` is wrong.
    pub fn at(path: &str, text: &str, range: Range<usize>, message: impl Into<String>) -> Self {
        Error { path: path.to_owned(), message: message.into(), excerpt: Some(Excerpt::new(text, range)) }
    }

    /// The reader of TOML, or of the settings in it, refuses `text`.
    pub(super) fn toml(path: &str, text: &str, error: &toml::de::Error) -> Self {
        let mut message = explain(error.message());
        match error.span() {
            Some(range) if message.ends_with("expected a list") && text[range.clone()].starts_with('[') => {
                let header = text[range.clone()].trim_matches(['[', ']']);
                message = format!("there can be several: write [[{header}]]");
                Error::at(path, text, range, message)
            }
            Some(range) => Error::at(path, text, range, message),
            None => Error { path: path.to_owned(), message, excerpt: None },
        }
    }
}

impl Excerpt {
    fn new(text: &str, range: Range<usize>) -> Self {
        let source = Source::new("", text);
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let end = text.floor_char_boundary(range.end.clamp(start, text.len()));
        let position = source.position(start as u32);
        let (line, at) = source.line(position.line);
        let at = at as usize;
        // A table that is wrong as a whole is marked where it starts.
        let (from, to) = ((start - at).min(line.len()), (end - at).min(line.len()));
        let cut = |text: &str| text.chars().rev().take(SHOWN).map(char::len_utf8).sum::<usize>();
        let before = &line[from - cut(&line[..from])..from];
        let behind: String = line[from..].chars().take(SHOWN).collect();
        let (before, marked) = (visible(before), &behind[..(to - from).min(behind.len())]);
        let width = visible(marked).chars().count();
        let start = before.chars().count();
        let text = format!("{before}{}", visible(&behind));
        Excerpt { line: position.line, column: position.column, text, marked: start..start + width.max(1) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, message) = (visible(&self.path), visible(&self.message));
        let Some(Excerpt { line, column, text, marked }) = &self.excerpt else {
            return write!(f, "{path}: {message}");
        };
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let (before, marks) = (" ".repeat(marked.start), "^".repeat(marked.len()));
        write!(f, "{path}:{line}:{column}: {message}\n {number} | {text}\n {margin} | {before}{marks}")
    }
}

impl std::error::Error for Error {}

/// The reader's message in the words of the settings, with what was probably meant.
fn explain(message: &str) -> String {
    if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return format!("the key `{key}` is missing");
    }
    for (serde, what) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        let parts = message.strip_prefix(serde).and_then(|rest| rest.rsplit_once("`, expected "));
        let Some((given, expected)) = parts else { continue };
        // The names stand between backquotes.
        let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return match closest(given, names.iter().copied()) {
            Some(near) => format!("unknown {what} `{given}`; is it `{near}`?"),
            None => format!("unknown {what} `{given}`; there are: {}", names.join(", ")),
        };
    }
    match message {
        "wanted string or table" => "expected a string".to_owned(),
        // Serde's words for what TOML calls otherwise.
        _ => message
            .replace("invalid type: ", "")
            .replace("a sequence", "a list")
            .replace(" map", " table")
            .replace("a map", "a table")
            .replace("map,", "a table,"),
    }
}
