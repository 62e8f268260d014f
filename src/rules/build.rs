//! How images are built: instructions, stages, contexts.

mod commands;
mod context;
mod instructions;
mod stages;
mod variables;

pub(super) use commands::*;
pub(super) use context::*;
pub(super) use instructions::*;
pub(super) use stages::*;
pub(super) use variables::*;

use super::Cx;
use crate::container::CommandLine;
use crate::project::StageNode;
use crate::syntax::dockerfile::{Dockerfile, Instruction};

/// What the instructions of a stage execute.
fn commands_of<'a>(document: usize, stage: usize, cx: &Cx<'a>) -> &'a [CommandLine] {
    // They are collected document by document and stage by stage.
    let commands = cx.project.commands.as_slice();
    let place = |command: &CommandLine| (command.scope.document, command.scope.stage);
    let start = commands.partition_point(|command| place(command) < (document, Some(stage)));
    let length = commands[start..].partition_point(|command| place(command) == (document, Some(stage)));
    &commands[start..start + length]
}

/// The instructions of a stage behind its FROM; what ONBUILD keeps for later stands as the ONBUILD.
fn body<'a>(node: &StageNode, cx: &Cx<'a>) -> Option<(&'a Dockerfile, &'a [Instruction])> {
    let dockerfile = cx.project.dockerfile(node.scope.document)?;
    let stage = dockerfile.stages.get(node.index)?;
    Some((dockerfile, dockerfile.instructions.get(stage.body.clone())?))
}

/// The logical path of a stage in its file, for rules over whole files.
fn stage_path(dockerfile: &Dockerfile, index: usize) -> String {
    let name = dockerfile.stages.get(index).and_then(|stage| stage.name.as_ref());
    name.map_or_else(|| format!("stages.{index}"), |name| format!("stages.{}", name.value))
}
