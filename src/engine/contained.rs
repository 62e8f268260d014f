//! One cause, one finding: a finding that explains a chain takes in those of other rules that are parts of it.

use super::found::Findings;

/// Drops the findings that others contain, and shows them as evidence there.
pub(super) fn absorb(mut findings: Findings) -> Findings {
    let containing = findings.iter().filter(|merged| !merged.finding.contained.is_empty());
    let mut containing: Vec<_> = containing.map(|merged| (merged.finding.rule.id, merged.finding.primary())).collect();
    // In an order that the threads have no part in.
    containing.sort_unstable();
    for key in containing {
        // One that was contained itself has handed on nothing: what it would contain stands on its own.
        let Some(parts) = findings.get(&key).map(|merged| merged.finding.contained.clone()) else { continue };
        for part in parts.into_iter().filter(|part| *part != key) {
            let Some(part) = findings.remove(&part) else { continue };
            let Some(whole) = findings.get_mut(&key) else { break };
            whole.containers.extend(part.containers);
            whole.stacks.extend(part.stacks);
            let finding = &mut whole.finding;
            finding.severity = finding.severity.max(part.finding.severity);
            let primary = part.finding.primary();
            let shown = finding.labels.iter().chain(&finding.chain).any(|label| label.span == primary);
            if !shown {
                finding.related(primary, part.finding.message);
            }
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
}
