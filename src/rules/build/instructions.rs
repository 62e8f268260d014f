//! Single instructions that do not say what they seem to.

use std::collections::HashMap;

use super::super::Cx;
use crate::finding::Severity;
use crate::syntax::dockerfile::{ArgDeclaration, Dockerfile, Healthcheck, Instruction, Invocation, Kind};
use crate::text;

/// Unknown instructions that are reported one by one; a file with more of them is something else than a Dockerfile.
const MOST_UNKNOWN: usize = 5;

/// The keywords of Dockerfiles, without the obsolete MAINTAINER.
const KEYWORDS: [&str; 17] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

pub(in crate::rules) fn unknown_instruction(dockerfile: &Dockerfile, cx: &mut Cx) {
    let instructions = dockerfile.instructions.iter().map(|instruction| match &instruction.kind {
        Kind::Onbuild(trigger) => trigger,
        _ => instruction,
    });
    let mut template = false;
    let unknown = instructions.filter(|instruction| {
        if instruction.is_known() {
            return false;
        }
        // The lines of a template have one cause, and it is named once.
        let mark = is_template_mark(&instruction.keyword.value);
        let repeated = mark && template;
        template |= mark;
        !repeated
    });
    let unknown: Vec<&Instruction> = unknown.collect();
    for (index, instruction) in unknown.iter().take(MOST_UNKNOWN).enumerate() {
        // What is set may be a secret.
        let written = &*instruction.keyword.value;
        let written = written.find('=').map_or(written, |equals| &written[..=equals]);
        let word: String = written.chars().take(40).collect();
        let upper = word.to_uppercase();
        let near = text::closest(&upper, KEYWORDS);
        let cut = if word.len() < instruction.keyword.value.len() { "…" } else { "" };
        let message = format!("`{word}{cut}` is not an instruction, so that the build fails");
        let finding = cx.report(instruction.keyword.span, message);
        let more = unknown.len() - MOST_UNKNOWN.min(unknown.len());
        finding.help(match near {
            _ if is_template_mark(&word) => "this is a template: render it first, and scan what comes out".to_owned(),
            Some(near) => format!("did you mean {near}?"),
            None if index + 1 == MOST_UNKNOWN && more > 0 => {
                format!("{more} more lines of the file are not instructions either")
            }
            None if word.starts_with(|c: char| !c.is_alphabetic()) || word != upper => {
                "if it belongs to the line above, end that line with `\\`".to_owned()
            }
            None => "see https://docs.docker.com/reference/dockerfile/ for those that there are".to_owned(),
        });
    }
}

fn is_template_mark(word: &str) -> bool {
    ["{{", "{%", "{#", "<%"].iter().any(|mark| word.starts_with(mark))
}

pub(in crate::rules) fn undefined_arg_in_from(dockerfile: &Dockerfile, cx: &mut Cx) {
    let undefined = dockerfile.undefined_in_from();
    if undefined.is_empty() {
        return;
    }
    let declarations = dockerfile.instructions.iter().rev().filter_map(|instruction| match &instruction.kind {
        Kind::Arg(declarations) => Some(declarations.iter().rev()),
        _ => None,
    });
    // The first one of a name stays.
    let declared: HashMap<&str, &ArgDeclaration> =
        declarations.flatten().map(|declaration| (declaration.name.value.as_str(), declaration)).collect();
    for name in undefined {
        let declared = declared.get(name.value.as_str());
        let message = format!("`{}` has no value in FROM: no ARG before the first FROM declares it", name.value);
        let finding = cx.report(name.span, message);
        finding.help(format!("put `ARG {}` with a default before the first FROM", name.value));
        if let Some(declared) = declared {
            finding.related(declared.span, "an ARG behind the first FROM counts in its own stage only");
        }
    }
}

pub(in crate::rules) fn invalid_exec_json(dockerfile: &Dockerfile, cx: &mut Cx) {
    for instruction in &dockerfile.instructions {
        let instruction = match &instruction.kind {
            Kind::Onbuild(trigger) => trigger,
            _ => instruction,
        };
        if instruction.json {
            continue;
        }
        let Some(rest) = instruction.rest() else { continue };
        let (array, what) = match &instruction.kind {
            Kind::Run(Invocation::Shell(text)) if instruction.heredocs.is_empty() => {
                (is_array(&text.value, false), "runs")
            }
            Kind::Healthcheck(Healthcheck::Cmd(Invocation::Shell(text))) => (is_array(&text.value, false), "runs"),
            Kind::Cmd(Invocation::Shell(text)) | Kind::Entrypoint(Invocation::Shell(text)) => {
                (is_array(&text.value, true), "runs")
            }
            Kind::Copy(_) | Kind::Add(_) | Kind::Volume(_) => (is_path_list(&rest.value), "names"),
            _ => continue,
        };
        if !array {
            continue;
        }
        let keyword = instruction.keyword.value.to_ascii_uppercase();
        let consequence = match what {
            "runs" => "a shell runs it as it stands",
            _ => "its brackets and quotes become part of the paths",
        };
        let finding = cx.report(rest.span, format!("this {keyword} array is not valid JSON, so that {consequence}"));
        finding.help(problem(&rest.value));
        if instruction.keyword.value.eq_ignore_ascii_case("healthcheck") {
            finding.severity(Severity::High);
        }
    }
}

/// Whether a command that is no JSON was meant as a JSON array, and not as the test that `[` or `[[` starts in a shell.
/// With `bare`, one word in brackets is enough.
fn is_array(text: &str, bare: bool) -> bool {
    let Some(inner) = text.strip_prefix('[') else { return false };
    match inner.chars().next() {
        None | Some('[' | '-' | '!' | ':') => return false,
        // A shell's test needs a blank behind the bracket.
        Some(first) if !first.is_whitespace() => return true,
        _ => {}
    }
    let inner = inner.trim_start();
    let end = match inner.chars().next() {
        Some(quote @ ('"' | '\'')) => inner[1..].find(quote).map(|end| end + 2),
        Some('“' | '”') => return true,
        _ => inner.find(|c: char| c.is_whitespace() || c == ','),
    };
    let rest = end.and_then(|end| inner.get(end..)).unwrap_or_default().trim_start();
    rest.starts_with(',') || bare && (rest.is_empty() || rest.starts_with([']', '"', '\'']))
}

/// Whether the arguments of COPY, ADD or VOLUME are in brackets: `[a-z]*.txt` is a pattern and no array.
fn is_path_list(rest: &str) -> bool {
    let Some(inner) = rest.strip_prefix('[') else { return false };
    inner.trim_start().starts_with(['"', '\'', '“']) || inner.starts_with([' ', '/']) && rest.ends_with(']')
}

/// What is probably wrong with an array, as what to do.
fn problem(array: &str) -> &'static str {
    let inner = array.strip_prefix('[').unwrap_or(array);
    if array.contains(['“', '”', '‘', '’']) {
        return "replace the typographic quotes by `\"`";
    }
    let Some(inner) = inner.trim_end().strip_suffix(']') else {
        return if inner.contains(']') {
            "put nothing behind the closing bracket"
        } else {
            "close the bracket at the end of the line"
        };
    };
    if inner.trim_start().starts_with('\'') {
        return "put the strings in double quotes: JSON knows no single ones";
    }
    if inner.trim_end().ends_with(',') {
        return "remove the comma behind the last string";
    }
    if !inner.contains('"') || inner.split(',').any(|part| !part.trim().starts_with('"') && !inner.contains('\\')) {
        return "put every string in double quotes, with a comma between two";
    }
    if inner.contains('\\') {
        return "write `\\\\` for a backslash: JSON knows no other escape of that kind";
    }
    "put every string in double quotes, with a comma between two"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_told_from_tests_of_the_shell() {
        for (text, bare, expected) in [
            ("['nginx', '-g']", false, true),
            ("[nginx, -g]", false, true),
            ("[\"a\" \"b\"]", false, true),
            ("[ 'a', 'b' ]", false, true),
            ("[ nginx, -g ]", false, true),
            ("[ 'a' ]", true, true),
            ("[ 'a' ]", false, false),
            ("[ -f /x ] && y", true, false),
            ("[ \"$A\" = \"b\" ]", false, false),
            ("[ \"$A\" != x ] || exit 1", true, false),
            ("[[ -f /x ]]", true, false),
            ("[", true, false),
            ("nginx", true, false),
        ] {
            assert_eq!(is_array(text, bare), expected, "{text}");
        }
    }

    #[test]
    fn patterns_are_no_path_lists() {
        for (rest, expected) in [
            ("['/data']", true),
            ("[ /data ]", true),
            ("[/data]", true),
            ("['a' 'b'", true),
            ("[a-z]*.txt /x/", false),
            ("[ab] /x", false),
            ("/data", false),
        ] {
            assert_eq!(is_path_list(rest), expected, "{rest}");
        }
    }
}
