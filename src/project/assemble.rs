//! From the services of stacks and the stages of Dockerfiles to containers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::link::Linker;
use super::stacks::{self, Gap, GapKind, GapReason};
use super::{environment, facts, nodes, path};
use crate::container::facet::Scope;
use crate::container::{
    BuiltFrom, Container, DocumentId, Env, Environment, Image, ImagePlace, Marked, Mount, Origin, Port, Reach, known,
};
use crate::limit::{Exceeded, SERVICES, SERVICES_OF_ALL, SHARED_DOCKERFILES, SHARED_VARIABLES};
use crate::source::{Kind, Span, Spanned};
use crate::syntax::Document;
use crate::syntax::compose::{self, MountKind, Network, Scalar, Service};
use crate::syntax::dockerfile::{Base, Dockerfile, evaluate};

/// The option of a bridge network that sets the address for ports that name none (the engine's bridge driver).
const HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";

/// What a service builds.
#[derive(Clone)]
struct Build {
    document: DocumentId,
    stage: usize,
    context: String,
    args: Arc<[BuildArg]>,
}

/// A build argument: its name, its value unless that comes from outside, and where it stands.
type BuildArg = (String, Option<String>, Span);

/// A document, a stage, a context and the build arguments with their places.
pub(super) type BuildKey = (DocumentId, usize, String, Arc<[BuildArg]>);

/// A service whose container is not made yet.
struct Waiting {
    stack: usize,
    service: usize,
    built: Option<Build>,
    /// The name of its image, with the tag.
    image: Option<String>,
    env_files: Vec<DocumentId>,
    open_environment: bool,
}

/// A container for every service of every stack.
pub(super) fn services(linker: &mut Linker) -> Vec<Container> {
    // What builds an image, in a stack and in the whole repository.
    let mut in_stack: HashMap<(usize, String), Build> = HashMap::new();
    let mut anywhere: HashMap<String, (bool, Build)> = HashMap::new();
    let mut waiting = Vec::new();
    for stack in 0..linker.stacks.len() {
        let count = linker.model(stack).map_or(0, |model| model.services.len());
        for service in 0..count {
            let limits = [(service, &SERVICES), (waiting.len(), &SERVICES_OF_ALL)];
            if let Some((_, limit)) = limits.into_iter().find(|(known, limit)| !limit.holds(known + 1)) {
                let span = linker.service(stack, service).and_then(|service| service.span);
                linker.exceeded.extend(span.map(|span| Exceeded { span, limit }));
                break;
            }
            let built = build_of(linker, stack, service);
            let (env_files, open_environment) = env_files(linker, stack, service);
            let image = linker.service(stack, service).and_then(|service| service.image.as_ref());
            let image = image.and_then(|image| nodes::tagged_name(&image.value));
            if let (Some(built), Some(image)) = (&built, &image) {
                in_stack.entry((stack, image.clone())).or_insert_with(|| built.clone());
                let live = linker.stacks[stack].environment.environment.is_live();
                let known = anywhere.entry(image.clone()).or_insert_with(|| (live, built.clone()));
                if live && !known.0 {
                    *known = (live, built.clone());
                }
            }
            waiting.push(Waiting { stack, service, built, image, env_files, open_environment });
        }
    }
    let linker = &*linker;
    let mut containers = Vec::with_capacity(waiting.len());
    let mut networks: (Option<usize>, HashMap<&str, &Network>) = (None, HashMap::new());
    for mut service in waiting {
        // The services of a stack follow each other.
        if networks.0 != Some(service.stack) {
            let all = linker.model(service.stack).into_iter().flat_map(|model| model.networks.iter().rev());
            networks = (Some(service.stack), all.map(|it| (it.name.value.as_str(), it)).collect());
        }
        service.built = service.built.or_else(|| {
            let image = service.image.as_ref()?;
            let elsewhere = || anywhere.get(image).map(|(_, built)| built.clone());
            in_stack.get(&(service.stack, image.clone())).cloned().or_else(elsewhere)
        });
        containers.extend(container_of(linker, service, &networks.1));
    }
    containers
}

/// Notes something that a service refers to and that is not in sight.
fn gap(linker: &mut Linker, stack: usize, gap: Gap) {
    let gaps = &mut linker.stacks[stack].gaps;
    let known = linker.known_gaps.entry(stack).or_insert_with(|| gaps.iter().cloned().collect());
    if known.insert(gap.clone()) {
        gaps.push(gap);
    }
}

/// The Dockerfile and the stage that a service builds.
fn build_of(linker: &mut Linker, stack: usize, service: usize) -> Option<Build> {
    let model = linker.service(stack, service)?;
    let build = model.build.as_ref()?;
    let inline = build.dockerfile_inline.as_ref().map(|inline| inline.text().clone());
    let name = model.name.as_ref().map(|name| name.value.clone());
    let place = build.span.or(model.span)?;
    let written = |scalar: &Option<Scalar>, default: &str| {
        let scalar = scalar.as_ref();
        let value = scalar.map(|scalar| scalar.value.as_str()).filter(|value| !value.is_empty()).unwrap_or(default);
        (value.to_owned(), scalar.is_none_or(|scalar| scalar.known), scalar.map_or(place, |scalar| scalar.span))
    };
    let (context, context_known, context_span) = written(&build.context, ".");
    let (dockerfile, dockerfile_known, dockerfile_span) = written(&build.dockerfile, "Dockerfile");
    let target = build.target.as_ref().map(|target| (target.value.clone(), target.span, target.known));
    let args = build.args.iter().filter(|arg| arg.value.as_ref().is_none_or(|value| value.known));
    let args: Arc<[BuildArg]> = args
        .map(|arg| (arg.key.value.clone(), arg.value.as_ref().map(|value| value.value.clone()), arg.span))
        .collect();
    let named = build.dockerfile.is_some();
    let directory = linker.stacks[stack].directory_of(context_span.file).to_owned();
    let missing = |span, target: &str, why| {
        let (service, target) = (name.clone(), target.to_owned());
        Gap { kind: GapKind::Build, span, service, target, why }
    };
    if !context_known || !dockerfile_known {
        let (span, target) = if context_known { (dockerfile_span, &dockerfile) } else { (context_span, &context) };
        gap(linker, stack, missing(span, target, GapReason::Variable));
        return None;
    }
    if stacks::is_remote(&context) {
        gap(linker, stack, missing(context_span, &context, GapReason::Remote));
        return None;
    }
    let Some(mut context_path) = path::join(&directory, &context) else {
        gap(linker, stack, missing(context_span, &context, GapReason::Outside));
        return None;
    };
    let id = match inline {
        Some(text) => linker.embedded(&text, Kind::Dockerfile, "built by a Compose service")?,
        None => {
            let Some(mut path) = path::join(&context_path, &dockerfile) else {
                gap(linker, stack, missing(dockerfile_span, &dockerfile, GapReason::Outside));
                return None;
            };
            if !linker.sources.exists(&path)
                && let Some(found) = started_above(linker, stack, &context, &dockerfile)
            {
                (context_path, path) = found;
            }
            match linker.find_document(&path, Kind::Dockerfile, "built by a Compose service") {
                Ok(id) => id,
                Err(error) => {
                    let span = if named { dockerfile_span } else { context_span };
                    gap(linker, stack, missing(span, &path, stacks::reason(&error)));
                    return None;
                }
            }
        }
    };
    let Document::Dockerfile(dockerfile) = &linker.documents[id] else { return None };
    let stage = match target.filter(|(target, ..)| !target.is_empty()) {
        Some((target, span, known)) => {
            let found = dockerfile.stage_by_name(&target).or_else(|| target.parse().ok());
            let Some(found) = found.filter(|stage| *stage < dockerfile.stages.len()) else {
                let why = if known { GapReason::Undefined } else { GapReason::Variable };
                gap(linker, stack, missing(span, &target, why));
                return None;
            };
            found
        }
        None => dockerfile.shipped()?,
    };
    (stage < dockerfile.stages.len()).then_some(Build { document: id, stage, context: context_path, args })
}

/// The context and the Dockerfile of a build that is not where its paths lead, seen from the nearest folder that has it: a
/// file that Compose does not look for by itself is often made to be started, or copied, somewhere else.
fn started_above(linker: &Linker, stack: usize, context: &str, dockerfile: &str) -> Option<(String, String)> {
    let first = linker.path(*linker.stacks[stack].files.first()?);
    if stacks::DEFAULTS.contains(&path::file_name(first)) || context.starts_with('/') {
        return None;
    }
    let mut bare = context;
    while let Some(rest) = bare.strip_prefix("../").or_else(|| bare.strip_prefix("./")) {
        bare = rest;
    }
    if matches!(bare, "" | "." | "..") {
        return None;
    }
    let mut folder = path::directory(first);
    loop {
        let found = path::join(folder, bare);
        let found = found.and_then(|context| path::join(&context, dockerfile).map(|path| (context, path)));
        if let Some(found) = found.filter(|(_, path)| linker.sources.exists(path)) {
            return Some(found);
        }
        if folder.is_empty() {
            return None;
        }
        folder = path::directory(folder);
    }
}

/// The files of a service's `env_file`, and whether there are more that are not in sight.
fn env_files(linker: &mut Linker, stack: usize, service: usize) -> (Vec<DocumentId>, bool) {
    let Some(model) = linker.service(stack, service) else { return (Vec::new(), false) };
    if model.env_file.is_empty() {
        return (Vec::new(), false);
    }
    let name = model.name.as_ref().map(|name| name.value.clone());
    let files: Vec<(String, bool, Span, bool)> = model
        .env_file
        .iter()
        .map(|file| (file.path.value.clone(), file.path.known, file.path.span, file.required))
        .collect();
    let mut found = Vec::new();
    let mut open = false;
    for (target, known, span, required) in files {
        let directory = linker.stacks[stack].directory_of(span.file).to_owned();
        let document = match path::join(&directory, &target) {
            _ if !known => Err(GapReason::Variable),
            _ if stacks::is_remote(&target) => Err(GapReason::Remote),
            None => Err(GapReason::Outside),
            Some(path) => linker
                .find_document(&path, Kind::Dotenv, "`env_file` of a service")
                .map_err(|error| stacks::reason(&error)),
        };
        match document {
            Ok(document) => found.push(document),
            Err(why) => {
                open = true;
                // A file that need not be there is none of the repository's business.
                if required || why != GapReason::Missing {
                    let service = name.clone();
                    gap(linker, stack, Gap { kind: GapKind::EnvFile, span, service, target, why });
                }
            }
        }
    }
    (found, open)
}

fn container_of(linker: &Linker, waiting: Waiting, networks: &HashMap<&str, &Network>) -> Option<Container> {
    let Waiting { stack: stack_index, service: index, built, env_files, open_environment, .. } = waiting;
    let stack = &linker.stacks[stack_index];
    let model = linker.model(stack_index)?;
    let service = model.services.get(index)?;
    let name = service.name.clone()?;
    let document = linker.document_of(name.span.file)?;
    let built = built.and_then(|build| built_from(linker, build, name.span));
    let image = match (&built, &service.image) {
        (Some(built), _) => base_image(built),
        (None, Some(image)) => {
            let document = linker.document_of(image.span.file).unwrap_or(document);
            let scope =
                Scope { document, stage: None, container: None, path: format!("services.{}", name.value).into() };
            let variable = image.template.has_variables();
            let text = image.value.clone();
            Some(facts::image(scope, ImagePlace::Service, image.span, text, image.known, variable))
        }
        (None, None) => None,
    };
    let whole = service.image.is_some() || service.build.is_some() || service.uncommon.provider.is_some();
    let partial = !whole || stack.unextended.contains(&name.value);
    let known = image.as_ref().filter(|image| image.known).and_then(known::lookup);
    let facts = facts::Facts {
        service: Some(service),
        dockerfile: built.as_ref().and_then(|built| linker.dockerfile(built.document)),
        built: built.as_deref(),
        unbuilt: service.build.is_some() && built.is_none(),
        image: image.as_ref(),
        known,
        partial,
        span: name.span,
    };
    let profiles: Vec<Spanned<String>> =
        service.profiles.iter().map(|profile| Spanned::new(profile.value.clone(), profile.span)).collect();
    let env = service_variables(linker, stack, service, built.as_deref(), &env_files);
    let of_stack = Some(&stack.environment).filter(|mark| mark.environment != Environment::Unmarked).cloned();
    let by_profiles = environment::by_profiles(profiles.iter());
    // A profile that is active in a stack runs where the stack does.
    let (first, second) = if stack.profiles.is_some() { (of_stack, by_profiles) } else { (by_profiles, of_stack) };
    let environment = first
        .or(second)
        .or_else(|| by_env(&env))
        .or_else(|| stacks::by_dotenv(stack))
        .unwrap_or_else(|| stack.environment.clone());
    Some(Container {
        user: facts.user(),
        healthcheck: facts.healthcheck(),
        ports: ports(networks, service),
        mounts: service.mounts.iter().map(|it| mount(it, stack.directory_of(it.span.file))).collect(),
        env,
        origin: Origin::Service { document, stack: stack_index, service: index },
        span: name.span,
        name: name.value,
        partial,
        open_environment,
        profiles,
        environment,
        built,
        context: None,
        image,
        known,
        command: None,
        processes: Vec::new(),
        supervisors: Vec::new(),
        servers: Vec::new(),
        configs: Vec::new(),
    })
}

/// The environment that a container's variables tell its processes that they run in.
fn by_env(env: &[Env]) -> Option<Marked> {
    let marked = environment::by_variables(|name| {
        let env = env.iter().find(|env| env.name.value == name && env.known)?;
        Some(Spanned::new(env.value.as_ref()?.value.clone(), env.span))
    });
    marked.map(|marked| Marked { own: true, ..marked })
}

/// The image's ENV, on top of it the files of `env_file`, and on top of those the service's `environment`.
fn service_variables(
    linker: &Linker,
    stack: &stacks::Stack,
    service: &Service,
    built: Option<&BuiltFrom>,
    env_files: &[DocumentId],
) -> Vec<Env> {
    let shares = |count| {
        let place = service.name.as_ref().map(|name| name.span).or(service.span);
        place.is_none_or(|place| linker.shared.take(count, &SHARED_VARIABLES, place))
    };
    let built = built.filter(|built| shares(built.config.env.len()));
    let mut variables = built.map(stage_variables).unwrap_or_default();
    for &file in env_files {
        let Document::Dotenv(dotenv) = &linker.documents[file] else { continue };
        if !shares(dotenv.entries.len()) {
            continue;
        }
        let given = dotenv.entries.iter().filter(|entry| entry.value.is_some());
        given.for_each(|entry| variables.put(nodes::dotenv_env(file, entry)));
    }
    let scope = nodes::service_scope(service);
    for pair in &service.environment {
        let document = linker.document_of(pair.span.file).unwrap_or_default();
        let mut env = nodes::service_env(Scope { document, ..scope.clone() }, pair);
        if env.value.is_none() {
            // A name alone is taken from the environment of Compose, of which the `.env` is a part.
            let variable = stack.variables.get(&env.name.value);
            let value = variable.and_then(|variable| linker.growth.value(variable));
            env.value = value.map(|value| Spanned::new(value, env.span));
        }
        variables.put(env);
    }
    variables.into_envs()
}

/// The ports of a service. Where no address is written, a network can set the one that is bound to.
fn ports(networks: &HashMap<&str, &Network>, service: &Service) -> Vec<Port> {
    let mut ports: Vec<Port> = service.ports.iter().map(Port::from_compose).collect();
    let binding = |name: &str| {
        let network = networks.get(name)?;
        let binding = network.driver_opts.iter().find(|option| option.key.value == HOST_BINDING)?;
        Some(match binding.value.as_ref().filter(|address| address.known) {
            Some(address) => Reach::of(&address.value),
            None => Reach::Unknown,
        })
    };
    let names = service.networks.iter().map(|network| network.name.value.as_str());
    let default = service.networks.is_empty().then_some("default");
    // Which of several networks the port is published through is the engine's choice: all have to say the same.
    let mut bindings = names.chain(default).map(binding);
    if let Some(Some(first)) = bindings.next()
        && bindings.all(|other| other == Some(first))
    {
        for port in ports.iter_mut().filter(|port| port.host_ip.is_none()) {
            port.reach = first;
        }
    }
    ports
}

/// What a build makes of the Dockerfile, for the container at `place`.
fn built_from(linker: &Linker, build: Build, place: Span) -> Option<Arc<BuiltFrom>> {
    let Build { document, stage, context, args } = build;
    let dockerfile = linker.dockerfile(document)?;
    let size = linker.sources.get(dockerfile.file).text.len();
    let key = (document, stage, context, args);
    let known = linker.built.borrow().get(&key).cloned();
    // What is built once costs what reading it does.
    let again = !linker.built_once.borrow_mut().insert(document);
    let cost = if known.is_some() { size } else { 5 * size };
    if again && !linker.shared.take(cost, &SHARED_DOCKERFILES, place) {
        return None;
    }
    if known.is_some() {
        return known;
    }
    let (_, _, context, args) = &key;
    let config = evaluate(dockerfile, stage, args);
    let reachable = dockerfile.reachable_with(stage, args);
    let built =
        Arc::new(BuiltFrom { document, stage, context: context.clone(), reachable, config, contents: OnceLock::new() });
    linker.built.borrow_mut().insert(key, built.clone());
    Some(built)
}

/// The image at the end of a chain of stages; none below `FROM scratch`.
fn base_image(built: &BuiltFrom) -> Option<Image> {
    let first = *built.config.chain.first()?;
    let scope = Scope { document: built.document, stage: Some(first), container: None, path: Arc::default() };
    match &built.config.base {
        Base::Scratch => None,
        Base::Image(image) => {
            let variable = !image.used().is_empty() || !image.unresolved().is_empty();
            let known = image.is_known();
            Some(facts::image(scope, ImagePlace::From, image.span, image.value.clone(), known, variable))
        }
    }
}

fn mount(mount: &compose::Mount, directory: &str) -> Mount {
    let source = mount.source.as_ref().map(|source| source.value.clone());
    let bind = source.as_deref().filter(|_| mount.kind == MountKind::Bind);
    Mount {
        span: mount.span,
        kind: mount.kind,
        repository_path: bind.and_then(|source| path::join(directory, source)),
        open: mount.source.as_ref().is_some_and(|source| !source.known),
        target: mount.target.as_ref().map(|target| path::absolute("/", &target.value)),
        read_only: mount.read_only,
        options: mount.options.clone(),
        source,
    }
}

/// The variables that processes start with, each name once: a later one of the same name takes the place of the earlier.
#[derive(Default)]
struct Variables {
    envs: Vec<Env>,
    places: HashMap<String, usize>,
}

impl Variables {
    fn put(&mut self, env: Env) {
        match self.places.get(&env.name.value) {
            Some(&place) => self.envs[place] = env,
            None => {
                self.places.insert(env.name.value.clone(), self.envs.len());
                self.envs.push(env);
            }
        }
    }

    fn into_envs(mut self) -> Vec<Env> {
        self.envs.shrink_to_fit();
        self.envs
    }
}

/// The ENV of an image.
fn stage_variables(built: &BuiltFrom) -> Variables {
    let mut variables = Variables::default();
    built.config.env.iter().for_each(|entry| variables.put(nodes::dockerfile_env(built.document, entry)));
    variables
}

/// A container for every shipped stage that no service builds: what a live service builds of a Dockerfile is what ships
/// of it, and else its last stage does.
pub(super) fn stages(linker: &Linker, containers: &mut Vec<Container>) {
    let mut taken: HashSet<(DocumentId, usize)> = HashSet::new();
    for container in containers.iter() {
        if let Some(built) = &container.built {
            let live = container.environment.environment.is_live();
            let last = linker.dockerfile(built.document).and_then(Dockerfile::shipped).filter(|_| live);
            taken.extend([Some(built.stage), last].into_iter().flatten().map(|stage| (built.document, stage)));
        }
    }
    for document in 0..linker.documents.len() {
        let Some(dockerfile) = linker.dockerfile(document) else { continue };
        let Some(stage) = dockerfile.shipped().filter(|stage| !taken.contains(&(document, *stage))) else {
            continue;
        };
        let stage_name = dockerfile.stages[stage].name.as_ref().map(|name| name.value.as_str());
        let marked = stage_environment(linker, document, stage_name);
        let context = path::directory(linker.path(document)).to_owned();
        let build = Build { document, stage, context, args: Arc::default() };
        let from = &dockerfile.instructions[dockerfile.stages[stage].from];
        let Some(built) = built_from(linker, build, from.span) else { continue };
        let image = base_image(&built);
        let known = image.as_ref().filter(|image| image.known).and_then(known::lookup);
        let env = stage_variables(&built).into_envs();
        let evident = Some(&env).filter(|_| marked.environment == Environment::Unmarked).and_then(|env| by_env(env));
        let environment = evident.unwrap_or(marked);
        let facts = facts::Facts {
            service: None,
            dockerfile: Some(dockerfile),
            built: Some(&built),
            unbuilt: false,
            image: image.as_ref(),
            known,
            partial: false,
            span: from.span,
        };
        containers.push(Container {
            user: facts.user(),
            healthcheck: facts.healthcheck(),
            name: stage_container_name(linker, document, stage_name),
            origin: Origin::Stage { document, stage },
            span: from.span,
            partial: false,
            open_environment: false,
            profiles: Vec::new(),
            environment,
            ports: Vec::new(),
            mounts: Vec::new(),
            env,
            built: Some(built),
            context: None,
            image,
            known,
            command: None,
            processes: Vec::new(),
            supervisors: Vec::new(),
            servers: Vec::new(),
            configs: Vec::new(),
        });
    }
}

/// The stage's name, else the part of the file name that tells Dockerfiles apart, else the folder's name.
fn stage_container_name(linker: &Linker, document: DocumentId, stage: Option<&str>) -> String {
    let path = linker.path(document);
    let file = path::file_name(path);
    let part = ["Dockerfile.", "Containerfile."].iter().find_map(|prefix| file.strip_prefix(prefix));
    let part = part.or_else(|| file.strip_suffix(".Dockerfile")).or_else(|| file.strip_suffix(".dockerfile"));
    let folder = path::file_name(path::directory(path));
    let name = stage.or(part).unwrap_or(folder);
    if name.is_empty() { file.to_owned() } else { name.to_owned() }
}

fn stage_environment(linker: &Linker, document: DocumentId, stage: Option<&str>) -> Marked {
    let mark = &linker.marks[document];
    match stage.and_then(environment::by_name) {
        Some((environment, _)) if mark.environment == Environment::Unmarked => {
            Marked::new(environment, format!("stage name `{}`", stage.unwrap_or_default()))
        }
        _ => mark.clone(),
    }
}
