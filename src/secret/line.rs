//! Secrets on command lines: in flags, in variables in front of a command, in headers.

use super::literals::Literals;
use super::name::{self, Shape};
use super::text::STEM;
use super::value::{self, Verdict};
use crate::container::CommandLine;
use crate::source::{Span, Text};
use crate::syntax::shell::{Assignment, Script, Word};

/// A value that a command line gives for a credential.
#[derive(Debug)]
pub struct Given {
    /// What it is given with: a flag (`--requirepass`), a variable, a header.
    pub name: String,
    /// The program that it is given to; empty where that is not known.
    pub program: String,
    /// The place of the value.
    pub span: Span,
    /// The value.
    pub value: String,
    /// What the value is.
    pub verdict: Verdict,
}

/// Programs with a flag of one letter for a password, from their manuals: the flag, whether the value is written behind
/// it without a blank, and what separates a user in front of the password.
const FLAGS: &[(&[&str], &str, bool, Option<char>)] = &[
    (
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlcheck",
            "mysqlshow",
            "mysqlslap",
            "mysqlpump",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "mariadb-import",
            "mariadb-check",
            "mariadb-show",
            "mycli",
        ],
        "-p",
        true,
        None,
    ),
    (&["redis-cli", "valkey-cli", "keydb-cli"], "-a", false, None),
    (&["mongo", "mongosh", "mongodump", "mongorestore"], "-p", false, None),
    (&["sshpass"], "-p", true, None),
    (&["docker", "podman", "helm", "az", "buildah", "skopeo", "crane"], "-p", false, None),
    (&["sqlcmd", "bcp"], "-P", true, None),
    (&["mosquitto_pub", "mosquitto_sub"], "-P", false, None),
    (&["ldapsearch", "ldapadd", "ldapmodify", "ldappasswd", "ldapwhoami"], "-w", false, None),
    (&["curl"], "-u", true, Some(':')),
    (&["curl"], "--user", false, Some(':')),
    (&["curl"], "--proxy-user", false, Some(':')),
    (&["curl"], "-U", true, Some(':')),
    (&["smbclient"], "-U", false, Some('%')),
];

/// The programs of [`FLAGS`], of which some are there several times.
static PROGRAMS: Literals<44> = {
    let mut programs = [""; 44];
    let (mut row, mut count) = (0, 0);
    while row < FLAGS.len() {
        let mut at = 0;
        while at < FLAGS[row].0.len() {
            programs[count] = FLAGS[row].0[at];
            (at, count) = (at + 1, count + 1);
        }
        row += 1;
    }
    Literals::folded(programs)
};

/// Programs with a command that stores settings, given as a name and a value behind it.
const CONFIGURED: [&str; 10] = ["npm", "pnpm", "yarn", "aws", "pip", "pip3", "git", "composer", "gcloud", "poetry"];

/// Programs whose words are text or patterns, not settings.
const TEXT_TOOLS: [&str; 8] = ["sed", "grep", "egrep", "fgrep", "awk", "perl", "test", "["];

/// Everything that a command line gives for a credential, place-holders included.
pub fn given(command: &CommandLine) -> Vec<Given> {
    if !may_hold(command) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for program in command.unwrapped().behind_wrappers() {
        assignments(program.assignments, &mut found);
        arguments(program.name, program.args, &mut found);
    }
    // Wrappers have words too (`env NAME=value program`).
    for command in &command.script.commands {
        assignments(&command.assignments, &mut found);
        match command.words.first().map_or("", |word| word.text.as_str()) {
            // What follows an image's entrypoint may be nothing but its arguments.
            flag if flag.starts_with('-') => arguments("", &command.words, &mut found),
            written => arguments(command.name().unwrap_or(written), command.args(), &mut found),
        }
        let bodies = command.redirections.iter().filter_map(|redirection| redirection.body.as_deref());
        bodies.for_each(|body| settings(body, &mut found));
    }
    account_passwords(&command.script, &mut found);
    found.sort_by_key(|given| (given.span, given.program.is_empty()));
    found.dedup_by(|a, b| a.span == b.span);
    found
}

/// Whether the words of a command can give a credential at all.
fn may_hold(command: &CommandLine) -> bool {
    let holds = |text: &Text| STEM.is_in(text.as_str()) || PROGRAMS.is_in(text.as_str());
    command.text.as_ref().is_some_and(holds) || command.exec.iter().any(holds)
}

fn assignments(assignments: &[Assignment], found: &mut Vec<Given>) {
    for assignment in assignments {
        let name = assignment.name.as_str();
        if let Some(shape) = name::shape(name) {
            push(found, shape, name, "", &assignment.value.text);
        }
    }
}

fn arguments(program: &str, args: &[Word], found: &mut Vec<Given>) {
    if TEXT_TOOLS.contains(&program) {
        return;
    }
    // `npm config set NAME VALUE`, `aws configure set NAME VALUE`
    let configures = CONFIGURED.contains(&program)
        && args.iter().take(4).any(|word| matches!(word.text.as_str(), "config" | "configure" | "set"));
    // What sets variables is not what reads them.
    let setter = matches!(program, "export" | "env" | "declare" | "local" | "readonly" | "set");
    let program = if setter || program.contains('$') { "" } else { program };
    let mut push = |shape, name: &str, value: &Text| push(found, shape, name, program, value);
    let flags: Vec<_> = FLAGS.iter().filter(|(programs, ..)| programs.contains(&program)).collect();
    for (at, word) in args.iter().enumerate() {
        let text = &word.text;
        let written = text.as_str();
        let next = args.get(at + 1);
        // `name=value`, with or without dashes in front.
        let dashes = written.len() - written.trim_start_matches('-').len();
        // A password may end with `=`.
        let glued = flags.iter().any(|(_, flag, glued, _)| *glued && written.starts_with(flag) && dashes == 1);
        let equals = written.find('=').filter(|_| !glued);
        if let Some(equals) = equals.filter(|&equals| is_name(own_name(&written[dashes..equals]))) {
            let name = own_name(&written[dashes..equals]);
            if let Some(shape) = name::shape(name) {
                push(shape, own_name(&written[..equals]), &text.slice(equals + 1..written.len()));
            } else if name == "header"
                && let Some((shape, colon, start)) = header(written, equals + 1)
            {
                push(shape, &written[equals + 1..colon], &text.slice(start..written.len()));
            }
            continue;
        }
        if let Some((shape, colon, start)) = header(written, 0) {
            push(shape, &written[..colon], &text.slice(start..written.len()));
            continue;
        }
        let setting = matches!(written, "requirepass" | "masterauth");
        if dashes > 0 && written.len() > 2 || setting || configures {
            let name = own_name(&written[dashes..]);
            let shape = is_name(name).then(|| name::shape(name)).flatten();
            let value = next.filter(|next| !next.text.as_str().starts_with('-'));
            if let (Some(shape), Some(value)) = (shape.filter(|shape| *shape > Shape::Key), value) {
                push(shape, own_name(written), &value.text);
                continue;
            }
        }
        for (_, flag, glued, separator) in flags.iter().filter(|(_, flag, ..)| written.starts_with(flag)) {
            let value = match (written.len() > flag.len(), next) {
                (true, _) if *glued => text.slice(flag.len()..written.len()),
                (false, Some(next)) if !(*glued && *flag == "-p" && program != "sshpass") => next.text.clone(),
                _ => continue,
            };
            let start = match separator {
                Some(separator) => match value.as_str().find(*separator) {
                    Some(at) => at + 1,
                    None => continue,
                },
                None => 0,
            };
            // `docker run -p 80:80` publishes a port.
            let port =
                *flag == "-p" && !*glued && value.as_str().contains(':') || program == "docker" && !logs_in(args);
            if !port {
                push(Shape::Password, flag, &value.slice(start..value.as_str().len()));
            }
        }
        for prefix in ["pass:", "PASS:"] {
            if program == "openssl" && written.starts_with(prefix) {
                push(Shape::Password, prefix, &text.slice(prefix.len()..written.len()));
            }
        }
    }
    let batch = |word: &Word| word.text.as_str().starts_with('-') && word.text.as_str().contains('b');
    if program == "htpasswd"
        && args.iter().any(batch)
        && let Some(last) = args.last()
    {
        push(Shape::Password, "-b", &last.text);
    }
}

/// `echo user:password | chpasswd`: passwords of accounts, unless they are hashes (`-e`).
fn account_passwords(script: &Script, found: &mut Vec<Given>) {
    for pipeline in &script.pipelines {
        let commands: Vec<_> = pipeline.stages.iter().flatten().filter_map(|&at| script.commands.get(at)).collect();
        for pair in commands.windows(2) {
            let [from, to] = pair else { continue };
            // The program may stand behind `sudo`.
            let Some(at) = to.words.iter().take(4).position(|word| word.text.as_str() == "chpasswd") else { continue };
            let hashed = to.words[at..].iter().any(|word| matches!(word.text.as_str(), "-e" | "--encrypted"));
            if hashed || !matches!(from.name(), Some("echo" | "printf")) {
                continue;
            }
            for word in from.args() {
                let text = word.text.as_str();
                let Some(colon) = text.find(':').filter(|&colon| is_name(&text[..colon])) else { continue };
                let rest = &text[colon + 1..];
                let end = colon + 1 + rest.find(|c: char| c.is_whitespace() || c == '\\').unwrap_or(rest.len());
                let value = word.text.slice(colon + 1..end);
                if !value.as_str().contains('%') {
                    push(found, Shape::Password, "standard input", "chpasswd", &value);
                }
            }
        }
    }
}

/// Whether the arguments of docker, podman or helm are for logging in.
fn logs_in(args: &[Word]) -> bool {
    args.iter().any(|word| word.text.as_str() == "login")
}

/// `Name: value` from `from` on, as curl's `-H` takes it: what the name says, and where the colon and the value are.
fn header(written: &str, from: usize) -> Option<(Shape, usize, usize)> {
    let colon = from + written[from..].find(": ")?;
    let name = &written[from..colon];
    let start = colon + 2;
    if !is_name(name) {
        return None;
    }
    if name.eq_ignore_ascii_case("authorization") {
        let scheme = written[start..].find(' ').map_or(0, |blank| blank + 1);
        return Some((Shape::Token, colon, start + scheme));
    }
    Some((name::shape(name)?, colon, start))
}

/// The name without the registry that it is for, which npm writes in front (`//registry.example.org/:_authToken`).
fn own_name(name: &str) -> &str {
    name.rsplit("/:").next().unwrap_or_default()
}

/// Secrets in a config that a here-document writes: only values that look random, since the text may be anything.
fn settings(body: &Text, found: &mut Vec<Given>) {
    let text = body.as_str();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        let at = line.find(['=', ':']).map(|at| start + at);
        if let Some(at) = at.filter(|&at| at < end) {
            let name = own_name(line[..at - start].trim().trim_matches(['"', '\'']));
            let shape = is_name(name).then(|| name::shape(name)).flatten();
            let around = [' ', '\t', '"', '\'', ',', ';'];
            let rest = text[at + 1..end].trim_start_matches(around);
            let value = rest.trim_end_matches(around);
            let offset = end - rest.len();
            if let Some(shape) = shape
                && value::judge(shape, value) == (Verdict::Secret { random: true })
            {
                push(found, shape, name, "", &body.slice(offset..offset + value.len()));
            }
        }
        start += line.len();
    }
}

/// Whether what stands in front of `=` or behind dashes can be a name.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// The default, where a value is nothing but a variable with one that is literal.
fn fallback(value: &Text) -> Option<Text> {
    let inner = value.as_str().strip_prefix("${")?.strip_suffix('}')?;
    let name = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let operator = [":-", "-"].into_iter().find(|operator| inner[name..].starts_with(operator))?;
    let start = name + operator.len();
    let literal = name > 0 && !inner[start..].contains(['$', '`', '}', '"', '\'']);
    literal.then(|| value.slice(2 + start..2 + inner.len()))
}

fn push(found: &mut Vec<Given>, shape: Shape, name: &str, program: &str, value: &Text) {
    let fallback = fallback(value);
    let value = fallback.as_ref().unwrap_or(value);
    let text = value.as_str();
    // What `docker build --secret id=…` and keytool's standard password say is no secret.
    if text.is_empty() || text.starts_with("id=") || text.starts_with("type=") || text == "changeit" {
        return;
    }
    let verdict = value::judge(shape, text);
    let (name, program) = (name.to_owned(), program.to_owned());
    found.push(Given { name, program, span: value.span, value: text.to_owned(), verdict });
}
