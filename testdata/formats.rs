//! The formats for other programs: what those read in them, whatever the files and findings hold.

#[path = "support/virtual_report.rs"]
mod virtual_report;

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, iter};

use confscan::baseline::{Comparison, With};
use confscan::exception::{Exception, Ignore, Place, Until};
use confscan::finding::{Confidence, Finding, Severity};
use confscan::report::{Format, Options, Report, write};
use confscan::source::Span;
use confscan::text::{commands, visible};
use serde_json::Value;
use virtual_report::{DOCKERFILE, Scan, awkward, golden, rule, usual, written};

/// Texts that mean something to one of the formats or to who shows it.
const HOSTILE: &[&str] = &[
    "\n::error file=x::injected",
    "::stop-commands::x",
    "  ::warning::x",
    "a,line=99,title=x::injected",
    "100%0A::error::x%3A%2C",
    "##[error]x ###[group]y",
    "##vso[task.setvariable variable=x]y",
    "<script>alert(1)</script>",
    "</failure></testcase><testcase name=\"x\">",
    "]]><!-- --><![CDATA[",
    "\" onload=\"x' y='",
    "&amp;&#60;&lt;",
    "| a | b \\| c |",
    "`</code><img src=x>` b `c",
    "``` x",
    "[a](javascript:b) ![c](http://evil.example/d.png) <http://evil.example>",
    "https://evil.example www.evil.example @octocat #1 __x__ **y** ~~z~~ $`w`$",
    "--> </details> </table>",
    "\u{0}\u{8}\u{b}\u{1f}\u{7f}\u{85}\u{fffe}\u{ffff}",
    "\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{feff}",
    "漢字 é\u{301} 😀 \u{e0041}",
    "\\",
    "a\r\nb\rc",
    "\u{1b}]8;;http://evil.example\u{1b}\\link \u{1b}]52;c;ZXZpbA==\u{7}",
    "x\u{e0041}\u{34f}\u{3164}\u{fe0f}\u{115f}\u{e01ef}y\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "{0} {12} {{3}} [x](0) [y](http://evil.example) !1 ~label GH-1 a/b#2",
    "mailto:a@b.example xmpp:a@b.example <a@b.example> :+1: [[_TOC_]] ::include{file=x} %%{init}%%",
];

/// Every hostile text as a path, as content, and in every text of a finding.
fn hostile() -> Report {
    let mut scan = Scan::default();
    let rules = [Severity::Critical, Severity::Medium, Severity::Info].map(|severity| rule("hostile", severity));
    let gap = rule("parse-error", Severity::High);
    for (index, text) in HOSTILE.iter().enumerate() {
        let file = scan.file(text, &format!("FROM {text}\n"));
        let span = Span::new(file, 0..5 + text.len());
        let finding = scan.report(if index % 5 == 4 { gap } else { rules[index % 3] }, span, text);
        finding.related(Span::at(file, 0), *text).help(*text);
        finding.container = Some((*text).to_owned());
        finding.also = vec![(*text).to_owned()].into();
        finding.node = (*text).to_owned();
    }
    scan.done()
}

fn plain(report: &Report, format: Format) -> String {
    written(report, format, Options::default())
}

/// A text as reports write it as a sentence: with a capital and a full stop.
fn sentence(text: &str) -> String {
    let shown = visible(text);
    let first = shown.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if shown.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", shown.chars().skip(1).collect::<String>())
}

/// The findings, worst first.
fn worst_first(report: &Report) -> Vec<&Finding> {
    let mut findings: Vec<_> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn path<'a>(report: &'a Report, finding: &Finding) -> &'a str {
    &report.sources.get(finding.primary().file).path
}

fn schema(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/schema").join(name)
}

#[test]
fn the_formats_are_as_agreed() {
    for (format, file) in [
        (Format::Concise, "concise.txt"),
        (Format::Github, "github.txt"),
        (Format::Markdown, "summary.md"),
        (Format::Gitlab, "gitlab.json"),
        (Format::GitlabSast, "gitlab-sast.json"),
        (Format::Junit, "junit.xml"),
        (Format::Checkstyle, "checkstyle.xml"),
    ] {
        let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
        let text = plain(&usual(), format).replace(&version, "\"version\":\"0.0.0\"");
        golden(&format!("testdata/golden/{file}"), &text);
    }
}

#[test]
fn no_log_holds_a_command_of_somebody_else() {
    for report in [hostile(), awkward(), usual()] {
        for format in Format::ALL {
            for quiet in [false, true] {
                let out = written(&report, format, Options { quiet, ..Options::default() });
                assert_eq!(commands(&out).next(), None, "{format:?}\n{out}");
                let starts = out.lines().filter(|line| line.trim_start().starts_with("::")).count();
                // The arrows of the terminal report's excerpts are no commands: nothing stands between their colons.
                let own = match format {
                    Format::Github => report.findings.len(),
                    Format::Human => out.lines().filter(|line| line.trim_start().starts_with("::: ")).count(),
                    _ => 0,
                };
                assert_eq!(starts, own, "{format:?} {quiet}\n{out}");
            }
        }
    }
}

/// A workflow command as GitHub's runner reads it: name, properties, message.
fn command(line: &str) -> (&str, Vec<(String, String)>, String) {
    let (head, message) = line.strip_prefix("::").expect("a command").split_once("::").expect("an end of the head");
    let (name, properties) = head.split_once(' ').expect("properties");
    let unescaped = |text: &str, more: &[(&str, &str)]| {
        let rules = [("%0D", "\r"), ("%0A", "\n")];
        let text = rules.iter().chain(more).fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        text.replace("%25", "%")
    };
    let property = |text: &str| {
        let (name, value) = text.split_once('=').expect("a value");
        (name.to_owned(), unescaped(value, &[("%3A", ":"), ("%2C", ",")]))
    };
    (name, properties.split(',').map(property).collect(), unescaped(message, &[]))
}

#[test]
fn github_gets_one_annotation_for_each_finding_worst_first() {
    for report in [hostile(), awkward(), usual()] {
        let out = plain(&report, Format::Github);
        let mut lines = out.lines();
        for finding in worst_first(&report) {
            let (level, properties, message) = command(lines.next().expect("a line for each"));
            let expected = match finding.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                _ => "notice",
            };
            assert_eq!(level, expected);
            let names: Vec<&str> = properties.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["file", "line", "endLine", "col", "title"]);
            assert_eq!(properties[0].1, visible(path(&report, finding)));
            assert_eq!(properties[1].1, properties[2].1, "an annotation is one line");
            assert_eq!(properties[4].1, format!("{} ({})", finding.rule.id, finding.severity.name()));
            assert_eq!(message.lines().next(), Some(&*sentence(&finding.message)));
        }
        assert!(lines.all(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric())), "{out}");
    }
}

#[test]
fn a_guess_is_an_error_to_no_reader_that_fails_on_errors() {
    for (confidence, guess) in [(Confidence::Guess, true), (Confidence::Likely, false)] {
        let mut scan = Scan::default();
        let file = scan.file("Dockerfile", "USER root\n");
        let place = scan.find(file, "USER");
        scan.report(rule("explicit-root-user", Severity::Critical), place, "Root").confidence(confidence);
        let report = scan.done();
        for (format, error) in [
            (Format::Github, "::error "),
            (Format::Checkstyle, "severity=\"error\""),
            (Format::Sarif, "\"level\":\"error\",\"locations\""),
            (Format::Junit, "<failure "),
        ] {
            let out = plain(&report, format);
            assert_eq!(out.contains(error), !guess, "{format:?} {confidence:?}\n{out}");
        }
        assert!(plain(&report, Format::Human).contains("guess") == guess, "{confidence:?}");
    }
}

#[test]
fn every_concise_line_is_a_place_and_a_finding() {
    for report in [hostile(), awkward(), usual()] {
        let out = plain(&report, Format::Concise);
        assert_eq!(out.lines().count(), report.findings.len());
        for (line, finding) in out.lines().zip(&report.findings) {
            let path = path(&report, finding);
            let end = format!(": {} {} {}", finding.severity.name(), finding.rule.id, visible(&finding.message));
            let place = line.strip_suffix(&end).unwrap_or_else(|| panic!("{line} does not end with {end}"));
            let shown = place.strip_prefix("./").unwrap_or(place);
            let numbers = shown.strip_prefix(&*visible(path)).expect("the path");
            assert!(numbers.split(':').skip(1).all(|number| number.parse::<u32>().is_ok_and(|it| it > 0)), "{line}");
        }
    }
}

/// Checks `text` against one of the schemas and gives it parsed.
fn valid(text: &str, name: &str) -> Value {
    let value: Value = serde_json::from_str(text).expect("it is JSON");
    let schema = serde_json::from_str(&fs::read_to_string(schema(name)).expect("the schema is there")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&value).take(5).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
    value
}

#[test]
fn gitlab_reads_every_finding_in_both_of_its_formats() {
    for report in [hostile(), awkward(), usual(), Scan::default().done()] {
        let quality = valid(&plain(&report, Format::Gitlab), "gitlab-codequality.json");
        let sast = valid(&plain(&report, Format::GitlabSast), "gitlab-sast.json");
        let (issues, vulnerabilities) = (quality.as_array().unwrap(), sast["vulnerabilities"].as_array().unwrap());
        assert_eq!((issues.len(), vulnerabilities.len()), (report.findings.len(), report.findings.len()));
        for ((issue, vulnerability), finding) in issues.iter().zip(vulnerabilities).zip(&report.findings) {
            assert_eq!(issue["location"]["path"], path(&report, finding));
            assert!(issue["description"].as_str().unwrap().starts_with(&sentence(&finding.message)));
            assert_eq!(vulnerability["location"]["file"], path(&report, finding));
            assert_eq!(vulnerability["name"], finding.rule.title, "a name holds nothing of the finding");
            assert_eq!(vulnerability["identifiers"][1]["value"], "250");
            safe_markdown(vulnerability["description"].as_str().unwrap());
            safe_markdown(vulnerability["solution"].as_str().unwrap_or_default());
        }
        let ids: BTreeSet<&str> = vulnerabilities.iter().map(|it| it["id"].as_str().unwrap()).collect();
        let fingerprints: BTreeSet<&str> = issues.iter().map(|it| it["fingerprint"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), fingerprints.len()), (issues.len(), issues.len()), "GitLab drops all but one of equals");
        let gaps = report.findings.iter().filter(|finding| finding.gap).count();
        assert_eq!(sast["scan"]["messages"].as_array().map_or(0, Vec::len), gaps);
    }
}

#[test]
fn the_time_of_a_scan_is_the_one_given() {
    let time = "2026-11-20T23:59:07Z".parse().expect("a time");
    let out = written(&usual(), Format::GitlabSast, Options { time, ..Options::default() });
    let scan = &serde_json::from_str::<Value>(&out).expect("it is JSON")["scan"];
    assert_eq!(
        (&scan["start_time"], &scan["end_time"]),
        (&"2026-11-20T23:59:07".into(), &"2026-11-20T23:59:07".into())
    );
}

/// An element as it begins: its name and attributes.
type Element = (String, Vec<(String, String)>);

/// Reads XML of the kind that is written here, strictly, and gives its elements and all text between tags.
fn xml(text: &str) -> (Vec<Element>, String) {
    let allowed = |c: char| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(allowed), "a character that XML 1.0 does not have");
    let decoded = |text: &str| {
        assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        let parts = text.split('&').skip(1);
        assert!(
            parts.clone().all(|part| ["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|it| part.starts_with(it)))
        );
        let names = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("the declaration");
    let (mut elements, mut open, mut between) = (Vec::new(), Vec::new(), String::new());
    while let Some((before, after)) = rest.split_once('<') {
        between.push_str(&decoded(before));
        let (tag, after) = after.split_once('>').expect("the end of the tag");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let inner = tag.strip_suffix('/').unwrap_or(tag);
        let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
        let mut parts = attributes.split('"');
        let pairs = iter::from_fn(|| Some((parts.next()?.trim().strip_suffix('=')?, parts.next()?)));
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        assert_eq!(attributes.matches('"').count(), 2 * pairs.len());
        elements.push((name.to_owned(), pairs));
        if inner == tag {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && rest == "\n", "{open:?} {rest:?}");
    (elements, between)
}

/// The values of an attribute of the elements of a name.
fn values<'a>(elements: &'a [Element], name: &str, attribute: &str) -> Vec<&'a str> {
    let of_name = elements.iter().filter(|(element, _)| element == name);
    of_name
        .flat_map(|(_, attributes)| attributes)
        .filter(|(it, _)| it == attribute)
        .map(|(_, it)| it.as_str())
        .collect()
}

/// Asks libxml2 whether `text` is valid; says so where that is not installed.
fn validate(text: &str, schema_name: &str) {
    let mut lint = Command::new("xmllint");
    lint.args(["--noout", "--nonet", "--schema"]).arg(schema(schema_name)).arg("-");
    let Ok(mut child) = lint.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        eprintln!("skipped: there is no xmllint here");
        return;
    };
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What XML can show of a text.
fn in_xml(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[test]
fn checkstyle_is_valid_xml_with_every_finding() {
    for report in [hostile(), awkward(), usual(), Scan::default().done()] {
        let out = plain(&report, Format::Checkstyle);
        validate(&out, "checkstyle.xsd");
        let (elements, _) = xml(&out);
        let messages = values(&elements, "error", "message");
        assert_eq!(messages.len(), report.findings.len());
        for (message, finding) in messages.iter().zip(&report.findings) {
            assert!(message.starts_with(&in_xml(&sentence(&finding.message))), "{message}");
        }
        let mut paths: Vec<String> =
            report.findings.iter().map(|finding| in_xml(&visible(path(&report, finding)))).collect();
        paths.dedup();
        assert_eq!(values(&elements, "file", "name"), paths);
    }
}

#[test]
fn junit_is_valid_xml_with_a_case_for_every_finding_and_every_clean_file() {
    for report in [hostile(), awkward(), usual(), Scan::default().done()] {
        let out = plain(&report, Format::Junit);
        let (elements, _) = xml(&out);
        // The one attribute that is not in the schema; GitLab links to the file that it names.
        let files = values(&elements, "testcase", "file").len();
        let cases: Vec<&str> = out.split("<testcase ").collect();
        let without = cases.iter().map(|case| match case.split_once(" file=\"") {
            Some((before, rest)) => format!("{before}{}", rest.split_once('"').expect("the end of the value").1),
            None => (*case).to_owned(),
        });
        validate(&without.collect::<Vec<_>>().join("<testcase "), "junit-10.xsd");
        let with: BTreeSet<&str> = report.findings.iter().map(|finding| path(&report, finding)).collect();
        assert_eq!(files, report.findings.len() + report.sources.len() - with.len());
        let count = |name: &str| values(&elements, name, "message").len();
        let gaps = report.findings.iter().filter(|finding| finding.gap).count();
        let failures = report.findings.iter().filter(|it| !it.gap && it.severity >= Severity::Medium).count();
        assert_eq!((count("error"), count("failure")), (gaps, failures));
        assert_eq!(count("skipped"), report.findings.len() - gaps - failures);
        for (attribute, number) in [("tests", files), ("failures", failures), ("errors", gaps)] {
            let sum: usize =
                values(&elements, "testsuite", attribute).iter().map(|it| it.parse::<usize>().unwrap()).sum();
            assert_eq!((sum, values(&elements, "testsuites", attribute)), (number, vec![&*number.to_string()]));
        }
    }
}

#[test]
fn equal_cases_of_a_file_have_names_of_their_own_without_lines() {
    let mut scan = Scan::default();
    let file = scan.file("f", "x\nx\n");
    for at in [0, 2] {
        scan.report(rule("r", Severity::High), Span::new(file, at..at + 1), "Again");
    }
    let (elements, _) = xml(&plain(&scan.done(), Format::Junit));
    assert_eq!(values(&elements, "testcase", "name"), ["r: Again", "r: Again (2)"]);
}

/// Fails where Markdown of ours holds anything but our own structure.
fn safe_markdown(text: &str) {
    let own = ["<code>", "</code>", "<br>", "<sub>", "</sub>", "<!-- -->", "<details>", "</details>", "<summary>"];
    for (at, _) in text.match_indices('<') {
        let known = own.iter().any(|tag| text[at..].starts_with(tag)) || text[at..].starts_with("</summary>");
        assert!(known, "{}", &text[at..]);
    }
    for (at, _) in text.match_indices("](") {
        let link = &text[at + 2..];
        assert!(link.starts_with(concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/rules/")), "{link}");
    }
    let rules = text.matches(concat!("](", env!("CARGO_PKG_REPOSITORY"))).count();
    assert_eq!(text.matches("://").count(), rules, "{text}");
    assert_eq!(text.matches('@').count(), text.matches("@<!-- -->").count());
    assert!(!text.contains(['`', '~', '$', '\\']) && !text.to_ascii_lowercase().contains("www."), "{text}");
    assert_eq!(text.matches("<code>").count(), text.matches("</code>").count());
}

#[test]
fn the_summary_is_tables_of_our_own_and_nothing_else() {
    for report in [hostile(), awkward(), usual(), Scan::default().done()] {
        let out = plain(&report, Format::Markdown);
        safe_markdown(&out);
        let mut columns = 0;
        let mut rows = 0;
        for line in out.lines() {
            if !line.starts_with('|') {
                let kinds = ["## ", "### ", "<details>", "</details>", "<summary>", "> ", "", "0 ", "1", "2"];
                assert!(kinds.iter().any(|kind| line.starts_with(kind)), "{line}");
                columns = 0;
                continue;
            }
            let here = line.matches('|').count();
            assert!(columns == 0 || columns == here, "{line}");
            columns = here;
            rows += usize::from(line.contains("/blob/main/rules/"));
        }
        assert_eq!(rows, report.findings.len());
        assert_eq!(out.contains("Not everything was graded"), report.has_gaps());
    }
}

#[test]
fn a_summary_is_no_longer_than_github_takes_and_says_what_is_missing() {
    let mut scan = Scan::default();
    let file = scan.file("f", "x\n");
    let (mild, bad) = (rule("mild", Severity::Low), rule("bad", Severity::Critical));
    for index in 0..5000 {
        scan.report(if index % 100 == 99 { bad } else { mild }, Span::new(file, 0..1), &"漢| ".repeat(150));
    }
    let report = scan.done();
    let mut out = Vec::new();
    let left_out = write(&report, Format::Markdown, &Options::default(), &mut out).expect("memory takes everything");
    let out = String::from_utf8(out).expect("UTF-8");
    assert!(out.len() > 900_000 && out.len() <= 1_000_000, "{}", out.len());
    let count = |name: &str| out.matches(&format!("[{name}](")).count();
    assert_eq!(count("bad"), 50);
    let left_out = left_out.expect("something was left out");
    assert_eq!(left_out.split_once(' ').and_then(|(number, _)| number.parse().ok()), Some(5000 - 50 - count("mild")));
    assert!(out.contains(&left_out));
    assert_eq!(out.matches("<details>").count(), out.matches("</details>").count());
    // However long the names of what was not graded are.
    let mut scan = Scan::default();
    for index in 0..400 {
        let file = scan.file(&format!("{}{index}", "\u{202e}|".repeat(500)), "x\n");
        scan.report(rule("parse-error", Severity::High), Span::new(file, 0..1), &"|\u{202e}".repeat(500));
    }
    let out = plain(&scan.done(), Format::Markdown);
    assert!(out.len() <= 1_000_000 && out.contains("| … and "), "{}", out.len());
    let usual = write(&usual(), Format::Markdown, &Options::default(), &mut Vec::new());
    assert_eq!(usual.expect("memory takes everything"), None);
}

/// What a scan makes of the usual findings that has a baseline with the gap, and exceptions for two others.
fn compared() -> Report {
    let mut report = usual();
    let (known, findings) = report.findings.drain(..).partition(|finding: &Finding| finding.gap);
    (report.known, report.findings) = (known, findings);
    let name = "a|b@c.json".to_owned();
    report.comparisons.push(Comparison {
        with: With::Baseline(name),
        known: 1,
        since: HashMap::new(),
        fixed: Vec::new(),
    });
    let exception = |rule: &str, hides, reason: Option<&str>, until: Option<&str>| Exception {
        since: None,
        ignore: Ignore {
            since: None,
            rules: vec![rule.to_owned()],
            reason: reason.map(str::to_owned),
            until: until.map(|text| Until { text: text.to_owned(), date: text.parse().ok() }),
            place: Place::Config { path: "confscan.toml".to_owned(), line: 3 },
        },
        span: None,
        malformed: None,
        expired: false,
        unreasoned: false,
        unknown: Vec::new(),
        unused: Vec::new(),
        mute: Vec::new(),
        hides,
    };
    report.exceptions.push(exception("hot-reload", 2, Some("<b>until</b> the move"), Some("2026-12-01")));
    report.exceptions.push(exception("unused", 0, None, None));
    report.exceptions.push(exception("missing-user", 1, None, None));
    report.today = Some(jiff::civil::date(2026, 11, 29));
    report
}

#[test]
fn what_is_known_or_ignored_is_said_and_what_was_not_graded_stays_in_sight() {
    let report = compared();
    let summary = plain(&report, Format::Markdown);
    safe_markdown(&summary);
    for line in [
        "## confscan: 5 new findings",
        "1 known finding not shown: compared with <code>a&#124;b@<!-- -->c.json</code>.",
        "> Not everything was graded: 1 parse-error.",
        "| <code>deploy/compose.yaml:1</code> | A tab cannot indent YAML. |",
        "<summary>3 findings ignored</summary>",
        "| hot-reload | 2 | <code>confscan.toml:3</code> | &#60;b&#62;until&#60;/b&#62; the move | until 2026-12-01, 2 days left |",
        "| missing-user | 1 | <code>confscan.toml:3</code> | no reason given |  |",
    ] {
        assert!(summary.lines().any(|it| it == line), "{line}\n{summary}");
    }
    let log = plain(&report, Format::Github);
    let said: Vec<&str> = log.lines().filter(|line| !line.starts_with("::")).collect();
    assert_eq!(
        said,
        [
            "5 new findings: 1 critical, 1 high, 1 medium, 1 low, 1 info",
            "1 known finding not shown: compared with `a|b@c.json`.",
            "3 findings ignored.",
            "Not everything was graded: 1 parse-error.",
        ]
    );
    let (elements, _) = xml(&plain(&report, Format::Junit));
    assert_eq!(values(&elements, "testsuites", "errors"), ["1"]);
    assert_eq!(elements.iter().filter(|(name, _)| name == "error").count(), 1);
    let sast = valid(&plain(&report, Format::GitlabSast), "gitlab-sast.json");
    assert_eq!(sast["scan"]["messages"].as_array().map(Vec::len), Some(1));
    let none = Report { findings: Vec::new(), ..compared() };
    assert!(plain(&none, Format::Github).starts_with("No new findings in 2 files and 0 containers.\n1 known finding "));
    assert!(plain(&none, Format::Github).ends_with("Not everything was graded: 1 parse-error.\n"));
}

#[test]
fn no_format_shows_a_secret() {
    let report = usual();
    assert!(DOCKERFILE.contains("hunter2"));
    for format in Format::ALL {
        assert!(!plain(&report, format).contains("hunter2"), "{format:?}");
    }
}

#[test]
fn the_same_report_is_written_the_same_again() {
    for format in Format::ALL {
        assert_eq!(plain(&hostile(), format), plain(&hostile(), format), "{format:?}");
    }
}

/// Runs the program on a folder with one file: what it said on the standard error, and what it wrote.
fn run(name: &str, text: &str, formats: &[Format]) -> (String, HashMap<Format, String>) {
    let folder = env::temp_dir().join(format!("confscan-formats-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("it can be made");
    fs::write(folder.join(name), text).expect("it can be written");
    fs::write(folder.join("confscan.toml"), "limits.max-findings = 5000\n").expect("it can be written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_confscan"));
    program.args(["--fail-on", "never", "-q", name]).env("SOURCE_DATE_EPOCH", "1790000000").current_dir(&folder);
    for format in formats {
        program.arg("-o").arg(format!("{0}=out.{0}", format.name()));
    }
    let output = program.output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = |format: &Format| fs::read_to_string(folder.join(format!("out.{}", format.name()))).expect("a report");
    let texts = formats.iter().map(|format| (*format, text(format))).collect();
    fs::remove_dir_all(&folder).expect("it can be removed");
    (String::from_utf8(output.stderr).expect("UTF-8"), texts)
}

#[test]
fn one_scan_writes_every_format_and_the_time_is_the_one_that_is_set() {
    let (said, texts) = run("nginx.conf", "server {\n  autoindex on;\n}\n", &Format::ALL);
    assert_eq!(said, "");
    for format in Format::ALL {
        assert!(texts[&format].contains("autoindex-on"), "{format:?}");
    }
    let sast: Value = serde_json::from_str(&texts[&Format::GitlabSast]).expect("it is JSON");
    assert_eq!(sast["scan"]["start_time"], "2026-09-21T14:13:20");
    assert!(texts[&Format::Concise].starts_with("nginx.conf:2:3: medium autoindex-on "));
}

#[test]
fn what_does_not_fit_into_a_report_is_said_on_the_standard_error() {
    let services: String = (0..900).map(|number| format!("  s{number}:\n    image: alpine\n")).collect();
    let (said, texts) = run("compose.yaml", &format!("services:\n{services}"), &[Format::Markdown]);
    let said = said.strip_prefix("confscan: markdown: ").unwrap_or_else(|| panic!("{said}"));
    assert!(said.contains(" findings left out of the summary"), "{said}");
    assert!(texts[&Format::Markdown].contains(said.trim_end()));
}

#[test]
fn the_page_of_the_formats_has_a_section_for_each() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md")).expect("it is there");
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(sections, Format::ALL.map(Format::name));
    for name in sections {
        assert!(page.contains(&format!("\n| [`{name}`](#{name}) | ")), "{name}");
    }
}
