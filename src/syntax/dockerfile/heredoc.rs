//! Here-documents: which words of a line open one, as BuildKit finds them with its own word lexer.
//!
//! The lexer goes over the whole joined line, keyword included, always with `\` as its escape character whatever
//! `# escape=` says. A line that it cannot lex (an open quote, a `${` that it does not know) has no here-documents.

use std::ops::Range;

/// A word that opens a here-document.
pub(super) struct Opener {
    /// Where the delimiter is in the line, quotes included.
    pub delimiter: Range<usize>,
    /// The delimiter without quotes.
    pub name: String,
    /// The delimiter has no quotes.
    pub expand: bool,
    /// `<<-`.
    pub chomp: bool,
}

/// A word with `<<` whose delimiter does not lex by itself, which BuildKit refuses.
pub(super) struct BadDelimiter(pub Range<usize>);

/// The words of `line` that open a here-document.
pub(super) fn openers(line: &str) -> Result<Vec<Opener>, BadDelimiter> {
    let mut found = Vec::new();
    for word in lex_words(line).unwrap_or_default() {
        found.extend(opener(line, word)?);
    }
    Ok(found)
}

/// Reads the word at `range` of `line` as `[fd]<<[-][blanks]delimiter`; `None` where it is something else.
pub(super) fn opener(line: &str, range: Range<usize>) -> Result<Option<Opener>, BadDelimiter> {
    let word = &line[range.clone()];
    let Some(rest) = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<") else {
        return Ok(None);
    };
    let (chomp, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let rest = rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let start = range.end - rest.len();
    let Some(words) = lex_words(rest) else {
        return Err(BadDelimiter(range));
    };
    let [only] = words.as_slice() else {
        return Ok(None);
    };
    let delimiter = start + only.start..start + only.end;
    let (name, quoted) = unquote(&line[delimiter.clone()]);
    Ok((!name.is_empty()).then_some(Opener { delimiter, name, expand: !quoted, chomp }))
}

/// What the lexer is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Frame {
    /// Double quotes.
    Quote,
    /// `${name…` up to its `}`.
    Brace,
    /// `${name/…` up to the second `/`.
    Pattern,
}

/// The words of a line with quotes, escapes and variables left as they are; `None` where it does not lex.
fn lex_words(line: &str) -> Option<Vec<Range<usize>>> {
    let bytes = line.as_bytes();
    let mut words = Vec::new();
    let mut start = None;
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let from = at;
        // White space splits everywhere but in quotes of the top level: what `${…}` holds is split like the rest.
        let mut splits = frames.first() != Some(&Frame::Quote);
        at += 1;
        match (frames.last(), byte) {
            (Some(Frame::Quote), b'"') => drop(frames.pop()),
            (Some(Frame::Quote), b'\\') => {
                if matches!(bytes.get(at), Some(b'"' | b'$' | b'\\')) {
                    at += 1;
                }
            }
            (Some(Frame::Brace), b'}') => drop(frames.pop()),
            (Some(Frame::Pattern), b'/') => {
                frames.pop();
                frames.push(Frame::Brace);
            }
            (_, b'$') => at = dollar(line, at, &mut frames)?,
            (Some(Frame::Quote), _) => {}
            (_, b'\'') => {
                splits &= !frames.is_empty();
                at += memchr::memchr(b'\'', &bytes[at..])? + 1;
            }
            (_, b'"') => frames.push(Frame::Quote),
            (_, b'\\') => {
                splits &= !frames.is_empty();
                at += line[at..].chars().next().map_or(0, char::len_utf8);
            }
            (_, b'<') if bytes.get(at) == Some(&b'<') => {
                at += 1;
                if frames.is_empty() {
                    // The delimiter may stand behind blanks (BuildKit since 2025-05).
                    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
                        at += 1;
                    }
                    splits = false;
                }
            }
            _ => {}
        }
        while !line.is_char_boundary(at) {
            at += 1;
        }
        if splits && line[from..at].contains(char::is_whitespace) {
            for (offset, c) in line[from..at].char_indices() {
                if c.is_whitespace() {
                    words.extend(start.take().map(|start| start..from + offset));
                } else {
                    start.get_or_insert(from + offset);
                }
            }
        } else {
            start.get_or_insert(from);
        }
    }
    words.extend(start.map(|start| start..bytes.len()));
    frames.is_empty().then_some(words)
}

/// Reads a variable behind its `$`; for `${name` with an operator it opens a frame for what follows.
fn dollar(line: &str, at: usize, frames: &mut Vec<Frame>) -> Option<usize> {
    let bytes = line.as_bytes();
    if bytes.get(at) != Some(&b'{') {
        return Some(at + super::expand::name_len(&line[at..]));
    }
    let at = at + 1;
    if matches!(bytes.get(at)?, b'{' | b'}' | b':') {
        return None;
    }
    let at = at + super::expand::name_len(&line[at..]);
    match bytes.get(at)? {
        b'}' => return Some(at + 1),
        // Behind the colon any operator goes, because no variable is set here.
        b':' => {
            frames.push(Frame::Brace);
            return Some(at + 1 + line[at + 1..].chars().next()?.len_utf8());
        }
        b'+' | b'-' | b'?' | b'#' | b'%' => frames.push(Frame::Brace),
        b'/' => {
            frames.push(Frame::Pattern);
            return Some(if bytes.get(at + 1) == Some(&b'/') { at + 2 } else { at + 1 });
        }
        _ => return None,
    }
    Some(at + 1)
}

/// A delimiter without its quotes and escapes, and whether it had quotes.
fn unquote(word: &str) -> (String, bool) {
    let mut value = String::with_capacity(word.len());
    let mut quote = None;
    let mut quoted = false;
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                quoted = true;
            }
            (None, '\\') => value.extend(chars.next()),
            (Some('"'), '\\') => match chars.peek() {
                Some('"' | '$' | '\\') => value.extend(chars.next()),
                _ => value.push(c),
            },
            _ => value.push(c),
        }
    }
    (value, quoted)
}
