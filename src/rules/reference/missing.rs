//! Files of the repository that others name and that are not there.

use std::collections::HashSet;
use std::sync::Arc;

use crate::container::{Container, Mount, Origin};
use crate::finding::{Confidence, Finding, Severity};
use crate::project::path;
use crate::project::stacks::{Gap, GapKind, GapReason, Stack};
use crate::rules::Cx;
use crate::source::{Kind, Span};
use crate::syntax::compose::{FileObject, MountKind};
use crate::syntax::dockerfile::{Expanded, Origin as From, TransferFact};
use crate::text;

/// Endings of files that settings are written in.
const SETTINGS: &[&str] = &[
    "cfg",
    "cnf",
    "conf",
    "config",
    "inc",
    "ini",
    "json",
    "properties",
    "rules",
    "sh",
    "sql",
    "template",
    "toml",
    "tpl",
    "vcl",
    "xml",
    "yaml",
    "yml",
];

/// Words in the names of files that are made on each host, so that no repository has them.
const MADE: &[&str] =
    &["acme", "cert", "certs", "credential", "credentials", "key", "local", "secret", "secrets", "token"];

/// Parts of paths that a build or an installation makes.
const GENERATED: &[&str] = &[
    ".next",
    ".nuxt",
    ".output",
    ".venv",
    "_build",
    "artifacts",
    "bin",
    "build",
    "dist",
    "generated",
    "node_modules",
    "obj",
    "out",
    "output",
    "pkg",
    "publish",
    "rel",
    "release",
    "target",
    "tmp",
    "vendor",
    "venv",
    "wheels",
];

/// Endings of what a build makes.
const BUILT: &[&str] = &[
    "apk", "bin", "deb", "dll", "ear", "exe", "gem", "gz", "jar", "nupkg", "phar", "rpm", "so", "tar", "tgz", "war",
    "wasm", "whl", "xz", "zip", "zst",
];

/// What is put behind or into the name of a file that is to be copied and filled in.
const EXAMPLES: [&str; 8] = [".example", ".sample", ".dist", ".template", ".tmpl", "-example", "-sample", ".default"];

/// Whether a file or folder is there; folders without a file count as missing, since git has none.
fn is_there(path: &str, cx: &Cx) -> bool {
    path.is_empty() || cx.sources.exists(path) || !cx.sources.list(path).is_empty()
}

/// Whether a folder holds files beside configs, as folders of whole repositories do.
fn holds_more(folder: &str, cx: &Cx) -> bool {
    cx.sources.list(folder).iter().any(|name| {
        let common =
            name.starts_with('.') || name.ends_with('/') || name.ends_with(".md") || name.starts_with("LICENSE");
        let known = || path::join(folder, name).and_then(|path| cx.sources.find(&path));
        !common && known().is_none_or(|file| cx.sources.get(file).kind == Kind::Auxiliary)
    })
}

/// A file of nearly the same name in the same folder.
fn near(path: &str, cx: &Cx) -> Option<String> {
    let names = cx.sources.list(path::directory(path));
    let name = path::file_name(path);
    text::closest(name, names.iter().map(|name| name.trim_end_matches('/'))).map(str::to_owned)
}

/// The file that is to be copied to `path`, if there is one beside it (`.env.example`, `config.example.yml`).
fn example_of(path: &str, cx: &Cx) -> Option<String> {
    let (folder, name) = (path::directory(path), path::file_name(path));
    let (stem, extension) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    let names = cx.sources.list(folder);
    let fits = |other: &&String| {
        let other = other.as_str();
        EXAMPLES.iter().any(|mark| {
            other.strip_prefix(name) == Some(mark)
                || other
                    .strip_suffix(name)
                    .is_some_and(|before| before == &mark[1..] || before.strip_suffix(['.', '-']) == Some(&mark[1..]))
                || !extension.is_empty()
                    && other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'))
                        == Some(mark)
        }) || name.starts_with(".env") && matches!(other, "env.dist" | "env.example" | "env.sample" | "example.env")
    };
    names.iter().find(fits).cloned()
}

/// Whether a file of variables is one that is kept out of repositories on purpose.
fn is_private(path: &str) -> bool {
    let name = path::file_name(path);
    name.starts_with(".env") || name.ends_with(".env") || path.split('/').any(|part| MADE.contains(&part))
}

pub(in crate::rules) fn referenced_file_missing(stack: &Stack, cx: &mut Cx) {
    for gap in super::gaps(stack) {
        if gap.why == GapReason::Missing || gap.why == GapReason::Undefined && gap.kind == GapKind::Extends {
            missing_part(stack, gap, cx);
        }
    }
    if stack.superseded || cx.sources.list("").is_empty() {
        return;
    }
    objects(stack, cx);
    let mut seen = HashSet::new();
    for container in containers(cx) {
        mounts(container, cx);
        // Services that build the same share it.
        if container.built.as_ref().is_some_and(|built| seen.insert(Arc::as_ptr(built))) {
            transfers(container, cx);
        }
    }
}

/// The containers of the stack that is graded; those of services stand in the order of their stacks.
fn containers<'a>(cx: &Cx<'a>) -> &'a [Container] {
    let index = |container: &Container| match container.origin {
        Origin::Service { stack, .. } => stack,
        Origin::Stage { .. } => usize::MAX,
    };
    let all = &cx.project.containers;
    let Some(stack) = cx.stack() else { return &[] };
    let start = all.partition_point(|container| index(container) < stack);
    let end = all.partition_point(|container| index(container) <= stack);
    &all[start..end]
}

/// What a stack is made of.
fn missing_part(stack: &Stack, gap: &Gap, cx: &mut Cx) {
    let target = super::shown(&gap.target);
    let service = gap.service.as_deref().unwrap_or_default();
    let message = match (gap.kind, gap.why) {
        (GapKind::Extends, GapReason::Undefined) => {
            format!("`{service}` extends `{target}`, which is not defined where it is looked for")
        }
        (GapKind::Extends, _) => format!("`{service}` extends a service of `{target}`, which is not in the repository"),
        (GapKind::Include, _) => format!("`{target}` is included but not in the repository"),
        (GapKind::EnvFile, _) if service.is_empty() => format!("`{target}` is not in the repository"),
        (GapKind::EnvFile, _) => format!("`{service}` reads variables from `{target}`, which is not in the repository"),
        (GapKind::Profiles, _) => return,
        (GapKind::Build, _) => format!("`{service}` builds `{target}`, which is not in the repository"),
    };
    let path = path::join(stack.directory_of(gap.span.file), &gap.target);
    let example = path.as_deref().and_then(|path| example_of(path, cx));
    let private = gap.kind == GapKind::EnvFile && is_private(&gap.target);
    let finding = cx.report(gap.span, message);
    finding.gap = true;
    finding.evidence(format!("{} {target}", gap.kind.name()));
    super::inside(finding, gap);
    finding.help(match (gap.kind, &example) {
        (GapKind::EnvFile, Some(example)) => {
            format!("copy `{example}` to it and fill it in before the scan, or accept the gap with `--allow-gaps`")
        }
        (GapKind::EnvFile, None) => {
            "scan where it is there, keep an example of it in the repository, or add `required: false`".to_owned()
        }
        (GapKind::Build, _) => "correct `context` or `dockerfile`, or scan the folder that holds it".to_owned(),
        (GapKind::Extends, _) if gap.why == GapReason::Undefined => "correct the name".to_owned(),
        _ => "correct the path, or scan the folder that holds it".to_owned(),
    });
    if gap.kind == GapKind::EnvFile {
        finding.severity(if private { Severity::Info } else { Severity::Low });
    }
}

/// The files of `secrets` and `configs`.
fn objects(stack: &Stack, cx: &mut Cx) {
    let Some(model) = cx.model() else { return };
    for (object, secret) in model.configs.iter().map(|it| (it, false)).chain(model.secrets.iter().map(|it| (it, true)))
    {
        let Some((span, path)) = file_of(object, stack) else { continue };
        if is_there(&path, cx) || is_generated(&path) {
            continue;
        }
        let kind = if secret { "secret" } else { "config" };
        let message = format!("{kind} `{}` is the file `{path}`, which is not in the repository", object.name.value);
        let example = example_of(&path, cx);
        let finding = cx.report(span, message);
        finding.inside(&format!("{kind}s")).inside(&object.name.value);
        help(finding, example.as_deref(), "Compose refuses to start without it: add it, or correct the path");
        if secret {
            // A secret belongs on the host, not into the repository.
            finding.severity(Severity::Info).help("it must be put there on each host before Compose starts");
        }
    }
}

fn help(finding: &mut Finding, example: Option<&str>, otherwise: &str) {
    if let Some(example) = example {
        finding.help(format!("copy `{example}` to it and fill it in")).severity(Severity::Low);
    } else {
        finding.help(otherwise);
    }
}

/// The file of a secret or config, when it is one of the repository.
fn file_of(object: &FileObject, stack: &Stack) -> Option<(Span, String)> {
    let file = object.file.as_ref().filter(|file| file.known && !file.value.is_empty())?;
    Some((file.span, path::join(stack.directory_of(file.span.file), &file.value)?))
}

/// Config files that are mounted: the engine makes an empty folder of what is not there.
fn mounts(container: &Container, cx: &mut Cx) {
    for mount in container.mounts.iter().filter(|mount| mount.kind == MountKind::Bind && !mount.open) {
        let Some(path) = missing_config(mount, cx) else { continue };
        let name = &container.name;
        let message =
            format!("`{name}` mounts `{path}`, which is not in the repository: the engine makes a folder of it");
        let (example, near) = (example_of(path, cx), near(path, cx));
        let finding = cx.report(mount.span, message);
        finding.inside("services").inside(name).confidence(Confidence::Likely).evidence(path);
        finding.container = Some(name.clone());
        if let Some(near) = near.filter(|_| example.is_none()) {
            finding.help(format!("did you mean `{near}`?"));
        } else {
            help(finding, example.as_deref(), "add the file, or correct the path");
        }
    }
}

/// The settings that a mount is to bring and that are not there.
fn missing_config<'m>(mount: &'m Mount, cx: &Cx) -> Option<&'m str> {
    let (path, target) = (mount.repository_path.as_deref()?, mount.target.as_deref()?);
    let is_settings = |path: &str| {
        let name = path::file_name(path);
        name.rsplit_once('.').is_some_and(|(_, extension)| SETTINGS.contains(&extension))
    };
    let named = is_settings(path) && (is_settings(target) || path::below(target, "/etc").is_some());
    let made = path.split(['/', '.', '-', '_']).any(|part| MADE.contains(&part.to_ascii_lowercase().as_str()));
    // What is written to is made by the container, or by hand.
    let data = ["data", "volumes", "volume", "appdata", "storage", "var", "state"];
    let in_data = path.split('/').any(|part| data.contains(&part.trim_start_matches('.')));
    let missing = named && !made && !in_data && !is_generated(path) && !is_there(path, cx);
    // Where nothing of its kind is kept, it is made on each host.
    (missing && (example_of(path, cx).is_some() || near(path, cx).is_some() || holds_more(path::directory(path), cx)))
        .then_some(path)
}

/// Whether a path is that of something that a build makes.
fn is_generated(path: &str) -> bool {
    let name = path::file_name(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    BUILT.contains(&extension) || path.split('/').any(|part| GENERATED.contains(&part.to_ascii_lowercase().as_str()))
}

/// What COPY and ADD take from the build context.
fn transfers(container: &Container, cx: &mut Cx) {
    let Some(built) = &container.built else { return };
    let literal = |transfer: &TransferFact| transfer.origin == From::Context;
    let mut present = false;
    let mut missing: Vec<(Span, String)> = Vec::new();
    for transfer in built.config.transfers.iter().filter(|transfer| literal(transfer)) {
        let several = transfer.sources.len() > 1;
        for source in &transfer.sources {
            let Some(path) = source_path(source, &built.context) else { continue };
            let pattern = source.value.contains(['*', '?', '[']);
            if pattern || path == built.context || several && path::file_name(&path).contains("lock") {
                continue;
            }
            if is_there(&path, cx) {
                present = true;
            } else if !is_generated(path::below(&path, &built.context).unwrap_or(&path)) {
                missing.push((source.span, path));
            }
        }
    }
    // Where none of it is here, it is made or fetched before the build, or only the configs are scanned.
    if !present || !holds_more(&built.context, cx) {
        return;
    }
    let ignored = path::join(&built.context, ".dockerignore").is_some_and(|path| cx.sources.exists(&path));
    for (span, path) in missing {
        let finding = cx.report(span, format!("`{path}` is copied into the image but not in the build context"));
        finding.evidence(path.as_str()).confidence(Confidence::Likely);
        finding.help(match ignored {
            true => "add the file or correct the path, and see that `.dockerignore` lets it through",
            false => "add the file, or correct the path: it starts at the build context",
        });
        if span.file != container.span.file {
            finding
                .related(container.span, format!("`{}` is built with `{}`", container.name, context(&built.context)));
        }
    }
}

fn context(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}

/// The path in the repository of what COPY takes.
fn source_path(source: &Expanded, context: &str) -> Option<String> {
    let value = source.value.as_str();
    let local = source.unresolved().is_empty() && !value.contains("://") && !value.starts_with("git@");
    path::join(context, value.trim_start_matches('/')).filter(|_| local && !value.is_empty())
}
