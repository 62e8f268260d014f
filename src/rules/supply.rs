//! Where images, packages and downloads come from, and whether that is checked.

mod download;
mod fetch;
mod image;
mod official;
mod package;
mod remote_add;
mod tls;

pub(super) use download::{cleartext_download, insecure_download_flag};
pub(super) use fetch::pipe_to_shell;
pub(super) use image::{end_of_life_base_image, image_without_digest, unpinned_image, untrusted_registry};
pub(super) use package::{unpinned_os_package, unsigned_packages_allowed};
pub(super) use remote_add::remote_add_unverified;
pub(super) use tls::{package_manager_tls_disabled, tls_verify_disabled_env};

use std::ops::Range;

use crate::command::{Arguments, Argv, Effective, Program};
use crate::container::CommandLine;
use crate::source::Text;
use crate::syntax::shell::{Command, Redirection, Script, Word};

/// Whether the text or a word of a command line holds one of `needles`: cheaper than to look at its programs.
fn mentions(line: &CommandLine, needles: &[&str]) -> bool {
    let mut texts = line.text.iter().chain(&line.exec);
    texts.any(|text| needles.iter().any(|needle| text.value.contains(needle)))
}

/// What a command of a script starts, behind `sudo`, `env`, `sh -c` and the like.
fn effective(command: &Command) -> Effective {
    Argv::command(command).map(|argv| Effective::of_argv(&argv)).unwrap_or_default()
}

/// The first argument that is one of the flags, as [`Arguments::has_flag`] finds them.
fn flag<'s>(program: Program<'s>, names: &[&str]) -> Option<&'s Word> {
    let is_flag = |word: &&Word| {
        let word = std::slice::from_ref(*word);
        Arguments { program: program.name, words: word }.has_flag(names)
    };
    program.args.iter().take_while(|word| word.text.value != "--").find(is_flag)
}

/// Whether a program checks a signature, or checksums against expected ones.
fn is_check(program: Program) -> bool {
    match program.name {
        "sha1sum" | "sha224sum" | "sha256sum" | "sha384sum" | "sha512sum" | "shasum" | "md5sum" | "b2sum" => {
            program.has_flag(&["-c", "--check", "--status", "--strict"])
        }
        "gpg" | "gpg2" => program.has_flag(&["--verify", "--decrypt", "-d"]),
        "openssl" => program.args.iter().any(|word| matches!(word.text.as_str(), "-verify" | "-signature")),
        "gpgv" | "gpgv2" | "minisign" | "signify" | "cosign" | "slsa-verifier" => true,
        _ => false,
    }
}

/// Names of programs of [`is_check`], to look for in text.
const CHECKS: [&str; 9] =
    ["sha1sum", "sha256sum", "sha384sum", "sha512sum", "shasum", "md5sum", "--verify", "gpgv", "cosign"];

/// Indices of the commands of the script that check something.
fn checks(line: &CommandLine) -> impl Iterator<Item = usize> {
    let programs = mentions(line, &CHECKS).then(|| line.programs());
    programs.into_iter().flatten().filter(|(_, program)| is_check(*program)).map(|(index, _)| index)
}

/// Index of the last command of the script that checks something: what was downloaded before it is taken as checked.
fn last_check(line: &CommandLine) -> Option<usize> {
    checks(line).max()
}

/// Index of the first command of the script that checks something: what is installed behind it is taken as checked.
fn first_check(line: &CommandLine) -> Option<usize> {
    checks(line).min()
}

/// Text that a script writes to a file.
struct Written<'s> {
    /// The file.
    path: &'s str,
    /// What is written: words of `echo` and `printf`, bodies of here-documents.
    text: &'s Text,
}

/// Redirected groups of a script that are looked into; each may hold the ones behind it.
const MAX_GROUPS: usize = 64;

/// What the commands of a script write to files with `echo`, `printf` and here-documents, by redirection or `tee`.
fn written(script: &Script) -> Vec<Written<'_>> {
    let mut found = Vec::new();
    let mut write = |path, command| found.extend(contents(command).map(|text| Written { path, text }));
    for command in &script.commands {
        for path in outputs(&command.redirections).chain(tee_target(command)) {
            write(path, command);
        }
    }
    let groups = script.groups.iter().filter_map(|group| Some((outputs(&group.redirections).next()?, group)));
    for (path, group) in groups.take(MAX_GROUPS) {
        script.commands[group.commands.clone()].iter().for_each(|command| write(path, command));
    }
    for pipeline in &script.pipelines {
        let stages = || pipeline.stages.iter().enumerate();
        let tee = stages().find_map(|(stage, commands)| {
            Some((stage, commands.iter().find_map(|&at| tee_target(&script.commands[at]))?))
        });
        if let Some((last, path)) = tee {
            let before = pipeline.stages[..last].iter().flatten();
            before.for_each(|&at| write(path, &script.commands[at]));
        }
    }
    found
}

/// The files that redirections write to.
fn outputs(redirections: &[Redirection]) -> impl Iterator<Item = &str> {
    let writes = |operator: &str| operator.starts_with('>') || operator.starts_with("1>") || operator.starts_with("&>");
    redirections.iter().filter(move |one| writes(&one.operator)).map(|one| one.target.text.as_str())
}

/// The file that `tee`, also behind `sudo`, writes to.
fn tee_target(command: &Command) -> Option<&str> {
    let tee = command.words.iter().position(|word| word.text.value == "tee")?;
    let sudo = tee == 0 || command.name() == Some("sudo");
    let behind = command.words[tee + 1..].iter().map(|word| word.text.as_str());
    behind.filter(|_| sudo).find(|word| !word.starts_with('-'))
}

/// The words of `echo` and `printf`, and the here-documents of a command.
fn contents(command: &Command) -> impl Iterator<Item = &Text> {
    let prints = matches!(command.name(), Some("echo" | "printf"));
    let words = command.args().iter().filter(move |_| prints).map(|word| &word.text);
    words.chain(command.redirections.iter().filter_map(|redirection| redirection.body.as_deref()))
}

/// The lines of a text without the blanks around them, each with its place; `\n` as `echo -e` and `printf` read it ends
/// a line, too.
fn lines(text: &Text) -> impl Iterator<Item = (Range<usize>, &str)> {
    let value = text.value.as_str();
    let mut at = 0;
    std::iter::from_fn(move || {
        if at > value.len() {
            return None;
        }
        let rest = &value[at..];
        let (length, end) = match (rest.find('\n'), rest.find("\\n")) {
            (Some(newline), Some(escape)) if escape < newline => (escape, 2),
            (None, Some(escape)) => (escape, 2),
            (Some(newline), _) => (newline, 1),
            (None, None) => (rest.len(), 1),
        };
        let line = &rest[..length];
        let start = at + line.len() - line.trim_start().len();
        at += length + end;
        Some((start..start + line.trim().len(), line.trim()))
    })
}

/// The scheme and the host of the URL at the start of `text`, user and port left out; `None` where it is not a URL, or
/// the host is not written out.
fn host(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\'', '"', ' ']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let named = !host.is_empty() && !host.contains(['$', '{', '<', '%', '`', '(']);
    (named && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')).then_some((scheme, host))
}

/// Who can stand between a build and a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// Nobody: it is the same machine.
    Loopback,
    /// Those in the same private network: its address or its name is one of those that only mean something there.
    Private,
    /// Everyone on the way.
    Public,
}

/// Where a host is, by its name alone.
fn network(host: &str) -> Network {
    use std::net::IpAddr;
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) if ip.is_loopback() || ip.is_unspecified() => Network::Loopback,
        Ok(IpAddr::V6(ip)) if ip.is_loopback() || ip.is_unspecified() => Network::Loopback,
        Ok(IpAddr::V4(ip)) if ip.is_private() || ip.is_link_local() => Network::Private,
        Ok(IpAddr::V6(ip)) if ip.is_unique_local() || ip.is_unicast_link_local() => Network::Private,
        Ok(_) => Network::Public,
        Err(_) => match host.rsplit_once('.').map_or(host, |(_, last)| last).to_ascii_lowercase().as_str() {
            "localhost" => Network::Loopback,
            "local" | "internal" | "lan" | "test" | "example" | "invalid" | "intranet" | "home" => Network::Private,
            _ if !host.contains('.') => Network::Private,
            _ => Network::Public,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effort;
    use crate::source::{FileId, Kind, Source, Sources, Span};

    #[test]
    fn a_url_names_its_host_without_user_and_port() {
        for (url, expected) in [
            ("http://user:pw@Example.org:8080/x?y", Some(("http", "Example.org"))),
            ("http://[::1]:80/", Some(("http", "::1"))),
            ("ftp://ftp.example.org", Some(("ftp", "ftp.example.org"))),
            ("http://${HOST}/x", None),
            ("http:///x", None),
            ("example.org/x", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    #[test]
    fn a_host_is_placed_by_its_name() {
        for (name, expected) in [
            ("127.0.0.2", Network::Loopback),
            ("localhost", Network::Loopback),
            ("::1", Network::Loopback),
            ("10.1.2.3", Network::Private),
            ("nexus", Network::Private),
            ("repo.corp.internal", Network::Private),
            ("deb.debian.org", Network::Public),
            ("8.8.8.8", Network::Public),
        ] {
            assert_eq!(network(name), expected, "{name}");
        }
    }

    #[test]
    fn lines_end_at_escapes_too_and_keep_their_place() {
        let value = " a\\n[b]\n\n c ";
        let text = Text::verbatim(value, Span::new(FileId(0), 0..value.len()));
        let found: Vec<&str> = lines(&text)
            .map(|(range, line)| {
                assert_eq!(&value[range], line);
                line
            })
            .collect();
        assert_eq!(found, ["a", "[b]", "", "c"]);
    }

    #[test]
    fn hostile_command_lines_take_linear_time() {
        let cases = |size: usize| {
            let filled = |unit: &str| unit.repeat(size / unit.len());
            let half = |unit: &str| unit.repeat(size / 2 / unit.len());
            let runs = [
                filled("curl -k http://a.org|sh;"),
                filled("bash <(curl -k http://a.org);"),
                format!("bash {}", filled("<(curl -s a.org) ")),
                format!("{}curl a.org | sh{}", half("("), half(")")),
                format!("{} echo gpgcheck=0 {}", half("{ "), half("; } > x.repo")),
                format!("echo {} > a.repo", filled("gpgcheck=0 ")),
                filled("echo gpgcheck=0 | tee a.repo | ") + "cat",
                filled("apk add curl && apk del curl;"),
                filled("sh -c 'curl a.org | sh';"),
                filled("GIT_SSL_NO_VERIFY=1 ") + "pip install --trusted-host x",
                filled("eval ") + "curl",
            ];
            runs.map(|run| (run[..40].to_owned(), run)).into()
        };
        effort::assert_linear(60_000, 2 << 20, cases, |run| {
            let mut sources = Sources::default();
            let mut source = Source::new("Dockerfile", format!("FROM a:1\nRUN {run}\n"));
            source.kind = Kind::Dockerfile;
            sources.add(source);
            let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 1, 1)) };
            crate::scan(sources, &config);
        });
    }
}
