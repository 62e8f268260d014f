//! The job summary: Markdown that is good to look at in `$GITHUB_STEP_SUMMARY`, a merge request or a wiki.

mod escape;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) use escape::{LONGEST, text};

use super::words::{active, clip, compared, found, ignored, message, numbers, page_url, plural, remarks, term, unsure};
use super::{Place, Report};
use crate::exception::Exception;
use crate::finding::{Finding, Severity};
use crate::source::{FileId, Kind};

/// Bytes of a summary. GitHub takes 1 MiB for all that a step writes to its summary, and the step may write more.
const LIMIT: usize = 1_000_000;
/// Findings that are in sight; the others are folded away.
const OPEN: usize = 25;
/// Rows and bytes of each of the tables of what was not graded, of exceptions and of files.
const ROWS: usize = 200;
const TABLE: usize = 200_000;
/// Characters of one text in a cell, and of a path.
const CELL: usize = 600;
const PATH: usize = 200;

/// Writes the summary, and gives what was left out of it.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<Option<String>> {
    let (head, tail) = (head(report), exceptions(report) + &files(report));
    let (findings, left_out) = findings(report, LIMIT.saturating_sub(head.len() + tail.len()));
    for part in [head, findings, tail] {
        out.write_all(part.as_bytes())?;
    }
    Ok(left_out)
}

/// The title, the counts and what was not graded.
fn head(report: &Report) -> String {
    let mut out = format!("## confscan: {}\n\n", found(report));
    if !report.findings.is_empty() {
        let columns = Severity::ALL.map(|severity| format!(" {} {} |", sign(severity), severity.name())).concat();
        let counts = numbers(report.findings.iter()).map(|number| format!(" {number} |")).concat();
        out.push_str(&format!("|{columns}\n|:---:|:---:|:---:|:---:|:---:|\n|{counts}\n\n"));
    }
    let containers = plural(report.project.containers.len(), "container");
    out.push_str(&format!("{} and {containers} graded.\n", plural(report.graded(), "file")));
    for said in compared(report).map(|said| text(&said)).chain(unsure(report)) {
        out.push_str(&format!("\n{said}.\n"));
    }
    if report.has_gaps() {
        out.push_str(&format!("\n> [!WARNING]\n> Not everything was graded: {}.\n\n", report.gap_counts()));
        let gaps: Vec<&Finding> = report.gaps().collect();
        let rows = gaps.iter().map(|finding| {
            let message = text(&clip(&message(finding), CELL));
            format!("| {} | {message} |\n", place(report, finding))
        });
        table("| Not graded | Why |\n|---|---|\n", rows, &mut out);
    }
    out
}

/// Writes a table of as many rows as there is room for, and the number of the others. Its columns are those of `head`.
fn table(head: &str, rows: impl ExactSizeIterator<Item = String>, out: &mut String) {
    let (start, number) = (out.len(), rows.len());
    out.push_str(head);
    let mut shown = 0;
    for row in rows.take(ROWS) {
        if out.len() - start + row.len() > TABLE {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    if shown < number {
        let columns = head.lines().next().unwrap_or_default().matches('|').count() - 1;
        out.push_str(&format!("| … and {} more |{}\n", number - shown, " |".repeat(columns - 1)));
    }
}

/// The findings, worst first, in at most `room` bytes, and what did not fit.
fn findings(report: &Report, room: usize) -> (String, Option<String>) {
    const TABLE: &str = "| Severity | Finding | Where | Rule |\n|---|---|---|---|\n";
    // What follows the last row: the end of the fold and the note.
    const END: usize = 300;
    let findings = report.worst_first();
    if findings.is_empty() {
        return (String::new(), None);
    }
    let mut out = format!("\n### Worst first\n\n{TABLE}");
    let mut shown = 0;
    for finding in &findings {
        let mut row = row(report, finding);
        if shown == OPEN {
            let rest = plural(findings.len() - OPEN, "more finding");
            row = format!("\n<details>\n<summary>{rest}</summary>\n\n{TABLE}{row}");
        }
        if out.len() + row.len() + END > room {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    if shown > OPEN {
        out.push_str("\n</details>\n");
    }
    let left_out = findings.len() - shown;
    let note = (left_out > 0).then(|| {
        let left_out = plural(left_out, "finding");
        format!("{left_out} left out of the summary, the mildest ones: GitHub takes 1 MiB of it.")
    });
    if let Some(note) = &note {
        out.push_str(&format!("\n> [!IMPORTANT]\n> {note}\n"));
    }
    (out, note)
}

fn row(report: &Report, finding: &Finding) -> String {
    let mut what = text(&clip(&message(finding), CELL));
    for (kind, said) in remarks(report, finding) {
        what.push_str(&format!("<br><sub>**{kind}:** {}</sub>", text(&clip(&said, CELL))));
    }
    let severity = finding.severity;
    let rule = finding.rule.id;
    let place = place(report, finding);
    format!("| {} {} | {what} | {place} | [{}]({}) |\n", sign(severity), severity.name(), text(rule), page_url(rule))
}

fn place(report: &Report, finding: &Finding) -> String {
    let Place { path, start, .. } = report.place(finding.primary());
    escape::as_code(&format!("{}:{}", clip(path, PATH), start.line))
}

/// Every exception that hides something, with its reason, its age and how long it holds, folded away.
fn exceptions(report: &Report) -> String {
    let Some(ignored) = ignored(report) else { return String::new() };
    let mut out = format!("\n<details>\n<summary>{}</summary>\n\n", text(&ignored));
    let active: Vec<&Exception> = active(report).collect();
    let rows = active.iter().map(|exception| {
        let ignore = &exception.ignore;
        let used = ignore.rules.iter().filter(|rule| !exception.unused.contains(rule));
        let rules = used.map(|rule| text(&clip(rule, PATH))).collect::<Vec<_>>().join(", ");
        let (path, line) = report.exception_place(exception).unwrap_or_default();
        let place = escape::as_code(&format!("{}:{line}", clip(path, PATH)));
        let reason = ignore.reason.as_deref().map_or("no reason given".to_owned(), |why| text(&clip(why, CELL)));
        let term = term(exception, report.today).unwrap_or_default();
        format!("| {rules} | {} | {place} | {reason} | {term} |\n", exception.hides)
    });
    table("| Ignored | Findings | Where | Why | Since, until |\n|---|---:|---|---|---|\n", rows, &mut out);
    out.push_str("\n</details>\n");
    out
}

/// The files with what was found in each, folded away.
fn files(report: &Report) -> String {
    let mut found: BTreeMap<FileId, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        found.entry(finding.primary().file).or_default().push(finding);
    }
    let files = report.sources.iter();
    let mut files: Vec<_> =
        files.filter(|(id, source)| source.kind != Kind::Auxiliary || found.contains_key(id)).collect();
    if files.is_empty() {
        return String::new();
    }
    files.sort_by_key(|(_, source)| &source.path);
    let columns = Severity::ALL.map(|severity| format!(" {} |", sign(severity))).concat();
    let mut out = format!("\n<details>\n<summary>{}</summary>\n\n", plural(files.len(), "file"));
    let rows = files.iter().map(|(id, source)| {
        let numbers = numbers(found.get(id).into_iter().flatten().copied());
        let cells = numbers.map(|number| if number == 0 { "  |".to_owned() } else { format!(" {number} |") }).concat();
        let path = escape::as_code(&clip(&source.path, PATH));
        format!("| {path} | {} |{cells}\n", source.kind.name())
    });
    table(&format!("| File | Kind |{columns}\n|---|---|---:|---:|---:|---:|---:|\n"), rows, &mut out);
    out.push_str("\n</details>\n");
    out
}

/// A coloured sign, for rows to be told apart at a glance.
fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🟥",
        Severity::High => "🟧",
        Severity::Medium => "🟨",
        Severity::Low => "🟦",
        Severity::Info => "⬜",
    }
}
