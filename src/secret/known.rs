//! Secrets that were found in one place, wherever else they stand: in another file, or in what is said about them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::Formats;
use super::name::Shape;
use super::value::{self, Verdict};

/// Bytes that a value is looked up by; no shorter one is looked for, since it may be part of anything.
const KEY: usize = 8;
/// Bytes of a value that are compared.
const COMPARED: usize = 256;
/// Values that begin with the same [`KEY`] bytes; further ones are not looked for.
const ALIKE: usize = 8;
/// Bits of the table that rules nearly all places out.
const BITS: u32 = 15;

/// Values that are secrets.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The values by their first bytes, the longest first.
    values: HashMap<[u8; KEY], Vec<String>>,
    /// One bit for each hash of first bytes.
    table: Vec<u64>,
}

fn hash(key: [u8; KEY]) -> usize {
    (u64::from_le_bytes(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

impl Known {
    /// Those of `values` that cannot be taken for anything else: see `tells`. `names`, sorted, are what
    /// the files call something, which a password may be called, too.
    pub fn new<'a>(values: impl Iterator<Item = &'a str>, names: &[&str]) -> Known {
        let mut known = Known::default();
        let lines = values.flat_map(str::lines).map(|line| line.trim_matches([' ', '\t', '"', '\'', '\r']));
        // Messages may have them as Rust writes them.
        let escaped = |line: &str| line.contains(['"', '\\']).then(|| Cow::Owned(line.escape_debug().to_string()));
        for value in lines.flat_map(|line| [Some(Cow::Borrowed(line)), escaped(line)]).flatten() {
            let value = &*value;
            let Some(key) = value.as_bytes().first_chunk::<KEY>() else { continue };
            let alike = known.values.get(key);
            if alike.is_some_and(|alike| alike.len() >= ALIKE || alike.iter().any(|other| other == value)) {
                continue;
            }
            if tells(value) && names.binary_search(&value).is_err() {
                known.values.entry(*key).or_default().push(value.to_owned());
            }
        }
        if !known.values.is_empty() {
            known.table = vec![0; (1 << BITS) / 64];
            for (key, alike) in &mut known.values {
                known.table[hash(*key) / 64] |= 1 << (hash(*key) % 64);
                alike.sort_by_key(|value| std::cmp::Reverse(value.len()));
            }
        }
        known
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Where values stand in a text, in order and without overlap.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        if self.values.is_empty() {
            return found;
        }
        let mut at = 0;
        while let Some(key) = bytes.get(at..).and_then(|rest| rest.first_chunk::<KEY>()) {
            let hash = hash(*key);
            let may_be = self.table[hash / 64] & 1 << (hash % 64) != 0;
            let alike = may_be.then(|| self.values.get(key)).flatten();
            let fits = |value: &&String| {
                let value = &value.as_bytes()[..value.len().min(COMPARED)];
                let length = bytes[at..].iter().zip(value).take_while(|(a, b)| a == b).count();
                // What is too long to be shown is cut.
                let rest = &bytes[at + length..];
                length == value.len() || rest.is_empty() || rest.starts_with("…".as_bytes())
            };
            match alike.and_then(|alike| alike.iter().find(fits)) {
                Some(value) => {
                    let length = bytes[at..].iter().zip(value.as_bytes()).take_while(|(a, b)| a == b).count();
                    let end = text.ceil_char_boundary(at + length);
                    found.push(at..end);
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }

    /// `text`, which is to be shown, without secrets: those that are known, passwords in URLs, tokens.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found = self.find(text);
        found.extend(Formats::of(text).ranges());
        replaced(text, found)
    }
}

/// `text` with three asterisks in the place of each of `ranges`.
pub fn replaced(text: &str, mut ranges: Vec<Range<usize>>) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        if range.start >= at {
            out.push_str(&text[at..range.start]);
            out.push_str("***");
        }
        at = at.max(range.end);
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

/// Whether a value is a secret wherever it stands: no word, name or number that something else may be called.
fn tells(value: &str) -> bool {
    (is_mixed(value) || value::is_random(value)) && !value::may_be_shown(value) && may_be_secret(value)
}

/// Whether a value that is masked may be a secret, rather than one that everybody knows or a place-holder.
pub fn may_be_secret(value: &str) -> bool {
    match value::judge(Shape::Password, value) {
        Verdict::Secret { .. } => true,
        // `****` and `xxxx` may be in the middle of one.
        Verdict::Placeholder => {
            let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
            let rest = value.bytes().filter(|byte| byte.is_ascii_alphanumeric() && !b"xX".contains(byte)).count();
            let kinds = has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
            rest >= KEY && kinds && !value.starts_with(['<', '[', '{', '%'])
        }
        Verdict::Plain | Verdict::Default => false,
    }
}

/// Whether a value has letters and digits, as few names have.
fn is_mixed(value: &str) -> bool {
    let count = |kind: fn(&u8) -> bool| value.bytes().filter(kind).count();
    count(u8::is_ascii_digit) >= 2 && count(u8::is_ascii_alphabetic) >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effort;

    #[test]
    fn what_is_known_is_hidden_wherever_it_stands() {
        let known = Known::new(
            ["hunter2", "Autumn4821!", "vLp92kQzR7w3Nd5B", "postgres16", "é4é8é5ab12"].into_iter(),
            &["postgres16"],
        );
        for (text, shown) in [
            ("a Autumn4821! b", "a *** b"),
            ("-pAutumn4821!x vLp92kQzR7w3Nd5B", "-p***x ***"),
            ("Autumn482 hunter2 postgres16", "Autumn482 hunter2 postgres16"),
            ("é4é8é5ab12", "***"),
            ("`vLp92kQzR7w…` is cut, and so is vLp92kQz", "`***…` is cut, and so is ***"),
            ("vLp92kQzR7w3", "***"),
            ("`https://ci:staple@git.acme.dev/a` is fetched", "`https://ci:***@git.acme.dev/a` is fetched"),
        ] {
            assert_eq!(known.hide(text), shown);
        }
        assert!(matches!(Known::default().hide("Autumn4821!"), Cow::Borrowed(_)));
    }

    #[test]
    fn values_alike_take_linear_time() {
        let cases = |size: usize| {
            let value = |number: usize| format!("aB3aB3aB3{}{number}", "aB3".repeat(200));
            let values: Vec<String> = (0..size / 45).map(value).collect();
            vec![("alike".to_owned(), (values, "aB3".repeat(size / 3)))]
        };
        effort::assert_linear(900_000, 2 << 20, cases, |(values, text)| {
            let known = Known::new(values.iter().map(String::as_str), &[]);
            assert!(known.find(text).len() > 100);
        });
    }
}
