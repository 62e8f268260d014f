//! Services that let everyone in who reaches them: what says so, in their variables, flags and config files.

use super::super::Cx;
use super::settings::{self, Decision, Line};
use super::switches;
use super::{mapping, place, role, target};
use crate::command::Simple;
use crate::container::known::{Auth, Role};
use crate::container::{ConfigFile, Container, Port, Reach};
use crate::finding::{Confidence, Severity};
use crate::source::Span;
use crate::syntax::yaml::{self, Node};

/// Why a service lets everyone in.
struct Open {
    /// What says so, and in which words.
    because: Vec<(Span, String)>,
    /// Findings of `auth-disabled-service` that say a part of it.
    parts: Vec<Span>,
    /// The port that it listens on, where that is certain.
    port: Option<u16>,
    /// What to do about it.
    help: String,
    confidence: Confidence,
    /// Strangers gain no more than messages of devices.
    devices: bool,
}

pub(in crate::rules) fn unauthenticated_service_published(container: &Container, cx: &mut Cx) {
    let Some(open) = found(container, cx) else { return };
    let leads = |port: &&Port| leads_there(container, &open, port);
    let ports: Vec<&Port> = cx.project.published(container).filter(leads).collect();
    let best = ports.iter().find(|port| port.reach.is_public());
    let best = best.or_else(|| ports.iter().find(|port| port.reach == Reach::Private));
    let (span, message, step, severity) = match best {
        Some(port) => {
            let severity = if port.reach.is_public() { Severity::Critical } else { Severity::High };
            let message = format!(
                "`{}` lets everyone in who reaches {} on {}: no password is asked for",
                container.name,
                target(port),
                place(port)
            );
            (port.span, message, format!("published on {}, past `ufw` and `firewalld`", place(port)), severity)
        }
        None => {
            let Some(span) = cx.project.host_network(container) else { return };
            let message =
                format!("`{}` lets everyone in who reaches the host: no password is asked for", container.name);
            (span, message, "it has the network of the host".to_owned(), Severity::Critical)
        }
    };
    let evidence = best.map_or_else(String::new, |port| mapping(port));
    let severity = if open.devices { severity.min(Severity::High) } else { severity };
    let finding = cx.report(span, message);
    finding.severity(severity).confidence(open.confidence).evidence(evidence).link(span, step);
    finding.help(format!("{}; and publish the port on 127.0.0.1, or not at all", open.help));
    for (span, because) in open.because {
        finding.link(span, because);
    }
    for port in ports.iter().filter(|port| port.reach.is_public() || port.reach == Reach::Private) {
        for rule in ["exposed-database-port", "port-on-all-interfaces", "exposed-admin-interface"] {
            finding.contains(rule, port.span);
        }
    }
    for part in open.parts {
        finding.contains("auth-disabled-service", part);
    }
}

/// Whether a port leads to what is open: the port that it listens on, else one of those that its image does. The web ports of
/// a proxy are for its traffic.
fn leads_there(container: &Container, open: &Open, port: &Port) -> bool {
    if role(container) == Some(Role::Edge) && matches!(port.target, (80, 80) | (443, 443)) {
        return false;
    }
    if let Some(listens) = open.port {
        return port.targets(listens);
    }
    let known = container
        .known
        .filter(|known| matches!(known.role, Role::Database | Role::Cache | Role::Broker) && !known.ports.is_empty());
    known.is_none_or(|known| known.ports.iter().any(|&known| port.targets(known)))
}

/// Why a container lets everyone in, where it is certain that nothing asks who connects.
fn found(container: &Container, cx: &Cx) -> Option<Open> {
    let switches = switches::found(container);
    if let Some(first) = switches.first() {
        return Some(Open {
            parts: switches.iter().map(|switch| switch.span).collect(),
            port: None,
            help: first.help.to_owned(),
            confidence: Confidence::Certain,
            devices: false,
            because: switches
                .into_iter()
                .map(|switch| (switch.span, format!("it runs {}: {}", switch.how, switch.what)))
                .collect(),
        });
    }
    by_config(container, cx).unwrap_or_else(|| as_it_comes(container, cx))
}

/// What the config files say; the outer `None` where they say nothing about it.
fn by_config(container: &Container, cx: &Cx) -> Option<Option<Open>> {
    let commands = || container.processes.iter().flat_map(|process| &process.effective.commands);
    for command in commands() {
        match command.name.as_str() {
            "redis-server" | "valkey-server" | "keydb-server" | "redis-stack-server" => {
                return Some(redis(command, container, cx));
            }
            "mongod" => {
                let named = command.option(&["--config", "-f"]);
                if let Some(word) = named {
                    return Some(mongod(word.text.as_str(), word.text.span, command, container, cx));
                }
            }
            _ => {}
        }
    }
    for config in &container.configs {
        let text = || cx.sources.get(config.file).text.as_str();
        let at = |range: std::ops::Range<usize>| Span::new(config.file, range);
        let name = crate::project::path::file_name(&config.inside);
        match name {
            _ if is_hba(config, commands()) => {
                return match settings::pg_decision(&settings::pg_hba(text())) {
                    Decision::Trust(range) => Some(Some(told(
                        at(range),
                        "this record lets every address in without a password",
                        "write `scram-sha-256` instead of `trust`",
                        Some(5432),
                    ))),
                    Decision::Asks | Decision::Unknown => Some(None),
                };
            }
            "elasticsearch.yml" => {
                let off = yaml_setting(config, cx, "xpack.security.enabled", "false");
                let what = "security is switched off";
                return off.map(|at| Some(told(at, what, "remove the line: security is on by default", Some(9200))));
            }
            "opensearch.yml" => {
                let off = yaml_setting(config, cx, "plugins.security.disabled", "true");
                let what = "the security plugin is switched off";
                return off.map(|at| Some(told(at, what, "remove the line and set up accounts", Some(9200))));
            }
            "mosquitto.conf" => {
                let lines = settings::mosquitto(text());
                return Some(mosquitto(&lines).map(|range| Open {
                    devices: true,
                    ..told(at(range), "clients need no name", "set it to `false` and give a `password_file`", None)
                }));
            }
            _ => {}
        }
    }
    None
}

/// One line of a config that says it.
fn told(at: Span, what: &str, help: &str, port: Option<u16>) -> Open {
    Open {
        because: vec![(at, what.to_owned())],
        parts: Vec::new(),
        port,
        help: help.to_owned(),
        confidence: Confidence::Certain,
        devices: false,
    }
}

/// Whether a config is the pg_hba.conf that the server reads: where the image keeps it, or where `hba_file` says.
fn is_hba<'a>(config: &ConfigFile, mut commands: impl Iterator<Item = &'a Simple>) -> bool {
    let named = |command: &Simple| {
        command.name == "postgres"
            && command.args.iter().any(|word| {
                let (name, value) = word.text.as_str().split_once('=').unwrap_or_default();
                name.trim_start_matches('-').ends_with("hba_file") && value == config.inside
            })
    };
    config.inside == "/var/lib/postgresql/data/pg_hba.conf" || commands.any(named)
}

/// Redis and its relatives: the config that is named first, then the flags, and what counts is what comes last. Without a
/// password protected mode keeps strangers out, which the images switch off (their Dockerfiles) and other builds have on.
fn redis(command: &Simple, container: &Container, cx: &Cx) -> Option<Open> {
    if command.has_flag(&["--requirepass", "--aclfile", "--user", "--include"]) || container.partial {
        return None;
    }
    let named = command.args.first().filter(|word| !word.text.as_str().starts_with('-'));
    let mut lines: Vec<Line> = Vec::new();
    let mut file = None;
    if let Some(word) = named {
        let written = word.text.as_str();
        // A config of the image, or one from a pipe, is not in sight.
        let config = container.configs.iter().find(|config| {
            config.inside == written || config.inside.ends_with(written.trim_start_matches('.')) && word.literal
        })?;
        lines = settings::redis(&cx.sources.get(config.file).text);
        file = Some(config.file);
    }
    let last = |name: &str| lines.iter().rev().find(|line| line.word(0).eq_ignore_ascii_case(name));
    let has = |name: &str| last(name).is_some_and(|line| !line.word(1).is_empty());
    if ["requirepass", "aclfile", "include", "user", "tls-port"].iter().any(|name| has(name)) {
        return None;
    }
    let bound = command
        .option(&["--bind"])
        .map(|word| word.text.value)
        .or_else(|| last("bind").map(|line| line.words[1..].join(" ")));
    let is_own = |address: &str| matches!(address.trim_start_matches('-'), "127.0.0.1" | "::1" | "localhost");
    if bound.is_some_and(|bound| bound.split_whitespace().all(is_own)) {
        return None;
    }
    let flag = command.option(&["--protected-mode"]);
    let line = last("protected-mode");
    let switched = flag.as_ref().map(|word| word.text.as_str()).or(line.map(|line| line.word(1)));
    let image = matches!(role(container), Some(Role::Cache));
    let protected = switched.map_or(!image, |value| value.eq_ignore_ascii_case("yes"));
    if protected {
        return None;
    }
    let port = command.option(&["--port"]).map(|word| word.text.value);
    let port = port.or_else(|| last("port").map(|line| line.word(1).to_owned()));
    let port = port.map_or(Some(6379), |port| port.parse().ok())?;
    let at = |line: &Line| Some(Span::new(file?, line.range.clone()));
    let because = match (line.and_then(at), named) {
        (Some(at), _) => (at, "protected mode, which keeps strangers out without a password, is off".to_owned()),
        (None, Some(word)) => (word.text.span, "this config sets no `requirepass`".to_owned()),
        (None, None) => (command.program.text.span, "it is started without `--requirepass`".to_owned()),
    };
    Some(Open {
        because: vec![because],
        parts: Vec::new(),
        port: Some(port),
        help: "set a password with `requirepass` or an ACL file".to_owned(),
        confidence: Confidence::Certain,
        devices: false,
    })
}

/// mongod with a config: `security.authorization` and `security.keyFile` switch accounts on, and so does the image where it is
/// given an account.
fn mongod(path: &str, at: Span, command: &Simple, container: &Container, cx: &Cx) -> Option<Open> {
    let accounts = ["MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_USERNAME_FILE"];
    let given = accounts.iter().any(|name| container.env(name).is_some()) || container.open_environment;
    let config = container.configs.iter().find(|config| config.inside == path)?;
    let tree = yaml::parse(config.file, &cx.sources.get(config.file).text);
    let root = tree.documents.first()?;
    let value = |name: &str| dotted(root, name).and_then(|node| node.as_str());
    let asks = value("security.authorization") == Some("enabled")
        || value("security.keyFile").is_some()
        || value("security.clusterAuthMode").is_some();
    let bound = value("net.bindIp")
        .is_some_and(|bound| bound.split(',').all(|it| matches!(it.trim(), "127.0.0.1" | "localhost" | "::1")));
    let bound = bound && !command.has_flag(&["--bind_ip_all", "--bind_ip"]);
    if given || asks || bound || command.has_flag(&["--auth", "--keyFile"]) {
        return None;
    }
    let port = value("net.port").and_then(|port| port.parse().ok()).or(Some(27017));
    Some(told(
        at,
        "this config does not set `security.authorization`",
        "set `security.authorization: enabled` and create an account",
        port,
    ))
}

/// The place of a setting of a YAML config, where it has that value.
fn yaml_setting(config: &ConfigFile, cx: &Cx, name: &str, value: &str) -> Option<Span> {
    let tree = yaml::parse(config.file, &cx.sources.get(config.file).text);
    let node = dotted(tree.documents.first()?, name)?;
    (node.as_str() == Some(value)).then_some(node.span)
}

/// The node of a dotted name, whose parts may be keys inside one another or one key.
fn dotted<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    node.get(name).or_else(|| {
        let mut splits = name.match_indices('.');
        splits.find_map(|(at, _)| dotted(node.get(&name[..at])?, &name[at + 1..]))
    })
}

/// The line that lets clients in without a name, unless nobody but the container itself can connect or a list limits what they
/// may do.
fn mosquitto(lines: &[Line]) -> Option<std::ops::Range<usize>> {
    let anonymous = lines.iter().rev().find(|line| line.word(0) == "allow_anonymous")?;
    let own = |line: &Line| matches!(line.word(2), "127.0.0.1" | "localhost" | "::1");
    let outside = lines.iter().any(|line| line.word(0) == "listener" && !own(line) || line.word(0) == "port");
    let limited =
        lines.iter().any(|line| matches!(line.word(0), "acl_file" | "plugin" | "auth_plugin" | "include_dir"));
    (anonymous.word(1) == "true" && outside && !limited).then(|| anonymous.range.clone())
}

/// What the image does that nobody configured.
fn as_it_comes(container: &Container, cx: &Cx) -> Option<Open> {
    let service = cx.project.service(container)?;
    let (image, known) = (container.image.as_ref()?, container.known?);
    let hidden = container.partial || container.open_environment || service.entrypoint.is_some();
    // Their interfaces are `exposed-admin-interface`.
    if hidden || known.role == Role::Admin || !service.uncommon.configs.is_empty() {
        return None;
    }
    let Auth::Open { unless } = &known.auth else { return None };
    // The image reads a config that it is given as an argument, and no other.
    let unread = known.role == Role::Cache && container.processes.is_empty() && container.built.is_none();
    let told = container.env.iter().any(|env| switches::may_guard(&env.name.value));
    if unless.iter().any(|name| container.env(name).is_some())
        || if unread { told } else { switches::is_configured(container) }
        || container.built.is_some() && !unless.is_empty()
    {
        return None;
    }
    let name = image.name();
    let account = match known.pattern {
        "rabbitmq" => Some("`guest` with the password `guest`"),
        "minio/minio" => Some("`minioadmin` with the password `minioadmin`"),
        _ => None,
    };
    let because = match (account, unless.first()) {
        (Some(account), _) => format!("`{name}` comes with the account {account}"),
        (None, Some(variable)) => format!("`{name}` asks for a password only where `{variable}` is set"),
        (None, None) => format!("`{name}` asks nobody for a password as it comes"),
    };
    let help = match unless.first() {
        Some(variable) => format!("set `{variable}` (from a secret or a variable)"),
        None => "configure a password".to_owned(),
    };
    Some(Open {
        because: vec![(image.span, because)],
        parts: vec![image.span],
        port: None,
        help,
        confidence: Confidence::Likely,
        devices: false,
    })
}
