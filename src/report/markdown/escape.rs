//! Text inside GitHub and GitLab Flavored Markdown.

use crate::text::visible;

/// `text` on one line of Markdown, in a table too: what stands between backticks is code, and nothing else in it means
/// anything. Characters that could are written as references, which CommonMark never takes for structure (section 2.5).
pub(in crate::report) fn text(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = &*text;
    while let Some((before, code, after)) = code(rest) {
        prose(before, &mut out);
        out.push_str("<code>");
        literal(code, &mut out);
        out.push_str("</code>");
        rest = after;
    }
    prose(rest, &mut out);
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

/// Text outside of code. The comment behind an `@` keeps it from naming, and so calling, an account; a reference in the
/// place of a colon or dot keeps an address from being a link.
fn prose(text: &str, out: &mut String) {
    for (at, character) in text.char_indices() {
        match character {
            '@' => out.push_str("&#64;<!-- -->"),
            ':' if text[at..].starts_with("://") => out.push_str("&#58;"),
            '.' if at >= 3 && text.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"www") => out.push_str("&#46;"),
            _ => reference(character, out),
        }
    }
}

fn literal(text: &str, out: &mut String) {
    text.chars().for_each(|character| reference(character, out));
}

/// A character, as a reference where it could mean something.
fn reference(character: char, out: &mut String) {
    match character {
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '~' | '$' | '&' | '^' | '"' => {
            out.push_str(&format!("&#{};", u32::from(character)));
        }
        _ => out.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backticks_mean_something() {
        for (given, expected) in [
            ("Container `web` starts as root", "Container <code>web</code> starts as root"),
            ("`a_b|c` d_e|f", "<code>a&#95;b&#124;c</code> d&#95;e&#124;f"),
            ("a ` b", "a &#96; b"),
            ("``", "<code></code>"),
            ("`</code><script>`", "<code>&#60;/code&#62;&#60;script&#62;</code>"),
            (
                "[a](b) ![c](d) **e** ~~f~~ $g$ #1",
                "&#91;a&#93;(b) &#33;&#91;c&#93;(d) &#42;&#42;e&#42;&#42; \
                 &#126;&#126;f&#126;&#126; &#36;g&#36; &#35;1",
            ),
            (
                "@all see https://x.y or WWW.x.y\n# z",
                "&#64;<!-- -->all see https&#58;//x.y or WWW&#46;x.y&#92;n&#35; z",
            ),
            ("&lt; \\| é漢", "&#38;lt; &#92;&#124; é漢"),
        ] {
            assert_eq!(text(given), expected);
        }
        assert_eq!(as_code("a`b"), "<code>a&#96;b</code>");
    }
}
