//! What RUN, CMD and ENTRYPOINT execute.

use super::super::Cx;
use super::{body, commands_of};
use crate::container::{CommandLine, CommandPlace, Container, Origin};
use crate::finding::Severity;
use crate::project::StageNode;
use crate::source::Span;
use crate::syntax::dockerfile::{Invocation, Kind};
use crate::syntax::shell::{Command, GroupKind, Joint, Script, Word};

/// Programs that start the program named in their arguments, as far as `chmod` is found behind them.
const STARTERS: &[&str] =
    &["busybox", "command", "doas", "env", "exec", "find", "nice", "su-exec", "sudo", "time", "toybox", "xargs"];

/// Directories in which accounts may well make files side by side, as long as the sticky bit keeps each from those of the
/// others. The official database images have it on their data, which they start to use under any account.
const SHARED: &[&str] =
    &["/dev/shm", "/run", "/tmp", "/var/cache", "/var/lib", "/var/lock", "/var/log", "/var/run", "/var/tmp"];

pub(in crate::rules) fn world_writable_permission(node: &StageNode, cx: &mut Cx) {
    let Some((_, instructions)) = body(node, cx) else { return };
    for instruction in instructions {
        if let Kind::Copy(transfer) | Kind::Add(transfer) = &instruction.kind
            && let Some(mode) = instruction.flag_value("chmod")
            && let Some(sticky) = world_writable(&mode.value)
        {
            writable(node, cx, mode.span, &mode.value, &transfer.destination.value, sticky);
        }
    }
    for line in commands_of(node.scope.document, node.index, cx) {
        if line.place != CommandPlace::Run {
            continue;
        }
        for (index, command) in line.script.commands.iter().enumerate() {
            let programs = holds_script(command).then(|| line.programs()).into_iter().flatten();
            let inner = programs.filter(|(at, program)| *at == index && program.name == "chmod");
            let inner = inner.filter_map(|(_, program)| mode_of_chmod(program.args));
            let given = mode_and_targets(command).into_iter().chain(inner);
            for (mode, targets) in given {
                let Some(sticky) = world_writable(&mode.text.value) else { continue };
                let mut targets = targets.iter().map(|target| target.text.value.as_str());
                let target = targets.find(|target| !target.starts_with('-')).unwrap_or_default();
                if target.is_empty() || !removed_later(&line.script, index, target) {
                    writable(node, cx, mode.text.span, &mode.text.value, target, sticky);
                }
            }
        }
    }
}

fn writable(node: &StageNode, cx: &mut Cx, span: Span, mode: &str, target: &str, sticky: bool) {
    let shared = target.contains(['$', '`'])
        || target.contains("tmp")
        || SHARED.iter().any(|shared| target.strip_prefix(shared).is_some_and(|r| r.is_empty() || r.starts_with('/')));
    if sticky && shared {
        return;
    }
    let what = if target.is_empty() || target.starts_with("{}") { "the files" } else { &format!("`{target}`") };
    let finding = cx.report(span, format!("mode {mode} lets every account in the container write to {what}"));
    finding
        .help("give it to the account that needs it: `chown` or `--chown`, then 750 or 640, or `g+w` with its group");
    finding.evidence(format!("{mode} {target}"));
    if sticky {
        finding.severity(Severity::Info);
    } else if !node.reachable {
        finding.severity(Severity::Low);
    } else if !node.shipped {
        finding.severity(Severity::Medium);
    }
}

/// The mode that a command gives to files, and the files.
fn mode_and_targets(command: &Command) -> Option<(Word, &[Word])> {
    match command.name()? {
        "mkdir" | "install" => {
            let mode = command.arguments().option(&["-m", "--mode"])?;
            let last = command.args().len().checked_sub(1)?;
            return Some((mode, &command.args()[last..]));
        }
        "chmod" => {}
        name if STARTERS.contains(&name) => {}
        _ => return None,
    }
    let is_chmod = |word: &Word| word.text.value.rsplit('/').next() == Some("chmod");
    let at = command.words.iter().position(is_chmod)?;
    mode_of_chmod(&command.words[at + 1..])
}

/// Whether a word of a command is a script with a `chmod` in it (`bash -c "chmod 777 /x"`).
fn holds_script(command: &Command) -> bool {
    command.words.iter().any(|word| word.text.value.contains("chmod "))
}

/// The mode in the arguments of `chmod`, and the files behind it.
fn mode_of_chmod(mut words: &[Word]) -> Option<(Word, &[Word])> {
    // A mode may begin with a dash too (`-w`), but then it takes something away.
    while let Some((first, rest)) = words.split_first() {
        if !first.text.value.starts_with('-') {
            return Some((first.clone(), rest));
        }
        words = rest;
    }
    None
}

/// Whether a mode of `chmod` lets others write, and then whether it sets the sticky bit. In the symbolic form without
/// `u`, `g`, `o` or `a` the umask decides, and it usually takes the right from others.
fn world_writable(mode: &str) -> Option<bool> {
    if mode.is_empty() || mode.len() > 32 {
        return None;
    }
    if mode.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        let bits = u64::from_str_radix(mode, 8).ok()?;
        return (bits & 0o2 != 0).then_some(bits & 0o1000 != 0);
    }
    let (mut writable, mut sticky) = (false, false);
    for clause in mode.split(',') {
        let (who, how) = clause.split_at(clause.find(['+', '-', '='])?);
        if !who.bytes().all(|byte| b"ugoa".contains(&byte)) {
            return None;
        }
        let others = who.contains(['o', 'a']);
        let mut operator = b'=';
        for byte in how.bytes() {
            match byte {
                b'+' | b'-' => operator = byte,
                b'=' => {
                    operator = byte;
                    writable &= !others;
                }
                b'w' if others => writable = operator != b'-',
                b't' => sticky = operator != b'-',
                b'r' | b'w' | b'x' | b'X' | b's' | b'u' | b'g' | b'o' => {}
                _ => return None,
            }
        }
    }
    writable.then_some(sticky)
}

/// Whether a later command of the same RUN removes `target`, so that no layer keeps it.
fn removed_later(script: &Script, index: usize, target: &str) -> bool {
    let target = target.trim_end_matches('/');
    script.commands[index + 1..].iter().filter(|command| command.name() == Some("rm")).any(|command| {
        command.args().iter().any(|word| {
            let removed = word.text.value.trim_end_matches('/');
            !removed.is_empty()
                && target.strip_prefix(removed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    })
}

/// Programs that fetch, unpack, build or ask a server, which fail for reasons that the Dockerfile cannot rule out.
const FALLIBLE: &[&str] = &[
    "apk",
    "apt",
    "apt-cache",
    "apt-get",
    "aria2c",
    "aws",
    "az",
    "bundle",
    "bunzip2",
    "bzcat",
    "cargo",
    "cmake",
    "composer",
    "conda",
    "configure",
    "curl",
    "dnf",
    "docker",
    "dotnet",
    "fetch",
    "gcloud",
    "gem",
    "git",
    "go",
    "gpg",
    "gradle",
    "gradlew",
    "gsutil",
    "gunzip",
    "gzip",
    "http",
    "java",
    "make",
    "mamba",
    "meson",
    "microdnf",
    "mvn",
    "mvnw",
    "mysql",
    "ninja",
    "node",
    "npm",
    "npx",
    "openssl",
    "php",
    "pip",
    "pip3",
    "pipenv",
    "pnpm",
    "poetry",
    "psql",
    "pytest",
    "python",
    "python2",
    "python3",
    "rpm2cpio",
    "rsync",
    "ruby",
    "rustup",
    "scp",
    "ssh",
    "svn",
    "tar",
    "unxz",
    "unzip",
    "uv",
    "wget",
    "xz",
    "xzcat",
    "yarn",
    "yum",
    "zcat",
    "zstd",
    "zypper",
];

/// Programs that fail themselves when their input is empty or cut off, so that the build stops there.
const STRICT_READERS: &[&str] = &[
    "apt-key",
    "bsdtar",
    "bunzip2",
    "bzip2",
    "cpio",
    "egrep",
    "fgrep",
    "gpg",
    "gpg2",
    "grep",
    "gunzip",
    "gzip",
    "patch",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shasum",
    "tar",
    "unxz",
    "unzip",
    "unzstd",
    "xz",
    "zstd",
];

pub(in crate::rules) fn pipe_without_pipefail(line: &CommandLine, cx: &mut Cx) {
    if line.place != CommandPlace::Run || line.pipefail || line.script.pipelines.is_empty() || says_pipefail(line) {
        return;
    }
    let script = &line.script;
    let found = script.pipelines.iter().find_map(|pipeline| {
        let (last, writers) = pipeline.stages.split_last()?;
        let command = |&index: &usize| script.commands.get(index);
        if last.last().and_then(command).and_then(Command::name).is_some_and(|name| STRICT_READERS.contains(&name)) {
            return None;
        }
        let behind = pipeline.stages.iter().flatten().max()? + 1;
        let forgiven = script
            .commands
            .get(behind)
            .is_some_and(|next| next.joined_by == Joint::Or && matches!(next.name(), Some("true" | ":" | "echo")));
        if forgiven || is_condition(script, pipeline.span) {
            return None;
        }
        writers.iter().flatten().filter_map(command).find(|command| command.name().is_some_and(is_fallible))
    });
    let Some(writer) = found else { return };
    let name = writer.name().unwrap_or_default();
    let program = writer.words.first().map_or(writer.span, |word| word.text.span);
    let finding = cx.report(program, format!("the build goes on when `{name}` fails: only the end of the pipe counts"));
    finding.help(
        "put `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before it (`/bin/ash` on Alpine), or save the output to a \
         file first",
    );
    finding.evidence(name);
}

fn is_fallible(name: &str) -> bool {
    // With a version behind it, as in `python3.12`.
    FALLIBLE.contains(&name) || FALLIBLE.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

/// Whether the script itself, the shell that it is given to, or its `#!` line asks for `pipefail`.
fn says_pipefail(line: &CommandLine) -> bool {
    let names_it = |text: &str| text.split([' ', '=']).any(|word| word == "pipefail");
    line.exec.iter().any(|word| word.value == "pipefail")
        || line
            .text
            .as_ref()
            .is_some_and(|text| text.value.starts_with("#!") && names_it(text.value.lines().next().unwrap_or_default()))
        || line.script.commands.iter().any(|command| {
            matches!(command.name(), Some("set" | "bash" | "zsh" | "ash" | "ksh" | "setopt"))
                && command.args().iter().any(|word| word.text.value == "pipefail")
        })
}

/// Whether the pipeline is the condition of an `if` or a `while`, whose status is a question and not a failure.
fn is_condition(script: &Script, span: Span) -> bool {
    script.groups.iter().any(|group| {
        matches!(group.kind, GroupKind::If | GroupKind::While)
            && group.span.contains(span)
            && script.commands.get(group.commands.start).is_some_and(|first| span.contains(first.span))
    })
}

pub(in crate::rules) fn shell_form_command(container: &Container, cx: &mut Cx) {
    let Some(built) = &container.built else { return };
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    if built.config.shell.is_some() {
        return;
    }
    let service = match container.origin {
        Origin::Service { .. } => cx.project.service(container),
        Origin::Stage { .. } => None,
    };
    if service.is_some_and(|service| service.entrypoint.is_some()) {
        return;
    }
    let shell_text = |index: Option<usize>| {
        let instruction = dockerfile.effective(index?)?;
        let (Kind::Entrypoint(Invocation::Shell(text)) | Kind::Cmd(Invocation::Shell(text))) = &instruction.kind else {
            return None;
        };
        Some((index?, instruction, text))
    };
    let command = built.config.cmd.filter(|_| service.is_none_or(|service| service.command.is_none()));
    let Some((index, instruction, text)) = shell_text(built.config.entrypoint).or_else(|| shell_text(command)) else {
        return;
    };
    let Some(stage) = dockerfile.stages.iter().position(|stage| stage.body.contains(&index)) else { return };
    let lines = commands_of(built.document, stage, cx);
    let Some(line) = lines.iter().find(|line| line.span == instruction.span) else { return };
    // Nothing was read of what is for cmd or PowerShell.
    let Some(first) = line.script.commands.first() else { return };
    let execs = |command: &Command| command.name() == Some("exec");
    if text.value.starts_with('[') || line.script.commands.iter().any(execs) || is_interactive(first) {
        return;
    }
    let keyword = instruction.keyword.value.to_ascii_uppercase();
    let ignored = if keyword == "ENTRYPOINT" { ", and CMD and arguments are ignored" } else { "" };
    let message = format!("{keyword} in shell form runs under `/bin/sh -c`, which may not pass signals on{ignored}");
    let finding = cx.report(instruction.span, message);
    if text.value.contains(['$', '|', '&', ';', '<', '>', '*', '`', '(', '~', '\n']) || !first.assignments.is_empty() {
        finding.severity(Severity::Info);
        finding.help("put `exec` in front of the last command, so that it takes the shell's place");
    } else {
        finding.help(format!("write it as a JSON array: `{keyword} [\"program\", \"argument\"]`"));
    }
}

/// A shell that waits for someone to type.
fn is_interactive(command: &Command) -> bool {
    command.words.len() == 1 && matches!(command.name(), Some("sh" | "bash" | "ash" | "zsh" | "dash" | "fish"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_let_others_write_are_told_from_those_that_do_not() {
        for (mode, expected) in [
            ("777", Some(false)),
            ("0666", Some(false)),
            ("002", Some(false)),
            ("4777", Some(false)),
            ("1777", Some(true)),
            ("3777", Some(true)),
            ("a+rwx", Some(false)),
            ("o+w", Some(false)),
            ("u+x,go=rw", Some(false)),
            ("ugo+rwxt", Some(true)),
            ("o+w,o-w", None),
            ("a=rw,o=r", None),
            ("775", None),
            ("664", None),
            ("+w", None),
            ("g+w", None),
            ("u=rwX,g=u", None),
            ("a+x", None),
            ("$MODE", None),
            ("", None),
            ("9777", None),
            ("77777777777777777777777777777777777", None),
        ] {
            assert_eq!(world_writable(mode), expected, "{mode}");
        }
    }
}
