//! What tree-sitter-bash reads otherwise than the shell, and how that is put right.
//!
//! A script that the grammar gets wrong is changed and parsed again. A change keeps every length, so every offset in the
//! tree is one of the text, and the text's own bytes are what the model holds.

use std::ops::Range;

use crate::source::{Text, TextBuilder};

/// The script with two spellings changed that the grammar does not know: `!` before a compound command, and the end of
/// a compound command right before a keyword (`fi fi`, `} done`). Nothing where there are none.
pub(super) fn relaxed(script: &str) -> Option<String> {
    let mut changes: Vec<(usize, &str)> = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    for word in script.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()) {
        let start = word.as_ptr() as usize - script.as_ptr() as usize;
        if let Some((at, previous)) = before {
            let opens = matches!(word, "{" | "if" | "while" | "until" | "for" | "case");
            let closes = matches!(previous, "fi" | "done" | "esac") || previous.ends_with([')', '}']);
            let keyword = word.trim_end_matches([';', ')']);
            if previous == "!" && opens {
                changes.push((at, " "));
            } else if closes && matches!(keyword, "then" | "elif" | "else" | "fi" | "do" | "done" | "esac" | "}") {
                changes.push((at + previous.len(), ";"));
            }
        }
        before = Some((start, word));
    }
    if changes.is_empty() {
        return None;
    }
    let mut changed = String::with_capacity(script.len());
    let mut from = 0;
    for (at, replacement) in changes {
        changed.push_str(&script[from..at]);
        changed.push_str(replacement);
        from = at + 1;
    }
    changed.push_str(&script[from..]);
    Some(changed)
}

/// `range` with the escaped blanks before it, which begin a word but are blanks to the grammar.
pub(super) fn escaped_blanks(script: &str, range: Range<usize>) -> Range<usize> {
    let bytes = script.as_bytes();
    let mut start = range.start;
    while start >= 2 && bytes[start - 2] == b'\\' && matches!(bytes[start - 1], b' ' | b'\t') {
        let backslashes = bytes[..start - 1].iter().rev().take_while(|&&byte| byte == b'\\').count();
        if backslashes % 2 == 0 {
            break;
        }
        start -= 2;
    }
    start..range.end
}

/// Where the delimiter starts that the grammar found in `range`, if it is indented as the shell does not allow it.
pub(super) fn false_end(script: &str, range: Range<usize>, strip: bool) -> Option<usize> {
    let blanks = script[range.clone()].len() - script[range.clone()].trim_start().len();
    let start = range.start + blanks;
    let line = script[..start].rfind('\n').map_or(0, |line_end| line_end + 1);
    let indented = if strip { script[line..start].trim_start_matches('\t') } else { &script[line..start] };
    let ascii = script.as_bytes().get(start).is_some_and(u8::is_ascii);
    (!indented.is_empty() && ascii).then_some(start)
}

/// The offset before the escaped line ends that are right before `at`.
pub(super) fn line_start(script: &str, at: usize) -> usize {
    script[..at].trim_end_matches("\\\n").len()
}

/// The body of a here-document; with `strip` without the tabs that its lines start with.
pub(super) fn body(script: &Text, range: Range<usize>, strip: bool) -> Text {
    if !strip {
        return script.slice(range);
    }
    let mut built = TextBuilder::default();
    let mut at = range.start;
    for line in script.value[range.clone()].split_inclusive('\n') {
        let tabs = line.len() - line.trim_start_matches('\t').len();
        built.push_text(script, at + tabs..at + line.len());
        at += line.len();
    }
    built.finish(script.span_of(range))
}
