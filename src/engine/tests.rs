use super::*;
use crate::finding::Severity;
use crate::report::{self, Format, Options, Report};

fn scanned(files: &[(&str, Kind, &str)]) -> Report {
    let mut sources = Sources::default();
    for (path, kind, text) in files {
        let mut source = Source::new(*path, *text);
        source.kind = *kind;
        sources.add(source);
    }
    crate::scan(sources, &Config::new(jiff::civil::date(2026, 11, 1)))
}

/// Path, rule and message of what is found.
fn found(report: &Report) -> Vec<(&str, &'static str, &str)> {
    let path = |finding: &Finding| report.sources.get(finding.primary().file).path.as_str();
    report.findings.iter().map(|it| (path(it), it.rule.id, it.message.as_str())).collect()
}

const ROOT: &str = "FROM alpine:3.22\nUSER root\nRUN curl http://x | sh\n";

#[test]
fn what_breaks_is_named_in_every_report_and_the_rest_is_graded() {
    let rule = "checking rule explicit-root-user";
    for (places, doing, left) in [
        (&["explicit-root-user"][..], rule, &["pipe-to-shell"][..]),
        (
            &["explicit-root-user", "pipe-to-shell"],
            "checking rule explicit-root-user, checking rule pipe-to-shell",
            &[],
        ),
        (&["parsing"], "parsing", &[]),
        (&["joining"], "finding what a container runs", &["explicit-root-user", "pipe-to-shell"]),
    ] {
        let marks: String = places.iter().map(|place| format!("# break {place}!\n")).collect();
        let broken = format!("{marks}{ROOT}");
        let report = scanned(&[("a/Dockerfile", Kind::Dockerfile, &broken), ("b/Dockerfile", Kind::Dockerfile, ROOT)]);
        let found = found(&report);
        let said: Vec<_> = found.iter().filter(|(_, rule, _)| *rule == "internal-error").collect();
        let message = format!("confscan broke while {doing}: broken on demand");
        assert_eq!(said, [&("a/Dockerfile", "internal-error", message.as_str())], "{places:?}");
        for rule in ["explicit-root-user", "pipe-to-shell"] {
            let of = |path: &str| found.iter().any(|it| (it.0, it.1) == (path, rule));
            assert!(of("b/Dockerfile"), "{places:?}: the other file lacks {rule}");
            assert_eq!(of("a/Dockerfile"), left.contains(&rule), "{places:?}: {rule}");
        }
        assert!(report.has_gaps(), "the exit code comes from this");
        for format in Format::ALL {
            let mut out = Vec::new();
            report::write(&report, format, &Options::default(), &mut out).expect("a vector takes all");
            let out = String::from_utf8(out).expect("reports are UTF-8");
            assert!(out.contains("broke while") && out.contains(doing), "{format:?}: {out}");
        }
    }
}

#[test]
fn a_rule_about_exceptions_that_breaks_is_reported_too() {
    let ignore = "# break suppression-unused!\n# confscan: ignore[sudo-in-run] -- no reason\n";
    let report = scanned(&[("Dockerfile", Kind::Dockerfile, &format!("{ignore}{ROOT}"))]);
    assert!(found(&report).iter().any(|(_, rule, message)| *rule == "internal-error" && message.contains("unused")));
}

#[test]
fn exceptions_that_break_hide_nothing_and_cost_no_report() {
    let ignore = "# confscan: ignore-file[explicit-root-user] -- a\n";
    for (place, doing, left) in [
        ("reading exceptions", "reading the exceptions of a file", false),
        ("applying exceptions", "applying exceptions", true),
    ] {
        let broken = format!("# break {place}!\n{ROOT}");
        let other = format!("{ignore}{ROOT}");
        let report =
            scanned(&[("a/Dockerfile", Kind::Dockerfile, &broken), ("b/Dockerfile", Kind::Dockerfile, &other)]);
        let found = found(&report);
        let message = format!("confscan broke while {doing}: broken on demand");
        assert!(found.contains(&("a/Dockerfile", "internal-error", &message)), "{place}: {found:?}");
        let of = |path: &str| found.iter().any(|it| (it.0, it.1) == (path, "explicit-root-user"));
        assert_eq!((of("a/Dockerfile"), of("b/Dockerfile")), (true, left), "{place}");
        assert!(report.has_gaps());
    }
}

#[test]
fn nothing_is_shown_when_secrets_cannot_be_hidden() {
    for place in ["looking for formats", "hiding secrets"] {
        let broken = format!("# break {place}!\n{ROOT}ENV TOKEN=ghp_0123456789abcdefghijklmnopqrstuvwxyz\n");
        let scan = std::panic::catch_unwind(|| scanned(&[("Dockerfile", Kind::Dockerfile, &broken)]));
        let Err(panic) = scan else { panic!("{place}: there is a report") };
        let message = format!("{place} broke, so that nothing can be shown: broken on demand");
        assert_eq!(panic_message(&*panic), message);
    }
}

#[test]
fn a_format_that_breaks_is_an_error_that_names_it_and_the_others_are_written() {
    for broken in Format::ALL {
        let text = format!("# break writing {}!\n{ROOT}", broken.name());
        let report = scanned(&[("Dockerfile", Kind::Dockerfile, &text)]);
        for format in Format::ALL {
            let mut out = Vec::new();
            let written = report::write(&report, format, &Options::default(), &mut out);
            let said = written.map(|_| ()).map_err(|error| error.to_string());
            let expected = match format == broken {
                true => Err(format!("internal error while the {} report was written: broken on demand", format.name())),
                false => Ok(()),
            };
            assert_eq!(said, expected);
        }
    }
}

#[test]
fn more_places_than_are_listed_are_one_gap_as_severe_as_the_worst_of_them() {
    let users = |count: usize| format!("FROM alpine:3.22\n{}", "RUN curl http://x | sh\n".repeat(count));
    for (count, gap) in [(Config::MAX_FINDINGS, false), (Config::MAX_FINDINGS + 7, true)] {
        let report = scanned(&[("Dockerfile", Kind::Dockerfile, &users(count))]);
        let listed = report.findings.iter().filter(|finding| finding.rule.id == "pipe-to-shell").count();
        assert_eq!(listed, Config::MAX_FINDINGS);
        let said: Vec<_> = report
            .findings
            .iter()
            .filter(|it| it.rule.id == "findings-not-listed" && it.evidence == "pipe-to-shell")
            .collect();
        assert_eq!((said.len(), report.has_gaps()), (usize::from(gap), gap), "{count}");
        assert!(said.iter().all(|it| it.message.contains("at 507 places") && it.severity >= Severity::High));
    }
}
