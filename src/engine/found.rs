//! What checks find while they run: findings that are the same are merged, and those that are too many are counted.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::finding::{Confidence, Finding, Severity, Unlisted};
use crate::limit::Exceeded;
use crate::project::Failure;
use crate::source::{FileId, Span};

/// Containers and stacks that a finding names.
const NAMED: usize = 50;

/// What one rule says about one place: a Dockerfile that many services build is graded for each of them.
pub(super) struct Merged {
    /// The worst of it.
    pub finding: Box<Finding>,
    /// Where the others were seen; most places are seen once.
    seen: Option<Box<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The first of the containers that the others are about, by name.
    containers: BTreeSet<String>,
    /// The first of the stacks that the others are seen through.
    stacks: BTreeSet<usize>,
}

impl Merged {
    pub(super) fn new(finding: Finding) -> Merged {
        Merged { finding: Box::new(finding), seen: None }
    }

    fn and(&mut self, mut other: Merged) {
        if rank(&other.finding) < rank(&self.finding) {
            std::mem::swap(&mut self.finding, &mut other.finding);
        }
        self.add_places(other);
    }

    /// Takes over where another one was seen.
    pub(super) fn add_places(&mut self, other: Merged) {
        let Seen { containers, stacks } = &mut **self.seen.get_or_insert_default();
        if let Some(seen) = other.seen {
            containers.extend(seen.containers);
            stacks.extend(seen.stacks);
        }
        // What is named by the finding itself counts as one of them.
        containers.extend(other.finding.container.into_iter().chain(self.finding.container.clone()));
        while containers.len() > NAMED {
            containers.pop_last();
        }
        stacks.extend(other.finding.stacks.iter().chain(&self.finding.stacks));
        while stacks.len() > NAMED {
            stacks.pop_last();
        }
    }

    /// The finding with every place that it was seen at.
    pub(super) fn into_finding(self) -> Finding {
        let Merged { mut finding, seen } = self;
        if let Some(seen) = seen {
            let Seen { mut containers, stacks } = *seen;
            if let Some(container) = &finding.container {
                containers.remove(container);
            }
            finding.also = containers.into_iter().collect();
            if !stacks.is_empty() {
                finding.stacks = stacks.into_iter().collect();
            }
        }
        *finding
    }
}

/// Which of several findings at one place stands for them: the least, so the worst of those that are no guess. Findings of
/// equal rank are the same, so that it does not matter in which order the threads find them.
fn rank(finding: &Finding) -> impl Ord {
    let guess = finding.confidence == Confidence::Guess;
    let worst = (guess, Reverse(finding.severity), Reverse(finding.environment));
    let about = (&finding.container, &finding.message, &finding.node, &finding.evidence);
    let labels = finding.labels.iter().chain(&finding.chain);
    let labels: Vec<(Span, &str)> = labels.map(|label| (label.span, label.message.as_str())).collect();
    (worst, about, Reverse(finding.confidence), &finding.help, labels)
}

/// What one rule finds in one file: the first places, and how many more there are. Which are the first does not depend on
/// the order in which they are found, so that the number of threads cannot be seen in it.
#[derive(Default)]
pub(super) struct Places {
    /// Sorted by place, no place twice; nothing is left of what was removed.
    kept: Vec<(Span, Option<Merged>)>,
    more: Option<Box<More>>,
}

/// The places that are not listed.
struct More {
    /// Where they are: a finding takes some hundred times the bytes of a place.
    places: HashSet<Span>,
    /// The worst that is found there.
    worst: Severity,
}

impl Default for More {
    fn default() -> Self {
        More { places: HashSet::new(), worst: Severity::Info }
    }
}

impl Places {
    fn find(&self, place: Span) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&place, |(place, _)| *place)
    }

    fn put(&mut self, place: Span, merged: Merged, most: usize) {
        // Nearly all of them are found in their order.
        let free = match self.kept.last() {
            Some((last, _)) if *last >= place => match self.find(place) {
                Ok(known) => {
                    let (_, known) = &mut self.kept[known];
                    return match known {
                        Some(known) => known.and(merged),
                        None => *known = Some(merged),
                    };
                }
                Err(free) => free,
            },
            _ => self.kept.len(),
        };
        self.kept.insert(free, (place, Some(merged)));
        self.keep(most);
    }

    fn and(&mut self, other: Places, most: usize) {
        let in_order = self.kept.last().zip(other.kept.first()).is_none_or(|((last, _), (first, _))| last < first);
        self.kept.extend(other.kept);
        if !in_order {
            self.kept.sort_by_key(|(place, _)| *place);
            self.kept.dedup_by(|(place, later), (before, known)| {
                let same = place == before;
                match (&mut *known, same.then(|| later.take()).flatten()) {
                    (Some(known), Some(later)) => known.and(later),
                    (None, later @ Some(_)) => *known = later,
                    (_, None) => {}
                }
                same
            });
        }
        if let Some(others) = other.more {
            let more = self.more.get_or_insert_default();
            more.places.extend(others.places);
            more.worst = more.worst.max(others.worst);
        }
        self.keep(most);
    }

    /// Keeps the first `most` places.
    fn keep(&mut self, most: usize) {
        for (place, merged) in self.kept.drain(most.min(self.kept.len())..) {
            let more = self.more.get_or_insert_default();
            more.places.insert(place);
            // A guess fails no scan.
            if let Some(merged) = merged.filter(|merged| merged.finding.confidence > Confidence::Guess) {
                more.worst = more.worst.max(merged.finding.severity);
            }
        }
    }

    fn listed(&self) -> impl Iterator<Item = &Merged> {
        self.kept.iter().filter_map(|(_, merged)| merged.as_ref())
    }
}

/// Findings by rule and file, and in that by place.
pub(super) struct Findings {
    by_file: HashMap<(&'static str, FileId), Places>,
    /// Places that one rule lists of one file.
    most: usize,
}

impl Findings {
    pub(super) fn new(most: usize) -> Self {
        Findings { by_file: HashMap::new(), most }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let place = finding.primary();
        let places = self.by_file.entry((finding.rule.id, place.file)).or_default();
        places.put(place, Merged::new(finding), self.most);
    }

    fn and(&mut self, other: Findings) {
        for (key, places) in other.by_file {
            self.by_file.entry(key).or_default().and(places, self.most);
        }
    }

    pub(super) fn get(&self, (rule, place): &(&'static str, Span)) -> Option<&Merged> {
        let places = self.by_file.get(&(*rule, place.file))?;
        places.kept[places.find(*place).ok()?].1.as_ref()
    }

    pub(super) fn get_mut(&mut self, (rule, place): &(&'static str, Span)) -> Option<&mut Merged> {
        let places = self.by_file.get_mut(&(*rule, place.file))?;
        let at = places.find(*place).ok()?;
        places.kept[at].1.as_mut()
    }

    pub(super) fn remove(&mut self, (rule, place): &(&'static str, Span)) -> Option<Merged> {
        let places = self.by_file.get_mut(&(*rule, place.file))?;
        let at = places.find(*place).ok()?;
        places.kept[at].1.take()
    }

    /// Every finding, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Merged> {
        self.by_file.values().flat_map(Places::listed)
    }

    /// Every finding with the places that it was seen at, in no order.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = Vec::with_capacity(self.iter().count());
        let merged = self.by_file.into_values().flat_map(|places| places.kept);
        findings.extend(merged.filter_map(|(_, merged)| Some(merged?.into_finding())));
        findings
    }

    /// What is not listed, by rule and file.
    pub(super) fn unlisted(&self) -> Vec<Unlisted> {
        let over = self.by_file.iter().filter_map(|((rule, _), places)| {
            let More { places: more, worst } = &**places.more.as_ref()?;
            let (listed, first) = (places.listed().count(), *more.iter().min()?);
            Some(Unlisted { rule, listed, first, count: more.len(), worst: *worst })
        });
        let mut unlisted: Vec<Unlisted> = over.collect();
        unlisted.sort_by_key(|it| (it.first, it.rule));
        unlisted
    }
}

/// What some checks found, which of them broke, and what they left out.
pub(super) struct Found {
    pub findings: Findings,
    pub failures: Vec<Failure>,
    pub exceeded: BTreeSet<Exceeded>,
}

impl Found {
    /// Nothing yet; `most` places of one rule in one file are listed.
    pub(super) fn new(most: usize) -> Self {
        Found { findings: Findings::new(most), failures: Vec::new(), exceeded: BTreeSet::new() }
    }

    pub(super) fn and(mut self, mut other: Found) -> Found {
        if self.findings.by_file.len() < other.findings.by_file.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.findings.and(other.findings);
        self.failures.extend(other.failures);
        self.exceeded.extend(other.exceeded);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::project::Project;
    use crate::rules::{Cx, RULES};
    use crate::source::{Source, Sources};

    fn finding(severity: Severity, place: Span, sources: &Sources) -> Finding {
        let (project, config) = (Project::default(), Config::new(jiff::civil::date(2026, 11, 1)));
        let mut cx = Cx::new(&project, sources, &config, &RULES[0].rule, None);
        cx.report(place, "message").severity(severity).confidence(Confidence::Likely).clone()
    }

    #[test]
    fn the_finding_that_stands_for_several_does_not_depend_on_their_order() {
        let mut sources = Sources::default();
        let file = sources.add(Source::new("Dockerfile", "FROM a\nUSER root\n"));
        let finding = finding(Severity::Medium, Span::new(file, 7..16), &sources);
        let mut guess = finding.clone();
        guess.severity(Severity::Critical).confidence(Confidence::Guess);
        for (first, second) in [(&guess, &finding), (&finding, &guess)] {
            let [mut first, second] = [first, second].map(|it| Merged::new(it.clone()));
            first.and(second);
            assert_eq!(first.finding.severity, Severity::Medium, "a guess hides nothing that fails a scan");
        }
        let changes: [fn(&mut Finding); 7] = [
            |finding| finding.severity = Severity::Low,
            |finding| finding.container = Some("web".to_owned()),
            |finding| finding.message.push('s'),
            |finding| finding.help = Some("help".to_owned()),
            |finding| finding.labels.push(finding.labels[0].clone()),
            |finding| finding.confidence = Confidence::Guess,
            |finding| finding.node.push('x'),
        ];
        let merged = |first: &Finding, second: &Finding| {
            let [mut first, second] = [first, second].map(|it| Merged::new(it.clone()));
            first.and(second);
            format!("{:?}", first.finding)
        };
        for change in changes {
            let mut other = finding.clone();
            change(&mut other);
            assert_eq!(merged(&finding, &other), merged(&other, &finding));
        }
    }

    #[test]
    fn the_places_that_are_listed_do_not_depend_on_how_the_work_was_divided() {
        let mut sources = Sources::default();
        let file = sources.add(Source::new("Dockerfile", " ".repeat(100)));
        // The same places are found again with another severity.
        let all: Vec<Finding> = (0..60)
            .map(|index| {
                let at = index * 37 % 30;
                let severity = if index < 30 { Severity::Low } else { Severity::High };
                finding(severity, Span::at(file, at), &sources)
            })
            .collect();
        let divided = |parts: usize| {
            let mut whole = Found::new(10);
            for part in 0..parts {
                let mut found = Found::new(10);
                let own = all.iter().enumerate().filter(|(index, _)| index % parts == part);
                own.for_each(|(_, finding)| found.findings.add(finding.clone()));
                whole = if part % 2 == 0 { whole.and(found) } else { found.and(whole) };
            }
            let unlisted = whole.findings.unlisted();
            assert_eq!(unlisted.len(), 1);
            assert_eq!((unlisted[0].first.start, unlisted[0].count, unlisted[0].worst), (10, 20, Severity::High));
            let mut kept: Vec<(u32, Severity)> =
                whole.findings.iter().map(|it| (it.finding.primary().start, it.finding.severity)).collect();
            kept.sort();
            kept
        };
        let once = divided(1);
        assert_eq!(once, (0..10).map(|at| (at, Severity::High)).collect::<Vec<_>>());
        for parts in [2, 3, 7, 60] {
            assert_eq!(divided(parts), once, "{parts} parts");
        }
    }
}
