//! Override files that Compose merges although nobody named them.

use crate::container::{Environment, Port};
use crate::finding::{Confidence, Severity};
use crate::project::environment::{by_name, by_variables};
use crate::project::path;
use crate::project::stacks::{Basis, Stack};
use crate::rules::Cx;
use crate::source::{FileId, Span, Spanned};
use crate::syntax::compose::{MountKind, Service};

/// Words for what reaches production.
const DEPLOYS: [&str; 8] = ["deploy", "deployment", "prod", "production", "release", "ansible", "provision", "rollout"];

/// Words for what does not.
const DEVELOPS: [&str; 12] = [
    "dev",
    "develop",
    "development",
    "developer",
    "developers",
    "devcontainer",
    "local",
    "locally",
    "test",
    "tests",
    "testing",
    "contributing",
];

/// Places that one finding shows.
const MOST_SHOWN: usize = 3;

/// How sure it is that a command starts production.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    /// Nothing says so.
    Perhaps,
    /// A systemd unit, or a name says so.
    Deploys,
}

pub(in crate::rules) fn override_file_auto_merged(stack: &Stack, cx: &mut Cx) {
    let ([first, overlay], Basis::AutomaticOverride) = (&stack.files[..], stack.basis) else { return };
    let started = stack.started.iter().filter_map(|&span| Some((sure(span, cx)?, span)));
    let Some((sure, command)) = started.max_by_key(|(sure, span)| (*sure, std::cmp::Reverse(*span))) else { return };
    // Where production has files of its own, a plain command is for development.
    let production = |other: &Stack| {
        other.files[0] == *first && other.files.len() > 1 && other.environment.environment == Environment::Production
    };
    if sure == Sure::Perhaps && cx.project.stacks.iter().any(production) {
        return;
    }
    let (Some(model), Some(file)) = (cx.model(), cx.project.compose(*overlay).map(|overlay| overlay.file)) else {
        return;
    };
    let mut settings: Vec<(Span, String)> = Vec::new();
    for service in &model.services {
        development(service, file, stack, &mut settings);
    }
    settings.sort();
    let Some((place, what)) = settings.first().cloned() else { return };
    let name = path::file_name(&cx.sources.get(file).path);
    let message = format!("a plain `docker compose up` merges `{name}` by itself: {what}");
    let base = path::file_name(&cx.sources.get(model.file).path);
    let finding = cx.report(place, message);
    finding
        .help(format!("name the file where it is deployed (`-f {base}`), or give the override file a name of its own"));
    finding.link(command, "this starts it without naming the files");
    finding.link(place, "Compose merges this on top");
    for (span, what) in settings.iter().skip(1).take(MOST_SHOWN) {
        finding.related(*span, what.clone());
    }
    finding.evidence("merged by itself");
    if sure == Sure::Perhaps {
        finding.severity(Severity::Low).confidence(Confidence::Guess);
    }
}

/// How sure it is that a command starts production; nothing where it is for development or tests.
fn sure(command: Span, cx: &Cx) -> Option<Sure> {
    let source = cx.sources.get(command.file);
    let name = path::file_name(&source.path);
    if name.ends_with(".service") {
        return Some(Sure::Deploys);
    }
    let around = around(&source.text, command.start as usize);
    let has = |words: &[&str]| {
        let parts = source.path.split(['/', '.', '-', '_']);
        let text = around.split(|c: char| !c.is_ascii_alphanumeric());
        parts.chain(text).any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
    };
    let workflow = source.path.contains(".github/workflows/") || name == ".gitlab-ci.yml" || name == ".travis.yml";
    match (has(&DEPLOYS), has(&DEVELOPS)) {
        (true, false) => Some(Sure::Deploys),
        (_, true) => None,
        // What a pipeline starts without a word about it are tests.
        (false, false) if workflow => None,
        (false, false) => Some(Sure::Perhaps),
    }
}

/// What stands before a command on its line, and the heading or target above it.
fn around(text: &str, at: usize) -> String {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = &before[start..];
    let is_heading = |line: &&str| {
        line.starts_with('#')
            || !line.starts_with([' ', '\t', '-', '`'])
                && line.trim_end().split(' ').next().is_some_and(|first| first.ends_with(':'))
    };
    let heading = before[..start].lines().rev().take(200).find(is_heading).unwrap_or_default();
    format!("{heading} {line}")
}

/// What the override file brings to a service that is for development.
fn development(service: &Service, file: FileId, stack: &Stack, settings: &mut Vec<(Span, String)>) {
    let Some(name) = service.name.as_ref().map(|name| &name.value) else { return };
    for mount in service.mounts.iter().filter(|mount| mount.span.file == file && mount.kind == MountKind::Bind) {
        let source = mount.source.as_ref().filter(|source| source.known);
        let path = source.and_then(|source| path::join(stack.directory_of(file), &source.value));
        let Some(path) = path else { continue };
        let last = path::file_name(&path);
        if !last.contains('.') && !super::super::development::DATA_WORDS.contains(&last) {
            settings.push((mount.span, format!("`{name}` gets the host's `{}`", context(&path))));
        }
    }
    for variable in service.environment.iter().filter(|variable| variable.span.file == file) {
        let Some(value) = variable.value.as_ref().filter(|value| value.known) else { continue };
        let key = variable.key.value.as_str();
        let switched = key.split('_').any(|part| part.eq_ignore_ascii_case("debug"))
            && matches!(value.value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
        let marked = by_variables(|name| (name == key).then(|| Spanned::new(value.value.clone(), value.span)));
        if switched || marked.is_some_and(|marked| !marked.environment.is_live()) {
            settings.push((variable.span, format!("`{name}` gets `{key}={}`", value.value)));
        }
    }
    if let Some(target) = service.build.as_ref().and_then(|build| build.target.as_ref())
        && target.span.file == file
        && by_name(&target.value).is_some_and(|(environment, _)| !environment.is_live())
    {
        settings.push((target.span, format!("`{name}` builds the stage `{}`", target.value)));
    }
    for port in service.ports.iter().filter(|port| port.span.file == file).map(Port::from_compose) {
        if port.reach.is_public() {
            settings.push((port.span, format!("`{name}` publishes port {}", port.target.0)));
        }
    }
}

fn context(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}
