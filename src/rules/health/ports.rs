//! Health checks that ask a port that nobody listens on.

use super::listeners::{Listener, listeners};
use super::probe::Probe;
use crate::container::Container;
use crate::rules::Cx;
use crate::source::{Span, Text};
use crate::syntax::shell::Word;

/// Instructions of a Dockerfile that are searched for a number.
const MANY: usize = 500;

pub(in crate::rules) fn healthcheck_wrong_port(container: &Container, cx: &mut Cx) {
    let Some(probe) = Probe::of(container, cx) else { return };
    let Some(asked) = asked(&probe).filter(|asked| !asked.is_empty()) else { return };
    let Some(listeners) = listeners(container, cx).filter(|listeners| !listeners.is_empty()) else { return };
    if asked.iter().any(|(port, _)| {
        listeners.iter().any(|listener| listener.port == *port) || is_named(container, *port, probe.span, cx)
    }) {
        return;
    }
    let Some(&(port, span)) = asked.first() else { return };
    let mut ports: Vec<u16> = listeners.iter().filter(|it| it.sure).map(|listener| listener.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let [first, ..] = ports[..] else { return };
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let published = container.ports.iter().find(|published| {
        published.published.is_some_and(|(first, last)| first == last && first == port) && !published.open
    });
    let published = published.map(|published| (published.span, published.target.0));
    let message =
        format!("the health check of `{}` asks port {port}, but what runs in it listens on {list}", container.name);
    let finding = cx.report(span, message);
    finding.evidence(port.to_string());
    finding.help(format!("ask port {}", published.map_or(first, |(_, target)| target)));
    finding.link(span, format!("the check asks port {port}"));
    for Listener { port, span, program, .. } in listeners.iter().filter(|it| it.sure).take(4) {
        finding.link(*span, format!("`{program}` listens on {port}"));
    }
    if let Some((span, target)) = published {
        finding.related(span, format!("{port} is a port of the host: in the container it is {target}"));
    }
}

/// The ports of the container itself that a check asks, each with its place; `None` where one of them is not known.
fn asked(probe: &Probe) -> Option<Vec<(u16, Span)>> {
    let mut found = Vec::new();
    for text in &probe.texts {
        local_ports(text, &mut found)?;
    }
    for command in &probe.script.commands {
        let literal = |word: &Word| word.literal.then(|| word.text.as_str().parse().ok()).flatten();
        let words = command.args();
        match command.name() {
            Some("pg_isready" | "redis-cli" | "valkey-cli") => {
                let other = command.arguments().option(&["-h", "--host"]);
                if let Some(port) = command.arguments().option(&["-p", "--port"]).filter(|_| is_local(other.as_ref())) {
                    found.push((literal(&port)?, port.text.span));
                }
            }
            Some("nc" | "ncat" | "netcat") => {
                let at = words.iter().position(|word| matches!(word.text.as_str(), "localhost" | "127.0.0.1"));
                if let Some(port) = at.and_then(|at| words.get(at + 1)) {
                    found.push((literal(port)?, port.text.span));
                }
            }
            _ => {}
        }
    }
    Some(found)
}

fn is_local(host: Option<&Word>) -> bool {
    host.is_none_or(|host| matches!(host.text.as_str(), "localhost" | "127.0.0.1" | "::1"))
}

/// The ports behind the container's own names in a text; `None` where one is a variable.
fn local_ports(text: &Text, found: &mut Vec<(u16, Span)>) -> Option<()> {
    let value = text.as_str();
    for host in ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"] {
        for (at, _) in value.match_indices(host) {
            let (before, rest) = (&value[..at], &value[at + host.len()..]);
            if before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
                continue;
            }
            let start = at + host.len() + 1;
            let port = match rest.bytes().next() {
                Some(b':') => &rest[1..],
                Some(b'/') if before.ends_with("/dev/tcp/") => &rest[1..],
                Some(b'-' | b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9') => continue,
                _ => {
                    let scheme = if before.ends_with("http://") {
                        80
                    } else if before.ends_with("https://") {
                        443
                    } else {
                        continue;
                    };
                    found.push((scheme, text.span_of(at..at + host.len())));
                    continue;
                }
            };
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || port[digits..].starts_with(['$', '{']) {
                return None;
            }
            found.push((port[..digits].parse().ok()?, text.span_of(start..start + digits)));
        }
    }
    Some(())
}

/// Whether anything of the container names the port, so that something may listen there after all.
fn is_named(container: &Container, port: u16, check: Span, cx: &Cx) -> bool {
    let number = port.to_string();
    let holds = |text: &str| has_number(text, &number);
    let service = cx.project.service(container);
    let words = |word: &Word| holds(word.text.as_str());
    let texts = |file| holds(cx.sources.get(file).text.as_str());
    container.open_environment
        || container.ports.iter().any(|published| published.open || published.targets(port))
        || service.is_some_and(|service| service.expose.iter().any(|port| !port.known || holds(&port.value)))
        || container.env.iter().any(|env| env.value.as_ref().is_none_or(|value| holds(&value.value)))
        || container.processes.iter().any(|process| {
            let commands = &process.effective.commands;
            process.effective.scripts.iter().any(|script| holds(script.as_str()))
                || commands.iter().any(|command| command.args.iter().chain(&command.wrapping).any(words))
        })
        || container.supervisors.iter().any(|&id| cx.project.supervisor(id).is_some_and(|it| texts(it.file)))
        || container.servers.iter().any(|&id| cx.project.nginx(id).is_some_and(|it| texts(it.file)))
        || container.configs.iter().any(|config| texts(config.file))
        || container.built.as_ref().is_some_and(|built| {
            let Some(dockerfile) = cx.project.dockerfile(built.document) else { return true };
            dockerfile.instructions.len() > MANY
                || dockerfile.instructions.iter().any(|instruction| {
                    !instruction.span.contains(check)
                        && !instruction.keyword.value.eq_ignore_ascii_case("HEALTHCHECK")
                        && (instruction.rest().is_some_and(|rest| holds(rest.as_str()))
                            || instruction.heredocs.iter().any(|heredoc| holds(heredoc.body.as_str())))
                })
        })
}

/// Whether a number stands in a text, not as a part of a longer one.
fn has_number(text: &str, number: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text.match_indices(number).any(|(at, _)| {
        let bytes = text.as_bytes();
        let longer = at > 0 && digit(bytes.get(at - 1)) || digit(bytes.get(at + number.len()));
        !longer
    })
}
