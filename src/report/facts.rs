//! Facts about containers in words, for every format that shows them.

use std::borrow::Cow;

use super::Report;
use crate::command::Simple;
use crate::container::facet::Reach;
use crate::container::{Container, Healthcheck, Process, ProcessOrigin, UserSource};
use crate::source::{Text, mask};
use crate::syntax::compose::MountKind;
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::supervisor::has_expansions;

/// `80`, or `8000-8010`.
pub(super) fn range((first, last): (u16, u16)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// Who can reach a port.
pub(super) fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Everyone => "everyone",
        Reach::Address => "address",
        Reach::Private => "private",
        Reach::Loopback => "loopback",
        Reach::Unknown => "unknown",
    }
}

/// What set the account of a container.
pub(super) fn user_source(source: UserSource) -> &'static str {
    match source {
        UserSource::Compose => "compose",
        UserSource::Dockerfile => "dockerfile",
        UserSource::KnownImage => "known-image",
    }
}

/// Whether a health check runs, and what set that.
pub(super) fn healthcheck_source(healthcheck: &Healthcheck) -> (bool, &'static str) {
    match healthcheck {
        Healthcheck::Compose => (true, "compose"),
        Healthcheck::Dockerfile => (true, "dockerfile"),
        Healthcheck::KnownImage => (true, "known-image"),
        Healthcheck::Disabled => (false, "disabled"),
    }
}

/// The `type` of a mount.
pub(super) fn mount_kind(kind: MountKind) -> &'static str {
    match kind {
        MountKind::Bind => "bind",
        MountKind::Volume => "volume",
        MountKind::Tmpfs => "tmpfs",
        MountKind::Image => "image",
        MountKind::NamedPipe => "npipe",
        MountKind::Cluster => "cluster",
    }
}

/// The name of a stage, or its number where it has none.
pub(super) fn stage_name(dockerfile: &Dockerfile, stage: usize) -> String {
    let name = dockerfile.stages.get(stage).and_then(|stage| stage.name.as_ref());
    name.map_or_else(|| stage.to_string(), |name| name.value.clone())
}

/// The name of a process: of a script, a package script or a program of supervisord as it is called there, else of the
/// last program that it starts, which is the one that stays.
pub(super) fn process_name<'a>(report: &'a Report, process: &'a Process) -> Option<Cow<'a, str>> {
    match &process.origin {
        ProcessOrigin::Main => process.effective.commands.last().map(|command| program(report, command)),
        ProcessOrigin::Script(name) | ProcessOrigin::PackageScript(name) => Some(report.value(name)),
        ProcessOrigin::Program { name, .. } => Some(report.value(name)),
    }
}

/// The name of a program; the word that it is taken from, masked, where a secret is in it.
pub(super) fn program<'a>(report: &'a Report, command: &'a Simple) -> Cow<'a, str> {
    match masked(report, &command.program.text) {
        Some(masked) => masked.into(),
        None => report.value(&command.name),
    }
}

/// The account that a process ends up under, as far as the files say: what a privilege drop switches to, what supervisord
/// is told, else what the container starts as.
pub(super) fn process_user<'a>(report: &'a Report, container: &'a Container, process: &'a Process) -> Option<&'a str> {
    let dropped = process.effective.commands.last().and_then(|command| command.dropped_to.as_deref());
    if let Some(word) = dropped {
        return word.literal.then_some(word.text.as_str());
    }
    if let ProcessOrigin::Program { document, name } = &process.origin {
        let supervisor = report.project.supervisor(*document)?;
        if let Some(user) = supervisor.program(name).and_then(|program| program.get("user")) {
            return (!has_expansions(&user.value)).then_some(user.value.as_str());
        }
    }
    container.user.known().map(|user| user.value.name.as_str())
}

/// Program and arguments as a shell would take them, with secrets masked.
pub(super) fn command(report: &Report, words: &[Text]) -> String {
    let words = words.iter().map(|word| quoted(&masked(report, word).unwrap_or_else(|| word.value.clone())));
    words.collect::<Vec<_>>().join(" ")
}

/// A word with the secret in it masked; nothing where none is.
fn masked(report: &Report, word: &Text) -> Option<String> {
    let span = report.sources.resolve(word.span);
    let first = report.secrets.partition_point(|secret| (secret.file, secret.end) <= (span.file, span.start));
    let secret = report.secrets.get(first).is_some_and(|secret| secret.overlaps(span));
    secret.then(|| match report.sources.text(span) == word.value {
        true => mask(&word.value, span, &report.secrets),
        // Only of a word that stands in the file as it is it can be told which part is the secret.
        false => "*".repeat(word.value.chars().count().min(16)),
    })
}

/// A word in quotes where a shell would need them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,*".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
