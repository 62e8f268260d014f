//! Where a `;` was left out: what the tokenizer takes for one long directive, and nginx then refuses, is several.

use super::lexer::Word;
use super::names;

/// Index of the word that starts another directive because the one before it has no `;`. `block` says that the words
/// are followed by `{`.
///
/// Only what nginx refuses is split: a directive with more arguments than it takes, or one without a block before a
/// `{`. The word has to start its line and to be the name of a directive.
pub(super) fn missing_semicolon(text: &str, words: &[Word], block: bool) -> Option<usize> {
    let name = plain(text, words.first()?)?;
    if block {
        if names::is_block(name) {
            return None;
        }
        // The last word that can own the block; without one, the `{` belongs to an unknown directive.
        let owner = (1..words.len()).rev().find(|&i| starts_line(text, words, i, names::is_block))?;
        return (1..=owner)
            .find(|&i| starts_line(text, words, i, |name| names::is_block(name) || names::is_known(name)));
    }
    let most = names::most_arguments(name)?;
    if words.len() - 1 <= most {
        return None;
    }
    (1..words.len()).find(|&i| starts_line(text, words, i, names::is_split_point))
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
