//! nginx configs as nginx's own tokenizer (`ngx_conf_file.c`) reads them, fragments and templates included.

use super::SyntaxError;
use crate::source::{FileId, Span, Text};

/// A parsed nginx config.
#[derive(Debug)]
pub struct Nginx {
    /// The file.
    pub file: FileId,
    /// The directives at the top of the file.
    pub directives: Vec<Directive>,
    /// Every comment, from its `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What nginx would refuse.
    pub errors: Vec<SyntaxError>,
}

/// A directive: `name arguments;` or `name arguments { … }`.
#[derive(Debug)]
pub struct Directive {
    /// From the name to the `;` or to the `{`.
    pub span: Span,
    /// Name, without quotes.
    pub name: Text,
    /// Arguments as nginx hands them on, without quotes.
    pub arguments: Vec<Argument>,
    /// The block, where there is one.
    pub block: Option<Block>,
}

/// An argument of a directive.
#[derive(Debug)]
pub struct Argument {
    /// The value without its quotes and escapes.
    pub text: Text,
    /// It was written in quotes.
    pub quoted: bool,
}

/// A block.
#[derive(Debug)]
pub struct Block {
    /// From the `{` to the `}`.
    pub span: Span,
    /// What stands in it; nothing for a Lua block.
    pub directives: Vec<Directive>,
    /// The source of a `*_by_lua_block`.
    pub lua: Option<Text>,
}
