//! What a reverse proxy and the addresses in variables lead to.

use super::super::exposure;
use super::super::nginx::{Front, Guard, fronts, targets};
use super::{Cx, servers};
use crate::container::known::Role;
use crate::container::{Container, EnvPlace, Reach};
use crate::finding::{Confidence, Severity};
use crate::limit::RULE_ITEMS;
use crate::project::reach::{Reach as Stack, Shared};
use crate::source::Span;
use crate::syntax::compose::Service;

/// Schemes of connections to services of one's own, and the ports that they stand for.
const SCHEMES: &[(&str, u16)] = &[
    ("postgres", 5432),
    ("postgresql", 5432),
    ("postgis", 5432),
    ("mysql", 3306),
    ("mysql2", 3306),
    ("mariadb", 3306),
    ("mongodb", 27017),
    ("redis", 6379),
    ("rediss", 6379),
    ("valkey", 6379),
    ("amqp", 5672),
    ("amqps", 5671),
    ("pyamqp", 5672),
    ("memcached", 11211),
    ("clickhouse", 9000),
    ("nats", 4222),
];

/// Names that stand for whatever host there will be.
const PLACE_HOLDERS: &[&str] = &[
    "host",
    "hostname",
    "localhost",
    "server",
    "example",
    "domain",
    "yourhost",
    "your-host",
    "user",
    "username",
    "ip",
];

pub(in crate::rules) fn proxy_bypass(container: &Container, cx: &mut Cx) {
    let Some((reach, own)) = cx.project.place(container).filter(|_| !container.servers.is_empty()) else { return };
    let mut seen: Vec<Span> = Vec::new();
    let fronts: Vec<Front> = fronts(&servers(container, cx), cx);
    for front in fronts {
        let Some(port) = front.target.port else { continue };
        let mut backends = reach.named(&front.target.host).iter().filter(|&&service| service != own);
        let backend = backends.find(|&&service| matches!(reach.shared(own, service), Shared::Network(_)));
        let Some(backend) = backend.and_then(|&service| reach.container(service)) else { continue };
        let backend = &cx.project.containers[backend];
        let mut published = cx.project.published(backend).filter(|published| published.targets(port));
        let Some(published) = published.find(|published| published.reach == Reach::Everyone) else { continue };
        if seen.contains(&published.span) {
            continue;
        }
        seen.push(published.span);
        let guard = front.guards.iter().find(|(guard, _)| *guard != Guard::Tls).or(front.guards.first());
        let Some(&(guard, at)) = guard else { continue };
        let (past, severity) = match guard {
            Guard::Login => ("the login", Severity::High),
            Guard::Addresses => ("the list of addresses", Severity::High),
            Guard::Certificate => ("the client certificates", Severity::High),
            Guard::Tls => ("the TLS", Severity::Medium),
        };
        let name = &backend.name;
        let message =
            format!("`{name}` is published beside its proxy `{}`: past {past} on port {port}", container.name);
        let help = format!("remove the entry: `{}` reaches `{name}` on their network", container.name);
        let finding = cx.report(published.span, message);
        finding.severity(severity).help(help).container = Some(name.clone());
        finding.link(front.span, "the proxy passes requests on to it here").link(at, format!("behind {past}"));
        finding.link(published.span, "and everyone reaches it here, past the proxy and past `ufw`");
        for rule in ["port-on-all-interfaces", "exposed-admin-interface", "exposed-database-port"] {
            finding.contains(rule, published.span);
        }
    }
}

/// An address that a container connects to.
struct Address<'a> {
    host: String,
    port: Option<u16>,
    span: Span,
    /// What names it.
    by: By<'a>,
}

#[derive(Clone, Copy)]
enum By<'a> {
    Nginx,
    Variable(&'a str),
    /// The same, of a web address, which may well lead to another machine.
    Web(&'a str),
}

pub(in crate::rules) fn upstream_unknown_or_unreachable(container: &Container, cx: &mut Cx) {
    let Some((reach, own)) = cx.project.place(container) else { return };
    let Some(service) = cx.project.service(container).filter(|_| !container.partial && reach.complete) else { return };
    let addresses = addresses(container, cx);
    let mut seen: Vec<(String, &str)> = Vec::new();
    for address in addresses {
        let Some((message, help, related, confidence)) = trouble(&address, container, service, reach, own, cx) else {
            continue;
        };
        let by = match address.by {
            By::Nginx => "nginx",
            By::Variable(name) | By::Web(name) => name,
        };
        let key = (format!("{}:{:?}", address.host, address.port), by);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let finding = cx.report(address.span, message);
        finding.help(help).confidence(confidence).evidence(address.host.clone());
        if let Some((span, message)) = related {
            finding.related(span, message);
        }
    }
}

/// The addresses that a container's nginx and its variables name, as names of one word.
fn addresses<'a>(container: &'a Container, cx: &Cx<'a>) -> Vec<Address<'a>> {
    let mut found = Vec::new();
    // What the build writes into the image may define an upstream.
    let passed = targets(&servers(container, cx), cx).into_iter();
    let passed = passed.filter(|it| it.certain || it.port.is_some() && container.built.is_none());
    found.extend(passed.map(|it| Address { host: it.host, port: it.port, span: it.span, by: By::Nginx }));
    for env in &container.env {
        // What an image brings along is for wherever it will run.
        if !matches!(env.place, EnvPlace::Service | EnvPlace::Dotenv) {
            continue;
        }
        let Some(value) = &env.value else { continue };
        found.extend(of_url(&value.value).map(|(scheme, host, port)| Address {
            host: host.to_owned(),
            port: port.or_else(|| SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port)),
            span: env.span,
            by: match scheme {
                "http" | "https" => By::Web(&env.name.value),
                _ => By::Variable(&env.name.value),
            },
        }));
        if !RULE_ITEMS.holds(found.len()) {
            cx.exceeded(&RULE_ITEMS, container.span);
            break;
        }
    }
    found.retain(|address| is_service_name(&address.host));
    found.truncate(RULE_ITEMS.most);
    found
}

/// Scheme, host and port of a URL that leads to a service.
fn of_url(value: &str) -> Option<(&str, &str, Option<u16>)> {
    let (scheme, rest) = value.split_once("://")?;
    // `postgresql+asyncpg`, `jdbc:mysql`.
    let scheme = scheme.trim_start_matches("jdbc:").split('+').next().unwrap_or_default();
    let known = SCHEMES.iter().any(|(name, _)| *name == scheme) || matches!(scheme, "http" | "https");
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold any of those.
    let authority = match rest.rfind('@') {
        Some(at) => rest[at + 1..].split(['/', '?', '#']).next().unwrap_or_default(),
        None => &rest[..end],
    };
    // Several hosts are a cluster, whose names are for its members.
    if !known || authority.contains([',', '$', '{', '}', '[', ' ', ';']) {
        return None;
    }
    match authority.split_once(':') {
        Some((host, "")) => Some((scheme, host, None)),
        Some((host, port)) => Some((scheme, host, Some(port.parse().ok()?))),
        None => Some((scheme, authority, None)),
    }
}

/// Whether a host looks like the name of a service: one word in lower case, which is no address and no place-holder.
fn is_service_name(host: &str) -> bool {
    host.len() > 1
        && host.starts_with(|first: char| first.is_ascii_lowercase())
        && host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
        && !PLACE_HOLDERS.contains(&host)
        && !["your", "example", "my-", "changeme"].iter().any(|start| host.starts_with(start))
}

/// What is wrong, what to do, what explains it, and how sure it is.
type Trouble = (String, String, Option<(Span, String)>, Confidence);

fn trouble(
    address: &Address,
    container: &Container,
    service: &Service,
    reach: &Stack,
    own: usize,
    cx: &Cx,
) -> Option<Trouble> {
    let host = address.host.as_str();
    let who = match address.by {
        By::Nginx => format!("nginx of `{}` passes requests on to `{host}`", container.name),
        By::Variable(name) | By::Web(name) => format!("`{name}` of `{}` leads to `{host}`", container.name),
    };
    if is_given(service, host) {
        return None;
    }
    let found = reach.named(host);
    if found.is_empty() {
        let web = matches!(address.by, By::Web(_));
        let elsewhere = web || reach.is_open(own) || reach.on_host(own) || cx.project.reaches.knows(host);
        let help = format!("name a service of the stack, or give the address of `{host}` under `extra_hosts`");
        let trouble = (format!("{who}, which no service is called"), help, None, Confidence::Likely);
        return (!elsewhere).then_some(trouble);
    }
    if found.contains(&own) {
        return None;
    }
    let at = |service: usize| reach.container(service).map(|index| &cx.project.containers[index]);
    if reach.on_host(own) {
        // Published for the host, its name can be one of the host's.
        let published = found.iter().filter_map(|&it| at(it)).any(|it| !it.ports.is_empty());
        let trouble = (
            format!("{who}, whose name is not known on the network of the host"),
            "publish the port on 127.0.0.1 and connect to that, or leave the host's network".to_owned(),
            cx.project
                .host_network(container)
                .map(|span| (span, "the names of services are for their networks".into())),
            Confidence::Likely,
        );
        return (!published).then_some(trouble);
    }
    let shared = found.iter().map(|&it| (it, reach.shared(own, it)));
    let reachable: Vec<usize> =
        shared.clone().filter(|(_, shared)| *shared != Shared::Nothing).map(|(service, _)| service).collect();
    if reachable.is_empty() {
        let other = at(*found.first()?)?;
        let help = format!("put both on one network, with `networks` of `{}` and `{}`", container.name, other.name);
        let message = format!("{who}, with which it has no network in common");
        return Some((message, help, Some((other.span, "on other networks".into())), Confidence::Certain));
    }
    let [only] = reachable[..] else { return None };
    let (target, port) = (at(only)?, address.port?);
    let (listens, place) = listens_elsewhere(target, port, cx)?;
    let message = format!("{who} on port {port}, but it listens on {listens}");
    Some((message, format!("use port {listens}"), place, Confidence::Likely))
}

/// Whether the service itself says where the host is: `extra_hosts`, `links`, `external_links`, its own `dns`.
fn is_given(service: &Service, host: &str) -> bool {
    let extra = service.uncommon.extra_hosts.iter().any(|entry| entry.key.value == host);
    let linked = service.uncommon.links.iter().any(|link| link.value.rsplit(':').next() == Some(host));
    extra || linked || !service.uncommon.dns.is_empty()
}

/// The port that a service listens on where it is certainly another, and the line that says so.
fn listens_elsewhere(target: &Container, port: u16, cx: &Cx) -> Option<(u16, Option<(Span, String)>)> {
    let service = cx.project.service(target)?;
    let told = !target.processes.is_empty() || service.command.is_some() || service.entrypoint.is_some();
    let number = port.to_string();
    let set = target.env.iter().any(|env| {
        env.name.value.contains("PORT") || env.value.as_ref().is_some_and(|value| value.value.contains(&number))
    });
    let configured = !service.uncommon.configs.is_empty()
        || target.mounts.iter().filter_map(|mount| mount.target.as_deref()).any(|target| target.contains("conf"));
    let known = target.known.filter(|_| target.built.is_none())?;
    let store = matches!(known.role, Role::Database | Role::Cache | Role::Broker);
    if told || set || configured || !store || target.open_environment || known.ports.contains(&port) {
        return None;
    }
    let own = known.ports.first().copied()?;
    let mapped = target.ports.iter().find(|published| published.published == Some((port, port)));
    let place =
        mapped.map(|published| (published.span, format!("{port} is the host's port, for connections from outside")));
    let role_port = mapped.map_or(own, |published| published.target.0);
    // Clusters and add-ons listen on more than the table says.
    (mapped.is_some() || exposure::private_store(target, cx).is_some()).then_some((role_port, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_whatever_its_password_holds() {
        for (value, expected) in [
            ("postgres://app:${PASSWORD}@db:5433/app", Some(("postgres", "db", Some(5433)))),
            ("postgresql+asyncpg://app:a/b?c@db/app?ssl=1", Some(("postgresql", "db", None))),
            ("jdbc:mysql://db:3306/app", Some(("mysql", "db", Some(3306)))),
            ("redis://cache", Some(("redis", "cache", None))),
            ("mongodb://a:27017,b:27017/x", None),
            ("redis://${REDIS_HOST}:6379", None),
            ("s3://bucket/key", None),
            ("db:5432", None),
        ] {
            assert_eq!(of_url(value), expected, "{value}");
        }
    }

    #[test]
    fn names_of_services_are_words_in_lower_case() {
        for (host, expected) in [
            ("db", true),
            ("api-v2", true),
            ("db.example", false),
            ("10", false),
            ("HOST", false),
            ("localhost", false),
        ] {
            assert_eq!(is_service_name(host), expected, "{host}");
        }
    }
}
