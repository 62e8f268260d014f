//! Panics on demand, to prove what becomes of them: part of the unit tests alone.

/// Panics where `text` holds the words `break PLACE!`.
pub(crate) fn at(place: &str, text: &str) {
    if text.contains(&format!("break {place}!")) {
        panic!("broken on demand");
    }
}
