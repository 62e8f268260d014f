//! supervisord configs: who may command supervisord, and whether what it starts stays under it.

mod process;
mod published;

pub(super) use process::*;
pub(super) use published::supervisor_port_published;

use std::net::IpAddr;

use super::Cx;
use crate::container::{Container, DocumentId, Origin, Port, Reach};
use crate::finding::{Confidence, Severity};
use crate::source::{Span, Text};
use crate::syntax::supervisor::{Section, SectionKind, Setting, Supervisor, expansions, has_expansions};

/// Accounts that daemons share or that answer strangers' requests: what runs as one of them must not command
/// supervisord.
const LOW_ACCOUNTS: &[&str] = &[
    "nobody", "nogroup", "65534", "99", "users", "daemon", "games", "www-data", "http", "httpd", "apache", "nginx",
    "www",
];

/// HTTP servers of one config that are looked at: Supervisor's own sample has two.
const MAX_SERVERS: usize = 100;

/// A config with those that Supervisor reads together with it: it merges their sections.
struct Merged<'a> {
    own: &'a Supervisor,
    others: Vec<&'a Supervisor>,
}

impl<'a> Merged<'a> {
    fn new(own: &'a Supervisor, cx: &Cx<'a>) -> Self {
        Self::of(own, cx.containers().flat_map(|container| &container.supervisors).copied().collect(), cx)
    }

    /// A config with those of `ids`.
    fn of(own: &'a Supervisor, mut ids: Vec<DocumentId>, cx: &Cx<'a>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        let others = ids.into_iter().filter_map(|id| cx.project.supervisor(id));
        Merged { own, others: others.filter(|other| other.file != own.file).collect() }
    }

    /// The option of a section of the own config, whichever of the configs has it.
    fn get(&self, section: &'a Section, key: &str) -> Option<&'a Setting> {
        self.own.get(section, key).or_else(|| {
            self.others.iter().find_map(|other| {
                let same = other.section(&section.name.value).and_then(|section| section.get(key));
                same.or_else(|| other.section("DEFAULT")?.get(key))
            })
        })
    }

    /// How a server of the own config asks who is there.
    fn login(&self, section: &'a Section) -> Login<'a> {
        match (self.get(section, "username"), self.get(section, "password")) {
            (None, None) => Login::None,
            (Some(given), None) => Login::Incomplete { given, missing: "password" },
            (None, Some(given)) => Login::Incomplete { given, missing: "username" },
            (Some(empty), Some(_)) | (Some(_), Some(empty)) if empty.value.as_str().is_empty() => Login::Empty(empty),
            (Some(_), Some(password)) => Login::Asked { password },
        }
    }
}

/// The sections of that kind.
fn sections(supervisor: &Supervisor, kind: SectionKind) -> impl Iterator<Item = &Section> {
    supervisor.sections.iter().filter(move |section| section.kind() == kind).take(MAX_SERVERS)
}

/// How an HTTP server of supervisord asks who is there.
enum Login<'a> {
    /// It asks nobody.
    None,
    /// One of the two options is missing: supervisord does not start.
    Incomplete { given: &'a Setting, missing: &'static str },
    /// It is there, and empty: Supervisor asks nobody without a user name, and an empty password is none.
    Empty(&'a Setting),
    /// Both are set.
    Asked { password: &'a Setting },
}

/// Who reaches an address inside the container's network.
#[derive(PartialEq)]
enum Listens {
    Loopback,
    Network,
    Unknown,
}

/// Stands for a `%(…)s` whose value is not in the files.
const UNRESOLVED: char = '\0';

/// The value with the variables put in that every one of the containers gives the same value.
fn resolved<'c>(cx: &Cx, containers: impl Iterator<Item = &'c Container> + Clone, value: &Text) -> String {
    let mut text = String::new();
    let mut at = value.span.start as usize;
    let whole = cx.text(value.span);
    let start = at;
    for expansion in expansions(value) {
        let (from, to) = (expansion.span.start as usize, expansion.span.end as usize);
        text.push_str(whole.get(at - start..from - start).unwrap_or_default());
        let variable = expansion.environment_variable();
        let mut values = containers.clone().map(|container| {
            let env = container.env(variable?)?;
            env.value.as_ref().filter(|_| env.known).map(|value| value.value.as_str())
        });
        match values.next().flatten().filter(|first| values.all(|other| other == Some(first))) {
            Some(known) => text.push_str(known),
            None => text.push(UNRESOLVED),
        }
        at = to;
    }
    text.push_str(whole.get(at - start..).unwrap_or_default());
    text
}

/// Where a `port` of `[inet_http_server]` listens (`inet_address` of Supervisor's `datatypes.py`), and its number.
fn listens<'c>(
    cx: &Cx,
    containers: impl Iterator<Item = &'c Container> + Clone,
    value: &Text,
) -> (Listens, Option<u16>) {
    let text = resolved(cx, containers, value);
    let (host, port) = text.rsplit_once(':').unwrap_or(("", &text));
    let number = port.trim().parse().ok();
    if host.contains(UNRESOLVED) || (!text.contains(':') && number.is_none()) {
        return (Listens::Unknown, number);
    }
    let host = host.trim().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let loopback = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => ip.to_canonical().is_loopback(),
        Ok(ip) => ip.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost") || host.starts_with("127."),
    };
    (if loopback { Listens::Loopback } else { Listens::Network }, number)
}

/// The containers that the graded config is part of.
fn owners<'a>(cx: &Cx<'a>) -> Vec<&'a Container> {
    cx.containers().collect()
}

/// Whether a port leaves its container.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exposure {
    /// No container publishes or declares it.
    Inside,
    /// Nothing is known of a container.
    Unknown,
    /// The image declares it.
    Declared(Span),
    /// It is published on a private address.
    Private(Span),
    /// It is published beyond the host itself.
    Published(Span),
    /// The container has no network of its own.
    HostNetwork(Span),
}

impl Exposure {
    /// Of the container that shows the port most.
    fn of(cx: &Cx, port: Option<u16>) -> Exposure {
        // What only development publishes says nothing about what ships.
        let counts =
            |container: &&Container| container.environment.environment.is_live() || !cx.environment().is_live();
        let exposures = cx.containers().filter(counts).map(|container| Exposure::in_container(cx, container, port));
        exposures.max().unwrap_or(Exposure::Unknown)
    }

    fn in_container(cx: &Cx, container: &Container, port: Option<u16>) -> Exposure {
        if let Some(span) = cx.project.host_network(container) {
            return Exposure::HostNetwork(span);
        }
        let Some(port) = port else { return Exposure::Unknown };
        let reach = |port: &Port| (port.reach != Reach::Unknown, port.reach.is_public());
        let published = cx.project.published(container).filter(|p| p.targets(port) && p.reach != Reach::Loopback);
        if let Some(port) = published.max_by_key(|port| reach(port)) {
            return match port.reach {
                Reach::Unknown => Exposure::Unknown,
                Reach::Private => Exposure::Private(port.span),
                _ => Exposure::Published(port.span),
            };
        }
        let declares = |entry: &str| entry.split('/').next().and_then(|number| number.parse().ok()) == Some(port);
        let exposed = container.built.iter().flat_map(|built| &built.config.exposed);
        match container.origin {
            Origin::Service { .. } if container.partial => Exposure::Unknown,
            Origin::Service { .. } => Exposure::Inside,
            Origin::Stage { .. } => exposed
                .filter(|entry| declares(&entry.value))
                .map(|entry| Exposure::Declared(entry.span))
                .next()
                .unwrap_or(Exposure::Inside),
        }
    }

    /// The place that shows the port, and what it does.
    fn label(self) -> Option<(Span, &'static str)> {
        match self {
            Exposure::Inside | Exposure::Unknown => None,
            Exposure::Declared(span) => Some((span, "the image declares the port here")),
            Exposure::Private(span) | Exposure::Published(span) => Some((span, "the port is published here")),
            Exposure::HostNetwork(span) => Some((span, "the container has the network of the host")),
        }
    }
}

pub(super) fn supervisor_http_open(supervisor: &Supervisor, cx: &mut Cx) {
    let merged = Merged::new(supervisor, cx);
    for section in sections(supervisor, SectionKind::InetHttpServer) {
        let Some(port) = supervisor.get(section, "port") else { continue };
        let empty = match merged.login(section) {
            Login::None => None,
            Login::Empty(setting) => Some(setting),
            Login::Incomplete { .. } | Login::Asked { .. } => continue,
        };
        let (listens, number) = listens(cx, owners(cx).into_iter(), &port.value);
        let (exposure, severity, message) = match listens {
            Listens::Unknown => continue,
            Listens::Loopback => (
                Exposure::Inside,
                Severity::High,
                "every process that shares the network of the container can command supervisord through it",
            ),
            Listens::Network => {
                let exposure = Exposure::of(cx, number);
                let inner = matches!(exposure, Exposure::Inside | Exposure::Private(_));
                let severity = if inner { Severity::High } else { Severity::Critical };
                (exposure, severity, "whoever reaches it can start and stop programs and read their logs")
            }
        };
        let finding = cx.report(port.value.span, format!("`[{}]` asks for no password: {message}", section.name.value));
        finding.severity(severity).inside(&section.name.value);
        finding.help(
            "remove the section and use `[unix_http_server]`, or bind to 127.0.0.1 and set username and password",
        );
        if exposure == Exposure::Unknown {
            finding.confidence(Confidence::Likely);
        }
        if let Some(setting) = empty {
            finding.related(setting.name.span, "empty, which Supervisor takes for none");
        }
        if let Some((span, message)) = exposure.label() {
            finding.related(span, message);
        }
    }
}

pub(super) fn supervisor_http_exposed(supervisor: &Supervisor, cx: &mut Cx) {
    let merged = Merged::new(supervisor, cx);
    for section in sections(supervisor, SectionKind::InetHttpServer) {
        let Some(port) = supervisor.get(section, "port") else { continue };
        let (listens, number) = listens(cx, owners(cx).into_iter(), &port.value);
        if listens != Listens::Network || !matches!(merged.login(section), Login::Asked { .. }) {
            continue;
        }
        let exposure = Exposure::of(cx, number);
        let message = format!("`[{}]` takes its password over plain HTTP from the network", section.name.value);
        let finding = cx.report(port.value.span, message);
        finding.inside(&section.name.value);
        finding.help("bind to 127.0.0.1, or use `[unix_http_server]`; put a TLS proxy in front for remote access");
        if matches!(exposure, Exposure::Inside | Exposure::Private(_)) {
            finding.severity(Severity::Medium);
        }
        if let Some((span, message)) = exposure.label() {
            finding.related(span, message);
        }
    }
}

/// The mode of a socket as Supervisor reads it (`int(value, 8)`), the low nine bits.
fn mode(value: &str) -> Option<u32> {
    let digits = value.trim().trim_start_matches("0o").trim_start_matches("0O");
    let clean: String = digits.chars().filter(|&c| c != '_').collect();
    u32::from_str_radix(&clean, 8).ok().map(|mode| mode & 0o777)
}

/// The account that supervisord itself runs as, where the config or every container of it says so.
fn own_account(cx: &Cx, merged: &Merged) -> Option<String> {
    let user = merged.own.section("supervisord").and_then(|section| merged.get(section, "user"));
    if let Some(user) = user.filter(|user| !has_expansions(&user.value)) {
        return Some(user.value.value.clone());
    }
    let mut accounts = cx.containers().map(|container| {
        let user = container.user.known()?;
        user.value.name.split(':').next()
    });
    let first = accounts.next().flatten()?;
    accounts.all(|other| other == Some(first)).then(|| first.to_owned())
}

pub(super) fn supervisor_socket_writable(supervisor: &Supervisor, cx: &mut Cx) {
    let merged = Merged::new(supervisor, cx);
    let own = own_account(cx, &merged);
    let is_own = |account: &str| own.as_deref() == Some(account);
    for section in sections(supervisor, SectionKind::UnixHttpServer) {
        let chmod = merged.get(section, "chmod");
        let mode = chmod.map_or(Some(0o700), |chmod| mode(chmod.value.as_str()));
        let Some(mode) = mode else { continue };
        // A password keeps others out unless it stands where they can read it. A hash does not say what it is.
        let readable = match merged.login(section) {
            Login::Asked { password } if !is_literal(&password.value) || sha(&password.value) => continue,
            Login::Asked { password } => Some(password.name.span),
            Login::None | Login::Empty(_) | Login::Incomplete { .. } => None,
        };
        let chown = merged.get(section, "chown");
        let (owner, group) = chown.map_or(("", ""), |chown| {
            let value = chown.value.as_str();
            value.split_once(':').unwrap_or((value, ""))
        });
        let low = |account: &str| LOW_ACCOUNTS.contains(&account) && !is_own(account);
        let (setting, severity, who) = match (chmod, chown) {
            (Some(chmod), _) if mode & 0o002 != 0 => {
                let severity = match own.as_deref() {
                    _ if readable.is_some() => Severity::Medium,
                    None | Some("root" | "0") => Severity::High,
                    Some(_) => Severity::Medium,
                };
                (chmod, severity, "every account in the container".to_owned())
            }
            (_, Some(chown)) if mode & 0o200 != 0 && low(owner) => {
                (chown, Severity::Medium, format!("whatever runs as `{owner}` in the container"))
            }
            (Some(chmod), Some(_)) if mode & 0o020 != 0 && low(group) => {
                (chmod, Severity::Medium, format!("every member of the group `{group}` in the container"))
            }
            _ => continue,
        };
        let message = format!("{who} can command supervisord through its socket");
        let finding = cx.report(setting.value.span, message);
        finding.severity(severity).inside(&section.name.value);
        finding.help("leave `chmod=0700` (the default), or use 0770 with `chown` to a group made for it");
        if let Some(password) = readable {
            finding.related(password, "the password is no secret: it stands in the same config");
        }
    }
}

/// Whether a password is written out: no variable, and no placeholder that is filled in before the file is used.
fn is_literal(value: &Text) -> bool {
    let text = value.as_str();
    let filled_in = [("<", ">"), ("{{", "}}"), ("${", "}"), ("@@", "@@"), ("__", "__"), ("%%", "%%")];
    let placeholder = filled_in.iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
        || text.starts_with("$(")
        || text.starts_with('$') && text.len() > 1 && text[1..].bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        || text.bytes().all(|b| matches!(b, b'x' | b'X' | b'*' | b'.'));
    !placeholder && !has_expansions(value)
}

/// Whether a password is written as its SHA-1 (`{SHA}` and 40 hexadecimal digits).
fn sha(value: &Text) -> bool {
    value
        .as_str()
        .strip_prefix("{SHA}")
        .is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether the password decides who commands supervisord: over HTTP it does, and at a socket that others may write to.
/// At any other socket the file's mode does, and the password is only there to quieten the warning about its absence.
fn guards(supervisor: &Supervisor, section: &Section) -> bool {
    match section.kind() {
        SectionKind::Supervisorctl => {
            let url = supervisor.get(section, "serverurl");
            url.is_some_and(|url| url.value.as_str().trim_start().starts_with("http"))
        }
        SectionKind::UnixHttpServer => {
            let chmod = supervisor.get(section, "chmod").map(|chmod| mode(chmod.value.as_str()));
            chmod.is_some_and(|mode| mode.is_none_or(|mode| mode & 0o022 != 0))
        }
        _ => true,
    }
}

pub(super) fn supervisor_password_literal(supervisor: &Supervisor, cx: &mut Cx) {
    // supervisorctl has the password of the server that it talks to: one password is one finding.
    let mut seen: Vec<(&str, Span)> = Vec::new();
    let servers = [SectionKind::InetHttpServer, SectionKind::UnixHttpServer, SectionKind::Supervisorctl];
    let sections = servers.into_iter().flat_map(|kind| sections(supervisor, kind));
    let mut found: Vec<(&Section, &Setting, Vec<Span>)> = Vec::new();
    for section in sections {
        let Some(password) = supervisor.get(section, "password") else { continue };
        let text = password.value.as_str();
        if !is_literal(&password.value) || seen.iter().any(|&(_, span)| span == password.value.span) {
            continue;
        }
        let same = seen.iter().position(|(known, _)| *known == text);
        seen.push((text, password.value.span));
        match same.and_then(|same| found.iter_mut().find(|(_, known, _)| known.value.span == seen[same].1)) {
            Some((_, _, also)) => also.push(password.name.span),
            None => found.push((section, password, Vec::new())),
        }
    }
    for (section, password, also) in found {
        let hashed = sha(&password.value);
        let what = if hashed { "an unsalted SHA-1 of the password" } else { "the password" };
        let message = format!("{what} of `[{}]` is written into the config", section.name.value);
        let finding = cx.report(password.name.span, message);
        finding.inside(&section.name.value).evidence("password");
        finding.help("take it from the environment of supervisord: `password=%(ENV_SUPERVISOR_PASSWORD)s`");
        if hashed || !guards(supervisor, section) {
            finding.severity(Severity::Low);
        }
        for span in also {
            finding.related(span, "and here");
        }
    }
}

pub(super) fn supervisor_auth_incomplete(supervisor: &Supervisor, cx: &mut Cx) {
    let merged = Merged::new(supervisor, cx);
    for kind in [SectionKind::InetHttpServer, SectionKind::UnixHttpServer] {
        for section in sections(supervisor, kind) {
            let Login::Incomplete { given, missing } = merged.login(section) else { continue };
            let (name, has) = (&section.name.value, &given.name.value);
            let message = format!("`[{name}]` has a {has} and no {missing}: supervisord refuses to start");
            let finding = cx.report(given.name.span, message);
            finding.inside(name).evidence(format!("no {missing}"));
            finding.help(format!("set {missing} as well, or remove {has}"));
        }
    }
}
