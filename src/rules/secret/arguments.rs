//! Build arguments and build secrets: what a service passes, and what the Dockerfile does with it.

use std::collections::HashSet;

use super::Cx;
use crate::container::{Container, Origin};
use crate::finding::{Confidence, Severity};
use crate::limit::RULE_ITEMS;
use crate::project::stacks::Stack;
use crate::secret::{Shape, Verdict, name, value};
use crate::source::Span;
use crate::syntax::compose::{KeyValue, Service};
use crate::syntax::dockerfile::{Dockerfile, Instruction, Kind};
use crate::text;

pub(in crate::rules) fn build_arg_feeds_secret(container: &Container, cx: &mut Cx) {
    let project = cx.project;
    let (Some(service), Some(built)) = (project.service(container), &container.built) else { return };
    let (Some(build), Some(dockerfile)) = (&service.build, project.dockerfile(built.document)) else { return };
    if let Some(more) = build.args.get(RULE_ITEMS.most) {
        cx.exceeded(&RULE_ITEMS, more.span);
    }
    for arg in build.args.iter().take(RULE_ITEMS.most).filter(|arg| is_credential(arg)) {
        let name = arg.key.value.as_str();
        let uses = (0..dockerfile.stages.len()).filter(|&stage| built.reachable.get(stage) == Some(&true));
        let uses =
            uses.filter_map(|stage| Some((built.config.chain.contains(&stage), feeds(dockerfile, stage, name)?)));
        // What makes the image says more than what a build stage does.
        let Some((shipped, (declared, used))) = uses.max_by_key(|(shipped, _)| *shipped) else { continue };
        let what = match &used.kind {
            Kind::Env(_) => "ENV, which stays in the image",
            _ if shipped => "RUN, which writes it into the history of the image",
            _ => "RUN of a build stage, which writes it into the history and the build cache",
        };
        let finding =
            cx.report(arg.span, format!("build argument `{name}` of `{}` passes a secret to {what}", container.name));
        finding
            .help(format!(
                "pass it as `build.secrets`, and mount it in the one RUN that needs it: `--mount=type=secret,id={id},env={name}`",
                id = name.to_ascii_lowercase()
            ))
            .evidence(name)
            .link(arg.key.span, format!("the service passes `{name}`"))
            .link(declared, "the Dockerfile takes it")
            .link(used.span, "and gives it to this");
        if !shipped {
            finding.severity(Severity::Medium);
        }
        let value = arg.value.iter().map(|value| value.span);
        for place in value.chain([arg.span, arg.key.span]) {
            finding.contains("secret-in-build-args", place);
        }
    }
}

/// Whether an argument carries a credential: by its name, and not with a value that says otherwise.
fn is_credential(arg: &KeyValue) -> bool {
    let Some(shape) = name::shape(&arg.key.value).filter(|shape| *shape > Shape::Key) else { return false };
    // What stands behind a variable comes from outside, whatever its default is.
    let literal = arg.value.as_ref().filter(|value| !value.template.has_variables());
    literal
        .is_none_or(|literal| matches!(value::judge(shape, &literal.value), Verdict::Secret { .. } | Verdict::Default))
}

/// Where a stage declares the argument, and what it is given to: an ENV, the RUN that names it, else the first RUN behind
/// the declaration, since the builder writes all arguments in scope into its history.
fn feeds<'a>(dockerfile: &'a Dockerfile, stage: usize, name: &str) -> Option<(Span, &'a Instruction)> {
    let body = dockerfile.stages.get(stage)?.body.clone();
    let instructions = dockerfile.instructions.get(body)?;
    let declared = instructions.iter().enumerate().find_map(|(at, instruction)| match &instruction.kind {
        Kind::Arg(args) => args.iter().find(|arg| arg.name.as_str() == name).map(|arg| (at, arg.span)),
        _ => None,
    });
    let (at, span) = declared?;
    let behind = || instructions[at + 1..].iter();
    let mentions = |instruction: &Instruction| {
        let bodies = instruction.heredocs.iter().map(|heredoc| &heredoc.body);
        bodies.chain(instruction.rest()).any(|text| names(text.as_str(), name))
    };
    let run = |instruction: &&Instruction| matches!(instruction.kind, Kind::Run(_));
    let env = |instruction: &&Instruction| matches!(instruction.kind, Kind::Env(_)) && mentions(instruction);
    let used =
        behind().find(env).or_else(|| behind().filter(run).find(|it| mentions(it))).or_else(|| behind().find(run));
    used.map(|used| (span, used))
}

/// Whether a text uses the variable.
fn names(text: &str, name: &str) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.match_indices(name).any(|(at, _)| {
        let front = text[..at].strip_suffix('{').unwrap_or(&text[..at]);
        front.ends_with('$') && !text.as_bytes().get(at + name.len()).is_some_and(part)
    })
}

pub(in crate::rules) fn build_arg_unknown(stack: &Stack, cx: &mut Cx) {
    let project = cx.project;
    if stack.superseded {
        return;
    }
    // What several services share, through an anchor or a base file, has to be for one of them only.
    let mut declared: HashSet<Span> = HashSet::new();
    let mut unknown: Vec<(&Container, &KeyValue, &Dockerfile)> = Vec::new();
    for (container, service) in services(stack, cx) {
        let (Some(build), Some(built)) = (&service.build, &container.built) else { continue };
        if build.args.is_empty() {
            continue;
        }
        let Some(dockerfile) = project.dockerfile(built.document) else { continue };
        let names: HashSet<&str> = declarations(dockerfile).collect();
        // The instructions that an image keeps for those that are built on it declare arguments, too.
        let onbuild = container.image.as_ref().is_some_and(|image| image.reference.contains("onbuild"));
        for arg in build.args.iter().take(RULE_ITEMS.most) {
            if names.contains(arg.key.value.as_str()) || onbuild {
                declared.insert(arg.key.span);
            } else if !is_predefined(&arg.key.value) && !arg.key.value.contains('$') {
                unknown.push((container, arg, dockerfile));
            }
        }
    }
    for (container, arg, dockerfile) in unknown {
        if declared.contains(&arg.key.span) {
            continue;
        }
        let name = &arg.key.value;
        let path = &cx.sources.get(dockerfile.file).path;
        let message =
            format!("build argument `{name}` of `{}` is nothing that `{path}` declares: it is dropped", container.name);
        let near = text::closest(name, declarations(dockerfile));
        let finding = cx.report(arg.key.span, message);
        match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("declare it with `ARG {name}` in the stage that needs it, or take it out")),
        };
        finding.evidence(name).inside(&format!("services.{}.build.args", container.name));
        if let Some(stage) = dockerfile.stages.first().and_then(|stage| dockerfile.instructions.get(stage.from)) {
            finding.related(stage.span, "this is what is built");
        }
    }
}

/// The services of a stack with their containers.
pub(super) fn services<'a>(stack: &Stack, cx: &Cx<'a>) -> impl Iterator<Item = (&'a Container, &'a Service)> {
    let project = cx.project;
    let index = project.stacks.iter().position(|other| std::ptr::eq(other, stack));
    // Containers are in the order of their stacks, those of no stack behind them.
    let of = |container: &Container| match container.origin {
        Origin::Service { stack, .. } => stack,
        Origin::Stage { .. } => usize::MAX,
    };
    let first = project.containers.partition_point(|container| Some(of(container)) < index);
    let own = project.containers[first..].iter().take_while(move |container| Some(of(container)) == index);
    own.filter_map(|container| Some((container, project.service(container)?)))
}

/// The names of all arguments of a Dockerfile.
fn declarations(dockerfile: &Dockerfile) -> impl Iterator<Item = &str> {
    let instructions = dockerfile.instructions.iter().map(|instruction| match &instruction.kind {
        Kind::Onbuild(trigger) => trigger,
        _ => instruction,
    });
    let args = instructions.flat_map(|instruction| match &instruction.kind {
        Kind::Arg(args) => args.as_slice(),
        _ => &[],
    });
    args.map(|arg| arg.name.as_str())
}

/// Whether the builder takes the argument without a declaration.
fn is_predefined(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let known = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"];
    known.contains(&upper.as_str()) || upper.starts_with("BUILDKIT_") || upper.starts_with("DOCKER_BUILDKIT")
}

pub(in crate::rules) fn build_secret_mismatch(container: &Container, cx: &mut Cx) {
    let project = cx.project;
    let (Some(service), Some(built)) = (project.service(container), &container.built) else { return };
    let (Some(build), Some(dockerfile)) = (&service.build, project.dockerfile(built.document)) else { return };
    let mounts = mounts(dockerfile, &built.reachable);
    let given: Vec<(&str, Span)> = build
        .secrets
        .iter()
        .map(|secret| match &secret.target {
            Some(target) => (target.value.as_str(), secret.span),
            None => (secret.source.value.as_str(), secret.span),
        })
        .collect();
    if mounts.is_empty() && given.is_empty() {
        return;
    }
    let mut missing: Vec<&Mounted> = Vec::new();
    for mount in mounts.iter().filter(|mount| !given.iter().any(|(id, _)| *id == mount.id)) {
        if !mount.optional && !mount.id.contains('$') && !missing.iter().any(|known| known.id == mount.id) {
            missing.push(mount);
        }
    }
    for (id, span) in &given {
        let unused = !id.contains('$') && !mounts.iter().any(|mount| mount.id == *id || mount.id.contains('$'));
        if !unused || is_builders_own(id) {
            continue;
        }
        let meant = text::closest(id, missing.iter().map(|mount| mount.id.as_str())).map(str::to_owned);
        let message = format!("no RUN of the Dockerfile mounts the build secret `{id}` of `{}`", container.name);
        let finding = cx.report(*span, message);
        finding.evidence(*id);
        match meant.and_then(|meant| missing.iter().position(|mount| mount.id == meant)) {
            Some(at) => {
                let mount = missing.remove(at);
                finding.related(mount.span, "this mount has another id, and gets nothing");
                finding.help(format!("did you mean `{}`?", mount.id)).confidence(Confidence::Certain);
            }
            None => {
                finding.help("mount it where it is needed (`RUN --mount=type=secret,id=…`), or take it out");
                finding.severity(Severity::Low);
            }
        }
    }
    let Some(first) = missing.first() else { return };
    let place = build.context.as_ref().map(|context| context.span).or(service.name.as_ref().map(|name| name.span));
    let Some(place) = place else { return };
    let ids: Vec<String> = missing.iter().map(|mount| format!("`{}`", mount.id)).collect();
    let required = missing.iter().any(|mount| mount.required);
    let what = if required { "the build fails" } else { "the step runs without it" };
    let message =
        format!("`{}` does not pass the build secret {} that RUN mounts: {what}", container.name, ids.join(", "));
    let finding = cx.report(place, message);
    finding.help(format!("add {} to `build.secrets`, and define it below `secrets`", ids.join(", ")));
    finding
        .evidence(ids.join(" "))
        .link(place, "the service builds this")
        .link(first.span, "this step mounts the secret");
    if !required && given.is_empty() {
        finding.severity(Severity::Low);
    }
}

/// A secret that a RUN mounts.
struct Mounted {
    id: String,
    span: Span,
    /// Without it the build fails.
    required: bool,
    /// The step looks whether it is there.
    optional: bool,
}

fn mounts(dockerfile: &Dockerfile, reachable: &[bool]) -> Vec<Mounted> {
    let mut found = Vec::new();
    for (index, stage) in dockerfile.stages.iter().enumerate() {
        let needed = reachable.get(index) == Some(&true);
        for instruction in dockerfile.instructions.get(stage.body.clone()).unwrap_or_default() {
            if !matches!(instruction.kind, Kind::Run(_)) || !instruction.flags.iter().any(|it| it.name.value == "mount")
            {
                continue;
            }
            for mount in instruction.mounts() {
                if mount.kind().is_none_or(|kind| kind.as_str() != "secret") {
                    continue;
                }
                // Without an id, the name of the target is it.
                let target = || mount.target().map(|target| target.as_str().rsplit('/').next().unwrap_or_default());
                let Some(id) = mount.id().map(|id| id.as_str()).or_else(target).filter(|id| !id.is_empty()) else {
                    continue;
                };
                let required = mount.is_set(&["required"]);
                let bodies = instruction.heredocs.iter().map(|heredoc| heredoc.body.as_str());
                let looks = bodies.chain(instruction.rest().map(|rest| rest.as_str())).any(|text| {
                    ["if ", "[ -", "test -", "|| true", "|| :", "2>/dev/null", ":-", "|| echo"]
                        .iter()
                        .any(|it| text.contains(it))
                });
                found.push(Mounted {
                    id: id.to_owned(),
                    span: mount.span,
                    required,
                    // What a stage that is not built mounts need not be passed.
                    optional: !required && looks || !needed,
                });
            }
        }
    }
    found
}

/// Whether the builder itself uses the secret: to fetch the sources of a build.
fn is_builders_own(id: &str) -> bool {
    id.starts_with("GIT_AUTH_") || id.starts_with("HTTP_AUTH_")
}
