//! The terminal report: file by file, the worst first, and a summary at the end, where a terminal stops.

mod chain;
mod excerpt;
mod summary;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::words::{counts, note, stacks};
use super::{Options, Place, Report};
use crate::finding::{Confidence, Finding, Severity};
use crate::text::{path_line_start, visible};

/// Findings of one rule that are shown in one file when it has more than [`COLLAPSE`].
const SHOWN: usize = 5;
/// Findings of one rule that are shown in the whole report where they are low or info: they recur in every service, and
/// whoever has read five of them knows the rest.
const MILD_SHOWN: usize = 5;
/// Findings of one rule in one file above which the mildest are only counted. One more than [`SHOWN`]: a line that
/// stands for a single finding would save nothing.
const COLLAPSE: usize = 6;
/// Columns to write where the terminal does not say.
const WIDTH: usize = 120;
/// Narrower than this, excerpts would show nothing.
const NARROWEST: usize = 40;

/// Writes the report for a person.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { report, color: options.color, width: options.width.unwrap_or(WIDTH).max(NARROWEST) };
    if options.quiet {
        return report.findings.iter().try_for_each(|finding| page.line(finding, out));
    }
    let findings = worst_first(&report.findings);
    let hidden = collapsed(&findings);
    let mut at = 0;
    for findings in findings.chunk_by(|a, b| a.primary().file == b.primary().file) {
        page.file(findings, &hidden[at..at + findings.len()], out)?;
        at += findings.len();
    }
    summary::write(&page, hidden.iter().filter(|hidden| **hidden).count(), out)
}

/// What is needed to lay out a part of the report.
struct Page<'a> {
    report: &'a Report,
    color: bool,
    width: usize,
}

impl Page<'_> {
    /// `text` in `style` where colours are wanted.
    fn paint(&self, style: Style, text: impl std::fmt::Display) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// One finding on one line.
    fn line(&self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        let Place { path, start, .. } = self.report.place(finding.primary());
        let severity = self.paint(style(finding.severity), finding.severity.name());
        let (path, message) = (path_line_start(path), visible(&finding.message));
        let guess = if finding.confidence == Confidence::Guess { " (guess)" } else { "" };
        writeln!(out, "{path}:{}:{}: {severity}: {message} [{}]{guess}", start.line, start.column, finding.rule.id)
    }

    /// The findings of one file, but for those that are only counted. A file in which nothing is shown is left out.
    fn file(&self, findings: &[&Finding], hidden: &[bool], out: &mut dyn Write) -> io::Result<()> {
        if hidden.iter().all(|hidden| *hidden) {
            return Ok(());
        }
        let path = &self.report.sources.get(findings[0].primary().file).path;
        let counts = counts(findings.iter().copied());
        writeln!(out, "{}: {counts}", self.paint(Style::new().bold(), path_line_start(path)))?;
        // The stacks that most of the findings are seen through are named once for all of them.
        let said = usual_stacks(findings);
        if let Some(stacks) = stacks(self.report, said) {
            writeln!(out, "{stacks}")?;
        }
        writeln!(out)?;
        for (finding, _) in findings.iter().zip(hidden).filter(|(_, hidden)| !**hidden) {
            self.finding(finding, said, out)?;
        }
        let mut more: Vec<(&str, Vec<u32>)> = Vec::new();
        for (finding, _) in findings.iter().zip(hidden).filter(|(_, hidden)| **hidden) {
            let line = self.report.place(finding.primary()).start.line;
            match more.iter_mut().find(|(rule, _)| *rule == finding.rule.id) {
                Some((_, lines)) => lines.push(line),
                None => more.push((finding.rule.id, vec![line])),
            }
        }
        for (rule, lines) in &more {
            let shown: Vec<String> = lines.iter().take(12).map(u32::to_string).collect();
            let rest = if lines.len() > shown.len() { ", …" } else { "" };
            let noun = if lines.len() == 1 { "line" } else { "lines" };
            writeln!(out, "… and {} more of {rule} in this file ({noun} {}{rest})", lines.len(), shown.join(", "))?;
        }
        if more.is_empty() { Ok(()) } else { writeln!(out) }
    }

    /// One finding with its excerpts.
    fn finding(&self, finding: &Finding, said: &[usize], out: &mut dyn Write) -> io::Result<()> {
        let severity = format!("{}[{}]", finding.severity.name(), finding.rule.id);
        let bold = Style::new().bold();
        writeln!(
            out,
            "{}{}",
            self.paint(style(finding.severity).bold(), severity),
            self.paint(bold, format_args!(": {}", visible(&finding.message)))
        )?;
        let gutter = excerpt::write(self, finding, out)?;
        let blue = Style::new().fg_color(Some(AnsiColor::BrightBlue.into())).bold();
        let remark = |out: &mut dyn Write, kind: &str, text: &str| {
            writeln!(out, "{:gutter$} {} {}: {text}", "", self.paint(blue, "="), self.paint(bold, kind))
        };
        self.chain(finding, gutter, out)?;
        if let Some(help) = &finding.help {
            remark(out, "help", &visible(help))?;
        }
        if let Some(note) = note(self.report, finding, said) {
            remark(out, "note", &note)?;
        }
        writeln!(out)
    }
}

/// The stacks that most of the findings of a file are seen through.
fn usual_stacks<'a>(findings: &[&'a Finding]) -> &'a [usize] {
    let mut counts: HashMap<&[usize], usize> = HashMap::new();
    findings.iter().for_each(|finding| *counts.entry(&finding.stacks).or_default() += 1);
    counts.into_iter().max_by_key(|(stacks, count)| (*count, Reverse(*stacks))).map_or(&[], |(stacks, _)| stacks)
}

/// The findings file by file: the file with the worst first, in it the worst first, and equally bad ones in the order of
/// the report.
fn worst_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut files: Vec<Vec<&Finding>> = findings
        .chunk_by(|a, b| a.primary().file == b.primary().file)
        .map(|findings| {
            let mut findings: Vec<&Finding> = findings.iter().collect();
            findings.sort_by_key(|finding| Reverse(finding.severity));
            findings
        })
        .collect();
    files.sort_by_key(|findings| findings.first().map(|finding| Reverse(finding.severity)));
    files.concat()
}

/// Which findings are only counted: of each rule with many in one file, all but the worst, and of equally bad ones the
/// first; and of each rule's low and info findings, all but the first in the report.
fn collapsed(findings: &[&Finding]) -> Vec<bool> {
    let mut hidden = vec![false; findings.len()];
    let mut in_file: HashMap<_, Vec<usize>> = HashMap::new();
    let mut mild: HashMap<&str, usize> = HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        in_file.entry((finding.primary().file, finding.rule.id)).or_default().push(index);
        if finding.severity <= Severity::Low {
            let shown = mild.entry(finding.rule.id).or_default();
            *shown += 1;
            hidden[index] = *shown > MILD_SHOWN;
        }
    }
    for mut indices in in_file.into_values().filter(|indices| indices.len() > COLLAPSE) {
        indices.sort_by_key(|&index| (Reverse(findings[index].severity), index));
        indices[SHOWN..].iter().for_each(|&index| hidden[index] = true);
    }
    hidden
}

/// The colour of a severity.
fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical | Severity::High => AnsiColor::BrightRed,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::BrightCyan,
        Severity::Info => AnsiColor::BrightGreen,
    };
    Style::new().fg_color(Some(color.into()))
}
