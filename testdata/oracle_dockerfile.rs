//! Compares the Dockerfile parser with what BuildKit's own parser read from the same files.
//!
//! The recorded results are not part of the repository: the environment variable CONFSCAN_SHARED names the folder that
//! holds `oracle/` and `corpus/`. Without it the tests are skipped.

use std::path::{Path, PathBuf};

use confscan::source::{FileId, Text};
use confscan::syntax::dockerfile::{Dockerfile, Healthcheck, Instruction, Invocation, Kind, Pair, Transfer, parse};
use serde_json::Value;

/// A file and what BuildKit said about it.
struct Case {
    name: String,
    text: String,
    /// BuildKit's parser and the check of its instructions both accept it.
    accepted: bool,
    record: Value,
}

fn cases() -> Option<Vec<Case>> {
    let Some(shared) = std::env::var_os("CONFSCAN_SHARED").map(PathBuf::from) else {
        eprintln!("skipped: CONFSCAN_SHARED is not set");
        return None;
    };
    let mut cases = load(&shared.join("oracle/dockerfile.jsonl"), &shared.join("corpus"));
    cases.extend(load(&shared.join("oracle/probes/dockerfile.jsonl"), &shared.join("oracle/probes/dockerfile")));
    Some(cases)
}

fn load(list: &Path, root: &Path) -> Vec<Case> {
    let lines = std::fs::read_to_string(list).expect("the list of results is there");
    let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a result is JSON"));
    records
        .filter_map(|record| {
            let name = record["File"].as_str().expect("a result names its file").to_owned();
            let bytes = std::fs::read(root.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let accepted = record["ParseErr"] == "" && record["InstrErr"] == "";
            // BuildKit reads bytes; what is not UTF-8 is read as Latin-1 here and cannot compare equal.
            let text = String::from_utf8(bytes).ok()?;
            Some(Case { name, text, accepted, record })
        })
        .collect()
}

/// An instruction as far as BuildKit's parser records it.
#[derive(Debug, PartialEq)]
struct Seen {
    keyword: String,
    lines: (u64, u64),
    flags: Vec<String>,
    arguments: Vec<String>,
    json: bool,
    heredocs: Vec<(String, String, bool, bool)>,
    trigger: Option<Box<Seen>>,
}

fn strings(value: &Value) -> Vec<String> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|value| value.as_str().expect("a string").to_owned()).collect()
}

/// Leading tabs of every line removed, as BuildKit does with a `<<-` body when it uses it.
fn chomp(body: &str) -> String {
    body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}

fn expected(record: &Value) -> Seen {
    let heredocs = record["HD"].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|heredoc| {
        let chomped = heredoc["Chomp"] == true;
        let content = heredoc["Content"].as_str().expect("a body").replace("\r\n", "\n");
        let content = if chomped { chomp(&content) } else { content };
        (heredoc["Name"].as_str().expect("a name").to_owned(), content, heredoc["Expand"] == true, chomped)
    });
    let mut arguments = strings(&record["Args"]);
    let keyword = record["Cmd"].as_str().expect("a keyword").to_uppercase();
    if keyword == "HEALTHCHECK" {
        arguments[0].make_ascii_uppercase();
    }
    if keyword == "FROM" && arguments.len() == 3 {
        arguments.remove(1);
    }
    Seen {
        lines: (record["Start"].as_u64().expect("a line"), record["End"].as_u64().expect("a line")),
        flags: strings(&record["Flags"]),
        json: record["JSON"] == true,
        heredocs: heredocs.collect(),
        trigger: (!record["Sub"].is_null()).then(|| Box::new(expected(&record["Sub"]))),
        keyword,
        arguments,
    }
}

fn seen(instruction: &Instruction) -> Seen {
    let flags = instruction.flags.iter().map(|flag| match &flag.value {
        Some(value) => format!("--{}={}", flag.name.value, value.value),
        None => format!("--{}", flag.name.value),
    });
    let heredocs = instruction.heredocs.iter().map(|heredoc| {
        (heredoc.name.value.clone(), heredoc.body.value.replace("\r\n", "\n"), heredoc.expand, heredoc.chomp)
    });
    let mut this = Seen {
        keyword: instruction.keyword.value.to_uppercase(),
        lines: (instruction.lines.0.into(), instruction.lines.1.into()),
        flags: flags.collect(),
        arguments: arguments(instruction),
        json: instruction.json,
        heredocs: heredocs.collect(),
        trigger: None,
    };
    if let Kind::Onbuild(trigger) = &instruction.kind {
        // BuildKit keeps the bodies beside ONBUILD and gives its instruction no lines.
        let mut trigger = seen(trigger);
        trigger.lines = (0, 0);
        this.heredocs.append(&mut trigger.heredocs);
        this.trigger = Some(Box::new(trigger));
    }
    this
}

fn arguments(instruction: &Instruction) -> Vec<String> {
    let owned = |texts: &[Text]| texts.iter().map(|text| text.value.clone()).collect::<Vec<_>>();
    let pairs = |pairs: &[Pair]| {
        let parts = |pair: &Pair| {
            [pair.key.value.clone(), pair.value.value.clone(), if pair.legacy { "" } else { "=" }.to_owned()]
        };
        pairs.iter().flat_map(parts).collect::<Vec<_>>()
    };
    let rest = || instruction.rest().map_or("", Text::as_str);
    let words = || rest().split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let invocation = |invocation: &Invocation| match invocation {
        Invocation::Exec(elements) => owned(elements),
        Invocation::Shell(_) => Some(rest().to_owned()).filter(|rest| !rest.is_empty()).into_iter().collect(),
    };
    let transfer = |transfer: &Transfer| {
        let mut paths = owned(&transfer.sources);
        paths.push(transfer.destination.value.clone());
        if instruction.heredocs.is_empty() {
            return paths;
        }
        let words = words();
        let openers = words.iter().filter(|word| !paths.contains(word)).count();
        assert_eq!(openers + paths.len(), words.len(), "{words:?}");
        words
    };
    match &instruction.kind {
        Kind::From { image, name } => {
            [Some(image), name.as_deref()].into_iter().flatten().map(|t| t.value.clone()).collect()
        }
        Kind::Run(command) | Kind::Cmd(command) | Kind::Entrypoint(command) => invocation(command),
        Kind::Shell(elements) => owned(elements),
        Kind::Copy(paths) | Kind::Add(paths) => transfer(paths),
        Kind::Env(list) | Kind::Label(list) => pairs(list),
        Kind::Arg(declarations) => declarations
            .iter()
            .map(|arg| match &arg.default {
                Some(default) => format!("{}={}", arg.name.value, default.value),
                None => arg.name.value.clone(),
            })
            .collect(),
        Kind::Expose(texts) | Kind::Volume(texts) => owned(texts),
        Kind::User(text) | Kind::Workdir(text) | Kind::StopSignal(text) | Kind::Maintainer(text) => {
            vec![text.value.clone()]
        }
        Kind::Healthcheck(Healthcheck::None) => vec!["NONE".to_owned()],
        Kind::Healthcheck(Healthcheck::Cmd(command)) => {
            let command = match command {
                Invocation::Exec(elements) => owned(elements),
                Invocation::Shell(text) => vec![text.value.clone()],
            };
            [vec!["CMD".to_owned()], command].concat()
        }
        Kind::Onbuild(_) | Kind::Unknown => Vec::new(),
    }
}

/// Compares `text`, a spelling of the case's file, with what BuildKit recorded; gives the number of instructions.
fn compare(case: &Case, text: &str, variant: &str, failures: &mut Vec<String>) -> usize {
    let dockerfile: Dockerfile = parse(FileId(0), text);
    let name = format!("{} ({variant})", case.name);
    if let Some(error) = dockerfile.errors.first() {
        failures.push(format!("{name}: reported {error:?}"));
    }
    let escape = case.record["Escape"].as_str().expect("an escape character");
    if escape != dockerfile.escape.to_string() {
        failures.push(format!("{name}: escape character {}", dockerfile.escape));
    }
    let records = case.record["Ins"].as_array().expect("instructions");
    if records.len() != dockerfile.instructions.len() {
        failures.push(format!("{name}: {} instructions, not {}", dockerfile.instructions.len(), records.len()));
        return 0;
    }
    for (record, instruction) in records.iter().zip(&dockerfile.instructions) {
        let (expected, seen) = (expected(record), seen(instruction));
        if expected != seen {
            failures.push(format!("{name}:\n  expected {expected:?}\n  seen     {seen:?}"));
        }
    }
    records.len()
}

#[test]
fn every_instruction_of_every_accepted_file_is_read_as_buildkit_reads_it() {
    let Some(cases) = cases() else { return };
    let mut failures = Vec::new();
    let mut counts = [0; 4];
    let mut files = 0;
    for case in cases.iter().filter(|case| case.accepted) {
        files += 1;
        counts[0] += compare(case, &case.text, "as it is", &mut failures);
        let unix = case.text.replace("\r\n", "\n");
        counts[1] += compare(case, &unix.replace('\n', "\r\n"), "CRLF", &mut failures);
        let marked = format!("\u{feff}{}", case.text.trim_start_matches('\u{feff}'));
        counts[2] += compare(case, &marked, "BOM", &mut failures);
        // A last line that is empty is a line no more without its line feed.
        if !case.text.ends_with("\n\n") {
            let cut = case.text.strip_suffix('\n').unwrap_or(&case.text);
            counts[3] += compare(case, cut, "no final line feed", &mut failures);
        }
    }
    eprintln!("{files} files; instructions as is, CRLF, BOM, no final line feed: {counts:?}");
    assert!(failures.is_empty(), "{} differences\n{}", failures.len(), failures[..failures.len().min(10)].join("\n"));
    assert!(counts[0] > 8_000, "only {} instructions were compared", counts[0]);
}

#[test]
fn every_file_that_buildkit_rejects_is_reported() {
    let Some(cases) = cases() else { return };
    let reported = |dockerfile: &Dockerfile| {
        let unknown = |instruction: &Instruction| !instruction.is_known();
        !dockerfile.errors.is_empty() || dockerfile.instructions.iter().any(unknown)
    };
    let rejected = cases.iter().filter(|case| !case.accepted);
    let missed: Vec<_> =
        rejected.filter(|case| !reported(&parse(FileId(0), &case.text))).map(|case| &case.name).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
