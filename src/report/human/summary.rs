//! The end of the terminal report, which is what stays in sight: the worst first, then the numbers.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::Style;

use super::{Page, style};
use crate::baseline::{Comparison, With};
use crate::finding::{Finding, Severity};
use crate::report::words::{accepted, active, capital, counts, found, plural, term, unsure};
use crate::text::{path_line_start, visible};

/// Rules that the summary names.
const RULES: usize = 8;
/// Places that it names of each.
const PLACES: usize = 2;

/// Findings that it names of those that are fixed.
const FIXED: usize = 20;

/// Writes the summary; `hidden` is the number of findings that are only counted.
pub(super) fn write(page: &Page, hidden: usize, out: &mut dyn Write) -> io::Result<()> {
    let report = page.report;
    let files = plural(report.graded(), "file");
    let containers = plural(report.project.containers.len(), "container");
    if report.findings.is_empty() {
        writeln!(out, "{} in {files} and {containers}.", capital(&found(report)))?;
        return rest(page, out);
    }
    worst(page, out)?;
    let with = report.findings.chunk_by(|a, b| a.primary().file == b.primary().file).count();
    let total = page.paint(Style::new().bold(), found(report));
    let counts = counts(report.findings.iter());
    writeln!(out, "{total} in {}: {counts} ({files} and {containers} graded)", plural(with, "file"))?;
    if hidden > 0 {
        writeln!(out, "{hidden} of them were not shown, being like others: `--quiet` lists every one")?;
    }
    rest(page, out)
}

/// What was not graded, what is known and what is ignored.
fn rest(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let report = page.report;
    if report.has_gaps() {
        let warning = page.paint(style(Severity::High).bold(), "Not everything was graded");
        writeln!(out, "{warning}: {}", report.gap_counts())?;
    }
    comparisons(page, out)?;
    if let Some(unsure) = unsure(report) {
        writeln!(out, "{unsure}")?;
    }
    exceptions(page, out)
}

/// What the scan was compared with: how much was known, and what is fixed.
fn comparisons(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    for comparison in &page.report.comparisons {
        let Comparison { with, known, fixed, .. } = comparison;
        let name = visible(with.name());
        let known = page.paint(Style::new().bold(), plural(*known, "known finding"));
        let oldest = accepted(comparison, page.report.today);
        writeln!(out, "{known} not shown: compared with {name}{oldest}")?;
        if fixed.is_empty() {
            continue;
        }
        let prune = match with {
            With::Baseline(_) => "; `confscan baseline` takes them out",
            With::Commit(_) => "",
        };
        writeln!(out, "{} of {name} fixed or ignored by now{prune}:", plural(fixed.len(), "finding"))?;
        for entry in fixed.iter().take(FIXED) {
            let (path, node) = (path_line_start(&entry.path), visible(&entry.node));
            let node = if node.is_empty() { String::new() } else { format!(" ({node})") };
            writeln!(out, "  {path}: {}{node}", visible(&entry.rule))?;
        }
        if fixed.len() > FIXED {
            writeln!(out, "  … and {} more", fixed.len() - FIXED)?;
        }
    }
    Ok(())
}

/// Every exception that hides something, with its reason and how long it holds.
fn exceptions(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let report = page.report;
    let hidden = active(report).map(|exception| exception.hides).sum();
    if hidden == 0 {
        return Ok(());
    }
    let hidden = page.paint(Style::new().bold(), plural(hidden, "finding"));
    match report.no_ignores {
        true => writeln!(out, "{hidden} would be ignored without `--no-ignores`:")?,
        false => writeln!(out, "{hidden} ignored:")?,
    }
    for exception in active(report) {
        let ignore = &exception.ignore;
        let (path, line) = report.exception_place(exception).unwrap_or_default();
        let used = ignore.rules.iter().filter(|rule| !exception.unused.contains(rule));
        let rules: Vec<_> = used.map(|rule| visible(rule)).collect();
        let reason = ignore.reason.as_deref().map_or("no reason given".into(), visible);
        let term = term(exception, report.today).map(|term| format!(" ({term})")).unwrap_or_default();
        let times = if exception.hides > 1 { format!(" ×{}", exception.hides) } else { String::new() };
        writeln!(out, "  {}:{line}: {}{times}: {reason}{term}", path_line_start(path), rules.join(", "))?;
    }
    Ok(())
}

/// The rules of the worst findings, with where they were found.
fn worst(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let mut by_rule: HashMap<(Severity, &str), Vec<&Finding>> = HashMap::new();
    for finding in &page.report.findings {
        by_rule.entry((finding.severity, finding.rule.id)).or_default().push(finding);
    }
    let mut rules: Vec<_> = by_rule.into_iter().collect();
    rules.sort_by(|((severity, id), found), ((other_severity, other_id), other)| {
        (other_severity, other.len(), id).cmp(&(severity, found.len(), other_id))
    });
    let more = rules.len().saturating_sub(RULES);
    rules.truncate(RULES);
    let id_width = rules.iter().map(|((_, id), _)| id.len()).max().unwrap_or(0);
    writeln!(out, "{}", page.paint(Style::new().bold(), "Worst first:"))?;
    for ((severity, id), found) in &rules {
        let places = found.iter().take(PLACES).map(|finding| {
            let place = page.report.place(finding.primary());
            format!("{}:{}", visible(place.path), place.start.line)
        });
        let places = places.collect::<Vec<_>>().join(", ");
        let rest = if found.len() > PLACES { ", …" } else { "" };
        let severity = page.paint(style(*severity), format_args!("{:8}", severity.name()));
        writeln!(out, "  {severity} {:>4}  {id:id_width$}  {places}{rest}", found.len())?;
    }
    if more > 0 {
        writeln!(out, "  … and {} with milder or fewer findings", plural(more, "rule"))?;
    }
    writeln!(out, "`confscan explain RULE` says why it matters and what to do.\n")
}
