//! Collects the nodes that rules grade: images, environment variables and command lines of every format.

mod services;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use self::services::Services;
pub(super) use self::services::{service_env, service_scope};
use super::{Failure, Project, facts};
use crate::command::Argv;
use crate::container::facet::Scope;
use crate::container::image::{self, split};
use crate::container::{CommandLine, CommandPlace, DocumentId, Env, EnvPlace, Image, ImagePlace};
use crate::limit::Exceeded;
use crate::source::{Span, Spanned, Text};
use crate::syntax::Document;
use crate::syntax::compose;
use crate::syntax::dockerfile::{
    Base, Dockerfile, EnvEntry, Evaluator, Expanded, Healthcheck, ImageConfig, Instruction, Invocation, Kind, Origin,
};
use crate::syntax::dotenv::{self, Dotenv};
use crate::syntax::shell::{self, Script};
use crate::syntax::supervisor::{Supervisor, has_expansions};

/// The nodes of a Dockerfile, which no other file has a part in.
pub(super) struct OfDockerfile {
    document: DocumentId,
    images: Vec<Image>,
    envs: Vec<Env>,
    commands: Vec<CommandLine>,
    exceeded: Vec<Exceeded>,
}

/// Makes the nodes of Dockerfiles, in parallel: most of the time that joining takes goes into their shell text.
pub(super) fn of_dockerfiles(dockerfiles: &[(DocumentId, Arc<Dockerfile>)]) -> Vec<Result<OfDockerfile, Failure>> {
    let of = |document: &DocumentId, dockerfile: &Arc<Dockerfile>| {
        let mut nodes = Nodes::default();
        nodes.dockerfile(*document, dockerfile);
        let commands = std::mem::take(&mut nodes.commands).into_iter().map(Pending::parse).collect();
        let Nodes { images, envs, exceeded, .. } = nodes;
        OfDockerfile { document: *document, images, envs, commands, exceeded }
    };
    let of = |(document, dockerfile): &(DocumentId, Arc<Dockerfile>)| {
        Failure::or(Some(dockerfile.file), "working out what its instructions say", || of(document, dockerfile))
    };
    dockerfiles.par_iter().map(of).collect()
}

/// Fills the nodes of a project from its documents and stacks. Those of the Dockerfiles that were known from the start
/// are made already.
pub(super) fn collect(project: &mut Project, of_dockerfiles: Vec<Result<OfDockerfile, Failure>>) {
    let mut nodes = Nodes::default();
    let mut early = HashMap::new();
    let mut broken = HashSet::new();
    for of_dockerfile in of_dockerfiles {
        match of_dockerfile {
            Ok(of_dockerfile) => drop(early.insert(of_dockerfile.document, of_dockerfile)),
            Err(failure) => {
                broken.extend(failure.file);
                project.failures.push(failure);
            }
        }
    }
    let mut commands = Vec::new();
    for (id, document) in project.documents.iter().enumerate() {
        match document {
            Document::Dockerfile(document) => match early.remove(&id) {
                Some(known) => {
                    nodes.images.extend(known.images);
                    nodes.envs.extend(known.envs);
                    nodes.exceeded.extend(known.exceeded);
                    commands.extend(known.commands);
                }
                None if broken.contains(&document.file) => {}
                None => nodes.dockerfile(id, document),
            },
            Document::Supervisor(document) => nodes.supervisor(id, document),
            Document::Dotenv(document) => nodes.dotenv(id, document),
            Document::Nginx(_) | Document::Compose(_) => {}
        }
    }
    let mut services = Services::new(project);
    for (index, container) in project.containers.iter().enumerate() {
        if let Some(service) = project.service(container) {
            services.add(&mut nodes, service, Some(index));
        }
    }
    // What later files of every stack replace stands in its file all the same.
    services.seen_all = true;
    let as_they_are: HashSet<DocumentId> =
        project.stacks.iter().filter(|stack| stack.model.is_none()).map(|stack| stack.files[0]).collect();
    for (id, document) in project.documents.iter().enumerate() {
        if let Document::Compose(compose) = document
            && !as_they_are.contains(&id)
        {
            compose.services.iter().for_each(|service| services.add(&mut nodes, service, None));
        }
    }
    project.exceeded.append(&mut nodes.exceeded);
    project.images = nodes.images;
    project.envs = nodes.envs;
    project.images.shrink_to_fit();
    project.envs.shrink_to_fit();
    let built = built_images(project);
    for image in &mut project.images {
        image.built_here = built.contains(&tagged(&image.registry, &image.repository, &image.tag));
    }
    let late: Vec<CommandLine> = nodes.commands.into_par_iter().map(Pending::parse).collect();
    commands.extend(late);
    commands.shrink_to_fit();
    project.commands = commands;
}

/// The names, tags included, of the images that services build, and the names that they give to other build contexts
/// (`additional_contexts`): FROM and `COPY --from` look there before they ask a registry.
fn built_images(project: &Project) -> HashSet<String> {
    let mut names = HashSet::new();
    let containers = project.containers.iter().filter(|container| container.built.is_some());
    let merged = containers.filter_map(|container| project.service(container));
    let written = project.documents.iter().filter_map(|document| match document {
        Document::Compose(compose) => Some(compose.services.iter().filter(|service| service.build.is_some())),
        _ => None,
    });
    for service in merged.chain(written.flatten()) {
        let contexts = service.build.iter().flat_map(|build| &build.additional_contexts);
        let images = service.image.iter().map(|image| &image.value);
        for name in contexts.map(|context| &context.key.value).chain(images) {
            let parts = split(name);
            names.insert(tagged(&parts.registry, &parts.repository, &parts.tag));
        }
    }
    names
}

/// The name of an image with its tag, by which a service finds what another one builds; none where a digest says which
/// image it is.
pub(super) fn tagged_name(reference: &str) -> Option<String> {
    let parts = split(reference);
    parts.digest.is_none().then(|| tagged(&parts.registry, &parts.repository, &parts.tag))
}

/// The name of an image with its tag, which is `latest` where none is written.
fn tagged(registry: &Option<String>, repository: &str, tag: &Option<String>) -> String {
    let registry = registry.as_deref().unwrap_or_default();
    format!("{registry}/{repository}:{}", tag.as_deref().unwrap_or("latest"))
}

/// The nodes so far.
#[derive(Default)]
struct Nodes {
    images: Vec<Image>,
    envs: Vec<Env>,
    commands: Vec<Pending>,
    /// What was left out because there is too much of it.
    exceeded: Vec<Exceeded>,
}

/// A command line whose shell text is still to be parsed.
struct Pending {
    scope: Scope,
    place: CommandPlace,
    span: Span,
    form: PendingForm,
    pipefail: bool,
}

enum PendingForm {
    /// Text for a POSIX shell.
    Shell(Text),
    /// Text for something else.
    Opaque(Text),
    /// A program and its arguments.
    Exec(Vec<Text>),
}

impl PendingForm {
    /// All of its text.
    fn text(&self) -> Cow<'_, str> {
        match self {
            PendingForm::Shell(text) | PendingForm::Opaque(text) => Cow::Borrowed(&text.value),
            PendingForm::Exec(words) => {
                Cow::Owned(words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

impl Pending {
    fn parse(self) -> CommandLine {
        let (text, exec, script) = match self.form {
            PendingForm::Shell(text) => {
                let script = shell::parse(&text);
                (Some(text), Vec::new(), script)
            }
            PendingForm::Opaque(text) => (Some(text), Vec::new(), Script::default()),
            PendingForm::Exec(words) => {
                let script = exec_script(&words);
                (None, words, script)
            }
        };
        CommandLine {
            unwrapped: OnceLock::new(),
            scope: self.scope,
            place: self.place,
            span: self.span,
            text,
            exec,
            script,
            pipefail: self.pipefail,
        }
    }
}

/// The commands of an exec form: those of the script behind `sh -c`, else the one program.
fn exec_script(words: &[Text]) -> Script {
    match shell_argument(words) {
        Some(script) => shell::parse(script),
        None => Script::of_words(words),
    }
}

/// The script that `sh -c` (or bash, dash, ash) is given.
fn shell_argument(words: &[Text]) -> Option<&Text> {
    let program = words.first()?.value.rsplit('/').next()?;
    if !matches!(program, "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh") {
        return None;
    }
    let flag = words
        .iter()
        .skip(1)
        .position(|word| word.value.starts_with('-') && !word.value.starts_with("--") && word.value.ends_with('c'))?;
    words.get(flag + 2)
}

impl Nodes {
    fn dockerfile(&mut self, document: DocumentId, dockerfile: &Dockerfile) {
        let mut shells: Vec<Option<usize>> = Vec::new();
        let evaluator = Evaluator::new(dockerfile, &[]);
        self.exceeded.extend(evaluator.exceeded());
        for (index, stage) in dockerfile.stages.iter().enumerate() {
            let name = stage.name.as_ref().map_or_else(|| index.to_string(), |name| name.value.clone());
            let scope = Scope { document, stage: Some(index), container: None, path: format!("stages.{name}").into() };
            let config = evaluator.config(index);
            self.exceeded.extend(&config.exceeded);
            self.stage_images(&scope, dockerfile, index, &config);
            let own = config.env.iter().filter(|entry| entry.stage == index);
            self.envs.extend(own.map(|entry| Env { scope: scope.clone(), ..dockerfile_env(document, entry) }));
            let globals = (index == 0).then(|| evaluator.global_args()).into_iter().flatten();
            let own = config.args.iter().filter(|arg| arg.stage == Some(index)).cloned();
            for arg in globals.chain(own) {
                self.envs.push(Env {
                    scope: scope.clone(),
                    place: EnvPlace::DockerfileArg,
                    span: arg.value.as_ref().map_or(arg.name.span, |value| arg.name.span.to(value.span)),
                    name: arg.name.clone(),
                    known: arg.value.as_ref().is_none_or(Expanded::is_known),
                    literals: arg.value.as_ref().map(literals).unwrap_or_default(),
                    value: arg.value.as_ref().map(|value| Spanned::new(value.value.clone(), value.span)),
                });
            }
            let parent = config.chain.iter().rev().nth(1).copied();
            let mut shell = parent.and_then(|parent| shells.get(parent).copied().flatten());
            let windows = is_windows(&config);
            for at in stage.body.clone() {
                let Some(instruction) = dockerfile.effective(at) else { continue };
                if matches!(instruction.kind, Kind::Shell(_)) {
                    shell = Some(at);
                }
                let words = shell.and_then(|at| match &dockerfile.effective(at)?.kind {
                    Kind::Shell(words) => Some(words.as_slice()),
                    _ => None,
                });
                self.instruction(&scope, instruction, words, windows);
            }
            shells.push(shell);
        }
    }

    /// The images that a stage names: in FROM, `COPY --from` and `RUN --mount=from=`.
    fn stage_images(&mut self, scope: &Scope, dockerfile: &Dockerfile, index: usize, config: &ImageConfig) {
        let mut push = |place, image: &Expanded| {
            let variable = !image.used().is_empty() || !image.unresolved().is_empty();
            let known = image.is_known();
            self.images.push(facts::image(scope.clone(), place, image.span, image.value.clone(), known, variable));
        };
        // Only a stage at the start of a chain names an image in its FROM.
        if let (Base::Image(image), [only]) = (&config.base, config.chain.as_slice())
            && *only == index
        {
            push(ImagePlace::From, image);
        }
        for at in dockerfile.stages[index].body.clone() {
            let Some(instruction) = dockerfile.effective(at) else { continue };
            match &instruction.kind {
                Kind::Copy(_) => {
                    if let Some(from) = instruction.flag_value("from")
                        && let Origin::Image(_) = dockerfile.copy_origin(&from.value)
                    {
                        push(ImagePlace::CopyFrom, &Expanded::verbatim(from));
                    }
                }
                Kind::Run(_) => {
                    for mount in instruction.mounts() {
                        if let Some(from) = mount.from()
                            && let Origin::Image(_) = dockerfile.mount_origin(&from.value)
                        {
                            push(ImagePlace::MountFrom, &Expanded::verbatim(from));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn instruction(&mut self, scope: &Scope, instruction: &Instruction, shell: Option<&[Text]>, windows: bool) {
        let (place, invocation) = match &instruction.kind {
            Kind::Run(invocation) => (CommandPlace::Run, invocation),
            Kind::Cmd(invocation) => (CommandPlace::Cmd, invocation),
            Kind::Entrypoint(invocation) => (CommandPlace::Entrypoint, invocation),
            Kind::Healthcheck(Healthcheck::Cmd(invocation)) => (CommandPlace::Healthcheck, invocation),
            _ => return,
        };
        let program = shell.and_then(|words| words.first()).map(|word| word.value.to_ascii_lowercase());
        let posix = match program.as_deref().map(|program| program.rsplit(['/', '\\']).next().unwrap_or(program)) {
            Some(name) => !["powershell", "pwsh", "cmd"].contains(&name.trim_end_matches(".exe")),
            None => !windows,
        };
        let mut pipefail = shell.is_some_and(|words| words.iter().any(|word| word.value == "pipefail"));
        let form = match invocation {
            Invocation::Exec(words) => PendingForm::Exec(words.clone()),
            Invocation::Shell(text) => {
                let (text, posix) = match script_body(instruction, text) {
                    Some(script) => {
                        pipefail |= script.pipefail;
                        (script.body, posix && script.posix)
                    }
                    None => (text.clone(), posix),
                };
                if posix { PendingForm::Shell(text) } else { PendingForm::Opaque(text) }
            }
        };
        self.commands.push(Pending { scope: scope.clone(), place, span: instruction.span, form, pipefail });
    }

    fn exec(&mut self, scope: &Scope, place: CommandPlace, span: Span, words: Vec<Text>) {
        if !words.is_empty() {
            let form = PendingForm::Exec(words);
            self.commands.push(Pending { scope: scope.clone(), place, span, form, pipefail: false });
        }
    }

    fn supervisor(&mut self, document: DocumentId, supervisor: &Supervisor) {
        for section in &supervisor.sections {
            let path = section.name.value.replace(':', ".");
            let scope = Scope { document, stage: None, container: None, path: path.into() };
            if let Some(setting) = section.get("environment") {
                for (name, value) in setting.environment().variables {
                    let known = !has_expansions(&value);
                    let spanned = Spanned::new(value.value.clone(), value.span);
                    self.envs.push(Env {
                        scope: scope.clone(),
                        place: EnvPlace::Supervisor,
                        span: name.span.to(value.span),
                        name,
                        known,
                        literals: known.then(|| spanned.clone()).into_iter().collect(),
                        value: Some(spanned),
                    });
                }
            }
        }
        for program in supervisor.programs() {
            let path = format!("program.{}", program.name.value);
            let scope = Scope { document, stage: None, container: None, path: path.into() };
            if let Some(command) = program.get("command")
                && let Some(argv) = Argv::supervisor(&command.value)
            {
                let words = argv.words.into_iter().map(|word| word.text).collect();
                self.exec(&scope, CommandPlace::Program, command.value.span, words);
            }
        }
    }

    fn dotenv(&mut self, document: DocumentId, dotenv: &Dotenv) {
        self.envs.extend(dotenv.entries.iter().map(|entry| dotenv_env(document, entry)));
    }
}

/// A script that a RUN gives as a here-document.
struct ScriptBody {
    body: Text,
    /// A POSIX shell runs it.
    posix: bool,
    /// The shell is started with `pipefail`.
    pipefail: bool,
}

/// The body that is the script where a RUN is nothing but a here-document, or a shell that reads one (`bash -e <<EOF`).
fn script_body(instruction: &Instruction, text: &Text) -> Option<ScriptBody> {
    const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "ksh", "zsh"];
    let [heredoc] = &*instruction.heredocs else { return None };
    let command = text.value.lines().next().unwrap_or_default();
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let marker = words.iter().position(|word| word.starts_with("<<"))?;
    words.remove(marker);
    let body = heredoc.body.clone();
    let Some((program, options)) = words.split_first() else {
        let shebang = body.value.strip_prefix("#!").map(|rest| rest.lines().next().unwrap_or_default());
        let posix = shebang.is_none_or(|line| line.trim_end().ends_with("sh") || line.contains("sh -"));
        return Some(ScriptBody { body, posix, pipefail: false });
    };
    // What is no option is a script, so that the here-document is its input.
    let is_option = |word: &&str| *word == "pipefail" || word.starts_with('-') && !word.contains('c');
    let reads_it = SHELLS.contains(program) || program.strip_prefix("/bin/").is_some_and(|name| SHELLS.contains(&name));
    (reads_it && options.iter().all(is_option)).then(|| ScriptBody {
        body,
        posix: true,
        pipefail: options.contains(&"pipefail"),
    })
}

/// Whether the image is a Windows one. `# escape=` says nothing of it: Linux images are built with a backquote as well.
fn is_windows(config: &ImageConfig) -> bool {
    matches!(&config.base, Base::Image(image) if image::is_windows(&image.value, config.platform.as_deref()))
}

/// The whole value where no variable is in it, else the defaults of its variables.
fn literals(value: &Expanded) -> Vec<Spanned<String>> {
    if value.used().is_empty() && value.unresolved().is_empty() {
        vec![Spanned::new(value.value.clone(), value.span)]
    } else {
        value.defaults().to_vec()
    }
}

fn template_literals(template: &compose::template::Template) -> Vec<Spanned<String>> {
    match template.literal() {
        Some(text) => vec![Spanned::new(text.to_owned(), template.raw.span)],
        None => template.literal_defaults().map(|text| Spanned::new(text.value.clone(), text.span)).collect(),
    }
}

/// The facet of an ENV pair.
pub(super) fn dockerfile_env(document: DocumentId, entry: &EnvEntry) -> Env {
    let value = &entry.value;
    Env {
        scope: Scope { document, stage: Some(entry.stage), container: None, path: Arc::default() },
        place: EnvPlace::DockerfileEnv,
        span: entry.span,
        name: Spanned::new(entry.name.clone(), entry.span),
        known: value.is_known(),
        literals: literals(value),
        value: Some(Spanned::new(value.value.clone(), value.span)),
    }
}

/// The facet of a line of a `.env` file.
pub(super) fn dotenv_env(document: DocumentId, entry: &dotenv::Entry) -> Env {
    let resolved = entry.value.as_ref().map(|value| value.resolve(&|_| None));
    Env {
        scope: Scope { document, stage: None, container: None, path: Arc::default() },
        place: EnvPlace::Dotenv,
        span: entry.span,
        name: Spanned::new(entry.name.value.clone(), entry.name.span),
        known: resolved.as_ref().is_none_or(|(_, known)| *known),
        literals: entry.value.as_ref().map(template_literals).unwrap_or_default(),
        value: entry.value.as_ref().zip(resolved).map(|(value, (text, _))| Spanned::new(text, value.raw.span)),
    }
}
