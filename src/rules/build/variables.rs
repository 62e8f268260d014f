//! Variables that have no value where they are used.

use std::collections::HashSet;

use super::super::Cx;
use super::body;
use crate::container::image::split;
use crate::finding::Confidence;
use crate::project::StageNode;
use crate::source::{Span, Spanned};
use crate::syntax::dockerfile::{Base, Dockerfile, ImageConfig, Kind, evaluate};
use crate::text;

/// Images that set nothing but what every image sets.
const PLAIN_BASES: &[&str] = &[
    "almalinux",
    "alpine",
    "amazonlinux",
    "archlinux",
    "buildpack-deps",
    "busybox",
    "centos",
    "debian",
    "fedora",
    "opensuse/leap",
    "opensuse/tumbleweed",
    "oraclelinux",
    "photon",
    "rockylinux",
    "ubuntu",
];

pub(in crate::rules) fn undefined_variable(node: &StageNode, cx: &mut Cx) {
    let Some((dockerfile, instructions)) = body(node, cx) else { return };
    // Most stages are done with here: what has no `$` has no variable.
    let mut texts = instructions.iter().flat_map(|instruction| {
        let bodies = instruction.heredocs.iter().map(|heredoc| &heredoc.body);
        bodies.chain([&instruction.rest]).chain(instruction.flags.iter().filter_map(|flag| flag.value.as_ref()))
    });
    if !texts.any(|text| text.value.contains('$')) {
        return;
    }
    let config = evaluate(dockerfile, node.index, &[]);
    let from_of = |stage: usize| Some(dockerfile.instructions[dockerfile.stages.get(stage)?.from].span.start);
    let own = from_of(node.index).unwrap_or(0)..from_of(node.index + 1).unwrap_or(u32::MAX);
    let mut seen = HashSet::new();
    for name in config.undefined.iter().filter(|name| own.contains(&name.span.start)) {
        if !seen.insert(name.value.as_str()) || extends_itself(dockerfile, node, name) {
            continue;
        }
        let declared = declaration(dockerfile, &name.value);
        let near = near(&config, &name.value);
        let confidence = match &config.base {
            Base::Scratch => Confidence::Certain,
            Base::Image(image) if image.is_known() && is_plain(&image.value) => Confidence::Likely,
            // Another image may set whatever it likes; then only what the file itself says of the name counts.
            Base::Image(_) if declared.is_some() || near.is_some() => Confidence::Likely,
            Base::Image(_) => continue,
        };
        let shown = &name.value;
        let finding =
            cx.report(name.span, format!("`{shown}` has no value here: neither ARG nor ENV of this stage sets it"));
        finding.confidence(confidence);
        match (declared, near) {
            (Some((span, first_from)), _) => {
                let note = match span {
                    span if span.start > name.span.start => "it is declared only here, behind its use",
                    span if span.start < first_from.start => "an ARG before the first FROM counts in FROM only",
                    _ => "it is declared in another stage",
                };
                finding.related(span, note).help(format!("put `ARG {shown}` into this stage, before its first use"));
            }
            (None, Some(near)) => drop(finding.help(format!("did you mean `{near}`?"))),
            (None, None) => drop(finding.help(format!("declare it with `ARG {shown}`, or give it a value with ENV"))),
        }
    }
}

fn is_plain(image: &str) -> bool {
    let parts = split(image);
    parts.registry.is_none() && PLAIN_BASES.contains(&parts.repository.as_str())
}

/// Whether the variable is put in front of or behind itself (`ENV CLASSPATH=$CLASSPATH:/x`), whatever it was before.
fn extends_itself(dockerfile: &Dockerfile, node: &StageNode, name: &Spanned<String>) -> bool {
    let Some(stage) = dockerfile.stages.get(node.index) else { return false };
    dockerfile.instructions[stage.body.clone()].iter().any(|instruction| match &instruction.kind {
        Kind::Env(pairs) => pairs.iter().any(|pair| pair.key.value == name.value && pair.span.contains(name.span)),
        _ => false,
    })
}

/// Where the file declares a name, and its first FROM.
fn declaration(dockerfile: &Dockerfile, name: &str) -> Option<(Span, Span)> {
    let first_from = dockerfile.instructions[dockerfile.stages.first()?.from].span;
    let span = dockerfile.instructions.iter().find_map(|instruction| match &instruction.kind {
        Kind::Arg(declarations) => declarations.iter().find(|arg| arg.name.value == name).map(|arg| arg.span),
        Kind::Env(pairs) => pairs.iter().find(|pair| pair.key.value == name).map(|pair| pair.span),
        _ => None,
    })?;
    Some((span, first_from))
}

/// A name of the stage that the undefined one is probably meant to be.
fn near<'a>(config: &'a ImageConfig, name: &str) -> Option<&'a str> {
    if name.len() < 4 {
        return None;
    }
    let args = config.args.iter().filter(|arg| arg.stage.is_some()).map(|arg| arg.name.value.as_str());
    let names: Vec<&str> = args.chain(config.env.iter().map(|entry| entry.name.as_str())).collect();
    let same = names.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
    same.or_else(|| names.into_iter().find(|known| text::edit_distance(name, known, 1).is_some()))
}
