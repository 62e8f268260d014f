//! Where a `;` was left out: what the tokenizer takes for one long directive, and nginx then refuses, is several.

use super::lexer::Word;
use super::names;

/// Indices of the words that start another directive because the one before has no `;`. `block` says that the words
/// are followed by `{`.
///
/// Only what nginx refuses is split: a directive with more arguments than it takes, or one without a block before a
/// `{`. The word has to start its line and to be the name of a directive.
pub(super) fn missing_semicolons(text: &str, words: &[Word], block: bool) -> Vec<usize> {
    let is_line = |i: usize| starts_line(text, words, i, names::is_split_point);
    let owner = if block {
        // The last word that can own the block; without one, the `{` belongs to a directive that is not known.
        (1..words.len()).rev().find(|&i| starts_line(text, words, i, names::is_block))
    } else {
        None
    };
    let mut points = Vec::new();
    let mut start = 0;
    while let Some(name) = words.get(start).and_then(|word| plain(text, word)) {
        let next = match owner {
            Some(owner) if start >= owner || names::is_block(name) => None,
            Some(owner) => (start + 1..=owner).find(|&i| i == owner || is_line(i)),
            None if block => None,
            None => match names::most_arguments(name) {
                Some(most) if words.len() - start - 1 > most => (start + 1..words.len()).find(|&i| is_line(i)),
                _ => None,
            },
        };
        let Some(next) = next else { break };
        points.push(next);
        start = next;
    }
    points
}

fn starts_line(text: &str, words: &[Word], index: usize, is_name: impl Fn(&str) -> bool) -> bool {
    let (before, word) = (&words[index - 1], &words[index]);
    plain(text, word).is_some_and(is_name) && text[before.span.end..word.span.start].contains('\n')
}

fn plain<'a>(text: &'a str, word: &Word) -> Option<&'a str> {
    (!word.quoted).then(|| &text[word.inner.clone()])
}

/// A name for a message, cut to a few characters.
pub(super) fn cut(name: &str) -> &str {
    name.char_indices().nth(40).map_or(name, |(end, _)| &name[..end])
}
