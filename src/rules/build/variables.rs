//! Variables that have no value where they are used.

use std::collections::{HashMap, HashSet};

use super::super::Cx;
use super::stage_path;
use crate::container::image::split;
use crate::finding::Confidence;
use crate::source::Span;
use crate::syntax::dockerfile::{Base, Dockerfile, Evaluator, ImageConfig, Kind};
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

/// Names without a value that are reported of one stage: what comes behind has the same cause more often than not.
const MOST_NAMES: usize = 20;

pub(in crate::rules) fn undefined_variable(dockerfile: &Dockerfile, cx: &mut Cx) {
    let mut file = None;
    for (index, stage) in dockerfile.stages.iter().enumerate() {
        let instructions = &dockerfile.instructions[stage.body.clone()];
        // Most stages are done with here: what has no `$` has no variable.
        let mut texts = instructions.iter().flat_map(|instruction| {
            let bodies = instruction.heredocs.iter().map(|heredoc| &heredoc.body);
            bodies.chain(instruction.rest()).chain(instruction.flags.iter().filter_map(|flag| flag.value.as_ref()))
        });
        if texts.any(|text| text.value.contains('$')) {
            let (evaluator, declarations) =
                file.get_or_insert_with(|| (Evaluator::new(dockerfile, &[]), declarations(dockerfile)));
            undefined_in_stage(dockerfile, index, &evaluator.config(index), declarations, cx);
        }
    }
}

fn undefined_in_stage(
    dockerfile: &Dockerfile,
    index: usize,
    config: &ImageConfig,
    declarations: &HashMap<&str, Span>,
    cx: &mut Cx,
) {
    let from_of = |stage: usize| Some(dockerfile.instructions[dockerfile.stages.get(stage)?.from].span.start);
    let first_from = from_of(0).unwrap_or(0);
    let own = from_of(index).unwrap_or(0)..from_of(index + 1).unwrap_or(u32::MAX);
    let plain = match &config.base {
        Base::Scratch => Some(Confidence::Certain),
        Base::Image(image) => (image.is_known() && is_plain(&image.value)).then_some(Confidence::Likely),
    };
    let extended = extended(dockerfile, index);
    let mut seen = HashSet::new();
    let names = config.undefined.iter().filter(|name| own.contains(&name.span.start));
    let names = names.filter(|name| !extended.contains(&(name.value.as_str(), name.span.start)));
    for name in names.filter(|name| seen.insert(name.value.as_str())).take(MOST_NAMES) {
        let declared = declarations.get(name.value.as_str()).copied();
        let near = near(config, &name.value);
        // Another base may set whatever it likes; then only what the file itself says of the name counts.
        let known = (declared.is_some() || near.is_some()).then_some(Confidence::Likely);
        let Some(confidence) = plain.or(known) else { continue };
        let shown = &name.value;
        let message = format!("`{shown}` has no value here: neither ARG nor ENV of this stage sets it");
        let finding = cx.report(name.span, message);
        finding.confidence(confidence).inside(&stage_path(dockerfile, index));
        match (declared, near) {
            (Some(span), _) => {
                let note = match span {
                    span if span.start < first_from => "an ARG before the first FROM counts in FROM only",
                    span if own.contains(&span.start) => "it is declared only here, behind its use",
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

/// The variables that a stage puts in front of or behind themselves (`ENV CLASSPATH=$CLASSPATH:/x`), whatever they were
/// before: name and place.
fn extended(dockerfile: &Dockerfile, stage: usize) -> HashSet<(&str, u32)> {
    let instructions = &dockerfile.instructions[dockerfile.stages[stage].body.clone()];
    let pairs = instructions.iter().flat_map(|instruction| match &instruction.kind {
        Kind::Env(pairs) => pairs.as_slice(),
        _ => &[],
    });
    let uses = pairs.flat_map(|pair| {
        let name = pair.key.value.as_str();
        let value = pair.value.value.as_str();
        let found = value.match_indices(name).filter(|_| !name.is_empty());
        found.map(move |(at, _)| (name, pair.value.span_of(at..at + name.len()).start))
    });
    uses.collect()
}

/// Where the file declares each name for the first time.
fn declarations(dockerfile: &Dockerfile) -> HashMap<&str, Span> {
    let mut declarations = HashMap::new();
    for instruction in &dockerfile.instructions {
        match &instruction.kind {
            Kind::Arg(args) => {
                for arg in args {
                    declarations.entry(arg.name.as_str()).or_insert(arg.span);
                }
            }
            Kind::Env(pairs) => {
                for pair in pairs {
                    declarations.entry(pair.key.as_str()).or_insert(pair.span);
                }
            }
            _ => {}
        }
    }
    declarations
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
