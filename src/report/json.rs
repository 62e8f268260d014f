//! The JSON report: `docs/json.md` is its contract.

use std::io::{self, Write};

use super::Report;

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", report.findings.len())
}
