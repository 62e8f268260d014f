//! The health check in force, read as what it runs.

use crate::command::Effective;
use crate::container::tools::TOOLS;
use crate::container::{Container, Healthcheck};
use crate::rules::Cx;
use crate::source::{Span, Text};
use crate::syntax::compose::Form;
use crate::syntax::dockerfile::{Healthcheck as Instruction, Invocation, Kind};
use crate::syntax::shell::{self, Joint, Script, Word};

/// The health check in force.
pub(super) struct Probe {
    /// `test` of the service, or the command of HEALTHCHECK.
    pub span: Span,
    /// What is run: the text for the shell, or the words.
    pub texts: Vec<Text>,
    /// The same, parsed.
    pub script: Script,
    /// The shell that it is given to, where it is.
    pub shell: Option<&'static str>,
}

/// The shells that are known to read what the check is parsed as.
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

impl Probe {
    /// The check of a container, where its text is in sight and is not for a shell of another kind.
    pub fn of(container: &Container, cx: &Cx) -> Option<Probe> {
        match container.healthcheck.known()?.value {
            Healthcheck::Compose => {
                let test = cx.project.service(container)?.healthcheck.as_ref()?.test.as_ref()?;
                match &test.form {
                    Form::Text(scalar) => Probe::shell(scalar.text().clone(), test.span, container, cx),
                    Form::List(items) => match items.split_first()? {
                        (first, rest) if first.value == "CMD-SHELL" => {
                            Probe::shell(rest.first()?.text().clone(), test.span, container, cx)
                        }
                        (first, rest) if first.value == "CMD" => {
                            Some(Probe::exec(rest.iter().map(|item| item.text().clone()).collect(), test.span))
                        }
                        _ => None,
                    },
                }
            }
            Healthcheck::Dockerfile => {
                let built = container.built.as_ref()?;
                let instruction = cx.project.dockerfile(built.document)?.effective(built.config.healthcheck?)?;
                match &instruction.kind {
                    Kind::Healthcheck(Instruction::Cmd(Invocation::Shell(text))) => {
                        Probe::shell(text.clone(), text.span, container, cx)
                    }
                    Kind::Healthcheck(Instruction::Cmd(Invocation::Exec(words))) => {
                        Some(Probe::exec(words.clone(), instruction.span))
                    }
                    _ => None,
                }
            }
            Healthcheck::KnownImage | Healthcheck::Disabled => None,
        }
    }

    fn shell(text: Text, span: Span, container: &Container, cx: &Cx) -> Option<Probe> {
        let script = shell::parse(&text);
        let in_force = container.built.as_ref().and_then(|built| {
            let index = built.config.shell?;
            match &cx.project.dockerfile(built.document)?.effective(index)?.kind {
                Kind::Shell(words) => Some(words.first()?.value.clone()),
                _ => None,
            }
        });
        let name = in_force.as_deref().map_or("sh", |path| path.rsplit('/').next().unwrap_or(path));
        let shell = SHELLS.into_iter().find(|shell| *shell == name)?;
        Some(Probe { span, texts: vec![text], script, shell: Some(shell) })
    }

    fn exec(words: Vec<Text>, span: Span) -> Probe {
        Probe { span, script: Script::of_words(&words), texts: words, shell: None }
    }

    /// The known tools that it calls, each with its place, in source order; those behind wrappers and in substitutions
    /// included.
    pub fn tools(&self) -> Vec<(&'static str, Span)> {
        let effective = Effective::of_script(&self.script);
        let plain = self.script.commands.iter().filter_map(|command| command.words.first());
        let peeled = effective.commands.iter().flat_map(|command| command.wrapping.iter().chain([&command.program]));
        // What a shell behind a wrapper is told may be no command at all (`bash -c '</dev/tcp/…'`).
        let shells = self.script.commands.iter().flat_map(|command| command.args().windows(2)).filter_map(|pair| {
            let [shell, flag] = pair else { return None };
            (SHELLS.contains(&shell.text.as_str()) && flag.text.as_str() == "-c").then_some(shell)
        });
        let mut found: Vec<(&'static str, Span)> =
            plain.chain(peeled).chain(shells).filter_map(|word| Some((tool(word)?, word.text.span))).collect();
        found.sort_by_key(|(_, span)| span.start);
        found.dedup();
        found
    }

    /// Whether it asks what there is before it calls it, so that what is missing may well be left out.
    pub fn is_guarded(&self) -> bool {
        let asks = |name: &str| matches!(name, "command" | "which" | "type" | "hash");
        self.script.partial
            || !self.script.groups.is_empty()
            || self.script.commands.iter().any(|command| command.name().is_some_and(asks))
    }

    /// The programs that are called where another fails, apart from those that only end the check.
    pub fn alternatives(&self) -> impl Iterator<Item = Option<&str>> {
        let or = self.script.commands.iter().filter(|command| command.joined_by == Joint::Or);
        let ends = |name: &str| matches!(name, "exit" | "false" | "kill" | "return" | "echo" | "printf");
        or.map(|command| command.name()).filter(move |name| !name.is_some_and(ends))
    }
}

/// The tool that a word names, wherever it lies.
fn tool(word: &Word) -> Option<&'static str> {
    let name = word.text.as_str().rsplit('/').next().unwrap_or_default();
    TOOLS.iter().copied().find(|tool| word.literal && *tool == name)
}
