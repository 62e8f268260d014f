//! The short way for scripts of plain commands.
//!
//! Most of what RUN instructions and commands say is simple commands of plain words, joined by `&&`, `||`, `|`, `;` and line
//! ends. Those are read here, at a small part of the cost of the grammar. Whatever could mean anything else is left to
//! the grammar, and the model is the same: both ways put it together with the same steps.

use std::ops::Range;

use super::super::tree::Kind;
use super::{Lowering, Place};
use crate::source::Text;

/// Bytes of a script that is read here: far below every limit of the grammar's way.
const MAX_BYTES: usize = 8 * 1024;

/// Words that are no plain words, at least as the first of a command.
const SPECIAL: &[&str] = &[
    "case", "coproc", "declare", "do", "done", "elif", "else", "esac", "export", "fi", "for", "function", "if", "in",
    "local", "readonly", "select", "then", "time", "typeset", "unset", "unsetenv", "until", "while",
];

/// What a byte may be part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Blank,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Word,
            b'_' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',' | b'=' | b'-' | b'*' => Class::Word,
            b' ' | b'\t' => Class::Blank,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// Reads all of `text` into `lowering`; `false`, with nothing that can be used, where the grammar is needed.
pub(super) fn read(lowering: &mut Lowering, text: &Text) -> bool {
    let bytes = text.value.as_bytes();
    if bytes.len() > MAX_BYTES {
        return false;
    }
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    // What the last operator asks for: a command in front of it, and one behind it.
    let (mut after_command, mut wants_command) = (false, true);
    while at < bytes.len() {
        let next = bytes.get(at + 1).copied();
        match bytes[at] {
            b' ' | b'\t' => at += 1,
            b'\n' => {
                lowering.operator(Kind::Then);
                after_command = false;
                at += 1;
            }
            byte @ (b'&' | b'|' | b';') => {
                let doubled = next == Some(byte);
                let kind = match (byte, doubled) {
                    (b'&', true) => Kind::And,
                    (b'|', true) => Kind::Or,
                    (b'|', false) if next != Some(b'&') => Kind::Pipe,
                    (b';', false) => Kind::Then,
                    _ => return false,
                };
                if !after_command {
                    return false;
                }
                lowering.operator(kind);
                (after_command, wants_command) = (false, kind != Kind::Then);
                at += 1 + usize::from(doubled);
            }
            _ => {
                words.clear();
                let Some(end) = command(bytes, at, &mut words) else { return false };
                if !add(lowering, text, &words) {
                    return false;
                }
                (after_command, wants_command) = (true, false);
                at = end;
            }
        }
    }
    !wants_command
}

/// Finds the words of the command at `at`, and where it ends.
fn command(bytes: &[u8], mut at: usize, words: &mut Vec<Range<usize>>) -> Option<usize> {
    loop {
        let end = word(bytes, at)?;
        words.push(at..end);
        at = end;
        while bytes.get(at).is_some_and(|&byte| CLASSES[usize::from(byte)] == Class::Blank) {
            at += 1;
        }
        if matches!(bytes.get(at), None | Some(b'\n' | b'&' | b'|' | b';')) {
            return Some(at);
        }
    }
}

/// The end of the word at `at`, which has at least one byte.
fn word(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut composed = false;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            byte if CLASSES[usize::from(byte)] == Class::Word => {
                at += 1;
                continue;
            }
            b'"' => double_quoted(bytes, at)?,
            b'\'' => single_quoted(bytes, at)?,
            // Behind another such part the grammar may end the word in front of the name.
            b'$' if composed && bytes.get(at + 1) != Some(&b'{') => return None,
            b'$' => variable(bytes, at)?,
            b' ' | b'\t' | b'\n' | b'&' | b'|' | b';' => break,
            _ => return None,
        };
        composed = true;
    }
    (at > start).then_some(at)
}

fn double_quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at = match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'$' => variable(bytes, at)?,
            b'\\' | b'`' => return None,
            b' '..=b'~' => at + 1,
            _ => return None,
        };
    }
}

fn single_quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let inside = &bytes[start + 1..];
    let length = memchr::memchr(b'\'', inside)?;
    inside[..length].iter().all(|byte| matches!(byte, b' '..=b'~')).then_some(start + length + 2)
}

/// The end of the `$NAME` or `${NAME}` at `at`.
fn variable(bytes: &[u8], at: usize) -> Option<usize> {
    let braced = bytes.get(at + 1) == Some(&b'{');
    let name = at + 1 + usize::from(braced);
    let length = bytes[name..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let end = name + length;
    if length == 0 || bytes[name].is_ascii_digit() {
        return None;
    }
    if braced { (bytes.get(end) == Some(&b'}')).then_some(end + 1) } else { Some(end) }
}

/// Adds the command that `words` make; `false` where one of them may mean something else.
fn add(lowering: &mut Lowering, text: &Text, words: &[Range<usize>]) -> bool {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    let word = |range: &Range<usize>| &text.value[range.clone()];
    let assignments = words.iter().take_while(|range| is_assignment(word(range))).count();
    let rest = &words[assignments..];
    // The grammar ends the name of a command before some characters that may stand in one.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    let named = rest.first().is_none_or(|range| word(range).bytes().all(plain) && word(range) != "-");
    if !named || rest.iter().any(|range| SPECIAL.contains(&word(range)) || word(range).starts_with('=')) {
        return false;
    }
    let command = lowering.begin_command(first.start..last.end);
    lowering.script.commands[command].words.reserve_exact(rest.len());
    for (index, range) in words.iter().enumerate() {
        let place = if index < assignments { Place::Assignment(command) } else { Place::Argument(command) };
        lowering.word(place, range.clone(), 0);
    }
    true
}

/// Whether a word in front of a command's name gives a variable a value that is not empty.
fn is_assignment(word: &str) -> bool {
    let Some((name, value)) = word.split_once('=') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    // `_` alone is another variable to the grammar, and a quote right behind the `=` may end the value.
    name != "_"
        && !value.is_empty()
        && !value.starts_with('\'')
        && name.bytes().all(plain)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
}
