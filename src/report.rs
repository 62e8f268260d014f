//! What a scan says, and the formats that it is written in.

pub mod checkstyle;
pub mod concise;
pub mod containers;
mod facts;
pub mod github;
pub mod gitlab;
pub mod gitlab_sast;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
mod words;
mod xml;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::baseline::Comparison;
use crate::config::Config;
use crate::exception::{self, Exception};
use crate::finding::{Finding, Severity};
use crate::project::{Project, panic_message};
use crate::secret::Formats;
use crate::secret::known::{self, Known};
use crate::secret::text as secret_text;
use crate::source::{Kind, Position, Sources, Span, mask};
use crate::text::visible;

/// The result of a scan.
#[derive(Debug, Default)]
pub struct Report {
    /// The files, and what was skipped.
    pub sources: Sources,
    /// The documents and containers.
    pub project: Project,
    /// The findings: by path, then by place in the file, then by rule.
    pub findings: Vec<Finding>,
    /// Where secret values stand, sorted and without overlap: they are shown in no output.
    pub secrets: Vec<Span>,
    /// Those of them that are known wherever they stand.
    pub known_secrets: Known,
    /// What an exception hides, with the exception's index in `exceptions`.
    pub suppressed: Vec<(Finding, usize)>,
    /// Every exception: by path and line, those of the configuration last.
    pub exceptions: Vec<Exception>,
    /// What something that the scan was compared with has, too: it is no news.
    pub known: Vec<Finding>,
    /// What the scan was compared with.
    pub comparisons: Vec<Comparison>,
    /// Number of findings that are less sure than was asked for: they were taken out of `findings`.
    pub unsure: usize,
    /// Exceptions were not to hide anything.
    pub no_ignores: bool,
    /// The day of the scan; nothing where there was none.
    pub today: Option<Date>,
}

impl Report {
    /// Takes out the findings that are less sure than `config` asks for.
    pub fn leave_out_unsure(&mut self, config: &Config) {
        let (before, sources) = (self.findings.len(), &self.sources);
        self.findings.retain(|finding| config.shows(finding, &sources.get(finding.primary().file).path));
        self.unsure += before - self.findings.len();
    }

    /// Number of findings of each severity, in the order of [`Severity::ALL`].
    pub fn counts(&self) -> [(Severity, usize); 5] {
        Severity::ALL.map(|severity| (severity, self.findings.iter().filter(|f| f.severity == severity).count()))
    }

    /// Whether something was not graded: an unreadable file, a parse error, an internal error.
    pub fn has_gaps(&self) -> bool {
        self.gaps().next().is_some()
    }

    /// The findings that say that something was not graded, those that are known included: what is not graded is not
    /// known.
    pub fn gaps(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(&self.known).filter(|finding| finding.gap)
    }

    /// What was not graded, counted by rule: `2 parse-error, 1 unreadable-file`.
    pub fn gap_counts(&self) -> String {
        let mut gaps: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in self.gaps() {
            *gaps.entry(finding.rule.id).or_default() += 1;
        }
        gaps.iter().map(|(rule, number)| format!("{number} {rule}")).collect::<Vec<_>>().join(", ")
    }

    /// The findings, worst first, and equally bad ones in the order of the report.
    fn worst_first(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        findings
    }

    /// Number of configs that were graded: neither files that were only looked into nor files that were not read.
    pub fn graded(&self) -> usize {
        self.sources.iter().filter(|(_, source)| source.kind != Kind::Auxiliary).count()
    }

    /// What a report shows of `span`: neither a byte order mark in front nor line ends behind are part of it, so that
    /// it reaches into no further line.
    fn place(&self, span: Span) -> Place<'_> {
        let span = self.sources.resolve(span);
        let text = self.sources.text(span);
        let front = if span.start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let end = front.max(text.trim_end_matches(['\n', '\r']).len()) as u32;
        let span = Span { start: span.start + front as u32, end: span.start + end, ..span };
        let (start, end) = self.sources.position(span);
        Place { path: &self.sources.get(span.file).path, span, start, end }
    }

    /// Path and line of an exception.
    pub(crate) fn exception_place<'a>(&'a self, exception: &'a Exception) -> Option<(&'a str, u32)> {
        match (&exception.ignore.place, exception.span) {
            (exception::Place::Config { path, line }, _) => Some((path, *line)),
            (_, Some(span)) => Some((self.sources.get(span.file).path.as_str(), self.sources.position(span).0.line)),
            _ => None,
        }
    }

    /// The part of `span` on its first line, where consumers cannot do with more.
    fn first_line(&self, span: Span) -> Span {
        let text = self.sources.text(span);
        let first = text.find(['\n', '\r']).unwrap_or(text.len());
        Span { end: span.start + first as u32, ..span }
    }

    /// The text of `span` with every secret in it replaced by `*`, one for each character.
    pub fn masked(&self, span: Span) -> String {
        let span = self.sources.resolve(span);
        mask(self.sources.text(span), span, &self.secrets)
    }

    /// A value out of the files, where it is not known which part of them it is, without the secrets in it.
    fn value<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found = self.known_secrets.find(text);
        // A short word alone has no name in front of it that would make it one.
        if text.len() < 16 && !text.contains(['=', ':', '@', ' ']) && found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.extend(secret_text::find(text, &Formats::of(text)));
        // What is masked already stays as it is.
        found.retain(|range| text[range.clone()].bytes().any(|byte| byte != b'*'));
        known::replaced(text, found)
    }
}

/// A place as reports show it.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a str,
    span: Span,
    start: Position,
    /// Just past the last character.
    end: Position,
}

/// What a report is written as: `docs/formats.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a person at a terminal.
    Human,
    /// One line for each finding, for editors.
    Concise,
    /// For programs: `docs/json.md`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, for GitHub's annotations.
    Github,
    /// Markdown, for a job summary.
    Markdown,
    /// GitLab's Code Quality.
    Gitlab,
    /// GitLab's SAST.
    GitlabSast,
    /// JUnit XML.
    Junit,
    /// Checkstyle XML.
    Checkstyle,
}

impl Format {
    /// Every format, as the help lists them.
    pub const ALL: [Format; 10] = [
        Format::Human,
        Format::Concise,
        Format::Json,
        Format::Sarif,
        Format::Github,
        Format::Markdown,
        Format::Gitlab,
        Format::GitlabSast,
        Format::Junit,
        Format::Checkstyle,
    ];

    /// The name used in options.
    pub fn name(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Concise => "concise",
            Format::Json => "json",
            Format::Sarif => "sarif",
            Format::Github => "github",
            Format::Markdown => "markdown",
            Format::Gitlab => "gitlab",
            Format::GitlabSast => "gitlab-sast",
            Format::Junit => "junit",
            Format::Checkstyle => "checkstyle",
        }
    }
}

/// What a report depends on beside the scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// One line per finding and no summary; human only.
    pub quiet: bool,
    /// Write ANSI colour codes; human only.
    pub color: bool,
    /// Width of the terminal in columns, 120 where it is not known; human only.
    pub width: Option<usize>,
    /// When the scan was done, for GitLab's SAST: 1970 unless it is given.
    pub time: Timestamp,
    /// Also write what exceptions hide, marked as suppressed; SARIF only.
    pub include_suppressed: bool,
}

/// Writes `report` to `out`, and gives what was left out for want of room, as a sentence: it stands in the report too,
/// but who writes a file does not see it there.
///
/// # Errors
/// Those of `out`, and that writing broke: what `out` holds then is no report.
pub fn write(
    report: &Report,
    format: Format,
    options: &Options,
    out: &mut dyn io::Write,
) -> io::Result<Option<String>> {
    let written = catch_unwind(AssertUnwindSafe(|| {
        let written = write_in(format, report, options, out);
        // Behind what was written: an error leaves that in `out`.
        #[cfg(test)]
        for (_, source) in report.sources.iter() {
            crate::broken::at(&format!("writing {}", format.name()), &source.text);
        }
        written
    }));
    written.unwrap_or_else(|panic| {
        let message = panic_message(&*panic);
        let message = visible(&message);
        Err(io::Error::other(format!("internal error while the {} report was written: {message}", format.name())))
    })
}

fn write_in(format: Format, report: &Report, options: &Options, out: &mut dyn io::Write) -> io::Result<Option<String>> {
    match format {
        Format::Sarif => return sarif::write(report, options, out),
        Format::Markdown => return markdown::write(report, out),
        Format::Human => human::write(report, options, out),
        Format::Concise => concise::write(report, out),
        Format::Json => json::write(report, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::GitlabSast => gitlab_sast::write(report, options.time, out),
        Format::Junit => junit::write(report, out),
        Format::Checkstyle => checkstyle::write(report, out),
    }
    .map(|()| None)
}
