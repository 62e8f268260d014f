//! Scans every small repository under `testdata/repos/<case>/<variant>` and compares with its `expected.txt`: the
//! containers with their environments, then every finding of the default rules. `UPDATE=1` rewrites the files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use confscan::config::Config;
use confscan::container::{Fact, Process};
use confscan::project::Project;
use confscan::report::Report;
use confscan::source::Span;
use confscan::walk;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/repos");
    let mut trials = Vec::new();
    for case in folders(&root) {
        for variant in folders(&case) {
            let name = variant.strip_prefix(&root).unwrap_or(&variant).display().to_string();
            trials.push(Trial::test(name, move || check(&variant)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn check(variant: &Path) -> Result<(), Failed> {
    let options = walk::Options { root: Some(variant.to_owned()), threads: 1, ..walk::Options::default() };
    let sources = walk::sources(&[variant.to_owned()], &options, &|| {}).map_err(|error| error.to_string())?;
    let report = confscan::scan(sources, &Config::new(jiff::civil::date(2026, 11, 1)));
    let found = describe(&report);
    let file = variant.join("expected.txt");
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, found)?;
        return Ok(());
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(&expected), lines(&found));
    let mut difference = String::new();
    for line in before.iter().filter(|line| !after.contains(line)) {
        writeln!(difference, "- {line}")?;
    }
    for line in after.iter().filter(|line| !before.contains(line)) {
        writeln!(difference, "+ {line}")?;
    }
    Err(format!("{} differs (UPDATE=1 rewrites it):\n{difference}", file.display()).into())
}

/// The containers, then the findings, in the order of the report.
fn describe(report: &Report) -> String {
    let mut out = String::new();
    for container in &report.project.containers {
        let environment = &container.environment;
        let files = report.project.stack(container).map_or(&[][..], |stack| &stack.files);
        let files: Vec<&str> = files.iter().map(|file| path(report, &report.project, *file)).collect();
        let stack = if files.len() > 1 { format!(" of {}", files.join(" + ")) } else { String::new() };
        let (value, reason) = (environment.environment.name(), &environment.reason);
        writeln!(out, "container {}{stack}: {value} ({reason})", container.name).unwrap();
        let user = match &container.user {
            Fact::Known(user) => format!("{} at {}", user.value.name, place(report, user.span)),
            Fact::Absent(_) => "not set".to_owned(),
            Fact::Unknown(why) => format!("unknown: {why:?}"),
        };
        writeln!(out, "  user {user}").unwrap();
        for process in &container.processes {
            writeln!(out, "  runs {} at {}", programs(process), place(report, process.span)).unwrap();
        }
        for file in container.supervisors.iter().chain(&container.servers) {
            writeln!(out, "  reads {}", path(report, &report.project, *file)).unwrap();
        }
    }
    for finding in &report.findings {
        let place = place(report, finding.primary());
        let rule = finding.rule.id;
        writeln!(out, "{place}: {}: {} [{rule}]", finding.severity.name(), finding.message).unwrap();
    }
    out
}

fn programs(process: &Process) -> String {
    let names: Vec<&str> = process.effective.commands.iter().map(|command| command.name.as_str()).collect();
    names.join(", ")
}

fn path<'a>(report: &'a Report, project: &Project, document: usize) -> &'a str {
    &report.sources.get(project.documents[document].file()).path
}

fn place(report: &Report, span: Span) -> String {
    let (start, _) = report.sources.position(span);
    format!("{}:{}:{}", report.sources.get(span.file).path, start.line, start.column)
}
