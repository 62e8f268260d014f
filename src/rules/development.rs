//! What belongs on the machine of a developer and reaches production.

mod debugger;
mod flags;
mod tools;

use std::cell::OnceCell;

use super::Cx;
use super::chain::{self, MAX_CHAINS, Step};
use super::exposure::{published_debugger, way_in};
use crate::command::Simple;
use crate::container::known::Role;
use crate::container::{BuiltFrom, Container, Env, EnvPlace, Environment, Mount, Process, ProcessOrigin};
use crate::finding::{Confidence, Severity};
use crate::project::environment::by_name;
use crate::project::path;
use crate::source::{Span, Text};
use crate::syntax::compose::MountKind;
use crate::syntax::dockerfile::{Expanded, Origin, Stage, TransferFact};
use crate::syntax::shell::{self, GroupKind, Joint, Script};
use tools::Nature;

/// Package scripts inside one another that are followed.
const MOST_SCRIPTS: usize = 8;

/// Whether the name of a service says that it is for tests or for development, whatever file it stands in.
fn is_named_for_tests(container: &Container) -> bool {
    let words = ["dev", "development", "test", "tests", "e2e"];
    container.name.split(['-', '_', '.']).any(|part| words.contains(&part))
}

pub(super) fn hot_reload_in_production(container: &Container, cx: &mut Cx) {
    if is_named_for_tests(container) {
        return;
    }
    let mut chains = 0;
    for process in &container.processes {
        let parsed = OnceCell::new();
        let run =
            process.effective.commands.iter().filter_map(|command| Some((command, tools::found(command, container)?)));
        let Some((command, found)) =
            run.into_iter().find(|(command, _)| !is_conditional(process, command, &parsed, cx))
        else {
            continue;
        };
        // A script of package.json is there to be run by developers: what runs it here is what decides.
        let (span, defined) = match process.origin {
            ProcessOrigin::PackageScript(_) => (caller(process, container).span, Some(found.span)),
            _ => (found.span, None),
        };
        let who = match &process.origin {
            ProcessOrigin::Program { name, .. } => format!("program `{name}` of `{}`", container.name),
            _ => format!("`{}`", container.name),
        };
        let (says, help) = match found.nature {
            Nature::Reload => {
                ("restarts on every file change", "take the reloading out, and keep it in a development override")
            }
            Nature::Server => (
                "is a development server",
                "start the production server here, and keep this one for a development override",
            ),
            Nature::Console => ("runs the code of whoever opens it", "leave it to a development override"),
        };
        let steps = if chains < MAX_CHAINS { chain::steps(container, Some(process), cx) } else { Vec::new() };
        chains += 1;
        let finding = cx.report(span, format!("{who} runs `{}`, which {says}", found.what));
        finding.help(help).severity(found.severity).evidence(found.what.clone());
        if let Some(defined) = defined {
            finding.related(defined, format!("`{}` is here", command.name));
        }
        relate(finding, container, steps);
    }
    for process in &container.processes {
        unresolved_scripts(process, container, cx);
    }
}

/// The outermost of the package scripts that lead to a process.
fn caller<'a>(process: &'a Process, container: &'a Container) -> &'a Process {
    let mut outermost = process;
    for _ in 0..MOST_SCRIPTS {
        let calls = |other: &&Process| {
            matches!(other.origin, ProcessOrigin::PackageScript(_))
                && other.effective.package_scripts.iter().any(|script| script.span == outermost.span)
        };
        match container.processes.iter().find(calls) {
            Some(outer) => outermost = outer,
            None => break,
        }
    }
    outermost
}

/// Scripts of a `package.json` that is not here: their names say what they are.
fn unresolved_scripts(process: &Process, container: &Container, cx: &mut Cx) {
    for script in &process.effective.package_scripts {
        let name = script.name.text.as_str();
        let resolved =
            container.processes.iter().any(|other| other.span == script.span && other.origin != process.origin);
        let develops = name.split([':', '-', '_']).any(|part| matches!(part, "dev" | "develop" | "watch"));
        if resolved || !develops {
            continue;
        }
        let what = format!("{} {name}", script.manager);
        let message =
            format!("`{}` runs the package script `{name}`, which by its name is for development", container.name);
        let finding = cx.report(script.span, message);
        finding.help("start the built application here, and keep this for a development override");
        finding.severity(Severity::Medium).confidence(Confidence::Guess).evidence(what);
    }
}

/// Shows the steps that lead from the container to the finding; where they all stand in the finding's own file, there is
/// nothing to show.
fn relate(finding: &mut crate::finding::Finding, container: &Container, steps: Vec<Step>) {
    finding.links(steps);
    if finding.chain.is_empty() && finding.primary().file != container.span.file {
        finding.related(container.span, format!("in `{}`", container.name));
    }
}

/// The steps to where a variable is set: the service with its build where it is set in the image, and the program of
/// supervisord where it is set for that.
fn env_steps(container: &Container, env: &Env, cx: &Cx) -> Vec<Step> {
    let program = container.processes.iter().find(|process| match &process.origin {
        ProcessOrigin::Program { document, name } => {
            *document == env.scope.document && env.scope.path.rsplit('.').next() == Some(name)
        }
        _ => false,
    });
    match env.place {
        EnvPlace::Supervisor => chain::steps(container, program, cx),
        EnvPlace::DockerfileEnv | EnvPlace::DockerfileArg => chain::to_image(container, cx),
        _ => chain::to_image(container, cx).into_iter().take(1).collect(),
    }
}

/// Whether a command of a script runs only under some condition: in a branch, or behind `&&` or `||`. The script is parsed
/// when the first command is asked about.
fn is_conditional(process: &Process, command: &Simple, parsed: &OnceCell<Script>, cx: &Cx) -> bool {
    if !matches!(process.origin, ProcessOrigin::Script(_)) {
        return false;
    }
    let file = command.span.file;
    let script = parsed.get_or_init(|| {
        let text = &cx.sources.get(file).text;
        shell::parse(&Text::verbatim(text.clone(), Span::new(file, 0..text.len())))
    });
    let branches = [GroupKind::If, GroupKind::Case];
    script.groups.iter().any(|group| branches.contains(&group.kind) && group.span.contains(command.span))
        || script
            .commands
            .iter()
            .any(|other| matches!(other.joined_by, Joint::And | Joint::Or) && other.span.contains(command.span))
}

pub(super) fn debug_flag_in_production(container: &Container, cx: &mut Cx) {
    if is_named_for_tests(container) {
        return;
    }
    let own = container.env.iter();
    let programs = cx
        .project
        .envs
        .iter()
        .filter(|env| env.place == EnvPlace::Supervisor && container.supervisors.contains(&env.scope.document));
    // Most containers run no supervisord, and then nothing is gone through.
    let programs = programs.take(if container.supervisors.is_empty() { 0 } else { usize::MAX });
    let mut chains = 0;
    for env in own.chain(programs) {
        let Some(flag) = flags::of(env, container) else { continue };
        let console = flag.console && flags::runs_console(container);
        let published = way_in(container, cx).filter(|_| console);
        let steps = if chains < MAX_CHAINS { env_steps(container, env, cx) } else { Vec::new() };
        chains += 1;
        let finding = cx.report(env.span, format!("`{}` runs with {}: {}", container.name, flag.what, flag.effect));
        finding.help(flag.help).severity(if published.is_some() { Severity::Critical } else { flag.severity });
        finding.evidence(flag.what.clone());
        if env.place == EnvPlace::Service && env.value.as_ref().is_some_and(|value| !env.span.contains(value.span)) {
            finding.confidence(Confidence::Likely);
        }
        if let Some(span) = published {
            finding.related(span, "its console is reachable through this");
        }
        relate(finding, container, steps);
    }
    // What a command line sets for its own program; in a script it may be set under some condition.
    let own = container.processes.iter().filter(|process| !matches!(process.origin, ProcessOrigin::Script(_)));
    let assignments = own.flat_map(|process| {
        let commands = process.effective.commands.iter();
        commands.flat_map(|command| &command.assignments).map(move |assignment| (process, assignment))
    });
    for (process, assignment) in assignments.filter(|(_, assignment)| assignment.value.literal) {
        let (name, value) = (assignment.name.as_str(), assignment.value.text.as_str());
        let Some(flag) = flags::of_value(name, value, container) else { continue };
        let span = assignment.name.span.to(assignment.value.text.span);
        let steps = if chains < MAX_CHAINS { chain::steps(container, Some(process), cx) } else { Vec::new() };
        chains += 1;
        let finding = cx.report(span, format!("`{}` runs with {}: {}", container.name, flag.what, flag.effect));
        finding.help(flag.help).severity(flag.severity).evidence(flag.what);
        relate(finding, container, steps);
    }
}

pub(super) fn debugger_exposed(container: &Container, cx: &mut Cx) {
    let found = debugger::found(container);
    let way_in = way_in(container, cx);
    for (span, what) in &found {
        let message = format!("`{}` lets a debugger in from the network: {what}", container.name);
        let finding = cx.report(*span, message);
        finding.help("remove it, or bind it to 127.0.0.1 and reach it through `docker exec` or a tunnel");
        match way_in {
            Some(port) => finding.related(port, "reachable from outside through this"),
            None => finding.severity(Severity::High),
        };
        relate(finding, container, Vec::new());
    }
    if let Some((port, product)) = published_debugger(container, cx).filter(|_| found.is_empty()) {
        let finding = cx.report(port.span, format!("`{}` publishes {product}", container.name));
        finding.help("remove the entry, and keep it in a development override");
        finding.severity(Severity::Medium).confidence(Confidence::Likely);
    }
}

/// Last parts of paths that hold source code.
const SOURCE_WORDS: &[&str] = &["src", "app", "backend", "frontend", "server", "lib", "code", "api", "source", "pkg"];

/// Last parts of paths that hold what an application reads or writes, not its code.
pub(super) const DATA_WORDS: &[&str] = &[
    "data", "logs", "log", "uploads", "upload", "storage", "media", "static", "public", "config", "conf", "certs",
    "ssl", "backups", "backup", "tmp", "cache", "models", "output", "assets", "files", "db", "html", "dist", "build",
    "secrets", "plugins", "themes", "www", "content", "docs", "run", "state", "var", "volumes", "volume", "input",
];

pub(super) fn source_bind_mount_in_production(container: &Container, cx: &mut Cx) {
    if is_named_for_tests(container) {
        return;
    }
    let published = way_in(container, cx);
    let service = cx.project.service(container);
    for mount in container.mounts.iter().filter(|mount| mount.kind == MountKind::Bind && !mount.open) {
        let (Some(source), Some(target)) = (&mount.repository_path, mount.target.as_deref()) else { continue };
        let last = path::file_name(source);
        if DATA_WORDS.contains(&last) || last.contains('.') || cx.sources.find(source).is_some() || target == "/" {
            continue;
        }
        let working_dir = service.and_then(|service| service.working_dir.as_ref()).map(|folder| folder.value.as_str());
        let (hides, severity) = match &container.built {
            Some(built) => (hidden_by(mount, source, target, built, working_dir), Severity::Medium),
            // The code of a bare runtime comes from the host alone: nothing is hidden, but what runs is never what was built.
            None => {
                let runtime = container.known.is_some_and(|known| known.role == Role::Runtime);
                (runtime.then_some(()).filter(|()| working_dir == Some(target)).map(|()| None), Severity::Low)
            }
        };
        let Some(copied) = hides else { continue };
        let writable = if mount.read_only { "" } else { ", writable" };
        let message = match copied {
            Some(_) => format!(
                "`{}` runs the host's files at `{target}` instead of those in its image{writable}",
                container.name
            ),
            None => format!("`{}` runs code from the host at `{target}`{writable}", container.name),
        };
        let finding = cx.report(mount.span, message);
        finding.help("remove the mount: the image has the code; keep the mount in a development override");
        finding.severity(match published {
            Some(_) if !mount.read_only && severity == Severity::Medium => Severity::High,
            _ => severity,
        });
        if let Some(Some(span)) = copied {
            finding.related(span, "what the image has there");
        }
    }
}

/// Whether the mount hides the code of the image: `Some` with the COPY that put it there, where there is one.
fn hidden_by(
    mount: &Mount,
    source: &str,
    target: &str,
    built: &BuiltFrom,
    working_dir: Option<&str>,
) -> Option<Option<Option<Span>>> {
    // What does not lie where the image was built from is not its source.
    let inside = path::below(source, &built.context).is_some() || path::below(&built.context, source).is_some();
    if !inside && !built.context.is_empty() || mount.target.is_none() {
        return None;
    }
    let workdir = built.config.workdir.as_ref().map(|workdir| workdir.value.as_str());
    let home = |folder: &str| folder == target || path::below(folder, target).is_some();
    let over_home = [workdir, working_dir].into_iter().flatten().any(home);
    let code = SOURCE_WORDS.contains(&path::file_name(target));
    let below_home = code && [workdir, working_dir].into_iter().flatten().any(|at| path::below(target, at).is_some());
    let transfers = built.config.transfers.iter().rev().filter(|transfer| transfer.origin == Origin::Context);
    let copied = transfers.into_iter().find(|transfer| {
        let destination = transfer.destination.value.trim_end_matches('/');
        let whole = transfer.sources.iter().any(|source| matches!(source.value.trim_end_matches('/'), "." | ""));
        destination == target || whole && (home(destination) || path::below(target, destination).is_some())
    });
    let whole_copied = copied.is_some_and(|transfer| {
        transfer.sources.iter().any(|source| matches!(source.value.trim_end_matches('/'), "." | ""))
            && transfer.destination.value.trim_end_matches('/') == target
    });
    // The very folder that was copied there; below /etc it is settings.
    let same = |transfer: &&TransferFact| {
        let from = |source: &Expanded| path::join(&built.context, source.value.trim_end_matches('/'));
        transfer.destination.value.trim_end_matches('/') == target
            && transfer.sources.iter().any(|own| own.unresolved().is_empty() && from(own).as_deref() == Some(source))
    };
    let itself =
        built.config.transfers.iter().rev().find(|transfer| transfer.origin == Origin::Context && same(transfer));
    let itself = itself.filter(|_| path::below(target, "/etc").is_none());
    if let Some(itself) = itself {
        return Some(Some(Some(itself.destination.span)));
    }
    (over_home || below_home || whole_copied).then(|| Some(copied.map(|transfer| transfer.destination.span)))
}

pub(super) fn development_target_in_production(container: &Container, cx: &mut Cx) {
    let (Some(service), Some(built)) = (cx.project.service(container), &container.built) else { return };
    let Some(build) = &service.build else { return };
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    let Some(stage) = dockerfile.stages.get(built.stage) else { return };
    let Some(name) = &stage.name else { return };
    if is_named_for_tests(container) {
        return;
    }
    let develops = by_name(&name.value).is_some_and(|(environment, _)| environment < Environment::Unmarked);
    let target = build.target.as_ref().filter(|target| target.known && !target.value.is_empty());
    // A stage for building is only the wrong one where one for shipping follows it.
    let builds = matches!(name.value.as_str(), "builder" | "build" | "deps" | "dependencies" | "compile");
    let ships = |stage: &Stage| {
        let mark = stage.name.as_ref().and_then(|name| by_name(&name.value));
        mark.is_none_or(|(environment, _)| environment.is_live())
    };
    let last = !dockerfile.stages[built.stage + 1..].iter().any(ships);
    let span = match target {
        Some(target) if develops || builds && !last => target.span,
        None if develops && dockerfile.stages.len() > 1 => build.span.unwrap_or(container.span),
        _ => return,
    };
    let message = match target {
        Some(_) => format!("`{}` ships the stage `{}`, which is not made for production", container.name, name.value),
        None => format!(
            "`{}` names no `target`, and the last stage, which is built then, is `{}`",
            container.name, name.value
        ),
    };
    let finding = cx.report(span, message);
    finding.help("set `target` to the stage for production").related(name.span, "the stage");
    if builds && !develops {
        finding.severity(Severity::Medium);
    }
}
