//! Pieces of text that several formats are made of.

use std::borrow::Cow;

use jiff::civil::Date;

use super::Report;
use crate::baseline::Comparison;
use crate::container::Environment;
use crate::exception::{Exception, Since};
use crate::finding::{Confidence, Finding, Severity};
use crate::project::stacks::Stack;
use crate::suppress;
use crate::text::visible;

/// `text` with a full stop.
pub(super) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{text}{stop}")
}

/// `text` as far as `most` characters, the last of them a sign of the cut.
pub(super) fn clip(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect::<String>().into(),
        None => text.into(),
    }
}

/// What is wrong, as a sentence on one line.
pub(super) fn message(finding: &Finding) -> String {
    capital(&sentence(&visible(&finding.message)))
}

/// What to do, likewise.
pub(super) fn help(finding: &Finding) -> Option<String> {
    finding.help.as_ref().map(|help| capital(&sentence(&visible(help))))
}

/// What is wrong and what to do.
pub(super) fn told(finding: &Finding) -> String {
    let told = [Some(message(finding)), help(finding)];
    told.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Help and note, as lines that say what they are.
pub(super) fn remarks(report: &Report, finding: &Finding) -> impl Iterator<Item = (&'static str, String)> {
    let note = note(report, finding, &[]).map(|note| ("Note", capital(&sentence(&note))));
    help(finding).map(|help| ("Help", help)).into_iter().chain(note)
}

/// `text` with a capital letter at its start.
pub(super) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// Which container the finding is about and how sure it is, where that says more than the message does. The stacks in
/// `said` need not be named again.
pub(super) fn note(report: &Report, finding: &Finding, said: &[usize]) -> Option<String> {
    let mut parts = Vec::new();
    if finding.confidence == Confidence::Guess {
        parts.push("this is a guess, which fails no scan: what would decide it is not in the files".to_owned());
    }
    let environment = match finding.environment {
        Environment::Unmarked => String::new(),
        marked => format!(" ({})", marked.name()),
    };
    match &finding.container {
        Some(container) => {
            let named = finding.message.contains(&format!("`{container}`"));
            if !(named && environment.is_empty() && finding.also.is_empty()) {
                let mut text = format!("in container `{}`{environment}", visible(container));
                if !finding.also.is_empty() {
                    let also = finding.also.iter().take(5).map(|name| format!("`{}`", visible(name)));
                    text.push_str(", also ");
                    text.push_str(&also.collect::<Vec<_>>().join(", "));
                    if finding.also.len() > 5 {
                        text.push_str(&format!(" and {} more", finding.also.len() - 5));
                    }
                }
                parts.push(text);
            }
        }
        None if !finding.environment.is_live() => parts.push(format!("for {}", finding.environment.name())),
        None => {}
    }
    if *finding.stacks != *said {
        parts.extend(stacks(report, &finding.stacks));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Stacks that are named with one finding.
const STACKS: usize = 3;

/// The names of stacks, where they are more than a file alone.
pub(super) fn stacks(report: &Report, stacks: &[usize]) -> Option<String> {
    let project = &report.project;
    let stacks: Vec<_> = stacks.iter().filter_map(|&stack| project.stacks.get(stack)).collect();
    if stacks.iter().all(|stack| stack.files.len() == 1 && stack.name.is_none()) {
        return None;
    }
    let name = |stack: &&Stack| {
        if let Some(name) = &stack.name {
            return format!("stack `{}`", visible(&report.value(name)));
        }
        let paths = stack.files.iter().map(|&file| &report.sources.get(project.documents[file].file()).path);
        format!("`{}`", paths.map(|path| visible(path).into_owned()).collect::<Vec<_>>().join(" + "))
    };
    let mut text = format!("in {}", stacks.iter().take(STACKS).map(name).collect::<Vec<_>>().join(", "));
    if stacks.len() > STACKS {
        text.push_str(&format!(" and {} more", stacks.len() - STACKS));
    }
    Some(text)
}

/// What readers that know no severity but these make of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Critical or high. Readers fail on it, so a guess is none.
    Error,
    /// Medium, or a worse guess.
    Warning,
    /// Low or info.
    Note,
}

impl Level {
    pub(super) fn of(finding: &Finding) -> Level {
        match finding.severity {
            Severity::Critical | Severity::High if finding.confidence > Confidence::Guess => Level::Error,
            Severity::Critical | Severity::High | Severity::Medium => Level::Warning,
            Severity::Low | Severity::Info => Level::Note,
        }
    }
}

/// Since when an exception stands and how long it holds; nothing where neither is known.
pub(super) fn term(exception: &Exception, today: Option<Date>) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(since) = exception.since {
        let least = if since.at_least { "at least " } else { "" };
        let day = if since.at_least { "before" } else { "since" };
        let days = today.map(|today| format!(", {least}{}", plural(since.days(today) as usize, "day")));
        parts.push(format!("{day} {}{}", since.date, days.unwrap_or_default()));
    }
    let until = exception.ignore.until.as_ref().and_then(|until| until.date);
    let left = today.and_then(|today| suppress::left(&exception.ignore, today));
    parts.extend(until.zip(left).map(|(date, left)| format!("until {date}, {left}")));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Since when the oldest of the known findings is accepted, where that is known.
pub(super) fn accepted(comparison: &Comparison, today: Option<Date>) -> String {
    let Some(date) = comparison.since.values().min() else { return String::new() };
    let since = Since { date: *date, at_least: false };
    let days = today.map(|today| format!(", {} ago", plural(since.days(today) as usize, "day")));
    format!(" (the oldest accepted on {date}{})", days.unwrap_or_default())
}

/// What is said of findings that are not shown for their confidence.
pub(super) fn unsure(report: &Report) -> Option<String> {
    let number = plural(report.unsure, "finding");
    (report.unsure > 0).then(|| format!("{number} not shown: less sure than `min-confidence` asks for"))
}

/// What was found, as a clause: of findings that were compared with something, the new ones.
pub(super) fn found(report: &Report) -> String {
    let noun = match report.comparisons.is_empty() {
        true => "finding",
        // What was not graded may have been so before.
        false if report.findings.iter().any(|finding| finding.gap) => "new or ungraded finding",
        false => "new finding",
    };
    match report.findings.len() {
        0 => format!("no {noun}s"),
        number => plural(number, noun),
    }
}

/// What is known and not shown, and what is fixed, a sentence without a full stop for each comparison.
pub(super) fn compared(report: &Report) -> impl Iterator<Item = String> {
    report.comparisons.iter().map(|comparison| {
        let Comparison { with, known, fixed, .. } = comparison;
        let oldest = accepted(comparison, report.today);
        let fixed = match fixed.len() {
            0 => String::new(),
            number => format!("; {} of it fixed or ignored by now", plural(number, "finding")),
        };
        format!(
            "{} not shown: compared with `{}`{oldest}{fixed}",
            plural(*known, "known finding"),
            visible(with.name())
        )
    })
}

/// The exceptions that hide something.
pub(super) fn active(report: &Report) -> impl Iterator<Item = &Exception> {
    report.exceptions.iter().filter(|exception| exception.hides > 0)
}

/// How many findings those hide, as a sentence without a full stop.
pub(super) fn ignored(report: &Report) -> Option<String> {
    let hidden: usize = active(report).map(|exception| exception.hides).sum();
    let said = if report.no_ignores { "would be ignored without `--no-ignores`" } else { "ignored" };
    (hidden > 0).then(|| format!("{} {said}", plural(hidden, "finding")))
}

/// Number of findings of each severity, in the order of [`Severity::ALL`].
pub(super) fn numbers<'a>(findings: impl Iterator<Item = &'a Finding>) -> [usize; Severity::ALL.len()] {
    let mut numbers = [0; Severity::ALL.len()];
    for finding in findings {
        // The list is worst first, the type mildest first.
        numbers[Severity::ALL.len() - 1 - finding.severity as usize] += 1;
    }
    numbers
}

/// `3 high, 1 low` of some findings.
pub(super) fn counts<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let some = Severity::ALL.iter().zip(numbers(findings)).filter(|(_, number)| *number > 0);
    some.map(|(severity, number)| format!("{number} {}", severity.name())).collect::<Vec<_>>().join(", ")
}

/// `1 file`, `2 files`.
pub(super) fn plural(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Where the page of a rule can be read.
pub(super) fn page_url(rule: &str) -> String {
    format!("{}/blob/main/rules/{rule}.md", env!("CARGO_PKG_REPOSITORY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_has_as_many_characters_as_it_may() {
        assert_eq!(clip("漢字漢", 3), "漢字漢");
        assert_eq!(clip("漢字漢字", 3), "漢字…");
        assert_eq!(clip("ab", 0), "…");
    }

    #[test]
    fn sentences_end_once_and_begin_with_a_capital() {
        assert_eq!((sentence("a"), sentence("a?")), ("a.".to_owned(), "a?".to_owned()));
        assert_eq!((capital("é x"), capital("")), ("É x".to_owned(), String::new()));
    }
}
