//! nginx configs as nginx's own tokenizer (`ngx_conf_file.c`) reads them, fragments and templates included.
//!
//! Only the tokenizer is followed: which directives exist, where they may stand and how many arguments they take is
//! not asked, so that a file for any version and any module is read. What nginx refuses is reported and stepped over.

mod lexer;
mod lua;
mod names;
mod parser;
mod recognise;
mod recover;
mod walk;

pub use recognise::looks_like;
pub use walk::{Visit, Walk};

use super::SyntaxError;
use crate::source::{FileId, Source, Span, Text};

/// Blocks that may stand inside one another. nginx has no such limit; real configs stay below ten.
pub const MAX_DEPTH: usize = 256;

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
    /// From the name to the `;` or to the `{`, that one included.
    pub span: Span,
    /// Name, without quotes.
    pub name: Text,
    /// Arguments as nginx hands them on, without quotes.
    pub arguments: Vec<Argument>,
    /// The block, where there is one. Most directives have none.
    pub block: Option<Box<Block>>,
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
    /// From the `{` to the `}`, both included.
    pub span: Span,
    /// What stands in it; nothing for a Lua block.
    pub directives: Vec<Directive>,
    /// The source of a `*_by_lua_block`.
    pub lua: Option<Text>,
}

/// Reads a config, or a part of one: any directive may stand at the top, as in a file that another one includes.
/// Variables of a template (`${NAME}`) are left as they are written.
pub fn parse(file: FileId, text: &str) -> Nginx {
    parser::parse(file, text, false)
}

/// The same for a source of the scan. Where it was not UTF-8, nginx's limits count one byte for each character.
pub fn parse_source(file: FileId, source: &Source) -> Nginx {
    parser::parse(file, &source.text, source.recoded)
}

impl Nginx {
    /// Every directive with the blocks that it stands in, in the order of the file.
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(&self.directives)
    }

    /// The directives of that name at the top of the file.
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.directives.iter().filter(move |directive| directive.is(name))
    }
}

impl Directive {
    /// Whether that is its name. nginx compares names byte by byte.
    pub fn is(&self, name: &str) -> bool {
        self.name.value == name
    }

    /// The value of an argument, from 0.
    pub fn argument(&self, index: usize) -> Option<&str> {
        self.arguments.get(index).map(|argument| argument.text.as_str())
    }

    /// What stands in its block; nothing where it has none.
    pub fn children(&self) -> &[Directive] {
        self.block.as_ref().map_or(&[], |block| &block.directives)
    }
}

impl Block {
    /// The directives of that name that stand directly in this block.
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Directive> {
        self.directives.iter().filter(move |directive| directive.is(name))
    }
}

#[cfg(test)]
mod tests;
