//! Shell text as a small model: commands, words, redirections, pipelines, lists, substitutions, here-documents.
//!
//! tree-sitter-bash does the parsing, behind this module alone; what it yields is lowered into the types below, so that
//! the grammar can be exchanged. Spans point into the file that the text came from.

mod grammar;
mod lower;
mod options;
#[cfg(test)]
mod tests;
mod tree;
mod word;

use std::ops::Range;

use crate::few::Few;
use crate::limit::Exceeded;
use crate::source::{Span, Text};

/// A parsed script.
#[derive(Debug, Default)]
pub struct Script {
    /// Every simple command in source order, those inside compound commands, functions and substitutions included.
    pub commands: Vec<Command>,
    /// The pipelines with more than one command, as indices into `commands`; a stage that is a compound command (a
    /// subshell, a loop) lists the commands inside it.
    pub pipelines: Few<Pipeline>,
    /// The compound commands and function definitions in the order in which they start.
    pub groups: Few<Group>,
    /// Not everything could be parsed, because of its syntax or because it was over the limits of size or time.
    pub partial: bool,
    /// What was left out because of its size, which makes the script partial, too.
    pub exceeded: Option<Exceeded>,
}

/// A compound command or a function definition, and the commands inside it.
#[derive(Debug)]
pub struct Group {
    /// What it is.
    pub kind: GroupKind,
    /// From its first to its last keyword or bracket, and the redirections behind that.
    pub span: Span,
    /// Indices of the commands inside it, those in substitutions and inner groups included.
    pub commands: Range<usize>,
    /// Redirections of the whole group.
    pub redirections: Few<Redirection>,
    /// What comes between this group and the command or group before it in the same list.
    pub joined_by: Joint,
    /// Name of the function that is defined.
    pub name: Option<Text>,
}

/// Which compound command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `( … )`.
    Subshell,
    /// `{ …; }`.
    Brace,
    /// `(( … ))`.
    Arithmetic,
    /// `if … fi`.
    If,
    /// `while … done` and `until … done`.
    While,
    /// `for … done` and `select … done`.
    For,
    /// `case … esac`.
    Case,
    /// `name() …` and `function name …`: its commands run where it is called.
    Function,
}

/// A pipeline `a | b | c`.
#[derive(Debug)]
pub struct Pipeline {
    /// The whole pipeline.
    pub span: Span,
    /// Per stage, the indices of its commands, those in substitutions left out.
    pub stages: Vec<Vec<usize>>,
}

/// A simple command: assignments, words, redirections.
#[derive(Debug)]
pub struct Command {
    /// The whole command.
    pub span: Span,
    /// Assignments before the first word.
    pub assignments: Few<Assignment>,
    /// Command name and arguments. Empty when there are only assignments.
    pub words: Vec<Word>,
    /// Redirections.
    pub redirections: Few<Redirection>,
    /// What comes between this command and the one before it in the same list.
    pub joined_by: Joint,
    /// Index of the command whose substitution (`$(…)`, backquotes, `<(…)`) this command stands in.
    pub inside: Option<usize>,
    /// Its list ends in `&`: the shell does not wait for it.
    pub background: bool,
}

impl Script {
    /// The script that is nothing but one program with its arguments, which no shell reads.
    pub fn of_words(words: &[Text]) -> Script {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return Script::default() };
        let command = Command {
            span: first.span.to(last.span),
            assignments: Few::new(),
            words: words.iter().map(|text| Word { text: text.clone(), literal: true }).collect(),
            redirections: Few::new(),
            joined_by: Joint::First,
            inside: None,
            background: false,
        };
        Script { commands: vec![command], ..Script::default() }
    }
}

impl Command {
    /// Base name of the program (`curl` for `/usr/bin/curl`), where the first word is literal.
    pub fn name(&self) -> Option<&str> {
        let word = self.words.first().filter(|word| word.literal)?;
        Some(word.text.value.rsplit('/').next().unwrap_or(&word.text.value))
    }

    /// The words behind the program's.
    pub fn args(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }
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
#[derive(Clone, Debug)]
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
    pub body: Option<Box<Text>>,
    /// The whole redirection.
    pub span: Span,
}

/// Parses a script for `sh` or `bash`.
///
/// Every text gives a script: what is not valid shell makes it [`Script::partial`], with the commands that could be
/// read. Only the first [`limit::SHELL_BYTES`](crate::limit::SHELL_BYTES) are parsed, and only as far as a fixed number of parser steps goes, so that the
/// outcome does not depend on the speed of the machine.
pub fn parse(text: &Text) -> Script {
    lower::script(text)
}
