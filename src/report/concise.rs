//! One finding on one line, for editors and for `grep`: `path:line:column: severity rule message`.

use std::io::{self, Write};

use super::{Place, Report};
use crate::text::visible;

/// Writes the findings.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let Place { path, start, .. } = report.place(finding.primary());
        let (severity, rule, message) = (finding.severity.name(), finding.rule.id, visible(&finding.message));
        writeln!(out, "{}:{}:{}: {severity} {rule} {message}", line_start(path), start.line, start.column)?;
    }
    Ok(())
}

/// `path` where a line starts with it. GitHub's runner takes a line for a command that has `::` as its first characters
/// but for space, and such a name is a file's as well with `./` before it.
pub(super) fn line_start(path: &str) -> String {
    let path = visible(path);
    if path.trim_start().starts_with("::") { format!("./{path}") } else { path.into_owned() }
}
