//! Annotations of a pull request without code scanning: workflow commands on the standard output of a GitHub job.
//!
//! The syntax is that of GitHub's "Workflow commands", the escapes are those that its runner takes back. GitHub shows
//! ten annotations of each level for a step, the first ones, so the worst come first.

use std::io::{self, Write};

use super::words::{Level, capital, clip, compared, counts, found, ignored, message, plural, remarks, unsure};
use super::{Place, Report};
use crate::finding::Finding;
use crate::text::visible;

/// Annotations of one level that GitHub shows for a step.
const SHOWN: usize = 10;
/// Characters of one message. GitHub takes 64 KB; nobody reads as much beside a line.
const MESSAGE: usize = 4000;

/// Writes the findings.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut levels = [("error", 0), ("warning", 0), ("notice", 0)];
    for finding in report.worst_first() {
        let level = &mut levels[Level::of(finding) as usize];
        level.1 += 1;
        let Place { path, start, end, .. } = report.place(report.first_line(finding.primary()));
        let title = format!("{} ({})", finding.rule.id, finding.severity.name());
        writeln!(
            out,
            "::{} file={},line={},endLine={},col={},title={}::{}",
            level.0,
            property(path),
            start.line,
            end.line,
            start.column,
            property(&title),
            data(&text(report, finding))
        )?;
    }
    // The runner shows what is no command as it is.
    let found = capital(&found(report));
    if report.findings.is_empty() {
        let containers = plural(report.project.containers.len(), "container");
        writeln!(out, "{found} in {} and {containers}.", plural(report.graded(), "file"))?;
    } else {
        writeln!(out, "{found}: {}", counts(report.findings.iter()))?;
    }
    if levels.iter().any(|(_, number)| *number > SHOWN) {
        writeln!(out, "GitHub shows {SHOWN} annotations of each level for a step: the lines above are all of them.")?;
    }
    for said in compared(report).chain(unsure(report)).chain(ignored(report)) {
        writeln!(out, "{said}.")?;
    }
    if report.has_gaps() {
        writeln!(out, "Not everything was graded: {}.", report.gap_counts())?;
    }
    Ok(())
}

/// What is wrong, what to do and whom it is about, each on a line of its own.
fn text(report: &Report, finding: &Finding) -> String {
    let mut text = message(finding);
    remarks(report, finding).for_each(|(kind, said)| text.push_str(&format!("\n{kind}: {said}")));
    clip(&text, MESSAGE).into_owned()
}

/// The message of a command: it ends with the line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property: it ends with a comma or `::`.
fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_property_or_a_message() {
        assert_eq!(property("a,line=1::b%3A\n"), "a%2Cline=1%3A%3Ab%253A\\n");
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
    }
}
