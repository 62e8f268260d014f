//! Word expansion.

/// Length in bytes of the variable name at the start of `text`: a special parameter, digits, or letters, digits and
/// underscores; 0 where there is none.
pub(super) fn name_len(text: &str) -> usize {
    match text.chars().next() {
        Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
        Some(first) if first.is_ascii_digit() => text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()),
        _ => text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()),
    }
}
