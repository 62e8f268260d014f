//! One finding on one line, for editors and for `grep`: `path:line:column: severity rule message`.

use std::io::{self, Write};

use super::{Place, Report};
use crate::text::{path_line_start, visible};

/// Writes the findings.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let Place { path, start, .. } = report.place(finding.primary());
        let (severity, rule, message) = (finding.severity.name(), finding.rule.id, visible(&finding.message));
        writeln!(out, "{}:{}:{}: {severity} {rule} {message}", path_line_start(path), start.line, start.column)?;
    }
    Ok(())
}
