//! Joins the documents: which service builds which stage, what that makes of a container, and which configs run in it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::{Failure, Project, StageNode, environment, facts, include, nodes, path, process, read, references};
use crate::command::Effective;
use crate::config::Files;
use crate::container::facet::Scope;
use crate::container::{
    BuiltFrom, Container, DocumentId, Env, Environment, Image, ImagePlace, Marked, Mount, Origin, Port, Reach, known,
};
use crate::source::{FileId, Kind, ReadError, Sources, Span};
use crate::syntax::Document;
use crate::syntax::compose::{MountKind, Service};
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

/// The documents while they are joined; files that they refer to are read when they are needed.
pub(super) struct Linker<'a> {
    pub sources: &'a mut Sources,
    /// What the `confscan.toml` files say.
    pub settings: &'a Files,
    pub documents: Vec<Document>,
    pub marks: Vec<Marked>,
    pub failures: Vec<Failure>,
    /// The nginx configs that land in containers.
    pub placed: Vec<include::Placed>,
    /// What scripts of the repository run, by their files and, in a `package.json`, their names: many containers may
    /// start the same one.
    pub scripts: HashMap<(FileId, String), Option<Arc<Effective>>>,
    /// The scripts of the `package.json` files that were read.
    pub packages: HashMap<FileId, HashMap<String, String>>,
    by_path: HashMap<String, DocumentId>,
    /// The folders that the paths of Compose files start at, where another file includes them with one of its own.
    project_directories: HashMap<DocumentId, String>,
    /// The supervisord and nginx configs by path.
    configs: BTreeMap<String, Kind>,
    /// What stages make of images, so that services that build the same share it.
    built: RefCell<HashMap<BuildKey, Arc<BuiltFrom>>>,
    /// Services whose build arguments were looked at: see [`MAX_ARGUED`].
    argued: Cell<usize>,
}

/// A document, a stage, a context and the build arguments with their places.
type BuildKey = (DocumentId, usize, String, Arc<[BuildArg]>);

/// Services that are graded with their own build arguments. Each costs what its Dockerfile makes; the rest of a file with
/// more is graded with the defaults.
const MAX_ARGUED: usize = 1_000;

impl<'a> Linker<'a> {
    /// Starts with the documents of every file that is in `sources`, sorted by path.
    pub fn new(sources: &'a mut Sources, settings: &'a Files) -> Self {
        let (mut documents, failures) = read::parse_all(sources);
        documents.sort_by(|a, b| sources.get(a.file()).path.cmp(&sources.get(b.file()).path));
        let mut linker = Linker {
            sources,
            settings,
            documents: Vec::new(),
            marks: Vec::new(),
            failures,
            placed: Vec::new(),
            scripts: HashMap::new(),
            packages: HashMap::new(),
            by_path: HashMap::new(),
            project_directories: HashMap::new(),
            configs: BTreeMap::new(),
            built: RefCell::default(),
            argued: Cell::new(0),
        };
        for document in documents {
            linker.add(document);
        }
        linker.read_references();
        linker.project_directories = linker.project_directories();
        linker
    }

    /// Reads what the Compose files refer to, and what that refers to.
    fn read_references(&mut self) {
        let mut next = 0;
        while let Some(document) = self.documents.get(next) {
            if let Document::Compose(compose) = document {
                for reference in references::of_compose(compose, path::directory(self.path(next))) {
                    self.document(&reference.path, reference.kind, reference.why);
                }
            }
            next += 1;
        }
    }

    fn add(&mut self, document: Document) -> DocumentId {
        let id = self.documents.len();
        let source = self.sources.get(document.file());
        let comment = comments(&document).iter().find_map(|span| environment::by_comment(source.slice(*span)));
        let settled = comment.or_else(|| self.settings.environment(&source.path));
        self.marks.push(settled.unwrap_or_else(|| environment::by_path(&source.path)));
        if matches!(source.kind, Kind::Nginx | Kind::Supervisor) {
            self.configs.insert(source.path.clone(), source.kind);
        }
        self.by_path.insert(source.path.clone(), id);
        self.documents.push(document);
        id
    }

    /// The document at `path`, read now when the walk did not take it. A file that the walk took for another kind stays
    /// what it is.
    pub fn document(&mut self, path: &str, kind: Kind, why: &str) -> Option<DocumentId> {
        if let Some(&id) = self.by_path.get(path) {
            return Some(id);
        }
        if self.sources.find(path).is_some() {
            return None;
        }
        let file = match self.sources.load(path, kind, why) {
            Ok(file) => file,
            Err(error @ (ReadError::TooLarge { .. } | ReadError::Io(_))) => {
                self.sources.skip(path, error.to_string(), true);
                return None;
            }
            Err(_) => return None,
        };
        match read::parse(file, self.sources.get(file)) {
            Ok(document) => document.map(|document| self.add(document)),
            Err(failure) => {
                self.failures.push(failure);
                None
            }
        }
    }

    /// The document of a file that was read.
    pub fn known_document(&self, path: &str) -> Option<DocumentId> {
        self.by_path.get(path).copied()
    }

    /// The supervisord and nginx configs below a folder: path, what is left of it below that folder, and which it is.
    pub fn configs_below<'s>(&'s self, folder: &str) -> impl Iterator<Item = (&'s str, &'s str, Kind)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.configs.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let skip = prefix.len();
        from.take_while(move |(path, _)| path.starts_with(&prefix))
            .map(move |(path, kind)| (path.as_str(), &path[skip..], *kind))
    }

    /// What `include` with a `project_directory` says of other Compose files.
    fn project_directories(&self) -> HashMap<DocumentId, String> {
        let mut directories = HashMap::new();
        for document in &self.documents {
            let Document::Compose(compose) = document else { continue };
            let from = path::directory(&self.sources.get(compose.file).path);
            for include in &compose.include {
                let Some(directory) = include.project_directory.as_ref().filter(|directory| directory.known) else {
                    continue;
                };
                let Some(directory) = path::join(from, &directory.value) else { continue };
                let paths = include.paths.iter().filter(|path| path.known);
                let included = paths.filter_map(|file| self.by_path.get(&path::join(from, &file.value)?));
                directories.extend(included.map(|&id| (id, directory.clone())));
            }
        }
        directories
    }

    /// The folder that the paths in a Compose file start at.
    fn base_directory(&self, document: DocumentId) -> &str {
        match self.project_directories.get(&document) {
            Some(directory) => directory,
            None => path::directory(self.path(document)),
        }
    }

    /// The path of a document's file.
    pub fn path(&self, id: DocumentId) -> &str {
        &self.sources.get(self.documents[id].file()).path
    }

    /// Joins everything.
    pub fn link(mut self) -> Project {
        let mut containers = self.services();
        self.stages(&mut containers);
        let mut owners = vec![Vec::new(); self.documents.len()];
        for (index, container) in containers.iter_mut().enumerate() {
            process::attach(&mut self, container, index);
            owners.resize(self.documents.len(), Vec::new());
            let (Origin::Service { document, .. } | Origin::Stage { document, .. }) = container.origin;
            let built = container.built.as_ref().map(|built| built.document);
            let parts = [document].into_iter().chain(built).chain(container.supervisors.iter().copied());
            for part in parts.chain(container.servers.iter().copied()) {
                if owners[part].last() != Some(&index) {
                    owners[part].push(index);
                }
            }
        }
        let stages = stage_nodes(&self.documents, &containers);
        let refused = read::refused(self.sources, &self.documents);
        let includes = include::Includes::resolve(&self.documents, self.sources, &self.placed, self.settings);
        let mut project = Project {
            includes,
            documents: self.documents,
            marks: self.marks,
            owners,
            containers,
            stages,
            refused,
            failures: self.failures,
            ..Project::default()
        };
        project.find_environments();
        nodes::collect(&mut project);
        project
    }

    /// A container for every service.
    fn services(&mut self) -> Vec<Container> {
        let mut containers = Vec::new();
        // What builds an image, in a file and in the whole repository.
        let mut in_file: HashMap<(DocumentId, String), Build> = HashMap::new();
        let mut anywhere: HashMap<String, (bool, Build)> = HashMap::new();
        let mut waiting = Vec::new();
        for document in 0..self.documents.len() {
            let Document::Compose(compose) = &self.documents[document] else { continue };
            let count = compose.services.len();
            for service in 0..count {
                let built = self.build_of(document, service);
                let service_model = self.service(document, service);
                let image = service_model.and_then(|service| service.image.as_ref());
                let image = image.and_then(|image| nodes::tagged_name(&image.value));
                if let (Some(built), Some(image)) = (&built, &image) {
                    in_file.entry((document, image.clone())).or_insert_with(|| built.clone());
                    let live = self.marks[document].environment.is_live();
                    let known = anywhere.entry(image.clone()).or_insert_with(|| (live, built.clone()));
                    if live && !known.0 {
                        *known = (live, built.clone());
                    }
                }
                waiting.push((document, service, built, image));
            }
        }
        for (document, service, built, image) in waiting {
            let built = built.or_else(|| {
                let image = image?;
                let elsewhere = || anywhere.get(&image).map(|(_, built)| built.clone());
                in_file.get(&(document, image.clone())).cloned().or_else(elsewhere)
            });
            if let Some(container) = self.container_of_service(document, service, built) {
                containers.push(container);
            }
        }
        containers
    }

    fn service(&self, document: DocumentId, service: usize) -> Option<&Service> {
        match &self.documents[document] {
            Document::Compose(compose) => compose.services.get(service),
            _ => None,
        }
    }

    /// The Dockerfile and the stage that a service builds.
    fn build_of(&mut self, document: DocumentId, service: usize) -> Option<Build> {
        let build = self.service(document, service)?.build.as_ref()?;
        if build.dockerfile_inline.is_some() {
            return None;
        }
        let context = build.context.as_ref().map_or(".", |context| context.value.as_str()).to_owned();
        let dockerfile = build.dockerfile.as_ref().map_or("Dockerfile", |file| file.value.as_str()).to_owned();
        let target = build.target.as_ref().map(|target| target.value.clone());
        let args = build.args.iter().filter(|arg| arg.value.as_ref().is_none_or(|value| value.known));
        let args: Arc<[BuildArg]> = args
            .map(|arg| (arg.key.value.clone(), arg.value.as_ref().map(|value| value.value.clone()), arg.span))
            .collect();
        let context = path::join(self.base_directory(document), &context)?;
        let path = path::join(&context, &dockerfile)?;
        let id = self.document(&path, Kind::Dockerfile, "built by a Compose service")?;
        let Document::Dockerfile(dockerfile) = &self.documents[id] else { return None };
        let stage = match target.filter(|target| !target.is_empty()) {
            Some(target) => dockerfile.stage_by_name(&target).or_else(|| target.parse().ok())?,
            None => dockerfile.shipped()?,
        };
        (stage < dockerfile.stages.len()).then_some(Build { document: id, stage, context, args })
    }

    fn container_of_service(&self, document: DocumentId, index: usize, built: Option<Build>) -> Option<Container> {
        let service = self.service(document, index)?;
        let name = service.name.clone()?;
        let built = built.and_then(|build| self.built_from(build));
        let scope = Scope { document, stage: None, container: None, path: format!("services.{}", name.value) };
        let image = match (&built, &service.image) {
            (Some(built), _) => self.base_image(built),
            (None, Some(image)) => {
                let text = image.value.clone();
                let variable = image.template.has_variables();
                Some(facts::image(scope, ImagePlace::Service, image.span, text, image.known, variable))
            }
            (None, None) => None,
        };
        let partial = (service.image.is_none() && service.build.is_none()) || service.extends.is_some();
        let known = image.as_ref().filter(|image| image.known).and_then(known::lookup);
        let base_directory = self.base_directory(document).to_owned();
        let marked = environment::by_profiles(service.profiles.iter().map(|profile| profile.value.as_str()))
            .unwrap_or_else(|| self.marks[document].clone());
        let facts = facts::Facts {
            service: Some(service),
            dockerfile: built.as_ref().and_then(|built| self.dockerfile(built.document)),
            built: built.as_deref(),
            unbuilt: service.build.is_some() && built.is_none(),
            image: image.as_ref(),
            known,
            partial,
            span: name.span,
        };
        Some(Container {
            user: facts.user(),
            healthcheck: facts.healthcheck(),
            ports: self.ports(document, service),
            mounts: service.mounts.iter().map(|mount| self.mount(mount, &base_directory)).collect(),
            env: self.environment(built.as_deref(), document, Some(service)),
            origin: Origin::Service { document, service: index },
            span: name.span,
            name: name.value,
            partial,
            environment: marked,
            built,
            image,
            known,
            processes: Vec::new(),
            supervisors: Vec::new(),
            servers: Vec::new(),
            configs: Vec::new(),
        })
    }

    /// The ports of a service. Where no address is written, a network can set the one that is bound to.
    fn ports(&self, document: DocumentId, service: &Service) -> Vec<Port> {
        let mut ports: Vec<Port> = service.ports.iter().map(Port::from_compose).collect();
        let Document::Compose(compose) = &self.documents[document] else { return ports };
        let binding = |name: &str| {
            let network = compose.networks.iter().find(|network| network.name.value == name)?;
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

    fn dockerfile(&self, id: DocumentId) -> Option<&Dockerfile> {
        match &self.documents[id] {
            Document::Dockerfile(dockerfile) => Some(dockerfile),
            _ => None,
        }
    }

    fn built_from(&self, build: Build) -> Option<Arc<BuiltFrom>> {
        let Build { document, stage, context, mut args } = build;
        let dockerfile = self.dockerfile(document)?;
        if !args.is_empty() {
            self.argued.set(self.argued.get() + 1);
            if self.argued.get() > MAX_ARGUED {
                args = Arc::default();
            }
        }
        let key = (document, stage, context, args);
        if let Some(built) = self.built.borrow().get(&key) {
            return Some(built.clone());
        }
        let (_, _, context, args) = &key;
        let config = evaluate(dockerfile, stage, args);
        let reachable = dockerfile.reachable_with(stage, args);
        let built = Arc::new(BuiltFrom { document, stage, context: context.clone(), reachable, config });
        self.built.borrow_mut().insert(key, built.clone());
        Some(built)
    }

    /// The image at the end of a chain of stages; none below `FROM scratch`.
    fn base_image(&self, built: &BuiltFrom) -> Option<Image> {
        let first = *built.config.chain.first()?;
        let scope = Scope { document: built.document, stage: Some(first), container: None, path: String::new() };
        match &built.config.base {
            Base::Scratch => None,
            Base::Image(image) => {
                let variable = !image.used.is_empty() || !image.unresolved.is_empty();
                let known = image.is_known();
                Some(facts::image(scope, ImagePlace::From, image.span, image.value.clone(), known, variable))
            }
        }
    }

    fn mount(&self, mount: &crate::syntax::compose::Mount, directory: &str) -> Mount {
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

    /// The image's ENV with the service's `environment` on top, each name once.
    fn environment(&self, built: Option<&BuiltFrom>, document: DocumentId, service: Option<&Service>) -> Vec<Env> {
        let mut envs: Vec<Env> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut put = |env: Env| {
            let place = *places.entry(env.name.value.clone()).or_insert(envs.len());
            match envs.get_mut(place) {
                Some(known) => *known = env,
                None => envs.push(env),
            }
        };
        if let Some(built) = built {
            built.config.env.iter().for_each(|entry| put(nodes::dockerfile_env(built.document, entry)));
        }
        if let Some(service) = service {
            service.environment.iter().for_each(|pair| put(nodes::service_env(document, service, pair)));
        }
        envs
    }

    /// A container for every shipped stage that no service builds: what a live service builds of a Dockerfile is what ships
    /// of it, and else its last stage does.
    fn stages(&self, containers: &mut Vec<Container>) {
        let mut taken: HashSet<(DocumentId, usize)> = HashSet::new();
        for container in containers.iter() {
            if let Some(built) = &container.built {
                let live = container.environment.environment.is_live();
                let last = self.dockerfile(built.document).and_then(Dockerfile::shipped).filter(|_| live);
                taken.extend([Some(built.stage), last].into_iter().flatten().map(|stage| (built.document, stage)));
            }
        }
        for document in 0..self.documents.len() {
            let Some(dockerfile) = self.dockerfile(document) else { continue };
            let Some(stage) = dockerfile.shipped().filter(|stage| !taken.contains(&(document, *stage))) else {
                continue;
            };
            let stage_name = dockerfile.stages[stage].name.as_ref().map(|name| name.value.as_str());
            let environment = self.stage_environment(document, stage_name);
            let context = path::directory(self.path(document)).to_owned();
            let build = Build { document, stage, context, args: Arc::default() };
            let Some(built) = self.built_from(build) else { continue };
            let image = self.base_image(&built);
            let known = image.as_ref().filter(|image| image.known).and_then(known::lookup);
            let from = &dockerfile.instructions[dockerfile.stages[stage].from];
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
                name: self.stage_container_name(document, stage_name),
                origin: Origin::Stage { document, stage },
                span: from.span,
                partial: false,
                environment,
                ports: Vec::new(),
                mounts: Vec::new(),
                env: self.environment(Some(&built), document, None),
                built: Some(built),
                image,
                known,
                processes: Vec::new(),
                supervisors: Vec::new(),
                servers: Vec::new(),
                configs: Vec::new(),
            });
        }
    }

    /// The stage's name, else the part of the file name that tells Dockerfiles apart, else the folder's name.
    fn stage_container_name(&self, document: DocumentId, stage: Option<&str>) -> String {
        let path = self.path(document);
        let file = path::file_name(path);
        let part = ["Dockerfile.", "Containerfile."].iter().find_map(|prefix| file.strip_prefix(prefix));
        let part = part.or_else(|| file.strip_suffix(".Dockerfile")).or_else(|| file.strip_suffix(".dockerfile"));
        let folder = path::file_name(path::directory(path));
        let name = stage.or(part).unwrap_or(folder);
        if name.is_empty() { file.to_owned() } else { name.to_owned() }
    }

    fn stage_environment(&self, document: DocumentId, stage: Option<&str>) -> Marked {
        let mark = &self.marks[document];
        match stage.and_then(environment::by_name) {
            Some((environment, _)) if mark.environment == Environment::Unmarked => {
                Marked { environment, reason: format!("stage name `{}`", stage.unwrap_or_default()) }
            }
            _ => mark.clone(),
        }
    }
}

/// The spans of a document's comments.
fn comments(document: &Document) -> &[Span] {
    match document {
        Document::Dockerfile(document) => &document.comments,
        Document::Compose(document) => &document.comments,
        Document::Supervisor(document) => &document.comments,
        Document::Nginx(document) => &document.comments,
        Document::Dotenv(document) => &document.comments,
    }
}

/// Every build stage, and whether a container needs it.
fn stage_nodes(documents: &[Document], containers: &[Container]) -> Vec<StageNode> {
    let mut nodes = Vec::new();
    let mut users: HashMap<DocumentId, Vec<&BuiltFrom>> = HashMap::new();
    let mut seen = HashSet::new();
    for built in containers.iter().filter_map(|container| container.built.as_ref()) {
        // Services that build the same share it.
        if seen.insert(Arc::as_ptr(built)) {
            users.entry(built.document).or_default().push(built);
        }
    }
    for (id, document) in documents.iter().enumerate() {
        let Document::Dockerfile(dockerfile) = document else { continue };
        let mut shipped = vec![false; dockerfile.stages.len()];
        let mut reachable = vec![false; dockerfile.stages.len()];
        for built in users.get(&id).into_iter().flatten() {
            built.config.chain.iter().for_each(|&stage| shipped[stage] = true);
            built.reachable.iter().enumerate().for_each(|(stage, needed)| reachable[stage] |= needed);
        }
        for (index, stage) in dockerfile.stages.iter().enumerate() {
            let name = stage.name.as_ref().map_or_else(|| index.to_string(), |name| name.value.clone());
            nodes.push(StageNode {
                scope: Scope { document: id, stage: Some(index), container: None, path: format!("stages.{name}") },
                index,
                shipped: shipped[index],
                reachable: reachable[index],
            });
        }
    }
    nodes
}
