//! Certificate checks that are switched off by a variable or an option.

use super::super::{Cx, Setting};
use super::{Network, flag, lines, mentions, network, written};
use crate::command::Program;
use crate::container::{CommandLine, Env, EnvPlace};
use crate::finding::{Finding, Severity};
use crate::source::Span;
use crate::syntax::shell::Word;

/// When the value of a variable switches the checks off.
enum Off {
    /// `0`, `false`, `no`, `off`.
    Negative,
    /// `1`, `true`, `yes`, `on`.
    Positive,
    /// One of these words.
    Words(&'static [&'static str]),
    /// Whatever it is, even nothing.
    Set,
    /// Hosts that are not checked.
    Hosts,
    /// Nothing at all.
    Empty,
}

/// A variable that switches certificate checks off.
struct Variable {
    name: &'static str,
    off: Off,
    /// What stops checking.
    who: &'static str,
    /// What reads it only installs, or is an old version: little that runs later does.
    narrow: bool,
}

const fn variable(name: &'static str, off: Off, who: &'static str) -> Variable {
    Variable { name, off, who, narrow: false }
}

const fn narrow(name: &'static str, off: Off, who: &'static str) -> Variable {
    Variable { name, off, who, narrow: true }
}

/// The variables, from the manuals of the programs (of git from its `http.c`, which only looks whether the variable is
/// there; of requests from its `sessions.py`, where until 2.27 an empty `CURL_CA_BUNDLE` took the place of `verify`, and an
/// empty `REQUESTS_CA_BUNDLE` never did; of Python from PEP 493, which is about 2.7 only).
const VARIABLES: &[Variable] = &[
    variable("NODE_TLS_REJECT_UNAUTHORIZED", Off::Words(&["0"]), "Node.js"),
    narrow("PYTHONHTTPSVERIFY", Off::Words(&["0"]), "Python 2.7"),
    variable("PERL_LWP_SSL_VERIFY_HOSTNAME", Off::Words(&["0"]), "Perl"),
    variable("GIT_SSL_NO_VERIFY", Off::Set, "git"),
    narrow("CURL_CA_BUNDLE", Off::Empty, "requests before 2.28"),
    variable("VAULT_SKIP_VERIFY", Off::Positive, "Vault's client"),
    variable("NOMAD_SKIP_VERIFY", Off::Positive, "Nomad's client"),
    variable("CONSUL_HTTP_SSL_VERIFY", Off::Negative, "Consul's client"),
    variable("LDAPTLS_REQCERT", Off::Words(&["never", "allow"]), "OpenLDAP's client"),
    narrow("NPM_CONFIG_STRICT_SSL", Off::Negative, "npm"),
    narrow("YARN_STRICT_SSL", Off::Negative, "yarn"),
    narrow("YARN_ENABLE_STRICT_SSL", Off::Negative, "yarn"),
    narrow("PIP_TRUSTED_HOST", Off::Hosts, "pip"),
    narrow("UV_INSECURE_HOST", Off::Hosts, "uv"),
    narrow("GOINSECURE", Off::Hosts, "go"),
    narrow("CONDA_SSL_VERIFY", Off::Negative, "conda"),
    narrow("BUNDLE_SSL_VERIFY_MODE", Off::Words(&["0", "none"]), "Bundler"),
];

fn is_negative(value: &str) -> bool {
    ["0", "false", "no", "off"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn is_positive(value: &str) -> bool {
    ["1", "true", "yes", "on"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// The variable called `name`, where `value` switches something off.
fn switched_off(name: &str, value: &str) -> Option<&'static Variable> {
    // npm reads its variables in either case.
    let variable = VARIABLES.iter().find(|variable| variable.name.eq_ignore_ascii_case(name))?;
    let value = value.trim();
    let off = match variable.off {
        Off::Negative => is_negative(value),
        Off::Positive => is_positive(value),
        Off::Words(words) => words.iter().any(|word| value.eq_ignore_ascii_case(word)),
        Off::Set => true,
        Off::Hosts => !is_local(value),
        Off::Empty => value.is_empty(),
    };
    off.then_some(variable)
}

/// Whether every host of a list is this machine; true for an empty list.
fn is_local(hosts: &str) -> bool {
    let hosts = hosts.split([',', ' ', '\n']).filter(|host| !host.is_empty());
    hosts.map(|host| host.split(':').next().unwrap_or_default()).all(|host| network(host) == Network::Loopback)
}

fn finding<'c>(span: Span, name: &str, variable: &Variable, cx: &'c mut Cx) -> &'c mut Finding {
    let message = format!("`{name}` makes {} accept any certificate", variable.who);
    cx.report(span, message)
        .help("remove it; where the certificate comes from a private authority, add that one's to the image")
}

pub(in crate::rules) fn tls_verify_disabled_env(setting: Setting, cx: &mut Cx) {
    match setting {
        Setting::Env(env) => declared(env, cx),
        Setting::Command(line) => assigned(line, cx),
    }
}

fn declared(env: &Env, cx: &mut Cx) {
    let Some(value) = env.value.as_ref().filter(|_| env.known) else { return };
    let Some(variable) = switched_off(&env.name.value, &value.value) else { return };
    // An argument without a value is there to be filled in.
    let argument = matches!(env.place, EnvPlace::DockerfileArg | EnvPlace::BuildArg | EnvPlace::Dotenv);
    if value.value.is_empty() && (argument || env.literals.is_empty()) {
        return;
    }
    let shipped = env.place == EnvPlace::DockerfileEnv
        && cx.project.stages.iter().any(|stage| {
            stage.shipped && stage.scope.document == env.scope.document && stage.scope.stage == env.scope.stage
        });
    let finding = finding(env.span, &env.name.value, variable, cx);
    if shipped && !variable.narrow {
        finding.severity(Severity::Critical);
    }
}

/// Assignments before a command, and those of `export` and `env`.
fn assigned(line: &CommandLine, cx: &mut Cx) {
    let named = |text: &str| VARIABLES.iter().any(|variable| text.contains(variable.name));
    let mut texts = line.text.iter().chain(&line.exec);
    if !texts.any(|text| named(&text.value) || text.value.contains("npm_config_strict_ssl")) {
        return;
    }
    let judge = |name: &str, value: &Word, span: Span, cx: &mut Cx| {
        if let Some(variable) = switched_off(name, &value.text.value).filter(|_| value.literal) {
            finding(span, name, variable, cx);
        }
    };
    for command in line.script.commands.iter().filter(|command| command.words.is_empty()) {
        for one in &command.assignments {
            judge(&one.name.value, &one.value, one.name.span.to(one.value.text.span), cx);
        }
    }
    for (_, program) in line.programs() {
        for one in program.assignments {
            judge(&one.name.value, &one.value, one.name.span.to(one.value.text.span), cx);
        }
        // `go env -w` keeps the variable for every later `go`.
        let go = program.name == "go" && program.args.first().is_some_and(|word| word.text.value == "env");
        if go || matches!(program.name, "export" | "declare" | "typeset" | "readonly" | "setx") {
            for word in program.args {
                let Some((name, value)) = word.text.value.split_once('=') else { continue };
                let text = word.text.slice(name.len() + 1..name.len() + 1 + value.len());
                judge(name, &Word { text, literal: word.literal }, word.text.span, cx);
            }
        }
    }
}

/// Names of what [`off_switch`] knows, to look for in text.
const MANAGERS: &[&str] = &[
    "trusted-host",
    "insecure-host",
    "strict-ssl",
    "StrictSsl",
    "sslVerify",
    "sslverify",
    "Verify-Peer",
    "Verify-Host",
    "no-check-certificate",
    "ssl_verify",
    "disable-tls",
    "secure-http",
    "-insecure",
    "trust-server-cert",
    "SSL_VERIFY",
    "SslVerify",
    "SSLVerify",
    "wagon.http.ssl",
    "certificates.",
];

/// The argument with which a program stops to check certificates.
fn off_switch(program: Program<'_>) -> Option<&Word> {
    let args = &program.args;
    let says = |name: &str, off: fn(&str) -> bool| {
        let last =
            |text: &str| text.rsplit(['=', ':']).next().is_some_and(|value| off(value.trim_matches(['"', ';', ' '])));
        let key = |text: &str| text.to_ascii_lowercase().contains(name);
        args.iter().enumerate().find_map(|(at, word)| {
            let text = word.text.as_str();
            if !key(text) {
                return None;
            }
            let next = || args.get(at + 1).is_some_and(|next| off(next.text.as_str()));
            let own = text.contains('=') && last(text);
            (own || (!text.contains('=') && next())).then_some(word)
        })
    };
    let name = program.name;
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match base {
        "pip" | "pipx" | "pipenv" | "uv" | "pip-compile" => {
            let word = args.iter().find(|word| {
                let text = word.text.as_str();
                text.ends_with("trusted-host") || text.contains("trusted-host=") || text.contains("insecure-host")
            })?;
            let at = args.iter().position(|other| std::ptr::eq(other, word))?;
            let next = || args.get(at + 1).map(|next| next.text.as_str());
            let hosts = word.text.value.split_once('=').map(|(_, hosts)| hosts).or_else(next).unwrap_or_default();
            (!is_local(hosts)).then_some(word)
        }
        "poetry" => says(".cert", is_negative),
        "npm" | "yarn" | "pnpm" => says("strict-ssl", is_negative)
            .or_else(|| says("strictssl", is_negative))
            .or_else(|| flag(program, &["--no-strict-ssl"])),
        "git" => says("sslverify", is_negative),
        "yum" | "dnf" | "microdnf" | "tdnf" | "yum-config-manager" => says("sslverify", is_negative),
        "apt" | "apt-get" | "aptitude" => says("verify-peer", is_negative).or_else(|| says("verify-host", is_negative)),
        "apk" => flag(program, &["--no-check-certificate"]),
        "conda" | "mamba" | "micromamba" => says("ssl_verify", is_negative),
        "composer" => says("disable-tls", is_positive).or_else(|| says("secure-http", is_negative)),
        "php" => flag(program, &["--disable-tls"]),
        "bundle" | "bundler" => says("ssl_verify_mode", |value| value == "0" || value == "none"),
        "go" => (args.first()?.text.value == "get").then(|| flag(program, &["-insecure"]))?,
        "hg" => flag(program, &["--insecure"]),
        "svn" => args.iter().find(|word| word.text.value.starts_with("--trust-server-cert")),
        "mvn" | "mvnw" => says("maven.wagon.http.ssl.insecure", is_positive),
        _ => None,
    }
}

/// What the line of a config file of a package manager switches off: the manager's name.
fn off_line(path: &str, line: &str) -> Option<&'static str> {
    let plain: String = line.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | ';')).collect();
    let plain = plain.to_ascii_lowercase();
    let (key, value) = match plain.find(['=', ':']).filter(|&at| at > 0) {
        Some(at) if !plain.starts_with("acquire") => (&plain[..at], plain[at + 1..].trim_start_matches(':')),
        _ => (plain.as_str(), ""),
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let apt = |option: &str| {
        plain.starts_with("acquire::") && plain.split_once(option).is_some_and(|(_, value)| is_negative(value))
    };
    match key {
        "sslverify" if is_negative(value) && name.contains("git") => Some("git"),
        "sslverify" if is_negative(value) => Some("the package manager"),
        "strict-ssl" | "enablestrictssl" if is_negative(value) => Some("npm"),
        "trusted-host" if !value.is_empty() && !is_local(value) => Some("pip"),
        "ssl_verify" if is_negative(value) && name.contains("conda") => Some("conda"),
        _ if apt("verify-peer") || apt("verify-host") => Some("apt"),
        _ if plain == ":ssl_verify_mode:0" => Some("gem"),
        _ => None,
    }
}

pub(in crate::rules) fn package_manager_tls_disabled(line: &CommandLine, cx: &mut Cx) {
    if !mentions(line, MANAGERS) {
        return;
    }
    let help = "remove it; where the certificate comes from a private authority, add that one's to the image";
    for (_, program) in line.programs() {
        if let Some(word) = off_switch(program) {
            let message = format!("`{}` is told to accept any certificate", program.name);
            cx.report(word.text.span, message).help(help);
        }
    }
    for file in written(&line.script) {
        for (range, text) in lines(file.text) {
            if let Some(manager) = off_line(file.path, text) {
                let message = format!("{manager} accepts any certificate from here on");
                cx.report(file.text.span_of(range), message).help(help);
            }
        }
    }
}
