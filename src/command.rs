//! What a command line really starts: the program behind shells, init processes, privilege drops and launchers.
//!
//! `tini -- gosu app sh -c "exec poetry run python -m uvicorn app:main"` runs uvicorn as app, and that is what
//! [`Effective`] says, with every word still at its place in the file.

mod arguments;
mod peel;
#[cfg(test)]
mod tests;
mod wrappers;

pub use arguments::Arguments;

use crate::few::Few;
use crate::limit::{Exceeded, Limit};
use crate::source::{Span, Text, TextBuilder};
use crate::syntax::shell::{self, Assignment, Command, Script, Word};

/// A program and its arguments, as the kernel gets them.
#[derive(Clone, Debug)]
pub struct Argv {
    /// Program and arguments; never empty in what the constructors give.
    pub words: Vec<Word>,
    /// Variables set for it alone.
    pub assignments: Few<Assignment>,
    /// All of it.
    pub span: Span,
}

impl Argv {
    /// A command in exec form (a Dockerfile's JSON array, a Compose list): each element is a word, and nothing is expanded.
    pub fn exec(elements: &[Text]) -> Option<Argv> {
        let words: Vec<Word> = elements.iter().map(|text| Word { text: text.clone(), literal: true }).collect();
        Argv::new(words, Few::new())
    }

    /// A program and its arguments; none where there is no word.
    pub fn of_words(words: Vec<Word>) -> Option<Argv> {
        Argv::new(words, Few::new())
    }

    /// A simple command of a script; none where it has only assignments or redirections.
    pub fn command(command: &Command) -> Option<Argv> {
        let argv = Argv::new(command.words.clone(), command.assignments.clone())?;
        Some(Argv { span: command.span, ..argv })
    }

    /// The `command` of a supervisord program, which Supervisor splits as Python's `shlex.split` does and starts without a
    /// shell. Words with a `%(…)s` in them are not literal.
    pub fn supervisor(value: &Text) -> Option<Argv> {
        Argv::new(split(value), Few::new())
    }

    fn new(words: Vec<Word>, assignments: Few<Assignment>) -> Option<Argv> {
        let span = words.first()?.text.span.to(words.last()?.text.span);
        Some(Argv { words, assignments, span })
    }
}

/// A program that is started, with nothing around it.
#[derive(Clone, Debug)]
pub struct Simple {
    /// Base name of the program (`nginx` for `/usr/sbin/nginx`), or the module of `python -m module`, by its command where
    /// that has another name (`supervisord`). As written where the word is not literal.
    pub name: String,
    /// The word that names the program.
    pub program: Word,
    /// Its arguments.
    pub args: Vec<Word>,
    /// Variables set for it on the command line.
    pub assignments: Few<Assignment>,
    /// From its program to its last argument.
    pub span: Span,
    /// The wrappers it is started through, outermost first, by name.
    pub through: Few<String>,
    /// The words before its program: those wrappers and their arguments.
    pub wrapping: Few<Word>,
    /// The account that the innermost privilege drop switches to.
    pub dropped_to: Option<Box<Word>>,
    /// The shell that starts it does not wait for it (`&`).
    pub background: bool,
}

impl Simple {
    /// Whether the program is a script by its name.
    pub fn is_script(&self) -> bool {
        let name = self.name.as_str();
        name.ends_with(".sh") || name.contains("entrypoint") || name.starts_with("start-") || name == "start"
    }

    /// The arguments, to look for flags in.
    pub fn arguments(&self) -> Arguments<'_> {
        Arguments { program: &self.name, words: &self.args }
    }

    /// [`Arguments::has_flag`].
    pub fn has_flag(&self, names: &[&str]) -> bool {
        self.arguments().has_flag(names)
    }

    /// [`Arguments::option`].
    pub fn option(&self, names: &[&str]) -> Option<Word> {
        self.arguments().option(names)
    }

    /// [`Arguments::positional`].
    pub fn positional(&self, with_value: &[&str]) -> Vec<&Word> {
        self.arguments().positional(with_value)
    }
}

/// A program and its arguments, where they stand in a command line.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Base name of the program, as in [`Simple::name`].
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [Word],
    /// The word that names it.
    pub program: &'a Word,
    /// Variables set for it on the command line.
    pub assignments: &'a [Assignment],
}

impl<'a> Program<'a> {
    /// The arguments, to look for flags in.
    pub fn arguments(&self) -> Arguments<'a> {
        Arguments { program: self.name, words: self.args }
    }

    /// [`Arguments::has_flag`].
    pub fn has_flag(&self, names: &[&str]) -> bool {
        self.arguments().has_flag(names)
    }

    /// [`Arguments::option`].
    pub fn option(&self, names: &[&str]) -> Option<Word> {
        self.arguments().option(names)
    }

    /// [`Arguments::positional`].
    pub fn positional(&self, with_value: &[&str]) -> Vec<&'a Word> {
        self.arguments().positional(with_value)
    }
}

impl<'a> From<&'a Simple> for Program<'a> {
    fn from(simple: &'a Simple) -> Self {
        Program { name: &simple.name, args: &simple.args, program: &simple.program, assignments: &simple.assignments }
    }
}

/// The programs that the commands of a script start behind wrappers, by the index of the command. What starts nothing but
/// itself is left out: its words are the script's.
#[derive(Debug, Default)]
pub struct Unwrapped {
    programs: Few<(usize, Vec<Simple>)>,
    exceeded: Few<Exceeded>,
}

impl Unwrapped {
    /// Those of a script.
    pub fn of(script: &Script) -> Unwrapped {
        let mut exceeded = Few::new();
        let commands = script.commands.iter().enumerate();
        let wrappers = commands.filter(|(_, command)| command.name().is_some_and(peel::may_wrap));
        let programs = wrappers.filter_map(|(index, command)| {
            let effective = Effective::of_argv(&Argv::command(command)?);
            exceeded.extend(effective.exceeded);
            Some((index, effective.commands))
        });
        let mut programs: Few<_> = programs.collect();
        programs.shrink_to_fit();
        Unwrapped { programs, exceeded }
    }

    /// What was left out because there is too much of it.
    pub fn exceeded(&self) -> &[Exceeded] {
        &self.exceeded
    }

    /// The programs behind wrappers alone, in source order.
    pub fn behind_wrappers(&self) -> impl Iterator<Item = Program<'_>> {
        self.programs.iter().flat_map(|(_, programs)| programs).map(Program::from)
    }

    /// Every program that the script starts, in source order, with the index of its command.
    pub fn programs<'a>(&'a self, script: &'a Script) -> impl Iterator<Item = (usize, Program<'a>)> {
        script.commands.iter().enumerate().flat_map(move |(index, command)| {
            let inner =
                self.programs.binary_search_by_key(&index, |(index, _)| *index).ok().map(|at| &self.programs[at].1);
            let plain = match inner {
                Some(_) => None,
                None => plain(command),
            };
            inner.into_iter().flatten().map(Program::from).chain(plain).map(move |program| (index, program))
        })
    }
}

/// The program of a command that is not a wrapper.
fn plain(command: &Command) -> Option<Program<'_>> {
    let program = command.words.first()?;
    let name = command.name().unwrap_or_else(|| program.text.as_str());
    Some(Program { name, args: command.args(), program, assignments: &command.assignments })
}

/// A script of `package.json` that is run by name.
#[derive(Clone, Debug)]
pub struct PackageScript {
    /// `npm`, `yarn`, `pnpm`, `bun` or `deno`.
    pub manager: String,
    /// Name of the script, at the word that says it (`start` in `npm start`).
    pub name: Word,
    /// Arguments behind the script's name.
    pub args: Vec<Word>,
    /// From the manager to the last argument.
    pub span: Span,
    /// The wrappers it is started through, outermost first, by name.
    pub through: Few<String>,
    /// The account that the innermost privilege drop switches to.
    pub dropped_to: Option<Box<Word>>,
}

/// What a command line starts.
#[derive(Clone, Debug, Default)]
pub struct Effective {
    /// The programs in source order, those in the background included; the commands in substitutions left out.
    pub commands: Vec<Simple>,
    /// The scripts of `package.json` that it runs, which stand for programs that only that file names.
    pub package_scripts: Few<PackageScript>,
    /// The first account that a privilege-drop tool switches to.
    pub dropped_to: Option<Box<Word>>,
    /// Every wrapper that was taken off, in source order, by name.
    pub through: Few<String>,
    /// The scripts of the shells that it starts (`sh -c`, `eval`), outer ones first; they are followed for `commands`.
    pub scripts: Few<Text>,
    /// Some of it could not be parsed or was nested too deep to follow.
    pub partial: bool,
    /// What was left out because there is too much of it, which makes it partial, too.
    pub exceeded: Few<Exceeded>,
}

impl Effective {
    /// Notes that a limit leaves out what stands from `word` on.
    fn exceeds(&mut self, limit: &'static Limit, word: Option<&Word>) {
        self.partial = true;
        self.exceeded.extend(word.map(|word| Exceeded { span: word.text.span, limit }));
    }

    /// What a program with its arguments starts.
    pub fn of_argv(argv: &Argv) -> Effective {
        peel::effective(vec![argv.clone()])
    }

    /// What a command in exec form starts.
    pub fn of_exec(elements: &[Text]) -> Effective {
        peel::effective(Argv::exec(elements).into_iter().collect())
    }

    /// What text for a shell starts.
    pub fn of_shell(text: &Text) -> Effective {
        Effective::of_script(&shell::parse(text))
    }

    /// What a script starts.
    pub fn of_script(script: &Script) -> Effective {
        peel::of_script(script)
    }

    /// What the `command` of a supervisord program starts.
    pub fn of_supervisor(value: &Text) -> Effective {
        peel::effective(Argv::supervisor(value).into_iter().collect())
    }
}

/// The words of `value` by the rules of Python's `shlex.split`: quotes, and a backslash outside of single quotes. An open
/// quote ends with the value.
fn split(value: &Text) -> Vec<Word> {
    let bytes = value.value.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if matches!(bytes[at], b' ' | b'\t' | b'\r' | b'\n') {
            at += 1;
            continue;
        }
        let start = at;
        let mut built = TextBuilder::default();
        let mut run = at;
        let mut quote = None;
        while at < bytes.len() {
            let byte = bytes[at];
            let kept = match (byte, quote) {
                (b' ' | b'\t' | b'\r' | b'\n', None) => break,
                (b'\'' | b'"', None) => {
                    quote = Some(byte);
                    false
                }
                (_, Some(open)) if byte == open => {
                    quote = None;
                    false
                }
                (b'\\', None) => false,
                (b'\\', Some(b'"')) => !matches!(bytes.get(at + 1), Some(b'"' | b'\\')),
                _ => true,
            };
            if !kept {
                built.push_text(value, run..at);
                run = at + 1;
                // What an escape protects is kept whatever it is.
                if byte == b'\\' && run < bytes.len() {
                    at += 1;
                }
            }
            at += 1;
        }
        built.push_text(value, run.min(at)..at);
        let text = built.finish(value.span_of(start..at));
        let literal = !text.value.contains("%(");
        words.push(Word { text, literal });
    }
    words
}
