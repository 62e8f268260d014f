//! Where secrets stand in the files of a project: what no output may show.

use rayon::prelude::*;

use crate::project::Project;
use crate::secret::{Verdict, line, name, text as secret_text, value};
use crate::source::{Sources, Span, Spanned};
use crate::syntax::Document;
use crate::syntax::compose::KeyValue;

/// Where secret values stand in the files, sorted and without overlap.
pub fn spans(project: &Project, sources: &Sources) -> Vec<Span> {
    let files: Vec<_> = sources.iter().collect();
    let mut spans: Vec<Span> = files
        .par_iter()
        .flat_map_iter(|(file, source)| {
            secret_text::find(&source.text, project.formats(*file)).into_iter().map(|range| Span::new(*file, range))
        })
        .collect();
    for env in project.envs.iter().filter(|env| name::is_sensitive(&env.name.value)) {
        if let Some(value) = &env.value {
            hide(value.span, &env.literals, sources, &mut spans);
        }
    }
    let given = project.commands.par_iter().flat_map_iter(line::given);
    let hidden = |given: &line::Given| !matches!(given.verdict, Verdict::Plain) || !value::may_be_shown(&given.value);
    spans.par_extend(given.filter(hidden).map(|given| given.span));
    for document in &project.documents {
        match document {
            Document::Supervisor(document) => {
                let settings = document.sections.iter().flat_map(|section| &section.options);
                for setting in settings.filter(|setting| name::is_sensitive(&setting.name.value)) {
                    hide(setting.value.span, &[], sources, &mut spans);
                }
            }
            Document::Compose(document) => {
                spans.extend(document.secrets.iter().filter_map(|secret| Some(secret.content.as_ref()?.span)));
                let labels = document.services.iter().flat_map(|service| &service.labels);
                let options = document.volumes.iter().flat_map(|volume| &volume.driver_opts);
                for pair in labels.chain(options) {
                    hide_pair(pair, sources, &mut spans);
                }
            }
            _ => {}
        }
    }
    merge(spans.into_iter().map(|span| sources.resolve(span)).collect())
}

fn hide_pair(pair: &KeyValue, sources: &Sources, spans: &mut Vec<Span>) {
    if let Some(value) = pair.value.as_ref().filter(|_| name::is_sensitive(&pair.key.value)) {
        hide(value.span, &[], sources, spans);
    }
}

/// Hides a value under a sensitive name: the defaults of a variable, else all of it, unless it is plainly no secret.
fn hide(span: Span, literals: &[Spanned<String>], sources: &Sources, spans: &mut Vec<Span>) {
    let written = sources.text(span);
    if value::may_be_shown(written) {
        return;
    }
    let bare = written.trim_matches(['"', '\'']);
    if bare.starts_with("${") && bare.ends_with('}') && bare.matches("${").count() == 1 && !literals.is_empty() {
        spans.extend(literals.iter().map(|literal| literal.span));
    } else {
        spans.push(span);
    }
}

/// Sorts spans and joins those that overlap or touch.
fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.file == span.file && span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}
