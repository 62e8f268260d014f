//! GitLab's Code Quality report, which merge requests show on every tier ("Code Quality" in its documentation): a JSON
//! array, one finding on each line.

use std::io::{self, Write};

use serde::Serialize;

use super::words::{clip, told};
use super::{Place, Report};
use crate::escape;
use crate::finding::{Finding, Severity};

/// Characters of one description, which a merge request shows on one line.
const DESCRIPTION: usize = 1000;

/// One finding, as GitLab reads it.
#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    /// Issues with the same one are one to GitLab.
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the findings.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    escape::array(out, "", report.findings.iter().map(|finding| issue(report, finding)))?;
    out.write_all(b"\n")
}

fn issue<'a>(report: &'a Report, finding: &'a Finding) -> Issue<'a> {
    let Place { path, start, end, .. } = report.place(finding.primary());
    Issue {
        description: clip(&told(finding), DESCRIPTION).into_owned(),
        check_name: finding.rule.id,
        fingerprint: &finding.fingerprint,
        severity: match finding.severity {
            Severity::Critical => "blocker",
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
            Severity::Info => "info",
        },
        location: Location { path, lines: Lines { begin: start.line, end: end.line } },
    }
}
