//! supervisord configs as Supervisor's own reader reads them (Python's `ConfigParser`, inline comments `;` and `#`).

use super::SyntaxError;
use crate::source::{FileId, Span, Spanned, Text};

/// A parsed supervisord config.
#[derive(Debug)]
pub struct Supervisor {
    /// The file.
    pub file: FileId,
    /// The sections in the order in which they were first written; the same section twice is merged, as Supervisor does.
    pub sections: Vec<Section>,
    /// Every comment, from its `;` or `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What Supervisor would refuse.
    pub errors: Vec<SyntaxError>,
}

/// A section: `[name]` and its options.
#[derive(Debug)]
pub struct Section {
    /// The name between the brackets, and the span of it.
    pub name: Spanned<String>,
    /// Span of the whole header line, brackets included.
    pub header: Span,
    /// Every option in order; the last one of a name wins.
    pub options: Vec<Setting>,
}

/// An option of a section.
#[derive(Debug)]
pub struct Setting {
    /// Lower-case name.
    pub name: Spanned<String>,
    /// The value, continuation lines joined by line feeds and inline comments removed; `%(…)s` is kept as written.
    pub value: Text,
}
