//! How a stage is put together.

use std::collections::HashMap;

use super::super::Cx;
use super::{body, stage_path};
use crate::project::StageNode;
use crate::source::Span;
use crate::syntax::dockerfile::{Dockerfile, Evaluator, Instruction, Kind};

pub(in crate::rules) fn repeated_cmd(node: &StageNode, cx: &mut Cx) {
    repeated(node, cx, |kind| matches!(kind, Kind::Cmd(_)));
}

pub(in crate::rules) fn repeated_entrypoint(node: &StageNode, cx: &mut Cx) {
    repeated(node, cx, |kind| matches!(kind, Kind::Entrypoint(_)));
}

/// Reports every instruction of that kind but the last one of the stage, which is the one that counts.
fn repeated(node: &StageNode, cx: &mut Cx, is_it: impl Fn(&Kind) -> bool) {
    let Some((_, instructions)) = body(node, cx) else { return };
    let Some(last) = instructions.iter().rfind(|instruction| is_it(&instruction.kind)) else { return };
    let all: Vec<&Instruction> = instructions.iter().filter(|instruction| is_it(&instruction.kind)).collect();
    for earlier in &all[..all.len() - 1] {
        let keyword = earlier.keyword.value.to_ascii_uppercase();
        let finding =
            cx.report(earlier.span, format!("this {keyword} has no effect: another one follows in the same stage"));
        finding.related(last.span, "this one counts").help("remove it, or run both from one script");
    }
}

pub(in crate::rules) fn relative_workdir(dockerfile: &Dockerfile, cx: &mut Cx) {
    let mut evaluator = None;
    for (index, stage) in dockerfile.stages.iter().enumerate() {
        let first =
            dockerfile.instructions[stage.body.clone()].iter().find_map(|instruction| match &instruction.kind {
                Kind::Workdir(path) => Some(path),
                _ => None,
            });
        // What starts with a backslash is absolute to Windows.
        let plainly_absolute = |path: &str| path.trim_start_matches(['"', '\'']).starts_with(['/', '\\']);
        let Some(path) = first.filter(|path| !plainly_absolute(&path.value)) else { continue };
        let evaluator = evaluator.get_or_insert_with(|| Evaluator::new(dockerfile, &[]));
        if evaluator.config(index).relative_workdir != Some(path.span) {
            continue;
        }
        let shown = path.value.trim_matches(['"', '\'']);
        let message = format!("`{shown}` is relative to a directory that only the base image knows");
        let finding = cx.report(path.span, message);
        finding.help(format!("write the whole path: `WORKDIR /{}`", shown.trim_start_matches("./")));
        finding.inside(&stage_path(dockerfile, index));
    }
}

pub(in crate::rules) fn duplicate_stage_name(dockerfile: &Dockerfile, cx: &mut Cx) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    for name in dockerfile.stages.iter().filter_map(|stage| stage.name.as_ref()) {
        match first.get(name.value.as_str()) {
            None => drop(first.insert(&name.value, name.span)),
            Some(&earlier) => {
                let finding = cx.report(name.span, format!("another stage is called `{}` already", name.value));
                finding.related(earlier, "the first one; what names it behind the second means the second");
                finding.help("give it a name of its own");
            }
        }
    }
}
