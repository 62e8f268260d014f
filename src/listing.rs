//! The lists of `confscan rules` and `confscan files`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::finding::{Rule, Severity, Tier};
use crate::report::Options;
use crate::rules::RULES;
use crate::source::{FileId, Source, Sources};
use crate::text::{path_line_start, visible};

/// A rule in `confscan rules --format json`.
#[derive(Serialize)]
struct RuleEntry {
    id: &'static str,
    title: &'static str,
    severity: &'static str,
    confidence: &'static str,
    tier: &'static str,
    on: &'static str,
    tags: &'static [&'static str],
    replaces: &'static [&'static str],
    /// Whether confscan can change the file itself.
    fix: bool,
}

/// Writes every rule: a JSON array, or tables of the rules over each kind of node, worst first.
///
/// # Errors
/// Those of `out`.
pub fn rules(json: bool, options: Options, out: &mut dyn Write) -> io::Result<()> {
    if json {
        let entry = |rule: &'static Rule| RuleEntry {
            id: rule.id,
            title: rule.title,
            severity: rule.severity.name(),
            confidence: rule.confidence.name(),
            tier: tier(rule),
            on: rule.on,
            tags: rule.tags,
            replaces: rule.replaces,
            fix: false,
        };
        let rules: Vec<RuleEntry> = RULES.iter().map(|registered| entry(&registered.rule)).collect();
        serde_json::to_writer_pretty(&mut *out, &rules)?;
        return writeln!(out);
    }
    let mut groups: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for registered in RULES {
        groups.entry(registered.rule.on).or_default().push(&registered.rule);
    }
    let width = RULES.iter().map(|registered| registered.rule.id.len()).max().unwrap_or_default();
    for (index, (on, mut group)) in groups.into_iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        heading(on, options, out)?;
        group.sort_by_key(|rule| std::cmp::Reverse(rule.severity));
        for rule in group {
            let style = if options.color { severity_style(rule.severity) } else { Style::new() };
            let severity = rule.severity.name();
            write!(out, "  {:width$}  {style}{severity:8}{style:#}  {}", rule.id, rule.title)?;
            writeln!(out, "{}", if rule.tier == Tier::Pedantic { " (pedantic)" } else { "" })?;
        }
    }
    Ok(())
}

/// Writes which files were taken as what, and what was skipped.
///
/// # Errors
/// Those of `out`.
pub fn files(sources: &Sources, json: bool, options: Options, out: &mut dyn Write) -> io::Result<()> {
    if json {
        return crate::report::json::write_files(sources, out);
    }
    let gaps: BTreeSet<FileId> = sources.skipped.iter().filter_map(|skipped| Some(skipped.gap?.file)).collect();
    let mut taken: Vec<&Source> =
        sources.iter().filter(|(id, _)| !gaps.contains(id)).map(|(_, source)| source).collect();
    taken.sort_by_key(|source| &source.path);
    let taken = taken
        .iter()
        .map(|source| [path_line_start(&source.path).into(), source.kind.name().into(), visible(&source.why)]);
    let taken: Vec<_> = taken.collect();
    let skipped = sources.skipped.iter().map(|skipped| {
        let gap = if skipped.gap.is_some() { " (not graded)" } else { "" };
        [path_line_start(&skipped.path).into(), visible(&skipped.reason) + gap]
    });
    let skipped: Vec<_> = skipped.collect();
    table(&taken, out)?;
    if !skipped.is_empty() {
        if !taken.is_empty() {
            writeln!(out)?;
        }
        heading("skipped", options, out)?;
        table(&skipped, out)?;
    }
    Ok(())
}

/// The name of a rule's tier.
pub(crate) fn tier(rule: &Rule) -> &'static str {
    match rule.tier {
        Tier::Default => "default",
        Tier::Pedantic => "pedantic",
    }
}

/// The colour of a severity.
pub(crate) fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Info => Style::new().dimmed(),
    }
}

fn heading(text: &str, options: Options, out: &mut dyn Write) -> io::Result<()> {
    let style = if options.color { Style::new().bold() } else { Style::new() };
    writeln!(out, "{style}{text}{style:#}")
}

/// Widest column, in characters, that the other lines are aligned to: one very long path must not push the rest away.
const WIDEST: usize = 60;

/// Writes rows with their columns aligned.
fn table<const N: usize>(rows: &[[Cow<str>; N]], out: &mut dyn Write) -> io::Result<()> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().min(WIDEST).max(*width);
        }
    }
    for row in rows {
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            match index {
                _ if index + 1 == N => writeln!(out, "{cell}")?,
                _ => write!(out, "{cell:width$}  ")?,
            }
        }
    }
    Ok(())
}
