//! GitLab's SAST report, version 15.0.7 of its schema, which the vulnerability report and security policies read.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::markdown::{LONGEST, text};
use super::words::{clip, help, message, page_url, remarks};
use super::{Place, Report};
use crate::escape;
use crate::finding::{Finding, Severity};

/// Version of the schema.
const VERSION: &str = "15.0.7";
/// Characters that the schema allows in a solution.
const SOLUTION: usize = 7000;
/// Bytes of a description; the schema allows a million characters.
const DESCRIPTION: usize = 20_000;

#[derive(Serialize)]
struct Scan {
    analyzer: Tool,
    scanner: Tool,
    /// `yyyy-mm-ddThh:mm:ss` in UTC, as is the end.
    start_time: String,
    end_time: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
    /// `success`, or `failure` where the scan broke.
    status: &'static str,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Tool {
    id: &'static str,
    name: &'static str,
    url: &'static str,
    version: &'static str,
    vendor: Vendor,
}

#[derive(Serialize)]
struct Vendor {
    name: &'static str,
}

/// Something that was not graded.
#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    id: String,
    /// The rule's title: nothing of the finding's own may be in it.
    name: &'static str,
    /// Markdown.
    description: String,
    severity: &'static str,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    /// The first is the primary one.
    identifiers: Vec<Identifier>,
    location: Location<'a>,
    tracking: Tracking<'a>,
}

#[derive(Serialize)]
struct Identifier {
    r#type: &'static str,
    name: String,
    value: String,
    url: String,
}

#[derive(Serialize)]
struct Location<'a> {
    file: &'a str,
    start_line: u32,
    end_line: u32,
}

/// How GitLab knows a vulnerability again whose line has moved.
#[derive(Serialize)]
struct Tracking<'a> {
    r#type: &'static str,
    items: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    location: Location<'a>,
    signatures: [Signature<'a>; 1],
}

#[derive(Serialize)]
struct Signature<'a> {
    algorithm: &'static str,
    value: &'a str,
}

/// Writes the report of a scan at `time`. A scan takes less than the second that the format counts in, so that it ends
/// when it starts.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, time: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    escape::field(out, "{\n", "version", &VERSION)?;
    escape::field(out, ",\n", "scan", &scan(report, time))?;
    let vulnerabilities = report.findings.iter().map(|finding| vulnerability(report, finding));
    escape::array(out, ",\n\"vulnerabilities\":", vulnerabilities)?;
    out.write_all(b"\n}\n")
}

fn scan(report: &Report, time: Timestamp) -> Scan {
    let tool = || Tool {
        id: "confscan",
        name: "confscan",
        url: env!("CARGO_PKG_REPOSITORY"),
        version: env!("CARGO_PKG_VERSION"),
        vendor: Vendor { name: "confscan" },
    };
    let time = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let messages = report.gaps().map(|finding| {
        let Place { path, start, .. } = report.place(finding.primary());
        let value = format!("{path}:{}: {}", start.line, finding.message);
        Message { level: "warn", value: clip(&value, DESCRIPTION).into_owned() }
    });
    Scan {
        analyzer: tool(),
        scanner: tool(),
        start_time: time.clone(),
        end_time: time,
        messages: messages.collect(),
        status: if report.project.failures.is_empty() { "success" } else { "failure" },
        r#type: "sast",
    }
}

fn vulnerability<'a>(report: &'a Report, finding: &'a Finding) -> Vulnerability<'a> {
    let Place { path, start, end, .. } = report.place(finding.primary());
    let location = || Location { file: path, start_line: start.line, end_line: end.line };
    Vulnerability {
        id: uuid(&finding.fingerprint),
        name: finding.rule.title,
        description: description(report, finding),
        severity: match finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
            Severity::Info => "Info",
        },
        solution: help(finding).map(|help| text(&clip(&help, SOLUTION / LONGEST))),
        identifiers: identifiers(finding),
        location: location(),
        tracking: Tracking {
            r#type: "source",
            items: [Item {
                location: location(),
                signatures: [Signature { algorithm: "hash", value: &finding.fingerprint }],
            }],
        },
    }
}

/// What is wrong, whom it is about, and the further places.
fn description(report: &Report, finding: &Finding) -> String {
    let mut out = text(&clip(&message(finding), DESCRIPTION / 2 / LONGEST));
    for (kind, said) in remarks(report, finding).filter(|(kind, _)| *kind == "Note") {
        out.push_str(&format!("\n\n{kind}: {}", text(&clip(&said, DESCRIPTION / 4 / LONGEST))));
    }
    let mut before = "\n\n";
    for label in &finding.labels[1..] {
        let place = report.place(label.span);
        let place = text(&format!("`{}:{}`", clip(place.path, 500), place.start.line));
        let colon = if label.message.is_empty() { "" } else { ": " };
        let line = format!("{before}- {place}{colon}{}", text(&clip(&label.message, 500)));
        if out.len() + line.len() > DESCRIPTION {
            break;
        }
        out.push_str(&line);
        before = "\n";
    }
    out
}

/// The rule, and the weaknesses (CWE) that it names.
fn identifiers(finding: &Finding) -> Vec<Identifier> {
    let rule = finding.rule.id;
    let own = Identifier {
        r#type: "confscan_rule",
        name: format!("confscan {rule}"),
        value: rule.to_owned(),
        url: page_url(rule),
    };
    let weaknesses = finding.rule.tags.iter().filter_map(|tag| tag.strip_prefix("CWE-")).map(|number| Identifier {
        r#type: "cwe",
        name: format!("CWE-{number}"),
        value: number.to_owned(),
        url: format!("https://cwe.mitre.org/data/definitions/{number}.html"),
    });
    std::iter::once(own).chain(weaknesses).collect()
}

/// The fingerprint as a UUID of version 8, which is for values made in a way of one's own (RFC 9562, section 5.8): its
/// bits, but for the six that say the version and the variant.
fn uuid(fingerprint: &str) -> String {
    let bits = u128::from_str_radix(fingerprint, 16).unwrap_or_default();
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_a_uuid_of_version_8() {
        assert_eq!(uuid("ffffffffffffffffffffffffffffffff"), "ffffffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(uuid("00112233445566778899aabbccddeeff"), "00112233-4455-8677-8899-aabbccddeeff");
    }
}
