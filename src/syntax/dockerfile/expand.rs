//! Word expansion as BuildKit's `shell.Lex` does it: variables with their operators, quotes, escapes.

use regex::{NoExpand, Regex, RegexBuilder};

use crate::limit::{Exceeded, FILE_GROWTH, Limit, WORD_DEPTH, WORD_GROWTH};
use crate::source::{Span, Spanned, Text};

/// A word after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The value; the word as written where it cannot be expanded.
    pub value: String,
    /// The word as written.
    pub span: Span,
    /// What the expansion came across, which is nothing for most words.
    pub(super) details: Option<Box<Details>>,
}

/// What is known of an expansion besides its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    /// See [`Expanded::unresolved`].
    pub unresolved: Vec<Spanned<String>>,
    /// See [`Expanded::used`].
    pub used: Vec<Spanned<String>>,
    /// See [`Expanded::defaults`].
    pub defaults: Vec<Spanned<String>>,
    /// See [`Expanded::error`].
    pub error: Option<String>,
    /// The limit that kept it from being expanded.
    pub exceeded: Option<&'static Limit>,
}

impl Expanded {
    /// A word that BuildKit takes as it stands.
    pub fn verbatim(text: &Text) -> Self {
        Expanded { value: text.value.clone(), span: text.span, details: None }
    }

    /// Names without a value that were replaced by nothing, where they stand. `${NAME:-default}` and `${NAME:+other}`
    /// say what to do without a value, so that their names are not here.
    pub fn unresolved(&self) -> &[Spanned<String>] {
        self.details.as_ref().map_or(&[], |details| &details.unresolved)
    }

    /// Every name that was looked at, where it stands.
    pub fn used(&self) -> &[Spanned<String>] {
        self.details.as_ref().map_or(&[], |details| &details.used)
    }

    /// The defaults that are literal text, such as `x` in `${NAME:-x}`, whether the name has a value or not; empty ones
    /// not.
    pub fn defaults(&self) -> &[Spanned<String>] {
        self.details.as_ref().map_or(&[], |details| &details.defaults)
    }

    /// Why BuildKit would refuse the word: an open quote, a bad substitution, `${NAME:?message}` without a value.
    pub fn error(&self) -> Option<&str> {
        self.details.as_ref()?.error.as_deref()
    }

    /// The details, to add to them.
    pub(super) fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// The limit that kept `text` from being expanded, where it was allowed `limit` bytes.
    pub(super) fn exceeds(&self, text: &Text, limit: usize) -> Option<Exceeded> {
        let by = self.details.as_ref()?.exceeded?;
        let by_file = by == &WORD_GROWTH && limit < text.value.len() + WORD_GROWTH.most;
        Some(Exceeded { span: text.span, limit: if by_file { &FILE_GROWTH } else { by } })
    }

    /// Whether the value is what a build would use: nothing was missing and nothing was wrong.
    pub fn is_known(&self) -> bool {
        self.unresolved().is_empty() && self.error().is_none()
    }
}

/// How a text is expanded.
#[derive(Clone, Copy, Debug)]
pub struct Expansion {
    /// The escape character.
    pub escape: char,
    /// Quotes group and are removed; in the body of a here-document they are text.
    pub quotes: bool,
    /// Bytes of value that may come out; more is an error, so that values that contain each other stay small.
    pub limit: usize,
}

impl Expansion {
    /// An argument of an instruction, with the escape character of its file.
    pub fn word(escape: char) -> Self {
        Expansion { escape, quotes: true, limit: usize::MAX }
    }

    /// The body of a here-document of COPY or ADD, where `\` escapes whatever `# escape=` says.
    pub fn body() -> Self {
        Expansion { escape: '\\', quotes: false, limit: usize::MAX }
    }

    /// Expands `text` with the values that `lookup` has.
    pub fn expand<'v>(self, text: &Text, lookup: impl Fn(&str) -> Option<&'v str>) -> Expanded {
        self.expand_counted(text, lookup).0
    }

    /// As [`Expansion::expand`], with the bytes of values that were copied and searched for it.
    pub(super) fn expand_counted<'v>(self, text: &Text, lookup: impl Fn(&str) -> Option<&'v str>) -> (Expanded, usize) {
        if memchr::memchr3(b'$', b'\'', b'"', text.value.as_bytes()).is_none() && !text.value.contains(self.escape) {
            return (Expanded::verbatim(text), 0);
        }
        let mut expander =
            Expander { how: self, text, at: 0, produced: 0, lookup: &|name| lookup(name), details: Details::default() };
        let value = expander.until(None, false, 0).unwrap_or_else(|error| {
            expander.details.error = Some(error);
            text.value.clone()
        });
        let Expander { details, produced, .. } = expander;
        let details = (details != Details::default()).then(|| Box::new(details));
        (Expanded { value, span: text.span, details }, produced)
    }
}

/// Length in bytes of the variable name at the start of `text`: a special parameter, digits, or letters, digits and
/// underscores; 0 where there is none.
pub(super) fn name_len(text: &str) -> usize {
    match text.chars().next() {
        Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
        Some(first) if first.is_ascii_digit() => text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()),
        _ => text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()),
    }
}

struct Expander<'t, 'v> {
    how: Expansion,
    text: &'t Text,
    at: usize,
    /// Bytes of values that were copied and searched so far.
    produced: usize,
    lookup: &'t dyn Fn(&str) -> Option<&'v str>,
    details: Details,
}

impl<'v> Expander<'_, 'v> {
    fn peek(&self) -> Option<char> {
        self.text.value[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Notes that `value` goes into the result.
    fn account(&mut self, value: &str) -> Result<(), String> {
        self.produced = self.produced.saturating_add(value.len());
        if self.produced > self.how.limit { Err(self.too_long()) } else { Ok(()) }
    }

    fn too_long(&mut self) -> String {
        self.details.exceeded = Some(&WORD_GROWTH);
        "the value grows too long".to_owned()
    }

    /// Expands up to `stop`, which is consumed, or to the end. With `raw_escapes` the escape characters stay.
    fn until(&mut self, stop: Option<char>, raw_escapes: bool, depth: u32) -> Result<String, String> {
        if depth > WORD_DEPTH.most as u32 {
            self.details.exceeded = Some(&WORD_DEPTH);
            return Err("variables are nested too deeply".to_owned());
        }
        let mut value = String::new();
        while let Some(c) = self.peek() {
            if Some(c) == stop {
                self.next();
                return Ok(value);
            }
            match c {
                '$' => value.push_str(&self.dollar(depth)?),
                '\'' if self.how.quotes => {
                    let rest = &self.text.value[self.at + 1..];
                    let end = rest.find('\'').ok_or("a single quote is not closed")?;
                    value.push_str(&rest[..end]);
                    self.at += end + 2;
                }
                '"' if self.how.quotes => self.double_quoted(&mut value, raw_escapes, depth)?,
                _ => {
                    self.next();
                    if c != self.how.escape {
                        value.push(c);
                        continue;
                    }
                    if raw_escapes {
                        value.push(c);
                    }
                    value.extend(self.next());
                }
            }
        }
        match stop {
            Some(stop) => Err(format!("`{stop}` is missing in a substitution")),
            None => Ok(value),
        }
    }

    fn double_quoted(&mut self, value: &mut String, raw_escapes: bool, depth: u32) -> Result<(), String> {
        self.next();
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.next();
                    return Ok(());
                }
                '$' => value.push_str(&self.dollar(depth)?),
                _ => {
                    self.next();
                    if c == self.how.escape {
                        if raw_escapes {
                            value.push(c);
                        }
                        if let Some(escaped) = self.peek().filter(|&next| matches!(next, '"' | '$') || next == c) {
                            self.next();
                            value.push(escaped);
                            continue;
                        }
                    }
                    value.push(c);
                }
            }
        }
        Err("a double quote is not closed".to_owned())
    }

    /// Reads a name and looks it up.
    fn name(&mut self) -> (Spanned<String>, Option<&'v str>) {
        let range = self.at..self.at + name_len(&self.text.value[self.at..]);
        self.at = range.end;
        let name = Spanned::new(self.text.value[range.clone()].to_owned(), self.text.span_of(range));
        let value = (self.lookup)(&name.value);
        (name, value)
    }

    /// A variable, from its dollar sign.
    fn dollar(&mut self, depth: u32) -> Result<String, String> {
        self.next();
        if self.peek() != Some('{') {
            let (name, value) = self.name();
            if name.value.is_empty() {
                return Ok("$".to_owned());
            }
            return self.plain(name, value);
        }
        self.next();
        if matches!(self.peek(), Some('{' | '}' | ':')) {
            return Err("bad substitution".to_owned());
        }
        let (name, value) = self.name();
        let mut operator = self.next().ok_or("`}` is missing in a substitution")?;
        let colon = operator == ':';
        match operator {
            '}' => return self.plain(name, value),
            '/' => return self.replace(name, value, depth),
            ':' => operator = self.next().ok_or("`}` is missing in a substitution")?,
            '+' | '-' | '?' | '#' | '%' => {}
            _ => return Err(format!("`{operator}` is not an operator of a substitution")),
        }
        let start = self.at;
        let word = self.until(Some('}'), matches!(operator, '#' | '%'), depth + 1)?;
        self.details.used.push(name.clone());
        let written = start..self.at - 1;
        if operator == '-' && !word.is_empty() && !self.text.value[written.clone()].contains('$') {
            self.details.defaults.push(Spanned::new(word.clone(), self.text.span_of(written)));
        }
        let set = value.filter(|value| !(colon && value.is_empty()));
        let result = match (operator, set) {
            ('-', None) | ('+', Some(_)) => word,
            ('+', None) => String::new(),
            ('-' | '?', Some(value)) => value.to_owned(),
            ('?', None) => {
                let message = match (word.as_str(), value) {
                    ("", None) => "it must be set",
                    ("", Some(_)) => "it must not be empty",
                    (message, _) => message,
                };
                let error = format!("{}: {message}", name.value);
                self.details.unresolved.push(name);
                return Err(error);
            }
            ('#' | '%', _) => {
                if value.is_none() {
                    self.details.unresolved.push(name);
                }
                let (word, longest) = word.strip_prefix(operator).map_or((word.as_str(), false), |word| (word, true));
                self.account(value.unwrap_or_default())?;
                strip(value.unwrap_or_default(), word, longest, operator == '%')?
            }
            _ => return Err(format!("`:{operator}` is not an operator of a substitution")),
        };
        self.account(&result)?;
        Ok(result)
    }

    fn plain(&mut self, name: Spanned<String>, value: Option<&str>) -> Result<String, String> {
        if value.is_none() {
            self.details.unresolved.push(name.clone());
        }
        self.details.used.push(name);
        self.account(value.unwrap_or_default())?;
        Ok(value.unwrap_or_default().to_owned())
    }

    /// `${name/pattern/replacement}`, and with two slashes every match.
    fn replace(&mut self, name: Spanned<String>, value: Option<&str>, depth: u32) -> Result<String, String> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.until(Some('/'), true, depth + 1)?;
        let replacement = self.until(Some('}'), true, depth + 1)?;
        self.account(&replacement)?;
        let value = self.plain(name, value)?;
        let regex = pattern_regex(&pattern, true, "")?;
        // What many matches add up to is bounded before it is made.
        let matches = if all { regex.find_iter(&value).count() } else { 1 };
        if matches.saturating_mul(replacement.len()).saturating_add(value.len()) > self.how.limit {
            return Err(self.too_long());
        }
        Ok(regex.replacen(&value, if all { 0 } else { 1 }, NoExpand(&replacement)).into_owned())
    }
}

/// Removes the shortest or longest match of `pattern` from the start or the end of `value`.
fn strip(value: &str, pattern: &str, longest: bool, from_end: bool) -> Result<String, String> {
    if !from_end {
        let regex = pattern_regex(pattern, longest, "^")?;
        return Ok(value[regex.find(value).map_or(0, |found| found.end())..].to_owned());
    }
    // A regular expression finds the leftmost match, so the shortest one at the end is looked for backwards.
    let reversed: String = value.chars().rev().collect();
    let regex = pattern_regex(&reverse_pattern(pattern), longest, "^")?;
    let end = regex.find(&reversed).map_or(0, |found| found.end());
    Ok(reversed[end..].chars().rev().collect())
}

/// The pattern back to front, its escapes kept in front of what they escape.
fn reverse_pattern(pattern: &str) -> String {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        pieces.push((c, escaped));
    }
    pieces.into_iter().rev().flat_map(|(c, escaped)| [Some(c), escaped]).flatten().collect()
}

/// A shell pattern (`*`, `?`, escapes, no brackets) as a regular expression behind `anchor`.
fn pattern_regex(pattern: &str, longest: bool, anchor: &str) -> Result<Regex, String> {
    let mut regex = anchor.to_owned();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '*' => {
                regex.push_str(if longest { ".*" } else { ".*?" });
                continue;
            }
            '?' => {
                regex.push('.');
                continue;
            }
            '\\' => match chars.peek() {
                // These are escaped for the substitution's sake, not for the pattern's.
                Some('}' | '/') => continue,
                Some(&escaped @ ('*' | '?' | '\\')) => {
                    chars.next();
                    escaped
                }
                _ => return Err("bad escape in the pattern of a substitution".to_owned()),
            },
            other => other,
        };
        regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
    }
    let built = RegexBuilder::new(&regex).size_limit(1 << 20).dfa_size_limit(1 << 20).build();
    built.map_err(|_| "the pattern of a substitution is too long".to_owned())
}
