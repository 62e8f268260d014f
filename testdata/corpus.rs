//! The whole scan over real configs of public projects, in the folder that `CONFSCAN_SHARED` names.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use confscan::config::Config;
use confscan::report::{Format, Options, Report, write};
use confscan::walk;
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let shared = env::var_os("CONFSCAN_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprintln!("skipped: CONFSCAN_SHARED is not set");
    }
    shared
}

fn scan(root: &Path, threads: usize) -> Report {
    let options = walk::Options { threads, ..walk::Options::default() };
    let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.install(|| {
        confscan::scan(walk::sources(&[root.to_owned()], &options, &|| {}).expect("it can be read"), &config)
    })
}

fn written(report: &Report, format: Format) -> String {
    let mut out = Vec::new();
    write(report, format, &Options { color: true, ..Options::default() }, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn the_same_scan_gives_the_same_bytes_with_any_number_of_threads() {
    let Some(shared) = shared() else { return };
    let corpus = shared.join("corpus");
    let first = scan(&corpus, 1);
    for threads in [1, 2, 5] {
        let again = scan(&corpus, threads);
        for format in Format::ALL {
            assert!(written(&first, format) == written(&again, format), "{format:?} differs with {threads} threads");
        }
    }
}

#[test]
fn nothing_breaks_and_no_file_that_its_program_accepts_has_a_parse_error() {
    let Some(shared) = shared() else { return };
    let report = scan(&shared.join("corpus"), 2);
    let of = |rule: &str| -> BTreeSet<&str> {
        let found = report.findings.iter().filter(|finding| finding.rule.id == rule);
        found.map(|finding| report.sources.get(finding.primary().file).path.as_str()).collect()
    };
    assert_eq!(of("internal-error"), BTreeSet::new());
    assert_eq!(of("unreadable-file"), BTreeSet::new());
    let accepted: BTreeSet<String> = [
        ("dockerfile", "File", &["ParseErr", "InstrErr"][..]),
        ("compose", "File", &["Err", "DecErr"]),
        ("nginx", "f", &["err"]),
    ]
    .iter()
    .flat_map(|(list, file, errors)| {
        let lines = std::fs::read_to_string(shared.join(format!("oracle/{list}.jsonl"))).expect("the list is there");
        let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        let fine = |row: &Value| {
            errors.iter().all(|error| row.get(error).and_then(Value::as_str).is_none_or(str::is_empty))
                && row.get("ok").and_then(Value::as_bool) != Some(false)
        };
        rows.into_iter().filter(fine).map(|row| row[file].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    })
    .collect();
    assert!(accepted.len() > 1_500, "{} files are listed", accepted.len());
    let wrong: Vec<&str> = of("parse-error").into_iter().filter(|path| accepted.contains(*path)).collect();
    assert_eq!(wrong, [""; 0]);
}
