//! Text with parts of it hidden.

use super::Span;

/// `text`, which stands at `span`, with every character that is inside one of `secrets` replaced by `*`. Line ends stay,
/// so that the text keeps its lines and columns.
pub fn mask(text: &str, span: Span, secrets: &[Span]) -> String {
    let first = secrets.partition_point(|secret| (secret.file, secret.end) <= (span.file, span.start));
    let mut out = String::with_capacity(text.len());
    let mut at = span.start;
    let mut secrets = secrets[first..].iter().take_while(|secret| secret.overlaps(span)).peekable();
    for character in text.chars() {
        while secrets.peek().is_some_and(|secret| secret.end <= at) {
            secrets.next();
        }
        let hidden = secrets.peek().is_some_and(|secret| secret.start <= at) && !matches!(character, '\n' | '\r');
        out.push(if hidden { '*' } else { character });
        at += character.len_utf8() as u32;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn a_secret_is_masked_wherever_a_span_touches_it() {
        let text = "A=hunter2\nB=é€x";
        let file = FileId(3);
        let secrets = [Span::new(file, 2..9), Span::new(file, 12..17)];
        let masked = |range: std::ops::Range<usize>| mask(&text[range.clone()], Span::new(file, range), &secrets);
        assert_eq!(masked(0..text.len()), "A=*******\nB=**x");
        assert_eq!(masked(4..9), "*****");
        assert_eq!(masked(0..2), "A=");
        assert_eq!(mask(text, Span::new(FileId(4), 0..text.len()), &secrets), text);
    }
}
