//! What the services of a stack open to each other: joined namespaces, shared networks, the way from outside to the inside.

mod proxy;

pub(super) use proxy::*;

use super::Cx;
use super::exposure;
use super::mount;
use super::nginx::{speaks_tls, targets};
use crate::container::known::Role;
use crate::container::{Container, EnvPlace, Port};
use crate::finding::{Confidence, Severity};
use crate::limit::SERVICES;
use crate::project::reach::Reach;
use crate::source::Span;
use crate::syntax::compose::{Scalar, Service};
use crate::syntax::nginx::Nginx;

/// Whether the service is privileged, and where it says so.
fn privileged(service: &Service) -> Option<Span> {
    service.privileged.filter(|privileged| privileged.value).map(|privileged| privileged.span)
}

/// Whether a namespace of the service is the host's, and where it says so.
fn of_host(namespace: Option<&Scalar>) -> Option<Span> {
    namespace.filter(|namespace| namespace.known && namespace.value == "host").map(|namespace| namespace.span)
}

/// Whether a container runs an engine: Docker in Docker.
fn is_engine(container: &Container) -> bool {
    container.known.is_some_and(|known| known.role == Role::Engine && !known.ports.is_empty())
        || container.processes.iter().flat_map(|process| &process.effective.commands).any(|it| it.name == "dockerd")
}

/// The container that `service:name` or `container:name` leads to.
fn joined<'a>(scalar: Option<&Scalar>, container: &Container, cx: &Cx<'a>) -> Option<(&'a Container, Span)> {
    let scalar = scalar.filter(|scalar| scalar.known)?;
    let name = ["service:", "container:"].iter().find_map(|prefix| scalar.value.strip_prefix(prefix))?;
    Some((another(name, container, cx)?, scalar.span))
}

/// The container of another service of the stack, by the name that it answers to.
fn another<'a>(name: &str, container: &Container, cx: &Cx<'a>) -> Option<&'a Container> {
    let (reach, own) = cx.project.place(container)?;
    let other = reach.named(name).iter().copied().find(|&service| service != own)?;
    Some(&cx.project.containers[reach.container(other)?])
}

pub(super) fn privilege_taint(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container).filter(|service| privileged(service).is_none()) else { return };
    let name = &container.name;
    if let Some((other, span)) = joined(service.pid.as_ref(), container, cx)
        && let Some(its) = cx.project.service(other)
    {
        let traces = service.cap_add.iter().any(|capability| {
            matches!(capability.value.trim_start_matches("CAP_"), "SYS_PTRACE" | "SYS_ADMIN" | "ALL")
        });
        let socket = mount::sockets(other, cx).first().map(|socket| socket.mount.span);
        let found = match (of_host(its.pid.as_ref()), privileged(its), socket) {
            (Some(host), ..) => {
                Some((host, "sees and signals every process of the host", "which has those of the host"))
            }
            (_, Some(at), _) if traces => Some((at, "gets into its processes", "which runs privileged")),
            (_, Some(at), _) => Some((at, "sees and signals its processes", "which runs privileged")),
            (.., Some(at)) => Some((at, "gets at the engine's socket through its `/proc`", "which holds the socket")),
            _ => None,
        };
        if let Some((at, gains, why)) = found {
            let other = &other.name;
            let finding = cx.report(span, format!("`{name}` joins the processes of `{other}` and {gains}"));
            finding.help("leave `pid` out, or let the two share what they need through a volume");
            finding.link(span, format!("`{name}` joins the processes of `{other}`")).link(at, why);
            if traces {
                finding.severity(Severity::High);
            }
        }
    }
    if let Some((other, span)) = joined(service.network_mode.as_ref(), container, cx) {
        let host = cx.project.host_network(container);
        let engine = is_engine(other).then_some(other.image.as_ref().map_or(other.span, |image| image.span));
        let found = match (host, engine) {
            (Some(host), _) => Some((host, "gets the network of the host", "which has that of the host")),
            (_, Some(at)) => Some((at, "reaches the engine on its loopback", "which runs a container engine")),
            _ => None,
        };
        if let Some((at, gains, why)) = found {
            let other = &other.name;
            let finding = cx.report(span, format!("`{name}` joins the network of `{other}` and {gains}"));
            finding.help("put both on a network of their own instead");
            finding.link(span, format!("`{name}` joins the network of `{other}`")).link(at, why);
        }
    }
    if let Some((other, span)) = joined(service.ipc.as_ref(), container, cx)
        && let Some(host) = cx.project.service(other).and_then(|its| of_host(its.ipc.as_ref()))
    {
        let other = &other.name;
        let message = format!("`{name}` joins the shared memory of `{other}` and gets that of the host");
        let finding = cx.report(span, message);
        finding.help(format!("let `{other}` have its own (`ipc: shareable`)"));
        finding.link(span, format!("`{name}` joins the shared memory of `{other}`")).link(host, "which has the host's");
    }
    for from in service.uncommon.volumes_from.iter().filter(|from| from.known) {
        let written = from.value.strip_prefix("container:").unwrap_or(&from.value);
        let (source, mode) = written.split_once(':').unwrap_or((written, ""));
        let Some(other) = another(source, container, cx) else { continue };
        let socket = mount::sockets(other, cx).first().map(|socket| socket.mount.span);
        let root = || mount::root_mount(other, cx).filter(|_| mode != "ro");
        let (at, gains) = match (socket, root()) {
            (Some(at), _) => (at, "the engine's socket, and with it the host".to_owned()),
            (None, Some((path, mount))) => (mount.span, format!("`{path}` of the host, and so can become root there")),
            (None, None) => continue,
        };
        let other = &other.name;
        let finding = cx.report(from.span, format!("`{name}` takes over from `{other}` {gains}"));
        finding.severity(Severity::High).help("name the one volume that is needed under `volumes`");
        finding.link(from.span, format!("`{name}` gets every mount of `{other}`")).link(at, "and this is one of them");
    }
}

/// Ends of the names of files that lie beside configs and that nginx is not told to read.
const UNREAD: [&str; 9] = [".example", ".sample", ".dist", ".bak", ".disabled", ".off", ".old", ".orig", ".save"];

/// The nginx configs that a container reads.
fn servers<'a>(container: &Container, cx: &Cx<'a>) -> Vec<&'a Nginx> {
    let configs = container.servers.iter().filter_map(|&id| cx.project.nginx(id));
    let read = |nginx: &&Nginx| !UNREAD.iter().any(|end| cx.sources.get(nginx.file).path.ends_with(end));
    configs.filter(read).collect()
}

/// What a service can do that would be worth getting at from outside.
struct Power {
    /// Where it says so.
    at: Span,
    /// What that line is, as a clause.
    what: &'static str,
    /// Whoever connects has it, without a hole in the service being needed.
    for_everyone: bool,
}

/// The power over the host that a service has and that others reach over a network.
fn power(container: &Container, service: &Service, cx: &Cx) -> Option<Power> {
    let socket = mount::sockets(container, cx).first().map(|socket| socket.mount.span);
    if mount::is_socket_proxy(container) {
        let set = |env: &&crate::container::Env| {
            let on = env.value.as_ref().is_some_and(|value| matches!(value.value.as_str(), "1" | "true"));
            on && matches!(env.name.value.as_str(), "POST" | "SP_ALLOWPOST")
        };
        let writes = container.env.iter().find(set)?;
        return Some(Power { at: writes.span, what: "which lets everyone write to the engine", for_everyone: true });
    }
    if is_engine(container) {
        let directory = container.env("DOCKER_TLS_CERTDIR").filter(|directory| directory.known);
        let open = directory.filter(|directory| directory.value.as_ref().is_some_and(|value| value.value.is_empty()));
        if let Some(open) = open {
            return Some(Power { at: open.span, what: "whose engine asks for no certificate", for_everyone: true });
        }
        return None;
    }
    let listens = !service.expose.is_empty()
        || !service.ports.is_empty()
        || container.known.is_some_and(|known| !known.ports.is_empty() && known.role != Role::App)
        || container.built.as_ref().is_some_and(|built| !built.config.exposed.is_empty());
    let (at, what) = match (socket, privileged(service)) {
        (Some(at), _) => (at, "which controls the container engine"),
        (None, Some(at)) => (at, "which runs privileged"),
        (None, None) => return None,
    };
    listens.then_some(Power { at, what, for_everyone: false })
}

/// The line that puts a service on a network: the name in its `networks`, else the service itself.
fn membership(service: &Service, network: &str, container: &Container) -> Span {
    service.networks.iter().find(|joined| joined.name.value == network).map_or(container.span, |it| it.name.span)
}

pub(super) fn edge_to_socket_path(container: &Container, cx: &mut Cx) {
    let Some((service, (reach, own))) = cx.project.service(container).zip(cx.project.place(container)) else { return };
    socket_volume(container, reach, own, cx);
    let Some(power) = power(container, service, cx) else { return };
    // What is published itself needs no way in over others.
    if exposure::way_in(container, cx).is_some() {
        return;
    }
    let Some(networks) = reach.networks(own) else { return };
    let entrance = |network: usize| {
        let mut entrances = reach.segments()[network].entrances.iter().filter(|&&entrance| entrance != own);
        entrances.find_map(|&entrance| {
            let edge = &cx.project.containers[reach.container(entrance)?];
            let its = cx.project.service(edge)?;
            let own_power = privileged(its).is_some() || !mount::sockets(edge, cx).is_empty();
            let port = cx.project.published(edge).find(|port| port.reach.is_public())?;
            (!own_power).then_some((network, edge, its, port))
        })
    };
    let Some((network, edge, its, port)) = networks.iter().take(SERVICES.most).find_map(|&network| entrance(network))
    else {
        return;
    };
    let network = reach.segments()[network].name.as_str();
    let (name, outer) = (&container.name, &edge.name);
    let message = match power.for_everyone {
        true => {
            format!("`{outer}` is published and can command the engine through `{name}` on the network `{network}`")
        }
        false => format!("`{outer}` is published and shares the network `{network}` with `{name}`, {}", power.what),
    };
    let at = membership(service, network, container);
    let finding = cx.report(at, message);
    finding.help(format!("put `{name}` on a network of its own with the one service that needs it"));
    finding.link(port.span, format!("everyone reaches `{outer}` here"));
    finding.link(membership(its, network, edge), format!("it is on the network `{network}`"));
    finding.link(at, format!("and so is `{name}`")).link(power.at, power.what);
    if !power.for_everyone {
        finding.severity(Severity::Medium).confidence(Confidence::Likely);
    }
}

/// A published service that gets an engine's socket through a volume that the engine's own container puts it in.
fn socket_volume(container: &Container, reach: &Reach, own: usize, cx: &mut Cx) {
    if !is_engine(container) {
        return;
    }
    let named = |mount: &&crate::container::Mount| {
        mount.kind == crate::syntax::compose::MountKind::Volume && mount.source.is_some()
    };
    let holding = container.mounts.iter().filter(named);
    let mut holding = holding.filter(|mount| mount.target.as_deref().is_some_and(mount::holds_socket));
    let Some(volume) = holding.next() else { return };
    let others =
        reach.networks(own).unwrap_or_default().iter().flat_map(|&network| &reach.segments()[network].entrances);
    for &other in others.filter(|&&other| other != own).take(SERVICES.most) {
        let Some(edge) = reach.container(other).map(|index| &cx.project.containers[index]) else { continue };
        let Some(shared) = edge.mounts.iter().filter(named).find(|mount| mount.source == volume.source) else {
            continue;
        };
        let Some(port) = cx.project.published(edge).find(|port| port.reach.is_public()) else { continue };
        let (name, outer) = (&container.name, &edge.name);
        let finding = cx.report(
            shared.span,
            format!("`{outer}` is published and gets the socket of the engine in `{name}` with the volume"),
        );
        finding.help("let a service that is not published talk to the engine").container = Some(outer.clone());
        finding.link(port.span, format!("everyone reaches `{outer}` here"));
        finding.link(shared.span, "it has the volume").link(volume.span, format!("in which `{name}` keeps its socket"));
    }
}

/// Whether a container speaks of a service by a name of its own: in a variable, a command, `depends_on`, or its nginx.
fn mentions(container: &Container, names: &[&str], cx: &Cx) -> Option<Span> {
    let is_name = |word: &str| names.contains(&word);
    let word = |character: char| !(character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.'));
    let service = cx.project.service(container)?;
    let depends = service.depends_on.iter().find(|dependency| is_name(&dependency.service.value));
    if let Some(dependency) = depends {
        return Some(dependency.service.span);
    }
    let envs = container.env.iter().filter(|env| env.place != EnvPlace::DockerfileEnv);
    let mut values = envs.filter_map(|env| Some((env.span, env.value.as_ref()?)));
    if let Some((span, _)) = values.find(|(_, value)| value.value.split(word).any(is_name)) {
        return Some(span);
    }
    let commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    let mut words = commands.flat_map(|command| &command.args);
    if let Some(argument) = words.find(|argument| argument.text.as_str().split(word).any(is_name)) {
        return Some(argument.text.span);
    }
    let links = service.uncommon.links.iter().find(|link| link.value.split(':').any(is_name));
    links.map(|link| link.span)
}

pub(super) fn database_on_edge_network(container: &Container, cx: &mut Cx) {
    let Some(product) = exposure::private_store(container, cx) else { return };
    let Some((service, (reach, own))) = cx.project.service(container).zip(cx.project.place(container)) else { return };
    let names = names(service);
    for &network in reach.networks(own).unwrap_or_default().iter().take(SERVICES.most) {
        let segment = &reach.segments()[network];
        let chosen = service.networks.iter().any(|joined| joined.name.value == segment.name);
        let members = || {
            let others = segment.members.iter().filter(|&&member| member != own).take(SERVICES.most);
            others.filter_map(|&member| Some(&cx.project.containers[reach.container(member)?]))
        };
        let edge = members().find_map(|edge| Some((edge, edge_only(edge, &names, cx)?)));
        let Some((edge, port)) = edge else { continue };
        // Where nobody else speaks of the database, the edge is what it is there for.
        let user =
            members().filter(|user| user.name != edge.name).find_map(|user| Some((user, mentions(user, &names, cx)?)));
        let Some((user, mention)) = user else { continue };
        // Where nobody names a network, one finding says it for all of the databases.
        let first = |member: &&Container| exposure::private_store(member, cx).is_some();
        if !chosen && members().take_while(|member| member.span < container.span).any(|member| first(&member)) {
            continue;
        }
        let (name, outer, user) = (&container.name, &edge.name, &user.name);
        let message = format!(
            "{product} `{name}` is on the network `{}` with `{outer}`, which has no business with it",
            segment.name
        );
        let at = membership(service, &segment.name, container);
        let finding = cx.report(at, message);
        finding.help(format!(
            "put `{name}` on a second network with `internal: true`, and what uses it (`{user}`) on both"
        ));
        finding.link(port.span, format!("everyone reaches `{outer}` here"));
        finding.link(at, format!("which is on the same network as `{name}`"));
        finding.link(mention, format!("while `{user}` is what talks to it"));
        if !chosen {
            finding.severity(Severity::Low);
        }
        return;
    }
}

/// The names that a service answers to on its networks.
fn names(service: &Service) -> Vec<&str> {
    let given = [&service.container_name, &service.hostname].into_iter().flatten().map(|name| name.value.as_str());
    let aliases = service.networks.iter().flat_map(|network| &network.aliases).map(String::as_str);
    service.name.iter().map(|name| name.value.as_str()).chain(given).chain(aliases).collect()
}

/// The port of the outside, where the container is a reverse proxy and nothing else: it speaks of none of the names.
fn edge_only<'a>(container: &'a Container, names: &[&str], cx: &Cx<'a>) -> Option<&'a Port> {
    let port = exposure::edge_port(container, cx)?;
    let applications = !container.supervisors.is_empty()
        || container.known.is_none_or(|known| known.role != Role::Edge)
        || mentions(container, names, cx).is_some();
    let passed = || targets(&servers(container, cx), cx).iter().any(|target| names.contains(&target.host.as_str()));
    (!applications && !passed()).then_some(port)
}

/// Parts of the names of images that end TLS, or bring requests in through a tunnel that does.
const TERMINATORS: &[&str] = &[
    "traefik",
    "caddy",
    "cloudflared",
    "haproxy",
    "nginx-proxy",
    "swag",
    "letsencrypt",
    "certbot",
    "acme",
    "tailscale",
    "ngrok",
    "envoy",
    "stunnel",
    "hitch",
    "pomerium",
    "zoraxy",
    "pangolin",
    "newt",
    "frpc",
    "kong",
    "apisix",
    "lego",
];

/// Files at the top of a repository that say that a platform runs it, which ends TLS.
const PLATFORMS: &[&str] = &[
    "fly.toml",
    "Procfile",
    "render.yaml",
    "railway.json",
    "railway.toml",
    "app.yaml",
    "app.json",
    "heroku.yml",
    "captain-definition",
    "koyeb.yaml",
    "Dockerrun.aws.json",
    "cloudbuild.yaml",
    "ecs-params.yml",
];

/// Parts of variables and labels that speak of a proxy in front.
const HINTS: &[&str] = &["traefik.", "VIRTUAL_HOST", "LETSENCRYPT", "caddy", "SERVICE_FQDN", "coolify", "COOLIFY"];

pub(super) fn cleartext_edge(container: &Container, cx: &mut Cx) {
    let Some((service, stack)) = cx.project.service(container).zip(cx.project.stack(container)) else { return };
    let Some((reach, own)) = cx.project.place(container).filter(|_| !container.servers.is_empty()) else { return };
    let mut ports = cx.project.published(container);
    let Some(port) = ports.find(|port| port.published == Some((80, 80)) && port.reach.is_public()) else { return };
    if reach.is_open(own) || !reach.complete || cx.project.reaches.is_encrypted(&stack.directory) {
        return;
    }
    let configs = servers(container, cx);
    if configs.is_empty()
        || configs.iter().any(|nginx| speaks_tls(nginx, cx))
        || PLATFORMS.iter().any(|file| cx.sources.exists(file))
    {
        return;
    }
    let hinted = |text: &str| HINTS.iter().any(|hint| text.contains(hint));
    let told = service.labels.iter().any(|label| hinted(&label.key.value))
        || container.env.iter().any(|env| hinted(&env.name.value) || env.name.value == "PORT");
    let terminates = |model: &crate::syntax::compose::Compose| {
        model.services.iter().any(|service| {
            let image = service.image.as_ref().map_or("", |image| crate::project::path::file_name(&image.value));
            let name = service.name.as_ref().map_or("", |name| name.value.as_str());
            TERMINATORS.iter().any(|terminator| image.contains(terminator) || name.contains(terminator))
        })
    };
    if told || cx.project.model_of(container).is_some_and(terminates) {
        return;
    }
    let name = &container.name;
    let message = format!("`{name}` takes requests from outside on port 80 alone, and nothing here speaks TLS");
    let listen = configs[0].walk().map(|visit| visit.directive).find(|it| it.is("listen"));
    let finding = cx.report(port.span, message);
    finding.help("add a server with `listen 443 ssl` and redirect to it, or put a proxy in front that ends TLS");
    finding.contains("port-on-all-interfaces", port.span);
    if let Some(listen) = listen {
        finding.related(listen.span, "the listener has no `ssl`");
    }
}
