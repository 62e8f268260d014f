//! Values of options, read as Supervisor's `datatypes.py` reads them.

use std::iter;
use std::ops::Range;

use memchr::memchr;

use super::Setting;
use super::parser::is_space;
use crate::source::{Span, Spanned, Text, TextBuilder};
use crate::syntax::SyntaxError;

impl Setting {
    /// The value as a boolean; nothing where Supervisor would refuse it.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value.as_str().to_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Some(true),
            "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    /// The words of the value between blanks, as in `files` of `[include]`.
    pub fn as_words(&self) -> Vec<Text> {
        let pieces = self.value.as_str().split(is_space).filter(|word| !word.is_empty());
        pieces.map(|word| self.piece(word)).collect()
    }

    /// The items of the value between commas, without the blanks around them.
    pub fn as_list(&self) -> Vec<Text> {
        if self.value.as_str().is_empty() {
            return Vec::new();
        }
        self.value.as_str().split(',').map(|item| self.piece(item.trim_matches(is_space))).collect()
    }

    /// The value as variables: `KEY="value",KEY2=value2`.
    pub fn environment(&self) -> Environment {
        environment(&self.value)
    }

    /// A part of the value as a text.
    fn piece(&self, part: &str) -> Text {
        let start = part.as_ptr() as usize - self.value.as_str().as_ptr() as usize;
        self.value.slice(start..start + part.len())
    }
}

/// The variables of an `environment` option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Each name and its value without the quotes, in order; the last one of a name counts.
    pub variables: Vec<(Spanned<String>, Text)>,
    /// Why Supervisor would refuse the option. The variables before that place are kept.
    pub error: Option<SyntaxError>,
}

/// Splits a value as Supervisor does: into the tokens of Python's `shlex` (not in its POSIX mode, with `/.+-():` as
/// further characters of words), which are then taken as name, `=`, value and one token that is ignored. `%(…)s`
/// counts as a part of a word, since Supervisor puts its value in before.
fn environment(value: &Text) -> Environment {
    let mut result = Environment::default();
    let tokens = match tokens(value.as_str()) {
        Ok(tokens) => tokens,
        Err((tokens, quote)) => {
            let span = value.span_of(quote..quote + 1);
            result.error = Some(SyntaxError::new(span, "quote that is not closed"));
            tokens
        }
    };
    let text = |token: &Token| -> String { token.iter().map(|piece| &value.as_str()[piece.clone()]).collect() };
    for entry in tokens.chunks(4) {
        let [name, equals, content, ..] = entry else {
            let range = extent(&entry[0]).start..extent(&entry[entry.len() - 1]).end;
            result.error.get_or_insert_with(|| SyntaxError::new(value.span_of(range), "not of the form KEY=value"));
            break;
        };
        if text(equals) != "=" {
            let span = value.span_of(extent(equals));
            result.error.get_or_insert_with(|| SyntaxError::new(span, "not of the form KEY=value: \"=\" expected"));
            break;
        }
        let name = Spanned::new(text(name), value.span_of(extent(name)));
        result.variables.push((name, unquoted(value, content)));
    }
    result
}

/// A token as the ranges of the value that it is made of: one, but for a token that a `#` interrupts.
type Token = Vec<Range<usize>>;

fn extent(token: &Token) -> Range<usize> {
    let start = token.first().map_or(0, |piece| piece.start);
    start..token.last().map_or(start, |piece| piece.end)
}

/// A token without every quote at its two ends.
fn unquoted(value: &Text, token: &Token) -> Text {
    let whole = extent(token);
    let text = value.as_str();
    if token.len() == 1 {
        let trimmed = text[whole.clone()].trim_start_matches(['\'', '"']);
        let start = whole.end - trimmed.len();
        return value.slice(start..start + trimmed.trim_end_matches(['\'', '"']).len());
    }
    let mut builder = TextBuilder::default();
    for piece in token {
        builder.cut();
        builder.push(&text[piece.clone()], value.span_of(piece.clone()).start as usize);
    }
    let joined = builder.finish(value.span_of(whole));
    let trimmed = joined.value.trim_start_matches(['\'', '"']);
    let start = joined.value.len() - trimmed.len();
    joined.slice(start..start + trimmed.trim_end_matches(['\'', '"']).len())
}

fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_/.+-():".contains(character)
}

/// The tokens of a value; with the place of a quote that is not closed, those before it.
fn tokens(text: &str) -> Result<Vec<Token>, (Vec<Token>, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let next = at + character.len_utf8();
        match character {
            ' ' | '\t' | '\r' | '\n' => at = next,
            '#' => at = after_line(text, at),
            '"' | '\'' => match memchr(character as u8, &text.as_bytes()[next..]) {
                Some(length) => {
                    let end = next + length + 1;
                    tokens.push(iter::once(at..end).collect());
                    at = end;
                }
                None => return Err((tokens, at)),
            },
            _ => {
                let (token, end) = word(text, at);
                if token.is_empty() {
                    tokens.push(iter::once(at..next).collect());
                    at = next;
                } else {
                    tokens.push(token);
                    at = end;
                }
            }
        }
    }
    Ok(tokens)
}

/// The word that starts at `start`, empty where none does, and the place after it. A quote inside a word is a
/// character of it; a `#` hides the rest of its line, after which the word goes on.
fn word(text: &str, start: usize) -> (Token, usize) {
    let mut token = Vec::new();
    let mut from = start;
    let mut at = start;
    while let Some(character) = text[at..].chars().next() {
        if let Some(length) = expansion_length(&text[at..]) {
            at += length;
        } else if at > start && character == '#' {
            token.push(from..at);
            at = after_line(text, at);
            from = at;
        } else if is_word_character(character) || (at > start && matches!(character, '"' | '\'')) {
            at += 1;
        } else {
            break;
        }
    }
    if at > from {
        token.push(from..at);
    }
    (token, at)
}

fn after_line(text: &str, at: usize) -> usize {
    memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |length| at + length + 1)
}

/// Length in bytes of the `%(name)s` at the start of the text, conversion such as `02d` included.
fn expansion_length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("%(")?;
    let name = rest.bytes().take_while(|&byte| byte.is_ascii_alphanumeric() || byte == b'_').count();
    let conversion = rest[name..].strip_prefix(')')?;
    let flags = conversion.bytes().take_while(|&byte| byte.is_ascii_digit() || b"-+ .#".contains(&byte)).count();
    conversion.as_bytes().get(flags).filter(|byte| byte.is_ascii_alphabetic())?;
    Some(2 + name + 1 + flags + 1)
}

/// A `%(name)s` in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The name in the parentheses.
    pub name: Spanned<String>,
    /// From the `%` to the conversion (`s`, `d`, `02d`).
    pub span: Span,
}

impl Expansion {
    /// The variable of supervisord's own environment that it stands for: `X` for `%(ENV_X)s`.
    pub fn environment_variable(&self) -> Option<&str> {
        self.name.value.strip_prefix("ENV_")
    }
}

/// Every `%(name)s` of a value. `%%` is a percent sign.
pub fn expansions(value: &Text) -> Vec<Expansion> {
    let text = value.as_str();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(length) = memchr(b'%', &text.as_bytes()[at..]) {
        let start = at + length;
        if let Some(length) = expansion_length(&text[start..]) {
            let name_end = start + text[start..].find(')').unwrap_or(length);
            let name = text[start + 2..name_end].to_owned();
            found.push(Expansion {
                name: Spanned::new(name, value.span_of(start + 2..name_end)),
                span: value.span_of(start..start + length),
            });
            at = start + length;
        } else {
            at = start + if text[start..].starts_with("%%") { 2 } else { 1 };
        }
    }
    found
}

/// Whether Supervisor puts anything into the value: whether it differs from what is written.
pub fn has_expansions(value: &Text) -> bool {
    !expansions(value).is_empty()
}
