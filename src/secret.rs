//! What is a secret: by its name and by its value.
//!
//! Two questions are asked of a value, with two answers. Whether to report it: only where its name is a credential's AND
//! the value can be one, since a false alarm costs trust. Whether to show it: never where it might be one, since what is
//! written to a log cannot be taken back. [`spans`] answers the second for every file that was read.

pub mod line;
pub mod name;
mod text;
pub mod token;
pub mod url;
pub mod value;

use rayon::prelude::*;

pub use name::Shape;
pub use value::Verdict;

use crate::container::Env;
use crate::project::Project;
use crate::source::{Sources, Span, Spanned};
use crate::syntax::Document;
use crate::syntax::compose::KeyValue;

/// Where secret values stand in the files, sorted and without overlap.
pub fn spans(project: &Project, sources: &Sources) -> Vec<Span> {
    let files: Vec<_> = sources.iter().collect();
    let mut spans: Vec<Span> = files
        .par_iter()
        .flat_map_iter(|(file, source)| text::find(&source.text).into_iter().map(|range| Span::new(*file, range)))
        .collect();
    for env in project.envs.iter().filter(|env| name::is_sensitive(&env.name.value)) {
        if let Some(value) = &env.value {
            hide(value.span, &env.literals, sources, &mut spans);
        }
    }
    let given = project.commands.par_iter().flat_map_iter(line::given);
    spans.par_extend(given.filter(|given| !matches!(given.verdict, Verdict::Plain)).map(|given| given.span));
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
    merge(spans)
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

/// A value that is written for an environment variable whose name is a credential's.
#[derive(Debug)]
pub struct Written<'a> {
    /// What the name says.
    pub shape: Shape,
    /// What the value is.
    pub verdict: Verdict,
    /// The value, and its place.
    pub literal: Spanned<&'a str>,
}

/// What an environment variable gives away by name and value; nothing where another rule speaks of the value, since it
/// is a vendor's token or a connection string.
pub fn written(env: &Env) -> Option<Written<'_>> {
    let name = env.name.value.as_str();
    let separator = behind_user(name);
    let shape = if separator.is_some() { Shape::Password } else { name::shape(name)? };
    let judged = env.literals.iter().filter_map(|literal| {
        let value = match separator {
            // What a password is checked with begins with a dollar sign.
            Some(separator) => literal.value.split_once(separator).filter(|(_, value)| !value.starts_with('$'))?.1,
            None => literal.value.as_str(),
        };
        let elsewhere = !url::find(value).is_empty() || !token::find(value).is_empty();
        let verdict = if is_own_name(name, value) { own(shape) } else { value::judge(shape, value) };
        (!elsewhere).then(|| Written { shape, verdict, literal: Spanned::new(value, literal.span) })
    });
    judged.max_by_key(|written| match written.verdict {
        Verdict::Plain => 0,
        Verdict::Placeholder => 1,
        Verdict::Default => 2,
        Verdict::Secret { .. } => 3,
    })
}

/// What stands between a user and a password where a variable has both: the image of Neo4j takes `user/password`, HTTP
/// `user:password`.
fn behind_user(name: &str) -> Option<char> {
    match name {
        "NEO4J_AUTH" => Some('/'),
        "BASIC_AUTH" => Some(':'),
        _ => name.ends_with("_BASIC_AUTH").then_some(':'),
    }
}

/// Whether a value is the name of a variable: its own, or another credential's in capitals.
fn is_own_name(name: &str, value: &str) -> bool {
    // An interpolation that was forgotten, or a secret of a test.
    let capitals = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    value.eq_ignore_ascii_case(name) || value.contains('_') && value.bytes().all(capitals) && name::is_sensitive(value)
}

/// What the name of a variable is as a value.
fn own(shape: Shape) -> Verdict {
    if shape >= Shape::Secret { Verdict::Default } else { Verdict::Placeholder }
}

#[cfg(test)]
mod tests;
