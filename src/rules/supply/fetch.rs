//! Downloads that are run as they come in.

use super::super::Cx;
use super::{Network, effective, host, is_check, mentions, network};
use crate::command::{Arguments, Program};
use crate::container::CommandLine;
use crate::finding::Finding;
use crate::limit::COMMAND_SCRIPTS;
use crate::source::{Span, Text};
use crate::syntax::shell::{self, Command, Script, Word};

/// Words between an interpreter and what it runs that are looked at.
const MAX_FLAGS: usize = 8;

/// Programs that download.
const DOWNLOADERS: [&str; 5] = ["curl", "wget", "aria2c", "fetch", "http"];

pub(in crate::rules) fn pipe_to_shell(line: &CommandLine, cx: &mut Cx) {
    if let Some(text) = line.text.as_ref().filter(|_| line.script.commands.is_empty()) {
        return power_shell(text, cx);
    }
    if mentions(line, &["powershell", "pwsh"]) {
        let shells = |command: &&Command| {
            matches!(command.name(), Some("powershell" | "pwsh" | "powershell.exe" | "pwsh.exe" | "@powershell"))
        };
        let scripts = line.script.commands.iter().filter(shells).flat_map(|command| command.args());
        scripts.for_each(|word| power_shell(&word.text, cx));
    }
    if !mentions(line, &DOWNLOADERS) {
        return;
    }
    let mut inner = run_downloads(&line.script, cx);
    let mut left = COMMAND_SCRIPTS.most;
    while let Some(text) = inner.pop() {
        if left == 0 {
            cx.exceeded(&COMMAND_SCRIPTS, line.span);
            return;
        }
        left -= 1;
        // The scripts that shells in there start are among those of the outer command already.
        run_downloads(&shell::parse(&text), cx);
    }
}

/// Reports the downloads that a script runs, and gives the scripts of the shells that it starts.
fn run_downloads(script: &Script, cx: &mut Cx) -> Vec<Text> {
    let mut inner = Vec::new();
    for pipeline in &script.pipelines {
        let mut download: Option<&Command> = None;
        for command in pipeline.stages.iter().flatten().map(|&at| &script.commands[at]) {
            let programs = effective(command).commands;
            if programs.iter().any(|program| is_check(program.into())) {
                download = None;
            } else if let Some(from) = download
                && let Some(interpreter) = programs.iter().find(|program| reads_program((*program).into()))
            {
                finding(from.span, &interpreter.name, cx);
                break;
            } else if programs.iter().any(|program| prints_download(program.into())) {
                download = Some(command);
            }
        }
    }
    // What a command is given by a substitution: `bash <(curl …)`, `sh -c "$(curl …)"`, `eval "$(curl …)"`.
    for command in &script.commands {
        let Some(outer) = command.inside.and_then(|at| script.commands.get(at)) else { continue };
        let downloads = || effective(command).commands.iter().any(|program| prints_download(program.into()));
        let Some(interpreter) = substituted(outer, command.span) else { continue };
        if downloads() && !is_checked_inside(script, command) {
            finding(command.span, &interpreter, cx);
        }
    }
    for command in &script.commands {
        if command.words.iter().any(|word| word.text.value.contains(char::is_whitespace)) {
            inner.extend(effective(command).scripts);
        }
    }
    inner
}

/// Whether what `download` prints goes through a check on its way.
fn is_checked_inside(script: &Script, download: &Command) -> bool {
    let pipelines = script.pipelines.iter().filter(|pipeline| pipeline.span.contains(download.span));
    let commands = pipelines.flat_map(|pipeline| pipeline.stages.iter().flatten()).map(|&at| &script.commands[at]);
    commands
        .filter(|command| command.inside == download.inside)
        .any(|command| effective(command).commands.iter().any(|program| is_check(program.into())))
}

fn finding<'c>(span: Span, interpreter: &str, cx: &'c mut Cx) -> &'c mut Finding {
    let message = format!("what is downloaded here goes straight into `{interpreter}`: nothing checks what it is");
    cx.report(span, message).help("download a fixed version to a file, check its checksum or signature, then run it")
}

/// Whether a program prints what it downloads from another machine.
fn prints_download(program: Program) -> bool {
    let local = program.args.iter().filter_map(|word| host(word.text.as_str()));
    let mut hosts = local.map(|(_, host)| network(host)).peekable();
    if hosts.peek().is_some() && hosts.all(|network| network == Network::Loopback) {
        return false;
    }
    let to_output = |file: Word| matches!(file.text.as_str(), "-" | "/dev/stdout" | "/proc/self/fd/1");
    match program.name {
        "curl" => match program.option(&["-o", "--output"]) {
            Some(file) => to_output(file),
            None => !program.has_flag(&["-O", "--remote-name", "--remote-name-all", "-I", "--head"]),
        },
        "wget" => program.option(&["-O", "--output-document"]).is_some_and(to_output),
        "http" | "https" | "xh" => true,
        "aria2c" | "fetch" => program.option(&["-o", "--out"]).is_some_and(to_output),
        _ => false,
    }
}

/// Whether a program runs what comes in on its standard input.
fn reads_program(program: Program) -> bool {
    let first = |with_value: &[&str]| program.positional(with_value).first().map(|word| word.text.as_str());
    let from_input = |file: Option<&str>| matches!(file, None | Some("-" | "/dev/stdin" | "/proc/self/fd/0"));
    // What comes behind the program is the program's.
    let own =
        program.args.iter().take_while(|word| word.text.value.len() > 1 && word.text.value.starts_with(['-', '+']));
    let own = &program.args[..own.count()];
    let asks = |flags: &[&str]| Arguments { program: program.name, words: own }.has_flag(flags);
    match language(program.name) {
        Some(Language::Shell) => {
            !asks(&["-c", "--version", "--help", "-n"]) && (asks(&["-s"]) || from_input(first(&["-o", "-O", "+o"])))
        }
        Some(Language::Source) => matches!(first(&[]), Some("-" | "/dev/stdin")),
        Some(Language::Python) => !asks(&["-c", "-V", "--version"]) && from_input(first(&["-X", "-W"])),
        Some(Language::Php) => {
            let code = asks(&["-r", "-f", "-F", "-B", "-R", "-E", "-v", "-l", "-S", "-a"]);
            let dashes = program.args.iter().find(|word| !matches!(word.text.as_str(), "-q" | "-n"));
            !code && (dashes.is_some_and(|word| word.text.value == "--") || from_input(first(&["-d", "-c"])))
        }
        Some(Language::Script) => {
            let code = ["-e", "-E", "-n", "-p", "-ne", "-pe", "--eval", "--print", "--version", "-v"];
            !asks(&code) && from_input(first(&["-I", "-r", "--require"]))
        }
        None => false,
    }
}

/// How an interpreter is told where its program is.
enum Language {
    Shell,
    /// `source` and `.`
    Source,
    Python,
    Php,
    /// Perl, Ruby, Node: `-e` has the program.
    Script,
}

fn language(name: &str) -> Option<Language> {
    Some(match name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "mksh" | "fish" => Language::Shell,
        "source" | "" if matches!(name, "source" | ".") => Language::Source,
        "python" | "pypy" => Language::Python,
        "php" => Language::Php,
        "perl" | "ruby" | "node" | "nodejs" | "lua" | "Rscript" => Language::Script,
        _ => return None,
    })
}

/// The interpreter that runs what the substitution around `inner` gives `outer`, if it does.
fn substituted(outer: &Command, inner: Span) -> Option<String> {
    let starts = |word: &Word| {
        let text = word.text.value.trim_start();
        word.text.span.contains(inner) && (text.starts_with("$(") || text.starts_with('`'))
    };
    let process = |word: &Word| word.text.span.contains(inner) && word.text.value.starts_with("<(");
    let at = outer.words.partition_point(|word| word.text.span.end < inner.end);
    let position = outer.words.get(at).filter(|word| starts(word) || process(word)).map(|_| at);
    // The interpreter, behind `sudo` and its like: the last word before it that names one.
    let before = &outer.words[..position.unwrap_or(outer.words.len())];
    let interpreter = before.iter().rev().take(MAX_FLAGS).find_map(|word| {
        let name = word.text.value.rsplit('/').next()?;
        (word.literal && (name == "eval" || language(name).is_some())).then(|| name.to_owned())
    })?;
    let Some(position) = position else {
        let input = |one: &shell::Redirection| {
            one.span.contains(inner) && one.operator.starts_with('<') && (starts(&one.target) || process(&one.target))
        };
        return outer.redirections.iter().any(input).then_some(interpreter);
    };
    if process(&outer.words[position]) {
        // A file for a program that was named before it is data.
        let at = before.iter().rposition(|word| word.text.value.rsplit('/').next() == Some(&interpreter))?;
        return before[at + 1..].iter().all(|word| word.text.value.starts_with('-')).then_some(interpreter);
    }
    let flagged = before.last().is_some_and(|word| {
        let flag = word.text.as_str();
        flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with(['c', 'e', 'r'])
    });
    (interpreter == "eval" || flagged).then_some(interpreter)
}

/// Names of what downloads in PowerShell, in lower case.
const POWER_SHELL_DOWNLOADS: [&str; 6] =
    ["downloadstring", "invoke-webrequest", "invoke-restmethod", "iwr", "irm", "curl.exe"];

/// Reports the statements of PowerShell text that evaluate a download.
fn power_shell(text: &Text, cx: &mut Cx) {
    if !text.value.contains("://") && !text.value.to_ascii_lowercase().contains("iex") {
        return;
    }
    let mut at = 0;
    for statement in text.value.split(['\n', ';']) {
        let start = at + statement.len() - statement.trim_start().len();
        at += statement.len() + 1;
        let lower = statement.to_ascii_lowercase();
        let words = || lower.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let evaluates = words().any(|word| matches!(word, "iex" | "invoke-expression"));
        let downloads = words()
            .any(|word| POWER_SHELL_DOWNLOADS.iter().any(|name| word == *name || word.ends_with(".downloadstring")));
        if evaluates && downloads && !lower.trim_start().starts_with('#') {
            finding(text.span_of(start..start + statement.trim().len()), "Invoke-Expression", cx);
        }
    }
}
