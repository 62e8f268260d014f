//! JSON that is safe on a terminal.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::text::visible;

/// Compact JSON in which every character that acts on a terminal is escaped, not only those below U+0020: what a parser
/// reads is the same.
struct Safe;

impl Formatter for Safe {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // A fragment holds none of the characters that serde_json escapes itself.
        if matches!(visible(fragment), Cow::Borrowed(_)) {
            return out.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        let mut bytes = [0; 4];
        let mut before = '\0';
        for character in fragment.chars() {
            let text = character.encode_utf8(&mut bytes);
            // Two of them may begin a command to a CI system.
            let again = character == '#' && before == '#';
            before = character;
            if !again && matches!(visible(text), Cow::Borrowed(_)) {
                out.write_all(text.as_bytes())?;
            } else {
                character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }
}

/// Writes `value` as compact JSON.
pub(crate) fn json(out: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Safe)).map_err(io::Error::from)
}

/// Writes a field of an object, its name and value behind `before`.
pub(crate) fn field(out: &mut dyn io::Write, before: &str, name: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, "{before}\"{name}\":")?;
    json(out, value)
}

/// Writes an array behind `before`, one item on each line.
pub(crate) fn array(
    out: &mut dyn io::Write,
    before: &str,
    items: impl Iterator<Item = impl Serialize>,
) -> io::Result<()> {
    write!(out, "{before}[")?;
    let mut before = "\n";
    for item in items {
        out.write_all(before.as_bytes())?;
        json(out, &item)?;
        before = ",\n";
    }
    out.write_all(if before == "\n" { b"]" } else { b"\n]" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_reads_back_as_the_same_text() {
        for text in ["plain é漢", "a\u{9b}2J\u{7f}\u{202e}b\n\"\\", "\u{e0041}\u{1b}[31m", "###[error]#"] {
            let mut out = Vec::new();
            json(&mut out, &text).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(matches!(visible(&out), Cow::Borrowed(_)), "{out:?}");
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
