//! The steps that prove a finding, below its excerpts.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Page, Place};
use crate::finding::Finding;
use crate::text::visible;

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
}
