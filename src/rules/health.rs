//! Whether a service that fails is noticed, started again and kept from taking the host with it.

mod data;
mod listeners;
mod ports;
mod probe;
mod tools;
mod writable;

pub(super) use self::data::database_volume_wrong_path;
pub(super) use self::ports::healthcheck_wrong_port;
pub(super) use self::tools::healthcheck_tool_missing;
pub(super) use self::writable::read_only_breaks_service;

use super::Cx;
use crate::command::Simple;
use crate::container::known::{KnownImage, Role};
use crate::container::{Container, Fact, Healthcheck, Origin, ProcessOrigin};
use crate::finding::{Confidence, Severity};
use crate::project::stacks::Stack;
use crate::syntax::compose::{Compose, Scalar, Service};

pub(super) fn missing_healthcheck(container: &Container, cx: &mut Cx) {
    let Fact::Absent(span) = &container.healthcheck else { return };
    let serves = match cx.project.service(container) {
        Some(service) => {
            !is_job(service, container, cx) && is_service(service, container) && !overlays(container, cx).any(has_probe)
        }
        None => runs_server(container),
    };
    if !serves {
        return;
    }
    let finding =
        cx.report(*span, format!("nothing tells whether `{}` still works: it has no health check", container.name));
    finding.help(
        "add a `healthcheck` that asks the service itself (`pg_isready`, `redis-cli ping`, a request to its own port)",
    );
    finding.evidence("no health check");
}

fn has_probe(service: &Service) -> bool {
    service.healthcheck.is_some()
}

pub(super) fn healthcheck_disabled(container: &Container, cx: &mut Cx) {
    let Some(known) = container.healthcheck.known().filter(|known| matches!(known.value, Healthcheck::Disabled)) else {
        return;
    };
    if cx.project.service(container).is_some_and(|service| is_job(service, container, cx)) {
        return;
    }
    let finding = cx.report(known.span, format!("the health check of `{}` is switched off", container.name));
    finding.help("write a check that fits, or take the line out to get the image's own back");
}

pub(super) fn healthy_condition_without_healthcheck(container: &Container, cx: &mut Cx) {
    let switched_off = match &container.healthcheck {
        Fact::Absent(_) => None,
        Fact::Known(known) if matches!(known.value, Healthcheck::Disabled) => Some(known.span),
        _ => return,
    };
    // With the check in a file on top, the files below it are not run without that.
    if larger(container, cx).any(|(_, service)| has_probe(service)) {
        return;
    }
    let Some(model) = cx.project.model_of(container) else { return };
    let services = model.services.iter();
    let dependencies = services.flat_map(|service| service.depends_on.iter().map(move |on| (service, on))).take(MANY);
    let waiting = dependencies.filter_map(|(service, dependency)| {
        let dependency = Some(dependency).filter(|dependency| dependency.service.value == container.name)?;
        let condition = dependency.condition.as_ref().filter(|condition| condition.value == "service_healthy")?;
        // Compose goes on without a dependency that is not required.
        dependency.required.then_some((service.name.as_ref()?, condition.span))
    });
    let image = container.image.as_ref().map(|image| (image.span, image.reference.as_str()));
    for (service, condition) in waiting {
        let message = format!(
            "`{}` waits for `{}` to be healthy, which has no health check: it is never started",
            service.value, container.name
        );
        let finding = cx.report(condition, message);
        finding.help(format!("give `{}` a `healthcheck`, or wait for `service_started`", container.name));
        finding.evidence(format!("{} {}", service.value, container.name));
        finding.link(condition, format!("`{}` waits for `{}`", service.value, container.name));
        match switched_off {
            Some(span) => finding.link(span, "its check is switched off").contains("healthcheck-disabled", span),
            None => {
                finding.link(container.span, "it has no `healthcheck`").contains("missing-healthcheck", container.span)
            }
        };
        if let Some((span, image)) = image.filter(|_| switched_off.is_none()) {
            finding.link(span, format!("and `{image}` brings none"));
        }
    }
}

pub(super) fn missing_restart_policy(container: &Container, cx: &mut Cx) {
    let Some(service) = long_running(container, cx) else { return };
    let deploy = service.deploy.as_ref();
    // A service that is scaled or placed by `deploy` runs in Swarm, which restarts by default.
    let swarm = deploy.is_some_and(|deploy| deploy.mode.is_some() || deploy.replicas.is_some() || deploy.placed);
    let restarts = |service: &Service| {
        service.restart.is_some() || service.deploy.as_ref().is_some_and(|deploy| deploy.restart_policy.is_some())
    };
    if swarm || restarts(service) || overlays(container, cx).any(restarts) {
        return;
    }
    let message =
        format!("`{}` stays down when it fails or the host restarts: it has no restart policy", container.name);
    cx.report(container.span, message).help("add `restart: unless-stopped`").evidence("no restart policy");
}

pub(super) fn missing_memory_limit(container: &Container, cx: &mut Cx) {
    let Some(service) = long_running(container, cx) else { return };
    if is_limited(service) || overlays(container, cx).any(is_limited) {
        return;
    }
    // Where other services of the file are limited this one was forgotten; where none is, it is one piece of advice.
    let others =
        cx.project.model_of(container).is_some_and(|compose| compose.services.iter().take(MANY).any(is_limited));
    let zero = limits(service).into_iter().next();
    let message = match zero {
        Some(_) => format!("the memory limit of `{}` is none: it may use all of the host's", container.name),
        None => format!("`{}` may use all of the host's memory: it has no limit", container.name),
    };
    let span = zero.map_or(container.span, |limit| limit.span);
    let finding = cx.report(span, message);
    finding.help("add `mem_limit` (or `deploy.resources.limits.memory`) above what it needs at its busiest");
    finding.evidence("no memory limit");
    if others || zero.is_some() {
        finding.severity(Severity::Low).confidence(Confidence::Certain);
    }
}

/// The limits that are written.
fn limits(service: &Service) -> Vec<&Scalar> {
    let deployed = service.deploy.as_ref().and_then(|deploy| deploy.memory_limit.as_ref());
    service.mem_limit.iter().chain(deployed).collect()
}

/// Whether a limit is set that is not nothing; one that a variable sets is taken as one.
fn is_limited(service: &Service) -> bool {
    let digits =
        |limit: &Scalar| !limit.value.starts_with('-') && limit.value.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    limits(service).into_iter().any(|limit| !limit.known || digits(limit))
}

/// The service of a container that is whole in its file and is not a job.
fn long_running<'a>(container: &Container, cx: &Cx<'a>) -> Option<&'a Service> {
    let service = cx.project.service(container)?;
    let counts = !container.partial && !is_job(service, container, cx) && service.uncommon.provider.is_none();
    (counts && is_service(service, container)).then_some(service)
}

/// Names of profiles and services that run once.
const JOB_WORDS: &[&str] = &[
    "job",
    "jobs",
    "migrate",
    "migration",
    "migrations",
    "migrator",
    "init",
    "setup",
    "seed",
    "seeder",
    "task",
    "tasks",
    "oneshot",
    "tools",
    "tool",
    "cli",
    "manual",
    "bootstrap",
    "provision",
    "installer",
    "backup",
    "restore",
    "createbuckets",
    "certbot",
    "test",
    "tests",
    "lint",
    "builder",
    "initdb",
];

/// Whether a service runs once and ends: what others wait for the end of, what is not started again, what its name or
/// profile says.
fn is_job(service: &Service, container: &Container, cx: &Cx) -> bool {
    let job_word = |name: &str| name.split(['-', '_', '.']).any(|part| JOB_WORDS.contains(&part));
    let condition = |restart: &str| matches!(restart, "no" | "none" | "false" | "on-failure");
    let once =
        service.restart.as_ref().is_some_and(|restart| condition(restart.value.split(':').next().unwrap_or_default()));
    let deploy = service.deploy.as_ref();
    let policy = deploy.and_then(|deploy| deploy.restart_policy.as_ref()?.as_ref());
    let interactive = [service.uncommon.tty, service.uncommon.stdin_open].into_iter().flatten().any(|flag| flag.value);
    once && service.ports.is_empty() && service.expose.is_empty()
        || policy.is_some_and(|policy| condition(&policy.value))
        || deploy.and_then(|deploy| deploy.mode.as_ref()).is_some_and(|mode| mode.value.ends_with("-job"))
        || interactive && service.ports.is_empty()
        || job_word(&container.name)
        || service.profiles.iter().any(|profile| job_word(&profile.value))
        || cx.project.model_of(container).is_some_and(|compose| is_waited_for(compose, &container.name))
        || ends(container, service, cx)
}

/// Programs that do one thing and end.
const ONE_SHOT: &[&str] = &[
    "alembic",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "curl",
    "dbmate",
    "echo",
    "exit",
    "flyway",
    "goose",
    "liquibase",
    "mc",
    "migrate",
    "mkdir",
    "mongosh",
    "mv",
    "mysql",
    "mysqldump",
    "openssl",
    "pg_dump",
    "pg_isready",
    "psql",
    "redis-cli",
    "rm",
    "tar",
    "touch",
    "true",
    "wget",
];

/// Programs that install, build or test when that is their first argument.
const PACKAGE_MANAGERS: &[&str] =
    &["bun", "bundle", "cargo", "composer", "dotnet", "go", "gradle", "mvn", "npm", "pip", "pnpm", "yarn"];

/// Arguments with which frameworks do one thing and end.
const ONE_SHOT_TASKS: &[&str] = &[
    "collectstatic",
    "createsuperuser",
    "db:migrate",
    "db:prepare",
    "db:seed",
    "db:setup",
    "loaddata",
    "makemigrations",
    "migrate",
    "migrate:deploy",
    "migration:run",
    "migrations",
];

/// Whether all that the service's own command or entrypoint starts ends by itself. A loop does not.
fn ends(container: &Container, service: &Service, cx: &Cx) -> bool {
    let own = service.entrypoint.as_ref().or(service.command.as_ref());
    let main = || container.processes.iter().filter(|process| process.origin == ProcessOrigin::Main);
    let mut commands = main().flat_map(|process| &process.effective.commands).peekable();
    let mut scripts = main().flat_map(|process| &process.effective.package_scripts).peekable();
    let task = |command: &Simple| {
        let waits = command.name == "sleep" && command.args.iter().any(|word| word.text.as_str() != "infinity");
        let first = command.args.first().map_or("", |word| word.text.as_str());
        waits
            || PACKAGE_MANAGERS.contains(&command.name.as_str()) && matches!(first, "build" | "ci" | "install" | "test")
            || ONE_SHOT.contains(&command.name.as_str())
            || command.args.iter().any(|word| ONE_SHOT_TASKS.contains(&word.text.as_str()))
    };
    let loops = |span| ["while ", "for ((", "infinity"].iter().any(|word| cx.text(span).contains(word));
    let script_ends = |name: &str| name.split([':', '-']).any(|part| part == "build" || JOB_WORDS.contains(&part));
    (commands.peek().is_some() || scripts.peek().is_some())
        && own.is_some_and(|own| !loops(own.span))
        && commands.all(task)
        && scripts.all(|script| script_ends(script.name.text.as_str()))
}

/// Whether another service waits for this one to end.
fn is_waited_for(compose: &Compose, name: &str) -> bool {
    let mut dependencies = compose.services.iter().flat_map(|service| &service.depends_on).take(MANY);
    dependencies.any(|dependency| {
        dependency.service.value == name
            && dependency.condition.as_ref().is_some_and(|c| c.value == "service_completed_successfully")
    })
}

/// Shells, and programs that only wait.
const IDLE: &[&str] = &["ash", "bash", "fish", "sh", "sleep", "tail", "zsh"];

/// Whether something runs for long: a bare distribution or runtime that publishes nothing and is told nothing does not.
fn is_service(service: &Service, container: &Container) -> bool {
    let starts_nothing = |known: &KnownImage| match known.role {
        Role::Base => true,
        Role::Runtime => known.ports.is_empty(),
        _ => false,
    };
    let bare = container.built.is_none() && container.known.is_some_and(starts_nothing);
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    !bare
        || !service.ports.is_empty()
        || !service.expose.is_empty()
        || service.restart.is_some()
        || commands.any(|command| !IDLE.contains(&command.name.as_str()))
        || container.processes.iter().any(|process| !process.effective.package_scripts.is_empty())
}

/// Programs that serve until they are stopped.
const SERVERS: &[&str] = &[
    "gunicorn",
    "uvicorn",
    "hypercorn",
    "granian",
    "daphne",
    "waitress-serve",
    "uwsgi",
    "nginx",
    "openresty",
    "httpd",
    "apache2",
    "apache2ctl",
    "apachectl",
    "apache2-foreground",
    "php-fpm",
    "caddy",
    "haproxy",
    "traefik",
    "puma",
    "unicorn",
    "thin",
    "supervisord",
    "redis-server",
    "valkey-server",
    "postgres",
    "mysqld",
    "mariadbd",
    "mongod",
    "memcached",
    "catalina.sh",
    "streamlit",
    "pm2-runtime",
];

/// Whether an image that no service here runs is a server: it exposes a port or starts a program that serves, and is
/// neither a function's nor a shell's image.
fn runs_server(container: &Container) -> bool {
    let Some(built) = &container.built else { return false };
    let image = container.image.as_ref().map(|image| image.name()).unwrap_or_default();
    let function = ["lambda", "azure-functions", "functions-framework"].iter().any(|part| image.contains(part));
    let commands = || container.processes.iter().flat_map(|process| &process.effective.commands);
    // A `package.json` script is a program of which only the name is known.
    let scripts = container.processes.iter().any(|process| !process.effective.package_scripts.is_empty());
    let shell = !scripts && commands().all(|command| IDLE.contains(&command.name.as_str()));
    let programs = container.processes.iter().any(|process| matches!(process.origin, ProcessOrigin::Program { .. }));
    let serves = programs || commands().any(|command| SERVERS.contains(&command.name.as_str()));
    let started = built.config.cmd.is_some() || built.config.entrypoint.is_some();
    let server = |known: &KnownImage| {
        !matches!(known.role, Role::Base | Role::Runtime | Role::Engine) && !known.ports.is_empty()
    };
    let as_it_comes = !started && container.known.is_some_and(server);
    !function && (serves || as_it_comes || started && !shell && !built.config.exposed.is_empty())
}

/// Entries of a file that are gone through for each service: more is not written by people.
const MANY: usize = 2_000;

/// The services that stand in the place of this one in the stacks that lay further files on its own: what those add counts,
/// since the file may never run alone. Stacks for development or tests add nothing to what is live.
pub(super) fn overlays<'a>(container: &'a Container, cx: &Cx<'a>) -> impl Iterator<Item = &'a Service> + use<'a> {
    let live = container.environment.environment.is_live();
    larger(container, cx).filter(move |stack| stack.0.environment.environment.is_live() || !live).map(|(_, it)| it)
}

/// The stacks with further files on those of a container's, each with the service of the same name.
fn larger<'a>(container: &'a Container, cx: &Cx<'a>) -> impl Iterator<Item = (&'a Stack, &'a Service)> + use<'a> {
    let project = cx.project;
    let own = project.stack(container);
    let document = match container.origin {
        Origin::Service { document, .. } => document,
        Origin::Stage { .. } => usize::MAX,
    };
    let others = project.owners.get(document).into_iter().flatten().take(MANY);
    others.filter_map(move |&other| {
        let other = project.containers.get(other).filter(|other| other.name == container.name)?;
        let stack = project.stack(other)?;
        let on_top = own.is_some_and(|own| {
            own.files.len() < stack.files.len() && own.files.iter().all(|file| stack.files.contains(file))
        });
        on_top.then(|| Some((stack, project.service(other)?)))?
    })
}
