//! What is said below the excerpts of a finding: the steps that prove it, and whom it is about.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Page, Place};
use crate::container::Environment;
use crate::finding::{Confidence, Finding};
use crate::text::visible;

/// Stacks that are named with one finding.
const STACKS: usize = 3;

impl Page<'_> {
    /// The steps that prove a finding, numbered: where each stands, and what it does.
    pub(super) fn chain(&self, finding: &Finding, gutter: usize, out: &mut dyn Write) -> io::Result<()> {
        let blue = Style::new().fg_color(Some(AnsiColor::BrightBlue.into())).bold();
        let places: Vec<String> = finding
            .chain
            .iter()
            .map(|step| {
                let Place { path, start, .. } = self.report.place(step.span);
                format!("{}:{}", visible(path), start.line)
            })
            .collect();
        let width = places.iter().map(|place| place.chars().count()).max().unwrap_or_default();
        for ((number, step), place) in (1..).zip(&finding.chain).zip(&places) {
            let message = visible(&step.message);
            writeln!(out, "{:gutter$} {} {place:width$}  {message}", "", self.paint(blue, format_args!("{number}.")))?;
        }
        Ok(())
    }

    /// Which container the finding is about and how sure it is, where that says more than the message does.
    pub(super) fn note(&self, finding: &Finding) -> Option<String> {
        let mut parts = Vec::new();
        if finding.confidence == Confidence::Guess {
            parts.push("this is a guess: what would decide it is not in the files".to_owned());
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
        parts.extend(self.stacks(finding));
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The stacks that it is seen through, where they are more than a file alone.
    fn stacks(&self, finding: &Finding) -> Option<String> {
        let project = &self.report.project;
        let stacks: Vec<_> = finding.stacks.iter().filter_map(|&stack| project.stacks.get(stack)).collect();
        if stacks.iter().all(|stack| stack.files.len() == 1) {
            return None;
        }
        let name = |stack: &&crate::project::stacks::Stack| {
            let paths = stack.files.iter().map(|&file| &self.report.sources.get(project.documents[file].file()).path);
            paths.map(|path| visible(path).into_owned()).collect::<Vec<_>>().join(" + ")
        };
        let mut text = format!("in {}", stacks.iter().take(STACKS).map(name).collect::<Vec<_>>().join(", "));
        if stacks.len() > STACKS {
            text.push_str(&format!(" and {} more", stacks.len() - STACKS));
        }
        Some(text)
    }
}
