//! What is known already: the baseline is read, compared with and written.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use confscan::baseline::{self, Baseline, Entry, FILE_NAME, With};
use confscan::config::Config;
use confscan::git::{self, Repository, Tree};
use confscan::report::Report;
use confscan::source::ReadError;
use confscan::text::{path_line_start, visible};
use confscan::walk::{self, Scope};

use crate::cli::{self, Scan};
use crate::output::{Stdout, Target, note};
use crate::progress::Progress;
use crate::{INCOMPLETE, NOTHING, Problem, area, at, read, time, walk_options};

/// Bytes of the largest baseline that is read: several hundred thousand findings.
const LARGEST: u64 = 1 << 26;
/// Things that were not graded that are named when a baseline is not written.
const NAMED: usize = 5;

/// Takes what is known out of the findings of a report.
pub fn compare(report: &mut Report, arguments: &Scan, scope: &Scope, config: &Config) -> Result<(), Problem> {
    let compare = |report: &mut Report, known: &[Entry], with, covered: &dyn Fn(&Entry) -> bool| {
        let allow_gaps = arguments.allow_gaps;
        let comparison = baseline::compare(&mut report.findings, &mut report.known, known, with, allow_gaps, covered);
        report.comparisons.push(comparison);
    };
    if !arguments.no_baseline
        && let Some((path, baseline)) = find(arguments.baseline.as_deref(), scope)?
    {
        let with = With::Baseline(path.to_string_lossy().into_owned());
        compare(report, &baseline.entries, with, &|entry| is_covered(entry, scope, config));
    }
    if let Some(reference) = &arguments.diff_base {
        let repository = Repository::open(&scope.root)?;
        let commit = repository.base(reference)?;
        let options = walk_options(&arguments.input, &config.files);
        let tree = Tree::read(&repository, &commit, options.max_file_size, report.sources.shared_store())?;
        let lacks = tree.lacks();
        let (base_scope, more) = git::base_scope(&tree, scope);
        let base = confscan::scan(git::sources(tree, &base_scope, &options, &report.sources), config);
        lacks.check()?;
        let renames = git::renames(&base.sources, &report.sources);
        let suppressed = base.suppressed.into_iter().map(|(finding, _)| finding);
        let known = baseline::entries(&base.sources, base.findings, suppressed, &renames);
        // What is gone and was not moved to a named file was not asked for.
        compare(report, &known, With::Commit(commit.shown), &|entry| !more.contains(&entry.path));
    }
    Ok(())
}

/// Finds out since when exceptions stand.
pub fn date(report: &mut Report, scope: &Scope) -> Result<(), Problem> {
    git::date_exceptions(&Repository::open(&scope.root)?, report);
    Ok(())
}

/// The baseline that counts, with the name that it is shown under: the named one, else that at the scan root.
fn find(named: Option<&Path>, scope: &Scope) -> Result<Option<(PathBuf, Baseline)>, Problem> {
    let path = named.map_or_else(|| scope.root.join(FILE_NAME), Path::to_owned);
    let shown = named.map_or_else(|| PathBuf::from(FILE_NAME), Path::to_owned);
    let problem = |reason: &dyn std::fmt::Display| format!("{}: {reason}", visible(&shown.to_string_lossy()));
    // What the repository brings is not followed out of it.
    let real = if named.is_some() { fs::canonicalize(&path) } else { Ok(path) };
    let bytes = match real.map(|real| walk::read(&real, LARGEST)) {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(ReadError::Missing)) if named.is_none() => return Ok(None),
        Ok(Err(error)) => return Err(problem(&error).into()),
        Err(error) => return Err(problem(&error).into()),
    };
    let text = String::from_utf8(bytes).map_err(|_| problem(&"not UTF-8"))?;
    let baseline = Baseline::parse(&text).map_err(|reason| problem(&reason))?;
    Ok(Some((shown, baseline)))
}

/// Whether the scan would have found it. What is found in a file depends on those around it, so that a scan of single
/// files says nothing about what is missing.
fn is_covered(entry: &Entry, scope: &Scope, config: &Config) -> bool {
    scope.files.is_empty() && scope.holds(&entry.path) && entry.is_looked_for(config)
}

/// Writes the baseline of `arguments`, and gives the exit code.
pub fn write(arguments: &cli::Baseline, stdout: &Stdout) -> Result<u8, Problem> {
    let area = area(&arguments.input)?;
    let scope = area.scope().clone();
    if !scope.files.is_empty() {
        return Err("a baseline is of directories: what is found in a file depends on those around it".into());
    }
    let path = arguments.baseline.clone().unwrap_or_else(|| scope.root.join(FILE_NAME));
    // Where it is from here: the root of the scan may be another folder.
    let here = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    let shown = arguments.baseline.as_deref().unwrap_or_else(|| path.strip_prefix(here).unwrap_or(&path));
    let shown = shown.to_string_lossy().into_owned();
    let known = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Baseline::new([]),
        _ => find(arguments.baseline.as_deref(), &scope)?.map(|(_, known)| known).unwrap_or_default(),
    };
    let progress = Progress::start();
    let (sources, files, _) = read(area, &arguments.input, &progress)?;
    let config = Config {
        pedantic: arguments.pedantic,
        no_ignores: arguments.no_ignores,
        require_reason: arguments.require_reason,
        files,
        whole: scope.directories.clone(),
        ..at(time()?)
    };
    if sources.is_empty() {
        note(format_args!("no config was found, so {} was not written", visible(&shown)));
        return Ok(NOTHING);
    }
    progress.grading();
    let report = confscan::scan(sources, &config);
    drop(progress);
    if report.has_gaps() && !arguments.allow_gaps {
        let mut text = format!("{} was not written, as not everything was graded:\n", visible(&shown));
        for gap in report.gaps().take(NAMED) {
            let place = path_line_start(&report.sources.get(gap.primary().file).path);
            text += &format!("  {place}: {}\n", visible(&gap.message));
        }
        let more = report.gaps().count().saturating_sub(NAMED);
        if more > 0 {
            text += &format!("  … and {more} more\n");
        }
        note(format_args!("{text}With --allow-gaps it is written all the same."));
        return Ok(INCOMPLETE);
    }
    let found = Baseline::of(report.findings.iter().chain(&report.known), &report.sources);
    // What this scan did not look for stays as it is.
    let kept = known.entries.iter().filter(|entry| !is_covered(entry, &scope, &config)).cloned();
    let mut new = Baseline::new(found.entries.into_iter().chain(kept));
    new.accept(&known, config.today);
    let added = new.entries.iter().filter(|entry| !known.holds(entry)).count();
    let removed = known.entries.iter().filter(|entry| !new.holds(entry)).count();
    if added + removed > 0 || !path.exists() {
        let target = Target::new(&path, &[&scope.root, &scope.scanned]);
        let written = target.and_then(|target| target.write(|out| new.write(out)));
        written.map_err(|error| format!("{}: {error}", visible(&shown)))?;
    }
    let total = new.entries.len();
    let noun = if total == 1 { "finding" } else { "findings" };
    stdout.write(|out, _| writeln!(out, "{}: {total} {noun} ({added} added, {removed} removed)", visible(&shown)))?;
    Ok(0)
}
