//! Where secrets stand in the files of a project: what no output may show.

use rayon::prelude::*;

use crate::project::{FORMATS, Failure, Project};
use crate::secret::known::{Known, may_be_secret};
use crate::secret::{Verdict, line, name, text as secret_text, value};
use crate::source::{Sources, Span, Spanned, mask};
use crate::syntax::Document;
use crate::syntax::compose::KeyValue;

/// Sections of supervisord that a login stands in, and the options of them that are no part of it: a password under a
/// misspelt name is one, too.
const LOGGING_IN: [&str; 3] = ["inet_http_server", "unix_http_server", "supervisorctl"];
const SHOWN: [&str; 9] =
    ["port", "file", "chmod", "chown", "username", "serverurl", "prompt", "history_file", "environment"];

/// The secrets of a project.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Where secret values stand in the files, sorted and without overlap.
    pub spans: Vec<Span>,
    /// Those of them that are known wherever they stand.
    pub known: Known,
}

impl Secrets {
    /// The texts of those at `place` that are no words which may stand in a sentence about them as well.
    pub fn telling_at<'a>(&self, place: Span, sources: &'a Sources) -> impl Iterator<Item = &'a str> {
        /// Bytes of the shortest and of the longest text that is taken out of sentences.
        const LENGTHS: std::ops::RangeInclusive<usize> = 6..=4096;
        let first = self.spans.partition_point(|span| (span.file, span.end) <= (place.file, place.start));
        // A place is a line or a few: what is about more names none of them.
        const MOST: usize = 64;
        let here = self.spans[first..].iter().take_while(move |span| span.overlaps(place)).take(MOST);
        // What the place shows all the same, as the name of a user that is the password too, is no secret there.
        let shown = here.clone().next().map(|_| {
            let text = sources.text(place);
            mask(&text[..text.floor_char_boundary(LENGTHS.end() * 4)], place, &self.spans)
        });
        let shown = shown.unwrap_or_default();
        let texts = here.map(|span| sources.text(*span)).filter(|text| may_be_secret(text));
        // What reads as a path may be named by its last part.
        let texts = texts.flat_map(|text| [Some(text), text.rsplit_once('/').map(|(_, last)| last)]).flatten();
        texts.filter(move |text| !shown.contains(text) && LENGTHS.contains(&text.len()))
    }
}

/// The secrets of a project.
///
/// # Panics
/// When looking for them breaks: what is not known to be secret would be shown.
pub fn secrets(project: &Project, sources: &Sources) -> Secrets {
    let formats = project.failures.iter().find(|failure| failure.doing == FORMATS).cloned();
    let found = match formats {
        Some(failure) => Err(failure),
        None => Failure::or(None, "hiding secrets", || find(project, sources)),
    };
    found.unwrap_or_else(|Failure { doing, message, .. }| {
        panic!("{doing} broke, so that nothing can be shown: {message}");
    })
}

fn find(project: &Project, sources: &Sources) -> Secrets {
    let (mut spans, given) = written(project, sources);
    let resolved: Vec<Span> = spans.iter().map(|span| sources.resolve(*span)).collect();
    let texts = resolved.iter().map(|span| sources.text(*span));
    // What a variable gets from another file stands there under any name.
    let sensitive = project.envs.iter().filter(|env| env.known && name::is_sensitive(&env.name.value));
    let values = sensitive.filter_map(|env| env.value.as_ref()).map(|value| value.value.as_str());
    let containers = project.containers.iter().map(|container| container.name.as_str());
    let repositories = project.images.iter().map(|image| image.repository.as_str());
    let mut names: Vec<&str> = containers.chain(repositories).collect();
    names.sort_unstable();
    let known = Known::new(texts.chain(values).chain(given.iter().map(String::as_str)), &names);
    if !known.is_empty() {
        let files: Vec<_> = sources.iter().collect();
        spans.par_extend(
            files.par_iter().flat_map_iter(|(file, source)| {
                known.find(&source.text).into_iter().map(|range| Span::new(*file, range))
            }),
        );
    }
    Secrets { spans: merge(spans.into_iter().map(|span| sources.resolve(span)).collect()), known }
}

/// Where the files and what they mean show secrets, in no order, and what command lines give for credentials with their
/// variables put in.
fn written(project: &Project, sources: &Sources) -> (Vec<Span>, Vec<String>) {
    let files: Vec<_> = sources.iter().collect();
    let mut spans: Vec<Span> = files
        .par_iter()
        .flat_map_iter(|(file, source)| {
            #[cfg(test)]
            crate::broken::at("hiding secrets", &source.text);
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
    let given: Vec<line::Given> = given.filter(hidden).collect();
    spans.extend(given.iter().map(|given| given.span));
    let given = given.into_iter().map(|given| given.value).collect();
    for document in &project.documents {
        match document {
            Document::Supervisor(document) => {
                for section in &document.sections {
                    let logs_in = LOGGING_IN.contains(&section.name.value.as_str());
                    let settings = section.options.iter().filter(|setting| {
                        let name = setting.name.value.as_str();
                        name::is_sensitive(name) || logs_in && !SHOWN.contains(&name)
                    });
                    settings.for_each(|setting| hide(setting.value.span, &[], sources, &mut spans));
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
            Document::Nginx(document) => {
                // `map $http_x_api_key $allowed { "…" 1; }`: what the key is compared with.
                let maps = document.walk().map(|step| step.directive).filter(|directive| directive.is("map"));
                let maps = maps.filter(|map| map.argument(0).is_some_and(name::is_sensitive));
                for entry in maps.flat_map(|map| map.children()) {
                    if !["default", "hostnames", "include", "volatile"].contains(&entry.name.as_str()) {
                        hide(entry.name.span, &[], sources, &mut spans);
                    }
                }
            }
            _ => {}
        }
    }
    (spans, given)
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
