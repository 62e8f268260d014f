//! The XML of Checkstyle, which many CI plugins and review bots read.
//!
//! Checkstyle writes no schema; this is what its `XMLLogger` writes: files with their errors, `severity` one of
//! `error`, `warning` and `info`, `source` the name of the check.

use std::io::{self, Write};

use super::words::{Level, told};
use super::xml::escaped;
use super::{Place, Report};

/// Writes the findings.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">")?;
    for findings in report.findings.chunk_by(|a, b| a.primary().file == b.primary().file) {
        let path = &report.sources.get(findings[0].primary().file).path;
        writeln!(out, "  <file name=\"{}\">", escaped(path))?;
        for finding in findings {
            let Place { start, .. } = report.place(finding.primary());
            let severity = match Level::of(finding) {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Note => "info",
            };
            writeln!(
                out,
                "    <error line=\"{}\" column=\"{}\" severity=\"{severity}\" message=\"{}\" source=\"confscan.{}\"/>",
                start.line,
                start.column,
                escaped(&told(finding)),
                escaped(finding.rule.id)
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}
