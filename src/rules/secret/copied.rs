//! Files with credentials that a build copies into the image, by their names.

use super::Cx;
use crate::finding::{Confidence, Severity};
use crate::project::StageNode;
use crate::project::path;
use crate::secret::files::{becomes, holds, logs_in};
use crate::secret::{self, Verdict};
use crate::syntax::Document;
use crate::syntax::dockerfile::Kind;

pub(in crate::rules) fn secret_file_copied(stage: &StageNode, cx: &mut Cx) {
    if !stage.reachable {
        return;
    }
    let project = cx.project;
    let Some(dockerfile) = project.dockerfile(stage.scope.document) else { return };
    let Some(body) = dockerfile.stages.get(stage.index).map(|stage| stage.body.clone()) else { return };
    for instruction in body.filter_map(|at| dockerfile.effective(at)) {
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else { continue };
        let from_stage = instruction.flag_value("from").is_some();
        for source in &transfer.sources {
            let destination = transfer.destination.as_str();
            let found = holds(source.as_str(), destination).or_else(|| becomes(source.as_str(), destination));
            let Some((what, sure)) = found else { continue };
            if !from_stage && is_harmless(source.as_str(), stage, cx) {
                continue;
            }
            let file = source.as_str().rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
            let message = match stage.shipped {
                true => format!("`{file}` ({what}) is copied into the image"),
                false => format!("`{file}` ({what}) is copied into a build stage"),
            };
            let finding = cx.report(source.span, message);
            finding
                .help("mount it for the one step that needs it: `RUN --mount=type=secret,id=…`")
                .evidence(source.as_str());
            if !sure {
                finding.severity(Severity::Medium).confidence(Confidence::Likely);
            }
            if !stage.shipped {
                finding.severity(Severity::Info);
            }
        }
    }
}

/// Whether the file is one of the repository that holds no secret: a `.env` file, or a `.npmrc` with settings alone.
fn is_harmless(source: &str, stage: &StageNode, cx: &Cx) -> bool {
    let document = stage.scope.document;
    let owners = cx.project.owners[document].iter();
    let contexts = owners.filter_map(|&owner| Some(cx.project.containers[owner].built.as_ref()?.context.as_str()));
    let mut paths = contexts.filter_map(|context| path::join(context, source));
    if source.ends_with(".npmrc") {
        let text = paths.find_map(|path| cx.sources.store().read(&path).ok());
        return text.is_some_and(|text| !logs_in(&String::from_utf8_lossy(&text)));
    }
    let Some(file) = paths.find_map(|path| cx.sources.find(&path)) else { return false };
    let document = cx.project.document_of(file).map(|id| &cx.project.documents[id]);
    let Some(Document::Dotenv(_)) = document else { return false };
    let own = cx.project.envs.iter().filter(|env| env.span.file == file);
    own.filter_map(secret::written).all(|written| matches!(written.verdict, Verdict::Plain | Verdict::Placeholder))
}
