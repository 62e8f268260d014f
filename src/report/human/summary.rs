//! The end of the terminal report, which is what stays in sight: the worst first, then the numbers.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::Style;

use super::{Page, style};
use crate::finding::{Finding, Severity};
use crate::report::words::{counts, plural};
use crate::text::visible;

/// Rules that the summary names.
const RULES: usize = 8;
/// Places that it names of each.
const PLACES: usize = 2;

/// Writes the summary; `hidden` is the number of findings that are only counted.
pub(super) fn write(page: &Page, hidden: usize, out: &mut dyn Write) -> io::Result<()> {
    let report = page.report;
    let files = plural(report.graded(), "file");
    let containers = plural(report.project.containers.len(), "container");
    if report.findings.is_empty() {
        return writeln!(out, "No findings in {files} and {containers}.");
    }
    worst(page, out)?;
    let with = report.findings.chunk_by(|a, b| a.primary().file == b.primary().file).count();
    let total = page.paint(Style::new().bold(), plural(report.findings.len(), "finding"));
    let counts = counts(report.findings.iter());
    writeln!(out, "{total} in {}: {counts} ({files} and {containers} graded)", plural(with, "file"))?;
    if hidden > 0 {
        writeln!(out, "{hidden} of them were not shown, being like others: `--quiet` lists every one")?;
    }
    if report.has_gaps() {
        let warning = page.paint(style(Severity::High).bold(), "Not everything was graded");
        writeln!(out, "{warning}: {}", report.gap_counts())?;
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
