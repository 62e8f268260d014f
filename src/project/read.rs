//! Text into documents, each file once.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::Failure;
use crate::source::{FileId, Kind, Skipped, Source, Sources, Span};
use crate::syntax::{self, Document};

/// Parses every file, in parallel.
pub fn parse_all(sources: &Sources) -> (Vec<Document>, Vec<Failure>) {
    let mut files: Vec<(FileId, &Source)> = sources.iter().collect();
    // The largest first and in small portions, so that no thread is left with one when the others are done.
    files.sort_by_key(|(_, source)| Reverse(source.text.len()));
    let parsed: Vec<_> = files.par_iter().with_max_len(4).map(|(id, source)| parse(*id, source)).collect();
    let (mut documents, mut failures) = (Vec::new(), Vec::new());
    for result in parsed {
        match result {
            Ok(document) => documents.extend(document),
            Err(failure) => failures.push(failure),
        }
    }
    failures.sort_by_key(|failure: &Failure| failure.file);
    (documents, failures)
}

/// Parses one file; a panic costs that file alone.
pub fn parse(id: FileId, source: &Source) -> Result<Option<Document>, Failure> {
    Failure::or(Some(id), "parsing", || {
        #[cfg(test)]
        crate::broken::at("parsing", &source.text);
        syntax::parse(id, source)
    })
}

/// The documents whose bytes their program refuses: go-yaml and Python read nothing but UTF-8, while nginx and BuildKit
/// take bytes as they come.
pub fn refused(sources: &Sources, documents: &[Document]) -> Vec<Skipped> {
    let files = documents.iter().map(|document| (document.file(), sources.get(document.file())));
    let refused = files.filter(|(_, source)| source.recoded).filter_map(|(file, source)| {
        let program = match source.kind {
            Kind::Compose => "Compose",
            Kind::Supervisor => "supervisord",
            _ => return None,
        };
        let reason = format!("it is not UTF-8, which {program} needs");
        Some(Skipped { path: source.path.clone(), reason, gap: Some(Span::at(file, 0)) })
    });
    refused.collect()
}
