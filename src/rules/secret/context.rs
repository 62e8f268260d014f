//! Files with secrets that a build takes from its context without naming them.

use std::collections::HashSet;

use super::Cx;
use crate::container::{BuiltFrom, Container, Context, Origin as ContainerOrigin, Sensitive};
use crate::finding::{Confidence, Finding, Severity};
use crate::project::context::{Copied, copies};
use crate::project::path;
use crate::secret::{Verdict, files};
use crate::source::Span;
use crate::syntax::dockerfile::{Dockerfile, Origin, evaluate};

/// Files that a message names.
const NAMED: usize = 4;

pub(in crate::rules) fn context_leaks_sensitive_files(container: &Container, cx: &mut Cx) {
    let (Some(built), Some(context)) = (&container.built, &container.context) else { return };
    if context.sensitive.is_empty() {
        return;
    }
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    let own: Vec<Baked> = baked(container, context, cx);
    let mut seen: HashSet<&str> = own.iter().map(|file| file.path.as_str()).collect();
    for copied in &copies(dockerfile, built) {
        // What COPY names is `secret-file-copied`.
        let brings = |file: &&Sensitive| copied.brings(&file.path).is_some_and(|(source, _)| *source != file.path);
        let files: Vec<&Sensitive> = context.sensitive.iter().filter(brings).collect();
        let files: Vec<&Sensitive> = files.into_iter().filter(|file| seen.insert(&file.path)).collect();
        if files.is_empty() {
            continue;
        }
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let place = place(dockerfile, built, copied, &paths);
        let mut names: Vec<String> =
            files.iter().take(NAMED).map(|file| format!("`{}` ({})", file.path, file.what)).collect();
        if files.len() > NAMED {
            names.push(format!("{} more", files.len() - NAMED));
        }
        let keyword = copied.instruction.keyword.value.to_ascii_uppercase();
        let sure = files.iter().any(|file| file.sure);
        let finding =
            cx.report(copied.instruction.span, format!("{keyword} brings {} into {}", list(&names), place.name()));
        finding.severity(place.of(if sure { Severity::High } else { Severity::Medium }));
        finding.help(help(context, &paths)).evidence(paths.join(" "));
        finding.contains("copy-whole-context", copied.instruction.span);
        for file in files.iter().take(NAMED) {
            let_in(finding, context, &file.path);
            if let Some(file) = file.file {
                finding.related(Span::at(file, 0), "it would be copied");
            }
        }
    }
}

/// Where what a COPY brings ends up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Image,
    Stage,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Place::Image => "the image",
            Place::Stage => "a build stage",
        }
    }

    /// The layers of a build stage stay on the build machine.
    fn of(self, severity: Severity) -> Severity {
        match self {
            Place::Image => severity,
            Place::Stage => severity.min(Severity::Low),
        }
    }
}

/// Where a COPY brings files of the context: those of a build stage reach the image where a later COPY takes them.
fn place(dockerfile: &Dockerfile, built: &BuiltFrom, copied: &Copied, paths: &[&str]) -> Place {
    if copied.shipped {
        return Place::Image;
    }
    let config = evaluate(dockerfile, copied.stage, &[]);
    let own = |index: usize| dockerfile.effective(index).is_some_and(|it| it.span == copied.instruction.span);
    let Some(transfer) = config.transfers.iter().find(|transfer| own(transfer.instruction)) else {
        return Place::Stage;
    };
    let inside: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let (source, _) = copied.brings(path)?;
            let below = path::below(path, source).filter(|below| !below.is_empty());
            Some(path::absolute(&transfer.destination.value, below.unwrap_or(path::file_name(path))))
        })
        .collect();
    let taken = built.config.transfers.iter().any(|transfer| {
        matches!(transfer.origin, Origin::Stage(stage) if stage == copied.stage)
            && transfer.sources.iter().any(|source| {
                let source = path::absolute("/", &source.value);
                inside.iter().any(|path| path::below(path, &source).is_some())
            })
    });
    if taken { Place::Image } else { Place::Stage }
}

/// Points at the line that lets a file in again.
fn let_in(finding: &mut Finding, context: &Context, path: &str) {
    let decided = context.ignore.as_ref().and_then(|ignore| ignore.decides(path));
    if let Some(pattern) = decided.filter(|pattern| pattern.exception) {
        finding.related(pattern.span, format!("this lets `{path}` in again"));
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What to write where.
fn help(context: &Context, paths: &[&str]) -> String {
    let names: Vec<String> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    match (&context.ignore, context.folder.as_str()) {
        (Some(_), _) => format!("leave {} out in the ignore file", list(&names)),
        (None, "") => format!("leave {} out in `.dockerignore`", list(&names)),
        (None, folder) => format!("leave {} out in `{folder}/.dockerignore`", list(&names)),
    }
}

/// A file of variables that the service of a build uses and that the build sees.
struct Baked {
    /// Path from the folder of the context.
    path: String,
    /// Where the service names it; nothing for the `.env` of the project.
    used: Option<Span>,
    /// How bad what is in it is; nothing of a file that is not there.
    verdict: Option<Verdict>,
    /// The start of the file, where it was read.
    file: Option<Span>,
}

/// The files of variables of a service that its build sees and that hold secrets, or are not there and may.
fn baked(container: &Container, context: &Context, cx: &Cx) -> Vec<Baked> {
    let project = cx.project;
    let (Some(service), Some(stack)) = (project.service(container), project.stack(container)) else {
        return Vec::new();
    };
    let named = service.env_file.iter().filter(|file| file.path.known).filter_map(|file| {
        let span = file.path.span;
        let path = path::join(stack.directory_of(span.file), &file.path.value)?;
        Some((path, Some(span), file.required))
    });
    let own = path::join(&stack.directory, ".env").map(|path| (path, None, false));
    let mut found: Vec<Baked> = Vec::new();
    for (path, used, required) in named.chain(own) {
        let Some(inside) = context.sees(&path) else { continue };
        if files::is_example(&path::file_name(&path).to_ascii_lowercase()) || found.iter().any(|it| it.path == inside) {
            continue;
        }
        let file = cx.sources.find(&path);
        let verdict = match file {
            Some(file) => match files::variables(&cx.sources.get(file).text) {
                Some(verdict) => Some(verdict),
                None => continue,
            },
            None if required && !cx.sources.exists(&path) => None,
            None => continue,
        };
        found.push(Baked { path: inside.to_owned(), used, verdict, file: file.map(|file| Span::at(file, 0)) });
    }
    found
}

pub(in crate::rules) fn env_file_baked_into_image(container: &Container, cx: &mut Cx) {
    let (Some(built), Some(context)) = (&container.built, &container.context) else { return };
    if !matches!(container.origin, ContainerOrigin::Service { .. }) {
        return;
    }
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    let copies = copies(dockerfile, built);
    if copies.is_empty() {
        return;
    }
    let mut files = baked(container, context, cx);
    for copied in &copies {
        // Each file is reported where it is copied first.
        let (here, rest): (Vec<Baked>, Vec<Baked>) =
            files.into_iter().partition(|file| copied.brings(&file.path).is_some());
        files = rest;
        let Some(worst) = here.iter().map(|file| rank(file.verdict)).max() else { continue };
        let paths: Vec<&str> = here.iter().map(|file| file.path.as_str()).collect();
        let place = place(dockerfile, built, copied, &paths);
        let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        let keyword = copied.instruction.keyword.value.to_ascii_uppercase();
        let (name, names) = (&container.name, list(&names));
        let message = match worst {
            Severity::Medium => {
                format!(
                    "{keyword} brings {names}, which `{name}` is started with, into {} once it is there",
                    place.name()
                )
            }
            _ => format!("{keyword} brings {names} with the variables of `{name}` into {}", place.name()),
        };
        let finding = cx.report(copied.instruction.span, message);
        finding.severity(place.of(worst)).help(help(context, &paths)).evidence(paths.join(" "));
        if worst > Severity::Medium {
            finding.confidence(Confidence::Certain);
        }
        for file in &here {
            if let Some(used) = file.used {
                finding.link(used, format!("`{name}` reads its variables from `{}`", file.path));
            }
            if let Some(span) = file.file {
                finding.link(span, "it holds secrets, and lies in the build context");
            }
            let_in(finding, context, &file.path);
            if let Some((_, source)) = copied.brings(&file.path) {
                finding.contains("secret-file-copied", *source);
            }
        }
        finding.link(copied.instruction.span, format!("{keyword} takes it into {}", place.name()));
        finding.contains("copy-whole-context", copied.instruction.span);
    }
}

/// How bad it is to ship a file.
fn rank(verdict: Option<Verdict>) -> Severity {
    match verdict {
        Some(Verdict::Secret { .. }) => Severity::Critical,
        Some(_) => Severity::High,
        None => Severity::Medium,
    }
}
