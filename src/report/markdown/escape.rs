//! Text inside GitHub and GitLab Flavored Markdown.

use crate::text::visible;

/// Most bytes that [`text`] makes of one character, but for what acts on a terminal; a pair of backticks makes 13 of
/// two.
pub(in crate::report) const LONGEST: usize = 14;

/// `text` on one line of Markdown, in a table too: what stands between backticks is code, and nothing else in it means
/// anything. Characters that could are written as references, which CommonMark never takes for structure (section 2.5).
pub(in crate::report) fn text(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = &*text;
    while let Some((before, code, after)) = code(rest) {
        literal(before, &mut out);
        out.push_str("<code>");
        literal(code, &mut out);
        out.push_str("</code>");
        rest = after;
    }
    literal(rest, &mut out);
    out
}

/// The text as code, all of it.
pub(super) fn as_code(text: &str) -> String {
    let mut out = String::from("<code>");
    literal(&visible(text), &mut out);
    out.push_str("</code>");
    out
}

/// What is before the first pair of backticks, in it and behind it.
fn code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    Some((before, code, after))
}

/// Writes text so that nothing in it means anything, in code and outside. A comment inside an address or behind an `@`
/// keeps the one from being a link and the other from naming, and so calling, an account: a reference would not, for
/// those are looked for in what was read already. An underscore inside a word is only that (CommonMark, section 6.2).
fn literal(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    for (at, character) in text.char_indices() {
        match character {
            '@' => out.push_str("@<!-- -->"),
            // Issues, merge requests and labels are looked for in what was read already, too.
            '#' | '!' | '~' if word(Some(at + 1)) => out.push_str(&format!("&#{};<!-- -->", u32::from(character))),
            ':' if text[at..].starts_with("://") => out.push_str(":<!-- -->"),
            '.' if at >= 3 && bytes[at - 3..at].eq_ignore_ascii_case(b"www") => out.push_str("<!-- -->."),
            '_' if word(at.checked_sub(1)) && word(Some(at + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '$' | '&' => {
                out.push_str(&format!("&#{};", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backticks_mean_something() {
        for (given, expected) in [
            ("Container `web` starts as root", "Container <code>web</code> starts as root"),
            ("`a_b|c` _d_|e__f", "<code>a_b&#124;c</code> &#95;d&#95;&#124;e&#95;&#95;f"),
            ("a ` b", "a &#96; b"),
            ("``", "<code></code>"),
            ("`</code><script>`", "<code>&#60;/code&#62;&#60;script&#62;</code>"),
            (
                "[a](b) ![c](d) **e** ~~f~~ $g$ #1",
                "&#91;a&#93;(b) !&#91;c&#93;(d) &#42;&#42;e&#42;&#42; \
                 &#126;&#126;<!-- -->f&#126;&#126; &#36;g&#36; &#35;<!-- -->1",
            ),
            (
                "@all see https://x.y or WWW.x.y\n# z",
                "@<!-- -->all see https:<!-- -->//x.y or WWW<!-- -->.x.y&#92;n&#35; z",
            ),
            ("&lt; \\| é漢", "&#38;lt; &#92;&#124; é漢"),
        ] {
            assert_eq!(text(given), expected);
        }
        assert_eq!(as_code("a`b"), "<code>a&#96;b</code>");
    }
}
