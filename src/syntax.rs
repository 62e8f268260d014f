//! The front ends: which file is what, and text into spanned models.

pub mod compose;
pub mod dockerfile;
pub mod dockerignore;
pub mod dotenv;
pub mod nginx;
mod recognise;
pub mod shell;
pub mod supervisor;
pub mod yaml;

use std::sync::Arc;

use compose::Compose;
use dockerfile::Dockerfile;
use dotenv::Dotenv;
use nginx::Nginx;
use supervisor::Supervisor;

pub use recognise::{Verdict, by_content, by_name, is_template, recognise};

use crate::source::{FileId, Kind, Source, Span};

/// A parsed config.
#[derive(Debug)]
pub enum Document {
    /// A Dockerfile.
    Dockerfile(Arc<Dockerfile>),
    /// A Compose file.
    Compose(Box<Compose>),
    /// A supervisord config.
    Supervisor(Supervisor),
    /// An nginx config.
    Nginx(Nginx),
    /// A `.env` file.
    Dotenv(Dotenv),
}

impl Document {
    /// The file that it was read from.
    pub fn file(&self) -> FileId {
        match self {
            Document::Dockerfile(document) => document.file,
            Document::Compose(document) => document.file,
            Document::Supervisor(document) => document.file,
            Document::Nginx(document) => document.file,
            Document::Dotenv(document) => document.file,
        }
    }

    /// Every comment, from its mark to the end of the line.
    pub fn comments(&self) -> &[Span] {
        match self {
            Document::Dockerfile(document) => &document.comments,
            Document::Compose(document) => &document.comments,
            Document::Supervisor(document) => &document.comments,
            Document::Nginx(document) => &document.comments,
            Document::Dotenv(document) => &document.comments,
        }
    }

    /// What the real program would refuse to read.
    pub fn errors(&self) -> &[SyntaxError] {
        match self {
            Document::Dockerfile(document) => &document.errors,
            Document::Compose(document) => &document.syntax_errors,
            Document::Supervisor(document) => &document.errors,
            Document::Nginx(document) => &document.errors,
            Document::Dotenv(document) => &document.errors,
        }
    }
}

/// Parses a file as what it is taken for; nothing of an auxiliary one.
pub fn parse(file: FileId, source: &Source) -> Option<Document> {
    match source.kind {
        Kind::Dockerfile => Some(Document::Dockerfile(Arc::new(dockerfile::parse(file, &source.text)))),
        Kind::Compose => Some(Document::Compose(Box::new(compose::parse(file, &source.text, &|_, _| None)))),
        Kind::Supervisor => Some(Document::Supervisor(supervisor::parse(file, &source.text))),
        Kind::Nginx => Some(Document::Nginx(nginx::parse_source(file, source))),
        Kind::Dotenv => Some(Document::Dotenv(dotenv::parse(file, &source.text))),
        Kind::Auxiliary => None,
    }
}

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

/// The parts of a path that are left when what changes nothing in it is taken out, as Go's `path.Clean` does.
fn clean_parts(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    parts
}
