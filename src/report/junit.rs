//! JUnit XML, for the test reports of CI systems: a suite for each file, a test case for each finding.
//!
//! There is no specification; this is valid under the schema that Jenkins' xUnit plugin reads with (`junit-10.xsd`),
//! but for the attribute `file` of a test case, which GitLab links to.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use super::words::{clip, message, remarks};
use super::xml::escaped;
use super::{Place, Report};
use crate::finding::{Confidence, Finding, Severity};
use crate::source::Kind;
use crate::text::visible;

/// Characters of the message in a case's name.
const NAME: usize = 300;

/// What becomes of a finding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Something was not graded.
    Error,
    /// It is medium or worse.
    Failure,
    /// It is advice or a guess, which is shown and turns nothing red.
    Skipped,
}

impl Outcome {
    fn of(finding: &Finding) -> Outcome {
        match finding.severity {
            _ if finding.gap => Outcome::Error,
            _ if finding.confidence == Confidence::Guess => Outcome::Skipped,
            Severity::Critical | Severity::High | Severity::Medium => Outcome::Failure,
            Severity::Low | Severity::Info => Outcome::Skipped,
        }
    }

    fn element(self) -> &'static str {
        match self {
            Outcome::Error => "error",
            Outcome::Failure => "failure",
            Outcome::Skipped => "skipped",
        }
    }
}

/// Writes the report. A file without findings is a case that passes: some readers take a report without cases for a
/// broken one.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let graded = report.sources.iter().filter(|(_, source)| source.kind != Kind::Auxiliary);
    let mut files: BTreeMap<&str, Vec<&Finding>> =
        graded.map(|(_, source)| (source.path.as_str(), Vec::new())).collect();
    // What was not graded is no success, though it is known.
    let findings = || report.findings.iter().chain(report.known.iter().filter(|finding| finding.gap));
    for finding in findings() {
        files.entry(report.sources.get(finding.primary().file).path.as_str()).or_default().push(finding);
    }
    let count = |outcome| findings().filter(|finding| Outcome::of(finding) == outcome).count();
    let tests: usize = files.values().map(|findings| findings.len().max(1)).sum();
    let (failures, errors) = (count(Outcome::Failure), count(Outcome::Error));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"confscan\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">")?;
    for (path, findings) in files {
        suite(report, path, &findings, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(report: &Report, path: &str, findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let path = escaped(path);
    let count = |outcome| findings.iter().filter(|finding| Outcome::of(finding) == outcome).count();
    let (failures, errors, skipped) = (count(Outcome::Failure), count(Outcome::Error), count(Outcome::Skipped));
    let tests = findings.len().max(1);
    writeln!(
        out,
        "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"{skipped}\">"
    )?;
    if findings.is_empty() {
        writeln!(out, "    <testcase classname=\"{path}\" name=\"no findings\" file=\"{path}\"/>")?;
    }
    // Readers know a case again by its name, so no line is in it; equal ones are numbered.
    let mut names: HashMap<String, u32> = HashMap::new();
    for finding in findings {
        let name = format!("{}: {}", finding.rule.id, clip(&visible(&finding.message), NAME));
        let number = names.entry(name.clone()).or_default();
        *number += 1;
        let name = if *number > 1 { format!("{name} ({number})") } else { name };
        let element = Outcome::of(finding).element();
        writeln!(out, "    <testcase classname=\"{path}\" name=\"{}\" file=\"{path}\">", escaped(&name))?;
        write!(out, "      <{element} type=\"{}\" ", finding.severity.name())?;
        write!(out, "message=\"{}\">", escaped(&message(finding)))?;
        let lines: Vec<String> = details(report, finding).iter().map(|line| escaped(line)).collect();
        writeln!(out, "{}</{element}>\n    </testcase>", lines.join("\n"))?;
    }
    writeln!(out, "  </testsuite>")
}

/// Where it is, what to do, and whom it is about.
fn details(report: &Report, finding: &Finding) -> Vec<String> {
    let Place { path, start, .. } = report.place(finding.primary());
    let mut lines = vec![format!("{path}:{}:{}", start.line, start.column)];
    lines.extend(remarks(report, finding).map(|(kind, said)| format!("{kind}: {said}")));
    lines.push(format!("confscan explain {}", finding.rule.id));
    lines
}
