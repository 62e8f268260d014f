//! Text inside XML 1.0.

use crate::text::visible;

/// `text` for an attribute's value or between tags. The control characters, of which XML 1.0 takes no escape, are shown
/// as they are on a terminal; the two other characters below U+10000 that it excludes become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in visible(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_value_or_is_refused_by_a_parser() {
        for (text, shown) in [
            ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&apos;"),
            ("]]><!--", "]]&gt;&lt;!--"),
            ("a\u{0}\n\u{1b}\u{fffe}\u{ffff}漢", "a\\u{0}\\n\\u{1b}\u{fffd}\u{fffd}漢"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }
}
