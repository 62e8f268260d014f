//! The terminal report.

use std::io::{self, Write};

use super::{Options, Report};

/// Writes the report for a person.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} findings", report.findings.len())
}
