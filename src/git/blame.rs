//! Since when lines of a file are there, as `git blame` knows it.
//!
//! The last commit is asked, not the work tree: for that git would run the filters that the repository names. What the
//! work tree has and the commit has not was written since.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Repository;
use crate::exception::{Place, Since};
use crate::report::Report;

/// A line of the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    text: String,
    since: Since,
}

/// Says of every exception that does not say it itself since when it stands. One that is not committed stands since today.
pub fn date_exceptions(repository: &Repository, report: &mut Report) {
    let Some(today) = report.today else { return };
    let shallow = repository.read(["rev-parse", "--is-shallow-repository"]).is_some_and(|answer| answer == "true");
    let places: Vec<Option<(String, u32)>> = report
        .exceptions
        .iter()
        .map(|exception| {
            let (path, line) = report.exception_place(exception).filter(|_| exception.since.is_none())?;
            Some((path.to_owned(), line))
        })
        .collect();
    let mut files: HashMap<String, Option<Vec<Line>>> = HashMap::new();
    for (index, place) in places.into_iter().enumerate() {
        let Some((path, line)) = place else { continue };
        let lines = files.entry(path.clone()).or_insert_with(|| lines(repository, &path, shallow));
        let Some(lines) = lines else { continue };
        let Some(file) = report.sources.find(&path) else { continue };
        let source = report.sources.get(file);
        let text = |line: u32| source.line(line).0.trim_end_matches(['\n', '\r']);
        let last = match report.exceptions[index].ignore.place {
            // What an entry says may be written below its header.
            Place::Config { .. } => entry_end(line, source.position(source.text.len() as u32).line, text),
            Place::Comment(_) | Place::File(_) => line,
        };
        // The youngest line: what was accepted before was another thing.
        let found = (line..=last).map(|line| since(lines, text, line));
        let today = Since { date: today, at_least: false };
        report.exceptions[index].since = found.map(|found| found.unwrap_or(today)).max_by_key(|since| since.date);
    }
}

/// The last line of the entry of a TOML file whose header is on `first`.
fn entry_end<'t>(first: u32, lines: u32, text: impl Fn(u32) -> &'t str) -> u32 {
    let ends = |line: &u32| {
        let text = text(*line).trim_start();
        text.is_empty() || text.starts_with('[')
    };
    (first + 1..=lines).find(ends).unwrap_or(lines + 1) - 1
}

/// Since when the text of line `at` is there: of the lines of the commit that read the same, the one with the same number of
/// such lines before it.
fn since<'t>(lines: &[Line], text: impl Fn(u32) -> &'t str, at: u32) -> Option<Since> {
    let wanted = text(at);
    let before = (1..at).filter(|line| text(*line) == wanted).count();
    let same: Vec<&Line> = lines.iter().filter(|line| line.text == wanted).collect();
    same.get(before).or(same.last()).map(|line| line.since)
}

/// The lines of a file of the last commit; none where that has no such file, nothing where git cannot tell.
fn lines(repository: &Repository, path: &str, shallow: bool) -> Option<Vec<Line>> {
    let output = repository.git(["blame", "--porcelain", "--no-textconv", "HEAD", "--", path]).output().ok()?;
    if output.status.success() {
        return parse(&String::from_utf8_lossy(&output.stdout), shallow);
    }
    String::from_utf8_lossy(&output.stderr).contains("no such path").then(Vec::new)
}

/// Reads git's porcelain format: for each line a header that starts with the commit, what is to be said of the commit
/// where it comes first, and the line behind a tab. Nothing where a commit has no day.
fn parse(text: &str, shallow: bool) -> Option<Vec<Line>> {
    let mut commits: HashMap<&str, (Option<Date>, bool)> = HashMap::new();
    let mut lines = Vec::new();
    let mut commit = "";
    let mut starts = true;
    for line in text.split('\n') {
        if let Some(text) = line.strip_prefix('\t') {
            let (date, boundary) = commits.get(commit).copied().unwrap_or_default();
            let since = Since { date: date?, at_least: shallow && boundary };
            lines.push(Line { text: text.trim_end_matches('\r').to_owned(), since });
            starts = true;
        } else if starts {
            commit = line.split(' ').next().unwrap_or_default();
            commits.entry(commit).or_default();
            starts = false;
        } else if let Some(known) = commits.get_mut(commit) {
            match line.split_once(' ') {
                Some(("author-time", seconds)) => known.0 = day(seconds),
                None if line == "boundary" => known.1 = true,
                _ => {}
            }
        }
    }
    Some(lines)
}

/// The day in UTC of a number of seconds since 1970.
fn day(seconds: &str) -> Option<Date> {
    let time = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const PORCELAIN: &str = "aaaa 1 1 2\nauthor A\nauthor-time 1700000000\nboundary\nfilename a\n\tx\naaaa 2 2\n\ty\nbbbb 3 3 1\n\
                             author boundary\nauthor-time 1800000000\nfilename a\n\tx\n";

    #[test]
    fn lines_have_the_day_of_their_commit_and_the_oldest_of_a_shallow_clone_may_be_older() {
        let old = |at_least| Since { date: date(2023, 11, 14), at_least };
        let new = Since { date: date(2027, 1, 15), at_least: false };
        for shallow in [false, true] {
            let lines = parse(PORCELAIN, shallow).expect("every commit has a day");
            let seen: Vec<(&str, Since)> = lines.iter().map(|line| (line.text.as_str(), line.since)).collect();
            assert_eq!(seen, [("x", old(shallow)), ("y", old(shallow)), ("x", new)]);
        }
        assert_eq!(parse("", true), Some(Vec::new()));
        assert_eq!(parse("aaaa 1 1 1\nauthor A\n\tx\n", false), None);
    }

    #[test]
    fn a_line_that_moved_is_found_again_and_of_equal_ones_that_in_its_place() {
        let lines = parse(PORCELAIN, false).expect("every commit has a day");
        let text = |line: u32| ["new", "y", "x", "x"][line as usize - 1];
        let days = (1..=4).map(|line| since(&lines, text, line).map(|since| since.date)).collect::<Vec<_>>();
        let [old, new] = [date(2023, 11, 14), date(2027, 1, 15)].map(Some);
        assert_eq!(days, [None, old, old, new]);
    }

    #[test]
    fn an_entry_ends_before_the_next_or_a_blank_line() {
        let lines = ["[[ignore]]", "rule = 1", "x = 2", "[[ignore]]", "rule = 3", "", "y = 1"];
        let text = |line: u32| lines[line as usize - 1];
        assert_eq!((entry_end(1, 7, text), entry_end(4, 7, text), entry_end(7, 7, text)), (3, 5, 7));
    }
}
