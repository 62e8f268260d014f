//! Runs the examples of every rule page.
//!
//! Everything under one `## Bad…` or `## Good…` heading of `rules/<id>.md` is one virtual repository. A line
//! `` `path`: `` before a fence names the file; without it the fence's language does. A Bad heading's `report` fence is
//! exactly what the rule says about it; a Good heading must get no finding of the rule. `UPDATE=1` rewrites the fences.
//!
//! Three fence languages stand for what a text cannot show: a `latin1` file is stored as Latin-1, the content of a
//! `skipped` one is why it was not read, and that of a `failure` what broke and with which message.

#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use confscan::config::{Config, Files};
use confscan::finding::Finding;
use confscan::project::Failure;
use confscan::report::Report;
use confscan::rules::{Check, Cx, RULES, Registered};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for registered in RULES {
        let id = registered.rule.id;
        let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(format!("{id}.md"));
        trials.push(Trial::test(id, move || page(registered, &path)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// One `## Bad` or `## Good` section.
struct Section<'a> {
    heading: &'a str,
    files: Vec<(String, Vec<u8>)>,
    /// Path and reason of files that were not read.
    skipped: Vec<(String, String)>,
    /// File, activity and message of what broke.
    failures: Vec<(String, String, String)>,
    /// Byte range of the report fence's content in the page.
    report: Option<std::ops::Range<usize>>,
    /// Byte offset just past the section's last fence.
    end: usize,
}

fn page(registered: &'static Registered, path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let sections = sections(&text)?;
    for kind in ["Bad", "Good"] {
        if !sections.iter().any(|section| section.heading.starts_with(kind)) {
            return Err(format!("no `## {kind}` example").into());
        }
    }
    let mut updated = text.clone();
    let mut problems = String::new();
    for section in sections.iter().rev() {
        let found = findings(registered, section).map_err(|error| format!("## {}: {error}", section.heading))?;
        if section.heading.starts_with("Good") {
            if !found.is_empty() {
                write!(problems, "\n## {}: expected nothing, got\n{found}", section.heading).unwrap();
            }
            continue;
        }
        if found.is_empty() {
            write!(problems, "\n## {}: expected a finding, got none", section.heading).unwrap();
            continue;
        }
        let expected = section.report.clone().map_or("", |range| &text[range]);
        if expected != found {
            if env::var_os("UPDATE").is_some() {
                match &section.report {
                    Some(range) => updated.replace_range(range.clone(), &found),
                    None => updated.insert_str(section.end, &format!("\n```report\n{found}```\n")),
                }
            } else {
                write!(problems, "\n## {}: expected\n{expected}got\n{found}", section.heading).unwrap();
            }
        }
    }
    if updated != text {
        fs::write(path, updated)?;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, Failed> {
    let mut sections: Vec<Section> = Vec::new();
    let mut name: Option<&str> = None;
    let mut active = false;
    let mut lines = text.split_inclusive('\n');
    let mut at = 0;
    while let Some(line) = lines.next() {
        at += line.len();
        let bare = line.trim_end();
        if let Some(heading) = bare.strip_prefix("## ") {
            active = heading.starts_with("Bad") || heading.starts_with("Good");
            if active {
                sections.push(Section {
                    heading,
                    files: Vec::new(),
                    skipped: Vec::new(),
                    failures: Vec::new(),
                    report: None,
                    end: at,
                });
            }
            name = None;
        } else if let Some(path) = bare.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:")) {
            name = Some(path);
        } else if let Some(language) = bare.strip_prefix("```") {
            let fence = &bare[..bare.len() - language.trim_start_matches('`').len()];
            let language = &bare[fence.len()..];
            let start = at;
            let mut end = at;
            for line in lines.by_ref() {
                at += line.len();
                if line.trim_end() == fence {
                    break;
                }
                end = at;
            }
            let Some(section) = sections.last_mut().filter(|_| active) else { continue };
            section.end = at;
            if language == "report" {
                section.report = Some(start..end);
                continue;
            }
            let path = match (name.take(), language) {
                (Some(path), _) => path,
                (None, "dockerfile") => "Dockerfile",
                (None, "yaml") => "compose.yaml",
                (None, "ini") => "supervisord.conf",
                (None, "nginx") => "nginx.conf",
                (None, "dotenv") => ".env",
                (None, other) => return Err(format!("no file name for a fence of language {other:?}").into()),
            };
            let (path, content) = (path.to_owned(), &text[start..end]);
            match language {
                "latin1" => {
                    let bytes: Result<Vec<u8>, _> = content.chars().map(u8::try_from).collect();
                    section.files.push((path, bytes?));
                }
                "skipped" => section.skipped.push((path, content.trim().to_owned())),
                "failure" => {
                    let (doing, message) = content.trim().split_once(": ").ok_or("a failure is `doing: message`")?;
                    section.failures.push((path, doing.to_owned(), message.to_owned()));
                }
                _ => section.files.push((path, content.as_bytes().to_vec())),
            }
        }
    }
    Ok(sections)
}

/// What the rule says about a section's files, a line per label. A `confscan.toml` among them counts.
fn findings(registered: &'static Registered, section: &Section) -> Result<String, confscan::config::Error> {
    let mut sources = virtual_repository::sources(&section.files);
    for (path, reason) in &section.skipped {
        sources.skip(path, reason, true);
    }
    let mut files = Files::default();
    files.add_below(&sources)?;
    let today = jiff::civil::date(2026, 11, 1);
    let config = Config { pedantic: true, require_reason: true, files, ..Config::new(today) };
    let report = confscan::scan(sources, &config);
    let mut findings: Vec<Finding> =
        report.findings.iter().filter(|finding| finding.rule.id == registered.rule.id).cloned().collect();
    if let Check::Failure(check) = registered.check {
        for (path, doing, message) in &section.failures {
            let (file, doing, message) = (report.sources.find(path), doing.clone(), message.clone());
            let mut cx = Cx::new(&report.project, &report.sources, &config, &registered.rule, None);
            check(&Failure { file, doing, message }, &mut cx);
            findings.extend(cx.finish().findings);
        }
    }
    let mut out = String::new();
    for finding in &findings {
        let place = place(&report, finding.primary());
        writeln!(out, "{place}: {}: {}", finding.severity.name(), finding.message).unwrap();
        for label in &finding.labels[1..] {
            writeln!(out, "  {}: {}", self::place(&report, label.span), label.message).unwrap();
        }
    }
    Ok(out)
}

fn place(report: &Report, span: confscan::source::Span) -> String {
    let (start, _) = report.sources.position(span);
    format!("{}:{}:{}", report.sources.get(span.file).path, start.line, start.column)
}
