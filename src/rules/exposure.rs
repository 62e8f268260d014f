//! What can be reached from outside: published ports, and services that ask nobody who they are.

mod open;
mod ports;
mod settings;
mod switches;

pub(super) use open::unauthenticated_service_published;

use super::Cx;
use crate::container::known::Role;
use crate::container::{Container, Port, Reach};
use crate::finding::{Confidence, Severity};
use crate::syntax::compose::{Compose, Service};
use ports::{Purpose, purpose};
use switches::Switch;

pub(super) fn exposed_database_port(container: &Container, cx: &mut Cx) {
    for port in published(container, cx) {
        let Purpose::Database(product) = purpose(container, port, cx) else { continue };
        let severity = match port.reach {
            _ if port.reach.is_public() => Severity::High,
            Reach::Private => Severity::Medium,
            _ => continue,
        };
        let message = format!("`{}` publishes {product} ({}) on {}", container.name, target(port), place(port));
        let written = cx.text(port.span);
        let finding = cx.report(port.span, message);
        finding.help(format!(
            "remove the entry, as services reach it by name on their network; for access from the host write {}",
            on_loopback(port, written)
        ));
        finding.severity(severity).confidence(confidence(container, port)).evidence(mapping(port));
    }
}

pub(super) fn exposed_admin_interface(container: &Container, cx: &mut Cx) {
    for port in published(container, cx) {
        let Purpose::Admin(product) = purpose(container, port, cx) else { continue };
        let severity = match port.reach {
            _ if port.reach.is_public() => Severity::Medium,
            Reach::Private => Severity::Low,
            _ => continue,
        };
        let message = format!("`{}` publishes {product} ({}) on {}", container.name, target(port), place(port));
        let written = cx.text(port.span);
        let finding = cx.report(port.span, message);
        finding.help(format!(
            "write {} and reach it through a tunnel or an authenticating proxy",
            on_loopback(port, written)
        ));
        finding.severity(severity).confidence(confidence(container, port)).evidence(mapping(port));
    }
}

pub(super) fn port_on_all_interfaces(container: &Container, cx: &mut Cx) {
    // The API of a container engine is `docker-api-exposed`.
    let others = |port: &&Port| port.reach == Reach::Everyone && !port.targets(2375);
    for port in published(container, cx).filter(others) {
        let severity = match purpose(container, port, cx) {
            Purpose::Ordinary => Severity::Medium,
            Purpose::Web => Severity::Low,
            Purpose::Edge => Severity::Info,
            // The debugger is `debugger-exposed`, which has nothing to say about development.
            Purpose::Debugger(_) if !cx.environment().is_live() => Severity::Medium,
            Purpose::Database(_) | Purpose::Admin(_) | Purpose::Debugger(_) | Purpose::Meant => continue,
        };
        // What is reached from outside is the host's port.
        let outside = match port.published {
            Some(published) if published != port.target => format!(" as port {}", range(published)),
            _ => String::new(),
        };
        let message = format!("`{}` publishes {}{outside} on every address of the host", container.name, target(port));
        let written = cx.text(port.span);
        let finding = cx.report(port.span, message);
        let help = match severity {
            Severity::Info => "nothing to do where this is the way in from outside".to_owned(),
            _ => format!("write {} and let the reverse proxy be the way in", on_loopback(port, written)),
        };
        finding.help(help).severity(severity).confidence(confidence(container, port)).evidence(mapping(port));
    }
}

pub(super) fn auth_disabled_service(container: &Container, cx: &mut Cx) {
    let switches: Vec<Switch> = switches::found(container);
    for switch in &switches {
        let finding = cx.report(switch.span, format!("`{}` runs {}: {}", container.name, switch.how, switch.what));
        finding.help(switch.help).evidence(switch.what.clone());
    }
    if !switches.is_empty() || role(container) == Some(Role::Admin) && way_in(container, cx).is_some() {
        return;
    }
    let Some(variable) = switches::missing_account(container, cx.project.service(container)) else { return };
    let Some(image) = &container.image else { return };
    let message =
        format!("`{}` lets everyone in: `{}` does so unless `{variable}` is set", container.name, image.name());
    let finding = cx.report(image.span, message);
    finding.severity(Severity::Low).confidence(Confidence::Likely).evidence(variable);
    finding.help(format!("set `{variable}` (from a secret or a variable)"));
}

/// The published ports that count: with the host's network the engine ignores `ports`, an internal network publishes
/// nothing, and of a port that is all variable nothing is known.
pub(super) fn published<'a>(container: &'a Container, cx: &Cx<'a>) -> impl Iterator<Item = &'a Port> + use<'a> {
    let service = cx.project.service(container);
    let unpublished = service.is_some_and(|service| {
        let mode = service.network_mode.as_ref().map(|mode| mode.value.as_str());
        matches!(mode, Some("host" | "none")) || only_internal(service, container, cx)
    });
    container.ports.iter().filter(move |port| !unpublished && port.target != (0, 0))
}

/// Whether every network of the service is internal.
fn only_internal(service: &Service, container: &Container, cx: &Cx) -> bool {
    let Some(compose) = cx.project.model_of(container) else { return false };
    !service.networks.is_empty() && service.networks.iter().all(|network| is_internal(compose, &network.name.value))
}

fn is_internal(compose: &Compose, name: &str) -> bool {
    let network = compose.networks.iter().find(|network| network.name.value == name);
    network.and_then(|network| network.internal).is_some_and(|internal| internal.value)
}

/// Where strangers get in: a port that is published beyond the host, or the host's network.
pub(super) fn way_in(container: &Container, cx: &Cx) -> Option<crate::source::Span> {
    let port = cx.project.published(container).find(|port| port.reach.is_public());
    port.map(|port| port.span).or_else(|| cx.project.host_network(container))
}

/// The published web port of something that is meant to face the outside.
pub(super) fn edge_port<'a>(container: &'a Container, cx: &Cx<'a>) -> Option<&'a Port> {
    published(container, cx).find(|port| port.reach.is_public() && purpose(container, port, cx) == Purpose::Edge)
}

/// The data service that a container is, where only applications have a reason to talk to it.
pub(super) fn private_store(container: &Container, cx: &Cx) -> Option<&'static str> {
    ports::private_store(container, cx)
}

/// Whether a port of a debugger is published, by its number alone.
pub(super) fn published_debugger<'a>(container: &'a Container, cx: &Cx<'a>) -> Option<(&'a Port, &'static str)> {
    published(container, cx).filter(|port| port.reach.is_public()).find_map(|port| match purpose(container, port, cx) {
        Purpose::Debugger(product) => Some((port, product)),
        _ => None,
    })
}

fn role(container: &Container) -> Option<Role> {
    container.known.map(|known| known.role)
}

/// The container port, in words.
fn target(port: &Port) -> String {
    let protocol = if port.protocol == "tcp" { String::new() } else { format!("/{}", port.protocol) };
    let noun = if port.target.0 == port.target.1 { "port" } else { "ports" };
    format!("{noun} {}{protocol}", range(port.target))
}

/// `80`, or `8000-8010`.
fn range((first, last): (u16, u16)) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }
}

/// What a finding about a port is known by, however the entry is spelt; nothing where a variable is in it, and then it is
/// the entry as written.
fn mapping(port: &Port) -> String {
    if port.open {
        return String::new();
    }
    let address = port.host_ip.as_deref().filter(|_| port.reach != Reach::Everyone).unwrap_or_default();
    let published = port.published.map(range).unwrap_or_default();
    format!("{address}:{published}:{}/{}", range(port.target), port.protocol)
}

/// Where it is bound, in words.
fn place(port: &Port) -> String {
    match (&port.host_ip, port.reach) {
        (Some(address), Reach::Address | Reach::Private) => format!("`{address}`"),
        (None, Reach::Address | Reach::Private) => "the address that its network sets".to_owned(),
        _ => "every address of the host".to_owned(),
    }
}

/// The entry as it would be written for the host alone; `written` is the entry as it stands in the file.
fn on_loopback(port: &Port, written: &str) -> String {
    let written = written.trim_matches(['"', '\'']);
    // The short spelling with a variable; the long one is a mapping of several words.
    if port.open && port.host_ip.is_none() && written.contains(':') && !written.contains(char::is_whitespace) {
        return format!("`127.0.0.1:{written}`");
    }
    let protocol = if port.protocol == "tcp" { String::new() } else { format!("/{}", port.protocol) };
    let host = port.published.map(range).unwrap_or_default();
    format!("`127.0.0.1:{host}:{}{protocol}`", range(port.target))
}

/// Where a variable without a default is in the entry, it may bring an address with it; without an image the name of the
/// service is all there is to go by.
fn confidence(container: &Container, port: &Port) -> Confidence {
    let named_only = container.image.is_none() && container.built.is_none();
    if port.open || named_only { Confidence::Likely } else { Confidence::Certain }
}
