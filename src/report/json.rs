//! The JSON report: `docs/json.md` is its contract.
//!
//! It is written as it is made, one finding, container, file and error per line, so that two reports can be compared
//! line by line.

mod container;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::{Place, Report};
use crate::baseline::Comparison;
use crate::container::DocumentId;
use crate::escape;
use crate::exception::Since;
use crate::finding::{Finding, Severity};
use crate::source::{FileId, Sources, Span};

/// Version of the format: the number changes when a field is removed or changes its meaning, not when one is added.
const SCHEMA: &str = "confscan/1";

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    escape::field(out, "{\n", "schema", &SCHEMA)?;
    escape::field(out, ",\n", "tool", &wire::Tool { name: "confscan", version: env!("CARGO_PKG_VERSION") })?;
    escape::field(out, ",\n", "summary", &summary(report))?;
    list(out, "findings", report.findings.iter().map(|it| finding(report, it)))?;
    list(out, "suppressed", report.suppressed.iter().filter_map(|(it, by)| suppressed(report, it, *by)))?;
    list(out, "known", report.known.iter().map(|it| known(report, it)))?;
    list(out, "comparisons", report.comparisons.iter().map(comparison))?;
    list(out, "containers", report.project.containers.iter().map(|it| container::of(report, it)))?;
    list(out, "files", files(&report.sources).into_iter())?;
    list(out, "errors", report.gaps().map(|it| error(report, it)))?;
    out.write_all(b"\n}\n")
}

/// Writes the containers alone, for `confscan containers`: `schema`, `tool` and `containers` of the report.
///
/// # Errors
/// Those of `out`.
pub fn write_containers(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    escape::field(out, "{\n", "schema", &SCHEMA)?;
    escape::field(out, ",\n", "tool", &wire::Tool { name: "confscan", version: env!("CARGO_PKG_VERSION") })?;
    list(out, "containers", report.project.containers.iter().map(|it| container::of(report, it)))?;
    out.write_all(b"\n}\n")
}

/// Writes the files alone, for `confscan files`: `schema`, `tool` and `files` of the report.
///
/// # Errors
/// Those of `out`.
pub fn write_files(sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    escape::field(out, "{\n", "schema", &SCHEMA)?;
    escape::field(out, ",\n", "tool", &wire::Tool { name: "confscan", version: env!("CARGO_PKG_VERSION") })?;
    list(out, "files", files(sources).into_iter())?;
    out.write_all(b"\n}\n")
}

fn list(out: &mut dyn Write, name: &str, items: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
    escape::array(out, &format!(",\n\"{name}\":"), items)
}

fn summary(report: &Report) -> wire::Summary {
    let mut counts = report.counts().into_iter();
    let mut next = |severity: Severity| counts.find(|(of, _)| *of == severity).map_or(0, |(_, count)| count);
    let errors = report.gaps().count();
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
        suppressed: report.suppressed.len(),
        known: report.known.len(),
        fixed: report.comparisons.iter().map(|comparison| comparison.fixed.len()).sum(),
        unsure: report.unsure,
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

fn suppressed<'a>(report: &'a Report, finding: &'a Finding, exception: usize) -> Option<wire::Suppressed<'a>> {
    let exception = report.exceptions.get(exception)?;
    let ignore = &exception.ignore;
    let (path, line) = report.exception_place(exception).unzip();
    Some(wire::Suppressed {
        rule: finding.rule.id,
        severity: finding.severity.name(),
        message: &finding.message,
        location: location(report, finding.primary()),
        container: finding.container.as_deref(),
        node: &finding.node,
        fingerprint: &finding.fingerprint,
        kind: ignore.kind(),
        path,
        line,
        reason: ignore.reason.as_deref(),
        since: exception.since.map(|since| since.date.to_string()),
        age_days: exception.since.zip(report.today).map(|(since, today)| since.days(today)),
        age_at_least: exception.since.is_some_and(|since| since.at_least),
        until: ignore.until.as_ref().map(|until| until.text.as_str()),
        days_left: report.today.and_then(|today| ignore.days_left(today)),
    })
}

fn known<'a>(report: &'a Report, finding: &'a Finding) -> wire::Known<'a> {
    let wire::Place { path, line } = place(report, finding.primary());
    let since = report.comparisons.iter().filter_map(|comparison| comparison.since.get(&finding.fingerprint));
    let since = since.min().map(|date| Since { date: *date, at_least: false });
    wire::Known {
        rule: finding.rule.id,
        severity: finding.severity.name(),
        path,
        line,
        node: &finding.node,
        fingerprint: &finding.fingerprint,
        since: since.map(|since| since.date.to_string()),
        age_days: since.zip(report.today).map(|(since, today)| since.days(today)),
    }
}

fn comparison(comparison: &Comparison) -> wire::Comparison<'_> {
    let fixed = comparison.fixed.iter().map(|entry| wire::Fixed {
        rule: &entry.rule,
        path: &entry.path,
        node: &entry.node,
        fingerprint: &entry.fingerprint,
        since: entry.since.map(|date| date.to_string()),
    });
    wire::Comparison {
        kind: comparison.with.kind(),
        name: comparison.with.name(),
        known: comparison.known,
        fixed: fixed.collect(),
    }
}

fn documents<'a>(report: &'a Report, documents: &[DocumentId]) -> Vec<&'a str> {
    let known = documents.iter().filter_map(|&document| report.project.documents.get(document));
    known.map(|document| report.sources.get(document.file()).path.as_str()).collect()
}

/// Every file and every path that was not read, by path.
fn files(sources: &Sources) -> Vec<wire::File<'_>> {
    let skipped = &sources.skipped;
    let stand_ins: BTreeSet<FileId> = skipped.iter().filter_map(|skipped| Some(skipped.gap?.file)).collect();
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
