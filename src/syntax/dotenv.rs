//! `.env` files as Compose reads them (compose-go's `dotenv`).

use super::SyntaxError;
use super::compose::template::Template;
use crate::source::{FileId, Span, Text};

/// A parsed `.env` file.
#[derive(Debug)]
pub struct Dotenv {
    /// The file.
    pub file: FileId,
    /// The variables in order; the last one of a name wins.
    pub entries: Vec<Entry>,
    /// Every comment, from its `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What Compose would refuse.
    pub errors: Vec<SyntaxError>,
}

/// One variable.
#[derive(Debug)]
pub struct Entry {
    /// Name and value together.
    pub span: Span,
    /// Name.
    pub name: Text,
    /// The value without its quotes; `None` for a name alone, which is taken from the environment.
    pub value: Option<Template>,
}
