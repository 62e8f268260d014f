//! Words that resemble one another, and text that is safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` on one line and without anything that acts on a terminal: control characters, line and paragraph separators,
/// the characters that turn the direction of text, and invisible ones become escapes such as `\u{1b}` or `\n`, and so do
/// the marks that pile up over one character. Neither does it hold a command to the CI system that logs it: see
/// [`commands`].
pub fn visible(text: &str) -> Cow<'_, str> {
    // Nearly every text is plain.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'[') {
        return Cow::Borrowed(text);
    }
    let mut commands = commands(text).peekable();
    let mut piled = piled(text).peekable();
    let first = text.find(acts).into_iter().chain(commands.peek().copied()).chain(piled.peek().copied()).min();
    let Some(first) = first else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for (at, character) in text[first..].char_indices() {
        let piled = piled.next_if_eq(&(first + at)).is_some();
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '#' if commands.next_if_eq(&(first + at)).is_some() => out.push_str("\\u{23}"),
            _ if piled || acts(character) => write!(out, "\\u{{{:x}}}", u32::from(character)).unwrap_or_default(),
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// [`visible`] text where a line starts with it, of which GitHub's runner takes none for a command: it reads a line as one
/// that has `::` as its first characters but for space.
pub fn line_start(text: &str) -> String {
    let text = visible(text);
    match text.trim_start().strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => text.into_owned(),
    }
}

/// [`line_start`] of a path, which is the same file's with `./` before it.
pub fn path_line_start(path: &str) -> String {
    let path = visible(path);
    if path.trim_start().starts_with("::") { format!("./{path}") } else { path.into_owned() }
}

/// Where `text` holds commands to a CI system, as offsets of their second `#`: the runners of GitHub (`##[error]`) and
/// of Azure Pipelines (`##vso[…]`) take them anywhere in a line of a log.
pub fn commands(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('[').filter_map(|(at, _)| {
        let before = text[..at].trim_end_matches(|character: char| character.is_ascii_alphabetic());
        before.ends_with("##").then(|| before.len() - 1)
    })
}

/// Whether a character does something other than to be seen. The bidirectional controls are those of Unicode's UAX #9;
/// what shows nothing are the characters of its property Default_Ignorable_Code_Point (fillers, joiners, selectors of
/// variants, tags) and the annotations of U+FFF9 to U+FFFB.
fn acts(character: char) -> bool {
    if character < '\u{ad}' {
        return character.is_control();
    }
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks over one character from which on they are no writing any more: what has the most, Hebrew with its accents, has
/// four.
const PILE: usize = 6;

/// Where marks pile up that combine with the character before them and would cover the lines around, as offsets.
pub(crate) fn piled(text: &str) -> impl Iterator<Item = usize> {
    let mut run = 0;
    // ASCII has none, and is nearly all there is.
    let text = if text.is_ascii() { "" } else { text };
    text.char_indices().filter_map(move |(at, character)| {
        run = if combines(character) { run + 1 } else { 0 };
        (run > PILE).then_some(at)
    })
}

/// Whether a character is drawn over or under the one before it: the blocks of combining marks, and those of the scripts
/// whose marks stack.
fn combines(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{6d6}'..='\u{6ed}' | '\u{e31}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{f71}'..='\u{f84}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{302a}'..='\u{302f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Longest word, in characters, that [`closest`] compares.
const LONGEST: usize = 64;

/// Number of insertions, deletions, replacements and swaps of two neighbours that make `a` into `b` (optimal string
/// alignment), counted in characters; nothing where it is more than `limit`.
pub fn edit_distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    // Rows of the table for the prefixes of `a`: the one before the last, the last and the current.
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        if row.iter().all(|&distance| distance > limit) {
            return None;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|&distance| distance <= limit)
}

/// Candidates that are looked at for what was meant: a file may name thousands of things and get all of them wrong.
const CANDIDATES: usize = 200;

/// The candidate that `word` was probably meant to be: of the first 200 the nearest one with no more than a third
/// of its characters different, and the first of several equally near.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return None;
    }
    let limit = (length / 3).max(1);
    let candidates = candidates.into_iter().take(CANDIDATES);
    let near = candidates.filter_map(|candidate| Some((edit_distance(word, candidate, limit)?, candidate)));
    near.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_stays_in_visible_text() {
        for (text, shown) in [
            ("plain é漢 \"'\\", "plain é漢 \"'\\"),
            ("a\x1b[31mb", "a\\u{1b}[31mb"),
            ("a\nb\r\tc\0", "a\\nb\\r\\tc\\u{0}"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("Dockerfile.\u{202e}dm", "Dockerfile.\\u{202e}dm"),
            ("x\u{2028}y\u{2066}z\u{feff}", "x\\u{2028}y\\u{2066}z\\u{feff}"),
            ("a\u{e0041}\u{34f}b\u{3164}\u{fe0f}", "a\\u{e0041}\\u{34f}b\\u{3164}\\u{fe0f}"),
            ("e\u{301}\u{323} שָׁ", "e\u{301}\u{323} שָׁ"),
            (&format!("a{}b", "\u{300}".repeat(8)), &format!("a{}\\u{{300}}\\u{{300}}b", "\u{300}".repeat(6))),
            ("## [x] #[x] ##", "## [x] #[x] ##"),
            ("a###[error]b ##vso[x]\u{7} ##[y", "a##\\u{23}[error]b #\\u{23}vso[x]\\u{7} #\\u{23}[y"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert!(matches!(visible("Dockerfile"), Cow::Borrowed(_)));
    }

    #[test]
    fn no_line_starts_with_a_command_of_a_workflow() {
        for (text, line, path) in [
            ("::error file=a", "\\u{3a}:error file=a", "./::error file=a"),
            ("  ::stop-commands::x", "\\u{3a}:stop-commands::x", "./  ::stop-commands::x"),
            ("a::b", "a::b", "a::b"),
            ("a\u{1b}", "a\\u{1b}", "a\\u{1b}"),
        ] {
            assert_eq!((line_start(text), path_line_start(text)), (line.to_owned(), path.to_owned()));
        }
    }

    #[test]
    fn distances_count_edits_and_swaps_in_characters() {
        for (a, b, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("user", "user", 0),
            ("usr", "user", 1),
            ("suer", "user", 1),
            ("kitten", "sitting", 3),
            ("größe", "grösse", 2),
            ("ca", "abc", 3),
        ] {
            assert_eq!(edit_distance(a, b, 10), Some(distance), "{a} {b}");
            assert_eq!(edit_distance(b, a, distance), Some(distance), "{b} {a}");
            if distance > 0 {
                assert_eq!(edit_distance(a, b, distance - 1), None, "{a} {b}");
            }
        }
    }

    #[test]
    fn the_closest_candidate_is_near_enough_or_none() {
        let candidates = ["autostart", "autorestart", "user", "umask"];
        assert_eq!(closest("autostrat", candidates), Some("autostart"));
        assert_eq!(closest("auto_restart", candidates), Some("autorestart"));
        assert_eq!(closest("usr", candidates), Some("user"));
        assert_eq!(closest("command", candidates), None);
        assert_eq!(closest(&"x".repeat(1 << 20), candidates), None);
    }
}
