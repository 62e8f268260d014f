//! What runs in a container: its first process, what that leads to, and the configs that those processes read.

mod configs;
mod placed;
mod programs;

use std::collections::HashMap;
use std::sync::Arc;

use super::link::Linker;
use super::{include, path};
use crate::command::{Argv, Effective, Simple};
use crate::container::{BuiltFrom, Container, Image, Invocation, Origin as ContainerOrigin, Process, ProcessOrigin};
use crate::limit::{CONFIGS, Exceeded, PROCESSES, SCRIPT_DEPTH, SHARED_NGINX, SHARED_PROGRAMS};
use crate::source::{FileId, Kind, Span, Text};
use crate::syntax::Document;
use crate::syntax::compose::Service;
use crate::syntax::dockerfile::{Dockerfile, Invocation as Form, Kind as Instruction, Origin};
use crate::syntax::shell::Word;

/// Folders of a container that a server reads its configs from.
const CONFIG_FOLDERS: &[(Kind, &[&str])] = &[
    (
        Kind::Nginx,
        &[
            "/etc/nginx",
            "/usr/local/nginx/conf",
            "/usr/local/openresty/nginx/conf",
            "/opt/bitnami/nginx/conf",
            "/config/nginx",
        ],
    ),
    (Kind::Supervisor, &["/etc/supervisor", "/etc/supervisor.d", "/etc/supervisord", "/etc/supervisord.d"]),
];

/// Where supervisord looks when it is given no `-c`, besides its working directory (`supervisor/options.py`), and where
/// distributions put it.
const SUPERVISOR_DEFAULTS: [&str; 4] = [
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
    "/usr/local/etc/supervisord.conf",
    "/etc/supervisor.conf",
];

/// What the configs of distributions include: those of Debian and Ubuntu, of Alpine, and of Fedora and EPEL (from their
/// packages).
const SUPERVISOR_INCLUDES: [(&str, &str, &str); 3] = [
    ("/etc/supervisor/supervisord.conf", "/etc/supervisor/conf.d", "*.conf"),
    ("/etc/supervisord.conf", "/etc/supervisor.d", "*.ini"),
    ("/etc/supervisord.conf", "/etc/supervisord.d", "*.ini"),
];

/// Finds the processes of container `index` and the supervisord and nginx configs that they read.
pub(super) fn attach(linker: &mut Linker, container: &mut Container, index: usize) {
    #[cfg(test)]
    crate::broken::at("joining", &linker.sources.get(container.span.file).text);
    let (main, command) = main_process(linker, container).unzip();
    container.command = command;
    start(linker, container, main.into_iter().map(|process| (process, 0)).collect());
    let landings = landings(linker, container);
    supervisors(linker, container, &landings);
    configs::attach(linker, container, &landings);
    servers(linker, container, index, &landings);
    container.processes.sort_by_key(|process| process.span);
}

/// Adds processes to a container, with those that they lead to.
fn start(linker: &mut Linker, container: &mut Container, mut pending: Pending) {
    while let Some((process, depth)) = pending.pop() {
        if container.processes.len() >= PROCESSES.most {
            linker.exceeded.push(Exceeded { span: process.span, limit: &PROCESSES });
            break;
        }
        if depth < SCRIPT_DEPTH.most {
            follow(linker, container, &process, depth, &mut pending);
        } else if !process.effective.package_scripts.is_empty()
            || process.effective.commands.iter().any(|command| script_of(command).is_some())
        {
            linker.exceeded.push(Exceeded { span: process.span, limit: &SCRIPT_DEPTH });
        }
        container.processes.push(process);
    }
}

/// A process and how many scripts lead to it.
type Pending = Vec<(Process, usize)>;

/// The entrypoint and the command as the engine puts them together.
fn main_process(linker: &Linker, container: &Container) -> Option<(Process, Invocation)> {
    let service = linker.service_of(container);
    let dockerfile = container.built.as_ref().and_then(|built| Some((linker.dockerfile(built.document)?, &**built)));
    let (effective, command) = main_argv(service, dockerfile, container.image.as_ref())?;
    let process = Process { origin: ProcessOrigin::Main, span: command.span, effective: Arc::new(effective) };
    Some((process, command))
}

/// What the first process really runs, and what the engine starts for it.
fn main_argv(
    service: Option<&Service>,
    built: Option<(&Dockerfile, &BuiltFrom)>,
    image: Option<&Image>,
) -> Option<(Effective, Invocation)> {
    // What the shell form of a Dockerfile becomes.
    let shell = |text: &Text| {
        let shell =
            ["/bin/sh", "-c"].map(|word| Text::verbatim(word, Span::at(text.span.file, text.span.start as usize)));
        shell.into_iter().chain([text.clone()])
    };
    let of_shell =
        |text: &Text| (Effective::of_shell(text), Invocation { words: shell(text).collect(), span: text.span });
    let from_image = |index: Option<usize>| match &built?.0.effective(index?)?.kind {
        Instruction::Cmd(invocation) | Instruction::Entrypoint(invocation) => Some(invocation),
        _ => None,
    };
    let own = |invocation: Option<&crate::syntax::compose::Invocation>| {
        invocation.map(|invocation| (invocation.words(), invocation.span))
    };
    let service_entrypoint = own(service.and_then(|service| service.entrypoint.as_ref()));
    let service_command = own(service.and_then(|service| service.command.as_ref()));
    // The engine takes the image's command where the container's is empty.
    let service_command = service_command.filter(|(words, _)| !words.is_empty());
    let image_entrypoint = from_image(built.and_then(|(_, built)| built.config.entrypoint));
    let base_entrypoint = service_entrypoint.is_none() && image_entrypoint.is_none();
    // A Compose entrypoint clears the image's command; an empty one clears the image's entrypoint alone.
    let image_command = match &service_entrypoint {
        Some((words, _)) if !words.is_empty() => None,
        _ => from_image(built.and_then(|(_, built)| built.config.cmd)),
    };
    let (mut words, mut span) = match (service_entrypoint, image_entrypoint) {
        (Some((words, span)), _) => {
            let span = (!words.is_empty()).then_some(span);
            (words, span)
        }
        (None, Some(Form::Exec(words))) => (words.clone(), None),
        // In shell form the entrypoint runs alone, whatever the command is.
        (None, Some(Form::Shell(text))) => return Some(of_shell(text)),
        (None, None) => (Vec::new(), None),
    };
    match (service_command, image_command) {
        (Some((command, at)), _) => {
            words.extend(command);
            span = span.or(Some(at));
        }
        (None, Some(Form::Exec(command))) => words.extend(command.iter().cloned()),
        (None, Some(Form::Shell(text))) if words.is_empty() => return Some(of_shell(text)),
        (None, Some(Form::Shell(text))) => words.extend(shell(text)),
        (None, None) => {}
    }
    if let Some(first) = words.first().filter(|_| base_entrypoint)
        && let Some(program) = image.and_then(|image| programs::in_front(image, &first.value))
    {
        let place = Span::at(first.span.file, first.span.start as usize);
        words.insert(0, Text::verbatim(program, place));
    }
    let argv = Argv::of_words(words.iter().map(|text| Word { text: text.clone(), literal: true }).collect())?;
    let span = span.unwrap_or(argv.span);
    Some((Effective::of_argv(&argv), Invocation { words, span }))
}

/// Follows a process into `package.json` scripts, scripts of the repository and what those are told to start.
fn follow(linker: &mut Linker, container: &Container, process: &Process, depth: usize, pending: &mut Pending) {
    for script in &process.effective.package_scripts {
        if let Some(effective) = package_script(linker, container, &script.name.text.value) {
            let origin = ProcessOrigin::PackageScript(script.name.text.value.clone());
            pending.push((Process { origin, span: script.span, effective }, depth + 1));
        }
    }
    for command in &process.effective.commands {
        let Some((program, args)) = script_of(command) else { continue };
        let script = script_at(linker, container, &program);
        // An entrypoint script ends in `exec "$@"`: its arguments are a command of their own.
        let passes_on = command.is_script() || script.is_some() || is_shell(&command.name);
        if let Some(argv) = Argv::of_words(args.to_vec()).filter(|_| passes_on) {
            let effective = Arc::new(Effective::of_argv(&argv));
            if !effective.commands.is_empty() || !effective.package_scripts.is_empty() {
                pending.push((Process { origin: process.origin.clone(), span: process.span, effective }, depth + 1));
            }
        }
        if let Some((path, effective)) = script {
            let origin = ProcessOrigin::Script(path);
            pending.push((Process { origin, span: command.span, effective }, depth + 1));
        }
    }
}

/// The script that a command is or may be by its path, or that a shell is given by name, and its arguments.
fn script_of(command: &Simple) -> Option<(String, &[Word])> {
    let program = command.program.text.as_str();
    let system = ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/"];
    let own = command.program.literal
        && program.contains('/')
        && !path::file_name(program).contains('.')
        && !system.iter().any(|folder| program.starts_with(folder));
    if command.is_script() || own {
        return Some((command.program.text.value.clone(), &command.args));
    }
    if !is_shell(&command.name) {
        return None;
    }
    let at = command.args.iter().position(|word| !word.text.value.starts_with(['-', '+']))?;
    let script = command.args[at].text.as_str();
    // A shell looks for its script in the working directory.
    let path = if script.contains('/') { script.to_owned() } else { format!("./{script}") };
    (command.args[at].literal && script.ends_with(".sh")).then(|| (path, &command.args[at + 1..]))
}

/// Whether that is a POSIX shell.
fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "ash" | "dash")
}

/// What a script of the `package.json` that lies where the container runs starts.
fn package_script(linker: &mut Linker, container: &Container, name: &str) -> Option<Arc<Effective>> {
    let mut folders: Vec<String> = container.built.iter().map(|built| built.context.clone()).collect();
    folders.extend(container.mounts.iter().filter_map(|mount| mount.repository_path.clone()));
    for folder in folders {
        let path = path::join(&folder, "package.json")?;
        let Ok(file) = linker.sources.load(&path, Kind::Auxiliary, "scripts that a container runs") else { continue };
        let text = &linker.sources.get(file).text;
        let scripts = linker.packages.entry(file).or_insert_with(|| package_scripts(text));
        let Some(script) = scripts.get(name) else { continue };
        let found = linker.scripts.entry((file, name.to_owned()));
        return found
            .or_insert_with(|| Some(Arc::new(Effective::of_shell(&package_text(file, text, name, script)))))
            .clone();
    }
    None
}

/// The scripts of a `package.json` by name.
fn package_scripts(text: &str) -> HashMap<String, String> {
    let package: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let scripts = package.get("scripts").and_then(|scripts| scripts.as_object()).into_iter().flatten();
    scripts.filter_map(|(name, script)| Some((name.clone(), script.as_str()?.to_owned()))).collect()
}

/// A script with its place: behind its key, as JSON would write it; else the place is not certain and the file's start
/// serves.
fn package_text(file: FileId, text: &str, name: &str, script: &str) -> Text {
    let scripts = text.find("\"scripts\"").unwrap_or_default();
    let key = text[scripts..].find(&format!("\"{name}\"")).map(|at| scripts + at);
    let start = key.and_then(|key| text[key..].find(script).map(|at| key + at));
    let start = start.unwrap_or_default();
    let end = (start + script.len()).min(text.len());
    Text::verbatim(script, Span::new(file, start..end))
}

/// The script of the repository that is at `path` in the container, and what it starts where it is for a POSIX shell.
fn script_at(linker: &mut Linker, container: &Container, path: &str) -> Option<(String, Arc<Effective>)> {
    let inside = if path.contains('/') {
        path::absolute(&workdir(linker, container), path)
    } else {
        format!("/usr/local/bin/{path}")
    };
    let found = sources_of(container, &inside).into_iter().find(|path| linker.sources.exists(path))?;
    let file = linker.sources.load(&found, Kind::Auxiliary, "script that a container starts").ok()?;
    let text = &linker.sources.get(file).text;
    let named = path::file_name(&found);
    let looks = named.contains('.') || named.contains("entrypoint") || named.starts_with("start");
    let effective = linker.scripts.entry((file, String::new())).or_insert_with(|| {
        // Without its first line, a script is one by its name alone.
        let unsaid = if looks { "/bin/sh" } else { "" };
        let shebang = text.strip_prefix("#!").and_then(|rest| rest.lines().next()).unwrap_or(unsaid);
        let is_shell = |part| matches!(part, "sh" | "bash" | "dash" | "ash" | "with-contenv");
        let whole = || Text::verbatim(text.clone(), Span::new(file, 0..text.len()));
        shebang.split(['/', ' ']).any(is_shell).then(|| Arc::new(Effective::of_shell(&whole())))
    });
    effective.clone().map(|effective| (found, effective))
}

/// The folder that the container's processes start in.
fn workdir(linker: &Linker, container: &Container) -> String {
    let own = linker.service_of(container).and_then(|service| service.working_dir.as_ref());
    let built = || container.built.as_ref()?.config.workdir.as_ref().map(|workdir| workdir.value.clone());
    own.map(|workdir| workdir.value.clone()).or_else(built).unwrap_or_else(|| "/".to_owned())
}

/// The mounts of a container as the engine makes them: a mount hides what is below its target, deeper mounts are on top.
fn mounts_by_depth(container: &Container) -> Vec<(&str, &str)> {
    let mounts = container.mounts.iter();
    let mut mounts: Vec<(&str, &str)> =
        mounts.filter_map(|mount| Some((mount.target.as_deref()?, mount.repository_path.as_deref()?))).collect();
    mounts.sort_by_key(|(target, _)| target.split('/').filter(|part| !part.is_empty()).count());
    mounts
}

/// The repository files that may be at `path` in the container: what mounts put there, the deepest first, then COPY, the
/// last first.
fn sources_of(container: &Container, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (target, source) in mounts_by_depth(container).into_iter().rev() {
        if let Some(rest) = path::below(path, target) {
            found.extend(path::join(source, rest));
        }
    }
    let Some(built) = &container.built else { return found };
    for transfer in built.config.transfers.iter().rev().filter(|transfer| transfer.origin == Origin::Context) {
        let destination = &transfer.destination.value;
        let Some(rest) = path::below(path, destination) else { continue };
        for source in &transfer.sources {
            for context in contexts(container, built) {
                let Some(source) = path::join(&context, source.value.trim_start_matches('/')) else { continue };
                if rest.is_empty() {
                    found.push(source.clone());
                } else {
                    found.extend(path::join(&source, rest));
                    if path::glob(path::file_name(&source), rest) {
                        found.extend(path::join(path::directory(&source), rest));
                    }
                }
            }
        }
    }
    found
}

/// The folder that the build sees; for an image that no service builds, the root of the repository as well, where many
/// builds are started.
fn contexts(container: &Container, built: &BuiltFrom) -> Vec<String> {
    let mut contexts = vec![built.context.clone()];
    if matches!(container.origin, ContainerOrigin::Stage { .. }) && !built.context.is_empty() {
        contexts.push(String::new());
    }
    contexts
}

/// A repository file, or a text inside one, and where it is in the container.
struct Landing {
    /// What lands there.
    what: Landed,
    /// Absolute path in the container.
    inside: String,
}

/// What lands in a container.
enum Landed {
    /// The file at a path of the repository.
    File(String),
    /// A text inside a file: a here-document, `content` of a config.
    Text(Text),
}

/// Landings while they are collected.
#[derive(Default)]
struct Landings {
    all: Vec<Landing>,
    /// Where in `all` what is at a path stands.
    taken: HashMap<String, usize>,
    /// There are more than are looked at.
    cut: bool,
}

impl Landings {
    fn put(&mut self, what: Landed, inside: String) {
        match self.taken.get(&inside) {
            Some(&at) => self.all[at].what = what,
            None if self.all.len() < CONFIGS.most => {
                self.taken.insert(inside.clone(), self.all.len());
                self.all.push(Landing { what, inside });
            }
            None => self.cut = true,
        }
    }

    /// Forgets what a mount at `target` hides.
    fn hide(&mut self, target: &str) {
        let before = self.all.len();
        self.all.retain(|landing| path::below(&landing.inside, target).is_none());
        if self.all.len() < before {
            self.taken = self.all.iter().enumerate().map(|(at, landing)| (landing.inside.clone(), at)).collect();
        }
    }
}

/// The repository files that are put into the folders of [`CONFIG_FOLDERS`] or given a config's name, by mounts and by
/// COPY from the context; later ones replace earlier ones at the same path, and a mount all that is below its target.
fn landings(linker: &mut Linker, container: &Container) -> Vec<Landing> {
    let mut landings = Landings::default();
    if let Some(built) = &container.built {
        for transfer in built.config.transfers.iter().filter(|transfer| transfer.origin == Origin::Context) {
            let destination = &transfer.destination.value;
            for source in &transfer.sources {
                let bare = source.value.trim_start_matches('/');
                let found = contexts(container, built).into_iter().find_map(|context| {
                    let files = expand(linker, &path::join(&context, bare)?, destination);
                    (!files.is_empty()).then_some(files)
                });
                let several = transfer.sources.len() > 1 || destination.ends_with('/');
                for (file, rest) in found.unwrap_or_default() {
                    let name = if rest.is_empty() { path::file_name(&file) } else { &rest };
                    let into_folder = several || !rest.is_empty() || bare.contains('*');
                    let inside = if into_folder { path::absolute(destination, name) } else { destination.clone() };
                    landings.put(Landed::File(file), inside);
                }
            }
        }
    }
    for (what, inside) in placed::by_image(linker, container) {
        landings.put(what, inside);
    }
    for (target, source) in mounts_by_depth(container) {
        let files = expand(linker, source, target);
        if !files.is_empty() {
            landings.hide(target);
        }
        for (file, rest) in files {
            landings.put(Landed::File(file), path::absolute(target, &rest));
        }
    }
    for (what, inside) in placed::by_service(linker, container) {
        landings.put(what, inside);
    }
    if landings.cut {
        linker.exceeded.push(Exceeded { span: container.span, limit: &CONFIGS });
    }
    landings.all
}

/// The files that a source brings to `destination`: itself, what a pattern in its last part matches, or, of a folder, the
/// documents below it, each with its path below that folder. A folder that lands where a server reads its configs
/// brings whatever is in it.
fn expand(linker: &Linker, path: &str, destination: &str) -> Vec<(String, String)> {
    let (folder, name) = (path::directory(path), path::file_name(path));
    if name.contains(['*', '?', '[']) {
        let names = linker.sources.list(folder);
        let names = names.iter().filter(|entry| !entry.ends_with('/') && path::glob(name, entry));
        return names.filter_map(|entry| Some((path::join(folder, entry)?, String::new()))).collect();
    }
    if !path.is_empty() && linker.sources.exists(path) {
        return vec![(path.to_owned(), String::new())];
    }
    // nginx reads its own folders only; supervisord may be told of any file.
    let nginx = CONFIG_FOLDERS
        .iter()
        .flat_map(|(_, folders)| *folders)
        .any(|folder| path::below(destination, folder).is_some() || path::below(folder, destination).is_some());
    let below = linker.configs_below(path).filter(|(_, _, kind)| nginx || *kind == Kind::Supervisor);
    let mut files: Vec<(String, String)> =
        below.take(CONFIGS.most + 1).map(|(file, rest, _)| (file.to_owned(), rest.to_owned())).collect();
    if is_config_folder(destination) {
        let names = linker.sources.list(path);
        let names = names.iter().filter(|entry| !entry.ends_with('/'));
        files.extend(names.filter_map(|entry| Some((path::join(path, entry)?, entry.clone()))));
        files.sort();
        files.dedup();
    }
    files
}

/// Whether a path of a container is one of [`CONFIG_FOLDERS`] or below one.
fn is_config_folder(path: &str) -> bool {
    CONFIG_FOLDERS.iter().flat_map(|(_, folders)| *folders).any(|folder| path::below(path, folder).is_some())
}

/// Reads the landed files below the config folders of `kind` and gives their documents.
fn landed_documents(linker: &mut Linker, landings: &[Landing], kind: Kind) -> Vec<(usize, String)> {
    let folders = CONFIG_FOLDERS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, folders)| folders);
    let mut found = Vec::new();
    for landing in landings {
        let in_folder = folders.iter().any(|folder| path::below(&landing.inside, folder).is_some());
        let name = path::file_name(&landing.inside);
        let looks = name.ends_with(".conf")
            || name.contains(".conf.")
            || name.ends_with(".ini")
            || kind == Kind::Nginx && name == "default";
        let already = matches!(&landing.what, Landed::File(file) if linker.sources.find(file).is_some());
        if !(already || in_folder && looks) {
            continue;
        }
        let why = "copied or mounted where a server reads it";
        let document = match &landing.what {
            Landed::File(file) => linker.document(file, kind, why),
            Landed::Text(text) => linker.embedded(text, kind, why),
        };
        let Some(id) = document else { continue };
        let fits = match linker.documents[id] {
            Document::Nginx(_) => kind == Kind::Nginx && in_folder,
            Document::Supervisor(_) => kind == Kind::Supervisor,
            _ => false,
        };
        if fits {
            found.push((id, landing.inside.clone()));
        }
    }
    found
}

/// The supervisord configs that the container's processes read, and the programs that they start.
fn supervisors(linker: &mut Linker, container: &mut Container, landings: &[Landing]) {
    let commands = || container.processes.iter().flat_map(|process| &process.effective.commands);
    let started: Vec<Option<String>> = commands()
        .filter(|command| command.name == "supervisord")
        .map(|command| command.option(&["-c", "--configuration"]).map(|word| word.text.value))
        .collect();
    // A script that is not in the repository may start it, if its config is where supervisord looks for one.
    let hidden = started.is_empty() && commands().all(Simple::is_script);
    if started.is_empty() && !hidden {
        return;
    }
    let documents = landed_documents(linker, landings, Kind::Supervisor);
    let workdir = workdir(linker, container);
    let named: Vec<String> = started.into_iter().flatten().map(|path| path::absolute(&workdir, &path)).collect();
    let lands = |path: &str| documents.iter().any(|(_, inside)| inside == path);
    let beside = ["supervisord.conf", "etc/supervisord.conf"].map(|name| path::absolute(&workdir, name));
    let found = beside.iter().map(String::as_str).chain(SUPERVISOR_DEFAULTS).find(|path| lands(path));
    let included = |config: &str, inside: &str| {
        SUPERVISOR_INCLUDES.iter().any(|(of, folder, pattern)| {
            *of == config && path::directory(inside) == *folder && path::glob(pattern, path::file_name(inside))
        })
    };
    let is_read = |inside: &str| match found {
        // Without a config in sight, the distribution's is read.
        _ if !named.is_empty() => named.iter().any(|path| path == inside || !lands(path) && included(path, inside)),
        Some(found) => found == inside,
        None => inside.starts_with("/etc/supervisor"),
    };
    let mut read: Vec<(usize, String)> = documents.iter().filter(|(_, inside)| is_read(inside)).cloned().collect();
    let mut next = 0;
    while let Some((id, inside)) = read.get(next).cloned() {
        next += 1;
        let Document::Supervisor(supervisor) = &linker.documents[id] else { continue };
        for pattern in supervisor.include_files() {
            let folder = path::directory(&inside);
            let place = pattern.span;
            let pattern = pattern.value.replace("%(here)s", folder);
            let pattern = path::absolute(folder, &pattern);
            let matching = documents.iter().filter(|(_, inside)| {
                path::directory(inside) == path::directory(&pattern)
                    && path::glob(path::file_name(&pattern), path::file_name(inside))
            });
            for (id, inside) in matching {
                linker.followed.insert(place);
                if !read.iter().any(|(known, _)| known == id) {
                    read.push((*id, inside.clone()));
                }
            }
        }
    }
    let mut pending: Pending = Vec::new();
    for (id, _) in read {
        let Document::Supervisor(supervisor) = &linker.documents[id] else { continue };
        let commands = supervisor.programs().filter_map(|program| Some((program.get("command")?, program)));
        let commands: Vec<_> = commands.collect();
        if linker.shared.take(commands.len(), &SHARED_PROGRAMS, container.span) {
            let known = linker.programs.entry(id).or_insert_with(|| {
                commands.iter().map(|(command, _)| Arc::new(Effective::of_supervisor(&command.value))).collect()
            });
            for ((command, program), effective) in commands.iter().zip(known) {
                let origin = ProcessOrigin::Program { document: id, name: program.name.value.clone() };
                let effective = effective.clone();
                pending.push((Process { origin, span: command.value.span, effective }, 0));
            }
        }
        container.supervisors.push(id);
    }
    start(linker, container, pending);
}

/// The nginx configs that land where nginx reads them.
fn servers(linker: &mut Linker, container: &mut Container, index: usize, landings: &[Landing]) {
    let mut landed = landed_documents(linker, landings, Kind::Nginx);
    if landed.is_empty() && runs_nginx(container) {
        landed = told(linker, container);
    }
    landed.retain(|(id, _)| {
        let size = linker.sources.get(linker.documents[*id].file()).text.len();
        linker.shared.take(size, &SHARED_NGINX, container.span)
    });
    let mut servers: Vec<usize> = landed.iter().map(|(id, _)| *id).collect();
    linker.placed.extend(landed.into_iter().map(|(id, inside)| (index, id, inside)));
    servers.sort_unstable();
    servers.dedup();
    container.servers = servers;
}

/// Whether nginx is what the container runs, or the image that it is made from.
fn runs_nginx(container: &Container) -> bool {
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    container.image.as_ref().is_some_and(|image| image.short_name() == "nginx")
        || commands.any(|command| command.name == "nginx")
}

/// The nginx configs of the folder that a `confscan.toml` says `/etc/nginx` is made from.
fn told(linker: &Linker, container: &Container) -> Vec<(usize, String)> {
    let (ContainerOrigin::Service { document, .. } | ContainerOrigin::Stage { document, .. }) = container.origin;
    let Some(folder) = linker.settings.nginx_root(linker.path(document), include::PREFIX) else { return Vec::new() };
    let configs = linker.configs_below(&folder).filter(|(.., kind)| *kind == Kind::Nginx);
    let found = configs
        .filter_map(|(file, rest, _)| Some((linker.known_document(file)?, path::absolute(include::PREFIX, rest))));
    found.take(CONFIGS.most).collect()
}
