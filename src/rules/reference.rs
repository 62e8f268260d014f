//! What the files refer to: whether it is there, and whether anything reads it.

mod hidden;
mod missing;
mod unread;

pub(super) use hidden::mount_hides_image_content;
pub(super) use missing::referenced_file_missing;
pub(super) use unread::config_never_loaded;

use std::collections::HashMap;

use super::Cx;
use crate::project::path;
use crate::project::stacks::{Gap, GapKind, GapReason, Stack};
use crate::source::Span;
use crate::syntax::compose::Service;
use crate::syntax::dockerfile::{Dockerfile, Stage};
use crate::text;

/// Longest text of a reference that is shown.
const MOST_SHOWN: usize = 120;

/// The gaps of a stack that is graded.
fn gaps(stack: &Stack) -> &[Gap] {
    if stack.superseded { &[] } else { &stack.gaps }
}

/// What is not graded because of a gap.
fn left_out(gap: &Gap) -> String {
    match (gap.kind, &gap.service) {
        (GapKind::Include, _) => "what this file includes".to_owned(),
        (GapKind::Extends, Some(service)) => format!("what `{service}` extends"),
        (GapKind::EnvFile, Some(service)) => format!("what `{service}` gets from a file of variables"),
        (GapKind::Build, Some(service)) => format!("the image that `{service}` builds"),
        (GapKind::Profiles, _) => "a part of the stack".to_owned(),
        (kind, None) => format!("what `{}` names", kind.name()),
    }
}

/// What is referred to, cut where it is long.
fn shown(target: &str) -> String {
    let end = target.floor_char_boundary(MOST_SHOWN);
    if end < target.len() { format!("{}…", &target[..end]) } else { target.to_owned() }
}

pub(super) fn unresolved_reference(stack: &Stack, cx: &mut Cx) {
    for gap in gaps(stack) {
        let target = shown(&gap.target);
        if gap.kind == GapKind::Profiles {
            let message =
                format!("no service of the stack has the profile `{target}`: what it was meant for is not graded");
            let files = stack.files.iter().chain(&stack.parts).filter_map(|&file| cx.project.compose(file));
            let profiles = files.flat_map(|file| &file.services).flat_map(|service| &service.profiles);
            let names = profiles.map(|profile| profile.value.as_str());
            let near = text::closest(&gap.target, names);
            let finding = cx.report(gap.span, message);
            finding.evidence(format!("profiles {target}")).help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a profile that a service has, or take it out".to_owned(),
            });
            continue;
        }
        let (why, help) = match gap.why {
            // Another rule speaks of them.
            GapReason::Missing | GapReason::Undefined => continue,
            GapReason::Remote => (
                format!("`{target}` is fetched from elsewhere, and confscan fetches nothing"),
                "scan a checkout of it as well, keep a copy in the repository, or accept the gap with `--allow-gaps`",
            ),
            GapReason::Outside => (
                format!("`{target}` lies outside of the scanned folder"),
                "scan the folder that holds both, or accept the gap with `--allow-gaps`",
            ),
            GapReason::Variable => (
                format!("`{target}` holds a variable without a value"),
                "give it a default (`${NAME:-value}`) or a value in `.env`, or accept the gap with `--allow-gaps`",
            ),
            GapReason::Cycle => (format!("`{target}` leads back to itself"), "break the circle: Compose refuses it"),
            GapReason::TooMuch => (
                "there are more files, or there is more text in them, than confscan merges".to_owned(),
                "scan the stacks one by one, or accept the gap with `--allow-gaps`",
            ),
            GapReason::Unreadable => (
                format!("`{target}` is there but cannot be read as what it is to be"),
                "make it a readable file of that kind, or accept the gap with `--allow-gaps`",
            ),
        };
        let finding = cx.report(gap.span, format!("{} is not graded: {why}", left_out(gap)));
        finding.help(help).evidence(format!("{} {} {target}", gap.kind.name(), gap.why.name()));
        inside(finding, gap);
    }
}

/// Attributes a finding to the service of its gap.
fn inside(finding: &mut crate::finding::Finding, gap: &Gap) {
    if let Some(service) = &gap.service {
        finding.inside("services").inside(service);
        finding.container = Some(service.clone());
    }
}

pub(super) fn missing_build_target(stack: &Stack, cx: &mut Cx) {
    if gaps(stack).is_empty() {
        return;
    }
    let services = cx.model().into_iter().flat_map(|model| &model.services);
    let services: HashMap<&str, &Service> =
        services.filter_map(|service| Some((service.name.as_ref()?.value.as_str(), service))).collect();
    let undefined = |gap: &&Gap| gap.kind == GapKind::Build && gap.why == GapReason::Undefined;
    for gap in gaps(stack).iter().filter(undefined) {
        let service = gap.service.as_deref().unwrap_or_default();
        let message =
            format!("`{service}` builds the stage `{}`, which its Dockerfile does not have", shown(&gap.target));
        let found = services.get(service).and_then(|service| dockerfile_of(stack, service, gap.span, cx));
        if found.is_some_and(|dockerfile| !dockerfile.errors.is_empty()) {
            // The stage may stand in what could not be read.
            continue;
        }
        let names: Vec<&str> = found.iter().flat_map(|dockerfile| names(dockerfile)).collect();
        let near = text::closest(&gap.target, names.iter().copied());
        let finding = cx.report(gap.span, message);
        match (near, names.as_slice()) {
            (Some(near), _) => finding.help(format!("did you mean `{near}`?")),
            (None, []) => finding.help("remove `target`: the Dockerfile names no stage"),
            (None, names) => {
                let names: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
                finding.help(format!("name one of its stages: {}", names.join(", ")))
            }
        };
        inside(finding, gap);
        let from = |stage: &Stage| stage.name.as_ref().map(|name| name.span);
        if let Some(span) = found.and_then(|dockerfile| dockerfile.stages.iter().find_map(from)) {
            finding.related(span, "the first stage with a name");
        }
    }
}

/// The names of the stages of a Dockerfile.
fn names(dockerfile: &Dockerfile) -> impl Iterator<Item = &str> {
    dockerfile.stages.iter().filter_map(|stage| Some(stage.name.as_ref()?.value.as_str()))
}

/// The Dockerfile that a service names, whether or not it has the stage.
fn dockerfile_of<'a>(stack: &Stack, service: &Service, place: Span, cx: &Cx<'a>) -> Option<&'a Dockerfile> {
    let build = service.build.as_ref().filter(|build| build.dockerfile_inline.is_none())?;
    let span = build.context.as_ref().map_or(place, |context| context.span);
    let context = build.context.as_ref().map_or(".", |context| &context.value);
    let name = build.dockerfile.as_ref().map_or("Dockerfile", |dockerfile| &dockerfile.value);
    let path = path::join(&path::join(stack.directory_of(span.file), context)?, name)?;
    let file = cx.sources.find(&path)?;
    cx.project.dockerfile(cx.project.document_of(file)?)
}
