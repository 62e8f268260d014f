//! Words: quote removal as in section 2.2 of the POSIX shell language, and `$'…'` as bash reads it.

use std::ops::Range;

use super::Word;
use crate::source::{Text, TextBuilder};

/// The word in the bytes `range` of `script`; `expansions` are the ranges in it that the shell replaces, in order.
pub(super) fn build(script: &Text, range: Range<usize>, expansions: &[Range<usize>]) -> Word {
    let bytes = script.value.as_bytes();
    let plain =
        expansions.is_empty() && !bytes[range.clone()].iter().any(|b| matches!(b, b'\\' | b'\'' | b'"' | b'$' | b'`'));
    if plain {
        return Word { text: script.slice(range), literal: true };
    }
    let mut reader = Reader { script, end: range.end, run: range.start, built: TextBuilder::default(), literal: true };
    reader.read(expansions);
    Word { text: reader.built.finish(script.span_of(range)), literal: reader.literal }
}

/// The two words as one.
pub(super) fn join(first: &Word, second: &Word) -> Word {
    let mut built = TextBuilder::default();
    built.push_text(&first.text, 0..first.text.value.len());
    built.push_text(&second.text, 0..second.text.value.len());
    Word { text: built.finish(first.text.span.to(second.text.span)), literal: first.literal && second.literal }
}

/// The ranges of the words in `range`, which are separated by blanks and line ends.
pub(super) fn split(script: &Text, range: Range<usize>, expansions: &[Range<usize>]) -> Vec<Range<usize>> {
    let bytes = script.value.as_bytes();
    let mut expansions = expansions.iter().peekable();
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut at = range.start;
    while at < range.end {
        if let Some(expansion) = expansions.next_if(|e| e.start <= at) {
            start.get_or_insert(at);
            at = at.max(expansion.end);
            continue;
        }
        let byte = bytes[at];
        let escaped = byte == b'\\' && quote != Some(b'\'');
        if escaped && matches!(bytes.get(at + 1), Some(b'\n')) {
            at += 2;
            continue;
        }
        if quote.is_none() && matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            words.extend(start.take().map(|start| start..at));
            at += 1;
            continue;
        }
        start.get_or_insert(at);
        match (byte, quote) {
            (b'\'' | b'"', None) => quote = Some(byte),
            (_, Some(open)) if open == byte => quote = None,
            _ => {}
        }
        at += if escaped { 2 } else { 1 };
    }
    words.extend(start.map(|start| start..range.end));
    words
}

struct Reader<'t> {
    script: &'t Text,
    end: usize,
    /// Start of the bytes that are kept as they are and not yet in `built`.
    run: usize,
    built: TextBuilder,
    literal: bool,
}

impl Reader<'_> {
    /// Keeps the bytes up to `end` and goes on at `next`.
    fn keep(&mut self, end: usize, next: usize) {
        if self.run < end {
            self.built.push_text(self.script, self.run..end);
        }
        self.run = next;
    }

    fn read(&mut self, expansions: &[Range<usize>]) {
        let bytes = &self.script.value.as_bytes()[..self.end];
        let mut expansions = expansions.iter().peekable();
        let mut double = false;
        let mut at = self.run;
        while at < self.end {
            while expansions.next_if(|e| e.start < at).is_some() {}
            if let Some(expansion) = expansions.next_if(|e| e.start == at && e.end > at) {
                self.literal = false;
                at = expansion.end.min(self.end);
                continue;
            }
            let next = bytes.get(at + 1).copied();
            match bytes[at] {
                b'\\' => {
                    let kept = matches!(next, Some(b'$' | b'`' | b'"' | b'\\' | b'\n'));
                    match next {
                        Some(b'\n') => self.keep(at, at + 2),
                        Some(_) if !double || kept => self.keep(at, at + 1),
                        _ => {}
                    }
                    at += 2;
                }
                b'"' => {
                    double = !double;
                    self.keep(at, at + 1);
                    at += 1;
                }
                b'\'' if !double => {
                    let close = memchr::memchr(b'\'', &bytes[at + 1..]).map_or(self.end, |i| at + 1 + i);
                    self.keep(at, at + 1);
                    self.keep(close, close + 1);
                    at = close + 1;
                }
                b'$' if !double && next == Some(b'\'') => {
                    self.keep(at, at + 2);
                    at = self.ansi_c(at + 2);
                }
                b'$' if !double && next == Some(b'"') => {
                    self.keep(at, at + 1);
                    at += 1;
                }
                b'$' => {
                    if next.is_some_and(|b| b.is_ascii_alphanumeric() || b"_{([@*#?!$-".contains(&b)) {
                        self.literal = false;
                    }
                    at += 1;
                }
                b'`' => {
                    self.literal = false;
                    at += 1;
                }
                _ => at += 1,
            }
        }
        self.keep(self.end, self.end);
    }

    /// Reads the inside of `$'…'` from `at`; gives the offset behind its closing quote.
    fn ansi_c(&mut self, mut at: usize) -> usize {
        let bytes = &self.script.value.as_bytes()[..self.end];
        while at < self.end {
            match bytes[at] {
                b'\'' => {
                    self.keep(at, at + 1);
                    return at + 1;
                }
                b'\\' => {
                    let (meaning, length) = escape(&bytes[at + 1..]);
                    if let Some(meaning) = meaning {
                        self.keep(at, at + 1 + length);
                        self.built
                            .push(meaning.encode_utf8(&mut [0; 4]), self.script.span_of(at..at + 1).start as usize);
                        self.built.cut();
                        at += 1 + length;
                    } else {
                        at += 2;
                    }
                }
                _ => at += 1,
            }
        }
        at
    }
}

/// Meaning of the escape behind a backslash in `$'…'` and its length in bytes; none where the backslash stays.
fn escape(rest: &[u8]) -> (Option<char>, usize) {
    let digits = |skip: usize, most: usize, radix: u32| {
        let digits = rest.iter().skip(skip).take(most).map_while(|&b| (b as char).to_digit(radix));
        let (value, count) = digits.fold((0, 0), |(value, count), digit| (value * radix + digit, count + 1));
        if count == 0 { (None, 0) } else { (char::from_u32(value), skip + count) }
    };
    let simple = match rest.first() {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'a') => '\u{7}',
        Some(b'b') => '\u{8}',
        Some(b'e' | b'E') => '\u{1b}',
        Some(b'f') => '\u{c}',
        Some(b'v') => '\u{b}',
        Some(&b @ (b'\\' | b'\'' | b'"' | b'?')) => b as char,
        Some(b'0'..=b'7') => return digits(0, 3, 8),
        Some(b'x') => return digits(1, 2, 16),
        Some(b'u') => return digits(1, 4, 16),
        Some(b'U') => return digits(1, 8, 16),
        _ => return (None, 0),
    };
    (Some(simple), 1)
}
