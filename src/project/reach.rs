//! Who can reach whom inside a stack: the networks, names and namespaces of its services.
//!
//! Built once for each stack, in time linear in its services and the networks that they name. What Compose and the engine
//! do with a service that says nothing (the network `default`), with `network_mode` and with internal networks follows the
//! Compose specification.

use std::collections::{HashMap, HashSet};

use super::Project;
use super::stacks::{Basis, GapKind, Stack};
use crate::container::{Container, Origin, Port};
use crate::source::Span;
use crate::syntax::compose::{Compose, Network, Service};

/// The name of the network of a service that names none.
const DEFAULT: &str = "default";

/// Services that join the network of one that joins another's are followed this far.
const MAX_HOPS: usize = 8;

/// Networks of a service that are compared with those of another: real ones have a handful.
const MAX_NETWORKS: usize = 100;

/// Published services that a network remembers: one of them is enough to say that there is a way in.
const MAX_ENTRANCES: usize = 32;

/// The reach of every stack.
#[derive(Debug, Default)]
pub struct Reaches {
    stacks: Vec<Reach>,
    /// Every name that a service of any stack answers to.
    names: HashSet<String>,
    /// Folders of stacks that publish port 443.
    encrypted: HashSet<String>,
}

/// Who can reach whom in one stack.
#[derive(Debug, Default)]
pub struct Reach {
    places: Vec<Place>,
    segments: Vec<Segment>,
    names: HashMap<String, Vec<usize>>,
    /// Every service of the stack is in sight.
    pub complete: bool,
}

/// Where a service stands; the index is that of the service in the merged model.
#[derive(Debug)]
struct Place {
    container: Option<usize>,
    namespace: Namespace,
}

/// The network namespace of a service.
#[derive(Debug, PartialEq, Eq)]
enum Namespace {
    /// Its own, on these networks.
    Own(Vec<usize>),
    /// The host's.
    Host,
    /// One without a network.
    None,
    /// That of another service.
    Joined(usize),
    /// That of a container that is not in sight, or one that a variable names.
    Unknown,
}

/// A network of a stack.
#[derive(Debug)]
pub struct Segment {
    /// The key, `default` for the one that nobody names.
    pub name: String,
    /// No way leads out of it, and none in.
    pub internal: bool,
    /// It is not made by this stack: others are on it.
    pub external: bool,
    /// The services on it, by their index.
    pub members: Vec<usize>,
    /// The first of those that are published beyond the host.
    pub entrances: Vec<usize>,
}

/// Whether two services have a network in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// This one, by its index.
    Network(usize),
    /// None.
    Nothing,
    /// It cannot be told: a network or a namespace is not in sight.
    Unknown,
}

impl Reaches {
    /// The reach of every stack of a project.
    pub(super) fn of(project: &Project) -> Reaches {
        let mut containers: Vec<HashMap<usize, usize>> = vec![HashMap::new(); project.stacks.len()];
        for (index, container) in project.containers.iter().enumerate() {
            if let Origin::Service { stack, service, .. } = container.origin {
                containers[stack].insert(service, index);
            }
        }
        let mut reaches = Reaches::default();
        for (index, stack) in project.stacks.iter().enumerate() {
            let Some(model) = project.model(index) else {
                reaches.stacks.push(Reach::default());
                continue;
            };
            let reach = Reach::of(stack, model, &containers[index], &project.containers);
            reaches.names.extend(reach.names.keys().cloned());
            let mut ports = model.services.iter().flat_map(|service| &service.ports);
            if ports.any(|port| port.target == (443, 443) || port.published == Some((443, 443))) {
                reaches.encrypted.insert(stack.directory.clone());
            }
            reaches.stacks.push(reach);
        }
        reaches
    }

    /// The reach of a stack.
    pub fn stack(&self, stack: usize) -> Option<&Reach> {
        self.stacks.get(stack)
    }

    /// Whether a service of any stack answers to the name.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether a stack in the folder publishes port 443.
    pub fn is_encrypted(&self, folder: &str) -> bool {
        self.encrypted.contains(folder)
    }
}

impl Reach {
    fn of(stack: &Stack, model: &Compose, containers: &HashMap<usize, usize>, all: &[Container]) -> Reach {
        let hidden = stack.gaps.iter().any(|gap| matches!(gap.kind, GapKind::Include | GapKind::Extends));
        let mut reach = Reach { complete: !hidden && stack.basis != Basis::Fragment, ..Reach::default() };
        let by_name: HashMap<&str, usize> = model.services.iter().enumerate().filter_map(named).collect();
        let by_container: HashMap<&str, usize> = model.services.iter().enumerate().filter_map(called).collect();
        let networks: HashMap<&str, &Network> =
            model.networks.iter().map(|network| (network.name.value.as_str(), network)).collect();
        let mut segments: HashMap<String, usize> = HashMap::new();
        for (index, service) in model.services.iter().enumerate() {
            let joined = service.network_mode.as_ref().filter(|mode| !mode.value.is_empty());
            let namespace = match joined.map(|mode| (mode.known, mode.value.as_str())) {
                Some((false, _)) => Namespace::Unknown,
                Some((true, "host")) => Namespace::Host,
                Some((true, "none")) => Namespace::None,
                Some((true, mode)) => {
                    let service = mode.strip_prefix("service:").and_then(|name| by_name.get(name));
                    let container = mode.strip_prefix("container:").and_then(|name| by_container.get(name));
                    service.or(container).map_or(Namespace::Unknown, |&other| Namespace::Joined(other))
                }
                None => {
                    let named = service.networks.iter().map(|network| network.name.value.as_str());
                    let default = service.networks.is_empty().then_some(DEFAULT);
                    let on = named.chain(default).map(|name| reach.segment(&mut segments, &networks, name)).collect();
                    Namespace::Own(on)
                }
            };
            reach.places.push(Place { container: containers.get(&index).copied(), namespace });
            reach.name(index, service);
        }
        for index in 0..reach.places.len() {
            let owner = reach.owner(index);
            let (Some(owner), Some(container)) = (owner, reach.places[index].container) else { continue };
            let Namespace::Own(networks) = &reach.places[owner].namespace else { continue };
            let published = all[container].ports.iter().any(|port| port.reach.is_public() && port.target != (0, 0));
            let closed = !networks.is_empty() && networks.iter().all(|&network| reach.segments[network].internal);
            for network in networks.clone() {
                let segment = &mut reach.segments[network];
                segment.members.push(index);
                if published && !closed && segment.entrances.len() < MAX_ENTRANCES {
                    segment.entrances.push(index);
                }
            }
        }
        reach
    }

    /// The index of a network, which is added when it is new.
    fn segment(&mut self, known: &mut HashMap<String, usize>, networks: &HashMap<&str, &Network>, name: &str) -> usize {
        if let Some(&index) = known.get(name) {
            return index;
        }
        let network = networks.get(name);
        self.segments.push(Segment {
            name: name.to_owned(),
            internal: network.and_then(|network| network.internal).is_some_and(|internal| internal.value),
            // One that is not defined here may be what another file makes of it.
            external: network.map_or(name != DEFAULT, |network| network.external),
            members: Vec::new(),
            entrances: Vec::new(),
        });
        known.insert(name.to_owned(), self.segments.len() - 1);
        self.segments.len() - 1
    }

    /// Adds the names that a service answers to.
    fn name(&mut self, index: usize, service: &Service) {
        let own = service.name.iter().map(|name| name.value.as_str());
        let given = [&service.container_name, &service.hostname].into_iter().flatten().map(|name| name.value.as_str());
        let aliases = service.networks.iter().flat_map(|network| &network.aliases).map(String::as_str);
        for name in own.chain(given).chain(aliases) {
            let known = self.names.entry(name.to_ascii_lowercase()).or_default();
            if known.last() != Some(&index) {
                known.push(index);
            }
        }
    }

    /// The networks.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The container of a service, as an index into the project's.
    pub fn container(&self, service: usize) -> Option<usize> {
        self.places.get(service)?.container
    }

    /// The services that answer to a name.
    pub fn named(&self, name: &str) -> &[usize] {
        self.names.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The service whose network namespace a service is in: mostly its own. `None` where that is not in sight.
    pub fn owner(&self, service: usize) -> Option<usize> {
        let mut at = service;
        for _ in 0..MAX_HOPS {
            match self.places.get(at)?.namespace {
                Namespace::Joined(other) => at = other,
                Namespace::Unknown => return None,
                _ => return Some(at),
            }
        }
        None
    }

    /// The networks that a service is on; `None` where they are not in sight or the network is the host's.
    pub fn networks(&self, service: usize) -> Option<&[usize]> {
        match &self.places[self.owner(service)?].namespace {
            Namespace::Own(networks) => Some(networks),
            Namespace::None => Some(&[]),
            _ => None,
        }
    }

    /// Whether a service has the network of the host.
    pub fn on_host(&self, service: usize) -> bool {
        self.owner(service).is_some_and(|owner| self.places[owner].namespace == Namespace::Host)
    }

    /// Whether two services have a network in common.
    pub fn shared(&self, one: usize, other: usize) -> Shared {
        if let (Some(first), Some(second)) = (self.owner(one), self.owner(other))
            && first == second
        {
            return self
                .networks(first)
                .and_then(|networks| networks.first())
                .map_or(Shared::Unknown, |&network| Shared::Network(network));
        }
        let (Some(first), Some(second)) = (self.networks(one), self.networks(other)) else { return Shared::Unknown };
        if let Some(&network) = first.iter().take(MAX_NETWORKS).find(|network| second.contains(network)) {
            return Shared::Network(network);
        }
        let open = |networks: &[usize]| networks.iter().any(|&network| self.segments[network].external);
        if open(first) && open(second) { Shared::Unknown } else { Shared::Nothing }
    }

    /// Whether something that is not in sight can be on a network of the service.
    pub fn is_open(&self, service: usize) -> bool {
        match self.networks(service) {
            Some(networks) => networks.iter().any(|&network| self.segments[network].external),
            None => !self.on_host(service),
        }
    }
}

fn named((index, service): (usize, &Service)) -> Option<(&str, usize)> {
    Some((service.name.as_ref()?.value.as_str(), index))
}

fn called((index, service): (usize, &Service)) -> Option<(&str, usize)> {
    Some((service.container_name.as_ref()?.value.as_str(), index))
}

impl Project {
    /// The reach of the stack that a container runs in, and the index of its service in it.
    pub fn place(&self, container: &Container) -> Option<(&Reach, usize)> {
        match container.origin {
            Origin::Service { stack, service, .. } => Some((self.reaches.stack(stack)?, service)),
            Origin::Stage { .. } => None,
        }
    }

    /// The ports that lead to a container from outside of its stack: those of the service whose network it has. With the
    /// network of the host the engine ignores `ports`, and an internal network publishes nothing.
    pub fn published<'a>(&'a self, container: &'a Container) -> impl Iterator<Item = &'a Port> + use<'a> {
        let ports = self.place(container).and_then(|(reach, service)| {
            let owner = reach.owner(service).filter(|&owner| !reach.on_host(owner))?;
            let networks = reach.networks(owner)?;
            let closed = networks.iter().all(|&network| reach.segments()[network].internal);
            let owner = reach.container(owner).filter(|_| !closed)?;
            Some(&self.containers[owner].ports)
        });
        ports.into_iter().flatten().filter(|port| port.target != (0, 0))
    }

    /// Where the host's network is given to a container, by itself or through the service whose network it has.
    pub fn host_network(&self, container: &Container) -> Option<Span> {
        let (reach, service) = self.place(container)?;
        let owner = reach.owner(service).filter(|&owner| reach.on_host(owner))?;
        let model = self.model_of(container)?;
        Some(model.services.get(owner)?.network_mode.as_ref()?.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Kind, Source, Sources};

    fn project(compose: &str) -> Project {
        let mut sources = Sources::default();
        let mut source = Source::new("compose.yaml", compose);
        source.kind = Kind::Compose;
        sources.add(source);
        Project::build(&mut sources)
    }

    fn container<'a>(project: &'a Project, name: &str) -> &'a Container {
        project.containers.iter().find(|container| container.name == name).expect("the service is there")
    }

    const STACK: &str = "
services:
  edge: {image: nginx, ports: ['80:80'], networks: [front]}
  app: {image: acme/app, networks: {front: {aliases: [api]}, back: {}}}
  db: {image: postgres, networks: [back], ports: ['5432:5432']}
  lone: {image: acme/lone, ports: ['127.0.0.1:1:1']}
  vpn: {image: acme/vpn, ports: ['8080:8080']}
  client: {image: acme/client, network_mode: 'service:vpn'}
  follower: {image: acme/client, network_mode: 'container:the-vpn'}
  agent: {image: acme/agent, network_mode: host, ports: ['9100:9100']}
  other: {image: acme/other, networks: [world]}
  another: {image: acme/other, networks: [universe]}
  offline: {image: acme/other, network_mode: none}
  loop: {image: acme/other, network_mode: 'service:loop'}
networks:
  front:
  back: {internal: true}
  world: {external: true}
  universe: {external: true}
";

    #[test]
    fn services_meet_on_networks_and_in_joined_namespaces() {
        let project = project(STACK);
        let place = |name: &str| project.place(container(&project, name)).expect("a service has a place");
        let (reach, _) = place("edge");
        for (one, other, expected) in [
            ("edge", "app", Some("front")),
            ("app", "db", Some("back")),
            ("edge", "db", None),
            ("lone", "vpn", Some("default")),
            ("lone", "client", Some("default")),
            ("vpn", "client", Some("default")),
            ("edge", "offline", None),
            ("edge", "other", None),
        ] {
            let shared = match reach.shared(place(one).1, place(other).1) {
                Shared::Network(network) => Some(reach.segments()[network].name.as_str()),
                Shared::Nothing => None,
                Shared::Unknown => Some("unknown"),
            };
            assert_eq!(shared, expected, "{one} and {other}");
        }
        for (one, other) in [("other", "another"), ("edge", "follower"), ("loop", "edge"), ("agent", "edge")] {
            assert_eq!(reach.shared(place(one).1, place(other).1), Shared::Unknown, "{one} and {other}");
        }
        assert_eq!(reach.named("API"), [place("app").1]);
        assert!(reach.on_host(place("agent").1) && reach.is_open(place("other").1) && !reach.is_open(place("app").1));
        assert!(reach.complete);
    }

    #[test]
    fn a_port_leads_to_whoever_has_the_network_that_it_is_published_from() {
        let project = project(STACK);
        let ports = |name: &str| {
            let ports = project.published(container(&project, name));
            ports.map(|port| port.target.0).collect::<Vec<_>>()
        };
        for (name, expected) in
            [("edge", &[80][..]), ("client", &[8080]), ("db", &[]), ("agent", &[]), ("lone", &[1]), ("loop", &[])]
        {
            assert_eq!(ports(name), expected, "{name}");
        }
        assert!(project.host_network(container(&project, "agent")).is_some());
        assert!(project.host_network(container(&project, "edge")).is_none());
        let (reach, edge) = project.place(container(&project, "edge")).expect("a service has a place");
        let entrances = |name: &str| {
            let segment = reach.segments().iter().find(|segment| segment.name == name);
            segment.map(|segment| segment.entrances.clone()).unwrap_or_default()
        };
        assert_eq!(entrances("front"), [edge]);
        assert_eq!(entrances("back"), [] as [usize; 0]);
    }
}
