//! The front ends: which file is what, and text into spanned models.

pub mod compose;
pub mod dockerfile;
pub mod dotenv;
pub mod nginx;
pub mod shell;
pub mod supervisor;
pub mod yaml;

use crate::source::Span;

/// Something that the real program would refuse, or would not read as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub span: Span,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
}

impl SyntaxError {
    /// An error at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        SyntaxError { span, message: message.into() }
    }
}
