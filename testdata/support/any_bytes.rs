//! One function for each thing that reads what others wrote: whatever the bytes are, it comes back, and what it gives is
//! in order. The fuzz targets and the mutation runner both call these.

use std::borrow::Cow;

use confscan::baseline::{self, Baseline, With};
use confscan::command::Effective;
use confscan::config::{Config, File, Files, Folder};
use confscan::exception;
use confscan::few::Few;
use confscan::report::{Format, Options, Report};
use confscan::secret::{Formats, name, text as secret_text, token, url, value};
use confscan::source::{FileId, Kind, Source, Sources, Span, Text, TextBuilder};
use confscan::syntax::compose::merge::Merge;
use confscan::syntax::{compose, dockerfile, dockerignore, dotenv, nginx, recognise, shell, supervisor, yaml};

use crate::invariants::{lines_can_be_found, places_lie_in, report_is_sound, written};
use crate::virtual_repository;

/// A target, by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("dockerfile", dockerfile),
    ("compose", compose),
    ("dotenv", dotenv),
    ("nginx", nginx),
    ("supervisor", supervisor),
    ("shell", shell),
    ("dockerignore", dockerignore),
    ("settings", settings),
    ("ignores", ignores),
    ("scan", scan),
    ("reports", reports),
    ("secrets", secrets),
];

/// What stands between the files of an input that holds several: a line with this and the name of the file below.
pub const FILE_MARK: &str = "=== ";

const FILE: FileId = FileId(0);

fn source(bytes: &[u8]) -> Source {
    let source = Source::from_bytes("f", bytes.to_vec());
    lines_can_be_found(&source);
    // What it is taken for is asked of every file.
    let _ = recognise("f", &source.text);
    source
}

fn day() -> jiff::civil::Date {
    jiff::civil::date(2026, 11, 1)
}

/// The Dockerfile parser.
pub fn dockerfile(bytes: &[u8]) {
    let source = source(bytes);
    let parsed = dockerfile::parse(FILE, &source.text);
    places_lie_in(&source.text, &parsed);
    for instruction in &parsed.instructions {
        assert!((instruction.lines.0..=source.line_count()).contains(&instruction.lines.1), "{:?}", instruction.lines);
        instruction.rest().into_iter().for_each(|rest| every_byte_has_a_place(&source.text, rest));
    }
}

/// YAML, the Compose model, and two files on top of one another.
pub fn compose(bytes: &[u8]) {
    let source = source(bytes);
    let text = &source.text;
    places_lie_in(text, &yaml::tree::read(FILE, text));
    let vars = |_: FileId, name: &str| (name.len() % 3 == 1).then(|| name.repeat(2));
    let parsed = compose::parse(FILE, text, &vars);
    places_lie_in(text, &parsed);
    // Every document of a file on top of those before it, and on top of itself.
    let mut merge = Merge::new(&vars);
    let mut merged = None;
    for tree in parsed.trees.iter().chain(&parsed.trees) {
        merged = Some(merge.document(merged.take(), Cow::Borrowed(tree)));
    }
    if let Some(merged) = merged {
        let merged = merge.finish(merged);
        places_lie_in(text, &merged);
        places_lie_in(text, &compose::model(&merged, &vars));
    }
}

/// `.env` files.
pub fn dotenv(bytes: &[u8]) {
    let source = source(bytes);
    let parsed = dotenv::parse(FILE, &source.text);
    places_lie_in(&source.text, &parsed);
    for entry in &parsed.entries {
        let Some(value) = &entry.value else { continue };
        let (resolved, _) = value.resolve_text(&|name| parsed.get(name).map(|value| value.raw.value.clone()));
        places_lie_in(&source.text, &resolved);
        every_byte_has_a_place(&source.text, &resolved);
    }
}

/// nginx configs.
pub fn nginx(bytes: &[u8]) {
    let mut source = source(bytes);
    source.kind = Kind::Nginx;
    let parsed = nginx::parse_source(FILE, &source);
    places_lie_in(&source.text, &parsed);
    for (count, directive) in parsed.walk().enumerate() {
        assert!(count <= source.text.len());
        directive.directive.arguments.iter().for_each(|argument| every_byte_has_a_place(&source.text, &argument.text));
    }
}

/// supervisord configs, the values in them and the commands.
pub fn supervisor(bytes: &[u8]) {
    let source = source(bytes);
    let parsed = supervisor::parse(FILE, &source.text);
    places_lie_in(&source.text, &parsed);
    for setting in parsed.sections.iter().flat_map(|section| &section.options) {
        every_byte_has_a_place(&source.text, &setting.value);
        places_lie_in(&source.text, &(setting.as_words(), setting.as_list(), setting.as_bool()));
        places_lie_in(&source.text, &setting.environment());
        places_lie_in(&source.text, &supervisor::expansions(&setting.value));
    }
    for program in parsed.programs() {
        if let Some(command) = program.get("command") {
            places_lie_in(&source.text, &Effective::of_supervisor(&command.value));
        }
    }
    places_lie_in(&source.text, &parsed.include_files());
    let _ = parsed.groups().count();
}

/// Shell scripts, and what is behind wrappers in them. Each line end that is escaped is left out, as in a Dockerfile.
pub fn shell(bytes: &[u8]) {
    let source = source(bytes);
    let mut builder = TextBuilder::default();
    let mut at = 0;
    for piece in source.text.split("\\\n") {
        builder.push(piece, at);
        at += piece.len() + 2;
    }
    let joined = builder.finish(Span::new(FILE, 0..source.text.len()));
    for text in [Text::verbatim(source.text.as_str(), joined.span), joined] {
        let script = shell::parse(&text);
        places_lie_in(&source.text, &script);
        places_lie_in(&source.text, &Effective::of_script(&script));
        places_lie_in(&source.text, &Effective::of_supervisor(&text));
    }
}

/// Ignore files of builds: the first line is a path that they are asked about.
pub fn dockerignore(bytes: &[u8]) {
    let source = source(bytes);
    let (path, _) = source.text.split_once('\n').unwrap_or((&source.text, ""));
    let parsed = dockerignore::parse(FILE, &source.text);
    places_lie_in(&source.text, &parsed);
    for path in [path, "a", "a/b/c.txt", "node_modules/x/y", ""] {
        let decided = parsed.decides(path).is_some_and(|pattern| !pattern.exception);
        assert_eq!(parsed.excludes(path), decided, "{path:?}");
        let _ = (parsed.excludes_all_of(path), parsed.excludes_by_default(), parsed.excludes_something());
    }
}

/// `confscan.toml`, for a repository in which it can be of use.
pub fn settings(bytes: &[u8]) {
    let source = source(bytes);
    match File::parse("deploy/confscan.toml", Folder::Below("deploy".to_owned()), source.text.as_str()) {
        Err(error) => {
            let error = error.to_string();
            let shown = |line: &str| *confscan::text::visible(line) == *line;
            assert!(error.split('\n').all(shown), "{error:?}");
        }
        Ok(file) => {
            let files = vec![
                (
                    "deploy/compose.yaml".to_owned(),
                    b"services:\n  web:\n    image: nginx\n    privileged: true\n".to_vec(),
                ),
                ("deploy/prod.yaml".to_owned(), b"services:\n  web:\n    user: root\n".to_vec()),
                ("deploy/app/Dockerfile".to_owned(), b"FROM python\nUSER root\nCMD [\"flask\", \"run\"]\n".to_vec()),
                (file.path.clone(), bytes.to_vec()),
            ];
            let sources = virtual_repository::sources(&files);
            let files = Files::new(vec![file]);
            if let Err(error) = files.check_stacks(&sources) {
                let _ = error.to_string();
            }
            report_is_sound(
                &confscan::scan(sources, &Config { files, ..Config::new(day()) }),
                bytes.len().is_multiple_of(4),
            );
        }
    }
}

/// Comments that ignore findings, in files of each format; and baseline files, from the line `===` on.
pub fn ignores(bytes: &[u8]) {
    let source = source(bytes);
    let (comments, baseline) = source.text.split_once("===\n").unwrap_or((&source.text, &source.text));
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut at = 0;
    for line in comments.split_inclusive('\n') {
        let span = Span::new(FILE, at..at + line.len());
        at += line.len();
        if let Some(asked) = exception::read(line, span) {
            places_lie_in(&source.text, &asked);
        }
    }
    let comments: String = comments.lines().map(|line| format!("# confscan: {line}\n")).collect();
    let indented = comments.replace("# ", "    # ");
    for (path, text) in [
        ("Dockerfile", format!("{comments}FROM a\n{comments}USER root\n")),
        ("compose.yaml", format!("{comments}services:\n  web:\n{indented}    privileged: true\n    image: a\n")),
        ("nginx.conf", format!("{comments}http {{\n server {{\n{comments} listen 80;\n autoindex on;\n }}\n}}\n")),
        ("supervisord.conf", format!("{comments}[program:x]\n{comments}command=sleep 1\nuser=root\n")),
        (".env", format!("{comments}A=1\n{comments}A_PASSWORD=hunter2\n")),
    ] {
        files.push((path.to_owned(), text.into_bytes()));
    }
    let config = Config { require_reason: bytes.len() % 2 == 1, pedantic: true, ..Config::new(day()) };
    let mut report = confscan::scan(virtual_repository::sources(&files), &config);
    if let Ok(baseline) = Baseline::parse(baseline) {
        let mut out = Vec::new();
        baseline.write(&mut out).expect("memory takes everything");
        let out = String::from_utf8(out).expect("a baseline is UTF-8");
        assert_eq!(Baseline::parse(&out).as_ref(), Ok(&baseline), "{out}");
        let with = With::Baseline(baseline.entries.first().map_or_else(String::new, |entry| entry.path.clone()));
        let known = Baseline::of(report.findings.iter().step_by(2), &report.sources);
        for entries in [&known.entries, &baseline.entries] {
            let Report { findings, known, comparisons, .. } = &mut report;
            comparisons.push(baseline::compare(
                findings,
                known,
                entries,
                with.clone(),
                bytes.len().is_multiple_of(3),
                |_| true,
            ));
        }
    }
    report_is_sound(&report, bytes.len().is_multiple_of(4));
}

/// Cuts an input into files at the lines that begin with [`FILE_MARK`]; what stands above the first is a Dockerfile.
pub fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    /// Files of one input.
    const MOST: usize = 16;
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut path = "Dockerfile".to_owned();
    let mut content: Vec<u8> = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(FILE_MARK.as_bytes()) {
            Some(name) if files.len() < MOST => {
                let name = String::from_utf8_lossy(name.strip_suffix(b"\n").unwrap_or(name)).replace("%0A", "\n");
                // A walk gives paths that have no part that leads elsewhere.
                let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
                let name = if parts.is_empty() { "Dockerfile".to_owned() } else { parts.join("/").replace('\0', "") };
                let before = std::mem::replace(&mut path, name);
                files.push((before, std::mem::take(&mut content)));
            }
            _ => content.extend_from_slice(line),
        }
    }
    files.push((path, content));
    files.retain(|(_, content)| !content.is_empty());
    // One name is one file, and none is a folder.
    files.sort();
    files.dedup_by(|b, a| a.0 == b.0);
    files
}

/// A repository through the whole scan.
pub fn scan(bytes: &[u8]) {
    scan_files(&files(bytes));
}

/// These files through the whole scan.
pub fn scan_files(files: &[(String, Vec<u8>)]) {
    let scan = || {
        let sources = virtual_repository::sources(files);
        let mut settings = Files::default();
        let config = Config { pedantic: true, ..Config::new(day()) };
        match settings.add_below(&sources) {
            Ok(()) => confscan::scan(sources, &Config { files: settings, ..config }),
            Err(_) => confscan::scan(sources, &config),
        }
    };
    let report = scan();
    let size = files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    report_is_sound(&report, size.is_multiple_of(4));
    let json = written(&report, Format::Json, &Options::default());
    secrets_are_masked(&report, &json);
    // Not of every one: it takes as long as all the rest.
    if size % 4 == 1 {
        assert_eq!(json, written(&scan(), Format::Json, &Options::default()), "a second scan says something else");
    }
}

/// What stands nowhere in the files but in secrets is in no report.
fn secrets_are_masked(report: &Report, json: &str) {
    for &span in report.secrets.iter().take(20) {
        let secret = report.sources.text(span);
        // What is short may well be a word of a report.
        let marks = secret.bytes().filter(u8::is_ascii_digit).count() >= 2 && secret.len() >= 12;
        if !marks || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            continue;
        }
        let elsewhere = report.sources.iter().any(|(file, source)| {
            let hidden =
                |at| report.secrets.iter().any(|hidden| hidden.contains(Span::new(file, at..at + secret.len())));
            source.path.contains(secret) || source.text.match_indices(secret).any(|(at, _)| !hidden(at))
        });
        assert!(elsewhere || !json.contains(secret), "{secret} is shown");
    }
}

/// Findings and files whose every text is the input's, through every writer. Byte 254, which is in no UTF-8, ends a text.
pub fn reports(bytes: &[u8]) {
    let mut texts = bytes.split(|byte| *byte == 0xfe).map(|text| String::from_utf8_lossy(text).into_owned());
    let mut sources = Sources::default();
    let kinds = [Kind::Dockerfile, Kind::Compose, Kind::Auxiliary];
    for kind in kinds {
        let (path, text) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        let mut source = Source::new(path.as_str(), text);
        (source.kind, source.why) = (kind, path);
        sources.add(source);
    }
    let name = texts.next().unwrap_or_default();
    sources.skip(format!("{name}/"), name.clone(), bytes.len().is_multiple_of(2));
    let mut report = Report { sources, today: Some(day()), ..Report::default() };
    for number in 0..8 {
        let Some(message) = texts.next() else { break };
        report.findings.push(finding(number, message, &mut texts, &report.sources));
    }
    confscan::finding::identify(&mut report.findings, |span| report.sources.get(span.file).path.as_str());
    let baseline = Baseline::of(&report.findings, &report.sources);
    let mut out = Vec::new();
    baseline.write(&mut out).expect("memory takes everything");
    let out = String::from_utf8(out).expect("a baseline is UTF-8");
    assert_eq!(Baseline::parse(&out).as_ref(), Ok(&baseline), "{out}");
    let hidden = report.findings.len() / 3;
    let ignore = exception::Ignore {
        since: None,
        rules: vec![name.clone()],
        reason: Some(name.clone()),
        until: Some(exception::Until::new(&name)),
        place: exception::Place::Config { path: name.clone(), line: 1 },
    };
    report.exceptions.push(exception::Exception {
        since: None,
        ignore,
        span: None,
        malformed: None,
        expired: false,
        unreasoned: false,
        mute: Vec::new(),
        unknown: vec![name.clone()],
        unused: Vec::new(),
        hides: hidden,
    });
    report.suppressed = report.findings.drain(..hidden).map(|finding| (finding, 0)).collect();
    let last: Vec<_> = report.findings.iter().skip(3).collect();
    let known = Baseline::of(last, &report.sources).entries;
    let Report { findings, known: moved, comparisons, .. } = &mut report;
    let mut gone = known.clone();
    gone.iter_mut().for_each(|entry| entry.fingerprint.push('0'));
    comparisons.push(baseline::compare(findings, moved, &known, With::Baseline(name.clone()), false, |_| true));
    comparisons.push(baseline::compare(findings, moved, &gone, With::Commit(name), true, |_| true));
    report_is_sound(&report, true);
}

/// A finding with the texts of an input.
fn finding(
    number: usize,
    message: String,
    texts: &mut impl Iterator<Item = String>,
    sources: &Sources,
) -> confscan::finding::Finding {
    use confscan::container::Environment;
    use confscan::finding::{Finding, Label, Severity};
    let mut next = || texts.next().unwrap_or_default();
    let place = |text: &str, by: usize| {
        let files = sources.len();
        let file = FileId((text.len() % files) as u32);
        let length = sources.get(file).text.len();
        let start = text.bytes().map(usize::from).sum::<usize>() % (length + 1);
        let boundary = |at: usize| sources.get(file).text.floor_char_boundary(at.min(length));
        Span::new(file, boundary(start)..boundary(start + text.len() * by))
    };
    let said = next();
    let labels = [(place(&message, 2), String::new()), (place(&said, 1), said.clone()), (place(&said, 9), said)];
    let labels: Vec<Label> = labels.map(|(span, message)| Label { span, message }).into();
    // Of several severities, and one that says that something was not graded.
    let ids = ["secret-in-environment", "parse-error", "explicit-root-user", "image-without-digest"];
    let rules: Vec<_> = ids.iter().filter_map(|id| confscan::rules::find(id)).collect();
    let rule = rules.get(number % rules.len().max(1)).map_or(&confscan::rules::RULES[0].rule, |found| &found.rule);
    let chain = if number % 3 == 1 { labels.clone() } else { Vec::new() };
    let container = Some(next()).filter(|name| !name.is_empty());
    Finding {
        rule,
        severity: Severity::ALL[number % 5],
        confidence: rule.confidence,
        message,
        labels,
        chain: chain.into(),
        contained: Few::new(),
        inside: None,
        help: Some(next()).filter(|help| !help.is_empty()),
        also: container.iter().cloned().collect(),
        container,
        stacks: Few::new(),
        gap: rule.gap,
        environment: Environment::Unmarked,
        node: next(),
        about: None,
        evidence: next(),
        fingerprint: String::new(),
    }
}

/// What looks for secrets in text, and what judges names and values.
pub fn secrets(bytes: &[u8]) {
    let source = source(bytes);
    let text = &source.text;
    let is_part = |range: std::ops::Range<usize>| assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}");
    let found = secret_text::find(text, &Formats::of(text));
    found.iter().cloned().for_each(is_part);
    token::find(text).into_iter().for_each(|token| is_part(token.range));
    for connection in url::find(text) {
        assert!(connection.range.start <= connection.password.start && connection.password.end <= connection.range.end);
        is_part(connection.range);
        is_part(connection.password);
    }
    for line in text.lines() {
        let (before, behind) = line.split_once('=').unwrap_or((line, line));
        let shape = name::shape(before).unwrap_or(name::Shape::Password);
        let _ = (name::is_sensitive(before), value::judge(shape, behind), value::may_be_shown(behind));
        let _ = (value::is_random(behind), value::is_made_of(behind, &[before, "app"]));
    }
    // A text that is masked has the secret no more, and as many lines and columns.
    let mut sorted: Vec<Span> = found.into_iter().map(|range| Span::new(FILE, range)).collect();
    sorted.sort_unstable();
    let masked = confscan::source::mask(text, Span::new(FILE, 0..text.len()), &sorted);
    assert_eq!(masked.chars().count(), text.chars().count());
}

/// Each byte of a value that was read can be shown in the file.
fn every_byte_has_a_place(file: &str, text: &Text) {
    for at in 0..text.value.len().min(300) {
        let span = text.span_of(at..at + 1);
        assert!(span.start <= span.end && span.end as usize <= file.len(), "byte {at} of {text:?} in {file:?}");
    }
}
