//! Findings that are known already: a baseline file, or another state of the same repository.
//!
//! A baseline holds identities only: no line numbers, no wording, nothing out of the files but logical paths. It is one
//! finding per line and sorted, so that a change of it reads as what it is.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::escape;
use crate::finding::{Finding, identify};
use crate::rules;
use crate::source::{Sources, Span};

/// Name of the file at the scan root.
pub const FILE_NAME: &str = "confscan-baseline.json";
/// Version of the format: the number changes when older versions of confscan would read it wrongly.
const SCHEMA: &str = "confscan-baseline/1";

/// Findings that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    schema: String,
    /// The findings, sorted.
    #[serde(rename = "findings")]
    pub entries: Vec<Entry>,
}

/// A finding that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Path of its file from the scan root.
    pub path: String,
    /// Id of its rule.
    pub rule: String,
    /// Its logical path in the file.
    #[serde(default)]
    pub node: String,
    /// Its identity.
    pub fingerprint: String,
    /// The day on which it was accepted. It is written once and kept, so that it changes no line.
    #[serde(default, with = "day", skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
}

/// A day as `2026-11-01`.
mod day {
    use jiff::civil::Date;
    use serde::de::{Deserialize as _, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::exception::Until;

    pub fn serialize<S: Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.collect_str(day),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| Until::new(&text).date.ok_or_else(|| D::Error::custom("not a date"));
        text.map(read).transpose()
    }
}

/// What a scan was compared with, and what came of it.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What it was.
    pub with: With,
    /// Number of findings that were known.
    pub known: usize,
    /// The days on which those were accepted, by their fingerprints, as far as that is known.
    pub since: HashMap<String, Date>,
    /// What was known and is found no more: it was fixed, or is ignored by now.
    pub fixed: Vec<Entry>,
}

/// What a scan is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// A baseline file, by the name that it is shown under.
    Baseline(String),
    /// A commit, by the words that it is shown under.
    Commit(String),
}

impl With {
    /// The words that it is shown under.
    pub fn name(&self) -> &str {
        match self {
            With::Baseline(name) | With::Commit(name) => name,
        }
    }

    /// What reports call it.
    pub fn kind(&self) -> &'static str {
        match self {
            With::Baseline(_) => "baseline",
            With::Commit(_) => "commit",
        }
    }
}

impl Entry {
    /// The entry of a finding whose file is shown as `path`.
    pub fn new(finding: &Finding, path: &str) -> Entry {
        Entry {
            path: path.to_owned(),
            rule: finding.rule.id.to_owned(),
            node: finding.node.clone(),
            fingerprint: finding.fingerprint.clone(),
            since: None,
        }
    }

    /// What makes it this finding and no other.
    pub fn identity(&self) -> (&str, &str, &str, &str) {
        (&self.path, &self.rule, &self.node, &self.fingerprint)
    }

    /// Whether a scan with `config` looks for it at all.
    pub fn is_looked_for(&self, config: &Config) -> bool {
        rules::find(&self.rule).is_none_or(|found| config.may_run(&found.rule))
    }
}

impl Baseline {
    /// The baseline of `entries`.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Baseline {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.sort_unstable();
        // Of one finding that a merge of two branches gives twice, the first acceptance counts: that without a day is
        // from before days were written.
        entries.dedup_by(|later, kept| later.identity() == kept.identity());
        Baseline { schema: SCHEMA.to_owned(), entries }
    }

    /// The baseline of `findings`, which are in files of `sources`.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>, sources: &Sources) -> Baseline {
        let path = |finding: &Finding| sources.get(finding.primary().file).path.as_str();
        Baseline::new(findings.into_iter().map(|finding| Entry::new(finding, path(finding))))
    }

    /// Whether it holds the finding of `entry`.
    pub fn holds(&self, entry: &Entry) -> bool {
        self.entries.binary_search_by(|known| known.identity().cmp(&entry.identity())).is_ok()
    }

    /// Gives every finding the day on which `before` accepted it; `today` to those that it does not hold.
    pub fn accept(&mut self, before: &Baseline, today: Date) {
        for entry in &mut self.entries {
            let known = before.entries.binary_search_by(|known| known.identity().cmp(&entry.identity()));
            entry.since = known.map_or(Some(today), |at| before.entries[at].since);
        }
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    /// Says why it is none, without showing anything of it.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        #[derive(Deserialize)]
        struct Version {
            schema: String,
        }
        let problem = |error: serde_json::Error| {
            let conflict = ["<<<<<<<", ">>>>>>>"].iter().any(|mark| text.lines().any(|line| line.starts_with(mark)));
            let hint = if conflict { ": a merge left a conflict; keep the lines of both sides" } else { "" };
            format!("not a baseline (line {}, column {}){hint}", error.line(), error.column())
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Version { schema } = match serde_json::from_str(text) {
            Ok(version) => version,
            Err(error) => return merged(text).ok_or_else(|| problem(error)),
        };
        if schema != SCHEMA {
            return Err(format!("not a baseline that this version of confscan reads: its schema is not {SCHEMA}"));
        }
        let Baseline { entries, .. } = serde_json::from_str(text).map_err(problem)?;
        Ok(Baseline::new(entries))
    }

    /// Writes it, one finding on a line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\n\"schema\":\"{SCHEMA}\",\n\"findings\":[")?;
        let mut before = "\n";
        for entry in &self.entries {
            out.write_all(before.as_bytes())?;
            escape::json(out, entry)?;
            before = ",\n";
        }
        out.write_all(if before == "\n" { b"]\n}\n" } else { b"\n]\n}\n" })
    }
}

/// The baseline of a text that is the lines of several, as a merge leaves them: commas may be missing between findings, and
/// what stands around them may be there twice.
fn merged(text: &str) -> Option<Baseline> {
    let mut entries = Vec::new();
    let mut is_baseline = false;
    for line in text.lines().map(str::trim) {
        match line.trim_end_matches(',') {
            "" | "{" | "}" | "]" | "\"findings\":[" | "\"findings\":[]" => {}
            schema if schema.strip_prefix("\"schema\":") == Some(&format!("\"{SCHEMA}\"")) => is_baseline = true,
            entry => entries.push(serde_json::from_str(entry).ok()?),
        }
    }
    is_baseline.then(|| Baseline::new(entries))
}

/// What a scan of another state of the repository finds, for a scan in which its files are where `renames` says.
/// `sources` are the other state's files, `suppressed` is what exceptions hide there.
pub fn entries(
    sources: &Sources,
    findings: Vec<Finding>,
    suppressed: impl IntoIterator<Item = Finding>,
    renames: &HashMap<String, String>,
) -> Vec<Entry> {
    // What is ignored counts among equals, but is not known.
    let hidden = suppressed.into_iter().map(|finding| (finding, true));
    let mut all: Vec<(Finding, bool)> = findings.into_iter().map(|finding| (finding, false)).chain(hidden).collect();
    all.sort_by_key(|(finding, _)| (finding.primary(), finding.rule.id));
    let (mut findings, hidden): (Vec<Finding>, Vec<bool>) = all.into_iter().unzip();
    let path = |span: Span| {
        let path = &sources.get(span.file).path;
        renames.get(path).unwrap_or(path).as_str()
    };
    identify(&mut findings, path);
    let open = findings.iter().zip(&hidden).filter(|(_, hidden)| !**hidden);
    open.map(|(finding, _)| Entry::new(finding, path(finding.primary()))).collect()
}

/// Moves those of `findings` that `entries` has to `known`, where what earlier comparisons knew is already, and says
/// which entries are found no more, of those that `covered` says the scan would have found. What was not graded is only
/// moved where `allow_gaps` accepts it: it fails the scan, and the report has to say why.
pub fn compare(
    findings: &mut Vec<Finding>,
    known: &mut Vec<Finding>,
    entries: &[Entry],
    with: With,
    allow_gaps: bool,
    covered: impl Fn(&Entry) -> bool,
) -> Comparison {
    let identities: HashSet<&str> = entries.iter().map(|entry| entry.fingerprint.as_str()).collect();
    let is_known =
        |finding: &Finding| (allow_gaps || !finding.gap) && identities.contains(finding.fingerprint.as_str());
    // What another comparison knew already counts here, too.
    let before = known.iter().filter(|finding| is_known(finding)).count();
    let moved: Vec<Finding> = findings.extract_if(.., |finding| is_known(finding)).collect();
    let count = before + moved.len();
    known.extend(moved);
    let accepted = known.iter().filter(|finding| is_known(finding)).map(|finding| finding.fingerprint.as_str());
    let accepted: HashSet<&str> = accepted.collect();
    let since = entries.iter().filter(|entry| accepted.contains(entry.fingerprint.as_str()));
    let since = since.filter_map(|entry| Some((entry.fingerprint.clone(), entry.since?))).collect();
    let found: HashSet<&str> =
        findings.iter().chain(known.iter()).map(|finding| finding.fingerprint.as_str()).collect();
    let fixed = entries.iter().filter(|entry| !found.contains(entry.fingerprint.as_str()) && covered(entry));
    let fixed = fixed.cloned().collect();
    Comparison { with, known: count, since, fixed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, fingerprint: &str) -> Entry {
        Entry {
            path: path.to_owned(),
            rule: "explicit-root-user".to_owned(),
            node: "stages.0".to_owned(),
            fingerprint: fingerprint.to_owned(),
            since: None,
        }
    }

    #[test]
    fn a_baseline_is_sorted_one_finding_on_a_line_and_reads_back() {
        let baseline = Baseline::new([entry("b", "2"), entry("a\u{1b}", "1"), entry("b", "1"), entry("b", "2")]);
        let mut out = Vec::new();
        baseline.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = |path: &str, fingerprint: &str| {
            format!(
                r#"{{"path":"{path}","rule":"explicit-root-user","node":"stages.0","fingerprint":"{fingerprint}"}}"#
            )
        };
        let [first, second, third] = [line("a\\u001b", "1"), line("b", "1"), line("b", "2")];
        assert_eq!(
            text,
            format!("{{\n\"schema\":\"confscan-baseline/1\",\n\"findings\":[\n{first},\n{second},\n{third}\n]\n}}\n")
        );
        assert_eq!(Baseline::parse(&text), Ok(baseline));
        let mut none = Vec::new();
        Baseline::new([]).write(&mut none).unwrap();
        let none = String::from_utf8(none).unwrap();
        assert_eq!(Baseline::parse(&none), Ok(Baseline::new([])));
        // A merge that kept the lines of both sides, and an editor that marks UTF-8.
        let [a, b, c] = [("a", "1"), ("b", "2"), ("c", "3")].map(|(path, fingerprint)| line(path, fingerprint));
        let kept = format!("{{\n\"schema\":\"confscan-baseline/1\",\n\"findings\":[\n{a},\n{b}\n{a},\n{c}\n]\n}}\n");
        let all = Baseline::new([entry("a", "1"), entry("b", "2"), entry("c", "3")]);
        assert_eq!(Baseline::parse(&kept), Ok(all.clone()));
        assert_eq!(Baseline::parse(&format!("{none}{kept}")), Ok(all.clone()));
        assert_eq!(Baseline::parse(&format!("\u{feff}{}", kept.replace('\n', "\r\n"))), Ok(all));
    }

    #[test]
    fn what_is_no_baseline_is_refused_without_showing_it() {
        for (text, expected) in [
            ("", "not a baseline (line 1, column 0)"),
            ("hunter2", "not a baseline (line 1, column 1)"),
            ("{\"schema\":\"hunter2\"}", "not a baseline that this version of confscan reads"),
            ("{\"schema\":\"confscan-baseline/1\",\"findings\":\"hunter2\"}", "not a baseline (line 1"),
            ("{\"schema\":\"confscan-baseline/1\",\n<<<<<<< hunter2\n", "conflict"),
            (
                "{\n\"schema\":\"confscan-baseline/1\",\n\"findings\":[\n{\"path\":\"hunter2\"}\n",
                "not a baseline (line",
            ),
            ("{\n\"findings\":[\n]\n", "not a baseline (line"),
        ] {
            let error = Baseline::parse(text).unwrap_err();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
