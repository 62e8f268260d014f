//! The chain that leads from a container to what a finding is about: the service, its build, the stage, the command that
//! is started, the scripts behind it, and the program of supervisord.

use super::Cx;
use crate::container::{BuiltFrom, Container, Origin, Process, ProcessOrigin};
use crate::finding::Finding;
use crate::project::path::{below, file_name, join};
use crate::source::{FileId, Span};
use crate::syntax::dockerfile::{Dockerfile, Kind, Origin as Copied};

/// A step: where, and what happens there.
pub(super) type Step = (Span, String);

/// Scripts that start each other which are shown.
const MAX_CALLS: usize = 8;

/// Processes of one container that are looked at to find what starts one of them.
const MAX_PROCESSES: usize = 512;

/// Findings of one rule about one container whose steps are shown: finding them takes a look at its processes each time.
pub(super) const MAX_CHAINS: usize = 32;

/// The steps from the container to `process`, or to what it starts where none is given. What the process runs is not among
/// them: the finding says that.
pub(super) fn steps(container: &Container, process: Option<&Process>, cx: &Cx) -> Vec<Step> {
    let mut steps = to_image(container, cx);
    to_command(container, cx, &mut steps);
    if let Some(process) = process {
        to_process(container, process, cx, &mut steps);
    }
    steps
}

/// The steps from the container to its image: the service, its build and the target.
pub(super) fn to_image(container: &Container, cx: &Cx) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Origin::Service { .. } = container.origin {
        steps.push((container.span, format!("service `{}`", container.name)));
    }
    let (Some(service), Some(built)) = (cx.project.service(container), &container.built) else { return steps };
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return steps };
    let path = &cx.sources.get(dockerfile.file).path;
    let Some(build) = &service.build else {
        let image = service.image.as_ref().map(|image| image.span);
        steps.extend(image.map(|span| (span, format!("runs the image that `{path}` makes"))));
        return steps;
    };
    let named = build.dockerfile.as_ref().or(build.context.as_ref()).map(|scalar| scalar.span).or(build.span);
    let written_in_place = build.dockerfile_inline.is_some();
    steps.extend(named.filter(|_| !written_in_place).map(|span| (span, format!("builds `{path}`"))));
    if let Some(target) = &build.target {
        steps.push((target.span, format!("ships its stage `{}`", target.value)));
    }
    steps
}

/// The step from the shipped stage to the one that has the instruction at `index`, where that is another.
pub(super) fn to_instruction(built: &BuiltFrom, dockerfile: &Dockerfile, index: usize) -> Option<Step> {
    let shipped = dockerfile.stages.get(built.stage).filter(|stage| !stage.body.contains(&index))?;
    let from = dockerfile.instructions.get(shipped.from)?;
    let Kind::From { image, .. } = &from.kind else { return None };
    Some((from.span, format!("the shipped stage starts from `{}`", image.value)))
}

/// The steps to the line that decides what is started.
fn to_command(container: &Container, cx: &Cx, steps: &mut Vec<Step>) {
    let Some(command) = &container.command else { return };
    let main = container.processes.iter().take(MAX_PROCESSES).find(|process| process.origin == ProcessOrigin::Main);
    if let Some(built) = &container.built
        && let Some(dockerfile) = cx.project.dockerfile(built.document)
        && let Some(index) = built.config.entrypoint.or(built.config.cmd)
        && dockerfile.file == command.span.file
    {
        steps.extend(to_instruction(built, dockerfile, index));
    }
    let Some(name) = main.and_then(started) else { return };
    steps.push((command.span, format!("starts `{name}`")));
}

/// What a process starts, by its name: the first program, or the script of `package.json`.
fn started(process: &Process) -> Option<&str> {
    let command = process.effective.commands.first().map(|command| command.name.as_str());
    command.or_else(|| process.effective.package_scripts.first().map(|script| script.name.text.as_str()))
}

/// The steps from what the container starts to `process`.
fn to_process(container: &Container, process: &Process, cx: &Cx, steps: &mut Vec<Step>) {
    let mut calls = Vec::new();
    let mut current = process;
    for _ in 0..MAX_CALLS {
        let others = container.processes.iter().take(MAX_PROCESSES).filter(|other| other.span != current.span);
        let (parent, at, name) = match &current.origin {
            ProcessOrigin::Main => break,
            ProcessOrigin::Program { document, name } => {
                let config = cx.project.supervisor(*document).map(|config| config.file);
                calls.push((current.span, format!("its program `{name}` is this")));
                calls.extend(config.and_then(|file| placed(container, file, cx)));
                let mut starts =
                    others.filter(|other| !matches!(other.origin, ProcessOrigin::Program { .. })).filter_map(|other| {
                        let mut commands = other.effective.commands.iter();
                        Some((other, commands.find(|command| command.name == "supervisord")?))
                    });
                let Some((parent, command)) = starts.next() else { break };
                (parent, command.span, "supervisord")
            }
            ProcessOrigin::Script(path) | ProcessOrigin::PackageScript(path) => {
                let calls = |other: &&Process| {
                    let effective = &other.effective;
                    effective.commands.iter().any(|command| command.span == current.span)
                        || effective.package_scripts.iter().any(|script| script.span == current.span)
                };
                let mut others = others;
                let Some(parent) = others.find(calls) else { break };
                (parent, current.span, file_name(path))
            }
        };
        // What the container starts is a step already.
        if parent.origin != ProcessOrigin::Main {
            calls.push((at, format!("starts `{name}`")));
        }
        current = parent;
    }
    steps.extend(calls.into_iter().rev());
}

/// The line that puts a file of the repository into the container: a mount, else a COPY.
pub(super) fn placed(container: &Container, file: FileId, cx: &Cx) -> Option<Step> {
    // A text inside the Dockerfile or the Compose file is put there by what it stands in.
    let dockerfile = container.built.as_ref().and_then(|built| cx.project.dockerfile(built.document));
    if file == container.span.file || dockerfile.is_some_and(|dockerfile| dockerfile.file == file) {
        return None;
    }
    let path = &cx.sources.get(file).path;
    let mount = container.mounts.iter().filter(|mount| {
        let source = mount.repository_path.as_deref();
        source.is_some_and(|source| below(path, source).is_some() || source.is_empty())
    });
    if let Some(mount) = mount.max_by_key(|mount| mount.repository_path.as_ref().map_or(0, String::len)) {
        return Some((mount.span, format!("mounts `{path}`")));
    }
    let built = container.built.as_ref()?;
    let mut transfers = built.config.transfers.iter().rev().filter(|transfer| transfer.origin == Copied::Context);
    let transfer = transfers.find(|transfer| {
        transfer.sources.iter().any(|source| {
            let source = source.value.trim_start_matches('/').trim_end_matches('*');
            let holds = |folder: &str| {
                join(folder, source).is_some_and(|source| source.is_empty() || below(path, &source).is_some())
            };
            holds(&built.context) || matches!(container.origin, Origin::Stage { .. }) && holds("")
        })
    })?;
    Some((transfer.destination.span, format!("copies `{path}`")))
}

impl Finding {
    /// Adds the steps of a chain, unless all of it stands in one file: then the finding's own line says enough.
    pub(super) fn links(&mut self, steps: Vec<Step>) -> &mut Self {
        let file = self.primary().file;
        if steps.iter().any(|(span, _)| span.file != file) {
            for (span, message) in steps {
                self.link(span, message);
            }
        }
        self
    }
}
