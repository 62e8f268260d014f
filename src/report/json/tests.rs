use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::*;
use crate::baseline::{Entry, With};
use crate::container::facet::{Port, Reach};
use crate::container::image::ImagePlace;
use crate::container::{
    Container, Environment, Fact, Healthcheck, Image, Invocation, Marked, Origin, User, UserSource, Why, facet::Scope,
};
use crate::exception::{Asked, Exception, read};
use crate::few::Few;
use crate::finding::{Confidence, Development, Label, Rule, Tier};
use crate::project::Project;
use crate::source::{Kind, Source, Sources, Spanned, Text};

static RULE: Rule = Rule {
    id: "parse-error",
    title: "A file cannot be read",
    on: "Document",
    severity: Severity::High,
    confidence: Confidence::Certain,
    tier: Tier::Default,
    development: Development::Same,
    gap: true,
    tags: &[],
    replaces: &[],
    page: "Why.\n",
};

const COMPOSE: &str = "services:\n  web:\n    image: app:1\n    user: root\n    ports: ['127.0.0.1:80:8000-8001']\n";

/// A report in which nothing that can be filled is empty, but for processes and configs in the container.
fn report() -> Report {
    let mut sources = Sources::default();
    let mut source = Source::new("compose.yaml", COMPOSE);
    source.kind = Kind::Compose;
    let file = sources.add(source);
    sources.skip("huge.conf", "over the limit", true);
    let span = |text: &str| {
        let at = COMPOSE.find(text).expect("the text is there");
        Span::new(file, at..at + text.len())
    };
    let scope = Scope { document: 0, stage: None, container: Some(0), path: "services.web".into() };
    let container = Container {
        name: "web".to_owned(),
        origin: Origin::Service { document: 0, stack: 0, service: 0 },
        span: span("web"),
        partial: false,
        open_environment: false,
        profiles: Vec::new(),
        environment: Marked::new(Environment::Unmarked, "nothing says"),
        built: None,
        context: None,
        image: Some(Image {
            scope,
            place: ImagePlace::Service,
            span: span("app:1"),
            reference: "app:1".to_owned(),
            registry: None,
            repository: "app".to_owned(),
            tag: Some("1".to_owned()),
            digest: None,
            known: true,
            variable: false,
            built_here: false,
        }),
        known: None,
        user: Fact::Known(Spanned::new(User { name: "root".to_owned(), by: UserSource::Compose }, span("root"))),
        healthcheck: Fact::Known(Spanned::new(Healthcheck::Disabled, span("user"))),
        ports: vec![Port {
            span: span("'127.0.0.1:80:8000-8001'"),
            reach: Reach::Loopback,
            host_ip: Some("127.0.0.1".to_owned()),
            published: Some((80, 80)),
            target: (8000, 8001),
            protocol: "tcp".to_owned(),
            open: false,
        }],
        mounts: Vec::new(),
        env: Vec::new(),
        command: Some(Invocation { words: vec![Text::verbatim("run", span("web"))], span: span("web") }),
        processes: Vec::new(),
        supervisors: Vec::new(),
        servers: Vec::new(),
        configs: Vec::new(),
    };
    let label = |text: &str| Label { span: span(text), message: "here".to_owned() };
    let finding = Finding {
        rule: &RULE,
        severity: Severity::High,
        confidence: Confidence::Certain,
        message: "It does not parse".to_owned(),
        labels: vec![label("root"), label("web")],
        chain: vec![label("web")].into(),
        contained: Few::new(),
        help: Some("Write YAML".to_owned()),
        container: Some("web".to_owned()),
        also: vec!["api".to_owned()].into(),
        stacks: Few::new(),
        gap: true,
        environment: Environment::Unmarked,
        node: "services.web".to_owned(),
        inside: None,
        about: None,
        evidence: "root".to_owned(),
        fingerprint: "0".repeat(32),
    };
    let project = Project { containers: vec![container], ..Project::default() };
    let suppressed = vec![(finding.clone(), 0)];
    let span = span("root");
    let Some(Asked::Ignore { ignore, .. }) = read("# confscan: ignore[parse-error] until=2027-01-31 -- why", span)
    else {
        panic!("it is an ignore")
    };
    let exception = Exception {
        ignore,
        span: Some(span),
        since: None,
        malformed: None,
        expired: false,
        unreasoned: false,
        mute: Vec::new(),
        unknown: Vec::new(),
        unused: Vec::new(),
        hides: 1,
    };
    let (findings, exceptions) = (vec![finding], vec![exception]);
    let known = vec![Finding {
        rule: &crate::rules::RULES[0].rule,
        gap: false,
        fingerprint: "1".repeat(32),
        ..findings[0].clone()
    }];
    let entry = Entry::new(&known[0], "compose.yaml");
    let comparisons = vec![Comparison {
        with: With::Baseline("b.json".to_owned()),
        known: 1,
        since: HashMap::new(),
        fixed: vec![entry],
    }];
    Report { sources, project, findings, suppressed, exceptions, known, comparisons, ..Report::default() }
}

fn written(report: &Report) -> Value {
    let mut out = Vec::new();
    write(report, &mut out).expect("memory takes everything");
    serde_json::from_slice(&out).expect("it is JSON")
}

/// The path of every leaf of `value`.
fn paths(value: &Value, at: String, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let dot = if at.is_empty() { "" } else { "." };
            fields.iter().for_each(|(name, value)| paths(value, format!("{at}{dot}{name}"), into));
        }
        Value::Array(items) => {
            assert!(!items.is_empty(), "{at} is empty, so its fields go unseen");
            items.iter().for_each(|item| paths(item, format!("{at}[]"), into));
        }
        _ => {
            into.insert(at);
        }
    }
}

#[test]
fn every_field_is_documented_and_every_documented_field_is_written() {
    let mut value = written(&report());
    value["findings"][0]["stacks"] = json!([["compose.yaml"]]);
    let container = &mut value["containers"][0];
    let place = json!({"path": "compose.yaml", "line": 1});
    for (name, items) in [
        ("stack", json!(["compose.yaml"])),
        ("base", json!({"ref": "alpine", "decided_by": place})),
        ("image", json!({"ref": "alpine", "decided_by": place})),
        ("supervisor", json!(["supervisord.conf"])),
        ("nginx", json!(["nginx.conf"])),
        ("profiles", json!(["debug"])),
        ("active_profiles", json!(["debug"])),
    ] {
        container[name] = items;
    }
    container["environment"]["decided_by"] = place.clone();
    let process = wire::Process {
        origin: "main",
        name: None,
        programs: vec!["run".into()],
        user: None,
        command: String::new(),
        decided_by: wire::Place { path: "", line: 1 },
    };
    container["processes"] = json!([process]);
    let decided_by = || wire::Place { path: "", line: 1 };
    let mount = wire::Mount { kind: "bind", source: None, target: None, read_only: true, decided_by: decided_by() };
    container["mounts"] = json!([mount]);
    let gap = wire::Gap { kind: "include", target: "".into(), reason: "missing", decided_by: decided_by() };
    container["gaps"] = json!([gap]);
    let mut real = BTreeSet::new();
    paths(&value, String::new(), &mut real);
    let page = include_str!("../../../docs/json.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(documented, real);
}

#[test]
fn a_container_says_what_decided_its_facts() {
    let value = written(&report());
    let container = &value["containers"][0];
    assert_eq!(container["origin"], json!({"kind": "service", "path": "compose.yaml", "line": 2}));
    let decided = json!({"path": "compose.yaml", "line": 4});
    let user = json!({"value": "root", "known": true, "source": "compose", "decided_by": decided});
    assert_eq!(container["user"], user);
    assert_eq!(container["healthcheck"], json!({"present": false, "source": "disabled", "decided_by": decided}));
    let port = &container["ports"][0];
    assert_eq!((&port["published"], &port["target"]), (&json!("80"), &json!("8000-8001")));
    assert_eq!(port["decided_by"], json!({"path": "compose.yaml", "line": 5}));

    let mut report = report();
    report.project.containers[0].user = Fact::Unknown(Why::Variable);
    report.project.containers[0].healthcheck = Fact::Absent(report.project.containers[0].span);
    let value = written(&report);
    let fact = |known: bool, source: &str| json!({"value": null, "known": known, "source": source, "decided_by": null});
    assert_eq!(value["containers"][0]["user"], fact(false, "variable"));
    let none = json!({"present": false, "source": "nothing", "decided_by": null});
    assert_eq!(value["containers"][0]["healthcheck"], none);
}

#[test]
fn a_file_that_was_not_read_is_listed_once_and_counted_apart() {
    let value = written(&report());
    let huge = json!({"path": "huge.conf", "kind": null, "why": null, "skipped": "over the limit", "gap": true});
    let compose = json!({"path": "compose.yaml", "kind": "compose", "why": "", "skipped": null, "gap": false});
    assert_eq!(value["files"], json!([compose, huge]));
    let summary = &value["summary"];
    assert_eq!((&summary["files"], &summary["skipped"], &summary["errors"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(summary["complete"], false);
    let error = json!({"rule": "parse-error", "message": "It does not parse", "path": "compose.yaml", "line": 4});
    assert_eq!(value["errors"], json!([error]));
}
