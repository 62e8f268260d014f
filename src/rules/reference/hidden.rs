//! Mounts over what the image has.

use crate::container::{BuiltFrom, Container, Mount};
use crate::finding::Confidence;
use crate::project::path;
use crate::rules::Cx;
use crate::source::Span;
use crate::syntax::compose::MountKind;
use crate::syntax::dockerfile::{Dockerfile, Kind};

/// Last parts of paths that hold data, which is meant to be kept.
const KEPT: &[&str] = &[
    "backup",
    "backups",
    "cache",
    "certs",
    "conf",
    "config",
    "data",
    "db",
    "files",
    "log",
    "logs",
    "media",
    "models",
    "output",
    "run",
    "secrets",
    "ssl",
    "state",
    "storage",
    "tmp",
    "upload",
    "uploads",
    "volumes",
    "work",
    "workspace",
];

/// Folders that an installation makes, with the words of the commands that make them.
const INSTALLED: [(&str, &[&str]); 3] = [
    (
        "node_modules",
        &["npm ci", "npm install", "npm i ", "yarn install", "yarn --", "pnpm install", "pnpm i ", "bun install"],
    ),
    ("vendor", &["composer install"]),
    (".venv", &["uv sync", "virtualenvs.in-project true", "python -m venv .venv", "python3 -m venv .venv", "uv venv"]),
];

pub(in crate::rules) fn mount_hides_image_content(container: &Container, cx: &mut Cx) {
    let Some(built) = &container.built else { return };
    for mount in &container.mounts {
        let Some(target) = mount.target.as_deref().filter(|target| *target != "/") else { continue };
        if let Some((span, what)) = copied(mount, target, built) {
            let name = &container.name;
            let (message, help) = match mount.kind {
                MountKind::Volume => (
                    format!(
                        "the volume at `{target}` keeps what the first image of `{name}` had there, whatever later images bring"
                    ),
                    "mount it over a folder that only holds data, or remove it",
                ),
                MountKind::Tmpfs => (
                    format!("the empty tmpfs at `{target}` hides what the image of `{name}` has there"),
                    "mount it over a folder that is empty in the image",
                ),
                _ => (
                    format!(
                        "the host's `{}` hides what the image of `{name}` has at `{target}`",
                        mount.source.as_deref().unwrap_or_default()
                    ),
                    "mount the folders or files that differ, one by one",
                ),
            };
            cx.report(mount.span, message).help(help).link(span, what).link(mount.span, "this is mounted over it");
        } else if let Some((span, folder)) = installed(mount, target, container, built, cx) {
            let message = format!(
                "the mount at `{target}` hides the `{folder}` of the image of `{}`: it needs one on the host",
                container.name
            );
            let finding = cx.report(mount.span, message);
            finding.help(format!(
                "add a volume for `{}/{folder}`, or mount the sources alone",
                target.trim_end_matches('/')
            ));
            finding.confidence(Confidence::Likely);
            finding.link(span, "this makes it").link(mount.span, "this is mounted over it");
        }
    }
}

/// The COPY whose destination a mount covers.
fn copied(mount: &Mount, target: &str, built: &BuiltFrom) -> Option<(Span, &'static str)> {
    let covers = match mount.kind {
        MountKind::Volume | MountKind::Tmpfs => true,
        // What comes from the repository is the same, only newer: other rules speak of it.
        MountKind::Bind => mount.repository_path.is_none() && !mount.open,
        _ => false,
    };
    // What is declared as a volume, or named as data, is meant to be filled from the image once.
    let declared = built.config.volumes.iter().any(|volume| {
        let volume = volume.value.trim_end_matches('/');
        path::below(target, volume).is_some() || path::below(volume, target).is_some()
    });
    let settings = path::below(target, "/etc").is_some()
        || path::below(target, "/var").is_some_and(|rest| !rest.starts_with("www"));
    if !covers || declared || settings || KEPT.contains(&path::file_name(target)) {
        return None;
    }
    let transfer = built.config.transfers.iter().rev().find(|transfer| {
        let destination = transfer.destination.value.trim_end_matches('/');
        let files = transfer.destination.unresolved().is_empty() && destination.len() > 1;
        files && path::below(destination, target).is_some()
    })?;
    Some((transfer.destination.span, "the image has this there"))
}

/// The RUN that installed what the application needs into a folder that a bind of its sources covers.
fn installed(
    mount: &Mount,
    target: &str,
    container: &Container,
    built: &BuiltFrom,
    cx: &Cx,
) -> Option<(Span, &'static str)> {
    let source = mount.repository_path.as_deref().filter(|_| mount.kind == MountKind::Bind)?;
    // In a live container the mount itself is what is wrong.
    if container.environment.environment.is_live() || path::file_name(source).contains('.') {
        return None;
    }
    let workdir = built.config.workdir.as_ref().map(|workdir| workdir.value.as_str())?;
    if workdir.trim_end_matches('/') != target.trim_end_matches('/') {
        return None;
    }
    let dockerfile = cx.project.dockerfile(built.document)?;
    let (span, folder) = commands(dockerfile, built, cx)?;
    let below = path::absolute(target, folder);
    let kept = container.mounts.iter().any(|other| other.target.as_deref() == Some(&below));
    let on_host = path::join(source, folder).is_some_and(|path| !cx.sources.list(&path).is_empty());
    // A container that installs when it starts needs nothing of the image.
    let text = |command: &crate::command::Simple| cx.text(command.span).to_owned();
    let starts = container.processes.iter().flat_map(|process| &process.effective.commands);
    let installs = starts.map(text).any(|text| text.contains("install") || text.contains("sync"));
    (!kept && !on_host && !installs).then_some((span, folder))
}

/// The RUN that makes one of the folders where the image's processes start.
fn commands(dockerfile: &Dockerfile, built: &BuiltFrom, cx: &Cx) -> Option<(Span, &'static str)> {
    // What is told to be somewhere else is not below the mount.
    let moved = ["NODE_PATH", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON", "COMPOSER_VENDOR_DIR", "VIRTUAL_ENV"];
    if built.config.env.iter().any(|env| moved.contains(&env.name.as_str())) {
        return None;
    }
    let stages = built.config.chain.iter().rev().filter_map(|&stage| dockerfile.stages.get(stage));
    let instructions = stages.flat_map(|stage| stage.body.clone().rev()).filter_map(|at| dockerfile.effective(at));
    // Behind the last WORKDIR only: what ran before it ran somewhere else.
    let last = instructions.take_while(|instruction| !matches!(instruction.kind, Kind::Workdir(_)));
    last.filter(|instruction| matches!(instruction.kind, Kind::Run(_))).find_map(|run| {
        let text = cx.text(run.span);
        let made = INSTALLED.iter().find(|(_, words)| words.iter().any(|word| text.contains(word)));
        let elsewhere = [" -g ", "--global", "--prefix", "cd ", "mv ", "--working-dir", "-d "];
        made.filter(|_| !elsewhere.iter().any(|word| text.contains(word))).map(|(folder, _)| (run.span, *folder))
    })
}
