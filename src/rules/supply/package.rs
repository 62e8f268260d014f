//! Packages of the distribution.

use super::super::Cx;
use super::{first_check, flag, lines, mentions, written};
use crate::command::Program;
use crate::container::{CommandLine, CommandPlace};
use crate::finding::Severity;
use crate::source::Span;
use crate::syntax::shell::Word;

/// What [`unsigned`] and [`unsigned_line`] know, to look for in text.
const UNSIGNED: &[&str] = &[
    "--allow-untrusted",
    "--allow-unauthenticated",
    "--force-yes",
    "AllowUnauthenticated",
    "AllowInsecure",
    "allow-insecure",
    "--nogpgcheck",
    "--no-gpg",
    "gpgcheck",
    "--nosignature",
    "--nodigest",
    "--nofiledigest",
    "--noverify",
    "--nodigests",
    "unsigned",
    "trusted=",
    "trusted:",
    "SigLevel",
    "Trusted:",
    "-G",
    "Allow-Insecure",
];

/// The argument with which a package manager takes packages that nobody signed.
fn unsigned(program: Program<'_>) -> Option<&Word> {
    let set = |names: &[&str]| {
        program.args.iter().enumerate().find_map(|(at, word)| {
            let text = word.text.value.to_ascii_lowercase();
            let (key, value) = text.split_once('=').map_or((text.as_str(), None), |(key, value)| (key, Some(value)));
            let setopt = key == "--setopt";
            let (key, value) = match value {
                Some(value) if setopt => {
                    value.split_once('=').map(|(key, value)| (key.to_owned(), Some(value.to_owned())))?
                }
                value => (key.to_owned(), value.map(str::to_owned)),
            };
            let named = names
                .iter()
                .any(|name| key.trim_start_matches("-o").ends_with(name) && !key.ends_with("repo_gpgcheck"));
            let next = || program.args.get(at + 1).map(|next| next.text.value.to_ascii_lowercase());
            named.then(|| (word, value.or_else(next)))
        })
    };
    let verb = |verbs: &[&str]| program.args.iter().any(|word| verbs.contains(&word.text.as_str()));
    let on = |value: &str| matches!(value, "1" | "true" | "yes" | "on");
    let off = |value: &str| matches!(value, "0" | "false" | "no" | "off");
    match program.name {
        "apk" if verb(&["add", "upgrade", "fix"]) => flag(program, &["--allow-untrusted"]),
        "apt" | "apt-get" | "aptitude" if !verb(&["remove", "purge", "autoremove", "autopurge", "clean"]) => {
            let flags = ["--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"];
            let given = flag(program, &flags).filter(|word| !word.text.value.ends_with("=false"));
            given.or_else(|| {
                let names = ["allowunauthenticated", "acquire::allowinsecurerepositories"];
                set(&names).filter(|(_, value)| value.as_deref().is_some_and(on)).map(|(word, _)| word)
            })
        }
        "yum" | "dnf" | "microdnf" | "tdnf" | "yum-config-manager" | "dnf5" => {
            flag(program, &["--nogpgcheck", "--no-gpgchecks", "--no-gpg-checks"]).or_else(|| {
                set(&["gpgcheck"]).filter(|(_, value)| value.as_deref().is_some_and(off)).map(|(word, _)| word)
            })
        }
        "zypper" => {
            let adds = program.args.iter().any(|word| matches!(word.text.as_str(), "ar" | "addrepo"));
            let flags = ["--no-gpg-checks", "--no-gpg-check", "--no-gpgcheck", "--allow-unsigned-rpm"];
            flag(program, &flags).or_else(|| flag(program, &["-G", "--no-gpgcheck"]).filter(|_| adds))
        }
        "rpm" => {
            let installs = program.args.iter().any(|word| {
                let text = word.text.as_str();
                matches!(text, "--install" | "--upgrade" | "--freshen" | "--reinstall")
                    || (!text.starts_with("--")
                        && text.starts_with('-')
                        && text[1..].starts_with(['i', 'U', 'F', 'v', 'h']))
            });
            let asks = program.has_flag(&["-q", "-e", "-V", "--query", "--erase", "--verify"]);
            let flags = ["--nosignature", "--nodigest", "--nofiledigest", "--nodigests", "--noverify"];
            flag(program, &flags).filter(|_| installs && !asks)
        }
        "add-apt-repository" => program.args.iter().find(|word| is_trusted_source(word.text.as_str())),
        _ => None,
    }
}

/// A source of apt that is trusted without a signature, and is not a folder of this machine.
fn is_trusted_source(line: &str) -> bool {
    let line = line.trim_start();
    if !line.starts_with("deb") {
        return false;
    }
    let options = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let Some((options, address)) = options else { return false };
    let mut options = options.split([' ', ',']);
    options.any(|option| matches!(option, "trusted=yes" | "allow-insecure=yes"))
        && !address.trim_start().starts_with(['/', '.'])
        && !["file:", "copy:", "cdrom:"].iter().any(|scheme| address.trim_start().starts_with(scheme))
}

/// Whether a line of a package manager's config makes it take packages that nobody signed.
fn unsigned_line(path: &str, line: &str, whole: &str) -> bool {
    if line.starts_with(['#', ';']) || line.starts_with("//") {
        return false;
    }
    let plain: String = line.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | ';')).collect();
    let plain = plain.to_ascii_lowercase();
    match plain.as_str() {
        "gpgcheck=0" | "gpgcheck=no" | "gpgcheck=false" => !whole.contains("file://"),
        "trusted:yes" => path.ends_with(".sources"),
        _ => {
            is_trusted_source(line)
                || ["apt::get::allowunauthenticated", "acquire::allowinsecurerepositories"]
                    .iter()
                    .any(|option| plain.strip_prefix(option).is_some_and(|value| matches!(value, "true" | "1" | "yes")))
                || plain.strip_prefix("siglevel=").is_some_and(|value| value == "never" || value.contains("trustall"))
        }
    }
}

/// Whether the replacement of a `sed` expression switches signature checks off.
fn is_unsigned_edit(expression: &str) -> bool {
    let Some(rest) = expression.strip_prefix('s') else { return false };
    let Some(delimiter) = rest.chars().next().filter(|c| c.is_ascii_punctuation()) else { return false };
    let Some(replacement) = rest[1..].split(delimiter).nth(1) else { return false };
    let plain: String = replacement.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    (plain.ends_with("gpgcheck=0") && !plain.contains("repo_gpgcheck")) || plain.contains("siglevel=never")
}

/// Whether every package that is installed is a file, none of which this script downloads.
fn is_local_install(program: Program, line: &CommandLine) -> bool {
    let is_file = |text: &str| [".apk", ".rpm", ".deb"].iter().any(|end| text.ends_with(end)) && !text.contains("://");
    let packages = program.args.iter().filter(|word| !word.text.value.starts_with('-'));
    let mut packages = packages.filter(|word| word.text.value.contains(['/', '.', '*'])).peekable();
    packages.peek().is_some()
        && packages.all(|word| is_file(word.text.as_str()))
        && !mentions(line, &["curl", "wget", "http://", "https://"])
}

pub(in crate::rules) fn unsigned_packages_allowed(line: &CommandLine, cx: &mut Cx) {
    if !mentions(line, UNSIGNED) {
        return;
    }
    let help = "remove it, and give the package manager the key that the packages are signed with";
    let checked = first_check(line);
    for (index, program) in line.programs() {
        if program.name == "sed" {
            for word in program.args.iter().filter(|word| is_unsigned_edit(word.text.as_str())) {
                let message = "the package manager installs packages that nobody signed from here on";
                cx.report(word.text.span, message).help(help);
            }
        }
        let Some(word) = unsigned(program) else { continue };
        let message = format!("`{}` is told to install packages that nobody signed", program.name);
        let finding = cx.report(word.text.span, message).help(help);
        if is_local_install(program, line) || checked.is_some_and(|check| check < index) {
            finding.severity(Severity::Low);
        }
    }
    for file in written(&line.script) {
        for (range, text) in lines(file.text) {
            if unsigned_line(file.path, text, &file.text.value) {
                let message = "the package manager installs packages that nobody signed from here on";
                cx.report(file.text.span_of(range), message).help(help);
            }
        }
    }
}

/// How a package manager is told what to install.
struct Manager {
    name: &'static str,
    verbs: &'static [&'static str],
    /// What stands between a package and its version.
    separators: &'static [char],
    /// The version may come behind a dash (`nginx-1.26.2`).
    dashed: bool,
    /// Flags whose next word is their value.
    with_value: &'static [&'static str],
}

const YUM: &[&str] = &[
    "-x",
    "--exclude",
    "--enablerepo",
    "--disablerepo",
    "--repo",
    "--repoid",
    "--setopt",
    "--installroot",
    "--releasever",
    "-c",
    "--config",
    "--nodocs-from",
    "--forcearch",
    "-d",
    "-e",
    "-R",
];

const fn yum(name: &'static str) -> Manager {
    Manager { name, verbs: &["install", "reinstall"], separators: &['='], dashed: true, with_value: YUM }
}

const fn apt(name: &'static str) -> Manager {
    let with_value = &["-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file", "-a"];
    Manager { name, verbs: &["install"], separators: &['=', '/'], dashed: false, with_value }
}

const MANAGER: &[Manager] = &[
    apt("apt-get"),
    apt("apt"),
    apt("aptitude"),
    Manager {
        name: "apk",
        verbs: &["add"],
        separators: &['=', '~', '<', '>'],
        dashed: false,
        with_value: &[
            "-t",
            "--virtual",
            "--repository",
            "-X",
            "--root",
            "-p",
            "--keys-dir",
            "--arch",
            "--repositories-file",
        ],
    },
    yum("yum"),
    yum("dnf"),
    yum("microdnf"),
    yum("tdnf"),
    Manager {
        name: "zypper",
        verbs: &["install", "in"],
        separators: &['=', '<', '>'],
        dashed: true,
        with_value: &["-r", "--repo", "--from", "-t", "--type", "-C", "-R", "--root"],
    },
];

/// The packages that a program installs without a version, and from its name to its verb.
fn unpinned(program: Program<'_>) -> Option<(Span, Vec<&str>)> {
    let manager = MANAGER.iter().find(|manager| manager.name == program.name)?;
    let words = program.positional(manager.with_value);
    let verb = words.iter().position(|word| manager.verbs.contains(&word.text.as_str()))?;
    let free = |word: &&&Word| {
        let text = word.text.as_str();
        let file = text.starts_with(['/', '.', '~']) || [".deb", ".rpm", ".apk"].iter().any(|end| text.ends_with(end));
        // `name-1.2` of yum and its like, where a name may hold a dash and a digit, too (`libstdc++-8-dev`).
        let yum = manager.dashed
            && text.split('-').skip(1).any(|part| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.'));
        let pattern = text.contains(['*', '$', '`', '@', '(', '{', ':', '<', '>']);
        // `package-` is removed by apt, `!package` by apk and zypper.
        let removed = text.ends_with('-') || text.starts_with('!') || text.starts_with('-');
        word.literal && !text.is_empty() && !file && !yum && !pattern && !removed && !text.contains(manager.separators)
    };
    let names: Vec<&str> = words[verb + 1..].iter().filter(free).map(|word| word.text.as_str()).collect();
    (!names.is_empty()).then(|| (program.program.text.span.to(words[verb].text.span), names))
}

pub(in crate::rules) fn unpinned_os_package(line: &CommandLine, cx: &mut Cx) {
    if line.place != CommandPlace::Run || !mentions(line, &["apt", "apk", "yum", "dnf", "zypper"]) {
        return;
    }
    let mut names: Vec<String> = Vec::new();
    let mut first: Option<(Span, String)> = None;
    let mut removed: Option<Vec<String>> = None;
    for (_, program) in line.programs() {
        let Some((span, found)) = unpinned(program) else { continue };
        let removed = removed.get_or_insert_with(|| removed_by_apk(line));
        let set = program.option(&["-t", "--virtual"]).filter(|_| program.name == "apk");
        if set.is_some_and(|set| removed.contains(&set.text.value)) {
            continue;
        }
        names.extend(found.into_iter().map(str::to_owned));
        first.get_or_insert_with(|| (span, program.name.to_owned()));
    }
    let Some((span, manager)) = first else { return };
    // A snapshot of the mirror has one version of everything.
    let file = cx.sources.get(line.span.file);
    if ["snapshot.debian.org", "snapshot.ubuntu.com"].iter().any(|host| file.text.contains(host)) {
        return;
    }
    let shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("`{manager}` installs whatever version the mirror has of {}{more}", shown.join(", "));
    let finding = cx.report(span, message);
    finding.help("name the versions, or install from a snapshot of the mirror").evidence(names.join(" "));
}

/// What `apk del` removes in the same RUN.
fn removed_by_apk(line: &CommandLine) -> Vec<String> {
    let removals = line
        .programs()
        .filter(|(_, program)| program.name == "apk" && program.args.iter().any(|word| word.text.value == "del"));
    removals.flat_map(|(_, program)| program.args.iter().map(|word| word.text.value.clone())).collect()
}
