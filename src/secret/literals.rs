//! Search for any of a fixed set of words: what tells whether a text is worth a closer look.
//!
//! Everything is worked out by the compiler. A regular expression of the same words takes a millisecond to make, which is
//! longer than a small scan.

use std::ops::Range;

/// Number of bits of the filter, a power of two.
const BITS: usize = 1 << 15;
/// Number of pairs of bytes.
const PAIRS: usize = 1 << 16;

/// A set of words of ASCII characters, each of two or more.
pub(super) struct Literals<const N: usize> {
    words: [&'static str; N],
    /// Letter case does not matter.
    folded: bool,
    /// One bit for each pair of bytes that a word begins with: nearly every place is ruled out by it.
    pairs: [u64; PAIRS / 64],
    /// The first three bytes of each word, hashed; of a shorter word with every third byte.
    filter: [u64; BITS / 64],
    /// By first byte: the first word that begins with it, in lower case where case does not matter; `N` for none.
    first: [u8; 256],
    /// By word: the next one that begins as it does.
    next: [u8; N],
}

impl<const N: usize> Literals<N> {
    /// The set of `words`, in which letter case counts.
    pub const fn new(words: [&'static str; N]) -> Self {
        Literals::of(words, false)
    }

    /// The set of `words`, in which letter case does not count.
    pub const fn folded(words: [&'static str; N]) -> Self {
        Literals::of(words, true)
    }

    const fn of(words: [&'static str; N], folded: bool) -> Self {
        assert!(N < 256, "there are too many words");
        let (mut filter, mut pairs) = ([0; BITS / 64], [0; PAIRS / 64]);
        let (mut first, mut next) = ([N as u8; 256], [N as u8; N]);
        let mut at = N;
        while at > 0 {
            at -= 1;
            let word = words[at].as_bytes();
            assert!(word.len() >= 2 && words[at].is_ascii(), "a word is too short for the filter");
            let start = fold(word[0], folded) as usize;
            (next[at], first[start]) = (first[start], at as u8);
            let mut case = 0;
            while case < 4 {
                let pair = pair(in_case(word[0], folded && case & 1 != 0), in_case(word[1], folded && case & 2 != 0));
                pairs[pair / 64] |= 1 << (pair % 64);
                case += 1;
            }
            let mut third = if word.len() > 2 { word[2] as usize } else { 0 };
            loop {
                let hash = hash(word[0], word[1], third as u8, folded);
                filter[hash / 64] |= 1 << (hash % 64);
                third += 1;
                if word.len() > 2 || third > 255 {
                    break;
                }
            }
        }
        Literals { words, folded, pairs, filter, first, next }
    }

    /// The first word at or behind the byte `from`; of several that start there, the first of the set.
    pub fn find_at(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let (firsts, seconds) = (bytes.get(from..)?, bytes.get(from + 1..)?);
        let starts = firsts.iter().zip(seconds).enumerate().filter(|(_, (first, second))| {
            let pair = pair(**first, **second);
            self.pairs[pair / 64] & 1 << (pair % 64) != 0
        });
        starts.map(|(at, _)| from + at).find_map(|at| {
            let third = bytes.get(at + 2).copied().unwrap_or_default();
            let hash = hash(bytes[at], bytes[at + 1], third, self.folded);
            if self.filter[hash / 64] & 1 << (hash % 64) == 0 {
                return None;
            }
            self.word_at(&bytes[at..]).map(|length| at..at + length)
        })
    }

    /// Length of the first word of the set that `bytes` begin with.
    fn word_at(&self, bytes: &[u8]) -> Option<usize> {
        let same = |one: u8, other: u8| one == other || self.folded && one.eq_ignore_ascii_case(&other);
        let mut index = self.first[usize::from(fold(bytes[0], self.folded))];
        while let Some(word) = self.words.get(usize::from(index)) {
            let word = word.as_bytes();
            // Most of them differ here already.
            if same(bytes[1], word[1])
                && bytes.len() >= word.len()
                && bytes.iter().zip(word).all(|(one, other)| same(*one, *other))
            {
                return Some(word.len());
            }
            index = self.next[usize::from(index)];
        }
        None
    }

    /// Whether any of the words is in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        self.find_at(text, 0).is_some()
    }
}

/// The other case of a letter, if `other`.
const fn in_case(byte: u8, other: bool) -> u8 {
    if other && byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte }
}

/// The place of two bytes in the table of pairs.
const fn pair(first: u8, second: u8) -> usize {
    u16::from_le_bytes([first, second]) as usize
}

const fn fold(byte: u8, folded: bool) -> u8 {
    if folded { byte.to_ascii_lowercase() } else { byte }
}

/// The place of three bytes in the filter; with `folded` the same for both cases of a letter.
const fn hash(first: u8, second: u8, third: u8, folded: bool) -> usize {
    let mask = if folded { 0x20_20_20 } else { 0 };
    let bytes = u32::from_le_bytes([first, second, third, 0]) | mask;
    // Multiplicative hashing by the golden ratio (Knuth, volume 3, section 6.4): the upper bits depend on all three bytes.
    (bytes.wrapping_mul(0x9e37_79b1) >> (32 - BITS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    const WORDS: [&str; 6] = ["ab", "abc", "key", "-k", "a.b", "_pw"];

    proptest! {
        #[test]
        fn a_set_finds_what_a_regular_expression_of_its_words_finds(text in "[abcAkeyKEY.\\-_pwé ]{0,40}", from in 0usize..8) {
            let from = text.floor_char_boundary(from.min(text.len()));
            let pattern = WORDS.map(regex::escape).join("|");
            for (set, flags) in [(Literals::new(WORDS), ""), (Literals::folded(WORDS), "(?i-u)")] {
                let expected = Regex::new(&format!("{flags}{pattern}")).unwrap().find_at(&text, from);
                prop_assert_eq!(set.find_at(&text, from), expected.map(|found| found.range()));
            }
        }
    }
}
