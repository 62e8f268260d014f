//! Containers as the JSON report shows them.

use super::{documents, place, wire};
use crate::container::facet::Port;
use crate::container::{Container, Fact, Healthcheck, Mount, Origin, Process, ProcessOrigin, Why};
use crate::report::Report;
use crate::report::facts;
use crate::source::{Span, Spanned};

/// A container.
pub(super) fn of<'a>(report: &'a Report, container: &'a Container) -> wire::Container<'a> {
    let wire::Place { path, line } = place(report, container.span);
    let project = &report.project;
    let service = project.service(container);
    let stack = project.stack(container);
    let built = container.built.as_ref();
    let dockerfile = built.and_then(|built| project.dockerfile(built.document));
    let kind = match container.origin {
        Origin::Service { .. } => "service",
        Origin::Stage { .. } => "stage",
    };
    let decided = |span: Option<Span>| span.map(|span| place(report, span));
    let base = container.image.as_ref().filter(|_| built.is_some());
    let named = service.and_then(|service| service.image.as_ref()).map(|image| (image.value.as_str(), image.span));
    let image = named.or_else(|| container.image.as_ref().map(|image| (image.reference.as_str(), image.span)));
    let target = service.and_then(|service| service.build.as_ref()?.target.as_ref());
    wire::Container {
        name: report.value(&container.name),
        stack: stack.map(|stack| documents(report, &stack.files)).unwrap_or_default(),
        stack_name: stack.and_then(|stack| stack.name.as_deref()).map(|name| report.value(name)),
        active_profiles: stack
            .and_then(|stack| stack.profiles.as_ref())
            .map(|profiles| profiles.iter().map(|profile| report.value(&profile.value)).collect()),
        service: service.map(|_| report.value(&container.name)),
        stage: built.zip(dockerfile).map(|(built, dockerfile)| facts::stage_name(dockerfile, built.stage)),
        dockerfile: built.map(|built| report.sources.get(project.documents[built.document].file()).path.as_str()),
        target: target.map(|target| report.value(&target.value)),
        origin: wire::Origin { kind, path, line },
        partial: container.partial,
        environment: wire::Environment {
            value: container.environment.environment.name(),
            reason: report.value(&container.environment.reason),
            decided_by: decided(container.environment.decided_by),
        },
        image: image.map(|(reference, span)| wire::Image {
            reference: report.value(reference),
            decided_by: place(report, span),
        }),
        base: base
            .map(|base| wire::Image { reference: report.value(&base.reference), decided_by: place(report, base.span) }),
        user: fact(report, &container.user, |user| (Some(user.name.as_str()), facts::user_source(user.by))),
        healthcheck: healthcheck(report, &container.healthcheck),
        command: container.command.as_ref().map(|command| wire::Command {
            value: facts::command(report, &command.words),
            decided_by: place(report, command.span),
        }),
        ports: container.ports.iter().map(|it| port(report, it)).collect(),
        processes: container.processes.iter().map(|it| process(report, container, it)).collect(),
        supervisor: documents(report, &container.supervisors),
        nginx: documents(report, &container.servers),
        mounts: container.mounts.iter().map(|it| mount(report, it)).collect(),
        profiles: container.profiles.iter().map(|profile| report.value(&profile.value)).collect(),
        gaps: stack
            .into_iter()
            .flat_map(|stack| stack.gaps_of(&container.name))
            .map(|gap| wire::Gap {
                kind: gap.kind.name(),
                target: report.value(&gap.target),
                reason: gap.why.name(),
                decided_by: place(report, gap.span),
            })
            .collect(),
    }
}

/// A fact as it is written; `describe` says its value and what set it.
fn fact<'a, T>(
    report: &'a Report,
    fact: &'a Fact<T>,
    describe: impl Fn(&'a T) -> (Option<&'a str>, &'static str),
) -> wire::Fact<'a> {
    match fact {
        Fact::Known(known) => {
            let (value, source) = describe(&known.value);
            wire::Fact {
                value: value.map(|value| report.value(value)),
                known: true,
                source,
                decided_by: Some(place(report, known.span)),
            }
        }
        Fact::Absent(_) => wire::Fact { value: None, known: true, source: "nothing", decided_by: None },
        Fact::Unknown(why) => wire::Fact { value: None, known: false, source: unknown(*why), decided_by: None },
    }
}

fn unknown(why: Why) -> &'static str {
    match why {
        Why::UnknownImage => "unknown-image",
        Why::MissingDockerfile => "missing-dockerfile",
        Why::Variable => "variable",
        Why::Partial => "partial",
    }
}

fn healthcheck<'a>(report: &'a Report, fact: &Fact<Healthcheck>) -> wire::Healthcheck<'a> {
    let (present, source, span) = match fact {
        Fact::Known(Spanned { value, span }) => {
            let (present, source) = facts::healthcheck_source(value);
            (Some(present), source, Some(*span))
        }
        Fact::Absent(_) => (Some(false), "nothing", None),
        Fact::Unknown(why) => (None, unknown(*why), None),
    };
    wire::Healthcheck { present, source, decided_by: span.map(|span| place(report, span)) }
}

fn port<'a>(report: &'a Report, port: &'a Port) -> wire::Port<'a> {
    wire::Port {
        host_ip: port.host_ip.as_deref(),
        published: port.published.map(facts::range),
        target: facts::range(port.target),
        protocol: &port.protocol,
        reach: facts::reach(port.reach),
        decided_by: place(report, port.span),
    }
}

fn mount<'a>(report: &'a Report, mount: &'a Mount) -> wire::Mount<'a> {
    wire::Mount {
        kind: facts::mount_kind(mount.kind),
        source: mount.source.as_deref().map(|source| report.value(source)),
        target: mount.target.as_deref().map(|target| report.value(target)),
        read_only: mount.read_only,
        decided_by: place(report, mount.span),
    }
}

fn process<'a>(report: &'a Report, container: &'a Container, process: &'a Process) -> wire::Process<'a> {
    let shown = report.place(process.span);
    let origin = match &process.origin {
        ProcessOrigin::Main => "main",
        ProcessOrigin::Script(_) => "script",
        ProcessOrigin::PackageScript(_) => "package-script",
        ProcessOrigin::Program { .. } => "program",
    };
    wire::Process {
        origin,
        name: facts::process_name(report, process),
        programs: process.effective.commands.iter().map(|command| facts::program(report, command)).collect(),
        user: facts::process_user(report, container, process).map(|user| report.value(user)),
        command: report.masked(shown.span),
        decided_by: wire::Place { path: shown.path, line: shown.start.line },
    }
}
