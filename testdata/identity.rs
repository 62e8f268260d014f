//! The identity of findings: which edits keep it, and that it tells apart what is different.

#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::collections::BTreeMap;

use confscan::config::Config;
use confscan::finding::{Finding, identify};
use confscan::report::Report;

const DOCKERFILE: &str = "FROM golang:1.25 AS build\nRUN curl http://example.org/a.sh | sh && \\\n    chmod 777 /srv\nADD . \
                          /src\n\nFROM python:3.13-slim\nENV API_TOKEN=\"q7Rm2Xv9Lk4Tz8Wp\"\nWORKDIR app\nUSER root\nCMD python \
                          app.py\n";
const COMPOSE: &str = "services:\n  web:\n    image: acme/web:latest\n    ports:\n    - \"8080:80\"\n    - 5000:5000\n    \
                       environment:\n      DB_PASSWORD: vLp92kQzR7w3\n    privileged: true\n  db:\n    image: postgres:16\n    ports:\n    \
                       - 5432:5432\n  api:\n    build: .\n";
const SUPERVISOR: &str = "[supervisord]\nnodaemon=true\nuser=root\n\n[inet_http_server]\nport=*:9001\n\n[program:a]\ncommand=/bin/a \
                          -x\nstdout_logfle=/x\n\n[program:b]\ncommand=/bin/b\nuser=root\n";
const NGINX: &str = "events {}\nhttp {\n  server {\n    listen 443 ssl;\n    server_name a.example;\n    ssl_protocols TLSv1 \
                     TLSv1.2;\n    location /x {\n      autoindex on;\n      alias /srv/x/;\n    }\n  }\n  server {\n    server_name \
                     b.example;\n    root /srv;\n    location /x {\n      autoindex on;\n    }\n  }\n}\n";
const DOTENV: &str = "GRAFANA_PASSWORD=123456\nNODE_TLS_REJECT_UNAUTHORIZED=0\n";

const FILES: [(&str, &str); 5] = [
    ("Dockerfile", DOCKERFILE),
    ("compose.yaml", COMPOSE),
    ("supervisord.conf", SUPERVISOR),
    ("nginx.conf", NGINX),
    (".env", DOTENV),
];

fn scan(files: &[(&str, &str)]) -> Report {
    let files: Vec<(String, Vec<u8>)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) };
    confscan::scan(virtual_repository::sources(&files), &config)
}

/// The fingerprints of a scan, each with what it stands for.
fn identities(report: &Report) -> BTreeMap<&str, String> {
    let describe = |finding: &Finding| {
        let path = &report.sources.get(finding.primary().file).path;
        format!("{} in {path} at {:?}: {:?}", finding.rule.id, finding.node, finding.evidence)
    };
    let all: BTreeMap<&str, String> =
        report.findings.iter().map(|finding| (finding.fingerprint.as_str(), describe(finding))).collect();
    assert_eq!(all.len(), report.findings.len(), "every finding has a fingerprint of its own");
    all
}

/// What the second scan finds besides the first, and what it finds no more.
fn difference(before: &[(&str, &str)], after: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (before, after) = (scan(before), scan(after));
    let (before, after) = (identities(&before), identities(&after));
    let only = |these: &BTreeMap<&str, String>, those: &BTreeMap<&str, String>| {
        these.iter().filter(|(id, _)| !those.contains_key(*id)).map(|(_, what)| what.clone()).collect()
    };
    (only(&after, &before), only(&before, &after))
}

/// [`FILES`] with `edit` applied to the file `path`.
fn edited(path: &str, edit: impl Fn(&str) -> String) -> (Vec<String>, Vec<String>) {
    let texts: Vec<(&str, String)> =
        FILES.iter().map(|(name, text)| (*name, if *name == path { edit(text) } else { (*text).to_owned() })).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    difference(&FILES, &texts)
}

#[test]
fn the_sample_has_findings_in_every_file() {
    let report = scan(&FILES);
    for (path, _) in FILES {
        let file = report.sources.find(path).expect("every file is read");
        let count = report.findings.iter().filter(|finding| finding.primary().file == file).count();
        assert!(count >= 2, "{path}: {count}");
    }
}

#[test]
fn edits_that_change_no_meaning_keep_every_identity() {
    type Edit = (&'static str, &'static str, fn(&str) -> String);
    let edits: &[Edit] = &[
        ("lines move", "Dockerfile", |text| format!("# a comment\n\n{}", text.replace("\nADD", "\n\n# words\nADD"))),
        ("blanks", "Dockerfile", |text| {
            text.replace("USER root", "USER   root").replace("ADD . /src", "ADD  .   /src")
        }),
        ("line ends", "Dockerfile", |text| text.replace('\n', "\r\n")),
        ("continuation lines", "Dockerfile", |text| text.replace("ADD . /src", "ADD . \\\n  /src")),
        ("the secret itself", "Dockerfile", |text| text.replace("q7Rm2Xv9Lk4Tz8Wp", "Xk7Tq2Wm9Rz4Ys6LpQ")),
        ("another stage first", "Dockerfile", |text| format!("FROM scratch AS none\n{text}")),
        ("an unnamed stage first", "Dockerfile", |text| format!("FROM scratch\n{text}")),
        ("services change places", "compose.yaml", |text| {
            text.replace("  api:\n    build: .\n", "").replace("services:\n", "services:\n  api:\n    build: .\n")
        }),
        ("indentation", "compose.yaml", |text| text.replace("    ", "        ")),
        ("indented lists", "compose.yaml", |text| text.replace("    - ", "      - ")),
        ("quotes", "compose.yaml", |text| {
            text.replace("\"8080:80\"", "'8080:80'").replace("5432:5432", "\"5432:5432\"")
        }),
        ("the long form of a port", "compose.yaml", |text| {
            text.replace("- 5000:5000", "- target: 5000\n      published: 5000")
        }),
        ("keys change places", "compose.yaml", |text| {
            let key = "    privileged: true\n";
            text.replace(key, "").replace("    image: acme", &format!("{key}    image: acme"))
        }),
        ("an unrelated key", "compose.yaml", |text| text.replace("  db:\n", "  db:\n    hostname: database\n")),
        ("an unrelated key is renamed", "compose.yaml", |text| format!("{text}x-one: 1\n").replace("x-one", "x-two")),
        ("anchors", "compose.yaml", |text| text.replace("privileged: true", "privileged: &yes true")),
        ("sections change places", "supervisord.conf", |text| {
            let section = "[inet_http_server]\nport=*:9001\n\n";
            format!("{section}{}", text.replace(section, ""))
        }),
        ("blanks around the sign", "supervisord.conf", |text| text.replace('=', " = ")),
        ("options change places", "supervisord.conf", |text| {
            text.replace("command=/bin/b\nuser=root", "user=root\ncommand=/bin/b")
        }),
        ("servers change places", "nginx.conf", |text| {
            let start = text.find("  server {").expect("a server");
            let at = text.find("  server {\n    server_name b").expect("the second server");
            let (head, first, second) = (&text[..start], &text[start..at], &text[at..text.len() - 2]);
            format!("{head}{second}{first}}}\n")
        }),
        ("a server in between", "nginx.conf", |text| {
            text.replace("http {\n", "http {\n  server {\n    server_name 0.example;\n    return 444;\n  }\n")
        }),
        ("the address of a server", "nginx.conf", |text| text.replace("listen 443 ssl", "listen 10.0.0.1:8443 ssl")),
        ("all on one line", "nginx.conf", |text| text.replace("\n      autoindex on;", " autoindex   on ;")),
        ("variables change places", ".env", |text| text.lines().rev().map(|line| format!("{line}\n")).collect()),
        ("quotes of a value", ".env", |text| text.replace("123456", "\"123456\"")),
    ];
    for (what, path, edit) in edits {
        let (new, gone) = edited(path, edit);
        assert!(new.is_empty() && gone.is_empty(), "{what} in {path}: new {new:#?}, gone {gone:#?}");
        let changed = FILES.iter().any(|(name, text)| name == path && edit(text) != *text);
        assert!(changed, "{what} in {path} changes nothing");
    }
}

#[test]
fn wording_has_no_part_in_it() {
    let report = scan(&FILES);
    let mut reworded = report.findings.clone();
    for finding in &mut reworded {
        finding.message = format!("Quite another sentence: {}", finding.message.len());
        finding.help = None;
        finding.labels.truncate(1);
        finding.environment = confscan::container::Environment::Test;
        finding.fingerprint.clear();
    }
    identify(&mut reworded, |span| &report.sources.get(span.file).path);
    for (before, after) in report.findings.iter().zip(&reworded) {
        assert_eq!(before.fingerprint, after.fingerprint);
    }
}

#[test]
fn equal_findings_stay_apart_and_one_more_is_one_more() {
    let run = "RUN chmod 777 /srv\n";
    let text = |times: usize| format!("FROM acme/app:1\n{}", run.repeat(times));
    for times in 1..4 {
        let (new, gone) = difference(&[("Dockerfile", &text(times))], &[("Dockerfile", &text(times + 1))]);
        assert_eq!((new.len(), gone.len()), (1, 0), "{new:?} {gone:?}");
        let (new, gone) = difference(&[("Dockerfile", &text(times + 1))], &[("Dockerfile", &text(times))]);
        assert_eq!((new.len(), gone.len()), (0, 1), "{new:?} {gone:?}");
    }
    // Another finding of the same rule in the same node, in front of them, changes neither.
    let other = text(2).replacen(run, &format!("RUN chmod 777 /etc\n{run}"), 1);
    let (new, gone) = difference(&[("Dockerfile", &text(2))], &[("Dockerfile", &other)]);
    assert_eq!((new.len(), gone.len()), (1, 0), "{new:?} {gone:?}");
}

#[test]
fn a_new_defect_is_one_new_identity() {
    for (path, from, to) in [
        ("compose.yaml", "  api:\n", "  api:\n    pid: host\n"),
        ("nginx.conf", "    root /srv;\n", "    root /srv;\n    autoindex on;\n"),
        ("supervisord.conf", "command=/bin/b\n", "command=/bin/b\nx=y\n"),
        ("Dockerfile", "ADD . /src\n", "ADD . /src\nRUN chmod 777 /etc\n"),
    ] {
        let (new, gone) = edited(path, |text| text.replace(from, to));
        assert_eq!((new.len(), gone.len()), (1, 0), "{path}: {new:#?} {gone:#?}");
    }
}

#[test]
fn a_shared_image_keeps_its_identity_whichever_services_build_it() {
    let image = ("Dockerfile", "FROM debian:13\nUSER root\nCMD [\"x\"]\n");
    let one = "services:\n  web:\n    build: .\n";
    let of_image = |compose: &str| {
        let report = scan(&[image, ("compose.yaml", compose)]);
        let found = report.findings.iter().find(|finding| finding.rule.id == "explicit-root-user");
        found.expect("USER root").fingerprint.clone()
    };
    let first = of_image(one);
    for other in ["services:\n  a:\n    build: .\n  web:\n    build: .\n", "services:\n  renamed:\n    build: .\n"] {
        assert_eq!(of_image(other), first, "{other}");
    }
}
