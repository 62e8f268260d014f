//! Panics on demand, to prove what becomes of them: part of the unit tests alone.

/// Panics where the start of `text` holds the words `break PLACE!`.
pub(crate) fn at(place: &str, text: &str) {
    let start = &text[..text.floor_char_boundary(200)];
    if start.contains(&format!("break {place}!")) {
        panic!("broken on demand");
    }
}
