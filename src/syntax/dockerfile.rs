//! Dockerfiles as BuildKit reads them (`frontend/dockerfile/parser` and `instructions` of moby/buildkit).
//!
//! The parser recovers per instruction: what BuildKit would refuse becomes a [`SyntaxError`] and an instruction of
//! [`Kind::Unknown`] or with the arguments that could be read; the rest of the file is still parsed.

pub mod expand;
mod flags;
mod heredoc;
pub mod image_config;
mod instruction;
mod parse;
mod stages;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use expand::Expanded;
pub use flags::{MountOption, RunMount, duration};
pub use image_config::{Base, EnvEntry, Evaluator, ImageConfig, TransferFact, evaluate};
pub use parse::parse;
pub use stages::{BuildArgs, Origin};

use super::SyntaxError;
use crate::few::Few;
use crate::source::{FileId, Span, Spanned, Text};

/// A parsed Dockerfile.
#[derive(Debug)]
pub struct Dockerfile {
    /// The file.
    pub file: FileId,
    /// The escape character in force: `\` or, after `# escape=`, a backquote.
    pub escape: char,
    /// Parser directives (`syntax`, `escape`, `check`) in order.
    pub directives: Vec<Directive>,
    /// Every comment line, from its `#` to the end of the line; parser directives are not comments.
    pub comments: Vec<Span>,
    /// Every instruction in order, those before the first FROM included.
    pub instructions: Vec<Instruction>,
    /// The build stages in order.
    pub stages: Vec<Stage>,
    /// What BuildKit would refuse.
    pub errors: Vec<SyntaxError>,
}

/// A parser directive: `# name=value` before anything else.
#[derive(Debug)]
pub struct Directive {
    /// Lower-case name.
    pub name: Spanned<String>,
    /// Value without the blanks around it.
    pub value: Spanned<String>,
}

/// One instruction.
#[derive(Debug)]
pub struct Instruction {
    /// The keyword as written.
    pub keyword: Spanned<Cow<'static, str>>,
    /// From the keyword to the end of the last argument, the bodies of here-documents not included.
    pub span: Span,
    /// First and last line (1-based, line feeds end a line), continuation lines and here-documents included.
    pub lines: (u32, u32),
    /// `--name=value` and `--name` flags in order.
    pub flags: Few<Flag>,
    /// What [`Instruction::rest`] gives, where it is no part of `kind`.
    rest: Option<Box<Text>>,
    /// The here-documents whose bodies follow the instruction; those of ONBUILD are in the instruction that it keeps.
    pub heredocs: Few<Heredoc>,
    /// The arguments are a JSON array of strings (exec form).
    pub json: bool,
    /// The instruction's own meaning.
    pub kind: Kind,
}

/// A flag of an instruction, without its quotes.
#[derive(Debug)]
pub struct Flag {
    /// The whole flag, from its first dash.
    pub span: Span,
    /// Name without the dashes.
    pub name: Spanned<String>,
    /// Value behind `=`, where there is one.
    pub value: Option<Text>,
}

/// A here-document of RUN, COPY or ADD.
#[derive(Debug)]
pub struct Heredoc {
    /// The delimiter as a word, without quotes.
    pub name: Spanned<String>,
    /// The body; with `<<-` leading tabs are not in its value.
    pub body: Text,
    /// Variables in the body are expanded (the delimiter was not quoted).
    pub expand: bool,
    /// Leading tabs were removed (`<<-`).
    pub chomp: bool,
}

/// A command in shell form or exec form.
#[derive(Debug)]
pub enum Invocation {
    /// Text for the shell in force.
    Shell(Text),
    /// The elements of a JSON array, decoded.
    Exec(Vec<Text>),
}

/// A `key=value` pair of ENV, LABEL or a build argument.
#[derive(Debug)]
pub struct Pair {
    /// Key and value together.
    pub span: Span,
    /// Key without quotes.
    pub key: Text,
    /// Value as written, quotes and all: expansion removes them.
    pub value: Text,
    /// Written `KEY value` with a blank, which makes the rest of the line one value.
    pub legacy: bool,
}

/// A build argument that ARG declares.
#[derive(Debug)]
pub struct ArgDeclaration {
    /// Name and default together.
    pub span: Span,
    /// Name.
    pub name: Text,
    /// Default as written, quotes and all, where there is one.
    pub default: Option<Text>,
}

/// COPY or ADD.
#[derive(Debug)]
pub struct Transfer {
    /// Sources as written; the here-documents are in [`Instruction::heredocs`] and their words are not here.
    pub sources: Vec<Text>,
    /// Destination as written.
    pub destination: Text,
}

/// HEALTHCHECK.
#[derive(Debug)]
pub enum Healthcheck {
    /// `HEALTHCHECK NONE`.
    None,
    /// `HEALTHCHECK CMD …`; the options are the instruction's flags.
    Cmd(Invocation),
}

/// What an instruction says.
#[derive(Debug)]
pub enum Kind {
    /// `FROM image [AS name]`.
    From {
        /// Image or stage as written.
        image: Text,
        /// Stage name as written.
        name: Option<Box<Text>>,
    },
    /// RUN, with the script that BuildKit gives to the shell: the first here-document's body where the command is
    /// nothing but a here-document; otherwise the command, with here-documents and their delimiters behind it.
    /// [`Instruction::rest`] gives the command as written.
    Run(Invocation),
    /// CMD.
    Cmd(Invocation),
    /// ENTRYPOINT.
    Entrypoint(Invocation),
    /// SHELL, its JSON array.
    Shell(Vec<Text>),
    /// COPY.
    Copy(Box<Transfer>),
    /// ADD.
    Add(Box<Transfer>),
    /// ENV.
    Env(Vec<Pair>),
    /// LABEL.
    Label(Vec<Pair>),
    /// ARG.
    Arg(Vec<ArgDeclaration>),
    /// EXPOSE, one text per port.
    Expose(Vec<Text>),
    /// VOLUME, one text per path.
    Volume(Vec<Text>),
    /// USER.
    User(Text),
    /// WORKDIR.
    Workdir(Text),
    /// STOPSIGNAL.
    StopSignal(Text),
    /// MAINTAINER.
    Maintainer(Text),
    /// HEALTHCHECK.
    Healthcheck(Healthcheck),
    /// ONBUILD and the instruction that it keeps for later.
    Onbuild(Box<Instruction>),
    /// Not a known keyword (then there is no entry in [`Dockerfile::errors`], and [`Instruction::is_known`] is false),
    /// or arguments that cannot be read (then there is one, except within ONBUILD, where BuildKit does not look).
    Unknown,
}

/// A build stage.
#[derive(Debug)]
pub struct Stage {
    /// Lower-case name, as BuildKit compares it.
    pub name: Option<Spanned<String>>,
    /// Index of its FROM in [`Dockerfile::instructions`].
    pub from: usize,
    /// Indices of the instructions behind its FROM.
    pub body: Range<usize>,
}
