//! Flags among the arguments of a program.

use crate::syntax::shell::{Command, Word};

/// The arguments of a program.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    /// Base name of the program.
    pub program: &'a str,
    /// The arguments.
    pub words: &'a [Word],
}

/// The one-letter flags that take a value, for programs whose flags are commonly clustered: what follows such a letter
/// in its word is its value (from the programs' manuals).
const WITH_VALUE: &[(&str, &str)] = &[
    ("curl", "AbcCdDeEFhHKmoPQrtTuUwxXyYz"),
    ("wget", "aABDeGiIloOPQRtTUwX"),
    ("tar", "bCfFgHIKLNTVX"),
    ("ssh", "BbcDEeFIiJLlmOopQRSWw"),
    ("psql", "cdfFhLopPRTUv"),
    ("gunicorn", "bckwtugpmen"),
];

impl Command {
    /// The arguments, to look for flags in.
    pub fn arguments(&self) -> Arguments<'_> {
        Arguments { program: self.name().unwrap_or_default(), words: self.args() }
    }
}

impl<'a> Arguments<'a> {
    /// Whether one of the flags is given: `--insecure`, `--insecure=…`, `-k`, or `-k` inside a cluster (`-fsSLk`).
    pub fn has_flag(&self, names: &[&str]) -> bool {
        let with_value = self.with_value();
        self.flags().any(|word| {
            let written = word.text.as_str();
            names.iter().any(|name| match short(name) {
                Some(letter) => {
                    cluster(written).any(|(c, before)| c == letter && !before.contains(|b| with_value.contains(b)))
                }
                None => written == *name || written.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')),
            })
        })
    }

    /// The value of the first of the flags that is given: `--bind value`, `--bind=value`, `-b value`, `-bvalue`, and at the
    /// end of a cluster (`-fsSo value`), or inside one (`-qO-`) where the program's flags are known.
    pub fn option(&self, names: &[&str]) -> Option<Word> {
        let with_value = self.with_value();
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            let written = word.text.as_str();
            if written == "--" {
                return None;
            }
            for name in names {
                if written == *name {
                    return words.next().cloned();
                }
                if let Some(letter) = short(name).filter(|&letter| with_value.contains(letter)) {
                    let mut letters = cluster(written);
                    let given =
                        letters.find(|&(c, before)| c == letter && !before.contains(|b| with_value.contains(b)));
                    let Some((_, before)) = given else { continue };
                    let value = 1 + before.len() + letter.len_utf8();
                    let value = if written[value..].starts_with('=') { value + 1 } else { value };
                    return if value < written.len() { Some(behind(word, value)) } else { words.next().cloned() };
                }
                let Some(rest) = written.strip_prefix(name).filter(|rest| !rest.is_empty()) else {
                    let last =
                        short(name).is_some_and(|letter| written.ends_with(letter) && cluster(written).count() > 1);
                    if last && cluster(written).count() == written.len() - 1 {
                        return words.next().cloned();
                    }
                    continue;
                };
                if rest.starts_with('=') {
                    return Some(behind(word, name.len() + 1));
                }
                if short(name).is_some() {
                    return Some(behind(word, name.len()));
                }
            }
        }
        None
    }

    /// The arguments that are no flags; `with_value` names the flags whose next word is their value.
    pub fn positional(&self, with_value: &[&str]) -> Vec<&'a Word> {
        let mut found = Vec::new();
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            match word.text.as_str() {
                "--" => {
                    found.extend(words);
                    break;
                }
                flag if flag.len() > 1 && flag.starts_with('-') => {
                    if with_value.contains(&flag) {
                        words.next();
                    }
                }
                _ => found.push(word),
            }
        }
        found
    }

    /// The letters of [`WITH_VALUE`].
    fn with_value(&self) -> &'static str {
        WITH_VALUE.iter().find(|(program, _)| *program == self.program).map_or("", |(_, letters)| letters)
    }

    /// The words that begin with a dash, up to `--`.
    fn flags(&self) -> impl Iterator<Item = &'a Word> {
        let words = self.words.iter().take_while(|word| word.text.value != "--");
        words.filter(|word| word.text.value.len() > 1 && word.text.value.starts_with('-'))
    }
}

/// The letter of a flag such as `-k`.
fn short(name: &str) -> Option<char> {
    let mut letters = name.strip_prefix('-')?.chars();
    letters.next().filter(|&letter| letter != '-' && letters.next().is_none())
}

/// The letters of `-abc` up to the first character that is none, each with the letters before it.
fn cluster(written: &str) -> impl Iterator<Item = (char, &str)> {
    let letters = written.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
    letters.char_indices().map(|(at, letter)| (letter, &letters[..at])).take_while(|(c, _)| c.is_ascii_alphanumeric())
}

/// The word without its first `length` bytes.
fn behind(word: &Word, length: usize) -> Word {
    Word { text: word.text.slice(length..word.text.value.len()), literal: word.literal }
}
