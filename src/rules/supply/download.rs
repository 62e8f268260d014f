//! Downloads whose sender is not known for certain.

use super::super::Cx;
use super::{Network, flag, host, last_check, lines, mentions, network, written};
use crate::command::Program;
use crate::container::{CommandLine, CommandPlace};
use crate::finding::Severity;
use crate::source::Span;
use crate::syntax::shell::Word;

/// The flag that switches a downloader's certificate checks off.
fn insecure_flag(program: Program<'_>) -> Option<&Word> {
    match program.name {
        "curl" => flag(program, &["-k", "--insecure", "--proxy-insecure"]),
        // As GNU programs do, wget takes abbreviations.
        "wget" => program.args.iter().find(|word| word.text.value.starts_with("--no-check-c")),
        "aria2c" => program.args.iter().find(|word| word.text.value == "--check-certificate=false"),
        "http" | "https" => {
            program.args.iter().find(|word| matches!(word.text.as_str(), "--verify=no" | "--verify=false"))
        }
        _ => None,
    }
}

/// Whether every host that a program is told lies in `network` or nearer; false where none is told.
fn within(program: Program, limit: Network) -> bool {
    let told = program.args.iter().filter_map(|word| host(word.text.as_str()));
    let mut hosts = told.map(|(_, host)| network(host)).peekable();
    hosts.peek().is_some() && hosts.all(|at| at == Network::Loopback || at == limit)
}

pub(in crate::rules) fn insecure_download_flag(line: &CommandLine, cx: &mut Cx) {
    // A probe asks the container itself, or a neighbour with a certificate of its own.
    if line.place == CommandPlace::Healthcheck || !mentions(line, &["curl", "wget", "aria2c", "http"]) {
        return;
    }
    let build = line.place == CommandPlace::Run;
    let limit = if build { Network::Loopback } else { Network::Private };
    let checked = last_check(line);
    for (index, program) in line.programs() {
        let Some(flag) = insecure_flag(program).filter(|_| !within(program, limit)) else { continue };
        let (name, flag) = (program.name, &flag.text);
        let message =
            format!("`{}` makes `{name}` accept any certificate: whoever is on the way can answer instead", flag.value);
        let finding = cx.report(flag.span, message);
        finding.help("remove it, and add the certificate authority of the host to the image if it has one of its own");
        if checked > Some(index) {
            finding.severity(Severity::Low);
        } else if !build {
            finding.severity(Severity::Medium);
        }
    }
    if !build || !mentions(line, &["curlrc", "wgetrc"]) {
        return;
    }
    for file in written(&line.script) {
        let name = file.path.rsplit('/').next().unwrap_or_default().trim_start_matches(['.', '_']);
        for (range, text) in lines(file.text) {
            let setting: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
            let off = match name {
                "curlrc" => matches!(setting.as_str(), "insecure" | "k" | "insecure=true"),
                "wgetrc" => setting.to_ascii_lowercase().replace('_', "") == "checkcertificate=off",
                _ => false,
            };
            if off {
                let program = name.trim_end_matches("rc");
                let message = format!("every `{program}` from here on accepts any certificate");
                cx.report(file.text.span_of(range), message).help("remove the line");
            }
        }
    }
}

/// Programs that fetch what they are told a URL of.
const FETCHERS: &[&str] = &[
    "curl",
    "wget",
    "aria2c",
    "http",
    "git",
    "svn",
    "hg",
    "pip",
    "pip3",
    "uv",
    "npm",
    "yarn",
    "pnpm",
    "gem",
    "composer",
    "rpm",
    "yum",
    "dnf",
    "microdnf",
    "tdnf",
    "zypper",
    "apk",
    "apt-key",
    "apt-get",
    "apt",
    "add-apt-repository",
    "dpkg",
    "opkg",
    "pear",
    "pecl",
    "easy_install",
    "conda",
    "mamba",
    "fetch",
    "lynx",
    "R",
    "bower",
    "luarocks",
    "cpanm",
    "cargo",
];

/// Options whose value is sent, or is the way to the host, not the host itself.
const NOT_FETCHED: &[&str] = &[
    "-x",
    "--proxy",
    "--preproxy",
    "-e",
    "--referer",
    "--execute",
    "-H",
    "--header",
    "-A",
    "--user-agent",
    "-d",
    "--data",
    "--data-raw",
    "--build-arg",
    "--data-binary",
    "--retry-connrefused",
    "-F",
    "--form",
];

/// Whether an option or a setting of a program holds an address that is not fetched: a proxy's, or one that git replaces.
fn holds_no_source(option: &str) -> bool {
    let ends = |end: &str| {
        let start = option.len().checked_sub(end.len());
        start.and_then(|start| option.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    ends("proxy") || ends("insteadof")
}

/// The URL in an argument and its place: the argument itself or what is behind `=` in a flag.
fn url(word: &Word) -> Option<(Span, &str)> {
    let text = word.text.as_str();
    let start = match text.strip_prefix('-') {
        Some(_) => {
            text.find('=').filter(|&at| !NOT_FETCHED.contains(&&text[..at]) && !holds_no_source(&text[..at]))? + 1
        }
        None => 0,
    };
    let url = &text[start..];
    let cleartext = ["http://", "ftp://", "git://", "git+http://", "svn://", "telnet://"];
    let written =
        cleartext.iter().any(|scheme| url.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    written.then(|| (word.text.span_of(start..text.len()), url))
}

/// Whether a package manager checks the signature of what it fetches from this index.
fn is_signed_index(program: Program, words: &[Word], at: usize) -> bool {
    let flag = |names: &[&str]| {
        let text = words[at].text.as_str();
        at > 0 && names.contains(&words[at - 1].text.as_str()) || names.iter().any(|name| text.starts_with(name))
    };
    match program.name {
        "apk" => flag(&["--repository", "-X"]) && !program.has_flag(&["--allow-untrusted"]),
        "add-apt-repository" => true,
        "zypper" => words.iter().any(|word| matches!(word.text.as_str(), "ar" | "addrepo")),
        "yum" | "dnf" | "microdnf" | "tdnf" => flag(&["--setopt", "--repofrompath", "--add-repo"]),
        _ => false,
    }
}

pub(in crate::rules) fn cleartext_download(line: &CommandLine, cx: &mut Cx) {
    let place = matches!(line.place, CommandPlace::Run | CommandPlace::Cmd | CommandPlace::Entrypoint);
    if !place || !mentions(line, &["http://", "ftp://", "git://", "svn://", "telnet://", "HTTP://"]) {
        return;
    }
    let checked = last_check(line);
    for (index, program) in line.programs() {
        if checked > Some(index) || !FETCHERS.contains(&program.name) {
            continue;
        }
        let configures = program.args.iter().any(|word| word.text.as_str() == "config");
        for (at, word) in program.args.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| program.args[at].text.as_str());
            let value = before.is_some_and(|it| NOT_FETCHED.contains(&it) || configures && holds_no_source(it));
            let Some((span, url)) = url(word).filter(|_| !value) else { continue };
            let Some((scheme, host)) = host(url) else { continue };
            if network(host) != Network::Public {
                continue;
            }
            let message = format!(
                "`{}` downloads from `{host}` over {scheme}: whoever is on the way can answer instead",
                program.name
            );
            let finding = cx.report(span, message);
            if is_signed_index(program, program.args, at) {
                finding
                    .severity(Severity::Low)
                    .help("use https; the packages are signed, but their index can be held back");
            } else {
                finding.help("use https, or check the checksum or signature of what came");
            }
        }
    }
}
