//! Shell text as a small model: commands, words, redirections, pipelines, lists, substitutions, here-documents.
//!
//! tree-sitter-bash does the parsing, behind this module alone; what it yields is lowered into the types below, so that
//! the grammar can be exchanged. Spans point into the file that the text came from.

use crate::source::{Span, Text};

/// A parsed script.
#[derive(Debug, Default)]
pub struct Script {
    /// Every simple command in source order, those inside compound commands, functions and substitutions included.
    pub commands: Vec<Command>,
    /// The pipelines with more than one command, as indices into `commands`; a stage that is a compound command (a
    /// subshell, a loop) lists the commands inside it.
    pub pipelines: Vec<Pipeline>,
    /// Not everything could be parsed, because of its syntax or because it was over the limits of size or time.
    pub partial: bool,
}

/// A pipeline `a | b | c`.
#[derive(Debug)]
pub struct Pipeline {
    /// The whole pipeline.
    pub span: Span,
    /// Per stage, the indices of its commands.
    pub stages: Vec<Vec<usize>>,
}

/// A simple command: assignments, words, redirections.
#[derive(Debug)]
pub struct Command {
    /// The whole command.
    pub span: Span,
    /// Assignments before the first word.
    pub assignments: Vec<Assignment>,
    /// Command name and arguments. Empty when there are only assignments.
    pub words: Vec<Word>,
    /// Redirections.
    pub redirections: Vec<Redirection>,
    /// What comes between this command and the one before it in the same list.
    pub joined_by: Joint,
    /// Index of the command whose substitution (`$(…)`, backquotes, `<(…)`) this command stands in.
    pub inside: Option<usize>,
}

/// What joins a command to the one before it in its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Joint {
    /// First of its list.
    #[default]
    First,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `;`, a line end or the end of a compound command.
    Then,
    /// `&`: the one before runs in the background.
    Background,
    /// `|` or `|&`.
    Pipe,
}

/// `name=value` before a command.
#[derive(Debug)]
pub struct Assignment {
    /// Name.
    pub name: Text,
    /// Value.
    pub value: Word,
}

/// A word after quote removal.
#[derive(Debug, Clone)]
pub struct Word {
    /// The value: quotes and escapes removed, `$NAME`, `$(…)` and the like left as written.
    pub text: Text,
    /// The value holds no expansion, so it is what the program gets (file name patterns apart).
    pub literal: bool,
}

/// A redirection.
#[derive(Debug)]
pub struct Redirection {
    /// The operator: `>`, `>>`, `<`, `2>`, `&>`, `<<`, `<<<` …
    pub operator: String,
    /// Target word; the delimiter of a here-document.
    pub target: Word,
    /// Body of a here-document.
    pub body: Option<Text>,
    /// The whole redirection.
    pub span: Span,
}
