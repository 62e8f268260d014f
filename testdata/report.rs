//! The report formats over a virtual repository: what they show, what they must not show, and how fast.

#[path = "support/effort.rs"]
mod effort;
#[path = "support/virtual_report.rs"]
mod virtual_report;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use confscan::finding::{Confidence, Severity};
use confscan::report::{Format, Options, Report};
use confscan::source::Span;
use proptest::prelude::*;
use serde_json::Value;
use virtual_report::{DOCKERFILE, Scan, awkward, golden, rule, usual, written};

fn human(report: &Report) -> String {
    written(report, Format::Human, Options::default())
}

/// Every way to write a report.
fn every_output(report: &Report) -> Vec<String> {
    let quiet = Options { quiet: true, ..Options::default() };
    let color = Options { color: true, ..Options::default() };
    let narrow = Options { width: Some(1), ..Options::default() };
    let human = [Options::default(), quiet, color, narrow].map(|options| written(report, Format::Human, options));
    let formats = Format::ALL.map(|format| written(report, format, Options::default()));
    human.into_iter().chain(formats).collect()
}

/// The text between two places of a file, by lines and columns as SARIF counts them.
fn slice(text: &str, region: &Value) -> String {
    let number = |name: &str| region[name].as_u64().unwrap_or_else(|| panic!("{name} is missing"));
    let from = (number("startLine"), number("startColumn"));
    let to = (number("endLine"), number("endColumn"));
    assert!((1, 1) <= from && from <= to, "{region}");
    let (mut line, mut column, mut out) = (1, 1, String::new());
    let mut characters = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    while let Some(character) = characters.next() {
        if from <= (line, column) && (line, column) < to {
            out.push(character);
        }
        column += 1;
        if character == '\n' || character == '\r' && characters.peek() != Some(&'\n') {
            (line, column) = (line + 1, 1);
        }
    }
    out
}

fn percent_decoded(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
            let digits = std::str::from_utf8(&digits).expect("digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("paths are UTF-8")
}

/// The log of a report, after it was checked against the schema.
fn sarif(report: &Report) -> Value {
    let log: Value = serde_json::from_str(&written(report, Format::Sarif, Options::default())).expect("it is JSON");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("sarif/sarif-2.1.0.schema.json");
    // One of its patterns has a `]` that ends nothing: literal in the regular expressions of JavaScript, which the
    // schema is written for, and an error in the validator's.
    let schema = fs::read_to_string(schema).expect("the schema is there").replace("{2}]?$", r"{2}\\]?$");
    let schema = serde_json::from_str(&schema).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&log).take(5).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    log
}

/// Every region of a log, with the URI of its file.
fn regions<'a>(value: &'a Value, into: &mut Vec<(&'a Value, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            if let Some(artifact) = fields.get("artifactLocation") {
                let regions = ["region", "contextRegion"].into_iter().filter_map(|name| fields.get(name));
                into.extend(regions.map(|region| (&artifact["uri"], region)));
            }
            fields.values().for_each(|value| regions(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| regions(item, into)),
        _ => {}
    }
}

#[test]
fn the_terminal_report_is_as_agreed() {
    golden("testdata/golden/human.txt", &human(&usual()));
    golden("testdata/golden/awkward.txt", &human(&awkward()));
    let quiet = Options { quiet: true, ..Options::default() };
    golden("testdata/golden/quiet.txt", &written(&usual(), Format::Human, quiet));
}

#[test]
fn colours_change_nothing_but_the_colours() {
    for report in [usual(), awkward()] {
        let color = Options { color: true, ..Options::default() };
        let colored = written(&report, Format::Human, color);
        let mut plain = String::new();
        let mut rest = colored.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            plain.push_str(before);
            rest = after.split_once('m').expect("only colours are written").1;
        }
        plain.push_str(rest);
        assert_ne!(plain, colored);
        assert_eq!(plain, human(&report));
    }
}

#[test]
fn marks_stand_under_what_they_mark() {
    for (text, needle, line, marks) in [
        ("\tA\tB C\n", "B", "    A   B C", "        ^"),
        ("漢字 x\n", "x", "漢字 x", "     ^"),
        ("\u{feff}FROM x\n", "FROM", "FROM x", "^^^^"),
        ("FROM x\r\n", "x\r\n", "FROM x", "     ^"),
        ("A=\u{1b}[0m b", "b", "A=␛[0m b", "       ^"),
        ("a\u{202e}b", "b", "a\u{fffd}b", "  ^"),
        ("a b\nc\n", "b\nc", "a b", "  ^ … to line 2"),
    ] {
        let mut scan = Scan::default();
        let file = scan.file("f", text);
        let span = scan.find(file, needle);
        scan.report(rule("r", Severity::Low), span, "m");
        let out = human(&scan.done());
        let expected = format!("\n1 | {line}\n  | {marks}\n");
        assert!(out.contains(&expected), "{out}\ndoes not hold{expected}");
    }
}

#[test]
fn no_excerpt_is_wider_than_the_terminal() {
    for width in [40, 80, 120] {
        let out = written(&awkward(), Format::Human, Options { width: Some(width), ..Options::default() });
        for line in out.lines().filter(|line| line.contains(" | ")) {
            // A label may stand behind the marks, and the signs of two cuts around the text.
            let line = line.strip_suffix(" and here").unwrap_or(line);
            let wide = line.chars().filter(|character| *character == '漢').count();
            let columns = line.chars().count() + wide;
            assert!(columns <= width + 2, "{columns} columns: {line}");
        }
        assert!(out.contains("HERE"));
    }
}

#[test]
fn secrets_are_in_no_output() {
    let report = usual();
    for out in every_output(&report) {
        assert!(!out.contains("hunter2"), "{out}");
    }
    assert!(human(&report).contains("API_TOKEN=*******************\n"));
}

#[test]
fn nothing_from_a_file_acts_on_the_terminal() {
    for report in [usual(), awkward()] {
        for (index, out) in every_output(&report).iter().enumerate() {
            let colored = index == 2;
            let acts = |character: char| {
                character.is_control() && character != '\n' && !(colored && character == '\u{1b}')
                    || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
            };
            assert_eq!(out.find(acts), None, "output {index}");
            assert!(!out.lines().any(|line| line.starts_with("::error::")), "output {index}");
            assert!(!out.contains("\u{1b}[2J") && !out.contains("\u{1b}]"), "output {index}");
        }
    }
}

#[test]
fn every_region_is_its_snippet() {
    for report in [usual(), awkward()] {
        let log = sarif(&report);
        let mut found = Vec::new();
        regions(&log, &mut found);
        assert!(found.len() >= report.findings.len());
        let mut masked = 0;
        for (uri, region) in found {
            let path = percent_decoded(uri.as_str().expect("a URI"));
            let file = report.sources.find(&path).unwrap_or_else(|| panic!("no file {path:?}"));
            let text = slice(&report.sources.get(file).text, region);
            let snippet = region["snippet"]["text"].as_str().unwrap_or_default();
            if snippet.contains("***") {
                masked += 1;
                assert_eq!(text.replace("hunter2-very-secret", &"*".repeat(19)), snippet);
            } else {
                assert_eq!(text, snippet, "{path}");
            }
        }
        assert_eq!(masked, report.secrets.len());
    }
}

#[test]
fn sarif_logs_are_as_agreed() {
    for (name, report) in [("usual", usual()), ("empty", Scan::default().done())] {
        let mut log = sarif(&report);
        let driver = &mut log["runs"][0]["tool"]["driver"];
        for version in ["version", "semanticVersion"] {
            assert_eq!(driver[version], env!("CARGO_PKG_VERSION"));
            driver[version] = "0.0.0".into();
        }
        let text = serde_json::to_string_pretty(&log).expect("it serialises");
        golden(&format!("sarif/{name}.sarif"), &format!("{text}\n"));
    }
}

#[test]
fn sarif_has_what_github_asks_for() {
    let log = sarif(&usual());
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "confscan");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run.get("automationDetails"), None);
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!(region["startLine"], region["endLine"]);
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["locations"].as_array().map(Vec::len), Some(1));
        assert_eq!(result["partialFingerprints"]["confscan/v1"].as_str().map(str::len), Some(32));
        let text = result["message"]["text"].as_str().expect("a message");
        for related in result["relatedLocations"].as_array().into_iter().flatten() {
            assert!(text.contains(&format!("]({})", related["id"])), "{text}");
        }
        let links = text.matches("](").count();
        assert_eq!(links, result["relatedLocations"].as_array().map_or(0, Vec::len), "{text}");
    }
    for rule in rules {
        for text in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            assert!(rule.pointer(text).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{text}");
        }
    }
    let notifications = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notifications.as_array().map(Vec::len), Some(1));
    assert_eq!(notifications[0]["associatedRule"]["id"], "parse-error");
}

#[test]
fn an_alert_weighs_what_the_findings_do_and_not_what_the_rule_usually_does() {
    for (severities, guess, expected) in [
        (&[Severity::Low][..], false, serde_json::json!("2.5")),
        (&[Severity::Low, Severity::Critical, Severity::Medium], false, serde_json::json!("9.5")),
        (&[Severity::Info], false, Value::Null),
        (&[Severity::Critical], true, serde_json::json!("5.5")),
    ] {
        let mut scan = Scan::default();
        let file = scan.file("f", "x\n");
        for severity in severities {
            let finding = scan.report(rule("r", Severity::High), Span::new(file, 0..1), "m");
            finding.severity = *severity;
            if guess {
                finding.confidence(Confidence::Guess);
            }
        }
        let log = sarif(&scan.done());
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!((rules.len(), &rules[0]["properties"]["security-severity"]), (1, &expected), "{severities:?}");
    }
}

#[test]
fn sarif_repeats_neither_long_places_nor_long_messages() {
    let mut scan = Scan::default();
    let text = "x".repeat(20_000);
    let file = scan.file("f", &text);
    scan.report(rule("r", Severity::Low), Span::new(file, 0..20_000), &text)
        .related(Span::at(file, 0), &*text)
        .help(&*text);
    let result = &sarif(&scan.done())["runs"][0]["results"][0];
    let message = result["message"]["text"].as_str().expect("a message");
    assert!(message.chars().count() < 3100 && message.contains("…](1)"), "{message}");
    assert_eq!(result["relatedLocations"][0]["message"]["text"].as_str().map(|it| it.chars().count()), Some(1000));
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["endColumn"], region.get("snippet")), (&20_001.into(), None));
}

#[test]
fn nothing_found_is_one_line() {
    let mut scan = Scan::default();
    scan.file("Dockerfile", "FROM x\n");
    let report = scan.done();
    assert_eq!(human(&report), "No findings in 1 file and 0 containers.\n");
    assert_eq!(written(&report, Format::Human, Options { quiet: true, ..Options::default() }), "");
}

/// `number` findings of one rule on lines 1, 2, … of one file.
fn repeated(number: usize) -> Report {
    let mut scan = Scan::default();
    let file = scan.file("f", &"x\n".repeat(number));
    let wrong = rule("repeated", Severity::Low);
    for index in 0..number {
        scan.report(wrong, Span::new(file, 2 * index..2 * index + 1), "Again");
    }
    scan.findings[number - 1].severity = Severity::High;
    scan.done()
}

#[test]
fn a_rule_that_repeats_in_a_file_is_shown_a_few_times_and_then_counted() {
    let report = repeated(20);
    let out = human(&report);
    assert_eq!(out.matches("]: Again").count(), 5, "{out}");
    assert!(out.contains("high[repeated]: Again"), "the worst is among those shown:\n{out}");
    let rest = "… and 15 more of repeated in this file (lines 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, …)\n";
    assert!(out.contains(rest), "{out}");
    assert_eq!(human(&repeated(6)).matches("]: Again").count(), 6);
    let quiet = written(&report, Format::Human, Options { quiet: true, ..Options::default() });
    assert_eq!(quiet.lines().count(), 20);
    let json: Value = serde_json::from_str(&written(&report, Format::Json, Options::default())).expect("it is JSON");
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(20));
    assert_eq!(sarif(&report)["runs"][0]["results"].as_array().map(Vec::len), Some(20));
}

#[test]
fn a_mild_rule_that_repeats_in_many_files_is_shown_a_few_times_and_then_counted() {
    let mut scan = Scan::default();
    let (mild, bad) = (rule("mild", Severity::Low), rule("bad", Severity::Medium));
    for index in 0..9 {
        let file = scan.file(&format!("{index}/f"), "x\n");
        scan.report(mild, Span::new(file, 0..1), "Again");
        if index > 6 {
            scan.report(bad, Span::new(file, 0..1), "Once more");
        }
    }
    let out = human(&scan.done());
    assert_eq!((out.matches("low[mild]").count(), out.matches("medium[bad]").count()), (5, 2), "{out}");
    assert!(!out.contains("\n5/f: "), "a file in which nothing is shown is left out:\n{out}");
    assert!(out.starts_with("7/f: 1 medium, 1 low\n\nmedium[bad]"), "the worst comes first:\n{out}");
    assert!(out.contains("\n4 of them were not shown, being like others: `--quiet` lists every one\n"), "{out}");
}

#[test]
fn each_json_finding_stands_on_its_own_line() {
    let report = usual();
    let out = written(&report, Format::Json, Options::default());
    let lines = out.lines().filter(|line| line.starts_with("{\"rule\":") && line.contains("\"fingerprint\":"));
    assert_eq!(lines.count(), report.findings.len());
    let json: Value = serde_json::from_str(&out).expect("it is JSON");
    let location = &json["findings"][2]["location"];
    assert_eq!(json["findings"][2]["rule"], "explicit-root-user");
    let numbers = ["line", "column", "end_line", "end_column"].map(|name| location[name].as_u64().unwrap_or_default());
    assert_eq!(numbers, [7, 1, 7, 10]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_is_found_can_be_shown(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..60),
        places in prop::collection::vec((0usize..200, 0usize..60, any::<bool>()), 1..6),
        width in 1usize..100,
    ) {
        let mut scan = Scan::default();
        let text = parts.concat();
        let file = scan.file("f", &text);
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let spans: Vec<Span> = places
            .iter()
            .map(|(start, length, _)| Span::new(file, boundary(*start)..boundary(start + length)))
            .collect();
        for (span, (_, _, secret)) in spans.iter().zip(&places) {
            if *secret && scan.secrets.iter().all(|other| !other.overlaps(*span)) {
                scan.secrets.push(*span);
            }
        }
        let finding = scan.report(rule("r", Severity::Low), spans[0], "m");
        for span in &spans[1..] {
            finding.related(*span, "related");
        }
        let report = scan.done();
        let out = written(&report, Format::Human, Options { width: Some(width), ..Options::default() });
        prop_assert!(!out.contains(|character: char| character.is_control() && character != '\n'));
        let log: Value = serde_json::from_str(&written(&report, Format::Sarif, Options::default())).expect("JSON");
        let mut found = Vec::new();
        regions(&log, &mut found);
        for (_, region) in found {
            let text = slice(&text, region);
            let snippet = region["snippet"]["text"].as_str().unwrap_or_default();
            prop_assert_eq!(text.chars().count(), snippet.chars().count());
            for (real, shown) in text.chars().zip(snippet.chars()) {
                prop_assert!(real == shown || shown == '*' && !report.secrets.is_empty());
            }
        }
    }
}

/// What [`whatever_is_found_can_be_shown`] makes files of.
const PARTS: &[&str] = &[
    "a",
    "RUN x",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "漢",
    "é",
    "e\u{301}",
    "😀",
    "👩\u{200d}👩",
    "\u{feff}",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{2028}",
    "\u{85}",
    "\u{0}",
    "********************************************************************",
];

#[test]
fn sarif_leaves_out_the_mildest_of_too_many_and_says_so() {
    let mut scan = Scan::default();
    let file = scan.file("f", "x\n");
    let (mild, bad) = (rule("mild", Severity::Info), rule("bad", Severity::Critical));
    for index in 0..25_010 {
        scan.report(if index % 1000 == 999 { bad } else { mild }, Span::new(file, 0..1), "Many");
    }
    let report = scan.done();
    let log: Value = serde_json::from_str(&written(&report, Format::Sarif, Options::default())).expect("it is JSON");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 25_000);
    assert_eq!(results.iter().filter(|result| result["ruleId"] == "bad").count(), 25);
    let text = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str();
    assert_eq!(text, Some("10 of the mildest findings were left out: one upload takes 25000 results."));
}

/// A report of 200 findings for each of `size` files, and of many in a minified one, where every look at a whole line would
/// count.
fn many_findings(size: usize) -> Report {
    let mut scan = Scan::default();
    let rules = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|id| rule(id, Severity::Medium));
    for index in 0..size {
        let file = scan.file(&format!("services/{index:03}/Dockerfile"), &DOCKERFILE.repeat(10));
        for place in 0..50 {
            let span = Span::new(file, 30 * place..30 * place + 20);
            let near = Span::new(file, 30 * place + 40..30 * place + 45);
            scan.report(rules[place % 8], span, "Container `web` starts as root").related(near, "because of this");
        }
    }
    let file = scan.file("minified", &"x".repeat(size * 5_000));
    for place in 0..size * 5 / 2 {
        scan.report(rules[place % 8], Span::new(file, 2000 * place..2000 * place + 3), "Wrong");
    }
    scan.done()
}

#[test]
fn thousands_of_findings_are_written_in_linear_time() {
    let cases = |size: usize| {
        let report = Arc::new(many_findings(size));
        Format::ALL.map(|format| (format.name().to_owned(), (format, report.clone()))).into()
    };
    effort::assert_linear(200, 2 << 20, cases, |(format, report)| {
        written(report, *format, Options::default());
    });
}
