//! The JSON report: `docs/json.md` is its contract.
//!
//! It is written as it is made, one finding, container, file and error per line, so that two reports can be compared
//! line by line.

mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::{Place, Report, escape};
use crate::container::facet::{Port, Reach};
use crate::container::{Container, DocumentId, Fact, Healthcheck, Origin, Process, ProcessOrigin, UserSource, Why};
use crate::finding::{Finding, Severity};
use crate::source::{FileId, Sources, Span};

/// Version of the format: the number changes when a field is removed or changes its meaning, not when one is added.
const SCHEMA: &str = "confscan/1";

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    field(out, "{\n", "schema", &SCHEMA)?;
    field(out, ",\n", "tool", &wire::Tool { name: "confscan", version: env!("CARGO_PKG_VERSION") })?;
    field(out, ",\n", "summary", &summary(report))?;
    list(out, "findings", report.findings.iter().map(|it| finding(report, it)))?;
    list(out, "containers", report.project.containers.iter().map(|it| container(report, it)))?;
    list(out, "files", files(&report.sources).into_iter())?;
    list(out, "errors", report.findings.iter().filter(|it| it.gap).map(|it| error(report, it)))?;
    out.write_all(b"\n}\n")
}

/// Writes the files alone, for `confscan files`: `schema`, `tool` and `files` of the report.
///
/// # Errors
/// Those of `out`.
pub fn write_files(sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    field(out, "{\n", "schema", &SCHEMA)?;
    field(out, ",\n", "tool", &wire::Tool { name: "confscan", version: env!("CARGO_PKG_VERSION") })?;
    list(out, "files", files(sources).into_iter())?;
    out.write_all(b"\n}\n")
}

fn field(out: &mut dyn Write, before: &str, name: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, "{before}\"{name}\":")?;
    escape::json(out, value)
}

fn list(out: &mut dyn Write, name: &str, items: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
    write!(out, ",\n\"{name}\":[")?;
    let mut before = "\n";
    for item in items {
        out.write_all(before.as_bytes())?;
        escape::json(out, &item)?;
        before = ",\n";
    }
    out.write_all(if before == "\n" { b"]" } else { b"\n]" })
}

fn summary(report: &Report) -> wire::Summary {
    let mut counts = report.counts().into_iter();
    let mut next = |severity: Severity| counts.find(|(of, _)| *of == severity).map_or(0, |(_, count)| count);
    let errors = report.findings.iter().filter(|finding| finding.gap).count();
    wire::Summary {
        findings: report.findings.len(),
        critical: next(Severity::Critical),
        high: next(Severity::High),
        medium: next(Severity::Medium),
        low: next(Severity::Low),
        info: next(Severity::Info),
        containers: report.project.containers.len(),
        files: report.graded(),
        skipped: report.sources.skipped.len(),
        errors,
        complete: errors == 0,
    }
}

fn location(report: &Report, span: Span) -> wire::Location<'_> {
    let Place { path, start, end, .. } = report.place(span);
    wire::Location { path, line: start.line, column: start.column, end_line: end.line, end_column: end.column }
}

fn place(report: &Report, span: Span) -> wire::Place<'_> {
    let Place { path, start, .. } = report.place(span);
    wire::Place { path, line: start.line }
}

fn finding<'a>(report: &'a Report, finding: &'a Finding) -> wire::Finding<'a> {
    let primary = report.place(finding.primary());
    let related = finding.labels[1..].iter();
    wire::Finding {
        rule: finding.rule.id,
        title: finding.rule.title,
        severity: finding.severity.name(),
        confidence: finding.confidence.name(),
        message: &finding.message,
        location: location(report, finding.primary()),
        snippet: report.masked(primary.span),
        related: related
            .map(|label| wire::Related { message: &label.message, location: location(report, label.span) })
            .collect(),
        chain: finding
            .chain
            .iter()
            .map(|label| wire::Related { message: &label.message, location: location(report, label.span) })
            .collect(),
        help: finding.help.as_deref(),
        container: finding.container.as_deref(),
        also: &finding.also,
        stacks: finding
            .stacks
            .iter()
            .filter_map(|&stack| report.project.stacks.get(stack))
            .map(|stack| documents(report, &stack.files))
            .collect(),
        environment: finding.environment.name(),
        node: &finding.node,
        fingerprint: &finding.fingerprint,
        fix: None,
    }
}

fn container<'a>(report: &'a Report, container: &'a Container) -> wire::Container<'a> {
    let wire::Place { path, line } = place(report, container.span);
    let kind = match container.origin {
        Origin::Service { .. } => "service",
        Origin::Stage { .. } => "stage",
    };
    wire::Container {
        name: &container.name,
        origin: wire::Origin { kind, path, line },
        partial: container.partial,
        environment: wire::Environment {
            value: container.environment.environment.name(),
            reason: &container.environment.reason,
        },
        image: container.image.as_ref().map(|image| image.reference.as_str()),
        user: fact(report, &container.user, |user| {
            let source = match user.by {
                UserSource::Compose => "compose",
                UserSource::Dockerfile => "dockerfile",
                UserSource::KnownImage => "known-image",
            };
            (Some(user.name.as_str()), source)
        }),
        healthcheck: fact(report, &container.healthcheck, |healthcheck| match healthcheck {
            Healthcheck::Compose => (Some("enabled"), "compose"),
            Healthcheck::Dockerfile => (Some("enabled"), "dockerfile"),
            Healthcheck::KnownImage => (Some("enabled"), "known-image"),
            Healthcheck::Disabled => (Some("disabled"), "disabled"),
        }),
        ports: container.ports.iter().map(|it| port(report, it)).collect(),
        processes: container.processes.iter().map(|it| process(report, it)).collect(),
        supervisor: documents(report, &container.supervisors),
        nginx: documents(report, &container.servers),
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
            wire::Fact { value, known: true, source, decided_by: Some(place(report, known.span)) }
        }
        Fact::Absent(_) => wire::Fact { value: None, known: true, source: "nothing", decided_by: None },
        Fact::Unknown(why) => {
            let source = match why {
                Why::UnknownImage => "unknown-image",
                Why::MissingDockerfile => "missing-dockerfile",
                Why::Variable => "variable",
                Why::Partial => "partial",
            };
            wire::Fact { value: None, known: false, source, decided_by: None }
        }
    }
}

fn port<'a>(report: &'a Report, port: &'a Port) -> wire::Port<'a> {
    let range = |(first, last): (u16, u16)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    let wire::Place { path, line } = place(report, port.span);
    wire::Port {
        published: port.published.map(range),
        target: range(port.target),
        protocol: &port.protocol,
        host_ip: port.host_ip.as_deref(),
        reach: match port.reach {
            Reach::Everyone => "everyone",
            Reach::Address => "address",
            Reach::Private => "private",
            Reach::Loopback => "loopback",
            Reach::Unknown => "unknown",
        },
        path,
        line,
    }
}

fn process<'a>(report: &'a Report, process: &'a Process) -> wire::Process<'a> {
    let shown = report.place(process.span);
    let (origin, name) = match &process.origin {
        ProcessOrigin::Main => ("main", None),
        ProcessOrigin::Script(path) => ("script", Some(path.as_str())),
        ProcessOrigin::PackageScript(name) => ("package-script", Some(name.as_str())),
        ProcessOrigin::Program { name, .. } => ("program", Some(name.as_str())),
    };
    wire::Process { origin, name, command: report.masked(shown.span), path: shown.path, line: shown.start.line }
}

fn documents<'a>(report: &'a Report, documents: &[DocumentId]) -> Vec<&'a str> {
    let known = documents.iter().filter_map(|&document| report.project.documents.get(document));
    known.map(|document| report.sources.get(document.file()).path.as_str()).collect()
}

/// Every file and every path that was not read, by path.
fn files(sources: &Sources) -> Vec<wire::File<'_>> {
    let skipped = &sources.skipped;
    let stand_ins: BTreeSet<FileId> = skipped.iter().filter_map(|skipped| skipped.gap).collect();
    let read = sources.iter().filter(|(id, _)| !stand_ins.contains(id)).map(|(_, source)| wire::File {
        path: &source.path,
        kind: Some(source.kind.name()),
        why: Some(&source.why),
        skipped: None,
        gap: false,
    });
    let not_read = skipped.iter().map(|skipped| wire::File {
        path: &skipped.path,
        kind: None,
        why: None,
        skipped: Some(&skipped.reason),
        gap: skipped.gap.is_some(),
    });
    let mut files: Vec<_> = read.chain(not_read).collect();
    files.sort_by_key(|file| file.path);
    files
}

fn error<'a>(report: &'a Report, finding: &'a Finding) -> wire::Error<'a> {
    let wire::Place { path, line } = place(report, finding.primary());
    wire::Error { rule: finding.rule.id, message: &finding.message, path, line }
}
