//! Secrets that show by their format wherever they stand in a file.

use super::Cx;
use crate::secret::{name, token};
use crate::source::{FileId, Source, Span};
use crate::syntax::Document;

pub(in crate::rules) fn hardcoded_secret_value(source: &Source, cx: &mut Cx) {
    let Some(file) = cx.sources.find(&source.path) else { return };
    for token in cx.project.formats(file).tokens.iter().filter(|token| !token.sample) {
        let name = named_by(&source.text, token.range.start);
        let message = match name {
            Some(name) => format!("`{name}` is {} that is written here", token.kind),
            None => format!("{} is written here", token.kind),
        };
        let kind = token.kind.split_once(' ').map_or(token.kind, |(_, kind)| kind);
        cx.report(place_of(token, file, &source.text), message)
            .help("revoke it, since it is in the history of the repository; keep the new one outside")
            .evidence(format!("{kind} {}", name.unwrap_or_default()));
    }
}

pub(in crate::rules) fn credential_in_connection_string(document: &Document, cx: &mut Cx) {
    let comments = match document {
        Document::Dockerfile(document) => &document.comments,
        Document::Compose(document) => &document.comments,
        Document::Supervisor(document) => &document.comments,
        Document::Nginx(document) => &document.comments,
        // What is local to a machine belongs there.
        Document::Dotenv(_) => return,
    };
    let file = document.file();
    let text = &cx.sources.get(file).text;
    for connection in cx.project.formats(file).connections.iter().filter(|connection| !connection.sample) {
        let span = Span::new(file, connection.range.clone());
        let next = comments.partition_point(|comment| comment.end <= span.start);
        let commented = comments.get(next).is_some_and(|comment| comment.start <= span.start);
        if commented || !token::find(&text[connection.password.clone()]).is_empty() {
            continue;
        }
        cx.report(span, format!("the password of {} is written here", connection.label))
            .help("put the password in from outside: `${NAME:?}` in Compose, a mounted secret elsewhere")
            .evidence(connection.label.clone());
    }
}

/// Where a token is shown: of a key in several lines, the line in front of it.
pub(super) fn place_of(token: &token::Token, file: FileId, text: &str) -> Span {
    let first = text[token.range.clone()].lines().next().unwrap_or_default();
    match first.is_empty() {
        true => Span::new(file, line_start(text, token.range.start)..token.range.start),
        false => Span::new(file, token.range.start..token.range.start + first.len()),
    }
}

fn line_start(text: &str, at: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |end| end + 1)
}

/// The name that a value at `at` is written for (`NAME=value`, `name: "value"`), where it is a credential's.
pub(super) fn named_by(text: &str, at: usize) -> Option<&str> {
    let front = text[line_start(text, at)..at].trim_end_matches(['"', '\'', ' ', '\t', '\\']);
    let front = front.strip_suffix(['=', ':'])?.trim_end_matches(['"', '\'', ' ', '\t', '\\']);
    let start = front.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-' && c != '.');
    let found = &front[start.map_or(0, |at| at + front[at..].chars().next().map_or(1, char::len_utf8))..];
    (name::is_sensitive(found) && found.len() <= 64).then_some(found)
}
