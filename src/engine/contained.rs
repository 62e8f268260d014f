//! One cause, one finding: a finding that explains a chain takes in those of other rules that are parts of it.

use std::mem;

use super::{Found, Merged};

/// Drops the findings that others contain, and shows them as evidence there.
pub(super) fn absorb(found: Found) -> Vec<Merged> {
    let Found { mut findings, places, .. } = found;
    let whole = findings.iter().map(|merged| &merged.finding).filter(|finding| !finding.contained.is_empty());
    let mut containing: Vec<_> = whole.map(|finding| (finding.rule.id, finding.primary())).collect();
    // In an order that the threads have no part in.
    containing.sort_unstable();
    let mut absorbed = vec![false; findings.len()];
    for key in containing {
        let Some(&whole) = places.get(&key) else { continue };
        // One that was contained itself has handed on nothing: what it would contain stands on its own.
        if absorbed[whole] {
            continue;
        }
        for part in findings[whole].finding.contained.clone().into_iter().filter(|part| *part != key) {
            let Some(&part) = places.get(&part) else { continue };
            if mem::replace(&mut absorbed[part], true) {
                continue;
            }
            let part = &mut findings[part];
            let (containers, stacks) = (mem::take(&mut part.containers), mem::take(&mut part.stacks));
            let (severity, primary) = (part.finding.severity, part.finding.primary());
            let message = mem::take(&mut part.finding.message);
            let whole = &mut findings[whole];
            whole.containers.extend(containers);
            whole.stacks.extend(stacks);
            let finding = &mut whole.finding;
            finding.severity = finding.severity.max(severity);
            let shown = finding.labels.iter().chain(&finding.chain).any(|label| label.span == primary);
            if !shown {
                finding.related(primary, message);
            }
        }
    }
    let mut absorbed = absorbed.into_iter();
    findings.retain(|_| !absorbed.next().unwrap_or_default());
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
        let mut found = Found::default();
        let [whole, part] = [&RULES[0].rule, &RULES[1].rule];
        let mut cx = Cx::new(&project, &sources, &config, whole, None);
        cx.report(place(0), "whole").severity(Severity::Low).contains(part.id, place(4)).contains(whole.id, place(0));
        cx.finish().into_iter().for_each(|finding| found.add(finding));
        let mut cx = Cx::new(&project, &sources, &config, part, None);
        cx.report(place(4), "part").severity(Severity::High);
        cx.report(place(8), "other");
        cx.finish().into_iter().for_each(|finding| found.add(finding));
        let left = absorb(found);
        let [whole, other] = [0, 1].map(|at| &left[at].finding);
        assert_eq!(left.len(), 2);
        assert_eq!((whole.rule.id, whole.primary()), (RULES[0].rule.id, place(0)));
        assert_eq!(whole.severity, Severity::High);
        assert_eq!((whole.labels[1].span, whole.labels[1].message.as_str()), (place(4), "part"));
        assert_eq!((other.rule.id, other.primary()), (part.id, place(8)));
    }
}
