//! Configs that are put into a container by something else than a COPY of files or a bind mount: here-documents of its
//! Dockerfile, and `configs` of its service.

use super::Landed;
use crate::container::Container;
use crate::project::link::Linker;
use crate::project::path;
use crate::source::Text;
use crate::syntax::dockerfile::{Instruction, Kind};

/// What the here-documents of the container's stages write, with the absolute paths.
pub(super) fn by_image(linker: &Linker, container: &Container) -> Vec<(Landed, String)> {
    let mut placed = Vec::new();
    let Some(built) = &container.built else { return placed };
    let Some(dockerfile) = linker.dockerfile(built.document) else { return placed };
    for &stage in &built.config.chain {
        for at in dockerfile.stages[stage].body.clone() {
            let Some(instruction) = dockerfile.effective(at) else { continue };
            if instruction.heredocs.is_empty() {
                continue;
            }
            match &instruction.kind {
                Kind::Copy(transfer) | Kind::Add(transfer) => {
                    let destination = &transfer.destination.value;
                    for heredoc in &instruction.heredocs {
                        let into_folder = destination.ends_with('/') || instruction.heredocs.len() > 1;
                        let name = if into_folder { heredoc.name.value.as_str() } else { "" };
                        let inside = path::absolute("/", &format!("{destination}/{name}"));
                        placed.push((Landed::Text(heredoc.body.clone()), inside));
                    }
                }
                Kind::Run(_) => placed.extend(written(instruction)),
                _ => {}
            }
        }
    }
    placed
}

/// What `cat <<EOF > FILE` or `tee FILE <<EOF` writes.
fn written(instruction: &Instruction) -> Option<(Landed, String)> {
    let [heredoc] = &*instruction.heredocs else { return None };
    let Kind::Run(crate::syntax::dockerfile::Invocation::Shell(text)) = &instruction.kind else { return None };
    let line = text.value.lines().next()?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_file = |word: &&str| word.starts_with('/') && !word.contains(['$', '*', '|', ';', '&']);
    let redirected = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix('>') {
        Some("") | Some(">") => words.get(at + 1).copied(),
        Some(file) => Some(file.trim_start_matches('>')),
        None => None,
    });
    let file = match *words.first()? {
        "cat" => redirected,
        "tee" => words.iter().skip(1).find(|word| !word.starts_with(['-', '<'])).copied(),
        _ => None,
    };
    let file = file.filter(is_file)?;
    Some((Landed::Text(heredoc.body.clone()), path::absolute("/", file)))
}

/// What the `configs` and `secrets` of the service bring, with the absolute paths: a file, or text of the Compose file.
pub(super) fn by_service(linker: &Linker, container: &Container) -> Vec<(Landed, String)> {
    let crate::container::Origin::Service { stack, .. } = container.origin else { return Vec::new() };
    let (Some(model), Some(service)) = (linker.model(stack), linker.service_of(container)) else { return Vec::new() };
    let mut placed = Vec::new();
    for reference in &service.uncommon.configs {
        let Some(config) = model.configs.iter().find(|config| config.name.value == reference.source.value) else {
            continue;
        };
        let default = format!("/{}", reference.source.value);
        let target = reference.target.as_ref().map_or(default, |target| target.value.clone());
        let what = match (&config.file, &config.content) {
            (Some(file), _) if file.known => {
                let directory = linker.stacks[stack].directory_of(file.span.file);
                path::join(directory, &file.value).map(Landed::File)
            }
            (None, Some(content)) => Some(Landed::Text(Text::clone(content.text()))),
            _ => None,
        };
        placed.extend(what.map(|what| (what, path::absolute("/", &target))));
    }
    placed
}
