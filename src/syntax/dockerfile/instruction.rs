//! One logical line into an instruction, with the checks of BuildKit's `instructions` package.

use std::borrow::Cow;
use std::ops::Range;

use super::words::{self, Json};
use super::{ArgDeclaration, Flag, Healthcheck, Instruction, Invocation, Kind, Pair, Transfer, flags, heredoc};
use crate::few::Few;
use crate::source::{Span, Spanned, Text, TextBuilder};
use crate::syntax::SyntaxError;

/// The keywords of BuildKit in lower case (`command/command.go`) and in upper case.
const KEYWORDS: [(&str, &str); 18] = [
    ("add", "ADD"),
    ("arg", "ARG"),
    ("cmd", "CMD"),
    ("copy", "COPY"),
    ("entrypoint", "ENTRYPOINT"),
    ("env", "ENV"),
    ("expose", "EXPOSE"),
    ("from", "FROM"),
    ("healthcheck", "HEALTHCHECK"),
    ("label", "LABEL"),
    ("maintainer", "MAINTAINER"),
    ("onbuild", "ONBUILD"),
    ("run", "RUN"),
    ("shell", "SHELL"),
    ("stopsignal", "STOPSIGNAL"),
    ("user", "USER"),
    ("volume", "VOLUME"),
    ("workdir", "WORKDIR"),
];

/// Why arguments cannot be read.
struct Refusal {
    span: Span,
    message: String,
    /// BuildKit's parser finds it, even in ONBUILD's instruction; the rest is found where the arguments are used.
    by_parser: bool,
}

fn by_parser(span: Span, message: impl Into<String>) -> Refusal {
    Refusal { span, message: message.into(), by_parser: true }
}

impl Instruction {
    /// All that follows the keyword and its flags, continuation lines joined; nothing where nothing follows.
    pub fn rest(&self) -> Option<&Text> {
        self.rest.as_deref().or_else(|| self.only_argument()).filter(|rest| !rest.value.is_empty())
    }

    /// The argument of an instruction that has one, which is all of its rest.
    fn only_argument(&self) -> Option<&Text> {
        match &self.kind {
            Kind::Run(Invocation::Shell(text))
            | Kind::Cmd(Invocation::Shell(text))
            | Kind::Entrypoint(Invocation::Shell(text))
            | Kind::User(text)
            | Kind::Workdir(text)
            | Kind::StopSignal(text)
            | Kind::Maintainer(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the keyword is one that BuildKit knows. An instruction of [`Kind::Unknown`] whose keyword is known has
    /// arguments that cannot be read.
    pub fn is_known(&self) -> bool {
        known_keyword(&self.keyword.value).is_some()
    }

    /// Whether here-documents may stand in it: RUN, COPY and ADD that are not in exec form.
    pub(super) fn takes_heredocs(&self) -> bool {
        matches!(known_keyword(&self.keyword.value), Some("run" | "copy" | "add")) && !self.json
    }
}

/// The lower-case keyword that `word` is. Letters are compared by their simple lower case as Go's `strings.ToLower`
/// does, which knows two letters beyond ASCII that become ASCII.
fn known_keyword(word: &str) -> Option<&'static str> {
    let mut keywords = KEYWORDS.into_iter().map(|(lower, _)| lower);
    if word.is_ascii() {
        return keywords.find(|known| known.eq_ignore_ascii_case(word));
    }
    let lower: String = word.chars().filter_map(|c| c.to_lowercase().next()).collect();
    keywords.find(|&known| known == lower)
}

/// Reads a logical line.
pub(super) fn read(line: &Text, escape: char, errors: &mut Vec<SyntaxError>) -> Instruction {
    let range = words::trim(&line.value, 0..line.value.len());
    read_part(line, range, escape, errors, false)
}

fn read_part(
    line: &Text,
    range: Range<usize>,
    escape: char,
    errors: &mut Vec<SyntaxError>,
    trigger: bool,
) -> Instruction {
    let bytes = line.value.as_bytes();
    let mut at = range.start;
    while at < range.end && !words::is_blank(bytes[at]) {
        at += 1;
    }
    let keyword = Spanned::new(as_written(&line.value[range.start..at]), line.span_of(range.start..at));
    while at < range.end && words::is_blank(bytes[at]) {
        at += 1;
    }
    let (mut flags, rest) = split_flags(line, at..range.end);
    flags.shrink_to_fit();
    let rest = words::trim(&line.value, rest);
    let mut instruction = Instruction {
        span: line.span_of(range),
        keyword,
        lines: (0, 0),
        flags,
        rest: None,
        heredocs: Few::new(),
        json: false,
        kind: Kind::Unknown,
    };
    if let Some(keyword) = known_keyword(&instruction.keyword.value) {
        let rest = rest.clone();
        let mut reader = Reader { line, rest, escape, keyword, errors, trigger, instruction: &mut instruction };
        match reader.kind() {
            Ok(kind) => instruction.kind = kind,
            Err(refusal) if trigger && !refusal.by_parser => {}
            Err(refusal) => errors.push(SyntaxError::new(refusal.span, refusal.message)),
        }
    }
    if instruction.only_argument().is_none() && !rest.is_empty() {
        instruction.rest = Some(Box::new(line.slice(rest)));
    }
    instruction
}

/// A keyword. Nearly every file has them in upper case, and those take no room of their own.
fn as_written(keyword: &str) -> Cow<'static, str> {
    let upper = KEYWORDS.into_iter().map(|(_, upper)| upper).find(|&upper| upper == keyword);
    upper.map_or_else(|| Cow::Owned(keyword.to_owned()), Cow::Borrowed)
}

/// Takes the flags from the start of `range` of a line; what is left is the rest.
///
/// Quotes and backslashes are removed, whatever the escape character is. `--` alone ends the flags.
fn split_flags(line: &Text, range: Range<usize>) -> (Few<Flag>, Range<usize>) {
    let value = &line.value;
    let bytes = &value.as_bytes()[..range.end];
    let mut flags = Few::new();
    let mut at = range.start;
    loop {
        while bytes.get(at).is_some_and(|&byte| words::is_blank(byte)) {
            at += 1;
        }
        if !value[at..range.end].starts_with("--") {
            return (flags, at..range.end);
        }
        let start = at;
        let mut builder = TextBuilder::default();
        let mut run = at;
        let mut quote = None;
        // Where the value starts: in the line, and in the flag without its quotes.
        let mut equals = None;
        while let Some(&byte) = bytes.get(at) {
            match (quote, byte) {
                (None, b'"' | b'\'') => {
                    builder.push_text(line, run..at);
                    quote = Some(byte);
                    run = at + 1;
                }
                (Some(q), byte) if q == byte => {
                    builder.push_text(line, run..at);
                    quote = None;
                    run = at + 1;
                }
                (_, b'\\') => {
                    builder.push_text(line, run..at);
                    run = at + 1;
                    // The next byte is taken as it stands, an equals sign too.
                    if bytes.get(at + 1) == Some(&b'=') && equals.is_none() {
                        equals = Some((at + 2, builder.len() + 1));
                    }
                    at = (at + 1).min(bytes.len() - 1);
                }
                (None, byte) if words::is_blank(byte) || byte == b'\n' => break,
                (_, b'=') if equals.is_none() => equals = Some((at + 1, builder.len() + (at - run) + 1)),
                _ => {}
            }
            at += 1;
        }
        builder.push_text(line, run.min(at)..at);
        let word = builder.finish(line.span_of(start..at));
        if word.value == "--" {
            return (flags, at..range.end);
        }
        let name = 2.min(word.value.len())..equals.map_or(word.value.len(), |(_, logical)| logical - 1);
        let value = equals.map(|(raw, logical)| {
            let mut builder = TextBuilder::default();
            builder.push_text(&word, logical..word.value.len());
            builder.finish(words::place(line, raw..at))
        });
        flags.push(Flag {
            span: word.span,
            name: Spanned::new(word.value[name.clone()].to_owned(), words::place(&word, name)),
            value,
        });
    }
}

struct Reader<'a> {
    line: &'a Text,
    rest: Range<usize>,
    escape: char,
    keyword: &'static str,
    errors: &'a mut Vec<SyntaxError>,
    /// The instruction is ONBUILD's: BuildKit looks at its arguments only in the build that runs it.
    trigger: bool,
    instruction: &'a mut Instruction,
}

impl Reader<'_> {
    fn kind(&mut self) -> Result<Kind, Refusal> {
        self.check_flags();
        Ok(match self.keyword {
            "from" => self.from()?,
            "run" => Kind::Run(self.invocation(self.rest.clone())?),
            "cmd" => Kind::Cmd(self.invocation(self.rest.clone())?),
            "entrypoint" => Kind::Entrypoint(self.invocation(self.rest.clone())?),
            "shell" => match self.invocation(self.rest.clone())? {
                Invocation::Exec(words) if !words.is_empty() => Kind::Shell(words),
                _ => return Err(self.refusal("SHELL needs a JSON array with at least one string")),
            },
            "copy" => Kind::Copy(self.transfer()?),
            "add" => Kind::Add(self.transfer()?),
            "env" => Kind::Env(self.pairs()?),
            "label" => Kind::Label(self.pairs()?),
            "arg" => Kind::Arg(self.declarations()?),
            "expose" => Kind::Expose(self.at_least_one(words::split_blanks(&self.line.value, self.rest.clone()))?),
            "volume" => Kind::Volume(self.volumes()?),
            "user" => Kind::User(self.argument()?),
            "workdir" => Kind::Workdir(self.argument()?),
            "stopsignal" => Kind::StopSignal(self.argument()?),
            "maintainer" => Kind::Maintainer(self.argument()?),
            "healthcheck" => Kind::Healthcheck(self.healthcheck()?),
            _ => self.onbuild()?,
        })
    }

    fn text(&self, range: Range<usize>) -> Text {
        words::part(self.line, range)
    }

    fn name(&self) -> String {
        self.keyword.to_ascii_uppercase()
    }

    fn refusal(&self, message: impl Into<String>) -> Refusal {
        Refusal { span: self.instruction.span, message: message.into(), by_parser: false }
    }

    /// An error that leaves the instruction readable. BuildKit does not look for such in ONBUILD's instruction.
    fn report(&mut self, span: Span, message: impl Into<String>) {
        if !self.trigger {
            self.errors.push(SyntaxError::new(span, message));
        }
    }

    fn check_flags(&mut self) {
        if !self.trigger {
            flags::check(self.keyword, self.instruction, &self.line.value[self.rest.clone()], self.errors);
        }
    }

    fn argument(&self) -> Result<Text, Refusal> {
        if self.rest.is_empty() {
            return Err(self.refusal(format!("{} needs an argument", self.name())));
        }
        Ok(self.text(self.rest.clone()))
    }

    fn at_least_one(&self, words: Vec<Range<usize>>) -> Result<Vec<Text>, Refusal> {
        if words.is_empty() {
            return Err(self.refusal(format!("{} needs at least one argument", self.name())));
        }
        Ok(words.into_iter().map(|word| self.text(word)).collect())
    }

    /// The JSON array that `range` is, if it is one.
    fn json(&mut self, range: Range<usize>) -> Result<Option<Vec<Text>>, Refusal> {
        match words::json_strings(self.line, range.clone()) {
            Json::No => Ok(None),
            Json::Mixed => Err(by_parser(self.line.span_of(range), "an array in exec form may hold only strings")),
            Json::Strings(elements) => {
                self.instruction.json = true;
                Ok(Some(elements))
            }
        }
    }

    fn invocation(&mut self, range: Range<usize>) -> Result<Invocation, Refusal> {
        let shell = self.text(range.clone());
        Ok(self.json(range)?.map_or(Invocation::Shell(shell), Invocation::Exec))
    }

    /// The elements of a JSON array, or words between blanks.
    fn list(&mut self) -> Result<Vec<Text>, Refusal> {
        if let Some(elements) = self.json(self.rest.clone())? {
            return Ok(elements);
        }
        let words = words::split_blanks(&self.line.value, self.rest.clone());
        Ok(words.into_iter().map(|word| self.text(word)).collect())
    }

    fn from(&mut self) -> Result<Kind, Refusal> {
        let words = words::split_blanks(&self.line.value, self.rest.clone());
        let [image, more @ ..] = words.as_slice() else {
            return Err(self.refusal("FROM needs an image"));
        };
        let image = self.text(image.clone());
        // Go folds the long s into an s as well.
        let is_as =
            |word: &Range<usize>| matches!(&self.line.value[word.clone()], "as" | "AS" | "As" | "aS" | "aſ" | "Aſ");
        let name = match more {
            [keyword, name, ..] if is_as(keyword) => Some(Box::new(self.text(name.clone()))),
            _ => None,
        };
        if more.len() != if name.is_some() { 2 } else { 0 } {
            self.report(self.line.span_of(self.rest.clone()), "FROM takes an image and, behind AS, a name");
        } else if let Some(name) = name.as_ref().filter(|name| !is_stage_name(&name.value)) {
            self.report(name.span, format!("`{}` cannot be the name of a build stage", name.value));
        }
        Ok(Kind::From { image, name })
    }

    fn transfer(&mut self) -> Result<Box<Transfer>, Refusal> {
        let mut sources = self.list()?;
        let Some(destination) = sources.pop().filter(|_| !sources.is_empty()) else {
            return Err(self.refusal(format!("{} needs a source and a destination", self.name())));
        };
        let is_heredoc = |text: &Text| matches!(heredoc::opener(&text.value, 0..text.value.len()), Ok(Some(_)));
        if is_heredoc(&destination) {
            let message = "a here-document cannot be the destination".to_owned();
            return Err(Refusal { span: destination.span, message, by_parser: false });
        }
        sources.retain(|source| !is_heredoc(source));
        sources.shrink_to_fit();
        Ok(Box::new(Transfer { sources, destination }))
    }

    fn pairs(&mut self) -> Result<Vec<Pair>, Refusal> {
        let value = &self.line.value;
        let words = words::split_quoted(value, self.rest.clone(), self.escape);
        let Some(first) = words.first() else {
            return Err(self.refusal(format!("{} needs at least one argument", self.name())));
        };
        if !value[first.clone()].contains('=') {
            let bytes = value.as_bytes();
            let Some(blank) = self.rest.clone().find(|&at| words::is_blank(bytes[at])) else {
                return Err(by_parser(self.instruction.span, format!("{} needs a name and a value", self.name())));
            };
            let start = (blank..self.rest.end).find(|&at| !words::is_blank(bytes[at])).unwrap_or(self.rest.end);
            return Ok(vec![Pair {
                span: self.line.span_of(self.rest.clone()),
                key: self.text(self.rest.start..blank),
                value: self.text(start..self.rest.end),
                legacy: true,
            }]);
        }
        let mut pairs = Vec::with_capacity(words.len());
        for word in words {
            let span = self.line.span_of(word.clone());
            match self.line.value[word.clone()].find('=') {
                None => {
                    return Err(by_parser(span, format!("`{}` has no `=`", &self.line.value[word])));
                }
                Some(0) => self.report(span, format!("{} needs a name before the `=`", self.name())),
                Some(equals) => pairs.push(Pair {
                    span,
                    key: self.text(word.start..word.start + equals),
                    value: self.text(word.start + equals + 1..word.end),
                    legacy: false,
                }),
            }
        }
        Ok(pairs)
    }

    fn declarations(&mut self) -> Result<Vec<ArgDeclaration>, Refusal> {
        let words = words::split_quoted(&self.line.value, self.rest.clone(), self.escape);
        if words.is_empty() {
            return Err(self.refusal("ARG needs at least one argument"));
        }
        let mut declarations = Vec::with_capacity(words.len());
        for word in words {
            let span = self.line.span_of(word.clone());
            let equals = self.line.value[word.clone()].find('=').map(|equals| word.start + equals);
            if equals == Some(word.start) {
                self.report(span, "ARG needs a name before the `=`");
                continue;
            }
            declarations.push(ArgDeclaration {
                span,
                name: self.text(word.start..equals.unwrap_or(word.end)),
                default: equals.map(|equals| self.text(equals + 1..word.end)),
            });
        }
        Ok(declarations)
    }

    fn volumes(&mut self) -> Result<Vec<Text>, Refusal> {
        let volumes = self.list()?;
        if volumes.is_empty() {
            return Err(self.refusal("VOLUME needs at least one argument"));
        }
        if let Some(blank) = volumes.iter().find(|volume| volume.value.trim().is_empty()) {
            self.report(blank.span, "a volume cannot be an empty string");
        }
        Ok(volumes)
    }

    fn healthcheck(&mut self) -> Result<Healthcheck, Refusal> {
        let bytes = self.line.value.as_bytes();
        let blank = |at: &usize| words::is_blank(bytes[*at]) || bytes[*at] == b'\n';
        let end = self.rest.clone().find(blank).unwrap_or(self.rest.end);
        let command = (end..self.rest.end).find(|at| !blank(at)).unwrap_or(self.rest.end)..self.rest.end;
        let form = self.rest.start..end;
        if form.is_empty() {
            return Err(self.refusal("HEALTHCHECK needs at least one argument"));
        }
        let word = &self.line.value[form.clone()];
        if word.eq_ignore_ascii_case("none") {
            if !command.is_empty() {
                self.report(self.line.span_of(command), "HEALTHCHECK NONE takes no arguments");
            }
            return Ok(Healthcheck::None);
        }
        if !word.eq_ignore_ascii_case("cmd") {
            let message = format!("HEALTHCHECK is followed by CMD or NONE, not by `{word}`");
            return Err(Refusal { span: self.line.span_of(form), message, by_parser: false });
        }
        match self.invocation(command.clone())? {
            Invocation::Shell(text) if text.value.is_empty() => Err(self.refusal("HEALTHCHECK CMD needs a command")),
            Invocation::Exec(words) if words.is_empty() => Err(self.refusal("HEALTHCHECK CMD needs a command")),
            invocation => Ok(Healthcheck::Cmd(invocation)),
        }
    }

    fn onbuild(&mut self) -> Result<Kind, Refusal> {
        if self.rest.is_empty() {
            return Err(self.refusal("ONBUILD needs an instruction"));
        }
        if self.trigger {
            // The instruction around this one reports it; going deeper would only cost stack.
            return Ok(Kind::Unknown);
        }
        let trigger = read_part(self.line, self.rest.clone(), self.escape, self.errors, true);
        if let Some(keyword @ ("onbuild" | "maintainer" | "from")) = known_keyword(&trigger.keyword.value) {
            let message = format!("ONBUILD cannot keep {} for later", keyword.to_ascii_uppercase());
            self.errors.push(SyntaxError::new(trigger.keyword.span, message));
        }
        Ok(Kind::Onbuild(Box::new(trigger)))
    }
}

/// `[a-z][a-z0-9-_.]*`, compared without case.
fn is_stage_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with(|c: char| c.is_ascii_lowercase())
        && lower.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'))
}

/// Gives RUN the script that BuildKit gives to the shell: the body where the command is nothing but a here-document,
/// and otherwise the command with the bodies and delimiters behind it. `ends` says where each delimiter stands that
/// ends a body.
pub(super) fn attach_heredocs(instruction: &mut Instruction, source: &str, ends: &[usize]) {
    let Some(first) = instruction.heredocs.first() else {
        return;
    };
    let Kind::Run(Invocation::Shell(command)) = &mut instruction.kind else {
        return;
    };
    if matches!(heredoc::opener(&command.value, 0..command.value.len()), Ok(Some(_))) {
        instruction.rest = Some(Box::new(std::mem::replace(command, first.body.clone())));
        return;
    }
    let mut builder = TextBuilder::default();
    builder.push_text(command, 0..command.value.len());
    let mut span = command.span;
    for (heredoc, &end) in instruction.heredocs.iter().zip(ends) {
        let body = heredoc.body.span;
        // A body always starts behind a line feed.
        builder.push("\n", body.start as usize - 1);
        builder.push(&source[body.range()], body.start as usize);
        builder.push(&heredoc.name.value, end);
        span = span.to(Span::new(span.file, end..end + heredoc.name.value.len()));
    }
    instruction.rest = Some(Box::new(std::mem::replace(command, builder.finish(span))));
}
