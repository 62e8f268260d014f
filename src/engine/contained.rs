//! One cause, one finding: a finding that explains a chain takes in those of other rules that are parts of it.

use super::found::{Findings, Merged};
use crate::few::Few;
use crate::finding::Confidence;

/// Drops the findings that others contain, and shows them as evidence there.
pub(super) fn absorb(mut findings: Findings) -> Findings {
    let containing = findings.iter().filter(|merged| !merged.finding.contained.is_empty());
    let mut containing: Vec<_> = containing.map(|merged| (merged.finding.rule.id, merged.finding.primary())).collect();
    // In an order that the threads have no part in.
    containing.sort_unstable();
    for key in containing {
        // One that was contained itself has handed on nothing: what it would contain stands on its own.
        let Some(parts) = findings.get(&key).map(|merged| merged.finding.contained.clone()) else { continue };
        let mut absorbed = Few::new();
        for place in parts.into_iter().filter(|part| *part != key) {
            // A guess fails no scan, so what does must not become a part of one.
            let is_guess =
                |key| findings.get(key).map(|merged: &Merged| merged.finding.confidence == Confidence::Guess);
            if is_guess(&key) == Some(true) && is_guess(&place) == Some(false) {
                continue;
            }
            let Some(part) = findings.remove(&place) else { continue };
            let Some(whole) = findings.get_mut(&key) else { break };
            absorbed.push(place);
            let finding = &mut whole.finding;
            if part.finding.confidence > Confidence::Guess || finding.confidence == Confidence::Guess {
                finding.severity = finding.severity.max(part.finding.severity);
            }
            let primary = part.finding.primary();
            let shown = finding.labels.iter().chain(&finding.chain).any(|label| label.span == primary);
            if !shown {
                finding.related(primary, part.finding.message.clone());
            }
            whole.add_places(part);
        }
        if let Some(whole) = findings.get_mut(&key) {
            whole.finding.contained = absorbed;
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::finding::Severity;
    use crate::project::Project;
    use crate::rules::{Cx, RULES};
    use crate::source::{FileId, Sources, Span};

    #[test]
    fn a_contained_finding_becomes_evidence_and_its_severity_stays() {
        let (project, sources, config) =
            (Project::default(), Sources::default(), Config::new(jiff::civil::date(2026, 11, 1)));
        let place = |at: usize| Span::new(FileId(0), at..at + 1);
        let mut found = Findings::new(100);
        let [whole, part] = [&RULES[0].rule, &RULES[1].rule];
        let mut cx = Cx::new(&project, &sources, &config, whole, None);
        cx.report(place(0), "whole").severity(Severity::Low).contains(part.id, place(4)).contains(whole.id, place(0));
        cx.finish().findings.into_iter().for_each(|finding| found.add(finding));
        let mut cx = Cx::new(&project, &sources, &config, part, None);
        cx.report(place(4), "part").severity(Severity::High);
        cx.report(place(8), "other");
        cx.finish().findings.into_iter().for_each(|finding| found.add(finding));
        let left = absorb(found);
        assert_eq!(left.iter().count(), 2);
        let whole = &left.get(&(whole.id, place(0))).expect("it stays").finding;
        assert_eq!(whole.severity, Severity::High);
        assert_eq!((whole.labels[1].span, whole.labels[1].message.as_str()), (place(4), "part"));
        assert!(left.get(&(part.id, place(8))).is_some());
    }

    #[test]
    fn a_guess_takes_in_nothing_surer_and_makes_nothing_surer_worse() {
        let (project, sources, config) =
            (Project::default(), Sources::default(), Config::new(jiff::civil::date(2026, 11, 1)));
        let place = |at: usize| Span::new(FileId(0), at..at + 1);
        let [whole, part] = [&RULES[0].rule, &RULES[1].rule];
        use Confidence::{Certain, Guess};
        // How many are left, and the severity of the first.
        for (sure, part_sure, left, severity) in [
            (Guess, Certain, 2, Severity::Low),
            (Certain, Guess, 1, Severity::Low),
            (Guess, Guess, 1, Severity::High),
            (Certain, Certain, 1, Severity::High),
        ] {
            let mut found = Findings::new(100);
            let mut cx = Cx::new(&project, &sources, &config, whole, None);
            cx.report(place(0), "whole").severity(Severity::Low).confidence(sure).contains(part.id, place(4));
            cx.finish().findings.into_iter().for_each(|finding| found.add(finding));
            let mut cx = Cx::new(&project, &sources, &config, part, None);
            cx.report(place(4), "part").severity(Severity::High).confidence(part_sure);
            cx.finish().findings.into_iter().for_each(|finding| found.add(finding));
            let found = absorb(found);
            let whole = &found.get(&(whole.id, place(0))).expect("it stays").finding;
            assert_eq!((found.iter().count(), whole.severity), (left, severity), "{sure:?} {part_sure:?}");
        }
    }
}
