//! The lists of `confscan rules` and `confscan files`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::finding::{Rule, Severity, Tier};
use crate::report::Options;
use crate::rules::RULES;
use crate::source::{FileId, Sources};
use crate::text::visible;

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

/// The list in `confscan files --format json`.
#[derive(Serialize)]
struct FileList<'a> {
    schema: &'static str,
    files: Vec<FileEntry<'a>>,
    skipped: Vec<SkippedEntry<'a>>,
}

#[derive(Serialize)]
struct FileEntry<'a> {
    path: &'a str,
    kind: &'static str,
    why: &'a str,
}

#[derive(Serialize)]
struct SkippedEntry<'a> {
    path: &'a str,
    reason: &'a str,
    /// It would have been graded.
    gap: bool,
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
        return document(&rules, out);
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
    let gaps: Vec<FileId> = sources.skipped.iter().filter_map(|skipped| skipped.gap).collect();
    let mut taken: Vec<FileEntry> = sources
        .iter()
        .filter(|(id, source)| !source.why.is_empty() || !gaps.contains(id))
        .map(|(_, source)| FileEntry { path: &source.path, kind: source.kind.name(), why: &source.why })
        .collect();
    taken.sort_by_key(|file| file.path);
    let skipped: Vec<SkippedEntry> = sources
        .skipped
        .iter()
        .map(|skipped| SkippedEntry { path: &skipped.path, reason: &skipped.reason, gap: skipped.gap.is_some() })
        .collect();
    if json {
        return document(&FileList { schema: "confscan/1", files: taken, skipped }, out);
    }
    let taken = taken.iter().map(|file| [visible(file.path), file.kind.into(), visible(file.why)]);
    let taken: Vec<_> = taken.collect();
    let shown = skipped.iter().map(|skipped| {
        let gap = if skipped.gap { " (not graded)" } else { "" };
        [visible(skipped.path), visible(skipped.reason) + gap]
    });
    let shown: Vec<_> = shown.collect();
    table(&taken, out)?;
    if !shown.is_empty() {
        if !taken.is_empty() {
            writeln!(out)?;
        }
        heading("skipped", options, out)?;
        table(&shown, out)?;
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

fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Widest column, in characters, that the other lines are aligned to: one very long path must not push the rest away.
const WIDEST: usize = 60;

/// Writes rows with their columns aligned.
fn table<const N: usize>(rows: &[[std::borrow::Cow<str>; N]], out: &mut dyn Write) -> io::Result<()> {
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
