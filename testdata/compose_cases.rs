//! Compares the effective model of stacks with what Compose itself makes of the same files.
//!
//! A `##` section of `testdata/compose/*.md` is a case: the files of a small repository (a line `` `path`: `` before each
//! fence), lines that say what it is about, and in an `effective` fence the model in the form that `dump` writes.
//!
//! - `Stack: a.yaml b.yaml`: the files in their order; `compose.yaml` and its `compose.override.yaml` when left out.
//! - `Absent: a.yaml b.yaml`: these are not what Compose merges by itself.
//! - `Discovered: yes` (or a folder): Compose finds the files by itself there; `Project: folder` is its
//!   `--project-directory`. Only `compose_oracle.py` reads both.
//! - `Gaps: kind reason, …`: what is not in sight; nothing when left out.
//! - `Refused: words`: Compose refuses the files with these words, so that there is no model to compare.
//! - `Differs: reason`: why the case is not what Compose prints.
//!
//! `compose_oracle.py` runs Compose over the cases and writes the fences.

#[path = "compose_cases/dump.rs"]
mod dump;
#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use confscan::project::Project;
use confscan::project::stacks::{Basis, GapKind};
use confscan::source::Sources;
use libtest_mimic::{Arguments, Failed, Trial};

const HEADERS: [&str; 7] = ["Stack", "Absent", "Gaps", "Discovered", "Project", "Refused", "Differs"];

fn main() {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/compose");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of cases is readable")
        .map(|entry| entry.expect("an entry is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("ORACLE.md"))
        .collect();
    paths.sort();
    let mut trials = Vec::new();
    for path in paths {
        let topic = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a file of cases is readable");
        for case in cases(&text) {
            trials.push(Trial::test(format!("{topic}: {}", case.name), move || run(&case)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// One section.
#[derive(Default)]
struct Case {
    name: String,
    headers: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
    effective: Option<String>,
}

impl Case {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The files of the stack in their order.
    fn stack(&self) -> Vec<&str> {
        match self.header("Stack") {
            Some(files) => files.split(' ').collect(),
            None => {
                let has = |name: &&str| self.files.iter().any(|(path, _)| path == name);
                ["compose.yaml", "compose.override.yaml"].into_iter().filter(has).collect()
            }
        }
    }
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut name = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            cases.push(Case { name: heading.to_owned(), ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if line.starts_with("```") {
            let language = line.trim_start_matches('`');
            let fence = &line[..line.len() - language.len()];
            let content: String = lines.by_ref().take_while(|line| *line != fence).flat_map(|l| [l, "\n"]).collect();
            if language == "effective" {
                case.effective = Some(content);
            } else {
                let name: &str = name.take().expect("a fence has a path before it");
                case.files.push((name.to_owned(), content.into_bytes()));
            }
        } else if let Some(path) = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:")) {
            name = Some(path);
        } else if let Some((key, value)) = line.split_once(": ").filter(|(key, _)| HEADERS.contains(key)) {
            case.headers.push((key.to_owned(), value.to_owned()));
        }
    }
    cases
}

fn run(case: &Case) -> Result<(), Failed> {
    let mut sources = virtual_repository::sources(&case.files);
    let project = Project::build(&mut sources);
    if let Some(failure) = project.failures.first() {
        return Err(format!("{} broke: {}", failure.doing, failure.message).into());
    }
    if let Some(files) = case.header("Absent") {
        let files: Vec<&str> = files.split(' ').collect();
        let found = find(&project, &sources, &files);
        if found.is_some_and(|index| project.stacks[index].basis == Basis::AutomaticOverride) {
            return Err(format!("{files:?} is a stack of an automatic override").into());
        }
    }
    let wanted = case.stack();
    let Some(index) = find(&project, &sources, &wanted) else {
        let mut message = format!("no stack {wanted:?}; there are");
        for index in 0..project.stacks.len() {
            write!(message, "\n  {:?}", files(&project, &sources, index)).unwrap();
        }
        return Err(message.into());
    };
    let stack = &project.stacks[index];
    // The images that are built are not in the cases.
    let gaps = stack.gaps.iter().filter(|gap| gap.kind != GapKind::Build);
    let mut gaps: Vec<String> = gaps.map(|gap| format!("{} {}", gap.kind.name(), gap.why.name())).collect();
    gaps.dedup();
    let expected = case.header("Gaps").unwrap_or_default();
    if gaps.join(", ") != expected {
        return Err(format!("expected the gaps {expected:?}, got {:?}", gaps.join(", ")).into());
    }
    let Some(effective) = &case.effective else {
        return match case.header("Refused") {
            Some(_) => Ok(()),
            None => Err("neither an `effective` fence nor `Refused:`".into()),
        };
    };
    let model = project.model(index).ok_or("the stack has no model")?;
    let got = dump::model(model, stack);
    if got == *effective { Ok(()) } else { Err(format!("\n{}", difference(effective, &got)).into()) }
}

fn find(project: &Project, sources: &Sources, wanted: &[&str]) -> Option<usize> {
    (0..project.stacks.len()).find(|&index| files(project, sources, index) == wanted)
}

fn files<'a>(project: &Project, sources: &'a Sources, index: usize) -> Vec<&'a str> {
    let path = |&id: &usize| sources.get(project.documents[id].file()).path.as_str();
    project.stacks[index].files.iter().map(path).collect()
}

/// The lines of both, with `-` before those that are only expected and `+` before those that are only there.
fn difference(expected: &str, got: &str) -> String {
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    // Length of the longest common subsequence of what follows each pair of lines.
    let mut common = vec![vec![0; got.len() + 1]; expected.len() + 1];
    for (i, line) in expected.iter().enumerate().rev() {
        for (j, other) in got.iter().enumerate().rev() {
            common[i][j] =
                if line == other { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < expected.len() || j < got.len() {
        if i < expected.len() && j < got.len() && expected[i] == got[j] {
            writeln!(out, "  {}", expected[i]).unwrap();
            (i, j) = (i + 1, j + 1);
        } else if j == got.len() || i < expected.len() && common[i + 1][j] >= common[i][j + 1] {
            writeln!(out, "- {}", expected[i]).unwrap();
            i += 1;
        } else {
            writeln!(out, "+ {}", got[j]).unwrap();
            j += 1;
        }
    }
    out
}
