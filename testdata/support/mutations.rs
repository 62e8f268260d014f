//! Damage to the inputs of the targets: bytes, lines, words of the format, depth, pieces of other inputs.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// Largest input, in bytes.
const LARGEST: usize = 48 << 10;

/// What breaks things in every format: ends of lines of every kind, what is not text, what acts on a terminal.
const ANYWHERE: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    "\u{2028}",
    "\u{85}",
    "\0",
    "\u{feff}",
    "\t",
    " ",
    "\\\n",
    "é",
    "漢",
    "😀",
    "\u{202e}",
    "\u{1b}[31m",
    "##[error]",
    "::error::",
    "AKIAIOSFODNN7EXAMPLE",
    "postgres://a:b@c",
    "-----BEGIN RSA PRIVATE KEY-----",
];

/// What nests, and what ends it.
const NESTING: &[(&str, &str)] = &[
    ("[", "]"),
    ("{", "}"),
    ("(", ")"),
    ("\"", "\""),
    ("$(", ")"),
    ("${A:-", "}"),
    ("`", "`"),
    ("- ", ""),
    ("a: ", ""),
    ("? ", ""),
    ("{a: ", "}"),
    ("if true; then ", "fi; "),
    ("sh -c '", "'"),
    ("server { ", "} "),
    ("!", ""),
    ("\\", ""),
    ("ONBUILD ", ""),
    ("<<A ", ""),
    ("*", ""),
    ("../", ""),
    ("a/**/", ""),
    ("%(", ")s"),
];

/// Numbers at the ends of their types.
const NUMBERS: &[&str] =
    &["0", "-1", "65536", "4294967296", "9223372036854775808", "1e999", "00000000000000000000001", "٣"];

/// A small generator, so that a failure can be repeated (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The words of a target's dictionary, which its fuzzer takes as well: libFuzzer's format.
pub fn dictionary(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/dictionaries/words-{target}.dict"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut words: Vec<Vec<u8>> = ANYWHERE.iter().map(|word| word.as_bytes().to_vec()).collect();
    for line in text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"')) {
        let mut word = Vec::new();
        let mut bytes = line.bytes();
        while let Some(byte) = bytes.next() {
            word.push(match byte {
                b'\\' => match bytes.next().expect("an escape does not end a word") {
                    b'x' => {
                        let digits = [bytes.next(), bytes.next()].map(|digit| digit.expect("two digits") as char);
                        u8::from_str_radix(&digits.iter().collect::<String>(), 16).expect("two digits")
                    }
                    escaped => escaped,
                },
                byte => byte,
            });
        }
        words.push(word);
    }
    words
}

/// An input made from one of `seeds`.
pub fn mutated(seeds: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(seeds).clone();
    for _ in 0..=random.below(5) {
        mutate(&mut bytes, seeds, words, random);
        bytes.truncate(LARGEST);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let piece = at..at + random.below(40).min(bytes.len() - at);
    match random.below(14) {
        0 => drop(bytes.drain(piece)),
        1 => bytes.truncate(at),
        2 => {
            let copies = bytes[piece].repeat(1 + random.below(50));
            bytes.splice(at..at, copies);
        }
        3 if !bytes.is_empty() => {
            let at = at.min(bytes.len() - 1);
            bytes[at] = random.below(256) as u8;
        }
        4 => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            let to = (from + random.below(300)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        5 => {
            let (lines, copies) = (lines(bytes, at, 1 + random.below(4)), 1 + random.below(3));
            let copied = bytes[lines.clone()].repeat(copies);
            bytes.splice(lines.start..lines.start, copied);
        }
        6 => drop(bytes.drain(lines(bytes, at, 1 + random.below(3)))),
        7 => {
            // Lines of another input among those of this one.
            let other = random.pick(seeds);
            let taken = lines(other, random.below(other.len() + 1), 1 + random.below(8));
            let to = lines(bytes, at, 1).start;
            bytes.splice(to..to, other[taken].iter().copied());
        }
        8 => {
            let (moved, to) = (lines(bytes, at, 1 + random.below(3)), random.below(bytes.len() + 1));
            let moved: Vec<u8> = bytes.drain(moved).collect();
            let to = lines(bytes, to.min(bytes.len()), 1).start;
            bytes.splice(to..to, moved);
        }
        9 => {
            // One word for another.
            let (from, to) = (random.pick(words), random.pick(words));
            let found = bytes[at..].windows(from.len().max(1)).position(|window| window == from.as_slice());
            let place = found.map_or(at..at, |found| at + found..at + found + from.len());
            bytes.splice(place, to.iter().copied());
        }
        10 => {
            let (open, close) = *random.pick(NESTING);
            let depth = 1 + match random.below(8) {
                0 => random.below(8000),
                1..=3 => random.below(300),
                _ => random.below(12),
            };
            let closed = if random.below(3) == 0 { 0 } else { depth };
            let inner = bytes[piece.clone()].to_vec();
            let nested = [open.repeat(depth).as_bytes(), &inner, close.repeat(closed).as_bytes()].concat();
            bytes.splice(piece, nested);
        }
        11 => {
            let start = bytes[at..].iter().position(u8::is_ascii_digit).map_or(at, |found| at + found);
            let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            bytes.splice(start..start + length, random.pick(NUMBERS).bytes());
        }
        12 => {
            let ends: &[&[u8]] = &[b"\r\n", b"\r", b"\n\n", b"", b"\xc2\x85"];
            let ends = *random.pick(ends);
            let lines = lines(bytes, at, 1 + random.below(30));
            let ended = bytes[lines.clone()].split(|byte| *byte == b'\n').collect::<Vec<_>>().join(ends);
            bytes.splice(lines, ended);
        }
        _ => {
            let word = random.pick(words);
            bytes.splice(at..at, word.iter().copied());
        }
    }
}

/// The bytes of `count` lines from the one on that the byte `at` is in.
fn lines(bytes: &[u8], at: usize, count: usize) -> Range<usize> {
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let ends = bytes[start..].iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| start + end + 1);
    start..ends.take(count).last().filter(|_| count > 0).unwrap_or(bytes.len())
}
