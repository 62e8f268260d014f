//! Interpolation as compose-go does it (`template` package): `$NAME`, `${NAME}` and its operators, `$$`.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use crate::few::Few;
use crate::source::{Span, Spanned, Text, TextBuilder};
use crate::syntax::SyntaxError;

/// Levels of `${A:-${B:-…}}`; what is nested deeper stays literal text.
const MAX_DEPTH: usize = 32;

/// Text with variables in it.
#[derive(Clone, Debug)]
pub struct Template {
    /// The text as YAML or the `.env` reader gives it.
    pub raw: Text,
    /// Its parts in order; none where all of `raw` is literal text.
    pub parts: Few<Part>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug)]
pub enum Part {
    /// Literal text, `$$` already turned into `$`.
    Literal(Text),
    /// A variable.
    Variable(Variable),
}

/// `$NAME`, `${NAME}` or `${NAME:-…}`.
#[derive(Clone, Debug)]
pub struct Variable {
    /// All of it, from the `$`.
    pub span: Span,
    /// Bytes of it in the `raw` of the template that it is a part of.
    pub range: Range<usize>,
    /// Name.
    pub name: Spanned<String>,
    /// Operator and what stands behind it.
    pub operation: Option<Operation>,
}

/// An operator of a variable and its operand.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Which.
    pub operator: Operator,
    /// An empty value counts as unset (the forms with a colon).
    pub colon: bool,
    /// What stands behind the operator.
    pub operand: Template,
}

/// An interpolation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `-`: the operand when unset.
    Default,
    /// `?`: an error when unset.
    Required,
    /// `+`: the operand when set.
    Alternative,
}

impl Template {
    /// Splits a text into its parts. A `$` that starts nothing is literal text; a `${` that starts nothing is too, but is an
    /// error, as it is to Compose.
    pub fn parse(raw: Text) -> (Template, Option<SyntaxError>) {
        if memchr::memchr(b'$', raw.value.as_bytes()).is_none() {
            return (Template::verbatim(raw), None);
        }
        let braces = braces(&raw.value);
        let mut parser = Parser { raw: &raw, braces: &braces, error: None };
        let parts = parser.parts(0..raw.value.len(), 0);
        let error = parser.error;
        (Template { parts: parts.into(), raw }, error)
    }

    /// A text in which `$` means nothing.
    pub fn verbatim(raw: Text) -> Template {
        Template { raw, parts: Few::new() }
    }

    /// The text with its variables replaced, and whether it is known: every variable has a value from `vars`, or its
    /// default was used. A variable without value and default stays as written and makes the text unknown.
    pub fn resolve(&self, vars: &dyn Fn(&str) -> Option<String>) -> (String, bool) {
        match self.literal() {
            Some(literal) => (literal.to_owned(), true),
            None => {
                let (text, known) = self.resolve_text(vars);
                (text.value, known)
            }
        }
    }

    /// Like [`Template::resolve`], with the place of each byte: of a default, where the default stands; of a value from
    /// `vars`, where the variable stands.
    pub fn resolve_text(&self, vars: &dyn Fn(&str) -> Option<String>) -> (Text, bool) {
        if self.parts.is_empty() {
            return (self.raw.clone(), true);
        }
        let mut text = TextBuilder::default();
        let mut known = true;
        for part in &self.parts {
            let (piece, certain) = self.resolve_part(part, vars);
            known &= certain;
            // A value from outside has the place of its variable, whatever its length.
            text.cut();
            text.push_text(&piece, 0..piece.value.len());
        }
        (text.finish(self.raw.span), known)
    }

    fn resolve_part<'t>(&self, part: &'t Part, vars: &dyn Fn(&str) -> Option<String>) -> (Cow<'t, Text>, bool) {
        match part {
            Part::Literal(text) => (Cow::Borrowed(text), true),
            Part::Variable(variable) => match variable.resolve(vars) {
                Some((text, known)) => (Cow::Owned(text), known),
                None => (Cow::Owned(self.raw.slice(variable.range.clone())), false),
            },
        }
    }

    /// The template of the bytes `range` of what this one resolves to. A variable that is only partly inside counts as
    /// the text that it stands for.
    pub fn slice(&self, range: Range<usize>, vars: &dyn Fn(&str) -> Option<String>) -> Template {
        if self.parts.is_empty() {
            return Template::verbatim(self.raw.slice(range));
        }
        if let [Part::Literal(text)] = &*self.parts {
            return Template::verbatim(text.slice(range));
        }
        let mut raws = Vec::with_capacity(self.parts.len());
        let mut parts = Vec::with_capacity(self.parts.len());
        let mut length = 0;
        let mut at = 0;
        for part in &self.parts {
            let (text, _) = self.resolve_part(part, vars);
            let here = at..at + text.value.len();
            at = here.end;
            let start = range.start.max(here.start);
            let end = range.end.min(here.end);
            if start >= end {
                continue;
            }
            let (raw, part) = match part {
                Part::Variable(variable) if (start, end) == (here.start, here.end) => {
                    let raw = self.raw.slice(variable.range.clone());
                    let range = length..length + raw.value.len();
                    (raw, Part::Variable(Variable { range, ..variable.clone() }))
                }
                _ => {
                    let piece = text.slice(start - here.start..end - here.start);
                    (piece.clone(), Part::Literal(piece))
                }
            };
            length += raw.value.len();
            raws.push(raw);
            parts.push(part);
        }
        let span = match (raws.first(), raws.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span { end: self.raw.span.start, ..self.raw.span },
        };
        Template { raw: Text::concat(&raws, span), parts: parts.into() }
    }

    /// Whether there is any variable, with or without a default.
    pub fn has_variables(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable(_)))
    }

    /// The text if there is no variable in it.
    pub fn literal(&self) -> Option<&str> {
        match &*self.parts {
            [] => Some(self.raw.as_str()),
            [Part::Literal(text)] => Some(text.as_str()),
            _ => None,
        }
    }

    /// The defaults that are literal text, such as `secret` in `${PASSWORD:-secret}`; nested ones too, empty ones not.
    pub fn literal_defaults(&self) -> impl Iterator<Item = &Text> {
        let mut found = Vec::new();
        let mut pending = vec![self];
        while let Some(template) = pending.pop() {
            for variable in template.variables() {
                let Some(operation) = &variable.operation else {
                    continue;
                };
                match &*operation.operand.parts {
                    [] if operation.operand.raw.value.is_empty() => {}
                    [] if operation.operator == Operator::Default => found.push(&operation.operand.raw),
                    [Part::Literal(text)] if operation.operator == Operator::Default => found.push(text),
                    _ => pending.push(&operation.operand),
                }
            }
        }
        found.into_iter()
    }

    /// The variables of the text, not those inside operands.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Literal(_) => None,
        })
    }
}

impl Variable {
    /// The value, and whether it is known; `None` where there is neither a value nor a default.
    fn resolve(&self, vars: &dyn Fn(&str) -> Option<String>) -> Option<(Text, bool)> {
        let value = vars(&self.name.value);
        let Some(operation) = &self.operation else {
            return value.map(|value| (self.text(value), true));
        };
        let value = value.filter(|value| !operation.colon || !value.is_empty());
        match (operation.operator, value) {
            (Operator::Default, None) | (Operator::Alternative, Some(_)) => Some(operation.operand.resolve_text(vars)),
            (Operator::Alternative, None) => Some((self.text(String::new()), true)),
            (Operator::Default | Operator::Required, Some(value)) => Some((self.text(value), true)),
            (Operator::Required, None) => None,
        }
    }

    /// A value that comes from outside, placed at the variable.
    fn text(&self, value: String) -> Text {
        let width = (self.span.end - self.span.start) as usize;
        if value.len() <= width {
            return Text::verbatim(value, self.span);
        }
        // No byte of a long value may be placed behind the variable.
        let mut pieces = Vec::new();
        let mut rest = value.as_str();
        while !rest.is_empty() {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let piece = &rest[..rest.floor_char_boundary(width).max(first)];
            pieces.push(Text::verbatim(piece, self.span));
            rest = &rest[piece.len()..];
        }
        Text::concat(&pieces, self.span)
    }
}

/// Every `${` and the `}` that closes it, in the order of the `${`. As in compose-go, a `{` alone does not count.
fn braces(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'$', b'}', &bytes[at..]) {
        at += found;
        if bytes[at] == b'}' {
            if let Some(start) = open.pop() {
                pairs.push((start, at));
            }
        } else if bytes.get(at + 1) == Some(&b'{') {
            open.push(at);
            at += 1;
        }
        at += 1;
    }
    pairs.sort_unstable();
    pairs
}

struct Parser<'a> {
    raw: &'a Text,
    braces: &'a [(usize, usize)],
    error: Option<SyntaxError>,
}

impl Parser<'_> {
    /// The parts of the bytes `range` of the text.
    fn parts(&mut self, range: Range<usize>, depth: usize) -> Vec<Part> {
        let text = &self.raw.value;
        let mut parts = Vec::new();
        let mut literal: Vec<Range<usize>> = Vec::new();
        let mut from = range.start;
        let mut at = range.start;
        while let Some(found) = memchr::memchr(b'$', &text.as_bytes()[at..range.end]) {
            at += found;
            if text.as_bytes()[at + 1..range.end].first() == Some(&b'$') {
                literal.push(from..at + 1);
                at += 2;
                from = at;
                continue;
            }
            match self.variable(at, range.end, range.start, depth) {
                Some((end, variable)) => {
                    literal.push(from..at);
                    self.literal(&mut literal, &mut parts);
                    parts.push(Part::Variable(variable));
                    at = end;
                    from = at;
                }
                None => {
                    // A `$` alone is literal text.
                    if text.as_bytes()[at + 1..range.end].first() == Some(&b'{') {
                        self.error.get_or_insert_with(|| {
                            let message = "this `${` starts no variable; a literal one is written `$${`";
                            SyntaxError::new(self.raw.span_of(at..at + 2), message)
                        });
                    }
                    at += 1;
                }
            }
        }
        literal.push(from..range.end);
        self.literal(&mut literal, &mut parts);
        // There are many templates, and most have one part.
        parts.shrink_to_fit();
        parts
    }

    /// Adds the collected pieces of literal text as one part.
    fn literal(&self, pieces: &mut Vec<Range<usize>>, parts: &mut Vec<Part>) {
        pieces.retain(|piece| !piece.is_empty());
        let texts: Vec<Text> = pieces.drain(..).map(|piece| self.raw.slice(piece)).collect();
        match texts.as_slice() {
            [] => {}
            [_] => parts.extend(texts.into_iter().map(Part::Literal)),
            [first, .., last] => parts.push(Part::Literal(Text::concat(&texts, first.span.to(last.span)))),
        }
    }

    /// The variable whose `$` is at `at`, and where it ends. `base` is where the template that it is a part of starts.
    fn variable(&mut self, at: usize, limit: usize, base: usize, depth: usize) -> Option<(usize, Variable)> {
        let text = self.raw.value.as_str();
        let braced = text.as_bytes()[at + 1..limit].first() == Some(&b'{');
        let name_start = at + 1 + usize::from(braced);
        let name_end = name_start + name_length(&text[name_start..limit]);
        if name_end == name_start {
            return None;
        }
        let name = Spanned::new(text[name_start..name_end].to_owned(), self.raw.span_of(name_start..name_end));
        let mut operation = None;
        let mut end = name_end;
        if braced {
            let pair = self.braces.binary_search_by_key(&at, |&(open, _)| open).ok()?;
            let close = self.braces[pair].1;
            if close >= limit {
                return None;
            }
            end = close + 1;
            if name_end != close {
                operation = Some(self.operation(name_end..close, depth)?);
            }
        }
        let variable = Variable { span: self.raw.span_of(at..end), range: at - base..end - base, name, operation };
        Some((end, variable))
    }

    /// The operator and operand that stand in `range`, behind a name.
    fn operation(&mut self, range: Range<usize>, depth: usize) -> Option<Operation> {
        let text = &self.raw.value[range.clone()];
        let colon = text.starts_with(':');
        let operator = match text.as_bytes().get(usize::from(colon))? {
            b'-' => Operator::Default,
            b'?' => Operator::Required,
            b'+' => Operator::Alternative,
            _ => return None,
        };
        let operand = range.start + usize::from(colon) + 1..range.end;
        let raw = self.raw.slice(operand.clone());
        let template = if depth < MAX_DEPTH {
            Template { parts: self.parts(operand, depth + 1).into(), raw }
        } else {
            self.error.get_or_insert_with(|| SyntaxError::new(raw.span, "variables are nested too deeply"));
            Template::verbatim(raw)
        };
        Some(Operation { operator, colon, operand: template })
    }
}

/// Length of the variable name at the start of `text`.
fn name_length(text: &str) -> usize {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if text.starts_with(|first: char| first.is_ascii_digit()) { 0 } else { length }
}
