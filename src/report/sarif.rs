//! SARIF 2.1.0 for code scanning, as GitHub reads it ("SARIF support for code scanning" in its documentation).
//!
//! One run, whose driver name never changes: rulesets and alerts are tied to it. Results are written as they are made,
//! for a result of this format takes some kilobytes of memory. GitHub refuses an upload that is over one of its limits
//! as a whole, so the mildest findings are left out where they are too many or too long, with a word about it.

mod rule;
mod upload;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_sarif::sarif::{
    ArtifactContent, ArtifactLocation, Invocation, Location, Message, Notification, PhysicalLocation, PropertyBag,
    Region, ReportingDescriptorReference, Result as SarifResult, ResultColumnKind, ResultLevel, Suppression, Tool,
    ToolComponent, Version,
};

use super::words::{Level, clip, sentence};
use super::{Options, Place, Report};
use crate::escape;
use crate::exception::{self, Exception};
use crate::finding::{Confidence, Finding, Rule, Severity};
use crate::source::Span;
use crate::text::visible;
use upload::Upload;

/// The schema that consumers check against; the URL inside serde-sarif is an older one of the same.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Results that GitHub takes in one run; it refuses an upload with more.
const RESULTS: usize = 25_000;
/// Related locations that GitHub takes with one result, less the one location of the result.
const RELATED: usize = 100;
/// Characters of one text in a message. GitHub gives no limit; nobody reads more, and each counts towards the upload.
const TEXT: usize = 1000;
/// Bytes of a snippet: the text of a longer place is left to who has the file.
const SNIPPET: usize = 16 << 10;
/// Key of the fingerprint. `primaryLocationLineHash`, which is GitHub's own, is left to its upload action.
const FINGERPRINT: &str = "confscan/v1";

/// A log. The types around the results are our own so that the results need not be in memory together.
#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: Version,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    invocations: [Invocation; 1],
    results: Results<'a>,
    column_kind: ResultColumnKind,
    newline_sequences: [&'static str; 3],
}

/// The results, made when they are written.
struct Results<'a> {
    report: &'a Report,
    findings: Vec<&'a Finding>,
    suppressed: &'a [(Finding, usize)],
    rules: Vec<&'static Rule>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let indices: HashMap<&str, usize> = self.rules.iter().enumerate().map(|(at, rule)| (rule.id, at)).collect();
        let index = |finding: &Finding| indices.get(finding.rule.id).copied();
        let findings = self.findings.iter().map(|finding| result(self.report, finding, index(finding)));
        let suppressed = self.suppressed.iter().map(|(finding, exception)| {
            let mut result = result(self.report, finding, index(finding));
            result.suppressions = self.report.exceptions.get(*exception).map(|exception| vec![suppression(exception)]);
            result
        });
        serializer.collect_seq(findings.chain(suppressed))
    }
}

/// Writes the report, and gives what was left out of it.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<Option<String>> {
    within(report, options.include_suppressed, upload::LIMIT, out)
}

/// Writes as much of the report, the worst first, as takes no more than `limit` bytes after gzip.
fn within(report: &Report, suppressed: bool, limit: u64, out: &mut dyn Write) -> io::Result<Option<String>> {
    let worst = report.worst_first();
    let mut number = worst.len().min(RESULTS);
    loop {
        let left_out = left_out(worst.len() - number, number);
        // GitHub does not heed `suppressions`: what is ignored would come up as an open alert.
        let room = if suppressed { RESULTS - number } else { 0 };
        let suppressed = &report.suppressed[..report.suppressed.len().min(room)];
        let log = log(report, &worst[..number], suppressed, left_out.as_deref());
        let mut upload = Upload::new(limit);
        escape::json(&mut upload, &log)?;
        upload.write_all(b"\n")?;
        let size = upload.size();
        if size > limit && number > 0 {
            // A little less than what the average says, for the worst may be longer than the others.
            number = (number as u64 * limit / size * 9 / 10).min(number as u64 - 1) as usize;
            continue;
        }
        match upload {
            Upload::Held { text, .. } => out.write_all(&text)?,
            Upload::Measured(_) => {
                escape::json(out, &log)?;
                out.write_all(b"\n")?;
            }
        }
        return Ok(left_out);
    }
}

/// What is said about findings that do not fit.
fn left_out(number: usize, written: usize) -> Option<String> {
    let limit = match written {
        RESULTS => format!("one upload takes {RESULTS} results"),
        _ => format!("one upload takes 10 MB after gzip, which {written} of these results are"),
    };
    (number > 0).then(|| format!("{number} of the mildest findings were left out: {limit}."))
}

/// A log of some findings, in the order of the report.
fn log<'a>(
    report: &'a Report,
    worst: &[&'a Finding],
    suppressed: &'a [(Finding, usize)],
    left_out: Option<&str>,
) -> Log<'a> {
    let mut findings = worst.to_vec();
    // They are parts of one list, so their addresses are in its order.
    findings.sort_unstable_by_key(|finding| std::ptr::from_ref::<Finding>(finding));
    let written = findings.iter().copied().chain(suppressed.iter().map(|(finding, _)| finding));
    let mut worst: BTreeMap<&str, (&'static Rule, Severity)> = BTreeMap::new();
    for finding in written {
        let (_, severity) = worst.entry(finding.rule.id).or_insert((finding.rule, Severity::Info));
        *severity = (*severity).max(gated(finding));
    }
    let driver = ToolComponent::builder()
        .name("confscan")
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .information_uri(env!("CARGO_PKG_REPOSITORY"))
        .rules(worst.values().map(|(rule, severity)| rule::descriptor(rule, *severity)).collect::<Vec<_>>())
        .build();
    let rules = worst.into_values().map(|(rule, _)| rule).collect();
    let run = Run {
        tool: Tool::builder().driver(driver).build(),
        invocations: [invocation(report, &findings, left_out)],
        results: Results { report, findings, suppressed, rules },
        column_kind: ResultColumnKind::UnicodeCodePoints,
        newline_sequences: ["\r\n", "\n", "\r"],
    };
    Log { schema: SCHEMA, version: Version::V2_1_0, runs: [run] }
}

/// The severity that a reader may gate on: a guess is not to fail anything.
fn gated(finding: &Finding) -> Severity {
    match finding.confidence {
        Confidence::Guess => finding.severity.min(Severity::Medium),
        _ => finding.severity,
    }
}

/// How the scan went: what was not graded, and whether something broke.
fn invocation(report: &Report, findings: &[&Finding], left_out: Option<&str>) -> Invocation {
    let mut notifications: Vec<Notification> = Vec::new();
    let known = report.known.iter();
    for finding in findings.iter().copied().chain(known).filter(|finding| finding.gap) {
        let notification = Notification::builder()
            .level("warning")
            .message(message(sentence(&unlinked(&finding.message))))
            .locations(vec![location(report, finding.primary())])
            .associated_rule(ReportingDescriptorReference::builder().id(finding.rule.id).build());
        notifications.push(notification.build());
    }
    if let Some(text) = left_out {
        notifications.push(Notification::builder().level("warning").message(message(text.to_owned())).build());
    }
    Invocation::builder()
        .execution_successful(report.project.failures.is_empty())
        .tool_execution_notifications(notifications)
        .build()
}

fn result(report: &Report, finding: &Finding, rule: Option<usize>) -> SarifResult {
    let (text, related) = told(report, finding);
    let level = match Level::of(finding) {
        Level::Error => ResultLevel::Error,
        Level::Warning => ResultLevel::Warning,
        Level::Note => ResultLevel::Note,
    };
    let mut properties = BTreeMap::from([
        ("severity".to_owned(), Value::from(finding.severity.name())),
        ("confidence".to_owned(), Value::from(finding.confidence.name())),
        ("environment".to_owned(), Value::from(finding.environment.name())),
    ]);
    if let Some(container) = &finding.container {
        properties.insert("container".to_owned(), Value::from(container.as_str()));
    }
    if !finding.also.is_empty() {
        properties.insert("also".to_owned(), Value::from(&*finding.also));
    }
    if !finding.node.is_empty() {
        properties.insert("node".to_owned(), Value::from(finding.node.as_str()));
    }
    let mut result = SarifResult::builder()
        .rule_id(finding.rule.id)
        .level(level)
        .message(message(text))
        .locations(vec![narrowed(report, finding.primary())])
        .partial_fingerprints(BTreeMap::from([(FINGERPRINT.to_owned(), finding.fingerprint.clone())]))
        .properties(PropertyBag::builder().additional_properties(properties).build())
        .build();
    result.rule_index = rule.and_then(|index| i64::try_from(index).ok());
    result.related_locations = (!related.is_empty()).then_some(related);
    result
}

/// How SARIF says that an exception hides a result.
fn suppression(exception: &Exception) -> Suppression {
    let kind = match exception.ignore.place {
        exception::Place::Config { .. } => "external",
        exception::Place::Comment(_) | exception::Place::File(_) => "inSource",
    };
    let mut suppression = Suppression::builder().kind(kind).status("accepted").build();
    suppression.justification = exception.ignore.reason.as_deref().map(|reason| visible(reason).into_owned());
    suppression
}

/// The message of a result, with a link to each related location: GitHub shows those only that are linked.
fn told(report: &Report, finding: &Finding) -> (String, Vec<Location>) {
    let mut text = sentence(&unlinked(&finding.message));
    let mut related = Vec::new();
    let steps = finding.chain.len();
    for (label, id) in finding.chain.iter().chain(&finding.labels[1..]).take(RELATED).zip(1i64..) {
        let place = report.place(label.span);
        let what = match label.message.is_empty() {
            true => unlinked(&format!("{}:{}", place.path, place.start.line)),
            false => unlinked(&label.message),
        };
        // A backslash would take its meaning from the bracket behind it.
        let link = what.replace(['[', ']', '\\'], "");
        // The steps of a chain are numbered, so that their order can be told.
        let step = usize::try_from(id).is_ok_and(|id| id <= steps);
        text.push_str(match (id, step) {
            (1, true) => " Step by step: ",
            (1, false) => " See: ",
            _ if usize::try_from(id).is_ok_and(|id| id == steps + 1) => ". See: ",
            _ => "; ",
        });
        if step {
            text.push_str(&format!("{id}. "));
        }
        text.push_str(&format!("[{link}]({id})"));
        let mut location = location(report, label.span);
        location.id = Some(id);
        location.message = Some(message(what));
        related.push(location);
    }
    if !related.is_empty() {
        text.push('.');
    }
    if let Some(help) = &finding.help {
        text.push(' ');
        text.push_str(&sentence(&unlinked(help)));
    }
    (text, related)
}

/// `text` safe to show, no longer than a text may be, and with nothing in it that reads as a link to a location or as the
/// place of an argument: `{0}` is written with two braces (SARIF 2.1.0, section 3.11.5).
fn unlinked(text: &str) -> String {
    let text = clip(&visible(text), TEXT).replace("](", "] (");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once('{') {
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let argument = digits > 0 && behind[digits..].starts_with('}');
        let (open, end) = if argument { ("{{", &behind[..digits]) } else { ("{", "") };
        out.extend([before, open, end, if argument { "}}" } else { "" }]);
        rest = if argument { &behind[digits + 1..] } else { behind };
    }
    out.push_str(rest);
    out
}

fn message(text: String) -> Message {
    Message::builder().text(text).build()
}

/// The location of a result: the first line of `span`, for GitHub shows an alert in a pull request only when every line
/// of its region was changed there. All of it is the context.
fn narrowed(report: &Report, span: Span) -> Location {
    let mut narrow = location(report, report.first_line(span));
    if report.place(span).end.line > report.place(span).start.line {
        let whole = location(report, span).physical_location.and_then(|place| place.region);
        narrow.physical_location.iter_mut().for_each(|place| place.context_region.clone_from(&whole));
    }
    narrow
}

fn location(report: &Report, span: Span) -> Location {
    let Place { path, span, start, end } = report.place(span);
    let mut region = Region::builder()
        .start_line(start.line)
        .start_column(start.column)
        .end_line(end.line)
        .end_column(end.column)
        .build();
    if (1..=SNIPPET).contains(&span.range().len()) {
        region.snippet = Some(ArtifactContent::builder().text(report.masked(span)).build());
    }
    let artifact = ArtifactLocation::builder().uri(uri(path)).build();
    let place = PhysicalLocation::builder().artifact_location(artifact).region(region).build();
    Location::builder().physical_location(place).build()
}

/// A path as a relative reference (RFC 3986): everything but unreserved characters and `/` is percent-encoded, so that
/// no part reads as a scheme, a query or a fragment.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::source::{Kind, Source, Sources};

    #[test]
    fn no_part_of_a_path_reads_as_something_else() {
        for (path, expected) in [
            ("docker/Dockerfile", "docker/Dockerfile"),
            ("a:b/c d?#%", "a%3Ab/c%20d%3F%23%25"),
            ("é\u{202e}", "%C3%A9%E2%80%AE"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn no_more_is_written_than_one_upload_takes_and_the_worst_of_it() {
        let mut sources = Sources::default();
        for number in 0..60 {
            let privileged = if number == 40 { "\n    privileged: true" } else { "" };
            let text = format!("services:\n  s{number}:\n    image: alpine:{number}{privileged}\n");
            let mut source = Source::new(format!("{number}/compose.yaml"), text);
            source.kind = Kind::Compose;
            sources.add(source);
        }
        let report = crate::scan(sources, &Config::new(jiff::civil::date(2026, 11, 1)));
        let written = |limit| {
            let mut out = Vec::new();
            let left_out = within(&report, false, limit, &mut out).unwrap();
            let mut upload = Upload::new(0);
            upload.write_all(&out).unwrap();
            let log: Value = serde_json::from_slice(&out).unwrap();
            (log["runs"][0].clone(), left_out, upload.size())
        };
        let (run, left_out, all) = written(upload::LIMIT);
        let results = |run: &Value| run["results"].as_array().unwrap().len();
        assert_eq!((results(&run), &left_out), (report.findings.len(), &None));
        // What fits only after gzip is written whole.
        assert_eq!(results(&written(all).0), report.findings.len());
        for limit in [all - 1, all / 2] {
            let (run, left_out, size) = written(limit);
            assert!(size <= limit && results(&run) > 0, "{size} of {limit}");
            let number = report.findings.len() - results(&run);
            let said = left_out.expect("something was left out");
            assert!(said.starts_with(&format!("{number} of the mildest findings were left out: ")), "{said}");
            let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
            assert_eq!(notes.last().unwrap()["message"]["text"], said);
            let worst = |result: &Value| result["ruleId"] == "privileged-container";
            assert!(run["results"].as_array().unwrap().iter().any(worst));
        }
        // The log without results is longer than that, and there is nothing more to leave out.
        assert_eq!(results(&written(1).0), 0);
    }

    #[test]
    fn only_our_links_are_links() {
        assert_eq!(unlinked("a [b](1) {0} ${X} {{12}} c"), "a [b] (1) {{0}} ${X} {{{12}}} c");
    }
}
