//! Files that could not be read or do not mean what they say.

use std::collections::HashSet;

use super::Cx;
use crate::finding::{Confidence, Severity, Unlisted};
use crate::limit::{Exceeded, grouped};
use crate::project::{Failure, path};
use crate::source::{Skipped, Span};
use crate::syntax::compose::{Compose, Service, UndefinedReference};
use crate::syntax::{Document, SyntaxError};

/// Errors of one kind that are reported of one file: what comes behind is often a consequence.
const MOST_ERRORS: usize = 10;

/// Who reads a `.env` file, as far as confscan knows.
const DOTENV: &str = "Compose's reader of variables";

pub(super) fn parse_error(document: &Document, cx: &mut Cx) {
    let program = match document {
        Document::Dockerfile(_) => "BuildKit",
        Document::Compose(_) => "Compose",
        Document::Supervisor(_) => "supervisord",
        Document::Nginx(_) => "nginx",
        Document::Dotenv(_) => DOTENV,
    };
    report_errors(document.errors(), program, cx);
}

/// Reports what `program` refuses, so many errors as are useful.
fn report_errors(errors: &[SyntaxError], program: &str, cx: &mut Cx) {
    // The errors of a template have one cause, which the first of its lines shows.
    let template = errors.first().is_some_and(|error| shows_template(error.span, cx));
    let errors = if template { &errors[..1] } else { errors };
    for (index, error) in errors.iter().take(MOST_ERRORS).enumerate() {
        let finding = cx.report(error.span, format!("{program} refuses this file: {}", error.message));
        if program == DOTENV {
            // Other programs read such files too, each in its own way.
            finding.severity(Severity::Medium).confidence(Confidence::Likely);
        }
        if template {
            finding.help("this is a template: render it first, and scan what comes out").severity(Severity::Medium);
        }
        let more = errors.len() - index - 1;
        if index + 1 == MOST_ERRORS && more > 0 {
            finding.help(format!("{more} more errors of this file are not listed"));
        }
    }
}

/// Whether a line holds the marks of Jinja, Go, ERB or another template.
fn shows_template(span: Span, cx: &Cx) -> bool {
    let source = cx.sources.get(span.file);
    let (line, _) = source.line(source.position(span.start).line);
    ["{{", "{%", "<%"].iter().any(|mark| line.contains(mark))
}

pub(super) fn unreadable_file(skipped: &Skipped, cx: &mut Cx) {
    let Some(place) = skipped.gap else { return };
    let finding = cx.report(place, format!("`{}` is not fully graded: {}", skipped.path, skipped.reason));
    let help = match skipped.reason.as_str() {
        reason if reason.contains("UTF-8") => "save it as UTF-8",
        reason if reason.contains("over the limit") => {
            "raise `--max-file-size`, or leave it out of the scan on purpose"
        }
        reason if reason.contains("outside of the scanned folder") => {
            "scan the folder that holds both, or accept the gap with `--allow-gaps`"
        }
        reason if reason.starts_with("link out") || reason.starts_with("leads out") => {
            "scan a folder that holds what the link leads to as well"
        }
        _ => "make it readable, or leave it out of the scan on purpose",
    };
    finding.help(help).evidence("not read");
}

pub(super) fn internal_error(failure: &Failure, cx: &mut Cx) {
    // What is about no single file is shown at the first one: every finding has a place.
    let Some(file) = failure.file.or_else(|| cx.sources.iter().next().map(|(file, _)| file)) else { return };
    let message: String = failure.message.chars().take(200).collect();
    let message = format!("confscan broke while {}: {message}", failure.doing);
    let finding = cx.report(Span::at(file, 0), message);
    finding.help("this is a bug of confscan: please report it with the file, or with a smaller one that shows it");
    finding.evidence(failure.doing.clone());
}

pub(super) fn limit_exceeded(exceeded: &Exceeded, cx: &mut Cx) {
    let finding = cx.report(exceeded.span, exceeded.limit.message());
    finding.help("no file needs that much: make it smaller, or accept the gap with an ignore that says why");
    finding.evidence(exceeded.limit.name);
}

pub(super) fn findings_not_listed(unlisted: &Unlisted, cx: &mut Cx) {
    let Unlisted { rule, listed, first, count, worst } = unlisted;
    let all = grouped(listed + count);
    let message =
        format!("`{rule}` is found at {all} places of this file, of which the first {} are listed", grouped(*listed));
    let finding = cx.report(*first, message);
    let severity = finding.severity.max(*worst);
    finding.severity(severity).evidence(*rule);
    finding.help("mend what is listed, take the rule off this file, or raise `limits.max-findings` in `confscan.toml`");
}

pub(super) fn invalid_compose_file(compose: &Compose, cx: &mut Cx) {
    report_errors(&compose.schema_errors, "Compose", cx);
    for &span in compose.hidden_line_breaks.iter().take(MOST_ERRORS) {
        let code = cx.text(span).chars().next().map_or(0, u32::from);
        let finding = cx.report(span, format!("U+{code:04X} ends a line for Compose but not for an editor"));
        finding.help("remove it: Compose reads what follows as a line of its own");
        finding.evidence(format!("U+{code:04X}"));
    }
    if !compose.syntax_errors.is_empty() {
        // What is not defined may stand in what could not be read.
        return;
    }
    let mut seen = HashSet::new();
    let undefined = compose.reference_errors.iter().filter(|undefined| {
        seen.insert((undefined.kind, &undefined.name.value)) && !is_left_to_others(compose, undefined, cx)
    });
    for undefined in undefined.take(MOST_ERRORS).collect::<Vec<_>>() {
        let (kind, name) = (undefined.kind.name(), &undefined.name.value);
        let message = format!("Compose refuses this file: {kind} `{name}` is used but not defined");
        let finding = cx.report(undefined.name.span, message);
        finding.help(format!("define it under `{kind}s`, or correct the name"));
    }
    let here = cx.project.stacks.iter().flat_map(|stack| stack.inactive.iter().map(move |needed| (stack, needed)));
    let here = here.filter(|(_, needed)| needed.service.span.file == compose.file);
    for (stack, needed) in here.take(MOST_ERRORS) {
        let name = &needed.service.value;
        let stack = stack.name.as_ref().map_or("this stack".to_owned(), |name| format!("the stack `{name}`"));
        let message = format!("Compose refuses {stack}: `{}` needs `{name}`, whose profiles are not active", needed.by);
        let profile = needed.profiles.first().map(|profile| profile.value.as_str()).unwrap_or_default();
        let finding = cx.report(needed.service.span, message);
        finding
            .help(format!("add `{profile}` to the stack's `profiles`, or write `required: false` where it is optional"))
            .evidence(format!("inactive {name}"));
        if let Some(profile) = needed.profiles.first() {
            finding.related(profile.span, "it runs under this profile");
        }
    }
}

/// Words in the path of a file that is laid over another one.
const OVERLAYS: [&str; 4] = ["overlay", "overlays", "override", "overrides"];

/// Whether another file may define what this one uses: a file that is merged with it, that it includes, or that
/// includes it.
fn is_left_to_others(compose: &Compose, undefined: &UndefinedReference, cx: &Cx) -> bool {
    let own = cx.sources.get(compose.file).path.as_str();
    let is_part = |service: &Service| {
        service.image.is_none()
            && service.build.is_none()
            && service.uncommon.provider.is_none()
            && service.uncommon.extends.is_none()
    };
    if !compose.include.is_empty()
        || own.split(['/', '.', '-', '_']).any(|part| OVERLAYS.contains(&part))
        || compose.services.iter().any(is_part)
    {
        return true;
    }
    let folder = path::directory(own);
    let above = (!folder.is_empty()).then(|| path::directory(folder));
    let beside = [Some(folder), above].into_iter().flatten().flat_map(|near| cx.project.composes_in(near, cx.sources));
    let mut others = beside.filter(|other| other.file != compose.file);
    others.any(|other| other.defines(undefined.kind, &undefined.name.value)) || cx.project.is_led_to(own, cx.sources)
}
