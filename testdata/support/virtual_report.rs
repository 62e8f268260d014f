//! Reports of repositories that exist only in a test.

use std::path::Path;
use std::{env, fs};

use confscan::container::Environment;
use confscan::few::Few;
use confscan::finding::{Confidence, Development, Finding, Label, Rule, Severity, Tier, identify};
use confscan::report::{Format, Options, Report, write};
use confscan::source::{FileId, Kind, Source, Sources, Span};

/// A rule with the given id and severity.
pub fn rule(id: &'static str, severity: Severity) -> &'static Rule {
    Box::leak(Box::new(Rule {
        id,
        title: "Something is wrong",
        on: "Container",
        severity,
        confidence: Confidence::Certain,
        tier: Tier::Default,
        development: Development::Same,
        gap: id == "parse-error",
        tags: &["CWE-250", "user"],
        replaces: &[],
        page: "## Why\n\nIt is wrong.\n\n## Bad\n\nAn example.\n",
    }))
}

/// A report as it grows.
#[derive(Default)]
pub struct Scan {
    pub sources: Sources,
    pub findings: Vec<Finding>,
    pub secrets: Vec<Span>,
}

impl Scan {
    pub fn file(&mut self, path: &str, text: &str) -> FileId {
        let mut source = Source::new(path, text);
        source.kind = Kind::Dockerfile;
        self.sources.add(source)
    }

    /// The first place in `file` that reads `text`.
    pub fn find(&self, file: FileId, text: &str) -> Span {
        let at = self.sources.get(file).text.find(text).unwrap_or_else(|| panic!("{text:?} is not in the file"));
        Span::new(file, at..at + text.len())
    }

    pub fn report(&mut self, rule: &'static Rule, span: Span, message: &str) -> &mut Finding {
        self.findings.push(Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::Certain,
            message: message.to_owned(),
            labels: vec![Label { span, message: String::new() }],
            chain: Few::new(),
            contained: Few::new(),
            inside: None,
            help: None,
            container: None,
            also: Few::new(),
            stacks: Few::new(),
            gap: rule.gap,
            environment: Environment::Unmarked,
            node: String::new(),
            about: None,
            evidence: String::new(),
            fingerprint: String::new(),
        });
        self.findings.last_mut().expect("one was just pushed")
    }

    pub fn done(mut self) -> Report {
        let path = |span: Span| self.sources.get(span.file).path.as_str();
        self.findings.sort_by_key(|finding| (path(finding.primary()).to_owned(), finding.primary()));
        identify(&mut self.findings, path);
        self.secrets.sort();
        Report { sources: self.sources, findings: self.findings, secrets: self.secrets, ..Report::default() }
    }
}

pub fn written(report: &Report, format: Format, options: Options) -> String {
    let mut out = Vec::new();
    write(report, format, &options, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

/// Compares with a file of the repository, or rewrites it where `UPDATE` is set.
pub fn golden(path: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, actual).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; UPDATE=1 rewrites it", path.display());
}

pub const DOCKERFILE: &str = "FROM python:3.11-slim AS base\nENV API_TOKEN=hunter2-very-secret\nRUN apt-get update \\\n    && apt-get \
                          install curl\n\nFROM base\nUSER root\nCMD [\"python\", \"app.py\"]\n";
const COMPOSE: &str =
    "services:\n  web:\n    build: .\n\tports: ['5432:5432']\n    # 漢字\n    command: run 漢字 --reload\n";

/// A repository with the usual findings.
pub fn usual() -> Report {
    let mut scan = Scan::default();
    let dockerfile = scan.file("Dockerfile", DOCKERFILE);
    let compose = scan.file("deploy/compose.yaml", COMPOSE);
    let secret = scan.find(dockerfile, "hunter2-very-secret");
    scan.secrets.push(secret);
    let (user, base) = (scan.find(dockerfile, "USER root"), scan.find(dockerfile, "FROM base"));
    let (python, service) = (scan.find(dockerfile, "python:3.11-slim"), scan.find(compose, "web"));
    let finding = scan.report(rule("explicit-root-user", Severity::High), user, "Container `web` starts as root");
    finding.related(base, "the stage that is shipped").related(python, "its image").related(service, "");
    finding.help("Add a USER instruction with an account that is not root");
    finding.container = Some("web".to_owned());
    finding.also = vec!["worker".to_owned(), "beat".to_owned()].into();
    finding.environment = Environment::Production;
    finding.node = "stages.1".to_owned();
    let env = scan.find(dockerfile, "API_TOKEN=hunter2-very-secret");
    scan.report(rule("secret-in-environment", Severity::Critical), env, "`API_TOKEN` keeps a secret in the image");
    let run = scan.find(dockerfile, "RUN apt-get update \\\n    && apt-get install curl\n");
    let finding = scan.report(rule("unpinned-os-package", Severity::Info), run, "`curl` has no version");
    finding.confidence(Confidence::Guess);
    let port = scan.find(compose, "'5432:5432'");
    let finding =
        scan.report(rule("exposed-database-port", Severity::Medium), port, "Everyone reaches [PostgreSQL](1)");
    finding.environment = Environment::Development;
    finding.container = Some("web".to_owned());
    let reload = scan.find(compose, "--reload");
    scan.report(rule("hot-reload-in-production", Severity::Low), reload, "The server reloads itself?");
    let start = Span::at(compose, 0);
    scan.report(rule("parse-error", Severity::High), start, "A tab cannot indent YAML");
    scan.done()
}

/// Files that are hard to show.
pub fn awkward() -> Report {
    let mut scan = Scan::default();
    let wrong = rule("awkward", Severity::Medium);
    let mut at = |path: &str, text: &str, needle: &str| {
        let file = scan.file(path, text);
        let span = scan.find(file, needle);
        scan.report(wrong, span, "Look here").related(span, "and here");
        file
    };
    at("tabs", "\tA\tB C\n", "B");
    at("wide", "漢字 é\u{301} x 😀 y\n", "y");
    at("crlf", "a\r\nb c\r\nd\r\n", "c\r\n");
    at("cr", "a\rb c\rd", "c\rd");
    at("bom", "\u{feff}FROM x\n", "\u{feff}FROM");
    at("no-final-newline", "FROM x", "x");
    at("several-lines", "a\nb c\nd e\n", "c\nd");
    at("name\u{1b}[31m\u{202e}\n", "ENV A=\u{1b}]0;x\u{7} \u{9b}2J \u{202e}b \u{85} \u{2028} c\n", "b");
    at("a b/#?%é", "x\n", "x");
    at("long", &format!("{}HERE{}\n", "x漢".repeat(3000), "é".repeat(5000)), "HERE");
    at("longer", &format!("<{}>\n", "x".repeat(5000)), &format!("<{}>", "x".repeat(5000)));
    let empty = scan.file("empty", "");
    scan.report(wrong, Span::at(empty, 0), "Empty");
    let end = scan.file("end", "FROM x\n");
    scan.report(wrong, Span::at(end, 7), "Something is missing at the end");
    scan.report(wrong, Span::at(end, 6), "Something is missing at the end of the line");
    scan.report(wrong, Span::at(end, 4), "Something is missing in the line");
    let evil = "a\u{1b}[2Jb\u{202e}\n::error::";
    let finding = scan.report(wrong, Span::at(end, 0), evil);
    finding.related(Span::at(empty, 0), evil).help(evil);
    finding.container = Some(evil.to_owned());
    finding.also = vec![evil.to_owned()].into();
    scan.done()
}
