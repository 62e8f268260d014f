//! Compares the YAML tree with what go-yaml v4, the reader of Compose, makes of the same files.
//!
//! `CONFSCAN_SHARED` names the folder that holds `oracle/` and `corpus/`; without it the test says that it was skipped.

use std::path::{Path, PathBuf};

use confscan::source::{FileId, Source};
use confscan::syntax::compose;
use confscan::syntax::yaml::{self, tree};

/// Files of which go-yaml's tree is not the same, with the reason.
const DIFFERENT: &[(&str, &str)] =
    &[("utf16.yml", "a file that is not UTF-8 is read as Latin-1 and reported as recoded")];

/// Files that go-yaml (or Compose's decoding into mappings) refuses and we do not, or the other way round.
const OTHER_VERDICT: &[(&str, &str)] =
    &[("utf16.yml", "a file that is not UTF-8 is read as Latin-1 and reported as recoded")];

fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("CONFSCAN_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprintln!("skipped: CONFSCAN_SHARED is not set");
    }
    shared
}

/// What go-yaml says of one file.
struct Expected {
    file: String,
    refused: bool,
    /// Kind, value, tag, line and column.
    nodes: Vec<(String, String, String, u64, u64)>,
}

fn expected(list: &Path) -> Vec<Expected> {
    let text = std::fs::read_to_string(list).expect("the list is readable");
    let string = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    text.lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            let nodes = value["N"].as_array().map(Vec::as_slice).unwrap_or_default();
            Expected {
                file: string(&value["File"]),
                refused: value["Err"] != "" || value["DecErr"] != "",
                nodes: nodes
                    .iter()
                    .map(|node| {
                        let number = |key: &str| node[key].as_u64().unwrap_or_default();
                        (string(&node["K"]), string(&node["V"]), string(&node["T"]), number("L"), number("C"))
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Line and column as go-yaml counts them: U+0085, U+2028 and U+2029 end a line too.
fn position(source: &Source, offset: u32) -> (u64, u64) {
    let position = source.position(offset);
    if source.text.is_ascii() {
        return (u64::from(position.line), u64::from(position.column));
    }
    let before = &source.text[..offset as usize];
    let hidden = ['\u{85}', '\u{2028}', '\u{2029}'];
    let line = before.matches(hidden).count() as u64;
    match before.rfind(hidden) {
        Some(at) if !before[at..].contains('\n') => {
            let rest = before[at..].chars().skip(1).count();
            (u64::from(position.line) + line, rest as u64 + 1)
        }
        _ => (u64::from(position.line) + line, u64::from(position.column)),
    }
}

/// Our nodes in the same form.
fn nodes(source: &Source) -> Vec<(String, String, String, u64, u64)> {
    let tree = tree::read(FileId(0), &source.text);
    let mut found = Vec::new();
    let end = || ("e".to_owned(), String::new(), String::new(), 0, 0);
    for &document in &tree.documents {
        found.push(("d".to_owned(), String::new(), String::new(), 0, 0));
        let mut pending = vec![Some(document)];
        while let Some(next) = pending.pop() {
            let Some(id) = next else {
                found.push(end());
                continue;
            };
            let node = &tree.nodes[id as usize];
            let (kind, value, children) = match &node.content {
                tree::Content::Scalar(scalar) => ("s", scalar.text.as_str(), None),
                tree::Content::Alias { name, .. } => ("a", name.as_str(), None),
                tree::Content::Sequence(children) => ("q", "", Some(children)),
                tree::Content::Mapping(children) => ("m", "", Some(children)),
            };
            let (line, column) = position(source, node.start);
            found.push((kind.to_owned(), value.to_owned(), node.effective_tag().to_owned(), line, column));
            if let Some(children) = children {
                pending.push(None);
                pending.extend(children.iter().rev().map(|&child| Some(child)));
            }
        }
    }
    found
}

/// Compares the files of one list; gives the number of nodes compared and what is different.
fn compare(list: &Path, folder: &Path) -> (usize, Vec<String>) {
    let mut compared = 0;
    let mut differences = Vec::new();
    for expected in expected(list) {
        let bytes = std::fs::read(folder.join(&expected.file)).expect("a listed file is readable");
        let source = Source::from_bytes(expected.file.clone(), bytes);
        let yaml = yaml::parse(FileId(0), &source.text);
        let errors: Vec<_> = yaml.errors.iter().chain(&yaml.duplicate_keys).map(|error| &error.message).collect();
        let known = |table: &[(&str, &str)]| table.iter().any(|(file, _)| *file == expected.file);
        if (source.recoded || !errors.is_empty()) != expected.refused && !known(OTHER_VERDICT) {
            differences.push(format!("{}: refused {} but {errors:?}", expected.file, expected.refused));
        }
        if expected.refused || known(DIFFERENT) {
            continue;
        }
        let found = nodes(&source);
        compared += expected.nodes.len();
        if found != expected.nodes {
            let at = found.iter().zip(&expected.nodes).take_while(|(ours, theirs)| ours == theirs).count();
            differences.push(format!(
                "{}: node {at}: {:?} but go-yaml {:?}",
                expected.file,
                found.get(at),
                expected.nodes.get(at)
            ));
        }
    }
    (compared, differences)
}

#[test]
fn every_node_of_every_file_that_go_yaml_accepts_is_the_same() {
    let Some(shared) = shared() else { return };
    let (corpus, mut differences) = compare(&shared.join("oracle/compose.jsonl"), &shared.join("corpus"));
    let probes = shared.join("oracle/probes");
    let (probed, more) = compare(&probes.join("compose.jsonl"), &probes.join("compose"));
    differences.extend(more);
    println!("{corpus} nodes of the corpus and {probed} of the probes compared");
    assert!(corpus > 30_000 && probed > 200);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn nodes_of(text: String) -> Vec<(String, String, String, u64, u64)> {
    nodes(&Source::new("f", text))
}

#[test]
fn line_ends_and_a_byte_order_mark_change_no_node() {
    let Some(shared) = shared() else { return };
    let mut compared = 0;
    for expected in expected(&shared.join("oracle/compose.jsonl")) {
        let bytes = std::fs::read(shared.join("corpus").join(&expected.file)).expect("a listed file is readable");
        let text = Source::from_bytes(expected.file.clone(), bytes).text;
        if expected.refused || text.contains('\r') || text.starts_with('\u{feff}') {
            continue;
        }
        let plain = nodes_of(text.clone());
        compared += plain.len();
        assert_eq!(nodes_of(text.replace('\n', "\r\n")), plain, "{}: CRLF", expected.file);
        assert_eq!(nodes_of(text.replace('\n', "\r")), plain, "{}: CR", expected.file);
        assert_eq!(nodes_of(format!("\u{feff}{text}")), plain, "{}: byte order mark", expected.file);
    }
    assert!(compared > 30_000);
}

/// Files of the corpus that `docker compose config` refuses, with the reason.
const NOT_COMPOSE: &[(&str, &str)] = &[
    ("fastapi+full-stack-fastapi-template/.github/workflows/deploy-docker-compose.yml", "a GitHub workflow"),
    ("fastapi+full-stack-fastapi-template/.github/workflows/test-docker-compose.yml", "a GitHub workflow"),
    ("jessfraz+dockerfiles/openvpn/docker-compose.yml", "the first version of the format, without `services`"),
];

#[test]
fn no_file_that_compose_accepts_has_a_schema_error() {
    let Some(shared) = shared() else { return };
    let mut wrong = Vec::new();
    let (mut services, mut unlike) = (0, 0);
    for expected in expected(&shared.join("oracle/compose.jsonl")) {
        let bytes = std::fs::read(shared.join("corpus").join(&expected.file)).expect("a listed file is readable");
        let source = Source::from_bytes(expected.file.clone(), bytes);
        let compose = compose::parse(FileId(0), &source.text, &|_, _| None);
        services += compose.services.len();
        unlike += usize::from(!compose.services.is_empty() && !compose::looks_like(&source.text));
        for error in &compose.schema_errors {
            let named = error.span.range();
            assert!(source.text.get(named).is_some(), "{}: {error:?}", expected.file);
        }
        let refused = expected.refused || NOT_COMPOSE.iter().any(|(file, _)| *file == expected.file);
        if refused == (compose.schema_errors.is_empty() && compose.syntax_errors.is_empty()) {
            wrong.push(format!("{}: {:?}", expected.file, compose.schema_errors));
        }
    }
    println!("{services} services");
    assert!(services > 1000);
    assert_eq!(unlike, 0, "every file with services is recognised by its content");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
