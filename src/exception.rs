//! Exceptions from the rules: `# confscan: ignore[rule, …] until=YYYY-MM-DD -- why`, and those of the configuration.

use jiff::civil::Date;

use crate::project::environment;
use crate::source::Span;
use crate::text::closest;

/// How a comment starts that is for confscan.
const MARK: &str = "confscan:";
/// What may follow.
const WORDS: [&str; 3] = ["ignore", "environment", "ignore-file"];
/// The environments that a comment may name.
const ENVIRONMENTS: [&str; 4] = ["production", "development", "test", "unmarked"];

/// An exception as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// Ids of the rules, as written.
    pub rules: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Until>,
    /// The day on which it was made, as written.
    pub since: Option<Date>,
    /// Where it was written, and what that makes it about.
    pub place: Place,
}

/// The end of an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Until {
    /// As written.
    pub text: String,
    /// The day; nothing where the text is none, and then the exception holds no more.
    pub date: Option<Date>,
}

/// Where an exception was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A comment: for its line, for the line below it, or for the node whose header that is.
    Comment(Span),
    /// A comment before everything else of its file: for all of it.
    File(Span),
    /// An entry of a configuration file, which is shown by its path from the scan root and its line (from 1).
    Config {
        /// The file.
        path: String,
        /// The line.
        line: u32,
    },
}

/// What a comment asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An exception.
    Ignore {
        /// It is for the whole file.
        file: bool,
        /// The exception.
        ignore: Ignore,
    },
    /// Something that is meant to be one but cannot be read: what is wrong with it, as a clause.
    Malformed(String),
}

impl Until {
    /// The day that `text` says.
    pub fn new(text: &str) -> Until {
        // Only the plain calendar date: jiff reads times and zones, too.
        let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        Until { text: text.to_owned(), date: plain.then(|| text.parse().ok()).flatten() }
    }
}

impl Ignore {
    /// Whether its last day is over on the day `today`.
    pub fn has_expired(&self, today: Date) -> bool {
        self.until.as_ref().is_some_and(|until| until.date.is_none_or(|date| date < today))
    }

    /// Whole days from `today` to its last day, which may be over; nothing without one.
    pub fn days_left(&self, today: Date) -> Option<i32> {
        let until = self.until.as_ref()?.date?;
        today.until((jiff::Unit::Day, until)).ok().map(|span| span.get_days())
    }

    /// What reports call its place.
    pub fn kind(&self) -> &'static str {
        match self.place {
            Place::Comment(_) => "comment",
            Place::File(_) => "file-comment",
            Place::Config { .. } => "config",
        }
    }
}

/// Reads a comment, which stands at `span`; nothing where it is none of ours. The mark may stand behind other text.
pub fn read(comment: &str, span: Span) -> Option<Asked> {
    let malformed = |problem: String| Some(Asked::Malformed(problem));
    let Some(word) = marked(comment) else {
        let problem = "it starts with `confscan:`, in small letters and with the colon";
        return is_meant(comment).then(|| Asked::Malformed(problem.to_owned()));
    };
    let name = word.split(['[', '(', '=', ':', ' ', '\t']).next().unwrap_or_default();
    let rest = &word[name.len()..];
    let file = match name {
        "ignore" => false,
        "ignore-file" => true,
        "environment" if environment::by_comment(comment).is_some() => return None,
        "environment" => {
            let value = rest.trim_start_matches(['=', ':', ' ', '\t']).split_whitespace().next().unwrap_or_default();
            let start = |full: &&str| !value.is_empty() && full.starts_with(value);
            let near = ENVIRONMENTS
                .into_iter()
                .find(start)
                .or_else(|| closest(value, ENVIRONMENTS))
                .map_or(ENVIRONMENTS.join("` or `"), str::to_owned);
            return malformed(format!("write `environment=` and `{near}`"));
        }
        _ => {
            let lower = name.to_ascii_lowercase();
            let start = || ["ignore", "env"].into_iter().position(|start| lower.starts_with(start));
            let near = closest(&lower, WORDS).or_else(|| start().map(|at| WORDS[at]))?;
            return malformed(format!("`{name}` is not known: is it `{near}`?"));
        }
    };
    let Some(rest) = rest.trim_start().strip_prefix('[') else {
        return malformed("the names of rules in brackets are missing behind `ignore`".to_owned());
    };
    let Some((list, rest)) = rest.split_once(']') else {
        return malformed("the bracket around the names of rules is not closed".to_owned());
    };
    let mut rules: Vec<String> = Vec::new();
    for rule in list.split(',').map(str::trim).filter(|rule| !rule.is_empty()) {
        if !rules.iter().any(|known| known == rule) {
            rules.push(rule.to_owned());
        }
    }
    if rules.is_empty() {
        return malformed("no rule is named between the brackets".to_owned());
    }
    let (mut until, mut since) = (None, None);
    let mut rest = rest.trim();
    while let Some((key, value, behind)) = setting(rest) {
        let day = Until::new(value);
        match key {
            "until" => until = Some(day),
            "since" if day.date.is_none() => return malformed("`since=` is not followed by a date".to_owned()),
            "since" => since = day.date,
            _ => {
                let known = "only `until=YYYY-MM-DD` and `since=YYYY-MM-DD` are";
                return malformed(format!("`{key}=` is not known: {known}"));
            }
        }
        rest = behind;
    }
    let reason = rest.trim_start_matches(['-', '–', '—', ':']).trim();
    if speaks_of_an_end(reason) {
        return malformed("the end is written `until=YYYY-MM-DD`, between the rules and ` -- `".to_owned());
    }
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    let place = if file { Place::File(span) } else { Place::Comment(span) };
    Some(Asked::Ignore { file, ignore: Ignore { rules, reason, until, since, place } })
}

/// Whether a comment without the mark is meant to be an exception.
fn is_meant(comment: &str) -> bool {
    let lower = comment.trim_start_matches(['#', ';', ' ', '\t']).to_ascii_lowercase();
    let rest = lower.strip_prefix("confscan").map(|rest| rest.trim_start_matches([':', ' ', '\t']));
    rest.is_some_and(|rest| rest.starts_with("ignore[") || rest.starts_with("ignore-file["))
}

/// Whether a reason holds what is meant to be the end of its exception: it would hold forever.
fn speaks_of_an_end(reason: &str) -> bool {
    let lower = reason.to_ascii_lowercase();
    lower.match_indices("until").any(|(at, word)| {
        let before = lower[..at].chars().next_back();
        let behind = lower[at + word.len()..].trim_start();
        before.is_none_or(|before| !before.is_alphanumeric()) && behind.starts_with(['=', ':'])
    })
}

/// What stands behind the mark of a comment, without blanks. Behind other text only an `ignore` with its bracket counts,
/// so that a sentence about confscan is none.
fn marked(comment: &str) -> Option<&str> {
    let bare = comment.trim_start_matches(['#', ';', ' ', '\t']);
    if let Some(rest) = bare.strip_prefix(MARK) {
        return Some(rest.trim_start());
    }
    comment.match_indices(MARK).find_map(|(at, _)| {
        let word = comment[at + MARK.len()..].trim_start();
        let asks = word.starts_with("ignore[") || word.starts_with("ignore-file[");
        (asks && comment[..at].ends_with([' ', '\t', '#', ';'])).then_some(word)
    })
}

/// A `key=value` at the start of `text`, and what follows.
fn setting(text: &str) -> Option<(&str, &str, &str)> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (key, value) = word.split_once('=')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'_');
    is_key.then_some((key, value, rest.trim_start()))
}

/// Since when something is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The day.
    pub date: Date,
    /// It may be longer: the history that the day was found in does not reach further back.
    pub at_least: bool,
}

impl Since {
    /// Whole days from that day to `today`; 0 where it is still to come.
    pub fn days(self, today: Date) -> i32 {
        self.date.until((jiff::Unit::Day, today)).map_or(0, |span| span.get_days()).max(0)
    }
}

/// An exception and what became of it.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The exception.
    pub ignore: Ignore,
    /// Where it stands; nothing where its file was not read.
    pub span: Option<Span>,
    /// Since when it stands, where that is written or was asked for.
    pub since: Option<Since>,
    /// What is wrong with it, as a clause: it then hides nothing.
    pub malformed: Option<String>,
    /// Its last day is over: it then hides nothing.
    pub expired: bool,
    /// It has no reason although one is asked for: it then hides nothing.
    pub unreasoned: bool,
    /// Those of its rules of which it would hide something that was not graded, if it had a reason.
    pub mute: Vec<String>,
    /// Those of its rules that do not exist.
    pub unknown: Vec<String>,
    /// Those of its rules that ran and found nothing for it to hide.
    pub unused: Vec<String>,
    /// Number of findings that it hides.
    pub hides: usize,
}

impl Exception {
    /// Whether it can hide anything.
    pub fn holds(&self) -> bool {
        self.malformed.is_none() && !self.expired && !self.unreasoned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use jiff::civil::date;

    fn asked(comment: &str) -> Option<Asked> {
        read(comment, Span::new(FileId(0), 0..comment.len()))
    }

    #[test]
    fn a_comment_names_rules_an_end_and_a_reason() {
        type Expected<'a> = (&'a [&'a str], Option<&'a str>, Option<&'a str>);
        let cases: &[(&str, Expected)] = &[
            ("# confscan: ignore[a-b]", (&["a-b"], None, None)),
            ("#confscan:ignore[a,b , a]", (&["a", "b"], None, None)),
            ("; confscan: ignore[a] until=2027-01-31 -- the why", (&["a"], Some("2027-01-31"), Some("the why"))),
            ("## confscan: ignore [a] because -- of it", (&["a"], None, Some("because -- of it"))),
            ("# confscan: ignore[a] — x=y holds", (&["a"], None, Some("x=y holds"))),
            ("# legacy host, confscan: ignore[a] -- why", (&["a"], None, Some("why"))),
            ("# confscan: ignore[a] until=soon", (&["a"], Some("soon"), None)),
            ("# confscan: ignore[a] -- until the next release", (&["a"], None, Some("until the next release"))),
        ];
        for (comment, (rules, until, reason)) in cases {
            let Some(Asked::Ignore { file: false, ignore }) = asked(comment) else { panic!("{comment}") };
            assert_eq!(ignore.rules, *rules, "{comment}");
            assert_eq!(ignore.until.as_ref().map(|until| until.text.as_str()), *until, "{comment}");
            assert_eq!(ignore.reason.as_deref(), *reason, "{comment}");
        }
        assert!(matches!(asked("# confscan: ignore-file[a]"), Some(Asked::Ignore { file: true, .. })));
        for (comment, problem) in [
            ("# confscan: ignore", "brackets are missing"),
            ("# confscan: ignore(a)", "brackets are missing"),
            ("# confscan: ignore[a", "is not closed"),
            ("# confscan: ignore[ , ]", "no rule is named"),
            ("# confscan: ignroe[a]", "is it `ignore`?"),
            ("# confscan: Ignore[a]", "is it `ignore`?"),
            ("# confscan: ignore-next-line[a]", "is it `ignore`?"),
            ("# Confscan: ignore[a]", "in small letters and with the colon"),
            ("# confscan ignore-file[a]", "in small letters and with the colon"),
            // An end that is not read as one would make the exception hold forever.
            ("# confscan: ignore[a] until = 2020-01-01", "between the rules and ` -- `"),
            ("# confscan: ignore[a] Until=2020-01-01", "between the rules and ` -- `"),
            ("# confscan: ignore[a] until: 2020-01-01 -- why", "between the rules and ` -- `"),
            ("# confscan: ignore[a] -- why until=2020-01-01", "between the rules and ` -- `"),
            // An environment that is not read would leave the file to its name.
            ("# confscan: environment=prod", "write `environment=` and `production`"),
            ("# confscan: environment=live", "`production` or `development`"),
            ("# confscan: environment: production", "write `environment=` and `production`"),
            ("# confscan: env=production", "is it `environment`?"),
        ] {
            let Some(Asked::Malformed(found)) = asked(comment) else { panic!("{comment}") };
            assert!(found.contains(problem), "{comment}: {found}");
        }
        assert!(matches!(asked("# confscan: ignore[a] untill=2027-01-31 -- why"), Some(Asked::Malformed(_))));
        let environment = "# confscan: environment=test -- for now";
        for comment in [
            "# confscan: environment=test",
            environment,
            "# `confscan: ignore[a]` hides it",
            "# ignore[a]",
            "# confscan",
        ] {
            assert_eq!(asked(comment), None, "{comment}");
        }
    }

    #[test]
    fn the_last_day_counts_and_what_is_no_date_is_over() {
        let ignore = |text: &str| {
            let Some(Asked::Ignore { ignore, .. }) = asked(&format!("# confscan: ignore[a] until={text}")) else {
                panic!("{text}")
            };
            ignore
        };
        let today = date(2026, 11, 1);
        for (text, expired) in [
            ("2026-11-01", false),
            ("2026-10-31", true),
            ("2026-11-31", true),
            ("2027-1-1", true),
            ("2099-01-01T00:00:00Z", true),
            ("", true),
        ] {
            assert_eq!(ignore(text).has_expired(today), expired, "{text}");
        }
        assert_eq!(ignore("2027-01-01").days_left(today), Some(61));
    }
}
