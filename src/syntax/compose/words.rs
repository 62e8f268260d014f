//! The words of a command that is written as one string. compose-go splits it with go-shellwords and runs no shell:
//! what an unquoted `;`, `&`, `|`, `<` or `>` starts is dropped.

use super::{Form, Invocation, Scalar};
use crate::source::{Text, TextBuilder};

impl Invocation {
    /// The words that are run, each with the place of its bytes: the items of a list, or a string split by compose-go's
    /// rules. Empty for a string that Compose refuses (an open quote, a bare parenthesis).
    pub fn words(&self) -> Vec<Text> {
        match &self.form {
            Form::List(items) => items.iter().map(|item| item.text().clone()).collect(),
            Form::Text(scalar) => split(scalar).unwrap_or_default(),
        }
    }

    /// Whether Compose refuses the string (an open quote, a bare parenthesis).
    pub fn is_malformed(&self) -> bool {
        matches!(&self.form, Form::Text(scalar) if split(scalar).is_none())
    }
}

/// What a character stands in.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    SingleQuotes,
    DoubleQuotes,
    Backquotes,
    /// `$(…)`.
    Substitution,
}

fn split(scalar: &Scalar) -> Option<Vec<Text>> {
    let text = scalar.text();
    let mut words = Vec::new();
    let mut word = Word::default();
    let mut inside = Inside::Nothing;
    let mut chars = text.value.char_indices();
    while let Some((at, character)) = chars.next() {
        let end = at + character.len_utf8();
        match (character, inside) {
            ('\\', Inside::SingleQuotes) => word.push(text, at..end, None),
            ('\\', _) => {
                let (next, escaped) = chars.next()?;
                let meaning = match escaped {
                    't' => Some("\t"),
                    'n' => Some("\n"),
                    _ => None,
                };
                word.push(text, next..next + escaped.len_utf8(), meaning);
            }
            (' ' | '\t' | '\r' | '\n', Inside::Nothing) => word.finish(text, &mut words),
            ('"', Inside::Nothing) => {
                inside = Inside::DoubleQuotes;
                word.open(at);
            }
            ('"', Inside::DoubleQuotes) | ('\'', Inside::SingleQuotes) => {
                inside = Inside::Nothing;
                word.close(end);
            }
            ('\'', Inside::Nothing) => {
                inside = Inside::SingleQuotes;
                word.open(at);
            }
            ('`', Inside::Nothing) => {
                inside = Inside::Backquotes;
                word.push(text, at..end, None);
            }
            ('`', Inside::Backquotes) | (')', Inside::Substitution) => {
                inside = Inside::Nothing;
                word.push(text, at..end, None);
            }
            ('(', Inside::Nothing) => {
                if !word.builder_ends_with_dollar {
                    return None;
                }
                inside = Inside::Substitution;
                word.push(text, at..end, None);
            }
            ('(', Inside::Substitution) | (')', Inside::Nothing) => return None,
            (';' | '&' | '|' | '<' | '>', Inside::Nothing) => {
                // The number of a redirection such as `2>` is no word.
                if character == '>' && word.starts_with_digit {
                    word = Word::default();
                }
                break;
            }
            _ => word.push(text, at..end, None),
        }
    }
    if inside != Inside::Nothing {
        return None;
    }
    word.finish(text, &mut words);
    Some(words)
}

#[derive(Default)]
struct Word {
    builder: TextBuilder,
    /// Bytes of the command that the word was read from, quotes included.
    range: Option<(usize, usize)>,
    builder_ends_with_dollar: bool,
    starts_with_digit: bool,
}

impl Word {
    fn open(&mut self, at: usize) {
        self.range.get_or_insert((at, at + 1));
    }

    fn close(&mut self, end: usize) {
        self.range = Some((self.range.map_or(end, |(start, _)| start), end));
        self.builder_ends_with_dollar = false;
    }

    fn push(&mut self, text: &Text, range: std::ops::Range<usize>, meaning: Option<&str>) {
        let piece = &text.value[range.clone()];
        let source = text.span_of(range.clone()).start as usize;
        if self.builder.is_empty() {
            self.starts_with_digit = piece.starts_with(|first: char| first.is_ascii_digit());
        }
        self.builder.push(meaning.unwrap_or(piece), source);
        if meaning.is_some() {
            self.builder.cut();
        }
        self.builder_ends_with_dollar = piece == "$";
        self.range = Some((self.range.map_or(range.start, |(start, _)| start), range.end));
    }

    fn finish(&mut self, text: &Text, words: &mut Vec<Text>) {
        let word = std::mem::take(self);
        if let Some((start, end)) = word.range {
            words.push(word.builder.finish(text.span_of(start..end)));
        }
    }
}
